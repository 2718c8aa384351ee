//! Texts within a text that are of another language: code in Markdown, scripts and styles in HTML.
//!
//! They are found in the tree of the outer text and have trees of their own, which are made on the same thread and follow
//! the same edits.

use std::ops::Range;
use std::sync::Arc;

use ropey::Rope;
use tree_sitter::{InputEdit, Node, Parser, Range as TreeRange, Tree};

use super::grammar::{self, Grammar};
use crate::language::Language;
use crate::limits::INNER_TREES_MAX;

/// The longest name of a language, in bytes, and of a tag in which one may be named.
const NAME_BYTES_MAX: usize = 64;
const TAG_BYTES_MAX: usize = 1_024;

/// A text within a text.
#[derive(Clone)]
pub(super) struct Inner {
    pub(super) language: &'static str,
    pub(super) grammar: Arc<Grammar>,
    pub(super) tree: Tree,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Inner").field("language", &self.language).finish_non_exhaustive()
    }
}

impl Inner {
    /// The parts of the outer text that are this text, in order.
    pub(super) fn ranges(&self) -> Vec<Range<usize>> {
        self.tree.included_ranges().iter().map(|range| range.start_byte..range.end_byte).collect()
    }

    /// Follows an edit of the outer text.
    pub(super) fn edit(&mut self, edit: &InputEdit) {
        self.tree.edit(edit);
    }
}

/// A node that holds another language, with that language and the node of its text.
struct Found<'tree> {
    language: &'static Language,
    content: Node<'tree>,
}

/// Makes the trees of what stands in an outer tree. `old` are those of the text before, in step with the edits since.
/// `None` when it was given up.
pub(super) fn trees(
    outer: &'static str,
    root: Node<'_>,
    rope: &Rope,
    old: &[Inner],
    stops: &mut dyn FnMut() -> bool,
) -> Option<Vec<Inner>> {
    if !matches!(outer, "markdown" | "html") {
        return Some(Vec::new());
    }
    let mut found = Vec::new();
    collect(root, rope, &mut found);
    let mut trees = Vec::with_capacity(found.len());
    for one in found {
        let Some(grammar) = grammar::of(one.language.id) else { continue };
        let ranges = ranges_of(one.content);
        let start = ranges.first().map(|range| range.start_byte);
        let before = old.iter().find(|old| {
            let is_there = old.tree.included_ranges().first().map(|range| range.start_byte) == start;
            is_there && old.language == one.language.id
        });
        let mut parser = Parser::new();
        let is_ready =
            parser.set_language(&grammar.language).is_ok() && parser.set_included_ranges(&ranges).is_ok();
        if !is_ready {
            continue;
        }
        let tree = super::job::parse(&mut parser, rope, before.map(|before| &before.tree), stops)?;
        trees.push(Inner { language: one.language.id, grammar, tree });
    }
    Some(trees)
}

fn collect<'tree>(node: Node<'tree>, rope: &Rope, out: &mut Vec<Found<'tree>>) {
    if out.len() >= INNER_TREES_MAX {
        return;
    }
    let language = match node.kind() {
        "fenced_code_block" => named_by(node, rope),
        "minus_metadata" => Language::by_id("yaml"),
        "script_element" => script(node, rope),
        "style_element" => Language::by_id("css"),
        _ => {
            let mut cursor = node.walk();
            for child in node.children(&mut cursor) {
                // What has one line of text only holds no block.
                if child.child_count() > 0 || child.kind() == "minus_metadata" {
                    collect(child, rope, out);
                }
            }
            return;
        }
    };
    let content = match node.kind() {
        "minus_metadata" => Some(node),
        _ => child_of(node, &["code_fence_content", "raw_text"]),
    };
    if let (Some(language), Some(content)) = (language, content)
        && content.start_byte() < content.end_byte()
    {
        out.push(Found { language, content });
    }
}

fn child_of<'tree>(node: Node<'tree>, kinds: &[&str]) -> Option<Node<'tree>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).find(|child| kinds.contains(&child.kind()))
}

fn text_of(node: Node<'_>, rope: &Rope, bytes_max: usize) -> Option<String> {
    let (start, end) = (node.start_byte(), node.end_byte());
    (end <= rope.len_bytes() && end - start <= bytes_max).then(|| String::from(rope.byte_slice(start..end)))
}

/// The language that stands behind the fence.
fn named_by(block: Node<'_>, rope: &Rope) -> Option<&'static Language> {
    let info = child_of(block, &["info_string"])?;
    let name = text_of(child_of(info, &["language"]).unwrap_or(info), rope, NAME_BYTES_MAX)?;
    let is_of_name = |char: char| char.is_alphanumeric() || matches!(char, '+' | '#' | '-' | '_');
    let name = name.trim_start_matches(['{', '.', ' ']);
    let end = name.find(|char: char| !is_of_name(char)).unwrap_or(name.len());
    Language::of_name(&name[..end])
}

/// The language of a script: JavaScript, unless its tag says another.
fn script(element: Node<'_>, rope: &Rope) -> Option<&'static Language> {
    let tag = child_of(element, &["start_tag"]).and_then(|tag| text_of(tag, rope, TAG_BYTES_MAX));
    let tag = tag.unwrap_or_default().to_lowercase();
    let id = if tag.contains("typescript") || tag.contains("lang=\"ts\"") {
        "typescript"
    } else if tag.contains("json") || tag.contains("importmap") {
        "json"
    } else if tag.contains("text/") && !tag.contains("javascript") {
        // Templates and shaders are something else.
        return None;
    } else {
        "javascript"
    };
    Language::by_id(id)
}

/// The parts of a node that are text: what continues a quote or a list stands between them.
fn ranges_of(content: Node<'_>) -> Vec<TreeRange> {
    let whole = content.range();
    let mut ranges = Vec::new();
    let mut from = (whole.start_byte, whole.start_point);
    let mut cursor = content.walk();
    for child in content.children(&mut cursor).filter(|child| child.kind() == "block_continuation") {
        let between = child.range();
        if from.0 < between.start_byte {
            ranges.push(TreeRange {
                start_byte: from.0,
                end_byte: between.start_byte,
                start_point: from.1,
                end_point: between.start_point,
            });
        }
        from = (between.end_byte, between.end_point);
    }
    if from.0 < whole.end_byte {
        ranges.push(TreeRange {
            start_byte: from.0,
            end_byte: whole.end_byte,
            start_point: from.1,
            end_point: whole.end_point,
        });
    }
    ranges
}
