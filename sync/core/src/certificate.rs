//! Certificate chains: how a device shows which person it belongs to, without a server.
//!
//! A chain is portable: it names no workspace. Its first link is signed by the user key, each later one by the
//! device of the link before, and each carries a proof that its device holds the key it is named for. What a
//! chain says never changes, so everybody who holds it comes to the same answer.

use ed25519_dalek::{Signer as _, SigningKey};
use serde::{Deserialize, Serialize};

use crate::entry::verify_signature;
use crate::ids::{DeviceId, EndpointId, PublicKey, UserId};
use crate::limits::CHAIN_LINKS_MAX;
use crate::wire::{self, WireError};
use crate::wraps::AgeRecipient;

const PROOF_CONTEXT: &[u8] = b"weft/1 device\0";
const LINK_CONTEXT: &[u8] = b"weft/1 link\0";

/// One step: "this key is a device of this user". The order of the fields is the order on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The person.
    pub user: UserId,
    /// The key that the device signs with.
    pub key: PublicKey,
    /// What epoch keys for this device are wrapped to.
    pub recipient: AgeRecipient,
    /// The device's transport key.
    pub endpoint: EndpointId,
    /// What epoch keys for the person's recovery words are wrapped to. Vouched for by the user key in the first
    /// link, and the same in every link: else whoever lets somebody in could name a key of his own.
    pub recovery: AgeRecipient,
    /// The device's own signature: it holds the key.
    #[serde(with = "wire::array64")]
    pub proof: [u8; 64],
    /// Signature over the rest, by the user key or the device of the link before.
    #[serde(with = "wire::array64")]
    pub signature: [u8; 64],
}

impl Link {
    /// The device that this link certifies.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        DeviceId::derive(&self.user, &self.key)
    }

    fn signed_bytes(&self) -> Vec<u8> {
        link_bytes(&self.user, &self.claim(), &self.recovery)
    }

    /// What the device said about itself.
    #[must_use]
    pub fn claim(&self) -> DeviceClaim {
        DeviceClaim { key: self.key, recipient: self.recipient, endpoint: self.endpoint, proof: self.proof }
    }
}

/// What a device says about itself, before anybody certified it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceClaim {
    /// The key that the device signs with.
    pub key: PublicKey,
    /// What epoch keys for this device are wrapped to.
    pub recipient: AgeRecipient,
    /// The device's transport key.
    pub endpoint: EndpointId,
    /// The device's own signature over user, recipient and endpoint.
    #[serde(with = "wire::array64")]
    pub proof: [u8; 64],
}

impl DeviceClaim {
    /// Makes the claim of the device that signs with `signing`, for `user`.
    #[must_use]
    pub fn make(user: &UserId, recipient: AgeRecipient, endpoint: EndpointId, signing: &SigningKey) -> Self {
        let proof = signing.sign(&proof_bytes(user, &recipient, &endpoint)).to_bytes();
        Self { key: PublicKey::from_bytes(signing.verifying_key().to_bytes()), recipient, endpoint, proof }
    }

    /// Whether the claimed key signed this claim, for this user.
    #[must_use]
    pub fn is_proven(&self, user: &UserId) -> bool {
        verify_signature(&self.key, &proof_bytes(user, &self.recipient, &self.endpoint), &self.proof).is_ok()
    }
}

fn proof_bytes(user: &UserId, recipient: &AgeRecipient, endpoint: &EndpointId) -> Vec<u8> {
    [PROOF_CONTEXT, user.as_bytes(), recipient.as_bytes(), endpoint.as_bytes()].concat()
}

fn link_bytes(user: &UserId, claim: &DeviceClaim, recovery: &AgeRecipient) -> Vec<u8> {
    let parts: [&[u8]; 7] = [
        LINK_CONTEXT,
        user.as_bytes(),
        claim.key.as_bytes(),
        claim.recipient.as_bytes(),
        claim.endpoint.as_bytes(),
        recovery.as_bytes(),
        &claim.proof,
    ];
    parts.concat()
}

/// Why a chain certifies nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The bytes are no chain.
    #[error("the certificate chain cannot be read")]
    Wire(#[from] WireError),
    /// There is no link, or more than eight.
    #[error("a certificate chain has 1 to {CHAIN_LINKS_MAX} links, this one has {links}")]
    Length {
        /// How many there are.
        links: usize,
    },
    /// A link speaks of another person than the first.
    #[error("link {link} of the certificate chain belongs to another person")]
    OtherUser {
        /// Its place, from 0.
        link: usize,
    },
    /// A link names another recovery key than the first.
    #[error("link {link} of the certificate chain changes the recovery key")]
    OtherRecovery {
        /// Its place, from 0.
        link: usize,
    },
    /// A device stands in the chain twice.
    #[error("link {link} of the certificate chain repeats a device")]
    Repeated {
        /// Its place, from 0.
        link: usize,
    },
    /// The device of a link did not prove that it holds its key.
    #[error("the device of link {link} did not prove that it holds its key")]
    Proof {
        /// Its place, from 0.
        link: usize,
    },
    /// The signature of a link is not of the key before it.
    #[error("link {link} of the certificate chain is not signed by the key before it")]
    Signature {
        /// Its place, from 0.
        link: usize,
    },
}

/// 1 to 8 links as they came, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    #[serde(deserialize_with = "wire::vec::<_, _, CHAIN_LINKS_MAX>")]
    links: Vec<Link>,
}

impl Chain {
    /// Takes links as they are.
    #[must_use]
    pub fn from_links(links: Vec<Link>) -> Self {
        Self { links }
    }

    /// The links, the first one first.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Checks every link.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn verify(self) -> Result<VerifiedChain, ChainError> {
        let links = &self.links;
        let Some(first) = links.first() else { return Err(ChainError::Length { links: 0 }) };
        if links.len() > CHAIN_LINKS_MAX {
            return Err(ChainError::Length { links: links.len() });
        }
        let mut signer = first.user.public_key();
        for (at, link) in links.iter().enumerate() {
            if link.user != first.user {
                return Err(ChainError::OtherUser { link: at });
            }
            if link.recovery != first.recovery {
                return Err(ChainError::OtherRecovery { link: at });
            }
            if links[..at].iter().any(|earlier| earlier.key == link.key) {
                return Err(ChainError::Repeated { link: at });
            }
            if !link.claim().is_proven(&link.user) {
                return Err(ChainError::Proof { link: at });
            }
            if verify_signature(&signer, &link.signed_bytes(), &link.signature).is_err() {
                return Err(ChainError::Signature { link: at });
            }
            signer = link.key;
        }
        Ok(VerifiedChain(self))
    }
}

/// A chain of which every link is right. It can only be made by checking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedChain(Chain);

impl VerifiedChain {
    /// The chain of one link that `user_signing`, the user key itself, signs for a device.
    ///
    /// # Errors
    /// When the claim is not proven.
    pub fn first(
        user_signing: &SigningKey,
        claim: &DeviceClaim,
        recovery: AgeRecipient,
    ) -> Result<Self, ChainError> {
        let user = UserId::from_bytes(user_signing.verifying_key().to_bytes());
        let link = sign_link(user, claim, recovery, user_signing);
        Chain::from_links(vec![link]).verify()
    }

    /// This chain and one more link for `claim`, signed with the key of this chain's last device.
    ///
    /// # Errors
    /// When the chain is full, the claim is not proven or repeats a device, or `device_signing` is another key.
    pub fn extend(&self, device_signing: &SigningKey, claim: &DeviceClaim) -> Result<Self, ChainError> {
        let last = self.last();
        let mut links = self.0.links.clone();
        links.push(sign_link(last.user, claim, last.recovery, device_signing));
        Chain::from_links(links).verify()
    }

    /// The person.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.last().user
    }

    /// The device that the chain is about: that of its last link.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        self.last().device()
    }

    /// The last link.
    #[must_use]
    pub fn last(&self) -> &Link {
        self.0.links.last().expect("a checked chain with at least one link")
    }

    /// All links, the first one first.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.0.links
    }

    /// The chain as it travels.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.0
    }

    /// Encodes the chain.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&self.0)
    }

    /// Reads and checks a chain.
    ///
    /// # Errors
    /// When the bytes are no chain or a link is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, ChainError> {
        wire::decode::<Chain>(bytes)?.verify()
    }
}

fn sign_link(user: UserId, claim: &DeviceClaim, recovery: AgeRecipient, signing: &SigningKey) -> Link {
    let DeviceClaim { key, recipient, endpoint, proof } = claim.clone();
    let signature = signing.sign(&link_bytes(&user, claim, &recovery)).to_bytes();
    Link { user, key, recipient, endpoint, recovery, proof, signature }
}
