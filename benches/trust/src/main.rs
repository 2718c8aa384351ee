//! What it costs to check entries, and to say who is in and what counts: beside the least that it could cost, measured
//! in the same run.

mod entries;
mod team;
mod throughput;
mod valid;

use std::process::ExitCode;

use weft_bench_report::Report;

fn main() -> ExitCode {
    let mut report = Report::new();
    entries::run(&mut report);
    valid::run(&mut report);
    throughput::run(&mut report);
    report.finish()
}
