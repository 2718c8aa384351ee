//! What two devices say to each other on a channel: one [`Frame`] after the other.
//!
//! A frame is a version byte and a postcard value, at most 1 MiB. The first frame of each side
//! is a [`Hello`]; see [`crate::replica`] for the order of the rest.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::entry::{SIGNATURE_LEN, Signer, verify_signature};
use crate::ids::{DeviceId, EndpointId, EntryId, EntryRef, LogId, SignerId, WorkspaceId};
use crate::limits::{
    ACL_HEADS_MAX, ADDRESSES_PER_PEER_MAX, ENTRIES_PER_FRAME_MAX, ENTRY_BYTES_MAX, FRAME_BYTES_MAX,
    FRONTIER_POSITIONS_MAX, OPEN_LOGS_MAX, PEERS_PER_FRAME_MAX, POSITIONS_PER_FRAME_MAX, SIGNERS_MAX,
};
use crate::wire;

/// The greatest version of the protocol that this program speaks.
pub const PROTOCOL_VERSION: u8 = 1;
/// The least version that it speaks. A Hello is always a frame of this version, so that all can read it.
pub const PROTOCOL_VERSION_MIN: u8 = 1;

/// The version that two devices speak of which one has said in its Hello what it speaks at most: the greatest that
/// both know. None when there is none.
#[must_use]
pub fn agreed_version(theirs: u8) -> Option<u8> {
    let version = theirs.min(PROTOCOL_VERSION);
    (version >= PROTOCOL_VERSION_MIN).then_some(version)
}

/// One message on a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Frame {
    /// Proves that the sender knows the workspace.
    Hello(Hello),
    /// What the sender holds of the control lane; begins the membership phase.
    AclHeads(AclHeads),
    /// Everything that the receiver lacked of the control lane has been sent.
    AclDone,
    /// What the sender holds of the data lane; begins the data phase.
    Have(Vector),
    /// The closed logs of one signer, because the digests differ.
    ClosedLogs(ClosedLogs),
    /// The logs that the sender of this frame wants from its receiver. A range replaces the
    /// one asked for before in the same log; an empty range takes it back.
    Want(#[serde(deserialize_with = "wire::vec::<_, _, POSITIONS_PER_FRAME_MAX>")] Vec<Range>),
    /// Entries, in the order in which the sender stored them.
    Entries(#[serde(deserialize_with = "wire::vec::<_, _, ENTRIES_PER_FRAME_MAX>")] Vec<EntryBytes>),
    /// What the sender has committed since its last Ack, and what it has taken in.
    Ack(Ack),
    /// Where other devices were last reached.
    Peers(#[serde(deserialize_with = "wire::vec::<_, _, PEERS_PER_FRAME_MAX>")] Vec<PeerAddress>),
    /// The signed vector of a device whose session has no data log to write a Frontier to.
    Frontier(SignedVector),
    /// The sender closes the channel.
    Bye(ByeCode),
}

/// Proves knowledge of a workspace before anything else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The greatest version of the protocol that the sender speaks.
    pub version: u8,
    /// Optional abilities, one bit each; none is defined yet.
    pub features: u64,
    /// See [`hello_tag`].
    pub tag: [u8; 32],
}

/// The tag of the Hello that `sender` sends to `receiver`: says nothing to those who do not
/// know the workspace, and cannot be replayed between other endpoints or back.
#[must_use]
pub fn hello_tag(ws: &WorkspaceId, sender: &EndpointId, receiver: &EndpointId) -> [u8; 32] {
    let key = blake3::derive_key("weft 2026 hello v1", ws.as_bytes());
    let mut hasher = blake3::Hasher::new_keyed(&key);
    hasher.update(sender.as_bytes());
    hasher.update(receiver.as_bytes());
    hasher.finalize().into()
}

/// Whether the first frame on a channel is a Hello for the workspace `ws`. A node with several
/// workspaces asks this of each to find whose channel it is.
#[must_use]
pub fn is_hello_for(frame: &[u8], ws: &WorkspaceId, sender: &EndpointId, receiver: &EndpointId) -> bool {
    match Frame::decode(frame) {
        Ok(Frame::Hello(hello)) => tag_matches(&hello.tag, ws, sender, receiver),
        _ => false,
    }
}

pub(crate) fn tag_matches(
    tag: &[u8; 32],
    ws: &WorkspaceId,
    sender: &EndpointId,
    receiver: &EndpointId,
) -> bool {
    // blake3 compares its hashes in constant time.
    blake3::Hash::from_bytes(hello_tag(ws, sender, receiver)) == *tag
}

/// What a device holds of the control lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclHeads {
    /// The heads of the control lane, the first eight; equal heads mean equal control lanes.
    #[serde(deserialize_with = "wire::vec::<_, _, ACL_HEADS_MAX>")]
    pub heads: Vec<EntryId>,
    /// The logs of the control lane.
    pub vector: Vector,
}

/// What a device holds of one lane: open logs one by one, closed ones as a digest per signer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vector {
    /// Logs that may still grow, ascending.
    #[serde(deserialize_with = "wire::vec::<_, _, OPEN_LOGS_MAX>")]
    pub open: Vec<LogEnd>,
    /// One digest for each signer with closed logs, ascending.
    #[serde(deserialize_with = "wire::vec::<_, _, SIGNERS_MAX>")]
    pub closed: Vec<ClosedDigest>,
}

/// How a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogEnd {
    /// The log.
    pub log: LogId,
    /// The last sequence number.
    pub seq: u64,
    /// See [`LogEnd::mark`]: two ends with one number and different marks show a fork, even if
    /// nothing is ever written behind it.
    pub mark: [u8; 8],
}

impl LogEnd {
    /// The end of the log of which this is the last entry.
    #[must_use]
    pub fn new(last: &EntryRef) -> Self {
        Self { log: last.log, seq: last.seq, mark: Self::mark(&last.id) }
    }

    /// The first bytes of an entry id: enough that nobody finds two entries with one mark.
    #[must_use]
    pub fn mark(id: &EntryId) -> [u8; 8] {
        *id.as_bytes().first_chunk().expect("an id longer than a mark")
    }

    /// The mark of a log of which several branches are here, given their last entries in ascending order of number and id.
    #[must_use]
    pub fn mark_of_branches(ends: impl IntoIterator<Item = EntryId>) -> [u8; 8] {
        let mut hasher = blake3::Hasher::new_derive_key("weft 2026 branches v1");
        for end in ends {
            hasher.update(end.as_bytes());
        }
        *hasher.finalize().as_bytes().first_chunk().expect("a hash longer than a mark")
    }

    /// Log and number.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { log: self.log, seq: self.seq }
    }
}

/// How far a log reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The log.
    pub log: LogId,
    /// The last sequence number.
    pub seq: u64,
}

/// The digest of the closed logs of one signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClosedDigest {
    /// Whose logs.
    pub signer: SignerId,
    /// See [`digest_of_closed`].
    pub digest: [u8; 32],
}

/// The digest of the ends of logs in ascending order.
#[must_use]
pub fn digest_of_closed(ends: impl IntoIterator<Item = LogEnd>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("weft 2026 closed logs v1");
    for end in ends {
        hasher.update(end.log.as_bytes());
        hasher.update(&end.seq.to_le_bytes());
        hasher.update(&end.mark);
    }
    hasher.finalize().into()
}

/// The closed logs of one signer of one lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedLogs {
    /// Whose logs.
    pub signer: SignerId,
    /// All of them, or the next part of a long list.
    #[serde(deserialize_with = "wire::vec::<_, _, POSITIONS_PER_FRAME_MAX>")]
    pub logs: Vec<LogEnd>,
    /// Whether another part follows.
    pub more: bool,
}

/// Entries `from..=to` of a log. `to` at the greatest value asks for what will come as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The log.
    pub log: LogId,
    /// The first sequence number.
    pub from: u64,
    /// The last sequence number.
    pub to: u64,
}

/// One encoded entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryBytes(
    #[serde(
        serialize_with = "wire::put_bytes",
        deserialize_with = "wire::shared_bytes::<_, ENTRY_BYTES_MAX>"
    )]
    pub Arc<[u8]>,
);

/// What a device has committed and taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Bytes of Entries frames that were taken in on this channel since it is up: what the
    /// other side may count off from what is in flight.
    pub taken_bytes: u64,
    /// Logs that grew: everything up to here is committed, with right chain and signatures.
    #[serde(deserialize_with = "wire::vec::<_, _, POSITIONS_PER_FRAME_MAX>")]
    pub positions: Vec<Position>,
}

/// Where a device was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerAddress {
    /// The device.
    pub device: DeviceId,
    /// Its addresses.
    #[serde(deserialize_with = "wire::vec::<_, _, ADDRESSES_PER_PEER_MAX>")]
    pub addresses: Vec<SocketAddr>,
    /// Seconds since it was reached there.
    pub age_seconds: u32,
}

/// A vector that its device vouches for by a signature instead of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedVector {
    /// The device.
    pub signer: Signer,
    /// What it holds, ascending by log.
    #[serde(deserialize_with = "wire::vec::<_, _, FRONTIER_POSITIONS_MAX>")]
    pub positions: Vec<EntryRef>,
    /// Over [`SignedVector::signing_bytes`].
    #[serde(with = "wire::array64")]
    pub signature: [u8; SIGNATURE_LEN],
}

impl SignedVector {
    /// What the signature signs.
    #[must_use]
    pub fn signing_bytes(ws: &WorkspaceId, positions: &[EntryRef]) -> Vec<u8> {
        let mut bytes = b"weft/1 frontier\0".to_vec();
        bytes.extend_from_slice(ws.as_bytes());
        bytes.extend_from_slice(&wire::encode(&positions));
        bytes
    }

    /// Whether the signature is right in the workspace `ws`.
    #[must_use]
    pub fn is_signed(&self, ws: &WorkspaceId) -> bool {
        let message = Self::signing_bytes(ws, &self.positions);
        verify_signature(&self.signer.public_key(), &message, &self.signature).is_ok()
    }
}

/// Why a channel is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ByeCode {
    /// The node stops, or the workspace is left.
    Done,
    /// A limit of this connection is reached; connect again and go on.
    Again,
    /// The other side's device was removed from the workspace, and has been sent the proof.
    Removed,
    /// The other side is not (yet) known to be a device of the workspace.
    Unknown,
    /// The other side speaks another version of the protocol.
    Version,
    /// The other side said something that the protocol does not allow.
    Protocol,
    /// The other side did not answer in time.
    Timeout,
    /// A code of a later version.
    Other(u8),
}

impl ByeCode {
    /// The byte that stands for this code.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Again => 1,
            Self::Removed => 2,
            Self::Unknown => 3,
            Self::Version => 4,
            Self::Protocol => 5,
            Self::Timeout => 6,
            Self::Other(byte) => byte,
        }
    }

    /// The code that a byte stands for.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Self {
        match byte {
            0 => Self::Done,
            1 => Self::Again,
            2 => Self::Removed,
            3 => Self::Unknown,
            4 => Self::Version,
            5 => Self::Protocol,
            6 => Self::Timeout,
            other => Self::Other(other),
        }
    }
}

impl Serialize for ByeCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.byte())
    }
}

impl<'de> Deserialize<'de> for ByeCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::deserialize(deserializer).map(Self::from_byte)
    }
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Nothing is there.
    #[error("the frame is empty")]
    Empty,
    /// The frame is of another version of the protocol.
    #[error("the frame is of version {found} of the protocol")]
    Version {
        /// That version.
        found: u8,
    },
    /// The frame is larger than any may be.
    #[error("the frame of {len} bytes is over the limit")]
    TooLarge {
        /// Its length.
        len: usize,
    },
    /// The frame is malformed, breaks a limit or is followed by other bytes.
    #[error("the frame cannot be read")]
    Malformed,
}

impl Frame {
    /// Encodes the frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![PROTOCOL_VERSION]).expect("a wire type without unsized sequences")
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// When it is of another version, too large or malformed.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        if bytes.len() > FRAME_BYTES_MAX {
            return Err(FrameError::TooLarge { len: bytes.len() });
        }
        match bytes.split_first() {
            None => Err(FrameError::Empty),
            Some((&PROTOCOL_VERSION, rest)) => match postcard::take_from_bytes(rest) {
                Ok((frame, [])) => Ok(frame),
                _ => Err(FrameError::Malformed),
            },
            Some((&found, _)) => Err(FrameError::Version { found }),
        }
    }
}
