//! Saves right after something of the other one has come.

use std::{
    fs,
    io::Write as _,
    time::{Duration, Instant},
};

use weft_tests::{Files, PATIENCE, Pair};

const ROUNDS: usize = 60;

/// Waits without a pause: what follows is to meet the node that has just written the file.
fn arrives(files: &Files, line: &str) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if files.read("a.txt").is_some_and(|text| text.ends_with(line)) {
            return true;
        }
        std::thread::sleep(Duration::from_micros(20));
    }
    false
}

/// As a program does that keeps its log in a file: what it adds lies in the very file that the node has put there.
fn add(files: &Files, line: &str) {
    let mut file = fs::OpenOptions::new().append(true).open(files.path("a.txt")).expect("a file");
    file.write_all(line.as_bytes()).expect("a save");
}

#[test]
fn a_save_the_moment_after_a_peers_text_has_come_is_not_taken_for_it() {
    let mut pair = Pair::with_files(&[("a.txt", b"begin\n")]);
    let mut wanted = "begin\n".to_owned();
    for round in 0..ROUNDS {
        for (from, to, name) in [(&pair.ana, &pair.ben, "Ana"), (&pair.ben, &pair.ana, "Ben")] {
            let line = format!("{name} {round}\n");
            add(&from.files, &line);
            wanted.push_str(&line);
            assert!(arrives(&to.files, &line), "{line:?} did not come: {:?}", to.files.read("a.txt"));
        }
    }
    pair.settle();
    assert_eq!(pair.text("a.txt"), wanted);
}
