//! A small language for what people do to a tree.
//!
//! One line is `who verb words…`; `_` stands for a space in a path. Verbs: `put path number` (save a file), `mkdir`,
//! `rm paths…`, `mv from to`, `edit path` (type into its text), `run path` (make it executable), `gets who`. The line
//! `sync` lets everybody know everything, and so does the end.

use super::replica::{NAMES, Replica, sync};
use crate::tree::Platform;

/// Lets people act and compares what all of them see in the end with the expected lines.
pub(super) fn check(script: &str, expected: &str) {
    let replicas = play(script);
    let mut expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    expected.sort_unstable();
    for replica in &replicas {
        assert_eq!(replica.render(), expected.join("\n"), "seen by {}", NAMES[replica.number]);
    }
}

/// Lets people act; in the end everybody knows everything.
pub(super) fn play(script: &str) -> Vec<Replica> {
    let mut replicas: Vec<Replica> = (0..3).map(|number| Replica::new(number, Platform::default())).collect();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        act(&mut replicas, line);
    }
    sync(&mut replicas);
    replicas
}

pub(super) fn act(replicas: &mut [Replica], line: &str) {
    if line == "sync" {
        return sync(replicas);
    }
    let words: Vec<String> = line.split_whitespace().map(|word| word.replace('_', " ")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let who = |name: &str| NAMES.iter().position(|n| n.eq_ignore_ascii_case(name)).unwrap();
    let number = who(words[0]);
    if let ["gets", from] = words[1..] {
        let other = replicas[who(from)].clone();
        return replicas[number].receive(&other);
    }
    let replica = &mut replicas[number];
    let done = match &words[1..] {
        ["put", path, content] => replica.put(path, content.parse().unwrap()),
        ["mkdir", path] => replica.plan(|planner| planner.create_folder(path).map(|_| ())),
        ["rm", paths @ ..] => replica.plan(|planner| planner.delete(paths)),
        ["mv", from, to] => replica.plan(|planner| planner.rename(from, to)),
        ["edit", path] => replica.edit(path),
        ["run", path] => replica.plan(|planner| planner.set_executable(path, true)),
        _ => panic!("no such line: {line}"),
    };
    done.unwrap_or_else(|err| panic!("{line}: {err}\n{}", replica.render()));
}
