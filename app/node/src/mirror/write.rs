//! Writing into the folder without ever losing what somebody saves meanwhile.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use super::change::HoldReason;
use super::displaced::{Displaced, OPENING_MILLIS};
use super::os::{Entry, EntryKind, Folder, Root, copy_attributes, entry_of_file, set_mode};
use super::path::{PathError, RelPath, TEMPORARY_PREFIX};
use super::read::{Budget, read_file};
use super::row::{ContentHash, JournalEntry, Kind, MirrorRow, NodeBytes};
use super::state::Mirror;

/// A file is written at most once in this time, the first change at once,
pub(crate) const WRITE_PAUSE_MILLIS: u64 = 100;
/// and writing it takes at most one part in so many of the time.
pub(crate) const WRITE_SHARE: u64 = 5;
/// New files up to this length are made under their own name, in one write.
pub(crate) const DIRECT_BYTES_MAX: usize = 1 << 20;

/// The bytes of a file to write.
pub enum Content {
    /// All of them, and their BLAKE3.
    Bytes {
        /// The bytes.
        bytes: Vec<u8>,
        /// Their BLAKE3.
        hash: ContentHash,
    },
    /// A stream of known hash; read only if the file is written.
    Stream {
        /// BLAKE3 of what the stream gives; anything else is not written.
        hash: ContentHash,
        /// Opens the stream.
        open: Box<dyn FnOnce() -> io::Result<Box<dyn Read>> + Send>,
    },
}

impl Content {
    /// Content of these bytes.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Content {
        let bytes = bytes.into();
        let hash = *blake3::hash(&bytes).as_bytes();
        Content::Bytes { bytes, hash }
    }

    fn hash(&self) -> ContentHash {
        match self {
            Content::Bytes { hash, .. } | Content::Stream { hash, .. } => *hash,
        }
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Content")
    }
}

/// One thing to do in the folder. What a path holds before is what its row says;
/// where the disk disagrees, nothing is done and the answer is `Changed`.
#[derive(Debug)]
pub enum WriteOp {
    /// Make or replace a file.
    File {
        /// Where.
        path: RelPath,
        /// Whose content.
        node: NodeBytes,
        /// The workspace's name for the content.
        version: Vec<u8>,
        /// The bytes.
        content: Content,
        /// Whether it may be run.
        executable: bool,
    },
    /// Make a folder, or take an existing one as this node.
    MakeFolder {
        /// Where.
        path: RelPath,
        /// Whose place.
        node: NodeBytes,
    },
    /// Remove a file that still holds what its row says.
    Remove {
        /// Where.
        path: RelPath,
    },
    /// Remove a folder if nothing of anybody's is in it.
    RemoveFolder {
        /// Where.
        path: RelPath,
    },
    /// Give a file or a folder with all its content another name.
    Rename {
        /// Where it lies.
        from: RelPath,
        /// Where it will lie; must be free.
        to: RelPath,
    },
    /// Set whether a file may be run.
    SetExecutable {
        /// Where.
        path: RelPath,
        /// The new state.
        executable: bool,
    },
}

impl WriteOp {
    /// The path it acts on.
    pub fn path(&self) -> &RelPath {
        match self {
            WriteOp::File { path, .. }
            | WriteOp::MakeFolder { path, .. }
            | WriteOp::Remove { path }
            | WriteOp::RemoveFolder { path }
            | WriteOp::SetExecutable { path, .. }
            | WriteOp::Rename { from: path, .. } => path,
        }
    }
}

/// What became of one operation.
#[derive(Debug)]
pub enum WriteOutcome {
    /// It is done, and the row says so.
    Done,
    /// The disk differs from the row. The next [`Mirror::check`] reports how; take
    /// that and come again with what results.
    Changed,
    /// Come again at this time, with what is newest then.
    Later {
        /// When.
        at_millis: u64,
    },
    /// The mirror holds still.
    Held(HoldReason),
    /// Something that the workspace does not know lies in the way, or the name
    /// cannot exist here. Only this path is affected; say so in the status.
    Blocked(Obstacle),
    /// The system refused; what was there before is still there.
    Failed(io::Error),
}

/// Why a path cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Obstacle {
    /// A file, folder or link that is not shared has the name.
    #[error("something that is not shared has this name")]
    Occupied,
    /// A symbolic link, pipe or other special file has the name or is on the way.
    #[error("a link or special file is in the way")]
    NotAFile,
    /// A folder is not empty: there are files in it that are not shared.
    #[error("files that are not shared are in the folder")]
    NotEmpty,
    /// This system cannot hold the name.
    #[error("{0}")]
    Name(PathError),
}

/// Operations whose journal entries are to be stored before they are carried out.
#[derive(Debug)]
pub struct Prepared {
    ops: Vec<(WriteOp, Option<u64>)>,
    journal: Vec<JournalEntry>,
}

impl Prepared {
    /// Store these first.
    pub fn journal(&self) -> &[JournalEntry] {
        &self.journal
    }
}

/// What one step needs to know.
#[derive(Clone, Copy)]
struct Target<'a> {
    path: &'a RelPath,
    node: NodeBytes,
    version: &'a [u8],
    executable: bool,
    journal: Option<u64>,
    now: u64,
}

impl Mirror {
    /// Plans operations: names their temporaries and the journal entries that must be
    /// stored before [`Mirror::execute`].
    pub fn prepare(&mut self, ops: Vec<WriteOp>) -> Prepared {
        let mut prepared = Prepared { ops: Vec::with_capacity(ops.len()), journal: Vec::new() };
        for op in ops {
            let (path, after) = match &op {
                WriteOp::File { path, version, content, .. } => (path, Some((content.hash(), version.clone()))),
                WriteOp::Remove { path } => (path, None),
                _ => {
                    prepared.ops.push((op, None));
                    continue;
                }
            };
            let row = self.table.get(path);
            let node = match &op {
                WriteOp::File { node, .. } => *node,
                _ => row.map(|row| row.node).unwrap_or_default(),
            };
            let before = row.map(|row| (row.hash, row.version.clone()));
            let id = self.next_journal_id;
            self.next_journal_id += 1;
            self.temporary_count += 1;
            let temporary =
                format!("{TEMPORARY_PREFIX}{:016x}-{:x}", self.temporary_seed, self.temporary_count);
            let entry = JournalEntry { id, path: path.clone(), temporary, node, after, before };
            self.journal.insert(id, entry.clone());
            prepared.journal.push(entry);
            prepared.ops.push((op, Some(id)));
        }
        prepared
    }

    /// Carries prepared operations out, in their order; one outcome for each.
    pub fn execute(&mut self, now_millis: u64, prepared: Prepared) -> Vec<WriteOutcome> {
        let root = match &self.hold {
            Some(reason) => Err(reason.clone()),
            None => self.check_root(),
        };
        let root = match root {
            Ok(root) => root,
            Err(reason) => {
                self.hold = Some(reason.clone());
                return prepared
                    .ops
                    .into_iter()
                    .map(|(_, journal)| {
                        self.end_journal(journal);
                        WriteOutcome::Held(reason.clone())
                    })
                    .collect();
            }
        };
        let mut folders = OpenFolder { root: &root, open: None };
        prepared
            .ops
            .into_iter()
            .map(|(op, journal)| {
                let changes_folders = matches!(op, WriteOp::Rename { .. } | WriteOp::RemoveFolder { .. });
                let outcome = self.execute_one(&root, &mut folders, op, journal, now_millis);
                if changes_folders {
                    folders.open = None;
                }
                outcome.unwrap_or_else(|error| {
                    self.end_journal(journal);
                    refusal(error)
                })
            })
            .collect()
    }

    /// [`Mirror::prepare`] and [`Mirror::execute`] in one, for callers that keep no journal.
    pub fn write(&mut self, now_millis: u64, ops: Vec<WriteOp>) -> Vec<WriteOutcome> {
        let prepared = self.prepare(ops);
        self.execute(now_millis, prepared)
    }

    /// What is needed to bring everything written so far to the disk, on any thread;
    /// `None` when there is nothing.
    pub fn begin_sync(&mut self) -> Option<SyncJob> {
        let root = self.root.clone()?;
        let entries = std::mem::take(&mut self.unsynced);
        (!entries.is_empty()).then_some(SyncJob { root, entries })
    }

    /// Takes a finished sync: the journal entries it covers can be removed.
    pub fn finish_sync(&mut self, done: SyncDone) {
        for id in &done.entries {
            self.journal.remove(id);
        }
        self.journal_done.extend(done.entries);
    }

    /// Brings everything written so far to the disk, here and now.
    pub fn finish_batch(&mut self) -> io::Result<()> {
        if let Some(job) = self.begin_sync() {
            let entries = job.entries.clone();
            match job.run() {
                Ok(done) => self.finish_sync(done),
                Err(error) => {
                    self.unsynced.extend(entries);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    pub(super) fn end_journal(&mut self, id: Option<u64>) {
        self.unsynced.extend(id);
    }

    fn execute_one(
        &mut self,
        root: &Arc<Root>,
        folders: &mut OpenFolder<'_>,
        op: WriteOp,
        journal: Option<u64>,
        now: u64,
    ) -> io::Result<WriteOutcome> {
        if let Some(error) = op.path().unwritable_here() {
            self.end_journal(journal);
            return Ok(WriteOutcome::Blocked(Obstacle::Name(error)));
        }
        match op {
            WriteOp::File { path, node, version, content, executable } => {
                let folder = folders.get(path.parent_str())?;
                let target =
                    Target { path: &path, node, version: &version, executable, journal, now };
                self.write_file(root, &folder, &target, content)
            }
            WriteOp::Remove { path } => {
                let folder = folders.get(path.parent_str())?;
                self.remove_file(root, &folder, &path, journal, now)
            }
            WriteOp::MakeFolder { path, node } => {
                let folder = folders.get(path.parent_str())?;
                self.make_folder(&folder, &path, node)
            }
            WriteOp::RemoveFolder { path } => {
                let folder = folders.get(path.parent_str())?;
                self.remove_folder(root, &folder, &path)
            }
            WriteOp::Rename { from, to } => self.rename(root, &from, &to, now),
            WriteOp::SetExecutable { path, executable } => {
                let folder = folders.get(path.parent_str())?;
                self.set_executable(&folder, &path, executable, now)
            }
        }
    }

    fn write_file(
        &mut self,
        root: &Arc<Root>,
        folder: &Folder,
        target: &Target<'_>,
        content: Content,
    ) -> io::Result<WriteOutcome> {
        let row = self.table.get(target.path).filter(|row| row.kind == Kind::File).cloned();
        let Some(row) = row else {
            return self.write_new(root, folder, target, content);
        };
        let entry = match folder.look(target.path.file_name())? {
            Some(entry) if entry.kind == EntryKind::File => entry,
            // A path that reports nothing has lost its file; there is nobody to ask.
            None if row.ignored => return self.write_new(root, folder, target, content),
            _ => return Ok(self.changed(target)),
        };
        let known = self.is_as_known(root, folder, &row, &entry)?;
        if !known {
            return Ok(self.changed(target));
        }
        if content.hash() == row.hash && entry.executable() == target.executable {
            self.end_journal(target.journal);
            self.set_version(target.path, target.node, target.version);
            return Ok(WriteOutcome::Done);
        }
        if let Some(&at_millis) = self.write_after.get(target.path)
            && target.now < at_millis
        {
            self.end_journal(target.journal);
            return Ok(WriteOutcome::Later { at_millis });
        }
        self.replace(root, folder, target, content, &row, &entry)
    }

    /// Whether the file on disk is the one of the row, compared by hash if need be.
    fn is_as_known(
        &mut self,
        root: &Arc<Root>,
        folder: &Folder,
        row: &MirrorRow,
        entry: &Entry,
    ) -> io::Result<bool> {
        if entry.stamp == row.stamp && row.settled {
            return Ok(true);
        }
        let path = &row.path;
        let file = read_file(root, folder, path.parent_str(), path.file_name(), &mut Budget::new());
        let Ok(file) = file else {
            return Ok(false);
        };
        if file.hash != row.hash {
            return Ok(false);
        }
        let settled = self.is_settled(&file.stamp);
        self.table.update(path, |row| {
            row.stamp = file.stamp;
            row.settled = settled;
        });
        Ok(true)
    }

    /// The disk differs: the next check finds out how.
    fn changed(&mut self, target: &Target<'_>) -> WriteOutcome {
        self.end_journal(target.journal);
        self.look_again(target.path, target.now);
        WriteOutcome::Changed
    }

    fn look_again(&mut self, path: &RelPath, now: u64) {
        let waits = self.pending.contains(path);
        let waiting = self.pending.entry(path);
        if !waits {
            waiting.due = now;
        }
    }

    fn replace(
        &mut self,
        root: &Arc<Root>,
        folder: &Folder,
        target: &Target<'_>,
        content: Content,
        row: &MirrorRow,
        entry: &Entry,
    ) -> io::Result<WriteOutcome> {
        let started = Instant::now();
        let temporary = self.temporary_of(target.journal);
        let hash = content.hash();
        let made = folder.create_new(&temporary, 0o600)?;
        // Held open until after the swap, so that closing it counts as no reading of the path.
        let old = folder.open_read(target.path.file_name()).ok();
        let result = fill(&made, content)
            .and_then(|()| dress(old.as_ref(), target, entry, &made))
            .and_then(|()| {
                self.reads.note_written(target.path);
                swap(root, folder, &temporary, target.path.file_name())
            });
        let out = match result {
            Ok(Swapped::Out(out)) => out,
            Ok(Swapped::NameTaken(out)) => {
                let _ = folder.unlink(&temporary);
                if let Some(out) = out {
                    self.keep_displaced(folder, &Target { journal: None, ..*target }, row, entry, out)?;
                }
                return Ok(self.changed(target));
            }
            Err(error) => {
                let _ = folder.unlink(&temporary);
                return Err(error);
            }
        };
        let stamp = entry_of_file(&made)?.stamp;
        self.note_past_version(target.path, target.now);
        self.put_row(target.path, target.node, Kind::File, hash, target.executable, stamp, target.version);
        self.keep_displaced(folder, target, row, entry, out)?;
        let cost = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let pause = WRITE_PAUSE_MILLIS.max(cost.saturating_mul(WRITE_SHARE));
        self.write_after.retain(|_, at| *at > target.now);
        self.write_after.insert(target.path.clone(), target.now + pause);
        Ok(WriteOutcome::Done)
    }

    /// Watches what came out of a swap.
    fn keep_displaced(
        &mut self,
        folder: &Folder,
        target: &Target<'_>,
        row: &MirrorRow,
        before: &Entry,
        temporary: String,
    ) -> io::Result<()> {
        let Some(out) = folder.look(&temporary)? else {
            self.end_journal(target.journal);
            return Ok(());
        };
        let is_same_file = out.stamp.is_same_file(&before.stamp);
        let is_known = is_same_file && out.stamp.is_same_content(&before.stamp) && self.is_settled(&before.stamp);
        self.displaced.push(Displaced {
            folder: target.path.parent_str().to_owned(),
            temporary,
            path: target.path.clone(),
            node: row.node,
            version: row.version.clone(),
            hash: row.hash,
            stamp: out.stamp,
            is_unread: !is_known,
            is_certain_base: is_same_file,
            since_millis: target.now,
            changed_millis: if is_known { 0 } else { target.now },
            due_millis: target.now + OPENING_MILLIS,
            journal: target.journal,
        });
        Ok(())
    }

    fn write_new(
        &mut self,
        root: &Arc<Root>,
        folder: &Folder,
        target: &Target<'_>,
        content: Content,
    ) -> io::Result<WriteOutcome> {
        let name = target.path.file_name();
        let hash = content.hash();
        let mode = if target.executable { 0o777 } else { 0o666 };
        let is_direct = matches!(&content, Content::Bytes { bytes, .. } if bytes.len() <= DIRECT_BYTES_MAX);
        let first_name = if is_direct { name.to_owned() } else { self.temporary_of(target.journal) };
        let made = match folder.create_new(&first_name, mode) {
            Ok(made) => made,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_direct => {
                return self.take_existing(root, folder, target, hash);
            }
            Err(error) => return Err(error),
        };
        self.reads.note_written(target.path);
        let result = fill(&made, content).and_then(|()| match is_direct {
            true => Ok(()),
            false => root.rename_to_free_name((folder, &first_name), (folder, name)),
        });
        if let Err(error) = result {
            let _ = folder.unlink(&first_name);
            if error.kind() == io::ErrorKind::AlreadyExists {
                return self.take_existing(root, folder, target, hash);
            }
            return Err(error);
        }
        let entry = entry_of_file(&made)?;
        self.since_millis.insert(target.path.clone(), target.now);
        self.put_row(target.path, target.node, Kind::File, hash, entry.executable(), entry.stamp, target.version);
        self.end_journal(target.journal);
        Ok(WriteOutcome::Done)
    }

    /// A file that nobody told us of has the name: the same bytes are welcome,
    /// others are somebody's and stay.
    fn take_existing(
        &mut self,
        root: &Arc<Root>,
        folder: &Folder,
        target: &Target<'_>,
        hash: ContentHash,
    ) -> io::Result<WriteOutcome> {
        let name = target.path.file_name();
        match folder.look(name)? {
            None => return Ok(self.changed(target)),
            Some(entry) if entry.kind == EntryKind::File => {}
            Some(entry) => {
                self.end_journal(target.journal);
                let obstacle = match entry.kind {
                    EntryKind::Folder => Obstacle::Occupied,
                    _ => Obstacle::NotAFile,
                };
                return Ok(WriteOutcome::Blocked(obstacle));
            }
        }
        let file = read_file(root, folder, target.path.parent_str(), name, &mut Budget::new());
        match file {
            Ok(file) if file.hash == hash => {
                self.put_file_row(target.path, target.node, &file, target.version);
                self.end_journal(target.journal);
                if file.executable != target.executable {
                    return self.set_executable(folder, target.path, target.executable, target.now);
                }
                Ok(WriteOutcome::Done)
            }
            _ => {
                self.look_again(target.path, target.now);
                self.end_journal(target.journal);
                Ok(WriteOutcome::Blocked(Obstacle::Occupied))
            }
        }
    }

    fn temporary_of(&self, journal: Option<u64>) -> String {
        let entry = journal.and_then(|id| self.journal.get(&id));
        entry.map(|entry| entry.temporary.clone()).expect("a journal entry of every written file")
    }

    fn remove_file(
        &mut self,
        root: &Arc<Root>,
        folder: &Folder,
        path: &RelPath,
        journal: Option<u64>,
        now: u64,
    ) -> io::Result<WriteOutcome> {
        let name = path.file_name();
        let Some(row) = self.table.get(path).filter(|row| row.kind == Kind::File).cloned() else {
            self.end_journal(journal);
            return Ok(WriteOutcome::Blocked(Obstacle::Occupied));
        };
        let target = Target { path, node: row.node, version: &[], executable: false, journal, now };
        let entry = match folder.look(name)? {
            Some(entry) if entry.kind == EntryKind::File => entry,
            Some(_) => return Ok(self.changed(&target)),
            None => {
                // Gone already, which is what was wanted.
                self.forget_path(path);
                self.end_journal(journal);
                return Ok(WriteOutcome::Done);
            }
        };
        if !self.is_as_known(root, folder, &row, &entry)? {
            return Ok(self.changed(&target));
        }
        let temporary = self.temporary_of(journal);
        root.rename_to_free_name((folder, name), (folder, &temporary))?;
        self.forget_path(path);
        self.keep_displaced(folder, &target, &row, &entry, temporary)?;
        Ok(WriteOutcome::Done)
    }

    fn forget_path(&mut self, path: &RelPath) {
        self.table.remove(path);
        self.history.remove(path);
        self.since_millis.remove(path);
        self.write_after.remove(path);
    }

    fn make_folder(&mut self, folder: &Folder, path: &RelPath, node: NodeBytes) -> io::Result<WriteOutcome> {
        if let Err(error) = folder.make_folder(path.file_name())
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(error);
        }
        match folder.look(path.file_name())? {
            Some(entry) if entry.kind == EntryKind::Folder => {
                self.put_row(path, node, Kind::Folder, [0; 32], false, entry.stamp, &[]);
                Ok(WriteOutcome::Done)
            }
            Some(entry) if entry.kind == EntryKind::File => Ok(WriteOutcome::Blocked(Obstacle::Occupied)),
            _ => Ok(WriteOutcome::Blocked(Obstacle::NotAFile)),
        }
    }

    fn remove_folder(&mut self, root: &Root, folder: &Folder, path: &RelPath) -> io::Result<WriteOutcome> {
        // Rows inside are files that the workspace still has here: take those first.
        if self.table.under(path.as_str()).any(|row| !row.ignored) {
            return Ok(WriteOutcome::Changed);
        }
        self.release_inside(root, path);
        let outcome = match folder.remove_folder(path.file_name()) {
            Ok(()) => WriteOutcome::Done,
            Err(error) if error.kind() == io::ErrorKind::NotFound => WriteOutcome::Done,
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                // Left to the person, as is what lies in it; the row goes, so that
                // the folder is private from now on.
                WriteOutcome::Blocked(Obstacle::NotEmpty)
            }
            Err(error) => return Err(error),
        };
        let inside: Vec<RelPath> = self.table.under(path.as_str()).map(|row| row.path.clone()).collect();
        for path in inside.iter().chain([path]) {
            self.forget_path(path);
        }
        self.rules.forget(path.as_str());
        Ok(outcome)
    }

    /// Moves files that were swapped out inside a folder to the workspace folder, where
    /// they can be watched after the folder has gone.
    fn release_inside(&mut self, root: &Root, path: &RelPath) {
        for displaced in &mut self.displaced {
            let is_inside = displaced.folder == path.as_str()
                || displaced.folder.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/'));
            if !is_inside {
                continue;
            }
            let Ok(folder) = root.open_folder(&displaced.folder) else {
                continue;
            };
            let top = root.folder();
            let name = displaced.temporary.as_str();
            if root.rename_to_free_name((&folder, name), (top, name)).is_ok() {
                displaced.folder.clear();
            }
        }
    }

    fn rename(&mut self, root: &Root, from: &RelPath, to: &RelPath, now: u64) -> io::Result<WriteOutcome> {
        if let Some(error) = to.unwritable_here() {
            return Ok(WriteOutcome::Blocked(Obstacle::Name(error)));
        }
        let Some(row) = self.table.get(from).cloned() else {
            return Ok(WriteOutcome::Changed);
        };
        let from_folder = root.open_folder(from.parent_str())?;
        let to_folder = root.open_folder(to.parent_str())?;
        let found = from_folder.look(from.file_name())?;
        let is_it = found.is_some_and(|entry| match row.kind {
            Kind::File => entry.kind == EntryKind::File,
            Kind::Folder => entry.kind == EntryKind::Folder,
        });
        if !is_it {
            self.look_again(from, now);
            return Ok(WriteOutcome::Changed);
        }
        let result = root.rename_to_free_name((&from_folder, from.file_name()), (&to_folder, to.file_name()));
        match result {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Ok(WriteOutcome::Blocked(Obstacle::Occupied));
            }
            Err(error) => return Err(error),
        }
        self.table.rename(from, to);
        self.table.forget_parked();
        self.history.rename(from, to);
        for displaced in &mut self.displaced {
            if let Some(path) = displaced.path.rebased(from, to) {
                displaced.path = path;
            }
            let folder = RelPath::parse(&displaced.folder).ok().and_then(|folder| folder.rebased(from, to));
            if let Some(folder) = folder {
                displaced.folder = folder.as_str().to_owned();
            }
        }
        self.rules.forget(from.as_str());
        self.rules.forget(to.as_str());
        if let Some(entry) = to_folder.look(to.file_name())? {
            // The bytes may be somebody's save by now: only a stamp that fits is taken.
            self.look_again(to, now);
            self.table.update(to, |row| {
                if row.kind == Kind::Folder || row.stamp.is_same_content(&entry.stamp) {
                    row.stamp = entry.stamp;
                }
            });
        }
        Ok(WriteOutcome::Done)
    }

    fn set_executable(
        &mut self,
        folder: &Folder,
        path: &RelPath,
        executable: bool,
        now: u64,
    ) -> io::Result<WriteOutcome> {
        let Some(row) = self.table.get(path).cloned() else {
            return Ok(WriteOutcome::Changed);
        };
        let file = folder.open_read(path.file_name())?;
        let entry = entry_of_file(&file)?;
        if entry.kind != EntryKind::File {
            return Ok(WriteOutcome::Blocked(Obstacle::NotAFile));
        }
        set_mode(&file, mode_with(entry.mode, executable))?;
        let after = entry_of_file(&file)?;
        if !after.stamp.is_same_content(&row.stamp) {
            self.look_again(path, now);
        }
        self.table.update(path, |row| {
            row.executable = after.executable();
            if row.stamp.is_same_content(&after.stamp) {
                row.stamp = after.stamp;
            }
        });
        Ok(WriteOutcome::Done)
    }
}

/// The folder that was opened last: most batches stay in one for a while.
struct OpenFolder<'a> {
    root: &'a Root,
    open: Option<(String, Folder)>,
}

impl OpenFolder<'_> {
    fn get(&mut self, path: &str) -> io::Result<Folder> {
        if let Some((open, folder)) = &self.open
            && open == path
        {
            return Ok(folder.clone());
        }
        let folder = self.root.open_folder(path)?;
        self.open = Some((path.to_owned(), folder.clone()));
        Ok(folder)
    }
}

/// A disk flush that can run on any thread.
#[derive(Debug)]
pub struct SyncJob {
    root: Arc<Root>,
    entries: Vec<u64>,
}

/// Proof that a [`SyncJob`] has run.
#[derive(Debug)]
pub struct SyncDone {
    entries: Vec<u64>,
}

impl SyncJob {
    /// Flushes the file system. If it fails the entries stay in the journal until the
    /// next start, which compares what they name by hash.
    pub fn run(self) -> io::Result<SyncDone> {
        let file = self.root.sync_handle()?;
        #[cfg(target_os = "linux")]
        rustix::fs::syncfs(&file)?;
        #[cfg(all(unix, not(target_os = "linux")))]
        {
            let _ = &file;
            rustix::fs::sync();
        }
        #[cfg(windows)]
        let _ = &file;
        Ok(SyncDone { entries: self.entries })
    }
}

fn fill(file: &File, content: Content) -> io::Result<()> {
    let mut file = file;
    match content {
        Content::Bytes { bytes, .. } => file.write_all(&bytes),
        Content::Stream { hash, open } => {
            let mut stream = open()?;
            let mut hasher = blake3::Hasher::new();
            let mut piece = vec![0; 256 << 10];
            loop {
                let count = stream.read(&mut piece)?;
                if count == 0 {
                    break;
                }
                hasher.update(&piece[..count]);
                file.write_all(&piece[..count])?;
            }
            if *hasher.finalize().as_bytes() == hash {
                Ok(())
            } else {
                Err(io::Error::new(io::ErrorKind::InvalidData, "the content is not the one that was announced"))
            }
        }
    }
}

/// Gives the new file what the old one has besides its bytes.
fn dress(old: Option<&File>, target: &Target<'_>, entry: &Entry, made: &File) -> io::Result<()> {
    let mode = mode_with(entry.mode, target.executable);
    let entry = Entry { mode, ..*entry };
    match old {
        Some(old) => copy_attributes(old, &entry, made),
        None => set_mode(made, mode & 0o7777),
    }
}

/// May be run by whoever may read it, or by nobody.
fn mode_with(mode: u32, executable: bool) -> u32 {
    let mode = mode & 0o7777;
    if executable { mode | ((mode & 0o444) >> 2) | 0o100 } else { mode & !0o111 }
}

/// What a swap has done.
enum Swapped {
    /// The new file has the name; the old one lies under this temporary name.
    Out(String),
    /// Somebody else took or removed the name at that moment: his is the newest. The
    /// old file may lie under a temporary name.
    NameTaken(Option<String>),
}

/// Puts the temporary under the name without losing what has the name.
fn swap(root: &Root, folder: &Folder, temporary: &str, name: &str) -> io::Result<Swapped> {
    match root.exchange(folder, temporary, name) {
        Ok(Some(())) => return Ok(Swapped::Out(temporary.to_owned())),
        Ok(None) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Swapped::NameTaken(None)),
        Err(error) => return Err(error),
    }
    let out = displaced_name(temporary);
    if root.link((folder, name), (folder, &out))?.is_some() {
        folder.rename_over(temporary, folder, name)?;
        return Ok(Swapped::Out(out));
    }
    root.rename_to_free_name((folder, name), (folder, &out))?;
    match root.rename_to_free_name((folder, temporary), (folder, name)) {
        Ok(()) => Ok(Swapped::Out(out)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Swapped::NameTaken(Some(out))),
        Err(error) => {
            let _ = root.rename_to_free_name((folder, &out), (folder, name));
            Err(error)
        }
    }
}

/// Where the old file goes when two names cannot be swapped.
pub(super) fn displaced_name(temporary: &str) -> String {
    format!("{temporary}.old")
}

fn refusal(error: io::Error) -> WriteOutcome {
    match error.kind() {
        // A folder on the way is gone, or is a link now.
        io::ErrorKind::NotFound => WriteOutcome::Changed,
        io::ErrorKind::NotADirectory => WriteOutcome::Blocked(Obstacle::NotAFile),
        io::ErrorKind::InvalidFilename => WriteOutcome::Blocked(Obstacle::Name(PathError::NameTooLong)),
        _ if is_link_error(&error) => WriteOutcome::Blocked(Obstacle::NotAFile),
        _ => WriteOutcome::Failed(error),
    }
}

fn is_link_error(error: &io::Error) -> bool {
    cfg!(unix) && (error.raw_os_error() == Some(40) || error.raw_os_error() == Some(62))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_bit_follows_the_right_to_read() {
        assert_eq!(mode_with(0o100_644, true), 0o755);
        assert_eq!(mode_with(0o100_600, true), 0o700);
        assert_eq!(mode_with(0o100_755, false), 0o644);
    }
}
