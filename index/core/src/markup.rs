//! Reading HTML as people see it: its headings, and its lines without what only programs read.

use std::sync::Arc;

use crate::limits::SYMBOL_NAME_BYTES_MAX;
use crate::symbols::{Symbol, SymbolKind};

/// Whether a file of this name is read so.
#[must_use]
pub fn is_html(path: &str) -> bool {
    let end = path.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
    matches!(end.as_deref(), Some("html" | "htm" | "xhtml"))
}

/// What a line is inside of when it begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inside {
    is_tag: bool,
    is_comment: bool,
    /// The element whose text nobody sees, such as a script.
    hidden: Option<&'static str>,
}

/// Elements whose text nobody sees.
const HIDDEN: [&str; 4] = ["script", "style", "template", "svg"];

/// What a person sees of a line.
#[must_use]
pub fn seen(line: &str, inside: &mut Inside) -> String {
    let mut seen = String::new();
    let mut rest = line;
    while !rest.is_empty() {
        if inside.is_comment {
            let Some(end) = rest.find("-->") else { return seen };
            (inside.is_comment, rest) = (false, &rest[end + 3..]);
        } else if inside.is_tag {
            let Some(end) = rest.find('>') else { return seen };
            (inside.is_tag, rest) = (false, &rest[end + 1..]);
            seen.push(' ');
        } else if let Some(name) = inside.hidden {
            let Some(end) = closing(rest, name) else { return seen };
            (inside.hidden, inside.is_tag, rest) = (None, true, &rest[end..]);
        } else {
            let start = rest.find('<').unwrap_or(rest.len());
            decode(&rest[..start], &mut seen);
            rest = &rest[start..];
            if rest.starts_with("<!--") {
                (inside.is_comment, rest) = (true, &rest[4..]);
            } else if let Some(tag) = rest.strip_prefix('<') {
                let is_one = |name: &&&str| {
                    let after = tag.get(name.len()..).and_then(|after| after.chars().next());
                    tag.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
                        && after.is_none_or(|after| !after.is_alphanumeric())
                };
                inside.hidden = HIDDEN.iter().find(is_one).copied();
                inside.is_tag = inside.hidden.is_none();
                rest = tag;
            }
        }
    }
    seen
}

/// Where the end of a hidden element begins.
fn closing(text: &str, name: &str) -> Option<usize> {
    text.match_indices("</").map(|(at, _)| at).find(|at| {
        let end = text.get(at + 2..at + 2 + name.len());
        end.is_some_and(|end| end.eq_ignore_ascii_case(name))
    })
}

/// Puts names of letters in their place, as far as they are common.
fn decode(text: &str, into: &mut String) {
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        into.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.char_indices().take(12).find(|(_, char)| *char == ';').map(|(end, _)| end);
        let letter = end.and_then(|end| match &rest[1..end] {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "nbsp" => Some(' '),
            "mdash" => Some('—'),
            "ndash" => Some('–'),
            "hellip" => Some('…'),
            "auml" => Some('ä'),
            "ouml" => Some('ö'),
            "uuml" => Some('ü'),
            "szlig" => Some('ß'),
            name => {
                let number = name.strip_prefix('#')?;
                let number = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(number)
            }
        });
        match (letter, end) {
            (Some(letter), Some(end)) => {
                into.push(letter);
                rest = &rest[end + 1..];
            }
            _ => {
                into.push('&');
                rest = &rest[1..];
            }
        }
    }
    into.push_str(rest);
}

/// The headings of a text as sections.
#[must_use]
pub fn sections(text: &[u8]) -> Vec<Symbol> {
    let text = String::from_utf8_lossy(text);
    let mut inside = Inside::default();
    let mut all = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let is_heading = inside == Inside::default() && {
            let bytes = line.trim_start().as_bytes();
            matches!(bytes, [b'<', b'h' | b'H', b'1'..=b'6', b'>' | b' ', ..])
        };
        let seen = seen(line, &mut inside);
        let name = seen.split_whitespace().collect::<Vec<_>>().join(" ");
        if is_heading && !name.is_empty() && name.len() <= SYMBOL_NAME_BYTES_MAX {
            all.push(section(&name, number));
        }
    }
    all
}

/// A section that begins in a line and ends where the next begins.
#[must_use]
pub fn section(name: &str, line: u32) -> Symbol {
    Symbol { name: Arc::from(name), kind: SymbolKind::Section, line, column: 0, last_line: line, depth: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        let mut inside = Inside::default();
        text.lines()
            .map(|line| seen(line, &mut inside).split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    }

    #[test]
    fn only_what_is_seen_is_read() {
        let text = "<p class='a\n b'>One &amp; <b>two</b> &#228;&unknown; &</p>\n<script>if (a < b) { x }\n</script>three\n\
            <!-- no\n no --> four <SCRIPT src=x></SCRIPT>five\n<scripted>six";
        assert_eq!(all(text), ["", "One & two ä&unknown; &", "", "three", "", "four five", "six"]);
        for odd in ["<", "&", "&#;", "&#xffffffff;", "</", "<!--", "<style", "a<ü>b", "<scr\u{131}pt"] {
            all(odd);
        }
    }

    #[test]
    fn headings_are_sections() {
        let text = b"<html>\n<h1>The <i>plan</i></h1>\n<p>text</p>\n<h2 id=\"x\">More</h2>\n<h7>no</h7>\n<script>\n<h1>no</h1>\n";
        let found: Vec<(String, u32)> =
            sections(text).iter().map(|section| (section.name.to_string(), section.line)).collect();
        assert_eq!(found, [("The plan".to_owned(), 2), ("More".to_owned(), 4)]);
        assert!(is_html("a/b.HTML") && !is_html("html"));
    }
}
