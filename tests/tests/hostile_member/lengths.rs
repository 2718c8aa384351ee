//! Lengths that nobody can mean.

use bytes::Bytes;
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};
use weft_crdt::DocumentId;
use weft_sync::{
    Kind,
    frames::{EntryBytes, Frame},
};

use crate::{House, Mallory, mallory::item, on_low_priority, wire::endpoint_of};

/// A number as postcard writes it.
fn number(number: u64) -> Vec<u8> {
    postcard::to_allocvec(&number).expect("a number")
}

/// Frames whose lists and texts declare more than can be there.
fn frames() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for kind in 0..12 {
        for count in [1 << 16, 1 << 20, u64::from(u32::MAX), u64::MAX] {
            frames.push([&[1, kind], &number(count)[..]].concat());
            frames.push([&[1, kind, 1], &number(count)[..], &[0; 100]].concat());
            frames.push([&[1, kind], &[0xff; 2_000][..]].concat());
        }
    }
    frames
}

/// Bodies of Data entries that declare what they do not hold, or unpack to far more than they are.
fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let million = 1_u64 << 20;
    let packed = |count: u64, declared: u64, bytes: &[u8]| {
        let mut body = [vec![0, 0], number(count)].concat();
        for _ in 0..count.min(64) {
            body.extend([3; 16]);
            body.extend([0, 0, 1]);
            body.extend(number(declared));
            body.extend(number(bytes.len() as u64));
            body.extend(bytes);
        }
        body
    };
    let bomb = bomb(1_900);
    vec![
        ("a count of items", [vec![0, 0], number(u64::MAX)].concat()),
        ("more items than there may be", packed(65, 1, &[])),
        ("a length of an item", packed(1, u64::MAX, &[1; 50])),
        ("a length over the limit", packed(1, million + 1, &bomb)),
        ("a bomb", packed(1, million, &self::bomb(32_000))),
        ("many bombs", packed(32, million, &bomb)),
    ]
}

/// A frame of zstd: so many times 128 KiB of zeros, in blocks that repeat one byte.
fn bomb(blocks: usize) -> Vec<u8> {
    // Magic, a descriptor without a size, a window of 128 KiB, then blocks of one repeated byte.
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    let block = |last: u32| {
        let header: u32 = (128 << 10) << 3 | 1 << 1 | last;
        [&header.to_le_bytes()[..3], &[0]].concat()
    };
    for _ in 0..blocks {
        bytes.extend(block(0));
    }
    bytes.extend(block(1));
    bytes
}

/// Changes that are few bytes and claim to be a great deal.
fn changes() -> Vec<Vec<u8>> {
    let magic = [0x85, 0x6f, 0x4a, 0x83];
    let chunk = |kind: u8, body: &[u8]| {
        let mut hashed = vec![kind];
        hashed.extend(leb(body.len() as u64));
        hashed.extend(body);
        let mut bytes = magic.to_vec();
        // The checksum is checked first; a wrong one would hide all that follows.
        bytes.extend(&checksum(&hashed)[..4]);
        bytes.extend(hashed);
        bytes
    };
    let mut changes = vec![[&magic[..], &[0; 4], &[1], &leb(u64::MAX >> 1)].concat()];
    for kind in 0..4 {
        changes.push(chunk(kind, &[0xff; 60]));
        // No dependencies, an actor of 16 bytes, seq 1, start 1, time 0, no message, no others, then columns.
        let mut body = vec![0, 16];
        body.extend([9; 16]);
        body.extend([1, 1, 0, 0, 0]);
        body.extend(leb(3));
        for column in [0x15_u64, 0x42, 0x56] {
            body.extend(leb(column));
            body.extend(leb(10));
        }
        for _ in 0..3 {
            // A run of 2^62 equal values.
            body.extend([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0xc0, 0x00]);
        }
        changes.push(chunk(kind, &body));
    }
    changes
}

fn leb(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn checksum(hashed: &[u8]) -> [u8; 32] {
    Sha256::digest(hashed).into()
}

/// Entries whose lengths lie, of which the rest is right.
fn entries(mallory: &mut Mallory) -> Vec<Vec<u8>> {
    let (log, open) = mallory.begin();
    let right = open.encode();
    let mut header = mallory.header(&log, Kind::Data);
    let lies = [u32::MAX, 1 << 30, (256 << 10) + 1].map(|length| {
        header.body_len = length;
        [header.encode(), vec![0; 64 + 500]].concat()
    });
    let cut = right[..right.len() - 1].to_vec();
    let longer = [&right[..], &[0]].concat();
    [lies.to_vec(), vec![cut, longer, Vec::new()]].concat()
}

/// What is said on a channel: every lie ends it, or is not taken.
#[test]
fn frames_and_entries_that_declare_too_much() {
    let mut house = House::new();
    let runtime = on_low_priority();
    let node = house.pair.ana.device.node().expect("a node");
    let peer = endpoint_of(node);
    // Each of them is shut out before long.
    let mut crowd: Vec<_> = (0..4).map(|_| house.mallory(&runtime)).collect();
    for (_, wire) in &mut crowd {
        runtime.block_on(wire.reach(node));
    }
    let said = house.under("lengths in frames", move || {
        runtime.block_on(async {
            let mut said = 0;
            let mut frames = frames();
            frames.extend(
                entries(&mut crowd[0].0)
                    .into_iter()
                    .map(|entry| Frame::Entries(vec![EntryBytes(entry.into())]).encode()),
            );
            for (number, frame) in frames.into_iter().enumerate() {
                let place = number % crowd.len();
                let (mallory, wire) = &mut crowd[place];
                let Ok(line) = wire.line(mallory, peer).await else { continue };
                said += 1;
                let _ended = wire.say_bytes(line, Bytes::from(frame)).await;
                // One that is harmless, so that an answer comes in any case.
                let _ended = wire
                    .say(
                        line,
                        &Frame::Hello(weft_sync::frames::Hello { version: 1, features: 0, tag: [0; 32] }),
                    )
                    .await;
                while wire.answer(line).await.is_ok() {}
            }
            said
        })
    });
    println!("{said} lies were listened to");
    assert!(said >= 60, "the lies were not heard: {said}");
    house.is_told(&["Mallory", "shut out"]);
    house.is_sound();
}

/// What is sealed in entries: right for everybody who only stores, and wrong for whoever opens it.
#[test]
fn bodies_and_changes_that_declare_too_much() {
    let mut house = House::new();
    let runtime = on_low_priority();
    let (mut mallory, mut wire) = house.mallory(&runtime);
    let peer = runtime.block_on(wire.reach(house.pair.ana.device.node().expect("a node")));
    house.under("lengths in bodies", move || {
        runtime.block_on(async {
            let (mut log, open) = mallory.begin();
            let mut sent = vec![open];
            for (_, body) in bodies() {
                sent.push(mallory.seal(&mut log, &body));
            }
            let tree = mallory.tree.id();
            for change in changes() {
                for doc in [tree, DocumentId::from_bytes(mallory.rng.random())] {
                    sent.push(mallory.data(&mut log, vec![item(doc, change.clone())]));
                }
            }
            let line = wire.steady_line(&mut mallory, peer).await;
            wire.send(line, &sent).await.expect("a listening node");
            wire.stored(line, log.id, log.last.expect("an entry").seq).await.expect("a patient node");
        });
    });
    house.is_told(&["changes of Mallory make no sense and were refused"]);
    house.is_sound();
}
