//! Folders: writing, reading, comparing.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// What a folder holds: relative paths with contents. Folders count too, with a slash at the end and no content.
pub type Snapshot = BTreeMap<String, Vec<u8>>;

/// A folder of files.
#[derive(Debug, Clone)]
pub struct Files {
    /// Where it is.
    pub root: PathBuf,
}

impl Files {
    /// Makes the folder if need be.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        fs::create_dir_all(&root)?;
        Ok(Self { root })
    }

    /// The place of a file in it.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Writes a file, with the folders above it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> io::Result<()> {
        let path = self.path(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, content)
    }

    /// Reads a file as text; `None` when there is none, or it is no text.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    /// Renames a file or a folder.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    /// Reads everything but what never travels: git's own folders and what Weft is just writing (`.weft-tmp-…`).
    ///
    /// # Errors
    /// When something vanishes meanwhile or cannot be read.
    pub fn snapshot(&self) -> io::Result<Snapshot> {
        let mut snapshot = Snapshot::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(self.root.join(&folder))? {
                let entry = entry?;
                let path = folder.join(entry.file_name());
                let name = slashed(&path);
                let kind = entry.file_type()?;
                if entry.file_name() == ".git"
                    || entry.file_name().to_string_lossy().starts_with(".weft-tmp-")
                {
                    continue;
                }
                if kind.is_dir() {
                    snapshot.insert(format!("{name}/"), Vec::new());
                    folders.push(path);
                } else if kind.is_file() {
                    snapshot.insert(name, fs::read(self.root.join(&path))?);
                }
            }
        }
        Ok(snapshot)
    }
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}
