//! The text of a document, and changes of it as values.

mod boundary;
mod buffer;
mod change_set;
#[cfg(test)]
mod tests;

pub use self::boundary::{CharClass, class_of};
pub(crate) use self::boundary::{
    next_grapheme, next_word_end, next_word_start, previous_grapheme, previous_word_start, snap, word_around,
};
pub use self::buffer::{Buffer, LineEnding, OutOfBounds};
pub(crate) use self::buffer::{line_end, line_of, line_start};
pub use self::change_set::{ChangeSet, Mapper, Region, Replacement};
