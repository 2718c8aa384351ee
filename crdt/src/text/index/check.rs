//! What must hold of an index at any time.

use super::{BRANCH_CHILDREN, Child, Index, LEAF_RUNS, NONE};

impl Index {
    /// Panics when the index contradicts itself. For tests.
    pub(crate) fn check_invariants(&self) {
        let mut leaves = Vec::new();
        let visible = self.check_node(self.root, self.height, NONE, &mut leaves);
        assert_eq!(visible.visible as usize, self.visible, "sum of all characters");
        let mut runs = 0;
        for (place, leaf) in leaves.iter().enumerate() {
            let next = leaves.get(place + 1).copied().unwrap_or(NONE);
            assert_eq!(self.leaf(*leaf).next, next, "order of leaves");
            for run in &self.leaf(*leaf).runs {
                runs += 1;
                let starts = &self.leaf_by_start[run.actor() as usize];
                assert_eq!(starts.get(&run.start()), Some(leaf), "way to {run:?}");
                assert!(run.len() > 0, "length of {run:?}");
                let next = starts.range(run.start() + 1..).next();
                assert!(next.is_none_or(|(start, _)| *start >= run.end()), "overlap");
            }
        }
        let starts: usize = self.leaf_by_start.iter().map(|starts| starts.len()).sum();
        assert_eq!(starts, runs, "number of ways");
    }

    fn check_node(&self, node: u32, level: u32, parent: u32, leaves: &mut Vec<u32>) -> Child {
        if level == 0 {
            let leaf = self.leaf(node);
            assert_eq!(leaf.parent, parent, "parent of a leaf");
            assert!(leaf.runs.len() <= LEAF_RUNS && !leaf.runs.spilled(), "size of a leaf");
            assert!(!leaf.runs.is_empty() || parent == NONE, "empty leaf");
            leaves.push(node);
            return self.leaf_child(node);
        }
        let branch = &self.branches[node as usize];
        assert_eq!(branch.parent, parent, "parent of a branch");
        assert!(branch.children.len() <= BRANCH_CHILDREN && !branch.children.spilled());
        assert!(branch.children.len() >= 2, "lonely child");
        for child in &branch.children {
            let found = self.check_node(child.node, level - 1, node, leaves);
            assert_eq!(*child, found, "sums of a branch");
        }
        self.branch_child(node)
    }
}
