//! The texts that were lately on disk, for telling what a save was made from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::mirror::OldContent;
use crate::workspace::contents::Contents;
use crate::workspace::version::FileVersion;

/// Bytes of texts that are kept.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Texts by the version that they are; the oldest go first.
#[derive(Default)]
pub(crate) struct RecentTexts {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    texts: BTreeMap<Vec<u8>, (u64, Arc<[u8]>)>,
    ages: BTreeMap<u64, Vec<u8>>,
    next_age: u64,
    bytes: usize,
}

impl RecentTexts {
    /// Keeps a text for a while.
    pub(crate) fn put(&self, version: Vec<u8>, text: Arc<[u8]>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let age = inner.next_age;
        inner.next_age += 1;
        inner.bytes += text.len();
        if let Some((old_age, old)) = inner.texts.insert(version.clone(), (age, text)) {
            inner.bytes -= old.len();
            inner.ages.remove(&old_age);
        }
        inner.ages.insert(age, version);
        while inner.bytes > BYTES_MAX {
            let Some((_, oldest)) = inner.ages.pop_first() else { break };
            if let Some((_, text)) = inner.texts.remove(&oldest) {
                inner.bytes -= text.len();
            }
        }
    }

    /// Finds a text.
    pub(crate) fn get(&self, version: &[u8]) -> Option<Arc<[u8]>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.texts.get(version).map(|(_, text)| Arc::clone(text))
    }
}

/// What the mirror asks when it compares.
pub(crate) struct KnownContent {
    pub(crate) texts: Arc<RecentTexts>,
    pub(crate) contents: Contents,
}

impl OldContent for KnownContent {
    fn content(&self, _node: &[u8; 16], version: &[u8]) -> Option<Vec<u8>> {
        match FileVersion::decode(version)? {
            FileVersion::Folder => None,
            FileVersion::Blob(blob) => self.contents.load(&blob).ok(),
            FileVersion::Text(..) | FileVersion::Saved { .. } => {
                self.texts.get(version).map(|text| text.to_vec())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_texts_make_room_for_new_ones() {
        let texts = RecentTexts::default();
        let big: Arc<[u8]> = vec![0; BYTES_MAX / 2].into();
        for n in 0..3 {
            texts.put(vec![n], Arc::clone(&big));
        }
        assert!(texts.get(&[0]).is_none());
        assert!(texts.get(&[1]).is_some());
        assert!(texts.get(&[2]).is_some());
    }
}
