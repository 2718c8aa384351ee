//! What needs a look inside; the conformance suite and the crash tests see the outside.

use std::fs;

use rand::{RngExt as _, SeedableRng as _};
use weft_sync::{EntryId, EntryRef, Kind, LogId, WorkspaceId};

use super::*;
use crate::rows::NewEntry;
use crate::space::Table;

const WS: WorkspaceId = WorkspaceId::from_bytes([1; 32]);

fn key() -> StoreKey {
    StoreKey::from_bytes([5; 32])
}

fn entry(seq: u64, length: usize) -> Write {
    Write::Entry(NewEntry {
        ws: WS,
        at: EntryRef {
            log: LogId::from_bytes([2; 32]),
            seq,
            id: EntryId::from_bytes([seq.to_le_bytes()[0]; 32]),
        },
        kind: Kind::Data,
        marks: EntryMarks::UNOPENED,
        bytes: Bytes::from(vec![7; length]),
    })
}

fn chunk(contents: &[u8]) -> (ChunkId, Bytes) {
    let id = ChunkId::from_bytes(*blake3::hash(contents).as_bytes());
    (id, Bytes::copy_from_slice(contents))
}

/// What was released is in the files of people: a step that changes leaves them behind.
#[test]
fn released_migrations_stay_as_they_are() {
    let pinned = ["39d5eaf090220f17", "df7c63756787875a"];
    let found: Vec<String> =
        schema::MIGRATIONS.iter().map(|sql| blake3::hash(sql.as_bytes()).to_hex()[..16].to_owned()).collect();
    assert_eq!(found, pinned);
}

#[test]
fn a_file_of_the_first_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let record = Write::Record {
        space: Space::workspace(WS, Table::Snapshot),
        key: b"doc".to_vec(),
        value: Some(b"text".to_vec()),
    };
    {
        let mut old = open_writer(&folder.path().join("store.db"), 2_000).unwrap();
        schema::migrate(&mut old, &key(), 0, &schema::MIGRATIONS[..1]).unwrap();
        let writes = [entry(1, 10), entry(2, 20), record];
        write::commit(&mut old, &RowSeal::new(&key()), &writes, &[]).unwrap();
        let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'chunks'";
        let count: i64 = old.query_row(tables, (), |row| row.get(0)).unwrap();
        assert_eq!(count, 0, "the first version has no chunks");
    }
    for migrated_from in [Some(1), None] {
        let store = Store::open(folder.path(), &key()).unwrap();
        assert_eq!(store.open_report().migrated_from, migrated_from);
        let all = store.entries_after(WS, StoredOrder::START, EntryFilter::All, usize::MAX);
        assert_eq!(all.unwrap().len(), 2);
        let snapshots = Space::workspace(WS, Table::Snapshot);
        assert_eq!(store.record(snapshots, b"doc").unwrap(), Some(b"text".to_vec()));
        let (id, bytes) = chunk(b"new");
        store.put_chunks(vec![(id, bytes.clone())]).unwrap();
        store.sync_chunks().unwrap();
        assert_eq!(store.chunk(&id).unwrap(), Some(bytes));
    }
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path(), &key()).unwrap());
    let connection = Connection::open(folder.path().join("store.db")).unwrap();
    connection.pragma_update(None, "user_version", 3).unwrap();
    drop(connection);
    let refused = Store::open(folder.path(), &key()).unwrap_err();
    assert!(matches!(refused, OpenError::TooNew { found: 3, known: 2, .. }));
    assert!(refused.hint().contains("update"));
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE notes(text)").unwrap();
    drop(connection);
    let before = fs::read(&path).unwrap();
    let refused = Store::open(folder.path(), &key()).unwrap_err();
    assert!(matches!(refused, OpenError::Foreign { .. }), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn another_key_opens_nothing_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path(), &key()).unwrap());
    let before = fs::read(folder.path().join("store.db")).unwrap();
    let refused = Store::open(folder.path(), &StoreKey::from_bytes([6; 32])).unwrap_err();
    assert!(matches!(refused, OpenError::WrongKey { .. }));
    assert_eq!(fs::read(folder.path().join("store.db")).unwrap(), before);
    Store::open(folder.path(), &key()).unwrap();
}

#[test]
fn a_second_store_on_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &key()).unwrap();
    let refused = Store::open(folder.path(), &key()).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }));
    drop(store);
    Store::open(folder.path(), &key()).unwrap();
}

#[test]
fn the_instance_is_of_the_file() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let open = |number: usize| Store::open(folders[number].path(), &key()).unwrap().instance();
    assert_eq!(open(0), open(0));
    assert_ne!(open(0), open(1));
}

#[test]
fn commits_are_synchronous_and_go_to_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &key()).unwrap();
    let writer = store.writer.lock().unwrap();
    let number = |sql| writer.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("PRAGMA synchronous"), 2, "FULL");
    let mode: String = writer.query_row("PRAGMA journal_mode", (), |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn a_clean_end_leaves_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &key()).unwrap();
    store.commit(&[entry(1, 10)]).unwrap();
    assert_eq!(store.workspaces().unwrap(), [WS]);
    assert!(folder.path().join("store.db-wal").exists());
    drop(store);
    assert!(!folder.path().join("store.db-wal").exists());
}

#[test]
fn a_full_disk_loses_nothing_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &key()).unwrap();
    store.commit(&[entry(1, 10)]).unwrap();
    let limit = |pages: i64| {
        let writer = store.writer.lock().unwrap();
        let sql = format!("PRAGMA max_page_count = {pages}");
        writer.query_row(&sql, (), |row| row.get::<_, i64>(0)).unwrap()
    };
    limit(1);
    let refused = store.commit(&[entry(2, 10), entry(3, 200_000)]).unwrap_err();
    let is_full = matches!(refused, CommitError::Database(DatabaseError::DiskFull { .. }));
    assert!(is_full, "{refused:?}");
    assert!(!refused.is_final() && !refused.is_refusal());
    assert!(refused.hint().contains("free some space"));
    let ws_log = LogId::from_bytes([2; 32]);
    assert_eq!(store.log(WS, ws_log).unwrap().unwrap().last_seq, 1);
    limit(1_000_000);
    store.commit(&[entry(2, 10), entry(3, 200_000)]).unwrap();
    assert_eq!(store.log(WS, ws_log).unwrap().unwrap().last_seq, 3);
}

#[test]
fn after_a_failed_fsync_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &key()).unwrap();
    store.put_chunks(vec![chunk(b"one")]).unwrap();
    store.packs.fail_for_test();
    let refused = store.sync_chunks().unwrap_err();
    assert!(refused.is_final());
    assert!(matches!(store.commit(&[entry(1, 1)]), Err(CommitError::Closed)));
    assert!(matches!(store.put_chunks(vec![chunk(b"two")]), Err(PutChunksError::Closed)));
    drop(store);
    // Opened again it looks at what is really there.
    let store = Store::open(folder.path(), &key()).unwrap();
    store.commit(&[entry(1, 1)]).unwrap();
}

#[test]
fn questions_use_their_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &key()).unwrap();
    store.commit(&[entry(1, 10)]).unwrap();
    let reader = store.reader();
    let plan = |sql: &str| {
        let mut statement = reader.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let lines = statement.query_map((), |row| row.get::<_, String>(3)).unwrap();
        lines.collect::<rusqlite::Result<Vec<_>>>().unwrap().join("; ")
    };
    let workspace = "(SELECT id FROM workspaces WHERE ws = x'00')";
    for (sql, index) in [
        (
            format!("SELECT * FROM entries e INDEXED BY entries_ws WHERE e.ws = {workspace} AND e.ord > 5 ORDER BY e.ord"),
            "entries_ws (ws=? AND rowid>?)",
        ),
        (
            format!("SELECT * FROM entries e WHERE e.log = 3 AND e.seq BETWEEN 1 AND 5 AND {workspace} = 1 ORDER BY e.seq, e.ord"),
            "entries_log (log=? AND seq>? AND seq<?)",
        ),
        (
            format!("SELECT * FROM changes WHERE ws = {workspace} AND doc = x'00' AND at > 5"),
            "PRIMARY KEY (ws=? AND doc=?)",
        ),
        (
            "SELECT value FROM records WHERE ws = (CASE WHEN 1 IS NULL THEN 0 ELSE (SELECT id FROM workspaces WHERE ws = x'00') END) AND tab = 3 AND key >= x'01'".to_owned(),
            "(ws=? AND tab=? AND key>?)",
        ),
    ] {
        let plan = plan(&sql);
        assert!(plan.contains(index), "{sql}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
}

#[test]
fn a_pack_takes_what_fits_and_one_byte_more_begins_another() {
    assert_eq!(StoreOptions::default().pack_bytes_max, crate::limits::PACK_BYTES_MAX);
    let record = |length: u64| 40 + length;
    for (more, packs) in [(0, 1), (1, 2)] {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { pack_bytes_max: record(1_000) + record(500), ..StoreOptions::default() };
        let store = Store::open_with(folder.path(), &key(), options).unwrap();
        store.put_chunks(vec![chunk(&[1; 1_000]), chunk(&vec![2; 500 + more])]).unwrap();
        store.sync_chunks().unwrap();
        let files = fs::read_dir(folder.path().join("packs")).unwrap().map(|file| file.unwrap().path());
        let made = files.filter(|file| file.extension().is_some_and(|extension| extension == "pack"));
        assert_eq!(made.count(), packs, "{more} more");
        assert_eq!(store.chunk(&chunk(&[1; 1_000]).0).unwrap().unwrap().len(), 1_000);
    }
}

/// Every sealed form that a record ever had, in a store that is busy with other records: each was in the files while it
/// counted, and none is there when the record is deleted and the log emptied.
#[test]
fn nothing_of_a_deleted_record_is_left_in_any_file() {
    for seed in 0..3 {
        deleted_and_searched_for(seed);
    }
}

fn deleted_and_searched_for(seed: u64) {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    // A log that is moved into the database now and then, as in a long run.
    let options = StoreOptions { checkpoint_pages: 60, ..StoreOptions::default() };
    let store = Store::open_with(folder.path(), &key(), options).unwrap();
    let space = Space::device(Table::Identity);
    let left = |forms: &[Vec<u8>]| forms_in(folder.path(), forms);
    let mut forms = Vec::new();
    for round in 0..400_u32 {
        let mut writes = Vec::new();
        for _ in 0..rng.random_range(1..6) {
            let length = [40, 90, 300, 2_000, 9_000][rng.random_range(0..5)] + rng.random_range(0..50);
            let value = (!rng.random_bool(0.2)).then(|| vec![round.to_le_bytes()[0]; length]);
            let other = Space::workspace(WS, [Table::Mirror, Table::Setting][rng.random_range(0..2)]);
            let space = if rng.random_bool(0.2) { space } else { other };
            let key = format!("other {}", rng.random_range(0..80));
            writes.push(Write::Record { space, key: key.into_bytes(), value });
        }
        if round % 16 == 0 {
            writes.push(Write::Record { space, key: b"user".to_vec(), value: Some(vec![3; 32]) });
        }
        store.commit(&writes).unwrap();
        if round % 16 == 0 {
            let stored_key = store.seal.stored_key(space, b"user");
            let sealed = read::record(&store.reader(), space, &stored_key).unwrap().unwrap();
            assert_eq!(left(std::slice::from_ref(&sealed)), 1, "what counts is there; seed {seed}");
            forms.push(sealed);
        }
    }
    assert_eq!(forms.len(), 25);
    store.commit(&[Write::Record { space, key: b"user".to_vec(), value: None }]).unwrap();
    assert!(left(&forms) > 0, "the log tells what was there before, so that the next look means something");
    store.empty_log().unwrap();
    assert_eq!(left(&forms), 0, "seed {seed}");
    assert_eq!(fs::metadata(folder.path().join("store.db-wal")).unwrap().len(), 0, "the log is empty");
}

/// How many of these sealed records stand in the files of a store, be it in part.
fn forms_in(folder: &Path, forms: &[Vec<u8>]) -> usize {
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    let mut words = std::collections::HashMap::new();
    for (number, form) in forms.iter().enumerate() {
        // After the version, all of it is random.
        words.extend(form[1..].chunks_exact(8).map(|part| (word(part), number)));
    }
    let mut found = std::collections::BTreeSet::<usize>::new();
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let bytes = fs::read(folder.join(name)).unwrap_or_default();
        found.extend(bytes.windows(8).filter_map(|window| words.get(&word(window)).copied()));
    }
    found.len()
}

#[test]
fn a_log_that_somebody_reads_is_not_said_to_be_empty() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &key()).unwrap();
    store.commit(&[entry(1, 10)]).unwrap();
    store.writer.lock().unwrap().busy_timeout(Duration::from_millis(20)).unwrap();
    let reader = open_reader(&store.path).unwrap().into_inner().unwrap();
    let reading = reader.unchecked_transaction().unwrap();
    reading.query_row("SELECT count(*) FROM entries", (), |row| row.get::<_, i64>(0)).unwrap();
    store.commit(&[entry(2, 10)]).unwrap();
    let refused = store.empty_log().unwrap_err();
    assert!(matches!(refused, CommitError::Database(DatabaseError::Busy { .. })), "{refused:?}");
    drop(reading);
    store.empty_log().unwrap();
    store.commit(&[entry(3, 10)]).unwrap();
}

#[test]
#[ignore = "measure"]
fn measure_secure_delete() {
    let run = |secure: bool| {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &key()).unwrap();
        store.writer.lock().unwrap().pragma_update(None, "secure_delete", secure).unwrap();
        let begin = Instant::now();
        for group in 0..100_u64 {
            let writes: Vec<Write> = (1..=1000)
                .map(|n| {
                    let mut id = [0; 32];
                    id[..8].copy_from_slice(&(group * 1000 + n).to_le_bytes());
                    Write::Entry(NewEntry {
                        ws: WS,
                        at: EntryRef {
                            log: LogId::from_bytes([2; 32]),
                            seq: group * 1000 + n,
                            id: EntryId::from_bytes(id),
                        },
                        kind: Kind::Data,
                        marks: EntryMarks::UNOPENED,
                        bytes: Bytes::from(vec![7; 550]),
                    })
                })
                .collect();
            store.commit(&writes).unwrap();
        }
        let entries = begin.elapsed();
        let begin = Instant::now();
        for round in 0..40_u64 {
            let writes: Vec<Write> = (0..500)
                .map(|n: u64| Write::Record {
                    space: Space::workspace(WS, Table::Mirror),
                    key: n.to_le_bytes().to_vec(),
                    value: Some(vec![1; 200 + usize::try_from((n * 7 + round * 13) % 90).unwrap()]),
                })
                .collect();
            store.commit(&writes).unwrap();
        }
        let records = begin.elapsed();
        let begin = Instant::now();
        for round in 0..40_u64 {
            let writes: Vec<Write> = (0..10)
                .map(|n: u64| Write::Record {
                    space: Space::workspace(WS, Table::Snapshot),
                    key: n.to_le_bytes().to_vec(),
                    value: Some(vec![1; 100_000 + usize::try_from(round * 13).unwrap()]),
                })
                .collect();
            store.commit(&writes).unwrap();
        }
        (entries, records, begin.elapsed())
    };
    for _ in 0..5 {
        println!("off {:?} on {:?}", run(false), run(true));
    }
}
