//! A document of one text: a file that somebody has edited.

mod anchor;
mod apply;
mod doubled;
mod draft;
mod edit;
mod genesis;
mod past;

#[cfg(test)]
mod tests;

use ropey::Rope;

use crate::document::actors::Id;
use crate::document::graph::Graph;
use crate::ids::{ActorId, ChangeHash, DocumentId, Version};
use crate::text::TextState;

pub use self::anchor::{Anchor, Side};
pub use self::apply::Applied;
pub use self::doubled::Doubled;
pub use self::edit::{Edit, EditError, Edited};
pub use self::genesis::GenesisError;
pub use self::past::PastText;

pub(super) use self::draft::{Recorded, RecordedOp};
pub(super) use self::edit::Recorder;

/// A text that many people edit at once.
///
/// Everybody makes the document from the same base text, so its first change (the genesis) is the same for all and
/// never travels. Edits give [`Change`](crate::Change)s to keep and to send and [`Patch`](crate::Patch)es for a copy
/// of the text; changes of others give patches too.
#[derive(Debug, Clone)]
pub struct TextDocument {
    pub(super) id: DocumentId,
    pub(super) graph: Graph,
    pub(super) text: TextState,
    /// The text object, made by the genesis.
    pub(super) object: Id,
}

impl TextDocument {
    /// The name of the document.
    pub fn id(&self) -> DocumentId {
        self.id
    }

    /// The changes that nothing else here builds upon.
    pub fn heads(&self) -> &Version {
        self.graph.heads()
    }

    /// The whole text.
    pub fn text(&self) -> String {
        self.text.rope.to_string()
    }

    /// The text as a rope, for parts of it and for positions in bytes and lines.
    pub fn rope(&self) -> &Rope {
        &self.text.rope
    }

    /// How many characters the text has.
    pub fn len_chars(&self) -> usize {
        self.text.rope.len_chars()
    }

    /// How many bytes the text has.
    pub fn len_bytes(&self) -> usize {
        self.text.rope.len_bytes()
    }

    /// Tells whether a change is part of the document.
    pub fn contains(&self, hash: &ChangeHash) -> bool {
        self.graph.contains(hash)
    }

    /// How many changes the document has, the genesis included.
    pub fn len_changes(&self) -> usize {
        self.graph.len()
    }

    /// The changes of the document, each after those it builds upon; the genesis is the first.
    pub fn changes(&self) -> &[ChangeHash] {
        self.graph.hashes()
    }

    /// Tells whether anybody has edited the base text.
    pub fn has_changes_beyond_genesis(&self) -> bool {
        self.graph.len() > 1
    }

    /// The visible characters as runs of consecutive counters of one actor, in the order of the text.
    pub(super) fn visible_runs(&self) -> impl Iterator<Item = (ActorId, u64, u32)> {
        let runs = self.text.index.runs().filter(|run| run.is_visible());
        runs.map(|run| (self.graph.actors().actor(run.actor()), u64::from(run.start()), run.len()))
    }

    /// Panics when the parts of the document contradict each other. For tests.
    #[cfg(any(test, debug_assertions))]
    pub fn check_invariants(&self) {
        self.text.index.check_invariants();
        assert_eq!(self.text.index.len_visible(), self.text.rope.len_chars());
    }
}
