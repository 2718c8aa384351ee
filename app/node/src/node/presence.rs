//! Who is here and where: heard from members' devices, told to programs, and the other way round.
//!
//! Notes go only to connected devices of members who can read, and count only from such: a keeper, somebody who was
//! removed and a stranger get none, and what they send is dropped. Nothing is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::Notify;
use weft_crdt::DocumentId;
use weft_net::Net;
use weft_sync::ids::{EndpointId, WorkspaceId};

use super::{Shared, ended};
use crate::api::{
    ApiError, CallContext, CursorPosition, DocumentClosed, DocumentCursor, Event, EventSink,
    Presence as PresenceReport, PresenceWatch, PresentDevice, RemoteCursor, SessionId,
};
use crate::presence::{Cursor, NOTE_EVERY, Note, Others, Place, SAY_AGAIN_AFTER, shown_name};
use crate::workspace::engine::Engine;
use crate::workspace::people::{NamedDevice, People as _};
use crate::workspace::thread::Message;

/// Programs that watch who is here; a connection watches each workspace once.
const WATCHERS_MAX: usize = 256;
/// Notes that wait for a workspace to look at them: the newest of each device and workspace.
const WAITING_NOTES_MAX: usize = 1_024;

/// What is known of who is where.
#[derive(Default)]
pub(crate) struct Presence {
    inner: Mutex<Inner>,
    /// This person moved.
    moved: Notify,
}

#[derive(Default)]
struct Inner {
    others: Others,
    /// Where this person is.
    own: BTreeMap<WorkspaceId, Own>,
    watchers: BTreeMap<(SessionId, WorkspaceId), Watcher>,
    /// Notes that came and were not looked at.
    waiting: BTreeMap<(WorkspaceId, EndpointId), Note>,
    /// Workspaces that are going to look who is where.
    refreshing: BTreeSet<WorkspaceId>,
    last_number: u64,
}

/// Where this person is in a workspace, by the program that said so last.
struct Own {
    by: Option<(SessionId, u64)>,
    place: Option<Place>,
    /// Whether it is to be said as soon as may be.
    is_news: bool,
    said: Option<Instant>,
}

struct Watcher {
    events: EventSink,
    told: Option<PresenceReport>,
}

impl Presence {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node ends: so does [`run`].
    pub(super) fn node_ends(&self) {
        self.moved.notify_one();
    }

    /// A program has closed a document.
    pub(super) fn leave(&self, session: SessionId, number: u64) {
        self.leave_where(|by| by == (session, number));
    }

    /// A program has gone.
    pub(super) fn close_session(&self, session: SessionId) {
        self.inner().watchers.retain(|(watching, _), _| *watching != session);
        self.leave_where(|(by, _)| by == session);
    }

    fn leave_where(&self, is_gone: impl Fn((SessionId, u64)) -> bool) {
        for own in self.inner().own.values_mut() {
            if own.by.is_some_and(&is_gone) {
                *own = Own { by: None, place: None, is_news: true, said: own.said };
            }
        }
        self.moved.notify_one();
    }
}

impl Own {
    /// When it is to be said: at once, but not too often; and again, as long as somebody is somewhere.
    fn due(&self, now: Instant) -> Option<Instant> {
        match (self.is_news, self.said) {
            (true, said) => Some(said.map_or(now, |said| said + NOTE_EVERY)),
            (false, Some(said)) if self.place.is_some() => Some(said + SAY_AGAIN_AFTER),
            (false, _) => None,
        }
    }
}

/// A program says where its cursor is.
pub(super) async fn point(
    shared: &Arc<Shared>,
    session: SessionId,
    request: &DocumentCursor,
) -> Result<DocumentClosed, ApiError> {
    let ws = shared.documents.workspace_of(session, request.document)?;
    let workspace = shared.handle(&ws).ok_or_else(ended)?;
    let (of_thread, request) = (Arc::clone(shared), request.clone());
    let place = workspace.ask(move |engine| {
        let (document, cursors) = of_thread.documents.cursors_now(session, &request)?;
        let mut cursors = cursors
            .into_iter()
            .map_while(|(anchor, head)| engine.cursor_at(document, anchor as usize, head as usize));
        let place = cursors.next().map(|cursor| Place { document, cursor, others: cursors.collect() });
        Ok::<_, ApiError>((request.document, place))
    });
    let (number, place) = place.await.ok_or_else(ended)??;
    let mut inner = shared.presence.inner();
    let said = inner.own.get(&ws).and_then(|own| own.said);
    inner.own.insert(ws, Own { by: Some((session, number)), place, is_news: true, said });
    drop(inner);
    shared.presence.moved.notify_one();
    Ok(DocumentClosed {})
}

/// Says who is here, and tells the program of every change from now on.
pub(super) async fn watch(
    shared: &Arc<Shared>,
    request: PresenceWatch,
    context: &CallContext,
) -> Result<PresenceReport, ApiError> {
    let (workspace, _, _) = shared.workspace_of(&request.folder)?;
    let (of_thread, session, events) = (Arc::clone(shared), context.session, context.events.clone());
    let report = workspace.ask(move |engine| {
        let report = present(&of_thread, engine, &engine.replica().named_devices());
        let mut inner = of_thread.presence.inner();
        let key = (session, engine.replica().workspace());
        if inner.watchers.len() >= WATCHERS_MAX && !inner.watchers.contains_key(&key) {
            return Err(ApiError::usage(format!(
                "{WATCHERS_MAX} programs watch who is here, which is the limit"
            ))
            .hint("close a program that uses Weft"));
        }
        inner.watchers.insert(key, Watcher { events, told: None });
        Ok(report)
    });
    let report = report.await.ok_or_else(ended)??;
    // Told once more as an event: what changes meanwhile may overtake the answer.
    refresh(shared, workspace.ws);
    Ok(report)
}

/// A device is connected: it is told where this person is, and programs that it is here.
pub(super) fn connected(shared: &Arc<Shared>) {
    let mut inner = shared.presence.inner();
    inner.own.values_mut().for_each(|own| own.is_news = own.place.is_some());
    drop(inner);
    shared.presence.moved.notify_one();
    refresh_all(shared);
}

/// A device is not connected any more.
pub(super) fn disconnected(shared: &Arc<Shared>, peer: EndpointId) {
    let mut inner = shared.presence.inner();
    inner.others.forget(peer);
    inner.waiting.retain(|(_, from), _| *from != peer);
    drop(inner);
    refresh_all(shared);
}

fn refresh_all(shared: &Arc<Shared>) {
    for workspace in shared.handles() {
        refresh(shared, workspace.ws);
    }
}

/// A device says something. Whether it may is asked on the workspace's thread; until then the newest note waits.
pub(super) fn heard(shared: &Arc<Shared>, peer: EndpointId, bytes: &Bytes) {
    let Some(note) = Note::decode(bytes) else { return };
    let ws = WorkspaceId::from_bytes(note.ws);
    let Some(workspace) = shared.handle(&ws) else { return };
    let mut inner = shared.presence.inner();
    let waits = inner.waiting.get(&(ws, peer)).map(|waiting| waiting.number);
    if waits.is_some_and(|number| number >= note.number) || inner.waiting.len() >= WAITING_NOTES_MAX {
        return;
    }
    inner.waiting.insert((ws, peer), note);
    drop(inner);
    if waits.is_some() {
        return;
    }
    let shared = Arc::clone(shared);
    workspace.send(Message::Run(Box::new(move |engine| {
        let is_reader = engine.is_other_reader(&peer);
        let mut inner = shared.presence.inner();
        let Some(note) = inner.waiting.remove(&(ws, peer)) else { return };
        let is_news = is_reader && inner.others.hear(ws, peer, &note, Instant::now());
        drop(inner);
        // When the next one is forgotten is known only now.
        shared.presence.moved.notify_one();
        if is_news {
            show(&shared, engine);
        }
    })));
}

/// A text changed: whoever was at a place that had not come may be there now.
pub(super) fn text_changed(shared: &Arc<Shared>, ws: WorkspaceId, document: DocumentId) {
    if shared.presence.inner().others.is_ahead(ws, document) {
        refresh(shared, ws);
    }
}

/// Tells programs who is where in a workspace, soon, as far as that is news.
pub(super) fn refresh(shared: &Arc<Shared>, ws: WorkspaceId) {
    let Some(workspace) = shared.handle(&ws) else { return };
    if !shared.presence.inner().refreshing.insert(ws) {
        return;
    }
    let shared = Arc::clone(shared);
    workspace.send(Message::Run(Box::new(move |engine| {
        shared.presence.inner().refreshing.remove(&ws);
        show(&shared, engine);
    })));
}

/// Tells programs who is where, on the workspace's thread.
fn show(shared: &Shared, engine: &Engine) {
    let ws = engine.replica().workspace();
    let readers: BTreeSet<EndpointId> = engine.other_readers().iter().map(|device| device.endpoint).collect();
    shared.presence.inner().others.keep_only(ws, |from| readers.contains(from));
    // Names cost the opening of a label each: only where somebody wants to know.
    let open = shared.documents.open_in(ws);
    let is_watched = shared.presence.inner().watchers.keys().any(|(_, watched)| *watched == ws);
    if open.is_empty() && !is_watched {
        return;
    }
    let names = engine.replica().named_devices();
    for document in open {
        let there: Vec<(EndpointId, Place)> = {
            let inner = shared.presence.inner();
            inner.others.in_document(ws, document).map(|(from, place)| (from, place.clone())).collect()
        };
        let cursors: Vec<_> = there
            .into_iter()
            .filter_map(|(from, place)| {
                let position = |cursor: &Cursor| {
                    let (anchor, head) = engine.place_of(document, cursor)?;
                    Some(CursorPosition { head, anchor })
                };
                let all = std::iter::once(&place.cursor).chain(&place.others);
                let all: Option<Vec<CursorPosition>> = all.map(position).collect();
                shared.presence.inner().others.set_ahead(ws, from, all.is_none());
                let device = names.iter().find(|device| device.endpoint == from)?;
                Some((from, place, remote_cursor(device, &all?)?))
            })
            .collect();
        shared.documents.tell_cursors(ws, document, &cursors);
    }
    if is_watched {
        let report = present(shared, engine, &names);
        tell_watchers(shared, ws, &report);
    }
}

fn remote_cursor(device: &NamedDevice, cursors: &[CursorPosition]) -> Option<RemoteCursor> {
    let (cursor, others) = cursors.split_first()?;
    Some(RemoteCursor {
        user: device.user.to_string(),
        user_name: shown_name(&device.label.name),
        device: device.device.to_string(),
        cursor: *cursor,
        others: others.to_vec(),
    })
}

fn tell_watchers(shared: &Shared, ws: WorkspaceId, report: &PresenceReport) {
    let mut inner = shared.presence.inner();
    let watchers = inner.watchers.iter_mut().filter(|((_, watched), _)| *watched == ws);
    for (_, watcher) in watchers {
        let is_news = watcher.told.as_ref() != Some(report);
        // A program that has no room for it is told the next time.
        if is_news && watcher.events.send(Event::Presence(report.clone())) {
            watcher.told = Some(report.clone());
        }
    }
}

/// Who of a workspace is connected, and which file they are in.
fn present(shared: &Shared, engine: &Engine, names: &[NamedDevice]) -> PresenceReport {
    let ws = engine.replica().workspace();
    let connected = shared.state().connected.clone();
    let own = engine.replica().user();
    let readers: BTreeSet<EndpointId> = engine.other_readers().iter().map(|device| device.endpoint).collect();
    let here = names
        .iter()
        .filter(|device| readers.contains(&device.endpoint) && connected.contains(&device.endpoint));
    let devices: Vec<PresentDevice> = here
        .map(|device| {
            let inner = shared.presence.inner();
            let document = inner.others.place(ws, device.endpoint).map(|place| place.document);
            drop(inner);
            PresentDevice {
                device: device.device.to_string(),
                device_name: shown_name(&device.label.device),
                user: device.user.to_string(),
                user_name: shown_name(&device.label.name),
                is_own: device.user == own,
                file: document.and_then(|document| engine.path_of_document(document)),
            }
        })
        .collect();
    let users: BTreeSet<String> = devices.iter().map(|device| device.user.clone()).collect();
    PresenceReport { workspace: ws.to_string(), users: users.into_iter().collect(), devices }
}

/// Tells the others where this person is, and forgets who is not heard any more, as long as the node runs.
pub(super) async fn run(shared: Weak<Shared>, presence: Arc<Presence>, net: Net) {
    /// How long nothing at all may happen before it is looked whether the node still runs.
    const IDLE: Duration = Duration::from_secs(30);
    loop {
        let Some(node) = shared.upgrade() else { return };
        if node.state().is_stopping {
            return;
        }
        let now = Instant::now();
        let left = presence.inner().others.expire(now);
        for ws in left {
            refresh(&node, ws);
        }
        for ws in due(&presence, now) {
            say(&node, &net, ws).await;
        }
        drop(node);
        let wake = next_wake(&presence, now).unwrap_or(now + IDLE).min(now + IDLE);
        tokio::select! {
            () = tokio::time::sleep_until(wake.into()) => {}
            () = presence.moved.notified() => {}
        }
    }
}

fn due(presence: &Presence, now: Instant) -> Vec<WorkspaceId> {
    let inner = presence.inner();
    let due = inner.own.iter().filter(|(_, own)| own.due(now).is_some_and(|due| due <= now));
    due.map(|(ws, _)| *ws).collect()
}

fn next_wake(presence: &Presence, now: Instant) -> Option<Instant> {
    let inner = presence.inner();
    inner.own.values().filter_map(|own| own.due(now)).chain(inner.others.next_expiry()).min()
}

/// Tells every connected device of a member who can read where this person is.
async fn say(shared: &Shared, net: &Net, ws: WorkspaceId) {
    let note = {
        let mut inner = shared.presence.inner();
        inner.last_number += 1;
        let number = inner.last_number;
        let Some(own) = inner.own.get_mut(&ws) else { return };
        (own.is_news, own.said) = (false, Some(Instant::now()));
        Note { ws: *ws.as_bytes(), number, place: own.place.clone() }
    };
    let Some(workspace) = shared.handle(&ws) else {
        shared.presence.inner().own.remove(&ws);
        return;
    };
    let readers = workspace.ask(|engine| engine.other_readers()).await.unwrap_or_default();
    let connected = shared.state().connected.clone();
    let bytes = Bytes::from(note.encode());
    for reader in readers.iter().filter(|reader| connected.contains(&reader.endpoint)) {
        // One that is lost is said again soon.
        let _lost = net.send_datagram(reader.endpoint, bytes.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_said_at_once_but_not_too_often_and_said_again() {
        let now = Instant::now();
        let place = crate::presence::tests::note(1).place;
        let own = |is_news, said| Own { by: None, place: place.clone(), is_news, said }.due(now);
        assert_eq!(own(true, None), Some(now));
        assert_eq!(own(true, Some(now)), Some(now + NOTE_EVERY));
        assert_eq!(own(false, Some(now)), Some(now + SAY_AGAIN_AFTER));
        // Who is nowhere any more says so once.
        assert_eq!(Own { by: None, place: None, is_news: false, said: Some(now) }.due(now), None);
        let mut presence = Presence::default();
        let ws = WorkspaceId::from_bytes([1; 32]);
        let news = Own { by: None, place, is_news: true, said: None };
        presence.inner.get_mut().unwrap().own.insert(ws, news);
        assert_eq!(due(&presence, now), [ws], "in the very moment");
    }
}
