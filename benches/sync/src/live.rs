//! From an edit in one program to the word of it in another's: two devices, and twelve.

use std::{
    fs,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use weft_bench_report::{Report, median};
use weft_tests::Device;

use crate::{
    Outcome, bound,
    folder::Disk,
    pair::{PATIENCE, Pair, percentile, processor_time},
    socket::Program,
};

const EDITS: usize = 200;
const PAUSE: Duration = Duration::from_millis(40);
/// Work above the bound that is allowed.
const WORK_MILLIS_MAX: f64 = 5.0;

const CROWD: usize = 12;
const CROWD_EDITS: usize = 100;
const CROWD_PACE: Duration = Duration::from_millis(200);
/// How many times the bound of one edit it may take in a crowd.
const CROWD_RATIO_MAX: f64 = 12.0;

/// What one edit cannot do without: a flush before it is sent, and the way.
fn least(folder: &std::path::Path, report: &mut Report) -> Outcome<Duration> {
    let (flush, one_way) = (bound::flush(folder)?, bound::one_way(600)?);
    report.time("bound: append and flush, once", flush);
    report.time("bound: bare transport, one way", one_way);
    Ok(flush + one_way)
}

/// An edit on the socket of Ana's node until Ben's node tells of it.
pub(crate) fn pair(report: &mut Report, disk: &Disk) -> Outcome<()> {
    report.section("Edit: from the request on one socket to `document.changed` on the other, 2,000 files");
    let pair = Pair::new(disk, 2_000, 2 * 1024)?;
    pair.join(&pair.ticket()?)?;
    pair.settle()?;
    let file = "part000/file00001.rs";
    let mut ana = Program::open(&pair.ana, &pair.ana_root().join(file))?;
    let mut ben = Program::open(&pair.ben, &pair.ben_root().join(file))?;
    let (mut there, mut back) = (Vec::new(), Vec::new());
    for round in 0..EDITS {
        let text = format!("<ana {round}>");
        let begin = ana.insert(&text)?;
        there.push(ben.wait_for(&text)? - begin);
        thread::sleep(PAUSE);
        let text = format!("<ben {round}>");
        let begin = ben.insert(&text)?;
        back.push(ana.wait_for(&text)? - begin);
        thread::sleep(PAUSE);
    }
    let bound = least(&pair.beside(), report)?;
    for (name, times) in [("Ana to Ben", there), ("Ben to Ana", back)] {
        let p95 = percentile(&times, 95);
        report.time(&format!("{name}: p50"), median(times));
        report.time(&format!("{name}: p95"), p95);
        let work = (p95.as_secs_f64() - bound.as_secs_f64()) * 1e3;
        report.at_most(&format!("{name}: p95 above the bound, ms"), work, WORK_MILLIS_MAX);
    }
    Ok(())
}

/// Twelve devices on this machine, all editing one file.
pub(crate) fn crowd(report: &mut Report, disk: &Disk) -> Outcome<()> {
    report.section("Crowd: 12 devices edit one file, 5 edits a second each");
    let scratch = disk.scratch()?;
    let devices = gather(&scratch)?;
    let mut programs = devices
        .iter()
        .map(|device| Program::open(device, &device.place.join("work/plan.md")))
        .collect::<Outcome<Vec<_>>>()?;
    let used = |devices: &[Device]| -> Vec<Duration> {
        devices.iter().filter_map(Device::node).map(|node| processor_time(node.pid())).collect()
    };
    let before = used(&devices);
    let begin = Instant::now();
    let sent = type_together(&mut programs)?;
    let took = begin.elapsed();
    converge(&devices)?;
    let after = used(&devices);

    let mut times = Vec::new();
    for (reader, program) in programs.iter().enumerate() {
        let told = program.take_told();
        for (text, at) in
            sent.iter().enumerate().filter(|(writer, _)| *writer != reader).flat_map(|(_, sent)| sent)
        {
            let heard = told.iter().find(|told| told.inserted.contains(text.as_str()));
            times.push(heard.ok_or("an edit was not told of")?.at.saturating_duration_since(*at));
        }
    }
    let bound = least(&scratch.join("bound"), report)? + Duration::from_millis(5);
    report.text("edits told of", &times.len().to_string());
    let p95 = percentile(&times, 95);
    report.time("p50", median(times));
    report.time("p95", p95);
    report.time("bound of one edit: both of these and 5 ms", bound);
    report.at_most(
        "p95, times the bound of one edit",
        p95.as_secs_f64() / bound.as_secs_f64(),
        CROWD_RATIO_MAX,
    );
    let cost = before.iter().zip(&after).map(|(before, after)| *after - *before);
    let cores: f64 = cost.clone().map(|cost| cost.as_secs_f64()).sum::<f64>() / took.as_secs_f64();
    report.time(
        "processor time per node and edit of somebody",
        cost.sum::<Duration>() / (CROWD * CROWD * CROWD_EDITS) as u32,
    );
    report.text("cores used by all twelve", &format!("{cores:.2}"));
    Ok(())
}

fn gather(root: &std::path::Path) -> Outcome<Vec<Device>> {
    let mut devices = (0..CROWD)
        .map(|number| Ok(Device::new(root, &format!("dev{number}"))?))
        .collect::<Outcome<Vec<_>>>()?;
    let work = devices[0].place.join("work");
    fs::create_dir_all(&work)?;
    fs::write(work.join("plan.md"), "a plan\n")?;
    devices[0].weft(["init", "work"])?;
    for device in &mut devices {
        device.start_node()?;
    }
    for other in 1..CROWD {
        let ticket = devices[0].weft(["share", "work", "--yes"])?.text("ticket").to_owned();
        devices[other].weft_with_input(["join", "-", "work", "--yes"], &ticket)?;
    }
    for device in &devices {
        device.wait_synced(&device.place.join("work"), (CROWD - 1) as u32, PATIENCE)?;
    }
    Ok(devices)
}

/// What each has sent, and when.
type Sent = Vec<Vec<(String, Instant)>>;

fn type_together(programs: &mut [Program]) -> Outcome<Sent> {
    let start = Barrier::new(programs.len());
    let start = &start;
    thread::scope(|scope| {
        let typists: Vec<_> = programs
            .iter_mut()
            .enumerate()
            .map(|(number, program)| {
                scope.spawn(move || {
                    start.wait();
                    // Not all in the same instant.
                    let begin = Instant::now() + CROWD_PACE * number as u32 / CROWD as u32;
                    let mut sent = Vec::new();
                    for round in 0..CROWD_EDITS {
                        thread::sleep(
                            (begin + CROWD_PACE * round as u32).saturating_duration_since(Instant::now()),
                        );
                        let text = format!("<{number} {round}>");
                        let at = program.insert(&text).map_err(|error| error.to_string())?;
                        sent.push((text, at));
                    }
                    Ok::<_, String>(sent)
                })
            })
            .collect();
        typists.into_iter().map(|typist| Ok(typist.join().map_err(|_| "a typist failed")??)).collect()
    })
}

fn converge(devices: &[Device]) -> Outcome<()> {
    let begin = Instant::now();
    loop {
        let digests = devices
            .iter()
            .map(|device| device.digest(&device.place.join("work")))
            .collect::<Result<Vec<_>, _>>()?;
        if digests.iter().all(|digest| *digest == digests[0]) {
            break;
        }
        if begin.elapsed() > PATIENCE {
            return Err("the twelve do not agree".into());
        }
        thread::sleep(Duration::from_millis(100));
    }
    // Everything that anybody typed, on every disk.
    let expected = CROWD * CROWD_EDITS;
    for device in devices {
        let begin = Instant::now();
        while fs::read_to_string(device.place.join("work/plan.md"))?.matches('<').count() != expected {
            if begin.elapsed() > PATIENCE {
                return Err("an edit is not on a disk".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}
