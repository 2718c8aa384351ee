//! What a saved keystroke costs, as a ratio to what it must cost: one append and one fsync; and
//! what grouping makes of many at once.
//!
//! `cargo bench -p weft-store --bench commits`

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::fs::File;
use std::io::Write as _;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_crdt::{ChangeHash, DocumentId};
use weft_store::{EntryMarks, GroupCommitter, NewEntry, Storage, Store, StoreKey, Write};
use weft_sync::{EntryId, EntryRef, Kind, LogId, WorkspaceId};

const ENTRY_BYTES: usize = 550;
const COUNT: u64 = 300;
const GROUPED: u64 = 20_000;

fn main() {
    let folder = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or(".".into())).unwrap();
    let store: Arc<dyn Storage> =
        Arc::new(Store::open(&folder.path().join("store"), &StoreKey::from_bytes([1; 32])).unwrap());
    let mut file = File::create(folder.path().join("bound")).unwrap();
    let (mut bounds, mut costs) = (Vec::new(), Vec::new());
    for seq in 1..=COUNT {
        let begin = Instant::now();
        file.write_all(&[7; ENTRY_BYTES]).unwrap();
        file.sync_data().unwrap();
        bounds.push(begin.elapsed());
        let begin = Instant::now();
        store.commit(&keystroke(seq)).unwrap();
        costs.push(begin.elapsed());
    }
    println!("a keystroke: entry of {ENTRY_BYTES} bytes and its change, {COUNT} times, alternating");
    for (name, part) in [("p50", 0.5), ("p99", 0.99)] {
        let (bound, cost) = (at(&mut bounds, part), at(&mut costs, part));
        let ratio = cost.as_secs_f64() / bound.as_secs_f64();
        println!("{name}: append and fsync {bound:>10.2?}, commit {cost:>10.2?}, ratio {ratio:.2}");
    }

    let committer = GroupCommitter::start(Arc::clone(&store), 1_024).unwrap();
    let (sender, receiver) = mpsc::sync_channel(GROUPED as usize);
    let begin = Instant::now();
    for seq in COUNT + 1..=COUNT + GROUPED {
        let sender = sender.clone();
        let done = Box::new(move |result: Result<_, _>| sender.send(result.is_ok()).unwrap());
        committer.submit_blocking(keystroke(seq), done).unwrap();
    }
    drop(sender);
    assert!(receiver.iter().all(|is_good| is_good));
    let elapsed = begin.elapsed();
    let rate = GROUPED as f64 / elapsed.as_secs_f64();
    println!("grouped: {GROUPED} keystrokes in {elapsed:.2?}, {rate:.0} a second");
}

fn keystroke(seq: u64) -> Vec<Write> {
    let ws = WorkspaceId::from_bytes([1; 32]);
    let mut id = [0; 32];
    id.copy_from_slice(blake3::hash(&seq.to_le_bytes()).as_bytes());
    let entry = EntryRef { log: LogId::from_bytes([2; 32]), seq, id: EntryId::from_bytes(id) };
    vec![
        Write::Entry(NewEntry {
            ws,
            at: entry,
            kind: Kind::Data,
            marks: EntryMarks::NONE,
            bytes: Bytes::from(vec![7; ENTRY_BYTES]),
        }),
        Write::Change {
            ws,
            doc: DocumentId::from_bytes([3; 16]),
            entry,
            item: 0,
            hash: ChangeHash::from_bytes(id),
        },
    ]
}

fn at(times: &mut [Duration], part: f64) -> Duration {
    times.sort();
    times[((times.len() - 1) as f64 * part) as usize]
}
