//! What tests share: random texts and changes under a seed that is printed when a test fails.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::text::{ChangeSet, Replacement};

/// Runs a test under several seeds. The seed of a run that fails is printed.
pub(crate) fn under_seeds(count: u64, mut test: impl FnMut(&mut ChaCha8Rng)) {
    struct Shown(u64);
    impl Drop for Shown {
        fn drop(&mut self) {
            if std::thread::panicking() {
                println!("SEED={}", self.0);
            }
        }
    }
    for seed in 0..count {
        let _shown = Shown(seed);
        test(&mut ChaCha8Rng::seed_from_u64(seed));
    }
}

/// Pieces that texts go wrong on.
const PIECES: &[&str] = &[
    "a",
    "b",
    "word",
    "_x1",
    " ",
    "  ",
    "\t",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "`",
    "//",
    "/*",
    "*/",
    "#",
    ":",
    ";",
    "=",
    "é",
    "e\u{301}",
    "日本",
    "🦀",
    "👩‍👩‍👧",
    "🇩🇪",
    "\u{200d}",
    "\u{feff}",
    "\u{202e}",
    "\0",
    "ß",
    "İ",
    "\u{1f}",
    "<a>",
    "fn f() {\n",
    "end\n",
    "- x\n",
    "1",
];

/// A random text of up to so many pieces.
pub(crate) fn text(rng: &mut ChaCha8Rng, pieces_max: usize) -> String {
    let count = rng.random_range(0..=pieces_max);
    (0..count).map(|_| PIECES[rng.random_range(0..PIECES.len())]).collect()
}

/// A random change of a text of this length.
pub(crate) fn change(rng: &mut ChaCha8Rng, length: usize) -> ChangeSet {
    let count = rng.random_range(0..4);
    let replacements = (0..count).map(|_| {
        let start = rng.random_range(0..=length);
        let end = if rng.random_bool(0.5) { start } else { rng.random_range(start..=length.min(start + 6)) };
        Replacement::new(start, end, text(rng, 3))
    });
    ChangeSet::from_replacements(replacements.collect::<Vec<_>>())
}
