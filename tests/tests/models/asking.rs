//! Completing, asking and changing.

use std::time::{Duration, Instant};

use serde_json::json;
use weft_tests::ControlSocket;

use super::Desk;

#[test]
fn a_place_is_completed_the_same_with_and_without_a_node() {
    let mut desk = Desk::new();
    let place = ["ai", "complete", "notes/main.rs:3:5", "--max-tokens", "6", "--lines"];
    let alone = desk.device.weft(place).expect("a completion");
    assert_eq!((alone.text("model"), alone.number("tokens")), ("tiny", 6.0), "{alone:?}");
    desk.device.start_node().expect("a node");
    let by_node = desk.device.weft(place).expect("a completion");
    assert_eq!(by_node.text("text"), alone.text("text"));
    let again = desk.device.weft(place).expect("a completion");
    // What was answered at this place is kept: nothing is computed again.
    assert_eq!((again.text("text"), again.number("tokens")), (alone.text("text"), 0.0), "{again:?}");
    let nowhere = desk.device.weft(["ai", "complete", "notes/main.rs:99:1"]).expect_err("no such place");
    assert_eq!(nowhere.code, Some(2), "{nowhere}");
}

#[test]
fn a_completion_sees_what_the_names_near_it_mean_in_other_files() {
    let mut desk = Desk::new();
    let write = |path: &str, text: &str| std::fs::write(desk.folder.join(path), text).expect("a file");
    write("rake.rs", "pub fn rake_leaves(count: usize) -> usize {\n    count * 2\n}\n");
    write(".env", "rake_leaves=hunter2\n");
    write("main.rs", "fn main() {\n    let answer = rake_leaves(1);\n    let next = 2;\n}\n");
    desk.device.start_node().expect("a node");
    desk.device.weft(["search", "--symbol", "rake_leaves", "notes"]).expect("the index has it");
    // Ghost text waits for nothing: on a busy machine it may come without that.
    let found = (5..30).find_map(|column| {
        let place = format!("notes/main.rs:2:{column}");
        let answer = desk.device.weft(["ai", "complete", &place, "--max-tokens", "2"]).expect("a completion");
        let sources = answer.field("sources").clone();
        (sources != json!(["main.rs"])).then_some(sources)
    });
    assert_eq!(found, Some(json!(["main.rs", "rake.rs"])));
}

#[test]
fn a_question_is_answered_with_what_it_mentions() {
    let desk = Desk::new();
    let ask = |text: &str| desk.device.weft(["ai", "chat", text, "--folder", "notes", "--max-tokens", "5"]);
    let plain = ask("what is this?").expect("an answer");
    assert_eq!(plain.field("sources"), &json!([]));
    let shown = ask("what does @main.rs:1-2 do, @nobody?").expect("an answer");
    assert_eq!(shown.field("sources"), &json!(["main.rs:1-2"]));
    assert!(shown.number("prompt_tokens") > plain.number("prompt_tokens") + 20.0);
    let text = desk.device.shown(["ai", "chat", "hello", "--max-tokens", "5"]).expect("text");
    assert!(text.contains("tiny · 5 tokens in") && text.contains("cut off at the number"), "{text}");
}

#[test]
fn secrets_are_never_shown_to_a_model() {
    let desk = Desk::new();
    std::fs::write(desk.folder.join(".env"), "TOKEN=hunter2\n").expect("a file");
    let refused =
        desk.device.weft(["ai", "chat", "what is in @.env", "--folder", "notes"]).expect_err("a secret");
    assert_eq!(refused.code, Some(4), "{refused}");
    let refused = desk.device.weft(["ai", "complete", "notes/.env:1:1"]).expect_err("a secret");
    assert!(matches!(refused.code, Some(3 | 4)), "{refused}");
}

/// The only child of a process.
#[cfg(target_os = "linux")]
fn child_of(parent: u32) -> rustix::process::Pid {
    let processes = std::fs::read_dir("/proc").expect("processes").flatten();
    let children = processes.filter_map(|entry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // Behind the name in parentheses: the state, then the parent.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(1);
        let is_child = fields.next()?.parse() == Ok(parent);
        is_child.then(|| entry.file_name().to_str()?.parse().ok()).flatten()
    });
    let children: Vec<i32> = children.collect();
    assert_eq!(children.len(), 1, "{children:?}");
    rustix::process::Pid::from_raw(children[0]).expect("a process")
}

#[cfg(target_os = "linux")]
#[test]
fn killing_the_worker_is_told_and_the_next_question_is_answered() {
    let mut desk = Desk::new();
    desk.device.start_node().expect("a node");
    desk.device.weft(["ai", "chat", "warm", "--max-tokens", "1"]).expect("an answer");
    let worker = child_of(desk.device.node().expect("a node").pid());
    let mut socket = ControlSocket::connect(&desk.device.home).expect("a socket");
    let long = json!({ "prompt": "a b c ".repeat(300), "max_tokens": 900, "stream": "s" });
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "ai.generate", "params": long });
    socket.next_line().expect("a greeting");
    socket.send(&request).expect("a node");
    let first = socket.next_line().expect("a line").expect("text");
    assert_eq!(first["method"], "ai.text", "{first}");
    let begin = Instant::now();
    rustix::process::kill_process(worker, rustix::process::Signal::KILL).expect("a process to kill");
    let failed = loop {
        let line = socket.next_line().expect("a line").expect("an answer");
        if line["id"] == 1 {
            break line;
        }
    };
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    assert!(failed["error"]["message"].as_str().is_some_and(|message| message.contains("ended")), "{failed}");
    assert!(failed["error"]["data"]["hint"].is_string(), "{failed}");
    desk.device.weft(["ai", "chat", "again", "--max-tokens", "2"]).expect("an answer");
}

#[test]
fn a_cancelled_request_ends_and_the_next_one_is_answered() {
    let mut desk = Desk::new();
    desk.device.start_node().expect("a node");
    let mut socket = ControlSocket::connect(&desk.device.home).expect("a socket");
    socket.next_line().expect("a greeting");
    let params = json!({ "prompt": "x ".repeat(500), "max_tokens": 3000, "stream": "s" });
    socket
        .send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ai.generate", "params": params }))
        .expect("a node");
    loop {
        let line = socket.next_line().expect("a line").expect("text");
        if line["method"] == "ai.text" {
            break;
        }
    }
    socket.send(&json!({ "jsonrpc": "2.0", "method": "cancel", "params": { "id": 1 } })).expect("a node");
    let params = json!({ "prompt": "y", "max_tokens": 2 });
    socket
        .send(&json!({ "jsonrpc": "2.0", "id": 2, "method": "ai.generate", "params": params }))
        .expect("a node");
    let mut ended = Vec::new();
    while ended.len() < 2 {
        let line = socket.next_line().expect("a line").expect("an answer");
        if line["id"].is_number() {
            ended.push((line["id"].clone(), line["error"]["code"].clone()));
        }
    }
    assert_eq!(ended[0], (json!(1), json!(-32800)), "{ended:?}");
    assert_eq!(ended[1], (json!(2), json!(null)), "{ended:?}");
}
