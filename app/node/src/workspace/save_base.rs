//! Which version a save was made from.
//!
//! A program that loaded a text long ago and saves it now deletes nothing that came in between: its writer has not seen
//! that. Whether it was so is told by the texts: an old copy lacks all of what came after it, and is otherwise nearer to
//! what was there before.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use lru::LruCache;
use weft_crdt::{DocumentId, PastText, TextDocument};

use super::version::FileVersion;

/// Past versions of one text that are kept: so many of the document, and so many that saves from old copies have left.
pub(super) const KEPT_EACH: usize = 32;
/// Characters of all past versions that are kept.
const KEPT_CHARS: usize = 8 * 1024 * 1024;
/// Characters of the versions that one save is compared with.
pub(super) const COMPARED_CHARS: usize = 4 * 1024 * 1024;
/// Longer words are compared in parts.
const WORD_CHARS_MAX: usize = 32;
/// The symbol of the first word: above it there is room for 900,000 different ones.
const FIRST_SYMBOL: u32 = 0xe000;

/// A version that a file has held, and so may be what its writer saw.
pub(super) struct Candidate {
    /// The text.
    pub(super) text: String,
    /// Whether the version after it was written here, with what others did.
    pub(super) is_written_over: bool,
}

/// Chooses the version that `saved` was made from: the newest one, unless the save lacks what came from others after an
/// older one that it is nearer to. `candidates` are in order, the newest first, and not empty.
pub(super) fn choose(candidates: &[Candidate], saved: &str) -> usize {
    let last = candidates.len() - 1;
    (0..last).find(|newer| !is_older_copy(&candidates[*newer..], saved)).unwrap_or(last)
}

/// Chooses as [`choose`] does when nobody was seen to read the newest version: an older one, unless the newest is nearer
/// to what was saved. Who appends to a file does not read it, and of who reads and saves at once the reading may be told
/// later than the save is found.
pub(super) fn choose_unread(candidates: &[Candidate], saved: &str) -> usize {
    let [newest, older @ ..] = candidates else { return 0 };
    if older.is_empty() {
        return 0;
    }
    let chosen = choose(older, saved);
    let is_nearer = changed_chars(&newest.text, saved) < changed_chars(&older[chosen].text, saved);
    if is_nearer { 0 } else { chosen + 1 }
}

/// Whether the save was rather made from a version older than the first of these.
fn is_older_copy(candidates: &[Candidate], saved: &str) -> bool {
    let newest = &candidates[0].text;
    let change = Difference::of_words(newest, saved);
    if change.deleted.is_empty() {
        return false;
    }
    let mut has_others_text = false;
    candidates[1..].iter().any(|older| {
        has_others_text |= older.is_written_over;
        if !has_others_text || older.text == *newest {
            return false;
        }
        let since = Difference::of_words(&older.text, newest);
        if since.inserted.is_empty() {
            return false;
        }
        let from_older = Difference::of_words(&older.text, saved);
        let gone = common(&since.inserted, &change.deleted);
        let back = length(&since.deleted) - common(&since.deleted, &from_older.deleted);
        // It lacks what came since, and has what went.
        (gone + back) * 4 >= since.size() * 3 && from_older.size() < change.size()
    })
}

/// Whether a save takes no word away from a text. Such a one was made from the newest version: see [`is_older_copy`].
pub(super) fn only_adds(before: &str, saved: &str) -> bool {
    Difference::of_words(before, saved).deleted.is_empty()
}

/// What a save deletes from a text.
pub(super) fn deleted_text(before: &str, saved: &str) -> String {
    let edits = Difference::between(before, saved);
    let mut chars = before.chars();
    let mut at = 0;
    let mut deleted = String::new();
    for range in edits.deleted {
        chars.by_ref().take(range.start - at).for_each(drop);
        deleted.extend(chars.by_ref().take(range.len()));
        at = range.end;
    }
    deleted
}

/// How many characters of words a save takes away and adds.
pub(super) fn changed_chars(before: &str, saved: &str) -> usize {
    Difference::of_words(before, saved).size()
}

/// Words of texts, each as one symbol: two texts that have nothing in common but some letters are then compared as
/// what they are.
#[derive(Default)]
struct Words<'a> {
    symbols: BTreeMap<&'a str, char>,
}

impl<'a> Words<'a> {
    /// A text as symbols, and where each of them begins, in characters; none when there are too many different ones.
    fn symbols(&mut self, text: &'a str) -> Option<(String, Vec<usize>)> {
        let (mut symbols, mut begins, mut at) = (String::new(), vec![0], 0);
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let is_more = |c: &char| is_word_letter(*c) && is_word_letter(first);
            let count = rest.chars().take_while(is_more).take(WORD_CHARS_MAX).count().max(1);
            let end = rest.char_indices().nth(count).map_or(rest.len(), |(end, _)| end);
            let (word, left) = rest.split_at(end);
            symbols.push(self.symbol(word)?);
            at += count;
            begins.push(at);
            rest = left;
        }
        Some((symbols, begins))
    }

    fn symbol(&mut self, word: &'a str) -> Option<char> {
        if word == "\n" {
            // Edits keep to whole lines where they can.
            return Some('\n');
        }
        let next = u32::try_from(self.symbols.len()).ok()? + FIRST_SYMBOL;
        match self.symbols.get(word) {
            Some(symbol) => Some(*symbol),
            None => {
                let symbol = char::from_u32(next)?;
                self.symbols.insert(word, symbol);
                Some(symbol)
            }
        }
    }
}

/// Whether a character is one of several that make a word, in scripts that have spaces between words.
fn is_word_letter(c: char) -> bool {
    c == '_' || (c < '\u{e00}' && c.is_alphanumeric())
}

/// What differs between two texts, in characters.
#[derive(Debug, Default)]
struct Difference {
    /// Ranges of the old text, ascending.
    deleted: Vec<Range<usize>>,
    /// Ranges of the new text, ascending.
    inserted: Vec<Range<usize>>,
}

impl Difference {
    fn between(old: &str, new: &str) -> Self {
        let mut difference = Self::default();
        let (mut inserted, mut deleted) = (0, 0);
        for edit in TextDocument::minimal_edits(old, new) {
            // Places are those of the text after the edits before, and ascend.
            let at = edit.at.0;
            let count = edit.insert.chars().count();
            if edit.delete > 0 {
                let start = at - inserted + deleted;
                difference.deleted.push(start..start + edit.delete);
            }
            if count > 0 {
                difference.inserted.push(at..at + count);
            }
            inserted += count;
            deleted += edit.delete;
        }
        difference
    }

    /// As [`Difference::between`], but what differs in a word differs in the whole word.
    fn of_words(old: &str, new: &str) -> Self {
        let mut words = Words::default();
        let (Some((old_symbols, old_begins)), Some((new_symbols, new_begins))) =
            (words.symbols(old), words.symbols(new))
        else {
            return Self::between(old, new);
        };
        let mut difference = Self::between(&old_symbols, &new_symbols);
        let in_chars = |ranges: &mut Vec<Range<usize>>, begins: &[usize]| {
            for range in ranges {
                *range = begins[range.start]..begins[range.end];
            }
        };
        in_chars(&mut difference.deleted, &old_begins);
        in_chars(&mut difference.inserted, &new_begins);
        difference
    }

    fn size(&self) -> usize {
        length(&self.deleted) + length(&self.inserted)
    }
}

fn length(ranges: &[Range<usize>]) -> usize {
    ranges.iter().map(Range::len).sum()
}

/// How much two ascending lists of ranges have in common.
fn common(a: &[Range<usize>], b: &[Range<usize>]) -> usize {
    let (mut i, mut j, mut count) = (0, 0, 0);
    while let (Some(left), Some(right)) = (a.get(i), b.get(j)) {
        let (start, end) = (left.start.max(right.start), left.end.min(right.end));
        count += end.saturating_sub(start);
        if left.end <= right.end { i += 1 } else { j += 1 }
    }
    count
}

/// Texts as they lay on disk, with the ids of their characters, and what saves from old copies came to.
pub(crate) struct PastTexts {
    /// By the name that the version has in the mirror, the newest first; the document whose last version was put in
    /// longest ago goes first.
    texts: LruCache<DocumentId, VecDeque<(Vec<u8>, PastText)>>,
    chars: usize,
    /// What the newest merge of each text has brought back.
    brought_back: BTreeMap<DocumentId, String>,
    saved_count: u64,
}

impl Default for PastTexts {
    fn default() -> Self {
        Self { texts: LruCache::unbounded(), chars: 0, brought_back: BTreeMap::new(), saved_count: 0 }
    }
}

impl PastTexts {
    /// Keeps a text under the name of its version.
    pub(super) fn put(&mut self, document: DocumentId, version: Vec<u8>, text: impl FnOnce() -> PastText) {
        let known = self.texts.peek(&document);
        if known.is_some_and(|texts| texts.iter().any(|(known, _)| *known == version)) {
            return;
        }
        let text = text();
        self.chars += text.rope().len_chars();
        let texts = self.texts.get_or_insert_mut(document, VecDeque::new);
        // What a save has left cannot be made again, and the mirror may name it after many versions of the document.
        let is_saved =
            |version: &[u8]| matches!(FileVersion::decode(version), Some(FileVersion::Saved { .. }));
        let is_like = is_saved(&version);
        texts.push_front((version, text));
        if texts.iter().filter(|(version, _)| is_saved(version) == is_like).count() > KEPT_EACH
            && let Some(oldest) = texts.iter().rposition(|(version, _)| is_saved(version) == is_like)
            && let Some((_, text)) = texts.remove(oldest)
        {
            self.chars -= text.rope().len_chars();
        }
        while self.chars > KEPT_CHARS
            && self.texts.len() > 1
            && let Some((oldest, texts)) = self.texts.pop_lru()
        {
            self.chars -= texts.iter().map(|(_, text)| text.rope().len_chars()).sum::<usize>();
            self.brought_back.remove(&oldest);
        }
    }

    /// Finds a version by its name.
    pub(super) fn get(&self, document: DocumentId, version: &[u8]) -> Option<&PastText> {
        let texts = self.texts.peek(&document)?;
        texts.iter().find(|(known, _)| known == version).map(|(_, text)| text)
    }

    /// Gives a number to the text that a save from an old copy has left on disk.
    pub(super) fn next_saved(&mut self) -> u64 {
        self.saved_count += 1;
        self.saved_count
    }

    /// Notes that a save was taken for an old copy, and what it would have deleted.
    pub(super) fn note_brought_back(&mut self, document: DocumentId, text: String) {
        self.brought_back.insert(document, text);
    }

    /// Whether a save deletes again what was brought back after the last one: then it is meant.
    pub(super) fn deletes_again(&self, document: DocumentId, text: &str) -> bool {
        self.brought_back.get(&document).is_some_and(|back| back == text)
    }
}

#[cfg(test)]
mod tests {
    use weft_crdt::Version;

    use super::*;

    /// The newest version first; those marked `true` were followed by what others wrote.
    fn chosen(versions: &[(&str, bool)], saved: &str) -> usize {
        let candidates = versions.iter().map(|(text, is_written_over)| Candidate {
            text: (*text).to_owned(),
            is_written_over: *is_written_over,
        });
        choose(&candidates.collect::<Vec<_>>(), saved)
    }

    const OLD: &str = "first\nsecond\nthird\n";
    const NEW: &str = "first\nAna's paragraph\nsecond\nthird\n";

    #[test]
    fn a_save_that_deletes_nothing_is_made_from_the_newest_version() {
        assert_eq!(chosen(&[(NEW, false), (OLD, true)], &format!("{NEW}more\n")), 0);
        assert_eq!(chosen(&[(NEW, false)], ""), 0);
    }

    #[test]
    fn an_old_copy_with_something_new_is_made_from_the_old_version() {
        assert_eq!(chosen(&[(NEW, false), (OLD, true)], &format!("{OLD}Ben\n")), 1);
        assert_eq!(chosen(&[(NEW, false), (OLD, true)], &OLD.replace("second", "2nd")), 1);
    }

    #[test]
    fn what_nobody_was_seen_to_read_may_have_been_read_all_the_same() {
        let versions = [(NEW, false), (OLD, true)]
            .map(|(text, is_written_over)| Candidate { text: text.to_owned(), is_written_over });
        assert_eq!(choose_unread(&versions, &format!("{NEW}appended\n")), 0);
        assert_eq!(choose_unread(&versions, &format!("{OLD}Ben\n")), 1);
        assert_eq!(choose_unread(&versions, OLD), 1);
        assert_eq!(choose_unread(&versions[..1], OLD), 0);
    }

    #[test]
    fn letters_that_two_texts_share_by_chance_are_no_trace_of_others_text() {
        let theirs = format!("{OLD}entry 000002;\nentry 000003;\n");
        let saved = format!("{OLD}record 000004;\nrecord 000005;\n");
        assert_eq!(chosen(&[(&theirs, false), (OLD, true)], &saved), 1);
        let (theirs, saved) = ("一二三四五六", "一二三九五六");
        assert_eq!(chosen(&[(theirs, false), ("", true)], saved), 0, "no words, no spaces");
    }

    #[test]
    fn a_word_that_was_cut_and_written_on_does_not_come_from_the_uncut_one() {
        let (uncut, cut) = ("begin\navribydl000002;\n", "begin\navribydl00000");
        let saved = format!("{cut}ozsmclkg000005;\n");
        assert_eq!(chosen(&[(cut, false), (uncut, true)], &saved), 0, "of what went, only the end is back");
        assert_eq!(chosen(&[(cut, false), (uncut, true)], &format!("{uncut}more\n")), 1);
    }

    #[test]
    fn words_differ_as_a_whole() {
        let difference = Difference::of_words("let alpha = über;\n", "let alpine = über;\nmore");
        assert_eq!(difference.deleted.first(), Some(&(4..9)));
        assert_eq!((difference.deleted.len(), difference.inserted), (1, vec![4..10, 19..23]));
    }

    #[test]
    fn ones_own_text_may_go() {
        assert_eq!(chosen(&[(NEW, false), (OLD, false)], OLD), 0);
    }

    #[test]
    fn a_change_inside_of_others_text_is_made_from_the_newest_version() {
        assert_eq!(chosen(&[(NEW, false), (OLD, true)], &NEW.replace("Ana's paragraph", "Ana's words")), 0);
    }

    #[test]
    fn a_deletion_of_a_part_of_what_came_is_made_from_the_newest_version() {
        let both = format!("{NEW}and Ana's end\n");
        let without_the_first = both.replace("Ana's paragraph\n", "");
        assert_eq!(chosen(&[(&both, false), (NEW, true), (OLD, true)], &without_the_first), 0);
    }

    #[test]
    fn the_newest_version_that_fits_is_taken_of_several() {
        let third = format!("{NEW}and Ana's end\n");
        let saved = format!("Ben\n{NEW}");
        assert_eq!(chosen(&[(&third, false), (NEW, true), (OLD, true)], &saved), 1);
        let saved = format!("Ben\n{OLD}");
        assert_eq!(chosen(&[(&third, false), (NEW, true), (OLD, true)], &saved), 2);
    }

    #[test]
    fn what_a_save_deletes_is_given_as_text() {
        assert_eq!(deleted_text(NEW, OLD), "Ana's paragraph\n");
        assert_eq!(deleted_text("aübc", "ac"), "üb");
        assert_eq!(deleted_text("a", "ab"), "");
    }

    #[test]
    fn what_ranges_have_in_common_is_counted_once() {
        let ranges = |ends: &[(usize, usize)]| ends.iter().map(|(from, to)| *from..*to).collect::<Vec<_>>();
        let count = |a: &[(usize, usize)], b: &[(usize, usize)]| common(&ranges(a), &ranges(b));
        assert_eq!(count(&[(0, 5), (8, 10)], &[(3, 9)]), 3);
        assert_eq!(count(&[(0, 5)], &[(5, 9)]), 0);
        assert_eq!(count(&[(0, 10)], &[(1, 2), (4, 6)]), 3);
    }

    #[test]
    fn old_texts_make_room_and_the_same_version_is_kept_once() {
        let document = DocumentId::from_bytes([1; 16]);
        let mut texts = PastTexts::default();
        let text = TextDocument::new(document, &"x".repeat(100)).unwrap();
        for n in 0..KEPT_EACH as u8 + 5 {
            texts.put(document, vec![n], || text.keep());
            texts.put(document, vec![n], || text.keep());
            assert!(texts.get(document, &[n]).is_some());
        }
        assert_eq!(texts.texts.peek(&document).map(VecDeque::len), Some(KEPT_EACH));
        assert_eq!(texts.chars, KEPT_EACH * 100);
    }

    #[test]
    fn what_a_save_has_left_outlives_many_versions_of_the_document() {
        let document = DocumentId::from_bytes([1; 16]);
        let mut texts = PastTexts::default();
        let text = TextDocument::new(document, "x").unwrap();
        let saved = FileVersion::Saved { document, base: Version::default(), number: 1 }.encode();
        texts.put(document, saved.clone(), || text.keep());
        for n in 0..2 * KEPT_EACH as u8 {
            texts.put(document, vec![n], || text.keep());
        }
        assert!(texts.get(document, &saved).is_some());
        assert!(texts.get(document, &[0]).is_none());
        assert_eq!(texts.chars, KEPT_EACH + 1);
    }
}
