//! Names: which can be written on a disk, and how clashing ones are told apart.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

/// Most bytes of a name that is written.
pub const NAME_BYTES_MAX: usize = 255;
/// Most bytes of a path that is written.
pub const PATH_BYTES_MAX: usize = 4_096;
/// What names of Weft's own temporary files begin with.
pub const TEMPORARY_PREFIX: &str = ".weft-tmp-";

/// Room that is kept for a number, so that names which are cut are cut alike whatever their numbers.
const NUMBER_BYTES: usize = 12;
/// Longest ending that counts as one when a name is told apart.
const EXTENSION_BYTES_MAX: usize = 32;

/// Says what the disk of this device cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Platform {
    /// Names that differ only in case or in how characters are composed are one name (macOS, Windows).
    pub folds_names: bool,
    /// The reserved names and characters of Windows.
    pub windows_names: bool,
}

/// Says why something in the tree is not written to the disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameProblem {
    /// The name is empty, `.` or `..`.
    #[error("the name is empty or stands for another folder")]
    Dots,
    /// The name holds `/` or NUL.
    #[error("the name holds a slash or a NUL character")]
    Separator,
    /// The name is `.git` or one of its other forms.
    #[error("the name is a form of .git, which is never shared")]
    Git,
    /// The name is one of Weft's own temporary files.
    #[error("the name is kept for Weft's temporary files")]
    Temporary,
    /// The name has more than [`NAME_BYTES_MAX`] bytes.
    #[error("the name has more than {NAME_BYTES_MAX} bytes")]
    NameTooLong,
    /// The path has more than [`PATH_BYTES_MAX`] bytes.
    #[error("the path has more than {PATH_BYTES_MAX} bytes")]
    PathTooLong,
    /// This platform has no such names.
    #[error("this platform reserves the name or one of its characters")]
    Reserved,
    /// Another name is the same to this platform and was there first.
    #[error("this platform does not tell the name from \"{0}\"")]
    Folds(String),
}

impl NameProblem {
    /// Tells whether the problem is one on every device: such a node is shown nowhere and in no digest.
    pub fn is_universal(&self) -> bool {
        !matches!(self, Self::Reserved | Self::Folds(_))
    }
}

/// Finds what is wrong with a name by itself.
pub fn name_problem(name: &str, platform: Platform) -> Option<NameProblem> {
    if matches!(name, "" | "." | "..") {
        Some(NameProblem::Dots)
    } else if name.contains(['/', '\0']) {
        Some(NameProblem::Separator)
    } else if name.len() > NAME_BYTES_MAX {
        Some(NameProblem::NameTooLong)
    } else if is_git(name) {
        Some(NameProblem::Git)
    } else if fold(name).starts_with(TEMPORARY_PREFIX) {
        Some(NameProblem::Temporary)
    } else if platform.windows_names && is_reserved_on_windows(name) {
        Some(NameProblem::Reserved)
    } else {
        None
    }
}

/// Gives what names that a folding platform does not tell apart have in common.
pub(super) fn fold(name: &str) -> String {
    if name.is_ascii() {
        name.to_ascii_lowercase()
    } else {
        // Lower case of an upper case form also joins letters such as ſ and s.
        name.nfkd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkd().collect()
    }
}

// HFS+ ignores some characters, NTFS ends and short names and streams: git refuses the same forms.
fn is_git(name: &str) -> bool {
    if name.is_ascii() && !name.as_bytes()[0].eq_ignore_ascii_case(&b'g') && !name.starts_with('.') {
        return false;
    }
    let visible: String = name.chars().filter(|c| !is_ignored_by_hfs(*c)).collect();
    let folded = fold(&visible);
    let file = folded.split([':', '\\']).next().unwrap_or_default();
    let file = file.trim_end_matches(['.', ' ']);
    let short = file
        .strip_prefix("git~")
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    file == ".git" || short
}

fn is_ignored_by_hfs(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

fn is_reserved_on_windows(name: &str) -> bool {
    if name.ends_with(['.', ' ']) {
        return true;
    }
    if name.chars().any(|c| c < ' ' || r#"<>:"|?*\"#.contains(c)) {
        return true;
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let stem = stem.to_ascii_uppercase();
    let numbered = |device: &str| {
        let number = stem.strip_prefix(device).and_then(|rest| {
            let mut rest = rest.chars();
            rest.next().filter(|_| rest.next().is_none())
        });
        number.is_some_and(|c| matches!(c, '1'..='9' | '¹' | '²' | '³'))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || numbered("COM")
        || numbered("LPT")
}

/// Makes names that are told apart by a mark before the ending.
///
/// Numbers go on where the last one of the same name ended, so that many clashes stay linear.
#[derive(Default)]
pub(super) struct Renamer {
    next: BTreeMap<String, u32>,
}

impl Renamer {
    /// Gives `name (2).ext`, or with a greater number, for which `is_free` holds.
    pub(super) fn numbered(&mut self, name: &str, is_free: impl Fn(&str) -> bool) -> String {
        let number = self.next.entry(marked(name, "")).or_insert(2);
        loop {
            let candidate = marked(name, &number.to_string());
            *number += 1;
            if is_free(&candidate) {
                return candidate;
            }
        }
    }

    /// Gives `name (conflict, label).ext`, with a number if that is not free.
    pub(super) fn conflict(&mut self, name: &str, label: &str, is_free: impl Fn(&str) -> bool) -> String {
        let candidate = marked(name, &format!("conflict, {label}"));
        if is_free(&candidate) { candidate } else { self.numbered(&candidate, is_free) }
    }
}

// Cut at the stem so that a long name and its copies can be written all the same.
fn marked(name: &str, mark: &str) -> String {
    let (stem, ending) = match name.rfind('.') {
        Some(place) if place > 0 && name.len() - place <= EXTENSION_BYTES_MAX => name.split_at(place),
        _ => (name, ""),
    };
    let room = NAME_BYTES_MAX.saturating_sub(ending.len() + mark.len().max(NUMBER_BYTES) + 3);
    let stem = if name.len() <= NAME_BYTES_MAX { &stem[..stem.floor_char_boundary(room)] } else { stem };
    format!("{stem} ({mark}){ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_never_written() {
        let everywhere = Platform::default();
        let check = |name: &str, problem: Option<NameProblem>| {
            assert_eq!(name_problem(name, everywhere), problem, "{name:?}");
        };
        for name in ["", ".", ".."] {
            check(name, Some(NameProblem::Dots));
        }
        for name in ["a/b", "/", "a\0", "../../etc/passwd"] {
            check(name, Some(NameProblem::Separator));
        }
        for name in [
            ".git",
            ".GIT",
            ".Git",
            "GIT~1",
            "git~1",
            "git~23",
            ".git ",
            ".git.",
            ".git . .",
            ".g\u{200c}it",
            "\u{feff}.git",
            ".git::$INDEX_ALLOCATION",
            ".git:stream",
            "g\u{200e}it~1",
            ".git\\config",
            "．git",
        ] {
            check(name, Some(NameProblem::Git));
        }
        for name in [
            ".gitignore",
            ".github",
            "git",
            "git~",
            "git~x",
            ".gi",
            "a.git",
            "...",
            " ",
            "con",
            "a\\b",
            "a:b",
            "ä",
        ] {
            check(name, None);
        }
        check(".weft-tmp-12", Some(NameProblem::Temporary));
        check(".Weft-Tmp-12", Some(NameProblem::Temporary));
        check(&"x".repeat(NAME_BYTES_MAX), None);
        check(&"x".repeat(NAME_BYTES_MAX + 1), Some(NameProblem::NameTooLong));
    }

    #[test]
    fn names_that_windows_reserves() {
        let windows = Platform { windows_names: true, folds_names: true };
        for name in [
            "con",
            "NUL.txt",
            "com1",
            "LPT9.tar.gz",
            "com¹",
            "aux .c",
            "a.",
            "a ",
            "a:b",
            "a\\b",
            "a?",
            "a\u{1}",
        ] {
            assert_eq!(name_problem(name, windows), Some(NameProblem::Reserved), "{name:?}");
        }
        for name in ["console", "com", "com10", "com0", "a.b", "nul_"] {
            assert_eq!(name_problem(name, windows), None, "{name:?}");
        }
    }

    #[test]
    fn folding_joins_case_and_composition() {
        assert_eq!(fold("README"), fold("readme"));
        assert_eq!(fold("é"), fold("E\u{301}"));
        assert_eq!(fold("straße"), fold("STRASSE"));
        assert_ne!(fold("a"), fold("b"));
    }

    #[test]
    fn marks_go_before_the_ending() {
        let check = |name: &str, expected: &str| {
            assert_eq!(Renamer::default().numbered(name, |_| true), expected);
        };
        check("a.txt", "a (2).txt");
        check("a", "a (2)");
        check(".gitignore", ".gitignore (2)");
        check("a.tar.gz", "a.tar (2).gz");
        check("a.", "a (2).");
        let long = format!("{}.txt", "ä".repeat(125));
        let made = Renamer::default().conflict(&long, "Ana", |_| true);
        assert!(made.len() <= NAME_BYTES_MAX && made.ends_with(" (conflict, Ana).txt"));
    }

    #[test]
    fn numbers_go_on_and_skip_what_exists() {
        let mut renamer = Renamer::default();
        assert_eq!(renamer.numbered("a", |name| name != "a (2)"), "a (3)");
        assert_eq!(renamer.numbered("a", |_| true), "a (4)");
        let taken = |name: &str| name != "a (conflict, Ana)";
        assert_eq!(renamer.conflict("a", "Ana", taken), "a (conflict, Ana) (2)");
    }
}
