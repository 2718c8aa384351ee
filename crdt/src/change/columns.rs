//! The columns of a change and their numbers.

use super::column_writer::{BoolWriter, ColumnBytes, ColumnValue, DeltaWriter, RunWriter};
use super::leb::write_unsigned;
use super::op::{Ops, RegisterOp, TextOp, TextOps, Value};

/// Columns of Weft's changes in the order of their numbers.
pub(crate) const SPECS: [u64; 12] = [0x01, 0x02, 0x11, 0x13, 0x15, 0x34, 0x42, 0x56, 0x57, 0x70, 0x71, 0x73];

pub(crate) const OBJECT_ACTOR: usize = 0;
pub(crate) const OBJECT_COUNTER: usize = 1;
pub(crate) const KEY_ACTOR: usize = 2;
pub(crate) const KEY_COUNTER: usize = 3;
pub(crate) const KEY_STRING: usize = 4;
pub(crate) const INSERT: usize = 5;
pub(crate) const ACTION: usize = 6;
pub(crate) const VALUE_META: usize = 7;
pub(crate) const VALUE: usize = 8;
pub(crate) const PRED_COUNT: usize = 9;
pub(crate) const PRED_ACTOR: usize = 10;
pub(crate) const PRED_COUNTER: usize = 11;

pub(crate) const ACTION_SET: u64 = 1;
pub(crate) const ACTION_DELETE: u64 = 3;
pub(crate) const ACTION_MAKE_TEXT: u64 = 4;

pub(crate) const TYPE_FALSE: u64 = 1;
pub(crate) const TYPE_TRUE: u64 = 2;
pub(crate) const TYPE_UINT: u64 = 3;
pub(crate) const TYPE_STRING: u64 = 6;
pub(crate) const TYPE_BYTES: u64 = 7;

/// The columns of a change, one behind the other in the order of [`SPECS`]. Values are not among them: they are bytes
/// already.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    bytes: ColumnBytes,
    /// An empty column is not part of the change.
    lengths: [usize; SPECS.len()],
}

impl Columns {
    /// Writes the columns of `ops`, whose first operation has the counter `start_op`; `values` are the bytes of all
    /// values in order.
    pub(crate) fn write(ops: &Ops, start_op: u32, values: &[u8]) -> Self {
        let mut columns = Self::default();
        match ops {
            Ops::Nothing => {}
            Ops::Genesis(genesis) => {
                columns.text(&genesis.edits, start_op + 1, values, Some(&genesis.key));
            }
            Ops::Text(text) => columns.text(text, start_op, values, None),
            Ops::Registers(ops) => columns.registers(ops),
        }
        columns
    }

    /// Borrows a column.
    pub(crate) fn get(&self, column: usize) -> &[u8] {
        let from: usize = self.lengths[..column].iter().sum();
        &self.bytes[from..from + self.lengths[column]]
    }

    /// The length of a column.
    pub(crate) fn length(&self, column: usize) -> usize {
        self.lengths[column]
    }

    /// All columns before and behind the values.
    pub(crate) fn around_values(&self) -> (&[u8], &[u8]) {
        let from: usize = self.lengths[..VALUE].iter().sum();
        self.bytes.split_at(from)
    }

    fn runs<T: ColumnValue>(&mut self, column: usize, write: impl FnOnce(&mut RunWriter<'_, T>)) {
        let mut writer = RunWriter::new(&mut self.bytes);
        write(&mut writer);
        self.lengths[column] = writer.finish();
    }

    fn deltas(&mut self, column: usize, write: impl FnOnce(&mut DeltaWriter<'_>)) {
        let mut writer = DeltaWriter::new(&mut self.bytes);
        write(&mut writer);
        self.lengths[column] = writer.finish();
    }

    fn bools(&mut self, column: usize, write: impl FnOnce(&mut BoolWriter<'_>)) {
        let mut writer = BoolWriter::new(&mut self.bytes);
        write(&mut writer);
        self.lengths[column] = writer.finish();
    }

    /// Operations on a text, the making of the text under `key` before them when there is one.
    fn text(&mut self, text: &TextOps, start_op: u32, values: &[u8], key: Option<&str>) {
        let total = text.ops.iter().map(|op| u64::from(op.count())).sum();
        let made = u64::from(key.is_some());
        let object = text.object;
        self.runs(OBJECT_ACTOR, |column| {
            column.push(None, made);
            column.push(Some(u64::from(object.actor)), total);
        });
        self.runs(OBJECT_COUNTER, |column| {
            column.push(None, made);
            column.push(Some(u64::from(object.counter)), total);
        });
        self.keys(text, start_op, made);
        self.runs(KEY_STRING, |column| {
            if let Some(key) = key {
                column.push(Some(key), 1);
                column.push(None, total);
            }
        });
        self.bools(INSERT, |column| {
            column.push(false, made);
            text.ops.iter().for_each(|op| column.push(op.is_insert(), u64::from(op.count())));
        });
        self.runs(ACTION, |column| {
            column.push(Some(ACTION_MAKE_TEXT), made);
            for op in &text.ops {
                let action = if op.is_insert() { ACTION_SET } else { ACTION_DELETE };
                column.push(Some(action), u64::from(op.count()));
            }
        });
        self.runs(VALUE_META, |column| {
            column.push(Some(0), made);
            for op in &text.ops {
                match op {
                    TextOp::Insert { text, .. } => {
                        push_char_metas(column, values.get(text.clone()).unwrap_or_default());
                    }
                    TextOp::Delete { count, .. } => column.push(Some(0), u64::from(*count)),
                }
            }
        });
        self.text_preds(text, made);
    }

    /// The characters that operations name: the one to stand behind, or the one to delete.
    fn keys(&mut self, text: &TextOps, start_op: u32, made: u64) {
        self.runs(KEY_ACTOR, |column| {
            column.push(None, made);
            for op in &text.ops {
                match op {
                    TextOp::Insert { after, count, .. } => {
                        column.push(after.map(|id| u64::from(id.actor)), 1);
                        column.push(Some(0), u64::from(*count) - 1);
                    }
                    TextOp::Delete { first, count } => {
                        column.push(Some(u64::from(first.actor)), u64::from(*count));
                    }
                }
            }
        });
        self.deltas(KEY_COUNTER, |column| {
            column.push_nulls(made);
            let mut counter = start_op;
            for op in &text.ops {
                match op {
                    TextOp::Insert { after, count, .. } => {
                        column.push_sequence(after.map_or(0, |id| id.counter), 1);
                        column.push_sequence(counter, u64::from(*count) - 1);
                    }
                    TextOp::Delete { first, count } => {
                        column.push_sequence(first.counter, u64::from(*count));
                    }
                }
                counter += op.count();
            }
        });
    }

    fn text_preds(&mut self, text: &TextOps, made: u64) {
        self.runs(PRED_COUNT, |column| {
            column.push(Some(0), made);
            for op in &text.ops {
                column.push(Some(u64::from(!op.is_insert())), u64::from(op.count()));
            }
        });
        let deleted = text.ops.iter().filter_map(|op| match op {
            TextOp::Delete { first, count } => Some((first, u64::from(*count))),
            TextOp::Insert { .. } => None,
        });
        self.runs(PRED_ACTOR, |column| {
            let mut deleted = deleted.clone();
            deleted.by_ref().for_each(|(first, count)| column.push(Some(u64::from(first.actor)), count));
        });
        self.deltas(PRED_COUNTER, |column| {
            deleted.for_each(|(first, count)| column.push_sequence(first.counter, count));
        });
    }

    fn registers(&mut self, ops: &[RegisterOp]) {
        let preds = ops.iter().flat_map(|op| &op.preds);
        self.runs(KEY_STRING, |column| ops.iter().for_each(|op| column.push(Some(op.key.as_str()), 1)));
        self.bools(INSERT, |column| column.push(false, ops.len() as u64));
        self.runs(ACTION, |column| {
            for op in ops {
                column.push(Some(op.value.as_ref().map_or(ACTION_DELETE, |_| ACTION_SET)), 1);
            }
        });
        self.runs(VALUE_META, |column| {
            ops.iter().for_each(|op| column.push(Some(value_meta(op.value.as_ref())), 1));
        });
        self.runs(PRED_COUNT, |column| {
            ops.iter().for_each(|op| column.push(Some(op.preds.len() as u64), 1));
        });
        self.runs(PRED_ACTOR, |column| {
            preds.clone().for_each(|pred| column.push(Some(u64::from(pred.actor)), 1));
        });
        self.deltas(PRED_COUNTER, |column| preds.for_each(|pred| column.push_sequence(pred.counter, 1)));
    }
}

/// Says of each character of `text` that it is a string and how long it is.
fn push_char_metas(column: &mut RunWriter<'_, u64>, mut text: &[u8]) {
    while let Some(&first) = text.first() {
        let width = char_width(first);
        let run = if width == 1 {
            text.iter().position(|byte| !byte.is_ascii()).unwrap_or(text.len())
        } else {
            width.min(text.len())
        };
        let count = (run / width).max(1) as u64;
        column.push(Some((width as u64) << 4 | TYPE_STRING), count);
        text = &text[run..];
    }
}

/// How many bytes a character has that begins with `first` in valid UTF-8.
pub(crate) fn char_width(first: u8) -> usize {
    match first {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
    }
}

fn value_meta(value: Option<&Value>) -> u64 {
    let with_length = |length: usize, kind| (length as u64) << 4 | kind;
    match value {
        None => 0,
        Some(Value::Bool(false)) => TYPE_FALSE,
        Some(Value::Bool(true)) => TYPE_TRUE,
        Some(value @ Value::Uint(_)) => with_length(value.encoded_length(), TYPE_UINT),
        Some(Value::Str(text)) => with_length(text.len(), TYPE_STRING),
        Some(Value::Bytes(bytes)) => with_length(bytes.len(), TYPE_BYTES),
    }
}

impl Value {
    /// Appends the bytes that the value has in a change.
    pub(crate) fn write(&self, values: &mut Vec<u8>) {
        match self {
            Self::Bytes(bytes) => values.extend_from_slice(bytes),
            Self::Str(text) => values.extend_from_slice(text.as_bytes()),
            Self::Uint(number) => write_unsigned(values, *number),
            Self::Bool(_) => {}
        }
    }

    /// How many bytes [`Value::write`] appends.
    pub(crate) fn encoded_length(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Str(text) => text.len(),
            Self::Uint(number) => (64 - number.leading_zeros() as usize).div_ceil(7).max(1),
            Self::Bool(_) => 0,
        }
    }
}
