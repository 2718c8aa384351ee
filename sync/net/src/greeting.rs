//! The first frame in each direction of a connection.
//!
//! A dialer cannot know from the handshake alone whether it was let in, so a connection counts only after the other side
//! has spoken. Of two devices the one with the smaller id decides which connection they keep: the other one (the
//! follower) greets first, and the decider's greeting is the decision. There is never more than one decision, so two
//! devices that dial each other at once end up with exactly one connection and nothing flaps.

use iroh::endpoint::Connection;
use tokio::time::timeout;
use weft_sync::EndpointId;

use crate::{
    CloseCode, StreamError,
    frame::{FrameReader, FrameWriter, Record},
    limits,
};

const VERSION: u8 = 1;
const GREETING_BYTES: usize = 17;

/// What one side says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Greeting {
    /// Random, new in every process: tells a restarted device from the one before.
    pub(crate) instance: u64,
    /// From the decider: a random name for this connection. From the follower: the name of the last connection that was
    /// decided, so that the decider can tell a follower that lost it from one that dialed before it knew.
    pub(crate) ticket: u64,
}

/// Why no greeting arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GreetingError {
    Timeout,
    Version,
    Protocol,
    Lost,
}

impl GreetingError {
    pub(crate) fn code(self) -> CloseCode {
        match self {
            Self::Timeout => CloseCode::TIMEOUT,
            Self::Version => CloseCode::VERSION,
            Self::Protocol | Self::Lost => CloseCode::PROTOCOL,
        }
    }
}

/// Whether `us` decides which connection to `peer` is kept.
pub(crate) fn decides(us: EndpointId, peer: EndpointId) -> bool {
    us < peer
}

pub(crate) async fn send(connection: &Connection, greeting: Greeting) -> Result<(), GreetingError> {
    let write = async {
        let stream = connection.open_uni().await.map_err(|_| GreetingError::Lost)?;
        let mut writer = FrameWriter::new(stream);
        let frame = encode(greeting);
        writer.frame([frame.to_vec().into()]).await.map_err(|_| GreetingError::Lost)?;
        writer.stream_mut().finish().map_err(|_| GreetingError::Lost)
    };
    timeout(limits::HANDSHAKE_TIMEOUT, write).await.unwrap_or(Err(GreetingError::Timeout))
}

pub(crate) async fn receive(connection: &Connection) -> Result<Greeting, GreetingError> {
    let read = async {
        let stream = connection.accept_uni().await.map_err(|_| GreetingError::Lost)?;
        match FrameReader::with_limit(stream, limits::GREETING_BYTES_MAX).next().await {
            Ok(Some(Record::Frame(bytes))) => decode(&bytes),
            Err(StreamError::Lost { .. }) => Err(GreetingError::Lost),
            _ => Err(GreetingError::Protocol),
        }
    };
    timeout(limits::HANDSHAKE_TIMEOUT, read).await.unwrap_or(Err(GreetingError::Timeout))
}

fn encode(greeting: Greeting) -> [u8; GREETING_BYTES] {
    let mut bytes = [VERSION; GREETING_BYTES];
    bytes[1..9].copy_from_slice(&greeting.instance.to_be_bytes());
    bytes[9..].copy_from_slice(&greeting.ticket.to_be_bytes());
    bytes
}

/// Later versions may append to a greeting of version 1.
pub(crate) fn decode(bytes: &[u8]) -> Result<Greeting, GreetingError> {
    let (&version, rest) = bytes.split_first().ok_or(GreetingError::Protocol)?;
    if version != VERSION {
        return Err(GreetingError::Version);
    }
    let (instance, rest) = rest.split_first_chunk().ok_or(GreetingError::Protocol)?;
    let ticket = rest.first_chunk().ok_or(GreetingError::Protocol)?;
    Ok(Greeting { instance: u64::from_be_bytes(*instance), ticket: u64::from_be_bytes(*ticket) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_decode_and_short_or_foreign_ones_are_refused() {
        let greeting = Greeting { instance: 0x0102_0304_0506_0708, ticket: u64::MAX };
        let bytes = encode(greeting);
        assert_eq!(decode(&bytes), Ok(greeting));
        assert_eq!(decode(&[&bytes[..], &[9, 9]].concat()), Ok(greeting));
        for length in 0..GREETING_BYTES {
            assert_eq!(decode(&bytes[..length]), Err(GreetingError::Protocol), "{length} bytes");
        }
        assert_eq!(decode(&[2; GREETING_BYTES]), Err(GreetingError::Version));
    }
}
