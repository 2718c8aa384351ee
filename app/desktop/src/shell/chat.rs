//! The conversation with a model, and what it proposes.

use weft_editor::LineIndex;
use weft_node::api::AiSeen;

use super::Shell;
use crate::{
    action::AiAction,
    link::{AiAsk, AiNews, Asking, Lines, ToLink},
    state::{Folder, HunkState, Page, Task, Waiting},
    strings,
};

impl Shell {
    pub(super) fn perform_with_model(&mut self, action: AiAction) {
        match action {
            AiAction::Send => self.send_to_model(),
            AiAction::Stop => self.stop_model(),
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
            AiAction::Forget => self.begin_conversation(),
            AiAction::AnswerWith(model) => self.state.ai.chat_model = model,
            other => self.perform_on_models(other),
        }
    }

    fn ask_model(&mut self, number: u64, ask: AiAsk) {
        self.ask(ToLink::Ai { number, ask });
    }

    /// Sends what stands in the field.
    fn send_to_model(&mut self) {
        let field = self.drafts.chat.text.trim().to_owned();
        if field.is_empty() || self.state.ai.running().is_some() {
            return;
        }
        let (template, text) = match self.template_of(&field) {
            Ok((template, text)) => (template, text.to_owned()),
            Err(name) => {
                let words = format!("There is no template “{name}”");
                return self.state.notice(&words, Some(strings::TEMPLATES_ARE), true);
            }
        };
        let task = template.as_deref().map_or(self.drafts.chat.task, |name| self.task_of(name));
        self.send_waiting(Waiting { text, task, template, field: Some(field) });
    }

    /// Sends what is meant, as soon as the node has what was typed last: the model is to see it, and lines are to be the ones
    /// that are selected.
    pub(super) fn send_waiting(&mut self, waiting: Waiting) {
        self.send_edits();
        let active = self.state.folder.as_ref().and_then(Folder::active);
        let is_shared = self.state.folder.as_ref().is_some_and(|folder| folder.local().is_none());
        if is_shared && active.is_some_and(|(document, _)| document.is_behind()) {
            self.state.ai.waiting = Some(waiting);
            return;
        }
        self.state.ai.waiting = None;
        let Some(ask) = self.asked(&waiting) else {
            return self.state.notice(strings::NOTHING_TO_EDIT, None, false);
        };
        if waiting.field.as_deref() == Some(self.drafts.chat.text.trim()) {
            self.drafts.chat.text.clear();
        }
        let number = self.state.ai.begin(&self.said(&waiting), waiting.task, ask.clone());
        self.ask_model(number, ask);
    }

    /// Sends what has waited, when that may be.
    pub(super) fn send_what_waited(&mut self) {
        if let Some(waiting) = self.state.ai.waiting.take() {
            self.send_waiting(waiting);
        }
    }

    /// The question; nothing when lines are meant and there are none.
    fn asked(&self, waiting: &Waiting) -> Option<AiAsk> {
        let selection = self.state.folder.as_ref().and_then(selected_lines);
        let asking = Asking {
            template: waiting.template.clone(),
            model: self.state.ai.chat_model.clone(),
            ..Asking::default()
        };
        let instruction = waiting.text.clone();
        Some(match waiting.task {
            Task::Ask => {
                let is_named = waiting.template.is_none() || instruction.contains('@');
                if !is_named && selection.is_none() {
                    return None;
                }
                // A template is about what is selected, where nothing else is named.
                let text = if is_named { instruction } else { format!("@selection {instruction}") };
                AiAsk::Chat { messages: self.state.ai.messages(text.trim()), selection, asking }
            }
            Task::Edit => {
                let seen = self.state.folder.as_ref().and_then(seen_lines);
                AiAsk::Edit { lines: selection?, seen, instruction, asking }
            }
            Task::Change => AiAsk::Change { instruction, selection, asking },
        })
    }

    fn repeat_turn(&mut self, index: usize, change: impl FnOnce(AiAsk) -> AiAsk) {
        if self.state.ai.running().is_some() {
            return;
        }
        let ask = self.state.ai.turns.get(index).and_then(|turn| turn.ask.clone());
        let Some(ask) = ask.map(change) else { return };
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

    pub(super) fn model_news(&mut self, number: u64, news: AiNews) {
        let ai = &mut self.state.ai;
        match news {
            AiNews::Text(text) => ai.more(number, &text),
            AiNews::Ghost(result) => self.ghost_answered(number, result.map(|answer| *answer)),
            AiNews::Chat(result) => {
                ai.answered(number, result.map(|answer| *answer));
                self.keep_conversation();
            }
            AiNews::Proposal(result) => {
                ai.proposed(number, result.map(|proposal| *proposal));
                self.keep_conversation();
            }
            AiNews::Accepted(result) => {
                ai.accepted(number, &result);
                match result {
                    Ok(accepted) => self.say_accepted(accepted.made.len(), accepted.outdated.len()),
                    Err(error) => self.state.failure(&error),
                }
                self.keep_conversation();
            }
            other => self.models_news(number, other),
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

/// The same lines as the node knows them, in the document that is open.
fn seen_lines(folder: &Folder) -> Option<AiSeen> {
    let lines = selected_lines(folder)?;
    let document = folder.files.get(&lines.path)?.number()?;
    let (text, _) = folder.active()?;
    let line = |number: u64| LineIndex(usize::try_from(number).unwrap_or(usize::MAX));
    let buffer = text.buffer();
    let (revision, at) = text.at_node(buffer.line_start(line(lines.from - 1)));
    let (_, end) = text.at_node(buffer.line_end(line(lines.to - 1)));
    Some(AiSeen { document, revision, at: at.0 as u64, count: end.0.saturating_sub(at.0) as u64 })
}
