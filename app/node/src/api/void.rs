//! Work that does not count, because whoever did it was put out.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Writes out what somebody's work that does not count comes to. Nothing in the workspace changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VoidExport {
    /// A folder of the workspace, absolute.
    pub folder: PathBuf,
    /// Whose: an id, its beginning, or a name. None: our own where we were put out, else the only one there is.
    #[serde(default)]
    pub who: Option<String>,
    /// The folder to write to, absolute; it is missing or empty.
    pub to: PathBuf,
}

/// What [`VoidExport`] wrote.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VoidExported {
    /// The folder that was written to.
    pub to: PathBuf,
    /// Whose work it is.
    pub user: String,
    /// Their name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The files that were written.
    pub files: Vec<String>,
    /// Files and folders that the work deletes or moves away.
    pub gone: Vec<String>,
    /// Files whose contents are not on this device.
    pub missing: Vec<String>,
    /// How many entries it is in.
    pub entries: u64,
}

/// Lets somebody's work count that does not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Admit {
    /// A folder of the workspace, absolute.
    pub folder: PathBuf,
    /// Whose: an id, its beginning, or a name.
    pub who: String,
}

/// What [`Admit`] did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Admitted {
    /// Whose work it is.
    pub user: String,
    /// Their name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// Files and folders that are others now.
    pub files: Vec<String>,
    /// How many entries count now.
    pub entries: u64,
}
