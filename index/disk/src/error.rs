//! What can go wrong with an index on disk.

use std::path::PathBuf;

/// Why an index cannot be used. The workspace is not touched by any of this, and an index can be rebuilt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The database does not do what it is asked.
    #[error("the index cannot be read or written: {path}")]
    Database {
        /// What it says.
        #[source]
        source: rusqlite::Error,
        /// The file.
        path: PathBuf,
    },
    /// A file or folder cannot be made or removed.
    #[error("the index cannot be kept: {path}")]
    Io {
        /// What failed.
        #[source]
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// What it holds is not what was written.
    #[error("the index is damaged")]
    Damaged,
    /// No random numbers are to be had to seal with.
    #[error("no random numbers are to be had")]
    Random,
}

impl IndexError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Database { .. } | Self::Io { .. } => {
                "check the disk and its free space; the index can be deleted and is rebuilt from the workspace"
            }
            Self::Damaged => "`weft index rebuild` makes it anew from the workspace",
            Self::Random => "the system has to give random numbers",
        }
    }
}
