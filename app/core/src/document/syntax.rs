//! What the text of a document means.

use std::ops::Range;

use weft_crdt::CharIndex;

use super::Document;
use crate::display::Fold;
use crate::folds;
use crate::syntax::{ParseJob, Parsed, Span, SyntaxTree, lexed};

impl Document {
    /// A tree to be made, unless there is one of the newest text or one is being made of it. Run it on a thread of its
    /// own and give what comes out to [`Document::parsed`]. Ask again after every edit; a job that runs meanwhile may
    /// be given up.
    pub fn parse_job(&mut self) -> Option<ParseJob> {
        self.syntax.job(self.buffer.rope(), self.version, self.language)
    }

    /// Takes a tree, also when the text has changed since. Tells whether it was still wanted.
    pub fn parsed(&mut self, parsed: Parsed) -> bool {
        let is_taken = self.syntax.parsed(parsed, self.language);
        self.trees += u64::from(is_taken);
        is_taken
    }

    /// Takes the tree that the newest one has replaced. To let go of a large one takes tens of milliseconds, so do it
    /// away from the window.
    pub fn take_discarded(&mut self) -> Option<SyntaxTree> {
        self.syntax.take_discarded()
    }

    /// Counts the trees that were taken. Together with [`Document::version`] it tells whether colours are still right.
    pub fn trees(&self) -> u64 {
        self.trees
    }

    /// The newest tree, in step with the text. Together with a clone of the text it may go to another thread.
    pub fn syntax(&self) -> Option<&SyntaxTree> {
        self.syntax.tree()
    }

    /// Drops the tree: for a document that nobody looks at.
    pub fn drop_syntax(&mut self) {
        self.syntax.clear();
    }

    /// The colours of a part of the text, in order. Ask for what is on the screen.
    pub fn highlights(&self, range: Range<CharIndex>) -> Vec<Span> {
        match self.syntax.tree() {
            Some(tree) => tree.highlights(self.buffer.rope(), range),
            None => lexed(self.buffer.rope(), self.language, range),
        }
    }

    /// What can be folded in some lines. Where blocks are made by words and not by brackets, indentation says it.
    pub fn folds_in(&self, lines: Range<usize>) -> Vec<Fold> {
        let rope = self.buffer.rope();
        let goes_by_words = self.language.indents_after_colon || !self.language.indent_words.is_empty();
        match self.syntax.tree() {
            Some(tree) if !goes_by_words => tree.folds(rope, lines),
            _ => folds::by_indentation(rope, lines, self.settings.tab_size),
        }
    }

    /// Everything that can be folded.
    pub fn folds(&self) -> Vec<Fold> {
        self.folds_in(0..self.buffer.len_lines())
    }

    /// The pair of brackets at a caret, to be marked.
    pub fn bracket_pair(&self, at: CharIndex) -> Option<(CharIndex, CharIndex)> {
        let rope = self.buffer.rope();
        let places = [Some(at), at.0.checked_sub(1).map(CharIndex)];
        if let Some(tree) = self.syntax.tree() {
            return places.into_iter().flatten().find_map(|at| {
                let other = tree.matching_bracket(rope, at)?;
                Some((at.min(other), at.max(other)))
            });
        }
        let (open, close) = crate::commands::pair_at(rope, self.language, at.0)?;
        Some((CharIndex(open), CharIndex(close)))
    }
}
