//! Live editing by another program, such as a plugin of an editor.
//!
//! An open document has revisions: 0 at `document.open`, one more with each change, whoever made it. An edit names the
//! revision it was made against; the node moves it behind what came since, and everybody else's changes arrive as
//! [`super::DocumentChanged`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Opens a file for live editing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DocumentOpen {
    /// The file, absolute.
    pub file: PathBuf,
}

/// An open document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DocumentOpened {
    /// Names it on this connection.
    pub document: u64,
    /// Its text.
    pub text: String,
    /// The revision of that text.
    pub revision: u64,
}

/// One replacement. Positions count Unicode code points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientEdit {
    /// From this code point.
    pub at: u64,
    /// So many go.
    #[serde(default)]
    pub delete: u64,
    /// This comes.
    #[serde(default)]
    pub insert: String,
}

/// Edits an open document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DocumentEdit {
    /// Which document.
    pub document: u64,
    /// The revision the edits were made against.
    pub revision: u64,
    /// The edits; each sees the text that the one before left.
    pub edits: Vec<ClientEdit>,
    /// The model that wrote what they insert and that the person accepted: the history names it then.
    #[serde(default)]
    pub model: Option<String>,
}

/// What [`DocumentEdit`] made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DocumentEdited {
    /// The revision after it.
    pub revision: u64,
}

/// Tells the others where the cursor is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DocumentCursor {
    /// Which document.
    pub document: u64,
    /// The revision the position belongs to.
    pub revision: u64,
    /// Where.
    pub cursor: CursorPosition,
    /// Further cursors of the person in the same text, at most 31; more are left out.
    #[serde(default)]
    pub others: Vec<CursorPosition>,
}

/// A cursor with its selection, in Unicode code points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CursorPosition {
    /// The end that moves.
    pub head: u64,
    /// The end that stays; equal to the head when nothing is selected.
    pub anchor: u64,
}

/// Ends live editing of a document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DocumentClose {
    /// Which document.
    pub document: u64,
}

/// Nothing more to say.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DocumentClosed {}
