//! Whole devices under faults. More seeds: `cargo run -p weft-simulations --example faults -- --seeds N`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says why")]

use std::collections::BTreeSet;

use weft_simulations::seeds;
use weft_simulations::whole::{Invariant, Report, Sabotage, Script, Size, minimise, run};

/// Runs that minimising a failure may take.
const MINIMISE_RUNS_MAX: usize = 60;

/// Devices of a seed in the series of two to six.
fn devices_of(seed: u64) -> usize {
    2 + usize::try_from(seed % 5).unwrap()
}

/// In every fourth run nothing is moved or deleted: then no word may be missing for that reason.
fn check(seed: u64, devices: usize) -> Report {
    play(seed, Size { only_edits: seed.is_multiple_of(4), ..Size::of(devices) })
}

fn play(seed: u64, size: Size) -> Report {
    let script = Script::new(seed, size, BTreeSet::new());
    run(&script, None).unwrap_or_else(|failure| {
        let shortest = minimise(&script, MINIMISE_RUNS_MAX);
        panic!(
            "{:?} does not hold: {}\nto play it again: {}\nthe least of it: {}\n{:#?}",
            failure.invariant,
            failure.text,
            script.command(),
            shortest.command(),
            shortest.steps
        )
    })
}

fn check_part(part: u64) {
    let mut words = 0;
    for seed in seeds(1_000).into_iter().filter(|seed| seed % 5 == part) {
        words += check(seed, devices_of(seed)).expected;
    }
    assert!(words > 0, "nothing was typed");
}

#[test]
fn two_devices() {
    check_part(0);
}

#[test]
fn three_devices() {
    check_part(1);
}

#[test]
fn four_devices() {
    check_part(2);
}

#[test]
fn five_devices() {
    check_part(3);
}

#[test]
fn six_devices() {
    check_part(4);
}

/// Those that the series above plays otherwise.
#[test]
fn seeds_that_once_failed() {
    play(248, Size::of(devices_of(248)));
    for seed in [273, 559, 606, 882, 910, 999] {
        play(seed, Size { only_edits: true, ..Size::of(devices_of(seed)) });
    }
}

#[test]
fn twelve_devices() {
    for seed in seeds(16) {
        check(seed, 12);
    }
}

#[test]
fn thirty_devices() {
    for seed in seeds(4) {
        check(seed, 30);
    }
}

#[test]
fn one_seed_gives_one_run() {
    let script = |seed| Script::new(seed, Size::of(3), BTreeSet::new());
    assert_eq!(run(&script(5), None), run(&script(5), None));
    assert_ne!(run(&script(5), None), run(&script(6), None));
}

/// Each invariant fails when what it forbids is done on purpose.
#[test]
fn every_invariant_can_fail() {
    let size = Size { devices: 3, acts: 8, faults: 0, busy_millis: 6_000, only_edits: true };
    let script = Script::new(2, size, BTreeSet::new());
    run(&script, None).unwrap();
    for (sabotage, invariant) in [
        (Sabotage::StrayFile, Invariant::Agreement),
        (Sabotage::Unreachable, Invariant::Agreement),
        (Sabotage::FalseAcknowledgement, Invariant::NoLoss),
        (Sabotage::PlainFrame, Invariant::Secrecy),
        (Sabotage::FullWindow, Invariant::Limits),
        (Sabotage::SameNumberTwice, Invariant::OneNumberOneEntry),
    ] {
        let failure =
            run(&script, Some(sabotage)).err().unwrap_or_else(|| panic!("{sabotage:?} is not noticed"));
        assert_eq!(failure.invariant, invariant, "{sabotage:?}: {}", failure.text);
    }
}

#[test]
fn the_command_of_a_script_names_what_was_left_out() {
    let script = Script::new(7, Size::of(4), [3, 9].into());
    assert_eq!(
        script.command(),
        "cargo run -p weft-simulations --example faults -- --seed 7 --devices 4 --skip 3,9"
    );
    assert_eq!(script.whole_len(), Script::new(7, Size::of(4), BTreeSet::new()).steps.len());
}
