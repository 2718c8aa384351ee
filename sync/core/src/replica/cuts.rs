//! Looking up entries that removals name.
//!
//! A removal names the last entries that its author had received. Membership keeps no ids of data
//! logs but those, so when a removal comes that names an entry further down, the id of ours with
//! that number has to be looked up: in memory, or in the store.

use std::collections::{BTreeMap, BTreeSet};

use super::effect::{Effect, Load};
use super::input::{LoadedEntry, RequestId, StoredOrder};
use super::{LoadPurpose, Replica};
use crate::entry::Entry;
use crate::frames::Range;
use crate::ids::{EntryRef, LogId};
use crate::limits::LOAD_BYTES;

/// What is being looked up.
#[derive(Debug, Default)]
pub(super) struct CutLookup {
    is_under_way: bool,
    /// Whether something was named while a lookup was under way.
    is_due_again: bool,
    /// Looked up, and something else is stored there: the log was forked.
    elsewhere: BTreeSet<EntryRef>,
}

impl CutLookup {
    pub(super) fn is_busy(&self) -> bool {
        self.is_under_way
    }

    /// A log was taken back: what is stored there will be something else.
    pub(super) fn look_up_again(&mut self, log: &LogId) {
        self.elsewhere.retain(|named| named.log != *log);
        self.is_due_again |= self.is_under_way;
    }
}

impl Replica {
    /// Confirms to membership what is here of what removals name.
    pub(super) fn confirm_cuts(&mut self) {
        if self.cuts.is_under_way {
            self.cuts.is_due_again = true;
            return;
        }
        let mut here = Vec::new();
        let mut ranges: BTreeMap<LogId, u64> = BTreeMap::new();
        for named in self.members.unconfirmed() {
            let Some(state) = self.logs.get(&named.log) else { continue };
            match state.recent_id(named.seq) {
                Some(id) if *id == named.id => here.push(named),
                None if named.seq <= state.committed.seq && !self.cuts.elsewhere.contains(&named) => {
                    ranges.entry(named.log).or_insert(named.seq);
                }
                _ => {}
            }
        }
        self.hold(&here);
        if ranges.is_empty() {
            return;
        }
        self.cuts.is_under_way = true;
        let request = RequestId(self.next_request);
        self.next_request += 1;
        self.loads.insert(request, LoadPurpose::Cuts);
        let ranges = ranges.into_iter().map(|(log, seq)| Range { log, from: seq, to: seq }).collect();
        let after = StoredOrder::default();
        self.effects.push(Effect::Load(Load {
            request,
            after,
            ranges,
            bytes_max: LOAD_BYTES,
            branches: false,
        }));
    }

    pub(super) fn loaded_cuts(&mut self, entries: &[LoadedEntry]) {
        self.cuts.is_under_way = false;
        let unconfirmed = self.members.unconfirmed();
        let mut here = Vec::new();
        for loaded in entries {
            let Ok(stored) = Entry::decode(&loaded.bytes) else { continue };
            let stored = stored.entry_ref();
            for named in unconfirmed.iter().filter(|named| (named.log, named.seq) == (stored.log, stored.seq))
            {
                if *named == stored {
                    here.push(stored);
                } else {
                    self.cuts.elsewhere.insert(*named);
                }
            }
        }
        self.hold(&here);
        // One place of each log is looked up at a time.
        if std::mem::take(&mut self.cuts.is_due_again) || !entries.is_empty() {
            self.confirm_cuts();
        }
        self.review_next();
    }

    fn hold(&mut self, here: &[EntryRef]) {
        if !here.is_empty() {
            self.members.hold(here);
            self.membership_settled();
        }
    }
}
