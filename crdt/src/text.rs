//! The text of a document: its characters, and beside them the ids that place every character ever typed.

mod index;
mod run;
mod state;

pub(crate) use self::index::Index;
pub(crate) use self::run::{IdRun, Run};
pub use self::state::Patch;
pub(crate) use self::state::{Patches, TextState, Typed};
