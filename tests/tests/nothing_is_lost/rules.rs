//! Files that rules leave out, and rules that change.

use std::fs;

use weft_tests::{PATIENCE, Pair, eventually};

#[test]
fn an_ignored_file_that_a_peer_brings_back_is_there_in_both_versions() {
    let mut pair = Pair::with_files(&[(".gitignore", b"build.log\n"), ("a.txt", b"a\n")]);
    pair.ana.files.write("build.log", "Ana's build\n").expect("a file");
    pair.ben.files.write("build.log", "Ben's build\n").expect("a file");
    pair.ana.files.write("a.txt", "a\nb\n").expect("a save");
    pair.ben.files.write("b.txt", "b\n").expect("a file");
    let arrived = eventually(PATIENCE, || {
        let there = pair.ben.files.read("a.txt").as_deref() == Some("a\nb\n")
            && pair.ana.files.read("b.txt").is_some();
        there.then_some(())
    });
    assert!(arrived.is_some());
    assert_eq!(pair.ana.files.read("build.log").as_deref(), Some("Ana's build\n"));
    assert_eq!(pair.ben.files.read("build.log").as_deref(), Some("Ben's build\n"));
    pair.ana.files.write(".gitignore", "# nothing\n").expect("a save");
    pair.settle();
    let both = pair.both();
    let names: Vec<&String> = both.keys().collect();
    assert_eq!(names, [".gitignore", "a.txt", "b.txt", "build (2).log", "build.log"]);
    for text in ["Ana's build\n", "Ben's build\n"] {
        assert!(both.values().any(|content| content == text.as_bytes()), "{text:?} is lost");
    }
}

#[test]
fn a_secret_stays_home_whatever_rule_a_peer_shares() {
    let mut pair = Pair::with_files(&[("a.txt", b"a\n")]);
    pair.ben.files.write(".env", "TOKEN=Ben's\n").expect("a file");
    pair.ben.files.write("id_ed25519", "Ben's key\n").expect("a file");
    for rules in [".gitignore", ".weftignore"] {
        pair.ana.files.write(rules, "!.env\n!id_ed25519\n!*\n").expect("a file");
    }
    let arrived = eventually(PATIENCE, || pair.ben.files.read(".weftignore"));
    assert!(arrived.is_some());
    pair.ben.files.write("a.txt", "a\nb\n").expect("a save");
    let arrived = eventually(PATIENCE, || (pair.ana.files.read("a.txt")? == "a\nb\n").then_some(()));
    assert!(arrived.is_some());
    // A new start looks at everything again, under the new rules.
    pair.ben.stop();
    pair.ben.start();
    pair.ben.files.write("a.txt", "a\nb\nc\n").expect("a save");
    let arrived = eventually(PATIENCE, || (pair.ana.files.read("a.txt")? == "a\nb\nc\n").then_some(()));
    assert!(arrived.is_some());
    pair.ana.device.wait_synced(&pair.ana.files.root, 1, PATIENCE).expect("synced");
    let names: Vec<String> = pair.ana.files.snapshot().expect("a folder").into_keys().collect();
    assert!(!names.iter().any(|name| name.contains("env") || name.contains("id_ed")), "{names:?}");
    assert_eq!(pair.ben.files.read(".env").as_deref(), Some("TOKEN=Ben's\n"));
}

#[test]
fn a_file_that_becomes_ignored_stays_with_the_others() {
    let mut pair = Pair::with_files(&[("out/made.txt", b"made\n"), ("a.txt", b"a\n")]);
    pair.ana.files.write(".gitignore", "out/\n").expect("a file");
    pair.settle();
    fs::remove_dir_all(pair.ana.files.path("out")).expect("a deletion");
    pair.ana.files.write("a.txt", "a\nb\n").expect("a save");
    let arrived = eventually(PATIENCE, || (pair.ben.files.read("a.txt")? == "a\nb\n").then_some(()));
    assert!(arrived.is_some());
    assert_eq!(pair.ben.files.read("out/made.txt").as_deref(), Some("made\n"));
}
