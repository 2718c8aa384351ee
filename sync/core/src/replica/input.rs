//! Everything that a [`Replica`](super::Replica) can be told.

use std::sync::Arc;

use crate::acl::AclOperation;
use crate::data::{Item, Origin};
use crate::frames::PeerAddress;
use crate::identity::UserKeys;
use crate::ids::{EndpointId, LogId, WallMillis};

/// A channel of the transport, in the caller's numbering. A number is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub u64);

/// One [`Append`](super::Effect::Append).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub u64);

/// One [`Load`](super::Effect::Load).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// One write, in the caller's numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// The place of an entry in the order in which the store took entries, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoredOrder(pub u64);

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// A channel for this workspace is up. On the accepting side the first frame follows at once.
    ChannelUp {
        /// The channel.
        channel: ChannelId,
        /// Who is at the other end, as the transport has proven.
        peer: EndpointId,
        /// Whether this side opened it.
        dialer: bool,
    },
    /// A frame came.
    Frame {
        /// On this channel.
        channel: ChannelId,
        /// Without its length.
        bytes: Vec<u8>,
    },
    /// A channel is gone, for whatever reason.
    ChannelDown {
        /// The channel.
        channel: ChannelId,
    },
    /// Changes of documents were made here.
    Write(Write),
    /// Membership operations were decided here.
    WriteAcl {
        /// The caller's name for this write.
        write: WriteId,
        /// At most 32.
        operations: Vec<AclOperation>,
    },
    /// Membership operations that our person signs, with the key that the recovery words stand for.
    WriteAsUser {
        /// The caller's name for this write.
        write: WriteId,
        /// The key.
        user: Arc<UserKeys>,
        /// What is decided.
        operations: Vec<AclOperation>,
    },
    /// An [`Append`](super::Effect::Append) is on disk.
    Committed {
        /// Which.
        batch: BatchId,
    },
    /// The answer to a [`Load`](super::Effect::Load).
    Loaded {
        /// Which.
        request: RequestId,
        /// In stored order; empty when there is nothing (more).
        entries: Vec<LoadedEntry>,
    },
    /// Where other devices were last reached, to be told to members.
    Addresses(Vec<PeerAddress>),
    /// The node stops: last words are written and said, then [`Stopped`](super::Effect::Stopped).
    Stop,
    /// The time of the last [`WakeAt`](super::Effect::WakeAt) has come.
    Tick,
}

/// Changes of documents, in order, that were made together.
#[derive(Clone, Debug)]
pub struct Write {
    /// The caller's name for this write.
    pub write: WriteId,
    /// The log whose actor the changes carry, as [`data_log`](super::Replica::data_log) said.
    pub log: LogId,
    /// Why they were made.
    pub origin: Origin,
    /// The clock on the wall, for display.
    pub wall: WallMillis,
    /// The changes.
    pub items: Vec<Item>,
}

/// An entry out of the store.
#[derive(Clone, Debug)]
pub struct LoadedEntry {
    /// Its place in stored order.
    pub order: StoredOrder,
    /// Its log.
    pub log: LogId,
    /// Its place there.
    pub seq: u64,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}
