//! Looks for damage when somebody asks.

use rusqlite::{Connection, Row};
use weft_crdt::ChunkId;
use weft_sync::{EntryRef, WorkspaceId};

use super::columns as column;
use crate::error::{REBUILD_HINT, ReadError};
use crate::packs::{Location, Packs};
use crate::space::Table;
use crate::store_key::RowSeal;

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckDepth {
    /// The structure of the database.
    Quick,
    /// Also every entry against its id, every record against its seal and every chunk against
    /// its hash: reads everything once.
    Full,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// What the database says about its structure; empty when it is sound.
    pub problems: Vec<String>,
    /// Entries stored.
    pub entries: u64,
    /// Entries whose bytes are not the entry they are stored as.
    pub entries_damaged: Vec<(WorkspaceId, EntryRef)>,
    /// Records stored.
    pub records: u64,
    /// Records that do not open, without snapshots.
    pub records_damaged: u64,
    /// Snapshots that do not open: they are made again, so nothing is lost with them.
    pub snapshots_damaged: u64,
    /// Chunks stored.
    pub chunks: u64,
    /// Bytes of these chunks.
    pub chunk_bytes: u64,
    /// Chunks that are not what they are named by; [`crate::Write::ForgetChunk`] lets them be
    /// fetched again.
    pub chunks_damaged: Vec<ChunkId>,
}

impl CheckReport {
    /// Whether nothing is damaged.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
            && self.entries_damaged.is_empty()
            && self.records_damaged == 0
            && self.chunks_damaged.is_empty()
    }

    /// What a person can do about it, when something is damaged.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        if !self.problems.is_empty() || self.records_damaged > 0 || !self.entries_damaged.is_empty() {
            return Some(REBUILD_HINT);
        }
        (!self.chunks_damaged.is_empty()).then_some(
            "check the disk; what is damaged is put back from the folder or fetched from other devices",
        )
    }
}

const PROBLEMS_MAX: usize = 100;

pub(super) fn check(
    connection: &Connection,
    packs: &Packs,
    seal: &RowSeal,
    depth: CheckDepth,
) -> Result<CheckReport, ReadError> {
    let mut report = CheckReport::default();
    let sql = format!("PRAGMA quick_check({PROBLEMS_MAX})");
    let mut statement = connection.prepare(&sql)?;
    for line in statement.query_map((), |row| row.get::<_, String>(0))? {
        match line {
            Ok(line) if line == "ok" => {}
            Ok(line) => report.problems.push(line),
            Err(error) => report.problems.push(error.to_string()),
        }
    }
    if !report.problems.is_empty() {
        // Counting in a broken tree tells nothing.
        return Ok(report);
    }
    let count = |sql: &str| -> rusqlite::Result<(u64, u64)> {
        connection.query_row(sql, (), |row| Ok((column::unsigned(row, 0)?, column::unsigned(row, 1)?)))
    };
    report.entries = count("SELECT count(*), 0 FROM entries")?.0;
    report.records = count("SELECT count(*), 0 FROM records")?.0;
    (report.chunks, report.chunk_bytes) = count("SELECT count(*), coalesce(sum(length), 0) FROM chunks")?;
    if depth == CheckDepth::Full {
        check_entries(connection, &mut report)?;
        check_records(connection, seal, &mut report)?;
        check_chunks(connection, packs, &mut report)?;
    }
    Ok(report)
}

fn check_entries(connection: &Connection, report: &mut CheckReport) -> Result<(), ReadError> {
    let mut statement = connection.prepare(
        "SELECT w.ws, l.log, e.seq, e.id, e.bytes FROM entries e \
         JOIN logs l ON l.id = e.log JOIN workspaces w ON w.id = e.ws ORDER BY e.ord",
    )?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let (ws, at) = entry_place(row)?;
        let bytes = row.get_ref(4)?.as_blob().unwrap_or_default();
        let sound = weft_sync::Entry::decode(bytes).is_ok_and(|entry| entry.id() == at.id);
        if !sound {
            report.entries_damaged.push((ws, at));
        }
    }
    Ok(())
}

fn entry_place(row: &Row<'_>) -> rusqlite::Result<(WorkspaceId, EntryRef)> {
    let at =
        EntryRef { log: column::log(row, 1)?, seq: column::unsigned(row, 2)?, id: column::entry(row, 3)? };
    Ok((column::workspace(row, 0)?, at))
}

fn check_records(connection: &Connection, seal: &RowSeal, report: &mut CheckReport) -> Result<(), ReadError> {
    let mut statement = connection
        .prepare("SELECT w.ws, r.tab, r.key, r.value FROM records r LEFT JOIN workspaces w ON w.id = r.ws")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let table = Table::from_number(row.get(1)?);
        // A table of a later version is not ours to judge.
        let Some(table) = table else { continue };
        let space = match row.get_ref(0)? {
            rusqlite::types::ValueRef::Null => crate::space::Space::device(table),
            _ => crate::space::Space::workspace(column::workspace(row, 0)?, table),
        };
        let key: Vec<u8> = row.get(2)?;
        let value = row.get_ref(3)?.as_blob().unwrap_or_default();
        match seal.open(space, &key, value) {
            Ok(_) => {}
            Err(_) if table == Table::Snapshot => report.snapshots_damaged += 1,
            Err(_) => report.records_damaged += 1,
        }
    }
    Ok(())
}

fn check_chunks(connection: &Connection, packs: &Packs, report: &mut CheckReport) -> Result<(), ReadError> {
    // In the order of the disk, so that it reads forward.
    let sql = "SELECT id, pack, start, length FROM chunks ORDER BY pack, start";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let id = column::chunk(row, 0)?;
        let location = Location { pack: row.get(1)?, start: column::unsigned(row, 2)?, length: row.get(3)? };
        match packs.read(&id, location) {
            Ok(_) => {}
            Err(ReadError::ChunkDamaged { id }) => report.chunks_damaged.push(id),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
