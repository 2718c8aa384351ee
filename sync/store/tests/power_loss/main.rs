//! The store on a disk that loses power, tears writes, runs full and fails.
//!
//! Every change to a file that a run of 200 transactions makes is recorded. Then, for each of
//! these changes, the disk is put together as it may be when everything stops there, and the
//! data folder is opened on it: what was acknowledged must be there, unchanged, and no entry may
//! stand at the place of another. A second run has every single call fail.
//!
//! `WEFT_CRASH_SEED` replays a run, `WEFT_CRASH_COMMITS` makes it longer or shorter, and
//! `WEFT_CRASH_EVERY=1` tries every kind of stop at every change instead of one in turn.

// Other systems have other calls.
#![cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

mod calls;
mod disk;
mod image;
mod workload;

use std::collections::BTreeMap;
use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::disk::{Change, Disk, Fault, Mark, folder_in_memory};
use self::image::{CUTS, Cut, Replay};
use self::workload::{Expected, Running, listing, open};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn seed() -> u64 {
    let seed = number("WEFT_CRASH_SEED").unwrap_or(1);
    println!("WEFT_CRASH_SEED={seed}");
    seed
}

fn commits() -> u64 {
    number("WEFT_CRASH_COMMITS").unwrap_or(200)
}

/// Transactions of a run with faults in which the power goes as well.
const SHORT_RUN: u64 = 12;

/// After every so many changes it is also tried whether the store goes on well.
const GOES_ON_EVERY: usize = 17;

/// A run without a fault, with a clean end and a new start now and then.
fn whole_run(disk: &Disk, commits: u64) {
    let mut running = open(disk.path()).unwrap();
    disk.mark(Mark::Ready);
    for seq in 1..=commits {
        running.step(disk, seq, 0).map_err(|error| error.text).unwrap();
        if seq.is_multiple_of(60) {
            drop(running);
            running = open(disk.path()).unwrap();
        }
        if seq.is_multiple_of(90) {
            running.renew_keys().unwrap();
        }
    }
}

/// What was tried, and what was found.
#[derive(Debug, Default)]
struct Tried {
    points: u64,
    by_cut: BTreeMap<String, u64>,
    /// Transactions that were there although nobody had been told so.
    unasked: u64,
    writes: u64,
    syncs: u64,
    names: u64,
}

/// Makes an image and opens it; with what the check found.
fn try_image(
    replay: &Replay<'_>,
    cut: Cut,
    seed: u64,
    expected: &Expected,
    goes_on: bool,
) -> Result<bool, String> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let image = replay.image(cut, &mut rng);
    let folder = folder_in_memory();
    image.write(folder.path());
    let failed = |text: String| format!("{text}; the disk held {:?}", listing(folder.path()));
    let running = open(folder.path()).map_err(failed)?;
    let extra = expected.check(&running, cut == Cut::Killed).map_err(failed)?;
    if goes_on {
        goes_on_well(running, expected, extra, &folder).map_err(failed)?;
    }
    Ok(extra.is_some())
}

/// Two further steps, and another start.
fn goes_on_well(
    mut running: Running,
    expected: &Expected,
    extra: Option<u8>,
    folder: &tempfile::TempDir,
) -> Result<(), String> {
    let mut expected = expected.clone();
    let notes = Disk::new();
    expected.stored.extend(extra);
    for _ in 0..2 {
        let seq = expected.stored.len() as u64 + 1;
        running.step(&notes, seq, 200).map_err(|error| error.text)?;
        expected.note(Mark::Begun { seq, version: 200 });
        expected.note(Mark::Stored { seq, version: 200 });
    }
    drop(running);
    let again = open(folder.path())?;
    expected.check(&again, true).map(|_| ())
}

/// A change without what was written.
fn short(change: &Change) -> String {
    match change {
        Change::Written { file, at, bytes } => format!("{} bytes at {at} of file {file}", bytes.len()),
        other => format!("{other:?}"),
    }
}

/// Stops at every change, or at every `stride`th, on all processors.
fn stop_everywhere(changes: &[Change], seed: u64, stride: usize) -> Tried {
    let shares = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let mut all = Tried::default();
    std::thread::scope(|scope| {
        let share = |share| scope.spawn(move || stop_at_share(changes, seed, stride, (share, shares)));
        let threads: Vec<_> = (0..shares).map(share).collect();
        for thread in threads {
            let tried = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all.points += tried.points;
            all.unasked += tried.unasked;
            for (cut, count) in tried.by_cut {
                *all.by_cut.entry(cut).or_default() += count;
            }
        }
    });
    for change in changes {
        match change {
            Change::Mark(_) => {}
            Change::Written { .. } | Change::Resized { .. } => all.writes += 1,
            Change::FileSynced { .. } | Change::FolderSynced { .. } => all.syncs += 1,
            _ => all.names += 1,
        }
    }
    all
}

/// What one of several threads does of that.
fn stop_at_share(changes: &[Change], seed: u64, stride: usize, (share, shares): (usize, usize)) -> Tried {
    let every = number("WEFT_CRASH_EVERY").is_some();
    let mut tried = Tried::default();
    let mut replay = Replay::new(changes);
    let mut expected = Expected::default();
    for (index, change) in changes.iter().enumerate() {
        if let Change::Mark(mark) = change {
            expected.note(*mark);
        }
        let turn = index / stride;
        if index.is_multiple_of(stride) && (turn / CUTS.len()) % shares == share {
            for (number, cut) in CUTS.into_iter().enumerate() {
                if !every && turn % CUTS.len() != number {
                    continue;
                }
                let own_seed = seed.wrapping_mul(1_000_003).wrapping_add(index as u64);
                let goes_on = index.is_multiple_of(GOES_ON_EVERY);
                match try_image(&replay, cut, own_seed, &expected, goes_on) {
                    Ok(extra) => tried.unasked += u64::from(extra),
                    Err(text) => {
                        panic!("stopped at change {index} ({}), {cut:?}, seed {seed}: {text}", short(change))
                    }
                }
                tried.points += 1;
                *tried.by_cut.entry(format!("{cut:?}")).or_default() += 1;
            }
        }
        replay.step();
    }
    tried
}

#[test]
fn whatever_a_stop_leaves_on_the_disk_nothing_acknowledged_is_lost() {
    let (seed, begin) = (seed(), Instant::now());
    let disk = Disk::new();
    whole_run(&disk, commits());
    let changes = disk.take_changes();
    let recorded = begin.elapsed();
    let tried = stop_everywhere(&changes, seed, 1);
    println!(
        "{} commits: {} crash points of {} changes ({} writes, {} syncs, {} names): {:?}; {} times the \
         unacknowledged step was there too; {recorded:?} to record, {:?} in all",
        commits(),
        tried.points,
        changes.len(),
        tried.writes,
        tried.syncs,
        tried.names,
        tried.by_cut,
        tried.unasked,
        begin.elapsed()
    );
    // A run in which nothing was recorded would prove nothing.
    assert!(tried.writes > 10 * commits() && tried.syncs > commits() && tried.names > 20, "{tried:?}");
    assert!(tried.unasked > 0, "no stop fell between a commit and its answer");
}

/// Counts of the faults that were met.
#[derive(Debug, Default)]
struct Faults {
    met: u64,
    refused: u64,
    reopened: u64,
    by_call: BTreeMap<String, u64>,
}

/// Does one step with a fault at its first call, then at its second, and so on until it is met
/// no more. After each the store must hold what was acknowledged, and take the step when the
/// fault is over.
fn step_with_faults(
    disk: &Disk,
    running: &mut Option<Running>,
    seq: u64,
    fault: Fault,
    version: &mut u8,
    expected: &mut Expected,
    faults: &mut Faults,
) -> Result<(), String> {
    for after in 0.. {
        *version += 1;
        let mark = Mark::Begun { seq, version: *version };
        expected.note(mark);
        disk.arm(fault, after);
        let node = running.as_mut().ok_or("no store")?;
        let done = node.step(disk, seq, *version);
        let hit = disk.disarm();
        let Some(call) = hit else {
            done.map_err(|error| format!("without a fault: {}", error.text))?;
            expected.note(Mark::Stored { seq, version: *version });
            return Ok(());
        };
        faults.met += 1;
        *faults.by_call.entry(kind_of(&call)).or_default() += 1;
        match done {
            Ok(()) => {
                // The fault was in something that can wait, as a checkpoint can.
                expected.note(Mark::Stored { seq, version: *version });
                return Ok(());
            }
            Err(error) => {
                faults.refused += 1;
                let text = &error.text;
                let tells_of_space = text.contains("the disk is full") || text.contains("No space left");
                if error.hint.is_empty()
                    || fault == Fault::Full && !(tells_of_space && error.hint.contains("space"))
                {
                    return Err(format!("{fault:?} at {call} was told as: {text}; {}", error.hint));
                }
                if error.is_final {
                    faults.reopened += 1;
                    drop(running.take());
                    let again =
                        open(disk.path()).map_err(|text| format!("after {fault:?} at {call}: {text}"))?;
                    let found = if faults.reopened.is_multiple_of(8) {
                        expected.check(&again, true)
                    } else {
                        expected.check_ends(&again)
                    };
                    let found = found.map_err(|text| format!("after {fault:?} at {call}: {text}"))?;
                    *running = Some(again);
                    if let Some(version) = found {
                        // It turned up: then it is stored, and must not be made a second time.
                        disk.mark(Mark::Stored { seq, version });
                        expected.note(Mark::Stored { seq, version });
                        return Ok(());
                    }
                }
            }
        }
    }
    Ok(())
}

/// "Write store.db-wal" of "Write home/store.db-wal"; all packs are one kind.
fn kind_of(call: &str) -> String {
    let (touch, path) = call.split_once(' ').unwrap_or((call, ""));
    let name = path.rsplit('/').next().unwrap_or(path);
    let name = if name.contains('.') && !name.starts_with("store") {
        name.rsplit('.').next().unwrap_or(name)
    } else {
        name
    };
    format!("{touch} {name}")
}

fn faulty_run(disk: &Disk, fault: Fault, commits: u64) -> Faults {
    let mut running = Some(open(disk.path()).unwrap());
    disk.mark(Mark::Ready);
    let mut expected = Expected::default();
    let mut faults = Faults::default();
    for seq in 1..=commits {
        let mut version = 0;
        let done = step_with_faults(disk, &mut running, seq, fault, &mut version, &mut expected, &mut faults);
        done.unwrap_or_else(|text| panic!("step {seq}, {fault:?}: {text}"));
    }
    drop(running);
    let again = open(disk.path()).unwrap();
    let extra = expected.check(&again, true).unwrap_or_else(|text| panic!("after {fault:?}: {text}"));
    assert_eq!(extra, None);
    faults
}

fn every_call_fails_once(fault: Fault, commits: u64) {
    let (seed, begin) = (seed(), Instant::now());
    let faults = faulty_run(&Disk::without_memory(), fault, commits);
    println!("{fault:?}: {commits} commits, {faults:?}, {:?}", begin.elapsed());
    assert!(faults.met > commits && faults.refused > 0, "{faults:?}");
    // And the power may go anywhere in such a run.
    let (disk, begin) = (Disk::new(), Instant::now());
    faulty_run(&disk, fault, SHORT_RUN.min(commits));
    let changes = disk.take_changes();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let stride = (changes.len() / 200).max(1) + rng.random_range(0..5);
    let tried = stop_everywhere(&changes, seed, stride);
    println!("{fault:?}: {} crash points of {} changes, {:?}", tried.points, changes.len(), begin.elapsed());
}

#[test]
fn no_space_at_any_call_refuses_the_step_and_loses_nothing() {
    every_call_fails_once(Fault::Full, commits());
}

#[test]
fn an_error_of_the_disk_at_any_call_loses_nothing() {
    every_call_fails_once(Fault::Broken, commits());
}

#[test]
fn a_write_that_is_done_by_half_loses_nothing() {
    every_call_fails_once(Fault::Torn, commits());
}

#[test]
fn an_error_while_reading_loses_nothing() {
    every_call_fails_once(Fault::Unreadable, commits() / 5);
}

/// The first start, and a start on what is there, with every call failing once: the next try
/// finds all it needs.
#[test]
fn a_start_that_fails_at_any_call_can_be_tried_again() {
    let begin = Instant::now();
    let mut met = 0;
    for fault in [Fault::Full, Fault::Broken, Fault::Torn, Fault::Unreadable] {
        for has_steps in [false, true] {
            for after in 0.. {
                let disk = Disk::new();
                let mut expected = Expected::default();
                if has_steps {
                    let mut running = open(disk.path()).unwrap();
                    for seq in 1..=3 {
                        running.step(&disk, seq, 0).map_err(|error| error.text).unwrap();
                        expected.note(Mark::Stored { seq, version: 0 });
                    }
                    drop(running);
                }
                disk.arm(fault, after);
                let first = open(disk.path());
                let hit = disk.disarm();
                let told = first.as_ref().err().cloned();
                drop(first);
                let again = open(disk.path()).and_then(|running| expected.check(&running, true));
                again.unwrap_or_else(|text| panic!("after {fault:?} at {hit:?} ({told:?}): {text}"));
                if hit.is_none() {
                    assert_eq!(told, None);
                    break;
                }
                met += 1;
            }
        }
    }
    println!("{met} faults while starting, {:?}", begin.elapsed());
    assert!(met > 200, "only {met}");
}
