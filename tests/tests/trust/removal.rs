//! People who are put out.

use std::thread::sleep;
use std::time::Duration;

use weft_tests::{PATIENCE, eventually};

use crate::team::Team;

const ANA: usize = 0;
const BEN: usize = 1;
const CLEO: usize = 2;

/// Long enough for what must not come to have come: a save takes milliseconds.
const LONG: Duration = Duration::from_secs(2);

fn team() -> Team {
    Team::new(&["Ana", "Ben", "Cleo"], &[("a.txt", "one\n"), ("b.txt", "one\n")])
}

fn is_removed(team: &Team, number: usize) {
    let told = eventually(PATIENCE, || (team.state(number) == "removed").then_some(()));
    assert!(told.is_some(), "they are not told: {:?}", team.people[number].status());
}

#[test]
fn whoever_is_put_out_is_told_keeps_what_they_have_and_gets_nothing_more() {
    let team = team();
    team.people[BEN].files.write("b.txt", "one\nwritten by ben\n").expect("a file");
    team.has(ANA, "b.txt", "written by ben");
    team.has(CLEO, "b.txt", "written by ben");
    team.weft(ANA, &["revoke", "Ben", "notes", "--yes"]).expect("a removal");
    is_removed(&team, BEN);
    team.members_are(CLEO, &[("Ana", "owner"), ("Cleo", "editor")]);

    // Everybody else goes on.
    team.people[CLEO].files.write("a.txt", "one\nafter ben\n").expect("a file");
    team.has(ANA, "a.txt", "after ben");
    team.people[ANA].files.write("c.txt", "a new file\n").expect("a file");
    team.has(CLEO, "c.txt", "a new file");
    // What ben wrote before stays, with his name.
    let blame = team.weft(CLEO, &["blame", "notes/b.txt"]).expect("a blame");
    assert!(format!("{:?}", blame.lines).contains("\"Ben\""), "{:?}", blame.lines);
    assert_eq!(team.people[ANA].files.read("b.txt").as_deref(), Some("one\nwritten by ben\n"));

    // What ben does stays with him.
    team.refused(BEN, &["edit", "notes/a.txt", "--insert", "0", "x"], 4, "removed");
    team.people[BEN].files.write("b.txt", "one\nwritten by ben\nand later\n").expect("a file");
    let told = eventually(PATIENCE, || team.pending(BEN, "b.txt")).expect("the status tells of it");
    assert!(told.0.contains("removed"), "{}", told.0);
    sleep(LONG);
    assert_eq!(team.people[BEN].files.read("a.txt").as_deref(), Some("one\n"));
    assert!(!team.path(BEN, "c.txt").exists());
    for other in [ANA, CLEO] {
        assert_eq!(team.people[other].files.read("b.txt").as_deref(), Some("one\nwritten by ben\n"));
    }
    team.agree_among(&[ANA, CLEO]);
}

#[test]
fn work_of_somebody_who_was_put_out_while_away_counts_nowhere_and_stays_with_them() {
    let mut team = team();
    team.people[BEN].stop();
    team.people[BEN].files.write("b.txt", "one\nwritten on the train\n").expect("a file");
    team.people[BEN].files.write("new.txt", "also on the train\n").expect("a file");
    team.weft(BEN, &["edit", "notes/a.txt", "--insert", "0", "by command "]).expect("an edit");
    team.weft(ANA, &["revoke", "Ben", "notes", "--yes"]).expect("a removal");
    team.people[ANA].files.write("a.txt", "one\ntwo\n").expect("a file");
    team.has(CLEO, "a.txt", "two");
    team.people[BEN].start();
    is_removed(&team, BEN);
    sleep(LONG);
    for other in [ANA, CLEO] {
        assert_eq!(team.people[other].files.read("a.txt").as_deref(), Some("one\ntwo\n"));
        assert_eq!(team.people[other].files.read("b.txt").as_deref(), Some("one\n"));
        assert!(!team.path(other, "new.txt").exists());
    }
    // Nothing that was typed is gone: it lies in ben's folder.
    assert_eq!(team.people[BEN].files.read("b.txt").as_deref(), Some("one\nwritten on the train\n"));
    assert_eq!(team.people[BEN].files.read("new.txt").as_deref(), Some("also on the train\n"));
    assert!(!team.people[BEN].files.read("a.txt").unwrap_or_default().contains("two"));
    team.agree_among(&[ANA, CLEO]);
}

#[test]
fn two_who_put_people_out_at_the_same_time_and_apart_come_to_the_same() {
    let mut team = team();
    team.weft(ANA, &["role", "Ben", "admin", "notes"]).expect("an admin");
    team.members_are(BEN, &[("Ana", "owner"), ("Ben", "admin"), ("Cleo", "editor")]);
    team.members_are(CLEO, &[("Ana", "owner"), ("Ben", "admin"), ("Cleo", "editor")]);
    // Ana puts Ben out while Ben, who does not know it, puts Cleo out.
    team.people[BEN].stop();
    team.weft(BEN, &["revoke", "Cleo", "notes", "--yes"]).expect("a removal by ben");
    team.weft(ANA, &["revoke", "Ben", "notes", "--yes"]).expect("a removal by ana");
    team.people[BEN].start();
    is_removed(&team, BEN);
    // Ben's word was given after the cut: it counts nowhere, and Cleo stays.
    for other in [ANA, CLEO] {
        team.members_are(other, &[("Ana", "owner"), ("Cleo", "editor")]);
    }
    // Everybody can see who did what, also what counts nowhere.
    let audit = team.weft(CLEO, &["audit", "notes", "--entries"]).expect("a trail");
    let records = audit.field("records").as_array().cloned().unwrap_or_default();
    let told: Vec<String> = records
        .iter()
        .filter(|record| ["found", "grant", "revoke"].iter().any(|action| record["action"] == *action))
        .map(|record| {
            let word = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
            let words = ["user_name", "action", "subject_name", "role", "verdict"].map(word);
            words.join(" ").replace("  ", " ")
        })
        .collect();
    for expected in [
        "Ana found Ana holds",
        "Ana grant Cleo editor holds",
        "Ana grant Ben editor ended",
        "Ana grant Ben admin ended",
        "Ana revoke Ben holds",
        "Ben revoke Cleo void",
    ] {
        assert!(told.iter().any(|line| line == expected), "{expected:?} is not in {told:#?}");
    }
    let count = |name: &str| audit.field(name).as_array().map_or(0, Vec::len);
    assert_eq!((count("damaged"), count("entries") as f64), (0, audit.number("checked")));
    assert!(count("entries") > 10);
    team.people[CLEO].files.write("a.txt", "one\ncleo is still here\n").expect("a file");
    team.has(ANA, "a.txt", "cleo is still here");
    team.agree_among(&[ANA, CLEO]);
}

/// Ana puts Ben out while he works with Cleo, who has not heard of it.
#[test]
fn work_that_does_not_count_can_be_written_out_and_admitted() {
    let mut team = team();
    let out = tempfile::tempdir().expect("a folder");
    let place = |name: &str| out.path().join(name).display().to_string();
    let read = |name: &str, path: &str| std::fs::read_to_string(out.path().join(name).join(path)).ok();
    team.people[ANA].stop();
    team.weft(ANA, &["revoke", "Ben", "notes", "--yes"]).expect("a removal");
    team.people[BEN].files.write("b.txt", "one\nby ben\n").expect("a file");
    team.people[BEN].files.write("deep/new.txt", "also by ben\n").expect("a file");
    team.has(CLEO, "b.txt", "by ben");
    team.has(CLEO, "deep/new.txt", "also by ben");
    team.people[BEN].stop();
    team.people[ANA].start();
    let withdrawn = || team.people[CLEO].files.read("b.txt").filter(|text| text == "one\n");
    assert!(eventually(PATIENCE, withdrawn).is_some(), "{:?}", team.people[CLEO].files.read("b.txt"));
    team.agree_among(&[ANA, CLEO]);
    assert!(!team.path(CLEO, "deep/new.txt").exists());
    // Others go on with the file meanwhile.
    team.people[CLEO].files.write("b.txt", "one, by cleo\n").expect("a file");
    team.has(ANA, "b.txt", "by cleo");

    // Everybody who stays can look at it.
    let exported = team.weft(CLEO, &["export-void", &place("bens"), "notes", "--of", "Ben"]).expect("files");
    assert_eq!(exported.text("user_name"), "Ben");
    assert_eq!(read("bens", "b.txt").as_deref(), Some("one, by cleo\nby ben\n"));
    assert_eq!(read("bens", "deep/new.txt").as_deref(), Some("also by ben\n"));
    assert!(!out.path().join("bens/a.txt").exists());
    team.refused(CLEO, &["export-void", &place("bens"), "notes"], 2, "not empty");
    let inside = team.path(CLEO, "out").display().to_string();
    team.refused(CLEO, &["export-void", &inside, "notes"], 2, "lies in the workspace");
    // Letting it count is for admins.
    team.refused(CLEO, &["admit", "Ben", "notes"], 4, "only an admin");
    team.refused(ANA, &["admit", "Zoe", "notes"], 3, "Ben");
    let admitted = eventually(PATIENCE, || team.weft(ANA, &["admit", "Ben", "notes"]).ok());
    let admitted = admitted.expect("it is admitted").0;
    let files = admitted.field("files").to_string();
    assert!(files.contains("b.txt") && files.contains("deep/new.txt"), "{files}");
    for number in [ANA, CLEO] {
        team.has(number, "b.txt", "one, by cleo\nby ben\n");
        team.has(number, "deep/new.txt", "also by ben");
    }
    team.agree_among(&[ANA, CLEO]);
    let blame = team.weft(CLEO, &["blame", "notes/b.txt"]).expect("a blame");
    assert!(format!("{:?}", blame.lines).contains("\"Ben\""), "{:?}", blame.lines);
    // Once is enough, and he stays out.
    team.refused(ANA, &["admit", "Ben", "notes"], 3, "all work that is stored here counts");
    team.members_are(CLEO, &[("Ana", "owner"), ("Cleo", "editor")]);
    for number in [ANA, CLEO] {
        team.people[number].stop();
        team.people[number].start();
    }
    team.agree_among(&[ANA, CLEO]);
    assert_eq!(team.people[ANA].files.read("b.txt").as_deref(), Some("one, by cleo\nby ben\n"));

    // Ben takes along what he has done, also what he saved after he was told.
    team.people[BEN].start();
    is_removed(&team, BEN);
    team.people[BEN].files.write("a.txt", "one\nto himself\n").expect("a file");
    let seen = eventually(PATIENCE, || team.pending(BEN, "a.txt"));
    assert!(seen.is_some(), "{:?}", team.people[BEN].status());
    let mine = team.weft(BEN, &["export-void", &place("mine"), "notes"]).expect("files");
    assert_eq!(mine.field("files").as_array().map(Vec::len), Some(3), "{mine:?}");
    assert_eq!(read("mine", "a.txt").as_deref(), Some("one\nto himself\n"));
    assert_eq!(read("mine", "b.txt").as_deref(), Some("one\nby ben\n"));
    assert_eq!(read("mine", "deep/new.txt").as_deref(), Some("also by ben\n"));
}
