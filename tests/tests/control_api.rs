//! The page about the control API: what it shows is played against a real node.
#![cfg(unix)]

use std::fs;

use serde_json::Value;
use weft_tests::{ControlSocket, Device, Files, repository};

/// The folder in the page's examples.
const FOLDER: &str = "/home/ana/notes";

fn page() -> String {
    fs::read_to_string(repository().join("docs/control-api.md")).expect("the page")
}

/// The lines of the examples: what a program sends, and what the node says to it.
fn conversation(page: &str) -> Vec<(bool, String)> {
    let lines = page.lines().filter_map(|line| {
        let sent = line.strip_prefix("→ ").map(|line| (true, line.to_owned()));
        sent.or_else(|| line.strip_prefix("← ").map(|line| (false, line.to_owned())))
    });
    lines.collect()
}

/// Whether a real message has what the shown one has: the same fields of the same types, all the way down. `…` in a
/// shown list stands for more of the same.
fn difference(shown: &Value, real: &Value, place: &str) -> Option<String> {
    match (shown, real) {
        (Value::Object(shown), Value::Object(real)) => {
            let names = |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
            if names(shown) != names(real) {
                return Some(format!("{place}: {:?} is shown, {:?} came", names(shown), names(real)));
            }
            shown.iter().find_map(|(name, shown)| difference(shown, &real[name], &format!("{place}.{name}")))
        }
        (Value::Array(shown), Value::Array(real)) => match (shown.first(), real.first()) {
            (Some(shown), Some(real)) => difference(shown, real, &format!("{place}[0]")),
            (None, None) => None,
            _ => Some(format!("{place}: one of the lists is empty: {shown:?} is shown, {real:?} came")),
        },
        (Value::String(shown), Value::String(real))
            if place.ends_with(".method") || place.ends_with(".message") =>
        {
            (shown != real).then(|| format!("{place}: {shown:?} is shown, {real:?} came"))
        }
        (Value::Number(shown), Value::Number(real)) if place.ends_with(".code") || place.ends_with(".id") => {
            (shown != real).then(|| format!("{place}: {shown} is shown, {real} came"))
        }
        (shown, real) => (std::mem::discriminant(shown) != std::mem::discriminant(real))
            .then(|| format!("{place}: {shown} is shown, {real} came")),
    }
}

#[test]
fn every_example_is_what_a_node_says() {
    let root = tempfile::tempdir().expect("a folder");
    let mut ana = Device::new(root.path(), "ana").expect("a device");
    let folder = ana.place.join("notes");
    Files::new(folder.clone()).expect("a folder").write("plan.md", "# Plan\n").expect("a file");
    ana.start_node().expect("a node");
    let mut socket = ControlSocket::connect(&ana.home).expect("a socket");
    let examples = conversation(&page());
    assert!(examples.len() > 30, "there are only {} lines of examples", examples.len());
    for (sent, line) in examples {
        let line = line.replace(FOLDER, folder.to_str().expect("a path of letters"));
        let shown: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        if sent {
            socket.send(&shown).expect("a listener");
            continue;
        }
        // Reports of progress come or do not, as things take time or do not.
        let real = loop {
            let real = socket.next_line().expect("a line").expect("a connection");
            if real["method"] != "progress" || shown["method"] == "progress" {
                break real;
            }
        };
        assert_eq!(difference(&shown, &real, ""), None, "\n  shown {shown}\n  came  {real}");
    }
}
