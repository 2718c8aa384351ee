//! Cutting texts into chunks: what is looked for by what it is about.
//!
//! Where symbols of a text are known, a chunk is a function, a method, a macro, the head of a type, or a section; what
//! lies between them, and texts without symbols, is cut where lines are empty. What is long is cut into several.

use std::ops::Range;
use std::sync::Arc;

use crate::limits::{CHUNK_LINES_MAX, CHUNK_TEXT_BYTES_MAX, CHUNKS_PER_TEXT_MAX};
use crate::markup;
use crate::symbols::{Symbol, SymbolKind};

/// Lines between symbols that are worth a chunk.
const BETWEEN_LINES_MIN: usize = 3;
/// What begins a line that belongs to what comes after it: comments and attributes.
const LEADING: [&str; 9] = ["//", "/*", "*", "#", "@", "--", ";;", "[<", "\"\"\""];

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The name of what it is; empty where it has none.
    pub name: Arc<str>,
    /// What it is, where it is something that is defined.
    pub kind: Option<SymbolKind>,
    /// Its first line, from 1.
    pub first_line: u32,
    /// Its last line.
    pub last_line: u32,
}

/// The lines of a text: where each begins and ends, in bytes.
struct TextLines<'a> {
    text: &'a [u8],
    starts: Vec<usize>,
}

impl<'a> TextLines<'a> {
    fn new(text: &'a [u8]) -> Self {
        let after = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let mut starts: Vec<usize> = std::iter::once(0).chain(after).collect();
        if starts.last() == Some(&text.len()) {
            starts.pop();
        }
        Self { text, starts }
    }

    fn count(&self) -> usize {
        self.starts.len()
    }

    fn range(&self, lines: Range<usize>) -> Range<usize> {
        let at = |line: usize| self.starts.get(line).copied().unwrap_or(self.text.len());
        at(lines.start)..at(lines.end)
    }

    /// A line without the spaces around it.
    fn trimmed(&self, line: usize) -> &'a [u8] {
        self.text.get(self.range(line..line + 1)).unwrap_or_default().trim_ascii()
    }

    fn is_empty(&self, line: usize) -> bool {
        self.trimmed(line).is_empty()
    }

    fn is_leading(&self, line: usize) -> bool {
        LEADING.iter().any(|mark| self.trimmed(line).starts_with(mark.as_bytes()))
    }
}

/// What a chunk is made of, in lines from 0.
struct Span {
    name: Arc<str>,
    kind: SymbolKind,
    lines: Range<usize>,
}

/// Cuts a text into chunks, in their order. `symbols` are those of this very text, or none.
#[must_use]
pub fn chunks(text: &[u8], symbols: &[Symbol]) -> Vec<Chunk> {
    let lines = TextLines::new(text);
    let mut all = Vec::new();
    let mut done = 0;
    for span in spans(&lines, symbols) {
        between(&lines, done..span.lines.start, BETWEEN_LINES_MIN, &mut all);
        done = span.lines.end;
        let whole = trimmed(&lines, span.lines);
        for part in cut(whole) {
            all.push(chunk(Arc::clone(&span.name), Some(span.kind), part));
        }
    }
    between(&lines, done..lines.count(), if done == 0 { 1 } else { BETWEEN_LINES_MIN }, &mut all);
    all.truncate(CHUNKS_PER_TEXT_MAX);
    all
}

fn chunk(name: Arc<str>, kind: Option<SymbolKind>, lines: Range<usize>) -> Chunk {
    let number = |line: usize| u32::try_from(line).unwrap_or(u32::MAX);
    Chunk {
        name,
        kind,
        first_line: number(lines.start + 1),
        last_line: number(lines.end.max(lines.start + 1)),
    }
}

/// The symbols that become chunks, with all of their lines; none of them overlap.
fn spans(lines: &TextLines<'_>, symbols: &[Symbol]) -> Vec<Span> {
    let is_function = |kind| matches!(kind, SymbolKind::Function | SymbolKind::Method | SymbolKind::Macro);
    let mut wanted: Vec<&Symbol> = symbols
        .iter()
        .filter(|symbol| {
            is_function(symbol.kind)
                || matches!(symbol.kind, SymbolKind::Type | SymbolKind::Interface | SymbolKind::Section)
        })
        .collect();
    wanted.sort_by_key(|symbol| symbol.line);
    let mut spans: Vec<Span> = Vec::new();
    let mut floor = 0;
    for (index, symbol) in wanted.iter().enumerate() {
        let name_line = (symbol.line as usize).saturating_sub(1);
        if name_line < floor || name_line >= lines.count() {
            // Inside of a function that is a chunk already.
            continue;
        }
        let mut start = name_line;
        while start > floor && lines.is_leading(start - 1) && symbol.kind != SymbolKind::Section {
            start -= 1;
        }
        let next = wanted[index + 1..]
            .iter()
            .map(|next| (next.line as usize).saturating_sub(1))
            .find(|next| *next > name_line);
        let mut end = (symbol.last_line as usize).clamp(name_line + 1, lines.count());
        if symbol.kind == SymbolKind::Section {
            end = next.unwrap_or(lines.count());
        } else if !is_function(symbol.kind)
            && let Some(mut next) = next.filter(|next| *next < end)
        {
            // A type with functions in it: its head. The comment of the first function is not of it.
            while next > name_line + 1 && lines.is_leading(next - 1) {
                next -= 1;
            }
            end = next;
        }
        floor = end;
        spans.push(Span { name: Arc::clone(&symbol.name), kind: symbol.kind, lines: start..end });
    }
    spans
}

fn trimmed(lines: &TextLines<'_>, mut range: Range<usize>) -> Range<usize> {
    while range.start < range.end && lines.is_empty(range.start) {
        range.start += 1;
    }
    while range.start < range.end && lines.is_empty(range.end - 1) {
        range.end -= 1;
    }
    range
}

/// What is longer than a chunk may be becomes several of about the same length.
fn cut(range: Range<usize>) -> Vec<Range<usize>> {
    if range.is_empty() {
        return Vec::new();
    }
    let pieces = range.len().div_ceil(CHUNK_LINES_MAX);
    let step = range.len().div_ceil(pieces);
    (0..pieces)
        .map(|piece| range.start + piece * step..(range.start + (piece + 1) * step).min(range.end))
        .filter(|piece| !piece.is_empty())
        .collect()
}

/// Chunks of what has no name: cut at empty lines, when enough lines have come together.
fn between(lines: &TextLines<'_>, range: Range<usize>, least: usize, all: &mut Vec<Chunk>) {
    let range = trimmed(lines, range);
    let mut start = range.start;
    let mut take = |piece: Range<usize>| {
        let piece = trimmed(lines, piece);
        let has_words = |line: &usize| lines.trimmed(*line).iter().any(u8::is_ascii_alphanumeric);
        if piece.clone().filter(has_words).count() >= least {
            all.extend(cut(piece).into_iter().map(|part| chunk(Arc::from(""), None, part)));
        }
    };
    for line in range.clone() {
        let is_long = line - start >= CHUNK_LINES_MAX / 2;
        if line > start && (is_long && lines.is_empty(line) || line - start >= CHUNK_LINES_MAX) {
            take(start..line);
            start = line;
        }
    }
    take(start..range.end);
}

impl Chunk {
    /// The lines of this chunk in its text.
    #[must_use]
    pub fn text<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let lines = TextLines::new(text);
        text.get(lines.range(self.first_line.saturating_sub(1) as usize..self.last_line as usize))
            .unwrap_or_default()
    }
}

/// What is made of all chunks of a text for those who read them: the name of the file without its end, the name of the
/// chunk in words, and its lines without what indents them; as long as a small model reads.
#[must_use]
pub fn readable(path: &str, text: &[u8], chunks: &[Chunk]) -> Vec<String> {
    let lines = TextLines::new(text);
    let base = path.rsplit('/').next().unwrap_or(path);
    let stem = base.split('.').find(|part| !part.is_empty()).unwrap_or(base);
    let is_html = markup::is_html(path);
    let one = |chunk: &Chunk| {
        let mut words = vec![stem];
        words.extend(crate::words::parts(&chunk.name));
        let mut readable = words.join(" ");
        let mut inside = markup::Inside::default();
        for line in chunk.first_line.saturating_sub(1) as usize..chunk.last_line as usize {
            let line = String::from_utf8_lossy(lines.trimmed(line));
            let line = if is_html { markup::seen(&line, &mut inside).into() } else { line };
            if !line.trim().is_empty() {
                readable.push('\n');
                readable.push_str(line.trim());
            }
            if readable.len() >= CHUNK_TEXT_BYTES_MAX {
                break;
            }
        }
        let end = (0..=CHUNK_TEXT_BYTES_MAX.min(readable.len()))
            .rev()
            .find(|end| readable.is_char_boundary(*end))
            .unwrap_or(0);
        readable.truncate(end);
        readable
    };
    chunks.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbols::SymbolReader;

    fn cut_up(path: &str, text: &str) -> Vec<(String, u32, u32)> {
        let symbols = SymbolReader::default().read(path, text.as_bytes(), &mut || false).unwrap_or_default();
        let all = chunks(text.as_bytes(), &symbols);
        all.into_iter().map(|chunk| (chunk.name.to_string(), chunk.first_line, chunk.last_line)).collect()
    }

    #[test]
    fn code_is_cut_along_its_functions() {
        let text = "//! About ships.\n//! They float.\n//! Mostly.\n\nuse a::b;\n\n/// A ship.\n#[derive(Debug)]\npub struct Ship {\n    \
            mast: u8,\n}\n\nimpl Ship {\n    /// Goes.\n    fn go(&self) {\n        fn inner() {}\n    }\n\n    fn stop(&self) {}\n}\n";
        let expected = [("", 1, 5), ("Ship", 7, 11), ("go", 14, 17), ("stop", 19, 19)];
        assert_eq!(cut_up("a.rs", text), expected.map(|(name, from, to)| (name.to_owned(), from, to)));
        let python = "class Ship:\n    \"\"\"Floats.\"\"\"\n    mast = 1\n\n    # Goes.\n    def go(self):\n        pass\n";
        let expected = [("Ship", 1, 3), ("go", 5, 7)];
        assert_eq!(cut_up("a.py", python), expected.map(|(name, from, to)| (name.to_owned(), from, to)));
    }

    #[test]
    fn documents_are_cut_along_their_sections() {
        let text = "Before.\n\n# One\n\ntext\n\n## Two\n\nmore\nand more\n";
        let expected = [("One", 3, 5), ("Two", 7, 10)];
        let found = cut_up("a.md", text);
        assert_eq!(found, expected.map(|(name, from, to)| (name.to_owned(), from, to)));
        assert_eq!(cut_up("a.txt", "one line"), [(String::new(), 1, 1)]);
        assert_eq!(cut_up("a.txt", "\n \n}\n"), []);
    }

    #[test]
    fn what_is_long_is_cut_and_nothing_is_lost() {
        let lines = CHUNK_LINES_MAX * 3 + 1;
        let all = chunks("word\n".repeat(lines).as_bytes(), &[]);
        assert!(all.iter().all(|chunk| (chunk.last_line - chunk.first_line) as usize <= CHUNK_LINES_MAX));
        assert_eq!(
            all.iter().map(|chunk| (chunk.last_line + 1 - chunk.first_line) as usize).sum::<usize>(),
            lines
        );
        let many = "word\n".repeat((CHUNKS_PER_TEXT_MAX + 2) * CHUNK_LINES_MAX);
        assert_eq!(chunks(many.as_bytes(), &[]).len(), CHUNKS_PER_TEXT_MAX);
        // Symbols of another text: no place of theirs is believed.
        let far = Symbol {
            name: "x".into(),
            kind: SymbolKind::Function,
            line: 9,
            column: 0,
            last_line: 2,
            depth: 0,
        };
        assert_eq!(chunks(b"a\nb\nc\n", &[far]).len(), 1);
    }

    #[test]
    fn what_a_model_reads_has_a_limit() {
        let text = format!("fn place_ship() {{\n        {}\n}}\n", "ä ".repeat(CHUNK_TEXT_BYTES_MAX));
        let chunk = chunk("placeShip".into(), None, 0..3);
        let read = readable("src/yard.rs", text.as_bytes(), &[chunk]).remove(0);
        assert!(read.starts_with("yard place Ship\nfn place_ship() {\nä ä"), "{read}");
        assert!(read.len() <= CHUNK_TEXT_BYTES_MAX && read.len() > CHUNK_TEXT_BYTES_MAX - 4);
    }
}
