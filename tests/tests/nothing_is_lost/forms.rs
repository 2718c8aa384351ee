//! Forms of content: what stands in a file is nobody's but its writer's business.

use std::{fs, os::unix::fs::PermissionsExt};

use weft_tests::{Files, Pair, Row};

fn set_mode(files: &Files, path: &str, mode: u32) {
    fs::set_permissions(files.path(path), fs::Permissions::from_mode(mode)).expect("a mode");
}

fn replace(files: &Files, path: &str, from: &str, to: &str) {
    let text = fs::read(files.path(path)).expect("a file");
    let text = String::from_utf8(text).expect("a text");
    files.write(path, text.replacen(from, to, 1)).expect("a save");
}

#[test]
fn line_endings_and_byte_order_marks_stay_as_they_are_when_both_edit() {
    let row = Row::with(&[
        ("crlf.txt", "one\r\ntwo\r\nthree\r\n"),
        ("mixed.txt", "one\ntwo\r\nthree\rfour\n"),
        ("mark.txt", "\u{feff}one\ntwo\n"),
        ("no end.txt", "one\ntwo"),
    ]);
    row.run(
        |ana| {
            replace(ana, "crlf.txt", "one\r\n", "one\r\nAna\r\n");
            replace(ana, "mixed.txt", "one\n", "Ana\r\none\n");
            replace(ana, "mark.txt", "one\n", "one\nAna\n");
            replace(ana, "no end.txt", "one\n", "Ana\none\n");
        },
        |ben| {
            replace(ben, "crlf.txt", "three\r\n", "three\r\nBen\r\n");
            replace(ben, "mixed.txt", "four\n", "four\nBen\r");
            replace(ben, "mark.txt", "two\n", "two\nBen\n");
            replace(ben, "no end.txt", "two", "two\nBen");
        },
        |both| {
            both.has_only(&["crlf.txt", "mark.txt", "mixed.txt", "no end.txt"])
                .holds("crlf.txt", "one\r\nAna\r\ntwo\r\nthree\r\nBen\r\n")
                .holds("mixed.txt", "Ana\r\none\ntwo\r\nthree\rfour\nBen\r")
                .holds("mark.txt", "\u{feff}one\nAna\ntwo\nBen\n")
                .holds("no end.txt", "Ana\none\ntwo\nBen");
        },
    );
}

#[test]
fn bytes_that_are_no_text_and_empty_files_travel_exactly() {
    let every: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    Row::with(&[("empty.txt", ""), ("full.txt", "full\n")]).and("bytes", b"old\xff").run(
        |ana| {
            ana.write("every byte", &every).expect("a file");
            ana.write("latin.txt", b"caf\xe9\n").expect("a file");
            ana.write("empty.txt", "Ana\n").expect("a save");
            ana.write("new and empty", "").expect("a file");
        },
        |ben| {
            ben.write("bytes", b"new\xfe").expect("a save");
            ben.write("full.txt", "").expect("a save");
        },
        |both| {
            both.has_only(&["bytes", "empty.txt", "every byte", "full.txt", "latin.txt", "new and empty"])
                .holds("every byte", &every)
                .holds("latin.txt", b"caf\xe9\n")
                .holds("empty.txt", "Ana\n")
                .holds("bytes", b"new\xfe")
                .holds("full.txt", "")
                .holds("new and empty", "");
        },
    );
}

#[test]
fn an_empty_file_that_both_begin_holds_both_beginnings() {
    Row::with(&[("empty.txt", "")]).run(
        |ana| ana.write("empty.txt", "Ana begins\n").expect("a save"),
        |ben| ben.write("empty.txt", "Ben begins\n").expect("a save"),
        |both| {
            both.has_only(&["empty.txt"]).has_each("empty.txt", &["Ana begins\n", "Ben begins\n"]);
        },
    );
}

#[test]
fn the_executable_bit_and_an_edit_meet() {
    let mut pair = Pair::with_files(&[("run.sh", b"#!/bin/sh\necho\n"), ("was.sh", b"#!/bin/sh\n")]);
    set_mode(&pair.ana.files, "was.sh", 0o755);
    pair.settle();
    pair.ben.stop();
    set_mode(&pair.ana.files, "run.sh", 0o755);
    set_mode(&pair.ana.files, "was.sh", 0o644);
    pair.ben.files.write("run.sh", "#!/bin/sh\necho Ben\n").expect("a save");
    pair.ana.files.write("new.sh", "#!/bin/sh\n").expect("a file");
    set_mode(&pair.ana.files, "new.sh", 0o755);
    pair.ben.start();
    pair.settle();
    for person in [&pair.ana, &pair.ben] {
        let mode =
            |path: &str| fs::metadata(person.files.path(path)).expect("a file").permissions().mode() & 0o111;
        assert_eq!(person.files.read("run.sh").as_deref(), Some("#!/bin/sh\necho Ben\n"));
        assert_ne!(mode("run.sh"), 0);
        assert_ne!(mode("new.sh"), 0);
        assert_eq!(mode("was.sh"), 0);
    }
}

#[test]
fn a_text_that_grows_past_the_limit_and_shrinks_again_is_never_cut() {
    let long = "all work and no play\n".repeat(900_000);
    let mut pair = Pair::with_files(&[("a.txt", b"begin\n")]);
    pair.ben.files.write("a.txt", "begin\nand go on\n").expect("a save");
    pair.settle();
    pair.ana.files.write("a.txt", &long).expect("a save");
    pair.settle();
    assert!(pair.both()["a.txt"] == long.as_bytes(), "{} bytes", pair.both()["a.txt"].len());
    pair.ben.files.write("a.txt", "short again\n").expect("a save");
    pair.settle();
    assert_eq!(pair.both()["a.txt"], b"short again\n");
    assert_eq!(pair.both().len(), 1, "{:?}", pair.both().keys());
}
