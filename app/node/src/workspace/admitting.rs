//! Work that does not count, because whoever did it was put out: what it comes to, and letting it count after all.
//!
//! A change that counts stands for everything that it builds upon (see `docs/decisions/what-stops-counting.md`). So an
//! admin who admits somebody's work writes, into each document of it, a change that does nothing and builds upon all of
//! it. The work keeps its author, and counts for everybody from then on.

use std::collections::{BTreeMap, BTreeSet};

use weft_crdt::tree::{BlobRef, ContentValue, NodeKind, RegisterKey, ShownNode, TreeView};
use weft_crdt::{Applied, Author, Change, ChangeHash, DocumentId, NodeId, TextDocument, TreeDocument};
use weft_store::{EntryMarks, LogSummary, ReadError, StoredOrder};
use weft_sync::acl::Class;
use weft_sync::data::{Origin as DataOrigin, actor_of};
use weft_sync::entry::Entry;
use weft_sync::ids::{LogId, UserId};
use weft_sync::replica::WriteId;

use super::deliver::Dirty;
use super::disk::push_parts;
use super::documents::begin;
use super::engine::Engine;
use super::people::People as _;
use super::waiting::ItemRef;
use crate::api::ApiError;

/// Entries that are read at once.
const READ_ENTRIES: usize = 512;
/// Bytes of entries that are read at once.
const READ_BYTES: usize = 4 * 1024 * 1024;

/// A change that does not count and is part of no document.
struct VoidChange {
    item: ItemRef,
    change: Change,
}

/// What somebody's work that does not count comes to.
#[derive(Debug, Default)]
pub(crate) struct VoidWork {
    /// The files that it makes or changes, as they would be.
    pub(crate) files: BTreeMap<String, VoidContent>,
    /// The files and folders that it deletes or moves away.
    pub(crate) gone: Vec<String>,
    /// How many entries it is in.
    pub(crate) entries: u64,
}

/// What a file would hold.
#[derive(Debug)]
pub(crate) enum VoidContent {
    /// This text.
    Text(String),
    /// These bytes, which may not be here.
    Blob(BlobRef),
}

/// What was admitted.
#[derive(Debug, Default)]
pub(crate) struct AdmittedWork {
    /// The write that makes it count; none when there was nothing.
    pub(crate) write: Option<WriteId>,
    /// Files and folders that are others now.
    pub(crate) paths: BTreeSet<String>,
    /// How many entries count now.
    pub(crate) entries: u64,
}

impl Engine {
    /// Who has done work that does not count, with the number of changes.
    pub(crate) fn void_authors(&mut self) -> Result<BTreeMap<UserId, (String, u64)>, ApiError> {
        let void = self.void_changes()?;
        let count = |(user, changes): (UserId, Vec<VoidChange>)| {
            let name = self.authors.name(&user).unwrap_or_default().to_owned();
            (user, (name, changes.len() as u64))
        };
        Ok(void.into_iter().map(count).collect())
    }

    /// The changes that do not count, by whose they are, in the order in which they came.
    fn void_changes(&mut self) -> Result<BTreeMap<UserId, Vec<VoidChange>>, ApiError> {
        let mut found: BTreeMap<UserId, Vec<VoidChange>> = BTreeMap::new();
        let mut after = StoredOrder::START;
        loop {
            let read = self.store.marked(self.ws, EntryMarks::UNOPENED, after, READ_ENTRIES);
            let places = read.map_err(unreadable)?;
            let Some(last) = places.last() else { break };
            after = last.order;
            for place in places {
                let Some(user) = self.writer_of(&place.at.log) else { continue };
                // One that cannot be opened has no key here: nothing can be said of it.
                let Some((plain, false)) = self.read_entry(place.at) else { continue };
                for (number, item) in plain.items.iter().enumerate() {
                    let Ok(change) = Change::parse(&item.change) else { continue };
                    let number = u16::try_from(number).expect("at most 64 items in an entry");
                    let item = ItemRef { entry: place.at, item: number, document: item.doc, made: None };
                    found.entry(user).or_default().push(VoidChange { item, change });
                }
            }
        }
        for changes in found.values_mut() {
            changes.retain(|void| !self.has_change(void.item.document, &void.change.hash()));
        }
        found.retain(|_, changes| !changes.is_empty());
        Ok(found)
    }

    /// Whose log it is, also of those that nobody writes to any more.
    fn writer_of(&self, log: &LogId) -> Option<UserId> {
        self.replica.membership()?.signer_of(log).map(|signer| signer.user())
    }

    /// Whether a change is part of its document: then it counts, whoever carries it.
    pub(super) fn has_change(&self, document: DocumentId, hash: &ChangeHash) -> bool {
        if document == self.tree.id() {
            return self.tree.contains(hash);
        }
        self.with_text(document, |text| text.contains(hash)).unwrap_or(false)
    }

    /// What somebody's work that does not count comes to, together with what counts.
    pub(crate) fn void_work(&mut self, user: &UserId) -> Result<VoidWork, ApiError> {
        let changes = self.void_changes()?.remove(user).unwrap_or_default();
        let entries: BTreeSet<_> = changes.iter().map(|void| void.item.entry.id).collect();
        let mut work = VoidWork { entries: entries.len() as u64, ..VoidWork::default() };
        let mut by_document: BTreeMap<DocumentId, Vec<&VoidChange>> = BTreeMap::new();
        for void in &changes {
            by_document.entry(void.item.document).or_default().push(void);
        }
        let of_tree = by_document.remove(&self.tree.id()).unwrap_or_default();
        let tree = with_changes(self.tree.clone(), &of_tree);
        let view = TreeView::of(self.view.platform(), &tree, &self.facts());
        for (path, node) in view.shown() {
            if let Some(content) = self.content_with(&node, &by_document)? {
                work.files.insert(path, content);
            }
        }
        let is_gone = |node: &ShownNode| view.path_of(node.node) != self.view.path_of(node.node);
        let shown = self.view.shown().into_iter();
        work.gone = shown.filter(|(_, node)| is_gone(node)).map(|(path, _)| path).collect();
        Ok(work)
    }

    /// What a node of a tree with changes that do not count holds; none where that is what it holds without them.
    fn content_with(
        &self,
        node: &ShownNode,
        void: &BTreeMap<DocumentId, Vec<&VoidChange>>,
    ) -> Result<Option<VoidContent>, ApiError> {
        let Some(content) = node.content.as_deref().filter(|_| node.kind == NodeKind::File) else {
            return Ok(None);
        };
        let shown = self.view.path_of(node.node).and_then(|path| self.view.node_at(&path));
        let is_same = shown.is_some_and(|shown| shown.content == node.content);
        let changes = content.document().and_then(|document| void.get(&document));
        match (content, changes) {
            (_, None) if is_same => Ok(None),
            (ContentValue::Blob(blob), _) => Ok(Some(VoidContent::Blob(blob.clone()))),
            (ContentValue::Text { document, base }, changes) => {
                let text = self.with_text(*document, |text| text.clone());
                let text = match (text, &self.contents) {
                    (Ok(text), _) => text,
                    // Only what does not count says that the file is this text.
                    (Err(_), Some(contents)) => begin(*document, base, contents)
                        .map_err(|error| ApiError::failed(format!("a text cannot be read: {error}")))?,
                    (Err(_), None) => return Ok(None),
                };
                let changes = changes.map(Vec::as_slice).unwrap_or_default();
                Ok(Some(VoidContent::Text(with_changes(text, changes).text())))
            }
        }
    }

    /// Lets somebody's work count that does not, where this person may say so.
    pub(crate) fn admit(&mut self, user: &UserId) -> Result<AdmittedWork, ApiError> {
        self.check_may_write()?;
        if self.replica.own_class() < Some(Class::Admin) {
            return Err(ApiError::not_allowed(
                "only an admin can let work of somebody count who was put out",
            )
            .hint("ask an admin; `weft members` shows who that is")
            .data_state("nothing was changed"));
        }
        let changes = self.void_changes()?.remove(user).unwrap_or_default();
        let entries: BTreeSet<_> = changes.iter().map(|void| void.item.entry.id).collect();
        let before = self.view.shown();
        let mut dirty = Dirty::default();
        let mut documents = BTreeSet::new();
        // The tree first: it says what the texts begin with.
        let tree = self.tree.id();
        let (of_tree, of_texts): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|void| void.item.document == tree);
        for void in of_tree.into_iter().chain(of_texts) {
            let document = void.item.document;
            let _ = self.waiting.take_aside(document, void.change.hash());
            self.apply_again(void.item, &mut dirty);
            if self.has_change(document, &void.change.hash()) {
                documents.insert(document);
            }
        }
        let mut made = Vec::new();
        for document in &documents {
            self.affirm(*document, &mut made)?;
        }
        self.settle(dirty);
        let mut admitted = AdmittedWork { entries: entries.len() as u64, ..AdmittedWork::default() };
        if !made.is_empty() {
            admitted.write = Some(self.write(DataOrigin::Human, made, None));
        }
        let after = self.view.shown();
        let differs = |(path, node): &(&String, &ShownNode)| before.get(*path) != Some(node);
        admitted.paths.extend(after.iter().filter(differs).map(|(path, _)| path.clone()));
        admitted.paths.extend(before.into_keys().filter(|path| !after.contains_key(path)));
        let nodes = documents.iter().flat_map(|document| self.view.nodes_of_document(*document));
        admitted.paths.extend(nodes.filter_map(|node| self.view.path_of(node)));
        Ok(admitted)
    }

    /// Writes a change that builds upon everything in a document.
    fn affirm(
        &mut self,
        document: DocumentId,
        made: &mut Vec<(DocumentId, Change, bool)>,
    ) -> Result<(), ApiError> {
        let refused =
            |error: &dyn std::fmt::Display| ApiError::failed(format!("a file takes no more edits: {error}"));
        let seconds = self.seconds();
        let changes = if document == self.tree.id() {
            let edited = self.tree.affirm(Author::ContentNamed, seconds).map_err(|error| refused(&error))?;
            self.note_own(&edited.changes);
            edited.changes
        } else {
            let author = Author::Session(self.own_actor());
            let edited = self.with_text(document, |text| text.affirm(author, seconds));
            let edited = edited.map_err(|error| refused(&error))?.map_err(|error| refused(&error))?;
            self.note_document(document);
            edited.changes
        };
        push_parts(made, document, changes);
        Ok(())
    }

    /// The files of our own work that counts nowhere, on a device that was put out.
    ///
    /// The replica of such a device does not know any more whose it is: `own` says it.
    pub(crate) fn own_void_paths(&self, own: UserId) -> Result<(BTreeSet<String>, u64), ApiError> {
        let Some(members) = self.replica.membership() else { return Ok(Default::default()) };
        let (mut paths, mut entries) = (BTreeSet::new(), 0);
        let logs = self.store.logs(self.ws).map_err(unreadable)?;
        for log in logs.iter().filter(|log| self.writer_of(&log.log) == Some(own)) {
            self.for_each_entry(log, |entry| {
                if members.counts(entry) {
                    return;
                }
                let Some(plain) = self.replica.read_data(entry) else { return };
                entries += 1;
                for item in &plain.items {
                    let Ok(change) = Change::parse(&item.change) else { continue };
                    let nodes: Vec<NodeId> = if item.doc == self.tree.id() {
                        let keys = change.register_writes().filter_map(|(key, _)| RegisterKey::parse(key));
                        keys.map(|key| key.node).collect()
                    } else {
                        self.view.nodes_of_document(item.doc).collect()
                    };
                    paths.extend(nodes.into_iter().filter_map(|node| self.view.path_of(node)));
                }
            })
            .map_err(unreadable)?;
        }
        // What was saved after we were told became no entries.
        paths.extend(self.unshared.iter().cloned());
        Ok((paths, entries))
    }

    fn for_each_entry(&self, log: &LogSummary, mut visit: impl FnMut(&Entry)) -> Result<(), ReadError> {
        let mut from = 1;
        while from <= log.last_seq {
            let read = self.store.entries(self.ws, log.log, from, log.last_seq, READ_BYTES)?;
            let Some(last) = read.last() else { return Ok(()) };
            from = last.at.seq + 1;
            read.iter()
                .filter_map(|stored| Entry::decode(&stored.bytes).ok())
                .for_each(|entry| visit(&entry));
        }
        Ok(())
    }
}

fn unreadable(error: ReadError) -> ApiError {
    ApiError::failed(format!("what is stored cannot be read: {error}")).hint(error.hint())
}

/// A document that takes changes.
trait Takes {
    /// Whether the change is part of it now, or never will be.
    fn takes(&mut self, void: &VoidChange) -> bool;
}

impl Takes for TextDocument {
    fn takes(&mut self, void: &VoidChange) -> bool {
        !matches!(self.apply(&void.change, &actor_of(&void.item.entry.log)), Ok(Applied::Missing(_)))
    }
}

impl Takes for TreeDocument {
    fn takes(&mut self, void: &VoidChange) -> bool {
        let checked = void.change.register_writes();
        let is_right =
            checked.into_iter().all(|(key, value)| weft_crdt::tree::check_register(key, value).is_ok());
        let applied = is_right.then(|| self.apply(&void.change, &actor_of(&void.item.entry.log)));
        !matches!(applied, Some(Ok(weft_crdt::TreeApplied::Missing(_))))
    }
}

/// A document with further changes, as far as what they build upon is there.
fn with_changes<T: Takes>(mut document: T, changes: &[&VoidChange]) -> T {
    let mut left = changes.to_vec();
    loop {
        let before = left.len();
        left.retain(|void| !document.takes(void));
        if left.is_empty() || left.len() == before {
            return document;
        }
    }
}
