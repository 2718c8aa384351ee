//! Ghost text: asking for it, and where it is not wanted.

use std::time::Duration;

use eframe::egui::Context;
use weft_editor::{
    AppCommand, Settings,
    completer::{Look, Wish},
    settings::Value,
};
use weft_node::{
    api::{AiAnswer, ApiError, ErrorKind},
    mirror::is_secret,
};

use super::Shell;
use crate::{
    link::{AiAsk, GhostPlace, Saved, ToLink},
    state::{Folder, Question},
    strings,
};

/// What is known of questions for alternatives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alternative {
    /// The number of the question.
    number: u64,
    /// The question that it is an alternative to.
    of: u64,
    /// What was typed since that one.
    typed: String,
}

impl Shell {
    /// Asks for ghost text when it is time.
    pub(super) fn ask_for_ghosts(&mut self, ctx: &Context) {
        let now = self.state.now;
        let pause = self.state.settings.integer("ai.ghost_pause") as f64 / 1_000.0;
        let has_focus = self.editor_has_focus(ctx) && !self.is_composing();
        let folder = self.state.folder.as_ref().filter(|_| has_focus);
        let look = folder.filter(|folder| wants_ghosts(&self.state.settings, folder)).and_then(|folder| {
            let ((document, view), path) = folder.active().zip(folder.active_path())?;
            Some(Look {
                path,
                own_edits: document.own_edits(),
                is_at_last_edit: document.is_at_last_edit(view),
                is_shown: document.ghost(view).is_some(),
                expects: document.ghost_number(view),
            })
        });
        let is_wanted = look.is_some();
        let asked_for = self.state.ai.wants_ghost.take_if(|_| is_wanted);
        if asked_for.is_some() {
            self.state.ai.completer.want(now);
        }
        for wish in self.state.ai.completer.look(now, pause, look) {
            match wish {
                Wish::Ask(number) => self.ask_for_ghost(number, asked_for == Some(true)),
                Wish::Cancel(number) => drop(self.link.ask(ToLink::CancelAi(number))),
            }
        }
        if !is_wanted && has_focus {
            self.drop_ghost();
        }
        if let Some(wait) = self.state.ai.completer.wakes_in(now) {
            ctx.request_repaint_after(Duration::from_secs_f64(wait.max(0.01)));
        }
    }

    fn drop_ghost(&mut self) {
        if let Some((document, _)) = self.state.folder.as_mut().and_then(Folder::active_mut) {
            document.drop_ghost();
        }
    }

    fn ask_for_ghost(&mut self, number: u64, confirm: bool) {
        let Some(folder) = &mut self.state.folder else { return };
        let Some(path) = folder.active_path().map(str::to_owned) else { return };
        let Some((document, view)) = folder.active_mut() else { return };
        if !document.expect_ghost(view, number) {
            return;
        }
        let Some(at) = document.view(view).map(|view| view.selections().primary().head.0) else { return };
        let place = GhostPlace { path, text: document.buffer().clone(), at, alternative: 0 };
        let ask = AiAsk::Ghost { place, confirm };
        // One that finds no room is asked for when something is typed again.
        if self.link.ask(ToLink::Ai { number, ask }).is_err() {
            self.drop_ghost();
        }
    }

    /// Asks for one more alternative of the ghost text that is shown.
    pub(super) fn ask_for_alternative(&mut self) {
        let number = self.state.ai.next_number();
        let Some(folder) = &mut self.state.folder else { return };
        let Some(path) = folder.active_path().map(str::to_owned) else { return };
        let Some((document, view)) = folder.active_mut() else { return };
        let Some((of, ghost)) = document.ghost_number(view).zip(document.ghost(view)) else { return };
        let Some(typed) = document.ghost_typed(view).map(str::to_owned) else { return };
        let (at, alternative) = (ghost.at.0, u32::try_from(ghost.count).unwrap_or(1));
        let place = GhostPlace { path, text: document.buffer().clone(), at, alternative };
        if let Some(before) = self.state.ai.alternative.replace(Alternative { number, of, typed }) {
            let _ended = self.link.ask(ToLink::CancelAi(before.number));
        }
        self.ask(ToLink::Ai { number, ask: AiAsk::Ghost { place, confirm: false } });
    }

    /// Ghost text came, or why there is none.
    pub(super) fn ghost_answered(&mut self, number: u64, result: Result<AiAnswer, ApiError>) {
        let is_alternative = self.state.ai.alternative.as_ref().is_some_and(|asked| asked.number == number);
        let (of, typed) = match self.state.ai.alternative.take_if(|_| is_alternative) {
            Some(alternative) => (alternative.of, alternative.typed),
            None if self.state.ai.completer.answered(number) => (number, String::new()),
            None => return,
        };
        match result {
            Ok(answer) => {
                self.state.ai.ghost_failure = None;
                let active = self.state.folder.as_mut().and_then(Folder::active_mut);
                let is_same = is_alternative
                    && active.as_ref().is_some_and(|(document, view)| {
                        document.ghost(*view).is_some_and(|ghost| ghost.text == answer.text)
                    });
                if let Some((document, _)) = active {
                    document.offer_ghost(of, &(typed + &answer.text), &answer.model);
                }
                self.state.ai.ghost_model = Some(answer.model);
                if is_same {
                    self.state.notice(strings::NO_OTHER_GHOST, None, false);
                }
            }
            Err(error) => self.ghost_failed(error, is_alternative),
        }
    }

    fn ghost_failed(&mut self, error: ApiError, is_alternative: bool) {
        if !is_alternative {
            self.drop_ghost();
        }
        let now = self.state.now;
        self.state.ai.completer.rest(now);
        if error.kind == ErrorKind::NotConfirmed && self.state.ai.question.is_none() {
            self.state.notice(&crate::state::sentence(&error.message), Some(strings::ANSWER_IN_CHAT), false);
            self.state.ai.question = Some(Question { error: error.clone() });
        }
        self.state.ai.ghost_failure = Some(error);
    }

    /// The person agrees that text around the caret goes to a server: it is asked for again.
    pub(super) fn confirm_ghosts(&mut self) {
        self.state.ai.completer.wake();
        // As soon as the text has the keys again.
        self.state.ai.wants_ghost = Some(true);
        self.keys.wants_editor_focus = true;
    }

    pub(super) fn run_on_ghosts(&mut self, command: AppCommand) {
        match command {
            AppCommand::AskForGhost => self.state.ai.wants_ghost = Some(false),
            AppCommand::ToggleGhostsInLanguage => self.toggle_ghosts_in_language(),
            AppCommand::ToggleGhostsInFile => self.toggle_ghosts_in_file(),
            _ => {
                let is_on = !self.state.settings.is_on("ai.ghosts");
                self.set_setting("ai.ghosts", &Value::Bool(is_on));
                self.say_ghosts("", is_on);
            }
        }
    }

    fn toggle_ghosts_in_language(&mut self) {
        let Some((document, _)) = self.state.folder.as_ref().and_then(Folder::active) else { return };
        let language = document.language();
        let is_on = self.state.settings.get_for("ai.ghosts", language) != Some(Value::Bool(true));
        let value = Value::Bool(is_on);
        match Settings::changed_file_for(&self.state.settings_text, language, "ai.ghosts", &value) {
            Some(text) => {
                self.take_settings(text);
                self.say_ghosts(&format!(" in {}", language.name), is_on);
            }
            None => self.state.notice(strings::SETTINGS_NOT_CHANGED, Some("mend it by hand"), true),
        }
    }

    fn toggle_ghosts_in_file(&mut self) {
        let Some(folder) = &self.state.folder else { return };
        let Some(path) = folder.active_path() else { return };
        let (whole, shown) = (folder.root.join(path).display().to_string(), format!(" in {path}"));
        let mut files = match self.state.settings.get("ai.ghosts_off") {
            Some(Value::List(files)) => files,
            _ => Vec::new(),
        };
        let was_off = files.contains(&whole);
        files.retain(|file| *file != whole);
        if !was_off {
            files.push(whole);
        }
        self.set_setting("ai.ghosts_off", &Value::List(files));
        self.say_ghosts(&shown, was_off);
    }

    fn say_ghosts(&mut self, place: &str, is_on: bool) {
        let word = if is_on { "on" } else { "off" };
        self.state.notice(&format!("Ghost text is {word}{place}"), None, false);
    }

    pub(super) fn take_settings(&mut self, text: String) {
        let (settings, problems) = Settings::read(&text);
        (self.state.settings, self.state.problems) = (settings, problems);
        self.state.settings_text.clone_from(&text);
        self.ask(ToLink::Save(Saved::Settings(text)));
    }
}

/// Whether ghost text is wanted in the file that is shown: it is written together, may be written in, holds no secrets,
/// and the person has not turned it off.
fn wants_ghosts(settings: &Settings, folder: &Folder) -> bool {
    let Some(((document, _), path)) = folder.active().zip(folder.active_path()) else { return false };
    let is_on = settings.get_for("ai.ghosts", document.language()) == Some(Value::Bool(true));
    let whole = folder.root.join(path).display().to_string();
    let is_off_here =
        matches!(settings.get("ai.ghosts_off"), Some(Value::List(files)) if files.contains(&whole));
    let is_shared = folder.workspace.value().is_some() && folder.local().is_none();
    is_on && is_shared && folder.may_edit() && !is_secret(path) && !is_off_here
}
