//! Rules about the sources that no compiler knows.

use std::{collections::BTreeSet, fs, path::Path};

use weft_tests::{repository, source_files};

/// The most lines a source file may have.
const LINES_MAX: usize = 800;

/// What may not stand in a source, each with the reason. Written apart, so that this file does not find itself.
fn forbidden() -> Vec<(String, &'static str)> {
    vec![
        (["todo", "!("].concat(), "finish it, or leave it out"),
        (["unimplemented", "!("].concat(), "finish it, or leave it out"),
        (["dbg", "!("].concat(), "left over from debugging"),
        (["#[ign", "ore]"].concat(), "a test runs or is removed"),
        (["/ro", "ot/"].concat(), "a path of one machine"),
        (["\"/wo", "rk/"].concat(), "a path of one machine"),
        (["C:\\", "\\Users"].concat(), "a path of one machine"),
        (["BEGIN PRIVATE", " KEY"].concat(), "a secret"),
    ]
}

/// The only names the top level has besides those that begin with a dot.
const TOP_LEVEL: [&str; 16] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "ai",
    "app",
    "benches",
    "crdt",
    "dev",
    "docs",
    "index",
    "simulations",
    "sync",
    "target",
    "tests",
    "rustfmt.toml",
    "LICENSE",
];

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_default()
}

fn problems_of(path: &Path, text: &str) -> Vec<String> {
    let shown = path.display();
    let mut problems = Vec::new();
    let count = text.lines().count();
    if count > LINES_MAX {
        problems.push(format!("{shown}: {count} lines; at most {LINES_MAX}"));
    }
    for (number, line) in text.lines().enumerate() {
        for (word, why) in forbidden() {
            if line.contains(&word) {
                problems.push(format!("{shown}:{}: `{word}`: {why}", number + 1));
            }
        }
        // Only there does git write them; in a source they may stand in a text.
        if line.starts_with(&"<".repeat(7)) {
            problems.push(format!("{shown}:{}: a merge that was not finished", number + 1));
        }
        if line.ends_with([' ', '\t', '\r']) {
            problems.push(format!("{shown}:{}: white space at the end", number + 1));
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        problems.push(format!("{shown}: no line feed at the end"));
    }
    if path.ends_with("src/lib.rs") && !text.starts_with("//!") {
        problems.push(format!("{shown}: begins without a summary for its caller"));
    }
    // Cargo takes a file directly in `tests/` for a test of its own, so what tests share lies one folder deeper.
    let is_shared_by_tests = path.ends_with("tests/common/mod.rs");
    if (path.ends_with("mod.rs") || path.ends_with("utils.rs")) && !is_shared_by_tests {
        problems.push(format!("{shown}: name it after what it holds"));
    }
    problems
}

#[test]
fn sources_are_tidy() {
    let sources: Vec<_> = source_files().into_iter().filter(|path| is_source(path)).collect();
    assert!(sources.len() > 50, "the sources were not found");
    let problems: Vec<String> = sources.iter().flat_map(|path| problems_of(path, &text_of(path))).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_check_finds_what_it_looks_for() {
    let path = Path::new("some/src/lib.rs");
    assert_eq!(problems_of(path, "//! Fine.\n"), [""; 0]);
    for (word, _) in forbidden() {
        assert_eq!(problems_of(path, &format!("//! x\n{word}\n")).len(), 1, "{word}");
    }
    let long = "//! x\n".repeat(LINES_MAX + 1);
    assert_eq!(problems_of(path, &long).len(), 1);
    assert_eq!(problems_of(path, &"//! x\n".repeat(LINES_MAX)).len(), 0);
    for text in ["//! x ", "//! x \n", "fn x() {}\n"] {
        assert!(!problems_of(path, text).is_empty(), "{text:?}");
    }
    assert_eq!(problems_of(Path::new("a/mod.rs"), "\n").len(), 1);
}

#[test]
fn the_top_level_stays_short() {
    let entries = fs::read_dir(repository()).expect("the repository");
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let strangers: Vec<String> =
        names.filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str())).collect();
    assert_eq!(strangers, [""; 0], "put these into one of the folders");
}

/// The targets of links in Markdown that are files of this repository.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("](") {
        rest = &rest[start + 2..];
        let Some(end) = rest.find(')') else { break };
        let target = rest[..end].split(['#', ' ']).next().unwrap_or_default();
        if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
            links.push(target.to_owned());
        }
    }
    links
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut broken = Vec::new();
    let pages =
        source_files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    for page in pages {
        let folder = page.parent().unwrap_or(Path::new(""));
        for link in links(&text_of(&page)) {
            if !repository().join(folder).join(&link).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert_eq!(broken, [""; 0]);
}

#[test]
fn links_are_found() {
    let text = "a [b](c.md) [d](https://e) [f](g/h.md#i) ![j](k.png \"l\") [m](#n)";
    assert_eq!(links(text), ["c.md", "g/h.md", "k.png"]);
}

#[test]
fn the_engine_names_automerge_only_in_its_interchange() {
    let inside: Vec<_> =
        source_files().into_iter().filter(|path| path.starts_with("crdt/src") && is_source(path)).collect();
    assert!(!inside.is_empty());
    let offenders: Vec<String> = inside
        .iter()
        .filter(|path| !path.starts_with("crdt/src/interchange") && !path.ends_with("interchange.rs"))
        // The comparison with automerge, which only tests contain.
        .filter(|path| !path.starts_with("crdt/src/differential"))
        .filter(|path| {
            let text = text_of(path);
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let mut lines = code.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
            lines.any(|line| line.contains("automerge::") || line.contains("use automerge"))
        })
        .filter(|path| {
            !path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
        })
        .map(|path| path.display().to_string())
        .collect();
    assert_eq!(offenders, [""; 0]);
}

/// Each file of limits, with the packages whose tests stand at them.
const LIMITS: [(&str, &[&str]); 10] = [
    ("ai/core/src/limits.rs", &["ai/core", "ai/llama"]),
    ("index/core/src/limits.rs", &["index/core"]),
    ("index/disk/src/limits.rs", &["index/disk"]),
    ("index/documents/src/limits.rs", &["index/documents"]),
    ("app/core/src/limits.rs", &["app/core"]),
    ("app/desktop/src/limits.rs", &["app/desktop"]),
    ("crdt/src/limits.rs", &["crdt"]),
    ("sync/core/src/limits.rs", &["sync/core", "simulations"]),
    ("sync/store/src/limits.rs", &["sync/store"]),
    ("sync/net/src/limits.rs", &["sync/net"]),
];

/// Numbers that stand among the limits and that no test names, each with the reason: they set how fast or how patient
/// something is, and bound nothing that others could fill.
const TUNING: [(&str, &str); 36] = [
    ("LOCAL_LOOK_EVERY", "how often the window looks after files that it saves itself"),
    ("LOCAL_SAVE_PAUSE", "how long nobody types before such a file is saved"),
    ("LOCAL_SAVE_LATEST", "when it is saved although somebody types"),
    ("LOCAL_SAVE_REST", "how much longer than saving took it is left alone"),
    ("BRANCHES_BYTES_MAX", "how much of a forked log is sent on one connection; the next one goes on"),
    ("SEARCH_TRIES_MAX", "after that a search waits for whoever builds the index"),
    ("STATUS_EVERY", "how often the window asks its node"),
    ("BUSY_PATIENCE", "patience with another start of this program"),
    ("LAST_WORDS_PATIENCE", "patience with the node when the window is closed"),
    ("NOTICE_TIME", "how long a line stays in the corner"),
    ("BLINK_TIME", "how long the caret blinks"),
    ("WELCOME_FRAME_BYTES", "how an inviter cuts what it sends"),
    ("LOAD_BYTES", "how much is read from the store at a time"),
    ("TAKEN_BYTES_STEP", "how often a sender is told to go on"),
    ("PACK_WRITE_BYTES", "how much is written to a file at a time"),
    ("READERS", "connections that a store opens for itself"),
    ("CHECKPOINT_PAGES", "how often the database tidies up"),
    ("BUSY_TIMEOUT", "patience with other programs"),
    ("LOCK_PATIENCE", "patience with another start of this program"),
    ("KEYRING_TIMEOUT", "patience with the system"),
    ("IDLE_TIMEOUT", "given to the transport; cut connections are tested in tests/tests/networks"),
    ("KEEP_ALIVE", "given to the transport"),
    ("NETWORK_CHANGE_LOOK", "how often a connection is looked at after a move"),
    ("NETWORK_CHANGE_WATCH", "how long a connection is looked at after a move"),
    (
        "NETWORK_CHANGE_SILENCE",
        "patience with a connection; moves are tested in tests/tests/networks/moved.rs",
    ),
    ("LAN_INITIAL_RTT", "given to the transport"),
    ("SEND_WINDOW_BYTES of sync/net", "given to the transport; bounds our own sending"),
    ("DATAGRAM_BUFFER_BYTES", "given to the transport"),
    ("CHANNEL_LINGER", "patience with a peer at the end"),
    ("JOIN_LINGER", "patience with a peer at the end"),
    ("SHUTDOWN_DRAIN", "patience with peers at the end"),
    ("SHUTDOWN_CLOSE", "patience with peers at the end"),
    ("LOOP_QUEUE_LEN", "who writes to it waits"),
    ("LAN_CADENCE", "how often the local network is asked"),
    ("LAN_SILENCE", "when the local lookup begins anew"),
    ("LAN_RESOLVE", "patience with the local network"),
];

/// The names of the constants that a file of limits makes known.
fn limits_in(text: &str) -> Vec<&str> {
    let names = text.lines().filter_map(|line| {
        let rest = line.strip_prefix("pub const ").or_else(|| line.strip_prefix("pub(crate) const "))?;
        rest.split(':').next()
    });
    names.collect()
}

/// What of a source is there for tests alone.
fn tests_in<'text>(path: &Path, text: &'text str) -> &'text str {
    let is_all =
        path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")));
    let module = || text.split_once("#[cfg(test)]\nmod tests {").map_or("", |(_, tests)| tests);
    if is_all { text } else { module() }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}

#[test]
fn every_limit_has_a_test_that_names_it() {
    let sources = source_files();
    let mut untested: BTreeSet<String> = BTreeSet::new();
    for (file, packages) in LIMITS {
        let of_packages =
            sources.iter().filter(|path| packages.iter().any(|package| path.starts_with(package)));
        let texts: Vec<_> =
            of_packages.filter(|path| is_source(path)).map(|path| (path, text_of(path))).collect();
        let named: BTreeSet<&str> =
            texts.iter().flat_map(|(path, text)| words(tests_in(path, text))).collect();
        let limits = text_of(Path::new(file));
        let limits = limits_in(&limits);
        assert!(limits.len() > 8, "{file} was not read");
        let package = packages[0];
        untested.extend(limits.into_iter().filter(|limit| !named.contains(limit)).map(|limit| match limit {
            // Two packages have one of this name.
            "SEND_WINDOW_BYTES" => format!("{limit} of {package}"),
            _ => limit.to_owned(),
        }));
    }
    let tuning: BTreeSet<String> = TUNING.iter().map(|(name, _)| (*name).to_owned()).collect();
    let lacking: Vec<&String> = untested.difference(&tuning).collect();
    assert_eq!(lacking, [""; 0], "test these at the limit and one above");
    let over: Vec<&String> = tuning.difference(&untested).collect();
    assert_eq!(over, [""; 0], "these are named by tests, or are gone: take them off the list");
}

#[test]
fn limits_and_their_tests_are_found() {
    let text =
        "/// A.\npub const A_MAX: usize = 1;\npub(crate) const B: u8 =\n    2;\nconst C: u8 = 3;\nuse D;\n";
    assert_eq!(limits_in(text), ["A_MAX", "B"]);
    let source = "fn a() { A_MAX }\n#[cfg(test)]\nmod tests {\n    B + 1\n}\n";
    assert_eq!(tests_in(Path::new("a/src/b.rs"), source), "\n    B + 1\n}\n");
    assert_eq!(tests_in(Path::new("a/src/b/tests.rs"), source), source);
    assert_eq!(tests_in(Path::new("a/tests/b.rs"), source), source);
    assert_eq!(tests_in(Path::new("a/src/b.rs"), "fn a() {}\n"), "");
    assert!(words("a(B_1);").any(|word| word == "B_1") && !words("aB_1").any(|word| word == "B_1"));
}

/// What stands in backticks in the last column of the table of attacks, for each row.
fn tests_of_threats(text: &str) -> Vec<Vec<&str>> {
    let table = text.split("| attack | by | defence | test |").nth(1).unwrap_or_default();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let last =
        rows.filter_map(|row| row.trim_end_matches([' ', '|']).rsplit_once(" | ").map(|(_, tests)| tests));
    last.map(|tests| tests.split('`').skip(1).step_by(2).collect()).collect()
}

/// Whether this is a test, a file of tests, or a command of `./dev`.
fn is_a_test(name: &str, paths: &[String], sources: &BTreeSet<String>) -> bool {
    if let Some(command) = name.strip_prefix("./dev ") {
        return text_of(Path::new("dev")).contains(command.split(' ').next().unwrap_or(command));
    }
    let is_in = |path: &String| path.ends_with(name) || path.contains(&format!("{name}/"));
    let is_module = |path: &String| path.split(['/', '.']).any(|part| part == name);
    if name.contains(['/', '.']) {
        paths.iter().any(is_in)
    } else {
        sources.contains(name) || paths.iter().any(is_module)
    }
}

/// The names of all functions in sources.
fn functions() -> BTreeSet<String> {
    let sources = source_files().into_iter().filter(|path| is_source(path));
    let texts: Vec<String> = sources.map(|path| text_of(&path)).collect();
    let names = texts.iter().flat_map(|text| text.split("fn ").skip(1));
    names.filter_map(|rest| words(rest).next().map(str::to_owned)).collect()
}

#[test]
fn every_attack_has_a_test_that_exists() {
    let text = text_of(Path::new("docs/security/threats.md"));
    let rows = tests_of_threats(&text);
    assert!(rows.len() > 20, "the table was not read: {} rows", rows.len());
    let paths: Vec<String> = source_files()
        .into_iter()
        .filter(|path| is_source(path))
        .map(|path| path.display().to_string())
        .collect();
    let functions = functions();
    let lacking: Vec<String> = rows
        .iter()
        .enumerate()
        .flat_map(|(row, tests)| {
            let unknown = tests.iter().filter(|name| !is_a_test(name, &paths, &functions));
            let none = tests.is_empty().then(|| format!("row {}: no test", row + 1));
            unknown.map(|name| format!("`{name}`")).chain(none).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(lacking, [""; 0], "docs/security/threats.md names tests that are not there");
}

#[test]
fn tests_that_are_not_there_are_noticed() {
    let text = "| attack | by | defence | test |\n|---|---|---|---|\n| a `b` | c | d | `e`, `f` (`g`) |\n| h | i | j | k |\n\n| l |";
    assert_eq!(tests_of_threats(text), [vec!["e", "f", "g"], vec![]]);
    let paths = ["a/tests/names/main.rs".to_owned()];
    let functions: BTreeSet<String> = ["it_holds".to_owned()].into();
    for (name, exists) in
        [("it_holds", true), ("it_hold", false), ("names", true), ("tests/names", true), ("other.rs", false)]
    {
        assert_eq!(is_a_test(name, &paths, &functions), exists, "{name}");
    }
}
