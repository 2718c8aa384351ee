//! Processor time of an edit, whatever the size of the folder, and of doing nothing.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use weft_bench_report::{Report, ratio};

use crate::{
    Outcome,
    pair::{PATIENCE, Pair},
};

const EDITS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(120);
/// How much more an edit may cost in a folder with a hundred times as many files.
const GROWTH_MAX: f64 = 1.5;
const IDLE: Duration = Duration::from_secs(20);

pub(crate) fn run(report: &mut Report) -> Outcome<()> {
    report.section("Cost: processor time of both nodes");
    let few = joined(100)?;
    let small = edit(&few)?;
    drop(few);
    let many = joined(10_000)?;
    let large = edit(&many)?;
    report.time("an edit among 100 files", small);
    report.time("an edit among 10,000 files", large);
    report.at_most("10,000 files, times the cost at 100", ratio(large, small), GROWTH_MAX);
    let before = many.processor_time();
    thread::sleep(IDLE);
    let share = ratio(many.processor_time() - before, IDLE) / 2.0 * 100.0;
    report.text("doing nothing among 10,000 files, % of a core per node", &format!("{share:.2}"));
    Ok(())
}

fn joined(files: usize) -> Outcome<Pair> {
    let pair = Pair::new(files, 2 * 1024)?;
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
