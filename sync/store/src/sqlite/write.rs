//! One transaction: every write in order, then one COMMIT.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use weft_crdt::{ChangeHash, ChunkId, DocumentId};
use weft_sync::{EntryId, EntryRef, LogId, WorkspaceId};

use super::chunk_index::note_chunks;
use super::columns as column;
use crate::error::{CommitError, DatabaseError};
use crate::memory::{check_record, continues};
use crate::packs::Location;
use crate::rows::{ChangeOrder, Committed, EntryMarks, EntryOutcome, KindSet, NewEntry, StoredOrder, Write};
use crate::space::Space;
use crate::store_key::RowSeal;

/// Does all writes, notes the settled chunks where a write asks for it, and commits.
pub(super) fn commit(
    connection: &mut Connection,
    seal: &RowSeal,
    writes: &[Write],
    settled: &[(ChunkId, Location)],
) -> Result<Committed, CommitError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut batch = Batch::begin(&transaction, seal)?;
    let mut chunks_noted = false;
    for write in writes {
        if matches!(write, Write::SyncChunks) {
            if !std::mem::replace(&mut chunks_noted, true) {
                note_chunks(&transaction, settled)?;
            }
            continue;
        }
        batch.apply(write)?;
    }
    let committed = batch.finish()?;
    transaction.commit()?;
    Ok(committed)
}

/// The row of a log while a transaction changes it.
#[derive(Clone, Copy)]
struct Head {
    row: i64,
    last_seq: u64,
    last_id: EntryId,
    kinds: KindSet,
    entries: u64,
    bytes: u64,
    forked: bool,
    last_order: StoredOrder,
    changed: bool,
}

impl Head {
    /// An entry continues the branch that counts.
    fn advance(&mut self, entry: &NewEntry) {
        self.kinds.insert(entry.kind);
        self.last_seq = entry.at.seq;
        self.last_id = entry.at.id;
    }
}

/// Where an entry is stored, and its marks.
struct Found {
    order: StoredOrder,
    marks: EntryMarks,
}

/// What a transaction knows while it runs. Dropped without a trace when it fails.
struct Batch<'a> {
    transaction: &'a Transaction<'a>,
    seal: &'a RowSeal,
    last_order: u64,
    last_change: u64,
    workspaces: BTreeMap<WorkspaceId, i64>,
    heads: BTreeMap<(WorkspaceId, LogId), Head>,
    committed: Committed,
}

impl<'a> Batch<'a> {
    fn begin(transaction: &'a Transaction<'a>, seal: &'a RowSeal) -> Result<Self, CommitError> {
        let (last_order, last_change) = transaction
            .prepare_cached("SELECT last_order, last_change FROM counters")?
            .query_row((), |row| Ok((column::unsigned(row, 0)?, column::unsigned(row, 1)?)))?;
        Ok(Self {
            transaction,
            seal,
            last_order,
            last_change,
            workspaces: BTreeMap::new(),
            heads: BTreeMap::new(),
            committed: Committed::default(),
        })
    }

    fn apply(&mut self, write: &Write) -> Result<(), CommitError> {
        match write {
            Write::Entry(entry) => {
                let outcome = self.store_entry(entry)?;
                self.committed.entries.push(outcome);
                Ok(())
            }
            Write::CutBack { ws, log, to } => self.cut_back(*ws, *log, *to),
            Write::Mark { ws, entry, set, clear } => self.mark(*ws, *entry, *set, *clear),
            Write::Change { ws, doc, entry, item, hash } => {
                let at = self.index_change(*ws, *doc, *entry, *item, *hash)?;
                self.committed.changes.push(at);
                Ok(())
            }
            Write::Record { space, key, value } => self.record(*space, key, value.as_deref()),
            Write::ClearRecords(space) => self.clear_records(*space),
            Write::ForgetChunk(id) => self.execute("DELETE FROM chunks WHERE id = ?1", [id.as_bytes()]),
            Write::DropWorkspace(ws) => self.drop_workspace(*ws),
            // Handled for the whole transaction at once, by the caller.
            Write::SyncChunks => Ok(()),
        }
    }

    /// Writes back what was kept in memory meanwhile.
    fn finish(self) -> Result<Committed, CommitError> {
        let mut update = self.transaction.prepare_cached(
            "UPDATE logs SET last_seq = ?2, last_id = ?3, kinds = ?4, entries = ?5, bytes = ?6, \
             forked = ?7, last_order = ?8 WHERE id = ?1",
        )?;
        for head in self.heads.values().filter(|head| head.changed) {
            update.execute((
                head.row,
                column::signed(head.last_seq),
                head.last_id.as_bytes(),
                head.kinds.bits(),
                column::signed(head.entries),
                column::signed(head.bytes),
                head.forked,
                column::signed(head.last_order.0),
            ))?;
        }
        if !self.committed.entries.is_empty() || !self.committed.changes.is_empty() {
            let (order, change) = (self.last_order, self.last_change);
            self.execute(
                "UPDATE counters SET last_order = ?1, last_change = ?2",
                (column::signed(order), column::signed(change)),
            )?;
        }
        Ok(self.committed)
    }

    fn store_entry(&mut self, entry: &NewEntry) -> Result<EntryOutcome, CommitError> {
        let mut head = self.head(entry.ws, entry.at.log)?;
        if let Some(found) = self.find(&head, entry.at)? {
            return self.store_again(head, entry, found);
        }
        check_place(&head, entry)?;
        self.last_order += 1;
        let order = StoredOrder(self.last_order);
        let workspace = self.workspace(entry.ws)?;
        self.transaction
            .prepare_cached(
                "INSERT INTO entries(ord, ws, log, seq, id, kind, marks, bytes) \
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute((
                column::signed(order.0),
                workspace,
                head.row,
                column::signed(entry.at.seq),
                entry.at.id.as_bytes(),
                entry.kind.byte(),
                entry.marks.bits(),
                &entry.bytes[..],
            ))?;
        head.entries += 1;
        head.bytes += entry.bytes.len() as u64;
        head.last_order = order;
        head.changed = true;
        if entry.marks.contains(EntryMarks::FORK) {
            head.forked = true;
        } else {
            head.advance(entry);
        }
        self.heads.insert((entry.ws, entry.at.log), head);
        Ok(EntryOutcome { order, known: false })
    }

    /// An entry that is stored is given again: one of another branch may continue its log now.
    fn store_again(
        &mut self,
        mut head: Head,
        entry: &NewEntry,
        found: Found,
    ) -> Result<EntryOutcome, CommitError> {
        if !continues(entry, found.marks, head.last_seq) {
            return Ok(EntryOutcome { order: found.order, known: true });
        }
        self.last_order += 1;
        let order = StoredOrder(self.last_order);
        self.execute(
            "UPDATE entries SET ord = ?2, marks = (marks & ~?3) | ?4 WHERE ord = ?1",
            (
                column::signed(found.order.0),
                column::signed(order.0),
                EntryMarks::FORK.bits(),
                entry.marks.bits(),
            ),
        )?;
        head.last_order = order;
        head.changed = true;
        head.advance(entry);
        self.heads.insert((entry.ws, entry.at.log), head);
        Ok(EntryOutcome { order, known: false })
    }

    fn cut_back(&mut self, ws: WorkspaceId, log: LogId, to: u64) -> Result<(), CommitError> {
        let mut head = self.head(ws, log)?;
        if to == 0 || to > head.last_seq {
            return Err(CommitError::CutBack { log, to, last_seq: head.last_seq });
        }
        let workspace = self.workspace(ws)?;
        let fork = EntryMarks::FORK.bits();
        let behind = (head.row, column::signed(to), fork);
        self.execute(
            "DELETE FROM changes WHERE ws = ?4 AND ord IN \
             (SELECT ord FROM entries WHERE log = ?1 AND seq > ?2 AND marks & ?3 = 0)",
            (behind.0, behind.1, behind.2, workspace),
        )?;
        self.execute(
            "UPDATE entries SET marks = (marks | ?3) & ~?4 WHERE log = ?1 AND seq > ?2 AND marks & ?3 = 0",
            (behind.0, behind.1, behind.2, EntryMarks::UNOPENED.bits()),
        )?;
        let sql = "SELECT id FROM entries WHERE log = ?1 AND seq = ?2 AND marks & ?3 = 0";
        let mut statement = self.transaction.prepare_cached(sql)?;
        head.last_id = statement.query_row(behind, |row| column::entry(row, 0))?;
        head.last_seq = to;
        head.kinds = self.kinds(&head)?;
        head.forked = true;
        head.changed = true;
        self.heads.insert((ws, log), head);
        Ok(())
    }

    /// The kinds of the entries of the branch that counts.
    fn kinds(&self, head: &Head) -> Result<KindSet, CommitError> {
        let sql = "SELECT DISTINCT kind FROM entries WHERE log = ?1 AND marks & ?2 = 0";
        let mut statement = self.transaction.prepare_cached(sql)?;
        let mut kinds = KindSet::EMPTY;
        for kind in statement.query_map((head.row, EntryMarks::FORK.bits()), |row| column::kind(row, 0))? {
            kinds.insert(kind?);
        }
        Ok(kinds)
    }

    /// An entry that is stored.
    fn find(&self, head: &Head, at: EntryRef) -> Result<Option<Found>, CommitError> {
        // The usual case, the next entry of a log without a fork, needs no look.
        if at.seq > head.last_seq && !head.forked {
            return Ok(None);
        }
        let sql = "SELECT ord, marks FROM entries WHERE log = ?1 AND seq = ?2 AND id = ?3";
        let parameters = (head.row, column::signed(at.seq), at.id.as_bytes());
        let mut statement = self.transaction.prepare_cached(sql)?;
        let found = statement.query_row(parameters, |row| {
            Ok(Found { order: column::order(row, 0)?, marks: column::marks(row, 1)? })
        });
        Ok(found.optional()?)
    }

    fn known(&mut self, ws: WorkspaceId, at: EntryRef) -> Result<Found, CommitError> {
        let head = self.head(ws, at.log)?;
        let found = self.find(&head, at)?;
        found.ok_or(CommitError::UnknownEntry { at })
    }

    fn mark(
        &mut self,
        ws: WorkspaceId,
        entry: EntryRef,
        set: EntryMarks,
        clear: EntryMarks,
    ) -> Result<(), CommitError> {
        let found = self.known(ws, entry)?;
        let (set, clear) = (set.without(EntryMarks::FORK), clear.without(EntryMarks::FORK));
        self.execute(
            "UPDATE entries SET marks = (marks & ~?2) | ?3 WHERE ord = ?1",
            (column::signed(found.order.0), clear.bits(), set.bits()),
        )
    }

    fn index_change(
        &mut self,
        ws: WorkspaceId,
        doc: DocumentId,
        entry: EntryRef,
        item: u16,
        hash: ChangeHash,
    ) -> Result<ChangeOrder, CommitError> {
        let Found { order, marks } = self.known(ws, entry)?;
        if marks.contains(EntryMarks::FORK) {
            return Ok(ChangeOrder::START);
        }
        let workspace = self.workspace(ws)?;
        let key = (workspace, doc.as_bytes(), column::signed(order.0), item);
        let mut find = self
            .transaction
            .prepare_cached("SELECT at FROM changes WHERE ws = ?1 AND doc = ?2 AND ord = ?3 AND item = ?4")?;
        let found = find.query_row(key, |row| column::change_order(row, 0));
        if let Some(at) = found.optional()? {
            return Ok(at);
        }
        self.last_change += 1;
        let at = ChangeOrder(self.last_change);
        let (workspace, doc, order, item) = key;
        self.transaction
            .prepare_cached(
                "INSERT INTO changes(ws, doc, ord, item, at, hash) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((workspace, doc, order, item, column::signed(at.0), hash.as_bytes()))?;
        Ok(at)
    }

    fn record(&mut self, space: Space, key: &[u8], value: Option<&[u8]>) -> Result<(), CommitError> {
        check_record(key, value)?;
        let stored_key = self.seal.stored_key(space, key);
        let table = space.table().number();
        let Some(value) = value else {
            let Some(workspace) = self.space_row(space, false)? else {
                return Ok(());
            };
            return self.execute(
                "DELETE FROM records WHERE ws = ?1 AND tab = ?2 AND key = ?3",
                (workspace, table, stored_key),
            );
        };
        let sealed = self.seal.seal(space, key, value);
        let sealed = sealed.map_err(|error| DatabaseError::Io { source: error.into() })?;
        let workspace = self.space_row(space, true)?;
        self.execute(
            "INSERT INTO records(ws, tab, key, value) VALUES(?1, ?2, ?3, ?4) \
             ON CONFLICT(ws, tab, key) DO UPDATE SET value = excluded.value",
            (workspace, table, stored_key, sealed),
        )
    }

    fn clear_records(&mut self, space: Space) -> Result<(), CommitError> {
        let Some(workspace) = self.space_row(space, false)? else {
            return Ok(());
        };
        self.execute("DELETE FROM records WHERE ws = ?1 AND tab = ?2", (workspace, space.table().number()))
    }

    fn drop_workspace(&mut self, ws: WorkspaceId) -> Result<(), CommitError> {
        let Some(row) = self.find_workspace(ws)? else {
            return Ok(());
        };
        for table in ["entries", "logs", "changes", "records"] {
            self.execute(&format!("DELETE FROM {table} WHERE ws = ?1"), [row])?;
        }
        self.execute("DELETE FROM workspaces WHERE id = ?1", [row])?;
        self.workspaces.remove(&ws);
        self.heads.retain(|(of, _), _| *of != ws);
        Ok(())
    }

    /// The row of the workspace of a space; zero stands for this device.
    fn space_row(&mut self, space: Space, make: bool) -> Result<Option<i64>, CommitError> {
        match space.workspace_id() {
            None => Ok(Some(0)),
            Some(ws) if make => self.workspace(ws).map(Some),
            Some(ws) => self.find_workspace(ws),
        }
    }

    fn find_workspace(&mut self, ws: WorkspaceId) -> Result<Option<i64>, CommitError> {
        if let Some(row) = self.workspaces.get(&ws) {
            return Ok(Some(*row));
        }
        let sql = "SELECT id FROM workspaces WHERE ws = ?1";
        let mut statement = self.transaction.prepare_cached(sql)?;
        let found: Option<i64> = statement.query_row([ws.as_bytes()], |row| row.get(0)).optional()?;
        if let Some(row) = found {
            self.workspaces.insert(ws, row);
        }
        Ok(found)
    }

    fn workspace(&mut self, ws: WorkspaceId) -> Result<i64, CommitError> {
        if let Some(row) = self.find_workspace(ws)? {
            return Ok(row);
        }
        self.execute("INSERT INTO workspaces(ws) VALUES(?1)", [ws.as_bytes()])?;
        let row = self.transaction.last_insert_rowid();
        self.workspaces.insert(ws, row);
        Ok(row)
    }

    /// The head of a log; one without a row yet has the row that it would get.
    fn head(&mut self, ws: WorkspaceId, log: LogId) -> Result<Head, CommitError> {
        if let Some(head) = self.heads.get(&(ws, log)) {
            return Ok(*head);
        }
        let workspace = self.workspace(ws)?;
        let head = match self.find_head(workspace, log)? {
            Some(head) => head,
            None => self.insert_head(workspace, log)?,
        };
        self.heads.insert((ws, log), head);
        Ok(head)
    }

    fn find_head(&self, workspace: i64, log: LogId) -> Result<Option<Head>, CommitError> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT id, last_seq, last_id, kinds, entries, bytes, forked, last_order \
             FROM logs WHERE ws = ?1 AND log = ?2",
        )?;
        let found = statement.query_row((workspace, log.as_bytes()), |row| {
            Ok(Head {
                row: row.get(0)?,
                last_seq: column::unsigned(row, 1)?,
                last_id: column::entry(row, 2)?,
                kinds: column::kinds(row, 3)?,
                entries: column::unsigned(row, 4)?,
                bytes: column::unsigned(row, 5)?,
                forked: row.get(6)?,
                last_order: column::order(row, 7)?,
                changed: false,
            })
        });
        Ok(found.optional()?)
    }

    fn insert_head(&self, workspace: i64, log: LogId) -> Result<Head, CommitError> {
        self.execute(
            "INSERT INTO logs(ws, log, last_seq, last_id, kinds, entries, bytes, forked, \
             last_order) VALUES(?1, ?2, 0, zeroblob(32), 0, 0, 0, 0, 0)",
            (workspace, log.as_bytes()),
        )?;
        Ok(Head {
            row: self.transaction.last_insert_rowid(),
            last_seq: 0,
            last_id: EntryId::ZERO,
            kinds: KindSet::EMPTY,
            entries: 0,
            bytes: 0,
            forked: false,
            last_order: StoredOrder::START,
            changed: false,
        })
    }

    fn execute(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<(), CommitError> {
        let mut statement = self.transaction.prepare_cached(sql)?;
        statement.execute(parameters)?;
        Ok(())
    }
}

/// Two entries at one place of a log, or a hole in it, would be our own mistake: what is sent
/// later would contradict what is stored.
fn check_place(head: &Head, entry: &NewEntry) -> Result<(), CommitError> {
    let at = entry.at;
    let gap = CommitError::Gap { at, last_seq: head.last_seq };
    if at.seq == 0 || i64::try_from(at.seq).is_err() {
        return Err(gap);
    }
    if entry.marks.contains(EntryMarks::FORK) {
        return Ok(());
    }
    if at.seq <= head.last_seq {
        return Err(CommitError::Conflict { at });
    }
    if at.seq > head.last_seq + 1 {
        return Err(gap);
    }
    Ok(())
}
