//! What was written on a branch of a log that does not live.
//!
//! A log that was continued twice is taken back to where its branches part. What was typed on the branch that is dropped
//! is not lost: each of its changes, and each that others built upon one of them, is written again with a name that
//! follows from what it does ([`weft_crdt::rename_changes`]). Whoever held the branch does that, and comes to the same changes,
//! so nothing is there twice.

use std::collections::{BTreeMap, BTreeSet};

use weft_crdt::{Change, ChangeHash, DocumentId};
use weft_store::Write;
use weft_sync::acl::Class;
use weft_sync::data::Origin;
use weft_sync::ids::{EntryId, EntryRef};
use weft_sync::replica::{CutBack, Input};

use super::deliver::Dirty;
use super::engine::{Engine, Output};
use super::entries::CarriedChange;
use super::people::People as _;
use super::waiting::Unstored;

/// Entries of the dropped branch that are read in one call.
const READ_BYTES: usize = 4 * 1024 * 1024;

/// Changes that are to be written again.
#[derive(Debug, Default)]
pub(super) struct Repeating {
    due: Vec<(DocumentId, Change)>,
    /// What each of them was called.
    names: BTreeMap<ChangeHash, ChangeHash>,
    /// Whether changes of this session are among those that are gone.
    renews_session: bool,
}

impl Repeating {
    /// What a change that is being written repeats.
    pub(super) fn take_name(&mut self, change: ChangeHash) -> Option<ChangeHash> {
        self.names.remove(&change)
    }
}

impl Engine {
    /// Takes a log back, and what was said beyond that out of the documents.
    pub(super) fn cut_back(&mut self, cut: CutBack, dirty: &mut Dirty) {
        let dropped = self.entries_beyond(&cut);
        let entries: BTreeSet<EntryId> = dropped.iter().map(|at| at.id).collect();
        tracing::warn!(log = %cut.log, entries = entries.len(), "a log was continued twice; one branch is dropped");
        let mut documents = BTreeSet::new();
        for at in &dropped {
            let Some((plain, _)) = self.read_entry(*at) else { continue };
            documents.extend(plain.items.iter().map(|item| item.doc));
        }
        let gone: Vec<(DocumentId, Vec<Change>)> =
            documents.iter().map(|document| (*document, self.gone_with(*document, &entries))).collect();
        *self.last_read.borrow_mut() = None;
        self.authors.withdraw(&entries);
        self.documents.get_mut().drop_entries(&entries);
        let CutBack { log, to } = cut;
        let writes = vec![Write::CutBack { ws: self.ws, log, to }];
        self.out.push(Output::Commit { batch: None, writes, own: Vec::new() });
        for (document, gone) in gone {
            for change in &gone {
                self.documents.get_mut().recent.forget(document, change.hash());
            }
            self.unstored.forget_entries(document, &entries);
            self.note_gone(document, &gone);
            self.read_again(document, dirty);
        }
    }

    /// The entries of a log that are stored beyond a place.
    fn entries_beyond(&self, cut: &CutBack) -> Vec<EntryRef> {
        let mut found = Vec::new();
        let mut from = cut.to + 1;
        // Nothing is stored that was not committed, so the log is read as it was.
        while let Ok(read) = self.store.entries(self.ws, cut.log, from, u64::MAX >> 1, READ_BYTES) {
            let Some(last) = read.last() else { break };
            from = last.at.seq + 1;
            let is_new =
                |stored: &&weft_store::StoredEntry| !stored.marks.contains(weft_store::EntryMarks::FORK);
            found.extend(read.iter().filter(is_new).map(|stored| stored.at));
        }
        found
    }

    /// The changes of a document that only these entries carry, and those that build upon them: each after those that it
    /// builds upon.
    fn gone_with(&self, document: DocumentId, entries: &BTreeSet<EntryId>) -> Vec<Change> {
        let changes = self.documents.borrow().changes(document, &self.replica).unwrap_or_else(|error| {
            tracing::error!(%document, "its history cannot be read: {error}");
            Vec::new()
        });
        let lives = |carried: &&CarriedChange| !entries.contains(&carried.entry.id);
        let kept: BTreeSet<ChangeHash> =
            changes.iter().filter(lives).map(|carried| carried.change.hash()).collect();
        let dropped = |change: &Change| !kept.contains(&change.hash());
        let mut open: Vec<Change> = changes.iter().map(|carried| carried.change.clone()).collect();
        for unstored in self.unstored.of(document) {
            if let Unstored::Made(_, _, change, _) = unstored {
                open.push(change);
            }
        }
        open.sort_by_key(|change| (change.start_op(), change.op_count() > 0, change.hash()));
        open.dedup_by_key(|change| change.hash());
        let made: BTreeSet<ChangeHash> =
            self.unstored.of(document).iter().filter_map(Unstored::made).collect();
        let mut gone = BTreeSet::new();
        let mut in_order = Vec::new();
        loop {
            let before = in_order.len();
            let (now, later): (Vec<Change>, Vec<Change>) = open.into_iter().partition(|change| {
                let is_gone = dropped(change) && !made.contains(&change.hash())
                    || change.deps().iter().any(|dep| gone.contains(dep));
                is_gone && {
                    gone.insert(change.hash());
                    true
                }
            });
            in_order.extend(now);
            open = later;
            if in_order.len() == before {
                return in_order;
            }
        }
    }

    /// Finds the new names of changes that are gone.
    fn note_gone(&mut self, document: DocumentId, gone: &[Change]) {
        let own = self.own_actor();
        self.repeating.renews_session |= gone.iter().any(|change| change.actor() == own);
        for (before, after) in gone.iter().zip(weft_crdt::rename_changes(document, gone)) {
            match after {
                Ok(after) => {
                    self.repeating.names.insert(after.hash(), before.hash());
                    self.repeating.due.push((document, after));
                }
                Err(error) => {
                    tracing::error!(%document, "an edit on a dropped branch stays in the store alone: {error}");
                }
            }
        }
    }

    /// Writes again what was dropped, unless somebody did.
    pub(super) fn repeat_gone(&mut self) {
        if self.repeating.due.is_empty() && !self.repeating.renews_session {
            return;
        }
        if std::mem::take(&mut self.repeating.renews_session) {
            // The numbers of the changes of this session that are gone must not be given again.
            self.replica.renew_session();
            self.feed(Input::Tick);
        }
        let due = std::mem::take(&mut self.repeating.due);
        if self.replica.own_class() < Some(Class::Editor) {
            return self.repeating.names.clear();
        }
        let log = self.replica.data_log();
        let mut dirty = Dirty::default();
        let mut made = Vec::new();
        for (document, change) in due {
            if self.has_change(document, &change.hash()) {
                self.repeating.take_name(change.hash());
                continue;
            }
            self.apply_made(document, change.clone(), log, &mut dirty);
            made.push((document, change, false));
        }
        if !made.is_empty() {
            self.write(Origin::Repeated, made, None);
        }
        self.settle(dirty);
    }
}
