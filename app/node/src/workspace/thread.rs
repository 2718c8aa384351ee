//! The thread that runs one workspace: it routes and decides nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::oneshot;
use weft_crdt::ChunkId;
use weft_net::{CloseCode, Net, SendError};
use weft_store::session::SessionGuard;
use weft_store::{CommitError, GroupCommitter, Space, Storage, Table, Write};
use weft_sync::data::Origin;
use weft_sync::frames::ByeCode;
use weft_sync::ids::{EndpointId, EntryRef, Timestamp, WallMillis, WorkspaceId};
use weft_sync::limits::ORIGIN_NAME_BYTES_MAX;
use weft_sync::replica::{BatchId, ChannelId, Input};

use super::engine::{Engine, EngineEvent, Output};
use super::snapshots::SnapshotJob;
use crate::folder::{Folder, FolderConfig, FolderJob, FolderReport, RecentTexts};
use crate::mirror::{DiskChange, Found, Kind};
use crate::transfer;

/// The record that names the session that is written under.
pub(crate) const SESSION_KEY: &[u8] = b"session";

/// Codes of the application begin here on a channel.
fn close_code(code: ByeCode) -> CloseCode {
    CloseCode(CloseCode::FIRST_OF_THE_APPLICATION.0 + u32::from(code.byte()))
}

/// A question or an order that runs on the workspace's thread.
pub(crate) type Task = Box<dyn FnOnce(&mut Engine) + Send>;

/// What a workspace is told.
pub(crate) enum Message {
    /// A channel is up.
    ChannelUp { channel: ChannelId, net: weft_net::ChannelId, peer: EndpointId, dialer: bool },
    /// A frame came.
    Frame { channel: ChannelId, bytes: Bytes },
    /// A channel is gone.
    ChannelDown { channel: ChannelId },
    /// A transaction is durable, or failed.
    Committed { batch: BatchId, own: Vec<EntryRef>, result: Result<(), CommitError> },
    /// The folder has something to say.
    Folder(FolderReport),
    /// Chunks can be read.
    Chunks(Vec<ChunkId>),
    /// A request for chunks is over.
    Fetched { peer: EndpointId, absent: Vec<ChunkId>, failed: bool },
    /// Do this.
    Run(Task),
    /// Begin to mirror the folder.
    StartFolder { watch: bool },
    /// End.
    Stop,
}

/// The way to a workspace's thread.
///
/// Nobody waits to hand something over, so a busy workspace holds up neither the network's loop nor the store, and no two
/// threads can wait for each other. What waits in the inbox is bounded by those who fill it: a frame counts against the
/// transport's budget until it is taken, a commit and a report of the folder answer what the workspace itself gave out, and
/// whoever asks a question waits for its answer.
#[derive(Clone)]
pub(crate) struct WorkspaceHandle {
    pub(crate) ws: WorkspaceId,
    inbox: Sender<Message>,
}

impl WorkspaceHandle {
    /// Hands over a message and does not wait.
    pub(crate) fn send(&self, message: Message) {
        // An error means that the thread has ended, which its own event tells.
        let _ = self.inbox.send(message);
    }

    /// Runs something on the thread and waits for what it gives; `None` when the thread has ended.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Engine) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        let task: Task = Box::new(move |engine| {
            // An error means that nobody waits any more.
            let _ = sender.send(task(engine));
        });
        self.send(Message::Run(task));
        answer.await.ok()
    }
}

/// What a workspace's thread works with.
pub(crate) struct WorkspaceParts {
    pub(crate) ws: WorkspaceId,
    pub(crate) root: std::path::PathBuf,
    pub(crate) store: Arc<dyn Storage>,
    pub(crate) committer: Arc<GroupCommitter>,
    pub(crate) sessions: Arc<Mutex<SessionGuard>>,
    pub(crate) net: Option<Net>,
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) texts: Arc<RecentTexts>,
    pub(crate) started: Instant,
    /// Is told what others may want to know, on the workspace's thread.
    pub(crate) events: Box<dyn Fn(EngineEvent) + Send>,
}

/// A running workspace.
pub(crate) struct RunningWorkspace {
    pub(crate) handle: WorkspaceHandle,
    thread: JoinHandle<()>,
}

impl RunningWorkspace {
    /// Starts the thread.
    pub(crate) fn start(engine: Engine, parts: WorkspaceParts) -> std::io::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "those who fill it are bounded: see `WorkspaceHandle`")]
        let (inbox, queue) = channel();
        let handle = WorkspaceHandle { ws: parts.ws, inbox };
        let own = handle.clone();
        let thread = std::thread::Builder::new().name("weft-workspace".into()).spawn(move || {
            let mut runner = Runner {
                engine,
                parts,
                handle: own,
                channels: BTreeMap::new(),
                folder: None,
                has_scanned: false,
                snapshots: Vec::new(),
            };
            runner.begin();
            runner.run(&mut Inbox::new(queue));
        })?;
        Ok(Self { handle, thread })
    }

    /// Ends the thread and waits for it.
    pub(crate) fn stop(self) {
        self.handle.send(Message::Stop);
        // A panic has been reported by the thread itself.
        let _ = self.thread.join();
    }
}

/// What waits to be taken: what comes from this device's people and disk in its order, what comes from the network and
/// the store in its own, one of each in turn. During a first copy thousands of entries wait here, and neither the first
/// file nor whoever asks for the status has to wait for the last of them.
struct Inbox {
    queue: Receiver<Message>,
    near: VecDeque<Message>,
    far: VecDeque<Message>,
    /// Whose turn it is.
    is_turn_of_far: bool,
}

impl Inbox {
    fn new(queue: Receiver<Message>) -> Self {
        Self { queue, near: VecDeque::new(), far: VecDeque::new(), is_turn_of_far: false }
    }

    /// The next message; waits for one if there is none, at most so long.
    fn next(&mut self, wait: Option<Duration>) -> Result<Message, RecvTimeoutError> {
        while let Ok(message) = self.queue.try_recv() {
            self.push(message);
        }
        if self.near.is_empty() && self.far.is_empty() {
            let message = match wait {
                Some(wait) => self.queue.recv_timeout(wait)?,
                None => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected)?,
            };
            self.push(message);
        }
        self.is_turn_of_far = !self.is_turn_of_far;
        let [first, second] = match self.is_turn_of_far {
            true => [&mut self.near, &mut self.far],
            false => [&mut self.far, &mut self.near],
        };
        first.pop_front().or_else(|| second.pop_front()).ok_or(RecvTimeoutError::Timeout)
    }

    fn push(&mut self, message: Message) {
        let side = match &message {
            Message::Folder(_)
            | Message::Chunks(_)
            | Message::Run(_)
            | Message::StartFolder { .. }
            | Message::Stop => &mut self.near,
            Message::ChannelUp { .. }
            | Message::Frame { .. }
            | Message::ChannelDown { .. }
            | Message::Committed { .. }
            | Message::Fetched { .. } => &mut self.far,
        };
        side.push_back(message);
    }
}

struct Runner {
    engine: Engine,
    parts: WorkspaceParts,
    handle: WorkspaceHandle,
    channels: BTreeMap<ChannelId, weft_net::ChannelId>,
    folder: Option<Folder>,
    has_scanned: bool,
    /// Snapshots that are being written.
    snapshots: Vec<JoinHandle<()>>,
}

impl Runner {
    fn begin(&mut self) {
        self.set_time();
        self.engine.start();
        self.route();
    }

    fn run(&mut self, inbox: &mut Inbox) {
        let mut is_stopping = false;
        while !self.engine.is_stopped() {
            let message = match inbox.next(self.wait()) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            self.set_time();
            match message {
                Some(Message::Stop) if !is_stopping => {
                    is_stopping = true;
                    self.stop_folder(inbox);
                    self.engine.stop();
                }
                Some(message) => self.take(message),
                None => {}
            }
            self.engine.tick();
            self.route();
        }
        // Nothing is written of a workspace that has ended.
        for thread in self.snapshots.drain(..) {
            // A panic has been reported by the thread itself.
            let _ = thread.join();
        }
    }

    /// Ends the folder thread; what it reports last is still taken.
    fn stop_folder(&mut self, inbox: &mut Inbox) {
        let Some(folder) = self.folder.take() else { return };
        let ended = std::thread::spawn(move || folder.stop());
        while !ended.is_finished() {
            if let Ok(message) = inbox.next(Some(Duration::from_millis(5))) {
                self.take(message);
                self.route();
            }
        }
    }

    fn wait(&self) -> Option<Duration> {
        let at = self.engine.wake_at()?;
        Some(Duration::from_millis(at.0.saturating_sub(self.now().0)))
    }

    fn now(&self) -> Timestamp {
        Timestamp(u64::try_from(self.parts.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn set_time(&mut self) {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = WallMillis(i64::try_from(wall.as_millis()).unwrap_or(i64::MAX));
        self.engine.set_time(self.now(), wall);
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::ChannelUp { channel, net, peer, dialer } => {
                self.channels.insert(channel, net);
                self.engine.feed(Input::ChannelUp { channel, peer, dialer });
            }
            Message::Frame { channel, bytes } => {
                self.engine.feed(Input::Frame { channel, bytes: bytes.to_vec() });
            }
            Message::ChannelDown { channel } => {
                self.channels.remove(&channel);
                self.engine.feed(Input::ChannelDown { channel });
            }
            Message::Committed { batch, own, result } => self.committed(batch, &own, result),
            Message::Folder(report) => self.folder_report(report),
            Message::Chunks(chunks) => self.engine.chunks_arrived(&chunks),
            Message::Fetched { peer, absent, failed } => self.engine.fetched(peer, &absent, failed),
            Message::Run(task) => task(&mut self.engine),
            Message::StartFolder { watch } => self.start_folder(watch),
            Message::Stop => {}
        }
    }

    fn committed(&mut self, batch: BatchId, own: &[EntryRef], result: Result<(), CommitError>) {
        if let Err(error) = result {
            tracing::error!("nothing can be stored any more: {error}");
            self.engine.store_failed(error.to_string());
            return;
        }
        let mut sessions = self.parts.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in own {
            if let Err(error) = sessions.advance(entry.log, entry.seq) {
                tracing::error!("the session counter cannot be kept: {error}; nothing is sent");
                self.engine.store_failed(error.to_string());
                return;
            }
        }
        drop(sessions);
        self.engine.committed(batch);
    }

    fn start_folder(&mut self, watch: bool) {
        if self.folder.is_some() {
            return;
        }
        let Some(contents) = self.engine.contents() else {
            tracing::warn!("the folder is left alone: the workspace's key is not here yet");
            self.engine.wants_folder(watch);
            return;
        };
        let config = FolderConfig {
            ws: self.parts.ws,
            root: self.parts.root.clone(),
            store: Arc::clone(&self.parts.store),
            committer: Arc::clone(&self.parts.committer),
            contents,
            texts: Arc::clone(&self.parts.texts),
            watch,
            started: self.parts.started,
        };
        let inbox = self.handle.clone();
        match Folder::start(config, move |report| inbox.send(Message::Folder(report))) {
            Ok(folder) => {
                folder.handle.send(FolderJob::HoldBranches(self.engine.holds_branches()));
                folder.handle.send(FolderJob::Scan);
                self.engine.scan_begins();
                self.folder = Some(folder);
            }
            Err(error) => {
                tracing::error!("the folder cannot be mirrored: {error}");
                self.engine.folder_failed(error.to_string());
            }
        }
    }

    fn folder_report(&mut self, report: FolderReport) {
        match report {
            FolderReport::Changes { batch, changes, forgotten, folders, branch } => {
                let origin = match branch {
                    Some(branch) if !changes.is_empty() => of_branch(&branch, &changes),
                    _ if self.has_scanned => Origin::Human,
                    _ => self.engine.scan_origin(),
                };
                self.engine.disk_changed(batch, &changes, &forgotten, &folders, origin);
            }
            FolderReport::Written(written) => self.engine.disk_written(written),
            FolderReport::Progress(progress) => self.engine.scan_progress(progress),
            FolderReport::Unread(unread) => self.engine.set_unread(unread),
            FolderReport::Scanned(skipped) => {
                self.engine.set_skipped(skipped);
                if !self.has_scanned {
                    self.has_scanned = true;
                    self.engine.scanned();
                }
            }
            FolderReport::Skipped(skipped) => self.engine.set_skipped(skipped),
            FolderReport::Hold(reason) => self.engine.set_hold(reason),
            FolderReport::Unwatched(reason) => {
                tracing::warn!("the folder is scanned now and then: {reason}");
            }
            FolderReport::Stopped => {}
        }
    }

    fn route(&mut self) {
        for output in self.engine.drain() {
            match output {
                Output::Commit { batch, writes, own } => self.commit(batch, writes, own),
                Output::Send { channel, bytes } => self.send(channel, bytes),
                Output::Close { channel, code } => {
                    if let (Some(net), Some(id)) = (&self.parts.net, self.channels.get(&channel)) {
                        net.close_channel(*id, close_code(code));
                    }
                }
                Output::Folder(job) => {
                    if let Some(folder) = &self.folder {
                        folder.handle.send(job);
                    }
                }
                Output::Fetch { peer, chunks } => self.fetch(peer, chunks),
                Output::StartFolder { watch } => self.start_folder(watch),
                Output::Session(session) => {
                    let record = Write::Record {
                        space: Space::workspace(self.parts.ws, Table::Setting),
                        key: SESSION_KEY.to_vec(),
                        value: Some(session.as_bytes().to_vec()),
                    };
                    self.commit(None, vec![record], Vec::new());
                }
                Output::Snapshot(job) => self.keep_snapshot(*job),
                Output::Event(event) => (self.parts.events)(event),
            }
        }
    }

    /// Writes a snapshot on a thread of its own; what is edited meanwhile does not wait for it.
    fn keep_snapshot(&mut self, job: SnapshotJob) {
        let (store, committer) = (Arc::clone(&self.parts.store), Arc::clone(&self.parts.committer));
        let write = move || match job.write(&*store) {
            Ok(Some(write)) => {
                let done: weft_store::CommitDone = Box::new(|result| {
                    if let Err(error) = result {
                        tracing::warn!("a snapshot could not be kept: {error}");
                    }
                });
                if committer.submit_blocking(vec![write], done).is_err() {
                    tracing::debug!("a snapshot came too late to be kept");
                }
            }
            // The next edits lead to another one.
            Ok(None) => tracing::debug!("a snapshot came before what it holds was stored"),
            Err(error) => tracing::warn!("a snapshot could not be made: {error}"),
        };
        self.snapshots.retain(|thread| !thread.is_finished());
        match std::thread::Builder::new().name("weft-snapshot".into()).spawn(write) {
            Ok(thread) => self.snapshots.push(thread),
            Err(error) => tracing::warn!("no thread for a snapshot: {error}"),
        }
    }

    fn commit(&self, batch: Option<BatchId>, writes: Vec<Write>, own: Vec<EntryRef>) {
        let handle = self.handle.clone();
        let done: weft_store::CommitDone = Box::new(move |result| {
            let result = result.map(|_| ());
            match batch {
                Some(batch) => handle.send(Message::Committed { batch, own, result }),
                None => {
                    if let Err(error) = result {
                        tracing::error!("a note could not be stored: {error}");
                    }
                }
            }
        });
        let committer = &self.parts.committer;
        // Nothing waits for what has no batch.
        let submitted = match batch {
            Some(_) => committer.submit_blocking(writes, done),
            None => committer.note(writes, done),
        };
        if submitted.is_err() {
            tracing::error!("the store is closed for writing");
        }
    }

    fn send(&self, channel: ChannelId, bytes: Vec<u8>) {
        let (Some(net), Some(id)) = (&self.parts.net, self.channels.get(&channel)) else { return };
        match net.send(*id, bytes.into()) {
            Ok(()) | Err(SendError::Closed) => {}
            Err(error) => {
                // A peer that reads slowly comes back and catches up.
                tracing::debug!("a channel is given up: {error}");
                net.close_channel(*id, CloseCode::BUSY);
            }
        }
    }

    fn fetch(&self, peer: EndpointId, chunks: Vec<ChunkId>) {
        let Some(net) = self.parts.net.clone() else { return };
        let store = Arc::clone(&self.parts.store);
        let inbox = self.handle.clone();
        self.parts.runtime.spawn(async move {
            let arrived = inbox.clone();
            let fetched = transfer::fetch(&net, peer, chunks, store, move |chunks| {
                arrived.send(Message::Chunks(chunks));
            });
            let (absent, failed) = match fetched.await {
                Ok(report) => (report.absent, false),
                Err(error) => {
                    tracing::debug!(%peer, "a transfer broke off: {error}");
                    (Vec::new(), true)
                }
            };
            inbox.send(Message::Fetched { peer, absent, failed });
        });
    }
}

/// Why changes were made that came with another branch.
fn of_branch(branch: &str, changes: &[DiskChange]) -> Origin {
    let mut end = branch.len().min(ORIGIN_NAME_BYTES_MAX);
    while !branch.is_char_boundary(end) {
        end -= 1;
    }
    let is_folder = |change: &&DiskChange| match change {
        DiskChange::Created { found, .. } => matches!(found, Found::Folder(_)),
        DiskChange::Removed { kind, .. } | DiskChange::Renamed { kind, .. } => *kind == Kind::Folder,
        DiskChange::Modified { .. } | DiskChange::ModeChanged { .. } => false,
    };
    let files = changes.iter().filter(|change| !is_folder(change)).count();
    let files = u32::try_from(files).unwrap_or(u32::MAX);
    Origin::Branch { name: branch[..end].to_owned(), files }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many as a peer sends in a moment, and more than a queue of a fixed length would take.
    const MANY: usize = 100_000;

    #[test]
    fn a_busy_workspace_holds_up_nobody_and_gets_everything_in_order() {
        #[expect(clippy::disallowed_methods, reason = "the inbox as it is")]
        let (inbox, queue) = channel();
        let handle = WorkspaceHandle { ws: WorkspaceId::from_bytes([7; 32]), inbox };
        let (sender, handed_over) = std::sync::mpsc::sync_channel(1);
        // One thread for all tasks, as a runtime on a small computer has.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(async {
                for number in 0..MANY {
                    let bytes = Bytes::from(number.to_be_bytes().to_vec());
                    handle.send(Message::Frame { channel: ChannelId(1), bytes });
                }
            });
            // The test may have given up.
            let _ = sender.send(());
        });
        let is_done = handed_over.recv_timeout(Duration::from_secs(60));
        assert!(is_done.is_ok(), "a task waits for a workspace that reads nothing");
        for number in 0..MANY {
            let Ok(Message::Frame { bytes, .. }) = queue.recv() else { panic!("frame {number} is missing") };
            assert_eq!(bytes, number.to_be_bytes().as_slice());
        }
    }
}
