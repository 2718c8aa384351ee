//! Where a peer may be reached.

use std::{fmt, net::SocketAddr, str::FromStr};

use iroh::{RelayUrl, TransportAddr};

/// One way to reach a peer: an IP address with a port, or a relay that a person chose.
///
/// Shown and parsed as `192.0.2.7:4455`, `[2001:db8::7]:4455` or `https://relay.example/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// A direct address.
    Ip(SocketAddr),
    /// The URL of a relay at which the peer can be found.
    Relay(String),
}

impl Address {
    /// Converts to the form the transport dials; `None` for a relay whose URL does not parse.
    pub(crate) fn to_transport(&self) -> Option<TransportAddr> {
        match self {
            Self::Ip(address) => Some(TransportAddr::Ip(*address)),
            Self::Relay(url) => url.parse::<RelayUrl>().ok().map(TransportAddr::Relay),
        }
    }

    /// Converts from the form the transport reports.
    pub(crate) fn from_transport(address: &TransportAddr) -> Option<Self> {
        match address {
            TransportAddr::Ip(address) => Some(Self::Ip(canonical(*address))),
            TransportAddr::Relay(url) => Some(Self::Relay(url.to_string())),
            _ => None,
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Relay(url) => f.write_str(url),
        }
    }
}

/// The text is neither an IP address with a port nor the URL of a relay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address: {text}")]
pub struct AddressError {
    /// What was given.
    pub text: String,
}

impl AddressError {
    /// Says what an address looks like.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "write an address as 192.0.2.7:4455 or [2001:db8::7]:4455, or a relay as https://relay.example"
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self::Ip(address));
        }
        let relay = text.starts_with("https://") || text.starts_with("http://");
        match text.parse::<RelayUrl>() {
            Ok(url) if relay => Ok(Self::Relay(url.to_string())),
            _ => Err(AddressError { text: text.to_owned() }),
        }
    }
}

/// IPv4 addresses that arrive on an IPv6 socket are shown as what they are.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_a_round_trip_through_text() {
        for text in ["192.0.2.7:4455", "[2001:db8::7]:1", "https://relay.example/"] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            let back = Address::from_transport(&address.to_transport().unwrap()).unwrap();
            assert_eq!(back, address);
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_hint() {
        for text in ["", "192.0.2.7", "relay.example", "ftp://relay.example", "https://"] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(!error.hint().is_empty(), "{text}");
        }
    }
}
