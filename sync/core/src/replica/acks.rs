//! What other devices say that they hold of our logs, and what Frontiers name.

use std::collections::{BTreeMap, BTreeSet};

use super::Replica;
use super::commit::Prepared;
use super::effect::{Conduct, DeviceStatus, Effect};
use super::logs::LogTable;
use super::write::OwnWork;
use crate::acl::Class;
use crate::entry::{Frontier, Lane};
use crate::frames::Position;
use crate::ids::{DeviceId, EntryRef, LogId};
use crate::limits::{FRONTIER_ENTRIES, FRONTIER_POSITIONS_MAX, UNKNOWN_LOGS_MAX};
use crate::membership::LiveDevice;

/// Who holds what of our data logs, by their own word: an Ack, a Have or a Frontier.
#[derive(Debug, Default)]
pub(super) struct AckTable {
    /// Entries in our data logs.
    mine: u64,
    devices: BTreeMap<DeviceId, DeviceAcks>,
}

#[derive(Debug, Default)]
struct DeviceAcks {
    /// What it has said; may be more than is here when our database was set back.
    claimed: BTreeMap<LogId, u64>,
    /// How many of our entries that covers.
    held: u64,
}

impl AckTable {
    pub(super) fn new(mine: u64) -> Self {
        Self { mine, devices: BTreeMap::new() }
    }

    /// Takes a device's word for one of our data logs.
    pub(super) fn note(&mut self, device: DeviceId, log: LogId, seq: u64, logs: &LogTable) {
        if seq == 0 {
            return;
        }
        let acks = self.devices.entry(device).or_default();
        let claimed = acks.claimed.entry(log).or_default();
        let committed = logs.committed_seq(&log);
        let before = (*claimed).min(committed);
        *claimed = (*claimed).max(seq);
        acks.held += (*claimed).min(committed) - before;
    }

    /// Takes what a device lists of one of our data logs when a connection begins: no more and no
    /// less is on its disk. That may be less than it has said before, when its disk was set back.
    pub(super) fn replace(&mut self, device: DeviceId, log: LogId, seq: u64, logs: &LogTable) {
        let committed = logs.committed_seq(&log);
        let acks = self.devices.entry(device).or_default();
        let before = acks.claimed.get(&log).copied().unwrap_or(0).min(committed);
        acks.held = acks.held - before + seq.min(committed);
        if seq == 0 {
            acks.claimed.remove(&log);
        } else {
            acks.claimed.insert(log, seq);
        }
    }

    /// Takes up how far our data logs reach now: one of them was taken back.
    pub(super) fn recount(&mut self, own: &BTreeMap<LogId, u64>) {
        self.mine = own.values().sum();
        for acks in self.devices.values_mut() {
            let held = acks.claimed.iter().map(|(log, seq)| (*seq).min(own.get(log).copied().unwrap_or(0)));
            acks.held = held.sum();
        }
    }

    /// One of our data logs has one entry more.
    pub(super) fn grew(&mut self, at: &EntryRef) {
        self.mine += 1;
        for acks in self.devices.values_mut() {
            let claimed = acks.claimed.get(&at.log).copied().unwrap_or(0);
            acks.held += u64::from(claimed >= at.seq);
        }
    }

    fn missing(&self, device: &DeviceId) -> u64 {
        self.mine - self.devices.get(device).map_or(0, |acks| acks.held)
    }

    fn claimed(&self, device: &DeviceId) -> Vec<Position> {
        let claimed = self.devices.get(device).map(|acks| &acks.claimed);
        claimed.into_iter().flatten().map(|(log, seq)| Position { log: *log, seq: *seq }).collect()
    }
}

/// Devices of which the caller may have to be told.
#[derive(Debug, Default)]
pub(super) struct PeersChanged {
    pub(super) all: bool,
    pub(super) devices: BTreeSet<DeviceId>,
}

/// Our own Frontiers, and what others' name.
#[derive(Debug, Default)]
pub(super) struct FrontierState {
    /// Entries that came since our last Frontier.
    pub(super) received: u64,
    /// What our last Frontiers of this session named.
    named_by_us: BTreeMap<LogId, u64>,
    /// The furthest that anybody's named.
    named: BTreeMap<LogId, u64>,
    /// The same of logs of which nothing is here: at most [`UNKNOWN_LOGS_MAX`].
    unknown: BTreeMap<LogId, u64>,
}

impl FrontierState {
    /// A new session begins with a whole Frontier.
    pub(super) fn forget(&mut self) {
        self.named_by_us.clear();
    }

    /// A log was taken back: what was said of it concerns another branch.
    pub(super) fn forget_log(&mut self, log: &LogId) {
        self.named_by_us.remove(log);
        self.named.remove(log);
    }
}

impl Replica {
    /// Writes a Frontier when enough has come since the last one, or `now` when anything has.
    pub(super) fn write_frontier_if_due(&mut self, now: bool) {
        let least = if now { 1 } else { FRONTIER_ENTRIES };
        if self.frontier.received < least || self.logs.get(&self.own.data_log).is_none() {
            return;
        }
        self.frontier.received = 0;
        let named = &self.frontier.named_by_us;
        let changed: Vec<EntryRef> = self
            .logs
            .iter()
            .filter(|(log, state)| state.committed.seq > named.get(*log).copied().unwrap_or(0))
            .filter(|(log, _)| **log != LogId::ZERO)
            .map(|(log, state)| EntryRef { log: *log, seq: state.committed.seq, id: state.committed.id })
            .take(FRONTIER_POSITIONS_MAX)
            .collect();
        self.frontier.named_by_us.extend(changed.iter().map(|at| (at.log, at.seq)));
        if !changed.is_empty() {
            self.queue.push(OwnWork::Frontier { positions: changed });
        }
    }

    pub(super) fn frontier_committed(&mut self, prepared: &Prepared) {
        let Ok(frontier) = prepared.entry.clear::<Frontier>() else { return };
        if let Some(device) = prepared.signer.device() {
            self.frontier_of(device, &frontier.positions);
        }
    }

    /// A device says in a Frontier what it holds.
    pub(super) fn frontier_of(&mut self, device: DeviceId, positions: &[EntryRef]) {
        if device == self.config.keys.device_id() {
            return;
        }
        for at in positions {
            let state = self.logs.get(&at.log);
            // Another entry with this number is another branch of the log: it says nothing of ours.
            if state.and_then(|state| state.recent_id(at.seq)).is_some_and(|id| *id != at.id) {
                continue;
            }
            if state.is_some_and(|state| state.signer == self.own.signer && state.lane == Lane::Data) {
                self.acks.note(device, at.log, at.seq, &self.logs);
                self.peers_changed.devices.insert(device);
            }
            let is_here = state.is_some();
            // Anybody could name logs without end that exist nowhere.
            let unknown = &mut self.frontier.unknown;
            let has_room = unknown.len() < UNKNOWN_LOGS_MAX || unknown.contains_key(&at.log);
            if is_here || has_room {
                let named = if is_here { &mut self.frontier.named } else { unknown };
                let named = named.entry(at.log).or_default();
                *named = at.seq.max(*named);
            }
        }
    }

    /// A log has come of which nothing was here: what was named of it is to be fetched now.
    pub(super) fn log_has_come(&mut self, log: &LogId) {
        if let Some(seq) = self.frontier.unknown.remove(log) {
            let named = self.frontier.named.entry(*log).or_default();
            *named = seq.max(*named);
        }
    }

    /// The ends of logs that members say in Frontiers to hold and that are not here, though nobody
    /// connected offers them: somebody may be keeping them back.
    pub(super) fn incomplete(&self) -> Vec<Position> {
        let is_offered = |log: &LogId, seq: u64| {
            let mut ready = self.channels.values().filter(|channel| channel.ready().is_some());
            ready.any(|channel| channel.claims.seq(log) >= seq)
        };
        let frontier = &self.frontier;
        let lacking = frontier.named.iter().chain(&frontier.unknown).filter(|(log, seq)| {
            // What is named of a forked log may be on a branch that does not live.
            **seq > self.logs.reach(log) && !self.is_forked(log) && !is_offered(log, **seq)
        });
        lacking.map(|(log, seq)| Position { log: *log, seq: *seq }).collect()
    }

    /// Entries that others' Frontiers or connected peers name and that are not here.
    pub(super) fn behind(&self) -> u64 {
        let mut named = self.frontier.named.clone();
        for channel in self.channels.values().filter(|channel| channel.ready().is_some()) {
            for log in self.sources.lacking() {
                let seq = named.entry(*log).or_default();
                *seq = channel.claims.seq(log).max(*seq);
            }
        }
        named
            .iter()
            .filter(|(log, _)| !self.is_forked(log) || self.sources.is_lacking(log))
            .map(|(log, seq)| seq.saturating_sub(self.logs.reach(log)))
            // Peers may name any number.
            .fold(0, u64::saturating_add)
    }

    /// How the other devices of the workspace stand to this one.
    #[must_use]
    pub fn device_statuses(&self) -> Vec<DeviceStatus> {
        let us = self.config.keys.device_id();
        let connected = self.connected_devices();
        self.members
            .devices()
            .into_iter()
            .filter(|member| member.device != us)
            .map(|member| {
                let missing = self.acks.missing(&member.device);
                DeviceStatus {
                    device: member.device,
                    user: member.user,
                    class: member.class,
                    connected: connected.contains(&member.device),
                    has_all_mine: missing == 0,
                    missing,
                    conduct: self.conduct(&member),
                }
            })
            .collect()
    }

    fn conduct(&self, member: &LiveDevice) -> Conduct {
        if self.strikes.is_banned(&member.endpoint, self.now) {
            return Conduct::ShutOut;
        }
        let mut channels = self.channels.iter().filter(|(_, channel)| channel.peer == member.endpoint);
        if channels.any(|(id, _)| self.quotas.is_slowed(*id)) { Conduct::Slowed } else { Conduct::Fair }
    }

    /// Devices whose channel is past the comparison of what both sides hold.
    fn connected_devices(&self) -> BTreeSet<DeviceId> {
        self.channels.values().filter_map(|channel| channel.ready().map(|data| data.member.device)).collect()
    }

    /// What a device has last said to hold of our logs: worth storing, see
    /// [`StoredState::acks`](super::StoredState::acks).
    #[must_use]
    pub fn acked_by(&self, device: &DeviceId) -> Vec<Position> {
        self.acks.claimed(device)
    }

    /// Whether nothing is left to fetch, store or hand on, and at least `min_peers` connected
    /// devices of people who can read have said that they hold every entry of ours.
    #[must_use]
    pub fn is_synced(&self, min_peers: usize) -> bool {
        let status = self.sync_status();
        let holders = self
            .device_statuses()
            .iter()
            .filter(|device| device.connected && device.has_all_mine && device.class >= Class::Viewer)
            .count();
        status.is_quiet() && holders >= min_peers
    }

    pub(super) fn tell_peers_changed(&mut self) {
        let changed = std::mem::take(&mut self.peers_changed);
        if !changed.all && changed.devices.is_empty() {
            return;
        }
        for status in self.device_statuses() {
            let is_meant = changed.all || changed.devices.contains(&status.device);
            if is_meant && self.told.get(&status.device) != Some(&status) {
                self.told.insert(status.device, status.clone());
                self.effects.push(Effect::PeerChanged(status));
            }
        }
    }
}
