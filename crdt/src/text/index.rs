//! Where every character ever typed stands.
//!
//! Characters are never taken out, deleted ones are only hidden, because others may still type behind them. They are
//! kept as runs in the order of the text, in the leaves of a B+tree. Each branch knows for its children how many
//! characters are visible in them (to find positions) and the least counter in them (to jump over characters that go
//! before a new one). Parent links lead from an id to its position, and for each actor a map leads from the start of
//! a run to its leaf.
//!
//! **Order.** A new character goes right behind the one it was typed after, but behind all that stand there with a
//! greater id: exactly Automerge's rule. That this is one scan, without looking at trees of replies, holds because an
//! id always has a greater counter than the one it refers to; whoever calls [`Index::insert`] has checked that.

mod build;
#[cfg(any(test, debug_assertions))]
mod check;
mod delete;
mod insert;
mod lookup;
mod tree;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::run::{IdRun, Run};

#[cfg(not(test))]
const LEAF_RUNS: usize = 32;
#[cfg(not(test))]
const BRANCH_CHILDREN: usize = 32;

// Small nodes make deep trees of short texts.
#[cfg(test)]
const LEAF_RUNS: usize = 4;
#[cfg(test)]
const BRANCH_CHILDREN: usize = 4;

/// Stands for no node.
const NONE: u32 = u32::MAX;

/// The characters of a text in order, by their ids.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    leaves: Vec<Leaf>,
    branches: Vec<Branch>,
    /// A leaf while there is only one, else a branch.
    root: u32,
    /// How many branches are above a leaf.
    height: u32,
    /// How many characters are visible.
    visible: usize,
    /// The leaf that was changed last.
    recent: u32,
    /// For each actor the leaf of each of its runs, by the counter the run starts with.
    leaf_by_start: Vec<BTreeMap<u32, u32>>,
}

#[derive(Debug, Clone)]
struct Leaf {
    /// In the order of the text; empty only in an empty index.
    runs: SmallVec<[Run; LEAF_RUNS]>,
    parent: u32,
    /// The leaf behind this one.
    next: u32,
}

#[derive(Debug, Clone)]
struct Branch {
    children: SmallVec<[Child; BRANCH_CHILDREN]>,
    parent: u32,
}

/// What a branch knows of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Child {
    node: u32,
    visible: u32,
    /// The least counter that a run below it starts with.
    min_counter: u32,
}

/// One character: a run of a leaf and an offset into it.
#[derive(Debug, Clone, Copy)]
struct Place {
    leaf: u32,
    slot: usize,
    offset: u32,
}

/// Between two runs: before run `slot` of a leaf, or behind its last one.
#[derive(Debug, Clone, Copy)]
struct Gap {
    leaf: u32,
    slot: usize,
}

impl Index {
    /// An index without characters.
    pub(crate) fn new() -> Self {
        Self {
            leaves: vec![Leaf { runs: SmallVec::new(), parent: NONE, next: NONE }],
            branches: Vec::new(),
            root: 0,
            height: 0,
            visible: 0,
            recent: 0,
            leaf_by_start: Vec::new(),
        }
    }

    /// How many characters are visible.
    pub(crate) fn len_visible(&self) -> usize {
        self.visible
    }

    fn leaf(&self, leaf: u32) -> &Leaf {
        &self.leaves[leaf as usize]
    }

    fn leaf_mut(&mut self, leaf: u32) -> &mut Leaf {
        &mut self.leaves[leaf as usize]
    }

    fn run(&self, place: Place) -> Run {
        self.leaf(place.leaf).runs[place.slot]
    }

    fn note_start(&mut self, run: Run, leaf: u32) {
        let actor = run.actor() as usize;
        if self.leaf_by_start.len() <= actor {
            self.leaf_by_start.resize_with(actor + 1, BTreeMap::new);
        }
        self.leaf_by_start[actor].insert(run.start(), leaf);
    }

    fn forget_start(&mut self, run: Run) {
        if let Some(starts) = self.leaf_by_start.get_mut(run.actor() as usize) {
            starts.remove(&run.start());
        }
    }
}
