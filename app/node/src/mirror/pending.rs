//! Paths that are not ready to be reported: still being written, perhaps half of a
//! rename, perhaps the first of many deletions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::os::Entry;
use super::path::RelPath;

/// A file whose size and time stood still so long is complete.
pub(crate) const STABLE_MILLIS: u64 = 20;
/// A file that never stands still is read after so long.
pub(crate) const CHANGING_MILLIS_MAX: u64 = 2_000;
/// An empty file, or one that is the beginning of its old text, is given so long to grow.
pub(crate) const SHORT_MILLIS: u64 = 500;
/// A path that is gone is given so long to come back, or to turn up elsewhere.
pub(crate) const GONE_MILLIS: u64 = 20;
/// Names that editors use for a moment are given so long to disappear.
pub(crate) const WORKING_NAME_MILLIS: u64 = 500;
/// From this many deletions on, all wait until no new one has come for a while.
pub(crate) const MASS_FILES: usize = 20;
/// How long that is.
pub(crate) const MASS_QUIET_MILLIS: u64 = 300;
/// Deletions within this time count together.
pub(crate) const MASS_WINDOW_MILLIS: u64 = 10_000;

/// What is known about one path that waits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiting {
    /// When to look again.
    pub(crate) due: u64,
    /// Look at what is inside, too.
    pub(crate) is_deep: bool,
    /// The last writer has closed it, or it was moved here complete.
    pub(crate) is_closed: bool,
    /// It was written while git held its lock.
    pub(crate) is_git: bool,
    /// Whether nobody had read the newest version before we looked: our own reading
    /// leaves the same traces as anybody's.
    pub(crate) was_unread: Option<bool>,
    size_and_time: Option<(u64, i64)>,
    stable_since: u64,
    changing_since: Option<u64>,
    short_since: Option<u64>,
    new_since: Option<u64>,
    gone_since: Option<u64>,
}

impl Waiting {
    /// A path whose content is complete.
    pub(crate) fn closed() -> Waiting {
        Waiting { is_closed: true, ..Waiting::default() }
    }

    /// When the content may be read; `None`: now.
    pub(crate) fn content_due(&mut self, entry: &Entry, now: u64) -> Option<u64> {
        self.gone_since = None;
        let size_and_time = (entry.stamp.size, entry.stamp.modified_nanos);
        if self.is_closed {
            return None;
        }
        if self.size_and_time != Some(size_and_time) {
            self.size_and_time = Some(size_and_time);
            self.stable_since = now;
        }
        // A log that never rests is read all the same, as it is at one moment.
        let rests = self.stable_since + STABLE_MILLIS;
        let due = rests.min(*self.changing_since.get_or_insert(now) + CHANGING_MILLIS_MAX);
        (now < due).then_some(due)
    }

    /// When a file that looks unfinished counts as finished; `None`: now.
    pub(crate) fn short_due(&mut self, now: u64) -> Option<u64> {
        let due = *self.short_since.get_or_insert(now) + SHORT_MILLIS;
        (now < due).then_some(due)
    }

    /// When a new file with the name of a working file is to be believed; `None`: now.
    pub(crate) fn working_name_due(&mut self, now: u64) -> Option<u64> {
        let due = *self.new_since.get_or_insert(now) + WORKING_NAME_MILLIS;
        (now < due).then_some(due)
    }

    /// When a missing path counts as gone; `None`: now.
    pub(crate) fn gone_due(&mut self, now: u64, millis: u64) -> Option<u64> {
        let due = *self.gone_since.get_or_insert(now) + millis;
        (now < due).then_some(due)
    }
}

/// All paths that wait.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    paths: BTreeMap<RelPath, Waiting>,
    /// When the newest deletion was first seen.
    pub(crate) last_gone_at: u64,
    /// Events were lost or rules have changed: look at everything.
    pub(crate) needs_full_look: bool,
}

impl Pending {
    /// The state of a path, to change.
    pub(crate) fn entry(&mut self, path: &RelPath) -> &mut Waiting {
        self.paths.entry(path.clone()).or_default()
    }

    /// Takes the state of a path out; it waits no longer unless it is put back.
    pub(crate) fn take(&mut self, path: &RelPath) -> Option<Waiting> {
        self.paths.remove(path)
    }

    /// Lets a path wait.
    pub(crate) fn put(&mut self, path: RelPath, due: u64, mut waiting: Waiting) {
        waiting.due = due;
        self.paths.insert(path, waiting);
    }

    /// Paths to look at now.
    pub(crate) fn due(&self, now: u64) -> Vec<(RelPath, bool)> {
        self.paths
            .iter()
            .filter(|(_, waiting)| waiting.due <= now)
            .map(|(path, waiting)| (path.clone(), waiting.is_deep))
            .collect()
    }

    /// When the next path is due.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.paths.values().map(|waiting| waiting.due).min()
    }

    /// Notes that a path is missing.
    pub(crate) fn note_gone(&mut self, path: &RelPath, now: u64) {
        let waiting = self.paths.entry(path.clone()).or_default();
        if waiting.gone_since.is_none() {
            waiting.gone_since = Some(now);
            self.last_gone_at = now;
        }
    }

    /// How many paths are missing, whether or not it is their turn.
    pub(crate) fn gone(&self) -> usize {
        self.paths.values().filter(|waiting| waiting.gone_since.is_some()).count()
    }

    pub(crate) fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether something waits there.
    pub(crate) fn contains(&self, path: &RelPath) -> bool {
        self.paths.contains_key(path)
    }

    /// Drops the state of paths that were looked at and do not wait any more.
    pub(crate) fn finish(&mut self, looked_at: &[(RelPath, bool)], now: u64) {
        for (path, _) in looked_at {
            if self.paths.get(path).is_some_and(|waiting| waiting.due <= now) {
                self.paths.remove(path);
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.paths.clear();
    }
}

/// The deletions of the last seconds.
#[derive(Debug, Default)]
pub(crate) struct Removals {
    /// When, and which of them are still gone: a file that is made again, as by a program that switches back and forth,
    /// is no deletion.
    reported: VecDeque<(u64, BTreeSet<RelPath>)>,
}

impl Removals {
    /// Notes deletions that went out.
    pub(crate) fn note(&mut self, now: u64, files: BTreeSet<RelPath>) {
        if !files.is_empty() {
            self.reported.push_back((now, files));
        }
    }

    /// Notes that a file is there again.
    pub(crate) fn note_back(&mut self, path: &RelPath) {
        for (_, files) in &mut self.reported {
            files.remove(path);
        }
    }

    /// Files reported as gone within the window.
    pub(crate) fn recent(&mut self, now: u64) -> usize {
        while self.reported.front().is_some_and(|(at, _)| at + MASS_WINDOW_MILLIS < now) {
            self.reported.pop_front();
        }
        self.reported.iter().map(|(_, files)| files.len()).sum()
    }

    /// Whether so many more are half of what there was, and enough to ask. `files`
    /// is the number of files in the table, those that are going included.
    pub(crate) fn is_mass(&mut self, now: u64, going: usize, files: usize) -> Option<(usize, usize)> {
        let recent = self.recent(now);
        let (gone, total) = (recent + going, recent + files);
        (going > 0 && gone >= MASS_FILES && gone * 2 >= total).then_some((gone, total))
    }

    pub(crate) fn clear(&mut self) {
        self.reported.clear();
    }
}
