//! Opening a document.

use weft_crdt::TextDocument;

use crate::document::{DOCUMENT, Worn, in_automerge};
use weft_bench_report::{Report, best_of, ratio};

pub(crate) fn run(report: &mut Report) {
    let worn = Worn::new(1_000_000, 20_000);
    report.section("opening a document of 1,000,000 characters with 20,000 changes");
    let (write, snapshot) = best_of(5, || worn.document.snapshot());
    report.time("ours, snapshot written", write);
    report.text("  bytes", &snapshot.len().to_string());
    let load = || TextDocument::from_snapshot(DOCUMENT, &snapshot).expect("a snapshot of ours");
    let (ours, loaded) = best_of(5, load);
    assert_eq!(loaded.heads(), worn.document.heads(), "heads of the snapshot");
    report.time("ours, from the snapshot", ours);
    let theirs = in_automerge(&worn.changes);
    let saved = theirs.save();
    report.text("automerge, bytes", &saved.len().to_string());
    let (automerge, _) = best_of(3, || automerge::Automerge::load(&saved).expect("what automerge saved"));
    report.time("automerge, load", automerge);
    report.at_most("ours / automerge", ratio(ours, automerge), 0.1);
}
