//! What became of the edits of somebody who was put out.

use weft_crdt::Value;
use weft_crdt::tree::{ContentValue, Field, Planner, RegisterKey};
use weft_crdt::{Author, RegisterEdit};
use weft_sync::acl::Class;
use weft_sync::data::Origin;

use super::{Device, Output, assert_equal, meet};

const FILE: &str = "plan.txt";

fn three_people() -> (Device, Device, Device) {
    let mut ana = Device::founding("ana");
    let ben = ana.admit("ben", Class::Editor);
    let cid = ana.admit("cid", Class::Editor);
    (ana, ben, cid)
}

/// Ana puts Ben out, who has not heard of it, makes the file a text by his first edit, and shares that with Cid.
pub(super) fn put_out_while_he_writes(file: &str) -> (Device, Device) {
    let (mut ana, mut ben, mut cid) = three_people();
    ana.replace(file, "one\n");
    meet(&mut ana, &mut ben);
    meet(&mut ana, &mut cid);
    ana.remove(&ben);
    ben.insert(file, 4, "of ben's\n");
    meet(&mut ben, &mut cid);
    (ana, cid)
}

#[test]
fn an_edit_of_a_text_that_he_began_is_kept_with_what_it_was_made_on() {
    let (mut ana, mut cid) = put_out_while_he_writes(FILE);
    cid.insert(FILE, 13, "of cid's\n");
    meet(&mut ana, &mut cid);
    assert_eq!(ana.text(FILE), "one\nof ben's\nof cid's\n");
    assert_equal(&ana, &cid);
    for device in [&mut ana, &mut cid] {
        let before = device.engine.digests();
        device.restart();
        assert_eq!(device.engine.digests(), before);
        assert_eq!(device.text(FILE), "one\nof ben's\nof cid's\n");
    }
}

#[test]
fn an_edit_of_a_file_that_he_made_is_kept_with_the_file() {
    let (mut ana, mut ben, mut cid) = three_people();
    meet(&mut ana, &mut ben);
    meet(&mut ana, &mut cid);
    ana.remove(&ben);
    ben.replace("notes/new.txt", "of ben's\n");
    ben.insert("notes/new.txt", 0, "more ");
    ben.replace("notes/unread.txt", "nobody has built on this\n");
    meet(&mut ben, &mut cid);
    cid.insert("notes/new.txt", 14, "of cid's\n");
    meet(&mut ana, &mut cid);
    assert_equal(&ana, &cid);
    for device in [&mut ana, &mut cid] {
        assert_eq!(device.text("notes/new.txt"), "more of ben's\nof cid's\n");
        let shown: Vec<String> = device.engine.shown().into_keys().collect();
        assert_eq!(shown, ["notes", "notes/new.txt"]);
        device.restart();
        assert_eq!(device.text("notes/new.txt"), "more of ben's\nof cid's\n");
    }
}

#[test]
fn an_edit_is_not_forgotten_by_a_stop_before_its_file_is_named_again() {
    let (mut ana, mut cid) = put_out_while_he_writes(FILE);
    cid.insert(FILE, 13, "of cid's\n");
    // The power fails after what Ana says is stored, and before the answer is.
    cid.held = Some(Vec::new());
    meet(&mut ana, &mut cid);
    let held = cid.held.take().unwrap_or_default();
    for output in held {
        if matches!(&output, Output::Commit { own, .. } if own.is_empty()) {
            cid.commit(output);
        }
    }
    cid.restart();
    meet(&mut ana, &mut cid);
    assert_eq!(ana.text(FILE), "one\nof ben's\nof cid's\n");
    assert_equal(&ana, &cid);
}

#[test]
fn what_he_writes_beside_the_name_of_an_edited_text_counts_for_nobody() {
    let (mut ana, mut ben, mut cid) = three_people();
    ana.replace(FILE, "one\n");
    ana.insert(FILE, 4, "two\n");
    meet(&mut ana, &mut ben);
    meet(&mut ana, &mut cid);
    ana.remove(&ben);
    // His change of the tree names the text that Ana edits, and moves the file besides.
    let shown = ben.engine.view.node_at(FILE).expect("the file");
    let Some(content @ ContentValue::Text { .. }) = shown.content.as_deref() else {
        panic!("{FILE} is a text by now");
    };
    let facts = ben.engine.facts();
    let mut planner = Planner::new(&ben.engine.view, &facts, ben.ws.as_bytes());
    planner.rename(FILE, "his.txt").expect("a free name");
    let mut edits = planner.finish();
    edits.push(RegisterEdit {
        key: RegisterKey::new(shown.node, Field::Content).to_string(),
        value: Some(Value::Bytes(content.encode())),
    });
    let edited = ben.engine.tree.edit(Author::ContentNamed, &edits, 1).expect("registers");
    let tree = ben.engine.tree.id();
    let made = edited.changes.into_iter().map(|change| (tree, change, false)).collect();
    ben.engine.write(Origin::Human, made, None);
    ben.carry_out();
    meet(&mut ben, &mut cid);
    assert_eq!(cid.engine.shown().keys().next().map(String::as_str), Some("his.txt"));
    // Cid edits it too; then he hears of it, and Ana of what Ben wrote.
    cid.insert("his.txt", 8, "three\n");
    meet(&mut ana, &mut cid);
    assert_equal(&ana, &cid);
    for device in [&mut ana, &mut cid] {
        device.restart();
        assert_eq!(device.text(FILE), "one\ntwo\nthree\n");
        assert_eq!(device.engine.shown().len(), 1);
    }
}

#[test]
fn what_nobody_has_built_on_goes() {
    let (mut ana, mut cid) = put_out_while_he_writes(FILE);
    let mut dan = ana.admit("dan", Class::Editor);
    meet(&mut ana, &mut dan);
    // Cid hears of it from Dan, who hears of Ben's edit from Cid.
    meet(&mut cid, &mut dan);
    assert_eq!(dan.text(FILE), "one\n");
    assert_equal(&dan, &cid);
    ana.insert(FILE, 0, "zero\n");
    meet(&mut ana, &mut dan);
    meet(&mut cid, &mut dan);
    meet(&mut ana, &mut cid);
    assert_eq!(ana.text(FILE), "zero\none\n");
    assert_equal(&ana, &dan);
    assert_equal(&ana, &cid);
}
