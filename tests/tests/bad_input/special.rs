//! Pipes, sockets, devices and links.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use weft_tests::{Files, PATIENCE, Pair, eventually};

use crate::told::{is_pending, pending, run};

/// A pipe or a device; false where this user may not make it.
fn make_node(path: &Path, kind: &[&str]) -> bool {
    Command::new("mknod").arg(path).args(kind).output().is_ok_and(|output| output.status.success())
}

/// Makes one of everything that is not shared, and says how many there are.
fn fill(files: &Files) -> u64 {
    let at = |name: &str| files.path(name);
    UnixListener::bind(at("socket")).expect("a socket");
    let nodes = [("pipe", &["p"][..]), ("zero", &["c", "1", "5"]), ("disk", &["b", "7", "250"])];
    let made = nodes.iter().filter(|(name, kind)| make_node(&at(name), kind)).count();
    let links = [
        ("loop 1", "loop 2"),
        ("loop 2", "loop 1"),
        ("self", "self"),
        ("here", "."),
        ("above", ".."),
        ("root", "/"),
        ("passwords", "/etc/passwd"),
        ("nowhere", "no such file"),
        ("folder/back", "../folder"),
        ("to a.txt", "a.txt"),
    ];
    for (name, target) in links {
        symlink(target, at(name)).expect("a link");
    }
    (1 + made + links.len()) as u64
}

#[test]
fn special_files_and_links_stay_at_home_and_hold_nothing_up() {
    let mut pair = Pair::before_joining(&[("a.txt", b"one\n"), ("folder/b.txt", b"two\n")]);
    pair.ana.stop();
    let count = fill(&pair.ana.files);
    // A new start, a join and saves afterwards: a pipe that were opened would hold up any of them.
    pair.ana.start();
    pair.ben.start();
    pair.join(&[]);
    pair.ana.files.write("c.txt", "three\n").expect("a save");
    let has_all = eventually(PATIENCE, || pair.ben.files.read("c.txt"));
    assert!(has_all.is_some(), "{:?}", pending(&pair.ana));
    let bens = pair.ben.files.snapshot().expect("a folder");
    assert_eq!(bens.keys().collect::<Vec<_>>(), ["a.txt", "c.txt", "folder/", "folder/b.txt"]);
    for name in ["socket", "pipe", "loop 1", "above", "root", "to a.txt", "nowhere", "folder/back"] {
        assert!(fs::symlink_metadata(pair.ben.files.path(name)).is_err(), "{name} has travelled");
    }
    let status = pair.ana.status();
    assert!((status.number("not_shared") - count as f64).abs() < 0.5, "{:?}", status.lines);
    let told = run(&mut pair.ana.device.command(["status", "notes"]));
    told.is_done().says(&["not shared", "links, special files"]);
}

#[test]
fn a_shared_file_whose_place_a_pipe_or_a_link_takes_is_not_lost() {
    let mut pair = Pair::with_files(&[("a.txt", b"one\n"), ("b.txt", b"two\n")]);
    for name in ["a.txt", "b.txt"] {
        fs::rename(pair.ana.files.path(name), pair.elsewhere().join(name)).expect("a rename");
    }
    if !make_node(&pair.ana.files.path("a.txt"), &["p"]) {
        println!("skipped: there is no `mknod` here");
        return;
    }
    symlink("/etc/passwd", pair.ana.files.path("b.txt")).expect("a link");
    // Both are edited by Ben meanwhile, and a new one gets a name that a pipe of Ana's has.
    assert!(make_node(&pair.ana.files.path("taken.txt"), &["p"]));
    pair.ben.files.write("a.txt", "one\nBen\n").expect("a save");
    pair.ben.files.write("b.txt", "two\nBen\n").expect("a save");
    pair.ben.files.write("taken.txt", "Ben's\n").expect("a file");
    pair.ana.files.write("c.txt", "three\n").expect("a file");
    let arrived = eventually(PATIENCE, || pair.ben.files.read("c.txt"));
    assert!(arrived.is_some(), "{:?}", pending(&pair.ana));
    let named = eventually(PATIENCE, || {
        ["a.txt", "b.txt", "taken.txt"].iter().all(|path| is_pending(&pair.ana, path, "")).then_some(())
    });
    assert!(named.is_some(), "{:?}", pending(&pair.ana));
    println!("{:?}", pending(&pair.ana));
    assert_eq!(pair.ben.files.read("a.txt").as_deref(), Some("one\nBen\n"), "a pipe deletes nothing");
    assert_eq!(pair.ben.files.read("b.txt").as_deref(), Some("two\nBen\n"), "a link deletes nothing");

    for name in ["a.txt", "b.txt"] {
        fs::rename(pair.elsewhere().join(name), pair.ana.files.path(name)).expect("a rename");
    }
    fs::remove_file(pair.ana.files.path("taken.txt")).expect("a removal");
    pair.settle();
    let both = pair.both();
    assert_eq!(both["a.txt"], b"one\nBen\n");
    assert_eq!(both["b.txt"], b"two\nBen\n");
    assert_eq!(both["taken.txt"], b"Ben's\n");
    let healed = eventually(PATIENCE, || pending(&pair.ana).is_empty().then_some(()));
    assert!(healed.is_some(), "{:?}", pending(&pair.ana));
}
