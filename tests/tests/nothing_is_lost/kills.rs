//! Nodes that end without warning.

use std::time::Duration;

use weft_tests::{PATIENCE, Pair, eventually};

#[test]
fn a_kill_shortly_after_a_save_loses_nothing() {
    let mut pair = Pair::with_files(&[("a.txt", b"begin\n")]);
    let mut text = "begin\n".to_owned();
    for (n, pause) in [0_u64, 3, 10, 30, 100].into_iter().enumerate() {
        text += &format!("save {n}\n");
        pair.ben.files.write("a.txt", &text).expect("a save");
        std::thread::sleep(Duration::from_millis(pause));
        pair.ben.kill();
        pair.ana.files.write("Ana's.txt", format!("{n}\n")).expect("a file");
        pair.ben.start();
    }
    pair.settle();
    assert_eq!(pair.text("a.txt"), text);
    assert_eq!(pair.both()["Ana's.txt"], b"4\n");
    assert_eq!(pair.both().len(), 2, "{:?}", pair.both().keys());
}

#[test]
fn a_kill_in_a_burst_of_saves_loses_nothing() {
    let mut pair = Pair::with_files(&[("log.txt", b"")]);
    let mut text = String::new();
    for n in 0..120 {
        text += &format!("line {n};\n");
        pair.ana.files.write("log.txt", &text).expect("a save");
        std::thread::sleep(Duration::from_millis(4));
        if n == 60 {
            pair.ana.kill();
        }
    }
    pair.ana.start();
    pair.settle();
    assert_eq!(pair.text("log.txt"), text);
}

#[test]
fn a_kill_while_the_other_ones_edits_are_written_loses_nothing() {
    let mut pair = Pair::with_files(&[("a.txt", b"begin\n"), ("b.txt", b"b\n")]);
    let mut text = "begin\n".to_owned();
    for round in 0..6_u64 {
        for n in 0..8 {
            text += &format!("{round}.{n}\n");
            pair.ana.files.write("a.txt", &text).expect("a save");
            pair.ana.files.write(&format!("new {round}.{n}.txt"), "new\n").expect("a file");
        }
        std::thread::sleep(Duration::from_millis(15 + 11 * round));
        pair.ben.kill();
        pair.ben.start();
    }
    pair.settle();
    assert_eq!(pair.text("a.txt"), text);
    assert_eq!(pair.both().len(), 2 + 48, "{:?}", pair.both().keys());
    let leftovers = |root: &std::path::Path| {
        let names = std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.filter(|name| name.to_string_lossy().starts_with(".weft-tmp-")).count()
    };
    let clean = eventually(PATIENCE, || (leftovers(&pair.ben.files.root) == 0).then_some(()));
    assert!(clean.is_some(), "temporary files are left in the folder");
}
