//! What happened to a text: its versions, who wrote which line, what each change did.
//!
//! The living document keeps no history. It is made again from the changes when somebody asks, at a few microseconds
//! for each change.

mod blame;
mod rebuild;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::{Applied, GenesisError, PastText, TextDocument};
use crate::change::{Change, Ops, TextOp};
use crate::ids::{ActorId, ChangeHash, DocumentId, Version};

pub use self::blame::LineBlame;

/// The changes of a text document in an order in which they can be applied.
#[derive(Debug, Clone)]
pub struct History {
    id: DocumentId,
    /// The document with nothing but its genesis.
    origin: TextDocument,
    genesis: ChangeHash,
    changes: Vec<Change>,
    places: BTreeMap<ChangeHash, usize>,
    waiting: Vec<Change>,
}

/// What one change did. Callers group these by author and pause for display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The change.
    pub hash: ChangeHash,
    /// Who made it.
    pub actor: ActorId,
    /// Its number among its actor's changes.
    pub seq: u64,
    /// When it was made by the author's clock, in seconds since 1970; 0 when it is content-named.
    pub time: i64,
    /// The counter of its first operation: greater than those of all that it builds upon.
    pub start_op: u64,
    /// The changes it builds upon.
    pub deps: Vec<ChangeHash>,
    /// How many characters it inserted.
    pub inserted: u64,
    /// How many characters it deleted; two people may have deleted the same ones.
    pub deleted: u64,
}

impl History {
    /// Takes the changes of a document in any order. Those that build upon something that is not among them are left
    /// out; [`History::waiting`] has them.
    pub fn new<'a>(
        id: DocumentId,
        base: &str,
        changes: impl IntoIterator<Item = &'a Change>,
    ) -> Result<Self, GenesisError> {
        let origin = TextDocument::new(id, base)?;
        let genesis = origin.changes().first().copied().unwrap_or(ChangeHash::from_bytes([0; 32]));
        let mut history =
            Self { id, origin, genesis, changes: Vec::new(), places: BTreeMap::new(), waiting: Vec::new() };
        for change in order(changes, |hash| *hash == genesis, &mut history.waiting) {
            history.places.insert(change.hash(), history.changes.len());
            history.changes.push(change);
        }
        Ok(history)
    }

    /// The document whose history this is.
    pub fn id(&self) -> DocumentId {
        self.id
    }

    /// The first change of the document, made of its base text.
    pub fn genesis(&self) -> ChangeHash {
        self.genesis
    }

    /// Changes that build upon something that is not here.
    pub fn waiting(&self) -> &[Change] {
        &self.waiting
    }

    /// The changes, each after those it builds upon; the genesis is not among them.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// What each change did, each after those it builds upon.
    pub fn moments(&self) -> impl DoubleEndedIterator<Item = Moment> {
        self.changes.iter().map(|change| {
            let (inserted, deleted) = count_characters(change);
            Moment {
                hash: change.hash(),
                actor: change.actor(),
                seq: change.seq(),
                time: change.time(),
                start_op: change.start_op(),
                deps: change.deps().to_vec(),
                inserted,
                deleted,
            }
        })
    }

    /// The changes that a version has, the genesis included; `None` when it names one that is not here.
    pub fn closure(&self, version: &Version) -> Option<BTreeSet<ChangeHash>> {
        let mut closure = BTreeSet::new();
        let mut open = version.hashes().to_vec();
        while let Some(hash) = open.pop() {
            if hash == self.genesis {
                closure.insert(hash);
                continue;
            }
            let change = &self.changes[*self.places.get(&hash)?];
            if closure.insert(hash) {
                open.extend_from_slice(change.deps());
            }
        }
        Some(closure)
    }

    /// The text at a version; `None` when the version names a change that is not here. The empty version is the text
    /// before anybody edited it.
    pub fn text_at(&self, version: &Version) -> Option<PastText> {
        Some(self.document_at(version)?.keep())
    }

    /// The whole document as it was at a version.
    pub fn document_at(&self, version: &Version) -> Option<TextDocument> {
        let closure = self.closure(version)?;
        let mut document = self.origin.clone();
        for change in self.changes.iter().filter(|change| closure.contains(&change.hash())) {
            // What the living document refuses is not part of any version either, nor is what builds upon it.
            is_applied(&mut document, change);
        }
        Some(document)
    }
}

/// Puts changes in an order in which they can be applied; the first ones keep the order they came in. What builds upon
/// something else than `is_known` and each other goes to `waiting`.
fn order<'a>(
    changes: impl IntoIterator<Item = &'a Change>,
    is_known: impl Fn(&ChangeHash) -> bool,
    waiting: &mut Vec<Change>,
) -> Vec<Change> {
    let mut ordered: Vec<Change> = Vec::new();
    let mut known = BTreeSet::new();
    // By a change that is missing those that wait for it.
    let mut blocked: BTreeMap<ChangeHash, Vec<Change>> = BTreeMap::new();
    let mut ready = Vec::new();
    for change in changes {
        ready.push(change.clone());
        while let Some(change) = ready.pop() {
            let missing = change.deps().iter().find(|dep| !is_known(dep) && !known.contains(*dep));
            if let Some(missing) = missing {
                blocked.entry(*missing).or_default().push(change);
            } else if known.insert(change.hash()) {
                ready.extend(blocked.remove(&change.hash()).unwrap_or_default());
                ordered.push(change);
            }
        }
    }
    waiting.extend(blocked.into_values().flatten());
    ordered
}

fn count_characters(change: &Change) -> (u64, u64) {
    let Ops::Text(text) = change.ops() else {
        return (0, 0);
    };
    text.ops.iter().fold((0, 0), |(inserted, deleted), op| match op {
        TextOp::Insert { count, .. } => (inserted + u64::from(*count), deleted),
        TextOp::Delete { count, .. } => (inserted, deleted + u64::from(*count)),
    })
}

/// Tells whether the change is part of the document afterwards.
fn is_applied(document: &mut TextDocument, change: &Change) -> bool {
    matches!(document.apply(change, &change.actor()), Ok(Applied::Applied(_) | Applied::Known))
}
