//! Why the store key could not be had.

use std::io;
use std::path::PathBuf;

use super::SlotKind;
use super::keyring::KeyringFault;
use crate::limits::PASSPHRASE_BYTES_MAX;

/// Why a slot did not open.
#[derive(Debug)]
pub struct SlotFailure {
    /// The slot.
    pub slot: SlotKind,
    /// What happened.
    pub reason: SlotError,
}

/// What can be wrong with one slot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SlotError {
    /// There is no slot of this kind.
    #[error("the key was never stored there")]
    NoSlot,
    /// The keyring did not give its part.
    #[error(transparent)]
    Keyring(#[from] KeyringFault),
    /// The key file is missing.
    #[error("the file is missing: {path}")]
    FileMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Others may read the key file.
    #[error("others may read or replace the file: {path}")]
    FileNotPrivate {
        /// Where.
        path: PathBuf,
    },
    /// The key file could not be read or written.
    #[error("the file cannot be used: {path}")]
    FileIo {
        /// What failed.
        #[source]
        source: io::Error,
        /// Where.
        path: PathBuf,
    },
    /// No passphrase was given.
    #[error("no passphrase was given")]
    NoPassphrase,
    /// The passphrase could not be read.
    #[error("no passphrase can be read from file descriptor {fd}")]
    PassphraseFd {
        /// The descriptor.
        fd: u32,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// The passphrase is empty or too long.
    #[error("a passphrase has 1 to {} bytes", PASSPHRASE_BYTES_MAX)]
    PassphraseLength,
    /// The secret is there but does not open the slot.
    #[error("it does not fit")]
    WrongSecret,
    /// The slot holds no sealed key.
    #[error("the slot in keys.json is damaged")]
    Damaged,
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    Random,
}

/// Why the store key could not be had. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnlockError {
    /// No slot opened.
    #[error("the data on this device cannot be opened: {}", describe(tried))]
    NoSlotOpened {
        /// What was tried, in order.
        tried: Vec<SlotFailure>,
    },
    /// There is data, but `keys.json` is missing.
    #[error("keys.json is missing, but this device has data: {home}")]
    KeysLost {
        /// The data folder.
        home: PathBuf,
    },
    /// `keys.json` and its backup are damaged.
    #[error("keys.json is damaged: {path}")]
    Damaged {
        /// Where.
        path: PathBuf,
    },
    /// A later Weft wrote the file.
    #[error("keys.json was written by a newer Weft: {path}")]
    TooNew {
        /// Where.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error("cannot use keys.json: {path}")]
    Io {
        /// What failed.
        #[source]
        source: io::Error,
        /// Where.
        path: PathBuf,
    },
    /// A new key could not be stored where it was asked for.
    #[error("a new key cannot be kept with the {slot}")]
    CannotStore {
        /// The slot.
        slot: SlotKind,
        /// What failed.
        #[source]
        source: SlotError,
    },
}

fn describe(tried: &[SlotFailure]) -> String {
    let lines = tried.iter().map(|failure| format!("{}: {}", failure.slot, failure.reason));
    lines.collect::<Vec<_>>().join("; ")
}

impl UnlockError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoSlotOpened { tried } => slots_hint(tried),
            Self::KeysLost { .. } => {
                "restore keys.json from a backup, or move the whole data folder away and link \
                 this device again"
            }
            Self::Damaged { .. } => "restore keys.json from a backup",
            Self::TooNew { .. } => "update Weft on this device",
            Self::Io { .. } => "check the permissions of the data folder",
            Self::CannotStore { slot, source } => match (slot, source) {
                (SlotKind::Keyring, _) => {
                    "unlock the keyring, or set WEFT_KEY=file or WEFT_KEY=passphrase-fd:N"
                }
                (_, SlotError::NoPassphrase) => {
                    "give a passphrase, or set WEFT_KEY=file to keep the key in a file"
                }
                (_, SlotError::PassphraseFd { .. } | SlotError::PassphraseLength) => {
                    "give the passphrase as one line: WEFT_KEY=passphrase-fd:3 weft status 3<passphrase.txt"
                }
                _ => "check the permissions of the data folder",
            },
        }
    }
}

fn slots_hint(tried: &[SlotFailure]) -> &'static str {
    let has = |test: fn(&SlotError) -> bool| tried.iter().any(|failure| test(&failure.reason));
    if has(|reason| matches!(reason, SlotError::FileNotPrivate { .. })) {
        "run `chmod 600` on the key file after making sure that nobody else used it"
    } else if has(|reason| matches!(reason, SlotError::WrongSecret)) {
        "check the passphrase; or restore keys.json and the key file from one backup"
    } else if has(|reason| matches!(reason, SlotError::Keyring(_))) {
        "unlock the keyring of this session and try again"
    } else if has(|reason| matches!(reason, SlotError::PassphraseFd { .. } | SlotError::PassphraseLength)) {
        "give the passphrase as one line: WEFT_KEY=passphrase-fd:3 weft status 3<passphrase.txt"
    } else if has(|reason| matches!(reason, SlotError::NoPassphrase)) {
        "run the command in a terminal, or set WEFT_KEY=passphrase-fd:N"
    } else if has(|reason| matches!(reason, SlotError::NoSlot)) {
        "leave WEFT_KEY unset, or set it to the place where the key was stored"
    } else {
        "restore keys.json and the key file from one backup"
    }
}
