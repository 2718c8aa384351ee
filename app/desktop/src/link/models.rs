//! Work on models: taking them in, checking, sharing and removing them, and servers.

use std::path::{Path, PathBuf};

use weft_node::api::{
    AiModelChoose, AiModelDownload, AiModelGet, AiModelImport, AiModelRemove, AiModelShare, AiModelVerify,
    AiProviderAdd, AiProviderRemove, AiProviderTest, ApiError, ApiKey, Policy, ProviderKind, Purpose,
};

use super::{AiNews, FromLink, connect::Connection};
use crate::state::size_words;

/// What is to be done with a model or a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelWork {
    /// Take a file in.
    Import(PathBuf),
    /// Fetch a model.
    Download {
        /// From where.
        url: String,
        /// What its SHA-256 must be.
        sha256: Option<String>,
    },
    /// Fetch a model that a member shares.
    Get(String),
    /// Compute its checksum again.
    Verify(String),
    /// Delete it.
    Remove(String),
    /// Ask it when no model is named.
    Choose {
        /// The model or the server.
        id: String,
        /// For what.
        role: Purpose,
    },
    /// Let members of the workspace fetch it, or no more.
    Share {
        /// The model.
        id: String,
        /// No more.
        stop: bool,
    },
    /// Make a server known.
    AddServer {
        /// Its name.
        id: String,
        /// Its interface.
        kind: ProviderKind,
        /// Its address, where it is not the maker's.
        url: Option<String>,
        /// The model.
        model: String,
        /// The key.
        key: Option<ApiKey>,
    },
    /// Forget a server.
    RemoveServer(String),
    /// Ask a server for a word.
    TestServer(String),
    /// Say whether the workspace asks models on its members' devices only.
    LocalOnly(bool),
}

impl ModelWork {
    /// What it is, for people.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Import(file) => format!("Taking in {}", file.display()),
            Self::Download { url, .. } => format!("Downloading {url}"),
            Self::Get(id) => format!("Fetching {id}"),
            Self::Verify(id) => format!("Checking {id}"),
            Self::Remove(id) => format!("Removing {id}"),
            Self::Choose { id, .. } => format!("Choosing {id}"),
            Self::Share { id, stop: false } => format!("Sharing {id}"),
            Self::Share { id, stop: true } => format!("Ending to share {id}"),
            Self::AddServer { id, .. } => format!("Adding the server {id}"),
            Self::RemoveServer(id) => format!("Removing the server {id}"),
            Self::TestServer(id) => format!("Asking the server {id}"),
            Self::LocalOnly(_) => "Changing who is asked".to_owned(),
        }
    }
}

/// Does it, and says what came of it; empty where the page shows it anyway.
pub(super) async fn carry_out(
    node: &Connection,
    root: &Path,
    number: u64,
    work: ModelWork,
) -> Result<String, ApiError> {
    let told = move |progress| FromLink::Ai { number, news: AiNews::Progress(progress) };
    let folder = root.to_owned();
    let here = |id: &str| format!("The model {id} is here");
    Ok(match work {
        ModelWork::Import(file) => here(&node.ask_telling(AiModelImport { file, id: None }, told).await?.id),
        ModelWork::Download { url, sha256 } => {
            here(&node.ask_telling(AiModelDownload { url, sha256, id: None }, told).await?.id)
        }
        ModelWork::Get(id) => here(&node.ask_telling(AiModelGet { id, folder, name: None }, told).await?.id),
        ModelWork::Verify(id) => {
            let verified = node.ask_telling(AiModelVerify { id: Some(id) }, told).await?.models;
            match verified.into_iter().next() {
                Some(model) if model.ok => format!("{} is what it was when it came", model.id),
                Some(model) => {
                    let finding = model.finding.unwrap_or_else(|| "its file has changed".to_owned());
                    return Err(ApiError::failed(format!("the file of {}: {finding}", model.id))
                        .hint("remove it and take it in again"));
                }
                None => return Err(ApiError::not_found("the model is gone")),
            }
        }
        ModelWork::Remove(id) => {
            let gone = node.ask(AiModelRemove { id }).await?;
            format!("{} is gone; {} are free again", gone.id, size_words(gone.bytes))
        }
        ModelWork::Choose { id, role } => {
            node.ask(AiModelChoose { id, role }).await?;
            String::new()
        }
        ModelWork::Share { id, stop } => {
            node.ask(AiModelShare { id, folder, stop }).await?;
            String::new()
        }
        ModelWork::AddServer { id, kind, url, model, key } => {
            let request = AiProviderAdd { id, kind, url, model, key, patience_seconds: None };
            let server = node.ask(request).await?;
            format!("The server {} is known; nothing was sent to it", server.id)
        }
        ModelWork::RemoveServer(id) => {
            let server = node.ask(AiProviderRemove { id }).await?;
            format!("The server {} and its key are forgotten", server.id)
        }
        ModelWork::TestServer(id) => {
            let tested = node.ask(AiProviderTest { id }).await?;
            let said: String = tested.text.trim().chars().take(60).collect();
            format!("{} says “{said}” after {:.1} s", tested.id, tested.seconds)
        }
        ModelWork::LocalOnly(is_on) => {
            node.ask(Policy { folder, branch_switch: None, ai_local_only: Some(is_on) }).await?;
            String::new()
        }
    })
}
