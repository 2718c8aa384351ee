//! The sources of this program.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// Where this package lies now, as cargo says at run time: build results that several clones share remember the clone
/// that made them.
static PACKAGE: LazyLock<PathBuf> = LazyLock::new(|| {
    env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
});

/// The folder of the repository.
#[must_use]
pub fn repository() -> &'static Path {
    PACKAGE.parent().unwrap_or(&PACKAGE)
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
