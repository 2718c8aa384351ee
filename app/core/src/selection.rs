//! Cursors and what they select.

use std::ops::Range;

use weft_crdt::{CharIndex, Side};

use crate::limits::CURSORS_MAX;
use crate::text::ChangeSet;

/// A cursor: the end that moves, and the end that stays. Without a selection both are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Selection {
    /// The end that stays.
    pub anchor: CharIndex,
    /// The end that moves; the caret is drawn here.
    pub head: CharIndex,
    /// The column that movement up and down tries to keep, in cells.
    pub goal: Option<usize>,
}

impl Selection {
    /// Makes a cursor without a selection.
    pub fn caret(at: usize) -> Self {
        Self::new(at, at)
    }

    /// Makes a selection.
    pub fn new(anchor: usize, head: usize) -> Self {
        Self { anchor: CharIndex(anchor), head: CharIndex(head), goal: None }
    }

    /// The lower end.
    pub fn start(&self) -> CharIndex {
        self.anchor.min(self.head)
    }

    /// The upper end.
    pub fn end(&self) -> CharIndex {
        self.anchor.max(self.head)
    }

    /// What is selected.
    pub fn range(&self) -> Range<usize> {
        self.start().0..self.end().0
    }

    /// Tells whether nothing is selected.
    pub fn is_empty(&self) -> bool {
        self.anchor == self.head
    }

    /// Tells whether the caret is at the lower end of a selection.
    pub fn is_reversed(&self) -> bool {
        self.head < self.anchor
    }

    /// The same ends as another range, with the direction of this one.
    #[must_use]
    pub fn with_range(&self, range: Range<usize>) -> Self {
        if self.is_reversed() { Self::new(range.end, range.start) } else { Self::new(range.start, range.end) }
    }

    /// Moves the head; the anchor follows unless the selection is extended.
    #[must_use]
    pub fn moved_to(&self, head: usize, extends: bool) -> Self {
        if extends { Self::new(self.anchor.0, head) } else { Self::caret(head) }
    }

    fn touches(&self, next: &Self) -> bool {
        next.start() < self.end() || (next.start() == self.end() && (self.is_empty() || next.is_empty()))
    }

    fn merged(&self, next: &Self) -> Self {
        let guide = if next.is_empty() { self } else { next };
        let range = self.start().0.min(next.start().0)..self.end().0.max(next.end().0);
        let mut merged = guide.with_range(range);
        merged.goal = guide.goal;
        merged
    }
}

/// The cursors of one view: at least one, sorted, none touching another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selections {
    all: Vec<Selection>,
    primary: usize,
}

impl Default for Selections {
    fn default() -> Self {
        Self::single(Selection::default())
    }
}

impl Selections {
    /// Makes one cursor.
    pub fn single(selection: Selection) -> Self {
        Self { all: vec![selection], primary: 0 }
    }

    /// Makes several cursors of which `primary` is the one that the view follows. They are sorted, and those that
    /// touch become one. Beyond the limit those that are farthest down are left out; with none there is one at the
    /// start.
    pub fn new(mut all: Vec<Selection>, primary: usize) -> Self {
        if all.is_empty() {
            return Self::default();
        }
        let followed = all[primary.min(all.len() - 1)];
        all.sort_by_key(|selection| (selection.start(), selection.end()));
        let mut merged: Vec<Selection> = Vec::with_capacity(all.len());
        for selection in all {
            match merged.last_mut() {
                Some(last) if last.touches(&selection) => *last = last.merged(&selection),
                _ => merged.push(selection),
            }
        }
        merged.truncate(CURSORS_MAX);
        let holds = |selection: &Selection| {
            selection.start() <= followed.start() && followed.end() <= selection.end()
        };
        let primary = merged.iter().position(holds).unwrap_or(merged.len() - 1);
        Self { all: merged, primary }
    }

    /// The cursor that the view follows.
    pub fn primary(&self) -> &Selection {
        &self.all[self.primary]
    }

    /// The place of that cursor among all.
    pub fn primary_index(&self) -> usize {
        self.primary
    }

    /// All cursors from the start of the text to its end.
    pub fn all(&self) -> &[Selection] {
        &self.all
    }

    /// How many cursors there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Makes each cursor anew.
    #[must_use]
    pub fn map(&self, each: impl FnMut(&Selection) -> Selection) -> Self {
        Self::new(self.all.iter().map(each).collect(), self.primary)
    }

    /// Adds a cursor, which becomes the one that the view follows.
    #[must_use]
    pub fn with(&self, selection: Selection) -> Self {
        let mut all = self.all.clone();
        all.push(selection);
        Self::new(all, self.count())
    }

    /// Moves the cursors over a change of somebody else: what is inserted at the border of a selection is not
    /// selected, and a caret stays before it.
    #[must_use]
    pub fn mapped(&self, change: &ChangeSet) -> Self {
        let mapper = change.mapper();
        self.map(|selection| {
            if selection.is_empty() {
                let at = mapper.map(selection.head, Side::Before);
                return Selection { goal: selection.goal, ..Selection::caret(at.0) };
            }
            let start = mapper.map(selection.start(), Side::After).0;
            let end = mapper.map(selection.end(), Side::Before).0;
            selection.with_range(start.min(end)..end)
        })
    }

    /// Moves the cursors over a change that they made: each becomes a caret behind what was inserted at it.
    #[must_use]
    pub fn behind(&self, change: &ChangeSet) -> Self {
        let mapper = change.mapper();
        self.map(|selection| Selection::caret(mapper.map(selection.end(), Side::After).0))
    }

    /// Cuts everything to a text of this length.
    #[must_use]
    pub fn clamped(&self, length: usize) -> Self {
        let is_inside = self.all.last().is_none_or(|last| last.end().0 <= length);
        if is_inside {
            return self.clone();
        }
        self.map(|selection| Selection {
            goal: selection.goal,
            ..Selection::new(selection.anchor.0.min(length), selection.head.0.min(length))
        })
    }
}
