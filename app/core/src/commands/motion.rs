//! Where cursors can go.

use super::brackets::matching_bracket;
use super::{Outcome, Scope};
use crate::selection::Selection;
use crate::text::{next_word_end, next_word_start, previous_grapheme, previous_word_start};

/// A way to move a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// To the grapheme before.
    Left,
    /// To the grapheme behind.
    Right,
    /// To the row above.
    Up,
    /// To the row below.
    Down,
    /// To the start of the word before.
    WordLeft,
    /// To the end of the word behind.
    WordRight,
    /// To the start of the word behind.
    WordStartRight,
    /// To the first character of the line that is not white space, or to its start when there already.
    LineStart,
    /// To the end of the line.
    LineEnd,
    /// To the start of the text.
    Top,
    /// To the end of the text.
    Bottom,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the other one of a pair of brackets.
    Bracket,
    /// To the empty line before.
    ParagraphUp,
    /// To the empty line behind.
    ParagraphDown,
}

/// Moves every cursor. Movement left and right of a selection goes to its end.
pub(crate) fn moved(scope: &Scope<'_>, motion: Motion, extends: bool) -> Outcome {
    Outcome::select(scope.selections.map(|selection| {
        if !extends && !selection.is_empty() {
            match motion {
                Motion::Left => return Selection::caret(selection.start().0),
                Motion::Right => return Selection::caret(selection.end().0),
                _ => {}
            }
        }
        let (head, goal) = target(scope, selection, motion);
        Selection { goal, ..selection.moved_to(head, extends) }
    }))
}

/// Where a cursor goes, and the column that it keeps.
pub(super) fn target(scope: &Scope<'_>, selection: &Selection, motion: Motion) -> (usize, Option<usize>) {
    let rope = scope.rope;
    let at = selection.head.0;
    let to = match motion {
        Motion::Left => previous_grapheme(rope, scope.rows.before_fold(rope, at)),
        Motion::Right => scope.rows.next_visible(rope, at),
        Motion::Up | Motion::Down | Motion::PageUp | Motion::PageDown => {
            return vertical(scope, selection, motion);
        }
        Motion::WordLeft => previous_word_start(rope, at),
        Motion::WordRight => next_word_end(rope, at),
        Motion::WordStartRight => next_word_start(rope, at),
        Motion::LineStart => line_start(scope, at),
        Motion::LineEnd => line_end(scope, at),
        Motion::Top => 0,
        Motion::Bottom => rope.len_chars(),
        Motion::Bracket => matching_bracket(scope, at).unwrap_or(at),
        Motion::ParagraphUp => paragraph(scope, at, false),
        Motion::ParagraphDown => paragraph(scope, at, true),
    };
    (to, None)
}

/// Up and down goes by display rows, so that wrapped lines are walked through and folds are jumped over.
fn vertical(scope: &Scope<'_>, selection: &Selection, motion: Motion) -> (usize, Option<usize>) {
    let point = scope.rows.point(scope.rope, selection.head);
    let goal = selection.goal.unwrap_or(point.column);
    let last = scope.rows.count().saturating_sub(1);
    let page = scope.page_rows.max(1);
    let row = match motion {
        Motion::Up if point.row == 0 => return (0, None),
        Motion::Down if point.row >= last => return (scope.rope.len_chars(), None),
        Motion::Up => point.row - 1,
        Motion::Down => point.row + 1,
        Motion::PageUp => point.row.saturating_sub(page),
        _ => (point.row + page).min(last),
    };
    (scope.rows.at(scope.rope, row, goal).0, Some(goal))
}

fn line_start(scope: &Scope<'_>, at: usize) -> usize {
    let (start, end) = row_or_line(scope, at);
    let text = scope.rope.slice(start..end);
    let first = start + text.chars().take_while(|char| matches!(char, ' ' | '\t')).count();
    if at == first { start } else { first }
}

fn line_end(scope: &Scope<'_>, at: usize) -> usize {
    row_or_line(scope, at).1
}

/// The row of a position where its line is wrapped, else its line.
fn row_or_line(scope: &Scope<'_>, at: usize) -> (usize, usize) {
    let row = scope.rows.row_range(scope.rope, at.into());
    (row.start, row.end)
}

/// The next blank line in a direction, behind text.
fn paragraph(scope: &Scope<'_>, at: usize, is_down: bool) -> usize {
    let last = scope.rope.len_lines() - 1;
    let mut line = scope.line_of(at);
    let mut has_text = false;
    loop {
        if is_down && line == last {
            return scope.rope.len_chars();
        }
        if !is_down && line == 0 {
            return 0;
        }
        line = if is_down { line + 1 } else { line - 1 };
        let is_blank = scope.is_blank(line);
        if is_blank && has_text {
            return scope.line_start(line);
        }
        has_text |= !is_blank;
    }
}
