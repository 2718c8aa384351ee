//! What is looked for, and the lines of a text that have it.
//!
//! Lines are found by the parts that ripgrep is made of, set as it sets them, so that both find the same.

use std::io;
use std::ops::Range;

use grep_matcher::{Captures as _, Matcher as _};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

use crate::TrigramQuery;
use crate::limits::{
    LINE_BYTES_MAX, LINE_MATCHES_MAX, PATTERN_BYTES_MAX, PATTERN_DEPTH_MAX, PATTERN_PROGRAM_BYTES_MAX,
};

/// How what is looked for is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternKind {
    /// As it stands in the text.
    Literal,
    /// As a regular expression of the crate `regex`.
    Regex,
}

/// How to look for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PatternOptions {
    /// Whether small and capital letters are the same.
    pub ignores_case: bool,
    /// Whether it is only found as whole words.
    pub whole_words: bool,
}

/// Why something cannot be looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// There is nothing to look for.
    #[error("there is nothing to look for")]
    Empty,
    /// It is longer than [`PATTERN_BYTES_MAX`].
    #[error("what to look for is longer than {PATTERN_BYTES_MAX} bytes")]
    TooLong,
    /// It could only be found across lines.
    #[error("nothing is found across the end of a line")]
    MultiLine,
    /// It is no regular expression.
    #[error("this is no regular expression: {reason}")]
    Syntax {
        /// What the parser says.
        reason: String,
    },
}

impl PatternError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Empty => "give some letters",
            Self::TooLong => "look for a part of it",
            Self::MultiLine => "look for what stands in one line, without \\n",
            Self::Syntax { .. } => {
                "look for it as plain text (`--text`), or put \\ before ( ) [ ] { } . * + ? ^ $ | \\"
            }
        }
    }
}

/// A line of a text with what was found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The number, from 1.
    pub number: u64,
    /// Where the first match begins, in Unicode code points from 1.
    pub column: u64,
    /// The line, or the part around its first match where it is longer than [`LINE_BYTES_MAX`].
    pub text: String,
    /// What matches, in bytes of `text`.
    pub matches: Vec<Range<usize>>,
    /// The first match in bytes of the whole text.
    pub at: Range<usize>,
}

/// What was found in a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lines {
    /// The lines, in their order.
    pub lines: Vec<Line>,
    /// Whether there are more than were asked for.
    pub has_more: bool,
}

/// Something to look for, ready for use.
pub struct Pattern {
    matcher: RegexMatcher,
    query: TrigramQuery,
}

impl Pattern {
    /// Reads what is looked for.
    ///
    /// # Errors
    /// When it is empty, too long, no regular expression, or cannot be found within a line.
    pub fn new(text: &str, kind: PatternKind, options: PatternOptions) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > PATTERN_BYTES_MAX {
            return Err(PatternError::TooLong);
        }
        let expression = match kind {
            PatternKind::Literal => regex_syntax::escape(text),
            PatternKind::Regex => text.to_owned(),
        };
        let query = TrigramQuery::of(&parsed(&expression, options)?);
        let mut builder = RegexMatcherBuilder::new();
        builder
            .multi_line(true)
            .unicode(true)
            .octal(false)
            .case_insensitive(options.ignores_case)
            .word(options.whole_words)
            .size_limit(PATTERN_PROGRAM_BYTES_MAX)
            .nest_limit(PATTERN_DEPTH_MAX)
            .line_terminator(Some(b'\n'));
        let matcher = builder.build(&expression).map_err(|error| match error.kind() {
            grep_regex::ErrorKind::NotAllowed(_) => PatternError::MultiLine,
            _ => PatternError::Syntax { reason: error.to_string() },
        })?;
        Ok(Self { matcher, query })
    }

    /// What a text must have to have a line that matches.
    #[must_use]
    pub fn query(&self) -> &TrigramQuery {
        &self.query
    }

    /// The lines of a text that match, at most so many.
    #[must_use]
    pub fn lines(&self, text: &[u8], most: usize) -> Lines {
        self.lines_with(&mut Scratch::default(), text, most)
    }

    /// The same, with what another search has left: whoever looks through many texts makes it once.
    #[must_use]
    pub fn lines_with(&self, scratch: &mut Scratch, text: &[u8], most: usize) -> Lines {
        let mut found = Found { matcher: &self.matcher, most, lines: Lines::default(), line: (0, 1) };
        let searcher = &mut scratch.0;
        // After a zero byte in a long text ripgrep stops, where its reader happens to be: so it is read as it does.
        let result = match text.contains(&0) {
            true => searcher.search_reader(&self.matcher, text, &mut Numbered { found: &mut found, text }),
            false => searcher.search_slice(&self.matcher, text, &mut Numbered { found: &mut found, text }),
        };
        // Neither slices nor this sink fail; the searcher's settings are constant.
        debug_assert!(result.is_ok());
        found.lines
    }

    /// Where it matches, in bytes of the text, in their order, at most so many.
    #[must_use]
    pub fn ranges(&self, text: &[u8], most: usize) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        let mut start = 0;
        while start < text.len() && ranges.len() < most {
            let end =
                text[start..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| start + at);
            ranges.extend(
                self.in_line(&text[start..end]).into_iter().map(|at| start + at.start..start + at.end),
            );
            start = end + 1;
        }
        ranges.truncate(most);
        ranges
    }

    /// What stands in place of each match, in their order, at most so many; each match lies within a line, as those of
    /// a search do. In a `template`, `$1` and `$name` are what the groups of the expression have found, and `$$` is a
    /// dollar sign.
    #[must_use]
    pub fn replacements(
        &self,
        text: &[u8],
        with: &str,
        template: bool,
        most: usize,
    ) -> Vec<(Range<usize>, Vec<u8>)> {
        let mut all = Vec::new();
        let mut start = 0;
        let Ok(mut groups) = self.matcher.new_captures() else { return all };
        while start < text.len() && all.len() < most {
            let end =
                text[start..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| start + at);
            let line = &text[start..end];
            // An error of this matcher is one that cannot be.
            let _never = self.matcher.captures_iter(line, &mut groups, |groups| {
                let Some(found) = groups.get(0) else { return true };
                let mut made = Vec::new();
                if template {
                    groups.interpolate(
                        |name| self.matcher.capture_index(name),
                        line,
                        with.as_bytes(),
                        &mut made,
                    );
                } else {
                    made.extend_from_slice(with.as_bytes());
                }
                all.push((start + found.start()..start + found.end(), made));
                all.len() < most
            });
            start = end + 1;
        }
        all
    }

    fn in_line(&self, line: &[u8]) -> Vec<Range<usize>> {
        in_line(&self.matcher, line)
    }
}

/// What the regular expression means, with the settings that the matcher has.
fn parsed(expression: &str, options: PatternOptions) -> Result<Hir, PatternError> {
    let mut parser = ParserBuilder::new()
        .unicode(true)
        .utf8(false)
        .multi_line(true)
        .octal(false)
        .case_insensitive(options.ignores_case)
        .nest_limit(PATTERN_DEPTH_MAX)
        .build();
    parser.parse(expression).map_err(|error| {
        let reason = match &error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            error => error.to_string(),
        };
        PatternError::Syntax { reason }
    })
}

/// What a search needs besides its pattern: buffers, which are the same for every text.
pub struct Scratch(Searcher);

impl Default for Scratch {
    fn default() -> Self {
        let mut builder = SearcherBuilder::new();
        builder.line_number(false).bom_sniffing(false).binary_detection(BinaryDetection::quit(0));
        Self(builder.build())
    }
}

fn in_line(matcher: &RegexMatcher, line: &[u8]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let found = matcher.find_iter(line, |found| {
        ranges.push(found.start()..found.end());
        ranges.len() < LINE_MATCHES_MAX
    });
    debug_assert!(found.is_ok(), "matching cannot fail");
    ranges
}

struct Found<'a> {
    matcher: &'a RegexMatcher,
    most: usize,
    lines: Lines,
    /// A byte at the start of a line, and the number of that line.
    line: (usize, u64),
}

struct Numbered<'a, 'b> {
    found: &'a mut Found<'b>,
    text: &'a [u8],
}

impl Sink for Numbered<'_, '_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> Result<bool, io::Error> {
        if self.found.lines.lines.len() >= self.found.most {
            self.found.lines.has_more = true;
            return Ok(false);
        }
        let start = usize::try_from(found.absolute_byte_offset()).unwrap_or(usize::MAX);
        let (last, number) = self.found.line;
        let between = self.text.get(last..start).unwrap_or_default();
        let number = number + line_feeds(between);
        self.found.line = (start, number);
        let bytes = found.bytes();
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        self.found.lines.lines.push(shown(number, start, line, in_line(self.found.matcher, line)));
        Ok(true)
    }
}

/// How many lines end in a part of a text. Counted in runs that the compiler makes wide.
fn line_feeds(text: &[u8]) -> u64 {
    let in_run = |run: &[u8]| u64::from(run.iter().map(|byte| u8::from(*byte == b'\n')).sum::<u8>());
    text.chunks(255).map(in_run).sum()
}

/// A line as it is shown.
fn shown(number: u64, start: usize, line: &[u8], matches: Vec<Range<usize>>) -> Line {
    let first = matches.first().cloned().unwrap_or(0..0);
    let column = String::from_utf8_lossy(&line[..first.start]).chars().count() as u64 + 1;
    let cut = part_around(line, first.start);
    let mut text = String::with_capacity(cut.len());
    let mut marked = Vec::with_capacity(matches.len());
    let mut done = cut.start;
    for range in matches {
        let range = range.start.clamp(done, cut.end)..range.end.clamp(done, cut.end);
        text.push_str(&String::from_utf8_lossy(&line[done..range.start]));
        let begin = text.len();
        text.push_str(&String::from_utf8_lossy(&line[range.clone()]));
        marked.push(begin..text.len());
        done = range.end;
    }
    text.push_str(&String::from_utf8_lossy(&line[done..cut.end]));
    if text.ends_with('\r') {
        text.pop();
        marked.iter_mut().for_each(|range| range.end = range.end.min(text.len()));
    }
    Line { number, column, text, matches: marked, at: start + first.start..start + first.end }
}

/// The part of a line that is shown: a little before the first match, and what follows; whole characters where it is text.
fn part_around(line: &[u8], first: usize) -> Range<usize> {
    if line.len() <= LINE_BYTES_MAX {
        return 0..line.len();
    }
    let is_inside = |at: usize| line.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let mut start = first.saturating_sub(LINE_BYTES_MAX / 4);
    let mut end = (start + LINE_BYTES_MAX).min(line.len());
    while start > 0 && is_inside(start) {
        start -= 1;
    }
    while end > start && is_inside(end) {
        end -= 1;
    }
    start..end
}
