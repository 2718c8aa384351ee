//! What other programs did in the folder, as edits.
//!
//! One batch becomes one write: first what it does to the tree, then what it does to texts.

mod base;
mod plan;

use std::collections::{BTreeMap, BTreeSet};

use weft_crdt::tree::{BlobRef, ContentValue, PlanError};
use weft_crdt::{Applied, Author, Change, DocumentId, EditError, Edited, NodeId, PastText, TextDocument};
use weft_sync::data::Origin;

use self::base::ChosenBase;
pub(super) use self::plan::KnownFolders;
use self::plan::{BatchPlan, Holds, Taken};
use super::contents::ImportError;
use super::deliver::Dirty;
use super::documents::{Carrier, LoadError};
use super::engine::{Engine, EngineEvent, Output};
use super::people::People;
use super::saves;
use super::show::OwnSteps;
use super::version::FileVersion;
use crate::api::Existing;
use crate::folder::{Accepted, FolderJob};
use crate::mirror::{DiskChange, Evidence, ReadError, RelPath, SaveBase};

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
    #[error("{0}")]
    Load(#[from] LoadError),
    #[error("{0}")]
    Edit(#[from] EditError),
}

/// A save of a file that is to become an edit of its text.
struct TextSave {
    /// The place of its change in the batch.
    index: usize,
    document: DocumentId,
    text: String,
    /// What the writer may have seen; nothing stands for the newest text.
    base: Option<SaveBase>,
    /// What the document begins with, when the tree does not say it yet.
    begins: Option<BlobRef>,
    /// Whether it is taken back at once.
    is_taken_back: bool,
}

/// What becomes of files that were in the folder before it was joined, under names of the workspace's.
#[derive(Default)]
pub(crate) struct Adoption {
    paths: BTreeSet<String>,
    /// Whether these edits are taken back at once, so that they only stay in the history.
    is_taken_back: bool,
}

impl Adoption {
    fn takes(&self, path: &str) -> bool {
        self.paths.contains(path)
    }
}

/// Changes of documents on their way to the log: the document, the change, and whether more of the same edit follows.
type Made = Vec<(DocumentId, Change, bool)>;

impl Engine {
    /// Takes a batch of the mirror.
    pub(crate) fn disk_changed(
        &mut self,
        batch: u64,
        changes: &[DiskChange],
        forgotten: &[RelPath],
        folders: &KnownFolders,
        origin: Origin,
    ) {
        if self.may_not_write().is_some() {
            return self.not_taken(batch, changes, forgotten);
        }
        let BatchPlan { edits, mut own, mut saves, again, mut taken, mut refused } =
            plan::plan(self, changes, folders);
        let is_batch = changes.len() > 1;
        let mut dirty = Dirty::default();
        let mut made = Made::new();
        if !edits.is_empty() {
            match self.tree.edit(Author::ContentNamed, &edits, self.seconds()) {
                Ok(edited) => {
                    dirty.keys.extend(edited.changed_keys);
                    self.note_own(&edited.changes);
                    push_parts(&mut made, self.tree.id(), edited.changes);
                }
                Err(error) => {
                    tracing::error!("what happened in the folder cannot be shared: {error}");
                    refused.extend(taken.drain(..).map(|taken| (taken.index, error.to_string())));
                    own = OwnSteps::default();
                    saves.clear();
                }
            }
        }
        self.show.begin_own(own);
        let begun = self.take_bases(&dirty.keys);
        self.release_documents(begun, &mut dirty);
        self.refresh(&dirty);
        self.show.end_own();
        let (mut versions, mut taken_back) = (BTreeMap::new(), Made::new());
        for save in saves {
            let (index, document) = (save.index, save.document);
            match self.take_save(save, is_batch, &mut made, &mut taken_back) {
                Ok(version) => versions.extend(version.map(|version| (index, version))),
                Err(error) => {
                    tracing::warn!(%document, "a save is not shared yet: {error}");
                    taken.retain(|taken| taken.index != index);
                    refused.push((index, error.to_string()));
                }
            }
        }
        for taken in &taken {
            self.show.solved(changes[taken.index].path().as_str());
        }
        for (index, reason) in refused {
            // It stays in the folder as it is, which offers it again.
            let path = changes[index].path().as_str().to_owned();
            self.show.problem(path, format!("what was done here is not shared yet: {reason}"));
        }
        let accepted = taken.into_iter().map(|taken| self.accepted(taken, &versions)).collect();
        self.mark_forgotten(forgotten);
        again.into_iter().for_each(|node| self.show.mark(node));
        let origin = if self.adoption.paths.is_empty() { origin } else { Origin::Import };
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
        if !taken_back.is_empty() {
            self.write(Origin::Human, taken_back, None);
        }
        self.show_due();
        self.fetch_due();
    }

    /// Leaves changes of somebody who may not write in the folder as they are, which offers them again.
    fn not_taken(&mut self, batch: u64, changes: &[DiskChange], forgotten: &[RelPath]) {
        self.unshared.extend(changes.iter().map(|change| change.path().as_str().to_owned()));
        self.mark_forgotten(forgotten);
        self.out.push(Output::Folder(FolderJob::Accept { batch, accepted: Vec::new() }));
        self.show_due();
        self.fetch_due();
    }

    fn mark_forgotten(&mut self, forgotten: &[RelPath]) {
        for path in forgotten {
            if let Some(shown) = self.view.node_at(path.as_str()) {
                self.show.mark(shown.node);
            }
        }
    }

    /// Lets the first scan take these files as edits of the workspace's. Gives those that cannot become such.
    /// Each path is given with whether it is a text here.
    pub(crate) fn adopt_existing(&mut self, paths: Vec<(String, bool)>, existing: Existing) -> Vec<String> {
        let is_taken_back = existing == Existing::Theirs;
        let is_text = |path: &str| self.cat(path, None).is_ok_and(|cat| saves::is_text(cat.text.as_bytes()));
        let can_be = |path: &str, is_text_here| !is_taken_back || (is_text_here && is_text(path));
        let (taken, others): (Vec<_>, Vec<_>) =
            paths.into_iter().partition(|(path, is_text_here)| can_be(path, *is_text_here));
        let paths = |list: Vec<(String, bool)>| list.into_iter().map(|(path, _)| path);
        self.adoption = Adoption { paths: paths(taken).collect(), is_taken_back };
        paths(others).collect()
    }

    /// Asks for what shown files hold, where it is not here; how many of them that is.
    pub(crate) fn want_contents(&mut self, paths: &[String]) -> usize {
        let missing = paths.iter().filter(|path| self.want_content(path)).count();
        self.fetch_due();
        missing
    }

    fn want_content(&mut self, path: &str) -> bool {
        let Some(shown) = self.view.node_at(path) else { return false };
        match shown.content.as_deref() {
            Some(ContentValue::Blob(blob)) if !self.is_here(blob) => self.fetches.want_file(shown.node, blob),
            Some(ContentValue::Text { document, base }) if !self.is_here(base) => {
                self.fetches.want(*document, base);
            }
            _ => return false,
        }
        true
    }

    pub(super) fn is_here(&self, blob: &BlobRef) -> bool {
        self.contents.as_ref().is_some_and(|contents| contents.is_here(blob).unwrap_or(false))
    }

    /// Notes that this person made these changes of the tree.
    pub(super) fn note_own(&mut self, changes: &[Change]) {
        let user = self.replica.user();
        for change in changes {
            // The entry is not made yet: any other carrier with a lower id may still take its place.
            let last = weft_sync::ids::EntryId::from_bytes([0xff; 32]);
            self.authors.note(change.actor(), Carrier { is_void: false, entry: last, user });
        }
    }

    /// Makes a save an edit; the name of what the disk holds then, where it is not simply what is shown. When others' text
    /// was merged in, that is a version of its own.
    fn take_save(
        &mut self,
        save: TextSave,
        is_batch: bool,
        made: &mut Made,
        taken_back: &mut Made,
    ) -> Result<Option<FileVersion>, TakeError> {
        let TextSave { document, text: saved, base, begins, is_taken_back, .. } = save;
        if let Some(begins) = begins {
            self.bases.entry(document).or_insert(begins);
        }
        let is_git = base.as_ref().is_some_and(|base| base.evidence == Evidence::Git);
        let base = base.as_ref().and_then(|base| self.choose_base(document, base, &saved));
        let actor = weft_sync::data::actor_of(&self.replica.data_log());
        let seconds = self.seconds();
        let result = self.with_text(document, |text| {
            let before = text.text();
            let is_named = is_batch || is_git || saves::inserted_chars(&before, &saved) >= NAMED_CHARS_MIN;
            let author = if is_named { Author::ContentNamed } else { Author::Session(actor) };
            if before == saved {
                // Somebody else has made the same save, and it came first.
                return Ok((Edited::default(), Edited::default(), None, text.heads().clone(), false));
            }
            let (edited, left) = match &base {
                Some(base) if base.text.heads() != text.heads() => {
                    save_at(text, base, &saved, author, seconds)?
                }
                _ => (text.replace_text(&saved, author, seconds)?, None),
            };
            let mut back = Edited::default();
            if is_taken_back {
                back = text.replace_text(&before, Author::Session(actor), seconds)?;
            }
            let is_merged = text.text() != saved;
            Ok::<_, EditError>((edited, back, left, text.heads().clone(), is_merged))
        });
        if let (Err(LoadError::BaseMissing), Some(begins)) = (&result, self.bases.get(&document)) {
            self.fetches.want(document, begins);
        }
        let (edited, back, left, heads, is_merged) = result??;
        self.note_edited(document, edited, made);
        self.note_edited(document, back, taken_back);
        if !is_merged {
            let version = FileVersion::Text(document, heads);
            self.keep_text(document, &version);
            return Ok(Some(version));
        }
        // The folder holds what the writer saw; others' text is added to it.
        self.text_changed(document);
        let Some(base) = base else { return Ok(None) };
        if let Some(text) = base.brought_back {
            self.past_texts.note_brought_back(document, text);
        }
        let number = self.past_texts.next_saved();
        let version = FileVersion::Saved { document, base: base.version, number };
        let text = left.unwrap_or(base.text);
        self.past_texts.put(document, version.encode(), || text);
        Ok(Some(version))
    }

    fn note_edited(&mut self, document: DocumentId, edited: Edited, made: &mut Made) {
        if !edited.changes.is_empty() {
            self.documents.get_mut().note_edited(document);
        }
        push_parts(made, document, edited.changes);
        if !edited.patches.is_empty() {
            let patches = edited.patches;
            self.event(EngineEvent::TextChanged { document, patches, user: None });
        }
    }

    /// Keeps the text that lies on disk from now on, for saves that are made from it.
    pub(super) fn keep_text(&mut self, document: DocumentId, version: &FileVersion) {
        if let FileVersion::Text(_, heads) = version
            && let Some(text) = self.documents.get_mut().opened(document)
            && text.heads() == heads
        {
            self.past_texts.put(document, version.encode(), || text.keep());
        }
    }

    /// What a path holds now that its change is taken.
    fn accepted(&mut self, taken: Taken, versions: &BTreeMap<usize, FileVersion>) -> Accepted {
        let index = taken.index;
        let node = match taken.holds {
            Holds::Node(node) => node,
            Holds::Shown(path) => match self.view.node_at(&path) {
                Some(shown) => shown.node,
                None => NodeId::from_bytes([0; 16]),
            },
            Holds::Version(node, version) => return Accepted { index, node, version: version.encode() },
        };
        if let Some(version) = versions.get(&index) {
            return Accepted { index, node, version: version.encode() };
        }
        let Some((_, shown)) = self.shown_of(node) else {
            return Accepted { index, node, version: Vec::new() };
        };
        let version = match shown.content.as_deref() {
            None => FileVersion::Folder,
            Some(ContentValue::Blob(blob)) => FileVersion::Blob(blob.clone()),
            Some(ContentValue::Text { document, base }) => match self.text_of(*document) {
                Ok((version, _)) => {
                    self.keep_text(*document, &version);
                    version
                }
                Err(_) => FileVersion::Blob(base.clone()),
            },
        };
        Accepted { index, node: shown.node, version: version.encode() }
    }
}

/// Makes a save an edit of an older version: the edit, and the text that the writer has.
fn save_at(
    text: &mut TextDocument,
    base: &ChosenBase,
    saved: &str,
    author: Author,
    seconds: i64,
) -> Result<(Edited, Option<PastText>), EditError> {
    if let (Author::ContentNamed, Some(then)) = (author, &base.document) {
        // The very changes that others make who save the same over the same version.
        let mut then = then.clone();
        let mut edited = then.replace_text(saved, author, seconds)?;
        edited.patches.clear();
        for change in &edited.changes {
            match text.apply(change, &change.actor()) {
                Ok(Applied::Applied(patches)) => edited.patches.extend(patches),
                Ok(Applied::Known | Applied::Missing(_)) => {}
                Err(error) => tracing::error!("a save cannot be merged: {error}"),
            }
        }
        return Ok((edited, Some(then.keep())));
    }
    let edits = TextDocument::minimal_edits(&base.text.text(), saved);
    let edited = text.edit_at(&base.text, author, &edits, seconds)?;
    let left = base.text.clone().after(&edited, &edits);
    Ok((edited, left))
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
