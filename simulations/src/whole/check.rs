//! What must hold, along the way and in the end.

use std::any::Any;
use std::collections::BTreeMap;

use super::tokens::{CANARY, NAME_CANARY, count_tokens, tokens_in};
use super::world::{Sabotage, WholeWorld};
use crate::world::holds;

/// What did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// Equal vectors, equal digests, equal folders.
    Agreement,
    /// What was acknowledged is there.
    NoLoss,
    /// Nothing in the open leaves a device.
    Secrecy,
    /// Everything stays within its bounds.
    Limits,
    /// No log has two entries with one number.
    OneNumberOneEntry,
    /// The program does not panic.
    NoPanic,
}

/// A run that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What did not hold.
    pub invariant: Invariant,
    /// How.
    pub text: String,
}

impl Failure {
    pub(super) fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default();
        Self { invariant: Invariant::NoPanic, text }
    }
}

impl WholeWorld {
    /// Devices with equal vectors that lack nothing have equal digests.
    pub(super) fn compare(&mut self) {
        let mut digests: BTreeMap<Vec<weft_sync::EntryRef>, (usize, (String, String))> = BTreeMap::new();
        let mut unequal: Option<String> = None;
        for device in self.members().collect::<Vec<_>>() {
            let this = &self.devices[device];
            let Some(running) = this.running.as_ref().filter(|_| this.reads()) else { continue };
            let state = running.state();
            let lacks = state.missing > 0 || state.waiting > 0 || state.storing > 0 || !state.is_quiet;
            let is_storing = this.committing.is_some() || running.replica().sync_status().storing;
            if lacks || is_storing {
                continue;
            }
            if running.laid_out() != running.laid_out_anew() {
                let text = format!(
                    "device {device} shows {:?} and would show {:?}",
                    running.laid_out(),
                    running.laid_out_anew()
                );
                unequal.get_or_insert(text);
            }
            let digest = running.digests();
            match digests.get(&running.replica().frontier()) {
                None => {
                    digests.insert(running.replica().frontier(), (device, digest));
                }
                Some((other, known)) => {
                    self.report.comparisons += 1;
                    if *known != digest {
                        let differ = self.difference(*other, device);
                        let text = format!(
                            "devices {other} and {device} hold the same and show {known:?} and {digest:?}: {differ}"
                        );
                        unequal.get_or_insert(text);
                    }
                }
            }
        }
        if let Some(text) = unequal {
            self.fail(Invariant::Agreement, text);
        }
    }

    /// In what two devices differ, for people.
    fn difference(&self, a: usize, b: usize) -> String {
        let files = |device: usize| self.devices[device].running.as_ref().map(|running| running.files());
        let (Some(of_a), Some(of_b)) = (files(a), files(b)) else { return String::new() };
        let mut text = String::new();
        for path in of_a.keys().chain(of_b.keys()).collect::<std::collections::BTreeSet<_>>() {
            let (in_a, in_b) = (of_a.get(path), of_b.get(path));
            if in_a != in_b {
                let show = |content: Option<&Option<Vec<u8>>>| match content {
                    None => "absent".to_owned(),
                    Some(None) => "not here".to_owned(),
                    Some(Some(bytes)) => String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned(),
                };
                text += &format!("\n  {path}: {:?} | {:?}", show(in_a), show(in_b));
            }
        }
        let heads = |device: usize| self.devices[device].running.as_ref().map(|running| running.heads());
        let (of_a, of_b) = (heads(a).unwrap_or_default(), heads(b).unwrap_or_default());
        for document in of_a.keys().chain(of_b.keys()).collect::<std::collections::BTreeSet<_>>() {
            let (in_a, in_b) = (of_a.get(document), of_b.get(document));
            if in_a != in_b {
                text += &format!("\n  {document:?}: heads {in_a:?} | {in_b:?}");
            }
        }
        text
    }

    /// When the network is whole and all is at rest.
    pub(super) fn check_end(&mut self, at_rest: bool) -> Result<(), Failure> {
        let wrong = |invariant, text: String| Err(Failure { invariant, text });
        if !at_rest {
            return wrong(Invariant::Agreement, format!("not at rest: {}", self.unrest()));
        }
        self.compare();
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let readers: Vec<usize> = self.members().filter(|device| self.devices[*device].reads()).collect();
        for device in &readers {
            self.check_folder(*device)?;
        }
        self.check_words(&readers)?;
        self.check_stores()?;
        self.report.entry_bytes = self.data_bytes(0);
        Ok(())
    }

    /// Why it is not at rest, for people.
    fn unrest(&self) -> String {
        let mut text = String::new();
        for device in self.members() {
            let Some(running) = &self.devices[device].running else {
                text += &format!("\n  device {device} is down");
                continue;
            };
            let (state, status) = (running.state(), running.replica().sync_status());
            let logs = running.replica().frontier();
            text += &format!("\n  device {device}: {state:?} {status:?} {} logs", logs.len());
            if state.outstanding > 0 || state.missing > 0 {
                text += &format!(", to be shown: {}", running.outstanding());
            }
            let entries: u64 = logs.iter().map(|at| at.seq).sum();
            text += &format!(
                " with {entries} entries, folder {}",
                if running.is_folder_idle() { "idle" } else { "busy" }
            );
        }
        text
    }

    /// The folder holds exactly what the workspace shows.
    fn check_folder(&self, device: usize) -> Result<(), Failure> {
        let Some(running) = &self.devices[device].running else { return Ok(()) };
        let state = running.state();
        let wrong = |text: String| {
            Err(Failure { invariant: Invariant::Agreement, text: format!("device {device}: {text}") })
        };
        if state.waiting > 0 || state.quarantined > 0 {
            return wrong(format!("changes wait or are refused: {state:?}"));
        }
        let mut on_disk: BTreeMap<String, Vec<u8>> = running
            .folder()
            .files()
            .iter()
            .filter_map(|(path, file)| Some((path.clone(), file.bytes.as_deref()?.to_vec())))
            .collect();
        if self.sabotage == Some(Sabotage::StrayFile) && device == 0 {
            on_disk.insert("stray".to_owned(), Vec::new());
        }
        for (path, content) in running.files() {
            match on_disk.remove(&path) {
                Some(bytes) if content.as_ref() == Some(&bytes) => {}
                _ if content.is_none() && !self.is_held_by_anybody(&path) => {}
                Some(bytes) => {
                    let (shown, found) = (content.map(|c| c.len()), bytes.len());
                    return wrong(format!("{path} holds {found} bytes and shows {shown:?}"));
                }
                None => return wrong(format!("{path} is shown and not in the folder")),
            }
        }
        match on_disk.keys().next() {
            Some(path) => wrong(format!("{path} is in the folder and not shown")),
            None => Ok(()),
        }
    }

    /// Whether a member has what a file holds. Who was put out, or lost the disk, may have been the only one.
    fn is_held_by_anybody(&self, path: &str) -> bool {
        let running = |device: usize| self.devices[device].running.as_ref();
        self.members().filter_map(running).any(|running| matches!(running.files().get(path), Some(Some(_))))
    }

    fn check_words(&mut self, readers: &[usize]) -> Result<(), Failure> {
        for device in readers {
            let Some(running) = &self.devices[*device].running else { continue };
            let files = running.files();
            let mut found: BTreeMap<u64, usize> = BTreeMap::new();
            for bytes in files.values().flatten() {
                for token in tokens_in(bytes) {
                    *found.entry(token).or_default() += 1;
                }
            }
            for (name, token) in self.tokens.expected() {
                if !found.contains_key(&name) {
                    let of = token.device;
                    let text =
                        format!("word {name} of device {of} was acknowledged; device {device} lacks it");
                    return Err(Failure { invariant: Invariant::NoLoss, text });
                }
            }
        }
        if let Some(running) = readers.first().and_then(|device| self.devices[*device].running.as_ref()) {
            for bytes in running.files().values().flatten() {
                self.report.doubled += count_tokens(bytes) - tokens_in(bytes).len();
            }
        }
        Ok(())
    }

    /// No stored entry holds a word in the open.
    fn check_stores(&self) -> Result<(), Failure> {
        for (index, device) in self.devices.iter().enumerate() {
            for bytes in device.entries() {
                if holds(&bytes, CANARY.as_bytes()) || holds(&bytes, NAME_CANARY.as_bytes()) {
                    let text = format!("device {index} stores plain text in an entry");
                    return Err(Failure { invariant: Invariant::Secrecy, text });
                }
            }
        }
        Ok(())
    }

    fn data_bytes(&self, device: usize) -> u64 {
        self.devices[device].entries().iter().map(|bytes| bytes.len() as u64).sum()
    }
}
