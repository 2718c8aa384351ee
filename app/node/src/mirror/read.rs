//! Reading files so that what is read is one moment of one file.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use super::os::{Entry, EntryKind, Folder, Root, entry_of_file};
use super::path::RelPath;
use super::row::{ContentHash, Stamp};

/// Up to this length a change brings its bytes along.
pub const SMALL_FILE_BYTES_MAX: u64 = 4 << 20;
/// All bytes that the changes of one batch bring along.
pub(crate) const BATCH_BYTES_MAX: u64 = 32 << 20;
const PIECE_BYTES: usize = 256 << 10;

/// Content found on disk: its hash and, if it is small, its bytes.
#[derive(Debug, Clone)]
pub struct FileRef {
    pub(crate) hash: ContentHash,
    pub(crate) stamp: Stamp,
    pub(crate) executable: bool,
    /// A save that was found in a file which a write had swapped out.
    pub(crate) is_displaced: bool,
    bytes: Option<Arc<[u8]>>,
    /// Where it lies; none for bytes that never lay on a disk.
    place: Option<Place>,
}

#[derive(Debug, Clone)]
struct Place {
    root: Arc<Root>,
    folder: String,
    name: String,
}

/// Why a file could not be read as it was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Somebody wrote to it meanwhile; it will be reported again.
    #[error("the file changed while it was read")]
    Changed,
    /// It is not a regular file any more.
    #[error("not a regular file")]
    NotAFile,
    /// The system refused.
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
}

impl FileRef {
    /// Bytes that lie on no disk, as a simulation has them.
    pub(crate) fn of_bytes(bytes: &Arc<[u8]>, executable: bool) -> Self {
        Self {
            hash: *blake3::hash(bytes).as_bytes(),
            stamp: Stamp { size: bytes.len() as u64, ..Stamp::default() },
            executable,
            is_displaced: false,
            bytes: Some(Arc::clone(bytes)),
            place: None,
        }
    }

    /// BLAKE3 of the bytes.
    pub fn hash(&self) -> &ContentHash {
        &self.hash
    }

    /// Whether it was found under this name.
    pub(crate) fn is_at(&self, folder: &str, name: &str) -> bool {
        self.place.as_ref().is_some_and(|place| place.folder == folder && place.name == name)
    }

    /// Length in bytes.
    pub fn size(&self) -> u64 {
        self.stamp.size
    }

    /// Whether the owner may run it.
    pub fn executable(&self) -> bool {
        self.executable
    }

    /// Whether these bytes are not at the path: the save went into a file that a
    /// write of ours had just swapped out. Merge them, then write the result.
    pub fn is_displaced(&self) -> bool {
        self.is_displaced
    }

    /// The bytes, if they came along.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref()
    }

    /// The bytes, read again if they did not come along.
    pub fn read(&self) -> Result<Vec<u8>, ReadError> {
        if let Some(bytes) = &self.bytes {
            return Ok(bytes.to_vec());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(self.size()).unwrap_or(0));
        self.open()?.read_to_end(&mut bytes).map_err(|error| {
            if error.kind() == io::ErrorKind::InvalidData { ReadError::Changed } else { error.into() }
        })?;
        Ok(bytes)
    }

    /// A stream of the bytes. At its end it fails with `InvalidData` if they are
    /// not the ones of the hash: then forget what was read, the file is reported again.
    pub fn open(&self) -> Result<CheckedReader, ReadError> {
        let place = self.place.as_ref().ok_or(ReadError::NotAFile)?;
        let folder = place.root.open_folder(&place.folder)?;
        let file = folder.open_read(&place.name)?;
        if entry_of_file(&file)?.kind != EntryKind::File {
            return Err(ReadError::NotAFile);
        }
        Ok(CheckedReader { file, hasher: Box::default(), expected: self.hash, left: self.size() })
    }
}

/// A stream that ends with an error when the file changed.
#[derive(Debug)]
pub struct CheckedReader {
    file: File,
    hasher: Box<blake3::Hasher>,
    expected: ContentHash,
    left: u64,
}

impl Read for CheckedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let changed = || io::Error::new(io::ErrorKind::InvalidData, ReadError::Changed);
        let count = self.file.read(buffer)?;
        if count as u64 > self.left {
            return Err(changed());
        }
        self.left -= count as u64;
        self.hasher.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() && *self.hasher.finalize().as_bytes() != self.expected {
            return Err(changed());
        }
        Ok(count)
    }
}

/// Room for bytes that changes bring along.
#[derive(Debug)]
pub(crate) struct Budget(u64);

impl Budget {
    pub(crate) fn new() -> Budget {
        Budget(BATCH_BYTES_MAX)
    }

    fn take(&mut self, size: u64) -> bool {
        let fits = size <= SMALL_FILE_BYTES_MAX && size <= self.0;
        self.0 -= if fits { size } else { 0 };
        fits
    }
}

/// Reads and hashes a file; fails with `Changed` when it is not one moment of one file.
pub(crate) fn read_file(
    root: &Arc<Root>,
    folder: &Folder,
    folder_path: &str,
    name: &str,
    budget: &mut Budget,
) -> Result<FileRef, ReadError> {
    let mut file = folder.open_read(name)?;
    let before = entry_of_file(&file)?;
    if before.kind != EntryKind::File {
        return Err(ReadError::NotAFile);
    }
    let (hash, bytes) = if budget.take(before.stamp.size) {
        let bytes = read_small(&mut file, before.stamp.size)?;
        (blake3::hash(&bytes), Some(Arc::from(bytes)))
    } else {
        (hash_stream(&mut file)?, None)
    };
    let after = entry_of_file(&file)?;
    if !is_unchanged(&before, &after)
        || bytes.as_ref().is_some_and(|b: &Arc<[u8]>| b.len() as u64 != after.stamp.size)
    {
        return Err(ReadError::Changed);
    }
    let place = Some(Place { root: Arc::clone(root), folder: folder_path.to_owned(), name: name.to_owned() });
    Ok(FileRef {
        hash: *hash.as_bytes(),
        stamp: after.stamp,
        executable: after.executable(),
        is_displaced: false,
        bytes,
        place,
    })
}

/// Reads a file by its path.
pub(crate) fn read_path(root: &Arc<Root>, path: &RelPath, budget: &mut Budget) -> Result<FileRef, ReadError> {
    let folder = root.open_folder(path.parent_str())?;
    read_file(root, &folder, path.parent_str(), path.file_name(), budget)
}

fn is_unchanged(before: &Entry, after: &Entry) -> bool {
    // The change time moves with renames and links too, which leave the bytes alone.
    before.stamp.is_same_content(&after.stamp)
}

fn read_small(file: &mut File, size: u64) -> io::Result<Vec<u8>> {
    let size = usize::try_from(size).unwrap_or(0);
    let mut bytes = Vec::with_capacity(size + 1);
    // One byte more than there should be shows a file that grew.
    file.take(size as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn hash_stream(file: &mut File) -> io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hasher.finalize()),
            count => {
                hasher.update(&piece[..count]);
            }
        }
    }
}
