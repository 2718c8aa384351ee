//! What git is doing in the folder, as far as it matters for reading files.

use std::io::Read;

use super::os::Root;

/// While git holds its lock and files keep changing, the batch grows for so long at most.
pub(crate) const GIT_BATCH_MILLIS_MAX: u64 = 10_000;
/// A lock under which nothing has changed for so long does not delay a batch.
pub(crate) const GIT_QUIET_MILLIS: u64 = 200;
/// How often the lock is looked at.
pub(crate) const GIT_LOOK_MILLIS: u64 = 20;

/// Git's state as of the last look.
#[derive(Debug, Default)]
pub(crate) struct GitState {
    /// When a lock was first seen.
    locked_since: Option<u64>,
    last_change_at: u64,
    /// The batch that is being collected began under a lock.
    pub(crate) is_git_batch: bool,
    head: Option<String>,
    is_head_known: bool,
}

impl GitState {
    /// Notes that `.git/index.lock` came or went.
    pub(crate) fn note_lock(&mut self, now: u64, root: &Root) {
        let is_locked = has_lock(root);
        if is_locked {
            self.locked_since.get_or_insert(now);
        } else {
            self.locked_since = None;
        }
        // A lock that came and went between two looks covers what was written between.
        self.is_git_batch = true;
    }

    /// Notes that some file changed.
    pub(crate) fn note_change(&mut self, now: u64) {
        self.last_change_at = now;
    }

    /// When to look again because git is not done yet; `None`: take the batch.
    pub(crate) fn wait_until(&mut self, now: u64, root: &Root) -> Option<u64> {
        let since = self.locked_since?;
        if !has_lock(root) {
            self.locked_since = None;
            return None;
        }
        let is_busy = now < self.last_change_at + GIT_QUIET_MILLIS && now < since + GIT_BATCH_MILLIS_MAX;
        is_busy.then_some(now + GIT_LOOK_MILLIS)
    }

    /// Ends a batch; true if git made it.
    pub(crate) fn end_batch(&mut self) -> bool {
        let was_git = self.is_git_batch;
        self.is_git_batch = self.locked_since.is_some();
        was_git
    }

    /// The branch, if `.git/HEAD` says another one than at the last call.
    pub(crate) fn new_branch(&mut self, root: &Root) -> Option<String> {
        let head = read_head(root);
        let is_new = self.is_head_known && head != self.head && head.is_some();
        self.is_head_known = true;
        self.head = head;
        is_new.then(|| self.head.clone()).flatten()
    }
}

fn has_lock(root: &Root) -> bool {
    root.open_folder(".git").is_ok_and(|folder| matches!(folder.look("index.lock"), Ok(Some(_))))
}

fn read_head(root: &Root) -> Option<String> {
    let file = root.open_folder(".git").ok()?.open_read("HEAD").ok()?;
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text).ok()?;
    let text = text.trim();
    Some(text.strip_prefix("ref: refs/heads/").unwrap_or(text).to_owned())
}
