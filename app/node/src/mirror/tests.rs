//! The rules of the mirror, each with a test that names it, on real folders.

mod editors;
mod holding;
mod ignoring;
mod joining;
mod reading;
mod recovery;
mod renaming;
mod writing;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;

/// Events that wait for a bench at most.
const EVENTS_MAX: usize = 16_384;

#[test]
fn a_mirror_can_move_to_its_own_thread() {
    fn assert_send<T: Send>() {}
    assert_send::<Mirror>();
    assert_send::<Batch>();
    assert_send::<WriteOp>();
    assert_send::<SyncJob>();
    assert_send::<Watcher>();
}

/// A folder with its mirror, and a stand-in for the workspace that takes every change.
struct Bench {
    folder: TempDir,
    mirror: Mirror,
    contents: Contents,
    /// The clock of tests without a watcher; otherwise real time.
    now: u64,
    started: Instant,
    watcher: Option<(Watcher, Receiver<FolderEvent>)>,
    /// Bytes that changes brought, by path, newest last.
    saves: Vec<(String, Vec<u8>, SaveBase)>,
    next_node: u8,
}

/// What the workspace knows of old versions.
#[derive(Default)]
struct Contents(RefCell<BTreeMap<Vec<u8>, Vec<u8>>>);

impl OldContent for Contents {
    fn content(&self, _node: &NodeBytes, version: &[u8]) -> Option<Vec<u8>> {
        self.0.borrow().get(version).cloned()
    }
}

impl Contents {
    /// A version is named by its hash here.
    fn put(&self, bytes: &[u8]) -> Vec<u8> {
        let version = blake3::hash(bytes).as_bytes()[..8].to_vec();
        self.0.borrow_mut().insert(version.clone(), bytes.to_vec());
        version
    }
}

impl Bench {
    fn new() -> Bench {
        Bench::with_rules(&LocalRules::default())
    }

    fn with_rules(rules: &LocalRules) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let mirror = Mirror::open(folder.path(), StoredMirror::default(), rules).unwrap();
        Bench {
            folder,
            mirror,
            contents: Contents::default(),
            now: 1_000_000,
            started: Instant::now(),
            watcher: None,
            saves: Vec::new(),
            next_node: 1,
        }
    }

    /// A bench with these files, all known.
    fn with_files(files: &[(&str, &str)]) -> Bench {
        let mut bench = Bench::new();
        for (path, text) in files {
            bench.save(path, text);
        }
        bench.age();
        bench.scan();
        bench
    }

    fn watch(mut self) -> Bench {
        let (sender, receiver) = sync_channel(EVENTS_MAX);
        let (rules, reads) = (LocalRules::default(), self.mirror.read_log());
        let hand_over = move |event| sender.try_send(event);
        let watcher = Watcher::start(self.folder.path(), &rules, reads, hand_over).unwrap();
        self.watcher = Some((watcher, receiver));
        self
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes as a simple program does.
    fn save(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|error| format!("<{error}>"))
    }

    /// Makes all files old, so that a scan does not take them for half written.
    fn age(&self) {
        fn walk(folder: &Path) {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                if entry.file_type().unwrap().is_dir() {
                    walk(&entry.path());
                } else if entry.file_type().unwrap().is_file() {
                    let time = filetime::FileTime::from_unix_time(1_700_000_000, 1);
                    let _ = filetime::set_file_mtime(entry.path(), time);
                }
            }
        }
        walk(self.folder.path());
    }

    fn path(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    fn try_scan(&mut self) -> Result<(Vec<String>, Batch), HoldReason> {
        let batch = self.mirror.scan(self.now, &self.contents, &mut |_| ())?;
        Ok((self.take(&batch), batch))
    }

    fn scan(&mut self) -> Vec<String> {
        self.try_scan().unwrap().0
    }

    /// One check at the test's clock; the words for what it reported.
    fn check(&mut self, events: &[(&str, Hint)]) -> Vec<String> {
        let events: Vec<FolderEvent> = events
            .iter()
            .map(|(path, hint)| FolderEvent::Path { path: Bench::path(path), hint: *hint })
            .collect();
        self.check_events(&events).0
    }

    fn check_events(&mut self, events: &[FolderEvent]) -> (Vec<String>, CheckOutcome) {
        let outcome = self.mirror.check(self.now, events, &self.contents, &mut |_| ());
        (self.take(&outcome.batch), outcome)
    }

    /// Takes a batch as the workspace would, and puts it into words.
    fn take(&mut self, batch: &Batch) -> Vec<String> {
        let mut words = Vec::new();
        for change in &batch.changes {
            let mut version = Vec::new();
            let node;
            words.push(match change {
                DiskChange::Created { path, found } => {
                    node = [self.next_node; 16];
                    self.next_node = self.next_node.wrapping_add(1);
                    if let Found::File(file) = found {
                        version = self.contents.put(&file.read().unwrap());
                        format!("created {path}")
                    } else {
                        format!("created {path}/")
                    }
                }
                DiskChange::Modified { path, node: of, base, file } => {
                    node = *of;
                    let bytes = file.read().unwrap();
                    version = self.contents.put(&bytes);
                    self.saves.push((path.to_string(), bytes, base.clone()));
                    let how = if file.is_displaced() { "saved aside" } else { "modified" };
                    format!("{how} {path}")
                }
                DiskChange::Removed { path, node: of, .. } => {
                    node = *of;
                    format!("removed {path}")
                }
                DiskChange::Renamed { from, to, node: of, .. } => {
                    node = *of;
                    format!("renamed {from} -> {to}")
                }
                DiskChange::ModeChanged { path, node: of, executable, .. } => {
                    node = *of;
                    format!("executable={executable} {path}")
                }
            });
            self.mirror.accept(change, node, &version, self.now);
        }
        words
    }

    /// Takes everything that comes until all is quiet, with the real watcher and clock.
    fn settle(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut quiet_since = Instant::now();
        loop {
            self.now = 1_000_000 + u64::try_from(self.started.elapsed().as_millis()).unwrap();
            let events: Vec<FolderEvent> =
                self.watcher.as_ref().map(|(_, events)| events.try_iter().collect()).unwrap_or_default();
            let (new, outcome) = self.check_events(&events);
            if !events.is_empty() || outcome.retry_at_millis.is_some() {
                quiet_since = Instant::now();
            }
            words.extend(new);
            if let Some(reason) = outcome.hold {
                words.push(format!("hold: {reason}"));
                return words;
            }
            if quiet_since.elapsed() > Duration::from_millis(30) {
                return words;
            }
            assert!(Instant::now() < deadline, "the folder never gets quiet: {words:?}");
            std::thread::yield_now();
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Writes one file as a peer's edit does; what came of it.
    fn write(&mut self, path: &str, text: &str) -> WriteOutcome {
        let version = self.contents.put(text.as_bytes());
        let node = self.mirror.row(&Bench::path(path)).map_or([99; 16], |row| row.node);
        let executable = self.mirror.row(&Bench::path(path)).is_some_and(|row| row.executable);
        let content = Content::from_bytes(text);
        self.op(WriteOp::File { path: Bench::path(path), node, version, content, executable })
    }

    fn op(&mut self, op: WriteOp) -> WriteOutcome {
        self.mirror.write(self.now, vec![op]).remove(0)
    }

    fn temporaries(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else if name.starts_with(".weft-tmp-") {
                    found.push(name);
                }
            }
        }
        found
    }

    fn rows(&self) -> Vec<String> {
        self.mirror.rows().map(|row| row.path.to_string()).collect()
    }
}
