//! Which keys ask for which command.
//!
//! Keys and clauses are written as in VS Code: `ctrl+k ctrl+s`, `editorTextFocus && !editorReadonly`.

mod keys;
mod map;
#[cfg(test)]
mod tests;
mod user;
mod when;

pub use self::keys::{Chord, KeyError, Platform, Stroke};
pub use self::map::{Binding, Conflict, KeyMap, Origin, Resolution};
pub use self::when::{Context, When, WhenError};
