//! Reading the symbols of a text.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use tree_sitter::{Language as Grammar, Node, ParseOptions, ParseState, Parser, Tree, TreeCursor};

use super::kinds::{Definition, KINDS, Kinds, NameIn, Where};
use super::{Symbol, SymbolKind};
use crate::language::{Language, grammar_source};
use crate::limits::{SYMBOL_DEPTH_MAX, SYMBOL_NAME_BYTES_MAX, SYMBOL_TEXT_BYTES_MAX, SYMBOLS_PER_TEXT_MAX};

/// Reads the symbols of texts, one after the other. Grammars are made when they are first asked for.
#[derive(Default)]
pub struct SymbolReader {
    parser: Parser,
    known: BTreeMap<&'static str, Option<Known>>,
}

/// A language as the reader has it.
struct Known {
    grammar: Grammar,
    kinds: &'static Kinds,
    /// By the number of a node's kind: what it defines.
    definitions: Vec<Option<&'static Definition>>,
    /// By the same number: whether functions in it are methods, and whether it is a function.
    is_type: Vec<bool>,
    is_function: Vec<bool>,
    /// By the same number: whether it is a name.
    is_name: Vec<bool>,
}

impl Known {
    fn new(id: &'static str) -> Option<Self> {
        let kinds = KINDS.iter().find(|kinds| kinds.id == id)?;
        let grammar = Grammar::new(grammar_source(id)?.language);
        let count = grammar.node_kind_count();
        let mut known = Self {
            definitions: vec![None; count],
            is_type: vec![false; count],
            is_function: vec![false; count],
            is_name: vec![false; count],
            grammar,
            kinds,
        };
        for number in 0..count {
            let id = number as u16;
            let Some(name) =
                known.grammar.node_kind_for_id(id).filter(|_| known.grammar.node_kind_is_named(id))
            else {
                continue;
            };
            let definition = known.kinds.definitions.iter().find(|definition| definition.node == name);
            known.definitions[number] = definition;
            known.is_type[number] = known.kinds.types.contains(&name);
            let has_body = |definition: &Definition| {
                matches!(definition.kind, SymbolKind::Function | SymbolKind::Method)
                    && definition.name != NameIn::FunctionDeclarator
            };
            known.is_function[number] = definition.is_some_and(has_body)
                || matches!(
                    name,
                    "arrow_function"
                        | "function_expression"
                        | "closure_expression"
                        | "lambda"
                        | "func_literal"
                );
            known.is_name[number] = name.ends_with("identifier") || matches!(name, "constant" | "word");
        }
        Some(known)
    }
}

impl SymbolReader {
    /// Whether texts of a file of this name have symbols that are known.
    #[must_use]
    pub fn knows(path: &str) -> bool {
        let language = Language::of_file(path, "");
        KINDS.iter().any(|kinds| kinds.id == language.id)
    }

    fn tree(&mut self, path: &str, text: &[u8], stops: &mut dyn FnMut() -> bool) -> Option<(&Known, Tree)> {
        if text.len() > SYMBOL_TEXT_BYTES_MAX {
            return None;
        }
        let id = Language::of_file(path, "").id;
        let known = self.known.entry(id).or_insert_with(|| Known::new(id)).as_ref()?;
        self.parser.set_language(&known.grammar).ok()?;
        let mut progress = |_: &ParseState| {
            if stops() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let options = ParseOptions::new().progress_callback(&mut progress);
        let mut read = |byte: usize, _| text.get(byte..).unwrap_or_default();
        let tree = self.parser.parse_with_options(&mut read, None, Some(options));
        // A text that was given up leaves the parser in the middle of it.
        if tree.is_none() {
            self.parser.reset();
        }
        Some((known, tree?))
    }

    /// The symbols of a text, in their order; `None` for a language that is not known, a text that is too long, and when
    /// `stops`, which is asked now and then, says so.
    pub fn read(&mut self, path: &str, text: &[u8], stops: &mut dyn FnMut() -> bool) -> Option<Vec<Symbol>> {
        let (known, tree) = self.tree(path, text, stops)?;
        let mut symbols = Vec::new();
        let mut walk = Walk { known, text, open: Vec::new(), symbols: &mut symbols };
        walk.run(&mut tree.walk());
        Some(symbols)
    }

    /// Where a name stands in a text as a name, not in comments or texts: beginnings in bytes, in their order. `None` as
    /// for [`SymbolReader::read`].
    pub fn names(
        &mut self,
        path: &str,
        text: &[u8],
        name: &str,
        stops: &mut dyn FnMut() -> bool,
    ) -> Option<Vec<usize>> {
        let (known, tree) = self.tree(path, text, stops)?;
        let mut found = Vec::new();
        let mut start = 0;
        while let Some(at) = find(&text[start..], name.as_bytes()) {
            let (from, to) = (start + at, start + at + name.len());
            let node = tree.root_node().descendant_for_byte_range(from, to);
            let is_name = |node: Node<'_>| {
                node.byte_range() == (from..to)
                    && known.is_name.get(usize::from(node.kind_id())).is_some_and(|is| *is)
            };
            if node.is_some_and(is_name) {
                found.push(from);
            }
            start = to;
        }
        Some(found)
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return None;
    }
    text.windows(part.len()).position(|window| window == part)
}

/// The name that stands at a byte of a text, whatever its language.
#[must_use]
pub fn named_at(text: &str, byte: usize) -> Option<&str> {
    let is_part = |char: char| char.is_alphanumeric() || char == '_';
    let at = (0..=byte.min(text.len())).rev().find(|at| text.is_char_boundary(*at))?;
    let start = text[..at]
        .char_indices()
        .rev()
        .take_while(|(_, char)| is_part(*char))
        .last()
        .map_or(at, |(at, _)| at);
    let end =
        text[at..].char_indices().find(|(_, char)| !is_part(*char)).map_or(text.len(), |(more, _)| at + more);
    (start < end).then(|| &text[start..end])
}

/// A node that is open: up to which byte, and what it is.
#[derive(Clone, Copy)]
struct Open {
    is_symbol: bool,
    is_type: bool,
    is_function: bool,
}

struct Walk<'a> {
    known: &'a Known,
    text: &'a [u8],
    /// The nodes that the walk is in.
    open: Vec<Open>,
    symbols: &'a mut Vec<Symbol>,
}

impl Walk<'_> {
    fn run(&mut self, cursor: &mut TreeCursor<'_>) {
        loop {
            let node = cursor.node();
            let number = usize::from(node.kind_id());
            let has = |of: &[bool]| of.get(number).is_some_and(|is| *is);
            let definition = self.known.definitions.get(number).copied().flatten();
            let before = self.symbols.len();
            if let Some(definition) = definition {
                self.define(node, definition);
            }
            if self.symbols.len() >= SYMBOLS_PER_TEXT_MAX {
                return;
            }
            let open = Open {
                is_symbol: self.symbols.len() > before,
                is_type: has(&self.known.is_type),
                is_function: has(&self.known.is_function),
            };
            if self.open.len() < SYMBOL_DEPTH_MAX && cursor.goto_first_child() {
                self.open.push(open);
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
                self.open.pop();
            }
        }
    }

    fn define(&mut self, node: Node<'_>, definition: &Definition) {
        let is_in_function = self.open.iter().any(|open| open.is_function);
        match definition.place {
            Where::Outside if is_in_function => return,
            Where::WithBody if node.child_by_field_name("body").is_none() => return,
            _ => {}
        }
        match definition.name {
            NameIn::Field(field) => {
                if let Some(name) = node.child_by_field_name(field) {
                    self.push(node, name, definition.kind);
                }
            }
            NameIn::Children(kind, field) => {
                let mut cursor = node.walk();
                for child in node.named_children(&mut cursor).filter(|child| child.kind() == kind) {
                    if let Some(name) = child.child_by_field_name(field) {
                        self.push(child, name, definition.kind);
                    }
                }
            }
            NameIn::Nodes(kind) => {
                let mut cursor = node.walk();
                for name in node.named_children(&mut cursor).filter(|child| child.kind() == kind) {
                    self.push(node, name, definition.kind);
                }
            }
            NameIn::Declarator => {
                if let Some((name, is_function)) = declared(node) {
                    let kind = if is_function && definition.kind == SymbolKind::Field {
                        SymbolKind::Method
                    } else {
                        definition.kind
                    };
                    self.push(node, name, kind);
                }
            }
            NameIn::FunctionDeclarator => {
                if let Some((name, true)) = declared(node) {
                    self.push(node, name, definition.kind);
                }
            }
        }
    }

    fn push(&mut self, whole: Node<'_>, name: Node<'_>, kind: SymbolKind) {
        let bytes = self.text.get(name.byte_range()).unwrap_or_default();
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let text = text.trim();
        // A pattern that takes a value apart is no name.
        let is_name = kind == SymbolKind::Section
            || !text.contains(|char: char| char.is_whitespace() || "{}[](),".contains(char));
        if text.is_empty() || text.len() > SYMBOL_NAME_BYTES_MAX || !is_name {
            return;
        }
        let is_method = kind == SymbolKind::Function
            && self
                .open
                .iter()
                .rev()
                .find(|open| open.is_type || open.is_function)
                .is_some_and(|open| open.is_type);
        let place = name.start_position();
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        self.symbols.push(Symbol {
            name: text.into(),
            kind: if is_method { SymbolKind::Method } else { kind },
            line: number(place.row + 1),
            column: number(place.column),
            last_line: number(whole.end_position().row + 1),
            depth: self.open.iter().filter(|open| open.is_symbol).count().try_into().unwrap_or(u16::MAX),
        });
    }
}

/// The name in the innermost declarator of a C declaration, and whether it is that of a function.
fn declared(node: Node<'_>) -> Option<(Node<'_>, bool)> {
    let mut is_function = false;
    let mut inner = node.child_by_field_name("declarator")?;
    for _ in 0..SYMBOL_DEPTH_MAX {
        is_function |= inner.kind() == "function_declarator";
        inner = match inner.kind() {
            "qualified_identifier" => inner.child_by_field_name("name")?,
            "parenthesized_declarator" | "reference_declarator" | "attributed_declarator" => {
                inner.named_child(0)?
            }
            _ => match inner.child_by_field_name("declarator") {
                Some(next) => next,
                None => return Some((inner, is_function)),
            },
        };
    }
    None
}
