//! Sealing what lies in the database.

use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::IndexError;

const NONCE_LEN: usize = 24;

/// The key that seals the index of a workspace. Prints as `****`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct IndexKey([u8; 32]);

impl IndexKey {
    /// The key of one workspace's index, made from a secret of this device.
    #[must_use]
    pub fn derive(secret: &[u8; 32], workspace: &[u8; 32]) -> Self {
        let mut material = [0; 64];
        material[..32].copy_from_slice(secret);
        material[32..].copy_from_slice(workspace);
        let key = Self(blake3::derive_key("weft 2026 index of a workspace v1", &material));
        material.zeroize();
        key
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexKey(****)")
    }
}

/// Where a sealed value belongs: it opens in no other place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) table: u8,
    pub(crate) row: i64,
}

impl Place {
    fn bytes(self) -> [u8; 9] {
        let mut bytes = [self.table; 9];
        bytes[1..].copy_from_slice(&self.row.to_le_bytes());
        bytes
    }
}

/// Seals and opens. The result of sealing is `nonce || ciphertext and tag`, with XChaCha20-Poly1305.
pub(crate) struct Sealer(XChaCha20Poly1305);

impl Sealer {
    pub(crate) fn new(key: &IndexKey) -> Self {
        Self(XChaCha20Poly1305::new((&key.0).into()))
    }

    pub(crate) fn seal(&self, place: Place, plain: &[u8]) -> Result<Vec<u8>, IndexError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| IndexError::Random)?;
        let payload = Payload { msg: plain, aad: &place.bytes() };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).map_err(|_| IndexError::Damaged)?;
        let mut row = Vec::with_capacity(NONCE_LEN + sealed.len());
        row.extend_from_slice(&nonce);
        row.extend_from_slice(&sealed);
        Ok(row)
    }

    pub(crate) fn open(&self, place: Place, row: &[u8]) -> Result<Vec<u8>, IndexError> {
        let (nonce, sealed) = row.split_first_chunk::<NONCE_LEN>().ok_or(IndexError::Damaged)?;
        let payload = Payload { msg: sealed, aad: &place.bytes() };
        self.0.decrypt(&XNonce::from(*nonce), payload).map_err(|_| IndexError::Damaged)
    }
}
