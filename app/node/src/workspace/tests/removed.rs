//! What became of the edits of somebody who was put out.

use weft_crdt::Value;
use weft_crdt::tree::{ContentValue, Field, Planner, RegisterKey};
use weft_crdt::{Author, NodeId, RegisterEdit};
use weft_sync::acl::Class;
use weft_sync::data::Origin;

use super::super::contents::Contents;
use super::super::deliver::Dirty;
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

/// Writes to the tree what was planned, and further registers, as one change.
fn write_tree(
    device: &mut Device,
    further: impl IntoIterator<Item = RegisterEdit>,
    plan: impl FnOnce(&mut Planner<'_>, &Contents),
) {
    let contents = device.engine.contents().expect("a key");
    let facts = device.engine.facts();
    let mut planner = Planner::new(&device.engine.view, &facts, device.ws.as_bytes());
    plan(&mut planner, &contents);
    let mut edits = planner.finish();
    edits.extend(further);
    let edited = device.engine.tree.edit(Author::ContentNamed, &edits, 1).expect("registers");
    let dirty = Dirty { keys: edited.changed_keys.into_iter().collect(), ..Dirty::default() };
    let tree = device.engine.tree.id();
    let made = edited.changes.into_iter().map(|change| (tree, change, false)).collect();
    device.engine.settle(dirty);
    device.engine.write(Origin::Human, made, None);
    device.carry_out();
}

fn name_content(node: NodeId, content: &ContentValue) -> RegisterEdit {
    RegisterEdit {
        key: RegisterKey::new(node, Field::Content).to_string(),
        value: Some(Value::Bytes(content.encode())),
    }
}

/// All texts that are shown, by path.
fn texts(device: &Device) -> Vec<(String, String)> {
    let files = device.engine.shown().into_iter().filter(|(_, shown)| shown.content.is_some());
    files.map(|(path, _)| (path.clone(), device.text(&path))).collect()
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
    let named = name_content(shown.node, content);
    write_tree(&mut ben, [named], |planner, _| planner.rename(FILE, "his.txt").expect("a free name"));
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
fn an_edit_of_a_file_that_he_made_and_renamed_is_a_file_once() {
    let (mut ana, mut ben, mut cid) = three_people();
    meet(&mut ana, &mut ben);
    meet(&mut ana, &mut cid);
    ana.remove(&ben);
    ben.replace("first.txt", "of ben's\n");
    ben.insert("first.txt", 0, "more ");
    write_tree(&mut ben, [], |planner, _| planner.rename("first.txt", "last.txt").expect("a free name"));
    meet(&mut ben, &mut cid);
    cid.insert("last.txt", 14, "of cid's\n");
    meet(&mut ana, &mut cid);
    let expected = [("last.txt".to_owned(), "more of ben's\nof cid's\n".to_owned())];
    for _ in 0..2 {
        assert_eq!(texts(&cid), expected);
        cid.restart();
        meet(&mut ana, &mut cid);
        assert_eq!(texts(&ana), expected);
    }
    assert_equal(&ana, &cid);
}

#[test]
fn an_edit_of_a_text_that_something_else_has_replaced_is_a_file_beside_it_once() {
    let (mut ana, mut cid) = put_out_while_he_writes(FILE);
    cid.insert(FILE, 13, "of cid's\n");
    write_tree(&mut ana, [], |planner, contents| {
        let blob = contents.import(b"another\n").expect("a store");
        planner.write_content(FILE, blob).expect("a file");
    });
    meet(&mut ana, &mut cid);
    for _ in 0..2 {
        let mut texts_of_cid: Vec<String> = texts(&cid).into_iter().map(|(_, text)| text).collect();
        texts_of_cid.sort_unstable();
        assert_eq!(texts_of_cid, ["another\n", "one\nof ben's\nof cid's\n"]);
        assert_eq!(texts(&ana), texts(&cid));
        cid.restart();
        meet(&mut ana, &mut cid);
    }
    assert_equal(&ana, &cid);
}

#[test]
fn he_cannot_say_that_an_edited_text_is_another_file() {
    let (mut ana, mut ben, mut cid) = three_people();
    ana.replace(FILE, "one\n");
    ana.replace("other.txt", "else\n");
    meet(&mut ana, &mut ben);
    meet(&mut ana, &mut cid);
    ana.remove(&ben);
    ben.insert(FILE, 4, "of ben's\n");
    meet(&mut ben, &mut cid);
    cid.insert(FILE, 13, "of cid's\n");
    let content = |path| ben.engine.view.node_at(path).and_then(|shown| Some((shown.node, shown.content?)));
    let ((_, text), (other, blob)) = (content(FILE).expect("a file"), content("other.txt").expect("a file"));
    let document = text.document().expect("a text");
    let forged = ContentValue::Text { document, base: blob.blob().clone() };
    write_tree(&mut ben, [name_content(other, &forged)], |_, _| {});
    meet(&mut ben, &mut cid);
    meet(&mut ana, &mut cid);
    let expected = [(FILE, "one\nof ben's\nof cid's\n"), ("other.txt", "else\n")]
        .map(|(path, text)| (path.to_owned(), text.to_owned()));
    for device in [&mut ana, &mut cid] {
        device.restart();
        let mut texts = texts(device);
        texts.sort_unstable_by(|a, b| b.0.cmp(&a.0));
        assert_eq!(texts, expected);
    }
    assert_equal(&ana, &cid);
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
