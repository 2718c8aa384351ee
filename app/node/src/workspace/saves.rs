//! Saves of whole files, as edits of what they changed.

use weft_crdt::tree::BlobRef;
use weft_crdt::{DocumentId, TextDocument, Version};

use super::engine::Engine;

/// Whether bytes are a text that can be edited together.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}

/// About how many characters a save inserts: those between what both texts begin and end with.
pub(super) fn inserted_chars(before: &str, after: &str) -> usize {
    let start = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let rest = before.len().min(after.len()) - start;
    let ends = before.bytes().rev().zip(after.bytes().rev()).take(rest).take_while(|(a, b)| a == b);
    after.len() - start - ends.count()
}

/// The version of a document before anybody edited it.
pub(super) fn genesis_version(document: DocumentId, begins: &BlobRef, engine: &Engine) -> Option<Version> {
    let bytes = engine.contents.as_ref()?.load(begins).ok()?;
    let genesis = TextDocument::genesis(document, std::str::from_utf8(&bytes).ok()?).ok()?;
    Some(Version::new([genesis.hash()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inserted_characters_are_those_between() {
        assert_eq!(inserted_chars("abc", "abc"), 0);
        assert_eq!(inserted_chars("abc", "abXYc"), 2);
        assert_eq!(inserted_chars("aaa", "aaaa"), 1);
        assert_eq!(inserted_chars("abc", ""), 0);
        assert_eq!(inserted_chars("", "abc"), 3);
    }

    #[test]
    fn text_is_valid_unicode_without_nul() {
        assert!(is_text("é\r\n".as_bytes()));
        assert!(is_text(b""));
        assert!(!is_text(b"a\0b"));
        assert!(!is_text(&[0xff]));
    }
}
