//! Changes of others on a text: first everything is checked, then everything is done.

use smallvec::SmallVec;

use super::TextDocument;
use crate::change::{Change, ChangeOpId, Ops, TextOp, TextOps};
use crate::document::ApplyError;
use crate::document::actors::Id;
use crate::document::graph::{Examined, Fit};
use crate::ids::{ActorId, ChangeHash, OpId};
use crate::text::{IdRun, Patch, Patches, Typed};

/// What became of a change that was given to a [`TextDocument`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The change is now part of the document; the patches bring a copy of the text up to date.
    Applied(Vec<Patch>),
    /// The change was part of the document before.
    Known,
    /// Nothing happened: the change builds upon these, which are not here. Give it again when they are.
    Missing(Vec<ChangeHash>),
}

/// A run of operations with the document's numbers for actors.
#[derive(Debug, Clone)]
pub(super) enum ResolvedOp<'a> {
    Insert { after: Option<Id>, count: u32, text: &'a str },
    Delete(IdRun),
}

type ResolvedOps<'a> = SmallVec<[ResolvedOp<'a>; 2]>;

impl TextDocument {
    /// Applies a change that came in the log of `log_actor`.
    ///
    /// An error means that the change can never be part of this document. Unless the answer is [`Applied::Applied`],
    /// the document is as it was before.
    pub fn apply(&mut self, change: &Change, log_actor: &ActorId) -> Result<Applied, ApplyError> {
        let text_ops = match change.ops() {
            Ops::Nothing => None,
            Ops::Text(text) => Some(text),
            Ops::Registers(_) | Ops::Genesis(_) => return Err(ApplyError::Kind),
        };
        let fit = match self.graph.examine(self.id, change, log_actor)? {
            Examined::Known => return Ok(Applied::Known),
            Examined::Missing(missing) => return Ok(Applied::Missing(missing)),
            Examined::Fits(fit) => fit,
        };
        let actor = self.graph.number_of_actor(&change.actor());
        let resolved = match text_ops {
            Some(text) => Resolver::new(self, change, &fit, actor).resolve(text)?,
            None => ResolvedOps::new(),
        };
        self.graph.intern(change.actor());
        let is_newest = change.start_op() > u64::from(self.graph.max_op());
        let patches = self.perform(change, actor, &resolved, is_newest);
        self.graph.admit(change, fit);
        Ok(Applied::Applied(patches))
    }

    fn perform(
        &mut self,
        change: &Change,
        actor: u32,
        ops: &[ResolvedOp<'_>],
        is_newest: bool,
    ) -> Vec<Patch> {
        let mut patches = Patches::default();
        let mut counter = change.start_op() as u32;
        for op in ops {
            counter += match op {
                ResolvedOp::Insert { after, count, text } => {
                    let typed = Typed { after: *after, id: Id { counter, actor }, count: *count, text };
                    self.text.insert(self.graph.actors(), &typed, is_newest, &mut patches);
                    *count
                }
                ResolvedOp::Delete(ids) => {
                    self.text.delete(*ids, &mut patches);
                    ids.count
                }
            };
        }
        patches.into_vec()
    }

    /// Adds a change that was made here of ids that are known to exist.
    pub(super) fn apply_own(&mut self, change: &Change, fit: Fit) -> Vec<Patch> {
        let actor = self.graph.number_of_actor(&change.actor());
        let resolved = match change.ops() {
            Ops::Text(text) => Resolver::new(self, change, &fit, actor)
                .resolve(text)
                .expect("a change that was made of known ids"),
            _ => ResolvedOps::new(),
        };
        self.graph.intern(change.actor());
        let patches = self.perform(change, actor, &resolved, true);
        self.graph.admit(change, fit);
        patches
    }
}

/// Checks the ids that a change names and replaces its numbers of actors by the document's.
struct Resolver<'a, 'c> {
    document: &'a TextDocument,
    change: &'c Change,
    fit: &'a Fit,
    actor: u32,
    /// The characters that the change itself has made so far, as ranges of counters.
    made: SmallVec<[(u32, u32); 4]>,
}

impl<'a, 'c> Resolver<'a, 'c> {
    fn new(document: &'a TextDocument, change: &'c Change, fit: &'a Fit, actor: u32) -> Self {
        Self { document, change, fit, actor, made: SmallVec::new() }
    }

    fn resolve(mut self, text: &TextOps) -> Result<ResolvedOps<'c>, ApplyError> {
        let graph = &self.document.graph;
        let object = graph.resolve(self.change, self.fit, text.object, 1);
        if object.ok() != Some(self.document.object) {
            return Err(ApplyError::Object);
        }
        let mut resolved = ResolvedOps::new();
        let mut counter = self.change.start_op() as u32;
        for op in &text.ops {
            match op {
                TextOp::Insert { after, text, count } => {
                    let after = after.map(|after| self.existing(after, 1)).transpose()?;
                    resolved.push(ResolvedOp::Insert { after, count: *count, text: self.change.text(text) });
                    self.made.push((counter, counter + count));
                }
                TextOp::Delete { first, count } => self.delete(*first, *count, &mut resolved)?,
            }
            counter += op.count();
        }
        Ok(resolved)
    }

    /// A run of deletions may begin in the author's older text and go on in what this change has made.
    fn delete(
        &self,
        first: ChangeOpId,
        count: u32,
        resolved: &mut ResolvedOps<'c>,
    ) -> Result<(), ApplyError> {
        let start_op = self.change.start_op() as u32;
        let older = if first.actor == 0 { start_op.saturating_sub(first.counter).min(count) } else { count };
        let newer = ChangeOpId { counter: first.counter + older, ..first };
        for (first, count) in [(first, older), (newer, count - older)] {
            if count > 0 {
                let first = self.existing(first, count)?;
                resolved.push(ResolvedOp::Delete(IdRun { first, count }));
            }
        }
        Ok(())
    }

    /// Checks that ids are characters which the change can have known.
    fn existing(&self, first: ChangeOpId, count: u32) -> Result<Id, ApplyError> {
        if first.actor == 0 && u64::from(first.counter) >= self.change.start_op() {
            return self.made_here(first, count);
        }
        let first = self.document.graph.resolve(self.change, self.fit, first, count)?;
        if self.document.text.index.contains(IdRun { first, count }) {
            Ok(first)
        } else {
            Err(self.not_an_element(first))
        }
    }

    fn made_here(&self, first: ChangeOpId, count: u32) -> Result<Id, ApplyError> {
        let id = Id { counter: first.counter, actor: self.actor };
        let mut next = first.counter;
        let end = first.counter + count;
        while next < end {
            let place = self.made.partition_point(|(_, end)| *end <= next);
            match self.made.get(place) {
                Some((start, end)) if *start <= next => next = *end,
                _ => return Err(self.not_an_element(id)),
            }
        }
        Ok(id)
    }

    fn not_an_element(&self, id: Id) -> ApplyError {
        let actor = if id.actor == self.actor {
            self.change.actor()
        } else {
            self.document.graph.actors().actor(id.actor)
        };
        ApplyError::Element { id: OpId { counter: u64::from(id.counter), actor } }
    }
}
