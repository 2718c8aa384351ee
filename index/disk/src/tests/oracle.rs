//! What is found is what ripgrep finds.

use std::process::Command;

use weft_index::{Pattern, PatternKind, PatternOptions};

use super::fixture::{Fixture, Found};

/// How a query is written: `-F`, `-i` and `-w` as ripgrep has them.
const QUERIES: &[(&str, &[&str])] = &[
    ("needle", &["-F"]),
    ("needle", &["-F", "-i"]),
    ("needle", &["-F", "-w"]),
    ("no such words anywhere", &["-F"]),
    ("fn ", &["-F"]),
    ("fn new(", &["-F"]),
    ("impl Iterator for", &["-F"]),
    ("TextDocument", &["-F"]),
    ("textdocument", &["-F", "-i"]),
    ("xz", &["-F"]),
    ("x", &["-F"]),
    ("::<", &["-F"]),
    ("[0]", &["-F"]),
    ("\\n", &["-F"]),
    ("Grüße", &["-F"]),
    ("grüße", &["-F", "-i"]),
    ("straße", &["-F", "-i"]),
    ("STRASSE", &["-F", "-i"]),
    ("kelvin", &["-F", "-i"]),
    ("σίσυφος", &["-F", "-i"]),
    ("café", &["-F"]),
    ("\t", &["-F"]),
    ("  ", &["-F"]),
    ("\r", &["-F"]),
    ("pub fn [a-z_]+", &[]),
    ("^use ", &[]),
    ("^$", &[]),
    ("^", &[]),
    ("$", &[]),
    ("^\\s*$", &[]),
    ("\\.$", &[]),
    (";$", &[]),
    ("\\bunwrap\\b", &[]),
    ("\\w{30,}", &[]),
    ("[A-Z][a-z]+Error\\b", &[]),
    ("(Read|Write)Error", &[]),
    ("read|write|seek", &[]),
    ("impl<.*> .* for \\w+", &[]),
    ("(?i)unicode\\s+code", &[]),
    ("colou?r", &[]),
    ("a.*b.*c.*d", &[]),
    ("needle$", &[]),
    ("^needle", &[]),
    ("needle.*needle", &[]),
    ("\\d{4}", &[]),
    ("0x[0-9a-f]+", &["-i"]),
    ("[[:upper:]]{6,}", &[]),
    ("\\p{Greek}+", &[]),
    ("[äöüß]", &["-i"]),
    (".", &[]),
    ("(?-u)\\xe9", &[]),
    ("\\x{212a}", &[]),
    ("(?x) impl \\s+ Drop", &[]),
    ("(foo|bar|baz){2}", &[]),
    ("(?:ab|cd)*ef", &[]),
    ("struct \\w+\\(", &[]),
    ("=> \\{$", &[]),
    ("//[/!] .*\\blimit", &[]),
    ("\\A//!", &[]),
    ("fn (\\w)\\w*\\(", &["-w"]),
    ("self", &["-w"]),
    ("E", &["-i", "-w"]),
];

fn pattern(text: &str, flags: &[&str]) -> Pattern {
    let kind = if flags.contains(&"-F") { PatternKind::Literal } else { PatternKind::Regex };
    let options = PatternOptions { ignores_case: flags.contains(&"-i"), whole_words: flags.contains(&"-w") };
    Pattern::new(text, kind, options).unwrap()
}

/// What ripgrep finds; `None` where it is not installed.
fn ripgrep(fixture: &Fixture, text: &str, flags: &[&str]) -> Option<Found> {
    let output = Command::new("rg")
        .args(["--no-config", "--no-ignore", "--hidden", "--no-heading", "--line-number", "--with-filename"])
        .args(["--sort=path", "--null", "--color=never", "--replace=", "--encoding=auto"])
        .args(flags)
        .args(["-e", text, "."])
        .current_dir(fixture.root())
        .output()
        .ok()?;
    assert!(output.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found = Vec::new();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(2, |byte| *byte == 0);
        let (Some(path), Some(rest)) = (parts.next(), parts.next()) else { continue };
        let number = rest.split(|byte| *byte == b':').next().unwrap();
        let number = std::str::from_utf8(number).unwrap().parse().unwrap();
        found.push((String::from_utf8_lossy(path).trim_start_matches("./").to_owned(), number));
    }
    found.sort();
    found.dedup();
    Some(found)
}

#[test]
fn what_is_found_is_what_ripgrep_finds() {
    assert!(QUERIES.len() >= 50);
    let fixture = Fixture::with_sources();
    fixture.build();
    let status = fixture.index.status().unwrap();
    assert_eq!((status.unread, status.files), (0, fixture.files.len() as u64));
    let mut compared = 0;
    for (text, flags) in QUERIES {
        let pattern = pattern(text, flags);
        let (mut found, _) = fixture.find(&pattern);
        found.sort();
        assert_eq!(found, fixture.find_slowly(&pattern), "{text:?} {flags:?}, beside reading everything");
        let Some(expected) = ripgrep(&fixture, text, flags) else { continue };
        assert_eq!(found, expected, "{text:?} {flags:?}, beside ripgrep");
        compared += 1;
    }
    if compared == 0 {
        println!("ripgrep is missing: what is found was only compared with reading everything");
    }
}

#[test]
fn few_files_are_read_for_something_rare() {
    let fixture = Fixture::with_sources();
    fixture.build();
    for (text, most) in [("no such words anywhere", 0), ("Grüße in UTF-16", 1), ("ΣΊΣΥΦΟΣ", 1)] {
        let (_, end) = fixture.find(&pattern(text, &["-F"]));
        // This file has them as well, where the sources are looked through.
        assert!(end.files_read <= most + 4, "{text}: {} files", end.files_read);
    }
    let (found, end) = fixture.find_most(&pattern("let ", &["-F"]), 10);
    assert_eq!((found.len(), end.has_more), (10, true));
}
