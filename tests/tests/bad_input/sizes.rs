//! Many files, and long ones.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::time::Instant;

use weft_tests::{Files, Pair, Person};

use crate::told::weft;

const MIB: u64 = 1024 * 1024;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn peak(person: &Person) -> Option<u64> {
    person.device.node().expect("a node").peak_memory()
}

/// The node that made the workspace has just read everything: it is a new process of its own that imports.
fn import(pair: &mut Pair) -> u64 {
    pair.ana.start();
    pair.ana.device.weft(["init", "many", "--name", "many"]).expect("a workspace");
    peak(&pair.ana).unwrap_or_default()
}

fn join(pair: &mut Pair) {
    pair.ben.start();
    let shared = pair.ana.device.weft(["share", "many", "--yes"]).expect("a ticket");
    let words = ["join", "-", "many", "--yes"];
    let joined = pair.ben.device.weft_with_input(words, shared.text("ticket"));
    joined.expect("a join of everything");
}

fn both(pair: &Pair) -> [Files; 2] {
    [&pair.ana, &pair.ben].map(|person| Files::new(person.device.place.join("many")).expect("a folder"))
}

#[test]
fn a_folder_of_many_files_is_shared_in_bounded_memory() {
    let count = number("WEFT_FILES", 5_000);
    let mut pair = Pair::before_joining(&[]);
    pair.ana.stop();
    let many = Files::new(pair.ana.device.place.join("many")).expect("a folder");
    for file in 0..count {
        many.write(&format!("{:03}/file {file}.txt", file / 100), format!("this is file {file}\n"))
            .expect("a file");
    }
    let begin = Instant::now();
    let importing = import(&mut pair);
    let imported = begin.elapsed();
    join(&mut pair);
    let joined = begin.elapsed() - imported;
    let asked = Instant::now();
    weft(&pair.ana.device, &["status", "many"]).is_done();
    let answered = asked.elapsed();
    let [ana, ben] = both(&pair).map(|files| files.snapshot().expect("a folder"));
    assert!(ana == ben && ben.values().filter(|content| !content.is_empty()).count() as u64 == count);
    println!(
        "{count} files: init {imported:.1?}, join {joined:.1?}, status {answered:.1?}; peak memory: importing {} MiB, \
         Ana's node {:?} MiB, Ben's {:?} MiB",
        importing / MIB,
        peak(&pair.ana).map(|bytes| bytes / MIB),
        peak(&pair.ben).map(|bytes| bytes / MIB),
    );
    for person in [&pair.ana, &pair.ben] {
        let bytes = peak(person).unwrap_or_default();
        assert!(bytes < 150 * MIB + count * 16 * 1024, "{} MiB for {count} files", bytes / MIB);
    }
}

#[test]
fn a_long_file_is_shared_in_bounded_memory_and_takes_no_more_time_than_it_needs() {
    let length = number("WEFT_BIG_MIB", 256) * MIB;
    let mut pair = Pair::before_joining(&[]);
    pair.ana.stop();
    let many = Files::new(pair.ana.device.place.join("many")).expect("a folder");
    // A hole with something at both ends and in the middle.
    let mut file = File::create(many.path("long.img")).expect("a file");
    file.set_len(length).expect("a length");
    for (place, word) in [(0, "begin"), (length / 2, "middle"), (length - 3, "end")] {
        file.seek(SeekFrom::Start(place)).expect("a place");
        file.write_all(word.as_bytes()).expect("a word");
    }
    drop(file);
    let begin = Instant::now();
    import(&mut pair);
    let imported = begin.elapsed();
    join(&mut pair);
    let joined = begin.elapsed() - imported;
    let [ana, ben] = both(&pair).map(|files| files.path("long.img"));
    assert_eq!(fs::metadata(&ben).expect("a file").size(), length);
    let compared = std::process::Command::new("cmp").args([&ana, &ben]).status().expect("a comparison");
    assert!(compared.success(), "the files differ");
    println!(
        "{} MiB: init {imported:.1?}, join {joined:.1?}; peak memory: Ana's node {:?} MiB, Ben's {:?} MiB",
        length / MIB,
        peak(&pair.ana).map(|bytes| bytes / MIB),
        peak(&pair.ben).map(|bytes| bytes / MIB),
    );
    for person in [&pair.ana, &pair.ben] {
        let bytes = peak(person).unwrap_or_default();
        assert!(bytes < 160 * MIB, "{} MiB for a file of {} MiB", bytes / MIB, length / MIB);
    }
}
