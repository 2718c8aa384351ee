//! The grammars with their queries.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tree_sitter::{Language as Grammars, Query};
use weft_index::language::{GrammarSource, grammar_source};

use super::highlight::Highlight;
use super::outline::{OUTLINE_QUERIES, OutlineKind};

/// A grammar, ready for use.
pub(super) struct Grammar {
    pub(super) language: Grammars,
    pub(super) highlights: Query,
    /// What each capture of `highlights` is shown as.
    pub(super) highlight_kinds: Vec<Option<Highlight>>,
    pub(super) outline: Option<Query>,
    /// What each capture of `outline` is.
    pub(super) outline_kinds: Vec<Option<OutlineKind>>,
    /// The grammar of what stands in nodes of this kind, with that kind.
    pub(super) inner: Option<(&'static str, Arc<Grammar>)>,
}

/// The grammar of a language, made when it is first asked for. That takes a while, so the thread that makes trees asks
/// first.
pub(super) fn of(id: &'static str) -> Option<Arc<Grammar>> {
    static MADE: Mutex<BTreeMap<&str, Option<Arc<Grammar>>>> = Mutex::new(BTreeMap::new());
    let made = || MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(grammar) = made().get(id) {
        return grammar.clone();
    }
    // Not under the lock: a window that asks for another language must not wait for this one.
    let grammar = grammar_source(id).and_then(|source| make(id, &source)).map(Arc::new);
    made().entry(id).or_insert(grammar).clone()
}

fn make(id: &str, source: &GrammarSource) -> Option<Grammar> {
    let language = Grammars::new(source.language);
    let highlights = query(&language, &source.highlights.join("\n"))?;
    let names = highlights.capture_names();
    let highlight_kinds = names.iter().map(|name| Highlight::of_capture(name)).collect();
    let own = OUTLINE_QUERIES.iter().find(|(other, _)| *other == id).map(|(_, query)| *query);
    let tags: Vec<&str> = source.tags.iter().copied().chain(own).collect();
    let outline = (!tags.is_empty()).then(|| query(&language, &tags.join("\n"))).flatten();
    let outline_kinds = outline.as_ref().map_or_else(Vec::new, |outline| {
        outline.capture_names().iter().map(|name| OutlineKind::of_capture(name)).collect()
    });
    let inner = match id {
        "markdown" => of("markdown-inline").map(|inner| ("inline", inner)),
        _ => None,
    };
    Some(Grammar { language, highlights, highlight_kinds, outline, outline_kinds, inner })
}

/// Makes a query. Patterns that this version of the grammar does not know are left out: queries of one language are
/// used for its relatives, and crates are not always in step.
fn query(language: &Grammars, source: &str) -> Option<Query> {
    const LEFT_OUT_MAX: usize = 64;
    let mut source = source.to_owned();
    for _ in 0..LEFT_OUT_MAX {
        match Query::new(language, &source) {
            Ok(query) => return Some(query),
            Err(error) => {
                let range = pattern_at(&source, error.offset)?;
                source.replace_range(range, "");
            }
        }
    }
    None
}

/// The pattern at the top level of a query that holds a byte, with its captures.
fn pattern_at(source: &str, byte: usize) -> Option<std::ops::Range<usize>> {
    let mut depth = 0_usize;
    let (mut is_text, mut is_comment, mut is_escaped) = (false, false, false);
    let mut starts = Vec::new();
    for (at, char) in source.char_indices() {
        match char {
            '\n' => is_comment = false,
            _ if is_comment => {}
            '\\' if is_text && !is_escaped => {
                is_escaped = true;
                continue;
            }
            '"' if !is_escaped => {
                if !is_text && depth == 0 {
                    starts.push(at);
                }
                is_text = !is_text;
            }
            _ if is_text => {}
            ';' => is_comment = true,
            '(' | '[' => {
                if depth == 0 {
                    starts.push(at);
                }
                depth += 1;
            }
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_escaped = false;
    }
    let index = starts.partition_point(|start| *start <= byte).checked_sub(1)?;
    let end = starts.get(index + 1).copied().unwrap_or(source.len());
    Some(starts[index]..end)
}
