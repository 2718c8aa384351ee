//! Where a line is broken into rows.

use ropey::RopeSlice;

use crate::cells;
use crate::limits::{LONG_LINE_ROW_CHARS, MEASURED_LINE_CHARS_MAX};

/// How lines become rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wrap {
    /// The cells of a row; `None` shows each line as one row.
    pub(super) columns: Option<usize>,
    pub(super) tab_size: usize,
}

impl Wrap {
    fn columns_at_least_two(self) -> Option<usize> {
        // A wide character has to fit.
        self.columns.map(|columns| columns.max(2))
    }

    /// How many characters the rows of a very long line have.
    fn long_row(self) -> usize {
        self.columns_at_least_two().unwrap_or(LONG_LINE_ROW_CHARS)
    }

    /// How many rows a line has.
    pub(super) fn count(self, line: RopeSlice<'_>) -> usize {
        let chars = line.len_chars();
        if chars > MEASURED_LINE_CHARS_MAX {
            return chars.div_ceil(self.long_row());
        }
        let Some(columns) = self.columns_at_least_two() else { return 1 };
        // No character has more cells than bytes, but for a tab.
        if line.len_bytes().saturating_mul(self.tab_size.max(1)) <= columns {
            return 1;
        }
        self.breaks(line, columns).len() + 1
    }

    /// Where the row of a line begins and ends, in characters of the line. A row beyond the last is the last.
    pub(super) fn row(self, line: RopeSlice<'_>, row: usize) -> (usize, usize) {
        let chars = line.len_chars();
        if chars > MEASURED_LINE_CHARS_MAX {
            let long = self.long_row();
            let row = row.min(chars.div_ceil(long).saturating_sub(1));
            return (row * long, chars.min((row + 1) * long));
        }
        let Some(columns) = self.columns_at_least_two() else { return (0, chars) };
        let breaks = self.breaks(line, columns);
        let row = row.min(breaks.len());
        let start = row.checked_sub(1).map_or(0, |before| breaks[before]);
        (start, breaks.get(row).copied().unwrap_or(chars))
    }

    /// Which row of a line a character is in.
    pub(super) fn row_of(self, line: RopeSlice<'_>, at: usize) -> usize {
        let chars = line.len_chars();
        if chars > MEASURED_LINE_CHARS_MAX {
            let long = self.long_row();
            return (at / long).min(chars.div_ceil(long).saturating_sub(1));
        }
        let Some(columns) = self.columns_at_least_two() else { return 0 };
        self.breaks(line, columns).partition_point(|start| *start <= at)
    }

    /// How many cells the rows behind the first are set in: as far as the line is, but at most by half of a row.
    pub(super) fn indent(self, line: RopeSlice<'_>) -> usize {
        let Some(columns) = self.columns_at_least_two() else { return 0 };
        if line.len_chars() > MEASURED_LINE_CHARS_MAX {
            return 0;
        }
        let mut indent = 0;
        cells::walk(line, self.tab_size, |cell| {
            if cell.is_space {
                indent = cell.column + cell.width;
            }
            cell.is_space && indent <= columns / 2
        });
        // Of a line that is indented further nothing is left to read beside.
        if indent > columns / 2 { 0 } else { indent }
    }

    /// Where rows begin behind the first. They begin behind white space where there is some; white space itself never
    /// begins a row, however much there is.
    fn breaks(self, line: RopeSlice<'_>, mut columns: usize) -> Vec<usize> {
        let mut breaks = Vec::new();
        let columns_behind = (columns - self.indent(line)).max(2);
        // The row's first column, and the last place where it may break with the column there.
        let (mut row_column, mut word, mut word_column) = (0, 0, 0);
        let mut row_start = 0;
        let mut was_space = false;
        cells::walk(line, self.tab_size, |cell| {
            if !cell.is_space {
                if was_space {
                    (word, word_column) = (cell.at, cell.column);
                }
                if cell.column + cell.width > row_column + columns && cell.at > row_start {
                    (row_start, row_column) =
                        if word > row_start { (word, word_column) } else { (cell.at, cell.column) };
                    breaks.push(row_start);
                    columns = columns_behind;
                    // What was carried over may itself be too long.
                    if cell.column + cell.width > row_column + columns && cell.at > row_start {
                        (row_start, row_column) = (cell.at, cell.column);
                        breaks.push(row_start);
                    }
                }
            }
            was_space = cell.is_space;
            true
        });
        breaks
    }
}
