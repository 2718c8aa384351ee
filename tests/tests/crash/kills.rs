//! Nodes and commands that are killed while edits are made.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use weft_tests::{Pair, Person};

/// Numbers that follow from a seed (SplitMix64, Steele et al. 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// What was done, and what one was told of it.
#[derive(Debug, Default)]
struct Done {
    acknowledged: BTreeSet<String>,
    /// May be there or not: nobody was told.
    open: BTreeSet<String>,
    saved: BTreeMap<String, String>,
    kills: u64,
}

pub(crate) fn edit(person: &Person, word: &str) -> Result<(), String> {
    let path = person.files.path("a.txt");
    let words = ["edit".as_ref(), path.as_os_str(), "--insert".as_ref(), "0".as_ref(), word.as_ref()];
    person.device.weft(words).map(drop).map_err(|failure| failure.to_string())
}

/// Edits until the node that is killed meanwhile is gone.
fn edit_while_it_is_killed(person: &mut Person, round: u64, random: &mut Random, done: &mut Done) {
    let node = person.device.take_node().expect("a node");
    let pause = Duration::from_millis(random.below(250));
    let killer = thread::spawn(move || {
        thread::sleep(pause);
        node.kill()
    });
    done.kills += 1;
    for step in 0.. {
        let word = format!("[{round}.{step}]");
        if random.below(3) == 0 {
            let name = format!("saved {round}.{step}.txt");
            person.files.write(&name, &word).expect("a save");
            done.saved.insert(name, word);
        } else if edit(person, &word).is_ok() {
            done.acknowledged.insert(word);
        } else {
            done.open.insert(word);
        }
        if killer.is_finished() {
            break;
        }
    }
    killer.join().expect("a thread").expect("a kill");
}

/// Kills a command that has opened the store by itself.
fn kill_a_command(person: &Person, round: u64, random: &mut Random, done: &mut Done) {
    let word = format!("[command {round}]");
    let path = person.files.path("a.txt");
    let words = ["edit".as_ref(), path.as_os_str(), "--insert".as_ref(), "0".as_ref(), word.as_ref()];
    let mut command = person.device.command(words);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a command");
    thread::sleep(Duration::from_millis(random.below(120)));
    child.kill().expect("a kill");
    let ended = child.wait().expect("an end");
    if ended.success() {
        done.acknowledged.insert(word)
    } else {
        done.open.insert(word)
    };
    done.kills += 1;
}

pub(crate) fn assert_doctor_is_content(person: &Person) {
    let output = person.device.command(["doctor"]).output().expect("a command");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && told.contains("are sound"), "{told}");
}

#[test]
fn kills_at_random_times_lose_no_acknowledged_edit() {
    let seed = number("WEFT_CRASH_SEED").unwrap_or(1);
    let rounds = number("WEFT_CRASH_ROUNDS").unwrap_or(6);
    println!("WEFT_CRASH_SEED={seed} WEFT_CRASH_ROUNDS={rounds}");
    let begin = Instant::now();
    let mut random = Random(seed);
    let mut pair = Pair::with_files(&[("a.txt", b"begin\n")]);
    let mut done = Done::default();
    for round in 0..rounds {
        let person = if random.below(2) == 0 { &mut pair.ana } else { &mut pair.ben };
        edit_while_it_is_killed(person, round, &mut random, &mut done);
        if random.below(2) == 0 {
            kill_a_command(person, round, &mut random, &mut done);
        }
        person.start();
    }
    pair.settle();
    let text = pair.text("a.txt");
    let both = pair.both();
    let lost: Vec<&String> = done.acknowledged.iter().filter(|word| !text.contains(*word)).collect();
    let doubled: Vec<&String> = done
        .acknowledged
        .iter()
        .chain(&done.open)
        .filter(|word| text.matches(word.as_str()).count() > 1)
        .collect();
    let unsaved: Vec<&String> = done
        .saved
        .iter()
        .filter(|(name, word)| both.get(*name).map(Vec::as_slice) != Some(word.as_bytes()))
        .map(|(name, _)| name)
        .collect();
    println!(
        "{} kills, {} edits acknowledged, {} without an answer, {} saves; lost {lost:?}, doubled {doubled:?}, \
         not the same everywhere {unsaved:?}; {:?}",
        done.kills,
        done.acknowledged.len(),
        done.open.len(),
        done.saved.len(),
        begin.elapsed()
    );
    assert!(lost.is_empty() && doubled.is_empty() && unsaved.is_empty(), "seed {seed}:\n{text}");
    assert!(!done.acknowledged.is_empty(), "seed {seed}: no edit was acknowledged");
    assert!(text.contains("begin\n"));
    for person in [&pair.ana, &pair.ben] {
        assert_doctor_is_content(person);
    }
}
