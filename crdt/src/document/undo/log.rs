//! What one person can take back, and taking it back.

use std::collections::BTreeMap;

use super::{UndoPiece, UndoStep};
use crate::change::Author;
use crate::document::text_document::Recorder;
use crate::document::{EditError, Edited, TextDocument};
use crate::ids::{ActorId, OpId};
use crate::text::IdRun;

/// The edits that one person can undo and redo in one document.
///
/// Undoing is a new edit: what the person typed goes, wherever it is by now, what the person deleted comes back where
/// it was, and what others did stays.
#[derive(Debug, Clone, Default)]
pub struct UndoLog {
    done: Vec<Group>,
    undone: Vec<Group>,
    restored: Restored,
}

/// Steps that are undone together.
type Group = Vec<UndoStep>;

impl UndoLog {
    /// Makes an empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an edit of the person. With `joins_last` it is undone together with the one before, as the characters of
    /// a word are. What was undone cannot be redone any more.
    pub fn push(&mut self, step: UndoStep, joins_last: bool) {
        if step.is_empty() {
            return;
        }
        self.undone.clear();
        match self.done.last_mut() {
            Some(group) if joins_last => group.push(step),
            _ => self.done.push(vec![step]),
        }
    }

    /// Tells whether there is something to undo.
    pub fn can_undo(&self) -> bool {
        !self.done.is_empty()
    }

    /// Tells whether there is something to redo.
    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }
}

impl TextDocument {
    /// Takes the last edit of the log's person back; `None` when there is none.
    pub fn undo(
        &mut self,
        log: &mut UndoLog,
        actor: ActorId,
        time: i64,
    ) -> Result<Option<Edited>, EditError> {
        let Some(group) = log.done.last() else {
            return Ok(None);
        };
        let edited = self.take_back(group, &mut log.restored, actor, time)?;
        log.done.pop();
        log.undone.push(vec![edited.step.clone()]);
        Ok(Some(edited))
    }

    /// Does again what the last undo took back; `None` when there is nothing.
    pub fn redo(
        &mut self,
        log: &mut UndoLog,
        actor: ActorId,
        time: i64,
    ) -> Result<Option<Edited>, EditError> {
        let Some(group) = log.undone.last() else {
            return Ok(None);
        };
        let edited = self.take_back(group, &mut log.restored, actor, time)?;
        log.undone.pop();
        log.done.push(vec![edited.step.clone()]);
        Ok(Some(edited))
    }

    fn take_back(
        &mut self,
        group: &Group,
        restored: &mut Restored,
        actor: ActorId,
        time: i64,
    ) -> Result<Edited, EditError> {
        let pieces = group.iter().rev().flat_map(|step| step.pieces.iter().rev());
        let plan: Vec<_> = pieces.flat_map(|piece| self.plan(piece, restored)).collect();
        let ops = plan.iter().map(Inverse::count).sum();
        self.check_room(ops, time)?;
        if ops == 0 {
            return Ok(Edited::default());
        }
        let mut inserted = Vec::new();
        let edited = self.commit(Author::Session(actor), time, ops, |text, actors, own, patches| {
            let mut recorder = Recorder::new(text, actors, own, patches);
            for inverse in plan {
                match inverse {
                    Inverse::Hide(ids) => recorder.delete(ids),
                    Inverse::Restore { ids, text } => {
                        let mut last = ids.first;
                        last.counter += ids.count - 1;
                        let new = recorder.insert(Some(last), &text);
                        let counter = u64::from(new.counter);
                        inserted.push((actors.op_id(ids.first), ids.count, OpId { counter, actor }));
                    }
                }
            }
            recorder.recorded
        });
        for (old, count, new) in inserted {
            restored.note(old, count, new);
        }
        Ok(edited)
    }

    /// What takes a piece back on the text as it is.
    fn plan(&self, piece: &UndoPiece, restored: &Restored) -> Vec<Inverse> {
        match piece {
            UndoPiece::Inserted { first, count } => {
                let all = restored.all(*first, *count);
                let known = all.into_iter().filter_map(|(first, count)| {
                    Some(IdRun { first: self.graph.actors().id(&first)?, count })
                });
                let parts = known.flat_map(|ids| self.text.index.parts(ids));
                parts.filter(|(_, is_visible)| *is_visible).map(|(ids, _)| Inverse::Hide(ids)).collect()
            }
            UndoPiece::Deleted { first, text } => {
                let Some(first) = self.graph.actors().id(first) else {
                    return Vec::new();
                };
                let count = text.chars().count() as u32;
                let mut chars = text.chars();
                let parts = self.text.index.parts(IdRun { first, count });
                let texts = parts.into_iter().map(|(ids, is_visible)| {
                    let text: String = chars.by_ref().take(ids.count as usize).collect();
                    (!is_visible).then_some(Inverse::Restore { ids, text })
                });
                texts.flatten().collect()
            }
        }
    }
}

/// One step of an undo.
enum Inverse {
    Hide(IdRun),
    /// Types the text of deleted characters again, right behind where they are.
    Restore {
        ids: IdRun,
        text: String,
    },
}

impl Inverse {
    fn count(&self) -> u64 {
        match self {
            Self::Hide(ids) | Self::Restore { ids, .. } => u64::from(ids.count),
        }
    }
}

/// Characters that were typed again under new ids, so that undoing their first typing finds them.
#[derive(Debug, Clone, Default)]
struct Restored {
    /// By the first old id: how many, and the first new id.
    by_old: BTreeMap<(ActorId, u64), Vec<(u64, OpId)>>,
}

impl Restored {
    fn note(&mut self, old: OpId, count: u32, new: OpId) {
        self.by_old.entry((old.actor, old.counter)).or_default().push((u64::from(count), new));
    }

    /// These ids and all that took their place.
    fn all(&self, first: OpId, count: u32) -> Vec<(OpId, u32)> {
        let mut all = vec![(first, count)];
        let mut next = 0;
        while let Some((first, count)) = all.get(next).copied() {
            next += 1;
            let end = first.counter + u64::from(count);
            // Runs that begin before this one may reach into it.
            let range = (first.actor, 0)..(first.actor, end);
            for ((_, old), copies) in self.by_old.range(range) {
                for (length, new) in copies {
                    let from = first.counter.max(*old);
                    let to = end.min(old + length);
                    if from < to {
                        let new = OpId { counter: new.counter + (from - old), ..*new };
                        all.push((new, (to - from) as u32));
                    }
                }
            }
        }
        all
    }
}
