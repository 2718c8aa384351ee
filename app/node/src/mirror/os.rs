//! The few operations on folders that the mirror is built from.
//!
//! Everything goes through a handle of the workspace folder and one name at a
//! time; no operation follows a symbolic link or leaves the folder. The rest of
//! the mirror never calls the operating system with a path.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{Folder, Root, copy_attributes, entry_of_file, set_mode};

#[cfg(any(windows, test))]
mod portable;
#[cfg(windows)]
pub(crate) use portable::{Folder, Root, copy_attributes, entry_of_file, set_mode};

mod writers;
pub(crate) use writers::find_writers;

use std::sync::atomic::{AtomicBool, Ordering};

use super::row::Stamp;

/// What lies under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Folder,
    Symlink,
    Special,
}

/// One look at a name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) kind: EntryKind,
    pub(crate) stamp: Stamp,
    /// Permission bits; on Windows only whether it is read-only.
    pub(crate) mode: u32,
    pub(crate) owner: u32,
    pub(crate) group: u32,
}

impl Entry {
    /// Whether the owner may run the file.
    pub(crate) fn executable(&self) -> bool {
        self.kind == EntryKind::File && self.mode & 0o100 != 0
    }
}

/// What this file system can do, learned from its answers. Tests switch them off.
#[derive(Debug)]
pub(crate) struct Abilities {
    /// Swapping two names in one step.
    pub(crate) exchange: AtomicBool,
    /// Renaming onto a free name only.
    pub(crate) rename_to_free_name: AtomicBool,
    /// Hard links.
    pub(crate) links: AtomicBool,
    /// Opening a path below a handle without links in one step.
    pub(crate) open_beneath: AtomicBool,
}

impl Default for Abilities {
    fn default() -> Abilities {
        Abilities {
            exchange: AtomicBool::new(true),
            rename_to_free_name: AtomicBool::new(true),
            links: AtomicBool::new(true),
            open_beneath: AtomicBool::new(true),
        }
    }
}

impl Abilities {
    pub(crate) fn has(ability: &AtomicBool) -> bool {
        ability.load(Ordering::Relaxed)
    }

    pub(crate) fn lack(ability: &AtomicBool) {
        ability.store(false, Ordering::Relaxed);
    }
}
