//! Colours of a part of a text.

use std::ops::Range;

use ropey::Rope;
use tree_sitter::{Node, Parser, QueryCursor, StreamingIterator as _};
use weft_crdt::CharIndex;

use super::grammar::Grammar;
use super::inner::Inner;
use crate::limits::{HIGHLIGHT_MATCHES_MAX, INNER_TREES_MAX};

/// What a piece of text is. Themes give each a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Highlight {
    /// An attribute or annotation.
    Attribute,
    /// A comment.
    Comment,
    /// A constant, `true` and the like.
    Constant,
    /// An escape in a text.
    Escape,
    /// A function or method.
    Function,
    /// A keyword.
    Keyword,
    /// A label or lifetime.
    Label,
    /// A link.
    Link,
    /// Emphasized text.
    Emphasis,
    /// Strong text.
    Strong,
    /// A heading.
    Title,
    /// Text that is shown as it is.
    Literal,
    /// A module or namespace.
    Module,
    /// A number.
    Number,
    /// An operator.
    Operator,
    /// A parameter.
    Parameter,
    /// A field or key.
    Property,
    /// A bracket, comma and the like.
    Punctuation,
    /// A text.
    String,
    /// An element of markup.
    Tag,
    /// A type.
    Type,
    /// A variable.
    Variable,
}

impl Highlight {
    /// Every kind, for themes and their tests.
    pub const ALL: [Self; 22] = [
        Self::Attribute,
        Self::Comment,
        Self::Constant,
        Self::Escape,
        Self::Function,
        Self::Keyword,
        Self::Label,
        Self::Link,
        Self::Emphasis,
        Self::Strong,
        Self::Title,
        Self::Literal,
        Self::Module,
        Self::Number,
        Self::Operator,
        Self::Parameter,
        Self::Property,
        Self::Punctuation,
        Self::String,
        Self::Tag,
        Self::Type,
        Self::Variable,
    ];

    /// What captures of queries mean. Crates use several words for one thing.
    pub(super) fn of_capture(name: &str) -> Option<Self> {
        let exact = match name {
            "variable.parameter" | "parameter" => Some(Self::Parameter),
            "variable.member" | "variable.other.member" | "field" => Some(Self::Property),
            "constant.builtin" | "constant.builtin.boolean" | "boolean" => Some(Self::Constant),
            "constant.numeric" | "number" | "float" => Some(Self::Number),
            "constant.character.escape" | "string.escape" => Some(Self::Escape),
            "string.special.key" => Some(Self::Property),
            "text.title" | "markup.heading" => Some(Self::Title),
            "text.literal" | "markup.raw" => Some(Self::Literal),
            "text.emphasis" | "markup.italic" => Some(Self::Emphasis),
            "text.strong" | "markup.bold" => Some(Self::Strong),
            "text.uri" | "text.reference" | "markup.link" => Some(Self::Link),
            _ => None,
        };
        exact.or_else(|| {
            Some(match name.split('.').next().unwrap_or_default() {
                "attribute" | "annotation" => Self::Attribute,
                "comment" => Self::Comment,
                "constant" => Self::Constant,
                "escape" => Self::Escape,
                "function" | "method" => Self::Function,
                "keyword" | "conditional" | "repeat" | "include" | "exception" | "storageclass" => {
                    Self::Keyword
                }
                "label" => Self::Label,
                "module" | "namespace" => Self::Module,
                "operator" => Self::Operator,
                "property" => Self::Property,
                "punctuation" | "delimiter" => Self::Punctuation,
                "string" | "character" => Self::String,
                "tag" => Self::Tag,
                "type" | "constructor" => Self::Type,
                "variable" => Self::Variable,
                _ => return None,
            })
        })
    }
}

/// A piece of text of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub start: CharIndex,
    /// Where it ends.
    pub end: CharIndex,
    /// What it is.
    pub kind: Highlight,
}

/// A capture in bytes.
struct Found {
    range: Range<usize>,
    /// How far inside: what stands in a text of another language counts more than what is around it.
    layer: usize,
    pattern: usize,
    /// Nothing where the colours of what is around end.
    kind: Option<Highlight>,
}

/// The spans of a part of a text, in order and without overlap.
pub(super) fn highlights(
    grammar: &Grammar,
    root: Node<'_>,
    inner: &[Inner],
    rope: &Rope,
    bytes: Range<usize>,
) -> Vec<Span> {
    let mut found = captures(grammar, root, rope, &bytes, 0);
    for text in inner {
        let parts = text.ranges();
        let is_here = parts.first().is_some_and(|first| first.start < bytes.end)
            && parts.last().is_some_and(|last| last.end > bytes.start);
        if is_here {
            found.extend(parts.into_iter().map(|range| Found { range, layer: 1, pattern: 0, kind: None }));
            found.extend(captures(&text.grammar, text.tree.root_node(), rope, &bytes, 2));
        }
    }
    if let Some((kind, inner)) = &grammar.inner {
        let mut nodes = Vec::new();
        collect(root, &bytes, kind, &mut nodes);
        for node in nodes {
            found.extend(inner_captures(inner, node, rope, &bytes));
        }
    }
    flatten(found, rope, &bytes)
}

fn captures(
    grammar: &Grammar,
    root: Node<'_>,
    rope: &Rope,
    bytes: &Range<usize>,
    layer: usize,
) -> Vec<Found> {
    let mut cursor = QueryCursor::new();
    cursor.set_match_limit(HIGHLIGHT_MATCHES_MAX);
    cursor.set_byte_range(bytes.clone());
    let text = |node: Node<'_>| {
        let end = node.end_byte().min(rope.len_bytes());
        rope.byte_slice(node.start_byte().min(end)..end).chunks().map(str::as_bytes)
    };
    let mut all = cursor.captures(&grammar.highlights, root, text);
    let mut found = Vec::new();
    while let Some((matched, index)) = all.next() {
        let capture = matched.captures()[*index];
        if let Some(kind) = grammar.highlight_kinds.get(capture.index as usize).copied().flatten() {
            let (range, pattern) = (capture.node.byte_range(), matched.pattern_index);
            found.push(Found { range, layer, pattern, kind: Some(kind) });
        }
    }
    found
}

/// The nodes of a kind that reach into a part of the text.
fn collect<'tree>(node: Node<'tree>, bytes: &Range<usize>, kind: &str, out: &mut Vec<Node<'tree>>) {
    if node.start_byte() >= bytes.end || node.end_byte() <= bytes.start || out.len() >= INNER_TREES_MAX {
        return;
    }
    if node.kind() == kind {
        out.push(node);
        return;
    }
    for index in 0..node.child_count() {
        if let Some(child) = node.child(index) {
            collect(child, bytes, kind, out);
        }
    }
}

/// Reads what stands in a node by a grammar of its own.
fn inner_captures(grammar: &Grammar, node: Node<'_>, rope: &Rope, bytes: &Range<usize>) -> Vec<Found> {
    let mut parser = Parser::new();
    let is_ready =
        parser.set_language(&grammar.language).is_ok() && parser.set_included_ranges(&[node.range()]).is_ok();
    let tree = if is_ready { super::job::parse(&mut parser, rope, None, &mut || false) } else { None };
    tree.map_or_else(Vec::new, |tree| captures(grammar, tree.root_node(), rope, bytes, 0))
}

/// Cuts captures that lie in each other: what lies inside counts, and of equal ones the last pattern.
fn flatten(mut found: Vec<Found>, rope: &Rope, bytes: &Range<usize>) -> Vec<Span> {
    found.sort_by_key(|one| (one.range.start, std::cmp::Reverse(one.range.end), one.layer, one.pattern));
    let mut spans: Vec<(Range<usize>, Highlight)> = Vec::new();
    let mut open: Vec<(usize, Option<Highlight>)> = Vec::new();
    let mut at = bytes.start;
    let mut emit = |from: usize, to: usize, kind: Option<Highlight>| {
        let (from, to) = (from.max(bytes.start), to.min(bytes.end));
        if let Some(kind) = kind
            && from < to
        {
            match spans.last_mut() {
                Some((last, same)) if last.end == from && *same == kind => last.end = to,
                _ => spans.push((from..to, kind)),
            }
        }
    };
    for one in found {
        while let Some((end, kind)) = open.pop_if(|(end, _)| *end <= one.range.start) {
            emit(at, end, kind);
            at = at.max(end);
        }
        if let Some((_, kind)) = open.last() {
            emit(at, one.range.start, *kind);
        }
        at = at.max(one.range.start);
        open.push((one.range.end, one.kind));
    }
    while let Some((end, kind)) = open.pop() {
        emit(at, end, kind);
        at = at.max(end);
    }
    let end = rope.len_bytes();
    let spans = spans.into_iter().map(|(range, kind)| Span {
        start: CharIndex(rope.byte_to_char(range.start.min(end))),
        end: CharIndex(rope.byte_to_char(range.end.min(end))),
        kind,
    });
    spans.filter(|span| span.start < span.end).collect()
}
