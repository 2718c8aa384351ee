//! Hostile people of every kind at once, while others write, admins put people out and the network falls apart.
//!
//! `WEFT_SEEDS=10000 cargo test --release -p weft-simulations --test storm` runs ten thousand; `WEFT_SEED` repeats one.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails with a place")]

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use weft_simulations::puppet::{Pen, Puppet};
use weft_simulations::{Plan, World, seeds};
use weft_sync::acl::{AclOperation, Class, OpRef};
use weft_sync::certificate::Chain;
use weft_sync::entry::{Frontier, KeyRequest};
use weft_sync::epoch::{Cover, Epoch};
use weft_sync::{DeviceId, EndpointId, Entry, EntryId, EntryRef, EpochId, Kind, PublicKey, UserId};

/// What attackers know of each other and of everybody.
struct Storm {
    world: World,
    rng: ChaCha20Rng,
    seed: u64,
    /// What each person has to be in the end.
    expected: BTreeMap<UserId, Option<Class>>,
    /// Who was put out, and is hostile by now.
    gone: Vec<usize>,
    strangers: Vec<usize>,
    /// Everything that was forged.
    forged: Vec<Entry>,
    /// What had come from somebody when they were put out: it has to stay.
    kept: BTreeSet<EntryRef>,
    targets: Vec<(UserId, DeviceId, Chain)>,
    heads: Vec<Vec<EntryId>>,
    attacks: usize,
    /// Whether somebody outside reads was asked of so many, and left out for so many whom somebody inside had told.
    outside: usize,
    told: usize,
}

fn plan() -> Plan {
    Plan {
        devices: 7,
        admins: 1,
        keepers: 1,
        writes: 4,
        drops: 2,
        partitions: 0,
        crashes: 0,
        reboots: 0,
        busy_millis: 8_000,
        change_bytes: 20..100,
        ..Plan::default()
    }
}

const OWNER: usize = 0;
const ADMIN: usize = 1;
const VIEWER: usize = 5;
const KEEPER: usize = 6;
const STEPS: usize = 20;
/// At most one of so many outside may have been told a key by somebody inside; in the gate's 400 storms it is one in six.
const TOLD_SHARE: usize = 4;

impl Storm {
    fn new(seed: u64) -> Self {
        let mut world = World::new(seed, plan());
        world.nodes[VIEWER].class = Class::Viewer;
        let until = 4_000;
        world.run_until(until);
        assert!(world.members().all(|node| world.knows(node, node)), "SEED={seed}: not everybody is in");
        let mut rng = ChaCha20Rng::seed_from_u64(seed ^ 0x5707);
        let expected = world.nodes.iter().map(|node| (node.user(), Some(node.class))).collect();
        let mut strangers = Vec::new();
        if rng.random_bool(0.5) {
            strangers.push(world.add_stranger(OWNER));
        }
        let target = |node: &weft_simulations::node::Node| {
            (node.user(), node.keys.device_id(), node.chain.chain().clone())
        };
        let targets = world.nodes.iter().map(target).collect();
        let heads = vec![world.membership(OWNER).heads()];
        Self {
            world,
            rng,
            seed,
            expected,
            gone: Vec::new(),
            strangers,
            forged: Vec::new(),
            kept: BTreeSet::new(),
            targets,
            heads,
            attacks: 0,
            outside: 0,
            told: 0,
        }
    }

    /// The hostile among those who are in: an editor, and now and then the viewer and the keeper.
    fn turn_some(&mut self) {
        self.world.turn(4);
        for (node, chance) in [(VIEWER, 0.5), (KEEPER, 0.4)] {
            if self.rng.random_bool(chance) {
                self.world.turn(node);
            }
        }
    }

    fn hostile(&mut self) -> usize {
        let all: Vec<usize> = self.world.hostile.iter().copied().collect();
        all[self.rng.random_range(0..all.len())]
    }

    fn step(&mut self) {
        let millis = self.rng.random_range(200..1_200);
        let until = self.world.now + millis;
        self.world.run_until(until);
        match self.rng.random_range(0..20) {
            0..11 => self.attack(),
            11 | 12 => self.somebody_writes(),
            13 | 14 => self.put_somebody_out(),
            15 | 16 => {
                let node = self.hostile();
                self.world.reconnect(node);
            }
            17 => self.help_each_other(),
            18 => self.part(),
            _ => self.restart_somebody(),
        }
        let heads = self.world.membership(OWNER).heads();
        if self.heads.last() != Some(&heads) {
            self.heads.push(heads);
        }
    }

    fn somebody_writes(&mut self) {
        let members: Vec<usize> =
            self.world.members().filter(|node| self.world.nodes[*node].may_write()).collect();
        let node = members[self.rng.random_range(0..members.len())];
        self.world.write_now(node);
    }

    /// The owner puts somebody out, who has nothing to lose from then on.
    fn put_somebody_out(&mut self) {
        let node = [ADMIN, 3, 4, VIEWER][self.rng.random_range(0..4)];
        if self.gone.contains(&node) || self.gone.len() == 2 || !self.world.knows(OWNER, node) {
            return;
        }
        let key = self.world.nodes[node].keys.public_key();
        let read = &self.world.nodes[OWNER].content;
        let theirs = self.world.entries(OWNER).into_iter().filter(|entry| entry.verify(&key).is_ok());
        let theirs: Vec<EntryRef> =
            theirs.map(|entry| entry.entry_ref()).filter(|at| read.contains_key(at)).collect();
        self.kept.extend(theirs);
        self.world.remove(OWNER, node);
        self.expected.insert(self.world.nodes[node].user(), None);
        self.gone.push(node);
        if !self.world.hostile.contains(&node) {
            self.world.turn(node);
        }
    }

    /// Everybody who is hostile says what any of them has forged.
    fn help_each_other(&mut self) {
        for node in self.world.hostile.clone() {
            self.world.carry(node, &self.forged);
        }
    }

    fn part(&mut self) {
        let part: BTreeSet<usize> =
            (0..self.world.nodes.len()).filter(|_| self.rng.random_bool(0.5)).collect();
        self.world.network.part(Some(part).filter(|_| self.rng.random_bool(0.6)));
        for link in self.world.network.broken() {
            self.world.break_link(link);
        }
    }

    fn restart_somebody(&mut self) {
        let members: Vec<usize> = self.world.members().filter(|node| *node != OWNER).collect();
        let node = members[self.rng.random_range(0..members.len())];
        self.world.crash(node);
        self.world.start(node);
    }

    fn attack(&mut self) {
        let node = self.hostile();
        let (rng, targets, heads) = (&mut self.rng, &self.targets, &self.heads);
        let heads = heads[rng.random_range(0..heads.len())].clone();
        let made = self.world.forge(node, |puppet, _| {
            let mut attack = Attack { puppet, rng, targets, old: heads };
            attack.make()
        });
        self.attacks += 1;
        self.forged.extend(made);
    }

    fn check(&mut self) {
        let seed = self.seed;
        self.world.heal();
        self.help_each_other();
        for node in self.world.hostile.clone() {
            self.world.reconnect(node);
        }
        let until = self.world.now + 6_000;
        self.world.run_until(until);
        let wrong = self.world.settle_honest(90_000);
        assert!(wrong.is_empty(), "SEED={seed} (set WEFT_SEED={seed} to repeat)\n{}", wrong.join("\n"));
        let membership = self.world.membership(OWNER);
        for (user, class) in &self.expected {
            assert_eq!(membership.class_of(user), *class, "SEED={seed}: {user:?} is something else");
        }
        for stranger in &self.strangers {
            let user = self.world.nodes[*stranger].user();
            assert_eq!(membership.class_of(&user), None, "SEED={seed}: a stranger is let in");
            // Whoever was an admin once may grant as if it was then: nobody is let in by that, but it makes known.
            let may_be_known = self.gone.contains(&ADMIN);
            assert!(may_be_known || !membership.is_known(&user), "SEED={seed}: a stranger is known");
        }
        for node in self.world.members().filter(|node| self.world.nodes[*node].reads()) {
            let content = &self.world.nodes[node].content;
            let lost: Vec<&EntryRef> = self.kept.iter().filter(|at| !content.contains_key(at)).collect();
            assert!(lost.is_empty(), "SEED={seed}: what was seen of somebody is gone: {lost:?}");
        }
        self.nobody_reads_on();
    }

    /// All who are in write once more: whoever was put out, and every stranger, has no key for it.
    fn nobody_reads_on(&mut self) {
        let seed = self.seed;
        let before: BTreeSet<EntryId> = self.world.entries(OWNER).iter().map(Entry::id).collect();
        let writers: Vec<usize> =
            self.world.members().filter(|node| self.world.nodes[*node].may_write()).collect();
        assert!(writers.len() >= 2, "SEED={seed}");
        for node in writers {
            self.world.write_now(node);
        }
        let wrong = self.world.settle_honest(60_000);
        assert!(wrong.is_empty(), "SEED={seed} (set WEFT_SEED={seed} to repeat)\n{}", wrong.join("\n"));
        let honest: Vec<_> =
            self.world.members().map(|node| self.world.nodes[node].keys.public_key()).collect();
        let mut new = self.world.entries(OWNER);
        new.retain(|entry| !before.contains(&entry.id()));
        let by_honest = new.iter().filter(|entry| entry.header.kind == Kind::Data);
        let by_honest = by_honest.filter(|entry| honest.iter().any(|key| entry.verify(key).is_ok()));
        let epochs: BTreeSet<EpochId> = by_honest.filter_map(|entry| entry.header.epoch).collect();
        assert!(!epochs.is_empty(), "SEED={seed}: nothing was written");
        let outside: Vec<usize> = self.gone.iter().chain(&self.strangers).copied().collect();
        let told = self.told_by_insiders(&outside, &honest);
        (self.outside, self.told) = (outside.len(), told.len());
        for node in outside {
            self.world.reconnect(node);
            let until = self.world.now + 3_000;
            self.world.run_until(until);
            if told.contains(&node) {
                continue;
            }
            let keyring = &self.world.puppet(node).keyring;
            let read: Vec<&EpochId> = epochs.iter().filter(|epoch| keyring.key(epoch).is_some()).collect();
            assert!(read.is_empty(), "SEED={seed}: {node} reads on: {read:?}");
        }
    }
}

impl Storm {
    /// Which of these devices were told a key by somebody who is in and follows no rule, or by one who was told: nothing
    /// keeps a member from telling others what they know.
    fn told_by_insiders(&self, outside: &[usize], honest: &[PublicKey]) -> BTreeSet<usize> {
        let membership = self.world.membership(OWNER);
        // Also what no honest device has taken may have come to them.
        let entries = self.world.entries(OWNER);
        let all = entries.iter().chain(&self.forged).filter(|entry| entry.header.kind == Kind::Epoch);
        let mut tellings: Vec<(UserId, BTreeSet<Cover>)> = Vec::new();
        for entry in all.filter(|entry| !honest.iter().any(|key| entry.verify(key).is_ok())) {
            let signed = |node: &&weft_simulations::node::Node| entry.verify(&node.keys.public_key()).is_ok();
            let signer = self.world.nodes.iter().find(signed);
            if let (Some(signer), Ok(epoch)) = (signer, entry.clear::<Epoch>()) {
                tellings.push((signer.user(), epoch.covers.into_iter().collect()));
            }
        }
        let mut told: BTreeSet<usize> = BTreeSet::new();
        loop {
            let knows = |user: &UserId| {
                membership.class_of(user).is_some()
                    || told.iter().any(|node| self.world.nodes[*node].user() == *user)
            };
            let hears = |node: &usize| {
                let (device, user) =
                    (self.world.nodes[*node].keys.device_id(), self.world.nodes[*node].user());
                let is_covered = |covers: &BTreeSet<Cover>| {
                    covers.contains(&Cover::Device(device)) || covers.contains(&Cover::Recovery(user))
                };
                tellings.iter().any(|(by, covers)| is_covered(covers) && knows(by))
            };
            let now: BTreeSet<usize> = outside.iter().copied().filter(hears).collect();
            if now == told {
                return told;
            }
            told = now;
        }
    }
}

/// One thing that somebody does who follows no rule.
struct Attack<'a> {
    puppet: &'a mut Puppet,
    rng: &'a mut ChaCha20Rng,
    targets: &'a [(UserId, DeviceId, Chain)],
    old: Vec<EntryId>,
}

impl Attack<'_> {
    /// What the entry claims to know: all, what was known at some time, or one thing.
    fn heads(&mut self) -> Vec<EntryId> {
        let control: Vec<EntryId> = self
            .puppet
            .entries()
            .iter()
            .map(Entry::id)
            .filter(|id| self.puppet.membership.is_here(id))
            .collect();
        match self.rng.random_range(0..3) {
            0 => self.puppet.heads(),
            1 if self.old.len() <= 8 => self.old.clone(),
            _ => vec![control[self.rng.random_range(0..control.len())]],
        }
    }

    fn target(&mut self) -> (UserId, DeviceId, Chain) {
        self.targets[self.rng.random_range(0..self.targets.len())].clone()
    }

    /// A grant to go by: the own one, the owner's, or any operation that is here.
    fn via(&mut self) -> OpRef {
        let acl: Vec<EntryId> = self
            .puppet
            .entries()
            .iter()
            .filter(|entry| entry.header.kind == Kind::Acl)
            .map(Entry::id)
            .collect();
        match (self.rng.random_range(0..3), self.puppet.via()) {
            (0, Some(via)) => via,
            (1, _) if !acl.is_empty() => {
                let place = self.rng.random_range(0..3);
                OpRef::new(acl[self.rng.random_range(0..acl.len())], place)
            }
            _ => self.puppet.founding(),
        }
    }

    fn operation(&mut self) -> Vec<AclOperation> {
        let (user, device, chain) = self.target();
        let via = self.via();
        let me = self.puppet.user();
        let class = [Class::Viewer, Class::Editor, Class::Admin][self.rng.random_range(0..3)];
        let add = AclOperation::AddDev { user, label: None, chain };
        match self.rng.random_range(0..8) {
            0 => vec![AclOperation::Grant { user: me, class, via }],
            1 => vec![AclOperation::Grant { user, class, via }],
            2 => vec![AclOperation::Revoke { user, via, seen: self.puppet.seen_of(&user) }],
            3 => vec![AclOperation::Revoke { user, via, seen: Vec::new() }],
            4 => vec![AclOperation::RmDev { user, device, seen: Vec::new() }],
            5 => vec![add, AclOperation::Grant { user, class, via }],
            6 => vec![add],
            _ => vec![
                AclOperation::SetEndpoint { device, endpoint: EndpointId::from_bytes([3; 32]) },
                AclOperation::SetPolicy { key: "days".to_owned(), value: vec![9], via },
            ],
        }
    }

    fn known_epoch(&mut self) -> EpochId {
        let epochs: Vec<EpochId> = self.puppet.keyring.epochs().copied().collect();
        if epochs.is_empty() {
            return EpochId::from_bytes([8; 16]);
        }
        epochs[self.rng.random_range(0..epochs.len())]
    }

    fn make(&mut self) -> Vec<Entry> {
        let heads = self.heads();
        let session = self.rng.random_range(1..6);
        let pen = if self.rng.random_bool(0.2) { Pen::User } else { Pen::Device };
        match self.rng.random_range(0..13) {
            0..6 => {
                let operations = self.operation();
                self.puppet.acl(pen, session, operations, heads)
            }
            6 | 7 => {
                let epoch = self.known_epoch();
                self.puppet.data(session, b"an attack".to_vec(), epoch, heads, self.rng)
            }
            8 => self.puppet.epoch(session, &[], heads, self.rng).1,
            9 => self.rewrap(session, heads),
            10 => {
                let epoch = self.known_epoch();
                let (mut made, both) = if self.rng.random_bool(0.5) {
                    self.puppet.forked(session, epoch, &heads, self.rng)
                } else {
                    let both = [self.operation(), self.operation()];
                    let (made, both) = self.puppet.forked_acl(session, both, &heads);
                    both.iter().for_each(|entry| self.puppet.go_on_from(session, entry));
                    (made, both)
                };
                made.extend(both);
                made
            }
            11 => {
                let epoch = EpochId::from_bytes([self.rng.random_range(0..255); 16]);
                self.puppet.control(pen, session, &KeyRequest { epoch }, heads)
            }
            _ => {
                // A claim to hold what nobody has written.
                let positions = vec![EntryRef {
                    log: weft_sync::LogId::from_bytes([self.rng.random_range(0..255); 32]),
                    seq: 3,
                    id: EntryId::from_bytes([7; 32]),
                }];
                self.puppet.frontier(session, &Frontier { positions }, heads)
            }
        }
    }

    fn rewrap(&mut self, session: u8, heads: Vec<EntryId>) -> Vec<Entry> {
        let originals = self.puppet.entries().iter().filter(|entry| entry.header.kind == Kind::Epoch);
        let known = originals.filter_map(|entry| {
            let epoch = entry.clear::<Epoch>().ok().filter(|epoch| epoch.of.is_none())?;
            Some((entry.id(), self.puppet.keyring.key(&epoch.epoch)?.clone()))
        });
        let known: Vec<_> = known.collect();
        if known.is_empty() {
            return Vec::new();
        }
        let (of, key) = &known[self.rng.random_range(0..known.len())];
        let recipients = self.puppet.membership.recipients();
        let rewrap = Epoch::rewrap(key, *of, &recipients, self.rng).unwrap();
        self.puppet.control(Pen::Device, session, &rewrap, heads)
    }
}

/// Runs every fourth of the seeds, so that the parts share the cores.
#[expect(clippy::print_stdout, reason = "how much of everything there was")]
fn storms(part: u64) {
    let (mut attacks, mut gone, mut kept, mut held) = (0, 0, 0, 0);
    let (mut outside, mut told) = (0, 0);
    let seeds: Vec<u64> = seeds(400).into_iter().filter(|seed| seed % 4 == part).collect();
    for seed in &seeds {
        let mut storm = Storm::new(*seed);
        storm.turn_some();
        for _ in 0..STEPS {
            storm.step();
        }
        storm.check();
        attacks += storm.attacks;
        gone += storm.gone.len();
        kept += storm.kept.len();
        outside += storm.outside;
        told += storm.told;
        let stored: BTreeSet<EntryId> = storm.world.entries(OWNER).iter().map(Entry::id).collect();
        held += storm.forged.iter().filter(|entry| stored.contains(&entry.id())).count();
    }
    println!(
        "{} storms: {attacks} attacks, {held} forged entries taken, {gone} people put out, {kept} of their entries kept; \
         of {outside} outside {told} were told a key by somebody inside",
        seeds.len()
    );
    // What nothing can prevent must stay the exception, or the question whether anybody reads on is hardly asked.
    assert!(seeds.len() < 20 || told * TOLD_SHARE <= outside, "{told} of {outside} were told a key");
    assert!(seeds.len() < 20 || attacks > 0 && gone > 0 && kept > 0 && held > 0, "next to nothing happened");
}

#[test]
fn whatever_hostile_people_do_at_once() {
    storms(0);
}

#[test]
fn whatever_hostile_people_do_at_once_second_part() {
    storms(1);
}

#[test]
fn whatever_hostile_people_do_at_once_third_part() {
    storms(2);
}

#[test]
fn whatever_hostile_people_do_at_once_fourth_part() {
    storms(3);
}
