//! The ways in which editors save, from the calls that they make, while the other one's edit arrives.

use std::{fs, io::Write};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use weft_tests::{Files, Row};

const POEM: &str = "first\nsecond\nthird\n";
const EDITED: &str = "first\nsecond, by Ben\nthird\n";
const MERGED: &str = "first, by Ana\nsecond, by Ben\nthird\n";

/// How an editor replaces the content of a file.
type Save = fn(&Files, &str, &str);

fn vim(files: &Files, path: &str, text: &str) {
    let backup = format!("{path}~");
    files.write("4913", "").expect("a test of whether files can be made");
    fs::remove_file(files.path("4913")).expect("a deletion");
    files.rename(path, &backup).expect("a rename");
    files.write(path, text).expect("a file");
    fs::remove_file(files.path(&backup)).expect("a deletion");
}

fn vim_that_copies(files: &Files, path: &str, text: &str) {
    let backup = format!("{path}~");
    fs::copy(files.path(path), files.path(&backup)).expect("a backup");
    files.write(path, text).expect("a save");
    fs::remove_file(files.path(&backup)).expect("a deletion");
}

fn vs_code(files: &Files, path: &str, text: &str) {
    let mut file = fs::OpenOptions::new().write(true).open(files.path(path)).expect("a file");
    file.set_len(0).expect("an empty file");
    let (begin, end) = text.as_bytes().split_at(text.len() / 2);
    file.write_all(begin).expect("a half");
    file.write_all(end).expect("the other half");
    file.sync_all().expect("a flush");
}

fn jetbrains(files: &Files, path: &str, text: &str) {
    let (new, old) = (format!("{path}___jb_tmp___"), format!("{path}___jb_old___"));
    files.write(&new, text).expect("a file");
    files.rename(path, &old).expect("a rename");
    files.rename(&new, path).expect("a rename");
    fs::remove_file(files.path(&old)).expect("a deletion");
}

fn emacs(files: &Files, path: &str, text: &str) {
    let lock = format!(".#{path}");
    std::os::unix::fs::symlink("ben@machine.1234", files.path(&lock)).expect("a lock");
    files.write(&format!("#{path}#"), text).expect("an automatic save");
    files.write(path, text).expect("a save");
    fs::remove_file(files.path(&format!("#{path}#"))).expect("a deletion");
    fs::remove_file(files.path(&lock)).expect("a deletion");
}

fn rename_over(files: &Files, path: &str, text: &str) {
    let new = format!(".{path}.aB3xYz");
    files.write(&new, text).expect("a file");
    files.rename(&new, path).expect("a rename");
}

fn exchange(files: &Files, path: &str, text: &str) {
    let new = format!("{path}.new");
    files.write(&new, text).expect("a file");
    renameat_with(CWD, files.path(&new), CWD, files.path(path), RenameFlags::EXCHANGE).expect("an exchange");
    fs::remove_file(files.path(&new)).expect("a deletion");
}

const EDITORS: [(&str, Save); 7] = [
    ("vim.txt", vim),
    ("vim that copies.txt", vim_that_copies),
    ("vs code.txt", vs_code),
    ("jetbrains.txt", jetbrains),
    ("emacs.txt", emacs),
    ("gedit.txt", rename_over),
    ("exchange.txt", exchange),
];

#[test]
fn every_way_of_saving_is_an_edit_that_meets_the_other_ones() {
    let files = EDITORS.map(|(path, _)| (path, POEM));
    Row::with(&files).run(
        |ana| {
            EDITORS.iter().for_each(|(path, _)| {
                ana.write(path, POEM.replace("first", "first, by Ana")).expect("a save")
            })
        },
        |ben| EDITORS.iter().for_each(|(path, save)| save(ben, path, EDITED)),
        |both| {
            both.has_only(&EDITORS.map(|(path, _)| path));
            for (path, _) in EDITORS {
                both.holds(path, MERGED);
            }
        },
    );
}

#[test]
fn an_editor_that_keeps_its_backup_shares_it_and_keeps_the_file() {
    Row::with(&[("a.txt", POEM)]).run(
        |ana| ana.write("a.txt", POEM.replace("first", "first, by Ana")).expect("a save"),
        |ben| {
            ben.rename("a.txt", "a.txt~").expect("a rename");
            ben.write("a.txt", EDITED).expect("a file");
        },
        |both| {
            both.has_only(&["a.txt", "a.txt~"]).holds("a.txt", MERGED).holds("a.txt~", POEM);
        },
    );
}
