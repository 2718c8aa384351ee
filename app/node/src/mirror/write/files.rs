//! Writing, replacing and removing files.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use super::folders::mode_with;
use super::{Content, DIRECT_BYTES_MAX, Obstacle, Target, WRITE_PAUSE_MILLIS, WRITE_SHARE, WriteOutcome};
use crate::mirror::displaced::{Displaced, OPENING_MILLIS};
use crate::mirror::os::{Entry, EntryKind, Folder, Root, copy_attributes, entry_of_file, set_mode};
use crate::mirror::path::RelPath;
use crate::mirror::read::{Budget, read_file};
use crate::mirror::row::{ContentHash, Kind, MirrorRow, Stamp};
use crate::mirror::state::Mirror;

impl Mirror {
    pub(super) fn write_file(
        &mut self,
        root: &Arc<Root>,
        folder: &Folder,
        target: &Target<'_>,
        content: Content,
    ) -> io::Result<WriteOutcome> {
        let row = self.table.get(target.path).filter(|row| row.kind == Kind::File).cloned();
        let Some(row) = row else {
            return self.write_new(root, folder, target, content);
        };
        let entry = match folder.look(target.path.file_name())? {
            Some(entry) if entry.kind == EntryKind::File => entry,
            // A path that reports nothing has lost its file; there is nobody to ask.
            None if row.ignored => return self.write_new(root, folder, target, content),
            _ => return Ok(self.changed(target)),
        };
        let known = self.is_as_known(root, folder, &row, &entry)?;
        if !known {
            return Ok(self.changed(target));
        }
        if content.hash() == row.hash {
            self.end_journal(target.journal);
            self.set_version(target.path, target.node, target.version);
            if entry.executable() != target.executable {
                return self.set_executable(folder, target.path, target.executable, target.now);
            }
            return Ok(WriteOutcome::Done);
        }
        if let Some(&at_millis) = self.write_after.get(target.path)
            && target.now < at_millis
        {
            self.end_journal(target.journal);
            return Ok(WriteOutcome::Later { at_millis });
        }
        self.replace(root, folder, target, content, &row, &entry)
    }

    /// Whether the file on disk is the one of the row, compared by hash if need be.
    fn is_as_known(
        &mut self,
        root: &Arc<Root>,
        folder: &Folder,
        row: &MirrorRow,
        entry: &Entry,
    ) -> io::Result<bool> {
        if entry.stamp == row.stamp && row.settled {
            return Ok(true);
        }
        let path = &row.path;
        let is_unread = self.reads.is_unread(path);
        let file = read_file(root, folder, path.parent_str(), path.file_name(), &mut Budget::new());
        let file = file.ok().filter(|file| file.hash == row.hash);
        let Some(file) = file else {
            self.pending.entry(path).was_unread.get_or_insert(is_unread);
            return Ok(false);
        };
        let settled = self.is_settled(&file.stamp);
        self.table.update(path, |row| {
            row.stamp = file.stamp;
            row.settled = settled;
        });
        Ok(true)
    }

    /// The disk differs: the next check finds out how.
    fn changed(&mut self, target: &Target<'_>) -> WriteOutcome {
        self.end_journal(target.journal);
        self.look_again(target.path, target.now);
        WriteOutcome::Changed
    }

    /// Lets a check at this time look at a path, unless one is due before.
    pub(crate) fn look_later(&mut self, path: &RelPath, at_millis: u64) {
        self.look_again(path, at_millis);
    }

    pub(super) fn look_again(&mut self, path: &RelPath, now: u64) {
        let waits = self.pending.contains(path);
        let waiting = self.pending.entry(path);
        if !waits {
            waiting.due = now;
        }
    }

    fn replace(
        &mut self,
        root: &Arc<Root>,
        folder: &Folder,
        target: &Target<'_>,
        content: Content,
        row: &MirrorRow,
        entry: &Entry,
    ) -> io::Result<WriteOutcome> {
        let started = Instant::now();
        let temporary = self.temporary_of(target.journal);
        let hash = content.hash();
        let made = folder.create_new(&temporary, 0o600)?;
        // Held open until after the swap, so that closing it counts as no reading of the path.
        let old = folder.open_read(target.path.file_name()).ok();
        let filled = fill(&made, content)
            .and_then(|()| dress(old.as_ref(), target, entry, &made))
            .and_then(|()| entry_of_file(&made));
        let result = filled.and_then(|written| {
            self.reads.note_written(target.path);
            Ok((swap(root, folder, &temporary, target.path.file_name())?, written))
        });
        let (out, written) = match result {
            Ok((Swapped::Out(out), written)) => (out, written),
            Ok((Swapped::NameTaken(out), _)) => {
                let _ = folder.unlink(&temporary);
                if let Some(out) = out {
                    self.keep_displaced(folder, &Target { journal: None, ..*target }, row, entry, out)?;
                }
                return Ok(self.changed(target));
            }
            Err(error) => {
                let _ = folder.unlink(&temporary);
                return Err(error);
            }
        };
        let now_there = entry_of_file(&made)?;
        self.note_past_version(target.path, target.now, true);
        // The bit as it is there: not every file system can hold it.
        let executable = now_there.executable();
        let stamp = self.stamp_of_ours(target, &written, &now_there);
        self.put_row(target.path, target.node, Kind::File, hash, executable, stamp, target.version);
        self.keep_displaced(folder, target, row, entry, out)?;
        let cost = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let pause = WRITE_PAUSE_MILLIS.max(cost.saturating_mul(WRITE_SHARE));
        self.write_after.retain(|_, at| *at > target.now);
        self.write_after.insert(target.path.clone(), target.now + pause);
        Ok(WriteOutcome::Done)
    }

    /// What to remember of a file that we wrote and that has its name now. Whoever was waiting for it may have saved over
    /// it already; what they saved must not be taken for ours, so then the row keeps what the file said of itself before.
    fn stamp_of_ours(&mut self, target: &Target<'_>, written: &Entry, now_there: &Entry) -> Stamp {
        if now_there.stamp.is_same_content(&written.stamp) {
            return now_there.stamp;
        }
        self.look_again(target.path, target.now);
        written.stamp
    }

    /// Watches what came out of a swap.
    fn keep_displaced(
        &mut self,
        folder: &Folder,
        target: &Target<'_>,
        row: &MirrorRow,
        before: &Entry,
        temporary: String,
    ) -> io::Result<()> {
        let Some(out) = folder.look(&temporary)? else {
            self.end_journal(target.journal);
            return Ok(());
        };
        let is_same_file = out.stamp.is_same_file(&before.stamp);
        let is_known =
            is_same_file && out.stamp.is_same_content(&before.stamp) && self.is_settled(&before.stamp);
        self.displaced.push(Displaced {
            folder: target.path.parent_str().to_owned(),
            temporary,
            path: target.path.clone(),
            node: row.node,
            version: row.version.clone(),
            hash: row.hash,
            stamp: out.stamp,
            is_unread: !is_known,
            is_certain_base: is_same_file,
            since_millis: target.now,
            changed_millis: if is_known { 0 } else { target.now },
            due_millis: target.now + OPENING_MILLIS,
            journal: target.journal,
        });
        Ok(())
    }

    fn write_new(
        &mut self,
        root: &Arc<Root>,
        folder: &Folder,
        target: &Target<'_>,
        content: Content,
    ) -> io::Result<WriteOutcome> {
        let name = target.path.file_name();
        let hash = content.hash();
        let mode = if target.executable { 0o777 } else { 0o666 };
        let is_direct = matches!(&content, Content::Bytes { bytes, .. } if bytes.len() <= DIRECT_BYTES_MAX);
        let first_name = if is_direct { name.to_owned() } else { self.temporary_of(target.journal) };
        let made = match folder.create_new(&first_name, mode) {
            Ok(made) => made,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_direct => {
                return self.take_existing(root, folder, target, hash);
            }
            Err(error) => return Err(error),
        };
        self.reads.note_written(target.path);
        let filled = fill(&made, content).and_then(|()| entry_of_file(&made));
        let result = filled.and_then(|written| {
            if !is_direct {
                root.rename_to_free_name((folder, &first_name), (folder, name))?;
            }
            Ok(written)
        });
        let written = match result {
            Ok(written) => written,
            Err(error) => {
                let _ = folder.unlink(&first_name);
                if error.kind() == io::ErrorKind::AlreadyExists {
                    return self.take_existing(root, folder, target, hash);
                }
                return Err(error);
            }
        };
        let entry = entry_of_file(&made)?;
        let stamp = self.stamp_of_ours(target, &written, &entry);
        self.since_millis.insert(target.path.clone(), target.now);
        self.put_row(target.path, target.node, Kind::File, hash, entry.executable(), stamp, target.version);
        self.end_journal(target.journal);
        Ok(WriteOutcome::Done)
    }

    /// A file that nobody told us of has the name: the same bytes are welcome,
    /// others are somebody's and stay.
    fn take_existing(
        &mut self,
        root: &Arc<Root>,
        folder: &Folder,
        target: &Target<'_>,
        hash: ContentHash,
    ) -> io::Result<WriteOutcome> {
        let name = target.path.file_name();
        match folder.look(name)? {
            None => return Ok(self.changed(target)),
            Some(entry) if entry.kind == EntryKind::File => {}
            Some(entry) => {
                self.end_journal(target.journal);
                let obstacle = match entry.kind {
                    EntryKind::Folder => Obstacle::Occupied,
                    _ => Obstacle::NotAFile,
                };
                return Ok(WriteOutcome::Blocked(obstacle));
            }
        }
        let file = read_file(root, folder, target.path.parent_str(), name, &mut Budget::new());
        match file {
            Ok(file) if file.hash == hash => {
                self.put_file_row(target.path, target.node, &file, target.version);
                self.end_journal(target.journal);
                if file.executable != target.executable {
                    return self.set_executable(folder, target.path, target.executable, target.now);
                }
                Ok(WriteOutcome::Done)
            }
            _ => {
                self.look_again(target.path, target.now);
                self.end_journal(target.journal);
                Ok(WriteOutcome::Blocked(Obstacle::Occupied))
            }
        }
    }

    fn temporary_of(&self, journal: Option<u64>) -> String {
        let entry = journal.and_then(|id| self.journal.get(&id));
        entry.map(|entry| entry.temporary.clone()).expect("a journal entry of every written file")
    }

    pub(super) fn remove_file(
        &mut self,
        root: &Arc<Root>,
        folder: &Folder,
        path: &RelPath,
        journal: Option<u64>,
        now: u64,
    ) -> io::Result<WriteOutcome> {
        let name = path.file_name();
        let Some(row) = self.table.get(path).filter(|row| row.kind == Kind::File).cloned() else {
            self.end_journal(journal);
            return Ok(match folder.look(name)? {
                None => WriteOutcome::Done,
                Some(_) => WriteOutcome::Blocked(Obstacle::Occupied),
            });
        };
        let target = Target { path, node: row.node, version: &[], executable: false, journal, now };
        let entry = match folder.look(name)? {
            Some(entry) if entry.kind == EntryKind::File => entry,
            Some(_) => return Ok(self.changed(&target)),
            None => {
                // Gone already, which is what was wanted.
                self.forget_path(path);
                self.end_journal(journal);
                return Ok(WriteOutcome::Done);
            }
        };
        if !self.is_as_known(root, folder, &row, &entry)? {
            return Ok(self.changed(&target));
        }
        let temporary = self.temporary_of(journal);
        root.rename_to_free_name((folder, name), (folder, &temporary))?;
        self.forget_path(path);
        self.keep_displaced(folder, &target, &row, &entry, temporary)?;
        Ok(WriteOutcome::Done)
    }

    pub(super) fn forget_path(&mut self, path: &RelPath) {
        self.table.remove(path);
        self.history.remove(path);
        self.since_millis.remove(path);
        self.write_after.remove(path);
    }
}

fn fill(file: &File, content: Content) -> io::Result<()> {
    let mut file = file;
    match content {
        Content::Bytes { bytes, .. } => file.write_all(&bytes),
        Content::Stream { hash, open } => {
            let mut stream = open()?;
            let mut hasher = blake3::Hasher::new();
            let mut piece = vec![0; 256 << 10];
            loop {
                let count = stream.read(&mut piece)?;
                if count == 0 {
                    break;
                }
                hasher.update(&piece[..count]);
                file.write_all(&piece[..count])?;
            }
            if *hasher.finalize().as_bytes() == hash {
                Ok(())
            } else {
                Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the content is not the one that was announced",
                ))
            }
        }
    }
}

/// Gives the new file what the old one has besides its bytes.
fn dress(old: Option<&File>, target: &Target<'_>, entry: &Entry, made: &File) -> io::Result<()> {
    let mode = mode_with(entry.mode, target.executable);
    let entry = Entry { mode, ..*entry };
    match old {
        Some(old) => copy_attributes(old, &entry, made),
        None => set_mode(made, mode & 0o7777),
    }
}

/// What a swap has done.
enum Swapped {
    /// The new file has the name; the old one lies under this temporary name.
    Out(String),
    /// Somebody else took or removed the name at that moment: his is the newest. The
    /// old file may lie under a temporary name.
    NameTaken(Option<String>),
}

/// Puts the temporary under the name without losing what has the name.
fn swap(root: &Root, folder: &Folder, temporary: &str, name: &str) -> io::Result<Swapped> {
    match root.exchange(folder, temporary, name) {
        Ok(Some(())) => return Ok(Swapped::Out(temporary.to_owned())),
        Ok(None) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Swapped::NameTaken(None)),
        Err(error) => return Err(error),
    }
    let out = displaced_name(temporary);
    if root.link((folder, name), (folder, &out))?.is_some() {
        folder.rename_over(temporary, folder, name)?;
        return Ok(Swapped::Out(out));
    }
    root.rename_to_free_name((folder, name), (folder, &out))?;
    match root.rename_to_free_name((folder, temporary), (folder, name)) {
        Ok(()) => Ok(Swapped::Out(out)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Swapped::NameTaken(Some(out))),
        Err(error) => {
            let _ = root.rename_to_free_name((folder, &out), (folder, name));
            Err(error)
        }
    }
}

/// Where the old file goes when two names cannot be swapped.
pub(in crate::mirror) fn displaced_name(temporary: &str) -> String {
    format!("{temporary}.old")
}
