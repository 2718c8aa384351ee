//! Hiding characters.

use smallvec::SmallVec;

use super::{Gap, IdRun, Index, LEAF_RUNS, Place, Run};

impl Index {
    /// Hides characters, which must exist, and tells for each visible part of them its position and length, in the
    /// order in which they vanish.
    pub(crate) fn delete(&mut self, ids: IdRun, mut vanished: impl FnMut(usize, usize)) {
        let mut first = ids.first;
        let end = first.counter + ids.count;
        while first.counter < end
            && let Some(place) = self.find(first)
        {
            let run = self.run(place);
            let count = (end - first.counter).min(run.len() - place.offset);
            if run.is_visible() {
                let before = self.hide(place, count);
                vanished(before, count as usize);
            }
            first.counter += count;
        }
    }

    /// Hides `count` characters of one visible run and gives their position.
    fn hide(&mut self, place: Place, count: u32) -> usize {
        let position = self.visible_before(place.leaf, place.slot) + place.offset as usize;
        let cut = self.cut(place, count);
        let leaf = self.leaf(place.leaf);
        if leaf.runs.len() - cut.replaced + cut.pieces.len() > LEAF_RUNS {
            // The leaf splits, and with it the neighbours that the part could have joined.
            let gap = Gap { leaf: place.leaf, slot: place.slot };
            let gap = self.make_room(gap, 2);
            let place = Place { leaf: gap.leaf, slot: gap.slot, ..place };
            let cut = self.cut(place, count);
            self.replace(place.leaf, cut);
            self.update_above(place.leaf, -(count as i32), u32::MAX);
        } else {
            self.replace(place.leaf, cut);
            self.update_above(place.leaf, -(count as i32), u32::MAX);
        }
        position
    }

    /// Plans the runs that a run becomes when a part of it is hidden: what is before, the part joined with its hidden
    /// neighbours, what is behind.
    fn cut(&self, place: Place, count: u32) -> Cut {
        let runs = &self.leaf(place.leaf).runs;
        let run = runs[place.slot];
        let mut cut = Cut { slot: place.slot, replaced: 1, pieces: SmallVec::new() };
        let mut part = run.part(place.offset, count).hidden();
        if place.offset > 0 {
            cut.pieces.push(run.part(0, place.offset));
        } else if let Some(before) = place.slot.checked_sub(1).map(|slot| runs[slot])
            && before.joins(part)
        {
            part = Run::new(before.first(), before.len() + count, false);
            cut.slot -= 1;
            cut.replaced += 1;
        }
        let behind = place.offset + count;
        if behind < run.len() {
            cut.pieces.push(part);
            cut.pieces.push(run.part(behind, run.len() - behind));
        } else {
            if let Some(next) = runs.get(place.slot + 1)
                && part.joins(*next)
            {
                part.lengthen(next.len());
                cut.replaced += 1;
            }
            cut.pieces.push(part);
        }
        cut
    }

    fn replace(&mut self, leaf: u32, cut: Cut) {
        let range = cut.slot..cut.slot + cut.replaced;
        let runs = &mut self.leaf_mut(leaf).runs;
        let old: SmallVec<[Run; 3]> = runs[range.clone()].into();
        runs.drain(range);
        runs.insert_many(cut.slot, cut.pieces.iter().copied());
        let starts_with = |runs: &[Run], start| runs.iter().any(|run| run.start() == start);
        for run in &old {
            if !starts_with(&cut.pieces, run.start()) {
                self.forget_start(*run);
            }
        }
        for piece in &cut.pieces {
            if !starts_with(&old, piece.start()) {
                self.note_start(*piece, leaf);
            }
        }
    }
}

/// Runs of a leaf from `slot` on that others take the place of. All of them are of one actor.
struct Cut {
    slot: usize,
    replaced: usize,
    pieces: SmallVec<[Run; 3]>,
}
