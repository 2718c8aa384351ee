//! Joining with a ticket: what it leads to, where the files go, and the signs to compare.

use std::path::PathBuf;

use eframe::egui::{RichText, Ui};
use weft_node::api::{Existing, JoinPreviewed};

use super::{Scene, editors::progress_ui, first_run};
use crate::{action::Action, controls, link::Ask, state::role_words, strings, tokens};

pub(super) fn join_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    controls::card(ui, scene.tokens, |ui| {
        first_run::back_ui(ui, scene, strings::JOIN);
        let mut ticket = std::mem::take(&mut scene.drafts.ticket);
        let response = controls::field(ui, scene.tokens, strings::TICKET, strings::TICKET_HINT, &mut ticket);
        if std::mem::take(&mut scene.drafts.wants_page_focus) {
            response.request_focus();
        }
        let mut target = std::mem::take(&mut scene.drafts.target);
        first_run::path_field(ui, scene, strings::TARGET_FOLDER, &mut target);
        ui.add_space(tokens::GAP);
        steps_ui(ui, scene, ticket.trim(), target.trim());
        (scene.drafts.ticket, scene.drafts.target) = (ticket, target);
    });
}

fn steps_ui(ui: &mut Ui, scene: &mut Scene<'_>, ticket: &str, target: &str) {
    let pages = &scene.state.pages;
    if pages.join.is_pending() {
        ui.horizontal(|ui| {
            ui.spinner();
            progress_ui(ui, scene.state, strings::JOINING);
        });
        if let Some(preview) = pages.join_preview.value() {
            signs_ui(ui, scene, preview);
        }
        return;
    }
    if pages.join_preview.is_pending() {
        ui.spinner();
        return;
    }
    if let Some(error) = pages.join.error().or(pages.join_preview.error()) {
        controls::failure(ui, scene.tokens, error);
        ui.add_space(tokens::GAP);
    }
    let folder = PathBuf::from(target);
    let is_complete = !ticket.is_empty() && folder.is_absolute();
    match pages.join_preview.value() {
        Some(preview) => {
            preview_ui(ui, scene, preview);
            let is_pressed = ui
                .add_enabled_ui(is_complete, |ui| {
                    controls::primary_button(ui, scene.tokens, strings::JOIN_NOW)
                })
                .inner
                .clicked();
            if is_pressed {
                let (ticket, folder) = (ticket.to_owned(), preview.folder.clone());
                scene.actions.push(Action::Ask(Ask::Join { ticket, folder, existing: Existing::KeepBoth }));
            }
        }
        None => {
            let is_pressed = ui
                .add_enabled_ui(is_complete, |ui| {
                    controls::primary_button(ui, scene.tokens, strings::LOOK_UP)
                })
                .inner
                .clicked();
            if is_pressed {
                // A path that ends with a separator is where a new folder is made.
                let is_parent = target.ends_with(std::path::MAIN_SEPARATOR);
                let (parent, folder) =
                    if is_parent { (folder, None) } else { (folder.clone(), Some(folder)) };
                scene.actions.push(Action::Ask(Ask::JoinPreview {
                    ticket: ticket.to_owned(),
                    folder,
                    parent,
                }));
            }
        }
    }
}

fn preview_ui(ui: &mut Ui, scene: &Scene<'_>, preview: &JoinPreviewed) {
    let inviter = preview.inviter_name.as_deref().unwrap_or("somebody");
    ui.label(RichText::new(format!("“{}” of {inviter}", preview.name)).font(tokens::strong(14.0)));
    let size = preview.bytes as f64 / 1e6;
    let lines = [
        format!("{} files, {size:.1} MB, into {}", preview.files, preview.folder.display()),
        format!("You come as {}: {}", preview.role, role_words(preview.role)),
    ];
    for line in lines {
        controls::paragraph(ui, scene.tokens, &line);
    }
    if preview.here > 0 {
        let line = format!("{} files lie there already; where one differs both are kept", preview.here);
        controls::paragraph(ui, scene.tokens, &line);
    }
    signs_ui(ui, scene, preview);
    ui.add_space(tokens::GAP);
}

fn signs_ui(ui: &mut Ui, scene: &Scene<'_>, preview: &JoinPreviewed) {
    controls::paragraph(ui, scene.tokens, strings::COMPARE_SIGNS);
    controls::signs(ui, &preview.fingerprint);
}
