//! Files and folders that may not be read.

use std::ffi::OsString;
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use weft_tests::{Files, PATIENCE, Pair, eventually};

use crate::told::{is_pending, pending};

/// A program that runs another so that permissions bind it, also where the tests run as root.
fn bound(folder: &Path) -> Option<Vec<OsString>> {
    let wrapper: Vec<OsString> = if rustix::process::geteuid().is_root() {
        vec!["setpriv".into(), "--bounding-set=-dac_override,-dac_read_search".into()]
    } else {
        vec!["env".into()]
    };
    let probe = folder.join("probe");
    fs::write(&probe, "probe").expect("a file");
    set_mode(&probe, 0o000);
    let reads = |program: &str, path: &Path| {
        let mut command = Command::new(&wrapper[0]);
        command
            .args(&wrapper[1..])
            .arg(program)
            .arg(path)
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let is_bound = reads("stat", &probe) && !reads("cat", &probe);
    is_bound.then_some(wrapper)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

/// A file that nobody could read at any moment.
fn write_closed(files: &Files, name: &str, text: &str) {
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o000).open(files.path(name)).expect("a file");
    file.write_all(text.as_bytes()).expect("a text");
}

#[test]
fn what_cannot_be_read_is_named_the_rest_travels_and_it_heals() {
    let mut pair = Pair::with_files(&[("good.txt", b"good\n"), ("shut/inside.txt", b"inside\n")]);
    let Some(wrapper) = bound(pair.elsewhere()) else {
        println!("skipped: nothing here makes permissions bind these tests");
        return;
    };
    pair.ana.stop();
    pair.ana.device.start_node_through(&wrapper).expect("a node");
    let ana = &pair.ana;
    // A file and a folder that are new, and a folder that both have.
    write_closed(&ana.files, "closed.txt", "closed\n");
    let away = pair.elsewhere().join("away");
    fs::create_dir_all(away.join("deep")).expect("a folder");
    fs::write(away.join("deep/new.txt"), "new\n").expect("a file");
    set_mode(&away, 0o000);
    fs::rename(&away, ana.files.path("closed")).expect("a folder that is moved in");
    set_mode(&ana.files.path("shut"), 0o000);
    ana.files.write("fine.txt", "fine\n").expect("a file");

    let arrived = eventually(PATIENCE, || (pair.ben.files.read("fine.txt")? == "fine\n").then_some(()));
    assert!(arrived.is_some(), "{:?}", pending(ana));
    let named = eventually(PATIENCE, || {
        let is_named = |path: &&str| is_pending(ana, path, "cannot be read");
        ["closed.txt", "closed"].iter().all(is_named).then_some(())
    });
    assert!(named.is_some(), "{:?}", pending(ana));
    println!("{}", ana.device.shown(["status", "notes"]).expect("a status"));
    // Ben's edit of what Ana cannot reach waits and is named there.
    pair.ben.files.write("shut/inside.txt", "inside\nBen\n").expect("a save");
    let waits = eventually(PATIENCE, || is_pending(ana, "shut/inside.txt", "ermission").then_some(()));
    assert!(waits.is_some(), "{:?}", pending(ana));
    assert_eq!(pair.ben.files.read("shut/inside.txt").as_deref(), Some("inside\nBen\n"));
    assert_eq!(pair.ben.files.read("closed.txt"), None);

    set_mode(&ana.files.path("closed.txt"), 0o644);
    for folder in ["closed", "shut"] {
        set_mode(&ana.files.path(folder), 0o755);
    }
    pair.settle();
    let both = pair.both();
    assert_eq!(both["closed.txt"], b"closed\n");
    assert_eq!(both["closed/deep/new.txt"], b"new\n");
    assert_eq!(both["shut/inside.txt"], b"inside\nBen\n");
    let healed = eventually(PATIENCE, || pending(&pair.ana).is_empty().then_some(()));
    assert!(healed.is_some(), "{:?}", pending(&pair.ana));
    // What was closed is watched like any other folder.
    pair.ana.files.write("closed/deep/later.txt", "later\n").expect("a file");
    pair.settle();
    assert_eq!(pair.both()["closed/deep/later.txt"], b"later\n");
}
