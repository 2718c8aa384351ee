//! What a file holds: a list of stored pieces, or a text document with such a list as its beginning.

use serde::{Deserialize, Serialize};

use super::codec::{self, ValueError};
use crate::{ChunkId, ContentId, DocumentId};

/// Most chunks that a register names itself.
pub const INLINE_CHUNKS_MAX: usize = 64;
/// Most chunks that one list chunk names.
pub const LIST_CHUNKS_MAX: usize = 3_072;
/// Most bytes of a chunk before it is sealed.
pub const CHUNK_BYTES_MAX: u32 = 256 * 1024;

/// Names one stored piece of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChunkRef {
    /// Name of the piece as it is stored and sent.
    pub chunk: ChunkId,
    /// BLAKE3 of its plaintext; gives the key.
    pub plain_hash: [u8; 32],
    /// Bytes of its plaintext.
    pub size: u32,
}

/// Names the pieces of a blob in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ChunkList {
    /// At most [`INLINE_CHUNKS_MAX`] pieces, whose sizes sum up to the blob's.
    Inline(Vec<ChunkRef>),
    /// More pieces than that: chunks that hold an encoded list each ([`encode_chunk_list`]).
    Listed {
        /// The list chunks in order, at most [`INLINE_CHUNKS_MAX`].
        lists: Vec<ChunkRef>,
        /// How many pieces they name together.
        chunks: u32,
    },
}

/// Names bytes and says how to get them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlobRef {
    /// Name of the whole.
    pub content: ContentId,
    /// Its bytes.
    pub size: u64,
    /// Its pieces.
    pub chunks: ChunkList,
}

/// Says what a file holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ContentValue {
    /// These bytes.
    Blob(BlobRef),
    /// The text of a document.
    Text {
        /// The document.
        document: DocumentId,
        /// The text that it begins with.
        base: BlobRef,
    },
}

impl ContentValue {
    /// Reads a register's bytes; only what [`ContentValue::encode`] gives is accepted.
    pub fn decode(bytes: &[u8]) -> Result<Self, ValueError> {
        let value: Self = codec::decode(bytes)?;
        value.blob().check()?;
        Ok(value)
    }

    /// Gives the bytes of the register.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Gives the blob: the content itself, or what the text document begins with.
    pub fn blob(&self) -> &BlobRef {
        match self {
            Self::Blob(blob) | Self::Text { base: blob, .. } => blob,
        }
    }

    /// Gives the text document, if it is one.
    pub fn document(&self) -> Option<DocumentId> {
        match self {
            Self::Blob(_) => None,
            Self::Text { document, .. } => Some(*document),
        }
    }
}

impl BlobRef {
    pub(super) fn check(&self) -> Result<(), ValueError> {
        match &self.chunks {
            ChunkList::Inline(chunks) => {
                check_chunks(chunks)?;
                let sum: u64 = chunks.iter().map(|chunk| u64::from(chunk.size)).sum();
                if sum == self.size { Ok(()) } else { Err(ValueError::Invalid("sizes of chunks")) }
            }
            ChunkList::Listed { lists, chunks } => {
                check_chunks(lists)?;
                let least = INLINE_CHUNKS_MAX as u32 + 1;
                let most = (lists.len() * LIST_CHUNKS_MAX) as u32;
                if (least..=most).contains(chunks)
                    && (u64::from(*chunks)..=u64::from(*chunks) * u64::from(CHUNK_BYTES_MAX))
                        .contains(&self.size)
                {
                    Ok(())
                } else {
                    Err(ValueError::Invalid("number of chunks"))
                }
            }
        }
    }
}

/// Gives the plaintext of a list chunk; a list longer than [`LIST_CHUNKS_MAX`] is to be cut into several.
pub fn encode_chunk_list(chunks: &[ChunkRef]) -> Vec<u8> {
    codec::encode(chunks)
}

/// Reads the plaintext of a list chunk.
pub fn decode_chunk_list(bytes: &[u8]) -> Result<Vec<ChunkRef>, ValueError> {
    let chunks: Vec<ChunkRef> = codec::decode(bytes)?;
    if chunks.len() > LIST_CHUNKS_MAX {
        return Err(ValueError::Invalid("number of chunks"));
    }
    check_sizes(&chunks)?;
    Ok(chunks)
}

fn check_chunks(chunks: &[ChunkRef]) -> Result<(), ValueError> {
    if chunks.len() > INLINE_CHUNKS_MAX {
        return Err(ValueError::Invalid("number of chunks"));
    }
    check_sizes(chunks)
}

fn check_sizes(chunks: &[ChunkRef]) -> Result<(), ValueError> {
    if chunks.iter().all(|chunk| (1..=CHUNK_BYTES_MAX).contains(&chunk.size)) {
        Ok(())
    } else {
        Err(ValueError::Invalid("size of a chunk"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(number: u8, size: u32) -> ChunkRef {
        ChunkRef { chunk: ChunkId::from_bytes([number; 32]), plain_hash: [number; 32], size }
    }

    fn blob(chunks: Vec<ChunkRef>) -> BlobRef {
        BlobRef {
            content: ContentId::from_bytes([9; 32]),
            size: chunks.iter().map(|chunk| u64::from(chunk.size)).sum(),
            chunks: ChunkList::Inline(chunks),
        }
    }

    fn listed(chunks: u32, size: u64) -> ContentValue {
        ContentValue::Blob(BlobRef {
            content: ContentId::from_bytes([9; 32]),
            size,
            chunks: ChunkList::Listed { lists: vec![chunk(1, 5_000)], chunks },
        })
    }

    #[test]
    fn values_survive_their_encoding() {
        let document = DocumentId::from_bytes([3; 16]);
        for value in [
            ContentValue::Blob(blob(vec![])),
            ContentValue::Blob(blob(vec![chunk(1, CHUNK_BYTES_MAX); INLINE_CHUNKS_MAX])),
            ContentValue::Text { document, base: blob(vec![chunk(1, 10), chunk(2, 20)]) },
            listed(65, 1_000),
        ] {
            assert_eq!(ContentValue::decode(&value.encode()), Ok(value));
        }
    }

    #[test]
    fn limits_are_checked() {
        let over = |value: ContentValue| ContentValue::decode(&value.encode()).unwrap_err();
        over(ContentValue::Blob(blob(vec![chunk(1, 1); INLINE_CHUNKS_MAX + 1])));
        over(ContentValue::Blob(blob(vec![chunk(1, 0)])));
        over(ContentValue::Blob(blob(vec![chunk(1, CHUNK_BYTES_MAX + 1)])));
        over(ContentValue::Blob(BlobRef { size: 11, ..blob(vec![chunk(1, 10)]) }));
        over(listed(64, 1_000));
        over(listed(LIST_CHUNKS_MAX as u32 + 1, 10_000));
        over(listed(65, 64));
        over(listed(65, 65 * u64::from(CHUNK_BYTES_MAX) + 1));
        let list = vec![chunk(1, 7); LIST_CHUNKS_MAX];
        assert_eq!(decode_chunk_list(&encode_chunk_list(&list)), Ok(list));
        let list = vec![chunk(1, 7); LIST_CHUNKS_MAX + 1];
        assert!(decode_chunk_list(&encode_chunk_list(&list)).is_err());
    }

    #[test]
    fn every_changed_byte_is_refused_or_reads_as_another_value() {
        let value = ContentValue::Text {
            document: DocumentId::from_bytes([3; 16]),
            base: blob(vec![chunk(1, 10), chunk(2, 20)]),
        };
        let bytes = value.encode();
        for place in 0..bytes.len() {
            for change in [1_u8, 0x40, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[place] ^= change;
                if let Ok(other) = ContentValue::decode(&bytes) {
                    assert_ne!(other, value);
                    assert_eq!(other.encode(), bytes);
                }
            }
            assert!(ContentValue::decode(&bytes[..place]).is_err());
        }
        let mut longer = bytes;
        longer.push(0);
        assert!(ContentValue::decode(&longer).is_err());
    }

    #[test]
    fn a_declared_length_allocates_nothing() {
        // Version, Blob, content id, size, Inline, then a length of 2^32 - 1 and nothing behind it.
        let mut bytes = vec![1, 0];
        bytes.extend([9; 32]);
        bytes.extend([5, 0, 0xff, 0xff, 0xff, 0xff, 0x0f]);
        assert!(ContentValue::decode(&bytes).is_err());
    }
}
