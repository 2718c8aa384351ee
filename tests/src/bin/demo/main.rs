//! `./dev demo`: two devices on this machine edit one real folder.
//!
//! Everything here is done by the real program in processes of its own: two data folders, two nodes, one ticket. The
//! story is in `story`, the folder it is about in `sources`, and how it is told in `report`. It ends with an exit code
//! other than zero when the two folders differ in one byte.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the report is what this program is for")]

mod report;
mod sources;
mod story;

use std::{env, path::Path, process::ExitCode};

use self::{report::Report, story::DemoError};

const USAGE: &str = "\
Usage: weft-demo [--keep]

Two devices on this machine share one real folder, edit it at the same time and apart, and end up equal.
--keep leaves the folders where they are, to look at and to play with.";

fn main() -> ExitCode {
    let mut keeps = false;
    for argument in env::args().skip(1) {
        match argument.as_str() {
            "--keep" => keeps = true,
            "--help" | "-h" => {
                println!("{USAGE}");
                return ExitCode::SUCCESS;
            }
            other => {
                eprintln!("unknown argument: {other}\n\n{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    let report = Report::new();
    match run(&report, keeps) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report.failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(report: &Report, keeps: bool) -> Result<(), DemoError> {
    let mut folder = tempfile::Builder::new().prefix("weft-demo-").tempdir()?;
    // After a failure the folders are what explains it.
    folder.disable_cleanup(true);
    let result = story::tell(folder.path(), report);
    if keeps || result.is_err() {
        report.kept(folder.path(), result.is_ok());
    } else {
        remove(folder.path(), report);
    }
    result
}

fn remove(folder: &Path, report: &Report) {
    if let Err(error) = std::fs::remove_dir_all(folder) {
        report.line(&format!("{} could not be removed: {error}", folder.display()));
    }
}
