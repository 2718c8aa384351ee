//! Leaving out steps of a failing script as long as it fails the same way.

use std::collections::BTreeSet;

use super::script::Script;
use super::world::run;

/// Gives the shortest script that was found within `runs_max` runs and fails with the same
/// invariant. Delta debugging (Zeller and Hildebrandt 2002): larger parts are left out first.
#[must_use]
pub fn minimise(script: &Script, runs_max: usize) -> Script {
    let Err(failure) = run(script, None) else { return script.clone() };
    let mut best = script.clone();
    let mut runs = 0;
    let mut part = (script.steps.len() / 2).max(1);
    loop {
        let kept: Vec<usize> = (0..best.whole_len()).filter(|at| !best.skipped.contains(at)).collect();
        let mut is_shorter = false;
        for without in kept.chunks(part) {
            if runs == runs_max {
                return best;
            }
            runs += 1;
            let mut skipped: BTreeSet<usize> = best.skipped.clone();
            skipped.extend(without);
            let shorter = Script::new(script.seed, script.size.clone(), skipped);
            if run(&shorter, None).is_err_and(|other| other.invariant == failure.invariant) {
                best = shorter;
                is_shorter = true;
            }
        }
        if part == 1 && !is_shorter {
            return best;
        }
        if !is_shorter {
            part = (part / 2).max(1);
        }
    }
}
