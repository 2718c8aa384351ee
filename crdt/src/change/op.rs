//! Operations as a change holds them: text in runs, registers one by one.

use std::ops::Range;

use smallvec::SmallVec;

/// An operation id inside of one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChangeOpId {
    /// 0 is the author, others follow in the order of the change's table.
    pub(crate) actor: u32,
    pub(crate) counter: u32,
}

/// A value of a register.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Any bytes.
    Bytes(Vec<u8>),
    /// A string.
    Str(String),
    /// A number that is not negative.
    Uint(u64),
    /// Yes or no.
    Bool(bool),
}

/// What a change does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ops {
    /// Nothing: the change only joins what it depends on.
    Nothing,
    /// Makes a text under a key of the document and fills it.
    Genesis(Genesis),
    /// Edits a text.
    Text(TextOps),
    /// Writes registers.
    Registers(Vec<RegisterOp>),
}

/// The first operations of a text document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Genesis {
    pub(crate) key: String,
    pub(crate) edits: TextOps,
}

/// Operations on one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextOps {
    pub(crate) object: ChangeOpId,
    pub(crate) ops: SmallVec<[TextOp; 2]>,
}

/// A run of operations on a text. Its ids follow those of the run before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TextOp {
    /// Characters, the first behind `after` (the start of the text when there is none), each other behind the one
    /// before it.
    Insert {
        after: Option<ChangeOpId>,
        /// Where the characters are in the values of the change.
        text: Range<usize>,
        count: u32,
    },
    /// Hides characters with consecutive ids.
    Delete { first: ChangeOpId, count: u32 },
}

impl TextOp {
    pub(crate) fn is_insert(&self) -> bool {
        matches!(self, Self::Insert { .. })
    }

    /// How many operations the run has.
    pub(crate) fn count(&self) -> u32 {
        match self {
            Self::Insert { count, .. } | Self::Delete { count, .. } => *count,
        }
    }
}

/// One write of a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RegisterOp {
    pub(crate) key: String,
    /// The new value, `None` to remove the key.
    pub(crate) value: Option<Value>,
    /// The writes that this one takes the place of, in ascending order of their ids.
    pub(crate) preds: SmallVec<[ChangeOpId; 1]>,
}

impl Ops {
    /// How many operation counters the change takes.
    pub(crate) fn count(&self) -> u64 {
        let sum = |text: &TextOps| text.ops.iter().map(|op| u64::from(op.count())).sum::<u64>();
        match self {
            Self::Nothing => 0,
            Self::Genesis(genesis) => 1 + sum(&genesis.edits),
            Self::Text(text) => sum(text),
            Self::Registers(ops) => ops.len() as u64,
        }
    }
}
