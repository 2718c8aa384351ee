//! What could not be saved when the window was closed: it is kept in the data folder, and told about at the next start.

use std::{
    fs,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use weft_editor::Buffer;

use super::Shell;

/// The folder below the data folder.
const FOLDER: &str = "unsaved";
/// Letters of a name; the end of a longer path counts.
const NAME_CHARS_MAX: usize = 120;

impl Shell {
    fn unsaved_folder(&self) -> Option<PathBuf> {
        Some(self.state.settings_file.parent()?.join(FOLDER))
    }

    /// Keeps every text that neither the node nor the disk has taken.
    pub(super) fn keep_unsaved(&self) {
        let (Some(place), Some(folder)) = (self.unsaved_folder(), &self.state.folder) else { return };
        let behind = folder.files.iter().filter_map(|(path, file)| {
            let is_open = file.number().is_some() || file.local().is_some();
            let document = file.document().filter(|document| is_open && document.is_behind())?;
            Some((path, document.buffer()))
        });
        for (path, text) in behind {
            match keep(&place, path, text) {
                Ok(kept) => tracing::warn!(path, "not saved, but kept at {}", kept.display()),
                Err(error) => tracing::error!(path, "what was typed last could not be kept: {error}"),
            }
        }
    }

    /// Tells of what was kept, until the person has taken it away.
    pub(super) fn tell_unsaved(&mut self) {
        let Some(place) = self.unsaved_folder() else { return };
        let count = fs::read_dir(&place).map_or(0, Iterator::count);
        if count > 0 {
            let files = if count == 1 { "a text".to_owned() } else { format!("{count} texts") };
            let hint = format!("take what you need out of {} and delete the rest", place.display());
            self.state.notice(
                &format!("Of an earlier time there is {files} that could not be saved"),
                Some(&hint),
                true,
            );
        }
    }
}

/// Writes a text under a name that nothing else has, for this person's eyes only.
fn keep(place: &Path, path: &str, text: &Buffer) -> io::Result<PathBuf> {
    fs::create_dir_all(place)?;
    let skipped = path.chars().count().saturating_sub(NAME_CHARS_MAX);
    let name: String = path.chars().skip(skipped).map(|char| if char == '/' { '_' } else { char }).collect();
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let suffix = Path::new(&name).extension().and_then(|end| end.to_str()).map(|end| format!(".{end}"));
    let stem = name.strip_suffix(suffix.as_deref().unwrap_or_default()).unwrap_or(&name);
    let mut file = tempfile::Builder::new()
        .prefix(&format!("{stem}-{seconds}-"))
        .suffix(&suffix.unwrap_or_default())
        .tempfile_in(place)?;
    let mut out = BufWriter::new(file.as_file_mut());
    for chunk in text.rope().chunks() {
        out.write_all(chunk.as_bytes())?;
    }
    out.flush()?;
    drop(out);
    file.as_file().sync_all()?;
    let (_, kept) = file.keep().map_err(|error| error.error)?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_kept_under_a_name_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("unsaved");
        let deep = format!("{}/ß.txt", "a".repeat(300));
        for path in ["src/a.rs", "src/a.rs", "no ending", &deep, ".rc"] {
            let kept = keep(&place, path, &Buffer::new("typed\n")).unwrap();
            assert_eq!(fs::read_to_string(&kept).unwrap(), "typed\n");
            let name = kept.file_name().unwrap().to_str().unwrap().to_owned();
            assert!(path != "src/a.rs" || (name.starts_with("src_a-") && name.ends_with(".rs")), "{name}");
        }
        assert_eq!(fs::read_dir(&place).unwrap().count(), 5);
    }
}
