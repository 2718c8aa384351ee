//! The trail of a workspace's membership.

use std::collections::BTreeMap;
use std::sync::Arc;

use weft_sync::entry::Entry;
use weft_sync::ids::{DeviceId, UserId};
use weft_sync::membership::{AuditAction as Done, AuditRecord as Recorded, Verdict};

use super::checking::Found;
use super::inviting::control_entries_of;
use super::{Shared, ended};
use crate::api::{self, ApiError, AuditAction, AuditEntry, AuditRecord, AuditReport, AuditVerdict};
use crate::workspace::people::People;
use crate::workspace::queries::role;

/// Names of people and devices, as far as they are known.
#[derive(Default)]
struct Names {
    users: BTreeMap<UserId, String>,
    devices: BTreeMap<DeviceId, String>,
}

/// Every membership operation, and whether what it stands in is as it was signed.
pub(super) async fn audit(shared: &Arc<Shared>, request: api::Audit) -> Result<AuditReport, ApiError> {
    let (workspace, _, _) = shared.workspace_of(&request.folder)?;
    let told = workspace.ask(|engine| {
        let replica = engine.replica();
        let records = replica.membership()?.audit();
        let mut users = replica.past_names();
        users.extend(replica.user_names());
        let named = replica.named_devices().into_iter();
        let devices = named.map(|device| (device.device, device.label.device)).collect();
        Some((records, Names { users, devices }, replica.workspace_name().unwrap_or_default()))
    });
    let (records, names, name) = told.await.ok_or_else(ended)?.ok_or_else(ended)?;
    let entries = control_entries_of(shared, &workspace).await?;
    let mut found = Found::new(workspace.ws);
    entries.iter().for_each(|bytes| found.take(bytes, false));
    let signed = entries.iter().filter(|_| request.entries).filter_map(|bytes| {
        let entry = Entry::decode(bytes).ok()?.id().to_string();
        Some(AuditEntry { entry, bytes: data_encoding::HEXLOWER.encode(bytes) })
    });
    Ok(AuditReport {
        workspace: workspace.ws.to_string(),
        name,
        checked: entries.len() as u64,
        entries: signed.collect(),
        damaged: found.findings(),
        records: records.into_iter().map(|record| told_of(record, &names)).collect(),
    })
}

/// The operations for whoever knows nobody's name.
pub(super) fn without_names(records: Vec<Recorded>) -> Vec<AuditRecord> {
    records.into_iter().map(|record| told_of(record, &Names::default())).collect()
}

fn told_of(record: Recorded, names: &Names) -> AuditRecord {
    let user_name = |user: &UserId| names.users.get(user).filter(|name| !name.is_empty()).cloned();
    let device_name = |device: &DeviceId| names.devices.get(device).filter(|name| !name.is_empty()).cloned();
    let person = |user: UserId| (Some(user.to_string()), user_name(&user));
    let machine = |device: DeviceId| (Some(device.to_string()), device_name(&device));
    let (action, (subject, subject_name), class) = match record.action {
        Done::Found { owner } => (AuditAction::Found, person(owner), None),
        Done::Grant { user, class } => (AuditAction::Grant, person(user), class),
        Done::Revoke { user } => (AuditAction::Revoke, person(user), None),
        Done::AddDevice { device, .. } => (AuditAction::AddDevice, machine(device), None),
        Done::RemoveDevice { device, .. } => (AuditAction::RemoveDevice, machine(device), None),
        Done::MoveDevice { device, .. } => (AuditAction::MoveDevice, machine(device), None),
        Done::SetPolicy { key } => (AuditAction::SetPolicy, (Some(key), None), None),
        Done::MakeKey { epoch } => (AuditAction::MakeKey, (Some(epoch.to_string()), None), None),
        Done::WrapKey { epoch } => (AuditAction::WrapKey, (Some(epoch.to_string()), None), None),
        Done::ShowFork { device: Some(device), .. } => (AuditAction::ShowFork, machine(device), None),
        Done::ShowFork { user, device: None } => (AuditAction::ShowFork, person(user), None),
    };
    AuditRecord {
        entry: record.entry.to_string(),
        index: record.index,
        user_name: user_name(&record.user),
        user: record.user.to_string(),
        device_name: record.device.as_ref().and_then(device_name),
        device: record.device.map(|device| device.to_string()),
        action,
        subject,
        subject_name,
        role: class.map(role),
        verdict: match record.verdict {
            Verdict::Holds => AuditVerdict::Holds,
            Verdict::Ended => AuditVerdict::Ended,
            Verdict::Void => AuditVerdict::Void,
        },
    }
}
