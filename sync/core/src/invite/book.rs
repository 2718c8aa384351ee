//! The invitations that a device keeps open.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::acl::Class;
use crate::ids::{DeviceId, WallMillis, WorkspaceId};
use crate::limits::{INVITATION_MILLIS_MAX, INVITATION_USES_MAX, INVITATIONS_MAX};
use crate::ticket::TicketSecret;
use crate::wire::{self, WireError};

use super::messages::{InviteKey, Refusal};

/// Names an invitation without telling its secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InvitationId(pub(super) [u8; 16]);

impl InvitationId {
    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Wraps raw bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for InvitationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for InvitationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InvitationId({self})")
    }
}

/// Who says yes to a newcomer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confirmation {
    /// A person looks at name and signs.
    Ask,
    /// Whoever comes with the ticket: for scripts.
    Automatic,
}

/// One invitation. Its secret prints as `****`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Invitation {
    pub(super) key: InviteKey,
    /// The workspace; [`WorkspaceId::ZERO`] when it links a device.
    pub ws: WorkspaceId,
    /// What newcomers may do.
    pub class: Class,
    /// How many may still come.
    pub uses_left: u32,
    /// When it ends, by this device's clock.
    pub expires: WallMillis,
    /// Who says yes.
    pub confirmation: Confirmation,
    /// Whether it was taken back.
    pub is_cancelled: bool,
    /// The devices that came in by it: they may come again for what they missed.
    pub admitted: BTreeSet<DeviceId>,
}

impl Invitation {
    /// Whether it links a device of one's own instead of inviting somebody: then it names no workspace.
    #[must_use]
    pub fn is_link(&self) -> bool {
        self.ws == WorkspaceId::ZERO
    }

    /// Whether a newcomer could still be let in.
    #[must_use]
    pub fn is_open(&self, now: WallMillis) -> bool {
        self.check(now).is_ok()
    }

    pub(super) fn check(&self, now: WallMillis) -> Result<(), Refusal> {
        if self.is_cancelled {
            Err(Refusal::Cancelled)
        } else if now >= self.expires {
            Err(Refusal::Expired)
        } else if self.uses_left == 0 {
            Err(Refusal::Used)
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation")
            .field("ws", &self.ws)
            .field("class", &self.class)
            .field("uses_left", &self.uses_left)
            .field("expires", &self.expires)
            .field("is_cancelled", &self.is_cancelled)
            .field("secret", &"****")
            .finish_non_exhaustive()
    }
}

/// What an invitation is to be.
#[derive(Clone, Copy, Debug)]
pub struct InvitationTerms {
    /// The workspace; [`WorkspaceId::ZERO`] to link a device of one's own.
    pub ws: WorkspaceId,
    /// What newcomers may do; of no meaning when it links a device.
    pub class: Class,
    /// How many may come: 1 to 100.
    pub uses: u32,
    /// How long it holds: at most a week.
    pub millis: i64,
    /// Who says yes.
    pub confirmation: Confirmation,
}

/// Why there is no new invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InviteError {
    /// Not a number of people that one ticket may be for.
    #[error("a ticket is for 1 to {INVITATION_USES_MAX} people, not {uses}")]
    Uses {
        /// What was asked for.
        uses: u32,
    },
    /// Not a time that a ticket may hold.
    #[error("a ticket holds at most 7 days")]
    Time,
    /// The owner's class is not given away.
    #[error("nobody can be invited as owner")]
    Class,
    /// Too many are open.
    #[error("{INVITATIONS_MAX} invitations are open, which is the limit")]
    TooMany,
}

impl InviteError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Uses { .. } => "make several tickets with `weft share --uses`",
            Self::Time => "choose a shorter time with `--expires`, for example `--expires 24h`",
            Self::Class => "choose `--role admin`, `editor`, `viewer` or `keeper`",
            Self::TooMany => "cancel some: `weft invitations --cancel ID`",
        }
    }
}

/// All invitations of a device. To be stored sealed whenever something changed.
#[derive(Clone, Debug, Default)]
pub struct Invitations {
    open: BTreeMap<InvitationId, Invitation>,
}

impl Invitations {
    /// Makes an invitation. The secret goes into the ticket and is not kept.
    ///
    /// # Errors
    /// When the terms are outside of what tickets may be, or too many are open.
    pub fn create<R: CryptoRng + ?Sized>(
        &mut self,
        terms: InvitationTerms,
        now: WallMillis,
        rng: &mut R,
    ) -> Result<(InvitationId, TicketSecret), InviteError> {
        if terms.uses == 0 || terms.uses > INVITATION_USES_MAX {
            return Err(InviteError::Uses { uses: terms.uses });
        }
        if terms.millis <= 0 || terms.millis > INVITATION_MILLIS_MAX {
            return Err(InviteError::Time);
        }
        if terms.class == Class::Owner {
            return Err(InviteError::Class);
        }
        self.forget_old(now);
        if self.open.len() >= INVITATIONS_MAX {
            return Err(InviteError::TooMany);
        }
        let secret = TicketSecret::generate(rng);
        let key = InviteKey::derive(&secret);
        let id = key.id();
        let invitation = Invitation {
            key,
            ws: terms.ws,
            class: terms.class,
            uses_left: terms.uses,
            expires: WallMillis(now.0.saturating_add(terms.millis)),
            confirmation: terms.confirmation,
            is_cancelled: false,
            admitted: BTreeSet::new(),
        };
        self.open.insert(id, invitation);
        Ok((id, secret))
    }

    /// Invitations that ended more than a week ago are not remembered: their tickets become unknown ones.
    fn forget_old(&mut self, now: WallMillis) {
        self.open.retain(|_, invitation| now.0 < invitation.expires.0.saturating_add(INVITATION_MILLIS_MAX));
    }

    /// One invitation.
    #[must_use]
    pub fn get(&self, id: &InvitationId) -> Option<&Invitation> {
        self.open.get(id)
    }

    /// All invitations, open or not.
    pub fn iter(&self) -> impl Iterator<Item = (&InvitationId, &Invitation)> {
        self.open.iter()
    }

    /// Takes an invitation back. Returns whether there was one.
    pub fn cancel(&mut self, id: &InvitationId) -> bool {
        self.open.get_mut(id).map(|invitation| invitation.is_cancelled = true).is_some()
    }

    /// Changes whether newcomers are confirmed by a person.
    pub fn set_confirmation(&mut self, id: &InvitationId, confirmation: Confirmation) -> bool {
        self.open.get_mut(id).map(|invitation| invitation.confirmation = confirmation).is_some()
    }

    /// Spends one use on a device, unless it came in before. The time may have run out while a person was asked.
    pub(super) fn spend(&mut self, id: &InvitationId, device: DeviceId) -> Result<(), Refusal> {
        let invitation = self.open.get_mut(id).ok_or(Refusal::Unknown)?;
        if invitation.admitted.contains(&device) {
            return Ok(());
        }
        match invitation.check(WallMillis(i64::MIN)) {
            Ok(()) => {}
            Err(refusal) => return Err(refusal),
        }
        invitation.uses_left -= 1;
        invitation.admitted.insert(device);
        Ok(())
    }

    /// The secret bytes for the sealed store.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(wire::encode(&self.open.values().collect::<Vec<_>>()))
    }

    /// Reads what [`Invitations::to_secret_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are something else.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let invitations = wire::decode::<Vec<Invitation>>(bytes)?;
        Ok(Self {
            open: invitations.into_iter().map(|invitation| (invitation.key.id(), invitation)).collect(),
        })
    }
}
