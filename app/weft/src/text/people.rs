//! People: invitations and members.

use weft_node::api::{Invitation, Invitations, MembersList, Newcomer, Revoked, Role, Shared, WallTime};

use super::{
    Look, Tone, age, plain, qr_code, short_id,
    table::Table,
    units::{counted, moment},
    workspace::{lacking, named},
};

pub(crate) fn shared(shared: &Shared, look: &Look) -> String {
    if shared.workspace.is_empty() {
        return link(shared, look);
    }
    let mut text = format!(
        "A ticket for {} to {}, as {}, until {}:\n\n{}\n\n",
        counted(shared.uses.into(), "person").replace("persons", "people"),
        look.paint(Tone::Heading, plain(&shared.name)),
        shared.role,
        moment(shared.expires, look),
        plain(&shared.ticket),
    );
    if look.is_terminal
        && let Some(picture) = qr_code(&shared.ticket, look)
    {
        text.push_str(&picture);
        text.push('\n');
    }
    let command = if shared.role == Role::Keeper { "keep" } else { "join" };
    text.push_str(&format!("On the other device: weft {command} TICKET\n"));
    text.push_str("Whoever has the ticket can ask to join: send it where only they read it.\n");
    text
}

/// A ticket that links a device.
fn link(shared: &Shared, look: &Look) -> String {
    let mut text = format!(
        "A ticket for one more device of yours, until {}:\n\n{}\n\n",
        moment(shared.expires, look),
        plain(&shared.ticket),
    );
    if look.is_terminal
        && let Some(picture) = qr_code(&shared.ticket, look)
    {
        text.push_str(&picture);
        text.push('\n');
    }
    text.push_str("On the other device: weft device accept TICKET\n");
    text.push_str("Whoever has the ticket can ask to be a device of yours: show it to nobody else.\n");
    text
}

/// Some lines about somebody who waits, or a device that does.
pub(crate) fn newcomer(newcomer: &Newcomer, invitation: &Invitation, look: &Look) -> String {
    let wish = if invitation.workspace.is_empty() {
        let device = named(newcomer.device_name.as_ref(), &newcomer.user);
        let user = newcomer.name.as_ref().map_or_else(String::new, |name| format!(" (user {})", plain(name)));
        format!("{}{user} wants to be a device of yours.", look.paint(Tone::Heading, device))
    } else {
        let name = named(newcomer.name.as_ref(), &newcomer.user);
        let device = newcomer.device_name.as_ref().map(|device| format!(" on {}", plain(device)));
        let device = device.unwrap_or_default();
        format!("{}{device} wants to join as {}.", look.paint(Tone::Heading, name), invitation.role)
    };
    format!(
        "{wish}\n  id           {}\n  fingerprint  {}",
        short_id(&newcomer.user),
        plain(&newcomer.fingerprint)
    )
}

pub(crate) fn invitations(list: &Invitations, look: &Look) -> String {
    if list.invitations.is_empty() {
        return "No invitation is open; `weft share` makes one.\n".to_owned();
    }
    list.invitations.iter().map(|invitation| one_invitation(invitation, look)).collect()
}

fn one_invitation(invitation: &Invitation, look: &Look) -> String {
    let what = if invitation.workspace.is_empty() {
        "a device of yours".to_owned()
    } else {
        let name = named(Some(&invitation.workspace_name), &invitation.workspace);
        format!("{name} as {}", invitation.role)
    };
    let mut text = format!(
        "{}  {what}, {} left, until {}\n",
        look.paint(Tone::Heading, short_id(&invitation.id)),
        counted(invitation.uses_left.into(), "use"),
        moment(invitation.expires, look)
    );
    for waiting in &invitation.waiting {
        let lines = newcomer(waiting, invitation, look).replace('\n', "\n  ");
        text.push_str(&format!(
            "  {lines}\n    let in:  weft invitations --confirm {}\n",
            short_id(&waiting.user)
        ));
    }
    text
}

pub(crate) fn members(list: &MembersList, look: &Look) -> String {
    let mut text = String::new();
    for member in &list.members {
        let me = if member.is_me { " (you)" } else { "" };
        text.push_str(&format!(
            "{}{me}, {}  {}\n",
            look.paint(Tone::Heading, named(member.name.as_ref(), &member.user)),
            member.role,
            look.paint(Tone::Faint, short_id(&member.user))
        ));
        let mut rows = Table::default();
        for device in &member.devices {
            rows.row([
                named(device.name.as_ref(), &device.device),
                device_state(
                    device.is_this,
                    (device.has_all_mine, device.missing),
                    device.last_contact,
                    look,
                ),
            ]);
        }
        text.push_str(&rows.render(2));
    }
    text
}

pub(crate) fn revoke_question(revoked: &Revoked, look: &Look) -> String {
    let member = &revoked.member;
    let name = look.paint(Tone::Heading, named(member.name.as_ref(), &member.user));
    match (revoked.only_devices, member.devices.first()) {
        (true, Some(device)) => {
            let device = look.paint(Tone::Heading, named(device.name.as_ref(), &device.device));
            format!("Put out your device {device}?")
        }
        _ => {
            let devices = counted(member.devices.len() as u64, "device");
            format!("Put out {name} ({}, {devices}, {})?", member.role, short_id(&member.user))
        }
    }
}

pub(crate) fn revoked(revoked: &Revoked, look: &Look) -> String {
    let member = &revoked.member;
    let who = match (revoked.only_devices, member.devices.first()) {
        (true, Some(device)) => named(device.name.as_ref(), &device.device),
        _ => named(member.name.as_ref(), &member.user),
    };
    format!(
        "{} {} is out.\n  \
         From now on everything is sealed with a new key, and nothing from there counts. What came from there until now\n  \
         stays. What was read there is known there: a copy of it cannot be called back.\n",
        look.paint(Tone::Good, "✓".to_owned()),
        look.paint(Tone::Heading, who),
    )
}

/// What a device has of ours, and when it was here.
pub(super) fn device_state(
    is_this: bool,
    (has_all_mine, missing): (bool, u64),
    last_contact: Option<WallTime>,
    look: &Look,
) -> String {
    if is_this {
        return "this device".to_owned();
    }
    let holds = match (has_all_mine, missing) {
        (true, _) => look.paint(Tone::Good, "has everything"),
        (false, 0) => "has not said what it has".to_owned(),
        (false, missing) => look.paint(Tone::Warning, lacking(missing, false)),
    };
    match last_contact {
        Some(time) => format!("{holds}, last seen {}", age(time, look)),
        None => format!("{holds}, not connected"),
    }
}
