//! Columns in cells: a wide character takes two, a tab goes to the next stop.
//!
//! A window measures what it draws with its font; cells decide where lines break and which column a cursor keeps.

use ropey::RopeSlice;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::limits::MEASURED_LINE_CHARS_MAX;

/// How many cells a grapheme takes in a column.
pub(crate) fn width_of(grapheme: &str, column: usize, tab_size: usize) -> usize {
    let tab_size = tab_size.max(1);
    match grapheme.as_bytes() {
        [b'\t'] => tab_size - column % tab_size,
        [b'\n'] | [b'\r', b'\n'] => 0,
        [_] => 1,
        // Nothing is narrower than a cell, so that the caret can be seen beside it.
        _ => grapheme.width().clamp(1, 8),
    }
}

/// Calls `each` with the character, the cells before, the characters and the cells of each grapheme until it says
/// `false`. A line that is too long to measure counts one cell per character.
pub(crate) fn walk(line: RopeSlice<'_>, tab_size: usize, mut each: impl FnMut(Cell) -> bool) {
    if line.len_chars() > MEASURED_LINE_CHARS_MAX {
        return;
    }
    // One chunk is the rule; graphemes that cross chunks need the text in one piece.
    let text = match line.as_str() {
        Some(text) => std::borrow::Cow::Borrowed(text),
        None => std::borrow::Cow::Owned(String::from(line)),
    };
    let (mut at, mut column) = (0, 0);
    if text.is_ascii() && !text.contains('\r') {
        // Without tables: most lines are like this.
        for byte in text.bytes() {
            let width = match byte {
                b'\t' => tab_size.max(1) - column % tab_size.max(1),
                b'\n' => 0,
                _ => 1,
            };
            if !each(Cell { at, column, chars: 1, width, is_space: matches!(byte, b' ' | b'\t') }) {
                return;
            }
            at += 1;
            column += width;
        }
        return;
    }
    for grapheme in text.graphemes(true) {
        let width = width_of(grapheme, column, tab_size);
        let chars = if grapheme.len() == 1 { 1 } else { grapheme.chars().count() };
        let is_space = grapheme.starts_with([' ', '\t']);
        if !each(Cell { at, column, chars, width, is_space }) {
            return;
        }
        at += chars;
        column += width;
    }
}

/// A grapheme of a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) at: usize,
    pub(crate) column: usize,
    pub(crate) chars: usize,
    pub(crate) width: usize,
    pub(crate) is_space: bool,
}

/// The column of a character of a line.
pub(crate) fn column_of(line: RopeSlice<'_>, at: usize, tab_size: usize) -> usize {
    if line.len_chars() > MEASURED_LINE_CHARS_MAX {
        return at.min(line.len_chars());
    }
    let mut column = 0;
    walk(line, tab_size, |cell| {
        if cell.at >= at {
            return false;
        }
        column = cell.column + cell.width;
        true
    });
    column
}

/// The last border of a grapheme at or before a column of a line.
pub(crate) fn char_at_column(line: RopeSlice<'_>, column: usize, tab_size: usize) -> usize {
    if line.len_chars() > MEASURED_LINE_CHARS_MAX {
        return column.min(line.len_chars());
    }
    let mut at = 0;
    walk(line, tab_size, |cell| {
        if cell.column + cell.width > column {
            return false;
        }
        at = cell.at + cell.chars;
        true
    });
    at
}
