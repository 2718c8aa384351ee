//! The authors of one document, numbered in order of arrival.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::ids::{ActorId, OpId};

/// An operation id inside of one document: the actor is a number of the document's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) counter: u32,
    pub(crate) actor: u32,
}

#[cfg(test)]
thread_local! {
    /// Turns the rule for ties around, to prove that the tests would notice.
    pub(crate) static REVERSED_TIES: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// The authors of a document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Actors {
    by_number: Vec<ActorId>,
    numbers: BTreeMap<ActorId, u32>,
}

impl Actors {
    pub(crate) fn len(&self) -> usize {
        self.by_number.len()
    }

    pub(crate) fn number(&self, actor: &ActorId) -> Option<u32> {
        self.numbers.get(actor).copied()
    }

    pub(crate) fn actor(&self, number: u32) -> ActorId {
        self.by_number[number as usize]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ActorId> {
        self.by_number.iter()
    }

    /// The number of an actor, which is made when the actor is new.
    pub(crate) fn intern(&mut self, actor: ActorId) -> u32 {
        if let Some(number) = self.number(&actor) {
            return number;
        }
        let number = self.by_number.len() as u32;
        self.by_number.push(actor);
        self.numbers.insert(actor, number);
        number
    }

    /// Makes a number for an actor that has no name yet. Until it has one its ids must not be compared.
    pub(crate) fn push_unnamed(&mut self) -> u32 {
        self.by_number.push(ActorId::from([0; 16]));
        self.by_number.len() as u32 - 1
    }

    /// Gives the unnamed actor its name.
    pub(crate) fn name_last(&mut self, actor: ActorId) {
        if let Some(last) = self.by_number.last_mut() {
            *last = actor;
            let number = self.by_number.len() as u32 - 1;
            self.numbers.insert(actor, number);
        }
    }

    /// Takes the last actor away.
    pub(crate) fn pop(&mut self) {
        if let Some(last) = self.by_number.pop()
            && self.numbers.get(&last) == Some(&(self.by_number.len() as u32))
        {
            self.numbers.remove(&last);
        }
    }

    /// Which of two ids is the greater one: counters decide, then actors as byte strings.
    ///
    /// The bytes are compared here rather than a rank kept for each actor, because counters rarely tie and new actors
    /// would change all ranks.
    pub(crate) fn compare(&self, left: Id, right: Id) -> Ordering {
        left.counter.cmp(&right.counter).then_with(|| self.compare_actors(left.actor, right.actor))
    }

    fn compare_actors(&self, left: u32, right: u32) -> Ordering {
        if left == right {
            return Ordering::Equal;
        }
        let order = self.by_number[left as usize].cmp(&self.by_number[right as usize]);
        #[cfg(test)]
        let order = if REVERSED_TIES.get() { order.reverse() } else { order };
        order
    }

    pub(crate) fn op_id(&self, id: Id) -> OpId {
        OpId { counter: u64::from(id.counter), actor: self.actor(id.actor) }
    }

    pub(crate) fn id(&self, op: &OpId) -> Option<Id> {
        Some(Id { counter: u32::try_from(op.counter).ok()?, actor: self.number(&op.actor)? })
    }
}
