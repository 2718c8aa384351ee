//! The mirror's memory: what it has written or read, path by path.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::path::RelPath;

/// The sixteen bytes of a node's id; the mirror stores and returns them unread.
pub type NodeBytes = [u8; 16];
/// BLAKE3 of a file's bytes; zeros for a folder.
pub type ContentHash = [u8; 32];

/// What a row or a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
}

/// What the file system says about one state of one file.
///
/// Equal stamps mean that nobody wrote in between; only then is a file not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stamp {
    /// The number of the file system.
    pub device: u64,
    /// The number of the file in it; 0 where the platform gives none.
    pub inode: u64,
    /// Length in bytes.
    pub size: u64,
    /// When the content was changed last, nanoseconds since 1970.
    pub modified_nanos: i64,
    /// When anything about the file was changed last; cannot be set back by programs.
    pub changed_nanos: i64,
    /// When the inode was made; tells a reused number from the same file. 0: unknown.
    pub born_nanos: i64,
}

impl Stamp {
    /// Whether both are the same file, whatever its content is now.
    pub fn is_same_file(&self, other: &Stamp) -> bool {
        self.inode != 0
            && self.inode == other.inode
            && self.device == other.device
            && (self.born_nanos == other.born_nanos || self.born_nanos == 0 || other.born_nanos == 0)
    }

    /// Whether both are the same file with the same bytes; a rename, a link or a
    /// change of mode in between does not count.
    pub fn is_same_content(&self, other: &Stamp) -> bool {
        self.inode == other.inode
            && self.device == other.device
            && self.size == other.size
            && self.modified_nanos == other.modified_nanos
    }
}

/// One path that the mirror knows: what it last wrote there or read from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorRow {
    /// Where it lies.
    pub path: RelPath,
    /// Whose place it is.
    pub node: NodeBytes,
    /// File or folder.
    pub kind: Kind,
    /// BLAKE3 of the bytes; zeros for a folder.
    pub hash: ContentHash,
    /// Whether a file may be run.
    pub executable: bool,
    /// The file as it was when `hash` was taken.
    pub stamp: Stamp,
    /// Whether a write right after the stamp would have changed it. While false
    /// (coarse clocks), an equal stamp proves nothing and the bytes are compared.
    pub settled: bool,
    /// Whether an ignore rule matched at the last look; such rows report nothing.
    pub ignored: bool,
    /// The workspace's own name for this content; the mirror returns it unread.
    pub version: Vec<u8>,
}

impl MirrorRow {
    /// Length of the bytes.
    pub fn size(&self) -> u64 {
        self.stamp.size
    }
}

/// What a planned file operation will leave behind, written down before it happens.
///
/// After a crash the names are compared by hash, so that neither an old nor a
/// half-written file is taken for somebody's edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Identifies the entry among those that are open.
    pub id: u64,
    /// Where the operation happens.
    pub path: RelPath,
    /// The name of the temporary in the same folder; empty when none is used.
    pub temporary: String,
    /// The node of the path.
    pub node: NodeBytes,
    /// What the path will hold; `None` when it is being removed.
    pub after: Option<(ContentHash, Vec<u8>)>,
    /// What the path held.
    pub before: Option<(ContentHash, Vec<u8>)>,
}

/// One thing to store; the order matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableChange {
    /// Insert or replace the row of this path.
    Put(MirrorRow),
    /// Remove the row of this path.
    Remove(RelPath),
    /// Remove the journal entry: what it announced is on disk.
    JournalDone(u64),
}

/// All rows, by path and by inode, and what has changed since it was last stored.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: BTreeMap<RelPath, MirrorRow>,
    /// Invariant: every row with an inode once, nothing else.
    inodes: BTreeMap<(u64, u64), Vec<RelPath>>,
    files: usize,
    unsaved: BTreeSet<RelPath>,
    /// Rows whose place another row has taken within a batch of renames.
    parked: Vec<MirrorRow>,
}

impl Table {
    pub(crate) fn from_rows(rows: impl IntoIterator<Item = MirrorRow>) -> Table {
        let mut table = Table::default();
        for row in rows {
            table.put(row);
        }
        table.unsaved.clear();
        table
    }

    pub(crate) fn get(&self, path: &RelPath) -> Option<&MirrorRow> {
        self.rows.get(path)
    }

    pub(crate) fn get_str(&self, path: &str) -> Option<&MirrorRow> {
        self.rows.get(path)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &MirrorRow> {
        self.rows.values()
    }

    /// Number of files (folders not counted).
    pub(crate) fn files(&self) -> usize {
        self.files
    }

    /// Rows inside a folder, without the folder's own row.
    pub(crate) fn under<'a>(&'a self, folder: &str) -> impl Iterator<Item = &'a MirrorRow> + use<'a> {
        // '0' follows '/' in ASCII, so this is exactly what begins with "folder/".
        let from = format!("{folder}/");
        let to = format!("{folder}0");
        let range = (Bound::Included(from.as_str()), Bound::Excluded(to.as_str()));
        self.rows.range::<str, _>(range).map(|(_, row)| row)
    }

    /// Rows of the same inode.
    pub(crate) fn with_inode(&self, device: u64, inode: u64) -> impl Iterator<Item = &MirrorRow> {
        let paths = self.inodes.get(&(device, inode));
        paths.into_iter().flatten().filter_map(|path| self.rows.get(path))
    }

    pub(crate) fn put(&mut self, row: MirrorRow) {
        self.take(&row.path.clone());
        if row.stamp.inode != 0 {
            let key = (row.stamp.device, row.stamp.inode);
            self.inodes.entry(key).or_default().push(row.path.clone());
        }
        self.files += usize::from(row.kind == Kind::File);
        self.unsaved.insert(row.path.clone());
        self.rows.insert(row.path.clone(), row);
    }

    pub(crate) fn remove(&mut self, path: &RelPath) -> Option<MirrorRow> {
        let row = self.take(path)?;
        self.unsaved.insert(path.clone());
        Some(row)
    }

    /// Moves a row, and all rows inside it, to another place. What has that place
    /// already is kept aside, for two folders can have changed places.
    pub(crate) fn rename(&mut self, from: &RelPath, to: &RelPath) {
        let is_inside = |row: &MirrorRow| row.path == *from || row.path.is_under(from);
        let parked = std::mem::take(&mut self.parked);
        let (mut rows, others): (Vec<_>, Vec<_>) = parked.into_iter().partition(is_inside);
        self.parked = others;
        if rows.is_empty() {
            rows = self.take_tree(from);
        }
        let in_the_way = self.take_tree(to);
        self.parked.extend(in_the_way);
        for mut row in rows {
            if let Some(path) = row.path.rebased(from, to) {
                row.path = path;
                self.put(row);
            }
        }
    }

    /// Drops rows whose place was taken and that no rename has claimed.
    pub(crate) fn forget_parked(&mut self) {
        self.parked.clear();
    }

    fn take_tree(&mut self, top: &RelPath) -> Vec<MirrorRow> {
        let inside = self.under(top.as_str());
        let paths: Vec<RelPath> =
            self.get(top).into_iter().chain(inside).map(|row| row.path.clone()).collect();
        paths.iter().filter_map(|path| self.remove(path)).collect()
    }

    /// Changes a row in place; true if there was one.
    pub(crate) fn update(&mut self, path: &RelPath, change: impl FnOnce(&mut MirrorRow)) -> bool {
        let Some(mut row) = self.take(path) else {
            return false;
        };
        change(&mut row);
        row.path = path.clone();
        self.put(row);
        true
    }

    /// Marks a stamp as proof from now on; not worth a write to the store.
    pub(crate) fn mark_settled(&mut self, path: &RelPath) {
        if let Some(row) = self.rows.get_mut(path) {
            row.settled = true;
        }
    }

    pub(crate) fn drain_unsaved(&mut self) -> Vec<TableChange> {
        std::mem::take(&mut self.unsaved)
            .into_iter()
            .map(|path| match self.rows.get(&path) {
                Some(row) => TableChange::Put(row.clone()),
                None => TableChange::Remove(path),
            })
            .collect()
    }

    fn take(&mut self, path: &RelPath) -> Option<MirrorRow> {
        let row = self.rows.remove(path)?;
        let key = (row.stamp.device, row.stamp.inode);
        if let Some(paths) = self.inodes.get_mut(&key) {
            paths.retain(|other| other != path);
            if paths.is_empty() {
                self.inodes.remove(&key);
            }
        }
        self.files -= usize::from(row.kind == Kind::File);
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(path: &str, inode: u64) -> MirrorRow {
        MirrorRow {
            path: RelPath::parse(path).expect("an ordinary path"),
            node: [1; 16],
            kind: if path.ends_with('d') { Kind::Folder } else { Kind::File },
            hash: [0; 32],
            executable: false,
            stamp: Stamp { device: 1, inode, ..Stamp::default() },
            settled: true,
            ignored: false,
            version: vec![],
        }
    }

    #[test]
    fn a_folder_takes_its_rows_along() {
        let mut table = Table::from_rows([row("d", 1), row("d/a", 2), row("d/x/b", 3), row("d-e", 4)]);
        table.rename(&RelPath::parse("d").expect("path"), &RelPath::parse("n").expect("path"));
        let paths: Vec<&str> = table.rows().map(|row| row.path.as_str()).collect();
        assert_eq!(paths, ["d-e", "n", "n/a", "n/x/b"]);
        assert_eq!(table.files(), 3);
        assert_eq!(table.drain_unsaved().len(), 6);
        assert!(table.drain_unsaved().is_empty());
    }

    #[test]
    fn two_folders_can_change_places() {
        let path = |text| RelPath::parse(text).expect("path");
        let mut table = Table::from_rows([row("d", 1), row("d/a", 2), row("ed", 3), row("ed/b", 4)]);
        table.rename(&path("d"), &path("ed"));
        table.rename(&path("ed"), &path("d"));
        let rows: Vec<_> = table.rows().map(|row| (row.path.as_str(), row.stamp.inode)).collect();
        assert_eq!(rows, [("d", 3), ("d/b", 4), ("ed", 1), ("ed/a", 2)]);
    }

    #[test]
    fn hard_links_share_an_inode() {
        let table = Table::from_rows([row("a", 7), row("b", 7), row("c", 8), row("e", 0)]);
        assert_eq!(table.with_inode(1, 7).count(), 2);
        assert_eq!(table.with_inode(1, 8).count(), 1);
        assert_eq!(table.with_inode(1, 0).count(), 0);
    }
}
