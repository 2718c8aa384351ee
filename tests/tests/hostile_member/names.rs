//! Names that mean something to a disk, a shell or a terminal.

use std::fs;

use weft_crdt::{NodeKind, tree::ROOT};
use weft_sync::seal::Label;
use weft_tests::{PATIENCE, eventually};

use crate::{House, on_low_priority};

/// Names that lie on no disk.
fn forbidden() -> Vec<String> {
    let names = [
        "",
        ".",
        "..",
        "../canary",
        "../../canary",
        "a/b",
        "/tmp/canary",
        "x\0y",
        ".git",
        ".GIT",
        ".git ",
        "git~1",
        ".g\u{200c}it",
        ".git::$INDEX_ALLOCATION",
        ".weft-tmp-1",
        ".WEFT-TMP-1",
    ];
    names.into_iter().map(str::to_owned).chain(["n".repeat(256), "é".repeat(200)]).collect()
}

/// Names that lie there like any other.
fn odd() -> Vec<String> {
    let names = [
        "CON",
        "nul.txt",
        "ends.",
        "ends ",
        "Readme",
        "README",
        "readme",
        "\u{fb01}le",
        "file",
        "e\u{301}",
        "\u{e9}",
        "-rf",
        "$(touch canary)",
        "`id`",
        "a\\b",
        "C:\\x",
        "\u{202e}gpj.exe",
        "\u{2066}x\u{2069}",
        "\u{200f}rtl",
        "\u{1b}[2J\u{1b}[31mred",
        "\u{1b}]0;title\u{7}",
        "\u{9b}31m",
        "line\nfeed",
        "\r\rback",
        "tab\there",
        "\u{7f}",
        "\u{feff}bom",
        "...",
        "…",
        "\u{8}\u{8}x",
        "\u{2028}",
        "<script>",
        "%s%n",
        "'\"",
    ];
    names.into_iter().map(str::to_owned).chain(["m".repeat(255)]).collect()
}

/// Letters that a terminal obeys, or that turn text around.
fn is_raw(letter: char) -> bool {
    (letter.is_control() && letter != '\n')
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

#[test]
fn names_for_disks_and_terminals() {
    let mut house = House::new();
    let runtime = on_low_priority();
    let label = Label::new("\u{1b}[31mMallory\u{202e}\n\r\u{9b}2J", "\u{1b}]0;burner\u{7}\u{2066}");
    let (mut mallory, mut wire) = house.somebody(&runtime, label);
    let peer = runtime.block_on(wire.reach(house.pair.ana.device.node().expect("a node")));
    house.under("names", move || {
        runtime.block_on(async {
            let line = wire.steady_line(&mut mallory, peer).await;
            wire.read_tree(&mut mallory, line).await.expect("a patient node");
            let (mut log, open) = mallory.begin();
            let mut edits = Vec::new();
            let folder = mallory.node_id();
            edits.extend(mallory.node(folder, ROOT, "odd", NodeKind::Folder));
            for name in forbidden().iter().chain(&odd()) {
                // In the folder itself, in one of its own, and as a folder with something in it.
                for parent in [ROOT, folder] {
                    let (file, inside) = (mallory.node_id(), mallory.node_id());
                    let kind = if parent == ROOT { NodeKind::File } else { NodeKind::Folder };
                    edits.extend(mallory.node(file, parent, name, kind));
                    if kind == NodeKind::Folder {
                        edits.extend(mallory.node(inside, file, "canary", NodeKind::File));
                    }
                }
            }
            let mut sent = vec![open];
            sent.extend(mallory.write_tree(&mut log, &edits));
            wire.send(line, &sent).await.expect("a listening node");
            wire.stored(line, log.id, log.last.expect("an entry").seq).await.expect("a patient node");
        });
    });
    let written = eventually(PATIENCE, || {
        let there = |name: &String| {
            let files = &house.pair.ana.files;
            files.path(name).is_file() && files.path(&format!("odd/{name}/canary")).is_file()
        };
        odd().iter().all(there).then_some(())
    });
    let missing: Vec<String> =
        odd().into_iter().filter(|name| !house.pair.ana.files.path(name).exists()).collect();
    assert!(written.is_some(), "{missing:?}");
    house.is_sound();
    for person in house.people() {
        let top: Vec<_> = fs::read_dir(&person.files.root)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        for name in
            forbidden().iter().filter(|name| !name.contains('/') && !name.contains('\0') && name.len() > 2)
        {
            assert!(!top.iter().any(|there| there == name.as_str()), "{name:?} lies on the disk");
        }
    }
    prints_nothing_raw(&house);
}

/// Every command that shows names, of files and of people.
fn prints_nothing_raw(house: &House) {
    let device = &house.pair.ana.device;
    let odd_file = "\u{1b}[2J\u{1b}[31mred";
    house.pair.ana.files.write(odd_file, "some text\n").expect("a file");
    let saved = eventually(PATIENCE, || {
        device.shown(["cat", &format!("notes/{odd_file}")]).ok().filter(|text| text.contains("some text"))
    });
    assert!(saved.is_some());
    let file = format!("notes/{odd_file}");
    let commands: [&[&str]; 13] = [
        &["status", "notes"],
        &["log", "notes"],
        &["history", &file],
        &["blame", &file],
        &["cat", &file],
        &["peers"],
        &["members", "notes"],
        &["doctor"],
        &["digest", "notes"],
        &["diagnostics"],
        &["invitations"],
        &["cat", "notes/\u{1b}[2Jnothing"],
        &["status", "notes", "--json"],
    ];
    for words in commands {
        let shown = device.shown(words).expect("a command that runs");
        let raw: Vec<char> = shown.chars().filter(|letter| is_raw(*letter)).collect();
        assert!(raw.is_empty(), "`weft {words:?}` prints {raw:?}:\n{shown:?}");
        assert!(!shown.is_empty(), "{words:?}");
    }
    let told = device.shown(["log", "notes"]).expect("a log");
    assert!(told.contains("\\u{1b}"), "the log names nothing odd: {told}");
}
