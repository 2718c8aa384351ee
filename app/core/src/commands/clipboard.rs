//! Copying, cutting and pasting.

use super::scope::{Place, placed};
use super::{Outcome, Scope};
use crate::selection::Selection;
use crate::text::Replacement;

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clip {
    /// Everything as one text: for the clipboard of the system.
    pub text: String,
    /// What each cursor copied, from the first to the last.
    pub pieces: Vec<String>,
    /// Whether nothing was selected, so that whole lines were copied; they are pasted above the line of the cursor.
    pub is_lines: bool,
}

/// What the cursors copy: what is selected, or the whole line of a caret when nothing is selected anywhere.
pub(crate) fn copied(scope: &Scope<'_>) -> Clip {
    let is_lines = scope.selections.all().iter().all(Selection::is_empty);
    if is_lines {
        let end = scope.line_ending.as_str();
        let blocks = scope.line_blocks().into_iter().flatten();
        let pieces: Vec<String> = blocks.map(|line| scope.line_text(line) + end).collect();
        return Clip { text: pieces.concat(), pieces, is_lines };
    }
    let selected = scope.selections.all().iter().filter(|selection| !selection.is_empty());
    let pieces: Vec<String> = selected.map(|selection| scope.text(selection.range())).collect();
    Clip { text: pieces.join(scope.line_ending.as_str()), pieces, is_lines }
}

/// Removes what [`copied`] gives.
pub(crate) fn cut(scope: &Scope<'_>) -> Outcome {
    if scope.selections.all().iter().all(Selection::is_empty) {
        return super::delete_lines(scope);
    }
    let selected = scope.selections.all().iter().filter(|selection| !selection.is_empty());
    let ranges = selected.map(|selection| Replacement::new(selection.start().0, selection.end().0, ""));
    Outcome::change(ranges.collect())
}

/// Puts a text to every cursor. With as many pieces or lines as cursors each gets its own.
pub(crate) fn pasted(scope: &Scope<'_>, text: &str, clip: Option<&Clip>) -> Outcome {
    let clip = clip.filter(|clip| clip.text == text);
    let count = scope.selections.count();
    let lines: Vec<&str> = text.lines().collect();
    let piece = |index: usize| -> &str {
        match clip {
            Some(clip) if count > 1 && clip.pieces.len() == count => &clip.pieces[index],
            None if count > 1 && lines.len() == count => lines[index],
            _ => text,
        }
    };
    let is_lines = clip.is_some_and(|clip| clip.is_lines);
    let mut replacements = Vec::new();
    let mut places = Vec::new();
    for (index, selection) in scope.selections.all().iter().enumerate() {
        let text = piece(index);
        if is_lines && selection.is_empty() {
            let start = scope.line_start(scope.line_of(selection.head.0));
            replacements.push(Replacement::new(start, start, text));
        } else {
            replacements.push(Replacement::new(selection.start().0, selection.end().0, text));
        }
        places.push((Place::behind(selection.end().0), Place::behind(selection.end().0)));
    }
    placed(scope, replacements, &places)
}
