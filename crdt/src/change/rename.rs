//! Changes that are written again under a new name, so that what was typed in them is not lost when they are dropped.
//!
//! The log of a device may have been continued twice. One branch counts; the changes of the other, and what others made
//! that builds upon them, cannot stay as they are, because two different changes of one author and number must not
//! meet in a document. Everybody who drops such a change writes it again as a content-named one: equal bytes
//! everywhere, so that it merges once.

mod past;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use smallvec::SmallVec;

use self::past::Pasts;
use super::op::{ChangeOpId, Genesis, Ops, RegisterOp, TextOp, TextOps};
use super::{Change, ChangeError, Draft, content_actor};
use crate::ids::{ActorId, ChangeHash, DocumentId};

/// Says why a change cannot be written again under a new name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RenameError {
    /// The change builds upon one that comes after it in what was given.
    #[error("the change builds upon {dependency}, which comes after it")]
    Order {
        /// The change that comes too late.
        dependency: ChangeHash,
    },
    /// The change builds upon one that cannot be renamed.
    #[error("the change builds upon {dependency}, which cannot have a new name")]
    Dependency {
        /// The change that cannot be renamed.
        dependency: ChangeHash,
    },
    /// Under its new name the change would not be one that others accept: it would exceed a limit, because what it
    /// names is of more authors now, or it was none before.
    #[error("the change is not valid under a new name")]
    Change(#[from] ChangeError),
}

/// Writes changes of one document again as content-named ones: with the same operations on the same places, but by
/// nobody in particular.
///
/// `changes` are in an order in which each comes after those among them that it builds upon; what else they build upon
/// keeps its name. The answer has for each of them, in the same order, its new form or why it has none; one that has
/// none costs only those that build upon it. The counters of operations stay as they are. Wherever a change builds upon
/// or names what one of `changes` in its past has made, it builds upon or names what the new form has made.
///
/// The new form is a function of the document, of the change and of those of `changes` that it builds upon, whatever
/// else is given and in which order: all devices get equal bytes. A content-named change that builds upon none of the
/// others comes out as itself. Two people's changes that do the same on the same state become one, as equal saves do.
pub fn rename_changes(document: DocumentId, changes: &[Change]) -> Vec<Result<Change, RenameError>> {
    let mut renamer = Renamer::new(document, changes);
    for change in changes {
        let before = renamer.dependencies(change);
        let renamed = renamer.rename(change, &before);
        renamer.pasts.push(&before);
        renamer.renamed.push(renamed);
    }
    renamer.renamed
}

/// The operations that one of the changes made.
#[derive(Debug, Clone, Copy)]
struct Made {
    /// The first counter, and the one behind the last.
    from: u32,
    to: u32,
    /// The greatest `to` of this and of all that begin before it.
    greatest_to: u32,
    change: usize,
}

struct Renamer {
    document: DocumentId,
    places: BTreeMap<ChangeHash, usize>,
    /// By author, in ascending order of their first counters.
    made: BTreeMap<ActorId, Vec<Made>>,
    pasts: Pasts,
    renamed: Vec<Result<Change, RenameError>>,
}

/// Who has made a run of operations: one of the changes, or none of them.
struct Maker {
    change: Option<usize>,
    /// The counter up to which that holds.
    until: u32,
}

impl Renamer {
    fn new(document: DocumentId, changes: &[Change]) -> Self {
        let mut places = BTreeMap::new();
        let mut made: BTreeMap<ActorId, Vec<Made>> = BTreeMap::new();
        for (place, change) in changes.iter().enumerate() {
            places.entry(change.hash()).or_insert(place);
            if change.op_count() > 0 {
                let (from, to) = (change.start_op() as u32, change.max_op() as u32 + 1);
                let of_actor = made.entry(change.actor()).or_default();
                of_actor.push(Made { from, to, greatest_to: to, change: place });
            }
        }
        for of_actor in made.values_mut() {
            of_actor.sort_by_key(|made| made.from);
            let mut greatest_to = 0;
            for made in of_actor {
                greatest_to = made.to.max(greatest_to);
                made.greatest_to = greatest_to;
            }
        }
        Self { document, places, made, pasts: Pasts::default(), renamed: Vec::new() }
    }

    /// Those of the changes that are renamed already and that a change directly builds upon.
    fn dependencies(&self, change: &Change) -> SmallVec<[usize; 2]> {
        let places = change.deps().iter().filter_map(|dep| self.places.get(dep).copied());
        places.filter(|place| *place < self.renamed.len()).collect()
    }

    fn rename(&mut self, change: &Change, before: &[usize]) -> Result<Change, RenameError> {
        let deps = self.rename_deps(change)?;
        let mut names = Names::new();
        let mut ops = match change.ops() {
            Ops::Nothing => Ops::Nothing,
            Ops::Text(text) => Ops::Text(self.rename_text(change, text, before, &mut names)),
            Ops::Genesis(genesis) => Ops::Genesis(Genesis {
                key: genesis.key.clone(),
                edits: self.rename_text(change, &genesis.edits, before, &mut names),
            }),
            Ops::Registers(ops) => Ops::Registers(self.rename_registers(change, ops, before, &mut names)),
        };
        let others = names.settle(&mut ops);
        let mut draft = Draft {
            deps,
            actor: None,
            seq: 1,
            start_op: change.start_op() as u32,
            time: 0,
            others,
            ops,
            values: change.values().to_vec(),
        };
        draft.actor = Some(content_actor(self.document, &draft));
        // Read as if it came from somebody else, so that nobody else can refuse what is accepted here.
        Ok(Change::parse(draft.encode().bytes())?)
    }

    fn rename_deps(&self, change: &Change) -> Result<SmallVec<[ChangeHash; 1]>, RenameError> {
        let mut deps: SmallVec<[ChangeHash; 1]> = SmallVec::new();
        for &dependency in change.deps() {
            deps.push(match self.places.get(&dependency).map(|place| self.renamed.get(*place)) {
                None => dependency,
                Some(Some(Ok(renamed))) => renamed.hash(),
                Some(Some(Err(_))) => return Err(RenameError::Dependency { dependency }),
                Some(None) => return Err(RenameError::Order { dependency }),
            });
        }
        deps.sort_unstable();
        // Different changes that do the same have one new form.
        deps.dedup();
        Ok(deps)
    }

    fn rename_text(
        &mut self,
        change: &Change,
        text: &TextOps,
        before: &[usize],
        names: &mut Names,
    ) -> TextOps {
        let mut ops = SmallVec::new();
        for op in &text.ops {
            match op {
                TextOp::Insert { after, text, count } => {
                    let after = after.map(|id| self.rename_id(change, id, before, names).0);
                    ops.push(TextOp::Insert { after, text: text.clone(), count: *count });
                }
                TextOp::Delete { first, count } => {
                    let mut next = *first;
                    let end = first.counter + count;
                    // What was a run of one author's characters may be of several now.
                    while next.counter < end {
                        let (first, until) = self.rename_id(change, next, before, names);
                        let until = until.min(end);
                        ops.push(TextOp::Delete { first, count: until - next.counter });
                        next.counter = until;
                    }
                }
            }
        }
        let (object, _) = self.rename_id(change, text.object, before, names);
        TextOps { object, ops }
    }

    fn rename_registers(
        &mut self,
        change: &Change,
        ops: &[RegisterOp],
        before: &[usize],
        names: &mut Names,
    ) -> Vec<RegisterOp> {
        let mut renamed = Vec::with_capacity(ops.len());
        for op in ops {
            let preds = op.preds.iter().map(|pred| self.rename_id(change, *pred, before, names).0).collect();
            renamed.push(RegisterOp { key: op.key.clone(), value: op.value.clone(), preds });
        }
        renamed
    }

    /// The new name of an operation that a change names, and the counter up to which those behind it are of the same
    /// author.
    fn rename_id(
        &mut self,
        change: &Change,
        id: ChangeOpId,
        before: &[usize],
        names: &mut Names,
    ) -> (ChangeOpId, u32) {
        let start_op = change.start_op() as u32;
        if id.actor == 0 && id.counter >= start_op {
            return (id, u32::MAX);
        }
        let (actor, own_from) = match id.actor {
            0 => (change.actor(), start_op),
            other => (change.others()[other as usize - 1], u32::MAX),
        };
        let maker = self.maker(&actor, id.counter, before);
        let renamed = maker.change.and_then(|place| self.renamed[place].as_ref().ok());
        let actor = names.number(renamed.map_or(actor, Change::actor));
        (ChangeOpId { actor, ..id }, maker.until.min(own_from))
    }

    /// Which of the changes that a change builds upon has made an operation; `before` are those it names itself.
    ///
    /// An author who continued a log twice has made different operations under one name, of which only one can be in
    /// the past of whoever names it.
    fn maker(&mut self, actor: &ActorId, counter: u32, before: &[usize]) -> Maker {
        let Some(of_actor) = self.made.get(actor) else {
            return Maker { change: None, until: u32::MAX };
        };
        let behind = of_actor.partition_point(|made| made.from <= counter);
        let candidates = of_actor[..behind].iter().rev().take_while(|made| made.greatest_to > counter);
        for made in candidates.filter(|made| made.to > counter) {
            if self.pasts.holds(before, made.change) {
                return Maker { change: Some(made.change), until: made.to };
            }
        }
        Maker { change: None, until: of_actor.get(behind).map_or(u32::MAX, |next| next.from) }
    }
}

/// The authors that the operations of one new form name, numbered from 1 on in order of appearance.
struct Names {
    numbers: BTreeMap<ActorId, u32>,
}

impl Names {
    fn new() -> Self {
        Self { numbers: BTreeMap::new() }
    }

    fn number(&mut self, actor: ActorId) -> u32 {
        let next = self.numbers.len() as u32 + 1;
        *self.numbers.entry(actor).or_insert(next)
    }

    /// Numbers the authors in their order, as a change must have them, and gives them.
    fn settle(self, ops: &mut Ops) -> SmallVec<[ActorId; 2]> {
        let mut settled = vec![0; self.numbers.len() + 1];
        for (number, place) in self.numbers.values().zip(1..) {
            settled[*number as usize] = place;
        }
        let settle = |id: &mut ChangeOpId| id.actor = settled[id.actor as usize];
        match ops {
            Ops::Nothing => {}
            Ops::Text(text) => settle_text(text, settle),
            Ops::Genesis(genesis) => settle_text(&mut genesis.edits, settle),
            Ops::Registers(ops) => {
                for op in ops {
                    op.preds.iter_mut().for_each(&settle);
                    // Only the change's own operations have the number 0, and their counters are nobody else's.
                    op.preds.sort_unstable_by_key(|pred| (pred.counter, pred.actor));
                    op.preds.dedup();
                }
            }
        }
        self.numbers.into_keys().collect()
    }
}

fn settle_text(text: &mut TextOps, settle: impl Fn(&mut ChangeOpId)) {
    settle(&mut text.object);
    for op in &mut text.ops {
        match op {
            TextOp::Insert { after, .. } => after.iter_mut().for_each(&settle),
            TextOp::Delete { first, .. } => settle(first),
        }
    }
}
