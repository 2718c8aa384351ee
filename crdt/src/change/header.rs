//! The part of a change before its columns.

use smallvec::SmallVec;

use super::ChangeError;
use super::columns::SPECS;
use super::leb::Reader;
use crate::ids::{ActorId, ChangeHash};
use crate::limits::{COUNTER_END, ChangeLimits, TIME_END};

pub(super) struct Header {
    pub(super) deps: SmallVec<[ChangeHash; 1]>,
    pub(super) actor: ActorId,
    pub(super) seq: u64,
    pub(super) start_op: u32,
    pub(super) time: i64,
    pub(super) others: SmallVec<[ActorId; 2]>,
}

/// The columns as they were given, in the order of [`SPECS`]; what is absent is empty.
pub(super) type GivenColumns<'a> = [&'a [u8]; SPECS.len()];

impl Header {
    pub(super) fn read(reader: &mut Reader<'_>, limits: &ChangeLimits) -> Result<Self, ChangeError> {
        let deps = read_deps(reader, limits)?;
        let actor = read_actor(reader)?;
        let seq = reader.unsigned()?;
        let start_op = reader.unsigned()?;
        let time = reader.signed()?;
        if seq == 0 || start_op == 0 {
            return Err(malformed("numbers begin with 1"));
        }
        let start_op = u32::try_from(start_op)
            .ok()
            .filter(|start_op| u64::from(*start_op) < COUNTER_END)
            .ok_or(ChangeError::Limit { what: "operations before it", limit: COUNTER_END })?;
        if !(0..TIME_END).contains(&time) {
            return Err(ChangeError::Limit { what: "seconds of time", limit: TIME_END as u64 });
        }
        if reader.unsigned()? != 0 {
            return Err(ChangeError::Unsupported { what: "a message" });
        }
        let others = read_others(reader, actor, limits)?;
        Ok(Self { deps, actor, seq, start_op, time, others })
    }
}

fn malformed(what: &'static str) -> ChangeError {
    ChangeError::Malformed { what }
}

fn read_count(reader: &mut Reader<'_>, what: &'static str, limit: usize) -> Result<u64, ChangeError> {
    let count = reader.unsigned()?;
    if count > limit as u64 {
        return Err(ChangeError::Limit { what, limit: limit as u64 });
    }
    Ok(count)
}

fn read_deps(
    reader: &mut Reader<'_>,
    limits: &ChangeLimits,
) -> Result<SmallVec<[ChangeHash; 1]>, ChangeError> {
    let count = read_count(reader, "dependencies", limits.deps)?;
    let mut deps: SmallVec<[ChangeHash; 1]> = SmallVec::new();
    for _ in 0..count {
        let mut hash = [0; 32];
        hash.copy_from_slice(reader.take(32)?);
        let hash = ChangeHash::from_bytes(hash);
        if deps.last().is_some_and(|last| *last >= hash) {
            return Err(ChangeError::NotCanonical { what: "dependencies are not in ascending order" });
        }
        deps.push(hash);
    }
    Ok(deps)
}

fn read_actor(reader: &mut Reader<'_>) -> Result<ActorId, ChangeError> {
    let length = reader.unsigned()?;
    ActorId::from_bytes(reader.take(length)?).map_err(|_| malformed("an actor id is empty or too long"))
}

fn read_others(
    reader: &mut Reader<'_>,
    author: ActorId,
    limits: &ChangeLimits,
) -> Result<SmallVec<[ActorId; 2]>, ChangeError> {
    let count = read_count(reader, "actors", limits.actors)?;
    let mut others: SmallVec<[ActorId; 2]> = SmallVec::new();
    for _ in 0..count {
        let actor = read_actor(reader)?;
        if others.last().is_some_and(|last| *last >= actor) || actor == author {
            return Err(ChangeError::NotCanonical {
                what: "other actors are not in ascending order without the author",
            });
        }
        others.push(actor);
    }
    Ok(others)
}

/// Reads the table of columns and takes the columns apart; nothing may follow them.
pub(super) fn read_columns<'a>(reader: &mut Reader<'a>) -> Result<GivenColumns<'a>, ChangeError> {
    let count = reader.unsigned()?;
    let mut table: SmallVec<[(usize, u64); SPECS.len()]> = SmallVec::new();
    for _ in 0..count {
        let spec = reader.unsigned()?;
        let length = reader.unsigned()?;
        let index =
            SPECS.binary_search(&spec).map_err(|_| ChangeError::Unsupported { what: "an unknown column" })?;
        if table.last().is_some_and(|(last, _)| *last >= index) || length == 0 {
            return Err(ChangeError::NotCanonical { what: "columns are empty or not in ascending order" });
        }
        table.push((index, length));
    }
    let mut columns: GivenColumns<'a> = [&[]; SPECS.len()];
    for (index, length) in table {
        columns[index] = reader.take(length)?;
    }
    if !reader.is_empty() {
        return Err(ChangeError::Unsupported { what: "bytes after the columns" });
    }
    Ok(columns)
}
