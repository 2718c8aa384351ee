//! What became of the edits of somebody who was put out.

use weft_sync::acl::Class;

use super::{Device, assert_equal, meet};

const FILE: &str = "plan.txt";

/// Ana puts Ben out, who has not heard of it, makes the file a text by his first edit, and shares that with Cid.
fn put_out_while_he_writes() -> (Device, Device) {
    let mut ana = Device::founding("ana");
    let mut ben = ana.admit("ben", Class::Editor);
    let mut cid = ana.admit("cid", Class::Editor);
    ana.replace(FILE, "one\n");
    meet(&mut ana, &mut ben);
    meet(&mut ana, &mut cid);
    ana.remove(&ben);
    ben.insert(FILE, 4, "of ben's\n");
    meet(&mut ben, &mut cid);
    (ana, cid)
}

#[test]
fn an_edit_of_a_text_that_he_began_is_kept_with_what_it_was_made_on() {
    let (mut ana, mut cid) = put_out_while_he_writes();
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
fn what_nobody_has_built_on_goes() {
    let (mut ana, mut cid) = put_out_while_he_writes();
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
