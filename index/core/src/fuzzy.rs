//! Finding names by some of their letters.

use crate::limits::{FUZZY_NAME_CHARS_MAX, FUZZY_QUERY_CHARS_MAX};

/// Letters to look for, in their order. Words with spaces between are looked for one by one.
#[derive(Debug, Clone, Default)]
pub struct Fuzzy {
    words: Vec<Vec<char>>,
    is_ascii: bool,
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
        Self { words: words.take(FUZZY_QUERY_CHARS_MAX).collect(), is_ascii: query.is_ascii() }
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
        let mut scratch = FuzzyScratch::default();
        let skipped = scratch.read(name);
        let count = scratch.chars.len();
        let mut matched = Matched { score: 0, positions: Vec::new() };
        for word in &self.words {
            let mut from = vec![0; word.len() * count];
            let (mut at, score) =
                scratch.walk(word, |index, at, source| from[index * count + at] = source)?;
            matched.score += score;
            for index in (0..word.len()).rev() {
                matched.positions.push(at + skipped);
                at = from[index * count + at];
            }
        }
        // Of equal ones the shorter.
        matched.score -= (count / 4) as i32;
        matched.positions.sort_unstable();
        matched.positions.dedup();
        Some(matched)
    }

    /// How well a name fits, as [`Fuzzy::matches`] says, without where: for one of many names.
    pub fn score(&self, name: &str, scratch: &mut FuzzyScratch) -> Option<i32> {
        if !self.may_match(name) {
            return None;
        }
        scratch.read(name);
        let mut score = 0;
        for word in &self.words {
            score += scratch.walk(word, |_, _, _| {})?.1;
        }
        Some(score - (scratch.chars.len() / 4) as i32)
    }

    /// A quick look that rules most names out.
    fn may_match(&self, name: &str) -> bool {
        if self.is_ascii && name.is_ascii() {
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

/// What is needed besides the names while many of them are looked at.
#[derive(Debug, Default)]
pub struct FuzzyScratch {
    chars: Vec<char>,
    /// The same with small letters for the capital ones of ASCII.
    folded: Vec<char>,
    /// Where the last part of a path begins.
    file_name: usize,
    scores: Vec<i32>,
    next: Vec<i32>,
}

const NEVER: i32 = i32::MIN / 2;

impl FuzzyScratch {
    /// Takes a name in; how many of its characters do not count.
    fn read(&mut self, name: &str) -> usize {
        self.chars.clear();
        self.chars.extend(name.chars());
        let skipped = self.chars.len().saturating_sub(FUZZY_NAME_CHARS_MAX);
        self.chars.drain(..skipped);
        let chars = &self.chars;
        self.file_name = chars.iter().rposition(|char| matches!(char, '/' | '\\')).map_or(0, |at| at + 1);
        self.folded.clear();
        self.folded.extend(chars.iter().map(char::to_ascii_lowercase));
        skipped
    }

    /// Walks the letters of a word along the name: for each letter the best score that ends at each character, told
    /// where the letter before it stood. The best of all, and where it ends.
    fn walk(&mut self, word: &[char], mut came: impl FnMut(usize, usize, usize)) -> Option<(usize, i32)> {
        let count = self.chars.len();
        self.scores.clear();
        self.scores.resize(count, NEVER);
        for (index, letter) in word.iter().enumerate() {
            let folded = letter.to_ascii_lowercase();
            self.next.clear();
            self.next.resize(count, NEVER);
            // The best way to the letter before that leaves a gap.
            let (mut far, mut far_at) = (NEVER, 0);
            // The letters before it need as many characters.
            for at in 0..count {
                if index > 0 && at >= 2 {
                    far = far.saturating_add(GAP / 2).max(NEVER);
                    if self.scores[at - 2] + GAP > far {
                        (far, far_at) = (self.scores[at - 2] + GAP, at - 2);
                    }
                }
                let (char, there) = (self.chars[at], self.folded[at]);
                let is_meant =
                    folded == there || !(folded.is_ascii() && there.is_ascii()) && is_same(*letter, char);
                if !is_meant {
                    continue;
                }
                // Most characters are not meant: what one is worth is looked at only here.
                let worth = worth(&self.chars, at, self.file_name);
                let own = worth + if *letter == char { SAME_CASE } else { 0 };
                let (mut score, mut source) = if index == 0 { (0, 0) } else { (far, far_at) };
                if index > 0 && at >= 1 && self.scores[at - 1] + FOLLOWS > score {
                    (score, source) = (self.scores[at - 1] + FOLLOWS, at - 1);
                }
                if score > NEVER / 2 {
                    self.next[at] = score + own;
                    came(index, at, source);
                }
            }
            std::mem::swap(&mut self.scores, &mut self.next);
        }
        let best = self.scores.iter().copied().enumerate().max_by_key(|(at, score)| (*score, *at))?;
        (best.1 > NEVER / 2).then_some(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_without_places_is_the_same() {
        let names =
            ["src/main.rs", "TextDocument", "Größe_der_Ships", "a", "", "xxMainMain", "src\\Main\\m.rs"];
        let mut scratch = FuzzyScratch::default();
        for query in ["main", "TD", "gs", "m m", "ß", "", "srs", "nothing"] {
            let fuzzy = Fuzzy::new(query);
            for name in names {
                let whole = fuzzy.matches(name);
                assert_eq!(
                    fuzzy.score(name, &mut scratch),
                    whole.as_ref().map(|found| found.score),
                    "{query} {name}"
                );
                let positions = whole.map(|found| found.positions).unwrap_or_default();
                assert!(
                    positions.iter().all(|at| *at < name.chars().count()),
                    "{query} {name} {positions:?}"
                );
            }
        }
    }
}
