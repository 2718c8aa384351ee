//! The 24 words, and keepers who bring everything back.

use std::path::Path;

use tempfile::TempDir;
use weft_tests::{Device, Files, PATIENCE, Person, eventually};

use crate::team::Team;

const ANA: usize = 0;
const BEN: usize = 1;

/// A machine that belongs to nobody yet, with a node.
fn machine(root: &Path, name: &str, device_name: &str) -> Person {
    let mut device = Device::new(root, name).expect("a device");
    device.device_name = device_name.to_owned();
    device.start_node().expect("a node");
    let files = Files::new(device.place.join("notes")).expect("a folder");
    Person { device, files }
}

fn words(person: &Person) -> String {
    let told = person.device.weft(["device", "recovery"]).expect("the words");
    let words = told.field("words").as_array().cloned().unwrap_or_default();
    assert_eq!(words.len(), 24);
    words.iter().map(|word| word.as_str().expect("a word")).collect::<Vec<_>>().join(" ")
}

fn user_key(person: &Person) -> String {
    person.device.weft(["device", "list"]).expect("a list").text("user_key").to_owned()
}

/// A keeper that has been let in by Ana.
fn keeper(team: &Team, root: &Path) -> Person {
    let ticket = team.weft(ANA, &["share", "notes", "--yes", "--role", "keeper"]).expect("a ticket");
    let keeper = machine(root, "kim", "nas");
    keeper.device.weft_with_input(["keep", "-"], ticket.text("ticket")).expect("a keeper");
    keeper
}

/// Waits until a keeper holds everything that somebody has, files too.
fn holds_everything(keeper: &Person, files: u64) {
    let verified = || {
        let verified = keeper.device.weft(["keep", "verify"]).ok()?;
        let workspace = verified.field("workspaces")[0].clone();
        let number = |name: &str| workspace[name].as_u64().unwrap_or(u64::MAX);
        assert_eq!(number("damaged"), 0, "{workspace}");
        (number("missing") == 0 && number("blobs") >= files).then_some(())
    };
    assert!(eventually(PATIENCE, verified).is_some(), "{:?}", keeper.device.shown(["keep", "verify"]));
}

/// Where a device of somebody's is, as `--from` takes it.
fn address(person: &Person) -> String {
    let node = person.device.node().expect("a node");
    format!("{}@{}", node.endpoint, node.addresses[0])
}

fn has(person: &Person, path: &str, word: &str) {
    let look = || person.files.read(path).filter(|text| text.contains(word));
    let found = eventually(PATIENCE, look);
    assert!(found.is_some(), "{word:?} is not in {path}: {:?}", person.files.read(path));
}

fn team() -> (Team, TempDir) {
    let team = Team::new(&["Ana", "Ben"], &[("a.txt", "one\n"), ("deep/b.txt", "two\n")]);
    (team, tempfile::tempdir().expect("a folder"))
}

#[test]
fn the_words_are_shown_checked_and_can_be_the_only_key() {
    let (team, _root) = team();
    let ana = &team.people[ANA];
    let words = words(ana);
    assert_eq!(user_key(ana), "here");
    team.refused(ANA, &["device", "recovery", "--paper-only", "--yes"], 2, "nobody has shown");
    let check = |words: &str| ana.device.weft_with_input(["device", "recovery", "--check"], words);
    let mut wrong: Vec<&str> = words.split(' ').collect();
    wrong.swap(3, 4);
    for (bad, says) in [
        (wrong.join(" "), "do not fit together"),
        ("abandon ".repeat(24), "do not fit together"),
        (words.replacen(' ', " qqqq ", 1), "25 words"),
        (words.replacen(words.split(' ').nth(1).unwrap_or_default(), "qqqq", 1), "is not one of the words"),
        (String::new(), "0 words"),
    ] {
        let failure = check(&bad).expect_err("wrong words");
        assert!(failure.message.contains(says), "{says:?} is not in {:?}", failure.message);
    }
    let others = team.people[BEN].device.weft(["device", "recovery"]).expect("words");
    let others = others.field("words").as_array().cloned().unwrap_or_default();
    let others: Vec<&str> = others.iter().filter_map(|word| word.as_str()).collect();
    let failure = check(&others.join(" ")).expect_err("the words of another person");
    assert!(failure.message.contains("somebody else"), "{}", failure.message);

    check(&words.to_uppercase().replace(' ', "\n  ")).expect("the right words");
    assert_eq!(user_key(ana), "here-and-on-paper");
    team.weft(ANA, &["device", "recovery", "--paper-only", "--yes"]).expect("paper only");
    assert_eq!(user_key(ana), "paper");
    team.refused(ANA, &["device", "recovery"], 1, "wrote down");
    check(&words).expect("the words are right all the same");
    // The device goes on as before.
    ana.files.write("a.txt", "one\nwithout the key\n").expect("a file");
    team.has(BEN, "a.txt", "without the key");
}

#[test]
fn with_all_devices_gone_a_keeper_and_the_words_bring_everything_back() {
    let (mut team, root) = team();
    let keeper = keeper(&team, root.path());
    let words = words(&team.people[ANA]);
    team.people[ANA].files.write("a.txt", "one\nthe last line of the laptop\n").expect("a file");
    team.people[ANA].files.write("late.txt", "a late file\n").expect("a file");
    team.has(BEN, "late.txt", "a late file");
    holds_everything(&keeper, 3);
    // Every device of everybody is gone but the keeper.
    team.people[ANA].stop();
    team.people[BEN].stop();
    let new = machine(root.path(), "ana", "new machine");
    let from = address(&keeper);
    let restore = ["device", "recovery", "--restore", "--from", from.as_str()];
    let wrong = words.split(' ').rev().collect::<Vec<_>>().join(" ");
    assert!(new.device.weft_with_input(restore, &wrong).is_err());
    let restored = new.device.weft_with_input(restore, &words).expect("everything back");
    assert_eq!(restored.field("workspaces").as_array().map(Vec::len), Some(1));
    assert_eq!(new.files.read("a.txt").as_deref(), Some("one\nthe last line of the laptop\n"));
    assert_eq!(new.files.read("deep/b.txt").as_deref(), Some("two\n"));
    assert_eq!(new.files.read("late.txt").as_deref(), Some("a late file\n"));
    assert_eq!(user_key(&new), "here-and-on-paper");
    let blame = new.device.weft(["blame", "notes/a.txt"]).expect("a blame");
    assert!(format!("{:?}", blame.lines).contains("\"Ana\""), "{:?}", blame.lines);

    // The old laptop is put out; who has it can strike at nothing, and Ben goes on with the new machine.
    new.device.weft(["revoke", "laptop", "notes", "--yes"]).expect("a removal");
    new.files.write("a.txt", "one\nfrom the new machine\n").expect("a file");
    team.people[ANA].files.write("a.txt", "one\nby the finder\n").expect("a file");
    team.people[ANA].start();
    let told = eventually(PATIENCE, || (team.state(ANA) == "removed").then_some(()));
    assert!(told.is_some(), "the lost device is not told");
    team.people[BEN].start();
    team.has(BEN, "a.txt", "from the new machine");
    team.people[BEN].files.write("deep/b.txt", "two\nfrom ben\n").expect("a file");
    has(&new, "deep/b.txt", "from ben");
    assert_eq!(team.people[BEN].files.read("a.txt").as_deref(), Some("one\nfrom the new machine\n"));
}

#[test]
fn a_stranger_with_words_of_their_own_gets_nothing_from_a_keeper() {
    let (team, root) = team();
    let keeper = keeper(&team, root.path());
    holds_everything(&keeper, 2);
    let stranger = machine(root.path(), "stranger", "laptop");
    let words = words(&stranger);
    let from = address(&keeper);
    let restore = ["device", "recovery", "--restore", "--from", from.as_str()];
    let failure = stranger.device.weft_with_input(restore, &words).expect_err("something");
    assert!(failure.message.contains("no workspace of yours"), "{}", failure.message);
}
