//! A real folder: this repository's own sources, and sources of dependencies that cargo has downloaded already.

use std::{
    collections::BTreeSet,
    env, fs, io,
    path::{Path, PathBuf},
};

use weft_tests::{repository, source_files};

use super::story::DemoError;

/// The least number of files of dependencies.
const DEPENDENCY_FILES_MIN: u64 = 2_000;
/// A crate with more files or bytes than this is left out, so that many people's work is in it.
const CRATE_FILES_MAX: usize = 400;
const CRATE_BYTES_MAX: u64 = 6_000_000;

/// What the folder was made of.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) own_files: u64,
    pub(super) dependency_files: u64,
    /// The names of the crates, sorted; each is a folder in `vendor`.
    pub(super) crates: Vec<String>,
    pub(super) bytes: u64,
}

/// Copies the sources into `target`.
pub(super) fn gather(target: &Path) -> Result<Sources, DemoError> {
    let mut sources = Sources::default();
    for file in source_files().iter().filter(|file| is_wanted(file)) {
        sources.bytes += copy(&repository().join(file), &target.join("weft").join(file))?;
        sources.own_files += 1;
    }
    for (name, folder) in downloaded_crates()? {
        let files = files_of(&folder)?;
        let bytes: u64 = files.iter().map(|(_, size)| size).sum();
        if files.len() > CRATE_FILES_MAX || bytes > CRATE_BYTES_MAX {
            continue;
        }
        for (file, _) in &files {
            sources.bytes += copy(&folder.join(file), &target.join("vendor").join(&name).join(file))?;
        }
        sources.dependency_files += files.len() as u64;
        sources.crates.push(name);
        if sources.dependency_files >= DEPENDENCY_FILES_MIN {
            return Ok(sources);
        }
    }
    Err(DemoError::TooFewSources { found: sources.dependency_files, wanted: DEPENDENCY_FILES_MIN })
}

/// The unpacked crates that the lock file names, by name.
fn downloaded_crates() -> io::Result<Vec<(String, PathBuf)>> {
    let wanted = locked_crates()?;
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let Some(registry) = home.map(|home| home.join("registry/src")) else { return Ok(Vec::new()) };
    let mut crates = Vec::new();
    for source in fs::read_dir(registry).into_iter().flatten().flatten() {
        for folder in fs::read_dir(source.path()).into_iter().flatten().flatten() {
            let name = folder.file_name().to_string_lossy().into_owned();
            if wanted.contains(&name) {
                crates.push((name, folder.path()));
            }
        }
    }
    crates.sort();
    crates.dedup_by(|one, other| one.0 == other.0);
    Ok(crates)
}

/// `name-version` of everything in the lock file.
fn locked_crates() -> io::Result<BTreeSet<String>> {
    let lock = fs::read_to_string(repository().join("Cargo.lock"))?;
    let value = |line: &str, key: &str| {
        let text = line.strip_prefix(key)?.trim().strip_prefix('=')?.trim().trim_matches('"').to_owned();
        Some(text)
    };
    let mut crates = BTreeSet::new();
    let mut name = String::new();
    for line in lock.lines() {
        if let Some(found) = value(line, "name") {
            name = found;
        } else if let Some(version) = value(line, "version") {
            crates.insert(format!("{name}-{version}"));
        }
    }
    Ok(crates)
}

/// The files below a folder with their sizes, sorted.
fn files_of(root: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if !is_wanted(&path) {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                files.push((path, entry.metadata()?.len()));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Hidden files steer tools (ignore rules among them), and what looks like a key is not shared: both would make the
/// folders differ for a good reason, and this is about bad ones.
fn is_wanted(path: &Path) -> bool {
    path.iter().all(|part| {
        let name = part.to_string_lossy();
        let looks_secret = name.starts_with("id_") || name.contains("secret");
        let ending = Path::new(&*name).extension().map(|ending| ending.to_string_lossy().into_owned());
        let is_key = ending
            .is_some_and(|ending| ["pem", "key", "p12", "pfx", "der", "age"].contains(&ending.as_str()));
        !name.starts_with('.') && !looks_secret && !is_key && name != "target"
    })
}

fn copy(from: &Path, to: &Path) -> io::Result<u64> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to)
}
