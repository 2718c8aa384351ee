//! One refresh: folders of one name become one, and everything gets a name of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::directory::{Copy, Directory, DirectoryId, Item, Place, Ranked};
use super::few::Few;
use super::key::ROOT;
use super::pass::{OldPlace, Pass};
use super::view::TreeView;
use crate::NodeId;

type Pairs = BTreeSet<(DirectoryId, Arc<str>)>;

impl TreeView {
    /// Brings the shown folders in line with the children of their nodes.
    pub(super) fn lay_out(&mut self, pass: &mut Pass) {
        let dirty = std::mem::take(&mut pass.dirty);
        let pairs = dirty.into_iter().filter_map(|(parent, name)| {
            // A node without a shown folder gets one below, and with it all its names are looked at.
            Some((self.directory_of(parent)?, name))
        });
        let mut pairs: Pairs = pairs.collect();
        while !pairs.is_empty() {
            self.work.names += pairs.len() as u64;
            // All detach before any attaches, so that a folder that moved is found again.
            for (directory, name) in &pairs {
                self.detach_folder(*directory, name, pass);
            }
            let mut next = Pairs::new();
            for (directory, name) in &pairs {
                self.fill_group(*directory, name, pass, &mut next);
            }
            for (directory, name) in pairs {
                pass.names.entry(directory).or_default().insert(name);
            }
            pairs = next;
        }
        self.drop_orphans(pass);
        self.settle_members(pass);
        for (directory, names) in std::mem::take(&mut pass.names) {
            self.name_entries(directory, &names, pass);
        }
    }

    pub(super) fn directory_of(&self, node: NodeId) -> Option<DirectoryId> {
        if node == ROOT {
            return Some(DirectoryId::ROOT);
        }
        self.nodes.get(&node)?.directory
    }

    fn nodes_named(&self, directory: DirectoryId, name: &str) -> (BTreeSet<Ranked>, Few<Ranked>) {
        let (mut folders, mut files) = (BTreeSet::new(), Few::default());
        let members = self.directories.get(&directory).map(|found| &found.members);
        for (_, member) in members.into_iter().flatten() {
            let named = self.children.get(member).and_then(|names| names.get(name));
            for id in named.into_iter().flatten() {
                let Some(node) = self.nodes.get(id) else { continue };
                if node.is_folder {
                    folders.insert(node.rank(*id));
                } else {
                    files.insert(node.rank(*id));
                }
            }
        }
        (folders, files)
    }

    // A shown folder none of whose nodes are here any more leaves its place.
    fn detach_folder(&mut self, directory: DirectoryId, name: &Arc<str>, pass: &mut Pass) {
        let (folders, _) = self.nodes_named(directory, name);
        let found = self.directories.get(&directory);
        let Some(inner) = found.and_then(|d| d.groups.get(name)).and_then(|group| group.folder) else {
            return;
        };
        let members = &self.directories[&inner].members;
        if members.iter().any(|(_, m)| folders.iter().any(|(_, f)| f == m)) {
            return;
        }
        self.note(Item::Folder(inner), pass);
        if let Some(inner) = self.directories.get_mut(&inner) {
            inner.place = None;
        }
        if let Some(group) = self.group(directory, name) {
            group.folder = None;
        }
        pass.orphans.insert(inner);
    }

    fn group(&mut self, directory: DirectoryId, name: &Arc<str>) -> Option<&mut super::directory::Group> {
        let directory = self.directories.get_mut(&directory)?;
        Some(directory.groups.entry(name.clone()).or_default())
    }

    fn fill_group(&mut self, directory: DirectoryId, name: &Arc<str>, pass: &mut Pass, next: &mut Pairs) {
        let (folders, files) = self.nodes_named(directory, name);
        let Some(group) = self.group(directory, name) else { return };
        group.files = files;
        let mut inner = group.folder;
        if !folders.is_empty() {
            let id = inner.unwrap_or_else(|| self.find_or_make_folder(&folders, pass));
            let place = Place { directory, name: name.clone() };
            self.attach_folder(id, place, folders, next);
            pass.attached.insert(id);
            inner = Some(id);
        }
        let Some(found) = self.directories.get_mut(&directory) else { return };
        if let Some(group) = found.groups.get_mut(name) {
            group.folder = inner;
            if group.is_empty() {
                found.groups.remove(name);
            }
        }
    }

    // A folder that was renamed or moved keeps its identity, and with it everything inside its place.
    fn find_or_make_folder(&mut self, folders: &BTreeSet<Ranked>, pass: &mut Pass) -> DirectoryId {
        let known = folders.first().and_then(|(_, node)| self.directory_of(*node));
        let reusable = known.filter(|id| {
            let same = self.directories.get(id).is_some_and(|found| {
                let old = found.members.iter().map(|(_, node)| node);
                found.members.len() == folders.len()
                    && old.collect::<BTreeSet<_>>() == folders.iter().map(|(_, n)| n).collect()
            });
            same && pass.orphans.contains(id)
        });
        if let Some(id) = reusable {
            pass.orphans.remove(&id);
            return id;
        }
        let id = DirectoryId(self.next_directory);
        self.next_directory += 1;
        self.directories.insert(id, Directory::default());
        pass.before.insert(Item::Folder(id), None);
        id
    }

    fn attach_folder(&mut self, id: DirectoryId, place: Place, folders: BTreeSet<Ranked>, next: &mut Pairs) {
        let Some(directory) = self.directories.get_mut(&id) else { return };
        directory.place = Some(place);
        let old = std::mem::replace(&mut directory.members, folders.clone());
        let nodes = |set: &BTreeSet<Ranked>| set.iter().map(|(_, n)| *n).collect::<BTreeSet<_>>();
        let (old, new) = (nodes(&old), nodes(&folders));
        for node in old.symmetric_difference(&new) {
            if let Some(known) = self.nodes.get_mut(node)
                && known.directory == Some(id)
            {
                known.directory = None;
            }
            let names = self.children.get(node).into_iter().flat_map(|names| names.keys());
            next.extend(names.map(|name| (id, name.clone())));
        }
        for node in new {
            if let Some(known) = self.nodes.get_mut(&node) {
                known.directory = Some(id);
            }
        }
    }

    // On the way a node can be in two folders for a while, and leaving one may have come after entering the other.
    fn settle_members(&mut self, pass: &Pass) {
        for id in &pass.attached {
            let members = self.directories.get(id).map(|directory| &directory.members);
            for (_, node) in members.into_iter().flatten() {
                if let Some(known) = self.nodes.get_mut(node) {
                    known.directory = Some(*id);
                }
            }
        }
    }

    fn drop_orphans(&mut self, pass: &mut Pass) {
        while let Some(id) = pass.orphans.pop_first() {
            let Some(directory) = self.directories.get(&id) else { continue };
            let here = |name: &Arc<str>| Place { directory: id, name: name.clone() };
            // What was shown, and what was attached on the way and never shown.
            let shown = directory.entries.iter().map(|(name, entry)| (here(name), entry.item));
            let attached = directory
                .groups
                .iter()
                .filter_map(|(name, group)| Some((here(name), Item::Folder(group.folder?))));
            let entries: BTreeSet<_> = shown.chain(attached).collect();
            let members: Vec<_> = directory.members.iter().map(|(_, node)| *node).collect();
            self.work.names += entries.len() as u64;
            for (place, item) in entries {
                self.note(item, pass);
                if let Item::Folder(inner) = item
                    && self.item_place(item) == Some(&place)
                {
                    pass.orphans.insert(inner);
                }
                self.clear_place(item, &place);
            }
            for node in members {
                if let Some(known) = self.nodes.get_mut(&node)
                    && known.directory == Some(id)
                {
                    known.directory = None;
                }
            }
            self.directories.remove(&id);
            pass.names.remove(&id);
        }
    }

    fn name_entries(&mut self, id: DirectoryId, names: &BTreeSet<Arc<str>>, pass: &mut Pass) {
        self.find_crowded(id, names);
        let Some(directory) = self.directories.get(&id) else { return };
        let made = directory.make_names(|node| self.copies_of(node));
        let looked_at: BTreeSet<&Arc<str>> =
            names.iter().chain(&directory.made_names).chain(made.keys()).collect();
        self.work.names += looked_at.len() as u64;
        let mut plan = Vec::new();
        for name in looked_at {
            let group = || directory.groups.get(name)?.first(|inner| self.rank_of(inner));
            let new = made.get(name).copied().or_else(group);
            let old = directory.entries.get(name).map(|entry| (entry.item, entry.rank));
            if old != new {
                plan.push((name.clone(), old, new));
            }
        }
        let made_names = made.into_keys().collect();
        for (_, old, new) in &plan {
            for (item, _) in old.iter().chain(new) {
                self.note(*item, pass);
            }
        }
        let mut folded = BTreeSet::new();
        for (name, old, new) in plan {
            self.set_entry(id, name, old.map(|(item, _)| item), new, &mut folded);
        }
        if let Some(directory) = self.directories.get_mut(&id) {
            directory.made_names = made_names;
        }
        self.find_folding_problems(id, &folded, pass);
    }

    fn find_crowded(&mut self, id: DirectoryId, names: &BTreeSet<Arc<str>>) {
        let Some(directory) = self.directories.get_mut(&id) else { return };
        for name in names {
            let is_crowded = directory.groups.get(name).is_some_and(|group| {
                let mut files = group.files.iter();
                group.files.len() + usize::from(group.folder.is_some()) > 1
                    || files.any(|(_, file)| self.nodes.get(file).is_some_and(|n| !n.copies.is_empty()))
            });
            if is_crowded {
                directory.crowded.insert(name.clone());
            } else {
                directory.crowded.remove(name);
            }
        }
    }

    fn copies_of(&self, node: NodeId) -> Vec<Copy> {
        let copies = self.nodes.get(&node).into_iter().flat_map(|found| &found.copies);
        let computed = copies.filter_map(|id| {
            let rank = (self.nodes.get(&node)?.record.created, *id);
            let label = self.computed.get(id)?.label.clone();
            Some(Copy { item: Item::Computed(*id), rank, label })
        });
        computed.collect()
    }

    fn set_entry(
        &mut self,
        id: DirectoryId,
        name: Arc<str>,
        old: Option<Item>,
        new: Option<(Item, Ranked)>,
        folded: &mut BTreeSet<String>,
    ) {
        let platform = self.platform;
        let place = Place { directory: id, name };
        if let Some(directory) = self.directories.get_mut(&id) {
            folded.extend(directory.set_entry(&place.name, new, platform));
        }
        if let Some(old @ (Item::File(_) | Item::Computed(_))) = old {
            self.clear_place(old, &place);
        }
        match new {
            Some((Item::File(node), _)) => {
                if let Some(node) = self.nodes.get_mut(&node) {
                    node.place = Some(place);
                }
            }
            Some((Item::Computed(copy), _)) => {
                if let Some(computed) = self.computed.get_mut(&copy) {
                    computed.place = Some(place);
                }
            }
            // A folder got its place when it was attached.
            Some((Item::Folder(_), _)) | None => {}
        }
    }

    // The item may have got another place already.
    fn clear_place(&mut self, item: Item, place: &Place) {
        if self.item_place(item) != Some(place) {
            return;
        }
        match item {
            Item::Folder(id) => {
                if let Some(directory) = self.directories.get_mut(&id) {
                    directory.place = None;
                }
            }
            Item::File(id) => {
                if let Some(node) = self.nodes.get_mut(&id) {
                    node.place = None;
                }
            }
            Item::Computed(id) => {
                if let Some(computed) = self.computed.get_mut(&id) {
                    computed.place = None;
                }
            }
        }
    }

    fn find_folding_problems(&mut self, id: DirectoryId, folded: &BTreeSet<String>, pass: &mut Pass) {
        let Some(directory) = self.directories.get(&id) else { return };
        let mut changed = BTreeMap::new();
        for class in folded {
            for (name, problem) in directory.folding_problems(class, self.platform) {
                let entry = directory.entries.get(&name);
                if let Some(entry) = entry.filter(|entry| entry.problem != problem) {
                    changed.insert(name, (entry.item, problem));
                }
            }
        }
        for (name, (item, problem)) in changed {
            self.note(item, pass);
            let directory = self.directories.get_mut(&id);
            if let Some(entry) = directory.and_then(|found| found.entries.get_mut(&name)) {
                entry.problem = problem;
            }
        }
    }

    /// Notes where an item is, once, before anything about it changes.
    fn note(&self, item: Item, pass: &mut Pass) {
        pass.before.entry(item).or_insert_with(|| {
            let place = self.item_place(item)?.clone();
            let directory = self.directories.get(&place.directory);
            let entry = directory.and_then(|found| found.entries.get(&place.name));
            let entry = entry.filter(|entry| entry.item == item);
            let has_problem = entry.is_some_and(|entry| entry.problem.is_some());
            Some(OldPlace { place, has_problem })
        });
    }
}
