//! What people do to files, and what goes wrong around them.

use weft_node::api::EditAction;
use weft_node::driven::DrivenWorkspace;
use weft_sync::acl::Class;
use weft_sync::ids::LogId;
use weft_sync::workspace::remove_user;

use super::script::{Planned, What};
use super::tokens::{CANARY, NAME_CANARY, tokens_in};
use super::world::{Event, WholeWorld};

/// How long a save may lie in the folder before it is read.
const UNREAD_MILLIS: u64 = 1_000;
const YEAR_MILLIS: i64 = 365 * 24 * 60 * 60 * 1_000;

/// A save of an old copy.
#[derive(Debug)]
pub(super) struct OldCopy {
    device: usize,
    path: String,
    at: u64,
    /// What the file held before it.
    before: Vec<u8>,
}

/// A place in a list, as the dice say.
fn choose<T>(list: &[T], dice: u64) -> Option<&T> {
    let len = u64::try_from(list.len()).ok().filter(|len| *len > 0)?;
    list.get(usize::try_from(dice % len).ok()?)
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}

fn bytes_of(dice: u64, count: usize) -> Vec<u8> {
    let mut bytes = vec![0];
    let mut state = dice | 1;
    for _ in 0..count {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.push(state.to_be_bytes()[0]);
    }
    bytes
}

impl WholeWorld {
    fn running(&self, device: usize) -> Option<&DrivenWorkspace> {
        self.devices[device].running.as_ref()
    }

    fn may_write(&self, device: usize) -> bool {
        let Some(running) = self.running(device) else { return false };
        let membership = running.replica().membership();
        let us = membership.and_then(|membership| membership.device(&self.devices[device].keys.device_id()));
        us.is_some_and(|us| us.class >= Class::Editor)
    }

    /// Files and folders on the disk of a device.
    fn paths(&self, device: usize, are_folders: bool) -> Vec<String> {
        let Some(running) = self.running(device) else { return Vec::new() };
        let files = running.folder().files().iter();
        let wanted = files.filter(|(_, file)| file.bytes.is_none() == are_folders);
        wanted.map(|(path, _)| path.clone()).collect()
    }

    fn texts(&self, device: usize) -> Vec<String> {
        let Some(running) = self.running(device) else { return Vec::new() };
        let files = running.folder().files().iter();
        let texts = files.filter(|(_, file)| file.bytes.as_deref().is_some_and(is_text));
        texts.map(|(path, _)| path.clone()).collect()
    }

    fn on_disk(&self, device: usize, path: &str) -> Vec<u8> {
        let file = self.running(device).and_then(|running| running.folder().files().get(path));
        file.and_then(|file| file.bytes.as_deref()).unwrap_or_default().to_vec()
    }

    /// A name for something new: often one that others take too.
    fn new_path(&mut self, device: usize, dice: u64) -> String {
        let folders = self.paths(device, true);
        let folder = if dice.is_multiple_of(3) { None } else { choose(&folders, dice >> 8) };
        self.next_name += 1;
        let is_shared = dice.is_multiple_of(4) && !self.script.size.only_edits;
        let number = if is_shared { dice % 5 } else { self.next_name + 10 };
        let name = format!("{NAME_CANARY}{number}");
        folder.map_or(name.clone(), |folder| format!("{folder}/{name}"))
    }

    /// Plays one act; one that cannot be played now is left out.
    pub(super) fn act(&mut self, step: &Planned) {
        let (device, dice) = (step.device, step.dice);
        if self.removed.contains(&device) {
            return;
        }
        if !self.may_write(device) {
            // Not up, or not in yet.
            if !self.healed && !self.removed.contains(&device) {
                let later = Planned { at: self.now + 700, ..step.clone() };
                self.schedule(later.at, Event::Planned(later));
            }
            return;
        }
        self.report.acts += 1;
        match step.what {
            What::Type | What::Cut | What::Format => self.edit(step),
            What::NewText => {
                let path = self.new_path(device, dice);
                // Half of them begin alike, as files of one template do. Under a name that others
                // take too stands nothing else: characters of a text that is replaced by another
                // belong to whoever had them first, so words in it could be lost with those.
                let mut text = format!("{CANARY}\n");
                if !dice.is_multiple_of(4) {
                    let (_, word) = self.tokens.make(device);
                    text =
                        if dice.is_multiple_of(2) { format!("{text}{word}\n") } else { format!("{word}\n") };
                }
                self.save(device, &path, text.into_bytes(), None);
            }
            What::NewBytes => {
                let path = self.new_path(device, dice);
                let length = if dice.is_multiple_of(7) { 90_000 } else { 60 };
                self.save(device, &path, bytes_of(dice, length), None);
            }
            What::NewFolder => {
                let path = self.new_path(device, dice);
                self.with(device, |running| running.folder_mut().make_folder(&path));
            }
            What::Save => {
                let texts = self.texts(device);
                let Some(path) = choose(&texts, dice).cloned() else { return };
                let before = self.on_disk(device, &path);
                let after = self.with_word(device, &before, dice);
                self.save(device, &path, after, None);
            }
            What::SaveOldCopy => {
                let old = self.running(device).map(|running| running.folder().old_copies());
                let old: Vec<_> = old.unwrap_or_default().into_iter().filter(|(_, b)| is_text(b)).collect();
                let Some((path, loaded)) = choose(&old, dice).cloned() else { return };
                let after = self.with_word(device, &loaded, dice);
                self.save(device, &path, after, Some(&loaded));
            }
            What::Overwrite => {
                let files = self.paths(device, false);
                let Some(path) = choose(&files, dice).cloned() else { return };
                self.take_out_all(device, &path, "overwritten");
                self.save(device, &path, bytes_of(dice, 40), None);
            }
            What::Delete => self.delete(device, dice),
            What::Rename | What::Move => self.rename(step),
            What::Mode => {
                let files = self.paths(device, false);
                let Some(path) = choose(&files, dice).cloned() else { return };
                self.with(device, |running| {
                    running.folder_mut().set_executable(&path, dice.is_multiple_of(2));
                });
            }
            _ => {}
        }
        self.folder_soon(device);
    }

    fn save(&mut self, device: usize, path: &str, bytes: Vec<u8>, loaded: Option<&[u8]>) {
        // What stands there and was not loaded is gone because the writer wanted it so.
        let before = self.on_disk(device, path);
        if loaded.is_none() {
            self.tokens.taken_out(&before, &bytes, "saved over");
        } else {
            self.old_copies.push(OldCopy { device, path: path.to_owned(), at: self.now, before });
        }
        self.with(device, |running| running.folder_mut().save(path, &bytes, loaded));
    }

    /// A file's whole text goes. Where an old copy was saved over it just before, nobody has read that yet, and it is the
    /// text before that goes.
    fn take_out_all(&mut self, device: usize, path: &str, why: &'static str) {
        let text = self.on_disk(device, path);
        self.tokens.taken_out(&text, &[], why);
        let now = self.now;
        self.old_copies.retain(|copy| copy.at + UNREAD_MILLIS > now);
        for copy in self.old_copies.iter().filter(|copy| copy.device == device && copy.path == path) {
            self.tokens.taken_out(&copy.before, &[], why);
        }
    }

    /// A text with a new word in one of its lines.
    fn with_word(&mut self, device: usize, before: &[u8], dice: u64) -> Vec<u8> {
        let (_, word) = self.tokens.make(device);
        let text = String::from_utf8_lossy(before).into_owned();
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        let at = usize::try_from(dice % (lines.len() as u64 + 1)).expect("a place in a list");
        let line = format!("{word}\n");
        lines.insert(at, &line);
        lines.concat().into_bytes()
    }

    fn edit(&mut self, step: &Planned) {
        let (device, dice) = (step.device, step.dice);
        let files = self.texts(device);
        let Some(path) = choose(&files, dice).cloned() else { return };
        let Some(text) = self.running(device).and_then(|running| running.text_at(&path)) else { return };
        let len = text.chars().count() as u64;
        let mut words = Vec::new();
        let action = match step.what {
            What::Type => {
                let (token, word) = self.tokens.make(device);
                words.push(token);
                // Between words, not inside of one.
                let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
                let at = choose(&ends, dice >> 16).map_or(0, |at| text[..*at].chars().count() as u64);
                EditAction::Insert { at, text: word + "\n" }
            }
            What::Cut => {
                if len == 0 {
                    return;
                }
                let at = (dice >> 16) % len;
                let length = 1 + (dice >> 32) % (len - at).min(40);
                // What closes up may read like a word that was cut, and is made of others' characters.
                let (before, after) =
                    (text.chars().take(at as usize), text.chars().skip((at + length) as usize));
                let whole: String = before.chain(['\n']).chain(after).collect();
                self.tokens.taken_out(text.as_bytes(), whole.as_bytes(), "cut");
                EditAction::Delete { at, length }
            }
            _ => {
                let text = text.lines().map(|line| format!("  {}\n", line.trim())).collect();
                EditAction::Replace { text }
            }
        };
        let write = self.with(device, |running| running.edit(&path, &action));
        if let Some(Ok(write)) = write {
            self.devices[device].writing.push((write, words));
        }
        self.note_writes(device);
    }

    fn delete(&mut self, device: usize, dice: u64) {
        let mut all = self.paths(device, false);
        all.extend(self.paths(device, true));
        let Some(path) = choose(&all, dice).cloned() else { return };
        let inside = format!("{path}/");
        for file in self.paths(device, false) {
            if file == path || file.starts_with(&inside) {
                self.take_out_all(device, &file, "deleted");
            }
        }
        self.with(device, |running| running.folder_mut().remove(&path));
    }

    fn rename(&mut self, step: &Planned) {
        let (device, dice) = (step.device, step.dice);
        let mut all = self.paths(device, false);
        all.extend(self.paths(device, true));
        let Some(from) = choose(&all, dice).cloned() else { return };
        let to = if step.what == What::Rename {
            let folder = from.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            self.next_name += 1;
            format!("{folder}{NAME_CANARY}{}", self.next_name + 10)
        } else {
            let mut folders = self.paths(device, true);
            folders.push(String::new());
            let Some(folder) = choose(&folders, dice >> 16) else { return };
            let name = from.rsplit_once('/').map_or(from.as_str(), |(_, name)| name);
            if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
        };
        self.with(device, |running| running.folder_mut().rename(&from, &to));
    }

    /// Notes which edits by commands are stored.
    pub(super) fn note_writes(&mut self, device: usize) {
        let Some(running) = &self.devices[device].running else { return };
        let log = running.replica().data_log();
        let seq = self.devices[device].counters.get(&log).copied().unwrap_or(0);
        let mut stored = Vec::new();
        let mut kept = Vec::new();
        for (write, words) in std::mem::take(&mut self.devices[device].writing) {
            match self.devices[device].running.as_ref().map(|running| running.write_state(write)) {
                Some(Ok(true)) => stored.extend(words),
                Some(Ok(false)) => kept.push((write, words)),
                _ => {}
            }
        }
        self.devices[device].writing = kept;
        for token in stored {
            self.tokens.acknowledge(token, log, seq);
        }
        self.note_saves(device);
    }

    /// Notes which saves are stored.
    pub(super) fn note_saves(&mut self, device: usize) {
        let Some(running) = &mut self.devices[device].running else { return };
        let accepted = running.folder_mut().take_accepted();
        let log = running.replica().data_log();
        let seq = self.devices[device].counters.get(&log).copied().unwrap_or(0);
        for bytes in accepted {
            for token in tokens_in(&bytes) {
                if self.tokens.is_by(token, device) {
                    self.tokens.acknowledge(token, log, seq);
                }
            }
        }
    }
}

// Faults.
impl WholeWorld {
    pub(super) fn fault(&mut self, step: &Planned) {
        let (device, dice) = (step.device % self.devices.len(), step.dice);
        let happened = match step.what {
            What::Drop => {
                let open = self.network.open();
                let link = choose(&open, dice).copied();
                link.map(|link| self.break_link(link)).is_some()
            }
            What::Part => {
                let part = (0..self.devices.len()).filter(|at| (dice >> (at % 60)) & 1 == 1).collect();
                self.network.part(Some(part));
                for link in self.network.broken() {
                    self.break_link(link);
                }
                let at = self.now + 500 + dice % 9_000;
                self.schedule(at, Event::Heal);
                true
            }
            What::Crash | What::Reboot => self.end_program(step),
            What::DiskFull => {
                self.fill_disk(device, 500 + dice % 4_000);
                true
            }
            What::Backup => {
                self.devices[device].backup = Some(self.devices[device].back_up());
                true
            }
            What::Restore => self.restore(device, dice),
            What::Clone => self.clone_device(device),
            What::ClockJump => {
                let years = i64::try_from(dice % 61).expect("a small number") - 30;
                self.devices[device].wall_offset += years * YEAR_MILLIS;
                true
            }
            What::Remove => self.remove_somebody(device),
            _ => false,
        };
        self.report.faults += usize::from(happened);
    }

    fn end_program(&mut self, step: &Planned) -> bool {
        let device = step.device;
        if self.running(device).is_none() {
            return false;
        }
        let under_way = self.devices[device].committing.unwrap_or(0);
        // A transaction is whole or not at all.
        let kept = if step.dice.is_multiple_of(2) { under_way } else { 0 };
        self.crash(device, kept);
        if step.what == What::Reboot {
            self.devices[device].counters.clear();
        }
        let at = self.now + 100 + step.dice % 3_000;
        self.schedule(at, Event::Start { device });
        true
    }

    fn restore(&mut self, device: usize, dice: u64) -> bool {
        if self.devices[device].backup.is_none() {
            return false;
        }
        // What was stored here after the backup, and nowhere else, is gone with the disk.
        let old = self.devices[device].backup.as_ref().map(|backup| backup.store.copy());
        let others: Vec<usize> = (0..self.devices.len()).filter(|other| *other != device).collect();
        for (token, log, seq) in self.tokens.of_device(device) {
            let in_backup = old.as_ref().is_some_and(|old| old.seq_of(self.devices[device].ws, log) >= seq);
            if !in_backup && !self.can_be_read(&others, token, log, seq) {
                self.tokens.release(token, "lost with the disk");
            }
        }
        self.crash(device, 0);
        self.devices[device].put_backup_in_place(dice.is_multiple_of(2));
        let at = self.now + 100 + dice % 2_000;
        self.schedule(at, Event::Start { device });
        true
    }

    /// Whether one of these devices has the entry with a word, and the contents that it needs to be read.
    fn can_be_read(&self, devices: &[usize], token: u64, log: LogId, seq: u64) -> bool {
        devices.iter().map(|device| &self.devices[*device]).any(|device| {
            // Of one that does not run the entry has to do.
            let is_read = |running: &DrivenWorkspace| {
                running.files().values().flatten().any(|bytes| tokens_in(bytes).contains(&token))
            };
            device.store.seq_of(device.ws, log) >= seq && device.running.as_ref().is_none_or(is_read)
        })
    }

    fn clone_device(&mut self, device: usize) -> bool {
        if self.running(device).is_none()
            || self.devices[device].clone_of.is_some()
            || self.removed.contains(&device)
        {
            return false;
        }
        let copy = self.devices[device].copy(device);
        self.devices.push(copy);
        let index = self.devices.len() - 1;
        self.start(index);
        self.meet(index);
        true
    }

    /// The owner or the admin puts a person out who is neither.
    fn remove_somebody(&mut self, device: usize) -> bool {
        let by = usize::from(self.devices.len() > 3 && device.is_multiple_of(2));
        let user = self.devices[device].user();
        let is_fair =
            device > 1 && self.devices[device].class <= Class::Editor && !self.removed.contains(&device);
        if !is_fair || !self.may_write(by) || self.removed.contains(&by) {
            return false;
        }
        let us = self.devices[by].user();
        let operations = self.running(by).and_then(|running| {
            let membership = running.replica().membership()?;
            remove_user(membership, &us, &user).ok()
        });
        let Some(operations) = operations else { return false };
        let all: Vec<usize> =
            (0..self.devices.len()).filter(|other| self.devices[*other].user() == user).collect();
        for other in all {
            self.removed.insert(other);
            // What the remover had received stays; the rest does not count.
            let left: Vec<usize> = self.members().filter(|left| self.devices[*left].user() != user).collect();
            for (token, log, seq) in self.tokens.of_device(other) {
                let held = self.devices[by].store.seq_of(self.devices[by].ws, log);
                if held < seq {
                    self.tokens.release(token, "not seen by whoever put the person out");
                } else if !self.can_be_read(&left, token, log, seq) {
                    self.tokens.release(token, "in contents that only who was put out had");
                }
            }
            self.tokens.release_unacknowledged(other);
        }
        self.write_acl(by, operations);
        true
    }
}

/// How far a log reaches.
trait SeqOf {
    fn seq_of(&self, ws: weft_sync::WorkspaceId, log: weft_sync::LogId) -> u64;
}

impl SeqOf for weft_store::MemoryStore {
    fn seq_of(&self, ws: weft_sync::WorkspaceId, log: weft_sync::LogId) -> u64 {
        weft_store::Storage::log(self, ws, log).ok().flatten().map_or(0, |held| held.last_seq)
    }
}
