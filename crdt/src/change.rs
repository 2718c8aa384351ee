//! Changes: the unit in which edits are kept, sent and named.
//!
//! A [`Change`] is an Automerge change chunk that was read whole and found to be in canonical form, or was made here.
//! Whoever holds one needs to check no byte of it again; what depends on the state of a document (known dependencies,
//! existing characters) is checked when the change is applied.

mod column_reader;
mod column_writer;
mod columns;
mod content_named;
mod encode;
mod error;
mod header;
pub(crate) mod leb;
mod op;
mod parse;
mod parse_registers;
mod parse_text;
mod rename;

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

pub use self::content_named::Author;
pub use self::error::ChangeError;
pub use self::op::Value;
pub use self::rename::{RenameError, rename_changes};

pub(crate) use self::content_named::content_actor;
pub(crate) use self::encode::Draft;
pub(crate) use self::op::{ChangeOpId, Genesis, Ops, RegisterOp, TextOp, TextOps};

use crate::ids::{ActorId, ChangeHash};
use crate::limits::ChangeLimits;

/// A change in canonical form. Cloning is cheap.
#[derive(Clone)]
pub struct Change(Arc<ChangeData>);

#[derive(Debug, PartialEq, Eq)]
struct ChangeData {
    bytes: Vec<u8>,
    hash: ChangeHash,
    deps: SmallVec<[ChangeHash; 1]>,
    actor: ActorId,
    seq: u64,
    start_op: u32,
    time: i64,
    others: SmallVec<[ActorId; 2]>,
    op_count: u64,
    ops: Ops,
    /// Where in `bytes` the values are.
    values: Range<usize>,
}

impl Change {
    /// Reads a change from the bytes of its chunk, as it came from somebody else.
    ///
    /// Refuses whatever is not canonical, exceeds a limit of [`crate::limits`] or uses a part of Automerge's format
    /// that Weft's documents do not have.
    pub fn parse(bytes: &[u8]) -> Result<Self, ChangeError> {
        parse::parse(bytes, &ChangeLimits::PEER)
    }

    /// Reads a change without the limits of those that travel: the first change of a document holds its whole text.
    pub(crate) fn parse_local(bytes: &[u8]) -> Result<Self, ChangeError> {
        parse::parse(bytes, &ChangeLimits::LOCAL)
    }

    fn from_data(data: ChangeData) -> Self {
        Self(Arc::new(data))
    }

    /// The bytes of the chunk, which any Automerge program reads.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The hash that names the change.
    pub fn hash(&self) -> ChangeHash {
        self.0.hash
    }

    /// Who made the change.
    pub fn actor(&self) -> ActorId {
        self.0.actor
    }

    /// The number of the change among those of its actor, from 1 on.
    pub fn seq(&self) -> u64 {
        self.0.seq
    }

    /// The counter of the first operation.
    pub fn start_op(&self) -> u64 {
        u64::from(self.0.start_op)
    }

    /// The counter of the last operation; of a change without operations the one before `start_op`.
    pub fn max_op(&self) -> u64 {
        self.start_op() + self.0.op_count - 1
    }

    /// How many operations the change has: one for each character inserted or deleted and each register written.
    pub fn op_count(&self) -> u64 {
        self.0.op_count
    }

    /// The changes that this one builds upon, in ascending order.
    pub fn deps(&self) -> &[ChangeHash] {
        &self.0.deps
    }

    /// Seconds since 1970 by the author's clock, for display only; 0 when the change is content-named.
    pub fn time(&self) -> i64 {
        self.0.time
    }

    /// Actors that operations name besides the author.
    pub(crate) fn others(&self) -> &[ActorId] {
        &self.0.others
    }

    /// The registers that the change writes, in order, with `None` for those it removes; empty for a change of a text.
    pub fn register_writes(&self) -> impl Iterator<Item = (&str, Option<&Value>)> {
        let ops = match &self.0.ops {
            Ops::Registers(ops) => ops.as_slice(),
            Ops::Nothing | Ops::Text(_) | Ops::Genesis(_) => &[],
        };
        ops.iter().map(|op| (op.key.as_str(), op.value.as_ref()))
    }

    pub(crate) fn ops(&self) -> &Ops {
        &self.0.ops
    }

    pub(crate) fn values(&self) -> &[u8] {
        &self.0.bytes[self.0.values.clone()]
    }

    /// The characters of an insertion of this change.
    pub(crate) fn text(&self, range: &Range<usize>) -> &str {
        std::str::from_utf8(&self.values()[range.clone()]).unwrap_or_default()
    }
}

impl PartialEq for Change {
    fn eq(&self, other: &Self) -> bool {
        self.0.hash == other.0.hash
    }
}

impl Eq for Change {}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("hash", &self.hash())
            .field("actor", &self.actor())
            .field("seq", &self.seq())
            .field("start_op", &self.start_op())
            .field("ops", &self.op_count())
            .finish()
    }
}
