//! From operations to the bytes and the hash of a change.

use sha2::{Digest, Sha256};
use smallvec::SmallVec;

use super::column_writer::ColumnBytes;
use super::columns::{Columns, ColumnsWriter, SPECS, VALUE};
use super::leb::write_unsigned;
use super::op::Ops;
use super::{Change, ChangeData};
use crate::ids::{ActorId, ChangeHash};

pub(crate) const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
pub(crate) const KIND_CHANGE: u8 = 1;
/// Magic and checksum, which the hash does not cover.
pub(crate) const HASHED_FROM: usize = 8;

/// A change that is about to be written. Its parts must be valid: this is where our own changes are made.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// In ascending order.
    pub(crate) deps: SmallVec<[ChangeHash; 1]>,
    pub(crate) actor: Option<ActorId>,
    pub(crate) seq: u64,
    pub(crate) start_op: u32,
    pub(crate) time: i64,
    /// Actors that operations name besides the author, in ascending order.
    pub(crate) others: SmallVec<[ActorId; 2]>,
    pub(crate) ops: Ops,
    /// The bytes of all values in order.
    pub(crate) values: Vec<u8>,
}

impl Draft {
    /// Writes the change for its author.
    pub(crate) fn encode(self) -> Change {
        let author = self.actor.unwrap_or(ActorId::from([0; 16]));
        let (bytes, hash, values_from) = self.write(author.as_bytes());
        let op_count = self.ops.count();
        Change::from_data(ChangeData {
            values: values_from..values_from + self.values.len(),
            bytes: bytes.into_boxed_slice(),
            hash,
            deps: self.deps,
            actor: author,
            seq: self.seq,
            start_op: self.start_op,
            time: self.time,
            others: self.others,
            op_count,
            ops: self.ops,
        })
    }

    /// The bytes of the change with any author, its hash, and where its values begin.
    pub(crate) fn write(&self, author: &[u8]) -> (Vec<u8>, ChangeHash, usize) {
        let columns = ColumnsWriter::write(&self.ops, self.start_op, &self.values);
        let header = self.header(author);
        let columns_length: usize = columns.iter().map(SmallVec::len).sum();
        let table = column_table(&columns, self.values.len());
        let length = header.len() + table.len() + columns_length + self.values.len();

        let mut bytes = Vec::with_capacity(length + 16);
        start_chunk(&mut bytes, length);
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(&table);
        let mut values_from = bytes.len();
        for (index, column) in columns.iter().enumerate() {
            if index == VALUE {
                values_from = bytes.len();
                bytes.extend_from_slice(&self.values);
            } else {
                bytes.extend_from_slice(column);
            }
        }
        let hash = finish_chunk(&mut bytes);
        (bytes, hash, values_from)
    }

    /// How many bytes the change has, one without a name yet counted with the one it will get.
    pub(crate) fn encoded_length(&self) -> usize {
        let author = self.actor.unwrap_or(ActorId::from([0; 16]));
        let columns = ColumnsWriter::write(&self.ops, self.start_op, &self.values);
        let columns_length: usize = columns.iter().map(SmallVec::len).sum();
        let length = self.header(author.as_bytes()).len()
            + column_table(&columns, self.values.len()).len()
            + columns_length
            + self.values.len();
        let mut frame = Vec::new();
        start_chunk(&mut frame, length);
        frame.len() + length
    }

    fn header(&self, author: &[u8]) -> SmallVec<[u8; 128]> {
        let mut out = SmallVec::new();
        write_unsigned(&mut out, self.deps.len() as u64);
        for dep in &self.deps {
            out.extend_from_slice(dep.as_bytes());
        }
        write_bytes(&mut out, author);
        write_unsigned(&mut out, self.seq);
        write_unsigned(&mut out, u64::from(self.start_op));
        super::leb::write_signed(&mut out, self.time);
        // No message.
        out.push(0);
        write_unsigned(&mut out, self.others.len() as u64);
        for actor in &self.others {
            write_bytes(&mut out, actor.as_bytes());
        }
        out
    }
}

fn write_bytes(out: &mut SmallVec<[u8; 128]>, bytes: &[u8]) {
    write_unsigned(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn column_table(columns: &Columns, values_length: usize) -> ColumnBytes {
    let length_of = |index: usize| {
        if index == VALUE { values_length } else { columns[index].len() }
    };
    let mut table = ColumnBytes::new();
    let count = (0..SPECS.len()).filter(|index| length_of(*index) > 0).count();
    write_unsigned(&mut table, count as u64);
    for (index, spec) in SPECS.iter().enumerate() {
        if length_of(index) > 0 {
            write_unsigned(&mut table, *spec);
            write_unsigned(&mut table, length_of(index) as u64);
        }
    }
    table
}

/// Begins a chunk with room for its checksum.
pub(crate) fn start_chunk(bytes: &mut Vec<u8>, length: usize) {
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&[0; 4]);
    bytes.push(KIND_CHANGE);
    write_unsigned(bytes, length as u64);
}

/// Hashes a chunk and writes its checksum.
pub(crate) fn finish_chunk(bytes: &mut [u8]) -> ChangeHash {
    let hash: [u8; 32] = Sha256::digest(&bytes[HASHED_FROM..]).into();
    bytes[MAGIC.len()..HASHED_FROM].copy_from_slice(&hash[..4]);
    ChangeHash::from_bytes(hash)
}
