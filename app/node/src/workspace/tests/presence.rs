//! Who may know where people are, and places that stay with their text.

use weft_sync::acl::Class;
use weft_sync::ids::EndpointId;

use super::{Device, meet};

const FILE: &str = "plan.txt";

fn told(device: &Device) -> Vec<EndpointId> {
    device.engine.other_readers().into_iter().map(|device| device.endpoint).collect()
}

fn endpoint(device: &Device) -> EndpointId {
    device.endpoint()
}

#[test]
fn keepers_and_strangers_are_not_told_where_people_are() {
    let mut ana = Device::founding("ana");
    let mut ben = ana.admit("ben", Class::Viewer);
    let mut kim = ana.admit("kim", Class::Keeper);
    let cid = ana.admit("cid", Class::Editor);
    ana.replace(FILE, "one\n");
    meet(&mut ana, &mut ben);
    meet(&mut ana, &mut kim);
    let mut expected = vec![endpoint(&ben), endpoint(&cid)];
    let mut readers = told(&ana);
    expected.sort_unstable();
    readers.sort_unstable();
    assert_eq!(readers, expected);
    assert!(!ana.engine.is_other_reader(&endpoint(&kim)));
    assert!(!ana.engine.is_other_reader(&EndpointId::from_bytes([7; 32])));
    assert!(ben.engine.is_other_reader(&endpoint(&ana)));
    // A keeper has nobody to tell and hears of nobody.
    assert_eq!(told(&kim), []);
    assert!(!kim.engine.is_other_reader(&endpoint(&ana)));
    ana.remove(&ben);
    assert_eq!(told(&ana), [endpoint(&cid)]);
    assert!(!ana.engine.is_other_reader(&endpoint(&ben)));
    // Whoever was put out and has heard of it tells nobody any more.
    meet(&mut ana, &mut ben);
    assert_eq!(told(&ben), []);
}

#[test]
fn a_cursor_stays_with_its_text_on_every_device() {
    let mut ana = Device::founding("ana");
    let mut ben = ana.admit("ben", Class::Editor);
    ana.replace(FILE, "one two\n");
    meet(&mut ana, &mut ben);
    let (document, ..) = ana.engine.open_text(FILE).expect("a text");
    ana.carry_out();
    meet(&mut ana, &mut ben);
    let selection = ana.engine.cursor_at(document, 4, 7).expect("a cursor");
    let backwards = ana.engine.cursor_at(document, 7, 4).expect("a cursor");
    assert_eq!(ben.engine.place_of(document, &selection), Some((4, 7)));
    assert_eq!(ben.engine.path_of_document(document).as_deref(), Some(FILE));
    ben.insert(FILE, 0, "zero ");
    ben.insert(FILE, 12, "!");
    assert_eq!(
        ben.engine.place_of(document, &selection),
        Some((9, 12)),
        "what is typed at its ends is not in it"
    );
    assert_eq!(ben.engine.place_of(document, &backwards), Some((12, 9)));
    // A place that has not come yet is nowhere, and found as soon as it has.
    ana.insert(FILE, 7, " three");
    let caret = ana.engine.cursor_at(document, 13, 13).expect("a cursor");
    assert_eq!(ben.engine.place_of(document, &caret), None);
    meet(&mut ana, &mut ben);
    let place = ben.engine.place_of(document, &caret).expect("a place");
    assert_eq!(Some(place), ana.engine.place_of(document, &caret));
    // Beyond the end is the end, and the character that was there may go.
    let end = ana.engine.cursor_at(document, usize::MAX, usize::MAX).expect("a cursor");
    ana.replace(FILE, "one\n");
    let place = ana.engine.place_of(document, &end).expect("a place");
    assert!(place.0 <= 4, "{place:?}");
}
