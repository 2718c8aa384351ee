//! Looking into a backup, and bringing a device back from one.

use std::fs::{self, File};
use std::io::{self, BufRead, Read};
use std::path::{Component, Path, PathBuf};

use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::{
    BackupError, BackupNote, BackupOpener, FILES_FOLDER, NOTE_NAME, README_NAME, STORE_FOLDER, VERSION,
};
use crate::files;
use crate::home::Home;
use crate::keys::{self, KeyContext, Unlocked};
use crate::limits::{BACKUP_NOTE_BYTES_MAX, KEY_FILE_BYTES_MAX, SETTINGS_BYTES_MAX};
use crate::packs;
use crate::sqlite::{CheckDepth, Store};
use crate::store_key::StoreKey;

/// The folder in the data folder that takes what is not complete yet.
const STAGING_NAME: &str = "restoring";

/// What is in a backup that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupContents {
    /// What it says about itself.
    pub note: BackupNote,
    /// Files of workspaces.
    pub files: u64,
    /// Bytes of these files.
    pub file_bytes: u64,
    /// Bytes of the data folder.
    pub store_bytes: u64,
}

/// A device that was brought back.
#[derive(Debug)]
#[non_exhaustive]
pub struct RestoredBackup {
    /// What the backup says about itself.
    pub note: BackupNote,
    /// The store's key, and where it lies now.
    pub unlocked: Unlocked,
}

/// Reads a backup from beginning to end.
///
/// # Errors
/// When it does not open, or was cut or altered anywhere.
pub fn check(input: impl BufRead, opener: &BackupOpener) -> Result<BackupContents, BackupError> {
    let mut archive = tar::Archive::new(open(input, opener)?);
    let (mut note, mut files, mut file_bytes, mut store_bytes) = (None, 0, 0, 0);
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        match place(&entry)? {
            Place::Note => note = Some(read_note(&mut entry)?),
            Place::Store(_) => store_bytes += drain(&mut entry)?,
            Place::File => {
                files += 1;
                file_bytes += drain(&mut entry)?;
            }
            Place::Other => {
                drain(&mut entry)?;
            }
        }
    }
    to_the_end(archive.into_inner())?;
    let note = note.ok_or(BackupError::Foreign)?;
    Ok(BackupContents { note, files, file_bytes, store_bytes })
}

/// Makes a data folder of a backup. The lock of the folder must be held.
///
/// Nothing in the folder counts before everything is there and opens: an attempt that was interrupted is begun again by
/// the next one. `prepare` sees the store before that, for what has to be different on this device. `moved` is called with
/// the bytes that were written since the last time.
///
/// # Errors
/// When there is data of a device already, or the backup does not open or is damaged.
pub fn restore(
    input: impl BufRead,
    opener: &BackupOpener,
    home: &Home,
    context: &mut KeyContext<'_>,
    prepare: &mut dyn FnMut(&Store, &BackupNote) -> Result<(), BackupError>,
    moved: &mut dyn FnMut(u64),
) -> Result<RestoredBackup, BackupError> {
    let staging = begin(home)?;
    let unpacked = unpack(input, opener, &staging, moved).and_then(|unpacked| {
        let store = Store::open(&staging, &unpacked.key)?;
        if let Some(problem) = store.check(CheckDepth::Quick)?.problems.into_iter().next() {
            return Err(damaged(io::Error::other(problem)));
        }
        prepare(&store, &unpacked.note)?;
        Ok(unpacked)
    });
    let unpacked = unpacked.inspect_err(|_| {
        let _ = fs::remove_dir_all(&staging);
    })?;
    // While the folder for what is not complete stands there, a data folder without a key is the rest of an attempt.
    settle(home, &staging)?;
    // From here on there is a device.
    let unlocked = keys::install(home, unpacked.key, context)?;
    // A rest of it would only take space.
    let _ = fs::remove_dir_all(&staging);
    Ok(RestoredBackup { note: unpacked.note, unlocked })
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError + '_ {
    move |source| BackupError::Home { source, path: path.to_path_buf() }
}

/// The seal of age notices every change, so whatever is wrong behind it is damage; but not a disk that fails.
fn damaged(source: io::Error) -> BackupError {
    match source.raw_os_error() {
        Some(_) => BackupError::Io { source },
        None => BackupError::Damaged { source },
    }
}

fn open<R: BufRead>(input: R, opener: &BackupOpener) -> Result<age::stream::StreamReader<R>, BackupError> {
    let decryptor = age::Decryptor::new_buffered(input).map_err(|error| match error {
        age::DecryptError::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
            BackupError::Io { source }
        }
        _ => BackupError::Foreign,
    })?;
    let opened = match opener {
        BackupOpener::Passphrase(_) if !decryptor.is_scrypt() => return Err(BackupError::WantsIdentity),
        BackupOpener::Identities(_) if decryptor.is_scrypt() => return Err(BackupError::WantsPassphrase),
        BackupOpener::Passphrase(passphrase) => {
            let identity = age::scrypt::Identity::new(passphrase.clone());
            decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))
        }
        BackupOpener::Identities(text) => {
            let file = age::IdentityFile::from_buffer(text.expose_secret().as_bytes());
            let identities = file.map_err(|_| BackupError::NoIdentity)?.into_identities();
            let identities = identities.map_err(|_| BackupError::NoIdentity)?;
            if identities.is_empty() {
                return Err(BackupError::NoIdentity);
            }
            decryptor.decrypt(identities.iter().map(|identity| &**identity as &dyn age::Identity))
        }
    };
    opened.map_err(|error| match error {
        age::DecryptError::Io(source) => damaged(source),
        age::DecryptError::InvalidMac | age::DecryptError::InvalidHeader => {
            BackupError::Damaged { source: io::Error::other(error.to_string()) }
        }
        _ => BackupError::WrongSecret,
    })
}

/// Where an entry of the archive belongs.
enum Place {
    Note,
    /// In the data folder, under this name, with slashes.
    Store(String),
    /// Among the files of a workspace.
    File,
    Other,
}

fn place<R: Read>(entry: &tar::Entry<'_, R>) -> Result<Place, BackupError> {
    let path = entry.path().map_err(damaged)?;
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_str()),
            _ => return Ok(Place::Other),
        }
    }
    if !entry.header().entry_type().is_file() {
        return Ok(Place::Other);
    }
    Ok(match parts.as_slice() {
        [Some(NOTE_NAME)] => Place::Note,
        [Some(README_NAME)] => Place::Other,
        [Some(STORE_FOLDER), Some(name)] if is_of_home(name) => Place::Store((*name).to_owned()),
        [Some(STORE_FOLDER), Some("packs"), Some(name)] if packs::is_pack_name(name) => {
            Place::Store(format!("packs/{name}"))
        }
        [Some(FILES_FOLDER), ..] => Place::File,
        _ => Place::Other,
    })
}

/// Whether a data folder has a file of this name that a backup brings.
fn is_of_home(name: &str) -> bool {
    let is_settings = name.strip_suffix(".toml").is_some_and(|stem| {
        !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    is_settings || ["store.db", "keys.json", "store.key", "identity.json"].contains(&name)
}

fn read_note(entry: &mut impl Read) -> Result<BackupNote, BackupError> {
    let bytes = read_small(entry, BACKUP_NOTE_BYTES_MAX)?;
    let version = |bytes: &[u8]| -> Option<u64> {
        let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
        value.get("version")?.as_u64()
    };
    match version(&bytes) {
        Some(version) if version == u64::from(VERSION) => {
            serde_json::from_slice(&bytes).map_err(|_| BackupError::Foreign)
        }
        Some(version) if version > u64::from(VERSION) => Err(BackupError::TooNew),
        _ => Err(BackupError::Foreign),
    }
}

fn read_small(entry: &mut impl Read, bytes_max: u64) -> Result<Zeroizing<Vec<u8>>, BackupError> {
    let mut bytes = Zeroizing::new(Vec::new());
    entry.take(bytes_max + 1).read_to_end(&mut bytes).map_err(damaged)?;
    if bytes.len() as u64 > bytes_max {
        return Err(damaged(io::Error::other(format!("a small file has more than {bytes_max} bytes"))));
    }
    Ok(bytes)
}

fn drain(entry: &mut impl Read) -> Result<u64, BackupError> {
    io::copy(entry, &mut io::sink()).map_err(damaged)
}

/// Tar ends before the file does; the seal covers the rest too.
fn to_the_end(mut rest: impl Read) -> Result<(), BackupError> {
    drain(&mut rest).map(drop)
}

/// Makes room for what comes. Without a key nothing in the data folder can be read, so what an interrupted attempt left
/// is worth nothing.
fn begin(home: &Home) -> Result<PathBuf, BackupError> {
    let staging = home.path().join(STAGING_NAME);
    let is_interrupted = staging.exists();
    let has_keys = home.keys_json().exists() || home.keys_json_backup().exists();
    let has_data = home.store_db().exists() || home.identity_json().exists();
    if has_keys || (has_data && !is_interrupted) {
        return Err(BackupError::Occupied { path: home.path().to_path_buf() });
    }
    if is_interrupted {
        for path in [home.store_db(), home.identity_json()] {
            if path.exists() {
                fs::remove_file(&path).map_err(at(&path))?;
            }
        }
        fs::remove_dir_all(&staging).map_err(at(&staging))?;
    }
    for (_, path) in packs::pack_files(&home.packs()).map_err(at(&home.packs()))? {
        fs::remove_file(&path).map_err(at(&path))?;
    }
    files::create_private_folder(&staging.join("packs")).map_err(at(&staging))?;
    Ok(staging)
}

struct Unpacked {
    note: BackupNote,
    key: StoreKey,
}

fn unpack(
    input: impl BufRead,
    opener: &BackupOpener,
    staging: &Path,
    moved: &mut dyn FnMut(u64),
) -> Result<Unpacked, BackupError> {
    let mut archive = tar::Archive::new(open(input, opener)?);
    let (mut note, mut slots, mut key_file) = (None, None, None);
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        match place(&entry)? {
            Place::Note => note = Some(read_note(&mut entry)?),
            // The key never lies unsealed beside what it opens, not even for a moment.
            Place::Store(name) if name == "keys.json" => {
                slots = Some(read_small(&mut entry, KEY_FILE_BYTES_MAX)?);
            }
            Place::Store(name) if name == "store.key" => {
                key_file = Some(read_small(&mut entry, KEY_FILE_BYTES_MAX)?);
            }
            Place::Store(name) if name.ends_with(".toml") || name == "identity.json" => {
                let bytes = read_small(&mut entry, SETTINGS_BYTES_MAX)?;
                let path = staging.join(name);
                files::replace(&path, None, &bytes).map_err(at(&path))?;
            }
            Place::Store(name) => write_out(&mut entry, &staging.join(name), moved)?,
            Place::File | Place::Other => {
                drain(&mut entry)?;
            }
        }
        if note.is_none() && slots.is_some() {
            return Err(BackupError::Foreign);
        }
    }
    to_the_end(archive.into_inner())?;
    let (Some(note), Some(slots), Some(key_file)) = (note, slots, key_file) else {
        return Err(BackupError::Foreign);
    };
    let key = keys::open_portable(&slots, &key_file).ok_or(BackupError::Foreign)?;
    Ok(Unpacked { note, key })
}

fn write_out(entry: &mut impl Read, path: &Path, moved: &mut dyn FnMut(u64)) -> Result<(), BackupError> {
    let options = &mut files::private_options();
    let mut file: File = options.write(true).create_new(true).open(path).map_err(at(path))?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let length = entry.read(&mut buffer).map_err(damaged)?;
        if length == 0 {
            break;
        }
        io::Write::write_all(&mut file, &buffer[..length]).map_err(at(path))?;
        moved(length as u64);
    }
    file.sync_all().map_err(at(path))
}

/// Brings everything to its place; the key comes after this.
fn settle(home: &Home, staging: &Path) -> Result<(), BackupError> {
    let packs_here = staging.join("packs");
    for (name, path) in packs::pack_files(&packs_here).map_err(at(&packs_here))? {
        let to = home.packs().join(name);
        fs::rename(&path, &to).map_err(at(&to))?;
    }
    files::sync_folder(&home.packs()).map_err(at(&home.packs()))?;
    for entry in fs::read_dir(staging).map_err(at(staging))? {
        let name = entry.map_err(at(staging))?.file_name();
        if name.to_str().is_some_and(is_of_home) {
            let to = home.path().join(&name);
            fs::rename(staging.join(&name), &to).map_err(at(&to))?;
        }
    }
    files::sync_folder(home.path()).map_err(at(home.path()))
}
