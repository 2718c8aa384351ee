//! Building an index.

use std::time::{Duration, Instant};

use weft_bench_report::{Report, now, ratio};
use weft_index_disk::{Index, IndexKey, Listed, Version};

use crate::corpus::Corpus;

/// An index, and the folder that it lies in.
pub(crate) struct Built {
    pub(crate) index: Index,
    _folder: tempfile::TempDir,
}

pub(crate) fn key() -> IndexKey {
    IndexKey::derive(&[1; 32], &[2; 32])
}

pub(crate) fn run(corpus: &Corpus, report: &mut Report) -> Built {
    report.section("building the index of the text");
    let read = reading(corpus);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("index.db");
    let index = Index::open(&path, &key()).expect("an index");
    let (start, processor) = (Instant::now(), now());
    let listed =
        corpus.files.iter().map(|path| Listed { path: path.as_str().into(), version: Version([1; 16]) });
    let unread = index.list(listed);
    let mut first = None;
    for file in &unread {
        index.put(&file.path, file.version, &corpus.read(&file.path)).expect("a file");
        if first.is_none() && index.status().is_ok_and(|status| status.segments > 0) {
            first = Some(start.elapsed());
        }
    }
    index.flush().expect("a database");
    let (time, processor) = (start.elapsed(), now() - processor);
    report.time("reading every file and counting its lines", read);
    report.time("building", time);
    report.time("  of which this thread computed", processor);
    report.time("  until the first part was searchable by the index", first.unwrap_or(time));
    report.text("lines in a second", &format!("{:.0}", corpus.lines as f64 / time.as_secs_f64()));
    report.at_most("building / reading", ratio(time, read), 20.0);
    let start = Instant::now();
    index.compact().expect("a database");
    report.time("making one part of all", start.elapsed());
    let status = index.status().expect("a database");
    report.text("bytes of the database", &status.database_bytes.to_string());
    report.at_most("database / text", status.database_bytes as f64 / corpus.bytes as f64, 0.20);
    report.text("memory of this process, megabytes", &memory("VmRSS"));
    report.text("  the most it was", &memory("VmHWM"));
    drop(index);
    let start = Instant::now();
    let index = Index::open(&path, &key()).expect("the index");
    report.time("opening it again", start.elapsed());
    let listed =
        corpus.files.iter().map(|path| Listed { path: path.as_str().into(), version: Version([1; 16]) });
    assert!(index.list(listed).is_empty(), "it knows everything from before");
    Built { index, _folder: folder }
}

/// The least that building could cost.
fn reading(corpus: &Corpus) -> Duration {
    let start = Instant::now();
    let lines: usize =
        corpus.files.iter().map(|path| corpus.read(path).iter().filter(|byte| **byte == b'\n').count()).sum();
    assert_eq!(lines as u64, corpus.lines, "the files have changed meanwhile");
    start.elapsed()
}

/// What the system says of this process.
pub(crate) fn memory(name: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    let kilobytes: u64 = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0);
    (kilobytes / 1_000).to_string()
}
