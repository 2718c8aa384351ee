//! The bar at the bottom: the workspace, who has what, and where the caret is.

use eframe::egui::{Align, Button, Color32, Layout, Rect, RichText, Sense, Ui, Vec2};
use weft_editor::{AppCommand, LineEnding};
use weft_node::api::PresentDevice;

use super::{Scene, run_when};
use crate::{
    action::Action,
    controls,
    icons::{self, Icon},
    limits::DISCS_MAX,
    state::{Folder, NodeState, SyncLevel, sync_words},
    strings, tokens,
};

pub(super) fn status_bar_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let rect = ui.max_rect().expand2(eframe::egui::vec2(tokens::GAP, 0.0));
    controls::edge(ui, rect, scene.tokens, false);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = tokens::STEP;
        ui.style_mut().override_font_id = Some(tokens::font(tokens::SMALL_SIZE));
        ui.spacing_mut().button_padding = eframe::egui::vec2(6.0, 2.0);
        node_ui(ui, scene);
        if let Some(folder) = &scene.state.folder {
            workspace_ui(ui, scene, folder);
        }
        if let Some(chord) = &scene.state.chord {
            ui.label(RichText::new(format!("{chord} …")).color(scene.tokens.accent));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| place_ui(ui, scene));
    });
}

fn dot(ui: &mut Ui, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(12.0), Sense::hover());
    icons::paint(ui.painter(), Icon::Dot, Rect::from_center_size(rect.center(), Vec2::splat(14.0)), color);
}

fn node_ui(ui: &mut Ui, scene: &Scene<'_>) {
    match &scene.state.node {
        NodeState::Starting => drop(ui.label(RichText::new(strings::STARTING).color(scene.tokens.muted))),
        NodeState::Ready { .. } => {}
        NodeState::Missing(error) => {
            dot(ui, scene.tokens.error);
            let text = format!("{}: {}", strings::NO_NODE, error.message);
            let label = ui.label(RichText::new(text).color(scene.tokens.error));
            if let Some(hint) = &error.hint {
                label.on_hover_text(hint);
            }
        }
    }
}

fn flat(ui: &mut Ui, text: RichText) -> eframe::egui::Response {
    ui.add(Button::new(text).frame_when_inactive(false))
}

fn workspace_ui(ui: &mut Ui, scene: &mut Scene<'_>, folder: &Folder) {
    let tokens = scene.tokens;
    let Some(status) = folder.workspace.value() else {
        if folder.is_plain() {
            ui.label(RichText::new(strings::NOT_A_WORKSPACE).color(tokens.muted));
        }
        return;
    };
    let name = RichText::new(format!("{}, {}", status.name, status.role)).color(tokens.text);
    let pressed = flat(ui, name).on_hover_text(strings::MEMBERS).clicked();
    run_when(pressed, scene, AppCommand::ShowMembers);
    let (words, level) = sync_words(status);
    let color = match level {
        SyncLevel::Good => tokens.success,
        SyncLevel::Working => tokens.warning,
        SyncLevel::Problem => tokens.error,
    };
    dot(ui, color);
    let pressed =
        flat(ui, RichText::new(words).color(tokens.muted)).on_hover_text(strings::SYNC_STATE).clicked();
    run_when(pressed, scene, AppCommand::ShowSyncState);
    if scene.state.ai.page.is_local_only() {
        let words = RichText::new(strings::AI_LOCAL_BADGE).color(tokens.muted);
        let pressed = flat(ui, words).on_hover_text(strings::AI_LOCAL_BADGE_MORE).clicked();
        run_when(pressed, scene, AppCommand::ShowModels);
    }
    present_ui(ui, scene, folder);
}

/// Who is connected; a click goes where they are and stays with them.
fn present_ui(ui: &mut Ui, scene: &mut Scene<'_>, folder: &Folder) {
    let followed = folder.following.as_ref().map(|following| following.device.as_str());
    for device in folder.present.iter().take(DISCS_MAX) {
        let is_followed = followed == Some(device.device.as_str());
        let name = name_of(device);
        let response = controls::person_button(ui, scene.tokens, &device.user, &name, is_followed);
        let place = match &device.file {
            Some(file) => format!("{name} is in {file}"),
            None => format!("{name} is here"),
        };
        let more = if is_followed { "Click to stop following" } else { "Click to follow" };
        if response.on_hover_text(format!("{place}\n{more}")).clicked() {
            scene.actions.push(Action::Follow(device.device.clone()));
        }
    }
    if folder.present.len() > DISCS_MAX {
        ui.label(format!("+{}", folder.present.len() - DISCS_MAX));
    }
    if let Some(device) = folder.present.iter().find(|one| followed == Some(one.device.as_str())) {
        let color = scene.tokens.person(&device.user);
        ui.label(RichText::new(format!("{} {}", strings::FOLLOWING, name_of(device))).color(color));
    }
}

/// What somebody is called who is here: another device of one's own by its own name.
fn name_of(device: &PresentDevice) -> String {
    let names = match device.is_own {
        true => [&device.device_name, &device.user_name],
        false => [&device.user_name, &device.device_name],
    };
    names.into_iter().flatten().next().cloned().unwrap_or_else(|| strings::SOMEBODY.to_owned())
}

/// From right to left.
fn place_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some((document, view)) = scene.state.folder.as_ref().and_then(Folder::active) else { return };
    let Some(view) = document.view(view) else { return };
    let color = scene.tokens.muted;
    let ending = match document.buffer().line_ending() {
        LineEnding::Lf => "LF",
        LineEnding::CrLf => "CRLF",
    };
    ui.label(RichText::new(ending).color(color));
    ui.add_space(tokens::STEP);
    let language = document.language().name;
    let language = if language.is_empty() { strings::PLAIN_TEXT } else { language };
    let pressed = flat(ui, RichText::new(language).color(color)).clicked();
    run_when(pressed, scene, AppCommand::SelectLanguage);
    ui.add_space(tokens::STEP);
    let settings = document.settings();
    let kind = if settings.insert_spaces { "Spaces" } else { "Tabs" };
    ui.label(RichText::new(format!("{kind}: {}", settings.tab_size)).color(color));
    ui.add_space(tokens::STEP);
    let selections = view.selections();
    let head = selections.primary().head;
    let line = document.buffer().line_of(head);
    let column = head.0 - document.buffer().line_start(line).0 + 1;
    let mut place = format!("Line {}, column {column}", line.0 + 1);
    let selected: usize = selections.all().iter().map(|one| one.range().len()).sum();
    if selections.count() > 1 {
        place = format!("{} cursors", selections.count());
    }
    if selected > 0 {
        place = format!("{place} ({selected} selected)");
    }
    let pressed = flat(ui, RichText::new(place).color(color)).on_hover_text("Go to line").clicked();
    run_when(pressed, scene, AppCommand::GoToLine);
    if let Some(reason) = scene.state.folder.as_ref().and_then(Folder::local) {
        let (word, title, hint) = crate::state::local_words(reason);
        let label = ui.label(RichText::new(word).color(scene.tokens.warning));
        label.on_hover_text(format!("{title}: {hint}"));
    } else if !scene.state.folder.as_ref().is_none_or(Folder::may_edit) {
        ui.label(RichText::new("Read only").color(scene.tokens.warning));
    }
}
