//! From whom each log is fetched.
//!
//! Nothing is sent to a peer that has not asked for it, except new logs of the sender's own.
//! So the receiver sees to it that no entry comes twice: each log is asked of one peer, with an
//! open end, and what that peer then gets it passes on at once. The log's own device is asked
//! first; somebody else only when it is not connected, or does not deliver.

use std::collections::{BTreeMap, BTreeSet};

use super::Replica;
use super::input::ChannelId;
use crate::frames::{Frame, Position, Range};
use crate::ids::{LogId, Timestamp};
use crate::limits::{ALARMS_PER_DEVICE_MAX, LACK_MILLIS, POSITIONS_PER_FRAME_MAX, STALL_MILLIS};

/// How long a peer may send other logs before the one that it was asked for.
const BUSY_MILLIS: u64 = 3 * STALL_MILLIS;

/// The state of fetching.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Whom each log was asked of, and how many were asked of each.
    asked: BTreeMap<LogId, ChannelId>,
    asked_of: BTreeMap<ChannelId, usize>,
    /// Before this time nothing is late.
    check_at: Option<Timestamp>,
    /// Logs of which peers hold more than we, and when that was noticed or last improved.
    lacking: BTreeMap<LogId, Lack>,
    /// Logs that are not taken until membership changes.
    held: BTreeSet<LogId>,
    /// What is to be asked at the end of this input.
    wants: BTreeMap<ChannelId, BTreeMap<LogId, Range>>,
}

#[derive(Clone, Debug)]
struct Lack {
    since: Timestamp,
    /// How often asking again has not helped.
    tries: u32,
    /// Who was asked in vain since something came last: others are asked before them.
    in_vain: BTreeSet<ChannelId>,
}

impl Lack {
    fn new(since: Timestamp) -> Self {
        Self { since, tries: 0, in_vain: BTreeSet::new() }
    }
}

impl Sources {
    pub(super) fn forget_channel(&mut self, id: ChannelId) {
        self.asked.retain(|_, channel| *channel != id);
        self.asked_of.remove(&id);
        self.wants.remove(&id);
    }

    fn set_asked(&mut self, log: LogId, channel: ChannelId) -> Option<ChannelId> {
        let before = self.unset_asked(&log);
        self.asked.insert(log, channel);
        *self.asked_of.entry(channel).or_default() += 1;
        before
    }

    fn unset_asked(&mut self, log: &LogId) -> Option<ChannelId> {
        let before = self.asked.remove(log)?;
        if let Some(count) = self.asked_of.get_mut(&before) {
            *count -= 1;
        }
        Some(before)
    }

    fn check_by(&mut self, at: Timestamp) {
        self.check_at = Some(self.check_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// Stops fetching a log until membership changes.
    pub(super) fn hold(&mut self, log: LogId) {
        self.held.insert(log);
        self.lacking.remove(&log);
    }

    pub(super) fn held(&self) -> &BTreeSet<LogId> {
        &self.held
    }

    /// A log was taken back: everything about it is asked anew.
    pub(super) fn forget_log(&mut self, log: &LogId) {
        self.unset_asked(log);
        self.lacking.remove(log);
        self.held.remove(log);
        for ranges in self.wants.values_mut() {
            ranges.remove(log);
        }
    }

    pub(super) fn is_lacking(&self, log: &LogId) -> bool {
        self.lacking.contains_key(log)
    }

    /// Logs of which connected peers hold more than we.
    pub(super) fn lacking(&self) -> impl Iterator<Item = &LogId> {
        self.lacking.keys()
    }

    /// Notes that an entry of a log has come; `from` sends what follows too, when it is the
    /// log's own device.
    pub(super) fn progress(&mut self, log: &LogId, now: Timestamp) {
        if let Some(lack) = self.lacking.get_mut(log) {
            *lack = Lack::new(now);
        }
    }

    fn ask(&mut self, channel: ChannelId, log: LogId, from: u64) {
        if let Some(before) = self.set_asked(log, channel)
            && before != channel
        {
            // An empty range takes the earlier request back.
            self.want(before, Range { log, from: 1, to: 0 });
        }
        self.want(channel, Range { log, from, to: u64::MAX });
    }

    /// Asks one peer for an entry that is here already, to compare the two; and for what follows
    /// when that was asked of it before.
    pub(super) fn want_other(&mut self, channel: ChannelId, log: LogId, seq: u64) {
        let to = if self.asked.get(&log) == Some(&channel) { u64::MAX } else { seq };
        self.want(channel, Range { log, from: seq, to });
    }

    fn want(&mut self, channel: ChannelId, range: Range) {
        self.wants.entry(channel).or_default().insert(range.log, range);
    }
}

impl Replica {
    /// How far a log is here, what waits in memory included.
    pub(super) fn received_seq(&self, log: &LogId) -> u64 {
        let waiting = self.pending.last(log).map_or(0, |(seq, _)| seq);
        self.logs.accepted_seq(log).max(waiting).max(self.logs.reach(log))
    }

    /// The connected device that writes a log.
    fn author_channel(&self, log: &LogId) -> Option<ChannelId> {
        let device = self.logs.get(log)?.signer.device()?;
        let is_author = |data: &super::channel::DataPhase| data.member.device == device;
        self.channels.iter().find(|(_, channel)| channel.ready().is_some_and(is_author)).map(|(id, _)| *id)
    }

    /// The peer that is best asked for what is beyond `seq`: one that holds it, and of those
    /// the one of whom the least is asked.
    fn best_holder(&self, log: &LogId, seq: u64, except: &BTreeSet<ChannelId>) -> Option<ChannelId> {
        let load = |id: &ChannelId| self.sources.asked_of.get(id).copied().unwrap_or(0);
        self.channels
            .iter()
            .filter(|(id, channel)| {
                !except.contains(id) && channel.ready().is_some() && channel.claims.seq(log) > seq
            })
            .map(|(id, _)| *id)
            .min_by_key(load)
    }

    fn is_taken(&self, log: &LogId) -> bool {
        !self.sources.held.contains(log) && !self.is_over(log)
    }

    /// Whether nothing more of a log lives than what is here, because it was continued twice.
    fn is_over(&self, log: &LogId) -> bool {
        self.members.is_dead_from(log, self.logs.accepted_seq(log) + 1)
    }

    /// Looks at what is known of one log, and asks for what is lacking.
    pub(super) fn consider(&mut self, log: &LogId) {
        if !self.is_taken(log) {
            self.sources.lacking.remove(log);
            return;
        }
        let received = self.received_seq(log);
        let holder = self.best_holder(log, received, &BTreeSet::new());
        if holder.is_some() {
            let now = self.now;
            self.sources.lacking.entry(*log).or_insert_with(|| Lack::new(now));
            self.sources.check_by(self.now.plus_millis(LACK_MILLIS));
        } else {
            self.sources.lacking.remove(log);
        }
        let asked = self.sources.asked.get(log).copied();
        let goes_on = holder.is_some() || !self.logs.is_closed(log);
        // A device that holds less of its own log than others was set back; they are asked then.
        // And one that has continued it twice may hold another branch.
        let author = self.author_channel(log).filter(|author| {
            if self.is_forked(log) {
                return false;
            }
            let claimed = self.channels.get(author).map_or(0, |channel| channel.claims.seq(log));
            holder.is_none() || claimed > received || asked == Some(*author)
        });
        match (author, holder) {
            (Some(author), _) if goes_on && asked != Some(author) => {
                self.sources.ask(author, *log, received + 1);
            }
            (None, Some(holder)) if asked.is_none() => self.sources.ask(holder, *log, received + 1),
            _ => {}
        }
    }

    /// Looks at all that a peer holds or writes, once that is known.
    pub(super) fn consider_peer(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get(&id) else { return };
        let Some(data) = channel.ready() else { return };
        let signer = crate::ids::SignerId::from_bytes(*data.member.device.as_bytes());
        let mut logs: BTreeSet<LogId> = channel
            .claims
            .iter()
            .filter(|(log, seq)| *seq > self.received_seq(log))
            .map(|(log, _)| *log)
            .collect();
        let written = self.logs.of_signer(&signer).map(|(log, _)| *log);
        logs.extend(written.filter(|log| !self.logs.is_closed(log)));
        for log in logs {
            self.consider(&log);
        }
    }

    /// Looks at everything again, because a peer is gone or membership has changed.
    pub(super) fn reconsider_all(&mut self) {
        let logs: BTreeSet<LogId> = self
            .channels
            .values()
            .filter(|channel| channel.ready().is_some())
            .flat_map(|channel| channel.claims.iter())
            .filter(|(log, seq)| *seq > self.received_seq(log))
            .map(|(log, _)| *log)
            .chain(self.sources.lacking.keys().copied())
            .collect();
        for log in logs {
            self.consider(&log);
        }
    }

    /// Membership has changed: what was not taken may be taken now.
    pub(super) fn release_held(&mut self) {
        if !self.sources.held.is_empty() {
            self.ask_for_held();
            self.reconsider_all();
        }
    }

    /// Fetches what was not taken once more.
    pub(super) fn ask_for_held(&mut self) {
        let held = std::mem::take(&mut self.sources.held);
        for log in held {
            // It has to be sent once more, so the earlier request is void.
            self.sources.unset_asked(&log);
            self.consider(&log);
        }
    }

    fn lack_deadline(&self, log: &LogId, lack: &Lack) -> Timestamp {
        let asked = self.sources.asked.get(log).and_then(|id| self.channels.get(id));
        let backoff = 1u64 << lack.tries.min(5);
        match asked {
            Some(channel) if channel.claims.seq(log) > self.received_seq(log) => {
                // Another log of the same peer may come first. But not for ever: it may be holding this one back.
                let busy = channel.intake.last_taken_at.min(lack.since.plus_millis(BUSY_MILLIS));
                lack.since.max(busy).plus_millis(STALL_MILLIS * backoff)
            }
            _ => lack.since.plus_millis(LACK_MILLIS * backoff),
        }
    }

    pub(super) fn sources_deadline(&self) -> Option<Timestamp> {
        self.sources.check_at
    }

    /// Asks elsewhere, or again, for what has not come in time.
    pub(super) fn tick_sources(&mut self) {
        if self.sources.check_at.is_none_or(|check_at| check_at > self.now) {
            return;
        }
        let late: Vec<LogId> = self
            .sources
            .lacking
            .iter()
            .filter(|(log, lack)| self.lack_deadline(log, lack) <= self.now)
            .map(|(log, _)| *log)
            .collect();
        for log in late {
            let received = self.received_seq(&log);
            let Some(Lack { mut in_vain, tries, .. }) = self.sources.lacking.remove(&log) else { continue };
            in_vain.extend(self.sources.asked.get(&log));
            let other = self.best_holder(&log, received, &in_vain).or_else(|| {
                in_vain.clear();
                self.best_holder(&log, received, &in_vain)
            });
            let Some(other) = other.filter(|_| self.is_taken(&log)) else {
                continue;
            };
            self.sources.lacking.insert(log, Lack { since: self.now, tries: tries + 1, in_vain });
            self.sources.ask(other, log, received + 1);
        }
        let next = self.sources.lacking.iter().map(|(log, lack)| self.lack_deadline(log, lack)).min();
        self.sources.check_at = next;
    }

    /// Sends what is to be asked, one frame for each peer.
    pub(super) fn send_wants(&mut self) {
        for (id, ranges) in std::mem::take(&mut self.sources.wants) {
            let ranges: Vec<Range> = ranges.into_values().collect();
            for part in ranges.chunks(POSITIONS_PER_FRAME_MAX) {
                self.send(id, &Frame::Want(part.to_vec()));
            }
        }
    }

    /// An entry came: what is fetched of its log goes on, or is complete.
    pub(super) fn log_progress(&mut self, log: &LogId, from: ChannelId) {
        self.sources.progress(log, self.now);
        let received = self.received_seq(log);
        let is_lacking = || {
            self.channels
                .values()
                .any(|channel| channel.ready().is_some() && channel.claims.seq(log) > received)
        };
        if self.sources.lacking.contains_key(log) && !is_lacking() {
            self.sources.lacking.remove(log);
        }
        if !self.sources.asked.contains_key(log) && self.author_channel(log) == Some(from) {
            // A device sends its own new logs unasked, and all that follows.
            self.sources.set_asked(*log, from);
        }
    }

    /// A peer that holds more of our own log than we do: our database was set back. We never
    /// write to that log again, but fetch what we have lost.
    pub(super) fn check_own_log(&mut self, id: ChannelId, position: &Position) {
        let is_own = [self.own.data_log, self.own.control_log].contains(&position.log);
        if !is_own || position.seq <= self.logs.accepted_seq(&position.log) {
            return;
        }
        let Some(channel) = self.channels.get(&id) else { return };
        // Claims cost nothing, so nobody can make us begin sessions for ever.
        let alarms = self.alarms.entry(channel.peer).or_default();
        if *alarms < ALARMS_PER_DEVICE_MAX {
            *alarms += 1;
            self.own.is_retired = true;
        }
    }
}
