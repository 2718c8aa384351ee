//! Group commit: what is queued while the disk works goes into the next transaction.
//!
//! A node must not wait for the disk in its loop. It hands writes to a [`GroupCommitter`], which
//! has a thread of its own, and is called back on that thread when they are durable. Requests are
//! done in the order in which they were handed in; those that were queued meanwhile share one
//! transaction and so one fsync. What nobody waits for can be handed in as a note: it goes with the
//! next request, or alone a moment later.
//!
//! When no space is left on the disk, nothing fails: the thread tries again until there is some,
//! and everything behind waits in the queue. [`GroupCommitter::waits_for_space`] tells of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::{CommitError, DatabaseError};
use crate::limits::{COMMIT_GROUP_BYTES_MAX, COMMIT_GROUP_MAX};
use crate::rows::{Committed, Write};
use crate::storage::Storage;

/// Is called once, on the committing thread, when the writes are durable or did not happen.
pub type CommitDone = Box<dyn FnOnce(Result<Committed, CommitError>) + Send>;

/// How long a note waits for a request to go with.
const NOTE_WAIT: Duration = Duration::from_millis(100);
/// How long a full disk is left alone before it is tried again.
const FULL_WAIT: Duration = Duration::from_millis(200);

/// What the committing thread and its owner tell each other of a full disk.
#[derive(Debug, Default)]
struct Space {
    /// The thread waits for space.
    is_awaited: AtomicBool,
    /// It is to wait no more.
    is_given_up: AtomicBool,
}

struct Request {
    writes: Vec<Write>,
    done: CommitDone,
    /// Whether it may wait for the next one.
    is_note: bool,
}

/// Why a request was not taken. It is handed back.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The queue is full: wait for one of the requests in it.
    #[error("too many changes wait for the disk")]
    Full(Vec<Write>, CommitDone),
    /// The committing thread has ended.
    #[error("the store is closed for writing")]
    Stopped(Vec<Write>, CommitDone),
}

impl std::fmt::Debug for SubmitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full(writes, _) => f.debug_tuple("Full").field(&writes.len()).finish(),
            Self::Stopped(writes, _) => f.debug_tuple("Stopped").field(&writes.len()).finish(),
        }
    }
}

/// Commits on a thread of its own. Dropping it does what is queued and waits for that.
#[derive(Debug)]
pub struct GroupCommitter {
    queue: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<()>>,
    space: Arc<Space>,
}

impl GroupCommitter {
    /// Starts the thread. At most `queue_max` requests wait.
    pub fn start(storage: Arc<dyn Storage>, queue_max: usize) -> std::io::Result<Self> {
        let (queue, requests) = sync_channel(queue_max.max(1));
        let space = Arc::new(Space::default());
        let of_thread = Arc::clone(&space);
        let thread = std::thread::Builder::new()
            .name("weft-commit".into())
            .spawn(move || run(&*storage, &requests, &of_thread))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), space })
    }

    /// Whether the disk is full and what was handed in waits until it is not.
    #[must_use]
    pub fn waits_for_space(&self) -> bool {
        self.space.is_awaited.load(Ordering::Acquire)
    }

    /// From now on what finds the disk full fails, also what waits already: for an owner that is
    /// about to end.
    pub fn stop_waiting(&self) {
        self.space.is_given_up.store(true, Ordering::Release);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Hands in writes without waiting. `done` is called on the committing thread and must not
    /// block there.
    pub fn submit(&self, writes: Vec<Write>, done: CommitDone) -> Result<(), SubmitError> {
        let request = Request { writes, done, is_note: false };
        let Some(queue) = &self.queue else {
            return Err(SubmitError::Stopped(request.writes, request.done));
        };
        queue.try_send(request).map_err(|error| match error {
            TrySendError::Full(request) => SubmitError::Full(request.writes, request.done),
            TrySendError::Disconnected(request) => SubmitError::Stopped(request.writes, request.done),
        })
    }

    /// Hands in writes, waiting for a place in the queue when it is full: for callers on threads
    /// of their own.
    pub fn submit_blocking(&self, writes: Vec<Write>, done: CommitDone) -> Result<(), SubmitError> {
        self.hand_in(Request { writes, done, is_note: false })
    }

    /// Hands in writes that nobody waits for, as [`submit_blocking`](Self::submit_blocking) does.
    /// They keep their place in the order, and spare an fsync of their own by going with the next
    /// request; when none comes within 100 ms they are done alone.
    pub fn note(&self, writes: Vec<Write>, done: CommitDone) -> Result<(), SubmitError> {
        self.hand_in(Request { writes, done, is_note: true })
    }

    fn hand_in(&self, request: Request) -> Result<(), SubmitError> {
        let Some(queue) = &self.queue else {
            return Err(SubmitError::Stopped(request.writes, request.done));
        };
        queue.send(request).map_err(|error| {
            let request = error.0;
            SubmitError::Stopped(request.writes, request.done)
        })
    }

    /// Commits and waits until it is done: for callers on threads of their own.
    pub fn commit(&self, writes: Vec<Write>) -> Result<Committed, CommitError> {
        let (sender, receiver) = sync_channel(1);
        let done: CommitDone = Box::new(move |result| {
            // The caller waits below; it cannot have gone.
            let _ = sender.send(result);
        });
        self.submit_blocking(writes, done).map_err(|_| CommitError::Closed)?;
        receiver.recv().unwrap_or(Err(CommitError::Closed))
    }
}

impl Drop for GroupCommitter {
    fn drop(&mut self) {
        self.stop_waiting();
        drop(self.queue.take());
        let Some(thread) = self.thread.take() else {
            return;
        };
        // A callback may hold the last handle: the thread cannot wait for itself.
        if thread.thread().id() != std::thread::current().id() {
            let _ = thread.join();
        }
    }
}

fn run(storage: &dyn Storage, requests: &Receiver<Request>, space: &Space) {
    while let Ok(first) = requests.recv() {
        let mut group = Group::new(first);
        while group.has_room() {
            match requests.try_recv().ok().or_else(|| group.wait_for_another(requests)) {
                Some(next) => group.add(next),
                None => break,
            }
        }
        commit_group(storage, group.requests, space);
    }
}

/// Requests of one transaction.
struct Group {
    requests: Vec<Request>,
    weight: usize,
    /// While there are only notes: until when they wait.
    wait_until: Option<Instant>,
}

impl Group {
    fn new(first: Request) -> Self {
        let wait_until = Some(Instant::now() + NOTE_WAIT);
        let mut group = Self { requests: Vec::new(), weight: 0, wait_until };
        group.add(first);
        group
    }

    fn add(&mut self, request: Request) {
        if !request.is_note {
            self.wait_until = None;
        }
        self.weight += weigh(&request);
        self.requests.push(request);
    }

    fn has_room(&self) -> bool {
        self.requests.len() < COMMIT_GROUP_MAX && self.weight < COMMIT_GROUP_BYTES_MAX
    }

    fn wait_for_another(&self, requests: &Receiver<Request>) -> Option<Request> {
        let wait = self.wait_until?.saturating_duration_since(Instant::now());
        requests.recv_timeout(wait).ok()
    }
}

fn weigh(request: &Request) -> usize {
    request.writes.iter().map(Write::weight).sum()
}

/// Commits, and tries again as long as the disk is full: nothing of a transaction that found no
/// space was done, so it can be done later as it is.
fn commit_when_there_is_space(
    storage: &dyn Storage,
    writes: &[Write],
    space: &Space,
) -> Result<Committed, CommitError> {
    loop {
        let result = storage.commit(writes);
        let is_full = matches!(result, Err(CommitError::Database(DatabaseError::DiskFull { .. })));
        let waits = is_full && !space.is_given_up.load(Ordering::Acquire);
        let waited = space.is_awaited.swap(waits, Ordering::AcqRel);
        if waits && !waited {
            tracing::error!("the disk is full: what is edited waits in memory until there is space");
        } else if waited && !waits {
            tracing::info!("the store is written to again");
        }
        if !waits {
            return result;
        }
        std::thread::park_timeout(FULL_WAIT);
    }
}

/// One transaction for the whole group. When it does not happen, each request is done on its own,
/// so that the others do not suffer from one that is refused.
fn commit_group(storage: &dyn Storage, mut group: Vec<Request>, space: &Space) {
    let mut all = Vec::new();
    let lengths: Vec<usize> = group.iter().map(|request| request.writes.len()).collect();
    for request in &mut group {
        all.append(&mut request.writes);
    }
    let result = commit_when_there_is_space(storage, &all, space);
    let mut rest = &all[..];
    let shares = lengths.into_iter().map(|length| {
        let (share, after) = rest.split_at(length);
        rest = after;
        share
    });
    let shares: Vec<&[Write]> = shares.collect();
    match result {
        Err(error) if group.len() > 1 => {
            tracing::debug!(%error, requests = group.len(), "a group failed; trying one by one");
            for (request, share) in group.into_iter().zip(shares) {
                answer(request.done, commit_when_there_is_space(storage, share, space));
            }
        }
        Err(error) => {
            if let Some(request) = group.pop() {
                answer(request.done, Err(error));
            }
        }
        Ok(committed) => {
            for (request, share) in group.into_iter().zip(split(committed, &shares)) {
                answer(request.done, Ok(share));
            }
        }
    }
}

/// Gives each request what its own writes were assigned.
fn split(committed: Committed, shares: &[&[Write]]) -> Vec<Committed> {
    let mut entries = committed.entries.into_iter();
    let mut changes = committed.changes.into_iter();
    let mut share = |writes: &&[Write]| {
        let count = |is: fn(&Write) -> bool| writes.iter().filter(|write| is(write)).count();
        let entry_count = count(|write| matches!(write, Write::Entry(_)));
        let change_count = count(|write| matches!(write, Write::Change { .. }));
        Committed {
            entries: entries.by_ref().take(entry_count).collect(),
            changes: changes.by_ref().take(change_count).collect(),
        }
    };
    shares.iter().map(&mut share).collect()
}

/// A callback that panics must not end the thread that everybody's saves depend on.
fn answer(done: CommitDone, result: Result<Committed, CommitError>) {
    if catch_unwind(AssertUnwindSafe(|| done(result))).is_err() {
        tracing::error!("a callback of a commit panicked");
    }
}
