//! Frames of the chunk exchange: a list of chunk ids one way, the chunks the
//! other way, as many as fit in a frame.
//!
//! ```text
//! request   version u8 = 1 | chunk id [32] …
//! reply     (chunk id [32] | length u32 little-endian | that many bytes) …
//! ```
//! A length of [`ABSENT`] says that the serving device does not hold the chunk.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use weft_crdt::ChunkId;

/// Version byte that opens every request.
const VERSION: u8 = 1;

/// Greatest number of chunks one request may name (160 KiB of ids).
pub(crate) const REQUEST_CHUNKS_MAX: usize = 5_000;

/// Greatest ciphertext of one chunk: 256 KiB of content and its tag, rounded up.
pub(crate) const CHUNK_BYTES_MAX: usize = 257 * 1024;

/// A reply frame is closed when it holds at least this many bytes.
const REPLY_FRAME_BYTES: usize = 256 * 1024;

/// Length that stands for "not here".
const ABSENT: u32 = u32::MAX;

/// Bytes in front of each chunk of a reply.
const PREFIX_BYTES: usize = 32 + 4;

/// What was wrong with a frame of the chunk exchange.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum TransferFrameError {
    /// The request has another version byte.
    #[error("the request is of version {0}, this device speaks version 1")]
    Version(u8),
    /// A frame ended in the middle of an item.
    #[error("a frame ends in the middle of an item")]
    Truncated,
    /// A limit was passed.
    #[error("a frame names more than the limit allows")]
    TooMuch,
}

/// Encodes a request for at most [`REQUEST_CHUNKS_MAX`] chunks.
pub(crate) fn encode_request(ids: &[ChunkId]) -> Bytes {
    debug_assert!(ids.len() <= REQUEST_CHUNKS_MAX, "the caller splits requests");
    let mut out = BytesMut::with_capacity(1 + ids.len() * 32);
    out.put_u8(VERSION);
    for id in ids {
        out.put_slice(id.as_bytes());
    }
    out.freeze()
}

/// Decodes a request.
///
/// # Errors
/// Another version, a torn id, or too many ids.
pub(crate) fn decode_request(mut frame: Bytes) -> Result<Vec<ChunkId>, TransferFrameError> {
    if !frame.has_remaining() {
        return Err(TransferFrameError::Truncated);
    }
    let version = frame.get_u8();
    if version != VERSION {
        return Err(TransferFrameError::Version(version));
    }
    if !frame.len().is_multiple_of(32) {
        return Err(TransferFrameError::Truncated);
    }
    if frame.len() / 32 > REQUEST_CHUNKS_MAX {
        return Err(TransferFrameError::TooMuch);
    }
    let mut ids = Vec::with_capacity(frame.len() / 32);
    while frame.has_remaining() {
        let mut id = [0; 32];
        frame.copy_to_slice(&mut id);
        ids.push(ChunkId::from_bytes(id));
    }
    Ok(ids)
}

/// Gathers chunks into reply frames.
#[derive(Debug, Default)]
pub(crate) struct ReplyWriter {
    frame: BytesMut,
}

impl ReplyWriter {
    /// Adds one chunk (or its absence); returns a frame when one is full.
    pub(crate) fn push(&mut self, id: &ChunkId, chunk: Option<&[u8]>) -> Option<Bytes> {
        self.frame.put_slice(id.as_bytes());
        match chunk {
            Some(bytes) => {
                let length = u32::try_from(bytes.len()).expect("stored chunks are below 257 KiB");
                self.frame.put_u32_le(length);
                self.frame.put_slice(bytes);
            }
            None => self.frame.put_u32_le(ABSENT),
        }
        (self.frame.len() >= REPLY_FRAME_BYTES).then(|| self.frame.split().freeze())
    }

    /// Returns what is left, if anything.
    pub(crate) fn finish(mut self) -> Option<Bytes> {
        (!self.frame.is_empty()).then(|| self.frame.split().freeze())
    }
}

/// Decodes one reply frame without copying the chunks.
///
/// # Errors
/// A torn item or a chunk above [`CHUNK_BYTES_MAX`].
pub(crate) fn decode_reply(mut frame: Bytes) -> Result<Vec<(ChunkId, Option<Bytes>)>, TransferFrameError> {
    let mut chunks = Vec::new();
    while frame.has_remaining() {
        if frame.len() < PREFIX_BYTES {
            return Err(TransferFrameError::Truncated);
        }
        let mut id = [0; 32];
        frame.copy_to_slice(&mut id);
        let length = frame.get_u32_le();
        let id = ChunkId::from_bytes(id);
        if length == ABSENT {
            chunks.push((id, None));
            continue;
        }
        let length = length as usize;
        if length > CHUNK_BYTES_MAX {
            return Err(TransferFrameError::TooMuch);
        }
        if frame.len() < length {
            return Err(TransferFrameError::Truncated);
        }
        chunks.push((id, Some(frame.split_to(length))));
    }
    Ok(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> ChunkId {
        ChunkId::from_bytes([n; 32])
    }

    #[test]
    fn a_request_survives_its_encoding() {
        let ids = vec![id(1), id(2), id(9)];
        assert_eq!(decode_request(encode_request(&ids)), Ok(ids));
    }

    #[test]
    fn requests_at_the_limit_pass_and_one_above_is_refused() {
        let full = vec![id(3); REQUEST_CHUNKS_MAX];
        assert_eq!(decode_request(encode_request(&full)).map(|ids| ids.len()), Ok(REQUEST_CHUNKS_MAX));
        let mut above = encode_request(&full).to_vec();
        above.extend_from_slice(&[3; 32]);
        assert_eq!(decode_request(above.into()), Err(TransferFrameError::TooMuch));
    }

    #[test]
    fn torn_and_foreign_requests_are_refused() {
        assert_eq!(decode_request(Bytes::new()), Err(TransferFrameError::Truncated));
        assert_eq!(decode_request(Bytes::from_static(&[2])), Err(TransferFrameError::Version(2)));
        assert_eq!(decode_request(Bytes::from_static(&[1, 5])), Err(TransferFrameError::Truncated));
    }

    #[test]
    fn replies_carry_chunks_and_absences_in_order() {
        let big = vec![7; REPLY_FRAME_BYTES];
        let mut writer = ReplyWriter::default();
        assert!(writer.push(&id(1), Some(b"small")).is_none());
        assert!(writer.push(&id(2), None).is_none());
        let first = writer.push(&id(3), Some(&big)).expect("the frame is full");
        assert!(writer.push(&id(4), Some(b"")).is_none());
        let second = writer.finish().expect("one chunk is left");
        let mut all = decode_reply(first).unwrap();
        all.extend(decode_reply(second).unwrap());
        let got: Vec<_> = all.iter().map(|(id, bytes)| (*id, bytes.as_ref().map(Bytes::len))).collect();
        assert_eq!(got, vec![(id(1), Some(5)), (id(2), None), (id(3), Some(big.len())), (id(4), Some(0))]);
    }

    #[test]
    fn a_reply_cannot_claim_more_than_a_chunk_holds() {
        let mut frame = BytesMut::new();
        frame.put_slice(&[1; 32]);
        frame.put_u32_le(u32::try_from(CHUNK_BYTES_MAX).unwrap() + 1);
        assert_eq!(decode_reply(frame.freeze()), Err(TransferFrameError::TooMuch));
        for cut in 1..PREFIX_BYTES {
            let mut frame = BytesMut::new();
            frame.put_slice(&[1; PREFIX_BYTES]);
            assert_eq!(decode_reply(frame.freeze().slice(..cut)), Err(TransferFrameError::Truncated));
        }
    }
}
