//! What can be asked about membership.

use std::collections::{BTreeMap, BTreeSet};

use crate::acl::{Class, OpRef, POLICY_NAME, SealedLabel};
use crate::certificate::Chain;
use crate::entry::{Entry, Kind, Lane, Open, Signer};
use crate::epoch::Cover;
use crate::frames::LogEnd;
use crate::ids::{DeviceId, EndpointId, EntryId, EntryRef, EpochId, LogId, UserId};
use crate::limits::SEEN_POSITIONS_MAX;
use crate::wire;
use crate::wraps::AgeRecipient;

use super::fold::Fold;
use super::history::{At, Names, Place, Position, contains};
use super::operations::{Author, Claim, OpIndex};
use super::{Membership, State};

/// A device that is in, of a person who is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveDevice {
    /// The device.
    pub device: DeviceId,
    /// Its person.
    pub user: UserId,
    /// What the person may do.
    pub class: Class,
    /// Its transport key.
    pub endpoint: EndpointId,
    /// What epoch keys for it are wrapped to.
    pub recipient: AgeRecipient,
    /// What epoch keys for the person's words are wrapped to.
    pub recovery: AgeRecipient,
    /// The names of the person and the device.
    pub label: Option<SealedLabel>,
}

/// How an endpoint stands to the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A device that is in.
    Live(LiveDevice),
    /// A device that was put out, or whose person was.
    Removed,
    /// Not a device of the workspace, as far as is known here.
    Unknown,
}

/// How an entry of a log of the control lane stands to what is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlPlace {
    /// It is here.
    Known,
    /// What it follows is here, or it begins a log.
    Follows,
    /// What it follows is not here.
    Detached,
}

/// An epoch and whom it reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochState {
    /// The epoch.
    pub epoch: EpochId,
    /// The entry that made it and counts; of several the one with the least id.
    pub original: EntryId,
    /// To whom the entries that count wrap its key.
    pub covers: BTreeSet<Cover>,
}

impl Membership {
    // People and devices.

    /// What a person may do; none when they are not in.
    #[must_use]
    pub fn class_of(&self, user: &UserId) -> Option<Class> {
        self.ask(|fold| fold.member(user)).and_then(class)
    }

    /// Everybody who is in.
    #[must_use]
    pub fn people(&self) -> BTreeMap<UserId, Class> {
        let members = self.ask(|fold| fold.members());
        members.into_iter().filter_map(|(user, number)| Some((user, class(number)?))).collect()
    }

    /// The devices of everybody who is in, ascending by id.
    #[must_use]
    pub fn live_devices(&self) -> Vec<LiveDevice> {
        self.ask(|fold| fold.named_devices().filter_map(|device| self.live_device(fold, device)).collect())
    }

    /// A device that is in.
    #[must_use]
    pub fn device(&self, device: &DeviceId) -> Option<LiveDevice> {
        self.ask(|fold| self.live_device(fold, device))
    }

    /// Whether a device is in.
    #[must_use]
    pub fn is_live(&self, device: &DeviceId) -> bool {
        self.ask(|fold| fold.is_live(device))
    }

    /// Whether this device was a device of the workspace and is out now.
    #[must_use]
    pub fn is_removed(&self, device: &DeviceId) -> bool {
        self.ask(|fold| self.was_in(fold, device) && !fold.is_live(device))
    }

    /// What certifies a device that is in: by it another one can let it in again.
    #[must_use]
    pub fn chain_of(&self, device: &DeviceId) -> Option<Chain> {
        self.ask(|fold| {
            if !fold.is_live(device) {
                return None;
            }
            let certificates = fold.standing_certificates(device);
            let ends: Vec<OpIndex> =
                certificates.filter(|index| self.state.links.contains_key(index)).collect();
            Some(self.state.links[&self.newest(fold, &ends)?].chain.clone())
        })
    }

    /// The sealed names of people and devices that were in and are out now, for what they have left behind.
    #[must_use]
    pub fn past_labels(&self) -> Vec<(UserId, SealedLabel)> {
        self.ask(|fold| {
            let past =
                fold.named_devices().filter(|device| !fold.is_live(device) && self.was_in(fold, device));
            past.filter_map(|device| {
                let label_of = |index: &OpIndex| self.state.links.get(index)?.label.clone();
                let certificates = fold.standing_certificates(device);
                let labelled: Vec<OpIndex> = certificates.filter(|index| label_of(index).is_some()).collect();
                let newest = self.newest(fold, &labelled)?;
                let Claim::Certificate(certificate) = &self.state.operations[newest as usize].claim else {
                    return None;
                };
                Some((certificate.user, label_of(&newest)?))
            })
            .collect()
        })
    }

    /// How an endpoint stands.
    #[must_use]
    pub fn standing_of(&self, endpoint: &EndpointId) -> Standing {
        self.ask(|fold| {
            let mut removed = false;
            for device in fold.named_devices() {
                if let Some(live) = self.live_device(fold, device) {
                    if live.endpoint == *endpoint {
                        return Standing::Live(live);
                    }
                } else if self.endpoint_of(fold, device) == Some(*endpoint) && self.was_in(fold, device) {
                    removed = true;
                }
            }
            if removed { Standing::Removed } else { Standing::Unknown }
        })
    }

    fn live_device(&self, fold: &Fold<'_, State>, device: &DeviceId) -> Option<LiveDevice> {
        if !fold.is_live(device) {
            return None;
        }
        let certificates: Vec<OpIndex> =
            fold.standing_certificates(device).filter(|index| self.state.links.contains_key(index)).collect();
        let link = &self.state.links[&self.newest(fold, &certificates)?];
        let labelled: Vec<OpIndex> =
            certificates.iter().copied().filter(|index| self.state.links[index].label.is_some()).collect();
        let label = self.newest(fold, &labelled).and_then(|index| self.state.links[&index].label.clone());
        let Claim::Certificate(certificate) = &self.state.operations[certificates[0] as usize].claim else {
            return None;
        };
        Some(LiveDevice {
            device: *device,
            user: certificate.user,
            class: fold.member(&certificate.user).and_then(class)?,
            endpoint: self.endpoint_of(fold, device)?,
            recipient: link.recipient,
            recovery: link.recovery,
            label,
        })
    }

    /// What the device or a sibling said last, else what its certificate says.
    fn endpoint_of(&self, fold: &Fold<'_, State>, device: &DeviceId) -> Option<EndpointId> {
        if let Some(index) = self.newest(fold, &fold.endpoints_of(device)) {
            let Claim::SetEndpoint { endpoint, .. } = &self.state.operations[index as usize].claim else {
                return None;
            };
            return Some(*endpoint);
        }
        let links = self.state.links_of.get(device).map_or(&[][..], Vec::as_slice);
        self.newest(fold, links).map(|index| self.state.links[&index].endpoint)
    }

    /// Of several operations the one that knows of most; between strangers the one with the greatest name.
    fn newest(&self, fold: &Fold<'_, State>, indexes: &[OpIndex]) -> Option<OpIndex> {
        if let [only] = indexes {
            return Some(*only);
        }
        fold.latest(indexes).into_iter().max_by_key(|index| self.state.names[*index as usize])
    }

    pub(super) fn was_in(&self, fold: &Fold<'_, State>, device: &DeviceId) -> bool {
        let link = self.state.links_of.get(device).and_then(|links| links.first());
        let user = link.and_then(|index| match &self.state.operations[*index as usize].claim {
            Claim::Certificate(link) => Some(link.user),
            _ => None,
        });
        user.is_some_and(|user| fold.was_ever_granted(&user))
    }

    /// Whether entries of this person may be stored at all: the owner, or somebody whom a grant named validly in
    /// the fold of the grant's own past. The answer never becomes no again.
    #[must_use]
    pub fn is_known(&self, user: &UserId) -> bool {
        if *user == self.genesis.owner {
            return true;
        }
        let grants = self.state.operations.iter().zip(0..).filter(
            |(operation, _)| matches!(&operation.claim, Claim::Grant { user: named, .. } if named == user),
        );
        grants.into_iter().any(|(_, grant)| self.is_valid_alone(grant))
    }

    fn is_valid_alone(&self, grant: OpIndex) -> bool {
        if let Some(valid) = self.valid_alone.borrow().get(&grant) {
            return *valid;
        }
        let at = self.state.operations[grant as usize].place;
        let fold = Fold::new(&self.state, |operation| {
            operation.place == at || self.state.history.before(operation.place, at)
        });
        let valid = fold.is_valid_grant(grant);
        self.valid_alone.borrow_mut().insert(grant, valid);
        valid
    }

    /// Whether an entry that is not here yet may be stored: its person is known, and a certificate of its device
    /// lies in its past. Its signature is for the caller to check.
    #[must_use]
    pub fn admits(&self, entry: &Entry, signer: &Signer) -> bool {
        if entry.header.kind == Kind::Genesis {
            return entry.id() == self.ws.genesis();
        }
        if !self.is_known(&signer.user()) {
            return false;
        }
        match self.state.history.position(&entry.id(), &entry.header) {
            // What goes on from a stored entry has that entry's certificate in its past.
            Position::Known | Position::Next(_) | Position::Branch(Some(_)) => true,
            Position::NoPredecessor => false,
            Position::Branch(None) => {
                let entries = entry.clear::<Open>().map_or_else(|_| Vec::new(), |open| open.prev_logs);
                let names = Names { heads: entry.header.acl_heads.clone(), entries };
                let past = self.state.history.past_of_new(Position::Branch(None), &names);
                self.ask(|fold| fold.weak_in(Author::of(signer), &past))
            }
        }
    }

    /// Who signs a log that is here.
    #[must_use]
    pub fn signer_of(&self, log: &LogId) -> Option<Signer> {
        let line = self.state.history.lines_of(log).first()?;
        Some(self.state.history.line(*line).signer)
    }

    /// How an entry of a log of the control lane stands to what is here, all branches of its log considered.
    #[must_use]
    pub fn place_of(&self, entry: &Entry) -> ControlPlace {
        match self.state.history.position(&entry.id(), &entry.header) {
            Position::Known => ControlPlace::Known,
            Position::Next(_) | Position::Branch(_) => ControlPlace::Follows,
            Position::NoPredecessor => ControlPlace::Detached,
        }
    }

    /// The last entry of each branch of a log, as membership knows it: of the control lane all, of the data lane one.
    pub fn ends_of(&self, log: &LogId) -> impl Iterator<Item = EntryRef> {
        self.state.history.lines_of(log).iter().map(|line| self.state.history.line(*line).last_ref())
    }

    /// Whether an entry of a log of the control lane begins with these bytes of its id, on whichever branch.
    #[must_use]
    pub fn holds_marked(&self, log: &LogId, seq: u64, mark: &[u8; 8]) -> bool {
        let history = &self.state.history;
        history
            .lines_of(log)
            .iter()
            .any(|line| history.line(*line).id_at(seq).is_some_and(|id| LogEnd::mark(id) == *mark))
    }

    // What counts.

    /// Whether what an entry of a log that is here says counts: its author was of the class that its kind asks for,
    /// and Data was sealed under an epoch that was usable for who knew what its author knew.
    ///
    /// The signature of the entry is for the caller to check.
    #[must_use]
    pub fn counts(&self, entry: &Entry) -> bool {
        let named = entry.entry_ref();
        let kind = entry.header.kind;
        let Some(line) = self.state.history.lines_of(&named.log).first().copied() else { return false };
        let least = match kind {
            Kind::Frontier => Class::Keeper,
            Kind::KeyRequest => Class::Viewer,
            Kind::Epoch if self.is_rewrap_entry(&named.id) => Class::Viewer,
            _ => Class::Editor,
        };
        let history = &self.state.history;
        let is_data_lane = history.line(line).lane == Some(Lane::Data);
        let past = is_data_lane.then(|| history.past_of_data(line, &entry.header.acl_heads));
        let place = if is_data_lane { Some((line, named.seq)) } else { history.find(&named) };
        let Some((line, seq)) = place else { return false };
        let at = At { place: Place::entry(line, seq), past: past.as_ref() };
        let author = Author::of(&history.line(line).signer);
        let is_authorised = self.ask(|fold| fold.counts(author, at, least.number()));
        if !is_authorised || kind != Kind::Data {
            return is_authorised;
        }
        entry.header.epoch.is_some_and(|epoch| self.usable_at(&epoch, &entry.header.acl_heads))
    }

    /// Whether anybody has ever said that a person or a device is out. Until then whatever
    /// counted once counts for ever.
    #[must_use]
    pub fn has_removals(&self) -> bool {
        let is_removal = |claim: &Claim| matches!(claim, Claim::Revoke { .. } | Claim::RmDev { .. });
        self.state.operations.iter().any(|operation| is_removal(&operation.claim))
    }

    fn is_rewrap_entry(&self, id: &EntryId) -> bool {
        let index = self.state.named.get(&OpRef::new(*id, 0));
        index.is_some_and(|index| {
            matches!(self.state.operations[*index as usize].claim, Claim::Epoch { is_original: false, .. })
        })
    }

    // Epochs.

    /// Whether somebody who named exactly these heads could seal new entries under an epoch. No as long as one of the
    /// heads is not here.
    #[must_use]
    pub fn usable_at(&self, epoch: &EpochId, heads: &[EntryId]) -> bool {
        if heads.iter().any(|head| !self.is_here(head)) {
            // What they knew is not known here: this answer is not one to remember.
            return false;
        }
        let key = (*epoch, heads.to_vec());
        if let Some(usable) = self.usable.borrow().get(&key) {
            return *usable;
        }
        let past = self.state.history.closure(heads);
        let usable = Fold::new(&self.state, |operation| contains(&past, operation.place)).usable(epoch);
        self.usable.borrow_mut().insert(key, usable);
        usable
    }

    /// The epochs that may be written under now, the best first: most recipients, then the least id.
    #[must_use]
    pub fn usable_epochs(&self) -> Vec<EpochState> {
        self.ask(|fold| {
            let usable = fold.epochs().filter(|epoch| fold.usable(epoch));
            let mut states: Vec<EpochState> = usable.filter_map(|epoch| self.state_of(fold, epoch)).collect();
            states.sort_by_key(|state| (std::cmp::Reverse(state.covers.len()), state.epoch));
            states
        })
    }

    /// Whom an epoch reaches; none when nothing that counts makes it.
    #[must_use]
    pub fn epoch(&self, epoch: &EpochId) -> Option<EpochState> {
        self.ask(|fold| self.state_of(fold, epoch))
    }

    fn state_of(&self, fold: &Fold<'_, State>, epoch: &EpochId) -> Option<EpochState> {
        let counting = fold.counting_epochs(epoch);
        let is_original = |index: &&OpIndex| {
            matches!(self.state.operations[**index as usize].claim, Claim::Epoch { is_original: true, .. })
        };
        let originals =
            counting.iter().filter(is_original).map(|index| self.state.names[*index as usize].entry);
        let original = originals.min()?;
        let covers = counting.iter().flat_map(|index| self.state.epochs[index].iter().copied()).collect();
        Some(EpochState { epoch: *epoch, original, covers })
    }

    /// Whom a new epoch is to be wrapped to: the devices of everybody who may read, and those people's words.
    #[must_use]
    pub fn recipients(&self) -> BTreeMap<Cover, AgeRecipient> {
        let mut recipients = BTreeMap::new();
        for device in self.live_devices().into_iter().filter(|device| device.class >= Class::Viewer) {
            recipients.insert(Cover::Device(device.device), device.recipient);
            recipients.insert(Cover::Recovery(device.user), device.recovery);
        }
        recipients
    }

    /// Epochs that no later one knows of: a new one carries their keys. Those that count come first.
    #[must_use]
    pub fn head_epochs(&self) -> Vec<EpochId> {
        self.ask(|fold| {
            let is_original =
                |(_, claim): &(OpIndex, &Claim)| matches!(claim, Claim::Epoch { is_original: true, .. });
            let claims = fold.visible().map(|(index, operation)| (index, &operation.claim));
            let originals: Vec<OpIndex> = claims.filter(is_original).map(|(index, _)| index).collect();
            let heads: BTreeSet<EpochId> = fold
                .latest(&originals)
                .into_iter()
                .filter_map(|index| match &self.state.operations[index as usize].claim {
                    Claim::Epoch { epoch, .. } => Some(*epoch),
                    _ => None,
                })
                .collect();
            let (counting, void): (Vec<_>, Vec<_>) =
                heads.into_iter().partition(|epoch| self.state_of(fold, epoch).is_some());
            [counting, void].concat()
        })
    }

    // What a new operation needs.

    /// The heads of the control lane, ascending. An entry names at most eight.
    #[must_use]
    pub fn heads(&self) -> Vec<EntryId> {
        self.state.history.heads().iter().copied().collect()
    }

    /// Whether Genesis or this entry of the control lane is here.
    #[must_use]
    pub fn is_here(&self, id: &EntryId) -> bool {
        self.state.history.control_place(id).is_some()
    }

    /// The grant of highest rank by which a person acts now: the `via` of what they do.
    #[must_use]
    pub fn grant_of(&self, user: &UserId) -> Option<OpRef> {
        self.ask(|fold| {
            let best = fold
                .standing_grants(user)
                .max_by_key(|grant| (fold.key(*grant), self.state.names[*grant as usize]));
            best.map(|grant| self.state.names[grant as usize])
        })
    }

    /// What is held of the logs of a person: the cut of a Revoke.
    #[must_use]
    pub fn seen_of_user(&self, user: &UserId) -> Vec<EntryRef> {
        self.seen(|signer| signer.user() == *user)
    }

    /// What is held of the logs of a device: the cut of a RmDev.
    #[must_use]
    pub fn seen_of_device(&self, device: &DeviceId) -> Vec<EntryRef> {
        self.seen(|signer| signer.device() == Some(*device))
    }

    fn seen(&self, is_theirs: impl Fn(&Signer) -> bool) -> Vec<EntryRef> {
        let history = &self.state.history;
        let lines = history.lines().filter(|(_, line)| line.lane.is_some() && is_theirs(&line.signer));
        let ends: Vec<(Place, EntryRef)> =
            lines.map(|(index, line)| (Place::entry(index, line.last()), line.last_ref())).collect();
        // What lies in the past of another that is named need not be named.
        let is_covered = |place: &Place| ends.iter().any(|(other, _)| history.before(*place, *other));
        let mut seen: Vec<EntryRef> =
            ends.iter().filter(|(place, _)| !is_covered(place)).map(|(_, named)| *named).collect();
        seen.sort_unstable();
        seen.truncate(SEEN_POSITIONS_MAX);
        seen
    }

    /// What cuts name of data logs that are stored, and of which the id is not known here: ask the store which entry
    /// stands there, and tell [`Membership::hold`].
    #[must_use]
    pub fn unconfirmed(&self) -> Vec<EntryRef> {
        self.state.history.unconfirmed()
    }

    // Policies.

    /// The value of a policy that an admin set: of several the one that knows of most.
    #[must_use]
    pub fn policy(&self, key: &str) -> Option<Vec<u8>> {
        self.ask(|fold| {
            let set: Vec<OpIndex> = fold
                .visible()
                .filter(|(index, operation)| {
                    matches!(&operation.claim, Claim::SetPolicy { key: named, via } if named == key
                        && fold.is_by_admin(*index, via))
                })
                .map(|(index, _)| index)
                .collect();
            self.newest(fold, &set).and_then(|index| self.state.policies.get(&index).cloned())
        })
    }

    /// The sealed name of the workspace.
    #[must_use]
    pub fn sealed_name(&self) -> Option<SealedLabel> {
        self.policy(POLICY_NAME).and_then(|value| wire::decode(&value).ok())
    }

    /// All control-lane entries of a log's lane that are here, for tests and diagnostics.
    #[must_use]
    pub fn control_logs(&self) -> Vec<LogId> {
        let lines = self.state.history.lines().filter(|(_, line)| line.lane == Some(Lane::Control));
        lines.map(|(_, line)| line.log).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

pub(super) fn class(number: u8) -> Option<Class> {
    match number {
        5 => Some(Class::Owner),
        number => Class::from_granted(number),
    }
}
