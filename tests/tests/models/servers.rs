//! Servers that are asked besides the models of this device.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;
use weft_tests::{ControlSocket, Script, ScriptedModel, eventually};

use super::{Desk, KEY};

fn chat<'words>(model: &'words str, text: &'words str) -> Vec<&'words str> {
    vec!["ai", "chat", text, "--folder", "notes", "--model", model]
}

/// Whether these bytes stand in a file below a folder.
fn holds(folder: &Path, needle: &[u8]) -> bool {
    fs::read_dir(folder).expect("a folder").flatten().any(|entry| {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            return holds(&path, needle);
        }
        fs::read(path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
    })
}

#[test]
fn nothing_is_sent_to_a_server_before_the_person_agrees() {
    for (kind, path, header) in [
        ("openai", "/v1/chat/completions", "authorization: bearer "),
        ("anthropic", "/v1/messages", "x-api-key: "),
    ] {
        let server = ScriptedModel::saying(["It is 42, see main.rs:2."]).expect("a server");
        let mut desk = Desk::without_model();
        assert_eq!(desk.device.weft(["ai", "providers"]).expect("a list").field("providers"), &json!([]));
        desk.add("far", kind, &server);
        let question = chat("far", "what does @main.rs do?");
        let refused = desk.device.weft(&question).expect_err("nobody has agreed");
        assert_eq!(refused.code, Some(6), "{refused}");
        let told = refused.to_string();
        assert!(told.contains("main.rs") && told.contains(&server.url) && told.contains("--yes"), "{told}");
        assert_eq!(server.questions().len(), 0, "not a byte");
        desk.device.start_node().expect("a node");
        let yes = [question.clone(), vec!["--yes"]].concat();
        let answer = desk.device.weft(yes).expect("an answer");
        assert_eq!((answer.text("text"), answer.text("model")), ("It is 42, see main.rs:2.", "far/m1"));
        assert_eq!(answer.field("sources"), &json!(["main.rs"]));
        // The same question is not sent again, another one needs no further yes.
        assert!(desk.device.weft(&question).expect("an answer").field("is_repeated").as_bool() == Some(true));
        assert_eq!(server.questions().len(), 1);
        desk.device.weft([question, vec!["--fresh"]].concat()).expect("an answer");
        desk.device.weft(chat("far/m2", "and @main.rs:1?")).expect("an answer");
        let questions = server.questions();
        assert_eq!((questions.len(), questions[2].body["model"].as_str()), (3, Some("m2")));
        assert_eq!(questions[0].path, path);
        assert!(questions[0].text().contains("let answer = 6 * 7;"), "{:?}", questions[0].body);
        let sent = questions[0].headers.to_lowercase();
        assert!(sent.contains(&format!("{header}{}", KEY.trim())), "{sent}");
        let list = desk.device.weft(["ai", "providers"]).expect("a list");
        let first = &list.field("providers")[0];
        assert_eq!((&first["has_key"], &first["confirmed"]), (&json!(true), &json!(["notes"])), "{list:?}");
        // Another workspace is another yes.
        fs::create_dir(desk.device.place.join("diary")).expect("a folder");
        desk.device.weft(["init", "diary"]).expect("a workspace");
        let other = ["ai", "chat", "hello", "--folder", "diary", "--model", "far"];
        assert_eq!(desk.device.weft(other).expect_err("nobody has agreed").code, Some(6));
        desk.device.stop_node().expect("an end");
        assert!(holds(&desk.folder, b"6 * 7"), "the search finds nothing at all");
        assert!(!holds(&desk.device.home, b"hunter2"), "the key lies readable in the data folder");
        desk.device.weft(["ai", "providers", "remove", "far"]).expect("an end");
        assert_eq!(desk.device.weft(chat("far", "hello")).expect_err("it is gone").code, Some(3));
    }
}

#[test]
fn a_workspace_may_keep_to_the_devices_of_its_members() {
    let server = ScriptedModel::saying(["hello"]).expect("a server");
    let desk = Desk::with_server(&server);
    let question = ["ai", "chat", "hello @main.rs", "--folder", "notes", "--yes"];
    let local_only =
        |state: &str| desk.device.weft(["ai", "local-only", state, "--folder", "notes"]).expect("a policy");
    assert_eq!(local_only("on").field("ai_local_only"), &json!(true));
    // The chosen server is passed over, and a named one refused.
    assert_eq!(desk.device.weft(question).expect_err("no model here").code, Some(3));
    let named = desk.device.weft([&question[..], &["--model", "script"]].concat()).expect_err("a server");
    assert_eq!(named.code, Some(4), "{named}");
    let edit = ["ai", "edit", "notes/main.rs:2-2", "tidy", "--model", "script", "--yes"];
    assert_eq!(desk.device.weft(edit).expect_err("a server").code, Some(4));
    let complete = ["ai", "complete", "notes/main.rs:3:5", "--model", "script", "--yes"];
    assert_eq!(desk.device.weft(complete).expect_err("a server").code, Some(4));
    assert_eq!(server.questions().len(), 0);
    // What is named in a question cannot be in another workspace, which may have agreed to nothing.
    fs::create_dir(desk.device.place.join("open")).expect("a folder");
    desk.device.weft(["init", "open"]).expect("a workspace");
    let across = format!("what is in @{}", desk.folder.join("main.rs").display());
    let across = desk.device.weft(["ai", "chat", &across, "--folder", "open", "--yes"]);
    assert_eq!(across.expect_err("another workspace").code, Some(2));
    assert_eq!(server.questions().len(), 0);
    assert_eq!(local_only("off").field("ai_local_only"), &json!(false));
    assert_eq!(desk.device.weft(question).expect("an answer").text("text"), "hello");
}

#[test]
fn secrets_are_never_sent_to_a_server() {
    let server = ScriptedModel::saying(["hello"]).expect("a server");
    let desk = Desk::with_server(&server);
    fs::write(desk.folder.join(".env"), "TOKEN=hunter2\n").expect("a file");
    let token = format!("let token = \"ghp_{}\";\n", "a1".repeat(18));
    fs::write(desk.folder.join("config.rs"), token).expect("a file");
    for file in [".env", "config.rs"] {
        let question = format!("what is in @{file}");
        let words = ["ai", "chat", &question, "--folder", "notes", "--yes"];
        let refused = desk.device.weft(words).expect_err("a secret");
        assert_eq!(refused.code, Some(4), "{refused}");
    }
    let edit =
        desk.device.weft(["ai", "edit", "notes/config.rs:1-1", "tidy", "--yes"]).expect_err("a secret");
    assert_eq!(edit.code, Some(4), "{edit}");
    assert_eq!(server.questions().len(), 0);
}

#[test]
fn servers_that_hang_lie_and_never_end_are_told() {
    let http = |head: &str, body: &str| Script::Sends(format!("HTTP/1.1 {head}\r\n\r\n{body}").into_bytes());
    let elsewhere = ScriptedModel::saying(["I have your key"]).expect("a server");
    let echo = format!("{{\"error\":{{\"message\":\"wrong key {}\"}}}}", KEY.trim());
    let moved = format!("307 Go\r\nLocation: {}/chat/completions\r\nContent-Length: 0", elsewhere.url);
    let long = format!("200 OK\r\nX-Long: {}", "x".repeat(2_000_000));
    let cases = [
        (Script::Hangs, 5, "does not answer"),
        (Script::SaysAndHangs("half an answ".into()), 5, "says nothing more"),
        (Script::NeverEnds, 5, "more than"),
        (http("200 OK", "data: <html>\n\n"), 5, "no answer"),
        (http("200 OK", "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"), 5, "breaks off"),
        (http("200 OK\r\nContent-Type: application/json", "[[[["), 5, "no answer"),
        (http("401 No", &echo), 2, "wrong key ****"),
        (http(&moved, ""), 2, "answers 307"),
        (http(&long, ""), 5, ""),
        (Script::Sends(b"\x00\xff not HTTP at all\r\n\r\n".to_vec()), 5, ""),
        (Script::Sends(Vec::new()), 5, ""),
    ];
    let mut desk = Desk::without_model();
    desk.device.start_node().expect("a node");
    for (script, code, words) in cases {
        let case = format!("{script:?}").chars().take(80).collect::<String>();
        let server = ScriptedModel::start([script]).expect("a server");
        desk.add("bad", "openai", &server);
        let begin = Instant::now();
        let failed = desk.device.weft(["ai", "providers", "test", "bad"]).expect_err(&case);
        assert_eq!(failed.code, Some(code), "{case}: {failed}");
        assert!(failed.to_string().contains(words), "{case}: {failed}");
        assert!(!failed.to_string().contains("hunter2"), "{case}: {failed}");
        assert!(begin.elapsed() < Duration::from_secs(20), "{case}: {:?}", begin.elapsed());
    }
    assert_eq!(elsewhere.questions().len(), 0, "the key went to another server");
    // Nobody listens there.
    let words = ["--kind", "openai", "--model", "m", "--url", "http://127.0.0.1:9/v1", "--no-key"];
    desk.device.weft(["ai", "providers", "add", "gone"].iter().chain(&words)).expect("a server");
    assert_eq!(desk.device.weft(["ai", "providers", "test", "gone"]).expect_err("nobody").code, Some(5));
    // The node is as well as before.
    let server = ScriptedModel::saying(["ok"]).expect("a server");
    desk.add("bad", "anthropic", &server);
    assert_eq!(desk.device.weft(["ai", "providers", "test", "bad"]).expect("an answer").text("text"), "ok");
    desk.device.stop_node().expect("an end");
    assert!(!holds(&desk.device.home, b"hunter2"), "the key lies readable in the data folder or its log");
}

#[test]
fn a_server_is_asked_again_without_what_it_does_not_take() {
    let refusal = "{\"error\":{\"message\":\"'temperature' does not support 0.0 with this model\"}}";
    let refusal =
        format!("HTTP/1.1 400 No\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{refusal}", refusal.len());
    let server = ScriptedModel::start([Script::Sends(refusal.into_bytes()), Script::Says("ok".into())])
        .expect("a server");
    let desk = Desk::with_server(&server);
    assert_eq!(
        desk.device.weft(["ai", "providers", "test", "script"]).expect("an answer").text("text"),
        "ok"
    );
    let asked: Vec<bool> =
        server.questions().iter().map(|question| question.body.get("temperature").is_some()).collect();
    assert_eq!(asked, [true, false]);
}

#[test]
fn whoever_cancels_hangs_up_on_the_server() {
    let server = ScriptedModel::start([Script::SaysAndHangs("beginning".into())]).expect("a server");
    let mut desk = Desk::with_server(&server);
    desk.device.start_node().expect("a node");
    let mut socket = ControlSocket::connect(&desk.device.home).expect("a socket");
    socket.next_line().expect("a greeting");
    let message = json!({ "role": "user", "text": "hello" });
    let params = json!({ "folder": desk.folder, "messages": [message], "confirm": true, "stream": "s" });
    socket
        .send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ai.chat", "params": params }))
        .expect("a node");
    loop {
        let line = socket.next_line().expect("a line").expect("text");
        if line["method"] == "ai.text" {
            break;
        }
    }
    socket.send(&json!({ "jsonrpc": "2.0", "method": "cancel", "params": { "id": 1 } })).expect("a node");
    let hung_up = eventually(Duration::from_secs(5), || (server.hung_up() == 1).then_some(()));
    assert!(hung_up.is_some(), "the connection stays open");
}

#[test]
fn what_is_no_server_is_not_taken() {
    let desk = Desk::without_model();
    let add = |name: &str, url: &str, key: &str| {
        let words = [
            "ai",
            "providers",
            "add",
            name,
            "--kind",
            "openai",
            "--model",
            "m",
            "--url",
            url,
            "--key-fd",
            "0",
        ];
        desk.device.weft_with_input(words, key)
    };
    for (name, url, key) in [
        ("a/b", "https://example.org/v1", "k\n"),
        ("a", "http://example.org/v1", "k\n"),
        ("a", "file:///etc/passwd", "k\n"),
        ("a", "https://me:word@example.org", "k\n"),
        ("a", "https://example.org/v1", "hunter2 with a space\n"),
    ] {
        let refused = add(name, url, key).expect_err(url);
        assert_eq!(refused.code, Some(2), "{refused}");
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
    }
    assert_eq!(desk.device.weft(["ai", "providers"]).expect("a list").field("providers"), &json!([]));
    let without = ["ai", "providers", "add", "a", "--kind", "anthropic", "--model", "m"];
    assert_eq!(desk.device.weft(without).expect_err("no key").code, Some(2));
}
