//! `keys.json`.

use std::path::PathBuf;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::slot::Slot;
use super::{SlotKind, UnlockError};
use crate::files;
use crate::home::Home;
use crate::limits::KEY_FILE_BYTES_MAX;

const VERSION: u32 = 1;

/// The file as it was read: slots that this program does not know are kept.
pub(crate) struct KeysFile {
    /// The random name of this data folder in the keyring.
    pub(crate) profile: String,
    slots: Vec<Slot>,
    unknown: Vec<Value>,
}

#[derive(Serialize, Deserialize)]
struct Json {
    version: u32,
    profile: String,
    slots: Vec<Value>,
}

#[derive(Deserialize)]
struct AnyVersion {
    version: u32,
}

impl KeysFile {
    /// A file without slots; none when the system gives no random numbers.
    pub(super) fn new() -> Option<Self> {
        let mut profile = [0; 8];
        getrandom::fill(&mut profile).ok()?;
        Some(Self { profile: HEXLOWER.encode(&profile), slots: Vec::new(), unknown: Vec::new() })
    }

    /// Reads the file, or its backup when it is missing or damaged; none when neither is there.
    pub(super) fn read(home: &Home) -> Result<Option<Self>, UnlockError> {
        let first = read_one(home.keys_json());
        if matches!(first, Ok(Some(_)) | Err(UnlockError::TooNew { .. } | UnlockError::Io { .. })) {
            return first;
        }
        match read_one(home.keys_json_backup()) {
            Ok(Some(backup)) => {
                tracing::warn!("keys.json is missing or damaged; using keys.json.bak");
                Ok(Some(backup))
            }
            _ => first,
        }
    }

    /// The bytes of the file.
    pub(super) fn encode(&self) -> Vec<u8> {
        let known = self.slots.iter().map(serde_json::to_value);
        let known: Result<Vec<Value>, _> = known.collect();
        let mut slots = known.expect("strings as JSON");
        slots.extend(self.unknown.iter().cloned());
        let json = Json { version: VERSION, profile: self.profile.clone(), slots };
        let mut bytes = serde_json::to_vec_pretty(&json).expect("strings and a number as JSON");
        bytes.push(b'\n');
        bytes
    }

    /// Writes the file, so that a crash leaves the old one or the new one, and keeps the old one.
    pub(super) fn write(&self, home: &Home) -> Result<(), UnlockError> {
        let bytes = self.encode();
        let path = home.keys_json();
        // A damaged file must not push a good backup out.
        let is_good = matches!(read_one(path.clone()), Ok(Some(_)));
        let backup = home.keys_json_backup();
        files::replace(&path, is_good.then_some(backup.as_path()), &bytes)
            .map_err(|source| UnlockError::Io { source, path })
    }

    /// Writes the file again that is missing or damaged, where its backup was read in its place and proved to be good.
    pub(super) fn mend(&self, home: &Home) -> Result<(), UnlockError> {
        match read_one(home.keys_json()) {
            Ok(Some(_)) => Ok(()),
            _ => self.write(home),
        }
    }

    /// Writes the file and the one that is kept behind it: neither opens with what was in the place of a slot before, and
    /// both open with what is there now.
    pub(super) fn write_both(&self, home: &Home) -> Result<(), UnlockError> {
        self.write(home)?;
        self.write(home)
    }

    pub(crate) fn slot(&self, kind: SlotKind) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.kind() == kind)
    }

    pub(crate) fn kinds(&self) -> Vec<SlotKind> {
        self.slots.iter().map(Slot::kind).collect()
    }

    /// Adds a slot, in place of one of the same kind.
    pub(super) fn put(&mut self, slot: Slot) {
        self.slots.retain(|other| other.kind() != slot.kind());
        self.slots.push(slot);
    }
}

fn read_one(path: PathBuf) -> Result<Option<KeysFile>, UnlockError> {
    let contents = match files::read_small(&path, KEY_FILE_BYTES_MAX) {
        Ok(Some(contents)) => contents,
        Ok(None) => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            return Err(UnlockError::Damaged { path });
        }
        Err(source) => return Err(UnlockError::Io { source, path }),
    };
    parse(&contents, path).map(Some)
}

/// Reads the bytes of the file at `path`.
pub(crate) fn parse(contents: &[u8], path: PathBuf) -> Result<KeysFile, UnlockError> {
    let version = serde_json::from_slice(contents).map(|any: AnyVersion| any.version);
    if version.is_ok_and(|version| version > VERSION) {
        return Err(UnlockError::TooNew { path });
    }
    let Ok(json) = serde_json::from_slice::<Json>(contents) else {
        return Err(UnlockError::Damaged { path });
    };
    let mut slots = Vec::new();
    let mut unknown = Vec::new();
    for value in json.slots {
        match serde_json::from_value(value.clone()) {
            Ok(slot) => slots.push(slot),
            Err(_) => unknown.push(value),
        }
    }
    Ok(KeysFile { profile: json.profile, slots, unknown })
}
