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
    /// The same, and it was handed on as one that does not count.
    Again,
    /// The key of this epoch is not here.
    Key(EpochId),
    /// It does not count, as far as is known here.
    Void,
    /// A newer version of this program wrote it: it is kept until this one can read it.
    Newer,
}

impl Waiting {
    fn is_ready(self) -> bool {
        matches!(self, Self::Ready | Self::Again)
    }
}

impl DeliveryQueue {
    pub(super) fn ready(&mut self, log: LogId, seq: u64) {
        self.set(log, seq, Waiting::Ready);
    }

    fn set(&mut self, log: LogId, seq: u64, state: Waiting) {
        let before = self.waiting.insert((log, seq), state);
        self.ready += usize::from(state.is_ready());
        self.ready -= usize::from(before.is_some_and(Waiting::is_ready));
        if state.is_ready() {
            self.after = StoredOrder::default();
        }
    }

    /// Takes an entry out, and tells whether it could be read and was handed on before.
    fn remove(&mut self, log: LogId, seq: u64) -> Option<bool> {
        let before = self.waiting.remove(&(log, seq))?;
        self.ready -= usize::from(before.is_ready());
        before.is_ready().then_some(before == Waiting::Again)
    }

    /// Notes that an entry is one that this program cannot read.
    pub(super) fn keep_newer(&mut self, at: &EntryRef) {
        self.set(at.log, at.seq, Waiting::Newer);
    }

    /// Whether an entry is stored and not handed on as one that counts.
    pub(super) fn is_waiting(&self, at: &EntryRef) -> bool {
        self.waiting.contains_key(&(at.log, at.seq))
    }

    /// Whether every stored entry was handed on and counts.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Nothing is to be handed on here.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.ready = 0;
    }

    /// Notes that an entry that was handed on does not count any more.
    pub(super) fn withdraw(&mut self, at: &EntryRef) {
        self.set(at.log, at.seq, Waiting::Void);
    }

    /// A log was taken back to before `from`.
    pub(super) fn cut_back(&mut self, log: &LogId, from: u64) {
        let beyond: Vec<u64> =
            self.waiting.range((*log, from)..=(*log, u64::MAX)).map(|((_, seq), _)| *seq).collect();
        for seq in beyond {
            self.remove(*log, seq);
        }
    }

    pub(super) fn key_came(&mut self, epoch: &EpochId) {
        self.make_ready(|waiting| *waiting == Waiting::Key(*epoch));
    }

    /// Membership has changed: what does not count may count, and what waits for a key may not.
    pub(super) fn reconsider_void(&mut self) {
        let held = |waiting: &Waiting| matches!(waiting, Waiting::Void | Waiting::Key(_));
        self.make_ready(held);
    }

    fn make_ready(&mut self, which: impl Fn(&Waiting) -> bool) {
        for waiting in self.waiting.values_mut().filter(|waiting| which(waiting)) {
            *waiting = if *waiting == Waiting::Void { Waiting::Again } else { Waiting::Ready };
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
        for ((log, seq), _) in self.waiting.iter().filter(|(_, waiting)| waiting.is_ready()) {
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
            self.try_deliver(entry, signer, false);
        }
    }

    /// Hands an entry on when it can be read. One that does not count is handed on as such, and
    /// waits; `was_told` says that this was done before.
    fn try_deliver(&mut self, entry: &Entry, signer: &Signer, was_told: bool) {
        let at = entry.entry_ref();
        self.delivery.remove(at.log, at.seq);
        if self.members.is_on_dead_branch(&at) {
            // Its log is about to be taken back, unless the verdict changes.
            return self.delivery.set(at.log, at.seq, Waiting::Void);
        }
        let counts = self.members.counts(entry);
        if !counts {
            self.delivery.set(at.log, at.seq, Waiting::Void);
            if was_told {
                return;
            }
        }
        let Some(device) = signer.device() else { return };
        let Some(epoch) = entry.header.epoch else {
            return self.damaged(at, signer, DamageReason::NotSealed, counts);
        };
        let Some(key) = self.keyring.key(&epoch) else {
            if !counts {
                return;
            }
            self.delivery.set(at.log, at.seq, Waiting::Key(epoch));
            return self.want_key(epoch);
        };
        let Ok(plain) = key.entry_key(&at.log).open(&entry.header, &entry.body) else {
            return self.damaged(at, signer, DamageReason::Sealed { epoch }, counts);
        };
        match DataPlain::decode(&plain) {
            Ok(data) => {
                let delivery = Delivery { entry: at, user: signer.user(), device, data, counts };
                self.effects.push(Effect::Deliver(delivery));
            }
            Err(error) => self.damaged(at, signer, DamageReason::Data(error), counts),
        }
    }

    fn damaged(&mut self, entry: EntryRef, signer: &Signer, reason: DamageReason, counts: bool) {
        if counts {
            self.effects.push(Effect::Damaged { entry, user: signer.user(), reason });
        }
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
        self.effects.push(Effect::Load(Load {
            request,
            after,
            ranges,
            bytes_max: LOAD_BYTES,
            branches: false,
        }));
    }

    pub(super) fn loaded_to_deliver(&mut self, entries: &[LoadedEntry]) {
        self.delivery.load = None;
        if entries.is_empty() && self.delivery.after == StoredOrder::default() {
            // The store does not have them (any more): nothing can be handed on.
            for range in self.delivery.ready_ranges() {
                let waiting = self.delivery.waiting.range((range.log, range.from)..=(range.log, range.to));
                let gone: Vec<(LogId, u64)> =
                    waiting.filter(|(_, waiting)| waiting.is_ready()).map(|(at, _)| *at).collect();
                gone.into_iter().for_each(|(log, seq)| {
                    self.delivery.remove(log, seq);
                });
            }
        }
        self.delivery.after = entries.last().map_or(StoredOrder::default(), |last| last.order);
        for loaded in entries {
            let Some(was_told) = self.delivery.remove(loaded.log, loaded.seq) else { continue };
            let Some(signer) = self.logs.get(&loaded.log).map(|state| state.signer) else { continue };
            let Ok(entry) = Entry::decode(&loaded.bytes) else { continue };
            if !entry.header.is_understood() {
                self.needs_newer = true;
                self.delivery.keep_newer(&entry.entry_ref());
            } else if entry.header.kind == Kind::Data {
                self.try_deliver(&entry, &signer, was_told);
            }
        }
    }
}
