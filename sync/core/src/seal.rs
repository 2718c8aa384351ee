//! Keys of epochs and what is sealed under them: bodies of entries, names, chunks of content.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use weft_crdt::{ChunkId, ContentId};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::acl::SealedLabel;
use crate::entry::Header;
use crate::ids::{EpochId, LogId, WorkspaceId};
use crate::limits::{ENTRY_BODY_BYTES_MAX, LABEL_BYTES_MAX};
use crate::wire;

const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;
/// What sealing adds to a padded body.
pub const SEAL_OVERHEAD: usize = NONCE_LEN + TAG_LEN;
/// Bodies up to here are padded to steps of [`PAD_STEP`], larger ones by Padmé.
const PAD_STEPS_UP_TO: usize = 1024;
const PAD_STEP: usize = 128;
/// The longest plain body: one byte of padding more and it still fits an entry.
pub const PLAIN_BYTES_MAX: usize = 258_047;
const LABEL_CONTEXT: &[u8] = b"weft/1 label";

/// Why sealed bytes could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Too short to be sealed, altered, or sealed under another key or for another place.
    #[error("the sealed bytes do not open with this key")]
    Sealed,
    /// They open, but the padding is not what it must be.
    #[error("the padding of the sealed bytes is not right")]
    Padding,
    /// They open to something else than was named.
    #[error("the sealed bytes hold something else than was named")]
    Other,
}

/// The key of an epoch. Its id commits to it. It prints as `****` and is wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
pub struct EpochKey([u8; 32]);

impl EpochKey {
    /// Takes 32 secret bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Draws a new key.
    #[must_use]
    pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The secret bytes, to wrap or to store sealed.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The epoch that this is the key of.
    #[must_use]
    pub fn id(&self) -> EpochId {
        let id = blake3::derive_key("weft 2026 epoch id v1", &self.0);
        EpochId::from_slice(&id[..EpochId::LEN]).expect("a hash longer than an epoch id")
    }

    /// The secret that seals and names chunks, when this is the key of a workspace's first epoch.
    #[must_use]
    pub fn content_secret(&self) -> ContentSecret {
        ContentSecret(blake3::derive_key("weft 2026 content v1", &self.0))
    }

    /// The key that seals the entries of one log under this epoch.
    #[must_use]
    pub fn entry_key(&self, log: &LogId) -> EntryKey {
        let mut hasher = blake3::Hasher::new_derive_key("weft 2026 entry key v1");
        hasher.update(&self.0);
        hasher.update(log.as_bytes());
        EntryKey(hasher.finalize().into())
    }

    /// Seals the names of a person or a workspace.
    ///
    /// # Panics
    /// Never: what is over the limit is cut at a character border first.
    #[must_use]
    pub fn seal_label<R: CryptoRng + ?Sized>(
        &self,
        ws: &WorkspaceId,
        label: &Label,
        rng: &mut R,
    ) -> SealedLabel {
        let plain = Zeroizing::new(wire::encode(&label.clone().cut()));
        let bytes = seal(&self.label_key(), &pad(&plain), &label_data(ws), rng);
        SealedLabel { epoch: self.id(), bytes }
    }

    /// Opens names.
    ///
    /// # Errors
    /// When they were sealed under another key or for another workspace.
    pub fn open_label(&self, ws: &WorkspaceId, sealed: &SealedLabel) -> Result<Label, OpenError> {
        let padded = open(&self.label_key(), &sealed.bytes, &label_data(ws))?;
        wire::decode(unpad(&padded)?).map_err(|_| OpenError::Other)
    }

    fn label_key(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key("weft 2026 label v1", &self.0))
    }

    pub(crate) fn chain_key(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key("weft 2026 chain v1", &self.0))
    }
}

impl fmt::Debug for EpochKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EpochKey({:?}, ****)", self.id())
    }
}

fn label_data(ws: &WorkspaceId) -> Vec<u8> {
    [LABEL_CONTEXT, ws.as_bytes()].concat()
}

/// What is sealed as a label: the names of a person and a device, or that of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Label {
    /// The name of the person, or of the workspace.
    #[serde(deserialize_with = "wire::text::<_, LABEL_BYTES_MAX>")]
    pub name: String,
    /// The name of the device; empty for a workspace.
    #[serde(deserialize_with = "wire::text::<_, LABEL_BYTES_MAX>")]
    pub device: String,
}

impl Label {
    /// The names of a person and a device.
    #[must_use]
    pub fn new(name: impl Into<String>, device: impl Into<String>) -> Self {
        Self { name: name.into(), device: device.into() }
    }

    fn cut(mut self) -> Self {
        for text in [&mut self.name, &mut self.device] {
            text.truncate(text.floor_char_boundary(LABEL_BYTES_MAX));
        }
        self
    }
}

/// The key that seals the bodies of one log under one epoch.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct EntryKey([u8; 32]);

impl EntryKey {
    /// Seals a plain body for the entry with this header. Of the header only the fields before `body_len` count.
    ///
    /// # Errors
    /// When the plain body is longer than [`PLAIN_BYTES_MAX`].
    pub fn seal<R: CryptoRng + ?Sized>(
        &self,
        header: &Header,
        plain: &[u8],
        rng: &mut R,
    ) -> Result<Vec<u8>, TooLong> {
        if plain.len() > PLAIN_BYTES_MAX {
            return Err(TooLong { len: plain.len() });
        }
        Ok(seal(&self.0, &pad(plain), &header.associated_data(), rng))
    }

    /// Opens the body of the entry with this header.
    ///
    /// # Errors
    /// When the body or the header was altered, the key is another, or the padding is wrong.
    pub fn open(&self, header: &Header, body: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let mut padded = open(&self.0, body, &header.associated_data())?;
        let len = unpad(&padded)?.len();
        padded.truncate(len);
        Ok(padded)
    }
}

impl fmt::Debug for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EntryKey(****)")
    }
}

/// A plain body that no entry can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a body of {len} bytes is longer than an entry can hold ({PLAIN_BYTES_MAX})")]
pub struct TooLong {
    /// Its length.
    pub len: usize,
}

/// The secret that names and seals chunks, known to every member and to no keeper.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ContentSecret([u8; 32]);

/// A chunk as it is stored and sent: whoever holds it can check the name, only members can open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedChunk {
    /// blake3 of the sealed bytes.
    pub id: ChunkId,
    /// blake3 of the plain bytes: with the content secret it gives the key.
    pub plain_hash: [u8; 32],
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

impl ContentSecret {
    /// Names a whole content.
    #[must_use]
    pub fn content_id(&self, plain: &[u8]) -> ContentId {
        let mut hasher = self.content_hasher();
        hasher.update(plain);
        ContentId::from_bytes(hasher.finalize().into())
    }

    /// The hasher behind [`ContentSecret::content_id`], for a content that is read piece by piece.
    #[must_use]
    pub fn content_hasher(&self) -> blake3::Hasher {
        blake3::Hasher::new_keyed(&self.0)
    }

    /// Seals one chunk. The same plain bytes always give the same sealed bytes.
    #[must_use]
    pub fn seal_chunk(&self, plain: &[u8]) -> SealedChunk {
        let plain_hash = *blake3::hash(plain).as_bytes();
        // The key belongs to this plain text alone, so a nonce of zero is used once.
        let bytes = XChaCha20Poly1305::new(&(*self.chunk_key(&plain_hash)).into())
            .encrypt(&XNonce::default(), plain)
            .expect("a message below the limit of the cipher");
        SealedChunk { id: ChunkId::from_bytes(*blake3::hash(&bytes).as_bytes()), plain_hash, bytes }
    }

    /// Opens a chunk that is named by the hash of its plain bytes.
    ///
    /// # Errors
    /// When it was altered, sealed with another secret, or holds something else.
    pub fn open_chunk(&self, plain_hash: &[u8; 32], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let plain = XChaCha20Poly1305::new(&(*self.chunk_key(plain_hash)).into())
            .decrypt(&XNonce::default(), sealed)
            .map_err(|_| OpenError::Sealed)?;
        if blake3::hash(&plain).as_bytes() != plain_hash {
            return Err(OpenError::Other);
        }
        Ok(plain)
    }

    fn chunk_key(&self, plain_hash: &[u8; 32]) -> Zeroizing<[u8; 32]> {
        let mut hasher = blake3::Hasher::new_derive_key("weft 2026 chunk v1");
        hasher.update(&self.0);
        hasher.update(plain_hash);
        Zeroizing::new(hasher.finalize().into())
    }
}

impl fmt::Debug for ContentSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentSecret(****)")
    }
}

/// nonce || sealed.
pub(crate) fn seal<R: CryptoRng + ?Sized>(key: &[u8; 32], plain: &[u8], aad: &[u8], rng: &mut R) -> Vec<u8> {
    let mut nonce = [0; NONCE_LEN];
    rng.fill_bytes(&mut nonce);
    let sealed = XChaCha20Poly1305::new(&(*key).into())
        .encrypt(&nonce.into(), Payload { msg: plain, aad })
        .expect("a message below the limit of the cipher");
    let mut bytes = Vec::with_capacity(NONCE_LEN + sealed.len());
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&sealed);
    bytes
}

pub(crate) fn open(key: &[u8; 32], bytes: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or(OpenError::Sealed)?;
    let nonce = <[u8; NONCE_LEN]>::try_from(nonce).expect("a slice of this length");
    XChaCha20Poly1305::new(&(*key).into())
        .decrypt(&nonce.into(), Payload { msg: sealed, aad })
        .map(Zeroizing::new)
        .map_err(|_| OpenError::Sealed)
}

/// The plain bytes, one byte 0x80, zeros: up to the next size that is shared with many other lengths.
fn pad(plain: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut padded = Zeroizing::new(vec![0; padded_len(plain.len() + 1)]);
    padded[..plain.len()].copy_from_slice(plain);
    padded[plain.len()] = 0x80;
    padded
}

fn unpad(padded: &[u8]) -> Result<&[u8], OpenError> {
    let end = padded.iter().rposition(|byte| *byte != 0).ok_or(OpenError::Padding)?;
    if padded[end] != 0x80 || padded.len() != padded_len(end + 1) {
        return Err(OpenError::Padding);
    }
    Ok(&padded[..end])
}

fn padded_len(len: usize) -> usize {
    if len <= PAD_STEPS_UP_TO {
        return len.next_multiple_of(PAD_STEP);
    }
    // Padmé: as many low bits zero as leave the exponent's own bits to tell sizes apart; at most 12 % more.
    let exponent = usize::BITS - 1 - len.leading_zeros();
    let kept = u32::BITS - exponent.leading_zeros();
    len.next_multiple_of(1 << (exponent - kept))
}

const _: () = assert!(PLAIN_BYTES_MAX + 1 + SEAL_OVERHEAD <= ENTRY_BODY_BYTES_MAX);

#[cfg(test)]
mod tests;
