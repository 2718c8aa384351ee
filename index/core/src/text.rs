//! Whether a file is text, and its text.

use std::borrow::Cow;

use crate::limits::{BINARY_LOOK_BYTES, FILE_BYTES_MAX};

/// What a file is to the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind<'bytes> {
    /// Text: as it lies there, or turned into UTF-8 where a mark at its start says that it is UTF-16.
    Text(Cow<'bytes, [u8]>),
    /// Something else: it has a zero byte near its start.
    Binary,
    /// Too large to be looked at.
    TooLarge,
}

/// Says what a file's bytes are. As for ripgrep, a zero byte near the start makes a file binary, and UTF-16 is known by its
/// mark.
#[must_use]
pub fn decoded(bytes: &[u8]) -> FileKind<'_> {
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return FileKind::TooLarge;
    }
    let wide: Option<fn([u8; 2]) -> u16> = match bytes {
        [0xff, 0xfe, ..] => Some(u16::from_le_bytes),
        [0xfe, 0xff, ..] => Some(u16::from_be_bytes),
        _ => None,
    };
    let text = match wide {
        Some(unit) => {
            let (pairs, _) = bytes[2..].as_chunks::<2>();
            let units = pairs.iter().map(|pair| unit(*pair));
            let chars = char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER));
            Cow::Owned(chars.collect::<String>().into_bytes())
        }
        None => Cow::Borrowed(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)),
    };
    if text[..text.len().min(BINARY_LOOK_BYTES)].contains(&0) {
        return FileKind::Binary;
    }
    FileKind::Text(text)
}
