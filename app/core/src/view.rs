//! One view of a document: its cursors and what of the text it shows.

use ropey::Rope;
use weft_crdt::{CharIndex, LineIndex, Side};

use crate::display::Rows;
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

/// A corner of a rectangle: a line and a column in cells.
type Corner = (LineIndex, usize);

/// One view of a document.
#[derive(Debug, Clone)]
pub struct View {
    pub(crate) selections: Selections,
    pub(crate) scroll: Scroll,
    pub(crate) rows: Rows,
    pub(crate) page_rows: usize,
    /// Cursors before they moved, for going back.
    pub(crate) earlier: Vec<Selections>,
    pub(crate) later: Vec<Selections>,
    /// Places before which nothing was typed and behind which something was closed by itself.
    pub(crate) closed: Vec<CharIndex>,
    /// Whether the selection was begun by asking for a word.
    pub(crate) by_word: bool,
    /// The corners of a selected rectangle: the one that stays and the one that moves.
    pub(crate) rectangle: Option<(Corner, Corner)>,
    /// Selections that were made larger step by step.
    smaller: Vec<Selections>,
}

/// Cursor movements that can be taken back, and the cursors that they have together: all of them follow every edit.
const EARLIER_MAX: usize = 64;
const EARLIER_CURSORS_MAX: usize = 4_000;
/// Rows of a page until the window says how many there are.
const PAGE_ROWS: usize = 40;

impl View {
    pub(crate) fn new(rope: &Rope, tab_size: usize) -> Self {
        Self {
            selections: Selections::default(),
            scroll: Scroll::default(),
            rows: Rows::new(rope, None, tab_size),
            page_rows: PAGE_ROWS,
            earlier: Vec::new(),
            later: Vec::new(),
            closed: Vec::new(),
            by_word: false,
            rectangle: None,
            smaller: Vec::new(),
        }
    }

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

    /// The rows of the text in this view.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Sets how many rows a page has.
    pub fn set_page_rows(&mut self, rows: usize) {
        self.page_rows = rows.max(1);
    }

    /// Moves the cursors, in a way that can be taken back.
    pub(crate) fn select(&mut self, selections: Selections) {
        self.by_word = false;
        self.rectangle = None;
        self.later.clear();
        if selections == self.selections {
            return;
        }
        let before = std::mem::replace(&mut self.selections, selections);
        self.earlier.push(before);
        let mut cursors: usize = self.earlier.iter().map(Selections::count).sum();
        while self.earlier.len() > EARLIER_MAX || cursors > EARLIER_CURSORS_MAX && !self.earlier.is_empty() {
            cursors -= self.earlier.remove(0).count();
        }
        self.keep_closed_near();
    }

    /// What was closed by itself is typed over only until the cursor leaves it.
    pub(crate) fn keep_closed_near(&mut self) {
        let heads: Vec<CharIndex> = self.selections.all().iter().map(|selection| selection.head).collect();
        self.closed.retain(|closed| heads.iter().any(|head| head <= closed && closed.0 - head.0 < NEAR));
    }

    pub(crate) fn note_expansion(&mut self) {
        let is_first = self.smaller.last().is_none_or(|last| {
            last.count() != self.selections.count()
                || last
                    .all()
                    .iter()
                    .zip(self.selections.all())
                    .any(|(small, large)| small.start() < large.start() || small.end() > large.end())
        });
        if is_first {
            self.smaller.clear();
        }
        self.smaller.push(self.selections.clone());
    }

    /// Goes back to the selection before it was made larger.
    pub(crate) fn shrink(&mut self) {
        if let Some(smaller) = self.smaller.pop() {
            let smaller_left = std::mem::take(&mut self.smaller);
            self.select(smaller);
            self.smaller = smaller_left;
        }
    }

    /// Follows a change. Who made it sees the view stay, everybody else the lines.
    pub(crate) fn follow(&mut self, old: &Rope, new: &Rope, change: &ChangeSet, is_own: bool) {
        let side = if is_own { Side::Before } else { Side::After };
        let mapper = change.mapper();
        self.scroll.at = mapper.map(self.scroll.at, side);
        self.selections = self.selections.mapped(change);
        let histories = self.earlier.iter_mut().chain(&mut self.later);
        for selections in histories {
            *selections = selections.mapped(change);
        }
        for closed in &mut self.closed {
            *closed = mapper.map(*closed, Side::After);
        }
        if is_own {
            self.rectangle = None;
            self.by_word = false;
        }
        self.smaller.clear();
        self.rows.follow(old, new, change);
    }
}

/// How far before something closed by itself the cursor may be, in characters.
const NEAR: usize = 1_000;
