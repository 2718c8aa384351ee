//! One connection to one peer: its phase, and what is on its way in each direction.

use std::collections::{BTreeMap, VecDeque};

use super::compare::{Claims, Comparison};
use super::serve::Serve;
use crate::frames::{Frame, Position};
use crate::ids::{EndpointId, LogId, Timestamp};
use crate::membership::LiveDevice;

/// One channel.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) peer: EndpointId,
    /// Whether this side opened it.
    pub(super) dialer: bool,
    pub(super) phase: Phase,
    /// What the peer says that it holds.
    pub(super) claims: Claims,
    /// Entries of the peer that differ from ours with the same number: to be asked for, because
    /// the two together prove a fork.
    pub(super) suspects: Vec<Position>,
    pub(super) serve: Serve,
    pub(super) intake: Intake,
}

/// What has come in on a channel.
#[derive(Debug, Default)]
pub(super) struct Intake {
    /// Bytes of Entries frames that were stored or dropped.
    pub(super) taken: u64,
    /// What of that the peer has been told.
    pub(super) told: u64,
    /// Entries that were accepted.
    pub(super) accepted: u64,
    /// What of those is on disk.
    pub(super) committed: u64,
    /// When entries last came.
    pub(super) last_entries_at: Timestamp,
}

/// How far a connection has come.
#[derive(Debug)]
pub(super) enum Phase {
    /// The peer has not yet shown that it knows the workspace.
    Hello(HelloPhase),
    /// Control lanes are being made equal.
    Acl(AclPhase),
    /// The peer is a device of the workspace; data flows.
    Data(DataPhase),
}

/// See [`Phase::Hello`].
#[derive(Debug)]
pub(super) struct HelloPhase {
    pub(super) deadline: Timestamp,
}

/// See [`Phase::Acl`].
#[derive(Debug)]
pub(super) struct AclPhase {
    /// Moved on by every entry that comes.
    pub(super) deadline: Timestamp,
    pub(super) comparison: Comparison,
    /// Whether the peer was no device of the workspace when the phase began: then less is
    /// taken from it.
    pub(super) is_stranger: bool,
    /// Entries and bytes that came.
    pub(super) entries: usize,
    pub(super) bytes: usize,
    pub(super) done_sent: bool,
    pub(super) done_received: bool,
    /// Frames of the data phase, which the peer may enter before us.
    pub(super) early: VecDeque<Frame>,
}

/// See [`Phase::Data`].
#[derive(Debug)]
pub(super) struct DataPhase {
    pub(super) member: LiveDevice,
    pub(super) comparison: Comparison,
    /// What the peer held when the phase began.
    pub(super) listed: Claims,
    pub(super) acks: AcksDue,
}

/// Positions that the peer is to be told.
#[derive(Debug, Default)]
pub(super) struct AcksDue {
    /// Of the peer's own logs.
    owed: BTreeMap<LogId, u64>,
    /// Of others' logs, in case that the peer lacks something.
    news: BTreeMap<LogId, u64>,
    /// When at the latest; set as soon as there is something to tell.
    pub(super) deadline: Option<Timestamp>,
}

impl AcksDue {
    /// Notes that a log of the peer is on disk up to `seq`.
    pub(super) fn owe(&mut self, log: LogId, seq: u64, deadline: Timestamp) {
        self.owed.insert(log, seq);
        self.by(deadline);
    }

    /// Notes that a log of somebody else is on disk up to `seq`.
    pub(super) fn tell(&mut self, log: LogId, seq: u64, deadline: Timestamp) {
        self.news.insert(log, seq);
        self.by(deadline);
    }

    /// Moves the deadline forward.
    pub(super) fn by(&mut self, deadline: Timestamp) {
        self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
    }

    /// What there is to say, less what the peer has got in the meantime.
    pub(super) fn into_positions(self, claims: &Claims) -> Vec<Position> {
        let news = self.news.into_iter().filter(|(log, seq)| claims.seq(log) < *seq);
        self.owed.into_iter().chain(news).map(|(log, seq)| Position { log, seq }).collect()
    }
}

impl Channel {
    pub(super) fn data(&self) -> Option<&DataPhase> {
        match &self.phase {
            Phase::Data(data) => Some(data),
            Phase::Hello(_) | Phase::Acl(_) => None,
        }
    }

    pub(super) fn data_mut(&mut self) -> Option<&mut DataPhase> {
        match &mut self.phase {
            Phase::Data(data) => Some(data),
            Phase::Hello(_) | Phase::Acl(_) => None,
        }
    }

    /// The data phase, once all that the peer holds is known.
    pub(super) fn ready(&self) -> Option<&DataPhase> {
        self.data().filter(|data| data.comparison.is_complete())
    }

    /// The next time at which something must happen on this channel.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Hello(hello) => Some(hello.deadline),
            Phase::Acl(acl) => Some(acl.deadline),
            Phase::Data(data) => data.acks.deadline,
        }
    }
}
