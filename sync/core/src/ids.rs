//! Newtypes for everything that has a name in the protocol.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name([u8; $len]);

        impl $name {
            /// The length of the id in bytes.
            pub const LEN: usize = $len;
            /// The id of which every byte is zero.
            pub const ZERO: Self = Self([0; $len]);

            /// Wraps raw bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// Copies a slice when it has exactly the right length.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// Borrows the raw bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                write_hex(f, &self.0[..5])?;
                f.write_str(")")
            }
        }
    };
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

byte_id!(
    /// A workspace: the entry id of its Genesis.
    WorkspaceId,
    32
);
byte_id!(
    /// One log of one session of one device (or user key).
    LogId,
    32
);
byte_id!(
    /// One entry: the hash of its header.
    EntryId,
    32
);
byte_id!(
    /// A person: the public key of their user key.
    UserId,
    32
);
byte_id!(
    /// A device of one user, for ever: derived from the user and the device's public key.
    DeviceId,
    32
);
byte_id!(
    /// Whoever signs a log: a device id, or the user id of a user key.
    SignerId,
    32
);
byte_id!(
    /// The transport's public key of a device.
    EndpointId,
    32
);
byte_id!(
    /// An Ed25519 public key that signs entries and certificates.
    PublicKey,
    32
);
byte_id!(
    /// The hash of an entry's body.
    BodyHash,
    32
);
byte_id!(
    /// An epoch: commits to the key that seals entries written under it.
    EpochId,
    16
);
byte_id!(
    /// The random name of one run of a device against one database.
    SessionId,
    16
);

impl DeviceId {
    /// Derives the id of the device of `user` that signs with `key`.
    #[must_use]
    pub fn derive(user: &UserId, key: &PublicKey) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("weft 2026 device v1");
        hasher.update(user.as_bytes());
        hasher.update(key.as_bytes());
        Self(hasher.finalize().into())
    }
}

impl UserId {
    /// The key that this user signs with: a user's id is its public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0)
    }
}

impl WorkspaceId {
    /// The workspace that a Genesis entry founds.
    #[must_use]
    pub fn from_genesis(genesis: EntryId) -> Self {
        Self(genesis.0)
    }

    /// The entry id of this workspace's Genesis.
    #[must_use]
    pub fn genesis(&self) -> EntryId {
        EntryId(self.0)
    }
}

/// One place in one log, and the entry that stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryRef {
    /// The log.
    pub log: LogId,
    /// The place in it, from 1.
    pub seq: u64,
    /// The entry there.
    pub id: EntryId,
}

/// Monotonic milliseconds from an origin of the caller's choice; always an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The time `millis` later, at most the end of time.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds since `earlier`; zero when that is not earlier.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Milliseconds of somebody's wall clock since 1970. For display, never for a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WallMillis(pub i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_as_hex_and_debug_as_short_hex() {
        let id = EpochId::from_bytes([0xab; 16]);
        assert_eq!(id.to_string(), "ab".repeat(16));
        assert_eq!(format!("{id:?}"), "EpochId(ababababab)");
    }

    #[test]
    fn slices_of_another_length_are_no_ids() {
        assert_eq!(SessionId::from_slice(&[1; 15]), None);
        assert_eq!(SessionId::from_slice(&[1; 17]), None);
        assert_eq!(SessionId::from_slice(&[1; 16]), Some(SessionId([1; 16])));
    }

    #[test]
    fn a_device_id_depends_on_its_user_and_its_key() {
        let device =
            |user, key| DeviceId::derive(&UserId::from_bytes([user; 32]), &PublicKey::from_bytes([key; 32]));
        assert_eq!(device(1, 2), device(1, 2));
        assert_ne!(device(1, 2), device(1, 3));
        assert_ne!(device(1, 2), device(3, 2));
    }

    #[test]
    fn ids_are_written_without_a_length() {
        let id = SessionId::from_bytes([7; 16]);
        assert_eq!(postcard::to_allocvec(&id).unwrap(), [7; 16]);
    }
}
