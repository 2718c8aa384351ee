//! Values on the command line.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs},
    time::Duration,
};

use weft_node::api::{PeerAddress, Role};

/// Reads a time such as `60s`, `24h`, `1h30m` or `500ms`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let complaint = || format!("{text:?} is no time; write it like 60s, 5m, 24h, 7d or 1h30m");
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(complaint());
    }
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(complaint)?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let number: u64 = number.parse().map_err(|_| complaint())?;
        let unit_millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(complaint()),
        };
        let millis = number.checked_mul(unit_millis).ok_or_else(complaint)?;
        total = total.checked_add(Duration::from_millis(millis)).ok_or_else(complaint)?;
        rest = after;
    }
    Ok(total)
}

/// Reads a position in a text, or a length.
pub(super) fn parse_count(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "positions and lengths are whole numbers of code points, from 0".to_owned())
}

/// Reads a role that can be given to somebody.
pub(super) fn parse_role(text: &str) -> Result<Role, String> {
    match text.parse()? {
        Role::Owner => Err("there is one owner; the strongest role to give is admin".to_owned()),
        role => Ok(role),
    }
}

/// Reads an address to listen on: with a port, or without for one of the system's choice.
pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address);
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, 0));
    }
    if let Some(port) = text.strip_prefix(':').and_then(|port| port.parse().ok()) {
        return Ok(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port));
    }
    Err("write it like 0.0.0.0:4433, 127.0.0.1 or [::]:0".to_owned())
}

/// Reads the address of another device.
pub(super) fn parse_peer(text: &str) -> Result<PeerAddress, String> {
    let (endpoint, host) = match text.split_once('@') {
        Some((endpoint, host)) => (Some(endpoint.to_owned()), host),
        None => (None, text),
    };
    let is_hexadecimal =
        |endpoint: &String| endpoint.len() == 64 && endpoint.bytes().all(|byte| byte.is_ascii_hexdigit());
    if endpoint.as_ref().is_some_and(|endpoint| !is_hexadecimal(endpoint)) {
        return Err("an endpoint's id has 64 hexadecimal digits, as `weft node` prints it".to_owned());
    }
    let address = host
        .to_socket_addrs()
        .map_err(|error| format!("{error}; write it like 192.168.1.7:4433"))?
        .next()
        .ok_or("this name has no address")?;
    Ok(PeerAddress { endpoint, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units() {
        let cases = [
            ("60s", 60_000),
            ("24h", 86_400_000),
            ("7d", 604_800_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("2min", 120_000),
            ("0s", 0),
            (" 5m ", 300_000),
        ];
        for (text, millis) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "60",
            "s",
            "-1s",
            "1.5h",
            "1 h",
            "1y",
            "99999999999999999999s",
            "18446744073709551615d",
            "1h x",
        ] {
            let error = parse_duration(text).expect_err(text);
            assert!(error.contains("60s"), "{text}: {error}");
        }
    }

    #[test]
    fn addresses_to_listen_on() {
        let cases = [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("127.0.0.1", "127.0.0.1:0"),
            (":4433", "0.0.0.0:4433"),
            ("[::1]:5", "[::1]:5"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_listen(text).map(|address| address.to_string()).as_deref(), Ok(expected));
        }
        for text in ["", "localhost", "1.2.3.4:99999", ":"] {
            assert!(parse_listen(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_of_peers() {
        let plain = parse_peer("127.0.0.1:80").expect("an address");
        assert_eq!((plain.endpoint, plain.address.port()), (None, 80));
        let id = "ab".repeat(32);
        let named = parse_peer(&format!("{id}@127.0.0.1:81")).expect("an address");
        assert_eq!((named.endpoint, named.address.port()), (Some(id), 81));
        for text in ["127.0.0.1", "abc@127.0.0.1:80", "", "@127.0.0.1:80"] {
            assert!(parse_peer(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_owner_is_not_a_role_to_give() {
        assert_eq!(parse_role("viewer"), Ok(Role::Viewer));
        assert!(parse_role("owner").is_err());
        assert!(parse_role("king").expect_err("no role").contains("editor"));
    }
}
