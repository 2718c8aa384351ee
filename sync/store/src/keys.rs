//! The slots that hold the store key.
//!
//! The store key itself is written nowhere. `keys.json` holds it sealed once for every slot: under
//! a key in the system's keyring, under a passphrase, under a key in a file that only its
//! owner may read, or to the recovery key that belongs to a person's 24 words. Any one slot opens
//! the store; the words are asked for by [`open_with_words`] alone.
//!
//! A missing secret never means a first run: a locked keyring answers as an empty one does. Keys
//! are made only when neither `keys.json` nor `identity.json` nor `store.db` is there.

mod choice;
mod error;
pub(crate) mod file;
mod keyring;
pub(crate) mod slot;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use weft_sync::wraps::{AgeIdentity, AgeRecipient};
use zeroize::Zeroizing;

pub use self::choice::{KeyChoice, KeyChoiceError, read_passphrase};
pub use self::error::{SlotError, SlotFailure, UnlockError};
use self::file::KeysFile;
pub use self::keyring::{Keyring, KeyringFault, NoKeyring, SystemKeyring};
use self::slot::{Kek, Slot};
use crate::home::Home;
use crate::limits::KEYRING_TIMEOUT;
use crate::sqlite::Store;
use crate::store_key::StoreKey;

/// Where a copy of the store key lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SlotKind {
    /// The system's keyring.
    Keyring,
    /// A file that only its owner may read.
    File,
    /// A passphrase.
    Passphrase,
    /// The 24 words of the person.
    Recovery,
}

impl fmt::Display for SlotKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keyring => "the system's keyring",
            Self::File => "the key file",
            Self::Passphrase => "the passphrase",
            Self::Recovery => "the 24 words",
        })
    }
}

/// What a passphrase is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassphraseRequest {
    /// A new one is chosen: ask twice and compare.
    Choose,
    /// The one that was chosen opens the store; the number counts the tries from 1.
    Unlock(u32),
}

/// Asks on a terminal; none when the person gives up.
pub type AskPassphrase<'a> = dyn FnMut(PassphraseRequest) -> Option<SecretString> + 'a;

/// What unlocking may use.
pub struct KeyContext<'a> {
    /// What WEFT_KEY says.
    pub choice: KeyChoice,
    /// The keyring, or a stand-in.
    pub keyring: Arc<dyn Keyring>,
    /// Asks for a passphrase; none where there is no terminal.
    pub ask: Option<&'a mut AskPassphrase<'a>>,
    /// A folder in which a service manager hands over credentials (`CREDENTIALS_DIRECTORY`).
    pub credentials: Option<PathBuf>,
    /// How long one call of the keyring may take.
    pub keyring_timeout: Duration,
    /// The work of a new passphrase slot as a power of two; none takes about a second.
    pub work_factor: Option<u8>,
}

impl<'a> KeyContext<'a> {
    /// What a program on this machine uses, with what WEFT_KEY says.
    pub fn of_this_machine(ask: Option<&'a mut AskPassphrase<'a>>) -> Result<Self, KeyChoiceError> {
        Ok(Self {
            choice: KeyChoice::from_environment()?,
            keyring: Arc::new(SystemKeyring),
            ask,
            credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
            keyring_timeout: KEYRING_TIMEOUT,
            work_factor: None,
        })
    }
}

impl fmt::Debug for KeyContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyContext").field("choice", &self.choice).finish_non_exhaustive()
    }
}

/// The key, and where it came from.
#[derive(Debug)]
pub struct Unlocked {
    /// The store key.
    pub key: StoreKey,
    /// The slot that opened.
    pub slot: SlotKind,
    /// Whether the key was made just now.
    pub is_new: bool,
    key_file: PathBuf,
}

impl Unlocked {
    /// One line that a person has to see when the key lies in a file.
    #[must_use]
    pub fn notice(&self) -> Option<String> {
        (self.slot == SlotKind::File).then(|| {
            format!(
                "The key to this device's data lies in a file that only you can read: {}",
                self.key_file.display()
            )
        })
    }
}

/// How often a passphrase is asked for before giving up.
const PASSPHRASE_TRIES: u32 = 3;

/// Opens the store key, or makes one when this is the first start. The lock of the data folder
/// must be held.
pub fn unlock(home: &Home, context: &mut KeyContext<'_>) -> Result<Unlocked, UnlockError> {
    match KeysFile::read(home)? {
        Some(keys) => {
            let unlocked = open_slots(home, &keys, context)?;
            // It is open: what keeps the file from being written now is no reason to stay shut.
            if let Err(error) = keys.mend(home) {
                tracing::warn!("{error}");
            }
            Ok(unlocked)
        }
        None => create(home, context),
    }
}

/// Which slots hold the store key, for `weft doctor`.
pub fn slots(home: &Home) -> Result<Vec<SlotKind>, UnlockError> {
    let keys = KeysFile::read(home)?;
    Ok(keys.map(|keys| keys.kinds()).unwrap_or_default())
}

/// Stores the key in a further slot, in place of one of the same kind. The secret of a
/// keyring or a key file that holds the key already stays as it is.
pub fn add_slot(
    home: &Home,
    key: &StoreKey,
    kind: SlotKind,
    context: &mut KeyContext<'_>,
) -> Result<(), UnlockError> {
    let Some(mut keys) = KeysFile::read(home)? else {
        return Err(UnlockError::KeysLost { home: home.path().to_path_buf() });
    };
    // The secret of such a slot lies elsewhere. If it were replaced and the program stopped before
    // keys.json tells of it, neither would open what the other holds.
    if !holds(home, &keys, key, kind, context) {
        let slot = make_slot(home, &keys.profile, key, kind, context)
            .map_err(|source| UnlockError::CannotStore { slot: kind, source })?;
        keys.put(slot);
    }
    keys.write(home)
}

/// Whether the secret of a slot that nobody is asked for is there and opens this key.
fn holds(home: &Home, keys: &KeysFile, key: &StoreKey, kind: SlotKind, context: &mut KeyContext<'_>) -> bool {
    matches!(kind, SlotKind::Keyring | SlotKind::File)
        && keys.slot(kind).is_some_and(|slot| {
            let opened = open_slot(home, &keys.profile, slot, context);
            opened.is_ok_and(|known| known.expose() == key.expose())
        })
}

/// Sees to it that the words of the person with this recovery key open an open store; they are not needed for that. Tells
/// whether something was written.
///
/// A slot that is damaged, holds another key or belongs to another person's words is replaced.
///
/// # Errors
/// When `keys.json` is missing or cannot be written.
pub fn keep_recovery(home: &Home, store: &Store, recipient: &AgeRecipient) -> Result<bool, UnlockError> {
    let Some(mut keys) = KeysFile::read(home)? else {
        return Err(UnlockError::KeysLost { home: home.path().to_path_buf() });
    };
    let key = store.key();
    if keys.slot(SlotKind::Recovery).is_some_and(|slot| slot.is_recovery(key, recipient)) {
        return Ok(false);
    }
    let kind = SlotKind::Recovery;
    let slot =
        Slot::recovery(key, recipient).map_err(|source| UnlockError::CannotStore { slot: kind, source })?;
    keys.put(slot);
    keys.write_both(home)?;
    Ok(true)
}

/// Opens the store key with what a person's 24 words are. Changes nothing.
///
/// # Errors
/// When there is no slot for words, or these are not the words of the person whose device this is.
pub fn open_with_words(home: &Home, identity: &AgeIdentity) -> Result<StoreKey, UnlockError> {
    let Some(keys) = KeysFile::read(home)? else {
        let path = home.path().to_path_buf();
        return Err(match has_data(home) {
            true => UnlockError::KeysLost { home: path },
            false => UnlockError::NoData { home: path },
        });
    };
    let slot = keys.slot(SlotKind::Recovery).ok_or(SlotError::NoSlot);
    slot.and_then(|slot| slot.open_with_words(identity)).map_err(|reason| UnlockError::NoSlotOpened {
        tried: vec![SlotFailure { slot: SlotKind::Recovery, reason }],
        known: keys.kinds(),
    })
}

/// Where a key was put that the words had opened.
#[derive(Debug)]
pub struct KeptAgain {
    /// The slot that opens the store from now on.
    pub slot: SlotKind,
    /// Whether it did already, and nothing was changed.
    pub was_there: bool,
}

/// Puts a key that the words have opened where the next start looks for it: where WEFT_KEY says, else where it was before,
/// else where a first key would go. What lies there and opens the key already stays as it is.
///
/// # Errors
/// When it can be put nowhere; then no slot was changed.
pub fn keep_again(
    home: &Home,
    key: &StoreKey,
    context: &mut KeyContext<'_>,
) -> Result<KeptAgain, UnlockError> {
    let Some(mut keys) = KeysFile::read(home)? else {
        return Err(UnlockError::KeysLost { home: home.path().to_path_buf() });
    };
    let mut kinds = places(context).to_vec();
    if context.choice == KeyChoice::Any {
        let can_ask = context.ask.is_some();
        let mut known: Vec<SlotKind> = keys.kinds();
        known.retain(|kind| *kind != SlotKind::Recovery && (can_ask || *kind != SlotKind::Passphrase));
        known.sort();
        kinds.retain(|kind| !known.contains(kind));
        kinds.splice(0..0, known);
    }
    if let Some(slot) = kinds.iter().copied().find(|kind| holds(home, &keys, key, *kind, context)) {
        return Ok(KeptAgain { slot, was_there: true });
    }
    let (kind, slot) = make_first(home, &keys.profile, key, &kinds, context)?;
    keys.put(slot);
    keys.write_both(home)?;
    Ok(KeptAgain { slot: kind, was_there: false })
}

fn has_data(home: &Home) -> bool {
    home.identity_json().exists() || home.store_db().exists()
}

fn open_slots(home: &Home, keys: &KeysFile, context: &mut KeyContext<'_>) -> Result<Unlocked, UnlockError> {
    let kinds: &[SlotKind] = match context.choice {
        KeyChoice::Any => &[SlotKind::Keyring, SlotKind::File, SlotKind::Passphrase],
        KeyChoice::Keyring => &[SlotKind::Keyring],
        KeyChoice::File => &[SlotKind::File],
        KeyChoice::PassphraseFd(_) => &[SlotKind::Passphrase],
    };
    let mut tried = Vec::new();
    for kind in kinds {
        let Some(slot) = keys.slot(*kind) else {
            if context.choice != KeyChoice::Any {
                tried.push(SlotFailure { slot: *kind, reason: SlotError::NoSlot });
            }
            continue;
        };
        match open_slot(home, &keys.profile, slot, context) {
            Ok(key) => {
                return Ok(Unlocked { key, slot: *kind, is_new: false, key_file: home.key_file() });
            }
            Err(reason) => tried.push(SlotFailure { slot: *kind, reason }),
        }
    }
    Err(UnlockError::NoSlotOpened { tried, known: keys.kinds() })
}

fn open_slot(
    home: &Home,
    profile: &str,
    slot: &Slot,
    context: &mut KeyContext<'_>,
) -> Result<StoreKey, SlotError> {
    match slot {
        Slot::Keyring { .. } => {
            let kek = keyring::load(&context.keyring, profile, context.keyring_timeout)?;
            slot.open_with_kek(&kek, profile)
        }
        Slot::File { .. } => {
            let kek = slot::read_key_file(home, context.credentials.as_deref())?;
            slot.open_with_kek(&kek, profile)
        }
        Slot::Passphrase { .. } => {
            if let KeyChoice::PassphraseFd(fd) = context.choice {
                return slot.open_with_passphrase(&choice::read_passphrase(fd)?);
            }
            let ask = context.ask.as_mut().ok_or(SlotError::NoPassphrase)?;
            for attempt in 1..=PASSPHRASE_TRIES {
                let request = PassphraseRequest::Unlock(attempt);
                let passphrase = ask(request).ok_or(SlotError::NoPassphrase)?;
                match slot.open_with_passphrase(&passphrase) {
                    Err(SlotError::WrongSecret) => {}
                    other => return other,
                }
            }
            Err(SlotError::WrongSecret)
        }
        // Nobody has typed them here.
        Slot::Recovery { .. } => Err(SlotError::NoSlot),
    }
}

fn no_random(_: impl Sized) -> UnlockError {
    UnlockError::CannotStore { slot: SlotKind::File, source: SlotError::Random }
}

/// Makes the first key, in one slot of the kind that was asked for or that works here.
fn create(home: &Home, context: &mut KeyContext<'_>) -> Result<Unlocked, UnlockError> {
    if has_data(home) {
        return Err(UnlockError::KeysLost { home: home.path().to_path_buf() });
    }
    install(home, StoreKey::generate().map_err(no_random)?, context)
}

/// Keeps a key that is not kept here yet, in one slot of the kind that was asked for or that works here.
pub(crate) fn install(
    home: &Home,
    key: StoreKey,
    context: &mut KeyContext<'_>,
) -> Result<Unlocked, UnlockError> {
    let mut keys = KeysFile::new().ok_or(()).map_err(no_random)?;
    let (kind, slot) = make_first(home, &keys.profile, &key, places(context), context)?;
    keys.put(slot);
    keys.write(home)?;
    Ok(Unlocked { key, slot: kind, is_new: true, key_file: home.key_file() })
}

/// Where a first key may go, best first.
fn places(context: &KeyContext<'_>) -> &'static [SlotKind] {
    match (context.choice, context.ask.is_some()) {
        (KeyChoice::Keyring, _) => &[SlotKind::Keyring],
        (KeyChoice::File, _) => &[SlotKind::File],
        (KeyChoice::PassphraseFd(_), _) => &[SlotKind::Passphrase],
        (KeyChoice::Any, true) => &[SlotKind::Keyring, SlotKind::Passphrase],
        (KeyChoice::Any, false) => &[SlotKind::Keyring, SlotKind::File],
    }
}

/// The first of these slots that can be made.
fn make_first(
    home: &Home,
    profile: &str,
    key: &StoreKey,
    kinds: &[SlotKind],
    context: &mut KeyContext<'_>,
) -> Result<(SlotKind, Slot), UnlockError> {
    let mut failed = None;
    for kind in kinds {
        match make_slot(home, profile, key, *kind, context) {
            Ok(slot) => return Ok((*kind, slot)),
            Err(source) => {
                tracing::debug!(slot = %kind, error = %source, "a new key cannot be stored there");
                failed = Some((*kind, source));
            }
        }
    }
    let (slot, source) = failed.expect("at least one slot to try");
    Err(UnlockError::CannotStore { slot, source })
}

fn make_slot(
    home: &Home,
    profile: &str,
    key: &StoreKey,
    kind: SlotKind,
    context: &mut KeyContext<'_>,
) -> Result<Slot, SlotError> {
    match kind {
        SlotKind::Keyring => {
            let kek = Kek::generate()?;
            keyring::store(&context.keyring, profile, &kek, context.keyring_timeout)?;
            Slot::keyring(key, &kek, profile)
        }
        SlotKind::File => {
            let kek = Kek::generate()?;
            slot::write_key_file(home, &kek)?;
            Slot::file(key, &kek, profile)
        }
        SlotKind::Passphrase => {
            let passphrase = match (context.choice, context.ask.as_mut()) {
                (KeyChoice::PassphraseFd(fd), _) => choice::read_passphrase(fd)?,
                (_, Some(ask)) => ask(PassphraseRequest::Choose).ok_or(SlotError::NoPassphrase)?,
                (_, None) => return Err(SlotError::NoPassphrase),
            };
            Slot::passphrase(key, &passphrase, context.work_factor)
        }
        // It is made for a person, by `keep_recovery`.
        SlotKind::Recovery => Err(SlotError::NoRecipient),
    }
}

/// A `keys.json` and a key file that hold a key and belong to no data folder yet.
pub(crate) fn portable(key: &StoreKey) -> Result<(Vec<u8>, Zeroizing<String>), UnlockError> {
    let mut keys = KeysFile::new().ok_or(()).map_err(no_random)?;
    let kek = Kek::generate().map_err(no_random)?;
    keys.put(Slot::file(key, &kek, &keys.profile).map_err(no_random)?);
    Ok((keys.encode(), kek.to_line()))
}

/// The key that a `keys.json` and a key file hold together.
pub(crate) fn open_portable(keys: &[u8], key_file: &[u8]) -> Option<StoreKey> {
    let keys = file::parse(keys, PathBuf::new()).ok()?;
    let kek = Kek::parse(std::str::from_utf8(key_file).ok()?)?;
    keys.slot(SlotKind::File)?.open_with_kek(&kek, &keys.profile).ok()
}

#[cfg(test)]
mod tests;
