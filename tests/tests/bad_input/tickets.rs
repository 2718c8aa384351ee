//! Tickets as people type and paste them.

use std::fs;
use std::process::{Command, Stdio};

use weft_tests::{Device, Pair};

use crate::told::{Told, run_with};

/// What `weft join` says of a ticket. With a ticket that is right it asks the inviter and shows what would happen.
#[track_caller]
fn told(device: &Device, ticket: &str, is_pasted: bool) -> Told {
    let place = device.place.join("pasted ticket");
    fs::write(&place, ticket).expect("a file");
    let argument = if is_pasted { "-" } else { ticket };
    let words =
        ["join", "--preview", "--lan", "off", "--listen", "127.0.0.1:0", "--timeout", "300s", "--", argument];
    let mut command: Command = device.command(words);
    run_with(&mut command, Stdio::from(fs::File::open(place).expect("the file")))
}

fn swap(text: &str, at: usize) -> Option<String> {
    let mut letters: Vec<char> = text.chars().collect();
    letters.swap(at, at + 1);
    let swapped: String = letters.into_iter().collect();
    (swapped != text).then_some(swapped)
}

/// Refused at once, without a word to anybody: the inviter's node does not run.
#[track_caller]
fn is_mistyped(device: &Device, ticket: &str, words: &[&str]) {
    let told = told(device, ticket, false);
    told.is_refused(2, words).says(&["the ticket", "your data: nothing was changed"]);
}

#[test]
fn a_ticket_with_a_letter_wrong_anywhere_is_refused_at_once() {
    let mut pair = Pair::before_joining(&[("a.txt", b"one\n")]);
    let ticket = pair.ticket();
    pair.ana.stop();
    let ben = &pair.ben.device;
    for at in 0..ticket.len() {
        let old = ticket.as_bytes()[at];
        let new = if old == b'q' { "x" } else { "q" };
        let wrong = format!("{}{new}{}", &ticket[..at], &ticket[at + 1..]);
        is_mistyped(ben, &wrong, &["typing mistake", "letter by letter"]);
    }
    for at in (0..ticket.len() - 1).step_by(7) {
        is_mistyped(ben, &format!("{}{}", &ticket[..at], &ticket[at + 1..]), &[]);
        if let Some(wrong) = swap(&ticket, at) {
            is_mistyped(ben, &wrong, &["typing mistake"]);
        }
    }
    is_mistyped(ben, &ticket[..ticket.len() - 1], &["a part of the ticket is missing", "long lines"]);
    is_mistyped(ben, &ticket[..60], &["it has 60 of"]);
    is_mistyped(ben, &format!("{ticket}{ticket}"), &["something follows"]);
    is_mistyped(ben, &format!("{ticket}x"), &["something follows"]);
    is_mistyped(ben, &format!("0{}", &ticket[1..]), &["at place 1", "0, 1, 8 or 9"]);
    is_mistyped(ben, &format!("{}…{}", &ticket[..60], &ticket[100..]), &["at place 61"]);
    let of_others = ["https://example.org/join", "correct horse battery staple", "ä", "weft join", "-----"];
    for text in of_others {
        is_mistyped(ben, text, &[]);
    }
    is_mistyped(ben, "", &["is empty"]);
    assert!(!ben.home.join("store.db").exists(), "a wrong ticket made a data folder");
}

#[test]
fn a_ticket_is_the_same_however_it_was_copied() {
    let pair = Pair::before_joining(&[("a.txt", b"one\n")]);
    let ticket = pair.ticket();
    let (front, back) = ticket.split_at(70);
    let groups: Vec<String> =
        ticket.as_bytes().chunks(5).map(|part| String::from_utf8_lossy(part).into_owned()).collect();
    let copies = [
        ticket.to_uppercase(),
        format!("  {ticket}\n\n"),
        format!("{front}\n{back}"),
        format!("{front}\r\n    {back}\r\n"),
        format!("\"{ticket}\""),
        format!("'{ticket}'"),
        format!("`{ticket}`"),
        format!("“{ticket}”"),
        format!("<{ticket}>"),
        format!("> {ticket}"),
        format!(">> {front}\n>> {back}"),
        format!("\u{feff}{front}\u{200b}{back}"),
        format!("{front}\u{a0}{back}"),
        format!("weft join {ticket}"),
        groups.join(" "),
        groups.join("-"),
    ];
    for copy in copies {
        for is_pasted in [false, true] {
            let told = told(&pair.ben.device, &copy, is_pasted);
            assert_eq!(told.code, Some(0), "{copy:?}: {}", told.text);
            told.says(&["Ana invites you to notes"]);
        }
    }
}
