//! Runs of characters with consecutive ids of one actor.

use smallvec::SmallVec;

use crate::document::actors::Id;

/// Consecutive ids of one actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IdRun {
    pub(crate) first: Id,
    pub(crate) count: u32,
}

/// Ids of characters; nearly always one run.
pub(crate) type IdRuns = SmallVec<[IdRun; 2]>;

impl IdRun {
    /// Adds ids to the last of `runs` when they go on there.
    pub(crate) fn push_joined(runs: &mut IdRuns, run: Self) {
        match runs.last_mut() {
            Some(last)
                if last.first.actor == run.first.actor
                    && last.first.counter + last.count == run.first.counter =>
            {
                last.count += run.count;
            }
            _ => runs.push(run),
        }
    }
}

const HIDDEN: u32 = 1 << 31;

/// Characters that stand side by side, have consecutive ids of one actor, and are all visible or all deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    start: u32,
    len: u32,
    /// The actor, with the uppermost bit set when the run is deleted.
    actor: u32,
}

impl Run {
    pub(crate) fn new(first: Id, len: u32, is_visible: bool) -> Self {
        Self { start: first.counter, len, actor: first.actor | if is_visible { 0 } else { HIDDEN } }
    }

    pub(crate) fn first(self) -> Id {
        Id { counter: self.start, actor: self.actor() }
    }

    pub(crate) fn start(self) -> u32 {
        self.start
    }

    pub(crate) fn end(self) -> u32 {
        self.start + self.len
    }

    pub(crate) fn len(self) -> u32 {
        self.len
    }

    pub(crate) fn actor(self) -> u32 {
        self.actor & !HIDDEN
    }

    pub(crate) fn is_visible(self) -> bool {
        self.actor & HIDDEN == 0
    }

    /// How many characters of the run are shown.
    pub(crate) fn visible_len(self) -> u32 {
        if self.is_visible() { self.len } else { 0 }
    }

    pub(crate) fn contains(self, id: Id) -> bool {
        self.actor() == id.actor && self.start <= id.counter && id.counter < self.end()
    }

    pub(crate) fn lengthen(&mut self, count: u32) {
        self.len += count;
    }

    /// The part of the run from `offset` on with `len` characters.
    pub(crate) fn part(self, offset: u32, len: u32) -> Self {
        Self { start: self.start + offset, len, actor: self.actor }
    }

    pub(crate) fn hidden(self) -> Self {
        Self { actor: self.actor | HIDDEN, ..self }
    }

    /// Tells whether `next` can be one run with this one when it stands right behind it.
    pub(crate) fn joins(self, next: Self) -> bool {
        self.actor == next.actor && self.end() == next.start
    }
}
