//! Invitation tickets: what one person gives another, on paper or in a message.
//!
//! A ticket is one line of letters and digits. It says how long it is and carries two checksums, so that a part that
//! is missing and a letter that is wrong are told apart before anybody is called.

use std::fmt;
use std::net::SocketAddr;

use data_encoding::BASE32_NOPAD;
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::acl::Class;
use crate::ids::{EndpointId, WorkspaceId};
use crate::limits::{TICKET_ADDRESSES_MAX, TICKET_BYTES_MAX, TICKET_NAME_BYTES_MAX, TICKET_RELAY_BYTES_MAX};
use crate::wire;

/// The version of tickets that this program writes.
pub const TICKET_VERSION: u8 = 1;
const HEAD_CHECK_LEN: usize = 2;
/// Version, length, and their checksum.
const HEAD_LEN: usize = 3 + HEAD_CHECK_LEN;
const CHECK_LEN: usize = 5;

/// The secret in a ticket: whoever knows it may ask to be let in. Prints as `****` and is wiped when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct TicketSecret([u8; 32]);

impl TicketSecret {
    /// Draws a new secret.
    #[must_use]
    pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Takes 32 secret bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TicketSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketSecret(****)")
    }
}

/// An invitation. The order of the fields is the order in the ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The workspace; [`WorkspaceId::ZERO`] in a ticket that links a device.
    pub ws: WorkspaceId,
    /// The device that knows of the invitation: it must be reachable.
    pub inviter: EndpointId,
    /// Where that device was when it wrote the ticket.
    #[serde(deserialize_with = "wire::vec::<_, _, TICKET_ADDRESSES_MAX>")]
    pub addresses: Vec<SocketAddr>,
    /// The relay that the device uses, if any.
    #[serde(deserialize_with = "relay")]
    pub relay: Option<String>,
    /// The secret.
    pub secret: TicketSecret,
    /// What the newcomer may do; of no meaning in a ticket that links a device.
    pub class: Class,
    /// What the device is called, for "waiting for Ana's laptop". May be empty.
    #[serde(deserialize_with = "wire::text::<_, TICKET_NAME_BYTES_MAX>")]
    pub inviter_name: String,
}

fn relay<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let relay = Option::<String>::deserialize(deserializer)?;
    match relay {
        Some(relay) if relay.len() > TICKET_RELAY_BYTES_MAX => {
            Err(serde::de::Error::custom("the relay is too long"))
        }
        relay => Ok(relay),
    }
}

/// Why a text is no ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TicketError {
    /// Nothing was given.
    #[error("the ticket is empty")]
    Empty,
    /// A character that no ticket contains.
    #[error("the ticket has a character that does not belong there, at place {place}")]
    Character {
        /// Its place, from 1, without spaces.
        place: usize,
    },
    /// A part is missing.
    #[error("a part of the ticket is missing: it has {letters} of {expected} letters")]
    Truncated {
        /// How many there are.
        letters: usize,
        /// How many there should be.
        expected: usize,
    },
    /// More follows than belongs to it.
    #[error("something follows the ticket: it has {letters} letters instead of {expected}")]
    TooLong {
        /// How many there are.
        letters: usize,
        /// How many there should be.
        expected: usize,
    },
    /// All letters are there, and at least one is wrong.
    #[error("the ticket has a typing mistake")]
    Mistyped,
    /// It was written by a version of Weft that this one does not understand.
    #[error("the ticket is of version {version}, this version of Weft reads version {TICKET_VERSION}")]
    Version {
        /// Which.
        version: u8,
    },
    /// The checksums are right and yet it makes no sense.
    #[error("the ticket cannot be read")]
    Malformed,
}

impl TicketError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Empty => "give the ticket that `weft share` printed, or `-` to read it from standard input",
            Self::Truncated { .. } => "copy the whole ticket again; long lines are easily cut",
            Self::TooLong { .. } => "copy the ticket alone, without what stands behind it",
            Self::Character { .. } => {
                "copy the ticket instead of typing it; it has letters and the digits 2 to 7, so what looks like 0, 1, 8 \
                 or 9 is an o, an l or i, a b or a g"
            }
            Self::Mistyped => "copy the ticket instead of typing it, or compare it letter by letter",
            Self::Version { .. } => "update Weft on both sides, or ask for a ticket from the same version",
            Self::Malformed => "ask for a new ticket",
        }
    }
}

impl Ticket {
    /// Whether it links a device to the person who wrote it, instead of inviting somebody.
    #[must_use]
    pub fn is_link(&self) -> bool {
        self.ws == WorkspaceId::ZERO
    }

    /// The line to give away.
    ///
    /// # Panics
    /// Never: fields over their limit are cut first.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut ticket = self.clone();
        ticket.addresses.truncate(TICKET_ADDRESSES_MAX);
        ticket.relay = ticket.relay.filter(|relay| relay.len() <= TICKET_RELAY_BYTES_MAX);
        let end = ticket.inviter_name.floor_char_boundary(TICKET_NAME_BYTES_MAX);
        ticket.inviter_name.truncate(end);

        let payload = wire::encode(&ticket);
        let len = u16::try_from(payload.len()).expect("a ticket below its limit");
        let mut bytes = vec![TICKET_VERSION];
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(&check::<HEAD_CHECK_LEN>(&bytes));
        bytes.extend_from_slice(&payload);
        bytes.extend_from_slice(&check::<CHECK_LEN>(&bytes));
        let mut text = BASE32_NOPAD.encode(&bytes);
        bytes.zeroize();
        text.make_ascii_lowercase();
        text
    }

    /// Reads a ticket: capital or small letters, with any spaces, line breaks, hyphens, and what a mail or a terminal
    /// puts around it.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TicketError> {
        let text = text.trim();
        let text = text.strip_prefix("weft join ").unwrap_or(text);
        let text = text.strip_prefix("weft device accept ").unwrap_or(text);
        let mut letters = String::with_capacity(text.len().min(2 * TICKET_BYTES_MAX));
        for letter in text.chars().filter(|letter| !is_wrapping(*letter)) {
            let place = letters.len() + 1;
            let letter = letter.to_ascii_uppercase();
            if !matches!(letter, 'A'..='Z' | '2'..='7') {
                return Err(TicketError::Character { place });
            }
            if place > letters_for(TICKET_BYTES_MAX) {
                return Err(TicketError::TooLong {
                    letters: text.len(),
                    expected: letters_for(TICKET_BYTES_MAX),
                });
            }
            letters.push(letter);
        }
        if letters.is_empty() {
            return Err(TicketError::Empty);
        }
        let payload = checked_payload(&letters)?;
        wire::decode(&payload).map_err(|_| TicketError::Malformed)
    }
}

impl std::str::FromStr for Ticket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        Self::parse(text)
    }
}

fn checked_payload(letters: &str) -> Result<Vec<u8>, TicketError> {
    let head_letters = letters_for(HEAD_LEN);
    let head = letters.get(..head_letters);
    let Some(head) = head else {
        return Err(TicketError::Truncated { letters: letters.len(), expected: head_letters });
    };
    // Five bytes are exactly eight letters, so the head can be read on its own.
    let head = BASE32_NOPAD.decode(head.as_bytes()).map_err(|_| TicketError::Mistyped)?;
    let (said, head_check) = head.split_at(HEAD_LEN - HEAD_CHECK_LEN);
    if check::<HEAD_CHECK_LEN>(said) != head_check {
        return Err(TicketError::Mistyped);
    }
    if said[0] != TICKET_VERSION {
        return Err(TicketError::Version { version: said[0] });
    }
    let payload_len = usize::from(u16::from_be_bytes([said[1], said[2]]));
    let expected = letters_for(HEAD_LEN + payload_len + CHECK_LEN);
    if letters.len() < expected {
        return Err(TicketError::Truncated { letters: letters.len(), expected });
    }
    if letters.len() > expected {
        return Err(TicketError::TooLong { letters: letters.len(), expected });
    }
    let bytes = BASE32_NOPAD.decode(letters.as_bytes()).map_err(|_| TicketError::Mistyped)?;
    let (checked, sum) = bytes.split_at(bytes.len() - CHECK_LEN);
    if check::<CHECK_LEN>(checked) != sum {
        return Err(TicketError::Mistyped);
    }
    Ok(checked[HEAD_LEN..].to_vec())
}

/// Whether a character comes from copying: spaces, quotes, the marks of a quoted mail, and what cannot be seen.
fn is_wrapping(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '-' | '"' | '\'' | '`' | '<' | '>' | '\u{ad}' | '\u{feff}')
        || matches!(character, '\u{2018}'..='\u{201f}' | '\u{200b}'..='\u{200f}' | '«' | '»')
}

const fn letters_for(bytes: usize) -> usize {
    (bytes * 8).div_ceil(5)
}

fn check<const LEN: usize>(bytes: &[u8]) -> [u8; LEN] {
    let hash = blake3::derive_key("weft 2026 ticket check v1", bytes);
    std::array::from_fn(|at| hash[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        Ticket {
            ws: WorkspaceId::from_bytes([1; 32]),
            inviter: EndpointId::from_bytes([2; 32]),
            addresses: vec!["192.168.1.20:4433".parse().unwrap(), "[fe80::1]:4433".parse().unwrap()],
            relay: None,
            secret: TicketSecret::from_bytes([3; 32]),
            class: Class::Editor,
            inviter_name: "Ana's laptop".to_owned(),
        }
    }

    #[test]
    fn golden_ticket() {
        assert_eq!(ticket().encode(), include_str!("ticket/golden.txt").trim());
    }

    #[test]
    fn a_ticket_comes_back_however_it_was_copied() {
        let text = ticket().encode();
        assert_eq!(Ticket::parse(&text), Ok(ticket()));
        assert_eq!(Ticket::parse(&text.to_uppercase()), Ok(ticket()));
        let broken =
            text.as_bytes().chunks(30).map(|part| String::from_utf8_lossy(part) + "\n  ").collect::<String>();
        assert_eq!(Ticket::parse(&broken), Ok(ticket()));
        let grouped =
            text.as_bytes().chunks(4).map(|part| String::from_utf8_lossy(part) + "-").collect::<String>();
        assert_eq!(grouped.parse(), Ok(ticket()));
        let quoted = format!("> {}\r\n> {}", &text[..60], &text[60..]);
        let copies = [format!("“{text}”"), format!("`{text}`"), format!("weft join {text}"), quoted];
        for copy in copies {
            assert_eq!(Ticket::parse(&copy), Ok(ticket()), "{copy}");
        }
    }

    #[test]
    fn one_wrong_letter_anywhere_is_a_typing_mistake() {
        let text = ticket().encode();
        for at in 0..text.len() {
            for letter in "aq7".chars() {
                let mut wrong = text.clone();
                wrong.replace_range(at..=at, &letter.to_string());
                if wrong != text {
                    assert_eq!(Ticket::parse(&wrong), Err(TicketError::Mistyped), "letter {at}");
                }
            }
        }
    }

    #[test]
    fn two_letters_exchanged_are_a_typing_mistake() {
        let text = ticket().encode();
        for at in 1..text.len() {
            let mut letters: Vec<char> = text.chars().collect();
            letters.swap(at - 1, at);
            let wrong: String = letters.into_iter().collect();
            if wrong != text {
                assert_eq!(Ticket::parse(&wrong), Err(TicketError::Mistyped), "letters {at}");
            }
        }
    }

    #[test]
    fn a_ticket_cut_anywhere_is_truncated() {
        let text = ticket().encode();
        for len in 1..text.len() {
            let cut = Ticket::parse(&text[..len]);
            assert!(
                matches!(cut, Err(TicketError::Truncated { letters, .. }) if letters == len),
                "{len}: {cut:?}"
            );
        }
        assert_eq!(Ticket::parse(" \n"), Err(TicketError::Empty));
    }

    #[test]
    fn more_than_a_ticket_and_foreign_characters_are_told() {
        let text = ticket().encode();
        assert!(matches!(Ticket::parse(&format!("{text}a")), Err(TicketError::TooLong { .. })));
        assert_eq!(Ticket::parse(&format!("{}1", &text[..3])), Err(TicketError::Character { place: 4 }));
        assert!(matches!(Ticket::parse(&"a".repeat(1_000_000)), Err(TicketError::TooLong { .. })));
    }

    #[test]
    fn a_newer_ticket_is_told_by_its_version() {
        let mut bytes = BASE32_NOPAD.decode(ticket().encode().to_uppercase().as_bytes()).unwrap();
        bytes[0] = 2;
        let head = check::<HEAD_CHECK_LEN>(&bytes[..3]);
        bytes[3..5].copy_from_slice(&head);
        assert_eq!(Ticket::parse(&BASE32_NOPAD.encode(&bytes)), Err(TicketError::Version { version: 2 }));
    }

    #[test]
    fn a_ticket_for_the_owner_does_not_exist() {
        let forged = Ticket { class: Class::Owner, ..ticket() };
        assert_eq!(Ticket::parse(&forged.encode()), Err(TicketError::Malformed));
    }

    #[test]
    fn the_largest_ticket_reads_and_what_is_over_is_cut() {
        let largest = Ticket {
            addresses: vec!["[2001:db8::1]:65535".parse().unwrap(); TICKET_ADDRESSES_MAX + 1],
            relay: Some("r".repeat(TICKET_RELAY_BYTES_MAX)),
            inviter_name: "n".repeat(TICKET_NAME_BYTES_MAX + 1),
            ..ticket()
        };
        let back = Ticket::parse(&largest.encode()).unwrap();
        assert_eq!(back.addresses.len(), TICKET_ADDRESSES_MAX);
        assert_eq!(back.inviter_name.len(), TICKET_NAME_BYTES_MAX);
        let over = Ticket { relay: Some("r".repeat(TICKET_RELAY_BYTES_MAX + 1)), ..ticket() };
        assert_eq!(Ticket::parse(&over.encode()).unwrap().relay, None);
    }

    #[test]
    fn the_secret_does_not_print() {
        let text = format!("{:?}", ticket());
        assert!(text.contains("****") && !text.contains("3, 3"), "{text}");
    }
}
