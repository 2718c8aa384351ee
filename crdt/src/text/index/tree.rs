//! The tree itself: sums on the way up, splits of full nodes.

use smallvec::SmallVec;

use super::{BRANCH_CHILDREN, Branch, Child, Gap, Index, LEAF_RUNS, Leaf, NONE};

impl Index {
    /// How many visible characters stand before run `slot` of a leaf.
    pub(super) fn visible_before(&self, leaf: u32, slot: usize) -> usize {
        let runs = &self.leaf(leaf).runs[..slot];
        let mut sum: u32 = runs.iter().map(|run| run.visible_len()).sum();
        let mut node = leaf;
        let mut parent = self.leaf(leaf).parent;
        while parent != NONE {
            let branch = &self.branches[parent as usize];
            for child in &branch.children {
                if child.node == node {
                    break;
                }
                sum += child.visible;
            }
            node = parent;
            parent = branch.parent;
        }
        sum as usize
    }

    /// Adds to the number of visible characters on the way from a leaf to the root, notes a new counter, and gives how
    /// many visible characters stand before the leaf.
    pub(super) fn update_above(&mut self, leaf: u32, change: i32, counter: u32) -> usize {
        self.recent = leaf;
        let mut before = 0;
        let mut node = leaf;
        let mut parent = self.leaf(leaf).parent;
        while parent != NONE {
            let branch = &mut self.branches[parent as usize];
            for child in &mut branch.children {
                if child.node == node {
                    child.visible = child.visible.wrapping_add_signed(change);
                    child.min_counter = child.min_counter.min(counter);
                    break;
                }
                before += child.visible;
            }
            node = parent;
            parent = branch.parent;
        }
        self.visible = self.visible.wrapping_add_signed(change as isize);
        before as usize
    }

    pub(super) fn first_leaf(&self) -> u32 {
        self.outermost_leaf(|branch| branch.children.first())
    }

    pub(super) fn last_leaf(&self) -> u32 {
        self.outermost_leaf(|branch| branch.children.last())
    }

    fn outermost_leaf(&self, pick: impl Fn(&Branch) -> Option<&Child>) -> u32 {
        let mut node = self.root;
        for _ in 0..self.height {
            node = pick(&self.branches[node as usize]).map_or(NONE, |child| child.node);
        }
        node
    }

    /// The first leaf behind `leaf` with a run that starts with a counter of at most `counter`.
    pub(super) fn next_leaf_with(&self, leaf: u32, counter: u32) -> Option<u32> {
        let mut node = leaf;
        let mut parent = self.leaf(leaf).parent;
        let mut levels_down = 0;
        while parent != NONE {
            let branch = &self.branches[parent as usize];
            let behind = branch.children.iter().skip_while(|child| child.node != node);
            if let Some(child) = behind.skip(1).find(|child| child.min_counter <= counter) {
                return self.descend(child.node, levels_down, counter);
            }
            node = parent;
            parent = branch.parent;
            levels_down += 1;
        }
        None
    }

    fn descend(&self, mut node: u32, levels: u32, counter: u32) -> Option<u32> {
        for _ in 0..levels {
            let children = &self.branches[node as usize].children;
            node = children.iter().find(|child| child.min_counter <= counter)?.node;
        }
        Some(node)
    }

    /// Makes room for `extra` runs at a gap, which may move to another leaf.
    pub(super) fn make_room(&mut self, gap: Gap, extra: usize) -> Gap {
        let leaf = self.leaf(gap.leaf);
        let len = leaf.runs.len();
        if len + extra <= LEAF_RUNS {
            return gap;
        }
        // Typing at the end of the text leaves full leaves behind.
        let is_end = leaf.next == NONE && gap.slot == len;
        let at = if is_end { len } else { len / 2 };
        let right = self.split_leaf(gap.leaf, at);
        if gap.slot < at { gap } else { Gap { leaf: right, slot: gap.slot - at } }
    }

    /// Moves the runs of a leaf from `at` on to a new leaf behind it.
    fn split_leaf(&mut self, left: u32, at: usize) -> u32 {
        let right = self.leaves.len() as u32;
        let leaf = self.leaf_mut(left);
        let moved: SmallVec<_> = leaf.runs[at..].into();
        leaf.runs.truncate(at);
        let next = std::mem::replace(&mut leaf.next, right);
        for run in &moved {
            self.note_start(*run, right);
        }
        let parent = self.leaf(left).parent;
        self.leaves.push(Leaf { runs: moved, parent, next });
        let (left, right_child) = (self.leaf_child(left), self.leaf_child(right));
        self.add_child(left, right_child, 0);
        right
    }

    /// What the parent of a leaf knows of it.
    pub(super) fn leaf_child(&self, leaf: u32) -> Child {
        let runs = &self.leaf(leaf).runs;
        Child {
            node: leaf,
            visible: runs.iter().map(|run| run.visible_len()).sum(),
            min_counter: runs.iter().map(|run| run.start()).min().unwrap_or(u32::MAX),
        }
    }

    /// What the parent of a branch knows of it.
    pub(super) fn branch_child(&self, branch: u32) -> Child {
        let children = &self.branches[branch as usize].children;
        Child {
            node: branch,
            visible: children.iter().map(|child| child.visible).sum(),
            min_counter: children.iter().map(|child| child.min_counter).min().unwrap_or(u32::MAX),
        }
    }

    fn parent(&self, node: u32, level: u32) -> u32 {
        if level == 0 { self.leaf(node).parent } else { self.branches[node as usize].parent }
    }

    fn set_parent(&mut self, node: u32, level: u32, parent: u32) {
        if level == 0 {
            self.leaf_mut(node).parent = parent;
        } else {
            self.branches[node as usize].parent = parent;
        }
    }

    /// Hangs the new node `right` behind `left`, which lost what is in it; full branches split on the way up.
    fn add_child(&mut self, mut left: Child, mut right: Child, mut level: u32) {
        loop {
            let parent = self.parent(left.node, level);
            if parent == NONE {
                self.grow(left, right, level);
                return;
            }
            let branch = &mut self.branches[parent as usize];
            let slot = branch
                .children
                .iter()
                .position(|child| child.node == left.node)
                .expect("a node that its parent knows");
            branch.children[slot] = left;
            if branch.children.len() < BRANCH_CHILDREN {
                branch.children.insert(slot + 1, right);
                self.set_parent(right.node, level, parent);
                return;
            }
            let new = self.split_branch(parent, level);
            let kept = self.branches[parent as usize].children.len();
            let (home, slot) = if slot < kept { (parent, slot) } else { (new, slot - kept) };
            self.branches[home as usize].children.insert(slot + 1, right);
            self.set_parent(right.node, level, home);
            left = self.branch_child(parent);
            right = self.branch_child(new);
            level += 1;
        }
    }

    /// Puts a new root above the two halves of the old one.
    fn grow(&mut self, left: Child, right: Child, level: u32) {
        let root = self.branches.len() as u32;
        self.branches.push(Branch { children: [left, right].into_iter().collect(), parent: NONE });
        self.set_parent(left.node, level, root);
        self.set_parent(right.node, level, root);
        self.root = root;
        self.height = level + 1;
    }

    /// Moves the second half of a branch to a new one, which its parent does not know yet.
    fn split_branch(&mut self, branch: u32, level: u32) -> u32 {
        let new = self.branches.len() as u32;
        let old = &mut self.branches[branch as usize];
        let half = old.children.len() / 2;
        let moved: SmallVec<[Child; BRANCH_CHILDREN]> = old.children[half..].into();
        old.children.truncate(half);
        let parent = old.parent;
        for child in &moved {
            self.set_parent(child.node, level, new);
        }
        self.branches.push(Branch { children: moved, parent });
        new
    }
}
