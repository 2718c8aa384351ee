//! Whether a log may be continued.
//!
//! Two entries with one place in one log must never exist. A backup that is restored would make
//! them: the database is older than what was sent. So a counter file that no backup contains
//! holds the last place that may have been sent of each log of this run of the machine, and a log
//! is only continued when that file is there, names our database, and the database is not behind
//! it. The order is: COMMIT, then [`SessionGuard::advance`], then publish.
//!
//! The file lies in memory: in `XDG_RUNTIME_DIR`, else in a folder of ours in `/dev/shm`, else in
//! the folder for temporary files; never under WEFT_HOME. It goes with a reboot, which costs one
//! new session and nothing else; killing the program does not cost one.

pub(crate) mod file;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use weft_sync::LogId;

use self::file::CounterFile;
use crate::error::{CommitError, ReadError};
use crate::files;
use crate::limits::SESSION_LOGS_MAX;
use crate::rows::{Instance, Write};
use crate::space::{Space, Table};
use crate::storage::Storage;

const SETTINGS: Space = Space::device(Table::Setting);
/// Under this name the database remembers the path of its counter file.
const COUNTER_FILE: &[u8] = b"session counter file";

/// Where counter files may lie, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterFolders(Vec<PathBuf>);

impl CounterFolders {
    /// The folders of this machine and this user.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let mut folders = Vec::new();
        if let Some(runtime) = std::env::var_os("XDG_RUNTIME_DIR")
            && Path::new(&runtime).is_absolute()
        {
            folders.push(Path::new(&runtime).join("weft"));
        }
        let name = format!("weft-{}", user_name());
        if cfg!(target_os = "linux") {
            folders.push(Path::new("/dev/shm").join(&name));
        }
        folders.push(std::env::temp_dir().join(&name));
        Self(folders)
    }

    /// Other folders, for tests.
    #[must_use]
    pub fn at(folders: Vec<PathBuf>) -> Self {
        Self(folders)
    }
}

#[cfg(unix)]
fn user_name() -> String {
    rustix::process::geteuid().as_raw().to_string()
}

#[cfg(not(unix))]
fn user_name() -> String {
    // The folder for temporary files belongs to one user here.
    "user".to_owned()
}

/// Whether a log may take further entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionVerdict {
    /// Nothing was sent that the database lacks.
    Reuse,
    /// A new log has to be begun.
    NewSession(NewSessionReason),
}

/// Why a new log has to be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewSessionReason {
    /// The file does not name this log: the machine was started again, or the data was copied.
    NotCounted,
    /// More was sent than the database holds: it is older than it was.
    DatabaseBehind {
        /// The last place that may have been sent.
        counted: u64,
        /// The last place in the database.
        stored: u64,
    },
}

impl fmt::Display for NewSessionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotCounted => f.write_str("the machine was started again or the data was copied"),
            Self::DatabaseBehind { counted, stored } => {
                write!(f, "entry {counted} was sent but the database ends at {stored}: a backup was restored")
            }
        }
    }
}

/// Why the counter could not be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// No folder for the counter file can be used.
    #[error("no folder in memory can be used for the session counter")]
    NoFolder {
        /// What was tried last.
        #[source]
        source: io::Error,
    },
    /// The counter could neither be written nor removed, so nothing may be sent.
    #[error("the session counter cannot be written: {path}")]
    Stuck {
        /// What failed.
        #[source]
        source: io::Error,
        /// Where.
        path: PathBuf,
    },
    /// What the database remembers could not be read.
    #[error("cannot read which session counter was used")]
    Read(#[from] ReadError),
    /// What the database has to remember could not be written.
    #[error("cannot note which session counter is used")]
    Commit(#[from] CommitError),
    /// Too many logs are counted.
    #[error("more than {logs_max} logs are counted")]
    TooManyLogs {
        /// How many may be.
        logs_max: usize,
    },
}

impl SessionError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoFolder { .. } => "set XDG_RUNTIME_DIR to a folder in memory that only you can read",
            Self::Stuck { .. } => "free some space in the folder of the counter, then try again",
            Self::Read(source) => source.hint(),
            Self::Commit(source) => source.hint(),
            Self::TooManyLogs { .. } => "start the node again",
        }
    }
}

/// Keeps the counter file of one data folder.
#[derive(Debug)]
pub struct SessionGuard {
    path: PathBuf,
    instance: Instance,
    /// None when the file could not be kept: every log is new until it can be again.
    file: Option<CounterFile>,
    counted: BTreeMap<LogId, u64>,
}

impl SessionGuard {
    /// Opens the counter file of the data folder `home` with its database. The lock of the data
    /// folder must be held.
    ///
    /// The file is named by the path of the folder, so that a copy of the folder that is used at
    /// the same time does not count on the same file. The database remembers which file it was:
    /// one that was used before that, in another environment, may be behind and is begun anew.
    pub fn open(folders: &CounterFolders, home: &Path, storage: &dyn Storage) -> Result<Self, SessionError> {
        let instance = storage.instance();
        let used_before = storage.record(SETTINGS, COUNTER_FILE)?;
        let home = home.canonicalize().unwrap_or_else(|_| home.to_path_buf());
        let hash = blake3::hash(home.as_os_str().as_encoded_bytes()).to_hex();
        let name = format!("{}.sessions", &hash[..32]);
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for folder in &folders.0 {
            let path = folder.join(&name);
            let is_same = used_before.as_deref() == Some(path.as_os_str().as_encoded_bytes());
            let opened = usable(folder).and_then(|()| {
                if is_same {
                    return CounterFile::open(&path, instance);
                }
                Ok((CounterFile::create(&path, instance)?, BTreeMap::new()))
            });
            let (file, counted) = match opened {
                Ok(opened) => opened,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            if !is_same {
                remember(storage, &path)?;
            }
            return Ok(Self { path, instance, file: Some(file), counted });
        }
        Err(SessionError::NoFolder { source: last })
    }

    /// Whether `log` may be continued, of which the database holds entries up to `stored_seq`.
    #[must_use]
    pub fn check(&self, log: LogId, stored_seq: u64) -> SessionVerdict {
        match self.counted.get(&log) {
            Some(counted) if *counted <= stored_seq => SessionVerdict::Reuse,
            Some(counted) => SessionVerdict::NewSession(NewSessionReason::DatabaseBehind {
                counted: *counted,
                stored: stored_seq,
            }),
            None => SessionVerdict::NewSession(NewSessionReason::NotCounted),
        }
    }

    /// Notes that entries of `log` up to `seq` may be sent from now on. Call it after COMMIT and
    /// before anything is sent; on an error send nothing.
    pub fn advance(&mut self, log: LogId, seq: u64) -> Result<(), SessionError> {
        if self.counted.get(&log).is_some_and(|counted| *counted >= seq) {
            return Ok(());
        }
        if self.counted.len() >= SESSION_LOGS_MAX && !self.counted.contains_key(&log) {
            return Err(SessionError::TooManyLogs { logs_max: SESSION_LOGS_MAX });
        }
        self.counted.insert(log, seq);
        match self.write(log, seq) {
            Ok(()) => Ok(()),
            Err(error) => self.give_up(error),
        }
    }

    fn write(&mut self, log: LogId, seq: u64) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            return file.write(log, seq);
        }
        // It could not be kept before. From here on it is whole again.
        let mut file = CounterFile::create(&self.path, self.instance)?;
        for (log, seq) in &self.counted {
            file.write(*log, *seq)?;
        }
        self.file = Some(file);
        Ok(())
    }

    /// Without the file the next run begins new logs, which is always right. With an old one it
    /// could continue a log that was sent further.
    fn give_up(&mut self, error: io::Error) -> Result<(), SessionError> {
        self.file = None;
        match std::fs::remove_file(&self.path) {
            Ok(()) => {}
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
            Err(_) => {
                let path = self.path.clone();
                return Err(SessionError::Stuck { source: error, path });
            }
        }
        tracing::warn!(%error, "the session counter cannot be kept; the next start begins new logs");
        Ok(())
    }
}

/// Only after the file was begun anew: else one from before could count after a crash.
fn remember(storage: &dyn Storage, path: &Path) -> Result<(), SessionError> {
    storage.commit(&[Write::Record {
        space: SETTINGS,
        key: COUNTER_FILE.to_vec(),
        value: Some(path.as_os_str().as_encoded_bytes().to_vec()),
    }])?;
    Ok(())
}

/// Makes the folder, or checks that the one there is ours alone.
fn usable(folder: &Path) -> io::Result<()> {
    let parent = folder.parent().unwrap_or(Path::new("/"));
    if !parent.is_dir() {
        return Err(io::ErrorKind::NotFound.into());
    }
    files::create_private_folder(folder)?;
    let metadata = std::fs::symlink_metadata(folder)?;
    if !metadata.is_dir() || !files::is_private(&metadata) {
        let message = "the folder belongs to somebody else or others may enter it";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
