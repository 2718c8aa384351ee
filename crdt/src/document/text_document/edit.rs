//! Edits of a text, made into changes.

mod commit;

use super::TextDocument;
use super::draft::{Recorded, RecordedOp};
use crate::change::{Author, Change};
use crate::document::actors::{Actors, Id};
use crate::document::undo::UndoStep;
use crate::ids::CharIndex;
use crate::limits::{COUNTER_END, TIME_END};
use crate::text::{IdRun, Patch, Patches, TextState, Typed};

/// One step of an edit: at a place, characters go and others come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Where, on the text after the edits before this one.
    pub at: CharIndex,
    /// How many characters go.
    pub delete: usize,
    /// The characters that come to their place.
    pub insert: String,
}

/// What an edit of a [`TextDocument`] gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edited {
    /// The changes that were made, in order; several when one would exceed the limits, none when there was nothing
    /// to do. All of them are part of the document already.
    pub changes: Vec<Change>,
    /// What happened to the text, for copies of it.
    pub patches: Vec<Patch>,
    /// What it takes to undo the edit; give it to an [`UndoLog`](crate::UndoLog).
    pub step: UndoStep,
}

/// Says why an edit of a [`TextDocument`] is impossible. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// An edit reaches beyond the end of the text.
    #[error("an edit of {delete} characters at {at} does not fit into a text of {length}")]
    OutOfBounds {
        /// Where the edit begins.
        at: CharIndex,
        /// How many characters it deletes.
        delete: usize,
        /// How many characters the text has at that point.
        length: usize,
    },
    /// The time is before 1970 or beyond what other programs can read.
    #[error("the time {seconds} cannot be written into a change")]
    Time {
        /// Seconds that were given.
        seconds: i64,
    },
    /// The older text that the edit was made on is not one of this document, or of changes that are not here.
    #[error("the text that was edited is not an older text of this document")]
    UnknownBase,
    /// The document has used up its operation counters.
    #[error("the document cannot take any more edits; make a copy of the file to go on")]
    Exhausted,
}

impl TextDocument {
    /// Edits the text. The place of each edit counts on the text after the edits before it.
    ///
    /// A content-named author gets a name of its own for each change, and the time of those changes is 0.
    pub fn edit(&mut self, author: Author, edits: &[Edit], time: i64) -> Result<Edited, EditError> {
        check_bounds(self.len_chars(), edits)?;
        let ops = count_ops(edits);
        self.check_room(ops, time)?;
        if ops == 0 {
            return Ok(Edited::default());
        }
        Ok(self.commit(author, time, ops, |text, actors, own, patches| {
            let mut recorder = Recorder::new(text, actors, own, patches);
            edits.iter().for_each(|edit| recorder.edit(edit));
            recorder.recorded
        }))
    }

    pub(in crate::document) fn check_room(&self, ops: u64, time: i64) -> Result<(), EditError> {
        if !(0..TIME_END).contains(&time) {
            return Err(EditError::Time { seconds: time });
        }
        if u64::from(self.graph.max_op()) + ops + 1 >= COUNTER_END {
            return Err(EditError::Exhausted);
        }
        Ok(())
    }
}

/// Checks that every edit fits into the text that those before it leave.
pub(super) fn check_bounds(mut length: usize, edits: &[Edit]) -> Result<(), EditError> {
    for edit in edits {
        let fits = edit.at.0.checked_add(edit.delete).is_some_and(|end| end <= length);
        if !fits {
            return Err(EditError::OutOfBounds { at: edit.at, delete: edit.delete, length });
        }
        length = length - edit.delete + edit.insert.chars().count();
    }
    Ok(())
}

/// How many operations edits take.
pub(super) fn count_ops(edits: &[Edit]) -> u64 {
    let count = |edit: &Edit| edit.delete as u64 + edit.insert.chars().count() as u64;
    edits.iter().map(count).sum()
}

/// Does edits on a text and records them by ids.
pub(in crate::document) struct Recorder<'a> {
    text: &'a mut TextState,
    actors: &'a Actors,
    patches: &'a mut Patches,
    next: Id,
    pub(in crate::document) recorded: Recorded,
}

impl<'a> Recorder<'a> {
    /// `next` is the id that the first operation gets. It is greater than every other.
    pub(in crate::document) fn new(
        text: &'a mut TextState,
        actors: &'a Actors,
        next: Id,
        patches: &'a mut Patches,
    ) -> Self {
        Self { text, actors, patches, next, recorded: Recorded::default() }
    }

    pub(super) fn edit(&mut self, edit: &Edit) {
        let at = edit.at.0;
        for ids in self.text.index.visible_ids(at, edit.delete) {
            self.note_removed(ids, at);
            self.delete_noted(ids);
        }
        if !edit.insert.is_empty() {
            let before = at.checked_sub(1);
            let after = before.and_then(|before| self.text.index.id_at(before));
            self.insert(after, &edit.insert);
        }
    }

    /// Hides characters; those that are hidden already are named all the same, so that the deletion holds when
    /// somebody else's is withdrawn.
    pub(in crate::document) fn delete(&mut self, ids: IdRun) {
        for (part, is_visible) in self.text.index.parts(ids) {
            if is_visible && let Some((at, _)) = self.text.index.position(part.first) {
                self.note_removed(part, at);
            }
        }
        self.delete_noted(ids);
    }

    /// Keeps the text of visible characters that stand side by side and are about to go.
    fn note_removed(&mut self, ids: IdRun, at: usize) {
        let removed = self.text.rope.slice(at..at + ids.count as usize);
        self.recorded.removed.push((ids, String::from(removed)));
    }

    fn delete_noted(&mut self, ids: IdRun) {
        self.text.delete(ids, self.patches);
        self.next.counter += ids.count;
        match self.recorded.ops.last_mut() {
            Some(RecordedOp::Delete(last))
                if last.first.actor == ids.first.actor
                    && last.first.counter + last.count == ids.first.counter =>
            {
                last.count += ids.count;
            }
            _ => self.recorded.ops.push(RecordedOp::Delete(ids)),
        }
    }

    /// Types text behind a character and gives the id of its first one.
    pub(in crate::document) fn insert(&mut self, after: Option<Id>, insert: &str) -> Id {
        let id = self.next;
        let count = insert.chars().count() as u32;
        let typed = Typed { after, id, count, text: insert };
        self.text.insert(self.actors, &typed, true, self.patches);
        self.next.counter += count;
        let from = self.recorded.values.len();
        self.recorded.values.push_str(insert);
        let continues = after.is_some_and(|after| after.actor == id.actor && after.counter + 1 == id.counter);
        if continues && let Some(RecordedOp::Insert { text, count: all, .. }) = self.recorded.ops.last_mut() {
            text.end = self.recorded.values.len();
            *all += count;
        } else {
            self.recorded.ops.push(RecordedOp::Insert {
                after,
                text: from..self.recorded.values.len(),
                count,
            });
        }
        id
    }
}
