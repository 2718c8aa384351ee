//! Which chunks a workspace is made of, told to a keeper, who cannot read that anywhere.
//!
//! ```text
//! request   version u8 = 1 | workspace [32] | digest of bucket 0 [8] | … | digest of bucket 255 [8]
//! reply     (bucket u8 | count u32 little-endian | chunk id [32] × count) …
//! ```
//! The digests are of what the asker holds, so that who answers learns whether that is all.
//! A bucket holds the chunks whose ids begin with that byte, ascending; its digest is the first eight bytes of the BLAKE3
//! hash of them. A reply has the buckets that are other than the asker said, so that one new file costs a small part of the
//! list.

use std::collections::BTreeSet;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use weft_crdt::ChunkId;
use weft_net::{FrameStream, Net, RequestError, RequestKind, StreamError};
use weft_sync::ids::{EndpointId, WorkspaceId};

use super::wire::TransferFrameError;

const VERSION: u8 = 1;
const BUCKETS: usize = 256;
const DIGEST_BYTES: usize = 8;
const REQUEST_BYTES: usize = 1 + 32 + BUCKETS * DIGEST_BYTES;
/// Chunks of one bucket: 100 for each of a million files.
pub(crate) const BUCKET_CHUNKS_MAX: usize = 400_000;
/// Chunks named in one frame of a reply (480 KiB of ids).
const FRAME_CHUNKS: usize = 15_000;

/// The request stream that carries such lists.
#[must_use]
pub(crate) fn list_requests() -> RequestKind {
    RequestKind::new(2).expect("two is not zero")
}

/// A set of chunks, by the first byte of their ids.
#[derive(Debug, Clone)]
pub(crate) struct ChunkSet {
    buckets: Vec<BTreeSet<ChunkId>>,
}

impl Default for ChunkSet {
    fn default() -> Self {
        Self { buckets: vec![BTreeSet::new(); BUCKETS] }
    }
}

impl ChunkSet {
    /// Adds a chunk; says whether it is new.
    pub(crate) fn insert(&mut self, id: ChunkId) -> bool {
        self.buckets[usize::from(id.as_bytes()[0])].insert(id)
    }

    /// Takes a chunk out.
    pub(crate) fn remove(&mut self, id: &ChunkId) {
        self.buckets[usize::from(id.as_bytes()[0])].remove(id);
    }

    /// Names the whole set.
    pub(crate) fn name(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        (0..BUCKETS).for_each(|bucket| {
            hasher.update(&self.digest(bucket));
        });
        *hasher.finalize().as_bytes()
    }

    /// All of them, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &ChunkId> {
        self.buckets.iter().flatten()
    }

    fn digest(&self, bucket: usize) -> [u8; DIGEST_BYTES] {
        let mut hasher = blake3::Hasher::new();
        self.buckets[bucket].iter().for_each(|id| {
            hasher.update(id.as_bytes());
        });
        let hash = hasher.finalize();
        std::array::from_fn(|at| hash.as_bytes()[at])
    }
}

/// Encodes a request by who holds these.
pub(crate) fn encode_request(ws: &WorkspaceId, held: &ChunkSet) -> Bytes {
    let mut out = BytesMut::with_capacity(REQUEST_BYTES);
    out.put_u8(VERSION);
    out.put_slice(ws.as_bytes());
    (0..BUCKETS).for_each(|bucket| out.put_slice(&held.digest(bucket)));
    out.freeze()
}

/// What a keeper asks for.
#[derive(Debug)]
pub(crate) struct ListRequest {
    /// The workspace.
    pub(crate) ws: WorkspaceId,
    digests: Vec<[u8; DIGEST_BYTES]>,
}

/// Reads a request.
///
/// # Errors
/// When it is of another version or length.
pub(crate) fn decode_request(mut frame: Bytes) -> Result<ListRequest, TransferFrameError> {
    if frame.first().is_some_and(|version| *version != VERSION) {
        return Err(TransferFrameError::Version(frame[0]));
    }
    if frame.len() != REQUEST_BYTES {
        return Err(TransferFrameError::Truncated);
    }
    frame.advance(1);
    let mut ws = [0; 32];
    frame.copy_to_slice(&mut ws);
    let digests = (0..BUCKETS).map(|_| {
        let mut digest = [0; DIGEST_BYTES];
        frame.copy_to_slice(&mut digest);
        digest
    });
    Ok(ListRequest { ws: WorkspaceId::from_bytes(ws), digests: digests.collect() })
}

/// The frames that answer a request with what is here.
pub(crate) fn encode_reply(request: &ListRequest, here: &ChunkSet) -> Vec<Bytes> {
    let mut frames = Vec::new();
    for (bucket, digest) in request.digests.iter().enumerate() {
        if here.digest(bucket) == *digest {
            continue;
        }
        let ids: Vec<&ChunkId> = here.buckets[bucket].iter().collect();
        for part in ids.chunks(FRAME_CHUNKS) {
            let mut frame = BytesMut::with_capacity(5 + part.len() * 32);
            frame.put_u8(u8::try_from(bucket).expect("one of 256 buckets"));
            frame.put_u32_le(u32::try_from(part.len()).expect("a part of a frame"));
            part.iter().for_each(|id| frame.put_slice(id.as_bytes()));
            frames.push(frame.freeze());
        }
    }
    frames
}

/// Reads a frame of a reply into a set; says which chunks are new in it.
///
/// # Errors
/// When it is torn, an id stands in another bucket than its own, or a bucket is too full.
pub(crate) fn decode_reply(
    mut frame: Bytes,
    into: &mut ChunkSet,
) -> Result<Vec<ChunkId>, TransferFrameError> {
    let mut new = Vec::new();
    while frame.has_remaining() {
        if frame.len() < 5 {
            return Err(TransferFrameError::Truncated);
        }
        let (bucket, count) = (frame.get_u8(), frame.get_u32_le() as usize);
        if count > FRAME_CHUNKS {
            return Err(TransferFrameError::TooMuch);
        }
        if frame.len() < count * 32 {
            return Err(TransferFrameError::Truncated);
        }
        for _ in 0..count {
            let mut id = [0; 32];
            frame.copy_to_slice(&mut id);
            if id[0] != bucket {
                return Err(TransferFrameError::Truncated);
            }
            let held = &mut into.buckets[usize::from(bucket)];
            if held.len() >= BUCKET_CHUNKS_MAX {
                return Err(TransferFrameError::TooMuch);
            }
            let id = ChunkId::from_bytes(id);
            if held.insert(id) {
                new.push(id);
            }
        }
    }
    Ok(new)
}

/// Why a list did not come.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ListError {
    /// The other device cannot be asked.
    #[error("the device cannot be asked")]
    Request(#[from] RequestError),
    /// The stream broke.
    #[error("the list broke off")]
    Stream(#[from] StreamError),
    /// What came is no list.
    #[error("the list cannot be read")]
    Reply(#[from] TransferFrameError),
}

/// Tells a device which chunks of a workspace are `here`, and asks for the others; gives those that are new in `named`.
///
/// # Errors
/// When the connection breaks or what comes is no list. What came before is in `named`.
pub(crate) async fn fetch_list(
    net: &Net,
    peer: EndpointId,
    ws: &WorkspaceId,
    here: &ChunkSet,
    named: &mut ChunkSet,
) -> Result<Vec<ChunkId>, ListError> {
    let mut stream = net.request(peer, list_requests()).await?;
    stream.send(encode_request(ws, here)).await?;
    stream.finish().await?;
    let (_sender, mut receiver) = stream.split();
    let mut new = Vec::new();
    while let Some(frame) = receiver.recv().await? {
        new.extend(decode_reply(frame, named)?);
    }
    Ok(new)
}

/// Sends a list; says whether the asker holds all of it already.
///
/// # Errors
/// When the other side gives up.
pub(crate) async fn serve_list(
    mut stream: FrameStream,
    request: &ListRequest,
    here: &ChunkSet,
) -> Result<bool, StreamError> {
    let frames = encode_reply(request, here);
    let has_all = frames.is_empty();
    for frame in frames {
        stream.send(frame).await?;
    }
    stream.finish().await?;
    Ok(has_all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> ChunkId {
        ChunkId::from_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes())
    }

    fn exchange(held: &mut ChunkSet, here: &ChunkSet) -> (Vec<ChunkId>, usize) {
        let ws = WorkspaceId::from_bytes([7; 32]);
        let request = decode_request(encode_request(&ws, held)).expect("a request");
        assert_eq!(request.ws, ws);
        let frames = encode_reply(&request, here);
        let bytes = frames.iter().map(Bytes::len).sum();
        let new = frames.into_iter().flat_map(|frame| decode_reply(frame, held).expect("a reply"));
        (new.collect(), bytes)
    }

    #[test]
    fn a_keeper_learns_of_every_chunk_and_one_more_costs_little() {
        let mut here = ChunkSet::default();
        (0..5_000).for_each(|number| assert!(here.insert(id(number))));
        let mut held = ChunkSet::default();
        let (new, all_bytes) = exchange(&mut held, &here);
        assert_eq!(new.len(), 5_000);
        assert!(held.iter().eq(here.iter()));
        assert_eq!(exchange(&mut held, &here), (Vec::new(), 0), "nothing is said twice");
        here.insert(id(5_000));
        let (new, bytes) = exchange(&mut held, &here);
        assert_eq!(new, [id(5_000)]);
        assert!(bytes * 100 < all_bytes, "{bytes} of {all_bytes}");
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let mut held = ChunkSet::default();
        let frame = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
        let mut wrong_bucket = vec![1, 1, 0, 0, 0];
        wrong_bucket.extend([2; 32]);
        let mut torn = vec![1, 2, 0, 0, 0];
        torn.extend([1; 32]);
        let mut too_many = vec![1];
        too_many.extend((FRAME_CHUNKS as u32 + 1).to_le_bytes());
        for bad in [frame(&wrong_bucket), frame(&torn), frame(&too_many), frame(&[1, 2, 3])] {
            assert!(decode_reply(bad, &mut held).is_err());
        }
        assert!(decode_request(frame(&[1; 40])).is_err());
        assert!(decode_request(Bytes::new()).is_err());
        let mut other_version = encode_request(&WorkspaceId::ZERO, &held).to_vec();
        other_version[0] = 9;
        assert_eq!(decode_request(frame(&other_version)).unwrap_err(), TransferFrameError::Version(9));
    }

    #[test]
    fn a_bucket_takes_as_many_as_it_may_and_not_one_more() {
        let mut held = ChunkSet::default();
        let numbered = |number: u32| {
            let mut id = [0; 32];
            id[1..5].copy_from_slice(&number.to_be_bytes());
            ChunkId::from_bytes(id)
        };
        (1..BUCKET_CHUNKS_MAX as u32).for_each(|number| assert!(held.insert(numbered(number))));
        let one = |number: u32| {
            let mut frame = vec![0, 1, 0, 0, 0];
            frame.extend(numbered(number).as_bytes());
            Bytes::from(frame)
        };
        assert_eq!(decode_reply(one(0), &mut held).map(|new| new.len()), Ok(1));
        let over = decode_reply(one(BUCKET_CHUNKS_MAX as u32), &mut held);
        assert_eq!(over, Err(TransferFrameError::TooMuch));
    }
}
