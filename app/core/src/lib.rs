//! The editor without a window: texts, cursors, commands and what a window shows of them.
//!
//! The crate is pure: no file, socket, thread, clock or drawing, and no panic on any text or patch. A window owns
//! [`Document`]s, gives them keys and news of the node, and draws what they say.
//!
//! Modules in reading order:
//!
//! - [`text`]: a text as a rope, and changes of it as values
//! - [`selection`]: cursors
//! - [`document`]: an open document: edits, undo, and staying in step with the node
//! - [`view`]: one view of a document
//! - [`limits`]: what the editor holds and does at most

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that unwraps fails with a place"))]

pub mod document;
pub mod limits;
pub mod selection;
#[cfg(test)]
mod testing;
pub mod text;
pub mod view;

pub use document::{Document, EditKind, LinkError, Outgoing};
pub use selection::{Selection, Selections};
pub use text::{Buffer, ChangeSet, LineEnding, Replacement};
pub use view::{Scroll, View, ViewId};
