//! Reading the texts of a folder, for whoever looks through them.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::os::{EntryKind, Folder, Root, entry_of_file};

/// The files of a workspace folder, to be read as they are now. Nothing outside of the folder is read, whatever a path
/// says and whatever links lie there.
#[derive(Debug)]
pub(crate) struct TextReader(Root);

impl TextReader {
    /// Opens the folder.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        Root::open(root).map(Self)
    }

    /// Appends the bytes of a file, at most so many; `false` when there is no such file or it is longer.
    pub(crate) fn read(&self, path: &str, bytes_max: u64, into: &mut Vec<u8>) -> bool {
        let (folder, name) = parts(path);
        let folder = self.0.open_folder(folder);
        folder.and_then(|folder| append(&folder, name, bytes_max, into)).is_ok()
    }
}

/// Files that are read one after the other, with the folders that they lie in kept open: for one search, as a folder may
/// be another one soon.
pub(crate) struct ManyTexts {
    reader: Arc<TextReader>,
    folders: Mutex<BTreeMap<String, Folder>>,
}

/// Folders that one search keeps open.
const FOLDERS_MAX: usize = 64;

impl ManyTexts {
    pub(crate) fn new(reader: Arc<TextReader>) -> Self {
        Self { reader, folders: Mutex::default() }
    }

    /// As [`TextReader::read`].
    pub(crate) fn read(&self, path: &str, bytes_max: u64, into: &mut Vec<u8>) -> bool {
        let (folder, name) = parts(path);
        self.folder(folder).and_then(|folder| append(&folder, name, bytes_max, into)).is_ok()
    }

    fn folder(&self, path: &str) -> io::Result<Folder> {
        let open = || self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = open().get(path) {
            return Ok(folder.clone());
        }
        let folder = self.reader.0.open_folder(path)?;
        let mut folders = open();
        if folders.len() >= FOLDERS_MAX {
            // Files come in the order of their paths: none of these comes again.
            folders.clear();
        }
        folders.insert(path.to_owned(), folder.clone());
        Ok(folder)
    }
}

fn parts(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn append(folder: &Folder, name: &str, bytes_max: u64, into: &mut Vec<u8>) -> io::Result<()> {
    let mut file = folder.open_read(name)?;
    let entry = entry_of_file(&file)?;
    let size = entry.stamp.size;
    if entry.kind != EntryKind::File || size > bytes_max {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // As a rule one call: less than there is room for is the end. A file may grow while it is read.
    let (begin, room) = (into.len(), usize::try_from(size).unwrap_or(usize::MAX).saturating_add(1));
    into.resize(begin.saturating_add(room), 0);
    let mut end = begin;
    while end < into.len() {
        match file.read(&mut into[end..]) {
            Ok(0) => break,
            Ok(read) => {
                end += read;
                if end < into.len() && end - begin == room - 1 {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                into.truncate(begin);
                return Err(error);
            }
        }
    }
    into.truncate(end);
    if end - begin == room {
        file.take(bytes_max.saturating_sub(size + 1)).read_to_end(into)?;
    }
    Ok(())
}
