//! `identity.json`: who this device is, readable without any key.
//!
//! It is written when the identity is made and says ever after that there is one: when the key
//! to its secrets is missing, that is an error and never a reason to make another.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use weft_sync::{DeviceId, EndpointId, UserId};

use super::Home;
use crate::files;
use crate::limits::KEY_FILE_BYTES_MAX;

const VERSION: u32 = 1;

/// The public half of a device's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicIdentity {
    /// The person.
    pub user: UserId,
    /// This device.
    pub device: DeviceId,
    /// Its transport key.
    pub endpoint: EndpointId,
    /// What the person calls this device.
    pub device_name: String,
}

/// Why `identity.json` could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityFileError {
    /// The file could not be read or written.
    #[error("cannot use identity.json: {path}")]
    Io {
        /// What failed.
        #[source]
        source: io::Error,
        /// Where.
        path: PathBuf,
    },
    /// The file does not hold an identity.
    #[error("identity.json is damaged: {path}")]
    Damaged {
        /// Where.
        path: PathBuf,
    },
    /// A later Weft wrote the file.
    #[error("identity.json was written by a newer Weft: {path}")]
    TooNew {
        /// Where.
        path: PathBuf,
    },
}

impl IdentityFileError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => "check the permissions of the data folder",
            Self::Damaged { .. } => {
                "remove identity.json: it is written again from the store when that opens"
            }
            Self::TooNew { .. } => "update Weft on this device",
        }
    }
}

/// The file. Ids are written as hex.
#[derive(Serialize, Deserialize)]
struct IdentityFile {
    version: u32,
    user: String,
    device: String,
    endpoint: String,
    device_name: String,
}

#[derive(Deserialize)]
struct AnyVersion {
    version: u32,
}

impl Home {
    /// Reads who this device is; none when no identity was made yet.
    pub fn read_identity(&self) -> Result<Option<PublicIdentity>, IdentityFileError> {
        let path = self.identity_json();
        let contents = files::read_small(&path, KEY_FILE_BYTES_MAX)
            .map_err(|source| IdentityFileError::Io { source, path: path.clone() })?;
        let Some(contents) = contents else {
            return Ok(None);
        };
        read(&contents, path).map(Some)
    }

    /// Writes who this device is, so that a crash leaves the old file or the new one.
    pub fn write_identity(&self, identity: &PublicIdentity) -> Result<(), IdentityFileError> {
        let path = self.identity_json();
        let file = IdentityFile {
            version: VERSION,
            user: identity.user.to_string(),
            device: identity.device.to_string(),
            endpoint: identity.endpoint.to_string(),
            device_name: identity.device_name.clone(),
        };
        let mut json = serde_json::to_vec_pretty(&file).expect("strings and a number as JSON");
        json.push(b'\n');
        files::replace(&path, None, &json).map_err(|source| IdentityFileError::Io { source, path })
    }
}

/// Reads the bytes of the file at `path`.
pub(crate) fn read(contents: &[u8], path: PathBuf) -> Result<PublicIdentity, IdentityFileError> {
    let version = serde_json::from_slice(contents).map(|any: AnyVersion| any.version);
    if version.is_ok_and(|version| version > VERSION) {
        return Err(IdentityFileError::TooNew { path });
    }
    let parsed = serde_json::from_slice(contents).ok();
    let identity = parsed.and_then(|file: IdentityFile| parse(&file));
    identity.ok_or(IdentityFileError::Damaged { path })
}

fn parse(file: &IdentityFile) -> Option<PublicIdentity> {
    Some(PublicIdentity {
        user: UserId::from_slice(&hex(&file.user)?)?,
        device: DeviceId::from_slice(&hex(&file.device)?)?,
        endpoint: EndpointId::from_slice(&hex(&file.endpoint)?)?,
        device_name: file.device_name.clone(),
    })
}

fn hex(text: &str) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()
}
