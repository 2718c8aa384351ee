//! Another user of the same computer.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use weft_tests::{Device, skipped};

/// A user whom nothing belongs to.
const NOBODY: u32 = 65_534;

/// Everything in a folder, sockets included.
fn all_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            if entry.file_type().expect("a kind").is_dir() {
                folders.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn another_user_reaches_neither_the_socket_nor_the_data() {
    if !rustix::process::geteuid().is_root() {
        skipped("only root can become another user");
        return;
    }
    let root = tempfile::tempdir().expect("a folder");
    let mut device = Device::new(root.path(), "ana").expect("a device");
    fs::create_dir(device.place.join("notes")).expect("a folder");
    fs::write(device.place.join("notes/a.txt"), "one\n").expect("a file");
    device.weft(["init", "notes"]).expect("a workspace");
    device.start_node().expect("a node");
    // Nothing but what Weft has made itself protects it.
    let mut way = Some(device.home.as_path());
    while let Some(folder) = way.filter(|folder| folder.starts_with(root.path())) {
        if folder != device.home {
            fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("a mode");
        }
        way = folder.parent();
    }
    let mut places = all_in(&device.home);
    places.push(device.home.clone());
    assert!(places.iter().any(|place| place.ends_with("store.db")), "{places:?}");
    for place in &places {
        for right in ["-r", "-w", "-x"] {
            let mut test = Command::new("/usr/bin/test");
            let status = test.arg(right).arg(place).uid(NOBODY).gid(NOBODY).status().expect("a test");
            assert!(!status.success(), "another user has {right} on {}", place.display());
        }
    }
    let sockets = places.iter().filter(|place| {
        use std::os::unix::fs::FileTypeExt as _;
        fs::symlink_metadata(place).is_ok_and(|data| data.file_type().is_socket())
    });
    let sockets: Vec<_> = sockets.collect();
    assert!(!sockets.is_empty(), "the node has no socket among {places:?}");
}
