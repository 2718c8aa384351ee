//! Reads writes of registers, which are few and read one by one.

use smallvec::SmallVec;

use super::ChangeError;
use super::column_reader::{BoolReader, DeltaReader, RunReader, count_values};
use super::columns::{
    ACTION, ACTION_DELETE, ACTION_SET, INSERT, KEY_ACTOR, KEY_COUNTER, KEY_STRING, OBJECT_ACTOR,
    OBJECT_COUNTER, PRED_ACTOR, PRED_COUNT, PRED_COUNTER, TYPE_BYTES, TYPE_FALSE, TYPE_STRING, TYPE_TRUE,
    TYPE_UINT, VALUE, VALUE_META,
};
use super::header::GivenColumns;
use super::leb::Reader;
use super::op::{ChangeOpId, RegisterOp, Value};
use super::parse::Context;
use crate::limits::KEY_BYTES_MAX;

const NOT_REGISTER: ChangeError =
    ChangeError::Unsupported { what: "an operation that neither sets nor removes a register" };

pub(super) fn read(
    columns: &GivenColumns<'_>,
    context: &mut Context<'_>,
) -> Result<Vec<RegisterOp>, ChangeError> {
    let only_registers = [OBJECT_ACTOR, OBJECT_COUNTER, KEY_ACTOR, KEY_COUNTER]
        .iter()
        .all(|column| columns[*column].is_empty());
    if !only_registers {
        return Err(NOT_REGISTER);
    }
    count_values(columns[PRED_ACTOR], context.limits.preds)?;
    let mut reader = RegisterReader {
        key: RunReader::new(columns[KEY_STRING]),
        insert: BoolReader::new(columns[INSERT]),
        action: RunReader::new(columns[ACTION]),
        value_meta: RunReader::new(columns[VALUE_META]),
        values: Reader::new(columns[VALUE]),
        pred_count: RunReader::new(columns[PRED_COUNT]),
        pred_actor: RunReader::new(columns[PRED_ACTOR]),
        pred_counter: DeltaReader::new(columns[PRED_COUNTER]),
        preds_left: context.limits.preds,
    };
    let mut ops = Vec::new();
    for index in 0..context.op_count {
        ops.push(reader.read(context.start_op() + index as u32, context)?);
    }
    if !reader.values.is_empty() {
        return Err(ChangeError::Malformed { what: "there are more values than operations" });
    }
    Ok(ops)
}

struct RegisterReader<'a> {
    key: RunReader<'a, &'a str>,
    insert: BoolReader<'a>,
    action: RunReader<'a, u64>,
    value_meta: RunReader<'a, u64>,
    values: Reader<'a>,
    pred_count: RunReader<'a, u64>,
    pred_actor: RunReader<'a, u64>,
    pred_counter: DeltaReader<'a>,
    preds_left: u64,
}

impl RegisterReader<'_> {
    fn read(&mut self, own: u32, context: &mut Context<'_>) -> Result<RegisterOp, ChangeError> {
        let key = self.key.next()?.ok_or(NOT_REGISTER)?;
        if key.is_empty() {
            return Err(NOT_REGISTER);
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(ChangeError::Limit { what: "bytes of a key", limit: KEY_BYTES_MAX as u64 });
        }
        let (insert, _) = self.insert.peek()?;
        self.insert.advance(1);
        if insert {
            return Err(NOT_REGISTER);
        }
        let meta = self.value_meta.next()?.unwrap_or(0);
        let value = match self.action.next()? {
            Some(ACTION_SET) => Some(self.value(meta)?),
            Some(ACTION_DELETE) if meta == 0 => None,
            _ => return Err(NOT_REGISTER),
        };
        let preds = self.preds(own, context)?;
        if value.is_none() && preds.is_empty() {
            return Err(ChangeError::Malformed { what: "a removal removes nothing" });
        }
        Ok(RegisterOp { key: key.to_owned(), value, preds })
    }

    fn value(&mut self, meta: u64) -> Result<Value, ChangeError> {
        let bytes = self.values.take(meta >> 4)?;
        match meta & 0xf {
            TYPE_FALSE => Ok(Value::Bool(false)),
            TYPE_TRUE => Ok(Value::Bool(true)),
            TYPE_UINT => {
                let mut reader = Reader::new(bytes);
                let number = reader.unsigned()?;
                if reader.is_empty() {
                    Ok(Value::Uint(number))
                } else {
                    Err(ChangeError::Malformed { what: "a number is followed by other bytes" })
                }
            }
            TYPE_STRING => std::str::from_utf8(bytes)
                .map(|text| Value::Str(text.to_owned()))
                .map_err(|_| ChangeError::Malformed { what: "a string is not valid UTF-8" }),
            TYPE_BYTES => Ok(Value::Bytes(bytes.to_owned())),
            _ => Err(ChangeError::Unsupported { what: "a value of an unknown type" }),
        }
    }

    fn preds(
        &mut self,
        own: u32,
        context: &mut Context<'_>,
    ) -> Result<SmallVec<[ChangeOpId; 1]>, ChangeError> {
        let count = self.pred_count.next()?.unwrap_or(0);
        self.preds_left = self
            .preds_left
            .checked_sub(count)
            .ok_or(ChangeError::Limit { what: "succeeded operations", limit: context.limits.preds })?;
        let mut preds: SmallVec<[ChangeOpId; 1]> = SmallVec::new();
        for _ in 0..count {
            let actor = self.pred_actor.next()?;
            let counter = self.pred_counter.next()?.map(u64::from);
            let pred = context.id(actor, counter, own)?;
            if preds.last().is_some_and(|last| context.full_id(*last) >= context.full_id(pred)) {
                return Err(ChangeError::NotCanonical {
                    what: "succeeded operations are not in ascending order",
                });
            }
            preds.push(pred);
        }
        Ok(preds)
    }
}
