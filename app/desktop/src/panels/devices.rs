//! This person's devices: which there are, linking another one, and the words that bring everything back.

use std::time::{SystemTime, UNIX_EPOCH};

use eframe::egui::{Grid, RichText, TextEdit, Ui};
use weft_node::api::{Invitation, OwnDevice, OwnDevices, RecoveryWords, UserKeyPlace, Words};

use super::{Scene, share};
use crate::{action::Action, controls, icons::Icon, link::Ask, state::ago, strings, tokens};

pub(super) fn devices_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let pages = &scene.state.pages;
    let waiting: Vec<Invitation> = pages.invitations.value().map(of_devices).unwrap_or_default();
    for invitation in &waiting {
        for newcomer in &invitation.waiting {
            share::waiting_ui(ui, scene, invitation, newcomer);
        }
    }
    if let Some(error) = pages.devices.error() {
        controls::failure(ui, scene.tokens, error);
    }
    let Some(devices) = pages.devices.value() else {
        if pages.devices.is_pending() {
            ui.spinner();
        }
        return;
    };
    for device in &devices.devices {
        device_ui(ui, scene, device);
        ui.add_space(tokens::STEP);
    }
    ui.add_space(tokens::GAP);
    link_ui(ui, scene);
    ui.add_space(tokens::SECTION_GAP);
    key_ui(ui, scene, devices);
}

/// Invitations of devices, which name no workspace.
fn of_devices(list: &weft_node::api::Invitations) -> Vec<Invitation> {
    list.invitations.iter().filter(|invitation| invitation.workspace.is_empty()).cloned().collect()
}

fn device_ui(ui: &mut Ui, scene: &mut Scene<'_>, device: &OwnDevice) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64);
    let name = device.name.as_deref().unwrap_or("A device").to_owned();
    controls::card(ui, scene.tokens, |ui| {
        ui.horizontal(|ui| {
            controls::icon(ui, Icon::Device, scene.tokens.accent);
            let this = if device.is_this { format!(" ({})", strings::THIS_DEVICE) } else { String::new() };
            ui.label(RichText::new(format!("{name}{this}")).font(tokens::strong(14.0)));
        });
        if !device.is_this {
            let seen = device.last_contact.map_or_else(
                || "Not seen since Weft was started".to_owned(),
                |time| format!("Seen {}", ago(time, now)),
            );
            let has = match device.has_all_mine {
                true => "has all your edits".to_owned(),
                false => format!("lacks {} of your edits", device.missing.max(1)),
            };
            controls::paragraph(ui, scene.tokens, &format!("{seen}, {has}"));
        }
        if !device.workspaces.is_empty() {
            controls::paragraph(ui, scene.tokens, &format!("In {}", device.workspaces.join(", ")));
        }
        if !device.is_this
            && scene.state.folder.as_ref().is_some_and(|folder| folder.workspace.value().is_some())
        {
            put_out_ui(ui, scene, device, &name);
        }
    });
}

fn put_out_ui(ui: &mut Ui, scene: &mut Scene<'_>, device: &OwnDevice, name: &str) {
    if scene.drafts.putting_out.as_deref() != Some(&device.device) {
        if ui.small_button(strings::PUT_OUT).clicked() {
            scene.drafts.putting_out = Some(device.device.clone());
        }
        return;
    }
    ui.label(RichText::new(format!("Put {name} out?")).color(scene.tokens.warning));
    controls::paragraph(ui, scene.tokens, strings::PUT_OUT_DEVICE_MORE);
    ui.horizontal(|ui| {
        if ui.button(RichText::new(strings::PUT_OUT_NOW).color(scene.tokens.error)).clicked() {
            scene.drafts.putting_out = None;
            scene.actions.push(Action::Ask(Ask::Revoke { who: device.device.clone() }));
        }
        if ui.button(strings::CANCEL).clicked() {
            scene.drafts.putting_out = None;
        }
    });
}

fn link_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let ticket = &scene.state.pages.link_ticket;
    controls::section_head(ui, scene.tokens, strings::LINK_ANOTHER);
    controls::paragraph(ui, scene.tokens, strings::LINK_ANOTHER_MORE);
    ui.add_space(tokens::STEP);
    if ticket.is_pending() {
        ui.spinner();
    } else if controls::primary_button(ui, scene.tokens, strings::LINK_ANOTHER_NOW).clicked() {
        scene.actions.push(Action::Ask(Ask::LinkDevice));
    }
    if let Some(error) = ticket.error() {
        controls::failure(ui, scene.tokens, error);
    }
    if let Some(shared) = ticket.value() {
        ui.add_space(tokens::GAP);
        share::ticket_ui(ui, scene, shared);
    }
}

/// Where the person's own key lies, and the words.
fn key_ui(ui: &mut Ui, scene: &mut Scene<'_>, devices: &OwnDevices) {
    controls::section_head(ui, scene.tokens, strings::RECOVERY);
    let words = match devices.user_key {
        UserKeyPlace::Here => strings::KEY_HERE,
        UserKeyPlace::HereAndOnPaper => strings::KEY_HERE_AND_PAPER,
        UserKeyPlace::Paper => strings::KEY_ON_PAPER,
        UserKeyPlace::Elsewhere => strings::KEY_ELSEWHERE,
    };
    controls::paragraph(ui, scene.tokens, words);
    if !matches!(devices.user_key, UserKeyPlace::Here | UserKeyPlace::HereAndOnPaper) {
        return;
    }
    ui.add_space(tokens::STEP);
    let pages = &scene.state.pages;
    if let Some(error) = pages.words.error() {
        controls::failure(ui, scene.tokens, error);
    }
    match pages.words.value() {
        Some(words) => words_ui(ui, scene, words, devices.user_key),
        None if pages.words.is_pending() => drop(ui.spinner()),
        None => {
            if ui.button(strings::SHOW_WORDS).clicked() {
                scene.actions.push(Action::Ask(Ask::RecoveryWords));
            }
        }
    }
}

fn words_ui(ui: &mut Ui, scene: &mut Scene<'_>, words: &RecoveryWords, place: UserKeyPlace) {
    controls::card(ui, scene.tokens, |ui| {
        let muted = scene.tokens.muted;
        Grid::new("words").num_columns(3).spacing([tokens::SECTION_GAP, tokens::STEP]).show(ui, |ui| {
            let rows = words.words.len().div_ceil(3);
            for row in 0..rows {
                for index in (row..words.words.len()).step_by(rows) {
                    let number = RichText::new(format!("{:2}", index + 1)).monospace().color(muted);
                    ui.horizontal(|ui| {
                        ui.label(number);
                        ui.label(RichText::new(&words.words[index].0).monospace());
                    });
                }
                ui.end_row();
            }
        });
    });
    controls::paragraph(ui, scene.tokens, strings::WORDS_MORE);
    ui.add_space(tokens::GAP);
    let mut typed = std::mem::take(&mut scene.drafts.words);
    let label = ui.label(RichText::new(strings::CHECK_WORDS).color(scene.tokens.muted));
    let field = TextEdit::multiline(&mut typed).desired_rows(3).desired_width(f32::INFINITY);
    ui.add(field).labelled_by(label.id);
    let checked = &scene.state.pages.checked_words;
    if let Some(error) = checked.error() {
        controls::failure(ui, scene.tokens, error);
    }
    if checked.value().is_some() {
        ui.label(RichText::new(strings::WORDS_ARE_RIGHT).color(scene.tokens.success));
    }
    let is_typed = !typed.trim().is_empty();
    if ui.add_enabled(is_typed, eframe::egui::Button::new(strings::CHECK)).clicked() {
        scene.actions.push(Action::Ask(Ask::CheckWords(Words(typed.trim().to_owned()))));
    }
    scene.drafts.words = typed;
    if place == UserKeyPlace::HereAndOnPaper {
        paper_only_ui(ui, scene);
    }
}

fn paper_only_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.add_space(tokens::GAP);
    controls::paragraph(ui, scene.tokens, strings::PAPER_ONLY_MORE);
    if !scene.drafts.taking_key_off {
        scene.drafts.taking_key_off = ui.button(strings::PAPER_ONLY).clicked();
        return;
    }
    ui.horizontal(|ui| {
        if ui.button(RichText::new(strings::PAPER_ONLY_NOW).color(scene.tokens.error)).clicked() {
            scene.drafts.taking_key_off = false;
            scene.actions.push(Action::Ask(Ask::PaperOnly));
        }
        if ui.button(strings::CANCEL).clicked() {
            scene.drafts.taking_key_off = false;
        }
    });
}
