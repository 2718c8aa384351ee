//! A document of registers: the folder tree of a workspace.

mod apply;
mod edit;

#[cfg(test)]
mod tests;

use crate::change::{Change, Value};
use crate::document::graph::Graph;
use crate::ids::{ChangeHash, DocumentId, OpId, Version};
use crate::registers::Registers;

pub use self::apply::TreeApplied;
pub use self::edit::{RegisterEdit, TreeEditError, TreeEdited};

/// A flat map from keys to values that many people write at once.
///
/// There is no first change that everybody has: the empty document is the same for all, and its first change builds
/// upon nothing.
#[derive(Debug, Clone)]
pub struct TreeDocument {
    pub(super) id: DocumentId,
    pub(super) graph: Graph,
    pub(super) registers: Registers,
}

impl TreeDocument {
    /// Makes a document without any key.
    pub fn new(id: DocumentId) -> Self {
        Self { id, graph: Graph::default(), registers: Registers::default() }
    }

    /// The name of the document.
    pub fn id(&self) -> DocumentId {
        self.id
    }

    /// The changes that nothing else here builds upon.
    pub fn heads(&self) -> &Version {
        self.graph.heads()
    }

    /// Tells whether a change is part of the document.
    pub fn contains(&self, hash: &ChangeHash) -> bool {
        self.graph.contains(hash)
    }

    /// How many changes the document has.
    pub fn len_changes(&self) -> usize {
        self.graph.len()
    }

    /// The changes of the document, each after those it builds upon.
    pub fn changes(&self) -> &[ChangeHash] {
        self.graph.hashes()
    }

    /// The value of a key that is shown: of all that survive the one with the greatest id.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.registers.values(key).last().map(|(_, value)| value)
    }

    /// The id of the write whose value is shown.
    pub fn get_id(&self, key: &str) -> Option<OpId> {
        let (id, _) = self.registers.values(key).last()?;
        Some(self.graph.actors().op_id(*id))
    }

    /// All values of a key that no other write has taken the place of, in ascending order of their ids: the last one
    /// is shown, the ones before it are its conflicts.
    pub fn values(&self, key: &str) -> impl DoubleEndedIterator<Item = (OpId, &Value)> {
        self.registers.values(key).iter().map(|(id, value)| (self.graph.actors().op_id(*id), value))
    }

    /// The keys that have a value, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.registers.keys()
    }

    /// The keys with a value that begin with `prefix`, in order.
    pub fn keys_with_prefix<'a>(&'a self, prefix: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let prefix = prefix.to_owned();
        self.registers.keys_from(&prefix.clone()).take_while(move |key| key.starts_with(&prefix))
    }

    /// Makes the document again from changes of which each comes after those it builds upon, as after some were
    /// withdrawn. Changes that do not fit, because one they build upon is gone, are left out and given back.
    pub fn rebuild<'a>(id: DocumentId, changes: impl IntoIterator<Item = &'a Change>) -> (Self, Vec<Change>) {
        let mut document = Self::new(id);
        let mut left_out = Vec::new();
        for change in changes {
            match document.apply(change, &change.actor()) {
                Ok(TreeApplied::Applied { .. } | TreeApplied::Known) => {}
                Ok(TreeApplied::Missing(_)) | Err(_) => left_out.push(change.clone()),
            }
        }
        (document, left_out)
    }

    /// The keys whose values differ between two states of a document, in order.
    pub fn changed_keys(before: &Self, after: &Self) -> Vec<String> {
        let mut keys: Vec<&str> = before.keys().chain(after.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().filter(|key| !before.values(key).eq(after.values(key))).map(str::to_owned).collect()
    }
}
