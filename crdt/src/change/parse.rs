//! From bytes to a change that is known to be canonical.

use sha2::{Digest, Sha256};

use super::column_reader::{RunReader, count_values};
use super::columns::{ACTION, ACTION_MAKE_TEXT, Columns, KEY_STRING, OBJECT_COUNTER, VALUE};
use super::encode::{HASHED_FROM, KIND_CHANGE, MAGIC};
use super::header::{GivenColumns, Header, read_columns};
use super::leb::Reader;
use super::op::{ChangeOpId, Ops};
use super::{Change, ChangeData, ChangeError, parse_registers, parse_text};
use crate::ids::{ActorId, ChangeHash};
use crate::limits::{COUNTER_END, ChangeLimits};

pub(super) fn parse(bytes: &[u8], limits: &ChangeLimits) -> Result<Change, ChangeError> {
    if bytes.len() > limits.bytes {
        return Err(ChangeError::Limit { what: "bytes", limit: limits.bytes as u64 });
    }
    let (data, hash) = open_chunk(bytes)?;
    let mut reader = Reader::new(data);
    let header = Header::read(&mut reader, limits)?;
    let columns = read_columns(&mut reader)?;
    if columns[VALUE].len() > limits.values_bytes {
        return Err(ChangeError::Limit { what: "bytes of values", limit: limits.values_bytes as u64 });
    }
    let op_count = count_values(columns[ACTION], limits.ops)?;
    if u64::from(header.start_op) + op_count >= COUNTER_END {
        return Err(ChangeError::Limit { what: "operations before it", limit: COUNTER_END });
    }
    let mut context =
        Context { header: &header, op_count, used: UsedActors::new(header.others.len()), limits };
    let ops = read_ops(&columns, &mut context)?;
    context.used.all()?;
    check_canonical(&columns, &ops, header.start_op)?;

    let values_from = columns[VALUE].as_ptr().addr().saturating_sub(bytes.as_ptr().addr());
    let values =
        if columns[VALUE].is_empty() { 0..0 } else { values_from..values_from + columns[VALUE].len() };
    Ok(Change::from_data(ChangeData {
        bytes: bytes.into(),
        hash,
        deps: header.deps,
        actor: header.actor,
        seq: header.seq,
        start_op: header.start_op,
        time: header.time,
        others: header.others,
        op_count,
        ops,
        values,
    }))
}

/// Checks the frame of a chunk and gives its data and hash.
fn open_chunk(bytes: &[u8]) -> Result<(&[u8], ChangeHash), ChangeError> {
    let mut reader = Reader::new(bytes);
    if reader.take(4)? != MAGIC {
        return Err(ChangeError::NotAChange);
    }
    let checksum = reader.take(4)?;
    if reader.byte()? != KIND_CHANGE {
        return Err(ChangeError::NotAChange);
    }
    let length = reader.unsigned()?;
    let data = reader.take(length)?;
    if !reader.is_empty() {
        return Err(ChangeError::Trailing { bytes: reader.rest().len() });
    }
    let hash: [u8; 32] = Sha256::digest(&bytes[HASHED_FROM..]).into();
    if hash[..4] != *checksum {
        return Err(ChangeError::Checksum);
    }
    Ok((data, ChangeHash::from_bytes(hash)))
}

/// What readers of operations need to know of the change around them.
pub(super) struct Context<'a> {
    header: &'a Header,
    pub(super) op_count: u64,
    pub(super) used: UsedActors,
    pub(super) limits: &'a ChangeLimits,
}

impl Context<'_> {
    pub(super) fn start_op(&self) -> u32 {
        self.header.start_op
    }

    /// The id with the actor it names, for comparison with others.
    pub(super) fn full_id(&self, id: ChangeOpId) -> (u32, Option<&ActorId>) {
        let actor = match id.actor {
            0 => Some(&self.header.actor),
            other => self.header.others.get(other as usize - 1),
        };
        (id.counter, actor)
    }

    /// Makes an id of an operation that was made before the operation with the counter `own`.
    pub(super) fn id(
        &mut self,
        actor: Option<u64>,
        counter: Option<u64>,
        own: u32,
    ) -> Result<ChangeOpId, ChangeError> {
        let (Some(actor), Some(counter)) = (actor, counter) else {
            return Err(ChangeError::Malformed { what: "an operation id is not complete" });
        };
        if counter == 0 || counter >= u64::from(own) {
            return Err(ChangeError::Malformed { what: "an operation names one that is not older" });
        }
        let actor = self.used.mark(actor)?;
        Ok(ChangeOpId { actor, counter: counter as u32 })
    }
}

/// Which of the other actors some operation names; all of them must be.
pub(super) struct UsedActors {
    used: smallvec::SmallVec<[bool; 8]>,
}

impl UsedActors {
    fn new(others: usize) -> Self {
        Self { used: smallvec::smallvec![false; others] }
    }

    fn mark(&mut self, actor: u64) -> Result<u32, ChangeError> {
        if actor == 0 {
            return Ok(0);
        }
        let used = usize::try_from(actor - 1)
            .ok()
            .and_then(|index| self.used.get_mut(index))
            .ok_or(ChangeError::Malformed { what: "an operation names an actor that is not in the table" })?;
        *used = true;
        Ok(actor as u32)
    }

    fn all(&self) -> Result<(), ChangeError> {
        if self.used.iter().all(|used| *used) {
            Ok(())
        } else {
            Err(ChangeError::NotCanonical { what: "an actor is listed that no operation names" })
        }
    }
}

fn read_ops(columns: &GivenColumns<'_>, context: &mut Context<'_>) -> Result<Ops, ChangeError> {
    if context.op_count == 0 {
        return if columns[VALUE].is_empty() {
            Ok(Ops::Nothing)
        } else {
            Err(ChangeError::Malformed { what: "there are more values than operations" })
        };
    }
    let (key, _) = RunReader::<&str>::new(columns[KEY_STRING]).peek()?;
    let (action, _) = RunReader::<u64>::new(columns[ACTION]).peek()?;
    let (object, _) = RunReader::<u64>::new(columns[OBJECT_COUNTER]).peek()?;
    match (key, object) {
        (Some(key), None) if action == Some(ACTION_MAKE_TEXT) => {
            parse_text::genesis(columns, key, context).map(Ops::Genesis)
        }
        (Some(_), None) => parse_registers::read(columns, context).map(Ops::Registers),
        (None, Some(_)) => parse_text::edits(columns, context).map(Ops::Text),
        _ => Err(ChangeError::Unsupported { what: "a nested map, or a list that is not text" }),
    }
}

/// Writes the operations again: only bytes that come out the same are accepted, because a program that keeps no more
/// than the operations must find the same hash when it writes them.
fn check_canonical(given: &GivenColumns<'_>, ops: &Ops, start_op: u32) -> Result<(), ChangeError> {
    let written = Columns::write(ops, start_op, given[VALUE]);
    for (column, given) in given.iter().enumerate() {
        if column != VALUE && *given != written.get(column) {
            return Err(ChangeError::NotCanonical { what: "a column would be written differently" });
        }
    }
    Ok(())
}
