//! Keys of epochs: which one to write under, who lacks one, and who is to be helped to one.

use std::collections::{BTreeMap, BTreeSet};

use rand::CryptoRng;

use super::Replica;
use super::commit::Prepared;
use super::write::OwnWork;
use crate::acl::Class;
use crate::entry::{Entry, KeyRequest, Kind};
use crate::epoch::{COVERS_MAX, Cover, Epoch};
use crate::ids::{DeviceId, EpochId, Timestamp};
use crate::limits::{EPOCH_CHAIN_MAX, KEY_REQUEST_MILLIS, KEY_REQUEST_MILLIS_MAX, REWRAP_SPREAD_MILLIS};
use crate::membership::Standing;
use crate::seal::EpochKey;
use crate::wraps::AgeRecipient;

/// Keys that are asked for, by us and of us.
#[derive(Debug, Default)]
pub(super) struct KeyWork {
    /// Epochs of which entries are here and the key is not.
    wanted: BTreeMap<EpochId, Wanted>,
    /// Devices that have asked for a key that we hold, and when we answer if nobody has.
    requests: BTreeMap<EpochId, Request>,
    /// Devices that asked again and got our answer: it was right, so there is no other.
    answered: BTreeSet<(EpochId, DeviceId)>,
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    ask_at: Timestamp,
    wait: u64,
}

#[derive(Debug)]
struct Request {
    answer_at: Timestamp,
    /// Who asks. Those who ask although somebody has answered are set apart: the answers of others did not help them.
    devices: BTreeMap<DeviceId, bool>,
}

impl KeyWork {
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let asks = self.wanted.values().map(|wanted| wanted.ask_at);
        asks.chain(self.requests.values().map(|request| request.answer_at)).min()
    }

    /// Epochs of which the key is not here.
    pub(super) fn wanted(&self) -> impl Iterator<Item = &EpochId> {
        self.wanted.keys()
    }
}

impl Replica {
    /// The key to write under: that of the best usable epoch of which we hold it, else of a new one.
    pub(super) fn key_to_write(&mut self, rng: &mut dyn CryptoRng) -> Option<EpochKey> {
        if self.class() < Some(Class::Editor) {
            return None;
        }
        let usable = self.members.usable_epochs();
        if let Some(key) = usable.iter().find_map(|state| self.keyring.key(&state.epoch)) {
            return Some(key.clone());
        }
        self.make_epoch(rng)
    }

    fn make_epoch(&mut self, rng: &mut dyn CryptoRng) -> Option<EpochKey> {
        let key = self.founding_key().unwrap_or_else(|| EpochKey::generate(rng));
        let heads = self.members.head_epochs();
        let mut earlier: Vec<EpochKey> =
            heads.iter().filter_map(|epoch| self.keyring.key(epoch)).cloned().collect();
        earlier.truncate(EPOCH_CHAIN_MAX);
        let mut recipients = self.members.recipients();
        let is_cut = recipients.len() > COVERS_MAX;
        while recipients.len() > COVERS_MAX {
            recipients.pop_last();
        }
        let epoch = Epoch::original(&key, &recipients, earlier, rng).ok()?;
        self.keyring.insert(key.clone());
        self.append_clear(&epoch, rng)?;
        if is_cut {
            self.write_rewrap(&key.id(), &BTreeSet::new(), rng);
        }
        Some(key)
    }

    /// The key that Genesis names, when it is here and no entry tells it yet: we are the founder.
    fn founding_key(&self) -> Option<EpochKey> {
        let first = self.members.first_epoch()?;
        let key = self.keyring.key(&first)?;
        self.members.epoch(&first).is_none().then(|| key.clone())
    }

    /// Wraps keys to those who are in and not covered: of one epoch, or of all that newcomers need.
    pub(super) fn write_cover(
        &mut self,
        epoch: Option<EpochId>,
        devices: &BTreeSet<DeviceId>,
        rng: &mut dyn CryptoRng,
    ) {
        let epochs = match epoch {
            Some(epoch) => vec![epoch],
            None => {
                self.key_to_write(rng);
                self.members.head_epochs()
            }
        };
        for epoch in epochs {
            self.write_rewrap(&epoch, devices, rng);
        }
    }

    fn write_rewrap(&mut self, epoch: &EpochId, devices: &BTreeSet<DeviceId>, rng: &mut dyn CryptoRng) {
        let Some(key) = self.keyring.key(epoch).cloned() else { return };
        let Some(state) = self.members.epoch(epoch) else { return };
        let asked = |cover: &Cover| matches!(cover, Cover::Device(device) if devices.contains(device));
        let mut recipients = self.members.recipients();
        recipients.retain(|cover, _| asked(cover) || !state.covers.contains(cover));
        if self.class() < Some(Class::Viewer) {
            return;
        }
        // Admins can let in more than one entry may be wrapped to.
        let recipients: Vec<(Cover, AgeRecipient)> = recipients.into_iter().collect();
        for part in recipients.chunks(COVERS_MAX) {
            let part = part.iter().copied().collect();
            if let Ok(rewrap) = Epoch::rewrap(&key, state.original, &part, rng) {
                self.append_clear(&rewrap, rng);
            }
        }
    }

    /// Takes the key that an Epoch entry may hold for us.
    pub(super) fn offer_key(&mut self, entry: &Entry) {
        if entry.header.kind != Kind::Epoch {
            return;
        }
        let Ok(epoch) = entry.clear::<Epoch>() else { return };
        let us = Cover::Device(self.config.keys.device_id());
        // An entry that is not for us, or holds garbage, leaves us asking.
        let fresh = self.keyring.offer(&epoch, &us, self.config.keys.age_identity()).unwrap_or_default();
        for epoch in fresh {
            self.keys.wanted.remove(&epoch);
            self.delivery.key_came(&epoch);
            self.membership_changed = true;
        }
    }

    /// An entry is here of which the key is not.
    pub(super) fn want_key(&mut self, epoch: EpochId) {
        let ask_at = self.now.plus_millis(KEY_REQUEST_MILLIS);
        self.keys.wanted.entry(epoch).or_insert(Wanted { ask_at, wait: 4 * KEY_REQUEST_MILLIS });
    }

    pub(super) fn key_requested(&mut self, prepared: &Prepared, rng: &mut dyn CryptoRng) {
        let Ok(KeyRequest { epoch }) = prepared.entry.clear() else { return };
        let Some(device) = prepared.signer.device() else { return };
        let is_in = self.members.device(&device).is_some_and(|member| member.class >= Class::Viewer);
        if !is_in || self.keyring.key(&epoch).is_none() {
            return;
        }
        // Wraps are for one reader, and nobody else can tell whether they are garbage. Whoever asks although they were
        // answered gets one answer of everybody, so one who answers wrongly keeps nobody from a key.
        let covers = self.members.epoch(&epoch).map(|state| state.covers).unwrap_or_default();
        let insists = covers.contains(&Cover::Device(device));
        if insists && self.keys.answered.contains(&(epoch, device)) {
            return;
        }
        let answer_at = self.now.plus_millis(rng.next_u64() % REWRAP_SPREAD_MILLIS);
        let request =
            self.keys.requests.entry(epoch).or_insert(Request { answer_at, devices: BTreeMap::new() });
        request.devices.insert(device, insists);
    }

    /// Somebody has answered, perhaps with garbage.
    pub(super) fn epoch_committed(&mut self, entry: &Entry) {
        let Ok(epoch) = entry.clear::<Epoch>() else { return };
        if let Some(request) = self.keys.requests.get_mut(&epoch.epoch) {
            request
                .devices
                .retain(|device, insists| *insists || !epoch.covers.contains(&Cover::Device(*device)));
            if request.devices.is_empty() {
                self.keys.requests.remove(&epoch.epoch);
            }
        }
    }

    pub(super) fn tick_keys(&mut self) {
        let now = self.now;
        let may_ask = self.class() >= Some(Class::Viewer);
        let mut asks = Vec::new();
        for (epoch, wanted) in &mut self.keys.wanted {
            if wanted.ask_at <= now {
                wanted.ask_at = now.plus_millis(wanted.wait);
                wanted.wait = (wanted.wait * 4).min(KEY_REQUEST_MILLIS_MAX);
                asks.push(*epoch);
            }
        }
        for epoch in asks.into_iter().filter(|_| may_ask) {
            self.queue.push(OwnWork::KeyRequest { epoch });
        }
        let due: Vec<EpochId> = self
            .keys
            .requests
            .iter()
            .filter(|(_, request)| request.answer_at <= now)
            .map(|(epoch, _)| *epoch)
            .collect();
        for epoch in due {
            if let Some(request) = self.keys.requests.remove(&epoch) {
                let insisting = request.devices.iter().filter(|(_, insists)| **insists);
                self.keys.answered.extend(insisting.map(|(device, _)| (epoch, *device)));
                let devices = request.devices.into_keys().collect();
                self.queue.push(OwnWork::Cover { epoch: Some(epoch), devices });
            }
        }
    }

    /// After a transaction with entries of the control lane.
    pub(super) fn membership_committed(&mut self, entries: &[Prepared]) {
        let changes = |kind: Kind| matches!(kind, Kind::Genesis | Kind::Acl | Kind::Epoch | Kind::Unknown(_));
        if !entries.iter().any(|prepared| changes(prepared.entry.header.kind)) {
            return;
        }
        self.confirm_cuts();
        self.membership_settled();
        self.review_removals(entries);
    }

    /// Who is in, or what counts, may be another than before.
    pub(super) fn membership_settled(&mut self) {
        self.membership_changed = true;
        self.forks.look_again();
        if self.class() == Some(Class::Keeper) {
            // It was not known before that this device does not read.
            self.delivery.clear();
            self.keys.wanted.clear();
        }
        self.delivery.reconsider_void();
        self.release_held();
        self.review_channels();
    }

    /// Ends the channels of those who are not in any more; what says so was sent before.
    fn review_channels(&mut self) {
        let peers: Vec<_> = self
            .channels
            .iter()
            .filter(|(_, channel)| channel.data().is_some())
            .map(|(id, channel)| (*id, channel.peer))
            .collect();
        for (id, peer) in peers {
            match self.members.standing(&peer) {
                Standing::Live(member) => {
                    if let Some(data) = self.channels.get_mut(&id).and_then(|channel| channel.data_mut()) {
                        data.member = member;
                    }
                }
                Standing::Removed => self.bye(id, crate::frames::ByeCode::Removed),
                Standing::Unknown => self.bye(id, crate::frames::ByeCode::Unknown),
            }
        }
    }
}
