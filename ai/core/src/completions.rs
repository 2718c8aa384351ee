//! Completions that were made, for whoever types what was foretold.
//!
//! A completion is remembered with the text before and behind its place. When the person then types what it begins with, the
//! rest of it is given without asking a model; the same when they go back.

use std::collections::VecDeque;

use crate::limits::{COMPLETION_LOOK_BYTES, COMPLETIONS_MAX};

#[derive(Debug, Clone, PartialEq, Eq)]
struct Made {
    /// The model, and what was wanted.
    kind: String,
    file: String,
    /// The end of the text before the place.
    before: String,
    /// The beginning of the text behind it.
    behind: String,
    text: String,
}

/// The completions that were made last.
#[derive(Debug, Default)]
pub struct Completions {
    made: VecDeque<Made>,
}

impl Completions {
    /// Remembers a completion of `file` between `prefix` and `suffix`; `kind` tells apart what models and wishes give.
    pub fn put(&mut self, kind: &str, file: &str, prefix: &str, suffix: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        let made = Made {
            kind: kind.to_owned(),
            file: file.to_owned(),
            before: end_of(prefix).to_owned(),
            behind: beginning_of(suffix).to_owned(),
            text: text.to_owned(),
        };
        self.made.retain(|other| {
            (&other.kind, &other.file, &other.before, &other.behind)
                != (&made.kind, &made.file, &made.before, &made.behind)
        });
        if self.made.len() == COMPLETIONS_MAX {
            self.made.pop_front();
        }
        self.made.push_back(made);
    }

    /// What a completion that was made foretells here, the newest first; never empty.
    #[must_use]
    pub fn get(&self, kind: &str, file: &str, prefix: &str, suffix: &str) -> Option<&str> {
        let behind = beginning_of(suffix);
        let fitting = self
            .made
            .iter()
            .rev()
            .filter(|made| made.kind == kind && made.file == file && made.behind == behind);
        fitting.into_iter().find_map(|made| rest(made, prefix))
    }
}

/// What is left of a completion where a part of it was typed.
fn rest<'made>(made: &'made Made, prefix: &str) -> Option<&'made str> {
    let cuts = made.text.char_indices().map(|(at, _)| at);
    let typed = cuts.into_iter().find(|typed| {
        let Some(before) = prefix.strip_suffix(&made.text[..*typed]) else { return false };
        // The texts are cut to the same length, unless the file begins within it.
        end_of(before) == made.before
    });
    typed.map(|typed| &made.text[typed..])
}

fn end_of(text: &str) -> &str {
    let mut start = text.len().saturating_sub(COMPLETION_LOOK_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

fn beginning_of(text: &str) -> &str {
    let mut end = text.len().min(COMPLETION_LOOK_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_what_was_foretold_needs_no_model() {
        let mut completions = Completions::default();
        completions.put("m", "a.rs", "let x = ", "\n", "f(ä, b);");
        let get = |prefix: &str, suffix: &str| completions.get("m", "a.rs", prefix, suffix);
        assert_eq!(get("let x = ", "\n"), Some("f(ä, b);"));
        assert_eq!(get("let x = f(ä", "\n"), Some(", b);"));
        assert_eq!(get("let x = f(ä, b);", "\n"), None, "nothing is left of it");
        assert_eq!(get("let x = g", "\n"), None);
        assert_eq!(get("let x = f(ä", ")\n"), None);
        assert_eq!(completions.get("other", "a.rs", "let x = ", "\n"), None);
        assert_eq!(completions.get("m", "b.rs", "let x = ", "\n"), None);
    }

    #[test]
    fn the_newest_counts_and_the_oldest_goes() {
        let mut completions = Completions::default();
        completions.put("m", "f", "a", "", "old");
        completions.put("m", "f", "a", "", "new");
        assert_eq!(completions.get("m", "f", "a", ""), Some("new"));
        for number in 0..COMPLETIONS_MAX {
            completions.put("m", "f", &format!("b{number} "), "", "x");
        }
        assert_eq!(completions.made.len(), COMPLETIONS_MAX);
        assert_eq!(completions.get("m", "f", "a", ""), None);
    }

    #[test]
    fn only_what_stands_near_counts() {
        let mut completions = Completions::default();
        let near = "n".repeat(COMPLETION_LOOK_BYTES);
        completions.put("m", "f", &format!("one{near}"), &near, "x");
        assert_eq!(completions.get("m", "f", &format!("two{near}"), &format!("{near}three")), Some("x"));
        assert_eq!(completions.get("m", "f", &near[1..], &near), None);
    }
}
