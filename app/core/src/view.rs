//! One view of a document: its cursors and what of the text it shows.

use weft_crdt::{CharIndex, Side};

use crate::selection::Selections;
use crate::text::ChangeSet;

/// Names a view of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewId(pub u64);

/// What stands at the top of a view: a place in the text, and how far the view is scrolled beyond its row. It is a
/// place and not a row number, so that edits above leave the lines on the screen where they are.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Scroll {
    /// A place in the first row that is shown.
    pub at: CharIndex,
    /// How much of that row is above the edge, in rows.
    pub rows: f64,
}

/// One view of a document.
#[derive(Debug, Clone, Default)]
pub struct View {
    pub(crate) selections: Selections,
    pub(crate) scroll: Scroll,
    /// Cursors before they moved, for going back.
    pub(crate) earlier: Vec<Selections>,
    pub(crate) later: Vec<Selections>,
}

/// Cursor movements that can be taken back.
const EARLIER_MAX: usize = 64;

impl View {
    /// The cursors.
    pub fn selections(&self) -> &Selections {
        &self.selections
    }

    /// What stands at the top.
    pub fn scroll(&self) -> Scroll {
        self.scroll
    }

    /// Sets what stands at the top.
    pub fn set_scroll(&mut self, scroll: Scroll) {
        self.scroll = scroll;
    }

    /// Moves the cursors, in a way that can be taken back.
    pub(crate) fn select(&mut self, selections: Selections) {
        if selections == self.selections {
            return;
        }
        let before = std::mem::replace(&mut self.selections, selections);
        self.earlier.push(before);
        self.later.clear();
        if self.earlier.len() > EARLIER_MAX {
            self.earlier.remove(0);
        }
    }

    /// Follows a change. Who made it sees the view stay, everybody else the lines.
    pub(crate) fn follow(&mut self, change: &ChangeSet, is_own: bool) {
        let side = if is_own { Side::Before } else { Side::After };
        self.scroll.at = change.map(self.scroll.at, side);
        self.selections = self.selections.mapped(change);
        for selections in self.earlier.iter_mut().chain(&mut self.later) {
            *selections = selections.mapped(change);
        }
    }
}
