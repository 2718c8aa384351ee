//! Whether a transaction may happen, found out before any of it is done.

use std::collections::{BTreeMap, BTreeSet};

use weft_sync::{EntryRef, LogId, WorkspaceId};

use super::rows::Workspace;
use super::{Inner, continues};
use crate::error::CommitError;
use crate::rows::{EntryMarks, NewEntry};

/// What the writes before would have stored.
#[derive(Default)]
pub(super) struct Overlay {
    dropped: BTreeSet<WorkspaceId>,
    entries: BTreeSet<(WorkspaceId, EntryRef)>,
    /// Whether entries would have the mark of a fork, where that was written.
    forks: BTreeMap<(WorkspaceId, EntryRef), bool>,
    last_seqs: BTreeMap<(WorkspaceId, LogId), u64>,
}

impl Overlay {
    pub(super) fn entry(&mut self, inner: &Inner, entry: &NewEntry) -> Result<(), CommitError> {
        let is_fork = entry.marks.contains(EntryMarks::FORK);
        let key = (entry.ws, entry.at);
        if self.holds(inner, entry.ws, entry.at) {
            let marks = self.marks(inner, entry.ws, entry.at);
            if continues(entry, marks, self.last_seq(inner, entry.ws, entry.at.log)) {
                self.last_seqs.insert((entry.ws, entry.at.log), entry.at.seq);
                self.forks.insert(key, false);
            }
            return Ok(());
        }
        if i64::try_from(entry.at.seq).is_err() || entry.at.seq == 0 {
            return Err(CommitError::Gap {
                at: entry.at,
                last_seq: self.last_seq(inner, entry.ws, entry.at.log),
            });
        }
        if !is_fork {
            let last_seq = self.last_seq(inner, entry.ws, entry.at.log);
            if entry.at.seq <= last_seq {
                return Err(CommitError::Conflict { at: entry.at });
            }
            if entry.at.seq > last_seq + 1 {
                return Err(CommitError::Gap { at: entry.at, last_seq });
            }
            self.last_seqs.insert((entry.ws, entry.at.log), entry.at.seq);
        }
        self.entries.insert(key);
        self.forks.insert(key, is_fork);
        Ok(())
    }

    pub(super) fn cut_back(
        &mut self,
        inner: &Inner,
        ws: WorkspaceId,
        log: LogId,
        to: u64,
    ) -> Result<(), CommitError> {
        let last_seq = self.last_seq(inner, ws, log);
        if to == 0 || to > last_seq {
            return Err(CommitError::CutBack { log, to, last_seq });
        }
        let written = self.entries.iter().filter(|(of, at)| *of == ws && at.log == log);
        let mut cut: Vec<EntryRef> = written.map(|(_, at)| *at).collect();
        if let Some(rows) = self.rows(inner, ws) {
            cut.extend(rows.of_log(log, to, u64::MAX).map(|entry| entry.at));
        }
        self.forks.extend(cut.into_iter().filter(|at| at.seq > to).map(|at| ((ws, at), true)));
        self.last_seqs.insert((ws, log), to);
        Ok(())
    }

    pub(super) fn known(&self, inner: &Inner, ws: WorkspaceId, at: EntryRef) -> Result<(), CommitError> {
        if self.holds(inner, ws, at) { Ok(()) } else { Err(CommitError::UnknownEntry { at }) }
    }

    pub(super) fn dropped(&mut self, ws: WorkspaceId) {
        self.dropped.insert(ws);
        self.entries.retain(|(of, _)| *of != ws);
        self.forks.retain(|(of, _), _| *of != ws);
        self.last_seqs.retain(|(of, _), _| *of != ws);
    }

    /// The marks that an entry would have, as far as they matter here.
    fn marks(&self, inner: &Inner, ws: WorkspaceId, at: EntryRef) -> EntryMarks {
        match self.forks.get(&(ws, at)) {
            Some(true) => EntryMarks::FORK,
            Some(false) => EntryMarks::NONE,
            None => {
                let rows = self.rows(inner, ws);
                rows.and_then(|rows| Some(rows.marks_at(rows.order_of(at)?))).unwrap_or_default()
            }
        }
    }

    fn holds(&self, inner: &Inner, ws: WorkspaceId, at: EntryRef) -> bool {
        self.entries.contains(&(ws, at))
            || self.rows(inner, ws).is_some_and(|rows| rows.order_of(at).is_some())
    }

    fn last_seq(&self, inner: &Inner, ws: WorkspaceId, log: LogId) -> u64 {
        let stored = || self.rows(inner, ws).map_or(0, |rows| rows.last_seq(log));
        self.last_seqs.get(&(ws, log)).copied().unwrap_or_else(stored)
    }

    fn rows<'a>(&self, inner: &'a Inner, ws: WorkspaceId) -> Option<&'a Workspace> {
        if self.dropped.contains(&ws) {
            return None;
        }
        inner.workspaces.get(&ws)
    }
}
