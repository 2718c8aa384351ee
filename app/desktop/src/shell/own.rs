//! Files of the window's own in a tab, the language of a text, and further windows.

use weft_editor::language::{Language, PLAIN};

use super::{
    Shell,
    news::{FIRST_LINE_CHARS, configure},
};
use crate::link::{OwnFile, ToLink};

impl Shell {
    /// Opens the settings or the keys in a tab; where there is no such file yet, one is made in which everything is a
    /// comment.
    pub(super) fn open_own_file(&mut self, file: OwnFile) {
        if self.state.folder.is_some() {
            self.ask(ToLink::MakeOwnFile(file));
            return;
        }
        let place = self.own_file(file);
        self.state.notice(
            &format!("It opens beside a folder: open one first. It lies at {}", place.display()),
            None,
            false,
        );
    }

    fn own_file(&self, file: OwnFile) -> std::path::PathBuf {
        match file {
            OwnFile::Settings => self.state.settings_file.clone(),
            OwnFile::Keys => self.state.keys_file.clone(),
        }
    }

    pub(super) fn own_file_made(&mut self, file: OwnFile, result: Result<(), String>) {
        let place = self.own_file(file);
        let failed = match (result, place.to_str()) {
            (Ok(()), Some(path)) => return self.open_file(path, false, None),
            (Ok(()), None) => "its path is no UTF-8".to_owned(),
            (Err(why), _) => why,
        };
        let text = format!("{} cannot be opened: {failed}", place.display());
        self.state.notice(&text, Some("what counts now goes on to count"), true);
    }

    /// Treats the text that is shown as one of a language, as long as it is open.
    pub(super) fn set_language(&mut self, id: Option<&str>) {
        let Some(folder) = &mut self.state.folder else { return };
        let Some(path) = folder.active_path().map(str::to_owned) else { return };
        let Some((document, _)) = folder.active_mut() else { return };
        let language = match id {
            Some(id) => Language::by_id(id).unwrap_or(&PLAIN),
            None => {
                let line: String = document.buffer().line(0.into()).chars().take(FIRST_LINE_CHARS).collect();
                Language::of_file(&path, &line)
            }
        };
        document.set_language(language);
        configure(&self.state.settings, document);
    }
}
