//! The newest tree of a document, kept in step with the text.

use ropey::Rope;
use tree_sitter::{InputEdit, Point};

use super::{ParseJob, Parsed, SyntaxTree};
use crate::language::Language;
use crate::limits::{SYNTAX_BYTES_MAX, SYNTAX_EDITS_MAX};
use crate::text::ChangeSet;

/// The tree and what happened since it was made.
#[derive(Debug, Clone, Default)]
pub(crate) struct SyntaxState {
    tree: Option<SyntaxTree>,
    /// The tree before, until somebody takes it.
    discarded: Option<SyntaxTree>,
    /// The version of the text that the tree was made of.
    parsed: Option<u64>,
    /// The version of the text that a job was given out for, until its tree is here.
    asked: Option<u64>,
    /// Edits since the older of the two, each with the version that it led to.
    edits: Vec<(u64, InputEdit)>,
}

impl SyntaxState {
    /// The tree, which follows edits also before a new one is made.
    pub(crate) fn tree(&self) -> Option<&SyntaxTree> {
        self.tree.as_ref()
    }

    /// Forgets everything: another language, or nobody looks at the text.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Follows a change of the text.
    pub(crate) fn follow(&mut self, old: &Rope, new: &Rope, change: &ChangeSet, version: u64) {
        if new.len_bytes() > SYNTAX_BYTES_MAX || old.len_bytes() > SYNTAX_BYTES_MAX {
            self.clear();
            return;
        }
        if self.tree.is_none() && self.asked.is_none() {
            return;
        }
        for edit in input_edits(old, new, change) {
            if let Some(tree) = &mut self.tree {
                tree.edit(&edit);
            }
            if self.asked.is_some() {
                self.edits.push((version, edit));
            }
        }
        // Whoever waits so long for a tree starts anew.
        if self.edits.len() > SYNTAX_EDITS_MAX {
            self.edits.clear();
            self.asked = None;
        }
    }

    /// A job for the newest text, unless there is a tree of it or one is on its way.
    pub(crate) fn job(&mut self, rope: &Rope, version: u64, language: &'static Language) -> Option<ParseJob> {
        let is_done = self.parsed == Some(version) || self.asked == Some(version);
        if is_done || rope.len_bytes() > SYNTAX_BYTES_MAX || !super::tree::has_grammar(language.id) {
            return None;
        }
        self.asked = Some(version);
        self.edits.clear();
        let old = self.tree.as_ref().map(|tree| (tree.tree.clone(), tree.inner.clone()));
        Some(ParseJob { rope: rope.clone(), version, language: language.id, old })
    }

    /// Takes a tree. Tells whether it was wanted.
    pub(crate) fn parsed(&mut self, parsed: Parsed, language: &'static Language) -> bool {
        if self.asked != Some(parsed.version) || parsed.language != language.id {
            return false;
        }
        let mut tree = SyntaxTree::new(language, parsed.tree, parsed.inner);
        for (_, edit) in self.edits.drain(..) {
            if let Some(tree) = &mut tree {
                tree.edit(&edit);
            }
        }
        self.asked = None;
        self.parsed = Some(parsed.version);
        self.discarded = std::mem::replace(&mut self.tree, tree);
        true
    }

    /// Takes the tree that was replaced.
    pub(crate) fn take_discarded(&mut self) -> Option<SyntaxTree> {
        self.discarded.take()
    }
}

fn point(rope: &Rope, byte: usize) -> Point {
    let row = rope.byte_to_line(byte);
    Point { row, column: byte - rope.line_to_byte(row) }
}

/// The change as edits of a tree, each on the text that the one before left.
fn input_edits(old: &Rope, new: &Rope, change: &ChangeSet) -> Vec<InputEdit> {
    let edits = change.regions().into_iter().map(|region| {
        let start_byte = new.char_to_byte(region.new.start);
        let new_end_byte = new.char_to_byte(region.new.end);
        let (removed_start, removed_end) =
            (old.char_to_byte(region.old.start), old.char_to_byte(region.old.end));
        let removed = removed_end - removed_start;
        let start_position = point(new, start_byte);
        let (from, to) = (point(old, removed_start), point(old, removed_end));
        let rows = to.row - from.row;
        let column = if rows == 0 { start_position.column + removed } else { to.column };
        InputEdit {
            start_byte,
            old_end_byte: start_byte + removed,
            new_end_byte,
            start_position,
            old_end_position: Point { row: start_position.row + rows, column },
            new_end_position: point(new, new_end_byte),
        }
    });
    edits.collect()
}
