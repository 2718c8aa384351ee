//! What the database knows of the pack files.

use std::collections::BTreeMap;

use rusqlite::Transaction;
use weft_crdt::ChunkId;

use super::columns as column;
use crate::packs::Location;

/// Adds chunks whose bytes are on the disk to the index.
pub(crate) fn note_chunks(
    transaction: &Transaction<'_>,
    settled: &[(ChunkId, Location)],
) -> rusqlite::Result<()> {
    let mut insert = transaction
        .prepare_cached("INSERT OR IGNORE INTO chunks(id, pack, start, length) VALUES(?1, ?2, ?3, ?4)")?;
    let mut lengths: BTreeMap<u32, u64> = BTreeMap::new();
    for (id, location) in settled {
        let start = column::signed(location.start);
        insert.execute((id.as_bytes(), location.pack, start, location.length))?;
        let end = lengths.entry(location.pack).or_default();
        *end = (*end).max(location.end());
    }
    let mut lengthen = transaction.prepare_cached(
        "INSERT INTO packs(pack, length) VALUES(?1, ?2) \
         ON CONFLICT(pack) DO UPDATE SET length = max(length, excluded.length)",
    )?;
    for (pack, length) in lengths {
        lengthen.execute((pack, column::signed(length)))?;
    }
    Ok(())
}
