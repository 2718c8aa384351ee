//! The whole path with real processes: make a workspace, share it, join it, edit on both sides, be equal.
#![cfg(unix)]

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use weft_tests::{Answer, Device, Failure, Files, eventually};

const PATIENCE: Duration = Duration::from_secs(60);

/// Two people with a workspace of their own devices.
struct Pair {
    ana: Device,
    ben: Device,
    ana_files: Files,
    ben_files: Files,
    _root: tempfile::TempDir,
}

fn devices() -> (tempfile::TempDir, Device, Device) {
    let root = tempfile::tempdir().expect("a folder");
    let ana = Device::new(root.path(), "ana").expect("a device");
    let ben = Device::new(root.path(), "ben").expect("a device");
    (root, ana, ben)
}

/// A workspace of Ana's with a few files and a running node, and Ben without anything.
fn shared_by_ana() -> (tempfile::TempDir, Device, Device, Files) {
    let (root, mut ana, ben) = devices();
    let files = Files::new(ana.place.join("notes")).expect("a folder");
    for (path, content) in FIRST_FILES {
        files.write(path, content).expect("a file");
    }
    let made = ana.weft(["init", "notes", "--name", "notes"]).expect("a workspace");
    assert_eq!(made.number("files") as usize, FIRST_FILES.len());
    ana.start_node().expect("a node");
    (root, ana, ben, files)
}

const FIRST_FILES: [(&str, &str); 4] = [
    ("plan.md", "# Plan\n\n1. Begin\n2. Go on\n3. End\n"),
    ("src/main.rs", "fn main() {\n    println!(\"hello\");\n}\n"),
    ("src/deep/down/here.txt", "deep\n"),
    ("ünïcödé/日本.txt", "ok 👩‍👩‍👧\n"),
];

fn ticket(ana: &Device) -> String {
    let shared = ana.weft(["share", "notes", "--yes"]).expect("a ticket");
    shared.text("ticket").to_owned()
}

fn join(ben: &Device, ticket: &str, folder: &str) -> Result<Answer, Failure> {
    ben.weft_with_input(["join", "-", folder, "--yes", "--timeout", "30s"], ticket)
}

impl Pair {
    fn new() -> Self {
        let (root, ana, mut ben, ana_files) = shared_by_ana();
        ben.start_node().expect("a node");
        let joined = join(&ben, &ticket(&ana), "notes").expect("a join");
        assert_eq!(joined.number("files") as usize, FIRST_FILES.len());
        let ben_files = Files::new(ben.place.join("notes")).expect("a folder");
        Self { ana, ben, ana_files, ben_files, _root: root }
    }

    /// Waits until both are equal: in what they say, and in what lies in their folders.
    fn settle(&self) {
        let equal = eventually(PATIENCE, || {
            let files = (self.ana_files.snapshot().ok()?, self.ben_files.snapshot().ok()?);
            (files.0 == files.1 && self.digests().is_some_and(|(ana, ben)| ana == ben)).then_some(())
        });
        let files = (self.ana_files.snapshot(), self.ben_files.snapshot());
        assert!(equal.is_some(), "not equal: {:?}\n{files:#?}", self.digests());
    }

    fn digests(&self) -> Option<((String, String), (String, String))> {
        Some((self.ana.digest(&self.ana_files.root).ok()?, self.ben.digest(&self.ben_files.root).ok()?))
    }

    /// Waits until both have it: what was saved a moment ago may not have been seen when they were found equal.
    #[track_caller]
    fn both_have(&self, path: &str, content: &str) {
        let texts = || (self.ana_files.read(path), self.ben_files.read(path));
        let have = |text: &Option<String>| text.as_deref() == Some(content);
        let found = eventually(PATIENCE, || {
            let (ana, ben) = texts();
            (have(&ana) && have(&ben)).then_some(())
        });
        assert!(found.is_some(), "{content:?} is not in both: {:?}", texts());
    }
}

#[test]
fn a_folder_is_shared_by_ticket_and_arrives_whole() {
    let pair = Pair::new();
    pair.settle();
    for (path, content) in FIRST_FILES {
        pair.both_have(path, content);
    }
    let status = pair.ben.weft(["status", "notes"]).expect("a status");
    assert_eq!((status.text("name"), status.text("role")), ("notes", "editor"));
    let peers = status.field("peers").as_array().cloned().unwrap_or_default();
    assert_eq!(peers.len(), 1);
    assert_eq!(peers[0]["connected"], true);
}

#[test]
fn what_is_being_saved_at_that_moment_is_imported() {
    let (_root, ana, _) = devices();
    let files = Files::new(ana.place.join("notes")).expect("a folder");
    files.write("empty.txt", "").expect("a file");
    let made = thread::scope(|scope| {
        scope.spawn(|| {
            let begin = Instant::now();
            while begin.elapsed() < Duration::from_millis(400) {
                files.write("log.txt", "a line\n").expect("a file");
                thread::sleep(Duration::from_millis(3));
            }
        });
        ana.weft(["init", "notes"]).expect("a workspace")
    });
    assert_eq!(made.number("files"), 2.0, "what looks half written is waited for");
    let text = ana.shown(["cat", "notes/log.txt"]).expect("a text");
    assert_eq!(text, "a line\n");
}

#[test]
fn edits_of_both_sides_meet_in_one_file() {
    let pair = Pair::new();
    let plan = pair.ana_files.path("plan.md");
    let plan = plan.to_str().expect("Unicode");
    pair.ana.weft(["edit", plan, "--insert", "0", "<!-- Ana -->\n"]).expect("an edit");
    let theirs = pair.ben_files.read("plan.md").expect("a file").replace("3. End", "3. End well");
    pair.ben_files.write("plan.md", theirs).expect("a save");
    pair.ana.wait_synced(&pair.ana_files.root, 1, PATIENCE).expect("synced");
    pair.settle();
    pair.both_have("plan.md", "<!-- Ana -->\n# Plan\n\n1. Begin\n2. Go on\n3. End well\n");
}

#[test]
fn a_save_from_disk_a_new_file_a_rename_and_a_deletion_cross() {
    let pair = Pair::new();
    pair.ana_files.write("new/file.txt", "new\n").expect("a file");
    pair.settle();
    pair.both_have("new/file.txt", "new\n");
    pair.ben_files.rename("new", "old").expect("a rename");
    pair.settle();
    pair.both_have("old/file.txt", "new\n");
    std::fs::remove_file(pair.ben_files.path("old/file.txt")).expect("a deletion");
    pair.settle();
    assert_eq!(pair.ana_files.read("old/file.txt"), None);
    assert_eq!(pair.ana_files.read("new/file.txt"), None);
}

#[test]
fn what_was_edited_apart_is_merged_after_meeting_again() {
    let mut pair = Pair::new();
    pair.settle();
    pair.ben.stop_node().expect("an end");
    pair.ana_files.write("plan.md", "# Our plan\n\n1. Begin\n2. Go on\n3. End\n").expect("a save");
    let plan = pair.ben_files.path("plan.md");
    let plan = plan.to_str().expect("Unicode");
    pair.ben.weft(["edit", plan, "--insert", "33", "4. Rest\n"]).expect("an edit without a node");
    pair.ben.start_node().expect("a node");
    pair.settle();
    pair.both_have("plan.md", "# Our plan\n\n1. Begin\n2. Go on\n3. End\n4. Rest\n");
}

#[test]
fn a_folder_renamed_here_while_somebody_edits_inside_keeps_both() {
    let mut pair = Pair::new();
    pair.settle();
    let ana = pair.ana.take_node().expect("a node");
    ana.freeze().expect("a frozen node");
    pair.ben_files.write("src/main.rs", "fn main() {\n    println!(\"hello, Ben\");\n}\n").expect("a save");
    pair.ana_files.rename("src", "source").expect("a rename");
    ana.thaw().expect("a thawed node");
    pair.settle();
    pair.both_have("source/main.rs", "fn main() {\n    println!(\"hello, Ben\");\n}\n");
    pair.both_have("source/deep/down/here.txt", "deep\n");
    assert_eq!(pair.ana_files.read("src/main.rs"), None);
}

#[test]
fn a_killed_node_goes_on_where_it_was() {
    let mut pair = Pair::new();
    pair.settle();
    pair.ana.take_node().expect("a node").kill().expect("a kill");
    pair.ana_files.write("while dead.txt", "saved while no node ran\n").expect("a file");
    pair.ana.start_node().expect("a node");
    pair.settle();
    pair.both_have("while dead.txt", "saved while no node ran\n");
}

#[test]
fn history_blame_and_restore_know_who_did_what() {
    let pair = Pair::new();
    let plan = pair.ana_files.path("plan.md");
    let plan = plan.to_str().expect("Unicode");
    let first = pair.ana.weft(["cat", plan]).expect("a text").text("text").to_owned();
    pair.ana.weft_with_input(["edit", plan, "--stdin"], "# Plan\n\nAll is different.\n").expect("an edit");
    let versions = pair.ana.weft(["history", plan]).expect("a history");
    let versions = versions.field("versions").as_array().cloned().unwrap_or_default();
    assert!(!versions.is_empty());
    let ana = pair.ana.weft(["status", "notes"]).expect("a status").text("user").to_owned();
    assert_eq!(versions[0]["user"], ana.as_str());
    let version = versions[0]["version"].as_str().unwrap_or_default();
    let then = pair.ana.weft(["cat", plan, "--at", version]).expect("a text");
    assert_eq!(then.text("text"), "# Plan\n\nAll is different.\n");
    let blame = pair.ana.weft(["blame", plan]).expect("lines");
    assert_eq!(blame.field("lines").as_array().map(Vec::len), Some(3));
    pair.ana.weft_with_input(["edit", plan, "--stdin"], &first).expect("an edit");
    pair.ana.weft(["restore", plan, "--at", version]).expect("a restored text");
    pair.settle();
    pair.both_have("plan.md", "# Plan\n\nAll is different.\n");
    let log = pair.ben.weft(["log", "notes"]).expect("a log");
    assert!(log.field("changes").as_array().is_some_and(|changes| !changes.is_empty()));
}

#[test]
fn blame_knows_who_brought_a_file_and_who_edited_it() {
    let mut pair = Pair::new();
    pair.settle();
    let user = |device: &Device| device.weft(["status", "notes"]).expect("a status").text("user").to_owned();
    let (ana, ben) = (user(&pair.ana), user(&pair.ben));
    let of = |device: &Device, files: &Files| {
        let blame = device.weft(["blame".as_ref(), files.path("plan.md").as_os_str()]).expect("lines");
        let lines = blame.field("lines").as_array().cloned().unwrap_or_default();
        assert!(lines.iter().all(|line| line["device"] != "" && line["version"] != ""), "{lines:?}");
        let users: Vec<String> =
            lines.iter().map(|line| line["user"].as_str().unwrap_or_default().to_owned()).collect();
        let origins: Vec<String> = lines.iter().map(|line| line["origin"].to_string()).collect();
        (users, origins)
    };
    let import = "\"import\"".to_owned();
    assert_eq!(of(&pair.ben, &pair.ben_files), (vec![ana.clone(); 5], vec![import; 5]));
    let shown =
        pair.ana.shown(["blame".as_ref(), pair.ana_files.path("plan.md").as_os_str()]).expect("lines");
    assert_eq!(shown.matches("(imported)").count(), 5, "{shown}");
    let theirs = pair.ben_files.read("plan.md").expect("a file").replace("2. Go on", "2. Go on and on");
    pair.ben_files.write("plan.md", theirs).expect("a save");
    pair.settle();
    let expected = [&ana, &ana, &ana, &ben, &ana].map(Clone::clone).to_vec();
    assert_eq!(of(&pair.ana, &pair.ana_files).0, expected);
    assert_eq!(of(&pair.ben, &pair.ben_files).0, expected);
    // The oldest version is the file as it was brought.
    let plan = pair.ana_files.path("plan.md");
    let versions = pair.ana.weft(["history".as_ref(), plan.as_os_str()]).expect("a history");
    let versions = versions.field("versions").as_array().cloned().unwrap_or_default();
    let users: Vec<_> = versions.iter().map(|version| version["user"].as_str().unwrap_or_default()).collect();
    assert_eq!(users, [ben.as_str(), ana.as_str()]);
    let first = versions[1]["version"].as_str().unwrap_or_default();
    let plan = plan.to_str().expect("Unicode");
    let then = pair.ana.weft(["cat", plan, "--at", first]).expect("a text");
    assert_eq!(then.text("text"), FIRST_FILES[0].1);
    pair.ana.stop_node().expect("an end");
    pair.ana.start_node().expect("a node");
    assert_eq!(of(&pair.ana, &pair.ana_files).0, expected);
}

/// A command must fail with this code and say what to do.
#[track_caller]
fn refused(answer: Result<Answer, Failure>, code: i32) -> Failure {
    let failure = answer.expect_err("a refusal");
    assert_eq!(failure.code, Some(code), "{failure}");
    assert!(!failure.message.is_empty(), "{failure:?}");
    assert!(failure.hint.is_some(), "no hint: {failure:?}");
    failure
}

#[test]
fn a_ticket_that_is_wrong_cut_off_used_or_expired_is_refused() {
    let (_root, ana, mut ben, _files) = shared_by_ana();
    ben.start_node().expect("a node");
    let good = ticket(&ana);
    refused(join(&ben, "certainly-no-ticket", "a"), 2);
    refused(join(&ben, &good[..good.len() / 2], "b"), 2);
    refused(join(&ben, "", "c"), 2);
    let mut altered = good.clone().into_bytes();
    let middle = altered.len() / 2;
    altered[middle] = if altered[middle] == b'a' { b'b' } else { b'a' };
    let altered = String::from_utf8(altered).expect("a ticket");
    let failure = join(&ben, &altered, "d").expect_err("a refusal");
    assert!(failure.code.is_some_and(|code| code != 0), "{failure}");
    join(&ben, &good, "notes").expect("a join");
    let other = Device::new(ben.home.parent().and_then(|home| home.parent()).expect("a root"), "cleo")
        .expect("a device");
    let again = other.weft_with_input(["join", "-", "x", "--yes", "--timeout", "15s", "--lan", "off"], &good);
    assert!(again.as_ref().is_err_and(|failure| failure.hint.is_some()), "{again:?}");
    let short = ana.weft(["share", "notes", "--yes", "--expires", "1ms"]).expect("a ticket");
    let late = other.weft_with_input(
        ["join", "-", "y", "--yes", "--timeout", "15s", "--lan", "off"],
        short.text("ticket"),
    );
    assert!(late.as_ref().is_err_and(|failure| failure.hint.is_some()), "{late:?}");
    for folder in ["a", "b", "c", "d", "x", "y"] {
        let left = ben.place.join(folder).exists() || other.place.join(folder).exists();
        assert!(!left, "{folder} was made for nothing");
    }
}

#[test]
fn an_inviter_who_is_away_is_told_as_not_reachable() {
    let (_root, mut ana, mut ben, _files) = shared_by_ana();
    ben.start_node().expect("a node");
    let good = ticket(&ana);
    ana.stop_node().expect("an end");
    let answer = ben.weft_with_input(["join", "-", "notes", "--yes", "--timeout", "2s"], &good);
    refused(answer, 5);
}

#[test]
fn a_newcomer_waits_until_somebody_confirms() {
    let (_root, ana, mut ben, _files) = shared_by_ana();
    ben.start_node().expect("a node");
    let shared = ana.weft(["share", "notes"]).expect("a ticket");
    let ticket = shared.text("ticket").to_owned();
    std::thread::scope(|scope| {
        let joining = scope.spawn(|| join(&ben, &ticket, "notes"));
        let (newcomer, _) = eventually(PATIENCE, || {
            let list = ana.weft(["invitations"]).ok()?;
            let invitations = list.field("invitations").as_array()?.clone();
            let waiting = invitations.iter().find_map(|invitation| invitation["waiting"][0]["user"].as_str());
            waiting.map(str::to_owned)
        })
        .expect("somebody who waits");
        ana.weft(["invitations", "--confirm", &newcomer]).expect("a confirmation");
        joining.join().expect("a thread").expect("a join");
    });
}

#[test]
fn a_workspace_is_not_made_twice_nor_inside_another() {
    let (_root, ana, _ben, files) = shared_by_ana();
    refused(ana.weft(["init", "notes"]), 2);
    let inside = files.path("src");
    refused(ana.weft([PathBuf::from("init"), inside]), 2);
    refused(ana.weft(["status", "."]), 3);
    refused(ana.weft(["status", "no/such/folder"]), 3);
}

#[test]
fn a_second_node_on_the_same_data_is_refused() {
    let (_root, ana, _ben, _files) = shared_by_ana();
    refused(ana.weft(["node", "--lan", "off"]), 1);
    let info = ana.weft(["status", "notes"]).expect("the first node still answers");
    assert_eq!(info.text("name"), "notes");
}

#[test]
fn commands_give_the_same_with_and_without_a_node() {
    let (_root, mut ana, _ben, files) = shared_by_ana();
    let with = ana.digest(&files.root).expect("a digest");
    ana.stop_node().expect("an end");
    assert_eq!(ana.digest(&files.root).expect("a digest"), with);
    let plan = files.path("plan.md");
    let plan = plan.to_str().expect("Unicode");
    ana.weft(["edit", plan, "--insert", "2", "Our "]).expect("an edit");
    assert_eq!(files.read("plan.md").as_deref(), Some("# Our Plan\n\n1. Begin\n2. Go on\n3. End\n"));
    ana.start_node().expect("a node");
    let text = ana.weft(["cat", plan]).expect("a text");
    assert_eq!(text.text("text"), "# Our Plan\n\n1. Begin\n2. Go on\n3. End\n");
}

#[test]
fn joining_a_folder_with_files_overwrites_nothing() {
    let (_root, ana, mut ben, _files) = shared_by_ana();
    ben.start_node().expect("a node");
    let files = Files::new(ben.place.join("notes")).expect("a folder");
    files.write("plan.md", "My own plan\n").expect("a file");
    files.write("only here.txt", "mine\n").expect("a file");
    files.write("src/main.rs", FIRST_FILES[1].1).expect("a file");
    let good = ticket(&ana);
    join(&ben, &good, "notes").expect("a join");
    let contents: Vec<Vec<u8>> = files.snapshot().expect("a folder").into_values().collect();
    let has = |text: &str| contents.iter().any(|content| content == text.as_bytes());
    assert!(has("My own plan\n") && has("mine\n") && has(FIRST_FILES[0].1), "{:?}", files.snapshot());
    assert_eq!(files.read("only here.txt").as_deref(), Some("mine\n"));
}

#[test]
fn leaving_keeps_the_files() {
    let pair = Pair::new();
    pair.settle();
    pair.ben.weft(["leave", "notes"]).expect("left");
    for (path, content) in FIRST_FILES {
        assert_eq!(pair.ben_files.read(path).as_deref(), Some(content));
    }
    refused(pair.ben.weft(["status", "notes"]), 3);
}

#[test]
fn a_background_node_starts_answers_and_stops() {
    let (_root, ana, _ben) = devices();
    let files = Files::new(ana.place.join("notes")).expect("a folder");
    files.write("a.txt", "a\n").expect("a file");
    ana.weft(["init", "notes"]).expect("a workspace");
    let ready = ana.weft(["node", "--detach", "--listen", "127.0.0.1:0", "--lan", "off"]).expect("a node");
    assert_eq!(ready.text("event"), "ready");
    files.write("b.txt", "b\n").expect("a file");
    let seen = eventually(PATIENCE, || {
        let status = ana.weft(["status", "notes"]).ok()?;
        (status.number("files") as u64 == 2).then_some(())
    });
    let stopped = ana.weft(["node", "--stop"]).expect("an end");
    assert_eq!(stopped.field("stopped"), true);
    assert!(seen.is_some(), "the new file was not seen");
    assert_eq!(ana.weft(["node", "--stop"]).expect("an answer").field("stopped"), false);
}
