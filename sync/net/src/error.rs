//! One error type per operation, each with a hint.

use std::net::SocketAddr;

use weft_sync::EndpointId;

use crate::{CloseCode, limits};

/// Starting the transport failed; nothing is listening.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// An address that was asked for cannot be listened on.
    #[error("cannot listen on {}: {reason}", list(addresses))]
    Listen {
        /// What was asked for.
        addresses: Vec<SocketAddr>,
        /// What the system said.
        reason: String,
    },
    /// The relay's URL does not parse.
    #[error("not a relay URL: {url}")]
    Relay {
        /// What was given.
        url: String,
    },
    /// The system has no randomness to offer.
    #[error("the system gives no random numbers: {reason}")]
    Random {
        /// What the system said.
        reason: String,
    },
}

impl NetError {
    /// Says what to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Listen { reason, .. } if reason.contains("in use") => {
                "another program uses this port: choose another one with --listen, or port 0 for any free one"
            }
            Self::Listen { .. } => {
                "check that the address belongs to this computer; without --listen, Weft listens on all of them"
            }
            Self::Relay { .. } => "write it as https://relay.example; leave --relay out to use none",
            Self::Random { .. } => "try again; if it persists, the operating system needs attention",
        }
    }
}

fn list(addresses: &[SocketAddr]) -> String {
    let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// A frame was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The peer reads too slowly: wait with [`crate::Net::ready`], or close the channel and let it come back.
    #[error("the channel's queue is full")]
    Full,
    /// The channel is closed or was never open.
    #[error("the channel is closed")]
    Closed,
    /// The frame is longer than [`limits::FRAME_BYTES_MAX`].
    #[error("the frame is longer than {} bytes", limits::FRAME_BYTES_MAX)]
    TooLong,
}

/// A channel was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no connection to the peer.
    #[error("not connected to the device")]
    NotConnected,
    /// Too many channels wait to be opened on this connection.
    #[error("too many channels are being opened")]
    Busy,
}

/// The peer cannot be wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WantError {
    /// The id is not the key of any device.
    #[error("not the id of a device: {peer}")]
    InvalidId {
        /// What was given.
        peer: EndpointId,
    },
    /// The id is this device's own.
    #[error("this is the device itself")]
    Ourselves,
    /// The transport has shut down.
    #[error("the transport has shut down")]
    ShutDown,
}

/// A request stream or join stream could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There is no connection to the peer.
    #[error("not connected to the device")]
    NotConnected,
    /// The id is not the key of any device, or this device's own.
    #[error("cannot dial {peer}")]
    InvalidId {
        /// What was given.
        peer: EndpointId,
    },
    /// No address answered.
    #[error("no answer from the device")]
    Unreachable {
        /// What was tried and what happened.
        reason: String,
    },
    /// Somebody else answers at this address.
    #[error("another device answers at this address")]
    WrongDevice,
    /// The device is there, but speaks no version of the protocol that this one speaks.
    #[error("the other device speaks another version of the protocol")]
    OtherVersion,
    /// The connection ended first.
    #[error("the connection ended: {reason}")]
    Lost {
        /// Why.
        reason: String,
    },
    /// The transport has shut down.
    #[error("the transport has shut down")]
    ShutDown,
}

impl RequestError {
    /// Says what to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => {
                "check that Weft runs on the other device and that both are on the same network; --peer ADDRESS helps where the network blocks lookup"
            }
            Self::WrongDevice => "the address now belongs to another device: ask for a new ticket",
            Self::InvalidId { .. } => "ask for a new ticket",
            Self::OtherVersion => "update Weft on both devices",
            _ => "try again",
        }
    }
}

/// Reading or writing a request stream failed; the stream is of no more use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The other side gave the stream up.
    #[error("given up by the other device: {code}")]
    Reset {
        /// Its reason.
        code: CloseCode,
    },
    /// The connection ended.
    #[error("the connection ended: {reason}")]
    Lost {
        /// Why.
        reason: String,
    },
    /// A frame is longer than [`limits::FRAME_BYTES_MAX`].
    #[error("a frame of {length} bytes is longer than {}", limits::FRAME_BYTES_MAX)]
    TooLong {
        /// The length it claims or has.
        length: usize,
    },
    /// The stream ended in the middle of a frame.
    #[error("the stream ended inside a frame")]
    Truncated,
    /// This side has already finished or given up the stream.
    #[error("the stream is finished")]
    Finished,
}
