//! Texts that two people inserted at one place without knowing of each other.
//!
//! Nothing is taken away by itself: both may be meant. It is told until one copy is gone or changed.

use std::collections::{BTreeMap, VecDeque};

use weft_crdt::{Anchor, Change, CharIndex, DocumentId, Doubled, Side, TextDocument};

use super::engine::Engine;
use crate::api::PendingPath;

/// Places that are told; older ones are forgotten.
const PLACES_MAX: usize = 64;

/// Where texts stand twice.
#[derive(Debug, Default)]
pub(super) struct DoubledTexts {
    places: VecDeque<Place>,
}

/// Two copies of a text, one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    document: DocumentId,
    /// Before the first character of the second copy.
    begin: Anchor,
    /// Behind its last character.
    end: Anchor,
    chars: usize,
}

impl DoubledTexts {
    /// Looks at a change that was just applied to a text.
    pub(super) fn look(&mut self, text: &TextDocument, change: &Change) {
        for Doubled { second, chars } in text.doubled(change) {
            let begin = text.anchor(second, Side::Before);
            let end = text.anchor(CharIndex(second.0 + chars), Side::After);
            let place = Place { document: text.id(), begin, end, chars };
            if !self.places.contains(&place) {
                self.places.push_back(place);
            }
        }
        while self.places.len() > PLACES_MAX {
            self.places.pop_front();
        }
    }
}

impl Place {
    /// Where the second copy begins, while both are still there.
    fn find(&self, text: &TextDocument) -> Option<CharIndex> {
        let (begin, end) = (text.position(&self.begin)?, text.position(&self.end)?);
        if end.0.checked_sub(begin.0) != Some(self.chars) {
            return None;
        }
        let first = text.rope().get_slice(begin.0.checked_sub(self.chars)?..begin.0)?;
        (first == text.rope().get_slice(begin.0..end.0)?).then_some(begin)
    }
}

impl Engine {
    /// The files in which a text stands twice, and how the second copy is removed.
    pub(super) fn doubled_texts(&self) -> Vec<PendingPath> {
        let mut told = BTreeMap::new();
        for place in &self.doubled.places {
            let found = self.with_text(place.document, |text| place.find(text)).ok().flatten();
            let Some(begin) = found else { continue };
            for path in self.view.nodes_of_document(place.document).filter_map(|node| self.path_of(node)) {
                told.insert((path, begin.0), place.chars);
            }
        }
        let told = told.into_iter();
        told.map(|((path, begin), chars)| PendingPath {
            reason: format!(
                "two people inserted the same {chars} characters here at once; to remove the second copy: \
                 weft edit {path} --delete {begin} {chars}"
            ),
            path,
        })
        .collect()
    }
}
