//! Watching through the notify crate, for systems other than Linux.
//!
//! These systems do not say who has read a file, and few of them when a writer has
//! closed it; the mirror's waiting times take the place of that.

use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind, RenameMode};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::{FolderEvent, Hint, Sink, WatchError, event_of, git_event_of};
use crate::mirror::rules::LocalRules;

/// Watches until it is dropped.
#[derive(Debug)]
pub(crate) struct Platform {
    _watcher: RecommendedWatcher,
}

impl Platform {
    pub(crate) fn start(folder: &Path, _rules: &LocalRules, sink: Sink) -> Result<Platform, WatchError> {
        let failed = |error: notify::Error| match error.kind {
            notify::ErrorKind::MaxFilesWatch => WatchError::TooManyFolders,
            _ => WatchError::Io { path: folder.to_owned(), source: std::io::Error::other(error) },
        };
        // Events name the real place, which differs where a link leads to the folder.
        let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let mut listener = Listener { root: root.clone(), sink };
        let mut watcher = notify::recommended_watcher(move |event| listener.take(event)).map_err(failed)?;
        watcher.watch(&root, RecursiveMode::Recursive).map_err(failed)?;
        Ok(Platform { _watcher: watcher })
    }
}

struct Listener {
    root: PathBuf,
    sink: Sink,
}

impl Listener {
    fn take(&mut self, event: notify::Result<Event>) {
        let Ok(event) = event else {
            self.sink.send_rescan();
            return;
        };
        if event.need_rescan() || self.sink.has_lost_events() {
            self.sink.send_rescan();
            return;
        }
        let Some(hint) = hint_of(&event.kind) else {
            return;
        };
        for path in &event.paths {
            if let Some(event) = self.event_of(path, hint) {
                self.sink.send(event);
            }
        }
    }

    fn event_of(&self, path: &Path, hint: Hint) -> Option<FolderEvent> {
        let inside = path.strip_prefix(&self.root).ok()?;
        let names: Vec<&str> = inside.iter().map(|name| name.to_str()).collect::<Option<_>>()?;
        match names.as_slice() {
            [] => None,
            [".git", name] => git_event_of(name, hint),
            [folder @ .., name] => event_of(&folder.join("/"), name, hint),
        }
    }
}

fn hint_of(kind: &EventKind) -> Option<Hint> {
    Some(match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Hint::Closed,
        EventKind::Access(_) => return None,
        EventKind::Create(CreateKind::File | CreateKind::Folder | CreateKind::Any) => Hint::Created,
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => Hint::Changed,
        // Which half of a rename it is, or both, is found by looking.
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) => Hint::Other,
        EventKind::Modify(ModifyKind::Name(_)) => Hint::Created,
        _ => Hint::Other,
    })
}
