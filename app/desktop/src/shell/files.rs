//! The tree of files: going through it with keys, and making, renaming and deleting what is in it.

use weft_editor::AppCommand;

use super::Shell;
use crate::{
    action::TreeAction,
    link::{FileChange, ToLink},
    state::{Folder, Naming},
    strings,
};

impl Shell {
    pub(super) fn perform_in_tree(&mut self, action: TreeAction) {
        let Some(folder) = &mut self.state.folder else { return };
        match action {
            TreeAction::Move(rows) => {
                folder.tree.move_selection(rows);
                self.drafts.shows_tree_selection = true;
            }
            TreeAction::Into | TreeAction::Out => self.go_in_tree(action == TreeAction::Into),
            TreeAction::Open => self.open_selected(),
            TreeAction::Select(path) => folder.tree.select(Some(&path)),
            TreeAction::Name(naming) => self.begin_naming(naming),
            TreeAction::Named(name) => self.named(name.trim()),
            TreeAction::AskDelete(path) => self.ask_delete(path),
            TreeAction::Change(change) => self.change_files(change),
        }
    }

    fn go_in_tree(&mut self, goes_in: bool) {
        let Some(folder) = &mut self.state.folder else { return };
        let Some(at) = folder.tree.selected_row() else { return };
        let Some(row) = folder.tree.rows().get(at).cloned() else { return };
        self.drafts.shows_tree_selection = true;
        let effects = match (goes_in, row.is_folder, row.is_open) {
            (true, true, false) | (false, true, true) => folder.tree.toggle(&row.path),
            (true, ..) => {
                folder.tree.move_selection(1);
                Vec::new()
            }
            (false, ..) => {
                if let Some((above, _)) = row.path.rsplit_once('/') {
                    folder.tree.select(Some(above));
                }
                Vec::new()
            }
        };
        self.load(effects);
    }

    fn open_selected(&mut self) {
        let Some(folder) = &mut self.state.folder else { return };
        let Some(at) = folder.tree.selected_row() else { return };
        let Some(row) = folder.tree.rows().get(at).cloned() else { return };
        if row.is_folder {
            let effects = folder.tree.toggle(&row.path);
            self.load(effects);
        } else {
            self.open_file(&row.path, false, None);
        }
    }

    /// Commands on the file that is selected in the tree, which is the one that is shown unless another was chosen.
    pub(super) fn run_on_file(&mut self, command: AppCommand) {
        let Some(folder) = &self.state.folder else { return };
        let selected = folder.tree.selected().or(folder.active_path()).map(str::to_owned);
        match (command, selected) {
            (AppCommand::NewFile, selected) => {
                self.begin_naming(Some(Naming::File(folder_for(folder, selected))));
            }
            (AppCommand::NewFolder, selected) => {
                self.begin_naming(Some(Naming::Folder(folder_for(folder, selected))));
            }
            (AppCommand::RenameFile, Some(path)) => self.begin_naming(Some(Naming::Rename(path))),
            (AppCommand::DeleteFile, Some(path)) => self.ask_delete(Some(path)),
            _ => {}
        }
    }

    fn begin_naming(&mut self, naming: Option<Naming>) {
        if naming.is_some() && !self.may_change_files() {
            return;
        }
        let Some(folder) = &mut self.state.folder else { return };
        self.drafts.name = match &naming {
            Some(Naming::Rename(path)) => path.rsplit('/').next().unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        self.drafts.wants_name_focus = naming.is_some();
        self.drafts.shows_tree_selection = true;
        self.drafts.wants_tree_focus = naming.is_none();
        self.state.shows_side_bar |= naming.is_some();
        folder.deleting = None;
        folder.naming = naming;
    }

    fn may_change_files(&mut self) -> bool {
        let may = self.state.folder.as_ref().is_some_and(Folder::may_write);
        if !may {
            self.say_read_only();
        }
        may
    }

    fn named(&mut self, name: &str) {
        let Some(folder) = &mut self.state.folder else { return };
        let Some(naming) = folder.naming.take() else { return };
        self.keys.wants_editor_focus = true;
        if name.is_empty() {
            return;
        }
        let below =
            |folder: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let change = match naming {
            Naming::File(folder) => FileChange::NewFile(below(&folder)),
            Naming::Folder(folder) => FileChange::NewFolder(below(&folder)),
            Naming::Rename(from) => {
                let to = below(from.rsplit_once('/').map_or("", |(above, _)| above));
                if to == from {
                    return;
                }
                FileChange::Rename { from, to }
            }
        };
        self.change_files(change);
    }

    fn ask_delete(&mut self, path: Option<String>) {
        if path.is_some() && !self.may_change_files() {
            return;
        }
        let Some(folder) = &mut self.state.folder else { return };
        self.state.shows_side_bar |= path.is_some();
        folder.naming = None;
        folder.deleting = path;
    }

    pub(super) fn change_files(&mut self, change: FileChange) {
        if !self.may_change_files() {
            return;
        }
        if let Some(folder) = &mut self.state.folder {
            folder.deleting = None;
        }
        // What was typed in the file goes with it.
        self.send_edits();
        self.ask(ToLink::ChangeFile(change));
    }

    /// Files were changed, or not.
    pub(super) fn file_changed(&mut self, change: &FileChange, result: Result<(), String>) {
        if let Err(why) = result {
            let title = match change {
                FileChange::NewFile(_) => strings::NO_NEW_FILE,
                FileChange::NewFolder(_) => strings::NO_NEW_FOLDER,
                FileChange::Rename { .. } => strings::NOT_RENAMED,
                FileChange::Delete(_) => strings::NOT_DELETED,
                FileChange::CopyIn { .. } => strings::NOT_COPIED,
            };
            self.state.notice(&format!("{title}: {why}"), None, true);
        } else {
            self.follow_change(change);
        }
        let effects = self.state.folder.as_mut().map(|folder| folder.tree.reload()).unwrap_or_default();
        self.load(effects);
        self.ask(ToLink::ListFiles);
    }

    fn follow_change(&mut self, change: &FileChange) {
        let Some(folder) = &mut self.state.folder else { return };
        match change {
            FileChange::NewFile(path) => self.open_file(path, false, None),
            FileChange::NewFolder(path) => {
                let effects = folder.tree.reveal(path);
                self.load(effects);
            }
            FileChange::Rename { from, to } => {
                folder.layout.renamed(from, to);
                folder.files.renamed(from, to);
                let editors = std::mem::take(&mut self.editors).into_iter();
                self.editors = editors
                    .map(|((group, path), editor)| ((group, moved(&path, from, to)), editor))
                    .collect();
                folder.tree.select(Some(to));
                self.file_shown();
            }
            FileChange::Delete(path) => {
                let below = format!("{path}/");
                let tabs: Vec<_> = folder
                    .layout
                    .order()
                    .into_iter()
                    .filter_map(|group| folder.layout.group(group))
                    .flat_map(|group| group.tabs())
                    .filter(|tab| tab.path == *path || tab.path.starts_with(&below))
                    .map(|tab| tab.id)
                    .collect();
                for tab in tabs {
                    folder.layout.close(tab);
                }
                folder.tree.select(None);
                self.file_shown();
            }
            FileChange::CopyIn { .. } => {}
        }
    }
}

/// The folder in which something new is made: the selected one, or that of the selected file.
fn folder_for(folder: &Folder, selected: Option<String>) -> String {
    let Some(path) = selected else { return String::new() };
    let is_folder = folder.tree.shown().iter().any(|row| row.path == path && row.is_folder);
    match path.rsplit_once('/') {
        _ if is_folder => path,
        Some((above, _)) => above.to_owned(),
        None => String::new(),
    }
}

fn moved(path: &str, from: &str, to: &str) -> String {
    match path.strip_prefix(from) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{to}{rest}"),
        _ => path.to_owned(),
    }
}
