//! Commands of the window.

use eframe::egui::{Context, ViewportCommand};
use weft_editor::{
    AppCommand, Command, Reveal, Selection, Selections, search::Query, settings::Value, window::Axis,
};

use super::Shell;
use crate::{
    link::{NameQuestion, OwnFile, ToLink},
    state::{Overlay, OverlayKind, Page},
    strings,
};

const ZOOM_STEP: f32 = 1.1;
const ZOOM: std::ops::RangeInclusive<f32> = 0.5..=3.0;

impl Shell {
    pub(super) fn run(&mut self, ctx: &Context, command: Command) {
        match command {
            Command::Editor(command) => self.run_in_editor(ctx, command),
            Command::App(command) => self.run_in_window(ctx, command),
        }
    }

    fn run_in_window(&mut self, ctx: &Context, command: AppCommand) {
        use AppCommand as C;
        match command {
            C::ShowCommands => self.toggle_overlay(OverlayKind::Palette, ""),
            C::QuickOpen => {
                self.ask(ToLink::ListFiles);
                self.toggle_overlay(OverlayKind::QuickOpen, "");
            }
            C::GoToLine => self.toggle_overlay(OverlayKind::QuickOpen, ":"),
            C::GoToSymbol => self.toggle_overlay(OverlayKind::QuickOpen, "@"),
            C::SelectTheme => self.toggle_overlay(OverlayKind::Themes, ""),
            C::SelectLanguage => self.toggle_overlay(OverlayKind::Languages, ""),
            C::NewWindow => drop(self.ask(ToLink::OpenWindow)),
            C::OpenSettingsFile => self.open_own_file(OwnFile::Settings),
            C::OpenKeyMap => self.open_own_file(OwnFile::Keys),
            C::OpenFolder | C::OpenFile | C::Join => {
                self.close_folder();
                self.drafts.show_first_page(command == C::Join);
            }
            C::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            C::ToggleFullScreen => toggle_full_screen(ctx),
            C::Save | C::SaveAll => self.say_saved(),
            C::ZoomIn => self.state.zoom = (self.state.zoom * ZOOM_STEP).min(*ZOOM.end()),
            C::ZoomOut => self.state.zoom = (self.state.zoom / ZOOM_STEP).max(*ZOOM.start()),
            C::ZoomReset => self.state.zoom = 1.0,
            C::ToggleSideBar => self.state.shows_side_bar = !self.state.shows_side_bar,
            C::ShowFiles => {
                self.state.shows_side_bar = true;
                self.drafts.wants_tree_focus = true;
            }
            C::NewFile | C::NewFolder | C::RenameFile | C::DeleteFile => self.run_on_file(command),
            C::MarkdownPreview => self.toggle_preview(),
            C::NavigateBack => self.go_back(true),
            C::NavigateForward => self.go_back(false),
            C::GoToDefinition => self.find_name(NameQuestion::Definition),
            C::ShowReferences => self.find_name(NameQuestion::References),
            C::GoToWorkspaceSymbol => self.toggle_overlay(OverlayKind::QuickOpen, "#"),
            C::ShowSearch => {
                self.state.shows_search = true;
                self.drafts.wants_search_focus = true;
            }
            C::NextSearchResult => self.show_next_found(true),
            C::PreviousSearchResult => self.show_next_found(false),
            C::TogglePanel => self.state.shows_search = !self.state.shows_search,
            C::ToggleWordWrap => self.toggle_wrap(),
            C::ToggleWhitespace => self.toggle_whitespace(),
            C::Share => self.toggle_page(Page::Share),
            C::ShowMembers => self.toggle_page(Page::Members),
            C::ShowDevices => self.toggle_page(Page::Devices),
            C::ShowSyncState => self.toggle_page(Page::Sync),
            C::ShowHistory => self.toggle_page(Page::History),
            C::OpenSettings => self.toggle_page(Page::Settings),
            C::FollowPerson => self.follow_next(),
            C::AskForGhost | C::ToggleGhosts | C::ToggleGhostsInLanguage | C::ToggleGhostsInFile => {
                self.run_on_ghosts(command);
            }
            C::ToggleChat => {
                self.toggle_page(Page::Chat);
                self.drafts.chat.wants_focus = self.state.pages.open == Some(Page::Chat);
                self.keys.wants_editor_focus = !self.drafts.chat.wants_focus;
            }
            C::ShowModels => self.toggle_page(Page::Models),
            C::EditSelection | C::UseTemplate(_) | C::ChooseTemplate => self.run_with_model(command),
            C::ToggleBlame => {
                self.state.pages.shows_blame = !self.state.pages.shows_blame;
                self.refresh_blame();
            }
            command if is_find(command) => self.run_in_find(command),
            command => self.run_in_tabs(command),
        }
    }

    fn run_with_model(&mut self, command: AppCommand) {
        match command {
            AppCommand::UseTemplate(name) => self.use_template(name),
            AppCommand::ChooseTemplate => self.choose_template(),
            _ => self.begin_edit(),
        }
    }

    fn toggle_overlay(&mut self, kind: OverlayKind, query: &str) {
        let is_same = self
            .state
            .overlay
            .as_ref()
            .is_some_and(|overlay| overlay.kind == kind && overlay.query.starts_with(query));
        self.state.overlay = (!is_same).then(|| Overlay::new(kind, query));
        self.keys.wants_editor_focus = is_same;
        super::news::restart_ranking(&mut self.state);
    }

    fn toggle_page(&mut self, page: Page) {
        let is_open = self.state.pages.open == Some(page);
        self.show_page((!is_open).then_some(page));
        // A page that is opened has the keys: Escape closes it again.
        self.keys.leaves_editor = !is_open;
    }

    /// There is nothing to save: every edit is kept as it is made. Who presses the keys is told so. Only what is not
    /// written together with others is saved now and not in a moment.
    fn say_saved(&mut self) {
        let is_local = self.state.folder.as_ref().is_some_and(|folder| folder.local().is_some());
        if is_local {
            self.save_local(true);
            return self.state.notice("Saved: such a file is also saved whenever you pause", None, false);
        }
        let Some(folder) = &self.state.folder else { return };
        let is_behind = folder.active().is_some_and(|(document, _)| document.is_behind());
        let text = if is_behind {
            "Being saved: every edit is kept as it is typed"
        } else {
            "Saved: every edit is kept as it is typed"
        };
        self.state.notice(text, None, false);
    }

    fn toggle_wrap(&mut self) {
        let is_off = self.state.settings.text("editor.word_wrap") == "off";
        let value = if is_off { "window" } else { "off" };
        self.set_setting("editor.word_wrap", &Value::Text(value.to_owned()));
    }

    fn toggle_whitespace(&mut self) {
        let is_all = self.state.settings.text("editor.whitespace") == "all";
        let value = if is_all { "selection" } else { "all" };
        self.set_setting("editor.whitespace", &Value::Text(value.to_owned()));
    }

    fn run_in_tabs(&mut self, command: AppCommand) {
        use AppCommand as C;
        let Some(folder) = &mut self.state.folder else { return };
        let layout = &mut folder.layout;
        match command {
            C::CloseTab => {
                if let Some(id) = layout.active().map(|tab| tab.id) {
                    layout.close(id);
                }
            }
            C::CloseAllTabs | C::CloseOtherTabs => {
                let kept = layout.active().map(|tab| tab.id).filter(|_| command == C::CloseOtherTabs);
                let all: Vec<_> = layout
                    .order()
                    .into_iter()
                    .filter_map(|group| layout.group(group))
                    .flat_map(|group| group.tabs().iter().map(|tab| tab.id))
                    .filter(|id| Some(*id) != kept)
                    .collect();
                for id in all {
                    layout.close(id);
                }
            }
            C::ReopenTab => drop(layout.reopen()),
            C::NextTab => layout.cycle(true),
            C::PreviousTab => layout.cycle(false),
            C::KeepTab => {
                if let Some(id) = layout.active().map(|tab| tab.id) {
                    layout.keep(id);
                }
            }
            C::SplitRight => drop(layout.split(Axis::Row)),
            C::SplitDown => drop(layout.split(Axis::Column)),
            C::FocusFirstSplit => layout.focus_index(0),
            C::FocusSecondSplit => layout.focus_index(1),
            C::FocusThirdSplit => layout.focus_index(2),
            other => return self.say_not_built(other),
        }
        self.keys.wants_editor_focus = true;
        self.file_shown();
    }

    fn say_not_built(&mut self, command: AppCommand) {
        let title = weft_editor::command::info_of(Command::App(command)).map_or("This", |info| info.title);
        self.state.notice(&format!("“{title}” {}", strings::NOT_BUILT), None, false);
    }

    fn run_in_find(&mut self, command: AppCommand) {
        use AppCommand as C;
        match command {
            C::Find | C::Replace => self.open_find(command == C::Replace),
            C::ToggleFindInSelection => self.toggle_find_scope(),
            C::CloseFind => {
                if let Some((document, _)) =
                    self.state.folder.as_mut().and_then(crate::state::Folder::active_mut)
                {
                    document.drop_find_scope();
                }
                self.state.find.close();
                self.keys.wants_editor_focus = true;
            }
            C::ToggleFindCase => {
                let query = self.state.find.query().clone();
                let is_case_sensitive = !query.is_case_sensitive;
                self.state.find.set_query(Query { is_case_sensitive, ..query });
            }
            C::ToggleFindWord => {
                let query = self.state.find.query().clone();
                let is_whole_word = !query.is_whole_word;
                self.state.find.set_query(Query { is_whole_word, ..query });
            }
            C::ToggleFindRegex => {
                let query = self.state.find.query().clone();
                let is_regex = !query.is_regex;
                self.state.find.set_query(Query { is_regex, ..query });
            }
            command => self.run_on_matches(command),
        }
    }

    fn toggle_find_scope(&mut self) {
        let Some((document, view)) = self.state.folder.as_mut().and_then(crate::state::Folder::active_mut)
        else {
            return;
        };
        let was_on = document.find_scope().is_some();
        if !document.toggle_find_scope(view) && !was_on {
            self.state.notice("Select first what to look in", None, false);
        }
    }

    fn open_find(&mut self, has_replacement: bool) {
        let selected = self.state.folder.as_ref().and_then(|folder| {
            let (document, view) = folder.active()?;
            let selection = document.view(view)?.selections().primary();
            let text = document.buffer().rope().get_slice(selection.range())?.to_string();
            (!text.is_empty() && !text.contains('\n')).then_some(text)
        });
        if let Some(text) = selected {
            let query = self.state.find.query().clone();
            self.state.find.set_query(Query { text, is_regex: false, ..query });
        }
        self.state.find.open(has_replacement);
        self.drafts.wants_find_focus = true;
    }

    /// Goes to the first place from where the cursor is, while the query is being typed.
    pub(super) fn show_first_match(&mut self) {
        let Some(pattern) = self.state.find.pattern().cloned() else { return };
        let Some(folder) = &mut self.state.folder else { return };
        let group = folder.layout.focused();
        let Some((document, view)) = folder.active_mut() else { return };
        let Some(start) = document.view(view).map(|view| view.selections().primary().start().0) else {
            return;
        };
        let Some(found) = pattern.find_from(document.buffer().rope(), start, true) else { return };
        document.select(view, &Selections::single(Selection::new(found.start, found.end)));
        document.reveal(view);
        self.reveal(group, Reveal::Centre);
    }

    fn run_on_matches(&mut self, command: AppCommand) {
        use AppCommand as C;
        let find = &self.state.find;
        let Some((pattern, template)) = find.pattern().cloned().zip(find.template()) else { return };
        let Some(folder) = &mut self.state.folder else { return };
        let (group, may_write) = (folder.layout.focused(), folder.may_edit());
        if !may_write && matches!(command, C::ReplaceOne | C::ReplaceAll) {
            return self.say_read_only();
        }
        let Some((document, view)) = folder.active_mut() else { return };
        match command {
            C::FindNext => drop(document.find_next(view, &pattern, true)),
            C::FindPrevious => drop(document.find_next(view, &pattern, false)),
            C::ReplaceOne => drop(document.replace_next(view, &pattern, &template)),
            C::SelectAllMatches => {
                document.select_matches(view, &pattern);
                self.keys.wants_editor_focus = true;
            }
            C::ReplaceAll => {
                let count = document.replace_all(view, &pattern, &template, false);
                let places = if count == 1 { "place" } else { "places" };
                self.state.notice(&format!("Replaced {count} {places}"), None, false);
            }
            _ => {}
        }
        self.reveal(group, Reveal::Centre);
    }
}

fn toggle_full_screen(ctx: &Context) {
    let is_full = ctx.input(|input| input.viewport().fullscreen.unwrap_or(false));
    ctx.send_viewport_cmd(ViewportCommand::Fullscreen(!is_full));
}

fn is_find(command: AppCommand) -> bool {
    use AppCommand as C;
    matches!(
        command,
        C::Find
            | C::Replace
            | C::FindNext
            | C::FindPrevious
            | C::ReplaceOne
            | C::ReplaceAll
            | C::SelectAllMatches
            | C::ToggleFindCase
            | C::ToggleFindWord
            | C::ToggleFindRegex
            | C::ToggleFindInSelection
            | C::CloseFind
    )
}
