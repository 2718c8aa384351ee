//! Which changes a document holds and what builds upon what.
//!
//! Changes are numbered in the order in which they were applied, so what a change builds upon always has a smaller
//! number. The table is kept compact: a document that was typed in one character at a time has as many changes.

mod hash_index;
mod local;

use std::ops::Range;

use smallvec::SmallVec;

use super::ApplyError;
use super::actors::{Actors, Id};
use super::past::{Branches, Past};
use crate::change::{Change, ChangeOpId};
use crate::ids::{ActorId, ChangeHash, DocumentId, OpId, Version};

pub(crate) use self::local::LocalDeps;

use self::hash_index::HashIndex;

/// What is known of one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) actor: u32,
    /// One more than the greatest counter of everything it builds upon.
    pub(super) start_op: u32,
    pub(super) op_count: u32,
    /// Where the numbers of its dependencies begin.
    pub(super) deps_from: u32,
}

impl Record {
    /// The greatest counter of the change and of everything it builds upon.
    pub(super) fn max_op(self) -> u32 {
        self.start_op + self.op_count - 1
    }
}

/// The changes of a document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    pub(super) actors: Actors,
    pub(super) records: Vec<Record>,
    pub(super) hashes: Vec<ChangeHash>,
    pub(super) deps: Vec<u32>,
    by_hash: HashIndex,
    /// The numbers of each actor's changes in order.
    pub(super) by_actor: Vec<Vec<u32>>,
    heads: Version,
    /// The numbers of the heads in the order of their hashes.
    head_numbers: SmallVec<[u32; 2]>,
    max_op: u32,
    branches: Branches,
}

/// Numbers of changes; nearly always one.
pub(super) type Numbers = SmallVec<[u32; 2]>;

/// What a look at the graph says of a change.
pub(crate) enum Examined {
    /// The change is here.
    Known,
    /// The change builds upon these, which are not here.
    Missing(Vec<ChangeHash>),
    /// The change fits; what its operations name must still be checked against its past.
    Fits(Fit),
}

/// A change that may be admitted.
pub(crate) struct Fit {
    deps: Numbers,
    /// `None` when everything in the document is in its past.
    past: Option<Past>,
}

impl Graph {
    pub(crate) fn actors(&self) -> &Actors {
        &self.actors
    }

    pub(crate) fn heads(&self) -> &Version {
        &self.heads
    }

    /// How many changes there are.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// The greatest operation counter.
    pub(crate) fn max_op(&self) -> u32 {
        self.max_op
    }

    pub(crate) fn contains(&self, hash: &ChangeHash) -> bool {
        self.number(hash).is_some()
    }

    pub(crate) fn hashes(&self) -> &[ChangeHash] {
        &self.hashes
    }

    /// The number of an actor, which is made when the actor is new.
    pub(crate) fn intern(&mut self, actor: ActorId) -> u32 {
        let number = self.actors.intern(actor);
        if self.by_actor.len() < self.actors.len() {
            self.by_actor.resize(self.actors.len(), Vec::new());
        }
        number
    }

    /// The number that an actor has or will get.
    pub(crate) fn number_of_actor(&self, actor: &ActorId) -> u32 {
        self.actors.number(actor).unwrap_or(self.actors.len() as u32)
    }

    /// A number for an actor whose name depends on what it is about to write.
    pub(crate) fn intern_unnamed(&mut self) -> u32 {
        let number = self.actors.push_unnamed();
        self.by_actor.push(Vec::new());
        number
    }

    /// Gives the unnamed actor its name.
    pub(crate) fn name_last_actor(&mut self, actor: ActorId) {
        self.actors.name_last(actor);
    }

    /// Takes the newest actor away again when it has made no change.
    pub(crate) fn forget_unused_actor(&mut self, number: u32) {
        let is_unused = self.by_actor.last().is_some_and(Vec::is_empty);
        if number as usize + 1 == self.actors.len() && is_unused {
            self.by_actor.pop();
            self.actors.pop();
        }
    }

    /// How many changes an actor has here.
    pub(crate) fn last_seq(&self, actor: &ActorId) -> u64 {
        let changes = |number: u32| self.by_actor.get(number as usize);
        self.actors.number(actor).and_then(changes).map_or(0, |numbers| numbers.len() as u64)
    }

    /// Finds a change; most often it is a head.
    pub(super) fn number(&self, hash: &ChangeHash) -> Option<u32> {
        if let Ok(place) = self.heads.hashes().binary_search(hash) {
            return self.head_numbers.get(place).copied();
        }
        self.by_hash.candidates(hash).find(|number| self.hashes[*number as usize] == *hash)
    }

    pub(super) fn deps_of(&self, number: u32) -> &[u32] {
        let from = self.records[number as usize].deps_from as usize;
        let to =
            self.records.get(number as usize + 1).map_or(self.deps.len(), |next| next.deps_from as usize);
        &self.deps[from..to]
    }

    pub(super) fn head_numbers(&self) -> &[u32] {
        &self.head_numbers
    }

    /// Checks that whoever carries the change may, and how it fits to what is here.
    pub(crate) fn examine(
        &mut self,
        doc: DocumentId,
        change: &Change,
        log_actor: &ActorId,
    ) -> Result<Examined, ApplyError> {
        let actor = change.actor();
        if self.knows(change) {
            return Ok(Examined::Known);
        }
        if actor != *log_actor && !change.is_content_named(doc) {
            return Err(ApplyError::Author { actor, log_actor: *log_actor });
        }
        let last = self.last_seq(&actor);
        if change.seq() <= last {
            let seq = change.seq();
            return Err(ApplyError::Equivocation { actor, seq });
        }
        let all = change.deps() == self.heads.hashes();
        let deps = if all {
            self.head_numbers.clone()
        } else {
            match self.find_deps(change) {
                Ok(deps) => deps,
                Err(missing) => return Ok(Examined::Missing(missing)),
            }
        };
        if change.seq() != last + 1 {
            return Err(ApplyError::Sequence { actor, last, found: change.seq() });
        }
        let past_max_op = if all {
            self.max_op
        } else {
            let max_ops = deps.iter().map(|dep| self.records[*dep as usize].max_op());
            max_ops.max().unwrap_or(0)
        };
        if change.start_op() != u64::from(past_max_op) + 1 {
            return Err(ApplyError::StartOp {
                expected: u64::from(past_max_op) + 1,
                found: change.start_op(),
            });
        }
        let past = (!all).then(|| self.past(&deps));
        let author_outside = |past: &Past| {
            let number = self.actors.number(&actor);
            number.is_some_and(|number| past.first_outside(number).is_some())
        };
        if past.as_ref().is_some_and(author_outside) {
            return Err(ApplyError::Chain { actor });
        }
        Ok(Examined::Fits(Fit { deps, past }))
    }

    /// Tells whether exactly this change is here, which its author and number find.
    fn knows(&self, change: &Change) -> bool {
        let numbers = self.actors.number(&change.actor()).and_then(|actor| self.by_actor.get(actor as usize));
        numbers
            .and_then(|numbers| numbers.get(usize::try_from(change.seq() - 1).ok()?))
            .is_some_and(|number| self.hashes[*number as usize] == change.hash())
    }

    fn find_deps(&self, change: &Change) -> Result<Numbers, Vec<ChangeHash>> {
        let mut numbers = Numbers::new();
        let mut missing = Vec::new();
        for dep in change.deps() {
            match self.number(dep) {
                Some(number) => numbers.push(number),
                None => missing.push(*dep),
            }
        }
        if missing.is_empty() { Ok(numbers) } else { Err(missing) }
    }

    fn past(&mut self, deps: &Numbers) -> Past {
        let mut branches = std::mem::take(&mut self.branches);
        let past = branches.past(self, deps);
        self.branches = branches;
        past
    }

    /// Resolves the first of `count` consecutive ids of a change and checks that the change can have known all of
    /// them. Ids that the change itself makes are the caller's matter.
    pub(crate) fn resolve(
        &self,
        change: &Change,
        fit: &Fit,
        id: ChangeOpId,
        count: u32,
    ) -> Result<Id, ApplyError> {
        let actor = match id.actor {
            0 => change.actor(),
            other => change.others()[other as usize - 1],
        };
        let op = OpId { counter: u64::from(id.counter), actor };
        let number = self.actors.number(&actor).ok_or(ApplyError::Element { id: op })?;
        if fit
            .past
            .as_ref()
            .and_then(|past| past.first_outside(number))
            .is_some_and(|first| id.counter + count > first)
        {
            return Err(ApplyError::NotInPast { id: op });
        }
        Ok(Id { counter: id.counter, actor: number })
    }

    /// Adds a change that fits. Its author must have a number.
    pub(crate) fn admit(&mut self, change: &Change, fit: Fit) -> u32 {
        let actor = self.intern(change.actor());
        let number = self.records.len() as u32;
        self.records.push(Record {
            actor,
            start_op: change.start_op() as u32,
            op_count: change.op_count() as u32,
            deps_from: self.deps.len() as u32,
        });
        self.deps.extend_from_slice(&fit.deps);
        self.push_hash(change.hash(), number, actor);
        self.max_op = self.max_op.max(change.max_op() as u32);
        self.branches.admitted(actor, number, fit.past);
        self.advance_heads(change.deps(), change.hash(), number);
        number
    }

    fn push_hash(&mut self, hash: ChangeHash, number: u32, actor: u32) {
        self.hashes.push(hash);
        self.by_hash.push(&hash, number);
        self.by_actor[actor as usize].push(number);
    }

    fn advance_heads(&mut self, deps: &[ChangeHash], hash: ChangeHash, number: u32) {
        let hashes = self.heads.hashes();
        let mut kept = SmallVec::new();
        if hashes != deps {
            for (head, number) in hashes.iter().zip(&self.head_numbers) {
                if deps.binary_search(head).is_err() {
                    kept.push(*number);
                }
            }
        }
        self.head_numbers = kept;
        self.heads.advance(deps, hash);
        let place = self.heads.hashes().partition_point(|head| *head < hash);
        self.head_numbers.insert(place, number);
    }

    /// Whether changes that are here made all operations of an actor from one counter up to another, which is not
    /// among them.
    pub(crate) fn has_made(&self, actor: u32, counters: Range<u32>) -> bool {
        let Some(of_actor) = self.by_actor.get(actor as usize) else { return false };
        let record = |number: &u32| self.records[*number as usize];
        let first = of_actor.partition_point(|number| record(number).max_op() < counters.start);
        let mut next = counters.start;
        for record in of_actor[first..].iter().map(record) {
            if next >= counters.end || record.start_op > next {
                break;
            }
            next = record.max_op() + 1;
        }
        next >= counters.end
    }

    /// Puts back together what a snapshot has kept; `None` when the parts do not fit each other.
    pub(super) fn restore(
        actors: Vec<ActorId>,
        records: Vec<Record>,
        hashes: Vec<ChangeHash>,
        deps: Vec<u32>,
    ) -> Option<Self> {
        let mut graph = Self::default();
        let actor_count = actors.len();
        for actor in actors {
            graph.intern(actor);
        }
        let mut is_head = vec![true; records.len()];
        for dep in &deps {
            *is_head.get_mut(*dep as usize)? = false;
        }
        for (number, record) in records.iter().enumerate() {
            let of_actor = graph.by_actor.get_mut(record.actor as usize)?;
            let before = of_actor.last().map(|last| records[*last as usize].max_op());
            if before.is_some_and(|before| record.start_op <= before) {
                return None;
            }
            of_actor.push(number as u32);
            graph.max_op = graph.max_op.max(record.max_op());
        }
        let mut heads: Vec<_> = (0..records.len())
            .filter(|number| is_head[*number])
            .map(|number| (hashes[number], number as u32))
            .collect();
        heads.sort_unstable();
        graph.heads = Version::new(heads.iter().map(|(hash, _)| *hash));
        graph.head_numbers = heads.iter().map(|(_, number)| *number).collect();
        graph.by_hash = HashIndex::of(&hashes);
        let fits = graph.actors.len() == actor_count
            && graph.heads.hashes().len() == heads.len()
            && hashes.len() == records.len();
        graph.records = records;
        graph.hashes = hashes;
        graph.deps = deps;
        fits.then_some(graph)
    }
}
