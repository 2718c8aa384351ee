//! Hearing of every change of a file.

use std::collections::BTreeSet;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use weft_crdt::Patch;
use weft_crdt::tree::{NodeKind, ShownChange};
use weft_documents::DocumentKind;
use weft_index::TextEdit;
use weft_index_disk::Index;

/// Paths that are noted one by one; beyond that everything is listed again.
const PATHS_MAX: usize = 4_096;

/// What has changed since it was last asked.
#[derive(Debug, Default)]
pub(super) struct News {
    /// These paths: added, changed or gone.
    pub(super) paths: BTreeSet<String>,
    /// Everything is to be listed.
    pub(super) is_all: bool,
}

impl News {
    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.is_all
    }

    fn note(&mut self, path: &str) {
        if self.paths.len() >= PATHS_MAX {
            self.is_all = true;
        }
        if self.is_all {
            self.paths.clear();
        } else if !self.paths.contains(path) {
            self.paths.insert(path.to_owned());
        }
    }
}

/// Where a workspace's engine tells what changes. Nothing here waits for a disk.
pub(crate) struct Feed {
    index: Mutex<Arc<Index>>,
    news: Mutex<News>,
    /// Texts that were changed and are to be read into the index when nobody types.
    typed: Mutex<BTreeSet<String>>,
    typed_at: Mutex<Option<Instant>>,
    wake: SyncSender<()>,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Feed")
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Feed {
    /// Tells an index, and wakes whoever listens.
    pub(super) fn new(index: Arc<Index>, wake: SyncSender<()>) -> Self {
        Self {
            index: Mutex::new(index),
            news: Mutex::new(News { is_all: true, ..News::default() }),
            typed: Mutex::default(),
            typed_at: Mutex::new(None),
            wake,
        }
    }

    /// The index.
    pub(super) fn index(&self) -> Arc<Index> {
        Arc::clone(&lock(&self.index))
    }

    /// Another index takes its place, which knows nothing yet.
    pub(super) fn exchange(&self, index: Arc<Index>) {
        *lock(&self.index) = index;
        self.everything();
    }

    /// Everything may have changed.
    pub(crate) fn everything(&self) {
        lock(&self.news).is_all = true;
        self.wake();
    }

    /// Something else than a file has changed.
    pub(super) fn look_again(&self) {
        self.wake();
    }

    fn wake(&self) {
        // Full means that it will wake anyway; closed, that nobody listens any more.
        let _ = self.wake.try_send(());
    }

    /// What is shown has changed.
    pub(crate) fn shown(&self, change: &ShownChange) {
        if let ShownChange::Moved { from, to, .. } = change {
            self.index().visits_moved(from, to);
        }
        let mut news = lock(&self.news);
        match change {
            ShownChange::Added { path, kind: NodeKind::File } | ShownChange::Content { path } => {
                news.note(path)
            }
            ShownChange::Removed { path, kind: NodeKind::File, .. } => news.note(path),
            ShownChange::Moved { from, to, kind: NodeKind::File } => {
                news.note(from);
                news.note(to);
            }
            ShownChange::Added { .. } | ShownChange::Executable { .. } => return,
            // What lies in it is not named.
            ShownChange::Removed { .. } | ShownChange::Moved { .. } => news.is_all = true,
        }
        drop(news);
        self.wake();
    }

    /// The text of a file has changed. `text` gives all of it.
    pub(crate) fn typed(&self, path: &str, patches: &[Patch], text: impl FnOnce() -> Option<String>) {
        if DocumentKind::of_path(path).is_some() {
            // What it says is not what is written.
            lock(&self.news).note(path);
            return self.wake();
        }
        let edits: Vec<TextEdit> = patches.iter().map(edit_of).collect();
        let index = self.index();
        if !index.edit_typed(path, &edits)
            && let Some(text) = text()
        {
            index.typed(path, &text);
        }
        lock(&self.typed).insert(path.to_owned());
        *lock(&self.typed_at) = Some(Instant::now());
        self.wake();
    }

    /// What has changed since this was asked the last time.
    pub(super) fn take_news(&self) -> News {
        std::mem::take(&mut *lock(&self.news))
    }

    /// Texts to be read, once nobody has typed for so long; all of them where there are too many.
    pub(super) fn take_typed(&self, pause: std::time::Duration) -> Vec<String> {
        let is_quiet = lock(&self.typed_at).is_none_or(|at| at.elapsed() >= pause);
        if !is_quiet && self.index().surplus_typed().is_none() {
            return Vec::new();
        }
        std::mem::take(&mut *lock(&self.typed)).into_iter().collect()
    }

    /// Texts are to be looked at again later.
    pub(super) fn typed_again(&self, paths: impl IntoIterator<Item = String>) {
        lock(&self.typed).extend(paths);
    }

    /// Whether a text was changed since it was taken.
    pub(super) fn is_typed(&self, path: &str) -> bool {
        lock(&self.typed).contains(path)
    }

    /// Whether texts wait to be read.
    pub(super) fn has_typed(&self) -> bool {
        !lock(&self.typed).is_empty()
    }

    /// Whether somebody typed within this time.
    pub(super) fn typed_within(&self, time: std::time::Duration) -> bool {
        lock(&self.typed_at).is_some_and(|at| at.elapsed() < time)
    }
}

fn edit_of(patch: &Patch) -> TextEdit {
    TextEdit { range: patch.at.0..patch.at.0 + patch.delete, insert: patch.insert.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_paths_become_everything() {
        let mut news = News::default();
        for number in 0..PATHS_MAX {
            news.note(&number.to_string());
        }
        assert!(!news.is_all && news.paths.len() == PATHS_MAX);
        news.note("one more");
        assert!(news.is_all && news.paths.is_empty());
    }
}
