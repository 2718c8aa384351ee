//! Finding and replacing in a document.

use weft_crdt::Side;

use super::{Document, EditKind};
use crate::limits::CURSORS_MAX;
use crate::search::{Pattern, Template};
use crate::selection::{Selection, Selections};
use crate::view::ViewId;

impl Document {
    /// Selects the next place of a pattern behind the cursor, or the one before it; behind the last comes the first.
    /// Tells whether there is one.
    pub fn find_next(&mut self, id: ViewId, pattern: &Pattern, is_forward: bool) -> bool {
        let Some(view) = self.views.get(&id) else { return false };
        let selection = *view.selections.primary();
        let rope = self.buffer.rope();
        let found = if is_forward {
            // An empty match under the caret is not found again and again.
            let from = if selection.is_empty() { selection.end().0 } else { selection.end().0.max(1) };
            let found = pattern.find_from(rope, from, true);
            match found {
                Some(found) if found.is_empty() && found.start == selection.head.0 => {
                    pattern.find_from(rope, from + 1, true)
                }
                found => found,
            }
        } else {
            pattern.find_before(rope, selection.start().0, true)
        };
        let Some(found) = found else { return false };
        self.select(id, &Selections::single(Selection::new(found.start, found.end)));
        self.reveal(id);
        true
    }

    /// Replaces what is selected when it is a place of the pattern, and goes to the next one. Tells whether something
    /// was replaced.
    pub fn replace_next(&mut self, id: ViewId, pattern: &Pattern, template: &Template) -> bool {
        let Some(view) = self.views.get(&id) else { return false };
        let place = view.selections.primary().range();
        let change = pattern.replace_one(self.buffer.rope(), place, template);
        let is_replaced = change.is_some_and(|change| self.edit(id, &change, None, EditKind::Whole).is_ok());
        self.find_next(id, pattern, true);
        is_replaced
    }

    /// Replaces every place, or every place in the selections. One undo takes it back. Gives how many there were.
    pub fn replace_all(
        &mut self,
        id: ViewId,
        pattern: &Pattern,
        template: &Template,
        in_selections: bool,
    ) -> usize {
        let Some(view) = self.views.get(&id) else { return 0 };
        let all = 0..self.buffer.len_chars();
        let ranges = if in_selections {
            view.selections.all().iter().map(Selection::range).collect()
        } else {
            Vec::from_iter([all])
        };
        let (change, count) = pattern.replace_all(self.buffer.rope(), &ranges, template);
        // What was selected stays selected, with what came into it.
        let mapper = change.mapper();
        let selections = view.selections.map(|selection| {
            let side = if selection.is_empty() { Side::Before } else { Side::After };
            let start = mapper.map(selection.start(), Side::Before).0;
            selection.with_range(start..mapper.map(selection.end(), side).0)
        });
        if self.edit(id, &change, Some(&selections), EditKind::Whole).is_ok() { count } else { 0 }
    }

    /// Selects every place, up to the limit of cursors. Tells whether there is one.
    pub fn select_matches(&mut self, id: ViewId, pattern: &Pattern) -> bool {
        let found = pattern.find_all(self.buffer.rope(), CURSORS_MAX);
        let all: Vec<Selection> =
            found.into_iter().map(|range| Selection::new(range.start, range.end)).collect();
        let is_found = !all.is_empty();
        if is_found {
            self.select(id, &Selections::new(all, 0));
        }
        is_found
    }
}
