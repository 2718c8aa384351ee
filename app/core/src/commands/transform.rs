//! Letters in another case or place.

use super::scope::{Place, placed};
use super::{Outcome, Scope};
use crate::text::{CharClass, Replacement, class_of, next_grapheme, previous_grapheme, word_around};

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Upper,
    Lower,
    Title,
    Snake,
    Camel,
    Kebab,
}

/// Writes what is selected, or the word at the cursor, in another case.
pub(crate) fn change_case(scope: &Scope<'_>, case: Case) -> Outcome {
    let mut replacements = Vec::new();
    let mut places = Vec::new();
    for selection in scope.selections.all() {
        let range = match selection.is_empty() {
            true => {
                let (start, end) = word_around(scope.rope, selection.head.0);
                start..end
            }
            false => selection.range(),
        };
        let old = scope.text(range.clone());
        let new = in_case(&old, case);
        let place = |at: usize| {
            if selection.is_empty() {
                Place::before(range.start).plus((at - range.start).min(new.chars().count()))
            } else if at == range.start {
                Place::before(at)
            } else {
                Place::behind(at)
            }
        };
        places.push((place(selection.anchor.0), place(selection.head.0)));
        if old != new {
            replacements.push(Replacement::new(range.start, range.end, new));
        }
    }
    placed(scope, replacements, &places)
}

fn in_case(text: &str, case: Case) -> String {
    match case {
        Case::Upper => text.to_uppercase(),
        Case::Lower => text.to_lowercase(),
        Case::Title => each_word(text, |word| capitalized(&word.to_lowercase())),
        Case::Snake => by_lines(text, |line| parts(line).join("_").to_lowercase()),
        Case::Kebab => by_lines(text, |line| parts(line).join("-").to_lowercase()),
        Case::Camel => by_lines(text, |line| {
            let parts = parts(line).into_iter().enumerate().map(|(index, part)| {
                let part = part.to_lowercase();
                if index == 0 { part } else { capitalized(&part) }
            });
            parts.collect()
        }),
    }
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn each_word(text: &str, change: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for char in text.chars() {
        if class_of(char) == CharClass::Word || (char == '\'' && !word.is_empty()) {
            word.push(char);
            continue;
        }
        out.push_str(&change(&std::mem::take(&mut word)));
        out.push(char);
    }
    out + &change(&word)
}

/// White space around each line stays.
fn by_lines(text: &str, change: impl Fn(&str) -> String) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let core = line.trim();
        let start = line.len() - line.trim_start().len();
        format!("{}{}{}", &line[..start], change(core), &line[start + core.len()..])
    });
    lines.collect()
}

/// The words that a name is made of.
fn parts(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut is_open = false;
    let chars: Vec<char> = name.chars().collect();
    for (index, char) in chars.iter().enumerate() {
        if !char.is_alphanumeric() {
            is_open = false;
            continue;
        }
        let before = index.checked_sub(1).map(|before| chars[before]);
        let behind = chars.get(index + 1);
        let begins_word = char.is_uppercase()
            && (before.is_some_and(|before| before.is_lowercase() || before.is_numeric())
                || before.is_some_and(char::is_uppercase)
                    && behind.is_some_and(|behind| behind.is_lowercase()));
        match parts.last_mut() {
            Some(last) if is_open && !begins_word => last.push(*char),
            _ => parts.push(char.to_string()),
        }
        is_open = true;
    }
    parts
}

/// Swaps the graphemes around each caret.
pub(crate) fn transpose(scope: &Scope<'_>) -> Outcome {
    let mut replacements = Vec::new();
    let mut places = Vec::new();
    for selection in scope.selections.all() {
        let place = Place::behind(selection.head.0);
        places.push((place, place));
        if !selection.is_empty() {
            continue;
        }
        let at = selection.head.0;
        let line = scope.line_of(at);
        let is_end = at == scope.line_end(line);
        let middle = if is_end { previous_grapheme(scope.rope, at) } else { at };
        let start = previous_grapheme(scope.rope, middle);
        let end = next_grapheme(scope.rope, middle);
        if middle <= scope.line_start(line) || end > scope.line_end(line) {
            continue;
        }
        let swapped = scope.text(middle..end) + &scope.text(start..middle);
        replacements.push(Replacement::new(start, end, swapped));
    }
    placed(scope, replacements, &places)
}
