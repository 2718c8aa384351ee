//! What is looked at in a proposal before a person sees it, told beside it.

use std::time::{Duration, Instant};

use weft_ai::checks;
use weft_index::syntax_errors::syntax_errors;

use crate::api::AiCheck;

/// How long the syntax of one file may take.
const FILE_TIME_MAX: Duration = Duration::from_millis(500);

/// Looks at what a file would become.
pub(super) fn checks(path: &str, old: &str, new: &str) -> Vec<AiCheck> {
    let mut made = Vec::new();
    made.extend(syntax(path, old, new));
    let found = checks::secrets(old, new);
    let note = match &found[..] {
        [] => "nothing new looks like a secret".to_owned(),
        found => format!("the new text has what looks like {}", found.join(" and like ")),
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
        let checks = [whole("a.rs", "max_tokens").expect("a check")];
        assert_eq!(warnings(&checks), ["a.rs: the answer ended early: max_tokens"]);
    }
}
