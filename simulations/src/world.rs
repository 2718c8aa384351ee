//! The clock, the events and the faults.

mod hostile;

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use weft_sync::acl::{AclOperation, Class};
use weft_sync::frames::Frame;
use weft_sync::limits::FRAME_BYTES_MAX;
use weft_sync::replica::{Append, ChannelId, CutBack, Delivery, DeviceStatus, Effect, Input, Load};
use weft_sync::seal::Label;
use weft_sync::workspace::found;
use weft_sync::{DeviceId, EntryId, EntryRef, Item, Timestamp};

use crate::network::{LinkId, Network};
use crate::node::{CANARY, Node};
use crate::plan::{Plan, Topology};
use crate::store::MemoryStore;

/// What is going to happen.
enum Event {
    Frame { link: LinkId, to: usize, bytes: Vec<u8> },
    Closed { link: LinkId, at: usize },
    Commit { node: usize, life: u64, append: Append },
    Load { node: usize, life: u64, load: Load },
    Apply { node: usize, life: u64, delivery: Delivery },
    Withdraw { node: usize, life: u64, entries: Vec<EntryRef> },
    CutBack { node: usize, life: u64, cut: CutBack },
    Wake { node: usize, life: u64 },
    Dial { from: usize, to: usize },
    Write { node: usize },
    Rewrite { node: usize, life: u64, items: Vec<Item> },
    Invite { node: usize },
    Remove,
    Drop,
    Part,
    Heal,
    Crash { reboot: bool },
    Start { node: usize },
}

/// A simulation.
pub struct World {
    /// Its numbers.
    pub plan: Plan,
    /// The devices.
    pub nodes: Vec<Node>,
    /// What connects them.
    pub network: Network,
    /// Virtual milliseconds since the beginning.
    pub now: u64,
    rng: ChaCha20Rng,
    events: BTreeMap<(u64, u64), Event>,
    next_event: u64,
    /// When each device asked to be woken; only the last time counts.
    wakes: BTreeMap<usize, u64>,
    /// How often each Data entry has come to each device.
    pub copies: BTreeMap<(usize, EntryId), u32>,
    /// The same of entries of the control lane and the beginnings of logs.
    pub control_copies: BTreeMap<(usize, EntryId), u32>,
    /// Whether an old store was put in place somewhere, so that what was said is not true any more.
    pub was_set_back: bool,
    /// Devices that were put out: nothing is expected of them any more.
    pub removed: BTreeSet<usize>,
    /// Devices of somebody who follows no rule; they are among the removed.
    pub hostile: BTreeSet<usize>,
    /// Bytes of entries that were sent on a channel, and taken in at its other end.
    windows: BTreeMap<ChannelId, (u64, u64)>,
    /// The most that was sent on a channel and not taken in yet.
    pub in_flight_max: u64,
    /// Folds in every frame with its time and place: two runs of one seed end with one value.
    pub trace: u64,
    /// Bytes of all frames.
    pub wire_bytes: u64,
    /// Frames of all kinds.
    pub wire_frames: u64,
}

impl World {
    /// A workspace that the first device founds, and devices that know no more than its name.
    #[must_use]
    pub fn new(seed: u64, plan: Plan) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let first_keeper = plan.devices - plan.keepers;
        let class = |node: usize| match node {
            0 => Class::Owner,
            admin if admin <= plan.admins => Class::Admin,
            keeper if keeper >= first_keeper => Class::Keeper,
            _ => Class::Editor,
        };
        let mut nodes: Vec<Node> = (0..plan.devices).map(|node| Node::new(class(node), &mut rng)).collect();
        let founder = &mut nodes[0];
        let label = Label::new("owner", "first device");
        let founded = found(&founder.keys, &founder.chain, "a workspace", &label, &mut rng)
            .expect("a chain of this device");
        founder.store = MemoryStore::founded(&founded.genesis);
        founder.keyring = founded.keyring;
        for node in &mut nodes {
            node.ws = founded.ws;
        }
        let mut world = Self {
            plan,
            nodes,
            network: Network::default(),
            now: 0,
            rng,
            events: BTreeMap::new(),
            next_event: 0,
            wakes: BTreeMap::new(),
            copies: BTreeMap::new(),
            control_copies: BTreeMap::new(),
            was_set_back: false,
            removed: BTreeSet::new(),
            hostile: BTreeSet::new(),
            windows: BTreeMap::new(),
            in_flight_max: 0,
            trace: 0,
            wire_bytes: 0,
            wire_frames: 0,
        };
        world.begin(founded.operations);
        world
    }

    fn begin(&mut self, operations: Vec<AclOperation>) {
        for node in 0..self.nodes.len() {
            self.start(node);
        }
        let write = self.nodes[0].write_id();
        self.tell(0, Input::WriteAcl { write, operations });
        let (begin, length) = (self.plan.quiet_millis, self.plan.busy_millis);
        let busy = begin..begin + length;
        for node in 1..self.nodes.len() {
            let at = if self.plan.late_joins { self.pick(busy.clone()) } else { 0 };
            self.schedule(at, Event::Invite { node });
        }
        for (from, to) in self.pairs() {
            let at = self.pick(0..500);
            self.schedule(at, Event::Dial { from, to });
        }
        for node in 0..self.nodes.len() {
            for _ in 0..if self.nodes[node].reads() { self.plan.writes } else { 0 } {
                let at = self.pick(busy.clone());
                self.schedule(at, Event::Write { node });
            }
        }
        for _ in 0..self.plan.drops {
            let at = self.pick(busy.clone());
            self.schedule(at, Event::Drop);
        }
        for _ in 0..self.plan.partitions {
            let at = self.pick(busy.clone());
            let parted = self.pick(500..length / 2 + 501);
            self.schedule(at, Event::Part);
            self.schedule(at + parted, Event::Heal);
        }
        for _ in 0..self.plan.removals {
            let at = self.pick(busy.clone());
            self.schedule(at, Event::Remove);
        }
        for crash in 0..self.plan.crashes {
            let at = self.pick(busy.clone());
            self.schedule(at, Event::Crash { reboot: crash < self.plan.reboots });
        }
    }

    /// One more device, of a new person, whom `by` lets in.
    pub fn add_device(&mut self, class: Class, by: usize) -> usize {
        let index = self.add_newcomer(class);
        let operations = self.nodes[by].invitation(&self.nodes[index], &mut self.rng);
        let write = self.nodes[by].write_id();
        self.tell(by, Input::WriteAcl { write, operations });
        index
    }

    /// One more device, of a new person who has a ticket. Nobody has let them in yet.
    pub fn add_newcomer(&mut self, class: Class) -> usize {
        let mut node = Node::new(class, &mut self.rng);
        node.ws = self.nodes[0].ws;
        let index = self.nodes.len();
        self.nodes.push(node);
        self.start(index);
        self.dial_all(index);
        index
    }

    /// Lets a new device be dialled, and dial.
    fn dial_all(&mut self, index: usize) {
        for (from, to) in self.pairs().into_iter().filter(|(from, to)| *from == index || *to == index) {
            let at = self.now + self.pick(0..500);
            self.schedule(at, Event::Dial { from, to });
        }
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let count = self.nodes.len();
        match self.plan.topology {
            Topology::Mesh => (0..count).flat_map(|b| (0..b).map(move |a| (b, a))).collect(),
            Topology::Star => (1..count).map(|node| (node, 0)).collect(),
            Topology::Chain => (1..count).map(|node| (node, node - 1)).collect(),
        }
    }

    /// Draws from a range.
    pub fn pick(&mut self, range: std::ops::Range<u64>) -> u64 {
        self.rng.random_range(range)
    }

    fn schedule(&mut self, at: u64, event: Event) {
        self.next_event += 1;
        self.events.insert((at.max(self.now), self.next_event), event);
    }

    /// Runs until `until`, or until nothing is left to happen.
    pub fn run_until(&mut self, until: u64) {
        while let Some(entry) = self.events.first_entry() {
            if entry.key().0 > until {
                break;
            }
            let ((at, _), event) = entry.remove_entry();
            self.now = at;
            self.happen(event);
        }
        self.now = self.now.max(until);
    }

    /// Runs the busy time, heals everything, and runs on until nothing is left to fetch, store or
    /// take in. Says whether that came about within `millis` of virtual time.
    pub fn run(&mut self, millis: u64) -> bool {
        self.run_until(self.plan.quiet_millis + self.plan.busy_millis);
        self.heal();
        self.settle(millis)
    }

    /// Makes the network whole and starts every device.
    pub fn heal(&mut self) {
        self.network.heal();
        for node in 0..self.nodes.len() {
            if !self.nodes[node].is_up() {
                self.start(node);
            }
        }
    }

    /// Runs on until all is at rest.
    pub fn settle(&mut self, millis: u64) -> bool {
        let end = self.now + millis;
        while self.now < end {
            let next = self.now + 250;
            self.run_until(next);
            if self.is_at_rest() {
                return true;
            }
        }
        false
    }

    /// The devices of which something is expected.
    pub fn members(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|node| !self.removed.contains(node))
    }

    fn is_at_rest(&self) -> bool {
        let vectors: BTreeSet<Vec<(_, _)>> =
            self.members().map(|node| self.nodes[node].store.vector().into_iter().collect()).collect();
        let quiet = self.members().all(|index| {
            let node = &self.nodes[index];
            let Some(replica) = &node.replica else { return false };
            let readers = self
                .members()
                .filter(|other| *other != index && self.nodes[*other].reads())
                .filter(|other| self.network.connected(index, *other))
                .count();
            let void = replica.sync_status().void;
            let taken_in = !node.reads() || node.store.unopened() as u64 == void;
            replica.is_synced(if node.reads() { readers } else { 0 }) && taken_in && node.writing.is_empty()
        });
        let is_member = |node: &usize| !self.removed.contains(node);
        let pairs = self.pairs().into_iter().filter(|(a, b)| is_member(a) && is_member(b));
        let all_connected = pairs.into_iter().all(|(a, b)| self.network.connected(a, b));
        quiet && all_connected && vectors.len() == 1
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Frame { link, to, bytes } => self.arrive(link, to, bytes),
            Event::Closed { link, at } => self.close_end(link, at),
            Event::Commit { node, life, append } => {
                if self.is_living(node, life) {
                    self.nodes[node].commit(&append.entries);
                    self.tell(node, Input::Committed { batch: append.batch });
                }
            }
            Event::Load { node, life, load } => {
                if self.is_living(node, life) {
                    let entries = self.nodes[node].store.load(&load);
                    self.tell(node, Input::Loaded { request: load.request, entries });
                }
            }
            Event::Apply { node, life, delivery } => {
                if self.is_living(node, life) {
                    self.nodes[node].apply(delivery);
                }
            }
            Event::Withdraw { node, life, entries } => {
                if self.is_living(node, life) {
                    self.nodes[node].withdraw(&entries);
                }
            }
            Event::CutBack { node, life, cut } => {
                if self.is_living(node, life) {
                    self.nodes[node].cut_back(cut);
                }
            }
            Event::Wake { node, life } => {
                if self.is_living(node, life) && self.wakes.get(&node) == Some(&self.now) {
                    self.tell(node, Input::Tick);
                }
            }
            Event::Dial { from, to } => self.dial(from, to),
            Event::Write { node } => self.write(node),
            Event::Rewrite { node, life, items } => {
                if self.is_living(node, life) {
                    self.write_items(node, items);
                }
            }
            Event::Invite { node } => self.invite(node),
            Event::Remove => self.remove_somebody(),
            Event::Drop => self.drop_some(),
            Event::Part => self.part(),
            Event::Heal => self.network.part(None),
            Event::Crash { reboot } => {
                let node = self.some_node();
                self.crash(node);
                if reboot {
                    self.nodes[node].new_session(&mut self.rng);
                }
                let at = self.now + self.pick(100..3_000);
                self.schedule(at, Event::Start { node });
            }
            Event::Start { node } => {
                if !self.nodes[node].is_up() {
                    self.start(node);
                }
            }
        }
    }

    fn is_living(&self, node: usize, life: u64) -> bool {
        self.nodes[node].life == life && self.nodes[node].is_up()
    }

    fn some_node(&mut self) -> usize {
        let node = self.pick(0..self.nodes.len() as u64);
        usize::try_from(node).expect("the number of a device")
    }

    /// Starts a device.
    pub fn start(&mut self, node: usize) {
        let effects = self.nodes[node].start(Timestamp(self.now), &mut self.rng);
        self.carry_out(node, effects);
    }

    /// Stops a device without a word. A transaction that is under way is stored or not.
    pub fn crash(&mut self, node: usize) {
        if self.nodes[node].replica.is_none() {
            return;
        }
        let life = self.nodes[node].life;
        let under_way = self.events.iter().find_map(|(key, event)| match event {
            Event::Commit { node: at, life: of, .. } if *at == node && *of == life => Some(*key),
            _ => None,
        });
        if let Some(Event::Commit { append, .. }) = under_way.and_then(|key| self.events.remove(&key))
            && self.rng.random_bool(0.5)
        {
            self.nodes[node].commit(&append.entries);
        }
        self.nodes[node].crash();
        for link in self.network.of(node) {
            self.break_link(link);
        }
    }

    /// Tells a device what happened and carries out what it asks for.
    pub fn tell(&mut self, node: usize, input: Input) {
        let effects = self.nodes[node].handle(Timestamp(self.now), input, &mut self.rng);
        self.carry_out(node, effects);
    }

    /// A time for taking in what comes next, after what came before.
    fn in_order(&mut self, node: usize) -> u64 {
        let at = self.now + self.pick(0..10);
        let last = &mut self.nodes[node].taken_in_until;
        *last = at.max(*last);
        *last
    }

    fn carry_out(&mut self, node: usize, effects: Vec<Effect>) {
        let life = self.nodes[node].life;
        for effect in effects {
            match effect {
                Effect::Append(append) => {
                    let at = self.now + self.pick(self.plan.commit_millis.clone());
                    self.schedule(at, Event::Commit { node, life, append });
                }
                Effect::Send { channel, bytes } => self.send(channel, bytes),
                Effect::Close { channel, .. } => self.close(channel),
                Effect::Load(load) => {
                    let at = self.now + self.pick(0..4);
                    self.schedule(at, Event::Load { node, life, load });
                }
                Effect::Deliver(delivery) => {
                    let at = self.in_order(node);
                    self.schedule(at, Event::Apply { node, life, delivery });
                }
                Effect::Withdrawn(entries) => {
                    let at = self.in_order(node);
                    self.schedule(at, Event::Withdraw { node, life, entries });
                }
                Effect::Written { write, entries } => self.nodes[node].written(write, entries),
                Effect::WriteRefused { write, reason } => {
                    if let Some(items) = self.nodes[node].refused(write, &reason) {
                        let at = self.now + 200;
                        self.schedule(at, Event::Rewrite { node, life, items });
                    }
                }
                Effect::SessionStarted { session } => {
                    self.nodes[node].session = session;
                    self.nodes[node].sessions_begun += 1;
                }
                Effect::MembershipChanged => {
                    if let Some(replica) = &self.nodes[node].replica {
                        self.nodes[node].keyring = replica.keyring().clone();
                    }
                }
                Effect::Forked(_) => self.nodes[node].forks += 1,
                Effect::CutBack(cut) => {
                    self.nodes[node].store.cut_back(&cut.log, cut.to);
                    let at = self.in_order(node);
                    self.schedule(at, Event::CutBack { node, life, cut });
                }
                Effect::Damaged { entry, reason, .. } => panic!("{entry:?} is damaged: {reason}"),
                Effect::WakeAt(Timestamp(at)) => {
                    let at = at.max(self.now);
                    self.wakes.insert(node, at);
                    self.schedule(at, Event::Wake { node, life });
                }
                Effect::PeerChanged(status) => self.peer_changed(node, &status),
                Effect::PeersLearned { peers, .. } => self.nodes[node].learned.extend(peers),
                Effect::Stopped => {}
            }
        }
    }
}

// What devices say of each other.
impl World {
    /// A device that is said to hold everything must hold it: else an edit would be lost with
    /// the device that it was made on.
    fn peer_changed(&mut self, node: usize, status: &DeviceStatus) {
        let Some(other) = self.index_of(&status.device) else { return };
        let Some(replica) = &self.nodes[node].replica else { return };
        let acks = replica.acked_by(&status.device);
        if !self.was_set_back {
            for ack in &acks {
                let held = self.nodes[other].store.seq(&ack.log);
                assert!(held >= ack.seq, "device {other} is said to hold {ack:?} and holds {held}");
            }
        }
        if !self.was_set_back && status.has_all_mine {
            for end in replica.own_data_logs() {
                let held = self.nodes[other].store.seq(&end.log);
                assert!(held >= end.seq, "device {other} is said to hold all of {node} and lacks some");
            }
        }
        self.nodes[node].acks.insert(status.device, acks);
    }

    /// The device with this id.
    #[must_use]
    pub fn index_of(&self, device: &DeviceId) -> Option<usize> {
        self.nodes.iter().position(|node| node.keys.device_id() == *device)
    }

    /// How one device says that another stands to it.
    #[must_use]
    pub fn status(&self, node: usize, other: usize) -> Option<DeviceStatus> {
        let device = self.nodes[other].keys.device_id();
        let statuses = self.nodes[node].replica.as_ref()?.device_statuses();
        statuses.into_iter().find(|status| status.device == device)
    }
}

// The network.
impl World {
    fn dial(&mut self, from: usize, to: usize) {
        let reachable = self.network.reaches(from, to) && !self.network.connected(from, to);
        let up = self.nodes[from].is_up() && self.nodes[to].is_up();
        if reachable && up {
            let lives = [from, to].map(|node| (node, self.nodes[node].life));
            let (_, [ours, theirs]) = self.network.connect(lives[0], lives[1]);
            let (us, them) = (self.nodes[from].endpoint(), self.nodes[to].endpoint());
            self.tell(from, Input::ChannelUp { channel: ours, peer: them, dialer: true });
            self.tell(to, Input::ChannelUp { channel: theirs, peer: us, dialer: false });
        }
        let at = self.now + self.pick(400..2_000);
        self.schedule(at, Event::Dial { from, to });
    }

    fn send(&mut self, channel: ChannelId, bytes: Vec<u8>) {
        assert!(bytes.len() <= FRAME_BYTES_MAX, "a frame of {} bytes", bytes.len());
        assert!(!holds(&bytes, CANARY), "plain text is on the wire");
        self.wire_bytes += bytes.len() as u64;
        self.wire_frames += 1;
        self.record(channel, &bytes);
        let (link, side) = Network::find(channel);
        let to = 1 - side;
        let delay = self.pick(self.plan.delay_millis.clone());
        let now = self.now;
        let repeats = self.rng.random_ratio(self.plan.repeats_per_mille, 1_000);
        let Some(end) = self.network.reached_end(link, to) else { return };
        end.last_arrival = end.last_arrival.max(now + delay);
        let at = end.last_arrival;
        if repeats && matches!(Frame::decode(&bytes), Ok(Frame::Entries(_))) {
            self.schedule(at, Event::Frame { link, to, bytes: bytes.clone() });
        }
        self.schedule(at, Event::Frame { link, to, bytes });
    }

    fn record(&mut self, channel: ChannelId, bytes: &[u8]) {
        for byte in self.now.to_le_bytes().iter().chain(&channel.0.to_le_bytes()).chain(bytes) {
            self.trace = (self.trace ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        match Frame::decode(bytes) {
            Ok(Frame::Entries(_)) => {
                let (sent, taken) = self.windows.entry(channel).or_default();
                *sent += bytes.len() as u64;
                self.in_flight_max = self.in_flight_max.max(sent.saturating_sub(*taken));
            }
            Ok(Frame::Ack(ack)) => {
                let other = ChannelId(channel.0 ^ 1);
                self.windows.entry(other).or_default().1 = ack.taken_bytes;
            }
            _ => {}
        }
    }

    fn arrive(&mut self, link: LinkId, to: usize, bytes: Vec<u8>) {
        let Some(end) = self.network.end(link, to).copied() else { return };
        if !end.open || !self.is_living(end.node, end.life) {
            return;
        }
        if let Ok(Frame::Bye(code)) = Frame::decode(&bytes) {
            self.nodes[end.node].closed_with.push(code);
        }
        if let Ok(Frame::Entries(entries)) = Frame::decode(&bytes) {
            for entry in entries {
                let entry = weft_sync::Entry::decode(&entry.0).expect("an entry that was sent");
                let is_data = entry.header.kind == weft_sync::Kind::Data;
                let copies = if is_data { &mut self.copies } else { &mut self.control_copies };
                *copies.entry((end.node, entry.id())).or_default() += 1;
            }
        }
        self.tell(end.node, Input::Frame { channel: end.channel, bytes });
    }

    fn close(&mut self, channel: ChannelId) {
        let (link, side) = Network::find(channel);
        let delay = self.pick(self.plan.delay_millis.clone());
        if let Some(end) = self.network.end(link, side) {
            end.open = false;
        }
        let now = self.now;
        let other = 1 - side;
        let Some(end) = self.network.reached_end(link, other) else { return };
        let at = end.last_arrival.max(now + delay);
        self.schedule(at, Event::Closed { link, at: other });
    }

    fn close_end(&mut self, link: LinkId, at: usize) {
        let Some(end) = self.network.end(link, at) else { return };
        let was_open = std::mem::replace(&mut end.open, false);
        let end = *end;
        if was_open && self.is_living(end.node, end.life) {
            self.tell(end.node, Input::ChannelDown { channel: end.channel });
        }
    }

    /// Breaks a connection: what is on its way is lost, and what is sent from now on, until each end notices in its
    /// own time.
    pub fn break_link(&mut self, link: LinkId) {
        let lost: Vec<(u64, u64)> = self
            .events
            .iter()
            .filter(|(_, event)| matches!(event, Event::Frame { link: of, .. } if *of == link))
            .map(|(key, _)| *key)
            .collect();
        for key in lost {
            self.events.remove(&key);
        }
        self.network.break_link(link);
        for at in 0..2 {
            let when = self.now + self.pick(0..1_500);
            self.schedule(when, Event::Closed { link, at });
        }
    }

    fn drop_some(&mut self) {
        let open = self.network.open();
        if !open.is_empty() {
            let at = usize::try_from(self.pick(0..open.len() as u64)).expect("an index");
            self.break_link(open[at]);
        }
    }

    fn part(&mut self) {
        let part = (0..self.nodes.len()).filter(|_| self.rng.random_bool(0.5)).collect();
        self.network.part(Some(part));
        for link in self.network.broken() {
            self.break_link(link);
        }
    }

    /// Takes a device off the network or puts it back.
    pub fn cut_off(&mut self, node: usize, off: bool) {
        self.network.cut_off(node, off);
        for link in self.network.broken() {
            self.break_link(link);
        }
    }
}

// What people do.
impl World {
    fn invite(&mut self, node: usize) {
        if self.removed.contains(&node) {
            return;
        }
        if self.nodes[0].replica.is_none() {
            let at = self.now + 500;
            return self.schedule(at, Event::Invite { node });
        }
        if self.knows(0, node) {
            return;
        }
        let operations = self.nodes[0].invitation(&self.nodes[node], &mut self.rng);
        let write = self.nodes[0].write_id();
        self.tell(0, Input::WriteAcl { write, operations });
        // A crash may swallow it; then it is said again.
        let at = self.now + 2_000;
        self.schedule(at, Event::Invite { node });
    }

    /// The owner or an admin puts somebody out who is neither.
    fn remove_somebody(&mut self) {
        let node = self.some_node();
        let by = usize::try_from(self.pick(0..self.plan.admins as u64 + 1)).expect("an admin");
        let is_in =
            by != node && self.nodes[by].replica.is_some() && self.knows(by, by) && self.knows(by, node);
        if node > self.plan.admins && is_in && !self.removed.contains(&node) {
            self.remove(by, node);
        } else {
            let at = self.now + 300;
            self.schedule(at, Event::Remove);
        }
    }

    /// A device puts the person of another one out.
    pub fn remove(&mut self, by: usize, node: usize) {
        let operations = self.nodes[by].removal(&self.nodes[node].user());
        let write = self.nodes[by].write_id();
        self.tell(by, Input::WriteAcl { write, operations });
        self.removed.insert(node);
    }

    /// Puts an old backup of the store in place, of that many entries, and starts again: with the
    /// same session when nothing tells that this has happened.
    pub fn set_back(&mut self, node: usize, entries: usize, same_session: bool) {
        self.crash(node);
        self.was_set_back |= entries < self.nodes[node].store.len();
        self.nodes[node].set_back(entries);
        if !same_session {
            self.nodes[node].new_session(&mut self.rng);
        }
        self.start(node);
    }

    /// Whether a device holds that another is in.
    #[must_use]
    pub fn knows(&self, node: usize, other: usize) -> bool {
        let membership = self.nodes[node].replica.as_ref().and_then(|replica| replica.membership());
        membership.is_some_and(|membership| membership.is_live(&self.nodes[other].keys.device_id()))
    }

    fn write(&mut self, node: usize) {
        if !self.nodes[node].may_write() {
            // Not up, or not in yet.
            let at = self.now + 500;
            return self.schedule(at, Event::Write { node });
        }
        let count = self.rng.random_range(self.plan.items.clone());
        let bytes = self.rng.random_range(self.plan.change_bytes.clone());
        let items = self.nodes[node].items(count, bytes, &mut self.rng);
        self.write_items(node, items);
    }

    /// Writes items on a device.
    pub fn write_items(&mut self, node: usize, items: Vec<Item>) {
        if let Some(input) = self.nodes[node].write(items) {
            self.tell(node, input);
        }
    }

    /// Writes once on a device that is in, as the plan says.
    pub fn write_now(&mut self, node: usize) {
        self.write(node);
    }
}

/// Whether `needle` stands anywhere in `bytes`.
#[must_use]
pub fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
