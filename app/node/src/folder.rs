//! The thread that drives the folder mirror of one workspace.
//!
//! It takes [`FolderJob`]s, one after the other, and answers with [`FolderReport`]s. A batch of
//! changes that was reported is *open* until the engine accepts it; meanwhile nothing else is
//! looked at or written, so that a row always says what the engine knows.

mod recent;
mod thread;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

use weft_crdt::NodeId;
use weft_crdt::tree::BlobRef;

pub(crate) use self::recent::RecentTexts;
pub(crate) use self::thread::{Folder, FolderConfig};
use crate::mirror::{
    Decision, DiskChange, FolderEvent, HoldReason, Kind, NodeBytes, Progress, RelPath, Skipped, Unread,
    WriteOutcome,
};

/// Jobs that may wait for the folder thread.
pub(crate) const JOBS_MAX: usize = 16 * 1024;

/// What the folder thread is asked to do.
#[derive(Debug)]
pub(crate) enum FolderJob {
    /// The edits of an open batch are in the store.
    Accept {
        /// The batch.
        batch: u64,
        /// What became of its changes.
        accepted: Vec<Accepted>,
    },
    /// Carry these out, in order.
    Write(Vec<PlannedWrite>),
    /// Look at the whole folder.
    Scan,
    /// The person's answer to a hold.
    Resume(Decision),
    /// Whether another branch is shared only when the person says so.
    HoldBranches(bool),
    /// The watcher saw something.
    Event(FolderEvent),
    /// Finish and end.
    Stop,
}

/// One change of a batch whose edit is in the store.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// Its place in the batch.
    pub(crate) index: usize,
    /// The node at its path.
    pub(crate) node: NodeId,
    /// The version that the path holds.
    pub(crate) version: Vec<u8>,
}

/// One thing to be done in the folder; the content is read when its turn comes.
#[derive(Debug)]
pub(crate) enum PlannedWrite {
    /// Make or replace a file.
    File {
        /// Where.
        path: RelPath,
        /// Whose content.
        node: NodeId,
        /// The version of the content.
        version: Vec<u8>,
        /// The content.
        content: PlannedContent,
        /// Whether it may be run.
        executable: bool,
    },
    /// Make a folder.
    MakeFolder {
        /// Where.
        path: RelPath,
        /// Whose place.
        node: NodeId,
    },
    /// Remove a file.
    Remove {
        /// Where.
        path: RelPath,
        /// Whose place it must be, if that is known; anything else is left alone.
        node: Option<NodeBytes>,
    },
    /// Remove a folder.
    RemoveFolder {
        /// Where.
        path: RelPath,
    },
    /// Give something another path.
    Rename {
        /// Where it lies.
        from: RelPath,
        /// Where it will lie.
        to: RelPath,
        /// What is to be moved.
        kind: Kind,
        /// Which file, if that is known.
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

/// Where the bytes of a planned file come from.
#[derive(Debug)]
pub(crate) enum PlannedContent {
    /// Here they are.
    Bytes(Arc<[u8]>),
    /// In the store.
    Blob(BlobRef),
}

impl PlannedWrite {
    /// The path that it leaves something at, or removes something from.
    pub(crate) fn path(&self) -> &RelPath {
        match self {
            Self::File { path, .. }
            | Self::MakeFolder { path, .. }
            | Self::Remove { path, .. }
            | Self::RemoveFolder { path }
            | Self::Rename { to: path, .. }
            | Self::SetExecutable { path, .. } => path,
        }
    }

    /// The node, where the write names one.
    pub(crate) fn node(&self) -> Option<NodeId> {
        match self {
            Self::File { node, .. } | Self::MakeFolder { node, .. } => Some(*node),
            _ => None,
        }
    }
}

/// What somebody else has changed in the folder: writes that were planned before are for what lay there, and would be done
/// to what lies there now.
pub(crate) struct Outdated {
    touched: BTreeSet<RelPath>,
}

impl Outdated {
    /// By these changes.
    pub(crate) fn by(changes: &[DiskChange]) -> Self {
        let mut touched = BTreeSet::new();
        for change in changes {
            touched.insert(change.path().clone());
            if let DiskChange::Renamed { from, .. } = change {
                touched.insert(from.clone());
            }
        }
        Self { touched }
    }

    /// What is said of a write that must not be carried out any more; none where it may.
    pub(crate) fn give_back(&self, write: &PlannedWrite) -> Option<Written> {
        let is_outdated = match write {
            PlannedWrite::Rename { from, .. } => self.touched.contains(from),
            _ => false,
        } || self.touched.contains(write.path());
        let (path, node) = (write.path().clone(), write.node());
        is_outdated.then_some(Written { path, node, outcome: WriteOutcome::Changed })
    }
}

/// What the folder thread has to say.
#[derive(Debug)]
pub(crate) enum FolderReport {
    /// Changes of other programs; to be answered with [`FolderJob::Accept`].
    Changes {
        /// Names the batch.
        batch: u64,
        /// In the order in which they must be taken.
        changes: Vec<DiskChange>,
        /// Paths to be written again.
        forgotten: Vec<RelPath>,
        /// The known folders above what is new or renamed, by where they lie after the batch.
        folders: BTreeMap<RelPath, NodeBytes>,
        /// The branch that was checked out, if that changed.
        branch: Option<String>,
    },
    /// What became of writes, in their order.
    Written(Vec<Written>),
    /// A scan goes on.
    Progress(Progress),
    /// How many changes were noticed and are not reported yet, now and then.
    Unread(Unread),
    /// A scan is over; its changes, if any, were reported before.
    Scanned(Skipped),
    /// What is not shared of the folder has changed.
    Skipped(Skipped),
    /// The mirror holds still, or goes on again.
    Hold(Option<HoldReason>),
    /// The folder cannot be watched: it is scanned now and then instead.
    Unwatched(String),
    /// The thread has ended; everything it knew is in the store.
    Stopped,
}

/// What became of one write.
#[derive(Debug)]
pub(crate) struct Written {
    /// The path.
    pub(crate) path: RelPath,
    /// The node, where the write named one.
    pub(crate) node: Option<NodeId>,
    /// The outcome.
    pub(crate) outcome: WriteOutcome,
}

/// The way to a folder thread.
#[derive(Clone, Debug)]
pub(crate) struct FolderHandle {
    jobs: SyncSender<FolderJob>,
}

impl FolderHandle {
    /// Hands over a job. A thread that has ended takes none; its report said so.
    pub(crate) fn send(&self, job: FolderJob) {
        match self.jobs.try_send(job) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            // The thread is busy with a long batch: wait for it.
            Err(TrySendError::Full(job)) => {
                let _ = self.jobs.send(job);
            }
        }
    }

    /// Hands over what the watcher saw, without waiting.
    fn try_event(&self, event: FolderEvent) -> Result<(), TrySendError<FolderEvent>> {
        let event_of = |job| match job {
            FolderJob::Event(event) => event,
            _ => FolderEvent::Rescan,
        };
        self.jobs.try_send(FolderJob::Event(event)).map_err(|error| match error {
            TrySendError::Full(job) => TrySendError::Full(event_of(job)),
            TrySendError::Disconnected(job) => TrySendError::Disconnected(event_of(job)),
        })
    }
}
