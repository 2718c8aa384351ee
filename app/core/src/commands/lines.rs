//! Commands on whole lines.

use std::collections::BTreeSet;
use std::ops::Range;

use weft_crdt::Side;

use super::scope::{Place, placed};
use super::{Outcome, Scope};
use crate::cells;
use crate::selection::{Selection, Selections};
use crate::text::{ChangeSet, Replacement};

/// How lines are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineOrder {
    Ascending,
    Descending,
}

/// The first column that white space at the start of a line fills.
fn indent_column(scope: &Scope<'_>, line: usize) -> usize {
    let indent = scope.indent_of(line);
    let start = scope.line_start(line);
    let slice = scope.rope.slice(start..scope.line_end(line));
    cells::column_of(slice, indent.len(), scope.settings.tab_size)
}

/// Moves selected lines one step deeper. Blank lines stay.
pub(crate) fn indent_lines(scope: &Scope<'_>) -> Outcome {
    let unit = scope.settings.indent_unit();
    let lines = scope.line_blocks().into_iter().flatten();
    let is_single = scope.line_blocks().iter().map(Range::len).sum::<usize>() == 1;
    let replacements = lines.filter(|line| is_single || !scope.is_blank(*line)).map(|line| {
        let start = scope.line_start(line);
        Replacement::new(start, start, unit.clone())
    });
    with_lines(scope, replacements.collect())
}

/// Moves selected lines one step less deep.
pub(crate) fn outdent_lines(scope: &Scope<'_>) -> Outcome {
    let lines = scope.line_blocks().into_iter().flatten();
    let tab_size = scope.settings.tab_size.max(1);
    let replacements = lines.filter_map(|line| {
        let start = scope.line_start(line);
        let indent = scope.indent_of(line);
        let mut column = 0;
        let mut chars = 0;
        for char in indent.chars() {
            if column >= tab_size {
                break;
            }
            column += if char == '\t' { tab_size - column % tab_size } else { 1 };
            chars += 1;
        }
        (chars > 0).then(|| Replacement::new(start, start + chars, ""))
    });
    with_lines(scope, replacements.collect())
}

/// Selections whose ends go behind what is inserted at them, but for a start of lines that are selected.
fn with_lines(scope: &Scope<'_>, replacements: Vec<Replacement>) -> Outcome {
    let places: Vec<_> = scope
        .selections
        .all()
        .iter()
        .map(|selection| {
            let place = |at: usize| {
                let is_line_start = scope.line_start(scope.line_of(at)) == at;
                let keeps = !selection.is_empty() && is_line_start;
                if keeps { Place::before(at) } else { Place::behind(at) }
            };
            (place(selection.anchor.0), place(selection.head.0))
        })
        .collect();
    placed(scope, replacements, &places)
}

/// The characters of lines with their line ends; the last line of a text has none.
fn whole(scope: &Scope<'_>, lines: &Range<usize>) -> Range<usize> {
    scope.line_start(lines.start)..scope.line_start(lines.end)
}

fn is_last(scope: &Scope<'_>, lines: &Range<usize>) -> bool {
    lines.end >= scope.rope.len_lines()
}

/// Removes the lines of all cursors.
pub(crate) fn delete_lines(scope: &Scope<'_>) -> Outcome {
    let mut replacements = Vec::new();
    for lines in scope.line_blocks() {
        let mut range = whole(scope, &lines);
        if is_last(scope, &lines) && lines.start > 0 {
            range.start = scope.line_end(lines.start - 1);
        }
        replacements.push(Replacement::new(range.start, range.end, ""));
    }
    let change = ChangeSet::from_replacements(replacements);
    let selections = scope.selections.map(|selection| {
        let line = scope.lines_of(selection).start;
        let column = selection.head.0 - scope.line_start(scope.line_of(selection.head.0));
        // The cursor goes to the same column of the line that comes up.
        let next = scope
            .line_blocks()
            .into_iter()
            .find(|block| block.contains(&line))
            .map_or(line, |block| block.end);
        let to = if next < scope.rope.len_lines() {
            (scope.line_start(next) + column).min(scope.line_end(next))
        } else {
            scope.line_start(line.saturating_sub(usize::from(line > 0)))
        };
        Selection::caret(change.map(to.into(), Side::Before).0)
    });
    Outcome { change, selections: Some(selections), ..Outcome::change(Vec::new()) }
}

/// Moves the lines of all cursors over the line above or below.
pub(crate) fn move_lines(scope: &Scope<'_>, is_down: bool) -> Outcome {
    let count = scope.rope.len_lines();
    let mut replacements = Vec::new();
    let mut shifts: Vec<(Range<usize>, isize)> = Vec::new();
    for lines in scope.line_blocks() {
        if (is_down && lines.end >= count) || (!is_down && lines.start == 0) {
            shifts.push((lines, 0));
            continue;
        }
        let other = if is_down { lines.end } else { lines.start - 1 };
        let other_text = scope.line_text(other);
        let end = line_end_text(scope, other.min(lines.start));
        let shift = (other_text.chars().count() + end.chars().count()) as isize;
        if is_down {
            let start = scope.line_start(lines.start);
            replacements.push(Replacement::new(start, start, other_text + &end));
            replacements.push(Replacement::new(scope.line_end(lines.end - 1), scope.line_end(other), ""));
            shifts.push((lines, shift));
        } else {
            let at = scope.line_end(lines.end - 1);
            let start = scope.line_start(other);
            replacements.push(Replacement::new(start, scope.line_start(lines.start), ""));
            replacements.push(Replacement::new(at, at, end + &other_text));
            shifts.push((lines, -shift));
        }
    }
    let mut outcome = Outcome::change(replacements);
    // All lines keep their length, so ends of selections move with their own lines.
    let total = scope.rope.len_chars() as isize;
    let selections = scope.selections.map(|selection| {
        let lines = scope.lines_of(selection);
        let shift =
            shifts.iter().find(|(block, _)| block.contains(&lines.start)).map_or(0, |(_, shift)| *shift);
        let place = |at: usize| (at as isize + shift).clamp(0, total) as usize;
        Selection::new(place(selection.anchor.0), place(selection.head.0))
    });
    outcome.selections = Some(selections);
    outcome
}

/// The line end that stands behind a line, or would.
fn line_end_text(scope: &Scope<'_>, line: usize) -> String {
    let text = scope.text(scope.line_end(line)..scope.line_start(line + 1));
    if text.is_empty() { scope.line_ending.as_str().to_owned() } else { text }
}

/// Writes the lines of all cursors a second time. The cursors are in the copy that the direction names.
pub(crate) fn copy_lines(scope: &Scope<'_>, is_down: bool) -> Outcome {
    let mut replacements = Vec::new();
    let mut shifts = Vec::new();
    let mut before = 0;
    for lines in scope.line_blocks() {
        let start = scope.line_start(lines.start);
        let text = scope.text(start..scope.line_end(lines.end - 1)) + &line_end_text(scope, lines.start);
        let chars = text.chars().count();
        replacements.push(Replacement::new(start, start, text));
        shifts.push((lines, before + if is_down { chars } else { 0 }));
        before += chars;
    }
    let mut outcome = Outcome::change(replacements);
    outcome.selections = Some(scope.selections.map(|selection| {
        let line = scope.lines_of(selection).start;
        let shift = shifts.iter().find(|(block, _)| block.contains(&line)).map_or(0, |(_, shift)| *shift);
        Selection::new(selection.anchor.0 + shift, selection.head.0 + shift)
    }));
    outcome
}

/// Makes an indented line above or below that of each cursor, and goes there.
pub(crate) fn insert_line(scope: &Scope<'_>, is_below: bool) -> Outcome {
    let end = scope.line_ending.as_str();
    if is_below {
        let ends = scope
            .selections
            .map(|selection| Selection::caret(scope.line_end(scope.line_of(selection.head.0))));
        let below = Scope { selections: &ends, ..*scope };
        return super::new_line(&below);
    }
    let mut replacements = Vec::new();
    let mut places = Vec::new();
    for selection in scope.selections.all() {
        let line = scope.line_of(selection.head.0);
        let start = scope.line_start(line);
        let indent = scope.indent_of(line);
        let place = Place::before(start).plus(indent.chars().count());
        replacements.push(Replacement::new(start, start, indent + end));
        places.push((place, place));
    }
    placed(scope, replacements, &places)
}

/// Joins the line of each cursor, or the selected lines, with one space between.
pub(crate) fn join_lines(scope: &Scope<'_>) -> Outcome {
    let mut replacements = Vec::new();
    let mut places = Vec::new();
    for selection in scope.selections.all() {
        let lines = scope.lines_of(selection);
        let last = if lines.len() == 1 { lines.start + 1 } else { lines.end - 1 };
        let mut joint = selection.head.0;
        for line in lines.start..last.min(scope.rope.len_lines() - 1) {
            let text = scope.line_text(line);
            let trimmed = text.trim_end_matches([' ', '\t']).chars().count();
            let from = scope.line_start(line) + trimmed;
            let next = scope.line_start(line + 1) + scope.indent_of(line + 1).chars().count();
            let has_text = next < scope.line_end(line + 1) && trimmed > 0;
            replacements.push(Replacement::new(from, next, if has_text { " " } else { "" }));
            joint = from;
        }
        let place = Place::before(joint);
        let ends = (Place::behind(selection.anchor.0), Place::behind(selection.head.0));
        places.push(if selection.is_empty() { (place, place) } else { ends });
    }
    placed(scope, replacements, &places)
}

/// The blocks that sorting and its like work on: selections of several lines, else the whole text.
fn blocks_or_all(scope: &Scope<'_>) -> Vec<Range<usize>> {
    let blocks: Vec<_> = scope.line_blocks().into_iter().filter(|block| block.len() > 1).collect();
    if !blocks.is_empty() {
        return blocks;
    }
    let mut last = scope.rope.len_lines();
    if last > 1 && scope.line_start(last - 1) == scope.rope.len_chars() {
        last -= 1;
    }
    std::iter::once(0..last).collect()
}

/// Writes blocks of lines anew.
fn rewrite_lines(scope: &Scope<'_>, rewrite: impl Fn(Vec<String>) -> Vec<String>) -> Outcome {
    let mut replacements = Vec::new();
    for lines in blocks_or_all(scope) {
        let range = scope.line_start(lines.start)..scope.line_end(lines.end - 1);
        let old: Vec<String> = lines.clone().map(|line| scope.line_text(line)).collect();
        let new = rewrite(old.clone());
        if new != old {
            let text = new.join(scope.line_ending.as_str());
            replacements.push(Replacement::new(range.start, range.end, text));
        }
    }
    let places: Vec<_> = scope
        .selections
        .all()
        .iter()
        .map(|selection| {
            let (start, end) = (Place::before(selection.start().0), Place::behind(selection.end().0));
            if selection.is_reversed() { (end, start) } else { (start, end) }
        })
        .collect();
    let mut outcome = placed(scope, replacements, &places);
    if scope.selections.all().iter().all(Selection::is_empty) {
        let mapped = scope.selections.mapped(&outcome.change);
        outcome.selections = Some(Selections::single(*mapped.primary()));
    }
    outcome
}

/// Sorts selected lines, or all.
pub(crate) fn sort_lines(scope: &Scope<'_>, order: LineOrder) -> Outcome {
    rewrite_lines(scope, |mut lines| {
        lines.sort();
        if order == LineOrder::Descending {
            lines.reverse();
        }
        lines
    })
}

/// Keeps the first of equal lines.
pub(crate) fn remove_duplicates(scope: &Scope<'_>) -> Outcome {
    rewrite_lines(scope, |lines| {
        let mut seen = BTreeSet::new();
        lines.into_iter().filter(|line| seen.insert(line.clone())).collect()
    })
}

/// Removes white space at the ends of all lines.
pub(crate) fn trim_trailing(scope: &Scope<'_>) -> Outcome {
    let replacements = (0..scope.rope.len_lines()).filter_map(|line| {
        let end = scope.line_end(line);
        let start = scope.line_start(line);
        let mut chars = scope.rope.chars_at(end).reversed();
        let count = chars.by_ref().take(end - start).take_while(|char| matches!(char, ' ' | '\t')).count();
        (count > 0).then(|| Replacement::new(end - count, end, ""))
    });
    let mut outcome = Outcome::change(replacements.collect());
    outcome.selections = Some(scope.selections.mapped(&outcome.change));
    outcome
}

/// Writes the indentation of all lines with spaces or with tabs.
pub(crate) fn reindent(scope: &Scope<'_>, insert_spaces: bool) -> Outcome {
    let settings = super::EditSettings { insert_spaces, ..scope.settings };
    let replacements = (0..scope.rope.len_lines()).filter_map(|line| {
        let old = scope.indent_of(line);
        let new = settings.indent_to(indent_column(scope, line));
        let start = scope.line_start(line);
        (old != new).then(|| Replacement::new(start, start + old.len(), new))
    });
    let mut outcome = Outcome::change(replacements.collect());
    outcome.selections = Some(scope.selections.mapped(&outcome.change));
    outcome
}
