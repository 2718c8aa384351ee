//! Whether a transaction may happen, found out before any of it is done.

use std::collections::{BTreeMap, BTreeSet};

use weft_sync::{EntryRef, LogId, WorkspaceId};

use super::Inner;
use super::rows::Workspace;
use crate::error::CommitError;
use crate::rows::{EntryMarks, NewEntry};

/// What the writes before would have stored.
#[derive(Default)]
pub(super) struct Overlay {
    dropped: BTreeSet<WorkspaceId>,
    entries: BTreeSet<(WorkspaceId, EntryRef)>,
    last_seqs: BTreeMap<(WorkspaceId, LogId), u64>,
}

impl Overlay {
    pub(super) fn entry(&mut self, inner: &Inner, entry: &NewEntry) -> Result<(), CommitError> {
        if self.holds(inner, entry.ws, entry.at) {
            return Ok(());
        }
        if i64::try_from(entry.at.seq).is_err() || entry.at.seq == 0 {
            return Err(CommitError::Gap { at: entry.at, last_seq: self.last_seq(inner, entry) });
        }
        if !entry.marks.contains(EntryMarks::FORK) {
            let last_seq = self.last_seq(inner, entry);
            if entry.at.seq <= last_seq {
                return Err(CommitError::Conflict { at: entry.at });
            }
            if entry.at.seq > last_seq + 1 {
                return Err(CommitError::Gap { at: entry.at, last_seq });
            }
            self.last_seqs.insert((entry.ws, entry.at.log), entry.at.seq);
        }
        self.entries.insert((entry.ws, entry.at));
        Ok(())
    }

    pub(super) fn known(&self, inner: &Inner, ws: WorkspaceId, at: EntryRef) -> Result<(), CommitError> {
        if self.holds(inner, ws, at) { Ok(()) } else { Err(CommitError::UnknownEntry { at }) }
    }

    pub(super) fn dropped(&mut self, ws: WorkspaceId) {
        self.dropped.insert(ws);
        self.entries.retain(|(of, _)| *of != ws);
        self.last_seqs.retain(|(of, _), _| *of != ws);
    }

    fn holds(&self, inner: &Inner, ws: WorkspaceId, at: EntryRef) -> bool {
        self.entries.contains(&(ws, at))
            || self.rows(inner, ws).is_some_and(|rows| rows.order_of(at).is_some())
    }

    fn last_seq(&self, inner: &Inner, entry: &NewEntry) -> u64 {
        let stored = || self.rows(inner, entry.ws).map_or(0, |rows| rows.last_seq(entry.at.log));
        self.last_seqs.get(&(entry.ws, entry.at.log)).copied().unwrap_or_else(stored)
    }

    fn rows<'a>(&self, inner: &'a Inner, ws: WorkspaceId) -> Option<&'a Workspace> {
        if self.dropped.contains(&ws) {
            return None;
        }
        inner.workspaces.get(&ws)
    }
}
