//! Short ways to say what a test needs.

use bytes::Bytes;
use weft_crdt::{ChangeHash, ChunkId, DocumentId};
use weft_store::{EntryMarks, NewEntry, Write};
use weft_sync::{EntryId, EntryRef, Kind, LogId, WorkspaceId};

pub(crate) const WS: WorkspaceId = WorkspaceId::from_bytes([0x11; 32]);
pub(crate) const OTHER: WorkspaceId = WorkspaceId::from_bytes([0x22; 32]);
pub(crate) const ALL: usize = usize::MAX;

pub(crate) fn log(number: u8) -> LogId {
    LogId::from_bytes([number; 32])
}

pub(crate) fn doc(number: u8) -> DocumentId {
    DocumentId::from_bytes([number; 16])
}

pub(crate) fn hash(number: u8) -> ChangeHash {
    ChangeHash::from_bytes([number; 32])
}

/// An entry of the first branch; the place decides the id.
pub(crate) fn at(log_number: u8, seq: u64) -> EntryRef {
    at_branch(log_number, seq, 0)
}

pub(crate) fn at_branch(log_number: u8, seq: u64, branch: u8) -> EntryRef {
    let mut id = [branch; 32];
    id[0] = log_number;
    id[1..9].copy_from_slice(&seq.to_le_bytes());
    EntryRef { log: log(log_number), seq, id: EntryId::from_bytes(id) }
}

pub(crate) fn entry(at: EntryRef) -> NewEntry {
    NewEntry {
        ws: WS,
        at,
        kind: Kind::Data,
        marks: EntryMarks::NONE,
        bytes: Bytes::from(format!("entry {} of {}", at.seq, at.log)),
    }
}

pub(crate) fn write(at: EntryRef) -> Write {
    Write::Entry(entry(at))
}

pub(crate) fn change(document: u8, entry: EntryRef, item: u16) -> Write {
    Write::Change { ws: WS, doc: doc(document), entry, item, hash: hash(document) }
}

pub(crate) fn chunk(contents: &[u8]) -> (ChunkId, Bytes) {
    let id = ChunkId::from_bytes(*blake3::hash(contents).as_bytes());
    (id, Bytes::copy_from_slice(contents))
}
