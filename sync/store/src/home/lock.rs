//! One process at a time uses a data folder.

use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Home;
use crate::files;

/// Held while a process uses a data folder; goes with the process, however that ends.
#[derive(Debug)]
pub struct HomeLock {
    file: File,
}

/// Why a data folder could not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process uses it.
    #[error("{} the data folder: {path}", holder(*.pid))]
    Held {
        /// The process, where the system lets us read it.
        pid: Option<u32>,
        /// Where.
        path: PathBuf,
    },
    /// The lock file could not be made or locked.
    #[error("cannot lock the data folder: {path}")]
    Io {
        /// What failed.
        #[source]
        source: io::Error,
        /// Where.
        path: PathBuf,
    },
}

fn holder(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid} already uses"),
        None => "another process already uses".to_owned(),
    }
}

impl LockError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Held { .. } => {
                "talk to that node through its commands, stop it with `weft node --stop`, \
                 or set WEFT_HOME to another folder"
            }
            Self::Io { .. } => "check the permissions of the data folder; it must lie on a local disk",
        }
    }
}

/// How long to rest between two tries.
const RETRY: Duration = Duration::from_millis(20);
/// A process number has at most ten digits.
const PID_BYTES_MAX: u64 = 32;

impl HomeLock {
    /// Takes the lock, or says who holds it.
    pub fn acquire(home: &Home) -> Result<Self, LockError> {
        let path = home.node_lock();
        let io = |source| LockError::Io { source, path: path.clone() };
        let mut options = files::private_options();
        let options = options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { pid: read_pid(&file), path: home.path().to_path_buf() });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let pid = format!("{}\n", std::process::id());
        file.set_len(0).and_then(|()| files::write_all_at(&file, pid.as_bytes(), 0)).map_err(io)?;
        Ok(Self { file })
    }

    /// Takes the lock, waiting up to `patience` for another process to finish: two commands one
    /// after the other must not fail because the first one is still closing its files.
    pub fn acquire_within(home: &Home, patience: Duration) -> Result<Self, LockError> {
        let begin = Instant::now();
        loop {
            match Self::acquire(home) {
                Err(LockError::Held { .. }) if begin.elapsed() < patience => {
                    std::thread::sleep(RETRY);
                }
                other => return other,
            }
        }
    }

    /// The process that uses a data folder now, when there is one.
    pub fn holder(home: &Home) -> Result<Option<u32>, LockError> {
        match Self::acquire(home) {
            Ok(_) => Ok(None),
            Err(LockError::Held { pid, .. }) => Ok(Some(pid.unwrap_or(0))),
            Err(error) => Err(error),
        }
    }
}

impl Drop for HomeLock {
    fn drop(&mut self) {
        // A number of a process that has gone would mislead.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn read_pid(file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(PID_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
