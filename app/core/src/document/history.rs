//! Undo and redo of one person's edits, whatever others did in between.
//!
//! Each entry is the change that takes an edit back, as of the text right after that edit. What others did since is
//! kept beside it and moved over only when the entry is used, so that their edits cost nothing here while they come.

use super::link::Origin;
use crate::limits::{UNDO_BYTES_MAX, UNDO_GROUPS_MAX};
use crate::selection::Selections;
use crate::text::ChangeSet;

/// What can be taken back, and what can be done again.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    done: Vec<Entry>,
    undone: Vec<Entry>,
    bytes: usize,
}

#[derive(Debug, Clone)]
struct Entry {
    /// Takes the edit back.
    inverse: ChangeSet,
    /// What others did behind this entry and before the next.
    since: Since,
    /// The cursors before the edit.
    selections: Selections,
    /// Who wrote what the edit inserts: doing it again is theirs as well.
    origin: Origin,
}

/// What to do to the text, and the cursors to go back to.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) change: ChangeSet,
    pub(super) selections: Selections,
    pub(super) origin: Origin,
}

/// Changes of others in their order. Those of like size are joined, so that each is copied few times.
#[derive(Debug, Clone, Default)]
struct Since {
    parts: Vec<(ChangeSet, u32)>,
}

impl Since {
    fn push(&mut self, change: ChangeSet) {
        if change.is_empty() {
            return;
        }
        self.parts.push((change, 0));
        while let [.., (first, size), (second, last)] = self.parts.as_slice()
            && size <= last
        {
            let joined = (first.then(second), last + 1);
            self.parts.truncate(self.parts.len() - 2);
            self.parts.push(joined);
        }
    }

    fn take(&mut self) -> ChangeSet {
        let parts = std::mem::take(&mut self.parts);
        ChangeSet::join(parts.into_iter().map(|(change, _)| change).collect())
    }

    fn bytes(&self) -> usize {
        self.parts.iter().map(|(change, _)| change.bytes_inserted()).sum()
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        self.inverse.bytes_inserted() + self.since.bytes()
    }
}

impl History {
    /// Notes an edit by what takes it back. With `joins_last` it is undone together with the one before.
    pub(super) fn record(
        &mut self,
        inverse: ChangeSet,
        selections: Selections,
        origin: Origin,
        joins_last: bool,
    ) {
        self.bytes -= self.undone.iter().map(Entry::bytes).sum::<usize>().min(self.bytes);
        self.undone.clear();
        self.bytes += inverse.bytes_inserted();
        if joins_last && let Some(mut last) = self.done.pop() {
            let others = last.since.take();
            let (moved, others) = ChangeSet::moved(&last.inverse, &others);
            self.note_since(others);
            last.inverse = inverse.then(&moved);
            self.done.push(last);
        } else {
            self.done.push(Entry { inverse, since: Since::default(), selections, origin });
        }
        self.forget();
    }

    /// Notes what others did.
    pub(super) fn others(&mut self, change: &ChangeSet) {
        for stack in [&mut self.done, &mut self.undone] {
            if let Some(last) = stack.last_mut() {
                self.bytes += change.bytes_inserted();
                last.since.push(change.clone());
            }
        }
        self.forget();
    }

    fn note_since(&mut self, others: ChangeSet) {
        if let Some(below) = self.done.last_mut() {
            below.since.push(others);
        }
    }

    pub(super) fn can_undo(&self) -> bool {
        !self.done.is_empty()
    }

    pub(super) fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// What takes the last edit back on the text as it is. [`History::undid`] follows.
    pub(super) fn undo(&mut self) -> Option<Step> {
        Self::pop(&mut self.done)
    }

    /// What does the last undone edit again. [`History::redid`] follows.
    pub(super) fn redo(&mut self) -> Option<Step> {
        Self::pop(&mut self.undone)
    }

    fn pop(stack: &mut Vec<Entry>) -> Option<Step> {
        let mut entry = stack.pop()?;
        let (change, others) = ChangeSet::moved(&entry.inverse, &entry.since.take());
        if let Some(below) = stack.last_mut() {
            below.since.push(others);
        }
        Some(Step { change, selections: entry.selections, origin: entry.origin })
    }

    /// Notes what takes an undo back, with the cursors before it.
    pub(super) fn undid(&mut self, inverse: ChangeSet, selections: Selections, origin: Origin) {
        self.undone.push(Entry { inverse, since: Since::default(), selections, origin });
        self.count_bytes();
    }

    /// Notes what takes a redo back.
    pub(super) fn redid(&mut self, inverse: ChangeSet, selections: Selections, origin: Origin) {
        self.done.push(Entry { inverse, since: Since::default(), selections, origin });
        self.count_bytes();
    }

    fn count_bytes(&mut self) {
        self.bytes = self.done.iter().chain(&self.undone).map(Entry::bytes).sum();
    }

    /// Forgets the oldest entries beyond the limits.
    fn forget(&mut self) {
        let many = self.done.len().saturating_sub(UNDO_GROUPS_MAX);
        if many > 0 {
            self.done.drain(..many);
        }
        if self.bytes <= UNDO_BYTES_MAX {
            return;
        }
        self.count_bytes();
        while self.bytes > UNDO_BYTES_MAX && !self.done.is_empty() {
            let first = self.done.remove(0);
            self.bytes -= first.bytes();
        }
        if self.bytes > UNDO_BYTES_MAX {
            self.undone.clear();
            self.bytes = 0;
        }
    }

    /// Entries and their bytes, for tests.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.done.len(), self.done.iter().chain(&self.undone).map(Entry::bytes).sum())
    }
}
