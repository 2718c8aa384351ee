//! What a query is, and how what several ways have found becomes one list.

use std::collections::BTreeMap;

use crate::words::telling_words;

/// What a query is, by its looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryKind {
    /// One name, or the beginning of one: what is defined counts most.
    Name,
    /// Several words: what it is about counts.
    Question,
    /// Something with signs in it, as it stands in code.
    Text,
}

impl QueryKind {
    /// Says what a query is.
    #[must_use]
    pub fn of(query: &str) -> Self {
        let query = query.trim();
        let is_part = |char: char| char.is_alphanumeric() || char == '_';
        if !query.is_empty() && query.split("::").all(|part| !part.is_empty() && part.chars().all(is_part)) {
            return Self::Name;
        }
        let is_said =
            |char: char| char.is_alphanumeric() || char.is_whitespace() || "?.,'’-_!\"".contains(char);
        if query.chars().all(is_said) && telling_words(query) >= 2 { Self::Question } else { Self::Text }
    }
}

/// What words are worth beside meaning, where both have found something. Chosen on one half of the set that
/// `./dev bench meaning` makes of documented functions, and measured on the other.
pub const WORDS_WORTH: f64 = 0.5;

/// Brings what words and what meaning have found into one order. Scores of words are taken as parts of the best one, as
/// they have no end; those of meaning as they are. What only one of them has found counts as if the other had given it
/// the least that it gave to anything.
#[must_use]
pub fn combined(words: &[(u32, f64)], meaning: &[(u32, f32)], worth: f64, most: usize) -> Vec<(u32, f64)> {
    let best = words.first().map_or(1.0, |(_, score)| score.max(f64::MIN_POSITIVE));
    let least_of_words = words.last().map_or(0.0, |(_, score)| score / best);
    let least_of_meaning = meaning.last().map_or(0.0, |(_, score)| f64::from(*score));
    let mut all: BTreeMap<u32, (Option<f64>, Option<f64>)> = BTreeMap::new();
    for (chunk, score) in words {
        all.entry(*chunk).or_default().0 = Some(score / best);
    }
    for (chunk, score) in meaning {
        all.entry(*chunk).or_default().1 = Some(f64::from(*score));
    }
    let mut all: Vec<(u32, f64)> = all
        .into_iter()
        .map(|(chunk, (words, meaning))| {
            let words = words.unwrap_or(least_of_words);
            (chunk, meaning.unwrap_or(least_of_meaning) + worth * words)
        })
        .collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.truncate(most);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_told_apart() {
        for (query, expected) in [
            ("ship", QueryKind::Name),
            ("TextDocument::new", QueryKind::Name),
            ("größe", QueryKind::Name),
            ("where are ships built?", QueryKind::Question),
            ("remove entry", QueryKind::Question),
            ("the ship", QueryKind::Text),
            ("fn new(", QueryKind::Text),
            ("a.b()", QueryKind::Text),
            ("::", QueryKind::Text),
            ("", QueryKind::Text),
        ] {
            assert_eq!(QueryKind::of(query), expected, "{query:?}");
        }
    }

    #[test]
    fn what_both_have_found_comes_first() {
        let words = [(1, 8.0), (2, 6.0), (3, 1.0)];
        let meaning = [(4, 0.6), (2, 0.55), (5, 0.1)];
        let order = |words: &[_], meaning: &[_]| -> Vec<u32> {
            combined(words, meaning, WORDS_WORTH, 9).into_iter().map(|(chunk, _)| chunk).collect()
        };
        assert_eq!(order(&words, &meaning)[0], 2);
        assert_eq!(order(&words, &[]), [1, 2, 3], "without a model words decide");
        assert_eq!(order(&[], &meaning), [4, 2, 5]);
        assert_eq!(combined(&words, &meaning, WORDS_WORTH, 1).len(), 1);
        assert!(combined(&[], &[], WORDS_WORTH, 9).is_empty());
    }
}
