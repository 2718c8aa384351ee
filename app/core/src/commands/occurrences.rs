//! Places that are like what is selected.

use super::{Outcome, Scope};
use crate::limits::CURSORS_MAX;
use crate::search::Pattern;
use crate::selection::{Selection, Selections};
use crate::text::word_around;

/// Selects the word at each caret; when something is selected, adds the next place that is like it. With `skips` the
/// last one is let go.
pub(crate) fn add_next(scope: &Scope<'_>, skips: bool) -> Outcome {
    if scope.selections.all().iter().any(Selection::is_empty) {
        return Outcome::select(words(scope));
    }
    let primary = *scope.selections.primary();
    let Some(pattern) = pattern(scope, &primary) else {
        return Outcome::select(scope.selections.clone());
    };
    let is_taken = |found: &std::ops::Range<usize>| {
        scope.selections.all().iter().any(|selection| selection.range() == *found)
    };
    let from = primary.end().0;
    let behind = pattern.find_from(scope.rope, from, false);
    let found = behind.filter(|found| !is_taken(found)).or_else(|| {
        // From the end on to the start of the text.
        let mut at = 0;
        while let Some(found) = pattern.find_from(scope.rope, at, false) {
            if !is_taken(&found) {
                return Some(found);
            }
            at = found.end.max(at + 1);
        }
        None
    });
    let Some(found) = found else { return Outcome::select(scope.selections.clone()) };
    let new = primary.with_range(found);
    if !skips {
        return Outcome::select(scope.selections.with(new));
    }
    let mut all = scope.selections.all().to_vec();
    let index = scope.selections.primary_index();
    all[index] = new;
    Outcome::select(Selections::new(all, index))
}

/// Selects every place that is like what is selected, or like the word at the caret.
pub(crate) fn all_occurrences(scope: &Scope<'_>) -> Outcome {
    let selections =
        if scope.selections.primary().is_empty() { words(scope) } else { scope.selections.clone() };
    let primary = *selections.primary();
    let by_word = scope.by_word || scope.selections.primary().is_empty();
    let scope = Scope { selections: &selections, by_word, ..*scope };
    let Some(pattern) = pattern(&scope, &primary) else { return Outcome::select(selections.clone()) };
    let found = pattern.find_all(scope.rope, CURSORS_MAX);
    let all: Vec<Selection> = found.into_iter().map(|range| primary.with_range(range)).collect();
    let index = all.iter().position(|selection| selection.range() == primary.range()).unwrap_or(0);
    Outcome::select(Selections::new(all, index))
}

/// Carets become the words around them.
fn words(scope: &Scope<'_>) -> Selections {
    scope.selections.map(|selection| {
        if !selection.is_empty() {
            return *selection;
        }
        let (start, end) = word_around(scope.rope, selection.head.0);
        Selection::new(start, end)
    })
}

/// Finds what is selected, whole words only when the selection began with a word.
fn pattern(scope: &Scope<'_>, selection: &Selection) -> Option<Pattern> {
    Pattern::literal(&scope.text(selection.range()), true, scope.by_word).ok()
}
