//! Plays whole devices under faults, any number of seeds:
//!
//! ```text
//! cargo run -p weft-simulations --example faults -- --seeds 1000              # seeds 0 to 999, 2 to 6 devices
//! cargo run -p weft-simulations --example faults -- --from 5000 --seeds 100 --devices 12
//! cargo run -p weft-simulations --example faults -- --seed 17 --devices 5     # one seed, with what it came to
//! cargo run -p weft-simulations --example faults -- --seed 17 --devices 5 --minimise
//! cargo run -p weft-simulations --example faults -- --only-edits                # nothing is moved or deleted
//! cargo run -p weft-simulations --example faults -- --measure                 # copies and bytes without faults
//! ```
#![expect(clippy::print_stdout, reason = "a program that prints")]

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Instant;

use weft_simulations::whole::{Report, Script, Size, minimise, run};

/// Runs that minimising a failure may take.
const MINIMISE_RUNS_MAX: usize = 150;

#[derive(Default)]
struct Wanted {
    seed: Option<u64>,
    from: u64,
    seeds: u64,
    devices: Option<usize>,
    acts: Option<usize>,
    faults: Option<usize>,
    skipped: BTreeSet<usize>,
    minimises: bool,
    measures: bool,
    only_edits: bool,
}

fn wanted() -> Result<Wanted, String> {
    let mut wanted = Wanted { seeds: 100, ..Wanted::default() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || -> Result<u64, String> {
            let text = words.next().ok_or(format!("{word} takes a number"))?;
            text.parse().map_err(|_| format!("{word} takes a number, not {text}"))
        };
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        match word.as_str() {
            "--seed" => wanted.seed = Some(number()?),
            "--from" => wanted.from = number()?,
            "--seeds" => wanted.seeds = number()?,
            "--devices" => wanted.devices = Some(size(number()?)),
            "--acts" => wanted.acts = Some(size(number()?)),
            "--faults" => wanted.faults = Some(size(number()?)),
            "--skip" => {
                let list = words.next().ok_or("--skip takes numbers with commas")?;
                for part in list.split(',') {
                    wanted.skipped.insert(part.parse().map_err(|_| format!("{part} is no number"))?);
                }
            }
            "--minimise" => wanted.minimises = true,
            "--measure" => wanted.measures = true,
            "--only-edits" => wanted.only_edits = true,
            other => return Err(format!("{other} is not known; the head of this example tells what is")),
        }
    }
    Ok(wanted)
}

impl Wanted {
    fn script(&self, seed: u64) -> Script {
        // Two to six devices, in turn.
        let usual = 2 + usize::try_from(seed % 5).unwrap_or(0);
        let mut size = Size::of(self.devices.unwrap_or(usual));
        size.acts = self.acts.unwrap_or(size.acts);
        size.faults = self.faults.unwrap_or(size.faults);
        size.only_edits = self.only_edits;
        Script::new(seed, size, self.skipped.clone())
    }
}

fn main() -> ExitCode {
    let wanted = match wanted() {
        Ok(wanted) => wanted,
        Err(error) => {
            println!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if wanted.measures {
        measure();
        return ExitCode::SUCCESS;
    }
    let seeds = match wanted.seed {
        Some(seed) => seed..seed + 1,
        None => wanted.from..wanted.from + wanted.seeds,
    };
    // A panic is one more way to fail, told like the others.
    std::panic::set_hook(Box::new(|info| {
        if let Some(place) = info.location() {
            println!("panic at {place}");
        }
    }));
    let begun = Instant::now();
    let mut all = Totals::default();
    for seed in seeds {
        let script = wanted.script(seed);
        let result = run(&script, None);
        all.take(&result.as_ref().ok().cloned());
        match result {
            Ok(report) if wanted.seed.is_some() => println!("seed {seed}: {report:#?}"),
            Ok(_) => {}
            Err(failure) => {
                println!("seed {seed} fails: {:?}: {}", failure.invariant, failure.text);
                let shown = if wanted.minimises { minimise(&script, MINIMISE_RUNS_MAX) } else { script };
                println!("  {}", shown.command());
                if wanted.minimises {
                    shown.steps.iter().for_each(|step| println!("  {step:?}"));
                }
            }
        }
    }
    all.print(begun.elapsed().as_secs_f64());
    if all.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Default)]
struct Totals {
    runs: usize,
    failed: usize,
    acts: usize,
    faults: usize,
    acknowledged: usize,
    expected: usize,
    comparisons: usize,
    doubled: usize,
    settle_millis: Vec<u64>,
}

impl Totals {
    fn take(&mut self, report: &Option<Report>) {
        self.runs += 1;
        let Some(report) = report else {
            self.failed += 1;
            return;
        };
        self.acts += report.acts;
        self.faults += report.faults;
        self.acknowledged += report.acknowledged;
        self.expected += report.expected;
        self.comparisons += report.comparisons;
        self.doubled += report.doubled;
        self.settle_millis.push(report.settle_millis);
    }

    fn print(&self, seconds: f64) {
        let mut times = self.settle_millis.clone();
        times.sort_unstable();
        let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
        println!(
            "{} seeds, {} failed, {} acts, {} faults; {} words acknowledged, {} of them not taken out again, \
             all of those found on every device; {} comparisons along the way; {} words twice in one file; \
             agreed {:?} ms (median), {:?} ms (p99), {:?} ms (most) after healing; {seconds:.0} s",
            self.runs,
            self.failed,
            self.acts,
            self.faults,
            self.acknowledged,
            self.expected,
            self.comparisons,
            self.doubled,
            at(50).copied().unwrap_or(0),
            at(99).copied().unwrap_or(0),
            times.last().copied().unwrap_or(0),
        );
    }
}

/// What replication costs when nothing goes wrong.
fn measure() {
    for devices in [5, 12, 30] {
        let size = Size { devices, acts: 20, faults: 0, busy_millis: 60_000, only_edits: true };
        match run(&Script::new(1, size, BTreeSet::new()), None) {
            Ok(report) => println!(
                "{devices} devices: {:.3} copies of an entry per device, {} frames, {} bytes on the wire, \
                 {} acts",
                report.copies, report.wire_frames, report.wire_bytes, report.acts
            ),
            Err(failure) => println!("{devices} devices: {failure:?}"),
        }
    }
}
