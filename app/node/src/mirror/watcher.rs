//! The watcher: who touched what, as soon as the system says so.
//!
//! Events go to a bounded queue without delay or filtering by time; a reader that is
//! too slow gets one [`FolderEvent::Rescan`] instead of what did not fit.

#[cfg(target_os = "linux")]
mod inotify;
#[cfg(target_os = "linux")]
use inotify as platform;

#[cfg(not(target_os = "linux"))]
mod notified;
#[cfg(not(target_os = "linux"))]
use notified as platform;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::TrySendError;

use super::history::ReadLog;
use super::path::{RelPath, is_temporary_name};
use super::rules::LocalRules;

/// What happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// Somebody who could write to it has closed it: it is complete.
    Closed,
    /// Its bytes or its length changed; more may come.
    Changed,
    /// It is new; a folder may already have something in it.
    Created,
    /// It was moved here, complete.
    MovedIn,
    /// It was removed or moved away, or its attributes changed.
    Other,
}

/// One event in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderEvent {
    /// Something happened to a path.
    Path {
        /// Which.
        path: RelPath,
        /// What.
        hint: Hint,
    },
    /// A name that is not Unicode came to be in a folder, or went.
    NotUnicode {
        /// Which folder, empty for the workspace folder itself.
        folder: String,
    },
    /// Something happened to a file that was swapped out.
    Temporary,
    /// Git took or gave back its index lock. What is reported in between was written under it.
    GitLock {
        /// Whether it took it.
        is_taken: bool,
    },
    /// Another commit or branch is checked out.
    GitHead,
    /// Events were lost; look at everything.
    Rescan,
}

/// Why a folder cannot be watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// The system's limit of watched folders is reached.
    #[error("this system watches no more folders")]
    TooManyFolders,
    /// The system refused.
    #[error("the folder {} cannot be watched: {source}", .path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
}

impl WatchError {
    /// What the person can do.
    pub fn hint(&self) -> &'static str {
        match self {
            WatchError::TooManyFolders => {
                "raise fs.inotify.max_user_watches (sysctl), or ignore large folders in .weftignore"
            }
            WatchError::Io { .. } => "changes are found by scanning until it can be watched",
        }
    }
}

/// Puts an event into the queue of the listener, without waiting; it comes back when there is no room, or nobody listens.
type HandOver = Box<dyn Fn(FolderEvent) -> Result<(), TrySendError<FolderEvent>> + Send>;

/// Watches a folder until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    _platform: platform::Platform,
}

impl Watcher {
    /// Begins to watch; everything that happens after the return is reported. Events are given to `hand_over`, on a
    /// thread of the watcher's; readers of files go to `reads` (see [`Mirror::read_log`](super::Mirror::read_log)).
    pub fn start(
        folder: &Path,
        rules: &LocalRules,
        reads: Arc<ReadLog>,
        hand_over: impl Fn(FolderEvent) -> Result<(), TrySendError<FolderEvent>> + Send + 'static,
    ) -> Result<Watcher, WatchError> {
        let sink = Sink { hand_over: Box::new(hand_over), has_lost_events: false, reads };
        Ok(Watcher { _platform: platform::Platform::start(folder, rules, sink)? })
    }
}

/// The sending end, which never blocks.
pub(crate) struct Sink {
    hand_over: HandOver,
    has_lost_events: bool,
    pub(crate) reads: Arc<ReadLog>,
}

impl Sink {
    /// Sends an event; false when nobody listens any more.
    pub(crate) fn send(&mut self, event: FolderEvent) -> bool {
        if self.has_lost_events {
            match (self.hand_over)(FolderEvent::Rescan) {
                Ok(()) => self.has_lost_events = false,
                Err(TrySendError::Full(_)) => return true,
                Err(TrySendError::Disconnected(_)) => return false,
            }
        }
        match (self.hand_over)(event) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.has_lost_events = true;
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }

    /// Whether the listener still waits for a [`FolderEvent::Rescan`].
    pub(crate) fn has_lost_events(&self) -> bool {
        self.has_lost_events
    }

    /// Tries to tell the listener that events were lost.
    pub(crate) fn send_rescan(&mut self) -> bool {
        self.has_lost_events = true;
        match (self.hand_over)(FolderEvent::Rescan) {
            Ok(()) => self.has_lost_events = false,
            Err(TrySendError::Full(_)) => {}
            Err(TrySendError::Disconnected(_)) => return false,
        }
        true
    }
}

/// The event for a name in a folder; `None` for what concerns nobody.
pub(crate) fn event_of(folder: &str, name: &str, hint: Hint) -> Option<FolderEvent> {
    if is_temporary_name(name) {
        return Some(FolderEvent::Temporary);
    }
    let text = super::walk::join(folder, name);
    let path = RelPath::parse(&text).ok()?;
    Some(FolderEvent::Path { path, hint })
}

/// The event for a name in `.git`.
pub(crate) fn git_event_of(name: &str, hint: Hint) -> Option<FolderEvent> {
    match name {
        "HEAD" => Some(FolderEvent::GitHead),
        "index.lock" => Some(FolderEvent::GitLock { is_taken: hint != Hint::Other }),
        _ => None,
    }
}
