//! Watching on Linux, straight on inotify: one watch per folder that is not ignored.
//!
//! A general watcher would also watch what lies in ignored folders, and wake up for
//! every file that anybody opens; and it does not tell who has only read a file.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::{Errno, ioctl_fionread};

use super::{FolderEvent, Hint, Sink, WatchError, event_of, git_event_of};
use crate::mirror::os::{EntryKind, Root};
use crate::mirror::path::{RelPath, is_git_name};
use crate::mirror::row::Kind;
use crate::mirror::rules::{IGNORE_FILES, LocalRules, Rules, Verdict};
use crate::mirror::walk::join;

const BUFFER_BYTES: usize = 64 << 10;
/// How long to wait before telling a busy listener again that events were lost.
const RETRY_MILLIS: i64 = 50;

/// Events after which a folder holds other names.
const NAME_EVENTS: ReadFlags =
    ReadFlags::CREATE.union(ReadFlags::DELETE).union(ReadFlags::MOVED_FROM).union(ReadFlags::MOVED_TO);

/// The thread that reads inotify; ends with this value.
#[derive(Debug)]
pub(crate) struct Platform {
    stop: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Platform {
    pub(crate) fn start(folder: &Path, rules: &LocalRules, sink: Sink) -> Result<Platform, WatchError> {
        let failed = |source: std::io::Error| WatchError::Io { path: folder.to_owned(), source };
        let root = Root::open(folder).map_err(failed)?;
        let descriptor = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .map_err(|error| failed(error.into()))?;
        let (stop, stopped) = UnixStream::pair().map_err(failed)?;
        let descriptor = Arc::new(descriptor);
        let is_taking = Arc::new(AtomicBool::new(false));
        let (queue, taking) = (Arc::clone(&descriptor), Arc::clone(&is_taking));
        // In this order: what is not in the queue any more was taken while it said so.
        sink.reads.activate(move || {
            ioctl_fionread(&*queue).is_ok_and(|bytes| bytes > 0) || taking.load(Ordering::SeqCst)
        });
        let mut watches = Watches {
            descriptor,
            is_taking,
            path: folder.to_owned(),
            root,
            rules: Rules::new(rules),
            folders: BTreeMap::new(),
            by_path: BTreeMap::new(),
            closed: BTreeSet::new(),
            sink,
        };
        watches.add_tree("")?;
        watches.add_git();
        let thread = std::thread::Builder::new()
            .name("weft-watcher".to_owned())
            .spawn(move || watches.run(&stopped))
            .map_err(failed)?;
        Ok(Platform { stop, thread: Some(thread) })
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.stop.write_all(&[0]);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a watched folder is.
#[derive(Debug, Clone)]
enum Watched {
    Folder(String),
    Git,
}

struct Watches {
    descriptor: Arc<OwnedFd>,
    /// Whether events may have been taken from the queue that are not taken in yet.
    is_taking: Arc<AtomicBool>,
    path: PathBuf,
    root: Root,
    rules: Rules,
    folders: BTreeMap<i32, Watched>,
    by_path: BTreeMap<String, i32>,
    /// Folders that could not be entered.
    closed: BTreeSet<String>,
    sink: Sink,
}

fn flags() -> WatchFlags {
    WatchFlags::CREATE
        | WatchFlags::MODIFY
        | WatchFlags::CLOSE_WRITE
        | WatchFlags::CLOSE_NOWRITE
        | WatchFlags::MOVED_FROM
        | WatchFlags::MOVED_TO
        | WatchFlags::DELETE
        | WatchFlags::ATTRIB
        | WatchFlags::ONLYDIR
        | WatchFlags::DONT_FOLLOW
        | WatchFlags::EXCL_UNLINK
}

impl Watches {
    /// Watches a folder and all in it that take part.
    fn add_tree(&mut self, path: &str) -> Result<(), WatchError> {
        let mut folders = vec![path.to_owned()];
        while let Some(path) = folders.pop() {
            match self.add(&path) {
                Ok(()) => {}
                Err(Errno::NOSPC) => return Err(WatchError::TooManyFolders),
                // It was removed or replaced meanwhile, or cannot be read: its parent says so.
                Err(_) if !path.is_empty() => {
                    self.closed.insert(path);
                    continue;
                }
                Err(error) => {
                    return Err(WatchError::Io { path: self.path.clone(), source: error.into() });
                }
            }
            // The watch stands before the look: nothing falls between.
            let Ok(folder) = self.root.open_folder(&path) else {
                continue;
            };
            let Ok((names, _)) = folder.names() else {
                continue;
            };
            self.closed.remove(&path);
            self.rules.forget(&path);
            self.rules.enter(&path, &folder, &names);
            for name in names {
                let entry = folder.look(&name);
                if entry.is_err() {
                    self.closed.insert(path.clone());
                }
                let is_folder = matches!(entry, Ok(Some(entry)) if entry.kind == EntryKind::Folder);
                let text = join(&path, &name);
                if is_folder
                    && RelPath::parse(&text).is_ok()
                    && self.rules.verdict_in_known_folder(&path, &text, Kind::Folder) == Verdict::Shared
                {
                    folders.push(text);
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &str) -> Result<(), Errno> {
        let full = if path.is_empty() { self.path.clone() } else { self.path.join(path) };
        let mut flags = flags();
        if path.is_empty() {
            // The workspace folder itself may be reached through a link.
            flags -= WatchFlags::DONT_FOLLOW;
            flags |= WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
        }
        let watch = match inotify::add_watch(&*self.descriptor, full, flags) {
            // A path that is too long for the system is reached through the open folder.
            Err(Errno::NAMETOOLONG) => {
                let folder = self.root.open_folder(path).map_err(|_| Errno::NAMETOOLONG)?;
                let short = format!("/proc/self/fd/{}", folder.raw_descriptor());
                inotify::add_watch(&*self.descriptor, short, flags - WatchFlags::DONT_FOLLOW)?
            }
            added => added?,
        };
        // A folder that was moved keeps its number; the path is what counts now.
        if let Some(Watched::Folder(old)) = self.folders.insert(watch, Watched::Folder(path.to_owned()))
            && old != path
        {
            self.by_path.remove(&old);
        }
        self.by_path.insert(path.to_owned(), watch);
        Ok(())
    }

    fn add_git(&mut self) {
        let flags = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW;
        if let Ok(watch) = inotify::add_watch(&*self.descriptor, self.path.join(".git"), flags) {
            self.folders.insert(watch, Watched::Git);
        }
    }

    fn run(mut self, stopped: &UnixStream) {
        let descriptor = Arc::clone(&self.descriptor);
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER_BYTES];
        let retry = Timespec { tv_sec: 0, tv_nsec: RETRY_MILLIS * 1_000_000 };
        loop {
            let timeout = self.sink.has_lost_events().then_some(&retry);
            let mut waits = [PollFd::new(&*descriptor, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
            match poll(&mut waits, timeout) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return,
            }
            if !waits[1].revents().is_empty() {
                return;
            }
            if self.sink.has_lost_events() && !self.sink.send_rescan() {
                return;
            }
            self.is_taking.store(true, Ordering::SeqCst);
            let mut reader = Reader::new(&*descriptor, &mut buffer);
            while let Ok(event) = reader.next() {
                let name = event.file_name().map(|name| name.to_str().map(str::to_owned));
                if !self.take(event.wd(), event.events(), name) {
                    self.is_taking.store(false, Ordering::SeqCst);
                    return;
                }
            }
            self.is_taking.store(false, Ordering::SeqCst);
        }
    }

    /// Takes one event; false when nobody listens any more.
    fn take(
        &mut self,
        watch: i32,
        events: ReadFlags,
        name: Option<Result<String, std::str::Utf8Error>>,
    ) -> bool {
        if events.contains(ReadFlags::QUEUE_OVERFLOW) {
            self.sink.reads.note_lost_events();
            let _ = self.add_tree("");
            return self.sink.send_rescan();
        }
        let Some(watched) = self.folders.get(&watch).cloned() else {
            return true;
        };
        let has_left = ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::UNMOUNT;
        if events.intersects(has_left) {
            // The workspace folder, or a disk in it, is not where it was.
            return self.sink.send_rescan();
        }
        if events.contains(ReadFlags::IGNORED) {
            self.forget(watch, &watched);
            return true;
        }
        let name = match (name, &watched) {
            (Some(Ok(name)), _) => name,
            (Some(Err(_)), Watched::Folder(folder)) if events.intersects(NAME_EVENTS) => {
                return self.sink.send(FolderEvent::NotUnicode { folder: folder.clone() });
            }
            _ => return true,
        };
        match watched {
            Watched::Git => git_event_of(&name, hint_of(events)).is_none_or(|event| self.sink.send(event)),
            Watched::Folder(folder) => self.take_in_folder(&folder, &name, events),
        }
    }

    fn take_in_folder(&mut self, folder: &str, name: &str, events: ReadFlags) -> bool {
        let is_folder = events.contains(ReadFlags::ISDIR);
        if events.contains(ReadFlags::CLOSE_NOWRITE) {
            if !is_folder {
                self.sink.reads.note_read(&join(folder, name));
            }
            return true;
        }
        if is_git_name(name) {
            if folder.is_empty() && name == ".git" && is_folder {
                self.add_git();
                return self.sink.send(FolderEvent::GitLock { is_taken: false });
            }
            return true;
        }
        let path = join(folder, name);
        // A folder that could not be entered can be now, perhaps: that is like a new one.
        let is_opened = is_folder && events.contains(ReadFlags::ATTRIB) && self.closed.contains(&path);
        let hint = if is_opened { Hint::Created } else { hint_of(events) };
        if is_folder && !self.take_folder(&path, events, is_opened) {
            return self.sink.send_rescan();
        }
        if IGNORE_FILES.contains(&name) && !matches!(hint, Hint::Created) {
            // Folders that were left out may take part now.
            self.rules.forget(folder);
            let _ = self.add_tree(folder);
        }
        event_of(folder, name, hint).is_none_or(|event| self.sink.send(event))
    }

    /// Follows a folder that came or went; false when it cannot be watched.
    fn take_folder(&mut self, path: &str, events: ReadFlags, is_opened: bool) -> bool {
        if events.intersects(ReadFlags::MOVED_FROM | ReadFlags::DELETE) {
            self.closed.remove(path);
        }
        if events.intersects(ReadFlags::MOVED_FROM) {
            // If it was moved to another place in here, that place watches it again.
            self.drop_tree(path);
        }
        if !is_opened && !events.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
            return true;
        }
        let Ok(parsed) = RelPath::parse(path) else {
            return true;
        };
        if self.rules.verdict(&self.root, &parsed, Kind::Folder) != Verdict::Shared {
            return true;
        }
        match self.add_tree(path) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, path, "a folder is not watched");
                false
            }
        }
    }

    fn drop_tree(&mut self, path: &str) {
        let inside = format!("{path}/");
        let gone: Vec<(String, i32)> = self
            .by_path
            .iter()
            .filter(|(other, _)| *other == path || other.starts_with(&inside))
            .map(|(path, watch)| (path.clone(), *watch))
            .collect();
        for (path, watch) in gone {
            let _ = inotify::remove_watch(&*self.descriptor, watch);
            self.by_path.remove(&path);
            self.folders.remove(&watch);
        }
        self.rules.forget(path);
    }

    fn forget(&mut self, watch: i32, watched: &Watched) {
        self.folders.remove(&watch);
        if let Watched::Folder(path) = watched
            && self.by_path.get(path) == Some(&watch)
        {
            self.by_path.remove(path);
        }
    }
}

fn hint_of(events: ReadFlags) -> Hint {
    if events.contains(ReadFlags::CLOSE_WRITE) {
        Hint::Closed
    } else if events.contains(ReadFlags::MOVED_TO) {
        Hint::MovedIn
    } else if events.contains(ReadFlags::CREATE) {
        Hint::Created
    } else if events.contains(ReadFlags::MODIFY) {
        Hint::Changed
    } else {
        Hint::Other
    }
}
