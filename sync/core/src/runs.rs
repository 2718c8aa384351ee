//! Checking many entries at once: a *run* is entries of one log that follow each other.
//!
//! Each entry names the one before it by the hash of its header, which holds the hash of its body. So one right
//! signature, that of the last entry, says that all of the run is its signer's. The signatures of the others are not
//! looked at: whoever hands single entries on has to check those.

use crate::entry::{Entry, EntryError};
use crate::ids::{EntryRef, PublicKey};

/// Why entries are no run that the key has signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// There are none.
    #[error("there is nothing to check")]
    Empty,
    /// An entry is of another log, or does not follow the one before it.
    #[error("entry {} of the log does not follow the one before it", .at.seq)]
    Broken {
        /// Which.
        at: EntryRef,
    },
    /// The signature of the last one is wrong.
    #[error("the signature of entry {} is not right", .at.seq)]
    Signature {
        /// Which.
        at: EntryRef,
        /// Why.
        #[source]
        source: EntryError,
    },
}

/// Checks that all of these entries, in this order, are one run that the key has signed, and returns its end. That
/// the bodies fit is [`Entry::decode`]'s to check.
///
/// # Errors
/// When they do not follow each other, or the last signature is wrong.
pub fn verify_run(entries: &[Entry], key: &PublicKey) -> Result<EntryRef, RunError> {
    for pair in entries.windows(2) {
        let (before, after) = (&pair[0], &pair[1].header);
        let follows = after.log == before.header.log
            && after.ws == before.header.ws
            && Some(after.seq) == before.header.seq.checked_add(1)
            && after.prev == before.id();
        if !follows {
            return Err(RunError::Broken { at: pair[1].entry_ref() });
        }
    }
    let last = entries.last().ok_or(RunError::Empty)?;
    let at = last.entry_ref();
    last.verify(key).map_err(|source| RunError::Signature { at, source })?;
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Header, Kind};
    use crate::ids::{BodyHash, EntryId, LogId, WorkspaceId};
    use ed25519_dalek::SigningKey;

    fn run(key: &SigningKey, count: u64) -> Vec<Entry> {
        let mut prev = EntryId::from_bytes([7; 32]);
        (0..count)
            .map(|at| {
                let header = Header {
                    ver: 1,
                    ws: WorkspaceId::from_bytes([1; 32]),
                    log: LogId::from_bytes([2; 32]),
                    seq: at + 5,
                    prev,
                    kind: Kind::Data,
                    acl_heads: Vec::new(),
                    epoch: None,
                    body_len: 0,
                    body_hash: BodyHash::ZERO,
                };
                let entry = Entry::sign(header, vec![u8::try_from(at).unwrap(); 40], key).unwrap();
                prev = entry.id();
                entry
            })
            .collect()
    }

    fn key() -> (SigningKey, PublicKey) {
        let key = SigningKey::from_bytes(&[3; 32]);
        let public = PublicKey::from_bytes(key.verifying_key().to_bytes());
        (key, public)
    }

    #[test]
    fn one_signature_stands_for_all_that_lead_to_it() {
        let (key, public) = key();
        let mut entries = run(&key, 9);
        assert_eq!(verify_run(&entries, &public), Ok(entries[8].entry_ref()));
        entries[3].signature = [0; 64];
        assert!(verify_run(&entries, &public).is_ok(), "this one is covered by those behind it");
        assert!(entries[3].verify(&public).is_err(), "but is not to be handed on alone");
        entries[8].signature[5] ^= 1;
        assert!(matches!(verify_run(&entries, &public), Err(RunError::Signature { .. })));
    }

    #[test]
    fn every_altered_byte_of_a_run_is_noticed() {
        let (key, public) = key();
        let entries = run(&key, 4);
        for at in 0..entries.len() {
            let bytes = entries[at].encode();
            let header = entries[at].header.encode().len();
            for place in (0..bytes.len()).filter(|place| !(header..header + 64).contains(place)) {
                let mut altered = bytes.clone();
                altered[place] ^= 1;
                let Ok(entry) = Entry::decode(&altered) else { continue };
                let mut others = entries.clone();
                others[at] = entry;
                assert!(verify_run(&others, &public).is_err(), "byte {place} of entry {at}");
            }
        }
    }

    #[test]
    fn what_is_left_out_doubled_or_moved_is_noticed() {
        let (key, public) = key();
        let entries = run(&key, 6);
        let broken = |entries: &[Entry]| matches!(verify_run(entries, &public), Err(RunError::Broken { .. }));
        assert!(broken(&[&entries[..2], &entries[3..]].concat()));
        assert!(broken(&[&entries[..3], &entries[2..]].concat()));
        let mut swapped = entries.clone();
        swapped.swap(2, 3);
        assert!(broken(&swapped));
        assert_eq!(verify_run(&[], &public), Err(RunError::Empty));
        let other = PublicKey::from_bytes(SigningKey::from_bytes(&[4; 32]).verifying_key().to_bytes());
        assert!(matches!(verify_run(&entries, &other), Err(RunError::Signature { .. })));
    }
}
