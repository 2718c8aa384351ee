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
    /// Whether the lock is held at this place in the order of events.
    is_held: bool,
    head: Option<String>,
    is_head_known: bool,
}

impl GitState {
    /// Notes that `.git/index.lock` came or went.
    pub(crate) fn note_lock(&mut self, is_taken: bool, now: u64, root: &Root) {
        self.is_held = is_taken;
        let is_locked = has_lock(root);
        if is_locked {
            self.locked_since.get_or_insert(now);
        } else {
            self.locked_since = None;
        }
    }

    /// Whether what is reported now was written while git held its lock.
    pub(crate) fn is_held(&self) -> bool {
        self.is_held
    }

    /// Nothing happens any more: a lock that is not there is not held, whatever was missed.
    pub(crate) fn note_idle(&mut self, root: &Root) {
        self.is_held = self.is_held && has_lock(root);
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
