//! How fast what one device writes is taken in.
//!
//! What a peer lists when a connection begins is asked for, and limited by the disk alone. What
//! it writes after that comes unasked. Beyond a rate it is not refused but read slowly: the peer
//! is told later that it was taken in, so its window stays full and it waits. A peer that does not
//! wait breaks the protocol.
//!
//! A device answers for what it sends itself. What it wrote and somebody else hands on was asked
//! for, and slowing that down would hold up what the one in between has to say.

use std::collections::BTreeMap;

use super::Replica;
use super::input::ChannelId;
use crate::ids::{DeviceId, LogId, Timestamp};
use crate::limits::{
    QUOTA_BYTES, QUOTA_BYTES_MILLIS, QUOTA_DEBT_BYTES, QUOTA_DEBT_ENTRIES, QUOTA_ENTRIES_BURST,
    QUOTA_ENTRIES_PER_SECOND,
};

/// Parts of an entry, and of a byte, that the levels count in.
const PARTS: u64 = 1_000;

/// What a device may still send at once.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Thousandths of entries; below zero it has sent too fast.
    entries: i64,
    /// Thousandths of bytes.
    bytes: i64,
    filled_at: Timestamp,
}

fn parts(count: u64) -> i64 {
    i64::try_from(count.saturating_mul(PARTS)).unwrap_or(i64::MAX)
}

/// Thousandths of a byte that come back in a millisecond.
const BYTE_PARTS_PER_MILLI: u64 = QUOTA_BYTES * PARTS / QUOTA_BYTES_MILLIS;
/// Thousandths of an entry that come back in a millisecond.
const ENTRY_PARTS_PER_MILLI: u64 = QUOTA_ENTRIES_PER_SECOND * PARTS / 1_000;

impl Bucket {
    fn full(now: Timestamp) -> Self {
        Self { entries: parts(QUOTA_ENTRIES_BURST), bytes: parts(QUOTA_BYTES), filled_at: now }
    }

    fn refill(&mut self, now: Timestamp) {
        let millis = now.millis_since(self.filled_at);
        self.filled_at = now;
        let back = |per_milli: u64| i64::try_from(millis.saturating_mul(per_milli)).unwrap_or(i64::MAX);
        self.entries =
            self.entries.saturating_add(back(ENTRY_PARTS_PER_MILLI)).min(parts(QUOTA_ENTRIES_BURST));
        self.bytes = self.bytes.saturating_add(back(BYTE_PARTS_PER_MILLI)).min(parts(QUOTA_BYTES));
    }

    /// Whether more is owed than by anybody who waits as it is told to.
    fn is_overdrawn(&self) -> bool {
        self.entries < -parts(QUOTA_DEBT_ENTRIES) || self.bytes < -parts(QUOTA_DEBT_BYTES)
    }

    /// Milliseconds until nothing is owed.
    fn owed_millis(&self) -> u64 {
        let wait = |level: i64, per_milli: u64| level.min(0).unsigned_abs().div_ceil(per_milli);
        wait(self.entries, ENTRY_PARTS_PER_MILLI).max(wait(self.bytes, BYTE_PARTS_PER_MILLI))
    }
}

/// What becomes of what a device has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// It may go on.
    Free,
    /// It is told later that this was taken in.
    Slowed,
    /// It was to wait and did not.
    Overdrawn,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Quotas {
    buckets: BTreeMap<DeviceId, Bucket>,
    /// Bytes that channels are told of later, by when that is.
    slowed: BTreeMap<(Timestamp, u64), (ChannelId, u64)>,
    next: u64,
}

impl Quotas {
    /// Takes what has come of a device. Says for how many milliseconds it is to be slowed down,
    /// or nothing when it is overdrawn.
    fn take(&mut self, device: DeviceId, entries: u64, bytes: u64, now: Timestamp) -> Option<u64> {
        let bucket = self.buckets.entry(device).or_insert_with(|| Bucket::full(now));
        bucket.refill(now);
        bucket.entries = bucket.entries.saturating_sub(parts(entries));
        bucket.bytes = bucket.bytes.saturating_sub(parts(bytes));
        (!bucket.is_overdrawn()).then(|| bucket.owed_millis())
    }

    fn slow(&mut self, channel: ChannelId, bytes: u64, until: Timestamp) {
        self.next += 1;
        self.slowed.insert((until, self.next), (channel, bytes));
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.slowed.keys().next().map(|(at, _)| *at)
    }

    /// Whether something of this channel is told later.
    pub(super) fn is_slowed(&self, channel: ChannelId) -> bool {
        self.slowed.values().any(|(of, _)| *of == channel)
    }

    pub(super) fn forget_channel(&mut self, channel: ChannelId) {
        self.slowed.retain(|_, (of, _)| *of != channel);
    }
}

impl Replica {
    /// Takes into account what came on a channel, by log, number and length; `len` is what the frame had in all.
    pub(super) fn pace(&mut self, id: ChannelId, came: &[(LogId, u64, usize)], len: u64) -> Pace {
        let Some(data) = self.channels.get(&id).and_then(|channel| channel.data()) else { return Pace::Free };
        let author = Some(data.member.device);
        let is_own = |log: &LogId| self.logs.get(log).is_some_and(|state| state.signer.device() == author);
        let unasked = came.iter().filter(|(log, seq, _)| *seq > data.listed.seq(log) && is_own(log));
        let (entries, bytes) =
            unasked.fold((0, 0), |(entries, sum), (_, _, bytes)| (entries + 1, sum + *bytes as u64));
        match self.quotas.take(data.member.device, entries, bytes, self.now) {
            None if entries > 0 => Pace::Overdrawn,
            None | Some(0) => Pace::Free,
            Some(wait) => {
                self.quotas.slow(id, len, self.now.plus_millis(wait));
                Pace::Slowed
            }
        }
    }

    /// Tells peers that were slowed down that they may go on.
    pub(super) fn tick_quotas(&mut self) {
        while let Some(entry) = self.quotas.slowed.first_entry() {
            if entry.key().0 > self.now {
                return;
            }
            let (channel, bytes) = entry.remove();
            if let Some(channel) = self.channels.get_mut(&channel) {
                channel.intake.taken += bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(byte: u8) -> DeviceId {
        DeviceId::from_bytes([byte; 32])
    }

    #[test]
    fn a_burst_is_free_and_what_is_beyond_waits_for_its_rate() {
        let mut quotas = Quotas::default();
        let now = Timestamp(5_000);
        assert_eq!(quotas.take(device(1), QUOTA_ENTRIES_BURST, 0, now), Some(0), "at the limit");
        assert_eq!(quotas.take(device(1), 1, 0, now), Some(1_000 / QUOTA_ENTRIES_PER_SECOND), "one above");
        assert_eq!(quotas.take(device(1), 99, 0, now), Some(1_000));
        assert_eq!(quotas.take(device(2), 1, 0, now), Some(0), "others are not slowed down");
        let later = Timestamp(6_000);
        assert_eq!(quotas.take(device(1), 0, 0, later), Some(0), "a second brings a hundred back");
    }

    #[test]
    fn bytes_of_a_day_are_free_and_what_is_beyond_waits() {
        let mut quotas = Quotas::default();
        let now = Timestamp(0);
        assert_eq!(quotas.take(device(1), 1, QUOTA_BYTES, now), Some(0));
        let wait = quotas.take(device(1), 1, 1024 * 1024, now).unwrap_or_default();
        let fair = 1024 * 1024 * QUOTA_BYTES_MILLIS / QUOTA_BYTES;
        assert!(wait.abs_diff(fair) <= fair / 100, "{wait} and not {fair}");
    }

    #[test]
    fn who_does_not_wait_is_overdrawn() {
        let mut quotas = Quotas::default();
        let now = Timestamp(0);
        assert!(quotas.take(device(1), 0, QUOTA_BYTES + QUOTA_DEBT_BYTES, now).is_some(), "at the limit");
        assert_eq!(quotas.take(device(1), 0, 1, now), None, "one above");
        assert!(quotas.take(device(2), QUOTA_ENTRIES_BURST + QUOTA_DEBT_ENTRIES, 0, now).is_some());
        assert_eq!(quotas.take(device(2), 1, 0, now), None);
        let later = Timestamp(1_000 * QUOTA_DEBT_ENTRIES / QUOTA_ENTRIES_PER_SECOND);
        assert!(quotas.take(device(2), 1, 0, later).is_some(), "what is owed comes back");
    }
}
