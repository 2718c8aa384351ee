//! One refresh: reading registers, finding folders, hiding what is deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::content::ContentValue;
use super::directory::{DirectoryId, Item, Place};
use super::facts::DocumentFacts;
use super::few::Few;
use super::key::{Field, NodeKind, ROOT, RegisterKey};
use super::links::{has_cycle, link_file, link_folders};
use super::record::Record;
use super::registers::Registers;
use super::view::{Names, Node, Slot, TreeView};
use crate::{DocumentId, NodeId};

/// What one refresh has found so far.
#[derive(Default)]
pub(super) struct Pass {
    pub(super) touched: BTreeMap<NodeId, Touched>,
    /// Nodes whose folder was computed, with the folder.
    pub(super) links: BTreeMap<NodeId, NodeId>,
    /// Names in folder nodes whose nodes changed.
    pub(super) dirty: BTreeSet<(NodeId, Arc<str>)>,
    /// Names in shown folders that are to be looked at.
    pub(super) names: BTreeMap<DirectoryId, BTreeSet<Arc<str>>>,
    /// Where items were before, noted before anything about them is changed.
    pub(super) before: BTreeMap<Item, Option<OldPlace>>,
    /// Shown folders that have lost their place.
    pub(super) orphans: BTreeSet<DirectoryId>,
    /// Shown folders whose nodes were found.
    pub(super) attached: BTreeSet<DirectoryId>,
    /// Computed nodes that may be none any more.
    pub(super) copies_gone: BTreeSet<NodeId>,
}

/// What is to be computed again for a node, and what it held before.
pub(super) struct Touched {
    is_new: bool,
    pub(super) placement: bool,
    pub(super) content: bool,
    pub(super) old_content: Option<Arc<ContentValue>>,
    pub(super) old_executable: bool,
}

/// Where an item was, and whether the disk could hold that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OldPlace {
    pub(super) place: Place,
    pub(super) has_problem: bool,
}

impl TreeView {
    pub(super) fn read<'a>(
        &mut self,
        registers: &dyn Registers,
        keys: impl IntoIterator<Item = &'a str>,
        pass: &mut Pass,
    ) {
        for text in keys {
            let Some(key) = RegisterKey::parse(text) else { continue };
            let touched = self.touch(key.node, pass);
            match key.field {
                Field::Kind | Field::Name => touched.placement = true,
                Field::Parent => (touched.placement, touched.content) = (true, true),
                Field::Executable => {}
                Field::Content | Field::DeletedAt | Field::Replaced(_) => touched.content = true,
            }
            let node = self.nodes.get_mut(&key.node).expect("the touched node");
            node.record.read(key, text, registers);
        }
        for id in pass.touched.keys() {
            let node = &self.nodes[id];
            for folder in node.record.mentions() {
                *self.mentions.entry(folder).or_default() += 1;
            }
            for document in node.record.documents() {
                self.documents.entry(document).or_default().insert(*id);
            }
        }
    }

    // Takes the node's old registers out of the indexes; `read` puts the new ones in.
    fn touch<'a>(&mut self, id: NodeId, pass: &'a mut Pass) -> &'a mut Touched {
        let is_new = !self.nodes.contains_key(&id);
        let node = self.nodes.entry(id).or_default();
        pass.touched.entry(id).or_insert_with(|| {
            self.work.nodes += 1;
            for folder in node.record.mentions() {
                count_down(&mut self.mentions, folder);
            }
            for document in node.record.documents() {
                remove_from_set(&mut self.documents, &document, &id);
            }
            Touched {
                is_new,
                placement: false,
                content: false,
                old_content: node.record.content().cloned(),
                old_executable: node.record.executable,
            }
        })
    }

    pub(super) fn touch_documents(
        &mut self,
        documents: impl IntoIterator<Item = DocumentId>,
        pass: &mut Pass,
    ) {
        for document in documents {
            for id in self.documents.get(&document).into_iter().flatten() {
                let Some(node) = self.nodes.get(id) else { continue };
                self.work.nodes += 1;
                if !node.record.is_trashed() && !has_versions(&node.record) {
                    continue;
                }
                let touched = pass.touched.entry(*id).or_insert_with(|| Touched {
                    is_new: false,
                    placement: false,
                    content: false,
                    old_content: node.record.content().cloned(),
                    old_executable: node.record.executable,
                });
                touched.content = true;
            }
        }
    }

    /// Finds the folder of every node whose folder may have changed.
    pub(super) fn link(&mut self, pass: &mut Pass) {
        let mut flipped = Vec::new();
        let mut folders = Vec::new();
        for (id, _) in pass.touched.iter().filter(|(_, touched)| touched.placement) {
            let node = self.nodes.get_mut(id).expect("the touched node");
            let complete = node.record.is_complete();
            let is_folder = complete && node.record.kind == Some(NodeKind::Folder);
            if is_folder != node.is_folder {
                flipped.push(*id);
                node.is_folder = is_folder;
            }
            if is_folder {
                folders.push(*id);
            } else {
                self.displaced.remove(id);
            }
        }
        let concerns_others = self.is_named_by_others(&flipped, pass);
        let is_simple = !concerns_others
            && (self.displaced.is_empty() || (folders.is_empty() && flipped.is_empty()))
            && self.link_simply(&folders, pass);
        if !is_simple {
            self.link_all_folders(&folders, pass);
        }
        self.link_files(concerns_others, pass);
    }

    fn is_named_by_others(&self, flipped: &[NodeId], pass: &Pass) -> bool {
        if flipped.is_empty() {
            return false;
        }
        let mut own: BTreeMap<NodeId, usize> = BTreeMap::new();
        for (id, _) in pass.touched.iter().filter(|(_, touched)| touched.placement) {
            for folder in self.nodes[id].record.mentions() {
                *own.entry(folder).or_default() += 1;
            }
        }
        let count = |counts: &BTreeMap<NodeId, usize>, id| counts.get(id).copied().unwrap_or(0);
        let mut flipped = flipped.iter();
        flipped.any(|id| count(&self.mentions, id) > count(&own, id))
    }

    // While every folder has its first choice and these close no cycle, the order of moves does not matter.
    fn link_simply(&mut self, folders: &[NodeId], pass: &mut Pass) -> bool {
        let mut links = BTreeMap::new();
        for id in folders {
            let parent = self.nodes[id].record.candidates().next();
            match parent.filter(|parent| self.is_folder(*parent)) {
                Some(parent) => links.insert(*id, parent),
                None => return false,
            };
        }
        let parent_of = |id| {
            let linked = || self.nodes.get(&id).and_then(|node| node.link);
            links.get(&id).copied().or_else(linked).unwrap_or(ROOT)
        };
        let mut steps = 0;
        let cyclic = has_cycle(folders.iter().copied(), parent_of, &mut steps);
        self.work.steps += steps;
        if !cyclic {
            pass.links = links;
        }
        !cyclic
    }

    fn link_all_folders(&mut self, folders: &[NodeId], pass: &mut Pass) {
        let all = self.nodes.iter().filter(|(_, node)| node.is_folder);
        let all = all.map(|(id, node)| (*id, &node.record));
        let links = link_folders(all, |id| self.is_folder(id));
        self.work.nodes += links.len() as u64;
        let displaced = links.iter().filter(|(_, link)| !link.is_first_choice);
        self.displaced = displaced.map(|(id, _)| *id).collect();
        let changed = links.into_iter().filter(|(id, link)| {
            self.nodes[id].link != Some(link.parent) || folders.binary_search(id).is_ok()
        });
        pass.links = changed.map(|(id, link)| (id, link.parent)).collect();
    }

    fn link_files(&mut self, all: bool, pass: &mut Pass) {
        if all {
            self.work.nodes += self.nodes.len() as u64;
        }
        let link = |id: &NodeId| {
            let node = self.nodes.get(id).filter(|node| node.record.is_complete() && !node.is_folder)?;
            Some((*id, link_file(&node.record, |folder| self.is_folder(folder))))
        };
        if all {
            let touched = |id: &NodeId| pass.touched.get(id).is_some_and(|t| t.placement);
            let links = self.nodes.keys().filter_map(link);
            let changed = links.filter(|(id, to)| self.nodes[id].link != Some(*to) || touched(id));
            let changed: Vec<_> = changed.collect();
            pass.links.extend(changed);
        } else {
            let touched = pass.touched.iter().filter(|(_, touched)| touched.placement);
            pass.links.extend(touched.filter_map(|(id, _)| link(id)));
        }
    }

    fn is_folder(&self, id: NodeId) -> bool {
        id == ROOT || self.nodes.get(&id).is_some_and(|node| node.is_folder)
    }

    /// Lists nodes in their folders and finds out which are shown.
    pub(super) fn place(&mut self, facts: &dyn DocumentFacts, pass: &mut Pass) {
        let mut changed = Vec::new();
        for id in pass.touched.keys().chain(pass.links.keys()) {
            let touched = pass.touched.get(id);
            let node = &self.nodes[id];
            let is_alive = match touched {
                Some(touched) if touched.content || touched.placement => is_alive(&node.record, facts),
                _ => node.is_alive,
            };
            let replaced = touched.is_some_and(|touched| touched.placement || touched.is_new);
            if replaced || is_alive != node.is_alive || pass.links.contains_key(id) {
                changed.push((*id, is_alive));
            }
        }
        changed.sort_unstable();
        changed.dedup();
        let mut recheck = BTreeSet::new();
        for (id, _) in &changed {
            self.unlist(*id, pass, &mut recheck);
        }
        for (id, is_alive) in &changed {
            let node = self.nodes.get_mut(id).expect("the touched node");
            node.is_alive = *is_alive;
            node.link = match node.record.is_complete() {
                true => pass.links.get(id).copied().or(node.link),
                false => None,
            };
            self.list(*id, pass, &mut recheck);
        }
        while let Some(id) = recheck.pop_first() {
            self.work.nodes += 1;
            let Some(node) = self.nodes.get(&id) else { continue };
            let is_shown = node.is_alive || node.shown_children > 0;
            if node.slot.as_ref().is_some_and(|slot| slot.is_shown != is_shown) {
                self.unlist(id, pass, &mut recheck);
                self.list(id, pass, &mut recheck);
            }
        }
    }

    fn unlist(&mut self, id: NodeId, pass: &mut Pass, recheck: &mut BTreeSet<NodeId>) {
        let Some(slot) = self.nodes.get_mut(&id).and_then(|node| node.slot.take()) else {
            return;
        };
        if slot.is_shown {
            remove_name(&mut self.children, &slot, id);
            if let Some(parent) = self.nodes.get_mut(&slot.parent) {
                parent.shown_children -= 1;
                recheck.insert(slot.parent);
            }
            pass.dirty.insert((slot.parent, slot.name));
        } else {
            remove_name(&mut self.hidden, &slot, id);
        }
    }

    fn list(&mut self, id: NodeId, pass: &mut Pass, recheck: &mut BTreeSet<NodeId>) {
        let node = self.nodes.get_mut(&id).expect("the listed node");
        let (Some(parent), Some(name)) = (node.link, node.record.name.clone()) else {
            return;
        };
        let is_shown = node.is_alive || node.shown_children > 0;
        node.slot = Some(Slot { parent, name: name.clone(), is_shown });
        let list = if is_shown { &mut self.children } else { &mut self.hidden };
        let names: &mut Names = list.entry(parent).or_default();
        names.entry(name.clone()).or_default().insert(id);
        if is_shown {
            if let Some(parent_node) = self.nodes.get_mut(&parent) {
                parent_node.shown_children += 1;
                recheck.insert(parent);
            }
            pass.dirty.insert((parent, name));
        }
    }
}

/// Tells whether there can be other versions of the file to show.
pub(super) fn has_versions(record: &Record) -> bool {
    record.contents.len() > 1 || !record.replaced.is_empty()
}

/// Tells whether the node is shown for its own sake: nobody deleted it, or somebody did who did not see all of it.
fn is_alive(record: &Record, facts: &dyn DocumentFacts) -> bool {
    if !record.is_complete() {
        return false;
    }
    if !record.is_trashed() {
        return true;
    }
    if record.kind != Some(NodeKind::File) {
        return false;
    }
    let deleted_at = record.deleted_at.clone().unwrap_or_default();
    let has_unseen_blob = record.contents.iter().any(|(_, content)| match &**content {
        ContentValue::Blob(blob) => !deleted_at.names_blob(blob.content),
        ContentValue::Text { .. } => false,
    });
    has_unseen_blob
        || record.documents().any(|document| {
            let mut seen = record.seen_when_replaced(document);
            if let Some(heads) = deleted_at.document(document) {
                seen = super::value::unite(&seen, heads);
            }
            facts.counting_beyond(document, &seen)
        })
}

fn count_down(counts: &mut BTreeMap<NodeId, usize>, id: NodeId) {
    if let Some(count) = counts.get_mut(&id) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&id);
        }
    }
}

fn remove_from_set<K: Ord, V: Ord>(sets: &mut BTreeMap<K, Few<V>>, key: &K, value: &V) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(value);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}

fn remove_name(list: &mut BTreeMap<NodeId, Names>, slot: &Slot, id: NodeId) {
    if let Some(names) = list.get_mut(&slot.parent) {
        remove_from_set(names, &slot.name, &id);
        if names.is_empty() {
            list.remove(&slot.parent);
        }
    }
}

impl Node {
    pub(super) fn rank(&self, id: NodeId) -> super::directory::Ranked {
        (self.record.created, id)
    }
}
