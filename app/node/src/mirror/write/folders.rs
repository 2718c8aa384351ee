//! Making, renaming and removing folders, and the executable bit.

use std::io;

use super::{Obstacle, WriteOutcome};
use crate::mirror::os::{EntryKind, Folder, Root, entry_of_file, set_mode};
use crate::mirror::path::RelPath;
use crate::mirror::row::{Kind, NodeBytes};
use crate::mirror::state::Mirror;

impl Mirror {
    pub(super) fn make_folder(
        &mut self,
        folder: &Folder,
        path: &RelPath,
        node: NodeBytes,
    ) -> io::Result<WriteOutcome> {
        if let Err(error) = folder.make_folder(path.file_name())
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(error);
        }
        match folder.look(path.file_name())? {
            Some(entry) if entry.kind == EntryKind::Folder => {
                self.put_row(path, node, Kind::Folder, [0; 32], false, entry.stamp, &[]);
                Ok(WriteOutcome::Done)
            }
            Some(entry) if entry.kind == EntryKind::File => Ok(WriteOutcome::Blocked(Obstacle::Occupied)),
            _ => Ok(WriteOutcome::Blocked(Obstacle::NotAFile)),
        }
    }

    pub(super) fn remove_folder(
        &mut self,
        root: &Root,
        folder: &Folder,
        path: &RelPath,
    ) -> io::Result<WriteOutcome> {
        // Rows inside are files that the workspace still has here: take those first.
        if self.table.under(path.as_str()).any(|row| !row.ignored) {
            return Ok(WriteOutcome::Changed);
        }
        self.release_inside(root, path);
        let outcome = match folder.remove_folder(path.file_name()) {
            Ok(()) => WriteOutcome::Done,
            Err(error) if error.kind() == io::ErrorKind::NotFound => WriteOutcome::Done,
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                // Left to the person, as is what lies in it; the row goes, so that
                // the folder is private from now on.
                WriteOutcome::Blocked(Obstacle::NotEmpty)
            }
            Err(error) => return Err(error),
        };
        let inside: Vec<RelPath> = self.table.under(path.as_str()).map(|row| row.path.clone()).collect();
        for path in inside.iter().chain([path]) {
            self.forget_path(path);
        }
        self.rules.forget(path.as_str());
        Ok(outcome)
    }

    /// Moves files that were swapped out inside a folder to the workspace folder, where
    /// they can be watched after the folder has gone.
    fn release_inside(&mut self, root: &Root, path: &RelPath) {
        for displaced in &mut self.displaced {
            let is_inside = displaced.folder == path.as_str()
                || displaced.folder.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/'));
            if !is_inside {
                continue;
            }
            let Ok(folder) = root.open_folder(&displaced.folder) else {
                continue;
            };
            let top = root.folder();
            let name = displaced.temporary.as_str();
            if root.rename_to_free_name((&folder, name), (top, name)).is_ok() {
                displaced.folder.clear();
            }
        }
    }

    pub(super) fn rename(
        &mut self,
        root: &Root,
        from: &RelPath,
        to: &RelPath,
        now: u64,
    ) -> io::Result<WriteOutcome> {
        if let Some(error) = to.unwritable_here() {
            return Ok(WriteOutcome::Blocked(Obstacle::Name(error)));
        }
        let Some(row) = self.table.get(from).cloned() else {
            return Ok(WriteOutcome::Changed);
        };
        let from_folder = root.open_folder(from.parent_str())?;
        let to_folder = root.open_folder(to.parent_str())?;
        let found = from_folder.look(from.file_name())?;
        let is_it = found.is_some_and(|entry| match row.kind {
            Kind::File => entry.kind == EntryKind::File,
            Kind::Folder => entry.kind == EntryKind::Folder,
        });
        if !is_it {
            self.look_again(from, now);
            return Ok(WriteOutcome::Changed);
        }
        let result = root.rename_to_free_name((&from_folder, from.file_name()), (&to_folder, to.file_name()));
        match result {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Ok(WriteOutcome::Blocked(Obstacle::Occupied));
            }
            Err(error) => return Err(error),
        }
        self.table.rename(from, to);
        self.table.forget_parked();
        self.history.rename(from, to);
        for displaced in &mut self.displaced {
            if let Some(path) = displaced.path.rebased(from, to) {
                displaced.path = path;
            }
            let folder = RelPath::parse(&displaced.folder).ok().and_then(|folder| folder.rebased(from, to));
            if let Some(folder) = folder {
                displaced.folder = folder.as_str().to_owned();
            }
        }
        self.rules.forget(from.as_str());
        self.rules.forget(to.as_str());
        if let Some(entry) = to_folder.look(to.file_name())? {
            // The bytes may be somebody's save by now: only a stamp that fits is taken.
            self.look_again(to, now);
            self.table.update(to, |row| {
                if row.kind == Kind::Folder || row.stamp.is_same_content(&entry.stamp) {
                    row.stamp = entry.stamp;
                }
            });
        }
        Ok(WriteOutcome::Done)
    }

    pub(super) fn set_executable(
        &mut self,
        folder: &Folder,
        path: &RelPath,
        executable: bool,
        now: u64,
    ) -> io::Result<WriteOutcome> {
        let Some(row) = self.table.get(path).cloned() else {
            return Ok(WriteOutcome::Changed);
        };
        let file = folder.open_read(path.file_name())?;
        let entry = entry_of_file(&file)?;
        if entry.kind != EntryKind::File {
            return Ok(WriteOutcome::Blocked(Obstacle::NotAFile));
        }
        set_mode(&file, mode_with(entry.mode, executable))?;
        let after = entry_of_file(&file)?;
        if !after.stamp.is_same_content(&row.stamp) {
            self.look_again(path, now);
        }
        self.table.update(path, |row| {
            row.executable = after.executable();
            if row.stamp.is_same_content(&after.stamp) {
                row.stamp = after.stamp;
            }
        });
        Ok(WriteOutcome::Done)
    }
}

/// May be run by whoever may read it, or by nobody.
pub(super) fn mode_with(mode: u32, executable: bool) -> u32 {
    let mode = mode & 0o7777;
    if executable { mode | ((mode & 0o444) >> 2) | 0o100 } else { mode & !0o111 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_bit_follows_the_right_to_read() {
        assert_eq!(mode_with(0o100_644, true), 0o755);
        assert_eq!(mode_with(0o100_600, true), 0o700);
        assert_eq!(mode_with(0o100_755, false), 0o644);
    }
}
