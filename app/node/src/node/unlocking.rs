//! Opening the data of a device with nothing but the 24 words, when keyring, key file and passphrase are lost.

use weft_store::keys::{self, KeptAgain, SlotKind};
use weft_store::{Home, HomeLock, Store};

use super::opening::{self, chain, not_opened};
use super::recovering::parse_words;
use crate::api::{ApiError, ErrorKind, NodeOptions, RecoveryUnlock, RecoveryUnlocked};

/// Opens the data folder of `options` with the words, and puts its key where the next start looks for it: where
/// [`NodeOptions::key`] says, else where it was before. It is not for a node that runs, which has the key.
///
/// # Errors
/// When the words are not those of the person whose device this is, a node runs, or the key can be put nowhere; then
/// nothing was changed.
pub fn unlock_with_words(
    options: &NodeOptions,
    request: &RecoveryUnlock,
) -> Result<RecoveryUnlocked, ApiError> {
    let nothing = "nothing was changed";
    let user = parse_words(&request.words)?;
    let (home, _lock): (Home, HomeLock) =
        opening::lock_home(&options.home).map_err(|error| match error.kind {
            ErrorKind::Busy => error.hint(
                "a node runs, so the data is open: what is to be saved can be shared or backed up now. To put the key \
                 elsewhere, end it with `weft node --stop`, then run this again",
            ),
            _ => error,
        })?;
    let told = |error: weft_store::UnlockError| {
        ApiError::failed(chain(&error)).hint(error.hint()).data_state(nothing)
    };
    let key = keys::open_with_words(&home, user.age_identity()).map_err(told)?;
    // A key that opens nothing must not take the place of one that does.
    if home.store_db().exists() || home.identity_json().exists() {
        Store::open(home.path(), &key).map_err(|error| not_opened(chain(&error), error.hint()))?;
    }
    let kept = opening::with_key_context(options.key, options.passphrase.as_ref(), |context| {
        keys::keep_again(&home, &key, context).map_err(told)
    })?;
    let KeptAgain { slot, was_there } = kept;
    let notes = (slot == SlotKind::File)
        .then(|| format!("The key lies in a file that only you can read: {}", home.key_file().display()));
    Ok(RecoveryUnlocked { slot: slot.to_string(), was_there, notes: notes.into_iter().collect() })
}
