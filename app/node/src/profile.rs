//! Who this device is: its keys, its certificate chain, and the names it goes by.

use std::sync::Arc;

use rand::CryptoRng;
use weft_store::{CommitError, ReadError, Space, Storage, Table, Write};
use weft_sync::certificate::{ChainError, VerifiedChain};
use weft_sync::identity::{DeviceKeys, UserKeys};
use weft_sync::ids::{DeviceId, EndpointId, UserId};
use weft_sync::seal::Label;
use zeroize::{Zeroize as _, Zeroizing};

const DEVICE_KEY: &[u8] = b"device";
const USER_KEY: &[u8] = b"user";
const CHAIN_KEY: &[u8] = b"chain";
/// What the person is called, where another device said so.
const NAME_KEY: &[u8] = b"name";
/// Whether somebody has the words.
const WORDS_KEY: &[u8] = b"words";
/// Most characters of a name that is taken from the system.
const NAME_CHARS_MAX: usize = 32;

/// This device as the other members know it.
#[derive(Debug)]
pub(crate) struct Profile {
    /// The keys of this device.
    pub(crate) keys: Arc<DeviceKeys>,
    /// The key of the person, where it lies on this device.
    pub(crate) user: Option<Arc<UserKeys>>,
    /// What certifies this device.
    pub(crate) chain: VerifiedChain,
    /// The names of the person and of this device.
    pub(crate) label: Label,
    /// What is known of the person's 24 words.
    pub(crate) words: WordsState,
}

/// What is known of the 24 words that a person's key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum WordsState {
    /// Nobody has shown to have them.
    #[default]
    Unchecked,
    /// They were typed in: somebody has them.
    Checked,
    /// They are the only place of the key.
    PaperOnly,
}

impl WordsState {
    fn byte(self) -> u8 {
        match self {
            Self::Unchecked => 0,
            Self::Checked => 1,
            Self::PaperOnly => 2,
        }
    }

    fn from_byte(byte: u8) -> Self {
        match byte {
            1 => Self::Checked,
            2 => Self::PaperOnly,
            _ => Self::Unchecked,
        }
    }
}

/// Why this device has no identity to work with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ProfileError {
    /// The store cannot be read.
    #[error("the keys of this device cannot be read")]
    Read(#[from] ReadError),
    /// The new keys could not be stored.
    #[error("the keys of this device could not be stored")]
    Store(#[from] CommitError),
    /// What is stored is no set of keys.
    #[error("the stored keys of this device are damaged")]
    Damaged,
    /// Only a part of the keys is there.
    #[error("some keys of this device are missing")]
    Incomplete,
}

impl From<ChainError> for ProfileError {
    fn from(_: ChainError) -> Self {
        Self::Damaged
    }
}

impl Profile {
    /// Reads the identity of this device.
    ///
    /// # Errors
    /// When the store fails or holds only a part of it; never makes a new one instead.
    pub(crate) fn load(store: &dyn Storage) -> Result<Option<Self>, ProfileError> {
        let space = Space::device(Table::Identity);
        let device = store.record(space, DEVICE_KEY)?.map(Zeroizing::new);
        let chain = store.record(space, CHAIN_KEY)?;
        let user = store.record(space, USER_KEY)?.map(Zeroizing::new);
        let (device, chain) = match (device, chain) {
            (Some(device), Some(chain)) => (device, chain),
            (None, None) => return Ok(None),
            _ => return Err(ProfileError::Incomplete),
        };
        let keys = DeviceKeys::from_secret_bytes(&device).map_err(|_| ProfileError::Damaged)?;
        let user = user.map(|seed| read_user(&seed)).transpose()?;
        let chain = VerifiedChain::decode(&chain)?;
        if chain.device() != keys.device_id() {
            return Err(ProfileError::Damaged);
        }
        let name = store.record(space, NAME_KEY)?;
        let name = name.map(|name| clean(&String::from_utf8_lossy(&name)));
        let user = user.map(Arc::new);
        let words = store.record(space, WORDS_KEY)?.and_then(|bytes| bytes.first().copied());
        let words = WordsState::from_byte(words.unwrap_or_default());
        Ok(Some(Self { keys: Arc::new(keys), user, chain, label: label(name.as_deref()), words }))
    }

    /// Makes a new person with this as the first device, and stores it.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub(crate) fn create<R: CryptoRng + ?Sized>(
        store: &dyn Storage,
        rng: &mut R,
    ) -> Result<Self, ProfileError> {
        let user = UserKeys::generate(rng);
        let keys = DeviceKeys::generate(user.user_id(), rng);
        let chain = user.certify(&keys.claim())?;
        let words = WordsState::Unchecked;
        let (keys, user) = (Arc::new(keys), Some(Arc::new(user)));
        let profile = Self { keys, user, chain, label: label(None), words };
        profile.store(store, Vec::new())?;
        Ok(profile)
    }

    /// This device in the hands of a person with this name.
    #[must_use]
    pub(crate) fn of_person(
        keys: DeviceKeys,
        user: Option<Arc<UserKeys>>,
        chain: VerifiedChain,
        name: &str,
    ) -> Self {
        // Whoever brings the key has typed its words.
        let words = if user.is_some() { WordsState::Checked } else { WordsState::Unchecked };
        Self { keys: Arc::new(keys), user, chain, label: label(Some(&clean(name))), words }
    }

    /// The same, with something else known of the words; the key goes when they are its only place.
    #[must_use]
    pub(crate) fn with_words(&self, words: WordsState) -> Self {
        let user = self.user.clone().filter(|_| words != WordsState::PaperOnly);
        let (keys, chain, label) = (Arc::clone(&self.keys), self.chain.clone(), self.label.clone());
        Self { keys, user, chain, label, words }
    }

    /// Makes it last, in one transaction with what else is to be written; it takes the place of the one before. The copies
    /// of the secrets that were made for that are wiped.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub(crate) fn store(&self, store: &dyn Storage, more: Vec<Write>) -> Result<(), CommitError> {
        let mut writes = self.writes();
        let own = writes.len();
        writes.extend(more);
        let stored = store.commit(&writes).map(drop);
        for write in &mut writes[..own] {
            if let Write::Record { value, .. } = write {
                value.zeroize();
            }
        }
        stored
    }

    fn writes(&self) -> Vec<Write> {
        let record = |key: &[u8], value: Option<&[u8]>| Write::Record {
            space: Space::device(Table::Identity),
            key: key.to_vec(),
            value: value.map(<[u8]>::to_vec),
        };
        vec![
            record(DEVICE_KEY, Some(&self.keys.to_secret_bytes())),
            record(USER_KEY, self.user.as_ref().map(|user| user.expose_seed().as_slice())),
            record(CHAIN_KEY, Some(&self.chain.encode())),
            record(NAME_KEY, Some(self.label.name.as_bytes())),
            record(WORDS_KEY, Some(&[self.words.byte()])),
        ]
    }

    /// The person's id.
    #[must_use]
    pub(crate) fn user_id(&self) -> UserId {
        self.keys.user()
    }

    /// The device's id.
    #[must_use]
    pub(crate) fn device_id(&self) -> DeviceId {
        self.keys.device_id()
    }

    /// The device's address in the network.
    #[must_use]
    pub(crate) fn endpoint_id(&self) -> EndpointId {
        self.keys.endpoint_id()
    }
}

fn read_user(seed: &[u8]) -> Result<UserKeys, ProfileError> {
    let seed = <[u8; 32]>::try_from(seed).map_err(|_| ProfileError::Damaged)?;
    Ok(UserKeys::from_seed(Zeroizing::new(seed)))
}

/// The names of person and device: what this computer calls its user and itself, unless the person is known by another
/// name, and `WEFT_NAME` and `WEFT_DEVICE_NAME` say otherwise.
fn label(known: Option<&str>) -> Label {
    let variable = |names: &[&str]| {
        let mut values = names.iter().filter_map(|name| std::env::var(name).ok());
        values.find(|value| !value.trim().is_empty())
    };
    let person = variable(&["WEFT_NAME"]);
    let person = person.or_else(|| known.filter(|name| !name.is_empty()).map(str::to_owned));
    let person = person.or_else(|| variable(&["USER", "LOGNAME", "USERNAME"]));
    let device = variable(&["WEFT_DEVICE_NAME"]).or_else(host_name);
    Label::new(
        clean(&person.unwrap_or_else(|| "somebody".to_owned())),
        clean(&device.unwrap_or_else(|| "a computer".to_owned())),
    )
}

#[cfg(unix)]
fn host_name() -> Option<String> {
    rustix::system::uname().nodename().to_str().ok().map(str::to_owned)
}

#[cfg(not(unix))]
fn host_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

fn clean(name: &str) -> String {
    name.trim().chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;
    use weft_store::MemoryStore;

    #[test]
    fn an_identity_is_found_again_and_never_made_twice() {
        let store = MemoryStore::new(weft_store::Instance([7; 16]));
        assert!(Profile::load(&store).unwrap().is_none());
        let mut rng = rand::rngs::StdRng::seed_from_u64(1);
        let made = Profile::create(&store, &mut rng).unwrap();
        let found = Profile::load(&store).unwrap().expect("an identity");
        assert_eq!(found.device_id(), made.device_id());
        assert_eq!(found.user_id(), made.user_id());
        assert_eq!(found.endpoint_id(), made.endpoint_id());
    }

    #[test]
    fn half_an_identity_is_an_error_not_a_new_one() {
        let store = MemoryStore::new(weft_store::Instance([7; 16]));
        Profile::create(&store, &mut rand::rngs::StdRng::seed_from_u64(1)).unwrap();
        let space = Space::device(Table::Identity);
        let write = Write::Record { space, key: CHAIN_KEY.to_vec(), value: None };
        store.commit(&[write]).unwrap();
        assert!(matches!(Profile::load(&store), Err(ProfileError::Incomplete)));
    }
}
