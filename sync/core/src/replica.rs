//! One device's part in one workspace, as a state machine: what is here, what is fetched from
//! whom, what is sent to whom.
//!
//! # What to call, in what order
//! A shell makes a [`Replica`] with [`Replica::open`] from what its store holds, and carries out
//! [`Replica::start`]'s effects. From then on it tells the replica what happens with
//! [`Replica::handle`] and carries out the effects that come back, in their order, before it
//! calls again. Every effect has to be carried out; none of them is an answer to be awaited.
//! - [`Effect::Append`] is one transaction. When it is on disk for good the shell says
//!   [`Input::Committed`]. There is never more than one under way. When the store fails, the
//!   replica must be dropped and opened again from what is really stored.
//! - Nothing that depends on an entry (sending it, acknowledging it, handing it on) is asked for
//!   before it is committed, so [`Effect::Send`]s need not wait for anything.
//! - [`Effect::Load`] is answered once by [`Input::Loaded`], in any order.
//! - [`Effect::Deliver`] is applied and then marked as opened, in one transaction with what it
//!   led to. After a crash in between it is delivered again: applying twice must change nothing.
//! - [`Effect::WakeAt`] replaces the one before.
//! - When a channel is down for good the shell says [`Input::ChannelDown`], also after
//!   [`Effect::Close`], where that is harmless.
//!
//! Time is any clock that never goes back. Randomness comes from the caller.
//!
//! # A connection
//! ```text
//! Hello      -> <-        knows the workspace?            the dialer speaks first
//! AclHeads   -> <-        control lanes: logs and how far they reach
//! ClosedLogs -> <-        of signers whose digests of closed logs differ
//! Entries    -> <-        of the control lane, whatever the other lacks
//! AclDone    -> <-        then, when all of it is stored: in, put out, or unknown?
//! Have       -> <-        the data lane, likewise with ClosedLogs
//! Want       -> <-        each log is asked of one peer, with an open end
//! Entries    -> <-        in the order in which the sender stored them
//! Ack        -> <-        on disk here; and how much was taken in, which lets more follow
//! ```
//! To a device that is known as one of the workspace, Hello, AclHeads and Have go out at once. Where both AclHeads are the
//! same, nothing is to be sent of the control lane and no AclDone is said: the Haves count, and one round trip has told all.
//! Where they differ, the Haves that were sent ahead do not count, and come again after AclDone.
//!
//! In the data phase a device sends unasked only what its peer cannot know of: new logs of its
//! own. Everything else is fetched, so that nothing comes twice; see `sources` for whom a log
//! is fetched from, and `serve` for how it is sent.
//!
//! # An entry that comes in
//! sizes and hash ([`Entry::decode`](crate::entry::Entry::decode)) → signer of its log → is it
//! here, or another with its number (a fork) → signature, once → chain → what it names is here
//! (else it waits in memory) → its person is known → membership takes it → transaction → sent on,
//! acknowledged, and if it is Data that counts and whose key is here, opened and delivered.

mod acks;
mod acl_phase;
mod channel;
mod commit;
mod compare;
mod config;
mod connect;
mod cuts;
mod data_phase;
mod deliver;
mod effect;
mod forks;
mod input;
mod keys;
mod logs;
mod members;
mod pending;
mod quota;
mod receive;
mod serve;
mod sources;
mod status;
mod strikes;
mod verdicts;
mod write;

use std::collections::BTreeMap;

use rand::CryptoRng;

use crate::acl::Class;
use crate::entry::{Entry, Frontier, Kind, Lane, Open};
use crate::epoch::Keyring;
use crate::frames::{ByeCode, PeerAddress};
use crate::ids::{DeviceId, EndpointId, EntryId, EntryRef, LogId, Timestamp};
use acks::{AckTable, FrontierState, PeersChanged};
use channel::{Channel, Phase};
use commit::{Batch, Gather};
use cuts::CutLookup;
use deliver::DeliveryQueue;
use forks::{ForkState, SendingBranches, Suspect};
use keys::KeyWork;
use logs::LogTable;
use members::{Members, TakeError};
use pending::Pending;
use quota::Quotas;
use sources::Sources;
use strikes::Strikes;
use verdicts::Review;
use write::{OwnSession, WriteQueue};

pub use config::{OpenReplicaError, ReplicaConfig, StoredAck, StoredLog, StoredState};
pub use effect::{
    Append, Conduct, CutBack, DamageReason, Delivery, DeviceStatus, Effect, Fork, Load, LocalItem,
    StoredEntry, WriteError,
};
pub use input::{BatchId, ChannelId, Input, LoadedEntry, RequestId, StoredOrder, Write, WriteId};
pub use status::SyncStatus;

/// See the [module](self).
pub struct Replica {
    // Who we are.
    config: ReplicaConfig,
    own: OwnSession,
    keyring: Keyring,

    // What is known.
    logs: LogTable,
    members: Members,
    acks: AckTable,
    frontier: FrontierState,
    /// Whether something here is of a later version of the protocol.
    needs_newer: bool,

    // What is on its way to the disk, or to be read from it.
    queue: WriteQueue,
    gather: Gather,
    in_flight: Option<Batch>,
    pending: Pending,
    delivery: DeliveryQueue,
    keys: KeyWork,
    cuts: CutLookup,
    review: Review,
    forks: ForkState,
    loads: BTreeMap<RequestId, LoadPurpose>,
    next_request: u64,
    next_batch: u64,

    // Others.
    channels: BTreeMap<ChannelId, Channel>,
    sources: Sources,
    strikes: Strikes,
    quotas: Quotas,
    addresses: Vec<PeerAddress>,
    /// How often an endpoint has made us begin a session by claiming more of our log than is here.
    alarms: BTreeMap<EndpointId, u8>,

    // What is to be said at the end of an input.
    effects: Vec<Effect>,
    peers_changed: PeersChanged,
    membership_changed: bool,
    /// Whether entries that were taken in may count otherwise than before.
    verdicts_changed: bool,
    told: BTreeMap<DeviceId, DeviceStatus>,
    wake_at: Option<Timestamp>,
    stop: Option<Stop>,
    now: Timestamp,
}

/// How far stopping has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The last entries are being stored.
    Storing,
    /// Everything is said.
    Done,
}

/// What a load is for.
#[derive(Debug)]
enum LoadPurpose {
    Serve(ChannelId),
    Deliver,
    Cuts,
    Review,
    Compare(Box<Suspect>),
    Fork(LogId, u64),
    Branches(SendingBranches),
}

impl Replica {
    /// Takes up where the store left off.
    ///
    /// `id_at` tells the id of a stored entry; it is asked of the few that removals name.
    ///
    /// # Errors
    /// When what is stored cannot be read.
    pub fn open(
        config: ReplicaConfig,
        stored: StoredState,
        id_at: &mut dyn FnMut(&LogId, u64) -> Option<EntryId>,
    ) -> Result<Self, OpenReplicaError> {
        let own = OwnSession::new(&config.ws, config.keys.signer(), config.session);
        let mut replica = Self::empty(config, own, stored.keyring);
        let mut frontiers = Vec::new();
        for bytes in &stored.entries {
            let entry = Entry::decode(bytes)?;
            if entry.header.kind == Kind::Frontier {
                if entry.header.is_understood() {
                    frontiers.push(entry);
                }
            } else {
                replica.restore(&entry)?;
            }
        }
        replica.restore_ends(&stored.logs, id_at)?;
        let mine: u64 = replica
            .logs
            .of_signer(&replica.own.signer.id())
            .filter(|(_, state)| state.lane == Lane::Data)
            .map(|(_, state)| state.committed.seq)
            .sum();
        replica.acks = AckTable::new(mine);
        for ack in stored.acks {
            let is_mine = replica.logs.get(&ack.log).is_some_and(|state| state.signer == replica.own.signer);
            if is_mine {
                replica.acks.note(ack.device, ack.log, ack.seq, &replica.logs);
            }
        }
        for entry in frontiers {
            let device = replica.logs.get(&entry.header.log).and_then(|state| state.signer.device());
            if let (Some(device), Ok(frontier)) = (device, entry.clear::<Frontier>()) {
                replica.frontier_of(device, &frontier.positions);
            }
        }
        // Keepers store what they cannot read.
        if replica.class() != Some(Class::Keeper) {
            for at in stored.unopened {
                replica.delivery.ready(at.log, at.seq);
            }
        }
        Ok(replica)
    }

    fn empty(config: ReplicaConfig, own: OwnSession, keyring: Keyring) -> Self {
        Self {
            members: Members::new(config.ws),
            config,
            own,
            keyring,
            logs: LogTable::default(),
            acks: AckTable::default(),
            frontier: FrontierState::default(),
            needs_newer: false,
            queue: WriteQueue::default(),
            gather: Gather::default(),
            in_flight: None,
            pending: Pending::default(),
            delivery: DeliveryQueue::default(),
            keys: KeyWork::default(),
            cuts: CutLookup::default(),
            review: Review::default(),
            forks: ForkState::default(),
            loads: BTreeMap::new(),
            next_request: 1,
            next_batch: 1,
            channels: BTreeMap::new(),
            sources: Sources::default(),
            strikes: Strikes::default(),
            quotas: Quotas::default(),
            addresses: Vec::new(),
            alarms: BTreeMap::new(),
            effects: Vec::new(),
            peers_changed: PeersChanged::default(),
            membership_changed: false,
            verdicts_changed: false,
            told: BTreeMap::new(),
            wake_at: None,
            stop: None,
            now: Timestamp::default(),
        }
    }

    /// Takes an entry out of the store. It was checked before it was stored.
    fn restore(&mut self, entry: &Entry) -> Result<(), OpenReplicaError> {
        let at = entry.entry_ref();
        let disorder = || OpenReplicaError::Disorder { at };
        self.members.insert(entry).map_err(|error| match error {
            TakeError::Genesis(error) => OpenReplicaError::Genesis(error),
            TakeError::Missing(_) | TakeError::Refused => disorder(),
        })?;
        if self.logs.get(&at.log).is_none() {
            let (signer, lane) = self.signer_of(entry).map_err(|_| disorder())?;
            self.logs.begin(&at, signer, lane);
            if let Ok(open) = entry.clear::<Open>() {
                self.logs.name_earlier(&signer, &open);
            }
        } else if self.logs.is_next(&at, &entry.header.prev) {
            self.logs.accept(&at, entry.header.kind == Kind::Close);
        } else {
            self.logs.commit_side(&at, &entry.header.prev);
            self.offer_key(entry);
            return Ok(());
        }
        self.logs.commit(&at);
        self.needs_newer |= !entry.header.is_understood();
        self.offer_key(entry);
        Ok(())
    }

    fn restore_ends(
        &mut self,
        logs: &[StoredLog],
        id_at: &mut dyn FnMut(&LogId, u64) -> Option<EntryId>,
    ) -> Result<(), OpenReplicaError> {
        for log in logs {
            if !self.logs.restore(&log.last, log.is_closed) {
                return Err(OpenReplicaError::Disorder { at: log.last });
            }
        }
        let is_data =
            |log: &&StoredLog| self.logs.get(&log.last.log).is_some_and(|state| state.lane == Lane::Data);
        let ends: Vec<EntryRef> = logs.iter().filter(is_data).map(|log| log.last).collect();
        self.members.restore(&ends, id_at);
        Ok(())
    }

    /// What is to be done first: entries that were stored and not opened are delivered again.
    #[must_use]
    pub fn start(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) -> Vec<Effect> {
        self.peers_changed.all = true;
        self.membership_changed = true;
        self.forks.look_again();
        self.handle(now, Input::Tick, rng)
    }

    /// Takes in what happened, and says what is to be done.
    #[must_use]
    pub fn handle(&mut self, now: Timestamp, input: Input, rng: &mut dyn CryptoRng) -> Vec<Effect> {
        self.now = self.now.max(now);
        match input {
            Input::ChannelUp { channel, peer, dialer } => self.channel_up(channel, peer, dialer),
            Input::Frame { channel, bytes } => self.frame(channel, &bytes),
            Input::ChannelDown { channel } => self.channel_down(channel),
            Input::Write(write) => self.write(write),
            Input::WriteAcl { write, operations } => self.write_acl(write, operations),
            Input::WriteAsUser { write, user, operations } => self.write_as_user(write, user, operations),
            Input::Committed { batch } => self.committed(batch, rng),
            Input::Loaded { request, entries } => self.loaded(request, entries),
            Input::Addresses(addresses) => self.set_addresses(addresses),
            Input::Stop => self.begin_stop(),
            Input::Tick => {}
        }
        self.settle(rng);
        std::mem::take(&mut self.effects)
    }

    fn loaded(&mut self, request: RequestId, entries: Vec<LoadedEntry>) {
        match self.loads.remove(&request) {
            None => {}
            Some(LoadPurpose::Serve(channel)) => self.loaded_to_serve(channel, entries),
            Some(LoadPurpose::Deliver) => self.loaded_to_deliver(&entries),
            Some(LoadPurpose::Cuts) => self.loaded_cuts(&entries),
            Some(LoadPurpose::Review) => self.loaded_to_review(&entries),
            Some(LoadPurpose::Compare(suspect)) => self.loaded_to_compare(&suspect, &entries),
            Some(LoadPurpose::Fork(log, seq)) => self.loaded_fork(log, seq, &entries),
            Some(LoadPurpose::Branches(sending)) => self.loaded_branches(sending, entries),
        }
    }

    fn set_addresses(&mut self, addresses: Vec<PeerAddress>) {
        let before = std::mem::replace(&mut self.addresses, addresses);
        // Those who are connected have heard of the others.
        let is_news = |peer: &&PeerAddress| {
            !before.iter().any(|told| told.device == peer.device && told.addresses == peer.addresses)
        };
        let news: Vec<PeerAddress> = self.addresses.iter().filter(is_news).cloned().collect();
        let in_data: Vec<ChannelId> =
            self.channels.iter().filter(|(_, channel)| channel.data().is_some()).map(|(id, _)| *id).collect();
        for id in in_data {
            self.send_addresses(id, &news);
        }
    }

    fn begin_stop(&mut self) {
        if self.stop.is_none() {
            self.write_frontier_if_due(true);
            self.stop = Some(Stop::Storing);
        }
    }

    /// Does what has become possible or due, whatever the input was.
    fn settle(&mut self, rng: &mut dyn CryptoRng) {
        self.tick_channels();
        self.tick_sources();
        self.tick_keys();
        self.tick_quotas();
        self.settle_forks();
        self.write_frontier_if_due(false);
        self.flush(rng);
        self.settle_acl_phases();
        self.pump_all();
        self.settle_acl_phases();
        self.pump_delivery();
        self.send_wants();
        self.send_acks();
        self.finish_stop();
        if std::mem::take(&mut self.membership_changed) {
            self.peers_changed.all = true;
            self.effects.push(Effect::MembershipChanged);
        }
        self.tell_peers_changed();
        self.tell_wake();
    }

    /// Ends channels that do not get on.
    fn tick_channels(&mut self) {
        let late: Vec<(ChannelId, ByeCode)> = self
            .channels
            .iter()
            .filter_map(|(id, channel)| match &channel.phase {
                Phase::Hello(hello) if hello.deadline <= self.now => Some((*id, ByeCode::Timeout)),
                Phase::Acl(acl) if acl.deadline <= self.now => Some((*id, ByeCode::Again)),
                Phase::Hello(_) | Phase::Acl(_) | Phase::Data(_) => None,
            })
            .collect();
        for (id, code) in late {
            self.bye(id, code);
        }
    }

    fn finish_stop(&mut self) {
        let is_stored = self.in_flight.is_none() && self.gather.is_empty() && self.queue.is_empty();
        if self.stop == Some(Stop::Storing) && is_stored {
            self.stop = Some(Stop::Done);
            let open: Vec<ChannelId> = self.channels.keys().copied().collect();
            for id in open {
                self.bye(id, ByeCode::Done);
            }
            self.effects.push(Effect::Stopped);
        }
    }

    fn tell_wake(&mut self) {
        let channels = self.channels.values().filter_map(Channel::deadline).min();
        let next = [channels, self.sources_deadline(), self.keys.deadline(), self.quotas.deadline()]
            .into_iter()
            .flatten()
            .min();
        let is_over = self.wake_at.is_some_and(|wake_at| wake_at <= self.now);
        if next != self.wake_at || is_over {
            self.wake_at = next;
            if let Some(next) = next {
                self.effects.push(Effect::WakeAt(next));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shells run it on a thread of their choice.
    #[test]
    fn a_replica_can_be_sent_to_another_thread() {
        fn is_send<T: Send>() {}
        is_send::<Replica>();
        is_send::<Effect>();
        is_send::<Input>();
    }
}
