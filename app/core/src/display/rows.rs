//! The rows of one view.

use std::ops::Range;

use ropey::Rope;
use weft_crdt::{CharIndex, LineIndex, Side};

use super::line_tree::LineTree;
use super::wrap::Wrap;
use crate::cells;
use crate::limits::{FOLDS_MAX, MEASURED_AT_ONCE_LINES};
use crate::text::{ChangeSet, line_end, line_of, line_start, next_grapheme, previous_grapheme, snap};

/// A place on the screen: a row from the top of the text, and a column in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Point {
    /// The row.
    pub row: usize,
    /// The column.
    pub column: usize,
}

/// A row to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Counts from the top of the text.
    pub row: usize,
    /// The line it shows.
    pub line: LineIndex,
    /// Whether the line begins here; only then its number is shown.
    pub is_first: bool,
    /// Whether the line ends here.
    pub is_last: bool,
    /// What it shows, without the line end.
    pub start: CharIndex,
    /// The end of what it shows.
    pub end: CharIndex,
    /// How many cells it is set in: a row of a wrapped line stands below the beginning of its text.
    pub indent: usize,
    /// How many lines are folded away behind it.
    pub folded_lines: usize,
}

/// Lines that are folded away: those behind the line of `start` up to the line of `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// A place in the line that stays visible.
    pub start: CharIndex,
    /// A place in the last line that is hidden.
    pub end: CharIndex,
}

/// Which rows the lines of a text have in one view.
///
/// Lines are measured when they are shown or when there is time: [`Rows::measure`]. Until then a line counts one row.
/// That moves nothing on the screen, because a view is scrolled to a place in the text.
#[derive(Debug, Clone)]
pub struct Rows {
    tree: LineTree,
    wrap: Wrap,
    folds: Vec<Fold>,
    /// Lines that are not measured yet, ascending.
    pending: Vec<Range<usize>>,
}

impl Default for Rows {
    fn default() -> Self {
        Self::new(&Rope::new(), None, 4)
    }
}

impl Rows {
    /// Makes the rows of a text. `columns` is where lines are wrapped.
    pub fn new(rope: &Rope, columns: Option<usize>, tab_size: usize) -> Self {
        let wrap = Wrap { columns, tab_size };
        let lines = rope.len_lines();
        let mut rows = Self {
            tree: LineTree::new(lines),
            wrap,
            folds: Vec::new(),
            pending: std::iter::once(0..lines).collect(),
        };
        rows.measure(rope, MEASURED_AT_ONCE_LINES);
        rows
    }

    /// Wraps lines at other columns.
    pub fn set_wrap(&mut self, rope: &Rope, columns: Option<usize>, tab_size: usize) {
        let wrap = Wrap { columns, tab_size };
        if wrap != self.wrap {
            let folds = std::mem::take(&mut self.folds);
            *self = Self::new(rope, columns, tab_size);
            for fold in &folds {
                self.hide(rope, *fold);
            }
            self.folds = folds;
        }
    }

    /// Where lines are wrapped.
    pub fn wrap_columns(&self) -> Option<usize> {
        self.wrap.columns
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.tree.rows()
    }

    /// Measures some of the lines that are not measured yet. Tells whether there are more.
    pub fn measure(&mut self, rope: &Rope, lines_max: usize) -> bool {
        let mut left = lines_max;
        while left > 0
            && let Some(range) = self.pending.first().cloned()
        {
            let end = range.end.min(range.start + left);
            left -= end - range.start;
            if end < range.end {
                self.pending[0].start = end;
            } else {
                self.pending.remove(0);
            }
            self.measure_lines(rope, range.start..end);
        }
        !self.pending.is_empty()
    }

    fn measure_lines(&mut self, rope: &Rope, lines: Range<usize>) {
        let mut start = line_start(rope, lines.start);
        let end = lines.end.min(rope.len_lines());
        for (line, text) in (lines.start..end).zip(rope.lines_at(lines.start.min(rope.len_lines()))) {
            let behind = start + text.len_chars();
            // Short lines are one row whatever they hold.
            let is_short = self.wrap.columns.is_none() && text.len_chars() < LONG;
            let count = if is_short { 1 } else { self.count_of(rope, line) };
            start = behind;
            if count != 1 && !self.is_hidden(line) {
                self.tree.set(line..line + 1, count);
            }
        }
    }

    fn count_of(&self, rope: &Rope, line: usize) -> usize {
        self.wrap.count(rope.slice(line_start(rope, line)..line_end(rope, line))).max(1)
    }

    fn is_hidden(&self, line: usize) -> bool {
        self.tree.rows_at(line).0 == 0
    }

    /// Follows a change of the text from `old` to `new`.
    pub(crate) fn follow(&mut self, old: &Rope, new: &Rope, change: &ChangeSet) {
        let regions = change.regions();
        let mut touched: Option<Range<usize>> = None;
        for region in &regions {
            let removed = line_of(old, region.old.end) - line_of(old, region.old.start);
            let first = line_of(new, region.new.start);
            let last = line_of(new, region.new.end);
            let count = last - first + 1;
            self.tree.splice(first, removed + 1, count);
            self.shift_pending(first, removed + 1, count);
            touched = Some(match touched {
                Some(range) => range.start.min(first)..range.end.max(last + 1),
                None => first..last + 1,
            });
            if count <= MEASURED_AT_ONCE_LINES {
                self.measure_lines(new, first..last + 1);
            } else {
                self.add_pending(first..last + 1);
            }
        }
        if !self.folds.is_empty()
            && let Some(touched) = touched
        {
            self.move_folds(new, change, touched);
        }
    }

    fn shift_pending(&mut self, at: usize, old: usize, new: usize) {
        let place = |line: usize| {
            if line <= at {
                line
            } else if line >= at + old {
                line - old + new
            } else {
                at + new
            }
        };
        for range in &mut self.pending {
            *range = place(range.start)..place(range.end);
        }
        self.pending.retain(|range| !range.is_empty());
    }

    fn add_pending(&mut self, lines: Range<usize>) {
        self.pending.push(lines);
        self.pending.sort_by_key(|range| range.start);
        let mut joined: Vec<Range<usize>> = Vec::with_capacity(self.pending.len());
        for range in self.pending.drain(..) {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        self.pending = joined;
    }

    fn move_folds(&mut self, rope: &Rope, change: &ChangeSet, touched: Range<usize>) {
        let mapper = change.mapper();
        for fold in &mut self.folds {
            let start = mapper.map(fold.start, Side::After);
            *fold = Fold { start, end: mapper.map(fold.end, Side::Before) };
        }
        let mut again = touched.clone();
        for fold in &self.folds {
            let lines = line_of(rope, fold.start.0)..line_of(rope, fold.end.0.max(fold.start.0)) + 1;
            if lines.start < touched.end && touched.start < lines.end + 1 {
                again = again.start.min(lines.start)..again.end.max(lines.end + 1);
            }
        }
        self.folds.retain(|fold| line_of(rope, fold.end.0) > line_of(rope, fold.start.0));
        self.show(rope, again);
        for fold in self.folds.clone() {
            self.hide(rope, fold);
        }
    }

    /// The folds that are closed.
    pub fn folds(&self) -> &[Fold] {
        &self.folds
    }

    /// Closes a fold. Beyond the limit nothing happens.
    pub fn fold(&mut self, rope: &Rope, fold: Fold) {
        let is_real = line_of(rope, fold.end.0) > line_of(rope, fold.start.0);
        if !is_real || self.folds.len() >= FOLDS_MAX || self.folds.contains(&fold) {
            return;
        }
        let at = self.folds.partition_point(|other| other.start <= fold.start);
        self.folds.insert(at, fold);
        self.hide(rope, fold);
    }

    /// Opens the folds that `opens` names.
    pub fn unfold(&mut self, rope: &Rope, opens: impl Fn(&Fold) -> bool) {
        let (open, closed): (Vec<Fold>, Vec<Fold>) = self.folds.iter().partition(|fold| opens(fold));
        self.folds = closed;
        for fold in &open {
            self.show(rope, line_of(rope, fold.start.0) + 1..line_of(rope, fold.end.0) + 1);
        }
        if !open.is_empty() {
            for fold in self.folds.clone() {
                self.hide(rope, fold);
            }
        }
    }

    /// Opens whatever hides a position.
    pub fn reveal(&mut self, rope: &Rope, at: CharIndex) {
        let line = line_of(rope, at.0);
        if self.is_hidden(line) {
            self.unfold(rope, |fold| line_of(rope, fold.start.0) < line && line <= line_of(rope, fold.end.0));
        }
    }

    fn hide(&mut self, rope: &Rope, fold: Fold) {
        self.tree.set(line_of(rope, fold.start.0) + 1..line_of(rope, fold.end.0) + 1, 0);
    }

    fn show(&mut self, rope: &Rope, lines: Range<usize>) {
        let lines = lines.start..lines.end.min(rope.len_lines());
        if lines.is_empty() {
            return;
        }
        self.tree.set(lines.clone(), 1);
        if lines.len() <= MEASURED_AT_ONCE_LINES {
            self.measure_lines(rope, lines);
        } else {
            self.add_pending(lines);
        }
    }

    /// The line and row of the line that a row shows.
    fn place(&self, rope: &Rope, row: usize) -> (usize, usize, Range<usize>) {
        let (line, sub) = self.tree.line_at(row);
        let start = line_start(rope, line);
        let slice = rope.slice(start..line_end(rope, line));
        let (from, to) = self.wrap.row(slice, sub);
        // Where a line begins and ends there is a border in any case, and to look for one costs as much as the rest.
        let border = |at: usize| match at == 0 || at == slice.len_chars() {
            true => start + at,
            false => snap(rope, start + at),
        };
        (line, sub, border(from)..border(to))
    }

    /// Where a position is shown. One that is folded away is at the end of the line that is left.
    pub fn point(&self, rope: &Rope, at: CharIndex) -> Point {
        let at = at.0.min(rope.len_chars());
        let line = line_of(rope, at);
        let (count, before) = self.tree.rows_at(line);
        if count == 0 {
            let row = before.saturating_sub(1);
            let range = self.place(rope, row).2;
            return Point { row, column: self.column(rope, &range, range.end) };
        }
        let start = line_start(rope, line);
        let slice = rope.slice(start..line_end(rope, line));
        let sub = self.wrap.row_of(slice, at - start).min(count - 1);
        let row = before + sub;
        let range = self.place(rope, row).2;
        Point { row, column: self.column(rope, &range, at) }
    }

    fn column(&self, rope: &Rope, row: &Range<usize>, at: usize) -> usize {
        let at = at.clamp(row.start, row.end);
        let slice = rope.slice(row.start..row.end);
        self.indent(rope, row.start) + cells::column_of(slice, at - row.start, self.wrap.tab_size)
    }

    /// How many cells the row that begins at a position is set in.
    fn indent(&self, rope: &Rope, row_start: usize) -> usize {
        if self.wrap.columns.is_none() {
            return 0;
        }
        let line = line_of(rope, row_start);
        let start = line_start(rope, line);
        if start == row_start { 0 } else { self.wrap.indent(rope.slice(start..line_end(rope, line))) }
    }

    /// The position at a column of a row; one behind its end is at its end.
    pub fn at(&self, rope: &Rope, row: usize, column: usize) -> CharIndex {
        let (_, _, range) = self.place(rope, row);
        let slice = rope.slice(range.clone());
        let column = column.saturating_sub(self.indent(rope, range.start));
        let at = range.start + cells::char_at_column(slice, column, self.wrap.tab_size);
        CharIndex(self.kept_on_row(rope, &range, at))
    }

    /// The end of a row that is wrapped is shown at the start of the next, so the place before it is taken.
    fn kept_on_row(&self, rope: &Rope, row: &Range<usize>, at: usize) -> usize {
        let is_wrapped = row.end < line_end(rope, line_of(rope, row.start));
        if is_wrapped && at >= row.end && row.end > row.start {
            previous_grapheme(rope, row.end).max(row.start)
        } else {
            at
        }
    }

    /// Where the row of a position begins, and the last place that is shown on it.
    pub(crate) fn row_range(&self, rope: &Rope, at: CharIndex) -> Range<usize> {
        let point = self.point(rope, at);
        let (_, _, range) = self.place(rope, point.row);
        let end = self.kept_on_row(rope, &range, range.end);
        range.start..end
    }

    /// Where to go left from: at the start of a line behind a fold that is the end of what is left of the fold.
    pub(crate) fn before_fold(&self, rope: &Rope, at: usize) -> usize {
        let line = line_of(rope, at);
        let is_behind = line > 0 && line_start(rope, line) == at && self.is_hidden(line - 1);
        if !is_behind || self.is_hidden(line) {
            return at;
        }
        let (_, before) = self.tree.rows_at(line);
        let (header, _) = self.tree.line_at(before.saturating_sub(1));
        line_start(rope, header + 1)
    }

    /// The next grapheme border that is not folded away.
    pub(crate) fn next_visible(&self, rope: &Rope, at: usize) -> usize {
        let next = next_grapheme(rope, at);
        let line = line_of(rope, next);
        if !self.is_hidden(line) {
            return next;
        }
        let (_, before) = self.tree.rows_at(line);
        if before >= self.count() {
            return at;
        }
        line_start(rope, self.tree.line_at(before).0)
    }

    /// The rows to draw from a row on.
    pub fn visible(&self, rope: &Rope, first: usize, count: usize) -> Vec<Row> {
        let end = self.count().min(first.saturating_add(count));
        let rows = (first..end).map(|row| {
            let (line, sub, range) = self.place(rope, row);
            let (count, before) = self.tree.rows_at(line);
            let is_last = sub + 1 == count;
            let next = self.tree.line_at(before + count).0;
            let next = if before + count >= self.count() { self.tree.lines() } else { next };
            let folded_lines = if is_last { next - line - 1 } else { 0 };
            let indent = self.indent(rope, range.start);
            let (start, end) = (CharIndex(range.start), CharIndex(range.end));
            Row { row, line: LineIndex(line), is_first: sub == 0, is_last, start, end, indent, folded_lines }
        });
        rows.collect()
    }
}

/// A line shorter than this is one row when lines are not wrapped.
const LONG: usize = crate::limits::MEASURED_LINE_CHARS_MAX;
