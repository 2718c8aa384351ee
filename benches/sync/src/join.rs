//! The first copy.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use weft_bench_report::{Report, median, ratio};

use crate::{
    Outcome, bound,
    folder::{self, Disk},
    pair::{PATIENCE, Pair},
};

const RUNS: usize = 3;
/// A join may take this many times as long as the bare copy.
const RATIO_MAX: f64 = 1.5;
const FIRST_FILE_SECONDS_MAX: f64 = 0.3;
const PEAK_MEGABYTES_MAX: f64 = 100.0;

pub(crate) fn run(report: &mut Report, disk: &Disk) -> Outcome<()> {
    one(report, disk, "Join: 2,000 files of 2 KiB", 2_000, 2 * 1024)?;
    one(report, disk, "Join: 100 MB in 10,000 files", 10_000, 10_000)
}

fn one(report: &mut Report, disk: &Disk, title: &str, files: usize, bytes: usize) -> Outcome<()> {
    report.section(title);
    let (mut weft, mut bare, mut first) = (Vec::new(), Vec::new(), Vec::new());
    let mut peak = (0, 0);
    for _ in 0..RUNS {
        let pair = Pair::new(disk, files, bytes)?;
        let copy = pair.beside();
        bare.push(bound::copy(&pair.ana_root(), &copy)?);
        let ticket = pair.ticket()?;
        let (took, visible) = join(&pair, &ticket)?;
        weft.push(took);
        first.push(visible);
        if folder::size(&pair.ben_root())? != folder::size(&pair.ana_root())? {
            return Err("Ben's folder is not whole after the join".into());
        }
        let memory = |device: &weft_tests::Device| {
            device.node().and_then(weft_tests::NodeProcess::peak_memory).unwrap_or_default()
        };
        peak = (peak.0.max(memory(&pair.ana)), peak.1.max(memory(&pair.ben)));
    }
    let (weft, bare) = (median(weft), median(bare));
    report.time("weft join, the whole command", weft);
    report.time("bare copy: connect, receive, one log, one flush, files", bare);
    report.at_most("join, times the bare copy", ratio(weft, bare), RATIO_MAX);
    let first = median(first).as_secs_f64();
    report.at_most("first file visible after, seconds", first, FIRST_FILE_SECONDS_MAX);
    report.at_most("peak memory of Ana's node, MB", peak.0 as f64 / 1e6, PEAK_MEGABYTES_MAX);
    report.at_most("peak memory of Ben's node, MB", peak.1 as f64 / 1e6, PEAK_MEGABYTES_MAX);
    Ok(())
}

/// Joins, and looks on meanwhile for the first file.
fn join(pair: &Pair, ticket: &str) -> Outcome<(Duration, Duration)> {
    let ended = AtomicBool::new(false);
    let begin = Instant::now();
    thread::scope(|scope| {
        let look = scope.spawn(|| {
            let root = pair.ben_root();
            while !ended.load(Ordering::Relaxed) && begin.elapsed() < PATIENCE {
                if has_file(&root) {
                    break;
                }
                thread::sleep(Duration::from_millis(5));
            }
            begin.elapsed()
        });
        let took = pair.join(ticket);
        ended.store(true, Ordering::Relaxed);
        let visible = look.join().map_err(|_| "the look-out failed")?;
        Ok((took?, visible))
    })
}

/// Whether any file lies in a folder of the root.
fn has_file(root: &std::path::Path) -> bool {
    let folders = fs::read_dir(root).into_iter().flatten().flatten();
    folders.filter_map(|folder| fs::read_dir(folder.path()).ok()).flatten().flatten().next().is_some()
}
