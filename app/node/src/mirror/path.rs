//! [`RelPath`]: the only kind of path the mirror touches.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The longest name of one file or folder, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 255;
/// The longest workspace-relative path, in bytes.
pub(crate) const PATH_BYTES_MAX: usize = 4096;
/// Names that begin so are the mirror's own temporaries and never travel.
pub(crate) const TEMPORARY_PREFIX: &str = ".weft-tmp-";

/// A checked path below the workspace folder: UTF-8, `/` between names, no way out.
///
/// Whatever a peer calls a file, a value of this type cannot name anything
/// outside the folder, git's own files, or a temporary of the mirror.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(Arc<str>);

/// Why a string is not a path that the mirror will touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path or one of its names is empty; a leading or doubled `/` does that.
    #[error("a path has an empty name in it")]
    EmptyName,
    /// A name is `.` or `..`.
    #[error("a path may not contain `.` or `..`")]
    DotName,
    /// A name holds NUL or, where it would split a path, a separator.
    #[error("a name holds a character that no file can have")]
    ForbiddenCharacter,
    /// A name is `.git`, however it is spelled.
    #[error("git's own folder is never shared")]
    GitName,
    /// A name has the form of the mirror's own temporaries.
    #[error("names that begin with .weft-tmp- are temporaries")]
    TemporaryName,
    /// One name is over 255 bytes.
    #[error("a name is longer than 255 bytes")]
    NameTooLong,
    /// The whole path is over 4 KiB.
    #[error("a path is longer than 4096 bytes")]
    PathTooLong,
    /// This platform has no such name (Windows: `con`, a final dot, `:` …).
    #[error("this system cannot hold a file of that name")]
    NotOnThisPlatform,
}

impl RelPath {
    /// Checks a whole path.
    pub fn parse(text: &str) -> Result<RelPath, PathError> {
        if text.len() > PATH_BYTES_MAX {
            return Err(PathError::PathTooLong);
        }
        for name in text.split('/') {
            check_name(name)?;
        }
        Ok(RelPath(text.into()))
    }

    /// The path of `name` inside this folder.
    pub fn join(&self, name: &str) -> Result<RelPath, PathError> {
        RelPath::in_folder(Some(self), name)
    }

    /// The path of `name` inside a folder, `None` being the workspace folder itself.
    pub fn in_folder(folder: Option<&RelPath>, name: &str) -> Result<RelPath, PathError> {
        if name.contains('/') {
            return Err(PathError::ForbiddenCharacter);
        }
        check_name(name)?;
        match folder {
            None => Ok(RelPath(name.into())),
            Some(folder) => {
                let mut text = String::with_capacity(folder.0.len() + 1 + name.len());
                text.push_str(&folder.0);
                text.push('/');
                text.push_str(name);
                if text.len() > PATH_BYTES_MAX {
                    return Err(PathError::PathTooLong);
                }
                Ok(RelPath(text.into()))
            }
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder this lies in, `None` for what lies in the workspace folder itself.
    pub fn parent(&self) -> Option<RelPath> {
        self.0.rfind('/').map(|at| RelPath(self.0[..at].into()))
    }

    /// The folder part as text, empty for what lies in the workspace folder itself.
    pub(crate) fn parent_str(&self) -> &str {
        self.0.rfind('/').map_or("", |at| &self.0[..at])
    }

    /// The last name.
    pub fn file_name(&self) -> &str {
        self.0.rfind('/').map_or(&*self.0, |at| &self.0[at + 1..])
    }

    /// The names from the top down.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Every folder above, from the top down, without this path.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(at, _)| &self.0[..at])
    }

    /// Whether this lies inside `folder`, at any depth.
    pub fn is_under(&self, folder: &RelPath) -> bool {
        self.0.len() > folder.0.len()
            && self.0.as_bytes()[folder.0.len()] == b'/'
            && self.0.starts_with(&*folder.0)
    }

    /// The same path after the folder `from` (or this path itself) became `to`.
    pub fn rebased(&self, from: &RelPath, to: &RelPath) -> Option<RelPath> {
        if self == from {
            return Some(to.clone());
        }
        self.is_under(from).then(|| RelPath(format!("{}{}", to.0, &self.0[from.0.len()..]).into()))
    }

    /// Why this system cannot hold the name, though the path is sound elsewhere.
    pub fn unwritable_here(&self) -> Option<PathError> {
        (cfg!(windows) && self.names().any(is_refused_by_windows)).then_some(PathError::NotOnThisPlatform)
    }
}

fn check_name(name: &str) -> Result<(), PathError> {
    match name {
        "" => return Err(PathError::EmptyName),
        "." | ".." => return Err(PathError::DotName),
        _ => {}
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(PathError::NameTooLong);
    }
    if name.contains('\0') || (cfg!(windows) && name.contains('\\')) {
        return Err(PathError::ForbiddenCharacter);
    }
    if is_temporary_name(name) {
        return Err(PathError::TemporaryName);
    }
    if is_git_name(name) {
        return Err(PathError::GitName);
    }
    Ok(())
}

/// Whether a name is one of the mirror's own temporaries.
pub(crate) fn is_temporary_name(name: &str) -> bool {
    name.starts_with(TEMPORARY_PREFIX)
}

/// Whether some file system reads this name as `.git`: in any case, in the 8.3
/// short form, with the dots, blanks and streams that NTFS drops, or with the
/// invisible characters that HFS+ drops.
pub fn is_git_name(name: &str) -> bool {
    let main = name.split(':').next().unwrap_or(name);
    let visible: String = main
        .chars()
        .filter(|character| !is_ignored_by_hfs(*character))
        .flat_map(char::to_lowercase)
        .collect();
    let trimmed = visible.trim_end_matches([' ', '.']);
    if trimmed == ".git" {
        return true;
    }
    trimmed
        .strip_prefix("git~")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_ignored_by_hfs(character: char) -> bool {
    matches!(character, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

fn is_refused_by_windows(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_lowercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
    };
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul")
        || numbered("com")
        || numbered("lpt")
        || name.ends_with([' ', '.'])
        || name.chars().any(|c| c < ' ' || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\\'))
}

impl Borrow<str> for RelPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, out)
    }
}

impl TryFrom<String> for RelPath {
    type Error = PathError;

    fn try_from(text: String) -> Result<RelPath, PathError> {
        RelPath::parse(&text)
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> String {
        path.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_out_or_into_git_are_refused() {
        for text in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/..",
            "../a",
            "a/./b",
            "a\0b",
            ".git",
            ".GIT",
            ".Git/hooks/x",
            "a/.gIt",
            "git~1",
            "GIT~1/x",
            "GIT~12",
            ".git ",
            ".git.",
            ".git...",
            ".git::$INDEX_ALLOCATION",
            ".git:x",
            ".g\u{200c}it",
            "\u{feff}.git",
            ".weft-tmp-1",
        ] {
            assert!(RelPath::parse(text).is_err(), "{text:?} must be refused");
        }
        assert_eq!(RelPath::parse(&"n".repeat(256)), Err(PathError::NameTooLong));
        let long = vec!["name"; 900].join("/");
        assert_eq!(RelPath::parse(&long), Err(PathError::PathTooLong));
    }

    #[test]
    fn ordinary_and_odd_names_are_kept_as_they_are() {
        for text in [
            "a",
            "a/b.c",
            ".gitignore",
            ".github/x",
            "git~",
            "git~x",
            ".gitx",
            "ä ö/日本.txt",
            "…",
            "a b",
            "...",
            "-rf",
            "con",
            "e\u{301}",
            "C:x",
            "a\\b",
            "\u{202e}gpj.exe",
        ] {
            if cfg!(windows) && text.contains('\\') {
                continue;
            }
            let path = RelPath::parse(text).expect("an ordinary path");
            assert_eq!(path.as_str(), text);
        }
        assert!(is_refused_by_windows("con") && is_refused_by_windows("LPT1.txt"));
        assert!(is_refused_by_windows("a.") && !is_refused_by_windows("console"));
    }

    #[test]
    fn under_means_whole_names() {
        let path = |text| RelPath::parse(text).expect("an ordinary path");
        assert!(path("a/b").is_under(&path("a")));
        assert!(!path("ab").is_under(&path("a")));
        assert!(!path("a").is_under(&path("a")));
        assert_eq!(path("a/b/c").rebased(&path("a/b"), &path("x")), Some(path("x/c")));
        assert_eq!(path("ab/c").rebased(&path("a"), &path("x")), None);
        assert_eq!(path("a/b/c").ancestors().collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(path("a/b/c").parent(), Some(path("a/b")));
    }
}
