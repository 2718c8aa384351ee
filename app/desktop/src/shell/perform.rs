//! Carrying out what views and keys ask for.

use std::path::Path;

use eframe::egui::Context;
use weft_editor::{
    CharIndex, EditorCommand, Effect, LineIndex, Reveal, Selection, Selections, Settings, settings::Value,
    window::GroupId,
};

use super::{Shell, news::restart_ranking};
use crate::{
    action::{Action, Actions, EditorAction},
    link::{Ask, ToLink},
    state::{Overlay, Page},
    strings,
};

impl Shell {
    pub(super) fn perform(&mut self, ctx: &Context, actions: &mut Actions) {
        for (action, from) in actions.take() {
            tracing::trace!(?action, %from, "action");
            self.perform_one(ctx, action);
        }
    }

    fn perform_one(&mut self, ctx: &Context, action: Action) {
        if leads_elsewhere(&action) {
            self.stop_following();
        }
        match action {
            Action::Passphrase(answer) => {
                self.state.passphrase = None;
                self.drafts.passphrase.clear();
                self.ask(ToLink::Passphrase(answer));
            }
            Action::Tree(action) => self.perform_in_tree(action),
            Action::Ai(action) => self.perform_with_model(action),
            Action::Follow(device) => self.set_following(Some(device)),
            Action::Run(command) => self.run(ctx, command),
            Action::Choose(command) => {
                self.state.palette.used(command);
                self.run(ctx, command);
            }
            Action::OpenFolder(folder) => {
                self.save_everything();
                self.ask(ToLink::OpenFolder(folder));
            }
            Action::LookAtPath(path) => drop(self.ask(ToLink::LookAtPath(path))),
            Action::OpenFile { path, is_preview, place } => self.open_file(&path, is_preview, place),
            Action::RetryFile(path) => self.retry_file(&path),
            Action::ToggleFolder(path) => {
                let folder = self.state.folder.as_mut();
                let effects = folder.map(|folder| {
                    folder.tree.select(Some(&path));
                    folder.tree.toggle(&path)
                });
                self.load(effects.unwrap_or_default());
            }
            Action::Editor(group, action) => self.perform_in_editor(group, action),
            Action::ShowOverlay(overlay) => self.show_overlay(overlay),
            Action::ShowPage(page) => self.show_page(page),
            Action::ShowSearch(is_shown) => self.state.shows_search = is_shown,
            Action::SearchFolder(query) => self.search_folder(query),
            Action::Search(action) => self.perform_search(action),
            Action::OpenMatch(found) => {
                self.open_file(&found.path, true, Some((found.line, found.column)));
            }
            Action::SetQuery(query) => {
                self.state.find.set_query(query);
                self.show_first_match();
            }
            Action::SetReplacement(text) => self.state.find.set_replacement(text),
            Action::Ask(ask) => self.ask_node(ask),
            Action::CopyText(text) => ctx.copy_text(text),
            Action::SetTheme(id) => self.set_setting("window.theme", &Value::Text(id.to_owned())),
            Action::SetLanguage(id) => self.set_language(id),
            Action::SetSetting(key, value) => self.set_setting(key, &value),
            Action::ShowWholePast(is_whole) => self.state.pages.shows_whole_past = is_whole,
            Action::RestoreLines(hunk) => self.restore_lines(&hunk),
            Action::ShowPast(at) => self.show_past(at),
            Action::DismissNotice(id) => self.state.notices.retain(|notice| notice.id != id),
            Action::RetryPanel(part) => self.guard.retry(part),
            layout => self.perform_in_layout(layout),
        }
    }

    fn perform_in_layout(&mut self, action: Action) {
        let Some(folder) = &mut self.state.folder else { return };
        let layout = &mut folder.layout;
        match action {
            Action::ShowTab(tab) => layout.show(tab),
            Action::CloseTab(tab) => drop(layout.close(tab)),
            Action::KeepTab(tab) => layout.keep(tab),
            Action::Focus(group) => layout.focus(group),
            Action::ResizeSplit { path, child, share } => layout.resize(&path, child, share),
            _ => {}
        }
        self.file_shown();
    }

    /// Another file may be shown than before.
    pub(super) fn file_shown(&mut self) {
        self.want_shown();
        self.state.find.restart();
        let active = self.state.folder.as_ref().and_then(|folder| folder.active_path());
        let path = active.filter(|path| !self.state.is_own_file(path)).map(str::to_owned);
        let Some(folder) = &mut self.state.folder else { return };
        if let Some(path) = path
            && folder.tree.selected() != Some(&path)
        {
            let effects = folder.tree.reveal(&path);
            self.load(effects);
        }
        if self.state.pages.open == Some(Page::History) || self.state.pages.shows_blame {
            self.refresh_pages();
        }
    }

    pub(super) fn open_file(&mut self, path: &str, is_preview: bool, place: Option<(usize, usize)>) {
        self.leave_place();
        self.open_at(path, is_preview, place);
    }

    /// The same without remembering where the person was.
    pub(super) fn open_at(&mut self, path: &str, is_preview: bool, place: Option<(usize, usize)>) {
        // What others say they look at is no whole path; nobody leads out of the folder.
        if Path::new(path).has_root() && !self.state.is_own_file(path) {
            return;
        }
        let Some(folder) = &mut self.state.folder else { return };
        if folder.layout.open(path, is_preview).is_none() {
            self.state.notice("Too many tabs are open", Some("close some of them"), true);
            return;
        }
        if let Some(place) = place {
            folder.going.insert(path.to_owned(), place);
        }
        self.keys.wants_editor_focus = true;
        self.file_shown();
        self.go_where_asked(path);
    }

    fn retry_file(&mut self, path: &str) {
        let Some(folder) = &mut self.state.folder else { return };
        if folder.files.want(path) {
            self.ask_for_file(path.to_owned());
        }
    }

    fn show_overlay(&mut self, overlay: Option<Overlay>) {
        if overlay.is_none() {
            self.keys.wants_editor_focus = true;
        }
        let is_other = overlay.as_ref().map(|overlay| &overlay.query)
            != self.state.overlay.as_ref().map(|overlay| &overlay.query);
        self.state.overlay = overlay;
        if is_other {
            restart_ranking(&mut self.state);
        }
    }

    pub(super) fn show_page(&mut self, page: Option<Page>) {
        self.state.pages.open = page;
        self.keys.wants_editor_focus |= page.is_none();
        // The words are shown as long as somebody looks at them, and no longer.
        self.state.pages.words = crate::remote::Remote::default();
        self.state.pages.checked_words = crate::remote::Remote::default();
        self.drafts.words.clear();
        self.refresh_pages();
    }

    fn ask_node(&mut self, ask: Ask) {
        let pages = &mut self.state.pages;
        match &ask {
            Ask::Init => pages.init.ask(),
            Ask::Share { .. } => pages.share.ask(),
            Ask::JoinPreview { .. } => pages.join_preview.ask(),
            Ask::Join { .. } => pages.join.ask(),
            Ask::ChangeRole { .. } => pages.members.ask(),
            Ask::LinkDevice => pages.link_ticket.ask(),
            Ask::AcceptPreview { .. } => pages.accept_preview.ask(),
            Ask::Accept { .. } => pages.accept.ask(),
            Ask::RecoveryWords => pages.words.ask(),
            Ask::CheckWords(_) => pages.checked_words.ask(),
            _ => {}
        }
        self.ask(ToLink::Ask(ask));
    }

    pub(super) fn show_past(&mut self, at: Option<String>) {
        let pages = &mut self.state.pages;
        pages.past_at = at.clone();
        let Some((path, at)) = pages.history_path.clone().zip(at) else { return };
        pages.past.ask();
        self.ask(ToLink::Ask(Ask::Past { path, at }));
    }

    /// Writes a setting into the file, which is then read as if the person had written it.
    pub(super) fn set_setting(&mut self, key: &'static str, value: &Value) {
        match Settings::changed_file(&self.state.settings_text, key, value) {
            Some(text) => self.take_settings(text),
            None => self.state.notice(strings::SETTINGS_NOT_CHANGED, Some("mend it by hand"), true),
        }
    }

    /// Scrolls a group so that its caret can be seen.
    pub(super) fn reveal(&mut self, group: GroupId, how: Reveal) {
        let Some(folder) = &mut self.state.folder else { return };
        let Some(path) =
            folder.layout.group(group).and_then(|tabs| tabs.active()).map(|tab| tab.path.clone())
        else {
            return;
        };
        let Some((document, view)) = folder.of_group_mut(group) else { return };
        let editor = self.editors.entry((group, path)).or_default();
        document.reveal_caret(view, editor.rows_shown(), how);
        editor.reveal_column();
    }

    /// Scrolls the group that has the focus so that a place can be seen.
    pub(super) fn reveal_place(&mut self, at: CharIndex, how: Reveal) {
        let Some(folder) = &mut self.state.folder else { return };
        let group = folder.layout.focused();
        let Some(path) = folder.active_path().map(str::to_owned) else { return };
        let Some((document, view)) = folder.of_group_mut(group) else { return };
        let editor = self.editors.entry((group, path)).or_default();
        document.reveal_place(view, at, editor.rows_shown(), how);
    }

    /// Runs a command in the text that has the focus.
    pub(super) fn run_in_editor(&mut self, ctx: &Context, command: EditorCommand) {
        let Some(folder) = &mut self.state.folder else { return };
        let (group, may_write) = (folder.layout.focused(), folder.may_edit());
        let Some((document, view)) = folder.active_mut() else { return };
        if !may_write
            && weft_editor::command::info_of(weft_editor::Command::Editor(command)).is_some_and(writes)
        {
            return self.say_read_only();
        }
        for effect in document.run(view, command) {
            match effect {
                Effect::Copy(clip) => {
                    ctx.copy_text(clip.text.clone());
                    self.state.clip = Some(clip);
                }
                Effect::Paste => ctx.send_viewport_cmd(eframe::egui::ViewportCommand::RequestPaste),
                Effect::Reveal => self.reveal(group, Reveal::Nearest),
                Effect::MoreGhost => self.ask_for_alternative(),
            }
        }
    }

    pub(super) fn say_read_only(&mut self) {
        let reason = self.state.folder.as_ref().filter(|folder| folder.may_write());
        let reason = reason.and_then(crate::state::Folder::local).filter(|reason| reason.is_read_only());
        if let Some(reason) = reason {
            let (_, title, hint) = crate::state::local_words(reason);
            return self.state.notice(title, Some(&hint), true);
        }
        self.state.notice(
            "You may read this workspace, not write in it",
            Some("ask an admin of the workspace for the role of an editor"),
            true,
        );
    }

    /// Types or pastes text where the focus is.
    pub(super) fn type_text(&mut self, text: &str, is_pasted: bool) {
        let Some(folder) = &mut self.state.folder else { return };
        let (group, may_write) = (folder.layout.focused(), folder.may_edit());
        let Some((document, view)) = folder.active_mut() else { return };
        if !may_write {
            return self.say_read_only();
        }
        match is_pasted {
            true => document.paste(view, text, self.state.clip.as_ref()),
            false => document.type_text(view, text),
        }
        // Who writes in a file that is only looked at wants to keep it.
        if let Some(tab) = folder.layout.active().filter(|tab| tab.is_preview).map(|tab| tab.id) {
            folder.layout.keep(tab);
        }
        self.reveal(group, Reveal::Nearest);
    }

    fn perform_in_editor(&mut self, group: GroupId, action: EditorAction) {
        let Some(folder) = &mut self.state.folder else { return };
        let is_click = !matches!(action, EditorAction::ScrollToRow(_) | EditorAction::ScrollBy(_));
        if is_click && folder.layout.focused() != group {
            folder.layout.focus(group);
        }
        let may_write = folder.may_edit();
        let Some((document, view)) = folder.of_group_mut(group) else { return };
        match action {
            EditorAction::Click { at, grain, extends } => {
                document.click(view, CharIndex(at), grain, extends);
            }
            EditorAction::AddCursor(at) => document.add_cursor(view, CharIndex(at)),
            EditorAction::Rectangle { from, to } => {
                let corner = |(line, column): (usize, usize)| (LineIndex(line), column);
                document.select_rectangle(view, corner(from), corner(to));
            }
            EditorAction::DropSelection { at, copies } if may_write => {
                document.drop_selection(view, CharIndex(at), copies);
            }
            EditorAction::DropSelection { .. } => self.say_read_only(),
            EditorAction::ScrollToRow(row) => document.scroll_to_row(view, row),
            EditorAction::ScrollBy(rows) => document.scroll_by(view, rows),
            EditorAction::ToggleFold(line) => {
                let at = document.buffer().line_start(LineIndex(line));
                let before = document.view(view).map(|view| view.selections().clone());
                document.select(view, &Selections::single(Selection::caret(at.0)));
                document.run(view, EditorCommand::ToggleFold);
                if let Some(before) = before {
                    document.select(view, &before);
                }
            }
            EditorAction::SelectLine { line, extends } => {
                let at = document.buffer().line_start(LineIndex(line));
                document.click(view, at, weft_editor::Grain::Line, extends);
            }
            EditorAction::PasteAt { at, text } if may_write => {
                document.click(view, CharIndex(at), weft_editor::Grain::Character, false);
                document.paste(view, &text, None);
            }
            EditorAction::PasteAt { .. } => self.say_read_only(),
        }
    }
}

/// Whether somebody who does this goes their own way, and not another's any more.
fn leads_elsewhere(action: &Action) -> bool {
    matches!(
        action,
        Action::OpenFile { .. }
            | Action::OpenMatch(_)
            | Action::ShowTab(_)
            | Action::Focus(_)
            | Action::Editor(..)
            | Action::OpenFolder(_)
    )
}

/// Whether a command changes the text: its default keys count only where that is allowed.
fn writes(info: &weft_editor::command::CommandInfo) -> bool {
    info.when.contains("!editorReadonly")
}
