//! What the node tells becomes state.

use weft_editor::{Document, KeyMap, Language, Settings};
use weft_node::api::{
    ApiError, DeviceAccepted, DocumentChanged, ErrorKind, Invitations, Newcomer, WorkspaceStatus,
};

use super::Shell;
use crate::{
    link::{FromLink, ToLink},
    remote::Remote,
    state::{NodeState, Page, State},
    strings,
};

/// How much of the first line tells the language of a file.
pub(super) const FIRST_LINE_CHARS: usize = 200;

impl Shell {
    pub(super) fn apply(&mut self, news: FromLink) {
        match news {
            FromLink::Connected { is_own } => {
                self.state.node = NodeState::Ready { is_own };
                self.reopen_all();
            }
            FromLink::PassphraseWanted(what) => {
                self.state.passphrase = Some(what);
                self.drafts.passphrase.clear();
                self.drafts.wants_page_focus = true;
            }
            FromLink::NotConnected(error) => self.state.node = NodeState::Missing(error),
            FromLink::SettingsRead { settings, keys } => self.read_settings(settings, &keys),
            FromLink::FolderFound(Ok(root)) => self.show_folder(root),
            FromLink::FolderFound(Err(why)) => self.state.notice(&why, Some("check the path"), true),
            FromLink::PathSeen { path, is_folder, folders } => {
                self.state.seen = crate::state::Seen { path, is_folder, folders };
            }
            FromLink::Status(result) => self.status(result.map(|status| *status)),
            FromLink::FolderRead { path, result } => self.folder_read(&path, result),
            FromLink::Listed(names) => {
                if let Some(folder) = &mut self.state.folder {
                    folder.names = names;
                    restart_ranking(&mut self.state);
                }
            }
            FromLink::OwnFileMade { file, result } => self.own_file_made(file, result),
            FromLink::NoWindow(why) => {
                self.state.notice(&format!("Another window cannot be opened: {why}"), None, true);
            }
            FromLink::FileChanged { change, result } => self.file_changed(&change, result),
            FromLink::Picture { path, result } => self.picture_read(&path, result),
            FromLink::Opened { path, result } => self.document_opened(&path, result),
            FromLink::LookedAt { path, document, local } => self.looked_at(&path, *document, local),
            FromLink::SavedLocally(saved) => self.saved_locally(*saved),
            FromLink::Edited { document, result, .. } => self.edited(document, result),
            FromLink::Changed(changed) => self.changed(&changed),
            FromLink::Cursors(cursors) => self.cursors(cursors),
            FromLink::Presence(presence) => self.presence(presence),
            FromLink::Parsed { path, parsed } => {
                let folder = self.state.folder.as_mut();
                let file = folder.and_then(|folder| folder.files.get_mut(&path));
                let old = file.and_then(|file| file.document_mut()).and_then(|document| {
                    document.parsed(*parsed);
                    document.take_discarded()
                });
                if let Some(old) = old {
                    // Where there is no room it is let go of here.
                    let _late = self.link.ask(ToLink::Discard(old));
                }
            }
            FromLink::Outlined { of, items } => {
                if let Some(folder) =
                    self.state.folder.as_mut().filter(|it| it.outline.asked.as_ref() == Some(&of))
                {
                    (folder.outline.of, folder.outline.items) = (Some(of), items);
                }
            }
            FromLink::Found { number, matches } => self.found(number, matches),
            FromLink::FoundAll { number, result } => self.found_all(number, result),
            FromLink::Named { what, result } => self.name_found(what, result),
            FromLink::ToReplace { number, result } => self.replacement_shown(number, result),
            FromLink::Replaced { number, result } => self.replaced(number, result),
            FromLink::Progress(progress) => self.state.pages.progress = Some(progress),
            FromLink::Ai { number, news } => self.model_news(number, news),
            FromLink::NotSaved(message) => self.state.notice(&message, None, true),
            other => self.answered(other),
        }
    }

    /// Answers to questions of pages.
    fn answered(&mut self, news: FromLink) {
        let pages = &mut self.state.pages;
        match news {
            FromLink::Init(result) => {
                pages.progress = None;
                let notes = result.as_ref().ok().cloned().unwrap_or_default();
                pages.init.answer(result);
                for note in notes {
                    self.state.notice(&note, None, false);
                }
                self.reopen_all();
                self.ask(ToLink::ListFiles);
            }
            FromLink::JoinPreview(result) => pages.join_preview.answer(result.map(|preview| *preview)),
            FromLink::Join(result) => {
                pages.progress = None;
                let folder = result.as_ref().ok().map(|joined| joined.folder.clone());
                pages.join.answer(result.map(|joined| *joined));
                if let Some(folder) = folder {
                    self.drafts.clear_join();
                    self.ask(ToLink::OpenFolder(folder));
                }
            }
            FromLink::Share(result) => {
                pages.share.answer(result.map(|shared| *shared));
                self.refresh_pages();
            }
            FromLink::Invitations(result) => self.invitations(result),
            FromLink::Members(result) => pages.members.answer(result),
            FromLink::Revoke(result) => match result {
                Ok(_) => self.refresh_pages(),
                Err(error) => self.state.failure(&error),
            },
            FromLink::Devices(result) => pages.devices.answer(result),
            FromLink::LinkDevice(result) => {
                pages.link_ticket.answer(result.map(|shared| *shared));
                self.refresh_pages();
            }
            FromLink::AcceptPreview(result) => pages.accept_preview.answer(result.map(|preview| *preview)),
            FromLink::Accept(result) => self.device_accepted(result.map(|accepted| *accepted)),
            FromLink::RecoveryWords(result) => pages.words.answer(result),
            FromLink::CheckWords(result) => {
                pages.checked_words.answer(result);
                self.refresh_pages();
            }
            FromLink::PaperOnly(result) => match result {
                Ok(()) => {
                    pages.words = Remote::default();
                    self.state.notice(strings::ON_PAPER_NOW, None, false);
                    self.refresh_pages();
                }
                Err(error) => self.state.failure(&error),
            },
            FromLink::History { path, result } if pages.history_path.as_deref() == Some(&path) => {
                pages.history.answer(result);
            }
            FromLink::Blame { path, result } => pages.blame.entry(path).or_default().answer(result),
            FromLink::Past { at, result, .. } if pages.past_at.as_deref() == Some(&at) => {
                pages.past.answer(result);
            }
            FromLink::Restore(result) => match result {
                Ok(_) => {
                    pages.past_at = None;
                    self.state.notice(strings::RESTORED, None, false);
                    self.refresh_pages();
                }
                Err(error) => self.state.failure(&error),
            },
            _ => {}
        }
    }

    /// This device is one of somebody's now: one of the folders that came along is shown.
    fn device_accepted(&mut self, result: Result<DeviceAccepted, ApiError>) {
        let pages = &mut self.state.pages;
        pages.progress = None;
        let folder = result.as_ref().ok().and_then(|accepted| accepted.workspaces.first());
        let folder = folder.map(|workspace| workspace.folder.clone());
        let is_linked = result.is_ok();
        pages.accept.answer(result);
        if is_linked {
            self.drafts.clear_join();
            self.state.notice(strings::LINKED, None, false);
        }
        if let Some(folder) = folder {
            self.ask(ToLink::OpenFolder(folder));
        }
    }

    /// Says so when somebody new waits to be let in, unless the page that shows it is open.
    fn invitations(&mut self, result: Result<Invitations, ApiError>) {
        let waiting = |list: &Invitations| -> Vec<Newcomer> {
            list.invitations.iter().flat_map(|invitation| invitation.waiting.clone()).collect()
        };
        let pages = &mut self.state.pages;
        let before = pages.invitations.value().map(waiting).unwrap_or_default();
        let now = result.as_ref().map(waiting).unwrap_or_default();
        pages.invitations.answer(result);
        if matches!(pages.open, Some(Page::Share | Page::Devices)) {
            return;
        }
        if let Some(newcomer) = now.into_iter().find(|newcomer| !before.contains(newcomer)) {
            let name = newcomer.name.unwrap_or_else(|| strings::SOMEBODY.to_owned());
            self.state.notice(&format!("{name} waits to be let in"), Some(strings::SHARE_TO_SEE), false);
        }
    }

    fn read_settings(&mut self, text: String, keys: &str) {
        let (settings, problems) = Settings::read(&text);
        let (keys, key_problems) = KeyMap::new(crate::state::platform()).with_user(keys);
        for (file, problem) in problems
            .iter()
            .map(|problem| (crate::SETTINGS_FILE, problem))
            .chain(key_problems.iter().map(|problem| (crate::KEYS_FILE, problem)))
            .take(1)
        {
            self.state.notice(&format!("{file}, {problem}"), problem.hint.as_deref(), true);
        }
        self.state.settings = settings;
        self.state.settings_text = text;
        self.state.problems = problems;
        self.state.keys = keys;
        if let Some(folder) = &mut self.state.folder {
            for (_, file) in folder.files.iter_mut() {
                if let Some(document) = file.document_mut() {
                    configure(&self.state.settings, document);
                }
            }
        }
    }

    fn status(&mut self, result: Result<WorkspaceStatus, ApiError>) {
        let Some(folder) = &mut self.state.folder else { return };
        let before = folder.workspace.value().map(|status| status.digest.clone());
        let is_new = before.is_none() && result.is_ok();
        let has_changed = result.as_ref().is_ok_and(|status| before.as_ref() != Some(&status.digest));
        folder.workspace.answer(result);
        self.look_at_local();
        if is_new {
            self.file_shown();
            self.refresh_models();
        }
        self.refresh_policies();
        if has_changed {
            let effects = self.state.folder.as_mut().map(|folder| folder.tree.reload()).unwrap_or_default();
            self.load(effects);
            self.ask(ToLink::ListFiles);
            // A file that had gone may be there again.
            let lost = self.state.folder.as_ref().map(|folder| folder.files.lost()).unwrap_or_default();
            for path in lost {
                self.ask_for_file(path);
            }
        }
        self.refresh_pages();
    }

    fn folder_read(&mut self, path: &str, result: Result<Vec<weft_editor::window::Entry>, String>) {
        let Some(folder) = &mut self.state.folder else { return };
        let effects = match result {
            Ok(entries) => folder.tree.loaded(path, entries),
            Err(why) => {
                folder.tree.failed(path, &why);
                Vec::new()
            }
        };
        self.load(effects);
    }

    fn document_opened(&mut self, path: &str, result: Result<(u64, String, u64), ApiError>) {
        let Some(folder) = &mut self.state.folder else { return };
        let (number, text, revision) = match result {
            Ok(opened) => opened,
            Err(error) => {
                folder.files.failed(path, &error.message, error.hint.as_deref());
                return;
            }
        };
        let is_first =
            folder.files.get(path).is_some_and(|file| file.document().is_none() || file.local().is_some());
        let before = folder.files.get(path).and_then(|file| file.number()).filter(|before| *before != number);
        if let Some(before) = before {
            self.ask(ToLink::CloseDocument(before));
        }
        let Some(folder) = &mut self.state.folder else { return };
        let Some(document) = folder.files.opened(path, number, &text, revision) else {
            self.ask(ToLink::CloseDocument(number));
            return;
        };
        if is_first {
            let first_line = text.lines().next().unwrap_or_default();
            document.set_language(Language::of_file(path, first_line));
            configure(&self.state.settings, document);
        }
        self.ensure_views(path);
        self.exchange.resume(path);
        self.take_early_cursors(number);
        self.go_where_asked(path);
    }

    /// Takes a file that is not written together with others.
    fn looked_at(&mut self, path: &str, document: Document, local: weft_editor::window::LocalFile) {
        let Some(folder) = &mut self.state.folder else { return };
        let is_first = folder.files.get(path).is_some_and(|file| file.document().is_none());
        let Some(document) = folder.files.looked_at(path, document, local) else { return };
        if is_first {
            let first_line: String =
                document.buffer().line(0.into()).chars().take(FIRST_LINE_CHARS).collect();
            document.set_language(Language::of_file(path, &first_line));
            configure(&self.state.settings, document);
        }
        self.ensure_views(path);
        self.go_where_asked(path);
    }

    /// Gives each group that has a tab of a file a view on it.
    fn ensure_views(&mut self, path: &str) {
        let Some(folder) = &mut self.state.folder else { return };
        for group in folder.layout.order() {
            if folder.layout.group(group).is_some_and(|tabs| tabs.tabs().iter().any(|tab| tab.path == path)) {
                folder.files.ensure_view(path, group);
            }
        }
    }

    /// Goes to the place that was asked for together with a file.
    pub(super) fn go_where_asked(&mut self, path: &str) {
        let Some(folder) = &mut self.state.folder else { return };
        let group = folder.layout.focused();
        let Some((document, view)) = folder.files.get_mut(path).and_then(|file| file.of_group(group)) else {
            return;
        };
        if let Some((line, column)) = folder.going.remove(path) {
            document.go_to(view, line.into(), column);
            self.reveal(group, weft_editor::Reveal::Centre);
        }
    }

    fn edited(&mut self, number: u64, result: Result<u64, ApiError>) {
        let Some(folder) = &mut self.state.folder else { return };
        // The file may have another name by now: the number is what tells which it is.
        let Some(path) = folder.files.path_of(number).map(str::to_owned) else { return };
        let Some(document) = folder.files.get_mut(&path).and_then(|file| file.document_mut()) else { return };
        match result {
            Ok(revision) => document.acknowledged(revision),
            Err(error) => {
                document.refused();
                self.exchange.pause(&path, self.state.now);
                let is_stale = error.kind != ErrorKind::NotAllowed;
                self.state.failure(&error);
                if is_stale {
                    self.reopen(&path);
                }
            }
        }
    }

    fn changed(&mut self, changed: &DocumentChanged) {
        let Some(folder) = &mut self.state.folder else { return };
        let Some(path) = folder.files.path_of(changed.document).map(str::to_owned) else { return };
        let Some(document) = folder.files.get_mut(&path).and_then(|file| file.document_mut()) else { return };
        let patches: Vec<weft_editor::Patch> = changed
            .edits
            .iter()
            .map(|edit| weft_editor::Patch {
                at: weft_editor::CharIndex(edit.at as usize),
                delete: edit.delete as usize,
                insert: edit.insert.clone(),
            })
            .collect();
        if let Err(error) = document.changed(changed.revision, &patches) {
            tracing::info!(path, %error, "the document is opened again");
            self.reopen(&path);
        }
    }

    /// Opens a document again: what it knows of the node's text is wrong.
    pub(super) fn reopen(&mut self, path: &str) {
        let Some(folder) = &mut self.state.folder else { return };
        let replaces = folder.files.reopen(path);
        self.ask(ToLink::OpenDocument { path: path.to_owned(), replaces, seen: None });
    }

    pub(super) fn reopen_all(&mut self) {
        let Some(folder) = &mut self.state.folder else { return };
        for path in folder.files.want_again() {
            self.ask_for_file(path);
        }
    }

    /// Asks for the files of all tabs that are shown.
    pub(super) fn want_shown(&mut self) {
        let Some(folder) = &mut self.state.folder else { return };
        let shown: Vec<(weft_editor::window::GroupId, String)> = folder
            .layout
            .order()
            .into_iter()
            .filter_map(|group| Some((group, folder.layout.group(group)?.active()?.path.clone())))
            .collect();
        let mut wanted = Vec::new();
        for (group, path) in shown {
            if folder.files.want(&path) {
                wanted.push(path);
            } else {
                folder.files.ensure_view(&path, group);
            }
        }
        let layout = &folder.layout;
        let has = |group, path: &str| {
            layout.group(group).is_some_and(|group| group.tabs().iter().any(|tab| tab.path == path))
        };
        let order = layout.order();
        let closed = folder.files.keep(has, |path| order.iter().any(|group| has(*group, path)));
        self.editors.retain(|(group, path), _| has(*group, path));
        folder.pictures.retain(|path, _| folder.files.get(path).is_some());
        folder.previews.retain(|path, _| folder.files.get(path).is_some());
        for path in wanted {
            self.ask_for_file(path);
        }
        for number in closed {
            self.ask(ToLink::CloseDocument(number));
        }
    }

    /// Asks again for what the page at the right shows.
    pub(super) fn refresh_pages(&mut self) {
        use crate::link::Ask;
        if self.state.pages.open == Some(Page::Devices) && !self.state.pages.devices.is_pending() {
            self.state.pages.devices.ask();
            self.ask(ToLink::Ask(Ask::Devices));
            self.ask(ToLink::Ask(Ask::Invitations));
        }
        match self.state.pages.open {
            Some(Page::Chat) => {
                self.refresh_models();
                self.refresh_conversations();
            }
            Some(Page::Models) => self.refresh_models_page(),
            _ => {}
        }
        let is_shared = self.state.folder.as_ref().is_some_and(|folder| folder.workspace.value().is_some());
        if !is_shared {
            return;
        }
        match self.state.pages.open {
            Some(Page::Share) if !self.state.pages.invitations.is_pending() => {
                self.state.pages.invitations.ask();
                self.ask(ToLink::Ask(Ask::Invitations));
            }
            Some(Page::Members) if !self.state.pages.members.is_pending() => {
                self.state.pages.members.ask();
                self.ask(ToLink::Ask(Ask::Members));
            }
            Some(Page::History) => self.refresh_history(),
            _ => {}
        }
        self.refresh_blame();
    }

    fn refresh_history(&mut self) {
        let path = self.state.folder.as_ref().and_then(|folder| folder.active_path()).map(str::to_owned);
        let pages = &mut self.state.pages;
        if pages.history_path != path {
            pages.history_path = path.clone();
            pages.history = Remote::default();
            pages.past_at = None;
        }
        if let Some(path) = path.filter(|_| !pages.history.is_pending()) {
            pages.history.ask();
            self.ask(ToLink::Ask(crate::link::Ask::History(path)));
        }
    }

    pub(super) fn refresh_blame(&mut self) {
        let path = self.state.folder.as_ref().and_then(|folder| folder.active_path()).map(str::to_owned);
        let Some(path) = path.filter(|_| self.state.pages.shows_blame) else { return };
        let blame = self.state.pages.blame.entry(path.clone()).or_default();
        if !blame.is_pending() {
            blame.ask();
            self.ask(ToLink::Ask(crate::link::Ask::Blame(path)));
        }
    }
}

/// Gives a document the settings of its language, and the indentation that it has.
pub(super) fn configure(settings: &Settings, document: &mut Document) {
    let mut edit = settings.edit_settings(document.language());
    if settings.is_on("editor.detect_indentation") {
        edit = edit.detected(document.buffer().rope());
    }
    if edit != document.settings() {
        document.set_settings(edit);
    }
}

/// Ranks anew: the names or the query have changed.
pub(super) fn restart_ranking(state: &mut State) {
    let name = match state.quick_query() {
        Some(weft_editor::window::QuickQuery::File { name, .. }) => name,
        _ => String::new(),
    };
    state.ranking = weft_editor::window::QuickOpen::new(&name);
}
