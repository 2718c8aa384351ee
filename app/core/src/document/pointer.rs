//! What a pointer and an input method do.

use weft_crdt::{CharIndex, Side};

use super::{Document, EditKind};
use crate::selection::{Selection, Selections};
use crate::text::{ChangeSet, Replacement, snap, word_around};
use crate::view::ViewId;

/// What a click takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// A place: one click.
    Character,
    /// A word: two clicks.
    Word,
    /// A line: three clicks.
    Line,
}

impl Document {
    /// Puts one cursor to a place; with `extends` the selection of the first one reaches there instead.
    pub fn click(&mut self, id: ViewId, at: CharIndex, grain: Grain, extends: bool) {
        let Some(view) = self.views.get(&id) else { return };
        let taken = self.grain_at(at, grain);
        let anchor = view.selections.primary().anchor.0;
        let selection = match extends {
            true if taken.0 < anchor => Selection::new(anchor, taken.0),
            true => Selection::new(anchor, taken.1),
            false => Selection::new(taken.0, taken.1),
        };
        self.select(id, &Selections::single(selection));
    }

    /// Adds a cursor, or takes away the one that is just there: a click with Alt.
    pub fn add_cursor(&mut self, id: ViewId, at: CharIndex) {
        let Some(view) = self.views.get(&id) else { return };
        let at = snap(self.buffer.rope(), at.0);
        let others: Vec<Selection> = view
            .selections
            .all()
            .iter()
            .filter(|selection| !(selection.is_empty() && selection.head.0 == at))
            .copied()
            .collect();
        let selections = if others.len() < view.selections.count() && !others.is_empty() {
            let last = others.len() - 1;
            Selections::new(others, last)
        } else {
            view.selections.with(Selection::caret(at))
        };
        self.select(id, &selections);
    }

    fn grain_at(&self, at: CharIndex, grain: Grain) -> (usize, usize) {
        let rope = self.buffer.rope();
        let at = snap(rope, at.0);
        match grain {
            Grain::Character => (at, at),
            Grain::Word => word_around(rope, at),
            Grain::Line => {
                let line = self.buffer.line_of(CharIndex(at));
                (self.buffer.line_start(line).0, self.buffer.line_start((line.0 + 1).into()).0)
            }
        }
    }

    /// Moves what is selected to a place, or copies it there: dragging text. A place in the selection changes nothing.
    pub fn drop_selection(&mut self, id: ViewId, at: CharIndex, copies: bool) {
        let Some(view) = self.views.get(&id) else { return };
        let range = view.selections.primary().range();
        let at = snap(self.buffer.rope(), at.0);
        let is_inside = range.start <= at && at <= range.end;
        if range.is_empty() || is_inside && !(copies && (at == range.start || at == range.end)) {
            return;
        }
        let text = String::from(self.buffer.rope().slice(range.clone()));
        let mut replacements = Vec::from_iter([Replacement::new(at, at, text)]);
        if !copies {
            replacements.push(Replacement::new(range.start, range.end, ""));
        }
        let change = ChangeSet::from_replacements(replacements);
        let end = change.map(CharIndex(at), Side::After).0;
        let selections = Selections::single(Selection::new(end - range.len(), end));
        // The places were taken from this text.
        let _ = self.edit(id, &change, Some(&selections), EditKind::Whole);
    }

    /// Deletes characters around each caret: what an input method asks for before it writes a word anew.
    pub fn delete_around(&mut self, id: ViewId, before: usize, behind: usize) {
        let Some(view) = self.views.get(&id) else { return };
        let length = self.buffer.len_chars();
        let ranges = view.selections.all().iter().map(|selection| {
            let start = selection.start().0.saturating_sub(before);
            let end = selection.end().0.saturating_add(behind).min(length);
            Replacement::new(start, end, "")
        });
        let change = ChangeSet::from_replacements(ranges.collect::<Vec<_>>());
        let _ = self.edit(id, &change, None, EditKind::Whole);
    }
}
