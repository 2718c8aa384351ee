//! Folder handles by path, for systems without `…at` calls.
//!
//! Every step down is looked at first and refused if it is a link; two names are
//! never swapped in one step, so the mirror takes its other ways.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Abilities, Entry, EntryKind};
use crate::mirror::row::Stamp;

/// The workspace folder.
#[derive(Debug)]
pub(crate) struct Root {
    folder: Folder,
    pub(crate) abilities: Abilities,
}

/// One folder inside the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Root {
    /// Opens the workspace folder.
    pub(crate) fn open(path: &Path) -> io::Result<Root> {
        let path = path.canonicalize()?;
        if !fs::metadata(&path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Root { folder: Folder { path }, abilities: Abilities::default() })
    }

    /// The workspace folder itself.
    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// What lies at the workspace's path at this moment.
    pub(crate) fn look(path: &Path) -> io::Result<Stamp> {
        Ok(entry_of(&fs::metadata(path)?).stamp)
    }

    /// Opens a folder inside by its path; the empty text is the workspace folder.
    pub(crate) fn open_folder(&self, path: &str) -> io::Result<Folder> {
        let mut folder = self.folder.clone();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            folder = folder.open_child(name)?;
        }
        Ok(folder)
    }

    /// There is no flush of a whole file system here.
    pub(crate) fn sync_handle(&self) -> io::Result<()> {
        Ok(())
    }

    /// No two names can be swapped in one step.
    pub(crate) fn exchange(&self, _folder: &Folder, _a: &str, _b: &str) -> io::Result<Option<()>> {
        Ok(None)
    }

    /// Renames onto a name that must be free.
    pub(crate) fn rename_to_free_name(&self, from: (&Folder, &str), to: (&Folder, &str)) -> io::Result<()> {
        let is_file = from.0.look(from.1)?.is_some_and(|entry| entry.kind == EntryKind::File);
        // A link is refused when the name is taken: the same promise in two steps.
        if is_file && self.link(from, to)?.is_some() {
            return from.0.unlink(from.1);
        }
        if to.0.look(to.1)?.is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        from.0.rename_over(from.1, to.0, to.1)
    }

    /// Gives a file a second name; `None` where the file system has no hard links.
    pub(crate) fn link(&self, from: (&Folder, &str), to: (&Folder, &str)) -> io::Result<Option<()>> {
        if !Abilities::has(&self.abilities.links) {
            return Ok(None);
        }
        match fs::hard_link(from.0.path.join(from.1), to.0.path.join(to.1)) {
            Ok(()) => Ok(Some(())),
            Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
                Err(error)
            }
            Err(_) => Ok(None),
        }
    }
}

impl Folder {
    /// Opens a folder in this one; a link in its place is an error.
    pub(crate) fn open_child(&self, name: &str) -> io::Result<Folder> {
        let path = self.path.join(name);
        if !fs::symlink_metadata(&path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Folder { path })
    }

    /// The names in this folder; those that are not Unicode are only counted.
    pub(crate) fn names(&self) -> io::Result<(Vec<String>, Vec<String>)> {
        let mut names = Vec::new();
        let mut not_unicode = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            match entry?.file_name().into_string() {
                Ok(name) => names.push(name),
                Err(name) => not_unicode.push(name.to_string_lossy().into_owned()),
            }
        }
        Ok((names, not_unicode))
    }

    /// What lies under a name; `None` when nothing does.
    pub(crate) fn look(&self, name: &str) -> io::Result<Option<Entry>> {
        match fs::symlink_metadata(self.path.join(name)) {
            Ok(metadata) => Ok(Some(entry_of(&metadata))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// What this folder itself is.
    pub(crate) fn own_entry(&self) -> io::Result<Entry> {
        Ok(entry_of(&fs::metadata(&self.path)?))
    }

    /// Opens a regular file to read.
    pub(crate) fn open_read(&self, name: &str) -> io::Result<File> {
        let path = self.path.join(name);
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        File::open(path)
    }

    /// Makes a file that must not exist yet.
    pub(crate) fn create_new(&self, name: &str, _mode: u32) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(self.path.join(name))
    }

    /// Renames over whatever has the name.
    pub(crate) fn rename_over(&self, from: &str, folder: &Folder, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), folder.path.join(to))
    }

    pub(crate) fn unlink(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    pub(crate) fn make_folder(&self, name: &str) -> io::Result<()> {
        fs::create_dir(self.path.join(name))
    }

    pub(crate) fn remove_folder(&self, name: &str) -> io::Result<()> {
        fs::remove_dir(self.path.join(name))
    }
}

/// What an open file is at this moment.
pub(crate) fn entry_of_file(file: &File) -> io::Result<Entry> {
    Ok(entry_of(&file.metadata()?))
}

/// There are no permission bits to set here.
pub(crate) fn set_mode(_file: &File, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// New files inherit what they need from their folder.
pub(crate) fn copy_attributes(_old: &File, _entry: &Entry, _new: &File) -> io::Result<()> {
    Ok(())
}

fn entry_of(metadata: &fs::Metadata) -> Entry {
    let kind = if metadata.is_file() {
        EntryKind::File
    } else if metadata.is_dir() {
        EntryKind::Folder
    } else if metadata.is_symlink() {
        EntryKind::Symlink
    } else {
        EntryKind::Special
    };
    let nanos = |time: io::Result<SystemTime>| {
        let since = time.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0)
    };
    let stamp = Stamp {
        // The standard library gives no number of a file here: 0 means unknown.
        device: 0,
        inode: 0,
        size: if kind == EntryKind::File { metadata.len() } else { 0 },
        modified_nanos: nanos(metadata.modified()),
        changed_nanos: 0,
        born_nanos: nanos(metadata.created()),
    };
    Entry { kind, stamp, mode: 0o644, owner: 0, group: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn the_portable_handles_keep_the_same_promises() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        let top = root.open_folder("").unwrap();
        top.make_folder("d").unwrap();
        let inner = root.open_folder("d").unwrap();
        write!(inner.create_new("a", 0o666).unwrap(), "one").unwrap();
        assert!(inner.create_new("a", 0o666).is_err(), "a taken name");
        write!(top.create_new("b", 0o666).unwrap(), "two").unwrap();
        let taken = root.rename_to_free_name((&top, "b"), (&inner, "a")).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        root.rename_to_free_name((&top, "b"), (&inner, "b")).unwrap();
        assert!(top.look("b").unwrap().is_none());
        Abilities::lack(&root.abilities.links);
        assert!(root.rename_to_free_name((&inner, "b"), (&inner, "a")).is_err());
        let mut text = String::new();
        inner.open_read("a").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "one");
        let mut names = inner.names().unwrap().0;
        names.sort();
        assert_eq!(names, ["a", "b"]);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(folder.path().join("d"), folder.path().join("link")).unwrap();
            assert!(root.open_folder("link").is_err() && root.open_folder("link/x").is_err());
            assert_eq!(top.look("link").unwrap().unwrap().kind, EntryKind::Symlink);
            assert!(top.open_read("link").is_err());
        }
        assert!(top.remove_folder("d").is_err(), "not empty");
        assert_eq!(entry_of_file(&inner.open_read("a").unwrap()).unwrap().stamp.size, 3);
        let _ = (root.folder().own_entry().unwrap(), Root::look(folder.path()).unwrap());
        root.sync_handle().unwrap();
        assert!(root.exchange(&top, "a", "b").unwrap().is_none());
        inner.unlink("a").unwrap();
        inner.rename_over("b", &top, "c").unwrap();
        set_mode(&top.open_read("c").unwrap(), 0).unwrap();
        let entry = top.look("c").unwrap().unwrap();
        copy_attributes(&top.open_read("c").unwrap(), &entry, &top.open_read("c").unwrap()).unwrap();
    }
}
