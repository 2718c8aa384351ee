//! The editor without a window: texts, cursors, commands and what a window shows of them.
//!
//! The crate is pure: no file, socket, thread, clock or drawing, and no panic on any text or patch. A window owns
//! [`Document`]s, gives them keys and news of the node, and draws what they say.
//!
//! Modules in reading order:
//!
//! - [`text`]: a text as a rope, and changes of it as values
//! - [`selection`]: cursors and what they select
//! - [`document`]: an open document: edits, undo, commands, and staying in step with the node
//! - [`view`]: one view of a document
//! - [`display`]: rows as a window shows them: lines that are wrapped, folded and cut
//! - [`language`]: what is known of each language besides its grammar, which the index knows as well
//! - [`command`]: the list of everything that can be asked for
//! - [`commands`]: what commands of an editor do
//! - [`keymap`]: which keys ask for which command
//! - [`search`]: finding and replacing in a text
//! - [`syntax`]: colours, folds and an outline from syntax trees
//! - [`compare`]: two texts, line by line
//! - [`completer`]: when a model is asked for ghost text
//! - [`markdown`]: texts as they are read
//! - [`settings`] and [`theme`]: what a person can set, and colours, from TOML files
//! - [`window`]: tabs and splits, the file tree, quick open and the palette
//! - [`limits`]: what the editor holds and does at most

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that unwraps fails with a place"))]

mod cells;
pub mod command;
pub mod commands;
pub mod compare;
pub mod completer;
pub mod display;
pub mod document;
mod folds;
pub mod keymap;
pub mod limits;
pub mod markdown;
pub mod search;
pub mod selection;
pub mod settings;
pub mod syntax;
#[cfg(test)]
mod testing;
pub mod text;
pub mod theme;
mod toml_file;
pub mod view;
pub mod window;

pub use command::{AppCommand, Command, EditorCommand};
pub use commands::{Clip, EditSettings, Motion};
pub use completer::Completer;
pub use display::{Fold, Point, Row, Rows};
pub use document::{
    Document, EditKind, Effect, GhostPart, GhostText, Grain, LinkError, Outgoing, OwnCursors, Person, Reveal,
    Whereabouts,
};
pub use keymap::{KeyMap, Platform, Resolution};
pub use selection::{Selection, Selections};
pub use settings::Settings;
pub use syntax::{Highlight, OutlineItem, ParseJob, Parsed, SeenColors, Span, SyntaxTree};
pub use text::{Buffer, ChangeSet, LineEnding, Replacement};
pub use theme::Theme;
pub use toml_file::Problem;
pub use view::{Scroll, View, ViewId};
pub use weft_crdt::{ByteIndex, CharIndex, Edit, LineIndex, Patch};
pub use weft_index::language::{self, Language};
