//! The text documents that are in memory, and what is known of those that are not.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weft_crdt::tree::{AuthorName, BlobRef, DocumentFacts};
use weft_crdt::{ActorId, Applied, ChangeHash, DocumentId, History, OpId, TextDocument, Version};
use weft_store::{ChangeOrder, ChangeRow, ReadError, Storage};
use weft_sync::data::actor_of;
use weft_sync::ids::{EntryId, LogId, Timestamp, UserId, WorkspaceId};

use super::contents::{ContentError, Contents};
use super::entries::{CarriedChange, Opener, for_each_of};
use super::gathering::{Gathering, Taken};
use super::open_documents::OpenDocuments;
use super::recent_changes::RecentChanges;
use super::snapshots::{self, Progress, QUIET_CHANGES_MIN, SnapshotJob, SnapshotPlan};
use super::waiting::ItemRef;

/// Why a document cannot be opened now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LoadError {
    /// The text that it began with is not here yet.
    #[error("the beginning of the text is not on this device yet")]
    BaseMissing,
    /// What it began with is no text.
    #[error("the beginning of the text is damaged")]
    BaseDamaged,
    /// The store failed.
    #[error("the text cannot be read from the store")]
    Store(#[from] ReadError),
}

impl From<ContentError> for LoadError {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Missing => Self::BaseMissing,
            ContentError::Damaged => Self::BaseDamaged,
            ContentError::Store(error) => Self::Store(error),
        }
    }
}

/// All text documents of a workspace.
pub(crate) struct Documents {
    ws: WorkspaceId,
    store: Arc<dyn Storage>,
    open: OpenDocuments,
    /// Documents with at least one change beyond their beginning.
    edited: BTreeSet<DocumentId>,
    /// Documents with changes in entries that do not count.
    void: BTreeSet<DocumentId>,
    /// Entries of branches that were dropped: the store may still give their changes.
    dropped: BTreeSet<EntryId>,
    /// Changes that the store may not give yet.
    pub(super) recent: RecentChanges,
    /// Changes that were found in the store and lack another one.
    left_over: Vec<(ItemRef, ChangeHash)>,
    /// Changes that were found in the store and do not count.
    not_counting: Vec<(ChangeHash, ItemRef)>,
    snapshots: SnapshotPlan,
    now: Timestamp,
}

/// A document as the store has it.
struct Loaded {
    document: TextDocument,
    held: usize,
    left_over: Vec<(ItemRef, ChangeHash)>,
    not_counting: Vec<(ChangeHash, ItemRef)>,
}

impl Documents {
    /// Knows the documents of a workspace.
    pub(crate) fn new(ws: WorkspaceId, store: Arc<dyn Storage>) -> Result<Self, ReadError> {
        let edited = store.documents(ws)?.into_iter().map(|summary| summary.doc).collect();
        Ok(Self {
            ws,
            store,
            open: OpenDocuments::new(),
            edited,
            void: BTreeSet::new(),
            dropped: BTreeSet::new(),
            recent: RecentChanges::default(),
            left_over: Vec::new(),
            not_counting: Vec::new(),
            snapshots: SnapshotPlan::default(),
            now: Timestamp::default(),
        })
    }

    /// Tells the time.
    pub(crate) fn set_time(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// The documents with changes.
    pub(crate) fn edited(&self) -> impl Iterator<Item = DocumentId> + '_ {
        self.edited.iter().copied()
    }

    /// Whether anybody has changed the document.
    pub(crate) fn is_edited(&self, document: DocumentId) -> bool {
        self.edited.contains(&document)
    }

    /// Notes that the document has a further change.
    pub(crate) fn note_edited(&mut self, document: DocumentId) {
        self.edited.insert(document);
        self.snapshots.edited(document, self.now);
    }

    /// Notes that an entry that does not count changes the document.
    pub(crate) fn note_void(&mut self, document: DocumentId) {
        self.void.insert(document);
    }

    /// Nothing that these entries carry is part of a document any more.
    pub(super) fn drop_entries(&mut self, entries: &BTreeSet<EntryId>) {
        self.dropped.extend(entries);
    }

    /// An entry that was dropped has come again: its branch lives after all.
    pub(super) fn take_again(&mut self, entry: &EntryId) {
        self.dropped.remove(entry);
    }

    /// The indexed changes of a document, less those of branches that were dropped.
    pub(super) fn rows(&self, id: DocumentId, after: ChangeOrder) -> Result<Vec<ChangeRow>, ReadError> {
        let mut rows = self.store.changes(self.ws, id, after)?;
        if !self.dropped.is_empty() {
            rows.retain(|row| !self.dropped.contains(&row.entry.id));
        }
        Ok(rows)
    }

    /// Whether an entry that does not count changes the document.
    pub(crate) fn holds_void(&self, document: DocumentId) -> bool {
        self.void.contains(&document)
    }

    /// Lets a document be read again the next time.
    pub(crate) fn forget(&mut self, document: DocumentId) {
        self.open.remove(document);
    }

    /// A document, out of memory or the store.
    pub(crate) fn load(
        &mut self,
        id: DocumentId,
        base: &BlobRef,
        contents: &Contents,
        opener: Opener<'_>,
    ) -> Result<&mut TextDocument, LoadError> {
        if !self.open.contains(id) {
            let loaded = self.read(id, base, contents, opener)?;
            self.left_over.extend(loaded.left_over);
            self.not_counting.extend(loaded.not_counting);
            let (document, held) = (loaded.document, loaded.held);
            if document.len_changes() > held + QUIET_CHANGES_MIN {
                self.snapshots.edited(id, self.now);
            }
            self.open.insert(id, document, held);
        }
        Ok(self.open.get(id).expect("the document that was just put in"))
    }

    /// A document that is in memory.
    pub(crate) fn opened(&self, id: DocumentId) -> Option<&TextDocument> {
        self.open.peek(id).map(|open| &open.document)
    }

    fn read(
        &self,
        id: DocumentId,
        base: &BlobRef,
        contents: &Contents,
        opener: Opener<'_>,
    ) -> Result<Loaded, LoadError> {
        let snapshot = snapshots::read(&*self.store, self.ws, id, base, &opener.verdicts());
        let (mut document, after, held) = match snapshot {
            Some(snapshot) => {
                let held = snapshot.document.len_changes();
                (snapshot.document, snapshot.after, held)
            }
            None => (begin(id, base, contents)?, ChangeOrder::START, 0),
        };
        let mut rows = self.rows(id, after)?;
        rows.retain(|row| !document.contains(&row.hash));
        let mut gathering = Gathering::default();
        let void = for_each_of(&*self.store, self.ws, &rows, opener, |carried| {
            gathering.add(carried, |carried| take(&mut document, carried));
        })?;
        for carried in self.recent.of(id) {
            gathering.add(carried.clone(), |carried| take(&mut document, carried));
        }
        let not_counting = void.iter().map(|carried| (carried.change.hash(), carried.item_of(id))).collect();
        Ok(Loaded { document, held, left_over: gathering.left_over(id), not_counting })
    }

    /// Changes that were found in the store while documents were loaded, and do not count.
    pub(crate) fn take_not_counting(&mut self) -> Vec<(ChangeHash, ItemRef)> {
        std::mem::take(&mut self.not_counting)
    }

    /// Changes that were found in the store while documents were loaded, with what they lack.
    pub(crate) fn take_left_over(&mut self) -> Vec<(ItemRef, ChangeHash)> {
        std::mem::take(&mut self.left_over)
    }

    /// What happened to a document, and the carriers of its changes.
    pub(crate) fn history(
        &mut self,
        id: DocumentId,
        base: &BlobRef,
        contents: &Contents,
        opener: Opener<'_>,
    ) -> Result<(History, Vec<CarriedChange>), LoadError> {
        let mut changes = self.changes(id, opener)?;
        let document = &*self.load(id, base, contents, opener)?;
        changes.retain(|carried| document.contains(&carried.change.hash()));
        let text = base_text(base, contents)?;
        let history = History::new(id, &text, changes.iter().map(|carried| &carried.change));
        Ok((history.map_err(|_| LoadError::BaseDamaged)?, changes))
    }

    /// When [`Documents::snapshots_due`] is to be called.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.snapshots.wake_at()
    }

    /// The snapshots that are to be written now. `base` tells what a document begins with.
    pub(crate) fn snapshots_due<'a>(
        &mut self,
        base: impl Fn(DocumentId) -> Option<&'a BlobRef>,
        opener: Opener<'_>,
    ) -> Vec<SnapshotJob> {
        let (open, recent) = (&self.open, &self.recent);
        let due = self.snapshots.due(self.now, |id| {
            let open = open.peek(id)?;
            let (changes, is_stored) = (open.document.len_changes(), recent.of(id).next().is_none());
            Some(Progress { changes, held: open.held, is_stored })
        });
        let mut jobs = Vec::new();
        for id in due {
            if let (Some(open), Some(base)) = (self.open.peek_mut(id), base(id)) {
                open.held = open.document.len_changes();
                jobs.push(SnapshotJob::new(self.ws, base, &open.document, opener.verdicts()));
            }
        }
        jobs
    }

    /// A document as it was at a version.
    pub(crate) fn at(
        &self,
        id: DocumentId,
        base: &BlobRef,
        version: &Version,
        contents: &Contents,
        opener: Opener<'_>,
    ) -> Result<TextDocument, LoadError> {
        let changes = self.changes(id, opener)?;
        let past = closure(&changes, version);
        let mut document = begin(id, base, contents)?;
        let kept = changes.into_iter().filter(|carried| past.contains(&carried.change.hash()));
        apply_early(&mut document, kept.collect());
        Ok(document)
    }

    /// All changes of a document, in the order in which they came.
    pub(crate) fn changes(
        &self,
        id: DocumentId,
        opener: Opener<'_>,
    ) -> Result<Vec<CarriedChange>, ReadError> {
        let mut changes = Vec::new();
        let rows = self.rows(id, ChangeOrder::START)?;
        for_each_of(&*self.store, self.ws, &rows, opener, |carried| changes.push(carried))?;
        let known: BTreeSet<(ChangeHash, EntryId)> =
            changes.iter().map(|carried| (carried.change.hash(), carried.entry.id)).collect();
        let is_new = |carried: &&CarriedChange| !known.contains(&(carried.change.hash(), carried.entry.id));
        changes.extend(self.recent.of(id).filter(is_new).cloned());
        Ok(changes)
    }
}

fn base_text(base: &BlobRef, contents: &Contents) -> Result<String, LoadError> {
    String::from_utf8(contents.load(base)?).map_err(|_| LoadError::BaseDamaged)
}

pub(super) fn begin(id: DocumentId, base: &BlobRef, contents: &Contents) -> Result<TextDocument, LoadError> {
    TextDocument::new(id, &base_text(base, contents)?).map_err(|_| LoadError::BaseDamaged)
}

/// Makes a change part of a document. One that is refused for good was told of when it arrived.
fn take(document: &mut TextDocument, carried: &CarriedChange) -> Taken {
    match document.apply(&carried.change, &actor_of(&carried.entry.log)) {
        Ok(Applied::Missing(missing)) => missing.first().map_or(Taken::Done, |hash| Taken::Missing(*hash)),
        Ok(Applied::Applied(_) | Applied::Known) | Err(_) => Taken::Done,
    }
}

/// Applies changes that may stand before those they build upon.
fn apply_early(document: &mut TextDocument, mut early: Vec<CarriedChange>) {
    loop {
        let before = early.len();
        early.retain(|carried| !applies(document, carried));
        if early.is_empty() || early.len() == before {
            return;
        }
    }
}

/// A version and everything that it builds upon.
pub(crate) fn closure(changes: &[CarriedChange], version: &Version) -> BTreeSet<ChangeHash> {
    let parents: BTreeMap<ChangeHash, &[ChangeHash]> =
        changes.iter().map(|carried| (carried.change.hash(), carried.change.deps())).collect();
    let mut past = BTreeSet::new();
    let mut open: Vec<ChangeHash> = version.hashes().to_vec();
    while let Some(hash) = open.pop() {
        if past.insert(hash) {
            open.extend(parents.get(&hash).copied().into_iter().flatten());
        }
    }
    past
}

/// Whether a change is part of the document now, or never will be.
fn applies(document: &mut TextDocument, carried: &CarriedChange) -> bool {
    let applied = document.apply(&carried.change, &actor_of(&carried.entry.log));
    !matches!(applied, Ok(Applied::Missing(_)))
}

/// Who has carried a change; the least of several counts as its author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Carrier {
    /// Whether the entry does not count.
    pub(crate) is_void: bool,
    /// The entry.
    pub(crate) entry: EntryId,
    /// Its author.
    pub(crate) user: UserId,
}

/// Who wrote what, as far as the tree asks.
#[derive(Debug, Default)]
pub(crate) struct Authors {
    /// The person behind each actor of the tree document: of several carriers one that counts, of these the one with
    /// the least entry id.
    by_actor: BTreeMap<ActorId, Carrier>,
    by_log: BTreeMap<LogId, UserId>,
    names: BTreeMap<UserId, String>,
    past_names: BTreeMap<UserId, String>,
}

impl Authors {
    /// Notes who carried a change of the tree document.
    /// True when it is another person than before.
    pub(crate) fn note(&mut self, actor: ActorId, carrier: Carrier) -> bool {
        let known = self.by_actor.entry(actor).or_insert(carrier);
        let before = known.user;
        *known = carrier.min(*known);
        known.user != before
    }

    /// Notes that entries do not count any more.
    pub(crate) fn withdraw(&mut self, entries: &BTreeSet<EntryId>) {
        for carrier in self.by_actor.values_mut() {
            carrier.is_void |= entries.contains(&carrier.entry);
        }
    }

    /// Notes whose log it is.
    pub(crate) fn note_log(&mut self, log: LogId, user: UserId) {
        self.by_log.insert(log, user);
    }

    /// Whose log it is.
    pub(crate) fn of_log(&self, log: &LogId) -> Option<UserId> {
        self.by_log.get(log).copied()
    }

    /// Replaces what people are called; true when that is something else than before.
    pub(crate) fn set_names(&mut self, names: BTreeMap<UserId, String>) -> bool {
        let is_new = self.names != names;
        self.names = names;
        is_new
    }

    /// Sets what people were called who are out now. What is shown in the folder does not go by it.
    pub(crate) fn set_past_names(&mut self, names: BTreeMap<UserId, String>) {
        self.past_names = names;
    }

    /// What a person is called.
    pub(crate) fn name(&self, user: &UserId) -> Option<&str> {
        self.names.get(user).or_else(|| self.past_names.get(user)).map(String::as_str)
    }

    pub(super) fn author_name(&self, user: Option<UserId>) -> AuthorName {
        let label = user.and_then(|user| self.names.get(&user).cloned()).unwrap_or_default();
        AuthorName { label, user: user.map(|user| user.to_string()).unwrap_or_default() }
    }
}

/// Answers the questions of the tree.
pub(crate) struct Facts<'a> {
    pub(crate) documents: &'a RefCell<Documents>,
    pub(crate) bases: &'a BTreeMap<DocumentId, BlobRef>,
    pub(crate) contents: Option<&'a Contents>,
    pub(crate) authors: &'a Authors,
    pub(crate) opener: Opener<'a>,
}

impl Facts<'_> {
    /// The carriers of changes that are not among `seen` and what that builds upon, each with whether it does not count.
    fn beyond(&self, document: DocumentId, seen: &Version) -> Vec<(bool, EntryId, LogId)> {
        let changes = self.documents.borrow().changes(document, self.opener).unwrap_or_else(|error| {
            tracing::error!("the history of a file cannot be read: {error}");
            Vec::new()
        });
        let past = closure(&changes, seen);
        let beyond = changes.iter().filter(|carried| !past.contains(&carried.change.hash()));
        beyond.map(|carried| (!carried.counts, carried.entry.id, carried.entry.log)).collect()
    }
}

impl DocumentFacts for Facts<'_> {
    fn counting_beyond(&self, document: DocumentId, seen: &Version) -> bool {
        let documents = self.documents.borrow();
        if !documents.is_edited(document) {
            return false;
        }
        if seen.hashes().is_empty() && !documents.holds_void(document) {
            return true;
        }
        if documents.opened(document).is_some_and(|open| open.heads() == seen) {
            return false;
        }
        drop(documents);
        !self.beyond(document, seen).is_empty()
    }

    fn heads(&self, document: DocumentId) -> Version {
        let (Some(base), Some(contents)) = (self.bases.get(&document), self.contents) else {
            return Version::default();
        };
        let mut documents = self.documents.borrow_mut();
        match documents.load(document, base, contents, self.opener) {
            Ok(open) => open.heads().clone(),
            Err(_) => Version::default(),
        }
    }

    fn author(&self, operation: &OpId) -> AuthorName {
        let known = self.authors.by_actor.get(&operation.actor);
        self.authors.author_name(known.map(|carrier| carrier.user))
    }

    fn author_beyond(&self, document: DocumentId, seen: &Version) -> AuthorName {
        // Changes that do not count may come long after those that build upon them.
        let first = self.beyond(document, seen).into_iter().min();
        self.authors.author_name(first.and_then(|(.., log)| self.authors.of_log(&log)))
    }
}
