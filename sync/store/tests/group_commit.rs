//! The committing thread: order, grouping, refusals, its end.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};

use bytes::Bytes;
use weft_crdt::{ChunkId, DocumentId};
use weft_store::limits::{COMMIT_GROUP_MAX, COMMIT_QUEUE_MAX};
use weft_store::memory::Fault;
use weft_store::{
    ChangeOrder, ChangeRow, CommitError, Committed, DocumentSummary, EntryFilter, EntryMarks, EntryPlace,
    GroupCommitter, Instance, LogSummary, MemoryStore, NewEntry, PutChunksError, PutReport, ReadError,
    RecordRow, Space, Storage, StoredEntry, StoredOrder, SubmitError, Write,
};
use weft_sync::{EntryId, EntryRef, Kind, LogId, WorkspaceId};

const WS: WorkspaceId = WorkspaceId::from_bytes([1; 32]);

fn entry(seq: u64) -> Write {
    entry_of(seq, 10)
}

fn entry_of(seq: u64, length: usize) -> Write {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&seq.to_le_bytes());
    Write::Entry(NewEntry {
        ws: WS,
        at: EntryRef { log: LogId::from_bytes([2; 32]), seq, id: EntryId::from_bytes(id) },
        kind: Kind::Data,
        marks: EntryMarks::NONE,
        bytes: Bytes::from(vec![0; length]),
    })
}

/// A store whose commits wait at a gate, and that counts them.
struct Gated {
    store: MemoryStore,
    commits: AtomicUsize,
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gated {
    fn new(is_open: bool) -> Arc<Self> {
        Arc::new(Self {
            store: MemoryStore::new(Instance([0; 16])),
            commits: AtomicUsize::new(0),
            open: Mutex::new(is_open),
            opened: Condvar::new(),
        })
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn wait_for_commit(&self) {
        while self.commits.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
    }
}

impl Storage for Gated {
    fn commit(&self, writes: &[Write]) -> Result<Committed, CommitError> {
        self.commits.fetch_add(1, Ordering::SeqCst);
        let open = self.open.lock().unwrap();
        drop(self.opened.wait_while(open, |open| !*open).unwrap());
        self.store.commit(writes)
    }

    fn instance(&self) -> Instance {
        self.store.instance()
    }
    fn workspaces(&self) -> Result<Vec<WorkspaceId>, ReadError> {
        self.store.workspaces()
    }
    fn logs(&self, ws: WorkspaceId) -> Result<Vec<LogSummary>, ReadError> {
        self.store.logs(ws)
    }
    fn log(&self, ws: WorkspaceId, log: LogId) -> Result<Option<LogSummary>, ReadError> {
        self.store.log(ws, log)
    }
    fn entries(
        &self,
        ws: WorkspaceId,
        log: LogId,
        from: u64,
        to: u64,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, ReadError> {
        self.store.entries(ws, log, from, to, bytes_max)
    }
    fn entries_after(
        &self,
        ws: WorkspaceId,
        after: StoredOrder,
        filter: EntryFilter,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, ReadError> {
        self.store.entries_after(ws, after, filter, bytes_max)
    }
    fn entries_at(&self, ws: WorkspaceId, orders: &[StoredOrder]) -> Result<Vec<StoredEntry>, ReadError> {
        self.store.entries_at(ws, orders)
    }
    fn marked(
        &self,
        ws: WorkspaceId,
        marks: EntryMarks,
        after: StoredOrder,
        count_max: usize,
    ) -> Result<Vec<EntryPlace>, ReadError> {
        self.store.marked(ws, marks, after, count_max)
    }
    fn documents(&self, ws: WorkspaceId) -> Result<Vec<DocumentSummary>, ReadError> {
        self.store.documents(ws)
    }
    fn changes(
        &self,
        ws: WorkspaceId,
        doc: DocumentId,
        after: ChangeOrder,
    ) -> Result<Vec<ChangeRow>, ReadError> {
        self.store.changes(ws, doc, after)
    }
    fn record(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.store.record(space, key)
    }
    fn records(&self, space: Space, prefix: &[u8]) -> Result<Vec<RecordRow>, ReadError> {
        self.store.records(space, prefix)
    }
    fn put_chunks(&self, chunks: Vec<(ChunkId, Bytes)>) -> Result<PutReport, PutChunksError> {
        self.store.put_chunks(chunks)
    }
    fn flush_chunks(&self) -> Result<(), CommitError> {
        self.store.flush_chunks()
    }
    fn has_chunk(&self, id: &ChunkId) -> Result<bool, ReadError> {
        self.store.has_chunk(id)
    }
    fn chunk(&self, id: &ChunkId) -> Result<Option<Bytes>, ReadError> {
        self.store.chunk(id)
    }
    fn missing(&self, ids: &[ChunkId]) -> Result<Vec<ChunkId>, ReadError> {
        self.store.missing(ids)
    }
}

type Answer = (u64, Result<Committed, CommitError>);

fn submit(
    committer: &GroupCommitter,
    answers: &mpsc::SyncSender<Answer>,
    number: u64,
    writes: Vec<Write>,
) -> Result<(), SubmitError> {
    let answers = answers.clone();
    committer.submit(writes, Box::new(move |result| answers.send((number, result)).unwrap()))
}

#[test]
fn what_waits_meanwhile_shares_one_transaction() {
    let store = Gated::new(false);
    let committer = GroupCommitter::start(store.clone(), 100).unwrap();
    let (answers, received) = mpsc::sync_channel(1_000);
    submit(&committer, &answers, 1, vec![entry(1)]).unwrap();
    store.wait_for_commit();
    for seq in 2..=50 {
        submit(&committer, &answers, seq, vec![entry(seq)]).unwrap();
    }
    assert!(received.try_recv().is_err(), "nothing is done before COMMIT");
    store.open();
    let all: Vec<Answer> = received.iter().take(50).collect();
    let numbers: Vec<u64> = all.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=50).collect::<Vec<_>>());
    for (number, result) in all {
        let committed = result.unwrap();
        assert_eq!(committed.entries.len(), 1);
        assert_eq!(committed.entries[0].order, StoredOrder(number));
    }
    assert_eq!(store.commits.load(Ordering::SeqCst), 2);
}

#[test]
fn a_note_goes_with_the_next_request_or_alone() {
    let store = Gated::new(true);
    let committer = GroupCommitter::start(store.clone(), 100).unwrap();
    let (answers, received) = mpsc::sync_channel(1_000);
    let note = |number: u64| {
        let answers = answers.clone();
        let done = move |result| answers.send((number, result)).unwrap();
        committer.note(vec![entry(number)], Box::new(done)).unwrap();
    };
    note(1);
    note(2);
    submit(&committer, &answers, 3, vec![entry(3)]).unwrap();
    let first: Vec<u64> = received.iter().take(3).map(|(number, _)| number).collect();
    assert_eq!(first, [1, 2, 3], "in their order");
    assert_eq!(store.commits.load(Ordering::SeqCst), 1);
    note(4);
    assert_eq!(received.recv().unwrap().0, 4, "without another request");
    note(5);
    drop(committer);
    assert_eq!(received.recv().unwrap().0, 5, "at the end");
    assert_eq!(store.commits.load(Ordering::SeqCst), 3);
}

#[test]
fn a_full_queue_hands_the_request_back() {
    let store = Gated::new(false);
    let committer = GroupCommitter::start(store.clone(), 2).unwrap();
    let (answers, received) = mpsc::sync_channel(1_000);
    submit(&committer, &answers, 1, vec![entry(1)]).unwrap();
    store.wait_for_commit();
    submit(&committer, &answers, 2, vec![entry(2)]).unwrap();
    submit(&committer, &answers, 3, vec![entry(3)]).unwrap();
    let refused = submit(&committer, &answers, 4, vec![entry(4)]).unwrap_err();
    let SubmitError::Full(writes, done) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(writes, [entry(4)]);
    store.open();
    committer.submit_blocking(writes, done).unwrap();
    assert_eq!(received.iter().take(4).filter(|(_, result)| result.is_ok()).count(), 4);
}

#[test]
fn one_refused_request_does_not_hurt_the_others() {
    let store = Gated::new(false);
    let committer = GroupCommitter::start(store.clone(), 100).unwrap();
    let (answers, received) = mpsc::sync_channel(1_000);
    submit(&committer, &answers, 1, vec![entry(1)]).unwrap();
    store.wait_for_commit();
    submit(&committer, &answers, 2, vec![entry(2)]).unwrap();
    submit(&committer, &answers, 3, vec![entry(9)]).unwrap();
    submit(&committer, &answers, 4, vec![entry(3), entry(4)]).unwrap();
    store.open();
    let all: Vec<Answer> = received.iter().take(4).collect();
    let good: Vec<bool> = all.iter().map(|(_, result)| result.is_ok()).collect();
    assert_eq!(good, [true, true, false, true]);
    assert_eq!(all[3].1.as_ref().unwrap().entries.len(), 2);
    let summary = store.store.log(WS, LogId::from_bytes([2; 32])).unwrap().unwrap();
    assert_eq!(summary.last_seq, 4);
}

#[test]
fn what_finds_the_disk_full_waits_until_there_is_space() {
    let store = Gated::new(true);
    let committer = GroupCommitter::start(store.clone(), 100).unwrap();
    committer.commit(vec![entry(1)]).unwrap();
    assert!(!committer.waits_for_space());
    store.store.set_fault(Some(Fault::DiskFull));
    let (answers, received) = mpsc::sync_channel(10);
    submit(&committer, &answers, 2, vec![entry(2)]).unwrap();
    submit(&committer, &answers, 3, vec![entry(3)]).unwrap();
    while !committer.waits_for_space() {
        std::thread::yield_now();
    }
    assert!(received.try_recv().is_err());
    store.store.set_fault(None);
    let all: Vec<Answer> = received.iter().take(2).collect();
    assert!(all.iter().all(|(_, result)| result.is_ok()));
    assert!(!committer.waits_for_space());

    // An owner that ends does not wait for ever.
    store.store.set_fault(Some(Fault::DiskFull));
    submit(&committer, &answers, 4, vec![entry(4)]).unwrap();
    while !committer.waits_for_space() {
        std::thread::yield_now();
    }
    committer.stop_waiting();
    let (_, refused) = received.recv().unwrap();
    let refused = refused.unwrap_err();
    assert!(!refused.is_final() && refused.hint().contains("space"), "{refused:?}");
    store.store.set_fault(None);
    committer.commit(vec![entry(4)]).unwrap();
}

#[test]
fn a_failed_disk_fails_everything_that_follows() {
    let store = Gated::new(true);
    let committer = GroupCommitter::start(store.clone(), 100).unwrap();
    committer.commit(vec![entry(1)]).unwrap();
    committer.commit(vec![entry(2)]).unwrap();
    store.store.set_fault(Some(Fault::DiskBroken));
    assert!(committer.commit(vec![entry(3)]).unwrap_err().is_final());
    store.store.set_fault(None);
    let closed = committer.commit(vec![entry(3)]).unwrap_err();
    assert!(matches!(closed, CommitError::Closed));
    let reopened = store.store.after_crash();
    reopened.commit(&[entry(3)]).unwrap();
}

#[test]
fn groups_have_a_limit_of_bytes() {
    let store = Gated::new(false);
    let committer = GroupCommitter::start(store.clone(), 100).unwrap();
    let (answers, received) = mpsc::sync_channel(1_000);
    submit(&committer, &answers, 0, vec![entry(1)]).unwrap();
    store.wait_for_commit();
    let half = weft_store::limits::COMMIT_GROUP_BYTES_MAX / 2;
    for seq in 2..=5 {
        submit(&committer, &answers, seq, vec![entry_of(seq, half)]).unwrap();
    }
    store.open();
    assert_eq!(received.iter().take(5).filter(|(_, result)| result.is_ok()).count(), 5);
    assert_eq!(store.commits.load(Ordering::SeqCst), 3);
}

#[test]
fn dropping_it_does_what_is_queued() {
    let store = Gated::new(true);
    let committer = GroupCommitter::start(store.clone(), 1_000).unwrap();
    let (answers, received) = mpsc::sync_channel(1_000);
    for seq in 1..=500 {
        submit(&committer, &answers, seq, vec![entry(seq)]).unwrap();
    }
    drop(committer);
    drop(answers);
    assert_eq!(received.iter().filter(|(_, result)| result.is_ok()).count(), 500);
}

#[test]
fn a_callback_that_panics_or_holds_the_committer_harms_nobody() {
    let store = Gated::new(true);
    let committer = Arc::new(GroupCommitter::start(store, 10).unwrap());
    committer.submit(vec![entry(1)], Box::new(|_| panic!("a careless caller"))).unwrap();
    committer.commit(vec![entry(2)]).unwrap();
    let (sender, receiver) = mpsc::sync_channel(1_000);
    let held = Arc::clone(&committer);
    let done = move |result: Result<Committed, CommitError>| {
        drop(held);
        sender.send(result.is_ok()).unwrap();
    };
    committer.submit(vec![entry(3)], Box::new(done)).unwrap();
    drop(committer);
    assert!(receiver.recv().unwrap());
}

#[test]
fn so_many_requests_wait_and_one_more_is_handed_back() {
    let store = Gated::new(false);
    let committer = GroupCommitter::start(store.clone(), COMMIT_QUEUE_MAX).unwrap();
    let (answers, received) = mpsc::sync_channel(10_000);
    submit(&committer, &answers, 1, vec![entry(1)]).unwrap();
    store.wait_for_commit();
    let most = 1 + COMMIT_QUEUE_MAX as u64;
    for seq in 2..=most {
        submit(&committer, &answers, seq, vec![entry(seq)]).unwrap();
    }
    let refused = submit(&committer, &answers, most + 1, vec![entry(most + 1)]);
    assert!(matches!(refused, Err(SubmitError::Full(writes, _)) if writes.len() == 1));
    store.open();
    assert_eq!(
        received.iter().take(1 + COMMIT_QUEUE_MAX).filter(|(_, result)| result.is_ok()).count(),
        1 + COMMIT_QUEUE_MAX
    );
}

#[test]
fn groups_have_a_limit_of_requests() {
    for (count, commits) in [(COMMIT_GROUP_MAX, 2), (COMMIT_GROUP_MAX + 1, 3)] {
        let store = Gated::new(false);
        let committer = GroupCommitter::start(store.clone(), 2 * COMMIT_GROUP_MAX).unwrap();
        let (answers, received) = mpsc::sync_channel(10_000);
        submit(&committer, &answers, 1, vec![entry(1)]).unwrap();
        store.wait_for_commit();
        for seq in 2..2 + count as u64 {
            submit(&committer, &answers, seq, vec![entry(seq)]).unwrap();
        }
        store.open();
        assert_eq!(received.iter().take(1 + count).filter(|(_, result)| result.is_ok()).count(), 1 + count);
        assert_eq!(store.commits.load(Ordering::SeqCst), commits, "{count} requests behind the first");
    }
}
