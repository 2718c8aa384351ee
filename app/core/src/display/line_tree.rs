//! How many rows each line has, with sums by line and by row.
//!
//! Lines that follow each other and have as many rows are one run, so a text without wrapped lines is a single one.
//! The runs lie in a balanced tree (a treap), so every question and every edit costs the logarithm of their number.

use std::ops::Range;

/// Rows of lines.
#[derive(Debug, Clone, Default)]
pub(super) struct LineTree {
    root: Link,
    /// State of the numbers that balance the tree.
    random: u64,
}

type Link = Option<Box<Node>>;

#[derive(Debug, Clone)]
struct Node {
    run: Run,
    priority: u32,
    left: Link,
    right: Link,
    lines: usize,
    rows: usize,
}

/// Lines with equally many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    lines: usize,
    rows_each: usize,
}

fn lines_of(link: &Link) -> usize {
    link.as_ref().map_or(0, |node| node.lines)
}

fn rows_of(link: &Link) -> usize {
    link.as_ref().map_or(0, |node| node.rows)
}

impl Node {
    fn update(&mut self) {
        self.lines = lines_of(&self.left) + self.run.lines + lines_of(&self.right);
        self.rows = rows_of(&self.left) + self.run.lines * self.run.rows_each + rows_of(&self.right);
    }
}

impl LineTree {
    /// Makes lines of one row each.
    pub(super) fn new(lines: usize) -> Self {
        let mut tree = Self { root: None, random: 0x9e37_79b9_7f4a_7c15 };
        tree.root = tree.node(Run { lines, rows_each: 1 });
        tree
    }

    pub(super) fn lines(&self) -> usize {
        lines_of(&self.root)
    }

    pub(super) fn rows(&self) -> usize {
        rows_of(&self.root)
    }

    fn node(&mut self, run: Run) -> Link {
        if run.lines == 0 {
            return None;
        }
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let priority = (self.random >> 32) as u32;
        let rows = run.lines * run.rows_each;
        Some(Box::new(Node { run, priority, left: None, right: None, lines: run.lines, rows }))
    }

    /// The rows of a line and the rows before it.
    pub(super) fn rows_at(&self, line: usize) -> (usize, usize) {
        let (mut link, mut line, mut before) = (&self.root, line, 0);
        while let Some(node) = link {
            let left = lines_of(&node.left);
            if line < left {
                link = &node.left;
                continue;
            }
            before += rows_of(&node.left);
            line -= left;
            if line < node.run.lines {
                return (node.run.rows_each, before + line * node.run.rows_each);
            }
            before += node.run.lines * node.run.rows_each;
            line -= node.run.lines;
            link = &node.right;
        }
        (0, before)
    }

    /// The line of a row, and which row of the line it is. A row beyond the end is the last.
    pub(super) fn line_at(&self, row: usize) -> (usize, usize) {
        let mut row = row.min(self.rows().saturating_sub(1));
        let (mut link, mut line) = (&self.root, 0);
        while let Some(node) = link {
            let left = rows_of(&node.left);
            if row < left {
                link = &node.left;
                continue;
            }
            row -= left;
            line += lines_of(&node.left);
            let own = node.run.lines * node.run.rows_each;
            if row < own {
                return (line + row / node.run.rows_each, row % node.run.rows_each);
            }
            row -= own;
            line += node.run.lines;
            link = &node.right;
        }
        (line.saturating_sub(1), 0)
    }

    /// Gives lines another number of rows.
    pub(super) fn set(&mut self, lines: Range<usize>, rows_each: usize) {
        let end = lines.end.min(self.lines());
        if lines.start >= end {
            return;
        }
        if end - lines.start == 1 && self.rows_at(lines.start).0 == rows_each {
            return;
        }
        self.replace(lines.start, end - lines.start, Run { lines: end - lines.start, rows_each });
    }

    /// Lines go, and lines of one row come in their place.
    pub(super) fn splice(&mut self, at: usize, old: usize, new: usize) {
        if old == new && (at..at + old).all(|line| self.rows_at(line).0 == 1) {
            return;
        }
        self.replace(at, old, Run { lines: new, rows_each: 1 });
    }

    fn replace(&mut self, at: usize, old: usize, mut run: Run) {
        let root = self.root.take();
        let (before, rest) = self.split(root, at);
        let (_, behind) = self.split(rest, old);
        let (before, behind) = (self.absorb_last(before, &mut run), self.absorb_first(behind, &mut run));
        let middle = self.node(run);
        let before = merge(before, middle);
        self.root = merge(before, behind);
    }

    /// Takes the last run into the one that comes behind it, when they are alike.
    fn absorb_last(&mut self, link: Link, run: &mut Run) -> Link {
        let last = last_run(&link);
        match last {
            Some(last) if last.rows_each == run.rows_each && run.lines > 0 => {
                let count = lines_of(&link) - last.lines;
                run.lines += last.lines;
                self.split(link, count).0
            }
            _ => link,
        }
    }

    fn absorb_first(&mut self, link: Link, run: &mut Run) -> Link {
        let first = first_run(&link);
        match first {
            Some(first) if first.rows_each == run.rows_each && run.lines > 0 => {
                run.lines += first.lines;
                self.split(link, first.lines).1
            }
            _ => link,
        }
    }

    /// The first lines and the others.
    fn split(&mut self, link: Link, at: usize) -> (Link, Link) {
        let Some(mut node) = link else { return (None, None) };
        let left = lines_of(&node.left);
        if at <= left {
            let (before, behind) = self.split(node.left.take(), at);
            node.left = behind;
            node.update();
            return (before, Some(node));
        }
        if at >= left + node.run.lines {
            let (before, behind) = self.split(node.right.take(), at - left - node.run.lines);
            node.right = before;
            node.update();
            return (Some(node), behind);
        }
        // Within the run of this node.
        let rest = left + node.run.lines - at;
        let rows_each = node.run.rows_each;
        let right = node.right.take();
        node.run.lines = at - left;
        node.update();
        let behind = self.node(Run { lines: rest, rows_each });
        (Some(node), merge(behind, right))
    }

    /// How many runs there are.
    #[cfg(test)]
    pub(super) fn runs(&self) -> usize {
        fn count(link: &Link) -> usize {
            link.as_ref().map_or(0, |node| 1 + count(&node.left) + count(&node.right))
        }
        count(&self.root)
    }
}

fn last_run(mut link: &Link) -> Option<Run> {
    let mut last = None;
    while let Some(node) = link {
        last = Some(node.run);
        link = &node.right;
    }
    last
}

fn first_run(mut link: &Link) -> Option<Run> {
    let mut first = None;
    while let Some(node) = link {
        first = Some(node.run);
        link = &node.left;
    }
    first
}

fn merge(one: Link, two: Link) -> Link {
    match (one, two) {
        (None, link) | (link, None) => link,
        (Some(mut one), Some(mut two)) => {
            if one.priority >= two.priority {
                one.right = merge(one.right.take(), Some(two));
                one.update();
                Some(one)
            } else {
                two.left = merge(Some(one), two.left.take());
                two.update();
                Some(two)
            }
        }
    }
}
