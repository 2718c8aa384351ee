//! How a node is opened.

use std::{fmt, io, net::SocketAddr, path::PathBuf, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// Where the key of the store lies (`WEFT_KEY`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyChoice {
    /// Not said: the keyring when it can store and read back, else a passphrase when somebody can be asked, else a file.
    #[default]
    Automatic,
    /// The keyring of the system.
    Keyring,
    /// A file that only this user can read.
    File,
    /// A passphrase, read from an open file descriptor.
    PassphraseDescriptor(i32),
}

impl FromStr for KeyChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Ok(Self::Automatic),
            "keyring" => Ok(Self::Keyring),
            "file" => Ok(Self::File),
            _ => text
                .strip_prefix("passphrase-fd:")
                .and_then(|number| number.parse().ok())
                // 1 and 2 are where the program writes to.
                .filter(|number| *number >= 0 && !matches!(number, 1 | 2))
                .map(Self::PassphraseDescriptor)
                // The value is not repeated: somebody may have put a passphrase there.
                .ok_or_else(|| "its value is not one of keyring, file, passphrase-fd:N".to_owned()),
        }
    }
}

type AskPassphrase = dyn Fn(&str) -> io::Result<String> + Send + Sync;

/// Asks the person for a passphrase; the argument says what for. It may block for as long as the person takes.
#[derive(Clone)]
pub struct PassphrasePrompt(pub Arc<AskPassphrase>);

impl fmt::Debug for PassphrasePrompt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PassphrasePrompt")
    }
}

/// An address to try, for one device or for whichever answers there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerAddress {
    /// The endpoint's id in hexadecimal, when it is known.
    pub endpoint: Option<String>,
    /// The address.
    pub address: SocketAddr,
}

/// How a node takes part in the network.
#[derive(Debug, Clone)]
pub struct NetworkOptions {
    /// Where to listen; empty: every interface, a port of the system's choice.
    pub listen: Vec<SocketAddr>,
    /// Addresses to try besides those that are known.
    pub peers: Vec<PeerAddress>,
    /// Look for others on the local network, and be found there.
    pub lan: bool,
    /// A relay to use; none unless asked for.
    pub relay: Option<String>,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self { listen: Vec::new(), peers: Vec::new(), lan: true, relay: None }
    }
}

/// How a node is opened.
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// The data folder.
    pub home: PathBuf,
    /// Where the key of the store lies.
    pub key: KeyChoice,
    /// How to ask for a passphrase; nobody can be asked without.
    pub passphrase: Option<PassphrasePrompt>,
    /// The network, or none for a command that only needs this device.
    pub network: Option<NetworkOptions>,
}
