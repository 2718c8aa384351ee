//! Comments on and off.

use super::scope::{Place, placed};
use super::{Outcome, Scope};
use crate::text::Replacement;

/// Makes the lines of each block comments, or takes that back when all of them are. Blank lines stay.
pub(crate) fn toggle_line_comment(scope: &Scope<'_>) -> Outcome {
    let Some(token) = scope.language.line_comment else {
        return toggle_block_comment(scope, true);
    };
    let mut replacements = Vec::new();
    for lines in scope.line_blocks() {
        let is_single = lines.len() == 1;
        let lines: Vec<usize> = lines.filter(|line| is_single || !scope.is_blank(*line)).collect();
        let is_commented = |line: &usize| scope.line_text(*line).trim_start().starts_with(token);
        if !lines.is_empty() && lines.iter().all(is_commented) {
            for line in lines {
                let from = scope.line_start(line) + scope.indent_of(line).len();
                let behind = from + token.chars().count();
                let space = usize::from(scope.rope.get_char(behind) == Some(' '));
                replacements.push(Replacement::new(from, behind + space, ""));
            }
        } else {
            // All tokens in one column, so that the text keeps its shape.
            let column = lines.iter().map(|line| scope.indent_of(*line).len()).min().unwrap_or(0);
            for line in lines {
                let at = scope.line_start(line) + column;
                replacements.push(Replacement::new(at, at, format!("{token} ")));
            }
        }
    }
    let places: Vec<_> = scope
        .selections
        .all()
        .iter()
        .map(|selection| {
            let (mut start, end) = (Place::behind(selection.start().0), Place::behind(selection.end().0));
            if !selection.is_empty() && scope.line_start(scope.line_of(start.at)) == start.at {
                start = Place::before(start.at);
            }
            if selection.is_reversed() { (end, start) } else { (start, end) }
        })
        .collect();
    placed(scope, replacements, &places)
}

/// Puts a comment around each selection, or takes the one around it away. `by_line` takes the text of whole lines.
pub(crate) fn toggle_block_comment(scope: &Scope<'_>, by_line: bool) -> Outcome {
    let Some((open, close)) = scope.language.block_comment else {
        return Outcome::select(scope.selections.clone());
    };
    let (open_chars, close_chars) = (open.chars().count(), close.chars().count());
    let mut replacements = Vec::new();
    let mut places = Vec::new();
    for selection in scope.selections.all() {
        let mut range = selection.range();
        if by_line {
            let lines = scope.lines_of(selection);
            range = scope.line_start(lines.start) + scope.indent_of(lines.start).len()
                ..scope.line_end(lines.end - 1);
        }
        let text = scope.text(range.clone());
        let inside = text.strip_prefix(open).and_then(|text| text.strip_suffix(close));
        let around = around(scope, &range, open, close);
        let (start, end) = (Place::behind(selection.start().0), Place::before(selection.end().0));
        if let Some(inside) = inside {
            let pad_start = usize::from(inside.starts_with(' '));
            let pad_end = usize::from(inside.len() > 1 && inside.ends_with(' '));
            replacements.push(Replacement::new(range.start, range.start + open_chars + pad_start, ""));
            replacements.push(Replacement::new(range.end - close_chars - pad_end, range.end, ""));
        } else if let Some((before, behind)) = around {
            replacements.push(Replacement::new(range.start - before, range.start, ""));
            replacements.push(Replacement::new(range.end, range.end + behind, ""));
        } else {
            replacements.push(Replacement::new(range.start, range.start, format!("{open} ")));
            replacements.push(Replacement::new(range.end, range.end, format!(" {close}")));
        }
        let is_caret = selection.is_empty() && (by_line || inside.is_none());
        let ends = if is_caret { (start, start) } else { (start, end) };
        // A caret in an empty comment stands between its two spaces.
        let ends = if selection.is_empty() && range.is_empty() && around.is_none() {
            let place = Place::before(range.start).plus(open_chars + 1);
            (place, place)
        } else {
            ends
        };
        places.push(if selection.is_reversed() { (ends.1, ends.0) } else { ends });
    }
    placed(scope, replacements, &places)
}

/// The characters of the tokens that stand right around a range, with the spaces inside them.
fn around(
    scope: &Scope<'_>,
    range: &std::ops::Range<usize>,
    open: &str,
    close: &str,
) -> Option<(usize, usize)> {
    let before = |text: &str| {
        let count = text.chars().count();
        let from = range.start.checked_sub(count)?;
        (scope.rope.slice(from..range.start) == text).then_some(count)
    };
    let behind = |text: &str| {
        let count = text.chars().count();
        let to = range.end + count;
        (to <= scope.rope.len_chars() && scope.rope.slice(range.end..to) == text).then_some(count)
    };
    let before = before(&format!("{open} ")).or_else(|| before(open))?;
    let behind = behind(&format!(" {close}")).or_else(|| behind(close))?;
    Some((before, behind))
}
