//! One sealed copy of the store key.

use std::io;
use std::path::Path;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use data_encoding::{BASE64, HEXLOWER};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use weft_sync::wraps::{self, AgeIdentity, AgeRecipient};
use zeroize::Zeroizing;

use super::{SlotError, SlotKind};
use crate::files;
use crate::home::Home;
use crate::limits::{KEY_FILE_BYTES_MAX, PASSPHRASE_BYTES_MAX};
use crate::store_key::StoreKey;

const NONCE_LEN: usize = 24;
/// More than this would need gigabytes of memory; the file may have been tampered with.
const WORK_FACTOR_MAX: u8 = 22;
/// The name of the key file among the credentials that a service manager hands over.
const CREDENTIAL: &str = "weft-store.key";
/// What the key is derived for that vouches for a slot of the words.
const RECOVERY_CHECK: &str = "weft 2026 recovery slot v1";

/// A random key that seals the store key in one slot.
pub(crate) struct Kek(Zeroizing<[u8; 32]>);

impl Kek {
    pub(super) fn generate() -> Result<Self, SlotError> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key).map_err(|_| SlotError::Random)?;
        Ok(Self(key))
    }

    pub(crate) fn parse(line: &str) -> Option<Self> {
        let bytes = Zeroizing::new(HEXLOWER.decode(line.trim().as_bytes()).ok()?);
        let key: [u8; 32] = bytes.as_slice().try_into().ok()?;
        Some(Self(Zeroizing::new(key)))
    }

    pub(super) fn to_line(&self) -> Zeroizing<String> {
        Zeroizing::new(HEXLOWER.encode(&*self.0))
    }
}

/// A slot as it stands in `keys.json`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Slot {
    /// Sealed with a key in the system's keyring.
    Keyring { sealed: String },
    /// Sealed with a key in a file.
    File { sealed: String },
    /// An age file under a passphrase.
    Passphrase { age: String },
    /// An age file to the recovery recipient of a person, which the 24 words open. It is written without the words, so
    /// `check` is what tells whoever has the store key that the file is whole and holds just that key.
    Recovery { recipient: String, age: String, check: String },
}

impl Slot {
    pub(super) fn kind(&self) -> SlotKind {
        match self {
            Self::Keyring { .. } => SlotKind::Keyring,
            Self::File { .. } => SlotKind::File,
            Self::Passphrase { .. } => SlotKind::Passphrase,
            Self::Recovery { .. } => SlotKind::Recovery,
        }
    }

    pub(super) fn keyring(key: &StoreKey, kek: &Kek, profile: &str) -> Result<Self, SlotError> {
        let sealed = seal(key, kek, &associated_data(SlotKind::Keyring, profile))?;
        Ok(Self::Keyring { sealed })
    }

    pub(super) fn file(key: &StoreKey, kek: &Kek, profile: &str) -> Result<Self, SlotError> {
        let sealed = seal(key, kek, &associated_data(SlotKind::File, profile))?;
        Ok(Self::File { sealed })
    }

    pub(super) fn passphrase(
        key: &StoreKey,
        passphrase: &SecretString,
        work_factor: Option<u8>,
    ) -> Result<Self, SlotError> {
        let length = passphrase.expose_secret().len();
        if length == 0 || length > PASSPHRASE_BYTES_MAX {
            return Err(SlotError::PassphraseLength);
        }
        let mut recipient = age::scrypt::Recipient::new(passphrase.clone());
        if let Some(work_factor) = work_factor {
            recipient.set_work_factor(work_factor);
        }
        let age = age::encrypt(&recipient, key.expose()).map_err(|_| SlotError::Random)?;
        Ok(Self::Passphrase { age: BASE64.encode(&age) })
    }

    pub(crate) fn open_with_kek(&self, kek: &Kek, profile: &str) -> Result<StoreKey, SlotError> {
        let (Self::Keyring { sealed } | Self::File { sealed }) = self else {
            return Err(SlotError::NoSlot);
        };
        let sealed = HEXLOWER.decode(sealed.as_bytes()).map_err(|_| SlotError::Damaged)?;
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SlotError::Damaged)?;
        let payload = Payload { msg: ciphertext, aad: &associated_data(self.kind(), profile) };
        let key = XChaCha20Poly1305::new((&*kek.0).into())
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| SlotError::WrongSecret)?;
        store_key(&Zeroizing::new(key))
    }

    pub(super) fn open_with_passphrase(&self, passphrase: &SecretString) -> Result<StoreKey, SlotError> {
        let Self::Passphrase { age } = self else {
            return Err(SlotError::NoSlot);
        };
        let age = BASE64.decode(age.as_bytes()).map_err(|_| SlotError::Damaged)?;
        let mut identity = age::scrypt::Identity::new(passphrase.clone());
        identity.set_max_work_factor(WORK_FACTOR_MAX);
        let key = age::decrypt(&identity, &age).map_err(|error| match error {
            age::DecryptError::DecryptionFailed
            | age::DecryptError::KeyDecryptionFailed
            | age::DecryptError::NoMatchingKeys => SlotError::WrongSecret,
            _ => SlotError::Damaged,
        })?;
        store_key(&Zeroizing::new(key))
    }
}

impl Slot {
    /// Needs no words: the recipient is public.
    pub(super) fn recovery(key: &StoreKey, recipient: &AgeRecipient) -> Result<Self, SlotError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|_| SlotError::Random)?;
        let mut rng = StdRng::from_seed(*seed);
        let age = wraps::wrap(key.expose(), &[*recipient], &mut rng).map_err(|_| SlotError::NoRecipient)?;
        let check = recovery_check(key, recipient, &age).to_hex().to_string();
        let recipient = HEXLOWER.encode(recipient.as_bytes());
        Ok(Self::Recovery { recipient, age: BASE64.encode(&age), check })
    }

    /// Whether the words of this person open this very key with it.
    pub(super) fn is_recovery(&self, key: &StoreKey, of: &AgeRecipient) -> bool {
        let Self::Recovery { recipient, age, check } = self else { return false };
        let (Ok(age), Ok(check)) = (BASE64.decode(age.as_bytes()), blake3::Hash::from_hex(check)) else {
            return false;
        };
        *recipient == HEXLOWER.encode(of.as_bytes()) && recovery_check(key, of, &age) == check
    }

    pub(super) fn open_with_words(&self, identity: &AgeIdentity) -> Result<StoreKey, SlotError> {
        let Self::Recovery { recipient, age, .. } = self else {
            return Err(SlotError::NoSlot);
        };
        if *recipient != HEXLOWER.encode(identity.recipient().as_bytes()) {
            return Err(SlotError::OtherWords);
        }
        let age = BASE64.decode(age.as_bytes()).map_err(|_| SlotError::Damaged)?;
        let key = wraps::unwrap(&age, identity).map_err(|_| SlotError::Damaged)?;
        Ok(StoreKey::from_bytes(*key))
    }
}

fn recovery_check(key: &StoreKey, recipient: &AgeRecipient, age: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(&key.derived(RECOVERY_CHECK));
    hasher.update(recipient.as_bytes());
    hasher.update(age);
    hasher.finalize()
}

fn store_key(bytes: &[u8]) -> Result<StoreKey, SlotError> {
    let bytes = Zeroizing::new(<[u8; 32]>::try_from(bytes).map_err(|_| SlotError::Damaged)?);
    Ok(StoreKey::from_bytes(*bytes))
}

fn associated_data(kind: SlotKind, profile: &str) -> Vec<u8> {
    let kind = match kind {
        SlotKind::Keyring => "keyring",
        SlotKind::File => "file",
        SlotKind::Passphrase => "passphrase",
        SlotKind::Recovery => "recovery",
    };
    format!("weft keys v1\0{kind}\0{profile}").into_bytes()
}

fn seal(key: &StoreKey, kek: &Kek, aad: &[u8]) -> Result<String, SlotError> {
    let mut sealed = [0; NONCE_LEN].to_vec();
    getrandom::fill(&mut sealed).map_err(|_| SlotError::Random)?;
    let nonce: [u8; NONCE_LEN] = sealed.as_slice().try_into().map_err(|_| SlotError::Random)?;
    let payload = Payload { msg: key.expose(), aad };
    let ciphertext = XChaCha20Poly1305::new((&*kek.0).into())
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| SlotError::Damaged)?;
    sealed.extend_from_slice(&ciphertext);
    Ok(HEXLOWER.encode(&sealed))
}

/// Writes the key of the file slot, readable by its owner only.
pub(super) fn write_key_file(home: &Home, kek: &Kek) -> Result<(), SlotError> {
    let path = home.key_file();
    let line = Zeroizing::new(format!("{}\n", *kek.to_line()));
    files::replace(&path, None, line.as_bytes()).map_err(|source| SlotError::FileIo { source, path })
}

/// Reads the key of the file slot: from the credentials of a service, else from the data folder.
pub(super) fn read_key_file(home: &Home, credentials: Option<&Path>) -> Result<Kek, SlotError> {
    let credential = credentials.map(|folder| folder.join(CREDENTIAL));
    let path = match credential.filter(|path| path.exists()) {
        Some(path) => path,
        None => home.key_file(),
    };
    let is_private = std::fs::metadata(&path).map(|metadata| files::is_private(&metadata));
    match is_private {
        Ok(true) => {}
        Ok(false) => return Err(SlotError::FileNotPrivate { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SlotError::FileMissing { path });
        }
        Err(source) => return Err(SlotError::FileIo { source, path }),
    }
    let contents = match files::read_small(&path, KEY_FILE_BYTES_MAX) {
        Ok(Some(contents)) => Zeroizing::new(contents),
        Ok(None) => return Err(SlotError::FileMissing { path }),
        Err(source) => return Err(SlotError::FileIo { source, path }),
    };
    let line = std::str::from_utf8(&contents).ok();
    line.and_then(Kek::parse).ok_or(SlotError::WrongSecret)
}
