//! Entries: the signed, hash-chained unit that is stored and sent.
//!
//! ```text
//! Entry = Header || signature[64] || body
//! id    = blake3("weft/1 entry" || Header)      chains and references use it
//! sig   = sign("weft/1 sig\0" || id)            so the signature is no part of the id
//! ```
//! [`Entry::decode`] checks sizes, canonical encoding and the body's hash. Signature, chain and
//! membership are the replica's work, in that order.

mod header;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::ids::{
    BodyHash, DeviceId, EntryId, EntryRef, EpochId, LogId, PublicKey, SessionId, SignerId, UserId,
    WorkspaceId,
};
use crate::limits::{
    ACL_HEADS_MAX, APP_VERSION_BYTES_MAX, ENTRY_BODY_BYTES_MAX, ENTRY_VERSION, FRONTIER_POSITIONS_MAX,
    PREV_LOGS_MAX,
};
use crate::wire::{self, WireError};

/// Bytes of a signature.
pub const SIGNATURE_LEN: usize = 64;

/// What an entry is for. Unknown kinds are stored and relayed, never interpreted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Founds the workspace; belongs to no log.
    Genesis,
    /// Begins a log.
    Open,
    /// Membership operations.
    Acl,
    /// An epoch key, wrapped to devices.
    Epoch,
    /// Changes of documents, sealed.
    Data,
    /// What its author holds.
    Frontier,
    /// Asks members for an epoch key.
    KeyRequest,
    /// Ends a log.
    Close,
    /// A kind of a later version of the protocol.
    Unknown(u8),
}

impl Kind {
    /// The byte that stands for this kind in a header.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Genesis => 0,
            Self::Open => 1,
            Self::Acl => 2,
            Self::Epoch => 3,
            Self::Data => 5,
            Self::Frontier => 6,
            Self::KeyRequest => 8,
            Self::Close => 9,
            Self::Unknown(byte) => byte,
        }
    }

    /// The kind that a byte stands for.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Self {
        match byte {
            0 => Self::Genesis,
            1 => Self::Open,
            2 => Self::Acl,
            3 => Self::Epoch,
            5 => Self::Data,
            6 => Self::Frontier,
            8 => Self::KeyRequest,
            9 => Self::Close,
            other => Self::Unknown(other),
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.byte())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::deserialize(deserializer).map(Self::from_byte)
    }
}

/// The two logs of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Data and Frontier entries.
    Data,
    /// Acl, Epoch and KeyRequest entries.
    Control,
}

impl Lane {
    /// The byte that stands for this lane in a log id.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Data => 0,
            Self::Control => 1,
        }
    }
}

/// The signed part of an entry. The order of the fields is the order on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Format version; 1.
    pub ver: u8,
    /// The workspace; zero in a Genesis.
    pub ws: WorkspaceId,
    /// The log; zero in a Genesis.
    pub log: LogId,
    /// The place in the log, from 1.
    pub seq: u64,
    /// The entry before; zero at 1.
    pub prev: EntryId,
    /// What the entry is for.
    pub kind: Kind,
    /// The control-lane heads that the author held, ascending, at most 8.
    #[serde(deserialize_with = "wire::vec::<_, _, ACL_HEADS_MAX>")]
    pub acl_heads: Vec<EntryId>,
    /// The epoch that seals the body.
    pub epoch: Option<EpochId>,
    /// Bytes of the body.
    pub body_len: u32,
    /// blake3 of the body.
    pub body_hash: BodyHash,
}

/// The fields before `body_len`: what a sealed body is bound to. Binding it to all of the
/// header would be a circle, because the header holds the hash of the sealed body.
#[derive(Serialize)]
struct Prefix<'a> {
    ver: u8,
    ws: &'a WorkspaceId,
    log: &'a LogId,
    seq: u64,
    prev: &'a EntryId,
    kind: Kind,
    acl_heads: &'a [EntryId],
    epoch: Option<EpochId>,
}

impl Header {
    /// Encodes the header.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// The id of the entry with this header.
    #[must_use]
    pub fn entry_id(&self) -> EntryId {
        entry_id_of(&self.encode())
    }

    /// The associated data that the body is sealed with: the bytes before `body_len`.
    #[must_use]
    pub fn associated_data(&self) -> Vec<u8> {
        wire::encode(&Prefix {
            ver: self.ver,
            ws: &self.ws,
            log: &self.log,
            seq: self.seq,
            prev: &self.prev,
            kind: self.kind,
            acl_heads: &self.acl_heads,
            epoch: self.epoch,
        })
    }

    /// Whether this program knows the version and the kind, so that it may look inside.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        self.ver == ENTRY_VERSION && !matches!(self.kind, Kind::Unknown(_))
    }

    fn check_shape(&self) -> Result<(), EntryError> {
        let genesis_shape = self.ws == WorkspaceId::ZERO && self.log == LogId::ZERO;
        let shaped = match self.kind {
            Kind::Genesis => genesis_shape && self.seq == 1 && self.acl_heads.is_empty(),
            Kind::Open => self.seq == 1,
            _ => self.seq > 1,
        };
        let prev_shaped = (self.seq == 1) == (self.prev == EntryId::ZERO);
        let ascending = self.acl_heads.windows(2).all(|pair| pair[0] < pair[1]);
        if shaped && prev_shaped && ascending { Ok(()) } else { Err(EntryError::Shape) }
    }
}

fn entry_id_of(header: &[u8]) -> EntryId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"weft/1 entry");
    hasher.update(header);
    EntryId::from_bytes(hasher.finalize().into())
}

/// What the signature of the entry `id` signs.
#[must_use]
pub fn signing_bytes(id: &EntryId) -> [u8; 43] {
    let mut bytes = [0; 43];
    bytes[..11].copy_from_slice(b"weft/1 sig\0");
    bytes[11..].copy_from_slice(id.as_bytes());
    bytes
}

/// Why bytes are no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The header is malformed or not canonical.
    #[error("the header of the entry cannot be read")]
    Header(#[source] WireError),
    /// The entry is shorter or longer than its header says.
    #[error("the entry has {actual} bytes where its header asks for {expected}")]
    Length {
        /// Bytes that the header asks for.
        expected: usize,
        /// Bytes that are there.
        actual: usize,
    },
    /// The body is larger than any entry's may be.
    #[error("the body of {len} bytes is over the limit")]
    BodyTooLarge {
        /// Its declared length.
        len: usize,
    },
    /// The body is not the one that was signed.
    #[error("the body does not match its hash")]
    BodyHash,
    /// Fields that contradict each other: a first entry with a predecessor, heads out of order.
    #[error("the fields of the header contradict each other")]
    Shape,
    /// The signature is wrong, or the key is one that must not be used.
    #[error("the signature is not right")]
    Signature,
    /// The clear body of this kind cannot be read.
    #[error("the body of the entry cannot be read")]
    Body(#[source] WireError),
}

/// One entry in memory. Cloning copies the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The signed part.
    pub header: Header,
    /// Ed25519 over [`signing_bytes`] of the id.
    pub signature: [u8; SIGNATURE_LEN],
    /// Sealed or clear, as the kind says.
    pub body: Vec<u8>,
    /// The hash of the header, computed once.
    id: EntryId,
}

impl Entry {
    /// Signs an entry. Fills in the length and hash of the body.
    ///
    /// # Errors
    /// When the body is over the limit or the fields contradict each other.
    pub fn sign(mut header: Header, body: Vec<u8>, key: &SigningKey) -> Result<Self, EntryError> {
        check_body_len(body.len())?;
        header.body_len = u32::try_from(body.len()).expect("a length below the limit");
        header.body_hash = BodyHash::from_bytes(blake3::hash(&body).into());
        header.check_shape()?;
        let id = header.entry_id();
        let signature = key.sign(&signing_bytes(&id)).to_bytes();
        Ok(Self { header, signature, body, id })
    }

    /// Reads an entry: sizes, canonical header, shape, hash of the body.
    ///
    /// # Errors
    /// When any of these is wrong. The signature is not looked at.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let (header, rest) = header::decode(bytes).map_err(EntryError::Header)?;
        let body_len = header.body_len as usize;
        check_body_len(body_len)?;
        if rest.len() != SIGNATURE_LEN + body_len {
            return Err(EntryError::Length {
                expected: bytes.len() - rest.len() + SIGNATURE_LEN + body_len,
                actual: bytes.len(),
            });
        }
        header.check_shape()?;
        let (signature, body) = rest.split_at(SIGNATURE_LEN);
        if blake3::hash(body) != blake3::Hash::from_bytes(*header.body_hash.as_bytes()) {
            return Err(EntryError::BodyHash);
        }
        let id = entry_id_of(&bytes[..bytes.len() - rest.len()]);
        Ok(Self {
            header,
            signature: signature.try_into().expect("a slice of this length"),
            body: body.to_vec(),
            id,
        })
    }

    /// Encodes the entry.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.header.encode();
        bytes.reserve_exact(SIGNATURE_LEN + self.body.len());
        bytes.extend_from_slice(&self.signature);
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The id: the hash of the header.
    #[must_use]
    pub fn id(&self) -> EntryId {
        self.id
    }

    /// Log, sequence number and id.
    #[must_use]
    pub fn entry_ref(&self) -> EntryRef {
        EntryRef { log: self.header.log, seq: self.header.seq, id: self.id }
    }

    /// Bytes of the encoded entry, without encoding it.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        // Cheap: the header is at most a few hundred bytes.
        self.header.encode().len() + SIGNATURE_LEN + self.body.len()
    }

    /// Checks the signature against `key`, strictly.
    ///
    /// # Errors
    /// When the signature is wrong or the key is weak or none.
    pub fn verify(&self, key: &PublicKey) -> Result<(), EntryError> {
        verify_signature(key, &signing_bytes(&self.id), &self.signature)
    }

    /// Reads a clear body.
    ///
    /// # Errors
    /// When it is malformed or over a limit.
    pub fn clear<T: ClearBody>(&self) -> Result<T, EntryError> {
        wire::decode(&self.body).map_err(EntryError::Body)
    }
}

/// Checks an Ed25519 signature, strictly: no weak keys, no malleable encodings.
///
/// # Errors
/// When the key or the signature is not right.
pub fn verify_signature(
    key: &PublicKey,
    message: &[u8],
    signature: &[u8; SIGNATURE_LEN],
) -> Result<(), EntryError> {
    let key = VerifyingKey::from_bytes(key.as_bytes()).map_err(|_| EntryError::Signature)?;
    let signature = ed25519_dalek::Signature::from_bytes(signature);
    key.verify_strict(message, &signature).map_err(|_| EntryError::Signature)
}

fn check_body_len(len: usize) -> Result<(), EntryError> {
    if len > ENTRY_BODY_BYTES_MAX {
        return Err(EntryError::BodyTooLarge { len });
    }
    Ok(())
}

/// A body that is stored in the clear: keepers need it to judge and relay.
pub trait ClearBody: Serialize + serde::de::DeserializeOwned {
    /// The kind of the entries that carry this body.
    const KIND: Kind;

    /// Encodes the body.
    fn encode_body(&self) -> Vec<u8> {
        wire::encode(self)
    }
}

/// Who signs a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Signer {
    /// A device, named by its user and its public key.
    Device(UserId, PublicKey),
    /// A user key itself.
    User(UserId),
}

impl Signer {
    /// The user that the signer is or belongs to.
    #[must_use]
    pub fn user(&self) -> UserId {
        match self {
            Self::Device(user, _) | Self::User(user) => *user,
        }
    }

    /// The device, when the signer is one.
    #[must_use]
    pub fn device(&self) -> Option<DeviceId> {
        match self {
            Self::Device(user, key) => Some(DeviceId::derive(user, key)),
            Self::User(_) => None,
        }
    }

    /// The key that signatures are checked against.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        match self {
            Self::Device(_, key) => *key,
            Self::User(user) => user.public_key(),
        }
    }

    /// The id that the signer's logs derive from and are counted under.
    #[must_use]
    pub fn id(&self) -> SignerId {
        match self.device() {
            Some(device) => SignerId::from_bytes(*device.as_bytes()),
            None => SignerId::from_bytes(*self.user().as_bytes()),
        }
    }

    /// The id of the signer's log of one lane in one session.
    #[must_use]
    pub fn log_id(&self, ws: &WorkspaceId, session: &SessionId, lane: Lane) -> LogId {
        let mut hasher = blake3::Hasher::new_derive_key("weft 2026 log v1");
        hasher.update(ws.as_bytes());
        hasher.update(self.id().as_bytes());
        hasher.update(session.as_bytes());
        hasher.update(&[lane.byte()]);
        LogId::from_bytes(hasher.finalize().into())
    }
}

/// The first entry of a log: who signs it, and which earlier logs of the device it follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Who signs every entry of this log.
    pub signer: Signer,
    /// The session, random.
    pub session: SessionId,
    /// Every log of this device that no Open of it has named yet, ascending, at most 8.
    #[serde(deserialize_with = "wire::vec::<_, _, PREV_LOGS_MAX>")]
    pub prev_logs: Vec<EntryRef>,
    /// The program that wrote it.
    #[serde(deserialize_with = "wire::text::<_, APP_VERSION_BYTES_MAX>")]
    pub app_version: String,
}

impl ClearBody for Open {
    const KIND: Kind = Kind::Open;
}

impl Open {
    /// The lane of the log `log` that this Open begins; none when it is not its log at all.
    #[must_use]
    pub fn lane(&self, ws: &WorkspaceId, log: &LogId) -> Option<Lane> {
        [Lane::Data, Lane::Control]
            .into_iter()
            .find(|lane| self.signer.log_id(ws, &self.session, *lane) == *log)
    }

    /// Whether the earlier logs are ascending and each is named once.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        self.prev_logs.windows(2).all(|pair| pair[0].log < pair[1].log)
    }
}

/// What the author holds: the positions that changed since its last Frontier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frontier {
    /// Ascending by log, each log once.
    #[serde(deserialize_with = "wire::vec::<_, _, FRONTIER_POSITIONS_MAX>")]
    pub positions: Vec<EntryRef>,
}

impl ClearBody for Frontier {
    const KIND: Kind = Kind::Frontier;
}

/// Asks members who hold an epoch's key to wrap it to the author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRequest {
    /// The epoch.
    pub epoch: EpochId,
}

impl ClearBody for KeyRequest {
    const KIND: Kind = Kind::KeyRequest;
}

/// Ends a log. It has no fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Close {}

impl ClearBody for Close {
    const KIND: Kind = Kind::Close;
}
