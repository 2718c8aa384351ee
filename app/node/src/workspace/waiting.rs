//! Changes that came before what they need.
//!
//! A change whose dependencies, base content or tree node are not here waits as a reference to
//! the entry that carries it, under what is missing. Nothing bounds how many wait: they are in
//! the store already, and a reference is small.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use weft_crdt::{Change, ChangeHash, DocumentId};
use weft_sync::ids::{EntryId, EntryRef, LogId};
use weft_sync::replica::{BatchId, WriteId};

/// One item of one stored entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ItemRef {
    /// The entry.
    pub(crate) entry: EntryRef,
    /// The place of the item in it.
    pub(crate) item: u16,
    /// The document that the item changes.
    pub(crate) document: DocumentId,
    /// The change, if it was made here and its entry was not known yet.
    pub(crate) made: Option<ChangeHash>,
}

/// What an item waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Missing {
    /// Another change of the same document.
    Change(DocumentId, ChangeHash),
    /// The tree says nothing of the document yet, or its base is not here.
    Document(DocumentId),
}

/// All items that wait.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    by_missing: BTreeMap<Missing, BTreeSet<ItemRef>>,
    /// Items of entries that do not count, by what they carry: they become part of a document
    /// when a change that counts builds upon them.
    aside: BTreeMap<(DocumentId, ChangeHash), ItemRef>,
}

impl Waiting {
    /// Keeps an item of an entry that does not count.
    pub(crate) fn set_aside(&mut self, hash: ChangeHash, item: ItemRef) {
        self.aside.insert((item.document, hash), item);
    }

    /// Takes an item that was set aside, because something that counts builds upon it.
    pub(crate) fn take_aside(&mut self, document: DocumentId, hash: ChangeHash) -> Option<ItemRef> {
        self.aside.remove(&(document, hash))
    }

    /// Whether something waits for this.
    pub(crate) fn is_awaited(&self, missing: &Missing) -> bool {
        self.by_missing.contains_key(missing)
    }

    /// Lets an item wait.
    pub(crate) fn add(&mut self, missing: Missing, item: ItemRef) {
        self.by_missing.entry(missing).or_default().insert(item);
    }

    /// Takes the items that waited for this, in the order of their entries.
    pub(crate) fn take(&mut self, missing: Missing) -> Vec<ItemRef> {
        self.by_missing.remove(&missing).into_iter().flatten().collect()
    }

    /// How many items wait.
    pub(crate) fn len(&self) -> usize {
        self.by_missing.values().map(BTreeSet::len).sum()
    }
}

/// A change that is part of a document, or waits for one, and that the store's index may not name
/// yet: a document that is read from the store now would lack it.
#[derive(Debug, Clone)]
pub(crate) enum Unstored {
    /// It was delivered, in this entry, which is stored.
    Delivered(ItemRef),
    /// It was made here.
    Made(DocumentId, WriteId, Change, LogId),
}

impl Unstored {
    /// The change, when it was made here.
    pub(crate) fn made(&self) -> Option<ChangeHash> {
        match self {
            Self::Delivered(_) => None,
            Self::Made(_, _, change, _) => Some(change.hash()),
        }
    }

    pub(crate) fn document(&self) -> DocumentId {
        match self {
            Self::Delivered(item) => item.document,
            Self::Made(document, ..) => *document,
        }
    }
}

/// All changes that the store's index may not name yet, in their order.
#[derive(Debug, Default)]
pub(crate) struct UnstoredChanges {
    changes: VecDeque<(u64, Unstored)>,
    next: u64,
    /// When this batch is stored, what was delivered before this place is as well.
    barriers: VecDeque<(BatchId, u64)>,
}

impl UnstoredChanges {
    /// Notes a change.
    pub(crate) fn push(&mut self, change: Unstored) {
        self.changes.push_back((self.next, change));
        self.next += 1;
    }

    /// Notes that a batch is handed to the disk, behind everything before it.
    pub(crate) fn barrier(&mut self, batch: BatchId) {
        self.barriers.push_back((batch, self.next));
    }

    /// Notes that a batch is stored, and so is what was delivered before it was handed over.
    pub(crate) fn committed(&mut self, batch: BatchId) {
        let Some(place) = self.barriers.iter().position(|(of, _)| *of == batch) else { return };
        let Some((_, before)) = self.barriers.drain(..=place).next_back() else { return };
        self.changes.retain(|(place, change)| *place >= before || matches!(change, Unstored::Made(..)));
    }

    /// Notes that a write of ours is stored, or never will be.
    pub(crate) fn written(&mut self, write: WriteId) {
        self.changes.retain(|(_, change)| !matches!(change, Unstored::Made(_, of, ..) if *of == write));
    }

    /// Forgets a delivered item that does not count any more.
    pub(crate) fn forget(&mut self, item: &ItemRef) {
        self.changes.retain(|(_, change)| !matches!(change, Unstored::Delivered(of) if of == item));
    }

    /// Forgets what was delivered of a document in entries that are dropped.
    pub(crate) fn forget_entries(&mut self, document: DocumentId, entries: &BTreeSet<EntryId>) {
        let is_dropped = |change: &Unstored| matches!(change, Unstored::Delivered(of) if of.document == document && entries.contains(&of.entry.id));
        self.changes.retain(|(_, change)| !is_dropped(change));
    }

    /// What is unstored of a document.
    pub(crate) fn of(&self, document: DocumentId) -> Vec<Unstored> {
        let of = self.changes.iter().filter(|(_, change)| change.document() == document);
        of.map(|(_, change)| change.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_sync::ids::EntryId;

    fn delivered(document: u8, seq: u64) -> Unstored {
        let entry = EntryRef { log: LogId::ZERO, seq, id: EntryId::ZERO };
        let item = ItemRef { entry, item: 0, document: DocumentId::from_bytes([document; 16]), made: None };
        Unstored::Delivered(item)
    }

    #[test]
    fn what_was_delivered_before_a_stored_batch_is_stored() {
        let mut unstored = UnstoredChanges::default();
        let [one, two] = [1, 2].map(|byte| DocumentId::from_bytes([byte; 16]));
        unstored.push(delivered(1, 1));
        unstored.barrier(BatchId(7));
        unstored.push(delivered(1, 2));
        unstored.push(delivered(2, 3));
        unstored.barrier(BatchId(8));
        unstored.committed(BatchId(7));
        assert_eq!((unstored.of(one).len(), unstored.of(two).len()), (1, 1), "later ones are not stored");
        unstored.committed(BatchId(8));
        assert!(unstored.of(one).is_empty() && unstored.of(two).is_empty());
    }

    #[test]
    fn what_does_not_count_is_found_by_what_it_carries() {
        let document = DocumentId::from_bytes([1; 16]);
        let hash = ChangeHash::from_bytes([2; 32]);
        let Unstored::Delivered(item) = delivered(1, 3) else { return };
        let mut waiting = Waiting::default();
        waiting.set_aside(hash, item);
        assert_eq!(waiting.len(), 0, "it waits for nothing");
        assert_eq!(waiting.take_aside(document, hash), Some(item));
        assert_eq!(waiting.take_aside(document, hash), None);
    }

    #[test]
    fn items_come_back_once_and_only_for_what_they_lacked() {
        let document = DocumentId::from_bytes([1; 16]);
        let hash = ChangeHash::from_bytes([2; 32]);
        let item = ItemRef {
            entry: EntryRef { log: LogId::ZERO, seq: 3, id: EntryId::ZERO },
            item: 0,
            document,
            made: None,
        };
        let mut waiting = Waiting::default();
        waiting.add(Missing::Change(document, hash), item);
        waiting.add(Missing::Change(document, hash), item);
        assert_eq!(waiting.len(), 1);
        assert!(waiting.take(Missing::Document(document)).is_empty());
        assert_eq!(waiting.take(Missing::Change(document, hash)), vec![item]);
        assert_eq!(waiting.len(), 0);
    }
}
