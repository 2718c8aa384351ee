//! Devices of one person.

use weft_node::api::{
    DeviceAcceptPreviewed, DeviceAccepted, OwnDevice, OwnDevices, RecoveryChecked, RecoveryKept,
    RecoveryUnlocked, RecoveryWords, UserKeyPlace,
};

use super::{
    Look, Tone, bytes,
    people::device_state,
    plain,
    table::Table,
    units::counted,
    workspace::{joined, named, notes},
};

pub(crate) fn accept_preview(preview: &DeviceAcceptPreviewed, look: &Look) -> String {
    let user = named(preview.user_name.as_ref(), &preview.user);
    let by = preview.by.as_ref().map(|by| format!(", by {}", plain(by))).unwrap_or_default();
    let mut text = format!("This device becomes one of those of {}{by}.\n", look.paint(Tone::Heading, user));
    text.push_str(&format!("  its signs   {}\n", plain(&preview.fingerprint)));
    if preview.workspaces.is_empty() {
        text.push_str("  There is no workspace to come along yet.\n");
        return text;
    }
    let mut rows = Table::default();
    for workspace in &preview.workspaces {
        rows.row([
            look.paint(Tone::Heading, named(Some(&workspace.name), &workspace.workspace)),
            format!("{}, {}", counted(workspace.files, "file"), bytes(workspace.bytes)),
            plain(&workspace.folder.display().to_string()),
        ]);
    }
    text.push_str(&rows.render(2));
    text
}

pub(crate) fn accepted(accepted: &DeviceAccepted, look: &Look) -> String {
    let user = named(accepted.user_name.as_ref(), &accepted.user);
    let mut text = format!(
        "{} This device is one of those of {}.\n",
        look.paint(Tone::Good, "✓"),
        look.paint(Tone::Heading, user)
    );
    for workspace in &accepted.workspaces {
        text.push_str(&joined(workspace, look));
    }
    if accepted.workspaces.is_empty() {
        text.push_str("  No workspace came along; `weft init` or `weft join` makes the first one.\n");
    }
    text
}

pub(crate) fn own_devices(list: &OwnDevices, look: &Look) -> String {
    let mut rows = Table::default();
    for device in &list.devices {
        rows.row([
            look.paint(Tone::Heading, named(device.name.as_ref(), &device.device)),
            state(device, look),
            workspaces(device),
        ]);
    }
    let mut text = rows.render(0);
    text.push('\n');
    text.push_str(match list.user_key {
        UserKeyPlace::Here => {
            "Your personal key lies on this device only: who has it is you. `weft device recovery` shows it as 24 words\n\
             to write down; with them everything comes back when all devices are gone.\n"
        }
        UserKeyPlace::HereAndOnPaper => {
            "Your personal key lies on this device, and its 24 words on paper. `weft device recovery --paper-only`\n\
             takes it off this device.\n"
        }
        UserKeyPlace::Paper => "Your personal key lies on no device: it is the 24 words on paper.\n",
        UserKeyPlace::Elsewhere => {
            "Your personal key does not lie on this device: it is on your first one, or on paper.\n"
        }
    });
    text
}

pub(crate) fn recovery_words(words: &RecoveryWords, look: &Look) -> String {
    const COLUMNS: usize = 4;
    let mut text =
        "Write these 24 words down on paper, in this order. Whoever has them is you, for ever.\n\n"
            .to_owned();
    let rows = words.words.len().div_ceil(COLUMNS);
    for row in 0..rows {
        for column in 0..COLUMNS {
            let at = column * rows + row;
            let Some(word) = words.words.get(at) else { continue };
            let number = look.paint(Tone::Faint, format!("{:>4}", at + 1));
            let gap = if column + 1 < COLUMNS {
                " ".repeat(12_usize.saturating_sub(word.0.len()))
            } else {
                String::new()
            };
            text.push_str(&format!("{number}  {}{gap}", plain(&word.0)));
        }
        text.push('\n');
    }
    text.push_str("\nThen see that they are right: weft device recovery --check\n");
    if words.keepers.is_empty() {
        text.push_str(
            "Nobody else holds your workspaces yet: the words bring back who you are, and a keeper or another member the \
             files.\n",
        );
    } else {
        text.push_str("With them comes everything back from any of these; write one down as well:\n");
        for keeper in &words.keepers {
            text.push_str(&format!("  {}\n", plain(keeper)));
        }
    }
    text
}

pub(crate) fn recovery_checked(_checked: &RecoveryChecked, look: &Look) -> String {
    format!(
        "{} The words are right.\n  `weft device recovery --paper-only` takes the key off this device, if the paper is to be its \
         only place.\n",
        look.paint(Tone::Good, "✓")
    )
}

pub(crate) fn recovery_kept(_kept: &RecoveryKept, look: &Look) -> String {
    format!(
        "{} Your personal key lies on this device no more: it is the 24 words on paper.\n  To put a lost device out, and to \
         come back when all devices are gone, you need them.\n",
        look.paint(Tone::Good, "✓")
    )
}

pub(crate) fn recovery_unlocked(unlocked: &RecoveryUnlocked, look: &Look) -> String {
    let done = match unlocked.was_there {
        true => {
            format!("The words are right, and {} opens the data already: nothing was changed.", unlocked.slot)
        }
        false => format!("The words have opened the data. From now on {} opens it again.", unlocked.slot),
    };
    format!("{} {done}\n{}", look.paint(Tone::Good, "✓"), notes(&unlocked.notes))
}

fn state(device: &OwnDevice, look: &Look) -> String {
    device_state(device.is_this, (device.has_all_mine, device.missing), device.last_contact, look)
}

fn workspaces(device: &OwnDevice) -> String {
    const SHOWN: usize = 5;
    let names = device.workspaces.iter().take(SHOWN).map(|name| plain(name)).collect::<Vec<_>>();
    match device.workspaces.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
