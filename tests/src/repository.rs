//! The sources of this program.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder of the repository.
#[must_use]
pub fn repository() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// Every file of the repository that belongs to the sources: no build results, no `.git`.
///
/// Paths are relative and sorted.
#[must_use]
pub fn source_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(repository().join(&folder)) else { continue };
        for entry in entries.flatten() {
            let path = folder.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !is_left_out(&path) => folders.push(path),
                Ok(kind) if kind.is_file() => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

fn is_left_out(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == ".git" || name == "target" || name == "corpus")
}
