//! The conversation with a model.

mod field;

use eframe::egui::{Frame, Margin, Panel, RichText, ScrollArea, Ui};
use weft_editor::AppCommand;
use weft_node::api::{AiAnswer, ErrorKind, Purpose};

use super::{Scene, conversations, proposal, reading};
use crate::{
    action::{Action, AiAction},
    controls,
    state::{Reply, Task, Turn, sentence},
    strings, tokens,
};

/// What stands in the fields of the page.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChatDraft {
    pub(crate) text: String,
    pub(crate) task: Task,
    pub(crate) wants_focus: bool,
}

pub(super) fn chat_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let frame = Frame::new().inner_margin(Margin { top: tokens::GAP as i8, ..Margin::ZERO });
    let panel = Panel::bottom("chat field").resizable(false).show_separator_line(false).frame(frame);
    panel.show(ui, |ui| field::field_ui(ui, scene));
    ScrollArea::vertical().id_salt("chat").auto_shrink([false, false]).stick_to_bottom(true).show(ui, |ui| {
        ui.set_width(ui.available_width() - tokens::GAP);
        conversations::head_ui(ui, scene);
        ghosts_ui(ui, scene);
        if scene.state.ai.turns.is_empty() {
            empty_ui(ui, scene);
        }
        conversations::list_ui(ui, scene);
        for (index, turn) in scene.state.ai.turns.iter().enumerate() {
            turn_ui(ui, scene, index, turn);
        }
    });
}

/// What the page is for; without a model, how to get one.
fn empty_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let tokens = scene.tokens;
    match scene.state.ai.has_model(Purpose::Chat) {
        Some(false) => missing_ui(ui, scene),
        Some(true) => {
            controls::paragraph(ui, tokens, strings::CHAT_EMPTY);
            ui.add_space(tokens::GAP);
            controls::paragraph(ui, tokens, strings::CHAT_MENTIONS);
        }
        None => match scene.state.ai.models.error() {
            Some(error) => controls::failure(ui, tokens, error),
            None => drop(ui.spinner()),
        },
    }
}

fn missing_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let tokens = scene.tokens;
    ui.label(RichText::new(strings::NO_MODEL).font(tokens::strong(tokens::TEXT_SIZE)));
    controls::paragraph(ui, tokens, strings::NO_MODEL_MORE);
    ui.add_space(tokens::GAP);
    if controls::primary_button(ui, tokens, strings::MODELS_MORE).clicked() {
        scene.actions.run(AppCommand::ShowModels);
    }
}

/// What is in the way of ghost text.
fn ghosts_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let tokens = scene.tokens;
    if let Some(question) = &scene.state.ai.question {
        controls::card(ui, tokens, |ui| {
            controls::section_head(ui, tokens, strings::GHOSTS);
            ui.label(sentence(&question.error.message));
            controls::paragraph(ui, tokens, strings::GHOSTS_TO_SERVER);
            ui.horizontal(|ui| {
                if controls::primary_button(ui, tokens, strings::SEND_GHOSTS).clicked() {
                    scene.actions.push(Action::Ai(AiAction::ConfirmGhosts(true)));
                }
                if ui.button(strings::SEND_NOTHING).clicked() {
                    scene.actions.push(Action::Ai(AiAction::ConfirmGhosts(false)));
                }
            });
        });
        ui.add_space(tokens::GAP);
    } else if let Some(failure) = scene.state.ai.ghost_failure.as_ref()
        && scene.state.ai.has_model(Purpose::Chat) == Some(true)
    {
        let words = format!("{}: {}", strings::NO_GHOSTS, failure.message);
        controls::paragraph(ui, tokens, &words);
        if let Some(hint) = &failure.hint {
            controls::paragraph(ui, tokens, &sentence(hint));
        }
        if ui.small_button(strings::MODELS_MORE).clicked() {
            scene.actions.run(AppCommand::ShowModels);
        }
        ui.add_space(tokens::GAP);
    }
}

fn turn_ui(ui: &mut Ui, scene: &mut Scene<'_>, index: usize, turn: &Turn) {
    let tokens = scene.tokens;
    controls::card(ui, tokens, |ui| {
        let head = match turn.task {
            Task::Ask => strings::YOU_ASKED,
            Task::Edit => strings::YOU_WANT_LINES,
            Task::Change => strings::YOU_WANT_FILES,
        };
        controls::section_head(ui, tokens, head);
        ui.label(&turn.said);
    });
    ui.add_space(tokens::STEP);
    reading::blocks_ui(ui, scene, &turn.blocks);
    let is_running = scene.state.ai.running().is_some();
    match &turn.reply {
        Reply::Running => running_ui(ui, scene, turn),
        Reply::Stopped => controls::paragraph(ui, tokens, strings::STOPPED),
        Reply::Answer(answer) => answer_ui(ui, scene, answer),
        Reply::Proposal(proposal) => proposal::proposal_ui(ui, scene, index, proposal),
        Reply::Failed(error) if error.kind == ErrorKind::NotConfirmed => {
            ui.label(sentence(&error.message));
            ui.horizontal(|ui| {
                if controls::primary_button(ui, tokens, strings::SEND_IT).clicked() {
                    scene.actions.push(Action::Ai(AiAction::Confirm(index)));
                }
                controls::paragraph(ui, tokens, strings::ONCE_FOR_WORKSPACE);
            });
        }
        Reply::Failed(error) => controls::failure(ui, tokens, error),
    }
    let is_over = !matches!(&turn.reply, Reply::Failed(error) if error.kind == ErrorKind::NotConfirmed);
    let is_last = index + 1 == scene.state.ai.turns.len();
    if is_over && !is_running && is_last && turn.ask.is_some() {
        ui.add_space(tokens::STEP);
        if ui.button(strings::RETRY).clicked() {
            scene.actions.push(Action::Ai(AiAction::Retry(index)));
        }
    }
    ui.add_space(tokens::PADDING);
}

fn running_ui(ui: &mut Ui, scene: &mut Scene<'_>, turn: &Turn) {
    ui.horizontal(|ui| {
        ui.spinner();
        let count = turn.text.chars().count();
        let words = match (turn.task, count) {
            (_, 0) => strings::MODEL_READS.to_owned(),
            (Task::Ask, _) => strings::MODEL_WRITES.to_owned(),
            (_, count) => format!("{} {count} characters", strings::MODEL_WRITES),
        };
        controls::paragraph(ui, scene.tokens, &words);
    });
}

fn answer_ui(ui: &mut Ui, scene: &mut Scene<'_>, answer: &AiAnswer) {
    let tokens = scene.tokens;
    if answer.text.is_empty() {
        controls::paragraph(ui, tokens, strings::NOTHING_SAID);
    }
    if !answer.citations.is_empty() {
        ui.horizontal_wrapped(|ui| {
            for cited in &answer.citations {
                let place = match cited.to_line > cited.line {
                    true => format!("{}:{}-{}", cited.path, cited.line, cited.to_line),
                    false => format!("{}:{}", cited.path, cited.line),
                };
                let text = RichText::new(&place).font(tokens::font(tokens::SMALL_SIZE)).color(tokens.accent);
                if ui.add(eframe::egui::Button::new(text).small()).clicked() {
                    let line = usize::try_from(cited.line.saturating_sub(1)).unwrap_or(0);
                    let (path, place) = (cited.path.clone(), Some((line, 0)));
                    scene.actions.push(Action::OpenFile { path, is_preview: true, place });
                }
            }
        });
    }
    let mut notes = vec![match answer.finish.as_str() {
        "end" | "stop" | "" => answer.model.clone(),
        "max_tokens" | "context_full" | "deadline" | "repeating" => {
            format!("{}, {}", answer.model, strings::CUT_SHORT)
        }
        other => format!("{}, {other}", answer.model),
    }];
    shown_notes(&mut notes, &answer.sources, answer.left_out.as_deref());
    notes_ui(ui, scene, &notes);
}

/// What a model was shown, and what not.
pub(super) fn shown_notes(notes: &mut Vec<String>, sources: &[String], left_out: Option<&str>) {
    if !sources.is_empty() {
        notes.push(format!("{} {}", strings::WAS_SHOWN, sources.join(", ")));
    }
    if let Some(left_out) = left_out {
        notes.push(format!("{} {left_out}", strings::WAS_NOT_SHOWN));
    }
}

pub(super) fn notes_ui(ui: &mut Ui, scene: &Scene<'_>, notes: &[String]) {
    for note in notes {
        let font = tokens::font(tokens::SMALL_SIZE);
        ui.label(RichText::new(note).font(font).color(scene.tokens.muted));
    }
}
