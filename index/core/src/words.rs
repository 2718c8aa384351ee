//! Words of texts and of names: which chunks have those of a question, in any order and form.

use std::collections::BTreeMap;

use crate::limits::{CHUNK_WORDS_MAX, QUESTION_WORDS_MAX};
use crate::varint;

/// Words that say nothing about what a text is about.
const STOP_WORDS: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "do", "does", "for", "from",
    "has", "have", "how", "if", "in", "into", "is", "it", "its", "may", "must", "no", "not", "of", "on",
    "or", "our", "so", "some", "such", "than", "that", "the", "their", "them", "then", "there", "these",
    "they", "this", "those", "to", "was", "we", "were", "what", "when", "where", "which", "while", "who",
    "why", "will", "with", "would", "you", "your", "i",
];

/// A word, as a number of 24 bits: two words share one in one of ten thousand cases.
type Word = u32;

/// How often a word may count in one chunk.
const TIMES_MAX: u32 = 3;

/// The parts of a name: `TextDocument_at2` is text, Document, at2.
pub(crate) fn parts(name: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for word in name.split(|char: char| !char.is_alphanumeric()) {
        let mut start = 0;
        let chars: Vec<(usize, char)> = word.char_indices().collect();
        for pair in 1..chars.len() {
            let (before, (at, now)) = (chars[pair - 1].1, chars[pair]);
            let begins_after = chars.get(pair + 1).is_some_and(|(_, next)| next.is_lowercase());
            if now.is_uppercase() && (before.is_lowercase() || begins_after) {
                parts.push(&word[start..at]);
                start = at;
            }
        }
        parts.push(&word[start..]);
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The form of a word that is counted: small letters, without the ends that grammar adds.
fn stem(word: &str) -> String {
    let mut stem = word.to_lowercase();
    if !stem.is_ascii() {
        return stem;
    }
    for (end, instead) in
        [("ies", "y"), ("sses", "ss"), ("ing", ""), ("edly", ""), ("ed", ""), ("ly", ""), ("s", "")]
    {
        let rest = stem.len().saturating_sub(end.len());
        if stem.ends_with(end) && rest >= 3 && !(end == "s" && stem.ends_with("ss")) {
            stem.truncate(rest);
            stem.push_str(instead);
            break;
        }
    }
    // removing, removed and remove; stopping and stop.
    let is_longer = stem.len() > 3;
    let is_doubled = |before: u8, last: u8| before == last && !b"aeiouls".contains(&last);
    if matches!(stem.as_bytes(), [.., before, last] if is_longer && (*last == b'e' || is_doubled(*before, *last)))
    {
        stem.pop();
    }
    stem
}

fn number(stem: &str) -> Word {
    // FNV-1a, folded to 24 bits.
    let hash =
        stem.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash >> 24) ^ (hash & 0x00ff_ffff)
}

/// The words of a text with how often each stands there; parts of names and whole names.
fn counted(text: &str) -> BTreeMap<Word, u32> {
    let mut counted: BTreeMap<Word, u32> = BTreeMap::new();
    let mut add = |word: &str| {
        if word.len() >= 2 && !STOP_WORDS.contains(&word.to_lowercase().as_str()) {
            *counted.entry(number(&stem(word))).or_default() += 1;
        }
    };
    for name in text.split(|char: char| !char.is_alphanumeric() && char != '_') {
        let parts = parts(name);
        parts.iter().for_each(|part| add(part));
        if parts.len() > 1 {
            add(&name.replace('_', ""));
        }
    }
    counted
}

/// The words of a chunk, as they are kept: ascending differences with how often.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChunkWords(Box<[u8]>);

impl ChunkWords {
    /// Reads the words of a chunk, as many as are kept: those that stand there most often, and of equal ones any.
    #[must_use]
    pub fn of(name: &str, text: &str) -> Self {
        let mut words = counted(text);
        // What it is called says most.
        for (word, _) in counted(name) {
            *words.entry(word).or_default() += TIMES_MAX;
        }
        let mut words: Vec<(Word, u32)> = words.into_iter().collect();
        if words.len() > CHUNK_WORDS_MAX {
            words.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
            words.truncate(CHUNK_WORDS_MAX);
            words.sort_unstable();
        }
        let mut bytes = Vec::with_capacity(words.len() * 4);
        let mut last = 0;
        for (word, times) in words {
            varint::write(&mut bytes, ((word - last) << 2) | times.min(TIMES_MAX));
            last = word;
        }
        Self(bytes.into())
    }

    /// What was kept.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// What is to be kept.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The words with how often they count; it ends where the bytes make no sense.
    fn iter(&self) -> impl Iterator<Item = (Word, u32)> {
        let (mut rest, mut last) = (&*self.0, 0_u32);
        std::iter::from_fn(move || {
            let read = varint::read(&mut rest)?;
            last = last.checked_add(read >> 2).filter(|word| *word < 1 << 24)?;
            Some((last, (read & 3).max(1)))
        })
        .take(CHUNK_WORDS_MAX)
    }
}

/// Chunks by their words. A chunk is a number that its owner gives.
#[derive(Default)]
pub struct WordIndex {
    /// For each word the chunks with it, ascending, and how often, as `chunk << 2 | times`.
    lists: BTreeMap<Word, Vec<u32>>,
    /// Words of each chunk, with how often; 0 where there is no chunk.
    lengths: Vec<u16>,
    chunks: usize,
    words: u64,
}

impl WordIndex {
    /// Takes the words of a chunk in that has none yet.
    pub fn add(&mut self, chunk: u32, words: &ChunkWords) {
        let at = chunk as usize;
        if self.lengths.len() <= at {
            self.lengths.resize(at + 1, 0);
        }
        let mut length = 0;
        for (word, times) in words.iter() {
            let list = self.lists.entry(word).or_default();
            match list.last() {
                Some(last) if last >> 2 >= chunk => {
                    let place = list.partition_point(|other| other >> 2 < chunk);
                    list.insert(place, chunk << 2 | times);
                }
                _ => list.push(chunk << 2 | times),
            }
            length += times;
        }
        if length > 0 {
            self.lengths[at] = u16::try_from(length).unwrap_or(u16::MAX);
            self.chunks += 1;
            self.words += u64::from(self.lengths[at]);
        }
    }

    /// A chunk is gone.
    pub fn remove(&mut self, chunk: u32, words: &ChunkWords) {
        let Some(length) = self.lengths.get_mut(chunk as usize).filter(|length| **length > 0) else { return };
        self.words -= u64::from(std::mem::take(length));
        self.chunks -= 1;
        for (word, _) in words.iter() {
            if let Some(list) = self.lists.get_mut(&word) {
                let place = list.partition_point(|other| other >> 2 < chunk);
                if list.get(place).is_some_and(|found| found >> 2 == chunk) {
                    list.remove(place);
                }
                if list.is_empty() {
                    self.lists.remove(&word);
                }
            }
        }
    }

    /// The chunks that have the words of a question, the best first, at most so many, with how well they fit.
    ///
    /// The measure is BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009) with
    /// k1 = 1.2 and b = 0.5: chunks are of about one length, so that being long says little.
    #[must_use]
    pub fn find(&self, question: &str, most: usize, is_wanted: &dyn Fn(u32) -> bool) -> Vec<(u32, f64)> {
        const K1: f64 = 1.2;
        const B: f64 = 0.5;
        let mean = self.words as f64 / self.chunks.max(1) as f64;
        let mut scores = vec![0.0_f64; self.lengths.len()];
        let mut touched: Vec<u32> = Vec::new();
        // Of a long question its beginning.
        let begin: Vec<&str> = question.split_whitespace().take(QUESTION_WORDS_MAX).collect();
        for word in counted(&begin.join(" ")).into_keys().take(QUESTION_WORDS_MAX) {
            let Some(list) = self.lists.get(&word) else { continue };
            let (have, all) = (list.len() as f64, self.chunks as f64);
            let rare = (1.0 + (all - have + 0.5) / (have + 0.5)).ln();
            for entry in list {
                let (chunk, times) = (entry >> 2, f64::from(entry & 3));
                let length = f64::from(self.lengths[chunk as usize]);
                let score = &mut scores[chunk as usize];
                if *score == 0.0 {
                    touched.push(chunk);
                }
                *score += rare * times * (K1 + 1.0) / (times + K1 * (1.0 - B + B * length / mean));
            }
        }
        let mut found: Vec<(u32, f64)> = touched
            .into_iter()
            .filter(|chunk| is_wanted(*chunk))
            .map(|chunk| (chunk, scores[chunk as usize]))
            .collect();
        let order = |a: &(u32, f64), b: &(u32, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if found.len() > most && most > 0 {
            found.select_nth_unstable_by(most - 1, order);
        }
        found.truncate(most);
        found.sort_unstable_by(order);
        found
    }
}

/// How many words a question has that say something.
#[must_use]
pub fn telling_words(question: &str) -> usize {
    let says = |word: &&str| word.len() >= 2 && !STOP_WORDS.contains(&word.to_lowercase().as_str());
    question.split(|char: char| !char.is_alphanumeric() && char != '_').filter(says).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        for (name, expected) in [
            ("TextDocument_at2", &["Text", "Document", "at2"][..]),
            ("HTTPServer", &["HTTP", "Server"]),
            ("größeÄndern", &["größe", "Ändern"]),
            ("__init__", &["init"]),
            ("", &[]),
        ] {
            assert_eq!(parts(name), expected, "{name}");
        }
    }

    #[test]
    fn forms_of_a_word_are_one() {
        for forms in
            [&["remove", "removes", "removed", "removing"][..], &["entry", "entries"], &["stop", "stopping"]]
        {
            let first = stem(forms[0]);
            assert!(forms.iter().all(|form| stem(form) == first), "{forms:?} {first}");
        }
        assert_ne!(stem("class"), stem("clas"));
        assert_eq!(stem("ÄPFEL"), "äpfel");
    }

    #[test]
    fn chunks_are_found_by_words_in_any_form_and_order() {
        let texts = [
            ("removeEntry", "fn remove_entry(map: Map) { map.delete() }"),
            ("insert", "fn insert(map: Map, entry: Entry) {}"),
            ("render", "fn render(page: Page) -> Html {}"),
        ];
        let mut index = WordIndex::default();
        let words: Vec<ChunkWords> = texts.iter().map(|(name, text)| ChunkWords::of(name, text)).collect();
        for (chunk, words) in (0..).zip(&words) {
            index.add(chunk, words);
        }
        let found = |index: &WordIndex, question: &str| -> Vec<u32> {
            index.find(question, 10, &|_| true).into_iter().map(|(chunk, _)| chunk).collect()
        };
        assert_eq!(found(&index, "how are entries removed from the map?"), [0, 1]);
        assert_eq!(found(&index, "pages"), [2]);
        assert_eq!(found(&index, "the of and"), [0_u32; 0]);
        assert_eq!(index.find("map", 1, &|chunk| chunk != 0).first().map(|(chunk, _)| *chunk), Some(1));
        index.remove(0, &words[0]);
        index.remove(0, &words[0]);
        assert_eq!(found(&index, "removed entries"), [1]);
        index.add(0, &words[0]);
        assert_eq!(found(&index, "how are entries removed from the map?"), [0, 1], "a number is used again");
        [0, 1, 2].into_iter().for_each(|chunk| index.remove(chunk, &words[chunk as usize]));
        assert!(index.lists.is_empty() && index.words == 0);
    }

    #[test]
    fn words_have_limits_and_survive_being_kept() {
        let text: String = (0..CHUNK_WORDS_MAX * 2).map(|number| format!("word{number} ")).collect();
        let words = ChunkWords::of("name", &text);
        assert_eq!(words.iter().count(), CHUNK_WORDS_MAX);
        assert_eq!(ChunkWords::of_bytes(words.bytes()), words);
        // Bytes that no version of this program wrote.
        for bytes in [&[0xff; 40][..], &[0x80], &[1, 2, 3, 0xff, 0xff, 0xff, 0xff, 0xff]] {
            let mut index = WordIndex::default();
            index.add(7, &ChunkWords::of_bytes(bytes));
            index.remove(7, &ChunkWords::of_bytes(bytes));
        }
        let long: String = (0..QUESTION_WORDS_MAX * 4).map(|number| format!("word{number} ")).collect();
        let mut index = WordIndex::default();
        index.add(0, &words);
        assert_eq!(index.find(&long, 5, &|_| true).len(), 1);
        assert_eq!(telling_words("how is the map made?"), 2);
    }
}
