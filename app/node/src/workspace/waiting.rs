//! Changes that came before what they need.
//!
//! A change whose dependencies, base content or tree node are not here waits as a reference to
//! the entry that carries it, under what is missing. Nothing bounds how many wait: they are in
//! the store already, and a reference is small.

use std::collections::{BTreeMap, BTreeSet};

use weft_crdt::{ChangeHash, DocumentId};
use weft_sync::ids::EntryRef;

/// One item of one stored entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ItemRef {
    /// The entry.
    pub(crate) entry: EntryRef,
    /// The place of the item in it.
    pub(crate) item: u16,
    /// The document that the item changes.
    pub(crate) document: DocumentId,
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
}

impl Waiting {
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

#[cfg(test)]
mod tests {
    use super::*;
    use weft_sync::ids::{EntryId, LogId};

    #[test]
    fn items_come_back_once_and_only_for_what_they_lacked() {
        let document = DocumentId::from_bytes([1; 16]);
        let hash = ChangeHash::from_bytes([2; 32]);
        let item =
            ItemRef { entry: EntryRef { log: LogId::ZERO, seq: 3, id: EntryId::ZERO }, item: 0, document };
        let mut waiting = Waiting::default();
        waiting.add(Missing::Change(document, hash), item);
        waiting.add(Missing::Change(document, hash), item);
        assert_eq!(waiting.len(), 1);
        assert!(waiting.take(Missing::Document(document)).is_empty());
        assert_eq!(waiting.take(Missing::Change(document, hash)), vec![item]);
        assert_eq!(waiting.len(), 0);
    }
}
