//! What a save is an edit of.
//!
//! The mirror names the versions that it remembers; after a start those are few, and what the folder may have held before
//! is told by the history of the text.

use std::collections::VecDeque;

use weft_crdt::{DocumentId, PastText, TextDocument, Version};
use weft_sync::data::actor_of;
use weft_sync::ids::{EntryRef, LogId};

use crate::mirror::{Evidence, SaveBase};
use crate::workspace::documents::{begin, closure};
use crate::workspace::engine::Engine;
use crate::workspace::entries::CarriedChange;
use crate::workspace::people::People as _;
use crate::workspace::save_base::{
    COMPARED_CHARS, Candidate, KEPT_EACH, changed_chars, choose, choose_unread, deleted_text, only_adds,
};
use crate::workspace::saves;
use crate::workspace::version::FileVersion;

/// How long versions that a file has held are remembered, as the mirror does.
const REMEMBERED_MILLIS: u64 = 10 * 60 * 1_000;

/// What a save is an edit of.
pub(super) struct ChosenBase {
    pub(super) text: PastText,
    /// The version that stands for it when it is forgotten.
    pub(super) version: Version,
    /// What the save would have deleted if it were taken for one of the newest version.
    pub(super) brought_back: Option<String>,
    /// The document as it was then, for saves that others may have made as well.
    pub(super) document: Option<TextDocument>,
}

/// A version that the folder has held, or may have.
struct Past {
    candidate: Candidate,
    found: Found,
}

/// Which version a candidate is.
struct Found {
    version: Version,
    /// The text with the ids of its characters, where it is at hand.
    kept: Option<PastText>,
    /// Whether a save from an old copy left it, and it is no version of the document.
    is_made_here: bool,
}

impl Past {
    fn new(version: Version, text: PastText, is_written_over: bool) -> Self {
        let candidate = Candidate { text: text.text(), is_written_over };
        Self { candidate, found: Found { version, kept: Some(text), is_made_here: false } }
    }
}

impl Engine {
    /// The version that a save was made from, as far as can be told.
    pub(super) fn choose_base(
        &mut self,
        document: DocumentId,
        base: &SaveBase,
        saved: &str,
    ) -> Option<ChosenBase> {
        if let Some((version, text)) = self.newest_if_kept(document, base, saved) {
            return Some(ChosenBase { text, version, brought_back: None, document: None });
        }
        let mut past = self.known_past(document, base, saved);
        let is_certain = matches!(base.evidence, Evidence::Git | Evidence::Certain);
        if !is_certain && self.has_just_started() {
            self.add_past_before_start(document, saved, &mut past);
        }
        let (candidates, mut found): (Vec<Candidate>, Vec<Found>) =
            past.into_iter().map(|past| (past.candidate, past.found)).unzip();
        let first = candidates.first()?;
        let mut chosen = match base.evidence {
            Evidence::NewestNotRead => choose_unread(&candidates, saved),
            _ => choose(&candidates, saved),
        };
        let mut brought_back = None;
        if chosen > 0 && base.evidence == Evidence::None {
            let deleted = deleted_text(&first.text, saved);
            // A merged text that is not written yet can be deleted by nobody.
            let is_written = !matches!(FileVersion::decode(&base.version), Some(FileVersion::Saved { .. }));
            if is_written && self.past_texts.deletes_again(document, &deleted) {
                chosen = 0;
            } else {
                brought_back = Some(deleted);
            }
        }
        let Found { version, kept, is_made_here } = found.swap_remove(chosen);
        let then = if is_made_here { None } else { self.document_at(document, &version) };
        let text = match (kept, &then) {
            (Some(text), _) => text,
            (None, Some(then)) => then.keep(),
            (None, None) => return None,
        };
        Some(ChosenBase { text, version, brought_back, document: then })
    }

    /// The newest version, where a save takes nothing away from it that was read: no older one is asked for then, and
    /// most saves are of this kind. It must be what the document is now, so that nobody else can have made the save.
    fn newest_if_kept(
        &self,
        document: DocumentId,
        base: &SaveBase,
        saved: &str,
    ) -> Option<(Version, PastText)> {
        if base.older.is_empty() || base.evidence == Evidence::NewestNotRead {
            return None;
        }
        let (version, text) = self.past_text(document, &base.version)?;
        let is_now = self.documents.borrow().opened(document).is_some_and(|now| *now.heads() == version);
        (is_now && only_adds(&text.text(), saved)).then_some((version, text))
    }

    /// The versions that the mirror remembers, the newest first.
    fn known_past(&self, document: DocumentId, base: &SaveBase, saved: &str) -> Vec<Past> {
        if base.older.is_empty() && base.evidence == Evidence::None {
            let nearest = self.base_after_restart(document, base, saved);
            return nearest.into_iter().map(|(version, text)| Past::new(version, text, false)).collect();
        }
        let newest = std::iter::once((base.version.as_slice(), false));
        let older = base.older.iter().map(|past| (past.version.as_slice(), past.is_written_over));
        let names: Vec<(&[u8], bool)> = match base.evidence {
            Evidence::Git | Evidence::Certain => newest.collect(),
            _ => newest.chain(older).collect(),
        };
        let (mut past, mut chars) = (Vec::new(), 0);
        for (name, is_written_over) in names.into_iter().take(KEPT_EACH) {
            let Some((version, text)) = self.past_text(document, name) else { continue };
            chars += text.rope().len_chars();
            if chars > COMPARED_CHARS && !past.is_empty() {
                break;
            }
            let mut version = Past::new(version, text, is_written_over);
            version.found.is_made_here = matches!(FileVersion::decode(name), Some(FileVersion::Saved { .. }));
            past.push(version);
        }
        past
    }

    /// Whether the mirror may remember less than somebody's editor does.
    fn has_just_started(&self) -> bool {
        let is_new = self.started.is_none_or(|at| self.now.0 < at.0.saturating_add(REMEMBERED_MILLIS));
        // What the first look at the folder finds was saved while this did not run.
        is_new && !self.show.waits_for_scan
    }

    /// Adds what the folder may have held before this start: the texts that the oldest known version grew out of, as the
    /// edits came in.
    fn add_past_before_start(&self, document: DocumentId, saved: &str, past: &mut Vec<Past>) {
        let (Some(first), Some(oldest)) = (past.first(), past.last()) else { return };
        if past.len() >= KEPT_EACH || deleted_text(&first.candidate.text, saved).is_empty() {
            return;
        }
        let (Some(begins), Some(contents)) = (self.bases.get(&document), self.contents.as_ref()) else {
            return;
        };
        let documents = self.documents.borrow();
        let (Ok(changes), Ok(mut text)) =
            (documents.changes(document, &self.replica), begin(document, begins, contents))
        else {
            return;
        };
        let seen = closure(&changes, &oldest.found.version);
        let mut runs: Vec<(LogId, Vec<&CarriedChange>)> = Vec::new();
        // What came since this start the mirror remembers.
        let is_old =
            |at: &EntryRef| at.seq > 0 && self.opened_at.get(&at.log).is_some_and(|to| at.seq <= *to);
        let is_meant =
            |carried: &&CarriedChange| is_old(&carried.entry) && seen.contains(&carried.change.hash());
        for carried in changes.iter().filter(is_meant) {
            match runs.last_mut() {
                Some((log, run)) if *log == carried.entry.log => run.push(carried),
                _ => runs.push((carried.entry.log, vec![carried])),
            }
        }
        let own = self.replica.user();
        let first_kept = runs.len().saturating_sub(KEPT_EACH - past.len());
        let mut found = VecDeque::new();
        let mut chars: usize = past.iter().map(|past| past.candidate.text.chars().count()).sum();
        for (number, (log, run)) in runs.into_iter().enumerate() {
            if number >= first_kept {
                let is_written_over = self.authors.of_log(&log) != Some(own);
                let candidate = Candidate { text: text.text(), is_written_over };
                let version = Found { version: text.heads().clone(), kept: None, is_made_here: false };
                chars += text.len_chars();
                found.push_back(Past { candidate, found: version });
                while chars > COMPARED_CHARS
                    && let Some(oldest) = found.pop_front()
                {
                    chars -= oldest.candidate.text.chars().count();
                }
            }
            for carried in run {
                // One that came before what it builds upon is left out: this is a guess at what was shown.
                let _ = text.apply(&carried.change, &actor_of(&carried.entry.log));
            }
        }
        past.extend(found.into_iter().rev());
    }

    /// The version that a save was made from of which nothing is known but what the folder held when it was noted last:
    /// that, or what this person made of it since. A crash may have come between a save and the note of it.
    fn base_after_restart(
        &self,
        document: DocumentId,
        base: &SaveBase,
        saved: &str,
    ) -> Option<(Version, PastText)> {
        let (version, text) = self.past_text(document, &base.version)?;
        let mut nearest = (changed_chars(&text.text(), saved), version, text);
        let changes = self.documents.borrow().changes(document, &self.replica).ok()?;
        let mut seen = closure(&changes, &nearest.1);
        let mut heads = nearest.1.clone();
        let own = self.replica.user();
        // What was made since the start is no trace of a crash before it.
        let is_old =
            |at: &EntryRef| at.seq > 0 && self.opened_at.get(&at.log).is_some_and(|last| at.seq <= *last);
        let is_candidate = |carried: &&CarriedChange| {
            is_old(&carried.entry) && self.authors.of_log(&carried.entry.log) == Some(own)
        };
        for carried in changes.iter().filter(is_candidate) {
            let change = &carried.change;
            if seen.contains(&change.hash()) || !change.deps().iter().all(|hash| seen.contains(hash)) {
                continue;
            }
            seen.insert(change.hash());
            let left = heads.hashes().iter().copied().filter(|hash| !change.deps().contains(hash));
            heads = Version::new(left.chain([change.hash()]));
            let name = FileVersion::Text(document, heads.clone()).encode();
            let Some((version, text)) = self.past_text(document, &name) else { continue };
            let size = changed_chars(&text.text(), saved);
            if size < nearest.0 {
                nearest = (size, version, text);
            }
        }
        let (_, version, text) = nearest;
        Some((version, text))
    }

    /// A version of a document that lay on disk.
    fn past_text(&self, document: DocumentId, name: &[u8]) -> Option<(Version, PastText)> {
        let version = match FileVersion::decode(name)? {
            FileVersion::Text(held, heads) if held == document => heads,
            FileVersion::Saved { document: held, base, .. } if held == document => base,
            // Before its first edit the file was what the document begins with.
            FileVersion::Blob(blob) => {
                let begins = self.bases.get(&document)?;
                (begins.content == blob.content).then(|| saves::genesis_version(document, begins, self))??
            }
            _ => return None,
        };
        if let Some(text) = self.past_texts.get(document, name) {
            return Some((version, text.clone()));
        }
        let name = FileVersion::Text(document, version.clone()).encode();
        if let Some(text) = self.past_texts.get(document, &name) {
            return Some((version, text.clone()));
        }
        let is_now = self.with_text(document, |text| (*text.heads() == version).then(|| text.keep()));
        let text = match is_now.ok()? {
            Some(text) => text,
            None => self.document_at(document, &version)?.keep(),
        };
        Some((version, text))
    }

    /// A document as it was; none when that is the newest version, or cannot be told any more.
    fn document_at(&self, document: DocumentId, version: &Version) -> Option<TextDocument> {
        let (begins, contents) = (self.bases.get(&document)?, self.contents.as_ref()?);
        let documents = self.documents.borrow();
        if documents.opened(document).is_some_and(|now| now.heads() == version) {
            return None;
        }
        let then = documents.at(document, begins, version, contents, &self.replica).ok()?;
        (then.heads() == version).then_some(then)
    }
}
