//! What sharing a folder costs, against the least it could cost: bare parts measured in the same run.
//!
//! Two real nodes on loopback, each a process of its own. `WEFT_BENCH_DIR` names the disk to measure on (else the
//! temporary folder); `WEFT_BIN` names the program.

mod bound;
mod cost;
mod folder;
mod join;
mod pair;
mod save;

use std::{env, error::Error, process::ExitCode};

use weft_bench_report::Report;

/// Anything that keeps a figure from being measured.
type Outcome<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "\
Usage: sync [join] [save] [cost]

Measures all of it, or the named parts:
  join   the first copy of 2,000 small files and of 100 MB in 10,000 files
  save   from a save on one disk to the bytes on the other
  cost   processor time of an edit at 100 and at 10,000 files, and of doing nothing";

#[expect(clippy::print_stderr, reason = "a benchmark talks to its caller")]
fn main() -> ExitCode {
    let wanted: Vec<String> = env::args().skip(1).collect();
    if wanted.iter().any(|part| !["join", "save", "cost"].contains(&part.as_str())) {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == part);
    let mut report = Report::new();
    let mut measured: Outcome<()> = Ok(());
    if wants("join") {
        measured = measured.and_then(|()| join::run(&mut report));
    }
    if wants("save") {
        measured = measured.and_then(|()| save::run(&mut report));
    }
    if wants("cost") {
        measured = measured.and_then(|()| cost::run(&mut report));
    }
    if let Err(error) = measured {
        eprintln!("error: not everything could be measured: {error}");
        return ExitCode::FAILURE;
    }
    report.finish()
}
