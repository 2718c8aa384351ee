//! Requests about open documents, one after another in the order in which they were made.

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;
use weft_editor::window::{LocalFile, LocalReason};
use weft_node::api::{
    ApiError, DocumentClose, DocumentCursor, DocumentEdit, DocumentOpen, ErrorKind, Status,
};

use super::{
    FromLink, NewsSender, ToLink,
    connect::Connection,
    looking::{self, Looked},
    saving,
};
use crate::{
    limits::{LOCAL_LOOK_EVERY, SHARED_TEXT_BYTES_MAX},
    strings,
};

/// A request with the folder that it was made in.
pub(super) type Queued = (ToLink, Option<PathBuf>);

/// A request about a file that the window reads and writes itself, with the folder and the node that there is.
pub(super) type QueuedLocally = (ToLink, Option<PathBuf>, Option<Connection>);

/// Whether a request is about a file that the window reads and writes itself: it may be large, nobody else waits for it,
/// and a node is not needed for it.
pub(super) fn is_local(request: &ToLink, root: Option<&Path>) -> bool {
    match request {
        ToLink::SaveLocally(_) | ToLink::WatchLocally(_) => true,
        ToLink::OpenDocument { seen: Some(_), .. } => true,
        ToLink::OpenDocument { path, .. } if is_own(path) => true,
        ToLink::OpenDocument { path, replaces: None, .. } => {
            root.and_then(|root| looking::size_of(&root.join(path))).is_some_and(is_too_large)
        }
        _ => false,
    }
}

/// Carries requests out about files that the window reads and writes itself, until the queue is closed.
pub(super) async fn run_locally(mut queue: mpsc::Receiver<QueuedLocally>, news: NewsSender) {
    let mut locals = Locals { news, watched: Vec::new(), root: None, connection: None };
    let mut looks = tokio::time::interval(LOCAL_LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            queued = queue.recv() => match queued {
                None => return,
                Some((request, root, connection)) => {
                    (locals.root, locals.connection) = (root, connection);
                    locals.take(request).await;
                }
            },
            _ = looks.tick(), if !locals.watched.is_empty() => locals.look().await,
        }
    }
}

/// What is known of files that the window reads and writes itself.
struct Locals {
    news: NewsSender,
    /// Those that are shown, as they were read or saved last.
    watched: Vec<(String, LocalFile)>,
    root: Option<PathBuf>,
    connection: Option<Connection>,
}

impl Locals {
    async fn take(&mut self, request: ToLink) {
        match request {
            ToLink::OpenDocument { path, seen, .. } => self.open(path, seen).await,
            ToLink::WatchLocally(files) => self.watched = files,
            ToLink::SaveLocally(wanted) => {
                let path = wanted.path.clone();
                match tokio::task::spawn_blocking(move || saving::save(*wanted)).await {
                    Ok(done) => {
                        if let Ok(local) = &done.result {
                            // That is no news.
                            self.watched.retain(|(of, _)| *of != path);
                            self.watched.push((path, *local));
                        }
                        self.news.send(FromLink::SavedLocally(Box::new(done))).await;
                    }
                    Err(error) => tracing::error!(path, "saving has panicked: {error}"),
                }
            }
            _ => {}
        }
    }

    async fn open(&mut self, path: String, seen: Option<LocalFile>) {
        let known = self.watched.iter().find(|(of, _)| *of == path).map(|(_, local)| *local);
        let opened = open(self.connection.as_ref(), self.root.as_deref(), path, known.or(seen)).await;
        let Some(opened) = opened else { return };
        if let FromLink::LookedAt { path, .. } | FromLink::Opened { path, .. } = &opened {
            // The window tells what it has of it.
            self.watched.retain(|(of, _)| of != path);
        }
        self.news.send(opened).await;
    }

    /// Reads what another program has changed.
    async fn look(&mut self) {
        let Some(root) = self.root.clone() else { return };
        let watched = self.watched.clone();
        let changed = tokio::task::spawn_blocking(move || {
            watched
                .into_iter()
                .filter(|(path, local)| !saving::is_as_it_was(&root.join(path), local))
                .collect()
        });
        let changed: Vec<(String, LocalFile)> = changed.await.unwrap_or_default();
        for (path, seen) in changed {
            self.open(path, Some(seen)).await;
        }
    }
}

/// Carries requests out until the queue is closed.
pub(super) async fn run(connection: Connection, mut queue: mpsc::Receiver<Queued>, news: NewsSender) {
    while let Some((request, root)) = queue.recv().await {
        match request {
            ToLink::OpenDocument { path, replaces, seen } => {
                if let Some(document) = replaces {
                    // It may be gone already; a new one is opened either way.
                    let _gone = connection.ask(DocumentClose { document }).await;
                }
                if let Some(opened) = open(Some(&connection), root.as_deref(), path, seen).await {
                    news.send(opened).await;
                }
            }
            ToLink::EditDocument { path, document, revision, edits, model } => {
                let result = connection.ask(DocumentEdit { document, revision, edits, model }).await;
                let result = result.map(|edited| edited.revision);
                news.send(FromLink::Edited { path, document, result }).await;
            }
            ToLink::MoveCursor { document, revision, cursor, others } => {
                // The next movement tells it again.
                let _missed = connection.ask(DocumentCursor { document, revision, cursor, others }).await;
            }
            ToLink::CloseDocument(document) => {
                let _gone = connection.ask(DocumentClose { document }).await;
            }
            _ => {}
        }
    }
}

/// Opens a file for live editing, or reads it where that is not possible. `None` when it is as it was seen, and where the
/// node is needed and not there: then it is asked for again.
async fn open(
    connection: Option<&Connection>,
    root: Option<&Path>,
    path: String,
    seen: Option<LocalFile>,
) -> Option<FromLink> {
    let Some(root) = root else {
        return Some(FromLink::Opened { path, result: Err(ApiError::usage("no folder is open")) });
    };
    let file = root.join(&path);
    let of_size = file.clone();
    let size = tokio::task::spawn_blocking(move || looking::size_of(&of_size)).await.ok().flatten();
    let is_own = is_own(&path);
    let refused = if is_own {
        ApiError::not_found(format!("{path} is not there")).hint(strings::OWN_FILE_GONE)
    } else if size.is_some_and(is_too_large) {
        ApiError::usage(format!("{path} is no text that can be edited together")).hint(strings::OTHER_PROGRAM)
    } else {
        match connection?.ask(DocumentOpen { file: file.clone() }).await {
            Ok(opened) => {
                let result = Ok((opened.document, opened.text, opened.revision));
                return Some(FromLink::Opened { path, result });
            }
            Err(error) => error,
        }
    };
    let reason = match refused.kind {
        ErrorKind::Usage => LocalReason::TooLarge,
        ErrorKind::NotFound if !is_own && is_being_read(connection, root).await => LocalReason::NotRead,
        ErrorKind::NotFound => LocalReason::NotShared,
        _ => return Some(FromLink::Opened { path, result: Err(refused) }),
    };
    let looked = tokio::task::spawn_blocking(move || looking::look(&file, reason, seen.as_ref())).await;
    match looked {
        Ok(Ok(Looked::Text(document, local))) => Some(FromLink::LookedAt { path, document, local }),
        Ok(Ok(Looked::Unchanged)) => None,
        // What the node says of a file that is not there is more than that.
        Ok(Err(_)) | Err(_) if refused.kind == ErrorKind::NotFound && size.is_none() => {
            Some(FromLink::Opened { path, result: Err(refused) })
        }
        Ok(Err(why)) => {
            let error = ApiError::usage(why).hint(strings::OTHER_PROGRAM);
            Some(FromLink::Opened { path, result: Err(error) })
        }
        Err(_) => Some(FromLink::Opened { path, result: Err(refused) }),
    }
}

/// Whether a file lies in no folder, but is one of the window's own: its path is a whole one.
fn is_own(path: &str) -> bool {
    Path::new(path).is_absolute()
}

/// Whether the folder belongs to a workspace that has not read all of it yet.
async fn is_being_read(connection: Option<&Connection>, root: &Path) -> bool {
    let Some(connection) = connection else { return false };
    let status = connection.ask(Status { folder: root.to_owned() }).await;
    status.is_ok_and(|status| status.folder_work.is_first_read || status.folder_work.to_read > 0)
}

/// Whether a file of so many bytes is not asked of the node.
fn is_too_large(bytes: u64) -> bool {
    bytes > SHARED_TEXT_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_is_asked_for_what_it_may_have_as_a_text() {
        assert!(!is_too_large(SHARED_TEXT_BYTES_MAX));
        assert!(is_too_large(SHARED_TEXT_BYTES_MAX + 1));
    }
}
