//! What the transport tells the node.

use std::{fmt, num::NonZeroU8, time::Duration};

use bytes::Bytes;
use tokio::sync::mpsc;
use weft_sync::EndpointId;

use crate::{Address, CloseCode, DisconnectReason, FrameStream};

/// One channel: a pair of ordered, reliable flows of frames between two devices.
///
/// Unique within one process, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub(crate) u64);

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "channel {}", self.0)
    }
}

/// What a request stream is for; the meaning is the node's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKind(NonZeroU8);

impl RequestKind {
    /// Names a kind; zero is taken by channels.
    #[must_use]
    pub const fn new(kind: u8) -> Option<Self> {
        match NonZeroU8::new(kind) {
            Some(kind) => Some(Self(kind)),
            None => None,
        }
    }

    /// Returns the number on the wire.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

/// Something that happened on the network.
///
/// Order: `Connected` of a peer comes before every `ChannelUp` on that connection, `ChannelUp` before the frames of the
/// channel, all frames before its `ChannelDown`, and every `ChannelDown` before the `Disconnected` of the peer. A newer
/// connection's `Connected` comes after the older one's `Disconnected`.
#[derive(Debug)]
pub enum NetEvent {
    /// A device is connected and has spoken.
    Connected {
        /// The other device.
        peer: EndpointId,
        /// Where it was reached; worth remembering for the next dial.
        address: Option<Address>,
        /// Whether this device dialed.
        dialer: bool,
    },
    /// The connection ended. Wanted peers are dialed again without being asked.
    Disconnected {
        /// The other device.
        peer: EndpointId,
        /// How it ended.
        reason: DisconnectReason,
    },
    /// A channel is open; sending may begin.
    ChannelUp {
        /// The channel.
        channel: ChannelId,
        /// The other device.
        peer: EndpointId,
        /// Whether this device opened the channel.
        opener: bool,
    },
    /// A whole frame arrived.
    Frame {
        /// The channel it arrived on.
        channel: ChannelId,
        /// The frame without its length. It counts against the transport's budget until it is dropped: a node that keeps
        /// many makes their senders wait.
        bytes: Bytes,
    },
    /// A channel ended: exactly one for each channel, whoever closed it.
    ChannelDown {
        /// The channel.
        channel: ChannelId,
        /// The code it was closed with, by either side; `None` when the connection was lost.
        code: Option<CloseCode>,
    },
    /// The other device asks for something on a stream of its own.
    Request {
        /// The other device.
        peer: EndpointId,
        /// What it asks for.
        kind: RequestKind,
        /// The stream; hand it to a task.
        stream: FrameStream,
    },
    /// A short message that may come late, twice or not at all. Only those of wanted peers are told, so many a second, and
    /// those that find no room are dropped.
    Datagram {
        /// The other device.
        peer: EndpointId,
        /// What it says.
        bytes: Bytes,
    },
    /// A device wants to join; nothing is known about it but its id. Prove it first, and drop the stream soon if it fails:
    /// only a few of these are served at a time.
    Join {
        /// The other device.
        peer: EndpointId,
        /// The stream; hand it to a task.
        stream: FrameStream,
    },
    /// A device announced itself on the local network, or its addresses changed. Anybody can announce anything: treat it as a hint.
    LanSeen {
        /// The device.
        peer: EndpointId,
        /// Where it says it is.
        addresses: Vec<Address>,
    },
    /// Looking for devices on the local network does not work; said once. Dialing known addresses is not affected.
    LanUnavailable {
        /// Why.
        reason: String,
    },
    /// The addresses of this device changed; ask [`crate::Net::addresses`].
    AddressesChanged,
}

/// What is known about one peer, for people.
#[derive(Clone, Debug)]
pub struct PeerInfo {
    /// The device.
    pub peer: EndpointId,
    /// Whether this device keeps trying to reach it.
    pub wanted: bool,
    /// Whether it announced itself on the local network lately.
    pub on_lan: bool,
    /// Addresses known for it, the most promising first.
    pub addresses: Vec<Address>,
    /// Where things stand.
    pub state: PeerState,
}

/// Where things stand with a peer.
#[derive(Clone, Debug)]
pub enum PeerState {
    /// Connected.
    Connected {
        /// Whether frames go straight to the device or through a relay.
        path: Path,
        /// Where the device is.
        address: Option<Address>,
        /// The round trip as measured by the transport.
        round_trip: Duration,
        /// Whether this device dialed.
        dialer: bool,
        /// For how long.
        age: Duration,
    },
    /// Being dialed now.
    Dialing,
    /// Waiting for the next try.
    Waiting {
        /// Dials that failed since the last connection.
        failures: u32,
        /// When the next one comes; `None` while no address is known.
        next_in: Option<Duration>,
        /// Why the last one failed, or the last connection ended.
        last_error: Option<String>,
    },
}

/// How frames reach a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Straight to an address of the device.
    Direct,
    /// Through a relay.
    Relay,
}

/// The receiving end of the transport's events.
///
/// Must be drained: a node that stops reading stops its peers from sending, and nothing else.
#[derive(Debug)]
pub struct NetEvents {
    queue: mpsc::Receiver<NetEvent>,
}

impl NetEvents {
    pub(crate) fn new(queue: mpsc::Receiver<NetEvent>) -> Self {
        Self { queue }
    }

    /// Waits for the next event; `None` once the transport has shut down. Cancel safe.
    pub async fn recv(&mut self) -> Option<NetEvent> {
        self.queue.recv().await
    }

    /// Takes an event that is already there.
    pub fn try_recv(&mut self) -> Option<NetEvent> {
        self.queue.try_recv().ok()
    }
}
