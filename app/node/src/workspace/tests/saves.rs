//! Saves that the workspace cannot take, or not as what they look like.

use std::sync::Arc;

use weft_crdt::tree::ContentValue;
use weft_sync::acl::Class;
use weft_sync::data::Origin;

use super::removed::put_out_while_he_writes;
use super::{Device, assert_equal, meet};
use crate::api::EditAction;
use crate::mirror::{DiskChange, Evidence, FileRef, RelPath, SaveBase};
use crate::workspace::disk::KnownFolders;
use crate::workspace::version::FileVersion;

const FILE: &str = "plan.txt";

/// Something saves a file over what it held; whether that was taken.
fn save(device: &mut Device, over: &FileVersion, text: &str) -> bool {
    save_with(device, over, text, Evidence::Certain)
}

fn save_with(device: &mut Device, over: &FileVersion, text: &str, evidence: Evidence) -> bool {
    let node = device.engine.shown()[FILE].node;
    let file = FileRef::of_bytes(&Arc::from(text.as_bytes()), false);
    let base = SaveBase { version: over.encode(), hash: [0; 32], older: Vec::new(), evidence };
    let path = RelPath::parse(FILE).expect("a path");
    let change = DiskChange::Modified { path, node: *node.as_bytes(), base, file };
    device.accepted.clear();
    device.engine.disk_changed(1, &[change], &[], &KnownFolders::new(), Origin::Human);
    device.carry_out();
    let [accepted] = device.accepted.as_slice() else { panic!("one answer, not {:?}", device.accepted) };
    !accepted.is_empty()
}

fn now(device: &Device) -> FileVersion {
    let content = device.engine.shown()[FILE].content.clone().expect("a file");
    let ContentValue::Text { document, .. } = &*content else { panic!("a text, not {content:?}") };
    let heads = device.engine.heads().remove(document).expect("an edited text");
    FileVersion::Text(*document, heads)
}

fn is_told(device: &Device) -> bool {
    device.engine.summary().pending.iter().any(|pending| pending.path == FILE)
}

#[test]
fn a_save_of_a_text_that_cannot_be_read_is_neither_taken_nor_forgotten() {
    let mut ana = Device::founding("ana");
    let mut ben = ana.admit("ben", Class::Editor);
    ana.replace(FILE, "one\n");
    ana.insert(FILE, 4, "two\n");
    ben.takes_contents = false;
    meet(&mut ana, &mut ben);
    let over = now(&ben);
    assert!(!save(&mut ben, &over, "one\ntwo\nthree\n"), "there is no text that it could be an edit of");
    assert!(is_told(&ben), "{:?}", ben.engine.summary().pending);
    // The folder offers it again once in a while.
    ben.takes_contents = true;
    meet(&mut ana, &mut ben);
    assert!(save(&mut ben, &over, "one\ntwo\nthree\n"));
    assert!(!is_told(&ben), "{:?}", ben.engine.summary().pending);
    meet(&mut ana, &mut ben);
    assert_eq!(ana.text(FILE), "one\ntwo\nthree\n");
    assert_equal(&ana, &ben);
}

#[test]
fn a_save_over_text_that_was_taken_back_is_kept_beside_what_others_wrote() {
    let (mut ana, mut cid) = put_out_while_he_writes(FILE);
    let over = now(&cid);
    assert_eq!(cid.text(FILE), "one\nof ben's\n");
    ana.insert(FILE, 0, "zero\n");
    meet(&mut ana, &mut cid);
    assert_eq!(cid.text(FILE), "zero\none\n");
    // An editor of Cid's still has what the folder held before.
    assert!(save(&mut cid, &over, "one\nof ben's\nof cid's\n"));
    meet(&mut ana, &mut cid);
    assert_eq!(ana.text(FILE), "zero\none\n");
    let beside: Vec<String> = ana.engine.shown().into_keys().filter(|path| path != FILE).collect();
    let [beside] = beside.as_slice() else { panic!("one file beside it, not {beside:?}") };
    assert_eq!(ana.text(beside), "one\nof ben's\nof cid's\n");
    assert_equal(&ana, &cid);
}

#[test]
fn an_edit_that_is_refused_leaves_nothing_that_others_lack() {
    let mut ana = Device::founding("ana");
    let mut ben = ana.admit("ben", Class::Editor);
    ana.replace(FILE, "one\n");
    meet(&mut ana, &mut ben);
    let beyond = EditAction::Insert { at: 1_000, text: "x".to_owned() };
    ana.engine.edit(FILE, &beyond).expect_err("there is no such place");
    ana.carry_out();
    meet(&mut ana, &mut ben);
    assert_equal(&ana, &ben);
    ana.insert(FILE, 4, "two\n");
    meet(&mut ana, &mut ben);
    assert_eq!(ben.text(FILE), "one\ntwo\n");
    assert_equal(&ana, &ben);
}

#[test]
fn a_copy_that_was_loaded_before_a_start_deletes_nothing_either() {
    let mut ana = Device::founding("ana");
    let mut ben = ana.admit("ben", Class::Editor);
    let loaded = "one\ntwo\n";
    ana.replace(FILE, "one\n");
    ana.insert(FILE, 4, "two\n");
    meet(&mut ana, &mut ben);
    ben.insert(FILE, 8, "of ben's\n");
    meet(&mut ana, &mut ben);
    ana.restart();
    ana.pass(1_000);
    let over = now(&ana);
    assert!(save_with(&mut ana, &over, &format!("{loaded}something else\n"), Evidence::None));
    meet(&mut ana, &mut ben);
    assert_eq!(ben.text(FILE), "one\ntwo\nsomething else\nof ben's\n");
    assert_equal(&ana, &ben);
    // What is deleted long after the start was seen before.
    ana.pass(3_600_000);
    let over = now(&ana);
    assert!(save_with(&mut ana, &over, &format!("{loaded}something else\n"), Evidence::None));
    assert_eq!(ana.text(FILE), "one\ntwo\nsomething else\n");
}
