//! A batch of disk changes as a plan for the tree.
//!
//! What other programs did, they did to what lay in the folder. The workspace may show something else by now: entries of
//! others that are not on disk yet. So everything is said of *nodes* and of the *versions* that were on disk, and never of
//! whatever the workspace happens to show at the same path. Whoever did something to an old version has not seen the
//! newer one: the newer one stays.

use std::collections::{BTreeMap, BTreeSet};

use weft_crdt::tree::{
    AuthorName, BlobRef, ContentValue, Created, DocumentFacts, NodeKind, PlanError, Planner, ShownNode,
};
use weft_crdt::{DocumentId, NodeId, OpId, RegisterEdit, TextDocument, Version};

use super::{DOCUMENT_BYTES_MAX, TEXT_BYTES_MAX, TakeError, TextSave};
use crate::mirror::{DiskChange, FileRef, Found, Kind, NodeBytes, RelPath, SaveBase};
use crate::workspace::contents::{Contents, Importer};
use crate::workspace::documents::Facts;
use crate::workspace::engine::Engine;
use crate::workspace::people::People as _;
use crate::workspace::save_base::deleted_text;
use crate::workspace::saves::{genesis_version, is_text};
use crate::workspace::show::OwnSteps;
use crate::workspace::version::FileVersion;

/// Names that are tried for a version that is kept beside another one.
const BESIDE_TRIES: usize = 1_000;

/// The known folders above what is new, by where they lie on disk.
pub(in crate::workspace) type KnownFolders = BTreeMap<RelPath, NodeBytes>;

/// What a batch comes to before it is written.
#[derive(Default)]
pub(super) struct BatchPlan {
    pub(super) edits: Vec<RegisterEdit>,
    pub(super) own: OwnSteps,
    pub(super) saves: Vec<TextSave>,
    /// What is to be written to the folder after this, whatever it holds.
    pub(super) again: Vec<NodeId>,
    /// The changes that were taken.
    pub(super) taken: Vec<Taken>,
    /// The changes that could not be taken, by their place in the batch, and why.
    pub(super) refused: Vec<(usize, String)>,
}

/// A change that was taken.
pub(super) struct Taken {
    /// Its place in the batch.
    pub(super) index: usize,
    /// What the path on disk holds now.
    pub(super) holds: Holds,
}

/// What a path on disk holds.
pub(super) enum Holds {
    /// What the workspace shows of the node.
    Node(NodeId),
    /// What the workspace shows at this path.
    Shown(String),
    /// A version that the workspace keeps elsewhere; the node is to be written here.
    Version(NodeId, FileVersion),
}

/// What the tree may ask, except that nobody has seen more of these documents than was on disk.
struct FactsOnDisk<'a> {
    facts: Facts<'a>,
    on_disk: BTreeMap<DocumentId, Version>,
}

impl DocumentFacts for FactsOnDisk<'_> {
    fn counting_beyond(&self, document: DocumentId, seen: &Version) -> bool {
        self.facts.counting_beyond(document, seen)
    }

    fn heads(&self, document: DocumentId) -> Version {
        self.on_disk.get(&document).cloned().unwrap_or_else(|| self.facts.heads(document))
    }

    fn author(&self, operation: &OpId) -> AuthorName {
        self.facts.author(operation)
    }

    fn author_beyond(&self, document: DocumentId, seen: &Version) -> AuthorName {
        self.facts.author_beyond(document, seen)
    }
}

/// Turns the changes of one batch into a plan.
struct BatchPlanner<'a> {
    engine: &'a Engine,
    contents: &'a Contents,
    planner: Planner<'a>,
    importer: Importer<'a>,
    folders: &'a KnownFolders,
    /// Renames that were planned, by paths of the workspace, in their order.
    renamed: Vec<(String, String)>,
    moved_nodes: BTreeSet<NodeId>,
    /// The change that is being planned.
    index: usize,
    plan: BatchPlan,
}

/// Something that is gone from the disk.
struct Removal {
    node: NodeId,
    kind: Kind,
    /// Where the workspace shows it.
    shown: String,
    /// Where it is as planned so far.
    path: String,
}

/// Plans a batch.
pub(super) fn plan(engine: &Engine, changes: &[DiskChange], folders: &KnownFolders) -> BatchPlan {
    let refuse_all = |reason: String| {
        let refused = (0..changes.len()).map(|index| (index, reason.clone())).collect();
        BatchPlan { refused, ..BatchPlan::default() }
    };
    let Some(contents) = &engine.contents else { return refuse_all(TakeError::NoKey.to_string()) };
    let facts = FactsOnDisk { facts: engine.facts(), on_disk: versions_on_disk(engine, changes) };
    let mut batch = BatchPlanner {
        engine,
        contents,
        planner: Planner::new(&engine.view, &facts, engine.ws.as_bytes()),
        importer: contents.importer(),
        folders,
        renamed: Vec::new(),
        moved_nodes: BTreeSet::new(),
        index: 0,
        plan: BatchPlan::default(),
    };
    // A name is taken away before it is given to something else.
    batch.take_each(changes, |change| matches!(change, DiskChange::Renamed { .. }));
    batch.remove(changes);
    batch.take_each(changes, |change| {
        !matches!(change, DiskChange::Renamed { .. } | DiskChange::Removed { .. })
    });
    let BatchPlanner { planner, importer, mut plan, .. } = batch;
    if let Err(error) = importer.finish() {
        tracing::error!("files could not be stored: {error}");
        return refuse_all(error.to_string());
    }
    plan.edits = planner.finish();
    plan
}

/// What was on disk of each document that a change replaces or removes.
fn versions_on_disk(engine: &Engine, changes: &[DiskChange]) -> BTreeMap<DocumentId, Version> {
    let versions = changes.iter().filter_map(|change| match change {
        DiskChange::Modified { node, base, .. } => Some((*node, &base.version)),
        DiskChange::Removed { node, version, .. } => Some((*node, version)),
        _ => None,
    });
    let texts = versions.filter_map(|(node, version)| match FileVersion::decode(version)? {
        FileVersion::Text(document, heads) => Some((document, heads)),
        FileVersion::Saved { document, base, .. } => Some((document, base)),
        // Whoever had the file as it was before its first edit has seen none.
        FileVersion::Blob(blob) => {
            let content = engine.shown_of(NodeId::from_bytes(node))?.1.content?;
            let ContentValue::Text { document, base } = &*content else { return None };
            let is_beginning = base.content == blob.content && engine.documents.borrow().is_edited(*document);
            is_beginning.then(|| genesis_version(*document, base, engine))?.map(|heads| (*document, heads))
        }
        FileVersion::Folder => None,
    });
    texts.collect()
}

impl BatchPlanner<'_> {
    fn take_each(&mut self, changes: &[DiskChange], wanted: impl Fn(&DiskChange) -> bool) {
        for (index, change) in changes.iter().enumerate().filter(|(_, change)| wanted(change)) {
            self.index = index;
            match self.take(change) {
                Ok(holds) => self.plan.taken.push(Taken { index, holds }),
                Err(error) => {
                    tracing::warn!(path = change.path().as_str(), "a change is not shared yet: {error}");
                    self.plan.refused.push((index, error.to_string()));
                }
            }
        }
    }

    fn take(&mut self, change: &DiskChange) -> Result<Holds, TakeError> {
        match change {
            DiskChange::Created { path, found: Found::Folder(_) } => self.new_folder(path),
            DiskChange::Created { path, found: Found::File(file) } => self.new_file(path, file, None),
            DiskChange::Modified { path, node, base, file } => {
                let node = NodeId::from_bytes(*node);
                match self.engine.shown_of(node) {
                    Some((shown, _)) => {
                        let at = self.planned(shown);
                        self.save(path, node, &at, file, Some(base))
                    }
                    // Deleted by somebody who had not seen this save.
                    None => self.new_file(path, file, Some(base)),
                }
            }
            DiskChange::Renamed { from, to, node, kind, .. } => {
                self.rename(from, to, NodeId::from_bytes(*node), *kind)
            }
            DiskChange::ModeChanged { path, node, executable, .. } => {
                let node = NodeId::from_bytes(*node);
                if let Some((shown, _)) = self.engine.shown_of(node) {
                    let at = self.planned(shown);
                    self.planner.set_executable(&at, *executable)?;
                    self.plan.own.written.insert(at);
                } else {
                    tracing::debug!(path = path.as_str(), "the mode of a deleted file changed");
                }
                Ok(Holds::Node(node))
            }
            DiskChange::Removed { node, .. } => Ok(Holds::Node(NodeId::from_bytes(*node))),
        }
    }

    /// Where a shown path is after the renames that were planned.
    fn planned(&self, mut path: String) -> String {
        for (from, to) in &self.renamed {
            if path == *from {
                path.clone_from(to);
            } else if let Some(rest) = path.strip_prefix(from.as_str()).filter(|rest| rest.starts_with('/')) {
                path = format!("{to}{rest}");
            }
        }
        path
    }

    /// Where the workspace has what lies at a place of the disk: in the folder that this device knows there, whatever
    /// that is called by now.
    fn place(&self, path: &RelPath) -> String {
        let text = path.as_str();
        let ancestors: Vec<&str> = path.ancestors().collect();
        for folder in ancestors.into_iter().rev() {
            let node = RelPath::parse(folder).ok().and_then(|folder| self.folders.get(&folder));
            let Some(node) = node else { continue };
            if let Some((shown, _)) = self.engine.shown_of(NodeId::from_bytes(*node)) {
                return self.planned(shown) + &text[folder.len()..];
            }
        }
        text.to_owned()
    }

    fn new_folder(&mut self, path: &RelPath) -> Result<Holds, TakeError> {
        let at = self.place(path);
        if let Some(shown) = self.engine.view.node_at(&at).filter(|shown| shown.kind == NodeKind::Folder)
            && !self.moved_nodes.contains(&shown.node)
        {
            return Ok(Holds::Node(shown.node));
        }
        let node = match self.planner.create_folder(&at) {
            Err(PlanError::Exists { .. }) => self.planner.create_folder_beside(&at)?,
            other => other?,
        };
        self.plan.own.added.insert(at);
        Ok(Holds::Node(node))
    }

    /// A file that is new here, or a save of one that somebody deleted.
    fn new_file(
        &mut self,
        path: &RelPath,
        file: &FileRef,
        base: Option<&SaveBase>,
    ) -> Result<Holds, TakeError> {
        let at = self.place(path);
        let blob = self.import(file)?;
        match self.planner.create_file(&at, blob.clone(), file.executable()) {
            Err(PlanError::Exists { .. }) => self.new_beside(&at, file, blob),
            other => {
                let created = other?;
                if !file.is_displaced() {
                    self.plan.own.added.insert(at.clone());
                }
                self.created(&at, file, base, created)
            }
        }
    }

    fn created(
        &mut self,
        at: &str,
        file: &FileRef,
        base: Option<&SaveBase>,
        created: Created,
    ) -> Result<Holds, TakeError> {
        let node = created.node();
        match created {
            Created::Written(_) => Ok(Holds::Node(node)),
            Created::CameBack { content, .. } => self.save_content(node, at, file, base, Some(&content)),
        }
    }

    /// Something of others has the name already: the same bytes are the same file, others are a file beside it.
    fn new_beside(&mut self, at: &str, file: &FileRef, blob: BlobRef) -> Result<Holds, TakeError> {
        let there = self.engine.view.node_at(at).filter(|shown| !self.moved_nodes.contains(&shown.node));
        if let Some(shown) = there.filter(|shown| shown.kind == NodeKind::File) {
            if self.engine.content_name(&shown) == Some(blob.content) {
                self.planner.set_executable(at, file.executable())?;
                self.plan.own.written.insert(at.to_owned());
                return Ok(Holds::Node(shown.node));
            }
            if self.engine.adoption.takes(at) || self.goes_on_from(&shown, file)? {
                self.plan.own.written.insert(at.to_owned());
                let content = shown.content.clone();
                return self.save_content(shown.node, at, file, None, content.as_deref());
            }
            self.plan.again.push(shown.node);
        }
        let created = self.planner.create_file_beside(at, blob, file.executable())?;
        self.plan.again.push(created.node());
        self.created(at, file, None, created)
    }

    /// Whether a text found here is what the workspace shows and more: nothing is lost when it becomes an edit of that.
    /// So it is after a crash that came between a save and the note of it.
    fn goes_on_from(&self, shown: &ShownNode, file: &FileRef) -> Result<bool, TakeError> {
        if file.size() > TEXT_BYTES_MAX {
            return Ok(false);
        }
        let bytes = match shown.content.as_deref() {
            Some(ContentValue::Blob(blob)) if blob.size <= TEXT_BYTES_MAX => self.contents.load(blob).ok(),
            Some(ContentValue::Text { document, .. }) => {
                self.engine.text_of(*document).ok().map(|(_, bytes)| bytes.to_vec())
            }
            _ => None,
        };
        let before = bytes.filter(|bytes| is_text(bytes)).and_then(|bytes| String::from_utf8(bytes).ok());
        let (Some(before), Some(now)) = (before, read_text(file)?) else { return Ok(false) };
        Ok(!before.is_empty() && deleted_text(&before, &now).is_empty())
    }

    fn save(
        &mut self,
        path: &RelPath,
        node: NodeId,
        at: &str,
        file: &FileRef,
        base: Option<&SaveBase>,
    ) -> Result<Holds, TakeError> {
        let content = self.engine.shown_of(node).and_then(|(_, shown)| shown.content);
        if file.is_displaced() || path.as_str() != at {
            // The disk does not hold the save under this name.
            self.plan.again.push(node);
        } else {
            self.plan.own.written.insert(at.to_owned());
        }
        self.save_content(node, at, file, base, content.as_deref())
    }

    fn save_content(
        &mut self,
        node: NodeId,
        at: &str,
        file: &FileRef,
        base: Option<&SaveBase>,
        content: Option<&ContentValue>,
    ) -> Result<Holds, TakeError> {
        match content {
            Some(ContentValue::Text { document, .. }) => {
                let is_known = base.is_none_or(|base| self.engine.is_version_of(*document, &base.version));
                if !is_known {
                    return self.keep_beside(node, at, file);
                }
                let text = if file.size() <= DOCUMENT_BYTES_MAX { read_text(file)? } else { None };
                if let Some(text) = text {
                    self.push_save(*document, text, base.cloned(), None, at);
                    return Ok(Holds::Node(node));
                }
            }
            Some(ContentValue::Blob(old)) => {
                if let Some(base) = base
                    && !is_blob(&base.version, old)
                {
                    return self.keep_beside(node, at, file);
                }
                if let Some(holds) = self.save_over_blob(node, at, file, old, base)? {
                    return Ok(holds);
                }
            }
            None => {}
        }
        let blob = self.import(file)?;
        Ok(Holds::Node(self.planner.write_content(at, blob)?))
    }

    fn push_save(
        &mut self,
        document: DocumentId,
        text: String,
        base: Option<SaveBase>,
        begins: Option<BlobRef>,
        at: &str,
    ) {
        let is_taken_back = self.engine.adoption.is_taken_back && self.engine.adoption.takes(at);
        self.plan.saves.push(TextSave { index: self.index, document, text, base, begins, is_taken_back });
    }

    /// A save over a file that nobody has edited yet; `None` when its new bytes are to be taken as a whole.
    fn save_over_blob(
        &mut self,
        node: NodeId,
        at: &str,
        file: &FileRef,
        old: &BlobRef,
        base: Option<&SaveBase>,
    ) -> Result<Option<Holds>, TakeError> {
        if file.size().max(old.size) > TEXT_BYTES_MAX {
            return Ok(None);
        }
        let bytes = file.read()?;
        if self.contents.content_id(&bytes) == old.content {
            return Ok(Some(Holds::Node(node)));
        }
        let is_old_text = self.contents.load(old).is_ok_and(|bytes| is_text(&bytes));
        let (true, Ok(text)) = (is_old_text && is_text(&bytes), String::from_utf8(bytes)) else {
            return Ok(None);
        };
        let document = self.planner.convert(at)?;
        self.push_save(document, text, base.cloned(), Some(old.clone()), at);
        Ok(Some(Holds::Node(node)))
    }

    /// A save whose writer had something else before him than what the file is by now: it is kept beside it.
    fn keep_beside(&mut self, node: NodeId, at: &str, file: &FileRef) -> Result<Holds, TakeError> {
        let blob = self.import(file)?;
        let now = self.engine.shown_of(node).and_then(|(_, shown)| self.engine.content_name(&shown));
        if now == Some(blob.content) {
            // Others have saved the same.
            return Ok(Holds::Node(node));
        }
        let own = self.engine.replica.user();
        let author = self.engine.authors.author_name(Some(own)).name_part();
        let (folder, name) = at.rsplit_once('/').map_or(("", at), |(folder, name)| (folder, name));
        let (stem, extension) = match name.rfind('.').filter(|at| *at > 0) {
            Some(dot) => name.split_at(dot),
            None => (name, ""),
        };
        let names = (1..BESIDE_TRIES).map(|n| match n {
            1 => format!("{stem} (conflict, {author}){extension}"),
            n => format!("{stem} (conflict, {author} {n}){extension}"),
        });
        for name in names {
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            match self.planner.create_file(&path, blob.clone(), file.executable()) {
                Ok(Created::Written(_)) => {
                    self.plan.again.push(node);
                    return Ok(Holds::Version(node, FileVersion::Blob(blob)));
                }
                // Something of that name is there, or was there with other bytes.
                Ok(Created::CameBack { .. }) | Err(PlanError::Exists { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(PlanError::Exists { path: at.to_owned() }.into())
    }

    fn rename(&mut self, from: &RelPath, to: &RelPath, node: NodeId, kind: Kind) -> Result<Holds, TakeError> {
        let target = self.place(to);
        let Some((shown, _)) = self.engine.shown_of(node) else {
            // Deleted by somebody who had not seen this rename.
            self.planner.rename_node(node, &target)?;
            self.plan.own.added.insert(target);
            return Ok(Holds::Node(node));
        };
        let source = self.planned(shown);
        if source == target {
            return Ok(Holds::Node(node));
        }
        match self.planner.rename(&source, &target) {
            Err(PlanError::NeedsContent { document, .. }) if kind == Kind::File => {
                let (_, text) = self.engine.text_of(document)?;
                let blob = self.importer.add(&text)?;
                self.planner.rename_with_content(&source, &target, blob)?;
            }
            Err(PlanError::Exists { .. } | PlanError::NotAFolder { .. }) => {
                self.planner.rename_node(node, &target)?;
                self.plan.again.extend(self.engine.view.node_at(&target).map(|shown| shown.node));
                self.plan.again.push(node);
            }
            Err(PlanError::IntoItself { .. }) => {
                // Somebody has moved the target into what is moved here: the tree tells which of the moves holds.
                let folder = to.parent().and_then(|folder| self.folders.get(&folder));
                match folder {
                    Some(folder) => {
                        let folder = NodeId::from_bytes(*folder);
                        self.planner.move_into_own_part(node, folder, to.file_name())?;
                    }
                    None => self.planner.rename_node(node, to.as_str())?,
                }
                self.plan.again.push(node);
                return Ok(Holds::Node(node));
            }
            other => other?,
        }
        if source == from.as_str() && target == to.as_str() {
            self.plan.own.moved.insert((source.clone(), target.clone()));
        } else {
            self.plan.again.push(node);
        }
        let is_real = self.engine.view.node_at(&source).is_none_or(|shown| shown.computed.is_none());
        self.moved_nodes.insert(node);
        self.renamed.push((source, target.clone()));
        Ok(if is_real { Holds::Node(node) } else { Holds::Shown(target) })
    }

    fn remove(&mut self, changes: &[DiskChange]) {
        let mut removals = Vec::new();
        for (index, change) in changes.iter().enumerate() {
            let DiskChange::Removed { path, node, kind, version } = change else { continue };
            let node = NodeId::from_bytes(*node);
            self.plan.taken.push(Taken { index, holds: Holds::Node(node) });
            let Some((shown, what)) = self.engine.shown_of(node) else {
                self.plan.own.removed.insert(path.as_str().to_owned());
                continue;
            };
            let is_where_it_was = self.planned(shown.clone()) == self.place(path);
            if !is_where_it_was || (*kind == Kind::File && !self.engine.is_seen(&what, version)) {
                // An edit or a rename that the remover has not seen beats the removal.
                self.plan.again.push(node);
                continue;
            }
            let path = self.planned(shown.clone());
            removals.push(Removal { node, kind: *kind, shown, path });
        }
        self.keep_folders_with_others(&mut removals);
        let paths: Vec<&str> = removals.iter().map(|removal| removal.path.as_str()).collect();
        if paths.is_empty() {
            return;
        }
        if let Err(error) = self.planner.delete(&paths) {
            tracing::warn!("what was removed is removed one by one: {error}");
            for path in &paths {
                if let Err(error) = self.planner.delete(&[path]) {
                    tracing::warn!(path, "a removal is not shared: {error}");
                }
            }
        }
        self.plan.own.removed.extend(removals.into_iter().map(|removal| removal.path));
    }

    /// A folder stays while there is something in it that its remover has not seen.
    fn keep_folders_with_others(&mut self, removals: &mut Vec<Removal>) {
        let mut gone: BTreeSet<NodeId> = removals.iter().map(|removal| removal.node).collect();
        // Innermost first.
        removals.sort_by(|a, b| b.shown.cmp(&a.shown));
        removals.retain(|removal| {
            if removal.kind == Kind::File {
                return true;
            }
            let inside = self.engine.view.children(&removal.shown).unwrap_or_default();
            let is_left = |shown: &ShownNode| {
                !gone.contains(&shown.node)
                    && !self.moved_nodes.contains(&shown.node)
                    && shown.problem.is_none()
            };
            let stays = inside.values().any(is_left);
            if stays {
                gone.remove(&removal.node);
                self.plan.again.push(removal.node);
            }
            !stays
        });
    }

    fn import(&mut self, file: &FileRef) -> Result<BlobRef, TakeError> {
        Ok(match file.bytes() {
            Some(bytes) => self.importer.add(bytes)?,
            None => self.importer.add_stream(file.open()?)?,
        })
    }
}

fn read_text(file: &FileRef) -> Result<Option<String>, TakeError> {
    let bytes = file.read()?;
    Ok(if is_text(&bytes) { String::from_utf8(bytes).ok() } else { None })
}

fn is_blob(version: &[u8], blob: &BlobRef) -> bool {
    matches!(FileVersion::decode(version), Some(FileVersion::Blob(held)) if held.content == blob.content)
}

impl Engine {
    /// Where a node is shown, and what is shown of it.
    pub(super) fn shown_of(&self, node: NodeId) -> Option<(String, ShownNode)> {
        let path = self.view.path_of(node)?;
        let shown = self.view.node_at(&path)?;
        (shown.kind == NodeKind::Folder || shown.node == node).then_some((path, shown))
    }

    /// Names the bytes that a file shows.
    fn content_name(&self, shown: &ShownNode) -> Option<weft_crdt::ContentId> {
        match shown.content.as_deref()? {
            ContentValue::Blob(blob) => Some(blob.content),
            ContentValue::Text { document, .. } => self.text_content(*document),
        }
    }

    /// Whether a version on disk is one of a document's. It is none any more when changes in it were taken back.
    fn is_version_of(&self, document: DocumentId, version: &[u8]) -> bool {
        match FileVersion::decode(version) {
            Some(FileVersion::Text(held, heads) | FileVersion::Saved { document: held, base: heads, .. }) => {
                let has = |text: &mut TextDocument| heads.hashes().iter().all(|hash| text.contains(hash));
                // Of one that cannot be read now, the save says so.
                held == document && self.with_text(document, has).unwrap_or(true)
            }
            Some(FileVersion::Blob(blob)) => {
                self.bases.get(&document).is_some_and(|begins| begins.content == blob.content)
            }
            _ => false,
        }
    }

    /// Whether somebody who saw this version of a file saw all that it shows now.
    fn is_seen(&self, shown: &ShownNode, version: &[u8]) -> bool {
        match (FileVersion::decode(version), shown.content.as_deref()) {
            (_, None) => true,
            (Some(FileVersion::Blob(held)), Some(ContentValue::Blob(now))) => held.content == now.content,
            (Some(FileVersion::Blob(held)), Some(ContentValue::Text { document, base })) => {
                held.content == base.content && !self.documents.borrow().is_edited(*document)
            }
            (Some(FileVersion::Text(held, heads)), Some(ContentValue::Text { document, .. })) => {
                held == *document && self.facts().heads(*document) == heads
            }
            _ => false,
        }
    }
}
