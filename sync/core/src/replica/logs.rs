//! Which logs exist, how far each reaches, and what of that is on disk.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::entry::{Lane, Open, Signer};
use crate::frames::{ClosedDigest, LogEnd, Vector, digest_of_closed};
use crate::ids::{EntryId, EntryRef, LogId, SignerId, UserId};
use crate::limits::{OPEN_LOGS_MAX, OPEN_LOGS_PER_USER_MAX, SIGNERS_MAX};

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

    pub(super) fn at(&self, log: &LogId) -> EntryRef {
        EntryRef { log: *log, seq: self.seq, id: self.id }
    }
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
    /// Of a log of the control lane that was continued twice: the ends of its other branches, on disk. Both count.
    sides: Vec<Head>,
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
    Other,
    /// It is the next number, but follows another entry than the last one here.
    Branch,
    /// Entries before it are not here.
    Gap,
    /// The log takes nothing any more.
    Ended,
}

impl LogState {
    /// The id of an accepted entry, when it is one of the last.
    pub(super) fn recent_id(&self, seq: u64) -> Option<&EntryId> {
        let back = usize::try_from(self.accepted.seq.checked_sub(seq)?).ok()?;
        self.recent.get(self.recent.len().checked_sub(back + 1)?)
    }

    /// Whether this log ended otherwise where somebody else's ends.
    pub(super) fn differs_from(&self, end: &LogEnd) -> bool {
        if self.is_branched() {
            return self.end(&end.log) != *end;
        }
        self.recent_id(end.seq).is_some_and(|id| LogEnd::mark(id) != end.mark)
    }

    /// Whether several branches of it are here.
    pub(super) fn is_branched(&self) -> bool {
        !self.sides.is_empty()
    }

    /// The last number on disk, of all branches.
    pub(super) fn reach(&self) -> u64 {
        self.sides.iter().map(|side| side.seq).fold(self.committed.seq, u64::max)
    }

    /// How it ends on disk. Where there are several branches, the mark stands for all of their ends.
    fn end(&self, log: &LogId) -> LogEnd {
        if self.sides.is_empty() {
            return LogEnd::new(&self.committed.at(log));
        }
        let mut ends: Vec<Head> = self.sides.clone();
        ends.push(self.committed);
        ends.sort_unstable_by_key(|end| (end.seq, end.id));
        LogEnd { log: *log, seq: self.reach(), mark: LogEnd::mark_of_branches(ends.iter().map(|end| end.id)) }
    }

    /// Whether an entry is the next one.
    pub(super) fn is_next(&self, at: &EntryRef, prev: &EntryId) -> bool {
        at.seq == self.accepted.seq + 1 && *prev == self.accepted.id
    }

    pub(super) fn place(&self, at: &EntryRef, prev: &EntryId) -> Place {
        if at.seq <= self.accepted.seq {
            return match self.recent_id(at.seq) {
                Some(id) if *id == at.id => Place::Known,
                Some(_) => Place::Other,
                None => Place::Old,
            };
        }
        if self.ended {
            Place::Ended
        } else if at.seq > self.accepted.seq + 1 {
            Place::Gap
        } else if self.is_next(at, prev) {
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
    /// The same of each person.
    open_of: BTreeMap<UserId, usize>,
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

    /// Whether there is no room for a new log of this signer.
    pub(super) fn is_full(&self, signer: &Signer) -> bool {
        let is_new = !self.by_signer.contains_key(&signer.id());
        self.open >= OPEN_LOGS_MAX || is_new && self.by_signer.len() >= SIGNERS_MAX
    }

    /// Whether a person has more logs open than one below admin may, once this Open has begun `log` and closed those
    /// that it names.
    pub(super) fn is_full_for(&self, log: &LogId, open: &Open) -> bool {
        if self.is_named(log, &open.signer) {
            return false;
        }
        let closes = |earlier: &&EntryRef| {
            let is_theirs = self.logs.get(&earlier.log).is_some_and(|log| log.signer == open.signer);
            is_theirs && !self.is_closed(&earlier.log)
        };
        let before = self.open_of.get(&open.signer.user()).copied().unwrap_or(0);
        before + 1 - open.prev_logs.iter().filter(closes).count() > OPEN_LOGS_PER_USER_MAX
    }

    fn count_open(&mut self, signer: &Signer) {
        self.open += 1;
        *self.open_of.entry(signer.user()).or_default() += 1;
    }

    fn count_closed(&mut self, signer: &Signer) {
        self.open -= 1;
        if let Some(open) = self.open_of.get_mut(&signer.user()) {
            *open -= 1;
        }
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
            sides: Vec::new(),
        };
        self.by_signer.entry(signer.id()).or_default().insert(at.log);
        if self.logs.insert(at.log, state).is_none() && !self.is_named(&at.log, &signer) {
            self.count_open(&signer);
        }
    }

    /// Takes note of the logs that an Open of `signer` names.
    pub(super) fn name_earlier(&mut self, signer: &Signer, open: &Open) {
        for earlier in &open.prev_logs {
            let fresh = self.named.insert((earlier.log, signer.id()));
            let open_until_now =
                self.logs.get(&earlier.log).is_some_and(|log| log.signer == *signer && !log.ended);
            if fresh && open_until_now {
                self.count_closed(signer);
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
            let signer = state.signer;
            if !self.is_named(&at.log, &signer) {
                self.count_closed(&signer);
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

    /// Notes that an entry of another branch of a log of the control lane is on disk.
    pub(super) fn commit_side(&mut self, at: &EntryRef, prev: &EntryId) {
        let Some(state) = self.logs.get_mut(&at.log) else { return };
        let end = Head { seq: at.seq, id: at.id };
        match state.sides.iter_mut().find(|side| side.id == *prev) {
            Some(side) => *side = end,
            None => state.sides.push(end),
        }
    }

    /// Takes a log of the data lane back to an earlier place, which is on disk.
    pub(super) fn cut_back(&mut self, to: &EntryRef) {
        let Some(state) = self.logs.get_mut(&to.log) else { return };
        let head = Head { seq: to.seq, id: to.id };
        (state.accepted, state.committed) = (head, head);
        state.recent = VecDeque::from([to.id]);
        let signer = state.signer;
        if std::mem::take(&mut state.ended) && !self.is_named(&to.log, &signer) {
            self.count_open(&signer);
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

    /// Whether an entry is the next one of a log that is here.
    pub(super) fn is_next(&self, at: &EntryRef, prev: &EntryId) -> bool {
        self.logs.get(&at.log).is_some_and(|state| state.is_next(at, prev))
    }

    /// How far a log reaches on disk, of all branches.
    pub(super) fn reach(&self, log: &LogId) -> u64 {
        self.logs.get(log).map_or(0, LogState::reach)
    }

    pub(super) fn committed_seq(&self, log: &LogId) -> u64 {
        self.logs.get(log).map_or(0, |state| state.committed.seq)
    }

    /// What is on disk of a lane.
    pub(super) fn vector(&self, lane: Lane) -> Vector {
        let mut vector = Vector::default();
        let mut closed: BTreeMap<SignerId, Vec<LogEnd>> = BTreeMap::new();
        for (log, state) in &self.logs {
            if state.lane != lane || state.committed.seq == 0 {
                continue;
            }
            let end = state.end(log);
            if self.is_closed(log) || vector.open.len() == OPEN_LOGS_MAX {
                closed.entry(state.signer.id()).or_default().push(end);
            } else {
                vector.open.push(end);
            }
        }
        vector.closed = closed
            .into_iter()
            .map(|(signer, ends)| ClosedDigest { signer, digest: digest_of_closed(ends) })
            .collect();
        vector
    }

    /// What is on disk of the closed logs of a signer.
    pub(super) fn closed_of(&self, signer: &SignerId, lane: Lane) -> Vec<LogEnd> {
        self.of_signer(signer)
            .filter(|(log, state)| state.lane == lane && state.committed.seq > 0 && self.is_closed(log))
            .map(|(log, state)| state.end(log))
            .collect()
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        let open = self.logs.keys().filter(|log| !self.is_closed(log)).count();
        assert_eq!(open, self.open);
        assert_eq!(open, self.open_of.values().sum::<usize>());
        for state in self.logs.values() {
            assert!(state.committed.seq <= state.accepted.seq);
            assert_eq!(state.recent.back(), Some(&state.accepted.id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{PublicKey, SessionId, UserId};

    fn signer(byte: u8) -> Signer {
        Signer::Device(UserId::from_bytes([byte; 32]), PublicKey::from_bytes([byte; 32]))
    }

    fn at(log: u8, seq: u64) -> EntryRef {
        EntryRef { log: LogId::from_bytes([log; 32]), seq, id: id(seq) }
    }

    fn id(seq: u64) -> EntryId {
        let mut id = [9; 32];
        id[..8].copy_from_slice(&seq.to_be_bytes());
        EntryId::from_bytes(id)
    }

    /// A table with one log of `last` entries, all on disk.
    fn table(log: u8, last: u64) -> LogTable {
        let mut table = LogTable::default();
        grow(&mut table, log, last);
        table
    }

    fn grow(table: &mut LogTable, log: u8, last: u64) {
        table.begin(&at(log, 1), signer(log % 2), Lane::Data);
        for seq in 2..=last {
            table.accept(&at(log, seq), false);
        }
        table.commit(&at(log, last));
        table.check_invariants();
    }

    fn open(names: &[EntryRef]) -> Open {
        Open {
            signer: signer(0),
            session: SessionId::from_bytes([1; 16]),
            prev_logs: names.to_vec(),
            app_version: String::new(),
        }
    }

    #[test]
    fn an_entry_stands_to_its_log_as_it_should() {
        let table = table(1, 40);
        let state = table.get(&LogId::from_bytes([1; 32])).unwrap();
        let place = |seq, prev| state.place(&at(1, seq), &id(prev));
        assert_eq!(place(41, 40), Place::Next);
        assert_eq!(place(41, 39), Place::Branch);
        assert_eq!(place(42, 41), Place::Gap);
        assert_eq!(place(40, 39), Place::Known);
        assert_eq!(place(40 - RECENT_IDS as u64 + 1, 0), Place::Known);
        assert_eq!(place(40 - RECENT_IDS as u64, 0), Place::Old);
        let other = EntryRef { id: EntryId::from_bytes([7; 32]), ..at(1, 40) };
        assert_eq!(state.place(&other, &id(39)), Place::Other);
    }

    #[test]
    fn closed_logs_take_nothing() {
        let mut table = table(1, 3);
        table.accept(&at(1, 4), true);
        let state = table.get(&at(1, 0).log).unwrap();
        assert_eq!(state.place(&at(1, 5), &id(4)), Place::Ended);
        assert_eq!(state.place(&at(1, 4), &id(3)), Place::Known);
        table.check_invariants();
    }

    #[test]
    fn a_log_that_was_taken_back_goes_on_from_there() {
        let mut table = table(1, 8);
        table.accept(&at(1, 9), true);
        table.commit(&at(1, 9));
        table.cut_back(&at(1, 3));
        table.check_invariants();
        assert_eq!(table.vector(Lane::Data).open, [LogEnd::new(&at(1, 3))], "it is open again");
        let other = EntryRef { id: EntryId::from_bytes([9; 32]), ..at(1, 4) };
        let state = table.get(&at(1, 0).log).unwrap();
        assert_eq!(state.place(&other, &id(3)), Place::Next);
        assert_eq!(state.place(&at(1, 3), &id(2)), Place::Known);
        assert_eq!(state.place(&at(1, 2), &id(1)), Place::Old, "what is before is looked up");
        table.accept(&other, false);
        table.commit(&other);
        table.check_invariants();
    }

    #[test]
    fn a_log_with_branches_ends_the_same_for_all_who_hold_them() {
        let other = |seq| EntryRef { id: EntryId::from_bytes([0xee; 32]), ..at(1, seq) };
        let (mut one, mut two) = (table(1, 5), table(1, 3));
        one.commit_side(&other(4), &id(3));
        two.accept(&other(4), false);
        two.commit(&other(4));
        assert_ne!(one.vector(Lane::Data), two.vector(Lane::Data));
        for seq in 4..=5 {
            two.commit_side(&at(1, seq), &id(seq - 1));
        }
        assert_eq!(one.vector(Lane::Data), two.vector(Lane::Data));
        assert_eq!((one.reach(&at(1, 0).log), two.reach(&at(1, 0).log)), (5, 5));
        assert!(!one.get(&at(1, 0).log).unwrap().differs_from(&two.vector(Lane::Data).open[0]));
    }

    #[test]
    fn an_open_closes_the_logs_that_it_names_of_its_own_signer() {
        let mut table = table(2, 5);
        grow(&mut table, 3, 5);
        let before = table.vector(Lane::Data);
        assert_eq!((before.open.len(), before.closed.len()), (2, 0));
        table.name_earlier(&signer(0), &open(&[at(2, 5), at(3, 5), at(4, 1)]));
        table.check_invariants();
        let after = table.vector(Lane::Data);
        let expected = digest_of_closed([LogEnd::new(&at(2, 5))]);
        assert_eq!(after.open, [LogEnd::new(&at(3, 5))]);
        assert_eq!(after.closed, [ClosedDigest { signer: signer(0).id(), digest: expected }]);
        // A log that comes after the Open that names it is closed from the beginning.
        grow(&mut table, 4, 1);
        assert_eq!(table.closed_of(&signer(0).id(), Lane::Data).len(), 2);
        table.name_earlier(&signer(0), &open(&[at(2, 5)]));
        table.check_invariants();
    }

    #[test]
    fn a_vector_tells_only_what_is_on_disk() {
        let mut table = table(1, 2);
        table.accept(&at(1, 3), false);
        table.begin(&at(5, 1), signer(1), Lane::Data);
        assert_eq!(table.vector(Lane::Data).open, [LogEnd::new(&at(1, 2))]);
        assert_eq!(table.vector(Lane::Control).open, []);
        assert_eq!((table.accepted_seq(&at(1, 0).log), table.committed_seq(&at(1, 0).log)), (3, 2));
    }

    #[test]
    fn the_unnamed_logs_are_those_of_earlier_sessions() {
        let mut table = table(2, 5);
        grow(&mut table, 4, 1);
        grow(&mut table, 6, 2);
        table.name_earlier(&signer(0), &open(&[at(2, 5)]));
        assert_eq!(table.unnamed(&signer(0), &[at(6, 0).log]), [at(4, 1)]);
    }

    #[test]
    fn the_table_is_full_at_its_limit() {
        let mut table = LogTable::default();
        let log = |index: u64| EntryRef { log: LogId::from_bytes(*id(index).as_bytes()), seq: 1, id: id(1) };
        for index in 0..OPEN_LOGS_MAX as u64 {
            assert!(!table.is_full(&signer(1)));
            table.begin(&log(index), signer(1), Lane::Data);
        }
        assert!(table.is_full(&signer(1)));
        table.accept(&EntryRef { seq: 2, ..log(0) }, true);
        assert!(!table.is_full(&signer(1)));
        table.check_invariants();
    }

    #[test]
    fn a_person_is_full_at_the_limit_unless_what_they_open_closes_another_log() {
        let mut table = LogTable::default();
        let log = |index: u64| EntryRef { log: LogId::from_bytes(*id(index).as_bytes()), seq: 1, id: id(1) };
        let is_full = |table: &LogTable, open: &Open| table.is_full_for(&log(2_000).log, open);
        for index in 0..OPEN_LOGS_PER_USER_MAX as u64 {
            assert!(!is_full(&table, &open(&[])), "{index}");
            table.begin(&log(index), signer(0), Lane::Data);
        }
        assert!(is_full(&table, &open(&[])));
        assert!(is_full(&table, &open(&[log(u64::MAX)])), "a log that is not here closes nothing");
        assert!(!is_full(&table, &open(&[log(7)])));
        assert!(!is_full(&table, &Open { signer: signer(1), ..open(&[]) }), "others are not held back");
        table.name_earlier(&signer(0), &open(&[log(7)]));
        assert!(!is_full(&table, &open(&[])));
        assert!(!is_full(&table, &open(&[log(7)])), "what is closed is not closed again");
        table.begin(&log(1_000), signer(0), Lane::Data);
        assert!(is_full(&table, &open(&[log(7)])));
        table.name_earlier(&signer(0), &open(&[log(2_000)]));
        assert!(!is_full(&table, &open(&[])), "what was closed before it came");
        table.check_invariants();
    }

    #[test]
    fn only_so_many_may_ever_write() {
        let mut table = LogTable::default();
        let signer = |index: u64| {
            Signer::Device(UserId::from_bytes([1; 32]), PublicKey::from_bytes(*id(index).as_bytes()))
        };
        for index in 0..SIGNERS_MAX as u64 {
            assert!(!table.is_full(&signer(index)));
            let at = EntryRef { log: LogId::from_bytes(*id(index).as_bytes()), seq: 1, id: id(1) };
            table.begin(&at, signer(index), Lane::Data);
            table.accept(&EntryRef { seq: 2, ..at }, true);
        }
        assert!(table.is_full(&signer(SIGNERS_MAX as u64)));
        assert!(!table.is_full(&signer(0)));
    }
}
