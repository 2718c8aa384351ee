//! Places that stay with their text.

use serde::{Deserialize, Serialize};

use super::TextDocument;
use crate::ids::{CharIndex, OpId};

/// The side of its character on which an anchor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Before the character: text typed at the anchor goes before it, and the anchor moves on.
    Before,
    /// Behind the character: text typed at the anchor goes behind it, and the anchor stays.
    After,
}

/// A place in a text that survives every edit: a caret, a comment, the end of a range.
///
/// Anchors are equal on all devices and may be kept and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Anchor {
    /// The character, `None` for the border of the text: its start after nothing, its end before nothing.
    pub character: Option<OpId>,
    /// Where the anchor is.
    pub side: Side,
}

impl TextDocument {
    /// Makes an anchor at a position; one beyond the end of the text is at the end.
    pub fn anchor(&self, at: CharIndex, side: Side) -> Anchor {
        let at = at.0.min(self.len_chars());
        let character = match side {
            Side::Before => self.text.index.id_at(at),
            Side::After => at.checked_sub(1).and_then(|before| self.text.index.id_at(before)),
        };
        Anchor { character: character.map(|id| self.graph.actors().op_id(id)), side }
    }

    /// The position of an anchor; where its character is deleted, the place where it was. `None` when the character
    /// has not arrived here.
    pub fn position(&self, anchor: &Anchor) -> Option<CharIndex> {
        let Some(character) = &anchor.character else {
            return Some(match anchor.side {
                Side::Before => CharIndex(self.len_chars()),
                Side::After => CharIndex(0),
            });
        };
        let id = self.graph.actors().id(character)?;
        let (position, is_visible) = self.text.index.position(id)?;
        let behind = is_visible && anchor.side == Side::After;
        Some(CharIndex(position + usize::from(behind)))
    }
}
