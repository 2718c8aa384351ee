//! Pack files: chunks of file contents, one after the other.
//!
//! A pack is a row of records `magic[4] || length u32 || chunk id[32] || bytes`, only ever
//! appended to. The index in the database says where each chunk lies. Bytes reach the disk before
//! the index names them, so after a crash the index is right and at most some bytes at the end of
//! a pack are unknown to it: whole records there are taken back in, a torn one is cut off.

pub(crate) mod recover;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;
use rusqlite::Connection;
use weft_crdt::ChunkId;

use crate::error::{CommitError, OpenError, PutChunksError, ReadError};
use crate::files;
use crate::limits::{PACK_HANDLES_MAX, PACK_WRITE_BYTES};
use crate::rows::PutReport;

pub(crate) use self::recover::PacksRecovery;

/// Begins every record; the digit is the version of the format.
const MAGIC: [u8; 4] = *b"WCK1";
/// Bytes of a record before the chunk.
const RECORD_HEADER_LEN: u64 = 4 + 4 + 32;

/// Where the bytes of a chunk lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) pack: u32,
    pub(crate) start: u64,
    pub(crate) length: u32,
}

impl Location {
    pub(crate) fn end(self) -> u64 {
        self.start.saturating_add(u64::from(self.length))
    }
}

/// The pack files of a store.
pub(crate) struct Packs {
    folder: PathBuf,
    pack_bytes_max: u64,
    appender: Mutex<Appender>,
    /// Held while bytes are brought to the disk: whoever comes second may only go on when the
    /// bytes that the first one took over are there.
    flushing: Mutex<()>,
    /// Chunks that are in a file but not in the index yet.
    pending: RwLock<BTreeMap<ChunkId, Location>>,
    handles: Mutex<Handles>,
}

/// The end of the last pack.
struct Appender {
    pack: u32,
    file: Option<Arc<File>>,
    length: u64,
    /// Files with bytes that may not be on the disk yet.
    dirty: Vec<Arc<File>>,
    /// Whether a file was made whose name may not be on the disk yet.
    folder_dirty: bool,
    failed: bool,
}

/// Open files, the most lately used last.
#[derive(Default)]
struct Handles(Vec<(u32, Arc<File>)>);

fn pack_path(folder: &Path, pack: u32) -> PathBuf {
    folder.join(format!("{pack:08x}.pack"))
}

/// Whether a pack file is called like this.
pub(crate) fn is_pack_name(name: &str) -> bool {
    let digits = name.strip_suffix(".pack").unwrap_or_default();
    digits.len() == 8 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The pack files of a folder, with their names, in their order.
pub(crate) fn pack_files(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str().filter(|name| is_pack_name(name)) {
            found.push((name.to_owned(), entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

impl Packs {
    /// Opens the packs in a folder, after bringing files and index into agreement.
    pub(crate) fn open(
        folder: &Path,
        connection: &mut Connection,
        pack_bytes_max: u64,
    ) -> Result<(Self, PacksRecovery), OpenError> {
        let recovery = recover::recover(folder, connection)?;
        let (pack, length) = recovery.last;
        let packs = Self {
            folder: folder.to_path_buf(),
            pack_bytes_max,
            appender: Mutex::new(Appender {
                pack,
                file: None,
                length,
                dirty: Vec::new(),
                folder_dirty: false,
                failed: false,
            }),
            flushing: Mutex::new(()),
            pending: RwLock::default(),
            handles: Mutex::default(),
        };
        Ok((packs, recovery))
    }

    /// Appends those of `chunks` that `missing` names. Either all are appended or none.
    pub(crate) fn append(
        &self,
        chunks: &[(ChunkId, Bytes)],
        missing: &[ChunkId],
    ) -> Result<PutReport, PutChunksError> {
        let mut report = PutReport::default();
        // Taken out when met, so that a chunk that stands twice in a batch is stored once.
        let mut wanted: BTreeSet<&ChunkId> = missing.iter().collect();
        let new = chunks.iter().filter(|(id, _)| wanted.remove(id));
        let new: Vec<_> = new.collect();
        report.known = chunks.len() - new.len();

        let mut appender = self.appender();
        if appender.failed {
            return Err(PutChunksError::Closed);
        }
        let before = (appender.pack, appender.file.clone(), appender.length);
        let locations = self.write(&mut appender, &new).map_err(|source| {
            let path = pack_path(&self.folder, appender.pack);
            undo(&mut appender, before);
            PutChunksError::Io { source, path }
        })?;
        let mut pending = self.pending.write().unwrap_or_else(PoisonError::into_inner);
        for ((id, bytes), location) in new.iter().zip(locations) {
            // Another thread may have put it meanwhile; either place is right.
            pending.entry(*id).or_insert(location);
            report.stored += 1;
            report.bytes += bytes.len() as u64;
        }
        Ok(report)
    }

    fn write(&self, appender: &mut Appender, chunks: &[&(ChunkId, Bytes)]) -> io::Result<Vec<Location>> {
        let mut locations = Vec::with_capacity(chunks.len());
        let mut buffer: Vec<u8> = Vec::new();
        for (id, bytes) in chunks {
            let length = u32::try_from(bytes.len()).expect("a chunk within its limit");
            let record = RECORD_HEADER_LEN + u64::from(length);
            let end = appender.length + buffer.len() as u64;
            if end > 0 && end + record > self.pack_bytes_max {
                self.write_out(appender, &mut buffer)?;
                appender.pack = appender.pack.checked_add(1).ok_or(io::ErrorKind::Other)?;
                appender.file = None;
                appender.length = 0;
            }
            locations.push(Location {
                pack: appender.pack,
                start: appender.length + buffer.len() as u64 + RECORD_HEADER_LEN,
                length,
            });
            buffer.extend_from_slice(&MAGIC);
            buffer.extend_from_slice(&length.to_le_bytes());
            buffer.extend_from_slice(id.as_bytes());
            buffer.extend_from_slice(bytes);
            if buffer.len() >= PACK_WRITE_BYTES {
                self.write_out(appender, &mut buffer)?;
            }
        }
        self.write_out(appender, &mut buffer)?;
        Ok(locations)
    }

    fn write_out(&self, appender: &mut Appender, buffer: &mut Vec<u8>) -> io::Result<()> {
        if buffer.is_empty() {
            return Ok(());
        }
        let file = match &appender.file {
            Some(file) => Arc::clone(file),
            None => self.open_for_append(appender)?,
        };
        files::write_all_at(&file, buffer, appender.length)?;
        appender.length += buffer.len() as u64;
        if !appender.dirty.iter().any(|dirty| Arc::ptr_eq(dirty, &file)) {
            appender.dirty.push(file);
        }
        buffer.clear();
        Ok(())
    }

    fn open_for_append(&self, appender: &mut Appender) -> io::Result<Arc<File>> {
        let path = pack_path(&self.folder, appender.pack);
        let mut options = files::private_options();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        // What may lie beyond is the rest of a batch that failed.
        file.set_len(appender.length)?;
        appender.folder_dirty = true;
        let file = Arc::new(file);
        appender.file = Some(Arc::clone(&file));
        self.handles().add(appender.pack, Arc::clone(&file));
        Ok(file)
    }

    /// Brings all appended bytes to the disk and returns the chunks that the index lacks.
    pub(crate) fn flush(&self) -> Result<Vec<(ChunkId, Location)>, CommitError> {
        let _turn = self.flushing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut appender = self.appender();
        if appender.failed {
            return Err(CommitError::Closed);
        }
        let dirty = std::mem::take(&mut appender.dirty);
        let folder_dirty = std::mem::take(&mut appender.folder_dirty);
        let pending = self.pending.read().unwrap_or_else(PoisonError::into_inner);
        let pending: Vec<_> = pending.iter().map(|(id, at)| (*id, *at)).collect();
        // Others may append while the disk works.
        drop(appender);
        let synced = dirty.iter().try_for_each(|file| file.sync_data());
        let synced = synced.and_then(|()| {
            if folder_dirty {
                files::sync_folder(&self.folder)?;
            }
            Ok(())
        });
        synced.map_err(|source| {
            self.appender().failed = true;
            CommitError::Packs { source }
        })?;
        Ok(pending)
    }

    /// Notes that the index holds these chunks now.
    pub(crate) fn settle(&self, settled: &[(ChunkId, Location)]) {
        if settled.is_empty() {
            return;
        }
        let mut pending = self.pending.write().unwrap_or_else(PoisonError::into_inner);
        for (id, location) in settled {
            if pending.get(id) == Some(location) {
                pending.remove(id);
            }
        }
    }

    pub(crate) fn forget(&self, id: &ChunkId) {
        let mut pending = self.pending.write().unwrap_or_else(PoisonError::into_inner);
        pending.remove(id);
    }

    pub(crate) fn pending(&self, id: &ChunkId) -> Option<Location> {
        let pending = self.pending.read().unwrap_or_else(PoisonError::into_inner);
        pending.get(id).copied()
    }

    /// Reads a chunk and checks that it is the one it is named by.
    pub(crate) fn read(&self, id: &ChunkId, location: Location) -> Result<Bytes, ReadError> {
        let damaged = ReadError::ChunkDamaged { id: *id };
        if location.length as usize > crate::limits::CHUNK_BYTES_MAX {
            return Err(damaged);
        }
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound => ReadError::ChunkDamaged { id: *id },
            _ => ReadError::Pack { source, path: pack_path(&self.folder, location.pack) },
        };
        let file = self.handle(location.pack).map_err(failed)?;
        let mut bytes = vec![0; location.length as usize];
        files::read_exact_at(&file, &mut bytes, location.start).map_err(failed)?;
        if blake3::hash(&bytes) != *id.as_bytes() {
            return Err(damaged);
        }
        Ok(Bytes::from(bytes))
    }

    /// An open file; the lock is not held while it is read.
    fn handle(&self, pack: u32) -> io::Result<Arc<File>> {
        if let Some(file) = self.handles().find(pack) {
            return Ok(file);
        }
        let file = Arc::new(File::open(pack_path(&self.folder, pack))?);
        self.handles().add(pack, Arc::clone(&file));
        Ok(file)
    }

    /// As if the disk had failed while bytes were brought to it.
    #[cfg(test)]
    pub(crate) fn fail_for_test(&self) {
        self.appender().failed = true;
    }

    fn appender(&self) -> MutexGuard<'_, Appender> {
        self.appender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handles(&self) -> MutexGuard<'_, Handles> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Goes back to the end that was known before a batch failed. The files are cut when they are
/// next opened for appending; their bytes are in no index.
fn undo(appender: &mut Appender, before: (u32, Option<Arc<File>>, u64)) {
    let (pack, file, length) = before;
    appender.pack = pack;
    // One that cannot be cut now is opened again, and cut, before anything is appended to it.
    appender.file = file.filter(|file| file.set_len(length).is_ok());
    appender.length = length;
}

impl Handles {
    fn find(&mut self, pack: u32) -> Option<Arc<File>> {
        let at = self.0.iter().position(|(of, _)| *of == pack)?;
        let found = self.0.remove(at);
        let file = Arc::clone(&found.1);
        self.0.push(found);
        Some(file)
    }

    fn add(&mut self, pack: u32, file: Arc<File>) {
        self.0.retain(|(of, _)| *of != pack);
        if self.0.len() >= PACK_HANDLES_MAX {
            self.0.remove(0);
        }
        self.0.push((pack, file));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_more_than_are_kept_open_closes_the_one_used_longest_ago() {
        let file = Arc::new(tempfile::tempfile().unwrap());
        let mut handles = Handles::default();
        let most = PACK_HANDLES_MAX as u32;
        for pack in 0..most {
            handles.add(pack, Arc::clone(&file));
        }
        assert_eq!(handles.0.len(), PACK_HANDLES_MAX);
        assert!(handles.find(0).is_some());
        handles.add(most, file);
        assert_eq!(handles.0.len(), PACK_HANDLES_MAX);
        assert!(handles.find(0).is_some() && handles.find(1).is_none() && handles.find(2).is_some());
    }
}
