//! Small helpers for files that only their owner may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// Options that make new files readable by their owner only.
pub(crate) fn private_options() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

/// Makes a folder that only its owner may enter, and the folders above it as usual. One that
/// exists stays as it is. The names of new ones are on the disk after this.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = parent_of(path) {
        create_folders(parent)?;
    }
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    made(path, builder.create(path))
}

/// The folder that a path lies in; none for a root and for a name without one.
fn parent_of(path: &Path) -> Option<&Path> {
    path.parent().filter(|parent| !parent.as_os_str().is_empty())
}

fn create_folders(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = parent_of(path) {
        create_folders(parent)?;
    }
    made(path, fs::create_dir(path))
}

/// Brings the name of a folder that was made to the disk: after a crash it would be missing with
/// all that was written into it.
fn made(path: &Path, result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => return Ok(()),
        other => other?,
    }
    match sync_folder(parent_of(path).unwrap_or(Path::new("."))) {
        // A folder that we may write to but not read.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

/// Brings the names in a folder to the disk. Windows does so by itself.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Replaces a file so that after a crash either the old or the new contents are there, and keeps
/// the old ones under `backup`.
pub(crate) fn replace(path: &Path, backup: Option<&Path>, contents: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let temporary = folder.join(name);
    let _ = fs::remove_file(&temporary);
    let replaced = write_new(&temporary, contents).and_then(|()| {
        if let Some(backup) = backup
            && path.exists()
        {
            // A copy under another name first: the old name never vanishes.
            let _ = fs::remove_file(backup);
            if fs::hard_link(path, backup).is_err() {
                fs::copy(path, backup)?;
            }
        }
        fs::rename(&temporary, path)
    });
    if replaced.is_err() {
        // What was written in part may hold a secret.
        let _ = fs::remove_file(&temporary);
    }
    replaced?;
    sync_folder(folder)
}

fn write_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = private_options().write(true).create_new(true).open(path)?;
    file.write_all(contents)?;
    file.sync_all()
}

/// Reads a small file; none when it is missing, an error when it is longer than `bytes_max`.
pub(crate) fn read_small(path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut contents = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut contents)?;
    if contents.len() as u64 > bytes_max {
        let message = format!("longer than {bytes_max} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(Some(contents))
}

/// Reads exactly `buffer.len()` bytes at a place, without moving a shared cursor.
pub(crate) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::FileExt;
        let mut done = 0;
        while done < buffer.len() {
            match file.seek_read(&mut buffer[done..], offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Writes all bytes at a place, without moving a shared cursor.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::FileExt;
        let mut done = 0;
        while done < bytes.len() {
            match file.seek_write(&bytes[done..], offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Whether a file or folder belongs to us and nobody else may use it.
pub(crate) fn is_private(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o077 == 0
    }
    #[cfg(not(unix))]
    {
        // What lies in a user's folders is private there by default.
        let _ = metadata;
        true
    }
}
