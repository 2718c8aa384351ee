//! Finding text, beside ripgrep.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use weft_bench_report::{Report, median, ratio, show};
use weft_index_disk::TextSearch;

use crate::build::Built;
use crate::corpus::Corpus;
use crate::queries::{Query, by_hand, drawn};

/// Queries with at most so many lines are taken for those of somebody who looks for a place.
const SELECTIVE_LINES: usize = 300;

/// A query that takes longer is shown, whoever made it.
const SLOW: Duration = Duration::from_millis(5);

type Found = BTreeSet<(String, u64)>;

struct Measured {
    /// The first time, when nothing of it was looked for before.
    first: Duration,
    own: Duration,
    ripgrep: Duration,
    lines: usize,
    read: usize,
}

pub(crate) fn run(corpus: &Corpus, built: &Built, report: &mut Report) {
    report.section("finding text (own, the first time; own, again; ripgrep; first times as fast; lines; files looked into)");
    let mut selective = Vec::new();
    for (query, is_shown) in by_hand()
        .into_iter()
        .map(|query| (query, true))
        .chain(drawn(corpus, 60).into_iter().map(|query| (query, false)))
    {
        let measured = measure(corpus, built, &query);
        let factor = ratio(measured.ripgrep, measured.first);
        if is_shown || measured.first > SLOW {
            let text = format!(
                "{} {} {} {factor:.0}× {} {}",
                show(measured.first),
                show(measured.own),
                show(measured.ripgrep),
                measured.lines,
                measured.read
            );
            report.text(&format!("{} {}", query.text, query.flags.join(" ")), &text);
        }
        // Of two letters no index knows anything: every file is looked into.
        if measured.lines <= SELECTIVE_LINES && query.text.len() >= 3 {
            selective.push(measured);
        }
    }
    report.section(&format!("the {} of them with at most {SELECTIVE_LINES} lines", selective.len()));
    let times = |of: fn(&Measured) -> Duration| selective.iter().map(of).collect::<Vec<_>>();
    let (own, ripgrep) = (times(|measured| measured.own), times(|measured| measured.ripgrep));
    let first = times(|measured| measured.first);
    report.time("own, the first time, median", median(first.clone()));
    report.time("own, the first time, 95 of 100", percentile(first.clone(), 95));
    report.time("own, again, median", median(own.clone()));
    report.time("own, again, 95 of 100", percentile(own.clone(), 95));
    report.time("own, again, slowest", percentile(own.clone(), 100));
    report.time("ripgrep, median", median(ripgrep.clone()));
    report.at_least(
        "ripgrep / own, the first time, medians",
        ratio(median(ripgrep.clone()), median(first)),
        20.0,
    );
    report.at_least(
        "ripgrep / own, again, medians",
        ratio(median(ripgrep.clone()), median(own.clone())),
        20.0,
    );
    let slow = ratio(median(ripgrep), percentile(own, 95));
    report.at_least("ripgrep, median / own, again, 95 of 100", slow, 10.0);
}

pub(crate) fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort_unstable();
    let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(at).copied().unwrap_or_default()
}

fn measure(corpus: &Corpus, built: &Built, query: &Query) -> Measured {
    let mut times = Vec::new();
    let mut last = (Found::new(), 0);
    for _ in 0..3 {
        let start = Instant::now();
        let (found, read) = own(corpus, built, query);
        times.push(start.elapsed());
        last = (found.into_iter().collect(), read);
    }
    let (own, read) = last;
    let mut of_ripgrep = Vec::new();
    for _ in 0..3 {
        let start = Instant::now();
        // It only counts, so that it does not spend its time on writing what we would read.
        ripgrep(corpus, query, &["--count"]);
        of_ripgrep.push(start.elapsed());
    }
    let expected =
        lines(&ripgrep(corpus, query, &["--line-number", "--null", "--with-filename", "--replace="]));
    assert_eq!(own.difference(&expected).next(), None, "{} {:?}: ripgrep lacks it", query.text, query.flags);
    assert_eq!(
        expected.difference(&own).next(),
        None,
        "{} {:?}: only ripgrep has it",
        query.text,
        query.flags
    );
    Measured { first: times[0], own: median(times), ripgrep: median(of_ripgrep), lines: own.len(), read }
}

fn own(corpus: &Corpus, built: &Built, query: &Query) -> (Vec<(String, u64)>, usize) {
    let pattern = query.pattern();
    let is_ended = AtomicBool::new(false);
    let search = TextSearch { pattern: &pattern, lines_max: usize::MAX, is_in: None, is_ended: &is_ended };
    let mut found = Vec::new();
    let end = built.index.search(&search, &|path, into| corpus.read_into(path, into), &mut |file| {
        found.extend(file.lines.iter().map(|line| (file.path.to_string(), line.number)));
    });
    (found, end.expect("an index").files_read)
}

fn ripgrep(corpus: &Corpus, query: &Query, flags: &[&str]) -> Vec<u8> {
    let output = Command::new("rg")
        .args([
            "--no-config",
            "--no-ignore",
            "--hidden",
            "--no-heading",
            "--color=never",
            "--max-filesize=16M",
        ])
        .args(flags)
        .args(&query.flags)
        .args(["-e", &query.text])
        .args(&corpus.crates)
        .current_dir(&corpus.root)
        .output()
        .expect("ripgrep, the program rg");
    assert!(output.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn lines(output: &[u8]) -> Found {
    let lines = output.split(|byte| *byte == b'\n').filter_map(|line| {
        let at = line.iter().position(|byte| *byte == 0)?;
        let number = line[at + 1..].split(|byte| *byte == b':').next()?;
        let number = std::str::from_utf8(number).ok()?.parse().ok()?;
        Some((String::from_utf8_lossy(&line[..at]).into_owned(), number))
    });
    lines.collect()
}
