//! The same text, inserted by two people who did not know of each other.

use super::TextDocument;
use crate::change::{Change, Ops, TextOp};
use crate::document::actors::Id;
use crate::ids::CharIndex;

/// Shorter texts are often the same by chance.
const DOUBLED_CHARS_MIN: usize = 16;

/// Text that stands twice, one copy behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubled {
    /// Where the second copy begins.
    pub second: CharIndex,
    /// How long each copy is.
    pub chars: usize,
}

impl TextDocument {
    /// The insertions of a change that was just applied beside which the same text stands, inserted by somebody else
    /// who did not know of it: both did the same thing, and it is there twice.
    pub fn doubled(&self, change: &Change) -> Vec<Doubled> {
        let Ops::Text(text) = change.ops() else { return Vec::new() };
        let Some(actor) = self.graph.actors().number(&change.actor()) else { return Vec::new() };
        let mut counter = change.start_op() as u32;
        let mut doubled = Vec::new();
        for op in &text.ops {
            let chars = op.count() as usize;
            if let TextOp::Insert { text, .. } = op
                && chars >= DOUBLED_CHARS_MIN
            {
                let twin = self.twin(change, Id { counter, actor }, change.text(text), chars);
                doubled.extend(twin);
            }
            counter += op.count();
        }
        doubled
    }

    fn twin(&self, change: &Change, first: Id, text: &str, chars: usize) -> Option<Doubled> {
        let (at, is_visible) = self.text.index.position(first)?;
        if !is_visible || !self.stands_at(at, chars, text) {
            return None;
        }
        let before = at.checked_sub(chars).map(|before| (before, at));
        let mut places = before.into_iter().chain([(at + chars, at + chars)]);
        let (_, second) = places.find(|(twin, _)| {
            let id = self.text.index.id_at(*twin);
            let is_of_another = id.is_some_and(|id| id.actor != first.actor);
            is_of_another
                && self.stands_at(*twin, chars, text)
                && id.is_some_and(|id| self.graph.is_unknown_to(change, id))
        })?;
        Some(Doubled { second: CharIndex(second), chars })
    }

    fn stands_at(&self, at: usize, chars: usize, text: &str) -> bool {
        self.text.rope.get_slice(at..at + chars).is_some_and(|slice| slice == text)
    }
}
