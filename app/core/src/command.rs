//! What can be asked of the editor and of the window: one closed list, with names, titles and default keys.
//!
//! Menus, the palette, the key map and tests all go through this list, so they cannot disagree.

mod app;
mod editor;
mod registry;
#[cfg(test)]
mod tests;

pub use self::app::AppCommand;
pub use self::editor::{Direction, EditorCommand};
pub use self::registry::{CommandInfo, commands, find, info_of};

/// Something that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Of the editor that has the focus: [`crate::Document::run`].
    Editor(EditorCommand),
    /// Of the window.
    App(AppCommand),
}
