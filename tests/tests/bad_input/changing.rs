//! Files that are written while they are read.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use weft_tests::{Files, Pair};

/// How long the writers go on; the program reads such a file after two seconds at the latest, whole or not.
const WRITING: Duration = Duration::from_secs(4);

fn append(files: &Files, name: &str) -> Vec<u8> {
    let mut file = OpenOptions::new().append(true).create(true).open(files.path(name)).expect("a file");
    let begin = Instant::now();
    for line in 0.. {
        writeln!(file, "line {line} of a log that never rests").expect("a line");
        if begin.elapsed() > WRITING {
            break;
        }
        thread::sleep(Duration::from_micros(300));
    }
    drop(file);
    fs::read(files.path(name)).expect("a file")
}

/// Writes it anew from its beginning, now shorter, now longer; too long to be read at one go.
fn truncate(files: &Files, name: &str) -> Vec<u8> {
    let begin = Instant::now();
    for round in (0_u8..=255).cycle() {
        let bytes = vec![round; 3_000_000 + usize::from(round % 7) * 700_000];
        fs::write(files.path(name), &bytes).expect("a save");
        if begin.elapsed() > WRITING {
            return bytes;
        }
    }
    unreachable!("the loop ends by itself")
}

fn replace(files: &Files, name: &str) -> Vec<u8> {
    let begin = Instant::now();
    for round in 0_u64.. {
        let text = format!("version {round}\n").repeat(1 + usize::try_from(round % 5_000).expect("a number"));
        let beside = format!(".{name}.new");
        fs::write(files.path(&beside), &text).expect("a file beside");
        files.rename(&beside, name).expect("a rename");
        if begin.elapsed() > WRITING {
            return text.into_bytes();
        }
        thread::sleep(Duration::from_millis(1));
    }
    unreachable!("the loop ends by itself")
}

/// Writes a file for a while; gives what it holds in the end.
type Writer = fn(&Files, &str) -> Vec<u8>;

#[test]
fn files_that_change_while_they_are_read_arrive_as_they_are_in_the_end() {
    let files: [(&str, &[u8]); 3] =
        [("log.txt", b"begin\n"), ("rewritten.bin", b"\x00"), ("replaced.txt", b"0\n")];
    let mut pair = Pair::with_files(&files);
    let writers: [(&str, Writer); 3] =
        [("log.txt", append), ("rewritten.bin", truncate), ("replaced.txt", replace)];
    let threads = writers.map(|(name, write)| {
        let files = pair.ana.files.clone();
        (name, thread::spawn(move || write(&files, name)))
    });
    let last = threads.map(|(name, thread)| (name, thread.join().expect("a writer")));
    pair.settle();
    let both = pair.both();
    assert_eq!(both.len(), 3, "{:?}", both.keys());
    for (name, bytes) in last {
        assert!(both[name] == bytes, "{name}: {} bytes instead of {}", both[name].len(), bytes.len());
    }
}
