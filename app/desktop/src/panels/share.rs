//! Inviting people: a ticket, who waits, and what is open.

use eframe::egui::{ComboBox, RichText, ScrollArea, TextEdit, Ui};
use weft_node::api::{Invitation, Newcomer, Role, Shared};

use weft_editor::settings::Value;

use super::Scene;
use crate::{
    action::Action,
    controls,
    link::Ask,
    state::{NodeState, role_words},
    strings, tokens,
};

/// What the next ticket is to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ShareDraft {
    role: Role,
    hours: u32,
    uses: u32,
}

impl Default for ShareDraft {
    fn default() -> Self {
        Self { role: Role::Editor, hours: 24, uses: 1 }
    }
}

/// How long a ticket may work, in hours, with words.
const LASTS: [(u32, &str); 3] = [(1, "1 hour"), (24, "1 day"), (168, "7 days")];

pub(super) fn share_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let own = scene.state.folder.as_ref().and_then(|folder| folder.workspace.value());
    let own = own.map(|status| status.workspace.clone()).unwrap_or_default();
    let all = scene.state.pages.invitations.value().map(|list| list.invitations.clone()).unwrap_or_default();
    let invitations: Vec<Invitation> =
        all.into_iter().filter(|invitation| invitation.workspace == own).collect();
    for invitation in &invitations {
        for newcomer in &invitation.waiting {
            waiting_ui(ui, scene, invitation, newcomer);
        }
    }
    controls::paragraph(ui, scene.tokens, strings::SHARE_EMPTY);
    ui.add_space(tokens::GAP);
    draft_ui(ui, scene);
    ui.add_space(tokens::GAP);
    let share = &scene.state.pages.share;
    if share.is_pending() {
        ui.spinner();
    } else if controls::primary_button(ui, scene.tokens, strings::MAKE_TICKET).clicked() {
        let ShareDraft { role, hours, uses } = scene.drafts.share.clone();
        let expires_seconds = f64::from(hours) * 3_600.0;
        scene.actions.push(Action::Ask(Ask::Share { role, expires_seconds, uses }));
    }
    if let Some(error) = share.error() {
        controls::failure(ui, scene.tokens, error);
    }
    if let Some(shared) = share.value() {
        ui.add_space(tokens::PADDING);
        ticket_ui(ui, scene, shared);
    }
    ui.add_space(tokens::SECTION_GAP);
    open_ui(ui, scene, &invitations);
    ui.add_space(tokens::PADDING);
    reach_ui(ui, scene);
}

/// From where this device can be reached: the local network alone, or a relay too.
fn reach_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    controls::section_head(ui, scene.tokens, strings::REACH);
    let own = scene.state.settings.text("network.relay");
    let (before, mut typed) = (scene.drafts.relay.is_some() || !own.is_empty(), scene.drafts.relay.take());
    let mut has_relay = before;
    ui.radio_value(&mut has_relay, false, strings::REACH_LAN);
    controls::paragraph(ui, scene.tokens, strings::REACH_LAN_MORE);
    ui.radio_value(&mut has_relay, true, strings::REACH_RELAY);
    controls::paragraph(ui, scene.tokens, strings::REACH_RELAY_MORE);
    if !has_relay {
        if !own.is_empty() {
            scene.actions.push(Action::SetSetting("network.relay", Value::Text(String::new())));
        }
        return;
    }
    let mut url = typed.take().unwrap_or_else(|| own.clone());
    controls::field(ui, scene.tokens, strings::RELAY_URL, strings::RELAY_URL_HINT, &mut url);
    let is_url = url.starts_with("https://") || url.starts_with("http://");
    let is_new = url.trim() != own;
    if is_new && ui.add_enabled(is_url, eframe::egui::Button::new(strings::USE_RELAY)).clicked() {
        scene.actions.push(Action::SetSetting("network.relay", Value::Text(url.trim().to_owned())));
    }
    if matches!(scene.state.node, NodeState::Ready { is_own: false }) {
        controls::paragraph(ui, scene.tokens, strings::RELAY_OF_OTHER_NODE);
    }
    scene.drafts.relay = Some(url);
}

fn draft_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let muted = scene.tokens.muted;
    let draft = &mut scene.drafts.share;
    eframe::egui::Grid::new("share").num_columns(2).spacing([tokens::PADDING, tokens::GAP]).show(ui, |ui| {
        let label = ui.label(RichText::new(strings::ROLE).color(muted));
        let combo = ComboBox::from_id_salt("role")
            .width(180.0)
            .selected_text(format!("{}: {}", draft.role, role_words(draft.role)))
            .show_ui(ui, |ui| {
                for role in [Role::Viewer, Role::Editor, Role::Admin, Role::Keeper] {
                    ui.selectable_value(&mut draft.role, role, format!("{role}: {}", role_words(role)));
                }
            });
        combo.response.labelled_by(label.id);
        ui.end_row();
        let label = ui.label(RichText::new(strings::LASTS).color(muted));
        let words = LASTS.iter().find(|(hours, _)| *hours == draft.hours).map_or("", |(_, words)| words);
        let combo = ComboBox::from_id_salt("lasts").width(180.0).selected_text(words).show_ui(ui, |ui| {
            for (hours, words) in LASTS {
                ui.selectable_value(&mut draft.hours, hours, words);
            }
        });
        combo.response.labelled_by(label.id);
        ui.end_row();
        let label = ui.label(RichText::new(strings::USES).color(muted));
        ui.add(eframe::egui::DragValue::new(&mut draft.uses).range(1..=100)).labelled_by(label.id);
        ui.end_row();
    });
}

/// Somebody who has come and must be compared with.
pub(super) fn waiting_ui(ui: &mut Ui, scene: &mut Scene<'_>, invitation: &Invitation, newcomer: &Newcomer) {
    controls::card(ui, scene.tokens, |ui| {
        let name = newcomer.name.as_deref().unwrap_or("Somebody");
        let device =
            newcomer.device_name.as_deref().map(|device| format!(" on {device}")).unwrap_or_default();
        controls::section_head(ui, scene.tokens, strings::WAITING);
        ui.label(RichText::new(format!("{name}{device}")).font(tokens::strong(14.0)));
        controls::paragraph(
            ui,
            scene.tokens,
            &match invitation.workspace.is_empty() {
                true => "As a device of yours. Does it show the same signs?".to_owned(),
                false => format!("As {}. Do both of you see the same signs?", invitation.role),
            },
        );
        controls::signs(ui, &newcomer.fingerprint);
        ui.add_space(tokens::STEP);
        ui.horizontal(|ui| {
            if controls::primary_button(ui, scene.tokens, strings::LET_IN).clicked() {
                scene.actions.push(Action::Ask(Ask::Confirm(newcomer.user.clone())));
            }
            if ui.button(strings::REFUSE).clicked() {
                scene.actions.push(Action::Ask(Ask::Refuse(newcomer.user.clone())));
            }
        });
    });
    ui.add_space(tokens::PADDING);
}

pub(super) fn ticket_ui(ui: &mut Ui, scene: &mut Scene<'_>, shared: &Shared) {
    controls::card(ui, scene.tokens, |ui| {
        controls::section_head(ui, scene.tokens, strings::TICKET);
        let mut text = shared.ticket.as_str();
        ScrollArea::vertical().id_salt("ticket").max_height(72.0).show(ui, |ui| {
            let field = TextEdit::multiline(&mut text)
                .font(eframe::egui::TextStyle::Monospace)
                .desired_rows(3)
                .desired_width(f32::INFINITY);
            let response = ui.add(field);
            let value = shared.ticket.clone();
            response.widget_info(|| {
                let mut info =
                    eframe::egui::WidgetInfo::text_edit(true, value.clone(), value.clone(), strings::TICKET);
                info.label = Some(strings::TICKET.to_owned());
                info
            });
        });
        ui.add_space(tokens::STEP);
        if ui.button(format!("{} the ticket", strings::COPY)).clicked() {
            scene.actions.push(Action::CopyText(shared.ticket.clone()));
        }
        ui.add_space(tokens::STEP);
        ui.vertical_centered(|ui| {
            if controls::qr_code(ui, &shared.ticket, "Ticket as a QR code").is_none() {
                controls::paragraph(ui, scene.tokens, "The ticket is too long for a QR code.");
            }
        });
    });
}

fn open_ui(ui: &mut Ui, scene: &mut Scene<'_>, invitations: &[Invitation]) {
    if let Some(error) = scene.state.pages.invitations.error() {
        controls::failure(ui, scene.tokens, error);
    }
    if invitations.is_empty() {
        return;
    }
    controls::section_head(ui, scene.tokens, strings::OPEN_INVITATIONS);
    for invitation in invitations {
        ui.horizontal_wrapped(|ui| {
            let left = invitation.uses_left;
            let people = if left == 1 { "person" } else { "people" };
            let until = invitation.expires.timestamp().to_string();
            let until = until.get(..16).unwrap_or(&until).replace('T', " ");
            ui.label(format!("{} for {left} {people}, until {until} UTC", invitation.role));
            if ui.small_button(strings::CANCEL).clicked() {
                scene.actions.push(Action::Ask(Ask::CancelInvitation(invitation.id.clone())));
            }
        });
    }
}
