//! An index from the runs of a snapshot.

use super::{Gap, Index, Run};

impl Index {
    /// Puts a run behind all others. Its ids must be new.
    pub(crate) fn append(&mut self, run: Run) {
        let leaf = self.last_leaf();
        let slot = self.leaf(leaf).runs.len();
        let gap = self.make_room(Gap { leaf, slot }, 1);
        self.leaf_mut(gap.leaf).runs.insert(gap.slot, run);
        self.note_start(run, gap.leaf);
        self.update_above(gap.leaf, run.visible_len() as i32, run.start());
    }
}
