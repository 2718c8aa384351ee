//! A disk on which calls fail: the real program, whose calls to the system `strace` answers with an error.
//!
//! One call after the other fails, for once or from then on, on the database, the packs and the folder. Whatever the
//! program says of it, what it acknowledged must be there when the disk is whole again.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use weft_tests::{Pair, Person, eventually, skipped, tool};

use super::kills::{Random, assert_doctor_is_content, edit, number};

/// Calls that can fail: where, which, and how.
const FAULTS: [(Place, &str, &str); 10] = [
    (Place::Database, "fsync,fdatasync", "EIO"),
    (Place::Database, "pwrite64", "EIO"),
    (Place::Database, "pwrite64", "ENOSPC"),
    (Place::Packs, "fsync,fdatasync", "EIO"),
    (Place::Packs, "pwrite64,write", "EIO"),
    (Place::Packs, "pwrite64,write", "ENOSPC"),
    (Place::Folder, "rename,renameat,renameat2", "EIO"),
    (Place::Folder, "openat", "EIO"),
    (Place::Folder, "unlinkat", "EIO"),
    (Place::Folder, "rename,renameat,renameat2", "ENOSPC"),
];
/// How many edits a round makes at most.
const EDITS: u64 = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Database,
    Packs,
    Folder,
}

impl Place {
    fn paths(self, person: &Person) -> Vec<OsString> {
        let home = &person.device.home;
        let paths = match self {
            Self::Database => vec![home.join("store.db-wal"), home.join("store.db")],
            Self::Packs => vec![home.join("packs/00000000.pack"), home.join("packs")],
            Self::Folder => vec![person.files.root.clone()],
        };
        paths.into_iter().map(OsString::from).collect()
    }
}

/// A fault, from the `call`th such call on.
struct Fault {
    place: Place,
    calls: &'static str,
    error: &'static str,
    call: u64,
    /// Whether all later ones fail as well.
    stays: bool,
}

impl Fault {
    fn draw(round: u64, random: &mut Random) -> Self {
        let (place, calls, error) = FAULTS[usize::try_from(round).expect("a number") % FAULTS.len()];
        let call = 1 + random.below(if place == Place::Database { 40 } else { 3 });
        Self { place, calls, error, call, stays: random.below(2) == 0 }
    }

    /// The command that runs another one with this fault, and writes to `trace` which calls it failed.
    fn wrapper(&self, person: &Person, trace: &Path) -> Vec<OsString> {
        let plus = if self.stays { "+" } else { "" };
        let inject = format!("inject={}:error={}:when={}{plus}", self.calls, self.error, self.call);
        let mut words: Vec<OsString> = vec!["strace".into(), "-f".into(), "-qq".into(), "-o".into()];
        words.push(trace.into());
        for path in self.place.paths(person) {
            words.extend(["-P".into(), path]);
        }
        words.extend(["-e".into(), format!("trace={}", self.calls).into(), "-e".into(), inject.into()]);
        words
    }
}

/// Kills the program that runs under another one.
fn kill_inside(person: &mut Person) {
    let Some(node) = person.device.take_node() else { return };
    let pid = node.pid();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    for child in children.split_whitespace() {
        let killed = Command::new("kill").args(["-9", child]).status().expect("a command");
        assert!(killed.success());
    }
    // It ends with what it ran.
    let _ended = node.kill();
}

fn can_trace() -> bool {
    let mut command = Command::new("strace");
    let ran = command.args(["-f", "-qq", "-o", "/dev/null", "true"]).output();
    let Some(done) = tool("strace", "strace", ran) else { return false };
    if !done.status.success() {
        skipped("`strace` may not trace here");
    }
    done.status.success()
}

#[test]
fn calls_that_fail_lose_no_acknowledged_edit() {
    if !can_trace() {
        return;
    }
    let seed = number("WEFT_CRASH_SEED").unwrap_or(1);
    let rounds = number("WEFT_CRASH_ROUNDS").unwrap_or(FAULTS.len() as u64);
    println!("WEFT_CRASH_SEED={seed} WEFT_CRASH_ROUNDS={rounds}");
    let mut random = Random(seed);
    let mut pair = Pair::with_files(&[("a.txt", b"begin\n")]);
    let trace = pair.elsewhere().join("trace");
    let (mut acknowledged, mut refused) = (BTreeSet::new(), 0);
    let mut injected: BTreeMap<Place, usize> = BTreeMap::new();
    let mut saved = Vec::new();
    for round in 0..rounds {
        let fault = Fault::draw(round, &mut random);
        pair.ben.stop();
        let wrapper = fault.wrapper(&pair.ben, &trace);
        // It may also see the fault while it starts, and say so.
        let started = pair.ben.device.start_node_through(&wrapper).map(drop);
        for step in 0..EDITS {
            let word = format!("[{round}.{step}]");
            match &started {
                Ok(()) => match edit(&pair.ben, &word) {
                    Ok(()) => drop(acknowledged.insert(word)),
                    Err(_) => refused += 1,
                },
                Err(failure) => assert!(!failure.message.is_empty(), "{failure}"),
            }
            if step % 4 == 0 {
                let name = format!("saved {round}.{step}.txt");
                pair.ben.files.write(&name, &name).expect("a save");
                saved.push(name);
                pair.ana.files.write(&format!("hers {round}.{step}.txt"), "hers").expect("a save");
            }
            if step == EDITS - 2 {
                // It reached Ben's folder in the meantime, or will not have to any more.
                fs::remove_file(pair.ana.files.path(&format!("hers {round}.0.txt"))).expect("a deletion");
            }
        }
        // The folder has its turn as well.
        std::thread::sleep(Duration::from_millis(300));
        kill_inside(&mut pair.ben);
        let log = fs::read_to_string(&trace).unwrap_or_default();
        let failed = log.lines().filter(|line| line.contains("(INJECTED)")).count();
        println!("{:?} {} {}: {failed} calls failed", fault.place, fault.calls, fault.error);
        *injected.entry(fault.place).or_default() += failed;
        let starts = eventually(weft_tests::PATIENCE, || pair.ben.device.start_node().is_ok().then_some(()));
        assert!(
            starts.is_some(),
            "seed {seed}, round {round}: the node does not start on a disk that is whole"
        );
    }
    pair.settle();
    let text = pair.text("a.txt");
    let both = pair.both();
    let lost: Vec<&String> = acknowledged.iter().filter(|word| !text.contains(*word)).collect();
    let unsaved: Vec<&String> =
        saved.iter().filter(|name| both.get(*name).map(Vec::as_slice) != Some(name.as_bytes())).collect();
    println!(
        "{injected:?} calls failed; {} edits acknowledged, {refused} refused, {} saves; lost {lost:?}, not the same \
         everywhere {unsaved:?}",
        acknowledged.len(),
        saved.len()
    );
    assert!(lost.is_empty() && unsaved.is_empty(), "seed {seed}:\n{text}");
    assert!(!acknowledged.is_empty(), "seed {seed}: no edit was acknowledged");
    assert!(injected.values().all(|failed| *failed > 0), "seed {seed}: not every part of the disk failed");
    for word in &acknowledged {
        assert_eq!(text.matches(word.as_str()).count(), 1, "seed {seed}: {word} in\n{text}");
    }
    for person in [&pair.ana, &pair.ben] {
        assert_doctor_is_content(person);
    }
}
