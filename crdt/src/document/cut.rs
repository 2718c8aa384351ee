//! Where an edit that is too large for one change is cut: between operations, in order, as late as possible.
//!
//! The place is fixed, so that equal saves are cut alike everywhere.

use std::collections::BTreeSet;

use crate::change::Draft;
use crate::limits::{
    CHANGE_ACTORS_MAX, CHANGE_BYTES_MAX, CHANGE_OPS_MAX, CHANGE_PREDS_MAX, CHANGE_VALUES_BYTES_MAX,
};

/// Counts what a change would hold, as far as that is known without writing it.
#[derive(Debug, Default)]
pub(super) struct PartLimits {
    ops: u64,
    values_bytes: usize,
    preds: u64,
    actors: BTreeSet<u32>,
}

impl PartLimits {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds operations if they fit; `others` are the actors they name besides the author.
    pub(super) fn take(
        &mut self,
        ops: u64,
        values_bytes: usize,
        preds: u64,
        others: impl IntoIterator<Item = u32>,
    ) -> bool {
        self.ops += ops;
        self.values_bytes += values_bytes;
        self.preds += preds;
        self.actors.extend(others);
        self.ops <= CHANGE_OPS_MAX
            && self.values_bytes <= CHANGE_VALUES_BYTES_MAX
            && self.preds <= CHANGE_PREDS_MAX
            && self.actors.len() <= CHANGE_ACTORS_MAX
    }
}

/// The longest draft of at most `count` pieces whose change is not too long, and how many pieces it has.
///
/// More pieces never make a shorter change, so the border is found by halving. One piece always fits.
pub(super) fn longest_that_fits(count: usize, mut draft: impl FnMut(usize) -> Draft) -> (Draft, usize) {
    let all = draft(count);
    if fits(&all) {
        return (all, count);
    }
    let (mut fitting, mut too_many) = (1, count);
    while fitting + 1 < too_many {
        let middle = fitting + (too_many - fitting) / 2;
        if fits(&draft(middle)) {
            fitting = middle;
        } else {
            too_many = middle;
        }
    }
    (draft(fitting), fitting)
}

fn fits(draft: &Draft) -> bool {
    draft.encoded_length() <= CHANGE_BYTES_MAX
}
