//! From operations to the bytes and the hash of a change.

use sha2::{Digest, Sha256};
use smallvec::SmallVec;

use super::columns::{Columns, SPECS, VALUE};
use super::leb::{write_signed, write_unsigned};
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
            bytes,
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
        let columns = Columns::write(&self.ops, self.start_op, &self.values);
        let (before, behind) = columns.around_values();
        let head = self.head(author, &columns);
        let length = head.len() + before.len() + self.values.len() + behind.len();

        // The length in front takes at most ten bytes.
        let mut bytes = Vec::with_capacity(length + HASHED_FROM + 11);
        start_chunk(&mut bytes, length);
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(before);
        let values_from = bytes.len();
        bytes.extend_from_slice(&self.values);
        bytes.extend_from_slice(behind);
        let hash = finish_chunk(&mut bytes);
        (bytes, hash, values_from)
    }

    /// How many bytes the change has, one without a name yet counted with the one it will get.
    pub(crate) fn encoded_length(&self) -> usize {
        let author = self.actor.unwrap_or(ActorId::from([0; 16]));
        let columns = Columns::write(&self.ops, self.start_op, &self.values);
        let (before, behind) = columns.around_values();
        let head = self.head(author.as_bytes(), &columns);
        let length = head.len() + before.len() + self.values.len() + behind.len();
        let mut frame = Vec::new();
        start_chunk(&mut frame, length);
        frame.len() + length
    }

    /// Everything before the columns.
    fn head(&self, author: &[u8], columns: &Columns) -> HeadBytes {
        let mut out = HeadBytes::new();
        write_unsigned(&mut out, self.deps.len() as u64);
        for dep in &self.deps {
            out.extend_from_slice(dep.as_bytes());
        }
        write_bytes(&mut out, author);
        write_unsigned(&mut out, self.seq);
        write_unsigned(&mut out, u64::from(self.start_op));
        write_signed(&mut out, self.time);
        // No message.
        out.push(0);
        write_unsigned(&mut out, self.others.len() as u64);
        for actor in &self.others {
            write_bytes(&mut out, actor.as_bytes());
        }
        self.write_column_table(&mut out, columns);
        out
    }

    fn write_column_table(&self, out: &mut HeadBytes, columns: &Columns) {
        let length_of =
            |column: usize| if column == VALUE { self.values.len() } else { columns.length(column) };
        let count = (0..SPECS.len()).filter(|column| length_of(*column) > 0).count();
        write_unsigned(out, count as u64);
        for (column, spec) in SPECS.iter().enumerate() {
            if length_of(column) > 0 {
                write_unsigned(out, *spec);
                write_unsigned(out, length_of(column) as u64);
            }
        }
    }
}

/// The head of a change with one dependency and few actors fits without an allocation.
type HeadBytes = SmallVec<[u8; 256]>;

fn write_bytes(out: &mut HeadBytes, bytes: &[u8]) {
    write_unsigned(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
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
