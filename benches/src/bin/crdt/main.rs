//! What the document engine costs, against Automerge, Loro and diamond-types in the same run.
//!
//! Times are the processor time of this thread. Bounds are ratios within the run, so they hold on any machine; the
//! program ends with an error when one is exceeded. `WEFT_TRACES` names a folder of recorded editing sessions
//! (`*.json.gz`); without it a typing session is made up.

mod document;
mod load;
mod merge;
mod remote;

mod trace;
mod traces;

use std::process::ExitCode;

use weft_bench_report::Report;

fn main() -> ExitCode {
    let mut report = Report::new();
    traces::run(&mut report);
    remote::run(&mut report);
    load::run(&mut report);
    merge::run(&mut report);
    report.finish()
}
