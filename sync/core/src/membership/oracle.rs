//! The fold against answers of an independent, executable model of the rules (in another language).
//!
//! `oracle_cases.txt` holds random histories with adversarial parents, foreign and replayed certificates, prepared and
//! re-wrapped epochs, and what the model says of each. A larger file of the same form can be named in the
//! environment variable `WEFT_MEMBERSHIP_CASES`.

use std::collections::BTreeMap;

use super::histories::{History, author, device, named, padded, text, user, void, write};
use super::operations::{Certificate, Claim};
use crate::acl::OpRef;
use crate::ids::EpochId;

fn via(name: &str) -> OpRef {
    named(name.parse().unwrap_or(u32::MAX))
}

/// None: a certificate that the model found not to hold.
fn claim(words: &[&str]) -> Option<Claim> {
    Some(match words {
        ["genesis", owner] => Claim::Genesis { owner: user(owner) },
        ["cert", _, _, _, "0"] => return None,
        ["cert", of, named, signer, "1"] => Claim::Certificate(Certificate {
            user: user(of),
            device: device(named),
            signer: author(signer).device,
            is_last: true,
            companions: Vec::new(),
            is_founding: true,
        }),
        ["rmdev", of, named] => Claim::RmDev { user: user(of), device: device(named) },
        ["grant", to, class, by] => {
            Claim::Grant { user: user(to), class: class.parse().unwrap(), via: via(by) }
        }
        ["revoke", of, by] => Claim::Revoke { user: user(of), via: via(by) },
        ["epoch", name, original] => {
            Claim::Epoch { epoch: EpochId::from_bytes(padded(name)), is_original: *original == "1" }
        }
        // What only writes says nothing about membership.
        ["write"] => write(),
        other => panic!("{other:?}"),
    })
}

/// Reads one operation; a certificate that does not hold keeps its place, so that the others keep their numbers.
fn add(history: &mut History, line: &str) {
    let (said, parents) = line.split_once('|').unwrap();
    let words: Vec<&str> = said.split_whitespace().collect();
    let claim = claim(&words[1..]).unwrap_or_else(void);
    history.push(author(words[0]), claim, numbers(parents));
}

fn numbers(text: &str) -> Vec<u32> {
    text.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

fn answer_of(history: &History, kind: &str, question: &str) -> Vec<String> {
    match kind {
        "roles" => {
            let roles = history.answers().roles.into_iter();
            roles.map(|(user, class)| format!("{}:{class}", text(user.as_bytes()))).collect()
        }
        "devices" => history.answers().standing.iter().map(|device| text(device.as_bytes())).collect(),
        "writes" => history.answers().writes.iter().map(u32::to_string).collect(),
        "known" => {
            let people = ["O", "A", "B", "C", "D"].into_iter();
            people.filter(|name| history.knows(&user(name))).map(str::to_owned).collect()
        }
        "usable" => {
            let usable = history.usable_at(&numbers(question));
            usable.iter().map(|epoch| text(epoch.as_bytes())).collect()
        }
        other => panic!("{other}"),
    }
}

/// What came of checking a file of cases.
#[derive(Debug, Default)]
struct Checked {
    histories: usize,
    answers: usize,
    /// How many answers of each kind said something.
    telling: BTreeMap<String, usize>,
    mismatches: Vec<String>,
}

fn check(cases: &str) -> Checked {
    let mut checked = Checked::default();
    let mut history = History::default();
    let mut name = "";
    for line in cases.lines() {
        let (kind, rest) = line.split_once(' ').unwrap();
        let (question, expected) = match kind {
            "case" => {
                (history, name) = (History::default(), rest);
                checked.histories += 1;
                continue;
            }
            "op" => {
                add(&mut history, rest);
                continue;
            }
            "usable" => rest.split_once('|').unwrap(),
            _ => ("", rest),
        };
        let mut answer = answer_of(&history, kind, question);
        let mut expected: Vec<&str> = expected.split_whitespace().collect();
        expected.sort_unstable();
        answer.sort_unstable();
        if answer != expected {
            checked
                .mismatches
                .push(format!("{kind} {question} in case {name}: {answer:?}, not {expected:?}"));
        }
        checked.answers += 1;
        *checked.telling.entry(kind.to_owned()).or_insert(0) += usize::from(!answer.is_empty());
    }
    checked
}

fn assert_agrees(cases: &str) {
    let checked = check(cases);
    let least = checked.telling.values().min().copied().unwrap_or(0);
    assert!(checked.histories >= 200 && least >= 50, "{checked:?}");
    let (histories, answers) = (checked.histories, checked.answers);
    println!("{histories} histories, {answers} answers, {} mismatches", checked.mismatches.len());
    assert_eq!(checked.mismatches, [""; 0]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test that reads a larger file of cases when one is named")]
fn the_fold_agrees_with_the_model() {
    assert_agrees(include_str!("oracle_cases.txt"));
    if let Ok(path) = std::env::var("WEFT_MEMBERSHIP_CASES") {
        assert_agrees(&std::fs::read_to_string(path).unwrap());
    }
}

/// The test above can fail: a history of which one operation is another gives other answers somewhere.
#[test]
fn a_changed_history_does_not_agree_with_the_model() {
    let cases = include_str!("oracle_cases.txt");
    for (from, to) in [(" revoke ", " rmdev "), (" R:O 1 |", " R:O 0 |")] {
        let changed = check(&cases.replace(from, to));
        assert!(!changed.mismatches.is_empty(), "{from} for {to}");
    }
}
