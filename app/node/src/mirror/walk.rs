//! Walking the folder: what lies there now, without reading any file.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::os::{Entry, EntryKind, Folder, Root};
use super::path::{PathError, RelPath, is_temporary_name};
use super::row::{Kind, Table};
use super::rules::{Rules, Verdict};

/// How many names of one sort a report lists; the counts go on.
pub(crate) const LISTED_NAMES_MAX: usize = 100;

/// What was met and is not shared, for `weft status`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Symbolic links.
    pub symlinks: usize,
    /// Pipes, sockets, devices.
    pub special_files: usize,
    /// Files and folders left out by a rule (what is inside such a folder is not counted).
    pub ignored: usize,
    /// Files on the secret list; some of their paths.
    pub secrets: Vec<RelPath>,
    /// Number of files on the secret list.
    pub secret_count: usize,
    /// Names that are not Unicode, with � for what is not.
    pub not_unicode: Vec<String>,
    /// Names that can be on disk but not in a workspace, and why.
    pub refused: Vec<(String, PathError)>,
    /// What could not be read, and the system's words for it.
    pub unreadable: Vec<(String, String)>,
}

impl Skipped {
    /// Takes over what a look has found in place of what was known of the places that it looked at. Counts are those of
    /// the last look at everything.
    pub(crate) fn renew(&mut self, looked_at: &[(RelPath, bool)], found: &Skipped) {
        let is_old = |path: &str| {
            looked_at.iter().any(|(place, is_deep)| match path.strip_prefix(place.as_str()) {
                Some("") => true,
                Some(rest) => *is_deep && rest.starts_with('/'),
                None => false,
            })
        };
        self.unreadable.retain(|(path, _)| !is_old(path));
        self.not_unicode.retain(|path| !is_old(path));
        self.refused.retain(|(path, _)| !is_old(path));
        self.unreadable.extend(found.unreadable.iter().cloned());
        self.not_unicode.extend(found.not_unicode.iter().cloned());
        self.refused.extend(found.refused.iter().cloned());
        self.unreadable.truncate(LISTED_NAMES_MAX);
        self.not_unicode.truncate(LISTED_NAMES_MAX);
        self.refused.truncate(LISTED_NAMES_MAX);
    }

    /// Takes over which names in one folder are not Unicode.
    pub(crate) fn renew_not_unicode(&mut self, folder: &str, names: &[String]) {
        self.not_unicode.retain(|path| path.rsplit_once('/').map_or("", |(folder, _)| folder) != folder);
        self.not_unicode.extend(names.iter().map(|name| join(folder, name)));
        self.not_unicode.truncate(LISTED_NAMES_MAX);
    }
}

/// Everything of one look at a part of the folder.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) entries: BTreeMap<RelPath, Entry>,
    /// What could not be looked at: nothing is known about it or what is inside.
    pub(crate) unknown: BTreeSet<String>,
    /// Temporaries of the mirror: folder and name.
    pub(crate) temporaries: Vec<(String, String)>,
    pub(crate) skipped: Skipped,
}

impl Seen {
    /// Whether the look could not reach this path.
    pub(crate) fn is_unknown(&self, path: &RelPath) -> bool {
        !self.unknown.is_empty()
            && (self.unknown.contains("")
                || self.unknown.contains(path.as_str())
                || path.ancestors().any(|folder| self.unknown.contains(folder)))
    }

    fn note_unreadable(&mut self, path: &str, error: &io::Error) {
        self.unknown.insert(path.to_owned());
        if self.skipped.unreadable.len() < LISTED_NAMES_MAX {
            self.skipped.unreadable.push((path.to_owned(), error.to_string()));
        }
    }
}

/// Looks at parts of the folder.
pub(crate) struct Walker<'a> {
    pub(crate) root: &'a Root,
    pub(crate) rules: &'a mut Rules,
    pub(crate) table: &'a Table,
    pub(crate) seen: Seen,
    /// Called with the number of files met so far.
    pub(crate) progress: &'a mut dyn FnMut(usize),
}

impl Walker<'_> {
    /// Looks at everything.
    pub(crate) fn walk_all(&mut self) {
        let folder = self.root.folder().clone();
        self.walk_folder("", &folder);
    }

    /// Looks at one path, and at what is inside if it is a folder and `deep`.
    pub(crate) fn look_at(&mut self, path: &RelPath, deep: bool) {
        let parent = path.parent_str().to_owned();
        let folder = match self.root.open_folder(&parent) {
            Ok(folder) => folder,
            Err(error) if is_absent(&error) => return,
            Err(error) => return self.seen.note_unreadable(&parent, &error),
        };
        // Rules of the folders above, if nothing has asked for them yet.
        self.rules.verdict(self.root, path, Kind::File);
        self.meet(&parent, &folder, path.file_name(), deep);
    }

    /// Notes a file whether or not a rule leaves it out.
    pub(crate) fn look_unfiltered(&mut self, path: &RelPath) {
        let folder = self.root.open_folder(path.parent_str());
        if let Ok(Some(entry)) = folder.and_then(|folder| folder.look(path.file_name())) {
            self.seen.entries.insert(path.clone(), entry);
        }
    }

    /// True if there is something to share in the folder, or nothing at all.
    fn walk_folder(&mut self, path: &str, folder: &Folder) -> bool {
        let (mut names, not_unicode) = match folder.names() {
            Ok(names) => names,
            Err(error) => {
                self.seen.note_unreadable(path, &error);
                return true;
            }
        };
        let is_empty = not_unicode.is_empty() && names.iter().all(|name| is_temporary_name(name));
        let room = LISTED_NAMES_MAX.saturating_sub(self.seen.skipped.not_unicode.len());
        let located = not_unicode.into_iter().take(room).map(|name| join(path, &name));
        self.seen.skipped.not_unicode.extend(located);
        self.rules.enter(path, folder, &names);
        names.sort_unstable();
        let mut has_shared = false;
        for name in &names {
            has_shared |= self.meet(path, folder, name, true);
        }
        has_shared || is_empty
    }

    /// Takes one name into account; true if it is something to share.
    fn meet(&mut self, parent: &str, folder: &Folder, name: &str, deep: bool) -> bool {
        if is_temporary_name(name) {
            self.seen.temporaries.push((parent.to_owned(), name.to_owned()));
            return false;
        }
        let text = join(parent, name);
        let path = match RelPath::parse(&text) {
            Ok(path) => path,
            Err(PathError::GitName) => return false,
            Err(error) => {
                if self.seen.skipped.refused.len() < LISTED_NAMES_MAX {
                    self.seen.skipped.refused.push((text, error));
                }
                return false;
            }
        };
        let entry = match folder.look(name) {
            Ok(Some(entry)) => entry,
            Ok(None) => return false,
            Err(error) => {
                self.seen.note_unreadable(&text, &error);
                return false;
            }
        };
        let kind = match entry.kind {
            EntryKind::File => Kind::File,
            EntryKind::Folder => Kind::Folder,
            EntryKind::Symlink | EntryKind::Special => {
                self.count_unshared(path, entry.kind);
                return false;
            }
        };
        match self.rules.verdict_in_known_folder(parent, &text, kind) {
            Verdict::Shared => {}
            verdict => {
                self.leave_out(path, verdict);
                return false;
            }
        }
        match kind {
            Kind::File => {
                self.seen.entries.insert(path, entry);
                if self.seen.entries.len().is_multiple_of(1024) {
                    (self.progress)(self.seen.entries.len());
                }
                true
            }
            Kind::Folder => self.meet_folder(path, entry, folder, name, deep),
        }
    }

    fn meet_folder(&mut self, path: RelPath, entry: Entry, folder: &Folder, name: &str, deep: bool) -> bool {
        let text = path.as_str().to_owned();
        let is_known = self.table.get(&path).is_some();
        self.seen.entries.insert(path.clone(), entry);
        if !deep {
            return true;
        }
        let has_shared = match folder.open_child(name) {
            Ok(inner) => self.walk_folder(&text, &inner),
            Err(error) => {
                self.seen.note_unreadable(&text, &error);
                true
            }
        };
        // A folder of nothing but ignored files is as private as they are.
        if !has_shared && !is_known {
            self.seen.entries.remove(&path);
        }
        has_shared
    }

    fn count_unshared(&mut self, path: RelPath, kind: EntryKind) {
        self.seen.skipped.symlinks += usize::from(kind == EntryKind::Symlink);
        self.seen.skipped.special_files += usize::from(kind == EntryKind::Special);
        // A link put in the place of a shared file or folder is no deletion of it.
        if self.table.get(&path).is_some() {
            let in_the_way = io::Error::other("a link or special file is in its place");
            self.seen.note_unreadable(path.as_str(), &in_the_way);
        }
    }

    fn leave_out(&mut self, path: RelPath, verdict: Verdict) {
        let skipped = &mut self.seen.skipped;
        skipped.ignored += usize::from(verdict == Verdict::Ignored);
        if verdict == Verdict::Secret {
            skipped.secret_count += 1;
            if skipped.secrets.len() < LISTED_NAMES_MAX {
                skipped.secrets.push(path);
            }
        }
    }
}

pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
