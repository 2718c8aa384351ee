//! What must hold when the network is whole and all is at rest.

use std::collections::{BTreeMap, BTreeSet};

use weft_sync::{Entry, EntryRef, Kind};

use crate::node::CANARY;
use crate::world::{World, holds};

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Everything that is wrong; empty when all is well.
    pub wrong: Vec<String>,
    /// Entries in the workspace.
    pub entries: usize,
    /// How often a Data entry came to a device that it had to come to, on average.
    pub copies: f64,
    /// The same of all other entries.
    pub control_copies: f64,
    /// Bytes of all frames.
    pub wire_bytes: u64,
}

impl World {
    /// Compares all devices.
    #[must_use]
    pub fn check(&self) -> Verdict {
        let mut wrong = Vec::new();
        self.check_vectors(&mut wrong);
        self.check_content(&mut wrong);
        self.check_acknowledged(&mut wrong);
        self.check_secrecy(&mut wrong);
        for (index, node) in self.members().map(|index| (index, &self.nodes[index])) {
            if node.forks > 0 {
                wrong.push(format!("device {index} reports {} forks", node.forks));
            }
        }
        let entries = self.nodes[0].store.len();
        let average =
            |copies: &BTreeMap<_, u32>| f64::from(copies.values().sum::<u32>()) / copies.len().max(1) as f64;
        Verdict {
            wrong,
            entries,
            copies: average(&self.copies),
            control_copies: average(&self.control_copies),
            wire_bytes: self.wire_bytes,
        }
    }

    fn check_vectors(&self, wrong: &mut Vec<String>) {
        let first = self.nodes[0].store.vector();
        for (index, node) in self.members().map(|index| (index, &self.nodes[index])) {
            let vector = node.store.vector();
            let differing = first
                .keys()
                .chain(vector.keys())
                .filter(|log| first.get(*log) != vector.get(*log))
                .collect::<BTreeSet<_>>();
            for log in differing {
                let (ours, theirs) = (first.get(log), vector.get(log));
                wrong.push(format!("of {log:?} device 0 holds {ours:?} and device {index} {theirs:?}"));
            }
            if let Some(replica) = &node.replica {
                let status = replica.sync_status();
                let void = status.void > 0 && self.removed.is_empty();
                let waits = status.is_quiet() && !void && status.held_back.is_empty();
                if !waits {
                    wrong.push(format!("device {index} is not done: {status:?}"));
                }
            }
        }
    }

    fn check_content(&self, wrong: &mut Vec<String>) {
        let counting = self.counting(wrong);
        let mut all = BTreeMap::new();
        for node in self.members().map(|index| &self.nodes[index]) {
            all.extend(node.content.iter().filter(|(at, _)| counting.contains(at)));
        }
        if all.len() < counting.len() && self.members().any(|index| self.nodes[index].reads()) {
            wrong.push(format!("{} entries count and {} were read", counting.len(), all.len()));
        }
        for (index, node) in self.members().map(|index| (index, &self.nodes[index])) {
            if !node.reads() {
                if !node.content.is_empty() {
                    wrong.push(format!("keeper {index} has read something"));
                }
                continue;
            }
            for (at, changes) in &all {
                if node.content.get(at) != Some(*changes) {
                    wrong.push(format!("device {index} lacks, or reads otherwise, {at:?}"));
                }
            }
            // What was read before it was known that it does not count was taken back.
            if node.content.len() != all.len() {
                wrong.push(format!("device {index} has read what does not count"));
            }
        }
    }

    /// The Data entries that count, as the first device sees it.
    fn counting(&self, wrong: &mut Vec<String>) -> BTreeSet<EntryRef> {
        let entries: Vec<Entry> =
            self.nodes[0].store.bytes().map(|bytes| Entry::decode(bytes).expect("a stored entry")).collect();
        let seen_by = |index: usize| -> BTreeSet<EntryRef> {
            let replica = self.nodes[index].replica.as_ref();
            let membership = replica.and_then(|replica| replica.membership()).expect("a device that is in");
            let is_data = |entry: &&Entry| entry.header.kind == Kind::Data;
            entries
                .iter()
                .filter(is_data)
                .filter(|entry| membership.counts(entry))
                .map(Entry::entry_ref)
                .collect()
        };
        let first = seen_by(0);
        for index in self.members() {
            for at in seen_by(index).symmetric_difference(&first) {
                wrong.push(format!("devices 0 and {index} do not agree whether {at:?} counts"));
            }
        }
        first
    }

    pub(crate) fn check_acknowledged(&self, wrong: &mut Vec<String>) {
        for (index, node) in self.members().map(|index| (index, &self.nodes[index])) {
            for at in &node.acknowledged {
                for (other, holder) in self.members().map(|index| (index, &self.nodes[index])) {
                    if holder.store.id_at(&at.log, at.seq) != Some(at.id) {
                        wrong.push(format!("{at:?} of device {index} was acknowledged; {other} lacks it"));
                    }
                }
            }
        }
    }

    pub(crate) fn check_secrecy(&self, wrong: &mut Vec<String>) {
        for (index, node) in self.nodes.iter().enumerate() {
            if node.store.bytes().any(|bytes| holds(bytes, CANARY)) {
                wrong.push(format!("device {index} stores plain text"));
            }
        }
    }

    /// Panics, with the seed that repeats the run, when anything is wrong.
    ///
    /// # Panics
    /// See above.
    pub fn assert_well(&self, seed: u64, at_rest: bool) -> Verdict {
        let verdict = self.check();
        assert!(
            at_rest && verdict.wrong.is_empty(),
            "SEED={seed} (set WEFT_SEED={seed} to repeat)\nat rest: {at_rest}, plan: {:?}\n{}",
            self.plan,
            verdict.wrong.join("\n")
        );
        verdict
    }
}
