//! Edits of a document of registers, cut into changes that may travel.

use std::collections::{BTreeMap, BTreeSet};

use smallvec::SmallVec;

use super::TreeDocument;
use crate::change::{Author, Change, ChangeOpId, Draft, Ops, RegisterOp, Value, content_actor};
use crate::document::actors::Id;
use crate::document::cut::{PartLimits, longest_that_fits};
use crate::document::graph::LocalDeps;
use crate::ids::{ActorId, ChangeHash, DocumentId};
use crate::limits::{CHANGE_VALUES_BYTES_MAX, COUNTER_END, KEY_BYTES_MAX, TIME_END, WRITE_PREDS_MAX};

/// One write of a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterEdit {
    /// The key, 1 to [`KEY_BYTES_MAX`] bytes.
    pub key: String,
    /// The new value, `None` to remove the key.
    pub value: Option<Value>,
}

/// What an edit of a [`TreeDocument`] gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TreeEdited {
    /// The changes that were made, in order; several when one would exceed the limits, none when there was nothing
    /// to do. All of them are part of the document already.
    pub changes: Vec<Change>,
    /// The keys that were written, in order, each once.
    pub changed_keys: Vec<String>,
}

/// Says why an edit of a [`TreeDocument`] is impossible. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TreeEditError {
    /// A key is empty or too long.
    #[error("a key has 1 to {KEY_BYTES_MAX} bytes, not {length}")]
    Key {
        /// Bytes of the key.
        length: usize,
    },
    /// A value is larger than one change may carry.
    #[error("a value of {length} bytes does not fit into a change of {CHANGE_VALUES_BYTES_MAX}")]
    Value {
        /// Bytes of the value.
        length: usize,
    },
    /// The time is before 1970 or beyond what other programs can read.
    #[error("the time {seconds} cannot be written into a change")]
    Time {
        /// Seconds that were given.
        seconds: i64,
    },
    /// The document has used up its operation counters.
    #[error("the document cannot take any more edits")]
    Exhausted,
}

impl TreeDocument {
    /// Writes registers in the given order.
    ///
    /// Each write takes the place of all values that its key has now. Removing a key without a value does nothing.
    /// A content-named author gets a name of its own for each change, and the time of those changes is 0.
    pub fn edit(
        &mut self,
        author: Author,
        edits: &[RegisterEdit],
        time: i64,
    ) -> Result<TreeEdited, TreeEditError> {
        self.check_edits(edits, time)?;
        let mut edited = TreeEdited::default();
        let mut changed_keys = BTreeSet::new();
        let mut left = edits;
        while !left.is_empty() {
            let LocalDeps { deps, all } = self.graph.local_deps(&author);
            let part = if all { left } else { &[] };
            let (draft, taken) = self.longest_draft(&author, part, deps.clone(), time);
            if all {
                left = left.get(taken..).unwrap_or_default();
                if draft.ops == Ops::Nothing {
                    continue;
                }
            }
            let change = finish(self.id, author, draft);
            let fit = self.graph.local_fit(&deps);
            changed_keys.extend(self.admit_own(&change, fit));
            edited.changes.push(change);
        }
        edited.changed_keys = changed_keys.into_iter().collect();
        Ok(edited)
    }

    /// Makes a change that builds upon everything here and does nothing: who makes it stands for all of it.
    pub fn affirm(&mut self, author: Author, time: i64) -> Result<TreeEdited, TreeEditError> {
        self.check_edits(&[], time)?;
        let mut edited = TreeEdited::default();
        loop {
            let LocalDeps { deps, all } = self.graph.local_deps(&author);
            let (draft, _) = self.longest_draft(&author, &[], deps.clone(), time);
            let change = finish(self.id, author, draft);
            let fit = self.graph.local_fit(&deps);
            self.admit_own(&change, fit);
            edited.changes.push(change);
            if all {
                return Ok(edited);
            }
        }
    }

    fn check_edits(&self, edits: &[RegisterEdit], time: i64) -> Result<(), TreeEditError> {
        for edit in edits {
            let length = edit.key.len();
            if length == 0 || length > KEY_BYTES_MAX {
                return Err(TreeEditError::Key { length });
            }
            let length = edit.value.as_ref().map_or(0, Value::encoded_length);
            if length > CHANGE_VALUES_BYTES_MAX {
                return Err(TreeEditError::Value { length });
            }
        }
        if !(0..TIME_END).contains(&time) {
            return Err(TreeEditError::Time { seconds: time });
        }
        if u64::from(self.graph.max_op()) + edits.len() as u64 + 1 >= COUNTER_END {
            return Err(TreeEditError::Exhausted);
        }
        Ok(())
    }

    /// Makes a change of as many edits as fit into one, and says how many those are.
    fn longest_draft(
        &self,
        author: &Author,
        edits: &[RegisterEdit],
        deps: SmallVec<[ChangeHash; 1]>,
        time: i64,
    ) -> (Draft, usize) {
        let (seq, time) = match author {
            Author::Session(actor) => (self.graph.last_seq(actor) + 1, time),
            Author::ContentNamed => (1, 0),
        };
        let empty = Draft {
            start_op: self.graph.local_start_op(&deps),
            deps,
            actor: match author {
                Author::Session(actor) => Some(*actor),
                Author::ContentNamed => None,
            },
            seq,
            time,
            others: SmallVec::new(),
            ops: Ops::Nothing,
            values: Vec::new(),
        };
        let count = self.count_within_limits(author, edits, empty.start_op);
        longest_that_fits(count, |count| self.draft(author, &edits[..count], empty.clone()))
    }

    /// How many edits stay within the limits that can be counted without writing the change.
    fn count_within_limits(&self, author: &Author, edits: &[RegisterEdit], start_op: u32) -> usize {
        let mut limits = PartLimits::new();
        let mut planned = Planned::new(self, author, start_op);
        for (index, edit) in edits.iter().enumerate() {
            if let Some(op) = planned.op(edit) {
                let bytes = edit.value.as_ref().map_or(0, Value::encoded_length);
                let others = op.preds.iter().map(|id| id.actor);
                let others = others.filter(|actor| *actor != planned.own);
                let fits = limits.take(1, bytes, op.preds.len() as u64, others);
                if !fits {
                    return index;
                }
            }
        }
        edits.len()
    }

    fn draft(&self, author: &Author, edits: &[RegisterEdit], mut draft: Draft) -> Draft {
        let mut planned = Planned::new(self, author, draft.start_op);
        let mut ops: Vec<_> = edits.iter().filter_map(|edit| planned.op(edit)).collect();
        if ops.is_empty() {
            return draft;
        }
        draft.others = renumber_actors(self, planned.own, &mut ops);
        for value in ops.iter().filter_map(|op| op.value.as_ref()) {
            value.write(&mut draft.values);
        }
        draft.ops = Ops::Registers(ops);
        draft
    }
}

/// Turns edits into operations, knowing those before them in the same change.
struct Planned<'a> {
    document: &'a TreeDocument,
    own: u32,
    next_counter: u32,
    written: BTreeMap<&'a str, Option<Id>>,
}

impl<'a> Planned<'a> {
    fn new(document: &'a TreeDocument, author: &Author, start_op: u32) -> Self {
        let actors = document.graph.actors();
        let own = match author {
            Author::Session(actor) => actors.number(actor),
            Author::ContentNamed => None,
        };
        Self {
            document,
            // An author without a number gets one that nobody else has.
            own: own.unwrap_or(actors.len() as u32),
            next_counter: start_op,
            written: BTreeMap::new(),
        }
    }

    /// The operation of an edit, with the document's numbers for actors; `None` when it has nothing to remove.
    fn op(&mut self, edit: &'a RegisterEdit) -> Option<RegisterOp> {
        let to_op_id = |id: Id| ChangeOpId { actor: id.actor, counter: id.counter };
        let preds: SmallVec<[ChangeOpId; 1]> = match self.written.get(edit.key.as_str()) {
            Some(own) => own.iter().copied().map(to_op_id).collect(),
            None => {
                let surviving = self.document.registers.values(&edit.key);
                // Nobody makes so many conflicts but by malice; the least of them are left as they are.
                let from = surviving.len().saturating_sub(WRITE_PREDS_MAX);
                let newest = surviving[from..].iter();
                newest.map(|(id, _)| to_op_id(*id)).collect()
            }
        };
        if edit.value.is_none() && preds.is_empty() {
            return None;
        }
        let id = Id { counter: self.next_counter, actor: self.own };
        self.next_counter += 1;
        self.written.insert(&edit.key, edit.value.is_some().then_some(id));
        Some(RegisterOp { key: edit.key.clone(), value: edit.value.clone(), preds })
    }
}

/// Replaces the document's numbers of actors by those of the change: 0 for the author, then the others in byte order.
fn renumber_actors(document: &TreeDocument, own: u32, ops: &mut [RegisterOp]) -> SmallVec<[ActorId; 2]> {
    let used: BTreeSet<u32> =
        ops.iter().flat_map(|op| op.preds.iter().map(|id| id.actor)).filter(|actor| *actor != own).collect();
    let actors = document.graph.actors();
    let mut others: SmallVec<[(ActorId, u32); 2]> =
        used.into_iter().map(|number| (actors.actor(number), number)).collect();
    others.sort_unstable();
    let mut numbers: BTreeMap<u32, u32> =
        others.iter().zip(1..).map(|((_, number), index)| (*number, index)).collect();
    numbers.insert(own, 0);
    for pred in ops.iter_mut().flat_map(|op| &mut op.preds) {
        pred.actor = numbers.get(&pred.actor).copied().unwrap_or_default();
    }
    others.into_iter().map(|(actor, _)| actor).collect()
}

fn finish(doc: DocumentId, author: Author, mut draft: Draft) -> Change {
    if author == Author::ContentNamed {
        draft.actor = Some(content_actor(doc, &draft));
    }
    draft.encode()
}
