//! More than anybody can read.

use std::env;

use bytes::Bytes;
use rand::{Rng as _, RngExt as _};
use weft_crdt::DocumentId;
use weft_sync::{
    EndpointId, Entry,
    frames::{EntryBytes, Frame, LogEnd, Vector},
};

use crate::{
    House, Mallory, Wire,
    mallory::{item, shared},
    on_low_priority,
    wire::{Ended, endpoint_of},
};

/// How many times she is cut off before she gives up.
const CUTS_MAX: usize = 60;

/// How much a flood sends.
fn flood_bytes() -> usize {
    let megabytes = env::var("WEFT_FLOOD_MB").ok().and_then(|text| text.parse().ok());
    megabytes.unwrap_or(200_usize) << 20
}

/// What became of a flood.
#[derive(Debug, Default)]
struct Flood {
    sent: usize,
    cuts: usize,
}

/// Where Ana's node is.
fn ana(house: &House) -> EndpointId {
    endpoint_of(house.pair.ana.device.node().expect("a node"))
}

/// Sends what `next` makes until it is enough or nobody listens any more.
async fn flood(
    (mallory, wire): (&mut Mallory, &mut Wire),
    peer: EndpointId,
    total: usize,
    mut next: impl FnMut(&mut Mallory) -> Frame,
) -> Flood {
    let mut flood = Flood::default();
    let mut line = wire.steady_line(mallory, peer).await;
    while flood.sent < total && flood.cuts < CUTS_MAX {
        let bytes = Bytes::from(next(mallory).encode());
        let len = bytes.len();
        if wire.say_bytes(line, bytes).await.is_ok() {
            flood.sent += len;
            continue;
        }
        flood.cuts += 1;
        while flood.cuts < CUTS_MAX {
            match wire.line(mallory, peer).await {
                Ok(again) => {
                    line = again;
                    break;
                }
                Err(_) => flood.cuts += 1,
            }
        }
    }
    flood
}

fn entries(entries: &[Entry]) -> Frame {
    Frame::Entries(entries.iter().map(|entry| EntryBytes(shared(entry))).collect())
}

/// Large entries with right hashes and signatures, sent without regard to what has been taken in.
#[test]
fn right_entries_without_end() {
    let mut house = House::new();
    let runtime = on_low_priority();
    let (mut mallory, mut wire) = house.mallory(&runtime);
    runtime.block_on(wire.reach(house.pair.ana.device.node().expect("a node")));
    let peer = ana(&house);
    let flood = house.under("a flood of right entries", move || {
        runtime.block_on(async {
            let (mut log, open) = mallory.begin();
            let mut open = Some(open);
            let next = |mallory: &mut Mallory| match open.take() {
                Some(open) => entries(&[open]),
                None => entries(&[mallory.noise(&mut log, 180_000)]),
            };
            flood((&mut mallory, &mut wire), peer, flood_bytes(), next).await
        })
    });
    println!("{flood:?}");
    assert!(flood.cuts >= CUTS_MAX, "she is listened to for as long as she likes: {flood:?}");
    house.is_told(&["Mallory", "burner", "shut out", "it is not listened to for an hour"]);
    house.is_told(&["changes of Mallory make no sense and were refused"]);
    house.is_sound();
}

/// Entries that are small and many, each with as many changes as fit that make no sense.
#[test]
fn small_entries_without_end() {
    let mut house = House::new();
    let runtime = on_low_priority();
    let (mut mallory, mut wire) = house.mallory(&runtime);
    runtime.block_on(wire.reach(house.pair.ana.device.node().expect("a node")));
    let peer = ana(&house);
    let flood = house.under("a flood of small entries", move || {
        runtime.block_on(async {
            let (mut log, open) = mallory.begin();
            let mut open = Some(open);
            let mut made = 0;
            let next = |mallory: &mut Mallory| {
                made += 32;
                let begin = open.take().into_iter();
                let items = |mallory: &mut Mallory| {
                    (0..64).map(|_| item(DocumentId::from_bytes(mallory.rng.random()), vec![7])).collect()
                };
                let more = (0..32).map(|_| {
                    let items = items(mallory);
                    mallory.data(&mut log, items)
                });
                entries(&begin.chain(more).collect::<Vec<_>>())
            };
            let flood = flood((&mut mallory, &mut wire), peer, 8 << 20, next).await;
            (flood, made)
        })
    });
    println!("{flood:?}");
    house.is_sound();
}

/// A log of which she says that it is here, and that is asked for: nothing limits that but the disk.
#[test]
fn a_log_that_was_asked_for_without_end() {
    let mut house = House::new();
    let runtime = on_low_priority();
    let (mut mallory, mut wire) = house.mallory(&runtime);
    runtime.block_on(wire.reach(house.pair.ana.device.node().expect("a node")));
    let peer = ana(&house);
    let sent = house.under("a log that was asked for", move || {
        runtime.block_on(async { listed(&mut mallory, &mut wire, peer).await.expect("a patient node") })
    });
    println!("sent {} MB, all of which was asked for", sent >> 20);
    assert!(sent >= flood_bytes());
    house.is_sound();
}

async fn listed(mallory: &mut Mallory, wire: &mut Wire, peer: EndpointId) -> Result<usize, Ended> {
    let (mut log, open) = mallory.begin();
    let line = wire.line_with(mallory, peer, |_| Vector {
        open: vec![LogEnd { log: open.header.log, seq: 1_000_000, mark: [0; 8] }],
        closed: Vec::new(),
    });
    let line = line.await?;
    while !matches!(wire.answer(line).await?, Frame::Want(ranges) if ranges.iter().any(|range| range.log == log.id))
    {
    }
    wire.send(line, &[open]).await?;
    let mut sent = 0;
    while sent < flood_bytes() {
        let entry = mallory.noise(&mut log, 180_000);
        sent += entry.encoded_len();
        wire.send(line, &[entry]).await?;
    }
    wire.stored(line, log.id, log.last.expect("an entry").seq).await?;
    Ok(sent)
}

/// Frames that are none, and frames of the wrong kind: every one ends the channel, and soon nobody listens.
#[test]
fn garbage_without_end() {
    let mut house = House::new();
    let runtime = on_low_priority();
    let (mut mallory, mut wire) = house.mallory(&runtime);
    runtime.block_on(wire.reach(house.pair.ana.device.node().expect("a node")));
    let peer = ana(&house);
    let cuts = house.under("garbage", move || {
        runtime.block_on(async {
            let mut cuts = 0;
            for number in 0..CUTS_MAX {
                let Ok(line) = wire.line(&mut mallory, peer).await else {
                    cuts += 1;
                    continue;
                };
                for _ in 0..8 {
                    let mut bytes = vec![0; 1 << 20];
                    mallory.rng.fill_bytes(&mut bytes);
                    // The version and a kind of frame, so that more is looked at than the first byte.
                    (bytes[0], bytes[1]) = (1, u8::try_from(number % 12).expect("a small number"));
                    if wire.say_bytes(line, Bytes::from(bytes)).await.is_err() {
                        break;
                    }
                }
                while wire.answer(line).await.is_ok() {}
                cuts += 1;
            }
            cuts
        })
    });
    assert_eq!(cuts, CUTS_MAX, "garbage did not end a channel");
    house.is_told(&["Mallory", "burner", "shut out"]);
    house.is_sound();
}
