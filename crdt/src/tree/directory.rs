//! Shown folders: what has which name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::few::Few;
use super::names::{NameProblem, Platform, Renamer, fold, name_problem};
use crate::{NodeId, OpId};

/// Names a shown folder while it exists; never leaves the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DirectoryId(pub(super) u64);

impl DirectoryId {
    pub(super) const ROOT: Self = Self(0);
}

/// Something that has a name in a shown folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Folder(DirectoryId),
    File(NodeId),
    /// A computed node, by its own id.
    Computed(NodeId),
}

/// Where an item is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) directory: DirectoryId,
    pub(super) name: Arc<str>,
}

/// A node with what decides who comes first.
pub(super) type Ranked = (Option<OpId>, NodeId);

/// A shown folder: all folder nodes of one name in one shown folder.
#[derive(Debug, Clone, Default)]
pub(super) struct Directory {
    /// `None` for the root, and while it is not attached.
    pub(super) place: Option<Place>,
    /// Ascending; never empty while attached.
    pub(super) members: BTreeSet<Ranked>,
    /// What the members' children are called in the registers.
    pub(super) groups: BTreeMap<Arc<str>, Group>,
    /// The groups of which not everything can have the name.
    pub(super) crowded: BTreeSet<Arc<str>>,
    /// What is shown.
    pub(super) entries: BTreeMap<Arc<str>, Entry>,
    /// The names among `entries` that are no group's.
    pub(super) made_names: BTreeSet<Arc<str>>,
    /// Entries by what the platform makes of their names; empty where it does not fold.
    pub(super) folded: BTreeMap<String, BTreeSet<(Ranked, Arc<str>)>>,
}

/// Children of one name.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub(super) folder: Option<DirectoryId>,
    pub(super) files: Few<Ranked>,
}

/// One line of a shown folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) item: Item,
    pub(super) rank: Ranked,
    pub(super) problem: Option<NameProblem>,
}

/// A copy that has to be shown beside a file.
pub(super) struct Copy {
    pub(super) item: Item,
    pub(super) rank: Ranked,
    pub(super) label: Arc<str>,
}

impl Group {
    pub(super) fn is_empty(&self) -> bool {
        self.folder.is_none() && self.files.is_empty()
    }

    /// Gives what has the name itself: the folder, else the oldest file.
    pub(super) fn first(&self, rank_of: impl Fn(DirectoryId) -> Ranked) -> Option<(Item, Ranked)> {
        let file = || self.files.first().map(|rank| (Item::File(rank.1), *rank));
        let folder = self.folder.map(|id| (Item::Folder(id), rank_of(id)));
        folder.or_else(file)
    }
}

impl Directory {
    /// Names everything in crowded groups that cannot have the group's name.
    ///
    /// Depends on nothing but the groups and their copies, so every device finds the same names.
    pub(super) fn make_names(
        &self,
        copies_of: impl Fn(NodeId) -> Vec<Copy>,
    ) -> BTreeMap<Arc<str>, (Item, Ranked)> {
        let mut renamer = Renamer::default();
        let mut made: BTreeMap<Arc<str>, (Item, Ranked)> = BTreeMap::new();
        let mut with_copies: Vec<(Arc<str>, Copy)> = Vec::new();
        for name in &self.crowded {
            let Some(group) = self.groups.get(name) else { continue };
            let mut name_is_taken = group.folder.is_some();
            for rank in &group.files {
                let shown = if name_is_taken {
                    let free = |c: &str| !self.groups.contains_key(c) && !made.contains_key(c);
                    let shown: Arc<str> = renamer.numbered(name, free).into();
                    made.insert(shown.clone(), (Item::File(rank.1), *rank));
                    shown
                } else {
                    name.clone()
                };
                name_is_taken = true;
                with_copies.extend(copies_of(rank.1).into_iter().map(|copy| (shown.clone(), copy)));
            }
        }
        for (name, copy) in with_copies {
            let free = |c: &str| !self.groups.contains_key(c) && !made.contains_key(c);
            let shown = renamer.conflict(&name, &copy.label, free);
            made.insert(shown.into(), (copy.item, copy.rank));
        }
        made
    }

    /// Puts an item at a name, or nothing; gives the names whose problems may have changed by it.
    pub(super) fn set_entry(
        &mut self,
        name: &Arc<str>,
        item: Option<(Item, Ranked)>,
        platform: Platform,
    ) -> Option<String> {
        let old = match item {
            Some((item, rank)) => {
                let problem = name_problem(name, platform);
                self.entries.insert(name.clone(), Entry { item, rank, problem })
            }
            None => self.entries.remove(name),
        };
        if !platform.folds_names {
            return None;
        }
        let folded = fold(name);
        let class = self.folded.entry(folded.clone()).or_default();
        if let Some(old) = old {
            class.remove(&(old.rank, name.clone()));
        }
        if let Some((_, rank)) = item {
            class.insert((rank, name.clone()));
        }
        if class.is_empty() {
            self.folded.remove(&folded);
        }
        Some(folded)
    }

    /// Gives the names that a folding platform does not tell apart, with the problem that each has by that.
    pub(super) fn folding_problems(
        &self,
        folded: &str,
        platform: Platform,
    ) -> Vec<(Arc<str>, Option<NameProblem>)> {
        let mut first: Option<Arc<str>> = None;
        let class = self.folded.get(folded).into_iter().flatten();
        let problems = class.map(|(_, name)| {
            let own = name_problem(name, platform);
            let problem = match (&own, &first) {
                (Some(_), _) => own,
                (None, Some(first)) => Some(NameProblem::Folds(first.to_string())),
                (None, None) => {
                    first = Some(name.clone());
                    None
                }
            };
            (name.clone(), problem)
        });
        problems.collect()
    }
}
