//! The state of a document as bytes for the own store: loads in milliseconds.
//!
//! A snapshot is a cache. It can always be made again from the changes, so whatever is wrong with one is a reason to do
//! that and nothing more. Format: a letter for the kind, a version, the document's id, the changes, the content, and at
//! the end a checksum over all of it.

mod changes;
mod text;
mod tree;

#[cfg(test)]
mod tests;

use crate::change::ChangeError;
use crate::change::leb::{Reader, write_unsigned};
use crate::ids::DocumentId;

const VERSION: u8 = 1;
const CHECKSUM_LENGTH: usize = 16;

/// Says why bytes are not a snapshot of a document. Make the document from its changes instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Another version of Weft wrote it.
    #[error("the snapshot has format {found}, not {VERSION}")]
    Version {
        /// The format it has.
        found: u8,
    },
    /// It is of another document, or of one of another kind.
    #[error("the snapshot is of another document")]
    Document,
    /// Bytes were lost or turned around.
    #[error("the snapshot is damaged")]
    Damaged,
}

impl From<ChangeError> for SnapshotError {
    fn from(_: ChangeError) -> Self {
        Self::Damaged
    }
}

fn start(kind: u8, id: DocumentId) -> Vec<u8> {
    let mut out = vec![kind, VERSION];
    out.extend_from_slice(id.as_bytes());
    out
}

fn finish(mut out: Vec<u8>) -> Vec<u8> {
    let checksum = blake3::hash(&out);
    out.extend_from_slice(&checksum.as_bytes()[..CHECKSUM_LENGTH]);
    out
}

/// Checks everything around the content of a snapshot.
fn open(kind: u8, id: DocumentId, bytes: &[u8]) -> Result<Reader<'_>, SnapshotError> {
    let version = *bytes.get(1).ok_or(SnapshotError::Damaged)?;
    if version != VERSION {
        return Err(SnapshotError::Version { found: version });
    }
    let content = bytes.len().checked_sub(CHECKSUM_LENGTH).ok_or(SnapshotError::Damaged)?;
    let (content, checksum) = bytes.split_at(content);
    if blake3::hash(content).as_bytes()[..CHECKSUM_LENGTH] != *checksum {
        return Err(SnapshotError::Damaged);
    }
    let mut reader = Reader::new(content);
    let found_kind = reader.byte()?;
    reader.byte()?;
    if found_kind != kind || reader.take(DocumentId::LENGTH as u64)? != id.as_bytes() {
        return Err(SnapshotError::Document);
    }
    Ok(reader)
}

/// A number below `end`.
fn read_below(reader: &mut Reader<'_>, end: usize) -> Result<u32, SnapshotError> {
    let number = reader.unsigned()?;
    u32::try_from(number).ok().filter(|number| (*number as usize) < end).ok_or(SnapshotError::Damaged)
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_unsigned(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn read_bytes<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], SnapshotError> {
    let length = reader.unsigned()?;
    Ok(reader.take(length)?)
}

fn read_str<'a>(reader: &mut Reader<'a>) -> Result<&'a str, SnapshotError> {
    std::str::from_utf8(read_bytes(reader)?).map_err(|_| SnapshotError::Damaged)
}
