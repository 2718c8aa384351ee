//! The one interface of every store.

use bytes::Bytes;
use weft_crdt::{ChunkId, DocumentId};
use weft_sync::{LogId, WorkspaceId};

use crate::error::{CommitError, PutChunksError, ReadError};
use crate::rows::{
    ChangeOrder, ChangeRow, Committed, DocumentSummary, EntryFilter, EntryMarks, EntryPlace, Instance,
    LogSummary, PutReport, RecordRow, StoredEntry, StoredOrder, Write,
};
use crate::space::Space;

/// Where entries, records and chunks live.
///
/// Every method may be called from every thread and may block on the disk; callers that must
/// not wait use [`crate::GroupCommitter`] for writes and a thread of their own for reads.
///
/// **Durability.** When [`Storage::commit`] returns `Ok`, all of its writes survive a crash;
/// when it returns an error, none of them happened, with one exception that
/// [`CommitError::is_final`] names. Nothing may leave the machine before that. Chunks that were
/// put are readable at once and durable after [`Storage::sync_chunks`] or a commit with
/// [`Write::SyncChunks`].
///
/// **Order.** Transactions happen one after the other. What a commit wrote is seen by every
/// read that begins after it returned.
pub trait Storage: Send + Sync {
    /// The random name of this database.
    fn instance(&self) -> Instance;

    /// Does all writes in one transaction, in order, or none of them.
    fn commit(&self, writes: &[Write]) -> Result<Committed, CommitError>;

    /// The workspaces of which something was written, unless they were dropped; ascending.
    fn workspaces(&self) -> Result<Vec<WorkspaceId>, ReadError>;

    /// Every log of a workspace, ascending by id. The Genesis belongs to none.
    fn logs(&self, ws: WorkspaceId) -> Result<Vec<LogSummary>, ReadError>;

    /// One log of a workspace.
    fn log(&self, ws: WorkspaceId, log: LogId) -> Result<Option<LogSummary>, ReadError>;

    /// Entries of one log from `from` to `to`, both included, ascending. Stops before
    /// `bytes_max` is exceeded, but returns at least one entry when there is one.
    fn entries(
        &self,
        ws: WorkspaceId,
        log: LogId,
        from: u64,
        to: u64,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, ReadError>;

    /// Entries of a workspace in stored order, after `after`. Stops before `bytes_max` is
    /// exceeded, but returns at least one entry when there is one.
    fn entries_after(
        &self,
        ws: WorkspaceId,
        after: StoredOrder,
        filter: EntryFilter,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, ReadError>;

    /// The entries with these places, in the order asked; a place that holds none is left out.
    fn entries_at(&self, ws: WorkspaceId, orders: &[StoredOrder]) -> Result<Vec<StoredEntry>, ReadError>;

    /// Up to `count_max` entries after `after` that have every flag of `marks`, in stored order.
    fn marked(
        &self,
        ws: WorkspaceId,
        marks: EntryMarks,
        after: StoredOrder,
        count_max: usize,
    ) -> Result<Vec<EntryPlace>, ReadError>;

    /// The documents of which changes are indexed, ascending by id.
    fn documents(&self, ws: WorkspaceId) -> Result<Vec<DocumentSummary>, ReadError>;

    /// The changes of a document that were indexed after `after`, in that order.
    fn changes(
        &self,
        ws: WorkspaceId,
        doc: DocumentId,
        after: ChangeOrder,
    ) -> Result<Vec<ChangeRow>, ReadError>;

    /// One record.
    fn record(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError>;

    /// The records whose keys begin with `prefix`, ascending by key.
    fn records(&self, space: Space, prefix: &[u8]) -> Result<Vec<RecordRow>, ReadError>;

    /// Appends chunks after checking that each has the hash it is named by. They are readable
    /// at once and durable after the next [`Storage::sync_chunks`].
    fn put_chunks(&self, chunks: Vec<(ChunkId, Bytes)>) -> Result<PutReport, PutChunksError>;

    /// Brings the bytes of chunks that were put before this call to the disk, without noting
    /// them in the index. A caller with a thread to spare does this first, so that the commit
    /// with [`Write::SyncChunks`] that follows is short.
    fn flush_chunks(&self) -> Result<(), CommitError>;

    /// Makes every chunk that was put before this call durable.
    fn sync_chunks(&self) -> Result<(), CommitError> {
        self.commit(&[Write::SyncChunks]).map(|_| ())
    }

    /// Whether a chunk is here.
    fn has_chunk(&self, id: &ChunkId) -> Result<bool, ReadError>;

    /// The bytes of a chunk, checked against its name.
    fn chunk(&self, id: &ChunkId) -> Result<Option<Bytes>, ReadError>;

    /// Those of `ids` that are not here, in the order given.
    fn missing(&self, ids: &[ChunkId]) -> Result<Vec<ChunkId>, ReadError>;
}
