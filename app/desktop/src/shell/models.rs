//! Models and servers, templates, and what is known of them.

use weft_node::api::{AiTemplateKind, ApiError};

use super::{Shell, chat::selected_lines};
use crate::{
    action::AiAction,
    link::{AiAsk, AiNews, ModelWork, ToLink},
    state::{Page, Task, Waiting},
    strings,
};

impl Shell {
    /// Asks which models there are.
    pub(super) fn refresh_models(&mut self) {
        if !self.state.ai.models.is_pending() {
            self.state.ai.models.ask();
            self.ask_of_models(AiAsk::Models);
        }
        if !self.state.ai.page.templates.is_pending() {
            self.state.ai.page.templates.ask();
            self.ask_of_models(AiAsk::Templates);
        }
    }

    /// Asks what else the page of models shows.
    pub(super) fn refresh_models_page(&mut self) {
        self.refresh_models();
        self.refresh_policies();
        if !self.state.ai.page.hardware.is_pending() {
            self.state.ai.page.hardware.ask();
            self.ask_of_models(AiAsk::Hardware);
        }
    }

    /// Asks whether the workspace lets servers be asked.
    pub(super) fn refresh_policies(&mut self) {
        let is_shared = self.state.folder.as_ref().is_some_and(|folder| folder.workspace.value().is_some());
        if is_shared && !self.state.ai.page.policies.is_pending() {
            self.state.ai.page.policies.ask();
            self.ask_of_models(AiAsk::Policies);
        }
    }

    pub(super) fn ask_of_models(&mut self, ask: AiAsk) -> u64 {
        let number = self.state.ai.next_number();
        self.ask(ToLink::Ai { number, ask });
        number
    }

    pub(super) fn perform_on_models(&mut self, action: AiAction) {
        match action {
            AiAction::Work(work) => self.work_on_models(work),
            AiAction::Dismiss(number) => {
                if self.state.ai.page.dismiss(number) {
                    self.ask(ToLink::CancelAi(number));
                    // What is there by now may be another.
                    self.refresh_models();
                }
            }
            AiAction::LookForOffers => {
                if !self.state.ai.page.offers.is_pending() {
                    self.state.ai.page.offers.ask();
                    self.ask_of_models(AiAsk::Offers);
                }
            }
            other => self.perform_on_conversations(other),
        }
    }

    fn work_on_models(&mut self, work: ModelWork) {
        let number = self.state.ai.next_number();
        if !self.state.ai.page.begin(number, &work) {
            return self.state.notice(strings::TOO_MUCH_MODEL_WORK, None, true);
        }
        self.ask(ToLink::Ai { number, ask: AiAsk::Work(work) });
    }

    pub(super) fn models_news(&mut self, number: u64, news: AiNews) {
        let ai = &mut self.state.ai;
        match news {
            AiNews::Models(result) => ai.models.answer(result),
            AiNews::Hardware(result) => ai.page.hardware.answer(result.map(|report| *report)),
            AiNews::Offers(result) => ai.page.offers.answer(result),
            AiNews::Policies(result) => ai.page.policies.answer(result),
            AiNews::Templates(result) => ai.page.templates.answer(result),
            AiNews::Progress(progress) => ai.page.progress(number, progress),
            AiNews::Done(result) => self.work_done(number, result),
            other => self.conversation_news(number, other),
        }
    }

    fn work_done(&mut self, number: u64, result: Result<String, ApiError>) {
        let ai = &mut self.state.ai;
        let (words, error) = match result {
            Ok(words) => (words, None),
            Err(error) => (String::new(), Some(error)),
        };
        let is_done = error.is_none();
        if !ai.page.done(number, error) {
            return;
        }
        if is_done {
            ai.completer.wake();
            ai.ghost_failure = None;
            if ai.page.offers.value().is_some() {
                ai.page.offers.ask();
                self.ask_of_models(AiAsk::Offers);
            }
            if !words.is_empty() {
                self.state.notice(&words, None, false);
            }
        }
        // An answer that is on its way may be of before: they are asked for anew.
        self.state.ai.models.ask();
        self.ask_of_models(AiAsk::Models);
        self.state.ai.page.hardware.ask();
        self.ask_of_models(AiAsk::Hardware);
        if self.state.folder.as_ref().is_some_and(|folder| folder.workspace.value().is_some()) {
            self.state.ai.page.policies.ask();
            self.ask_of_models(AiAsk::Policies);
        }
    }

    /// Has a model do what a template says with what is selected.
    pub(super) fn use_template(&mut self, name: &str) {
        self.open_chat();
        if self.state.ai.running().is_some() {
            return self.state.notice(strings::MODEL_IS_BUSY, None, false);
        }
        let text = String::new();
        let (template, task) = (Some(name.to_owned()), self.task_of(name));
        self.send_waiting(Waiting { text, task, template, field: None });
    }

    /// What a template asks for.
    pub(super) fn task_of(&self, template: &str) -> Task {
        match self.state.ai.page.template_kind(template) {
            Some(AiTemplateKind::Words) => Task::Ask,
            _ if self.drafts.chat.task == Task::Change => Task::Change,
            _ => Task::Edit,
        }
    }

    /// Shows the chat with the names of the templates to choose from.
    pub(super) fn choose_template(&mut self) {
        self.open_chat();
        self.drafts.chat.text = "/".to_owned();
        self.drafts.chat.wants_focus = true;
    }

    fn open_chat(&mut self) {
        if self.state.pages.open != Some(Page::Chat) {
            self.show_page(Some(Page::Chat));
        }
    }

    /// The template that a message begins with, and the rest: `/explain why so`. `Err` with the name when there is none of it.
    pub(super) fn template_of<'text>(
        &self,
        text: &'text str,
    ) -> Result<(Option<String>, &'text str), String> {
        let Some(rest) = text.strip_prefix('/') else { return Ok((None, text)) };
        let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        // A path is none, nor is a slash alone.
        if name.is_empty() || name.contains('/') {
            return Ok((None, text));
        }
        match self.state.ai.page.template_kind(name) {
            Some(_) => Ok((Some(name.to_owned()), rest.trim())),
            None => Err(name.to_owned()),
        }
    }

    /// What the person is shown to have said.
    pub(super) fn said(&self, waiting: &Waiting) -> String {
        let Some(template) = &waiting.template else { return waiting.text.clone() };
        let lines = self.state.folder.as_ref().and_then(selected_lines);
        let place = lines.filter(|_| waiting.task != Task::Change && !waiting.text.contains('@'));
        let place = place.map(|lines| match lines.from == lines.to {
            true => format!(" {}:{}", lines.path, lines.from),
            false => format!(" {}:{}-{}", lines.path, lines.from, lines.to),
        });
        let more = if waiting.text.is_empty() { String::new() } else { format!(" {}", waiting.text) };
        format!("/{template}{}{more}", place.unwrap_or_default())
    }
}
