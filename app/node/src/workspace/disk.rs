//! What other programs did in the folder, as edits.
//!
//! One batch becomes one write: first what it does to the tree, then what it does to texts.

use std::collections::BTreeMap;

use weft_crdt::tree::{BlobRef, ContentValue, Created, PlanError, Planner};
use weft_crdt::{Author, Change, DocumentId, NodeId, Version};
use weft_sync::data::Origin;

use super::contents::{ImportError, Importer};
use super::deliver::Dirty;
use super::engine::{Engine, Output};
use super::people::People;
use super::saves::{self, is_text};
use super::show::OwnSteps;
use super::version::FileVersion;
use crate::folder::{Accepted, FolderJob};
use crate::mirror::{DiskChange, Evidence, FileRef, Found, Kind, ReadError, RelPath, SaveBase};

/// Most bytes of a text that becomes a document.
pub(crate) const TEXT_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// Most bytes that a document may grow to.
pub(crate) const DOCUMENT_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Inserted characters from which a save is named by its content.
const NAMED_CHARS_MIN: usize = 64;

/// Why one change could not be taken; the others of the batch are.
#[derive(Debug, thiserror::Error)]
enum TakeError {
    #[error("{0}")]
    Plan(#[from] PlanError),
    #[error("the file changed while it was read")]
    Read(#[from] ReadError),
    #[error("{0}")]
    Import(#[from] ImportError),
    #[error("the workspace's key is not here yet")]
    NoKey,
}

/// A save of a file that is to become an edit of its text.
struct TextSave {
    path: String,
    /// What the mirror called the bytes that the save was made from.
    base_name: Option<Vec<u8>>,
    document: DocumentId,
    text: String,
    /// What the writer saw, as far as is known.
    base: Option<Version>,
    /// What the document begins with, when the tree does not say it yet.
    begins: Option<BlobRef>,
}

/// What a batch comes to before it is written.
#[derive(Default)]
struct BatchPlan {
    own: OwnSteps,
    saves: Vec<TextSave>,
    removed: Vec<String>,
    /// The changes that were taken, by their place, and where to look for the node.
    taken: Vec<(usize, RelPath)>,
}

impl Engine {
    /// Takes a batch of the mirror.
    pub(crate) fn disk_changed(
        &mut self,
        batch: u64,
        changes: &[DiskChange],
        forgotten: &[RelPath],
        origin: Origin,
    ) {
        let (plan, edits) = self.plan_batch(changes);
        let is_batch = changes.len() > 1;
        let mut dirty = Dirty::default();
        let mut made: Vec<(DocumentId, Change, bool)> = Vec::new();
        if !edits.is_empty() {
            match self.tree.edit(Author::ContentNamed, &edits, self.seconds()) {
                Ok(edited) => {
                    dirty.keys.extend(edited.changed_keys);
                    self.note_own(&edited.changes);
                    push_parts(&mut made, self.tree.id(), edited.changes);
                }
                Err(error) => tracing::error!("a change of the folder cannot be shared: {error}"),
            }
        }
        self.show.begin_own(plan.own);
        let _ = self.take_bases(&dirty.keys);
        self.refresh(&dirty);
        self.show.end_own();
        let mut merged = BTreeMap::new();
        for save in plan.saves {
            let (path, base) = (save.path.clone(), save.base_name.clone());
            if self.take_save(save, is_batch, &mut made) {
                merged.insert(path, base);
            }
        }
        let accepted = plan.taken.into_iter().map(|(index, path)| {
            let mut accepted = self.accepted(index, &path);
            // The folder holds what the writer saved, which is no version of the merged text. Until
            // that is written, a further save counts as made from the same base: at worst text
            // of this writer comes twice, never does text of others go.
            if let Some(Some(base)) = merged.remove(path.as_str()) {
                accepted.version = base;
            }
            accepted
        });
        let accepted = accepted.collect();
        for path in forgotten {
            if let Some(shown) = self.view.node_at(path.as_str()) {
                self.show.mark(shown.node);
            }
        }
        if made.is_empty() {
            self.out.push(Output::Folder(FolderJob::Accept { batch, accepted }));
        } else {
            self.out.push(Output::Commit {
                batch: None,
                writes: vec![weft_store::Write::SyncChunks],
                own: Vec::new(),
            });
            self.write(origin, made, Some((batch, accepted)));
        }
        self.show_due();
        self.fetch_due();
    }

    /// Notes that this person made these changes of the tree.
    pub(super) fn note_own(&mut self, changes: &[Change]) {
        let user = self.replica.user();
        for change in changes {
            // The entry is not made yet: any other carrier with a lower id may still take its place.
            let last = weft_sync::ids::EntryId::from_bytes([0xff; 32]);
            self.authors.note(change.actor(), last, user);
        }
    }

    fn plan_batch(&mut self, changes: &[DiskChange]) -> (BatchPlan, Vec<weft_crdt::RegisterEdit>) {
        let mut plan = BatchPlan::default();
        let Some(contents) = self.contents.clone() else {
            return (plan, Vec::new());
        };
        let facts = self.facts();
        let mut planner = Planner::new(&self.view, &facts, self.ws.as_bytes());
        let mut importer = contents.importer();
        for (index, change) in changes.iter().enumerate() {
            let taken = self.plan_change(change, &mut planner, &mut importer, &mut plan);
            match taken {
                Ok(()) => plan.taken.push((index, change.path().clone())),
                Err(error) => {
                    tracing::warn!(path = change.path().as_str(), "a change is not shared: {error}");
                }
            }
        }
        if let Err(error) = importer.finish() {
            tracing::error!("files could not be stored: {error}");
            return (BatchPlan::default(), Vec::new());
        }
        let removed: Vec<&str> = plan.removed.iter().map(String::as_str).collect();
        if !removed.is_empty()
            && let Err(error) = planner.delete(&removed)
        {
            tracing::warn!("a removal is not shared: {error}");
        }
        let edits = planner.finish();
        (plan, edits)
    }

    fn plan_change(
        &self,
        change: &DiskChange,
        planner: &mut Planner<'_>,
        importer: &mut Importer<'_>,
        plan: &mut BatchPlan,
    ) -> Result<(), TakeError> {
        match change {
            DiskChange::Created { path, found: Found::Folder(_) } => {
                if planner_has_folder(self, path) {
                    return Ok(());
                }
                planner.create_folder(path.as_str())?;
                plan.own.added.insert(path.as_str().to_owned());
            }
            DiskChange::Created { path, found: Found::File(file) } => {
                if self.view.node_at(path.as_str()).is_some() {
                    // It came from elsewhere at the same time: a save of that file.
                    return self.plan_save(path, file, None, planner, importer, plan);
                }
                let blob = import(file, importer)?;
                let made = planner.create_file(path.as_str(), blob, file.executable())?;
                plan.own.added.insert(path.as_str().to_owned());
                if let Created::CameBack { .. } = made {
                    self.plan_revived(path, file, &made, planner, importer, plan)?;
                }
            }
            DiskChange::Modified { path, base, file, .. } => {
                self.plan_save(path, file, Some(base), planner, importer, plan)?;
            }
            DiskChange::Removed { path, .. } => {
                if self.view.node_at(path.as_str()).is_some() {
                    plan.removed.push(path.as_str().to_owned());
                }
                plan.own.removed.insert(path.as_str().to_owned());
            }
            DiskChange::Renamed { from, to, kind, .. } => {
                self.plan_rename(from, to, *kind, planner, importer, plan)?;
            }
            DiskChange::ModeChanged { path, executable, .. } => {
                planner.set_executable(path.as_str(), *executable)?;
                plan.own.written.insert(path.as_str().to_owned());
            }
        }
        Ok(())
    }

    fn plan_rename(
        &self,
        from: &RelPath,
        to: &RelPath,
        kind: Kind,
        planner: &mut Planner<'_>,
        importer: &mut Importer<'_>,
        plan: &mut BatchPlan,
    ) -> Result<(), TakeError> {
        match planner.rename(from.as_str(), to.as_str()) {
            Err(PlanError::NeedsContent { document, .. }) if kind == Kind::File => {
                let (_, text) = self.text_of(document).map_err(|_| TakeError::NoKey)?;
                let blob = importer.add(&text)?;
                planner.rename_with_content(from.as_str(), to.as_str(), blob)?;
            }
            other => {
                other?;
            }
        }
        plan.own.moved.insert((from.as_str().to_owned(), to.as_str().to_owned()));
        Ok(())
    }

    /// A deleted file that came back with other bytes than it had: a save of it.
    fn plan_revived(
        &self,
        path: &RelPath,
        file: &FileRef,
        made: &Created,
        planner: &mut Planner<'_>,
        importer: &mut Importer<'_>,
        plan: &mut BatchPlan,
    ) -> Result<(), TakeError> {
        let Created::CameBack { content, .. } = made else { return Ok(()) };
        let content = content.clone();
        self.plan_content(path, file, None, Some(&content), planner, importer, plan)
    }

    fn plan_save(
        &self,
        path: &RelPath,
        file: &FileRef,
        base: Option<&SaveBase>,
        planner: &mut Planner<'_>,
        importer: &mut Importer<'_>,
        plan: &mut BatchPlan,
    ) -> Result<(), TakeError> {
        let content = self.view.node_at(path.as_str()).and_then(|shown| shown.content);
        plan.own.written.insert(path.as_str().to_owned());
        self.plan_content(path, file, base, content.as_deref(), planner, importer, plan)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one save")]
    fn plan_content(
        &self,
        path: &RelPath,
        file: &FileRef,
        base: Option<&SaveBase>,
        content: Option<&ContentValue>,
        planner: &mut Planner<'_>,
        importer: &mut Importer<'_>,
        plan: &mut BatchPlan,
    ) -> Result<(), TakeError> {
        let contents = self.contents.as_ref().ok_or(TakeError::NoKey)?;
        let base_name = base.map(|base| base.version.clone());
        match content {
            Some(ContentValue::Text { document, .. }) if file.size() <= DOCUMENT_BYTES_MAX => {
                if let Some(text) = read_text(file)? {
                    let base = base.and_then(|base| self.base_version(*document, base));
                    let path = path.as_str().to_owned();
                    plan.saves.push(TextSave {
                        path,
                        base_name,
                        document: *document,
                        text,
                        base,
                        begins: None,
                    });
                    return Ok(());
                }
            }
            Some(ContentValue::Blob(old)) if file.size().max(old.size) <= TEXT_BYTES_MAX => {
                let bytes = file.read()?;
                if contents.content_id(&bytes) == old.content {
                    return Ok(());
                }
                let old_is_text = contents.load(old).is_ok_and(|bytes| is_text(&bytes));
                if old_is_text && is_text(&bytes) {
                    let document = planner.convert(path.as_str())?;
                    let text = String::from_utf8(bytes).map_err(|_| ReadError::Changed)?;
                    let begins = Some(old.clone());
                    let path = path.as_str().to_owned();
                    plan.saves.push(TextSave { path, base_name, document, text, base: None, begins });
                    return Ok(());
                }
            }
            _ => {}
        }
        let blob = import(file, importer)?;
        planner.write_content(path.as_str(), blob)?;
        Ok(())
    }

    /// The version of the document that a save was made from.
    fn base_version(&self, document: DocumentId, base: &SaveBase) -> Option<Version> {
        let version_of = |bytes: &[u8]| match FileVersion::decode(bytes)? {
            FileVersion::Text(held, heads) if held == document => Some(heads),
            // Before its first edit the file was what the document begins with.
            FileVersion::Blob(blob) => {
                let begins = self.bases.get(&document)?;
                (begins.content == blob.content).then(|| saves::genesis_version(document, begins, self))?
            }
            _ => None,
        };
        let older = || base.older.iter().find_map(|past| version_of(&past.version));
        match base.evidence {
            Evidence::NewestNotRead => older().or_else(|| version_of(&base.version)),
            _ => version_of(&base.version),
        }
    }

    /// Makes a save an edit; whether the text differs from what was saved.
    fn take_save(
        &mut self,
        save: TextSave,
        is_batch: bool,
        made: &mut Vec<(DocumentId, Change, bool)>,
    ) -> bool {
        if let Some(begins) = save.begins {
            self.bases.entry(save.document).or_insert(begins);
        }
        let (Some(base), Some(contents)) = (self.bases.get(&save.document), &self.contents) else {
            tracing::error!(document = %save.document, "a save of an unknown text");
            return false;
        };
        let actor = weft_sync::data::actor_of(&self.replica.data_log());
        let seconds = (self.wall.0 / 1000).max(0);
        let documents = self.documents.get_mut();
        let past = save.base.as_ref().and_then(|version| {
            let is_newest = documents.opened(save.document).is_some_and(|now| now.heads() == version);
            if is_newest {
                return None;
            }
            documents.at(save.document, base, version, contents, &self.replica).ok()
        });
        let past = past.map(|text| text.keep());
        let text = match documents.load(save.document, base, contents, &self.replica) {
            Ok(text) => text,
            Err(error) => {
                tracing::error!(document = %save.document, "a save cannot be merged: {error}");
                return false;
            }
        };
        let before = text.text();
        let author = if is_batch || saves::inserted_chars(&before, &save.text) >= NAMED_CHARS_MIN {
            Author::ContentNamed
        } else {
            Author::Session(actor)
        };
        match saves::save(text, past.as_ref(), &save.text, author, seconds) {
            Ok(edited) => {
                let merged = text.text() != save.text;
                let patches = edited.patches;
                if !edited.changes.is_empty() {
                    documents.note_edited(save.document);
                }
                push_parts(made, save.document, edited.changes);
                if merged {
                    // The folder holds what the writer saw; others' text is added to it.
                    self.text_changed(save.document);
                }
                if !patches.is_empty() {
                    let document = save.document;
                    self.event(super::engine::EngineEvent::TextChanged { document, patches, user: None });
                }
                merged
            }
            Err(error) => {
                tracing::error!(document = %save.document, "a save is not shared: {error}");
                false
            }
        }
    }

    /// What a path holds now that its change is taken.
    fn accepted(&self, index: usize, path: &RelPath) -> Accepted {
        let Some(shown) = self.view.node_at(path.as_str()) else {
            return Accepted { index, node: NodeId::from_bytes([0; 16]), version: Vec::new() };
        };
        let version = match shown.content.as_deref() {
            None => FileVersion::Folder,
            Some(ContentValue::Blob(blob)) => FileVersion::Blob(blob.clone()),
            Some(ContentValue::Text { document, base }) => match self.text_of(*document) {
                Ok((version, _)) => version,
                Err(_) => FileVersion::Blob(base.clone()),
            },
        };
        Accepted { index, node: shown.node, version: version.encode() }
    }
}

/// The parts of one edit, all but the last marked as followed by more.
pub(super) fn push_parts(
    made: &mut Vec<(DocumentId, Change, bool)>,
    document: DocumentId,
    changes: Vec<Change>,
) {
    let count = changes.len();
    let parts = changes.into_iter().enumerate();
    made.extend(parts.map(|(at, change)| (document, change, at + 1 < count)));
}

fn planner_has_folder(engine: &Engine, path: &RelPath) -> bool {
    engine.view.children(path.as_str()).is_some()
}

fn import(file: &FileRef, importer: &mut Importer<'_>) -> Result<BlobRef, TakeError> {
    Ok(match file.bytes() {
        Some(bytes) => importer.add(bytes)?,
        None => importer.add_stream(file.open()?)?,
    })
}

fn read_text(file: &FileRef) -> Result<Option<String>, ReadError> {
    let bytes = file.read()?;
    Ok(if is_text(&bytes) { String::from_utf8(bytes).ok() } else { None })
}
