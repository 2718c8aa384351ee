//! Tabs and splits.

mod saved;

use std::collections::BTreeMap;

use crate::limits::{CLOSED_TABS_MAX, GROUPS_MAX, TABS_MAX};

pub use self::saved::LayoutError;

/// Names a group of tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u32);

/// Names a tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TabId(pub u32);

/// In which direction panes stand beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// From left to right.
    Row,
    /// From top to bottom.
    Column,
}

/// A part of the window.
#[derive(Debug, Clone, PartialEq)]
pub enum Pane {
    /// Tabs.
    Group(GroupId),
    /// Panes beside each other, each with its share of the room.
    Split {
        /// How they stand.
        axis: Axis,
        /// The panes with their shares, which sum up to 1.
        children: Vec<(Pane, f32)>,
    },
}

/// A tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// Its id.
    pub id: TabId,
    /// The path of the file it shows.
    pub path: String,
    /// Whether the next file that is looked at takes its place.
    pub is_preview: bool,
    /// Whether it stays at the left.
    pub is_pinned: bool,
}

/// Tabs of which one is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    tabs: Vec<Tab>,
    active: usize,
    /// The last used last.
    used: Vec<TabId>,
}

impl Group {
    /// The tabs.
    pub fn tabs(&self) -> &[Tab] {
        &self.tabs
    }

    /// The tab that is shown.
    pub fn active(&self) -> Option<&Tab> {
        self.tabs.get(self.active)
    }

    /// Its place among the tabs.
    pub fn active_index(&self) -> usize {
        self.active
    }

    fn activate(&mut self, index: usize) {
        if let Some(tab) = self.tabs.get(index) {
            let id = tab.id;
            self.active = index;
            self.used.retain(|used| *used != id);
            self.used.push(id);
        }
    }

    /// Takes a tab out; the one used before is shown.
    fn remove(&mut self, index: usize) -> Tab {
        let tab = self.tabs.remove(index);
        let shown = self.used.last().copied();
        self.used.retain(|used| *used != tab.id);
        let next = if shown == Some(tab.id) { self.used.last().copied() } else { shown };
        let at = next.and_then(|next| self.tabs.iter().position(|tab| tab.id == next));
        self.active = at.unwrap_or(0);
        tab
    }
}

/// All tabs of a window. There is always a group, and one has the focus.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    root: Pane,
    groups: BTreeMap<GroupId, Group>,
    focused: GroupId,
    next: u32,
    /// Paths of closed tabs, the last one last.
    closed: Vec<String>,
}

impl Default for Layout {
    fn default() -> Self {
        let id = GroupId(0);
        let groups = BTreeMap::from([(id, Group::default())]);
        Self { root: Pane::Group(id), groups, focused: id, next: 1, closed: Vec::new() }
    }
}

impl Layout {
    /// What stands where.
    pub fn root(&self) -> &Pane {
        &self.root
    }

    /// The group with the focus.
    pub fn focused(&self) -> GroupId {
        self.focused
    }

    /// A group.
    pub fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// The tab that is shown where the focus is.
    pub fn active(&self) -> Option<&Tab> {
        self.groups.get(&self.focused).and_then(Group::active)
    }

    /// The groups as they are read: from left to right and from top to bottom.
    pub fn order(&self) -> Vec<GroupId> {
        let mut order = Vec::new();
        groups_of(&self.root, &mut order);
        order
    }

    /// Gives a group the focus.
    pub fn focus(&mut self, id: GroupId) {
        if self.groups.contains_key(&id) {
            self.focused = id;
        }
    }

    /// Gives the group at a place of the order the focus.
    pub fn focus_index(&mut self, index: usize) {
        if let Some(id) = self.order().get(index) {
            self.focused = *id;
        }
    }

    fn fresh(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    fn count_tabs(&self) -> usize {
        self.groups.values().map(|group| group.tabs.len()).sum()
    }

    /// Shows a file in the group with the focus: in the tab that has it, in the place of a tab that only previews, or
    /// in a new one. `None` when there are too many tabs.
    pub fn open(&mut self, path: &str, is_preview: bool) -> Option<TabId> {
        let focused = self.focused;
        let has_room = self.count_tabs() < TABS_MAX;
        let fresh = TabId(self.fresh());
        let group = self.groups.get_mut(&focused)?;
        if let Some(index) = group.tabs.iter().position(|tab| tab.path == path) {
            group.tabs[index].is_preview &= is_preview;
            group.activate(index);
            return Some(group.tabs[index].id);
        }
        if is_preview && let Some(index) = group.tabs.iter().position(|tab| tab.is_preview) {
            path.clone_into(&mut group.tabs[index].path);
            group.activate(index);
            return Some(group.tabs[index].id);
        }
        if !has_room {
            return None;
        }
        let pinned = group.tabs.iter().filter(|tab| tab.is_pinned).count();
        let at = if group.tabs.is_empty() { 0 } else { (group.active + 1).max(pinned) };
        group.tabs.insert(at, Tab { id: fresh, path: path.to_owned(), is_preview, is_pinned: false });
        group.activate(at);
        Some(fresh)
    }

    /// Keeps a tab that would be replaced.
    pub fn keep(&mut self, id: TabId) {
        if let Some(tab) = self.tab_mut(id) {
            tab.is_preview = false;
        }
    }

    /// Pins a tab to the left, or no longer.
    pub fn pin(&mut self, id: TabId, is_pinned: bool) {
        let Some((group, index)) = self.find(id) else { return };
        let Some(group) = self.groups.get_mut(&group) else { return };
        let shown = group.active().map(|tab| tab.id);
        let mut tab = group.tabs.remove(index);
        tab.is_pinned = is_pinned;
        tab.is_preview = false;
        let at = group.tabs.iter().filter(|tab| tab.is_pinned).count();
        group.tabs.insert(at, tab);
        group.active = group.tabs.iter().position(|tab| Some(tab.id) == shown).unwrap_or(0);
    }

    fn find(&self, id: TabId) -> Option<(GroupId, usize)> {
        self.groups.iter().find_map(|(group_id, group)| {
            group.tabs.iter().position(|tab| tab.id == id).map(|index| (*group_id, index))
        })
    }

    fn tab_mut(&mut self, id: TabId) -> Option<&mut Tab> {
        self.groups.values_mut().flat_map(|group| &mut group.tabs).find(|tab| tab.id == id)
    }

    /// Shows a tab and gives its group the focus.
    pub fn show(&mut self, id: TabId) {
        if let Some((group_id, index)) = self.find(id) {
            self.focused = group_id;
            if let Some(group) = self.groups.get_mut(&group_id) {
                group.activate(index);
            }
        }
    }

    /// The next tab of the group with the focus, or the one before; behind the last comes the first.
    pub fn cycle(&mut self, is_forward: bool) {
        if let Some(group) = self.groups.get_mut(&self.focused)
            && !group.tabs.is_empty()
        {
            let count = group.tabs.len();
            let step = if is_forward { 1 } else { count - 1 };
            group.activate((group.active + step) % count);
        }
    }

    /// Closes a tab. A group without tabs goes, but for the last one. Gives the path that the tab had.
    pub fn close(&mut self, id: TabId) -> Option<String> {
        let (group_id, index) = self.find(id)?;
        let group = self.groups.get_mut(&group_id)?;
        let tab = group.remove(index);
        let is_empty = group.tabs.is_empty();
        self.closed.push(tab.path.clone());
        if self.closed.len() > CLOSED_TABS_MAX {
            self.closed.remove(0);
        }
        if is_empty {
            self.remove_group(group_id);
        }
        Some(tab.path)
    }

    /// Opens the tab that was closed last.
    pub fn reopen(&mut self) -> Option<TabId> {
        let path = self.closed.pop()?;
        self.open(&path, false)
    }

    fn remove_group(&mut self, id: GroupId) {
        if self.groups.len() < 2 {
            return;
        }
        let order = self.order();
        let at = order.iter().position(|other| *other == id).unwrap_or(0);
        self.groups.remove(&id);
        without(&mut self.root, id);
        if self.focused == id {
            let next = order.get(at + 1).or_else(|| at.checked_sub(1).and_then(|at| order.get(at)));
            self.focused = next.copied().unwrap_or(self.focused);
        }
    }

    /// Puts a second group beside the one with the focus, with the same file. `None` when there is no file or there
    /// are too many.
    pub fn split(&mut self, axis: Axis) -> Option<GroupId> {
        let path = self.active()?.path.clone();
        if self.groups.len() >= GROUPS_MAX || self.count_tabs() >= TABS_MAX {
            return None;
        }
        let id = GroupId(self.fresh());
        self.groups.insert(id, Group::default());
        beside(&mut self.root, self.focused, id, axis);
        self.focused = id;
        self.open(&path, false);
        Some(id)
    }

    /// Moves a tab to a place in a group.
    pub fn move_tab(&mut self, id: TabId, to: GroupId, index: usize) {
        let Some((from, at)) = self.find(id) else { return };
        if !self.groups.contains_key(&to) {
            return;
        }
        let Some(tab) = self.groups.get_mut(&from).map(|group| group.remove(at)) else { return };
        if let Some(group) = self.groups.get_mut(&to) {
            let index = index.min(group.tabs.len());
            group.tabs.insert(index, tab);
            group.activate(index);
        }
        self.focused = to;
        if self.groups.get(&from).is_some_and(|group| group.tabs.is_empty()) {
            self.remove_group(from);
        }
    }

    /// Gives a pane another share of its split; the one behind it gives or takes. `path` leads to the split: the
    /// number of the child at each step.
    pub fn resize(&mut self, path: &[usize], child: usize, share: f32) {
        const LEAST: f32 = 0.05;
        let mut pane = &mut self.root;
        for step in path {
            let Pane::Split { children, .. } = pane else { return };
            let Some((next, _)) = children.get_mut(*step) else { return };
            pane = next;
        }
        if let Pane::Split { children, .. } = pane
            && child + 1 < children.len()
            && share.is_finite()
        {
            let both = children[child].1 + children[child + 1].1;
            let share = share.clamp(LEAST.min(both / 2.0), (both - LEAST).max(both / 2.0));
            children[child].1 = share;
            children[child + 1].1 = both - share;
        }
    }

    /// A file or folder has another path now.
    pub fn renamed(&mut self, from: &str, to: &str) {
        for tab in self.groups.values_mut().flat_map(|group| &mut group.tabs) {
            if tab.path == from {
                to.clone_into(&mut tab.path);
            } else if let Some(rest) = tab.path.strip_prefix(from).filter(|rest| rest.starts_with('/')) {
                tab.path = format!("{to}{rest}");
            }
        }
    }

    /// Panics when the parts contradict each other. For tests.
    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        let mut order = self.order();
        order.sort_unstable();
        assert_eq!(order, self.groups.keys().copied().collect::<Vec<_>>());
        assert!(self.groups.contains_key(&self.focused));
        for group in self.groups.values() {
            assert!(group.tabs.is_empty() || group.active < group.tabs.len());
            assert_eq!(group.used.len(), group.tabs.len());
            assert!(self.groups.len() == 1 || !group.tabs.is_empty());
        }
        check_pane(&self.root);
    }
}

#[cfg(test)]
fn check_pane(pane: &Pane) {
    if let Pane::Split { axis, children } = pane {
        assert!(children.len() > 1);
        let sum: f32 = children.iter().map(|(_, share)| share).sum();
        assert!((sum - 1.0).abs() < 0.01, "{sum}");
        for (child, share) in children {
            assert!(*share > 0.0);
            assert!(!matches!(child, Pane::Split { axis: other, .. } if other == axis));
            check_pane(child);
        }
    }
}

fn groups_of(pane: &Pane, out: &mut Vec<GroupId>) {
    match pane {
        Pane::Group(id) => out.push(*id),
        Pane::Split { children, .. } => children.iter().for_each(|(child, _)| groups_of(child, out)),
    }
}

/// Puts a group behind another one, which gives half of its room.
fn beside(pane: &mut Pane, at: GroupId, new: GroupId, axis: Axis) -> bool {
    match pane {
        Pane::Group(id) if *id == at => {
            let children = vec![(Pane::Group(at), 0.5), (Pane::Group(new), 0.5)];
            *pane = Pane::Split { axis, children };
            true
        }
        Pane::Group(_) => false,
        Pane::Split { axis: own, children } => {
            let index = children.iter().position(|(child, _)| matches!(child, Pane::Group(id) if *id == at));
            if let Some(index) = index.filter(|_| *own == axis) {
                let share = children[index].1 / 2.0;
                children[index].1 = share;
                children.insert(index + 1, (Pane::Group(new), share));
                return true;
            }
            children.iter_mut().any(|(child, _)| beside(child, at, new, axis))
        }
    }
}

/// Takes a group out; its room goes to its neighbours, and a split of one becomes that one.
fn without(pane: &mut Pane, gone: GroupId) {
    let Pane::Split { axis, children } = pane else { return };
    children.retain(|(child, _)| !matches!(child, Pane::Group(id) if *id == gone));
    for (child, _) in children.iter_mut() {
        without(child, gone);
    }
    // A split within a split of the same direction is one.
    let mut flat = Vec::with_capacity(children.len());
    for (child, share) in children.drain(..) {
        match child {
            Pane::Split { axis: inner, children: parts } if inner == *axis => {
                flat.extend(parts.into_iter().map(|(part, part_share)| (part, part_share * share)));
            }
            child => flat.push((child, share)),
        }
    }
    let sum: f32 = flat.iter().map(|(_, share)| share).sum();
    flat.iter_mut().for_each(|(_, share)| *share /= sum.max(f32::EPSILON));
    *children = flat;
    if children.len() == 1 {
        let (only, _) = children.remove(0);
        *pane = only;
    }
}
