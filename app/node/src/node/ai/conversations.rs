//! Conversations that programs keep.

use std::{path::Path, sync::Arc};

use weft_sync::ids::WorkspaceId;

use super::super::{Shared, health, wall_now};
use super::catalogue::waiting;
use crate::{
    api::{
        AiConversation, AiConversationGet, AiConversationHead, AiConversationKeep, AiConversationList,
        AiConversationRemove, AiConversations, ApiError, ErrorKind, WallTime,
    },
    conversations::{self, ConversationError},
};

fn error(error: &ConversationError) -> ApiError {
    let (kind, hint) = match error {
        ConversationError::NotFound(_) => (ErrorKind::NotFound, "`ai.conversations` lists them"),
        ConversationError::TooLong | ConversationError::Empty => {
            (ErrorKind::Usage, "begin a new conversation")
        }
        _ => (ErrorKind::Failed, "check the disk; the conversation goes on without being kept"),
    };
    ApiError::new(kind, error.to_string()).hint(hint).data_state("the other conversations are as they were")
}

async fn in_store<T: Send + 'static>(
    shared: &Arc<Shared>,
    folder: &Path,
    work: impl FnOnce(&dyn weft_store::Storage, WorkspaceId) -> Result<T, ConversationError> + Send + 'static,
) -> Result<T, ApiError> {
    let (workspace, _, _) = shared.workspace_of(folder)?;
    let (shared, ws) = (Arc::clone(shared), workspace.ws);
    waiting(move || work(&*shared.storage, ws).map_err(|failed| error(&failed))).await?
}

pub(in crate::node) async fn conversations(
    shared: &Arc<Shared>,
    request: AiConversations,
) -> Result<AiConversationList, ApiError> {
    let conversations = in_store(shared, &request.folder, conversations::list).await?;
    Ok(AiConversationList { conversations })
}

pub(in crate::node) async fn conversation(
    shared: &Arc<Shared>,
    request: AiConversationGet,
) -> Result<AiConversation, ApiError> {
    let id = request.id;
    in_store(shared, &request.folder, move |store, ws| conversations::get(store, ws, id)).await
}

pub(in crate::node) async fn keep_conversation(
    shared: &Arc<Shared>,
    request: AiConversationKeep,
) -> Result<AiConversationHead, ApiError> {
    health::refuse_when_full(shared)?;
    let now = WallTime::from_millis(wall_now().0);
    let AiConversationKeep { folder, id, turns } = request;
    // Two that are new would get one number.
    let of_turn = Arc::clone(shared);
    let _turn = of_turn.ai.keeping.lock().await;
    in_store(shared, &folder, move |store, ws| conversations::keep(store, ws, id, turns, now)).await
}

pub(in crate::node) async fn remove_conversation(
    shared: &Arc<Shared>,
    request: AiConversationRemove,
) -> Result<AiConversationList, ApiError> {
    let id = request.id;
    in_store(shared, &request.folder, move |store, ws| conversations::remove(store, ws, id)).await?;
    conversations(shared, AiConversations { folder: request.folder }).await
}
