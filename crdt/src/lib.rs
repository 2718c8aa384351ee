//! The document engine of Weft: text and register documents that many people edit at once.
//!
//! Every document *is* an Automerge document: each edit is an Automerge 0.12 change chunk with its real hash, and a
//! document can be handed to any Automerge program and back ([`interchange`]). The living document is this crate's own
//! engine over those same changes, because one remote keystroke must cost microseconds whatever the size of the file,
//! and because bytes from other people must never reach code that can panic on them.
//!
//! The crate is pure: no clock, no thread, no file, no randomness, and no panic on any input.
//!
//! Modules in reading order:
//!
//! - [`ids`]: the names of documents, nodes, changes, operations and positions
//! - [`limits`]: what a change may hold
//! - [`change`]: the unit of editing, canonical or refused
//! - [`document`]: text and register documents: edits in, changes out
//! - [`tree`]: files and folders as a pure function of registers
//! - `registers`: a map whose keys hold every value that nothing has taken the place of

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that unwraps fails with a place"))]

pub mod change;
#[cfg(test)]
mod differential;
pub mod document;
#[cfg(test)]
mod fuzz;
pub mod ids;
pub mod interchange;
pub mod limits;
mod registers;
mod text;
pub mod tree;

pub use change::{Author, Change, ChangeError, RenameError, Value, rename_changes};
pub use document::{
    Anchor, Applied, ApplyError, Doubled, Edit, EditError, Edited, GenesisError, History, LineBlame, Moment,
    PastText, RegisterEdit, Side, SnapshotError, TextDocument, TreeApplied, TreeDocument, TreeEditError,
    TreeEdited, UndoLog, UndoStep,
};
pub use ids::{
    ActorId, ActorIdError, ByteIndex, ChangeHash, CharIndex, ChunkId, ContentId, DocumentId, LineIndex,
    NodeId, OpId, ParseIdError, Version,
};
pub use text::Patch;
pub use tree::{
    BlobRef, ContentValue, DocumentFacts, NodeKind, PlanError, Planner, Platform, Registers, ShownChange,
    ShownNode, TreeView, check_register,
};
