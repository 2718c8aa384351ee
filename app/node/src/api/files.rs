//! Files: editing through the document, and their past.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::WallTime;

/// Changes a file through its document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Edit {
    /// The file, absolute.
    pub file: PathBuf,
    /// What to do.
    pub edit: EditAction,
}

/// One change. Positions count Unicode code points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditAction {
    /// Puts text in.
    Insert {
        /// Before this code point.
        at: u64,
        /// The text.
        text: String,
    },
    /// Takes text out.
    Delete {
        /// From this code point.
        at: u64,
        /// So many.
        length: u64,
    },
    /// Makes the smallest edit that gives this text; makes the file when there is none.
    Replace {
        /// The whole new text.
        text: String,
    },
}

/// What [`Edit`] made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Edited {
    /// The document's heads after it.
    pub heads: Vec<String>,
}

/// Gives the text of a document, now or at a version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cat {
    /// The file, absolute.
    pub file: PathBuf,
    /// A version or its unique beginning; default: now.
    #[serde(default)]
    pub at: Option<String>,
}

/// A document's text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CatText {
    /// The text.
    pub text: String,
    /// The heads it belongs to; empty for a file that nobody has edited.
    pub heads: Vec<String>,
}

/// How an edit came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// By a person.
    Human,
    /// By a model, accepted by a person.
    Model {
        /// The model's name.
        name: String,
    },
    /// It was there when the workspace or the file was made.
    Import,
    /// Written again for a change that got lost in a fork.
    Repeated,
    /// By a person who checked out another branch.
    Branch {
        /// The branch.
        name: String,
    },
}

/// Lists the moments of a file, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct History {
    /// The file, absolute.
    pub file: PathBuf,
    /// At most so many; 0 = all.
    #[serde(default)]
    pub limit: u64,
}

/// The moments of a file, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HistoryVersions {
    /// The moments.
    pub versions: Vec<VersionSummary>,
}

/// One moment: what one person did until a pause.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VersionSummary {
    /// What `--at` takes; its unique beginning does as well.
    pub version: String,
    /// When, by the clock of that device.
    pub time: WallTime,
    /// The user's id.
    pub user: String,
    /// The user's name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The device's id.
    pub device: String,
    /// How it came about.
    pub origin: Origin,
    /// Code points put in.
    pub inserted: u64,
    /// Code points taken out.
    pub deleted: u64,
}

/// Says who wrote each line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Blame {
    /// The file, absolute.
    pub file: PathBuf,
}

/// Who wrote each line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BlameLines {
    /// The lines in order.
    pub lines: Vec<BlameLine>,
}

/// Who wrote one line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BlameLine {
    /// The number, from 1.
    pub line: u64,
    /// Its text without the line ending.
    #[serde(default)]
    pub text: String,
    /// The user's id.
    pub user: String,
    /// The user's name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The device's id.
    pub device: String,
    /// How it came about.
    pub origin: Origin,
    /// Which version brought it.
    pub version: String,
    /// When, by the clock of that device.
    pub time: WallTime,
}

/// Brings an old text back as a new edit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Restore {
    /// The file, absolute.
    pub file: PathBuf,
    /// The version or its unique beginning.
    pub at: String,
}

/// What [`Restore`] made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Restored {
    /// The new version.
    pub version: String,
    /// The document's heads after it.
    pub heads: Vec<String>,
}

/// Lists what changed in a workspace, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Log {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
    /// Only what came after this version.
    #[serde(default)]
    pub since: Option<String>,
    /// At most so many; 0 = all.
    #[serde(default)]
    pub limit: u64,
}

/// What changed in a workspace, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogChanges {
    /// The changes.
    pub changes: Vec<LogChange>,
}

/// What one person did at one time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogChange {
    /// What `--since` takes.
    pub version: String,
    /// When, by the clock of that device.
    pub time: WallTime,
    /// The user's id.
    pub user: String,
    /// The user's name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The paths, as they are called now; at most 1,000.
    pub files: Vec<String>,
    /// How many files.
    #[serde(default)]
    pub files_count: u64,
    /// The branch that was checked out, if that is what was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}
