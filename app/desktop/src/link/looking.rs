//! Files that the window reads itself: those that are too large to be written together, that are no text, or that the
//! workspace does not share.

use std::{fs, io::Read as _, path::Path};

use weft_editor::{
    Document,
    window::{LocalFile, LocalReason},
};

use super::saving::stamp;
use crate::limits::LOOKED_AT_BYTES_MAX;

/// How much of a file tells whether it is a text.
const PROBED_BYTES: usize = 64 * 1024;

/// A file that was looked at.
#[derive(Debug)]
pub(super) enum Looked {
    /// Its text.
    Text(Box<Document>, LocalFile),
    /// It is as it was when it was looked at before.
    Unchanged,
}

/// How large a file is; nothing, when it cannot be told.
pub(super) fn size_of(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|data| data.len())
}

/// Reads a file to look at it, unless it is the one that `seen` is. Else says what it is instead of a text.
pub(super) fn look(path: &Path, reason: LocalReason, seen: Option<&LocalFile>) -> Result<Looked, String> {
    let data = fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "the file is not there any more".to_owned(),
        _ => format!("the file cannot be read: {error}"),
    })?;
    // Whoever opens a pipe may wait for ever.
    if !data.is_file() {
        return Err("this is no file with contents".to_owned());
    }
    let stamp = stamp(&data);
    if seen.is_some_and(|seen| seen.stamp == stamp) {
        return Ok(Looked::Unchanged);
    }
    if data.len() > LOOKED_AT_BYTES_MAX {
        let most = LOOKED_AT_BYTES_MAX / 1_000_000;
        return Err(format!("the file has {}; up to {most} MB are shown", size(data.len())));
    }
    let bytes = read(path, data.len()).map_err(|error| format!("the file cannot be read: {error}"))?;
    if bytes.iter().take(PROBED_BYTES).any(|byte| *byte == 0) {
        return Err(format!("the file is no text: it has {} of other data", size(bytes.len() as u64)));
    }
    let (text, reason) = match String::from_utf8(bytes) {
        Ok(text) => (text, reason),
        Err(error) => {
            let byte = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            (text, LocalReason::NotUtf8 { byte })
        }
    };
    Ok(Looked::Text(Box::new(Document::new(&text, 0)), LocalFile { reason, stamp }))
}

/// Reads a file that was never looked at before.
#[cfg(feature = "measure")]
pub(crate) fn look_at(path: &Path) -> Result<(Box<Document>, LocalFile), String> {
    match look(path, LocalReason::TooLarge, None)? {
        Looked::Text(document, local) => Ok((document, local)),
        Looked::Unchanged => Err("it was seen before".to_owned()),
    }
}

/// The file may grow while it is read: no more is taken than there may be.
fn read(path: &Path, length: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    fs::File::open(path)?.take(LOOKED_AT_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A size in words.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(looked: Looked) -> (String, LocalFile) {
        match looked {
            Looked::Text(document, local) => (document.buffer().rope().to_string(), local),
            Looked::Unchanged => panic!("it was never seen before"),
        }
    }

    #[test]
    fn a_file_is_read_again_only_when_it_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, "one\r\ntwo\n").unwrap();
        let (text, seen) = text_of(look(&path, LocalReason::NotShared, None).unwrap());
        assert_eq!((text.as_str(), seen.reason), ("one\r\ntwo\n", LocalReason::NotShared));
        assert!(matches!(look(&path, LocalReason::NotShared, Some(&seen)), Ok(Looked::Unchanged)));
        fs::write(&path, "one, two and three\n").unwrap();
        let (text, _) = text_of(look(&path, LocalReason::NotShared, Some(&seen)).unwrap());
        assert_eq!(text, "one, two and three\n");
        fs::remove_file(&path).unwrap();
        let why = look(&path, LocalReason::NotShared, Some(&seen)).unwrap_err();
        assert!(why.contains("not there any more"), "{why}");
    }

    #[test]
    fn what_is_not_utf8_is_shown_as_far_as_it_goes_and_other_data_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latin.txt");
        fs::write(&path, b"caf\xe9 au lait\n").unwrap();
        let (text, seen) = text_of(look(&path, LocalReason::TooLarge, None).unwrap());
        assert_eq!((text.as_str(), seen.reason), ("caf\u{fffd} au lait\n", LocalReason::NotUtf8 { byte: 3 }));
        fs::write(&path, b"PK\x03\x04\0\0").unwrap();
        assert!(look(&path, LocalReason::TooLarge, None).unwrap_err().contains("6 bytes of other data"));
        assert!(look(folder.path(), LocalReason::NotShared, None).unwrap_err().contains("no file"));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        if made.is_ok_and(|status| status.success()) {
            assert!(look(&path, LocalReason::NotShared, None).is_err());
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge");
        let file = fs::File::create(&path).unwrap();
        // Holes: it takes no room on the disk.
        file.set_len(2 << 30).unwrap();
        let why = look(&path, LocalReason::TooLarge, None).unwrap_err();
        assert!(why.contains("2147 MB") && why.contains("are shown"), "{why}");
        file.set_len(LOOKED_AT_BYTES_MAX + 1).unwrap();
        assert!(look(&path, LocalReason::TooLarge, None).unwrap_err().contains("are shown"));
    }
}
