//! Every question that a connection answers.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Params, Row};
use weft_crdt::{ChunkId, DocumentId};
use weft_sync::{EntryRef, LogId, WorkspaceId};

use super::columns as column;
use crate::error::ReadError;
use crate::packs::Location;
use crate::rows::{
    ChangeOrder, ChangeRow, DocumentSummary, EntryFilter, EntryMarks, EntryPlace, LogSummary, RecordRow,
    StoredEntry, StoredOrder,
};
use crate::space::Space;

const WORKSPACE: &str = "(SELECT id FROM workspaces WHERE ws = ?1)";

/// The columns that [`stored_entry`] and [`entry_place`] read.
const ENTRY: &str = "e.ord, l.log, e.seq, e.id, e.kind, e.marks";

pub(super) fn workspaces(connection: &Connection) -> Result<Vec<WorkspaceId>, ReadError> {
    let sql = "SELECT ws FROM workspaces ORDER BY ws";
    rows(connection, sql, (), |row| column::workspace(row, 0))
}

const LOG: &str = "log, last_seq, last_id, kinds, entries, bytes, forked, last_order";

pub(super) fn logs(connection: &Connection, ws: WorkspaceId) -> Result<Vec<LogSummary>, ReadError> {
    let sql = format!("SELECT {LOG} FROM logs WHERE ws = {WORKSPACE} AND log <> ?2 ORDER BY log");
    let parameters = (ws.as_bytes(), LogId::ZERO.as_bytes());
    rows(connection, &sql, parameters, log_summary)
}

pub(super) fn log(
    connection: &Connection,
    ws: WorkspaceId,
    log: LogId,
) -> Result<Option<LogSummary>, ReadError> {
    let sql = format!("SELECT {LOG} FROM logs WHERE ws = {WORKSPACE} AND log = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let parameters = (ws.as_bytes(), log.as_bytes());
    Ok(statement.query_row(parameters, log_summary).optional()?)
}

fn log_summary(row: &Row<'_>) -> rusqlite::Result<LogSummary> {
    Ok(LogSummary {
        log: column::log(row, 0)?,
        last_seq: column::unsigned(row, 1)?,
        last_id: column::entry(row, 2)?,
        kinds: column::kinds(row, 3)?,
        entries: column::unsigned(row, 4)?,
        bytes: column::unsigned(row, 5)?,
        forked: row.get(6)?,
        last_order: column::order(row, 7)?,
    })
}

pub(super) fn entries(
    connection: &Connection,
    ws: WorkspaceId,
    log: LogId,
    (from, to): (u64, u64),
    bytes_max: usize,
) -> Result<Vec<StoredEntry>, ReadError> {
    let sql = format!(
        "SELECT {ENTRY}, e.bytes FROM logs l JOIN entries e ON e.log = l.id \
         WHERE l.ws = {WORKSPACE} AND l.log = ?2 AND e.seq BETWEEN ?3 AND ?4 \
         ORDER BY e.seq, e.ord"
    );
    let (from, to) = (column::signed(from), column::signed(to));
    let parameters = (ws.as_bytes(), log.as_bytes(), from, to);
    entries_within(connection, &sql, parameters, bytes_max)
}

pub(super) fn entries_after(
    connection: &Connection,
    ws: WorkspaceId,
    after: StoredOrder,
    filter: EntryFilter,
    bytes_max: usize,
) -> Result<Vec<StoredEntry>, ReadError> {
    // The condition must stand literally, or the partial index is not used.
    let (index, condition) = match filter {
        EntryFilter::All => ("entries_ws", ""),
        EntryFilter::WithoutData => ("entries_control", "AND e.kind <> 5"),
        EntryFilter::DataOnly => ("entries_ws", "AND e.kind = 5"),
    };
    let sql = format!(
        "SELECT {ENTRY}, e.bytes FROM entries e INDEXED BY {index} CROSS JOIN logs l \
         ON l.id = e.log WHERE e.ws = {WORKSPACE} AND e.ord > ?2 {condition} ORDER BY e.ord"
    );
    let parameters = (ws.as_bytes(), column::signed(after.0));
    entries_within(connection, &sql, parameters, bytes_max)
}

pub(super) fn entries_at(
    connection: &Connection,
    ws: WorkspaceId,
    orders: &[StoredOrder],
) -> Result<Vec<StoredEntry>, ReadError> {
    let sql = format!(
        "SELECT {ENTRY}, e.bytes FROM entries e JOIN logs l ON l.id = e.log \
         WHERE e.ord = ?2 AND e.ws = {WORKSPACE}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = Vec::with_capacity(orders.len());
    for order in orders {
        let parameters = (ws.as_bytes(), column::signed(order.0));
        found.extend(statement.query_row(parameters, stored_entry).optional()?);
    }
    Ok(found)
}

pub(super) fn marked(
    connection: &Connection,
    ws: WorkspaceId,
    marks: EntryMarks,
    after: StoredOrder,
    count_max: usize,
) -> Result<Vec<EntryPlace>, ReadError> {
    let sql = format!(
        "SELECT {ENTRY} FROM entries e INDEXED BY entries_marked CROSS JOIN logs l \
         ON l.id = e.log WHERE e.ws = {WORKSPACE} AND e.marks <> 0 AND e.ord > ?2 \
         AND e.marks & ?3 = ?3 ORDER BY e.ord LIMIT ?4"
    );
    let after = column::signed(after.0);
    let count_max = i64::try_from(count_max).unwrap_or(i64::MAX);
    let parameters = (ws.as_bytes(), after, marks.bits(), count_max);
    rows(connection, &sql, parameters, entry_place)
}

pub(super) fn documents(connection: &Connection, ws: WorkspaceId) -> Result<Vec<DocumentSummary>, ReadError> {
    let sql = format!(
        "SELECT doc, count(*), max(at) FROM changes WHERE ws = {WORKSPACE} \
         GROUP BY doc ORDER BY doc"
    );
    rows(connection, &sql, [ws.as_bytes()], |row| {
        Ok(DocumentSummary {
            doc: column::document(row, 0)?,
            changes: column::unsigned(row, 1)?,
            last: column::change_order(row, 2)?,
        })
    })
}

pub(super) fn changes(
    connection: &Connection,
    ws: WorkspaceId,
    doc: DocumentId,
    after: ChangeOrder,
) -> Result<Vec<ChangeRow>, ReadError> {
    let sql = format!(
        "SELECT c.at, c.ord, l.log, e.seq, e.id, c.item, c.hash FROM changes c \
         CROSS JOIN entries e ON e.ord = c.ord CROSS JOIN logs l ON l.id = e.log \
         WHERE c.ws = {WORKSPACE} AND c.doc = ?2 AND c.at > ?3 ORDER BY c.at"
    );
    let parameters = (ws.as_bytes(), doc.as_bytes(), column::signed(after.0));
    rows(connection, &sql, parameters, |row| {
        Ok(ChangeRow {
            at: column::change_order(row, 0)?,
            order: column::order(row, 1)?,
            entry: EntryRef {
                log: column::log(row, 2)?,
                seq: column::unsigned(row, 3)?,
                id: column::entry(row, 4)?,
            },
            item: row.get(5)?,
            hash: column::change(row, 6)?,
        })
    })
}

/// The row of the workspace of a space; zero stands for this device.
const SPACE: &str = "(CASE WHEN ?1 IS NULL THEN 0 ELSE \
     (SELECT id FROM workspaces WHERE ws = ?1) END)";

fn space_bytes(space: Space) -> Option<[u8; 32]> {
    space.workspace_id().map(|ws| *ws.as_bytes())
}

pub(super) fn record(
    connection: &Connection,
    space: Space,
    stored_key: &[u8],
) -> Result<Option<Vec<u8>>, ReadError> {
    let sql = format!("SELECT value FROM records WHERE ws = {SPACE} AND tab = ?2 AND key = ?3");
    let mut statement = connection.prepare_cached(&sql)?;
    let parameters = (space_bytes(space), space.table().number(), stored_key);
    Ok(statement.query_row(parameters, |row| row.get(0)).optional()?)
}

pub(super) fn records(
    connection: &Connection,
    space: Space,
    prefix: &[u8],
) -> Result<Vec<RecordRow>, ReadError> {
    let sql = format!(
        "SELECT key, value FROM records WHERE ws = {SPACE} AND tab = ?2 AND key >= ?3 \
         AND (?4 IS NULL OR key < ?4) ORDER BY key"
    );
    let end = prefix_end(prefix);
    let parameters = (space_bytes(space), space.table().number(), prefix, end);
    rows(connection, &sql, parameters, |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The least key that is greater than every key with this prefix.
fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

const LOCATION: &str = "SELECT pack, start, length FROM chunks WHERE id = ?1";

pub(super) fn location(connection: &Connection, id: &ChunkId) -> Result<Option<Location>, ReadError> {
    let mut statement = connection.prepare_cached(LOCATION)?;
    let found = statement.query_row([id.as_bytes()], |row| {
        Ok(Location { pack: row.get(0)?, start: column::unsigned(row, 1)?, length: row.get(2)? })
    });
    Ok(found.optional()?)
}

pub(super) fn missing(connection: &Connection, ids: Vec<ChunkId>) -> rusqlite::Result<Vec<ChunkId>> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM chunks WHERE id = ?1")?;
    let mut missing = Vec::new();
    for id in ids {
        if !statement.exists([id.as_bytes()])? {
            missing.push(id);
        }
    }
    Ok(missing)
}

fn entry_place(row: &Row<'_>) -> rusqlite::Result<EntryPlace> {
    Ok(EntryPlace {
        order: column::order(row, 0)?,
        at: EntryRef {
            log: column::log(row, 1)?,
            seq: column::unsigned(row, 2)?,
            id: column::entry(row, 3)?,
        },
        kind: column::kind(row, 4)?,
        marks: column::marks(row, 5)?,
    })
}

fn stored_entry(row: &Row<'_>) -> rusqlite::Result<StoredEntry> {
    let EntryPlace { order, at, kind, marks } = entry_place(row)?;
    Ok(StoredEntry { order, at, kind, marks, bytes: Bytes::from(row.get::<_, Vec<u8>>(6)?) })
}

fn entries_within(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    bytes_max: usize,
) -> Result<Vec<StoredEntry>, ReadError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(parameters)?;
    let mut taken: Vec<StoredEntry> = Vec::new();
    let mut bytes = 0;
    while let Some(row) = found.next()? {
        let length = row.get_ref(6)?.as_blob().map_or(0, <[u8]>::len);
        bytes += length;
        if bytes > bytes_max && !taken.is_empty() {
            break;
        }
        taken.push(stored_entry(row)?);
    }
    Ok(taken)
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, ReadError> {
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(parameters, read)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}
