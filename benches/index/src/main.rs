//! What it takes to index source code, and how soon something is found in it: beside reading the files, and beside
//! ripgrep, on the same files in the same run.

mod build;
mod corpus;
mod queries;
mod room;
mod symbols;
mod text;
mod updates;
mod vectors;

use std::process::ExitCode;

use weft_bench_report::Report;

fn main() -> ExitCode {
    let lines = std::env::args().nth(1).and_then(|number| number.parse().ok()).unwrap_or(1_000_000);
    let mut report = Report::new();
    if std::env::args().nth(1).as_deref() == Some("vectors") {
        vectors::run(&mut report);
        return report.finish();
    }
    let corpus = corpus::Corpus::gather(lines, &mut report);
    let built = build::run(&corpus, &mut report);
    text::run(&corpus, &built, &mut report);
    symbols::run(&corpus, &built, &mut report);
    room::run(&corpus, &built, &mut report);
    updates::run(&corpus, &built, &mut report);
    vectors::run(&mut report);
    report.finish()
}
