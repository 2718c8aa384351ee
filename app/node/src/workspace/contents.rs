//! File contents as sealed chunks: cut, seal and store them; find, open and join them again.
//!
//! A content is cut where its bytes say so (FastCDC, Xia et al. 2016), each piece is sealed
//! under a key that follows from the piece, so equal pieces are stored and sent once.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use fastcdc::v2020::{FastCDC, StreamCDC};
use weft_crdt::tree::{
    BlobRef, ChunkList, ChunkRef, INLINE_CHUNKS_MAX, LIST_CHUNKS_MAX, decode_chunk_list, encode_chunk_list,
};
use weft_crdt::{ChunkId, ContentId};
use weft_store::{PutChunksError, ReadError, Storage};
use weft_sync::seal::ContentSecret;

/// Least bytes of a piece, except the last one.
const PIECE_BYTES_MIN: usize = 16 * 1024;
/// Bytes of a piece on average.
const PIECE_BYTES_AVERAGE: usize = 64 * 1024;
/// Most bytes of a piece.
const PIECE_BYTES_MAX: usize = 256 * 1024;
/// Sealed bytes that are gathered before they go to the store.
const GATHERED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Why a content could not be stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ImportError {
    /// The file could not be read, or changed while it was.
    #[error("the content could not be read")]
    Read(#[from] io::Error),
    /// The store refused.
    #[error("the content could not be stored")]
    Store(#[from] PutChunksError),
}

/// Why a stored content could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ContentError {
    /// The store failed.
    #[error("a stored content cannot be read")]
    Store(#[from] ReadError),
    /// Some of it is not on this device yet.
    #[error("a part of the content is not on this device yet")]
    Missing,
    /// What its author named as this content is something else.
    #[error("a content does not match its name")]
    Damaged,
}

/// Stores and reads the contents of one workspace.
#[derive(Clone)]
pub(crate) struct Contents {
    store: Arc<dyn Storage>,
    secret: ContentSecret,
    streamed: Arc<AtomicU64>,
}

impl Contents {
    /// Works on the chunks of `store` with the secret of one workspace.
    pub(crate) fn new(store: Arc<dyn Storage>, secret: ContentSecret) -> Self {
        Self { store, secret, streamed: Arc::default() }
    }

    /// Bytes that were read as streams, by which one sees that a long content is on its way to the folder.
    pub(crate) fn streamed(&self) -> u64 {
        self.streamed.load(Ordering::Relaxed)
    }

    /// Names a content without storing it.
    pub(crate) fn content_id(&self, bytes: &[u8]) -> ContentId {
        self.secret.content_id(bytes)
    }

    /// Begins to store contents; chunks are gathered until [`Importer::finish`].
    pub(crate) fn importer(&self) -> Importer<'_> {
        Importer { contents: self, gathered: Vec::new(), gathered_bytes: 0 }
    }

    /// Stores one content. It is durable after the next commit with `Write::SyncChunks`.
    ///
    /// # Errors
    /// When the store refuses.
    pub(crate) fn import(&self, bytes: &[u8]) -> Result<BlobRef, ImportError> {
        let mut importer = self.importer();
        let blob = importer.add(bytes)?;
        importer.finish()?;
        Ok(blob)
    }

    /// The chunks of a content that are not here yet, as far as they are known: of a long
    /// content the chunks that hold its list come first, then the ones that they name.
    ///
    /// # Errors
    /// When the store fails, or a list chunk is not what its author said.
    pub(crate) fn missing(&self, blob: &BlobRef) -> Result<Vec<ChunkId>, ContentError> {
        let lists = match &blob.chunks {
            ChunkList::Inline(chunks) => return self.missing_of(chunks),
            ChunkList::Listed { lists, .. } => lists,
        };
        let missing = self.missing_of(lists)?;
        if !missing.is_empty() {
            return Ok(missing);
        }
        self.missing_of(&self.listed_chunks(blob)?)
    }

    /// The chunks of a content, those of its list included; of a list that is not here only itself.
    ///
    /// # Errors
    /// When the store fails, or a list chunk is not what its author said.
    pub(crate) fn chunks_of(&self, blob: &BlobRef) -> Result<Vec<ChunkId>, ContentError> {
        let lists = match &blob.chunks {
            ChunkList::Inline(chunks) => return Ok(chunks.iter().map(|chunk| chunk.chunk).collect()),
            ChunkList::Listed { lists, .. } => lists,
        };
        let mut ids: Vec<ChunkId> = lists.iter().map(|chunk| chunk.chunk).collect();
        if self.missing_of(lists)?.is_empty() {
            ids.extend(self.listed_chunks(blob)?.iter().map(|chunk| chunk.chunk));
        }
        Ok(ids)
    }

    /// Whether all of a content is here.
    ///
    /// # Errors
    /// See [`Contents::missing`].
    pub(crate) fn is_here(&self, blob: &BlobRef) -> Result<bool, ContentError> {
        self.missing(blob).map(|missing| missing.is_empty())
    }

    /// Reads a whole content into memory and checks it against its name.
    ///
    /// # Errors
    /// When a part is missing, or its author named something else.
    pub(crate) fn load(&self, blob: &BlobRef) -> Result<Vec<u8>, ContentError> {
        let mut bytes = Vec::new();
        for chunk in self.listed_chunks(blob)? {
            bytes.extend_from_slice(&self.open(&chunk)?);
        }
        if self.secret.content_id(&bytes) == blob.content { Ok(bytes) } else { Err(ContentError::Damaged) }
    }

    /// A stream of a content, one chunk in memory at a time. It ends with an error when the
    /// whole is not what its name says.
    ///
    /// # Errors
    /// When the list of a long content is missing or damaged.
    pub(crate) fn reader(&self, blob: &BlobRef) -> Result<ContentReader, ContentError> {
        let mut chunks = self.listed_chunks(blob)?;
        chunks.reverse();
        Ok(ContentReader {
            contents: self.clone(),
            rest: chunks,
            open: io::Cursor::default(),
            hasher: Box::new(self.secret.content_hasher()),
            expected: blob.content,
        })
    }

    fn missing_of(&self, chunks: &[ChunkRef]) -> Result<Vec<ChunkId>, ContentError> {
        let ids: Vec<ChunkId> = chunks.iter().map(|chunk| chunk.chunk).collect();
        Ok(self.store.missing(&ids)?)
    }

    fn listed_chunks(&self, blob: &BlobRef) -> Result<Vec<ChunkRef>, ContentError> {
        let (lists, count) = match &blob.chunks {
            ChunkList::Inline(chunks) => return Ok(chunks.clone()),
            ChunkList::Listed { lists, chunks } => (lists, *chunks as usize),
        };
        let mut chunks = Vec::new();
        for list in lists {
            let plain = self.open(list)?;
            chunks.extend(decode_chunk_list(&plain).map_err(|_| ContentError::Damaged)?);
        }
        let size: u64 = chunks.iter().map(|chunk| u64::from(chunk.size)).sum();
        if chunks.len() == count && size == blob.size { Ok(chunks) } else { Err(ContentError::Damaged) }
    }

    fn open(&self, chunk: &ChunkRef) -> Result<Vec<u8>, ContentError> {
        let sealed = self.store.chunk(&chunk.chunk)?.ok_or(ContentError::Missing)?;
        let plain = self.secret.open_chunk(&chunk.plain_hash, &sealed).map_err(|_| ContentError::Damaged)?;
        if plain.len() == chunk.size as usize { Ok(plain) } else { Err(ContentError::Damaged) }
    }
}

/// Stores many contents with few calls to the store.
pub(crate) struct Importer<'a> {
    contents: &'a Contents,
    gathered: Vec<(ChunkId, Bytes)>,
    gathered_bytes: usize,
}

impl Importer<'_> {
    /// Adds a content that is in memory.
    ///
    /// # Errors
    /// When the store refuses.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Result<BlobRef, ImportError> {
        let mut chunks = Vec::new();
        if bytes.len() <= PIECE_BYTES_MIN {
            if !bytes.is_empty() {
                chunks.push(self.seal(bytes)?);
            }
        } else {
            let pieces = FastCDC::new(bytes, PIECE_BYTES_MIN, PIECE_BYTES_AVERAGE, PIECE_BYTES_MAX);
            for piece in pieces {
                chunks.push(self.seal(&bytes[piece.offset..piece.offset + piece.length])?);
            }
        }
        self.name(self.contents.secret.content_id(bytes), bytes.len() as u64, chunks)
    }

    /// Adds a content piece by piece.
    ///
    /// # Errors
    /// When it cannot be read to its end, or the store refuses.
    pub(crate) fn add_stream(&mut self, reader: impl Read) -> Result<BlobRef, ImportError> {
        let mut hasher = self.contents.secret.content_hasher();
        let (mut chunks, mut size) = (Vec::new(), 0);
        let pieces = StreamCDC::new(reader, PIECE_BYTES_MIN, PIECE_BYTES_AVERAGE, PIECE_BYTES_MAX);
        for piece in pieces {
            let piece = piece.map_err(io::Error::from)?;
            hasher.update(&piece.data);
            size += piece.data.len() as u64;
            chunks.push(self.seal(&piece.data)?);
        }
        self.name(ContentId::from_bytes(hasher.finalize().into()), size, chunks)
    }

    /// Hands what is gathered to the store.
    ///
    /// # Errors
    /// When the store refuses.
    pub(crate) fn finish(mut self) -> Result<(), ImportError> {
        self.flush()
    }

    fn name(&mut self, content: ContentId, size: u64, chunks: Vec<ChunkRef>) -> Result<BlobRef, ImportError> {
        if chunks.len() <= INLINE_CHUNKS_MAX {
            return Ok(BlobRef { content, size, chunks: ChunkList::Inline(chunks) });
        }
        let count = u32::try_from(chunks.len()).map_err(|_| too_large())?;
        let mut lists = Vec::new();
        for part in chunks.chunks(LIST_CHUNKS_MAX) {
            lists.push(self.seal(&encode_chunk_list(part))?);
        }
        if lists.len() > INLINE_CHUNKS_MAX {
            return Err(too_large().into());
        }
        Ok(BlobRef { content, size, chunks: ChunkList::Listed { lists, chunks: count } })
    }

    fn seal(&mut self, plain: &[u8]) -> Result<ChunkRef, ImportError> {
        let sealed = self.contents.secret.seal_chunk(plain);
        let chunk = ChunkRef {
            chunk: sealed.id,
            plain_hash: sealed.plain_hash,
            size: u32::try_from(plain.len()).expect("a piece of at most 256 KiB"),
        };
        self.gathered_bytes += sealed.bytes.len();
        self.gathered.push((sealed.id, sealed.bytes.into()));
        if self.gathered_bytes >= GATHERED_BYTES_MAX {
            self.flush()?;
        }
        Ok(chunk)
    }

    fn flush(&mut self) -> Result<(), ImportError> {
        self.gathered_bytes = 0;
        if !self.gathered.is_empty() {
            self.contents.store.put_chunks(std::mem::take(&mut self.gathered))?;
        }
        Ok(())
    }
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "the file has too many pieces to be shared")
}

/// A stream of a stored content.
pub(crate) struct ContentReader {
    contents: Contents,
    /// The chunks that are still to come, the next one last.
    rest: Vec<ChunkRef>,
    open: io::Cursor<Vec<u8>>,
    hasher: Box<blake3::Hasher>,
    expected: ContentId,
}

impl Read for ContentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.open.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(chunk) = self.rest.pop() else {
                return if self.hasher.finalize().as_bytes() == self.expected.as_bytes() {
                    Ok(0)
                } else {
                    Err(io::Error::new(io::ErrorKind::InvalidData, ContentError::Damaged))
                };
            };
            let plain = self.contents.open(&chunk).map_err(io::Error::other)?;
            self.hasher.update(&plain);
            self.contents.streamed.fetch_add(plain.len() as u64, Ordering::Relaxed);
            self.open = io::Cursor::new(plain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_store::MemoryStore;
    use weft_sync::seal::EpochKey;

    fn contents() -> Contents {
        let store = Arc::new(MemoryStore::new(weft_store::Instance([7; 16])));
        Contents::new(store, EpochKey::from_bytes([7; 32]).content_secret())
    }

    fn noise(len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        blake3::Hasher::new().update(b"noise").finalize_xof().fill(&mut bytes);
        bytes
    }

    #[test]
    fn contents_of_every_shape_come_back() {
        let contents = contents();
        for len in [0, 1, PIECE_BYTES_MIN, PIECE_BYTES_MIN + 1, 300_000, 9_000_000] {
            let bytes = noise(len);
            let blob = contents.import(&bytes).unwrap();
            assert_eq!(blob.size, len as u64);
            assert!(contents.is_here(&blob).unwrap(), "{len}");
            assert_eq!(contents.load(&blob).unwrap(), bytes, "{len}");
            let mut read = Vec::new();
            contents.reader(&blob).unwrap().read_to_end(&mut read).unwrap();
            assert_eq!(read, bytes, "{len}");
        }
    }

    #[test]
    fn a_stream_and_the_same_bytes_in_memory_are_one_content() {
        let contents = contents();
        let bytes = noise(5_000_000);
        let mut importer = contents.importer();
        let streamed = importer.add_stream(bytes.as_slice()).unwrap();
        importer.finish().unwrap();
        assert_eq!(streamed, contents.import(&bytes).unwrap());
    }

    #[test]
    fn a_change_in_the_middle_keeps_most_chunks() {
        let contents = contents();
        let mut bytes = noise(4_000_000);
        let ChunkList::Inline(before) = contents.import(&bytes).unwrap().chunks else {
            panic!("about sixty chunks fit inline");
        };
        bytes.insert(2_000_000, b'x');
        let ChunkList::Inline(after) = contents.import(&bytes).unwrap().chunks else {
            panic!("about sixty chunks fit inline");
        };
        let kept = after.iter().filter(|chunk| before.contains(chunk)).count();
        assert!(kept + 4 >= after.len(), "{kept} of {}", after.len());
    }

    #[test]
    fn a_content_under_a_wrong_name_is_refused() {
        let contents = contents();
        let mut blob = contents.import(b"true").unwrap();
        blob.content = contents.content_id(b"false");
        assert!(matches!(contents.load(&blob), Err(ContentError::Damaged)));
        let mut reader = contents.reader(&blob).unwrap();
        assert!(reader.read_to_end(&mut Vec::new()).is_err());
    }

    #[test]
    fn what_is_missing_is_named() {
        let (here, elsewhere) = (contents(), contents());
        let blob = elsewhere.import(&noise(100_000)).unwrap();
        let ChunkList::Inline(chunks) = &blob.chunks else { panic!("a short content") };
        assert_eq!(here.missing(&blob).unwrap().len(), chunks.len());
        assert!(matches!(here.load(&blob), Err(ContentError::Missing)));
    }
}
