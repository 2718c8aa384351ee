//! One character of somebody else in documents of all sizes, and large pastes.

use std::time::Duration;

use weft_crdt::{Author, Change, TextDocument};

use crate::document::{DOCUMENT, Worn, actor, in_automerge, insert, to_automerge};
use weft_bench_report::{Report, best_of, median, ratio, show, timed};

const CHARACTERS: usize = 2_000;
const ROUNDS: usize = 5;

pub(crate) fn run(report: &mut Report) {
    let mut ours = Vec::new();
    for (size, automerge_runs) in [(1_000, 200), (10_000, 40), (100_000, 9), (1_000_000, 3)] {
        let mut worn = Worn::new(size, (size / 5).min(20_000));
        report.section(&format!("a document of {size} characters, {} changes", worn.changes.len()));
        let local = local(&mut worn);
        report.time("ours, local: one character typed, encoded and hashed", local);
        let remote = remote(&mut worn);
        report.time("ours, remote: one character read, checked and applied", remote);
        let theirs = automerge_remote(&mut worn, automerge_runs);
        report.time("automerge, remote: one character", theirs);
        let faster = ratio(theirs, remote);
        if size == 100_000 {
            report.at_least("automerge / ours at 100 kB", faster, 3_000.0);
        } else {
            report.text("automerge / ours", &format!("{faster:.0}"));
        }
        ours.push((size, remote));
    }
    if let [.., (_, at_100_kb), (_, at_1_mb)] = ours[..] {
        report.at_most("ours at 1 MB / ours at 100 kB", ratio(at_1_mb, at_100_kb), 2.0);
    }
    paste(report);
}

/// Characters at random places, typed by somebody who is not among the authors yet.
fn typed(worn: &mut Worn, byte: u8, count: usize) -> (Vec<Change>, Vec<Duration>) {
    let mut writer = worn.document.clone();
    let author = Author::Session(actor(byte));
    let mut changes = Vec::new();
    let mut times = Vec::new();
    for _ in 0..count {
        let edit = insert(worn.random_place(), "y");
        let (time, edited) = timed(|| writer.edit(author, &[edit], 0).expect("an edit that fits"));
        changes.extend(edited.changes);
        times.push(time);
    }
    (changes, times)
}

fn local(worn: &mut Worn) -> Duration {
    median(typed(worn, 8, CHARACTERS).1)
}

fn remote(worn: &mut Worn) -> Duration {
    let (changes, _) = typed(worn, 9, CHARACTERS);
    // In a large document this is a matter of caches, which other programs spoil: the best round counts.
    let rounds = (0..ROUNDS).map(|_| {
        let mut reader = worn.document.clone();
        let times = changes.iter().map(|change| {
            let apply = || {
                let parsed = Change::parse(change.bytes()).expect("a change of ours");
                reader.apply(&parsed, &actor(9)).expect("a change that fits")
            };
            timed(apply).0
        });
        median(times.collect())
    });
    rounds.min().unwrap_or_default()
}

fn automerge_remote(worn: &mut Worn, count: usize) -> Duration {
    let mut document = in_automerge(&worn.changes);
    let (changes, _) = typed(worn, 9, count);
    let times = changes
        .iter()
        .map(|change| timed(|| document.apply_changes([to_automerge(change)]).expect("a change of ours")).0);
    median(times.collect())
}

fn paste(report: &mut Report) {
    let worn = Worn::new(100_000, 20_000);
    report.section("100,000 characters pasted into a document of 100,000");
    let text: String = "0123456789abcdefghijklmnopqrstuvwxyz{}()\n".chars().cycle().take(100_000).collect();
    let (local, changes) = best_of(5, || {
        let mut document = worn.document.clone();
        let author = Author::Session(actor(9));
        let (time, edited) = timed(|| document.edit(author, &[insert(50_000, &text)], 0).expect("a paste"));
        (time, edited.changes)
    })
    .1;
    report.time("ours, local", local);
    report.text("changes", &changes.len().to_string());
    let mut times = Vec::new();
    for _ in 0..5 {
        let mut document = worn.document.clone();
        let apply = || {
            for change in &changes {
                let parsed = Change::parse(change.bytes()).expect("a change of ours");
                document.apply(&parsed, &actor(9)).expect("a change that fits");
            }
        };
        times.push(timed(apply).0);
    }
    report.time("ours, remote", median(times));
    genesis(report);
}

fn genesis(report: &mut Report) {
    report.section("a document made of its base text");
    for size in [10_000, 100_000, 1_000_000, 10_000_000] {
        let text: String = "fn main() { println!(); }\n".chars().cycle().take(size).collect();
        let (time, _) = best_of(3, || TextDocument::new(DOCUMENT, &text).expect("a base text"));
        report.text(&format!("{size} characters"), &show(time));
    }
}
