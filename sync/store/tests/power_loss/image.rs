//! What a disk may hold after the power went, or after the program was killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::disk::{Change, FileNumber};

/// A disk writes whole sectors of so many bytes.
const SECTOR: u64 = 512;
/// Lies in memory: gone with the power, there after a kill.
pub(crate) const MEMORY: &str = "memory";

/// What became of the changes that were not brought to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The program was killed before the last change: every other one is there.
    Killed,
    /// The power went in the middle of the last change, after all others had reached the disk.
    Torn,
    /// Nothing is there but what was brought to the disk: no other bytes, no other names.
    OnlySynced,
    /// Some sectors reached the disk and some did not, in any order; of the names the first few.
    Some,
}

/// Every way.
pub(crate) const CUTS: [Cut; 4] = [Cut::Killed, Cut::Torn, Cut::OnlySynced, Cut::Some];

/// The names of a file system.
#[derive(Clone, Debug, Default)]
struct Names {
    files: BTreeMap<String, FileNumber>,
    folders: BTreeSet<String>,
}

impl Names {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Created { file, path } => {
                self.files.insert(path.clone(), *file);
            }
            Change::FolderMade { path } => {
                self.folders.insert(path.clone());
            }
            Change::Renamed { from, to } => {
                if let Some(file) = self.files.remove(from) {
                    self.files.insert(to.clone(), file);
                }
            }
            Change::Linked { from, to } => {
                if let Some(file) = self.files.get(from).copied() {
                    self.files.insert(to.clone(), file);
                }
            }
            Change::Unlinked { path } => {
                self.files.remove(path);
            }
            _ => {}
        }
    }
}

fn folder_of(change: &Change) -> Option<&str> {
    let path = match change {
        Change::Created { path, .. } | Change::FolderMade { path } | Change::Unlinked { path } => path,
        Change::Renamed { to, .. } | Change::Linked { to, .. } => to,
        _ => return None,
    };
    Some(path.rsplit_once('/').map_or("", |(folder, _)| folder))
}

/// Writes part of a file; `keeps` says which of its sectors.
fn put(contents: &mut Vec<u8>, at: u64, bytes: &[u8], mut keeps: impl FnMut() -> bool) {
    let mut done = 0;
    while done < bytes.len() {
        let place = at + done as u64;
        let length = (SECTOR - place % SECTOR).min((bytes.len() - done) as u64) as usize;
        if keeps() {
            let place = place as usize;
            if contents.len() < place + length {
                contents.resize(place + length, 0);
            }
            contents[place..place + length].copy_from_slice(&bytes[done..done + length]);
        }
        done += length;
    }
}

fn put_change(contents: &mut Vec<u8>, change: &Change, keeps: impl FnMut() -> bool) {
    match change {
        Change::Written { at, bytes, .. } => put(contents, *at, bytes, keeps),
        Change::Resized { length, .. } => contents.resize(*length as usize, 0),
        _ => {}
    }
}

#[derive(Clone, Debug, Default)]
struct FileState {
    live: Vec<u8>,
    synced: Vec<u8>,
    /// Changes since it was last brought to the disk.
    pending: Vec<usize>,
}

/// Goes through the changes one by one and makes images of the disk.
pub(crate) struct Replay<'a> {
    changes: &'a [Change],
    next: usize,
    live: Names,
    synced: Names,
    /// Changes of names that were not brought to the disk.
    pending: Vec<usize>,
    files: BTreeMap<FileNumber, FileState>,
}

/// What lies on a disk.
#[derive(Debug, Default)]
pub(crate) struct Image {
    folders: BTreeSet<String>,
    files: BTreeMap<String, Vec<u8>>,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(changes: &'a [Change]) -> Self {
        Self {
            changes,
            next: 0,
            live: Names::default(),
            synced: Names::default(),
            pending: Vec::new(),
            files: BTreeMap::new(),
        }
    }

    /// Does the next change.
    pub(crate) fn step(&mut self) {
        let (index, change) = (self.next, &self.changes[self.next]);
        self.next += 1;
        match change {
            Change::Written { file, .. } | Change::Resized { file, .. } => {
                let state = self.files.entry(*file).or_default();
                put_change(&mut state.live, change, || true);
                state.pending.push(index);
            }
            Change::FileSynced { file } => {
                let state = self.files.entry(*file).or_default();
                state.synced.clone_from(&state.live);
                state.pending.clear();
            }
            Change::FolderSynced { path } => {
                let changes = self.changes;
                let (done, left) =
                    self.pending.iter().partition(|index| folder_of(&changes[**index]) == Some(path));
                self.pending = left;
                let done: Vec<usize> = done;
                for index in done {
                    self.synced.apply(&changes[index]);
                }
            }
            Change::Mark(_) => {}
            _ => {
                self.live.apply(change);
                self.pending.push(index);
            }
        }
    }

    /// The disk, when everything stops at the next change.
    pub(crate) fn image(&self, cut: Cut, rng: &mut ChaCha8Rng) -> Image {
        let next = &self.changes[self.next];
        let names = match cut {
            Cut::Killed | Cut::Torn => self.live.clone(),
            Cut::OnlySynced => self.synced.clone(),
            Cut::Some => self.some_names(rng),
        };
        let mut files = BTreeMap::new();
        for (path, file) in &names.files {
            // The memory that processes share is made anew, whatever is in the file.
            let is_gone = path.ends_with("-shm") || (cut != Cut::Killed && path.starts_with(MEMORY));
            if !is_gone && names.has_folder_of(path) {
                files.insert(path.clone(), self.contents(*file, cut, next, rng));
            }
        }
        let folders = names.folders.into_iter().filter(|path| cut == Cut::Killed || path != MEMORY);
        Image { folders: folders.collect(), files }
    }

    fn some_names(&self, rng: &mut ChaCha8Rng) -> Names {
        let mut names = self.synced.clone();
        let count = rng.random_range(0..=self.pending.len());
        for index in &self.pending[..count] {
            names.apply(&self.changes[*index]);
        }
        names
    }

    fn contents(&self, file: FileNumber, cut: Cut, next: &Change, rng: &mut ChaCha8Rng) -> Vec<u8> {
        let Some(state) = self.files.get(&file) else { return Vec::new() };
        let is_next = matches!(next, Change::Written { file: of, .. } if *of == file);
        match cut {
            Cut::Killed => state.live.clone(),
            Cut::Torn => {
                let mut contents = state.live.clone();
                if let (true, Change::Written { bytes, .. }) = (is_next, next) {
                    let mut left = rng.random_range(0..=bytes.len() as u64 / SECTOR);
                    put_change(&mut contents, next, || {
                        left = left.saturating_sub(1);
                        left > 0
                    });
                }
                contents
            }
            Cut::OnlySynced => state.synced.clone(),
            Cut::Some => {
                let mut contents = state.synced.clone();
                let chance = rng.random_range(0.1..0.95);
                let pending = state.pending.iter().map(|index| &self.changes[*index]);
                for change in pending.chain(is_next.then_some(next)) {
                    // A whole write, or some of its sectors.
                    if rng.random_bool(0.7) {
                        if rng.random_bool(chance) {
                            put_change(&mut contents, change, || true);
                        }
                    } else {
                        put_change(&mut contents, change, || rng.random_bool(chance));
                    }
                }
                contents
            }
        }
    }
}

impl Names {
    fn has_folder_of(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(at, _)| &path[..at]);
        above.into_iter().all(|folder| self.folders.contains(folder))
    }
}

impl Image {
    /// Puts everything into an empty folder.
    pub(crate) fn write(&self, root: &Path) {
        for folder in &self.folders {
            let path = root.join(folder);
            fs::create_dir_all(&path).expect("a folder");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("a mode");
        }
        for (path, contents) in &self.files {
            let path = root.join(path);
            fs::write(&path, contents).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
        }
    }
}
