//! One refresh: from where things were and are to steps that can be taken one after the other.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::changes::ShownChange;
use super::directory::{DirectoryId, Item, Place};
use super::key::NodeKind;
use super::names::{PATH_BYTES_MAX, TEMPORARY_PREFIX};
use super::pass::Pass;
use super::view::TreeView;

/// Things in each other's way deeper than this go through temporary names.
const DETOUR_DEPTH_MAX: u32 = 64;

impl TreeView {
    /// Says in steps what the refresh did to what this device's disk can hold.
    pub(super) fn changes(&self, pass: &Pass) -> Vec<ShownChange> {
        let mut script = Script::new(self, pass);
        script.remove_files();
        script.remove_folders(false);
        script.settle_all();
        script.remove_folders(true);
        script.report_contents(pass);
        script.steps
    }
}

/// Where an item was and is on a disk that holds what the platform can; none: not there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Journey {
    old: Option<Place>,
    new: Option<Place>,
}

struct Script<'a> {
    view: &'a TreeView,
    journeys: BTreeMap<Item, Journey>,
    /// Where the items with a journey are after the steps so far.
    current: BTreeMap<Item, Option<Place>>,
    /// Who of them is where.
    occupied: BTreeMap<Place, Item>,
    /// Removed folders that something has to leave first.
    waiting: BTreeSet<Item>,
    settled: BTreeSet<Item>,
    in_progress: BTreeSet<Item>,
    temporary_names: u64,
    steps: Vec<ShownChange>,
}

impl<'a> Script<'a> {
    fn new(view: &'a TreeView, pass: &Pass) -> Self {
        let journeys = Survey::new(view, pass).journeys();
        let current: BTreeMap<_, _> =
            journeys.iter().map(|(item, journey)| (*item, journey.old.clone())).collect();
        let occupied = current.iter().filter_map(|(item, place)| Some((place.clone()?, *item)));
        let mut script = Self {
            view,
            occupied: occupied.collect(),
            current,
            journeys,
            waiting: BTreeSet::new(),
            settled: BTreeSet::new(),
            in_progress: BTreeSet::new(),
            temporary_names: 0,
            steps: Vec::new(),
        };
        script.find_waiting();
        script
    }

    fn place(&self, item: Item) -> Option<&Place> {
        match self.current.get(&item) {
            Some(place) => place.as_ref(),
            None => self.view.item_place(item),
        }
    }

    fn path(&self, item: Item) -> String {
        let mut names: Vec<&str> = Vec::new();
        let mut item = item;
        while let Some(place) = self.place(item) {
            names.push(&place.name);
            item = Item::Folder(place.directory);
        }
        names.reverse();
        names.join("/")
    }

    fn find_waiting(&mut self) {
        for (_, journey) in self.journeys.iter().filter(|(_, journey)| journey.new.is_some()) {
            let mut place = journey.old.as_ref();
            while let Some(Place { directory, .. }) = place {
                let folder = Item::Folder(*directory);
                let is_removed = self.journeys.get(&folder).is_some_and(|j| j.new.is_none());
                if !is_removed || !self.waiting.insert(folder) {
                    break;
                }
                place = self.journeys[&folder].old.as_ref();
            }
        }
    }

    fn remove_files(&mut self) {
        self.remove_all(|item| !matches!(item, Item::Folder(_)));
    }

    fn remove_folders(&mut self, waiting: bool) {
        let set = std::mem::take(&mut self.waiting);
        self.remove_all(|item| matches!(item, Item::Folder(_)) && set.contains(&item) == waiting);
        self.waiting = set;
    }

    fn remove_all(&mut self, filter: impl Fn(Item) -> bool) {
        let gone = self.journeys.iter().filter(|(item, journey)| journey.new.is_none() && filter(**item));
        let mut paths: Vec<_> = gone.map(|(item, _)| (self.path(*item), *item)).collect();
        // What a folder holds has a longer path that begins with the folder's.
        paths.sort_unstable_by(|a, b| b.cmp(a));
        for (path, item) in paths {
            let kind = kind_of(item);
            self.put(item, None);
            let node = match item {
                Item::Folder(_) => None,
                Item::File(node) | Item::Computed(node) => Some(node),
            };
            self.steps.push(ShownChange::Removed { path, kind, node });
        }
    }

    fn put(&mut self, item: Item, place: Option<Place>) {
        if let Some(Some(old)) = self.current.insert(item, place.clone()) {
            self.occupied.remove(&old);
        }
        if let Some(place) = place {
            self.occupied.insert(place, item);
        }
    }

    fn settle_all(&mut self) {
        let moving = self.journeys.iter().filter(|(_, journey)| journey.new.is_some());
        let mut order: Vec<_> = moving
            .filter_map(|(item, _)| {
                let path = self.view.item_path(*item)?;
                let depth = path.bytes().filter(|byte| *byte == b'/').count();
                Some((depth, path, *item))
            })
            .collect();
        order.sort_unstable();
        for (_, _, item) in order {
            self.settle(item, 0);
        }
    }

    // Takes an item to its place, and before that the folder of the place and whoever is in the way to theirs.
    fn settle(&mut self, item: Item, depth: u32) {
        let place = match self.journeys.get(&item) {
            Some(Journey { new: Some(place), .. }) if !self.settled.contains(&item) => place.clone(),
            _ => return,
        };
        if depth > DETOUR_DEPTH_MAX || !self.in_progress.insert(item) {
            return;
        }
        let folder = Item::Folder(place.directory);
        self.settle(folder, depth + 1);
        let is_known = self.journeys.get(&folder).is_some_and(|journey| journey.new.is_some());
        if (!is_known || self.settled.contains(&folder)) && !self.is_inside(folder, item) {
            if let Some(other) = self.in_the_way(&place, item) {
                self.settle(other, depth + 1);
            }
            if let Some(other) = self.in_the_way(&place, item) {
                self.step_aside(other);
            }
            self.arrive(item, place);
        }
        self.in_progress.remove(&item);
    }

    // Only while something further up is yet to move: whoever is in the way has to step aside then.
    fn is_inside(&self, mut inner: Item, outer: Item) -> bool {
        while inner != outer {
            match self.place(inner) {
                Some(place) => inner = Item::Folder(place.directory),
                None => return false,
            }
        }
        true
    }

    fn in_the_way(&self, place: &Place, item: Item) -> Option<Item> {
        self.occupied.get(place).copied().filter(|other| *other != item)
    }

    fn arrive(&mut self, item: Item, place: Place) {
        let kind = kind_of(item);
        let from = self.place(item).is_some().then(|| self.path(item));
        self.put(item, Some(place));
        let to = self.path(item);
        self.steps.push(match from {
            Some(from) => ShownChange::Moved { from, to, kind },
            None => ShownChange::Added { path: to, kind },
        });
        self.settled.insert(item);
    }

    fn step_aside(&mut self, item: Item) {
        let Some(directory) = self.place(item).map(|place| place.directory) else { return };
        let from = self.path(item);
        let name: Arc<str> = format!("{TEMPORARY_PREFIX}{:08x}", self.temporary_names).into();
        self.temporary_names += 1;
        self.put(item, Some(Place { directory, name }));
        let to = self.path(item);
        self.steps.push(ShownChange::Moved { from, to, kind: kind_of(item) });
    }

    fn report_contents(&mut self, pass: &Pass) {
        let survey = Survey::new(self.view, pass);
        let mut reports = Vec::new();
        for (id, touched) in &pass.touched {
            let Some(node) = self.view.nodes.get(id) else { continue };
            let stays = |item: &Item| {
                survey.written_place(*item, When::Before).is_some()
                    && survey.written_place(*item, When::After).is_some()
            };
            let file = Item::File(*id);
            if touched.old_content.as_ref() != node.record.content() && stays(&file) {
                reports.extend(self.view.item_path(file).map(|path| ShownChange::Content { path }));
            }
            if touched.old_executable != node.record.executable {
                let items = node.copies.iter().map(|copy| Item::Computed(*copy)).chain([file]);
                let paths = items.filter(stays).filter_map(|item| self.view.item_path(item));
                reports.extend(paths.map(|path| ShownChange::Executable { path }));
            }
        }
        reports.sort_unstable();
        self.steps.append(&mut reports);
    }
}

fn kind_of(item: Item) -> NodeKind {
    match item {
        Item::Folder(_) => NodeKind::Folder,
        Item::File(_) | Item::Computed(_) => NodeKind::File,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Before,
    After,
}

/// What a chain of folders means for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    is_written: bool,
    path_bytes: usize,
}

/// Finds out which items were and are on the disk.
struct Survey<'a> {
    view: &'a TreeView,
    pass: &'a Pass,
    /// Answers for folders, which many items ask for.
    folders: [RefCell<BTreeMap<DirectoryId, Standing>>; 2],
}

impl<'a> Survey<'a> {
    fn new(view: &'a TreeView, pass: &'a Pass) -> Self {
        let folders = [RefCell::default(), RefCell::default()];
        Self { view, pass, folders }
    }

    fn journeys(&self) -> BTreeMap<Item, Journey> {
        let mut journeys = BTreeMap::new();
        let mut items: Vec<Item> = self.pass.before.keys().copied().collect();
        while let Some(item) = items.pop() {
            let old = self.written_place(item, When::Before);
            let new = self.written_place(item, When::After);
            if let Item::Folder(directory) = item
                && self.concerns_what_it_holds(directory)
                && !journeys.contains_key(&item)
            {
                let entries = self.view.directories.get(&directory).into_iter();
                items.extend(entries.flat_map(|d| d.entries.values().map(|entry| entry.item)));
            }
            journeys.insert(item, Journey { old, new });
        }
        journeys.retain(|_, journey| journey.old != journey.new);
        journeys
    }

    // What a folder holds comes and goes with it when its name ceases or begins to be possible, or when its path
    // becomes longer or shorter than what fits.
    fn concerns_what_it_holds(&self, directory: DirectoryId) -> bool {
        let old = self.standing(directory, When::Before);
        let new = self.standing(directory, When::After);
        match (old, new) {
            (Some(old), Some(new)) if old.is_written && new.is_written => {
                let longer = old.path_bytes.max(new.path_bytes);
                old.path_bytes != new.path_bytes
                    && longer + self.longest_path_below(directory) > PATH_BYTES_MAX
            }
            (Some(old), Some(new)) => old.is_written != new.is_written,
            _ => false,
        }
    }

    fn longest_path_below(&self, directory: DirectoryId) -> usize {
        let mut longest = 0;
        let mut stack = vec![(directory, 0)];
        while let Some((directory, length)) = stack.pop() {
            for (name, entry) in self.view.directories.get(&directory).into_iter().flat_map(|d| &d.entries) {
                let length = length + 1 + name.len();
                longest = longest.max(length);
                if let Item::Folder(inner) = entry.item {
                    stack.push((inner, length));
                }
            }
        }
        longest
    }

    fn written_place(&self, item: Item, when: When) -> Option<Place> {
        let (place, has_problem) = self.place(item, when)?;
        let folder = self.standing(place.directory, when)?;
        let fits = folder.path_bytes + 1 + place.name.len() <= PATH_BYTES_MAX + 1;
        (folder.is_written && fits && !has_problem).then_some(place)
    }

    fn place(&self, item: Item, when: When) -> Option<(Place, bool)> {
        if when == When::Before
            && let Some(old) = self.pass.before.get(&item)
        {
            return old.as_ref().map(|old| (old.place.clone(), old.has_problem));
        }
        let place = self.view.item_place(item)?.clone();
        let directory = self.view.directories.get(&place.directory)?;
        let has_problem = directory.entries.get(&place.name)?.problem.is_some();
        Some((place, has_problem))
    }

    // `path_bytes` counts a slash before every name, so that the root needs no exception.
    fn standing(&self, directory: DirectoryId, when: When) -> Option<Standing> {
        let known = &self.folders[usize::from(when == When::After)];
        let mut chain = Vec::new();
        let mut up = directory;
        let mut standing = loop {
            if up == DirectoryId::ROOT {
                break Standing { is_written: true, path_bytes: 0 };
            }
            if let Some(standing) = known.borrow().get(&up) {
                break *standing;
            }
            let (place, has_problem) = self.place(Item::Folder(up), when)?;
            chain.push((up, place.name.len(), has_problem));
            up = place.directory;
        };
        for (folder, name_bytes, has_problem) in chain.into_iter().rev() {
            standing.path_bytes += 1 + name_bytes;
            let fits = standing.path_bytes <= PATH_BYTES_MAX + 1;
            standing.is_written &= fits && !has_problem;
            known.borrow_mut().insert(folder, standing);
        }
        Some(standing)
    }
}
