//! The form of values in byte registers: a version, then postcard, canonical or refused.

use serde::Serialize;
use serde::de::DeserializeOwned;

const VERSION: u8 = 1;

/// Says why a register's value is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The key names no register of a tree.
    #[error("the key names no register of a folder tree")]
    Key,
    /// The register holds values of another type.
    #[error("the register holds values of another type")]
    Type,
    /// A newer program wrote it.
    #[error("the value has version {version}, which this program does not know")]
    Version {
        /// The version that the value says it has.
        version: u8,
    },
    /// The bytes are not a value in its one encoding.
    #[error("the bytes are not a value in its one encoding")]
    Encoding,
    /// The value breaks a limit.
    #[error("the value breaks a rule: {0}")]
    Invalid(&'static str),
    /// Only some registers may be deleted.
    #[error("this register is never deleted")]
    Deleted,
}

pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::to_extend(value, vec![VERSION]).expect("a value of plain data")
}

pub(super) fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, ValueError> {
    let (version, rest) = bytes.split_first().ok_or(ValueError::Encoding)?;
    if *version != VERSION {
        return Err(ValueError::Version { version: *version });
    }
    let value = postcard::from_bytes(rest).map_err(|_| ValueError::Encoding)?;
    // One value must have one encoding: the same edit made twice has to be the same change.
    if encode(&value) == bytes { Ok(value) } else { Err(ValueError::Encoding) }
}
