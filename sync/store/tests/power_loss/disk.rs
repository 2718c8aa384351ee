//! A folder of which every change is recorded, and that fails on demand.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A file by the order in which files were made; it keeps its number under every name.
pub(crate) type FileNumber = usize;

/// What the test did or was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The store is open for the first time.
    Ready,
    /// A step is about to be committed, for the how-manieth time.
    Begun { seq: u64, version: u8 },
    /// The store said that the step is stored.
    Stored { seq: u64, version: u8 },
    /// The step may be sent from now on.
    Published { seq: u64 },
}

/// One change, in the order in which the program asked for it.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A new, empty file.
    Created {
        file: FileNumber,
        path: String,
    },
    FolderMade {
        path: String,
    },
    Written {
        file: FileNumber,
        at: u64,
        bytes: Vec<u8>,
    },
    Resized {
        file: FileNumber,
        length: u64,
    },
    Renamed {
        from: String,
        to: String,
    },
    Linked {
        from: String,
        to: String,
    },
    Unlinked {
        path: String,
    },
    /// The bytes of a file were brought to the disk.
    FileSynced {
        file: FileNumber,
    },
    /// The names in a folder were brought to the disk.
    FolderSynced {
        path: String,
    },
    /// What the test notes in between.
    Mark(Mark),
}

/// What a call touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touch {
    Open,
    Read,
    Write,
    Sync,
    Name,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No space is left from this call on.
    Full,
    /// This one call fails.
    Broken,
    /// This one call fails; of a write, the first half is done.
    Torn,
    /// This one call fails, and reads count as well.
    Unreadable,
}

impl Fault {
    fn hits(self, touch: Touch) -> bool {
        match touch {
            Touch::Read => self == Self::Unreadable,
            Touch::Open => matches!(self, Self::Broken | Self::Unreadable),
            Touch::Sync => self != Self::Full,
            Touch::Write | Touch::Name => true,
        }
    }

    fn code(self) -> c_int {
        if self == Self::Full { libc::ENOSPC } else { libc::EIO }
    }
}

/// Whether a call may go on.
pub(crate) enum Gate {
    Pass,
    Fail(c_int),
    FailHalf(c_int),
}

/// What an open descriptor stands for.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(crate) path: String,
    /// None for a folder.
    file: Option<FileNumber>,
}

struct Armed {
    fault: Fault,
    /// Calls that go well before.
    after: u64,
    /// The call that failed first.
    hit: Option<String>,
}

/// What is known of one disk.
pub(crate) struct Recorder {
    root: String,
    names: BTreeMap<String, FileNumber>,
    handles: BTreeMap<c_int, Handle>,
    files: usize,
    changes: Vec<Change>,
    /// Whether changes are kept.
    keeps: bool,
    armed: Option<Armed>,
}

static DISKS: Mutex<BTreeMap<u32, Recorder>> = Mutex::new(BTreeMap::new());
/// How many there are, to be quick where there is none.
static COUNT: AtomicUsize = AtomicUsize::new(0);
static NEXT: AtomicU32 = AtomicU32::new(0);

fn disks() -> MutexGuard<'static, BTreeMap<u32, Recorder>> {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `act` when the path lies on a disk.
pub(crate) fn with_path<T>(path: &str, act: impl FnOnce(&mut Recorder, &str) -> T) -> Option<T> {
    if COUNT.load(Ordering::Acquire) == 0 {
        return None;
    }
    let mut disks = disks();
    let recorder = disks.values_mut().find(|recorder| recorder.relative(path).is_some())?;
    let relative = recorder.relative(path)?.to_owned();
    Some(act(recorder, &relative))
}

/// Calls `act` when the descriptor is a file or folder on a disk.
pub(crate) fn with_handle<T>(descriptor: c_int, act: impl FnOnce(&mut Recorder, &Handle) -> T) -> Option<T> {
    if COUNT.load(Ordering::Acquire) == 0 {
        return None;
    }
    let mut disks = disks();
    let recorder = disks.values_mut().find(|recorder| recorder.handles.contains_key(&descriptor))?;
    let handle = recorder.handles.get(&descriptor)?.clone();
    Some(act(recorder, &handle))
}

/// Calls `act` when the descriptor is a file on a disk.
pub(crate) fn with_descriptor<T>(
    descriptor: c_int,
    act: impl FnOnce(&mut Recorder, &str, FileNumber) -> T,
) -> Option<T> {
    with_handle(descriptor, |recorder, handle| handle.file.map(|file| act(recorder, &handle.path, file)))?
}

pub(crate) fn closed(descriptor: c_int) {
    if COUNT.load(Ordering::Acquire) > 0 {
        for recorder in disks().values_mut() {
            recorder.handles.remove(&descriptor);
        }
    }
}

impl Recorder {
    fn relative<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(&self.root)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
    }

    fn keep(&mut self, change: Change) {
        if self.keeps {
            self.changes.push(change);
        }
    }

    pub(crate) fn has_name(&self, path: &str) -> bool {
        self.names.contains_key(path)
    }

    /// Counts a call, and says whether it is to fail.
    pub(crate) fn gate(&mut self, touch: Touch, path: &str) -> Gate {
        let Some(armed) = &mut self.armed else { return Gate::Pass };
        let is_over = armed.hit.is_some() && armed.fault != Fault::Full;
        if is_over || !armed.fault.hits(touch) {
            return Gate::Pass;
        }
        if armed.after > 0 {
            armed.after -= 1;
            return Gate::Pass;
        }
        armed.hit.get_or_insert_with(|| format!("{touch:?} {path}"));
        let code = armed.fault.code();
        let is_cut = touch == Touch::Write && armed.fault == Fault::Torn;
        if is_cut { Gate::FailHalf(code) } else { Gate::Fail(code) }
    }

    pub(crate) fn opened(&mut self, descriptor: c_int, path: &str, creates: bool, truncates: bool) {
        let known = self.names.get(path).copied();
        let file = match known {
            Some(file) => {
                if truncates {
                    self.keep(Change::Resized { file, length: 0 });
                }
                Some(file)
            }
            None if creates => {
                let file = self.files;
                self.files += 1;
                self.names.insert(path.to_owned(), file);
                self.keep(Change::Created { file, path: path.to_owned() });
                Some(file)
            }
            None => None,
        };
        self.handles.insert(descriptor, Handle { path: path.to_owned(), file });
    }

    pub(crate) fn written(&mut self, file: FileNumber, at: u64, bytes: &[u8]) {
        if self.keeps {
            self.changes.push(Change::Written { file, at, bytes: bytes.to_vec() });
        }
    }

    pub(crate) fn resized(&mut self, file: FileNumber, length: u64) {
        self.keep(Change::Resized { file, length });
    }

    pub(crate) fn synced(&mut self, handle: &Handle) {
        self.keep(match handle.file {
            Some(file) => Change::FileSynced { file },
            None => Change::FolderSynced { path: handle.path.clone() },
        });
    }

    pub(crate) fn renamed(&mut self, from: &str, to: &str) {
        let Some(to) = self.relative(to).map(str::to_owned) else { return };
        if let Some(file) = self.names.remove(from) {
            self.names.insert(to.clone(), file);
        }
        self.keep(Change::Renamed { from: from.to_owned(), to });
    }

    pub(crate) fn linked(&mut self, from: &str, to: &str) {
        let Some(to) = self.relative(to).map(str::to_owned) else { return };
        if let Some(file) = self.names.get(from).copied() {
            self.names.insert(to.clone(), file);
        }
        self.keep(Change::Linked { from: from.to_owned(), to });
    }

    pub(crate) fn unlinked(&mut self, path: &str) {
        self.names.remove(path);
        self.keep(Change::Unlinked { path: path.to_owned() });
    }

    pub(crate) fn folder_made(&mut self, path: &str) {
        self.keep(Change::FolderMade { path: path.to_owned() });
    }
}

/// A folder on a real file system, in memory where the machine has that.
pub(crate) struct Disk {
    number: u32,
    folder: tempfile::TempDir,
}

/// A folder for tests: in memory, where nothing waits for a real disk.
pub(crate) fn folder_in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

impl Disk {
    /// A disk of which every change is kept.
    pub(crate) fn new() -> Self {
        Self::make(true)
    }

    /// A disk that only fails on demand.
    pub(crate) fn without_memory() -> Self {
        Self::make(false)
    }

    fn make(keeps: bool) -> Self {
        let folder = folder_in_memory();
        let root = folder.path().canonicalize().expect("a folder");
        let recorder = Recorder {
            root: root.to_str().expect("a name in Unicode").to_owned(),
            names: BTreeMap::new(),
            handles: BTreeMap::new(),
            files: 0,
            changes: Vec::new(),
            keeps,
            armed: None,
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        disks().insert(number, recorder);
        COUNT.fetch_add(1, Ordering::Release);
        Self { number, folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn with<T>(&self, act: impl FnOnce(&mut Recorder) -> T) -> T {
        act(disks().get_mut(&self.number).expect("the recorder of this disk"))
    }

    /// Notes something between the changes.
    pub(crate) fn mark(&self, mark: Mark) {
        self.with(|recorder| recorder.keep(Change::Mark(mark)));
    }

    /// Every change so far; they are kept no longer.
    pub(crate) fn take_changes(&self) -> Vec<Change> {
        self.with(|recorder| std::mem::take(&mut recorder.changes))
    }

    /// Lets a call fail, after `after` others of those that it counts.
    pub(crate) fn arm(&self, fault: Fault, after: u64) {
        self.with(|recorder| recorder.armed = Some(Armed { fault, after, hit: None }));
    }

    /// Ends the fault; gives the call that failed first.
    pub(crate) fn disarm(&self) -> Option<String> {
        self.with(|recorder| recorder.armed.take()).and_then(|armed| armed.hit)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::Release);
        disks().remove(&self.number);
    }
}
