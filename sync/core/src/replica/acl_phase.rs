//! The membership phase: both sides send each other what the other lacks of the control lane,
//! whole, and only then decide whether they are both in.

use super::Replica;
use super::channel::{AclPhase, Phase};
use super::input::ChannelId;
use crate::entry::Lane;
use crate::frames::{AclHeads, ByeCode, ClosedLogs, Frame, LogEnd, Position};
use crate::ids::SignerId;
use crate::limits::{
    ACL_PHASE_MILLIS, COMPARISONS_MAX, EARLY_FRAMES_MAX, POSITIONS_PER_FRAME_MAX, STRANGER_BYTES_MAX,
    STRANGER_ENTRIES_MAX,
};
use crate::membership::Standing;

impl Replica {
    fn acl_phase(&mut self, id: ChannelId) -> Option<&mut AclPhase> {
        match &mut self.channels.get_mut(&id)?.phase {
            Phase::Acl(acl) => Some(acl),
            Phase::Hello(_) | Phase::Data(_) => None,
        }
    }

    pub(super) fn acl_frame(&mut self, id: ChannelId, frame: Frame, len: usize) {
        match frame {
            Frame::AclHeads(heads) => self.acl_heads(id, &heads),
            Frame::ClosedLogs(list) if !self.peer_is_done(id) => self.acl_closed_logs(id, &list),
            Frame::Entries(entries) => self.acl_entries(id, &entries, len),
            Frame::Ack(ack) => {
                self.acl_progress(id);
                self.taken(id, ack.taken_bytes);
                // The peer may be in the data phase while we still store what it sent: its positions are told once.
                let is_over = |acl: &&mut AclPhase| acl.done_received && acl.done_sent;
                if let Some(acl) = self.acl_phase(id).filter(is_over)
                    && !ack.positions.is_empty()
                    && acl.early.len() < EARLY_FRAMES_MAX
                {
                    acl.early.push_back(Frame::Ack(ack));
                }
            }
            Frame::AclDone => {
                if let Some(acl) = self.acl_phase(id) {
                    acl.done_received = true;
                }
            }
            Frame::Hello(_) | Frame::Bye(_) | Frame::Want(_) => self.protocol_error(id),
            Frame::Have(_) if self.drops_ahead(id) => {}
            early @ (Frame::Have(_) | Frame::ClosedLogs(_) | Frame::Peers(_) | Frame::Frontier(_)) => {
                self.keep_early(id, early);
            }
        }
    }

    /// Something went on, in one direction or the other.
    fn acl_progress(&mut self, id: ChannelId) {
        let deadline = self.now.plus_millis(ACL_PHASE_MILLIS);
        if let Some(acl) = self.acl_phase(id) {
            acl.deadline = deadline;
        }
    }

    fn peer_is_done(&mut self, id: ChannelId) -> bool {
        self.acl_phase(id).is_some_and(|acl| acl.done_received)
    }

    /// Whether a Have is one that was sent ahead and does not count, because the control lanes differ.
    fn drops_ahead(&mut self, id: ChannelId) -> bool {
        let is_due = |acl: &&mut AclPhase| acl.comparison.has_come() && !acl.done_received;
        let Some(acl) = self.acl_phase(id).filter(is_due) else { return false };
        !std::mem::replace(&mut acl.dropped_ahead, true)
    }

    fn keep_early(&mut self, id: ChannelId, frame: Frame) {
        let Some(acl) = self.acl_phase(id) else { return };
        if acl.done_received && acl.done_sent && acl.early.len() < EARLY_FRAMES_MAX {
            acl.early.push_back(frame);
        } else {
            self.protocol_error(id);
        }
    }

    fn acl_heads(&mut self, id: ChannelId, heads: &AclHeads) {
        let Some(acl) = self.acl_phase(id) else { return };
        let Some(differing) = acl.comparison.receive(&heads.vector) else {
            return self.protocol_error(id);
        };
        if *heads == acl.said {
            // Both sides see that, and neither has anything to send.
            (acl.done_sent, acl.done_received) = (true, true);
            self.claim_ends(id, &heads.vector.open);
            return;
        }
        acl.ahead = None;
        if self.claim_ends(id, &heads.vector.open) {
            self.send_closed_logs(id, differing.into_iter(), Lane::Control);
            self.acl_compared(id);
        }
    }

    fn acl_closed_logs(&mut self, id: ChannelId, list: &ClosedLogs) {
        let due = self.acl_phase(id).is_some_and(|acl| acl.comparison.receive_list(list));
        if !due {
            return self.protocol_error(id);
        }
        if self.claim_ends(id, &list.logs) {
            self.acl_compared(id);
        }
    }

    /// Takes a peer's word for what it holds. False when the channel was closed over it.
    pub(super) fn claim(&mut self, id: ChannelId, positions: &[Position]) -> bool {
        for position in positions {
            let Some(channel) = self.channels.get_mut(&id) else { return false };
            if channel.claims.raise(position).is_err() {
                self.protocol_error(id);
                return false;
            }
            self.check_own_log(id, position);
        }
        true
    }

    /// The same for the ends of logs, which may show forks besides.
    pub(super) fn claim_ends(&mut self, id: ChannelId, ends: &[LogEnd]) -> bool {
        for end in ends {
            if !self.claim(id, &[end.position()]) {
                return false;
            }
            let Some(state) = self.logs.get(&end.log) else { continue };
            if state.lane == Lane::Control {
                // Nothing else is sent of a branch that the peer does not go on with.
                if state.is_branched() && state.differs_from(end) || self.holds_another(end) {
                    self.send_branches(id, end.log);
                }
            } else if state.differs_from(end)
                && let Some(channel) = self.channels.get_mut(&id)
                && channel.suspects.len() < COMPARISONS_MAX
            {
                channel.suspects.push(end.position());
            }
        }
        true
    }

    /// Whether another entry of a log of the control lane is here where somebody else's log ends.
    fn holds_another(&self, end: &LogEnd) -> bool {
        let Some(members) = self.members.membership() else { return false };
        end.seq <= self.logs.reach(&end.log) && !members.holds_marked(&end.log, end.seq, &end.mark)
    }

    pub(super) fn send_closed_logs(
        &mut self,
        id: ChannelId,
        signers: impl Iterator<Item = SignerId>,
        lane: Lane,
    ) {
        for signer in signers {
            let closed = self.logs.closed_of(&signer, lane);
            let mut parts = closed.chunks(POSITIONS_PER_FRAME_MAX).peekable();
            if parts.peek().is_none() {
                let empty = ClosedLogs { signer, logs: Vec::new(), more: false };
                self.send(id, &Frame::ClosedLogs(empty));
            }
            while let Some(part) = parts.next() {
                let more = parts.peek().is_some();
                let list = ClosedLogs { signer, logs: part.to_vec(), more };
                self.send(id, &Frame::ClosedLogs(list));
            }
        }
    }

    /// Once it is known what the peer holds: sends it the rest of the control lane.
    fn acl_compared(&mut self, id: ChannelId) {
        if !self.acl_phase(id).is_some_and(|acl| acl.comparison.is_complete()) {
            return;
        }
        let Some(channel) = self.channels.get_mut(&id) else { return };
        let Phase::Acl(acl) = &channel.phase else { return };
        for (log, state) in self.logs.iter().filter(|(_, state)| state.lane == Lane::Control) {
            let claimed = channel.claims.seq(log);
            let lacks = claimed < state.committed.seq;
            if lacks && !acl.comparison.is_equal(log, &state.signer.id()) {
                channel.serve.offer(*log, claimed + 1, state.committed.seq);
            }
        }
    }

    fn acl_entries(&mut self, id: ChannelId, entries: &[crate::frames::EntryBytes], len: usize) {
        if self.peer_is_done(id) {
            return self.protocol_error(id);
        }
        self.acl_progress(id);
        let Some(acl) = self.acl_phase(id) else { return };
        acl.entries += entries.len();
        acl.bytes += len;
        let over = acl.entries > STRANGER_ENTRIES_MAX || acl.bytes > STRANGER_BYTES_MAX;
        let is_over = acl.is_stranger && over;
        self.take_entries(id, entries, len);
        if is_over {
            // What came is kept, so the next connection goes on from here.
            self.bye(id, ByeCode::Again);
        }
    }

    /// Ends membership phases in which everything has been said and stored.
    pub(super) fn settle_acl_phases(&mut self) {
        let in_phase: Vec<ChannelId> = self
            .channels
            .iter()
            .filter(|(_, channel)| matches!(channel.phase, Phase::Acl(_)))
            .map(|(id, _)| *id)
            .collect();
        for id in in_phase {
            self.settle_acl_phase(id);
        }
    }

    fn settle_acl_phase(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        let is_idle = channel.serve.is_idle() && channel.branches_due == 0;
        let is_stored = channel.intake.accepted == channel.intake.committed;
        let Phase::Acl(acl) = &mut channel.phase else { return };
        if !acl.done_sent && acl.comparison.is_complete() && is_idle {
            acl.done_sent = true;
            self.send(id, &Frame::AclDone);
        }
        let Some(acl) = self.acl_phase(id) else { return };
        if acl.done_sent && acl.done_received && is_stored {
            self.decide(id);
        }
    }

    fn decide(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get(&id) else { return };
        match self.members.standing(&channel.peer) {
            Standing::Live(member) => self.enter_data(id, member),
            Standing::Removed => self.bye(id, ByeCode::Removed),
            Standing::Unknown => self.bye(id, ByeCode::Unknown),
        }
    }
}
