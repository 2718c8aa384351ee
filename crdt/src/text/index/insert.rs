//! Where new characters go.

use super::{Gap, Index, NONE, Place, Run};
use crate::document::actors::{Actors, Id};

impl Index {
    /// Puts `len` characters with consecutive ids from `id` on behind the character `after`, or at the start, and
    /// gives the position they have. `None` when there is no such character.
    ///
    /// `is_newest` says that `id` is greater than every other, as it is for what is typed here and now; then nothing
    /// goes before it.
    pub(crate) fn insert(
        &mut self,
        actors: &Actors,
        after: Option<Id>,
        id: Id,
        len: u32,
        is_newest: bool,
    ) -> Option<usize> {
        let new = Run::new(id, len, true);
        let Some(after) = after else {
            let gap = Gap { leaf: self.first_leaf(), slot: 0 };
            return Some(self.insert_from(actors, gap, new, is_newest));
        };
        let place = self.find(after)?;
        let run = self.run(place);
        let behind = Gap { leaf: place.leaf, slot: place.slot + 1 };
        if place.offset + 1 < run.len() {
            // The rest of the run stands behind it, and its first character is the least of them.
            let rest = run.part(place.offset + 1, 1).first();
            if is_newest || actors.compare(rest, id).is_lt() {
                return Some(self.insert_inside(place, new));
            }
        } else if run.joins(new) && (is_newest || !self.goes_before(actors, behind, id)) {
            return Some(self.lengthen(place, len));
        }
        Some(self.insert_from(actors, behind, new, is_newest))
    }

    /// Tells whether the character behind a gap is greater than `id`.
    fn goes_before(&self, actors: &Actors, gap: Gap, id: Id) -> bool {
        let leaf = self.leaf(gap.leaf);
        let next = match leaf.runs.get(gap.slot) {
            Some(run) => Some(run),
            None if leaf.next == NONE => None,
            None => self.leaf(leaf.next).runs.first(),
        };
        next.is_some_and(|run| actors.compare(run.first(), id).is_gt())
    }

    fn insert_from(&mut self, actors: &Actors, gap: Gap, new: Run, is_newest: bool) -> usize {
        let gap = if is_newest { gap } else { self.skip_greater(actors, gap, new.first()) };
        let gap = self.make_room(gap, 1);
        self.leaf_mut(gap.leaf).runs.insert(gap.slot, new);
        self.note_start(new, gap.leaf);
        self.placed(gap, new)
    }

    /// Goes on over all runs with greater ids. The first id of a run is its least, so one look decides for all of it.
    fn skip_greater(&self, actors: &Actors, mut gap: Gap, id: Id) -> Gap {
        loop {
            let runs = &self.leaf(gap.leaf).runs;
            while let Some(run) = runs.get(gap.slot) {
                if actors.compare(run.first(), id).is_lt() {
                    return gap;
                }
                gap.slot += 1;
            }
            let Some(next) = self.next_leaf_with(gap.leaf, id.counter) else {
                let leaf = self.last_leaf();
                let slot = self.leaf(leaf).runs.len();
                return Gap { leaf, slot };
            };
            gap = Gap { leaf: next, slot: 0 };
        }
    }

    /// Cuts the run of a character behind it and puts the new run into the cut.
    fn insert_inside(&mut self, place: Place, new: Run) -> usize {
        let gap = Gap { leaf: place.leaf, slot: place.slot };
        let gap = self.make_room(gap, 2);
        let runs = &mut self.leaf_mut(gap.leaf).runs;
        let run = runs[gap.slot];
        let kept = place.offset + 1;
        let rest = run.part(kept, run.len() - kept);
        runs[gap.slot] = run.part(0, kept);
        runs.insert_many(gap.slot + 1, [new, rest]);
        self.note_start(new, gap.leaf);
        self.note_start(rest, gap.leaf);
        let slot = gap.slot + 1;
        self.placed(Gap { slot, ..gap }, new)
    }

    fn lengthen(&mut self, place: Place, count: u32) -> usize {
        let runs = &mut self.leaf_mut(place.leaf).runs;
        runs[place.slot].lengthen(count);
        let in_leaf: u32 = runs[..place.slot].iter().map(|run| run.visible_len()).sum();
        let before = self.update_above(place.leaf, count as i32, u32::MAX);
        before + (in_leaf + place.offset + 1) as usize
    }

    /// Counts a new run and gives its position.
    fn placed(&mut self, gap: Gap, new: Run) -> usize {
        let runs = &self.leaf(gap.leaf).runs[..gap.slot];
        let in_leaf: u32 = runs.iter().map(|run| run.visible_len()).sum();
        let before = self.update_above(gap.leaf, new.len() as i32, new.start());
        before + in_leaf as usize
    }
}
