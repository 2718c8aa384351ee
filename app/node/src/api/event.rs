//! What a node tells without being asked.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::documents::{ClientEdit, CursorPosition};
use super::search::SearchHit;

/// One notification, named on the wire as in `docs/control-api.md`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params")]
pub enum Event {
    /// Somebody else changed an open document.
    #[serde(rename = "document.changed")]
    DocumentChanged(DocumentChanged),
    /// The cursors of others in an open document.
    #[serde(rename = "document.cursors")]
    DocumentCursors(DocumentCursors),
    /// Who is here.
    #[serde(rename = "presence")]
    Presence(Presence),
    /// More of a model's answer.
    #[serde(rename = "ai.text")]
    AiText(AiText),
    /// More of what a search finds.
    #[serde(rename = "search.found")]
    SearchFound(SearchFound),
}

/// More of what a search finds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchFound {
    /// The name that the request gave.
    pub stream: String,
    /// Places of one file, in their order.
    pub hits: Vec<SearchHit>,
}

/// More of a model's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiText {
    /// The name that the request gave.
    pub stream: String,
    /// What came.
    pub text: String,
}

/// Somebody else changed an open document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentChanged {
    /// Which document.
    pub document: u64,
    /// The revision after it.
    pub revision: u64,
    /// The edits; each sees the text that the one before left.
    pub edits: Vec<ClientEdit>,
    /// Who, as far as it is one person.
    #[serde(default)]
    pub user: Option<String>,
}

/// The cursors of others in an open document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentCursors {
    /// Which document.
    pub document: u64,
    /// The revision the positions belong to.
    pub revision: u64,
    /// All cursors there are.
    pub cursors: Vec<RemoteCursor>,
}

/// Somebody's cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteCursor {
    /// Whose.
    pub user: String,
    /// The person's name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// On which of the person's devices.
    #[serde(default)]
    pub device: String,
    /// Where.
    pub cursor: CursorPosition,
    /// Their further cursors in the same text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<CursorPosition>,
}

/// Asks who is here, and to be told whenever that changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PresenceWatch {
    /// A folder in the workspace.
    pub folder: PathBuf,
}

/// Who is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The workspace's id.
    pub workspace: String,
    /// The users whose devices are connected.
    pub users: Vec<String>,
    /// These devices.
    #[serde(default)]
    pub devices: Vec<PresentDevice>,
}

/// A connected device of somebody who can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresentDevice {
    /// The device.
    pub device: String,
    /// What it is called.
    #[serde(default)]
    pub device_name: Option<String>,
    /// Whose it is.
    pub user: String,
    /// What the person is called.
    #[serde(default)]
    pub user_name: Option<String>,
    /// Whether it is another device of the person who asks.
    #[serde(default)]
    pub is_own: bool,
    /// The file that the person is in, by its path in the workspace.
    #[serde(default)]
    pub file: Option<String>,
}

type Receiver = dyn Fn(Event) -> bool + Send + Sync;

/// Where events of one session go. Cheap to clone.
#[derive(Clone, Default)]
pub struct EventSink {
    receiver: Option<Arc<Receiver>>,
}

impl EventSink {
    /// Makes a sink that calls `receiver`, which must not block and says whether the event was taken.
    pub fn new(receiver: impl Fn(Event) -> bool + Send + Sync + 'static) -> Self {
        Self { receiver: Some(Arc::new(receiver)) }
    }

    /// Makes a sink that forgets everything.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Hands an event over; `false` when the session is gone or too slow, and then it must not be sent more.
    #[must_use]
    pub fn send(&self, event: Event) -> bool {
        self.receiver.as_ref().is_none_or(|receiver| receiver(event))
    }
}

impl std::fmt::Debug for EventSink {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EventSink").field("listens", &self.receiver.is_some()).finish()
    }
}
