//! What a window shows besides texts, as state without drawing: tabs and splits, the file tree, quick open and the
//! palette.

mod file_tree;
mod find_bar;
mod layout;
mod open_files;
mod palette;
mod quick_open;
#[cfg(test)]
mod tests;

pub use self::file_tree::{Entry, FileTree, FolderState, TreeEffect, TreeRow};
pub use self::find_bar::FindBar;
pub use self::layout::{Axis, Group, GroupId, Layout, LayoutError, Pane, Tab, TabId};
pub use self::open_files::{FileState, LocalFile, LocalReason, OpenFile, OpenFiles};
pub use self::palette::{Palette, PaletteRow};
pub use self::quick_open::{QuickOpen, QuickQuery, Ranked};
pub use weft_index::{Fuzzy, Matched};
