//! The key of the store: asked for in the wrong place, wrong, or not to be had.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use weft_tests::Device;

use crate::told::{Told, run, run_with};

fn device() -> (TempDir, Device) {
    let root = tempfile::tempdir().expect("a folder");
    let device = Device::new(root.path(), "ana").expect("a device");
    fs::create_dir(device.place.join("notes")).expect("a folder");
    fs::write(device.place.join("notes/a.txt"), "one\n").expect("a file");
    (root, device)
}

/// A command with this key, and no session bus.
fn command(device: &Device, key: &str, words: &[&str]) -> Command {
    let mut command = device.command(words);
    command.env("WEFT_KEY", key).env_remove("DBUS_SESSION_BUS_ADDRESS");
    command
}

#[track_caller]
fn with_key(device: &Device, key: &str, words: &[&str]) -> Told {
    run(&mut command(device, key, words))
}

/// The passphrase comes from the standard input, which is a descriptor like any other.
#[track_caller]
fn with_passphrase(device: &Device, passphrase: &Path, words: &[&str]) -> Told {
    let input = File::open(passphrase).expect("a passphrase");
    run_with(&mut command(device, "passphrase-fd:0", words), Stdio::from(input))
}

#[test]
fn a_value_that_names_no_place_is_refused_with_those_there_are() {
    let (_root, device) = device();
    for key in
        ["foo", "FILE", "passphrase-fd:", "passphrase-fd:x", "passphrase-fd:-1", "passphrase-fd:1", "hunter2"]
    {
        let told = with_key(&device, key, &["init", "notes"]);
        told.is_refused(2, &["WEFT_KEY", "keyring, file", "passphrase-fd:3", "nothing was changed"]);
        assert!(!told.text.contains("hunter2"), "somebody's passphrase is printed");
    }
    assert_eq!(fs::read_dir(&device.home).expect("a folder").flatten().filter(is_data).count(), 0);
    with_key(&device, "", &["init", "notes"]).is_done();
}

fn is_data(entry: &fs::DirEntry) -> bool {
    ["store.db", "keys.json", "store.key"].iter().any(|name| entry.file_name() == *name)
}

#[test]
fn the_key_file_missing_wrong_or_open_to_others_is_told_apart() {
    let (_root, device) = device();
    with_key(&device, "file", &["init", "notes"]).is_done();
    with_key(&device, "keyring", &["status", "notes"]).is_refused(1, &["keyring", "set WEFT_KEY=file"]);
    let closed = with_key(&device, "passphrase-fd:9", &["status", "notes"]);
    closed.is_refused(2, &["file descriptor 9 is not open", "3<passphrase.txt"]);
    let asked = with_key(&device, "passphrase-fd:0", &["status", "notes"]);
    asked.is_refused(1, &["passphrase: the key was never stored there", "set WEFT_KEY=file"]);

    let path = device.home.join("store.key");
    let key = fs::read_to_string(&path).expect("a key");
    fs::remove_file(&path).expect("a key");
    let missing = with_key(&device, "file", &["status", "notes"]);
    missing.is_refused(1, &["the file is missing", "store.key", "nothing was changed"]);
    assert!(!path.exists(), "a new key was made");
    let other = if key.starts_with('0') { key.replacen('0', "1", 1) } else { format!("0{}", &key[1..]) };
    for wrong in [other.as_str(), "", "not a key at all"] {
        fs::write(&path, wrong).expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
        let told = with_key(&device, "file", &["status", "notes"]);
        told.is_refused(1, &["the key file: it does not fit", "one backup", "nothing was changed"]);
        assert!(!told.text.contains(wrong.trim()) || wrong.is_empty(), "a key was printed");
    }
    fs::write(&path, &key).expect("the key");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("a mode");
    with_key(&device, "file", &["status", "notes"]).is_refused(1, &["others may read", "chmod 600"]);
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
    with_key(&device, "file", &["status", "notes"]).is_done();
}

#[test]
fn a_wrong_passphrase_or_none_is_told_and_the_right_one_opens() {
    let (root, device) = device();
    let write = |name: &str, text: &str| {
        fs::write(root.path().join(name), text).expect("a passphrase");
        root.path().join(name)
    };
    let (right, wrong) = (write("right", "correct horse\n"), write("wrong", "correct house\n"));
    with_passphrase(&device, &right, &["init", "notes"]).is_done();
    let told = with_passphrase(&device, &wrong, &["status", "notes"]);
    told.is_refused(1, &["the passphrase: it does not fit", "check the passphrase", "nothing was changed"]);
    assert!(!told.text.contains("correct ho"), "{}", told.text);
    let none = with_passphrase(&device, &write("empty", ""), &["status", "notes"]);
    none.is_refused(1, &["a passphrase has 1 to", "3<passphrase.txt"]);
    let file = with_key(&device, "file", &["status", "notes"]);
    file.is_refused(1, &["the key file: the key was never stored there", "a passphrase opens it"]);
    with_key(&device, "", &["status", "notes"]).is_refused(1, &["no passphrase was given", "passphrase-fd"]);
    // Its end without a line break is no other passphrase.
    let unended = write("unended", "correct horse");
    with_passphrase(&device, &unended, &["status", "notes"]).is_done();
}

#[test]
fn without_a_keyring_one_that_was_asked_for_is_told_and_nothing_is_made() {
    let (_root, device) = device();
    let told = with_key(&device, "keyring", &["init", "notes"]);
    told.is_refused(
        1,
        &["the system's keyring", "does not work here", "WEFT_KEY=file", "nothing was changed"],
    );
    let has_bus = Command::new("dbus-run-session").args(["--", "true"]).output();
    if has_bus.is_ok_and(|output| output.status.success()) {
        let inner = command(&device, "keyring", &["init", "notes"]);
        let mut session = Command::new("dbus-run-session");
        session.arg("--").arg(inner.get_program()).args(inner.get_args()).current_dir(&device.place);
        session.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let told = run(&mut session);
        println!("a bus without a keyring: {}", told.text);
        // Where a keyring starts by itself it may also be locked.
        told.is_refused(1, &["the system's keyring", "unlock the keyring", "WEFT_KEY=file"]);
    } else {
        println!("no `dbus-run-session` here: a bus without a keyring is not looked at");
    }
    assert_eq!(fs::read_dir(&device.home).expect("a folder").flatten().filter(is_data).count(), 0);
    // Not asked for, a file takes its place, and that is said.
    with_key(&device, "", &["init", "notes"]).is_done().says(&["lies in a file", "store.key"]);
}
