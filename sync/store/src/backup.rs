//! A backup: everything that a device holds, in one file that the `age` tool opens too.
//!
//! What age seals is a tar archive:
//! ```text
//! README.txt             how to use it without Weft
//! backup.json            what is in it: a BackupNote
//! weft/                  a data folder that opens by itself: store.db, packs/, keys.json and store.key with a slot of
//!                        its own, identity.json, settings
//! files/WORKSPACE/       the files of each workspace, as they are shared
//! ```
//! The database in it is a copy with an instance of its own: a device that is brought back from it begins new logs,
//! wherever and however often that is done (see [`session`](crate::session)). Invitations stay out: a ticket that was used
//! must not become good again.
//!
//! The seal of age (<https://age-encryption.org/v1>) covers every byte and the end of the file, so that a backup which was
//! cut or altered is refused as a whole.

mod read;
mod write;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr as _;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

pub use self::read::{BackupContents, RestoredBackup, check, restore};
pub use self::write::BackupWriter;
use crate::error::{OpenError, ReadError};
use crate::keys::UnlockError;
use crate::limits::PASSPHRASE_BYTES_MAX;

const VERSION: u32 = 1;
const README_NAME: &str = "README.txt";
const NOTE_NAME: &str = "backup.json";
/// The folder of the data folder.
const STORE_FOLDER: &str = "weft";
/// The folder of the files of workspaces.
const FILES_FOLDER: &str = "files";

/// Who can open a backup that is being made.
pub enum BackupSeal {
    /// Whoever knows this passphrase.
    Passphrase(SecretString),
    /// Whoever has the identity to one of these.
    Recipients(Vec<BackupRecipient>),
}

impl fmt::Debug for BackupSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passphrase(_) => f.write_str("Passphrase(****)"),
            Self::Recipients(recipients) => f.debug_tuple("Recipients").field(&recipients.len()).finish(),
        }
    }
}

/// A recipient of age: `age1…`.
#[derive(Clone)]
pub struct BackupRecipient(age::x25519::Recipient);

impl BackupRecipient {
    /// Reads a recipient as `age-keygen` prints it.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, BackupError> {
        let read = age::x25519::Recipient::from_str(text.trim());
        read.map(Self).map_err(|_| BackupError::NoRecipient { text: text.to_owned() })
    }
}

/// What opens a backup.
pub enum BackupOpener {
    /// The passphrase.
    Passphrase(SecretString),
    /// The contents of a file of identities, as `age-keygen` writes it.
    Identities(SecretString),
}

impl fmt::Debug for BackupOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase(_) => "Passphrase(****)",
            Self::Identities(_) => "Identities(****)",
        })
    }
}

/// What is in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupNote {
    /// The version of the format.
    pub version: u32,
    /// When it was made, in milliseconds since 1970 by the clock of the device; for people.
    pub made_ms: u64,
    /// Which Weft made it.
    pub app: String,
    /// The id of the person.
    pub user: String,
    /// The id of the device.
    pub device: String,
    /// What the person calls the device.
    pub device_name: String,
    /// The workspaces.
    pub workspaces: Vec<BackupWorkspace>,
}

impl BackupNote {
    /// A note of this version without workspaces.
    #[must_use]
    pub fn new(made_ms: u64, app: String, user: String, device: String, device_name: String) -> Self {
        Self { version: VERSION, made_ms, app, user, device, device_name, workspaces: Vec::new() }
    }
}

/// A workspace in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupWorkspace {
    /// Its id.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// Where its folder was on the device; empty where the device only kept it.
    pub folder: String,
    /// The folder of its files in the archive, below `files/`; none where they were left out.
    pub files: Option<String>,
}

/// Why a backup could not be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The file of the backup could not be read or written.
    #[error("the backup cannot be read or written")]
    Io {
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// A file of the data folder could not be read or written.
    #[error("cannot use {path}")]
    Home {
        /// What failed.
        #[source]
        source: io::Error,
        /// Which.
        path: PathBuf,
    },
    /// This is no recipient.
    #[error("this is no recipient of age: {text}")]
    NoRecipient {
        /// What was given.
        text: String,
    },
    /// Nobody could open it.
    #[error("a backup needs a passphrase or a recipient")]
    NoSeal,
    /// The passphrase is empty or too long.
    #[error("a passphrase has 1 to {} bytes", PASSPHRASE_BYTES_MAX)]
    PassphraseLength,
    /// The file of identities holds none that can be used.
    #[error("there is no identity of age in this file")]
    NoIdentity,
    /// The backup is sealed with a passphrase.
    #[error("this backup is opened with a passphrase")]
    WantsPassphrase,
    /// The backup is sealed for identities.
    #[error("this backup is opened with an identity of age, not with a passphrase")]
    WantsIdentity,
    /// The secret does not open it.
    #[error("this does not open the backup")]
    WrongSecret,
    /// The file is no backup of Weft.
    #[error("this is no backup of Weft")]
    Foreign,
    /// The file was cut or altered.
    #[error("the backup is damaged")]
    Damaged {
        /// Where that was noticed.
        #[source]
        source: io::Error,
    },
    /// A newer Weft made it.
    #[error("this backup was made by a newer Weft")]
    TooNew,
    /// There is data already.
    #[error("there is data of a device already: {path}")]
    Occupied {
        /// The data folder.
        path: PathBuf,
    },
    /// The store could not be copied.
    #[error("the store cannot be copied")]
    Read(#[from] ReadError),
    /// The store in the backup does not open.
    #[error("the store in the backup does not open")]
    Open(#[from] OpenError),
    /// The key could not be had or stored.
    #[error(transparent)]
    Key(#[from] UnlockError),
}

impl BackupError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { source } if source.kind() == io::ErrorKind::StorageFull => {
                "free some space, or write the backup to another disk"
            }
            Self::Io { .. } => "check the file and the disk that it lies on",
            Self::Home { .. } => "check the space and the permissions of the data folder",
            Self::NoRecipient { .. } => "a recipient begins with age1; `age-keygen` makes one",
            Self::NoSeal => "give a passphrase, or --to with a recipient",
            Self::PassphraseLength => "choose another one; several words are easy to remember",
            Self::NoIdentity => "give the file that `age-keygen` wrote: it has a line AGE-SECRET-KEY-1…",
            Self::WantsPassphrase => "leave --identity out",
            Self::WantsIdentity => "give the file with the identity: --identity FILE",
            Self::WrongSecret => "try again with the passphrase or identity that it was made for",
            Self::Foreign => "give a file that `weft backup` wrote",
            Self::Damaged { .. } => "use another copy of the backup, or an older one",
            Self::TooNew => "update Weft on this device",
            Self::Occupied { .. } => {
                "set WEFT_HOME to a folder that is missing or empty; or move the one there away, but keep it"
            }
            Self::Read(source) => source.hint(),
            Self::Open(source) => source.hint(),
            Self::Key(source) => source.hint(),
        }
    }
}

/// Makes a file for a backup that only its owner may read.
///
/// # Errors
/// When there is one already, or the folder cannot be written.
pub fn create_file(path: &std::path::Path) -> io::Result<std::fs::File> {
    crate::files::private_options().write(true).create_new(true).open(path)
}

/// The text that is found by somebody who has the archive and no Weft.
const README: &str = "\
This is a backup of Weft, the editor for people who share folders without a server.

files/   the files of each workspace as they were, if they were not left out. Nothing else is needed to read them.
weft/    the whole data of the device: history, keys, who is a member.

With Weft:     weft backup restore FILE.age
Without it:    age --decrypt FILE.age | tar --extract
By hand:       set WEFT_HOME to the folder weft/ and run weft; new logs are begun by themselves.

Whoever has the folder weft/ is this device: keep it as you would keep a key.
";

#[cfg(test)]
mod tests;
