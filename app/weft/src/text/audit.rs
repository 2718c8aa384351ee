//! The trail of a workspace's membership.

use weft_node::api::{AuditAction, AuditRecord, AuditReport, AuditVerdict};

use super::{Look, Tone, plain, short_id, table::Table, units::counted, workspace::named};

pub(crate) fn audit(report: &AuditReport, look: &Look) -> String {
    let mut rows = Table::default();
    for record in &report.records {
        rows.row([
            look.paint(Tone::Faint, short_id(&record.entry)),
            who(record),
            what(record),
            match record.verdict {
                AuditVerdict::Holds => String::new(),
                AuditVerdict::Ended => look.paint(Tone::Faint, "ended later"),
                AuditVerdict::Void => look.paint(Tone::Bad, "does not count"),
            },
        ]);
    }
    let mut text = rows.render(0);
    let entries = counted(report.checked, "entry").replace("entrys", "entries");
    if report.damaged.is_empty() {
        let sign = look.paint(Tone::Good, "✓");
        text.push_str(&format!("\n{sign} {entries}: every signature is right, and every chain is whole.\n"));
    } else {
        let sign = look.paint(Tone::Bad, "✗");
        text.push_str(&format!("\n{sign} Of {entries} some are not as they were signed:\n"));
        report.damaged.iter().for_each(|finding| text.push_str(&format!("  {}\n", plain(finding))));
    }
    text
}

/// A trail from a file: what it says of itself, and what of that is signed.
pub(crate) fn checked_trail(report: &AuditReport, look: &Look) -> String {
    let name = named(Some(&report.name), &report.workspace);
    let heading = look.paint(Tone::Heading, name);
    format!("The trail of {heading}, workspace {}\n\n{}", plain(&report.workspace), audit(report, look))
        + "  Names, and what does not count, are as the file tells them: they are not part of what is signed.\n"
}

fn who(record: &AuditRecord) -> String {
    let user = named(record.user_name.as_ref(), &record.user);
    match &record.device {
        Some(device) => format!("{user} · {}", named(record.device_name.as_ref(), device)),
        None => format!("{user} · personal key"),
    }
}

fn what(record: &AuditRecord) -> String {
    let subject = record.subject.as_deref().unwrap_or_default().to_owned();
    let name = named(record.subject_name.as_ref(), &subject);
    match (record.action, record.role) {
        (AuditAction::Found, _) => "founded the workspace".to_owned(),
        (AuditAction::Grant, Some(role)) => format!("made {name} {role}"),
        (AuditAction::Grant, None) => format!("gave {name} a role of a newer Weft"),
        (AuditAction::Revoke, _) => format!("took the role of {name}"),
        (AuditAction::AddDevice, _) => format!("let in device {name}"),
        (AuditAction::RemoveDevice, _) => format!("put out device {name}"),
        (AuditAction::MoveDevice, _) => format!("said where device {name} is"),
        (AuditAction::SetPolicy, _) => format!("set {}", plain(&subject)),
        (AuditAction::MakeKey, _) => format!("made key {}", short_id(&subject)),
        (AuditAction::WrapKey, _) => format!("gave key {} to more devices", short_id(&subject)),
        (AuditAction::ShowFork, _) => format!("showed that {name} wrote two histories"),
    }
}
