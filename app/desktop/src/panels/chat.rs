//! The conversation with a model.

use eframe::egui::{
    Frame, Key, KeyboardShortcut, Margin, Modifiers, Panel, RichText, ScrollArea, TextEdit, Ui, WidgetInfo,
    text::{CCursor, CCursorRange},
};
use weft_node::api::{AiAnswer, ErrorKind, Purpose};

use super::{Scene, editors, proposal, reading};
use crate::{
    action::{Action, AiAction},
    controls,
    limits::MENTIONS_MAX,
    shell::selected_lines,
    state::{Folder, Reply, Task, Turn, sentence},
    strings, tokens,
};

/// Rows of the field.
const FIELD_ROWS: usize = 3;

/// What stands in the fields of the page.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChatDraft {
    pub(crate) text: String,
    pub(crate) task: Task,
    pub(crate) wants_focus: bool,
    /// Where a model is to come from.
    pub(crate) place: String,
}

pub(super) fn chat_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let frame = Frame::new().inner_margin(Margin { top: tokens::GAP as i8, ..Margin::ZERO });
    let panel = Panel::bottom("chat field").resizable(false).show_separator_line(false).frame(frame);
    panel.show(ui, |ui| field_ui(ui, scene));
    ScrollArea::vertical().id_salt("chat").auto_shrink([false, false]).stick_to_bottom(true).show(ui, |ui| {
        ui.set_width(ui.available_width() - tokens::GAP);
        ghosts_ui(ui, scene);
        if scene.state.ai.turns.is_empty() {
            empty_ui(ui, scene);
        }
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
    let getting = &scene.state.ai.getting;
    let place = &mut scene.drafts.chat.place;
    controls::field(ui, tokens, strings::MODEL_PLACE, strings::MODEL_PLACE_HINT, place);
    ui.add_space(tokens::STEP);
    if getting.is_pending() {
        ui.horizontal(|ui| {
            ui.spinner();
            editors::progress_ui(ui, scene.state, strings::GETTING_MODEL);
        });
    } else if controls::primary_button(ui, tokens, strings::GET_MODEL).clicked() {
        let place = scene.drafts.chat.place.trim().to_owned();
        if !place.is_empty() {
            scene.actions.push(Action::Ai(AiAction::Get(place)));
        }
    }
    if let Some(error) = getting.error() {
        controls::failure(ui, tokens, error);
    }
    ui.add_space(tokens::GAP);
    controls::paragraph(ui, tokens, strings::NO_MODEL_SERVER);
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
    if is_over && !is_running && index + 1 == scene.state.ai.turns.len() {
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

fn field_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let is_running = scene.state.ai.running().is_some();
    ui.horizontal_wrapped(|ui| {
        for (task, label) in [
            (Task::Ask, strings::TASK_ASK),
            (Task::Edit, strings::TASK_EDIT),
            (Task::Change, strings::TASK_CHANGE),
        ] {
            if ui.selectable_label(scene.drafts.chat.task == task, label).clicked() {
                scene.drafts.chat.task = task;
            }
        }
    });
    if scene.drafts.chat.task == Task::Edit {
        let lines = scene.state.folder.as_ref().and_then(selected_lines);
        let words = match lines {
            Some(lines) if lines.from == lines.to => format!("{}, line {}", lines.path, lines.from),
            Some(lines) => format!("{}, lines {}–{}", lines.path, lines.from, lines.to),
            None => strings::NOTHING_TO_EDIT.to_owned(),
        };
        controls::paragraph(ui, scene.tokens, &words);
    }
    let is_sent = text_ui(ui, scene);
    ui.horizontal(|ui| {
        if is_running {
            if ui.button(strings::STOP).clicked() {
                scene.actions.push(Action::Ai(AiAction::Stop));
            }
        } else if controls::primary_button(ui, scene.tokens, strings::SEND).clicked() || is_sent {
            scene.actions.push(Action::Ai(AiAction::Send));
        }
        if !scene.state.ai.turns.is_empty() && ui.button(strings::FORGET_CHAT).clicked() {
            scene.actions.push(Action::Ai(AiAction::Forget));
        }
    });
}

/// The field and, while a mention is typed, offers for it. Tells whether Enter was pressed.
fn text_ui(ui: &mut Ui, scene: &mut Scene<'_>) -> bool {
    let id = ui.scope_id().with("message");
    let offers =
        scene.state.folder.as_ref().map_or_else(Vec::new, |folder| offers(folder, &scene.drafts.chat.text));
    let has_focus = ui.memory(|memory| memory.has_focus(id));
    let is_tab =
        has_focus && !offers.is_empty() && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Tab));
    let mut chosen = offers.first().filter(|_| is_tab).cloned();
    let is_sent = has_focus && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
    let text = &mut scene.drafts.chat.text;
    let hint = RichText::new(strings::MESSAGE_HINT).color(scene.tokens.faint);
    let edit = TextEdit::multiline(text)
        .id(id)
        .hint_text(hint)
        .desired_rows(FIELD_ROWS)
        .desired_width(f32::INFINITY)
        .lock_focus(!offers.is_empty())
        .return_key(Some(KeyboardShortcut::new(Modifiers::SHIFT, Key::Enter)))
        .margin(Margin::symmetric(8, 5));
    let response = ui.add(edit);
    let value = text.clone();
    response.widget_info(|| {
        let mut info = WidgetInfo::text_edit(true, value.clone(), value.clone(), strings::MESSAGE);
        info.label = Some(strings::MESSAGE.to_owned());
        info
    });
    if std::mem::take(&mut scene.drafts.chat.wants_focus) {
        response.request_focus();
    }
    if has_focus && !offers.is_empty() {
        ui.horizontal_wrapped(|ui| {
            for offer in &offers {
                if ui.small_button(offer).clicked() {
                    chosen = Some(offer.clone());
                }
            }
        });
    }
    if let Some(offer) = chosen {
        let text = &mut scene.drafts.chat.text;
        text.truncate(mention_start(text).unwrap_or(text.len()));
        text.push_str(&offer);
        // A name follows.
        if !offer.ends_with(':') {
            text.push(' ');
        }
        let end = CCursor::new(text.chars().count());
        let mut state = TextEdit::load_state(ui.ctx(), id).unwrap_or_default();
        state.cursor.set_char_range(Some(CCursorRange::one(end)));
        state.store(ui.ctx(), id);
        response.request_focus();
    }
    is_sent
}

/// Where a mention begins that is being typed at the end.
fn mention_start(text: &str) -> Option<usize> {
    let start = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let start = (start..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text[start..].starts_with('@').then_some(start)
}

/// What a mention that is being typed may become.
fn offers(folder: &Folder, text: &str) -> Vec<String> {
    let Some(start) = mention_start(text) else { return Vec::new() };
    let typed = text[start + 1..].to_lowercase();
    let words = ["selection", "diff", "docs", "symbol:"].into_iter().map(str::to_owned);
    let fits = |name: &String| name.to_lowercase().starts_with(&typed);
    let named = |name: &&String| {
        let own = name.rsplit('/').next().unwrap_or(name);
        own.to_lowercase().starts_with(&typed) || name.to_lowercase().starts_with(&typed)
    };
    let files = folder.names.iter().filter(|name| !name.contains(char::is_whitespace));
    let all = words.filter(fits).chain(files.filter(named).cloned());
    let all: Vec<String> = all.take(MENTIONS_MAX).map(|name| format!("@{name}")).collect();
    // What is there already is no offer.
    if all.iter().any(|offer| *offer == text[start..]) { Vec::new() } else { all }
}

#[cfg(test)]
mod tests {
    use super::mention_start;

    #[test]
    fn a_mention_is_the_last_word() {
        for (text, start) in
            [("@", Some(0)), ("what is @sr", Some(8)), ("@a ", None), ("a@b", None), ("", None)]
        {
            assert_eq!(mention_start(text), start, "{text}");
        }
        assert_eq!(mention_start("a\u{2003}@ä"), Some(4));
    }
}
