//! Folders that one renames, moves or deletes, while the other works in them.

use std::fs;

use weft_tests::{Files, Outcome, Row};

fn house() -> Row {
    Row::with(&[
        ("house/kitchen.txt", "stove\n"),
        ("house/cellar/wine.txt", "red\n"),
        ("garden/tree.txt", "oak\n"),
    ])
}

/// One deletes the house while the other does something in it.
fn house_is_deleted(ben: impl Fn(&Files), expect: impl Fn(&Outcome)) {
    house().run(|ana| fs::remove_dir_all(ana.path("house")).expect("a deletion"), ben, expect);
}

const GARDEN: [&str; 2] = ["garden/", "garden/tree.txt"];

#[test]
fn an_edit_inside_of_a_deleted_folder_survives_with_its_folder() {
    house_is_deleted(
        |ben| ben.write("house/cellar/wine.txt", "red\nand white\n").expect("a save"),
        |both| {
            both.has_only(&[
                "garden/",
                "garden/tree.txt",
                "house/",
                "house/cellar/",
                "house/cellar/wine.txt",
            ])
            .holds("house/cellar/wine.txt", "red\nand white\n");
        },
    );
}

#[test]
fn a_new_file_inside_of_a_deleted_folder_survives_with_its_folder() {
    house_is_deleted(
        |ben| ben.write("house/cellar/beer.txt", "ale\n").expect("a file"),
        |both| {
            both.has_only(&[
                "garden/",
                "garden/tree.txt",
                "house/",
                "house/cellar/",
                "house/cellar/beer.txt",
            ])
            .holds("house/cellar/beer.txt", "ale\n");
        },
    );
}

#[test]
fn a_file_renamed_inside_of_a_deleted_folder_survives() {
    house_is_deleted(
        |ben| ben.rename("house/kitchen.txt", "house/stove.txt").expect("a rename"),
        |both| {
            both.has_only(&["garden/", "garden/tree.txt", "house/", "house/stove.txt"])
                .holds("house/stove.txt", "stove\n");
        },
    );
}

#[test]
fn a_file_added_to_a_renamed_folder_is_in_the_renamed_one() {
    house().run(
        |ana| ana.rename("house", "home").expect("a rename"),
        |ben| ben.write("house/attic.txt", "dust\n").expect("a file"),
        |both| {
            let home =
                ["home/", "home/attic.txt", "home/cellar/", "home/cellar/wine.txt", "home/kitchen.txt"];
            both.has_only(&[&home[..], &GARDEN].concat()).holds("home/attic.txt", "dust\n");
        },
    );
}

#[test]
fn a_new_folder_in_a_renamed_folder_is_in_the_renamed_one() {
    house().run(
        |ana| ana.rename("house", "home").expect("a rename"),
        |ben| ben.write("house/attic/box/hat.txt", "straw\n").expect("a file"),
        |both| {
            both.holds("home/attic/box/hat.txt", "straw\n").holds("home/kitchen.txt", "stove\n");
            assert!(!both.files.contains_key("house/"), "{both:?}");
        },
    );
}

#[test]
fn an_edit_in_a_renamed_folder_is_in_the_renamed_one() {
    house().run(
        |ana| ana.rename("house", "home").expect("a rename"),
        |ben| ben.write("house/kitchen.txt", "stove\nsink\n").expect("a save"),
        |both| {
            let home = ["home/", "home/cellar/", "home/cellar/wine.txt", "home/kitchen.txt"];
            both.has_only(&[&home[..], &GARDEN].concat()).holds("home/kitchen.txt", "stove\nsink\n");
        },
    );
}

#[test]
fn a_folder_that_both_rename_has_one_name_and_all_files() {
    house().run(
        |ana| ana.rename("house", "home").expect("a rename"),
        |ben| ben.rename("house", "hut").expect("a rename"),
        |both| {
            let name = if both.files.contains_key("home/") { "home" } else { "hut" };
            let (folder, cellar) = (format!("{name}/"), format!("{name}/cellar/"));
            let (wine, kitchen) = (format!("{name}/cellar/wine.txt"), format!("{name}/kitchen.txt"));
            both.has_only(&[&[&*folder, &cellar, &wine, &kitchen][..], &GARDEN].concat());
        },
    );
}

#[test]
fn a_folder_moved_into_another_that_is_moved_into_the_first() {
    house().run(
        |ana| ana.rename("garden", "house/garden").expect("a move"),
        |ben| ben.rename("house", "garden/house").expect("a move"),
        |both| {
            both.keeps(&[b"stove\n", b"red\n", b"oak\n"]);
            assert_eq!(both.files.len(), 6, "three files in three folders: {both:?}");
        },
    );
}

#[test]
fn a_file_moved_into_a_deleted_folder_survives() {
    house_is_deleted(
        |ben| ben.rename("garden/tree.txt", "house/tree.txt").expect("a move"),
        |both| {
            both.has_only(&["garden/", "house/", "house/tree.txt"]).holds("house/tree.txt", "oak\n");
        },
    );
}

#[test]
fn a_deleted_folder_that_is_made_again_with_one_file_holds_that_file() {
    house().run(
        |ana| {
            fs::remove_dir_all(ana.path("house")).expect("a deletion");
            ana.write("house/door.txt", "open\n").expect("a file");
        },
        |_| (),
        |both| {
            both.has_only(&[&["house/", "house/door.txt"][..], &GARDEN].concat())
                .holds("house/door.txt", "open\n");
        },
    );
}
