//! The find bar, in the corner of the text.

use eframe::egui::{Area, Frame, Id, Key, Margin, Modifiers, Order, Rect, RichText, Stroke, Ui, vec2};
use weft_editor::AppCommand;

use super::{Scene, run_when};
use crate::{action::Action, controls, icons::Icon, strings, tokens};

const WIDTH: f32 = 430.0;
const FIELD: f32 = 190.0;

pub(super) fn find_ui(ui: &mut Ui, scene: &mut Scene<'_>, text: Rect) {
    let tokens = scene.tokens;
    let frame = Frame::new()
        .fill(tokens.raised)
        .stroke(Stroke::new(1.0, tokens.border))
        .corner_radius(tokens::CARD_RADIUS)
        .shadow(ui.visuals().popup_shadow)
        .inner_margin(Margin::same(tokens::GAP as i8));
    let width = WIDTH.min(text.width() - 3.0 * tokens::PADDING);
    let corner =
        text.right_top() + vec2(-tokens::SCROLL_BAR - tokens::GAP - width - 2.0 * tokens::GAP, tokens::GAP);
    let area = Area::new(Id::unique("find")).order(Order::Middle).fixed_pos(corner);
    area.show(ui.ctx(), |ui| {
        frame.show(ui, |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.x = 2.0;
            ui.spacing_mut().button_padding = vec2(tokens::STEP, tokens::STEP);
            query_ui(ui, scene);
            if scene.state.find.has_replacement() {
                replacement_ui(ui, scene);
            }
            if let Some(error) = scene.state.find.error() {
                ui.label(RichText::new(error).color(tokens.error));
            }
        });
    });
}

fn query_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let find = &scene.state.find;
    ui.horizontal(|ui| {
        let mut query = find.query().clone();
        let response = controls::bare_field(ui, scene.tokens, strings::FIND, &mut query.text, FIELD);
        if std::mem::take(&mut scene.drafts.wants_find_focus) {
            response.request_focus();
        }
        let is_entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if is_entered {
            let goes_back = ui.input(|input| input.modifiers == Modifiers::SHIFT);
            scene.actions.run(if goes_back { AppCommand::FindPrevious } else { AppCommand::FindNext });
            response.request_focus();
        }
        // The key goes past the switches, to what is to be typed next.
        if response.lost_focus() && find.has_replacement() && pressed(ui, Modifiers::NONE, Key::Tab) {
            scene.drafts.wants_replacement_focus = true;
        }
        let mut changes = query != *find.query();
        for (label, name, is_on) in [
            ("Aa", strings::MATCH_CASE, &mut query.is_case_sensitive),
            ("W", strings::WHOLE_WORD, &mut query.is_whole_word),
            (".*", strings::REGEX, &mut query.is_regex),
        ] {
            if toggle(ui, label, name, *is_on) {
                *is_on = !*is_on;
                changes = true;
            }
        }
        if changes {
            scene.actions.push(Action::SetQuery(query));
        }
        let pressed = toggle(ui, "[ ]", strings::IN_SELECTION, scene.state.find.has_scope());
        run_when(pressed, scene, AppCommand::ToggleFindInSelection);
        count_ui(ui, scene);
        let buttons = [
            (Icon::Up, strings::PREVIOUS, AppCommand::FindPrevious),
            (Icon::Down, strings::NEXT, AppCommand::FindNext),
            (Icon::Close, "Close find", AppCommand::CloseFind),
        ];
        for (icon, label, command) in buttons {
            let pressed = controls::icon_button(ui, scene.tokens, icon, label, false).clicked();
            run_when(pressed, scene, command);
        }
    });
}

/// Whether a key was pressed with exactly these modifiers.
fn pressed(ui: &Ui, modifiers: Modifiers, key: Key) -> bool {
    ui.input(|input| input.key_pressed(key) && input.modifiers == modifiers)
}

/// A small switch with letters on it.
fn toggle(ui: &mut Ui, label: &str, name: &str, is_on: bool) -> bool {
    let text = RichText::new(label).font(tokens::strong(tokens::SMALL_SIZE));
    let response =
        ui.add(eframe::egui::Button::selectable(is_on, text).min_size(vec2(tokens::ROW, tokens::ROW)));
    response
        .widget_info(|| eframe::egui::WidgetInfo::selected(eframe::egui::Role::CheckBox, true, is_on, name));
    response.on_hover_text(name).clicked()
}

fn count_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let find = &scene.state.find;
    let selected = scene.state.folder.as_ref().and_then(|folder| {
        let (document, view) = folder.active()?;
        Some(document.view(view)?.selections().primary().range())
    });
    let (place, count, is_cut) = find.place_of(&selected.unwrap_or(0..0));
    let more = if is_cut { "+" } else { "" };
    let words = match (place, count) {
        _ if find.query().text.is_empty() => String::new(),
        (_, 0) => strings::NO_RESULTS.to_owned(),
        (Some(place), count) => format!("{place} of {count}{more}"),
        (None, count) => format!("{count}{more}"),
    };
    let is_missing = count == 0 && !find.query().text.is_empty();
    let color = if is_missing { scene.tokens.error } else { scene.tokens.muted };
    let room = (ui.available_width() - 3.0 * (tokens::ROW + 2.0)).max(20.0);
    let (rect, _) = ui.allocate_exact_size(vec2(room, tokens::ROW), eframe::egui::Sense::hover());
    controls::line(ui, rect.shrink2(vec2(4.0, 0.0)), &words, tokens::font(tokens::SMALL_SIZE), color);
}

fn replacement_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.horizontal(|ui| {
        let mut text = scene.state.find.replacement().to_owned();
        let response = controls::bare_field(ui, scene.tokens, strings::REPLACE, &mut text, FIELD);
        if std::mem::take(&mut scene.drafts.wants_replacement_focus) {
            response.request_focus();
        }
        if response.lost_focus() && pressed(ui, Modifiers::SHIFT, Key::Tab) {
            scene.drafts.wants_find_focus = true;
            ui.ctx().request_repaint();
        }
        if text != scene.state.find.replacement() {
            scene.actions.push(Action::SetReplacement(text));
        }
        if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
            scene.actions.run(AppCommand::ReplaceOne);
            response.request_focus();
        }
        let pressed = ui.button(strings::REPLACE).clicked();
        run_when(pressed, scene, AppCommand::ReplaceOne);
        let all = ui.button(strings::REPLACE_ALL).on_hover_text("Replace all places");
        run_when(all.clicked(), scene, AppCommand::ReplaceAll);
    });
}
