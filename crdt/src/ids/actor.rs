//! Who wrote an operation, and which one of theirs it is.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::fixed::{read_hex, write_hex};

/// Names one author of changes: a session of a device, or the hash of a content-named change.
///
/// Actors are compared as byte strings, a shorter prefix first, as Automerge does; that order decides ties between
/// concurrent edits at one place.
// Unused bytes are zero, so that comparing the array and then the length equals comparing the strings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorId {
    bytes: [u8; ActorId::LENGTH_MAX],
    length: u8,
}

/// Says why bytes are not an actor id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an actor id has 1 to {} bytes, not {length}", ActorId::LENGTH_MAX)]
pub struct ActorIdError {
    /// Bytes that were given.
    pub length: usize,
}

impl ActorId {
    /// Most bytes that an actor id has.
    pub const LENGTH_MAX: usize = 32;

    /// Makes an actor id of 1 to [`ActorId::LENGTH_MAX`] bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ActorIdError> {
        if bytes.is_empty() || bytes.len() > Self::LENGTH_MAX {
            return Err(ActorIdError { length: bytes.len() });
        }
        let mut actor = Self { bytes: [0; Self::LENGTH_MAX], length: bytes.len() as u8 };
        actor.bytes[..bytes.len()].copy_from_slice(bytes);
        Ok(actor)
    }

    /// Borrows the bytes of the id.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl From<[u8; 16]> for ActorId {
    fn from(bytes: [u8; 16]) -> Self {
        let mut actor = Self { bytes: [0; Self::LENGTH_MAX], length: 16 };
        actor.bytes[..16].copy_from_slice(&bytes);
        actor
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, self.as_bytes())
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActorId(")?;
        write_hex(f, &self.as_bytes()[..usize::from(self.length).min(4)])?;
        f.write_str(")")
    }
}

impl Serialize for ActorId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(self.as_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for ActorId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            let mut bytes = vec![0; text.len() / 2];
            read_hex(&text, &mut bytes).map_err(de::Error::custom)?;
            Self::from_bytes(&bytes).map_err(de::Error::custom)
        } else {
            deserializer.deserialize_bytes(ActorBytes)
        }
    }
}

struct ActorBytes;

impl de::Visitor<'_> for ActorBytes {
    type Value = ActorId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1 to {} bytes", ActorId::LENGTH_MAX)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<ActorId, E> {
        ActorId::from_bytes(bytes).map_err(E::custom)
    }
}

/// Names an operation, and with it the character or value that the operation made.
///
/// The greater id wins wherever two concurrent operations compete: counters first, then actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpId {
    /// Position in the partial order of all operations of the document; the first is 1.
    pub counter: u64,
    /// Who wrote the operation.
    pub actor: ActorId,
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.counter, self.actor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_compare_as_byte_strings() {
        let actor = |bytes: &[u8]| ActorId::from_bytes(bytes).unwrap();
        let strings: [&[u8]; 7] = [&[0], &[0, 0], &[0, 0, 1], &[0, 1], &[1], &[1, 0], &[2]];
        for left in strings {
            for right in strings {
                assert_eq!(actor(left).cmp(&actor(right)), left.cmp(right));
            }
        }
    }

    #[test]
    fn actors_have_one_to_thirty_two_bytes() {
        assert!(ActorId::from_bytes(&[]).is_err());
        assert!(ActorId::from_bytes(&[7; 32]).is_ok());
        assert_eq!(ActorId::from_bytes(&[7; 33]), Err(ActorIdError { length: 33 }));
    }

    #[test]
    fn operation_ids_survive_json_and_binary() {
        let id = OpId { counter: 300, actor: ActorId::from_bytes(&[7, 8, 9]).unwrap() };
        assert_eq!(id.to_string(), "300@070809");
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<OpId>(&json).unwrap(), id);
        let binary = postcard::to_allocvec(&id).unwrap();
        assert_eq!(postcard::from_bytes::<OpId>(&binary).unwrap(), id);
        assert!(postcard::from_bytes::<OpId>(&[1, 0]).is_err());
    }
}
