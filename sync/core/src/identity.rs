//! The keys of a person and of a device, and the words and signs by which people compare them.

use std::fmt;

use bip39::{Language, Mnemonic};
use ed25519_dalek::SigningKey;
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::certificate::{ChainError, DeviceClaim, VerifiedChain};
use crate::entry::Signer;
use crate::ids::{DeviceId, EndpointId, PublicKey, UserId};
use crate::wire::{self, WireError};
use crate::wraps::{AgeIdentity, AgeRecipient};

/// The words a person writes down: 24 of them are 32 bytes.
pub const WORDS: usize = 24;

/// The keys of a person, all derived from 24 words.
///
/// They lie on one device only and sign rarely: the first device's certificate, a Genesis, a recovery.
pub struct UserKeys {
    seed: Zeroizing<[u8; 32]>,
    signing: SigningKey,
    age: AgeIdentity,
}

impl UserKeys {
    /// Draws a new person.
    #[must_use]
    pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        Self::from_seed(draw(rng))
    }

    /// Derives the keys from the seed that the words stand for.
    #[must_use]
    pub fn from_seed(seed: Zeroizing<[u8; 32]>) -> Self {
        let mut sign = Zeroizing::new(blake3::derive_key("weft 2026 user sign v1", seed.as_ref()));
        let age = blake3::derive_key("weft 2026 user age v1", seed.as_ref());
        let signing = SigningKey::from_bytes(&sign);
        sign.zeroize();
        Self { seed, signing, age: AgeIdentity::from_bytes(age) }
    }

    /// Reads the 24 words, in any case and with any white space.
    ///
    /// # Errors
    /// When they are not 24, one is not in the list, or the checksum in the last one disagrees.
    pub fn from_words(words: &str) -> Result<Self, WordsError> {
        let normal =
            Zeroizing::new(words.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" "));
        let count = normal.split(' ').filter(|word| !word.is_empty()).count();
        if count != WORDS {
            return Err(WordsError::Count { count });
        }
        if let Some(at) = normal.split(' ').position(|word| Language::English.find_word(word).is_none()) {
            return Err(WordsError::Unknown { place: at + 1 });
        }
        let mnemonic =
            Mnemonic::parse_in_normalized(Language::English, &normal).map_err(|_| WordsError::Checksum)?;
        let entropy = Zeroizing::new(mnemonic.to_entropy());
        let seed = <[u8; 32]>::try_from(entropy.as_slice()).map_err(|_| WordsError::Count { count })?;
        Ok(Self::from_seed(Zeroizing::new(seed)))
    }

    /// The 24 words, to be shown to the person and to nobody else.
    #[must_use]
    pub fn words(&self) -> Zeroizing<String> {
        let mnemonic = Mnemonic::from_entropy(self.seed.as_ref()).expect("an entropy of 32 bytes");
        Zeroizing::new(mnemonic.to_string())
    }

    /// The person's id: their public key.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        UserId::from_bytes(self.signing.verifying_key().to_bytes())
    }

    /// The key that signs for the person.
    #[must_use]
    pub fn signing_key(&self) -> &SigningKey {
        &self.signing
    }

    /// The secret that opens what is wrapped for the recovery words.
    #[must_use]
    pub fn age_identity(&self) -> &AgeIdentity {
        &self.age
    }

    /// What is wrapped to, so that the words can open it.
    #[must_use]
    pub fn recovery_recipient(&self) -> AgeRecipient {
        self.age.recipient()
    }

    /// Certifies a device of this person with the user key itself.
    ///
    /// # Errors
    /// When the device did not prove that it holds its key.
    pub fn certify(&self, claim: &DeviceClaim) -> Result<VerifiedChain, ChainError> {
        VerifiedChain::first(&self.signing, claim, self.recovery_recipient())
    }

    /// The secret bytes for the sealed store; [`UserKeys::from_seed`] takes them back.
    #[must_use]
    pub fn expose_seed(&self) -> &[u8; 32] {
        &self.seed
    }
}

impl fmt::Debug for UserKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserKeys({:?}, ****)", self.user_id())
    }
}

/// Why words give no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordsError {
    /// There are not 24 of them.
    #[error("there are {count} words where {WORDS} belong")]
    Count {
        /// How many there are.
        count: usize,
    },
    /// A word is not in the list.
    #[error("word {place} is not one of the words that Weft uses")]
    Unknown {
        /// Its place, from 1.
        place: usize,
    },
    /// All words exist, but together they are not what was written down.
    #[error("the words do not fit together: one is wrong, or two stand in the wrong order")]
    Checksum,
}

impl WordsError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Count { .. } => {
                "type all 24 words in the order in which they were shown, with spaces between"
            }
            Self::Unknown { .. } => "check that word for a typing error; every word is plain English",
            Self::Checksum => "compare the words with your paper one by one",
        }
    }
}

/// The three independent keys of a device. They print as `****` and are wiped when dropped.
pub struct DeviceKeys {
    user: UserId,
    signing: SigningKey,
    age: AgeIdentity,
    transport: Zeroizing<[u8; 32]>,
}

/// The stored form: three secrets behind a version. Sealed by the store, never on the wire.
#[derive(Serialize, Deserialize, Zeroize)]
struct StoredDeviceKeys {
    version: u8,
    user: [u8; 32],
    signing: [u8; 32],
    age: [u8; 32],
    transport: [u8; 32],
}

impl DeviceKeys {
    /// Draws the keys of a new device of `user`.
    #[must_use]
    pub fn generate<R: CryptoRng + ?Sized>(user: UserId, rng: &mut R) -> Self {
        Self {
            user,
            signing: SigningKey::from_bytes(&draw(rng)),
            age: AgeIdentity::generate(rng),
            transport: draw(rng),
        }
    }

    /// The person whose device this is.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    /// The same keys as a device of somebody else: for a device that has written nothing yet and is linked to a person.
    /// Its address in the network stays, its id becomes another.
    #[must_use]
    pub fn given_to(&self, user: UserId) -> Self {
        Self {
            user,
            signing: self.signing.clone(),
            age: AgeIdentity::from_bytes(*self.age.expose()),
            transport: self.transport.clone(),
        }
    }

    /// The device's id.
    #[must_use]
    pub fn device_id(&self) -> DeviceId {
        DeviceId::derive(&self.user, &self.public_key())
    }

    /// The key that signs this device's entries.
    #[must_use]
    pub fn signing_key(&self) -> &SigningKey {
        &self.signing
    }

    /// The public half of [`DeviceKeys::signing_key`].
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.signing.verifying_key().to_bytes())
    }

    /// How this device signs in an Open.
    #[must_use]
    pub fn signer(&self) -> Signer {
        Signer::Device(self.user, self.public_key())
    }

    /// The secret that opens epoch keys wrapped for this device.
    #[must_use]
    pub fn age_identity(&self) -> &AgeIdentity {
        &self.age
    }

    /// The secret key of the transport.
    #[must_use]
    pub fn transport_secret(&self) -> &[u8; 32] {
        &self.transport
    }

    /// The transport's public key: the device's address in the network.
    #[must_use]
    pub fn endpoint_id(&self) -> EndpointId {
        EndpointId::from_bytes(SigningKey::from_bytes(&self.transport).verifying_key().to_bytes())
    }

    /// What this device says about itself, with the proof that it holds its key.
    #[must_use]
    pub fn claim(&self) -> DeviceClaim {
        DeviceClaim::make(&self.user, self.age.recipient(), self.endpoint_id(), &self.signing)
    }

    /// The secret bytes for the sealed store.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let stored = Zeroizing::new(StoredDeviceKeys {
            version: 1,
            user: *self.user.as_bytes(),
            signing: *self.signing.as_bytes(),
            age: *self.age.expose(),
            transport: *self.transport,
        });
        Zeroizing::new(wire::encode(&*stored))
    }

    /// Reads what [`DeviceKeys::to_secret_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are something else, or of a newer version.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let stored = Zeroizing::new(wire::decode::<StoredDeviceKeys>(bytes)?);
        if stored.version != 1 {
            return Err(WireError::Malformed);
        }
        Ok(Self {
            user: UserId::from_bytes(stored.user),
            signing: SigningKey::from_bytes(&stored.signing),
            age: AgeIdentity::from_bytes(stored.age),
            transport: Zeroizing::new(stored.transport),
        })
    }
}

impl fmt::Debug for DeviceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKeys({:?}, ****)", self.device_id())
    }
}

fn draw<R: CryptoRng + ?Sized>(rng: &mut R) -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    rng.fill_bytes(bytes.as_mut());
    bytes
}

/// Six signs that two people compare by eye or on the phone: 36 bits of a person's key, or of a device's.
///
/// 64 signs, each a different everyday thing with a name of its own, so that they can be read aloud.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 6]);

impl Fingerprint {
    /// The fingerprint of a person.
    #[must_use]
    pub fn of_user(user: &UserId) -> Self {
        let hash = blake3::derive_key("weft 2026 fingerprint v1", user.as_bytes());
        Self(std::array::from_fn(|at| hash[at] & 63))
    }

    /// The fingerprint of a device.
    #[must_use]
    pub fn of_device(device: &DeviceId) -> Self {
        let hash = blake3::derive_key("weft 2026 device fingerprint v1", device.as_bytes());
        Self(std::array::from_fn(|at| hash[at] & 63))
    }

    /// The signs as words.
    #[must_use]
    pub fn names(&self) -> [&'static str; 6] {
        self.0.map(|sign| SIGNS[usize::from(sign)].1)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, sign) in self.0.iter().enumerate() {
            let gap = if at == 0 { "" } else { " " };
            write!(f, "{gap}{}", SIGNS[usize::from(*sign)].0)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", self.names().join(" "))
    }
}

/// The signs of a fingerprint: a picture for the eye and a word for the ear. Their order is part of the protocol.
#[rustfmt::skip]
pub const SIGNS: [(&str, &str); 64] = [
    ("🐶", "dog"), ("🐱", "cat"), ("🦁", "lion"), ("🐴", "horse"), ("🦄", "unicorn"), ("🐷", "pig"), ("🐘", "elephant"), ("🐰", "rabbit"),
    ("🐼", "panda"), ("🐓", "rooster"), ("🐧", "penguin"), ("🐢", "turtle"), ("🐟", "fish"), ("🐙", "octopus"), ("🦋", "butterfly"), ("🌷", "flower"),
    ("🌳", "tree"), ("🌵", "cactus"), ("🍄", "mushroom"), ("🌏", "globe"), ("🌙", "moon"), ("⛅", "cloud"), ("🔥", "fire"), ("🍌", "banana"),
    ("🍎", "apple"), ("🍓", "strawberry"), ("🌽", "corn"), ("🍕", "pizza"), ("🎂", "cake"), ("💚", "heart"), ("😀", "smiley"), ("🤖", "robot"),
    ("🎩", "hat"), ("👓", "glasses"), ("🔧", "spanner"), ("🎅", "santa"), ("👍", "thumb"), ("☂️", "umbrella"), ("⌛", "hourglass"), ("⏰", "clock"),
    ("🎁", "gift"), ("💡", "lamp"), ("📕", "book"), ("📝", "pencil"), ("📎", "paperclip"), ("🪓", "axe"), ("🔒", "lock"), ("🔑", "key"),
    ("🔨", "hammer"), ("📞", "telephone"), ("🏁", "flag"), ("🚂", "train"), ("🚲", "bicycle"), ("✈️", "aeroplane"), ("🚀", "rocket"), ("🏆", "trophy"),
    ("⚽", "ball"), ("🎸", "guitar"), ("🎺", "trumpet"), ("🔔", "bell"), ("⚓", "anchor"), ("🎧", "headphones"), ("📁", "folder"), ("📌", "pin"),
];

#[cfg(test)]
mod tests;
