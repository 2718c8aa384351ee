//! The table of changes: authors, what builds upon what, hashes.
//!
//! Counters are not written. The first one of a change follows from what it builds upon.

use super::{SnapshotError, read_below, read_bytes, write_bytes};
use crate::change::leb::{Reader, write_unsigned};
use crate::document::actors::Id;
use crate::document::graph::{Graph, Record};
use crate::ids::{ActorId, ChangeHash};
use crate::limits::COUNTER_END;

impl Graph {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_unsigned(out, self.actors.len() as u64);
        for actor in self.actors.iter() {
            write_bytes(out, actor.as_bytes());
        }
        write_unsigned(out, self.len() as u64);
        out.reserve(self.len() * 40);
        for (number, record) in self.records.iter().enumerate() {
            write_unsigned(out, u64::from(record.actor));
            write_unsigned(out, u64::from(record.op_count));
            let deps = self.deps_of(number as u32);
            write_unsigned(out, deps.len() as u64);
            for dep in deps {
                write_unsigned(out, number as u64 - u64::from(*dep));
            }
        }
        for hash in self.hashes() {
            out.extend_from_slice(hash.as_bytes());
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let actor_count = read_below(reader, reader.rest().len())?;
        let mut actors = Vec::new();
        for _ in 0..actor_count {
            let actor = ActorId::from_bytes(read_bytes(reader)?);
            actors.push(actor.map_err(|_| SnapshotError::Damaged)?);
        }
        let count = read_below(reader, reader.rest().len() + 1)?;
        let mut records: Vec<Record> = Vec::with_capacity(count as usize);
        let mut deps = Vec::with_capacity(count as usize);
        for number in 0..count {
            let record = read_record(reader, number, &actors, &records, &mut deps)?;
            records.push(record);
        }
        let mut hashes = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let mut hash = [0; ChangeHash::LENGTH];
            hash.copy_from_slice(reader.take(ChangeHash::LENGTH as u64)?);
            hashes.push(ChangeHash::from_bytes(hash));
        }
        Self::restore(actors, records, hashes, deps).ok_or(SnapshotError::Damaged)
    }

    /// Reads the id of an operation that a change made.
    pub(super) fn read_id(&self, reader: &mut Reader<'_>) -> Result<Id, SnapshotError> {
        let actor = read_below(reader, self.actors.len())?;
        let counter = read_below(reader, COUNTER_END as usize)?;
        if !self.has_made(actor, counter..counter + 1) {
            return Err(SnapshotError::Damaged);
        }
        Ok(Id { counter, actor })
    }
}

pub(super) fn write_id(out: &mut Vec<u8>, id: Id) {
    write_unsigned(out, u64::from(id.actor));
    write_unsigned(out, u64::from(id.counter));
}

fn read_record(
    reader: &mut Reader<'_>,
    number: u32,
    actors: &[ActorId],
    records: &[Record],
    deps: &mut Vec<u32>,
) -> Result<Record, SnapshotError> {
    let actor = read_below(reader, actors.len())?;
    let op_count = read_below(reader, COUNTER_END as usize)?;
    let deps_from = deps.len() as u32;
    let mut past_max_op = 0;
    for _ in 0..reader.unsigned()? {
        let distance = read_below(reader, number as usize + 1)?;
        let dep = number - distance;
        let record = records.get(dep as usize).ok_or(SnapshotError::Damaged)?;
        past_max_op = past_max_op.max(record.max_op());
        deps.push(dep);
    }
    let max_op = u64::from(past_max_op) + u64::from(op_count);
    if max_op >= COUNTER_END {
        return Err(SnapshotError::Damaged);
    }
    Ok(Record { actor, start_op: past_max_op + 1, op_count, deps_from })
}
