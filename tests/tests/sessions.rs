//! Commands without a running node write under one session, as long as nothing says that the
//! data folder was set back or copied.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use weft_tests::{Device, Files, Pair};

/// Edits by commands; `WEFT_EDITS=1000` for the number that the rule names.
fn edits() -> usize {
    std::env::var("WEFT_EDITS").ok().and_then(|number| number.parse().ok()).unwrap_or(30)
}

fn device() -> (tempfile::TempDir, Device) {
    let root = tempfile::tempdir().expect("a folder");
    let device = Device::new(root.path(), "ana").expect("a device");
    let files = Files::new(device.place.join("notes")).expect("a folder");
    files.write("a.md", "begin\n").expect("a file");
    device.weft(["init", "notes", "--name", "notes"]).expect("a workspace");
    (root, device)
}

fn edit(device: &Device, text: &str) {
    device.weft(["edit", "notes/a.md", "--insert", "0", text]).expect("an edit");
}

/// The logs of the workspace, Genesis among them.
fn logs(device: &Device) -> BTreeSet<String> {
    let status = device.weft(["status", "notes"]).expect("a status");
    let frontier = status.field("frontier").as_object().expect("a map of logs").clone();
    frontier.into_iter().map(|(log, _)| log).collect()
}

#[test]
fn a_thousand_edits_by_commands_make_at_most_three_logs() {
    let (_root, device) = device();
    for number in 0..edits() {
        edit(&device, &format!("{number} "));
    }
    let logs = logs(&device);
    assert!(logs.len() <= 3, "{} logs: {logs:?}", logs.len());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).expect("a folder of one's own");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_type().expect("a type").is_file() {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// A backup of the data folder does not hold the counter, so what is put in place begins a session.
#[test]
fn a_restored_backup_begins_a_session() {
    let (root, device) = device();
    edit(&device, "one ");
    let backup = root.path().join("backup");
    copy(&device.home, &backup);
    edit(&device, "two ");
    let before = logs(&device);
    fs::remove_dir_all(&device.home).expect("a folder");
    copy(&backup, &device.home);
    edit(&device, "three ");
    let after = logs(&device);
    assert!(after.difference(&before).next().is_some(), "it wrote on to {before:?}");
}

/// A machine may be copied, as an image, after somebody joined and before that person's first edit.
#[test]
fn two_copies_of_a_folder_that_never_wrote_do_not_write_one_log() {
    let mut pair = Pair::before_joining(&[("a.txt", b"begin\n")]);
    pair.ben.start();
    pair.join(&[]);
    pair.ben.stop();
    let mut other = Device::new(pair.elsewhere(), "copy").expect("a device");
    other.place.clone_from(&pair.ben.device.place);
    fs::remove_dir_all(&other.home).expect("a folder");
    copy(&pair.ben.device.home, &other.home);
    let path = pair.ben.files.path("a.txt");
    let logs_after_an_edit = |device: &Device| {
        let frontier = || {
            let status = device.weft(["status".as_ref(), pair.ben.files.root.as_os_str()]).expect("a status");
            status.field("frontier").as_object().expect("a map of logs").clone()
        };
        let before = frontier();
        let words = ["edit".as_ref(), path.as_os_str(), "--insert".as_ref(), "0".as_ref(), "x".as_ref()];
        device.weft(words).expect("an edit");
        let is_new = |(log, seq): &(String, serde_json::Value)| before.get(log) != Some(seq);
        let after = frontier().into_iter().filter(is_new);
        after.map(|(log, _)| log).collect::<BTreeSet<String>>()
    };
    let (first, second) = (logs_after_an_edit(&pair.ben.device), logs_after_an_edit(&other));
    assert!(!first.is_empty() && !second.is_empty());
    assert!(first.is_disjoint(&second), "both write to {first:?} and {second:?}");
}
