//! What git is doing in the folder, as far as it matters for reading files.

use std::io::Read;

use super::os::Root;

/// While git holds its lock and files keep changing, the batch grows for so long at most: a lock that git left behind
/// must not keep a build from being shared for ever.
pub(crate) const GIT_BATCH_MILLIS_MAX: u64 = 60_000;
/// The same where another branch is held back: what goes out cannot be held any more.
pub(crate) const GIT_HELD_MILLIS_MAX: u64 = 600_000;
/// A lock under which nothing has changed for so long does not delay a batch.
pub(crate) const GIT_QUIET_MILLIS: u64 = 200;
/// A branch that was checked out so long before anything changed has brought nothing.
pub(crate) const SWITCH_MILLIS: u64 = 2_000;
/// How long after its lock is gone git may take to name the branch.
pub(crate) const GIT_HEAD_MILLIS: u64 = 40;
/// How often the lock is looked at.
pub(crate) const GIT_LOOK_MILLIS: u64 = 20;

/// Git's state as of the last look.
#[derive(Debug, Default)]
pub(crate) struct GitState {
    /// When a lock was first seen.
    locked_since: Option<u64>,
    /// When it was seen to be gone.
    released_at: Option<u64>,
    /// When git was done and had named the branch.
    done_at: Option<u64>,
    last_change_at: u64,
    /// Whether the lock is held at this place in the order of events.
    is_held: bool,
    head: Option<String>,
    is_head_known: bool,
    /// When the watcher saw it change last.
    head_changed_at: Option<u64>,
}

impl GitState {
    /// Notes that `.git/index.lock` came or went.
    pub(crate) fn note_lock(&mut self, is_taken: bool, now: u64, root: &Root) {
        self.is_held = is_taken;
        // A short one is gone before this is read; what was written under it is one batch all the same.
        if is_taken || has_lock(root) {
            self.locked_since.get_or_insert(now);
            self.released_at = None;
        } else {
            self.released_at.get_or_insert(now);
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

    /// Notes that `.git/HEAD` changed.
    pub(crate) fn note_head(&mut self, now: u64) {
        self.head_changed_at = Some(now);
    }

    /// What changes now does not come with a branch that was checked out a while ago, as with `git switch --create`.
    pub(crate) fn forget_old_switch(&mut self, root: &Root, now: u64) {
        if self.head_changed_at.take_if(|at| *at + SWITCH_MILLIS < now).is_some() && self.is_head_known {
            self.head = read_head(root);
        }
    }

    /// Notes that some file changed.
    pub(crate) fn note_change(&mut self, now: u64) {
        self.last_change_at = now;
    }

    /// When to look again because git is not done yet; `None`: take the batch.
    pub(crate) fn wait_until(&mut self, now: u64, root: &Root, holds_branches: bool) -> Option<u64> {
        let since = self.locked_since?;
        if !has_lock(root) {
            // `.git/HEAD` is written a moment after the lock is given back.
            let released_at = *self.released_at.get_or_insert(now);
            if now < released_at + GIT_HEAD_MILLIS {
                return Some(released_at + GIT_HEAD_MILLIS);
            }
            (self.locked_since, self.released_at, self.done_at) = (None, None, Some(now));
            return None;
        }
        self.released_at = None;
        let millis_max = if holds_branches { GIT_HELD_MILLIS_MAX } else { GIT_BATCH_MILLIS_MAX };
        let is_busy = now < self.last_change_at + GIT_QUIET_MILLIS && now < since + millis_max;
        is_busy.then_some(now + GIT_LOOK_MILLIS)
    }

    /// Whether what is looked at now is what git has just written, and all of it.
    pub(crate) fn is_done(&self, now: u64) -> bool {
        self.done_at == Some(now) && self.last_change_at + GIT_LOOK_MILLIS <= now
    }

    /// The branch, if `.git/HEAD` says another one than at the last call.
    pub(crate) fn new_branch(&mut self, root: &Root) -> Option<String> {
        let head = read_head(root);
        let is_new = self.is_head_known && head != self.head && head.is_some();
        self.is_head_known = true;
        self.head = head;
        is_new.then(|| self.head.clone()).flatten()
    }

    /// The same without remembering it.
    pub(crate) fn other_branch(&self, root: &Root) -> Option<String> {
        read_head(root).filter(|head| self.is_head_known && Some(head) != self.head.as_ref())
    }

    /// The branch as of the last call.
    pub(crate) fn branch(&self) -> Option<&str> {
        self.head.as_deref()
    }

    /// Remembers the branch of an earlier run.
    pub(crate) fn remember_branch(&mut self, branch: Option<String>) {
        self.is_head_known = branch.is_some();
        self.head = branch;
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
