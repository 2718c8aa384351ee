//! Joining into a folder that has files.

use weft_tests::{Pair, Snapshot};

const SHARED: [(&str, &[u8]); 5] = [
    ("equal.txt", b"the same\n"),
    ("plan.md", b"Ana's plan\n"),
    ("pic.png", b"\0Ana's picture"),
    ("src/main.rs", b"fn main() {}\n"),
    ("src/new.rs", b"// new\n"),
];

/// Ben's folder has files of the same names, with equal and with other content, and one of its own.
fn before() -> Pair {
    let mut pair = Pair::before_joining(&SHARED);
    for (path, content) in [
        ("equal.txt", &b"the same\n"[..]),
        ("plan.md", b"Ben's plan\n"),
        ("pic.png", b"\0Ben's picture"),
        ("src/main.rs", b"fn main() { ben() }\n"),
        ("only here.txt", b"Ben's own\n"),
    ] {
        pair.ben.files.write(path, content).expect("a file");
    }
    pair.ben.start();
    pair
}

#[track_caller]
fn names(both: &Snapshot) -> Vec<&str> {
    both.keys().map(String::as_str).collect()
}

#[test]
fn a_preview_counts_and_changes_nothing() {
    let pair = before();
    let files = pair.ben.files.snapshot().expect("a folder");
    let words = ["join", "-", "notes", "--preview"];
    let preview = pair.ben.device.weft_with_input(words, &pair.ticket()).expect("a preview");
    assert_eq!((preview.number("files"), preview.text("name")), (5.0, "notes"));
    assert_eq!(pair.ben.files.snapshot().expect("a folder"), files);
    assert!(pair.ben.device.weft(["status", "notes"]).is_err(), "a preview joins nothing");
}

#[test]
fn both_versions_are_kept_unless_one_chooses_otherwise() {
    let mut pair = before();
    let joined = pair.join(&[]);
    assert_eq!(joined.number("conflicts"), 3.0);
    pair.settle();
    let both = pair.both();
    assert_eq!(
        names(&both),
        [
            "equal.txt",
            "only here.txt",
            "pic (mine).png",
            "pic.png",
            "plan (mine).md",
            "plan.md",
            "src/",
            "src/main (mine).rs",
            "src/main.rs",
            "src/new.rs"
        ]
    );
    for (path, content) in SHARED {
        assert_eq!(both[path], content, "{path}");
    }
    assert_eq!(both["plan (mine).md"], b"Ben's plan\n");
    assert_eq!(both["pic (mine).png"], b"\0Ben's picture");
    assert_eq!(both["src/main (mine).rs"], b"fn main() { ben() }\n");
}

#[test]
fn ones_own_versions_become_edits_by_choice() {
    let mut pair = before();
    pair.join(&["--existing", "mine"]);
    pair.settle();
    let both = pair.both();
    assert_eq!(
        names(&both),
        ["equal.txt", "only here.txt", "pic.png", "plan.md", "src/", "src/main.rs", "src/new.rs"]
    );
    assert_eq!(both["plan.md"], b"Ben's plan\n");
    assert_eq!(both["pic.png"], b"\0Ben's picture");
    assert_eq!(both["src/main.rs"], b"fn main() { ben() }\n");
    let path = pair.ana.files.path("plan.md");
    let history = pair.ana.device.weft(["history".as_ref(), path.as_os_str()]).expect("a history");
    assert!(history.field("versions").as_array().is_some_and(|versions| !versions.is_empty()));
}

#[test]
fn the_workspaces_versions_are_taken_by_choice_and_ones_own_stay_in_the_history() {
    let mut pair = before();
    pair.join(&["--existing", "theirs"]);
    pair.settle();
    let both = pair.both();
    for (path, content) in SHARED {
        assert_eq!(both[path], content, "{path}");
    }
    assert_eq!(both["pic (before joining).png"], b"\0Ben's picture", "what is no text has no history");
    assert_eq!(both.len(), 8, "{:?}", names(&both));
    let path = pair.ana.files.path("plan.md");
    let history = pair.ana.device.weft(["history".as_ref(), path.as_os_str()]).expect("a history");
    let versions = history.field("versions").as_array().cloned().unwrap_or_default();
    let texts = versions.iter().filter_map(|version| {
        let version = version["version"].as_str()?;
        let words = ["cat".as_ref(), path.as_os_str(), "--at".as_ref(), version.as_ref()];
        Some(pair.ana.device.weft(words).ok()?.text("text").to_owned())
    });
    let texts: Vec<String> = texts.collect();
    assert!(texts.iter().any(|text| text == "Ben's plan\n"), "{texts:?}");
}

#[test]
fn a_join_that_was_killed_goes_on() {
    let names: Vec<String> = (0..150).map(|n| format!("part{}/file{n}.txt", n % 7)).collect();
    let files: Vec<(&str, Vec<u8>)> = names
        .iter()
        .enumerate()
        .map(|(n, name)| (name.as_str(), format!("{n}\n").repeat(400).into_bytes()))
        .collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (*name, content.as_slice())).collect();
    let mut pair = Pair::before_joining(&files);
    pair.ben.start();
    let ticket = pair.ticket();
    let joining = std::thread::scope(|scope| {
        let device = &pair.ben.device;
        let joining = scope.spawn(move || {
            device.weft_with_input(["join", "-", "notes", "--yes", "--timeout", "30s"], &ticket)
        });
        let begun = weft_tests::eventually(weft_tests::PATIENCE, || {
            (pair.ben.files.snapshot().ok()?.len() > 20).then_some(())
        });
        assert!(begun.is_some());
        let pid = device.node().expect("a node").pid();
        let pid =
            rustix::process::Pid::from_raw(pid.try_into().expect("a process id")).expect("a process id");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("a kill");
        joining.join().expect("a thread")
    });
    drop(joining);
    let ana = pair.ana.files.snapshot().expect("a folder");
    for (path, content) in pair.ben.files.snapshot().expect("a folder") {
        let is_part = ana.get(&path).is_some_and(|whole| whole.starts_with(&content));
        assert!(is_part, "{path} holds what nobody wrote");
    }
    drop(pair.ben.device.take_node());
    pair.ben.start();
    pair.settle();
    assert_eq!(pair.both(), ana, "all files came, and Ana's are as they were");
}
