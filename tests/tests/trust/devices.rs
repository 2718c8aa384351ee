//! One person with several devices.

use std::path::Path;

use tempfile::TempDir;
use weft_tests::{Device, Files, PATIENCE, Person, eventually};

use crate::team::Team;

const ANA: usize = 0;
const BEN: usize = 1;

/// A machine of Ana's that belongs to nobody yet, with a node.
fn desk(root: &Path) -> Person {
    let mut device = Device::new(root, "desk").expect("a device");
    device.name = "Ana".to_owned();
    device.device_name = "desk".to_owned();
    device.start_node().expect("a node");
    let files = Files::new(device.place.join("notes")).expect("a folder");
    Person { device, files }
}

/// A ticket that links, as the first device gives it.
fn link_ticket(team: &Team) -> String {
    let linked = team.weft(ANA, &["device", "link", "--yes"]).expect("a ticket");
    linked.text("ticket").to_owned()
}

fn accept(person: &Person, ticket: &str) {
    let accepted = person.device.weft_with_input(["device", "accept", "-", "--yes"], ticket);
    accepted.expect("a linked device");
}

fn has(person: &Person, path: &str, word: &str) {
    let look = || person.files.read(path).filter(|text| text.contains(word));
    let found = eventually(PATIENCE, look);
    assert!(found.is_some(), "{word:?} is not in {path}: {:?}", person.files.read(path));
}

fn linked() -> (Team, Person, TempDir) {
    let team = Team::new(&["Ana", "Ben"], &[("a.txt", "one\n"), ("deep/b.txt", "one\n")]);
    let root = tempfile::tempdir().expect("a folder");
    let desk = desk(root.path());
    accept(&desk, &link_ticket(&team));
    (team, desk, root)
}

/// The names of a person's devices, as `weft device list` says.
fn devices(person: &Person) -> Vec<String> {
    let list = person.device.weft(["device", "list"]).expect("a list");
    let devices = list.field("devices").as_array().cloned().unwrap_or_default();
    devices.iter().map(|device| device["name"].as_str().unwrap_or("?").to_owned()).collect()
}

#[test]
fn a_linked_device_has_everything_and_may_do_what_its_person_may() {
    let (team, desk, root) = linked();
    assert_eq!(
        desk.files.read("deep/b.txt").as_deref(),
        Some("one\n"),
        "it returns when the files are there"
    );
    assert_eq!(devices(&desk), ["desk", "laptop"]);
    let seen = eventually(PATIENCE, || (devices(&team.people[ANA]) == ["laptop", "desk"]).then_some(()));
    assert!(seen.is_some(), "{:?}", devices(&team.people[ANA]));
    team.members_are(BEN, &[("Ana", "owner"), ("Ben", "editor")]);

    desk.files.write("a.txt", "one\nfrom the desk\n").expect("a file");
    team.has(BEN, "a.txt", "from the desk");
    team.people[BEN].files.write("deep/b.txt", "one\nfrom ben\n").expect("a file");
    has(&desk, "deep/b.txt", "from ben");
    let blame = team.weft(BEN, &["blame", "notes/a.txt"]).expect("a blame");
    assert!(format!("{:?}", blame.lines).contains("\"Ana\""), "{:?}", blame.lines);

    // It lets somebody in, as its person may, while the first device is away.
    let mut team = team;
    team.people[ANA].stop();
    let ticket = desk.device.weft(["share", "notes", "--yes"]).expect("a ticket");
    let mut device = Device::new(root.path(), "cleo").expect("a device");
    device.start_node().expect("a node");
    let joined = device.weft_with_input(["join", "-", "notes", "--yes"], ticket.text("ticket"));
    joined.expect("somebody whom the linked device let in");
    team.people[ANA].start();
    team.members_are(ANA, &[("Ana", "owner"), ("Ben", "editor"), ("Cleo", "editor")]);
}

#[test]
fn a_lost_device_is_put_out_of_every_workspace_from_another_one() {
    let root = tempfile::tempdir().expect("a folder");
    let mut team = Team::new(&["Ana", "Ben"], &[("a.txt", "one\n")]);
    let plans = Files::new(team.people[ANA].device.place.join("plans")).expect("a folder");
    plans.write("plan.md", "# Plan\n").expect("a file");
    team.weft(ANA, &["init", "plans"]).expect("a second workspace");
    let desk = desk(root.path());
    accept(&desk, &link_ticket(&team));
    let own_plans = Files::new(desk.device.place.join("plans")).expect("a folder");
    assert_eq!(own_plans.read("plan.md").as_deref(), Some("# Plan\n"));

    // The laptop is lost, with its node off; the desk puts it out.
    team.people[ANA].stop();
    desk.device.weft(["revoke", "laptop", "notes", "--yes"]).expect("a removal");
    assert_eq!(devices(&desk), ["desk"]);
    desk.files.write("a.txt", "one\nafter the loss\n").expect("a file");
    team.has(BEN, "a.txt", "after the loss");
    // Whoever found it writes, and is told that it is out of both workspaces.
    team.people[ANA].files.write("a.txt", "one\nby the finder\n").expect("a file");
    plans.write("plan.md", "# Plan\nby the finder\n").expect("a file");
    team.people[ANA].start();
    for folder in ["notes", "plans"] {
        let state = || {
            let status = team.weft(ANA, &["status", folder]).ok()?;
            (status.text("state") == "removed").then_some(())
        };
        assert!(eventually(PATIENCE, state).is_some(), "{folder}: it is not told");
    }
    assert_eq!(team.people[ANA].files.read("a.txt").as_deref(), Some("one\nby the finder\n"));
    assert_eq!(desk.files.read("a.txt").as_deref(), Some("one\nafter the loss\n"));
    assert_eq!(own_plans.read("plan.md").as_deref(), Some("# Plan\n"));
    assert_eq!(team.people[BEN].files.read("a.txt").as_deref(), Some("one\nafter the loss\n"));
}

#[test]
fn a_ticket_that_links_serves_one_device_and_nothing_else() {
    let (team, desk, root) = linked();
    let refused = |person: &Device, words: &[&str], ticket: &str, says: &str| {
        let failure = person.weft_with_input(words, ticket).expect_err("it is done");
        let told = format!("{} {}", failure.message, failure.hint.unwrap_or_default());
        assert!(told.contains(says), "{says:?} is not in {told:?}");
    };
    let ticket = link_ticket(&team);
    // Ben has workspaces of his own.
    let ben = &team.people[BEN].device;
    refused(ben, &["device", "accept", "-", "--yes"], &ticket, "of another person");
    refused(ben, &["join", "-", "elsewhere", "--yes"], &ticket, "weft device accept");
    let invitation = team.weft(ANA, &["share", "notes", "--yes"]).expect("a ticket");
    refused(&desk.device, &["device", "accept", "-", "--yes"], invitation.text("ticket"), "weft join");
    // One that was used.
    let mut other = Device::new(root.path(), "other").expect("a device");
    other.start_node().expect("a node");
    other.weft_with_input(["device", "accept", "-", "--yes"], &ticket).expect("a linked device");
    let mut third = Device::new(root.path(), "third").expect("a device");
    third.start_node().expect("a node");
    refused(&third, &["device", "accept", "-", "--yes"], &ticket, "has been used");
    // Coming again with it goes on where it was.
    other.weft_with_input(["device", "accept", "-", "--yes"], &ticket).expect("the same again");
    team.people[BEN].files.write("a.txt", "one\nto all\n").expect("a file");
    let files = Files::new(other.place.join("notes")).expect("a folder");
    let person = Person { device: other, files };
    has(&person, "a.txt", "to all");
}
