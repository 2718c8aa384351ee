//! From checked to stored: entries gather while a transaction is under way and form the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Replica;
use super::effect::{Append, Effect, LocalItem, StoredEntry};
use super::input::{BatchId, ChannelId, WriteId};
use super::pending::Received;
use crate::acl::Class;
use crate::entry::{Entry, Kind, Lane, Signer};
use crate::ids::EntryRef;
use crate::limits::{BATCH_BYTES_MAX, BATCH_ENTRIES_MAX};
use rand::CryptoRng;

/// A checked entry on its way to the disk.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) entry: Entry,
    pub(super) bytes: Arc<[u8]>,
    pub(super) signer: Signer,
    pub(super) lane: Lane,
    /// Where it came from; none when it was written here.
    pub(super) from: Option<ChannelId>,
    /// For our own Data: where its items come from.
    pub(super) local: Vec<LocalItem>,
    /// Whether it is on another branch of a log of the control lane than the one that was here first.
    pub(super) is_side: bool,
}

impl Prepared {
    pub(super) fn new(received: Received, signer: Signer, lane: Lane, from: Option<ChannelId>) -> Self {
        let Received { entry, bytes } = received;
        Self { entry, bytes, signer, lane, from, local: Vec::new(), is_side: false }
    }
}

/// What waits for the next transaction.
#[derive(Debug, Default)]
pub(super) struct Gather {
    entries: std::collections::VecDeque<Prepared>,
    /// Bytes of frames that count as taken in when all of this is stored.
    credits: BTreeMap<ChannelId, u64>,
    /// Writes that are in these entries.
    written: BTreeMap<WriteId, Vec<EntryRef>>,
}

impl Gather {
    pub(super) fn push(&mut self, prepared: Prepared) {
        self.entries.push_back(prepared);
    }

    pub(super) fn credit(&mut self, channel: ChannelId, bytes: u64) {
        *self.credits.entry(channel).or_default() += bytes;
    }

    /// Notes that a write ended up (partly) in an entry.
    pub(super) fn wrote(&mut self, write: WriteId, at: EntryRef) {
        let entries = self.written.entry(write).or_default();
        if entries.last() != Some(&at) {
            entries.push(at);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn take(&mut self, id: BatchId) -> Batch {
        let mut entries = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.entries.front() {
            bytes += next.bytes.len();
            if !entries.is_empty() && (bytes > BATCH_BYTES_MAX || entries.len() == BATCH_ENTRIES_MAX) {
                break;
            }
            entries.extend(self.entries.pop_front());
        }
        let mut batch = Batch { id, entries, credits: BTreeMap::new(), written: BTreeMap::new() };
        if self.entries.is_empty() {
            batch.credits = std::mem::take(&mut self.credits);
            batch.written = std::mem::take(&mut self.written);
        }
        batch
    }
}

/// A transaction that is under way.
#[derive(Debug)]
pub(super) struct Batch {
    id: BatchId,
    entries: Vec<Prepared>,
    credits: BTreeMap<ChannelId, u64>,
    written: BTreeMap<WriteId, Vec<EntryRef>>,
}

impl Replica {
    /// Begins the next transaction when none is under way and something is there to store.
    pub(super) fn flush(&mut self, rng: &mut dyn CryptoRng) {
        if self.in_flight.is_some() {
            return;
        }
        self.write_queued(rng);
        if self.gather.is_empty() {
            return;
        }
        let id = BatchId(self.next_batch);
        self.next_batch += 1;
        let batch = self.gather.take(id);
        let entries = batch.entries.iter().map(stored_entry).collect();
        self.effects.push(Effect::Append(Append { batch: id, entries }));
        self.in_flight = Some(batch);
    }

    /// What a transaction holds is on disk: now it may be shown, in this order: to peers that
    /// wait for it, as Acks, to the caller.
    pub(super) fn committed(&mut self, id: BatchId, rng: &mut dyn CryptoRng) {
        let Some(batch) = self.in_flight.take_if(|batch| batch.id == id) else { return };
        let in_line = || batch.entries.iter().filter(|prepared| !prepared.is_side);
        let positions: Vec<EntryRef> = in_line().map(|prepared| prepared.entry.entry_ref()).collect();
        let mut branched = BTreeSet::new();
        for prepared in &batch.entries {
            let at = prepared.entry.entry_ref();
            if prepared.is_side {
                self.logs.commit_side(&at, &prepared.entry.header.prev);
                branched.insert(at.log);
            } else {
                self.logs.commit(&at);
            }
            self.count_committed(prepared);
        }
        self.offer_own_new_logs(&batch.entries);
        self.push_live(in_line().map(|prepared| (prepared.entry.entry_ref(), &prepared.bytes)));
        self.tell_of_branches(&branched);
        self.note_acks(&positions);
        for (channel, bytes) in &batch.credits {
            if let Some(channel) = self.channels.get_mut(channel) {
                channel.intake.taken += bytes;
            }
        }
        for (write, entries) in batch.written {
            self.effects.push(Effect::Written { write, entries });
        }
        self.membership_committed(&batch.entries);
        for prepared in &batch.entries {
            self.interpret(prepared, rng);
        }
        if std::mem::take(&mut self.verdicts_changed) {
            self.membership_settled();
        }
    }

    fn count_committed(&mut self, prepared: &Prepared) {
        let at = prepared.entry.entry_ref();
        if let Some(channel) = prepared.from.and_then(|id| self.channels.get_mut(&id)) {
            channel.intake.committed += 1;
        }
        if prepared.signer == self.own.signer && prepared.lane == Lane::Data {
            self.acks.grew(&at);
            self.peers_changed.all = true;
        }
        let asks_for_frontier = matches!(prepared.entry.header.kind, Kind::Data | Kind::Acl | Kind::Epoch);
        if prepared.from.is_some() && asks_for_frontier {
            self.frontier.received += 1;
        }
        if !prepared.entry.header.is_understood() {
            self.needs_newer = true;
        }
    }

    /// Peers cannot ask for logs that they cannot know: those are sent unasked.
    fn offer_own_new_logs(&mut self, committed: &[Prepared]) {
        let begun = committed.iter().filter(|prepared| prepared.from.is_none());
        for at in begun.map(|prepared| prepared.entry.entry_ref()).filter(|at| at.seq == 1) {
            for channel in self.channels.values_mut().filter(|channel| channel.ready().is_some()) {
                channel.serve.offer_live(at.log);
            }
        }
    }

    /// What an entry that is on disk now leads to, beyond being stored and relayed.
    fn interpret(&mut self, prepared: &Prepared, rng: &mut dyn CryptoRng) {
        if !prepared.entry.header.is_understood() {
            if prepared.lane == Lane::Data && self.class() != Some(Class::Keeper) {
                self.delivery.keep_newer(&prepared.entry.entry_ref());
            }
            return;
        }
        match prepared.entry.header.kind {
            Kind::Data if prepared.from.is_some() => {
                self.deliver_committed(&prepared.entry, &prepared.signer)
            }
            Kind::Frontier => self.frontier_committed(prepared),
            Kind::KeyRequest if prepared.from.is_some() => self.key_requested(prepared, rng),
            Kind::Epoch => self.epoch_committed(&prepared.entry),
            _ => {}
        }
    }
}

/// Data, and what only a newer program can read: it will be opened when this one has become that.
fn waits_to_be_opened(prepared: &Prepared) -> bool {
    let header = &prepared.entry.header;
    prepared.lane == Lane::Data && (header.kind == Kind::Data || !header.is_understood())
}

fn stored_entry(prepared: &Prepared) -> StoredEntry {
    let kind = prepared.entry.header.kind;
    StoredEntry {
        at: prepared.entry.entry_ref(),
        kind,
        lane: prepared.lane,
        bytes: Arc::clone(&prepared.bytes),
        opened: prepared.from.is_none() || !waits_to_be_opened(prepared),
        local: prepared.local.clone(),
        is_fork: prepared.is_side,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Header;
    use crate::ids::{BodyHash, EntryId, LogId, UserId, WorkspaceId};
    use ed25519_dalek::SigningKey;

    fn entry() -> Entry {
        let header = Header {
            ver: 1,
            ws: WorkspaceId::ZERO,
            log: LogId::ZERO,
            seq: 2,
            prev: EntryId::from_bytes([1; 32]),
            kind: Kind::Data,
            acl_heads: Vec::new(),
            epoch: None,
            body_len: 0,
            body_hash: BodyHash::ZERO,
        };
        Entry::sign(header, Vec::new(), &SigningKey::from_bytes(&[3; 32])).unwrap()
    }

    /// Only the length of an entry's bytes is looked at.
    fn prepared(entry: &Entry, bytes: usize) -> Prepared {
        let received = Received { entry: entry.clone(), bytes: vec![0; bytes].into() };
        Prepared::new(received, Signer::User(UserId::ZERO), Lane::Data, None)
    }

    /// How many of these entries go into each transaction.
    fn batches(entries: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let (mut gather, entry) = (Gather::default(), entry());
        entries.into_iter().for_each(|bytes| gather.push(prepared(&entry, bytes)));
        let mut batches = Vec::new();
        while !gather.is_empty() {
            batches.push(gather.take(BatchId(1)).entries.len());
        }
        batches
    }

    #[test]
    fn a_transaction_holds_what_its_limits_allow_and_one_entry_at_least() {
        assert_eq!(batches([BATCH_BYTES_MAX - 7, 7]), [2]);
        assert_eq!(batches([BATCH_BYTES_MAX - 7, 8]), [1, 1]);
        assert_eq!(batches([BATCH_BYTES_MAX + 1, 1]), [1, 1]);
        assert_eq!(batches(vec![1; BATCH_ENTRIES_MAX]), [BATCH_ENTRIES_MAX]);
        assert_eq!(batches(vec![1; BATCH_ENTRIES_MAX + 1]), [BATCH_ENTRIES_MAX, 1]);
    }

    #[test]
    fn what_is_gathered_in_several_transactions_is_taken_in_with_the_last() {
        let mut gather = Gather::default();
        gather.push(prepared(&entry(), BATCH_BYTES_MAX));
        gather.push(prepared(&entry(), 1));
        gather.credit(ChannelId(1), 5);
        assert!(gather.take(BatchId(1)).credits.is_empty());
        assert_eq!(gather.take(BatchId(2)).credits, [(ChannelId(1), 5)].into());
    }
}
