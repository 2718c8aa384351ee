//! History and blame.

use weft_sync::acl::Class;

use super::{Device, meet};
use crate::api::{BlameLine, Origin};

const FILE: &str = "plan.txt";

fn blame(device: &Device) -> Vec<BlameLine> {
    device.engine.blame(FILE).expect("lines").lines
}

#[test]
fn lines_nobody_has_edited_are_of_who_brought_the_file() {
    let mut ana = Device::founding("ana");
    let mut ben = ana.admit("ben", Class::Editor);
    ana.pass(5_000);
    ana.replace(FILE, "one\ntwo\nthree");
    let brought = blame(&ana);
    assert_eq!(brought.len(), 3);
    for line in &brought {
        assert_eq!(
            (line.user.as_str(), line.user_name.as_deref()),
            (ana.user().to_string().as_str(), Some("ana"))
        );
        assert_eq!((line.time.millis(), line.origin.clone()), (5_000, Origin::Human));
        assert!(!line.device.is_empty() && !line.version.is_empty());
    }
    meet(&mut ana, &mut ben);
    ben.pass(90_000);
    ben.insert(FILE, 4, "and a half\n");
    meet(&mut ana, &mut ben);
    for device in [&ana, &ben] {
        let lines = blame(device);
        let names: Vec<_> = lines.iter().filter_map(|line| line.user_name.as_deref()).collect();
        assert_eq!(names, ["ana", "ben", "ana", "ana"]);
        assert_eq!(lines[0].time.millis(), 5_000);
        assert_eq!(lines[0].version, lines[3].version);
        let history = device.engine.history(FILE, 0).expect("a history").versions;
        assert_eq!(history.len(), 2);
        assert_eq!((history[0].version.as_str(), history[0].inserted), (lines[1].version.as_str(), 11));
        assert_eq!((history[1].version.as_str(), history[1].inserted), (lines[0].version.as_str(), 13));
        assert_eq!(
            device.engine.cat(FILE, Some(&history[1].version)).expect("a text").text,
            "one\ntwo\nthree"
        );
        assert_eq!(
            device.engine.cat(FILE, Some(&history[0].version)).expect("a text").text,
            device.text(FILE)
        );
    }
}

#[test]
fn two_who_type_at_once_make_two_moments() {
    let mut ana = Device::founding("ana");
    let mut ben = ana.admit("ben", Class::Editor);
    ana.replace(FILE, "one\n");
    meet(&mut ana, &mut ben);
    for _ in 0..5 {
        ana.insert(FILE, 0, "a");
        let end = ben.text(FILE).chars().count() as u64;
        ben.insert(FILE, end, "b");
        meet(&mut ana, &mut ben);
    }
    let history = |device: &Device| {
        let versions = device.engine.history(FILE, 0).expect("a history").versions;
        versions.into_iter().map(|v| (v.version, v.user_name, v.inserted)).collect::<Vec<_>>()
    };
    assert_eq!(history(&ana), history(&ben));
    let mut of: Vec<_> =
        history(&ana).into_iter().map(|(_, name, inserted)| (name.unwrap_or_default(), inserted)).collect();
    assert_eq!(of.pop(), Some(("ana".to_owned(), 4)));
    of.sort();
    assert_eq!(of, [("ana".to_owned(), 5), ("ben".to_owned(), 5)]);
    // A minute later a new one begins.
    ana.pass(61_000);
    ana.insert(FILE, 0, "a");
    assert_eq!(history(&ana).len(), 4);
    assert_eq!(ana.engine.history(FILE, 1).expect("a history").versions.len(), 1);
}

#[test]
fn a_file_that_nobody_has_edited_has_one_version() {
    let mut ana = Device::founding("ana");
    ana.replace(FILE, "one\n");
    let versions = ana.engine.history(FILE, 0).expect("a history").versions;
    assert_eq!(versions.len(), 1);
    assert_eq!((versions[0].user_name.as_deref(), versions[0].inserted), (Some("ana"), 4));
    assert_eq!(ana.engine.cat(FILE, Some(&versions[0].version[..8])).expect("a text").text, "one\n");
    assert!(ana.engine.restore(FILE, &versions[0].version).is_err());
    assert!(ana.engine.cat(FILE, Some("0000")).is_err());
}
