//! What a shell can ask.

use super::Replica;
use crate::entry::Lane;
use crate::epoch::Keyring;
use crate::frames::Position;
use crate::ids::{DeviceId, EntryRef, EpochId, LogId, SessionId, WorkspaceId};
use crate::membership::Membership;

/// How complete this device is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncStatus {
    /// Entries that others are known to hold and that are not on disk here.
    pub behind: u64,
    /// Local writes or received entries that are not on disk yet.
    pub storing: bool,
    /// Entries that wait in memory for others that they name.
    pub pending: usize,
    /// Entries that are on disk and about to be delivered.
    pub delivering: bool,
    /// Entries that wait for a key, and for which.
    pub waiting_for_key: u64,
    /// Those keys.
    pub keys_wanted: Vec<EpochId>,
    /// Entries that are stored and do not count.
    pub void: u64,
    /// Logs that are not fetched: their signer is not known, or a limit is reached.
    pub held_back: Vec<LogId>,
    /// Ends of logs that members say to hold, that are not here, and that nobody connected offers.
    /// When the list is not empty, this device knows that it is incomplete.
    pub incomplete: Vec<Position>,
    /// Logs that were continued twice.
    pub forked: Vec<LogId>,
    /// Whether something here was written by a newer version of the protocol.
    pub needs_newer: bool,
}

impl SyncStatus {
    /// Whether nothing is left to fetch, store or hand on.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.behind == 0
            && !self.storing
            && self.pending == 0
            && !self.delivering
            && self.waiting_for_key == 0
    }
}

impl Replica {
    /// The workspace.
    #[must_use]
    pub fn workspace(&self) -> WorkspaceId {
        self.config.ws
    }

    /// This device.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        self.config.keys.device_id()
    }

    /// The session that is written under.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.own.session
    }

    /// The log that the next [`Write`](super::Write) goes to: the actor of its changes is
    /// [`actor_of`](crate::data::actor_of) this. It is begun when the first write comes.
    #[must_use]
    pub fn data_log(&self) -> LogId {
        self.own.data_log
    }

    /// Who is in and what counts; none until Genesis has come.
    #[must_use]
    pub fn membership(&self) -> Option<&Membership> {
        self.members.membership()
    }

    /// The keys that are here: to be stored sealed after
    /// [`MembershipChanged`](super::Effect::MembershipChanged), so that they need not be
    /// unwrapped again.
    #[must_use]
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// How far every log of both lanes is on disk here, ascending by log.
    #[must_use]
    pub fn version_vector(&self) -> Vec<Position> {
        self.logs
            .iter()
            .filter(|(_, state)| state.committed.seq > 0)
            .map(|(log, state)| Position { log: *log, seq: state.committed.seq })
            .collect()
    }

    /// The last entry on disk of every log, ascending by log.
    #[must_use]
    pub fn frontier(&self) -> Vec<EntryRef> {
        self.logs
            .iter()
            .filter(|(_, state)| state.committed.seq > 0)
            .map(|(log, state)| EntryRef { log: *log, seq: state.committed.seq, id: state.committed.id })
            .collect()
    }

    /// Our own data logs and how far they are on disk: this session's, if it has one, among them.
    #[must_use]
    pub fn own_data_logs(&self) -> Vec<Position> {
        self.logs
            .of_signer(&self.own.signer.id())
            .filter(|(_, state)| state.lane == Lane::Data)
            .map(|(log, state)| Position { log: *log, seq: state.committed.seq })
            .collect()
    }

    /// Whether something stored here may not count: then each entry that is read again has to be
    /// asked about ([`Membership::counts`]), and else none.
    #[must_use]
    pub fn may_hold_void(&self) -> bool {
        !self.delivery.is_empty() || self.members.has_removals()
    }

    /// How complete this device is.
    #[must_use]
    pub fn sync_status(&self) -> SyncStatus {
        let (waiting_for_key, void) = self.delivery.counts();
        SyncStatus {
            behind: self.behind(),
            storing: self.in_flight.is_some() || !self.gather.is_empty() || !self.queue.is_empty(),
            pending: self.pending.len(),
            delivering: self.delivery.is_busy()
                || self.cuts.is_busy()
                || self.review.is_busy()
                || self.forks.is_busy(),
            waiting_for_key,
            keys_wanted: self.keys.wanted().copied().collect(),
            void,
            held_back: self.sources.held().iter().copied().collect(),
            incomplete: self.incomplete(),
            forked: self.membership().into_iter().flat_map(Membership::forked_logs).collect(),
            needs_newer: self.needs_newer,
        }
    }
}
