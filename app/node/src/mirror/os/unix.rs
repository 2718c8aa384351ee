//! Folder handles on Unix: everything is `…at` a descriptor, nothing follows links.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{self as rfs, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{Abilities, Entry, EntryKind};
use crate::mirror::row::Stamp;

const FOLDER_FLAGS: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The workspace folder, held open.
#[derive(Debug)]
pub(crate) struct Root {
    folder: Folder,
    pub(crate) abilities: Abilities,
}

/// One open folder inside the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    descriptor: Arc<OwnedFd>,
}

impl Root {
    /// Opens the workspace folder; a link that leads to it is followed here and only here.
    pub(crate) fn open(path: &Path) -> io::Result<Root> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptor = rfs::open(path, flags, Mode::empty())?;
        Ok(Root { folder: Folder { descriptor: Arc::new(descriptor) }, abilities: Abilities::default() })
    }

    /// The handle of the workspace folder.
    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// What lies at the workspace's path at this moment.
    pub(crate) fn look(path: &Path) -> io::Result<Stamp> {
        Ok(stamp_of(rfs::CWD, path.as_os_str(), AtFlags::empty())?.stamp)
    }

    /// Opens a folder inside by its path; the empty text is the workspace folder.
    pub(crate) fn open_folder(&self, path: &str) -> io::Result<Folder> {
        if path.is_empty() {
            return Ok(self.folder.clone());
        }
        #[cfg(target_os = "linux")]
        if Abilities::has(&self.abilities.open_beneath) {
            use rustix::fs::ResolveFlags;
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            match rfs::openat2(&self.folder.descriptor, path, FOLDER_FLAGS, Mode::empty(), resolve) {
                Ok(descriptor) => return Ok(Folder { descriptor: Arc::new(descriptor) }),
                // Older kernels, and sandboxes that do not know the call.
                Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => {
                    Abilities::lack(&self.abilities.open_beneath);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let mut folder = self.folder.clone();
        for name in path.split('/') {
            folder = folder.open_folder(name)?;
        }
        Ok(folder)
    }

    /// Writes everything of this file system to the disk.
    pub(crate) fn sync_handle(&self) -> io::Result<File> {
        Ok(File::from(self.folder.descriptor.try_clone()?))
    }

    /// Swaps two names of one folder; `None` where the file system cannot.
    pub(crate) fn exchange(&self, folder: &Folder, a: &str, b: &str) -> io::Result<Option<()>> {
        #[cfg(any(target_os = "linux", target_vendor = "apple"))]
        if Abilities::has(&self.abilities.exchange) {
            let fd = folder.descriptor.as_fd();
            match rfs::renameat_with(fd, a, fd, b, rfs::RenameFlags::EXCHANGE) {
                Ok(()) => return Ok(Some(())),
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                    Abilities::lack(&self.abilities.exchange);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Renames onto a name that must be free.
    pub(crate) fn rename_to_free_name(&self, from: (&Folder, &str), to: (&Folder, &str)) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_vendor = "apple"))]
        if Abilities::has(&self.abilities.rename_to_free_name) {
            let (from_fd, to_fd) = (from.0.descriptor.as_fd(), to.0.descriptor.as_fd());
            match rfs::renameat_with(from_fd, from.1, to_fd, to.1, rfs::RenameFlags::NOREPLACE) {
                Ok(()) => return Ok(()),
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                    Abilities::lack(&self.abilities.rename_to_free_name);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let is_file = from.0.look(from.1)?.is_some_and(|entry| entry.kind == EntryKind::File);
        // A link is refused when the name is taken: the same promise in two steps.
        if is_file && self.link(from, to)?.is_some() {
            return from.0.unlink(from.1);
        }
        if to.0.look(to.1)?.is_some() {
            return Err(Errno::EXIST.into());
        }
        from.0.rename_over(from.1, to.0, to.1)
    }

    /// Gives a file a second name; `None` where the file system has no hard links.
    pub(crate) fn link(&self, from: (&Folder, &str), to: (&Folder, &str)) -> io::Result<Option<()>> {
        if !Abilities::has(&self.abilities.links) {
            return Ok(None);
        }
        let (from_fd, to_fd) = (from.0.descriptor.as_fd(), to.0.descriptor.as_fd());
        match rfs::linkat(from_fd, from.1, to_fd, to.1, AtFlags::empty()) {
            Ok(()) => Ok(Some(())),
            Err(Errno::PERM | Errno::NOTSUP | Errno::NOSYS | Errno::MLINK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Folder {
    fn open_folder(&self, name: &str) -> io::Result<Folder> {
        let descriptor = rfs::openat(&self.descriptor, name, FOLDER_FLAGS, Mode::empty())?;
        Ok(Folder { descriptor: Arc::new(descriptor) })
    }

    /// Opens a folder in this one for a walk; a link in its place is an error.
    pub(crate) fn open_child(&self, name: &str) -> io::Result<Folder> {
        self.open_folder(name)
    }

    /// The names in this folder; those that are not UTF-8 are only counted.
    pub(crate) fn names(&self) -> io::Result<(Vec<String>, Vec<String>)> {
        let mut names = Vec::new();
        let mut not_unicode = Vec::new();
        for entry in rfs::Dir::read_from(&self.descriptor)? {
            let entry = entry?;
            match entry.file_name().to_str() {
                Ok("." | "..") => {}
                Ok(name) => names.push(name.to_owned()),
                Err(_) => {
                    let name = OsStr::from_bytes(entry.file_name().to_bytes());
                    not_unicode.push(name.to_string_lossy().into_owned());
                }
            }
        }
        Ok((names, not_unicode))
    }

    /// The number of the open folder, by which the system names it as long as this value lives.
    #[cfg(target_os = "linux")]
    pub(crate) fn raw_descriptor(&self) -> i32 {
        use std::os::fd::AsRawFd as _;
        self.descriptor.as_raw_fd()
    }

    /// What lies under a name; `None` when nothing does.
    pub(crate) fn look(&self, name: &str) -> io::Result<Option<Entry>> {
        match stamp_of(self.descriptor.as_fd(), OsStr::new(name), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(entry) => Ok(Some(entry)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What this folder itself is.
    pub(crate) fn own_entry(&self) -> io::Result<Entry> {
        Ok(stamp_of(self.descriptor.as_fd(), OsStr::new(""), AtFlags::EMPTY_PATH)?)
    }

    /// Opens a regular file to read; never waits (a pipe in its place would).
    pub(crate) fn open_read(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(File::from(rfs::openat(&self.descriptor, name, flags, Mode::empty())?))
    }

    /// Makes a file that must not exist yet.
    pub(crate) fn create_new(&self, name: &str, mode: u32) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(mode as rustix::fs::RawMode);
        Ok(File::from(rfs::openat(&self.descriptor, name, flags, mode)?))
    }

    /// Renames over whatever has the name.
    pub(crate) fn rename_over(&self, from: &str, folder: &Folder, to: &str) -> io::Result<()> {
        Ok(rfs::renameat(&self.descriptor, from, &folder.descriptor, to)?)
    }

    pub(crate) fn unlink(&self, name: &str) -> io::Result<()> {
        Ok(rfs::unlinkat(&self.descriptor, name, AtFlags::empty())?)
    }

    pub(crate) fn make_folder(&self, name: &str) -> io::Result<()> {
        Ok(rfs::mkdirat(&self.descriptor, name, Mode::from_raw_mode(0o777))?)
    }

    pub(crate) fn remove_folder(&self, name: &str) -> io::Result<()> {
        Ok(rfs::unlinkat(&self.descriptor, name, AtFlags::REMOVEDIR)?)
    }
}

/// What an open file is at this moment.
pub(crate) fn entry_of_file(file: &File) -> io::Result<Entry> {
    Ok(stamp_of(file.as_fd(), OsStr::new(""), AtFlags::EMPTY_PATH)?)
}

/// Gives a new file the permission bits.
pub(crate) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    Ok(rfs::fchmod(file, Mode::from_raw_mode(mode as rustix::fs::RawMode))?)
}

/// Makes `new` look like `old`: owner, group, extended attributes, permission bits.
///
/// What this process may not set is left out; the content matters more.
pub(crate) fn copy_attributes(old: &File, entry: &Entry, new: &File) -> io::Result<()> {
    use xattr::FileExt;
    let made = entry_of_file(new)?;
    if (made.owner, made.group) != (entry.owner, entry.group) {
        let owner = rustix::fs::Uid::from_raw(entry.owner);
        let group = rustix::fs::Gid::from_raw(entry.group);
        if rfs::fchown(new, Some(owner), Some(group)).is_err() {
            let _ = rfs::fchown(new, None, Some(group));
        }
    }
    for name in old.list_xattr().into_iter().flatten() {
        if let Ok(Some(value)) = old.get_xattr(&name) {
            let _ = new.set_xattr(&name, &value);
        }
    }
    set_mode(new, entry.mode & 0o7777)
}

#[cfg(target_os = "linux")]
fn stamp_of(at: impl AsFd, name: &OsStr, flags: AtFlags) -> Result<Entry, Errno> {
    use rustix::fs::StatxFlags;
    let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
    match rfs::statx(&at, name, flags, mask) {
        Ok(found) => {
            let nanos = |time: rfs::StatxTimestamp| time.tv_sec * 1_000_000_000 + i64::from(time.tv_nsec);
            let has_birth = found.stx_mask & StatxFlags::BTIME.bits() != 0;
            Ok(Entry {
                kind: kind_of(u32::from(found.stx_mode)),
                stamp: Stamp {
                    device: rfs::makedev(found.stx_dev_major, found.stx_dev_minor),
                    inode: found.stx_ino,
                    size: found.stx_size,
                    modified_nanos: nanos(found.stx_mtime),
                    changed_nanos: nanos(found.stx_ctime),
                    born_nanos: if has_birth { nanos(found.stx_btime) } else { 0 },
                },
                mode: u32::from(found.stx_mode),
                owner: found.stx_uid,
                group: found.stx_gid,
            })
        }
        Err(Errno::NOSYS) => stat_of(at, name, flags),
        Err(error) => Err(error),
    }
}

#[cfg(not(target_os = "linux"))]
fn stamp_of(at: impl AsFd, name: &OsStr, flags: AtFlags) -> Result<Entry, Errno> {
    stat_of(at, name, flags)
}

#[allow(clippy::unnecessary_cast, clippy::useless_conversion, reason = "field types differ by platform")]
fn stat_of(at: impl AsFd, name: &OsStr, flags: AtFlags) -> Result<Entry, Errno> {
    let found = if name.is_empty() { rfs::fstat(&at)? } else { rfs::statat(&at, name, flags)? };
    Ok(Entry {
        kind: kind_of(found.st_mode as u32),
        stamp: Stamp {
            device: found.st_dev as u64,
            inode: found.st_ino as u64,
            size: found.st_size as u64,
            modified_nanos: found.st_mtime as i64 * 1_000_000_000 + found.st_mtime_nsec as i64,
            changed_nanos: found.st_ctime as i64 * 1_000_000_000 + found.st_ctime_nsec as i64,
            born_nanos: 0,
        },
        mode: found.st_mode as u32,
        owner: found.st_uid as u32,
        group: found.st_gid as u32,
    })
}

fn kind_of(mode: u32) -> EntryKind {
    match FileType::from_raw_mode(mode as rustix::fs::RawMode) {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Folder,
        FileType::Symlink => EntryKind::Symlink,
        _ => EntryKind::Special,
    }
}
