//! Keeping conversations, and showing those of before.

use super::Shell;
use crate::{
    action::AiAction,
    link::{AiAsk, AiNews, ToLink},
    strings,
};

impl Shell {
    pub(super) fn perform_on_conversations(&mut self, action: AiAction) {
        let ai = &mut self.state.ai;
        match action {
            AiAction::ListConversations(is_listed) => {
                ai.keeping.is_listed = is_listed;
                self.refresh_conversations();
            }
            AiAction::OpenConversation(id) => {
                self.stop_model();
                self.ask_of_models(AiAsk::Conversation(id));
            }
            AiAction::AskDeleteConversation(id) => ai.keeping.deleting = id,
            AiAction::DeleteConversation(id) => {
                ai.keeping.deleting = None;
                ai.keeping.all.ask();
                if ai.keeping.id == Some(id) {
                    // What is deleted is not kept again.
                    let running = ai.stop();
                    ai.turns.clear();
                    ai.keeping.begin_new();
                    if let Some(number) = running {
                        self.ask(ToLink::CancelAi(number));
                    }
                }
                self.ask_of_models(AiAsk::RemoveConversation(id));
            }
            _ => {}
        }
    }

    /// Ends the answer that is on its way.
    pub(super) fn stop_model(&mut self) {
        self.state.ai.waiting = None;
        if let Some(number) = self.state.ai.stop() {
            self.ask(ToLink::CancelAi(number));
            self.keep_conversation();
        }
    }

    pub(super) fn begin_conversation(&mut self) {
        self.stop_model();
        self.state.ai.turns.clear();
        self.state.ai.keeping.begin_new();
    }

    pub(super) fn refresh_conversations(&mut self) {
        let is_shared = self.state.folder.as_ref().is_some_and(|folder| folder.workspace.value().is_some());
        if is_shared && !self.state.ai.keeping.all.is_pending() {
            self.state.ai.keeping.all.ask();
            self.ask_of_models(AiAsk::Conversations);
        }
    }

    /// Has the node keep what was said. One question at a time, so that a new conversation gets one number.
    pub(super) fn keep_conversation(&mut self) {
        let is_shared = self.state.folder.as_ref().is_some_and(|folder| folder.workspace.value().is_some());
        if !is_shared || self.state.ai.turns.is_empty() {
            return;
        }
        if self.state.ai.keeping.asked.is_some() {
            self.state.ai.keeping.is_behind = true;
            return;
        }
        let (id, turns) = (self.state.ai.keeping.id, self.state.ai.kept_turns());
        let number = self.ask_of_models(AiAsk::KeepConversation { id, turns });
        self.state.ai.keeping.asked = Some(number);
    }

    pub(super) fn conversation_news(&mut self, number: u64, news: AiNews) {
        let ai = &mut self.state.ai;
        match news {
            AiNews::Conversations(result) => ai.keeping.all.answer(result),
            // A question that was sent meanwhile is not taken away.
            AiNews::Conversation(Ok(_)) if ai.running().is_some() => {}
            AiNews::Conversation(Ok(conversation)) => ai.show(*conversation),
            AiNews::Conversation(Err(error)) => {
                self.state.failure(&error);
                self.refresh_conversations();
            }
            AiNews::Kept(result) if ai.keeping.asked == Some(number) => {
                ai.keeping.asked = None;
                match result {
                    Ok(head) => {
                        ai.keeping.id = Some(head.id);
                        ai.keeping.has_told = false;
                    }
                    Err(error) if !std::mem::replace(&mut ai.keeping.has_told, true) => {
                        let hint = error.hint.as_deref();
                        let text = format!("{}: {}", strings::CHAT_NOT_KEPT, error.message);
                        self.state.notice(&text, hint, true);
                    }
                    Err(_) => {}
                }
                if std::mem::take(&mut self.state.ai.keeping.is_behind) {
                    self.keep_conversation();
                }
                self.refresh_conversations();
            }
            _ => {}
        }
    }
}
