//! How the key of an epoch reaches members: the body of Epoch entries, and the keys that a device holds.

use std::collections::BTreeMap;
use std::fmt;

use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::entry::{ClearBody, Kind};
use crate::ids::{DeviceId, EntryId, EpochId, UserId};
use crate::limits::{DEVICES_MAX, EPOCH_CHAIN_BYTES_MAX, EPOCH_CHAIN_MAX, EPOCH_WRAPS_BYTES_MAX, USERS_MAX};
use crate::seal::{self, EpochKey};
use crate::wire;
use crate::wraps::{self, AgeIdentity, AgeRecipient, UnwrapError, WrapError};

/// Devices and people that one Epoch may be wrapped to.
pub const COVERS_MAX: usize = DEVICES_MAX + USERS_MAX;

/// Whom a key is wrapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cover {
    /// A device.
    Device(DeviceId),
    /// The recovery words of a person.
    Recovery(UserId),
}

/// The body of an Epoch entry. The order of the fields is the order on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch {
    /// The epoch; commits to its key.
    pub epoch: EpochId,
    /// None: this entry makes the epoch. Else the entry that made it, to which this one only adds recipients.
    pub of: Option<EntryId>,
    /// To whom the key is wrapped here, ascending.
    #[serde(deserialize_with = "covers")]
    pub covers: Vec<Cover>,
    /// The key, as an age file to exactly these.
    #[serde(
        deserialize_with = "wire::bytes::<_, EPOCH_WRAPS_BYTES_MAX>",
        serialize_with = "wire::put_bytes"
    )]
    pub wraps: Vec<u8>,
    /// Keys of earlier epochs, sealed under this one's. Empty in an entry that only adds recipients.
    #[serde(
        deserialize_with = "wire::bytes::<_, EPOCH_CHAIN_BYTES_MAX>",
        serialize_with = "wire::put_bytes"
    )]
    pub chain: Vec<u8>,
}

impl ClearBody for Epoch {
    const KIND: Kind = Kind::Epoch;
}

fn covers<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Cover>, D::Error> {
    let covers = wire::vec::<_, Cover, COVERS_MAX>(deserializer)?;
    if covers.windows(2).all(|pair| pair[0] < pair[1]) {
        Ok(covers)
    } else {
        Err(serde::de::Error::custom("recipients out of order"))
    }
}

/// The keys of earlier epochs, as they stand under the seal.
#[derive(Serialize, Deserialize)]
struct Chain {
    #[serde(deserialize_with = "wire::vec::<_, _, EPOCH_CHAIN_MAX>")]
    keys: Vec<EpochKey>,
}

impl Epoch {
    /// Makes an original: `key`, new, for everybody in `recipients`, with the keys of the originals that are heads.
    ///
    /// # Errors
    /// When there are no recipients or more than [`COVERS_MAX`], one is no key, or more than 64 earlier keys are given.
    pub fn original<R: CryptoRng + ?Sized>(
        key: &EpochKey,
        recipients: &BTreeMap<Cover, AgeRecipient>,
        earlier: Vec<EpochKey>,
        rng: &mut R,
    ) -> Result<Self, EpochError> {
        if earlier.len() > EPOCH_CHAIN_MAX {
            return Err(EpochError::Chain { keys: earlier.len() });
        }
        let plain = Zeroizing::new(wire::encode(&Chain { keys: earlier }));
        let chain = seal::seal(&key.chain_key(), &plain, key.id().as_bytes(), rng);
        Self::wrapped(key, None, recipients, chain, rng)
    }

    /// Makes a re-wrap: the key of the epoch that `of` made, for more people.
    ///
    /// # Errors
    /// When there are no recipients or more than [`COVERS_MAX`], or one is no key.
    pub fn rewrap<R: CryptoRng + ?Sized>(
        key: &EpochKey,
        of: EntryId,
        recipients: &BTreeMap<Cover, AgeRecipient>,
        rng: &mut R,
    ) -> Result<Self, EpochError> {
        Self::wrapped(key, Some(of), recipients, Vec::new(), rng)
    }

    fn wrapped<R: CryptoRng + ?Sized>(
        key: &EpochKey,
        of: Option<EntryId>,
        recipients: &BTreeMap<Cover, AgeRecipient>,
        chain: Vec<u8>,
        rng: &mut R,
    ) -> Result<Self, EpochError> {
        if recipients.len() > COVERS_MAX {
            return Err(EpochError::Recipients { recipients: recipients.len() });
        }
        let keys: Vec<AgeRecipient> = recipients.values().copied().collect();
        let wraps = wraps::wrap(key.expose(), &keys, rng)?;
        Ok(Self { epoch: key.id(), of, covers: recipients.keys().copied().collect(), wraps, chain })
    }
}

/// Why an Epoch could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EpochError {
    /// The key could not be wrapped.
    #[error("the new key could not be wrapped for the members")]
    Wrap(#[from] WrapError),
    /// More recipients than an Epoch may have.
    #[error("{recipients} recipients are more than one epoch is wrapped to ({COVERS_MAX})")]
    Recipients {
        /// How many.
        recipients: usize,
    },
    /// More earlier keys than an Epoch may carry.
    #[error("{keys} earlier keys are more than one epoch carries ({EPOCH_CHAIN_MAX})")]
    Chain {
        /// How many.
        keys: usize,
    },
}

/// Why an Epoch gave this device no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenEpochError {
    /// It does not cover us.
    #[error("the key of this epoch is not wrapped for this device")]
    NotForUs,
    /// It names us, but what is wrapped is damaged or the key of another epoch.
    #[error("the key of this epoch was wrapped wrongly")]
    Garbage,
}

/// The keys of one workspace that this device holds. Prints without any of them.
#[derive(Clone, Default)]
pub struct Keyring {
    keys: BTreeMap<EpochId, EpochKey>,
    /// Sealed chains of which the key is not here yet, by epoch; several entries may claim one epoch.
    locked: BTreeMap<EpochId, Vec<Vec<u8>>>,
}

impl Keyring {
    /// The key of an epoch.
    #[must_use]
    pub fn key(&self, epoch: &EpochId) -> Option<&EpochKey> {
        self.keys.get(epoch)
    }

    /// All epochs with a key.
    pub fn epochs(&self) -> impl Iterator<Item = &EpochId> {
        self.keys.keys()
    }

    /// Adds a key, and those whose chain it opens. Returns the epochs that have a key only now.
    pub fn insert(&mut self, key: EpochKey) -> Vec<EpochId> {
        let mut fresh = Vec::new();
        let mut waiting = vec![key];
        while let Some(key) = waiting.pop() {
            let id = key.id();
            if self.keys.contains_key(&id) {
                continue;
            }
            for chain in self.locked.remove(&id).unwrap_or_default() {
                waiting.extend(open_chain(&key, &chain));
            }
            self.keys.insert(id, key);
            fresh.push(id);
        }
        fresh
    }

    /// Takes what an Epoch entry offers: its key when it is wrapped for `identity`, and the keys in its chain as
    /// soon as its key is here. Returns the epochs that have a key only now. Entries may come in any order.
    ///
    /// # Errors
    /// When the entry gives this identity no key; its chain is kept all the same.
    pub fn offer(
        &mut self,
        epoch: &Epoch,
        ours: &Cover,
        identity: &AgeIdentity,
    ) -> Result<Vec<EpochId>, OpenEpochError> {
        let mut fresh = Vec::new();
        if !epoch.chain.is_empty() {
            match self.keys.get(&epoch.epoch) {
                Some(key) => {
                    for earlier in open_chain(key, &epoch.chain) {
                        fresh.extend(self.insert(earlier));
                    }
                }
                None => self.locked.entry(epoch.epoch).or_default().push(epoch.chain.clone()),
            }
        }
        if self.keys.contains_key(&epoch.epoch) {
            return Ok(fresh);
        }
        if epoch.covers.binary_search(ours).is_err() {
            return Err(OpenEpochError::NotForUs);
        }
        let secret = wraps::unwrap(&epoch.wraps, identity).map_err(|error| match error {
            UnwrapError::NotForUs | UnwrapError::Damaged => OpenEpochError::Garbage,
        })?;
        let key = EpochKey::from_bytes(*secret);
        if key.id() != epoch.epoch {
            return Err(OpenEpochError::Garbage);
        }
        fresh.extend(self.insert(key));
        Ok(fresh)
    }

    /// The secret bytes of all keys, for the sealed store.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(wire::encode(&self.keys.values().collect::<Vec<_>>()))
    }

    /// Reads what [`Keyring::to_secret_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are something else.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, wire::WireError> {
        let mut ring = Self::default();
        for key in wire::decode::<Vec<EpochKey>>(bytes)? {
            ring.insert(key);
        }
        Ok(ring)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} epochs, ****)", self.keys.len())
    }
}

/// The keys in a chain; none when it is garbage, because whoever wrote it could as well have left it empty.
fn open_chain(key: &EpochKey, chain: &[u8]) -> Vec<EpochKey> {
    seal::open(&key.chain_key(), chain, key.id().as_bytes())
        .ok()
        .and_then(|plain| wire::decode::<Chain>(&plain).ok())
        .map(|chain| chain.keys)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha20Rng;

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(1)
    }

    fn identity(seed: u8) -> AgeIdentity {
        AgeIdentity::from_bytes([seed; 32])
    }

    fn device(seed: u8) -> Cover {
        Cover::Device(DeviceId::from_bytes([seed; 32]))
    }

    fn to(seeds: &[u8]) -> BTreeMap<Cover, AgeRecipient> {
        seeds.iter().map(|seed| (device(*seed), identity(*seed).recipient())).collect()
    }

    fn key(seed: u8) -> EpochKey {
        EpochKey::from_bytes([seed; 32])
    }

    #[test]
    fn a_newcomer_reaches_every_earlier_key_through_the_newest_whatever_the_order() {
        let first = Epoch::original(&key(1), &to(&[1]), vec![], &mut rng()).unwrap();
        let second = Epoch::original(&key(2), &to(&[1]), vec![key(1)], &mut rng()).unwrap();
        let third = Epoch::original(&key(3), &to(&[1, 2]), vec![key(2)], &mut rng()).unwrap();
        for order in [[&first, &second, &third], [&third, &second, &first], [&second, &third, &first]] {
            let mut ring = Keyring::default();
            let fresh: Vec<EpochId> = order
                .into_iter()
                .flat_map(|epoch| ring.offer(epoch, &device(2), &identity(2)).unwrap_or_default())
                .collect();
            assert_eq!(fresh.len(), 3);
            assert!((1..4).all(|seed| ring.key(&key(seed).id()) == Some(&key(seed))));
        }
    }

    #[test]
    fn a_rewrap_gives_the_key_to_whom_it_names() {
        let original = Epoch::original(&key(1), &to(&[1]), vec![], &mut rng()).unwrap();
        let rewrap = Epoch::rewrap(&key(1), EntryId::from_bytes([8; 32]), &to(&[2]), &mut rng()).unwrap();
        let mut ring = Keyring::default();
        assert_eq!(ring.offer(&original, &device(2), &identity(2)), Err(OpenEpochError::NotForUs));
        assert_eq!(ring.offer(&rewrap, &device(2), &identity(2)), Ok(vec![key(1).id()]));
        assert_eq!(wire::decode::<Epoch>(&rewrap.encode_body()).unwrap(), rewrap);
    }

    #[test]
    fn garbage_wraps_and_keys_of_another_epoch_are_noticed() {
        let mut lying = Epoch::original(&key(1), &to(&[1]), vec![], &mut rng()).unwrap();
        lying.epoch = key(2).id();
        assert_eq!(Keyring::default().offer(&lying, &device(1), &identity(1)), Err(OpenEpochError::Garbage));
        let mut garbage = Epoch::original(&key(1), &to(&[1]), vec![], &mut rng()).unwrap();
        garbage.wraps = vec![7; 50];
        assert_eq!(
            Keyring::default().offer(&garbage, &device(1), &identity(1)),
            Err(OpenEpochError::Garbage)
        );
        let mut named = Epoch::original(&key(1), &to(&[1]), vec![], &mut rng()).unwrap();
        named.covers = vec![device(2)];
        assert_eq!(Keyring::default().offer(&named, &device(2), &identity(2)), Err(OpenEpochError::Garbage));
    }

    #[test]
    fn a_chain_of_another_epoch_or_too_long_is_no_chain() {
        let mut cut = Epoch::original(&key(2), &to(&[1]), vec![key(1)], &mut rng()).unwrap();
        cut.chain = Epoch::original(&key(3), &to(&[1]), vec![key(1)], &mut rng()).unwrap().chain;
        let mut ring = Keyring::default();
        assert_eq!(ring.offer(&cut, &device(1), &identity(1)), Ok(vec![key(2).id()]));
        assert!(ring.key(&key(1).id()).is_none());
        let keys = |count: usize| (0..count).map(|seed| key(seed as u8)).collect::<Vec<_>>();
        let full = Epoch::original(&key(200), &to(&[1]), keys(EPOCH_CHAIN_MAX), &mut rng()).unwrap();
        assert_eq!(wire::decode::<Epoch>(&full.encode_body()).unwrap(), full);
        let over = Epoch::original(&key(200), &to(&[1]), keys(EPOCH_CHAIN_MAX + 1), &mut rng());
        assert_eq!(over, Err(EpochError::Chain { keys: EPOCH_CHAIN_MAX + 1 }));
    }

    #[test]
    fn a_chain_with_more_keys_than_it_may_have_gives_none() {
        let given = |count: usize| {
            let keys = (0..count).map(|seed| key(seed as u8)).collect();
            let newest = key(200);
            let plain = wire::encode(&Chain { keys });
            let mut epoch = Epoch::original(&newest, &to(&[1]), vec![], &mut rng()).unwrap();
            epoch.chain = seal::seal(&newest.chain_key(), &plain, newest.id().as_bytes(), &mut rng());
            Keyring::default().offer(&epoch, &device(1), &identity(1)).unwrap().len()
        };
        assert_eq!(given(EPOCH_CHAIN_MAX), 1 + EPOCH_CHAIN_MAX);
        assert_eq!(given(EPOCH_CHAIN_MAX + 1), 1);
    }

    #[test]
    fn wraps_for_the_largest_workspace_fit_an_entry() {
        let recipients = (0..COVERS_MAX)
            .map(|at| {
                let mut id = [0; 32];
                id[..8].copy_from_slice(&(at as u64).to_be_bytes());
                (Cover::Device(DeviceId::from_bytes(id)), identity(1).recipient())
            })
            .collect();
        let epoch = Epoch::original(&key(1), &recipients, vec![], &mut rng()).unwrap();
        assert!(epoch.wraps.len() <= EPOCH_WRAPS_BYTES_MAX);
        assert!(epoch.encode_body().len() <= crate::limits::ENTRY_BODY_BYTES_MAX);
        assert_eq!(wire::decode::<Epoch>(&epoch.encode_body()).unwrap(), epoch);
    }

    #[test]
    fn a_keyring_comes_back_from_the_store_and_prints_nothing() {
        let mut ring = Keyring::default();
        ring.insert(key(1));
        ring.insert(key(2));
        let back = Keyring::from_secret_bytes(&ring.to_secret_bytes()).unwrap();
        assert_eq!(back.epochs().collect::<Vec<_>>(), ring.epochs().collect::<Vec<_>>());
        assert_eq!(format!("{ring:?}"), "Keyring(2 epochs, ****)");
    }
}
