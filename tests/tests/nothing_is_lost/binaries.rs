//! Files that are no texts, and texts that become none.

use std::fs;

use weft_tests::{Outcome, Pair, Row};

const POEM: &str = "first\nsecond\nthird\n";
const OLD: &[u8] = b"\0old picture";
const ANAS: &[u8] = b"\0Ana's picture, which is another one";
const BENS: &[u8] = b"\0Ben's picture";

fn conflict_copies(both: &Outcome) -> usize {
    both.files.keys().filter(|path| path.contains("(conflict, ")).count()
}

#[test]
fn a_picture_that_both_change_is_there_in_both_versions() {
    Row::with(&[]).and("a.png", OLD).run(
        |ana| ana.write("a.png", ANAS).expect("a save"),
        |ben| ben.write("a.png", BENS).expect("a save"),
        |both| {
            both.keeps(&[ANAS, BENS]);
            assert!(both.files.contains_key("a.png") && both.files.len() == 2, "{both:?}");
            assert_eq!(conflict_copies(both), 1, "{both:?}");
        },
    );
}

#[test]
fn a_picture_that_both_change_alike_is_one_file() {
    Row::with(&[]).and("a.png", OLD).run(
        |ana| ana.write("a.png", ANAS).expect("a save"),
        |ben| ben.write("a.png", ANAS).expect("a save"),
        |both| {
            both.has_only(&["a.png"]).holds("a.png", ANAS);
        },
    );
}

#[test]
fn a_changed_picture_beats_its_deletion() {
    Row::with(&[]).and("a.png", OLD).run(
        |ana| fs::remove_file(ana.path("a.png")).expect("a deletion"),
        |ben| ben.write("a.png", BENS).expect("a save"),
        |both| {
            both.has_only(&["a.png"]).holds("a.png", BENS);
        },
    );
}

#[test]
fn an_edit_meets_a_text_that_became_a_picture() {
    Row::with(&[("a.txt", POEM)]).run(
        |ana| ana.write("a.txt", format!("{POEM}Ana\n")).expect("a save"),
        |ben| ben.write("a.txt", BENS).expect("a save"),
        |both| {
            both.keeps(&[format!("{POEM}Ana\n").as_bytes(), BENS]);
            assert_eq!((both.files.len(), conflict_copies(both)), (2, 1), "{both:?}");
        },
    );
}

#[test]
fn an_edit_meets_a_text_that_grew_past_the_limit() {
    let long = format!("{POEM}{}", "all work and no play\n".repeat(110_000));
    Row::with(&[("a.txt", POEM)]).run(
        |ana| ana.write("a.txt", format!("Ana\n{POEM}")).expect("a save"),
        |ben| ben.write("a.txt", &long).expect("a save"),
        |both| {
            // Either both edits are in one text, or both versions are there.
            let is_merged = both.files.len() == 1 && both.text("a.txt") == format!("Ana\n{long}");
            if !is_merged {
                both.keeps(&[format!("Ana\n{POEM}").as_bytes(), long.as_bytes()]);
                assert_eq!((both.files.len(), conflict_copies(both)), (2, 1), "{:?}", both.files.keys());
            }
        },
    );
}

#[test]
fn a_picture_edited_by_one_and_made_a_text_by_the_other() {
    Row::with(&[]).and("a", OLD).run(
        |ana| ana.write("a", POEM).expect("a save"),
        |ben| ben.write("a", BENS).expect("a save"),
        |both| {
            both.keeps(&[POEM.as_bytes(), BENS]);
            assert_eq!(both.files.len(), 2, "{both:?}");
        },
    );
}

#[test]
fn a_text_that_was_a_picture_for_a_while_is_edited_by_both() {
    let mut pair = Pair::with_files(&[("a.txt", POEM.as_bytes())]);
    pair.ben.files.write("a.txt", format!("{POEM}Ben\n")).expect("a save");
    pair.settle();
    pair.ana.files.write("a.txt", ANAS).expect("a save");
    pair.settle();
    assert_eq!(pair.both().get("a.txt").map(Vec::as_slice), Some(ANAS));
    pair.ana.files.write("a.txt", format!("{POEM}Ben\n")).expect("a save");
    pair.settle();
    pair.ana.files.write("a.txt", format!("Ana\n{POEM}Ben\n")).expect("a save");
    pair.ben.files.write("a.txt", format!("{POEM}Ben\nBen again\n")).expect("a save");
    pair.settle();
    let both = pair.both();
    assert_eq!(both.len(), 1, "{:?}", both.keys());
    let text = String::from_utf8_lossy(&both["a.txt"]).into_owned();
    assert_eq!(text, format!("Ana\n{POEM}Ben\nBen again\n"));
}

/// Two versions of one picture, and the name of the copy.
fn with_a_conflict() -> (Pair, String) {
    let mut pair = Pair::with_files(&[("a.png", OLD)]);
    pair.ben.stop();
    pair.ana.files.write("a.png", ANAS).expect("a save");
    pair.ben.files.write("a.png", BENS).expect("a save");
    pair.ben.start();
    pair.settle();
    let both = pair.both();
    let copy = both.keys().find(|path| path.contains("(conflict, ")).expect("a copy").clone();
    assert_eq!(both.len(), 2, "{:?}", both.keys());
    (pair, copy)
}

#[test]
fn a_conflict_copy_that_is_removed_is_given_up() {
    let (mut pair, copy) = with_a_conflict();
    let winner = pair.both()["a.png"].clone();
    fs::remove_file(pair.ben.files.path(&copy)).expect("a deletion");
    pair.settle();
    let both = pair.both();
    assert_eq!(both.len(), 1, "{:?}", both.keys());
    assert_eq!(both["a.png"], winner);
}

#[test]
fn a_conflict_copy_that_is_renamed_becomes_a_file_of_its_own() {
    let (mut pair, copy) = with_a_conflict();
    let (winner, other) = (pair.both()["a.png"].clone(), pair.both()[&copy].clone());
    pair.ana.files.rename(&copy, "b.png").expect("a rename");
    pair.settle();
    pair.ben.files.write("a.png", b"\0newest").expect("a save");
    pair.settle();
    let both = pair.both();
    assert_eq!(both.keys().collect::<Vec<_>>(), ["a.png", "b.png"]);
    assert_ne!(both["a.png"], winner);
    assert_eq!(both["b.png"], other);
}

#[test]
fn a_conflict_copy_moved_over_the_file_takes_its_place() {
    let (mut pair, copy) = with_a_conflict();
    let other = pair.both()[&copy].clone();
    pair.ana.files.rename(&copy, "a.png").expect("a rename");
    pair.settle();
    let both = pair.both();
    assert_eq!(both.keys().collect::<Vec<_>>(), ["a.png"]);
    assert_eq!(both["a.png"], other);
}

#[test]
fn a_conflict_copy_that_is_saved_to_keeps_the_save() {
    let (mut pair, copy) = with_a_conflict();
    let winner = pair.both()["a.png"].clone();
    pair.ben.files.write(&copy, b"\0a save to the copy").expect("a save");
    pair.settle();
    let both = pair.both();
    assert_eq!(both.len(), 2, "{:?}", both.keys());
    assert_eq!(both["a.png"], winner);
    assert!(both.values().any(|content| content == b"\0a save to the copy"), "{:?}", both.keys());
}

#[test]
fn a_conflict_copy_of_a_text_is_saved_to_and_removed() {
    let mut pair = Pair::with_files(&[("a.txt", POEM.as_bytes())]);
    pair.ben.stop();
    pair.ana.files.write("a.txt", format!("{POEM}Ana\n")).expect("a save");
    pair.ben.files.write("a.txt", BENS).expect("a save");
    pair.ben.start();
    pair.settle();
    let both = pair.both();
    assert_eq!(both.len(), 2, "{:?}", both.keys());
    let (text, _) = both.iter().find(|(_, content)| content.starts_with(b"first")).expect("the text");
    pair.ben.files.write(text, format!("{POEM}Ana\nBen too\n")).expect("a save");
    pair.settle();
    assert!(pair.both().values().any(|content| content == format!("{POEM}Ana\nBen too\n").as_bytes()));
    assert_eq!(pair.both().len(), 2, "{:?}", pair.both().keys());
    let copy = pair.both().keys().find(|path| path.contains("(conflict, ")).expect("a copy").clone();
    fs::remove_file(pair.ana.files.path(&copy)).expect("a deletion");
    pair.settle();
    assert_eq!(pair.both().keys().collect::<Vec<_>>(), ["a.txt"]);
}
