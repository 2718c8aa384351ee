//! Names that both give.

use std::fs;

use weft_tests::Row;

const POEM: &str = "first\nsecond\nthird\n";

#[test]
fn a_new_name_with_the_same_content_is_one_file() {
    Row::with(&[]).run(
        |ana| ana.write("new.txt", "the same\n").expect("a file"),
        |ben| ben.write("new.txt", "the same\n").expect("a file"),
        |both| {
            both.has_only(&["new.txt"]).holds("new.txt", "the same\n");
        },
    );
}

#[test]
fn a_new_name_with_different_content_is_two_files() {
    Row::with(&[]).run(
        |ana| ana.write("new.txt", "Ana's\n").expect("a file"),
        |ben| ben.write("new.txt", "Ben's\n").expect("a file"),
        |both| {
            both.has_only(&["new (2).txt", "new.txt"]).keeps(&[b"Ana's\n", b"Ben's\n"]);
        },
    );
}

#[test]
fn a_new_name_in_a_new_folder_is_two_files_in_one_folder() {
    Row::with(&[]).run(
        |ana| ana.write("deep/down/new.txt", "Ana's\n").expect("a file"),
        |ben| ben.write("deep/down/new.txt", "Ben's\n").expect("a file"),
        |both| {
            both.has_only(&["deep/", "deep/down/", "deep/down/new (2).txt", "deep/down/new.txt"])
                .keeps(&[b"Ana's\n", b"Ben's\n"]);
        },
    );
}

#[test]
fn a_new_file_and_a_new_folder_of_one_name_are_both_there() {
    Row::with(&[]).run(
        |ana| ana.write("new", "Ana's file\n").expect("a file"),
        |ben| ben.write("new/inside.txt", "Ben's\n").expect("a file"),
        |both| {
            both.keeps(&[b"Ana's file\n", b"Ben's\n"]);
            assert_eq!(both.files.len(), 3, "{both:?}");
        },
    );
}

#[test]
fn a_file_that_both_rename_gets_one_name_and_keeps_both_edits() {
    Row::with(&[("a.txt", POEM)]).run(
        |ana| {
            ana.rename("a.txt", "Ana's.txt").expect("a rename");
            ana.write("Ana's.txt", POEM.replace("first", "1st")).expect("a save");
        },
        |ben| {
            ben.rename("a.txt", "Ben's.txt").expect("a rename");
            ben.write("Ben's.txt", POEM.replace("third", "3rd")).expect("a save");
        },
        |both| {
            let name = both.files.keys().next().expect("a file").clone();
            assert!(["Ana's.txt", "Ben's.txt"].contains(&name.as_str()), "{both:?}");
            both.has_only(&[&name]).holds(&name, "1st\nsecond\n3rd\n");
        },
    );
}

#[test]
fn both_rename_to_the_same_name_and_edit() {
    Row::with(&[("a.txt", POEM)]).run(
        |ana| {
            ana.rename("a.txt", "b.txt").expect("a rename");
            ana.write("b.txt", POEM.replace("first", "1st")).expect("a save");
        },
        |ben| {
            ben.rename("a.txt", "b.txt").expect("a rename");
            ben.write("b.txt", POEM.replace("third", "3rd")).expect("a save");
        },
        |both| {
            both.has_only(&["b.txt"]).holds("b.txt", "1st\nsecond\n3rd\n");
        },
    );
}

#[test]
fn two_files_renamed_to_one_name_are_two_files() {
    Row::with(&[("a.txt", "a\n"), ("b.txt", "b\n")]).run(
        |ana| ana.rename("a.txt", "c.txt").expect("a rename"),
        |ben| ben.rename("b.txt", "c.txt").expect("a rename"),
        |both| {
            both.has_only(&["c (2).txt", "c.txt"]).keeps(&[b"a\n", b"b\n"]);
        },
    );
}

#[test]
fn a_name_that_is_taken_away_and_one_that_is_given() {
    Row::with(&[("a.txt", "old\n")]).run(
        |ana| ana.rename("a.txt", "b.txt").expect("a rename"),
        |ben| ben.write("b.txt", "Ben's own\n").expect("a file"),
        |both| {
            both.has_only(&["b (2).txt", "b.txt"]).keeps(&[b"old\n", b"Ben's own\n"]);
        },
    );
}

#[test]
fn names_of_every_script_travel_as_they_are() {
    let names =
        ["ä.txt", "日本語.txt", "👩‍👩‍👧.txt", "a b.txt", "-n", "#x#y", "e\u{301}.txt", "'\"$(x)`.txt", "ſ.txt"];
    Row::with(&[]).run(
        |ana| names.iter().for_each(|name| ana.write(name, *name).expect("a file")),
        |_| (),
        |both| {
            both.has_only(&names);
            for name in names {
                both.holds(name, name);
            }
        },
    );
}

#[test]
fn names_that_fold_onto_each_other_are_two_files_where_the_disk_can_hold_them() {
    Row::with(&[]).run(
        |ana| ana.write("readme.md", "small\n").expect("a file"),
        |ben| ben.write("README.md", "large\n").expect("a file"),
        |both| {
            both.keeps(&[b"small\n", b"large\n"]);
            assert_eq!(both.files.len(), 2, "{both:?}");
        },
    );
}

#[test]
fn a_name_that_goes_over_the_longest_path_costs_only_itself() {
    let long = "x".repeat(255);
    Row::with(&[]).run(
        |ana| ana.write(&long, "long name\n").expect("a file"),
        |ben| ben.write("short", "short name\n").expect("a file"),
        |both| {
            both.holds("short", "short name\n").holds(&long, "long name\n");
        },
    );
}

#[test]
fn an_empty_folder_travels_and_goes() {
    Row::with(&[("old/x.txt", "x\n")]).run(
        |ana| fs::create_dir_all(ana.path("empty/inside")).expect("a folder"),
        |ben| fs::remove_dir_all(ben.path("old")).expect("a deletion"),
        |both| {
            both.has_only(&["empty/", "empty/inside/"]);
        },
    );
}
