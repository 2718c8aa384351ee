//! Saving files that the window writes itself: those that are not written together with others.

use std::{
    fs,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use weft_editor::{Buffer, window::LocalFile};

/// What the mirror of a workspace does not take for a file of the person's.
const TEMPORARY_PREFIX: &str = ".weft-tmp-";

/// A file to be saved.
#[derive(Debug)]
pub struct LocalSave {
    /// The folder that was shown when it was asked for.
    pub root: PathBuf,
    /// The path from there.
    pub path: String,
    /// The folder that it must not lie outside of.
    pub within: PathBuf,
    /// What is to be in it.
    pub text: Buffer,
    /// What lies there, as far as the window knows: anything else is not overwritten.
    pub over: LocalFile,
}

/// How saving went.
#[derive(Debug)]
pub struct SavedLocally {
    /// The folder.
    pub root: PathBuf,
    /// The path from there.
    pub path: String,
    /// What lies there now.
    pub result: Result<LocalFile, NotSaved>,
    /// How long it took.
    pub took: Duration,
}

/// Why a file was not saved. What was typed stays in the window.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotSaved {
    /// Another program has changed it; it has to be read first.
    #[error("another program has changed the file")]
    Changed,
    /// Links lead out of the folder.
    #[error("it lies outside of the folder that is open")]
    Elsewhere,
    /// It is a folder, a pipe or a device.
    #[error("it is no file with contents")]
    NoFile,
    /// Its permissions forbid it.
    #[error("it is write-protected")]
    Protected,
    /// The disk refuses.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Size and time of a file, by which a change is seen.
pub(super) fn stamp(data: &fs::Metadata) -> (u64, SystemTime) {
    (data.len(), data.modified().unwrap_or(SystemTime::UNIX_EPOCH))
}

/// Whether a file is still what was read or saved.
pub(super) fn is_as_it_was(path: &Path, local: &LocalFile) -> bool {
    fs::metadata(path).is_ok_and(|data| stamp(&data) == local.stamp)
}

/// Saves a file: after a crash it is the old one or the new one.
pub(super) fn save(wanted: LocalSave) -> SavedLocally {
    let begun = Instant::now();
    let result = replace(&wanted).map(|stamp| LocalFile { stamp, ..wanted.over });
    SavedLocally { root: wanted.root, path: wanted.path, result, took: begun.elapsed() }
}

fn replace(wanted: &LocalSave) -> Result<(u64, SystemTime), NotSaved> {
    let target = target(&wanted.within, &wanted.path)?;
    let permissions = match fs::metadata(&target) {
        Ok(data) if !data.is_file() => return Err(NotSaved::NoFile),
        Ok(data) if data.permissions().readonly() => return Err(NotSaved::Protected),
        Ok(data) if stamp(&data) != wanted.over.stamp => return Err(NotSaved::Changed),
        Ok(data) => Some(data.permissions()),
        // It was deleted; who goes on writing wants it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let folder = target.parent().ok_or(NotSaved::NoFile)?;
    let mut file = tempfile::Builder::new().prefix(TEMPORARY_PREFIX).tempfile_in(folder)?;
    let mut out = BufWriter::new(file.as_file_mut());
    for chunk in wanted.text.rope().chunks() {
        out.write_all(chunk.as_bytes())?;
    }
    out.flush()?;
    drop(out);
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
        // Writing takes a while: once more.
        if fs::metadata(&target).is_ok_and(|data| stamp(&data) != wanted.over.stamp) {
            return Err(NotSaved::Changed);
        }
    } else {
        make_ordinary(file.as_file())?;
    }
    file.as_file().sync_all()?;
    let written = file.persist(&target).map_err(|error| error.error)?;
    Ok(stamp(&written.metadata()?))
}

/// Temporary files are private, others are as the system makes them.
#[cfg(unix)]
fn make_ordinary(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_ordinary(_: &fs::File) -> io::Result<()> {
    Ok(())
}

/// Where the file lies when links are followed; it may be none yet, its folder must be there.
fn target(root: &Path, path: &str) -> Result<PathBuf, NotSaved> {
    let root = root.canonicalize()?;
    let file = root.join(path);
    let target = match file.canonicalize() {
        Ok(target) => target,
        // A link that leads nowhere is not followed.
        Err(error) if error.kind() == io::ErrorKind::NotFound && file.symlink_metadata().is_err() => {
            let (folder, name) = file.parent().zip(file.file_name()).ok_or(NotSaved::NoFile)?;
            folder.canonicalize()?.join(name)
        }
        Err(error) => return Err(error.into()),
    };
    if !target.starts_with(&root) {
        return Err(NotSaved::Elsewhere);
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use weft_editor::window::LocalReason;

    use super::*;

    fn wanted(root: &Path, path: &str, text: &str) -> LocalSave {
        let data = fs::metadata(root.join(path));
        let stamp = data.map_or((0, SystemTime::UNIX_EPOCH), |data| stamp(&data));
        let over = LocalFile { reason: LocalReason::NotShared, stamp };
        LocalSave {
            root: root.to_owned(),
            within: root.to_owned(),
            path: path.to_owned(),
            text: Buffer::new(text),
            over,
        }
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.sh");
        fs::write(&path, "one\r\n").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        }
        let before = fs::metadata(&path).unwrap().permissions();
        let saved = save(wanted(folder.path(), "run.sh", "\u{feff}one\r\ntwo\r\n"));
        let now = fs::metadata(&path).unwrap();
        assert_eq!(saved.result.unwrap().stamp, stamp(&now));
        assert_eq!(fs::read(&path).unwrap(), "\u{feff}one\r\ntwo\r\n".as_bytes());
        assert_eq!(now.permissions(), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn what_another_program_has_written_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "one").unwrap();
        let ours = wanted(folder.path(), "a", "ours");
        fs::write(folder.path().join("a"), "theirs").unwrap();
        assert!(matches!(save(ours).result, Err(NotSaved::Changed)));
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"theirs");
        // One that was deleted is written again: somebody goes on writing in it.
        let ours = wanted(folder.path(), "a", "ours");
        fs::remove_file(folder.path().join("a")).unwrap();
        assert!(save(ours).result.is_ok());
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"ours");
        let gone = wanted(folder.path(), "gone/a", "ours");
        assert!(matches!(save(gone).result, Err(NotSaved::Io(_))));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_inside_of_the_folder_and_not_out_of_it() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for place in [folder.path(), other.path()] {
            fs::write(place.join("real"), "one").unwrap();
        }
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
        link(&folder.path().join("real"), "inside");
        link(&other.path().join("real"), "outside");
        link(other.path(), "folder");
        link(&other.path().join("none"), "nowhere");
        assert!(save(wanted(folder.path(), "inside", "two")).result.is_ok());
        assert_eq!(fs::read(folder.path().join("real")).unwrap(), b"two");
        assert!(folder.path().join("inside").symlink_metadata().unwrap().is_symlink());
        for path in ["outside", "folder/real", "folder/new", "../beside"] {
            let result = save(wanted(folder.path(), path, "two")).result;
            assert!(matches!(result, Err(NotSaved::Elsewhere)), "{path}: {result:?}");
        }
        assert!(save(wanted(folder.path(), "nowhere", "two")).result.is_err());
        assert!(!other.path().join("none").exists());
        assert_eq!(fs::read(other.path().join("real")).unwrap(), b"one");
        assert_eq!(fs::read_dir(other.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_write_protected_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "one").unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        assert!(matches!(save(wanted(folder.path(), "a", "two")).result, Err(NotSaved::Protected)));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        fs::create_dir(folder.path().join("b")).unwrap();
        assert!(matches!(save(wanted(folder.path(), "b", "two")).result, Err(NotSaved::NoFile)));
    }
}
