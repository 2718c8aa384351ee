//! [`Mirror`]: the folder, its table, and what waits.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::change::{Decision, DiskChange, Found, HoldReason, PastVersion, Sighting};
use super::displaced::Displaced;
use super::git::GitState;
use super::history::{History, ReadLog};
use super::os::Root;
use super::path::RelPath;
use super::pending::{Pending, Removals};
use super::read::FileRef;
use super::row::{ContentHash, JournalEntry, Kind, MirrorRow, NodeBytes, Stamp, Table, TableChange};
use super::rules::{LocalRules, Rules, Verdict};
use super::walk::Skipped;

/// Clocks of file systems stand still for so long at most (FAT: two seconds).
const COARSE_CLOCK_NANOS: i64 = 2_100_000_000;
/// And on ordinary ones for so long.
const CLOCK_NANOS: i64 = 25_000_000;

/// Which folder this is, to know it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootIdentity {
    /// Number of its file system.
    pub device: u64,
    /// Its number in it.
    pub inode: u64,
    /// When it was made, nanoseconds since 1970; 0: unknown.
    pub born_nanos: i64,
}

/// What was stored about a folder when it was open last.
#[derive(Debug, Default)]
pub struct StoredMirror {
    /// Which folder it was; `None` the first time.
    pub root: Option<RootIdentity>,
    /// The rows.
    pub rows: Vec<MirrorRow>,
    /// Announced operations whose end is not known.
    pub journal: Vec<JournalEntry>,
    /// The branch that was checked out.
    pub branch: Option<String>,
}

/// Why a folder cannot become a mirror.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the folder {}: {source}", .path.display())]
pub struct OpenMirrorError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// The mirror of one workspace in one folder; see the [module](super) for the order of calls.
#[derive(Debug)]
pub struct Mirror {
    pub(super) path: PathBuf,
    pub(super) root: Option<Arc<Root>>,
    identity: RootIdentity,
    pub(super) table: Table,
    pub(super) rules: Rules,
    // What has been seen and is not reported yet.
    pub(super) pending: Pending,
    pub(super) removals: Removals,
    pub(super) git: GitState,
    /// When to look whether git is done.
    pub(super) git_look_at: Option<u64>,
    pub(super) hold: Option<HoldReason>,
    /// Whether nothing is shared of another branch before the person says so.
    pub(super) holds_branches: bool,
    /// The person said that the branch is to be shared; good for one scan.
    pub(super) branch_allowed: bool,
    /// The person said that what is gone was deleted; good for one scan.
    pub(super) deletion_allowed: bool,
    /// What was met and is not shared.
    pub(super) skipped: Skipped,
    /// When what cannot be read is looked at again.
    pub(super) look_again_at: u64,
    /// What the person wants to have written again; for the next scan to report.
    pub(super) to_restore: Vec<RelPath>,
    // What writing leaves behind.
    pub(super) displaced: Vec<Displaced>,
    /// When all processes may be asked again what they have open.
    pub(super) ask_writers_at: u64,
    /// Whether the last answer covered all processes.
    pub(super) sees_all_writers: bool,
    pub(super) journal: BTreeMap<u64, JournalEntry>,
    /// Entries whose operation has ended but is not on the disk for certain.
    pub(super) unsynced: Vec<u64>,
    pub(super) next_journal_id: u64,
    pub(super) journal_done: Vec<u64>,
    /// When a file may be written again.
    pub(super) write_after: BTreeMap<RelPath, u64>,
    pub(super) history: History,
    pub(super) reads: Arc<ReadLog>,
    /// When the present content of a path came to be there.
    pub(super) since_millis: BTreeMap<RelPath, u64>,
    pub(super) temporary_count: u64,
    pub(super) temporary_seed: u64,
    /// Every look at a file makes later writes show in its time.
    pub(super) has_fine_clock: bool,
    /// When this was opened, on the clock of the file system.
    pub(super) opened_nanos: i64,
}

impl Mirror {
    /// Opens the folder. A folder that is known but missing or replaced gives a
    /// mirror on [hold](Mirror::hold), not an error.
    pub fn open(path: &Path, stored: StoredMirror, rules: &LocalRules) -> Result<Mirror, OpenMirrorError> {
        let failed = |source| OpenMirrorError { path: path.to_owned(), source };
        let (root, identity) = match stored.root {
            Some(identity) => (None, identity),
            None => {
                let root = Root::open(path).map_err(failed)?;
                let stamp = root.folder().own_entry().map_err(failed)?.stamp;
                (Some(Arc::new(root)), RootIdentity::of(&stamp))
            }
        };
        let next_journal_id = stored.journal.iter().map(|entry| entry.id + 1).max().unwrap_or(0);
        let mut mirror = Mirror {
            path: path.to_owned(),
            root,
            identity,
            table: Table::from_rows(stored.rows),
            rules: Rules::new(rules),
            pending: Pending::default(),
            removals: Removals::default(),
            git: GitState::default(),
            git_look_at: None,
            hold: None,
            holds_branches: false,
            branch_allowed: false,
            deletion_allowed: false,
            skipped: Skipped::default(),
            look_again_at: 0,
            to_restore: Vec::new(),
            displaced: Vec::new(),
            ask_writers_at: 0,
            sees_all_writers: true,
            journal: stored.journal.into_iter().map(|entry| (entry.id, entry)).collect(),
            unsynced: Vec::new(),
            next_journal_id,
            journal_done: Vec::new(),
            write_after: BTreeMap::new(),
            history: History::default(),
            reads: Arc::default(),
            since_millis: BTreeMap::new(),
            temporary_count: 0,
            temporary_seed: temporary_seed(),
            has_fine_clock: false,
            opened_nanos: wall_nanos(),
        };
        mirror.git.remember_branch(stored.branch);
        mirror.hold = mirror.check_root().err();
        mirror.has_fine_clock = mirror.root.as_ref().is_some_and(|root| has_fine_clock(root));
        Ok(mirror)
    }

    /// Which folder this is; store it with the rows.
    pub fn root_identity(&self) -> RootIdentity {
        self.identity
    }

    /// The branch that is checked out, as of the last batch; store it with the rows.
    pub fn branch(&self) -> Option<&str> {
        self.git.branch()
    }

    /// Says whether another branch is shared only when the person says so.
    pub fn hold_branches(&mut self, holds: bool) {
        self.holds_branches = holds;
    }

    /// Why nothing happens, if nothing happens.
    pub fn hold(&self) -> Option<&HoldReason> {
        self.hold.as_ref()
    }

    /// What was met and is not shared.
    pub fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    /// What the mirror knows about a path.
    pub fn row(&self, path: &RelPath) -> Option<&MirrorRow> {
        self.table.get(path)
    }

    /// Everything the mirror knows, by path.
    pub fn rows(&self) -> impl Iterator<Item = &MirrorRow> {
        self.table.rows()
    }

    /// Number of files (not folders) in the table.
    pub fn files(&self) -> usize {
        self.table.files()
    }

    /// Whether the folder's rules let a path take part. Reads rule files at most once.
    pub fn verdict(&mut self, path: &RelPath, kind: Kind) -> Verdict {
        match &self.root {
            Some(root) => self.rules.verdict(root, path, kind),
            None => Verdict::Ignored,
        }
    }

    /// Replaces the person's own rules; scan afterwards.
    pub fn set_rules(&mut self, rules: &LocalRules) {
        self.rules = Rules::new(rules);
    }

    /// Give this to the watcher, so that it notes who reads what was written.
    pub fn read_log(&self) -> Arc<ReadLog> {
        Arc::clone(&self.reads)
    }

    /// What must be stored since the last call, in order.
    pub fn drain_table_changes(&mut self) -> Vec<TableChange> {
        let mut changes = self.table.drain_unsaved();
        changes.extend(self.journal_done.drain(..).map(TableChange::JournalDone));
        changes
    }

    /// Takes a reported change as done: the edit is in the store, and the path holds
    /// `version` of `node` now (renames, removals and mode changes keep theirs).
    /// `version` must name exactly the bytes of the change, not what they merge into:
    /// it is the base of the next save until something else is written there.
    pub fn accept(&mut self, change: &DiskChange, node: NodeBytes, version: &[u8], now_millis: u64) {
        match change {
            DiskChange::Created { path, found: Found::Folder(Sighting(stamp)) } => {
                self.put_row(path, node, Kind::Folder, [0; 32], false, *stamp, version);
            }
            DiskChange::Created { path, found: Found::File(file) }
            | DiskChange::Modified { path, file, .. } => {
                if file.is_displaced {
                    return self.accept_displaced(file, version);
                }
                self.note_past_version(path, now_millis, false);
                self.reads.note_saved(path);
                self.put_file_row(path, node, file, version);
            }
            DiskChange::Removed { path, node, .. } => {
                if self.table.get(path).is_some_and(|row| row.node == *node) {
                    self.table.remove(path);
                    self.history.remove(path);
                    self.since_millis.remove(path);
                }
            }
            DiskChange::Renamed { from, to, seen, .. } => {
                self.table.rename(from, to);
                self.history.rename(from, to);
                self.table.update(to, |row| {
                    // A rename moves the change time only, unless the bytes changed as well.
                    if row.stamp.is_same_content(&seen.0) || row.kind == Kind::Folder {
                        row.stamp = seen.0;
                    }
                });
            }
            DiskChange::ModeChanged { path, executable, seen, .. } => {
                self.table.update(path, |row| {
                    row.executable = *executable;
                    if row.stamp.is_same_content(&seen.0) {
                        row.stamp = seen.0;
                    }
                });
            }
        }
    }

    /// Names the content of a row anew, when the workspace's version of the same bytes
    /// has moved on (a change and its undoing, an identical edit elsewhere).
    pub fn set_version(&mut self, path: &RelPath, node: NodeBytes, version: &[u8]) {
        self.table.update(path, |row| {
            row.node = node;
            row.version = version.to_vec();
        });
    }

    /// Answers a hold. Scan afterwards: it reports the deletions, or lists the paths
    /// to write again in [`Batch::forgotten`](super::Batch::forgotten).
    pub fn resume(&mut self, decision: Decision) -> Result<(), OpenMirrorError> {
        let failed = |source| OpenMirrorError { path: self.path.clone(), source };
        if decision == Decision::Restore && Root::look(&self.path).is_err() {
            std::fs::create_dir_all(&self.path).map_err(failed)?;
        }
        let root = Root::open(&self.path).map_err(failed)?;
        let stamp = root.folder().own_entry().map_err(failed)?.stamp;
        self.identity = RootIdentity::of(&stamp);
        self.has_fine_clock = has_fine_clock(&root);
        self.root = Some(Arc::new(root));
        self.rules.forget("");
        self.pending.clear();
        self.removals.clear();
        self.displaced.clear();
        match decision {
            Decision::Deleted => self.deletion_allowed = true,
            Decision::Restore => self.forget_missing_rows(),
            Decision::Share => self.branch_allowed = true,
        }
        self.adopt_devices();
        self.hold = None;
        Ok(())
    }

    /// The open folder, if it is still the one the table is about.
    pub(super) fn check_root(&mut self) -> Result<Arc<Root>, HoldReason> {
        let found = match Root::look(&self.path) {
            Ok(stamp) => RootIdentity::of(&stamp),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(HoldReason::RootMissing(self.path.clone()));
            }
            Err(error) => return Err(self.unreadable(&error)),
        };
        if !found.is_same_folder(&self.identity) {
            return Err(HoldReason::RootReplaced(self.path.clone()));
        }
        if found.device != self.identity.device {
            self.renumber(self.identity.device, found.device);
            self.identity = found;
            self.root = None;
        }
        if let Some(root) = &self.root {
            return Ok(Arc::clone(root));
        }
        let root = Root::open(&self.path).map_err(|error| self.unreadable(&error))?;
        let root = Arc::new(root);
        self.root = Some(Arc::clone(&root));
        Ok(root)
    }

    fn unreadable(&self, error: &io::Error) -> HoldReason {
        HoldReason::RootUnreadable { error: error.to_string(), path: self.path.clone() }
    }

    /// The same file system got another number (after a restart, on some systems).
    fn renumber(&mut self, old: u64, new: u64) {
        let rows: Vec<MirrorRow> = self.table.rows().filter(|row| row.stamp.device == old).cloned().collect();
        for mut row in rows {
            row.stamp.device = new;
            self.table.put(row);
        }
    }

    fn forget_missing_rows(&mut self) {
        let Some(root) = self.root.clone() else {
            return;
        };
        let missing: Vec<RelPath> = self
            .table
            .rows()
            .filter(|row| {
                let folder = root.open_folder(row.path.parent_str());
                !folder.is_ok_and(|folder| matches!(folder.look(row.path.file_name()), Ok(Some(_))))
            })
            .map(|row| row.path.clone())
            .collect();
        for path in &missing {
            self.table.remove(path);
        }
        self.to_restore = missing;
    }

    /// Takes the folders as they are after the person has said that this is right.
    fn adopt_devices(&mut self) {
        let Some(root) = self.root.clone() else {
            return;
        };
        let folders: Vec<RelPath> =
            self.table.rows().filter(|row| row.kind == Kind::Folder).map(|row| row.path.clone()).collect();
        for path in folders {
            let entry = root.open_folder(path.as_str()).and_then(|folder| folder.own_entry());
            if let Ok(entry) = entry {
                self.table.update(&path, |row| row.stamp = entry.stamp);
            }
        }
    }

    pub(super) fn put_file_row(&mut self, path: &RelPath, node: NodeBytes, file: &FileRef, version: &[u8]) {
        self.put_row(path, node, Kind::File, file.hash, file.executable, file.stamp, version);
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a row, each used once")]
    pub(super) fn put_row(
        &mut self,
        path: &RelPath,
        node: NodeBytes,
        kind: Kind,
        hash: ContentHash,
        executable: bool,
        stamp: Stamp,
        version: &[u8],
    ) {
        let settled = kind == Kind::Folder || self.is_settled(&stamp);
        // Whoever made it again, it is not gone.
        self.removals.note_back(path);
        self.table.put(MirrorRow {
            path: path.clone(),
            node,
            kind,
            hash,
            executable,
            stamp,
            settled,
            ignored: false,
            version: version.to_vec(),
        });
    }

    /// Whether any later write would change this stamp.
    pub(super) fn is_settled(&self, stamp: &Stamp) -> bool {
        if self.has_fine_clock {
            return true;
        }
        let is_coarse = stamp.modified_nanos % 1_000_000_000 == 0;
        let still = if is_coarse { COARSE_CLOCK_NANOS } else { CLOCK_NANOS };
        wall_nanos() - stamp.modified_nanos.max(stamp.changed_nanos) > still
    }

    /// Keeps what a path has held until now as a possible base of a later save.
    pub(super) fn note_past_version(&mut self, path: &RelPath, now_millis: u64, is_written_over: bool) {
        let since_millis = self.since_millis.insert(path.clone(), now_millis).unwrap_or(0);
        let Some(row) = self.table.get(path) else {
            return;
        };
        let (version, hash) = (row.version.clone(), row.hash);
        let past = PastVersion { version, hash, since_millis, is_written_over };
        self.history.push(path, past, now_millis);
    }
}

impl RootIdentity {
    fn of(stamp: &Stamp) -> RootIdentity {
        RootIdentity { device: stamp.device, inode: stamp.inode, born_nanos: stamp.born_nanos }
    }

    /// The same inode made at the same nanosecond is the same folder even when its
    /// file system has another number now.
    fn is_same_folder(&self, other: &RootIdentity) -> bool {
        self.inode == other.inode
            && self.born_nanos == other.born_nanos
            && (self.device == other.device || self.born_nanos != 0)
    }
}

pub(super) fn wall_nanos() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Names of temporaries of different runs must differ; they need not be secret.
fn temporary_seed() -> u64 {
    let mut bytes = wall_nanos().to_le_bytes().to_vec();
    bytes.extend(std::process::id().to_le_bytes());
    let hash = blake3::hash(&bytes);
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("eight of 32 bytes"))
}

/// Since Linux 6.13 the common file systems give a write a time of its own once
/// somebody has looked at the file.
#[cfg(target_os = "linux")]
#[allow(clippy::useless_conversion, reason = "the type of the field differs by processor")]
fn has_fine_clock(root: &Root) -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-', '+']).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    const FILE_SYSTEMS: [i64; 4] = [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994];
    version >= (6, 13)
        && root.sync_handle().is_ok_and(|file| {
            rustix::fs::fstatfs(&file).is_ok_and(|found| FILE_SYSTEMS.contains(&i64::from(found.f_type)))
        })
}

#[cfg(not(target_os = "linux"))]
fn has_fine_clock(_root: &Root) -> bool {
    false
}
