//! Edits of a text as it was, made on the text as it is.

use ropey::Rope;

use super::draft::{OWN, Recorded, RecordedOp};
use super::edit::{Recorder, check_bounds, count_ops};
use super::{Edit, EditError, Edited, TextDocument};
use crate::change::Author;
use crate::document::actors::{Actors, Id};
use crate::document::diff::minimal_edits;
use crate::ids::Version;
use crate::text::{IdRun, Patches, TextState};

/// The text of a document at some version, with the ids of its characters.
///
/// Whoever hands out a text that may come back changed much later, as a file on a disk does, keeps one of these:
/// edits of it are made on the newest text by the ids of the characters, so what came in between stays.
#[derive(Debug, Clone)]
pub struct PastText {
    heads: Version,
    actors: Actors,
    text: TextState,
}

impl PastText {
    /// The version whose text this is.
    pub fn heads(&self) -> &Version {
        &self.heads
    }

    /// The whole text.
    pub fn text(&self) -> String {
        self.text.rope.to_string()
    }

    /// The text as a rope.
    pub fn rope(&self) -> &Rope {
        &self.text.rope
    }

    /// The text as a writer has it who saved `edits` of this one: with the ids that his characters got when they became
    /// the change of `edited`. None when they became several changes.
    #[must_use]
    pub fn after(mut self, edited: &Edited, edits: &[Edit]) -> Option<Self> {
        let Some(change) = edited.changes.last() else {
            return (count_ops(edits) == 0).then_some(self);
        };
        if change.max_op() + 1 - change.start_op() != count_ops(edits) {
            return None;
        }
        let counter = u32::try_from(change.start_op()).ok()?;
        let first = Id { counter, actor: self.actors.intern(change.actor()) };
        let mut patches = Patches::default();
        let mut recorder = Recorder::new(&mut self.text, &self.actors, first, &mut patches);
        edits.iter().for_each(|edit| recorder.edit(edit));
        let heads = self.heads.hashes().iter().copied().chain([change.hash()]);
        self.heads = Version::new(heads);
        Some(self)
    }

    /// Does edits here, where their places count, and gives what they do by ids. Numbers of actors are those of
    /// `document`; `own` is the id of the first operation there.
    fn record(mut self, document: &TextDocument, edits: &[Edit], own: Id) -> Option<Recorded> {
        let first = Id { counter: own.counter, actor: self.actors.push_unnamed() };
        let mut patches = Patches::default();
        let mut recorder = Recorder::new(&mut self.text, &self.actors, first, &mut patches);
        edits.iter().for_each(|edit| recorder.edit(edit));
        let mut recorded = recorder.recorded;
        let to_documents = |id: &mut Id| {
            let number = if id.actor == first.actor {
                Some(own.actor)
            } else {
                document.graph.actors().number(&self.actors.actor(id.actor))
            };
            number.map(|number| id.actor = number)
        };
        recorded.ops.iter_mut().try_for_each(|op| match op {
            RecordedOp::Insert { after: None, .. } => Some(()),
            RecordedOp::Insert { after: Some(id), .. } => to_documents(id),
            RecordedOp::Delete(IdRun { first, .. }) => to_documents(first),
        })?;
        Some(recorded)
    }
}

impl TextDocument {
    /// The text as it is now, for edits that come back later. Costs as much as the text is worn, not as it is long.
    pub fn keep(&self) -> PastText {
        PastText { heads: self.heads().clone(), actors: self.graph.actors().clone(), text: self.text.clone() }
    }

    /// Makes edits whose places count on an older text. What others changed since stays.
    pub fn edit_at(
        &mut self,
        base: &PastText,
        author: Author,
        edits: &[Edit],
        time: i64,
    ) -> Result<Edited, EditError> {
        if base.heads() == self.heads() {
            return self.edit(author, edits, time);
        }
        if !base.heads().hashes().iter().all(|head| self.contains(head)) {
            return Err(EditError::UnknownBase);
        }
        check_bounds(base.text.rope.len_chars(), edits)?;
        let ops = count_ops(edits);
        self.check_room(ops, time)?;
        if ops == 0 {
            return Ok(Edited::default());
        }
        let first = Id { counter: self.graph.max_op() + 1, actor: OWN };
        let recorded = base.clone().record(self, edits, first).ok_or(EditError::UnknownBase)?;
        Ok(self.commit(author, time, ops, |text, actors, own, patches| {
            let named = |id: Id| if id.actor == OWN { Id { actor: own.actor, ..id } } else { id };
            let mut recorder = Recorder::new(text, actors, own, patches);
            for op in &recorded.ops {
                match op {
                    RecordedOp::Insert { after, text, .. } => {
                        recorder.insert(after.map(named), &recorded.values[text.clone()]);
                    }
                    RecordedOp::Delete(ids) => {
                        recorder.delete(IdRun { first: named(ids.first), ..*ids });
                    }
                }
            }
            recorder.recorded
        }))
    }

    /// Makes the text `new` by the smallest edits: lines first, then characters inside of changed lines.
    pub fn replace_text(&mut self, new: &str, author: Author, time: i64) -> Result<Edited, EditError> {
        let edits = minimal_edits(&self.text(), new);
        self.edit(author, &edits, time)
    }

    /// Makes the smallest edits that lead from an older text to `new`, on the text as it is now.
    pub fn replace_text_at(
        &mut self,
        base: &PastText,
        new: &str,
        author: Author,
        time: i64,
    ) -> Result<Edited, EditError> {
        let edits = minimal_edits(&base.text(), new);
        self.edit_at(base, author, &edits, time)
    }

    /// The smallest edits that lead from one text to another, as [`TextDocument::replace_text`] makes them.
    pub fn minimal_edits(old: &str, new: &str) -> Vec<Edit> {
        minimal_edits(old, new)
    }
}
