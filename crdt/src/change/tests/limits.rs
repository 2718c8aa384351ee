//! Every limit of a change: the greatest that passes and the least that does not.

use smallvec::{SmallVec, smallvec};

use super::super::{ChangeOpId, Draft, Ops, RegisterOp, TextOp, TextOps, Value};
use crate::change::{Change, ChangeError};
use crate::ids::{ActorId, ChangeHash};
use crate::limits::{
    CHANGE_ACTORS_MAX, CHANGE_BYTES_MAX, CHANGE_DEPS_MAX, CHANGE_OPS_MAX, CHANGE_PREDS_MAX,
    CHANGE_VALUES_BYTES_MAX, COUNTER_END, KEY_BYTES_MAX, TIME_END,
};

fn draft(ops: Ops, values: Vec<u8>) -> Draft {
    Draft {
        deps: smallvec![],
        actor: Some(ActorId::from([3; 16])),
        seq: 1,
        start_op: 1 << 20,
        time: 0,
        others: smallvec![],
        ops,
        values,
    }
}

fn id(actor: u32, counter: u32) -> ChangeOpId {
    ChangeOpId { actor, counter }
}

fn register(key: &str, value: Value, preds: impl IntoIterator<Item = ChangeOpId>) -> Draft {
    let mut values = Vec::new();
    value.write(&mut values);
    let op = RegisterOp { key: key.to_owned(), value: Some(value), preds: preds.into_iter().collect() };
    draft(Ops::Registers(vec![op]), values)
}

fn text(ops: impl IntoIterator<Item = TextOp>, values: &str) -> Draft {
    let ops = Ops::Text(TextOps { object: id(0, 1), ops: ops.into_iter().collect() });
    draft(ops, values.into())
}

fn check(accepted: Draft, refused: Draft, what: &str) {
    let change = accepted.encode();
    assert_eq!(Change::parse(change.bytes()).as_ref(), Ok(&change), "{what}");
    let error = Change::parse(refused.encode().bytes()).unwrap_err();
    let limited = matches!(&error, ChangeError::Limit { what: found, .. } if *found == what);
    assert!(limited, "{what}: {error}");
}

#[test]
fn operations() {
    let delete = |count: u64| {
        let first = id(0, 1);
        let count = count as u32;
        text([TextOp::Delete { first, count }], "")
    };
    check(delete(CHANGE_OPS_MAX), delete(CHANGE_OPS_MAX + 1), "operations");
}

#[test]
fn bytes_of_values() {
    let put = |length| register("key", Value::Bytes(vec![5; length]), []);
    check(put(CHANGE_VALUES_BYTES_MAX), put(CHANGE_VALUES_BYTES_MAX + 1), "bytes of values");
}

#[test]
fn dependencies() {
    let with = |count: usize| {
        let mut draft = text([], "");
        draft.ops = Ops::Nothing;
        draft.deps = (0..count).map(|index| ChangeHash::from_bytes([index as u8; 32])).collect();
        draft
    };
    check(with(CHANGE_DEPS_MAX), with(CHANGE_DEPS_MAX + 1), "dependencies");
}

#[test]
fn actors() {
    let with = |count: usize| {
        let actors: SmallVec<[ActorId; 2]> =
            (0..count as u32).map(|index| ActorId::from_bytes(&index.to_be_bytes()).unwrap()).collect();
        let deletes = (1..=count as u32).map(|actor| TextOp::Delete { first: id(actor, 7), count: 1 });
        let mut draft = text(deletes, "");
        draft.others = actors;
        draft
    };
    check(with(CHANGE_ACTORS_MAX), with(CHANGE_ACTORS_MAX + 1), "actors");
}

#[test]
fn succeeded_operations() {
    let with = |count: u64| register("k", Value::Uint(5), (1..=count as u32).map(|n| id(0, n)));
    let accepted = with(CHANGE_PREDS_MAX).encode();
    assert_eq!(Change::parse(accepted.bytes()), Ok(accepted));
    assert!(Change::parse(with(CHANGE_PREDS_MAX + 1).encode().bytes()).is_err());
}

#[test]
fn bytes_of_a_key() {
    let put = |length| register(&"k".repeat(length), Value::Bool(true), []);
    check(put(KEY_BYTES_MAX), put(KEY_BYTES_MAX + 1), "bytes of a key");
}

#[test]
fn bytes_of_a_change() {
    // Keys of different lengths bring the change to any size without the help of values.
    let with = |bytes: usize| {
        let mut ops = Vec::new();
        let mut left = bytes;
        while left > 0 {
            let length = left.min(1_000);
            ops.push(RegisterOp {
                key: format!("{:03}", ops.len()) + &"k".repeat(length),
                value: Some(Value::Bool(true)),
                preds: smallvec![],
            });
            left -= length;
        }
        draft(Ops::Registers(ops), Vec::new())
    };
    let mut length = CHANGE_BYTES_MAX - 2_000;
    while with(length).encode().bytes().len() < CHANGE_BYTES_MAX {
        length += 1;
    }
    assert_eq!(with(length).encode().bytes().len(), CHANGE_BYTES_MAX);
    check(with(length), with(length + 1), "bytes");
}

#[test]
fn counters_and_time() {
    let at = |start_op: u64| {
        let mut draft = register("k", Value::Bool(false), []);
        draft.start_op = start_op as u32;
        draft
    };
    check(at(COUNTER_END - 2), at(COUNTER_END - 1), "operations before it");
    let time = |time| {
        let mut draft = register("k", Value::Bool(false), []);
        draft.time = time;
        draft
    };
    check(time(TIME_END - 1), time(TIME_END), "seconds of time");
    check(time(0), time(-1), "seconds of time");
}
