//! Words that people typed: which of them have to be there in the end.

use std::collections::{BTreeMap, BTreeSet};

use weft_sync::ids::LogId;

/// What many files begin with. It must never be seen outside of a device, and no word either.
pub(super) const CANARY: &str = "plain-word-";
/// What every file name begins with. It must never be seen outside of a device either.
pub(super) const NAME_CANARY: &str = "plain-name-";

/// One word.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// Who typed it.
    pub(super) device: usize,
    /// Where its entry lies at the latest, once it was acknowledged.
    pub(super) acknowledged: Option<(LogId, u64)>,
    /// Whether somebody who saw it took it out, or it may be lost with a disk.
    pub(super) released: Option<&'static str>,
}

/// All words.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    all: BTreeMap<u64, Token>,
    next: u64,
}

impl Tokens {
    /// The words that were typed last.
    pub(super) fn last(&self) -> impl Iterator<Item = String> + '_ {
        (self.next.saturating_sub(1)..=self.next).map(word)
    }

    /// A new word, and its name.
    pub(super) fn make(&mut self, device: usize) -> (u64, String) {
        self.next += 1;
        self.all.insert(self.next, Token { device, acknowledged: None, released: None });
        (self.next, word(self.next))
    }

    pub(super) fn acknowledge(&mut self, token: u64, log: LogId, seq: u64) {
        if let Some(token) = self.all.get_mut(&token) {
            token.acknowledged.get_or_insert((log, seq));
        }
    }

    pub(super) fn release(&mut self, token: u64, why: &'static str) {
        if let Some(token) = self.all.get_mut(&token) {
            token.released.get_or_insert(why);
        }
    }

    /// Releases every word that stands in `before` and not in `after`.
    pub(super) fn taken_out(&mut self, before: &[u8], after: &[u8], why: &'static str) {
        let kept = tokens_in(after);
        for token in tokens_in(before) {
            if !kept.contains(&token) {
                self.release(token, why);
            }
        }
    }

    /// The words that must be there.
    pub(super) fn expected(&self) -> impl Iterator<Item = (u64, &Token)> {
        self.all
            .iter()
            .filter(|(_, token)| token.acknowledged.is_some() && token.released.is_none())
            .map(|(name, token)| (*name, token))
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.all.values().filter(|token| token.acknowledged.is_some()).count()
    }

    pub(super) fn is_by(&self, token: u64, device: usize) -> bool {
        self.all.get(&token).is_some_and(|token| token.device == device)
    }

    /// Nothing is expected of what this device has not stored by now.
    pub(super) fn release_unacknowledged(&mut self, device: usize) {
        for token in self.all.values_mut().filter(|token| token.device == device) {
            if token.acknowledged.is_none() {
                token.released.get_or_insert("written by somebody who was put out");
            }
        }
    }

    /// Words of a device that were acknowledged, with where they lie.
    pub(super) fn of_device(&self, device: usize) -> Vec<(u64, LogId, u64)> {
        let of = self.all.iter().filter(|(_, token)| token.device == device);
        of.filter_map(|(name, token)| token.acknowledged.map(|(log, seq)| (*name, log, seq))).collect()
    }
}

/// Letters that depend on the number and have little in common with those of others: an edit of
/// one word must not keep characters of another.
fn letters(number: u64) -> String {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995_1b87_3593;
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((state >> 33) % 26).expect("one of 26"))
    };
    (0..8).map(letter).collect()
}

fn word(number: u64) -> String {
    format!("{}{number:06};", letters(number))
}

/// The words in a text.
pub(super) fn tokens_in(bytes: &[u8]) -> BTreeSet<u64> {
    all_tokens(bytes).collect()
}

/// How many words there are in a text, those that stand twice counted twice.
pub(super) fn count_tokens(bytes: &[u8]) -> usize {
    all_tokens(bytes).count()
}

fn all_tokens(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let ends = bytes.iter().enumerate().filter(|(end, byte)| **byte == b';' && *end >= 14);
    ends.filter_map(|(end, _)| {
        let number = std::str::from_utf8(&bytes[end - 6..end]).ok()?.parse::<u64>().ok()?;
        (letters(number).as_bytes() == &bytes[end - 14..end - 6]).then_some(number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole_only() {
        let mut tokens = Tokens::default();
        let (one, text_one) = tokens.make(0);
        let (two, text_two) = tokens.make(0);
        let text = format!("a{text_one}b{text_two}c{CANARY}0000;");
        assert_eq!(tokens_in(text.as_bytes()), [one, two].into());
        assert_eq!(tokens_in(&text.as_bytes()[..15]), [].into());
        assert_eq!(tokens_in(&text.as_bytes()[2..16]), [].into());
    }
}
