//! The text documents that are in memory.

use lru::LruCache;
use weft_crdt::{DocumentId, TextDocument};

/// Bytes of text that stay in memory; the document that was used longest ago goes first.
const OPEN_BYTES_MAX: usize = 48 * 1024 * 1024;
/// What an open document costs beside its text.
const OPEN_BYTES_EACH: usize = 4 * 1024;

/// A document in memory.
pub(super) struct OpenDocument {
    /// It.
    pub(super) document: TextDocument,
    /// How many of its changes the last snapshot holds.
    pub(super) held: usize,
    /// What it is taken to cost, in bytes.
    cost: usize,
}

/// The documents in memory, as many as may be.
pub(super) struct OpenDocuments {
    by_id: LruCache<DocumentId, OpenDocument>,
    /// What all of them are taken to cost.
    cost: usize,
}

fn cost(document: &TextDocument) -> usize {
    document.len_chars() + OPEN_BYTES_EACH
}

impl OpenDocuments {
    pub(super) fn new() -> Self {
        Self { by_id: LruCache::unbounded(), cost: 0 }
    }

    pub(super) fn contains(&self, id: DocumentId) -> bool {
        self.by_id.contains(&id)
    }

    /// A document with what is known of it, which is not taken to be in use thereby.
    pub(super) fn peek(&self, id: DocumentId) -> Option<&OpenDocument> {
        self.by_id.peek(&id)
    }

    /// The same, to note something of it.
    pub(super) fn peek_mut(&mut self, id: DocumentId) -> Option<&mut OpenDocument> {
        self.by_id.peek_mut(&id)
    }

    /// A document that is in use now.
    pub(super) fn get(&mut self, id: DocumentId) -> Option<&mut TextDocument> {
        let open = self.by_id.get_mut(&id)?;
        // It was edited since, or may be now: each use counts the edit before.
        let before = std::mem::replace(&mut open.cost, cost(&open.document));
        self.cost = self.cost - before + open.cost;
        Some(&mut open.document)
    }

    /// Keeps a document, of which the last snapshot holds so many changes. Others go where room is lacking.
    pub(super) fn insert(&mut self, id: DocumentId, document: TextDocument, held: usize) {
        self.remove(id);
        let cost = cost(&document);
        self.cost += cost;
        while self.cost > OPEN_BYTES_MAX
            && let Some((_, gone)) = self.by_id.pop_lru()
        {
            self.cost -= gone.cost;
        }
        self.by_id.put(id, OpenDocument { document, held, cost });
    }

    pub(super) fn remove(&mut self, id: DocumentId) {
        if let Some(gone) = self.by_id.pop(&id) {
            self.cost -= gone.cost;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> DocumentId {
        DocumentId::from_bytes([number; 16])
    }

    #[test]
    fn the_document_that_was_used_longest_ago_goes_first() {
        let mut open = OpenDocuments::new();
        let text = "a".repeat(OPEN_BYTES_MAX / 3);
        for number in 0..3 {
            let document = TextDocument::new(id(number), &text).unwrap();
            open.insert(id(number), document, 0);
            assert!(open.get(id(0)).is_some(), "it stays in use");
        }
        let kept = [0, 1, 2].map(|number| open.contains(id(number)));
        assert_eq!(kept, [true, false, true]);
        [0, 2].into_iter().for_each(|number| open.remove(id(number)));
        assert_eq!(open.cost, 0);
    }
}
