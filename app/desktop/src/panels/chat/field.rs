//! The field of the chat: what is wanted, of which model, and offers for what is being typed.

use eframe::egui::{
    ComboBox, Key, KeyboardShortcut, Margin, Modifiers, RichText, TextEdit, Ui, WidgetInfo,
    text::{CCursor, CCursorRange},
};
use weft_node::api::{AiTemplateList, Purpose};

use super::super::Scene;
use crate::{
    action::{Action, AiAction},
    controls,
    limits::MENTIONS_MAX,
    shell::selected_lines,
    state::{Folder, Task},
    strings,
};

/// Rows of the field.
const FIELD_ROWS: usize = 3;
/// The width of the list of models.
const MODELS_WIDTH: f32 = 180.0;

pub(super) fn field_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
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
    ui.horizontal_wrapped(|ui| {
        if is_running {
            if ui.button(strings::STOP).clicked() {
                scene.actions.push(Action::Ai(AiAction::Stop));
            }
        } else if scene.state.ai.waiting.is_some() {
            if ui.button(strings::STOP).clicked() {
                scene.actions.push(Action::Ai(AiAction::Stop));
            }
            ui.spinner();
            controls::paragraph(ui, scene.tokens, strings::WAITS_FOR_EDITS);
        } else if controls::primary_button(ui, scene.tokens, strings::SEND).clicked() || is_sent {
            scene.actions.push(Action::Ai(AiAction::Send));
        }
        model_ui(ui, scene);
    });
}

/// Which model answers.
fn model_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let ai = &scene.state.ai;
    let offered = ai.asked_for(Purpose::Chat);
    if offered.is_empty() {
        return;
    }
    let usual = match ai.chosen_for(Purpose::Chat) {
        Some(id) => format!("{id} ({})", strings::USUAL_MODEL),
        None => strings::NO_USUAL_MODEL.to_owned(),
    };
    let before = ai.chat_model.clone();
    let mut chosen = before.clone();
    let shown = chosen.clone().unwrap_or_else(|| usual.clone());
    // In the room that there is the name alone.
    let short =
        chosen.as_deref().or(ai.chosen_for(Purpose::Chat)).unwrap_or(strings::NO_USUAL_MODEL).to_owned();
    let combo = ComboBox::from_id_salt("chat model").width(MODELS_WIDTH).truncate().selected_text(short);
    let combo = combo.show_ui(ui, |ui| {
        ui.selectable_value(&mut chosen, None, usual.as_str());
        for id in &offered {
            ui.selectable_value(&mut chosen, Some(id.clone()), id);
        }
        ui.separator();
        if ui.button(strings::MODELS_MORE).clicked() {
            scene.actions.run(weft_editor::AppCommand::ShowModels);
        }
    });
    let label = format!("{}: {shown}", strings::ANSWERED_BY);
    combo.response.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::ComboBox, true, label.clone()));
    if chosen != before {
        scene.actions.push(Action::Ai(AiAction::AnswerWith(chosen)));
    }
}

/// The field and, while a mention or a template is typed, offers for it. Tells whether Enter was pressed.
fn text_ui(ui: &mut Ui, scene: &mut Scene<'_>) -> bool {
    let id = ui.scope_id().with("message");
    let caret = caret_in(ui, id, &scene.drafts.chat.text);
    let word = Word::at(&scene.drafts.chat.text, caret);
    let offers = word.map_or_else(Vec::new, |word| {
        let templates = scene.state.ai.page.templates.value();
        offers(scene.state.folder.as_ref(), templates, &scene.drafts.chat.text, word)
    });
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
        // What stands there already is gone on with.
        set_caret(ui, id, value.chars().count());
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
    if let Some((offer, word)) = chosen.zip(word) {
        let behind = word.take(&mut scene.drafts.chat.text, &offer);
        set_caret(ui, id, behind);
        response.request_focus();
    }
    is_sent
}

/// The caret of the field, in characters: at the end while it was never in it.
fn caret_in(ui: &Ui, id: eframe::egui::Id, text: &str) -> usize {
    let range = TextEdit::load_state(ui.ctx(), id).and_then(|state| state.cursor.char_range());
    let count = text.chars().count();
    range.map_or(count, |range| range.primary.index.0.min(count))
}

fn set_caret(ui: &Ui, id: eframe::egui::Id, at: usize) {
    let mut state = TextEdit::load_state(ui.ctx(), id).unwrap_or_default();
    state.cursor.set_char_range(Some(CCursorRange::one(CCursor::new(at))));
    state.store(ui.ctx(), id);
}

/// The word at the caret that something is offered for: its start, the caret and its end, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word {
    start: usize,
    caret: usize,
    end: usize,
}

impl Word {
    /// A mention anywhere, and the name of a template at the start.
    fn at(text: &str, caret: usize) -> Option<Self> {
        let caret = text.char_indices().nth(caret).map_or(text.len(), |(at, _)| at);
        let before = text[..caret].char_indices().rev().find(|(_, letter)| letter.is_whitespace());
        let start = before.map_or(0, |(at, letter)| at + letter.len_utf8());
        let end = text[caret..].find(char::is_whitespace).map_or(text.len(), |at| caret + at);
        let word = &text[start..];
        let is_template = text[..start].trim().is_empty() && word.starts_with('/');
        (caret > start && (word.starts_with('@') || is_template)).then_some(Self { start, caret, end })
    }

    /// Puts an offer in its place. Gives where the caret is then, in characters.
    fn take(self, text: &mut String, offer: &str) -> usize {
        // What stands behind the caret goes as far as it is the same word.
        let whole = &text[self.start + 1..self.end];
        let own = offer.rsplit('/').next().unwrap_or(offer);
        let end = if offer[1..].starts_with(whole) || own.starts_with(whole) { self.end } else { self.caret };
        // A name follows a colon.
        let has_space = text[end..].starts_with(char::is_whitespace);
        let space = if offer.ends_with(':') || has_space { "" } else { " " };
        text.replace_range(self.start..end, &format!("{offer}{space}"));
        let behind = text[..self.start + offer.len() + space.len()].chars().count();
        behind + usize::from(has_space && !offer.ends_with(':'))
    }
}

/// What a word that is being typed may become.
fn offers(
    folder: Option<&Folder>,
    templates: Option<&AiTemplateList>,
    text: &str,
    word: Word,
) -> Vec<String> {
    let typed = &text[word.start..word.caret];
    let all: Vec<String> = match typed.strip_prefix('/') {
        Some(name) => {
            let list = templates.map(|list| list.templates.as_slice()).unwrap_or_default();
            let fitting = list.iter().filter(|template| template.name.starts_with(name));
            fitting.map(|template| format!("/{}", template.name)).collect()
        }
        None => folder.map_or_else(Vec::new, |folder| mentions(folder, &typed[1..])),
    };
    // What is there already is no offer.
    let whole = &text[word.start..word.end];
    if all.iter().any(|offer| offer == whole) { Vec::new() } else { all }
}

fn mentions(folder: &Folder, typed: &str) -> Vec<String> {
    let typed = typed.to_lowercase();
    let words = ["selection", "diff", "docs", "symbol:"].into_iter().map(str::to_owned);
    let fits = |name: &String| name.to_lowercase().starts_with(&typed);
    let named = |name: &&String| {
        let own = name.rsplit('/').next().unwrap_or(name);
        own.to_lowercase().starts_with(&typed) || name.to_lowercase().starts_with(&typed)
    };
    let files = folder.names.iter().filter(|name| !name.contains(char::is_whitespace));
    let all = words.filter(fits).chain(files.filter(named).cloned());
    all.take(MENTIONS_MAX).map(|name| format!("@{name}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The word at `|`.
    fn word(text: &str) -> Option<(String, String)> {
        let caret = text.chars().position(|letter| letter == '|').unwrap();
        let text = text.replacen('|', "", 1);
        let word = Word::at(&text, caret)?;
        Some((text[word.start..word.caret].to_owned(), text[word.start..word.end].to_owned()))
    }

    #[test]
    fn the_word_at_the_caret_is_meant() {
        let some = |typed: &str, whole: &str| Some((typed.to_owned(), whole.to_owned()));
        for (text, found) in [
            ("@|", some("@", "@")),
            ("what is @sr|", some("@sr", "@sr")),
            ("what is @sr| here?", some("@sr", "@sr")),
            ("what is @s|rc here?", some("@s", "@src")),
            ("what is |@src", None),
            ("@a |", None),
            ("a@b|", None),
            ("|", None),
            ("a\u{2003}@ä|", some("@ä", "@ä")),
            ("/ex|", some("/ex", "/ex")),
            (" /ex|plain it", some("/ex", "/explain")),
            ("see /ex|", None),
        ] {
            assert_eq!(word(text), found, "{text}");
        }
    }

    #[test]
    fn an_offer_takes_the_place_of_the_word() {
        for (text, offer, left) in [
            ("see @m| please", "@src/ä.rs", "see @src/ä.rs |please"),
            ("see @m|ai", "@main.rs", "see @main.rs |"),
            ("see @m|ai", "@src/main.rs", "see @src/main.rs |"),
            ("see @m|that", "@main.rs", "see @main.rs |that"),
            ("@sy| x", "@symbol:", "@symbol:| x"),
            ("/e|", "/explain", "/explain |"),
        ] {
            let caret = text.chars().position(|letter| letter == '|').unwrap();
            let mut typed = text.replacen('|', "", 1);
            let at = Word::at(&typed, caret).unwrap().take(&mut typed, offer);
            let place = typed.char_indices().nth(at).map_or(typed.len(), |(at, _)| at);
            typed.insert(place, '|');
            assert_eq!(typed, left);
        }
    }
}
