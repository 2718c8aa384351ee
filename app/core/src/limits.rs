//! What the editor holds and does at most. Beyond a limit it does less; it never fails.

/// Most cursors of one view.
pub const CURSORS_MAX: usize = 10_000;

/// Most groups of edits that one person can undo in one document. Older ones are forgotten.
pub const UNDO_GROUPS_MAX: usize = 1_000;

/// Most bytes of text that the undo history of one document keeps. Older groups are forgotten.
pub const UNDO_BYTES_MAX: usize = 32 * 1024 * 1024;
