//! Processor time of an edit, whatever the size of the folder, and of doing nothing.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use weft_bench_report::{Report, median, ratio};
use weft_tests::Device;

use crate::{
    Outcome,
    folder::Disk,
    pair::{PATIENCE, Pair, memory, processor_time},
};

const EDITS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(120);
/// How much more an edit may cost in a folder with a hundred times as many files.
const GROWTH_MAX: f64 = 1.5;
const IDLE: Duration = Duration::from_secs(60);
const IDLE_PERCENT_MAX: f64 = 0.3;
const IDLE_MEGABYTES_MAX: f64 = 80.0;
const START_SECONDS_MAX: f64 = 0.5;

pub(crate) fn run(report: &mut Report, disk: &Disk) -> Outcome<()> {
    report.section("Cost: processor time of both nodes");
    let few = joined(disk, 100)?;
    let small = edit(&few)?;
    drop(few);
    let mut many = joined(disk, 10_000)?;
    let large = edit(&many)?;
    report.time("an edit among 100 files", small);
    report.time("an edit among 10,000 files", large);
    report.at_most("10,000 files, times the cost at 100", ratio(large, small), GROWTH_MAX);
    idle(report, &mut many)
}

/// Nodes that were started again, as on any morning: with the local network's search, and nothing to do.
fn idle(report: &mut Report, pair: &mut Pair) -> Outcome<()> {
    report.section("Start and rest: 10,000 files, discovery on");
    let mut starts = Vec::new();
    for _ in 0..5 {
        for device in [&mut pair.ana, &mut pair.ben] {
            device.stop_node()?;
            starts.push(device.start_node_with(&["--lan", "on"])?.ready_after);
        }
    }
    report.at_most("from start to ready, seconds", median(starts).as_secs_f64(), START_SECONDS_MAX);
    pair.settle()?;
    thread::sleep(Duration::from_secs(10));
    let used = |device: &Device| device.node().map(|node| processor_time(node.pid())).unwrap_or_default();
    let before = [used(&pair.ana), used(&pair.ben)];
    thread::sleep(IDLE);
    for ((name, device), before) in [("Ana", &pair.ana), ("Ben", &pair.ben)].into_iter().zip(before) {
        let share = ratio(used(device) - before, IDLE) * 100.0;
        report.at_most(&format!("{name} doing nothing for 60 s, % of a core"), share, IDLE_PERCENT_MAX);
        let held = device.node().map_or(0, |node| memory(node.pid()));
        report.at_most(&format!("{name} doing nothing, MB"), held as f64 / 1e6, IDLE_MEGABYTES_MAX);
    }
    Ok(())
}

fn joined(disk: &Disk, files: usize) -> Outcome<Pair> {
    let pair = Pair::new(disk, files, 2 * 1024)?;
    let ticket = pair.ticket()?;
    pair.join(&ticket)?;
    pair.settle()?;
    // What a join leaves to be done has its time.
    thread::sleep(Duration::from_secs(5));
    Ok(pair)
}

fn edit(pair: &Pair) -> Outcome<Duration> {
    let (from, to) =
        (pair.ana_root().join("part000/file00001.rs"), pair.ben_root().join("part000/file00001.rs"));
    let mut before = Duration::ZERO;
    for round in 0..=EDITS {
        // The first edit makes the document.
        if round == 1 {
            before = pair.processor_time();
        }
        let text = format!("// Edit {round}.\n{}", fs::read_to_string(&from)?);
        fs::write(&from, &text)?;
        let begin = Instant::now();
        while fs::read(&to).is_ok_and(|found| found != text.as_bytes()) {
            if begin.elapsed() > PATIENCE {
                return Err("an edit did not arrive".into());
            }
            thread::sleep(Duration::from_millis(2));
        }
        thread::sleep(PAUSE);
    }
    Ok((pair.processor_time() - before) / EDITS)
}
