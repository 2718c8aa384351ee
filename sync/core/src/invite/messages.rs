//! What the two sides of an invitation say to each other, and how they prove that they know the secret.

use serde::{Deserialize, Serialize};

use crate::acl::Class;
use crate::certificate::{Chain, DeviceClaim};
use crate::ids::{EndpointId, UserId, WorkspaceId};
use crate::limits::{ENTRY_BYTES_MAX, LABEL_BYTES_MAX, LINK_WORKSPACES_MAX};
use crate::seal::Label;
use crate::ticket::TicketSecret;
use crate::wire;

use super::InvitationId;

/// The version of the handshake.
pub(super) const VERSION: u8 = 1;
const ENTRIES_PER_FRAME_MAX: usize = 4096;

/// What both sides keep of a ticket's secret.
#[derive(Clone, Serialize, Deserialize, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub(super) struct InviteKey([u8; 32]);

impl InviteKey {
    pub(super) fn derive(secret: &TicketSecret) -> Self {
        Self(blake3::derive_key("weft 2026 invite v1", secret.expose()))
    }

    /// Names the invitation without telling the secret.
    pub(super) fn id(&self) -> InvitationId {
        let id = blake3::derive_key("weft 2026 invite id v1", &self.0);
        InvitationId(std::array::from_fn(|at| id[at]))
    }

    /// Proves knowledge of the secret to the other side of this very connection: bound to who speaks, to both
    /// transport keys, and to both nonces.
    pub(super) fn proof(&self, role: Role, meeting: &Meeting) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(b"weft/1 inv");
        hasher.update(&[role as u8]);
        hasher.update(meeting.newcomer.as_bytes());
        hasher.update(meeting.inviter.as_bytes());
        hasher.update(&meeting.newcomer_nonce);
        hasher.update(&meeting.inviter_nonce);
        hasher.finalize()
    }

    /// Compares in constant time.
    pub(super) fn is_proof(&self, role: Role, meeting: &Meeting, proof: &[u8; 32]) -> bool {
        self.proof(role, meeting) == blake3::Hash::from_bytes(*proof)
    }
}

#[derive(Clone, Copy)]
pub(super) enum Role {
    Newcomer = 1,
    Inviter = 2,
}

/// Who meets whom, and with which nonces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meeting {
    pub(super) newcomer: EndpointId,
    pub(super) inviter: EndpointId,
    pub(super) newcomer_nonce: [u8; 32],
    pub(super) inviter_nonce: [u8; 32],
}

/// From the newcomer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ToInviter {
    Hello {
        version: u8,
        invitation: InvitationId,
        nonce: [u8; 32],
    },
    Proof {
        proof: [u8; 32],
    },
    Request {
        user: UserId,
        chain: Chain,
        label: Label,
    },
    /// Of a device that is to be linked.
    LinkRequest {
        claim: DeviceClaim,
        label: Label,
    },
    /// Without a ticket: of a new device that its person's words have certified.
    Recover {
        version: u8,
        chain: Chain,
    },
}

/// From the inviter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ToNewcomer {
    Challenge {
        nonce: [u8; 32],
        proof: [u8; 32],
    },
    Offer(Offer),
    /// A person has to say yes.
    Waiting,
    /// So many entries follow.
    Welcome {
        entries: u32,
    },
    Entries(#[serde(deserialize_with = "wire::vec::<_, _, ENTRIES_PER_FRAME_MAX>")] Vec<WireEntry>),
    Refused(Refusal),
    /// Instead of an Offer, to a device that is to be linked.
    LinkOffer(LinkOffer),
    /// The device is linked; its workspaces follow, each as a Workspace and its Entries.
    Linked {
        chain: Chain,
        workspaces: u32,
    },
    /// So many workspaces of the person follow, each as a Workspace and its Entries.
    Recovered {
        workspaces: u32,
    },
    /// So many entries of this workspace follow.
    Workspace {
        workspace: OfferedWorkspace,
        entries: u32,
    },
}

/// The bytes of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WireEntry(
    #[serde(deserialize_with = "wire::bytes::<_, ENTRY_BYTES_MAX>", serialize_with = "wire::put_bytes")]
    pub(super) Vec<u8>,
);

/// What the newcomer is about to join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The name of the workspace.
    #[serde(deserialize_with = "wire::text::<_, LABEL_BYTES_MAX>")]
    pub workspace: String,
    /// Who invites, and from which device.
    pub inviter: Label,
    /// What the newcomer may do.
    pub class: Class,
    /// How many files there are.
    pub files: u64,
    /// How large they are together.
    pub bytes: u64,
}

/// What a device is about to be linked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkOffer {
    /// The person.
    pub user: UserId,
    /// The person's name, and that of the device that links.
    pub inviter: Label,
    /// The workspaces that the device comes into.
    #[serde(deserialize_with = "wire::vec::<_, _, LINK_WORKSPACES_MAX>")]
    pub workspaces: Vec<OfferedWorkspace>,
}

/// A workspace that a device comes into when it is linked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedWorkspace {
    /// The workspace.
    pub ws: WorkspaceId,
    /// Its name.
    #[serde(deserialize_with = "wire::text::<_, LABEL_BYTES_MAX>")]
    pub name: String,
    /// How many files there are.
    pub files: u64,
    /// How large they are together.
    pub bytes: u64,
}

/// Why the inviter says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The inviter knows no such invitation.
    #[error("the inviter does not know this ticket")]
    Unknown,
    /// Its time is over.
    #[error("the ticket has expired")]
    Expired,
    /// Everybody it was for has come.
    #[error("the ticket has been used")]
    Used,
    /// The inviter took it back.
    #[error("the ticket was cancelled")]
    Cancelled,
    /// The person who was asked said no.
    #[error("the invitation was declined by the person who was asked to confirm it")]
    Declined,
    /// The inviter may not let people in (any more).
    #[error("the inviter may not let people into this workspace")]
    NotAllowed,
    /// The inviter speaks another version.
    #[error("the inviter uses another version of Weft")]
    Version,
    /// What the newcomer sent is not right.
    #[error("the inviter could not accept what was sent")]
    Invalid,
}

impl Refusal {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unknown | Self::Expired | Self::Used | Self::Cancelled => {
                "ask for a new ticket (`weft share`)"
            }
            Self::Declined => "compare the six signs with the inviter, then ask for a new ticket",
            Self::NotAllowed => "ask an admin or the owner of the workspace for a ticket",
            Self::Version => "update Weft on both sides",
            Self::Invalid => "update Weft on both sides, then ask for a new ticket",
        }
    }
}
