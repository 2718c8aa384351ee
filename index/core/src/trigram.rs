//! Three bytes that follow each other.
//!
//! Looking up regular expressions by trigrams is after Russ Cox, "Regular Expression Matching with a Trigram Index"
//! (2012). Unlike there, trigrams keep the case of letters: names in code are told apart by it, and what is looked for in
//! any case asks for all the ways to write it.

use std::fmt;

/// Three bytes, the first in the highest place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trigram(pub u32);

impl Trigram {
    /// Those of three bytes.
    #[must_use]
    pub fn of(bytes: [u8; 3]) -> Self {
        Self(u32::from(bytes[0]) << 16 | u32::from(bytes[1]) << 8 | u32::from(bytes[2]))
    }
}

impl fmt::Debug for Trigram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, bytes @ ..] = self.0.to_be_bytes();
        write!(f, "Trigram({})", bytes.escape_ascii())
    }
}

/// Trigrams that there can be.
const ALL: usize = 1 << 24;

/// Finds which trigrams a text has. Holds 2 MiB that are used again for each text.
pub struct Extractor {
    seen: Vec<u64>,
    found: Vec<Trigram>,
}

impl Default for Extractor {
    fn default() -> Self {
        Self { seen: vec![0; ALL / 64], found: Vec::new() }
    }
}

impl Extractor {
    /// The trigrams of a text, each once, in no particular order. None goes over the end of a line: nothing is looked for
    /// across lines.
    pub fn extract(&mut self, text: &[u8]) -> &[Trigram] {
        for trigram in self.found.drain(..) {
            self.seen[trigram.0 as usize / 64] = 0;
        }
        let (mut last, mut in_line) = (0_u32, 0_u32);
        for byte in text {
            if *byte == b'\n' {
                in_line = 0;
                continue;
            }
            last = (last << 8 | u32::from(*byte)) & 0x00ff_ffff;
            in_line += 1;
            if in_line < 3 {
                continue;
            }
            let (word, bit) = (last as usize / 64, 1_u64 << (last % 64));
            if self.seen[word] & bit == 0 {
                self.seen[word] |= bit;
                self.found.push(Trigram(last));
            }
        }
        &self.found
    }

    /// The same, ascending.
    pub fn sorted(&mut self, text: &[u8]) -> Vec<Trigram> {
        let mut trigrams = self.extract(text).to_vec();
        trigrams.sort_unstable();
        trigrams
    }
}
