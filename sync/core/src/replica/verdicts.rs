//! Entries that stop counting after they were handed on.
//!
//! A removal says what its author had received; what the removed person wrote beyond that does not
//! count, for nobody, whenever it came. So after a removal the logs of those who are out are read
//! once more, and what was handed on and does not count any more is withdrawn. (What begins to
//! count is handed on by the delivery queue, in which it waits.)

use std::collections::{BTreeMap, BTreeSet};

use super::commit::Prepared;
use super::effect::{Effect, Load};
use super::input::{LoadedEntry, RequestId, StoredOrder};
use super::{LoadPurpose, Replica};
use crate::acl::{Acl, AclOperation};
use crate::entry::{Entry, Kind, Lane};
use crate::frames::Range;
use crate::ids::{EntryRef, LogId, UserId};
use crate::limits::{LOAD_BYTES, POSITIONS_PER_FRAME_MAX};

/// What is being looked at.
#[derive(Debug, Default)]
pub(super) struct Review {
    /// Logs that are to be read.
    due: BTreeSet<LogId>,
    /// How far the logs that are being read go.
    reading: BTreeMap<LogId, u64>,
    after: StoredOrder,
    is_under_way: bool,
}

impl Review {
    pub(super) fn is_busy(&self) -> bool {
        self.is_under_way || !self.due.is_empty()
    }
}

/// The people whom an entry puts out, or of whom it puts a device out.
fn put_out(entry: &Entry) -> Vec<UserId> {
    if entry.header.kind != Kind::Acl {
        return Vec::new();
    }
    let operations = entry.clear::<Acl>().map(|acl| acl.operations).unwrap_or_default();
    let removed = operations.into_iter().filter_map(|operation| match operation {
        AclOperation::Revoke { user, .. } | AclOperation::RmDev { user, .. } => Some(user),
        _ => None,
    });
    removed.collect()
}

impl Replica {
    /// After a transaction with entries of the control lane.
    pub(super) fn review_removals(&mut self, entries: &[Prepared]) {
        let named: BTreeSet<UserId> = entries.iter().flat_map(|prepared| put_out(&prepared.entry)).collect();
        // Whoever is put out keeps what is here as it is, to read.
        if named.is_empty() || self.class().is_none() {
            return;
        }
        let is_out = |device: Option<_>| device.is_none_or(|device| self.members.device(&device).is_none());
        let logs = self
            .logs
            .iter()
            .filter(|(_, state)| state.lane == Lane::Data)
            .filter(|(_, state)| named.contains(&state.signer.user()) || is_out(state.signer.device()));
        let logs: Vec<LogId> = logs.map(|(log, _)| *log).collect();
        self.review.due.extend(logs);
        self.review_next();
    }

    pub(super) fn review_next(&mut self) {
        // What is here of what the removal names has to be known first.
        if self.review.is_under_way || self.cuts.is_busy() {
            return;
        }
        if self.review.reading.is_empty() {
            self.review.after = StoredOrder::default();
            let due: Vec<LogId> = self.review.due.iter().take(POSITIONS_PER_FRAME_MAX).copied().collect();
            for log in due {
                self.review.due.remove(&log);
                self.review.reading.insert(log, self.logs.committed_seq(&log));
            }
        }
        let ranges = self.review.reading.iter().filter(|(_, to)| **to > 0);
        let ranges: Vec<Range> = ranges.map(|(log, to)| Range { log: *log, from: 1, to: *to }).collect();
        if ranges.is_empty() {
            self.review.reading.clear();
            return;
        }
        self.review.is_under_way = true;
        let request = RequestId(self.next_request);
        self.next_request += 1;
        self.loads.insert(request, LoadPurpose::Review);
        let after = self.review.after;
        self.effects.push(Effect::Load(Load {
            request,
            after,
            ranges,
            bytes_max: LOAD_BYTES,
            branches: false,
        }));
    }

    pub(super) fn loaded_to_review(&mut self, entries: &[LoadedEntry]) {
        self.review.is_under_way = false;
        let mut withdrawn: Vec<EntryRef> = Vec::new();
        for loaded in entries {
            let Ok(entry) = Entry::decode(&loaded.bytes) else { continue };
            let at = entry.entry_ref();
            let was_handed_on = !self.delivery.is_waiting(&at);
            if entry.header.kind == Kind::Data && was_handed_on && !self.members.counts(&entry) {
                self.delivery.withdraw(&at);
                withdrawn.push(at);
            }
        }
        match entries.last() {
            Some(last) => self.review.after = last.order,
            None => self.review.reading.clear(),
        }
        if !withdrawn.is_empty() {
            self.effects.push(Effect::Withdrawn(withdrawn));
        }
        self.review_next();
    }
}
