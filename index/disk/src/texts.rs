//! Texts that searches have read, for the next search.

use std::sync::Arc;

use lru::LruCache;

use crate::limits::OPEN_TEXTS_BYTES;

/// Texts in memory; the one that was used longest ago goes first.
pub(crate) struct OpenTexts {
    texts: LruCache<Arc<str>, (u64, Arc<[u8]>)>,
    bytes: usize,
}

impl Default for OpenTexts {
    fn default() -> Self {
        Self { texts: LruCache::unbounded(), bytes: 0 }
    }
}

impl OpenTexts {
    /// A file's text, if it is the one of this number.
    pub(crate) fn get(&mut self, path: &str, check: u64) -> Option<Arc<[u8]>> {
        let (known, text) = self.texts.get(path)?;
        (*known == check).then(|| Arc::clone(text))
    }

    /// Keeps a file's text.
    pub(crate) fn put(&mut self, path: &Arc<str>, check: u64, text: &[u8]) {
        self.bytes += text.len();
        if let Some((_, (_, before))) = self.texts.push(Arc::clone(path), (check, text.into())) {
            self.bytes -= before.len();
        }
        while self.bytes > OPEN_TEXTS_BYTES
            && let Some((_, (_, gone))) = self.texts.pop_lru()
        {
            self.bytes -= gone.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::OPEN_TEXT_BYTES_MAX;

    #[test]
    fn no_more_is_kept_than_may_be() {
        let mut texts = OpenTexts::default();
        let text = vec![b'a'; OPEN_TEXT_BYTES_MAX];
        let paths: Vec<Arc<str>> =
            (0..=OPEN_TEXTS_BYTES / OPEN_TEXT_BYTES_MAX).map(|number| number.to_string().into()).collect();
        paths.iter().for_each(|path| texts.put(path, 1, &text));
        assert_eq!(texts.get(&paths[0], 1), None);
        assert!(texts.get(&paths[1], 1).is_some() && texts.bytes <= OPEN_TEXTS_BYTES);
        assert_eq!(texts.get(&paths[1], 2), None, "another text");
        texts.put(&paths[1], 2, b"short");
        assert_eq!(texts.get(&paths[1], 2).as_deref(), Some(&b"short"[..]));
        assert_eq!(texts.bytes, (texts.texts.len() - 1) * OPEN_TEXT_BYTES_MAX + 5);
    }
}
