//! What a model proposes to change, until a person has answered.
//!
//! A proposal is made of the texts that the model saw. It belongs to the session that asked, whose documents stay open
//! meanwhile: what others type is known, and an accepted hunk is moved behind it. A hunk whose own text has changed is left
//! alone, and told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use weft_ai::edits::Hunk;
use weft_sync::ids::WorkspaceId;

use super::super::{Shared, calls, documents, ended, health};
use crate::api::{AiAccept, AiAccepted, AiHunk, ApiError, CallContext, ClientEdit, SessionId};

/// Proposals that one program may leave unanswered; the oldest is forgotten.
const PROPOSALS_MAX: usize = 64;
/// Lines around the ones to change that a model sees.
const AROUND_LINES: usize = 40;

/// The proposals that are not answered.
#[derive(Default)]
pub(super) struct Proposals {
    inner: Mutex<(u64, BySession)>,
}

/// The proposals of each session, by their numbers.
type BySession = BTreeMap<(SessionId, u64), Proposal>;

/// What a model proposes.
#[derive(Clone)]
pub(super) struct Proposal {
    model: String,
    workspace: WorkspaceId,
    files: Vec<ProposedFile>,
    /// The hunks that were answered already.
    answered: BTreeSet<usize>,
}

/// What it proposes for one file.
#[derive(Clone)]
pub(super) struct ProposedFile {
    pub(super) path: String,
    /// The document, open in this session since before the model was asked; none for a file that is to be made.
    pub(super) document: Option<u64>,
    pub(super) hunks: Vec<Hunk>,
}

impl Proposal {
    pub(super) fn new(model: String, workspace: WorkspaceId, files: Vec<ProposedFile>) -> Self {
        Self { model, workspace, files, answered: BTreeSet::new() }
    }

    /// How many hunks there are.
    fn count(&self) -> usize {
        self.files.iter().map(|file| file.hunks.len()).sum()
    }

    /// A hunk by its number, with its file.
    fn hunk(&self, mut number: usize) -> Option<(&ProposedFile, &Hunk)> {
        for file in &self.files {
            match file.hunks.get(number) {
                Some(hunk) => return Some((file, hunk)),
                None => number -= file.hunks.len(),
            }
        }
        None
    }
}

impl Proposals {
    fn inner(&self) -> MutexGuard<'_, (u64, BySession)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a proposal and gives its number.
    pub(super) fn put(&self, shared: &Shared, session: SessionId, proposal: Proposal) -> u64 {
        let mut inner = self.inner();
        inner.0 += 1;
        let number = inner.0;
        let own = |(owner, _): &&(SessionId, u64)| *owner == session;
        let oldest = inner.1.keys().find(own).copied();
        let is_full = inner.1.keys().filter(own).count() >= PROPOSALS_MAX;
        let forgotten = oldest.filter(|_| is_full).and_then(|oldest| inner.1.remove(&oldest));
        inner.1.insert((session, number), proposal);
        drop(inner);
        if let Some(forgotten) = forgotten {
            close(shared, session, &forgotten);
        }
        number
    }

    /// Takes a proposal out to answer these hunks of it, when it has them.
    fn take(&self, session: SessionId, number: u64, wanted: &BTreeSet<usize>) -> Result<Proposal, ApiError> {
        let mut inner = self.inner();
        let unknown = || {
            ApiError::not_found(format!("there is no proposal {number}"))
                .hint("ask again: a proposal is forgotten with the connection that asked for it, and when it is answered")
                .data_state("nothing was changed")
        };
        let proposal = inner.1.get(&(session, number)).ok_or_else(unknown)?;
        let count = proposal.count();
        if let Some(wrong) = wanted.iter().find(|hunk| **hunk >= count || proposal.answered.contains(*hunk)) {
            return Err(ApiError::usage(format!(
                "the proposal has no hunk {wrong} that waits for an answer"
            ))
            .hint(format!("it has {count} hunks, counted from 0"))
            .data_state("nothing was changed"));
        }
        inner.1.remove(&(session, number)).ok_or_else(unknown)
    }

    /// A program has gone.
    pub(super) fn close_session(&self, session: SessionId) {
        self.inner().1.retain(|(owner, _), _| *owner != session);
    }
}

/// Closes the documents of a proposal that nobody answers any more.
fn close(shared: &Shared, session: SessionId, proposal: &Proposal) {
    for document in proposal.files.iter().filter_map(|file| file.document) {
        shared.documents.close(session, document);
    }
}

impl super::Ai {
    /// A program has gone, and its unanswered proposals with it.
    pub(crate) fn close_session(&self, session: SessionId) {
        self.proposals.close_session(session);
    }
}

/// A document that is closed again unless somebody keeps it.
pub(super) struct OpenForNow<'call> {
    shared: &'call Shared,
    session: SessionId,
    document: Option<u64>,
}

impl<'call> OpenForNow<'call> {
    pub(super) fn new(shared: &'call Shared, session: SessionId, document: u64) -> Self {
        Self { shared, session, document: Some(document) }
    }

    /// Leaves it open, and gives its number.
    pub(super) fn keep(mut self) -> u64 {
        self.document.take().unwrap_or_default()
    }
}

impl Drop for OpenForNow<'_> {
    fn drop(&mut self) {
        if let Some(document) = self.document {
            self.shared.documents.close(self.session, document);
        }
    }
}

/// The lines that are to be changed.
pub(super) struct Range {
    /// The first code point.
    at: usize,
    pub(super) text: String,
    pub(super) before: String,
    pub(super) after: String,
}

impl Range {
    /// A part of a text, without what stands around it.
    pub(super) fn at(at: usize, text: &str) -> Self {
        Self { at, text: text.to_owned(), before: String::new(), after: String::new() }
    }

    /// Lines, counted from 1, with what stands around them.
    pub(super) fn of(text: &str, from: u64, to: u64) -> Result<Self, ApiError> {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let count = lines.len();
        let wrong = || ApiError::usage(format!("there are no lines {from}-{to}, the file has {count}"));
        let first = usize::try_from(from).ok().and_then(|from| from.checked_sub(1)).ok_or_else(wrong)?;
        let end = usize::try_from(to).map_err(|_| wrong())?;
        if first >= end || end > count {
            return Err(wrong());
        }
        let around = |lines: &[&str]| lines.concat();
        Ok(Self {
            at: lines[..first].iter().map(|line| line.chars().count()).sum(),
            text: lines[first..end].concat(),
            before: around(&lines[first.saturating_sub(AROUND_LINES)..first]),
            after: around(&lines[end..count.min(end + AROUND_LINES)]),
        })
    }
}

/// The lines that differ, each run of them a hunk.
pub(super) fn hunks(range: &Range, new: &str) -> Vec<Hunk> {
    let old_lines: Vec<&str> = range.text.split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new.split_inclusive('\n').collect();
    let starts: Vec<usize> = old_lines
        .iter()
        .scan(range.at, |at, line| {
            let start = *at;
            *at += line.chars().count();
            Some(start)
        })
        .collect();
    let end = range.at + range.text.chars().count();
    let changes = similar::capture_diff_slices(similar::Algorithm::Myers, &old_lines, &new_lines);
    let changed = changes.into_iter().filter(|change| change.tag() != similar::DiffTag::Equal);
    changed
        .map(|change| {
            let (old, new) = (change.old_range(), change.new_range());
            Hunk {
                at: starts.get(old.start).copied().unwrap_or(end),
                old: old_lines[old].concat(),
                new: new_lines[new].concat(),
            }
        })
        .collect()
}

/// Hunks of a file as they are told, each with why it is doubtful.
pub(super) fn shown_hunks(path: &str, old: &str, hunks: &[Hunk], doubts: Vec<Option<String>>) -> Vec<AiHunk> {
    let shown = hunks.iter().zip(doubts).map(|(hunk, doubt)| AiHunk {
        path: path.to_owned(),
        line: 1 + old.chars().take(hunk.at).filter(|letter| *letter == '\n').count() as u64,
        old: hunk.old.clone(),
        new: hunk.new.clone(),
        doubt,
    });
    shown.collect()
}

/// Makes the hunks that a person accepts, in the name of the model and of that person.
pub(in crate::node) async fn accept(
    shared: &Arc<Shared>,
    request: AiAccept,
    context: &CallContext,
) -> Result<AiAccepted, ApiError> {
    health::refuse_when_full(shared)?;
    let wanted: BTreeSet<usize> = request.hunks.iter().copied().collect();
    let mut proposal = shared.ai.proposals.take(context.session, request.proposal, &wanted)?;
    let mut accepted = AiAccepted { made: Vec::new(), outdated: Vec::new() };
    let mut failure = None;
    // From the last to the first: the places of the others stay what they were in the text that the model saw.
    for number in wanted.into_iter().rev() {
        let Some((file, hunk)) = proposal.hunk(number) else { continue };
        match make(shared, context.session, &proposal, file, hunk).await {
            Ok(true) => accepted.made.push(number),
            Ok(false) => accepted.outdated.push(number),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
        proposal.answered.insert(number);
    }
    accepted.made.reverse();
    accepted.outdated.reverse();
    let has_more = proposal.answered.len() < proposal.count();
    if has_more && (request.keep || failure.is_some()) {
        shared.ai.proposals.inner().1.insert((context.session, request.proposal), proposal);
    } else {
        close(shared, context.session, &proposal);
    }
    match failure {
        Some(error) if accepted.made.is_empty() => Err(error),
        Some(error) => {
            let made = accepted.made.len();
            Err(error.data_state(format!("{made} hunks were made; the others can still be accepted")))
        }
        None => Ok(accepted),
    }
}

/// Makes one hunk; `false` when its text is no longer what the model saw.
async fn make(
    shared: &Arc<Shared>,
    session: SessionId,
    proposal: &Proposal,
    file: &ProposedFile,
    hunk: &Hunk,
) -> Result<bool, ApiError> {
    if let Some(document) = file.document {
        let (at, delete) = (hunk.at as u64, hunk.old.chars().count() as u64);
        let edit = ClientEdit { at, delete, insert: hunk.new.clone() };
        return documents::edit_of_model(shared, session, document, edit, &hunk.old, &proposal.model).await;
    }
    let workspace = shared.handle(&proposal.workspace).ok_or_else(ended)?;
    let (path, text, model) = (file.path.clone(), hunk.new.clone(), proposal.model.clone());
    let made = workspace.ask(move |engine| engine.create_of_model(&path, &text, model));
    match made.await.ok_or_else(ended)?? {
        None => Ok(false),
        Some(write) => calls::stored(shared, &workspace, write).await.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_and_its_hunks_keep_their_places() {
        let text = "ä\nb\nc\nd\ne\n";
        let range = Range::of(text, 2, 4).expect("lines");
        assert_eq!(
            (range.at, range.text.as_str(), range.before.as_str(), range.after.as_str()),
            (2, "b\nc\nd\n", "ä\n", "e\n")
        );
        let found = hunks(&range, "B\nc\nd\nx\n");
        assert_eq!(
            found,
            [
                Hunk { at: 2, old: "b\n".into(), new: "B\n".into() },
                Hunk { at: 8, old: String::new(), new: "x\n".into() },
            ]
        );
        for (from, to) in [(0, 1), (3, 2), (5, 6), (6, 6), (u64::MAX, u64::MAX)] {
            assert!(Range::of(text, from, to).is_err(), "{from}-{to}");
        }
        assert!(Range::of("no line feed", 1, 1).is_ok());
    }
}
