//! Folders that vanish: nothing is deleted that nobody has deleted.

use std::fs;

use weft_tests::{PATIENCE, Pair, Snapshot, eventually};

const FILES: usize = 24;

fn full_pair() -> Pair {
    let names: Vec<String> = (0..FILES).map(|n| format!("part{}/file{n}.txt", n % 3)).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
    Pair::with_files(&files)
}

/// Waits until Ben's workspace is held, or not.
#[track_caller]
fn wait_held(pair: &Pair, held: bool) {
    let mut last = String::new();
    let seen = eventually(PATIENCE, || {
        pair.ben.status().text("state").clone_into(&mut last);
        ((last == "held") == held).then_some(())
    });
    assert!(seen.is_some(), "the state is {last:?}");
}

/// Ana edits one file; what both should have in the end.
fn ana_goes_on(pair: &Pair) -> Snapshot {
    pair.ana.files.write("part0/file0.txt", "Ana's newest\n").expect("a save");
    pair.ana.files.write("part1/new.txt", "Ana's new file\n").expect("a file");
    let mut wanted = pair.ana.files.snapshot().expect("a folder");
    wanted.retain(|path, _| !path.starts_with("mark of "));
    wanted
}

/// Nothing of what Ben's held folder says, or does not say, reaches Ana.
fn nothing_goes_out(pair: &Pair, wanted: &Snapshot) {
    let received = eventually(PATIENCE, || {
        let status = pair.ana.status();
        let peers = status.field("peers").as_array()?.clone();
        peers.iter().all(|peer| peer["has_all_mine"] == true).then_some(())
    });
    assert!(received.is_some(), "a held folder still receives");
    let mut now = pair.ana.files.snapshot().expect("a folder");
    now.retain(|path, _| !path.starts_with("mark of "));
    assert_eq!(&now, wanted);
}

#[test]
fn a_folder_that_is_not_mounted_deletes_nothing_and_goes_on_by_itself_when_it_is_back() {
    let mut pair = full_pair();
    pair.ben.stop();
    let away = pair.elsewhere().join("away");
    fs::rename(&pair.ben.files.root, &away).expect("a folder that goes");
    pair.ben.start();
    let wanted = ana_goes_on(&pair);
    wait_held(&pair, true);
    nothing_goes_out(&pair, &wanted);
    assert!(!pair.ben.files.root.exists(), "nothing is written where the folder was");
    fs::rename(&away, &pair.ben.files.root).expect("a folder that comes back");
    wait_held(&pair, false);
    pair.settle();
    assert_eq!(pair.both(), wanted);
}

#[test]
fn a_folder_that_vanishes_under_a_running_node_deletes_nothing() {
    let mut pair = full_pair();
    let away = pair.elsewhere().join("away");
    fs::rename(&pair.ben.files.root, &away).expect("a folder that goes");
    wait_held(&pair, true);
    let wanted = ana_goes_on(&pair);
    nothing_goes_out(&pair, &wanted);
    fs::write(away.join("part2/Ben's.txt"), "written while it was away\n").expect("a file");
    fs::rename(&away, &pair.ben.files.root).expect("a folder that comes back");
    wait_held(&pair, false);
    pair.settle();
    let mut both = pair.both();
    assert_eq!(both.remove("part2/Ben's.txt").as_deref(), Some(&b"written while it was away\n"[..]));
    assert_eq!(both, wanted);
    pair.ben.files.write("part2/Ben's.txt", "saves are seen again\n").expect("a save");
    pair.settle();
    assert_eq!(pair.both()["part2/Ben's.txt"], b"saves are seen again\n");
}

#[test]
fn another_folder_in_its_place_is_filled_only_when_the_person_says_so() {
    let mut pair = full_pair();
    pair.ben.stop();
    let away = pair.elsewhere().join("away");
    fs::rename(&pair.ben.files.root, &away).expect("a folder that goes");
    fs::create_dir(&pair.ben.files.root).expect("another folder");
    pair.ben.start();
    let wanted = ana_goes_on(&pair);
    wait_held(&pair, true);
    nothing_goes_out(&pair, &wanted);
    assert_eq!(fs::read_dir(&pair.ben.files.root).expect("a folder").count(), 0);
    pair.ben.device.weft(["mirror", "resume", "notes", "--restore"]).expect("a restored folder");
    pair.settle();
    assert_eq!(pair.both(), wanted);
    pair.ben.files.write("part1/new.txt", "Ben goes on\n").expect("a save");
    pair.settle();
    assert_eq!(pair.both()["part1/new.txt"], b"Ben goes on\n");
}

fn emptied() -> (Pair, Snapshot) {
    let mut pair = full_pair();
    pair.ben.stop();
    for part in 0..3 {
        fs::remove_dir_all(pair.ben.files.path(&format!("part{part}"))).expect("a deletion");
    }
    pair.ben.start();
    let wanted = ana_goes_on(&pair);
    wait_held(&pair, true);
    nothing_goes_out(&pair, &wanted);
    (pair, wanted)
}

#[test]
fn a_folder_that_a_script_emptied_is_filled_again_when_the_person_says_so() {
    let (mut pair, wanted) = emptied();
    pair.ben.device.weft(["mirror", "resume", "notes", "--restore"]).expect("a restored folder");
    pair.settle();
    assert_eq!(pair.both(), wanted);
}

#[test]
fn a_folder_that_was_emptied_on_purpose_is_emptied_for_everybody_but_for_newer_edits() {
    let (mut pair, _) = emptied();
    pair.ben.device.weft(["mirror", "resume", "notes", "--deleted"]).expect("deleted files");
    pair.settle();
    let both = pair.both();
    let files: Vec<&String> = both.keys().filter(|path| !path.ends_with('/')).collect();
    assert_eq!(files, ["part0/file0.txt", "part1/new.txt"], "what Ana wrote meanwhile is there");
}
