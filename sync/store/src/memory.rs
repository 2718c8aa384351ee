//! A store that lives in memory: for tests and simulations.

mod overlay;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use weft_crdt::{ChunkId, DocumentId};
use weft_sync::{LogId, WorkspaceId};

use self::overlay::Overlay;
use self::rows::Workspace;
use crate::error::{CommitError, DatabaseError, PutChunksError, ReadError};
use crate::limits::{CHUNK_BYTES_MAX, RECORD_KEY_BYTES_MAX, RECORD_VALUE_BYTES_MAX};
use crate::rows::{
    ChangeOrder, ChangeRow, Committed, DocumentSummary, EntryFilter, EntryMarks, EntryOutcome, EntryPlace,
    Instance, LogSummary, NewEntry, PutReport, RecordRow, StoredEntry, StoredOrder, Write,
};
use crate::space::Space;
use crate::storage::Storage;

/// A failure that a test asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Commits fail because the disk is full, until the fault is taken back.
    DiskFull,
    /// The next commit fails and the store takes no more writes.
    DiskBroken,
}

/// A store in memory with the semantics of the real one, crashes included.
#[derive(Debug)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    instance: Instance,
    last_order: u64,
    last_change: u64,
    workspaces: BTreeMap<WorkspaceId, Workspace>,
    records: BTreeMap<(Space, Vec<u8>), Vec<u8>>,
    chunks: BTreeMap<ChunkId, Bytes>,
    /// Chunks that a crash would take away.
    unsynced: BTreeSet<ChunkId>,
    fault: Option<Fault>,
    closed: bool,
}

impl MemoryStore {
    /// An empty store. A simulation hands in the name from its seed.
    #[must_use]
    pub fn new(instance: Instance) -> Self {
        Self {
            inner: Mutex::new(Inner {
                instance,
                last_order: 0,
                last_change: 0,
                workspaces: BTreeMap::new(),
                records: BTreeMap::new(),
                chunks: BTreeMap::new(),
                unsynced: BTreeSet::new(),
                fault: None,
                closed: false,
            }),
        }
    }

    /// A copy as a backup or a cloned machine would have it.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { inner: Mutex::new(self.lock().clone()) }
    }

    /// What is left after the power failed: everything that was committed, nothing else.
    #[must_use]
    pub fn after_crash(&self) -> Self {
        let mut inner = self.lock().clone();
        for chunk in std::mem::take(&mut inner.unsynced) {
            inner.chunks.remove(&chunk);
        }
        inner.fault = None;
        inner.closed = false;
        Self { inner: Mutex::new(inner) }
    }

    /// Makes commits fail, or lets them succeed again.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.lock().fault = fault;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Refuses a transaction before any of it is done.
    fn check(&mut self, writes: &[Write]) -> Result<(), CommitError> {
        if self.closed {
            return Err(CommitError::Closed);
        }
        match self.fault {
            Some(Fault::DiskFull) => {
                let source = "a test asked for it".into();
                return Err(DatabaseError::DiskFull { source }.into());
            }
            Some(Fault::DiskBroken) => {
                self.closed = true;
                let source = "a test asked for it".into();
                return Err(DatabaseError::Io { source }.into());
            }
            None => {}
        }
        let mut overlay = Overlay::default();
        for write in writes {
            match write {
                Write::Entry(entry) => overlay.entry(self, entry)?,
                Write::CutBack { ws, log, to } => overlay.cut_back(self, *ws, *log, *to)?,
                Write::Mark { ws, entry, .. } | Write::Change { ws, entry, .. } => {
                    overlay.known(self, *ws, *entry)?;
                }
                Write::Record { key, value, .. } => check_record(key, value.as_deref())?,
                Write::DropWorkspace(ws) => overlay.dropped(*ws),
                Write::ClearRecords(_) | Write::SyncChunks | Write::ForgetChunk(_) => {}
            }
        }
        Ok(())
    }

    fn apply(&mut self, write: Write, committed: &mut Committed) {
        match write {
            Write::Entry(entry) => committed.entries.push(self.store_entry(entry)),
            Write::CutBack { ws, log, to } => {
                if let Some(rows) = self.workspaces.get_mut(&ws) {
                    rows.cut_back(log, to);
                }
            }
            Write::Mark { ws, entry, set, clear } => {
                if let Some(rows) = self.workspaces.get_mut(&ws) {
                    rows.mark(entry, set.without(EntryMarks::FORK), clear.without(EntryMarks::FORK));
                }
            }
            Write::Change { ws, doc, entry, item, hash } => {
                let next = ChangeOrder(self.last_change + 1);
                let rows = self.workspaces.entry(ws).or_default();
                let at = rows.index_change(doc, entry, item, hash, next);
                self.last_change = self.last_change.max(at.0);
                committed.changes.push(at);
            }
            Write::Record { space, key, value } => {
                if let (Some(ws), Some(_)) = (space.workspace_id(), &value) {
                    self.workspaces.entry(ws).or_default();
                }
                match value {
                    Some(value) => self.records.insert((space, key), value),
                    None => self.records.remove(&(space, key)),
                };
            }
            Write::ClearRecords(space) => self.records.retain(|(of, _), _| *of != space),
            Write::SyncChunks => self.unsynced.clear(),
            Write::ForgetChunk(id) => {
                self.chunks.remove(&id);
                self.unsynced.remove(&id);
            }
            Write::DropWorkspace(ws) => {
                self.workspaces.remove(&ws);
                self.records.retain(|(space, _), _| space.workspace_id() != Some(ws));
            }
        }
    }

    fn store_entry(&mut self, entry: NewEntry) -> EntryOutcome {
        let rows = self.workspaces.entry(entry.ws).or_default();
        let stored = rows.order_of(entry.at);
        if let Some(order) = stored
            && !continues(&entry, rows.marks_at(order), rows.last_seq(entry.at.log))
        {
            return EntryOutcome { order, known: true };
        }
        self.last_order += 1;
        let order = StoredOrder(self.last_order);
        if let Some(older) = stored {
            rows.continue_with(older, order, entry.marks);
            return EntryOutcome { order, known: false };
        }
        rows.insert(StoredEntry {
            order,
            at: entry.at,
            kind: entry.kind,
            marks: entry.marks,
            bytes: entry.bytes,
        });
        EntryOutcome { order, known: false }
    }
}

/// Whether an entry that is given again, and is stored with these marks, becomes the next of the
/// branch that counts.
pub(crate) fn continues(entry: &NewEntry, stored: EntryMarks, last_seq: u64) -> bool {
    stored.contains(EntryMarks::FORK)
        && !entry.marks.contains(EntryMarks::FORK)
        && entry.at.seq == last_seq + 1
}

/// Refuses records beyond the limits.
pub(crate) fn check_record(key: &[u8], value: Option<&[u8]>) -> Result<(), CommitError> {
    let check = |what, bytes, bytes_max| {
        if bytes > bytes_max {
            return Err(CommitError::TooLarge { what, bytes, bytes_max });
        }
        Ok(())
    };
    check("record key", key.len(), RECORD_KEY_BYTES_MAX)?;
    let bytes = value.map_or(0, <[u8]>::len);
    check("record", bytes, RECORD_VALUE_BYTES_MAX)
}

/// Refuses chunks that are too long or not what they are named by.
pub(crate) fn check_chunks(chunks: &[(ChunkId, Bytes)]) -> Result<(), PutChunksError> {
    for (id, bytes) in chunks {
        if bytes.len() > CHUNK_BYTES_MAX {
            return Err(PutChunksError::TooLarge { id: *id, bytes: bytes.len(), bytes_max: CHUNK_BYTES_MAX });
        }
        if blake3::hash(bytes) != *id.as_bytes() {
            return Err(PutChunksError::WrongHash { id: *id });
        }
    }
    Ok(())
}

/// Takes rows until the next one would exceed `bytes_max`; the first one is always taken.
fn within_bytes(rows: impl Iterator<Item = StoredEntry>, bytes_max: usize) -> Vec<StoredEntry> {
    let mut taken: Vec<StoredEntry> = Vec::new();
    let mut bytes = 0;
    for row in rows {
        bytes += row.bytes.len();
        if bytes > bytes_max && !taken.is_empty() {
            break;
        }
        taken.push(row);
    }
    taken
}

impl Storage for MemoryStore {
    fn instance(&self) -> Instance {
        self.lock().instance
    }

    fn commit(&self, writes: &[Write]) -> Result<Committed, CommitError> {
        let mut inner = self.lock();
        inner.check(writes)?;
        let mut committed = Committed::default();
        for write in writes {
            inner.apply(write.clone(), &mut committed);
        }
        Ok(committed)
    }

    fn workspaces(&self) -> Result<Vec<WorkspaceId>, ReadError> {
        Ok(self.lock().workspaces.keys().copied().collect())
    }

    fn logs(&self, ws: WorkspaceId) -> Result<Vec<LogSummary>, ReadError> {
        let inner = self.lock();
        Ok(inner.workspaces.get(&ws).map(Workspace::logs).unwrap_or_default())
    }

    fn log(&self, ws: WorkspaceId, log: LogId) -> Result<Option<LogSummary>, ReadError> {
        let inner = self.lock();
        Ok(inner.workspaces.get(&ws).and_then(|rows| rows.log(log)))
    }

    fn entries(
        &self,
        ws: WorkspaceId,
        log: LogId,
        from: u64,
        to: u64,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, ReadError> {
        let inner = self.lock();
        let Some(rows) = inner.workspaces.get(&ws) else {
            return Ok(Vec::new());
        };
        Ok(within_bytes(rows.of_log(log, from, to), bytes_max))
    }

    fn entries_after(
        &self,
        ws: WorkspaceId,
        after: StoredOrder,
        filter: EntryFilter,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, ReadError> {
        let inner = self.lock();
        let Some(rows) = inner.workspaces.get(&ws) else {
            return Ok(Vec::new());
        };
        Ok(within_bytes(rows.after(after, filter), bytes_max))
    }

    fn entries_at(&self, ws: WorkspaceId, orders: &[StoredOrder]) -> Result<Vec<StoredEntry>, ReadError> {
        let inner = self.lock();
        let Some(rows) = inner.workspaces.get(&ws) else {
            return Ok(Vec::new());
        };
        Ok(orders.iter().filter_map(|order| rows.at(*order)).collect())
    }

    fn marked(
        &self,
        ws: WorkspaceId,
        marks: EntryMarks,
        after: StoredOrder,
        count_max: usize,
    ) -> Result<Vec<EntryPlace>, ReadError> {
        let inner = self.lock();
        let Some(rows) = inner.workspaces.get(&ws) else {
            return Ok(Vec::new());
        };
        Ok(rows.marked(marks, after).take(count_max).collect())
    }

    fn documents(&self, ws: WorkspaceId) -> Result<Vec<DocumentSummary>, ReadError> {
        let inner = self.lock();
        Ok(inner.workspaces.get(&ws).map(Workspace::documents).unwrap_or_default())
    }

    fn changes(
        &self,
        ws: WorkspaceId,
        doc: DocumentId,
        after: ChangeOrder,
    ) -> Result<Vec<ChangeRow>, ReadError> {
        let inner = self.lock();
        let rows = inner.workspaces.get(&ws);
        Ok(rows.map(|rows| rows.changes(doc, after)).unwrap_or_default())
    }

    fn record(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.lock().records.get(&(space, key.to_vec())).cloned())
    }

    fn records(&self, space: Space, prefix: &[u8]) -> Result<Vec<RecordRow>, ReadError> {
        let inner = self.lock();
        Ok(inner
            .records
            .range((space, prefix.to_vec())..)
            .take_while(|((of, key), _)| *of == space && key.starts_with(prefix))
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect())
    }

    fn put_chunks(&self, chunks: Vec<(ChunkId, Bytes)>) -> Result<PutReport, PutChunksError> {
        check_chunks(&chunks)?;
        let mut inner = self.lock();
        if inner.closed {
            return Err(PutChunksError::Closed);
        }
        let mut report = PutReport::default();
        for (id, bytes) in chunks {
            if inner.chunks.contains_key(&id) {
                report.known += 1;
                continue;
            }
            report.stored += 1;
            report.bytes += bytes.len() as u64;
            inner.chunks.insert(id, bytes);
            inner.unsynced.insert(id);
        }
        Ok(report)
    }

    fn flush_chunks(&self) -> Result<(), CommitError> {
        Ok(())
    }

    fn has_chunk(&self, id: &ChunkId) -> Result<bool, ReadError> {
        Ok(self.lock().chunks.contains_key(id))
    }

    fn chunk(&self, id: &ChunkId) -> Result<Option<Bytes>, ReadError> {
        Ok(self.lock().chunks.get(id).cloned())
    }

    fn missing(&self, ids: &[ChunkId]) -> Result<Vec<ChunkId>, ReadError> {
        let inner = self.lock();
        let missing = ids.iter().filter(|id| !inner.chunks.contains_key(*id));
        Ok(missing.copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory that nobody touches costs nothing.
    #[test]
    fn a_record_has_so_many_bytes() {
        let value = vec![0; RECORD_VALUE_BYTES_MAX + 1];
        assert!(check_record(&[1; RECORD_KEY_BYTES_MAX], Some(&value[1..])).is_ok());
        let too_large = |key: usize, value: Option<&[u8]>| {
            matches!(check_record(&vec![1; key], value), Err(CommitError::TooLarge { .. }))
        };
        assert!(too_large(1, Some(&value)));
        assert!(too_large(RECORD_KEY_BYTES_MAX + 1, None));
    }
}
