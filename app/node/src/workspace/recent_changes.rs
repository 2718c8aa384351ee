//! Changes on their way to the store.
//!
//! A change counts as soon as its entry does, and can be read from the store a moment later. Whoever reads the changes of
//! a document in that moment must find it all the same: else a document that is made again lacks it, and a version of a
//! file that holds it is not shown.

use std::collections::{BTreeMap, VecDeque};

use weft_crdt::{ChangeHash, DocumentId};
use weft_sync::ids::EntryRef;
use weft_sync::replica::BatchId;

use super::entries::CarriedChange;

/// The changes that may not be in the store yet.
#[derive(Default)]
pub(crate) struct RecentChanges {
    /// Those of each document, numbered in the order in which they came.
    changes: BTreeMap<DocumentId, VecDeque<(u64, CarriedChange)>>,
    /// Whose each of them is, in that order.
    order: VecDeque<(u64, DocumentId)>,
    next: u64,
    /// Transactions on their way, each with the number of the first change that is not in it or in one before it.
    transactions: VecDeque<(BatchId, u64)>,
}

impl RecentChanges {
    /// Notes a change; it is handed to the store with the next transaction at the latest.
    pub(crate) fn note(&mut self, document: DocumentId, carried: CarriedChange) {
        self.changes.entry(document).or_default().push_back((self.next, carried));
        self.order.push_back((self.next, document));
        self.next += 1;
    }

    /// Names the entry that carries an own change.
    pub(crate) fn set_entry(&mut self, document: DocumentId, hash: ChangeHash, entry: EntryRef) {
        let changes = self.changes.get_mut(&document).into_iter().flatten();
        if let Some((_, carried)) = changes.rev().find(|(_, carried)| carried.change.hash() == hash) {
            carried.entry = entry;
        }
    }

    /// Notes that all changes so far are in this transaction or in one before it.
    pub(crate) fn begin(&mut self, batch: BatchId) {
        self.transactions.push_back((batch, self.next));
    }

    /// The transaction is durable, and so are those before it.
    pub(crate) fn committed(&mut self, batch: BatchId) {
        let Some(at) = self.transactions.iter().position(|(known, _)| *known == batch) else { return };
        let end = self.transactions.drain(..=at).map(|(_, end)| end).max().unwrap_or(0);
        while let Some((_, document)) = self.order.pop_front_if(|(number, _)| *number < end) {
            let Some(changes) = self.changes.get_mut(&document) else { continue };
            while changes.pop_front_if(|(number, _)| *number < end).is_some() {}
            if changes.is_empty() {
                self.changes.remove(&document);
            }
        }
    }

    /// Forgets a change that is not to be part of the document.
    pub(crate) fn forget(&mut self, document: DocumentId, hash: ChangeHash) {
        self.keep(document, |(_, carried)| carried.change.hash() != hash);
    }

    fn keep(&mut self, document: DocumentId, keeps: impl Fn(&(u64, CarriedChange)) -> bool) {
        if let Some(changes) = self.changes.get_mut(&document) {
            changes.retain(keeps);
            if changes.is_empty() {
                self.changes.remove(&document);
            }
        }
    }

    /// The changes of a document.
    pub(crate) fn of(&self, document: DocumentId) -> impl Iterator<Item = &CarriedChange> {
        self.changes.get(&document).into_iter().flatten().map(|(_, carried)| carried)
    }
}

#[cfg(test)]
mod tests {
    use weft_crdt::{ActorId, Author, TextDocument};
    use weft_sync::data::Origin;
    use weft_sync::ids::{EntryId, LogId, WallMillis};

    use super::*;

    fn entry(seq: u64) -> EntryRef {
        EntryRef { log: LogId::ZERO, seq, id: EntryId::ZERO }
    }

    #[test]
    fn changes_stay_until_the_transaction_that_holds_them_is_durable() {
        let document = DocumentId::from_bytes([1; 16]);
        let mut text = TextDocument::new(document, "").unwrap();
        let mut carried = |letter: &str| {
            let author = Author::Session(ActorId::from([2; 16]));
            let change = text.replace_text(letter, author, 0).unwrap().changes.remove(0);
            let (wall, origin) = (WallMillis(0), Origin::Human);
            CarriedChange { change, entry: entry(0), item: 0, wall, origin, counts: true }
        };
        let (a, b, c) = (carried("a"), carried("b"), carried("c"));
        let mut recent = RecentChanges::default();
        recent.note(document, a);
        recent.begin(BatchId(1));
        recent.note(document, b.clone());
        recent.begin(BatchId(2));
        recent.note(document, c.clone());
        recent.set_entry(document, c.change.hash(), entry(7));
        assert_eq!(recent.of(document).count(), 3);
        assert_eq!(recent.of(DocumentId::from_bytes([9; 16])).count(), 0);
        recent.committed(BatchId(2));
        let left: Vec<_> = recent.of(document).map(|left| (left.change.hash(), left.entry.seq)).collect();
        assert_eq!(left, [(c.change.hash(), 7)]);
        recent.committed(BatchId(1));
        assert_eq!(recent.of(document).count(), 1, "an answer that comes twice takes nothing more");
    }
}
