//! Membership operations: what stands in Genesis and Acl entries.
//!
//! Bodies are in the clear, because keepers judge and relay them; names inside are sealed. A body that cannot be
//! read is kept and relayed like any other and means nothing.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::certificate::Chain;
use crate::entry::{ClearBody, Header, Kind};
use crate::ids::{DeviceId, EndpointId, EntryId, EntryRef, EpochId, LogId, UserId};
use crate::limits::{
    ACL_OPERATIONS_PER_ENTRY_MAX, POLICY_KEY_BYTES_MAX, POLICY_VALUE_BYTES_MAX, SEALED_LABEL_BYTES_MAX,
    SEEN_POSITIONS_MAX,
};
use crate::wire;

/// What somebody may do. Each class may do all that the ones below it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// Stores and relays what it cannot read.
    Keeper = 1,
    /// Reads.
    Viewer = 2,
    /// Reads and writes.
    Editor = 3,
    /// Also invites and removes people below admin.
    Admin = 4,
    /// Founded the workspace. There is one, it cannot be removed and nobody can be granted it.
    Owner = 5,
}

impl Class {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The class that can be granted under this number.
    #[must_use]
    pub const fn from_granted(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Keeper),
            2 => Some(Self::Viewer),
            3 => Some(Self::Editor),
            4 => Some(Self::Admin),
            _ => None,
        }
    }

    /// The word for people and for `--role`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keeper => "keeper",
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Reads a word as [`Class::name`] gives it; `owner` is no class to grant.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Keeper, Self::Viewer, Self::Editor, Self::Admin].into_iter().find(|class| class.name() == name)
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for Class {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u8::deserialize(deserializer)?;
        Self::from_granted(number).ok_or_else(|| serde::de::Error::custom("no such class"))
    }
}

/// Names one operation: the entry that carries it and its place there, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpRef {
    /// The entry.
    pub entry: EntryId,
    /// The place among its operations.
    pub index: u16,
}

impl OpRef {
    /// Names an operation.
    #[must_use]
    pub const fn new(entry: EntryId, index: u16) -> Self {
        Self { entry, index }
    }
}

/// A name sealed under an epoch key, so that a keeper cannot read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedLabel {
    /// Whose key opens it.
    pub epoch: EpochId,
    /// Nonce and sealed text.
    #[serde(
        deserialize_with = "wire::bytes::<_, SEALED_LABEL_BYTES_MAX>",
        serialize_with = "wire::put_bytes"
    )]
    pub bytes: Vec<u8>,
}

/// A header with its signature, as evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedHeader {
    /// The header.
    pub header: Header,
    /// Its signature.
    #[serde(with = "wire::array64")]
    pub signature: [u8; 64],
}

/// One membership operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AclOperation {
    /// Makes the device of the chain's last link a device of this workspace.
    AddDev {
        /// The person.
        user: UserId,
        /// The names of the person and the device.
        label: Option<SealedLabel>,
        /// Why it is the person's device. Its keys stand in the last link.
        chain: Chain,
    },
    /// Puts a device out.
    RmDev {
        /// The person.
        user: UserId,
        /// The device.
        device: DeviceId,
        /// What the author had received of it: the cut.
        #[serde(deserialize_with = "seen")]
        seen: Vec<EntryRef>,
    },
    /// Tells a device's new transport key.
    SetEndpoint {
        /// The device.
        device: DeviceId,
        /// Its transport key from now on.
        endpoint: EndpointId,
    },
    /// Lets somebody in, or gives somebody another class.
    Grant {
        /// The person.
        user: UserId,
        /// What they may do.
        class: Class,
        /// The author's own grant (or Genesis) that allows it.
        via: OpRef,
    },
    /// Ends every grant of a person that does not know of this operation and is of lower rank.
    Revoke {
        /// The person.
        user: UserId,
        /// The author's own grant (or Genesis) that allows it.
        via: OpRef,
        /// What the author had received of the person's devices: the cut.
        #[serde(deserialize_with = "seen")]
        seen: Vec<EntryRef>,
    },
    /// Sets something that holds for the whole workspace.
    SetPolicy {
        /// What.
        #[serde(deserialize_with = "wire::text::<_, POLICY_KEY_BYTES_MAX>")]
        key: String,
        /// To what.
        #[serde(
            deserialize_with = "wire::bytes::<_, POLICY_VALUE_BYTES_MAX>",
            serialize_with = "wire::put_bytes"
        )]
        value: Vec<u8>,
        /// The author's own grant (or Genesis) that allows it.
        via: OpRef,
    },
    /// Shows that a log was continued twice from one place.
    ForkProof {
        /// The log.
        log: LogId,
        /// The place.
        seq: u64,
        /// One entry there.
        a: SignedHeader,
        /// The other.
        b: SignedHeader,
    },
}

fn seen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<EntryRef>, D::Error> {
    let seen = wire::vec::<_, EntryRef, SEEN_POSITIONS_MAX>(deserializer)?;
    if seen.windows(2).all(|pair| pair[0] < pair[1]) {
        Ok(seen)
    } else {
        Err(serde::de::Error::custom("positions out of order"))
    }
}

/// The body of an Acl entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acl {
    /// The operations, each of which has the ones before it in its past. There may be none: such an entry only
    /// names control-lane heads.
    #[serde(deserialize_with = "wire::vec::<_, _, ACL_OPERATIONS_PER_ENTRY_MAX>")]
    pub operations: Vec<AclOperation>,
}

impl ClearBody for Acl {
    const KIND: Kind = Kind::Acl;
}

/// The version of the rules that this program knows.
pub const RULES: u8 = 1;

/// The body of the entry that founds a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// Who founded it and cannot be removed.
    pub owner: UserId,
    /// Random, so that two workspaces of one person differ.
    pub nonce: [u8; 16],
    /// The rules by which membership is judged.
    pub rules: u8,
    /// The epoch whose key the content secret comes from.
    pub first_epoch: EpochId,
    /// The owner's first device.
    pub chain: Chain,
}

impl ClearBody for Genesis {
    const KIND: Kind = Kind::Genesis;
}

/// The policy whose value is the sealed name of the workspace.
pub const POLICY_NAME: &str = "name";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::WireError;

    fn entry_ref(log: u8, seq: u64) -> EntryRef {
        EntryRef { log: LogId::from_bytes([log; 32]), seq, id: EntryId::from_bytes([9; 32]) }
    }

    fn revoke(seen: Vec<EntryRef>) -> Acl {
        let via = OpRef::new(EntryId::from_bytes([1; 32]), 0);
        Acl { operations: vec![AclOperation::Revoke { user: UserId::from_bytes([2; 32]), via, seen }] }
    }

    fn check(acl: &Acl) -> Result<Acl, WireError> {
        wire::decode(&acl.encode_body())
    }

    #[test]
    fn operations_come_back() {
        let acl = revoke(vec![entry_ref(1, 5), entry_ref(2, 1)]);
        assert_eq!(check(&acl), Ok(acl));
    }

    #[test]
    fn positions_out_of_order_or_twice_are_refused() {
        assert!(check(&revoke(vec![entry_ref(2, 1), entry_ref(1, 5)])).is_err());
        assert!(check(&revoke(vec![entry_ref(1, 5), entry_ref(1, 5)])).is_err());
    }

    #[test]
    fn limits_hold_at_the_limit_and_not_above() {
        let many = |count| (0..count).map(|seq| entry_ref(1, seq as u64)).collect::<Vec<_>>();
        assert!(check(&revoke(many(SEEN_POSITIONS_MAX))).is_ok());
        assert!(check(&revoke(many(SEEN_POSITIONS_MAX + 1))).is_err());
        let policy = |key, value| Acl {
            operations: vec![AclOperation::SetPolicy {
                key: "k".repeat(key),
                value: vec![0; value],
                via: OpRef::new(EntryId::ZERO, 0),
            }],
        };
        assert!(check(&policy(POLICY_KEY_BYTES_MAX, POLICY_VALUE_BYTES_MAX)).is_ok());
        assert!(check(&policy(POLICY_KEY_BYTES_MAX + 1, 0)).is_err());
        assert!(check(&policy(1, POLICY_VALUE_BYTES_MAX + 1)).is_err());
        let operation = revoke(Vec::new()).operations.remove(0);
        let full = |count| Acl { operations: vec![operation.clone(); count] };
        assert!(check(&full(ACL_OPERATIONS_PER_ENTRY_MAX)).is_ok());
        assert!(check(&full(ACL_OPERATIONS_PER_ENTRY_MAX + 1)).is_err());
    }

    #[test]
    fn nobody_can_be_granted_what_is_no_class() {
        let grant = Acl {
            operations: vec![AclOperation::Grant {
                user: UserId::ZERO,
                class: Class::Admin,
                via: OpRef::new(EntryId::ZERO, 0),
            }],
        };
        let bytes = grant.encode_body();
        let at = bytes.iter().position(|byte| *byte == 4).unwrap();
        for number in [0, 5, 6, 255] {
            let mut other = bytes.clone();
            other[at] = number;
            assert_eq!(wire::decode::<Acl>(&other), Err(WireError::Malformed), "class {number}");
        }
        assert_eq!(Class::from_name("owner"), None);
        assert_eq!(Class::from_name("editor"), Some(Class::Editor));
    }
}
