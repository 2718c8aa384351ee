//! What is looked at in a proposal before a person sees it, told beside it.

use std::time::{Duration, Instant};

use weft_ai::{
    checks,
    edits::{self, Hunk},
};
use weft_index::syntax_errors::syntax_errors;

use crate::api::AiCheck;

/// Hunks of a file that are looked at one by one.
const HUNKS_ALONE_MAX: usize = 16;
/// How long it may take to see which lines of a completion parse.
const COMPLETION_TIME_MAX: Duration = Duration::from_millis(150);
/// How long the syntax of one file may take.
const FILE_TIME_MAX: Duration = Duration::from_millis(500);

/// Looks at what a file would become.
pub(super) fn checks(path: &str, old: &str, new: &str) -> Vec<AiCheck> {
    let mut made = Vec::new();
    made.extend(syntax(path, old, new));
    let found = checks::secrets(old, new);
    let note = match &found[..] {
        [] => "nothing new looks like a secret".to_owned(),
        found => secret_note(found),
    };
    made.push(AiCheck { path: path.to_owned(), check: "secrets".to_owned(), passed: found.is_empty(), note });
    made
}

/// Nothing for a language without a grammar, and for a file that takes too long.
fn syntax(path: &str, old: &str, new: &str) -> Option<AiCheck> {
    let errors = |text: &str| {
        let begin = Instant::now();
        syntax_errors(path, text, &mut || begin.elapsed() > FILE_TIME_MAX)
    };
    let (before, after) = (errors(old)?, errors(new)?);
    let (passed, note) = match (before.len(), &after[..]) {
        (_, []) => (true, "it parses".to_owned()),
        (before, after) if after.len() <= before => {
            (true, format!("no new syntax errors; it had {before} and would have {}", after.len()))
        }
        (_, [line, ..]) => (false, format!("new syntax errors: {}, the first at line {line}", after.len())),
    };
    Some(AiCheck { path: path.to_owned(), check: "syntax".to_owned(), passed, note })
}

/// The longest beginning of a completion, by whole lines, with which the text parses no worse than without it; its first line where
/// none does. All of it where that cannot be told.
pub(super) fn lines_that_parse<'text>(
    path: &str,
    prefix: &str,
    text: &'text str,
    suffix: &str,
) -> &'text str {
    let begin = Instant::now();
    let errors = |text: &str| syntax_errors(path, text, &mut || begin.elapsed() > COMPLETION_TIME_MAX);
    let Some(before) = errors(&[prefix, suffix].concat()) else { return text };
    let text = text.trim_end();
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).chain([text.len()]).collect();
    for end in ends.iter().rev().copied() {
        let cut = text[..end].trim_end();
        let is_first = end == ends[0];
        match errors(&[prefix, cut, suffix].concat()) {
            Some(after) if after.len() <= before.len() => return cut,
            // There is no time for more.
            None => return text[..ends[0]].trim_end(),
            Some(_) if is_first => return cut,
            Some(_) => {}
        }
    }
    text
}

/// Says that an answer did not come to its end; `None` when it did.
pub(super) fn whole(path: &str, finish: &str) -> Option<AiCheck> {
    let note = format!("the answer ended early: {finish}");
    (finish != "end" && finish != "stop").then(|| AiCheck {
        path: path.to_owned(),
        check: "whole".to_owned(),
        passed: false,
        note,
    })
}

/// Why each hunk of a file is doubtful: those that bring in what looks like a secret, those that break the syntax when
/// they are made alone, or all of them where none does so alone, and all of an answer that broke off.
pub(super) fn doubts(path: &str, old: &str, hunks: &[Hunk], made: &[AiCheck]) -> Vec<Option<String>> {
    let failed = |check: &str| {
        made.iter()
            .find(|one| one.path == path && one.check == check && !one.passed)
            .map(|one| one.note.clone())
    };
    let mut doubts = vec![Vec::new(); hunks.len()];
    if let Some(note) = failed("whole") {
        doubts.iter_mut().for_each(|doubt| doubt.push(note.clone()));
    }
    if failed("secrets").is_some() {
        for (hunk, doubt) in hunks.iter().zip(&mut doubts) {
            let found = checks::secrets(old, &hunk.new);
            doubt.extend((!found.is_empty()).then(|| secret_note(&found)));
        }
    }
    if let Some(note) = failed("syntax") {
        let looked_at = if hunks.len() > HUNKS_ALONE_MAX { &[] } else { hunks };
        let breaks = |hunk: &Hunk| {
            let alone = edits::applied(old, std::slice::from_ref(hunk));
            syntax(path, old, &alone).is_some_and(|check| !check.passed)
        };
        let broken: Vec<bool> = looked_at.iter().map(breaks).collect();
        let is_by_one = broken.contains(&true);
        for (index, doubt) in doubts.iter_mut().enumerate() {
            if !is_by_one || broken.get(index) == Some(&true) {
                doubt.push(note.clone());
            }
        }
    }
    doubts.into_iter().map(|notes| (!notes.is_empty()).then(|| notes.join("; "))).collect()
}

fn secret_note(found: &[&str]) -> String {
    format!("the new text has what looks like {}", found.join(" and like "))
}

/// What did not pass, in words.
pub(super) fn warnings(checks: &[AiCheck]) -> Vec<String> {
    checks
        .iter()
        .filter(|check| !check.passed)
        .map(|check| format!("{}: {}", check.path, check.note))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_completion_that_break_the_syntax_are_cut() {
        for (prefix, text, suffix, left) in [
            ("fn a() {\n    ", "let b = 1;\n    let c = 2;", "\n}\n", "let b = 1;\n    let c = 2;"),
            ("fn a() {\n    ", "let b = 1;\n    let c = (2;\n}", "\n}\n", "let b = 1;"),
            ("fn a() {\n    ", "let b = 1;\n}\n\nfn c() {", "\n}\n", "let b = 1;\n}\n\nfn c() {"),
            ("fn a() {\n    ", "((\n((", "\n}\n", "(("),
            // It was broken before: no more is asked than not to make it worse.
            ("fn a( {\n    ", "let b = 1;\n    let c = 2;", "\n}\n", "let b = 1;\n    let c = 2;"),
        ] {
            assert_eq!(lines_that_parse("a.rs", prefix, text, suffix), left, "{text}");
        }
        assert_eq!(lines_that_parse("a.unheard-of", "", "((\n((", ""), "((\n((");
    }

    #[test]
    fn what_is_proposed_is_looked_at() {
        let told = |path: &str, old: &str, new: &str| -> Vec<(String, bool)> {
            checks(path, old, new).into_iter().map(|check| (check.check, check.passed)).collect()
        };
        let both = |syntax, secrets| [("syntax".to_owned(), syntax), ("secrets".to_owned(), secrets)];
        assert_eq!(told("a.rs", "fn a() {}\n", "fn b() {}\n"), both(true, true));
        assert_eq!(told("a.rs", "fn a() {}\n", "fn b( {}\n"), both(false, true));
        assert_eq!(told("a.rs", "fn a( {}\n", "fn b( {}\n"), both(true, true), "as broken as before");
        let token = format!("const T: &str = \"ghp_{}\";\n", "a1".repeat(18));
        assert_eq!(told("a.rs", "", &token), both(true, false));
        assert_eq!(told("a.unheard-of", "", "((("), [("secrets".to_owned(), true)]);
        assert_eq!(whole("a.rs", "end"), None);
        let hunk = |at, old: &str, new: &str| Hunk { at, old: old.to_owned(), new: new.to_owned() };
        let doubtful = |old: &str, hunks: &[Hunk]| -> Vec<bool> {
            let made = checks("a.rs", old, &edits::applied(old, hunks));
            doubts("a.rs", old, hunks, &made).iter().map(Option::is_some).collect()
        };
        let old = "fn a() {}\nfn b() {}\n";
        let (good, bad) = (hunk(0, "fn a() {}\n", "fn x() {}\n"), hunk(10, "fn b() {}\n", "fn b( {}\n"));
        assert_eq!(doubtful(old, &[good.clone(), bad.clone()]), [false, true], "it breaks the syntax alone");
        assert_eq!(doubtful(old, &[good.clone(), hunk(10, "", &token)]), [false, true]);
        assert_eq!(doubtful(old, std::slice::from_ref(&good)), [false]);
        let cut = [whole("a.rs", "max_tokens").expect("a check")];
        let all = doubts("a.rs", old, &[good, bad], &cut);
        assert!(all.iter().all(|doubt| doubt.as_deref() == Some("the answer ended early: max_tokens")));
        let checks = [whole("a.rs", "max_tokens").expect("a check")];
        assert_eq!(warnings(&checks), ["a.rs: the answer ended early: max_tokens"]);
    }
}
