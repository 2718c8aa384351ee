//! What is shown, on its way to the folder.
//!
//! Files are written by node: whatever path and content a node has when its turn comes is
//! written. One write of a node is on its way at a time; what changes meanwhile follows in one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weft_crdt::tree::{ConflictSource, ContentValue, NodeKind, ShownChange, ShownNode};
use weft_crdt::{DocumentId, NodeId};
use weft_store::{ReadError, Space, Table};
use weft_sync::ids::Timestamp;

use super::deliver::Dirty;
use super::documents::{Facts, LoadError};
use super::engine::{Engine, Output};
use super::version::FileVersion;
use crate::folder::{FolderJob, PlannedContent, PlannedWrite, Written};
use crate::mirror::{HoldReason, Kind, MirrorRow, Obstacle, RelPath, WriteOutcome};

/// How long after a failed write it is tried again.
const RETRY_MILLIS: u64 = 2_000;
/// How long after a step that the folder did not take the whole folder is compared; twice as long each time that does
/// not help.
const COMPARE_MILLIS: u64 = 50;
/// The longest pause before that.
const COMPARE_MILLIS_MAX: u64 = 15_000;
/// How long a file waits that somebody else has changed in the folder; twice as long each time.
const CHANGED_MILLIS: u64 = 10;
/// How often that is doubled at most.
const CHANGED_DOUBLINGS_MAX: u32 = 7;
/// How often a file is found changed before the whole folder is compared.
const TRIES_BEFORE_COMPARING: u32 = 4;
/// Files that are handed to the folder thread at a time.
const IN_FLIGHT_MAX: usize = 2_048;

/// What the folder still lacks.
#[derive(Debug, Default)]
pub(crate) struct ShowPlan {
    /// Moves, removals and folders, in their order.
    ops: Vec<PlannedWrite>,
    /// Nodes whose file is to be written.
    due: BTreeSet<NodeId>,
    /// Nodes whose file is to be written then.
    later: BTreeMap<NodeId, Timestamp>,
    /// Nodes of which something that is no file has the place, and when they are tried again. Nobody waits for them.
    blocked: BTreeSet<NodeId>,
    blocked_until: Option<Timestamp>,
    /// Nodes whose write is on its way.
    in_flight: BTreeMap<NodeId, RelPath>,
    ops_in_flight: usize,
    /// How often in a row the file of a node was found changed when it was to be written.
    tries: BTreeMap<NodeId, u32>,
    /// What a disk batch that is being taken has done already.
    own: Option<OwnSteps>,
    /// Why the folder is left alone.
    pub(super) hold: Option<HoldReason>,
    /// Paths that are not written, and why.
    problems: BTreeMap<String, String>,
    /// When the whole folder is to be compared, because a step in it was not taken.
    compare_at: Option<Timestamp>,
    /// Nothing new begins before that, so that there is a moment at which nothing is on its way.
    waits_for_rest: bool,
    /// The pause before the next comparison; none while steps are taken.
    compare_pause: Option<u64>,
    /// Whether nothing is written before the folder was looked at once.
    pub(super) waits_for_scan: bool,
}

/// Steps that other programs have taken in the folder already.
#[derive(Debug, Default)]
pub(super) struct OwnSteps {
    /// Paths at which something new was found.
    pub(super) added: BTreeSet<String>,
    /// Paths at which something is gone.
    pub(super) removed: BTreeSet<String>,
    /// Moves.
    pub(super) moved: BTreeSet<(String, String)>,
    /// Paths whose content or mode is as it was found.
    pub(super) written: BTreeSet<String>,
}

impl ShowPlan {
    /// Nothing to show yet; nothing is written before the folder was looked at.
    pub(super) fn new() -> Self {
        Self { waits_for_scan: true, ..Self::default() }
    }

    /// Wants the file of a node written.
    pub(super) fn mark(&mut self, node: NodeId) {
        self.due.insert(node);
    }

    pub(super) fn problem(&mut self, path: String, reason: String) {
        self.problems.insert(path, reason);
    }

    /// What was wrong at a path is not any more.
    pub(super) fn solved(&mut self, path: &str) {
        self.problems.remove(path);
    }

    pub(super) fn begin_own(&mut self, own: OwnSteps) {
        self.own = Some(own);
    }

    pub(super) fn end_own(&mut self) {
        self.own = None;
    }

    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        if self.hold.is_some() || self.waits_for_scan {
            return None;
        }
        self.later.values().min().copied().into_iter().chain(self.compare_at).chain(self.blocked_until).min()
    }

    /// Steps that are not on disk yet.
    pub(super) fn outstanding(&self) -> usize {
        self.ops.len() + self.ops_in_flight + self.due.len() + self.later.len() + self.in_flight.len()
    }

    /// Whether nothing is on its way to the folder.
    fn is_at_rest(&self) -> bool {
        self.ops_in_flight == 0 && self.in_flight.is_empty()
    }

    /// Lets the whole folder be compared before long.
    fn compare_soon(&mut self, now: Timestamp) {
        if self.compare_at.is_none() {
            let pause = self.compare_pause.unwrap_or(COMPARE_MILLIS);
            self.compare_at = Some(now.plus_millis(pause));
            self.compare_pause = Some((pause * 2).min(COMPARE_MILLIS_MAX));
        }
    }

    /// Paths that are not written, and why.
    pub(super) fn problems(&self) -> impl Iterator<Item = (&str, &str)> {
        self.problems.iter().map(|(path, reason)| (path.as_str(), reason.as_str()))
    }
}

impl Engine {
    /// What is shown and not in the folder yet, for people.
    pub(crate) fn outstanding(&self) -> String {
        format!("{:?}, to be fetched: {:?}", self.show, self.fetches)
    }

    /// Shows what changed in the tree.
    pub(super) fn refresh(&mut self, dirty: &Dirty) {
        let mut named = Vec::new();
        if std::mem::take(&mut self.names_may_change) {
            // Rare. Where several values stand, conflict copies are named after their authors.
            named.extend(self.tree.keys().map(str::to_owned));
            named.retain(|key| self.tree.values(key).count() > 1 || key.contains(".r."));
        }
        let facts = Facts {
            documents: &self.documents,
            bases: &self.bases,
            contents: self.contents.as_ref(),
            authors: &self.authors,
            opener: &self.replica,
        };
        let keys = dirty.keys.iter().chain(&named).map(String::as_str);
        let documents = dirty.texts.keys().copied();
        let changes = self.view.refresh(&self.tree, keys, documents, &facts);
        self.shown_size.set(None);
        self.known_digests.take();
        for change in changes {
            if let Some(feed) = &self.feed {
                feed.shown(&change);
            }
            self.plan_step(change);
        }
    }

    fn plan_step(&mut self, change: ShownChange) {
        let own = self.show.own.as_ref();
        match change {
            ShownChange::Added { path, kind } => {
                let Some(shown) = self.view.node_at(&path) else { return };
                if own.is_some_and(|own| own.added.contains(&path)) {
                    return;
                }
                match kind {
                    NodeKind::File => self.show.mark(shown.node),
                    NodeKind::Folder => {
                        let node = shown.node;
                        self.plan_op(&path, |path| PlannedWrite::MakeFolder { path, node });
                    }
                }
            }
            ShownChange::Removed { path, kind, node } => {
                if own.is_some_and(|own| own.removed.contains(&path)) {
                    return;
                }
                match kind {
                    NodeKind::File => {
                        let node = node.map(|node| *node.as_bytes());
                        self.plan_op(&path, |path| PlannedWrite::Remove { path, node });
                    }
                    NodeKind::Folder => self.plan_op(&path, |path| PlannedWrite::RemoveFolder { path }),
                }
            }
            ShownChange::Moved { from, to, kind } => {
                let step = (from, to);
                if own.is_some_and(|own| own.moved.contains(&step)) {
                    return;
                }
                let Ok(from) = RelPath::parse(&step.0) else { return };
                // A folder can be several nodes, of which the oldest is named.
                let file = self.view.node_at(&step.1).filter(|_| kind == NodeKind::File);
                let node = file.map(|shown| *shown.node.as_bytes());
                let kind = if kind == NodeKind::File { Kind::File } else { Kind::Folder };
                self.plan_op(&step.1, |to| PlannedWrite::Rename { from, to, kind, node });
            }
            ShownChange::Content { path } => {
                if own.is_some_and(|own| own.written.contains(&path)) {
                    return;
                }
                if let Some(shown) = self.view.node_at(&path) {
                    self.show.mark(shown.node);
                }
            }
            ShownChange::Executable { path } => {
                if own.is_some_and(|own| own.written.contains(&path) || own.added.contains(&path)) {
                    return;
                }
                if let Some(shown) = self.view.node_at(&path) {
                    let executable = shown.executable;
                    self.plan_op(&path, |path| PlannedWrite::SetExecutable { path, executable });
                }
            }
        }
    }

    fn plan_op(&mut self, path: &str, op: impl FnOnce(RelPath) -> PlannedWrite) {
        match RelPath::parse(path) {
            Ok(path) => self.show.ops.push(op(path)),
            Err(error) => self.show.problem(path.to_owned(), error.to_string()),
        }
    }

    /// The text of a document changed: the files that show it are written.
    pub(super) fn text_changed(&mut self, document: DocumentId) {
        let nodes: Vec<NodeId> = self.view.nodes_of_document(document).collect();
        for node in nodes {
            let Some(path) = self.view.path_of(node) else { continue };
            let shown = self.view.node_at(&path);
            let content = shown.and_then(|shown| shown.content);
            if content.is_some_and(|content| content.document() == Some(document)) {
                self.show.mark(node);
                continue;
            }
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for (_, sibling) in self.view.children(folder).into_iter().flatten() {
                let source = sibling.computed.map(|computed| computed.source);
                if source == Some(ConflictSource::Document(document)) {
                    self.show.mark(sibling.node);
                }
            }
        }
    }

    /// Hands to the folder what is due.
    pub(super) fn show_due(&mut self) {
        if self.show.hold.is_some() || self.show.waits_for_scan {
            return;
        }
        let now = self.now;
        if self.show.waits_for_rest || self.show.compare_at.is_some_and(|at| at <= now) {
            if self.show.is_at_rest() {
                self.show.compare_at = None;
                if let Err(error) = self.reconcile() {
                    tracing::error!("what the folder lacks cannot be told: {error}");
                }
            } else {
                // Nothing new begins until all that is on its way has been answered.
                self.show.compare_at = Some(now.plus_millis(COMPARE_MILLIS));
                self.show.waits_for_rest = true;
            }
            return;
        }
        let ready: Vec<NodeId> =
            self.show.later.iter().filter(|(_, at)| **at <= now).map(|(node, _)| *node).collect();
        for node in ready {
            self.show.later.remove(&node);
            self.show.due.insert(node);
        }
        if self.show.blocked_until.is_some_and(|at| at <= now) {
            self.show.blocked_until = None;
            let blocked = std::mem::take(&mut self.show.blocked);
            self.show.due.extend(blocked);
        }
        let mut writes = std::mem::take(&mut self.show.ops);
        self.show.ops_in_flight += writes.len();
        let room = IN_FLIGHT_MAX.saturating_sub(self.show.in_flight.len());
        let free = self.show.due.iter().filter(|node| !self.show.in_flight.contains_key(*node));
        let mut nodes: Vec<NodeId> = free.take(room).copied().collect();
        // Folder by folder: that is how they are fetched and written.
        nodes.sort_by_cached_key(|node| self.view.path_of(*node));
        for node in nodes {
            self.show.due.remove(&node);
            if let Some(write) = self.plan_file(node) {
                self.show.in_flight.insert(node, write.path().clone());
                writes.push(write);
            }
        }
        if !writes.is_empty() {
            self.out.push(Output::Folder(FolderJob::Write(writes)));
        }
    }

    fn plan_file(&mut self, node: NodeId) -> Option<PlannedWrite> {
        let path = self.view.path_of(node)?;
        let shown = self.view.node_at(&path).filter(|shown| shown.node == node)?;
        if let Some(problem) = &shown.problem {
            self.show.problem(path, problem.to_string());
            return None;
        }
        let place = match RelPath::parse(&path) {
            Ok(place) => place,
            Err(error) => {
                self.show.problem(path, error.to_string());
                return None;
            }
        };
        if shown.kind == NodeKind::Folder {
            return Some(PlannedWrite::MakeFolder { path: place, node });
        }
        let executable = shown.executable;
        let (version, content) = self.content_to_write(node, &shown)?;
        Some(PlannedWrite::File { path: place, node, version: version.encode(), content, executable })
    }

    /// The bytes of a shown file; `None` while they are not here.
    fn content_to_write(&mut self, node: NodeId, shown: &ShownNode) -> Option<(FileVersion, PlannedContent)> {
        let content = shown.content.clone()?;
        match &*content {
            ContentValue::Blob(blob) => {
                let contents = self.contents.as_ref()?;
                if contents.is_here(blob).unwrap_or(false) {
                    return Some((FileVersion::Blob(blob.clone()), PlannedContent::Blob(blob.clone())));
                }
                self.fetches.want_file(node, blob);
                None
            }
            ContentValue::Text { document, base } => {
                let (document, base) = (*document, base.clone());
                match self.text_of(document) {
                    Ok((version, bytes)) => {
                        self.keep_text(document, &version);
                        Some((version, PlannedContent::Bytes(bytes)))
                    }
                    Err(LoadError::BaseMissing) => {
                        // Of several that the tree may name, the one that the text is read from.
                        let base = self.bases.get(&document).unwrap_or(&base);
                        self.fetches.want(document, base);
                        None
                    }
                    Err(error) => {
                        tracing::error!("a text cannot be shown: {error}");
                        None
                    }
                }
            }
        }
    }

    /// The text of a document, and the version that it is.
    pub(crate) fn text_of(&self, document: DocumentId) -> Result<(FileVersion, Arc<[u8]>), LoadError> {
        let base = self.bases.get(&document).ok_or(LoadError::BaseMissing)?;
        let contents = self.contents.as_ref().ok_or(LoadError::BaseMissing)?;
        let mut documents = self.documents.borrow_mut();
        let text = documents.load(document, base, contents, &self.replica)?;
        let version = FileVersion::Text(document, text.heads().clone());
        let bytes: Arc<[u8]> = text.text().into_bytes().into();
        self.texts.put(version.encode(), Arc::clone(&bytes));
        Ok((version, bytes))
    }

    /// Writes are done, or not.
    pub(crate) fn disk_written(&mut self, written: Vec<Written>) {
        for write in written {
            match write.node {
                Some(node) if self.show.in_flight.remove(&node).is_some() => {}
                _ => self.show.ops_in_flight = self.show.ops_in_flight.saturating_sub(1),
            }
            self.take_outcome(write);
        }
        self.show_due();
    }

    fn take_outcome(&mut self, written: Written) {
        let path = written.path.as_str();
        let is_taken = matches!(written.outcome, WriteOutcome::Done | WriteOutcome::Later { .. });
        if !is_taken && written.node.is_none() {
            // A move or a removal that was not done: what lies in the folder is not what was thought.
            self.show.compare_soon(self.now);
        }
        match written.outcome {
            WriteOutcome::Done => {
                if let Some(node) = written.node {
                    self.show.tries.remove(&node);
                }
                if self.show.problems.remove(path).is_some() {
                    self.show.compare_pause = None;
                }
            }
            // What is there is reported, merged, and marked again by that.
            WriteOutcome::Changed | WriteOutcome::Held(_) => {
                let pause = self.pause_of(&written);
                self.again(&written, self.now.plus_millis(pause));
            }
            WriteOutcome::Later { at_millis } => self.again(&written, Timestamp(at_millis)),
            WriteOutcome::Blocked(obstacle) => {
                // A folder with files that are not shared stays, which is no problem of anybody's.
                if obstacle != Obstacle::NotEmpty {
                    self.show.problem(path.to_owned(), obstacle.to_string());
                }
                // Nothing that is shared will make room, so nothing tells when there is.
                if let (Obstacle::NotAFile, Some(node)) = (obstacle, written.node) {
                    self.show.blocked.insert(node);
                    self.show.blocked_until.get_or_insert(self.now.plus_millis(RETRY_MILLIS));
                }
                // Often something of ours that is yet to make room.
                if obstacle == Obstacle::Occupied {
                    self.show.compare_soon(self.now);
                }
            }
            WriteOutcome::Failed(ref error) => {
                let reason = format!("not written yet ({error}); it is kept and tried again");
                self.show.problem(path.to_owned(), reason);
                self.again(&written, self.now.plus_millis(RETRY_MILLIS));
            }
        }
    }

    /// How long a file waits that could not be written over what lies in the folder: the next look at that should tell
    /// what it is. Where it does not, the whole folder is compared.
    fn pause_of(&mut self, written: &Written) -> u64 {
        let Some(node) = written.node else { return CHANGED_MILLIS };
        let tries = self.show.tries.entry(node).or_default();
        *tries = tries.saturating_add(1);
        let pause = CHANGED_MILLIS << (*tries).min(CHANGED_DOUBLINGS_MAX);
        if *tries >= TRIES_BEFORE_COMPARING {
            self.show.compare_soon(self.now);
        }
        pause
    }

    /// Lets what is at a path be written later, by node, whatever its path is then.
    fn again(&mut self, written: &Written, at: Timestamp) {
        let node = written.node.or_else(|| self.view.node_at(written.path.as_str()).map(|n| n.node));
        let Some(node) = node else { return };
        self.show.later.insert(node, at);
        if written.node.is_some() {
            return;
        }
        // A move that did not happen: everything in the folder is written where it belongs.
        let mut open = vec![written.path.as_str().to_owned()];
        while let Some(folder) = open.pop() {
            for (name, child) in self.view.children(&folder).into_iter().flatten() {
                self.show.later.insert(child.node, at);
                if child.kind == NodeKind::Folder {
                    open.push(format!("{folder}/{name}"));
                }
            }
        }
    }

    /// Compares the whole folder, because the tree was read anew, as soon as nothing is on its way to the folder: what
    /// it is known to hold is another thing before that.
    pub(super) fn compare_folder(&mut self) {
        self.show.ops.clear();
        self.show.compare_at = Some(self.now);
        self.show.waits_for_rest = true;
        self.show_due();
    }

    /// Compares what is shown with what the folder is known to hold, after a start.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn reconcile(&mut self) -> Result<(), ReadError> {
        let mut rows = BTreeMap::new();
        for (key, value) in self.store.records(Space::workspace(self.ws, Table::Mirror), &[])? {
            if key.first() == Some(&0)
                && let Ok(row) = postcard::from_bytes::<MirrorRow>(&value)
            {
                rows.insert(row.path.as_str().to_owned(), row);
            }
        }
        // Steps that still wait are among what is found here, and so is what cannot be done.
        self.show.ops.clear();
        self.show.problems.clear();
        self.show.waits_for_rest = false;
        let mut missing = Vec::new();
        let mut removed: Vec<MirrorRow> = Vec::new();
        self.view.for_each(|path, shown| {
            let row = rows.remove(path);
            let is_held =
                row.as_ref().is_some_and(|row| row.node == *shown.node.as_bytes() && self.holds(row, &shown));
            if !is_held {
                missing.push(shown.node);
            }
            // A file cannot take the place of a folder, nor a folder that of a file.
            let is_folder = shown.content.is_none();
            removed.extend(row.filter(|row| (row.kind == Kind::Folder) != is_folder));
        });
        removed.extend(rows.into_values());
        if removed.is_empty() && missing.is_empty() {
            self.show.compare_pause = None;
        }
        // Inner ones first.
        removed.sort_unstable_by(|a, b| b.path.cmp(&a.path));
        for row in removed {
            self.show.ops.push(match row.kind {
                Kind::File => PlannedWrite::Remove { path: row.path, node: Some(row.node) },
                Kind::Folder => PlannedWrite::RemoveFolder { path: row.path },
            });
        }
        self.show.due.extend(missing);
        self.show_due();
        self.fetch_due();
        Ok(())
    }

    fn holds(&self, row: &MirrorRow, shown: &ShownNode) -> bool {
        let Some(content) = &shown.content else { return row.kind == Kind::Folder };
        if row.executable != shown.executable {
            return false;
        }
        match (FileVersion::decode(&row.version), &**content) {
            // What the folder holds must be in the store as well: others may ask for it.
            (Some(FileVersion::Blob(held)), ContentValue::Blob(blob)) => {
                held.content == blob.content && self.is_here(blob)
            }
            (Some(FileVersion::Text(held, heads)), ContentValue::Text { document, .. }) => {
                held == *document
                    && matches!(self.text_of(*document), Ok((FileVersion::Text(_, now), _)) if now == heads)
            }
            (Some(FileVersion::Blob(held)), ContentValue::Text { document, base }) => {
                held.content == base.content
                    && !self.documents.borrow().is_edited(*document)
                    && self.is_here(base)
            }
            _ => false,
        }
    }
}
