//! The folder against the table: what is new, gone, moved, or perhaps changed.

use std::collections::{BTreeMap, BTreeSet};

use super::os::{Entry, EntryKind};
use super::path::RelPath;
use super::row::{Kind, MirrorRow, Table};
use super::walk::Seen;

/// What differs, before any file is read.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// Folders that lie elsewhere now, outer ones first.
    pub(crate) moved_folders: Vec<Moved>,
    pub(crate) new_folders: Vec<(RelPath, Entry)>,
    pub(crate) new_files: Vec<(RelPath, Entry)>,
    /// Files whose stamp does not prove that they are unchanged.
    pub(crate) touched: Vec<Touched>,
    /// Rows of which nothing was found.
    pub(crate) gone: Vec<Gone>,
    /// Rows that were found and count again after they had been ignored.
    pub(crate) counted_again: Vec<RelPath>,
    /// Folders whose row has an outdated stamp.
    pub(crate) folder_stamps: Vec<(RelPath, Entry)>,
    /// A folder on another device than before.
    pub(crate) other_device: Option<RelPath>,
}

impl Difference {
    /// Where the table has what lies at a place now.
    pub(crate) fn row_of(&self, place: &RelPath) -> RelPath {
        let mut path = place.clone();
        for moved in self.moved_folders.iter().rev() {
            if let Some(before) = path.rebased(&moved.to, &moved.from) {
                path = before;
            }
        }
        path
    }

    /// Whether something new lies at a path.
    pub(crate) fn has_new(&self, path: &RelPath) -> bool {
        // Both lists come from a sorted map.
        let find = |list: &[(RelPath, Entry)]| list.binary_search_by(|(other, _)| other.cmp(path)).is_ok();
        find(&self.new_folders) || find(&self.new_files)
    }
}

/// A folder that lies elsewhere now.
#[derive(Debug)]
pub(crate) struct Moved {
    /// Where the table has it.
    pub(crate) row: RelPath,
    /// Where it would lie if only the folders above it had moved.
    pub(crate) from: RelPath,
    pub(crate) to: RelPath,
    pub(crate) entry: Entry,
}

/// A row of which nothing was found.
#[derive(Debug, Clone)]
pub(crate) struct Gone {
    /// Where the table has it.
    pub(crate) row: RelPath,
    /// Where it would lie, given where its folder lies now.
    pub(crate) place: RelPath,
}

/// A file that may have changed.
#[derive(Debug)]
pub(crate) struct Touched {
    /// Where the table has it.
    pub(crate) row: RelPath,
    /// Where it lies.
    pub(crate) path: RelPath,
    pub(crate) entry: Entry,
}

/// Compares the rows of `scope` with what was seen.
pub(crate) fn compare(table: &Table, scope: &BTreeSet<RelPath>, seen: &Seen) -> Difference {
    let mut comparison = Comparison {
        table,
        seen,
        places: BTreeMap::new(),
        matched: BTreeSet::new(),
        folders: folders_by_inode(seen),
        difference: Difference::default(),
    };
    for path in scope {
        if let Some(row) = table.get(path) {
            match row.kind {
                Kind::Folder => comparison.folder(row),
                Kind::File => comparison.file(row),
            }
        }
    }
    comparison.finish()
}

struct Comparison<'a> {
    table: &'a Table,
    seen: &'a Seen,
    /// Where moved folders, and those inside them, lie now.
    places: BTreeMap<RelPath, RelPath>,
    /// Seen paths that belong to a row.
    matched: BTreeSet<RelPath>,
    folders: BTreeMap<(u64, u64), RelPath>,
    difference: Difference,
}

fn folders_by_inode(seen: &Seen) -> BTreeMap<(u64, u64), RelPath> {
    seen.entries
        .iter()
        .filter(|(_, entry)| entry.kind == EntryKind::Folder && entry.stamp.inode != 0)
        .map(|(path, entry)| ((entry.stamp.device, entry.stamp.inode), path.clone()))
        .collect()
}

impl Comparison<'_> {
    /// Where a row should lie, given where its folder was found.
    fn place(&self, path: &RelPath) -> RelPath {
        if self.places.is_empty() {
            return path.clone();
        }
        let mut folder = path.parent();
        while let Some(above) = folder {
            if let Some(place) = self.places.get(&above) {
                return path.rebased(&above, place).unwrap_or_else(|| path.clone());
            }
            folder = above.parent();
        }
        path.clone()
    }

    fn folder(&mut self, row: &MirrorRow) {
        let place = self.place(&row.path);
        let entry = self.seen.entries.get(&place).filter(|entry| entry.kind == EntryKind::Folder);
        if let Some(entry) = entry
            && (row.stamp.inode == 0 || entry.stamp.is_same_file(&row.stamp) || !self.is_other_row(entry))
        {
            return self.folder_stays(row, place, *entry);
        }
        let moved = self.folders.get(&(row.stamp.device, row.stamp.inode)).cloned();
        let moved = moved.and_then(|path| {
            let entry = self.seen.entries.get(&path)?;
            let is_it = !self.matched.contains(&path) && entry.stamp.is_same_file(&row.stamp);
            is_it.then_some((path, *entry))
        });
        if let Some((to, entry)) = moved {
            self.places.insert(row.path.clone(), to.clone());
            self.matched.insert(to.clone());
            let moved = Moved { row: row.path.clone(), from: place, to, entry };
            self.difference.moved_folders.push(moved);
        } else if let Some(entry) = entry {
            self.folder_stays(row, place, *entry);
        } else {
            self.gone(row, &place);
        }
    }

    fn folder_stays(&mut self, row: &MirrorRow, place: RelPath, entry: Entry) {
        if entry.stamp.device != row.stamp.device {
            self.difference.other_device.get_or_insert_with(|| row.path.clone());
        }
        let is_new_inode = row.stamp.inode != 0 && !entry.stamp.is_same_file(&row.stamp);
        if is_new_inode || row.ignored {
            self.difference.folder_stamps.push((row.path.clone(), entry));
        }
        if place != row.path {
            self.places.insert(row.path.clone(), place.clone());
        }
        self.matched.insert(place);
    }

    /// Whether a folder is one that the table knows under another path: then two
    /// folders have changed places, and the one of this row must be looked for.
    fn is_other_row(&self, entry: &Entry) -> bool {
        self.table
            .with_inode(entry.stamp.device, entry.stamp.inode)
            .any(|row| row.kind == Kind::Folder && entry.stamp.is_same_file(&row.stamp))
    }

    fn file(&mut self, row: &MirrorRow) {
        let place = self.place(&row.path);
        let entry = self.seen.entries.get(&place).filter(|entry| entry.kind == EntryKind::File);
        let Some(entry) = entry else {
            return self.gone(row, &place);
        };
        self.matched.insert(place.clone());
        if row.ignored {
            self.difference.counted_again.push(row.path.clone());
        }
        let is_proof = row.settled && entry.stamp == row.stamp;
        if !is_proof || entry.executable() != row.executable {
            self.difference.touched.push(Touched { row: row.path.clone(), path: place, entry: *entry });
        }
    }

    fn gone(&mut self, row: &MirrorRow, place: &RelPath) {
        if !self.seen.is_unknown(&row.path) && !self.seen.is_unknown(place) {
            let gone = Gone { row: row.path.clone(), place: place.clone() };
            self.difference.gone.push(gone);
        }
    }

    fn finish(mut self) -> Difference {
        for (path, entry) in &self.seen.entries {
            let is_known = self.matched.contains(path);
            if is_known {
                continue;
            }
            let new = (path.clone(), *entry);
            match entry.kind {
                EntryKind::Folder => self.difference.new_folders.push(new),
                _ => self.difference.new_files.push(new),
            }
        }
        self.difference
    }
}
