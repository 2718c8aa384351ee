//! Files of the window's own, which are either old or new after a crash, never half.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use crate::limits::STATE_BYTES_MAX;

/// Writes a file beside the one that it replaces, and then takes its name.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = folder.join(name);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        // What is left of it is of no use; the old file is untouched.
        let _left = fs::remove_file(&temporary);
    }
    written
}

/// Reads a file; one that is missing, too long or no text is empty.
pub(crate) fn read(path: &Path) -> String {
    let Ok(file) = File::open(path) else { return String::new() };
    let mut text = String::new();
    match file.take(STATE_BYTES_MAX + 1).read_to_string(&mut text) {
        Ok(bytes) if bytes as u64 <= STATE_BYTES_MAX => text,
        _ => {
            tracing::warn!(path = %path.display(), "this file is too long or no text, and is not read");
            String::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/state.toml");
        write(&path, "old").unwrap();
        write(&path, "new").unwrap();
        assert_eq!(read(&path), "new");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert!(write(&path.join("below"), "x").is_err());
        assert_eq!(read(&path), "new");
    }

    #[test]
    fn a_file_that_is_too_long_counts_as_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        fs::write(&path, "x".repeat(STATE_BYTES_MAX as usize)).unwrap();
        assert_eq!(read(&path).len() as u64, STATE_BYTES_MAX);
        fs::write(&path, "x".repeat(STATE_BYTES_MAX as usize + 1)).unwrap();
        assert_eq!(read(&path), "");
    }
}
