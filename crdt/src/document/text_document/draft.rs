//! From recorded operations to changes that may travel.

use std::ops::Range;

use smallvec::SmallVec;

use crate::change::{ChangeOpId, Draft, Ops, TextOp, TextOps};
use crate::document::actors::{Actors, Id};
use crate::document::cut::PartLimits;
use crate::ids::ActorId;
use crate::text::IdRun;

/// The author of recorded operations until each of their changes has a name of its own.
pub(super) const OWN: u32 = u32::MAX >> 1;

/// A run of operations that was done here, by the document's ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::document) enum RecordedOp {
    Insert { after: Option<Id>, text: Range<usize>, count: u32 },
    Delete(IdRun),
}

/// Operations that were done here, in the order of their counters.
#[derive(Debug, Clone, Default)]
pub(in crate::document) struct Recorded {
    pub(in crate::document) ops: SmallVec<[RecordedOp; 2]>,
    /// The inserted characters one after the other.
    pub(in crate::document) values: String,
    /// The characters that were taken away, with their ids.
    pub(in crate::document) removed: SmallVec<[(IdRun, String); 1]>,
}

impl RecordedOp {
    pub(in crate::document) fn count(&self) -> u32 {
        match self {
            Self::Insert { count, .. } => *count,
            Self::Delete(ids) => ids.count,
        }
    }

    /// The id that the run names first.
    fn named(&self) -> Option<Id> {
        match self {
            Self::Insert { after, .. } => *after,
            Self::Delete(ids) => Some(ids.first),
        }
    }

    fn named_actor(&self) -> Option<u32> {
        self.named().map(|id| id.actor)
    }

    fn map_ids(&mut self, map: impl FnOnce(&mut Id)) {
        match self {
            Self::Insert { after, .. } => {
                if let Some(after) = after {
                    map(after);
                }
            }
            Self::Delete(ids) => map(&mut ids.first),
        }
    }
}

impl Recorded {
    pub(super) fn count(&self) -> u64 {
        self.ops.iter().map(|op| u64::from(op.count())).sum()
    }

    /// Takes the author's number out, because each change will have a number of its own.
    pub(super) fn disown(&mut self, own: u32) {
        let disown = |id: &mut Id| {
            if id.actor == own {
                id.actor = OWN;
            }
        };
        for op in &mut self.ops {
            op.map_ids(disown);
        }
        for (ids, _) in &mut self.removed {
            disown(&mut ids.first);
        }
    }

    /// Gives the operations of a change that now has a name to its author. A deletion that goes on in what the next
    /// change has made is cut there.
    pub(super) fn adopt(&mut self, counters: Range<u32>, actor: u32) {
        let mut ops = SmallVec::new();
        for op in std::mem::take(&mut self.ops) {
            let inside = match &op {
                RecordedOp::Delete(ids) => counters.end.saturating_sub(ids.first.counter),
                RecordedOp::Insert { .. } => op.count(),
            };
            let is_own = op.named().is_some_and(|id| id.actor == OWN && counters.contains(&id.counter));
            if !is_own {
                ops.push(op);
                continue;
            }
            // The counter of a deletion itself plays no part in cutting it.
            let (head, tail) = op.split(inside, 0, OWN, &self.values);
            if let Some(mut op) = head {
                op.map_ids(|id| id.actor = actor);
                ops.push(op);
            }
            ops.extend(tail);
        }
        self.ops = ops;
    }

    /// Tells whether these are so few operations that they fit into one change whatever they are.
    pub(super) fn fits_surely(&self, ops: u64) -> bool {
        self.ops.len() as u64 <= ops && self.count() <= ops
    }

    /// Splits the first `count` operations off. The first of them has the counter `start`.
    pub(super) fn take(&mut self, count: u64, start: u32, own: u32) -> Self {
        let mut taken = Self::default();
        let mut left = count as u32;
        let mut counter = start;
        let mut kept = SmallVec::new();
        for op in std::mem::take(&mut self.ops) {
            let (head, tail) = op.split(left, counter, own, &self.values);
            if let Some(op) = head {
                left -= op.count();
                counter += op.count();
                taken.ops.push(op);
            }
            kept.extend(tail);
        }
        self.ops = kept;
        let values = taken.ops.iter().filter_map(|op| match op {
            RecordedOp::Insert { text, .. } => Some(text.len()),
            RecordedOp::Delete(_) => None,
        });
        let bytes = values.sum();
        taken.values = self.values[..bytes].to_owned();
        self.values.drain(..bytes);
        for op in &mut self.ops {
            if let RecordedOp::Insert { text, .. } = op {
                *text = text.start - bytes..text.end - bytes;
            }
        }
        taken
    }

    /// How many operations stay within the limits that can be counted without writing the change.
    pub(super) fn count_within_limits(&self, own: u32, object: Id) -> u64 {
        let mut limits = PartLimits::new();
        let mut count = 0;
        limits.take(0, 0, 0, (object.actor != own).then_some(object.actor));
        for op in &self.ops {
            let (others, mut bytes) = match op {
                RecordedOp::Insert { text, .. } => (op.named_actor(), self.values[text.clone()].chars()),
                RecordedOp::Delete(_) => (op.named_actor(), "".chars()),
            };
            let others = others.filter(|actor| *actor != own);
            if !limits.take(0, 0, 0, others) {
                return count;
            }
            for _ in 0..op.count() {
                let bytes = bytes.next().map_or(0, char::len_utf8);
                if !limits.take(1, bytes, 0, None) {
                    return count;
                }
                count += 1;
            }
        }
        count
    }

    /// Makes the operations of a change of these, and says which other actors they name.
    pub(super) fn to_ops(&self, actors: &Actors, own: u32, object: Id) -> (Ops, SmallVec<[ActorId; 2]>) {
        if self.ops.is_empty() {
            return (Ops::Nothing, SmallVec::new());
        }
        let numbers = ActorNumbers::new(self, actors, own, object);
        let ops = self.ops.iter().map(|op| match op {
            RecordedOp::Insert { after, text, count } => {
                TextOp::Insert { after: after.map(|id| numbers.id(id)), text: text.clone(), count: *count }
            }
            RecordedOp::Delete(ids) => TextOp::Delete { first: numbers.id(ids.first), count: ids.count },
        });
        let text = TextOps { object: numbers.id(object), ops: ops.collect() };
        (Ops::Text(text), numbers.others)
    }

    /// Puts the operations into a change and their text with them, which is gone here afterwards.
    pub(super) fn fill(&mut self, draft: &mut Draft, actors: &Actors, own: u32, object: Id) {
        let (ops, others) = self.to_ops(actors, own, object);
        draft.ops = ops;
        draft.others = others;
        draft.values = std::mem::take(&mut self.values).into_bytes();
    }
}

impl RecordedOp {
    /// Splits the run behind its first `count` operations; its first operation has the counter `counter`.
    fn split(self, count: u32, counter: u32, own: u32, values: &str) -> (Option<Self>, Option<Self>) {
        if count == 0 {
            return (None, Some(self));
        }
        if self.count() <= count {
            return (Some(self), None);
        }
        match self {
            Self::Insert { after, text, count: all } => {
                let chars = &values[text.clone()];
                let at = chars.char_indices().nth(count as usize);
                let at = text.start + at.map_or(chars.len(), |(at, _)| at);
                let head = Self::Insert { after, text: text.start..at, count };
                let last = Id { counter: counter + count - 1, actor: own };
                let tail = Self::Insert { after: Some(last), text: at..text.end, count: all - count };
                (Some(head), Some(tail))
            }
            Self::Delete(ids) => {
                let first = Id { counter: ids.first.counter + count, ..ids.first };
                let head = IdRun { count, ..ids };
                let tail = IdRun { first, count: ids.count - count };
                (Some(Self::Delete(head)), Some(Self::Delete(tail)))
            }
        }
    }
}

/// The numbers that actors have in one change: 0 for the author, then the others in byte order.
struct ActorNumbers {
    own: u32,
    /// The document's numbers in ascending order, each with its number in the change.
    numbers: SmallVec<[(u32, u32); 4]>,
    others: SmallVec<[ActorId; 2]>,
}

impl ActorNumbers {
    fn new(recorded: &Recorded, actors: &Actors, own: u32, object: Id) -> Self {
        let named = recorded.ops.iter().filter_map(RecordedOp::named_actor);
        let mut used: SmallVec<[u32; 4]> =
            named.chain([object.actor]).filter(|actor| *actor != own).collect();
        used.sort_unstable();
        used.dedup();
        let mut sorted: SmallVec<[(ActorId, u32); 2]> =
            used.iter().map(|number| (actors.actor(*number), *number)).collect();
        sorted.sort_unstable();
        let numbered = sorted.iter().zip(1..);
        let mut numbers: SmallVec<[(u32, u32); 4]> =
            numbered.map(|((_, number), index)| (*number, index)).collect();
        numbers.sort_unstable();
        Self { own, numbers, others: sorted.into_iter().map(|(actor, _)| actor).collect() }
    }

    fn id(&self, id: Id) -> ChangeOpId {
        let actor = if id.actor == self.own {
            0
        } else {
            let place = self.numbers.binary_search_by_key(&id.actor, |(own, _)| *own);
            place.map_or(0, |place| self.numbers[place].1)
        };
        ChangeOpId { actor, counter: id.counter }
    }
}
