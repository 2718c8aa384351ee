//! The columns of a change and their numbers.

use super::column_writer::{BoolWriter, ColumnBytes, DeltaWriter, RunWriter};
use super::leb::write_unsigned;
use super::op::{Genesis, Ops, RegisterOp, TextOp, TextOps, Value};

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

/// Writes the operations of one change as columns. Values are not in it: they are bytes already.
pub(crate) struct ColumnsWriter<'a> {
    object_actor: RunWriter<u64>,
    object_counter: RunWriter<u64>,
    key_actor: RunWriter<u64>,
    key_counter: DeltaWriter,
    key_string: RunWriter<&'a str>,
    insert: BoolWriter,
    action: RunWriter<u64>,
    value_meta: RunWriter<u64>,
    pred_count: RunWriter<u64>,
    pred_actor: RunWriter<u64>,
    pred_counter: DeltaWriter,
}

/// The finished columns in the order of [`SPECS`]; an empty one is not part of the change.
pub(crate) type Columns = [ColumnBytes; SPECS.len()];

impl<'a> ColumnsWriter<'a> {
    /// Writes the columns of `ops`, whose first operation has the counter `start_op`; `values` are the bytes of all
    /// values in order. The value column itself stays empty.
    pub(crate) fn write(ops: &'a Ops, start_op: u32, values: &[u8]) -> Columns {
        let mut writer = Self {
            object_actor: RunWriter::new(),
            object_counter: RunWriter::new(),
            key_actor: RunWriter::new(),
            key_counter: DeltaWriter::new(),
            key_string: RunWriter::new(),
            insert: BoolWriter::new(),
            action: RunWriter::new(),
            value_meta: RunWriter::new(),
            pred_count: RunWriter::new(),
            pred_actor: RunWriter::new(),
            pred_counter: DeltaWriter::new(),
        };
        match ops {
            Ops::Nothing => {}
            Ops::Genesis(genesis) => writer.genesis(genesis, start_op, values),
            Ops::Text(text) => writer.text(text, start_op, values),
            Ops::Registers(ops) => ops.iter().for_each(|op| writer.register(op)),
        }
        writer.finish()
    }

    fn genesis(&mut self, genesis: &'a Genesis, start_op: u32, values: &[u8]) {
        self.root_key(&genesis.key);
        self.action.push(Some(ACTION_MAKE_TEXT), 1);
        self.value_meta.push(Some(0), 1);
        self.pred_count.push(Some(0), 1);
        self.text(&genesis.edits, start_op + 1, values);
    }

    fn root_key(&mut self, key: &'a str) {
        self.object_actor.push(None, 1);
        self.object_counter.push(None, 1);
        self.key_actor.push(None, 1);
        self.key_counter.push_nulls(1);
        self.key_string.push(Some(key), 1);
        self.insert.push(false, 1);
    }

    fn text(&mut self, text: &TextOps, start_op: u32, values: &[u8]) {
        let total = text.ops.iter().map(|op| u64::from(op.count())).sum();
        self.object_actor.push(Some(u64::from(text.object.actor)), total);
        self.object_counter.push(Some(u64::from(text.object.counter)), total);
        self.key_string.push(None, total);
        let mut counter = start_op;
        for op in &text.ops {
            self.text_op(op, counter, values);
            counter += op.count();
        }
    }

    fn text_op(&mut self, op: &TextOp, counter: u32, values: &[u8]) {
        let count = u64::from(op.count());
        match op {
            TextOp::Insert { after, text, .. } => {
                self.key_actor.push(after.map(|id| u64::from(id.actor)), 1);
                self.key_actor.push(Some(0), count - 1);
                self.key_counter.push_sequence(after.map_or(0, |id| id.counter), 1);
                self.key_counter.push_sequence(counter, count - 1);
                self.insert.push(true, count);
                self.action.push(Some(ACTION_SET), count);
                self.char_metas(values.get(text.clone()).unwrap_or_default());
                self.pred_count.push(Some(0), count);
            }
            TextOp::Delete { first, .. } => {
                self.key_actor.push(Some(u64::from(first.actor)), count);
                self.key_counter.push_sequence(first.counter, count);
                self.insert.push(false, count);
                self.action.push(Some(ACTION_DELETE), count);
                self.value_meta.push(Some(0), count);
                self.pred_count.push(Some(1), count);
                self.pred_actor.push(Some(u64::from(first.actor)), count);
                self.pred_counter.push_sequence(first.counter, count);
            }
        }
    }

    /// Says of each character of `text` that it is a string and how long it is.
    fn char_metas(&mut self, mut text: &[u8]) {
        while let Some(&first) = text.first() {
            let width = char_width(first);
            let run = if width == 1 {
                text.iter().position(|byte| !byte.is_ascii()).unwrap_or(text.len())
            } else {
                width.min(text.len())
            };
            self.value_meta.push(Some((width as u64) << 4 | TYPE_STRING), (run / width).max(1) as u64);
            text = &text[run..];
        }
    }

    fn register(&mut self, op: &'a RegisterOp) {
        self.root_key(&op.key);
        let action = op.value.as_ref().map_or(ACTION_DELETE, |_| ACTION_SET);
        self.action.push(Some(action), 1);
        self.value_meta.push(Some(value_meta(op.value.as_ref())), 1);
        self.pred_count.push(Some(op.preds.len() as u64), 1);
        for pred in &op.preds {
            self.pred_actor.push(Some(u64::from(pred.actor)), 1);
            self.pred_counter.push_sequence(pred.counter, 1);
        }
    }

    fn finish(self) -> Columns {
        [
            self.object_actor.finish(),
            self.object_counter.finish(),
            self.key_actor.finish(),
            self.key_counter.finish(),
            self.key_string.finish(),
            self.insert.finish(),
            self.action.finish(),
            self.value_meta.finish(),
            ColumnBytes::new(),
            self.pred_count.finish(),
            self.pred_actor.finish(),
            self.pred_counter.finish(),
        ]
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
        Some(Value::Uint(number)) => {
            let mut bytes = ColumnBytes::new();
            write_unsigned(&mut bytes, *number);
            with_length(bytes.len(), TYPE_UINT)
        }
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
