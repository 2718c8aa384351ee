//! Ten thousand moves, ten thousand files of one name, and folders in folders.

use rand::RngExt as _;
use weft_crdt::{NodeId, NodeKind, RegisterEdit, tree::ROOT};
use weft_sync::Entry;
use weft_tests::eventually;

use crate::{House, Log, Mallory, Wire, mallory::place, on_low_priority};

const MANY: usize = 10_000;

/// Sends edits of the tree to both, and waits until they are stored.
fn write(
    house: &mut House,
    name: &str,
    edits: impl FnOnce(&mut Mallory, &mut Log) -> Vec<Entry> + Send + 'static,
) {
    let runtime = on_low_priority();
    let (mut mallory, mut wire) = house.mallory(&runtime);
    let peer = runtime.block_on(wire.reach(house.pair.ana.device.node().expect("a node")));
    house.under(name, move || {
        runtime.block_on(async {
            let line = wire.steady_line(&mut mallory, peer).await;
            wire.read_tree(&mut mallory, line).await.expect("a patient node");
            let (mut log, open) = mallory.begin();
            let mut sent = vec![open];
            sent.extend(edits(&mut mallory, &mut log));
            println!("{} entries", sent.len());
            send_paced(&mut wire, line, &sent, &log).await;
        });
    });
}

/// Sends as the protocol has it, so that all of it is taken.
async fn send_paced(wire: &mut Wire, line: crate::Line, entries: &[Entry], log: &Log) {
    for part in entries.chunks(100) {
        wire.send(line, part).await.expect("a listening node");
        let last = part.last().expect("an entry").header.seq;
        wire.stored(line, log.id, last).await.expect("a patient node");
    }
}

/// Folders that are put into each other in rings, again and again.
#[test]
fn ten_thousand_moves_that_make_rings() {
    let mut house = House::new();
    write(&mut house, "moves", |mallory, log| {
        let folders: Vec<NodeId> = (0..100).map(|_| mallory.node_id()).collect();
        let mut edits: Vec<RegisterEdit> = Vec::new();
        for (number, folder) in folders.iter().enumerate() {
            edits.extend(mallory.node(*folder, ROOT, &format!("ring {number}"), NodeKind::Folder));
        }
        let mut entries = mallory.write_tree(log, &edits);
        for _ in 0..MANY / 50 {
            let moves: Vec<RegisterEdit> = (0..50)
                .map(|_| {
                    let [from, to] = [0, 1].map(|_| folders[mallory.rng.random_range(0..folders.len())]);
                    place(from, to)
                })
                .collect();
            entries.extend(mallory.write_tree(log, &moves));
        }
        entries
    });
    house.is_sound();
}

#[test]
fn ten_thousand_files_of_one_name() {
    let mut house = House::new();
    write(&mut house, "one name", |mallory, log| {
        let mut edits = Vec::new();
        let folder = mallory.node_id();
        edits.extend(mallory.node(folder, ROOT, "crowd", NodeKind::Folder));
        for _ in 0..MANY {
            let node = mallory.node_id();
            edits.extend(mallory.node(node, folder, "same.txt", NodeKind::File));
        }
        mallory.write_tree(log, &edits)
    });
    let crowd = house.pair.ana.files.path("crowd");
    let count = || std::fs::read_dir(&crowd).map_or(0, Iterator::count);
    let all = eventually(weft_tests::PATIENCE, || (count() == MANY).then_some(()));
    assert!(all.is_some(), "{} of {MANY} files were written", count());
    house.is_sound();
}

/// Folders in one another, with long names: those whose paths are too long are held, and the node goes on.
#[test]
fn folders_deeper_than_any_path() {
    let mut house = House::new();
    write(&mut house, "deep folders", |mallory, log| {
        let mut edits = Vec::new();
        let mut parent = ROOT;
        for _ in 0..60 {
            let node = mallory.node_id();
            edits.extend(mallory.node(node, parent, &"d".repeat(180), NodeKind::Folder));
            parent = node;
        }
        mallory.write_tree(log, &edits)
    });
    house.is_sound();
    house.is_told(&["more than 4096 bytes"]);
}
