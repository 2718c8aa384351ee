//! After a crash: what the journal announced, compared with what is there.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::displaced::Displaced;
use super::os::Root;
use super::path::RelPath;
use super::read::{Budget, FileRef, read_file, read_path};
use super::renames::OldContent;
use super::row::{ContentHash, JournalEntry, Kind, Stamp};
use super::state::Mirror;
use super::walk::join;
use super::write::displaced_name;

/// What has changed since so long before the start is not what a crash has left: somebody is writing it.
const WRITER_NANOS: i64 = 20_000_000;

/// A leftover of an announced operation.
struct Leftover {
    folder: String,
    name: String,
    file: FileRef,
}

/// What the path of an announced operation holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Nothing,
    Before,
    After,
    Other,
}

impl Mirror {
    /// Brings rows and temporaries in line with what really happened. Entries of
    /// operations of this run are left alone.
    pub(super) fn recover(&mut self, root: &Arc<Root>, old: &dyn OldContent, now: u64) {
        let live: BTreeSet<u64> = self
            .displaced
            .iter()
            .filter_map(|displaced| displaced.journal)
            .chain(self.unsynced.iter().copied())
            .collect();
        let entries: Vec<JournalEntry> =
            self.journal.values().filter(|entry| !live.contains(&entry.id)).cloned().collect();
        for entry in entries {
            self.recover_entry(root, &entry, old, now);
        }
    }

    fn recover_entry(&mut self, root: &Arc<Root>, entry: &JournalEntry, old: &dyn OldContent, now: u64) {
        let found = read_path(root, &entry.path, &mut Budget::new()).ok();
        let before = entry.before.as_ref().map(|(hash, _)| *hash);
        let after = entry.after.as_ref().map(|(hash, _)| *hash);
        let holds = match &found {
            None => Holds::Nothing,
            Some(file) if after == Some(file.hash) => Holds::After,
            Some(file) if before == Some(file.hash) => Holds::Before,
            Some(_) => Holds::Other,
        };
        let leftovers = leftovers(root, entry);
        let holds_old = |leftover: &Leftover| before.is_some() && before == Some(leftover.file.hash);
        let was_swapped = holds == Holds::After || leftovers.iter().any(holds_old);
        let mut journal = Some(entry.id);
        match (&entry.after, holds, &found) {
            (Some((hash, version)), Holds::After, Some(file)) => {
                self.put_row(
                    &entry.path,
                    entry.node,
                    Kind::File,
                    *hash,
                    file.executable,
                    file.stamp,
                    version,
                );
            }
            // Somebody saved after our write: what he started from is what we wrote.
            (Some((hash, version)), Holds::Other, Some(file)) if before.is_some() && was_swapped => {
                let stamp = Stamp { modified_nanos: 0, changed_nanos: 0, ..file.stamp };
                self.put_row(&entry.path, entry.node, Kind::File, *hash, file.executable, stamp, version);
            }
            (Some((_, version)), Holds::Other, Some(file))
                if before.is_none()
                    && file.stamp.modified_nanos < self.opened_nanos - WRITER_NANOS
                    && is_beginning(file, old.content(&entry.node, version)) =>
            {
                self.take_aside(root, entry, file, &mut journal, now);
            }
            (None, Holds::Nothing, _) => {
                self.table.remove(&entry.path);
            }
            _ => {}
        }
        for leftover in leftovers {
            let is_ours = after == Some(leftover.file.hash) || holds_old(&leftover);
            let is_unfinished = !was_swapped
                && entry.after.as_ref().is_some_and(|(_, version)| {
                    is_beginning(&leftover.file, old.content(&entry.node, version))
                });
            if holds == Holds::Nothing && holds_old(&leftover) && entry.after.is_some() {
                put_back(root, &leftover, &entry.path);
            } else if was_swapped && holds_old(&leftover) {
                // A program may still have it open: it goes when nobody can write into it any more.
                self.displaced.push(displaced_by(entry, leftover, journal.take(), now));
            } else if is_ours || is_unfinished || (holds == Holds::Before && entry.after.is_some()) {
                remove(root, &leftover.folder, &leftover.name);
            } else {
                self.displaced.push(displaced_by(entry, leftover, journal.take(), now));
            }
        }
        if journal.is_some() {
            self.end_journal(journal);
        }
    }

    /// Takes what looks like half a file of ours out of the way, to be written again. If it is somebody's after all who
    /// empties a file to fill it, then what he writes is found there.
    fn take_aside(
        &mut self,
        root: &Arc<Root>,
        entry: &JournalEntry,
        file: &FileRef,
        journal: &mut Option<u64>,
        now: u64,
    ) {
        let folder = entry.path.parent_str();
        let moved = root.open_folder(folder).and_then(|folder| {
            root.rename_to_free_name((&folder, entry.path.file_name()), (&folder, &entry.temporary))
        });
        if let Err(error) = moved {
            tracing::warn!(%error, path = %entry.path, "half a file that a crash has left stays where it is");
            return;
        }
        if self.table.get(&entry.path).is_some_and(|row| row.node == entry.node) {
            self.table.remove(&entry.path);
            self.to_restore.push(entry.path.clone());
        }
        let (_, version) = entry.after.clone().unwrap_or_default();
        self.displaced.push(Displaced {
            folder: folder.to_owned(),
            temporary: entry.temporary.clone(),
            path: entry.path.clone(),
            node: entry.node,
            version,
            hash: file.hash,
            stamp: file.stamp,
            is_unread: false,
            is_certain_base: false,
            since_millis: now,
            changed_millis: 0,
            due_millis: now,
            journal: journal.take(),
        });
    }

    /// Temporaries that no journal names: gone when their bytes are known, else left
    /// for the person. Returns the paths of those.
    pub(super) fn sort_out_temporaries(
        &mut self,
        root: &Arc<Root>,
        found: &[(String, String)],
    ) -> Vec<String> {
        let is_unknown = |(folder, name): &&(String, String)| {
            !self.displaced.iter().any(|d| d.folder == *folder && d.temporary == *name)
        };
        let unknown: Vec<&(String, String)> = found.iter().filter(is_unknown).collect();
        if unknown.is_empty() {
            return Vec::new();
        }
        let known: BTreeSet<ContentHash> = self.table.rows().map(|row| row.hash).collect();
        let mut left = Vec::new();
        for (folder, name) in unknown {
            let file = root
                .open_folder(folder)
                .ok()
                .and_then(|handle| read_file(root, &handle, folder, name, &mut Budget::new()).ok());
            match file {
                Some(file) if known.contains(&file.hash) || file.size() == 0 => remove(root, folder, name),
                _ => left.push(join(folder, name)),
            }
        }
        left
    }
}

/// Temporaries of an entry, in the folder of its path or, if that was being removed,
/// in the workspace folder.
fn leftovers(root: &Arc<Root>, entry: &JournalEntry) -> Vec<Leftover> {
    let mut found = Vec::new();
    let folders = BTreeSet::from(["", entry.path.parent_str()]);
    for folder in folders {
        let Ok(handle) = root.open_folder(folder) else {
            continue;
        };
        for name in [entry.temporary.clone(), displaced_name(&entry.temporary)] {
            if let Ok(file) = read_file(root, &handle, folder, &name, &mut Budget::new()) {
                found.push(Leftover { folder: folder.to_owned(), name, file });
            }
        }
    }
    found
}

fn displaced_by(entry: &JournalEntry, leftover: Leftover, journal: Option<u64>, now: u64) -> Displaced {
    let (hash, version) = entry.before.clone().unwrap_or_default();
    Displaced {
        folder: leftover.folder,
        temporary: leftover.name,
        path: entry.path.clone(),
        node: entry.node,
        version,
        hash,
        stamp: leftover.file.stamp,
        is_unread: true,
        is_certain_base: true,
        since_millis: now,
        changed_millis: 0,
        due_millis: now,
        journal,
    }
}

fn is_beginning(file: &FileRef, whole: Option<Vec<u8>>) -> bool {
    if file.size() == 0 {
        return true;
    }
    match (whole, file.read()) {
        (Some(whole), Ok(bytes)) => whole.starts_with(&bytes),
        _ => false,
    }
}

fn put_back(root: &Root, leftover: &Leftover, path: &RelPath) {
    let result = root.open_folder(&leftover.folder).and_then(|from| {
        let to = root.open_folder(path.parent_str())?;
        root.rename_to_free_name((&from, &leftover.name), (&to, path.file_name()))
    });
    if let Err(error) = result {
        tracing::warn!(%error, %path, "a file that a crash left aside cannot be put back");
    }
}

fn remove(root: &Root, folder: &str, name: &str) {
    if let Err(error) = root.open_folder(folder).and_then(|folder| folder.unlink(name)) {
        tracing::debug!(%error, "a leftover cannot be removed");
    }
}
