//! What a change that is made here builds upon.

use smallvec::SmallVec;

use super::{Fit, Graph};
use crate::change::Author;
use crate::ids::ChangeHash;
use crate::limits::CHANGE_DEPS_MAX;

/// See [`Graph::local_deps`].
pub(crate) struct LocalDeps {
    pub(crate) deps: SmallVec<[ChangeHash; 1]>,
    /// Whether all heads are in it.
    pub(crate) all: bool,
}

impl Graph {
    /// What a change that is made here and now builds upon: all heads, as many as a change may name.
    ///
    /// When there are more, the author joins some of them first and asks again. Its own last change comes along, so
    /// that the chain holds for a change that leaves heads out.
    pub(crate) fn local_deps(&self, author: &Author) -> LocalDeps {
        let heads = self.heads.hashes();
        if heads.len() <= CHANGE_DEPS_MAX {
            return LocalDeps { deps: heads.into(), all: true };
        }
        let own = match author {
            Author::Session(actor) => self
                .actors
                .number(actor)
                .and_then(|number| self.by_actor[number as usize].last())
                .map(|number| self.hashes[*number as usize]),
            Author::ContentNamed => None,
        };
        let mut deps: SmallVec<[ChangeHash; 1]> = own.into_iter().collect();
        let others = heads.iter().filter(|head| Some(**head) != own);
        deps.extend(others.take(CHANGE_DEPS_MAX - deps.len()).copied());
        deps.sort_unstable();
        LocalDeps { deps, all: false }
    }

    /// The counter that the operations of a change on these dependencies begin with.
    pub(crate) fn local_start_op(&self, deps: &[ChangeHash]) -> u32 {
        if deps == self.heads.hashes() {
            return self.max_op + 1;
        }
        let numbers = deps.iter().filter_map(|dep| self.number(dep));
        let max_ops = numbers.map(|dep| self.records[dep as usize].max_op());
        max_ops.max().unwrap_or(0) + 1
    }

    /// A fit for a change that was made here with dependencies from [`Graph::local_deps`].
    pub(crate) fn local_fit(&mut self, deps: &[ChangeHash]) -> Fit {
        if deps == self.heads.hashes() {
            return Fit { deps: self.head_numbers.clone(), past: None };
        }
        let deps = deps.iter().filter_map(|dep| self.number(dep)).collect();
        let past = Some(self.past(&deps));
        Fit { deps, past }
    }
}
