//! Opening others' Data entries and handing on what they say.
//!
//! An entry that does not count, or whose key is not here, waits as a reference and is read from
//! the store again when that may have changed.

use std::collections::BTreeMap;

use super::effect::{DamageReason, Delivery, Effect, Load};
use super::input::{LoadedEntry, RequestId, StoredOrder};
use super::{LoadPurpose, Replica};
use crate::acl::Class;
use crate::data::DataPlain;
use crate::entry::{Entry, Kind, Signer};
use crate::frames::Range;
use crate::ids::{EntryRef, EpochId, LogId};
use crate::limits::{LOAD_BYTES, POSITIONS_PER_FRAME_MAX};

/// Data entries that are stored and have not been handed on.
#[derive(Debug, Default)]
pub(super) struct DeliveryQueue {
    waiting: BTreeMap<(LogId, u64), Waiting>,
    /// How many of them can be read now.
    ready: usize,
    load: Option<RequestId>,
    after: StoredOrder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// It can be read from the store and tried.
    Ready,
    /// The key of this epoch is not here.
    Key(EpochId),
    /// It does not count, as far as is known here.
    Void,
}

impl DeliveryQueue {
    pub(super) fn ready(&mut self, log: LogId, seq: u64) {
        self.set(log, seq, Waiting::Ready);
    }

    fn set(&mut self, log: LogId, seq: u64, state: Waiting) {
        let before = self.waiting.insert((log, seq), state);
        self.ready += usize::from(state == Waiting::Ready);
        self.ready -= usize::from(before == Some(Waiting::Ready));
        if state == Waiting::Ready {
            self.after = StoredOrder::default();
        }
    }

    fn remove(&mut self, log: LogId, seq: u64) -> bool {
        let before = self.waiting.remove(&(log, seq));
        self.ready -= usize::from(before == Some(Waiting::Ready));
        before == Some(Waiting::Ready)
    }

    pub(super) fn key_came(&mut self, epoch: &EpochId) {
        self.make_ready(|waiting| *waiting == Waiting::Key(*epoch));
    }

    pub(super) fn reconsider_void(&mut self) {
        self.make_ready(|waiting| *waiting == Waiting::Void);
    }

    fn make_ready(&mut self, which: impl Fn(&Waiting) -> bool) {
        for waiting in self.waiting.values_mut().filter(|waiting| which(waiting)) {
            *waiting = Waiting::Ready;
            self.ready += 1;
            self.after = StoredOrder::default();
        }
    }

    /// Entries that wait for a key, and entries that do not count.
    pub(super) fn counts(&self) -> (u64, u64) {
        let count = |which: fn(&Waiting) -> bool| self.waiting.values().filter(|w| which(w)).count() as u64;
        (count(|waiting| matches!(waiting, Waiting::Key(_))), count(|waiting| *waiting == Waiting::Void))
    }

    pub(super) fn is_busy(&self) -> bool {
        self.ready > 0
    }

    fn ready_ranges(&self) -> Vec<Range> {
        let mut ranges: Vec<Range> = Vec::new();
        for ((log, seq), _) in self.waiting.iter().filter(|(_, waiting)| **waiting == Waiting::Ready) {
            let len = ranges.len();
            match ranges.last_mut() {
                // Gaps between entries of one log are read too, and passed over.
                Some(range) if range.log == *log => range.to = *seq,
                _ if len == POSITIONS_PER_FRAME_MAX => break,
                _ => ranges.push(Range { log: *log, from: *seq, to: *seq }),
            }
        }
        ranges
    }
}

impl Replica {
    /// Hands on an entry that was just committed.
    pub(super) fn deliver_committed(&mut self, entry: &Entry, signer: &Signer) {
        // Keepers store what they cannot read.
        if self.class() != Some(Class::Keeper) {
            self.try_deliver(entry, signer);
        }
    }

    fn try_deliver(&mut self, entry: &Entry, signer: &Signer) {
        let at = entry.entry_ref();
        if !self.members.counts(entry) {
            return self.delivery.set(at.log, at.seq, Waiting::Void);
        }
        self.delivery.remove(at.log, at.seq);
        let Some(device) = signer.device() else { return };
        let Some(epoch) = entry.header.epoch else {
            return self.damaged(at, signer, DamageReason::NotSealed);
        };
        let Some(key) = self.keyring.key(&epoch) else {
            self.delivery.set(at.log, at.seq, Waiting::Key(epoch));
            return self.want_key(epoch);
        };
        let Ok(plain) = key.entry_key(&at.log).open(&entry.header, &entry.body) else {
            return self.damaged(at, signer, DamageReason::Sealed { epoch });
        };
        match DataPlain::decode(&plain) {
            Ok(data) => {
                let delivery = Delivery { entry: at, user: signer.user(), device, data };
                self.effects.push(Effect::Deliver(delivery));
            }
            Err(error) => self.damaged(at, signer, DamageReason::Data(error)),
        }
    }

    fn damaged(&mut self, entry: EntryRef, signer: &Signer, reason: DamageReason) {
        self.effects.push(Effect::Damaged { entry, user: signer.user(), reason });
    }

    /// Reads waiting entries from the store, one load at a time.
    pub(super) fn pump_delivery(&mut self) {
        if self.delivery.load.is_some() || self.delivery.ready == 0 {
            return;
        }
        let request = RequestId(self.next_request);
        self.next_request += 1;
        self.delivery.load = Some(request);
        self.loads.insert(request, LoadPurpose::Deliver);
        let (after, ranges) = (self.delivery.after, self.delivery.ready_ranges());
        self.effects.push(Effect::Load(Load { request, after, ranges, bytes_max: LOAD_BYTES }));
    }

    pub(super) fn loaded_to_deliver(&mut self, entries: &[LoadedEntry]) {
        self.delivery.load = None;
        if entries.is_empty() && self.delivery.after == StoredOrder::default() {
            // The store does not have them (any more): nothing can be handed on.
            for range in self.delivery.ready_ranges() {
                let waiting = self.delivery.waiting.range((range.log, range.from)..=(range.log, range.to));
                let gone: Vec<(LogId, u64)> =
                    waiting.filter(|(_, waiting)| **waiting == Waiting::Ready).map(|(at, _)| *at).collect();
                gone.into_iter().for_each(|(log, seq)| {
                    self.delivery.remove(log, seq);
                });
            }
        }
        self.delivery.after = entries.last().map_or(StoredOrder::default(), |last| last.order);
        for loaded in entries {
            if !self.delivery.remove(loaded.log, loaded.seq) {
                continue;
            }
            let Some(signer) = self.logs.get(&loaded.log).map(|state| state.signer) else { continue };
            if let Ok(entry) = Entry::decode(&loaded.bytes)
                && entry.header.kind == Kind::Data
            {
                self.try_deliver(&entry, &signer);
            }
        }
    }
}
