//! Pairs of brackets, and selections that grow.

use std::ops::Range;

use ropey::Rope;

use super::Scope;
use crate::language::Language;
use crate::limits::BRACKET_SCAN_CHARS_MAX;
use crate::selection::Selection;
use crate::text::word_around;

/// The other one of the pair of brackets at a position: the bracket behind it, else the one before. From between
/// brackets it goes to the closing one.
pub(crate) fn matching_bracket(scope: &Scope<'_>, at: usize) -> Option<usize> {
    let by_tree = scope.tree.and_then(|tree| {
        [Some(at), at.checked_sub(1)].into_iter().flatten().find_map(|at| {
            let other = tree.matching_bracket(scope.rope, at.into())?.0;
            Some((at.min(other), at.max(other)))
        })
    });
    let (open, close) = by_tree.or_else(|| pair_at(scope.rope, scope.language, at)).or_else(|| {
        let around = pair_around(scope.rope, scope.language, at..at)?;
        // A position between brackets counts as one at the opening bracket.
        Some((around.start, around.end - 1))
    })?;
    // From the closing bracket to the opening one, and from everywhere else to the closing one.
    let is_at_close = at == close || at == close + 1 && at != open;
    Some(if is_at_close { open } else { close })
}

/// The pair of which a bracket stands at a position, else right before it.
pub(crate) fn pair_at(rope: &Rope, language: &Language, at: usize) -> Option<(usize, usize)> {
    [Some(at), at.checked_sub(1)].into_iter().flatten().find_map(|at| {
        let char = rope.get_char(at)?;
        if let Some(close) = language.closer(char) {
            return Some((at, forwards(rope, at + 1, char, close)?));
        }
        let open = language.opener(char)?;
        Some((backwards(rope, at, open, char)?, at))
    })
}

/// Where the bracket closes that was opened before a position.
fn forwards(rope: &Rope, from: usize, open: char, close: char) -> Option<usize> {
    let mut depth = 0;
    for (count, char) in rope.get_chars_at(from)?.take(BRACKET_SCAN_CHARS_MAX).enumerate() {
        if char == close {
            if depth == 0 {
                return Some(from + count);
            }
            depth -= 1;
        } else if char == open {
            depth += 1;
        }
    }
    None
}

/// Where the bracket opens that is closed at a position.
fn backwards(rope: &Rope, to: usize, open: char, close: char) -> Option<usize> {
    let mut depth = 0;
    let chars = rope.get_chars_at(to)?.reversed();
    for (count, char) in chars.take(BRACKET_SCAN_CHARS_MAX).enumerate() {
        if char == open {
            if depth == 0 {
                return Some(to - count - 1);
            }
            depth -= 1;
        } else if char == close {
            depth += 1;
        }
    }
    None
}

/// The line with the bracket that a closing one, typed at a position, belongs to.
pub(super) fn opening_line(scope: &Scope<'_>, at: usize, close: char) -> Option<usize> {
    let open = scope.language.opener(close)?;
    backwards(scope.rope, at, open, close).map(|open| scope.line_of(open))
}

/// The smallest pair of brackets around a range, the brackets included.
pub(crate) fn pair_around(rope: &Rope, language: &Language, range: Range<usize>) -> Option<Range<usize>> {
    let pairs = language.brackets.iter().filter_map(|(open, close)| {
        let start = backwards(rope, range.start, *open, *close)?;
        let end = forwards(rope, start + 1, *open, *close)?;
        (end >= range.end).then_some(start..end + 1)
    });
    pairs.max_by_key(|pair| pair.start)
}

/// A selection one step larger: the word, what stands between quotes or brackets, these too, the line, everything.
pub(crate) fn expanded(scope: &Scope<'_>, selection: &Selection) -> Selection {
    let range = selection.range();
    let is_larger =
        |next: &Range<usize>| next.start <= range.start && range.end <= next.end && next.len() > range.len();
    let (start, end) = word_around(scope.rope, selection.head.0);
    let mut steps = std::iter::once(start..end).collect::<Vec<_>>();
    steps.extend(quoted(scope, &range));
    let ends = range.start.into()..range.end.into();
    if let Some(node) = scope.tree.and_then(|tree| tree.node_around(scope.rope, ends)) {
        steps.push(node.start.0..node.end.0);
    }
    if let Some(pair) = pair_around(scope.rope, scope.language, range.clone()) {
        steps.push(pair.start + 1..pair.end - 1);
        steps.push(pair);
    }
    let lines = scope.line_of(range.start)..scope.line_of(range.end);
    let text = scope.line_start(lines.start) + scope.indent_of(lines.start).len()..scope.line_end(lines.end);
    steps.push(text);
    steps.push(scope.line_start(lines.start)..scope.line_end(lines.end));
    steps.push(0..scope.rope.len_chars());
    let next = steps.into_iter().filter(is_larger).min_by_key(Range::len);
    next.map_or(*selection, |next| Selection::new(next.start, next.end))
}

/// What stands between two quotes on the line of a range, without and with them.
fn quoted(scope: &Scope<'_>, range: &Range<usize>) -> Vec<Range<usize>> {
    let line = scope.line_of(range.start);
    let start = scope.line_start(line);
    let mut steps = Vec::new();
    for quote in scope.language.quotes {
        let mut open = None;
        let mut is_escaped = false;
        for (at, char) in scope.line_text(line).chars().enumerate().map(|(at, char)| (start + at, char)) {
            let was_escaped = is_escaped;
            is_escaped = char == '\\' && !was_escaped;
            if char != *quote || was_escaped {
                continue;
            }
            match open.take() {
                Some(from) => steps.extend([from + 1..at, from..at + 1]),
                None => open = Some(at),
            }
        }
    }
    steps
}
