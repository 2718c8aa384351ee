//! A syntax tree and what can be asked of it.

use std::ops::Range;
use std::sync::Arc;

use ropey::Rope;
use tree_sitter::{InputEdit, Node, Tree};
use weft_crdt::CharIndex;

use super::Span;
use super::grammar::{self, Grammar};
use super::highlight::highlights;
use super::inner::Inner;
use super::outline::{OutlineItem, outline};
use crate::display::Fold;
use crate::language::{LANGUAGES, Language};
use crate::limits::FOLDS_MAX;
use crate::text::line_end;

/// A syntax tree. Cloning is cheap; it may go to another thread together with the text that it belongs to.
#[derive(Clone)]
pub struct SyntaxTree {
    pub(super) tree: Tree,
    /// The texts of other languages in it, in order.
    pub(super) inner: Vec<Inner>,
    grammar: Arc<Grammar>,
    language: &'static Language,
}

impl std::fmt::Debug for SyntaxTree {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SyntaxTree").field("language", &self.language.id).finish_non_exhaustive()
    }
}

/// Whether there is a grammar, without making it.
pub(super) fn has_grammar(id: &str) -> bool {
    LANGUAGES.iter().any(|language| language.id == id)
}

/// Nodes that can be folded from their first line to their last.
const FOLDED_KINDS: &[&str] = &[
    "element",
    "script_element",
    "style_element",
    "section",
    "comment",
    "block_comment",
    "line_comment",
    "fenced_code_block",
    "raw_string_literal",
    "template_string",
    "heredoc_body",
];

impl SyntaxTree {
    pub(super) fn new(language: &'static Language, tree: Tree, inner: Vec<Inner>) -> Option<Self> {
        Some(Self { tree, inner, grammar: grammar::of(language.id)?, language })
    }

    /// Follows an edit of the text.
    pub(super) fn edit(&mut self, edit: &InputEdit) {
        self.tree.edit(edit);
        for inner in &mut self.inner {
            inner.edit(edit);
        }
    }

    /// The colours of a part of the text.
    pub fn highlights(&self, rope: &Rope, range: Range<CharIndex>) -> Vec<Span> {
        let end = range.end.0.min(rope.len_chars());
        let bytes = rope.char_to_byte(range.start.0.min(end))..rope.char_to_byte(end);
        if bytes.is_empty() {
            return Vec::new();
        }
        highlights(&self.grammar, self.tree.root_node(), &self.inner, rope, bytes)
    }

    /// What the text defines. For a large text this takes a while.
    pub fn outline(&self, rope: &Rope) -> Vec<OutlineItem> {
        outline(&self.grammar, self.tree.root_node(), rope)
    }

    /// Whether a character is code: neither in a text nor in a comment.
    pub fn is_code(&self, rope: &Rope, at: CharIndex) -> bool {
        let byte = rope.char_to_byte(at.0.min(rope.len_chars()));
        let mut node = self.tree.root_node().descendant_for_byte_range(byte, byte + 1);
        for _ in 0..4 {
            let Some(inner) = node else { return true };
            let kind = inner.kind();
            let is_text =
                kind.contains("comment") || kind.contains("string") || kind.contains("char_literal");
            // What is put into a text is code again.
            if kind.contains("substitution") || kind.contains("interpolation") {
                return true;
            }
            if is_text {
                return false;
            }
            node = inner.parent();
        }
        true
    }

    /// The other one of the pair of which a bracket stands at a position. The tree knows which brackets are code.
    pub fn matching_bracket(&self, rope: &Rope, at: CharIndex) -> Option<CharIndex> {
        let char = rope.get_char(at.0)?;
        let byte = rope.char_to_byte(at.0);
        let node = self.tree.root_node().descendant_for_byte_range(byte, byte + char.len_utf8())?;
        let own = char.encode_utf8(&mut [0; 4]).to_owned();
        if node.kind() != own {
            return None;
        }
        let (other, is_opening) = match self.language.closer(char) {
            Some(close) => (close, true),
            None => (self.language.opener(char)?, false),
        };
        let other = other.to_string();
        let mut sibling = Some(node);
        let mut depth = 0;
        loop {
            sibling =
                sibling.and_then(|node| if is_opening { node.next_sibling() } else { node.prev_sibling() });
            let next = sibling?;
            if next.kind() == own {
                depth += 1;
            } else if next.kind() == other {
                if depth == 0 {
                    let byte = next.start_byte();
                    return (byte < rope.len_bytes()).then(|| CharIndex(rope.byte_to_char(byte)));
                }
                depth -= 1;
            }
        }
    }

    /// What is selected next when a selection grows: the smallest node around it that is larger.
    pub fn node_around(&self, rope: &Rope, range: Range<CharIndex>) -> Option<Range<CharIndex>> {
        let length = rope.len_chars();
        let (start, end) = (range.start.0.min(length), range.end.0.min(length));
        let bytes = rope.char_to_byte(start)..rope.char_to_byte(end);
        let mut node = self.tree.root_node().named_descendant_for_byte_range(bytes.start, bytes.end);
        while let Some(inner) = node {
            let (from, to) = (inner.start_byte(), inner.end_byte().min(rope.len_bytes()));
            let is_around = from <= bytes.start && bytes.end <= to;
            if is_around && to - from > bytes.len() {
                return Some(CharIndex(rope.byte_to_char(from))..CharIndex(rope.byte_to_char(to)));
            }
            node = inner.parent();
        }
        None
    }

    /// What can be folded in some lines: brackets over several lines, comments, elements and sections. The line of a
    /// closing bracket stays visible.
    pub fn folds(&self, rope: &Rope, lines: Range<usize>) -> Vec<Fold> {
        let mut found = Vec::new();
        self.collect_folds(self.tree.root_node(), &lines, &mut found);
        found.sort_unstable();
        // One fold a line: the largest, for it holds the others.
        found.dedup_by(|next, last| {
            let is_same = next.0 == last.0;
            if is_same {
                last.1 = last.1.max(next.1);
            }
            is_same
        });
        let last_line = rope.len_lines() - 1;
        let folds = found.into_iter().filter(|(_, end)| *end <= last_line).map(|(start, end)| Fold {
            start: CharIndex(line_end(rope, start)),
            end: CharIndex(rope.line_to_char(end)),
        });
        folds.collect()
    }

    fn collect_folds(&self, node: Node<'_>, lines: &Range<usize>, out: &mut Vec<(usize, usize)>) {
        let (start, end) = (node.start_position().row, node.end_position().row);
        let is_far = end < lines.start || start >= lines.end;
        if is_far || start == end || out.len() >= FOLDS_MAX {
            return;
        }
        if FOLDED_KINDS.contains(&node.kind()) {
            // A node that ends at the start of a line does not hold that line.
            let last = if node.end_position().column == 0 { end.saturating_sub(1) } else { end };
            let is_element = node.kind().ends_with("element");
            let last = if is_element { last.saturating_sub(1) } else { last };
            if last > start {
                out.push((start, last));
            }
        }
        let mut open: Vec<(usize, char)> = Vec::new();
        let mut cursor = node.walk();
        if !cursor.goto_first_child() {
            return;
        }
        loop {
            let child = cursor.node();
            let mut kind = child.kind().chars();
            if let (Some(char), None) = (kind.next(), kind.next()) {
                let row = child.start_position().row;
                if let Some(close) = self.language.closer(char) {
                    open.push((row, close));
                } else if let Some((start, _)) = open.pop_if(|(_, close)| *close == char)
                    && row > start + 1
                {
                    out.push((start, row - 1));
                }
            } else {
                self.collect_folds(child, lines, out);
            }
            if !cursor.goto_next_sibling() {
                return;
            }
        }
    }
}
