//! Snapshots of registers: every key with its values and the ids of the writes it had.

use super::changes::write_id;
use super::{SnapshotError, finish, open, read_below, read_bytes, read_str, start, write_bytes};
use crate::change::Value;
use crate::change::leb::{Reader, write_unsigned};
use crate::document::TreeDocument;
use crate::document::graph::Graph;
use crate::ids::DocumentId;
use crate::registers::Registers;

const KIND: u8 = b'r';

impl TreeDocument {
    /// Writes the state of the document for [`TreeDocument::from_snapshot`].
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = start(KIND, self.id);
        self.graph.write(&mut out);
        write_unsigned(&mut out, self.registers.iter().count() as u64);
        for (key, surviving, succeeded) in self.registers.iter() {
            write_bytes(&mut out, key.as_bytes());
            write_unsigned(&mut out, surviving.len() as u64);
            for (id, value) in surviving {
                write_id(&mut out, *id);
                write_value(&mut out, value);
            }
            write_unsigned(&mut out, succeeded.len() as u64);
            for id in succeeded {
                write_id(&mut out, *id);
            }
        }
        finish(out)
    }

    /// Reads what [`TreeDocument::snapshot`] wrote for the document of this id.
    pub fn from_snapshot(id: DocumentId, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut reader = open(KIND, id, bytes)?;
        let graph = Graph::read(&mut reader)?;
        let mut registers = Registers::default();
        for _ in 0..reader.unsigned()? {
            let key = read_str(&mut reader)?.to_owned();
            let mut surviving = Vec::new();
            for _ in 0..read_below(&mut reader, bytes.len())? {
                surviving.push((graph.read_id(&mut reader)?, read_value(&mut reader)?));
            }
            let is_ordered = surviving
                .array_windows()
                .all(|[left, right]| graph.actors().compare(left.0, right.0).is_lt());
            let mut succeeded = Vec::new();
            for _ in 0..read_below(&mut reader, bytes.len())? {
                succeeded.push(graph.read_id(&mut reader)?);
            }
            if !is_ordered {
                return Err(SnapshotError::Damaged);
            }
            registers.restore(key, surviving, succeeded);
        }
        if !reader.is_empty() {
            return Err(SnapshotError::Damaged);
        }
        Ok(Self { id, graph, registers })
    }
}

const BYTES: u8 = 0;
const STR: u8 = 1;
const UINT: u8 = 2;
const FALSE: u8 = 3;
const TRUE: u8 = 4;

fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bytes(bytes) => {
            out.push(BYTES);
            write_bytes(out, bytes);
        }
        Value::Str(text) => {
            out.push(STR);
            write_bytes(out, text.as_bytes());
        }
        Value::Uint(number) => {
            out.push(UINT);
            write_unsigned(out, *number);
        }
        Value::Bool(value) => out.push(if *value { TRUE } else { FALSE }),
    }
}

fn read_value(reader: &mut Reader<'_>) -> Result<Value, SnapshotError> {
    match reader.byte()? {
        BYTES => Ok(Value::Bytes(read_bytes(reader)?.to_owned())),
        STR => Ok(Value::Str(read_str(reader)?.to_owned())),
        UINT => Ok(Value::Uint(reader.unsigned()?)),
        FALSE => Ok(Value::Bool(false)),
        TRUE => Ok(Value::Bool(true)),
        _ => Err(SnapshotError::Damaged),
    }
}
