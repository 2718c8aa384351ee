//! The data phase: what each side holds is compared once; from then on entries, and news of
//! what is on disk, flow both ways.

use std::collections::BTreeMap;

use super::Replica;
use super::channel::{AcksDue, DataPhase, Phase, SaidData};
use super::compare::{Claims, Comparison};
use super::effect::Effect;
use super::input::ChannelId;
use crate::entry::Lane;
use crate::frames::{Ack, Frame, PeerAddress, Position, Range, SignedVector, Vector};
use crate::ids::{EntryRef, LogId};
use crate::limits::{
    ACK_MILLIS, FRONTIER_POSITIONS_MAX, PEERS_PER_FRAME_MAX, POSITIONS_PER_FRAME_MAX, TAKEN_BYTES_STEP,
};
use crate::membership::{LiveDevice, Standing};

impl Replica {
    pub(super) fn enter_data(&mut self, id: ChannelId, member: LiveDevice) {
        let device = member.device;
        let Some(channel) = self.channels.get_mut(&id) else { return };
        let Phase::Acl(acl) = &mut channel.phase else { return };
        let early = std::mem::take(&mut acl.early);
        let ahead = acl.ahead.take();
        let SaidData { have, own, acks } = ahead.unwrap_or_else(|| self.send_have(id));
        let comparison = Comparison::new(&have);
        let phase = DataPhase { member, comparison, own, listed: Claims::default(), acks };
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.phase = Phase::Data(phase);
        }
        self.peers_changed.devices.insert(device);
        self.send_signed_vector(id);
        let addresses = self.addresses.clone();
        self.send_addresses(id, &addresses);
        for early in early {
            self.data_frame(id, early, 0);
        }
    }

    /// Tells a peer what we hold of the data lane.
    pub(super) fn send_have(&mut self, id: ChannelId) -> SaidData {
        let have = self.logs.vector(Lane::Data);
        let ours = self.own.signer.id();
        let own = self.logs.of_signer(&ours).map(|(log, state)| (*log, state.committed.seq)).collect();
        self.send(id, &Frame::Have(have.clone()));
        SaidData { have, own, acks: AcksDue::default() }
    }

    /// A device that has a data log says in Frontiers what it holds, the others say it so.
    fn send_signed_vector(&mut self, id: ChannelId) {
        if self.logs.get(&self.own.data_log).is_some() {
            return;
        }
        let positions: Vec<EntryRef> = self
            .logs
            .iter()
            .filter(|(log, state)| {
                state.lane == Lane::Data && state.committed.seq > 0 && !self.logs.is_closed(log)
            })
            .map(|(log, state)| EntryRef { log: *log, seq: state.committed.seq, id: state.committed.id })
            .take(FRONTIER_POSITIONS_MAX)
            .collect();
        let message = SignedVector::signing_bytes(&self.config.ws, &positions);
        let signature = ed25519_dalek::Signer::sign(self.config.keys.signing_key(), &message).to_bytes();
        self.send(id, &Frame::Frontier(SignedVector { signer: self.own.signer, positions, signature }));
    }

    pub(super) fn send_addresses(&mut self, id: ChannelId, addresses: &[PeerAddress]) {
        let Some(device) = self.channels.get(&id).and_then(|channel| channel.data()) else { return };
        let device = device.member.device;
        let others: Vec<PeerAddress> = addresses
            .iter()
            .filter(|peer| peer.device != device)
            .take(PEERS_PER_FRAME_MAX)
            .cloned()
            .collect();
        if !others.is_empty() {
            self.send(id, &Frame::Peers(others));
        }
    }

    pub(super) fn data_frame(&mut self, id: ChannelId, frame: Frame, len: usize) {
        match frame {
            Frame::Have(vector) => self.have(id, &vector),
            Frame::ClosedLogs(list) => {
                let due = self.data_phase(id).is_some_and(|data| {
                    !data.comparison.is_complete() && data.comparison.receive_list(&list)
                });
                if !due {
                    return self.protocol_error(id);
                }
                if self.claim_ends(id, &list.logs) {
                    self.compared(id);
                }
            }
            Frame::Want(ranges) => self.want(id, &ranges),
            Frame::Entries(entries) => self.take_entries(id, &entries, len),
            Frame::Ack(ack) => self.ack(id, &ack),
            Frame::Peers(peers) => self.peers(id, peers),
            Frame::Frontier(vector) => self.signed_vector(id, &vector),
            Frame::AclHeads(_) | Frame::AclDone | Frame::Hello(_) | Frame::Bye(_) => {
                self.protocol_error(id);
            }
        }
    }

    fn data_phase(&mut self, id: ChannelId) -> Option<&mut DataPhase> {
        self.channels.get_mut(&id)?.data_mut()
    }

    fn have(&mut self, id: ChannelId, vector: &Vector) {
        let Some(data) = self.data_phase(id) else { return };
        let Some(differing) = data.comparison.receive(vector) else { return self.protocol_error(id) };
        if self.claim_ends(id, &vector.open) {
            self.send_closed_logs(id, differing.into_iter(), Lane::Data);
            self.compared(id);
        }
    }

    /// Once it is known what the peer holds.
    fn compared(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        let Some(data) = channel.ready() else { return };
        let device = data.member.device;
        let listed = channel.claims.clone();
        if let Some(data) = channel.data_mut() {
            data.listed = listed;
        }
        // Our own logs of this session are sent unasked from here on: the peer cannot ask for
        // what was begun after our Have.
        for log in [self.own.control_log, self.own.data_log] {
            let committed = self.logs.committed_seq(&log);
            let claimed = channel.claims.seq(&log);
            if committed > 0 && claimed <= committed {
                channel.serve.offer(log, claimed + 1, u64::MAX);
            }
        }
        // What came into the control lane while the membership phase was under way.
        for (log, state) in self.logs.iter().filter(|(_, state)| state.lane == Lane::Control) {
            let is_news = channel.claims.seq(log) < state.committed.seq && !self.logs.is_closed(log);
            if let Some(data) = channel.data_mut().filter(|_| is_news) {
                data.acks.tell(*log, state.committed.seq, self.now);
            }
        }
        let suspects = std::mem::take(&mut channel.suspects);
        self.acks_from_claims(id);
        self.peers_changed.devices.insert(device);
        self.send_new_branches(id);
        self.consider_peer(id);
        for suspect in suspects {
            self.sources.want_other(id, suspect.log, suspect.seq);
        }
    }

    /// What the peer holds of our logs is as good as an Ack: it is its own word.
    fn acks_from_claims(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get(&id) else { return };
        let Some(data) = channel.ready() else { return };
        let device = data.member.device;
        let ours = self.own.signer.id();
        let held: Vec<(LogId, u64)> = self
            .logs
            .of_signer(&ours)
            .filter(|(_, state)| state.lane == Lane::Data)
            .map(|(log, state)| {
                // What the peer has compared is what it was told.
                let told = data.own.get(log).copied().unwrap_or(0).min(state.committed.seq);
                let is_equal = data.comparison.is_equal(log, &ours) && self.logs.is_closed(log);
                let claimed = channel.claims.seq(log);
                (*log, if is_equal { claimed.max(told) } else { claimed })
            })
            .collect();
        for (log, seq) in held {
            self.acks.replace(device, log, seq, &self.logs);
        }
    }

    fn want(&mut self, id: ChannelId, ranges: &[Range]) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        if !ranges.iter().all(|range| range.from > 0 && channel.serve.want(range)) {
            self.protocol_error(id);
        }
    }

    /// Takes the peer's word for how much of what was sent it has taken in.
    pub(super) fn taken(&mut self, id: ChannelId, bytes: u64) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        channel.serve.taken(bytes);
    }

    fn ack(&mut self, id: ChannelId, ack: &Ack) {
        self.taken(id, ack.taken_bytes);
        let Some(device) = self.data_phase(id).map(|data| data.member.device) else { return };
        if !self.claim(id, &ack.positions) {
            return;
        }
        for position in &ack.positions {
            let state = self.logs.get(&position.log);
            if state.is_some_and(|state| state.signer == self.own.signer && state.lane == Lane::Data) {
                self.acks.note(device, position.log, position.seq, &self.logs);
                self.peers_changed.devices.insert(device);
            }
            // Also a log of ours may be longer elsewhere: a copy of this device writes there, or
            // our database was set back.
            if position.seq > self.received_seq(&position.log) {
                self.consider(&position.log);
            }
        }
    }

    fn peers(&mut self, id: ChannelId, peers: Vec<PeerAddress>) {
        if let Some(from) = self.data_phase(id).map(|data| data.member.device) {
            self.effects.push(Effect::PeersLearned { from, peers });
        }
    }

    fn signed_vector(&mut self, id: ChannelId, vector: &SignedVector) {
        let Some(device) = self.data_phase(id).map(|data| data.member.device) else { return };
        if vector.signer.device() != Some(device) || !vector.is_signed(&self.config.ws) {
            return self.protocol_error(id);
        }
        self.frontier_of(device, &vector.positions);
    }

    /// Tells peers what was committed, each no more than it needs to know: an author at once
    /// of its own entries, all others soon, unless they have them by then.
    pub(super) fn note_acks(&mut self, committed: &[EntryRef]) {
        let last: BTreeMap<LogId, u64> = committed.iter().map(|at| (at.log, at.seq)).collect();
        for channel in self.channels.values_mut() {
            let device = match channel.data() {
                Some(data) => Some(data.member.device),
                None => match self.members.standing(&channel.peer) {
                    Standing::Live(member) => Some(member.device),
                    Standing::Removed | Standing::Unknown => None,
                },
            };
            for (&log, &seq) in &last {
                let Some(author) = self.logs.get(&log).map(|state| state.signer.device()) else { continue };
                let claimed = channel.claims.seq(&log);
                let Some(acks) = channel.acks_mut() else { break };
                if author.is_some() && author == device {
                    acks.owe(log, seq, self.now);
                } else if claimed < seq {
                    acks.tell(log, seq, self.now.plus_millis(ACK_MILLIS));
                }
            }
        }
    }

    /// Sends the Acks whose time has come.
    pub(super) fn send_acks(&mut self) {
        let now = self.now;
        let mut frames: Vec<(ChannelId, Frame)> = Vec::new();
        for (id, channel) in &mut self.channels {
            let taken_bytes = channel.intake.taken;
            let untold = taken_bytes - channel.intake.told;
            let positions = match &mut channel.phase {
                Phase::Acl(_) if untold > 0 => Vec::new(),
                Phase::Hello(_) | Phase::Acl(_) => continue,
                Phase::Data(data) => {
                    if untold > 0 {
                        let delay = if untold >= TAKEN_BYTES_STEP { 0 } else { ACK_MILLIS };
                        data.acks.by(now.plus_millis(delay));
                    }
                    if data.acks.deadline.is_none_or(|deadline| deadline > now) {
                        continue;
                    }
                    std::mem::take(&mut data.acks).into_positions(&channel.claims)
                }
            };
            if untold == 0 && positions.is_empty() {
                continue;
            }
            channel.intake.told = taken_bytes;
            let mut parts: Vec<&[Position]> = positions.chunks(POSITIONS_PER_FRAME_MAX).collect();
            if parts.is_empty() {
                parts.push(&[]);
            }
            for part in parts {
                frames.push((*id, Frame::Ack(Ack { taken_bytes, positions: part.to_vec() })));
            }
        }
        for (id, frame) in frames {
            self.send(id, &frame);
        }
    }
}
