//! What a batch of chunks costs, as a ratio to what it must cost: one sequential write of the same
//! bytes, one fsync, one transaction that indexes as many names.
//!
//! `cargo bench -p weft-store --bench chunks`

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use weft_crdt::ChunkId;
use weft_store::{Storage, Store, StoreKey};

const COUNT: usize = 10_000;
const LENGTH: usize = 10 * 1024;
const ROUNDS: usize = 7;

fn main() {
    let folder = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or(".".into())).unwrap();
    println!("{COUNT} chunks of {LENGTH} bytes, {ROUNDS} rounds, alternating");
    let mut bounds = Vec::new();
    let mut costs = Vec::new();
    let mut hashing = Vec::new();
    let mut reads = Vec::new();
    for round in 0..ROUNDS {
        let chunks = random_chunks(round as u64);
        let begin = Instant::now();
        assert!(chunks.iter().all(|(id, bytes)| blake3::hash(bytes) == *id.as_bytes()));
        hashing.push(begin.elapsed());

        let bound_folder = folder.path().join(format!("bound{round}"));
        let store_folder = folder.path().join(format!("store{round}"));
        let store = Store::open(&store_folder, &StoreKey::from_bytes([1; 32])).unwrap();
        // Whoever comes second pays for what the disk still owes to the first.
        if round % 2 == 0 {
            bounds.push(least(&bound_folder, &chunks));
            costs.push(put(&store, &chunks));
        } else {
            costs.push(put(&store, &chunks));
            bounds.push(least(&bound_folder, &chunks));
        }

        let begin = Instant::now();
        for (id, _) in &chunks {
            assert_eq!(store.chunk(id).unwrap().unwrap().len(), LENGTH);
        }
        reads.push(begin.elapsed());
    }
    let (bound, cost) = (median(bounds), median(costs));
    let hashed = median(hashing);
    println!("bound: write, fsync, transaction   {bound:>12.2?}");
    println!("hashing alone                      {hashed:>12.2?}");
    println!("put_chunks and sync_chunks         {cost:>12.2?}");
    println!("ratio to the bound                 {:>12.2}", ratio(cost, bound));
    println!("ratio to the bound and hashing     {:>12.2}", ratio(cost, bound + hashed));
    println!("one read, checked                  {:>12.2?}", median(reads) / COUNT as u32);
}

fn random_chunks(seed: u64) -> Vec<(ChunkId, Bytes)> {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let chunk = |_| {
        let mut bytes = vec![0; LENGTH];
        rng.fill(&mut bytes[..]);
        (ChunkId::from_bytes(*blake3::hash(&bytes).as_bytes()), Bytes::from(bytes))
    };
    (0..COUNT).map(chunk).collect()
}

fn put(store: &Store, chunks: &[(ChunkId, Bytes)]) -> Duration {
    let chunks = chunks.to_vec();
    let begin = Instant::now();
    store.put_chunks(chunks).unwrap();
    store.sync_chunks().unwrap();
    begin.elapsed()
}

/// The least that any store does with the same bytes; its database is there already.
fn least(folder: &Path, chunks: &[(ChunkId, Bytes)]) -> Duration {
    std::fs::create_dir(folder).unwrap();
    let all = chunks.iter().map(|(_, bytes)| &bytes[..]).collect::<Vec<_>>().concat();
    let mut database = rusqlite::Connection::open(folder.join("index.db")).unwrap();
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    database.pragma_update(None, "synchronous", "FULL").unwrap();
    let table = "CREATE TABLE names(id BLOB PRIMARY KEY, at INTEGER) WITHOUT ROWID";
    database.execute_batch(table).unwrap();

    let begin = Instant::now();
    let mut file = File::create(folder.join("bytes")).unwrap();
    for piece in all.chunks(4 << 20) {
        file.write_all(piece).unwrap();
    }
    file.sync_data().unwrap();
    let transaction = database.transaction().unwrap();
    let mut insert = transaction.prepare("INSERT INTO names VALUES(?1, ?2)").unwrap();
    for (at, (id, _)) in chunks.iter().enumerate() {
        insert.execute((id.as_bytes(), at as i64)).unwrap();
    }
    drop(insert);
    transaction.commit().unwrap();
    begin.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ratio(cost: Duration, bound: Duration) -> f64 {
    cost.as_secs_f64() / bound.as_secs_f64()
}
