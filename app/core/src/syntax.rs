//! What the text means: colours, brackets, folds and an outline from a syntax tree, or colours line by line without one.
//!
//! Trees are made away from the window: [`crate::Document::parse_job`] gives a job, a thread of the window runs it, and
//! [`crate::Document::parsed`] takes what came out, also when the text has changed meanwhile. Between two trees the old
//! one follows the edits, so colours stay in place.

mod grammar;
mod highlight;
mod inner;
mod job;
mod lexer;
mod outline;
mod seen;
mod state;
#[cfg(test)]
mod tests;
mod tree;

pub use self::highlight::{Highlight, Span};
pub use self::job::{ParseJob, Parsed};
pub use self::outline::{OutlineItem, OutlineKind};
pub use self::seen::SeenColors;
pub use self::tree::SyntaxTree;

pub(crate) use self::lexer::lexed;
pub(crate) use self::state::SyntaxState;
