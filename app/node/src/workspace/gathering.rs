//! Putting a document together from stored changes.
//!
//! Changes lie in the store in the order in which they came, which need not be one in which they
//! can be applied.

use std::collections::BTreeMap;

use weft_crdt::ChangeHash;

use super::entries::CarriedChange;
use super::waiting::ItemRef;

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is part of the document, or never will be.
    Done,
    /// It builds upon this change, which is not part of the document.
    Missing(ChangeHash),
}

/// Changes that cannot be applied yet.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    /// By a change that they build upon.
    blocked: BTreeMap<ChangeHash, Vec<CarriedChange>>,
}

impl Gathering {
    /// Applies a change and whatever waited for it, or keeps it.
    pub(crate) fn add(&mut self, carried: CarriedChange, mut apply: impl FnMut(&CarriedChange) -> Taken) {
        let mut ready = vec![carried];
        while let Some(carried) = ready.pop() {
            match apply(&carried) {
                Taken::Done => {
                    let hash = carried.change.hash();
                    ready.extend(self.blocked.remove(&hash).into_iter().flatten().rev());
                }
                Taken::Missing(missing) => self.blocked.entry(missing).or_default().push(carried),
            }
        }
    }

    /// The changes that still lack something, with what they lack.
    pub(crate) fn left_over(self, document: weft_crdt::DocumentId) -> Vec<(ItemRef, ChangeHash)> {
        let mut left_over = Vec::new();
        for (missing, blocked) in self.blocked {
            for carried in blocked {
                left_over.push((carried.item_of(document), missing));
            }
        }
        left_over
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use weft_crdt::{ActorId, Author, Change, CharIndex, DocumentId, Edit, TextDocument};
    use weft_sync::data::Origin;
    use weft_sync::ids::{EntryId, EntryRef, LogId, WallMillis};

    use super::*;

    const DOCUMENT: DocumentId = DocumentId::from_bytes([7; 16]);

    /// `count` changes, each building upon the one before.
    fn chain(count: u8) -> Vec<Change> {
        let mut text = TextDocument::new(DOCUMENT, "").unwrap();
        let author = Author::Session(ActorId::from([1; 16]));
        let typed = (0..count).flat_map(|at| {
            let edit = Edit { at: CharIndex(usize::from(at)), delete: 0, insert: "x".to_owned() };
            text.edit(author, &[edit], 0).unwrap().changes
        });
        typed.collect()
    }

    fn carried(change: &Change) -> CarriedChange {
        let entry = EntryRef { log: LogId::ZERO, seq: change.seq(), id: EntryId::ZERO };
        let (wall, origin) = (WallMillis(0), Origin::Human);
        CarriedChange { change: change.clone(), entry, item: 0, wall, origin, counts: true }
    }

    /// Gathers the changes at these places of the chain, and says which are applied, in order.
    fn gather(places: &[usize]) -> (Vec<u64>, usize) {
        let chain = chain(5);
        let genesis = TextDocument::genesis(DOCUMENT, "").unwrap().hash();
        let (mut known, mut applied) = (BTreeSet::from([genesis]), Vec::new());
        let mut gathering = Gathering::default();
        for place in places {
            gathering.add(carried(&chain[*place]), |carried| {
                match carried.change.deps().iter().find(|dep| !known.contains(*dep)) {
                    Some(missing) => Taken::Missing(*missing),
                    None => {
                        known.insert(carried.change.hash());
                        applied.push(carried.change.seq());
                        Taken::Done
                    }
                }
            });
        }
        (applied, gathering.left_over(DOCUMENT).len())
    }

    #[test]
    fn changes_in_any_order_are_applied_in_theirs() {
        assert_eq!(gather(&[4, 2, 0, 3, 1]), (vec![1, 2, 3, 4, 5], 0));
        assert_eq!(gather(&[1, 0, 4]), (vec![1, 2], 1));
        assert_eq!(gather(&[0, 0, 1]), (vec![1, 1, 2], 0));
    }
}
