//! Who has which changes, and in which order they arrive.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::change::Change;
use crate::ids::{ActorId, ChangeHash, DocumentId, NodeId};

/// All changes of a history, by their hashes.
#[derive(Default)]
pub(super) struct Network {
    changes: BTreeMap<ChangeHash, Sent>,
    order: Vec<ChangeHash>,
}

/// A change and the log that carries it.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) change: Change,
    pub(super) log_actor: ActorId,
}

impl Network {
    pub(super) fn send(&mut self, change: &Change, log_actor: ActorId) {
        let sent = Sent { change: change.clone(), log_actor };
        if self.changes.insert(change.hash(), sent).is_none() {
            self.order.push(change.hash());
        }
    }

    pub(super) fn get(&self, hash: &ChangeHash) -> &Sent {
        &self.changes[hash]
    }

    /// All changes in an order in which they can be applied.
    pub(super) fn all(&self) -> impl Iterator<Item = &Sent> {
        self.order.iter().map(|hash| &self.changes[hash])
    }

    /// Up to `count` changes that one replica has and another lacks, in a random order in which they can be applied.
    pub(super) fn pick(
        &self,
        random: &mut ChaCha8Rng,
        from: &BTreeSet<ChangeHash>,
        to: &BTreeSet<ChangeHash>,
        count: usize,
    ) -> Vec<ChangeHash> {
        let mut there = to.clone();
        let mut missing: Vec<ChangeHash> = from.difference(to).copied().collect();
        let mut picked = Vec::new();
        while picked.len() < count {
            let is_ready = |hash: &&ChangeHash| {
                let deps = self.changes[*hash].change.deps();
                deps.iter().all(|dep| there.contains(dep) || !self.changes.contains_key(dep))
            };
            let ready: Vec<ChangeHash> = missing.iter().filter(is_ready).copied().collect();
            let Some(hash) = ready.choose(random).copied() else {
                break;
            };
            missing.retain(|other| *other != hash);
            there.insert(hash);
            picked.push(hash);
        }
        picked
    }

    /// Takes a random change and all that builds upon it away.
    pub(super) fn without_some(&self, random: &mut ChaCha8Rng) -> BTreeSet<ChangeHash> {
        let mut gone = BTreeSet::new();
        for _ in 0..random.random_range(1..3) {
            gone.extend(self.order.choose(random));
        }
        for hash in &self.order {
            if self.changes[hash].change.deps().iter().any(|dep| gone.contains(dep)) {
                gone.insert(*hash);
            }
        }
        gone
    }
}

/// A document of its own for each history.
pub(super) fn random_document(random: &mut ChaCha8Rng) -> DocumentId {
    DocumentId::from_bytes(random.random())
}

/// Actors of different lengths that often share a beginning, so that ties are decided late.
pub(super) fn random_actors(random: &mut ChaCha8Rng, count: usize) -> Vec<ActorId> {
    let mut actors = BTreeSet::new();
    let shared: [u8; 20] = random.random();
    while actors.len() < count {
        let length = random.random_range(1..20);
        let mut bytes = shared[..length].to_vec();
        if random.random_bool(0.7) {
            let place = random.random_range(0..length);
            bytes[place] = random.random();
        }
        actors.extend(ActorId::from_bytes(&bytes));
    }
    let mut actors: Vec<_> = actors.into_iter().collect();
    rand::seq::SliceRandom::shuffle(actors.as_mut_slice(), random);
    actors
}

pub(super) fn to_automerge(change: &Change) -> Result<automerge::Change, super::Difference> {
    let parsed = automerge::Change::from_bytes(change.bytes().to_vec());
    parsed.map_err(|error| format!("automerge cannot read a change: {error}"))
}

pub(super) fn automerge_actor(actor: &ActorId) -> automerge::ActorId {
    automerge::ActorId::from(actor.as_bytes())
}

pub(super) fn automerge_heads(document: &automerge::Automerge) -> Vec<ChangeHash> {
    let heads = document.get_heads();
    heads.iter().map(|hash| ChangeHash::from_bytes(hash.0)).collect()
}

/// A key of the tree.
pub(super) fn random_key(random: &mut ChaCha8Rng) -> String {
    let node = NodeId::from_bytes([random.random_range(0..3); 16]);
    let field = ["parent", "name", "kind", "content"].choose(random);
    format!("{node}.{}", field.copied().unwrap_or_default())
}
