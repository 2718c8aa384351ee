//! Files that a write of ours has swapped out, until nobody can write to them.
//!
//! A program that had the old file open goes on writing into it under its temporary
//! name. Whatever appears there is a save, based on what the file held.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::change::{DiskChange, Evidence, SaveBase};
use super::os::{Root, find_writers};
use super::path::RelPath;
use super::pending::{SHORT_MILLIS, STABLE_MILLIS};
use super::read::{Budget, FileRef, ReadError, read_file};
use super::row::{ContentHash, NodeBytes, Stamp};
use super::state::Mirror;

/// Where processes cannot be asked, a swapped-out file must lie still for so long.
pub(crate) const QUIET_MILLIS: u64 = 2_000;
/// A program that is just opening the old name has so long to get its handle.
pub(crate) const OPENING_MILLIS: u64 = 5;
/// How often a file that somebody still has open is looked at.
pub(crate) const OPEN_LOOK_MILLIS: u64 = 250;
/// While the folder is never at rest, they are looked at after so long: each is a whole copy of a file.
const POSTPONED_MILLIS_MAX: u64 = 500;
/// Asking the processes takes at most one part in so many of the time.
const ASKING_SHARE: u64 = 50;

/// One file that was swapped out, under its temporary name.
#[derive(Debug, Clone)]
pub(crate) struct Displaced {
    pub(crate) folder: String,
    pub(crate) temporary: String,
    /// The path it was swapped out of.
    pub(crate) path: RelPath,
    pub(crate) node: NodeBytes,
    /// What it held, as far as it was reported.
    pub(crate) version: Vec<u8>,
    pub(crate) hash: ContentHash,
    pub(crate) stamp: Stamp,
    /// The stamp does not prove that the bytes are those of `hash`.
    pub(crate) is_unread: bool,
    pub(crate) is_certain_base: bool,
    pub(crate) since_millis: u64,
    pub(crate) changed_millis: u64,
    pub(crate) due_millis: u64,
    /// The journal entry that names it.
    pub(crate) journal: Option<u64>,
}

/// What to do with one of them after a look.
enum Next {
    /// Look again later.
    Keep(u64),
    /// There is something in it.
    Report(Box<FileRef>),
    /// Nothing has changed; it may go when nobody can write.
    Quiet,
    /// Somebody else has removed it.
    Gone,
}

impl Mirror {
    /// Looks at the swapped-out files that are due: saves in them are returned, and
    /// those that nobody can write to any more are removed.
    pub(super) fn look_at_displaced(&mut self, root: &Arc<Root>, now: u64, is_idle: bool) -> Vec<DiskChange> {
        let mut changes = Vec::new();
        let mut quiet = Vec::new();
        for mut displaced in std::mem::take(&mut self.displaced) {
            if displaced.due_millis > now {
                self.displaced.push(displaced);
                continue;
            }
            match look(root, &mut displaced, now) {
                Next::Gone => self.end_journal(displaced.journal),
                Next::Quiet => quiet.push(displaced),
                Next::Keep(due) => {
                    displaced.due_millis = due;
                    self.displaced.push(displaced);
                }
                Next::Report(file) => {
                    changes.push(save_in(&displaced, *file));
                    displaced.due_millis = now + STABLE_MILLIS;
                    self.displaced.push(displaced);
                }
            }
        }
        let is_late = quiet.iter().any(|old| old.since_millis + POSTPONED_MILLIS_MAX <= now);
        if is_late || (is_idle && changes.is_empty()) {
            self.release_quiet(root, quiet, now);
        } else {
            // Asking the processes takes milliseconds: not while somebody's save waits for us.
            let later = now + OPEN_LOOK_MILLIS;
            self.displaced.extend(quiet.into_iter().map(|old| Displaced { due_millis: later, ..old }));
        }
        changes
    }

    /// The save in a swapped-out file is in the store.
    pub(super) fn accept_displaced(&mut self, file: &FileRef, version: &[u8]) {
        for displaced in &mut self.displaced {
            if file.is_at(&displaced.folder, &displaced.temporary) {
                displaced.hash = file.hash;
                displaced.stamp = file.stamp;
                displaced.version = version.to_vec();
                displaced.is_unread = false;
                displaced.is_certain_base = true;
            }
        }
    }

    fn release_quiet(&mut self, root: &Arc<Root>, quiet: Vec<Displaced>, now: u64) {
        if quiet.is_empty() {
            return;
        }
        let can_go = |displaced: &Displaced, sees_all: bool| {
            let still_since = displaced.since_millis.max(displaced.changed_millis);
            now >= still_since + if sees_all { OPENING_MILLIS } else { QUIET_MILLIS }
        };
        let (asked, mut kept): (Vec<_>, Vec<_>) =
            quiet.into_iter().partition(|displaced| can_go(displaced, self.sees_all_writers));
        if !asked.is_empty() && now >= self.ask_writers_at {
            let files: BTreeSet<(u64, u64)> =
                asked.iter().map(|displaced| (displaced.stamp.device, displaced.stamp.inode)).collect();
            let started = Instant::now();
            let writers = find_writers(&files);
            let cost_millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.ask_writers_at = now + cost_millis.saturating_mul(ASKING_SHARE).min(QUIET_MILLIS);
            self.sees_all_writers = writers.complete;
            for displaced in asked {
                let is_open = writers.found.contains(&(displaced.stamp.device, displaced.stamp.inode));
                if is_open || !can_go(&displaced, writers.complete) || !is_untouched(root, &displaced) {
                    kept.push(displaced);
                } else {
                    self.unlink_displaced(root, &displaced);
                }
            }
        } else {
            kept.extend(asked);
        }
        for mut displaced in kept {
            let still_since = displaced.since_millis.max(displaced.changed_millis);
            let wait = if self.sees_all_writers { OPENING_MILLIS } else { QUIET_MILLIS };
            let earliest = self.ask_writers_at.max(still_since + wait);
            displaced.due_millis = if earliest > now { earliest } else { now + OPEN_LOOK_MILLIS };
            self.displaced.push(displaced);
        }
    }

    fn unlink_displaced(&mut self, root: &Root, displaced: &Displaced) {
        let folder = root.open_folder(&displaced.folder);
        if let Err(error) = folder.and_then(|folder| folder.unlink(&displaced.temporary)) {
            tracing::debug!(%error, "a swapped-out file cannot be removed");
        }
        self.end_journal(displaced.journal);
    }
}

fn look(root: &Arc<Root>, displaced: &mut Displaced, now: u64) -> Next {
    let Ok(folder) = root.open_folder(&displaced.folder) else {
        return Next::Gone;
    };
    let Ok(Some(entry)) = folder.look(&displaced.temporary) else {
        return Next::Gone;
    };
    if !entry.stamp.is_same_content(&displaced.stamp) {
        displaced.stamp = entry.stamp;
        displaced.changed_millis = now;
        displaced.is_unread = true;
        return Next::Keep(now + STABLE_MILLIS);
    }
    if !displaced.is_unread {
        return Next::Quiet;
    }
    let file = read_file(root, &folder, &displaced.folder, &displaced.temporary, &mut Budget::new());
    match file {
        Ok(file) if file.hash == displaced.hash => {
            displaced.is_unread = false;
            Next::Quiet
        }
        // A save that empties the file first is given time to fill it.
        Ok(file) if file.size() == 0 && now < displaced.changed_millis + SHORT_MILLIS => {
            Next::Keep(displaced.changed_millis + SHORT_MILLIS)
        }
        Ok(file) => Next::Report(Box::new(file)),
        Err(ReadError::Changed) => Next::Keep(now + STABLE_MILLIS),
        Err(error) => {
            tracing::warn!(%error, path = %displaced.path, "a swapped-out file cannot be read");
            Next::Keep(now + QUIET_MILLIS)
        }
    }
}

/// The last look before it goes: the same bytes as ever?
fn is_untouched(root: &Arc<Root>, displaced: &Displaced) -> bool {
    let Ok(folder) = root.open_folder(&displaced.folder) else {
        return false;
    };
    read_file(root, &folder, &displaced.folder, &displaced.temporary, &mut Budget::new())
        .is_ok_and(|file| file.hash == displaced.hash)
}

fn save_in(displaced: &Displaced, mut file: FileRef) -> DiskChange {
    file.is_displaced = true;
    let evidence = if displaced.is_certain_base { Evidence::Certain } else { Evidence::None };
    let (version, hash) = (displaced.version.clone(), displaced.hash);
    let base = SaveBase { version, hash, older: Vec::new(), evidence };
    DiskChange::Modified { path: displaced.path.clone(), node: displaced.node, base, file }
}
