//! Edits as people make them.

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::document::Edit;
use crate::ids::CharIndex;

/// What people type, and what is hard to get right: wide characters, combining ones, clusters, control characters.
const PIECES: [&str; 16] = [
    "a",
    "b",
    "the ",
    "\n",
    "\r\n",
    "\0",
    "é",
    "e\u{301}",
    "漢字",
    "🙂",
    "👩\u{200d}👩\u{200d}👧",
    "🇦🇹",
    "\u{202e}",
    "ß",
    "    ",
    "x",
];

/// Where and how a history is edited.
pub(super) struct Typist {
    /// A place that everybody likes.
    hot: usize,
}

impl Typist {
    pub(super) fn new(random: &mut ChaCha8Rng) -> Self {
        Self { hot: random.random_range(0..12) }
    }

    /// The edits of one change on a text of `length` characters.
    pub(super) fn edits(&self, random: &mut ChaCha8Rng, length: usize) -> Vec<Edit> {
        let mut length = length;
        let mut edits = Vec::new();
        match random.random_range(0..10) {
            0..4 => self.burst(random, &mut length, &mut edits),
            4 => self.backspaces(random, &mut length, &mut edits),
            5 => {
                for _ in 0..random.random_range(2..5) {
                    self.replace(random, &mut length, &mut edits, 3, 3);
                }
            }
            6 => self.replace(random, &mut length, &mut edits, 12, 0),
            7 => self.replace(random, &mut length, &mut edits, 0, 40),
            _ => self.replace(random, &mut length, &mut edits, 4, 4),
        }
        edits
    }

    fn place(&self, random: &mut ChaCha8Rng, length: usize) -> usize {
        match random.random_range(0..5) {
            0 => 0,
            1 | 2 => self.hot.min(length),
            _ => random.random_range(0..=length),
        }
    }

    /// Character after character, as one change.
    fn burst(&self, random: &mut ChaCha8Rng, length: &mut usize, edits: &mut Vec<Edit>) {
        let mut at = self.place(random, *length);
        for _ in 0..random.random_range(1..6) {
            let insert = text(random, 1);
            let typed = insert.chars().count();
            edits.push(Edit { at: CharIndex(at), delete: 0, insert });
            at += typed;
            *length += typed;
        }
    }

    fn backspaces(&self, random: &mut ChaCha8Rng, length: &mut usize, edits: &mut Vec<Edit>) {
        let at = self.place(random, *length);
        for step in 1..=random.random_range(1..6).min(at) {
            edits.push(Edit { at: CharIndex(at - step), delete: 1, insert: String::new() });
            *length -= 1;
        }
    }

    fn replace(
        &self,
        random: &mut ChaCha8Rng,
        length: &mut usize,
        edits: &mut Vec<Edit>,
        delete_max: usize,
        insert_max: usize,
    ) {
        let at = self.place(random, *length);
        let delete = random.random_range(0..=delete_max).min(*length - at);
        let pieces = random.random_range(0..=insert_max);
        let insert = text(random, pieces);
        *length = *length - delete + insert.chars().count();
        edits.push(Edit { at: CharIndex(at), delete, insert });
    }
}

/// Text of so many pieces.
pub(super) fn text(random: &mut ChaCha8Rng, pieces: usize) -> String {
    (0..pieces).filter_map(|_| PIECES.choose(random)).copied().collect()
}
