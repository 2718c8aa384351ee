//! From ids to positions and back.

use smallvec::SmallVec;

use super::super::run::IdRuns;
use super::{IdRun, Index, Place, Run};
use crate::document::actors::Id;

impl Index {
    pub(super) fn find(&self, id: Id) -> Option<Place> {
        // Most edits are where the last one was.
        if let Some(slot) = self.leaf(self.recent).runs.iter().position(|run| run.contains(id)) {
            let offset = id.counter - self.leaf(self.recent).runs[slot].start();
            return Some(Place { leaf: self.recent, slot, offset });
        }
        let starts = self.leaf_by_start.get(id.actor as usize)?;
        let (start, leaf) = starts.range(..=id.counter).next_back()?;
        let runs = &self.leaf(*leaf).runs;
        let slot = runs.iter().position(|run| run.start() == *start && run.actor() == id.actor)?;
        (id.counter < runs[slot].end()).then_some(Place { leaf: *leaf, slot, offset: id.counter - start })
    }

    /// Tells whether all these ids are characters, visible or deleted.
    pub(crate) fn contains(&self, ids: IdRun) -> bool {
        let Some(starts) = self.leaf_by_start.get(ids.first.actor as usize) else {
            return false;
        };
        let end = ids.first.counter + ids.count;
        let mut next = ids.first.counter;
        while next < end {
            let Some((_, leaf)) = starts.range(..=next).next_back() else {
                return false;
            };
            let run = self
                .leaf(*leaf)
                .runs
                .iter()
                .find(|run| run.actor() == ids.first.actor && run.start() <= next && next < run.end());
            match run {
                Some(run) => next = run.end(),
                None => return false,
            }
        }
        true
    }

    /// The position of a character and whether it is visible; a deleted one has the position where it was.
    pub(crate) fn position(&self, id: Id) -> Option<(usize, bool)> {
        let place = self.find(id)?;
        let run = self.run(place);
        let before = self.visible_before(place.leaf, place.slot);
        if run.is_visible() { Some((before + place.offset as usize, true)) } else { Some((before, false)) }
    }

    /// The id of the visible character at a position.
    pub(crate) fn id_at(&self, position: usize) -> Option<Id> {
        let place = self.find_visible(position)?;
        let first = self.run(place).first();
        Some(Id { counter: first.counter + place.offset, ..first })
    }

    /// The ids of `count` visible characters from a position on.
    pub(crate) fn visible_ids(&self, position: usize, count: usize) -> IdRuns {
        let mut ids = IdRuns::new();
        let Some(mut place) = self.find_visible(position) else {
            return ids;
        };
        let mut left = count as u32;
        while left > 0 {
            let leaf = self.leaf(place.leaf);
            for run in leaf.runs.iter().skip(place.slot) {
                if run.is_visible() && left > 0 {
                    let count = left.min(run.len() - place.offset);
                    let first = run.part(place.offset, count).first();
                    IdRun::push_joined(&mut ids, IdRun { first, count });
                    left -= count;
                }
                place.offset = 0;
            }
            if leaf.next == super::NONE {
                break;
            }
            place.leaf = leaf.next;
            place.slot = 0;
        }
        ids
    }

    /// Splits ids of characters into parts that stand side by side and are all visible or all deleted.
    pub(crate) fn parts(&self, ids: IdRun) -> SmallVec<[(IdRun, bool); 2]> {
        let mut parts = SmallVec::new();
        let mut first = ids.first;
        let end = first.counter + ids.count;
        while first.counter < end
            && let Some(place) = self.find(first)
        {
            let run = self.run(place);
            let count = (end - first.counter).min(run.len() - place.offset);
            parts.push((IdRun { first, count }, run.is_visible()));
            first.counter += count;
        }
        parts
    }

    /// All runs in the order of the text.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Run> {
        let first = self.leaf(self.first_leaf());
        let next = |leaf: &&super::Leaf| {
            let next = leaf.next;
            (next != super::NONE).then(|| self.leaf(next))
        };
        std::iter::successors(Some(first), next).flat_map(|leaf| leaf.runs.iter().copied())
    }

    fn find_visible(&self, position: usize) -> Option<Place> {
        if position >= self.visible {
            return None;
        }
        let mut left = position as u32;
        let mut node = self.root;
        for _ in 0..self.height {
            for child in &self.branches[node as usize].children {
                if left < child.visible {
                    node = child.node;
                    break;
                }
                left -= child.visible;
            }
        }
        for (slot, run) in self.leaf(node).runs.iter().enumerate() {
            if left < run.visible_len() {
                return Some(Place { leaf: node, slot, offset: left });
            }
            left -= run.visible_len();
        }
        None
    }
}
