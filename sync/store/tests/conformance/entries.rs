use std::collections::BTreeMap;

use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use weft_store::{
    ChangeOrder, CommitError, EntryFilter, EntryMarks, NewEntry, Space, Storage, StoredEntry, StoredOrder,
    Table, Write,
};
use weft_sync::{EntryRef, Kind, LogId};

use crate::support::{ALL, OTHER, WS, at, at_branch, change, doc, entry, hash, log, write};

fn in_stored_order(store: &dyn Storage) -> Vec<StoredEntry> {
    store.entries_after(WS, StoredOrder::START, EntryFilter::All, ALL).unwrap()
}

fn places(entries: &[StoredEntry]) -> Vec<EntryRef> {
    entries.iter().map(|entry| entry.at).collect()
}

pub(crate) fn a_new_store_is_empty(store: &dyn Storage) {
    assert_eq!(store.workspaces().unwrap(), []);
    assert_eq!(store.logs(WS).unwrap(), []);
    assert_eq!(store.log(WS, log(1)).unwrap(), None);
    assert_eq!(store.entries(WS, log(1), 0, u64::MAX, ALL).unwrap(), []);
    assert_eq!(in_stored_order(store), []);
    assert_eq!(store.documents(WS).unwrap(), []);
    assert_eq!(store.commit(&[]).unwrap(), weft_store::Committed::default());
}

pub(crate) fn entries_are_read_back_by_log_and_in_stored_order(store: &dyn Storage) {
    store.commit(&[write(at(2, 1)), write(at(1, 1))]).unwrap();
    store.commit(&[write(at(1, 2)), write(at(2, 2)), write(at(1, 3))]).unwrap();

    let all = in_stored_order(store);
    let expected = [at(2, 1), at(1, 1), at(1, 2), at(2, 2), at(1, 3)];
    assert_eq!(places(&all), expected);
    assert!(all.is_sorted_by(|a, b| a.order < b.order));
    assert_eq!(all[0].bytes, entry(at(2, 1)).bytes);

    let of_log = store.entries(WS, log(1), 2, 3, ALL).unwrap();
    assert_eq!(places(&of_log), [at(1, 2), at(1, 3)]);
    assert_eq!(of_log[0], all[2]);
    assert_eq!(store.entries(WS, log(1), 4, u64::MAX, ALL).unwrap(), []);
    assert_eq!(store.entries(WS, log(1), 3, 2, ALL).unwrap(), []);

    let later = store.entries_after(WS, all[2].order, EntryFilter::All, ALL).unwrap();
    assert_eq!(places(&later), [at(2, 2), at(1, 3)]);
    let picked = store.entries_at(WS, &[all[4].order, StoredOrder(999), all[0].order]).unwrap();
    assert_eq!(places(&picked), [at(1, 3), at(2, 1)]);
    assert_eq!(store.entries_at(OTHER, &[all[4].order]).unwrap(), []);
}

pub(crate) fn an_entry_stored_twice_stays_one(store: &dyn Storage) {
    let first = store.commit(&[write(at(1, 1)), write(at(1, 1)), write(at(1, 2))]).unwrap();
    assert_eq!(first.entries[0].order, first.entries[1].order);
    let known: Vec<bool> = first.entries.iter().map(|outcome| outcome.known).collect();
    assert_eq!(known, [false, true, false]);
    let again = store.commit(&[write(at(1, 1)), write(at(1, 2))]).unwrap();
    assert!(again.entries.iter().all(|outcome| outcome.known));
    assert_eq!(again.entries[1].order, first.entries[2].order);
    assert_eq!(in_stored_order(store).len(), 2);
}

pub(crate) fn another_entry_at_the_same_place_is_refused(store: &dyn Storage) {
    store.commit(&[write(at(1, 1)), write(at(1, 2))]).unwrap();
    for branch_at in [1, 2] {
        let other = at_branch(1, branch_at, 7);
        let refused = store.commit(&[write(other)]).unwrap_err();
        assert!(matches!(refused, CommitError::Conflict { at } if at == other));
        assert!(refused.is_refusal() && !refused.is_final());
    }
    let both = [write(at(2, 1)), write(at_branch(2, 1, 7))];
    assert!(store.commit(&both).is_err());
    assert_eq!(store.log(WS, log(2)).unwrap(), None);
}

pub(crate) fn a_gap_is_refused(store: &dyn Storage) {
    let gap = |seq| store.commit(&[write(at(1, seq))]).unwrap_err();
    assert!(matches!(gap(2), CommitError::Gap { last_seq: 0, .. }));
    assert!(matches!(gap(0), CommitError::Gap { last_seq: 0, .. }));
    store.commit(&[write(at(1, 1))]).unwrap();
    assert!(matches!(gap(3), CommitError::Gap { last_seq: 1, .. }));
    assert!(matches!(gap(u64::MAX), CommitError::Gap { last_seq: 1, .. }));
}

fn fork(at: EntryRef) -> Write {
    Write::Entry(NewEntry { marks: EntryMarks::FORK, ..entry(at) })
}

pub(crate) fn a_fork_is_stored_beside(store: &dyn Storage) {
    store.commit(&[write(at(1, 1)), write(at(1, 2))]).unwrap();
    let branch = [fork(at_branch(1, 2, 7)), fork(at_branch(1, 3, 7)), fork(at_branch(1, 4, 7))];
    store.commit(&branch).unwrap();
    store.commit(&[write(at(1, 3))]).unwrap();
    // Known entries of the branch are recognised.
    let again = store.commit(&branch).unwrap();
    assert!(again.entries.iter().all(|outcome| outcome.known));

    let summary = store.log(WS, log(1)).unwrap().unwrap();
    assert!(summary.forked);
    assert_eq!((summary.last_seq, summary.last_id), (3, at(1, 3).id));
    assert_eq!(summary.entries, 6);
    let of_log = store.entries(WS, log(1), 2, 4, ALL).unwrap();
    let expected = [at(1, 2), at_branch(1, 2, 7), at_branch(1, 3, 7), at(1, 3), at_branch(1, 4, 7)];
    assert_eq!(places(&of_log), expected);
    let forks = store.marked(WS, EntryMarks::FORK, StoredOrder::START, 9).unwrap();
    assert_eq!(forks.len(), 3);
    let beyond = EntryRef { seq: u64::MAX, ..at_branch(1, 1, 7) };
    assert!(matches!(store.commit(&[fork(beyond)]), Err(CommitError::Gap { .. })));
}

pub(crate) fn a_refused_transaction_leaves_nothing(store: &dyn Storage) {
    store.commit(&[write(at(1, 1))]).unwrap();
    let space = Space::workspace(WS, Table::Draft);
    let record = Write::Record { space, key: b"k".to_vec(), value: Some(b"v".to_vec()) };
    let writes = [write(at(1, 2)), write(at(2, 1)), record, change(1, at(1, 1), 0), write(at(1, 9))];
    assert!(store.commit(&writes).is_err());
    assert_eq!(places(&in_stored_order(store)), [at(1, 1)]);
    assert_eq!(store.record(space, b"k").unwrap(), None);
    assert_eq!(store.documents(WS).unwrap(), []);
    assert_eq!(store.logs(WS).unwrap().len(), 1);
    store.commit(&[write(at(1, 2))]).unwrap();
}

pub(crate) fn reads_stop_at_their_byte_limit(store: &dyn Storage) {
    let sized =
        |seq, length| Write::Entry(NewEntry { bytes: Bytes::from(vec![0; length]), ..entry(at(1, seq)) });
    store.commit(&[sized(1, 100), sized(2, 100), sized(3, 100)]).unwrap();
    for (bytes_max, count) in [(0, 1), (1, 1), (199, 1), (200, 2), (299, 2), (300, 3), (ALL, 3)] {
        let of_log = store.entries(WS, log(1), 1, 9, bytes_max).unwrap();
        assert_eq!(of_log.len(), count, "{bytes_max}");
        let all = store.entries_after(WS, StoredOrder::START, EntryFilter::All, bytes_max).unwrap();
        assert_eq!(all.len(), count, "{bytes_max}");
    }
}

pub(crate) fn marks_are_set_and_cleared(store: &dyn Storage) {
    let both = EntryMarks::UNOPENED.with(EntryMarks::SIGNATURE_UNCHECKED);
    let marked = |seq, marks| Write::Entry(NewEntry { marks, ..entry(at(1, seq)) });
    store
        .commit(&[
            marked(1, EntryMarks::UNOPENED),
            marked(2, EntryMarks::NONE),
            marked(3, both),
            Write::opened(WS, at(1, 1)),
        ])
        .unwrap();
    let unopened = |after| {
        let found = store.marked(WS, EntryMarks::UNOPENED, after, 10).unwrap();
        found.iter().map(|place| place.at.seq).collect::<Vec<_>>()
    };
    assert_eq!(unopened(StoredOrder::START), [3]);
    store.commit(&[Write::opened(WS, at(1, 3))]).unwrap();
    assert_eq!(unopened(StoredOrder::START), [0; 0]);
    let unchecked = store.marked(WS, EntryMarks::SIGNATURE_UNCHECKED, StoredOrder::START, 10).unwrap();
    assert_eq!(unchecked[0].marks, EntryMarks::SIGNATURE_UNCHECKED);

    let set =
        |seq| Write::Mark { ws: WS, entry: at(1, seq), set: EntryMarks::UNOPENED, clear: EntryMarks::NONE };
    store.commit(&[set(1), set(2), set(3)]).unwrap();
    assert_eq!(unopened(StoredOrder::START), [1, 2, 3]);
    let first = store.marked(WS, EntryMarks::UNOPENED, StoredOrder::START, 1).unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!(unopened(first[0].order), [2, 3]);
    let other_id = at_branch(1, 2, 9);
    for unknown in [at(1, 4), at(2, 1), other_id] {
        let refused = store.commit(&[Write::opened(WS, unknown)]).unwrap_err();
        assert!(matches!(refused, CommitError::UnknownEntry { .. }));
    }
    assert_eq!(unopened(StoredOrder::START), [1, 2, 3]);
}

pub(crate) fn changes_are_found_by_document(store: &dyn Storage) {
    let committed = store
        .commit(&[
            write(at(1, 1)),
            change(5, at(1, 1), 0),
            change(6, at(1, 1), 1),
            write(at(1, 2)),
            change(5, at(1, 2), 0),
        ])
        .unwrap();
    assert_eq!(committed.changes.len(), 3);
    let changes = store.changes(WS, doc(5), ChangeOrder::START).unwrap();
    let entries: Vec<_> = changes.iter().map(|row| (row.entry, row.item)).collect();
    assert_eq!(entries, [(at(1, 1), 0), (at(1, 2), 0)]);
    assert_eq!(changes[1].hash, hash(5));
    assert_eq!(changes[1].at, committed.changes[2]);
    assert_eq!(changes[1].order, committed.entries[1].order);
    let bytes = store.entries_at(WS, &[changes[1].order]).unwrap();
    assert_eq!(bytes[0].at, at(1, 2));

    // Noted again, it stays where it is.
    let again = store.commit(&[change(5, at(1, 1), 0)]).unwrap();
    assert_eq!(again.changes, [changes[0].at]);
    assert_eq!(store.changes(WS, doc(5), ChangeOrder::START).unwrap(), changes);
    assert_eq!(store.changes(WS, doc(5), changes[0].at).unwrap(), changes[1..]);
    let documents = store.documents(WS).unwrap();
    let counts: Vec<_> = documents.iter().map(|found| (found.doc, found.changes)).collect();
    assert_eq!(counts, [(doc(5), 2), (doc(6), 1)]);
    assert_eq!(documents[0].last, changes[1].at);
    assert_eq!(store.documents(OTHER).unwrap(), []);
}

pub(crate) fn a_change_of_an_unknown_entry_is_refused(store: &dyn Storage) {
    store.commit(&[write(at(1, 1))]).unwrap();
    for unknown in [at(1, 2), at(2, 1), at_branch(1, 1, 9)] {
        let refused = store.commit(&[change(5, unknown, 0)]).unwrap_err();
        assert!(matches!(refused, CommitError::UnknownEntry { at } if at == unknown));
    }
}

pub(crate) fn a_late_change_comes_after_earlier_ones(store: &dyn Storage) {
    store.commit(&[write(at(1, 1)), write(at(2, 1)), change(5, at(2, 1), 0)]).unwrap();
    let snapshot = store.documents(WS).unwrap()[0].last;
    store.commit(&[change(5, at(1, 1), 3)]).unwrap();
    let later = store.changes(WS, doc(5), snapshot).unwrap();
    assert_eq!(later.len(), 1);
    assert_eq!((later[0].entry, later[0].item), (at(1, 1), 3));
    let all = store.changes(WS, doc(5), ChangeOrder::START).unwrap();
    assert_eq!(all[1], later[0]);
}

pub(crate) fn workspaces_stay_apart(store: &dyn Storage) {
    let other = Write::Entry(NewEntry { ws: OTHER, ..entry(at(1, 1)) });
    store.commit(&[other.clone(), write(at(1, 1)), write(at(1, 2))]).unwrap();
    assert_eq!(store.workspaces().unwrap(), [WS, OTHER]);
    assert_eq!(store.log(OTHER, log(1)).unwrap().unwrap().last_seq, 1);
    assert_eq!(store.log(WS, log(1)).unwrap().unwrap().last_seq, 2);
    assert_eq!(in_stored_order(store).len(), 2);
    let foreign = Write::opened(OTHER, at(1, 2));
    assert!(matches!(store.commit(&[foreign]), Err(CommitError::UnknownEntry { .. })));
}

pub(crate) fn a_dropped_workspace_is_gone(store: &dyn Storage) {
    let record = |space| Write::Record { space, key: b"k".to_vec(), value: Some(b"v".to_vec()) };
    let kept = [Space::device(Table::Setting), Space::workspace(OTHER, Table::Draft)];
    let gone = Space::workspace(WS, Table::Draft);
    store
        .commit(&[write(at(1, 1)), change(5, at(1, 1), 0), record(kept[0]), record(kept[1]), record(gone)])
        .unwrap();
    store.commit(&[Write::DropWorkspace(WS)]).unwrap();
    assert_eq!(store.workspaces().unwrap(), [OTHER]);
    assert_eq!(in_stored_order(store), []);
    assert_eq!(store.logs(WS).unwrap(), []);
    assert_eq!(store.documents(WS).unwrap(), []);
    assert_eq!(store.record(gone, b"k").unwrap(), None);
    for space in kept {
        assert_eq!(store.record(space, b"k").unwrap(), Some(b"v".to_vec()));
    }
    // It may come back, also in the transaction that drops it.
    store.commit(&[write(at(1, 1)), Write::DropWorkspace(WS), write(at(1, 1))]).unwrap();
    assert_eq!(in_stored_order(store).len(), 1);
    assert_eq!(store.documents(WS).unwrap(), []);
}

pub(crate) fn orders_are_never_given_twice(store: &dyn Storage) {
    let first = store.commit(&[write(at(1, 1)), change(5, at(1, 1), 0)]).unwrap();
    store.commit(&[Write::DropWorkspace(WS)]).unwrap();
    let second = store.commit(&[write(at(1, 1)), change(5, at(1, 1), 0)]).unwrap();
    assert!(second.entries[0].order > first.entries[0].order);
    assert!(second.changes[0] > first.changes[0]);
}

pub(crate) fn the_genesis_belongs_to_no_log(store: &dyn Storage) {
    let genesis = EntryRef { log: LogId::ZERO, ..at(0, 1) };
    let control = |at, kind| Write::Entry(NewEntry { kind, ..entry(at) });
    store
        .commit(&[
            control(genesis, Kind::Genesis),
            control(at(1, 1), Kind::Open),
            write(at(1, 2)),
            control(at(1, 3), Kind::Unknown(200)),
        ])
        .unwrap();
    let logs = store.logs(WS).unwrap();
    assert_eq!(logs.iter().map(|found| found.log).collect::<Vec<_>>(), [log(1)]);
    let filtered = |filter| {
        let found = store.entries_after(WS, StoredOrder::START, filter, ALL).unwrap();
        found.iter().map(|entry| entry.kind).collect::<Vec<_>>()
    };
    let without = [Kind::Genesis, Kind::Open, Kind::Unknown(200)];
    assert_eq!(filtered(EntryFilter::WithoutData), without);
    assert_eq!(filtered(EntryFilter::DataOnly), [Kind::Data]);
}

pub(crate) fn summaries_count_what_is_there(store: &dyn Storage) {
    let sized = |seq, kind, length| {
        Write::Entry(NewEntry { kind, bytes: Bytes::from(vec![0; length]), ..entry(at(1, seq)) })
    };
    store.commit(&[sized(1, Kind::Open, 10), sized(2, Kind::Data, 20)]).unwrap();
    let last = store.commit(&[sized(3, Kind::Unknown(77), 30)]).unwrap();
    let summary = store.log(WS, log(1)).unwrap().unwrap();
    assert_eq!(store.logs(WS).unwrap(), [summary]);
    assert_eq!((summary.entries, summary.bytes), (3, 60));
    assert_eq!((summary.last_seq, summary.last_id), (3, at(1, 3).id));
    assert_eq!(summary.last_order, last.entries[0].order);
    assert!(summary.kinds.contains(Kind::Open));
    assert!(summary.kinds.contains(Kind::Unknown(77)));
    assert!(!summary.kinds.contains(Kind::Close));
    assert!(!summary.forked);
}

pub(crate) fn everything_in_one_transaction(store: &dyn Storage) {
    let draft = Space::workspace(WS, Table::Draft);
    let (id, bytes) = crate::support::chunk(b"contents");
    store
        .commit(&[Write::Record { space: draft, key: b"draft".to_vec(), value: Some(b"text".to_vec()) }])
        .unwrap();
    store.put_chunks(vec![(id, bytes.clone())]).unwrap();
    store
        .commit(&[
            Write::SyncChunks,
            write(at(1, 1)),
            Write::SyncChunks,
            change(5, at(1, 1), 0),
            Write::Record { space: draft, key: b"draft".to_vec(), value: None },
        ])
        .unwrap();
    assert_eq!(store.record(draft, b"draft").unwrap(), None);
    assert_eq!(store.changes(WS, doc(5), ChangeOrder::START).unwrap().len(), 1);
    assert_eq!(store.chunk(&id).unwrap(), Some(bytes));
}

/// Random transactions against the simplest model there is: a list.
pub(crate) fn random_histories_match_a_model(store: &dyn Storage) {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let mut model: Vec<EntryRef> = Vec::new();
    let mut last: BTreeMap<u8, u64> = BTreeMap::new();
    for _ in 0..60 {
        let (mut next, mut next_last) = (model.clone(), last.clone());
        let mut writes = Vec::new();
        let mut is_good = true;
        for _ in 0..rng.random_range(1..12) {
            let log_number = rng.random_range(1..4);
            let end = next_last.entry(log_number).or_default();
            // One in forty does not follow.
            let seq = if rng.random_ratio(1, 40) { *end + 2 } else { *end + 1 };
            is_good &= seq == *end + 1;
            *end = seq;
            next.push(at(log_number, seq));
            writes.push(write(at(log_number, seq)));
        }
        assert_eq!(store.commit(&writes).is_ok(), is_good);
        if is_good {
            (model, last) = (next, next_last);
        }
        assert_eq!(places(&in_stored_order(store)), model);
    }
    for (log_number, end) in last {
        let summary = store.log(WS, log(log_number)).unwrap();
        assert_eq!(summary.map_or(0, |found| found.last_seq), end);
    }
}
