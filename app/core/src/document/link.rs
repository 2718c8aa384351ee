//! Keeps a text in step with the node that holds the document.
//!
//! The node counts revisions. One message of edits is under way at a time; what is typed meanwhile is gathered. What
//! others did reaches the text moved over both, so the person never waits for an answer. Where two insert at one
//! place, the text that the node had first stands first, here and there.

use std::sync::Arc;

use ropey::Rope;
use weft_crdt::{CharIndex, Edit, Patch, Side};

use crate::text::{Buffer, ChangeSet, OutOfBounds};

/// The model that wrote what is inserted; nothing where the person did.
pub(super) type Origin = Option<Arc<str>>;

/// Edits to be sent to the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The revision they were made against.
    pub revision: u64,
    /// The edits; each counts on the text that the one before left.
    pub edits: Vec<Edit>,
    /// The model that wrote what they insert, and that the person accepted.
    pub model: Option<Arc<str>>,
}

/// What was done here by one author.
#[derive(Debug, Clone)]
struct Part {
    change: ChangeSet,
    origin: Origin,
}

/// Says why news of the node cannot be taken. The text is as it was; the document must be opened again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// A revision is missing.
    #[error("revision {got} came after {have}")]
    Gap {
        /// The last one that is known.
        have: u64,
        /// The one that came.
        got: u64,
    },
    /// A change does not fit.
    #[error("a change of revision {revision} does not fit the text")]
    Patch {
        /// The revision.
        revision: u64,
        /// Why.
        #[source]
        source: OutOfBounds,
    },
}

/// What is known of the node's text, and what it does not know yet.
#[derive(Debug, Clone)]
pub(super) struct Link {
    revision: u64,
    /// The text of that revision.
    known: Buffer,
    /// Sent and not answered.
    sent: Option<Part>,
    /// Done here and not sent, one behind the other; neighbours have different authors.
    unsent: Vec<Part>,
    /// Answers that are still to come for what is known to be taken.
    late_answers: usize,
}

impl Link {
    pub(super) fn new(text: &Buffer, revision: u64) -> Self {
        Self { revision, known: text.clone(), sent: None, unsent: Vec::new(), late_answers: 0 }
    }

    /// Notes a change of this person, or of a model that they accepted.
    pub(super) fn local(&mut self, change: &ChangeSet, origin: Origin) {
        match self.unsent.last_mut().filter(|last| last.origin == origin) {
            Some(last) => last.change = last.change.then(change),
            None => self.unsent.push(Part { change: change.clone(), origin }),
        }
    }

    /// Tells whether something waits to be sent.
    pub(super) fn has_unsent(&self) -> bool {
        self.unsent.iter().any(|part| !part.change.is_empty())
    }

    /// Tells whether the node lacks something.
    pub(super) fn is_behind(&self) -> bool {
        self.sent.is_some() || self.has_unsent()
    }

    /// What to send now, if anything.
    pub(super) fn outgoing(&mut self) -> Option<Outgoing> {
        if self.sent.is_some() {
            return None;
        }
        self.unsent.retain(|part| !part.change.is_empty());
        if self.unsent.is_empty() {
            return None;
        }
        let part = self.unsent.remove(0);
        let (edits, model) = (part.change.to_edits(), part.origin.clone());
        self.sent = Some(part);
        Some(Outgoing { revision: self.revision, edits, model })
    }

    /// The node has taken what was sent.
    pub(super) fn acknowledged(&mut self, revision: u64) {
        if self.late_answers > 0 {
            self.late_answers -= 1;
            return;
        }
        self.settle();
        self.revision = self.revision.max(revision);
    }

    /// What was sent is part of the node's text.
    fn settle(&mut self) {
        if let Some(sent) = self.sent.take() {
            // It was made on this text or moved over all that came since, so it fits.
            let _ = self.known.apply(&sent.change);
        }
    }

    /// The node has not taken what was sent: it is sent again, with what came since.
    pub(super) fn refused(&mut self) {
        let Some(mut sent) = self.sent.take() else { return };
        if self.unsent.first().is_some_and(|first| first.origin == sent.origin) {
            sent.change = sent.change.then(&self.unsent.remove(0).change);
        }
        self.unsent.insert(0, sent);
    }

    /// Others changed the node's text; gives what that does to the text here.
    pub(super) fn changed(&mut self, revision: u64, patches: &[Patch]) -> Result<ChangeSet, LinkError> {
        let gap = LinkError::Gap { have: self.revision, got: revision };
        // The node counts an edit of ours as a revision too, and its answer may come later than this.
        match revision.checked_sub(self.revision) {
            Some(1) => {}
            Some(2) if self.sent.is_some() => {
                self.settle();
                self.late_answers += 1;
            }
            _ => return Err(gap),
        }
        let change = ChangeSet::from_patches(patches, self.known.len_chars())
            .and_then(|change| self.known.apply(&change).map(|()| change))
            .map_err(|source| LinkError::Patch { revision, source })?;
        self.revision = revision;
        Ok(self.moved(change))
    }

    /// Moves a change of the node's text over what it does not know.
    fn moved(&mut self, change: ChangeSet) -> ChangeSet {
        let mut change = change;
        for part in self.sent.iter_mut().chain(&mut self.unsent) {
            let (behind, own) = ChangeSet::moved(&change, &part.change);
            (change, part.change) = (behind, own);
        }
        change
    }

    /// The revision of the node's text that is known.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// A place of the node's text here; `None` when it belongs to another revision than the one that is known.
    pub(super) fn here(&self, revision: u64, at: CharIndex) -> Option<CharIndex> {
        let at = (revision == self.revision).then_some(at)?;
        let at = at.min(CharIndex(self.known.len_chars()));
        let parts = self.sent.iter().chain(&self.unsent);
        Some(parts.fold(at, |at, part| part.change.map(at, Side::Before)))
    }

    /// A place here in the node's text, with its revision.
    pub(super) fn at_node(&self, at: CharIndex) -> (u64, CharIndex) {
        let parts = self.sent.iter().chain(&self.unsent).rev();
        (self.revision, parts.fold(at, |at, part| part.change.mapper().map_back(at)))
    }

    /// The document was opened again: gives what that does to the text here. What was not sent stays and is sent
    /// again; so is what was sent and not answered, unless the new text is just that.
    pub(super) fn reopened(&mut self, text: &str, revision: u64) -> ChangeSet {
        let mut with_sent = self.known.clone();
        if let Some(sent) = &self.sent
            && with_sent.apply(&sent.change).is_ok()
            && *with_sent.rope() == text
        {
            self.settle();
        }
        self.refused();
        self.late_answers = 0;
        let change = difference(self.known.rope(), text);
        self.known = Buffer::new(text);
        self.revision = revision;
        self.moved(change)
    }
}

/// What makes one text another, as one replacement.
fn difference(old: &Rope, new: &str) -> ChangeSet {
    let start = old.chars().zip(new.chars()).take_while(|(one, two)| one == two).count();
    let new_chars = new.chars().count();
    let rest = (old.len_chars() - start).min(new_chars - start);
    let backwards = old.chars_at(old.len_chars()).reversed();
    let end = backwards.zip(new.chars().rev()).take(rest).take_while(|(one, two)| one == two).count();
    let text: String = new.chars().skip(start).take(new_chars - start - end).collect();
    ChangeSet::replace(start.into(), old.len_chars() - start - end, &text)
}
