//! What comes in place of what was found.

use std::ops::Range;

use regex::Captures;
use ropey::Rope;

use super::Pattern;
use crate::limits::REPLACED_MAX;
use crate::text::{ChangeSet, Replacement};

/// What comes in place of a match.
///
/// For a regular expression `$1`, `${name}` and `$&` or `$0` stand for groups, `$$` for a dollar sign, `\n`, `\t` and
/// `\\` for what they stand for elsewhere, and `\U`, `\L`, `\u`, `\l` and `\E` change the case of what follows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    parts: Vec<Part>,
    keeps_case: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Number(usize),
    Name(String),
    Case(Case),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Upper,
    Lower,
    UpperOne,
    LowerOne,
    End,
}

impl Template {
    /// Makes a template of text that stands for itself. With `keeps_case` it is written like what it replaces.
    pub fn literal(text: &str, keeps_case: bool) -> Self {
        Self { parts: vec![Part::Text(text.to_owned())], keeps_case }
    }

    /// Reads a template for a regular expression. Signs that mean nothing stand for themselves.
    pub fn parse(source: &str) -> Self {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = source;
        while let Some(char) = rest.chars().next() {
            let (part, length) = match char {
                '$' => group(rest),
                '\\' => escape(rest),
                _ => (None, 0),
            };
            match part {
                Some(Part::Text(more)) => text.push_str(&more),
                Some(part) => {
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                    }
                    parts.push(part);
                }
                None => text.push(char),
            }
            rest = &rest[if length == 0 { char.len_utf8() } else { length }..];
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Self { parts, keeps_case: false }
    }

    fn expand(&self, captures: &Captures<'_>) -> String {
        let mut out = String::new();
        let (mut all, mut one) = (Case::End, None);
        for part in &self.parts {
            let text = match part {
                Part::Text(text) => text.as_str(),
                Part::Number(number) => captures.get(*number).map_or("", |group| group.as_str()),
                Part::Name(name) => captures.name(name).map_or("", |group| group.as_str()),
                Part::Case(case @ (Case::UpperOne | Case::LowerOne)) => {
                    one = Some(*case);
                    continue;
                }
                Part::Case(case) => {
                    all = *case;
                    continue;
                }
            };
            for char in text.chars() {
                match one.take().unwrap_or(all) {
                    Case::Upper | Case::UpperOne => out.extend(char.to_uppercase()),
                    Case::Lower | Case::LowerOne => out.extend(char.to_lowercase()),
                    Case::End => out.push(char),
                }
            }
        }
        if self.keeps_case { like(&out, &captures[0]) } else { out }
    }
}

/// A group at the start of a text, with its length.
fn group(text: &str) -> (Option<Part>, usize) {
    let rest = &text[1..];
    if rest.starts_with('$') {
        return (Some(Part::Text("$".to_owned())), 2);
    }
    if rest.starts_with('&') {
        return (Some(Part::Number(0)), 2);
    }
    if let Some(end) = rest.find('}').filter(|_| rest.starts_with('{')) {
        let name = &rest[1..end];
        let part = name.parse().map_or_else(|_| Part::Name(name.to_owned()), Part::Number);
        return (Some(part), end + 2);
    }
    let digits = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
    match rest[..digits].parse() {
        Ok(number) => (Some(Part::Number(number)), digits + 1),
        Err(_) => (None, 0),
    }
}

fn escape(text: &str) -> (Option<Part>, usize) {
    let part = match text.chars().nth(1) {
        Some('n') => Part::Text("\n".to_owned()),
        Some('t') => Part::Text("\t".to_owned()),
        Some('\\') => Part::Text("\\".to_owned()),
        Some('U') => Part::Case(Case::Upper),
        Some('L') => Part::Case(Case::Lower),
        Some('u') => Part::Case(Case::UpperOne),
        Some('l') => Part::Case(Case::LowerOne),
        Some('E') => Part::Case(Case::End),
        _ => return (None, 0),
    };
    (Some(part), 2)
}

/// Writes a text in capitals or with a capital when another one is.
fn like(text: &str, model: &str) -> String {
    let letters: Vec<char> = model.chars().filter(|char| char.is_alphabetic()).collect();
    let is_upper = letters.len() > 1 && letters.iter().all(|char| char.is_uppercase());
    if is_upper {
        return text.to_uppercase();
    }
    let mut chars = text.chars();
    match (letters.first(), chars.next()) {
        (Some(first), Some(own)) if first.is_uppercase() => own.to_uppercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

impl Pattern {
    /// The change that replaces everything that is found in the ranges, up to a limit, and how often it is replaced.
    pub fn replace_all(
        &self,
        rope: &Rope,
        within: &[Range<usize>],
        template: &Template,
    ) -> (ChangeSet, usize) {
        let mut replacements = Vec::new();
        for range in within {
            let range = range.start..range.end.min(rope.len_chars());
            self.each(rope, range.clone(), &mut |found, text, byte| {
                let is_inside = range.start <= found.start && found.end <= range.end;
                if is_inside && let Some(captures) = self.captures(text, byte) {
                    replacements.push(Replacement::new(found.start, found.end, template.expand(&captures)));
                }
                replacements.len() < REPLACED_MAX && found.start <= range.end
            });
        }
        let count = replacements.len();
        (ChangeSet::from_replacements(replacements), count)
    }

    /// The change that replaces one place; `None` when nothing is found just there any more.
    pub fn replace_one(&self, rope: &Rope, place: Range<usize>, template: &Template) -> Option<ChangeSet> {
        let mut change = None;
        let line_end = rope.len_chars().min(place.end);
        self.each(rope, place.start.min(line_end)..line_end, &mut |found, text, byte| {
            if found == place
                && let Some(captures) = self.captures(text, byte)
            {
                let replacement = Replacement::new(found.start, found.end, template.expand(&captures));
                change = Some(ChangeSet::from_replacements([replacement]));
            }
            found.start < place.start
        });
        change
    }

    /// The template that fits the pattern: with groups for a regular expression.
    pub fn template(&self, source: &str, keeps_case: bool) -> Template {
        if self.is_literal() { Template::literal(source, keeps_case) } else { Template::parse(source) }
    }
}
