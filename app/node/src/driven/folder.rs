//! A shared folder without a disk: what programs do to it, and what the mirror does.
//!
//! It follows the rules of the mirror: nothing else is looked at or written while a batch is
//! open, nothing is written over what nobody has reported, and a save names what its writer saw.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use weft_crdt::NodeId;
use weft_store::{Space, Storage, Table, Write};
use weft_sync::ids::WorkspaceId;

use crate::folder::{Accepted, Outdated, PlannedContent, PlannedWrite, Written};
use crate::mirror::{
    DiskChange, Evidence, FileRef, Found, Kind, MirrorRow, Obstacle, PastVersion, RelPath, SaveBase,
    Sighting, Stamp, WriteOutcome,
};
use crate::workspace::contents::Contents;

/// Versions of a file that are kept.
const VERSIONS_KEPT: usize = 8;

/// Something that lies in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Its bytes; none for a folder.
    pub bytes: Option<Arc<[u8]>>,
    /// Whether it may be run.
    pub executable: bool,
    /// It keeps this when it is moved.
    inode: u64,
    /// What the last program to save it had loaded, when that was not the newest version.
    seen: Option<Vec<u8>>,
}

/// What the mirror knows of a path.
#[derive(Clone, Debug)]
struct Row {
    node: [u8; 16],
    kind: Kind,
    hash: [u8; 32],
    executable: bool,
    inode: u64,
    version: Vec<u8>,
    /// Earlier versions, newest first, with their bytes.
    older: VecDeque<Older>,
    bytes: Arc<[u8]>,
}

/// A version that a path held before.
#[derive(Clone, Debug)]
struct Older {
    version: Vec<u8>,
    bytes: Arc<[u8]>,
    /// Whether the version after it was written by the mirror.
    is_written_over: bool,
}

/// A shared folder without a disk. It survives a crash of the program.
#[derive(Clone, Debug, Default)]
pub struct ModelFolder {
    disk: BTreeMap<String, ModelFile>,
    rows: BTreeMap<String, Row>,
    next_inode: u64,
    open: Option<(u64, Vec<DiskChange>)>,
    writes: VecDeque<PlannedWriteBox>,
    accepted: Vec<Arc<[u8]>>,
    /// Whether what is noted now was saved by a program, and not written by the mirror.
    is_accepting: bool,
}

/// A planned write; what waits is lost with the program.
#[derive(Clone, Debug)]
struct PlannedWriteBox(Arc<PlannedWrite>);

fn hash_of(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn is_inside(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn moved<T>(map: &mut BTreeMap<String, T>, from: &str, to: &str) {
    let inside: Vec<String> =
        map.keys().filter(|path| *path == from || is_inside(path, from)).cloned().collect();
    for path in inside {
        if let Some(value) = map.remove(&path) {
            map.insert(format!("{to}{}", &path[from.len()..]), value);
        }
    }
}

// What other programs do.
impl ModelFolder {
    /// What lies in the folder.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<String, ModelFile> {
        &self.disk
    }

    fn inode(&mut self) -> u64 {
        self.next_inode += 1;
        self.next_inode
    }

    fn has_folder(&self, path: &str) -> bool {
        path.is_empty() || self.disk.get(path).is_some_and(|file| file.bytes.is_none())
    }

    /// Makes a file, or saves one; `loaded` are the bytes that the program began with.
    pub fn save(&mut self, path: &str, bytes: &[u8], loaded: Option<&[u8]>) -> bool {
        if !self.has_folder(parent(path)) || self.has_folder(path) {
            return false;
        }
        let seen = loaded.and_then(|loaded| self.version_with(path, loaded));
        let inode = self.inode();
        let file = self.disk.entry(path.to_owned());
        let file = file.or_insert(ModelFile { bytes: None, executable: false, inode, seen: None });
        file.bytes = Some(bytes.into());
        file.seen = seen;
        true
    }

    /// Files of which an earlier version is remembered, with those bytes.
    #[must_use]
    pub fn old_copies(&self) -> Vec<(String, Arc<[u8]>)> {
        let is_whole = |(path, row): &(&String, &Row)| {
            self.disk.get(*path).and_then(|file| file.bytes.as_deref()).map(hash_of) == Some(row.hash)
        };
        let rows = self.rows.iter().filter(is_whole);
        rows.filter_map(|(path, row)| Some((path.clone(), Arc::clone(&row.older.back()?.bytes)))).collect()
    }

    /// The name of the version with these bytes, when it is not the newest one.
    fn version_with(&self, path: &str, loaded: &[u8]) -> Option<Vec<u8>> {
        let row = self.rows.get(path)?;
        if *row.bytes == *loaded {
            return None;
        }
        row.older.iter().find(|older| *older.bytes == *loaded).map(|older| older.version.clone())
    }

    /// Makes a folder.
    pub fn make_folder(&mut self, path: &str) -> bool {
        if !self.has_folder(parent(path)) || self.disk.contains_key(path) {
            return false;
        }
        let inode = self.inode();
        self.disk.insert(path.to_owned(), ModelFile { bytes: None, executable: false, inode, seen: None });
        true
    }

    /// Removes something with all that is in it.
    pub fn remove(&mut self, path: &str) {
        self.disk.retain(|other, _| other != path && !is_inside(other, path));
    }

    /// Moves something to a free place.
    pub fn rename(&mut self, from: &str, to: &str) -> bool {
        let is_free = !self.disk.contains_key(to) && self.has_folder(parent(to));
        if !self.disk.contains_key(from) || !is_free || from == to || is_inside(to, from) {
            return false;
        }
        moved(&mut self.disk, from, to);
        true
    }

    /// Lets the mirror know no more than it knew when `older` was kept; what lies on the disk stays.
    pub fn forget_rows_after(&mut self, older: &Self) {
        self.rows.clone_from(&older.rows);
    }

    /// The bytes of saves that became edits in the store since this was asked last.
    pub fn take_accepted(&mut self) -> Vec<Arc<[u8]>> {
        std::mem::take(&mut self.accepted)
    }

    /// Sets whether a file may be run.
    pub fn set_executable(&mut self, path: &str, executable: bool) {
        if let Some(file) = self.disk.get_mut(path).filter(|file| file.bytes.is_some()) {
            file.executable = executable;
        }
    }
}

// What the mirror does.
impl ModelFolder {
    /// Begins a run: the rows stand in the store as the journal leaves them.
    pub(super) fn begin(&mut self, store: &dyn Storage, ws: WorkspaceId) -> Result<(), String> {
        self.open = None;
        self.writes.clear();
        self.accepted.clear();
        self.keep_rows(store, ws)
    }

    /// Stores what the mirror knows.
    pub(super) fn keep_rows(&self, store: &dyn Storage, ws: WorkspaceId) -> Result<(), String> {
        let space = Space::workspace(ws, Table::Mirror);
        let mut writes = vec![Write::ClearRecords(space)];
        for (path, row) in &self.rows {
            let row = MirrorRow {
                path: RelPath::parse(path).map_err(|error| error.to_string())?,
                node: row.node,
                kind: row.kind,
                hash: row.hash,
                executable: row.executable,
                stamp: Stamp::default(),
                settled: true,
                ignored: false,
                version: row.version.clone(),
            };
            let key = [&[0], path.as_bytes()].concat();
            let value = postcard::to_allocvec(&row).expect("a row has no unknown lengths");
            writes.push(Write::Record { space, key, value: Some(value) });
        }
        store.commit(&writes).map(|_| ()).map_err(|error| error.to_string())
    }

    pub(super) fn is_busy(&self) -> bool {
        self.open.is_some() || !self.writes.is_empty()
    }

    pub(super) fn open_batch(&mut self, batch: u64, changes: Vec<DiskChange>) {
        self.open = Some((batch, changes));
    }

    pub(super) fn queue(&mut self, writes: Vec<PlannedWrite>) {
        self.writes.extend(writes.into_iter().map(|write| PlannedWriteBox(Arc::new(write))));
    }

    /// What programs did since the last look, as the mirror would report it.
    pub(super) fn look(&self) -> Option<Vec<DiskChange>> {
        if self.open.is_some() {
            return None;
        }
        let mut rows: BTreeMap<String, (Kind, [u8; 32], bool, u64)> = self
            .rows
            .iter()
            .map(|(path, row)| (path.clone(), (row.kind, row.hash, row.executable, row.inode)))
            .collect();
        let mut changes = self.renames(&mut rows);
        let mut found = Vec::new();
        let mut saved = Vec::new();
        for (path, file) in &self.disk {
            let place = RelPath::parse(path).ok()?;
            let known = rows.get(path);
            match (&file.bytes, known) {
                (None, Some((Kind::Folder, ..))) => {}
                (None, _) => {
                    found.push(DiskChange::Created { path: place, found: Found::Folder(sighting()) })
                }
                (Some(bytes), Some((Kind::File, hash, executable, _))) => {
                    let base = self.base(&changes, path, file);
                    let Some((node, base)) = base else { continue };
                    if hash_of(bytes) != *hash {
                        let file = FileRef::of_bytes(bytes, file.executable);
                        saved.push(DiskChange::Modified { path: place.clone(), node, base, file });
                    }
                    if file.executable != *executable {
                        let executable = file.executable;
                        let seen = sighting();
                        saved.push(DiskChange::ModeChanged { path: place, node, executable, seen });
                    }
                }
                (Some(bytes), _) => {
                    let file = FileRef::of_bytes(bytes, file.executable);
                    saved.push(DiskChange::Created { path: place, found: Found::File(file) });
                }
            }
        }
        changes.extend(found);
        changes.extend(saved);
        for (path, (kind, ..)) in rows.iter().rev() {
            let is_there =
                self.disk.get(path).is_some_and(|file| file.bytes.is_none() == (*kind == Kind::Folder));
            if !is_there
                && let (Ok(place), Some(row)) = (RelPath::parse(path), self.row_before(&changes, path))
            {
                let (node, version) = (row.node, row.version.clone());
                changes.push(DiskChange::Removed { path: place, node, kind: *kind, version });
            }
        }
        (!changes.is_empty()).then_some(changes)
    }

    /// Moves, outer folders first; `rows` are then as after them.
    fn renames(&self, rows: &mut BTreeMap<String, (Kind, [u8; 32], bool, u64)>) -> Vec<DiskChange> {
        let mut changes = Vec::new();
        for kind in [Kind::Folder, Kind::File] {
            for (to, file) in &self.disk {
                if file.bytes.is_none() != (kind == Kind::Folder) || rows.contains_key(to) {
                    continue;
                }
                let gone = rows.iter().find(|(path, (of, _, _, inode))| {
                    *of == kind && *inode == file.inode && !self.disk.contains_key(*path)
                });
                let Some(from) = gone.map(|(path, _)| path.clone()) else { continue };
                let (Ok(old), Ok(new)) = (RelPath::parse(&from), RelPath::parse(to)) else { continue };
                let Some(row) = self.row_before(&changes, &from) else { continue };
                let (node, seen) = (row.node, sighting());
                changes.push(DiskChange::Renamed { from: old, to: new, node, kind, seen });
                moved(rows, &from, to);
            }
        }
        changes
    }

    /// The row of a path as it is after these changes.
    fn row_before(&self, changes: &[DiskChange], path: &str) -> Option<&Row> {
        let mut path = path.to_owned();
        for change in changes.iter().rev() {
            if let DiskChange::Renamed { from, to, .. } = change
                && (path == to.as_str() || is_inside(&path, to.as_str()))
            {
                path = format!("{}{}", from.as_str(), &path[to.as_str().len()..]);
            }
        }
        self.rows.get(&path)
    }

    /// The known folders above what is new or renamed, by where they lie after these changes.
    pub(super) fn folders_above(&self, changes: &[DiskChange]) -> BTreeMap<RelPath, [u8; 16]> {
        let mut folders = BTreeMap::new();
        let is_new =
            |change: &&DiskChange| matches!(change, DiskChange::Created { .. } | DiskChange::Renamed { .. });
        for change in changes.iter().filter(is_new) {
            let path = change.path().as_str();
            for (end, _) in path.match_indices('/') {
                if let (Ok(folder), Some(row)) =
                    (RelPath::parse(&path[..end]), self.row_before(changes, &path[..end]))
                {
                    folders.insert(folder, row.node);
                }
            }
        }
        folders
    }

    fn base(&self, changes: &[DiskChange], path: &str, file: &ModelFile) -> Option<([u8; 16], SaveBase)> {
        let row = self.row_before(changes, path)?;
        let older = row.older.iter().map(|older| PastVersion {
            version: older.version.clone(),
            hash: hash_of(&older.bytes),
            since_millis: 0,
            is_written_over: older.is_written_over,
        });
        let evidence = if file.seen.is_some() { Evidence::Certain } else { Evidence::None };
        let version = file.seen.clone().unwrap_or_else(|| row.version.clone());
        Some((row.node, SaveBase { version, hash: row.hash, older: older.collect(), evidence }))
    }

    /// The edits of a batch are in the store. Gives back writes that were planned before it was known.
    pub(super) fn accept(&mut self, batch: u64, accepted: &[Accepted]) -> Vec<Written> {
        let Some((open, changes)) = self.open.take() else { return Vec::new() };
        if open != batch {
            self.open = Some((open, changes));
            return Vec::new();
        }
        self.is_accepting = true;
        for done in accepted {
            if let Some(change) = changes.get(done.index) {
                self.accept_one(change, done.node, &done.version);
            }
        }
        self.is_accepting = false;
        let outdated = Outdated::by(&changes);
        let mut given_back = Vec::new();
        self.writes.retain(|PlannedWriteBox(write)| {
            let written = outdated.give_back(write);
            let is_kept = written.is_none();
            given_back.extend(written);
            is_kept
        });
        given_back
    }

    fn accept_one(&mut self, change: &DiskChange, node: NodeId, version: &[u8]) {
        let path = change.path().as_str().to_owned();
        match change {
            DiskChange::Created { found: Found::Folder(_), .. } => {
                let inode = self.disk.get(&path).map_or(0, |file| file.inode);
                self.put_row(&path, node, Kind::Folder, &[], false, inode, version);
            }
            DiskChange::Created { found: Found::File(file), .. } | DiskChange::Modified { file, .. } => {
                let inode = self.disk.get(&path).map_or(0, |file| file.inode);
                let bytes: Arc<[u8]> = file.bytes().unwrap_or_default().into();
                self.accepted.push(Arc::clone(&bytes));
                self.put_row(&path, node, Kind::File, &bytes, file.executable(), inode, version);
                if let Some(on_disk) = self.disk.get_mut(&path)
                    && on_disk.bytes.as_deref() == file.bytes()
                {
                    on_disk.seen = None;
                }
            }
            DiskChange::Removed { .. } => {
                self.rows.remove(&path);
            }
            DiskChange::Renamed { from, to, .. } => {
                moved(&mut self.rows, from.as_str(), to.as_str());
                if let Some(row) = self.rows.get_mut(to.as_str()) {
                    row.node = *node.as_bytes();
                }
            }
            DiskChange::ModeChanged { executable, .. } => {
                if let Some(row) = self.rows.get_mut(&path) {
                    row.executable = *executable;
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one row")]
    fn put_row(
        &mut self,
        path: &str,
        node: NodeId,
        kind: Kind,
        bytes: &[u8],
        executable: bool,
        inode: u64,
        version: &[u8],
    ) {
        let bytes: Arc<[u8]> = bytes.into();
        let mut older = VecDeque::new();
        if let Some(before) = self.rows.remove(path) {
            older = before.older;
            let is_written_over = !self.is_accepting;
            older.push_front(Older { version: before.version, bytes: before.bytes, is_written_over });
            older.truncate(VERSIONS_KEPT);
        }
        let hash = if kind == Kind::File { hash_of(&bytes) } else { [0; 32] };
        let version = version.to_vec();
        let row = Row { node: *node.as_bytes(), kind, hash, executable, inode, version, older, bytes };
        self.rows.insert(path.to_owned(), row);
    }

    /// Carries out what is to be written.
    pub(super) fn write(&mut self, contents: &Contents) -> Vec<Written> {
        let mut done = Vec::new();
        while self.open.is_none()
            && let Some(PlannedWriteBox(write)) = self.writes.pop_front()
        {
            let (path, node) = (write.path().clone(), write.node());
            let outcome = self.write_one(&write, contents);
            done.push(Written { path, node, outcome });
        }
        done
    }

    /// Whether a path holds what the mirror knows of it.
    fn is_as_known(&self, path: &str) -> bool {
        match (self.disk.get(path), self.rows.get(path)) {
            (None, None) => true,
            (Some(file), Some(row)) => match &file.bytes {
                None => row.kind == Kind::Folder,
                Some(bytes) => row.kind == Kind::File && hash_of(bytes) == row.hash,
            },
            _ => false,
        }
    }

    fn write_one(&mut self, write: &PlannedWrite, contents: &Contents) -> WriteOutcome {
        let path = write.path().as_str().to_owned();
        if !self.has_folder(parent(&path)) {
            return WriteOutcome::Changed;
        }
        match write {
            PlannedWrite::File { node, version, content, executable, .. } => {
                if self.disk.get(&path).is_some_and(|file| file.bytes.is_none()) {
                    return WriteOutcome::Blocked(Obstacle::Occupied);
                }
                if !self.is_as_known(&path) {
                    return WriteOutcome::Changed;
                }
                let bytes: Arc<[u8]> = match content {
                    PlannedContent::Bytes(bytes) => Arc::clone(bytes),
                    PlannedContent::Blob(blob) => match contents.load(blob) {
                        Ok(bytes) => bytes.into(),
                        Err(error) => return WriteOutcome::Failed(std::io::Error::other(error)),
                    },
                };
                let inode = self.inode();
                let file =
                    ModelFile { bytes: Some(Arc::clone(&bytes)), executable: *executable, inode, seen: None };
                self.disk.insert(path.clone(), file);
                self.put_row(&path, *node, Kind::File, &bytes, *executable, inode, version);
                WriteOutcome::Done
            }
            PlannedWrite::MakeFolder { node, .. } => {
                match self.disk.get(&path) {
                    Some(file) if file.bytes.is_some() => return WriteOutcome::Blocked(Obstacle::Occupied),
                    Some(_) => {}
                    None => {
                        self.make_folder(&path);
                    }
                }
                let inode = self.disk.get(&path).map_or(0, |file| file.inode);
                self.put_row(&path, *node, Kind::Folder, &[], false, inode, &[]);
                WriteOutcome::Done
            }
            PlannedWrite::Remove { node, .. } => {
                let is_it = |row: &Row| node.is_none_or(|node| row.node == node);
                if !self.is_as_known(&path) || !self.rows.get(&path).is_none_or(is_it) {
                    return WriteOutcome::Changed;
                }
                self.disk.remove(&path);
                self.rows.remove(&path);
                WriteOutcome::Done
            }
            PlannedWrite::RemoveFolder { .. } => {
                if !self.is_as_known(&path) {
                    return WriteOutcome::Changed;
                }
                if self.disk.keys().any(|other| is_inside(other, &path)) {
                    return WriteOutcome::Blocked(Obstacle::NotEmpty);
                }
                self.disk.remove(&path);
                self.rows.remove(&path);
                WriteOutcome::Done
            }
            PlannedWrite::Rename { from, kind, node, .. } => {
                self.rename_one(from.as_str(), &path, *kind, *node)
            }
            PlannedWrite::SetExecutable { executable, .. } => {
                let (Some(file), Some(row)) = (self.disk.get_mut(&path), self.rows.get_mut(&path)) else {
                    return WriteOutcome::Changed;
                };
                file.executable = *executable;
                row.executable = *executable;
                WriteOutcome::Done
            }
        }
    }

    fn rename_one(&mut self, from: &str, to: &str, kind: Kind, node: Option<[u8; 16]>) -> WriteOutcome {
        let is_it = match (self.disk.get(from), self.rows.get(from)) {
            (Some(file), Some(row)) => {
                file.bytes.is_none() == (kind == Kind::Folder)
                    && row.kind == kind
                    && node.is_none_or(|node| row.node == node)
            }
            _ => false,
        };
        if !is_it {
            return WriteOutcome::Changed;
        }
        if self.disk.contains_key(to) || is_inside(to, from) {
            return WriteOutcome::Blocked(Obstacle::Occupied);
        }
        moved(&mut self.disk, from, to);
        moved(&mut self.rows, from, to);
        WriteOutcome::Done
    }
}

fn sighting() -> Sighting {
    Sighting(Stamp::default())
}
