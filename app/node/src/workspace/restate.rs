//! Changes that are part of documents here and must not be, or not as they are.
//!
//! A write may be refused after its changes were made: another session has begun, or this device
//! may not write any more. Left in the documents, later edits would build upon changes that
//! nobody else ever gets. So the documents are read again without them; and where only the
//! session is another one, the same edits are made again under it. Likewise the entries of people
//! who were put out are taken back.

use std::collections::{BTreeMap, BTreeSet};

use weft_crdt::tree::{Platform, TreeView, tree_document_id};
use weft_crdt::{Author, Change, DocumentId, Patch, TreeDocument};
use weft_store::{EntryMarks, Write};
use weft_sync::data::actor_of;
use weft_sync::ids::{EntryRef, LogId};
use weft_sync::replica::{WriteError, WriteId};

use super::deliver::Dirty;
use super::disk::push_parts;
use super::engine::{Engine, LocalWrite, Output};
use super::waiting::{ItemRef, Unstored};
use crate::folder::{Accepted, FolderJob};

/// What each write made, and for which log.
type MadeByWrite = BTreeMap<WriteId, Vec<(DocumentId, Change, LogId)>>;

/// Writes of which it is remembered as what they were written again.
const RESTATED_KEPT: usize = 1_024;

impl Engine {
    /// Takes refused writes out of the documents, and writes again what only a new session stopped.
    pub(super) fn restate_refused(&mut self) {
        if self.to_restate.is_empty() {
            return;
        }
        let refused = std::mem::take(&mut self.to_restate);
        let mut changes = MadeByWrite::new();
        for (write, refusal, _) in &refused {
            let mut made = Vec::new();
            for document in refusal.items.iter().map(|(document, ..)| *document).collect::<BTreeSet<_>>() {
                made.extend(self.unstored.of(document).into_iter().filter_map(|change| match change {
                    Unstored::Made(of, by, change, log) if by == *write => Some((of, change, log)),
                    _ => None,
                }));
            }
            changes.insert(*write, made);
        }
        for (write, ..) in &refused {
            self.unstored.written(*write);
            for (document, change, _) in changes.get(write).into_iter().flatten() {
                self.documents.get_mut().recent.forget(*document, change.hash());
            }
        }
        let (stale, other): (Vec<_>, Vec<_>) =
            refused.into_iter().partition(|(_, _, reason)| *reason == WriteError::StaleLog);
        self.take_back(&other, &changes);
        self.write_again(stale, &changes);
    }

    /// Reads the documents of writes that are refused for good again, without them.
    fn take_back(&mut self, refused: &[(WriteId, LocalWrite, WriteError)], changes: &MadeByWrite) {
        let mut dirty = Dirty::default();
        for (write, refusal, reason) in refused {
            let documents = changes.get(write).into_iter().flatten().map(|(document, ..)| *document);
            for document in documents.collect::<BTreeSet<_>>() {
                self.read_again(document, &mut dirty);
            }
            // What was saved stays in the folder: it is not lost, and not shared.
            for (batch, _) in &refusal.accepts {
                self.out.push(Output::Folder(FolderJob::Accept { batch: *batch, accepted: Vec::new() }));
            }
            self.note_refused(*write, reason);
        }
        self.settle(dirty);
    }

    fn write_again(&mut self, stale: Vec<(WriteId, LocalWrite, WriteError)>, changes: &MadeByWrite) {
        if stale.is_empty() {
            return;
        }
        let mut dirty = Dirty::default();
        let mut made: Vec<(DocumentId, Change, bool)> = Vec::new();
        // Texts with changes that name the old session are edited again; all else stays as it is.
        let all = || stale.iter().filter_map(|(write, ..)| changes.get(write)).flatten();
        let of_session = all().filter(|(_, change, log)| change.actor() == actor_of(log));
        let edited: BTreeSet<DocumentId> = of_session.map(|(document, ..)| *document).collect();
        for (document, change, _) in all().filter(|(document, ..)| !edited.contains(document)) {
            made.push((*document, change.clone(), false));
        }
        let mut lost = BTreeSet::new();
        for document in edited {
            let before = self.with_text(document, |text| text.text());
            self.read_again(document, &mut dirty);
            let (author, seconds) = (Author::Session(self.own_actor()), self.seconds());
            let Ok(before) = before else {
                lost.insert(document);
                continue;
            };
            match self.with_text(document, |text| text.replace_text(&before, author, seconds)) {
                Ok(Ok(edited)) => {
                    dirty.texts.entry(document).or_default().extend(edited.patches);
                    push_parts(&mut made, document, edited.changes);
                }
                _ => {
                    tracing::error!(%document, "an edit could not be made again");
                    lost.insert(document);
                }
            }
        }
        let origin = stale[0].1.origin.clone();
        let mut accepts: Vec<(u64, Vec<Accepted>)> = Vec::new();
        let mut writes = Vec::new();
        for (write, refusal, _) in stale {
            // What cannot be made again stays in the folder, which offers it again.
            let is_whole = !refusal.items.iter().any(|(document, ..)| lost.contains(document));
            let taken = refusal.accepts.into_iter();
            accepts.extend(taken.map(|(batch, taken)| (batch, if is_whole { taken } else { Vec::new() })));
            writes.push(write);
        }
        let again = self.write_all(origin, made, accepts);
        for write in writes {
            for as_what in self.restated.values_mut().filter(|as_what| **as_what == write) {
                *as_what = again;
            }
            self.restated.insert(write, again);
        }
        while self.restated.len() > RESTATED_KEPT {
            self.restated.pop_first();
        }
        self.settle(dirty);
    }

    /// Reads a document again as the store has it, with what is on its way there.
    pub(super) fn read_again(&mut self, document: DocumentId, dirty: &mut Dirty) {
        let is_tree = document == self.tree.id();
        let before = if is_tree { None } else { self.with_text(document, |text| text.text()).ok() };
        if is_tree {
            self.tree = TreeDocument::new(tree_document_id(self.ws.as_bytes()));
            self.view = TreeView::new(Platform::default());
            if let Err(error) = self.read_tree() {
                tracing::error!("the tree cannot be read from the store: {error}");
            }
        } else {
            self.documents.get_mut().forget(document);
            dirty.texts.entry(document).or_default();
        }
        let mut again = Dirty::default();
        for change in self.unstored.of(document) {
            match change {
                Unstored::Delivered(item) => self.apply_again(item, &mut again),
                Unstored::Made(_, _, change, log) => self.apply_made(document, change, log, &mut again),
            }
        }
        dirty.keys.extend(again.keys);
        if is_tree {
            self.refresh(dirty);
            self.compare_folder();
        } else if let Some(before) = before
            && let Ok(after) = self.with_text(document, |text| text.text())
        {
            let patches = dirty.texts.entry(document).or_default();
            patches.clear();
            patches.extend(patch_between(&before, &after));
        }
    }

    /// Takes back what entries said that do not count any more.
    pub(super) fn withdraw(&mut self, entries: &[EntryRef], dirty: &mut Dirty) {
        *self.last_read.borrow_mut() = None;
        self.authors.withdraw(&entries.iter().map(|at| at.id).collect());
        let mut writes = Vec::with_capacity(entries.len());
        let mut documents = BTreeSet::new();
        for at in entries {
            let (set, clear) = (EntryMarks::UNOPENED, EntryMarks::NONE);
            writes.push(Write::Mark { ws: self.ws, entry: *at, set, clear });
            let Some((plain, _)) = self.read_entry(*at) else { continue };
            for (place, item) in plain.items.iter().enumerate() {
                let Ok(change) = Change::parse(&item.change) else { continue };
                let place = u16::try_from(place).expect("at most 64 items in an entry");
                let reference = ItemRef { entry: *at, item: place, document: item.doc, made: None };
                self.unstored.forget(&reference);
                self.documents.get_mut().recent.forget(item.doc, change.hash());
                self.waiting.set_aside(change.hash(), reference);
                if item.doc == self.tree.id() {
                    self.note_withdrawn(&change);
                }
                self.documents.get_mut().note_void(item.doc);
                documents.insert(item.doc);
            }
        }
        self.out.push(Output::Commit { batch: None, writes, own: Vec::new() });
        for document in documents {
            self.read_again(document, dirty);
        }
    }
}

/// The one replacement that leads from a text to another.
fn patch_between(before: &str, after: &str) -> Option<Patch> {
    let start = before.chars().zip(after.chars()).take_while(|(a, b)| a == b).count();
    let (from, to) = (before.chars().count(), after.chars().count());
    let rest = from.min(to) - start;
    let ends = before.chars().rev().zip(after.chars().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let insert: String = after.chars().skip(start).take(to - start - ends).collect();
    let delete = from - start - ends;
    (delete > 0 || !insert.is_empty()).then_some(Patch { at: weft_crdt::CharIndex(start), delete, insert })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_leads_from_one_text_to_another() {
        let patch = |before, after| {
            patch_between(before, after).map(|patch| (patch.at.0, patch.delete, patch.insert))
        };
        assert_eq!(patch("abc", "abc"), None);
        assert_eq!(patch("aüc", "aüüc"), Some((2, 0, "ü".to_owned())));
        assert_eq!(patch("abcd", "ad"), Some((1, 2, String::new())));
        assert_eq!(patch("", "xy"), Some((0, 0, "xy".to_owned())));
    }
}
