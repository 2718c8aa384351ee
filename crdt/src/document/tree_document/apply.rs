//! Changes of others on a document of registers.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use super::TreeDocument;
use crate::change::{Change, ChangeOpId, Ops, RegisterOp};
use crate::document::ApplyError;
use crate::document::actors::Id;
use crate::document::graph::{Examined, Fit};
use crate::ids::{ActorId, ChangeHash, OpId};

/// What became of a change that was given to a [`TreeDocument`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeApplied {
    /// The change is now part of the document.
    Applied {
        /// The keys that the change wrote, in order, each once.
        changed_keys: Vec<String>,
    },
    /// The change was part of the document before.
    Known,
    /// Nothing happened: the change builds upon these, which are not here. Give it again when they are.
    Missing(Vec<ChangeHash>),
}

impl TreeDocument {
    /// Applies a change that came in the log of `log_actor`.
    ///
    /// An error means that the change can never be part of this document. Unless the answer is
    /// [`TreeApplied::Applied`], the document is as it was before.
    pub fn apply(&mut self, change: &Change, log_actor: &ActorId) -> Result<TreeApplied, ApplyError> {
        let ops: &[RegisterOp] = match change.ops() {
            Ops::Nothing => &[],
            Ops::Registers(ops) => ops,
            Ops::Text(_) | Ops::Genesis(_) => return Err(ApplyError::Kind),
        };
        let fit = match self.graph.examine(self.id, change, log_actor)? {
            Examined::Known => return Ok(TreeApplied::Known),
            Examined::Missing(missing) => return Ok(TreeApplied::Missing(missing)),
            Examined::Fits(fit) => fit,
        };
        let preds = self.resolve_preds(change, ops, &fit)?;
        let actor = self.graph.intern(change.actor());
        let changed_keys = self.write(change, ops, preds, actor);
        self.graph.admit(change, fit);
        Ok(TreeApplied::Applied { changed_keys })
    }

    /// Finds the writes that the change succeeds, before anything is touched. `None` stands for a write of the change
    /// itself.
    fn resolve_preds(&self, change: &Change, ops: &[RegisterOp], fit: &Fit) -> Result<Vec<Pred>, ApplyError> {
        let mut preds = Vec::new();
        for op in ops {
            for pred in &op.preds {
                preds.push(self.resolve_pred(change, ops, fit, op, *pred)?);
            }
        }
        Ok(preds)
    }

    fn resolve_pred(
        &self,
        change: &Change,
        ops: &[RegisterOp],
        fit: &Fit,
        op: &RegisterOp,
        pred: ChangeOpId,
    ) -> Result<Pred, ApplyError> {
        let start_op = change.start_op() as u32;
        if pred.actor == 0 && pred.counter >= start_op {
            let made = ops.get((pred.counter - start_op) as usize);
            return if made.is_some_and(|made| made.key == op.key && made.value.is_some()) {
                Ok(Pred::Own(pred.counter))
            } else {
                Err(ApplyError::Element {
                    id: OpId { counter: u64::from(pred.counter), actor: change.actor() },
                })
            };
        }
        let id = self.graph.resolve(change, fit, pred, 1)?;
        if self.registers.has_write(&op.key, id) {
            Ok(Pred::Earlier(id))
        } else {
            Err(ApplyError::Element { id: self.graph.actors().op_id(id) })
        }
    }

    fn write(&mut self, change: &Change, ops: &[RegisterOp], preds: Vec<Pred>, actor: u32) -> Vec<String> {
        let mut changed_keys = BTreeSet::new();
        let mut preds = preds.into_iter();
        for (counter, op) in (change.start_op() as u32..).zip(ops) {
            let preds: SmallVec<[Id; 2]> = preds
                .by_ref()
                .take(op.preds.len())
                .map(|pred| match pred {
                    Pred::Own(counter) => Id { counter, actor },
                    Pred::Earlier(id) => id,
                })
                .collect();
            let id = Id { counter, actor };
            self.registers.apply(self.graph.actors(), &op.key, id, op.value.clone(), &preds);
            changed_keys.insert(op.key.clone());
        }
        changed_keys.into_iter().collect()
    }

    /// Adds a change that was just made here from edits whose predecessors are the surviving writes.
    pub(super) fn admit_own(&mut self, change: &Change, fit: Fit) -> Vec<String> {
        let ops: &[RegisterOp] = match change.ops() {
            Ops::Registers(ops) => ops,
            _ => &[],
        };
        let preds =
            self.resolve_preds(change, ops, &fit).expect("a change that was made of surviving writes");
        let actor = self.graph.intern(change.actor());
        let changed_keys = self.write(change, ops, preds, actor);
        self.graph.admit(change, fit);
        changed_keys
    }
}

/// A write that another one takes the place of.
enum Pred {
    /// A write of the same change.
    Own(u32),
    Earlier(Id),
}
