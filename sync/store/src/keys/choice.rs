//! What WEFT_KEY says, and a passphrase from a file descriptor.

use std::fs::File;
use std::io::Read;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::SlotError;
use crate::limits::PASSPHRASE_BYTES_MAX;

/// Where the person wants the key to lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyChoice {
    /// Not said: whatever works, best first.
    #[default]
    Any,
    /// The system's keyring.
    Keyring,
    /// A file that only its owner may read.
    File,
    /// A passphrase, read from this file descriptor.
    PassphraseFd(u32),
}

/// WEFT_KEY does not name a place. Its value is not repeated: somebody may have put a passphrase
/// there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyChoiceError {
    /// Not one of the words that are known.
    #[error("WEFT_KEY has a value that is not known")]
    Unknown,
    /// The number of the file descriptor is missing or no number.
    #[error("WEFT_KEY=passphrase-fd: lacks the number of a file descriptor")]
    BadFd,
    /// The value is not text.
    #[error("WEFT_KEY is not text")]
    NotText,
}

impl KeyChoiceError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unknown | Self::NotText => {
                "use WEFT_KEY=keyring, WEFT_KEY=file or WEFT_KEY=passphrase-fd:N, or unset it"
            }
            Self::BadFd => "for example: WEFT_KEY=passphrase-fd:3 weft status 3<passphrase.txt",
        }
    }
}

impl KeyChoice {
    /// Reads WEFT_KEY.
    pub fn from_environment() -> Result<Self, KeyChoiceError> {
        match std::env::var("WEFT_KEY") {
            Ok(value) => Self::parse(&value),
            Err(std::env::VarError::NotPresent) => Ok(Self::Any),
            Err(std::env::VarError::NotUnicode(_)) => Err(KeyChoiceError::NotText),
        }
    }

    /// Reads the value of WEFT_KEY; an empty one says nothing.
    pub fn parse(value: &str) -> Result<Self, KeyChoiceError> {
        match value {
            "" => Ok(Self::Any),
            "keyring" => Ok(Self::Keyring),
            "file" => Ok(Self::File),
            _ => {
                let number = value.strip_prefix("passphrase-fd");
                let number = number.ok_or(KeyChoiceError::Unknown)?;
                let number = number.strip_prefix(':').ok_or(KeyChoiceError::BadFd)?;
                let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
                let fd: u32 = number.parse().map_err(|_| KeyChoiceError::BadFd)?;
                let is_fd = is_plain && i32::try_from(fd).is_ok();
                is_fd.then_some(Self::PassphraseFd(fd)).ok_or(KeyChoiceError::BadFd)
            }
        }
    }
}

/// Reads a passphrase from an open file descriptor: one line, byte by byte, so that what follows stays for others.
///
/// # Errors
/// When the descriptor cannot be read, or the line is empty or too long.
pub fn read_passphrase(fd: u32) -> Result<SecretString, SlotError> {
    let failed = |source| SlotError::PassphraseFd { fd, source };
    if cfg!(not(unix)) {
        return Err(failed(std::io::ErrorKind::Unsupported.into()));
    }
    let mut file = File::open(format!("/dev/fd/{fd}")).map_err(failed)?;
    let mut line = Zeroizing::new(Vec::with_capacity(PASSPHRASE_BYTES_MAX));
    let mut byte = [0];
    loop {
        match file.read(&mut byte) {
            Ok(0) => break,
            Ok(_) if byte == *b"\n" => break,
            Ok(_) if line.len() == PASSPHRASE_BYTES_MAX => return Err(SlotError::PassphraseLength),
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    let text = std::str::from_utf8(&line).map_err(|_| failed(std::io::ErrorKind::InvalidData.into()))?;
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(SlotError::PassphraseLength);
    }
    Ok(SecretString::from(text))
}
