//! Texts that both change.

use std::{io::Write, time::Duration};

use weft_tests::{Files, Pair, Row};

const POEM: &str = "first\nsecond\nthird\n";

fn replace(files: &Files, path: &str, from: &str, to: &str) {
    let text = files.read(path).expect("a file");
    assert!(text.contains(from), "{from:?} in {text:?}");
    files.write(path, text.replacen(from, to, 1)).expect("a save");
}

#[test]
fn both_insert_at_the_same_place() {
    Row::with(&[("a.txt", POEM)]).run(
        |ana| replace(ana, "a.txt", "second\n", "second\nAna's line\n"),
        |ben| replace(ben, "a.txt", "second\n", "second\nBen's line\n"),
        |both| {
            both.has_only(&["a.txt"])
                .has_each("a.txt", &["Ana's line\n", "Ben's line\n", "first\n", "third\n"]);
            assert_eq!(both.text("a.txt").len(), POEM.len() + 22);
        },
    );
}

#[test]
fn both_edit_at_different_places() {
    Row::with(&[("a.txt", POEM)]).run(
        |ana| replace(ana, "a.txt", "first", "Ana\nfirst"),
        |ben| replace(ben, "a.txt", "third\n", "third\nBen\n"),
        |both| {
            both.has_only(&["a.txt"]).holds("a.txt", "Ana\nfirst\nsecond\nthird\nBen\n");
        },
    );
}

#[test]
fn an_edit_follows_a_renamed_file() {
    Row::with(&[("a.txt", POEM)]).run(
        |ana| ana.rename("a.txt", "b.txt").expect("a rename"),
        |ben| replace(ben, "a.txt", "third\n", "third\nBen\n"),
        |both| {
            both.has_only(&["b.txt"]).holds("b.txt", "first\nsecond\nthird\nBen\n");
        },
    );
}

#[test]
fn an_edit_beats_a_deletion() {
    Row::with(&[("a.txt", POEM)]).run(
        |ana| std::fs::remove_file(ana.path("a.txt")).expect("a deletion"),
        |ben| replace(ben, "a.txt", "third\n", "third\nBen\n"),
        |both| {
            both.has_only(&["a.txt"]).holds("a.txt", "first\nsecond\nthird\nBen\n");
        },
    );
}

#[test]
fn an_edit_of_an_edited_text_beats_a_deletion() {
    // The text is a document already when it is deleted.
    Row::with(&[("a.txt", POEM)]).run(
        |ana| {
            replace(ana, "a.txt", "first", "1st");
            replace(ana, "a.txt", "second", "2nd");
        },
        |ben| {
            replace(ben, "a.txt", "third\n", "third\nBen\n");
            std::fs::remove_file(ben.path("a.txt")).expect("a deletion");
        },
        |both| {
            both.has_only(&["a.txt"]);
            assert!(both.text("a.txt").starts_with("1st\n2nd\nthird\n"), "{both:?}");
        },
    );
}

#[test]
fn both_delete_the_same_file() {
    Row::with(&[("a.txt", POEM), ("b.txt", "b\n")]).run(
        |ana| std::fs::remove_file(ana.path("a.txt")).expect("a deletion"),
        |ben| std::fs::remove_file(ben.path("a.txt")).expect("a deletion"),
        |both| {
            both.has_only(&["b.txt"]);
        },
    );
}

#[test]
fn a_writer_in_a_loop_gets_the_other_ones_lines_in_between() {
    let mut pair = Pair::with_files(&[("log.txt", b"begin\n")]);
    for n in 0..40 {
        let text = pair.ana.files.read("log.txt").expect("a file");
        pair.ana.files.write("log.txt", format!("{text}Ana {n};\n")).expect("a save");
        let file = std::fs::OpenOptions::new().append(true).open(pair.ben.files.path("log.txt"));
        file.expect("a file").write_all(format!("Ben {n};\n").as_bytes()).expect("a line");
        std::thread::sleep(Duration::from_millis(n % 7 * 3));
    }
    pair.settle();
    let text = pair.text("log.txt");
    for line in (0..40).flat_map(|n| [format!("Ana {n};\n"), format!("Ben {n};\n")]) {
        assert_eq!(text.matches(&line).count(), 1, "{line:?} in {text:?}");
    }
    assert_eq!(pair.both().len(), 1, "{:?}", pair.both().keys());
}
