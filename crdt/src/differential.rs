//! The engine against Automerge itself: random concurrent histories, compared after every step.
//!
//! Each replica holds a document of ours and one of Automerge under the same actor. Either of them makes the next edit,
//! the other gets its bytes. Texts, heads, conflicts and a plain string fed by patches must be equal all the time, and
//! what Automerge saves must load with every change as it was sent.
//!
//! `WEFT_DIFFERENTIAL_HISTORIES` says how many histories to run (200 when unset) and `WEFT_SEED` which is the first;
//! a failure names the seed that replays it.

mod edits;
mod mutation;
mod network;
mod rename;
mod text;
mod tree;

use std::sync::atomic::{AtomicU64, Ordering};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::document::actors::REVERSED_TIES;

/// A difference, in words.
type Difference = String;

/// Gives a difference unless both sides are equal.
macro_rules! ensure_equal {
    ($left:expr, $right:expr, $($what:tt)+) => {
        match (&$left, &$right) {
            (left, right) if left != right => {
                return Err(format!("{}: {left:?} is not {right:?}", format_args!($($what)+)));
            }
            _ => {}
        }
    };
}
use ensure_equal;

#[expect(clippy::disallowed_methods, reason = "a test takes its size and seed from the environment")]
fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs histories on all cores and gives the seeds that failed and why.
fn run_histories(
    first: u64,
    count: u64,
    reversed_ties: bool,
    history: fn(&mut ChaCha8Rng) -> Result<(), Difference>,
) -> Vec<(u64, Difference)> {
    let next = AtomicU64::new(first);
    let worker = || {
        REVERSED_TIES.set(reversed_ties);
        let mut failures = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                return failures;
            }
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            if let Err(difference) = history(&mut random) {
                failures.push((seed, difference));
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let results = workers.into_iter().map(|worker| worker.join().unwrap());
        results.flatten().collect()
    })
}

fn check(share: u64, history: fn(&mut ChaCha8Rng) -> Result<(), Difference>) {
    let first = number_from("WEFT_SEED");
    let count = match number_from("WEFT_DIFFERENTIAL_HISTORIES") {
        Some(count) => count.div_ceil(share),
        None if first.is_some() => 1,
        None => 200_u64.div_ceil(share),
    };
    let failures = run_histories(first.unwrap_or(1), count, false, history);
    if let Some((seed, difference)) = failures.first() {
        panic!("{} of {count} histories differ; WEFT_SEED={seed}: {difference}", failures.len());
    }
}

#[test]
fn texts_are_automerges_texts() {
    check(1, text::history);
}

#[test]
fn trees_are_automerges_maps() {
    check(1, tree::history);
}

#[test]
fn renamed_changes_of_texts_bring_everything_back() {
    check(1, rename::text_history);
}

#[test]
fn renamed_changes_of_trees_bring_everything_back() {
    check(1, rename::tree_history);
}

#[test]
fn a_wrong_rule_for_ties_is_noticed() {
    for history in [text::history, tree::history] {
        let failures = run_histories(1, 100, true, history);
        assert!(failures.len() >= 20, "only {} of 100 histories differ", failures.len());
    }
}

#[test]
fn mutated_changes_do_no_harm() {
    mutation::check(number_from("WEFT_DIFFERENTIAL_HISTORIES").unwrap_or(200));
}
