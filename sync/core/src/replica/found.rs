//! Founding a workspace.

use rand::CryptoRng;

use crate::acl::{Genesis, RULES};
use crate::certificate::VerifiedChain;
use crate::entry::{ClearBody, Entry, EntryError, Header, Kind};
use crate::epoch::Keyring;
use crate::identity::DeviceKeys;
use crate::ids::{BodyHash, EntryId, LogId, WorkspaceId};
use crate::limits::ENTRY_VERSION;
use crate::seal::EpochKey;

/// A new workspace: to be stored before a [`Replica`](super::Replica) is opened on it.
pub struct Founded {
    /// The workspace.
    pub ws: WorkspaceId,
    /// Its first entry.
    pub genesis: Entry,
    /// The key of its first epoch, which the content secret comes from as well.
    pub keyring: Keyring,
}

/// Founds a workspace that belongs to the person of `chain`, on the device of its last link.
///
/// # Errors
/// When the chain is so long that it does not fit an entry.
pub fn found(
    keys: &DeviceKeys,
    chain: &VerifiedChain,
    rng: &mut dyn CryptoRng,
) -> Result<Founded, EntryError> {
    let key = EpochKey::generate(rng);
    let mut nonce = [0; 16];
    rng.fill_bytes(&mut nonce);
    let body = Genesis {
        owner: chain.user(),
        nonce,
        rules: RULES,
        first_epoch: key.id(),
        chain: chain.chain().clone(),
    };
    let header = Header {
        ver: ENTRY_VERSION,
        ws: WorkspaceId::ZERO,
        log: LogId::ZERO,
        seq: 1,
        prev: EntryId::ZERO,
        kind: Kind::Genesis,
        acl_heads: Vec::new(),
        epoch: None,
        body_len: 0,
        body_hash: BodyHash::ZERO,
    };
    let genesis = Entry::sign(header, body.encode_body(), keys.signing_key())?;
    let mut keyring = Keyring::default();
    keyring.insert(key);
    Ok(Founded { ws: WorkspaceId::from_genesis(genesis.id()), genesis, keyring })
}
