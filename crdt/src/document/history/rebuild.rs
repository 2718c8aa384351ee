//! Documents without changes that were withdrawn.

use super::{is_applied, order};
use crate::change::Change;
use crate::document::diff::minimal_edits;
use crate::document::{GenesisError, TextDocument};
use crate::ids::DocumentId;
use crate::text::Patch;

impl TextDocument {
    /// Makes the document again of the changes that count, in any order. Changes that build upon one that does not
    /// count are left out and given back.
    ///
    /// The log that carried each change was checked when it arrived.
    pub fn rebuild<'a>(
        id: DocumentId,
        base: &str,
        changes: impl IntoIterator<Item = &'a Change>,
    ) -> Result<(Self, Vec<Change>), GenesisError> {
        let mut document = Self::new(id, base)?;
        let mut left_out = Vec::new();
        for change in order(changes, |hash| document.contains(hash), &mut left_out) {
            if !is_applied(&mut document, &change) {
                left_out.push(change);
            }
        }
        Ok((document, left_out))
    }

    /// The patches that lead from the text of one state to that of another.
    pub fn difference(before: &Self, after: &Self) -> Vec<Patch> {
        let edits = minimal_edits(&before.text(), &after.text()).into_iter();
        edits.map(|edit| Patch { at: edit.at, delete: edit.delete, insert: edit.insert }).collect()
    }
}
