//! What every command sees, and what it gives.

use std::ops::Range;

use ropey::Rope;
use weft_crdt::{CharIndex, Side};

use crate::display::Rows;
use crate::document::EditKind;
use crate::language::Language;
use crate::selection::{Selection, Selections};
use crate::syntax::SyntaxTree;
use crate::text::{ChangeSet, LineEnding, Mapper, Replacement, line_end, line_of, line_start};

/// How a document is edited. A document has its own, from the settings and from what the text already does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EditSettings {
    /// Cells from one tab stop to the next, and spaces of one step of indentation.
    pub tab_size: usize,
    /// Whether the tab key makes spaces.
    pub insert_spaces: bool,
    /// Whether brackets and quotes are closed as they are typed.
    pub auto_close: bool,
    /// Whether a bracket or quote typed on a selection goes around it.
    pub auto_surround: bool,
    /// Whether new lines are indented like the text around them.
    pub auto_indent: bool,
}

impl Default for EditSettings {
    fn default() -> Self {
        Self { tab_size: 4, insert_spaces: true, auto_close: true, auto_surround: true, auto_indent: true }
    }
}

impl EditSettings {
    /// One step of indentation.
    pub fn indent_unit(&self) -> String {
        if self.insert_spaces { " ".repeat(self.tab_size) } else { "\t".to_owned() }
    }

    /// The settings with the indentation that a text already has: what most of its first lines are indented with.
    #[must_use]
    pub fn detected(mut self, rope: &Rope) -> Self {
        const LINES: usize = 500;
        let (mut tabs, mut spaces, mut last) = (0_usize, [0_usize; 9], 0_usize);
        for line in rope.lines().take(LINES) {
            let indent: String =
                line.chars().take(64).take_while(|char| matches!(char, ' ' | '\t')).collect();
            if line.chars().nth(indent.len()).is_none_or(char::is_whitespace) {
                continue;
            }
            if indent.starts_with('\t') {
                tabs += 1;
                continue;
            }
            let step = indent.len().abs_diff(last);
            last = indent.len();
            if (2..=8).contains(&step) {
                spaces[step] += 1;
            }
        }
        let (size, count) =
            spaces.iter().copied().enumerate().max_by_key(|(_, count)| *count).unwrap_or((4, 0));
        if tabs > count {
            self.insert_spaces = false;
        } else if count > 0 {
            self.insert_spaces = true;
            self.tab_size = size;
        }
        self
    }

    /// The white space up to a column.
    pub(crate) fn indent_to(&self, column: usize) -> String {
        if self.insert_spaces {
            return " ".repeat(column);
        }
        let tab_size = self.tab_size.max(1);
        "\t".repeat(column / tab_size) + &" ".repeat(column % tab_size)
    }
}

/// What a command sees.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) rope: &'a Rope,
    pub(crate) selections: &'a Selections,
    pub(crate) settings: EditSettings,
    pub(crate) language: &'static Language,
    pub(crate) line_ending: LineEnding,
    /// Places behind which a bracket or quote stands that was closed by itself.
    pub(crate) closed: &'a [CharIndex],
    /// The display rows of the view, for movement up and down.
    pub(crate) rows: &'a Rows,
    /// How many rows a page has.
    pub(crate) page_rows: usize,
    /// Whether the selection was begun by asking for a word, so that only whole words are like it.
    pub(crate) by_word: bool,
    /// The syntax tree, where there is one.
    pub(crate) tree: Option<&'a SyntaxTree>,
}

/// What a command gives.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) change: ChangeSet,
    /// The cursors afterwards; by default they follow the change.
    pub(crate) selections: Option<Selections>,
    pub(crate) kind: EditKind,
    /// Places of the new text behind which something was closed by itself.
    pub(crate) closed: Vec<CharIndex>,
}

impl Outcome {
    /// Nothing but cursors.
    pub(crate) fn select(selections: Selections) -> Self {
        Self {
            change: ChangeSet::new(),
            selections: Some(selections),
            kind: EditKind::Whole,
            closed: Vec::new(),
        }
    }

    /// A change that the cursors follow.
    pub(crate) fn change(replacements: Vec<Replacement>) -> Self {
        Self {
            change: ChangeSet::from_replacements(replacements),
            selections: None,
            kind: EditKind::Whole,
            closed: Vec::new(),
        }
    }

    pub(crate) fn kind(mut self, kind: EditKind) -> Self {
        self.kind = kind;
        self
    }
}

/// A place that is known on the old text: mapped to a side, and some characters further.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) side: Side,
    pub(super) plus: usize,
}

impl Place {
    pub(super) fn before(at: usize) -> Self {
        Self { at, side: Side::Before, plus: 0 }
    }

    pub(super) fn behind(at: usize) -> Self {
        Self { at, side: Side::After, plus: 0 }
    }

    pub(super) fn plus(mut self, plus: usize) -> Self {
        self.plus = plus;
        self
    }

    pub(super) fn on(self, mapper: &Mapper<'_>) -> usize {
        mapper.map(CharIndex(self.at), self.side).0 + self.plus
    }
}

/// A change with the places of the cursors behind it: anchor and head of each.
pub(super) fn placed(
    scope: &Scope<'_>,
    replacements: Vec<Replacement>,
    places: &[(Place, Place)],
) -> Outcome {
    let mut outcome = Outcome::change(replacements);
    let mapper = outcome.change.mapper();
    let all = places.iter().map(|(anchor, head)| Selection::new(anchor.on(&mapper), head.on(&mapper)));
    let selections = Selections::new(all.collect(), scope.selections.primary_index());
    outcome.selections = Some(selections);
    outcome
}

impl Scope<'_> {
    pub(super) fn line_of(&self, at: usize) -> usize {
        line_of(self.rope, at)
    }

    pub(super) fn line_start(&self, line: usize) -> usize {
        line_start(self.rope, line)
    }

    pub(super) fn line_end(&self, line: usize) -> usize {
        line_end(self.rope, line)
    }

    pub(super) fn text(&self, range: Range<usize>) -> String {
        String::from(self.rope.slice(range))
    }

    /// The text of a line without its end.
    pub(super) fn line_text(&self, line: usize) -> String {
        self.text(self.line_start(line)..self.line_end(line))
    }

    /// The lines of a selection. One that ends at the start of a line does not hold that line.
    pub(super) fn lines_of(&self, selection: &Selection) -> Range<usize> {
        let first = self.line_of(selection.start().0);
        let mut last = self.line_of(selection.end().0);
        if last > first && self.line_start(last) == selection.end().0 {
            last -= 1;
        }
        first..last + 1
    }

    /// The lines of all selections, those that are neighbours in one piece.
    pub(super) fn line_blocks(&self) -> Vec<Range<usize>> {
        let mut blocks: Vec<Range<usize>> = Vec::new();
        for selection in self.selections.all() {
            let lines = self.lines_of(selection);
            match blocks.last_mut() {
                Some(last) if lines.start <= last.end => last.end = last.end.max(lines.end),
                _ => blocks.push(lines),
            }
        }
        blocks
    }

    /// The white space that a line begins with.
    pub(super) fn indent_of(&self, line: usize) -> String {
        let text = self.rope.slice(self.line_start(line)..self.line_end(line));
        text.chars().take_while(|char| matches!(char, ' ' | '\t')).collect()
    }

    pub(super) fn is_blank(&self, line: usize) -> bool {
        let text = self.rope.slice(self.line_start(line)..self.line_end(line));
        text.chars().all(char::is_whitespace)
    }

    /// Whether a character is code and not in a text or a comment, as far as a tree says so.
    pub(super) fn is_code(&self, at: usize) -> bool {
        self.tree.is_none_or(|tree| tree.is_code(self.rope, CharIndex(at)))
    }

    pub(super) fn char_before(&self, at: usize) -> Option<char> {
        at.checked_sub(1).and_then(|at| self.rope.get_char(at))
    }
}
