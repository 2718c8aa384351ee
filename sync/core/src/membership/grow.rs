//! Taking operations into a fold that has answered already, and forgetting only the answers that they may change.
//!
//! What an operation knows is settled when it comes, so nothing that is here begins or ceases to know of it. It can
//! change what is remembered of the person whom it is about, and from there what is remembered of those whom that
//! person let in or put out, and so on. Everybody else's answers stay. When the facts about the first person turn out
//! to be the same as before, nobody's have changed: the rules have one solution, and the old one solves them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::fold::Fold;
use super::operations::{Claim, OpIndex, World};
use crate::ids::{DeviceId, UserId};

/// What of one person others' answers depend on.
#[derive(Debug, PartialEq, Eq)]
struct Footing {
    /// The removals of each device, as far as they count.
    rmhits: Vec<(DeviceId, Arc<[OpIndex]>)>,
    /// The certificates that stand.
    standing: BTreeSet<OpIndex>,
    /// What ends each grant.
    killers: Vec<(OpIndex, Arc<[OpIndex]>)>,
}

impl<W: World> Fold<'_, W> {
    /// Takes in the operations that have come since the fold was made. It must be one over all operations.
    pub(super) fn grow(&mut self) {
        let count =
            OpIndex::try_from(self.world.operations().len()).expect("fewer operations than their limit");
        while self.facts.taken < count {
            let index = self.facts.taken;
            self.facts.taken += 1;
            self.take(index);
        }
    }

    fn take(&mut self, index: OpIndex) {
        let operation = self.operation(index);
        self.facts.memo.borrow_mut().removals = None;
        let user = match &operation.claim {
            Claim::Grant { user, .. } | Claim::Revoke { user, .. } | Claim::RmDev { user, .. } => *user,
            Claim::Certificate(link) => link.user,
            Claim::Genesis { .. }
            | Claim::Epoch { .. }
            | Claim::SetEndpoint { .. }
            | Claim::SetPolicy { .. } => {
                return self.sort_in(index);
            }
        };
        let before = self.footing(&user);
        self.sort_in(index);
        self.rank_in(index);
        self.sort_in_removal(index);
        let is_strange = self.take_certificate(index);
        if is_strange {
            *self.facts.memo.get_mut() = super::fold::Memo::default();
            return;
        }
        self.forget(&user);
        let mut after = self.footing(&user);
        // What is new itself is in nobody's past yet.
        after.standing.remove(&index);
        after.killers.retain(|(grant, _)| *grant != index);
        after.rmhits.retain(|(device, _)| before.rmhits.iter().any(|(known, _)| known == device));
        if before != after {
            self.forget_all(&user);
        }
    }

    /// Takes a certificate, if it is one. Says whether it is the first of a device that had written already: then
    /// whose those operations are changes, which nothing here follows up.
    fn take_certificate(&mut self, index: OpIndex) -> bool {
        let Some(link) = self.certificate(index).filter(|_| self.may_append(index)) else { return false };
        let is_first = self.certificates_of(&link.device).is_empty();
        self.admit(index);
        if !is_first {
            return false;
        }
        // Removals that had named it are removals only now.
        let mut is_strange = false;
        for other in 0..index {
            let operation = self.operation(other);
            is_strange |= operation.author.device == Some(link.device);
            let names_it = matches!(&operation.claim, Claim::RmDev { device, .. } if *device == link.device);
            if names_it {
                self.sort_in_removal(other);
            }
        }
        is_strange
    }

    fn footing(&self, user: &UserId) -> Footing {
        let devices = self.facts.users.get(user).into_iter().flat_map(|user| &user.devices);
        let grants = self.grants_of(user).iter();
        Footing {
            rmhits: devices.map(|device| (*device, self.rmhits(device))).collect(),
            standing: (*self.standing(user)).clone(),
            killers: grants.map(|grant| (*grant, self.killers(*grant))).collect(),
        }
    }

    /// Forgets what is remembered of one person, except for what their grants authorise.
    fn forget(&mut self, user: &UserId) {
        let devices: Vec<DeviceId> = self.devices_of(user);
        let about_devices: Vec<OpIndex> = devices
            .iter()
            .flat_map(|device| {
                let removals = self.facts.removals.get(device).into_iter().flatten();
                removals.chain(self.certificates_of(device)).copied()
            })
            .collect();
        let grants = self.grants_of(user).to_vec();
        let memo = self.facts.memo.get_mut();
        memo.top.remove(user);
        memo.standing.remove(user);
        for device in &devices {
            memo.rmhits.remove(device);
        }
        for index in about_devices {
            memo.late.remove(&index);
        }
        for grant in grants {
            memo.killers.remove(&grant);
        }
    }

    fn devices_of(&self, user: &UserId) -> Vec<DeviceId> {
        self.facts.users.get(user).map_or_else(Vec::new, |user| user.devices.iter().copied().collect())
    }

    /// Forgets everything about a person and about those whose answers follow from that.
    fn forget_all(&mut self, user: &UserId) {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![*user];
        while let Some(user) = waiting.pop() {
            if reached.insert(user) {
                waiting.extend(self.depend_on(&user));
            }
        }
        for user in reached {
            self.forget(&user);
            let grants = self.grants_of(&user).to_vec();
            let memo = self.facts.memo.get_mut();
            for grant in grants {
                let asked: Vec<(OpIndex, OpIndex)> = memo
                    .auth
                    .range((grant, 0)..=(grant, OpIndex::MAX))
                    .map(|(question, _)| *question)
                    .collect();
                for question in asked {
                    memo.auth.remove(&question);
                }
            }
        }
    }

    /// Whom this person has let in or put out by a grant of theirs that may do so.
    fn depend_on(&self, user: &UserId) -> BTreeSet<UserId> {
        let wrote = self.facts.users.get(user).map_or(&[][..], |user| user.wrote.as_slice());
        let named = |index: &OpIndex| match &self.operation(*index).claim {
            Claim::Grant { user, .. } if self.is_structural(*index) => Some(*user),
            Claim::Revoke { user, .. } => self.removing_via(*index).map(|_| *user),
            _ => None,
        };
        wrote.iter().filter_map(named).collect()
    }
}
