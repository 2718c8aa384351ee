//! From what differs to what is reported: which files to read, which to wait for,
//! which deletions are renames, and whether to hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::change::{Batch, DiskChange, Evidence, Found, HoldReason, SaveBase, Sighting};
use super::compare::{Difference, Gone, Touched, compare};
use super::look::Progress;
use super::os::{Entry, Root};
use super::path::RelPath;
use super::pending::{
    GONE_MILLIS, MASS_FILES, MASS_QUIET_MILLIS, MASS_WINDOW_MILLIS, STABLE_MILLIS, WORKING_NAME_MILLIS,
    Waiting,
};
use super::read::{Budget, FileRef, ReadError, read_path};
use super::renames::{OldContent, is_working_name, match_files};
use super::row::{Kind, MirrorRow, NodeBytes};
use super::rules::Verdict;
use super::state::{Mirror, wall_nanos};
use super::walk::{LISTED_NAMES_MAX, Seen};

/// Paths that a check looks at; `None` in a scan, which waits for almost nothing.
type Due<'a> = Option<&'a [(RelPath, bool)]>;

/// The files of one examination, read.
#[derive(Default)]
struct Files {
    new: BTreeMap<RelPath, FileRef>,
    modified: Vec<Saved>,
    mode_changed: Vec<(RelPath, RelPath, FileRef)>,
    /// Files that are there but not ready: some deletion may be one of these, renamed.
    waiting: usize,
}

/// A file with other bytes than its row says.
struct Saved {
    row: RelPath,
    path: RelPath,
    file: FileRef,
    was_unread: bool,
    is_git: bool,
}

/// One examination of the folder.
struct Examination<'a> {
    mirror: &'a mut Mirror,
    root: &'a Arc<Root>,
    now: u64,
    /// Whether what looks unfinished is looked at once more: not in a scan, and not when git is done.
    is_patient: bool,
    old: &'a dyn OldContent,
    budget: Budget,
    done: Progress,
    progress: &'a mut dyn FnMut(Progress),
    batch: Batch,
    files: Files,
}

impl Mirror {
    #[expect(clippy::too_many_arguments, reason = "one caller each for scan and check")]
    pub(super) fn examine(
        &mut self,
        root: &Arc<Root>,
        seen: Seen,
        scope: &BTreeSet<RelPath>,
        now: u64,
        due: Due<'_>,
        old: &dyn OldContent,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Batch, HoldReason> {
        self.table.forget_parked();
        let mut difference = compare(&self.table, scope, &seen);
        if let Some(path) = difference.other_device.take() {
            return Err(HoldReason::DeviceChanged(path));
        }
        let done = Progress { files_seen: seen.entries.len(), ..Progress::default() };
        let is_patient = due.is_some() && !self.git.is_done(now);
        let mut examination = Examination {
            mirror: self,
            root,
            now,
            is_patient,
            old,
            budget: Budget::new(),
            done,
            progress,
            batch: Batch { skipped: seen.skipped, ..Batch::default() },
            files: Files::default(),
        };
        examination.drop_ignored(&mut difference);
        examination.read_new(&difference);
        examination.read_touched(&difference);
        examination.judge(difference)?;
        let batch = examination.batch;
        if let Some(due) = due {
            self.pending.finish(due, now);
        }
        let leftovers = self.sort_out_temporaries(root, &seen.temporaries);
        Ok(Batch { leftovers, ..batch })
    }
}

impl Examination<'_> {
    /// Rows that a rule leaves out report nothing, not even that they are gone.
    fn drop_ignored(&mut self, difference: &mut Difference) {
        let mirror = &mut *self.mirror;
        let mut left = Vec::new();
        for gone in std::mem::take(&mut difference.gone) {
            let Some(row) = mirror.table.get(&gone.row) else {
                continue;
            };
            let (kind, was_ignored) = (row.kind, row.ignored);
            if mirror.rules.verdict(self.root, &gone.place, kind) != Verdict::Shared {
                if !was_ignored {
                    mirror.table.update(&gone.row, |row| row.ignored = true);
                }
            } else if was_ignored {
                mirror.table.remove(&gone.row);
                self.batch.forgotten.push(gone.row);
            } else {
                left.push(gone);
            }
        }
        difference.gone = left;
        for path in &difference.counted_again {
            mirror.table.update(path, |row| row.ignored = false);
        }
        for (path, entry) in &difference.folder_stamps {
            mirror.table.update(path, |row| {
                row.stamp = entry.stamp;
                row.ignored = false;
            });
        }
    }

    fn read_new(&mut self, difference: &Difference) {
        for (path, entry) in &difference.new_files {
            let mut waiting = self.mirror.pending.take(path).unwrap_or_default();
            if let Some(due) = self.content_due(&mut waiting, entry) {
                self.wait(path, due, waiting);
                continue;
            }
            if self.is_patient
                && self.row_renamed_to(entry).is_none()
                && self.has_working_name(path)
                && let Some(due) = waiting.working_name_due(self.now)
            {
                self.wait(path, due, waiting);
                continue;
            }
            let Some(file) = self.read(path, path, &mut waiting) else {
                continue;
            };
            let is_unfinished = match self.row_renamed_to(entry) {
                // Renamed, and being written anew at once.
                Some(row) => file.hash != row.hash && self.is_beginning_of(&row, &file),
                None => file.size() == 0,
            };
            if is_unfinished && let Some(due) = self.short_due(&mut waiting, entry) {
                self.wait(path, due, waiting);
                continue;
            }
            self.files.new.insert(path.clone(), file);
        }
    }

    fn read_touched(&mut self, difference: &Difference) {
        for Touched { row: row_path, path, entry } in &difference.touched {
            let Some(row) = self.mirror.table.get(row_path).cloned() else {
                continue;
            };
            let mut waiting = self.mirror.pending.take(path).unwrap_or_default();
            if let Some(due) = self.content_due(&mut waiting, entry) {
                self.wait(path, due, waiting);
                continue;
            }
            let is_unread = self.mirror.reads.is_unread(row_path);
            let was_unread = *waiting.was_unread.get_or_insert(is_unread);
            let is_git = waiting.is_git;
            let Some(file) = self.read(path, path, &mut waiting) else {
                continue;
            };
            if file.hash == row.hash {
                self.same_bytes(&row, path, file);
                continue;
            }
            let is_unfinished = self.is_beginning_of(&row, &file);
            if is_unfinished && let Some(due) = self.short_due(&mut waiting, entry) {
                self.wait(path, due, waiting);
                continue;
            }
            let (row, path) = (row_path.clone(), path.clone());
            self.files.modified.push(Saved { row, path, file, was_unread, is_git });
        }
    }

    /// The echo of a write of ours, a touch, or a change of mode.
    fn same_bytes(&mut self, row: &MirrorRow, path: &RelPath, file: FileRef) {
        if file.executable != row.executable {
            self.files.mode_changed.push((row.path.clone(), path.clone(), file));
        } else if file.stamp == row.stamp {
            if self.mirror.is_settled(&file.stamp) {
                self.mirror.table.mark_settled(&row.path);
            }
        } else {
            let settled = self.mirror.is_settled(&file.stamp);
            self.mirror.table.update(&row.path, |row| {
                row.stamp = file.stamp;
                row.settled = settled;
            });
        }
    }

    fn judge(&mut self, difference: Difference) -> Result<(), HoldReason> {
        let rows: Vec<(Gone, MirrorRow)> = difference
            .gone
            .iter()
            .filter_map(|gone| Some((gone.clone(), self.mirror.table.get(&gone.row)?.clone())))
            .collect();
        let gone_files: Vec<&MirrorRow> =
            rows.iter().map(|(_, row)| row).filter(|row| row.kind == Kind::File).collect();
        let mut pairs = match_files(&gone_files, &self.files.new, self.old);
        let waiting = self.hold_back_backups(&mut pairs);
        let gone: Vec<(Gone, MirrorRow)> = rows
            .iter()
            .filter(|(gone, _)| !pairs.contains_key(&gone.row) && !waiting.contains(&gone.row))
            .cloned()
            .collect();
        // What has taken the place of another kind of thing answers for both.
        let is_replaced = |(gone, _): &(Gone, MirrorRow)| difference.has_new(&gone.place);
        let (replaced, gone): (Vec<_>, Vec<_>) = gone.into_iter().partition(is_replaced);
        let mut removed = self.ready_removals(gone, !waiting.is_empty())?;
        removed.extend(replaced);
        self.report(&difference, &rows, &pairs, removed);
        Ok(())
    }

    /// `mv f f~` is the first half of a save of `f`: wait for the second. Returns
    /// the rows that wait; their new names wait as well.
    fn hold_back_backups(&mut self, pairs: &mut BTreeMap<RelPath, RelPath>) -> BTreeSet<RelPath> {
        let mut waiting_rows = BTreeSet::new();
        if !self.is_patient {
            return waiting_rows;
        }
        let backups: Vec<(RelPath, RelPath)> = pairs
            .iter()
            .filter(|(from, to)| {
                let sibling = |name: &str| from.file_name() == name;
                from.parent_str() == to.parent_str() && is_working_name(to.file_name(), sibling)
            })
            .map(|(from, to)| (from.clone(), to.clone()))
            .collect();
        for (from, to) in backups {
            let mut waiting = self.mirror.pending.take(&from).unwrap_or_default();
            if let Some(due) = waiting.gone_due(self.now, WORKING_NAME_MILLIS) {
                self.mirror.pending.put(from.clone(), due, waiting);
                self.mirror.pending.put(to.clone(), due, Waiting::closed());
                self.files.new.remove(&to);
                pairs.remove(&from);
                waiting_rows.insert(from);
            }
        }
        waiting_rows
    }

    /// Of what is gone, what can be reported now; a hold when it is too much.
    fn ready_removals(
        &mut self,
        gone: Vec<(Gone, MirrorRow)>,
        has_waiting: bool,
    ) -> Result<Vec<(Gone, MirrorRow)>, HoldReason> {
        let is_file = |(_, row): &&(Gone, MirrorRow)| row.kind == Kind::File;
        let files = gone.iter().filter(is_file).count();
        let mirror = &mut *self.mirror;
        for (gone, _) in &gone {
            mirror.pending.note_gone(&gone.row, self.now);
        }
        if self.is_patient {
            let is_many = mirror.removals.recent(self.now) + mirror.pending.gone() >= MASS_FILES;
            let mut latest = None;
            let mut quiet_at = mirror.pending.last_gone_at + MASS_QUIET_MILLIS;
            for (gone, _) in &gone {
                let waiting = mirror.pending.entry(&gone.row);
                latest = latest.max(waiting.gone_due(self.now, GONE_MILLIS));
                let end = waiting.gone_due(self.now, MASS_WINDOW_MILLIS).unwrap_or(self.now);
                quiet_at = quiet_at.min(end);
            }
            if is_many && self.now < quiet_at {
                latest = latest.max(Some(quiet_at));
            }
            if self.files.waiting > 0 || has_waiting {
                latest = latest.max(Some(self.now + STABLE_MILLIS));
            }
            if let Some(due) = latest {
                for (gone, _) in gone {
                    let waiting = mirror.pending.take(&gone.row).unwrap_or_default();
                    mirror.pending.put(gone.row, due, waiting);
                }
                return Ok(Vec::new());
            }
        }
        if let Some((gone, total)) = mirror.removals.is_mass(self.now, files, mirror.table.files())
            && !mirror.deletion_allowed
        {
            return Err(HoldReason::MostFilesGone { gone, total });
        }
        let files = gone.iter().filter(is_file).map(|(gone, _)| gone.place.clone());
        mirror.removals.note(self.now, files.collect());
        for (gone, _) in &gone {
            mirror.pending.take(&gone.row);
        }
        Ok(gone)
    }

    fn report(
        &mut self,
        difference: &Difference,
        rows: &[(Gone, MirrorRow)],
        pairs: &BTreeMap<RelPath, RelPath>,
        mut removed: Vec<(Gone, MirrorRow)>,
    ) {
        let mut changes = Vec::new();
        for moved in &difference.moved_folders {
            if let Some(row) = self.mirror.table.get(&moved.row) {
                let (from, to, seen) = (moved.from.clone(), moved.to.clone(), Sighting(moved.entry.stamp));
                changes.push(DiskChange::Renamed { from, to, node: row.node, kind: Kind::Folder, seen });
            }
        }
        for (path, entry) in &difference.new_folders {
            let found = Found::Folder(Sighting(entry.stamp));
            changes.push(DiskChange::Created { path: path.clone(), found });
        }
        let mut new = std::mem::take(&mut self.files.new);
        for (gone, row) in rows {
            let Some((to, file)) = pairs.get(&gone.row).and_then(|to| new.remove_entry(to)) else {
                continue;
            };
            let seen = Sighting(file.stamp);
            let (from, node) = (gone.place.clone(), row.node);
            changes.push(DiskChange::Renamed { from, to: to.clone(), node, kind: Kind::File, seen });
            if file.executable != row.executable {
                changes.push(mode_changed(to.clone(), row, &file));
            }
            if file.hash != row.hash {
                let base = self.base_of(row, false, false);
                changes.push(DiskChange::Modified { path: to, node, base, file });
            }
        }
        for (path, file) in new {
            changes.push(DiskChange::Created { path, found: Found::File(file) });
        }
        for Saved { row, path, file, was_unread, is_git } in std::mem::take(&mut self.files.modified) {
            if let Some(row) = self.mirror.table.get(&row) {
                if file.executable != row.executable {
                    changes.push(mode_changed(path.clone(), row, &file));
                }
                let base = self.base_of(row, is_git, was_unread);
                changes.push(DiskChange::Modified { path, node: row.node, base, file });
            }
        }
        for (row, path, file) in std::mem::take(&mut self.files.mode_changed) {
            if let Some(row) = self.mirror.table.get(&row) {
                changes.push(mode_changed(path, row, &file));
            }
        }
        // Innermost first, so that a folder is empty when its turn comes.
        removed.sort_by(|(a, _), (b, _)| b.place.cmp(&a.place));
        for (gone, row) in removed {
            let MirrorRow { node, kind, version, .. } = row;
            changes.push(DiskChange::Removed { path: gone.place, node, kind, version });
        }
        self.batch.folders = self.folders_above(difference, &changes);
        self.batch.changes = changes;
    }

    fn folders_above(&self, difference: &Difference, changes: &[DiskChange]) -> BTreeMap<RelPath, NodeBytes> {
        let mut folders = BTreeMap::new();
        for change in changes {
            for folder in change.path().ancestors() {
                let Ok(place) = RelPath::parse(folder) else { continue };
                if folders.contains_key(&place) {
                    continue;
                }
                let row = self.mirror.table.get(&difference.row_of(&place));
                if let Some(row) = row.filter(|row| row.kind == Kind::Folder) {
                    folders.insert(place, row.node);
                }
            }
        }
        folders
    }

    fn base_of(&self, row: &MirrorRow, is_git: bool, was_unread: bool) -> SaveBase {
        let evidence = if is_git {
            Evidence::Git
        } else if was_unread {
            Evidence::NewestNotRead
        } else {
            Evidence::None
        };
        SaveBase {
            version: row.version.clone(),
            hash: row.hash,
            older: self.mirror.history.versions(&row.path),
            evidence,
        }
    }

    fn wait(&mut self, path: &RelPath, due: u64, waiting: Waiting) {
        self.files.waiting += 1;
        self.mirror.pending.put(path.clone(), due, waiting);
    }

    fn content_due(&mut self, waiting: &mut Waiting, entry: &Entry) -> Option<u64> {
        if self.is_patient || self.mirror.pending_has_writer(entry) {
            return waiting.content_due(entry, self.now);
        }
        None
    }

    /// In a scan the clock on the wall says how long a file has been short.
    fn short_due(&mut self, waiting: &mut Waiting, entry: &Entry) -> Option<u64> {
        let age_nanos = wall_nanos() - entry.stamp.modified_nanos;
        let is_old = !self.is_patient && !(0..500_000_000).contains(&age_nanos);
        if is_old { None } else { waiting.short_due(self.now) }
    }

    fn read(&mut self, path: &RelPath, shown: &RelPath, waiting: &mut Waiting) -> Option<FileRef> {
        match read_path(self.root, path, &mut self.budget) {
            Ok(file) => {
                self.done.files_read += 1;
                self.done.bytes_read += file.size();
                if self.done.files_read.is_multiple_of(256) {
                    (self.progress)(self.done);
                }
                Some(file)
            }
            Err(ReadError::Changed) => {
                self.wait(path, self.now + STABLE_MILLIS, std::mem::take(waiting));
                None
            }
            Err(ReadError::Io(error)) if super::walk::is_absent(&error) => {
                self.wait(path, self.now + 1, std::mem::take(waiting));
                None
            }
            Err(error) => {
                if self.batch.skipped.unreadable.len() < LISTED_NAMES_MAX {
                    let words = match &error {
                        ReadError::Io(error) => error.to_string(),
                        other => other.to_string(),
                    };
                    self.batch.skipped.unreadable.push((shown.as_str().to_owned(), words));
                }
                None
            }
        }
    }

    fn row_renamed_to(&self, entry: &Entry) -> Option<MirrorRow> {
        let mut rows = self.mirror.table.with_inode(entry.stamp.device, entry.stamp.inode);
        rows.find(|row| row.kind == Kind::File && row.stamp.is_same_file(&entry.stamp)).cloned()
    }

    fn has_working_name(&self, path: &RelPath) -> bool {
        let table = &self.mirror.table;
        let is_sibling = |name: &str| {
            let sibling = super::walk::join(path.parent_str(), name);
            table.get_str(&sibling).is_some_and(|row| row.kind == Kind::File)
        };
        is_working_name(path.file_name(), is_sibling)
    }

    /// Whether the file could be its old text, cut off by a save that goes on.
    fn is_beginning_of(&self, row: &MirrorRow, file: &FileRef) -> bool {
        if file.size() >= row.size() {
            return false;
        }
        if file.size() == 0 {
            return true;
        }
        let Some(bytes) = file.bytes() else {
            return false;
        };
        let old = self.old.content(&row.node, &row.version);
        old.is_some_and(|old| old.starts_with(bytes))
    }
}

fn mode_changed(path: RelPath, row: &MirrorRow, file: &FileRef) -> DiskChange {
    DiskChange::ModeChanged { path, node: row.node, executable: file.executable, seen: Sighting(file.stamp) }
}

impl Mirror {
    /// Whether a file was written so lately that its writer may still be at it.
    fn pending_has_writer(&self, entry: &Entry) -> bool {
        let age_nanos = wall_nanos() - entry.stamp.modified_nanos;
        (0..i64::try_from(STABLE_MILLIS).unwrap_or(0) * 1_000_000).contains(&age_nanos)
    }
}
