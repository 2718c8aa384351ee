//! How well a text parses: where a grammar finds what it does not know.

use std::ops::ControlFlow;

use tree_sitter::{Language as Grammar, ParseOptions, ParseState, Parser};

use crate::language::{Language, grammar_source};
use crate::limits::{SYMBOL_TEXT_BYTES_MAX, SYNTAX_ERRORS_MAX};

/// The lines, from 1, of the errors in a text, in their order and at most [`SYNTAX_ERRORS_MAX`] of them.
///
/// `None` for a language without a grammar, a text that is too long, and when `stops`, which is asked now and then, says so.
#[must_use]
pub fn syntax_errors(path: &str, text: &str, stops: &mut dyn FnMut() -> bool) -> Option<Vec<u32>> {
    if text.len() > SYMBOL_TEXT_BYTES_MAX {
        return None;
    }
    let first_line = text.lines().next().unwrap_or_default();
    let grammar = Grammar::new(grammar_source(Language::of_file(path, first_line).id)?.language);
    let mut parser = Parser::new();
    parser.set_language(&grammar).ok()?;
    let mut progress =
        |_: &ParseState| if stops() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let mut read = |byte: usize, _| text.as_bytes().get(byte..).unwrap_or_default();
    let tree = parser.parse_with_options(&mut read, None, Some(options))?;
    let mut lines = Vec::new();
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        let is_error = node.is_error() || node.is_missing();
        if is_error {
            lines.push(u32::try_from(node.start_position().row).unwrap_or(u32::MAX).saturating_add(1));
        }
        if lines.len() == SYNTAX_ERRORS_MAX {
            break;
        }
        // What lies in an error is part of it.
        if node.has_error() && !is_error && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return Some(lines);
            }
        }
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(path: &str, text: &str) -> Option<Vec<u32>> {
        syntax_errors(path, text, &mut || false)
    }

    #[test]
    fn errors_are_found_with_their_lines() {
        assert_eq!(errors("a.rs", "fn a() {}\n"), Some(vec![]));
        assert_eq!(errors("a.rs", "fn a() {}\n\nfn b( {}\n").map(|lines| lines[0]), Some(3));
        assert_eq!(errors("a.py", "def a():\n    return (1\n").map(|lines| !lines.is_empty()), Some(true));
        assert_eq!(errors("a.json", "{\"a\": [1, 2]}"), Some(vec![]));
        assert_eq!(errors("run", "#!/bin/sh\nif true; then echo; fi\n"), Some(vec![]));
        assert_eq!(errors("a.unheard-of", "((("), None);
    }

    #[test]
    fn errors_are_bounded() {
        let many = "fn ( {\n".repeat(SYNTAX_ERRORS_MAX * 2);
        assert!(errors("a.rs", &many).is_some_and(|lines| lines.len() <= SYNTAX_ERRORS_MAX));
        let many = "x )\nfn a() {}\n".repeat(SYNTAX_ERRORS_MAX + 1);
        assert_eq!(errors("a.rs", &many).map(|lines| lines.len()), Some(SYNTAX_ERRORS_MAX));
        assert_eq!(errors("a.rs", &" ".repeat(SYMBOL_TEXT_BYTES_MAX + 1)), None);
        let deep = "(".repeat(100_000);
        assert!(errors("a.rs", &deep).is_some(), "depth needs no stack");
        let long = "fn a() { b(); }\n".repeat(50_000);
        assert_eq!(syntax_errors("a.rs", &long, &mut || true), None);
    }
}
