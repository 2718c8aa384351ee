//! Making this device one of somebody's, with a ticket of another of theirs.

use std::path::PathBuf;

use eframe::egui::{RichText, Ui};
use weft_node::api::DeviceAcceptPreviewed;

use super::{Scene, editors::progress_ui, first_run};
use crate::{action::Action, controls, link::Ask, strings, tokens};

pub(super) fn accept_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    controls::card(ui, scene.tokens, |ui| {
        first_run::back_ui(ui, scene, strings::LINK_DEVICE);
        controls::paragraph(ui, scene.tokens, strings::LINK_DEVICE_MORE);
        ui.add_space(tokens::GAP);
        let mut ticket = std::mem::take(&mut scene.drafts.ticket);
        let response = controls::field(ui, scene.tokens, strings::TICKET, strings::TICKET_HINT, &mut ticket);
        if std::mem::take(&mut scene.drafts.wants_page_focus) {
            response.request_focus();
        }
        let mut target = std::mem::take(&mut scene.drafts.target);
        first_run::path_field(ui, scene, strings::PARENT_FOLDER, &mut target);
        ui.add_space(tokens::GAP);
        steps_ui(ui, scene, ticket.trim(), target.trim());
        (scene.drafts.ticket, scene.drafts.target) = (ticket, target);
    });
}

fn steps_ui(ui: &mut Ui, scene: &mut Scene<'_>, ticket: &str, target: &str) {
    let pages = &scene.state.pages;
    if pages.accept.is_pending() {
        ui.horizontal(|ui| {
            ui.spinner();
            progress_ui(ui, scene.state, strings::LINKING);
        });
        if let Some(preview) = pages.accept_preview.value() {
            signs_ui(ui, scene, preview);
        }
        return;
    }
    if pages.accept_preview.is_pending() {
        ui.spinner();
        return;
    }
    if let Some(error) = pages.accept.error().or(pages.accept_preview.error()) {
        controls::failure(ui, scene.tokens, error);
        ui.add_space(tokens::GAP);
    }
    let parent = PathBuf::from(target);
    let is_complete = !ticket.is_empty() && parent.is_absolute();
    let preview = pages.accept_preview.value();
    if let Some(preview) = preview {
        preview_ui(ui, scene, preview);
    }
    let label = if preview.is_some() { strings::LINK_NOW } else { strings::LOOK_UP };
    let button = ui.add_enabled_ui(is_complete, |ui| controls::primary_button(ui, scene.tokens, label)).inner;
    if button.clicked() {
        let ticket = ticket.to_owned();
        scene.actions.push(Action::Ask(match preview {
            Some(_) => Ask::Accept { ticket, parent },
            None => Ask::AcceptPreview { ticket, parent },
        }));
    }
}

fn preview_ui(ui: &mut Ui, scene: &Scene<'_>, preview: &DeviceAcceptPreviewed) {
    let name = preview.user_name.as_deref().unwrap_or("Somebody");
    let by = preview.by.as_deref().map(|by| format!(", by the ticket of {by}")).unwrap_or_default();
    ui.label(RichText::new(format!("A device of {name}{by}")).font(tokens::strong(14.0)));
    for workspace in &preview.workspaces {
        let size = workspace.bytes as f64 / 1e6;
        let line = format!(
            "“{}”: {} files, {size:.1} MB, into {}",
            workspace.name,
            workspace.files,
            workspace.folder.display()
        );
        controls::paragraph(ui, scene.tokens, &line);
    }
    if preview.workspaces.is_empty() {
        controls::paragraph(ui, scene.tokens, "No workspace comes along yet.");
    }
    signs_ui(ui, scene, preview);
    ui.add_space(tokens::GAP);
}

fn signs_ui(ui: &mut Ui, scene: &Scene<'_>, preview: &DeviceAcceptPreviewed) {
    controls::paragraph(ui, scene.tokens, strings::COMPARE_SIGNS);
    controls::signs(ui, &preview.fingerprint);
}
