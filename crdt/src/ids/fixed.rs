//! Ids of a fixed length: hashes and shortened hashes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Says why a string is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseIdError {
    /// The string has the wrong number of hexadecimal digits.
    #[error("expected {expected} hexadecimal digits, found {found} characters")]
    Length {
        /// Digits an id of this kind has.
        expected: usize,
        /// Characters that were given.
        found: usize,
    },
    /// The string holds something other than hexadecimal digits.
    #[error("an id consists of hexadecimal digits only")]
    Digit,
}

/// Writes bytes as lower-case hexadecimal digits.
pub(super) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Reads hexadecimal digits into `out`, which must be filled exactly.
pub(super) fn read_hex(text: &str, out: &mut [u8]) -> Result<(), ParseIdError> {
    if text.len() != out.len() * 2 {
        return Err(ParseIdError::Length { expected: out.len() * 2, found: text.chars().count() });
    }
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(())
}

fn digit(character: u8) -> Result<u8, ParseIdError> {
    match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        b'A'..=b'F' => Ok(character - b'A' + 10),
        _ => Err(ParseIdError::Digit),
    }
}

macro_rules! fixed_id {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Length of an id of this kind in bytes.
            pub const LENGTH: usize = $length;

            /// Wraps bytes that are known to be such an id.
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Borrows the bytes of the id.
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                write_hex(f, &self.0[..4])?;
                f.write_str(")")
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let mut bytes = [0; $length];
                read_hex(text, &mut bytes)?;
                Ok(Self(bytes))
            }
        }

        // Hexadecimal digits for people, the bare bytes without a length in binary formats.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(de::Error::custom)
                } else {
                    <[u8; $length]>::deserialize(deserializer).map(Self)
                }
            }
        }
    };
}

fixed_id!(
    /// Names a document: a file's text, or the folder tree of a workspace.
    DocumentId,
    16
);
fixed_id!(
    /// Names a file or folder, whatever its path is at the moment.
    NodeId,
    16
);
fixed_id!(
    /// Names the bytes of a file: their BLAKE3 hash.
    ContentId,
    32
);
fixed_id!(
    /// Names a stored piece of a blob: the BLAKE3 hash of the piece as it is stored and sent.
    ChunkId,
    32
);
fixed_id!(
    /// Names a change: the SHA-256 hash that Automerge gives it.
    ChangeHash,
    32
);

impl NodeId {
    /// The root folder, which always exists.
    pub const ROOT: Self = Self([0; 16]);
    /// The trash, which always exists; a deleted node is moved into it.
    pub const TRASH: Self = Self([0xff; 16]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_text_json_and_binary() {
        let id = DocumentId::from_bytes(*b"0123456789abcdef");
        assert_eq!(id.to_string(), "30313233343536373839616263646566");
        assert_eq!(format!("{id:?}"), "DocumentId(30313233)");
        assert_eq!(id.to_string().parse::<DocumentId>(), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<DocumentId>(&json).unwrap(), id);
        let binary = postcard::to_allocvec(&id).unwrap();
        assert_eq!(binary, id.as_bytes());
        assert_eq!(postcard::from_bytes::<DocumentId>(&binary).unwrap(), id);
    }

    #[test]
    fn a_string_that_is_no_id_says_why() {
        assert_eq!("abc".parse::<NodeId>(), Err(ParseIdError::Length { expected: 32, found: 3 }));
        assert_eq!("zz".repeat(16).parse::<NodeId>(), Err(ParseIdError::Digit));
        assert_eq!("é".repeat(16).parse::<NodeId>(), Err(ParseIdError::Digit));
    }
}
