//! Making a backup.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use age::stream::StreamWriter;

use super::{
    BackupError, BackupNote, BackupSeal, FILES_FOLDER, NOTE_NAME, README, README_NAME, STORE_FOLDER,
};
use crate::files;
use crate::home::Home;
use crate::keys::portable;
use crate::limits::{KEY_FILE_BYTES_MAX, PASSPHRASE_BYTES_MAX, SETTINGS_BYTES_MAX};
use crate::packs;
use crate::sqlite::Store;

/// The copy of the database while it is made; what an interrupted backup left is written over.
const COPY_NAME: &str = "backup.db";

/// Called with the bytes that were written since the last time.
pub(crate) type Moved<'a> = dyn FnMut(u64) + 'a;

/// Writes a backup: the store first, then files, then [`BackupWriter::finish`].
pub struct BackupWriter<W: Write> {
    pub(super) archive: tar::Builder<StreamWriter<W>>,
    made_seconds: u64,
}

impl<W: Write> std::fmt::Debug for BackupWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BackupWriter")
    }
}

fn io_error(source: io::Error) -> BackupError {
    BackupError::Io { source }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError + '_ {
    move |source| BackupError::Home { source, path: path.to_path_buf() }
}

impl<W: Write> BackupWriter<W> {
    /// Begins a backup, which is written to `output` as it is made.
    ///
    /// # Errors
    /// When nobody could open it, or `output` fails.
    pub fn begin(output: W, seal: &BackupSeal, note: &BackupNote) -> Result<Self, BackupError> {
        let encryptor = match seal {
            BackupSeal::Passphrase(passphrase) => {
                let length = secrecy::ExposeSecret::expose_secret(passphrase).len();
                if length == 0 || length > PASSPHRASE_BYTES_MAX {
                    return Err(BackupError::PassphraseLength);
                }
                age::Encryptor::with_user_passphrase(passphrase.clone())
            }
            BackupSeal::Recipients(recipients) => {
                let recipients = recipients.iter().map(|recipient| &recipient.0 as &dyn age::Recipient);
                age::Encryptor::with_recipients(recipients).map_err(|_| BackupError::NoSeal)?
            }
        };
        let archive = tar::Builder::new(encryptor.wrap_output(output).map_err(io_error)?);
        let mut writer = Self { archive, made_seconds: note.made_ms / 1_000 };
        writer.add_bytes(README_NAME, README.as_bytes(), 0o644)?;
        let note = serde_json::to_vec_pretty(note).expect("strings and numbers as JSON");
        writer.add_bytes(NOTE_NAME, &note, 0o644)?;
        Ok(writer)
    }

    /// Adds the data folder. Others may go on writing to the store; what is committed before this call is in the backup.
    ///
    /// `moved` is called with the bytes that were written since the last time.
    ///
    /// # Errors
    /// When something cannot be read, or the disk has no space for a second copy of the database.
    pub fn add_store(
        &mut self,
        home: &Home,
        store: &Store,
        moved: &mut Moved<'_>,
    ) -> Result<(), BackupError> {
        let copy = Copy::make(home, store)?;
        self.add_file_of_home(&copy.path, "store.db", moved)?;
        drop(copy);
        // After the database: what it names lies in the packs, which only ever grow.
        for (name, path) in packs::pack_files(&home.packs()).map_err(at(&home.packs()))? {
            self.add_file_of_home(&path, &format!("packs/{name}"), moved)?;
        }
        let (keys, key_file) = portable(store.key())?;
        self.add_bytes(&format!("{STORE_FOLDER}/keys.json"), &keys, 0o600)?;
        self.add_bytes(&format!("{STORE_FOLDER}/store.key"), key_file.as_bytes(), 0o600)?;
        let identity = home.identity_json();
        if let Some(bytes) = files::read_small(&identity, KEY_FILE_BYTES_MAX).map_err(at(&identity))? {
            self.add_bytes(&format!("{STORE_FOLDER}/identity.json"), &bytes, 0o600)?;
        }
        self.add_settings(home)
    }

    fn add_settings(&mut self, home: &Home) -> Result<(), BackupError> {
        for entry in fs::read_dir(home.path()).map_err(at(home.path()))? {
            let entry = entry.map_err(at(home.path()))?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| name.ends_with(".toml")) else { continue };
            // A settings file that is no file, or far too long, is none that anything reads.
            if let Ok(Some(bytes)) = files::read_small(&entry.path(), SETTINGS_BYTES_MAX) {
                self.add_bytes(&format!("{STORE_FOLDER}/{name}"), &bytes, 0o600)?;
            }
        }
        Ok(())
    }

    /// Adds a file of a workspace. `folder` is its [`files`](super::BackupWorkspace::files), `path` has slashes.
    ///
    /// # Errors
    /// When `contents` fails or does not have `size` bytes.
    pub fn add_file(
        &mut self,
        folder: &str,
        path: &str,
        is_executable: bool,
        size: u64,
        contents: impl Read,
    ) -> Result<(), BackupError> {
        let mode = if is_executable { 0o755 } else { 0o644 };
        self.add_reader(&format!("{FILES_FOLDER}/{folder}/{path}"), mode, size, contents).map_err(io_error)
    }

    /// Adds a folder of a workspace.
    ///
    /// # Errors
    /// When the output fails.
    pub fn add_folder(&mut self, folder: &str, path: &str) -> Result<(), BackupError> {
        let mut header = self.header(0, 0o755);
        header.set_entry_type(tar::EntryType::Directory);
        let name = format!("{FILES_FOLDER}/{folder}/{path}/");
        self.archive.append_data(&mut header, name, io::empty()).map_err(io_error)
    }

    /// Ends the backup. Without this it cannot be opened.
    ///
    /// # Errors
    /// When the output fails.
    pub fn finish(self) -> Result<W, BackupError> {
        self.archive.into_inner().and_then(StreamWriter::finish).map_err(io_error)
    }

    pub(super) fn header(&self, size: u64, mode: u32) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(mode);
        header.set_mtime(self.made_seconds);
        header.set_entry_type(tar::EntryType::Regular);
        header
    }

    fn add_bytes(&mut self, name: &str, bytes: &[u8], mode: u32) -> Result<(), BackupError> {
        self.add_reader(name, mode, bytes.len() as u64, bytes).map_err(io_error)
    }

    fn add_file_of_home(
        &mut self,
        path: &Path,
        name: &str,
        moved: &mut Moved<'_>,
    ) -> Result<(), BackupError> {
        let file = File::open(path).map_err(at(path))?;
        let size = file.metadata().map_err(at(path))?.len();
        let counted = Counted { inner: file, moved };
        self.add_reader(&format!("{STORE_FOLDER}/{name}"), 0o600, size, counted).map_err(at(path))
    }

    /// A file that grows meanwhile is taken as long as it was; one that shrinks is an error.
    fn add_reader(&mut self, name: &str, mode: u32, size: u64, contents: impl Read) -> io::Result<()> {
        let mut exact = Exact { inner: contents.take(size), left: size };
        let mut header = self.header(size, mode);
        self.archive.append_data(&mut header, name, &mut exact)?;
        if exact.left == 0 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// Tells whether all that was promised has come.
struct Exact<R> {
    inner: io::Take<R>,
    left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.left -= length as u64;
        if length == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(length)
    }
}

struct Counted<'a, 'b> {
    inner: File,
    moved: &'a mut Moved<'b>,
}

impl Read for Counted<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        (self.moved)(length as u64);
        Ok(length)
    }
}

/// The copy of the database, which is removed when it is not needed any more.
struct Copy {
    path: PathBuf,
}

impl Copy {
    fn make(home: &Home, store: &Store) -> Result<Self, BackupError> {
        let copy = Self { path: home.path().join(COPY_NAME) };
        copy.remove();
        store.copy_to(&copy.path)?;
        Ok(copy)
    }

    fn remove(&self) {
        for end in ["", "-journal", "-wal", "-shm"] {
            let mut path = self.path.clone().into_os_string();
            path.push(end);
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.remove();
    }
}
