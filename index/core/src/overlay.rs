//! Texts as they are typed, before any file holds them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use ropey::Rope;

use crate::limits::{OVERLAY_BYTES_MAX, OVERLAY_TEXTS_MAX};

/// One change of a text, in Unicode code points of the text before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEdit {
    /// What is taken out.
    pub range: Range<usize>,
    /// What is put in its place.
    pub insert: String,
}

/// Texts that are newer than the index, by path. They are searched whole, so an edit costs nothing but itself.
#[derive(Default)]
pub struct Overlay {
    texts: BTreeMap<Arc<str>, Fresh>,
    bytes: usize,
    clock: u64,
}

struct Fresh {
    rope: Rope,
    /// The text in one piece, made when it is first searched after an edit.
    whole: OnceLock<Arc<[u8]>>,
    touched: u64,
}

impl Overlay {
    /// Holds a text.
    pub fn put(&mut self, path: &str, text: &str) {
        self.remove(path);
        self.clock += 1;
        self.bytes += text.len();
        let fresh = Fresh { rope: Rope::from_str(text), whole: OnceLock::new(), touched: self.clock };
        self.texts.insert(path.into(), fresh);
    }

    /// Edits a text that is held, one change after the other. `false` when it is not held, or a change does not fit: then
    /// it is held no more, and to be put anew.
    pub fn edit(&mut self, path: &str, edits: &[TextEdit]) -> bool {
        self.clock += 1;
        let Some(fresh) = self.texts.get_mut(path) else { return false };
        let before = fresh.rope.len_bytes();
        fresh.touched = self.clock;
        fresh.whole = OnceLock::new();
        let fits = edits.iter().all(|edit| {
            let fits = edit.range.start <= edit.range.end && edit.range.end <= fresh.rope.len_chars();
            if fits {
                fresh.rope.remove(edit.range.clone());
                fresh.rope.insert(edit.range.start, &edit.insert);
            }
            fits
        });
        self.bytes = self.bytes + fresh.rope.len_bytes() - before;
        if !fits {
            self.remove(path);
        }
        fits
    }

    /// Holds a text no more.
    pub fn remove(&mut self, path: &str) {
        if let Some(gone) = self.texts.remove(path) {
            self.bytes -= gone.rope.len_bytes();
        }
    }

    /// Whether a text is held.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        self.texts.contains_key(path)
    }

    /// A text that is held.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Arc<[u8]>> {
        self.texts.get(path).map(Fresh::whole)
    }

    /// Every text, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, Arc<[u8]>)> {
        self.texts.iter().map(|(path, fresh)| (path, fresh.whole()))
    }

    /// How many texts are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The text that was edited longest ago, when there are more than may be held: it is to go to the index.
    #[must_use]
    pub fn surplus(&self) -> Option<Arc<str>> {
        if self.texts.len() <= OVERLAY_TEXTS_MAX && self.bytes <= OVERLAY_BYTES_MAX {
            return None;
        }
        self.texts.iter().min_by_key(|(_, fresh)| fresh.touched).map(|(path, _)| Arc::clone(path))
    }
}

impl Fresh {
    fn whole(&self) -> Arc<[u8]> {
        let make = || {
            let mut bytes = Vec::with_capacity(self.rope.len_bytes());
            self.rope.chunks().for_each(|chunk| bytes.extend_from_slice(chunk.as_bytes()));
            bytes.into()
        };
        Arc::clone(self.whole.get_or_init(make))
    }
}
