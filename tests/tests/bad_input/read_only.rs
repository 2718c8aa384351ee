//! Disks that may be read and not written.

use std::path::{Path, PathBuf};
use std::process::Command;

use weft_tests::{PATIENCE, Pair, eventually};

use crate::told::{is_pending, pending, weft};

/// A mounted file system, which is taken away at the end.
struct Mount {
    path: PathBuf,
}

impl Mount {
    /// One in memory; or why there is none.
    fn in_memory(path: &Path) -> Result<Self, String> {
        mount(&["-t", "tmpfs", "-o", "size=16m,mode=0700", "weft-test"], path)?;
        Ok(Self { path: path.to_path_buf() })
    }

    /// The folder itself, as a mount of its own.
    fn of_itself(path: &Path) -> Result<Self, String> {
        let from = path.to_str().ok_or("no text")?;
        mount(&["--bind", from], path)?;
        Ok(Self { path: path.to_path_buf() })
    }

    fn set(&self, options: &str) {
        mount(&["-o", options], &self.path).expect("a mount that changes");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a node may still have files open there.
        let _unmounted = Command::new("umount").arg("-l").arg(&self.path).output();
    }
}

fn mount(options: &[&str], path: &Path) -> Result<(), String> {
    let output = Command::new("mount").args(options).arg(path).output();
    let output = output.map_err(|error| format!("there is no `mount`: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn edits_of_others_wait_for_a_read_only_folder_and_are_named() {
    let mut pair = Pair::before_joining(&[("a.txt", b"one\n"), ("gone.txt", b"gone\n")]);
    let disk = match Mount::in_memory(&pair.ben.files.root) {
        Ok(disk) => disk,
        Err(reason) => {
            println!("skipped: nothing can be mounted here: {reason}");
            return;
        }
    };
    pair.ben.start();
    pair.join(&[]);
    pair.settle();
    disk.set("remount,ro");
    pair.ana.files.write("a.txt", "one\nAna\n").expect("a save");
    pair.ana.files.write("folder/new.txt", "new\n").expect("a file");
    std::fs::remove_file(pair.ana.files.path("gone.txt")).expect("a deletion");
    let named = eventually(PATIENCE, || {
        let is_named = |path: &&str| is_pending(&pair.ben, path, "Read-only file system");
        ["a.txt", "folder"].iter().all(is_named).then_some(())
    });
    assert!(named.is_some(), "{:?}", pending(&pair.ben));
    let told = weft(&pair.ben.device, &["status", "notes"]);
    told.is_done().says(&["not written yet", "tried again", "still to be written here"]);
    println!("{}", told.text);
    // The edit itself is here: it is read, and passed on, from the store.
    assert_eq!(weft(&pair.ben.device, &["cat", "notes/a.txt"]).is_done().text, "one\nAna\n");
    assert_eq!(pair.ben.files.read("a.txt").as_deref(), Some("one\n"));
    let edited = weft(&pair.ben.device, &["edit", "notes/a.txt", "--insert", "0", "Ben\n"]);
    edited.is_done();

    disk.set("remount,rw");
    pair.settle();
    let both = pair.both();
    assert_eq!(both["a.txt"], b"Ben\none\nAna\n");
    assert_eq!(both["folder/new.txt"], b"new\n");
    assert!(!both.contains_key("gone.txt"), "{:?}", both.keys());
    assert_eq!(pending(&pair.ben), []);
}

#[test]
fn a_read_only_data_folder_is_told_and_works_again_when_it_can_be_written() {
    let mut pair = Pair::with_files(&[("a.txt", b"one\n")]);
    pair.ben.stop();
    let home = match Mount::of_itself(&pair.ben.device.home) {
        Ok(home) => home,
        Err(reason) => {
            println!("skipped: nothing can be mounted here: {reason}");
            return;
        }
    };
    home.set("remount,bind,ro");
    let folder = pair.ben.device.home.to_str().expect("a text").to_owned();
    for words in [
        &["status", "notes"][..],
        &["node", "--lan", "off"],
        &["edit", "notes/a.txt", "--insert", "0", "x"],
        &["init", "."],
    ] {
        let told = weft(&pair.ben.device, words);
        told.is_refused(1, &["Read-only file system", &folder, "your data: nothing was changed"]);
    }
    let doctor = weft(&pair.ben.device, &["doctor"]);
    assert_eq!(doctor.code, Some(1), "{}", doctor.text);
    doctor.says(&["Read-only file system", &folder]);
    drop(home);
    pair.ana.files.write("a.txt", "one\nAna\n").expect("a save");
    pair.ben.start();
    pair.settle();
    assert_eq!(pair.both()["a.txt"], b"one\nAna\n");
}
