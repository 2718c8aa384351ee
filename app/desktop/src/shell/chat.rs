//! The conversation with a model, and what it proposes.

use std::path::PathBuf;

use super::Shell;
use crate::{
    action::AiAction,
    link::{AiAsk, AiNews, Lines, ToLink},
    remote::Remote,
    state::{Folder, HunkState, Page, Task},
    strings,
};

impl Shell {
    pub(super) fn perform_with_model(&mut self, action: AiAction) {
        match action {
            AiAction::Send => self.send_to_model(),
            AiAction::Stop => {
                if let Some(number) = self.state.ai.stop() {
                    self.ask(ToLink::CancelAi(number));
                }
            }
            AiAction::Retry(turn) => self.repeat_turn(turn, AiAsk::again),
            AiAction::Confirm(turn) => self.repeat_turn(turn, AiAsk::confirmed),
            AiAction::ConfirmGhosts(is_agreed) => {
                self.state.ai.question = None;
                if is_agreed {
                    self.state.ai.ghost_failure = None;
                    self.confirm_ghosts();
                }
            }
            AiAction::Choose { turn, hunk, is_chosen } => {
                let proposal = self.state.ai.proposal(turn);
                if let Some(hunk) = proposal.and_then(|proposal| proposal.hunks.get_mut(hunk)) {
                    *hunk = HunkState::Open(is_chosen);
                }
            }
            AiAction::Accept(turn) => self.accept_hunks(turn, true),
            AiAction::Discard(turn) => self.accept_hunks(turn, false),
            AiAction::Forget => {
                if let Some(number) = self.state.ai.stop() {
                    self.ask(ToLink::CancelAi(number));
                }
                self.state.ai.turns.clear();
            }
            AiAction::Get(place) => self.get_model(&place),
        }
    }

    fn ask_model(&mut self, number: u64, ask: AiAsk) {
        self.ask(ToLink::Ai { number, ask });
    }

    /// Sends what stands in the field.
    fn send_to_model(&mut self) {
        let text = self.drafts.chat.text.trim().to_owned();
        if text.is_empty() || self.state.ai.running().is_some() {
            return;
        }
        let (task, selection) = (self.drafts.chat.task, self.state.folder.as_ref().and_then(selected_lines));
        let (confirm, fresh, instruction) = (false, false, text.clone());
        let ask = match (task, selection) {
            (Task::Ask, selection) => {
                AiAsk::Chat { messages: self.state.ai.messages(&text), selection, confirm, fresh }
            }
            (Task::Edit, Some(lines)) => AiAsk::Edit { lines, instruction, confirm, fresh },
            (Task::Edit, None) => return self.state.notice(strings::NOTHING_TO_EDIT, None, false),
            (Task::Change, selection) => AiAsk::Change { instruction, selection, confirm, fresh },
        };
        // The model is to see what was typed last.
        self.send_edits();
        self.drafts.chat.text.clear();
        let number = self.state.ai.begin(&text, task, ask.clone());
        self.ask_model(number, ask);
    }

    fn repeat_turn(&mut self, index: usize, change: impl FnOnce(AiAsk) -> AiAsk) {
        if self.state.ai.running().is_some() {
            return;
        }
        let Some(ask) = self.state.ai.turns.get(index).map(|turn| change(turn.ask.clone())) else { return };
        if let Some(number) = self.state.ai.repeat(index, ask.clone()) {
            self.ask_model(number, ask);
        }
    }

    /// Makes the hunks that are chosen, or forgets the proposal.
    fn accept_hunks(&mut self, turn: usize, is_accepted: bool) {
        let number = self.state.ai.next_number();
        let Some(proposal) = self.state.ai.proposal(turn).filter(|it| it.accepting.is_none()) else { return };
        let (hunks, keep) = if is_accepted { proposal.chosen() } else { (Vec::new(), false) };
        if is_accepted && hunks.is_empty() {
            return;
        }
        proposal.is_discarded = !is_accepted;
        proposal.accepting = is_accepted.then_some(number);
        let ask = AiAsk::Accept { proposal: proposal.made.proposal, hunks, keep };
        self.send_edits();
        self.ask_model(number, ask);
    }

    /// Takes a model in: a file of this device, or one that is fetched.
    fn get_model(&mut self, place: &str) {
        let number = self.state.ai.next_number();
        self.state.ai.getting.ask();
        let is_address = place.starts_with("https://") || place.starts_with("http://");
        let ask = match is_address {
            true => AiAsk::Download(place.to_owned()),
            false => AiAsk::Import(PathBuf::from(place)),
        };
        self.ask_model(number, ask);
    }

    /// Asks which models there are.
    pub(super) fn refresh_models(&mut self) {
        if !self.state.ai.models.is_pending() {
            let number = self.state.ai.next_number();
            self.state.ai.models.ask();
            self.ask_model(number, AiAsk::Models);
        }
    }

    pub(super) fn model_news(&mut self, number: u64, news: AiNews) {
        let ai = &mut self.state.ai;
        match news {
            AiNews::Text(text) => ai.more(number, &text),
            AiNews::Ghost(result) => self.ghost_answered(number, result.map(|answer| *answer)),
            AiNews::Chat(result) => ai.answered(number, result.map(|answer| *answer)),
            AiNews::Proposal(result) => ai.proposed(number, result.map(|proposal| *proposal)),
            AiNews::Accepted(result) => {
                ai.accepted(number, &result);
                match result {
                    Ok(accepted) => self.say_accepted(accepted.made.len(), accepted.outdated.len()),
                    Err(error) => self.state.failure(&error),
                }
            }
            AiNews::Models(result) => ai.models.answer(result),
            AiNews::Model(result) => {
                self.state.pages.progress = None;
                let name = result.as_ref().ok().map(|model| model.id.clone());
                ai.getting.answer(result.map(|model| *model));
                if let Some(name) = name {
                    ai.completer.wake();
                    ai.ghost_failure = None;
                    // What is known is out of date.
                    ai.models = Remote::default();
                    self.drafts.chat.place.clear();
                    self.state.notice(&format!("The model {name} is here"), None, false);
                    self.refresh_models();
                }
            }
        }
    }

    fn say_accepted(&mut self, made: usize, outdated: usize) {
        if made > 0 {
            let words = if made == 1 { "change was made" } else { "changes were made" };
            self.state.notice(&format!("{made} {words}"), None, false);
        }
        if outdated > 0 {
            let words = if outdated == 1 { "change was left alone" } else { "changes were left alone" };
            self.state.notice(&format!("{outdated} {words}"), Some(strings::OUTDATED), true);
        }
    }

    /// Lets the person say what is to be done with what is selected.
    pub(super) fn begin_edit(&mut self) {
        self.drafts.chat.task = Task::Edit;
        self.drafts.chat.wants_focus = true;
        if self.state.pages.open != Some(Page::Chat) {
            self.show_page(Some(Page::Chat));
        }
    }
}

/// The lines that are selected in the file that is shown; the line of the caret when nothing is.
pub(crate) fn selected_lines(folder: &Folder) -> Option<Lines> {
    let ((document, view), path) = folder.active().zip(folder.active_path())?;
    let selection = document.view(view)?.selections().primary();
    let buffer = document.buffer();
    let (from, last) = (buffer.line_of(selection.start()), buffer.line_of(selection.end()));
    // Where the selection ends at the start of a line that line is not meant.
    let is_before = last > from && buffer.line_start(last) == selection.end();
    let to = if is_before { last.0 } else { last.0 + 1 };
    Some(Lines { path: path.to_owned(), from: from.0 as u64 + 1, to: to as u64 })
}
