//! Backups: everything that a device holds in one file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::WallTime;

/// Writes everything that this device holds into one file, sealed. The node goes on meanwhile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Backup {
    /// The file, absolute; nothing may be there yet.
    pub file: PathBuf,
    /// Whom it is sealed for: recipients of age, `age1…`.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// What opens it, where there are no recipients.
    #[serde(default)]
    pub passphrase: Option<Passphrase>,
    /// Leave the files of the workspaces out, which are in it a second time for those who have no Weft.
    #[serde(default)]
    pub without_files: bool,
}

/// A passphrase. It never shows in what is printed for developers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Passphrase(pub String);

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("****")
    }
}

/// What [`Backup`] wrote.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BackedUp {
    /// The file.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The names of the workspaces in it, without those that are only kept.
    pub workspaces: Vec<String>,
    /// How many workspaces are only kept for others.
    pub kept: u64,
    /// How many files of workspaces are in it.
    pub files: u64,
    /// How many are not, because their contents are not on this device.
    pub missing: u64,
    /// How long it took.
    pub seconds: f64,
}

/// What opens a backup.
#[derive(Debug, Clone)]
pub enum BackupSecret {
    /// The passphrase that it was made with.
    Passphrase(Passphrase),
    /// The text of a file with identities of age.
    Identities(Passphrase),
}

/// A backup that was read from beginning to end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BackupChecked {
    /// When it was made, by the clock of the device.
    pub made: WallTime,
    /// Which Weft made it.
    pub app: String,
    /// The id of the person.
    pub user: String,
    /// The id of the device.
    pub device: String,
    /// What the device is called.
    pub device_name: String,
    /// The workspaces.
    pub workspaces: Vec<BackupPlace>,
    /// Files of workspaces in it.
    pub files: u64,
    /// Their bytes.
    pub file_bytes: u64,
    /// Bytes of history, contents and keys.
    pub store_bytes: u64,
}

/// A workspace in a backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BackupPlace {
    /// Its id.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// Its folder on the device; none where it was only kept.
    pub folder: Option<PathBuf>,
}

/// What is brought back, and where to.
#[derive(Debug, Clone)]
pub struct BackupRestore {
    /// The backup.
    pub file: PathBuf,
    /// What opens it.
    pub secret: BackupSecret,
    /// The folder in which workspaces get a folder whose own is not on this device; absolute.
    pub parent: PathBuf,
}

/// A device that was brought back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BackupRestored {
    /// When the backup was made.
    pub made: WallTime,
    /// The id of the person.
    pub user: String,
    /// The id of the device.
    pub device: String,
    /// What the device is called.
    pub device_name: String,
    /// The workspaces.
    pub workspaces: Vec<RestoredPlace>,
    /// What the person has to know.
    pub notes: Vec<String>,
}

/// Where a workspace of a backup is now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RestoredPlace {
    /// Its id.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// Its folder; none where it is only kept.
    pub folder: Option<PathBuf>,
    /// Whether the folder was made now; else the one there is what it was.
    pub is_new: bool,
    /// Its files.
    pub files: u64,
    /// Files whose contents come from other devices.
    pub missing: u64,
}
