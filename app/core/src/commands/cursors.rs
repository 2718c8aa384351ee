//! More cursors, and selections that are made at once.

use weft_crdt::{CharIndex, LineIndex};

use super::brackets::{matching_bracket, pair_around, pair_at};
use super::{Outcome, Scope};
use crate::cells;
use crate::selection::{Selection, Selections};

/// Selects everything.
pub(crate) fn select_all(scope: &Scope<'_>) -> Outcome {
    Outcome::select(Selections::single(Selection::new(0, scope.rope.len_chars())))
}

/// Goes to a line; one beyond the end is the last.
pub(crate) fn go_to_line(scope: &Scope<'_>, line: LineIndex, column: usize) -> Outcome {
    let line = line.0.min(scope.rope.len_lines() - 1);
    let start = scope.line_start(line);
    let at = (start + column).min(scope.line_end(line));
    Outcome::select(Selections::single(Selection::caret(crate::text::snap(scope.rope, at))))
}

/// Selects whole lines; once more takes the next one too.
pub(crate) fn expand_lines(scope: &Scope<'_>) -> Outcome {
    Outcome::select(scope.selections.map(|selection| {
        let first = scope.line_of(selection.start().0);
        let last = scope.line_of(selection.end().0);
        Selection::new(scope.line_start(first), scope.line_start(last + 1))
    }))
}

/// Adds a cursor in the line above or below each.
pub(crate) fn add_cursor_lines(scope: &Scope<'_>, is_down: bool) -> Outcome {
    let mut all = scope.selections.all().to_vec();
    let mut primary = scope.selections.primary_index();
    let last = scope.rows.count().saturating_sub(1);
    for (index, selection) in scope.selections.all().iter().enumerate() {
        let point = |at: CharIndex| scope.rows.point(scope.rope, at);
        let (anchor, head) = (point(selection.anchor), point(selection.head));
        let goal = selection.goal.unwrap_or(head.column);
        let moved = |row: usize| match is_down {
            true if row >= last => None,
            true => Some(row + 1),
            false => row.checked_sub(1),
        };
        let (Some(anchor_row), Some(head_row)) = (moved(anchor.row), moved(head.row)) else { continue };
        let head_at = scope.rows.at(scope.rope, head_row, goal);
        let anchor_at =
            if selection.is_empty() { head_at } else { scope.rows.at(scope.rope, anchor_row, anchor.column) };
        let new = Selection { goal: Some(goal), ..Selection::new(anchor_at.0, head_at.0) };
        if index == scope.selections.primary_index() {
            primary = all.len();
        }
        all.push(new);
    }
    Outcome::select(Selections::new(all, primary))
}

/// A caret at the end of each line that is selected.
pub(crate) fn carets_at_line_ends(scope: &Scope<'_>) -> Outcome {
    let mut all = Vec::new();
    for selection in scope.selections.all() {
        let lines = scope.lines_of(selection);
        if lines.len() == 1 {
            all.push(Selection::caret(scope.line_end(lines.start)));
            continue;
        }
        all.extend(lines.clone().map(|line| {
            let is_last = line + 1 == lines.end;
            let end = scope.line_end(line);
            let is_partial = is_last && selection.end().0 < end && selection.end().0 > scope.line_start(line);
            Selection::caret(if is_partial { selection.end().0 } else { end })
        }));
    }
    let primary = all.len().saturating_sub(1);
    Outcome::select(Selections::new(all, primary))
}

/// Selects a rectangle from one place to another, given by lines and columns in cells. Lines that end before its
/// first column get nothing, but a rectangle without width puts a caret at their end.
pub(crate) fn column_select(scope: &Scope<'_>, from: (LineIndex, usize), to: (LineIndex, usize)) -> Outcome {
    let last_line = scope.rope.len_lines() - 1;
    let (from_line, to_line) = (from.0.0.min(last_line), to.0.0.min(last_line));
    let step_down = to_line >= from_line;
    let lines = from_line.min(to_line)..=from_line.max(to_line);
    let tab_size = scope.settings.tab_size;
    let mut all = Vec::new();
    for line in lines {
        let start = scope.line_start(line);
        let slice = scope.rope.slice(start..scope.line_end(line));
        let place = |column: usize| start + cells::char_at_column(slice, column, tab_size);
        let width = cells::column_of(slice, slice.len_chars(), tab_size);
        let is_short = width < from.1.min(to.1);
        if is_short && from.1 != to.1 && line != from_line && line != to_line {
            continue;
        }
        all.push(Selection::new(place(from.1), place(to.1)));
    }
    let primary = if step_down { all.len().saturating_sub(1) } else { 0 };
    Outcome::select(Selections::new(all, primary))
}

/// Selects from a bracket to its other one, these included.
pub(crate) fn to_bracket(scope: &Scope<'_>, selects: bool) -> Outcome {
    Outcome::select(scope.selections.map(|selection| {
        let at = selection.head.0;
        if !selects {
            return matching_bracket(scope, at).map_or(*selection, Selection::caret);
        }
        let pair = pair_at(scope.rope, scope.language, at).map(|(open, close)| open..close + 1);
        let pair = pair.or_else(|| pair_around(scope.rope, scope.language, at..at));
        pair.map_or(*selection, |pair| Selection::new(pair.start, pair.end))
    }))
}
