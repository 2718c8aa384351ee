//! The real store: SQLite for entries, records and the index, pack files for chunks.

mod check;
mod chunk_index;
mod columns;
mod read;
mod schema;
mod write;

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags};
use weft_crdt::{ChunkId, DocumentId};
use weft_sync::{LogId, WorkspaceId};

pub use self::check::{CheckDepth, CheckReport};
pub(crate) use self::chunk_index::note_chunks;
use crate::backup::BackupError;
use crate::error::{CommitError, DatabaseError, OpenError, PutChunksError, ReadError};
use crate::limits::{BUSY_TIMEOUT, CHECKPOINT_PAGES, LOCK_PATIENCE, PACK_BYTES_MAX, READERS};
use crate::packs::{Location, Packs, PacksRecovery};
use crate::rows::{
    ChangeOrder, ChangeRow, Committed, DocumentSummary, EntryFilter, EntryMarks, EntryPlace, Instance,
    LogSummary, PutReport, RecordRow, StoredEntry, StoredOrder, Write,
};
use crate::space::Space;
use crate::storage::Storage;
use crate::store_key::{RowSeal, StoreKey};

/// What may be set when a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// Bytes after which a new pack file is begun.
    pub pack_bytes_max: u64,
    /// Pages of 4 KiB in the write-ahead log after which they are moved into the database.
    pub checkpoint_pages: u32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { pack_bytes_max: PACK_BYTES_MAX, checkpoint_pages: CHECKPOINT_PAGES }
    }
}

/// What was found and mended when a store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// The version of the file, when it was brought up to date.
    pub migrated_from: Option<i64>,
    /// Chunks in the index whose bytes are gone; they are fetched again.
    pub chunks_lost: u64,
    /// Chunks whose bytes were here but not in the index: the program stopped in between.
    pub chunks_found: u64,
    /// Bytes of chunks that were written in part, cut off.
    pub bytes_cut: u64,
}

/// A store in a folder: `store.db` and the folder `packs`.
///
/// One connection writes and [`READERS`] read. Only one store may have the folder open.
pub struct Store {
    instance: Instance,
    report: OpenReport,
    path: PathBuf,
    key: StoreKey,
    seal: RowSeal,
    /// Before the writer, so that it is closed last: only it can empty the write-ahead log.
    readers: [Mutex<Connection>; READERS],
    writer: Mutex<Connection>,
    next_reader: AtomicUsize,
    packs: Packs,
    /// Set after a failure of the disk: what is on it is not known until it is opened again.
    closed: AtomicBool,
    /// Held as long as the store is open.
    _lock: File,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("instance", &self.instance).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in `folder`, which is made when it is missing.
    pub fn open(folder: &Path, key: &StoreKey) -> Result<Self, OpenError> {
        Self::open_with(folder, key, StoreOptions::default())
    }

    /// Opens the store in `folder` with other options.
    pub fn open_with(folder: &Path, key: &StoreKey, options: StoreOptions) -> Result<Self, OpenError> {
        let packs_folder = folder.join("packs");
        crate::files::create_private_folder(folder).map_err(OpenError::io(folder))?;
        crate::files::create_private_folder(&packs_folder).map_err(OpenError::io(&packs_folder))?;
        let lock = lock_packs(&packs_folder)?;

        let path = folder.join("store.db");
        // SQLite would make a new one, and what was lost would look like what never was.
        let is_empty = std::fs::metadata(&path).map_or(true, |metadata| metadata.len() == 0);
        if is_empty && folder.join("identity.json").exists() {
            return Err(OpenError::Lost { path });
        }
        let mut writer = open_writer(&path, options.checkpoint_pages)?;
        let opened = schema::prepare(&mut writer, key, &path)?;
        let (packs, recovery) = Packs::open(&packs_folder, &mut writer, options.pack_bytes_max)?;
        let reader = || open_reader(&path).map_err(OpenError::database(&path));
        let readers = [reader()?, reader()?];
        // SQLite brings the name of its log to the disk too, but goes on when that fails; without
        // the name, what is committed later would be gone after a crash.
        crate::files::sync_folder(folder).map_err(OpenError::io(folder))?;
        let report = open_report(opened.migrated_from, &recovery);
        Ok(Self {
            instance: opened.instance,
            report,
            path,
            key: key.clone(),
            seal: RowSeal::new(key),
            writer: Mutex::new(writer),
            readers,
            next_reader: AtomicUsize::new(0),
            packs,
            closed: AtomicBool::new(false),
            _lock: lock,
        })
    }

    /// What was found and mended when this store was opened.
    #[must_use]
    pub fn open_report(&self) -> OpenReport {
        self.report
    }

    /// Whether a failure of the disk has closed this store for writing, until it is opened again.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Moves the write-ahead log into the database and empties it. What was deleted or replaced before is in none of the
    /// store's files after that, not even sealed.
    ///
    /// # Errors
    /// When the disk fails, or another program reads the database for long; what is stored stays stored.
    pub fn empty_log(&self) -> Result<(), CommitError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_closed() {
            return Err(CommitError::Closed);
        }
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let emptied = writer.query_row(sql, (), |row| row.get::<_, bool>(0)).map_err(CommitError::from);
        if emptied.as_ref().is_err_and(CommitError::is_final) {
            self.closed.store(true, Ordering::Release);
        }
        if emptied? {
            let source = "somebody reads an earlier state of it".into();
            return Err(CommitError::Database(DatabaseError::Busy { source }));
        }
        Ok(())
    }

    /// Looks for damage; see [`CheckDepth`].
    pub fn check(&self, depth: CheckDepth) -> Result<CheckReport, ReadError> {
        check::check(&self.reader(), &self.packs, &self.seal, depth)
    }

    /// The key that this store is sealed with.
    pub(crate) fn key(&self) -> &StoreKey {
        &self.key
    }

    /// Writes a copy of the database to `path`, where nothing is yet: all that is committed now, while others go on
    /// writing. It gets an instance of its own, so that whoever opens it begins new logs, and no invitations.
    pub(crate) fn copy_to(&self, path: &Path) -> Result<(), BackupError> {
        let copy = || -> rusqlite::Result<()> {
            let source = open_reader(&self.path)?;
            let source = source.into_inner().unwrap_or_else(PoisonError::into_inner);
            source.execute("VACUUM INTO ?1", [path.to_string_lossy()])?;
            schema::make_independent(&Connection::open(path)?)
        };
        // SQLite fills an empty file; made by it, others could read it.
        let made = crate::files::private_options().write(true).create_new(true).open(path);
        made.map_err(|source| BackupError::Home { source, path: path.to_path_buf() })?;
        copy().map_err(|error| BackupError::Read(error.into()))
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        for reader in &self.readers {
            if let Ok(guard) = reader.try_lock() {
                return guard;
            }
        }
        let turn = self.next_reader.fetch_add(1, Ordering::Relaxed) % READERS;
        self.readers[turn].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit_open(&self, writes: &[Write]) -> Result<Committed, CommitError> {
        let settled = if writes.contains(&Write::SyncChunks) { self.flush()? } else { Vec::new() };
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // The lock was awaited: the one who held it may have met a broken disk.
        if self.closed.load(Ordering::Acquire) {
            return Err(CommitError::Closed);
        }
        let result = write::commit(&mut writer, &self.seal, writes, &settled);
        if result.as_ref().is_err_and(CommitError::is_final) {
            self.closed.store(true, Ordering::Release);
        }
        drop(writer);
        let committed = result?;
        self.packs.settle(&settled);
        for write in writes {
            if let Write::ForgetChunk(id) = write {
                self.packs.forget(id);
            }
        }
        Ok(committed)
    }
}

fn open_report(migrated_from: Option<i64>, recovery: &PacksRecovery) -> OpenReport {
    let report = OpenReport {
        migrated_from,
        chunks_lost: recovery.lost,
        chunks_found: recovery.found,
        bytes_cut: recovery.bytes_cut,
    };
    if recovery.lost > 0 {
        tracing::warn!(chunks = recovery.lost, "stored file contents are gone from this disk");
    }
    if recovery.found > 0 || recovery.bytes_cut > 0 {
        tracing::info!(
            chunks = recovery.found,
            bytes_cut = recovery.bytes_cut,
            "mended the pack files after an interruption"
        );
    }
    report
}

/// Two stores on one folder would cut each other's unfinished chunks off.
fn lock_packs(packs_folder: &Path) -> Result<File, OpenError> {
    let path = packs_folder.join("lock");
    let file = crate::files::private_options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(OpenError::io(&path))?;
    // A process that this one is just starting holds copies of its files for a moment.
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse { path: packs_folder.to_path_buf() });
            }
            Err(TryLockError::Error(source)) => return Err(OpenError::Io { source, path }),
        }
    }
}

fn open_writer(path: &Path, checkpoint_pages: u32) -> Result<Connection, OpenError> {
    // SQLite makes its helper files with the permissions of this one.
    let options: &mut OpenOptions = &mut crate::files::private_options();
    options.append(true).create(true).open(path).map_err(OpenError::io(path))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        configure(&connection)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
        // What is deleted or replaced is overwritten: a key that was taken off this device is nowhere in the file.
        connection.pragma_update(None, "secure_delete", true)?;
        connection.pragma_update(None, "wal_autocheckpoint", checkpoint_pages)?;
        connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
        Ok(connection)
    };
    open().map_err(OpenError::database(path))
}

fn open_reader(path: &Path) -> rusqlite::Result<Mutex<Connection>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection)?;
    Ok(Mutex::new(connection))
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

impl Storage for Store {
    fn instance(&self) -> Instance {
        self.instance
    }

    fn commit(&self, writes: &[Write]) -> Result<Committed, CommitError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(CommitError::Closed);
        }
        self.commit_open(writes)
    }

    fn workspaces(&self) -> Result<Vec<WorkspaceId>, ReadError> {
        read::workspaces(&self.reader())
    }

    fn logs(&self, ws: WorkspaceId) -> Result<Vec<LogSummary>, ReadError> {
        read::logs(&self.reader(), ws)
    }

    fn log(&self, ws: WorkspaceId, log: LogId) -> Result<Option<LogSummary>, ReadError> {
        read::log(&self.reader(), ws, log)
    }

    fn entries(
        &self,
        ws: WorkspaceId,
        log: LogId,
        from: u64,
        to: u64,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, ReadError> {
        read::entries(&self.reader(), ws, log, (from, to), bytes_max)
    }

    fn entries_after(
        &self,
        ws: WorkspaceId,
        after: StoredOrder,
        filter: EntryFilter,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, ReadError> {
        read::entries_after(&self.reader(), ws, after, filter, bytes_max)
    }

    fn entries_at(&self, ws: WorkspaceId, orders: &[StoredOrder]) -> Result<Vec<StoredEntry>, ReadError> {
        read::entries_at(&self.reader(), ws, orders)
    }

    fn marked(
        &self,
        ws: WorkspaceId,
        marks: EntryMarks,
        after: StoredOrder,
        count_max: usize,
    ) -> Result<Vec<EntryPlace>, ReadError> {
        read::marked(&self.reader(), ws, marks, after, count_max)
    }

    fn documents(&self, ws: WorkspaceId) -> Result<Vec<DocumentSummary>, ReadError> {
        read::documents(&self.reader(), ws)
    }

    fn changes(
        &self,
        ws: WorkspaceId,
        doc: DocumentId,
        after: ChangeOrder,
    ) -> Result<Vec<ChangeRow>, ReadError> {
        read::changes(&self.reader(), ws, doc, after)
    }

    fn record(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let stored_key = self.seal.stored_key(space, key);
        let row = read::record(&self.reader(), space, &stored_key)?;
        row.map(|row| {
            let opened = self.seal.open(space, &stored_key, &row);
            opened.map_err(|_| ReadError::RecordDamaged)
        })
        .transpose()
        .map(|record| record.map(|(_, value)| value))
    }

    fn records(&self, space: Space, prefix: &[u8]) -> Result<Vec<RecordRow>, ReadError> {
        let stored_prefix = if space.table().seals_keys() { &[] } else { prefix };
        let rows = read::records(&self.reader(), space, stored_prefix)?;
        let mut records = Vec::with_capacity(rows.len());
        for (stored_key, row) in rows {
            let opened = self.seal.open(space, &stored_key, &row);
            let (key, value) = opened.map_err(|_| ReadError::RecordDamaged)?;
            if key.starts_with(prefix) {
                records.push((key, value));
            }
        }
        records.sort();
        Ok(records)
    }

    fn put_chunks(&self, chunks: Vec<(ChunkId, Bytes)>) -> Result<PutReport, PutChunksError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(PutChunksError::Closed);
        }
        crate::memory::check_chunks(&chunks)?;
        let ids: Vec<ChunkId> = chunks.iter().map(|(id, _)| *id).collect();
        let missing = self.missing_rows(&ids)?;
        self.packs.append(&chunks, &missing)
    }

    fn flush_chunks(&self) -> Result<(), CommitError> {
        self.flush().map(|_| ())
    }

    fn has_chunk(&self, id: &ChunkId) -> Result<bool, ReadError> {
        Ok(self.packs.pending(id).is_some() || read::location(&self.reader(), id)?.is_some())
    }

    fn chunk(&self, id: &ChunkId) -> Result<Option<Bytes>, ReadError> {
        let location = match self.packs.pending(id) {
            Some(location) => Some(location),
            None => read::location(&self.reader(), id)?,
        };
        location.map(|location| self.packs.read(id, location)).transpose()
    }

    fn missing(&self, ids: &[ChunkId]) -> Result<Vec<ChunkId>, ReadError> {
        Ok(self.missing_rows(ids)?)
    }
}

impl Store {
    fn flush(&self) -> Result<Vec<(ChunkId, Location)>, CommitError> {
        let flushed = self.packs.flush();
        if flushed.as_ref().is_err_and(CommitError::is_final) {
            self.closed.store(true, Ordering::Release);
        }
        flushed
    }

    fn missing_rows(&self, ids: &[ChunkId]) -> Result<Vec<ChunkId>, DatabaseError> {
        let unknown: Vec<ChunkId> =
            ids.iter().filter(|id| self.packs.pending(id).is_none()).copied().collect();
        Ok(read::missing(&self.reader(), unknown)?)
    }
}

#[cfg(test)]
mod tests;
