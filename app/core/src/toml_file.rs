//! TOML files of the person, with places of what is wrong in them.

use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::limits::{SETTINGS_BYTES_MAX, SETTINGS_PROBLEMS_MAX};

/// Something wrong in a file. What is right in it counts all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do, where that is known.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// Collects problems of one file.
pub(crate) struct Problems<'a> {
    text: &'a str,
    list: Vec<Problem>,
}

impl<'a> Problems<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, list: Vec::new() }
    }

    pub(crate) fn push(&mut self, byte: usize, message: impl Into<String>, hint: Option<String>) {
        let (line, column) = place(self.text, byte);
        // What else is wrong on a line mostly follows from the first mistake on it.
        let is_told = self.list.iter().any(|problem| problem.line == line);
        if !is_told && self.list.len() < SETTINGS_PROBLEMS_MAX {
            self.list.push(Problem { line, column, message: message.into(), hint });
        }
    }

    pub(crate) fn line_of(&self, byte: usize) -> usize {
        place(self.text, byte).0
    }

    pub(crate) fn finish(mut self) -> Vec<Problem> {
        self.list.sort_by_key(|problem| (problem.line, problem.column));
        self.list
    }
}

fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// Reads a file as far as it can be read; what cannot goes to the problems.
pub(crate) fn read<'a>(text: &'a str, problems: &mut Problems<'_>) -> Spanned<DeTable<'a>> {
    if text.len() > SETTINGS_BYTES_MAX {
        problems.push(0, format!("the file has more than {SETTINGS_BYTES_MAX} bytes"), None);
        return Spanned::new(0..0, DeTable::new());
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    let has_places = errors.iter().any(|error| error.span().is_some());
    for error in errors.iter().filter(|error| !has_places || error.span().is_some()) {
        let byte = error.span().map_or(0, |span| span.start);
        problems.push(byte, error.message(), None);
    }
    table
}

/// What a value is, for messages.
pub(crate) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The name among some that a misspelt one is closest to.
pub(crate) fn closest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = names.map(|other| (distance(name, other), other));
    scored.min().filter(|(distance, _)| *distance <= name.len() / 3 + 1).map(|(_, other)| other)
}

fn distance(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().collect();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (line, own) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (index, other) in two.iter().enumerate() {
            let cost = diagonal + usize::from(own != *other);
            diagonal = row[index + 1];
            row[index + 1] = cost.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[two.len()]
}
