//! People: inviting them, and who is in a workspace.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Role, WallTime};

/// Makes an invitation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Share {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
    /// What the newcomer may do.
    pub role: Role,
    /// How long the ticket works.
    pub expires_seconds: f64,
    /// How many may use it.
    pub uses: u32,
    /// Let whoever comes with it in without asking.
    #[serde(default)]
    pub confirm: bool,
}

/// An invitation that was just made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shared {
    /// The ticket's text.
    pub ticket: String,
    /// What the newcomer may do.
    pub role: Role,
    /// When the ticket stops working.
    pub expires: WallTime,
    /// How many may use it.
    pub uses: u32,
    /// The invitation's id.
    pub id: String,
    /// The workspace's id; nothing when it links a device of one's own.
    pub workspace: String,
    /// The workspace's name.
    pub name: String,
}

/// Lists open invitations and who waits for confirmation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct InvitationsList {
    /// Only those of the workspace this folder is in; default: all.
    #[serde(default)]
    pub folder: Option<PathBuf>,
}

/// Lets a waiting newcomer in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InvitationsConfirm {
    /// The id of the invitation (when one waits) or of the newcomer, or its unique beginning.
    pub id: String,
}

/// Sends a waiting newcomer away.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InvitationsRefuse {
    /// The id of the invitation (when one waits) or of the newcomer, or its unique beginning.
    pub id: String,
}

/// Makes an invitation useless.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InvitationsCancel {
    /// The id of the invitation, or its unique beginning.
    pub id: String,
}

/// Open invitations.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invitations {
    /// The invitations, oldest first.
    pub invitations: Vec<Invitation>,
}

/// One open invitation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id.
    pub id: String,
    /// What the newcomer may do.
    pub role: Role,
    /// When it stops working.
    pub expires: WallTime,
    /// How many may still use it.
    pub uses_left: u32,
    /// Who came with it and waits.
    pub waiting: Vec<Newcomer>,
    /// The workspace's id; nothing when it links a device of one's own.
    #[serde(default)]
    pub workspace: String,
    /// The workspace's name.
    #[serde(default)]
    pub workspace_name: String,
}

/// Somebody who came with a ticket and waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newcomer {
    /// The user's id; of a device that is to be linked, the device's.
    pub user: String,
    /// Six emoji and their words, to compare with what the newcomer sees.
    pub fingerprint: String,
    /// The name the newcomer gives.
    #[serde(default)]
    pub name: Option<String>,
    /// The name of the newcomer's device.
    #[serde(default)]
    pub device_name: Option<String>,
}

/// Lists the people of a workspace with their devices.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Members {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
}

/// Gives a member another role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeRole {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
    /// The person: a user id or its unique beginning, or a name that only one member has.
    pub who: String,
    /// What the person may do from now on.
    pub role: Role,
}

/// Puts a person, or a device of one's own, out of a workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Revoke {
    /// A folder in the workspace, absolute.
    pub folder: PathBuf,
    /// The person or the device: an id or its unique beginning, or a name that only one has.
    pub who: String,
    /// Only say who that is, and whether it may be done.
    #[serde(default)]
    pub preview: bool,
}

/// Who was put out, or would be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Revoked {
    /// The person, with the devices that are put out.
    pub member: Member,
    /// Whether only the devices were put out, and the person stays.
    pub only_devices: bool,
    /// Whether it is done.
    pub done: bool,
}

/// The people of a workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MembersList {
    /// The people, the owner first.
    pub members: Vec<Member>,
}

/// One person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Member {
    /// The user's id.
    pub user: String,
    /// The name.
    pub name: Option<String>,
    /// What the person may do.
    pub role: Role,
    /// Is it the person at this device?
    #[serde(default)]
    pub is_me: bool,
    /// The person's devices.
    pub devices: Vec<MemberDevice>,
}

/// One device of a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MemberDevice {
    /// Its id.
    pub device: String,
    /// Its name.
    pub name: Option<String>,
    /// Is it this device?
    #[serde(default)]
    pub is_this: bool,
    /// When it was last connected, as far as this node has seen since it started: now, while it is.
    pub last_contact: Option<WallTime>,
    /// Has it told us that it holds all our edits?
    pub has_all_mine: bool,
    /// How many of our entries it lacks as far as we know.
    pub missing: u64,
}
