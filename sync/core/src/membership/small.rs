//! Every short history of three people, not a sample: all that each may write, with everything that it may know of,
//! in every order of arrival.
//!
//! `WEFT_SMALL_MODEL` says how many operations follow the founding (else three; four take minutes).

use std::collections::BTreeSet;

use super::histories::{Answers, History, author, device, named, text, user, void, write};
use super::model::Model;
use super::operations::{Certificate, Claim};

/// What somebody may write next: the key, and the claim.
type Move = (&'static str, Claim);

/// O founds, A is an admin, and a third one is what this says.
struct Cast {
    third: &'static str,
    class: u8,
    moves: Vec<Move>,
}

const OWNERS: u32 = 0;

fn grant(to: &str, class: u8, via: u32) -> Claim {
    Claim::Grant { user: user(to), class, via: named(via) }
}

fn revoke(of: &str, via: u32) -> Claim {
    Claim::Revoke { user: user(of), via: named(via) }
}

fn remove(name: &str) -> Claim {
    Claim::RmDev { user: user(&name[..1].to_uppercase()), device: device(name) }
}

fn certificate(name: &str, signer: Option<&str>) -> Claim {
    Claim::Certificate(Certificate {
        user: user(&name[..1].to_uppercase()),
        device: device(name),
        signer: signer.map(device),
        is_last: true,
        companions: Vec::new(),
        is_founding: false,
    })
}

/// The founding: lines 0 to 7. The grants of A and of the third one stand on lines 4 and 5.
fn founded(cast: &Cast) -> History {
    let mut history = History::default();
    let third = cast.third.to_lowercase() + "1";
    history.push(author("R:O"), Claim::Genesis { owner: user("O") }, []);
    for (at, (key, name)) in
        [("R:O", "o1"), ("R:A", "a1"), (&*format!("R:{}", cast.third), &*third)].into_iter().enumerate()
    {
        let at = u32::try_from(at).unwrap();
        let line = history.push(author(key), certificate(name, None), [at]);
        assert_eq!(line, at + 1);
    }
    history.push(author("o1"), grant("A", 4, OWNERS), [3]);
    history.push(author("o1"), grant(cast.third, cast.class, OWNERS), [4]);
    history
}

const ADMINS: u32 = 4;
const THIRDS: u32 = 5;

/// An owner, an admin and an editor.
fn with_an_editor() -> Cast {
    let moves = vec![
        ("o1", revoke("A", OWNERS)),
        ("o1", revoke("B", OWNERS)),
        ("o1", grant("B", 3, OWNERS)),
        ("a1", revoke("B", ADMINS)),
        ("a1", revoke("O", ADMINS)),
        ("a1", grant("B", 3, ADMINS)),
        ("a1", grant("A", 3, ADMINS)),
        ("a1", remove("a1")),
        ("b1", write()),
        ("b1", revoke("A", THIRDS)),
        ("b1", grant("B", 4, THIRDS)),
        ("b1", certificate("b2", Some("b1"))),
        ("b1", remove("b1")),
    ];
    Cast { third: "B", class: 3, moves }
}

/// An owner and two equal admins.
fn with_two_admins() -> Cast {
    let moves = vec![
        ("o1", revoke("A", OWNERS)),
        ("o1", grant("C", 4, OWNERS)),
        ("a1", revoke("C", ADMINS)),
        ("a1", revoke("O", ADMINS)),
        ("a1", revoke("A", ADMINS)),
        ("a1", grant("C", 3, ADMINS)),
        ("a1", remove("a1")),
        ("R:A", remove("a1")),
        ("c1", revoke("A", THIRDS)),
        ("c1", revoke("C", THIRDS)),
        ("c1", write()),
        ("c1", remove("c1")),
    ];
    Cast { third: "C", class: 4, moves }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    histories: usize,
    folds: usize,
}

/// Every way to go on from here with `left` more operations.
fn every(cast: &Cast, history: &History, left: usize, check: &mut dyn FnMut(&History)) {
    check(history);
    if left == 0 {
        return;
    }
    let founding = 6;
    let more = u32::try_from(history.pasts.len()).unwrap() - founding;
    for (key, claim) in &cast.moves {
        for known in 0..1_u32 << more {
            let parents = (0..more).filter(|bit| known >> bit & 1 == 1).map(|bit| founding + bit);
            let mut next = history.clone();
            next.push(author(key), claim.clone(), parents.chain([founding - 1]));
            every(cast, &next, left - 1, check);
        }
    }
}

/// All orders of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for at in 0..count {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..=at).map(move |place| {
                    let mut order = order.clone();
                    order.insert(place, at);
                    order
                })
            })
            .collect();
    }
    orders
}

fn in_every_order(history: &History, answers: &Answers, counted: &mut Counted) {
    let (founding, more) = history.operations.split_at(6);
    for order in orders(more.len()) {
        // What is new comes before the founding as often as behind it: places of arrival mean nothing.
        let moved: Vec<_> = order.iter().map(|at| more[*at].clone()).collect();
        let operations = if order.first() > order.last() {
            [&moved, founding].concat()
        } else {
            [founding, &moved].concat()
        };
        counted.folds += 1;
        let other = History { operations, ..history.clone() };
        assert_eq!(other.answers(), *answers, "{history:?}");
    }
}

/// The history in which one operation says nothing.
fn without(history: &History, line: u32) -> History {
    let mut other = history.clone();
    let operation = other.operations.iter_mut().find(|operation| operation.place.line == line).unwrap();
    operation.claim = void();
    other
}

fn others(answers: &Answers, name: &str) -> (Answers, BTreeSet<String>) {
    let devices = answers.standing.iter().map(|id| text(id.as_bytes()));
    let devices = devices.filter(|id| id[..1].to_uppercase() != name).collect();
    (Answers { standing: BTreeSet::new(), live: BTreeSet::new(), ..answers.clone() }, devices)
}

/// An editor's operation changes nothing about others, an equal's removal nothing about an equal.
fn nobody_reaches_up(cast: &Cast, history: &History, answers: &Answers) {
    for operation in &history.operations[6..] {
        let line = operation.place.line;
        let by_editor = cast.class < 4 && operation.author.user == user(cast.third);
        if by_editor && !matches!(operation.claim, Claim::SetPolicy { .. }) {
            let (before, devices) = others(&without(history, line).answers(), cast.third);
            let (after, kept) = others(answers, cast.third);
            assert_eq!((before.roles, devices), (after.roles, kept), "{history:?}");
        }
        let target = match (cast.class, &operation.claim) {
            (4, Claim::Revoke { user: of, .. }) if operation.author.user != user("O") => *of,
            _ => continue,
        };
        let is_equal = target != operation.author.user;
        let was_demoted = history
            .operations
            .iter()
            .any(|other| matches!(&other.claim, Claim::Grant { user: to, class: 3, .. } if *to == target));
        if is_equal && !was_demoted {
            let roles = without(history, line).answers().roles;
            assert_eq!(roles.get(&target), answers.roles.get(&target), "{history:?}");
        }
    }
}

/// Whom the owner put out and nobody let in again is out, and nothing that the owner had not seen counts.
fn who_is_out_is_out(history: &History, answers: &Answers) {
    for operation in &history.operations[6..] {
        let (Claim::Revoke { user: of, .. }, true) = (&operation.claim, operation.author.user == user("O"))
        else {
            continue;
        };
        let cut = operation.place.line;
        let is_later_grant = |other: &super::operations::Operation| {
            let again = matches!(&other.claim, Claim::Grant { user: to, .. } if to == of);
            again && history.pasts[other.place.line as usize].contains(&cut)
        };
        if history.operations.iter().any(is_later_grant) {
            continue;
        }
        assert!(!answers.roles.contains_key(of), "{history:?}");
        let unseen = history.operations[6..].iter().filter(|other| {
            other.author.user == *of && !history.pasts[cut as usize].contains(&other.place.line)
        });
        for other in unseen {
            let line = other.place.line;
            assert!(!answers.writes.contains(&line), "{history:?}");
            assert_eq!(without(history, line).answers().roles, answers.roles, "{history:?}");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test that goes further when it is asked to")]
fn length() -> usize {
    std::env::var("WEFT_SMALL_MODEL").ok().and_then(|value| value.parse().ok()).unwrap_or(3)
}

fn check_all(cast: &Cast) {
    let mut counted = Counted::default();
    every(cast, &founded(cast), length(), &mut |history| {
        counted.histories += 1;
        let answers = history.answers();
        assert_eq!(answers, Model::new(history, None).answers(), "{history:?}");
        assert_eq!(answers.roles.get(&user("O")), Some(&5), "{history:?}");
        in_every_order(history, &answers, &mut counted);
        nobody_reaches_up(cast, history, &answers);
        who_is_out_is_out(history, &answers);
    });
    println!("{} histories, {} orders of arrival", counted.histories, counted.folds);
    let count = cast.moves.len();
    assert!(counted.histories > count * count * count, "{counted:?}");
}

#[test]
fn every_short_history_of_an_owner_an_admin_and_an_editor() {
    check_all(&with_an_editor());
}

#[test]
fn every_short_history_of_an_owner_and_two_admins() {
    check_all(&with_two_admins());
}

#[test]
fn every_order_is_tried_once() {
    let all = orders(4);
    assert_eq!(all.len(), 24);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 24);
}
