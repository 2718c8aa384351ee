//! Devices that follow no rule among devices that do, and what must hold of the latter.

use std::collections::BTreeSet;

use rand_chacha::ChaCha20Rng;
use weft_sync::acl::{AclOperation, Class};
use weft_sync::membership::Membership;
use weft_sync::replica::Input;
use weft_sync::seal::Label;
use weft_sync::{Entry, EntryRef, Kind, workspace};

use super::World;
use crate::node::Node;
use crate::puppet::Puppet;

impl World {
    /// Gives a device to somebody who follows no rule. Nothing is expected of it any more.
    pub fn turn(&mut self, node: usize) {
        self.crash(node);
        self.nodes[node].turn();
        self.removed.insert(node);
        self.hostile.insert(node);
    }

    /// One more device on the network, of a person whom nobody has let in, with a copy of all that another one holds.
    pub fn add_stranger(&mut self, like: usize) -> usize {
        let mut node = Node::new(Class::Editor, &mut self.rng);
        node.ws = self.nodes[like].ws;
        node.store = self.nodes[like].store.clone();
        let index = self.join(node);
        self.turn(index);
        index
    }

    /// One more device of the person of another one, which lets it in.
    pub fn add_sibling(&mut self, of: usize) -> usize {
        let node = self.nodes[of].sibling(&mut self.rng);
        let chain = node.chain.clone();
        let index = self.join(node);
        self.start(index);
        let label = Label::new("somebody", "another device");
        let replica = self.nodes[of].replica.as_ref().expect("a device that runs");
        let membership = replica.membership().expect("a device that knows the workspace");
        let keyring = &self.nodes[of].keyring;
        let operations = workspace::add_own_device(membership, keyring, &chain, &label, &mut self.rng);
        let operations = operations.expect("room for one more device");
        self.write_acl(of, operations);
        index
    }

    fn join(&mut self, node: Node) -> usize {
        let index = self.nodes.len();
        self.nodes.push(node);
        self.dial_all(index);
        index
    }

    /// What a device knows of who is in.
    ///
    /// # Panics
    /// When it does not run, or knows nothing yet.
    #[must_use]
    pub fn membership(&self, node: usize) -> &Membership {
        let replica = self.nodes[node].replica.as_ref().expect("a device that runs");
        replica.membership().expect("a device that knows the workspace")
    }

    /// Writes operations on a device that follows the rules.
    pub fn write_acl(&mut self, node: usize, operations: Vec<AclOperation>) {
        let write = self.nodes[node].write_id();
        self.tell(node, Input::WriteAcl { write, operations });
    }

    /// What somebody who follows no rule knows.
    ///
    /// # Panics
    /// When the device was not [turned](World::turn).
    pub fn puppet(&mut self, node: usize) -> &mut Puppet {
        self.nodes[node].puppet.as_mut().expect("a device that was turned")
    }

    /// Lets somebody who follows no rule forge entries, and say them to whoever listens. Returns what was forged.
    ///
    /// # Panics
    /// When the device was not [turned](World::turn).
    pub fn forge(
        &mut self,
        node: usize,
        work: impl FnOnce(&mut Puppet, &mut ChaCha20Rng) -> Vec<Entry>,
    ) -> Vec<Entry> {
        let puppet = self.nodes[node].puppet.as_mut().expect("a device that was turned");
        let forged = work(puppet, &mut self.rng);
        self.carry(node, &forged);
        forged
    }

    /// Lets somebody who follows no rule say what others have forged.
    ///
    /// # Panics
    /// When the device was not [turned](World::turn).
    pub fn carry(&mut self, node: usize, entries: &[Entry]) {
        let puppet = self.nodes[node].puppet.as_mut().expect("a device that was turned");
        let effects = puppet.carry(entries.iter().cloned());
        self.carry_out(node, effects);
    }

    /// Ends the connections of somebody who follows no rule: with the next ones all is said again, and heard.
    pub fn reconnect(&mut self, node: usize) {
        let effects = self.puppet(node).hang_up();
        self.carry_out(node, effects);
    }

    /// The entries that a device holds, in stored order.
    ///
    /// # Panics
    /// When it stores something else.
    #[must_use]
    pub fn entries(&self, node: usize) -> Vec<Entry> {
        self.nodes[node].store.living().map(|bytes| Entry::decode(bytes).expect("a stored entry")).collect()
    }

    /// Runs until all who follow the rules agree, and on from there, and says what is wrong in the end.
    pub fn settle_honest(&mut self, millis: u64) -> Vec<String> {
        let end = self.now + millis;
        while self.now < end {
            let next = self.now + 500;
            self.run_until(next);
            if self.disagreements().is_empty() {
                // What is still on its way may change that.
                self.run_until(next + 3_000);
                if self.disagreements().is_empty() {
                    return Vec::new();
                }
            }
        }
        self.disagreements()
    }

    /// In what those who follow the rules differ, or what one of them has lost.
    #[must_use]
    pub fn disagreements(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let first = self.held(0);
        let first_entries = self.entries(0);
        let counting = |node: usize| -> BTreeSet<EntryRef> {
            let membership = self.membership(node);
            let is_data = |entry: &&Entry| entry.header.kind == Kind::Data;
            first_entries
                .iter()
                .filter(is_data)
                .filter(|entry| membership.counts(entry))
                .map(Entry::entry_ref)
                .collect()
        };
        let counts = counting(0);
        let read = &self.nodes[0].content;
        for index in self.members() {
            if self.nodes[index].replica.as_ref().is_none_or(|replica| replica.membership().is_none()) {
                wrong.push(format!("device {index} does not run"));
                continue;
            }
            self.compare_membership(index, &mut wrong);
            if self.held(index) != first {
                wrong.push(format!("devices 0 and {index} hold different entries"));
            }
            for at in counting(index).symmetric_difference(&counts) {
                wrong.push(format!("devices 0 and {index} do not agree whether {at:?} counts"));
            }
            if self.nodes[index].reads() && self.nodes[index].content != *read {
                let other = &self.nodes[index].content;
                let differing = read.keys().chain(other.keys()).find(|at| read.get(*at) != other.get(*at));
                wrong.push(format!("devices 0 and {index} have read different things: {differing:?}"));
            }
            let void = self.nodes[index].content.keys().find(|at| !counts.contains(at));
            if let Some(at) = void {
                wrong.push(format!("device {index} has read {at:?}, which does not count"));
            }
        }
        self.check_acknowledged(&mut wrong);
        self.check_secrecy(&mut wrong);
        wrong
    }

    fn compare_membership(&self, index: usize, wrong: &mut Vec<String>) {
        let (first, other) = (self.membership(0), self.membership(index));
        if first.people() != other.people() || first.live_devices() != other.live_devices() {
            wrong.push(format!("devices 0 and {index} do not agree on who is in"));
        }
        if first.usable_epochs() != other.usable_epochs() {
            wrong.push(format!("devices 0 and {index} do not agree on the epochs"));
        }
        if first.heads() != other.heads() {
            wrong.push(format!("devices 0 and {index} know of different operations"));
        }
        if other.class_of(&self.nodes[0].user()) != Some(Class::Owner) {
            wrong.push(format!("device {index} has lost the owner"));
        }
    }

    /// The entries that live on a device.
    fn held(&self, node: usize) -> BTreeSet<EntryRef> {
        self.entries(node).iter().map(Entry::entry_ref).collect()
    }
}
