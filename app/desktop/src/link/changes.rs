//! Making, renaming, deleting and copying files in the folder. Nothing is overwritten, and nothing outside is touched.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Component, Path, PathBuf},
};

use super::{FileChange, files::is_hidden};
use crate::limits::{COPIED_FILES_MAX, COPY_DEPTH_MAX};

/// Does what was asked for; else says why not. What was done before a failure stays.
pub(super) fn carry_out(root: &Path, change: &FileChange) -> Result<(), String> {
    match change {
        FileChange::NewFile(path) => {
            let path = free_place(root, path)?;
            make_parents(&path)?;
            told(&path, fs::OpenOptions::new().write(true).create_new(true).open(&path).map(drop))
        }
        FileChange::NewFolder(path) => {
            let path = free_place(root, path)?;
            told(&path, fs::create_dir_all(&path))
        }
        FileChange::Rename { from, to } => rename(root, from, to),
        FileChange::Delete(path) => {
            let path = place(root, path)?;
            let kind = fs::symlink_metadata(&path).map_err(|error| words(&path, &error))?.file_type();
            // A link goes, and not what it leads to.
            told(&path, if kind.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) })
        }
        FileChange::CopyIn { from, into } => {
            let folder = if into.is_empty() { root.to_owned() } else { place(root, into)? };
            let mut left = COPIED_FILES_MAX;
            from.iter().try_for_each(|source| copy_in(source, &folder, &mut left))
        }
    }
}

fn rename(root: &Path, from: &str, to: &str) -> Result<(), String> {
    let old = place(root, from)?;
    // On a disk that does not tell capitals apart the new name may be the old one.
    let is_same_but_for_case = from != to && from.to_lowercase() == to.to_lowercase();
    let new = if is_same_but_for_case { place(root, to)? } else { free_place(root, to)? };
    if new.starts_with(&old) && new != old && !is_same_but_for_case {
        return Err(format!("{from} cannot be put into itself"));
    }
    make_parents(&new)?;
    told(&old, fs::rename(&old, &new))
}

/// Where a path of the tree lies. It must be inside, also when a folder on its way is a link.
fn place(root: &Path, path: &str) -> Result<PathBuf, String> {
    let parts: Vec<Component<'_>> = Path::new(path).components().collect();
    let is_plain = |part: &Component<'_>| match part {
        Component::Normal(name) => !name.to_str().is_none_or(is_hidden),
        _ => false,
    };
    if parts.is_empty() || !parts.iter().all(is_plain) {
        return Err(format!("{path} is no name for a file here"));
    }
    let whole = root.join(path);
    let known = whole.ancestors().skip(1).find(|parent| parent.exists()).unwrap_or(root);
    let inside = fs::canonicalize(root).and_then(|root| Ok(fs::canonicalize(known)?.starts_with(root)));
    match inside {
        Ok(true) => Ok(whole),
        Ok(false) => Err(format!("{path} leads out of the folder through a link")),
        Err(error) => Err(words(&whole, &error)),
    }
}

/// The same, where nothing lies yet.
fn free_place(root: &Path, path: &str) -> Result<PathBuf, String> {
    let place = place(root, path)?;
    match place.symlink_metadata() {
        Ok(_) => Err(format!("{path} is there already")),
        Err(_) => Ok(place),
    }
}

fn make_parents(path: &Path) -> Result<(), String> {
    let Some(parent) = path.parent() else { return Ok(()) };
    told(parent, fs::create_dir_all(parent))
}

/// Copies a file or a folder under a name that is free. Links are left out.
fn copy_in(source: &Path, folder: &Path, left: &mut usize) -> Result<(), String> {
    let name = source.file_name().ok_or_else(|| format!("{} has no name", source.display()))?;
    if name.to_str().is_none_or(is_hidden) {
        return Err(format!("{} cannot be shared", source.display()));
    }
    if folder.starts_with(source) {
        return Err(format!("{} cannot be put into itself", source.display()));
    }
    copy(source, &free_name(folder, name), left, 0)
}

fn copy(source: &Path, target: &Path, left: &mut usize, depth: usize) -> Result<(), String> {
    if *left == 0 || depth > COPY_DEPTH_MAX {
        return Err(format!(
            "More than {COPIED_FILES_MAX} files are not copied at once; the first ones were"
        ));
    }
    let kind = fs::symlink_metadata(source).map_err(|error| words(source, &error))?.file_type();
    if kind.is_file() {
        *left -= 1;
        return told(source, fs::copy(source, target).map(drop));
    }
    if !kind.is_dir() {
        return Ok(());
    }
    told(target, fs::create_dir(target))?;
    for entry in fs::read_dir(source).map_err(|error| words(source, &error))?.flatten() {
        let name = entry.file_name();
        if !name.to_str().is_none_or(is_hidden) {
            copy(&entry.path(), &target.join(name), left, depth + 1)?;
        }
    }
    Ok(())
}

/// The name itself, or with the first number that is free.
fn free_name(folder: &Path, name: &OsStr) -> PathBuf {
    let name = Path::new(name);
    let stem = name.file_stem().unwrap_or_default().to_string_lossy();
    let end = name.extension().map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
    let numbered = (2..).map(|number| folder.join(format!("{stem} ({number}){end}")));
    let mut names = std::iter::once(folder.join(name)).chain(numbered);
    names.find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| folder.join(name))
}

fn told(path: &Path, result: io::Result<()>) -> Result<(), String> {
    result.map_err(|error| words(path, &error))
}

fn words(path: &Path, error: &io::Error) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    format!("{}: {error}", Path::new(name).display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("root");
        fs::create_dir(&root).unwrap();
        (outer, root)
    }

    fn new_file(path: &str) -> FileChange {
        FileChange::NewFile(path.to_owned())
    }

    fn renamed(from: &str, to: &str) -> FileChange {
        FileChange::Rename { from: from.to_owned(), to: to.to_owned() }
    }

    #[test]
    fn files_are_made_renamed_and_deleted_and_none_is_overwritten() {
        let (_outer, root) = folder();
        carry_out(&root, &new_file("src/a.rs")).unwrap();
        carry_out(&root, &FileChange::NewFolder("docs/more".to_owned())).unwrap();
        fs::write(root.join("src/a.rs"), "kept").unwrap();
        assert!(carry_out(&root, &new_file("src/a.rs")).unwrap_err().contains("there already"));
        carry_out(&root, &new_file("b.rs")).unwrap();
        assert!(carry_out(&root, &renamed("b.rs", "src/a.rs")).is_err());
        carry_out(&root, &renamed("src/a.rs", "lib/deep/c.rs")).unwrap();
        assert_eq!(fs::read_to_string(root.join("lib/deep/c.rs")).unwrap(), "kept");
        assert!(carry_out(&root, &renamed("lib", "lib/deep/lib")).unwrap_err().contains("into itself"));
        carry_out(&root, &renamed("lib/deep/c.rs", "lib/deep/C.rs")).unwrap();
        carry_out(&root, &FileChange::Delete("lib".to_owned())).unwrap();
        assert!(!root.join("lib").exists());
        assert!(carry_out(&root, &FileChange::Delete("lib".to_owned())).is_err());
    }

    #[test]
    fn nothing_outside_is_touched() {
        let (outer, root) = folder();
        fs::write(outer.path().join("secret"), "x").unwrap();
        fs::create_dir(root.join(".git")).unwrap();
        let mut paths = vec!["../secret", "/etc/passwd", ".git/config", "a/../../secret", ""];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(outer.path(), root.join("out")).unwrap();
            paths.push("out/secret");
        }
        for path in paths {
            assert!(carry_out(&root, &FileChange::Delete(path.to_owned())).is_err(), "{path}");
            assert!(carry_out(&root, &new_file(path)).is_err(), "{path}");
            assert!(carry_out(&root, &renamed(path, "here")).is_err(), "{path}");
        }
        assert!(outer.path().join("secret").exists());
        // The link itself can go.
        #[cfg(unix)]
        {
            carry_out(&root, &FileChange::Delete("out".to_owned())).unwrap();
            assert!(outer.path().join("secret").exists() && !root.join("out").exists());
        }
    }

    #[test]
    fn what_is_copied_in_gets_a_free_name_and_links_stay_out() {
        let (outer, root) = folder();
        let source = outer.path().join("pictures");
        fs::create_dir_all(source.join("deep/.git")).unwrap();
        fs::write(source.join("deep/one.png"), "1").unwrap();
        fs::write(root.join("one.png"), "mine").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", source.join("link")).unwrap();
        let copy = |from: Vec<PathBuf>, into: &str| {
            carry_out(&root, &FileChange::CopyIn { from, into: into.to_owned() })
        };
        copy(vec![source.join("deep/one.png"), source.clone()], "").unwrap();
        assert_eq!(fs::read_to_string(root.join("one.png")).unwrap(), "mine");
        assert_eq!(fs::read_to_string(root.join("one (2).png")).unwrap(), "1");
        assert_eq!(fs::read_to_string(root.join("pictures/deep/one.png")).unwrap(), "1");
        assert!(!root.join("pictures/link").exists() && !root.join("pictures/deep/.git").exists());
        assert!(copy(vec![root.clone()], "pictures").unwrap_err().contains("into itself"));
        assert!(copy(vec![outer.path().join("nothing")], "").is_err());
    }

    #[test]
    fn no_more_than_so_many_files_are_copied_at_once() {
        let (outer, root) = folder();
        let source = outer.path().join("one");
        fs::write(&source, "1").unwrap();
        let from = vec![source; COPIED_FILES_MAX + 1];
        let told = carry_out(&root, &FileChange::CopyIn { from, into: String::new() }).unwrap_err();
        assert!(told.contains("not copied at once"), "{told}");
        assert_eq!(fs::read_dir(&root).unwrap().count(), COPIED_FILES_MAX);
        let deep = outer.path().join("d");
        fs::create_dir_all(deep.join("d/".repeat(COPY_DEPTH_MAX + 1))).unwrap();
        let copied = carry_out(&root, &FileChange::CopyIn { from: vec![deep], into: String::new() });
        assert!(copied.is_err());
    }
}
