//! What a change can have known: everything that it builds upon, directly or not.
//!
//! The changes of one actor form a chain, so the past of a change is one bound for each actor. A change that names
//! something at or above the bound would be applied here and refused where that has not arrived yet.

use std::collections::BTreeMap;

use super::actors::Id;
use super::graph::{Graph, Numbers};
use crate::change::Change;

/// The past of a change, told by what is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// For each actor with a change outside of the past, the first counter of the first such change.
    outside: BTreeMap<u32, u32>,
}

impl Past {
    /// The first counter of an actor that is not in the past; `None` when all of the actor's changes are in it.
    pub(crate) fn first_outside(&self, actor: u32) -> Option<u32> {
        self.outside.get(&actor).copied()
    }

    fn note_outside(&mut self, actor: u32, start_op: u32) {
        let first = self.outside.entry(actor).or_insert(start_op);
        *first = start_op.min(*first);
    }
}

/// The pasts of the last changes of each actor, kept so that a long branch costs a step for each change and not a
/// walk through everything beside it.
#[derive(Debug, Clone, Default)]
pub(super) struct Branches {
    /// By the number of the actor who made the last change of the branch.
    by_actor: Vec<Option<Branch>>,
}

#[derive(Debug, Clone)]
struct Branch {
    /// The last change.
    tip: u32,
    /// Changes from this number on have not been looked at yet.
    seen: u32,
    /// The past of a change that builds upon the last one alone.
    past: Past,
}

impl Branch {
    /// Takes in what was applied since: it cannot be in the past of the tip.
    fn update(&mut self, graph: &Graph) {
        for record in graph.records.get(self.seen as usize..).unwrap_or_default() {
            self.past.note_outside(record.actor, record.start_op);
        }
        self.seen = graph.records.len() as u32;
    }
}

impl Graph {
    /// Tells whether a change that is here was made by somebody who did not have that character or register.
    pub(crate) fn is_unknown_to(&self, change: &Change, id: Id) -> bool {
        let deps: Numbers = change.deps().iter().filter_map(|dep| self.number(dep)).collect();
        walk(self, &deps).first_outside(id.actor).is_some_and(|first| first <= id.counter)
    }
}

impl Branches {
    /// The past of a change that builds upon `deps`.
    pub(super) fn past(&mut self, graph: &Graph, deps: &Numbers) -> Past {
        // Branches of several tips meet where all of them have their bounds.
        let mut past: Option<Past> = None;
        for dep in deps {
            let branch = match self.take(graph, *dep) {
                Some(mut branch) => {
                    branch.update(graph);
                    branch
                }
                None if deps.len() == 1 => {
                    Branch { tip: *dep, seen: graph.records.len() as u32, past: walk(graph, deps) }
                }
                None => return walk(graph, deps),
            };
            past = Some(match past {
                None => branch.past.clone(),
                Some(past) => meet(past, &branch.past),
            });
            self.put(graph, branch);
        }
        past.unwrap_or_else(|| walk(graph, deps))
    }

    /// Notes the past of a change that was applied as number `number`; `None` stands for everything.
    pub(super) fn admitted(&mut self, actor: u32, number: u32, past: Option<Past>) {
        let actor = actor as usize;
        if self.by_actor.len() <= actor {
            self.by_actor.resize(actor + 1, None);
        }
        self.by_actor[actor] = Some(Branch { tip: number, seen: number + 1, past: past.unwrap_or_default() });
    }

    fn take(&mut self, graph: &Graph, tip: u32) -> Option<Branch> {
        let actor = graph.records[tip as usize].actor;
        self.by_actor.get_mut(actor as usize)?.take_if(|branch| branch.tip == tip)
    }

    fn put(&mut self, graph: &Graph, branch: Branch) {
        let actor = graph.records[branch.tip as usize].actor as usize;
        if self.by_actor.len() <= actor {
            self.by_actor.resize(actor + 1, None);
        }
        // What is kept for the actor's newest change is worth more than what is kept for an older one.
        self.by_actor[actor].get_or_insert(branch);
    }
}

/// The past of a change that builds upon both: what is outside of it is outside of each.
fn meet(left: Past, right: &Past) -> Past {
    let outside = left
        .outside
        .into_iter()
        .filter_map(|(actor, first)| Some((actor, first.max(right.first_outside(actor)?))))
        .collect();
    Past { outside }
}

/// Walks back from the heads until only what `deps` build upon is left. Costs as much as lies beside them.
fn walk(graph: &Graph, deps: &Numbers) -> Past {
    let mut past = Past::default();
    // Whether a change was reached from the dependencies; the last entry has the greatest number.
    let mut open: BTreeMap<u32, bool> = BTreeMap::new();
    open.extend(graph.head_numbers().iter().map(|head| (*head, false)));
    open.extend(deps.iter().map(|dep| (*dep, true)));
    let mut outside_open = open.values().filter(|reached| !**reached).count();
    while outside_open > 0
        && let Some((number, reached)) = open.pop_last()
    {
        if !reached {
            outside_open -= 1;
            let record = graph.records[number as usize];
            past.note_outside(record.actor, record.start_op);
        }
        for dep in graph.deps_of(number) {
            match open.get_mut(dep) {
                Some(known) if reached && !*known => {
                    *known = true;
                    outside_open -= 1;
                }
                Some(_) => {}
                None => {
                    open.insert(*dep, reached);
                    outside_open += usize::from(!reached);
                }
            }
        }
    }
    past
}
