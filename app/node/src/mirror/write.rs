//! Writing into the folder without ever losing what somebody saves meanwhile.

mod files;
mod folders;

use std::io::{self, Read};
use std::sync::Arc;

use super::change::HoldReason;
pub(super) use files::displaced_name;

use super::os::{Folder, Root};
use super::path::{PathError, RelPath, TEMPORARY_PREFIX};
use super::row::{ContentHash, JournalEntry, Kind, NodeBytes};
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
        /// Whose place it must be, if that is known.
        node: Option<NodeBytes>,
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
        /// What must lie there; anything else is left alone.
        kind: Kind,
        /// Whose place it must be, if that is known.
        node: Option<NodeBytes>,
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
            | WriteOp::Remove { path, .. }
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
        let mut renames: Vec<(RelPath, RelPath)> = Vec::new();
        for op in ops {
            let (path, after) = match &op {
                WriteOp::File { path, version, content, .. } => {
                    (path, Some((content.hash(), version.clone())))
                }
                WriteOp::Remove { path, .. } => (path, None),
                _ => {
                    if let WriteOp::Rename { from, to, .. } = &op {
                        renames.push((from.clone(), to.clone()));
                    }
                    prepared.ops.push((op, None));
                    continue;
                }
            };
            // What lies there then may lie elsewhere now.
            let now =
                renames.iter().rev().fold(path.clone(), |at, (from, to)| at.rebased(to, from).unwrap_or(at));
            let row = self.table.get(&now);
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
                let target = Target { path: &path, node, version: &version, executable, journal, now };
                self.write_file(root, &folder, &target, content)
            }
            WriteOp::Remove { path, node } => {
                let row = self.table.get(&path);
                if row.is_some_and(|row| node.is_some_and(|node| row.node != node)) {
                    self.end_journal(journal);
                    return Ok(WriteOutcome::Changed);
                }
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
            WriteOp::Rename { from, to, kind, node } => {
                let row = self.table.get(&from);
                if row.is_none_or(|row| row.kind != kind || node.is_some_and(|node| row.node != node)) {
                    return Ok(WriteOutcome::Changed);
                }
                self.rename(root, &from, &to, now)
            }
            WriteOp::SetExecutable { path, executable } => {
                let folder = folders.get(path.parent_str())?;
                self.set_executable(&folder, &path, executable, now)
            }
        }
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
