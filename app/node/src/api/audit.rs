//! Who did what to the membership.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Role;

/// Asks for every membership operation of a workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Audit {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
    /// Give the signed bytes of each entry too, so that anybody can check them.
    #[serde(default)]
    pub entries: bool,
}

/// The membership operations of a workspace, in the order in which they came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditReport {
    /// The workspace's id.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// How many entries were checked: signature, place in the chain, hash of the body.
    pub checked: u64,
    /// What is wrong with some of them.
    #[serde(default)]
    pub damaged: Vec<String>,
    /// The operations.
    pub records: Vec<AuditRecord>,
    /// The signed entries, when they were asked for: in the order in which they are to be checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<AuditEntry>,
}

/// One membership operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// The entry that holds it.
    pub entry: String,
    /// Its place in the entry, from 0.
    pub index: u16,
    /// Who signed it.
    pub user: String,
    /// The name of who signed it.
    #[serde(default)]
    pub user_name: Option<String>,
    /// With which device; none: with the personal key.
    #[serde(default)]
    pub device: Option<String>,
    /// The name of the device.
    #[serde(default)]
    pub device_name: Option<String>,
    /// What it does.
    pub action: AuditAction,
    /// The person or device whom it concerns, or the policy.
    #[serde(default)]
    pub subject: Option<String>,
    /// The name of the person or device whom it concerns.
    #[serde(default)]
    pub subject_name: Option<String>,
    /// The role that it gives.
    #[serde(default)]
    pub role: Option<Role>,
    /// Whether it holds.
    pub verdict: AuditVerdict,
}

/// What a membership operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditAction {
    /// Founds the workspace.
    Found,
    /// Gives a person a role.
    Grant,
    /// Takes a person's roles.
    Revoke,
    /// Adds a device.
    AddDevice,
    /// Puts a device out.
    RemoveDevice,
    /// Tells where a device is.
    MoveDevice,
    /// Sets what holds for everybody.
    SetPolicy,
    /// Makes a new key.
    MakeKey,
    /// Gives a key to more devices.
    WrapKey,
    /// Shows that a device has continued its log twice.
    ShowFork,
}

/// What the rules make of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditVerdict {
    /// It holds.
    Holds,
    /// It held until something came that ended it.
    Ended,
    /// It never counted.
    Void,
}

/// A signed entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its id.
    pub entry: String,
    /// Its bytes in hexadecimal, as docs/protocol.md says.
    pub bytes: String,
}
