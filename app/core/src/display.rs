//! Rows as a window shows them: lines that are wrapped, folded and cut.

mod line_tree;
mod rows;
#[cfg(test)]
mod tests;
mod wrap;

pub use self::rows::{Fold, Point, Row, Rows};
