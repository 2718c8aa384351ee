//! Conversations of before: going back to one, and deleting it.

use std::time::{SystemTime, UNIX_EPOCH};

use eframe::egui::{RichText, Ui};
use weft_node::api::AiConversationHead;

use super::Scene;
use crate::{
    action::{Action, AiAction},
    controls,
    state::ago,
    strings, tokens,
};

/// The buttons above the turns.
pub(super) fn head_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let ai = &scene.state.ai;
    if ai.turns.is_empty() {
        return;
    }
    let count = others(scene).count();
    ui.horizontal_wrapped(|ui| {
        if ui.button(strings::FORGET_CHAT).clicked() {
            scene.actions.push(Action::Ai(AiAction::Forget));
        }
        let is_listed = scene.state.ai.keeping.is_listed;
        let label = format!("{} ({count})", strings::CONVERSATIONS);
        if count > 0 && ui.selectable_label(is_listed, label).clicked() {
            scene.actions.push(Action::Ai(AiAction::ListConversations(!is_listed)));
        }
    });
    ui.add_space(tokens::GAP);
}

/// All but the one that is shown.
fn others<'a>(scene: &Scene<'a>) -> impl Iterator<Item = &'a AiConversationHead> + use<'a> {
    let keeping = &scene.state.ai.keeping;
    let all = keeping.all.value().map(|list| list.conversations.as_slice()).unwrap_or_default();
    all.iter().filter(|head| keeping.id != Some(head.id))
}

/// The list: where nothing is asked yet, and where it is wanted.
pub(super) fn list_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let keeping = &scene.state.ai.keeping;
    if !scene.state.ai.turns.is_empty() && !keeping.is_listed {
        return;
    }
    if let Some(error) = keeping.all.error() {
        ui.add_space(tokens::GAP);
        controls::failure(ui, scene.tokens, error);
    }
    let heads: Vec<&AiConversationHead> = others(scene).collect();
    if heads.is_empty() {
        return;
    }
    ui.add_space(tokens::PADDING);
    controls::section_head(ui, scene.tokens, strings::CONVERSATIONS);
    controls::paragraph(ui, scene.tokens, strings::CONVERSATIONS_MORE);
    ui.add_space(tokens::STEP);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64);
    for head in heads {
        conversation_ui(ui, scene, head, now);
    }
    ui.add_space(tokens::PADDING);
}

fn conversation_ui(ui: &mut Ui, scene: &mut Scene<'_>, head: &AiConversationHead, now: i64) {
    let (id, tokens) = (head.id, scene.tokens);
    let is_asked = scene.state.ai.keeping.deleting == Some(id);
    let questions = if head.turns == 1 { "question" } else { "questions" };
    controls::card(ui, tokens, |ui| {
        ui.spacing_mut().button_padding.x = 0.0;
        let title = RichText::new(&head.title).color(tokens.text);
        let button = eframe::egui::Button::new(title).frame_when_inactive(false).wrap();
        if ui.add(button).clicked() {
            scene.actions.push(Action::Ai(AiAction::OpenConversation(id)));
        }
        ui.spacing_mut().button_padding.x = tokens::GAP;
        ui.horizontal_wrapped(|ui| {
            let words = format!("{}, {} {questions}", ago(head.changed, now), head.turns);
            ui.label(RichText::new(words).font(tokens::font(tokens::SMALL_SIZE)).color(tokens.muted));
            if !is_asked {
                let label = format!("{} “{}”…", strings::DELETE, head.title);
                let response = ui.small_button(format!("{}…", strings::DELETE));
                response.widget_info(|| {
                    eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Button, true, label.clone())
                });
                if response.clicked() {
                    scene.actions.push(Action::Ai(AiAction::AskDeleteConversation(Some(id))));
                }
                return;
            }
            if ui.small_button(RichText::new(strings::DELETE_NOW).color(tokens.error)).clicked() {
                scene.actions.push(Action::Ai(AiAction::DeleteConversation(id)));
            }
            if ui.small_button(strings::CANCEL).clicked() {
                scene.actions.push(Action::Ai(AiAction::AskDeleteConversation(None)));
            }
        });
    });
    ui.add_space(tokens::STEP);
}
