//! The bar at the top: menus, the folder, who is here, and sharing.

use eframe::egui::{Align, Layout, RichText, Sense, Ui};
use weft_editor::AppCommand;

use super::{Scene, menus, run_when};
use crate::{controls, icons::Icon, limits::DISCS_MAX, state::Page, strings, tokens};

pub(super) fn top_bar_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let rect = ui.max_rect().expand2(eframe::egui::vec2(tokens::GAP, 0.0));
    controls::edge(ui, rect, scene.tokens, true);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = tokens::STEP;
        ui.spacing_mut().button_padding = eframe::egui::vec2(tokens::GAP, tokens::STEP);
        if scene.state.folder.is_some() {
            let is_on = scene.state.shows_side_bar;
            let pressed =
                controls::icon_button(ui, scene.tokens, Icon::SideBar, "Toggle side bar", is_on).clicked();
            run_when(pressed, scene, AppCommand::ToggleSideBar);
        }
        menus::menus_ui(ui, scene);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| right_ui(ui, scene));
    });
}

fn right_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(folder) = &scene.state.folder else { return };
    let is_shared = folder.workspace.value().is_some();
    if is_shared {
        let pressed = controls::primary_button(ui, scene.tokens, strings::SHARE_MORE).clicked();
        run_when(pressed, scene, AppCommand::Share);
    }
    let open = scene.state.pages.open;
    let buttons = [
        (Icon::Settings, "Show settings", Page::Settings, AppCommand::OpenSettings, true),
        (Icon::History, "Show history", Page::History, AppCommand::ShowHistory, is_shared),
        (Icon::Chat, "Show chat", Page::Chat, AppCommand::ToggleChat, true),
        (Icon::People, "Show members", Page::Members, AppCommand::ShowMembers, is_shared),
    ];
    for (icon, label, page, command, is_shown) in buttons {
        if is_shown {
            let pressed = controls::icon_button(ui, scene.tokens, icon, label, open == Some(page)).clicked();
            run_when(pressed, scene, command);
        }
    }
    people_ui(ui, scene);
    let room = ui.available_width();
    if room > 120.0 {
        let text = RichText::new(folder_name(scene)).color(scene.tokens.muted);
        let label = eframe::egui::Label::new(text).truncate().sense(Sense::hover());
        ui.with_layout(Layout::centered_and_justified(eframe::egui::Direction::LeftToRight), |ui| {
            ui.add(label)
        });
    }
}

fn folder_name(scene: &Scene<'_>) -> String {
    scene.state.folder.as_ref().map(crate::state::Folder::name).unwrap_or_default()
}

/// The others, each once whatever the number of their devices, those who are here first.
fn people_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let status = scene.state.folder.as_ref().and_then(|folder| folder.workspace.value());
    let Some(status) = status else { return };
    let mut people: Vec<(&str, String, bool)> = Vec::new();
    for peer in &status.peers {
        let name = peer.user_name.clone().or_else(|| peer.device_name.clone()).unwrap_or_default();
        match people.iter_mut().find(|(user, _, _)| *user == peer.user) {
            Some(person) => person.2 |= peer.connected,
            None => people.push((&peer.user, name, peer.connected)),
        }
    }
    people.sort_by_key(|(user, _, is_here)| (!is_here, *user));
    if !people.is_empty() {
        ui.add_space(tokens::GAP);
    }
    for (user, name, is_here) in people.iter().take(DISCS_MAX) {
        controls::avatar(ui, scene.tokens, user, name, *is_here);
    }
    if people.len() > DISCS_MAX {
        ui.label(format!("+{}", people.len() - DISCS_MAX));
    }
}
