//! Sending entries to a peer, in stored order, no faster than it takes them in.
//!
//! What a peer is to get is a set of ranges of logs. An entry that has just been committed is
//! sent from memory when the peer has everything before it; otherwise it is read from the store
//! in its turn. So never more than the window of one peer and one load are in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::effect::{Effect, Load};
use super::input::{ChannelId, LoadedEntry, RequestId, StoredOrder};
use super::{LoadPurpose, Replica};
use crate::frames::{EntryBytes, Frame, Position, Range};
use crate::ids::{EntryRef, LogId};
use crate::limits::{
    CLAIMS_PER_CHANNEL_MAX, ENTRIES_FRAME_BYTES, ENTRIES_PER_FRAME_MAX, LOAD_BYTES, SEND_WINDOW_BYTES,
};

/// What one peer is to get.
#[derive(Debug, Default)]
pub(super) struct Serve {
    ranges: BTreeMap<LogId, Outgoing>,
    /// Bytes of Entries frames that were sent, and of those that were taken in.
    sent: u64,
    taken: u64,
    /// The load that is under way.
    load: Option<RequestId>,
    /// Up to where in stored order the ranges have been read.
    cursor: StoredOrder,
    /// Whether something committed may not have been sent.
    is_behind: bool,
}

#[derive(Clone, Copy, Debug)]
struct Outgoing {
    /// The first entry that has not been sent.
    next: u64,
    /// The last one to send.
    to: u64,
    /// The first one that was sent, when nobody has asked for this log.
    unasked_from: Option<u64>,
}

impl Serve {
    /// Sends `from..=to` of a log though the peer has not asked for it, as it cannot know it.
    pub(super) fn offer(&mut self, log: LogId, from: u64, to: u64) {
        let range = Outgoing { next: from, to, unasked_from: Some(from) };
        if let std::collections::btree_map::Entry::Vacant(vacant) = self.ranges.entry(log) {
            vacant.insert(range);
            self.start_over();
        }
    }

    /// The same for a log that begins now, with nothing to catch up with.
    pub(super) fn offer_live(&mut self, log: LogId) {
        let range = Outgoing { next: 1, to: u64::MAX, unasked_from: Some(1) };
        self.ranges.entry(log).or_insert(range);
    }

    /// Takes what the peer asks for. Says whether there is room for it.
    pub(super) fn want(&mut self, range: &Range) -> bool {
        if range.from > range.to {
            self.ranges.remove(&range.log);
            return true;
        }
        if self.ranges.len() >= CLAIMS_PER_CHANNEL_MAX && !self.ranges.contains_key(&range.log) {
            return false;
        }
        let next = match self.ranges.get(&range.log) {
            // It asks for what is on its way already, because both sides spoke at once.
            Some(Outgoing { next, unasked_from: Some(first), .. }) if *first <= range.from => {
                (*next).max(range.from)
            }
            _ => range.from,
        };
        self.ranges.insert(range.log, Outgoing { next, to: range.to, unasked_from: None });
        self.start_over();
        true
    }

    fn start_over(&mut self) {
        self.cursor = StoredOrder::default();
        self.is_behind = true;
    }

    /// Takes the peer's word for how much it has taken in; a lie hurts nobody but itself.
    pub(super) fn taken(&mut self, bytes: u64) {
        self.taken = self.taken.max(bytes.min(self.sent));
    }

    fn has_room(&self) -> bool {
        self.sent - self.taken < SEND_WINDOW_BYTES
    }

    /// Whether nothing is left to send of what was asked for, up to where it exists.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_behind && self.load.is_none()
    }

    /// Takes an entry out of the ranges when it is the next of its log.
    fn advance(&mut self, log: &LogId, seq: u64) -> bool {
        match self.ranges.get_mut(log) {
            Some(range) if range.next == seq && seq <= range.to => {
                range.next += 1;
                true
            }
            _ => false,
        }
    }

    fn is_due(&self, at: &EntryRef) -> bool {
        self.ranges.get(&at.log).is_some_and(|range| range.next <= at.seq && at.seq <= range.to)
    }

    /// Whether an entry that was just committed is to be sent from memory now.
    fn takes_live(&mut self, at: &EntryRef) -> bool {
        if !self.is_due(at) {
            return false;
        }
        let live = self.is_idle() && self.has_room() && self.advance(&at.log, at.seq);
        self.is_behind |= !live;
        live
    }
}

/// Gathers entries into frames.
#[derive(Debug, Default)]
pub(super) struct FrameBuilder {
    entries: Vec<EntryBytes>,
    bytes: usize,
    full: Vec<Vec<u8>>,
}

impl FrameBuilder {
    pub(super) fn push(&mut self, bytes: Arc<[u8]>) {
        let over = self.bytes + bytes.len() > ENTRIES_FRAME_BYTES;
        if !self.entries.is_empty() && (over || self.entries.len() == ENTRIES_PER_FRAME_MAX) {
            self.end_frame();
        }
        self.bytes += bytes.len();
        self.entries.push(EntryBytes(bytes));
    }

    fn end_frame(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        self.full.push(Frame::Entries(entries).encode());
        self.bytes = 0;
    }

    pub(super) fn finish(mut self) -> Vec<Vec<u8>> {
        if !self.entries.is_empty() {
            self.end_frame();
        }
        self.full
    }
}

impl Replica {
    /// Sends entries that were just committed to the peers that are up to date.
    pub(super) fn push_live<'a>(&mut self, committed: impl Iterator<Item = (EntryRef, &'a Arc<[u8]>)>) {
        let mut builders: BTreeMap<ChannelId, FrameBuilder> = BTreeMap::new();
        for (at, bytes) in committed {
            for (id, channel) in &mut self.channels {
                if channel.ready().is_some() && channel.serve.takes_live(&at) {
                    builders.entry(*id).or_default().push(Arc::clone(bytes));
                    let position = Position { log: at.log, seq: at.seq };
                    // What was sent to a peer is ours, so a claim too many costs nothing.
                    let _ = channel.claims.raise(&position);
                }
            }
        }
        for (id, builder) in builders {
            self.send_entries(id, builder);
        }
    }

    pub(super) fn send_entries(&mut self, id: ChannelId, builder: FrameBuilder) {
        for bytes in builder.finish() {
            if let Some(channel) = self.channels.get_mut(&id) {
                channel.serve.sent += bytes.len() as u64;
            }
            self.effects.push(Effect::Send { channel: id, bytes });
        }
    }

    /// Asks the store for more to send where there is room, and ends membership phases in which
    /// nothing is left to send.
    pub(super) fn pump_all(&mut self) {
        let behind: Vec<ChannelId> = self
            .channels
            .iter()
            .filter(|(_, channel)| {
                channel.serve.is_behind && channel.serve.load.is_none() && channel.serve.has_room()
            })
            .map(|(id, _)| *id)
            .collect();
        for id in behind {
            self.pump(id);
        }
    }

    fn pump(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        let serve = &mut channel.serve;
        serve.ranges.retain(|_, range| range.next <= range.to);
        let ranges: Vec<Range> = serve
            .ranges
            .iter()
            .map(|(log, range)| {
                let to = range.to.min(self.logs.committed_seq(log));
                Range { log: *log, from: range.next, to }
            })
            .filter(|range| range.from <= range.to)
            .collect();
        if ranges.is_empty() {
            serve.is_behind = false;
            return;
        }
        let request = RequestId(self.next_request);
        self.next_request += 1;
        serve.load = Some(request);
        let after = serve.cursor;
        self.loads.insert(request, LoadPurpose::Serve(id));
        self.effects.push(Effect::Load(Load {
            request,
            after,
            ranges,
            bytes_max: LOAD_BYTES,
            branches: false,
        }));
    }

    /// Sends what the store has found for a peer.
    pub(super) fn loaded_to_serve(&mut self, id: ChannelId, entries: Vec<LoadedEntry>) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        let serve = &mut channel.serve;
        serve.load = None;
        if entries.is_empty() {
            if serve.cursor == StoredOrder::default() {
                // The store does not have what it once said it has. Nobody gains by asking on.
                serve.ranges.retain(|log, range| range.next > self.logs.committed_seq(log));
                serve.is_behind = false;
            }
            serve.cursor = StoredOrder::default();
            return;
        }
        let mut builder = FrameBuilder::default();
        for entry in entries {
            serve.cursor = serve.cursor.max(entry.order);
            if serve.advance(&entry.log, entry.seq) {
                let _ = channel.claims.raise(&Position { log: entry.log, seq: entry.seq });
                builder.push(entry.bytes);
            }
        }
        self.send_entries(id, builder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(number: usize) -> Range {
        let mut log = [0; 32];
        log[..8].copy_from_slice(&(number as u64).to_be_bytes());
        Range { log: LogId::from_bytes(log), from: 1, to: u64::MAX }
    }

    #[test]
    fn a_peer_may_ask_for_as_many_logs_as_it_may_claim() {
        let mut serve = Serve::default();
        for number in 0..CLAIMS_PER_CHANNEL_MAX {
            assert!(serve.want(&range(number)));
        }
        assert!(!serve.want(&range(CLAIMS_PER_CHANNEL_MAX)));
        assert!(serve.want(&Range { from: 5, ..range(0) }), "what was asked for may be asked for otherwise");
        assert!(serve.want(&Range { to: 0, ..range(0) }), "what is taken back");
        assert!(serve.want(&range(CLAIMS_PER_CHANNEL_MAX)), "makes room");
    }

    #[test]
    fn nothing_is_sent_beyond_the_window() {
        let mut serve = Serve { sent: SEND_WINDOW_BYTES - 1, ..Serve::default() };
        assert!(serve.has_room());
        serve.sent += 1;
        assert!(!serve.has_room());
        serve.taken(1);
        assert!(serve.has_room());
        serve.taken(u64::MAX);
        assert_eq!(serve.taken, serve.sent, "nobody takes in more than was sent");
    }

    /// How many entries each frame holds.
    fn frames(entries: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut builder = FrameBuilder::default();
        entries.into_iter().for_each(|len| builder.push(vec![0; len].into()));
        let count = |bytes: Vec<u8>| match Frame::decode(&bytes) {
            Ok(Frame::Entries(entries)) => entries.len(),
            other => panic!("{other:?}"),
        };
        builder.finish().into_iter().map(count).collect()
    }

    #[test]
    fn a_frame_ends_at_its_bytes_and_at_its_entries() {
        assert_eq!(frames([ENTRIES_FRAME_BYTES - 3, 3]), [2]);
        assert_eq!(frames([ENTRIES_FRAME_BYTES - 3, 4]), [1, 1]);
        assert_eq!(frames([crate::limits::ENTRY_BYTES_MAX]), [1]);
        assert_eq!(frames(vec![1; ENTRIES_PER_FRAME_MAX]), [ENTRIES_PER_FRAME_MAX]);
        assert_eq!(frames(vec![1; ENTRIES_PER_FRAME_MAX + 1]), [ENTRIES_PER_FRAME_MAX, 1]);
    }
}
