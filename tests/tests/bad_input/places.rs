//! Folders that cannot be a workspace.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use weft_tests::{Device, Pair};

use crate::told::{run, weft};

/// Everything below a folder, with lengths; the data folder's own log and lock come and go.
fn list(folder: &Path) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let data = entry.metadata().expect("a file");
            found.insert(
                entry.path().to_string_lossy().into_owned(),
                if data.is_dir() { 0 } else { data.len() },
            );
            if data.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found
}

fn device(root: &Path) -> Device {
    let device = Device::new(root, "ana").expect("a device");
    fs::create_dir_all(device.place.join("notes/inner")).expect("a folder");
    fs::write(device.place.join("notes/inner/a.txt"), "one\n").expect("a file");
    device
}

const UNCHANGED: &str = "your data: nothing was changed";

#[test]
fn workspaces_are_never_nested_and_no_folder_is_two() {
    let root = tempfile::tempdir().expect("a folder");
    let ana = device(root.path());
    weft(&ana, &["init", "notes"]).is_done();
    std::os::unix::fs::symlink("notes", ana.place.join("link")).expect("a link");
    let before = list(&ana.place);
    weft(&ana, &["init", "notes"]).is_refused(2, &["is the workspace “notes” already", UNCHANGED]);
    weft(&ana, &["init", "link"]).is_refused(2, &["is the workspace “notes” already", UNCHANGED]);
    weft(&ana, &["init", "notes/inner"]).is_refused(2, &["lies inside of the workspace “notes”", UNCHANGED]);
    weft(&ana, &["init", "link/inner"]).is_refused(2, &["lies inside of the workspace “notes”", UNCHANGED]);
    weft(&ana, &["init", "."]).is_refused(2, &["the workspace “notes” lies inside of", UNCHANGED]);
    assert_eq!(list(&ana.place), before);
    // A name that leads nowhere is no reason to stop sharing.
    weft(&ana, &["leave", "notes/iner"]).is_refused(3, &["there is no folder", "goes on being shared"]);
    weft(&ana, &["status", "notes"]).is_done();
}

#[test]
fn a_join_into_a_workspace_or_around_one_or_twice_changes_nothing() {
    let mut pair = Pair::before_joining(&[("a.txt", b"one\n")]);
    pair.ben.start();
    let own = pair.ben.device.place.join("own");
    fs::create_dir_all(own.join("inner")).expect("a folder");
    fs::write(own.join("mine.txt"), "mine\n").expect("a file");
    weft(&pair.ben.device, &["init", "own"]).is_done();
    let before = list(&pair.ben.device.place);
    let ticket = pair.ticket();
    let join = |folder: &str| weft(&pair.ben.device, &["join", &ticket, folder, "--yes", "--timeout", "20s"]);
    join("own").is_refused(2, &["is the workspace “own” already", UNCHANGED]);
    join("own/inner").is_refused(2, &["lies inside of the workspace “own”", UNCHANGED]);
    join("own/new").is_refused(2, &["lies inside of the workspace “own”", UNCHANGED]);
    join(".").is_refused(2, &["the workspace “own” lies inside of", UNCHANGED]);
    join("own/mine.txt").is_refused(2, &[UNCHANGED]);
    // The data folder would be sent to everybody, keys included.
    join("../home").is_refused(2, &["is Weft's own data folder", UNCHANGED]);
    join("../home/packs/new").is_refused(2, &["lies in Weft's own data folder", UNCHANGED]);
    assert_eq!(list(&pair.ben.device.place), before);
    // The ticket is not used up by any of that.
    join("notes").is_done();
    join("elsewhere").is_refused(2, &["is on this device already", UNCHANGED]);
    assert!(!pair.ben.device.place.join("elsewhere").exists());
    assert_eq!(pair.ben.files.read("a.txt").as_deref(), Some("one\n"));
}

#[test]
fn a_folder_that_is_missing_a_file_or_holds_the_data_of_weft_is_refused() {
    let root = tempfile::tempdir().expect("a folder");
    let ana = device(root.path());
    weft(&ana, &["init", "nowhere"]).is_refused(3, &["there is no folder", "make it first"]);
    weft(&ana, &["init", "notes/inner/a.txt"]).is_refused(2, &["is not a folder"]);
    weft(&ana, &["init", "notes/inner/a.txt/x"]).is_refused(3, &["there is no folder"]);
    let home = ana.home.to_str().expect("a text").to_owned();
    let around = ana.home.parent().and_then(Path::to_str).expect("a text").to_owned();
    let packs = format!("{home}/packs");
    fs::create_dir_all(&packs).expect("a folder");
    for folder in ["/", &around] {
        weft(&ana, &["init", folder]).is_refused(2, &["holds Weft's own data", &home, UNCHANGED]);
    }
    weft(&ana, &["init", &home]).is_refused(2, &["is Weft's own data folder", UNCHANGED]);
    weft(&ana, &["init", &packs]).is_refused(2, &["lies in Weft's own data folder", UNCHANGED]);
    // As it is where WEFT_HOME is left alone: the data folder lies in the home folder.
    let person = root.path().canonicalize().expect("a folder").join("person");
    fs::create_dir(&person).expect("a folder");
    let person = person.to_str().expect("a text").to_owned();
    let mut command = ana.command(["init", &person]);
    let told = run(command.env_remove("WEFT_HOME").env_remove("XDG_DATA_HOME").env("HOME", &person));
    told.is_refused(2, &["holds Weft's own data", UNCHANGED]);
    for words in
        [&["status", "/"][..], &["share", "nowhere"], &["digest", "notes"], &["cat", "nowhere/a.txt"]]
    {
        weft(&ana, words).is_refused(3, &["is in no workspace"]);
    }
}

#[test]
fn a_data_folder_that_is_a_file_or_somebody_elses_is_refused() {
    let root = tempfile::tempdir().expect("a folder");
    let ana = device(root.path());
    let place = root.path().join("place");
    let try_home = |home: &Path| run(ana.command(["init", "notes"]).env("WEFT_HOME", home));
    fs::write(&place, "a file").expect("a file");
    try_home(&place).is_refused(1, &["WEFT_HOME"]);
    try_home(&place.join("below")).is_refused(1, &["WEFT_HOME"]);
    fs::remove_file(&place).expect("a file");
    std::os::unix::fs::symlink("place", &place).expect("a link");
    try_home(&place).is_refused(1, &["WEFT_HOME"]);
    let full = root.path().join("full");
    fs::create_dir(&full).expect("a folder");
    fs::write(full.join("letter.txt"), "Dear …").expect("a file");
    try_home(&full).is_refused(1, &["files that are not Weft's", "WEFT_HOME"]);
    assert_eq!(fs::read_to_string(full.join("letter.txt")).expect("a file"), "Dear …");
}
