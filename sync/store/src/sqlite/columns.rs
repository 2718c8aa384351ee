//! Ids and numbers as columns. What does not fit was not written by us: it is damage.

use rusqlite::types::{FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Result, Row};
use weft_crdt::{ChangeHash, ChunkId, DocumentId};
use weft_sync::{EntryId, Kind, LogId, WorkspaceId};

use crate::rows::{ChangeOrder, EntryMarks, KindSet, StoredOrder};

/// Turns a number into a column; places and sizes stay far below its limit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(row: &Row<'_>, index: usize) -> Result<u64> {
    let number: i64 = row.get(index)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(index, number))
}

pub(super) fn order(row: &Row<'_>, index: usize) -> Result<StoredOrder> {
    unsigned(row, index).map(StoredOrder)
}

pub(super) fn change_order(row: &Row<'_>, index: usize) -> Result<ChangeOrder> {
    unsigned(row, index).map(ChangeOrder)
}

pub(super) fn kind(row: &Row<'_>, index: usize) -> Result<Kind> {
    row.get(index).map(Kind::from_byte)
}

pub(super) fn marks(row: &Row<'_>, index: usize) -> Result<EntryMarks> {
    row.get(index).map(EntryMarks::from_bits)
}

pub(super) fn kinds(row: &Row<'_>, index: usize) -> Result<KindSet> {
    row.get(index).map(KindSet::from_bits)
}

pub(super) fn workspace(row: &Row<'_>, index: usize) -> Result<WorkspaceId> {
    array(row, index).map(WorkspaceId::from_bytes)
}

pub(super) fn log(row: &Row<'_>, index: usize) -> Result<LogId> {
    array(row, index).map(LogId::from_bytes)
}

pub(super) fn entry(row: &Row<'_>, index: usize) -> Result<EntryId> {
    array(row, index).map(EntryId::from_bytes)
}

pub(super) fn document(row: &Row<'_>, index: usize) -> Result<DocumentId> {
    array(row, index).map(DocumentId::from_bytes)
}

pub(super) fn change(row: &Row<'_>, index: usize) -> Result<ChangeHash> {
    array(row, index).map(ChangeHash::from_bytes)
}

pub(super) fn chunk(row: &Row<'_>, index: usize) -> Result<ChunkId> {
    array(row, index).map(ChunkId::from_bytes)
}

fn array<const N: usize>(row: &Row<'_>, index: usize) -> Result<[u8; N]> {
    let value = row.get_ref(index)?;
    fixed(value)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, value.data_type(), error.into()))
}

fn fixed<const N: usize>(value: ValueRef<'_>) -> FromSqlResult<[u8; N]> {
    let blob = value.as_blob()?;
    blob.try_into().map_err(|_| FromSqlError::InvalidBlobSize { expected_size: N, blob_size: blob.len() })
}
