//! The two ways of looking at the folder: a scan of everything, and a check of what
//! the watcher named.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::change::{Batch, HoldReason};
use super::os::{EntryKind, Root};
use super::path::RelPath;
use super::renames::OldContent;
use super::row::Kind;
use super::rules::IGNORE_FILES;
use super::state::Mirror;
use super::walk::{Seen, Walker};
use super::watcher::{FolderEvent, Hint};

/// How often what cannot be read is looked at again: not every system and not every cause tells when it is over.
const LOOK_AGAIN_MILLIS: u64 = 3_000;

/// How far a scan has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files met.
    pub files_seen: usize,
    /// Files read, because they are new or may have changed.
    pub files_read: usize,
    /// Their length.
    pub bytes_read: u64,
}

/// Changes that were noticed and are not reported yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread {
    /// Files and folders that are still to be looked at.
    pub paths: usize,
    /// Whether that waits until git is done.
    pub waits_for_git: bool,
}

/// The answer of [`Mirror::check`].
#[derive(Debug, Default)]
pub struct CheckOutcome {
    /// What is ready to be taken.
    pub batch: Batch,
    /// Call `check` at this time even if no event comes.
    pub retry_at_millis: Option<u64>,
    /// Why nothing goes out, if so.
    pub hold: Option<HoldReason>,
}

impl Mirror {
    /// Compares the whole folder with the table; reads only what differs.
    ///
    /// Start the watcher before the first scan, then nothing is missed between them.
    pub fn scan(
        &mut self,
        now_millis: u64,
        old: &dyn OldContent,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Batch, HoldReason> {
        let result = self.try_scan(now_millis, old, progress);
        if let Err(reason) = &result {
            self.hold = Some(reason.clone());
        }
        result
    }

    fn try_scan(
        &mut self,
        now: u64,
        old: &dyn OldContent,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Batch, HoldReason> {
        // A missing disk that came back ends its hold; a decision stays with the person.
        if matches!(self.hold, Some(HoldReason::MostFilesGone { .. })) && !self.deletion_allowed {
            return Err(self.hold.clone().expect("a hold that was just matched"));
        }
        let root = self.check_root()?;
        if matches!(self.hold, Some(HoldReason::BranchSwitched { .. })) {
            if self.holds_branches && !self.branch_allowed && self.git.other_branch(&root).is_some() {
                return Err(self.hold.clone().expect("a hold that was just matched"));
            }
            // What the switch had taken away was counted, and is told now or is there again.
            self.removals.clear();
        }
        self.hold = None;
        self.rules.forget("");
        self.recover(&root, old, now);
        let mut files_seen = |files_seen| progress(Progress { files_seen, ..Progress::default() });
        let mut walker = Walker {
            root: &root,
            rules: &mut self.rules,
            table: &self.table,
            seen: Seen::default(),
            progress: &mut files_seen,
        };
        walker.walk_all();
        let seen = walker.seen;
        if seen.unknown.contains("") {
            let error = seen.skipped.unreadable.first().map(|(_, error)| error.clone()).unwrap_or_default();
            return Err(HoldReason::RootUnreadable { error, path: self.path.clone() });
        }
        let scope: BTreeSet<RelPath> = self.table.rows().map(|row| row.path.clone()).collect();
        let mut batch = self.examine(&root, seen, &scope, now, None, old, progress)?;
        self.skipped = batch.skipped.clone();
        self.look_again_at = now + LOOK_AGAIN_MILLIS;
        if !batch.changes.is_empty() || self.pending.next_due().is_none() {
            self.note_branch(&root, &mut batch)?;
        }
        batch.forgotten.append(&mut self.to_restore);
        batch.changes.extend(self.look_at_displaced(&root, now, true));
        self.deletion_allowed = false;
        Ok(batch)
    }

    /// Looks at what the watcher named, and at what has waited long enough.
    ///
    /// The cost depends on the number of events, not on the number of files.
    pub fn check(
        &mut self,
        now_millis: u64,
        events: &[FolderEvent],
        old: &dyn OldContent,
        progress: &mut dyn FnMut(Progress),
    ) -> CheckOutcome {
        let result = self.try_check(now_millis, events, old, progress);
        let (batch, hold) = match result {
            Ok(batch) => (batch, None),
            Err(reason) => (Batch::default(), Some(reason)),
        };
        self.hold = hold.clone();
        let retry_at_millis = if hold.is_some() { None } else { self.next_due(now_millis) };
        CheckOutcome { batch, retry_at_millis, hold }
    }

    fn try_check(
        &mut self,
        now: u64,
        events: &[FolderEvent],
        old: &dyn OldContent,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Batch, HoldReason> {
        if let Some(reason) = self.hold.clone() {
            return Err(reason);
        }
        let root = self.check_root()?;
        for event in events {
            self.note_event(&root, event, now);
        }
        if (self.pending.next_due().is_some() || self.pending.needs_full_look)
            && let Some(at) = self.git.wait_until(now, &root, self.holds_branches)
        {
            self.git_look_at = Some(at);
            return Ok(Batch::default());
        }
        self.git_look_at = None;
        let due = self.due(now);
        let mut batch = Batch::default();
        let is_full = self.pending.needs_full_look;
        if !due.is_empty() || is_full {
            let (seen, scope) = self.look_at(&root, &due);
            batch = self.examine(&root, seen, &scope, now, Some(&due), old, progress)?;
            if is_full {
                self.skipped = batch.skipped.clone();
            } else {
                self.skipped.renew(&due, &batch.skipped);
            }
            if !batch.changes.is_empty() {
                self.git.forget_old_switch(&root, now);
                self.note_branch(&root, &mut batch)?;
            }
        }
        if events.is_empty() {
            self.git.note_idle(&root);
        }
        let is_idle = events.is_empty() && batch.changes.is_empty();
        batch.changes.extend(self.look_at_displaced(&root, now, is_idle));
        Ok(batch)
    }

    /// What to look at now, and whether at what is inside.
    fn due(&mut self, now: u64) -> Vec<(RelPath, bool)> {
        let mut due = self.pending.due(now);
        let unreadable = &self.skipped.unreadable;
        for (path, is_deep) in &mut due {
            *is_deep |= unreadable.iter().any(|(unreadable, _)| unreadable == path.as_str());
        }
        if !unreadable.is_empty() && self.look_again_at <= now {
            self.look_again_at = now + LOOK_AGAIN_MILLIS;
            let paths = unreadable.iter().filter_map(|(path, _)| RelPath::parse(path).ok());
            let paths: Vec<RelPath> =
                paths.filter(|path| !due.iter().any(|(other, _)| other == path)).collect();
            due.extend(paths.into_iter().map(|path| (path, true)));
        }
        due
    }

    /// What was noticed and is not reported yet.
    pub fn unread(&self) -> Unread {
        let paths = if self.hold.is_some() { 0 } else { self.pending.len() };
        Unread { paths, waits_for_git: self.git_look_at.is_some() }
    }

    /// Names the branch that a batch brings, or holds it.
    fn note_branch(&mut self, root: &Root, batch: &mut Batch) -> Result<(), HoldReason> {
        let is_held = self.holds_branches && !self.branch_allowed && !batch.changes.is_empty();
        if let Some(branch) = self.git.other_branch(root).filter(|_| is_held) {
            return Err(HoldReason::BranchSwitched { branch, changes: batch.changes.len() });
        }
        batch.branch = self.git.new_branch(root);
        self.branch_allowed = false;
        Ok(())
    }

    /// When something is due without an event.
    fn next_due(&self, now: u64) -> Option<u64> {
        let paths = match self.git_look_at {
            Some(at) => Some(at),
            None => self.pending.next_due(),
        };
        let displaced = self.displaced.iter().map(|displaced| displaced.due_millis).min();
        let again = (!self.skipped.unreadable.is_empty()).then_some(self.look_again_at);
        [paths, displaced, again].into_iter().flatten().min().map(|at| at.max(now + 1))
    }

    fn note_event(&mut self, root: &Root, event: &FolderEvent, now: u64) {
        match event {
            FolderEvent::Path { path, hint } => self.note_path(path, *hint, now),
            FolderEvent::NotUnicode { folder } => {
                let names = root.open_folder(folder).and_then(|folder| folder.names());
                self.skipped.renew_not_unicode(folder, &names.unwrap_or_default().1);
            }
            FolderEvent::Temporary => {
                for displaced in &mut self.displaced {
                    displaced.due_millis = now;
                }
            }
            FolderEvent::GitLock { is_taken } => self.git.note_lock(*is_taken, now, root),
            // The branch is read at the end of the batch that it brings.
            FolderEvent::GitHead => self.git.note_head(now),
            FolderEvent::Rescan => {
                self.rules.forget("");
                self.reads.note_lost_events();
                self.pending.needs_full_look = true;
            }
        }
    }

    fn note_path(&mut self, path: &RelPath, hint: Hint, now: u64) {
        self.git.note_change(now);
        if IGNORE_FILES.contains(&path.file_name()) {
            self.rules.forget(path.parent_str());
            match path.parent() {
                Some(folder) => self.note_path(&folder, Hint::Created, now),
                None => self.pending.needs_full_look = true,
            }
        }
        // What lies in a folder that is not known yet is found by looking at that folder.
        let unlisted = path.ancestors().find(|folder| self.table.get_str(folder).is_none());
        let top = unlisted.and_then(|folder| RelPath::parse(folder).ok());
        let is_inside = top.is_some();
        let waiting = self.pending.entry(top.as_ref().unwrap_or(path));
        waiting.due = now;
        waiting.is_deep |= is_inside || matches!(hint, Hint::Created | Hint::MovedIn);
        if is_inside {
            self.pending.entry(path);
        }
        let is_git = self.git.is_held();
        let waiting = self.pending.entry(path);
        waiting.due = now;
        if hint != Hint::Other {
            waiting.is_git = is_git;
        }
        match hint {
            Hint::Closed | Hint::MovedIn => waiting.is_closed = true,
            Hint::Changed | Hint::Created => waiting.is_closed = false,
            Hint::Other => {}
        }
    }

    /// What lies at the due paths, and the rows that this says something about.
    fn look_at(&mut self, root: &Arc<Root>, due: &[(RelPath, bool)]) -> (Seen, BTreeSet<RelPath>) {
        let mut scope = BTreeSet::new();
        let mut walker = Walker {
            root,
            rules: &mut self.rules,
            table: &self.table,
            seen: Seen::default(),
            progress: &mut |_| (),
        };
        if std::mem::take(&mut self.pending.needs_full_look) {
            walker.walk_all();
            scope.extend(self.table.rows().map(|row| row.path.clone()));
            return (walker.seen, scope);
        }
        for (path, is_deep) in due {
            let known = self.table.get(path).map(|row| row.kind);
            walker.look_at(path, *is_deep || known != Some(Kind::Folder));
            scope.insert(path.clone());
            let is_folder_now =
                walker.seen.entries.get(path).is_some_and(|entry| entry.kind == EntryKind::Folder);
            if known == Some(Kind::Folder) && (*is_deep || !is_folder_now) {
                scope.extend(self.table.under(path.as_str()).map(|row| row.path.clone()));
            }
        }
        // Where else has what is new here been? Those places are part of the question.
        let mut sources = BTreeSet::new();
        for (path, entry) in &walker.seen.entries {
            if self.table.get(path).is_none_or(|row| !row.stamp.is_same_file(&entry.stamp)) {
                let rows = self.table.with_inode(entry.stamp.device, entry.stamp.inode);
                sources.extend(rows.filter(|row| !scope.contains(&row.path)).map(|row| row.path.clone()));
            }
        }
        for path in sources {
            walker.look_at(&path, false);
            let is_there = walker.seen.entries.contains_key(&path);
            if !is_there {
                scope.extend(self.table.under(path.as_str()).map(|row| row.path.clone()));
            }
            scope.insert(path);
        }
        (walker.seen, scope)
    }
}
