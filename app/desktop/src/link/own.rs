//! Files of the window's own, and further windows.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use weft_editor::{KeyMap, Settings};

use super::{FromLink, NewsSender, OwnFile};

/// Makes a file, and tells when it is there.
pub(super) fn answer(file: OwnFile, place: PathBuf, news: NewsSender) {
    tokio::task::spawn_blocking(move || {
        let result = make(file, &place).map_err(|error| error.to_string());
        news.offer(FromLink::OwnFileMade { file, result });
    });
}

/// Makes a file with everything in it as comments. One that is there stays as it is.
fn make(file: OwnFile, place: &Path) -> io::Result<()> {
    let text = match file {
        OwnFile::Settings => Settings::template(),
        OwnFile::Keys => KeyMap::new(crate::state::platform()).template(),
    };
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    match File::create_new(place) {
        Ok(mut made) => made.write_all(text.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Starts this program once more. It goes on when this window is closed.
pub(super) fn open_window(news: &NewsSender) {
    if let Err(error) = start_again() {
        news.offer(FromLink::NoWindow(error.to_string()));
    }
}

fn start_again() -> io::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut window = command.spawn()?;
    // Somebody has to hear of its end, or the system remembers it for ever.
    std::thread::Builder::new().name("window".to_owned()).spawn(move || window.wait())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for file in [OwnFile::Settings, OwnFile::Keys] {
            let place = folder.path().join("new").join(file.name());
            make(file, &place).unwrap();
            assert!(fs::read_to_string(&place).unwrap().starts_with("# "), "{file:?}");
            fs::write(&place, "mine").unwrap();
            make(file, &place).unwrap();
            assert_eq!(fs::read_to_string(&place).unwrap(), "mine");
        }
    }
}
