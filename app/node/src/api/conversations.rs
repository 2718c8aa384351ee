//! Conversations with models, as a program keeps them: sealed in this device's store, for each workspace, and nowhere else.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{AiAnswer, AiProposal, WallTime};

/// Lists the conversations about a workspace, the newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiConversations {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
}

/// The conversations about a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiConversationList {
    /// The conversations.
    pub conversations: Vec<AiConversationHead>,
}

/// What a list shows of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiConversationHead {
    /// Names it in its workspace.
    pub id: u64,
    /// The beginning of what was asked first.
    pub title: String,
    /// When it was kept last.
    pub changed: WallTime,
    /// How many turns it has.
    pub turns: u64,
}

/// Gives a conversation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiConversationGet {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
    /// Which.
    pub id: u64,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AiConversation {
    /// Names it in its workspace.
    pub id: u64,
    /// Its turns.
    pub turns: Vec<AiTurn>,
}

/// Keeps a conversation, in the place of the one of the same number. Of one that is too long the first turns are forgotten, and
/// so are the oldest conversations where there are too many.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiConversationKeep {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
    /// Which; a new one when it is not said.
    #[serde(default)]
    pub id: Option<u64>,
    /// Its turns.
    pub turns: Vec<AiTurn>,
}

/// Forgets a conversation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AiConversationRemove {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
    /// Which.
    pub id: u64,
}

/// What is asked in a turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AiTurnKind {
    /// An answer in words.
    #[default]
    Ask,
    /// A change of chosen lines.
    Edit,
    /// A change of files.
    Change,
}

/// What a person said, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AiTurn {
    /// What they said.
    pub said: String,
    /// What was asked.
    #[serde(default)]
    pub kind: AiTurnKind,
    /// The answer as far as it came.
    #[serde(default)]
    pub text: String,
    /// The whole answer.
    #[serde(default)]
    pub answer: Option<AiAnswer>,
    /// The changes that were proposed.
    #[serde(default)]
    pub proposal: Option<AiProposal>,
    /// The numbers of the hunks that were made.
    #[serde(default)]
    pub made: Vec<usize>,
}
