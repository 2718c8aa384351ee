//! Which new file is which gone one.

use std::collections::{BTreeMap, BTreeSet};

use super::path::RelPath;
use super::read::FileRef;
use super::row::{ContentHash, MirrorRow, NodeBytes};

/// Texts above this length are not compared line by line.
pub(crate) const COMPARED_TEXT_BYTES_MAX: u64 = 2 << 20;
/// At most so many pairs of a gone and a new text are compared line by line.
pub(crate) const COMPARED_PAIRS_MAX: usize = 2_000;
/// This share of the lines makes two texts one file, in percent.
const EQUAL_LINES_PERCENT: usize = 60;

/// Gives the bytes that a version of a node held, if they are at hand.
pub trait OldContent {
    /// The bytes that the mirror called `version` of `node`.
    fn content(&self, node: &NodeBytes, version: &[u8]) -> Option<Vec<u8>>;
}

/// Knows no old content: short files just wait, changed files are never renames.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoOldContent;

impl OldContent for NoOldContent {
    fn content(&self, _node: &NodeBytes, _version: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// Pairs gone rows with new files, each at most once: same inode, else the same
/// bytes, else at least 60 % of the lines, where only one fits.
pub(crate) fn match_files(
    gone: &[&MirrorRow],
    new: &BTreeMap<RelPath, FileRef>,
    old: &dyn OldContent,
) -> BTreeMap<RelPath, RelPath> {
    let mut matching = Matching { pairs: BTreeMap::new(), gone: gone.to_vec(), new: new.iter().collect() };
    matching.by_inode();
    matching.by_hash();
    matching.by_lines(old);
    matching.pairs
}

struct Matching<'a> {
    pairs: BTreeMap<RelPath, RelPath>,
    gone: Vec<&'a MirrorRow>,
    new: Vec<(&'a RelPath, &'a FileRef)>,
}

impl<'a> Matching<'a> {
    fn pair(&mut self, row: &MirrorRow, path: &RelPath) {
        self.pairs.insert(row.path.clone(), path.clone());
        self.gone.retain(|other| other.path != row.path);
        self.new.retain(|(other, _)| *other != path);
    }

    fn by_inode(&mut self) {
        let mut files: BTreeMap<(u64, u64), Vec<(&'a RelPath, &'a FileRef)>> = BTreeMap::new();
        for (path, file) in &self.new {
            let key = (file.stamp.device, file.stamp.inode);
            files.entry(key).or_default().push((path, file));
        }
        let mut taken = BTreeSet::new();
        let mut left = Vec::new();
        for row in std::mem::take(&mut self.gone) {
            let found = files
                .get(&(row.stamp.device, row.stamp.inode))
                .into_iter()
                .flatten()
                .find(|(path, file)| !taken.contains(*path) && is_same_file(row, file));
            match found {
                Some((path, _)) => {
                    taken.insert((*path).clone());
                    self.pairs.insert(row.path.clone(), (*path).clone());
                }
                None => left.push(row),
            }
        }
        self.gone = left;
        self.new.retain(|(path, _)| !taken.contains(*path));
    }

    fn by_hash(&mut self) {
        let mut hashes: BTreeMap<ContentHash, (Vec<&'a MirrorRow>, Vec<&'a RelPath>)> = BTreeMap::new();
        for row in &self.gone {
            hashes.entry(row.hash).or_default().0.push(row);
        }
        for (path, file) in &self.new {
            if let Some(entry) = hashes.get_mut(&file.hash) {
                entry.1.push(path);
            }
        }
        let pairs: BTreeMap<RelPath, RelPath> = hashes
            .into_values()
            .filter_map(|(rows, paths)| match (rows.as_slice(), paths.as_slice()) {
                ([row], [path]) => Some((row.path.clone(), (*path).clone())),
                _ => None,
            })
            .collect();
        let taken: BTreeSet<&RelPath> = pairs.values().collect();
        self.new.retain(|(path, _)| !taken.contains(path));
        self.gone.retain(|row| !pairs.contains_key(&row.path));
        self.pairs.extend(pairs);
    }

    fn by_lines(&mut self, old: &dyn OldContent) {
        if self.gone.is_empty() || self.gone.len() * self.new.len() > COMPARED_PAIRS_MAX {
            return;
        }
        let new: Vec<(&RelPath, Lines)> = self
            .new
            .iter()
            .filter(|(_, file)| file.size() <= COMPARED_TEXT_BYTES_MAX)
            .filter_map(|(path, file)| Some((*path, Lines::of(&file.read().ok()?)?)))
            .collect();
        if new.is_empty() {
            return;
        }
        let gone: Vec<(&MirrorRow, Lines)> = self
            .gone
            .iter()
            .filter(|row| row.size() <= COMPARED_TEXT_BYTES_MAX)
            .filter_map(|row| Some((*row, Lines::of(&old.content(&row.node, &row.version)?)?)))
            .collect();
        let mut fits = Vec::new();
        for (row, lines) in &gone {
            fits.extend(new.iter().filter(|(_, other)| lines.is_like(other)).map(|(path, _)| (*row, *path)));
        }
        for (row, path) in &fits {
            let is_only_one = fits.iter().filter(|(r, p)| r.path == row.path || p == path).count() == 1;
            if is_only_one {
                self.pair(row, path);
            }
        }
    }
}

/// Whether the inode is the same file, and not merely the same number given out again.
fn is_same_file(row: &MirrorRow, file: &FileRef) -> bool {
    row.stamp.is_same_file(&file.stamp)
        && ((row.stamp.born_nanos != 0 && row.stamp.born_nanos == file.stamp.born_nanos)
            || row.stamp.is_same_content(&file.stamp)
            || row.hash == file.hash)
}

/// How often each line of a text occurs.
struct Lines {
    counts: BTreeMap<Vec<u8>, usize>,
    total: usize,
}

impl Lines {
    /// `None` for what is no text, or empty.
    fn of(bytes: &[u8]) -> Option<Lines> {
        if bytes.is_empty() || bytes.contains(&0) {
            return None;
        }
        let mut lines = Lines { counts: BTreeMap::new(), total: 0 };
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            *lines.counts.entry(line.to_vec()).or_default() += 1;
            lines.total += 1;
        }
        (lines.total > 0).then_some(lines)
    }

    fn is_like(&self, other: &Lines) -> bool {
        let equal: usize = self
            .counts
            .iter()
            .map(|(line, count)| other.counts.get(line).map_or(0, |others| *count.min(others)))
            .sum();
        equal * 100 >= self.total.max(other.total) * EQUAL_LINES_PERCENT
    }
}

/// Whether a name looks like one that editors use for a moment while they save:
/// backups, temporaries, and names made from that of a file beside it.
pub(crate) fn is_working_name(name: &str, is_sibling: impl Fn(&str) -> bool) -> bool {
    let endings = ["~", ".tmp", ".temp", ".bak", ".new", ".swp", "___jb_tmp___", "___jb_old___", ".part"];
    if endings.iter().any(|ending| name.ends_with(ending)) || name == "4913" {
        return true;
    }
    let sed_temporary = name
        .strip_prefix("sed")
        .is_some_and(|rest| rest.len() == 6 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let bare = name.trim_start_matches(['.', '#', '_', '~']);
    let derived = |text: &str| {
        text.match_indices(['.', '-', '_', '~', '#']).any(|(at, _)| at > 0 && is_sibling(&text[..at]))
    };
    sed_temporary || (bare != name && is_sibling(bare)) || derived(bare)
}
