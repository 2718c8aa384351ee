//! Things that happen once, on purpose.

#![allow(clippy::unwrap_used, clippy::useless_vec, reason = "a test that unwraps fails with a place")]

use weft_simulations::world::holds;
use weft_simulations::{Plan, Topology, World, seeds};
use weft_sync::acl::Class;
use weft_sync::frames::{ByeCode, PeerAddress};
use weft_sync::limits::FRONTIER_ENTRIES;
use weft_sync::replica::Input;
use weft_sync::{Entry, Kind};

/// Nothing happens by itself, except invitations at the beginning.
fn quiet(devices: usize) -> Plan {
    Plan {
        devices,
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

fn quiet_world(seed: u64, plan: Plan) -> World {
    let mut world = World::new(seed, plan);
    let at_rest = world.run(60_000);
    world.assert_well(seed, at_rest);
    world
}

fn settle(world: &mut World, seed: u64) {
    let at_rest = world.settle(120_000);
    world.assert_well(seed, at_rest);
}

#[test]
fn a_store_that_was_set_back_gets_its_own_entries_again_and_never_writes_to_that_log() {
    for seed in seeds(5) {
        let mut world = quiet_world(seed, quiet(3));
        world.write_now(1);
        settle(&mut world, seed);
        let backup = world.nodes[1].store.len();
        for _ in 0..3 {
            world.write_now(1);
            settle(&mut world, seed);
        }
        let old_log = world.nodes[1].replica.as_ref().unwrap().data_log();
        let content = world.nodes[1].content.clone();
        world.set_back(1, backup, true);
        assert_ne!(world.nodes[1].content, content, "SEED={seed}: nothing was set back");
        settle(&mut world, seed);
        assert_eq!(world.nodes[1].content, content, "SEED={seed}: what was lost has not come back");
        world.write_now(1);
        settle(&mut world, seed);
        let new_log = world.nodes[1].replica.as_ref().unwrap().data_log();
        assert_ne!(new_log, old_log, "SEED={seed}: it wrote to a log that others hold more of");
        assert_eq!(world.nodes[1].sessions_begun, 1, "SEED={seed}");
    }
}

#[test]
fn a_device_that_wrote_to_a_log_that_was_set_back_is_found_out() {
    for seed in seeds(5) {
        let mut world = quiet_world(seed, quiet(3));
        world.write_now(1);
        settle(&mut world, seed);
        let backup = world.nodes[1].store.len();
        world.write_now(1);
        settle(&mut world, seed);
        world.cut_off(1, true);
        let until = world.now + 3_000;
        world.run_until(until);
        world.set_back(1, backup, true);
        world.write_now(1);
        let until = world.now + 3_000;
        world.run_until(until);
        world.heal();
        let until = world.now + 30_000;
        world.run_until(until);
        assert!(world.nodes.iter().any(|node| node.forks > 0), "SEED={seed}: nobody noticed");
        assert!(world.nodes.iter().any(|node| node.cut_back > 0), "SEED={seed}: both branches live");
        for node in 0..3 {
            let status = world.nodes[node].replica.as_ref().unwrap().sync_status();
            assert_eq!(status.forked.len(), 1, "SEED={seed}: device {node} does not know");
            assert!(status.is_quiet(), "SEED={seed}: device {node}: {status:?}");
            assert_eq!(world.nodes[node].content, world.nodes[0].content, "SEED={seed}: device {node}");
        }
        let before = world.nodes[2].content.len();
        for node in 0..3 {
            world.write_now(node);
        }
        let until = world.now + 30_000;
        world.run_until(until);
        for node in 0..3 {
            let content = &world.nodes[node].content;
            assert!(content.len() >= before + 3, "SEED={seed}: device {node} got nothing after the fork");
        }
    }
}

#[test]
fn whoever_is_put_out_is_told_and_reads_nothing_more() {
    for seed in seeds(5) {
        let mut world = quiet_world(seed, quiet(4));
        for node in 0..4 {
            world.write_now(node);
        }
        settle(&mut world, seed);
        world.remove(0, 3);
        settle(&mut world, seed);
        assert!(world.nodes[3].closed_with.contains(&ByeCode::Removed), "SEED={seed}: it was not told");
        assert!(!world.knows(3, 3), "SEED={seed}: it did not get the proof");
        let held = world.nodes[0].store.len();
        for node in 0..3 {
            world.write_now(node);
        }
        settle(&mut world, seed);
        let written: Vec<Entry> =
            world.nodes[0].store.bytes().skip(held).map(|bytes| Entry::decode(bytes).unwrap()).collect();
        let epochs: Vec<_> = written.iter().filter_map(|entry| entry.header.epoch).collect();
        assert!(epochs.len() >= 3, "SEED={seed}");
        for epoch in epochs {
            assert!(world.nodes[3].keyring.key(&epoch).is_none(), "SEED={seed}: it holds a later key");
            assert!(world.nodes[0].keyring.key(&epoch).is_some(), "SEED={seed}");
        }
        let content = world.nodes[0].content.len();
        world.write_now(3);
        settle(&mut world, seed);
        assert_eq!(world.nodes[0].content.len(), content, "SEED={seed}: it still writes");
    }
}

/// What somebody wrote whom the remover had not heard is taken back where it was read.
#[test]
fn what_a_removed_person_wrote_unseen_is_withdrawn() {
    for seed in seeds(5) {
        let mut world = quiet_world(seed, quiet(4));
        world.network.part(Some([2, 3].into()));
        for link in world.network.broken() {
            world.break_link(link);
        }
        let until = world.now + 3_000;
        world.run_until(until);
        world.write_now(3);
        let until = world.now + 3_000;
        world.run_until(until);
        let at = *world.nodes[3].acknowledged.last().unwrap();
        assert!(world.nodes[2].content.contains_key(&at), "SEED={seed}: it was not read");
        world.remove(0, 3);
        world.heal();
        settle(&mut world, seed);
        assert!(!world.nodes[2].content.contains_key(&at), "SEED={seed}: it was not taken back");
        assert_eq!(world.nodes[2].withdrawn, 1, "SEED={seed}");
        // It is stored and relayed all the same, and still void after a restart.
        assert!(world.nodes[1].store.seq(&at.log) >= at.seq, "SEED={seed}");
        world.crash(2);
        world.start(2);
        settle(&mut world, seed);
        assert!(!world.nodes[2].content.contains_key(&at), "SEED={seed}: it came back");
    }
}

/// A device whose disk was set back does not hold what it said before.
#[test]
fn a_peer_that_was_set_back_is_not_said_to_hold_all() {
    for seed in seeds(5) {
        let mut world = quiet_world(seed, quiet(2));
        let backup = world.nodes[1].store.len();
        for _ in 0..5 {
            world.write_now(0);
            settle(&mut world, seed);
        }
        assert!(world.status(0, 1).unwrap().has_all_mine, "SEED={seed}");
        world.set_back(1, backup, false);
        let (mut was_away, mut was_honest) = (false, false);
        for _ in 0..10_000 {
            let until = world.now + 1;
            world.run_until(until);
            let status = world.status(0, 1).unwrap();
            // Until the broken connection is noticed nobody can know.
            was_away |= !status.connected;
            if was_away && status.connected && status.has_all_mine {
                let mine = world.nodes[0].replica.as_ref().unwrap().own_data_logs();
                let holds = mine.iter().all(|end| world.nodes[1].store.seq(&end.log) >= end.seq);
                assert!(holds, "SEED={seed}: it is said to hold what it lost");
            }
            was_honest |= was_away && status.connected && !status.has_all_mine;
        }
        assert!(was_honest, "SEED={seed}: nobody noticed");
        settle(&mut world, seed);
        assert!(world.status(0, 1).unwrap().has_all_mine, "SEED={seed}");
    }
}

#[test]
fn a_reboot_begins_a_session_that_closes_the_last_one() {
    for seed in seeds(3) {
        let mut world = quiet_world(seed, quiet(2));
        let mut logs = std::collections::BTreeSet::new();
        for _ in 0..12 {
            world.write_now(1);
            settle(&mut world, seed);
            logs.insert(world.nodes[1].replica.as_ref().unwrap().data_log());
            let held = world.nodes[1].store.len();
            world.set_back(1, held, false);
            settle(&mut world, seed);
        }
        assert_eq!(logs.len(), 12, "SEED={seed}");
        // Closed logs are compared by digest: reconnecting costs no more for them.
        let before = world.wire_bytes;
        world.cut_off(1, true);
        let until = world.now + 2_000;
        world.run_until(until);
        world.heal();
        settle(&mut world, seed);
        let bytes = world.wire_bytes - before;
        assert!(bytes < 2_500, "SEED={seed}: {bytes} bytes for a reconnection with nothing to tell");
    }
}

#[test]
fn killing_a_device_begins_no_session() {
    for seed in seeds(3) {
        let mut world = quiet_world(seed, quiet(2));
        for _ in 0..10 {
            world.write_now(1);
            settle(&mut world, seed);
            let held = world.nodes[1].store.len();
            world.set_back(1, held, true);
            settle(&mut world, seed);
        }
        let own = world.nodes[1].replica.as_ref().unwrap().own_data_logs();
        assert_eq!(own.len(), 1, "SEED={seed}: {own:?}");
    }
}

#[test]
fn stopping_says_what_is_held_and_goodbye() {
    for seed in seeds(3) {
        let mut world = quiet_world(seed, quiet(2));
        world.write_now(0);
        world.write_now(1);
        settle(&mut world, seed);
        let held = world.nodes[0].store.len();
        world.tell(1, Input::Stop);
        let until = world.now + 1_000;
        world.run_until(until);
        let last =
            world.nodes[0].store.bytes().skip(held).map(|bytes| Entry::decode(bytes).unwrap().header.kind);
        assert_eq!(last.collect::<Vec<_>>(), [Kind::Frontier], "SEED={seed}");
        assert_eq!(world.nodes[0].closed_with.last(), Some(&ByeCode::Done), "SEED={seed}");
    }
}

#[test]
fn an_edit_is_elsewhere_after_two_commits_and_one_way() {
    let plan = Plan { delay_millis: 20..21, commit_millis: 10..11, ..quiet(5) };
    for seed in seeds(3) {
        let mut world = quiet_world(seed, plan.clone());
        // The first write begins a log, of which nobody can know.
        for _ in 0..3 {
            let begun = world.now;
            let before = world.nodes[4].content.len();
            world.write_now(2);
            let mut until = begun;
            while world.nodes[4].content.len() == before && until < begun + 1_000 {
                until += 1;
                world.run_until(until);
            }
            // Commit here, way, commit there, and up to ten for taking it in.
            assert!(world.now - begun <= 10 + 20 + 10 + 10, "SEED={seed}: {}", world.now - begun);
            settle(&mut world, seed);
        }
    }
}

#[test]
fn an_edit_passes_through_a_device_in_between_at_once() {
    let plan = Plan { delay_millis: 20..21, commit_millis: 10..11, topology: Topology::Star, ..quiet(3) };
    for seed in seeds(3) {
        let mut world = quiet_world(seed, plan.clone());
        world.write_now(1);
        settle(&mut world, seed);
        let begun = world.now;
        let before = world.nodes[2].content.len();
        world.write_now(1);
        let mut until = begun;
        while world.nodes[2].content.len() == before && until < begun + 1_000 {
            until += 1;
            world.run_until(until);
        }
        // Three commits, two ways, and taking it in.
        assert!(world.now - begun <= 30 + 40 + 10, "SEED={seed}: {}", world.now - begun);
    }
}

#[test]
fn a_newcomer_whom_a_key_was_not_wrapped_for_asks_for_it() {
    for seed in seeds(4) {
        let mut world = quiet_world(seed, Plan { admins: 1, ..quiet(4) });
        world.network.part(Some([1, 2].into()));
        for link in world.network.broken() {
            world.break_link(link);
        }
        let until = world.now + 3_000;
        world.run_until(until);
        // On one side a new epoch is made that knows nothing of the person let in on the other.
        world.remove(1, 3);
        let newcomer = world.add_device(Class::Editor, 0);
        let until = world.now + 5_000;
        world.run_until(until);
        let asked_before = key_requests(&world);
        world.network.heal();
        settle(&mut world, seed);
        world.write_now(1);
        settle(&mut world, seed);
        let at = *world.nodes[1].acknowledged.last().unwrap();
        assert!(world.nodes[newcomer].content.contains_key(&at), "SEED={seed}: it cannot read");
        assert!(key_requests(&world) > asked_before, "SEED={seed}: it did not ask");
    }
}

fn key_requests(world: &World) -> usize {
    let kind = |bytes: &[u8]| Entry::decode(bytes).unwrap().header.kind;
    world.nodes[0].store.bytes().filter(|bytes| kind(bytes) == Kind::KeyRequest).count()
}

fn frontiers(world: &World, node: usize) -> usize {
    let signer = world.nodes[node].keys.signer();
    let is_frontier = |bytes: &&[u8]| {
        let entry = Entry::decode(bytes).unwrap();
        entry.header.kind == Kind::Frontier && entry.verify(&signer.public_key()).is_ok()
    };
    world.nodes[0].store.bytes().filter(is_frontier).count()
}

#[test]
fn frontiers_come_after_256_entries_and_begin_no_log() {
    for seed in seeds(2) {
        let mut world = quiet_world(seed, quiet(3));
        world.write_now(1);
        settle(&mut world, seed);
        let received = FRONTIER_ENTRIES as usize;
        for _ in 0..received - 10 {
            world.write_now(0);
            let until = world.now + 50;
            world.run_until(until);
        }
        settle(&mut world, seed);
        assert_eq!(frontiers(&world, 1), 0, "SEED={seed}: a Frontier comes early");
        for _ in 0..20 {
            world.write_now(0);
            let until = world.now + 50;
            world.run_until(until);
        }
        settle(&mut world, seed);
        assert_eq!(frontiers(&world, 1), 1, "SEED={seed}");
        assert_eq!(frontiers(&world, 2), 0, "SEED={seed}: a Frontier begins a log");
    }
}

#[test]
fn what_is_held_far_away_is_known_by_frontiers_alone() {
    for seed in seeds(3) {
        let mut world = quiet_world(seed, Plan { topology: Topology::Chain, ..quiet(3) });
        world.write_now(0);
        world.write_now(2);
        settle(&mut world, seed);
        assert!(world.status(0, 1).unwrap().has_all_mine, "SEED={seed}");
        let far = world.status(0, 2).unwrap();
        assert!(!far.has_all_mine && far.missing > 0, "SEED={seed}: {far:?}");
        world.tell(2, Input::Stop);
        let until = world.now + 3_000;
        world.run_until(until);
        let far = world.status(0, 2).unwrap();
        assert!(far.has_all_mine && !far.connected, "SEED={seed}: {far:?}");
        // It is remembered over a restart without anybody there.
        world.crash(0);
        world.cut_off(0, true);
        world.start(0);
        assert!(world.status(0, 2).unwrap().has_all_mine, "SEED={seed}");
        world.write_now(0);
        let until = world.now + 100;
        world.run_until(until);
        assert_eq!(world.status(0, 2).unwrap().missing, 1, "SEED={seed}");
    }
}

#[test]
fn addresses_are_told_to_members() {
    let mut world = quiet_world(1, quiet(3));
    let device = world.nodes[2].keys.device_id();
    let addresses = vec!["192.0.2.7:4433".parse().unwrap()];
    let known = PeerAddress { device, addresses, age_seconds: 5 };
    world.tell(0, Input::Addresses(vec![known.clone()]));
    let until = world.now + 1_000;
    world.run_until(until);
    assert_eq!(world.nodes[1].learned, [known]);
    assert_eq!(world.nodes[2].learned, [], "it knows where it is itself");
}

#[test]
fn the_check_can_fail() {
    let mut world = quiet_world(1, quiet(3));
    world.write_now(1);
    settle(&mut world, 1);
    let at = *world.nodes[2].content.keys().next().unwrap();
    let lost = world.nodes[2].content.remove(&at).unwrap();
    assert!(!world.check().wrong.is_empty());
    world.nodes[2].content.insert(at, lost);
    assert!(world.check().wrong.is_empty());
    let held = world.nodes[2].store.len();
    world.nodes[2].store.set_back(held - 1);
    assert!(!world.check().wrong.is_empty());
    assert!(holds(b"so in the open", b"open") && !holds(b"ope n", b"open"));
}
