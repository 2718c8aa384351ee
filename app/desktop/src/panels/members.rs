//! The people of the workspace, with their devices and what they may do.

use std::time::{SystemTime, UNIX_EPOCH};

use eframe::egui::{ComboBox, RichText, Ui};
use weft_node::api::{Member, Role};

use super::Scene;
use crate::{
    action::Action,
    controls,
    link::Ask,
    state::{ago, role_words},
    strings, tokens,
};

pub(super) fn members_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let members = &scene.state.pages.members;
    if let Some(error) = members.error() {
        controls::failure(ui, scene.tokens, error);
    }
    let Some(list) = members.value() else {
        if members.is_pending() {
            ui.spinner();
        }
        return;
    };
    let own = list.members.iter().find(|member| member.is_me).map_or(Role::Viewer, |member| member.role);
    for member in &list.members {
        member_ui(ui, scene, member, own);
        ui.add_space(tokens::GAP);
    }
    if list.members.len() == 1 {
        controls::paragraph(ui, scene.tokens, strings::ALONE);
    }
}

fn member_ui(ui: &mut Ui, scene: &mut Scene<'_>, member: &Member, own: Role) {
    let name = member.name.clone().unwrap_or_else(|| "Somebody".to_owned());
    controls::card(ui, scene.tokens, |ui| {
        ui.horizontal(|ui| {
            let is_here = member.is_me || member.devices.iter().any(|device| device.last_contact.is_some());
            controls::avatar(ui, scene.tokens, &member.user, &name, is_here);
            let shown = if member.is_me { format!("{name} ({})", strings::YOU) } else { name.clone() };
            ui.label(RichText::new(shown).font(tokens::strong(14.0)));
        });
        let may_change = own >= Role::Admin && !member.is_me && member.role != Role::Owner;
        if may_change {
            role_ui(ui, scene, member);
        } else {
            controls::paragraph(ui, scene.tokens, &format!("{}: {}", member.role, role_words(member.role)));
        }
        for device in &member.devices {
            device_ui(ui, scene, device);
        }
        if may_change {
            put_out_ui(ui, scene, member, &name);
        }
    });
}

fn role_ui(ui: &mut Ui, scene: &mut Scene<'_>, member: &Member) {
    let mut role = member.role;
    let combo = ComboBox::from_id_salt(("role", &member.user))
        .width(200.0)
        .selected_text(role_words(role))
        .show_ui(ui, |ui| {
            for choice in [Role::Viewer, Role::Editor, Role::Admin, Role::Keeper] {
                ui.selectable_value(&mut role, choice, format!("{choice}: {}", role_words(choice)));
            }
        });
    let label = format!("Role of {}", member.name.as_deref().unwrap_or("this person"));
    combo
        .response
        .widget_info(|| eframe::egui::WidgetInfo::labeled(eframe::egui::Role::ComboBox, true, label.clone()));
    if role != member.role {
        scene.actions.push(Action::Ask(Ask::ChangeRole { who: member.user.clone(), role }));
    }
}

fn device_ui(ui: &mut Ui, scene: &Scene<'_>, device: &weft_node::api::MemberDevice) {
    let name = device.name.as_deref().unwrap_or("a device");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64);
    let words = if device.is_this {
        format!("{name}, {}", strings::THIS_DEVICE)
    } else {
        let seen = device
            .last_contact
            .map_or_else(|| "not seen yet".to_owned(), |time| format!("seen {}", ago(time, now)));
        let has = if device.has_all_mine {
            "has all your edits".to_owned()
        } else {
            format!("lacks {} of your edits", device.missing.max(1))
        };
        format!("{name}, {seen}, {has}")
    };
    controls::paragraph(ui, scene.tokens, &words);
}

fn put_out_ui(ui: &mut Ui, scene: &mut Scene<'_>, member: &Member, name: &str) {
    let is_asked = scene.drafts.putting_out.as_deref() == Some(&member.user);
    if !is_asked {
        if ui.small_button(strings::PUT_OUT).clicked() {
            scene.drafts.putting_out = Some(member.user.clone());
        }
        return;
    }
    ui.add_space(tokens::STEP);
    ui.label(RichText::new(format!("Put {name} out?")).color(scene.tokens.warning));
    controls::paragraph(ui, scene.tokens, strings::PUT_OUT_MORE);
    ui.horizontal(|ui| {
        if ui.button(RichText::new(strings::PUT_OUT_NOW).color(scene.tokens.error)).clicked() {
            scene.drafts.putting_out = None;
            scene.actions.push(Action::Ask(Ask::Revoke { who: member.user.clone() }));
        }
        if ui.button(strings::CANCEL).clicked() {
            scene.drafts.putting_out = None;
        }
    });
}
