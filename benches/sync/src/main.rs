//! What sharing a folder costs, against the least it could cost: bare parts measured in the same run.
//!
//! Two real nodes on loopback, each a process of its own. `WEFT_BENCH_DIR` names the disk to measure on (else the
//! temporary folder); `WEFT_BIN` names the program.

mod bound;
mod cost;
mod folder;
mod join;
mod live;
mod pair;
mod save;
mod socket;

use std::{env, error::Error, process::ExitCode};

use weft_bench_report::Report;

/// Anything that keeps a figure from being measured.
type Outcome<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "\
Usage: sync [join] [save] [edit] [crowd] [cost]

Measures all of it, or the named parts:
  join   the first copy of 2,000 small files and of 100 MB in 10,000 files
  save   from a save on one disk to the bytes on the other
  edit   from an edit in one program to the word of it in another's
  crowd  twelve devices editing one file
  cost   processor time of an edit at 100 and at 10,000 files; a start; memory and time of doing nothing";

/// Something that is measured, by the name that asks for it.
type Part = (&'static str, fn(&mut Report, &folder::Disk) -> Outcome<()>);

const PARTS: [Part; 5] = [
    ("join", join::run),
    ("save", save::run),
    ("edit", live::pair),
    ("crowd", live::crowd),
    ("cost", cost::run),
];

#[expect(clippy::print_stderr, reason = "a benchmark talks to its caller")]
fn main() -> ExitCode {
    let wanted: Vec<String> = env::args().skip(1).collect();
    if wanted.iter().any(|wanted| PARTS.iter().all(|(name, _)| name != wanted)) {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let disk = match folder::Disk::new() {
        Ok(disk) => disk,
        Err(error) => {
            eprintln!("error: there is no folder to measure in: {error}; WEFT_BENCH_DIR names one");
            return ExitCode::FAILURE;
        }
    };
    let mut report = Report::new();
    for (name, measure) in PARTS {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| wanted == name) {
            continue;
        }
        if let Err(error) = measure(&mut report, &disk) {
            eprintln!("error: not everything could be measured: {name}: {error}");
            return ExitCode::FAILURE;
        }
    }
    report.finish()
}
