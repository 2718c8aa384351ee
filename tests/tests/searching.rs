//! Looking through a workspace with real programs: with and without a running node, and what is typed as it is typed.

#[path = "searching/documents.rs"]
mod documents;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use weft_tests::{Answer, ControlSocket, Device, Files, Pair, eventually, tool};

const PATIENCE: Duration = Duration::from_secs(40);

/// Ana's workspace with some files.
fn workspace(ana: &Device) -> Files {
    let files = Files::new(ana.place.join("notes")).expect("a folder");
    files.write("plan.md", "# The plan\n\nWe ship on friday.\n").expect("a file");
    files.write("src/main.rs", "fn main() {\n    let größe = ship(1);\n}\n").expect("a file");
    files
        .write("src/ship.rs", "pub struct Ship;\n\npub fn ship(number: u8) -> u8 { number }\n")
        .expect("a file");
    files.write("data.bin", b"ship \0 ship\n").expect("a file");
    files.write(".gitignore", "left-out.txt\n").expect("a file");
    files.write("left-out.txt", "ship\n").expect("a file");
    ana.weft(["init", "notes"]).expect("a workspace");
    files
}

/// The hits as `path:line:column`, with what they were found by.
fn places(answer: &Answer) -> Vec<String> {
    let hits = answer.field("hits").as_array().expect("hits");
    hits.iter()
        .map(|hit| {
            format!("{}:{}:{} {}", hit["path"], hit["line"], hit["column"], hit["why"]).replace('"', "")
        })
        .collect()
}

fn search(ana: &Device, words: &[&str]) -> Vec<String> {
    places(&ana.weft([&["search"], words, &["notes"]].concat()).expect("an answer"))
}

fn asks_of_everything(ana: &Device) {
    let ship = ["plan.md:3:4 text", "src/main.rs:2:17 text", "src/ship.rs:3:8 text"];
    assert_eq!(search(ana, &["ship", "--text"]), ship);
    assert_eq!(search(ana, &["Ship", "-i", "--text"]).len(), 4);
    assert_eq!(search(ana, &["größe", "--text"]), ["src/main.rs:2:9 text"]);
    assert_eq!(search(ana, &["--regex", r"^pub \w+ ship\("]), ["src/ship.rs:3:1 regex"]);
    assert_eq!(search(ana, &["number", "-w", "-n", "1", "--text"]), ["src/ship.rs:3:13 text"]);
    assert_eq!(search(ana, &["nothing of this"]), [""; 0]);
    let status = ana.weft(["index", "status", "notes"]).expect("a status");
    eventually(PATIENCE, || {
        let status = ana.weft(["index", "notes"]).ok()?;
        (status.text("state") == "ready" && status.number("symbols") > 3.0).then_some(())
    })
    .expect("an index with symbols");
    assert_eq!(status.number("files"), 5.0, "what is shared and nothing else");
    let symbols = search(ana, &["--symbol", "ship"]);
    assert_eq!(symbols, ["src/ship.rs:3:8 function", "src/ship.rs:1:12 type"]);
    assert_eq!(search(ana, &["--file", "shprs"]), ["src/ship.rs:1:1 file"]);
    let inside = ana.weft(["search", "ship", "--text", "notes/src"]).expect("an answer");
    assert_eq!(places(&inside).len(), 2, "only in the folder that is named");
    let missing = ana.weft(["search", "--regex", "a(", "notes"]).expect_err("no expression");
    assert_eq!(missing.code, Some(2), "{missing}");
    let across = ana.weft(["search", "--regex", r"a\nb", "notes"]).expect_err("two lines");
    assert!(across.message.contains("across the end of a line"), "{across}");
}

#[test]
fn everything_is_found_with_and_without_a_running_node() {
    let root = tempfile::tempdir().expect("a folder");
    let mut ana = Device::new(root.path(), "ana").expect("a device");
    let files = workspace(&ana);
    asks_of_everything(&ana);
    files.write("late.txt", "a late ship\n").expect("a file");
    assert_eq!(search(&ana, &["late ship", "--text"]), ["late.txt:1:3 text"]);
    fs::remove_file(files.path("late.txt")).expect("a file");
    ana.start_node().expect("a node");
    asks_of_everything(&ana);
    let rebuilt = ana.weft(["index", "rebuild", "notes"]).expect("an index");
    assert_eq!((rebuilt.text("state"), rebuilt.number("unread")), ("ready", 0.0));
    asks_of_everything(&ana);
    files.write("late.txt", "a late ship\n").expect("a file");
    eventually(PATIENCE, || (search(&ana, &["late ship", "--text"]).len() == 1).then_some(()))
        .expect("the new file");
    fs::remove_file(files.path("late.txt")).expect("a file");
    eventually(PATIENCE, || search(&ana, &["late ship", "--text"]).is_empty().then_some(()))
        .expect("no file any more");
    let shown = ana.shown(["search", "friday", "--text", "notes"]).expect("an answer");
    assert_eq!(shown, "plan.md:3:12:We ship on friday.\n");
    ana.stop_node().expect("an end");
}

#[test]
#[cfg(unix)]
fn what_is_typed_is_found_before_any_file_holds_it() {
    let root = tempfile::tempdir().expect("a folder");
    let mut ana = Device::new(root.path(), "ana").expect("a device");
    let files = workspace(&ana);
    ana.start_node().expect("a node");
    let mut socket = ControlSocket::connect(&ana.home).expect("a socket");
    let mut number = 0;
    let mut ask = |method: &str, params: serde_json::Value| {
        number += 1;
        let request = json!({ "jsonrpc": "2.0", "id": number, "method": method, "params": params });
        socket.send(&request).expect("a listener");
        loop {
            let answer = socket.next_line().expect("a line").expect("a connection");
            if answer["id"] == number {
                break answer["result"].clone();
            }
        }
    };
    let folder = files.path("");
    let find = |query: &str| json!({ "folder": folder, "query": query });
    let opened = ask("document.open", json!({ "file": files.path("plan.md") }));
    let edit = |revision: u64, insert: &str| {
        let edits = json!([{ "at": 0, "delete": 0, "insert": insert }]);
        json!({ "document": opened["document"], "revision": revision, "edits": edits })
    };
    for (revision, letter) in (0..).zip("typed".chars().rev()) {
        ask("document.edit", edit(revision, &letter.to_string()));
    }
    let found = ask("search", find("typed# The plan"));
    assert_eq!(found["hits"][0]["path"], "plan.md", "{found}");
    assert_eq!(found["hits"][0]["ranges"], json!([[0, 15]]));
    // And still when it has gone into the index.
    eventually(PATIENCE, || {
        let status = ask("index.status", json!({ "folder": folder }));
        let found = ask("search", find("typed# The plan"));
        assert_eq!(found["hits"].as_array().map(Vec::len), Some(1), "{found} {status}");
        (found["unread"] == 0).then_some(())
    });
}

#[test]
#[cfg(unix)]
fn files_that_are_opened_and_edited_come_first_by_name() {
    let root = tempfile::tempdir().expect("a folder");
    let mut ana = Device::new(root.path(), "ana").expect("a device");
    let files = workspace(&ana);
    for name in ["a/notes.txt", "b/notes.txt", "c/notes.txt"] {
        files.write(name, "notes\n").expect("a file");
    }
    let by_name = |ana: &Device| search(ana, &["--file", "notes"]);
    let as_it_is = ["a/notes.txt:1:1 file", "b/notes.txt:1:1 file", "c/notes.txt:1:1 file"];
    assert_eq!(by_name(&ana), as_it_is);
    ana.start_node().expect("a node");
    let mut socket = ControlSocket::connect(&ana.home).expect("a socket");
    let mut open = |number: u64, name: &str| {
        let params = json!({ "file": files.path(name) });
        socket
            .send(&json!({ "jsonrpc": "2.0", "id": number, "method": "document.open", "params": params }))
            .expect("a listener");
        loop {
            let answer = socket.next_line().expect("a line").expect("a connection");
            if answer["id"] == number {
                break answer["result"]["document"].clone();
            }
        }
    };
    open(1, "b/notes.txt");
    open(2, "c/notes.txt");
    open(3, "c/notes.txt");
    let expected =
        ["c/notes.txt:1:1 file you work with", "b/notes.txt:1:1 file you work with", "a/notes.txt:1:1 file"];
    assert_eq!(by_name(&ana), expected);
    // A file keeps what counts for it under another name, and the index keeps it when it is made anew.
    fs::create_dir(files.path("c/old")).expect("a folder");
    fs::rename(files.path("c/notes.txt"), files.path("c/old/notes.txt")).expect("another name");
    let renamed = [
        "c/old/notes.txt:1:1 file you work with",
        "b/notes.txt:1:1 file you work with",
        "a/notes.txt:1:1 file",
    ];
    eventually(PATIENCE, || (by_name(&ana) == renamed).then_some(())).expect("the new name");
    ana.weft(["index", "rebuild", "notes"]).expect("an index");
    ana.stop_node().expect("an end");
    assert_eq!(by_name(&ana), renamed, "and when the node ends");
}

#[test]
fn the_index_may_vanish_and_says_nothing_to_others() {
    let root = tempfile::tempdir().expect("a folder");
    let ana = Device::new(root.path(), "ana").expect("a device");
    let files = workspace(&ana);
    files.write("confidential-name.txt", "confidential words\n").expect("a file");
    let status = ana.weft(["index", "status", "notes"]).expect("a status");
    assert_eq!(status.text("state"), "ready");
    let databases = || -> Vec<std::path::PathBuf> {
        let entries = fs::read_dir(ana.home.join("index")).expect("a folder").flatten();
        entries.map(|entry| entry.path()).collect()
    };
    assert!(!databases().is_empty());
    for database in databases() {
        let bytes = fs::read(&database).expect("a file");
        assert!(!bytes.windows(12).any(|part| part == b"confidential"), "{}", database.display());
    }
    for database in databases() {
        fs::write(database, "no database").expect("a file");
    }
    assert_eq!(search(&ana, &["confidential words", "--text"]).len(), 1, "a damaged index is made anew");
    fs::remove_dir_all(ana.home.join("index")).expect("a folder");
    assert_eq!(search(&ana, &["confidential words", "--text"]).len(), 1);
    ana.weft(["leave", "notes"]).expect("an end");
    assert!(databases().is_empty(), "nothing stays of a workspace that was left: {:?}", databases());
}

#[test]
fn what_others_write_is_found() {
    let mut pair = Pair::with_files(&[("shared.txt", b"begin\n")]);
    pair.settle();
    let ben = &pair.ben;
    ben.files.write("shared.txt", "begin\nby ben\n").expect("a file");
    let find = |query: &str| {
        pair.ana
            .device
            .weft(["search", query, "--text", path(&pair.ana.files.root)])
            .ok()
            .map(|found| places(&found))
    };
    eventually(PATIENCE, || (find("by ben")? == ["shared.txt:2:1 text"]).then_some(())).expect("his line");
    ben.files.write("new/other.txt", "also by ben\n").expect("a file");
    eventually(PATIENCE, || (find("also by")? == ["new/other.txt:1:1 text"]).then_some(()))
        .expect("his file");
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of letters")
}

#[test]
fn the_lines_are_those_of_ripgrep() {
    let root = tempfile::tempdir().expect("a folder");
    let ana = Device::new(root.path(), "ana").expect("a device");
    let files = workspace(&ana);
    for (query, flags) in [("ship", &["-F"][..]), (r"\w+\(", &[]), ("^$", &[]), ("SHIP", &["-F", "-i"])] {
        let ran = Command::new("rg")
            .args(["--no-config", "--hidden", "--no-require-git", "--no-heading", "--line-number"])
            .args(["--sort=path"])
            .args(flags)
            .args(["-e", query, "."])
            .current_dir(files.path(""))
            .output();
        let Some(output) = tool("rg", "ripgrep", ran) else { return };
        let expected: Vec<String> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| {
                line.splitn(3, ':').take(2).collect::<Vec<_>>().join(":").trim_start_matches("./").to_owned()
            })
            .collect();
        let mut words = vec![query];
        words.push(if flags.contains(&"-F") { "--text" } else { "--regex" });
        words.extend(flags.iter().filter(|flag| **flag == "-i"));
        let found: Vec<String> = search(&ana, &words)
            .iter()
            .map(|place| place.splitn(3, ':').take(2).collect::<Vec<_>>().join(":"))
            .collect();
        assert_eq!(found, expected, "{query}");
    }
}

#[test]
fn one_search_box_finds_in_every_way_and_says_why() {
    let root = tempfile::tempdir().expect("a folder");
    let ana = Device::new(root.path(), "ana").expect("a device");
    let files = workspace(&ana);
    files
        .write(
            "src/log.rs",
            "/// Removes old entries.\npub fn forget(log: &mut Log) {\n    log.entries.clear();\n}\n",
        )
        .expect("a file");
    files.write("ship.txt", "about ships\n").expect("a file");
    let name = search(&ana, &["ship"]);
    let expected = [
        "src/ship.rs:1:1 file",
        "src/ship.rs:1:12 type",
        "src/ship.rs:3:8 function, text",
        "ship.txt:1:1 file",
        "ship.txt:1:7 text",
        "plan.md:3:4 text",
        "src/main.rs:2:17 text",
    ];
    assert_eq!(name, expected);
    let question = search(&ana, &["how are log entries removed?"]);
    assert_eq!(question.first().map(String::as_str), Some("src/log.rs:2:8 words"), "{question:?}");
    assert_eq!(search(&ana, &["ship(number: u8)"]), ["src/ship.rs:3:8 text"]);
    let nothing = ana.weft(["search", "", "notes"]).expect_err("nothing to look for");
    assert_eq!(nothing.code, Some(2), "{nothing}");
    let no_model = ana.weft(["search", "--meaning", "removing", "notes"]).expect_err("no model");
    assert!(no_model.message.contains("no model on this device"), "{no_model}");
    assert!(
        no_model.hint.as_deref().is_some_and(|hint| hint.contains("weft ai models import")),
        "{no_model}"
    );
}

#[test]
fn a_model_finds_what_says_the_same_in_other_words() {
    let Some(model) = weft_test_models::real::MINILM.or_skip("searching by meaning") else { return };
    let root = tempfile::tempdir().expect("a folder");
    let mut ana = Device::new(root.path(), "ana").expect("a device");
    let files = workspace(&ana);
    let code = "pub fn discard_expired(journal: &mut Journal) {\n    journal.retain(|record| !record.is_expired());\n}\n\n\
        pub fn paint_circle(canvas: &mut Canvas, radius: f32) {\n    canvas.arc(0.0, 360.0, radius);\n}\n";
    files.write("src/tools.rs", code).expect("a file");
    files.write(".env", "TOKEN=delete old log entries\n").expect("a file");
    ana.weft(["ai", "models", "import", path(&model)]).expect("a model");
    let asked = ["--meaning", "delete old log entries", "-n", "1"];
    assert_eq!(
        search(&ana, &asked),
        ["src/tools.rs:1:8 meaning"],
        "no secret, and no word of it stands there"
    );
    assert_eq!(search(&ana, &["--meaning", "draw a round shape", "-n", "1"]), ["src/tools.rs:5:8 meaning"]);
    ana.start_node().expect("a node");
    let both = search(&ana, &["delete old log entries"]);
    assert!(
        both.iter().any(|place| place.starts_with("src/tools.rs:1:8 ") && place.contains("meaning")),
        "{both:?}"
    );
    let status = ana.weft(["index", "notes"]).expect("a status");
    assert_eq!(status.number("chunks"), status.number("vectors"), "everything is read");
    // What is new is read as well, by itself.
    files
        .write("src/new.rs", "pub fn anchor_vessel(vessel: &Vessel) {\n    vessel.stop();\n}\n")
        .expect("a file");
    eventually(PATIENCE, || {
        let found = search(&ana, &["--meaning", "drop the anchor of a boat", "-n", "1"]);
        (found == ["src/new.rs:1:8 meaning"]).then_some(())
    })
    .expect("the new function");
    ana.stop_node().expect("an end");
}

#[test]
fn replacing_shows_first_and_then_edits_documents() {
    let root = tempfile::tempdir().expect("a folder");
    let mut ana = Device::new(root.path(), "ana").expect("a device");
    let files = workspace(&ana);
    let shown = ana.shown(["replace", "ship", "boat", "notes"]).expect("a preview");
    assert!(shown.contains("src/ship.rs  1 place") && shown.contains("+ We boat on friday."), "{shown}");
    assert!(shown.contains("Nothing was changed"), "{shown}");
    assert_eq!(files.read("plan.md").as_deref(), Some("# The plan\n\nWe ship on friday.\n"));
    let made = ana.weft(["replace", "ship", "boat", "notes", "--yes"]).expect("a change");
    assert_eq!(made.field("changed").as_array().map(Vec::len), Some(3), "{made:?}");
    assert_eq!(files.read("src/main.rs").as_deref(), Some("fn main() {\n    let größe = boat(1);\n}\n"));
    assert_eq!(files.read("data.bin").as_deref(), Some("ship \0 ship\n"), "no text is left as it is");
    assert_eq!(files.read("left-out.txt").as_deref(), Some("ship\n"), "what is not shared is not touched");
    let again = ana.weft(["replace", "--regex", r"(\w+)\((\w+)", "$2($1", "notes/src/ship.rs", "--yes"]);
    assert_eq!(again.expect("a change").field("changed")[0]["matches"], 1);
    let text = files.read("src/ship.rs");
    assert_eq!(text.as_deref(), Some("pub struct Ship;\n\npub fn number(boat: u8) -> u8 { number }\n"));
    let history = ana.weft(["history", "notes/src/ship.rs"]).expect("a history");
    let versions = history.field("versions").as_array().expect("versions").clone();
    assert!(versions.len() >= 2, "{versions:?}");
    ana.weft([
        "restore",
        "notes/src/ship.rs",
        "--at",
        versions[versions.len() - 1]["version"].as_str().expect("a version"),
    ])
    .expect("it is taken back");
    assert!(files.read("src/ship.rs").expect("a file").contains("pub fn ship(number"));
    ana.start_node().expect("a node");
    let mut socket = ControlSocket::connect(&ana.home).expect("a socket");
    let mut number = 0;
    let mut ask = |method: &str, params: serde_json::Value| {
        number += 1;
        let request = json!({ "jsonrpc": "2.0", "id": number, "method": method, "params": params });
        socket.send(&request).expect("a listener");
        loop {
            let answer = socket.next_line().expect("a line").expect("a connection");
            if answer["id"] == number {
                break answer["result"].clone();
            }
        }
    };
    let what = json!({ "folder": files.path(""), "query": "friday", "replacement": "monday" });
    let shown = ask("replace.preview", what.clone());
    assert_eq!(shown["files"][0]["lines"][0]["new"], "We boat on monday.", "{shown}");
    let apply = |files: &serde_json::Value| {
        let mut params = what.clone();
        params["files"] = files.clone();
        params
    };
    // Somebody types between the look and the change.
    let opened = ask("document.open", json!({ "file": files.path("plan.md") }));
    let edits = json!([{ "at": 0, "delete": 0, "insert": "!" }]);
    ask("document.edit", json!({ "document": opened["document"], "revision": 0, "edits": edits }));
    let refused = ask("replace.apply", apply(&shown["files"]));
    assert_eq!(refused["left_out"][0]["why"], "it has changed since it was shown", "{refused}");
    let shown = ask("replace.preview", what.clone());
    let made = ask("replace.apply", apply(&shown["files"]));
    assert_eq!(made["changed"], json!([{ "path": "plan.md", "matches": 1 }]));
    // Who has the document open is told, and types on.
    ask(
        "document.edit",
        json!({ "document": opened["document"], "revision": 1, "edits": [{ "at": 1, "delete": 0, "insert": "?" }] }),
    );
    let text = ask("cat", json!({ "file": files.path("plan.md") }));
    assert_eq!(text["text"], "!?# The plan\n\nWe boat on monday.\n");
}
