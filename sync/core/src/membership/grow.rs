//! Taking operations into a fold that has answered already, and forgetting only the answers that change.
//!
//! What an operation knows is settled when it comes, so nothing that is here begins or ceases to know of it. It can
//! change what is remembered of the person whom it is about: which removals of devices count, which certificates
//! stand, what ends a grant. Where that is another than before, what their grants authorise is asked again, and where
//! one of those answers is another than before, the same is done for whom it lets in or puts out. When nothing is left
//! that changes, everything that is remembered follows from everything else that is remembered; the rules have one
//! solution, because each question leads to questions of greater keys alone, so this is it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fold::{Fold, Memo};
use super::operations::{Claim, OpIndex, World};
use crate::ids::{DeviceId, UserId};

/// What of one person the answers about them and others depend on.
#[derive(Debug, Default, PartialEq, Eq)]
struct Footing {
    /// The removals of each device, as far as they count.
    rmhits: BTreeMap<DeviceId, Arc<[OpIndex]>>,
    /// The certificates that stand.
    standing: Arc<BTreeSet<OpIndex>>,
    /// What ends each grant.
    killers: BTreeMap<OpIndex, Arc<[OpIndex]>>,
}

/// What is to be asked again about one person.
#[derive(Debug, Default)]
struct Doubt {
    footing: Footing,
    /// Grants of theirs of which it is another question now whether they hold.
    grants: BTreeSet<OpIndex>,
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
        self.facts.memo.get_mut().members.clear();
        let doubt = Doubt { footing: self.footing(&user), grants: BTreeSet::new() };
        self.sort_in(index);
        self.rank_in(index);
        self.sort_in_removal(index);
        if self.take_certificate(index) {
            *self.facts.memo.get_mut() = Memo::default();
            return;
        }
        self.ask_again(BTreeMap::from([(user, doubt)]));
    }

    /// Asks again what may have changed, until nothing changes any more.
    fn ask_again(&mut self, mut doubts: BTreeMap<UserId, Doubt>) {
        while let Some((user, doubt)) = doubts.pop_first() {
            self.forget(&user);
            let changed = self.changed(&user, &doubt);
            for (grant, index) in changed {
                let memo = self.facts.memo.get_mut();
                let Some(before) = memo.auth.remove(&(grant, index)) else { continue };
                // What this grant authorises may let others in, or put them out.
                let about = match &self.operation(index).claim {
                    Claim::Grant { user, .. } => Some((*user, Some(index))),
                    Claim::Revoke { user, .. } => Some((*user, None)),
                    _ => None,
                };
                if self.auth(grant, index) == before {
                    continue;
                }
                let Some((other, flipped)) = about else { continue };
                let footing = || self.footing(&other);
                let doubt = doubts
                    .entry(other)
                    .or_insert_with(|| Doubt { footing: footing(), grants: BTreeSet::new() });
                doubt.grants.extend(flipped);
            }
        }
    }

    /// Which remembered answers about a person's grants may be others now.
    fn changed(&self, user: &UserId, doubt: &Doubt) -> Vec<(OpIndex, OpIndex)> {
        let (before, after) = (&doubt.footing, self.footing(user));
        let of_device = |footing: &Footing, device: &DeviceId| -> BTreeSet<OpIndex> {
            let certificates = self.certificates_of(device).iter().copied();
            certificates.filter(|index| footing.standing.contains(index)).collect()
        };
        let is_other = |device: &DeviceId| {
            before.rmhits.get(device).is_some_and(|before| *before != after.rmhits[device])
                || before.standing != after.standing && of_device(before, device) != of_device(&after, device)
        };
        let devices: BTreeSet<DeviceId> = after.rmhits.keys().copied().filter(is_other).collect();
        let mut changed = Vec::new();
        for (grant, killers) in &after.killers {
            let is_other = doubt.grants.contains(grant)
                || before.killers.get(grant).is_some_and(|before| before != killers);
            if !is_other && devices.is_empty() {
                continue;
            }
            let memo = self.facts.memo.borrow();
            let asked = memo.auth.range((*grant, 0)..=(*grant, OpIndex::MAX)).map(|(question, _)| *question);
            let by_other = |index: OpIndex| {
                self.operation(index).author.device.is_some_and(|device| devices.contains(&device))
            };
            changed.extend(asked.filter(|(_, index)| is_other || by_other(*index)));
        }
        changed
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
            standing: self.standing(user),
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
}
