//! A search that goes on while the person types and the text changes.

use std::ops::Range;

use ropey::Rope;

use super::{Pattern, Query, QueryError};
use crate::limits::{MATCHES_MAX, SEARCHED_BYTES_STEP};

/// All places of a pattern in a text, found piece by piece.
#[derive(Debug, Clone)]
pub struct Search {
    pattern: Pattern,
    /// The version of the text that was searched.
    version: u64,
    /// Where the search goes on; `None` when it is done.
    next: Option<usize>,
    matches: Vec<Range<usize>>,
}

impl Search {
    /// Starts a search.
    pub fn new(query: &Query) -> Result<Self, QueryError> {
        Ok(Self { pattern: Pattern::new(query)?, version: 0, next: Some(0), matches: Vec::new() })
    }

    /// The pattern.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Searches some more, from the start when the text has changed. Tells whether there is more to do.
    pub fn advance(&mut self, rope: &Rope, version: u64, steps: usize) -> bool {
        if version != self.version {
            self.version = version;
            self.next = Some(0);
            self.matches.clear();
        }
        for _ in 0..steps {
            let Some(from) = self.next else { return false };
            if self.pattern.spans_lines() {
                self.matches = self.pattern.find_all(rope, MATCHES_MAX);
                self.next = None;
                return false;
            }
            let start = rope.char_to_byte(from.min(rope.len_chars()));
            let end_line = rope.byte_to_line((start + SEARCHED_BYTES_STEP).min(rope.len_bytes())) + 1;
            let end = rope.line_to_char(end_line.min(rope.len_lines()));
            let is_last = end >= rope.len_chars();
            let left = MATCHES_MAX - self.matches.len();
            // The line at the end belongs to the next step.
            let range = from..if is_last { end } else { end.saturating_sub(1).max(from) };
            let found = self.pattern.find_in(rope, range, left);
            self.matches.extend(found);
            let is_full = self.matches.len() >= MATCHES_MAX;
            self.next = (!is_last && !is_full).then_some(end);
        }
        self.next.is_some()
    }

    /// What was found so far, in order.
    pub fn matches(&self) -> &[Range<usize>] {
        &self.matches
    }

    /// Whether more than the limit may be there.
    pub fn is_cut(&self) -> bool {
        self.matches.len() >= MATCHES_MAX
    }

    /// The number of the match that begins at or behind a position, from 0.
    pub fn index_of(&self, at: usize) -> Option<usize> {
        let index = self.matches.partition_point(|found| found.start < at);
        (index < self.matches.len()).then_some(index)
    }
}
