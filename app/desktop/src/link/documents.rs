//! Requests about open documents, one after another in the order in which they were made.

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;
use weft_node::api::{ApiError, DocumentClose, DocumentCursor, DocumentEdit, DocumentOpen};

use super::{FromLink, NewsSender, ToLink, connect::Connection};

/// A request with the folder that it was made in.
pub(super) type Queued = (ToLink, Option<PathBuf>);

/// Carries requests out until the queue is closed.
pub(super) async fn run(connection: Connection, mut queue: mpsc::Receiver<Queued>, news: NewsSender) {
    while let Some((request, root)) = queue.recv().await {
        match request {
            ToLink::OpenDocument { path, replaces } => {
                if let Some(document) = replaces {
                    // It may be gone already; a new one is opened either way.
                    let _gone = connection.ask(DocumentClose { document }).await;
                }
                let result = open(&connection, root.as_deref(), &path).await;
                news.send(FromLink::Opened { path, result }).await;
            }
            ToLink::EditDocument { path, document, revision, edits } => {
                let result = connection.ask(DocumentEdit { document, revision, edits }).await;
                let result = result.map(|edited| edited.revision);
                news.send(FromLink::Edited { path, document, result }).await;
            }
            ToLink::MoveCursor { document, revision, cursor } => {
                // The next movement tells it again.
                let _missed = connection.ask(DocumentCursor { document, revision, cursor }).await;
            }
            ToLink::CloseDocument(document) => {
                let _gone = connection.ask(DocumentClose { document }).await;
            }
            _ => {}
        }
    }
}

async fn open(
    connection: &Connection,
    root: Option<&Path>,
    path: &str,
) -> Result<(u64, String, u64), ApiError> {
    let root = root.ok_or_else(|| ApiError::usage("no folder is open"))?;
    let opened = connection.ask(DocumentOpen { file: root.join(path) }).await?;
    Ok((opened.document, opened.text, opened.revision))
}
