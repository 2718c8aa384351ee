//! The trail of who did what to the membership: told, written out, and checked elsewhere.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use weft_sync::entry::{Entry, Kind, Open};
use weft_sync::ids::EntryId;
use weft_tests::Device;

use crate::team::Team;

const ANA: usize = 0;
const BEN: usize = 1;

/// A trail with a bit of everything, as Ben's device writes it out; and somebody who is in nothing.
fn written_out() -> (Value, Device, TempDir) {
    let team = Team::new(&["Ana", "Ben", "Cleo"], &[("a.txt", "one\n")]);
    team.weft(ANA, &["role", "Ben", "admin", "notes"]).expect("an admin");
    team.members_are(BEN, &[("Ana", "owner"), ("Ben", "admin"), ("Cleo", "editor")]);
    team.weft(BEN, &["revoke", "Cleo", "notes", "--yes"]).expect("put out");
    team.members_are(ANA, &[("Ana", "owner"), ("Ben", "admin")]);
    let trail = team.weft(BEN, &["audit", "notes", "--entries"]).expect("a trail");
    let trail = trail.lines.last().cloned().expect("a result");
    let root = tempfile::tempdir().expect("a folder");
    let stranger = Device::new(root.path(), "stranger").expect("a device");
    (trail, stranger, root)
}

/// What stands in the trail, and its entries as another program than Weft's would check them.
fn checked_by_hand(trail: &Value) {
    let list = |name: &str| trail[name].as_array().cloned().unwrap_or_default();
    let done: Vec<(String, String, String)> = list("records")
        .iter()
        .map(|record| {
            let word = |field: &str| record[field].as_str().unwrap_or("").to_owned();
            (word("user_name"), word("action"), word("subject_name"))
        })
        .collect();
    for expected in [
        ("Ana", "found", "Ana"),
        ("Ana", "grant", "Ben"),
        ("Ana", "grant", "Cleo"),
        ("Ben", "revoke", "Cleo"),
        ("Ben", "make-key", ""),
    ] {
        let is_there = |(user, action, subject): &(String, String, String)| {
            (user.as_str(), action.as_str(), subject.as_str()) == expected
        };
        assert!(done.iter().any(is_there), "{expected:?} is not in {done:?}");
    }
    let mut ends: Vec<(EntryId, Open)> = Vec::new();
    for (number, told) in list("entries").iter().enumerate() {
        let digits = told["bytes"].as_str().expect("digits").as_bytes().chunks(2);
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("digits"), 16);
        let bytes: Vec<u8> = digits.map(|pair| byte(pair).expect("a byte")).collect();
        let entry = Entry::decode(&bytes).expect("a body that fits its hash");
        assert_eq!(told["entry"], entry.id().to_string());
        match entry.header.kind {
            Kind::Genesis => assert_eq!((number, &trail["workspace"]), (0, &entry.id().to_string().into())),
            Kind::Open => {
                let open: Open = entry.clear().expect("an Open");
                entry.verify(&open.signer.public_key()).expect("its signature");
                ends.push((entry.id(), open));
            }
            _ => {
                let log = ends.iter_mut().find(|(end, _)| *end == entry.header.prev);
                let (end, open) = log.expect("the entry before it");
                entry.verify(&open.signer.public_key()).expect("its signature");
                *end = entry.id();
            }
        }
    }
    assert!(ends.len() >= 2, "Ana's and Ben's");
}

fn check(stranger: &Device, file: &Path, trail: &Value) -> Result<weft_tests::Answer, weft_tests::Failure> {
    fs::write(file, trail.to_string()).expect("a file");
    stranger.weft(["audit".as_ref(), "--check".as_ref(), file.as_os_str()])
}

#[test]
fn a_trail_is_checked_by_somebody_who_is_in_nothing() {
    let (trail, stranger, root) = written_out();
    checked_by_hand(&trail);
    let file = root.path().join("trail.json");
    let checked = check(&stranger, &file, &trail).expect("it is whole");
    let entries = trail["entries"].as_array().map_or(0, Vec::len);
    assert_eq!(checked.field("checked"), &Value::from(entries));
    let words = ["audit".as_ref(), "--check".as_ref(), file.as_os_str()];
    let shown = stranger.shown(words).expect("a report");
    for words in ["The trail of notes", "every signature is right", "Ben · laptop  took the role of Cleo"] {
        assert!(shown.contains(words), "{words:?} is not in {shown}");
    }
    for made in ["identity.json", "keys.json", "store.db"] {
        assert!(!stranger.home.join(made).exists(), "{made} was made for it");
    }

    // One digit of each entry.
    for number in 0..entries {
        let mut altered = trail.clone();
        let mut digits = altered["entries"][number]["bytes"].as_str().expect("digits").to_owned();
        let place = 7 + 31 * number % (digits.len() - 7);
        let other = if digits.as_bytes()[place] == b'0' { "1" } else { "0" };
        digits.replace_range(place..=place, other);
        altered["entries"][number]["bytes"] = digits.into();
        let failure = check(&stranger, &file, &altered).expect_err("it is not noticed");
        assert_eq!(failure.code, Some(1), "{failure}");
    }
    // Somebody tells another story than was signed.
    let mut altered = trail.clone();
    let records = altered["records"].as_array_mut().expect("a list");
    let grant = records.iter_mut().find(|record| record["action"] == "grant").expect("a grant");
    grant["role"] = "viewer".into();
    assert_eq!(check(&stranger, &file, &altered).expect_err("it is not noticed").code, Some(1));
    let shown = stranger.shown(words).expect("a report");
    assert!(shown.contains("is told otherwise than it was signed"), "{shown}");

    let mut without = trail;
    without["entries"] = Value::Array(Vec::new());
    let failure = check(&stranger, &file, &without).expect_err("there is nothing to check");
    assert!(failure.hint.unwrap_or_default().contains("--entries"), "{}", failure.message);
    let failure = check(&stranger, &file, &"a text".into()).expect_err("it is no trail");
    assert_eq!(failure.code, Some(2));
    assert_eq!(stranger.weft(["audit", "--check", "nowhere.json"]).expect_err("no file").code, Some(1));
}

/// One byte of an entry of the membership, on the disk of a device.
#[test]
fn an_altered_entry_of_the_membership_is_noticed_on_the_device_itself() {
    let mut team = Team::new(&["Ana", "Ben"], &[("a.txt", "one\n")]);
    team.people[BEN].stop();
    let home = team.people[BEN].device.home.clone();
    let database = rusqlite::Connection::open(home.join("store.db")).expect("a database");
    let (place, mut bytes): (i64, Vec<u8>) = database
        .query_row("SELECT ord, bytes FROM entries WHERE kind = 2 ORDER BY ord DESC", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("an operation");
    *bytes.last_mut().expect("a body") ^= 1;
    let changed = rusqlite::params![bytes, place];
    database.execute("UPDATE entries SET bytes = ?1 WHERE ord = ?2", changed).expect("a change");
    drop(database);
    let failure = team.weft(BEN, &["audit", "notes"]).expect_err("it is not noticed");
    assert_eq!(failure.code, Some(1), "{failure}");
}
