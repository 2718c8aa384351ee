//! Finding and replacing in a document.

use std::ops::Range;

use weft_crdt::Side;

use super::{Document, EditKind};
use crate::limits::CURSORS_MAX;
use crate::search::{Pattern, Template};
use crate::selection::{Selection, Selections};
use crate::text::ChangeSet;
use crate::view::ViewId;

impl Document {
    /// Selects the next place of a pattern behind the cursor, or the one before it; behind the last comes the first.
    /// Tells whether there is one.
    pub fn find_next(&mut self, id: ViewId, pattern: &Pattern, is_forward: bool) -> bool {
        let Some(view) = self.views.get(&id) else { return false };
        if let Some(scope) = self.find_scope() {
            return self.find_next_in(id, pattern, is_forward, &scope);
        }
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

    /// The same, in a part of the text.
    fn find_next_in(
        &mut self,
        id: ViewId,
        pattern: &Pattern,
        is_forward: bool,
        scope: &Range<usize>,
    ) -> bool {
        let Some(view) = self.views.get(&id) else { return false };
        let selection = *view.selections.primary();
        let rope = self.buffer.rope();
        let is_inside = |found: &Range<usize>| found.start >= scope.start && found.end <= scope.end;
        let ahead = |from: usize| pattern.find_from(rope, from, false).filter(is_inside);
        let behind = |from: usize| pattern.find_before(rope, from, false).filter(is_inside);
        let found = if is_forward {
            let is_whole = selection.range() == *scope;
            let from = if is_whole { scope.start } else { selection.end().0.max(scope.start) };
            let next = ahead(from).filter(|found| !found.is_empty() || found.start != selection.head.0);
            next.or_else(|| ahead(from + 1)).or_else(|| ahead(scope.start))
        } else {
            behind(selection.start().0.min(scope.end)).or_else(|| behind(scope.end))
        };
        let Some(found) = found else { return false };
        self.select(id, &Selections::single(Selection::new(found.start, found.end)));
        self.reveal(id);
        true
    }

    /// Looks for things only in what is selected, from now on; without a selection, or when that is so already,
    /// everywhere. Tells whether it is only there.
    pub fn toggle_find_scope(&mut self, id: ViewId) -> bool {
        let selected = self.view(id).map(|view| *view.selections.primary()).filter(|one| !one.is_empty());
        self.find_scope = if self.find_scope.is_some() { None } else { selected };
        self.find_scope.is_some()
    }

    /// Looks for things everywhere again.
    pub fn drop_find_scope(&mut self) {
        self.find_scope = None;
    }

    /// Where is looked for something, when not everywhere. It follows every edit.
    pub fn find_scope(&self) -> Option<Range<usize>> {
        self.find_scope.map(|scope| scope.range())
    }

    pub(super) fn move_find_scope(&mut self, change: &ChangeSet) {
        if let Some(scope) = &mut self.find_scope {
            let mapper = change.mapper();
            // What comes at its ends is in it: a place at its end may be replaced.
            let (start, end) =
                (mapper.map(scope.start(), Side::Before), mapper.map(scope.end(), Side::After));
            *scope = Selection::new(start.0, end.0);
        }
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
        let ranges = if let Some(scope) = self.find_scope() {
            vec![scope]
        } else if in_selections {
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
        let found = match self.find_scope() {
            Some(scope) => pattern.find_in(self.buffer.rope(), scope, CURSORS_MAX),
            None => pattern.find_all(self.buffer.rope(), CURSORS_MAX),
        };
        let all: Vec<Selection> =
            found.into_iter().map(|range| Selection::new(range.start, range.end)).collect();
        let is_found = !all.is_empty();
        if is_found {
            self.select(id, &Selections::new(all, 0));
        }
        is_found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Query;

    #[test]
    fn in_a_selection_nothing_outside_is_found_or_replaced() {
        let mut document = Document::new("one one one one one", 0);
        let view = document.add_view();
        let pattern = Pattern::new(&Query { text: "one".to_owned(), ..Query::default() }).unwrap();
        document.select(view, &Selections::single(Selection::new(4, 15)));
        assert!(document.toggle_find_scope(view));
        let place = |document: &mut Document, is_forward| {
            assert!(document.find_next(view, &pattern, is_forward));
            document.view(view).unwrap().selections().primary().range()
        };
        let places: Vec<_> = (0..4).map(|_| place(&mut document, true)).collect();
        assert_eq!(places, [4..7, 8..11, 12..15, 4..7]);
        assert_eq!([place(&mut document, false), place(&mut document, false)], [12..15, 8..11]);
        // The part follows what is written around and in it.
        document
            .changed(1, &[weft_crdt::Patch { at: 0.into(), delete: 0, insert: "0 ".to_owned() }])
            .unwrap();
        assert_eq!(document.find_scope(), Some(6..17));
        let template = pattern.template("three", false);
        assert_eq!(document.replace_all(view, &pattern, &template, false), 3);
        assert_eq!(document.buffer().rope().to_string(), "0 one three three three one");
        assert_eq!(document.find_scope(), Some(6..23));
        assert!(!document.toggle_find_scope(view), "the second time it is everywhere again");
        document.select(view, &Selections::single(Selection::caret(0)));
        assert!(!document.toggle_find_scope(view), "without a selection there is nothing to look in");
    }
}
