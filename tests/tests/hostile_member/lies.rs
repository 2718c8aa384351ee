//! What is signed by nobody, by somebody else, or for somewhere else.

use weft_sync::{
    Entry, EntryId, Header, Kind, LogId, WorkspaceId,
    frames::{EntryBytes, Frame, SignedVector},
};
use weft_tests::{PATIENCE, eventually};

use crate::{House, Mallory, mallory::shared, on_low_priority};

/// What is wrong with an entry of hers, and what she sends.
fn lies(mallory: &mut Mallory) -> Vec<(&'static str, Vec<Entry>)> {
    let (mut log, open) = mallory.begin();
    let good = mallory.noise(&mut log, 300);
    let sign = |mallory: &Mallory, header: Header, body: Vec<u8>| {
        Entry::sign(header, body, mallory.keys.signing_key()).expect("an entry")
    };
    let mut unsigned = good.clone();
    unsigned.signature[7] ^= 1;
    let mut other_body = good.clone();
    other_body.body[30] ^= 1;
    let mut no_hash = good.clone();
    no_hash.header.body_hash = weft_sync::BodyHash::ZERO;
    let header = &good.header;
    let elsewhere = Header { ws: WorkspaceId::from_bytes([1; 32]), ..header.clone() };
    let gap = Header { seq: 9, ..header.clone() };
    let other_past = Header { prev: EntryId::from_bytes([1; 32]), ..header.clone() };
    let other_log = Header { log: LogId::from_bytes([1; 32]), ..header.clone() };
    let wrong_lane = Header { kind: Kind::Acl, epoch: None, ..header.clone() };
    let body = &good.body;
    vec![
        ("another signature", vec![open.clone(), unsigned]),
        ("another body", vec![other_body]),
        ("no hash", vec![no_hash]),
        ("another workspace", vec![sign(mallory, elsewhere, body.clone())]),
        ("a number left out", vec![sign(mallory, gap, body.clone())]),
        ("another past", vec![sign(mallory, other_past, body.clone())]),
        ("another log", vec![sign(mallory, other_log, body.clone())]),
        ("an operation in the data lane", vec![sign(mallory, wrong_lane, Vec::new())]),
        ("the right one", vec![good.clone()]),
        ("the same again", vec![good.clone(); 300]),
    ]
}

/// Nothing of it is stored or handed on, and what is right still is.
#[test]
fn entries_that_nobody_signed_and_repeated_ones() {
    let mut house = House::new();
    let runtime = on_low_priority();
    let (mut mallory, mut wire) = house.mallory(&runtime);
    let peer = runtime.block_on(wire.reach(house.pair.ana.device.node().expect("a node")));
    let (log, seq) = house.under("wrong entries", move || {
        runtime.block_on(async {
            let mut line = wire.steady_line(&mut mallory, peer).await;
            let mut right = None;
            for (name, entries) in lies(&mut mallory) {
                if wire.send(line, &entries).await.is_err() {
                    line = wire.steady_line(&mut mallory, peer).await;
                    wire.send(line, &entries).await.expect("a listening node");
                }
                if name == "the right one" {
                    right = Some(entries[0].entry_ref());
                }
            }
            let right = right.expect("one that is right");
            // Others' entries, sent by her: they are known.
            let honest: Vec<Entry> = wire.honest_entries(line).await.expect("a patient node");
            assert!(!honest.is_empty());
            for _ in 0..20 {
                wire.send(line, &honest).await.expect("a listening node");
            }
            // Theirs, but not as they signed them.
            let mut altered = honest[honest.len() - 1].clone();
            altered.body.push(0);
            let frame = Frame::Entries(vec![EntryBytes(shared(&altered))]);
            let _ended = wire.say(line, &frame).await;
            // A word in Ana's name.
            let vector = SignedVector {
                signer: weft_sync::Signer::User(mallory.membership.genesis().owner),
                positions: Vec::new(),
                signature: [1; 64],
            };
            let _ended = wire.say(line, &Frame::Frontier(vector)).await;
            while wire.answer(line).await.is_ok() {}
            (right.log.to_string(), right.seq)
        })
    });
    house.is_sound();
    for person in house.people() {
        let ends = || person.status().field("frontier").as_object().expect("logs").clone();
        let came = eventually(PATIENCE, || (ends().get(&log)?.as_u64()? == seq).then_some(()));
        assert!(came.is_some(), "what is right did not come: {:?}", ends());
        // Her log and Mallory's way in, but nothing that she made up.
        assert!(!ends().contains_key(&"01".repeat(32)), "{:?}", ends());
    }
}
