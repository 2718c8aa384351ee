//! Brings pack files and their index into agreement after an interruption.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};
use weft_crdt::ChunkId;

use super::{Location, MAGIC, RECORD_HEADER_LEN, pack_path};
use crate::error::{DatabaseError, OpenError};
use crate::limits::CHUNK_BYTES_MAX;

/// What was found and mended.
#[derive(Debug, Default)]
pub(crate) struct PacksRecovery {
    /// Chunks in the index whose bytes are gone.
    pub(crate) lost: u64,
    /// Chunks whose bytes were not in the index.
    pub(crate) found: u64,
    /// Bytes of torn records, cut off.
    pub(crate) bytes_cut: u64,
    /// The last pack and its length.
    pub(crate) last: (u32, u64),
}

pub(super) fn recover(folder: &Path, connection: &mut Connection) -> Result<PacksRecovery, OpenError> {
    let database = OpenError::database::<rusqlite::Error>;
    let sizes = pack_sizes(folder).map_err(OpenError::io(folder))?;
    let indexed = indexed_lengths(connection).map_err(database(folder))?;
    let mut recovery = PacksRecovery::default();
    let mut ends = BTreeMap::new();
    let has_more = |(pack, size): (&u32, &u64)| *size > indexed.get(pack).copied().unwrap_or(0);
    if sizes.iter().any(has_more) {
        // The program may have stopped before the name of a new pack was on the disk. Nothing of
        // it may be in the index before it is.
        crate::files::sync_folder(folder).map_err(OpenError::io(folder))?;
    }
    let all = sizes.keys().chain(indexed.keys()).copied();
    for pack in all.collect::<std::collections::BTreeSet<u32>>() {
        let size = sizes.get(&pack).copied().unwrap_or(0);
        let mut known = indexed.get(&pack).copied().unwrap_or(0);
        if size < known {
            let (lost, end) = drop_lost(connection, pack, size).map_err(database(folder))?;
            recovery.lost += lost;
            known = end;
        }
        if size > known {
            let path = pack_path(folder, pack);
            let end = take_in(connection, &path, pack, known, &mut recovery)?;
            recovery.bytes_cut += size - end;
            known = end;
        }
        ends.insert(pack, known);
    }
    if let Some((pack, end)) = ends.last_key_value() {
        recovery.last = (*pack, *end);
    }
    Ok(recovery)
}

fn pack_sizes(folder: &Path) -> io::Result<BTreeMap<u32, u64>> {
    let mut sizes = BTreeMap::new();
    for file in fs::read_dir(folder)? {
        let file = file?;
        let name = file.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".pack"));
        let number = number.filter(|digits| digits.len() == 8);
        if let Some(pack) = number.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            sizes.insert(pack, file.metadata()?.len());
        }
    }
    Ok(sizes)
}

fn indexed_lengths(connection: &Connection) -> rusqlite::Result<BTreeMap<u32, u64>> {
    let mut statement = connection.prepare("SELECT pack, length FROM packs")?;
    let rows = statement.query_map((), |row| {
        let length: i64 = row.get(1)?;
        Ok((row.get(0)?, u64::try_from(length).unwrap_or(0)))
    })?;
    rows.collect()
}

/// Removes what the index says about bytes beyond the end of a pack. Returns how many chunks
/// these were, and the end of the last one that remains.
fn drop_lost(connection: &mut Connection, pack: u32, size: u64) -> rusqlite::Result<(u64, u64)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let lost =
        transaction.execute("DELETE FROM chunks WHERE pack = ?1 AND start + length > ?2", (pack, size))?;
    let end: i64 = transaction.query_row(
        "SELECT coalesce(max(start + length), 0) FROM chunks WHERE pack = ?1",
        [pack],
        |row| row.get(0),
    )?;
    transaction.execute("UPDATE packs SET length = ?2 WHERE pack = ?1", (pack, end))?;
    transaction.commit()?;
    Ok((lost as u64, u64::try_from(end).unwrap_or(0)))
}

/// Notes whole records beyond the known end and cuts off the rest. Returns the new end.
fn take_in(
    connection: &mut Connection,
    path: &Path,
    pack: u32,
    known: u64,
    recovery: &mut PacksRecovery,
) -> Result<u64, OpenError> {
    let file = fs::OpenOptions::new().read(true).write(true).open(path);
    let file = file.map_err(OpenError::io(path))?;
    let mut reader = BufReader::with_capacity(1 << 20, &file);
    let records = reader.seek(SeekFrom::Start(known)).and_then(|_| whole_records(reader, pack, known));
    let records = records.map_err(OpenError::io(path))?;
    let end = records.last().map_or(known, |(_, location)| location.end());
    file.set_len(end).and_then(|()| file.sync_all()).map_err(OpenError::io(path))?;
    let note = |connection: &mut Connection| -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        crate::sqlite::note_chunks(&transaction, &records)?;
        transaction.commit()
    };
    if !records.is_empty() {
        note(connection).map_err(|error| OpenError::Database {
            source: DatabaseError::from(error),
            path: path.to_path_buf(),
        })?;
        recovery.found += records.len() as u64;
    }
    Ok(end)
}

/// The records up to the first that is not whole and right, in bytes that begin at `start` of the pack.
pub(crate) fn whole_records(
    mut reader: impl Read,
    pack: u32,
    start: u64,
) -> io::Result<Vec<(ChunkId, Location)>> {
    let mut records = Vec::new();
    let mut at = start;
    let mut bytes = Vec::new();
    loop {
        let mut header = [0; RECORD_HEADER_LEN as usize];
        if !read_whole(&mut reader, &mut header)? || !header.starts_with(&MAGIC) {
            return Ok(records);
        }
        let mut length = [0; 4];
        length.copy_from_slice(&header[4..8]);
        let length = u32::from_le_bytes(length);
        if length as usize > CHUNK_BYTES_MAX {
            return Ok(records);
        }
        bytes.resize(length as usize, 0);
        let mut id = [0; 32];
        id.copy_from_slice(&header[8..]);
        if !read_whole(&mut reader, &mut bytes)? || blake3::hash(&bytes) != id {
            return Ok(records);
        }
        let location = Location { pack, start: at + RECORD_HEADER_LEN, length };
        at = location.end();
        records.push((ChunkId::from_bytes(id), location));
    }
}

/// Fills the buffer; false when the file ends before.
fn read_whole(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
