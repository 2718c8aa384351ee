//! Documents out of snapshots.

use weft_store::{ChangeOrder, Space, Storage, Table, Write};
use weft_sync::acl::Class;

use super::super::snapshots::{BUSY_CHANGES_MIN, QUIET_CHANGES_MIN, QUIET_MILLIS};
use super::{Device, assert_equal, meet};

const FILE: &str = "plan.txt";

impl Device {
    pub(super) fn document(&self, path: &str) -> weft_crdt::DocumentId {
        let (_, content) = self.engine.shown_file(path).expect("a file");
        content.document().expect("an edited text")
    }

    fn space(&self) -> Space {
        Space::workspace(self.engine.replica().workspace(), Table::Snapshot)
    }

    fn snapshot(&self, path: &str) -> Option<Vec<u8>> {
        self.store.record(self.space(), self.document(path).as_bytes()).expect("a store that can be read")
    }

    fn set_snapshot(&self, path: &str, value: Option<Vec<u8>>) {
        let (space, key) = (self.space(), self.document(path).as_bytes().to_vec());
        self.store.commit(&[Write::Record { space, key, value }]).expect("a commit");
    }

    fn type_many(&mut self, count: usize) {
        for at in 0..count {
            self.insert(FILE, at as u64, "x");
        }
    }
}

/// Takes the changes of a document out of the store's index: what is left can only come from a snapshot.
fn text_from_snapshot_alone(device: &mut Device) -> Option<String> {
    let id = device.document(FILE);
    let base = device.engine.view.base_of_document(id)?.clone();
    let verdicts = super::super::entries::OpenData::verdicts(device.engine.replica());
    let ws = device.engine.replica().workspace();
    let found = super::super::snapshots::read(&*device.store, ws, id, &base, &verdicts)?;
    Some(found.document.text())
}

#[test]
fn a_quiet_document_gets_a_snapshot_and_is_read_from_it() {
    let mut ana = Device::founding("ana");
    ana.replace(FILE, "base\n");
    ana.type_many(QUIET_CHANGES_MIN);
    assert_eq!(ana.snapshot(FILE), None);
    ana.pass(QUIET_MILLIS);
    let text = ana.text(FILE);
    assert_eq!(text_from_snapshot_alone(&mut ana), Some(text.clone()));
    // Later changes come from the log.
    ana.insert(FILE, 3, "later");
    let text = ana.text(FILE);
    let digests = ana.engine.digests();
    ana.restart();
    assert_eq!(ana.text(FILE), text);
    assert_eq!(ana.engine.digests(), digests);
    ana.insert(FILE, 0, "and on ");
    assert_eq!(ana.text(FILE), format!("and on {text}"));
}

#[test]
fn a_busy_document_gets_one_without_a_pause() {
    let mut ana = Device::founding("ana");
    ana.replace(FILE, "base\n");
    ana.type_many(BUSY_CHANGES_MIN);
    ana.pass(0);
    assert!(ana.snapshot(FILE).is_some());
}

#[test]
fn damaged_missing_and_foreign_snapshots_are_made_again() {
    let mut ana = Device::founding("ana");
    ana.replace(FILE, "base\n");
    ana.type_many(QUIET_CHANGES_MIN + 1);
    ana.pass(QUIET_MILLIS);
    let text = ana.text(FILE);
    let good = ana.snapshot(FILE).expect("a snapshot");
    for at in (0..good.len()).step_by(7) {
        let mut damaged = good.clone();
        damaged[at] ^= 0x20;
        ana.set_snapshot(FILE, Some(damaged));
        ana.restart();
        assert_eq!(ana.text(FILE), text, "byte {at}");
    }
    for length in [0, 1, 40, 66, good.len() - 1] {
        ana.set_snapshot(FILE, Some(good[..length].to_vec()));
        ana.restart();
        assert_eq!(ana.text(FILE), text, "{length} bytes");
    }
    ana.set_snapshot(FILE, None);
    ana.restart();
    assert_eq!(ana.text(FILE), text);
    // It is written again without an edit.
    ana.pass(QUIET_MILLIS);
    assert_eq!(text_from_snapshot_alone(&mut ana), Some(text));
}

#[test]
fn nothing_that_is_not_stored_is_in_a_snapshot() {
    let mut ana = Device::founding("ana");
    ana.replace(FILE, "base\n");
    ana.type_many(QUIET_CHANGES_MIN);
    ana.held = Some(Vec::new());
    ana.insert(FILE, 0, "not stored");
    ana.pass(QUIET_MILLIS);
    assert_eq!(ana.snapshot(FILE), None);
    // The power fails: the edit is gone, and nothing depends on it.
    ana.restart();
    assert!(!ana.text(FILE).contains("not stored"));
    ana.pass(QUIET_MILLIS);
    assert!(ana.snapshot(FILE).is_some());
}

#[test]
fn a_change_that_waits_for_another_one_is_not_forgotten() {
    let mut ana = Device::founding("ana");
    let mut ben = ana.admit("ben", Class::Editor);
    ana.replace(FILE, "base\n");
    meet(&mut ana, &mut ben);
    ana.type_many(QUIET_CHANGES_MIN);
    ana.pass(QUIET_MILLIS);
    let id = ana.document(FILE);
    let ws = ana.engine.replica().workspace();
    let rows = ana.store.changes(ws, id, ChangeOrder::START).expect("rows");
    assert_eq!(rows.len(), QUIET_CHANGES_MIN);
    meet(&mut ana, &mut ben);
    assert_equal(&ana, &ben);
    ben.pass(QUIET_MILLIS);
    ben.insert(FILE, 1, "from Ben ");
    meet(&mut ana, &mut ben);
    ana.restart();
    ben.restart();
    assert_equal(&ana, &ben);
    assert!(ana.text(FILE).contains("from Ben"));
}

#[test]
fn a_snapshot_with_edits_that_count_no_more_is_not_used() {
    let mut ana = Device::founding("ana");
    let mut ben = ana.admit("ben", Class::Editor);
    let mut carla = ana.admit("carla", Class::Editor);
    ana.replace(FILE, "base\n");
    meet(&mut ana, &mut ben);
    meet(&mut ana, &mut carla);
    ben.type_many(QUIET_CHANGES_MIN);
    meet(&mut ben, &mut carla);
    carla.pass(QUIET_MILLIS);
    assert!(carla.snapshot(FILE).is_some());
    ana.remove(&ben);
    carla.keeps_snapshots = false;
    meet(&mut ana, &mut carla);
    carla.restart();
    assert_eq!(carla.text(FILE), "base\n");
    assert_equal(&ana, &carla);
}
