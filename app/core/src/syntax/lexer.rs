//! Colours without a tree: each line by itself. For texts that are too large for a tree, and until there is one.

use std::ops::Range;

use ropey::Rope;
use weft_crdt::CharIndex;

use super::{Highlight, Span};
use crate::language::Language;
use crate::limits::LEXED_LINE_CHARS_MAX;
use crate::text::{line_end, line_of, line_start};

/// The colours of a part of a text. A comment or text over several lines is known only in the line where it begins.
pub(crate) fn lexed(rope: &Rope, language: &Language, range: Range<CharIndex>) -> Vec<Span> {
    let mut spans = Vec::new();
    let end = range.end.0.min(rope.len_chars());
    let start = range.start.0.min(end);
    for line in line_of(rope, start)..=line_of(rope, end) {
        let from = line_start(rope, line);
        let to = line_end(rope, line).min(from + LEXED_LINE_CHARS_MAX);
        let text: Vec<char> = rope.slice(from..to).chars().collect();
        Lexer { text: &text, language, at: 0 }.run(|part, kind| {
            let (part_start, part_end) = ((from + part.start).max(start), (from + part.end).min(end));
            if part_start < part_end {
                spans.push(Span { start: CharIndex(part_start), end: CharIndex(part_end), kind });
            }
        });
    }
    spans
}

struct Lexer<'a> {
    text: &'a [char],
    language: &'a Language,
    at: usize,
}

impl Lexer<'_> {
    fn run(mut self, mut emit: impl FnMut(Range<usize>, Highlight)) {
        if self.language.id == "text" {
            return;
        }
        while let Some(char) = self.text.get(self.at).copied() {
            let start = self.at;
            let kind = self.token(char);
            self.at = self.at.max(start + 1);
            if let Some(kind) = kind {
                emit(start..self.at, kind);
            }
        }
    }

    fn starts_with(&self, token: &str) -> bool {
        let rest = &self.text[self.at..];
        token.chars().count() <= rest.len() && token.chars().zip(rest).all(|(one, two)| one == *two)
    }

    /// Goes behind a token and says what it is.
    fn token(&mut self, char: char) -> Option<Highlight> {
        if self.language.line_comment.is_some_and(|token| self.starts_with(token)) {
            self.at = self.text.len();
            return Some(Highlight::Comment);
        }
        if let Some((open, close)) = self.language.block_comment
            && self.starts_with(open)
        {
            self.at += open.chars().count();
            while self.at < self.text.len() && !self.starts_with(close) {
                self.at += 1;
            }
            self.at = self.text.len().min(self.at + close.chars().count());
            return Some(Highlight::Comment);
        }
        if self.language.quotes.contains(&char) {
            return Some(self.quoted(char));
        }
        if char.is_ascii_digit() {
            self.take_while(|char| char.is_alphanumeric() || char == '_' || char == '.');
            return Some(Highlight::Number);
        }
        if char.is_alphabetic() || char == '_' {
            return self.word();
        }
        if "()[]{},;.".contains(char) {
            return Some(Highlight::Punctuation);
        }
        "+-*/%=<>!&|^~?:@#$".contains(char).then_some(Highlight::Operator)
    }

    fn take_while(&mut self, takes: impl Fn(char) -> bool) {
        while self.text.get(self.at).is_some_and(|char| takes(*char)) {
            self.at += 1;
        }
    }

    fn quoted(&mut self, quote: char) -> Highlight {
        self.at += 1;
        while let Some(char) = self.text.get(self.at) {
            self.at += 1;
            if *char == '\\' {
                self.at += 1;
            } else if *char == quote {
                break;
            }
        }
        self.at = self.at.min(self.text.len());
        Highlight::String
    }

    fn word(&mut self) -> Option<Highlight> {
        let start = self.at;
        self.take_while(|char| char.is_alphanumeric() || char == '_');
        let mut word: String = self.text[start..self.at].iter().collect();
        if self.language.id == "sql" {
            word = word.to_lowercase();
        }
        if self.language.keywords.binary_search(&word.as_str()).is_ok() {
            return Some(Highlight::Keyword);
        }
        let next = self.text[self.at..].iter().find(|char| !char.is_whitespace());
        if next == Some(&'(') {
            return Some(Highlight::Function);
        }
        let is_type = word.starts_with(char::is_uppercase) && word.chars().any(char::is_lowercase);
        is_type.then_some(Highlight::Type)
    }
}
