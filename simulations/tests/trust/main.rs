//! Members, former members and strangers who follow no rule, with their real keys, among those who do.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails with a place")]

mod keys;

use std::collections::BTreeSet;

use rand_chacha::ChaCha20Rng;
use weft_simulations::puppet::{Pen, Puppet};
use weft_simulations::{Plan, World, seeds};
use weft_sync::acl::{Acl, AclOperation, Class, OpRef};
use weft_sync::entry::KeyRequest;
use weft_sync::epoch::{Cover, Epoch};
use weft_sync::replica::Input;
use weft_sync::workspace::{self, RemovedBy};
use weft_sync::{ClearBody as _, Entry, EntryId, EntryRef, EpochId, Kind, Lane, UserId};

/// Nothing happens by itself, except invitations at the beginning.
fn quiet(devices: usize, admins: usize) -> Plan {
    Plan {
        devices,
        admins,
        writes: 0,
        drops: 0,
        partitions: 0,
        crashes: 0,
        reboots: 0,
        repeats_per_mille: 0,
        busy_millis: 3_000,
        ..Plan::default()
    }
}

/// A world in which all are in, and everybody who may write has written.
fn world(seed: u64, plan: Plan) -> World {
    let mut world = World::new(seed, plan);
    let at_rest = world.run(60_000);
    world.assert_well(seed, at_rest);
    for node in 0..world.nodes.len() {
        if world.nodes[node].may_write() {
            world.write_now(node);
        }
    }
    settle(&mut world, seed);
    world
}

fn settle(world: &mut World, seed: u64) {
    let wrong = world.settle_honest(60_000);
    assert!(wrong.is_empty(), "SEED={seed} (set WEFT_SEED={seed} to repeat)\n{}", wrong.join("\n"));
}

fn pass(world: &mut World, millis: u64) {
    let until = world.now + millis;
    world.run_until(until);
}

fn best(world: &World, node: usize) -> EpochId {
    world.membership(node).usable_epochs()[0].epoch
}

fn class(world: &World, node: usize, of: usize) -> Option<Class> {
    world.membership(node).class_of(&world.nodes[of].user())
}

/// Whether what an entry says was taken in anywhere.
fn is_read(world: &World, entry: &Entry) -> bool {
    world.members().any(|node| world.nodes[node].content.contains_key(&entry.entry_ref()))
}

fn is_held(world: &World, entry: &Entry) -> bool {
    let at = entry.entry_ref();
    world.members().any(|node| world.nodes[node].store.id_at(&at.log, at.seq) == Some(at.id))
}

/// The Data entries among these.
fn data(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    entries.iter().filter(|entry| entry.header.kind == Kind::Data)
}

/// Everybody who may writes once, and nobody who was put out has a key for it.
fn goes_on_without(world: &mut World, gone: &[usize], seed: u64) {
    let before = world.nodes[0].store.len();
    let writers: Vec<usize> = world.members().filter(|node| world.nodes[*node].may_write()).collect();
    let content = world.nodes[0].content.len();
    for node in &writers {
        world.write_now(*node);
    }
    settle(world, seed);
    assert_eq!(world.nodes[0].content.len(), content + writers.len(), "SEED={seed}: an edit is missing");
    let new = world.entries(0).split_off(before);
    let epochs: BTreeSet<EpochId> = data(&new)
        .filter(|entry| is_by_members(world, entry))
        .filter_map(|entry| entry.header.epoch)
        .collect();
    assert!(!epochs.is_empty(), "SEED={seed}: nothing was written");
    for node in gone {
        world.reconnect(*node);
    }
    pass(world, 5_000);
    for node in gone {
        let keyring = &world.puppet(*node).keyring;
        let known: Vec<&EpochId> = epochs.iter().filter(|epoch| keyring.key(epoch).is_some()).collect();
        assert!(known.is_empty(), "SEED={seed}: device {node} reads on");
    }
}

fn is_by_members(world: &World, entry: &Entry) -> bool {
    world.members().any(|node| entry.verify(&world.nodes[node].keys.public_key()).is_ok())
}

/// C is put out. With an accomplice who is still in, entries come that claim to be from before.
#[test]
fn nothing_that_is_dated_back_counts() {
    for seed in seeds(8) {
        let mut world = world(seed, quiet(5, 1));
        let (gone, accomplice) = (3, 4);
        let old = world.membership(0).heads();
        let epoch = best(&world, 0);
        let seen: Vec<EntryRef> = world.nodes[0].content.keys().copied().collect();
        world.remove(0, gone);
        settle(&mut world, seed);
        world.turn(gone);
        world.turn(accomplice);
        let owner = world.nodes[0].user();
        let forged = world.forge(gone, |puppet, rng| {
            let mut forged = puppet.data(1, b"from before".to_vec(), epoch, old.clone(), rng);
            forged.extend(puppet.data(1, b"and after that".to_vec(), epoch, old.clone(), rng));
            let via = puppet.founding();
            let me = puppet.user();
            let operations = vec![
                AclOperation::Grant { user: me, class: Class::Editor, via },
                AclOperation::Revoke { user: owner, via, seen: Vec::new() },
            ];
            forged.extend(puppet.acl(Pen::Device, 2, operations.clone(), old.clone()));
            forged.extend(puppet.acl(Pen::User, 3, operations, old.clone()));
            forged
        });
        world.carry(accomplice, &forged);
        pass(&mut world, 3_000);
        world.reconnect(accomplice);
        world.reconnect(gone);
        pass(&mut world, 5_000);
        settle(&mut world, seed);
        assert!(forged.iter().any(|entry| is_held(&world, entry)), "SEED={seed}: nothing was even heard");
        assert!(!data(&forged).any(|entry| is_read(&world, entry)), "SEED={seed}: it counts");
        assert_eq!(class(&world, 1, gone), None, "SEED={seed}");
        assert!(
            seen.iter().all(|at| world.nodes[1].content.contains_key(at)),
            "SEED={seed}: something seen is gone"
        );
        goes_on_without(&mut world, &[gone], seed);
    }
}

/// Before they are put out, C makes an epoch for all but one, dated so that nobody can say that it is new. An
/// accomplice wraps it again after the removal.
#[test]
fn nobody_writes_under_an_epoch_that_was_prepared() {
    for seed in seeds(8) {
        let mut world = world(seed, quiet(5, 1));
        let (gone, accomplice) = (3, 4);
        world.turn(gone);
        world.turn(accomplice);
        pass(&mut world, 4_000);
        let old = world.puppet(gone).heads();
        let left_out = Cover::Device(world.nodes[1].keys.device_id());
        let mut prepared = Vec::new();
        let mut made = EpochId::from_bytes([0; 16]);
        let forge = |puppet: &mut Puppet, rng: &mut ChaCha20Rng| {
            let (epoch, entries) = puppet.epoch(1, &[left_out], old.clone(), rng);
            made = epoch;
            prepared.extend(entries);
            Vec::new()
        };
        world.forge(gone, forge);
        world.remove(0, gone);
        settle(&mut world, seed);
        world.carry(gone, &prepared);
        world.carry(accomplice, &prepared);
        world.reconnect(accomplice);
        pass(&mut world, 4_000);
        // The accomplice has the key as well, and wraps it again, knowing of the removal.
        let key = world.puppet(gone).keyring.key(&made).unwrap().clone();
        let of = prepared.last().unwrap().id();
        world.forge(accomplice, |puppet, rng| {
            puppet.keyring.insert(key.clone());
            let recipients = puppet.membership.recipients();
            let rewrap = Epoch::rewrap(&key, of, &recipients, rng).unwrap();
            let heads = puppet.heads();
            puppet.control(Pen::Device, 2, &rewrap, heads)
        });
        pass(&mut world, 4_000);
        settle(&mut world, seed);
        assert!(prepared.iter().any(|entry| is_held(&world, entry)), "SEED={seed}: it was not heard");
        let usable = world.membership(1).usable_epochs();
        assert!(usable.iter().all(|state| state.epoch != made), "SEED={seed}: it is used");
        goes_on_without(&mut world, &[gone], seed);
    }
}

/// Chains of others, shown by somebody who may let nobody in.
#[test]
fn chains_of_others_let_nobody_in() {
    for seed in seeds(8) {
        let mut world = world(seed, quiet(4, 1));
        let hostile = 3;
        let stranger = world.add_stranger(0);
        world.turn(hostile);
        pass(&mut world, 4_000);
        let strange = world.nodes[stranger].chain.chain().clone();
        let strange_user = world.nodes[stranger].user();
        let admin = world.nodes[1].chain.chain().clone();
        let admin_user = world.nodes[1].user();
        let before: BTreeSet<_> = world.membership(0).live_devices().iter().map(|live| live.device).collect();
        world.forge(hostile, |puppet, _| {
            let (me, via) = (puppet.user(), puppet.via().unwrap());
            let owners = puppet.founding();
            let add = |user, chain| AclOperation::AddDev { user, label: None, chain };
            let operations = vec![
                add(strange_user, strange.clone()),
                AclOperation::Grant { user: strange_user, class: Class::Editor, via },
                add(strange_user, strange.clone()),
                AclOperation::Grant { user: strange_user, class: Class::Admin, via: owners },
                // A stranger's device for its own, and its own for an admin's.
                add(me, strange),
                add(admin_user, admin),
            ];
            let heads = puppet.heads();
            let mut forged = puppet.acl(Pen::Device, 1, operations.clone(), heads.clone());
            forged.extend(puppet.acl(Pen::User, 2, operations, heads));
            forged
        });
        world.forge(stranger, |puppet, _| {
            let (me, owners) = (puppet.user(), puppet.founding());
            let grant = AclOperation::Grant { user: me, class: Class::Admin, via: owners };
            let heads = puppet.heads();
            puppet.acl(Pen::Device, 1, vec![grant], heads)
        });
        pass(&mut world, 4_000);
        world.reconnect(stranger);
        pass(&mut world, 4_000);
        settle(&mut world, seed);
        let after: BTreeSet<_> = world.membership(0).live_devices().iter().map(|live| live.device).collect();
        assert_eq!(after, before, "SEED={seed}: another device is in");
        assert_eq!(class(&world, 1, stranger), None, "SEED={seed}");
        assert!(!world.membership(2).is_known(&strange_user), "SEED={seed}: the stranger is known");
    }
}

/// Two entries with one number, each told to one half of the network.
#[test]
fn two_tales_are_found_out_and_cost_nobody_else_anything() {
    for seed in seeds(8) {
        let mut world = world(seed, quiet(5, 1));
        let hostile = 4;
        world.turn(hostile);
        pass(&mut world, 4_000);
        let (epoch, heads) = (best(&world, 0), world.membership(0).heads());
        let mut both = Vec::new();
        let parts: [BTreeSet<usize>; 2] = [[2, 3].into(), [2, 3, 4].into()];
        world.network.part(Some(parts[0].clone()));
        for link in world.network.broken() {
            world.break_link(link);
        }
        world.forge(hostile, |puppet, rng| {
            let (mut made, [one, other]) = puppet.forked(1, epoch, &heads, rng);
            made.push(one);
            both.push(other);
            made
        });
        pass(&mut world, 3_000);
        // Now it speaks to the others.
        world.network.part(Some(parts[1].clone()));
        for link in world.network.broken() {
            world.break_link(link);
        }
        world.nodes[hostile].turn();
        world.forge(hostile, |puppet, rng| {
            let (mut made, [_, other]) = puppet.forked(1, epoch, &heads, rng);
            made.push(other);
            made
        });
        pass(&mut world, 5_000);
        world.heal();
        pass(&mut world, 5_000);
        for node in 0..2 {
            world.write_now(node);
        }
        settle(&mut world, seed);
        for node in 0..4 {
            let forked = world.nodes[node].replica.as_ref().unwrap().sync_status().forked;
            assert_eq!(forked.len(), 1, "SEED={seed}: device {node} does not know");
        }
        world.remove(0, hostile);
        settle(&mut world, seed);
        goes_on_without(&mut world, &[hostile], seed);
    }
}

/// Two operations with one number, each told to one half of the network: both count, for everybody, and what others
/// wrote knowing of one of them is taken by all.
#[test]
fn two_tales_about_who_is_in_both_count() {
    for seed in seeds(8) {
        let mut world = world(seed, quiet(5, 1));
        let hostile = 4;
        world.turn(hostile);
        pass(&mut world, 4_000);
        let heads = world.membership(0).heads();
        let policy = |name: &str| {
            let via = OpRef::new(EntryId::from_bytes([3; 32]), 0);
            vec![AclOperation::SetPolicy { key: name.to_owned(), value: Vec::new(), via }]
        };
        let (mut begun, mut both) = (Vec::new(), Vec::new());
        for (number, part) in [[2, 3].into(), BTreeSet::from([2, 3, 4])].into_iter().enumerate() {
            world.network.part(Some(part));
            for link in world.network.broken() {
                world.break_link(link);
            }
            if number == 1 {
                // Now it speaks to the others.
                world.nodes[hostile].turn();
            }
            world.forge(hostile, |puppet, _| {
                if number == 0 {
                    let tales = puppet.forked_acl(1, [policy("one"), policy("other")], &heads);
                    (begun, both) = (tales.0, tales.1.to_vec());
                }
                let mut made = begun.clone();
                made.push(both[number].clone());
                made.iter().for_each(|entry| puppet.go_on_from(1, entry));
                made.extend(puppet.acl(Pen::Device, 1, policy("more"), vec![both[number].id()]));
                made
            });
            pass(&mut world, 3_000);
            // Those who have heard it write knowing of it.
            (0..4).for_each(|node| world.write_now(node));
            pass(&mut world, 3_000);
        }
        world.heal();
        pass(&mut world, 5_000);
        settle(&mut world, seed);
        let tellings = |node: usize| {
            let entries = world.entries(node);
            entries.iter().filter(|entry| matches!(entry.clear::<Acl>(), Ok(acl) if !acl.operations.is_empty() && acl.operations == policy("more"))).count()
        };
        for node in 0..4 {
            assert_eq!(tellings(node), 2, "SEED={seed}: device {node} does not hold both branches");
        }
        (0..4).for_each(|node| world.write_now(node));
        settle(&mut world, seed);
        world.remove(0, hostile);
        settle(&mut world, seed);
        goes_on_without(&mut world, &[hostile], seed);
    }
}

/// A keeper hands on all but the newest of somebody's log. Another one's Frontier names it.
#[test]
fn a_tail_that_a_keeper_withholds_is_known_to_be_missing() {
    for seed in seeds(8) {
        let mut world = world(seed, Plan { keepers: 1, ..quiet(4, 0) });
        let keeper = 3;
        world.turn(keeper);
        world.cut_off(0, true);
        for _ in 0..3 {
            world.write_now(1);
        }
        pass(&mut world, 4_000);
        world.write_now(2);
        pass(&mut world, 2_000);
        world.tell(2, Input::Stop);
        pass(&mut world, 2_000);
        world.reconnect(keeper);
        pass(&mut world, 3_000);
        world.cut_off(0, false);
        for node in [1, 2] {
            world.cut_off(node, true);
        }
        let held: BTreeSet<EntryId> = world.entries(0).iter().map(Entry::id).collect();
        let tail = world.entries(1);
        let tail = tail.iter().rev().find(|entry| {
            entry.header.kind == Kind::Data && entry.verify(&world.nodes[1].keys.public_key()).is_ok()
        });
        let tail = tail.unwrap().entry_ref();
        let handed_on: Vec<Entry> = world
            .puppet(keeper)
            .entries()
            .iter()
            .filter(|entry| !held.contains(&entry.id()) && entry.id() != tail.id)
            .cloned()
            .collect();
        assert!(handed_on.len() >= 3, "SEED={seed}: the keeper has nothing");
        world.carry(keeper, &handed_on);
        world.reconnect(keeper);
        pass(&mut world, 6_000);
        let status = world.nodes[0].replica.as_ref().unwrap().sync_status();
        let named = status.incomplete.iter().any(|at| at.log == tail.log && at.seq == tail.seq);
        assert!(named, "SEED={seed}: {:?} is not missed: {status:?}", tail);
        // When the others are back, nothing is missing any more.
        world.heal();
        world.crash(2);
        world.start(2);
        settle(&mut world, seed);
        let status = world.nodes[0].replica.as_ref().unwrap().sync_status();
        assert_eq!(status.incomplete, [], "SEED={seed}");
    }
}

/// A viewer and a keeper write whatever an editor may write.
#[test]
fn what_viewers_and_keepers_write_is_nobodys_text() {
    for seed in seeds(8) {
        let mut plan = quiet(5, 0);
        plan.keepers = 1;
        let mut world = World::new(seed, plan);
        world.nodes[3].class = Class::Viewer;
        assert!(world.run(60_000), "SEED={seed}");
        for node in 0..3 {
            world.write_now(node);
        }
        settle(&mut world, seed);
        let epoch = best(&world, 0);
        let epochs = world.membership(0).usable_epochs();
        let (viewer, keeper) = (3, 4);
        world.turn(viewer);
        world.turn(keeper);
        pass(&mut world, 4_000);
        let key = world.puppet(viewer).keyring.key(&epoch).unwrap().clone();
        let mut forged = Vec::new();
        for (node, session) in [(viewer, 1), (keeper, 2)] {
            // The viewer has given the keeper the key.
            world.puppet(node).keyring.insert(key.clone());
            forged.extend(world.forge(node, |puppet, rng| {
                let heads = puppet.heads();
                let mut forged = puppet.data(session, b"mine".to_vec(), epoch, heads.clone(), rng);
                forged.extend(puppet.epoch(session, &[], heads.clone(), rng).1);
                let request = KeyRequest { epoch };
                forged.extend(puppet.control(Pen::Device, session, &request, heads));
                forged
            }));
        }
        pass(&mut world, 6_000);
        settle(&mut world, seed);
        assert!(!data(&forged).any(|entry| is_read(&world, entry)), "SEED={seed}");
        assert_eq!(world.membership(1).usable_epochs(), epochs, "SEED={seed}: other epochs are used");
        let key_requests = forged.iter().filter(|entry| entry.header.kind == Kind::KeyRequest);
        assert_eq!(key_requests.count(), 2);
        let covers = &world.membership(0).usable_epochs()[0].covers;
        let of_keeper = Cover::Device(world.nodes[keeper].keys.device_id());
        assert!(!covers.contains(&of_keeper), "SEED={seed}: a keeper was given a key");
        goes_on_without(&mut world, &[], seed);
    }
}

/// More of everything than one person may bring in.
#[test]
fn a_flood_of_one_stops_nobody_else() {
    for seed in seeds(2) {
        let mut world = world(seed, quiet(4, 1));
        let hostile = 3;
        world.turn(hostile);
        pass(&mut world, 4_000);
        let (epoch, heads) = (best(&world, 0), world.membership(0).heads());
        world.forge(hostile, |puppet, rng| {
            let mut forged = Vec::new();
            for number in 0..400_u32 {
                let change = number.to_le_bytes().to_vec();
                forged.extend(puppet.data(1, change, epoch, heads.clone(), rng));
            }
            // More logs than one person may have open, and operations without end.
            for session in 2..80 {
                forged.extend(puppet.data(session, b"a log".to_vec(), epoch, heads.clone(), rng));
            }
            let via = puppet.via().unwrap();
            let nothing =
                AclOperation::Grant { user: UserId::from_bytes([7; 32]), class: Class::Viewer, via };
            for _ in 0..70 {
                forged.extend(puppet.acl(Pen::Device, 1, vec![nothing.clone(); 32], heads.clone()));
            }
            forged
        });
        pass(&mut world, 2_000);
        let content: Vec<usize> = (0..3).map(|node| world.nodes[node].content.len()).collect();
        for node in 0..3 {
            world.write_now(node);
        }
        pass(&mut world, 5_000);
        for (node, before) in content.iter().enumerate() {
            assert!(world.nodes[node].content.len() >= before + 3, "SEED={seed}: device {node} waits");
        }
        settle(&mut world, seed);
        let status = world.nodes[1].replica.as_ref().unwrap().sync_status();
        assert!(!status.held_back.is_empty(), "SEED={seed}: everything was taken");
    }
}

/// Somebody signs with their own key what claims to be another's.
#[test]
fn nobody_writes_in_anothers_name() {
    for seed in seeds(8) {
        let mut world = world(seed, quiet(4, 1));
        let hostile = 3;
        world.turn(hostile);
        pass(&mut world, 4_000);
        let theirs = world.entries(0);
        let theirs = theirs.iter().rev().find(|entry| {
            entry.header.kind == Kind::Data && entry.verify(&world.nodes[1].keys.public_key()).is_ok()
        });
        let theirs = theirs.unwrap().clone();
        let before = world.nodes[0].store.len();
        let (keys, victim) = (world.nodes[hostile].keys.clone(), world.nodes[1].keys.signer());
        let forged = world.forge(hostile, |_, _| {
            // The next entry of their log, another one in the place of their last, and a log that begins as theirs.
            let mut next = theirs.header.clone();
            (next.seq, next.prev) = (theirs.header.seq + 1, theirs.id());
            let same = theirs.header.clone();
            let open = weft_sync::Open {
                signer: victim,
                session: weft_sync::SessionId::from_bytes([9; 16]),
                prev_logs: vec![theirs.entry_ref()],
                app_version: String::new(),
            };
            let mut begin = theirs.header.clone();
            begin.log = victim.log_id(&theirs.header.ws, &open.session, Lane::Data);
            (begin.seq, begin.prev, begin.kind, begin.epoch) =
                (1, EntryId::from_bytes([0; 32]), Kind::Open, None);
            let sign = |header, body| Entry::sign(header, body, keys.signing_key()).unwrap();
            vec![
                sign(next, theirs.body.clone()),
                sign(same, b"another".to_vec()),
                sign(begin, open.encode_body()),
            ]
        });
        pass(&mut world, 5_000);
        settle(&mut world, seed);
        assert!(!forged.iter().any(|entry| is_held(&world, entry)), "SEED={seed}: it is stored");
        assert_eq!(world.nodes[0].store.len(), before, "SEED={seed}");
        for node in 0..3 {
            assert_eq!(world.nodes[node].forks, 0, "SEED={seed}: somebody else's log was frozen");
        }
        goes_on_without(&mut world, &[], seed);
    }
}

/// Removals of people on both sides of a network that is in two.
#[test]
fn admins_put_people_out_at_once_on_two_sides() {
    for seed in seeds(8) {
        let mut world = world(seed, quiet(7, 2));
        world.network.part(Some([2, 5, 6].into()));
        for link in world.network.broken() {
            world.break_link(link);
        }
        pass(&mut world, 3_000);
        // Equal admins put out each other and one editor each; the owner puts out the second admin.
        let revoke = |world: &mut World, by: usize, whom: usize| {
            let user = world.nodes[whom].user();
            let membership = world.membership(by);
            let via = membership.grant_of(&world.nodes[by].user()).unwrap();
            let operation = AclOperation::Revoke { user, via, seen: membership.seen_of_user(&user) };
            world.write_acl(by, vec![operation]);
        };
        let is_war = seed % 2 == 0;
        revoke(&mut world, 1, 2);
        revoke(&mut world, 2, 1);
        revoke(&mut world, 1, 3);
        revoke(&mut world, 2, 6);
        let out = if is_war {
            vec![3, 6]
        } else {
            revoke(&mut world, 0, 2);
            vec![2, 3]
        };
        world.removed.extend(out.iter().copied());
        pass(&mut world, 4_000);
        for node in &out {
            world.turn(*node);
        }
        world.heal();
        settle(&mut world, seed);
        for node in [1, 2, 3, 4, 5, 6] {
            // What the second admin did is from before the owner's removal came to anybody there: it was not seen.
            let expected = match node {
                node if out.contains(&node) => None,
                1 | 2 => Some(Class::Admin),
                _ => Some(Class::Editor),
            };
            assert_eq!(class(&world, 0, node), expected, "SEED={seed}: device {node}");
        }
        goes_on_without(&mut world, &out, seed);
    }
}

/// While the network is in two, both sides put somebody out and go on under new epochs.
#[test]
fn a_rotation_on_two_sides_leaves_nobody_out_and_nobody_in() {
    for seed in seeds(8) {
        let mut world = world(seed, quiet(7, 1));
        world.network.part(Some([1, 4, 5].into()));
        for link in world.network.broken() {
            world.break_link(link);
        }
        pass(&mut world, 3_000);
        world.remove(0, 6);
        world.remove(1, 5);
        pass(&mut world, 3_000);
        for node in [0, 2, 1, 4] {
            world.write_now(node);
        }
        pass(&mut world, 3_000);
        for node in [5, 6] {
            world.turn(node);
        }
        world.heal();
        settle(&mut world, seed);
        // Both sides' new epochs end with the other side's removal: a third one follows.
        goes_on_without(&mut world, &[5, 6], seed);
        let covers = &world.membership(0).usable_epochs()[0].covers;
        for node in [0, 1, 2, 3, 4] {
            assert!(
                covers.contains(&Cover::Device(world.nodes[node].keys.device_id())),
                "SEED={seed}: {node}"
            );
        }
        goes_on_without(&mut world, &[5, 6], seed);
    }
}

/// A thief has one of somebody's devices. The person's own key puts it out, and the thief strikes back.
#[test]
fn a_thief_of_a_device_strikes_back_in_vain() {
    for seed in seeds(8) {
        let mut world = world(seed, quiet(4, 1));
        let (mine, stolen) = (2, world.add_sibling(2));
        settle(&mut world, seed);
        // The 24 words, on another machine of the same person.
        let words = world.add_sibling(2);
        settle(&mut world, seed);
        let old = world.membership(0).heads();
        world.turn(stolen);
        world.turn(words);
        pass(&mut world, 4_000);
        let (user, device) = (world.nodes[mine].user(), world.nodes[mine].keys.device_id());
        let lost = world.nodes[stolen].keys.device_id();
        let chain = world.nodes[mine].chain.chain().clone();
        world.forge(words, |puppet, _| {
            let seen = puppet.membership.seen_of_device(&lost);
            let operations = vec![
                AclOperation::RmDev { user, device: lost, seen },
                AclOperation::AddDev { user, label: None, chain: chain.clone() },
            ];
            let heads = puppet.heads();
            puppet.acl(Pen::User, 1, operations, heads)
        });
        pass(&mut world, 5_000);
        assert!(!world.membership(0).is_live(&lost), "SEED={seed}: it is still in");
        let again = world.nodes[stolen].chain.chain().clone();
        let forged = world.forge(stolen, |puppet, _| {
            let operations = vec![
                AclOperation::RmDev { user, device, seen: Vec::new() },
                AclOperation::AddDev { user, label: None, chain: again },
            ];
            let mut forged = puppet.acl(Pen::Device, 1, operations.clone(), old.clone());
            let heads = puppet.heads();
            forged.extend(puppet.acl(Pen::Device, 2, operations, heads));
            forged
        });
        world.carry(words, &forged);
        pass(&mut world, 4_000);
        world.reconnect(words);
        pass(&mut world, 4_000);
        settle(&mut world, seed);
        assert!(forged.iter().any(|entry| is_held(&world, entry)), "SEED={seed}: nothing was heard");
        assert!(world.membership(0).is_live(&device), "SEED={seed}: the person is put out");
        assert!(!world.membership(0).is_live(&lost), "SEED={seed}: the thief is in again");
        goes_on_without(&mut world, &[stolen], seed);
    }
}

/// Without the words, a sister device puts the stolen one out; the thief may strike the sister, but never comes back.
#[test]
fn a_stolen_device_that_a_sister_put_out_does_not_come_back() {
    for seed in seeds(8) {
        let mut world = world(seed, quiet(4, 1));
        let (mine, stolen) = (2, world.add_sibling(2));
        settle(&mut world, seed);
        let old = world.membership(0).heads();
        world.turn(stolen);
        let (user, device) = (world.nodes[mine].user(), world.nodes[mine].keys.device_id());
        let lost = world.nodes[stolen].keys.device_id();
        let operations =
            workspace::remove_own_device(world.membership(mine), &user, &lost, RemovedBy::Device(device))
                .unwrap();
        world.write_acl(mine, operations);
        settle(&mut world, seed);
        let again = world.nodes[stolen].chain.chain().clone();
        world.forge(stolen, |puppet, _| {
            let operations = vec![
                AclOperation::RmDev { user, device, seen: Vec::new() },
                AclOperation::AddDev { user, label: None, chain: again },
            ];
            puppet.acl(Pen::Device, 1, operations, old)
        });
        pass(&mut world, 6_000);
        world.reconnect(stolen);
        pass(&mut world, 6_000);
        // The sister may be out now, as the thief wished: then nothing is expected of it.
        if !world.membership(0).is_live(&device) {
            world.removed.insert(mine);
        }
        settle(&mut world, seed);
        assert!(!world.membership(0).is_live(&lost), "SEED={seed}: the thief is in again");
        assert_eq!(class(&world, 0, mine), Some(Class::Editor), "SEED={seed}: the person stays a member");
        goes_on_without(&mut world, &[stolen], seed);
    }
}

/// Who knows the workspace and was never let in makes nothing grow and nothing turn.
#[test]
fn strangers_make_nothing_grow_and_no_key_new() {
    for seed in seeds(8) {
        let mut world = world(seed, quiet(4, 1));
        let strangers = [world.add_stranger(0), world.add_stranger(0)];
        pass(&mut world, 4_000);
        let epochs = world.membership(0).usable_epochs();
        let entries = world.nodes[0].store.len();
        for _ in 0..3 {
            for stranger in strangers {
                world.forge(stranger, |puppet, rng| {
                    let heads = puppet.heads();
                    let (me, via) = (puppet.user(), puppet.founding());
                    let mut forged = Vec::new();
                    for session in 0..20 {
                        let grant = AclOperation::Grant { user: me, class: Class::Editor, via };
                        forged.extend(puppet.acl(Pen::User, session, vec![grant], heads.clone()));
                        forged.extend(puppet.control(
                            Pen::Device,
                            session,
                            &KeyRequest { epoch: epochs[0].epoch },
                            heads.clone(),
                        ));
                    }
                    forged.extend(puppet.epoch(90, &[], heads.clone(), rng).1);
                    forged.extend(puppet.data(91, b"a word".to_vec(), epochs[0].epoch, heads, rng));
                    forged
                });
                world.reconnect(stranger);
            }
            pass(&mut world, 4_000);
        }
        settle(&mut world, seed);
        assert_eq!(world.nodes[0].store.len(), entries, "SEED={seed}: something grew");
        assert_eq!(world.membership(1).usable_epochs(), epochs, "SEED={seed}: the epoch was changed");
        for node in 0..4 {
            assert_eq!(world.nodes[node].replica.as_ref().unwrap().sync_status().pending, 0, "SEED={seed}");
        }
        goes_on_without(&mut world, &[], seed);
    }
}
