//! Files of the data folder that are missing, empty or something else. A database with flipped bits and packs that are cut
//! or gone are in `crash/damage.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use weft_tests::{PATIENCE, Pair, eventually};

use crate::told::weft;

/// What lies in a data folder, but what every start may touch.
fn contents(home: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(home).expect("a data folder").map(|entry| entry.expect("a file"));
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let named = files.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()));
    let kept = named.filter(|(name, _)| !name.starts_with("node.") && !name.ends_with("-shm"));
    kept.map(|(name, path)| (name, fs::read(path).expect("a file"))).collect()
}

/// A file of the data folder, what it holds now (none: it is gone), and what is said of it.
type Case<'a> = (&'a str, Option<&'a [u8]>, &'a [&'a str]);

#[test]
fn a_broken_file_of_the_data_folder_is_named_and_left_as_it_is() {
    let mut pair = Pair::with_files(&[("a.txt", b"one\n")]);
    pair.ben.stop();
    pair.ben.files.write("a.txt", "one\nnot sent yet\n").expect("a save");
    let home = pair.ben.device.home.clone();
    // Its backup is tried below.
    fs::remove_file(home.join("keys.json.bak")).expect("a backup of keys.json");
    let whole = contents(&home);
    let empty: &[u8] = b"";
    let cases: [Case; 9] = [
        ("store.db", Some(empty), &["store.db", "missing or empty", "weft join"]),
        ("store.db", None, &["store.db", "missing or empty", "weft join"]),
        ("store.db", Some(b"Dear diary,\n"), &["store.db", "damaged", "weft join"]),
        ("keys.json", Some(b"{ \"version\": 1, "), &["keys.json", "damaged", "backup", "ticket"]),
        ("keys.json", Some(empty), &["keys.json", "damaged", "backup", "ticket"]),
        ("keys.json", None, &["keys.json", "missing", "backup", "ticket"]),
        ("identity.json", Some(b"nobody"), &["identity.json", "damaged", "remove identity.json"]),
        ("identity.json", Some(empty), &["identity.json", "damaged", "remove identity.json"]),
        ("store.key", Some(b"0123"), &["store.key", "backup", "ticket"]),
    ];
    for (name, content, words) in cases {
        let path = home.join(name);
        match content {
            Some(content) => fs::write(&path, content).expect("a file"),
            None => fs::remove_file(&path).expect("a file"),
        }
        let before = contents(&home);
        let told = weft(&pair.ben.device, &["status", "notes"]);
        println!("{name}, {:?}: {}", content.map(String::from_utf8_lossy), told.text);
        told.is_refused(1, words).says(&["your data: nothing was changed"]);
        weft(&pair.ben.device, &["node", "--lan", "off"]).is_refused(1, words);
        weft(&pair.ben.device, &["init", "."]).is_refused(1, words);
        let doctor = weft(&pair.ben.device, &["doctor"]);
        assert_eq!(doctor.code, Some(1), "{}", doctor.text);
        doctor.says(words);
        assert_eq!(contents(&home), before, "{name}: the data folder was changed");
        fs::write(&path, &whole[name]).expect("the file as it was");
    }
    // As the hint says: it is made again.
    fs::remove_file(home.join("identity.json")).expect("a file");
    weft(&pair.ben.device, &["status", "notes"]).is_done();
    assert_eq!(contents(&home)["identity.json"], whole["identity.json"]);
    pair.ben.start();
    pair.settle();
    assert_eq!(pair.both()["a.txt"], b"one\nnot sent yet\n");
}

#[test]
fn a_broken_list_of_keys_is_mended_from_its_backup() {
    let mut pair = Pair::with_files(&[("a.txt", b"one\n")]);
    pair.ben.stop();
    let home = pair.ben.device.home.clone();
    let whole = contents(&home);
    for content in [Some(&b"{ \"version\": 1, "[..]), Some(b""), None] {
        let path = home.join("keys.json");
        match content {
            Some(content) => fs::write(&path, content).expect("a file"),
            None => fs::remove_file(&path).expect("a file"),
        }
        weft(&pair.ben.device, &["status", "notes"]).is_done();
        let now = contents(&home);
        assert_eq!(now["keys.json"], whole["keys.json"]);
        assert_eq!(now["keys.json.bak"], whole["keys.json.bak"]);
    }
}

#[test]
fn a_log_of_the_database_that_is_gone_or_nonsense_costs_nothing_that_others_have() {
    for content in [None, Some(&b"nonsense"[..])] {
        let mut pair = Pair::with_files(&[("a.txt", b"begin\n")]);
        // Who this device is stands in the database itself from now on.
        pair.ben.stop();
        pair.ben.start();
        for number in 0..5 {
            let place = pair.ben.files.path("a.txt");
            let word = format!("[{number}]");
            let words =
                ["edit".as_ref(), place.as_os_str(), "--insert".as_ref(), "0".as_ref(), word.as_ref()];
            pair.ben.device.weft(words).expect("an edit");
        }
        pair.settle();
        pair.ben.kill();
        let log = pair.ben.device.home.join("store.db-wal");
        assert!(fs::metadata(&log).expect("a log").len() > 0, "the log is empty");
        match content {
            Some(content) => fs::write(&log, content).expect("a log"),
            None => fs::remove_file(&log).expect("a log"),
        }
        pair.ben.files.write("new.txt", "saved meanwhile\n").expect("a save");
        let started = eventually(PATIENCE, || pair.ben.device.start_node().is_ok().then_some(()));
        assert!(started.is_some(), "the node does not start");
        // Marks as `settle` leaves them would be saves of what this device has forgotten.
        let both = [&pair.ana, &pair.ben];
        let agreed = eventually(PATIENCE, || {
            let texts = both.map(|person| (person.files.read("a.txt"), person.files.read("new.txt")));
            (texts[0] == texts[1] && texts[0].1.is_some() && pair.ana.digest() == pair.ben.digest())
                .then_some(texts[0].clone())
        });
        let ((text, new), _) = agreed.expect("the two agree");
        let text = text.expect("a text");
        for number in 0..5 {
            // The folder is newer than what the device remembers of it, so what it finds there counts as typed again: it
            // may stand there twice, which `weft status` tells, and is never lost.
            assert!(text.contains(&format!("[{number}]")), "{text}");
        }
        assert_eq!(new.as_deref(), Some("saved meanwhile\n"));
        // Edits made afterwards are taken by the other side: no entry was made a second time.
        pair.ben.files.write("new.txt", "and later\n").expect("a save");
        let arrived =
            eventually(PATIENCE, || (pair.ana.files.read("new.txt")? == "and later\n").then_some(()));
        assert!(arrived.is_some(), "{:?}", pair.ana.files.read("new.txt"));
    }
}
