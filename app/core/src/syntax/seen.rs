//! The colours of what is seen. While somebody types, the tree is asked about the lines that changed, and about the rest in the
//! next pause: to ask about a whole screen costs a third of a frame.

use std::ops::Range;
use std::time::Duration;

use weft_crdt::CharIndex;

use super::Span;
use crate::document::Document;
use crate::limits::{SEEN_CHANGED_CHARS_MAX, SEEN_CHARS_MAX};

/// So long after the last change everything that is seen is asked about again.
const PAUSE: Duration = Duration::from_millis(60);

/// The colours of a part of a text, from frame to frame.
#[derive(Debug, Default)]
pub struct SeenColors {
    spans: Vec<Span>,
    seen: Option<Seen>,
}

/// What the spans are of.
#[derive(Debug)]
struct Seen {
    version: u64,
    trees: u64,
    range: Range<usize>,
    /// The text of the range; empty when it is too long to be compared.
    text: String,
    /// When the last change came after which only a part was asked about, and that part, from the start of the range.
    part: Option<(Duration, Range<usize>)>,
}

/// What is equal at the beginning and at the end of two texts, in characters of both: `(beginning, end)`.
fn equal_ends(old: &str, new: &str) -> (usize, usize) {
    let front = old.chars().zip(new.chars()).take_while(|(old, new)| old == new).count();
    let room = old.chars().count().min(new.chars().count()) - front;
    let back = old.chars().rev().zip(new.chars().rev()).take_while(|(old, new)| old == new).count();
    (front, back.min(room))
}

impl SeenColors {
    /// The spans, in order, as of the last update.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Nothing is seen.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Brings the spans up to date with what is seen at `now`, a time that only grows. Tells when to be asked again, where
    /// something is left for a pause.
    pub fn update(
        &mut self,
        document: &Document,
        range: Range<CharIndex>,
        now: Duration,
    ) -> Option<Duration> {
        let range = range.start.0..range.end.0.max(range.start.0);
        let (version, trees) = (document.version(), document.trees());
        let is_same = self
            .seen
            .as_ref()
            .is_some_and(|seen| (seen.version, seen.trees, &seen.range) == (version, trees, &range));
        if is_same {
            let since = self.seen.as_ref()?.part.as_ref()?.0;
            let passed = now.saturating_sub(since);
            if passed < PAUSE {
                return Some(PAUSE - passed);
            }
        }
        let text = match range.len() {
            0..=SEEN_CHARS_MAX => document.buffer().rope().slice(range.clone()).to_string(),
            _ => String::new(),
        };
        let part = match is_same {
            true => None,
            false => self.part(document, &range, &text, now),
        };
        if part.is_none() {
            self.spans = document.highlights(CharIndex(range.start)..CharIndex(range.end));
        }
        let again = part.as_ref().map(|_| PAUSE);
        self.seen = Some(Seen { version, trees, range, text, part });
        again
    }

    /// Asks about the lines that changed, and moves what stands behind them; `None` where everything must be asked about.
    fn part(
        &mut self,
        document: &Document,
        range: &Range<usize>,
        text: &str,
        now: Duration,
    ) -> Option<(Duration, Range<usize>)> {
        let seen = self.seen.as_ref().filter(|seen| !seen.text.is_empty() && !text.is_empty())?;
        let (old_len, new_len) = (seen.range.len(), range.len());
        let (since, lines) = if seen.version == document.version() {
            // A new tree of a text that was changed just now.
            let (since, lines) = seen.part.clone().filter(|_| seen.range == *range)?;
            (since, lines)
        } else {
            let (front, back) = equal_ends(&seen.text, text);
            (now, whole_lines(text, front..new_len - back))
        };
        if now.saturating_sub(since) >= PAUSE || lines.len() > SEEN_CHANGED_CHARS_MAX {
            return None;
        }
        let behind = (lines.end + old_len).checked_sub(new_len)?;
        let (old_start, new_start) = (seen.range.start, range.start);
        let place = |from: usize, to: usize, span: &Span| {
            (from < to).then_some(Span { start: CharIndex(from), end: CharIndex(to), kind: span.kind })
        };
        let before = self.spans.iter().filter_map(|span| {
            let (from, to) = (span.start.0 - old_start, span.end.0 - old_start);
            place(new_start + from, new_start + to.min(lines.start), span)
        });
        let after = self.spans.iter().filter_map(|span| {
            let (from, to) = (span.start.0 - old_start, span.end.0 - old_start);
            let moved = |at: usize| new_start + at + new_len - old_len;
            (to > behind).then(|| place(moved(from.max(behind)), moved(to), span)).flatten()
        });
        let asked = CharIndex(new_start + lines.start)..CharIndex(new_start + lines.end);
        let spans = before.chain(document.highlights(asked)).chain(after).collect();
        self.spans = spans;
        Some((since, lines))
    }
}

/// A part of a text with the rest of its first and its last line, in characters.
fn whole_lines(text: &str, part: Range<usize>) -> Range<usize> {
    let (mut start, mut end) = (0, None);
    let mut count = 0;
    for (at, char) in text.chars().enumerate() {
        count = at + 1;
        if char == '\n' {
            if at < part.start {
                start = at + 1;
            }
            if at >= part.end && end.is_none() {
                end = Some(at);
            }
        }
    }
    start..end.unwrap_or(count)
}
