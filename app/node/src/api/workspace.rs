//! Workspaces: making, joining, leaving them, and who has what.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{Role, WallTime};

/// Makes a folder a workspace and imports it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Init {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// The name others see; default: the folder's.
    #[serde(default)]
    pub name: Option<String>,
}

/// What [`Init`] made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Initialised {
    /// The workspace's id.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// How many files were imported.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
    /// The folder.
    pub folder: PathBuf,
    /// Paths that are not shared, with the reason; at most 1,000.
    #[serde(default)]
    pub pending: Vec<PendingPath>,
    /// Lines the person should read once, such as where the key lies.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// What becomes of local files that differ when joining into a folder that has files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Existing {
    /// Theirs gets the name, mine stays beside it as a copy.
    #[default]
    KeepBoth,
    /// Theirs gets the name; mine stays in the file's history as an edit that was taken back, or, if one of them is no
    /// text, beside it as a copy.
    Theirs,
    /// Mine is an edit of theirs.
    Mine,
}

/// Says what joining would do to a folder, and writes nothing into it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JoinPreview {
    /// The ticket's text.
    pub ticket: String,
    /// The folder to join into, absolute; default: one named like the workspace in `parent`.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// The folder that the command was given in, absolute.
    pub parent: PathBuf,
    /// Give up after this time without an answer.
    pub timeout_seconds: f64,
}

/// What joining would do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JoinPreviewed {
    /// The workspace's id.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// The role the ticket gives.
    pub role: Role,
    /// Who invites: id of the user.
    pub inviter: String,
    /// The inviter's name.
    #[serde(default)]
    pub inviter_name: Option<String>,
    /// The six signs of the person at this device, which the inviter sees too.
    pub fingerprint: String,
    /// Where the files would go.
    pub folder: PathBuf,
    /// How many files the workspace has.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// How many files lie in the folder already. What they have in common with the workspace's shows on joining: nobody
    /// who has not joined learns names or contents.
    pub here: u64,
}

/// Joins a workspace and returns when all files are on disk. Asking again goes on where it was cut off.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Join {
    /// The ticket's text.
    pub ticket: String,
    /// The folder to join into, absolute; default: one named like the workspace in `parent`.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// The folder that the command was given in, absolute.
    pub parent: PathBuf,
    /// What becomes of local files that differ.
    #[serde(default)]
    pub existing: Existing,
    /// Give up after this time without an answer from the inviter or without progress.
    pub timeout_seconds: f64,
}

/// What [`Join`] did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Joined {
    /// The workspace's id.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// How many files it has.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// How many local files differed.
    pub conflicts: u64,
    /// How long it took.
    pub seconds: f64,
    /// Where the files are.
    pub folder: PathBuf,
    /// The role here.
    pub role: Role,
    /// Paths that could not be written, with the reason; at most 1,000.
    #[serde(default)]
    pub pending: Vec<PendingPath>,
    /// Lines the person should read once.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Stops sharing a folder; the files stay.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Leave {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
}

/// What [`Leave`] left.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Left {
    /// The workspace's id.
    pub workspace: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its folder, whose files stayed.
    pub folder: PathBuf,
}

/// Says who has what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
}

/// What this device can do in a workspace now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceState {
    /// The invitation is not answered yet.
    Invited,
    /// All is well.
    #[default]
    Active,
    /// Part of the content waits for a key or for entries that are known to exist.
    Waiting,
    /// The folder vanished or most of it did; nothing is sent or written until the person decides.
    Held,
    /// Removed from the workspace; a read-only copy stays.
    Removed,
    /// The disk or the store fails; nothing is written.
    ReadOnly,
}

/// Who has what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WorkspaceStatus {
    /// The workspace's id.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// This user's id.
    pub user: String,
    /// This user's name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// This device's id.
    pub device: String,
    /// This device's name.
    #[serde(default)]
    pub device_name: Option<String>,
    /// The role here.
    pub role: Role,
    /// What this device can do here now.
    #[serde(default)]
    pub state: WorkspaceState,
    /// Why, in words, when it is not active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_reason: Option<String>,
    /// The tree digest, as [`Digest`] gives it.
    pub digest: String,
    /// What this device holds: the last sequence number of each open log.
    pub frontier: BTreeMap<String, u64>,
    /// How many files are shown.
    pub files: u64,
    /// The other devices.
    pub peers: Vec<PeerStatus>,
    /// Paths that are not as they should be, with the reason; at most 1,000.
    pub pending: Vec<PendingPath>,
    /// Keepers that hold everything of mine, by the names of their devices.
    pub kept_by: Vec<String>,
    /// Symbolic links and special files, which are not shared.
    #[serde(default)]
    pub not_shared: u64,
    /// What is still to be done between the folder and the workspace.
    #[serde(default)]
    pub folder_work: FolderWork,
}

/// What is still to be done between a folder and its workspace. All zero: the folder holds what the workspace shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FolderWork {
    /// Whether the folder is being read for the first time since the node was started: files that it holds may be missing
    /// in the workspace.
    pub is_first_read: bool,
    /// Files that other programs have changed and that are not read yet; told from 20 on.
    pub to_read: u64,
    /// Whether these wait until git is done.
    pub waits_for_git: bool,
    /// Files and folders that are not in the folder yet as others left them.
    pub to_write: u64,
    /// Contents that are still to come from other devices.
    pub to_fetch: u64,
}

/// Whether a device keeps to what devices may do to each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conduct {
    /// As far as is known.
    #[default]
    Fair,
    /// It sends more than is taken in, and is made to wait.
    Slowed,
    /// It has broken the protocol again and again, and is not listened to for an hour.
    ShutOut,
}

/// Another device, seen from here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Its user's id.
    pub user: String,
    /// Its user's name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// Its id.
    pub device: String,
    /// Its name.
    #[serde(default)]
    pub device_name: Option<String>,
    /// Is there a connection now?
    pub connected: bool,
    /// The address in use.
    pub path: Option<String>,
    /// Has it told us that it holds all our edits?
    pub has_all_mine: bool,
    /// How many of our entries it lacks as far as we know.
    pub missing: u64,
    /// How many entries of others we know to exist and lack, that this device has.
    #[serde(default)]
    pub behind: u64,
    /// When it was last heard of.
    #[serde(default)]
    pub last_contact: Option<WallTime>,
    /// Whether it does what it may not.
    #[serde(default)]
    pub conduct: Conduct,
}

/// A path that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingPath {
    /// The path in the workspace.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// Returns when every connected peer, and at least `peers`, has my edits and I have theirs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wait {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
    /// The least number of peers.
    #[serde(default)]
    pub peers: u32,
    /// Give up after this time, with [`super::ErrorKind::Unreachable`].
    pub timeout_seconds: f64,
}

/// What [`Wait`] saw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Waited {
    /// Has everybody everything?
    pub synced: bool,
    /// How long it took.
    pub seconds: f64,
    /// With how many peers.
    #[serde(default)]
    pub peers: u32,
}

/// Gives hashes that are equal on converged nodes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Digest {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
}

/// Hashes that are equal on converged nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// Over the sorted paths, kinds, executable bits and contents.
    pub tree: String,
    /// Over the heads of all documents.
    pub heads: String,
    /// How many files.
    pub files: u64,
}

/// What a vanished folder means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MirrorDecision {
    /// The files were deleted on purpose.
    Deleted,
    /// Write them again.
    Restore,
    /// Share the branch that was checked out.
    Share,
}

/// Decides what a vanished folder means.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MirrorResume {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
    /// The decision.
    pub decision: MirrorDecision,
}

/// What becomes of another branch that somebody checks out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BranchSwitch {
    /// It is shared at once.
    Share,
    /// Nothing is sent or written until that person says so, or goes back.
    Hold,
}

impl BranchSwitch {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Hold => "hold",
        }
    }
}

/// Tells the policies of a workspace, after setting those that are named.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Policy {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
    /// What becomes of another branch; unchanged when absent.
    #[serde(default)]
    pub branch_switch: Option<BranchSwitch>,
    /// Whether only models on the members' own devices are asked about the workspace; unchanged when absent.
    #[serde(default)]
    pub ai_local_only: Option<bool>,
}

/// The policies of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policies {
    /// What becomes of another branch.
    pub branch_switch: BranchSwitch,
    /// Whether only models on the members' own devices are asked about the workspace.
    #[serde(default)]
    pub ai_local_only: bool,
}

/// What [`MirrorResume`] did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MirrorResumed {
    /// How many files were deleted for everybody, or written again.
    pub files: u64,
}
