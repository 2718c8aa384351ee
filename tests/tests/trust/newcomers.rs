//! People who were let in by somebody who is gone since: they have never met, and know each other from what was signed.

use std::path::Path;

use tempfile::TempDir;
use weft_tests::{Device, Files, PATIENCE, Person, eventually};

/// Ana, who lets others in and goes, and those whom she let in, one after the other: none of them has met another one.
struct Scene {
    ana: Person,
    ben: Person,
    cleo: Person,
    /// Holds what it cannot read; it was away while the newcomers came, so it knows of neither.
    keeper: Option<Person>,
    _root: TempDir,
}

const FILE: &str = "plan.md";

fn person(root: &Path, name: &str) -> Person {
    let device = Device::new(root, name).expect("a device");
    let files = Files::new(device.place.join("notes")).expect("a folder");
    Person { device, files }
}

impl Scene {
    fn new(has_keeper: bool) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let mut ana = person(root.path(), "ana");
        ana.files.write(FILE, "begin\n").expect("a file");
        ana.device.weft(["init", "notes", "--name", "notes"]).expect("a workspace");
        ana.start();
        let keeper = has_keeper.then(|| {
            let mut keeper = person(root.path(), "kim");
            keeper.start();
            let ticket = ticket(&ana, "keeper");
            keeper.device.weft_with_input(["keep", "-"], &ticket).expect("a keeper");
            let holds_all = eventually(PATIENCE, || is_kept(&ana).then_some(()));
            assert!(holds_all.is_some(), "{:?}", ana.status());
            keeper.stop();
            keeper
        });
        let newcomer = |name: &str| {
            let mut newcomer = person(root.path(), name);
            newcomer.start();
            let join = ["join", "-", "notes", "--yes"];
            newcomer.device.weft_with_input(join, &ticket(&ana, "editor")).expect("a joined workspace");
            assert_eq!(newcomer.files.read(FILE).as_deref(), Some("begin\n"));
            newcomer.stop();
            newcomer
        };
        let (ben, cleo) = (newcomer("ben"), newcomer("cleo"));
        ana.stop();
        Self { ana, ben, cleo, keeper, _root: root }
    }
}

fn ticket(ana: &Person, role: &str) -> String {
    let shared = ana.device.weft(["share", "notes", "--yes", "--role", role]).expect("a ticket");
    shared.text("ticket").to_owned()
}

/// Whether a keeper holds everything that this person has.
fn is_kept(person: &Person) -> bool {
    person.status().field("kept_by").as_array().is_some_and(|keepers| keepers.len() == 1)
}

/// Writes a line under the others, as an editor that saves.
fn add(person: &Person, line: &str) {
    let text = person.files.read(FILE).expect("a text");
    person.files.write(FILE, text + line + "\n").expect("a save");
}

#[track_caller]
fn comes(to: &Person, line: &str) {
    let has = || to.files.read(FILE).filter(|text| text.contains(line)).map(drop);
    let shown =
        || [&["status", "notes"][..], &["peers"], &["members", "notes"]].map(|it| to.device.shown(it));
    assert!(eventually(PATIENCE, has).is_some(), "{line:?} does not come: {:?}", shown());
}

/// Who is a member, as somebody sees it.
fn names(person: &Person) -> Vec<String> {
    let members = person.device.weft(["members", "notes"]).expect("a list");
    let list = members.field("members").as_array().cloned().unwrap_or_default();
    let mut names: Vec<_> = list.iter().map(|one| one["name"].as_str().unwrap_or("?").to_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn two_newcomers_whose_inviter_is_gone_reach_each_other() {
    let mut scene = Scene::new(false);
    let (ben, cleo) = (&mut scene.ben, &mut scene.cleo);
    // Ben was let in first and went: he has never heard that Cleo exists.
    ben.start();
    assert_eq!(names(ben), ["Ana", "Ben"]);
    cleo.start();
    add(cleo, "from cleo");
    comes(ben, "from cleo");
    add(ben, "from ben");
    comes(cleo, "from ben");
    assert_eq!(names(ben), ["Ana", "Ben", "Cleo"]);
    let agree = eventually(PATIENCE, || (ben.digest()? == cleo.digest()?).then_some(()));
    assert!(agree.is_some());
    // The one who invited them comes back, and has it too.
    add(&scene.ana, "from ana");
    scene.ana.start();
    comes(&scene.cleo, "from ana");
    comes(&scene.ana, "from cleo");
    comes(&scene.ana, "from ben");
}

#[test]
fn two_newcomers_whose_inviter_is_gone_exchange_edits_through_a_keeper() {
    let scene = Scene::new(true);
    let mut keeper = scene.keeper.expect("a keeper");
    keeper.start();
    let (mut reader, mut writer) = (scene.cleo, scene.ben);
    writer.start();
    for round in 0..4 {
        let line = format!("by {} in round {round}", writer.device.name);
        add(&writer, &line);
        // What was saved is in an entry before it can be kept.
        let seen = eventually(PATIENCE, || has_own(&writer, &line).then_some(()));
        assert!(seen.is_some(), "{:?}", writer.status());
        let holds_all = || (is_kept(&writer) && kept_entries(&keeper) > 0).then_some(());
        assert!(eventually(PATIENCE, holds_all).is_some(), "{:?}", writer.status());
        writer.stop();
        reader.start();
        comes(&reader, &line);
        std::mem::swap(&mut reader, &mut writer);
    }
    assert_eq!(names(&writer), ["Ana", "Ben", "Cleo", "Kim"]);
}

/// Whether the document of a file holds a line, not only the file.
fn has_own(person: &Person, line: &str) -> bool {
    person.device.shown(["cat", &format!("notes/{FILE}")]).is_ok_and(|text| text.contains(line))
}

fn kept_entries(keeper: &Person) -> u64 {
    let verified = keeper.device.weft(["keep", "verify"]).expect("nothing is damaged");
    verified.field("workspaces")[0]["entries"].as_u64().unwrap_or_default()
}
