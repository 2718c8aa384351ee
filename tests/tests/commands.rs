//! What commands say to a person who gives them something wrong, with and without a running node.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    time::Duration,
};

use weft_tests::{Device, Failure, Files, eventually};

const PATIENCE: Duration = Duration::from_secs(40);

fn devices<const N: usize>() -> (tempfile::TempDir, [Device; N]) {
    let root = tempfile::tempdir().expect("a folder");
    let devices = std::array::from_fn(|number| {
        Device::new(root.path(), ["ana", "ben", "cleo"][number]).expect("a device")
    });
    (root, devices)
}

/// Ana's workspace with one file.
fn workspace(ana: &Device) {
    let files = Files::new(ana.place.join("notes")).expect("a folder");
    files.write("plan.md", "begin\n").expect("a file");
    ana.weft(["init", "notes"]).expect("a workspace");
}

/// A process that does not outlive a failed test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A failure with this code that says what it is about and what to do.
fn told(failure: &Failure, code: i32, about: &str) {
    assert_eq!(failure.code, Some(code), "{failure}");
    assert!(failure.message.contains(about), "{failure}");
    assert!(failure.hint.as_ref().is_some_and(|hint| !hint.is_empty()), "{failure}");
}

#[test]
fn what_cannot_become_a_workspace_is_refused_with_the_reason() {
    let (_root, [ana]) = devices();
    workspace(&ana);
    fs::write(ana.place.join("file.txt"), "x").expect("a file");
    fs::create_dir(ana.place.join("other")).expect("a folder");
    told(&ana.weft(["init", "file.txt"]).expect_err("a file"), 2, "is not a folder");
    told(&ana.weft(["init", "nowhere"]).expect_err("nothing"), 3, "there is no folder");
    told(&ana.weft(["init", "other", "--name", " "]).expect_err("no name"), 2, "cannot be empty");
    told(&ana.weft(["init", "notes"]).expect_err("one already"), 2, "already");
    told(&ana.weft(["init", "."]).expect_err("one inside"), 2, "lies inside");
    let named = ana.weft(["init", "other", "--name", " Our\u{1b}[31m notes "]).expect("a workspace");
    assert_eq!(named.text("name"), "Our[31m notes");
}

#[test]
fn a_wrong_ticket_is_told_before_anything_is_asked() {
    let (_root, [ana, ben]) = devices();
    workspace(&ana);
    let mut sharing = ana.command(["share", "notes", "--json", "--lan", "off", "--listen", "127.0.0.1:0"]);
    let sharing = sharing.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("a process");
    let mut sharing = Running(sharing);
    let stdout = sharing.0.stdout.take().expect("an output");
    // Kept until the end: a closed output would end the command.
    let mut stdout = BufReader::new(stdout);
    let mut first = String::new();
    stdout.read_line(&mut first).expect("a line");
    let ticket: serde_json::Value = serde_json::from_str(&first).expect("JSON");
    let ticket = ticket["ticket"].as_str().expect("a ticket");
    for (wrong, about) in
        [("abc", "missing"), (&ticket[..ticket.len() - 9], "missing"), (&*format!("{ticket}x"), "follows")]
    {
        let failure = ben.weft_with_input(["join", "-", "there"], wrong).expect_err("a wrong ticket");
        told(&failure, 2, about);
    }
    let no_consent = ben.weft_with_input(["join", "-", "there"], ticket).expect_err("nobody is asked");
    told(&no_consent, 2, "consent");

    // Whoever invites and stops has not said no.
    let waiting = std::thread::scope(|scope| {
        let joining = scope.spawn(|| {
            ben.weft_with_input(["join", "-", "there", "--yes", "--lan", "off", "--timeout", "30s"], ticket)
        });
        let asked = eventually(PATIENCE, || {
            let list = ana.weft(["invitations"]).ok()?;
            list.field("invitations")[0]["waiting"][0]["fingerprint"].as_str().map(str::to_owned)
        });
        let stopped = ana.weft(["node", "--stop"]);
        let failure = joining.join().expect("a thread").expect_err("nobody has let them in");
        stopped.expect("the sharing command ends");
        assert!(
            asked.is_some_and(|(signs, _)| signs.contains('(')),
            "the signs have names that can be read aloud"
        );
        failure
    });
    assert!(sharing.0.wait().expect("an end").success());
    told(&waiting, 5, "hung up");
}

#[test]
fn both_ends_see_the_same_signs_and_progress_is_told_once() {
    let (_root, [mut ana, ben]) = devices();
    workspace(&ana);
    ana.start_node().expect("a node");
    let ticket = ana.weft(["share", "notes"]).expect("a ticket").text("ticket").to_owned();
    let join = ["join", "-", "there", "--yes", "--lan", "off"];
    let (signs, joined) = std::thread::scope(|scope| {
        let joining = scope.spawn(|| ben.weft_with_input(join, &ticket));
        let asked = eventually(PATIENCE, || {
            let list = ana.weft(["invitations"]).ok()?;
            let newcomer = list.field("invitations")[0]["waiting"][0].clone();
            Some((newcomer["user"].as_str()?.to_owned(), newcomer["fingerprint"].as_str()?.to_owned()))
        });
        let ((user, signs), _) = asked.expect("somebody waits");
        ana.weft(["invitations", "--confirm", &user]).expect("let in");
        (signs, joining.join().expect("a thread").expect("a join"))
    });
    let signs = signs.split(" (").next().expect("signs before their names");
    let seen = |line: &&serde_json::Value| line["detail"].as_str().is_some_and(|text| text.contains(signs));
    assert_eq!(joined.lines.iter().filter(seen).count(), 1, "{joined:?}");
    let again = ben.weft_with_input(["join", "-", "elsewhere", "--yes", "--lan", "off"], &ticket);
    told(&again.expect_err("joined already"), 2, "on this device already");
    let members = ana.weft(["members", "notes"]).expect("the members");
    let last_contact = &members.field("members")[1]["devices"][0]["last_contact"];
    assert!(last_contact.is_string(), "{members:?}");

    let words = ["wait", "notes", "--synced", "--peers", "9", "--timeout", "1s", "--json"];
    let output = ana.command(words).stdin(Stdio::null()).output().expect("a process");
    assert_eq!(output.status.code(), Some(5));
    let text = String::from_utf8(output.stdout).expect("text");
    let mut lines: Vec<_> = text.lines().collect();
    let count = lines.len();
    lines.dedup();
    assert_eq!(lines.len(), count, "nothing new is told again: {text}");
}

#[test]
fn a_vanished_folder_is_found_and_mended_without_a_running_node() {
    let (_root, [ana]) = devices();
    workspace(&ana);
    let folder = ana.place.join("notes");
    fs::remove_dir_all(&folder).expect("a removal");
    let output = ana.command(["doctor", "--json"]).stdin(Stdio::null()).output().expect("a process");
    assert_eq!(output.status.code(), Some(1), "a folder that is gone needs the person");
    ana.weft(["mirror", "resume", "notes", "--restore"]).expect("the files again");
    assert_eq!(fs::read(folder.join("plan.md")).expect("the file"), b"begin\n");
    ana.weft(["doctor"]).expect("all is well again");
}

#[test]
fn a_relay_that_is_none_is_wrong_usage() {
    let (_root, [ana]) = devices();
    for url in ["relay.example", "ftp://relay.example", "https://"] {
        let failure = ana.weft(["node", "--lan", "off", "--relay", url]).expect_err("no relay");
        told(&failure, 2, "not a relay URL");
    }
}

#[test]
fn an_empty_log_is_no_riddle() {
    let (_root, [ana]) = devices();
    workspace(&ana);
    let shown = ana.shown(["diagnostics"]).expect("a process");
    assert!(!shown.trim().is_empty(), "nothing is said about an empty log");
    let failure = ana.weft(["log", "notes", "--since", "ffff"]).expect_err("no such version");
    told(&failure, 3, "no such version");
    assert_eq!(failure.hint.as_deref(), Some("`weft log` lists them"));
}
