//! The key of a store, and what is sealed with it.

use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::space::Space;

const SEAL_VERSION: u8 = 1;
const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;

/// The 32 random bytes that seal everything secret in a store. Prints as `****`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    /// Wraps the bytes of a key.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Makes a new key from the system's random numbers.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut key = Self([0; 32]);
        getrandom::fill(&mut key.0)?;
        Ok(key)
    }

    /// Makes a key for something else of this device that is sealed: another for each purpose, which `context` names.
    #[must_use]
    pub fn derived(&self, context: &'static str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key(context, &self.0))
    }

    /// Borrows the bytes: for sealing them in a slot, never for printing.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(****)")
    }
}

/// A sealed value is damaged or belongs to another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SealBroken;

/// Seals and opens records of one store.
pub(crate) struct RowSeal {
    cipher: XChaCha20Poly1305,
    names: Zeroizing<[u8; 32]>,
}

impl RowSeal {
    pub(crate) fn new(key: &StoreKey) -> Self {
        let rows = Zeroizing::new(blake3::derive_key("weft 2026 store rows v1", key.expose()));
        let names = Zeroizing::new(blake3::derive_key("weft 2026 store names v1", key.expose()));
        Self { cipher: XChaCha20Poly1305::new((&*rows).into()), names }
    }

    /// The key under which a record is stored: as it is, or its keyed hash.
    pub(crate) fn stored_key(&self, space: Space, key: &[u8]) -> Vec<u8> {
        if !space.table().seals_keys() {
            return key.to_vec();
        }
        let mut hasher = blake3::Hasher::new_keyed(&self.names);
        hasher.update(&[space.table().number()]);
        hasher.update(&workspace_bytes(space));
        hasher.update(key);
        hasher.finalize().as_bytes().to_vec()
    }

    /// Seals a record for its place. The result is
    /// `version || nonce || ciphertext(key length || key || value)`.
    pub(crate) fn seal(&self, space: Space, key: &[u8], value: &[u8]) -> Result<Vec<u8>, getrandom::Error> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce)?;
        let inner_key: &[u8] = if space.table().seals_keys() { key } else { &[] };
        let key_len = u32::try_from(inner_key.len()).expect("a key within its limit");
        let mut plain = Zeroizing::new(Vec::with_capacity(4 + inner_key.len() + value.len()));
        plain.extend_from_slice(&key_len.to_le_bytes());
        plain.extend_from_slice(inner_key);
        plain.extend_from_slice(value);
        let aad = associated_data(space, &self.stored_key(space, key));
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: &plain, aad: &aad })
            .expect("a message shorter than the cipher's limit");
        let mut row = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
        row.push(SEAL_VERSION);
        row.extend_from_slice(&nonce);
        row.extend_from_slice(&sealed);
        Ok(row)
    }

    /// Opens a record that was read from `stored_key`: its key and its value.
    pub(crate) fn open(
        &self,
        space: Space,
        stored_key: &[u8],
        row: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), SealBroken> {
        let (version, rest) = row.split_first().ok_or(SealBroken)?;
        if *version != SEAL_VERSION || rest.len() < NONCE_LEN + TAG_LEN {
            return Err(SealBroken);
        }
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealBroken)?;
        let payload = Payload { msg: sealed, aad: &associated_data(space, stored_key) };
        let plain = self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealBroken)?;
        let (key_len, rest) = plain.split_first_chunk::<4>().ok_or(SealBroken)?;
        let key_len = usize::try_from(u32::from_le_bytes(*key_len)).map_err(|_| SealBroken)?;
        let (inner_key, value) = rest.split_at_checked(key_len).ok_or(SealBroken)?;
        let key = if space.table().seals_keys() { inner_key.to_vec() } else { stored_key.to_vec() };
        Ok((key, value.to_vec()))
    }
}

fn workspace_bytes(space: Space) -> [u8; 33] {
    let mut bytes = [0; 33];
    if let Some(workspace) = space.workspace_id() {
        bytes[0] = 1;
        bytes[1..].copy_from_slice(workspace.as_bytes());
    }
    bytes
}

fn associated_data(space: Space, stored_key: &[u8]) -> Vec<u8> {
    let mut aad = Vec::with_capacity(35 + stored_key.len());
    aad.push(space.table().number());
    aad.extend_from_slice(&workspace_bytes(space));
    aad.extend_from_slice(stored_key);
    aad.push(SEAL_VERSION);
    aad
}

#[cfg(test)]
mod tests {
    use weft_sync::WorkspaceId;

    use super::*;
    use crate::space::Table;

    fn seal() -> RowSeal {
        RowSeal::new(&StoreKey::from_bytes([7; 32]))
    }

    #[test]
    fn a_key_never_prints_itself() {
        let key = StoreKey::from_bytes([0x41; 32]);
        assert_eq!(format!("{key:?}"), "StoreKey(****)");
    }

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        let key = StoreKey::from_bytes([7; 32]);
        assert_ne!(key.derived("one"), key.derived("two"));
        assert_ne!(*key.derived("one"), *key.expose());
        assert_eq!(key.derived("one"), StoreKey::from_bytes([7; 32]).derived("one"));
    }

    #[test]
    fn what_is_sealed_opens_only_in_its_place() {
        let seal = seal();
        for table in [Table::Snapshot, Table::Mirror] {
            let space = Space::device(table);
            let row = seal.seal(space, b"key", b"value").unwrap();
            let stored_key = seal.stored_key(space, b"key");
            assert_eq!(seal.open(space, &stored_key, &row), Ok((b"key".to_vec(), b"value".to_vec())));
            let other_key = seal.stored_key(space, b"kez");
            assert_eq!(seal.open(space, &other_key, &row), Err(SealBroken));
            let other_table = Space::device(Table::Draft);
            assert_eq!(seal.open(other_table, &stored_key, &row), Err(SealBroken));
            let other_space = Space::workspace(WorkspaceId::ZERO, table);
            assert_eq!(seal.open(other_space, &stored_key, &row), Err(SealBroken));
        }
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let seal = seal();
        let space = Space::device(Table::Draft);
        let row = seal.seal(space, b"k", b"value").unwrap();
        for at in 0..row.len() {
            let mut changed = row.clone();
            changed[at] ^= 1;
            assert_eq!(seal.open(space, b"k", &changed), Err(SealBroken), "byte {at}");
        }
        for length in 0..row.len() {
            assert_eq!(seal.open(space, b"k", &row[..length]), Err(SealBroken));
        }
    }

    #[test]
    fn names_in_sealed_keys_do_not_show() {
        let seal = seal();
        let space = Space::device(Table::Mirror);
        let row = seal.seal(space, b"diary/secret.txt", b"").unwrap();
        let stored_key = seal.stored_key(space, b"diary/secret.txt");
        for shown in [row, stored_key] {
            assert!(!shown.windows(6).any(|window| window == b"secret"));
        }
    }

    #[test]
    fn another_key_opens_nothing() {
        let space = Space::device(Table::Draft);
        let row = seal().seal(space, b"k", b"v").unwrap();
        let other = RowSeal::new(&StoreKey::from_bytes([8; 32]));
        assert_eq!(other.open(space, b"k", &row), Err(SealBroken));
    }
}
