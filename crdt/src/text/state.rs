//! A text and its index, changed together.

use ropey::Rope;

use super::{IdRun, Index};
use crate::document::actors::{Actors, Id};
use crate::ids::CharIndex;

/// One step of a text to its next state: at a place, characters go and others come.
///
/// Patches are in order; the place of each counts on the text after those before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Where.
    pub at: CharIndex,
    /// How many characters go.
    pub delete: usize,
    /// The characters that come to their place.
    pub insert: String,
}

/// Text is joined to a patch that has less than this, so that long runs are not copied and counted again.
const JOINED_BYTES_MAX: usize = 64;

/// Patches as they come to be, neighbours joined.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patches(Vec<Patch>);

impl Patches {
    pub(crate) fn insert(&mut self, at: usize, text: &str) {
        if let Some(last) = self.0.last_mut()
            && last.insert.len() < JOINED_BYTES_MAX
            && last.at.0 + last.insert.chars().count() == at
        {
            last.insert.push_str(text);
            return;
        }
        self.0.push(Patch { at: CharIndex(at), delete: 0, insert: text.to_owned() });
    }

    pub(crate) fn delete(&mut self, at: usize, count: usize) {
        if let Some(last) = self.0.last_mut()
            && last.insert.is_empty()
            && (last.at.0 == at || last.at.0 == at + count)
        {
            last.at.0 = at;
            last.delete += count;
            return;
        }
        self.0.push(Patch { at: CharIndex(at), delete: count, insert: String::new() });
    }

    pub(crate) fn into_vec(self) -> Vec<Patch> {
        self.0
    }
}

/// The characters that are shown and the ids of all that ever were.
#[derive(Debug, Clone)]
pub(crate) struct TextState {
    pub(crate) rope: Rope,
    pub(crate) index: Index,
}

impl TextState {
    pub(crate) fn new() -> Self {
        Self { rope: Rope::new(), index: Index::new() }
    }

    /// Types `text`, whose characters get ids from `id` on, behind a character. Does nothing when there is none such.
    pub(crate) fn insert(
        &mut self,
        actors: &Actors,
        typed: &Typed<'_>,
        is_newest: bool,
        patches: &mut Patches,
    ) {
        let Typed { after, id, count, text } = *typed;
        if let Some(at) = self.index.insert(actors, after, id, count, is_newest) {
            self.rope.insert(at, text);
            patches.insert(at, text);
        }
        self.check();
    }

    /// Hides characters.
    pub(crate) fn delete(&mut self, ids: IdRun, patches: &mut Patches) {
        let rope = &mut self.rope;
        self.index.delete(ids, |at, count| {
            rope.remove(at..at + count);
            patches.delete(at, count);
        });
        self.check();
    }

    /// The two must always hold the same number of characters.
    fn check(&self) {
        debug_assert_eq!(self.index.len_visible(), self.rope.len_chars());
    }
}

/// Characters on their way into a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Typed<'a> {
    pub(crate) after: Option<Id>,
    pub(crate) id: Id,
    pub(crate) count: u32,
    pub(crate) text: &'a str,
}
