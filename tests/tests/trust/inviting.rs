//! Letting people in: roles, several tickets at once, and what both ends see of each other meanwhile.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{Scope, ScopedJoinHandle};

use serde_json::Value;
use tempfile::TempDir;
use weft_tests::{Answer, Device, Failure, Files, PATIENCE, Person, eventually};

use crate::team::Team;

const ANA: usize = 0;
const BEN: usize = 1;

fn newcomer(root: &Path, name: &str) -> Person {
    let mut device = Device::new(root, name).expect("a device");
    device.start_node().expect("a node");
    let files = Files::new(device.place.join("notes")).expect("a folder");
    Person { device, files }
}

/// A ticket of Ana's, and the id of its invitation.
fn share(team: &Team, words: &[&str]) -> (String, String) {
    let shared = team.weft(ANA, &[&["share", "notes"], words].concat()).expect("a ticket");
    (shared.text("ticket").to_owned(), shared.text("id").to_owned())
}

/// Joins as a script would, meanwhile.
fn joining<'scope>(
    scope: &'scope Scope<'scope, '_>,
    person: &'scope Person,
    ticket: &'scope str,
) -> ScopedJoinHandle<'scope, Result<Answer, Failure>> {
    scope.spawn(|| person.device.weft_with_input(["join", "-", "notes", "--yes", "--timeout", "50s"], ticket))
}

/// The open invitations as Ana's device lists them.
fn invitations(team: &Team) -> Vec<Value> {
    let list = team.weft(ANA, &["invitations"]).expect("a list");
    list.field("invitations").as_array().cloned().unwrap_or_default()
}

/// Roles and uses of the open invitations, sorted.
fn open(team: &Team) -> Vec<(String, u64)> {
    let told = |one: &Value| {
        (one["role"].as_str().unwrap_or("?").to_owned(), one["uses_left"].as_u64().unwrap_or_default())
    };
    let mut open: Vec<_> = invitations(team).iter().map(told).collect();
    open.sort();
    open
}

/// Waits until somebody waits under this invitation, and under no other one; gives who.
#[track_caller]
fn waits(team: &Team, id: &str) -> Value {
    let look = || {
        let mut all = invitations(team);
        all.retain(|one| one["waiting"].as_array().is_some_and(|waiting| !waiting.is_empty()));
        let [one] = &all[..] else { return None };
        assert_eq!(one["id"], id, "somebody waits under another invitation");
        Some(one["waiting"][0].clone())
    };
    eventually(PATIENCE, look).unwrap_or_else(|| panic!("nobody waits: {:?}", invitations(team))).0
}

fn says(failure: &Failure, code: i32, words: &str) {
    let told = format!("{} {}", failure.message, failure.hint.clone().unwrap_or_default());
    assert_eq!(failure.code, Some(code), "{failure}");
    assert!(told.contains(words), "{words:?} is not in {told:?}");
}

#[test]
fn whoever_is_invited_as_admin_or_viewer_is_that() {
    let team = Team::new(&["Ana"], &[("a.txt", "one\n")]);
    let root = tempfile::tempdir().expect("a folder");
    let (ben, cleo) = (newcomer(root.path(), "ben"), newcomer(root.path(), "cleo"));
    let join = ["join", "-", "notes", "--yes"];
    let (ticket, _) = share(&team, &["--yes", "--role", "admin"]);
    ben.device.weft_with_input(join, &ticket).expect("a joined workspace");
    team.members_are(ANA, &[("Ana", "owner"), ("Ben", "admin")]);
    // An admin lets others in, but makes no admins.
    let failure = ben.device.weft(["share", "notes", "--yes", "--role", "admin"]).expect_err("a ticket");
    says(&failure, 4, "owner");
    let shared = ben.device.weft(["share", "notes", "--yes", "--role", "viewer"]).expect("a ticket");
    cleo.device.weft_with_input(join, shared.text("ticket")).expect("a joined workspace");
    team.members_are(ANA, &[("Ana", "owner"), ("Ben", "admin"), ("Cleo", "viewer")]);
    assert_eq!(cleo.files.read("a.txt").as_deref(), Some("one\n"), "a viewer reads");
    let failure = cleo.device.weft(["edit", "notes/a.txt", "--insert", "0", "x"]).expect_err("an edit");
    says(&failure, 4, "viewer");
    let failure = cleo.device.weft(["share", "notes", "--yes"]).expect_err("a ticket");
    says(&failure, 4, "admin");
    ben.device.weft(["edit", "notes/a.txt", "--insert", "0", "zero "]).expect("an edit");
    team.has(ANA, "a.txt", "zero one");
    let owner = team.weft(ANA, &["share", "notes", "--yes", "--role", "owner"]).expect_err("a ticket");
    assert_eq!(owner.code, Some(2), "{owner}");
}

/// What the person at the terminal of the newcomer reads beside what the inviter does.
fn signs_of(newcomer: &Value) -> String {
    let told = newcomer["fingerprint"].as_str().expect("signs");
    let signs = told.split(" (").next().expect("signs before their names");
    assert_eq!(signs.split(' ').count(), 6, "six signs: {told}");
    signs.to_owned()
}

#[test]
fn several_tickets_are_open_at_once_and_each_is_answered_for_itself() {
    let team = Team::new(&["Ana"], &[("a.txt", "one\n")]);
    let root = tempfile::tempdir().expect("a folder");
    let person = |name| newcomer(root.path(), name);
    let (ben, cleo, dora) = (person("ben"), person("cleo"), person("dora"));
    let (viewers, viewers_id) = share(&team, &["--role", "viewer", "--uses", "2", "--expires", "2h"]);
    let (editors, editors_id) = share(&team, &[]);
    let (admins, admins_id) = share(&team, &["--role", "admin"]);
    let [viewer, editor, admin] = ["viewer", "editor", "admin"].map(str::to_owned);
    assert_eq!(open(&team), [(admin.clone(), 1), (editor.clone(), 1), (viewer.clone(), 2)]);

    // Sent away: told so, and the ticket still serves as many as before.
    std::thread::scope(|scope| {
        let ben_joins = joining(scope, &ben, &viewers);
        let waiting = waits(&team, &viewers_id);
        assert_eq!((&waiting["name"], &waiting["device_name"]), (&"Ben".into(), &"laptop".into()));
        let shown = team.people[ANA].device.shown(["invitations", "notes"]).expect("a list");
        let signs = signs_of(&waiting);
        for words in ["Ben on laptop wants to join as viewer", &signs, "weft invitations --confirm"] {
            assert!(shown.contains(words), "{words:?} is not in {shown}");
        }
        let user = waiting["user"].as_str().expect("an id").to_owned();
        team.weft(ANA, &["invitations", "--refuse", &user]).expect("an answer");
        let refused = ben_joins.join().expect("a thread").expect_err("Ben is in");
        says(&refused, 1, "declined");
    });
    assert!(!ben.files.path("a.txt").exists());
    team.members_are(ANA, &[("Ana", "owner")]);
    assert_eq!(open(&team), [(admin.clone(), 1), (editor.clone(), 1), (viewer.clone(), 2)]);

    // Let in, by the id of the invitation; both see the same signs.
    for (person, left) in [(&cleo, 1), (&dora, 0)] {
        std::thread::scope(|scope| {
            let joins = joining(scope, person, &viewers);
            let waiting = waits(&team, &viewers_id);
            team.weft(ANA, &["invitations", "--confirm", &viewers_id]).expect("an answer");
            let joined = joins.join().expect("a thread").expect("a joined workspace");
            let told: String = joined.lines.iter().map(Value::to_string).collect();
            let signs = signs_of(&waiting);
            assert!(told.contains(&signs), "{signs} is not in {told}");
        });
        let uses: Vec<_> = open(&team).into_iter().filter(|(role, _)| *role == viewer).collect();
        assert_eq!(uses, Vec::from_iter((left > 0).then(|| (viewer.clone(), left))));
    }
    team.members_are(ANA, &[("Ana", "owner"), ("Cleo", "viewer"), ("Dora", "viewer")]);
    let join = ["join", "-", "notes", "--yes"];
    says(&ben.device.weft_with_input(join, &viewers).expect_err("a third"), 1, "has been used");

    // Taken back, by the beginning of its id; the other one is as it was.
    team.weft(ANA, &["invitations", "--cancel", &admins_id[..12]]).expect("taken back");
    assert_eq!(open(&team), [(editor, 1)]);
    says(&ben.device.weft_with_input(join, &admins).expect_err("with a cancelled one"), 1, "cancelled");
    let again = team.weft(ANA, &["invitations", "--cancel", &"0".repeat(16)]).expect_err("nothing");
    says(&again, 3, "weft invitations");
    let nobody = team.weft(ANA, &["invitations", "--refuse", &editors_id]).expect_err("nobody");
    says(&nobody, 3, "nobody waits");
    std::thread::scope(|scope| {
        let joins = joining(scope, &ben, &editors);
        waits(&team, &editors_id);
        team.weft(ANA, &["invitations", "--confirm", &editors_id]).expect("an answer");
        joins.join().expect("a thread").expect("a joined workspace");
    });
    assert_eq!(open(&team), []);
    let shown = team.people[ANA].device.shown(["invitations"]).expect("a list");
    assert!(shown.contains("No invitation is open"), "{shown}");
}

/// What a member's list says of the first device of somebody.
fn device_of(team: &Team, of: &str) -> Value {
    let members = team.weft(ANA, &["members", "notes"]).expect("a list");
    let list = members.field("members").as_array().cloned().unwrap_or_default();
    let found = list.iter().find(|one| one["name"] == of).map(|one| one["devices"][0].clone());
    found.unwrap_or_else(|| panic!("{list:?}"))
}

/// How many entries a device holds, as its own check counts them.
fn entries(person: &Person) -> u64 {
    let verified = person.device.weft(["keep", "verify"]).expect("nothing is damaged");
    verified.field("workspaces")[0]["entries"].as_u64().expect("a number")
}

/// Waits until Ana's list says that Ben's device has everything.
#[track_caller]
fn has_everything(team: &Team) {
    let whole = || (device_of(team, "Ben")["has_all_mine"] == true).then_some(());
    assert!(eventually(PATIENCE, whole).is_some(), "{}", device_of(team, "Ben"));
    assert_eq!(device_of(team, "Ben")["missing"], 0);
}

#[test]
fn the_list_of_members_counts_what_somebody_has_not_received() {
    let mut team = Team::new(&["Ana", "Ben"], &[("a.txt", "one\n")]);
    has_everything(&team);
    let here = device_of(&team, "Ben")["last_contact"].as_str().expect("a time").to_owned();
    team.people[BEN].stop();
    let held = eventually(PATIENCE, || {
        let before = entries(&team.people[ANA]);
        std::thread::sleep(std::time::Duration::from_millis(300));
        (entries(&team.people[ANA]) == before).then_some(before)
    });
    let (held, _) = held.expect("what Ben said at his end is stored");
    has_everything(&team);
    for number in 0..5 {
        team.weft(ANA, &["edit", "notes/a.txt", "--insert", "0", &format!("{number} ")]).expect("an edit");
    }
    let new = entries(&team.people[ANA]) - held;
    assert!(new >= 5, "{new} entries of five edits");
    let lacks = device_of(&team, "Ben");
    assert_eq!((&lacks["missing"], &lacks["has_all_mine"]), (&new.into(), &false.into()), "{lacks}");
    let gone = lacks["last_contact"].as_str().expect("a time");
    assert!(gone >= here.as_str(), "last seen {gone}, and before that {here}");
    let shown = team.people[ANA].device.shown(["members", "notes"]).expect("a list");
    let lacks = format!("has not confirmed {new} edits of yours, last seen");
    assert!(shown.contains(&lacks), "{lacks:?} is not in {shown}");

    team.people[BEN].start();
    team.has(BEN, "a.txt", "4 3 2 1 0 one");
    has_everything(&team);
    let shown = team.people[ANA].device.shown(["members", "notes"]).expect("a list");
    assert!(shown.contains("has everything"), "{shown}");
}

/// What a command prints on a terminal that is 200 signs wide.
fn on_a_terminal(device: &Device, words: &[&str]) -> Option<String> {
    let inner = device.command(words);
    let mut line = vec![inner.get_program().to_str()?.to_owned()];
    line.extend(inner.get_args().filter_map(|word| word.to_str().map(str::to_owned)));
    let line: Vec<String> = line.iter().map(|word| format!("'{word}'")).collect();
    let mut command = Command::new("script");
    // Standard input is no terminal, so nobody is asked anything.
    let script = format!("stty rows 120 columns 200; exec {} </dev/null", line.join(" "));
    command.args(["--quiet", "--return", "--command", &script, "/dev/null"]);
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("SHELL", "/bin/sh").env("TERM", "xterm").current_dir(&device.place);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let output = weft_tests::tool("script", "bsdutils", output)?;
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).expect("text"))
}

/// Half a sign is a square of the picture: two stand one over the other.
fn squares(shown: &str) -> Vec<Vec<bool>> {
    let is_part = |line: &&str| line.chars().count() > 20 && line.chars().all(|sign| "█▀▄ ".contains(sign));
    let rows = shown.lines().map(|line| line.trim_end_matches('\r')).filter(is_part);
    let halves = |line: &str| {
        ["█▀", "█▄"].map(|light| line.chars().map(|sign| light.contains(sign)).collect::<Vec<bool>>())
    };
    rows.flat_map(halves).collect()
}

/// What a camera would read from it.
fn read_by_a_camera(shown: &str) -> String {
    const PIXELS: usize = 4;
    let squares = squares(shown);
    assert!(squares.len() > 40, "no picture in {shown}");
    let size = (squares[0].len() * PIXELS, squares.len() * PIXELS);
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(size.0, size.1, |across, down| {
        if squares[down / PIXELS].get(across / PIXELS).copied().unwrap_or(true) { 255 } else { 0 }
    });
    let codes = picture.detect_grids();
    let [code] = &codes[..] else { panic!("{} pictures are found in {shown}", codes.len()) };
    code.decode().expect("a picture that can be read").1
}

#[test]
fn the_picture_of_a_ticket_is_the_ticket() {
    let team = Team::new(&["Ana"], &[("a.txt", "one\n")]);
    for words in [&["share", "notes", "--yes"][..], &["device", "link", "--yes"]] {
        let Some(shown) = on_a_terminal(&team.people[ANA].device, words) else { return };
        let is_ticket =
            |line: &&str| line.len() > 100 && line.chars().all(|sign| sign.is_ascii_alphanumeric());
        let ticket = shown.lines().map(str::trim).find(is_ticket).expect("a ticket");
        assert_eq!(read_by_a_camera(&shown), ticket, "{shown}");
    }
}

/// A second device takes the ticket as an argument, as somebody does who typed or scanned it.
#[test]
fn a_device_is_linked_by_a_ticket_on_the_command_line() {
    let team = Team::new(&["Ana"], &[("a.txt", "one\n")]);
    let root: TempDir = tempfile::tempdir().expect("a folder");
    let mut desk = newcomer(root.path(), "desk");
    desk.device.device_name = "desk".to_owned();
    let linked = team.weft(ANA, &["device", "link", "--yes"]).expect("a ticket");
    let parent = desk.device.place.join("shared").display().to_string();
    let words = ["device", "accept", linked.text("ticket"), &parent, "--yes"];
    desk.device.weft(words).expect("a linked device");
    let files = Files { root: desk.device.place.join("shared/notes") };
    assert_eq!(files.read("a.txt").as_deref(), Some("one\n"));
    let list = team.weft(ANA, &["device", "list"]).expect("a list");
    assert_eq!(list.field("devices").as_array().map(Vec::len), Some(2), "{list:?}");
}
