//! The clock, the network and the disks of whole devices.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use weft_crdt::ChunkId;
use weft_node::driven::{DrivenWorkspace, Step};
use weft_store::Storage;
use weft_sync::acl::{AclOperation, Class};
use weft_sync::frames::Frame;
use weft_sync::ids::{EndpointId, EntryId, EntryRef, LogId, Timestamp};
use weft_sync::limits::{FRAME_BYTES_MAX, PENDING_ENTRIES_MAX, SEND_WINDOW_BYTES};
use weft_sync::replica::{ChannelId, Input, WriteId};
use weft_sync::seal::Label;
use weft_sync::workspace::{admit, found};
use weft_sync::{Entry, Kind};

use super::check::{Failure, Invariant};
use super::device::{Device, Queued};
use super::people::OldCopy;
use super::script::{Planned, Script, What};
use super::tokens::{CANARY, NAME_CANARY, Tokens};
use crate::network::{LinkId, Network};
use crate::world::holds;

/// How often devices are compared along the way.
const COMPARE_EVERY_MILLIS: u64 = 2_000;
/// How long healed devices may take to come to rest.
const SETTLE_MILLIS: u64 = 240_000;
/// Room for one frame and one entry beyond the window.
const WINDOW_SLACK: u64 = 2 * 1024 * 1024;

/// Something that is broken on purpose, to show that its invariant can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// A file of one folder is not what its workspace shows: agreement.
    StrayFile,
    /// A device cannot be reached in the end, when there is something new: agreement.
    Unreachable,
    /// One frame carries a word in the open: secrecy.
    PlainFrame,
    /// A word is acknowledged that nobody ever typed into a file: no loss.
    FalseAcknowledgement,
    /// A channel is said to have more under way than there may be: limits.
    FullWindow,
    /// A machine's memory and disk go back together, and it goes on writing to its log: one number,
    /// one entry.
    SameNumberTwice,
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Faults that really happened.
    pub faults: usize,
    /// What people really did.
    pub acts: usize,
    /// Words that were acknowledged as saved.
    pub acknowledged: usize,
    /// Of those, words that must be there in the end.
    pub expected: usize,
    /// Virtual milliseconds from healing until all agreed.
    pub settle_millis: u64,
    /// How often a Data entry came to a device that it had to come to, on average.
    pub copies: f64,
    /// Bytes of all frames.
    pub wire_bytes: u64,
    /// Frames.
    pub wire_frames: u64,
    /// Times that two devices were found equal along the way.
    pub comparisons: usize,
    /// Words that stand twice in one file.
    pub doubled: usize,
    /// Bytes of Data entries in the store of the first device.
    pub entry_bytes: u64,
    /// Folds in every frame with its time and place.
    pub trace: u64,
}

pub(super) enum Event {
    Frame { link: LinkId, to: usize, bytes: Vec<u8> },
    Closed { link: LinkId, at: usize },
    Committed { device: usize, life: u64 },
    Fetched { device: usize, life: u64, peer: EndpointId, chunks: Vec<ChunkId> },
    Wake { device: usize, life: u64 },
    Folder { device: usize, life: u64 },
    Dial { from: usize, to: usize },
    Invite { device: usize },
    Planned(Planned),
    Heal,
    RoomAgain { device: usize },
    Start { device: usize },
    Compare,
}

/// See the [module](super).
pub struct WholeWorld {
    pub(super) script: Script,
    pub(super) devices: Vec<Device>,
    pub(super) network: Network,
    /// Virtual milliseconds since the beginning.
    pub now: u64,
    pub(super) rng: ChaCha20Rng,
    events: BTreeMap<(u64, u64), Event>,
    next_event: u64,
    wakes: BTreeMap<usize, u64>,
    pub(super) tokens: Tokens,
    /// Saves of old copies that may not have been read yet.
    pub(super) old_copies: Vec<OldCopy>,
    /// Devices that were put out: nothing is expected of them any more.
    pub(super) removed: BTreeSet<usize>,
    pub(super) healed: bool,
    next_write: u64,
    pub(super) next_name: u64,
    pub(super) sabotage: Option<Sabotage>,
    pub(super) failure: Option<Failure>,
    /// The first entry that was signed for each place.
    signed: BTreeMap<(LogId, u64), EntryId>,
    windows: BTreeMap<ChannelId, (u64, u64)>,
    copies: BTreeMap<(usize, EntryId), u32>,
    pub(super) report: Report,
    repeats_per_mille: u32,
    pub(super) delay_millis: std::ops::Range<u64>,
}

/// Plays a script.
///
/// # Errors
/// When an invariant does not hold, or the program panics.
pub fn run(script: &Script, sabotage: Option<Sabotage>) -> Result<Report, Failure> {
    let script = script.clone();
    let played = std::panic::catch_unwind(move || {
        let mut world = WholeWorld::new(script, sabotage);
        world.play()
    });
    played.unwrap_or_else(|panic| Err(Failure::of_panic(&*panic)))
}

impl WholeWorld {
    /// A workspace that the first device founds, and devices that know no more than its name.
    #[must_use]
    pub fn new(script: Script, sabotage: Option<Sabotage>) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(script.seed);
        let count = script.size.devices;
        let keeper = (count > 3 && rng.random_ratio(1, 3)).then_some(count - 1);
        let class = |device: usize| match device {
            0 => Class::Owner,
            1 if count > 3 => Class::Admin,
            device if Some(device) == keeper => Class::Keeper,
            _ => Class::Editor,
        };
        let mut devices: Vec<Device> = (0..count).map(|at| Device::new(class(at), &mut rng)).collect();
        let founder = &mut devices[0];
        let label = Label::new(NAME_CANARY, NAME_CANARY);
        let founded = found(&founder.keys, &founder.chain, NAME_CANARY, &label, &mut rng)
            .expect("a chain of this device");
        for device in &mut devices {
            device.ws = founded.ws;
        }
        devices[0].found(&founded.genesis, &founded.keyring);
        let mut world = Self {
            script,
            devices,
            network: Network::default(),
            now: 0,
            rng,
            events: BTreeMap::new(),
            next_event: 0,
            wakes: BTreeMap::new(),
            tokens: Tokens::default(),
            old_copies: Vec::new(),
            removed: BTreeSet::new(),
            healed: false,
            next_write: u64::MAX / 2,
            next_name: 0,
            sabotage,
            failure: None,
            signed: BTreeMap::new(),
            windows: BTreeMap::new(),
            copies: BTreeMap::new(),
            report: Report::default(),
            repeats_per_mille: 10,
            delay_millis: 1..60,
        };
        world.begin(founded.operations);
        world
    }

    fn begin(&mut self, operations: Vec<AclOperation>) {
        for device in 0..self.devices.len() {
            self.start(device);
        }
        self.write_acl(0, operations);
        for device in 1..self.devices.len() {
            // Some people come while others are at work.
            let at = if self.rng.random_ratio(1, 4) { self.pick(500..10_000) } else { 0 };
            self.schedule(at, Event::Invite { device });
        }
        for (from, to) in self.pairs() {
            let at = self.pick(0..300);
            self.schedule(at, Event::Dial { from, to });
        }
        for step in self.script.steps.clone() {
            self.schedule(step.at, Event::Planned(step));
        }
        self.schedule(COMPARE_EVERY_MILLIS, Event::Compare);
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let all = (0..self.devices.len()).flat_map(|b| (0..b).map(move |a| (b, a)));
        all.filter(|(a, b)| self.may_meet(*a, *b)).collect()
    }

    /// A device does not dial itself, and so no copy of itself.
    fn may_meet(&self, a: usize, b: usize) -> bool {
        self.devices[a].keys.endpoint_id() != self.devices[b].keys.endpoint_id()
    }

    pub(super) fn pick(&mut self, range: std::ops::Range<u64>) -> u64 {
        self.rng.random_range(range)
    }

    pub(super) fn schedule(&mut self, at: u64, event: Event) {
        self.next_event += 1;
        self.events.insert((at.max(self.now), self.next_event), event);
    }

    /// Plays the script, heals everything, and checks.
    ///
    /// # Errors
    /// With the first invariant that does not hold.
    pub fn play(&mut self) -> Result<Report, Failure> {
        self.run_until(2_000 + self.script.size.busy_millis);
        self.heal();
        let healed_at = self.now;
        self.apply_sabotage();
        let mut at_rest = false;
        while self.failure.is_none() && !at_rest && self.now < healed_at + SETTLE_MILLIS {
            let until = self.now + 100;
            self.run_until(until);
            at_rest = self.is_at_rest();
        }
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.report.settle_millis = self.now - healed_at;
        self.check_end(at_rest)?;
        self.report.acknowledged = self.tokens.acknowledged();
        self.report.expected = self.tokens.expected().count();
        let total: u32 = self.copies.values().sum();
        self.report.copies = f64::from(total) / self.copies.len().max(1) as f64;
        Ok(self.report.clone())
    }

    /// Runs until `until`, or until an invariant does not hold.
    pub fn run_until(&mut self, until: u64) {
        while self.failure.is_none()
            && let Some(entry) = self.events.first_entry()
        {
            if entry.key().0 > until {
                break;
            }
            let ((at, _), event) = entry.remove_entry();
            self.now = at;
            self.happen(event);
        }
        self.now = self.now.max(until);
    }

    pub(super) fn fail(&mut self, invariant: Invariant, text: String) {
        self.failure.get_or_insert(Failure { invariant, text: format!("at {} ms: {text}", self.now) });
    }

    /// Makes the network whole, gives disks room, and starts every device.
    pub fn heal(&mut self) {
        self.healed = true;
        self.network.heal();
        for device in 0..self.devices.len() {
            self.devices[device].set_full(false);
            if self.devices[device].running.is_none() {
                self.start(device);
            }
        }
    }

    fn apply_sabotage(&mut self) {
        match self.sabotage {
            Some(Sabotage::FalseAcknowledgement) => {
                let (token, _) = self.tokens.make(0);
                self.tokens.acknowledge(token, LogId::ZERO, 1);
            }
            Some(Sabotage::SameNumberTwice) => self.write_one_number_twice(),
            Some(Sabotage::Unreachable) => {
                self.network.cut_off(self.devices.len() - 1, true);
                for link in self.network.broken() {
                    self.break_link(link);
                }
                self.act(&Planned { at: 0, device: 0, what: What::NewText, dice: 1 });
                let until = self.now + 3_000;
                self.run_until(until);
            }
            _ => {}
        }
    }

    /// The machine of the founder is set back as a whole, its memory with the counters too.
    fn write_one_number_twice(&mut self) {
        let step = |dice| Planned { at: 0, device: 0, what: What::NewText, dice };
        let until = self.now + 10_000;
        self.run_until(until);
        self.act(&step(1));
        let until = self.now + 5_000;
        self.run_until(until);
        self.devices[0].backup = Some(self.devices[0].back_up());
        let counters = self.devices[0].counters.clone();
        self.act(&step(2));
        let until = self.now + 5_000;
        self.run_until(until);
        self.network.cut_off(0, true);
        self.crash(0, 0);
        self.devices[0].put_backup_in_place(true);
        self.devices[0].counters = counters;
        self.start(0);
        self.act(&step(3));
        let until = self.now + 2_000;
        self.run_until(until);
        self.network.cut_off(0, false);
    }

    /// The devices of which something is expected.
    pub(super) fn members(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.devices.len()).filter(|device| !self.removed.contains(device))
    }

    /// Chunks that a member lacks and another one has. What only those had who were put out is missing for good.
    fn to_be_fetched(&self) -> BTreeSet<ChunkId> {
        let members = || self.members().map(|device| &self.devices[device]);
        let running = members().filter_map(|device| device.running.as_ref());
        let missing: BTreeSet<ChunkId> = running.flat_map(DrivenWorkspace::missing_chunks).collect();
        let is_held =
            |chunk: &ChunkId| members().any(|device| device.store.has_chunk(chunk).unwrap_or(false));
        missing.into_iter().filter(is_held).collect()
    }

    fn is_at_rest(&mut self) -> bool {
        let members: Vec<usize> = self.members().collect();
        let held = self.to_be_fetched();
        let mut vectors: BTreeSet<Vec<EntryRef>> = BTreeSet::new();
        for device in &members {
            let device = &mut self.devices[*device];
            let is_storing = !device.queue.is_empty() || device.committing.is_some();
            let reads = device.reads();
            let Some(running) = &mut device.running else { return false };
            let state = running.state();
            let lacks = running.missing_chunks().iter().any(|chunk| held.contains(chunk));
            let waits = reads && (lacks || state.outstanding > 0 || running.folder_is_busy());
            let is_quiet = running.replica().is_synced(0);
            if is_storing || waits || state.storing > 0 || !is_quiet {
                return false;
            }
            vectors.insert(running.replica().frontier());
        }
        let pairs = self.pairs().into_iter();
        let mut pairs = pairs.filter(|(a, b)| members.contains(a) && members.contains(b));
        let all_connected = pairs.all(|(a, b)| self.network.connected(a, b));
        all_connected && vectors.len() == 1
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Frame { link, to, bytes } => self.arrive(link, to, bytes),
            Event::Closed { link, at } => self.close_end(link, at),
            Event::Committed { device, life } => {
                if self.is_living(device, life) {
                    self.commit_queued(device);
                }
            }
            Event::Fetched { device, life, peer, chunks } => {
                if self.is_living(device, life) {
                    self.fetched(device, peer, &chunks);
                }
            }
            Event::Wake { device, life } => {
                if self.is_living(device, life) && self.wakes.get(&device) == Some(&self.now) {
                    self.wakes.remove(&device);
                    self.with(device, |running| running.tick());
                }
            }
            Event::Folder { device, life } => {
                if self.is_living(device, life) {
                    self.devices[device].folder_due = false;
                    self.with(device, |running| running.work_folder());
                    self.note_saves(device);
                }
            }
            Event::Dial { from, to } => self.dial(from, to),
            Event::Invite { device } => self.invite(device),
            Event::Planned(step) => self.planned(&step),
            Event::Heal => self.network.part(None),
            Event::RoomAgain { device } => self.devices[device].store.set_fault(None),
            Event::Start { device } => {
                if self.devices[device].running.is_none() {
                    self.start(device);
                }
            }
            Event::Compare => {
                self.compare();
                let at = self.now + COMPARE_EVERY_MILLIS;
                self.schedule(at, Event::Compare);
            }
        }
    }

    fn is_living(&self, device: usize, life: u64) -> bool {
        self.devices[device].life == life && self.devices[device].running.is_some()
    }

    /// Does something with a running program, and carries out what it asks for.
    pub(super) fn with<T>(
        &mut self,
        device: usize,
        act: impl FnOnce(&mut weft_node::driven::DrivenWorkspace) -> T,
    ) -> Option<T> {
        let now = Timestamp(self.now);
        let wall = self.devices[device].wall(now);
        let running = self.devices[device].running.as_mut()?;
        running.set_time(now, wall);
        let result = act(running);
        running.tick();
        self.carry_out(device);
        Some(result)
    }

    fn carry_out(&mut self, device: usize) {
        let life = self.devices[device].life;
        let mut is_over = false;
        while let Some(running) = &mut self.devices[device].running {
            let steps = running.drain();
            if steps.is_empty() {
                break;
            }
            for step in steps {
                match step {
                    Step::Commit { batch, writes, own } => {
                        self.devices[device].queue.push_back(Queued { batch, writes, own });
                        self.begin_commit(device);
                    }
                    Step::Send { channel, bytes } => self.send(device, channel, bytes),
                    Step::Close { channel, .. } => self.close(channel),
                    Step::Fetch { peer, chunks } => {
                        let at = self.now + self.pick(2..80);
                        self.schedule(at, Event::Fetched { device, life, peer, chunks });
                    }
                    Step::Session(session) => {
                        let write = self.devices[device].session_write(session);
                        let queued = Queued { batch: None, writes: vec![write], own: Vec::new() };
                        self.devices[device].queue.push_back(queued);
                        self.begin_commit(device);
                    }
                    Step::Folder => self.folder_soon(device),
                    Step::Forked(text) => self.forked(device, &text),
                    Step::Stopped => is_over = true,
                }
            }
        }
        if is_over {
            // The disk refused; the person starts the program again when there is room.
            self.crash(device, 0);
            let at = self.now + self.pick(500..3_000);
            self.schedule(at, Event::Start { device });
            return;
        }
        self.sleep(device);
    }

    fn sleep(&mut self, device: usize) {
        let life = self.devices[device].life;
        let Some(at) = self.devices[device].running.as_ref().and_then(|running| running.wake_at()) else {
            return;
        };
        let at = at.0.max(self.now + 1);
        if self.wakes.get(&device).is_none_or(|earlier| *earlier > at || *earlier <= self.now) {
            self.wakes.insert(device, at);
            self.schedule(at, Event::Wake { device, life });
        }
    }

    pub(super) fn folder_soon(&mut self, device: usize) {
        if !std::mem::replace(&mut self.devices[device].folder_due, true) {
            let life = self.devices[device].life;
            let at = self.now + self.pick(2..40);
            self.schedule(at, Event::Folder { device, life });
        }
    }

    pub(super) fn write_acl(&mut self, device: usize, operations: Vec<AclOperation>) {
        self.next_write += 1;
        let write = WriteId(self.next_write);
        self.with(device, |running| running.feed(Input::WriteAcl { write, operations }));
    }

    fn forked(&mut self, device: usize, text: &str) {
        self.fail(Invariant::OneNumberOneEntry, format!("device {device} reports: {text}"));
    }
}

// Programs and disks.
impl WholeWorld {
    pub(super) fn start(&mut self, device: usize) {
        let now = Timestamp(self.now);
        self.devices[device].folder_due = false;
        self.wakes.remove(&device);
        if self.devices[device].start(now, &mut self.rng) {
            self.carry_out(device);
            self.folder_soon(device);
        } else {
            let at = self.now + 1_000;
            self.schedule(at, Event::Start { device });
        }
    }

    /// Ends a program without a word; `kept` says how much of what waited for the disk is on it.
    pub(super) fn crash(&mut self, device: usize, kept: usize) {
        if self.devices[device].running.is_none() {
            return;
        }
        self.devices[device].crash(kept);
        for link in self.network.of(device) {
            self.break_link(link);
        }
    }

    fn begin_commit(&mut self, device: usize) {
        if self.devices[device].committing.is_none() {
            self.devices[device].committing = Some(self.devices[device].queue.len());
            let at = self.now + self.pick(1..25);
            let life = self.devices[device].life;
            self.schedule(at, Event::Committed { device, life });
        }
    }

    /// One transaction with all that was queued when it began.
    fn commit_queued(&mut self, device: usize) {
        let Some(count) = self.devices[device].committing.take() else { return };
        let queue = &mut self.devices[device].queue;
        let count = count.max(1).min(queue.len());
        let group: Vec<Queued> = queue.drain(..count).collect();
        let writes: Vec<weft_store::Write> = group.iter().flat_map(|queued| queued.writes.clone()).collect();
        let result = self.devices[device].store.commit(&writes);
        if let Err(error) = result {
            assert!(self.devices[device].is_full, "a transaction is refused: {error}");
            self.with(device, |running| running.store_failed());
            return;
        }
        for queued in group {
            for at in &queued.own {
                let counter = self.devices[device].counters.entry(at.log).or_default();
                *counter = at.seq.max(*counter);
            }
            if let Some(batch) = queued.batch {
                self.with(device, |running| running.committed(batch));
            }
        }
        if !self.devices[device].queue.is_empty() {
            self.begin_commit(device);
        }
        self.note_writes(device);
    }

    fn fetched(&mut self, device: usize, peer: EndpointId, chunks: &[ChunkId]) {
        let holder = (0..self.devices.len()).find(|other| {
            let there = &self.devices[*other];
            there.keys.endpoint_id() == peer
                && there.running.is_some()
                && self.network.connected(device, *other)
        });
        let fails = holder.is_none() || (!self.healed && self.rng.random_ratio(1, 12));
        let mut arrived: Vec<(ChunkId, Bytes)> = Vec::new();
        let mut absent = Vec::new();
        if let Some(holder) = holder {
            let taken = if fails { chunks.len() / 2 } else { chunks.len() };
            for chunk in &chunks[..taken] {
                match self.devices[holder].store.chunk(chunk).expect("a store in memory") {
                    Some(bytes) => {
                        if holds(&bytes, CANARY.as_bytes()) || holds(&bytes, NAME_CANARY.as_bytes()) {
                            self.fail(Invariant::Secrecy, "a chunk holds plain text".to_owned());
                        }
                        arrived.push((*chunk, bytes));
                    }
                    None => absent.push(*chunk),
                }
            }
        }
        let ids: Vec<ChunkId> = arrived.iter().map(|(id, _)| *id).collect();
        let fails = fails || self.devices[device].store.put_chunks(arrived).is_err();
        self.with(device, |running| {
            running.chunks_arrived(&ids);
            running.fetched(peer, &absent, fails);
        });
    }
}

// The network.
impl WholeWorld {
    fn dial(&mut self, from: usize, to: usize) {
        let reachable = self.network.reaches(from, to) && !self.network.connected(from, to);
        if reachable && self.devices[from].running.is_some() && self.devices[to].running.is_some() {
            let lives = [from, to].map(|device| (device, self.devices[device].life));
            let (_, [ours, theirs]) = self.network.connect(lives[0], lives[1]);
            let (us, them) = (self.devices[from].keys.endpoint_id(), self.devices[to].keys.endpoint_id());
            let up = Input::ChannelUp { channel: ours, peer: them, dialer: true };
            self.with(from, |running| running.feed(up));
            let up = Input::ChannelUp { channel: theirs, peer: us, dialer: false };
            self.with(to, |running| running.feed(up));
        }
        let at = self.now + self.pick(300..1_500);
        self.schedule(at, Event::Dial { from, to });
    }

    pub(super) fn meet(&mut self, device: usize) {
        for (from, to) in self.pairs().into_iter().filter(|(from, to)| *from == device || *to == device) {
            let at = self.now + self.pick(0..500);
            self.schedule(at, Event::Dial { from, to });
        }
    }

    fn send(&mut self, device: usize, channel: ChannelId, bytes: Vec<u8>) {
        let mut seen = bytes.clone();
        if self.sabotage == Some(Sabotage::PlainFrame) && self.report.wire_frames == 40 {
            seen.extend_from_slice(CANARY.as_bytes());
        }
        if bytes.len() > FRAME_BYTES_MAX {
            self.fail(Invariant::Limits, format!("a frame of {} bytes", bytes.len()));
        }
        let is_open = holds(&seen, CANARY.as_bytes())
            || holds(&seen, NAME_CANARY.as_bytes())
            || self.tokens.last().any(|word| holds(&seen, word.as_bytes()));
        if is_open {
            self.fail(Invariant::Secrecy, format!("device {device} sends plain text"));
        }
        self.report.wire_bytes += bytes.len() as u64;
        self.report.wire_frames += 1;
        let frame = Frame::decode(&bytes);
        self.record(channel, &bytes, frame.as_ref().ok());
        let (link, side) = Network::find(channel);
        let to = 1 - side;
        let delay = self.pick(self.delay_millis.clone());
        let now = self.now;
        let repeats = self.rng.random_ratio(self.repeats_per_mille, 1_000);
        let Some(end) = self.network.reached_end(link, to) else { return };
        end.last_arrival = end.last_arrival.max(now + delay);
        let at = end.last_arrival;
        if repeats && matches!(frame, Ok(Frame::Entries(_))) {
            self.schedule(at, Event::Frame { link, to, bytes: bytes.clone() });
        }
        self.schedule(at, Event::Frame { link, to, bytes });
    }

    fn record(&mut self, channel: ChannelId, bytes: &[u8], frame: Option<&Frame>) {
        let trace = &mut self.report.trace;
        for byte in self.now.to_le_bytes().iter().chain(&channel.0.to_le_bytes()).chain(bytes) {
            *trace = (*trace ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        match frame {
            Some(Frame::Entries(entries)) => {
                let (sent, taken) = self.windows.entry(channel).or_default();
                *sent += bytes.len() as u64;
                let mut under_way = sent.saturating_sub(*taken);
                if self.sabotage == Some(Sabotage::FullWindow) {
                    under_way += 2 * SEND_WINDOW_BYTES;
                }
                if under_way > SEND_WINDOW_BYTES + WINDOW_SLACK {
                    self.fail(Invariant::Limits, format!("{under_way} bytes are under way on one channel"));
                }
                for entry in entries {
                    self.signed(&entry.0);
                }
            }
            Some(Frame::Ack(ack)) => {
                let other = ChannelId(channel.0 ^ 1);
                self.windows.entry(other).or_default().1 = ack.taken_bytes;
            }
            _ => {}
        }
    }

    /// Two entries with one place must never leave any device.
    fn signed(&mut self, bytes: &[u8]) {
        let Ok(entry) = Entry::decode(bytes) else { return };
        if entry.header.kind == Kind::Genesis {
            return;
        }
        let at = entry.entry_ref();
        let first = *self.signed.entry((at.log, at.seq)).or_insert(at.id);
        if first != at.id {
            self.fail(Invariant::OneNumberOneEntry, format!("two entries for {} {}", at.log, at.seq));
        }
    }

    fn arrive(&mut self, link: LinkId, to: usize, bytes: Vec<u8>) {
        let Some(end) = self.network.end(link, to).copied() else { return };
        if !end.open || !self.is_living(end.node, end.life) {
            return;
        }
        if let Ok(Frame::Entries(entries)) = Frame::decode(&bytes) {
            for entry in entries {
                if let Ok(entry) = Entry::decode(&entry.0)
                    && entry.header.kind == Kind::Data
                {
                    *self.copies.entry((end.node, entry.id())).or_default() += 1;
                }
            }
        }
        self.with(end.node, |running| running.feed(Input::Frame { channel: end.channel, bytes }));
        let pending =
            self.devices[end.node].running.as_ref().map(|running| running.replica().sync_status().pending);
        if pending.is_some_and(|pending| pending > PENDING_ENTRIES_MAX) {
            self.fail(Invariant::Limits, format!("{pending:?} entries wait on device {}", end.node));
        }
    }

    fn close(&mut self, channel: ChannelId) {
        let (link, side) = Network::find(channel);
        let delay = self.pick(self.delay_millis.clone());
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
            self.with(end.node, |running| running.feed(Input::ChannelDown { channel: end.channel }));
        }
    }

    /// Breaks a connection: what is on its way is lost, and what is sent from now on, until each end notices in its
    /// own time.
    pub(super) fn break_link(&mut self, link: LinkId) {
        self.events.retain(|_, event| !matches!(event, Event::Frame { link: of, .. } if *of == link));
        self.network.break_link(link);
        for at in 0..2 {
            let when = self.now + self.pick(0..1_500);
            self.schedule(when, Event::Closed { link, at });
        }
    }

    fn invite(&mut self, device: usize) {
        if self.removed.contains(&device) {
            return;
        }
        let at = self.now + 2_000;
        let newcomer = &self.devices[device];
        let (chain, class, id) = (newcomer.chain.clone(), newcomer.class, newcomer.keys.device_id());
        let us = self.devices[0].user();
        let operations = self.devices[0].running.as_ref().and_then(|running| {
            let replica = running.replica();
            let membership = replica.membership()?;
            if membership.is_live(&id) {
                return None;
            }
            let label = Label::new(NAME_CANARY, NAME_CANARY);
            Some(admit(membership, replica.keyring(), &us, (&chain, &label, class), &mut self.rng))
        });
        match operations {
            Some(Ok(operations)) => self.write_acl(0, operations),
            Some(Err(error)) => self.fail(Invariant::Agreement, format!("the owner may not invite: {error}")),
            None => {}
        }
        // A crash may swallow it; then it is said again.
        self.schedule(at, Event::Invite { device });
    }

    /// Makes a disk full for a while.
    pub(super) fn fill_disk(&mut self, device: usize, millis: u64) {
        self.devices[device].set_full(true);
        let at = self.now + millis;
        self.schedule(at, Event::RoomAgain { device });
    }

    fn planned(&mut self, step: &Planned) {
        if step.what.is_act() {
            self.act(step);
        } else if !self.healed {
            self.fault(step);
        }
    }
}
