//! From a save to the other's disk.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use weft_bench_report::{Report, median, ratio};

use crate::{
    Outcome, bound,
    folder::Disk,
    pair::{PATIENCE, Pair, percentile},
};

const SAVES: usize = 60;
/// A person does not save faster; a file is written at most every 100 ms.
const PAUSE: Duration = Duration::from_millis(150);
/// Work above the bound that is allowed.
const WORK_MILLIS_MAX: f64 = 5.0;
/// How many times the median a slow one may take.
const P95_MAX: f64 = 3.0;
const BURST_SECONDS_MAX: f64 = 1.0;
const LOOK_EVERY: Duration = Duration::from_micros(200);

pub(crate) fn run(report: &mut Report, disk: &Disk) -> Outcome<()> {
    let pair = Pair::new(disk, 2_000, 2 * 1024)?;
    let ticket = pair.ticket()?;
    pair.join(&ticket)?;
    pair.settle()?;
    // A text that has become a document, as one has that people work on.
    let (ana, ben) =
        (pair.ana_root().join("part000/file00001.rs"), pair.ben_root().join("part000/file00001.rs"));
    save(&ana, &ben, 0)?;

    report.section("Save: from a save on one disk to the bytes on the other, 2,000 files");
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for round in 1..=SAVES {
        for (direction, (from, to)) in [(&ana, &ben), (&ben, &ana)].into_iter().enumerate() {
            thread::sleep(PAUSE);
            times[direction].push(save(from, to, round)?);
        }
        thread::sleep(PAUSE);
        times[2].push(save_by_rename(&ana, &ben, round)?);
    }
    let beside = pair.beside();
    let wake_up = bound::wake_up(&beside)?;
    let flush = bound::flush(&beside)?;
    let one_way = bound::one_way(600)?;
    let bound = wake_up + 2 * flush + one_way;
    report.time("bound: the watcher's word", wake_up);
    report.time("bound: append and flush, twice", 2 * flush);
    report.time("bound: bare transport, one way", one_way);
    for (name, times) in ["Ana to Ben", "Ben to Ana", "Ana to Ben, saved by rename"].into_iter().zip(times) {
        let p95 = percentile(&times, 95);
        let p50 = median(times);
        report.time(&format!("{name}: p50"), p50);
        report.time(&format!("{name}: p95"), p95);
        let work = (p50.as_secs_f64() - bound.as_secs_f64()) * 1e3;
        report.at_most(&format!("{name}: p50 above the bound, ms"), work, WORK_MILLIS_MAX);
        report.at_most(&format!("{name}: p95, times the p50"), ratio(p95, p50), P95_MAX);
    }
    let burst = burst(&pair)?.as_secs_f64();
    report.at_most("100 saves in one second: all there after, seconds", burst, BURST_SECONDS_MAX);
    Ok(())
}

/// Adds a line and waits until the other has it.
fn save(from: &Path, to: &Path, round: usize) -> Outcome<Duration> {
    let text = next_text(from, round)?;
    let begin = Instant::now();
    fs::write(from, &text)?;
    arrival(to, &text, begin)
}

fn save_by_rename(from: &Path, to: &Path, round: usize) -> Outcome<Duration> {
    let text = next_text(from, round)?;
    let temporary = PathBuf::from(format!("{}~", from.display()));
    let begin = Instant::now();
    fs::write(&temporary, &text)?;
    fs::rename(&temporary, from)?;
    arrival(to, &text, begin)
}

fn next_text(from: &Path, round: usize) -> Outcome<String> {
    let mut text = fs::read_to_string(from)?;
    let line_end = text.find('\n').map_or(0, |at| at + 1);
    text.insert_str(line_end, &format!("// Saved in round {round}.\n"));
    Ok(text)
}

fn arrival(to: &Path, text: &str, begin: Instant) -> Outcome<Duration> {
    while begin.elapsed() < PATIENCE {
        if fs::read(to).is_ok_and(|found| found == text.as_bytes()) {
            return Ok(begin.elapsed());
        }
        thread::sleep(LOOK_EVERY);
    }
    Err("a save did not arrive".into())
}

/// A hundred files saved in one second; how long after the last save until all have arrived.
fn burst(pair: &Pair) -> Outcome<Duration> {
    let (ana, ben) = (pair.ana_root(), pair.ben_root());
    let mut expected = Vec::new();
    let begin = Instant::now();
    for number in 100..200_u32 {
        let path = format!("part{:03}/file{number:05}.rs", number / 50);
        let text = next_text(&ana.join(&path), 0)?;
        fs::write(ana.join(&path), &text)?;
        expected.push((ben.join(path), text));
        thread::sleep(
            (begin + Duration::from_millis(10) * (number - 99)).saturating_duration_since(Instant::now()),
        );
    }
    let begin = Instant::now();
    for (path, text) in expected {
        arrival(&path, &text, begin)?;
    }
    Ok(begin.elapsed())
}
