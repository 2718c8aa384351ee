//! The loop.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use weft_store::{
    CommitDone, CommitError, Committed, GroupCommitter, ReadError, Space, Storage, Table, Write,
};
use weft_sync::ids::WorkspaceId;

use super::recent::KnownContent;
use super::{
    Accepted, FolderHandle, FolderJob, FolderReport, JOBS_MAX, Outdated, PlannedContent, PlannedWrite,
    RecentTexts, Written,
};
use crate::mirror::{
    Batch, Content, DiskChange, FolderEvent, HoldReason, JournalEntry, LocalRules, Mirror, MirrorRow,
    OpenMirrorError, Progress, RelPath, RootIdentity, StoredMirror, TableChange, Unread, Watcher, WriteOp,
    WriteOutcome,
};
use crate::workspace::contents::{ContentError, Contents};

/// Files of one write batch; between batches other jobs have their turn.
const WRITE_BATCH_FILES: usize = 256;
/// Bytes of one write batch.
const WRITE_BATCH_BYTES: usize = 16 * 1024 * 1024;
/// Contents up to this size are read into memory to be written.
const IN_MEMORY_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// How long after the last write everything is brought to the disk.
const SYNC_AFTER: Duration = Duration::from_secs(2);
/// How long after a change that the workspace could not take it is looked at again; twice as long each time.
const REFUSED_MILLIS: u64 = 250;
/// How often that is doubled at most.
const REFUSED_DOUBLINGS_MAX: u32 = 10;
/// How often a folder that cannot be watched is scanned.
const UNWATCHED_SCAN_EVERY: Duration = Duration::from_secs(5);
/// A scan waits at most so long for files that are being written: one that never rests is read after two seconds.
const SCAN_PATIENCE: Duration = Duration::from_millis(2_500);
/// How often a folder or a disk that is missing is looked for.
const MISSING_SCAN_EVERY: Duration = Duration::from_secs(2);

/// From so many changes on it is told that they are not read yet.
const UNREAD_PATHS_MIN: usize = 20;
/// How often that is told.
const UNREAD_EVERY: Duration = Duration::from_millis(200);

const ROW: u8 = 0;
const JOURNAL: u8 = 1;
const ROOT: u8 = 2;
const BRANCH: u8 = 3;

/// How a folder thread starts.
pub(crate) struct FolderConfig {
    pub(crate) ws: WorkspaceId,
    pub(crate) root: PathBuf,
    pub(crate) store: Arc<dyn Storage>,
    pub(crate) committer: Arc<GroupCommitter>,
    pub(crate) contents: Contents,
    pub(crate) texts: Arc<RecentTexts>,
    /// Whether to watch; a command that ends at once does not.
    pub(crate) watch: bool,
    /// The origin of the clock.
    pub(crate) started: Instant,
}

/// Why a folder thread did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum StartFolderError {
    /// What the mirror knew cannot be read.
    #[error("what is known of the folder cannot be read")]
    Store(#[from] ReadError),
    /// The folder cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenMirrorError),
    /// The system gives no thread.
    #[error("the folder's thread could not be started")]
    Thread(#[from] std::io::Error),
}

/// A running folder thread.
pub(crate) struct Folder {
    /// The way to it.
    pub(crate) handle: FolderHandle,
    thread: JoinHandle<()>,
}

impl Folder {
    /// Opens the mirror and starts its thread. `report` is called on that thread.
    pub(crate) fn start(
        config: FolderConfig,
        report: impl Fn(FolderReport) + Send + 'static,
    ) -> Result<Self, StartFolderError> {
        let stored = read_stored(&*config.store, config.ws)?;
        let mirror = Mirror::open(&config.root, stored, &LocalRules::default())?;
        let (jobs, queue) = sync_channel(JOBS_MAX);
        let handle = FolderHandle { jobs };
        let events = handle.clone();
        let thread = std::thread::Builder::new().name("weft-folder".into()).spawn(move || {
            let known = KnownContent { texts: config.texts.clone(), contents: config.contents.clone() };
            let mut driver = Driver {
                mirror,
                known,
                report: Box::new(report),
                open_batch: None,
                next_batch: 1,
                events: Vec::new(),
                writes: Vec::new(),
                refused: BTreeMap::new(),
                wants_scan: false,
                branch: None,
                told: (Unread::default(), Instant::now()),
                check_at: None,
                finish_scan_by: None,
                sync_at: None,
                scan_every: None,
                was_held: false,
                watcher: None,
                events_to: events,
                config,
            };
            driver.begin();
            driver.run(&queue);
        })?;
        Ok(Self { handle, thread })
    }

    /// Ends the thread and waits for it.
    pub(crate) fn stop(self) {
        self.handle.send(FolderJob::Stop);
        // A panic in the mirror has been logged by the thread itself.
        let _ = self.thread.join();
    }
}

fn read_stored(store: &dyn Storage, ws: WorkspaceId) -> Result<StoredMirror, ReadError> {
    let mut stored = StoredMirror::default();
    for (key, value) in store.records(Space::workspace(ws, Table::Mirror), &[])? {
        match key.first() {
            Some(&ROW) => stored.rows.extend(postcard::from_bytes::<MirrorRow>(&value).ok()),
            Some(&JOURNAL) => stored.journal.extend(postcard::from_bytes::<JournalEntry>(&value).ok()),
            Some(&BRANCH) => stored.branch = String::from_utf8(value.to_vec()).ok(),
            Some(&ROOT) => stored.root = postcard::from_bytes::<RootIdentity>(&value).ok(),
            _ => {}
        }
    }
    Ok(stored)
}

struct Driver {
    mirror: Mirror,
    known: KnownContent,
    report: Box<dyn Fn(FolderReport) + Send>,
    /// The batch that the engine has not accepted yet.
    open_batch: Option<(u64, Vec<DiskChange>)>,
    next_batch: u64,
    events: Vec<FolderEvent>,
    writes: Vec<PlannedWrite>,
    /// Changes that the workspace could not take, and how often in a row.
    refused: BTreeMap<RelPath, u32>,
    wants_scan: bool,
    /// The branch that the store names.
    branch: Option<String>,
    check_at: Option<u64>,
    /// A scan has found files that were just being written, and is over when they are read, or then.
    finish_scan_by: Option<Instant>,
    sync_at: Option<Instant>,
    /// When everything is looked at next, and how often.
    scan_every: Option<(Instant, Duration)>,
    /// A hold was answered; the next scan ends it.
    was_held: bool,
    /// What was last told of changes that are not read yet, and when.
    told: (Unread, Instant),
    watcher: Option<Watcher>,
    events_to: FolderHandle,
    config: FolderConfig,
}

impl Driver {
    fn begin(&mut self) {
        self.branch = self.mirror.branch().map(str::to_owned);
        self.store_identity();
        self.watch();
        if let Some(reason) = self.mirror.hold() {
            self.held(reason.clone());
        }
    }

    fn store_branch(&mut self) {
        let branch = self.mirror.branch();
        if branch != self.branch.as_deref() {
            self.branch = branch.map(str::to_owned);
            let value = branch.map(|branch| branch.as_bytes().to_vec());
            self.commit(vec![self.record(vec![BRANCH], value)]);
        }
    }

    fn store_identity(&self) {
        let identity = postcard::to_allocvec(&self.mirror.root_identity());
        let identity = identity.expect("an identity has no unknown lengths");
        self.commit(vec![self.record(vec![ROOT], Some(identity))]);
    }

    /// Nothing goes out or in. What may come back by itself is looked for now and then.
    fn held(&mut self, reason: HoldReason) {
        // A branch that is checked out again ends its hold as well.
        let comes_back = !matches!(reason, HoldReason::MostFilesGone { .. });
        self.scan_every = comes_back.then(|| (Instant::now() + MISSING_SCAN_EVERY, MISSING_SCAN_EVERY));
        (self.report)(FolderReport::Hold(Some(reason)));
    }

    /// The folder is there again, perhaps another one: it is watched anew, and looked at once more for what happened
    /// before that.
    fn released(&mut self) {
        self.scan_every = None;
        self.store_identity();
        self.store_table(Urgency::Now);
        self.watch();
        self.wants_scan = true;
        (self.report)(FolderReport::Hold(None));
    }

    fn watch(&mut self) {
        if !self.config.watch {
            return;
        }
        let events = self.events_to.clone();
        let rules = LocalRules::default();
        let hand_over = move |event| events.try_event(event);
        match Watcher::start(&self.config.root, &rules, self.mirror.read_log(), hand_over) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => self.unwatched(&format!("{error}; {}", error.hint())),
        }
    }

    fn unwatched(&mut self, reason: &str) {
        self.scan_every = Some((Instant::now() + UNWATCHED_SCAN_EVERY, UNWATCHED_SCAN_EVERY));
        (self.report)(FolderReport::Unwatched(reason.to_owned()));
    }

    fn run(&mut self, queue: &Receiver<FolderJob>) {
        loop {
            let job = match self.wait_for() {
                Some(wait) => match queue.recv_timeout(wait) {
                    Ok(job) => Some(job),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => break,
                },
                None => match queue.recv() {
                    Ok(job) => Some(job),
                    Err(_) => break,
                },
            };
            let mut stops = job.is_some_and(|job| self.take(job));
            while let Ok(job) = queue.try_recv() {
                stops |= self.take(job);
            }
            self.work();
            if stops {
                break;
            }
        }
        self.end();
    }

    fn end(&mut self) {
        self.watcher = None;
        if let Err(error) = self.mirror.finish_batch() {
            tracing::warn!("the folder could not be synced: {error}");
        }
        self.store_table(Urgency::Now);
        (self.report)(FolderReport::Stopped);
    }

    /// Takes a job; true when it is the last one.
    fn take(&mut self, job: FolderJob) -> bool {
        match job {
            FolderJob::Accept { batch, accepted } => self.accept(batch, accepted),
            FolderJob::Write(writes) => self.writes.extend(writes),
            FolderJob::Scan => self.wants_scan = true,
            FolderJob::Event(FolderEvent::Rescan) => self.wants_scan = true,
            FolderJob::Event(event) => self.events.push(event),
            FolderJob::HoldBranches(holds) => self.mirror.hold_branches(holds),
            FolderJob::Resume(decision) => match self.mirror.resume(decision) {
                Ok(()) => (self.wants_scan, self.was_held) = (true, true),
                Err(error) => tracing::warn!("the folder stays on hold: {error}"),
            },
            FolderJob::Stop => return true,
        }
        false
    }

    /// How long nothing is to be done unless a job comes.
    fn wait_for(&self) -> Option<Duration> {
        if self.open_batch.is_none() && (!self.writes.is_empty() || self.wants_scan) {
            return Some(Duration::ZERO);
        }
        let now = self.now();
        let check = self.check_at.map(|at| Duration::from_millis(at.saturating_sub(now)));
        let until = |at: Instant| at.saturating_duration_since(Instant::now());
        let finish = self.finish_scan_by.map(until);
        let [check, finish] = [check, finish].map(|wait| wait.filter(|_| self.open_batch.is_none()));
        let scan = self.scan_every.map(|(at, _)| until(at));
        [check, finish, self.sync_at.map(until), scan].into_iter().flatten().min()
    }

    /// Does what is due. Nothing but the sync may happen while a batch is open.
    fn work(&mut self) {
        if let Some((at, pause)) = self.scan_every
            && at <= Instant::now()
        {
            self.scan_every = Some((Instant::now() + pause, pause));
            self.wants_scan = true;
        }
        if self.open_batch.is_none() && self.wants_scan {
            self.scan();
        }
        let due = self.check_at.is_some_and(|at| at <= self.now());
        if self.open_batch.is_none() && (due || !self.events.is_empty()) {
            self.check();
        }
        self.finish_scan();
        if self.open_batch.is_none() && !self.writes.is_empty() {
            self.write();
        }
        if self.sync_at.is_some_and(|at| at <= Instant::now()) {
            self.sync_at = None;
            if let Err(error) = self.mirror.finish_batch() {
                tracing::warn!("the folder could not be synced: {error}");
            }
        }
        self.store_table(Urgency::WithTheNext);
        self.tell_unread();
    }

    /// Tells how many changes are not read yet, where they are so many that somebody may ask.
    fn tell_unread(&mut self) {
        let mut unread = self.mirror.unread();
        if unread.paths < UNREAD_PATHS_MIN {
            unread = Unread::default();
        }
        let (last, at) = &self.told;
        if unread != *last && (unread.paths == 0 || at.elapsed() >= UNREAD_EVERY) {
            self.told = (unread, Instant::now());
            (self.report)(FolderReport::Unread(unread));
        }
    }

    fn scan(&mut self) {
        self.wants_scan = false;
        self.events.clear();
        let report = &self.report;
        let mut progress = |progress| report(FolderReport::Progress(progress));
        let now = self.config.started.elapsed().as_millis() as u64;
        let was_held = std::mem::take(&mut self.was_held) || self.mirror.hold().is_some();
        match self.mirror.scan(now, &self.known, &mut progress) {
            Ok(batch) => {
                self.check_at = Some(now + 20);
                self.finish_scan_by = Some(Instant::now() + SCAN_PATIENCE);
                if was_held {
                    self.released();
                }
                self.report_batch(batch);
            }
            Err(reason) => {
                self.held(reason);
                self.finish_scan_by = None;
                (self.report)(FolderReport::Scanned(crate::mirror::Skipped::default()));
            }
        }
    }

    /// Tells that a scan is over, when what it found half written is read as well: what a program saved a moment before
    /// a command is in what the command tells.
    fn finish_scan(&mut self) {
        let Some(by) = self.finish_scan_by else { return };
        let is_late = self.open_batch.is_none() && by <= Instant::now();
        if is_late || self.mirror.unread().paths == 0 {
            self.finish_scan_by = None;
            (self.report)(FolderReport::Scanned(self.mirror.skipped().clone()));
        }
    }

    fn check(&mut self) {
        let events = std::mem::take(&mut self.events);
        let report = &self.report;
        let unread = self.mirror.unread();
        let mut told = None;
        let mut progress = |done: Progress| {
            let paths = unread.paths.saturating_sub(done.files_read);
            let unread = Unread { paths, waits_for_git: false };
            told = Some((unread, Instant::now()));
            report(FolderReport::Unread(unread));
        };
        let skipped = self.mirror.skipped().clone();
        let outcome = self.mirror.check(self.now(), &events, &self.known, &mut progress);
        if *self.mirror.skipped() != skipped {
            (self.report)(FolderReport::Skipped(self.mirror.skipped().clone()));
        }
        self.told = told.unwrap_or(self.told);
        self.check_at = outcome.retry_at_millis;
        if let Some(reason) = outcome.hold {
            self.held(reason);
        }
        self.report_batch(outcome.batch);
    }

    fn report_batch(&mut self, batch: Batch) {
        if batch.is_empty() && batch.branch.is_none() {
            return;
        }
        let id = self.next_batch;
        self.next_batch += 1;
        self.open_batch = Some((id, batch.changes.clone()));
        (self.report)(FolderReport::Changes {
            batch: id,
            changes: batch.changes,
            forgotten: batch.forgotten,
            folders: batch.folders,
            branch: batch.branch,
        });
    }

    fn accept(&mut self, batch: u64, accepted: Vec<Accepted>) {
        let Some((open, changes)) = self.open_batch.take() else { return };
        if open != batch {
            self.open_batch = Some((open, changes));
            return;
        }
        let now = self.now();
        let mut refused: Vec<bool> = vec![true; changes.len()];
        for done in accepted {
            if let Some(change) = changes.get(done.index) {
                refused[done.index] = false;
                self.refused.remove(change.path());
                self.mirror.accept(change, *done.node.as_bytes(), &done.version, now);
            }
        }
        for (change, _) in changes.iter().zip(refused).filter(|(_, is_refused)| *is_refused) {
            self.offer_again(change.path(), now);
        }
        self.drop_outdated(&changes);
        self.store_branch();
        // A crash before it is stored makes a save look like a new one; it is then compared with what came of it.
        self.store_table(Urgency::WithTheNext);
    }

    /// A change that the workspace could not take is looked at again later, each time after a longer pause.
    fn offer_again(&mut self, path: &RelPath, now: u64) {
        let tries = self.refused.entry(path.clone()).or_default();
        let at = now + (REFUSED_MILLIS << *tries);
        *tries = (*tries + 1).min(REFUSED_DOUBLINGS_MAX);
        self.mirror.look_later(path, at);
        self.check_at = Some(self.check_at.map_or(at, |before| before.min(at)));
    }

    /// Gives back the writes that wait for a path which somebody else has changed: they were planned for what lay
    /// there before, and would be done to what lies there now.
    fn drop_outdated(&mut self, changes: &[DiskChange]) {
        if self.writes.is_empty() {
            return;
        }
        let outdated = Outdated::by(changes);
        let mut given_back = Vec::new();
        self.writes.retain(|write| {
            let written = outdated.give_back(write);
            let is_kept = written.is_none();
            given_back.extend(written);
            is_kept
        });
        if !given_back.is_empty() {
            (self.report)(FolderReport::Written(given_back));
        }
    }

    fn write(&mut self) {
        let (mut ops, mut targets, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut taken = 0;
        let mut refused = Vec::new();
        for planned in &self.writes {
            if ops.len() >= WRITE_BATCH_FILES || bytes >= WRITE_BATCH_BYTES {
                break;
            }
            taken += 1;
            let (path, node) = (planned.path().clone(), planned.node());
            match self.write_op(planned) {
                Ok((op, size)) => {
                    bytes += size;
                    ops.push(op);
                    targets.push((path, node));
                }
                Err(error) => {
                    let outcome = WriteOutcome::Failed(std::io::Error::other(error));
                    refused.push(Written { path, node, outcome });
                }
            }
        }
        self.writes.drain(..taken);
        let prepared = self.mirror.prepare(ops);
        let journal = prepared.journal().iter().map(|entry| {
            let value = postcard::to_allocvec(entry).expect("an entry has no unknown lengths");
            self.record(journal_key(entry.id), Some(value))
        });
        let journal: Vec<Write> = journal.collect();
        if !self.commit(journal) {
            return;
        }
        let outcomes = self.mirror.execute(self.now(), prepared);
        self.sync_at = Some(Instant::now() + SYNC_AFTER);
        // What a write found changed is looked at at once.
        if outcomes.iter().any(|outcome| matches!(outcome, WriteOutcome::Changed)) {
            self.check_at = Some(self.now());
        }
        let written = targets.into_iter().zip(outcomes);
        let written = written.map(|((path, node), outcome)| Written { path, node, outcome });
        refused.extend(written);
        (self.report)(FolderReport::Written(refused));
    }

    fn write_op(&self, planned: &PlannedWrite) -> Result<(WriteOp, usize), ContentError> {
        let op = match planned {
            PlannedWrite::File { path, node, version, content, executable } => {
                let (content, size) = self.content(content)?;
                let op = WriteOp::File {
                    path: path.clone(),
                    node: *node.as_bytes(),
                    version: version.clone(),
                    content,
                    executable: *executable,
                };
                return Ok((op, size));
            }
            PlannedWrite::MakeFolder { path, node } => {
                WriteOp::MakeFolder { path: path.clone(), node: *node.as_bytes() }
            }
            PlannedWrite::Remove { path, node } => WriteOp::Remove { path: path.clone(), node: *node },
            PlannedWrite::RemoveFolder { path } => WriteOp::RemoveFolder { path: path.clone() },
            PlannedWrite::Rename { from, to, kind, node } => {
                WriteOp::Rename { from: from.clone(), to: to.clone(), kind: *kind, node: *node }
            }
            PlannedWrite::SetExecutable { path, executable } => {
                WriteOp::SetExecutable { path: path.clone(), executable: *executable }
            }
        };
        Ok((op, 0))
    }

    fn content(&self, content: &PlannedContent) -> Result<(Content, usize), ContentError> {
        let blob = match content {
            PlannedContent::Bytes(bytes) => return Ok((Content::from_bytes(&**bytes), bytes.len())),
            PlannedContent::Blob(blob) => blob,
        };
        let contents = &self.config.contents;
        if blob.size <= IN_MEMORY_BYTES_MAX {
            let bytes = contents.load(blob)?;
            let size = bytes.len();
            return Ok((Content::from_bytes(bytes), size));
        }
        // The mirror knows files by their hash, which a long content's name does not tell.
        let mut hasher = blake3::Hasher::new();
        std::io::copy(&mut contents.reader(blob)?, &mut hasher).map_err(|_| ContentError::Damaged)?;
        let (contents, blob) = (contents.clone(), blob.clone());
        let open = Box::new(move || {
            let reader = contents.reader(&blob).map_err(std::io::Error::other)?;
            Ok(Box::new(reader) as Box<dyn std::io::Read>)
        });
        Ok((Content::Stream { hash: *hasher.finalize().as_bytes(), open }, 0))
    }

    /// Stores what has changed in the table.
    fn store_table(&mut self, urgency: Urgency) {
        let changes = self.mirror.drain_table_changes();
        let writes = changes.into_iter().map(|change| match change {
            TableChange::Put(row) => {
                let value = postcard::to_allocvec(&row).expect("a row has no unknown lengths");
                self.record(row_key(row.path.as_str()), Some(value))
            }
            TableChange::Remove(path) => self.record(row_key(path.as_str()), None),
            TableChange::JournalDone(id) => self.record(journal_key(id), None),
        });
        let writes: Vec<Write> = writes.collect();
        if writes.is_empty() {
            return;
        }
        let done: CommitDone = Box::new(|result| _ = stored(result));
        let committer = &self.config.committer;
        let submitted = match urgency {
            Urgency::Now => committer.submit_blocking(writes, done),
            Urgency::WithTheNext => committer.note(writes, done),
        };
        if submitted.is_err() {
            tracing::error!("what is known of the folder could not be stored: the store is closed");
        }
    }

    fn record(&self, key: Vec<u8>, value: Option<Vec<u8>>) -> Write {
        Write::Record { space: Space::workspace(self.config.ws, Table::Mirror), key, value }
    }

    /// Makes writes durable; whether they are.
    fn commit(&self, writes: Vec<Write>) -> bool {
        writes.is_empty() || stored(self.config.committer.commit(writes))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.config.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// How soon the table is to be stored.
#[derive(Clone, Copy)]
enum Urgency {
    /// Nothing may come after it that is not stored.
    Now,
    /// What a crash takes of it is found out again: the journal tells of files that were written, and a save is told from
    /// a new one by what its own edits have made.
    WithTheNext,
}

fn stored(result: Result<Committed, CommitError>) -> bool {
    if let Err(error) = &result {
        tracing::error!("what is known of the folder could not be stored: {error}");
    }
    result.is_ok()
}

fn row_key(path: &str) -> Vec<u8> {
    [&[ROW], path.as_bytes()].concat()
}

fn journal_key(id: u64) -> Vec<u8> {
    [&[JOURNAL][..], &id.to_be_bytes()].concat()
}
