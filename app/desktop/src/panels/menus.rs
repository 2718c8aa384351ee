//! Menus: names and keys come from the list of commands.

use eframe::egui::{Button, Ui};
use weft_editor::{AppCommand as A, Command, EditorCommand as E, command};

use super::Scene;
use crate::action::Action;

const SEPARATOR: Option<Command> = None;

const fn app(command: A) -> Option<Command> {
    Some(Command::App(command))
}

const fn editor(command: E) -> Option<Command> {
    Some(Command::Editor(command))
}

/// A menu: its name, and its commands with gaps between.
type Menu = (&'static str, &'static [Option<Command>]);

const MENUS: &[Menu] = &[
    (
        "File",
        &[
            app(A::NewFile),
            app(A::NewFolder),
            app(A::OpenFolder),
            app(A::Join),
            SEPARATOR,
            app(A::QuickOpen),
            app(A::RenameFile),
            app(A::DeleteFile),
            app(A::CloseTab),
            app(A::ReopenTab),
            SEPARATOR,
            app(A::OpenSettings),
            SEPARATOR,
            app(A::Quit),
        ],
    ),
    (
        "Edit",
        &[
            editor(E::Undo),
            editor(E::Redo),
            SEPARATOR,
            editor(E::Cut),
            editor(E::Copy),
            editor(E::Paste),
            SEPARATOR,
            app(A::Find),
            app(A::Replace),
            app(A::ShowSearch),
            SEPARATOR,
            editor(E::ToggleLineComment),
            SEPARATOR,
            app(A::EditSelection),
            app(A::ChooseTemplate),
            app(A::AskForGhost),
            app(A::ToggleGhosts),
        ],
    ),
    (
        "Selection",
        &[
            editor(E::SelectAll),
            editor(E::ExpandSelection),
            editor(E::ShrinkSelection),
            SEPARATOR,
            editor(E::AddCursorAbove),
            editor(E::AddCursorBelow),
            editor(E::AddNextOccurrence),
            editor(E::SelectAllOccurrences),
            SEPARATOR,
            editor(E::MoveLinesUp),
            editor(E::MoveLinesDown),
            editor(E::CopyLinesDown),
        ],
    ),
    (
        "View",
        &[
            app(A::ShowCommands),
            app(A::ToggleSideBar),
            app(A::TogglePanel),
            app(A::ToggleChat),
            app(A::ShowModels),
            SEPARATOR,
            app(A::SplitRight),
            app(A::SplitDown),
            SEPARATOR,
            app(A::ToggleWordWrap),
            app(A::ToggleBlame),
            app(A::MarkdownPreview),
            SEPARATOR,
            app(A::ZoomIn),
            app(A::ZoomOut),
            app(A::ZoomReset),
            app(A::SelectTheme),
            app(A::ToggleFullScreen),
        ],
    ),
    (
        "Go",
        &[
            app(A::QuickOpen),
            app(A::GoToSymbol),
            app(A::GoToLine),
            SEPARATOR,
            app(A::NextTab),
            app(A::PreviousTab),
        ],
    ),
    (
        "Share",
        &[
            app(A::Share),
            app(A::ShowMembers),
            app(A::ShowDevices),
            app(A::ShowSyncState),
            app(A::ShowHistory),
            app(A::FollowPerson),
        ],
    ),
];

pub(super) fn menus_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    for (name, commands) in MENUS {
        let button = Button::new(*name).frame_when_inactive(false);
        eframe::egui::containers::menu::MenuButton::from_button(button).ui(ui, |ui| {
            ui.set_min_width(260.0);
            for entry in *commands {
                match entry {
                    Some(command) => entry_ui(ui, scene, *command),
                    None => drop(ui.separator()),
                }
            }
        });
    }
}

fn entry_ui(ui: &mut Ui, scene: &mut Scene<'_>, command: Command) {
    let Some(info) = command::info_of(command) else { return };
    let keys = scene.state.keys.label(command).unwrap_or_default();
    let button = Button::new(info.title).shortcut_text(keys).frame_when_inactive(false);
    let needs_folder = !matches!(
        command,
        Command::App(
            A::OpenFolder
                | A::Join
                | A::Quit
                | A::ShowCommands
                | A::SelectTheme
                | A::ZoomIn
                | A::ZoomOut
                | A::ZoomReset
                | A::ToggleFullScreen
        )
    );
    let is_enabled = !needs_folder || scene.state.folder.is_some();
    if ui.add_enabled(is_enabled, button).clicked() {
        scene.actions.push(Action::Run(command));
        ui.close();
    }
}
