//! What the mirror reports: changes on disk, batches of them, and why it holds still.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::path::RelPath;
use super::read::FileRef;
use super::row::{ContentHash, Kind, NodeBytes, Stamp};
use super::walk::Skipped;

/// One thing that a program other than Weft did to the folder.
///
/// Paths are those after the whole batch. Take the changes in their order:
/// renames (outer folders first), new folders, new and changed files, removals
/// (innermost first). Give each back with [`Mirror::accept`](super::Mirror::accept)
/// once its edit is in the store; what is not given back is reported again.
#[derive(Debug, Clone)]
pub enum DiskChange {
    /// A file or folder that the workspace does not have here.
    Created {
        /// Where it lies.
        path: RelPath,
        /// What it is.
        found: Found,
    },
    /// A file holds other bytes than the mirror knows. Of the executable bit only
    /// `ModeChanged` speaks: some systems have none.
    Modified {
        /// Where it lies.
        path: RelPath,
        /// Whose content it is.
        node: NodeBytes,
        /// What the writer may have started from.
        base: SaveBase,
        /// The bytes.
        file: FileRef,
    },
    /// A file or folder that was written or read here is gone.
    Removed {
        /// Where it lay.
        path: RelPath,
        /// Whose place it was.
        node: NodeBytes,
        /// File or folder.
        kind: Kind,
        /// The content that the remover could see.
        version: Vec<u8>,
    },
    /// A file, or a folder with all that is in it, has another name or place.
    Renamed {
        /// Where it lay after the changes before this one.
        from: RelPath,
        /// Where it lies now.
        to: RelPath,
        /// What was moved.
        node: NodeBytes,
        /// File or folder.
        kind: Kind,
        /// How it looks now.
        seen: Sighting,
    },
    /// Whether a file may be run was changed, and nothing else.
    ModeChanged {
        /// Where it lies.
        path: RelPath,
        /// The file.
        node: NodeBytes,
        /// Whether it may be run now.
        executable: bool,
        /// How it looks now.
        seen: Sighting,
    },
}

impl DiskChange {
    /// The path after the batch (before it, for a removal).
    pub fn path(&self) -> &RelPath {
        match self {
            DiskChange::Created { path, .. }
            | DiskChange::Modified { path, .. }
            | DiskChange::Removed { path, .. }
            | DiskChange::Renamed { to: path, .. }
            | DiskChange::ModeChanged { path, .. } => path,
        }
    }
}

/// What was found where nothing was known.
#[derive(Debug, Clone)]
pub enum Found {
    /// A folder; what is in it is reported by itself.
    Folder(Sighting),
    /// A file.
    File(FileRef),
}

/// How something looked when it was found; the mirror needs it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting(pub(crate) Stamp);

/// What a save may have started from, newest first, and the evidence for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveBase {
    /// The version that the file held last.
    pub version: Vec<u8>,
    /// Its hash.
    pub hash: ContentHash,
    /// Versions that the mirror wrote or read here before that, newest first.
    pub older: Vec<PastVersion>,
    /// What is known about who has read the newest version.
    pub evidence: Evidence,
}

/// A version that a path held a while ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastVersion {
    /// The workspace's name for it.
    pub version: Vec<u8>,
    /// BLAKE3 of its bytes.
    pub hash: ContentHash,
    /// When it came to be on disk, on the caller's clock.
    pub since_millis: u64,
    /// Whether the version after it was written here by the mirror, and not saved by somebody.
    pub is_written_over: bool,
}

/// What the platform can tell about the moments before a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Nothing is known; compare the texts.
    None,
    /// Nobody has read the newest version since it was written here: the save
    /// was made from an older one.
    NewestNotRead,
    /// Git held its index lock: it means exactly these bytes, base = newest.
    Git,
    /// The bytes lay in the file that held exactly `version`.
    Certain,
}

/// The changes of one look at the folder.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// In the order in which they must be taken.
    pub changes: Vec<DiskChange>,
    /// Rows that were dropped without a change: what is in the workspace at
    /// these paths is to be written again.
    pub forgotten: Vec<RelPath>,
    /// The known folders above what changed, by where they lie after the batch: the workspace may show
    /// them elsewhere by now.
    pub folders: BTreeMap<RelPath, NodeBytes>,
    /// The branch in `.git/HEAD` if that changed before or during this batch.
    pub branch: Option<String>,
    /// What was met and is not shared; complete only after a scan.
    pub skipped: Skipped,
    /// Temporaries that could be somebody's work and are left where they lie.
    pub leftovers: Vec<String>,
}

impl Batch {
    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.forgotten.is_empty()
    }
}

/// Why nothing goes out of the folder and nothing is written into it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HoldReason {
    /// There is no folder at the path.
    #[error("the folder {} is missing", .0.display())]
    RootMissing(PathBuf),
    /// Another folder lies at the path.
    #[error("another folder lies at {}", .0.display())]
    RootReplaced(PathBuf),
    /// The folder cannot be read.
    #[error("the folder {} cannot be read: {error}", .path.display())]
    RootUnreadable {
        /// The system's words.
        error: String,
        /// The folder.
        path: PathBuf,
    },
    /// A folder inside lies on another file system than before.
    #[error("a disk that was mounted at {0} is gone or another one is there")]
    DeviceChanged(RelPath),
    /// At least 20 files and half of all are gone.
    #[error("{gone} of {total} files are gone")]
    MostFilesGone {
        /// Files that are gone.
        gone: usize,
        /// Files there were.
        total: usize,
    },
    /// Another branch was checked out, and the workspace does not want that shared unasked.
    #[error("branch {branch} was checked out: {changes} changes are not shared")]
    BranchSwitched {
        /// The branch.
        branch: String,
        /// What it changed.
        changes: usize,
    },
}

impl HoldReason {
    /// What the person can do.
    pub fn hint(&self) -> &'static str {
        match self {
            HoldReason::RootMissing(_) | HoldReason::RootReplaced(_) | HoldReason::DeviceChanged(_) => {
                "bring the folder or disk back, or run `weft mirror resume --restore` to write the files again"
            }
            HoldReason::RootUnreadable { .. } => "give this user the right to read the folder",
            HoldReason::MostFilesGone { .. } => {
                "`weft mirror resume --deleted` deletes them for everybody, `--restore` writes them again"
            }
            HoldReason::BranchSwitched { .. } => {
                "check out the branch that was there before, or share this one with `weft mirror resume --share`"
            }
        }
    }
}

/// The person's answer to a [`HoldReason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// What is gone was deleted on purpose.
    Deleted,
    /// What is gone is to be written again.
    Restore,
    /// The branch that was checked out is everybody's now.
    Share,
}
