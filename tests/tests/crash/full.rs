//! A data folder on a disk that runs full.

use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use weft_tests::{PATIENCE, Pair, Person, eventually};

/// Bytes that are left for a few edits.
const ROOM: u64 = 256 * 1024;

/// A file system in memory, of a fixed size.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Why there is none, when that is so.
    fn mount(path: &Path, megabytes: u32) -> Result<Self, String> {
        let size = format!("size={megabytes}m,mode=0700");
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "weft-test"]).arg(path).output();
        let output = output.map_err(|error| format!("there is no `mount`: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(|error| error.to_string())?;
        Ok(Self { path: path.to_path_buf() })
    }

    /// Leaves room for a few edits only.
    fn fill(&self) {
        let mut file = File::create(self.ballast()).expect("a file");
        let mut length = 0;
        for step in [1 << 16, 1 << 12] {
            let block = vec![0; step];
            while file.write_all(&block).is_ok() {
                length += step as u64;
            }
        }
        file.set_len(length - ROOM).expect("a shorter file");
    }

    fn empty(&self) {
        fs::remove_file(self.ballast()).expect("the ballast");
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a node may still have files open there.
        let _unmounted = Command::new("umount").arg("-l").arg(&self.path).output();
    }
}

fn edit(person: &Person, word: &str) -> Result<(), weft_tests::Failure> {
    let path = person.files.path("a.txt");
    let words = ["edit".as_ref(), path.as_os_str(), "--insert".as_ref(), "0".as_ref(), word.as_ref()];
    person.device.weft(words).map(drop)
}

#[test]
fn a_full_disk_refuses_edits_keeps_saves_and_goes_on_when_there_is_space() {
    let mut pair = Pair::before_joining(&[("a.txt", b"begin\n")]);
    let disk = match SmallDisk::mount(&pair.ben.device.home, 24) {
        Ok(disk) => disk,
        Err(reason) => {
            println!("skipped: a small disk cannot be mounted here: {reason}");
            return;
        }
    };
    pair.ben.start();
    pair.join(&[]);
    pair.settle();
    disk.fill();

    let mut acknowledged = Vec::new();
    let mut refused = None;
    for number in 0..2_000 {
        let word = format!("[{number}]");
        match edit(&pair.ben, &word) {
            Ok(()) => acknowledged.push(word),
            Err(failure) => {
                refused = Some((word, failure));
                break;
            }
        }
    }
    let (waiting, refused) = refused.expect("an edit that finds the disk full");
    assert!(refused.message.contains("the disk is full"), "{refused}");
    assert!(refused.hint.as_deref().is_some_and(|hint| hint.contains("space")), "{refused}");
    let again = edit(&pair.ben, "[again]").expect_err("a refusal");
    assert!(again.message.contains("was not made"), "{again}");
    let status = pair.ben.device.shown(["status", "notes"]).expect("a status");
    assert!(status.contains("the disk is full"), "{status}");
    pair.ben.files.write("mine.txt", "saved on a full disk\n").expect("a save: the folder lies elsewhere");
    pair.ana.files.write("hers.txt", "meanwhile\n").expect("a save");
    let doctor = pair.ben.device.command(["doctor"]).output().expect("a command");
    let told = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(!doctor.status.success() && told.contains("the disk is full"), "{told}");
    assert_eq!(pair.ben.files.read("mine.txt").as_deref(), Some("saved on a full disk\n"));

    disk.empty();
    let goes_on = eventually(PATIENCE, || edit(&pair.ben, "[after]").ok());
    assert!(goes_on.is_some(), "no edit is taken although there is space");
    pair.settle();
    let text = pair.text("a.txt");
    let lost: Vec<_> = acknowledged.iter().filter(|word| !text.contains(*word)).collect();
    println!(
        "{} edits acknowledged, {} lost, then refused: {}",
        acknowledged.len(),
        lost.len(),
        refused.message
    );
    assert!(lost.is_empty() && !acknowledged.is_empty(), "{lost:?}");
    assert!(text.contains("[after]") && !text.contains("[again]"), "{text}");
    // It was in memory, where that was said, and the node has not ended since. What something else had found the disk full
    // for was not made at all.
    let was_made = !refused.message.contains("was not made");
    assert_eq!(text.contains(&waiting), was_made, "{waiting}: {refused}");
    assert_eq!(pair.both()["mine.txt"], b"saved on a full disk\n");
    assert_eq!(pair.both()["hers.txt"], b"meanwhile\n");
}
