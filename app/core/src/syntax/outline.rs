//! What a text defines, for jumping there.

use std::ops::Range;

use ropey::Rope;
use tree_sitter::{Node, QueryCursor, StreamingIterator as _};
use weft_crdt::CharIndex;

use super::grammar::Grammar;
use crate::limits::{OUTLINE_ITEMS_MAX, OUTLINE_NAME_CHARS_MAX};

/// What is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutlineKind {
    /// A class, structure or other type.
    Type,
    /// An interface or trait.
    Interface,
    /// A function or method.
    Function,
    /// A module.
    Module,
    /// A constant or variable.
    Constant,
    /// A macro.
    Macro,
    /// A section of a document or of settings.
    Section,
}

impl OutlineKind {
    pub(super) fn of_capture(name: &str) -> Option<Self> {
        Some(match name.strip_prefix("definition.")? {
            "class" | "struct" | "enum" | "type" | "union" | "table" => Self::Type,
            "interface" | "trait" => Self::Interface,
            "function" | "method" | "constructor" => Self::Function,
            "module" | "namespace" => Self::Module,
            "constant" | "variable" | "field" | "property" => Self::Constant,
            "macro" => Self::Macro,
            "section" => Self::Section,
            _ => return None,
        })
    }
}

/// Something that is defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlineItem {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: OutlineKind,
    /// How deep it lies in other items.
    pub depth: usize,
    /// All of it.
    pub range: Range<CharIndex>,
    /// Where its name stands.
    pub name_start: CharIndex,
}

/// Queries of our own for languages whose crates have none.
pub(super) const OUTLINE_QUERIES: &[(&str, &str)] = &[
    ("bash", "(function_definition name: (word) @name) @definition.function"),
    ("css", "(rule_set (selectors) @name) @definition.section"),
    ("json", "(document (object (pair key: (string) @name) @definition.section))"),
    (
        "markdown",
        "(section (atx_heading heading_content: (inline) @name)) @definition.section
         (section (setext_heading heading_content: (paragraph) @name)) @definition.section",
    ),
    ("sql", "(create_table (object_reference) @name) @definition.table"),
    (
        "toml",
        "(table [(bare_key) (dotted_key) (quoted_key)] @name) @definition.section
         (table_array_element [(bare_key) (dotted_key) (quoted_key)] @name) @definition.section",
    ),
    (
        "yaml",
        "(document (block_node (block_mapping (block_mapping_pair key: (_) @name) @definition.section)))",
    ),
];

pub(super) fn outline(grammar: &Grammar, root: Node<'_>, rope: &Rope) -> Vec<OutlineItem> {
    let Some(query) = &grammar.outline else { return Vec::new() };
    let mut cursor = QueryCursor::new();
    let text = |node: Node<'_>| {
        let end = node.end_byte().min(rope.len_bytes());
        rope.byte_slice(node.start_byte().min(end)..end).chunks().map(str::as_bytes)
    };
    let mut matches = cursor.matches(query, root, text);
    let mut items: Vec<OutlineItem> = Vec::new();
    while let Some(matched) = matches.next() {
        let (mut name, mut whole) = (None, None);
        for capture in matched.captures() {
            match grammar.outline_kinds.get(capture.index as usize).copied().flatten() {
                Some(kind) => whole = Some((kind, capture.node.byte_range())),
                None if query.capture_names()[capture.index as usize] == "name" => {
                    name = Some(capture.node.byte_range());
                }
                None => {}
            }
        }
        if let (Some(name), Some((kind, whole))) = (name, whole)
            && whole.end <= rope.len_bytes()
            && items.len() < OUTLINE_ITEMS_MAX
        {
            let shown = rope.byte_slice(name.clone()).chars().take(OUTLINE_NAME_CHARS_MAX);
            let shown: String = shown.map(|char| if char.is_control() { ' ' } else { char }).collect();
            items.push(OutlineItem {
                name: shown.trim().trim_matches('"').to_owned(),
                kind,
                depth: 0,
                range: CharIndex(rope.byte_to_char(whole.start))..CharIndex(rope.byte_to_char(whole.end)),
                name_start: CharIndex(rope.byte_to_char(name.start)),
            });
        }
    }
    nest(items)
}

/// Sorts items and says how deep each lies. Several queries may find one thing; it is told once.
fn nest(mut items: Vec<OutlineItem>) -> Vec<OutlineItem> {
    items.sort_by_key(|item| (item.range.start, std::cmp::Reverse(item.range.end), item.name_start));
    items.dedup_by(|next, last| next.name_start == last.name_start);
    let mut open: Vec<CharIndex> = Vec::new();
    for item in &mut items {
        while open.pop_if(|end| *end <= item.range.start).is_some() {}
        item.depth = open.len();
        open.push(item.range.end);
    }
    items
}
