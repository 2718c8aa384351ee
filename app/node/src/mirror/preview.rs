//! Joining into a folder that has files: what is equal, what is new, what differs.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::os::{EntryKind, Root};
use super::path::RelPath;
use super::read::{Budget, read_path};
use super::row::{ContentHash, Kind, Table};
use super::rules::{LocalRules, Rules};
use super::walk::{Seen, Skipped, Walker};

/// A folder compared with what would be written into it. Nothing was changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// In both, with the same bytes.
    pub equal: Vec<RelPath>,
    /// Only in the workspace: these would be written.
    pub missing_here: Vec<RelPath>,
    /// Only in the folder: these would be shared.
    pub only_here: Vec<RelPath>,
    /// In both, with other bytes: both are kept.
    pub different: Vec<RelPath>,
    /// Bytes that would be written.
    pub bytes_to_write: u64,
    /// What is in the folder and would not be shared.
    pub skipped: Skipped,
}

/// Compares a folder (which need not exist yet) with the files of a workspace.
pub fn preview(
    folder: &Path,
    wanted: &BTreeMap<RelPath, (ContentHash, u64)>,
    rules: &LocalRules,
) -> io::Result<Preview> {
    let mut preview = Preview::default();
    let root = match Root::open(folder) {
        Ok(root) => Arc::new(root),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            preview.missing_here = wanted.keys().cloned().collect();
            preview.bytes_to_write = wanted.values().map(|(_, size)| size).sum();
            return Ok(preview);
        }
        Err(error) => return Err(error),
    };
    let mut rules = Rules::new(rules);
    let table = Table::default();
    let mut walker = Walker {
        root: &root,
        rules: &mut rules,
        table: &table,
        seen: Seen::default(),
        progress: &mut |_| (),
    };
    walker.walk_all();
    // Wanted files that a rule leaves out here would be written all the same.
    for path in wanted.keys() {
        if !walker.seen.entries.contains_key(path) && rules_leave_out(&root, walker.rules, path) {
            walker.look_unfiltered(path);
        }
    }
    let seen = walker.seen;
    for (path, (hash, size)) in wanted {
        match seen.entries.get(path) {
            None => {
                preview.missing_here.push(path.clone());
                preview.bytes_to_write += size;
            }
            Some(entry) => {
                let is_equal = entry.kind == EntryKind::File
                    && entry.stamp.size == *size
                    && read_path(&root, path, &mut Budget::new()).is_ok_and(|file| file.hash == *hash);
                let list = if is_equal { &mut preview.equal } else { &mut preview.different };
                list.push(path.clone());
            }
        }
    }
    let own = seen
        .entries
        .iter()
        .filter(|(path, entry)| entry.kind == EntryKind::File && !wanted.contains_key(*path));
    preview.only_here = own.map(|(path, _)| path.clone()).collect();
    preview.skipped = seen.skipped;
    Ok(preview)
}

fn rules_leave_out(root: &Root, rules: &mut Rules, path: &RelPath) -> bool {
    rules.verdict(root, path, Kind::File) != super::rules::Verdict::Shared
}
