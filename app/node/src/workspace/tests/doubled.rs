//! The same text inserted by two people at once.

use weft_sync::acl::Class;

use super::{Device, meet};
use crate::api::EditAction;

const FILE: &str = "plan.txt";

#[test]
fn it_is_told_once_until_the_second_copy_is_gone() {
    let mut ana = Device::founding("ana");
    let mut ben = ana.admit("ben", Class::Editor);
    ana.replace(FILE, "begin\nend\n");
    meet(&mut ana, &mut ben);
    let added = "added by both at once\n";
    ana.insert(FILE, 6, added);
    ben.insert(FILE, 6, added);
    assert!(ana.engine.doubled_texts().is_empty());
    meet(&mut ana, &mut ben);
    meet(&mut ana, &mut ben);
    let (at, length) = (6 + added.len() as u64, added.len() as u64);
    for device in [&ana, &ben] {
        assert_eq!(device.text(FILE), format!("begin\n{added}{added}end\n"));
        let told = device.engine.doubled_texts();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].path, FILE);
        assert!(told[0].reason.ends_with(&format!("weft edit {FILE} --delete {at} {length}")), "{told:?}");
        assert!(device.engine.summary().pending.contains(&told[0]));
    }
    // What is typed elsewhere moves the place.
    ana.insert(FILE, 0, "> ");
    let told = ana.engine.doubled_texts();
    assert!(told[0].reason.ends_with(&format!("--delete {} {length}", at + 2)));
    ana.edit(FILE, &EditAction::Delete { at: at + 2, length });
    assert!(ana.engine.doubled_texts().is_empty());
    meet(&mut ana, &mut ben);
    assert!(ben.engine.doubled_texts().is_empty());
    assert_eq!(ben.text(FILE), format!("> begin\n{added}end\n"));
}
