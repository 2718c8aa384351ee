//! The system's keyring, behind a limit of time.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::SlotError;
use super::slot::Kek;

/// The name of the program in the keyring.
const SERVICE: &str = "dev.weft";

/// What a keyring answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringFault {
    /// It holds nothing under this name, or it is locked and says so.
    #[error("it holds no key for this device, or it is locked")]
    NoEntry,
    /// It is locked and nobody unlocked it, or the person refused.
    #[error("it is locked, or access to it was refused ({0})")]
    Locked(String),
    /// There is none, or it refuses.
    #[error("it does not work here ({0})")]
    Unavailable(String),
    /// It did not answer in time.
    #[error("it did not answer within {0:?}")]
    TimedOut(Duration),
    /// It gave back something else than was stored.
    #[error("it gave back something else than was stored")]
    Mangled,
}

/// A keyring: one line of text per account.
pub trait Keyring: Send + Sync {
    /// The line of an account.
    fn load(&self, account: &str) -> Result<Zeroizing<String>, KeyringFault>;
    /// Stores the line of an account.
    fn store(&self, account: &str, line: &str) -> Result<(), KeyringFault>;
}

/// The keyring of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemKeyring;

impl SystemKeyring {
    fn entry(account: &str) -> Result<keyring::v1::Entry, KeyringFault> {
        if let Err(error) = keyring::v1::Entry::store_status() {
            return Err(KeyringFault::Unavailable(error.to_string()));
        }
        keyring::v1::Entry::new(SERVICE, account).map_err(|error| fault(&error))
    }
}

fn fault(error: &keyring::v1::Error) -> KeyringFault {
    match error {
        keyring::v1::Error::NoEntry => KeyringFault::NoEntry,
        // These two carry what was stored: it must not be printed.
        keyring::v1::Error::BadEncoding(_) | keyring::v1::Error::BadDataFormat(..) => KeyringFault::Mangled,
        keyring::v1::Error::NoStorageAccess(reason) => KeyringFault::Locked(reason.to_string()),
        other => KeyringFault::Unavailable(other.to_string()),
    }
}

impl Keyring for SystemKeyring {
    fn load(&self, account: &str) -> Result<Zeroizing<String>, KeyringFault> {
        let secret = Self::entry(account)?.get_secret();
        let secret = Zeroizing::new(secret.map_err(|error| fault(&error))?);
        let line = std::str::from_utf8(&secret).map_err(|_| KeyringFault::Mangled)?;
        Ok(Zeroizing::new(line.to_owned()))
    }

    fn store(&self, account: &str, line: &str) -> Result<(), KeyringFault> {
        let entry = Self::entry(account)?;
        entry.set_secret(line.as_bytes()).map_err(|error| fault(&error))
    }
}

/// No keyring: for machines and tests without one.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoKeyring;

impl Keyring for NoKeyring {
    fn load(&self, _account: &str) -> Result<Zeroizing<String>, KeyringFault> {
        Err(KeyringFault::Unavailable("there is none".to_owned()))
    }

    fn store(&self, _account: &str, _line: &str) -> Result<(), KeyringFault> {
        Err(KeyringFault::Unavailable("there is none".to_owned()))
    }
}

pub(super) fn load(keyring: &Arc<dyn Keyring>, profile: &str, timeout: Duration) -> Result<Kek, SlotError> {
    let account = account(profile);
    let keyring = Arc::clone(keyring);
    let line = within(timeout, move || keyring.load(&account))?;
    Ok(Kek::parse(&line).ok_or(KeyringFault::Mangled)?)
}

/// Stores a key and reads it back: some keyrings accept what they do not keep.
pub(super) fn store(
    keyring: &Arc<dyn Keyring>,
    profile: &str,
    kek: &Kek,
    timeout: Duration,
) -> Result<(), SlotError> {
    // One line of hex: a line break in any secret destroys the whole keyring on some systems.
    let (account, line) = (account(profile), kek.to_line());
    let keyring = Arc::clone(keyring);
    let is_same = within(timeout, move || {
        keyring.store(&account, &line)?;
        Ok(*keyring.load(&account)? == *line)
    })?;
    if is_same { Ok(()) } else { Err(KeyringFault::Mangled.into()) }
}

fn account(profile: &str) -> String {
    format!("weft/{profile}")
}

/// Runs a call on a thread of its own: a keyring may wait for a window that nobody sees.
fn within<T: Send + 'static>(
    timeout: Duration,
    call: impl FnOnce() -> Result<T, KeyringFault> + Send + 'static,
) -> Result<T, KeyringFault> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("weft-keyring".into());
    let spawned = thread.spawn(move || {
        // Nobody listens any more when the time is over.
        let _ = sender.send(call());
    });
    if let Err(error) = spawned {
        return Err(KeyringFault::Unavailable(error.to_string()));
    }
    match receiver.recv_timeout(timeout) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(KeyringFault::TimedOut(timeout)),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(KeyringFault::Unavailable("the call failed".to_owned()))
        }
    }
}
