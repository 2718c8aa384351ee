//! Channels coming up and going down, and the Hello.

use super::Replica;
use super::channel::{AclPhase, Ahead, Channel, HelloPhase, Intake, Phase};
use super::compare::{Claims, Comparison};
use super::effect::Effect;
use super::input::ChannelId;
use super::serve::Serve;
use crate::entry::Lane;
use crate::frames::{
    AclHeads, ByeCode, Frame, FrameError, Hello, PROTOCOL_VERSION, agreed_version, hello_tag, tag_matches,
};
use crate::ids::EndpointId;
use crate::limits::{ACL_HEADS_MAX, ACL_PHASE_MILLIS, HELLO_MILLIS, STRANGERS_MAX};
use crate::membership::Standing;

impl Replica {
    pub(super) fn channel_up(&mut self, id: ChannelId, peer: EndpointId, dialer: bool) {
        if self.stop.is_some() || self.strikes.is_banned(&peer, self.now) {
            let code = if self.stop.is_some() { ByeCode::Done } else { ByeCode::Protocol };
            self.effects.push(Effect::Close { channel: id, code });
            return;
        }
        let deadline = self.now.plus_millis(HELLO_MILLIS);
        let channel = Channel {
            peer,
            dialer,
            phase: Phase::Hello(HelloPhase { deadline, ahead: None }),
            claims: Claims::default(),
            suspects: Vec::new(),
            branches_due: 0,
            branches_told: self.forks.news,
            serve: Serve::default(),
            intake: Intake::default(),
        };
        self.channels.insert(id, channel);
        if dialer {
            let ahead = self.send_hello(id, &peer);
            if let Some(channel) = self.channels.get_mut(&id) {
                channel.phase = Phase::Hello(HelloPhase { deadline, ahead });
            }
        }
    }

    pub(super) fn channel_down(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.remove(&id) else { return };
        self.sources.forget_channel(id);
        self.quotas.forget_channel(id);
        self.pending.drop_channel(id);
        if let Some(data) = channel.data() {
            self.peers_changed.devices.insert(data.member.device);
            self.reconsider_all();
        }
    }

    /// Ends a channel from this side.
    pub(super) fn bye(&mut self, id: ChannelId, code: ByeCode) {
        if self.channels.contains_key(&id) {
            self.send(id, &Frame::Bye(code));
            self.effects.push(Effect::Close { channel: id, code });
            self.channel_down(id);
        }
    }

    /// Charges a peer for what it said itself.
    pub(super) fn strike(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get(&id) else { return };
        if self.strikes.strike(channel.peer, self.now) {
            self.bye(id, ByeCode::Protocol);
        }
    }

    /// Ends a channel on which something came that the protocol does not allow.
    pub(super) fn protocol_error(&mut self, id: ChannelId) {
        self.strike(id);
        self.bye(id, ByeCode::Protocol);
    }

    pub(super) fn send(&mut self, id: ChannelId, frame: &Frame) {
        self.effects.push(Effect::Send { channel: id, bytes: frame.encode() });
    }

    /// Greets, and tells a device of the workspace at once what we hold. The transport has shown whose the other end is.
    fn send_hello(&mut self, id: ChannelId, peer: &EndpointId) -> Option<Ahead> {
        let tag = hello_tag(&self.config.ws, &self.config.keys.endpoint_id(), peer);
        self.send(id, &Frame::Hello(Hello { version: PROTOCOL_VERSION, features: 0, tag }));
        if !matches!(self.members.standing(peer), Standing::Live(_)) {
            return None;
        }
        let heads = self.acl_heads_now();
        self.send(id, &Frame::AclHeads(heads.clone()));
        Some(Ahead { heads, data: self.send_have(id) })
    }

    fn acl_heads_now(&self) -> AclHeads {
        let mut heads = self.members.heads();
        heads.truncate(ACL_HEADS_MAX);
        AclHeads { heads, vector: self.logs.vector(Lane::Control) }
    }

    pub(super) fn frame(&mut self, id: ChannelId, bytes: &[u8]) {
        if !self.channels.contains_key(&id) {
            return;
        }
        match Frame::decode(bytes) {
            Ok(frame) => self.dispatch(id, frame, bytes.len()),
            Err(FrameError::Version { found }) => {
                self.note_newer(id, found);
                self.bye(id, ByeCode::Version);
            }
            Err(_) => self.protocol_error(id),
        }
    }

    /// A device that is in speaks a version that this program does not know.
    fn note_newer(&mut self, id: ChannelId, version: u8) {
        let peer = self.channels.get(&id).map(|channel| channel.peer);
        let is_member = peer.is_some_and(|peer| matches!(self.members.standing(&peer), Standing::Live(_)));
        self.needs_newer |= is_member && version > PROTOCOL_VERSION;
    }

    fn dispatch(&mut self, id: ChannelId, frame: Frame, len: usize) {
        if let Frame::Bye(code) = frame {
            self.effects.push(Effect::Close { channel: id, code });
            self.channel_down(id);
            return;
        }
        match self.channels.get(&id).map(|channel| &channel.phase) {
            None => {}
            Some(Phase::Hello(_)) => self.hello_frame(id, &frame),
            Some(Phase::Acl(_)) => self.acl_frame(id, frame, len),
            Some(Phase::Data(_)) => self.data_frame(id, frame, len),
        }
    }

    fn hello_frame(&mut self, id: ChannelId, frame: &Frame) {
        let Some(channel) = self.channels.get(&id) else { return };
        let (peer, dialer) = (channel.peer, channel.dialer);
        let Frame::Hello(hello) = frame else { return self.protocol_error(id) };
        // Who speaks more than we do speaks as we do with us.
        if agreed_version(hello.version).is_none() {
            return self.bye(id, ByeCode::Version);
        }
        let us = self.config.keys.endpoint_id();
        if !tag_matches(&hello.tag, &self.config.ws, &peer, &us) {
            return self.protocol_error(id);
        }
        let is_stranger = !matches!(self.members.standing(&peer), Standing::Live(_));
        if is_stranger && !dialer && !self.listens_to_stranger() {
            return self.bye(id, ByeCode::Again);
        }
        let ahead = match self.channels.get_mut(&id).map(|channel| &mut channel.phase) {
            Some(Phase::Hello(phase)) if dialer => phase.ahead.take(),
            _ => self.send_hello(id, &peer),
        };
        self.enter_acl(id, is_stranger, ahead);
    }

    fn listens_to_stranger(&mut self) -> bool {
        let strangers = self
            .channels
            .values()
            .filter(|channel| !channel.dialer)
            .filter(|channel| matches!(&channel.phase, Phase::Acl(acl) if acl.is_stranger))
            .count();
        strangers < STRANGERS_MAX && self.strikes.admit_stranger(self.now)
    }

    fn enter_acl(&mut self, id: ChannelId, is_stranger: bool, ahead: Option<Ahead>) {
        let (said, ahead) = match ahead {
            Some(ahead) => (ahead.heads, Some(ahead.data)),
            None => {
                let said = self.acl_heads_now();
                self.send(id, &Frame::AclHeads(said.clone()));
                (said, None)
            }
        };
        let phase = AclPhase {
            deadline: self.now.plus_millis(ACL_PHASE_MILLIS),
            comparison: Comparison::new(&said.vector),
            said,
            ahead,
            dropped_ahead: false,
            is_stranger,
            entries: 0,
            bytes: 0,
            done_sent: false,
            done_received: false,
            early: std::collections::VecDeque::new(),
        };
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.phase = Phase::Acl(phase);
        }
    }
}
