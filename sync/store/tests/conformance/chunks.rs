use bytes::Bytes;
use weft_crdt::ChunkId;
use weft_store::limits::CHUNK_BYTES_MAX;
use weft_store::{PutChunksError, PutReport, Storage, Write};

use crate::support::chunk;

fn several(count: u32) -> Vec<(ChunkId, Bytes)> {
    let contents =
        |number: u32| chunk(format!("{number:>width$}", width = (number % 200) as usize).as_bytes());
    (0..count).map(contents).collect()
}

pub(crate) fn chunks_are_read_back(store: &dyn Storage) {
    let mut all = several(100);
    all.push(chunk(b""));
    all.push(chunk(&vec![5; 300_000]));
    let report = store.put_chunks(all.clone()).unwrap();
    assert_eq!(report.stored, all.len());
    let check = || {
        for (id, bytes) in &all {
            assert!(store.has_chunk(id).unwrap());
            assert_eq!(store.chunk(id).unwrap().as_ref(), Some(bytes));
        }
    };
    check();
    store.flush_chunks().unwrap();
    check();
    store.sync_chunks().unwrap();
    check();
    store.sync_chunks().unwrap();
    let (unknown, _) = chunk(b"unknown");
    assert!(!store.has_chunk(&unknown).unwrap());
    assert_eq!(store.chunk(&unknown).unwrap(), None);
}

pub(crate) fn a_chunk_with_another_name_is_refused(store: &dyn Storage) {
    let good = chunk(b"good");
    let (id, _) = chunk(b"named");
    let bad = (id, Bytes::from_static(b"other"));
    let refused = store.put_chunks(vec![good.clone(), bad]).unwrap_err();
    assert!(matches!(refused, PutChunksError::WrongHash { id: named } if named == id));
    assert!(!store.has_chunk(&good.0).unwrap());
    assert!(!store.has_chunk(&id).unwrap());
}

pub(crate) fn a_chunk_put_twice_is_stored_once(store: &dyn Storage) {
    let one = chunk(b"one");
    let report = store.put_chunks(vec![one.clone(), one.clone()]).unwrap();
    let expected = PutReport { stored: 1, known: 1, bytes: 3 };
    assert_eq!(report, expected);
    assert_eq!(store.put_chunks(vec![one.clone()]).unwrap().known, 1);
    store.sync_chunks().unwrap();
    assert_eq!(store.put_chunks(vec![one]).unwrap().known, 1);
    assert_eq!(store.put_chunks(Vec::new()).unwrap(), PutReport::default());
}

pub(crate) fn missing_chunks_keep_their_order(store: &dyn Storage) {
    let all = several(20);
    store.put_chunks(all[..5].to_vec()).unwrap();
    store.sync_chunks().unwrap();
    store.put_chunks(all[5..10].to_vec()).unwrap();
    let ids: Vec<ChunkId> = all.iter().map(|(id, _)| *id).rev().collect();
    assert_eq!(store.missing(&ids).unwrap(), ids[..10]);
}

pub(crate) fn a_forgotten_chunk_can_be_put_again(store: &dyn Storage) {
    let (id, bytes) = chunk(b"contents");
    store.put_chunks(vec![(id, bytes.clone())]).unwrap();
    for sync_before in [true, false] {
        if sync_before {
            store.sync_chunks().unwrap();
        }
        store.commit(&[Write::ForgetChunk(id)]).unwrap();
        assert!(!store.has_chunk(&id).unwrap());
        assert_eq!(store.chunk(&id).unwrap(), None);
        store.put_chunks(vec![(id, bytes.clone())]).unwrap();
        assert_eq!(store.chunk(&id).unwrap(), Some(bytes.clone()));
    }
}

pub(crate) fn threads_put_and_read_at_once(store: &dyn Storage) {
    let all = several(120);
    std::thread::scope(|scope| {
        for start in [0, 30, 60] {
            let part = &all[start..start + 60];
            scope.spawn(move || {
                for (number, one) in part.iter().enumerate() {
                    store.put_chunks(vec![one.clone()]).unwrap();
                    if number % 10 == 0 {
                        store.sync_chunks().unwrap();
                    }
                    assert_eq!(store.chunk(&one.0).unwrap().as_ref(), Some(&one.1));
                }
            });
        }
    });
    store.sync_chunks().unwrap();
    for (id, bytes) in &all {
        assert_eq!(store.chunk(id).unwrap().as_ref(), Some(bytes));
    }
}

pub(crate) fn a_chunk_has_a_limit(store: &dyn Storage) {
    let longest = chunk(&vec![1; CHUNK_BYTES_MAX]);
    store.put_chunks(vec![longest.clone()]).unwrap();
    assert_eq!(store.chunk(&longest.0).unwrap(), Some(longest.1));
    let longer = chunk(&vec![1; CHUNK_BYTES_MAX + 1]);
    let refused = store.put_chunks(vec![longer]).unwrap_err();
    assert!(matches!(refused, PutChunksError::TooLarge { .. }));
}
