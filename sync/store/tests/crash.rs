//! Interruptions and damage: whatever the disk holds, what was acknowledged is there or the loss
//! is reported, and nothing panics.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use weft_crdt::{ChangeHash, ChunkId, DocumentId};
use weft_store::{
    ChangeOrder, CheckDepth, DatabaseError, EntryFilter, EntryMarks, NewEntry, OpenError, ReadError, Space,
    Storage, Store, StoreKey, StoreOptions, StoredOrder, Table, Write,
};
use weft_sync::{EntryId, EntryRef, Kind, LogId, WorkspaceId};

const WS: WorkspaceId = WorkspaceId::from_bytes([1; 32]);
const DOC: DocumentId = DocumentId::from_bytes([4; 16]);
const CANARY: &str = "canary-7f3a";

fn key() -> StoreKey {
    StoreKey::from_bytes([5; 32])
}

fn open(folder: &Path) -> Store {
    Store::open(folder, &key()).unwrap()
}

fn log() -> LogId {
    LogId::from_bytes([2; 32])
}

/// A transaction with an entry, a change and a record that belong together.
fn step(seq: u64) -> Vec<Write> {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&seq.to_le_bytes());
    let at = EntryRef { log: log(), seq, id: EntryId::from_bytes(id) };
    let entry = NewEntry {
        ws: WS,
        at,
        kind: Kind::Data,
        marks: EntryMarks::NONE,
        bytes: Bytes::from(vec![seq.to_le_bytes()[0]; 300]),
    };
    let change = Write::Change { ws: WS, doc: DOC, entry: at, item: 0, hash: ChangeHash::from_bytes(id) };
    let record = Write::Record {
        space: Space::workspace(WS, Table::Draft),
        key: b"last".to_vec(),
        value: Some(seq.to_le_bytes().to_vec()),
    };
    vec![Write::Entry(entry), change, record]
}

/// How many steps are there; each must be there whole.
fn steps(store: &Store) -> u64 {
    let entries = store.entries_after(WS, StoredOrder::START, EntryFilter::All, usize::MAX).unwrap();
    let count = entries.len() as u64;
    let seqs: Vec<u64> = entries.iter().map(|entry| entry.at.seq).collect();
    assert_eq!(seqs, (1..=count).collect::<Vec<_>>());
    let changes = store.changes(WS, DOC, ChangeOrder::START).unwrap();
    assert_eq!(changes.len() as u64, count);
    let record = store.record(Space::workspace(WS, Table::Draft), b"last").unwrap();
    let last = record.map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
    assert_eq!(last, count);
    count
}

fn chunk(number: u64) -> (ChunkId, Bytes) {
    let contents = vec![number.to_le_bytes()[0]; 1_000 + number as usize];
    let id = ChunkId::from_bytes(*blake3::hash(&contents).as_bytes());
    (id, Bytes::from(contents))
}

fn chunks(numbers: std::ops::Range<u64>) -> Vec<(ChunkId, Bytes)> {
    numbers.map(chunk).collect()
}

fn readable(store: &Store, all: &[(ChunkId, Bytes)]) -> usize {
    let is_there = |(id, bytes): &&(ChunkId, Bytes)| match store.chunk(id).unwrap() {
        Some(found) => found == bytes,
        None => false,
    };
    all.iter().filter(is_there).count()
}

/// A copy of a folder as it lies on the disk at this moment.
fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    copy_folder(from, to.path());
    to
}

fn copy_folder(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let target = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_folder(&file.path(), &target);
        } else {
            fs::copy(file.path(), target).unwrap();
        }
    }
}

fn pack(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("packs/{number:08x}.pack"))
}

fn truncate(path: &Path, length: u64) {
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

#[test]
fn what_was_committed_is_there_without_a_clean_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for seq in 1..=20 {
        store.commit(&step(seq)).unwrap();
        let crashed = copy(folder.path());
        assert_eq!(steps(&open(crashed.path())), seq);
    }
}

#[test]
fn a_torn_write_ahead_log_loses_whole_transactions_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for seq in 1..=12 {
        store.commit(&step(seq)).unwrap();
    }
    let wal = fs::metadata(folder.path().join("store.db-wal")).unwrap().len();
    let mut counts = Vec::new();
    for part in 0..=48 {
        let crashed = copy(folder.path());
        truncate(&crashed.path().join("store.db-wal"), wal * part / 48);
        // What the shared memory says is not on the disk after a power failure.
        fs::remove_file(crashed.path().join("store.db-shm")).unwrap();
        // The first cuts take away the tables themselves.
        if let Ok(store) = Store::open(crashed.path(), &key()) {
            counts.push(steps(&store));
        }
    }
    assert!(counts.is_sorted(), "{counts:?}");
    assert_eq!(counts.last(), Some(&12));
    assert!(counts.iter().any(|count| (1..12).contains(count)), "{counts:?}");
}

#[test]
fn chunks_that_were_synced_survive_and_torn_ones_are_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let all = chunks(0..20);
    store.put_chunks(all[..10].to_vec()).unwrap();
    store.sync_chunks().unwrap();
    let synced = fs::metadata(pack(folder.path(), 0)).unwrap().len();
    store.put_chunks(all[10..].to_vec()).unwrap();
    let end = fs::metadata(pack(folder.path(), 0)).unwrap().len();

    for length in (synced..=end).step_by(97).chain([end]) {
        let crashed = copy(folder.path());
        truncate(&pack(crashed.path(), 0), length);
        let store = open(crashed.path());
        let report = store.open_report();
        let count = readable(&store, &all);
        assert_eq!(count as u64, 10 + report.chunks_found, "cut to {length}");
        assert_eq!(report.chunks_lost, 0);
        let cut_to = fs::metadata(pack(crashed.path(), 0)).unwrap().len();
        assert_eq!(report.bytes_cut, length - cut_to);
        assert_eq!(count == 20, length == end);
        // What is missing can be put again, and the file is whole for the next start.
        store.put_chunks(all.clone()).unwrap();
        store.sync_chunks().unwrap();
        drop(store);
        let store = open(crashed.path());
        assert_eq!(store.open_report(), weft_store::OpenReport::default());
        assert_eq!(readable(&store, &all), 20);
        assert!(store.check(CheckDepth::Full).unwrap().is_sound());
    }
}

#[test]
fn garbage_after_the_end_of_a_pack_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let all = chunks(0..5);
    store.put_chunks(all.clone()).unwrap();
    store.sync_chunks().unwrap();
    drop(store);
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    let mut lying = b"WCK1\xff\xff\xff\xff".to_vec();
    lying.extend_from_slice(&[0; 200]);
    let mut wrong_hash = b"WCK1\x04\x00\x00\x00".to_vec();
    wrong_hash.extend_from_slice(&[0; 36]);
    let random: Vec<u8> = (0..5_000).map(|_| rng.random()).collect();
    for garbage in [vec![0; 10_000], random, lying, wrong_hash, b"WCK1".to_vec()] {
        let length = garbage.len() as u64;
        let mut file = fs::OpenOptions::new().append(true).open(pack(folder.path(), 0)).unwrap();
        file.write_all(&garbage).unwrap();
        let store = open(folder.path());
        assert_eq!(store.open_report().bytes_cut, length);
        assert_eq!(store.open_report().chunks_found, 0);
        assert_eq!(readable(&store, &all), 5);
    }
}

#[test]
fn chunks_whose_bytes_are_gone_are_reported_and_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { pack_bytes_max: 12_000, ..StoreOptions::default() };
    let all = chunks(0..30);
    {
        let store = Store::open_with(folder.path(), &key(), options).unwrap();
        store.put_chunks(all.clone()).unwrap();
        store.sync_chunks().unwrap();
    }
    let packs = fs::read_dir(folder.path().join("packs")).unwrap().count() - 1;
    assert!(packs >= 3, "{packs} packs");
    let first = fs::metadata(pack(folder.path(), 0)).unwrap().len();
    for (number, length) in [(0, first / 2), (0, 0), (packs as u32 - 1, 7), (1, 3_000)] {
        let damaged = copy(folder.path());
        truncate(&pack(damaged.path(), number), length);
        check_loss(damaged.path(), options, &all);
    }
    for number in [0, 1, packs as u32 - 1] {
        let damaged = copy(folder.path());
        fs::remove_file(pack(damaged.path(), number)).unwrap();
        check_loss(damaged.path(), options, &all);
    }
}

fn check_loss(folder: &Path, options: StoreOptions, all: &[(ChunkId, Bytes)]) {
    let store = Store::open_with(folder, &key(), options).unwrap();
    let lost = store.open_report().chunks_lost as usize;
    assert!(lost > 0);
    assert_eq!(readable(&store, all), all.len() - lost);
    let ids: Vec<ChunkId> = all.iter().map(|(id, _)| *id).collect();
    assert_eq!(store.missing(&ids).unwrap().len(), lost);
    assert_eq!(store.put_chunks(all.to_vec()).unwrap().stored, lost);
    store.sync_chunks().unwrap();
    drop(store);
    let store = Store::open_with(folder, &key(), options).unwrap();
    assert_eq!(store.open_report().chunks_lost, 0);
    assert_eq!(readable(&store, all), all.len());
}

#[test]
fn a_chunk_that_rots_is_found_and_healed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let all = chunks(0..10);
    store.put_chunks(all.clone()).unwrap();
    store.sync_chunks().unwrap();
    let mut bytes = fs::read(pack(folder.path(), 0)).unwrap();
    // Inside the first chunk.
    let at = 500;
    bytes[at] ^= 1;
    fs::write(pack(folder.path(), 0), bytes).unwrap();

    let report = store.check(CheckDepth::Full).unwrap();
    assert!(!report.is_sound() && report.hint().is_some());
    assert_eq!((report.chunks, report.chunks_damaged.len()), (10, 1));
    let id = report.chunks_damaged[0];
    let refused = store.chunk(&id).unwrap_err();
    assert!(matches!(refused, ReadError::ChunkDamaged { id: named } if named == id));
    store.commit(&[Write::ForgetChunk(id)]).unwrap();
    assert_eq!(store.missing(&[id]).unwrap(), [id]);
    store.put_chunks(all.clone()).unwrap();
    store.sync_chunks().unwrap();
    assert_eq!(readable(&store, &all), 10);
    assert!(store.check(CheckDepth::Full).unwrap().is_sound());
}

#[test]
fn a_batch_that_fails_half_way_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { pack_bytes_max: 4_000, ..StoreOptions::default() };
    let store = Store::open_with(folder.path(), &key(), options).unwrap();
    let all = chunks(0..10);
    store.put_chunks(all[..2].to_vec()).unwrap();
    let length = fs::metadata(pack(folder.path(), 0)).unwrap().len();
    // A folder stands where the next pack should be.
    fs::create_dir(pack(folder.path(), 1)).unwrap();
    store.put_chunks(all[2..].to_vec()).unwrap_err();
    assert_eq!(readable(&store, &all), 2);
    assert_eq!(fs::metadata(pack(folder.path(), 0)).unwrap().len(), length);
    fs::remove_dir(pack(folder.path(), 1)).unwrap();
    store.put_chunks(all.clone()).unwrap();
    store.sync_chunks().unwrap();
    drop(store);
    let store = Store::open_with(folder.path(), &key(), options).unwrap();
    assert_eq!(readable(&store, &all), 10);
}

fn all_reads(store: &Store, all: &[(ChunkId, Bytes)]) {
    let _ = store.workspaces();
    let _ = store.logs(WS);
    let _ = store.entries(WS, log(), 0, u64::MAX, usize::MAX);
    for filter in [EntryFilter::All, EntryFilter::WithoutData, EntryFilter::DataOnly] {
        let _ = store.entries_after(WS, StoredOrder::START, filter, usize::MAX);
    }
    let _ = store.marked(WS, EntryMarks::NONE, StoredOrder::START, 10);
    let _ = store.documents(WS);
    let _ = store.changes(WS, DOC, ChangeOrder::START);
    let _ = store.records(Space::workspace(WS, Table::Draft), b"");
    for (id, _) in all {
        let _ = store.chunk(id);
    }
    let _ = store.check(CheckDepth::Full);
    let _ = store.commit(&step(41));
    let _ = store.put_chunks(chunks(100..102));
    let _ = store.sync_chunks();
}

/// Random damage everywhere in the database: errors, never a panic, never an endless loop.
#[test]
fn a_damaged_database_is_an_error_with_a_cure() {
    let folder = tempfile::tempdir().unwrap();
    let all = chunks(0..10);
    {
        let store = open(folder.path());
        for seq in 1..=40 {
            store.commit(&step(seq)).unwrap();
        }
        store.put_chunks(all.clone()).unwrap();
        store.sync_chunks().unwrap();
    }
    let whole = fs::read(folder.path().join("store.db")).unwrap();
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    let mut noticed = 0;
    for round in 0..120 {
        let damaged = copy(folder.path());
        let mut bytes = whole.clone();
        if round % 4 == 0 {
            bytes.truncate(rng.random_range(1..whole.len()));
        } else {
            // A whole sector, as disks lose them, or a few bits.
            let length = if round % 2 == 0 { 512 } else { 3 };
            let at = rng.random_range(0..bytes.len() - length);
            bytes[at..at + length].fill_with(|| rng.random());
        }
        fs::write(damaged.path().join("store.db"), bytes).unwrap();
        match Store::open(damaged.path(), &key()) {
            Ok(store) => {
                let sound = store.check(CheckDepth::Full).is_ok_and(|report| report.is_sound());
                noticed += u32::from(!sound);
                all_reads(&store, &all);
            }
            Err(error) => {
                assert!(!error.hint().is_empty());
                noticed += 1;
            }
        }
    }
    assert!(noticed > 60, "only {noticed} of 120 were noticed");
}

#[test]
fn a_file_that_is_no_database_is_named_as_damaged() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("store.db"), vec![b'x'; 8_192]).unwrap();
    let refused = Store::open(folder.path(), &key()).unwrap_err();
    let OpenError::Database { source, .. } = &refused else {
        panic!("{refused:?}");
    };
    assert!(matches!(source, DatabaseError::Damaged { .. }));
    assert!(refused.hint().contains("join the folder again"), "{}", refused.hint());
    assert!(refused.to_string().contains("store.db"));
}

/// A snapshot is a cache: without it a text is made of its history.
#[test]
fn a_damaged_snapshot_is_told_apart_from_damage_that_matters() {
    let folder = tempfile::tempdir().unwrap();
    let record = |table| Write::Record {
        space: Space::workspace(WS, table),
        key: b"key".to_vec(),
        value: Some(b"value".to_vec()),
    };
    for (table, is_sound) in [(Table::Snapshot, true), (Table::Identity, false)] {
        open(folder.path()).commit(&[record(table)]).unwrap();
        let database = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
        let damaged = database
            .execute("UPDATE records SET value = zeroblob(60) WHERE value <> zeroblob(60)", ())
            .unwrap();
        assert_eq!(damaged, 1);
        drop(database);
        let store = open(folder.path());
        let report = store.check(CheckDepth::Full).unwrap();
        assert_eq!(report.is_sound(), is_sound, "{report:?}");
        assert_eq!((report.snapshots_damaged, report.records_damaged), (1, u64::from(!is_sound)));
    }
}

#[test]
fn nothing_secret_lies_readable_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for table in [Table::Mirror, Table::Peer, Table::Setting] {
        store
            .commit(&[Write::Record {
                space: Space::workspace(WS, table),
                key: format!("docs/{CANARY}.txt").into_bytes(),
                value: Some(b"v".to_vec()),
            }])
            .unwrap();
    }
    for table in [Table::Snapshot, Table::EpochKey, Table::Identity, Table::Draft] {
        store
            .commit(&[Write::Record {
                space: Space::device(table),
                key: b"id".to_vec(),
                value: Some(CANARY.repeat(10_000).into_bytes()),
            }])
            .unwrap();
    }
    let found_in = |folder: &Path| {
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let holds = |path: &PathBuf| {
            path.is_file() && {
                let bytes = fs::read(path).unwrap();
                bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes())
            }
        };
        files.filter(holds).collect::<Vec<_>>()
    };
    assert_eq!(found_in(folder.path()), Vec::<PathBuf>::new());
    drop(store);
    assert_eq!(found_in(folder.path()), Vec::<PathBuf>::new());
    // The search itself can find something.
    fs::write(folder.path().join("leak"), CANARY).unwrap();
    assert_eq!(found_in(folder.path()).len(), 1);
}

#[cfg(unix)]
#[test]
fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.commit(&step(1)).unwrap();
    store.put_chunks(chunks(0..1)).unwrap();
    for name in ["store.db", "store.db-wal", "store.db-shm", "packs/00000000.pack", "packs/lock"] {
        let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} {mode:o}");
    }
}

const CHILD_FOLDER: &str = "WEFT_STORE_CRASH_TEST_FOLDER";

/// The child of the test below: commits and says what was acknowledged, until it is killed.
#[test]
fn crash_child() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else {
        return;
    };
    let store = open(Path::new(&folder));
    let begin = steps(&store);
    let mut output = std::io::stdout().lock();
    for seq in begin + 1.. {
        store.put_chunks(vec![chunk(seq)]).unwrap();
        let mut writes = step(seq);
        writes.push(Write::SyncChunks);
        store.commit(&writes).unwrap();
        writeln!(output, "\nacknowledged {seq}").unwrap();
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 1..=6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash_child", "--nocapture"])
            .env(CHILD_FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut wanted = 5 * round;
        for line in lines.by_ref() {
            if let Some(seq) = line.unwrap().strip_prefix("acknowledged ") {
                acknowledged = seq.parse().unwrap();
                wanted -= 1;
            }
            if wanted == 0 {
                break;
            }
        }
        assert_eq!(wanted, 0, "the child ended early");
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said between the last line read here and its end counts as well.
        for line in lines.map_while(Result::ok) {
            if let Some(seq) = line.strip_prefix("acknowledged ") {
                acknowledged = seq.parse().unwrap_or(acknowledged);
            }
        }
        let store = open(folder.path());
        assert!(steps(&store) >= acknowledged, "{} < {acknowledged}", steps(&store));
        let all = chunks(1..acknowledged + 1);
        assert_eq!(readable(&store, &all) as u64, acknowledged);
        assert!(store.check(CheckDepth::Quick).unwrap().is_sound());
    }
}
