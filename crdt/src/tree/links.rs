//! Which folder each node is in: moves without cycles.

use std::collections::{BTreeMap, BTreeSet};

use super::key::ROOT;
use super::record::Record;
use crate::{NodeId, OpId};

/// Puts every folder into one: in the order of the deciding operations, the first choice that closes no cycle.
///
/// `is_folder` says what can hold children. A folder that is linked is the top of its own tree until then, so a
/// choice closes a cycle exactly when it lies in that tree; joined sets answer this in nearly constant time.
pub(super) fn link_folders<'a>(
    folders: impl Iterator<Item = (NodeId, &'a Record)>,
    is_folder: impl Fn(NodeId) -> bool,
) -> BTreeMap<NodeId, Link> {
    let mut order: Vec<(Option<OpId>, NodeId, &Record)> =
        folders.map(|(node, record)| (record.placed_by(), node, record)).collect();
    order.sort_unstable_by_key(|(by, node, _)| (*by, *node));
    let mut sets = Sets::new(order.iter().map(|(_, node, _)| *node));
    let mut links = BTreeMap::new();
    for (_, node, record) in order {
        let (choice, parent) = record
            .candidates()
            .enumerate()
            .find(|(_, parent)| is_folder(*parent) && sets.join(node, *parent))
            .expect("the root as the last candidate");
        let is_first_choice = choice == 0;
        links.insert(node, Link { parent, is_first_choice });
    }
    links
}

/// Gives the folder a file is in; a file closes no cycle.
pub(super) fn link_file(record: &Record, is_folder: impl Fn(NodeId) -> bool) -> NodeId {
    let parent = record.candidates().find(|parent| is_folder(*parent));
    parent.unwrap_or(ROOT)
}

/// Where a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) parent: NodeId,
    pub(super) is_first_choice: bool,
}

/// Tells whether following the links of `starts` comes back to where it was.
pub(super) fn has_cycle(
    starts: impl Iterator<Item = NodeId>,
    parent: impl Fn(NodeId) -> NodeId,
    steps: &mut u64,
) -> bool {
    let mut ends_at_root = BTreeSet::from([ROOT]);
    for start in starts {
        let mut walked = BTreeSet::new();
        let mut node = start;
        while !ends_at_root.contains(&node) {
            *steps += 1;
            if !walked.insert(node) {
                return true;
            }
            node = parent(node);
        }
        ends_at_root.append(&mut walked);
    }
    false
}

/// Disjoint sets of folders that hang together.
struct Sets {
    indices: BTreeMap<NodeId, usize>,
    up: Vec<usize>,
}

impl Sets {
    fn new(folders: impl Iterator<Item = NodeId>) -> Self {
        let mut indices = BTreeMap::from([(ROOT, 0)]);
        for folder in folders {
            let next = indices.len();
            indices.entry(folder).or_insert(next);
        }
        let up = (0..indices.len()).collect();
        Self { indices, up }
    }

    // The child is the top of its set, so hanging it below the parent's top keeps that one on top; paths are halved
    // on every search.
    fn join(&mut self, child: NodeId, parent: NodeId) -> bool {
        let (Some(child), Some(parent)) = (self.find(child), self.find(parent)) else {
            return false;
        };
        if child == parent {
            return false;
        }
        self.up[child] = parent;
        true
    }

    fn find(&mut self, folder: NodeId) -> Option<usize> {
        let mut index = *self.indices.get(&folder)?;
        while self.up[index] != index {
            self.up[index] = self.up[self.up[index]];
            index = self.up[index];
        }
        Some(index)
    }
}
