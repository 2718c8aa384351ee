//! What is looked for, and finding it in a rope without copying all of it.

use std::ops::Range;

use regex::{Captures, Regex, RegexBuilder};
use ropey::Rope;

use crate::limits::{PATTERN_BYTES_MAX, REGEX_BYTES_MAX, SEARCHED_BYTES_STEP};
use crate::text::{CharClass, class_of};

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// The text or regular expression.
    pub text: String,
    /// Whether it is a regular expression.
    pub is_regex: bool,
    /// Whether `a` and `A` differ.
    pub is_case_sensitive: bool,
    /// Whether only whole words are found.
    pub is_whole_word: bool,
}

/// Says why nothing can be looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// There is nothing to look for.
    #[error("there is nothing to look for")]
    Empty,
    /// The pattern is too long.
    #[error("a pattern has at most {PATTERN_BYTES_MAX} bytes")]
    TooLong,
    /// The regular expression is not one.
    #[error("{message}")]
    Regex {
        /// What is wrong with it.
        message: String,
    },
}

/// Something to look for, ready for use.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    by_word: bool,
    /// Whether it may match a line end. Without that, lines are looked at one by one.
    spans_lines: bool,
    /// Whether pieces of many lines may be looked at as one.
    is_literal: bool,
}

impl Pattern {
    /// Makes a pattern.
    pub fn new(query: &Query) -> Result<Self, QueryError> {
        if query.text.is_empty() {
            return Err(QueryError::Empty);
        }
        if query.text.len() > PATTERN_BYTES_MAX {
            return Err(QueryError::TooLong);
        }
        let source = if query.is_regex {
            query.text.clone()
        } else {
            // A line feed that is asked for is a line end of either kind.
            regex::escape(&query.text.replace("\r\n", "\n")).replace('\n', "\r?\n")
        };
        let regex = RegexBuilder::new(&source)
            .case_insensitive(!query.is_case_sensitive)
            .multi_line(true)
            .size_limit(REGEX_BYTES_MAX)
            .dfa_size_limit(REGEX_BYTES_MAX)
            .build()
            .map_err(|error| QueryError::Regex { message: brief(&error) })?;
        let spans_lines = ["\n", "\\n", "\\r", "(?s"].iter().any(|sign| source.contains(sign));
        Ok(Self { regex, by_word: query.is_whole_word, spans_lines, is_literal: !query.is_regex })
    }

    /// Makes a pattern of a text that stands for itself.
    pub(crate) fn literal(
        text: &str,
        is_case_sensitive: bool,
        is_whole_word: bool,
    ) -> Result<Self, QueryError> {
        Self::new(&Query { text: text.to_owned(), is_regex: false, is_case_sensitive, is_whole_word })
    }

    /// The first place at or behind a position; with `wraps` it goes on from the start of the text.
    pub fn find_from(&self, rope: &Rope, from: usize, wraps: bool) -> Option<Range<usize>> {
        let mut found = None;
        self.each(rope, from.min(rope.len_chars())..rope.len_chars(), &mut |range, _, _| {
            found = (range.start >= from).then_some(range);
            found.is_none()
        });
        if found.is_none() && wraps && from > 0 {
            return self.find_from(rope, 0, false);
        }
        found
    }

    /// The last place that ends at or before a position; with `wraps` it goes on from the end of the text.
    pub fn find_before(&self, rope: &Rope, to: usize, wraps: bool) -> Option<Range<usize>> {
        let to = to.min(rope.len_chars());
        let mut end_line = rope.char_to_line(to) + 1;
        while end_line > 0 && !self.spans_lines {
            let start_line = end_line.saturating_sub(LINES_BACK);
            let range = rope.line_to_char(start_line)..rope.line_to_char(end_line).max(to);
            if let Some(last) = self.last_in(rope, range, to) {
                return Some(last);
            }
            end_line = start_line;
        }
        let found = if self.spans_lines { self.last_in(rope, 0..rope.len_chars(), to) } else { None };
        if found.is_none() && wraps && to < rope.len_chars() {
            return self.find_before(rope, rope.len_chars(), false);
        }
        found
    }

    fn last_in(&self, rope: &Rope, range: Range<usize>, to: usize) -> Option<Range<usize>> {
        let mut last = None;
        self.each(rope, range, &mut |range, _, _| {
            let is_before = range.end <= to;
            if is_before {
                last = Some(range);
            }
            is_before
        });
        last
    }

    /// The first places of a text, up to a limit.
    pub fn find_all(&self, rope: &Rope, limit: usize) -> Vec<Range<usize>> {
        self.find_in(rope, 0..rope.len_chars(), limit)
    }

    /// The places that begin in a range, up to a limit. For what is on the screen.
    pub fn find_in(&self, rope: &Rope, range: Range<usize>, limit: usize) -> Vec<Range<usize>> {
        let mut all = Vec::new();
        let within = range.start..range.end.min(rope.len_chars());
        self.each(rope, within.clone(), &mut |found, _, _| {
            if found.start >= within.start && found.start <= within.end && all.len() < limit {
                all.push(found);
            }
            all.len() < limit
        });
        all
    }

    /// Calls `each` with every place in the lines of a range, with the text that it was found in and its byte there,
    /// until it says `false`. Empty matches count too.
    pub(super) fn each(
        &self,
        rope: &Rope,
        range: Range<usize>,
        each: &mut dyn FnMut(Range<usize>, &str, usize) -> bool,
    ) {
        if range.start > range.end || range.end > rope.len_chars() {
            return;
        }
        if self.spans_lines {
            let text = String::from(rope);
            self.each_of_piece(rope, &text, 0, 0, each);
            return;
        }
        let mut line = rope.char_to_line(range.start);
        let last = rope.char_to_line(range.end);
        while line <= last {
            let start = rope.line_to_byte(line);
            // As many whole lines as make a step, at least one.
            let reach = rope.byte_to_line((start + SEARCHED_BYTES_STEP).min(rope.len_bytes()));
            let next = reach.max(line + 1).min(last + 1);
            let end = rope.line_to_byte(next);
            let piece = String::from(rope.byte_slice(start..end));
            let goes_on = if self.is_literal {
                self.each_of_piece(rope, &piece, start, 0, each)
            } else {
                self.each_of_lines(rope, &piece, start, next == rope.len_lines(), each)
            };
            if !goes_on {
                return;
            }
            line = next;
        }
    }

    fn each_of_lines(
        &self,
        rope: &Rope,
        piece: &str,
        start: usize,
        is_end: bool,
        each: &mut dyn FnMut(Range<usize>, &str, usize) -> bool,
    ) -> bool {
        let mut at = 0;
        for line in piece.split_inclusive('\n') {
            let text = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
            if !self.each_of_piece(rope, text, start + at, 0, each) {
                return false;
            }
            at += line.len();
        }
        // The empty line behind the last line feed.
        let has_last = is_end && (piece.is_empty() || piece.ends_with('\n'));
        !has_last || self.each_of_piece(rope, "", start + at, 0, each)
    }

    fn each_of_piece(
        &self,
        rope: &Rope,
        text: &str,
        start: usize,
        from: usize,
        each: &mut dyn FnMut(Range<usize>, &str, usize) -> bool,
    ) -> bool {
        let mut at = from;
        while let Some(found) = self.regex.find_at(text, at) {
            if !self.by_word || is_word(text, found.range()) {
                let range = rope.byte_to_char(start + found.start())..rope.byte_to_char(start + found.end());
                if !each(range, text, found.start()) {
                    return false;
                }
            }
            at = if found.is_empty() {
                let Some(char) = text[found.end()..].chars().next() else { return true };
                found.end() + char.len_utf8()
            } else {
                found.end()
            };
        }
        true
    }

    /// The groups of a place that was found in a text.
    pub(super) fn captures<'text>(&self, text: &'text str, byte: usize) -> Option<Captures<'text>> {
        self.regex.captures_at(text, byte)
    }

    pub(super) fn spans_lines(&self) -> bool {
        self.spans_lines
    }

    pub(super) fn is_literal(&self) -> bool {
        self.is_literal
    }
}

/// How many lines are looked at at a time when going back.
const LINES_BACK: usize = 1_000;

/// Whether a place does not go on as a word on either side.
fn is_word(text: &str, range: Range<usize>) -> bool {
    let is_word = |char: Option<char>| char.is_some_and(|char| class_of(char) == CharClass::Word);
    let inside = &text[range.clone()];
    let goes_on_before = is_word(text[..range.start].chars().next_back()) && is_word(inside.chars().next());
    let goes_on_behind = is_word(text[range.end..].chars().next()) && is_word(inside.chars().next_back());
    !goes_on_before && !goes_on_behind
}

/// The last line of an error of the regex crate says what is wrong; the others draw a picture.
fn brief(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}
