//! Whole sessions: a change for every edit, against engines that make none.

use diamond_types::list::ListCRDT;
use loro::LoroDoc;
use weft_crdt::{Applied, Author, Change, TextDocument};

use crate::document::{DOCUMENT, actor};
use crate::report::{Report, best_of, ratio, timed};
use crate::trace::Trace;

const RUNS: usize = 3;

pub(crate) fn run(report: &mut Report) {
    for trace in Trace::all() {
        report.section(&format!("session {} ({} edits)", trace.name, trace.edits.len()));
        let (local, chunks) = best_of(RUNS, || ours_local(&trace));
        report.time("ours, local: a change with its hash for every edit", local);
        report.time("  each", local / trace.edits.len() as u32);
        let (remote, text) = best_of(RUNS, || ours_remote(&trace, &chunks));
        assert_eq!(text, trace.end, "text of the session by changes");
        report.time("ours, remote: every change read, checked and applied", remote);
        report.time("  each", remote / trace.edits.len() as u32);
        report.text("  bytes of all changes", &chunks.bytes.len().to_string());

        let (loro, text) = best_of(RUNS, || loro(&trace, false));
        assert_eq!(text, trace.end, "text of the session by loro");
        let (loro_commits, _) = timed(|| self::loro(&trace, true));
        let (diamond, text) = best_of(RUNS, || diamond_types(&trace));
        assert_eq!(text, trace.end, "text of the session by diamond-types");
        report.time("loro, local, one commit at the end", loro);
        report.time("loro, local, a commit for every edit", loro_commits);
        report.time("diamond-types, local", diamond);
        report.at_most("ours local / loro", ratio(local, loro), 4.0);
        report.at_most("ours remote / loro local", ratio(remote, loro), 4.0);
    }
}

/// Changes one behind the other, as in a log.
#[derive(Default)]
struct Log {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

fn ours_local(trace: &Trace) -> Log {
    let mut document = TextDocument::new(DOCUMENT, &trace.start).expect("a base text");
    let author = Author::Session(actor(1));
    let mut log = Log::default();
    for edit in &trace.edits {
        let edited = document.edit(author, std::slice::from_ref(edit), 0).expect("an edit that fits");
        for change in &edited.changes {
            log.bytes.extend_from_slice(change.bytes());
            log.ends.push(log.bytes.len());
        }
    }
    assert_eq!(document.text(), trace.end, "text of the session");
    log
}

fn ours_remote(trace: &Trace, chunks: &Log) -> String {
    let mut document = TextDocument::new(DOCUMENT, &trace.start).expect("a base text");
    let log = actor(1);
    let mut from = 0;
    for end in &chunks.ends {
        let chunk = &chunks.bytes[from..*end];
        from = *end;
        let change = Change::parse(chunk).expect("a change of ours");
        let applied = document.apply(&change, &log).expect("a change that fits");
        assert!(matches!(applied, Applied::Applied(_)), "a change that is new");
    }
    document.text()
}

fn loro(trace: &Trace, commits: bool) -> String {
    let document = LoroDoc::new();
    let text = document.get_text("text");
    text.insert(0, &trace.start).expect("a base text");
    for edit in &trace.edits {
        if edit.delete > 0 {
            text.delete(edit.at.0, edit.delete).expect("a deletion that fits");
        }
        if !edit.insert.is_empty() {
            text.insert(edit.at.0, &edit.insert).expect("an insertion that fits");
        }
        if commits {
            document.commit();
        }
    }
    document.commit();
    text.to_string()
}

fn diamond_types(trace: &Trace) -> String {
    let mut document = ListCRDT::new();
    let agent = document.get_or_create_agent_id("one");
    if !trace.start.is_empty() {
        document.insert(agent, 0, &trace.start);
    }
    for edit in &trace.edits {
        if edit.delete > 0 {
            document.delete(agent, edit.at.0..edit.at.0 + edit.delete);
        }
        if !edit.insert.is_empty() {
            document.insert(agent, edit.at.0, &edit.insert);
        }
    }
    document.branch.content().to_string()
}
