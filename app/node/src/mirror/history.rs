//! What a file held a while ago, and who has read it since.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::change::PastVersion;
use super::path::RelPath;

/// At least so many past versions of a file are kept,
pub(crate) const VERSIONS_MIN: usize = 32;
/// and all of this time,
pub(crate) const VERSIONS_MILLIS: u64 = 600_000;
/// but never more than so many.
pub(crate) const VERSIONS_MAX: usize = 4_096;
/// So many written files are watched for readers.
pub(crate) const WATCHED_FILES_MAX: usize = 4_096;

/// How long the watcher is waited for, so that it has told of everybody who has read a file by now.
const CATCH_UP_MAX: Duration = Duration::from_millis(100);
const CATCH_UP_LOOK: Duration = Duration::from_micros(200);

/// Past versions of the files of a workspace, newest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    files: BTreeMap<RelPath, VecDeque<PastVersion>>,
}

impl History {
    /// Notes what a path held until now.
    pub(crate) fn push(&mut self, path: &RelPath, version: PastVersion, now: u64) {
        let versions = self.files.entry(path.clone()).or_default();
        versions.push_front(version);
        while versions.len() > VERSIONS_MAX
            || (versions.len() > VERSIONS_MIN
                && versions.back().is_some_and(|old| old.since_millis + VERSIONS_MILLIS < now))
        {
            versions.pop_back();
        }
    }

    pub(crate) fn versions(&self, path: &RelPath) -> Vec<PastVersion> {
        self.files.get(path).map(|versions| versions.iter().cloned().collect()).unwrap_or_default()
    }

    pub(crate) fn rename(&mut self, from: &RelPath, to: &RelPath) {
        let moved: Vec<RelPath> =
            self.files.keys().filter(|path| *path == from || path.is_under(from)).cloned().collect();
        for path in moved {
            if let (Some(versions), Some(place)) = (self.files.remove(&path), path.rebased(from, to)) {
                self.files.insert(place, versions);
            }
        }
    }

    pub(crate) fn remove(&mut self, path: &RelPath) {
        self.files.remove(path);
    }
}

/// Which of the files written lately somebody has read since; shared with the watcher.
#[derive(Debug, Default)]
pub struct ReadLog {
    /// A watcher that sees readers is at work.
    is_active: AtomicBool,
    files: Mutex<BTreeMap<RelPath, bool>>,
    is_behind: Mutex<Option<IsBehind>>,
}

/// Tells whether the watcher has yet to take something that has happened already.
struct IsBehind(Box<dyn Fn() -> bool + Send + Sync>);

impl fmt::Debug for IsBehind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IsBehind")
    }
}

impl ReadLog {
    /// Says that readers will be noted from now on, by a watcher that knows whether it is behind.
    pub fn activate(&self, is_behind: impl Fn() -> bool + Send + Sync + 'static) {
        // A folder that came back has another watcher; of the old one nothing is left.
        *self.is_behind.lock().unwrap_or_else(PoisonError::into_inner) = Some(IsBehind(Box::new(is_behind)));
        self.is_active.store(true, Ordering::Relaxed);
    }

    /// Notes that somebody has closed a file which he had open to read.
    pub fn note_read(&self, path: &str) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(is_read) = files.get_mut(path) {
            *is_read = true;
        }
    }

    /// Notes that events were lost: anybody may have read anything.
    pub fn note_lost_events(&self) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn note_written(&self, path: &RelPath) {
        if !self.is_active.load(Ordering::Relaxed) {
            return;
        }
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if files.len() >= WATCHED_FILES_MAX {
            files.clear();
        }
        files.insert(path.clone(), false);
    }

    /// Notes that somebody has saved the file: it holds now what he wrote, and that is nobody else's to read.
    pub(crate) fn note_saved(&self, path: &RelPath) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
    }

    /// Whether nobody has read the file since it was written. Who reads it and saves at once may be found saving before
    /// the watcher has told of the reading: then that is waited for.
    pub(crate) fn is_unread(&self, path: &RelPath) -> bool {
        if !self.is_active.load(Ordering::Relaxed) || !self.is_noted_unread(path) {
            return false;
        }
        let begin = Instant::now();
        while self.is_behind() && begin.elapsed() < CATCH_UP_MAX {
            thread::sleep(CATCH_UP_LOOK);
        }
        self.is_noted_unread(path)
    }

    fn is_behind(&self) -> bool {
        let is_behind = self.is_behind.lock().unwrap_or_else(PoisonError::into_inner);
        is_behind.as_ref().is_some_and(|is_behind| is_behind.0())
    }

    fn is_noted_unread(&self, path: &RelPath) -> bool {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).get(path) == Some(&false)
    }
}
