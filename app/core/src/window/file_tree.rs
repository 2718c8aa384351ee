//! The tree of files. A folder is read when it is opened, not before.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::limits::{FOLDER_ENTRIES_MAX, TREE_ROWS_MAX};

/// Something in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// What is known of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderState {
    /// It was asked for; what was there before stays.
    Loading {
        /// What was there when it was read last.
        last: Vec<Entry>,
    },
    /// It was read.
    Ready {
        /// What is in it, sorted.
        entries: Vec<Entry>,
        /// How many entries are not shown because there are too many.
        left_out: usize,
    },
    /// It could not be read.
    Failed {
        /// Why, in words.
        why: String,
    },
}

/// What the tree asks of the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeEffect {
    /// Read this folder and call [`FileTree::loaded`] or [`FileTree::failed`].
    Load(String),
}

/// A row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeRow {
    /// The path from the root, with slashes.
    pub path: String,
    /// The name.
    pub name: String,
    /// How deep it lies.
    pub depth: usize,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Whether the folder is open.
    pub is_open: bool,
    /// Whether the folder is being read for the first time.
    pub is_loading: bool,
    /// Why the folder could not be read, or how many of its entries are left out.
    pub note: Option<String>,
}

/// The tree. The root has the empty path.
#[derive(Debug, Clone, Default)]
pub struct FileTree {
    folders: BTreeMap<String, FolderState>,
    open: BTreeSet<String>,
    /// What is shown, made when it is asked for.
    rows: Option<Vec<TreeRow>>,
    selected: Option<String>,
    /// Where to go once its folders are read.
    revealing: Option<String>,
}

impl FileTree {
    /// Makes a tree; carry its effects out.
    pub fn new() -> (Self, Vec<TreeEffect>) {
        let mut tree = Self::default();
        let effects = tree.open("");
        (tree, effects)
    }

    /// Opens a folder.
    pub fn open(&mut self, path: &str) -> Vec<TreeEffect> {
        self.rows = None;
        self.open.insert(path.to_owned());
        match self.folders.get(path) {
            Some(FolderState::Ready { .. } | FolderState::Loading { .. }) => Vec::new(),
            Some(FolderState::Failed { .. }) | None => self.load(path),
        }
    }

    fn load(&mut self, path: &str) -> Vec<TreeEffect> {
        let last = match self.folders.remove(path) {
            Some(FolderState::Ready { entries, .. }) => entries,
            Some(FolderState::Loading { last }) => last,
            _ => Vec::new(),
        };
        self.folders.insert(path.to_owned(), FolderState::Loading { last });
        self.rows = None;
        vec![TreeEffect::Load(path.to_owned())]
    }

    /// Closes a folder. It keeps what it knows.
    pub fn close(&mut self, path: &str) {
        self.open.remove(path);
        self.rows = None;
    }

    /// Opens a closed folder and closes an open one.
    pub fn toggle(&mut self, path: &str) -> Vec<TreeEffect> {
        if self.open.contains(path) {
            self.close(path);
            return Vec::new();
        }
        self.open(path)
    }

    /// Takes what is in a folder. Beyond the limit the last ones are left out, and the tree says so.
    pub fn loaded(&mut self, path: &str, mut entries: Vec<Entry>) -> Vec<TreeEffect> {
        if !self.folders.contains_key(path) {
            return Vec::new();
        }
        entries.sort_by(by_name);
        let left_out = entries.len().saturating_sub(FOLDER_ENTRIES_MAX);
        entries.truncate(FOLDER_ENTRIES_MAX);
        self.folders.insert(path.to_owned(), FolderState::Ready { entries, left_out });
        self.rows = None;
        match self.revealing.take() {
            Some(target) => self.reveal(&target),
            None => Vec::new(),
        }
    }

    /// A folder could not be read.
    pub fn failed(&mut self, path: &str, why: &str) {
        if self.folders.contains_key(path) {
            self.folders.insert(path.to_owned(), FolderState::Failed { why: why.to_owned() });
            self.rows = None;
        }
    }

    /// Something changed in a folder: an open one is read again, a closed one forgets what it knew.
    pub fn changed(&mut self, path: &str) -> Vec<TreeEffect> {
        let is_shown = self.open.contains(path) && parents(path).all(|parent| self.open.contains(parent));
        if is_shown && self.folders.contains_key(path) {
            return self.load(path);
        }
        self.folders.remove(path);
        self.rows = None;
        Vec::new()
    }

    /// Opens the folders above a file, one after another as they are read, and selects it.
    pub fn reveal(&mut self, path: &str) -> Vec<TreeEffect> {
        self.selected = Some(path.to_owned());
        let closed: Vec<String> = parents(path)
            .filter(|parent| {
                !self.open.contains(*parent)
                    || !matches!(self.folders.get(*parent), Some(FolderState::Ready { .. }))
            })
            .map(str::to_owned)
            .collect();
        if closed.is_empty() {
            return Vec::new();
        }
        self.revealing = Some(path.to_owned());
        let effects = self.open(&closed[0]);
        let is_known = matches!(self.folders.get(&closed[0]), Some(FolderState::Ready { .. }));
        if !is_known {
            return effects;
        }
        self.revealing = None;
        self.reveal(path)
    }

    /// The path that is selected.
    pub fn selected(&self) -> Option<&str> {
        self.selected.as_deref()
    }

    /// Selects a path.
    pub fn select(&mut self, path: Option<&str>) {
        self.selected = path.map(str::to_owned);
    }

    /// What is known of a folder.
    pub fn folder(&self, path: &str) -> Option<&FolderState> {
        self.folders.get(path)
    }

    /// Everything that is shown. Made anew only when something has changed.
    pub fn rows(&mut self) -> &[TreeRow] {
        if self.rows.is_none() {
            let mut rows = Vec::new();
            self.collect("", 0, &mut rows);
            self.rows = Some(rows);
        }
        self.rows.as_deref().unwrap_or_default()
    }

    /// What [`FileTree::rows`] gave last. Empty when something has changed since.
    pub fn shown(&self) -> &[TreeRow] {
        self.rows.as_deref().unwrap_or_default()
    }

    /// Reads every open folder again: something has changed, and nobody says where.
    pub fn reload(&mut self) -> Vec<TreeEffect> {
        self.folders.retain(|path, _| self.open.contains(path));
        let open: Vec<String> = self.open.iter().cloned().collect();
        open.iter().flat_map(|path| self.changed(path)).collect()
    }

    fn collect(&self, path: &str, depth: usize, rows: &mut Vec<TreeRow>) {
        let entries = match self.folders.get(path) {
            Some(FolderState::Ready { entries, .. }) => entries,
            Some(FolderState::Loading { last }) => last,
            _ => return,
        };
        for entry in entries {
            if rows.len() >= TREE_ROWS_MAX {
                return;
            }
            let own = if path.is_empty() { entry.name.clone() } else { format!("{path}/{}", entry.name) };
            let is_open = entry.is_folder && self.open.contains(&own);
            let state = self.folders.get(&own).filter(|_| is_open);
            let note = match state {
                Some(FolderState::Failed { why }) => Some(why.clone()),
                Some(FolderState::Ready { left_out, .. }) if *left_out > 0 => {
                    Some(format!("{left_out} more are not shown"))
                }
                _ => None,
            };
            let is_loading = matches!(state, Some(FolderState::Loading { last }) if last.is_empty());
            rows.push(TreeRow {
                path: own.clone(),
                name: entry.name.clone(),
                depth,
                is_folder: entry.is_folder,
                is_open,
                is_loading,
                note,
            });
            if is_open {
                self.collect(&own, depth + 1, rows);
            }
        }
    }

    /// The row of the selected path, for the arrow keys.
    pub fn selected_row(&mut self) -> Option<usize> {
        let selected = self.selected.clone()?;
        self.rows().iter().position(|row| row.path == selected)
    }

    /// Moves the selection by rows.
    pub fn move_selection(&mut self, by: isize) {
        let count = self.rows().len();
        if count == 0 {
            return;
        }
        let row = self.selected_row().map_or(0, |row| row.saturating_add_signed(by).min(count - 1));
        self.selected = self.rows().get(row).map(|row| row.path.clone());
    }
}

/// The folders above a path, the root first.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    let root = (!path.is_empty()).then_some("");
    root.into_iter().chain(path.match_indices('/').map(|(at, _)| &path[..at]))
}

/// Folders first, then by name: numbers by their value, capitals like small letters.
fn by_name(one: &Entry, two: &Entry) -> Ordering {
    two.is_folder
        .cmp(&one.is_folder)
        .then_with(|| natural(&one.name, &two.name))
        .then_with(|| one.name.cmp(&two.name))
}

fn natural(one: &str, two: &str) -> Ordering {
    let (mut one, mut two) = (one.chars().peekable(), two.chars().peekable());
    loop {
        match (one.peek().copied(), two.peek().copied()) {
            (None, None) => return Ordering::Equal,
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let (a, b) = (number(&mut one), number(&mut two));
                let order = a.len().cmp(&b.len()).then_with(|| a.cmp(&b));
                if order != Ordering::Equal {
                    return order;
                }
            }
            (Some(a), Some(b)) => {
                let order = a.to_lowercase().cmp(b.to_lowercase());
                if order != Ordering::Equal {
                    return order;
                }
                one.next();
                two.next();
            }
        }
    }
}

/// The digits that come, without zeros before them.
fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        if digit != '0' || !digits.is_empty() {
            digits.push(digit);
        }
    }
    digits
}
