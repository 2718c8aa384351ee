//! Which logs exist, how far each reaches, and what of that is on disk.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::entry::{Lane, Open, Signer};
use crate::frames::{ClosedDigest, Position, Vector, digest_of_closed};
use crate::ids::{EntryId, EntryRef, LogId, SignerId};
use crate::limits::OPEN_LOGS_MAX;

/// Ids that a log remembers of its last entries, so that most repeated entries are compared
/// with what is stored without reading it.
const RECENT_IDS: usize = 16;

/// The end of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: u64,
    pub(super) id: EntryId,
}

impl Head {
    /// Before the first entry.
    pub(super) const START: Self = Self { seq: 0, id: EntryId::ZERO };
}

/// One log.
#[derive(Clone, Debug)]
pub(super) struct LogState {
    /// Who signs it.
    pub(super) signer: Signer,
    pub(super) lane: Lane,
    /// What is on disk: all that is ever said to others.
    pub(super) committed: Head,
    /// What was checked, on disk or on its way there. Never behind `committed`.
    pub(super) accepted: Head,
    /// The ids of the last accepted entries, the newest last.
    recent: VecDeque<EntryId>,
    /// Whether it holds a Close.
    ended: bool,
    /// Whether it was forked; it takes nothing any more.
    pub(super) frozen: bool,
}

/// How an entry stands to the log that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is the next one.
    Next,
    /// It is here already.
    Known,
    /// Something is here at its number; whether it is the same must be looked up.
    Old,
    /// Another entry is here at its number.
    Other(EntryId),
    /// It is the next number, but follows another entry than the last one here.
    Branch,
    /// Entries before it are not here.
    Gap,
    /// The log takes nothing any more.
    Ended,
}

impl LogState {
    pub(super) fn place(&self, at: &EntryRef, prev: &EntryId) -> Place {
        if at.seq <= self.accepted.seq {
            let back = usize::try_from(self.accepted.seq - at.seq).unwrap_or(usize::MAX);
            let known = self.recent.len().checked_sub(back + 1).and_then(|index| self.recent.get(index));
            return match known {
                Some(id) if *id == at.id => Place::Known,
                Some(id) => Place::Other(*id),
                None => Place::Old,
            };
        }
        if self.frozen || self.ended {
            Place::Ended
        } else if at.seq > self.accepted.seq + 1 {
            Place::Gap
        } else if *prev == self.accepted.id {
            Place::Next
        } else {
            Place::Branch
        }
    }
}

/// All logs of a workspace. Genesis stands under the log id zero.
#[derive(Clone, Debug, Default)]
pub(super) struct LogTable {
    logs: BTreeMap<LogId, LogState>,
    /// The logs of each signer.
    by_signer: BTreeMap<SignerId, BTreeSet<LogId>>,
    /// Logs that an Open names, with the signer of that Open: it closes its own logs alone.
    named: BTreeSet<(LogId, SignerId)>,
    /// Logs that may still grow; equals a count over `logs`.
    open: usize,
}

impl LogTable {
    pub(super) fn get(&self, log: &LogId) -> Option<&LogState> {
        self.logs.get(log)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&LogId, &LogState)> {
        self.logs.iter()
    }

    pub(super) fn of_signer(&self, signer: &SignerId) -> impl Iterator<Item = (&LogId, &LogState)> {
        self.by_signer
            .get(signer)
            .into_iter()
            .flatten()
            .filter_map(|log| self.logs.get(log).map(|state| (log, state)))
    }

    pub(super) fn is_full(&self) -> bool {
        self.open >= OPEN_LOGS_MAX
    }

    /// Begins a log with its first entry (an Open, or Genesis).
    pub(super) fn begin(&mut self, at: &EntryRef, signer: Signer, lane: Lane) {
        let head = Head { seq: at.seq, id: at.id };
        let state = LogState {
            signer,
            lane,
            committed: Head::START,
            accepted: head,
            recent: VecDeque::from([at.id]),
            ended: false,
            frozen: false,
        };
        self.by_signer.entry(signer.id()).or_default().insert(at.log);
        if self.logs.insert(at.log, state).is_none() && !self.is_named(&at.log, &signer) {
            self.open += 1;
        }
    }

    /// Takes note of the logs that an Open of `signer` names.
    pub(super) fn name_earlier(&mut self, signer: &Signer, open: &Open) {
        for earlier in &open.prev_logs {
            let fresh = self.named.insert((earlier.log, signer.id()));
            let open_until_now =
                self.logs.get(&earlier.log).is_some_and(|log| log.signer == *signer && !log.ended);
            if fresh && open_until_now {
                self.open -= 1;
            }
        }
    }

    /// The logs of `signer` that none of its Opens has named, except those of one session.
    pub(super) fn unnamed(&self, signer: &Signer, except: &[LogId]) -> Vec<EntryRef> {
        let id = signer.id();
        self.of_signer(&id)
            .filter(|(log, _)| !except.contains(log) && !self.named.contains(&(**log, id)))
            .filter(|(log, _)| **log != LogId::ZERO)
            .map(|(log, state)| EntryRef { log: *log, seq: state.accepted.seq, id: state.accepted.id })
            .collect()
    }

    /// Takes the next entry of a log.
    pub(super) fn accept(&mut self, at: &EntryRef, closes: bool) {
        let Some(state) = self.logs.get_mut(&at.log) else { return };
        state.accepted = Head { seq: at.seq, id: at.id };
        if state.recent.len() == RECENT_IDS {
            state.recent.pop_front();
        }
        state.recent.push_back(at.id);
        if closes && !state.ended {
            state.ended = true;
            if !self.named.contains(&(at.log, state.signer.id())) {
                self.open -= 1;
            }
        }
    }

    /// Sets the end of a log as the store has it. False when its first entry was not given.
    pub(super) fn restore(&mut self, last: &EntryRef, is_closed: bool) -> bool {
        let Some(state) = self.logs.get_mut(&last.log) else { return false };
        if state.accepted.seq < last.seq {
            state.recent.clear();
            self.accept(last, is_closed);
        }
        self.commit(last);
        true
    }

    pub(super) fn commit(&mut self, at: &EntryRef) {
        if let Some(state) = self.logs.get_mut(&at.log) {
            state.committed = Head { seq: at.seq, id: at.id };
            debug_assert!(state.committed.seq <= state.accepted.seq);
        }
    }

    pub(super) fn freeze(&mut self, log: &LogId) {
        if let Some(state) = self.logs.get_mut(log) {
            state.frozen = true;
        }
    }

    fn is_named(&self, log: &LogId, signer: &Signer) -> bool {
        self.named.contains(&(*log, signer.id()))
    }

    /// Whether a log will not grow any more, as far as is known here.
    pub(super) fn is_closed(&self, log: &LogId) -> bool {
        self.logs.get(log).is_some_and(|state| state.ended || self.is_named(log, &state.signer))
    }

    /// How far a log reaches, on disk or on its way there.
    pub(super) fn accepted_seq(&self, log: &LogId) -> u64 {
        self.logs.get(log).map_or(0, |state| state.accepted.seq)
    }

    pub(super) fn committed_seq(&self, log: &LogId) -> u64 {
        self.logs.get(log).map_or(0, |state| state.committed.seq)
    }

    /// What is on disk of a lane.
    pub(super) fn vector(&self, lane: Lane) -> Vector {
        let mut vector = Vector::default();
        let mut closed: BTreeMap<SignerId, Vec<Position>> = BTreeMap::new();
        for (log, state) in &self.logs {
            if state.lane != lane || state.committed.seq == 0 {
                continue;
            }
            let position = Position { log: *log, seq: state.committed.seq };
            if self.is_closed(log) || vector.open.len() == OPEN_LOGS_MAX {
                closed.entry(state.signer.id()).or_default().push(position);
            } else {
                vector.open.push(position);
            }
        }
        vector.closed = closed
            .into_iter()
            .map(|(signer, positions)| ClosedDigest { signer, digest: digest_of_closed(positions) })
            .collect();
        vector
    }

    /// What is on disk of the closed logs of a signer.
    pub(super) fn closed_of(&self, signer: &SignerId, lane: Lane) -> Vec<Position> {
        self.of_signer(signer)
            .filter(|(log, state)| state.lane == lane && state.committed.seq > 0 && self.is_closed(log))
            .map(|(log, state)| Position { log: *log, seq: state.committed.seq })
            .collect()
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        let open = self.logs.keys().filter(|log| !self.is_closed(log)).count();
        assert_eq!(open, self.open);
        for state in self.logs.values() {
            assert!(state.committed.seq <= state.accepted.seq);
            assert_eq!(state.recent.back(), Some(&state.accepted.id));
        }
    }
}
