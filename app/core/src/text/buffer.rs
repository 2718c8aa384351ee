//! A text as a rope, with lines.

use ropey::{Rope, RopeSlice};
use weft_crdt::{ByteIndex, CharIndex, LineIndex};

use super::ChangeSet;

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineEnding {
    /// A line feed.
    #[default]
    Lf,
    /// A carriage return and a line feed.
    CrLf,
}

impl LineEnding {
    /// The characters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
        }
    }
}

/// Says that a change does not fit a text. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a change of {delete} characters at {at} does not fit into a text of {length}")]
pub struct OutOfBounds {
    /// Where the change begins.
    pub at: CharIndex,
    /// How many characters it deletes.
    pub delete: usize,
    /// How many characters the text has.
    pub length: usize,
}

/// The text of an open document. A line ends at a line feed; a carriage return before it belongs to the line end.
/// Cloning is cheap, so that other threads can read a text that goes on changing.
#[derive(Debug, Clone, Default)]
pub struct Buffer {
    rope: Rope,
    line_ending: LineEnding,
}

impl Buffer {
    /// Makes a buffer. What most of the first lines end with is what new lines get.
    pub fn new(text: &str) -> Self {
        let rope = Rope::from_str(text);
        let line_ending = detect(&rope);
        Self { rope, line_ending }
    }

    /// The text as a rope.
    pub fn rope(&self) -> &Rope {
        &self.rope
    }

    /// What new lines end with.
    pub fn line_ending(&self) -> LineEnding {
        self.line_ending
    }

    /// Sets what new lines end with. The text stays.
    pub fn set_line_ending(&mut self, line_ending: LineEnding) {
        self.line_ending = line_ending;
    }

    /// How many characters the text has.
    pub fn len_chars(&self) -> usize {
        self.rope.len_chars()
    }

    /// How many lines the text has; an empty text has one, and behind the last line feed is another.
    pub fn len_lines(&self) -> usize {
        self.rope.len_lines()
    }

    /// The line of a position; one beyond the end is on the last.
    pub fn line_of(&self, at: CharIndex) -> LineIndex {
        LineIndex(line_of(&self.rope, at.0))
    }

    /// Where a line begins; one beyond the last begins at the end of the text.
    pub fn line_start(&self, line: LineIndex) -> CharIndex {
        CharIndex(line_start(&self.rope, line.0))
    }

    /// Where a line ends, before its line end.
    pub fn line_end(&self, line: LineIndex) -> CharIndex {
        CharIndex(line_end(&self.rope, line.0))
    }

    /// The text of a line without its end.
    pub fn line(&self, line: LineIndex) -> RopeSlice<'_> {
        self.rope.slice(line_start(&self.rope, line.0)..line_end(&self.rope, line.0))
    }

    /// The byte of a position.
    pub fn byte_of(&self, at: CharIndex) -> ByteIndex {
        ByteIndex(self.rope.char_to_byte(at.0.min(self.len_chars())))
    }

    /// The position of a byte.
    pub fn char_of(&self, byte: ByteIndex) -> CharIndex {
        CharIndex(self.rope.byte_to_char(byte.0.min(self.rope.len_bytes())))
    }

    /// Changes the text.
    pub fn apply(&mut self, change: &ChangeSet) -> Result<(), OutOfBounds> {
        let needed = change.len_needed();
        let length = self.len_chars();
        if needed > length {
            return Err(OutOfBounds { at: CharIndex(length), delete: needed - length, length });
        }
        change.apply(&mut self.rope);
        Ok(())
    }
}

/// Looks at the first lines only.
fn detect(rope: &Rope) -> LineEnding {
    const LINES: usize = 64;
    let lines = rope.lines().take(LINES);
    let (mut lf, mut crlf) = (0, 0);
    for line in lines {
        let length = line.len_chars();
        if length == 0 || line.char(length - 1) != '\n' {
            continue;
        }
        if length > 1 && line.char(length - 2) == '\r' { crlf += 1 } else { lf += 1 }
    }
    if crlf > lf { LineEnding::CrLf } else { LineEnding::Lf }
}

pub(crate) fn line_of(rope: &Rope, at: usize) -> usize {
    rope.char_to_line(at.min(rope.len_chars()))
}

pub(crate) fn line_start(rope: &Rope, line: usize) -> usize {
    rope.line_to_char(line.min(rope.len_lines()))
}

/// The end of a line before its line end.
pub(crate) fn line_end(rope: &Rope, line: usize) -> usize {
    let start = line_start(rope, line);
    let mut end = line_start(rope, line.saturating_add(1));
    if end > start && rope.char(end - 1) == '\n' {
        end -= 1;
        if end > start && rope.char(end - 1) == '\r' {
            end -= 1;
        }
    }
    end
}
