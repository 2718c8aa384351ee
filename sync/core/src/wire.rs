//! Helpers for reading postcard from people we do not trust: lengths are checked before
//! anything is allocated, and only the canonical encoding is accepted.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why bytes were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes are not postcard of this type, or break one of its limits.
    #[error("the bytes are malformed or break a limit")]
    Malformed,
    /// The bytes decode, but another, shorter or ordered encoding of the same value exists.
    #[error("the encoding is not canonical")]
    NotCanonical,
    /// Bytes are left over behind the value.
    #[error("{extra} bytes follow the value")]
    TrailingBytes {
        /// How many.
        extra: usize,
    },
}

/// Decodes all of `bytes` and requires that encoding the value again gives the same bytes.
///
/// # Errors
/// When the bytes are malformed, not canonical, or followed by others.
pub fn decode<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, WireError> {
    let (value, rest) = decode_prefix(bytes)?;
    if !rest.is_empty() {
        return Err(WireError::TrailingBytes { extra: rest.len() });
    }
    Ok(value)
}

/// Decodes a value at the start of `bytes`, canonical or refused, and returns what follows.
///
/// # Errors
/// When the bytes are malformed or not canonical.
pub fn decode_prefix<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<(T, &[u8]), WireError> {
    let (value, rest) = postcard::take_from_bytes::<T>(bytes).map_err(|_| WireError::Malformed)?;
    let used = &bytes[..bytes.len() - rest.len()];
    if !encodes_to(&value, used) {
        return Err(WireError::NotCanonical);
    }
    Ok((value, rest))
}

/// Whether encoding a value gives exactly these bytes. Nothing is allocated for it.
fn encodes_to<T: Serialize>(value: &T, bytes: &[u8]) -> bool {
    /// What of the bytes has not been met yet; the first that differs ends the encoding.
    struct Expected<'a>(&'a [u8]);

    impl postcard::ser_flavors::Flavor for Expected<'_> {
        type Output = bool;

        fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
            self.0 = self.0.strip_prefix(data).ok_or(postcard::Error::SerializeBufferFull)?;
            Ok(())
        }

        fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
            match self.0.split_first() {
                Some((first, rest)) if *first == byte => self.0 = rest,
                _ => return Err(postcard::Error::SerializeBufferFull),
            }
            Ok(())
        }

        fn finalize(self) -> postcard::Result<bool> {
            Ok(self.0.is_empty())
        }
    }

    postcard::serialize_with_flavor(value, Expected(bytes)).unwrap_or(false)
}

/// Encodes a value.
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("a wire type without unsized sequences")
}

/// Reads a sequence of at most `MAX` elements: `#[serde(deserialize_with = "wire::vec::<_, _, MAX>")]`.
///
/// # Errors
/// When the declared length is above `MAX`, or an element is malformed.
pub fn vec<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Bounded<T, const MAX: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Bounded<T, MAX> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {MAX} elements")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let declared = seq.size_hint().unwrap_or(0);
            if declared > MAX {
                return Err(A::Error::custom("too many elements"));
            }
            // A hostile length costs at most a page: what really follows grows the rest.
            let mut elements = Vec::with_capacity(declared.min(4096 / size_of::<T>().max(1)));
            while let Some(element) = seq.next_element()? {
                if elements.len() == MAX {
                    return Err(A::Error::custom("too many elements"));
                }
                elements.push(element);
            }
            Ok(elements)
        }
    }

    deserializer.deserialize_seq(Bounded::<T, MAX>(PhantomData))
}

/// Reads at most `MAX` bytes: `#[serde(deserialize_with = "wire::bytes::<_, MAX>")]`.
///
/// # Errors
/// When the declared length is above `MAX` or above what is there.
pub fn bytes<'de, D, const MAX: usize>(deserializer: D) -> Result<Vec<u8>, D::Error>
where
    D: Deserializer<'de>,
{
    struct Bounded<const MAX: usize>;

    impl<const MAX: usize> Visitor<'_> for Bounded<MAX> {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {MAX} bytes")
        }

        fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            if bytes.len() > MAX {
                return Err(E::custom("too many bytes"));
            }
            Ok(bytes.to_vec())
        }
    }

    deserializer.deserialize_bytes(Bounded::<MAX>)
}

/// Like [`bytes`], shared.
///
/// # Errors
/// When the declared length is above `MAX` or above what is there.
pub fn shared_bytes<'de, D, const MAX: usize>(deserializer: D) -> Result<Arc<[u8]>, D::Error>
where
    D: Deserializer<'de>,
{
    bytes::<D, MAX>(deserializer).map(Arc::from)
}

/// Writes bytes with their length in front, in one copy: `#[serde(serialize_with = "wire::put_bytes")]`.
///
/// # Errors
/// Those of the serializer.
pub fn put_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// Reads a text of at most `MAX` bytes: `#[serde(deserialize_with = "wire::text::<_, MAX>")]`.
///
/// # Errors
/// When it is longer, or not UTF-8.
pub fn text<'de, D, const MAX: usize>(deserializer: D) -> Result<String, D::Error>
where
    D: Deserializer<'de>,
{
    struct Bounded<const MAX: usize>;

    impl<const MAX: usize> Visitor<'_> for Bounded<MAX> {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a text of at most {MAX} bytes")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
            if text.len() > MAX {
                return Err(E::custom("the text is too long"));
            }
            Ok(text.to_owned())
        }
    }

    deserializer.deserialize_str(Bounded::<MAX>)
}

/// 64 bytes (a signature), which serde has no array for.
pub mod array64 {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes 64 bytes without a length.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(bytes: &[u8; 64], serializer: S) -> Result<S::Ok, S::Error> {
        let (low, high) = bytes.split_at(32);
        let half = |half: &[u8]| <[u8; 32]>::try_from(half).expect("half of 64 bytes");
        (half(low), half(high)).serialize(serializer)
    }

    /// Reads 64 bytes.
    ///
    /// # Errors
    /// When fewer are there.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 64], D::Error> {
        let (low, high) = <([u8; 32], [u8; 32])>::deserialize(deserializer)?;
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&low);
        bytes[32..].copy_from_slice(&high);
        Ok(bytes)
    }
}
