use weft_store::limits::RECORD_KEY_BYTES_MAX;
use weft_store::{CommitError, Space, Storage, Table, Write};

use crate::support::{OTHER, WS};

fn put(space: Space, key: &[u8], value: &[u8]) -> Write {
    Write::Record { space, key: key.to_vec(), value: Some(value.to_vec()) }
}

fn remove(space: Space, key: &[u8]) -> Write {
    Write::Record { space, key: key.to_vec(), value: None }
}

/// One table whose keys are readable and one whose keys are sealed.
fn spaces() -> [Space; 2] {
    [Space::workspace(WS, Table::Snapshot), Space::workspace(WS, Table::Mirror)]
}

pub(crate) fn a_record_is_read_back(store: &dyn Storage) {
    for space in spaces() {
        assert_eq!(store.record(space, b"k").unwrap(), None);
        store.commit(&[remove(space, b"k")]).unwrap();
        store.commit(&[put(space, b"k", b"one"), put(space, b"", b"empty key")]).unwrap();
        store.commit(&[put(space, b"k", b"two"), put(space, b"e", b"")]).unwrap();
        assert_eq!(store.record(space, b"k").unwrap(), Some(b"two".to_vec()));
        assert_eq!(store.record(space, b"e").unwrap(), Some(Vec::new()));
        assert_eq!(store.record(space, b"").unwrap(), Some(b"empty key".to_vec()));
        store.commit(&[remove(space, b"k"), remove(space, b"k")]).unwrap();
        assert_eq!(store.record(space, b"k").unwrap(), None);
        let large = vec![7; 3_000_000];
        store.commit(&[put(space, b"large", &large)]).unwrap();
        assert_eq!(store.record(space, b"large").unwrap(), Some(large));
    }
}

pub(crate) fn prefixes_find_their_records(store: &dyn Storage) {
    let keys: [&[u8]; 8] = [b"", b"a", b"ab", b"abc", b"b", b"\xfe\xff", b"\xff", b"\xff\xff\x01"];
    for space in spaces() {
        for key in keys {
            store.commit(&[put(space, key, key)]).unwrap();
        }
        let found = |prefix: &[u8]| {
            let records = store.records(space, prefix).unwrap();
            assert!(records.iter().all(|(key, value)| key == value));
            records.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert_eq!(found(b""), keys);
        assert_eq!(found(b"a"), keys[1..4]);
        assert_eq!(found(b"ab"), keys[2..4]);
        assert_eq!(found(b"\xff"), keys[6..]);
        assert_eq!(found(b"\xff\xff"), keys[7..]);
        assert_eq!(found(b"\xfe"), keys[5..6]);
        assert_eq!(found(b"c"), [b""; 0]);
    }
}

pub(crate) fn spaces_stay_apart(store: &dyn Storage) {
    let spaces = [
        Space::device(Table::Mirror),
        Space::device(Table::Draft),
        Space::workspace(WS, Table::Mirror),
        Space::workspace(WS, Table::Draft),
        Space::workspace(OTHER, Table::Draft),
    ];
    for (number, space) in spaces.into_iter().enumerate() {
        store.commit(&[put(space, b"k", &[number as u8])]).unwrap();
    }
    for (number, space) in spaces.into_iter().enumerate() {
        assert_eq!(store.record(space, b"k").unwrap(), Some(vec![number as u8]));
        assert_eq!(store.records(space, b"").unwrap().len(), 1);
    }
    assert_eq!(store.workspaces().unwrap(), [WS, OTHER]);
}

pub(crate) fn records_have_limits(store: &dyn Storage) {
    for space in spaces() {
        let longest = vec![1; RECORD_KEY_BYTES_MAX];
        store.commit(&[put(space, &longest, b"v")]).unwrap();
        assert_eq!(store.record(space, &longest).unwrap(), Some(b"v".to_vec()));
        let longer = vec![1; RECORD_KEY_BYTES_MAX + 1];
        let refused = store.commit(&[put(space, &longer, b"v")]).unwrap_err();
        assert!(matches!(refused, CommitError::TooLarge { .. }), "{refused}");
    }
}

pub(crate) fn a_cleared_table_is_empty(store: &dyn Storage) {
    let [snapshots, mirror] = spaces();
    for space in [snapshots, mirror] {
        store.commit(&[put(space, b"a", b""), put(space, b"b", b"")]).unwrap();
    }
    store.commit(&[Write::ClearRecords(mirror), put(mirror, b"c", b"")]).unwrap();
    store.commit(&[Write::ClearRecords(Space::workspace(OTHER, Table::Draft))]).unwrap();
    assert_eq!(store.records(mirror, b"").unwrap(), [(b"c".to_vec(), vec![])]);
    assert_eq!(store.records(snapshots, b"").unwrap().len(), 2);
    assert_eq!(store.workspaces().unwrap(), [WS]);
}
