//! Requests about open documents, one after another in the order in which they were made.

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;
use weft_editor::window::{ReadOnly, ReadOnlyReason};
use weft_node::api::{ApiError, DocumentClose, DocumentCursor, DocumentEdit, DocumentOpen, ErrorKind};

use super::{
    FromLink, NewsSender, ToLink,
    connect::Connection,
    looking::{self, Looked},
};
use crate::{limits::SHARED_TEXT_BYTES_MAX, strings};

/// A request with the folder that it was made in.
pub(super) type Queued = (ToLink, Option<PathBuf>);

/// Carries requests out until the queue is closed.
pub(super) async fn run(connection: Connection, mut queue: mpsc::Receiver<Queued>, news: NewsSender) {
    while let Some((request, root)) = queue.recv().await {
        match request {
            ToLink::OpenDocument { path, replaces, seen } => {
                if let Some(document) = replaces {
                    // It may be gone already; a new one is opened either way.
                    let _gone = connection.ask(DocumentClose { document }).await;
                }
                if let Some(opened) = open(&connection, root.as_deref(), path, seen).await {
                    news.send(opened).await;
                }
            }
            ToLink::EditDocument { path, document, revision, edits } => {
                let result = connection.ask(DocumentEdit { document, revision, edits }).await;
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

/// Opens a file for live editing, or reads it to be looked at. `None` when it is as it was seen.
async fn open(
    connection: &Connection,
    root: Option<&Path>,
    path: String,
    seen: Option<ReadOnly>,
) -> Option<FromLink> {
    let Some(root) = root else {
        return Some(FromLink::Opened { path, result: Err(ApiError::usage("no folder is open")) });
    };
    let file = root.join(&path);
    let of_size = file.clone();
    let size = tokio::task::spawn_blocking(move || looking::size_of(&of_size)).await.ok().flatten();
    let refused = if size.is_some_and(is_too_large) {
        ApiError::usage(format!("{path} is no text that can be edited together")).hint(strings::OTHER_PROGRAM)
    } else {
        match connection.ask(DocumentOpen { file: file.clone() }).await {
            Ok(opened) => {
                let result = Ok((opened.document, opened.text, opened.revision));
                return Some(FromLink::Opened { path, result });
            }
            Err(error) => error,
        }
    };
    let reason = match refused.kind {
        ErrorKind::Usage => ReadOnlyReason::TooLarge,
        ErrorKind::NotFound => ReadOnlyReason::NotShared,
        _ => return Some(FromLink::Opened { path, result: Err(refused) }),
    };
    let looked = tokio::task::spawn_blocking(move || looking::look(&file, reason, seen.as_ref())).await;
    match looked {
        Ok(Ok(Looked::Text(document, read_only))) => Some(FromLink::LookedAt { path, document, read_only }),
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
