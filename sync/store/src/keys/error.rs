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
    /// The words are those of another person.
    #[error("they belong to another person, or to another data folder")]
    OtherWords,
    /// The person's recovery key is one that everybody could open wraps to.
    #[error("the recovery key in the certificate of this device is no key")]
    NoRecipient,
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
    #[error("the data on this device cannot be opened with {}", describe(tried))]
    NoSlotOpened {
        /// What was tried, in order.
        tried: Vec<SlotFailure>,
        /// Where the key lies.
        known: Vec<SlotKind>,
    },
    /// There is data, but `keys.json` is missing.
    #[error("keys.json is missing, but this device has data: {home}")]
    KeysLost {
        /// The data folder.
        home: PathBuf,
    },
    /// There is no data that could be opened.
    #[error("there is no data of a device here: {home}")]
    NoData {
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
    #[error("a new key cannot be kept with {slot}")]
    CannotStore {
        /// The slot.
        slot: SlotKind,
        /// What failed.
        #[source]
        source: SlotError,
    },
}

const KEYS_HINT: &str = "restore keys.json from a backup. Without one, the data here cannot be read any more: move the \
     whole data folder (WEFT_HOME) away, but keep it, then join each folder again with a ticket from another device; what \
     lies in the folders is kept";
const KEY_FILE_HINT: &str = "restore keys.json and the key file store.key from one backup. Without one, the data here \
     cannot be read any more: move the whole data folder (WEFT_HOME) away, but keep it, then join each folder again with a \
     ticket from another device; what lies in the folders is kept";

const KEY_FILE_WORDS_HINT: &str = "`weft device recovery --unlock` opens the data with your 24 words. Or restore keys.json \
     and the key file store.key from one backup. With neither, move the whole data folder (WEFT_HOME) away, but keep it, then \
     join each folder again with a ticket from another device; what lies in the folders is kept";

fn key_file_hint(has_words: bool) -> &'static str {
    if has_words { KEY_FILE_WORDS_HINT } else { KEY_FILE_HINT }
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
            Self::NoSlotOpened { tried, known } => slots_hint(tried, known),
            Self::KeysLost { .. } | Self::Damaged { .. } => KEYS_HINT,
            Self::NoData { .. } => {
                "set WEFT_HOME to the data folder that is meant. On a new machine, \
                 `weft device recovery --restore --from ENDPOINT@HOST:PORT` brings everything back with the words"
            }
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

/// A sentence, and the words as another way where there is a slot for them.
macro_rules! or_words {
    ($has_words:expr, $text:literal) => {
        if $has_words {
            concat!(
                $text,
                "; if it is lost, `weft device recovery --unlock` opens the data with your 24 words"
            )
        } else {
            $text
        }
    };
}

fn no_slot_hint(known: &[SlotKind]) -> &'static str {
    // The words are asked for by a command of their own, whatever WEFT_KEY says.
    let known: Vec<SlotKind> = known.iter().copied().filter(|kind| *kind != SlotKind::Recovery).collect();
    match known.as_slice() {
        [SlotKind::Keyring] => {
            "the key lies in the system's keyring: set WEFT_KEY=keyring, or leave WEFT_KEY unset"
        }
        [SlotKind::File] => "the key lies in a file: set WEFT_KEY=file, or leave WEFT_KEY unset",
        [SlotKind::Passphrase] => {
            "a passphrase opens it: leave WEFT_KEY unset in a terminal, or WEFT_KEY=passphrase-fd:3 weft status \
             3<passphrase.txt"
        }
        _ => "leave WEFT_KEY unset, or set it to the place where the key was stored",
    }
}

/// What helps where the words were to open the store.
fn words_hint(reason: &SlotError) -> &'static str {
    match reason {
        SlotError::NoSlot => {
            "Weft makes the place for the words whenever it opens the data; it has not yet since this was added. Open it \
             once in the usual way, or restore keys.json from a backup"
        }
        SlotError::OtherWords => {
            "type the words of the person whose device this is: `weft device recovery` shows them on the device where \
             the personal key lies"
        }
        _ => "restore keys.json from a backup",
    }
}

fn slots_hint(tried: &[SlotFailure], known: &[SlotKind]) -> &'static str {
    if let [SlotFailure { slot: SlotKind::Recovery, reason }] = tried {
        return words_hint(reason);
    }
    let has = |test: fn(&SlotError) -> bool| tried.iter().any(|failure| test(&failure.reason));
    let has_wrong = |slot: SlotKind| {
        tried.iter().any(|failure| failure.slot == slot && matches!(failure.reason, SlotError::WrongSecret))
    };
    let has_words = known.contains(&SlotKind::Recovery);
    if has(|reason| matches!(reason, SlotError::FileNotPrivate { .. })) {
        "run `chmod 600` on the key file after making sure that nobody else used it"
    } else if has_wrong(SlotKind::Passphrase) {
        or_words!(
            has_words,
            "check the passphrase and the file or program that it comes from, then try again"
        )
    } else if has_wrong(SlotKind::File) || has(|reason| matches!(reason, SlotError::FileMissing { .. })) {
        key_file_hint(has_words)
    } else if has(|reason| matches!(reason, SlotError::Keyring(_))) {
        or_words!(has_words, "unlock the keyring of this session and try again")
    } else if has(|reason| matches!(reason, SlotError::PassphraseFd { .. } | SlotError::PassphraseLength)) {
        "give the passphrase as one line: WEFT_KEY=passphrase-fd:3 weft status 3<passphrase.txt"
    } else if has(|reason| matches!(reason, SlotError::NoPassphrase)) {
        or_words!(
            has_words,
            "give the passphrase: run the command in a terminal, or set WEFT_KEY=passphrase-fd:N"
        )
    } else if has(|reason| matches!(reason, SlotError::NoSlot)) {
        no_slot_hint(known)
    } else {
        key_file_hint(has_words)
    }
}
