//! The folder of one device: `WEFT_HOME`.
//!
//! ```text
//! store.db  packs/      entries, records and chunks
//! keys.json             the slots that hold the store key (and keys.json.bak)
//! store.key             the key of the file slot, where that is used
//! identity.json         who this device is, without secrets
//! node.lock node.sock   of the running node
//! node.log              the log of a node in the background
//! ```

pub(crate) mod identity;
mod lock;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use self::identity::{IdentityFileError, PublicIdentity};
pub use self::lock::{HomeLock, LockError};
use crate::files;

/// The paths of a data folder that exists and that only its owner may enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    path: PathBuf,
}

/// Why a folder cannot hold the data of a device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomeError {
    /// The folder could not be made or read.
    #[error("cannot use the data folder: {path}")]
    Io {
        /// What failed.
        #[source]
        source: io::Error,
        /// Where.
        path: PathBuf,
    },
    /// The folder holds other things.
    #[error("the data folder holds files that are not Weft's: {path}")]
    Foreign {
        /// Where.
        path: PathBuf,
    },
    /// The folder belongs to another user of this machine.
    #[error("the data folder belongs to another user: {path}")]
    OtherOwner {
        /// Where.
        path: PathBuf,
    },
}

impl HomeError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => "set WEFT_HOME to a folder that you may write to",
            Self::Foreign { .. } => "set WEFT_HOME to an empty folder, or to one that is missing",
            Self::OtherOwner { .. } => "run Weft as that user, or set WEFT_HOME to a folder of yours",
        }
    }
}

/// What tells a data folder from another one.
const OWN_NAMES: [&str; 3] = ["store.db", "keys.json", "identity.json"];

impl Home {
    /// Opens a data folder, which is made when it is missing. Only its owner may enter it after
    /// this.
    pub fn open(path: &Path) -> Result<Self, HomeError> {
        let io = |source| HomeError::Io { source, path: path.to_path_buf() };
        files::create_private_folder(path).map_err(io)?;
        let path = path.canonicalize().map_err(io)?;
        let home = Self { path };
        if !home.is_ours_or_empty().map_err(io)? {
            return Err(HomeError::Foreign { path: home.path });
        }
        home.close_to_others()?;
        files::create_private_folder(&home.packs()).map_err(io)?;
        Ok(home)
    }

    fn is_ours_or_empty(&self) -> io::Result<bool> {
        if OWN_NAMES.iter().any(|name| self.path.join(name).exists()) {
            return Ok(true);
        }
        let names = fs::read_dir(&self.path)?.map(|entry| entry.map(|entry| entry.file_name()));
        let names: Vec<_> = names.collect::<io::Result<_>>()?;
        // An interrupted first start leaves no more than these behind; the log begins even before it.
        let known = [
            "packs",
            "run",
            "restoring",
            "node.lock",
            "store.key",
            "store.key.new",
            "keys.json.new",
            "keys.json.bak",
        ];
        // Settings may be put there before there is anything to set.
        let is_ours =
            |name: &str| known.contains(&name) || name.starts_with("node.log") || name.ends_with(".toml");
        Ok(names.iter().all(|name| name.to_str().is_some_and(is_ours)))
    }

    #[cfg(unix)]
    fn close_to_others(&self) -> Result<(), HomeError> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let path = &self.path;
        let io = |source| HomeError::Io { source, path: path.clone() };
        let metadata = fs::metadata(path).map_err(io)?;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(HomeError::OtherOwner { path: path.clone() });
        }
        if metadata.mode() & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(io)?;
        }
        Ok(())
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "fails on Unix")]
    fn close_to_others(&self) -> Result<(), HomeError> {
        Ok(())
    }

    /// The folder itself, absolute and without links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database.
    #[must_use]
    pub fn store_db(&self) -> PathBuf {
        self.path.join("store.db")
    }

    /// The folder of the pack files.
    #[must_use]
    pub fn packs(&self) -> PathBuf {
        self.path.join("packs")
    }

    /// The slots that hold the store key.
    #[must_use]
    pub fn keys_json(&self) -> PathBuf {
        self.path.join("keys.json")
    }

    /// The slots as they were before the last change.
    #[must_use]
    pub fn keys_json_backup(&self) -> PathBuf {
        self.path.join("keys.json.bak")
    }

    /// The key of the file slot.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.path.join("store.key")
    }

    /// Who this device is.
    #[must_use]
    pub fn identity_json(&self) -> PathBuf {
        self.path.join("identity.json")
    }

    /// The lock of the process that uses the folder.
    #[must_use]
    pub fn node_lock(&self) -> PathBuf {
        self.path.join("node.lock")
    }

    /// The socket of the running node.
    #[must_use]
    pub fn node_socket(&self) -> PathBuf {
        self.path.join("node.sock")
    }

    /// The log of a node in the background.
    #[must_use]
    pub fn node_log(&self) -> PathBuf {
        self.path.join("node.log")
    }
}

#[cfg(test)]
mod tests;
