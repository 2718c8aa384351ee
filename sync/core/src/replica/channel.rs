//! One connection to one peer: its phase, and what is on its way in each direction.

use std::collections::{BTreeMap, VecDeque};

use super::compare::{Claims, Comparison};
use super::serve::Serve;
use crate::frames::{AclHeads, Frame, Position, Vector};
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
    /// Reads of branches that are under way for this peer.
    pub(super) branches_due: usize,
    /// Up to which news of branches the peer was compared with.
    pub(super) branches_told: u64,
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
    /// When an entry last came that was taken.
    pub(super) last_taken_at: Timestamp,
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
    pub(super) ahead: Option<Ahead>,
}

/// What was said to a device of the workspace before it said anything: where both hold the same control lane, which is so
/// nearly always, one round trip is enough.
#[derive(Debug)]
pub(super) struct Ahead {
    pub(super) heads: AclHeads,
    pub(super) data: SaidData,
}

/// What a peer was told of the data lane.
#[derive(Debug)]
pub(super) struct SaidData {
    pub(super) have: Vector,
    /// How far our own logs reached then.
    pub(super) own: BTreeMap<LogId, u64>,
    /// What has come to be on disk since.
    pub(super) acks: AcksDue,
}

/// See [`Phase::Acl`].
#[derive(Debug)]
pub(super) struct AclPhase {
    /// Moved on by every entry that comes.
    pub(super) deadline: Timestamp,
    pub(super) comparison: Comparison,
    /// What we have said of the control lane.
    pub(super) said: AclHeads,
    /// The Have that we have sent ahead. It counts only if both control lanes are the same: else it may lack much by the
    /// time at which they are.
    pub(super) ahead: Option<SaidData>,
    /// Whether a Have that was sent ahead has come, and does not count.
    pub(super) dropped_ahead: bool,
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
    /// How far our own logs reached when the peer was told what we hold.
    pub(super) own: BTreeMap<LogId, u64>,
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

    /// What the peer is to be told of what is on disk since it was told what we hold.
    pub(super) fn acks_mut(&mut self) -> Option<&mut AcksDue> {
        match &mut self.phase {
            Phase::Hello(hello) => hello.ahead.as_mut().map(|ahead| &mut ahead.data.acks),
            Phase::Acl(acl) => acl.ahead.as_mut().map(|data| &mut data.acks),
            Phase::Data(data) => Some(&mut data.acks),
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
