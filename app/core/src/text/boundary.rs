//! Where graphemes and words begin and end.

use ropey::{Rope, RopeSlice};
use unicode_segmentation::{GraphemeCursor, GraphemeIncomplete};

/// What a character is to movement by words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CharClass {
    /// A line feed or carriage return.
    LineEnd,
    /// Other white space.
    Space,
    /// A letter, digit, mark or underscore.
    Word,
    /// Everything else.
    Punctuation,
}

/// The class of a character.
pub fn class_of(char: char) -> CharClass {
    match char {
        '\n' | '\r' => CharClass::LineEnd,
        _ if char.is_whitespace() => CharClass::Space,
        '_' => CharClass::Word,
        // Marks join the letter before them; ASCII is decided without tables.
        _ if char.is_ascii() => {
            if char.is_ascii_alphanumeric() {
                CharClass::Word
            } else {
                CharClass::Punctuation
            }
        }
        _ if char.is_alphanumeric() || is_mark(char) => CharClass::Word,
        _ => CharClass::Punctuation,
    }
}

/// Joiners, variation selectors and combining marks, which belong to the character before them.
fn is_mark(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{20d0}'..='\u{20ff}')
}

/// The next border of a grapheme behind a position.
pub(crate) fn next_grapheme(rope: &Rope, at: usize) -> usize {
    let length = rope.len_chars();
    if at >= length {
        return length;
    }
    // Two ASCII characters never make one grapheme, but for a line end.
    if at + 1 < length {
        let (one, two) = (rope.char(at), rope.char(at + 1));
        if one.is_ascii() && two.is_ascii() && one != '\r' {
            return at + 1;
        }
    }
    let slice = rope.slice(..);
    walk(slice, at, |cursor, chunk, start| cursor.next_boundary(chunk, start), length)
}

/// The last border of a grapheme before a position.
pub(crate) fn previous_grapheme(rope: &Rope, at: usize) -> usize {
    let at = at.min(rope.len_chars());
    if at <= 1 {
        return 0;
    }
    let (one, two) = (rope.char(at - 2), rope.char(at - 1));
    if one.is_ascii() && two.is_ascii() && two != '\n' {
        return at - 1;
    }
    let slice = rope.slice(..);
    walk(slice, at, |cursor, chunk, start| cursor.prev_boundary(chunk, start), 0)
}

type Step = fn(&mut GraphemeCursor, &str, usize) -> Result<Option<usize>, GraphemeIncomplete>;

/// Asks the cursor and hands it the chunks of the rope that it wants to see.
fn walk(slice: RopeSlice<'_>, at: usize, step: Step, otherwise: usize) -> usize {
    let byte = slice.char_to_byte(at);
    let mut cursor = GraphemeCursor::new(byte, slice.len_bytes(), true);
    let (mut chunk, mut chunk_start, _, _) = slice.chunk_at_byte(byte);
    loop {
        match step(&mut cursor, chunk, chunk_start) {
            Ok(Some(byte)) => return slice.byte_to_char(byte),
            Ok(None) => return otherwise,
            Err(GraphemeIncomplete::NextChunk) => {
                let next = chunk_start + chunk.len();
                (chunk, chunk_start, _, _) = slice.chunk_at_byte(next);
            }
            Err(GraphemeIncomplete::PrevChunk) => {
                (chunk, chunk_start, _, _) = slice.chunk_at_byte(chunk_start.saturating_sub(1));
            }
            Err(GraphemeIncomplete::PreContext(end)) => {
                let (before, start, _, _) = slice.chunk_at_byte(end.saturating_sub(1));
                cursor.provide_context(&before[..end - start], start);
            }
            Err(GraphemeIncomplete::InvalidOffset) => return otherwise,
        }
    }
}

/// The border of a grapheme at or before a position.
pub(crate) fn snap(rope: &Rope, at: usize) -> usize {
    let at = at.min(rope.len_chars());
    if at == 0 || at == rope.len_chars() {
        return at;
    }
    let previous = previous_grapheme(rope, at);
    if next_grapheme(rope, previous) == at { at } else { previous }
}

fn class_at(rope: &Rope, at: usize) -> Option<CharClass> {
    rope.get_char(at).map(class_of)
}

/// Behind the characters of one class from here on.
fn run_end(rope: &Rope, mut at: usize, class: CharClass) -> usize {
    for char in rope.chars_at(at.min(rope.len_chars())) {
        if class_of(char) != class {
            break;
        }
        at += 1;
    }
    at
}

/// Before the characters of one class that end here.
fn run_start(rope: &Rope, mut at: usize, class: CharClass) -> usize {
    let mut chars = rope.chars_at(at.min(rope.len_chars()));
    while let Some(char) = chars.prev() {
        if class_of(char) != class {
            break;
        }
        at -= 1;
    }
    at
}

/// The line end at a position as one step.
fn over_line_end(rope: &Rope, at: usize) -> usize {
    next_grapheme(rope, at)
}

/// Where the next word ends: behind white space, and then behind one run. A line end is a stop of its own.
pub(crate) fn next_word_end(rope: &Rope, at: usize) -> usize {
    let Some(class) = class_at(rope, at) else { return rope.len_chars() };
    let mut at = at;
    let mut class = class;
    if class == CharClass::LineEnd {
        at = over_line_end(rope, at);
        let Some(next) = class_at(rope, at) else { return at };
        class = next;
    }
    if class == CharClass::Space {
        at = run_end(rope, at, class);
        match class_at(rope, at) {
            None | Some(CharClass::LineEnd) => return at,
            Some(next) => class = next,
        }
    }
    if class == CharClass::LineEnd { at } else { run_end(rope, at, class) }
}

/// Where the next word begins: behind the rest of this one and behind white space.
pub(crate) fn next_word_start(rope: &Rope, at: usize) -> usize {
    let mut at = at;
    match class_at(rope, at) {
        None => return rope.len_chars(),
        Some(CharClass::LineEnd) => return over_line_end(rope, at),
        Some(CharClass::Space) => {}
        Some(class) => at = run_end(rope, at, class),
    }
    run_end(rope, at, CharClass::Space)
}

/// Where the word before a position begins. A line end is a stop of its own.
pub(crate) fn previous_word_start(rope: &Rope, at: usize) -> usize {
    let mut at = at.min(rope.len_chars());
    let before = |at: usize| at.checked_sub(1).and_then(|at| class_at(rope, at));
    if before(at) == Some(CharClass::LineEnd) {
        at = previous_grapheme(rope, at);
    }
    if before(at) == Some(CharClass::Space) {
        at = run_start(rope, at, CharClass::Space);
    }
    match before(at) {
        None | Some(CharClass::LineEnd) => at,
        Some(class) => run_start(rope, at, class),
    }
}

/// The run of one class around a position: what a double click selects. The word before wins over what is not a word
/// behind.
pub(crate) fn word_around(rope: &Rope, at: usize) -> (usize, usize) {
    let at = at.min(rope.len_chars());
    let behind = class_at(rope, at);
    let before = at.checked_sub(1).and_then(|at| class_at(rope, at));
    let class = match (before, behind) {
        (_, Some(CharClass::Word)) | (Some(CharClass::Word), _) => CharClass::Word,
        (_, Some(CharClass::LineEnd) | None) => match before {
            Some(class) if class != CharClass::LineEnd => class,
            _ => return (at, at),
        },
        (_, Some(class)) => class,
    };
    (run_start(rope, at, class), run_end(rope, at, class))
}
