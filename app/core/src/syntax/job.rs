//! Making a tree, away from the window.

use std::ops::ControlFlow;

use ropey::Rope;
use tree_sitter::{ParseOptions, Parser, Tree};

use super::grammar;
use super::inner::{self, Inner};

/// A tree to be made. It holds a copy of the text that costs nothing, so it can go to another thread.
#[derive(Debug)]
pub struct ParseJob {
    pub(super) rope: Rope,
    pub(super) version: u64,
    pub(super) language: &'static str,
    pub(super) old: Option<(Tree, Vec<Inner>)>,
}

/// A tree that was made.
#[derive(Debug)]
pub struct Parsed {
    pub(super) version: u64,
    pub(super) language: &'static str,
    pub(super) tree: Tree,
    pub(super) inner: Vec<Inner>,
}

impl ParseJob {
    /// Makes the tree. `stops` is asked every now and then; when it says `true` the job is given up, for example
    /// because the text has changed again.
    pub fn run(self, stops: &mut dyn FnMut() -> bool) -> Option<Parsed> {
        let grammar = grammar::of(self.language)?;
        let mut parser = Parser::new();
        parser.set_language(&grammar.language).ok()?;
        let (old, old_inner) = self.old.map_or_else(Default::default, |(tree, inner)| (Some(tree), inner));
        let tree = parse(&mut parser, &self.rope, old.as_ref(), stops)?;
        let inner = inner::trees(self.language, tree.root_node(), &self.rope, &old_inner, stops)?;
        Some(Parsed { version: self.version, language: self.language, tree, inner })
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
