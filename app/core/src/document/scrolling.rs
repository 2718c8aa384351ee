//! Scrolling a view by rows. What is kept is a place in the text: see [`Scroll`].

use weft_crdt::CharIndex;

use super::Document;
use crate::view::{Scroll, ViewId};

/// How a caret is brought to where it can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reveal {
    /// By as few rows as possible.
    Nearest,
    /// To the middle, when it could not be seen before.
    Centre,
}

/// Rows that are kept between the caret and the edge where there is room.
const MARGIN_ROWS: f64 = 2.0;

impl Document {
    /// The row at the upper edge of a view; the fraction is above the edge.
    pub fn top_row(&self, id: ViewId) -> f64 {
        let Some(view) = self.view(id) else { return 0.0 };
        let scroll = view.scroll();
        view.rows().point(self.buffer.rope(), scroll.at).row as f64 + scroll.rows
    }

    /// Puts a row to the upper edge. A row outside the text becomes the nearest in it.
    pub fn scroll_to_row(&mut self, id: ViewId, row: f64) {
        let Some(view) = self.views.get_mut(&id) else { return };
        let last = view.rows.count().saturating_sub(1);
        let row = if row.is_finite() { row.clamp(0.0, last as f64) } else { 0.0 };
        let whole = row.floor();
        let at = view.rows.at(self.buffer.rope(), whole as usize, 0);
        view.set_scroll(Scroll { at, rows: row - whole });
    }

    /// Scrolls by rows; up is negative.
    pub fn scroll_by(&mut self, id: ViewId, rows: f64) {
        self.scroll_to_row(id, self.top_row(id) + rows);
    }

    /// Scrolls so that the caret can be seen in a view of so many rows.
    pub fn reveal_caret(&mut self, id: ViewId, rows_shown: f64, how: Reveal) {
        let Some(view) = self.view(id) else { return };
        let head = view.selections().primary().head;
        self.reveal_place(id, head, rows_shown, how);
    }

    /// Scrolls so that a place can be seen in a view of so many rows.
    pub fn reveal_place(&mut self, id: ViewId, at: CharIndex, rows_shown: f64, how: Reveal) {
        let Some(view) = self.view(id) else { return };
        let row = view.rows().point(self.buffer.rope(), at).row as f64;
        let top = self.top_row(id);
        let rows_shown = rows_shown.max(1.0);
        let margin = MARGIN_ROWS.min((rows_shown - 1.0) / 2.0).max(0.0);
        let is_seen = row >= top && row + 1.0 <= top + rows_shown;
        let target = match how {
            Reveal::Centre if !is_seen => row - (rows_shown - 1.0) / 2.0,
            _ if row - margin < top => row - margin,
            _ if row + 1.0 + margin > top + rows_shown => row + 1.0 + margin - rows_shown,
            _ => return,
        };
        self.scroll_to_row(id, target.max(0.0));
    }
}

#[cfg(test)]
mod tests {
    use crate::document::{Document, Reveal};
    use crate::selection::{Selection, Selections};
    use weft_crdt::{CharIndex, Patch};

    fn lines(count: usize) -> String {
        (0..count).map(|line| format!("line {line}\n")).collect()
    }

    #[test]
    fn rows_are_reached_and_those_outside_are_the_nearest() {
        let mut document = Document::new(&lines(100), 0);
        let view = document.add_view();
        for (asked, got) in [(10.5, 10.5), (-3.0, 0.0), (1e9, 100.0), (f64::NAN, 0.0)] {
            document.scroll_to_row(view, asked);
            assert!((document.top_row(view) - got).abs() < 1e-9, "{asked}");
        }
        document.scroll_to_row(view, 20.0);
        document.scroll_by(view, -2.25);
        assert!((document.top_row(view) - 17.75).abs() < 1e-9);
    }

    #[test]
    fn a_caret_is_shown_by_as_little_as_possible_or_in_the_middle() {
        let mut document = Document::new(&lines(200), 0);
        let view = document.add_view();
        let place = |document: &Document, line: usize| document.buffer().line_start(line.into()).0;
        let at = place(&document, 50);
        document.select(view, &Selections::single(Selection::caret(at)));
        document.reveal_caret(view, 20.0, Reveal::Nearest);
        assert!((document.top_row(view) - 33.0).abs() < 1e-9);
        document.reveal_caret(view, 20.0, Reveal::Centre);
        assert!((document.top_row(view) - 33.0).abs() < 1e-9, "what is seen stays");
        let at = place(&document, 150);
        document.select(view, &Selections::single(Selection::caret(at)));
        document.reveal_caret(view, 21.0, Reveal::Centre);
        assert!((document.top_row(view) - 140.0).abs() < 1e-9);
    }

    #[test]
    fn lines_that_others_write_above_do_not_move_what_is_read() {
        let mut document = Document::new(&lines(100), 0);
        let view = document.add_view();
        document.scroll_to_row(view, 40.5);
        let patch = Patch { at: CharIndex(0), delete: 0, insert: "new\nnew\n".to_owned() };
        document.changed(1, &[patch]).unwrap();
        assert!((document.top_row(view) - 42.5).abs() < 1e-9);
    }
}
