//! Finding and replacing in the file that is shown.

use std::ops::Range;

use ropey::Rope;

use crate::search::{Pattern, Query, Search, Template};

/// What the find bar holds.
#[derive(Debug, Clone, Default)]
pub struct FindBar {
    is_open: bool,
    has_replacement: bool,
    query: Query,
    replacement: String,
    search: Option<Search>,
    /// Where is looked, when not everywhere.
    scope: Option<Range<usize>>,
    error: Option<String>,
}

/// How many pieces of a text are searched in one frame.
const STEPS_PER_FRAME: usize = 8;

impl FindBar {
    /// Opens the bar, with the field for the replacement or as it was.
    pub fn open(&mut self, has_replacement: bool) {
        self.is_open = true;
        self.has_replacement |= has_replacement;
    }

    /// Closes the bar. What was looked for is kept for the next time.
    pub fn close(&mut self) {
        self.is_open = false;
        self.has_replacement = false;
    }

    /// Whether it is shown.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether there is a field for the replacement.
    pub fn has_replacement(&self) -> bool {
        self.has_replacement
    }

    /// What is looked for.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Looks for something else.
    pub fn set_query(&mut self, query: Query) {
        if query == self.query && (self.search.is_some() || self.error.is_some()) {
            return;
        }
        self.query = query;
        (self.search, self.error) = match Search::new(&self.query) {
            Ok(search) => (Some(search), None),
            Err(_) if self.query.text.is_empty() => (None, None),
            Err(error) => (None, Some(error.to_string())),
        };
    }

    /// What comes in place of what was found.
    pub fn replacement(&self) -> &str {
        &self.replacement
    }

    /// Sets what comes in place of what was found.
    pub fn set_replacement(&mut self, replacement: String) {
        self.replacement = replacement;
    }

    /// Why nothing can be looked for.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The pattern, when there is one.
    pub fn pattern(&self) -> Option<&Pattern> {
        self.search.as_ref().map(Search::pattern)
    }

    /// The template of the replacement, when there is a pattern.
    pub fn template(&self) -> Option<Template> {
        self.pattern().map(|pattern| pattern.template(&self.replacement, false))
    }

    /// Searches some more of a text. Tells whether there is more to do.
    pub fn advance(&mut self, rope: &Rope, version: u64) -> bool {
        match &mut self.search {
            Some(search) if self.is_open => search.advance(rope, version, STEPS_PER_FRAME),
            _ => false,
        }
    }

    /// Begins anew: another file is shown.
    pub fn restart(&mut self) {
        if self.search.is_some() {
            self.search = Search::new(&self.query).ok();
        }
    }

    /// Looks only in a part of the text, or everywhere.
    pub fn set_scope(&mut self, scope: Option<Range<usize>>) {
        self.scope = scope;
    }

    /// Whether only a part of the text is looked at.
    pub fn has_scope(&self) -> bool {
        self.scope.is_some()
    }

    /// What was found so far.
    pub fn matches(&self) -> &[Range<usize>] {
        let all = self.search.as_ref().map_or(&[][..], Search::matches);
        let Some(scope) = &self.scope else { return all };
        let from = all.partition_point(|found| found.start < scope.start);
        let to = all.partition_point(|found| found.end <= scope.end);
        all.get(from..to).unwrap_or_default()
    }

    /// Which match a selection is, from 1, of how many; and whether there may be more than are counted.
    pub fn place_of(&self, selected: &Range<usize>) -> (Option<usize>, usize, bool) {
        let matches = self.matches();
        let index = matches.partition_point(|found| found.start < selected.start);
        let is_one = matches.get(index).is_some_and(|found| found == selected);
        (is_one.then_some(index + 1), matches.len(), self.search.as_ref().is_some_and(Search::is_cut))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str, is_regex: bool) -> Query {
        Query { text: text.to_owned(), is_regex, ..Query::default() }
    }

    #[test]
    fn places_are_counted_and_mistakes_told() {
        let rope = Rope::from_str("one two one two one");
        let mut bar = FindBar::default();
        bar.open(false);
        bar.set_query(query("one", false));
        while bar.advance(&rope, 1) {}
        assert_eq!(bar.place_of(&(8..11)), (Some(2), 3, false));
        assert_eq!(bar.place_of(&(9..9)), (None, 3, false));
        bar.set_query(query("(", true));
        assert!(bar.error().is_some());
        assert!(bar.matches().is_empty());
        bar.set_query(query("", true));
        assert_eq!(bar.error(), None);
    }

    #[test]
    fn a_closed_bar_searches_nothing() {
        let mut bar = FindBar::default();
        bar.set_query(query("one", false));
        assert!(!bar.advance(&Rope::from_str("one"), 1));
        assert!(bar.matches().is_empty());
        bar.open(true);
        assert!(bar.has_replacement());
        bar.close();
        bar.open(false);
        assert!(!bar.has_replacement());
    }
}
