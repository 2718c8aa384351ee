//! Entries that came before control-lane entries that they name.
//!
//! They wait in memory, within limits. What does not fit is dropped and asked for again later,
//! because nothing that waits here counts as received.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::input::ChannelId;
use crate::entry::{Entry, Kind};
use crate::ids::{EntryId, LogId, UserId};
use crate::limits::{PENDING_BYTES_MAX, PENDING_ENTRIES_MAX};

/// An entry with its bytes, its signature checked.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) entry: Entry,
    pub(super) bytes: Arc<[u8]>,
}

#[derive(Clone, Debug)]
struct Run {
    entries: VecDeque<Received>,
    /// What the first one waits for.
    needs: Vec<EntryId>,
    /// Where it came from, and with which it goes: it is asked for again elsewhere.
    from: ChannelId,
    /// Whose it is, when that person is known.
    asker: Option<UserId>,
}

impl Run {
    fn new(needs: Vec<EntryId>, from: ChannelId) -> Self {
        Self { entries: VecDeque::new(), needs, from, asker: None }
    }
}

/// The waiting entries: of each log a run that continues what is accepted.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    logs: BTreeMap<LogId, Run>,
    entries: usize,
    bytes: usize,
}

impl Pending {
    /// The last waiting entry of a log.
    pub(super) fn last(&self, log: &LogId) -> Option<(u64, EntryId)> {
        let last = &self.logs.get(log)?.entries.back()?.entry;
        Some((last.header.seq, last.id()))
    }

    /// The beginning of a log, when it is what waits first.
    pub(super) fn beginning(&self, log: &LogId) -> Option<&Entry> {
        let first = &self.logs.get(log)?.entries.front()?.entry;
        (first.header.kind == Kind::Open).then_some(first)
    }

    /// Notes that a known person's entry, the first of its run, waits for others.
    pub(super) fn asked_by(&mut self, log: &LogId, user: UserId) {
        if let Some(run) = self.logs.get_mut(log) {
            run.asker = Some(user);
        }
    }

    /// Whether an entry of a known person other than this one waits for others.
    pub(super) fn is_asked_by_others(&self, user: &UserId) -> bool {
        self.logs.values().any(|run| run.asker.is_some_and(|asker| asker != *user))
    }

    /// Whether this very entry waits.
    pub(super) fn holds(&self, log: &LogId, id: &EntryId) -> bool {
        self.logs.get(log).is_some_and(|run| run.entries.iter().any(|waiting| waiting.entry.id() == *id))
    }

    /// Lets an entry wait: the first of its log for what it `needs`, any other behind the one
    /// before it. Says whether it fits.
    pub(super) fn push(&mut self, from: ChannelId, received: Received, needs: Vec<EntryId>) -> bool {
        let bytes = self.bytes + received.bytes.len();
        if self.entries == PENDING_ENTRIES_MAX || bytes > PENDING_BYTES_MAX {
            return false;
        }
        self.entries += 1;
        self.bytes = bytes;
        let log = received.entry.header.log;
        let run = self.logs.entry(log).or_insert_with(|| Run::new(needs, from));
        run.entries.push_back(received);
        true
    }

    /// Puts an entry that was taken out back in front of its run, because it needs more.
    pub(super) fn put_back(&mut self, from: ChannelId, received: Received, needs: Vec<EntryId>) {
        self.entries += 1;
        self.bytes += received.bytes.len();
        let log = received.entry.header.log;
        let run = self.logs.entry(log).or_insert_with(|| Run::new(Vec::new(), from));
        run.needs = needs;
        run.entries.push_front(received);
    }

    /// Takes the first entry of a run that waits for nothing any more.
    pub(super) fn pop_ready(&mut self, is_here: impl Fn(&EntryId) -> bool) -> Option<Received> {
        let is_ready = |run: &Run| run.needs.iter().all(&is_here);
        let log = *self.logs.iter().find(|(_, run)| is_ready(run))?.0;
        let run = self.logs.get_mut(&log)?;
        let received = run.entries.pop_front()?;
        run.needs.clear();
        run.asker = None;
        if run.entries.is_empty() {
            self.logs.remove(&log);
        }
        self.entries -= 1;
        self.bytes -= received.bytes.len();
        Some(received)
    }

    /// Drops the run of a log whose continuation was refused.
    pub(super) fn drop_run(&mut self, log: &LogId) {
        for received in self.logs.remove(log).map(|run| run.entries).unwrap_or_default() {
            self.entries -= 1;
            self.bytes -= received.bytes.len();
        }
    }

    /// Drops what came on a channel that is gone: what is never going to be released would wait
    /// for ever.
    pub(super) fn drop_channel(&mut self, channel: ChannelId) {
        let gone: Vec<LogId> =
            self.logs.iter().filter(|(_, run)| run.from == channel).map(|(log, _)| *log).collect();
        for log in gone {
            self.drop_run(&log);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Header;
    use crate::ids::{BodyHash, WorkspaceId};
    use ed25519_dalek::SigningKey;

    fn received(log: u8, seq: u64, body_len: usize) -> Received {
        let header = Header {
            ver: 1,
            ws: WorkspaceId::from_bytes([1; 32]),
            log: LogId::from_bytes([log; 32]),
            seq,
            prev: EntryId::from_bytes([2; 32]),
            kind: Kind::Data,
            acl_heads: Vec::new(),
            epoch: None,
            body_len: 0,
            body_hash: BodyHash::ZERO,
        };
        let entry = Entry::sign(header, vec![0; body_len], &SigningKey::from_bytes(&[3; 32])).unwrap();
        let bytes = entry.encode().into();
        Received { entry, bytes }
    }

    const CHANNEL: ChannelId = ChannelId(1);

    fn needs(byte: u8) -> Vec<EntryId> {
        vec![EntryId::from_bytes([byte; 32])]
    }

    fn pop(pending: &mut Pending, here: &[u8]) -> Option<(u8, u64)> {
        pending
            .pop_ready(|id| here.iter().any(|byte| *id == EntryId::from_bytes([*byte; 32])))
            .map(|received| (received.entry.header.log.as_bytes()[0], received.entry.header.seq))
    }

    #[test]
    fn runs_come_out_in_order_when_what_they_need_is_here() {
        let mut pending = Pending::default();
        assert!(pending.push(CHANNEL, received(1, 2, 0), needs(7)));
        assert!(pending.push(CHANNEL, received(1, 3, 0), needs(8)));
        assert!(pending.push(CHANNEL, received(2, 2, 0), needs(9)));
        assert_eq!(pending.last(&LogId::from_bytes([1; 32])).unwrap().0, 3);
        assert_eq!(pop(&mut pending, &[8]), None);
        assert_eq!(pop(&mut pending, &[7, 9]), Some((1, 2)));
        let second = pending.pop_ready(|_| false).unwrap();
        assert_eq!(second.entry.header.seq, 3, "what a follower needs is found when its turn comes");
        pending.put_back(CHANNEL, second, needs(8));
        assert_eq!(pop(&mut pending, &[7, 9]), Some((2, 2)));
        assert_eq!(pop(&mut pending, &[7, 9]), None);
        assert_eq!(pop(&mut pending, &[8]), Some((1, 3)));
        assert_eq!((pending.len(), pending.bytes), (0, 0));
    }

    #[test]
    fn whoever_waits_asks_until_what_was_waited_for_is_here() {
        let (ana, bob) = (UserId::from_bytes([1; 32]), UserId::from_bytes([2; 32]));
        let mut pending = Pending::default();
        assert!(pending.push(CHANNEL, received(1, 2, 0), needs(7)));
        assert!(pending.push(CHANNEL, received(1, 3, 0), Vec::new()));
        assert!(!pending.is_asked_by_others(&ana), "a stranger asks for nothing");
        pending.asked_by(&LogId::from_bytes([1; 32]), bob);
        assert!(pending.is_asked_by_others(&ana) && !pending.is_asked_by_others(&bob));
        assert_eq!(pop(&mut pending, &[7]), Some((1, 2)));
        assert!(!pending.is_asked_by_others(&ana));
    }

    #[test]
    fn what_came_on_a_channel_goes_with_it() {
        let mut pending = Pending::default();
        assert!(pending.push(CHANNEL, received(1, 2, 0), needs(7)));
        assert!(pending.push(ChannelId(2), received(2, 2, 0), needs(7)));
        pending.drop_channel(CHANNEL);
        assert_eq!(pending.len(), 1);
        assert_eq!(pop(&mut pending, &[7]), Some((2, 2)));
    }

    #[test]
    fn the_limits_hold_and_dropping_a_run_makes_room() {
        let mut pending = Pending::default();
        for seq in 0..PENDING_ENTRIES_MAX {
            assert!(pending.push(CHANNEL, received(1, seq as u64 + 2, 0), needs(7)));
        }
        assert!(!pending.push(CHANNEL, received(2, 2, 0), needs(7)));
        pending.drop_run(&LogId::from_bytes([1; 32]));
        assert_eq!((pending.len(), pending.bytes), (0, 0));
        let large = received(1, 2, 200 * 1024);
        let fit = PENDING_BYTES_MAX / large.bytes.len();
        for _ in 0..fit {
            assert!(pending.push(CHANNEL, large.clone(), needs(7)));
        }
        assert!(!pending.push(CHANNEL, large, needs(7)));
        let mut rest = received(2, 2, 0);
        rest.bytes = vec![0; PENDING_BYTES_MAX - pending.bytes + 1].into();
        assert!(!pending.push(CHANNEL, rest.clone(), needs(7)));
        rest.bytes = vec![0; PENDING_BYTES_MAX - pending.bytes].into();
        assert!(pending.push(CHANNEL, rest, needs(7)));
        assert_eq!(pending.bytes, PENDING_BYTES_MAX);
    }
}
