//! Two people who were apart for long.

use std::time::Duration;

use weft_crdt::{Author, Change, TextDocument};

use crate::document::{DOCUMENT, actor, insert};
use weft_bench_report::{Report, best_of, ratio, timed};

pub(crate) fn run(report: &mut Report) {
    report.section("two people type apart and merge");
    let mut each = Vec::new();
    for count in [2_000, 20_000] {
        let (_, (time, text)) = best_of(3, || merge(count));
        report.time(&format!("{count} changes each, one side taken in by the other"), time);
        report.text("  characters", &text.to_string());
        each.push(time / count as u32);
        report.time("  each change", time / count as u32);
    }
    if let [short, long] = each[..] {
        report.at_most("each change at 20,000 / at 2,000", ratio(long, short), 2.0);
    }
}

fn merge(count: usize) -> (Duration, usize) {
    let base = "a line of text\n".repeat(100);
    let origin = TextDocument::new(DOCUMENT, &base).expect("a base text");
    let (mut ana, _) = typed(&origin, 1, count);
    let (_, from_ben) = typed(&origin, 2, count);
    let (time, ()) = timed(|| {
        for change in &from_ben {
            let parsed = Change::parse(change.bytes()).expect("a change of ours");
            ana.apply(&parsed, &actor(2)).expect("a change that fits");
        }
    });
    (time, ana.len_chars())
}

fn typed(origin: &TextDocument, byte: u8, count: usize) -> (TextDocument, Vec<Change>) {
    let mut document = origin.clone();
    let mut changes = Vec::with_capacity(count);
    let mut caret = usize::from(byte) * 300;
    for index in 0..count {
        if index % 50 == 0 {
            caret = (caret * 7 + index) % document.len_chars();
        }
        let edit = insert(caret, "z");
        caret += 1;
        changes.extend(
            document.edit(Author::Session(actor(byte)), &[edit], 0).expect("an edit that fits").changes,
        );
    }
    (document, changes)
}
