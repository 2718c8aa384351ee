//! Undo and redo for one person, whatever others did in between.

mod log;

#[cfg(test)]
mod tests;

use smallvec::SmallVec;

pub use self::log::UndoLog;

use super::actors::{Actors, Id};
use super::text_document::{Recorded, RecordedOp};
use crate::change::Change;
use crate::ids::{ActorId, OpId};
use crate::text::IdRun;

/// What it takes to undo an edit: the ids of what was typed, and what was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UndoStep {
    /// In the order in which it was done.
    pub(super) pieces: SmallVec<[UndoPiece; 1]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum UndoPiece {
    Inserted { first: OpId, count: u32 },
    Deleted { first: OpId, text: String },
}

impl UndoStep {
    /// Tells whether there is nothing to undo.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn new(recorded: &Recorded, start: u32, actors: &Actors, own: &OwnIds) -> Self {
        let mut pieces = SmallVec::new();
        let mut removed = recorded.removed.iter();
        let mut counter = start;
        for op in &recorded.ops {
            match op {
                RecordedOp::Insert { count, .. } => {
                    for (first, count) in own.ranges(counter, *count) {
                        pieces.push(UndoPiece::Inserted { first, count });
                    }
                }
                RecordedOp::Delete(ids) => {
                    let end = ids.first.counter + ids.count;
                    let of_this = |(part, _): &&(IdRun, String)| {
                        part.first.actor == ids.first.actor
                            && (ids.first.counter..end).contains(&part.first.counter)
                    };
                    let mut ahead = removed.clone();
                    while let Some((part, text)) = ahead.next().filter(of_this) {
                        removed = ahead.clone();
                        push_deleted(&mut pieces, part.first, text, actors, own);
                    }
                }
            }
            counter += op.count();
        }
        Self { pieces }
    }
}

/// Notes deleted text, cut where its ids go on under another name.
fn push_deleted(pieces: &mut SmallVec<[UndoPiece; 1]>, id: Id, text: &str, actors: &Actors, own: &OwnIds) {
    if id.actor != own.number {
        let first = actors.op_id(id);
        let text = text.to_owned();
        pieces.push(UndoPiece::Deleted { first, text });
        return;
    }
    let mut chars = text.chars();
    for (first, count) in own.ranges(id.counter, text.chars().count() as u32) {
        let text = chars.by_ref().take(count as usize).collect();
        pieces.push(UndoPiece::Deleted { first, text });
    }
}

/// Under which names the operations of an edit ended up.
#[derive(Debug, Clone)]
pub(super) struct OwnIds {
    /// The number of the author while the edit was recorded.
    number: u32,
    /// For each change the end of its counters and its actor, in order.
    parts: SmallVec<[(u32, ActorId); 1]>,
}

impl OwnIds {
    pub(super) fn new(number: u32) -> Self {
        Self { number, parts: SmallVec::new() }
    }

    pub(super) fn push(&mut self, change: &Change) {
        self.parts.push((change.max_op() as u32 + 1, change.actor()));
    }

    /// The ids of operations with consecutive counters.
    fn ranges(&self, start: u32, count: u32) -> impl Iterator<Item = (OpId, u32)> {
        let end = start + count;
        let mut next = start;
        self.parts.iter().filter_map(move |(part_end, actor)| {
            let count = end.min(*part_end).checked_sub(next).filter(|count| *count > 0)?;
            let first = OpId { counter: u64::from(next), actor: *actor };
            next += count;
            Some((first, count))
        })
    }
}
