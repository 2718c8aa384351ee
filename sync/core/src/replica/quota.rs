//! How fast what one device writes is taken in.
//!
//! What a peer lists when a connection begins is asked for, and limited by the disk alone. What
//! it writes after that comes unasked. Beyond a rate it is not refused but read slowly: the peer
//! is told later that it was taken in, so its window stays full and it waits.

use std::collections::BTreeMap;

use super::Replica;
use super::input::ChannelId;
use crate::ids::{DeviceId, LogId, Timestamp};
use crate::limits::{QUOTA_BYTES, QUOTA_BYTES_MILLIS, QUOTA_ENTRIES_BURST, QUOTA_ENTRIES_PER_SECOND};

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

    /// Milliseconds until nothing is owed.
    fn owed_millis(&self) -> u64 {
        let wait = |level: i64, per_milli: u64| level.min(0).unsigned_abs().div_ceil(per_milli);
        wait(self.entries, ENTRY_PARTS_PER_MILLI).max(wait(self.bytes, BYTE_PARTS_PER_MILLI))
    }
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
    /// Takes what has come of a device. Says for how many milliseconds it is to be slowed down.
    fn take(&mut self, device: DeviceId, entries: u64, bytes: u64, now: Timestamp) -> u64 {
        let bucket = self.buckets.entry(device).or_insert_with(|| Bucket::full(now));
        bucket.refill(now);
        bucket.entries = bucket.entries.saturating_sub(parts(entries));
        bucket.bytes = bucket.bytes.saturating_sub(parts(bytes));
        bucket.owed_millis()
    }

    fn slow(&mut self, channel: ChannelId, bytes: u64, until: Timestamp) {
        self.next += 1;
        self.slowed.insert((until, self.next), (channel, bytes));
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.slowed.keys().next().map(|(at, _)| *at)
    }

    pub(super) fn forget_channel(&mut self, channel: ChannelId) {
        self.slowed.retain(|_, (of, _)| *of != channel);
    }
}

impl Replica {
    /// Takes into account what came on a channel, by log; true when the peer is to be told later
    /// that it was taken in.
    pub(super) fn is_slowed(&mut self, id: ChannelId, came: &[(LogId, u64, usize)], len: u64) -> bool {
        let Some(data) = self.channels.get(&id).and_then(|channel| channel.data()) else { return false };
        let mut by_device: BTreeMap<DeviceId, (u64, u64)> = BTreeMap::new();
        for (log, _, bytes) in came.iter().filter(|(log, seq, _)| *seq > data.listed.seq(log)) {
            let Some(device) = self.logs.get(log).and_then(|state| state.signer.device()) else { continue };
            let sum = by_device.entry(device).or_default();
            *sum = (sum.0 + 1, sum.1 + *bytes as u64);
        }
        let mut wait = 0;
        for (device, (entries, bytes)) in by_device {
            wait = wait.max(self.quotas.take(device, entries, bytes, self.now));
        }
        if wait > 0 {
            self.quotas.slow(id, len, self.now.plus_millis(wait));
        }
        wait > 0
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
        assert_eq!(quotas.take(device(1), QUOTA_ENTRIES_BURST, 0, now), 0, "at the limit");
        assert_eq!(quotas.take(device(1), 1, 0, now), 1_000 / QUOTA_ENTRIES_PER_SECOND, "one above");
        assert_eq!(quotas.take(device(1), 99, 0, now), 1_000);
        assert_eq!(quotas.take(device(2), 1, 0, now), 0, "others are not slowed down");
        let later = Timestamp(6_000);
        assert_eq!(quotas.take(device(1), 0, 0, later), 0, "a second brings a hundred back");
    }

    #[test]
    fn bytes_of_a_day_are_free_and_what_is_beyond_waits() {
        let mut quotas = Quotas::default();
        let now = Timestamp(0);
        assert_eq!(quotas.take(device(1), 1, QUOTA_BYTES, now), 0);
        let wait = quotas.take(device(1), 1, 1024 * 1024, now);
        let fair = 1024 * 1024 * QUOTA_BYTES_MILLIS / QUOTA_BYTES;
        assert!(wait.abs_diff(fair) <= fair / 100, "{wait} and not {fair}");
    }
}
