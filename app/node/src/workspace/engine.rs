//! The engine of one workspace: what comes from disk, from members and from commands goes in,
//! what is to be stored, sent, written to the folder and fetched comes out.
//!
//! # Order of calls
//! After each call that takes `&mut self`, [`Engine::drain`] and carry the outputs out in their
//! order. A [`Output::Commit`] is answered with [`Engine::committed`] once it is durable; nothing
//! that depends on it is put out before.
//!
//! The engine reads the store, never the clock, the network or the folder.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use rand::rngs::StdRng;
use weft_crdt::tree::{BlobRef, Platform, TreeView, tree_document_id};
use weft_crdt::{ActorId, ChangeHash, DocumentId, NodeId, TreeDocument};
use weft_store::{EntryMarks, NewEntry, ReadError, Storage, Write};
use weft_sync::acl::Class;
use weft_sync::data::{DataPlain, Origin};
use weft_sync::frames::{ByeCode, PeerAddress};
use weft_sync::ids::{EndpointId, EntryRef, LogId, SessionId, Timestamp, UserId, WallMillis, WorkspaceId};
use weft_sync::replica::{BatchId, ChannelId, Effect, Input, Load, Replica, WriteError, WriteId};

use super::begun_again::WithdrawnTexts;
use super::contents::Contents;
use super::deliver::{Dirty, Refused};
use super::disk::Adoption;
use super::documents::{Authors, Carrier, Documents, Facts};
use super::doubled::DoubledTexts;
use super::entries::{self, CarriedChange};
use super::fetch_plan::FetchPlan;
use super::people::People;
use super::repeating::Repeating;
use super::save_base::PastTexts;
use super::show::ShowPlan;
use super::snapshots::SnapshotJob;
use super::waiting::{Unstored, UnstoredChanges, Waiting};
use crate::api::{BranchSwitch, Digests};
use crate::folder::{Accepted, FolderJob, RecentTexts};
use crate::indexing::Feed;

/// Refused writes of which the reason is kept for whoever asks.
const REFUSED_KEPT: usize = 64;

/// What is to be done outside, in this order.
#[derive(Debug)]
pub(crate) enum Output {
    /// Make these durable; then say so if there is a batch.
    Commit {
        /// To be named in [`Engine::committed`].
        batch: Option<BatchId>,
        /// In one transaction.
        writes: Vec<Write>,
        /// The last entry of our own among them: the session's counter is moved there before
        /// anything is published.
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
    /// Something for the folder thread.
    Folder(FolderJob),
    /// Fetch chunks; then say [`Engine::fetched`].
    Fetch {
        /// From this device.
        peer: EndpointId,
        /// These.
        chunks: Vec<weft_crdt::ChunkId>,
    },
    /// Begin to mirror the folder.
    StartFolder {
        /// Whether to watch it.
        watch: bool,
    },
    /// Remember the session before the next commit.
    Session(SessionId),
    /// Keep a snapshot of a text, when there is time.
    Snapshot(Box<SnapshotJob>),
    /// Something for whoever watches.
    Event(EngineEvent),
}

/// What others may want to know.
#[derive(Debug, Clone)]
pub(crate) enum EngineEvent {
    /// Who is in, or may do what, has changed.
    MembershipChanged,
    /// Where other devices were reached.
    PeersLearned(Vec<PeerAddress>),
    /// A text changed.
    TextChanged {
        /// Which.
        document: DocumentId,
        /// How, one after the other.
        patches: Vec<weft_crdt::Patch>,
        /// By whom; `None` for this person.
        user: Option<UserId>,
    },
    /// Something came that is kept for others.
    KeptMore,
    /// A log was continued twice.
    Forked(String),
    /// All is said and written.
    Stopped,
}

/// The policy that says what becomes of another branch that somebody checks out.
pub(crate) const POLICY_BRANCH_SWITCH: &str = "branch_switch";
/// The policy that says that only models on this device are asked: `on`, or anything else.
pub(crate) const POLICY_AI_LOCAL_ONLY: &str = "ai_local_only";

/// A write on its way to the disk.
#[derive(Debug)]
pub(super) struct LocalWrite {
    /// Document, hash and actor of each item.
    pub(super) items: Vec<(DocumentId, ChangeHash, ActorId)>,
    /// The batches of disk changes that it answers, and how.
    pub(super) accepts: Vec<(u64, Vec<Accepted>)>,
    /// Why it was made.
    pub(super) origin: Origin,
}

/// One workspace.
pub(crate) struct Engine {
    pub(super) ws: WorkspaceId,
    pub(super) store: Arc<dyn Storage>,
    pub(super) contents: Option<Contents>,
    pub(super) texts: Arc<RecentTexts>,
    pub(super) replica: Replica,
    pub(super) tree: TreeDocument,
    pub(super) view: TreeView,
    /// Files and bytes that the view shows, once they were counted.
    pub(super) shown_size: Cell<Option<(u64, u64)>>,
    /// The digests, as long as nothing happens.
    pub(super) known_digests: RefCell<Option<Digests>>,
    pub(super) documents: RefCell<Documents>,
    /// What each text document begins with, as the tree says.
    pub(super) bases: BTreeMap<DocumentId, BlobRef>,
    pub(super) authors: Authors,
    /// Texts as they lay on disk.
    pub(super) past_texts: PastTexts,
    /// Files here that the first scan takes as edits of the workspace's, as the person said on joining.
    pub(super) adoption: Adoption,
    pub(super) doubled: DoubledTexts,
    pub(super) waiting: Waiting,
    pub(super) writes: BTreeMap<WriteId, LocalWrite>,
    pub(super) refused: BTreeMap<WriteId, String>,
    /// Writes that were refused and are still to be taken back or written again.
    pub(super) to_restate: Vec<(WriteId, LocalWrite, WriteError)>,
    /// The stored entry that was read last, and whether it counts.
    pub(super) last_read: RefCell<Option<(EntryRef, Arc<DataPlain>, bool)>>,
    /// Texts that files may not be any more since somebody was put out.
    pub(super) withdrawn_texts: WithdrawnTexts,
    pub(super) repeating: Repeating,
    /// Writes that were written again, as these.
    pub(super) restated: BTreeMap<WriteId, WriteId>,
    pub(super) unstored: UnstoredChanges,
    /// Texts with edits of ours whose entries were just made.
    pub(super) named_documents: BTreeSet<DocumentId>,
    /// Whether the names of conflict copies may be others than before.
    pub(super) names_may_change: bool,
    pub(super) next_write: u64,
    pub(super) show: ShowPlan,
    pub(super) fetches: FetchPlan,
    pub(super) rng: StdRng,
    pub(super) now: Timestamp,
    /// Whether the folder was told to hold other branches.
    held_branches: bool,
    /// Paths that were changed here while this person may not write.
    pub(super) unshared: BTreeSet<String>,
    /// When this run began.
    pub(super) started: Option<Timestamp>,
    pub(super) wall: WallMillis,
    pub(super) out: Vec<Output>,
    pub(super) wake_at: Option<Timestamp>,
    pub(super) is_stopped: bool,
    /// How far each log went when this run began.
    pub(super) opened_at: BTreeMap<LogId, u64>,
    /// Whether the folder is to be mirrored as soon as the key is here, and watched.
    pub(super) folder_wanted: Option<bool>,
    pub(super) scan: ScanState,
    /// Changes that were refused and are to be remembered.
    pub(super) refused_changes: BTreeMap<EntryRef, Refused>,
    /// Why nothing can be stored any more.
    pub(super) failure: Option<String>,
    /// Who is told of every change of a file, for the index.
    pub(super) feed: Option<Arc<Feed>>,
}

/// What is known of the folder as a whole.
#[derive(Debug, Default)]
pub(super) struct ScanState {
    pub(super) has_begun: bool,
    pub(super) is_done: bool,
    pub(super) is_import: bool,
    pub(super) progress: crate::mirror::Progress,
    pub(super) unread: crate::mirror::Unread,
    pub(super) skipped: crate::mirror::Skipped,
}

impl Engine {
    /// Makes the engine of a stored workspace.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn open(
        ws: WorkspaceId,
        store: Arc<dyn Storage>,
        replica: Replica,
        texts: Arc<RecentTexts>,
        rng: StdRng,
    ) -> Result<Self, ReadError> {
        let documents = RefCell::new(Documents::new(ws, Arc::clone(&store))?);
        let tree = TreeDocument::new(tree_document_id(ws.as_bytes()));
        let opened_at = replica.frontier().into_iter().map(|at| (at.log, at.seq)).collect();
        let mut engine = Self {
            ws,
            store,
            contents: None,
            texts,
            replica,
            opened_at,
            started: None,
            held_branches: false,
            unshared: BTreeSet::new(),
            tree,
            view: TreeView::new(Platform::default()),
            shown_size: Cell::new(None),
            known_digests: RefCell::new(None),
            documents,
            bases: BTreeMap::new(),
            authors: Authors::default(),
            past_texts: PastTexts::default(),
            adoption: Adoption::default(),
            doubled: DoubledTexts::default(),
            waiting: Waiting::default(),
            writes: BTreeMap::new(),
            refused: BTreeMap::new(),
            to_restate: Vec::new(),
            last_read: RefCell::new(None),
            withdrawn_texts: WithdrawnTexts::default(),
            repeating: Repeating::default(),
            restated: BTreeMap::new(),
            unstored: UnstoredChanges::default(),
            named_documents: BTreeSet::new(),
            names_may_change: false,
            next_write: 1,
            show: ShowPlan::new(),
            fetches: FetchPlan::default(),
            rng,
            now: Timestamp::default(),
            wall: WallMillis::default(),
            out: Vec::new(),
            wake_at: None,
            is_stopped: false,
            folder_wanted: None,
            scan: ScanState::default(),
            refused_changes: BTreeMap::new(),
            failure: None,
            feed: None,
        };
        engine.learn_membership();
        engine.read_tree()?;
        Ok(engine)
    }

    /// Tells the time; to be called before anything else happens.
    pub(crate) fn set_time(&mut self, now: Timestamp, wall: WallMillis) {
        (self.now, self.wall) = (now, wall);
        self.started.get_or_insert(now);
        self.documents.get_mut().set_time(now);
    }

    /// Takes the outputs so far.
    pub(crate) fn drain(&mut self) -> Vec<Output> {
        let out = std::mem::take(&mut self.out);
        if !out.is_empty() {
            self.known_digests.take();
        }
        out
    }

    /// When [`Engine::tick`] is to be called.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        let plans = self.show.wake_at().into_iter().chain(self.fetches.wake_at());
        self.wake_at.into_iter().chain(plans).chain(self.documents.borrow().wake_at()).min()
    }

    /// Whether the last word is said.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// The replica, for questions.
    pub(crate) fn replica(&self) -> &Replica {
        &self.replica
    }

    /// Feeds the replica and carries out what it asks for.
    pub(crate) fn feed(&mut self, input: Input) {
        let effects = self.replica.handle(self.now, input, &mut self.rng);
        self.carry_out_all(effects);
    }

    /// Carries out what the replica asks for.
    fn carry_out_all(&mut self, effects: Vec<Effect>) {
        if !effects.is_empty() {
            self.known_digests.take();
        }
        let mut dirty = Dirty::default();
        let mut queue = VecDeque::from(effects);
        while let Some(effect) = queue.pop_front() {
            if let Effect::Load(load) = effect {
                queue.extend(self.load(&load));
            } else {
                self.carry_out(effect, &mut dirty);
            }
        }
        self.settle(dirty);
        self.restate_refused();
        self.begin_again();
        self.repeat_gone();
    }

    /// Begins: what was stored and not read yet is delivered.
    pub(crate) fn start(&mut self) {
        let effects = self.replica.start(self.now, &mut self.rng);
        self.carry_out_all(effects);
    }

    /// The writes of a batch are durable.
    pub(crate) fn committed(&mut self, batch: BatchId) {
        self.documents.get_mut().recent.committed(batch);
        self.unstored.committed(batch);
        // Now the entries of our own edits have names, which decide who counts as an author.
        let mut dirty = Dirty::default();
        for document in std::mem::take(&mut self.named_documents) {
            dirty.texts.entry(document).or_default();
        }
        self.refresh(&dirty);
        self.feed(Input::Committed { batch });
        // Whoever can read is no keeper: that is asked first, for it costs nothing.
        if self.contents.is_none() && self.replica.own_class() == Some(Class::Keeper) {
            self.out.push(Output::Event(EngineEvent::KeptMore));
        }
    }

    /// The time has come.
    pub(crate) fn tick(&mut self) {
        if self.wake_at.is_some_and(|at| at <= self.now) {
            self.wake_at = None;
            self.feed(Input::Tick);
        }
        self.show_due();
        self.fetch_due();
        let bases = &self.bases;
        let base = |document| bases.get(&document);
        let jobs = self.documents.get_mut().snapshots_due(base, &self.replica);
        self.out.extend(jobs.into_iter().map(|job| Output::Snapshot(Box::new(job))));
    }

    /// Ends: last words are said; then the engine is stopped.
    pub(crate) fn stop(&mut self) {
        self.feed(Input::Stop);
    }

    fn carry_out(&mut self, effect: Effect, dirty: &mut Dirty) {
        match effect {
            Effect::Append(append) => self.append(append),
            Effect::Send { channel, bytes } => self.out.push(Output::Send { channel, bytes }),
            Effect::Close { channel, code } => self.out.push(Output::Close { channel, code }),
            Effect::Load(_) => {}
            Effect::Deliver(delivery) => self.deliver(delivery, dirty),
            Effect::Withdrawn(entries) => self.withdraw(&entries, dirty),
            Effect::Written { write, .. } => self.written(write),
            Effect::WriteRefused { write, reason } => self.write_refused(write, &reason),
            Effect::SessionStarted { session } => self.out.push(Output::Session(session)),
            Effect::MembershipChanged => {
                *self.last_read.borrow_mut() = None;
                let had_key = self.contents.is_some();
                self.learn_membership();
                if !had_key && self.contents.is_some() {
                    // What came before the key waits for the beginning of its text.
                    let documents: Vec<DocumentId> = self.bases.keys().copied().collect();
                    self.release_documents(documents, dirty);
                }
                let writes = vec![entries::keep_keys(self.ws, self.replica.keyring())];
                self.out.push(Output::Commit { batch: None, writes, own: Vec::new() });
                dirty.names_changed = true;
                self.event(EngineEvent::MembershipChanged);
            }
            Effect::PeerChanged(status) => {
                if status.connected
                    && let Some(peer) = self.replica.membership().and_then(|m| m.device(&status.device))
                {
                    self.peer_came(peer.endpoint);
                }
            }
            Effect::PeersLearned { peers, .. } => self.event(EngineEvent::PeersLearned(peers)),
            Effect::Forked(fork) => {
                let text = format!("log {} was continued twice at {}", fork.log, fork.seq);
                self.event(EngineEvent::Forked(text));
            }
            Effect::CutBack(cut) => self.cut_back(cut, dirty),
            Effect::Damaged { entry, user, reason } => {
                tracing::warn!(%user, ?entry, "an entry says nothing that can be used: {reason}");
            }
            Effect::WakeAt(at) => self.wake_at = Some(at),
            Effect::Stopped => {
                self.is_stopped = true;
                self.event(EngineEvent::Stopped);
            }
        }
    }

    fn append(&mut self, append: weft_sync::replica::Append) {
        let mut writes = Vec::with_capacity(append.entries.len() + 1);
        let mut own = BTreeMap::new();
        let own_logs = self.replica.own_logs();
        for entry in append.entries {
            let marks = if entry.opened { EntryMarks::NONE } else { EntryMarks::UNOPENED };
            let marks = if entry.is_fork { marks.with(EntryMarks::FORK) } else { marks };
            if !entry.local.is_empty() || own_logs.contains(&entry.at.log) {
                own.insert(entry.at.log, entry.at);
            }
            writes.push(Write::Entry(NewEntry {
                ws: self.ws,
                at: entry.at,
                kind: entry.kind,
                marks,
                bytes: bytes::Bytes::copy_from_slice(&entry.bytes),
            }));
            for (item, local) in entry.local.iter().enumerate() {
                let known = self.writes.get(&local.write).and_then(|w| w.items.get(local.index));
                let Some(&(doc, hash, actor)) = known else { continue };
                if doc == self.tree.id() {
                    let user = self.replica.user();
                    let carrier = Carrier { is_void: false, entry: entry.at.id, user };
                    self.names_may_change |= self.authors.note(actor, carrier);
                } else {
                    self.named_documents.insert(doc);
                }
                self.documents.get_mut().recent.set_entry(doc, hash, entry.at);
                let item = u16::try_from(item).expect("at most 64 items in an entry");
                writes.push(Write::Change { ws: self.ws, doc, entry: entry.at, item, hash });
            }
        }
        let own = own.into_values().collect();
        self.documents.get_mut().recent.begin(append.batch);
        self.unstored.barrier(append.batch);
        self.out.push(Output::Commit { batch: Some(append.batch), writes, own });
    }

    fn load(&mut self, load: &Load) -> Vec<Effect> {
        let entries = entries::load(&*self.store, self.ws, load).unwrap_or_else(|error| {
            tracing::error!("entries cannot be read from the store: {error}");
            Vec::new()
        });
        let input = Input::Loaded { request: load.request, entries };
        self.replica.handle(self.now, input, &mut self.rng)
    }

    fn written(&mut self, write: WriteId) {
        self.unstored.written(write);
        let accepts = self.writes.remove(&write).map(|done| done.accepts);
        for (batch, accepted) in accepts.into_iter().flatten() {
            self.out.push(Output::Folder(FolderJob::Accept { batch, accepted }));
        }
    }

    fn write_refused(&mut self, write: WriteId, reason: &WriteError) {
        if let Some(refused) = self.writes.remove(&write) {
            self.to_restate.push((write, refused, reason.clone()));
        }
    }

    /// Keeps the reason why a write was refused for good.
    pub(super) fn note_refused(&mut self, write: WriteId, reason: &WriteError) {
        let text = format!("{reason}; {}", reason.hint());
        tracing::warn!("an edit was not shared: {text}");
        self.refused.insert(write, text);
        while self.refused.len() > REFUSED_KEPT {
            self.refused.pop_first();
        }
    }

    pub(super) fn event(&mut self, event: EngineEvent) {
        if let EngineEvent::TextChanged { document, patches, .. } = &event {
            self.tell_index(*document, patches);
        }
        self.out.push(Output::Event(event));
    }

    /// Hands changes of our own to the replica.
    pub(super) fn write(
        &mut self,
        origin: Origin,
        changes: Vec<(DocumentId, weft_crdt::Change, bool)>,
        accepts: Option<(u64, Vec<Accepted>)>,
    ) -> WriteId {
        self.write_all(origin, changes, accepts.into_iter().collect())
    }

    /// The same for a write that answers several batches of disk changes.
    pub(super) fn write_all(
        &mut self,
        origin: Origin,
        changes: Vec<(DocumentId, weft_crdt::Change, bool)>,
        accepts: Vec<(u64, Vec<Accepted>)>,
    ) -> WriteId {
        let write = WriteId(self.next_write);
        self.next_write += 1;
        self.note_recent(&changes, &origin);
        let log = self.replica.data_log();
        let items = changes.iter().map(|(doc, change, _)| (*doc, change.hash(), change.actor())).collect();
        self.writes.insert(write, LocalWrite { items, accepts, origin: origin.clone() });
        let mut items = Vec::with_capacity(changes.len());
        for (doc, change, more) in changes {
            let (bytes, repeats) = (change.bytes().to_vec(), self.repeating.take_name(change.hash()));
            items.push(weft_sync::data::Item { doc, more, repeats, change: bytes });
            self.unstored.push(Unstored::Made(doc, write, change, log));
        }
        let wall = self.wall;
        let input = Input::Write(weft_sync::replica::Write { write, log, origin, wall, items });
        self.feed(input);
        write
    }

    fn note_recent(&mut self, changes: &[(DocumentId, weft_crdt::Change, bool)], origin: &Origin) {
        // The entry is not made yet: any other carrier with a lower id may still take its place.
        let id = weft_sync::ids::EntryId::from_bytes([0xff; 32]);
        let log = self.replica.data_log();
        self.authors.note_log(log, self.replica.user());
        for (document, change, _) in changes.iter().filter(|(document, ..)| *document != self.tree.id()) {
            let entry = EntryRef { log, seq: 0, id };
            let carried = CarriedChange {
                change: change.clone(),
                entry,
                item: 0,
                wall: self.wall,
                origin: origin.clone(),
                counts: true,
            };
            self.documents.get_mut().recent.note(*document, carried);
        }
    }

    /// Names this device's edits.
    pub(super) fn own_actor(&self) -> weft_crdt::ActorId {
        weft_sync::data::actor_of(&self.replica.data_log())
    }

    /// Seconds for the changes of this device.
    pub(super) fn seconds(&self) -> i64 {
        (self.wall.0 / 1000).max(0)
    }

    /// The write that keeps a snapshot, if it can be kept now.
    pub(crate) fn snapshot_write(&self, job: &SnapshotJob) -> Option<Write> {
        job.write(&*self.store).ok().flatten()
    }

    /// What the tree may ask.
    pub(super) fn facts(&self) -> Facts<'_> {
        Facts {
            documents: &self.documents,
            bases: &self.bases,
            contents: self.contents.as_ref(),
            authors: &self.authors,
            opener: &self.replica,
        }
    }

    /// Where a node is shown.
    pub(super) fn path_of(&self, node: NodeId) -> Option<String> {
        self.view.path_of(node)
    }

    /// The contents of this workspace, once its key is here.
    pub(crate) fn contents(&self) -> Option<Contents> {
        self.contents.clone()
    }

    /// The folder is to be mirrored when the key comes.
    pub(crate) fn wants_folder(&mut self, watch: bool) {
        self.folder_wanted = Some(watch);
    }

    /// The folder cannot be mirrored.
    pub(crate) fn folder_failed(&mut self, reason: String) {
        self.failure = Some(reason);
        self.scan.is_done = true;
    }

    /// Nothing can be stored any more: everything stays as it is until the node is started again.
    pub(crate) fn store_failed(&mut self, reason: String) {
        self.failure = Some(reason);
        self.is_stopped = true;
        self.event(EngineEvent::Stopped);
    }

    /// Everything found by the first scan was there when the folder became a workspace.
    pub(crate) fn set_import(&mut self) {
        self.scan.is_import = true;
    }

    /// Why the first scan's changes were made.
    pub(crate) fn scan_origin(&self) -> Origin {
        if self.scan.is_import { Origin::Import } else { Origin::Human }
    }

    /// The folder begins to be read.
    pub(crate) fn scan_begins(&mut self) {
        self.scan.has_begun = true;
    }

    /// A scan goes on.
    pub(crate) fn scan_progress(&mut self, progress: crate::mirror::Progress) {
        self.scan.progress = progress;
    }

    /// So many changes in the folder are not read yet.
    pub(crate) fn set_unread(&mut self, unread: crate::mirror::Unread) {
        self.scan.unread = unread;
    }

    /// What lies in the folder and is not shared.
    pub(crate) fn set_skipped(&mut self, skipped: crate::mirror::Skipped) {
        self.scan.skipped = skipped;
    }

    /// The first scan is over: from now on the folder is written to.
    pub(crate) fn scanned(&mut self) {
        self.scan.is_done = true;
        self.adoption = Adoption::default();
        self.show.waits_for_scan = false;
        if let Err(error) = self.reconcile() {
            tracing::error!("what the folder lacks cannot be told: {error}");
        }
    }

    /// The folder is left alone, or not any more.
    pub(crate) fn set_hold(&mut self, reason: Option<crate::mirror::HoldReason>) {
        let goes_on = self.show.hold.is_some() && reason.is_none();
        self.show.hold = reason;
        if goes_on && let Err(error) = self.reconcile() {
            tracing::error!("what the folder lacks cannot be told: {error}");
        }
    }

    fn learn_membership(&mut self) {
        if self.contents.is_none() {
            let secret = self.replica.content_secret();
            self.contents = secret.map(|secret| Contents::new(Arc::clone(&self.store), secret));
            if self.contents.is_some()
                && let Some(watch) = self.folder_wanted.take()
            {
                self.out.push(Output::StartFolder { watch });
            }
        }
        for (log, user) in self.replica.log_users() {
            self.authors.note_log(log, user);
        }
        self.names_may_change |= self.authors.set_names(self.replica.user_names());
        self.authors.set_past_names(self.replica.past_names());
        let holds = self.holds_branches();
        if std::mem::replace(&mut self.held_branches, holds) != holds {
            self.out.push(Output::Folder(FolderJob::HoldBranches(holds)));
        }
        self.learn_rights();
    }

    /// Whether only models on this device may be asked about this workspace.
    pub(crate) fn is_ai_local_only(&self) -> bool {
        let policy = self.replica.membership().and_then(|members| members.policy(POLICY_AI_LOCAL_ONLY));
        policy.as_deref() == Some(b"on")
    }

    /// Whether another branch that somebody checks out is shared only when that person says so.
    pub(crate) fn holds_branches(&self) -> bool {
        let policy = self.replica.membership().and_then(|members| members.policy(POLICY_BRANCH_SWITCH));
        policy.as_deref() == Some(BranchSwitch::Hold.name().as_bytes())
    }
}
