//! The fold against answers of an independent, executable model of the rules (in another language).
//!
//! `oracle_cases.txt` holds random histories with adversarial parents, foreign and replayed certificates, prepared and
//! re-wrapped epochs, and what the model says of each. A larger file of the same form can be named in the
//! environment variable `WEFT_MEMBERSHIP_CASES`.

use std::collections::{BTreeMap, BTreeSet};

use super::fold::Fold;
use super::history::Place;
use super::operations::{Author, Certificate, Claim, OpIndex, Operation, World};
use crate::acl::OpRef;
use crate::ids::{DeviceId, EntryId, EpochId, UserId};

#[derive(Default)]
struct History {
    operations: Vec<Operation>,
    pasts: Vec<BTreeSet<u32>>,
}

impl World for History {
    fn operations(&self) -> &[Operation] {
        &self.operations
    }

    fn resolve(&self, named: &OpRef) -> Option<OpIndex> {
        let at = u32::from_be_bytes(named.entry.as_bytes()[..4].try_into().unwrap());
        self.operations
            .iter()
            .position(|operation| operation.place.line == at)
            .map(|at| u32::try_from(at).unwrap())
    }

    fn before(&self, a: Place, b: Place) -> bool {
        self.pasts[b.line as usize].contains(&a.line)
    }
}

fn padded<const LEN: usize>(text: &str) -> [u8; LEN] {
    std::array::from_fn(|at| text.as_bytes().get(at).copied().unwrap_or(0))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.iter().copied().take_while(|byte| *byte != 0).collect()).unwrap()
}

fn user(name: &str) -> UserId {
    UserId::from_bytes(padded(name))
}

fn device(name: &str) -> DeviceId {
    DeviceId::from_bytes(padded(name))
}

/// "R:A" is the user key of A; "a1" is a device of A.
fn author(name: &str) -> Author {
    match name.strip_prefix("R:") {
        Some(name) => Author { user: user(name), device: None },
        None => Author { user: user(&name[..1].to_uppercase()), device: Some(device(name)) },
    }
}

fn via(name: &str) -> OpRef {
    let at = name.parse().unwrap_or(u32::MAX);
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&at.to_be_bytes());
    OpRef::new(EntryId::from_bytes(bytes), 0)
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
        ["write"] => Claim::SetPolicy { key: String::new(), via: via("-") },
        other => panic!("{other:?}"),
    })
}

impl History {
    fn add(&mut self, line: &str) {
        let (said, parents) = line.split_once('|').unwrap();
        let words: Vec<&str> = said.split_whitespace().collect();
        let at = u32::try_from(self.pasts.len()).unwrap();
        let mut past = BTreeSet::new();
        for parent in parents.split_whitespace().map(|parent| parent.parse::<u32>().unwrap()) {
            past.insert(parent);
            past.extend(self.pasts[parent as usize].iter().copied());
        }
        self.pasts.push(past);
        // A certificate that does not hold keeps its place, so that the others keep their numbers.
        let claim = claim(&words[1..]).unwrap_or(Claim::SetPolicy { key: "void".to_owned(), via: via("-") });
        self.operations.push(Operation {
            place: Place { line: at, seq: 1, sub: 0 },
            author: author(words[0]),
            claim,
        });
    }

    fn fold(&self) -> Fold<'_, Self> {
        Fold::new(self, |_| true)
    }

    fn roles(&self) -> String {
        let members = self.fold().members().into_iter();
        members
            .map(|(user, class)| format!("{}:{class}", text(user.as_bytes())))
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn devices(&self) -> String {
        let fold = self.fold();
        let standing = fold.named_devices().filter(|device| fold.is_standing(device));
        standing.map(|device| text(device.as_bytes())).collect::<Vec<_>>().join(" ")
    }

    fn writes(&self) -> String {
        let fold = self.fold();
        let mut counting = self
            .operations
            .iter()
            .filter(|operation| {
                matches!(&operation.claim, Claim::SetPolicy { key, .. } if key.is_empty())
                    && fold.counts(operation.author, operation.place.into(), 3)
            })
            .map(|operation| operation.place.line)
            .collect::<Vec<_>>();
        counting.sort_unstable();
        counting.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
    }

    fn known(&self) -> String {
        let known = ["O", "A", "B", "C", "D"].into_iter().filter(|name| {
            self.operations.iter().zip(0..).any(|(operation, at)| match &operation.claim {
                Claim::Genesis { owner } => *owner == user(name),
                Claim::Grant { user: to, .. } if *to == user(name) => {
                    let past = &self.pasts[operation.place.line as usize];
                    let alone = |other: &Operation| {
                        past.contains(&other.place.line) || other.place == operation.place
                    };
                    Fold::new(self, alone).is_valid_grant(at)
                }
                _ => false,
            })
        });
        known.collect::<Vec<_>>().join(" ")
    }

    fn usable(&self, heads: &str) -> String {
        let mut closure = BTreeSet::new();
        for head in heads.split_whitespace().map(|head| head.parse::<u32>().unwrap()) {
            closure.insert(head);
            closure.extend(self.pasts[head as usize].iter().copied());
        }
        let fold = Fold::new(self, |operation| closure.contains(&operation.place.line));
        let mut usable: Vec<String> =
            fold.epochs().filter(|epoch| fold.usable(epoch)).map(|epoch| text(epoch.as_bytes())).collect();
        usable.sort();
        usable.join(" ")
    }
}

/// Checks every case and returns how many there were and how many answers said something.
fn check(cases: &str) -> (usize, usize) {
    let mut histories = 0;
    let mut telling = BTreeMap::new();
    let mut history = History::default();
    let mut name = "";
    for line in cases.lines() {
        let (kind, rest) = line.split_once(' ').unwrap();
        let (question, expected) = match kind {
            "case" => {
                (history, name) = (History::default(), rest);
                histories += 1;
                continue;
            }
            "op" => {
                history.add(rest);
                continue;
            }
            "usable" => rest.split_once('|').unwrap(),
            _ => ("", rest),
        };
        let answer = match kind {
            "roles" => history.roles(),
            "devices" => history.devices(),
            "writes" => history.writes(),
            "known" => history.known(),
            "usable" => history.usable(question),
            other => panic!("{other}"),
        };
        let mut expected: Vec<&str> = expected.split_whitespace().collect();
        let mut answer: Vec<&str> = answer.split_whitespace().collect();
        expected.sort_unstable();
        answer.sort_unstable();
        assert_eq!(answer, expected, "{kind} {question} in case {name}");
        *telling.entry(kind).or_insert(0) += usize::from(!answer.is_empty());
    }
    (histories, telling.values().copied().min().unwrap_or(0))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test that reads a larger file of cases when one is named")]
fn the_fold_agrees_with_the_model() {
    let (histories, telling) = check(include_str!("oracle_cases.txt"));
    assert!(histories >= 200 && telling >= 50, "{histories} histories, {telling} answers that say something");
    if let Ok(path) = std::env::var("WEFT_MEMBERSHIP_CASES") {
        check(&std::fs::read_to_string(path).unwrap());
    }
}

/// The test above can fail: a history of which one operation is another gives other answers somewhere.
#[test]
fn a_changed_history_does_not_agree_with_the_model() {
    let cases = include_str!("oracle_cases.txt");
    for (from, to) in [(" revoke ", " rmdev "), (" R:O 1 |", " R:O 0 |")] {
        let changed = cases.replace(from, to);
        let disagrees = std::panic::catch_unwind(|| check(&changed)).is_err();
        assert!(disagrees, "{from} for {to}");
    }
}
