//! Reading the texts of a folder, for whoever looks through them.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::os::{EntryKind, Root, entry_of_file};

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
        let Ok(file) = self.file(path) else { return false };
        if !entry_of_file(&file)
            .is_ok_and(|entry| entry.kind == EntryKind::File && entry.stamp.size <= bytes_max)
        {
            return false;
        }
        // A file may grow while it is read.
        file.take(bytes_max).read_to_end(into).is_ok()
    }

    fn file(&self, path: &str) -> io::Result<File> {
        match path.rsplit_once('/') {
            Some((folder, name)) => self.0.open_folder(folder)?.open_read(name),
            None => self.0.folder().open_read(path),
        }
    }
}
