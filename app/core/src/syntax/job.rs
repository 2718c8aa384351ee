//! Making a tree, away from the window.

use std::ops::ControlFlow;

use ropey::Rope;
use tree_sitter::{ParseOptions, Parser, Tree};

use super::grammar;

/// A tree to be made. It holds a copy of the text that costs nothing, so it can go to another thread.
#[derive(Debug)]
pub struct ParseJob {
    pub(super) rope: Rope,
    pub(super) version: u64,
    pub(super) language: &'static str,
    pub(super) old: Option<Tree>,
}

/// A tree that was made.
#[derive(Debug)]
pub struct Parsed {
    pub(super) version: u64,
    pub(super) language: &'static str,
    pub(super) tree: Tree,
}

impl ParseJob {
    /// Makes the tree. `stops` is asked every now and then; when it says `true` the job is given up, for example
    /// because the text has changed again.
    pub fn run(self, stops: &mut dyn FnMut() -> bool) -> Option<Parsed> {
        let grammar = grammar::of(self.language)?;
        let mut parser = Parser::new();
        parser.set_language(&grammar.language).ok()?;
        let tree = parse(&mut parser, &self.rope, self.old.as_ref(), stops)?;
        Some(Parsed { version: self.version, language: self.language, tree })
    }
}

pub(super) fn parse(
    parser: &mut Parser,
    rope: &Rope,
    old: Option<&Tree>,
    stops: &mut dyn FnMut() -> bool,
) -> Option<Tree> {
    let mut read = |byte: usize, _| -> &[u8] {
        if byte >= rope.len_bytes() {
            return &[];
        }
        let (chunk, start, _, _) = rope.chunk_at_byte(byte);
        &chunk.as_bytes()[byte - start..]
    };
    let mut progress = |_: &tree_sitter::ParseState| {
        if stops() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    parser.parse_with_options(&mut read, old, Some(options))
}
