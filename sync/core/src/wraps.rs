//! Wraps of a secret to X25519 recipients, as age v1 files.
//!
//! The files are ordinary age files: the `age` crate opens them here and the `age` program opens them anywhere.
//! They are *written* here and not by that crate for one reason: it draws its file key, nonce and ephemeral
//! keys from the operating system, and a core takes its randomness as an argument, so that a simulation with
//! one seed writes the same entries every time. A test compares the two writers through the crate's reader.

use std::fmt;
use std::io::Read as _;

use age::DecryptError;
use age_core::format::{FileKey, Stanza};
use age_core::primitives::{aead_decrypt, aead_encrypt, hkdf};
use curve25519_dalek::montgomery::MontgomeryPoint;
use data_encoding::BASE64_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const TAG: &str = "X25519";
const KEY_LABEL: &[u8] = b"age-encryption.org/v1/X25519";
const FILE_KEY_LEN: usize = 16;
const LINE_LEN: usize = 64;

/// An X25519 public key that secrets are wrapped to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AgeRecipient([u8; 32]);

impl AgeRecipient {
    /// Wraps raw bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Borrows the raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgeRecipient({})", data_encoding::HEXLOWER.encode(&self.0[..5]))
    }
}

/// The X25519 secret that opens wraps. It prints as `****` and is wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct AgeIdentity([u8; 32]);

impl AgeIdentity {
    /// Takes 32 secret bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Draws a new secret.
    #[must_use]
    pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The secret bytes, for the sealed store alone.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public key.
    #[must_use]
    pub fn recipient(&self) -> AgeRecipient {
        AgeRecipient(MontgomeryPoint::mul_base_clamped(self.0).to_bytes())
    }
}

impl fmt::Debug for AgeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgeIdentity(****)")
    }
}

/// Why a secret could not be wrapped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WrapError {
    /// There is nobody to wrap to.
    #[error("a secret was to be wrapped for nobody")]
    Nobody,
    /// A recipient is a point of small order: everybody could open what is wrapped to it.
    #[error("the recipient {recipient:?} is not a usable key")]
    WeakRecipient {
        /// Which.
        recipient: AgeRecipient,
    },
}

/// Why a wrap could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnwrapError {
    /// No wrap in the file is for this identity.
    #[error("the key is not wrapped for this device")]
    NotForUs,
    /// The file is damaged, or not a wrap of this shape.
    #[error("the wrapped key is damaged")]
    Damaged,
}

/// Wraps `secret` so that each of `recipients` can open it.
///
/// # Errors
/// When there is no recipient, or one whose key is no key.
pub fn wrap<R: CryptoRng + ?Sized>(
    secret: &[u8; 32],
    recipients: &[AgeRecipient],
    rng: &mut R,
) -> Result<Vec<u8>, WrapError> {
    if recipients.is_empty() {
        return Err(WrapError::Nobody);
    }
    let mut file_key = Zeroizing::new([0; FILE_KEY_LEN]);
    rng.fill_bytes(file_key.as_mut());
    let mut file = String::from("age-encryption.org/v1\n");
    for recipient in recipients {
        push_stanza(&mut file, &file_key, recipient, rng)?;
    }
    file.push_str("---");
    let mac_key = Zeroizing::new(hkdf(&[], b"header", file_key.as_ref()));
    let mut mac = Hmac::<Sha256>::new_from_slice(mac_key.as_ref()).expect("a MAC that takes any key length");
    mac.update(file.as_bytes());
    file.push(' ');
    file.push_str(&BASE64_NOPAD.encode(&mac.finalize().into_bytes()));
    file.push('\n');

    let mut nonce = [0; 16];
    rng.fill_bytes(&mut nonce);
    let payload_key = Zeroizing::new(hkdf(&nonce, b"payload", file_key.as_ref()));
    let mut bytes = file.into_bytes();
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&seal_last_chunk(&payload_key, secret));
    Ok(bytes)
}

fn push_stanza<R: CryptoRng + ?Sized>(
    file: &mut String,
    file_key: &[u8; FILE_KEY_LEN],
    recipient: &AgeRecipient,
    rng: &mut R,
) -> Result<(), WrapError> {
    let mut ephemeral = Zeroizing::new([0; 32]);
    rng.fill_bytes(ephemeral.as_mut());
    let share = MontgomeryPoint::mul_base_clamped(*ephemeral).to_bytes();
    let shared = Zeroizing::new(MontgomeryPoint(recipient.0).mul_clamped(*ephemeral).to_bytes());
    if *shared == [0; 32] {
        return Err(WrapError::WeakRecipient { recipient: *recipient });
    }
    let wrap_key = Zeroizing::new(hkdf(&salt(&share, &recipient.0), KEY_LABEL, shared.as_ref()));
    let body = BASE64_NOPAD.encode(&aead_encrypt(&wrap_key, file_key));
    file.push_str(&format!("-> {TAG} {}\n", BASE64_NOPAD.encode(&share)));
    // A body ends with a line shorter than 64 characters. 32 bytes are 43 characters: always one line.
    debug_assert!(body.len() < LINE_LEN);
    file.push_str(&body);
    file.push('\n');
    Ok(())
}

fn salt(share: &[u8; 32], recipient: &[u8; 32]) -> [u8; 64] {
    let mut salt = [0; 64];
    salt[..32].copy_from_slice(share);
    salt[32..].copy_from_slice(recipient);
    salt
}

/// The payload of an age file that is one chunk long: counter zero, marked as the last.
fn seal_last_chunk(key: &[u8; 32], secret: &[u8; 32]) -> Vec<u8> {
    use chacha20poly1305::aead::{Aead as _, KeyInit as _};
    let mut nonce = [0; 12];
    nonce[11] = 1;
    chacha20poly1305::ChaCha20Poly1305::new(&(*key).into())
        .encrypt(&nonce.into(), secret.as_slice())
        .expect("a message below the limit of the cipher")
}

/// Opens a file that [`wrap`] (or any age program) wrote over 32 bytes.
///
/// # Errors
/// When none of the wraps is for `identity`, or the file is not what it should be.
pub fn unwrap(file: &[u8], identity: &AgeIdentity) -> Result<Zeroizing<[u8; 32]>, UnwrapError> {
    let opener = Opener { secret: identity, public: identity.recipient() };
    let decryptor = age::Decryptor::new_buffered(file).map_err(|_| UnwrapError::Damaged)?;
    let identity: &dyn age::Identity = &opener;
    let mut reader = decryptor.decrypt(std::iter::once(identity)).map_err(|error| match error {
        DecryptError::NoMatchingKeys => UnwrapError::NotForUs,
        _ => UnwrapError::Damaged,
    })?;
    let mut secret = Zeroizing::new([0; 32]);
    reader.read_exact(secret.as_mut()).map_err(|_| UnwrapError::Damaged)?;
    if reader.read(&mut [0]).map_err(|_| UnwrapError::Damaged)? != 0 {
        return Err(UnwrapError::Damaged);
    }
    Ok(secret)
}

struct Opener<'a> {
    secret: &'a AgeIdentity,
    public: AgeRecipient,
}

impl age::Identity for Opener<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        if stanza.tag != TAG {
            return None;
        }
        let [share] = stanza.args.as_slice() else { return Some(Err(DecryptError::InvalidHeader)) };
        let share =
            BASE64_NOPAD.decode(share.as_bytes()).ok().and_then(|share| <[u8; 32]>::try_from(share).ok());
        let Some(share) = share else { return Some(Err(DecryptError::InvalidHeader)) };
        let shared = Zeroizing::new(MontgomeryPoint(share).mul_clamped(self.secret.0).to_bytes());
        if *shared == [0; 32] {
            return Some(Err(DecryptError::InvalidHeader));
        }
        let wrap_key = Zeroizing::new(hkdf(&salt(&share, &self.public.0), KEY_LABEL, shared.as_ref()));
        let opened = Zeroizing::new(aead_decrypt(&wrap_key, FILE_KEY_LEN, &stanza.body).ok()?);
        Some(Ok(FileKey::init_with_mut(|key| key.copy_from_slice(&opened))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use age_core::primitives::bech32_encode;
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha20Rng;

    fn identity(seed: u64) -> AgeIdentity {
        AgeIdentity::generate(&mut ChaCha20Rng::seed_from_u64(seed))
    }

    fn as_age(identity: &AgeIdentity) -> age::x25519::Identity {
        let prefix = bech32::Hrp::parse("AGE-SECRET-KEY-").unwrap();
        bech32_encode(prefix, identity.expose()).to_uppercase().parse().unwrap()
    }

    #[test]
    fn every_recipient_opens_the_wrap_and_nobody_else() {
        let recipients: Vec<_> = (0..5).map(|seed| identity(seed).recipient()).collect();
        let file = wrap(&[7; 32], &recipients, &mut ChaCha20Rng::seed_from_u64(9)).unwrap();
        for seed in 0..5 {
            assert_eq!(*unwrap(&file, &identity(seed)).unwrap(), [7; 32]);
        }
        assert_eq!(unwrap(&file, &identity(6)), Err(UnwrapError::NotForUs));
    }

    #[test]
    fn the_age_crate_reads_our_files_and_we_read_its() {
        let ours = identity(1);
        let theirs = as_age(&ours);
        let file =
            wrap(&[3; 32], &[identity(2).recipient(), ours.recipient()], &mut ChaCha20Rng::seed_from_u64(4));
        assert_eq!(age::decrypt(&theirs, &file.unwrap()).unwrap(), [3; 32]);
        let file = age::encrypt(&theirs.to_public(), &[5; 32]).unwrap();
        assert_eq!(*unwrap(&file, &ours).unwrap(), [5; 32]);
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed() {
        let ours = identity(1);
        let file = wrap(&[3; 32], &[ours.recipient()], &mut ChaCha20Rng::seed_from_u64(4)).unwrap();
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(unwrap(&changed, &ours).is_err(), "byte {at}");
        }
        assert!(unwrap(&file[..file.len() - 1], &ours).is_err());
    }

    #[test]
    fn a_file_over_another_length_is_damaged() {
        let ours = identity(1);
        for len in [0, 31, 33] {
            let file = age::encrypt(&as_age(&ours).to_public(), &vec![1; len]).unwrap();
            assert_eq!(unwrap(&file, &ours).unwrap_err(), UnwrapError::Damaged, "{len} bytes");
        }
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        let weak = AgeRecipient::from_bytes([0; 32]);
        let refused = wrap(&[1; 32], &[weak], &mut ChaCha20Rng::seed_from_u64(1));
        assert_eq!(refused, Err(WrapError::WeakRecipient { recipient: weak }));
        assert_eq!(wrap(&[1; 32], &[], &mut ChaCha20Rng::seed_from_u64(1)), Err(WrapError::Nobody));
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", identity(1)), "AgeIdentity(****)");
    }
}
