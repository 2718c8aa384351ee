//! Who did what to the membership, and whether it holds.

use std::collections::BTreeMap;

use crate::acl::Class;
use crate::ids::{DeviceId, EndpointId, EntryId, EpochId, UserId};

use super::fold::Fold;
use super::operations::{Claim, OpIndex};
use super::{Membership, State};

/// One membership operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// The entry that holds it: signed, and chained to the one before it in its log.
    pub entry: EntryId,
    /// Its place in the entry, from 0.
    pub index: u16,
    /// Who signed it.
    pub user: UserId,
    /// With which device; none: with the user key.
    pub device: Option<DeviceId>,
    /// What it does.
    pub action: AuditAction,
    /// Whether it holds.
    pub verdict: Verdict,
}

/// What a membership operation does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditAction {
    /// Founds the workspace, of which this person is the owner.
    Found {
        /// The owner.
        owner: UserId,
    },
    /// Gives a person a role.
    Grant {
        /// The person.
        user: UserId,
        /// The role; none: one that this version does not know.
        class: Option<Class>,
    },
    /// Takes a person's roles.
    Revoke {
        /// The person.
        user: UserId,
    },
    /// Adds a device of a person.
    AddDevice {
        /// The person.
        user: UserId,
        /// The device.
        device: DeviceId,
    },
    /// Puts a device of a person out.
    RemoveDevice {
        /// The person.
        user: UserId,
        /// The device.
        device: DeviceId,
    },
    /// Tells of another address in the network.
    MoveDevice {
        /// The device.
        device: DeviceId,
        /// Where it is.
        endpoint: EndpointId,
    },
    /// Sets what holds for everybody.
    SetPolicy {
        /// What.
        key: String,
    },
    /// Makes a new key.
    MakeKey {
        /// Its epoch.
        epoch: EpochId,
    },
    /// Gives a key to more devices.
    WrapKey {
        /// Its epoch.
        epoch: EpochId,
    },
    /// Shows that a log was continued twice, by a copy of its device or by somebody who tells two tales.
    ShowFork {
        /// Whose log.
        user: UserId,
        /// Of which device; none: of the user key.
        device: Option<DeviceId>,
    },
}

/// What the rules make of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It held, and something that came later ended it.
    Ended,
    /// It never counted: whoever wrote it might not do this.
    Void,
}

impl Membership {
    /// Every membership operation, in the order in which it was taken.
    #[must_use]
    pub fn audit(&self) -> Vec<AuditRecord> {
        let removed_by = self.removals();
        self.ask(|fold| {
            let all = fold.visible().filter_map(|(index, operation)| {
                let action = action(&operation.claim)?;
                let name = self.state.names[index as usize];
                Some(AuditRecord {
                    entry: name.entry,
                    index: name.index,
                    user: operation.author.user,
                    device: operation.author.device,
                    action,
                    verdict: self.verdict(fold, index, &removed_by),
                })
            });
            all.chain(self.shown_forks()).collect()
        })
    }

    /// The operations that put each device out.
    fn removals(&self) -> BTreeMap<DeviceId, Vec<OpIndex>> {
        self.ask(|fold| fold.named_devices().map(|device| (*device, fold.rmhits(device).to_vec())).collect())
    }

    fn verdict(
        &self,
        fold: &Fold<'_, State>,
        index: OpIndex,
        removed_by: &BTreeMap<DeviceId, Vec<OpIndex>>,
    ) -> Verdict {
        let holds_or_void = |holds: bool| if holds { Verdict::Holds } else { Verdict::Void };
        match &fold.operation(index).claim {
            Claim::Genesis { .. } => Verdict::Holds,
            Claim::Grant { .. } if !fold.is_valid_grant(index) => Verdict::Void,
            Claim::Grant { .. } => {
                if fold.killers(index).is_empty() {
                    Verdict::Holds
                } else {
                    Verdict::Ended
                }
            }
            Claim::Revoke { .. } => {
                holds_or_void(fold.removing_via(index).is_some_and(|via| fold.auth(via, index)))
            }
            Claim::Certificate(certificate) => {
                let stands = fold.standing_certificates(&certificate.device).any(|other| other == index);
                match (stands, fold.is_live(&certificate.device)) {
                    (true, true) => Verdict::Holds,
                    (true, false) => Verdict::Ended,
                    (false, _) if self.was_in(fold, &certificate.device) => Verdict::Ended,
                    (false, _) => Verdict::Void,
                }
            }
            Claim::RmDev { device, .. } => {
                holds_or_void(removed_by.get(device).is_some_and(|hits| hits.contains(&index)))
            }
            Claim::SetPolicy { via, .. } => holds_or_void(fold.is_by_admin(index, via)),
            Claim::SetEndpoint { device, .. } => holds_or_void(fold.is_by_sibling(index, device)),
            Claim::Epoch { epoch, .. } => holds_or_void(fold.counting_epochs(epoch).contains(&index)),
        }
    }
}

/// Links of a chain before its last one are how a device came to be certified, and nothing by themselves.
fn action(claim: &Claim) -> Option<AuditAction> {
    Some(match claim {
        Claim::Genesis { owner } => AuditAction::Found { owner: *owner },
        Claim::Grant { user, class, .. } => {
            AuditAction::Grant { user: *user, class: super::answers::class(*class) }
        }
        Claim::Revoke { user, .. } => AuditAction::Revoke { user: *user },
        Claim::Certificate(link) if !link.is_last => return None,
        Claim::Certificate(link) => AuditAction::AddDevice { user: link.user, device: link.device },
        Claim::RmDev { user, device } => AuditAction::RemoveDevice { user: *user, device: *device },
        Claim::SetEndpoint { device, endpoint } => {
            AuditAction::MoveDevice { device: *device, endpoint: *endpoint }
        }
        Claim::SetPolicy { key, .. } => AuditAction::SetPolicy { key: key.clone() },
        Claim::Epoch { epoch, is_original: true } => AuditAction::MakeKey { epoch: *epoch },
        Claim::Epoch { epoch, is_original: false } => AuditAction::WrapKey { epoch: *epoch },
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Person, Shared};
    use super::*;
    use crate::acl::AclOperation;
    use crate::workspace;

    fn verdicts(shared: &Shared, wanted: impl Fn(&AuditAction) -> bool) -> Vec<Verdict> {
        let records = shared.membership.audit().into_iter().filter(|record| wanted(&record.action));
        records.map(|record| record.verdict).collect()
    }

    #[test]
    fn what_holds_what_ended_and_what_never_counted_are_told_apart() {
        let mut shared = Shared::found("ana", 1);
        let (ben, cleo) = (Person::new("ben", 2), Person::new("cleo", 3));
        shared.admit(&ben, Class::Editor);
        shared.admit(&cleo, Class::Editor);
        let (ana, cleo_id) = (shared.founder.keys.user(), cleo.keys.user());
        // Ben, an editor, puts Cleo out, which he may not; Ana puts Ben out.
        let via = shared.membership.grant_of(&ben.keys.user()).unwrap();
        let forbidden = AclOperation::Revoke { user: cleo_id, via, seen: Vec::new() };
        shared.acl(&ben.by_device(), vec![forbidden]);
        let out = workspace::remove_user(&shared.membership, &ana, &ben.keys.user()).unwrap();
        shared.write_as_founder(out);
        let grant_of = |user: UserId| move |action: &AuditAction| matches!(action, AuditAction::Grant { user: named, .. } if *named == user);
        assert_eq!(verdicts(&shared, |action| matches!(action, AuditAction::Found { .. })), [Verdict::Holds]);
        assert_eq!(verdicts(&shared, grant_of(cleo_id)), [Verdict::Holds]);
        assert_eq!(verdicts(&shared, grant_of(ben.keys.user())), [Verdict::Ended]);
        let revokes = verdicts(&shared, |action| matches!(action, AuditAction::Revoke { .. }));
        assert_eq!(revokes, [Verdict::Void, Verdict::Holds]);
        let devices = |user: UserId| move |action: &AuditAction| matches!(action, AuditAction::AddDevice { user: named, .. } if *named == user);
        assert_eq!(verdicts(&shared, devices(ben.keys.user())), [Verdict::Ended]);
        assert_eq!(verdicts(&shared, devices(cleo_id)), [Verdict::Holds]);
        let by_ben = shared.membership.audit().into_iter().find(|record| record.verdict == Verdict::Void);
        assert_eq!(by_ben.map(|record| record.user), Some(ben.keys.user()));
    }
}
