//! Names and paths at the edge of what there can be.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{Mode, OFlags, mkdirat, open, openat};
use weft_tests::{Files, PATIENCE, Pair, eventually};

use crate::told::{is_pending, pending, weft};

/// Names of 200 bytes, of which so many make a path longer than the system takes at once.
const DEPTH: usize = 20;

fn step() -> String {
    "d".repeat(200)
}

/// The folder so many steps below, one after the other.
fn deep(files: &Files, depth: usize, is_new: bool) -> OwnedFd {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut folder = open(&files.root, flags, Mode::empty()).expect("a folder");
    for _ in 0..depth {
        if is_new {
            mkdirat(&folder, step(), Mode::from_raw_mode(0o755)).expect("a folder");
        }
        folder = openat(&folder, step(), flags, Mode::empty()).expect("a folder");
    }
    folder
}

fn write_deep(files: &Files, depth: usize, name: &str, text: &str) {
    let folder = deep(files, depth, false);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    let file = openat(&folder, name, flags, Mode::from_raw_mode(0o644)).expect("a file");
    File::from(file).write_all(text.as_bytes()).expect("a text");
}

fn read_deep(files: &Files, depth: usize, name: &str) -> Option<String> {
    let folder = deep(files, depth, false);
    let file = openat(&folder, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    std::io::read_to_string(File::from(file)).ok()
}

#[test]
fn a_path_of_four_thousand_bytes_travels_and_a_longer_one_is_named() {
    let mut pair = Pair::with_files(&[("a.txt", b"one\n")]);
    deep(&pair.ana.files, DEPTH + 1, true);
    write_deep(&pair.ana.files, DEPTH, "deep.txt", "deep\n");
    write_deep(&pair.ana.files, DEPTH + 1, "deeper.txt", "deeper\n");
    let too_long = format!("{}/{}", vec![step(); DEPTH + 1].join("/"), "deeper.txt");
    assert!(too_long.len() > 4096 && too_long.len() - 212 > 4000);
    let at_ben = || {
        let mut place = pair.ben.files.root.clone();
        place.push(step());
        place.exists().then(|| read_deep(&pair.ben.files, DEPTH, "deep.txt")).flatten()
    };
    let mut arrived = None;
    for _ in 0..3_000 {
        // Its folders come one after the other.
        arrived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(at_ben)).ok().flatten();
        if arrived.is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(arrived.as_deref(), Some("deep\n"), "{:?}", pending(&pair.ana));
    let named = eventually(PATIENCE, || {
        pending(&pair.ana).iter().any(|(_, reason)| reason.contains("longer than 4096 bytes")).then_some(())
    });
    assert!(named.is_some(), "{:?}", pending(&pair.ana));
    // A save down there is seen as well, and comes back.
    write_deep(&pair.ben.files, DEPTH, "deep.txt", "deep\nBen\n");
    let back = eventually(PATIENCE, || {
        read_deep(&pair.ana.files, DEPTH, "deep.txt").filter(|text| text == "deep\nBen\n")
    });
    assert!(back.is_some(), "{:?}", pending(&pair.ben));
    fs::rename(pair.ana.files.path(&step()), pair.elsewhere().join("away")).expect("a rename");
    pair.settle();
    assert_eq!(pair.both().keys().collect::<Vec<_>>(), ["a.txt"]);
}

#[test]
fn names_that_are_not_unicode_are_named_and_travel_when_they_are_renamed() {
    let mut pair = Pair::with_files(&[("a.txt", b"one\n")]);
    let bad = |name: &[u8]| pair.ana.files.root.join(OsStr::from_bytes(name));
    fs::write(bad(b"caf\xe9.txt"), "coffee\n").expect("a file");
    fs::create_dir(bad(b"folder")).expect("a folder");
    fs::write(bad(b"folder/\xff\xfe"), "bytes\n").expect("a file");
    fs::create_dir(bad(b"r\xe9sum\xe9s")).expect("a folder");
    fs::write(bad(b"r\xe9sum\xe9s/inside.txt"), "inside\n").expect("a file");
    fs::write(bad(b"good.txt"), "good\n").expect("a file");
    let arrived = eventually(PATIENCE, || pair.ben.files.read("good.txt"));
    assert!(arrived.is_some(), "{:?}", pending(&pair.ana));
    let names = ["caf\u{fffd}.txt", "folder/\u{fffd}\u{fffd}", "r\u{fffd}sum\u{fffd}s"];
    let named = eventually(PATIENCE, || {
        names.iter().all(|name| is_pending(&pair.ana, name, "not Unicode")).then_some(())
    });
    assert!(named.is_some(), "{:?}", pending(&pair.ana));
    weft(&pair.ana.device, &["status", "notes"]).is_done().says(&["rename it", "caf\u{fffd}.txt"]);
    // Also after a new start.
    pair.ana.stop();
    pair.ana.start();
    let bad = |name: &[u8]| pair.ana.files.root.join(OsStr::from_bytes(name));
    assert!(names.iter().all(|name| is_pending(&pair.ana, name, "not Unicode")), "{:?}", pending(&pair.ana));
    fs::rename(bad(b"caf\xe9.txt"), bad("café.txt".as_bytes())).expect("a rename");
    fs::rename(bad(b"folder/\xff\xfe"), bad(b"folder/bytes")).expect("a rename");
    fs::rename(bad(b"r\xe9sum\xe9s"), bad(b"resumes")).expect("a rename");
    pair.settle();
    let both = pair.both();
    assert_eq!(both["café.txt"], b"coffee\n");
    assert_eq!(both["folder/bytes"], b"bytes\n");
    assert_eq!(both["resumes/inside.txt"], b"inside\n");
    assert_eq!(pending(&pair.ana), []);
}

#[test]
fn names_that_would_fool_a_terminal_travel_and_are_shown_escaped() {
    let names = [
        "line\nbreak.txt",
        "red\u{1b}[31m.txt",
        "\u{1b}]0;title\u{7}.txt",
        "gpj\u{202e}fdp.exe",
        "iso\u{2066}late\u{2069}.txt",
        "return\rhome.txt",
        "back\u{8}space.txt",
        "tab\t.txt",
        "delete\u{7f}.txt",
        "back\\slash",
    ];
    let long = "n".repeat(255);
    let mut pair = Pair::with_files(&[("a.txt", b"one\n")]);
    for name in names.into_iter().chain([long.as_str()]) {
        pair.ana.files.write(name, name).expect("a file");
    }
    pair.settle();
    let both = pair.both();
    assert_eq!(both.len(), names.len() + 2, "{:?}", both.keys());
    for name in names.into_iter().chain([long.as_str()]) {
        assert_eq!(both[name], name.as_bytes());
    }
    let path = pair.ben.files.path(names[1]);
    let history = ["history", path.to_str().expect("a text")];
    for words in [&["log", "notes"][..], &history, &["status", "notes"]] {
        let told = weft(&pair.ben.device, words);
        let raw = told.text.chars().find(|shown| {
            (shown.is_control() && *shown != '\n')
                || matches!(shown, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert_eq!(raw, None, "{words:?}: {:?}", told.text);
        told.is_done();
    }
    // Of a change in many files the first few are named.
    weft(&pair.ben.device, &["log", "notes"]).says(&["\\u{"]);
}
