//! What is shared: `.gitignore`, `.weftignore`, the secret list, the person's own settings.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::os::{Folder, Root};
use super::path::RelPath;
use super::row::Kind;

/// The files whose lines are rules; the later one wins.
pub const IGNORE_FILES: [&str; 2] = [".gitignore", ".weftignore"];
/// The longest ignore file that is read.
pub(crate) const IGNORE_FILE_BYTES_MAX: u64 = 1 << 20;

/// Files that stay at home whatever a shared rule says; only a local setting lets them out.
pub const SECRETS: [&str; 30] = [
    ".env",
    ".env.*",
    "!.env.example",
    "!.env.sample",
    "!.env.template",
    "!.env.dist",
    ".envrc",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.ppk",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "!id_*.pub",
    ".netrc",
    ".pgpass",
    ".pypirc",
    ".htpasswd",
    ".git-credentials",
    ".ssh/",
    ".gnupg/",
    ".aws/",
    ".kube/config",
    ".docker/config.json",
];

/// Working files of editors; a shared rule may ask for them.
const WORKING_FILES: [&str; 5] = [".*.sw[a-p]", ".#*", "\\#*#", ".~lock.*#", ".goutputstream-*"];

/// Whether a path takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is shared.
    Shared,
    /// A rule leaves it out.
    Ignored,
    /// It is on the secret list.
    Secret,
}

/// The person's own choices on this device; nothing a peer sends changes them.
#[derive(Debug, Clone, Default)]
pub struct LocalRules {
    /// Patterns of files to share although they are secret or ignored.
    pub share: Vec<String>,
    /// Patterns of files to leave out on this device only.
    pub ignore: Vec<String>,
}

/// Whether a path is on the secret list, or lies in a folder that is. No setting takes it off.
#[must_use]
pub fn is_secret(path: &str) -> bool {
    matcher(SECRETS, true).matched_path_or_any_parents(path, false).is_ignore()
}

/// All rules of one workspace, read folder by folder and remembered.
#[derive(Debug)]
pub(crate) struct Rules {
    secrets: Gitignore,
    working_files: Gitignore,
    share: Gitignore,
    ignore: Gitignore,
    folders: BTreeMap<String, FolderRules>,
}

#[derive(Debug, Clone)]
struct FolderRules {
    /// The verdict on the folder itself, which holds for all inside.
    verdict: Verdict,
    /// Rule files from the top down, each with the length of its folder's path.
    chain: Arc<Vec<(usize, Gitignore)>>,
}

impl Rules {
    pub(crate) fn new(local: &LocalRules) -> Rules {
        Rules {
            secrets: matcher(SECRETS, true),
            working_files: matcher(WORKING_FILES, false),
            share: matcher(local.share.iter().map(String::as_str), false),
            ignore: matcher(local.ignore.iter().map(String::as_str), false),
            folders: BTreeMap::new(),
        }
    }

    /// Drops what is remembered about a folder and all inside it.
    pub(crate) fn forget(&mut self, folder: &str) {
        if folder.is_empty() {
            self.folders.clear();
            return;
        }
        let inside = format!("{folder}/");
        self.folders.retain(|path, _| path != folder && !path.starts_with(&inside));
    }

    /// The verdict on a path; reads the rule files on the way down that are not known yet.
    pub(crate) fn verdict(&mut self, root: &Root, path: &RelPath, kind: Kind) -> Verdict {
        self.learn(root, path.parent_str());
        self.verdict_in_known_folder(path.parent_str(), path.as_str(), kind)
    }

    /// The verdict on something in a folder that [`Rules::enter`] has seen.
    pub(crate) fn verdict_in_known_folder(&self, folder: &str, path: &str, kind: Kind) -> Verdict {
        let is_folder = kind == Kind::Folder;
        let Some(rules) = self.folders.get(folder) else {
            return self.verdict_by_name(path, is_folder).unwrap_or(Verdict::Shared);
        };
        if rules.verdict != Verdict::Shared {
            return rules.verdict;
        }
        if let Some(verdict) = self.verdict_by_name(path, is_folder) {
            return verdict;
        }
        for (length, matcher) in rules.chain.iter().rev() {
            let below = if *length == 0 { path } else { &path[length + 1..] };
            let found = matcher.matched(Path::new(below), is_folder);
            if found.is_ignore() {
                return Verdict::Ignored;
            }
            if found.is_whitelist() {
                return Verdict::Shared;
            }
        }
        if self.working_files.matched(Path::new(path), is_folder).is_ignore() {
            return Verdict::Ignored;
        }
        Verdict::Shared
    }

    /// Reads the rule files of a folder while it is open; `names` says which exist.
    pub(crate) fn enter(&mut self, path: &str, folder: &Folder, names: &[String]) {
        let has_rules = names.iter().any(|name| IGNORE_FILES.contains(&name.as_str()));
        self.add_folder(path, if has_rules { Some(folder) } else { None });
    }

    fn learn(&mut self, root: &Root, folder: &str) {
        if self.folders.contains_key(folder) {
            return;
        }
        if let Some(at) = folder.rfind('/') {
            self.learn(root, &folder[..at]);
        } else if !folder.is_empty() {
            self.learn(root, "");
        }
        let handle = root.open_folder(folder).ok();
        self.add_folder(folder, handle.as_ref());
    }

    fn add_folder(&mut self, path: &str, folder: Option<&Folder>) {
        let parent = path.rfind('/').map_or("", |at| &path[..at]);
        let above = (!path.is_empty()).then(|| self.folders.get(parent)).flatten();
        let mut chain = above.map(|rules| Arc::clone(&rules.chain)).unwrap_or_default();
        let verdict = if path.is_empty() {
            Verdict::Shared
        } else {
            self.verdict_in_known_folder(parent, path, Kind::Folder)
        };
        if verdict == Verdict::Shared
            && let Some(own) = folder.and_then(read_rules)
        {
            let mut longer = chain.as_ref().clone();
            longer.push((path.len(), own));
            chain = Arc::new(longer);
        }
        self.folders.insert(path.to_owned(), FolderRules { verdict, chain });
    }

    /// What the rules that no shared file can change say.
    fn verdict_by_name(&self, path: &str, is_folder: bool) -> Option<Verdict> {
        let path = Path::new(path);
        if self.share.matched(path, is_folder).is_ignore() {
            return Some(Verdict::Shared);
        }
        if self.secrets.matched(path, is_folder).is_ignore() {
            return Some(Verdict::Secret);
        }
        let found = self.ignore.matched(path, is_folder);
        found.is_ignore().then_some(Verdict::Ignored)
    }
}

fn matcher<'a>(lines: impl IntoIterator<Item = &'a str>, any_case: bool) -> Gitignore {
    let mut builder = GitignoreBuilder::new(".");
    let _ = builder.case_insensitive(any_case);
    for line in lines {
        // A line that is no pattern matches nothing, as in git.
        let _ = builder.add_line(None, line);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

fn read_rules(folder: &Folder) -> Option<Gitignore> {
    let mut text = String::new();
    for name in IGNORE_FILES {
        let Ok(file) = folder.open_read(name) else {
            continue;
        };
        let mut bytes = Vec::new();
        if file.take(IGNORE_FILE_BYTES_MAX).read_to_end(&mut bytes).is_ok() {
            text.push_str(&String::from_utf8_lossy(&bytes));
            text.push('\n');
        }
    }
    let lines = text.trim_start_matches('\u{feff}').lines();
    let own = matcher(lines, false);
    (!own.is_empty()).then_some(own)
}
