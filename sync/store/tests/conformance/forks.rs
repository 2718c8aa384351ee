//! Logs that were continued twice: which branch counts, and what becomes of the other.

use std::collections::BTreeSet;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use weft_store::{
    ChangeOrder, ChangeRow, CommitError, EntryFilter, EntryMarks, LogSummary, NewEntry, Storage, StoredEntry,
    StoredOrder, Write,
};
use weft_sync::{EntryRef, Kind};

use crate::support::{ALL, OTHER, WS, at, at_branch, change, doc, entry, log, write};

const BOTH: EntryMarks = EntryMarks::FORK.with(EntryMarks::UNOPENED);

fn marked(at: EntryRef, marks: EntryMarks) -> Write {
    Write::Entry(NewEntry { marks, ..entry(at) })
}

fn fork(at: EntryRef) -> Write {
    marked(at, EntryMarks::FORK)
}

fn cut_back(log_number: u8, to: u64) -> Write {
    Write::CutBack { ws: WS, log: log(log_number), to }
}

fn summary(store: &dyn Storage, log_number: u8) -> LogSummary {
    store.log(WS, log(log_number)).unwrap().unwrap()
}

fn head(store: &dyn Storage, log_number: u8) -> (u64, EntryRef) {
    let found = summary(store, log_number);
    (found.last_seq, EntryRef { log: found.log, seq: found.last_seq, id: found.last_id })
}

fn forks(store: &dyn Storage) -> Vec<EntryRef> {
    let found = store.marked(WS, EntryMarks::FORK, StoredOrder::START, 99).unwrap();
    found.iter().map(|place| place.at).collect()
}

fn changes(store: &dyn Storage, document: u8) -> Vec<ChangeRow> {
    store.changes(WS, doc(document), ChangeOrder::START).unwrap()
}

fn carriers(store: &dyn Storage, document: u8) -> Vec<EntryRef> {
    changes(store, document).iter().map(|row| row.entry).collect()
}

fn in_stored_order(store: &dyn Storage) -> Vec<StoredEntry> {
    store.entries_after(WS, StoredOrder::START, EntryFilter::All, ALL).unwrap()
}

pub(crate) fn a_log_is_taken_back(store: &dyn Storage) {
    let mut writes: Vec<Write> = (1..=5).map(|seq| marked(at(1, seq), EntryMarks::UNOPENED)).collect();
    writes.extend([write(at(2, 1)), change(6, at(2, 1), 0), Write::opened(WS, at(1, 2))]);
    writes.extend((1..=5).map(|seq| change(5, at(1, seq), 0)));
    writes.extend([change(7, at(1, 4), 1), change(6, at(1, 5), 2)]);
    let unchecked = EntryMarks::SIGNATURE_UNCHECKED;
    writes.push(Write::Mark { ws: WS, entry: at(1, 4), set: unchecked, clear: EntryMarks::NONE });
    store.commit(&writes).unwrap();
    let before = in_stored_order(store);
    let (first, last) = (summary(store, 1), changes(store, 5)[1]);

    let committed = store.commit(&[cut_back(1, 3)]).unwrap();
    assert_eq!(committed, weft_store::Committed::default());
    let after = summary(store, 1);
    assert_eq!(head(store, 1), (3, at(1, 3)));
    assert!(after.forked && !first.forked);
    assert_eq!((after.entries, after.bytes), (first.entries, first.bytes));
    assert_eq!(after.last_order, first.last_order);
    // Nothing is gone, and everything else is as it was.
    let entries = in_stored_order(store);
    assert_eq!(entries.len(), before.len());
    for (now, old) in entries.iter().zip(&before) {
        let marks = match (now.at.log == log(1), now.at.seq) {
            (true, 5) => EntryMarks::FORK,
            (true, 4) => EntryMarks::FORK.with(unchecked),
            _ => old.marks,
        };
        assert_eq!(*now, StoredEntry { marks, ..old.clone() });
    }
    assert_eq!(carriers(store, 5), [at(1, 1), at(1, 2), at(1, 3)]);
    assert_eq!(changes(store, 5)[1], last);
    assert_eq!(carriers(store, 6), [at(2, 1)]);
    // A document of which nothing is left is not there.
    let documents = store.documents(WS).unwrap();
    assert_eq!(
        documents.iter().map(|found| (found.doc, found.changes)).collect::<Vec<_>>(),
        [(doc(5), 3), (doc(6), 1)]
    );

    // Once more changes nothing, and further back takes the rest of it along.
    store.commit(&[cut_back(1, 3)]).unwrap();
    assert_eq!((forks(store), summary(store, 1)), (vec![at(1, 4), at(1, 5)], after));
    store.commit(&[cut_back(1, 1)]).unwrap();
    assert_eq!(head(store, 1), (1, at(1, 1)));
    assert_eq!(forks(store), [2, 3, 4, 5].map(|seq| at(1, seq)));
    assert_eq!(carriers(store, 5), [at(1, 1)]);
}

pub(crate) fn a_log_goes_on_where_it_was_taken_back_to(store: &dyn Storage) {
    let first: Vec<Write> = (1..=3).map(|seq| write(at(1, seq))).collect();
    store.commit(&first).unwrap();
    store.commit(&[fork(at_branch(1, 3, 8)), cut_back(1, 1)]).unwrap();
    let won = [2, 3].map(|seq| at_branch(1, seq, 7));
    // Beside entries of two other branches, and in steps of one.
    let gap = store.commit(&[write(won[1])]).unwrap_err();
    assert!(matches!(gap, CommitError::Gap { last_seq: 1, .. }));
    store.commit(&won.map(write)).unwrap();
    assert_eq!(head(store, 1), (3, won[1]));
    let conflict = store.commit(&[write(at_branch(1, 3, 9))]).unwrap_err();
    assert!(matches!(conflict, CommitError::Conflict { .. }));
    let of_log = store.entries(WS, log(1), 2, 3, ALL).unwrap();
    let places: Vec<_> = of_log.iter().map(|entry| (entry.at, entry.marks)).collect();
    assert_eq!(
        places,
        [
            (at(1, 2), EntryMarks::FORK),
            (won[0], EntryMarks::NONE),
            (at(1, 3), EntryMarks::FORK),
            (at_branch(1, 3, 8), EntryMarks::FORK),
            (won[1], EntryMarks::NONE),
        ]
    );
    let summary = summary(store, 1);
    assert_eq!((summary.entries, summary.forked), (6, true));
    // The branch that lost is known where it does not come next.
    let again = store.commit(&[write(at(1, 3)), fork(at(1, 2))]).unwrap();
    assert!(again.entries.iter().all(|outcome| outcome.known));
    assert_eq!(head(store, 1), (3, won[1]));
}

pub(crate) fn an_entry_of_another_branch_continues_the_log(store: &dyn Storage) {
    let won = [2, 3, 4].map(|seq| at_branch(1, seq, 7));
    let unchecked = EntryMarks::SIGNATURE_UNCHECKED;
    // What proved the fork came first, and from its end.
    store.commit(&[write(at(1, 1)), write(at(1, 2)), change(5, at(1, 2), 0)]).unwrap();
    let beside = store.commit(&[fork(won[2]), marked(won[1], BOTH.with(unchecked)), fork(won[0])]).unwrap();
    let others = store.commit(&[write(at(2, 1)), write(at(1, 3))]).unwrap();
    store.commit(&[cut_back(1, 1)]).unwrap();
    let middle = others.entries[1].order;

    // Not the next one: nothing happens.
    let early = store.commit(&[write(won[1])]).unwrap();
    assert_eq!((early.entries[0].known, early.entries[0].order), (true, beside.entries[1].order));
    assert_eq!(head(store, 1), (1, at(1, 1)));

    let committed = store
        .commit(&[
            marked(won[0], EntryMarks::UNOPENED),
            change(5, won[0], 1),
            write(won[1]),
            write(won[2]),
            write(won[2]),
            change(5, won[2], 0),
        ])
        .unwrap();
    let outcomes: Vec<_> = committed.entries.iter().map(|outcome| outcome.known).collect();
    assert_eq!(outcomes, [false, false, false, true]);
    assert_eq!(committed.entries[2], weft_store::EntryOutcome { known: false, ..committed.entries[3] });
    assert_eq!(head(store, 1), (4, won[2]));
    assert_eq!(summary(store, 1).last_order, committed.entries[2].order);
    assert_eq!(summary(store, 1).entries, 6);
    assert_eq!(forks(store), [at(1, 2), at(1, 3)]);
    // A reader that goes on after what it had read misses nothing and meets the log in its order.
    let later = store.entries_after(WS, middle, EntryFilter::All, ALL).unwrap();
    let later: Vec<_> = later.iter().map(|entry| (entry.at, entry.marks)).collect();
    let after_union = EntryMarks::UNOPENED.with(unchecked);
    assert_eq!(later, [(won[0], EntryMarks::UNOPENED), (won[1], after_union), (won[2], EntryMarks::NONE)]);
    assert_eq!(store.entries_at(WS, &[beside.entries[0].order]).unwrap(), []);
    assert_eq!(in_stored_order(store).len(), 7);
    let rows = changes(store, 5);
    assert_eq!(rows.iter().map(|row| (row.entry, row.item)).collect::<Vec<_>>(), [(won[0], 1), (won[2], 0)]);
    assert_eq!(rows[0].order, committed.entries[0].order);
    assert_eq!(store.entries_at(WS, &[rows[1].order]).unwrap()[0].bytes, entry(won[2]).bytes);
}

/// Two branches may count in turn; what was indexed comes back with a later place, so that it lies after a snapshot.
pub(crate) fn a_branch_may_come_back(store: &dyn Storage) {
    let (one, other) = (at(1, 2), at_branch(1, 2, 7));
    store.commit(&[write(at(1, 1)), write(one), change(5, one, 0)]).unwrap();
    let mut last = changes(store, 5)[0].at;
    for (lost, won) in [(one, other), (other, one), (one, other)] {
        let committed = store
            .commit(&[cut_back(1, 1), fork(lost), write(won), change(5, won, 0), change(5, lost, 0)])
            .unwrap();
        let known: Vec<_> = committed.entries.iter().map(|outcome| outcome.known).collect();
        assert_eq!(known, [true, false]);
        assert_eq!(committed.changes[1], ChangeOrder::START, "of another branch nothing is noted");
        let rows = changes(store, 5);
        assert_eq!(rows.iter().map(|row| row.entry).collect::<Vec<_>>(), [won]);
        assert!(rows[0].at > last);
        last = rows[0].at;
        assert_eq!((head(store, 1), forks(store)), ((2, won), vec![lost]));
    }
}

pub(crate) fn a_log_is_not_taken_back_to_where_it_is_not(store: &dyn Storage) {
    store.commit(&[write(at(1, 1)), write(at(1, 2)), fork(at_branch(1, 3, 7))]).unwrap();
    let before = (in_stored_order(store), summary(store, 1));
    for (log_number, to, last) in [(1, 0, 3), (1, 4, 3), (1, u64::MAX, 3), (2, 1, 0), (2, 0, 0)] {
        // With the entry before it in the same transaction the log ends with 3.
        match store.commit(&[write(at(1, 3)), cut_back(log_number, to)]) {
            Err(CommitError::CutBack { log: of, to: told, last_seq }) => {
                assert_eq!((of, told, last_seq), (log(log_number), to, last));
            }
            other => panic!("log {log_number} taken back to {to}: {other:?}"),
        }
    }
    let elsewhere = Write::CutBack { ws: OTHER, log: log(1), to: 1 };
    let refused = store.commit(&[elsewhere]).unwrap_err();
    assert!(refused.is_refusal() && !refused.is_final());
    assert_eq!((in_stored_order(store), summary(store, 1)), before);
    assert_eq!(store.workspaces().unwrap(), [WS]);
}

pub(crate) fn kinds_are_those_of_the_branch_that_counts(store: &dyn Storage) {
    let of = |at, kind, marks| Write::Entry(NewEntry { kind, marks, ..entry(at) });
    let close = at_branch(1, 3, 7);
    store
        .commit(&[
            of(at(1, 1), Kind::Open, EntryMarks::NONE),
            write(at(1, 2)),
            of(close, Kind::Close, EntryMarks::FORK),
        ])
        .unwrap();
    let kinds = |store: &dyn Storage| {
        [Kind::Open, Kind::Data, Kind::Close].map(|kind| summary(store, 1).kinds.contains(kind))
    };
    assert_eq!(kinds(store), [true, true, false]);
    store.commit(&[of(close, Kind::Close, EntryMarks::NONE)]).unwrap();
    assert_eq!(kinds(store), [true, true, true]);
    store.commit(&[cut_back(1, 1)]).unwrap();
    assert_eq!(kinds(store), [true, false, false]);
}

pub(crate) fn marks_do_not_make_a_fork(store: &dyn Storage) {
    store.commit(&[write(at(1, 1)), fork(at_branch(1, 1, 7))]).unwrap();
    let both = EntryMarks::FORK.with(EntryMarks::SIGNATURE_UNCHECKED);
    let mark = |entry, set, clear| Write::Mark { ws: WS, entry, set, clear };
    store
        .commit(&[
            mark(at(1, 1), both, EntryMarks::NONE),
            mark(at_branch(1, 1, 7), EntryMarks::UNOPENED, both),
        ])
        .unwrap();
    let marks: Vec<_> = in_stored_order(store).iter().map(|entry| entry.marks).collect();
    assert_eq!(marks, [EntryMarks::SIGNATURE_UNCHECKED, BOTH]);
}

/// One entry of the model of a log.
#[derive(Clone, Debug)]
struct Modelled {
    at: EntryRef,
    marks: EntryMarks,
    order: u64,
    indexed: Option<u64>,
}

/// What a store should hold of one log, with the counters of its orders.
#[derive(Clone, Debug, Default)]
struct Model {
    entries: Vec<Modelled>,
    last_order: u64,
    last_change: u64,
    forked: bool,
}

impl Model {
    fn last_seq(&self) -> u64 {
        let counting = self.entries.iter().filter(|entry| !entry.marks.contains(EntryMarks::FORK));
        counting.map(|entry| entry.at.seq).max().unwrap_or(0)
    }

    /// Does a write; `None` when it is to be refused.
    fn apply(&mut self, write: &Write) -> Option<()> {
        let last_seq = self.last_seq();
        match write {
            Write::Entry(new) => {
                let is_fork = new.marks.contains(EntryMarks::FORK);
                let order = self.last_order + 1;
                if let Some(entry) = self.entries.iter_mut().find(|entry| entry.at == new.at) {
                    if entry.marks.contains(EntryMarks::FORK) && !is_fork && new.at.seq == last_seq + 1 {
                        entry.marks = entry.marks.without(EntryMarks::FORK).with(new.marks);
                        entry.order = order;
                        self.last_order = order;
                    }
                    return Some(());
                }
                if !is_fork && new.at.seq != last_seq + 1 {
                    return None;
                }
                self.forked |= is_fork;
                self.last_order = order;
                self.entries.push(Modelled { at: new.at, marks: new.marks, order, indexed: None });
            }
            Write::CutBack { to, .. } => {
                if *to == 0 || *to > last_seq {
                    return None;
                }
                self.forked = true;
                for entry in self.entries.iter_mut().filter(|entry| entry.at.seq > *to) {
                    if !entry.marks.contains(EntryMarks::FORK) {
                        entry.marks = entry.marks.without(EntryMarks::UNOPENED).with(EntryMarks::FORK);
                        entry.indexed = None;
                    }
                }
            }
            Write::Change { entry: at, .. } => {
                let entry = self.entries.iter_mut().find(|entry| entry.at == *at)?;
                if !entry.marks.contains(EntryMarks::FORK) && entry.indexed.is_none() {
                    self.last_change += 1;
                    entry.indexed = Some(self.last_change);
                }
            }
            other => panic!("the model has no {other:?}"),
        }
        Some(())
    }

    fn check(&self, store: &dyn Storage) {
        let mut expected: Vec<_> = self.entries.iter().map(|it| (it.order, it.at, it.marks)).collect();
        expected.sort_unstable();
        let found = in_stored_order(store);
        let found: Vec<_> = found.iter().map(|it| (it.order.0, it.at, it.marks)).collect();
        assert_eq!(found, expected);
        let mut expected: Vec<_> =
            self.entries.iter().filter_map(|it| Some((it.indexed?, it.order, it.at))).collect();
        expected.sort_unstable();
        let rows = changes(store, 5);
        assert_eq!(rows.iter().map(|row| (row.at.0, row.order.0, row.entry)).collect::<Vec<_>>(), expected);
        if self.entries.is_empty() {
            return;
        }
        let found = summary(store, 1);
        let counting = self.entries.iter().filter(|entry| !entry.marks.contains(EntryMarks::FORK));
        let mut counting: Vec<_> = counting.map(|entry| (entry.at.seq, entry.order, entry.at.id)).collect();
        counting.sort_unstable();
        assert_eq!((found.last_seq, found.forked), (counting.len() as u64, self.forked));
        if let Some((_, _, id)) = counting.last() {
            assert_eq!(found.last_id, *id);
        }
        // Without a hole, each once, and in stored order.
        assert!(counting.iter().zip(1..).all(|((seq, ..), place)| *seq == place));
        assert!(counting.is_sorted_by(|left, right| left.1 < right.1));
        assert_eq!(found.entries, self.entries.len() as u64);
    }
}

fn random_write(rng: &mut ChaCha8Rng, model: &Model) -> Write {
    let last_seq = model.last_seq();
    let place = at_branch(1, rng.random_range(1..=last_seq + 2), rng.random_range(0..3));
    let marks = if rng.random_bool(0.3) { EntryMarks::UNOPENED } else { EntryMarks::NONE };
    match rng.random_range(0..10) {
        0..4 => {
            let next = EntryRef { seq: last_seq + 1, ..at_branch(1, last_seq + 1, rng.random_range(0..3)) };
            marked(next, marks)
        }
        4 | 5 => marked(place, marks.with(EntryMarks::FORK)),
        6 => {
            let too_far = u64::from(rng.random_ratio(1, 8));
            cut_back(1, rng.random_range(last_seq.saturating_sub(4)..=last_seq + too_far))
        }
        7 => write(place),
        _ => {
            let known = model.entries.get(rng.random_range(0..=model.entries.len()));
            change(5, known.map_or(place, |entry| entry.at), 0)
        }
    }
}

/// Random transactions against a list.
pub(crate) fn random_forks_match_a_model(store: &dyn Storage) {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut model = Model::default();
    let mut met = BTreeSet::new();
    for _ in 0..150 {
        let mut next = model.clone();
        let mut writes = Vec::new();
        let mut is_good = true;
        for _ in 0..rng.random_range(1..6) {
            let write = random_write(&mut rng, &next);
            is_good = is_good && next.apply(&write).is_some();
            writes.push(write);
        }
        assert_eq!(store.commit(&writes).is_ok(), is_good, "{writes:?}");
        met.insert(is_good);
        if is_good {
            model = next;
        }
        model.check(store);
    }
    assert_eq!(met.len(), 2);
    assert!(model.forked && model.last_change > 10);
}
