//! Finding names by some of their letters.

use crate::limits::{FUZZY_NAME_CHARS_MAX, FUZZY_QUERY_CHARS_MAX};

/// Letters to look for, in their order. Words with spaces between are looked for one by one.
#[derive(Debug, Clone, Default)]
pub struct Fuzzy {
    words: Vec<Vec<char>>,
}

/// How well a name fits, and which of its characters were meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// Greater is better.
    pub score: i32,
    /// Characters of the name, ascending.
    pub positions: Vec<usize>,
}

const LETTER: i32 = 16;
const FOLLOWS: i32 = 18;
const BEGINS_WORD: i32 = 14;
const BEGINS_NAME: i32 = 10;
const SAME_CASE: i32 = 1;
const GAP: i32 = -2;
/// Letters in the last part of a path count more.
const IN_FILE_NAME: i32 = 6;

impl Fuzzy {
    /// Reads a query. What is longer than the limit is cut.
    pub fn new(query: &str) -> Self {
        let words = query.split_whitespace().map(|word| word.chars().take(FUZZY_QUERY_CHARS_MAX).collect());
        Self { words: words.take(FUZZY_QUERY_CHARS_MAX).collect() }
    }

    /// Whether everything fits.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// How well a name fits; `None` when it does not. Only the end of a very long name counts.
    pub fn matches(&self, name: &str) -> Option<Matched> {
        if !self.may_match(name) {
            return None;
        }
        let all: Vec<char> = name.chars().collect();
        let skipped = all.len().saturating_sub(FUZZY_NAME_CHARS_MAX);
        let chars = &all[skipped..];
        let mut matched = Matched { score: 0, positions: Vec::new() };
        for word in &self.words {
            let (score, positions) = best(word, chars)?;
            matched.score += score;
            matched.positions.extend(positions.into_iter().map(|at| at + skipped));
        }
        // Of equal ones the shorter.
        matched.score -= (chars.len() / 4) as i32;
        matched.positions.sort_unstable();
        matched.positions.dedup();
        Some(matched)
    }

    /// A quick look that rules most names out.
    fn may_match(&self, name: &str) -> bool {
        if name.is_ascii() && self.words.iter().flatten().all(char::is_ascii) {
            return self.words.iter().all(|word| {
                let mut bytes = name.bytes();
                word.iter().all(|letter| bytes.any(|byte| byte.eq_ignore_ascii_case(&(*letter as u8))))
            });
        }
        self.words.iter().all(|word| {
            let mut chars = name.chars();
            word.iter().all(|letter| chars.any(|char| is_same(*letter, char)))
        })
    }
}

fn is_same(letter: char, char: char) -> bool {
    letter == char
        || letter.eq_ignore_ascii_case(&char)
        || (!char.is_ascii() || !letter.is_ascii()) && letter.to_lowercase().eq(char.to_lowercase())
}

/// What a character of a name is worth when it is meant.
fn worth(chars: &[char], at: usize, file_name: usize) -> i32 {
    let char = chars[at];
    let before = at.checked_sub(1).map(|before| chars[before]);
    let begins_word = match before {
        None => true,
        Some(before) => {
            !before.is_alphanumeric() && char.is_alphanumeric()
                || before.is_lowercase() && char.is_uppercase()
        }
    };
    let mut worth = LETTER;
    if begins_word {
        worth += BEGINS_WORD;
    }
    if at == file_name {
        worth += BEGINS_NAME;
    }
    if at >= file_name { worth + IN_FILE_NAME } else { worth }
}

/// The best way to find letters in a name: for each letter the best score that ends at each character.
fn best(word: &[char], chars: &[char]) -> Option<(i32, Vec<usize>)> {
    const NEVER: i32 = i32::MIN / 2;
    let file_name = chars.iter().rposition(|char| matches!(char, '/' | '\\')).map_or(0, |at| at + 1);
    let count = chars.len();
    let mut scores = vec![NEVER; count];
    let mut from: Vec<Vec<usize>> = Vec::with_capacity(word.len());
    for (index, letter) in word.iter().enumerate() {
        let mut next = vec![NEVER; count];
        let mut came = vec![0; count];
        // The best way to the letter before that leaves a gap.
        let (mut far, mut far_at) = (NEVER, 0);
        for at in 0..count {
            if index > 0 && at >= 2 {
                far = far.saturating_add(GAP / 2).max(NEVER);
                if scores[at - 2] + GAP > far {
                    (far, far_at) = (scores[at - 2] + GAP, at - 2);
                }
            }
            if !is_same(*letter, chars[at]) {
                continue;
            }
            let own = worth(chars, at, file_name) + if *letter == chars[at] { SAME_CASE } else { 0 };
            let (mut score, mut source) = if index == 0 { (0, 0) } else { (far, far_at) };
            if index > 0 && at >= 1 && scores[at - 1] + FOLLOWS > score {
                (score, source) = (scores[at - 1] + FOLLOWS, at - 1);
            }
            if score > NEVER / 2 {
                (next[at], came[at]) = (score + own, source);
            }
        }
        scores = next;
        from.push(came);
    }
    let (mut at, score) = scores.iter().copied().enumerate().max_by_key(|(at, score)| (*score, *at))?;
    if score <= NEVER / 2 {
        return None;
    }
    let mut positions = Vec::with_capacity(word.len());
    for came in from.iter().rev() {
        positions.push(at);
        at = came[at];
    }
    positions.reverse();
    Some((score, positions))
}
