//! Documents that programs on the control socket have open.
//!
//! Each open document is a stream of revisions: the text as it was when it was opened, and every
//! change since. An edit names the revision it was made on; the node makes it on the newest text.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use weft_crdt::{DocumentId, Patch};
use weft_sync::ids::{EndpointId, UserId, WorkspaceId};

use super::transform::{moved, transformed};
use super::{Shared, calls, ended, paths, presence};
use crate::api::{
    AiSeen, ApiError, CallContext, ClientEdit, DocumentChanged, DocumentClosed, DocumentCursor,
    DocumentCursors, DocumentEdit, DocumentEdited, DocumentOpen, DocumentOpened, Event, EventSink,
    RemoteCursor, SessionId,
};
use crate::presence::{OTHER_CURSORS_MAX, Place};

/// Documents that one program may have open.
const OPEN_MAX: usize = 256;
/// Changes that are kept for edits of older revisions.
const CHANGES_KEPT: usize = 4_096;

/// Edits of a file that come within this time are one visit of it, for whoever looks for it by its name.
const EDITS_OF_ONE_VISIT: Duration = Duration::from_secs(600);

/// What is open, by session and number.
#[derive(Default)]
pub(crate) struct OpenDocuments {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    open: BTreeMap<(SessionId, u64), OpenDocument>,
}

struct OpenDocument {
    ws: WorkspaceId,
    document: DocumentId,
    path: String,
    revision: u64,
    /// The changes since `revision - changes.len()`, as patches of the text before them.
    changes: Vec<Vec<Patch>>,
    /// Edits of this program that are made and not counted yet: it is not told of them.
    own: u64,
    /// Where others were when the program was told last.
    told: Vec<(EndpointId, Place)>,
    events: EventSink,
}

impl OpenDocuments {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A program has gone.
    pub(crate) fn close_session(&self, session: SessionId) {
        self.inner().open.retain(|(owner, _), _| *owner != session);
    }

    /// A text changed: everybody who has it open hears of it.
    pub(crate) fn changed(
        &self,
        ws: WorkspaceId,
        document: DocumentId,
        patches: &[Patch],
        user: Option<UserId>,
    ) {
        let mut inner = self.inner();
        let mut slow = Vec::new();
        for ((session, number), open) in &mut inner.open {
            if open.ws != ws || open.document != document {
                continue;
            }
            open.revision += 1;
            open.changes.push(patches.to_vec());
            if open.changes.len() > CHANGES_KEPT {
                open.changes.remove(0);
            }
            if open.own > 0 {
                open.own -= 1;
                continue;
            }
            let event = Event::DocumentChanged(DocumentChanged {
                document: *number,
                revision: open.revision,
                edits: patches.iter().map(client_edit).collect(),
                user: user.map(|user| user.to_string()),
            });
            if !open.events.send(event) {
                slow.push((*session, *number));
            }
        }
        // Who does not keep up opens the document again.
        for key in slow {
            inner.open.remove(&key);
        }
    }

    pub(super) fn close(&self, session: SessionId, number: u64) -> DocumentClosed {
        self.inner().open.remove(&(session, number));
        DocumentClosed {}
    }

    /// The workspace of an open document.
    pub(super) fn workspace_of(&self, session: SessionId, number: u64) -> Result<WorkspaceId, ApiError> {
        self.inner().open.get(&(session, number)).map(|open| open.ws).ok_or_else(|| not_open(number))
    }

    /// A program's cursors in the newest text: which text, and of each the end that stays and the end that moves; the
    /// one that counts is first. To be asked on the workspace's thread.
    pub(super) fn cursors_now(
        &self,
        session: SessionId,
        request: &DocumentCursor,
    ) -> Result<(DocumentId, Vec<(u64, u64)>), ApiError> {
        let inner = self.inner();
        let open = inner.open.get(&(session, request.document)).ok_or_else(|| not_open(request.document))?;
        let since = open.since(request.revision)?;
        let all = std::iter::once(&request.cursor).chain(request.others.iter().take(OTHER_CURSORS_MAX));
        let cursors = all.map(|cursor| (moved(cursor.anchor, since), moved(cursor.head, since)));
        Ok((open.document, cursors.collect()))
    }

    /// A part of a text that a program saw in one of its documents, in another document of the same text as that one began:
    /// the first character and the one behind the last.
    pub(super) fn seen_in(
        &self,
        session: SessionId,
        seen: &AiSeen,
        other: u64,
    ) -> Result<(u64, u64), ApiError> {
        let inner = self.inner();
        let open = inner.open.get(&(session, seen.document)).ok_or_else(|| not_open(seen.document))?;
        let later = inner.open.get(&(session, other)).ok_or_else(|| not_open(other))?;
        if (open.ws, open.document) != (later.ws, later.document) {
            return Err(ApiError::usage(format!("document {} is another file", seen.document))
                .hint("name the file that the document is of")
                .data_state("nothing was asked"));
        }
        let since = open.since(seen.revision)?;
        // What came after the other was opened is not in the text that it began with.
        let before = since.len().saturating_sub(later.changes.len());
        let since = &since[..before];
        let at = moved(seen.at, since);
        // By its last character: what was written right behind does not belong to it.
        let end = match seen.count.checked_sub(1) {
            Some(last) => moved(seen.at.saturating_add(last), since).saturating_add(1),
            None => at,
        };
        Ok((at, end))
    }

    /// The texts of a workspace that are open.
    pub(super) fn open_in(&self, ws: WorkspaceId) -> BTreeSet<DocumentId> {
        self.inner().open.values().filter(|open| open.ws == ws).map(|open| open.document).collect()
    }

    /// Tells who has a text open where others are in it, as far as that is news. To be called on the workspace's thread,
    /// so that the places belong to the revision that is told.
    pub(super) fn tell_cursors(
        &self,
        ws: WorkspaceId,
        document: DocumentId,
        there: &[(EndpointId, Place, RemoteCursor)],
    ) {
        let now: Vec<(EndpointId, Place)> = there.iter().map(|(from, at, _)| (*from, at.clone())).collect();
        let mut inner = self.inner();
        let open = inner.open.iter_mut().filter(|(_, open)| open.ws == ws && open.document == document);
        for ((_, number), open) in open.filter(|(_, open)| open.told != now) {
            let cursors = there.iter().map(|(_, _, cursor)| cursor.clone()).collect();
            let event = DocumentCursors { document: *number, revision: open.revision, cursors };
            // A program that has no room for it is told the next time.
            if open.events.send(Event::DocumentCursors(event)) {
                open.told.clone_from(&now);
            }
        }
    }
}

impl OpenDocument {
    /// The changes since a revision.
    fn since(&self, revision: u64) -> Result<&[Vec<Patch>], ApiError> {
        let behind = self.revision.checked_sub(revision).map(|n| n as usize);
        let behind = behind.filter(|behind| *behind <= self.changes.len()).ok_or_else(|| {
            let newest = self.revision;
            let why = if revision > newest { "does not exist" } else { "is too old" };
            ApiError::usage(format!("revision {revision} {why}, the newest is {newest}"))
                .hint("open the document again with document.open")
        })?;
        Ok(&self.changes[self.changes.len() - behind..])
    }
}

fn client_edit(patch: &Patch) -> ClientEdit {
    ClientEdit { at: patch.at.0 as u64, delete: patch.delete as u64, insert: patch.insert.clone() }
}

fn not_open(document: u64) -> ApiError {
    ApiError::not_found(format!("document {document} is not open")).hint("open it again with document.open")
}

pub(super) async fn open(
    shared: &Arc<Shared>,
    request: DocumentOpen,
    context: &CallContext,
) -> Result<DocumentOpened, ApiError> {
    let (workspace, _, rest) = shared.workspace_of(&request.file)?;
    let path = paths::inside(&rest)?;
    let node = Arc::clone(shared);
    let (shared, session, events) = (Arc::clone(shared), context.session, context.events.clone());
    // On the workspace's thread, so that no change comes between the text and the registration.
    let visited = path.clone();
    let opened = workspace.ask(move |engine| {
        let (document, text, write) = engine.open_text(&path)?;
        let mut inner = shared.documents.inner();
        if inner.open.keys().filter(|(owner, _)| *owner == session).count() >= OPEN_MAX {
            return Err(ApiError::usage(format!("{OPEN_MAX} documents are open, which is the limit"))
                .hint("close some with document.close"));
        }
        inner.next += 1;
        let number = inner.next;
        let open = OpenDocument {
            ws: engine.replica().workspace(),
            document,
            path,
            revision: 0,
            changes: Vec::new(),
            own: 0,
            told: Vec::new(),
            events,
        };
        inner.open.insert((session, number), open);
        Ok((DocumentOpened { document: number, text, revision: 0 }, write))
    });
    let (opened, write) = opened.await.ok_or_else(ended)??;
    if let Some(write) = write {
        calls::stored(&node, &workspace, write).await?;
    }
    if let Some(index) = node.indexes.begun(workspace.ws) {
        index.visited(&visited, Duration::ZERO);
    }
    // Whoever is in it already is told of right after the answer.
    presence::refresh(&node, workspace.ws);
    Ok(opened)
}

pub(super) async fn edit(
    shared: &Arc<Shared>,
    request: DocumentEdit,
    context: &CallContext,
) -> Result<DocumentEdited, ApiError> {
    let key = (context.session, request.document);
    let ws = shared.documents.inner().open.get(&key).map(|open| open.ws);
    let ws = ws.ok_or_else(|| not_open(request.document))?;
    let workspace = shared.handle(&ws).ok_or_else(ended)?;
    let of_thread = Arc::clone(shared);
    let last = request.edits.last().map(|edit| edit.at);
    let edited = workspace.ask(move |engine| {
        let (path, edits) = {
            let inner = of_thread.documents.inner();
            let open = inner.open.get(&key).ok_or_else(|| not_open(key.1))?;
            let edits = transformed(&request.edits, open.since(request.revision)?);
            // The file may have another name by now.
            let path = engine.path_of_document(open.document).unwrap_or_else(|| open.path.clone());
            (path, edits)
        };
        let (write, has_changed) = match request.model {
            None => engine.edit_text(&path, &edits)?,
            Some(model) => engine.edit_text_of_model(&path, &edits, model)?,
        };
        // What the engine puts out is told right after this, on the same thread: then the edit is counted.
        let mut inner = of_thread.documents.inner();
        let revision = inner.open.get_mut(&key).map_or(request.revision, |open| {
            open.own += u64::from(has_changed);
            open.revision + u64::from(has_changed)
        });
        Ok::<_, ApiError>((write, revision, path))
    });
    let (write, revision, path) = edited.await.ok_or_else(ended)??;
    calls::stored(shared, &workspace, write).await?;
    if let Some(index) = shared.indexes.begun(ws) {
        index.visited(&path, EDITS_OF_ONE_VISIT);
    }
    if let Some(at) = last {
        shared.ai.note_edit(ws, &path, at);
    }
    Ok(DocumentEdited { revision })
}

/// Makes an accepted edit of a model on the newest text; `false` when the text that it replaces is no longer what the
/// model saw.
pub(super) async fn edit_of_model(
    shared: &Arc<Shared>,
    session: SessionId,
    document: u64,
    edit: ClientEdit,
    old: &str,
    model: &str,
) -> Result<bool, ApiError> {
    let key = (session, document);
    let ws = shared.documents.inner().open.get(&key).map(|open| open.ws);
    let workspace = shared.handle(&ws.ok_or_else(|| not_open(document))?).ok_or_else(ended)?;
    let (of_thread, old, model) = (Arc::clone(shared), old.to_owned(), model.to_owned());
    let edited = workspace.ask(move |engine| {
        let (path, edits) = {
            let inner = of_thread.documents.inner();
            let open = inner.open.get(&key).ok_or_else(|| not_open(key.1))?;
            if open.changes.len() as u64 != open.revision {
                return Err(ApiError::failed("too much has changed since the model saw the text")
                    .hint("ask again")
                    .data_state("this hunk was not made"));
            }
            // The model's hunks never touch each other, so its own earlier ones only move this one.
            (open.path.clone(), transformed(&[edit], &open.changes))
        };
        if !engine.still_reads(&path, &edits, &old)? {
            return Ok(None);
        }
        let (write, has_changed) = engine.edit_text_of_model(&path, &edits, model)?;
        let mut inner = of_thread.documents.inner();
        if let Some(open) = inner.open.get_mut(&key) {
            open.own += u64::from(has_changed);
        }
        Ok::<_, ApiError>(Some(write))
    });
    match edited.await.ok_or_else(ended)?? {
        None => Ok(false),
        Some(write) => calls::stored(shared, &workspace, write).await.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_crdt::CharIndex;

    #[test]
    fn a_program_is_told_of_all_edits_but_its_own() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let documents = OpenDocuments::default();
        let (ws, document) = (WorkspaceId::from_bytes([1; 32]), DocumentId::from_bytes([2; 16]));
        for number in 0..2 {
            let told = Arc::clone(&told);
            let events = EventSink::new(move |event| {
                let Event::DocumentChanged(changed) = event else { return false };
                told.lock().unwrap_or_else(PoisonError::into_inner).push((number, changed.revision));
                true
            });
            let (path, changes, told) = ("x".to_owned(), Vec::new(), Vec::new());
            let open =
                OpenDocument { ws, document, path, revision: 0, changes, own: 1 - number, told, events };
            documents.inner().open.insert((SessionId(1), number), open);
        }
        let patch = Patch { at: CharIndex(0), delete: 0, insert: "a".to_owned() };
        documents.changed(ws, document, std::slice::from_ref(&patch), None);
        documents.changed(ws, document, &[patch], None);
        assert_eq!(*told.lock().unwrap_or_else(PoisonError::into_inner), [(1, 1), (0, 2), (1, 2)]);
    }
}
