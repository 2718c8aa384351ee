//! Changes whose bytes were fixed once, some written here, some by Automerge.

use smallvec::smallvec;

use super::super::{ChangeOpId, Draft, Genesis, Ops, TextOp, TextOps};
use crate::change::{Author, Change, content_actor};
use crate::ids::{ActorId, ChangeHash, DocumentId};

const GENESIS: &str = "856f4a83a8fdd3f2014800040707070701010000000a01040204110413061505340242045605570470020\
    0010300000103010002020000017d0002017f0174000301037f0403017c0016261668c3a90a0400";
const GENESIS_HASH: &str = "a8fdd3f2605007e3d4577b38418152efa75bbedd9808f364f7169a87918c000a";
const REPLACE: &str = "856f4a83fd947473016701a8fdd3f2605007e3d4577b38418152efa75bbedd9808f364f7169a87918c000a0402\
    020202010500000104070707070b010202021104130434024204560457027004710273020301030102017f007d037f0401027f0302017f00\
    021678797f0102007f017f03";
const REPLACE_HASH: &str = "fd94747394b89ff77a28f72caf56db11dffe2c6cf430e9e736b1818881b34d4b";
const BY_AUTOMERGE: &str = "856f4a834a20e2b9016e01fd94747394b89ff77a28f72caf56db11dffe2c6cf430e9e736b1818881b34d4b\
    0403030303010880e2cfaa0602686902040202020204070707070b0102020211041303340342035603570170037102730202020201\
    00017f017e00070001017e01037e16005a7e00017f017f07";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|index| u8::from_str_radix(&hex[index * 2..][..2], 16).unwrap()).collect()
}

fn actor(byte: u8) -> ActorId {
    ActorId::from_bytes(&[byte; 4]).unwrap()
}

fn id(actor: u32, counter: u32) -> ChangeOpId {
    ChangeOpId { actor, counter }
}

fn genesis() -> Draft {
    Draft {
        deps: smallvec![],
        actor: Some(actor(7)),
        seq: 1,
        start_op: 1,
        time: 0,
        others: smallvec![],
        ops: Ops::Genesis(Genesis {
            key: "t".to_owned(),
            edits: TextOps {
                object: id(0, 1),
                ops: smallvec![TextOp::Insert { after: None, text: 0..4, count: 3 }],
            },
        }),
        values: "hé\n".into(),
    }
}

fn replace() -> Draft {
    Draft {
        deps: smallvec![GENESIS_HASH.parse().unwrap()],
        actor: Some(actor(2)),
        seq: 1,
        start_op: 5,
        time: 0,
        others: smallvec![actor(7)],
        ops: Ops::Text(TextOps {
            object: id(1, 1),
            ops: smallvec![
                TextOp::Delete { first: id(1, 3), count: 1 },
                TextOp::Insert { after: Some(id(1, 2)), text: 0..2, count: 2 },
            ],
        }),
        values: "xy".into(),
    }
}

#[test]
fn a_genesis_has_the_known_bytes() {
    let change = genesis().encode();
    assert_eq!(change.bytes(), bytes(GENESIS));
    assert_eq!(change.hash().to_string(), GENESIS_HASH);
    assert_eq!(change.max_op(), 4);
    let parsed = Change::parse(&bytes(GENESIS)).unwrap();
    assert_eq!(parsed.0, change.0);
}

#[test]
fn a_replacement_has_the_known_bytes() {
    let change = replace().encode();
    assert_eq!(change.bytes(), bytes(REPLACE));
    assert_eq!(change.hash().to_string(), REPLACE_HASH);
    let parsed = Change::parse(&bytes(REPLACE)).unwrap();
    assert_eq!(parsed.0, change.0);
    assert_eq!(parsed.deps(), [GENESIS_HASH.parse::<ChangeHash>().unwrap()]);
}

#[test]
fn a_message_is_for_other_programs() {
    let error = Change::parse(&bytes(BY_AUTOMERGE)).unwrap_err();
    assert!(error.may_be_newer(), "{error}");
}

#[test]
fn a_content_named_change_has_a_golden_name() {
    let doc = DocumentId::from_bytes(*b"document number1");
    let mut draft = replace();
    let name = content_actor(doc, &draft);
    draft.actor = Some(name);
    let change = draft.encode();
    assert_eq!(name.to_string(), "e41f862bb9e52d0f77064dc148e547fd");
    assert!(change.is_content_named(doc));
    assert!(Change::parse(change.bytes()).unwrap().is_content_named(doc));
    assert!(!change.is_content_named(DocumentId::from_bytes(*b"document number2")));
    assert!(!replace().encode().is_content_named(doc));
    assert_ne!(Author::ContentNamed, Author::Session(name));
}

#[test]
fn every_single_flipped_bit_is_refused() {
    for chunk in [bytes(GENESIS), bytes(REPLACE)] {
        for bit in 0..chunk.len() * 8 {
            let mut mutated = chunk.clone();
            mutated[bit / 8] ^= 1 << (bit % 8);
            assert!(Change::parse(&mutated).is_err());
        }
        for length in 0..chunk.len() {
            assert!(Change::parse(&chunk[..length]).is_err());
        }
    }
}
