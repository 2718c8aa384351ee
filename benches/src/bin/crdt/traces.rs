//! Whole sessions with a change for every edit, as they are when people see each other type.
//!
//! Loro keeps its changes in memory, unhashed; with one commit at the end it keeps a single one.

use std::time::Duration;

use diamond_types::list::ListCRDT;
use loro::LoroDoc;
use weft_crdt::{Applied, Author, Change, TextDocument};

use crate::document::{DOCUMENT, actor};
use crate::trace::Trace;
use weft_bench_report::{Report, ratio, timed};

const ROUNDS: usize = 4;

/// The least time of each engine. They take turns, so that a busy machine is busy for all of them.
struct Times {
    local: Duration,
    remote: Duration,
    loro: Duration,
    loro_at_once: Duration,
    diamond: Duration,
}

pub(crate) fn run(report: &mut Report) {
    for trace in Trace::all() {
        report.section(&format!("session {} ({} edits)", trace.name, trace.edits.len()));
        let (times, bytes) = measure(&trace);
        let edits = trace.edits.len() as u32;
        report.time("ours, local: a change with its hash for every edit", times.local);
        report.time("  each", times.local / edits);
        report.time("ours, remote: every change read, checked and applied", times.remote);
        report.time("  each", times.remote / edits);
        report.text("  bytes of all changes", &bytes.to_string());
        report.time("loro, local: a commit for every edit", times.loro);
        report.time("loro, local: one commit at the end", times.loro_at_once);
        report.time("diamond-types, local", times.diamond);
        report.at_most("ours local / loro, a change for every edit", ratio(times.local, times.loro), 4.0);
        report.at_most("ours remote / loro local", ratio(times.remote, times.loro), 4.0);
        let at_once = ratio(times.local, times.loro_at_once);
        report.text("ours local / loro with one commit at the end", &format!("{at_once:.3}"));
    }
}

fn measure(trace: &Trace) -> (Times, usize) {
    let mut times = Times {
        local: Duration::MAX,
        remote: Duration::MAX,
        loro: Duration::MAX,
        loro_at_once: Duration::MAX,
        diamond: Duration::MAX,
    };
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        let (time, log) = timed(|| ours_local(trace));
        times.local = times.local.min(time);
        bytes = log.bytes.len();
        let take_turn = |best: &mut Duration, play: &dyn Fn() -> String| {
            let (time, text) = timed(play);
            assert_eq!(text, trace.end, "text at the end of the session");
            *best = time.min(*best);
        };
        take_turn(&mut times.remote, &|| ours_remote(trace, &log));
        take_turn(&mut times.loro, &|| loro(trace, true));
        take_turn(&mut times.loro_at_once, &|| loro(trace, false));
        take_turn(&mut times.diamond, &|| diamond_types(trace));
    }
    (times, bytes)
}

/// Changes one behind the other, as in a log.
struct Log {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

fn ours_local(trace: &Trace) -> Log {
    let mut document = TextDocument::new(DOCUMENT, &trace.start).expect("a base text");
    let author = Author::Session(actor(1));
    // As long as it will be, because growing it is no matter of the engine.
    let mut log = Log { bytes: Vec::with_capacity(trace.edits.len() * 160), ends: Vec::new() };
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
