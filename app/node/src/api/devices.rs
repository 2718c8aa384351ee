//! Devices of one person: linking another one, and what they are.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Existing, Joined, PeerAddress, WallTime};

/// Makes a ticket by which another device becomes one of this person's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceLink {
    /// How long the ticket works.
    pub expires_seconds: f64,
    /// Link whatever device comes with it, without asking.
    #[serde(default)]
    pub confirm: bool,
}

/// Says what a ticket would link this device to, and changes nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceAcceptPreview {
    /// The ticket's text.
    pub ticket: String,
    /// The folder in which each workspace gets a folder of its own, absolute.
    pub parent: PathBuf,
    /// Give up after this time without an answer.
    pub timeout_seconds: f64,
}

/// What linking would do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceAcceptPreviewed {
    /// The person's id.
    pub user: String,
    /// The person's name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The name of the device that wrote the ticket.
    #[serde(default)]
    pub by: Option<String>,
    /// The six signs of this device, which the person sees at the other one.
    pub fingerprint: String,
    /// The workspaces that come along.
    pub workspaces: Vec<WorkspacePlace>,
}

/// Where a workspace would go.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WorkspacePlace {
    /// Its id.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// Where its files would go.
    pub folder: PathBuf,
    /// How many files it has.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
}

/// Links this device to the person who wrote a ticket; returns when the files of all workspaces are on disk. Asking again
/// goes on where it was cut off.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceAccept {
    /// The ticket's text.
    pub ticket: String,
    /// The folder in which each workspace gets a folder of its own, absolute.
    pub parent: PathBuf,
    /// What becomes of local files that differ.
    #[serde(default)]
    pub existing: Existing,
    /// Give up after this time without an answer or without progress.
    pub timeout_seconds: f64,
}

/// What [`DeviceAccept`] did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceAccepted {
    /// The person's id.
    pub user: String,
    /// The person's name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The id of this device.
    pub device: String,
    /// The workspaces that came along.
    pub workspaces: Vec<Joined>,
}

/// Lists the devices of the person at this device.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DeviceList {}

/// The devices of one person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OwnDevices {
    /// The person's id.
    pub user: String,
    /// The person's name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// Where the person's own key lies, as far as this device knows.
    pub user_key: UserKeyPlace,
    /// The devices, this one first.
    pub devices: Vec<OwnDevice>,
}

/// Where a person's own key lies: what signs for devices and brings everything back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserKeyPlace {
    /// On this device.
    Here,
    /// On this device, and its 24 words were written down.
    HereAndOnPaper,
    /// In the 24 words on paper only.
    Paper,
    /// Not on this device: on the first one, or on paper.
    Elsewhere,
}

/// One device of the person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OwnDevice {
    /// Its id.
    pub device: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Is it this one?
    pub is_this: bool,
    /// When it was last connected, as far as this node has seen since it started: now, while it is.
    pub last_contact: Option<WallTime>,
    /// The names of the workspaces that it is in, of those on this device.
    pub workspaces: Vec<String>,
    /// Has it told us that it holds all our edits, in all of them?
    pub has_all_mine: bool,
    /// How many of our entries it lacks as far as we know.
    pub missing: u64,
}

/// One or more of the words that a person's key is. They never show in what is printed for developers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Words(pub String);

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("****")
    }
}

/// Asks for the 24 words that this person's key is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Recovery {}

/// The words, to be written down on paper.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecoveryWords {
    /// 24 words, in order.
    pub words: Vec<Words>,
    /// Devices of others that hold these workspaces, keepers first: what to name when all of one's own are gone.
    pub keepers: Vec<String>,
}

/// Checks that somebody has the words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecoveryCheck {
    /// The 24 words, with spaces between.
    pub words: Words,
}

/// They are the right ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecoveryChecked {
    /// Always true: else there is an error that says what is wrong.
    pub ok: bool,
}

/// Opens the data of this device with the words; no request to a node, which has its key.
#[derive(Debug, Clone)]
pub struct RecoveryUnlock {
    /// The 24 words, with spaces between.
    pub words: Words,
}

/// The data is open, and the next start needs no words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecoveryUnlocked {
    /// Where the key lies that opens the data from now on, in words.
    pub slot: String,
    /// It lay there before, and nothing was changed.
    pub was_there: bool,
    /// Lines the person should read once.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Takes the person's key off this device: from then on it is the words alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RecoveryPaperOnly {}

/// Where the key is now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecoveryKept {
    /// Where the person's own key lies.
    pub user_key: UserKeyPlace,
}

/// Brings everything back with the words, from any device that holds the workspaces; returns when all files are on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecoveryRestore {
    /// The 24 words, with spaces between.
    pub words: Words,
    /// The device to bring it back from: a keeper, or somebody else's.
    pub from: PeerAddress,
    /// The folder in which each workspace gets a folder of its own, absolute.
    pub parent: PathBuf,
    /// What becomes of local files that differ.
    #[serde(default)]
    pub existing: Existing,
    /// Give up after this time without an answer or without progress.
    pub timeout_seconds: f64,
}

/// Begins to keep a workspace that this device cannot read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Keep {
    /// The ticket's text.
    pub ticket: String,
    /// Give up after this time without an answer.
    pub timeout_seconds: f64,
}

/// What [`Keep`] did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    /// The workspace's id: all that a keeper knows of it.
    pub workspace: String,
    /// Lines the person should read once.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Checks every chain, signature and hash of what this device holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct KeepVerify {}

/// What [`KeepVerify`] found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeepVerified {
    /// The workspaces of this device.
    pub workspaces: Vec<KeptWorkspace>,
}

/// One workspace, checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeptWorkspace {
    /// Its id.
    pub workspace: String,
    /// Its folder; none where it is kept and not read.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// Logs.
    pub logs: u64,
    /// Entries.
    pub entries: u64,
    /// Chunks of files.
    pub blobs: u64,
    /// Bytes of all of it.
    pub bytes: u64,
    /// Chunks that members have named and that have not come yet.
    pub missing: u64,
    /// How many entries and chunks are not what they should be.
    pub damaged: u64,
    /// Which, at most 100.
    #[serde(default)]
    pub findings: Vec<String>,
}
