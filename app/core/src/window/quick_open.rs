//! Going to a file, a symbol, a text or a line by typing.

use crate::limits::{QUICK_RESULTS_MAX, QUICK_STEP_NAMES};
use weft_index::{Fuzzy, Matched};

/// What was typed into quick open, by its first sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuickQuery {
    /// A file, with a line and a column behind colons.
    File {
        /// Letters of its path.
        name: String,
        /// The line, from 1.
        line: Option<usize>,
        /// The column, from 1.
        column: Option<usize>,
    },
    /// `>`: a command.
    Command(String),
    /// `@`: a symbol of the file.
    Symbol(String),
    /// `#`: a symbol of the workspace.
    WorkspaceSymbol(String),
    /// `/`: a text in the folder.
    Text(String),
    /// `?`: a meaning.
    Meaning(String),
    /// `:`: a line, from 1, with a column.
    Line {
        /// The line, from 1.
        line: Option<usize>,
        /// The column, from 1.
        column: Option<usize>,
    },
}

impl QuickQuery {
    /// Reads what was typed.
    pub fn parse(text: &str) -> Self {
        let rest = |sign: char| text.strip_prefix(sign).map(|rest| rest.trim_start().to_owned());
        if let Some(rest) = rest('>') {
            return Self::Command(rest);
        }
        if let Some(rest) = rest('@') {
            return Self::Symbol(rest);
        }
        if let Some(rest) = rest('#') {
            return Self::WorkspaceSymbol(rest);
        }
        if let Some(rest) = rest('/') {
            return Self::Text(rest);
        }
        if let Some(rest) = rest('?') {
            return Self::Meaning(rest);
        }
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default().trim().to_owned();
        let mut number = || parts.next().and_then(|part| part.trim().parse().ok());
        let (line, column) = (number(), number());
        if text.starts_with(':') {
            return Self::Line { line, column };
        }
        Self::File { name, line, column }
    }
}

/// A name that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// Which of the names.
    pub index: usize,
    /// How it fits.
    pub matched: Matched,
}

/// Ranks names piece by piece, so that a hundred thousand files do not hold up a frame.
#[derive(Debug, Clone, Default)]
pub struct QuickOpen {
    fuzzy: Fuzzy,
    next: usize,
    best: Vec<Ranked>,
}

impl QuickOpen {
    /// Starts with a query.
    pub fn new(query: &str) -> Self {
        Self { fuzzy: Fuzzy::new(query), next: 0, best: Vec::new() }
    }

    /// Looks at some more names. Call it with the same names until it tells that there are no more. Names that come
    /// first win over equal ones, so put those first that were used last.
    pub fn advance<Name: AsRef<str>>(&mut self, names: &[Name]) -> bool {
        let end = names.len().min(self.next + QUICK_STEP_NAMES);
        for (index, name) in names.iter().enumerate().take(end).skip(self.next) {
            if let Some(matched) = self.fuzzy.matches(name.as_ref()) {
                self.best.push(Ranked { index, matched });
            }
        }
        self.next = end;
        self.best.sort_by_key(|ranked| (std::cmp::Reverse(ranked.matched.score), ranked.index));
        if self.fuzzy.is_empty() {
            self.best.sort_by_key(|ranked| ranked.index);
        }
        self.best.truncate(QUICK_RESULTS_MAX);
        self.next < names.len()
    }

    /// The best so far, the best first.
    pub fn best(&self) -> &[Ranked] {
        &self.best
    }
}
