//! What a person can do to a text: each command makes a change and cursors from a text and cursors.

mod brackets;
mod clipboard;
mod comment;
mod cursors;
mod lines;
mod motion;
mod occurrences;
mod scope;
#[cfg(test)]
mod tests;
mod transform;
mod typing;

pub use self::clipboard::Clip;
pub use self::motion::Motion;
pub use self::scope::EditSettings;

pub(crate) use self::brackets::{expanded, pair_at};
pub(crate) use self::clipboard::{copied, cut, pasted};
pub(crate) use self::comment::{toggle_block_comment, toggle_line_comment};
pub(crate) use self::cursors::{
    add_cursor_lines, carets_at_line_ends, column_select, expand_lines, go_to_line, select_all, to_bracket,
};
pub(crate) use self::lines::{
    LineOrder, copy_lines, delete_lines, indent_lines, insert_line, join_lines, move_lines, outdent_lines,
    reindent, remove_duplicates, sort_lines, trim_trailing,
};
pub(crate) use self::motion::moved;
pub(crate) use self::occurrences::{add_next, all_occurrences};
pub(crate) use self::scope::{Outcome, Scope};
pub(crate) use self::transform::{Case, change_case, transpose};
pub(crate) use self::typing::{delete, new_line, tab, type_text};
