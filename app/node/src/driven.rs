//! One workspace of a node, driven step by step from outside: for simulations.
//!
//! It is the same engine that a node runs on a thread, with a [`ModelFolder`] in place of the
//! mirror. Whoever drives it is the clock, the disk and the network: calls make the engine do
//! something, [`DrivenWorkspace::drain`] tells what is to be carried out, in its order.

mod folder;

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use weft_crdt::tree::ContentValue;
use weft_crdt::{ChunkId, DocumentId, Version};
use weft_store::{Storage, Write};
use weft_sync::data::Origin;
use weft_sync::frames::ByeCode;
use weft_sync::identity::DeviceKeys;
use weft_sync::ids::{EndpointId, EntryRef, LogId, SessionId, Timestamp, WallMillis, WorkspaceId};
use weft_sync::replica::{BatchId, ChannelId, Input, Replica, ReplicaConfig, WriteId};

pub use self::folder::{ModelFile, ModelFolder};
use crate::api::EditAction;
use crate::folder::{FolderJob, RecentTexts};
use crate::workspace::engine::{Engine, EngineEvent, Output};
use crate::workspace::entries;

/// What is to be carried out, in this order.
#[derive(Debug)]
pub enum Step {
    /// Make these durable in one transaction; then say [`DrivenWorkspace::committed`].
    Commit {
        /// To be named then, if it is given.
        batch: Option<BatchId>,
        /// What to write.
        writes: Vec<Write>,
        /// The counters of these logs move here after the commit and before anything else.
        own: Vec<EntryRef>,
    },
    /// Send a frame.
    Send {
        /// On this channel.
        channel: ChannelId,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// Close a channel.
    Close {
        /// Which.
        channel: ChannelId,
        /// Why.
        code: ByeCode,
    },
    /// Fetch chunks, put them into the store, and say [`DrivenWorkspace::fetched`].
    Fetch {
        /// From this device.
        peer: EndpointId,
        /// These.
        chunks: Vec<ChunkId>,
    },
    /// A session began: remember it before the next commit.
    Session(SessionId),
    /// The folder has something to do: call [`DrivenWorkspace::work_folder`] in a while.
    Folder,
    /// A log was continued twice.
    Forked(String),
    /// The engine has ended.
    Stopped,
}

/// How far a driven workspace has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrivenState {
    /// Contents that are not here.
    pub missing: usize,
    /// Steps of the folder that are not done.
    pub outstanding: usize,
    /// Changes that wait for others.
    pub waiting: usize,
    /// Writes that are not stored.
    pub storing: usize,
    /// Changes that were refused for good.
    pub quarantined: usize,
    /// Whether the replica has nothing left to fetch, store or hand on.
    pub is_quiet: bool,
}

/// See the [module](self).
pub struct DrivenWorkspace {
    ws: WorkspaceId,
    store: Arc<dyn Storage>,
    engine: Engine,
    folder: ModelFolder,
    jobs: Vec<FolderJob>,
    next_batch: u64,
    has_scanned: bool,
}

impl DrivenWorkspace {
    /// Opens a stored workspace, as a node does when it starts.
    ///
    /// # Errors
    /// When what is stored cannot be read.
    pub fn open(
        ws: WorkspaceId,
        store: Arc<dyn Storage>,
        keys: Arc<DeviceKeys>,
        session: SessionId,
        seed: u64,
        mut folder: ModelFolder,
    ) -> Result<Self, String> {
        let stored = entries::stored_state(&*store, ws).map_err(|error| error.to_string())?;
        let config = ReplicaConfig { ws, keys, session, app_version: "simulation".to_owned() };
        let mut find = |log: &LogId, seq: u64| {
            let read = store.entries(ws, *log, seq, seq, 1).ok()?;
            read.into_iter().find(|entry| entry.at.seq == seq).map(|entry| entry.at.id)
        };
        let replica = Replica::open(config, stored, &mut find).map_err(|error| error.to_string())?;
        folder.begin(&*store, ws)?;
        let rng = StdRng::seed_from_u64(seed);
        let texts = Arc::new(RecentTexts::default());
        let kept = Arc::clone(&store);
        let mut engine = Engine::open(ws, store, replica, texts, rng).map_err(|error| error.to_string())?;
        let is_readable = engine.contents().is_some();
        if !is_readable {
            engine.wants_folder(true);
        }
        let mut driven =
            Self { ws, store: kept, engine, folder, jobs: Vec::new(), next_batch: 1, has_scanned: false };
        if is_readable {
            driven.scan();
        }
        Ok(driven)
    }

    /// Begins.
    pub fn start(&mut self) {
        self.engine.start();
    }

    /// Tells the time; to be called before anything else happens.
    pub fn set_time(&mut self, now: Timestamp, wall: WallMillis) {
        self.engine.set_time(now, wall);
    }

    /// When [`DrivenWorkspace::tick`] is to be called.
    #[must_use]
    pub fn wake_at(&self) -> Option<Timestamp> {
        self.engine.wake_at()
    }

    /// The time has come.
    pub fn tick(&mut self) {
        self.engine.tick();
    }

    /// Feeds the replica.
    pub fn feed(&mut self, input: Input) {
        self.engine.feed(input);
    }

    /// A batch is durable.
    pub fn committed(&mut self, batch: BatchId) {
        self.engine.committed(batch);
    }

    /// Nothing can be stored any more.
    pub fn store_failed(&mut self) {
        self.engine.store_failed("the disk is full".to_owned());
    }

    /// Chunks are in the store.
    pub fn chunks_arrived(&mut self, chunks: &[ChunkId]) {
        self.engine.chunks_arrived(chunks);
    }

    /// A request for chunks is over.
    pub fn fetched(&mut self, peer: EndpointId, absent: &[ChunkId], failed: bool) {
        self.engine.fetched(peer, absent, failed);
    }

    /// Takes what is to be carried out.
    pub fn drain(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut has_jobs = false;
        for output in self.engine.drain() {
            match output {
                Output::Commit { batch, writes, own } => steps.push(Step::Commit { batch, writes, own }),
                Output::Send { channel, bytes } => steps.push(Step::Send { channel, bytes }),
                Output::Close { channel, code } => steps.push(Step::Close { channel, code }),
                Output::Folder(job) => {
                    self.jobs.push(job);
                    has_jobs = true;
                }
                Output::Fetch { peer, chunks } => steps.push(Step::Fetch { peer, chunks }),
                Output::StartFolder { .. } => {
                    self.scan();
                    has_jobs = true;
                }
                Output::Snapshot(job) => {
                    // One that comes before what it holds is stored is made again later.
                    if let Some(write) = self.engine.snapshot_write(&job) {
                        steps.push(Step::Commit { batch: None, writes: vec![write], own: Vec::new() });
                    }
                }
                Output::Session(session) => steps.push(Step::Session(session)),
                Output::Event(EngineEvent::Forked(text)) => steps.push(Step::Forked(text)),
                Output::Event(EngineEvent::Stopped) => steps.push(Step::Stopped),
                Output::Event(_) => {}
            }
        }
        if has_jobs {
            steps.push(Step::Folder);
        }
        steps
    }

    /// Ends the run and leaves the folder as it lies on the disk.
    #[must_use]
    pub fn into_folder(self) -> ModelFolder {
        self.folder
    }

    // The folder.

    /// The folder, as other programs see it.
    #[must_use]
    pub fn folder(&self) -> &ModelFolder {
        &self.folder
    }

    /// The folder, for other programs to write to; call [`DrivenWorkspace::work_folder`] after that.
    pub fn folder_mut(&mut self) -> &mut ModelFolder {
        &mut self.folder
    }

    /// Looks at the whole folder for the first time.
    fn scan(&mut self) {
        if std::mem::replace(&mut self.has_scanned, true) {
            return;
        }
        self.report();
        self.engine.scanned();
    }

    /// Does what the folder thread would do now: reports what programs did, carries out writes.
    pub fn work_folder(&mut self) {
        for job in std::mem::take(&mut self.jobs) {
            match job {
                FolderJob::Accept { batch, accepted } => {
                    let given_back = self.folder.accept(batch, &accepted);
                    if !given_back.is_empty() {
                        self.engine.disk_written(given_back);
                    }
                }
                FolderJob::Write(writes) => self.folder.queue(writes),
                _ => {}
            }
        }
        if !self.has_scanned {
            return;
        }
        // What is reported again waits for its turn, as in the mirror: writes come in between.
        self.write();
        self.report();
        self.write();
        // A full disk is told of by the next transaction.
        let _ = self.folder.keep_rows(&*self.store, self.ws);
    }

    fn write(&mut self) {
        if let Some(contents) = self.engine.contents() {
            let written = self.folder.write(&contents);
            if !written.is_empty() {
                // A full disk is told of by the next transaction.
                let _ = self.folder.keep_rows(&*self.store, self.ws);
                self.engine.disk_written(written);
            }
        }
    }

    fn report(&mut self) {
        if let Some(changes) = self.folder.look() {
            let batch = self.next_batch;
            self.next_batch += 1;
            self.folder.open_batch(batch, changes.clone());
            let folders = self.folder.folders_above(&changes);
            self.engine.disk_changed(batch, &changes, &[], &folders, Origin::Human);
        }
    }

    /// Whether anything of the folder is not taken or not written yet.
    #[must_use]
    pub fn folder_is_busy(&mut self) -> bool {
        !self.jobs.is_empty() || self.folder.is_busy() || self.folder.look().is_some()
    }

    /// Whether no write waits and no batch is open.
    #[must_use]
    pub fn is_folder_idle(&self) -> bool {
        self.jobs.is_empty() && !self.folder.is_busy()
    }

    // Commands.

    /// Edits a file through its document.
    ///
    /// # Errors
    /// When it cannot be edited now.
    pub fn edit(&mut self, path: &str, action: &EditAction) -> Result<WriteId, String> {
        self.engine.edit(path, action).map(|(write, _)| write).map_err(|error| error.to_string())
    }

    /// Whether a write is durable.
    ///
    /// # Errors
    /// When it was refused; nothing of it was stored.
    pub fn write_state(&self, write: WriteId) -> Result<bool, String> {
        self.engine.write_state(write)
    }

    // Questions.

    /// The replica.
    #[must_use]
    pub fn replica(&self) -> &Replica {
        self.engine.replica()
    }

    /// Names what is shown, and the state of every text.
    #[must_use]
    pub fn digests(&self) -> (String, String) {
        let digests = self.engine.digests();
        (digests.tree, digests.heads)
    }

    /// What is shown when the tree is laid out anew: the same as what is shown step by step.
    #[must_use]
    pub fn laid_out_anew(&self) -> Vec<String> {
        self.engine.laid_out_anew()
    }

    /// What is shown.
    #[must_use]
    pub fn laid_out(&self) -> Vec<String> {
        self.engine.shown().iter().map(|(path, node)| format!("{path}: {node:?}")).collect()
    }

    /// How far it has come.
    #[must_use]
    pub fn state(&self) -> DrivenState {
        let done = self.engine.progressed();
        DrivenState {
            missing: done.missing,
            outstanding: done.outstanding,
            waiting: done.waiting,
            storing: done.storing,
            quarantined: self.engine.quarantined().values().sum(),
            is_quiet: done.is_quiet,
        }
    }

    /// The heads of the tree and of every edited text.
    #[must_use]
    pub fn heads(&self) -> BTreeMap<DocumentId, Version> {
        self.engine.heads()
    }

    /// Chunks that are asked for.
    #[must_use]
    pub fn missing_chunks(&self) -> Vec<ChunkId> {
        self.engine.missing_chunks()
    }

    /// What is shown and not in the folder yet, for people.
    #[must_use]
    pub fn outstanding(&self) -> String {
        self.engine.outstanding()
    }

    /// The shown files with their contents; `None` for a content that is not here.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Option<Vec<u8>>> {
        let shown = self.engine.shown().into_iter();
        shown
            .filter_map(|(path, node)| {
                let content = node.content?;
                Some((path, self.content(&content)))
            })
            .collect()
    }

    /// The text of a shown file, when it is one.
    #[must_use]
    pub fn text_at(&self, path: &str) -> Option<String> {
        self.engine.cat(path, None).ok().map(|cat| cat.text)
    }

    fn content(&self, content: &ContentValue) -> Option<Vec<u8>> {
        match content {
            ContentValue::Blob(blob) => self.engine.contents()?.load(blob).ok(),
            ContentValue::Text { document, .. } => self.text(*document),
        }
    }

    fn text(&self, document: DocumentId) -> Option<Vec<u8>> {
        self.engine.text_of(document).ok().map(|(_, bytes)| bytes.to_vec())
    }
}
