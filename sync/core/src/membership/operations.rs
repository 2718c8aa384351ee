//! Membership operations as the fold sees them: a place, an author and what is claimed.

use crate::acl::OpRef;
use crate::entry::Signer;
use crate::ids::{DeviceId, EndpointId, EpochId, UserId};

use super::history::Place;

/// An index into the operations of a workspace.
pub(crate) type OpIndex = u32;

/// Who appended an operation. A device's id commits to its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Author {
    pub(crate) user: UserId,
    /// None: the user key.
    pub(crate) device: Option<DeviceId>,
}

impl Author {
    pub(crate) fn of(signer: &Signer) -> Self {
        Self { user: signer.user(), device: signer.device() }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) place: Place,
    pub(crate) author: Author,
    pub(crate) claim: Claim,
}

/// What an operation claims. Names of other operations are resolved by the fold.
#[derive(Clone, Debug)]
pub(crate) enum Claim {
    /// The owner's grant.
    Genesis {
        owner: UserId,
    },
    Grant {
        user: UserId,
        class: u8,
        via: OpRef,
    },
    Revoke {
        user: UserId,
        via: OpRef,
    },
    /// One link of a checked chain.
    Certificate(Certificate),
    RmDev {
        user: UserId,
        device: DeviceId,
    },
    Epoch {
        epoch: EpochId,
        is_original: bool,
    },
    SetEndpoint {
        device: DeviceId,
        endpoint: EndpointId,
    },
    SetPolicy {
        key: String,
        via: OpRef,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub(crate) user: UserId,
    pub(crate) device: DeviceId,
    /// The device of the link before; none: the user key.
    pub(crate) signer: Option<DeviceId>,
    /// Whether it makes the device one of the workspace: it is the last link.
    pub(crate) is_last: bool,
    /// The `via` of grants to this user in the same entry: who lets somebody in may bring their chain.
    pub(crate) companions: Vec<OpRef>,
    /// Whether anybody may append it: the chain in the Genesis.
    pub(crate) is_founding: bool,
}

/// The operations of a workspace in the order in which they came, and the order of pasts among them.
pub(crate) trait World {
    fn operations(&self) -> &[Operation];
    fn resolve(&self, named: &OpRef) -> Option<OpIndex>;
    fn before(&self, a: Place, b: Place) -> bool;

    /// A rule that is left out, to see that the checks notice.
    #[cfg(test)]
    fn broken(&self) -> Option<Rule> {
        None
    }
}

/// Rules without which something that must not happen does happen. All of them are followed; tests leave out one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Only a rank strictly above ends a grant.
    Rank,
    /// A device id commits to one person: a chain that names another certifies nothing.
    #[cfg(test)]
    Reassign,
    /// Only originals make an epoch usable, and every one of them has to be right.
    Rewrap,
    /// A chain that somebody replays shields nobody.
    Block,
    /// A person's own key is above the person's devices.
    UserKey,
    /// Who was put out takes back nothing that they had done.
    Late,
}
