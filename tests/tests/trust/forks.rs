//! A machine that was put back to an earlier state and went on: its log is continued twice.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use weft_tests::{PATIENCE, Person, eventually};

use crate::team::Team;

const ANA: usize = 0;
const BEN: usize = 1;
const CLEO: usize = 2;

/// What a snapshot of a virtual machine holds: the data folder, what is remembered in memory beside it, and the files.
struct Image {
    kept: TempDir,
    places: [PathBuf; 2],
    text: String,
}

const FILE: &str = "notes.md";

impl Image {
    fn of(person: &Person) -> Self {
        let kept = tempfile::tempdir().expect("a folder");
        let places = [person.device.home.clone(), person.device.home.with_file_name("run")];
        for (number, place) in places.iter().enumerate() {
            copy(place, &kept.path().join(number.to_string()));
        }
        Self { kept, places, text: person.files.read(FILE).expect("a file") }
    }

    fn put_back(&self, person: &Person) {
        for (number, place) in self.places.iter().enumerate() {
            fs::remove_dir_all(place).expect("what was there");
            copy(&self.kept.path().join(number.to_string()), place);
        }
        person.files.write(FILE, &self.text).expect("a file");
    }
}

fn copy(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-a").args([from, to]).status().expect("cp");
    assert!(copied.success());
}

/// Replaces a part of what a file holds, as somebody does who saves it.
fn replace(person: &Person, part: &str, by: &str) {
    let text = person.files.read(FILE).expect("a file");
    assert!(text.contains(part), "{part:?} is not in {text:?}");
    person.files.write(FILE, text.replacen(part, by, 1)).expect("a file");
}

/// Waits until the file of each of these people holds each of these lines exactly once.
fn all_hold_once(team: &Team, people: &[usize], lines: &[&str]) {
    let text = |number: &usize| team.people[*number].files.read(FILE).unwrap_or_default();
    let texts = || people.iter().map(text).collect::<Vec<_>>();
    let holds_once = |text: &String| lines.iter().all(|line| text.matches(line).count() == 1);
    let found = eventually(PATIENCE, || texts().iter().all(holds_once).then_some(()));
    assert!(found.is_some(), "{lines:?} are not there once each: {:#?}", texts());
}

/// Two tales: Ana has heard the first one and written into it, Cleo the second one. Neither runs with the other, and nobody
/// knows yet; Ben's machine runs and Cleo's does.
fn told_twice() -> Team {
    let mut team = Team::new(&["Ana", "Ben", "Cleo"], &[(FILE, "one\ntwo\nthree\n")]);
    replace(&team.people[BEN], "two\n", "ben begins\ntwo\n");
    all_hold_once(&team, &[ANA, BEN, CLEO], &["ben begins"]);
    team.agree();
    team.people[CLEO].stop();
    team.people[BEN].kill();
    let image = Image::of(&team.people[BEN]);

    team.people[BEN].start();
    replace(&team.people[BEN], "begins\n", "begins\nthe first tale\n");
    team.has(ANA, FILE, "the first tale");
    replace(&team.people[ANA], "the first tale", "the first long tale");
    team.has(BEN, FILE, "the first long tale");
    team.people[BEN].kill();
    team.people[ANA].stop();

    image.put_back(&team.people[BEN]);
    team.people[BEN].start();
    team.people[CLEO].start();
    replace(&team.people[BEN], "begins\n", "begins\nthe second tale\n");
    team.has(CLEO, FILE, "the second tale");
    replace(&team.people[CLEO], "the second tale", "the second long tale");
    team.has(BEN, FILE, "the second long tale");
    team
}

const BOTH: [&str; 3] = ["the first long tale", "the second long tale", "ben begins"];

/// Nothing that anybody typed is lost, nothing is there twice, and everybody goes on.
#[test]
fn a_machine_that_was_put_back_and_went_on_loses_nothing() {
    let mut team = told_twice();
    let all = [ANA, BEN, CLEO];
    team.people[ANA].start();
    all_hold_once(&team, &all, &BOTH);
    team.agree();
    for (number, line) in ["ana goes on", "ben goes on", "cleo goes on"].iter().enumerate() {
        replace(&team.people[number], "three\n", &format!("three\n{line}\n"));
        all_hold_once(&team, &all, &[line]);
    }
    team.agree();
    let audit = team.people[CLEO].device.shown(["audit", "notes"]).expect("an audit");
    assert!(audit.contains("wrote two histories"), "{audit}");
    for number in all {
        assert!(team.forks(number) > 0, "{number} is not told");
        // Both histories are kept, and each of them is whole.
        team.weft(number, &["keep", "verify"]).expect("every chain is whole");
    }

    // What was found out stays found out.
    all.iter().for_each(|number| team.people[*number].stop());
    all.iter().for_each(|number| team.people[*number].start());
    replace(&team.people[BEN], "three\n", "three\nafter a night\n");
    all_hold_once(&team, &all, &["the first long tale", "the second long tale", "after a night"]);
    team.agree();
}

/// The same where the machine that did it never runs again: those who heard its tales write them again.
#[test]
fn two_tales_of_a_machine_that_is_gone_are_both_kept() {
    let mut team = told_twice();
    let others = [ANA, CLEO];
    team.people[BEN].kill();
    team.people[ANA].start();
    all_hold_once(&team, &others, &BOTH);
    team.agree_among(&others);
    for (number, line) in [(ANA, "ana goes on"), (CLEO, "cleo goes on")] {
        replace(&team.people[number], "three\n", &format!("three\n{line}\n"));
        all_hold_once(&team, &others, &[line]);
    }
    team.agree_among(&others);
    // It comes back after all.
    team.people[BEN].start();
    all_hold_once(&team, &[ANA, BEN, CLEO], &BOTH);
    team.agree();
}
