//! Documents as callers see them: edits go in, changes and what they did to the view come out.

pub(crate) mod actors;
mod apply_error;
mod cut;
mod diff;
pub(crate) mod graph;
mod history;
mod past;
mod snapshot;
mod text_document;
mod tree_document;
mod undo;

pub use self::apply_error::ApplyError;
pub use self::history::{History, LineBlame, Moment};
pub use self::snapshot::SnapshotError;
pub use self::text_document::{
    Anchor, Applied, Doubled, Edit, EditError, Edited, GenesisError, PastText, Side, TextDocument,
};
pub use self::tree_document::{RegisterEdit, TreeApplied, TreeDocument, TreeEditError, TreeEdited};
pub use self::undo::{UndoLog, UndoStep};
