//! Typing, new lines, tabs and deleting.

use weft_crdt::CharIndex;

use super::brackets::opening_line;
use super::motion::target;
use super::scope::{Place, placed};
use super::{Motion, Outcome, Scope, indent_lines};
use crate::cells;
use crate::document::EditKind;
use crate::selection::Selection;
use crate::text::{CharClass, Replacement, class_of, next_grapheme, previous_grapheme};

/// Types text at every cursor, in place of what is selected.
pub(crate) fn type_text(scope: &Scope<'_>, text: &str) -> Outcome {
    let mut chars = text.chars();
    if let (Some(char), None) = (chars.next(), chars.next()) {
        if char == '\n' {
            return new_line(scope);
        }
        return type_char(scope, char);
    }
    let replacements = scope.selections.all().iter().map(|selection| replaced(selection, text));
    Outcome::change(replacements.collect())
}

fn replaced(selection: &Selection, text: &str) -> Replacement {
    Replacement { start: selection.start(), end: selection.end(), text: text.to_owned() }
}

fn type_char(scope: &Scope<'_>, char: char) -> Outcome {
    let mut replacements = Vec::new();
    let mut places = Vec::new();
    let mut closed = Vec::new();
    for selection in scope.selections.all() {
        let at = selection.head.0;
        let (start, end) = (selection.start().0, selection.end().0);
        if let Some(close) = surrounding(scope, selection, char) {
            replacements.push(Replacement::new(start, start, char));
            replacements.push(Replacement::new(end, end, close));
            let ends = (Place::behind(start), Place::before(end));
            places.push(if selection.is_reversed() { (ends.1, ends.0) } else { ends });
        } else if selection.is_empty() && types_over(scope, at, char) {
            places.push((Place::behind(at + 1), Place::behind(at + 1)));
        } else if let Some(close) = closing(scope, selection, char) {
            replacements.push(Replacement::new(at, at, [char, close].iter().collect::<String>()));
            let place = Place::before(at).plus(1);
            closed.push(place);
            places.push((place, place));
        } else {
            let from = dedented_start(scope, selection, char);
            let (from, indent) = from.unwrap_or((start, String::new()));
            replacements.push(Replacement::new(from, end, indent + char.encode_utf8(&mut [0; 4])));
            places.push((Place::behind(end), Place::behind(end)));
        }
    }
    let begins_word = scope
        .selections
        .all()
        .iter()
        .any(|selection| !selection.is_empty() || begins_word(scope.char_before(selection.head.0), char));
    let kind = if begins_word { EditKind::TypingWord } else { EditKind::Typing };
    let mut outcome = placed(scope, replacements, &places).kind(kind);
    let mapper = outcome.change.mapper();
    outcome.closed = closed.into_iter().map(|place| CharIndex(place.on(&mapper))).collect();
    outcome
}

/// White space behind a word begins what is undone next; so does everything else behind white space at the start.
fn begins_word(before: Option<char>, char: char) -> bool {
    let is_space = char.is_whitespace();
    is_space && before.is_some_and(|before| !before.is_whitespace())
}

/// What closes a selection when a character is typed on it.
fn surrounding(scope: &Scope<'_>, selection: &Selection, char: char) -> Option<char> {
    if selection.is_empty() || !scope.settings.auto_surround {
        return None;
    }
    let quote = scope.language.quotes.contains(&char).then_some(char);
    scope.language.closer(char).or(quote)
}

/// Whether a character that is typed is there already, closed by itself.
fn types_over(scope: &Scope<'_>, at: usize, char: char) -> bool {
    scope.rope.get_char(at) == Some(char) && scope.closed.contains(&CharIndex(at))
}

/// What closes a bracket or quote that is typed at a caret, where closing it makes sense.
fn closing(scope: &Scope<'_>, selection: &Selection, char: char) -> Option<char> {
    if !selection.is_empty() || !scope.settings.auto_close {
        return None;
    }
    let at = selection.head.0;
    let is_free =
        scope.rope.get_char(at).is_none_or(|next| next.is_whitespace() || ";:.,=}])>`'\"".contains(next));
    if let Some(close) = scope.language.closer(char) {
        return is_free.then_some(close);
    }
    let is_quote = scope.language.quotes.contains(&char);
    let before = scope.char_before(at);
    let is_apart = before.is_none_or(|before| class_of(before) != CharClass::Word && before != char);
    let follows_same = scope.rope.get_char(at) == Some(char);
    let is_code = at == 0 || scope.is_code(at - 1);
    (is_quote && is_free && is_apart && !follows_same && is_code).then_some(char)
}

/// Where a line begins anew, and with which indentation, when a character makes it stand less deep: a closing
/// bracket, or the last letter of a word such as `end`.
fn dedented_start(scope: &Scope<'_>, selection: &Selection, char: char) -> Option<(usize, String)> {
    if !scope.settings.auto_indent || !selection.is_empty() {
        return None;
    }
    let at = selection.head.0;
    let line = scope.line_of(at);
    let start = scope.line_start(line);
    let before = scope.text(start..at);
    if scope.language.opener(char).is_some() {
        let is_first = before.chars().all(|char| matches!(char, ' ' | '\t'));
        let opening = is_first.then(|| opening_line(scope, at, char)).flatten()?;
        return Some((start, scope.indent_of(opening)));
    }
    let text = before.trim_start();
    let is_done = if scope.language.indents_after_colon {
        char == ':' && scope.language.dedent_words.contains(&first_word(text))
    } else {
        let word = text.to_owned() + char.encode_utf8(&mut [0; 4]);
        scope.language.dedent_words.contains(&word.as_str())
    };
    if !is_done || scope.line_end(line) != at {
        return None;
    }
    let above = (0..line).rev().find(|line| !scope.is_blank(*line))?;
    let indent = scope.indent_of(above);
    let unit = scope.settings.indent_unit();
    let target = if opens(scope, &scope.line_text(above)) {
        indent.as_str()
    } else {
        indent.strip_suffix(&unit).unwrap_or_default()
    };
    (scope.indent_of(line).len() > target.len()).then(|| (start, target.to_owned() + text))
}

fn first_word(text: &str) -> &str {
    text.split(|char: char| !char.is_alphanumeric() && char != '_').next().unwrap_or_default()
}

/// Whether the line behind this one stands one step deeper.
fn opens(scope: &Scope<'_>, before: &str) -> bool {
    let mut text = before;
    if let Some(comment) = scope.language.line_comment
        && let Some((code, _)) = text.split_once(comment)
    {
        text = code;
    }
    let text = text.trim();
    let Some(last) = text.chars().last() else { return false };
    let first_word = first_word(text);
    let ends_with_do = text.ends_with(" do") || text.ends_with(" then") || text == "do" || text == "else";
    scope.language.closer(last).is_some()
        || (scope.language.indents_after_colon && last == ':')
        || scope.language.indent_words.contains(&first_word) && !closes_itself(scope, text)
        || !scope.language.indent_words.is_empty() && ends_with_do
        || scope.language.dedent_words.contains(&first_word)
            && !matches!(first_word, "end" | "fi" | "done" | "esac")
            && !scope.language.indents_after_colon
}

/// Whether a line that begins with an indenting word also ends what it begins.
fn closes_itself(scope: &Scope<'_>, text: &str) -> bool {
    let last = text.split_whitespace().last().unwrap_or_default().trim_end_matches(';');
    scope.language.dedent_words.contains(&last)
}

/// Breaks the line at every cursor. The new line is indented like this one, deeper behind an opening bracket; between
/// a pair of brackets the closing one gets a line of its own.
pub(crate) fn new_line(scope: &Scope<'_>) -> Outcome {
    let end = scope.line_ending.as_str();
    let mut replacements = Vec::new();
    let mut places = Vec::new();
    for selection in scope.selections.all() {
        let (start, behind) = (selection.start().0, selection.end().0);
        let line = scope.line_of(start);
        let line_start = scope.line_start(line);
        let before = scope.text(line_start..start);
        let indent: String = before.chars().take_while(|char| matches!(char, ' ' | '\t')).collect();
        if !scope.settings.auto_indent {
            replacements.push(Replacement::new(start, behind, end));
            places.push((Place::behind(behind), Place::behind(behind)));
            continue;
        }
        let is_blank = indent.len() == before.len() && behind == scope.line_end(scope.line_of(behind));
        // White space that stood alone is not left behind.
        let from = if is_blank { line_start } else { start };
        // A bracket at the end of a comment or text opens nothing.
        let text_end = line_start + before.trim_end().chars().count();
        let last = scope.char_before(text_end).filter(|char| scope.language.closer(*char).is_some());
        let opens = opens(scope, &before) && (last.is_none() || scope.is_code(text_end - 1));
        let deeper = if opens { scope.settings.indent_unit() } else { String::new() };
        let first = format!("{end}{indent}{deeper}");
        let open = before.trim_end().chars().last();
        let is_between = open
            .and_then(|open| scope.language.closer(open))
            .is_some_and(|close| scope.rope.get_char(behind) == Some(close));
        let rest = if is_between { format!("{end}{indent}") } else { String::new() };
        let place = Place::before(from).plus(first.chars().count());
        replacements.push(Replacement::new(from, behind, first + &rest));
        places.push((place, place));
    }
    placed(scope, replacements, &places)
}

/// Indents selected lines, or goes to the next tab stop.
pub(crate) fn tab(scope: &Scope<'_>) -> Outcome {
    let spans_lines = |selection: &Selection| scope.lines_of(selection).len() > 1;
    if scope.selections.all().iter().any(spans_lines) {
        return indent_lines(scope);
    }
    let tab_size = scope.settings.tab_size.max(1);
    let replacements = scope.selections.all().iter().map(|selection| {
        let text = if scope.settings.insert_spaces {
            let at = selection.start().0;
            let line = scope.line_of(at);
            let start = scope.line_start(line);
            let slice = scope.rope.slice(start..scope.line_end(line));
            " ".repeat(tab_size - cells::column_of(slice, at - start, tab_size) % tab_size)
        } else {
            "\t".to_owned()
        };
        replaced(selection, &text)
    });
    Outcome::change(replacements.collect())
}

/// Deletes what is selected, or up to where a motion goes.
pub(crate) fn delete(scope: &Scope<'_>, motion: Motion) -> Outcome {
    let ranges = scope.selections.all().iter().map(|selection| {
        if !selection.is_empty() {
            return selection.range();
        }
        let at = selection.head.0;
        match motion {
            Motion::Left => delete_left(scope, at),
            Motion::Right => at..next_grapheme(scope.rope, at),
            // To the very start, not to the first character.
            Motion::LineStart => {
                let start = scope.line_start(scope.line_of(at));
                (if start == at { previous_grapheme(scope.rope, at) } else { start })..at
            }
            Motion::LineEnd => {
                let end = scope.line_end(scope.line_of(at));
                at..if end == at { next_grapheme(scope.rope, at) } else { end }
            }
            _ => {
                let to = target(scope, selection, motion).0;
                at.min(to)..at.max(to)
            }
        }
    });
    let replacements = ranges.map(|range| Replacement::new(range.start, range.end, ""));
    let is_small = matches!(motion, Motion::Left | Motion::Right);
    let has_selected = scope.selections.all().iter().any(|selection| !selection.is_empty());
    let kind = if is_small && !has_selected { EditKind::Deleting } else { EditKind::Whole };
    Outcome::change(replacements.collect()).kind(kind)
}

/// One grapheme, both of an empty pair, or spaces back to the last tab stop of the indentation.
fn delete_left(scope: &Scope<'_>, at: usize) -> std::ops::Range<usize> {
    let before = scope.char_before(at);
    let behind = scope.rope.get_char(at);
    if let (Some(open), Some(close)) = (before, behind) {
        let is_pair = scope.language.closer(open) == Some(close)
            || (open == close && scope.language.quotes.contains(&open));
        if is_pair && scope.settings.auto_close {
            return at - 1..at + 1;
        }
    }
    let start = scope.line_start(scope.line_of(at));
    let column = at - start;
    let tab_size = scope.settings.tab_size.max(1);
    let is_indent = column > 0 && scope.rope.slice(start..at).chars().all(|char| char == ' ');
    if is_indent && scope.settings.insert_spaces {
        let back = (column - 1) % tab_size + 1;
        return at - back..at;
    }
    previous_grapheme(scope.rope, at)..at
}
