//! The bytes of the counter file.
//!
//! A header of 64 bytes, then one slot of 48 bytes for each log. A slot is written by one call
//! and carries a check sum: one that was torn makes its log a new one, which is always right.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use weft_sync::LogId;

use crate::files;
use crate::limits::SESSION_LOGS_MAX;
use crate::rows::Instance;

const MAGIC: [u8; 8] = *b"WEFTSES1";
const HEADER_LEN: usize = 64;
const SLOT_LEN: usize = 48;

#[derive(Debug)]
pub(super) struct CounterFile {
    file: File,
    slots: BTreeMap<LogId, u64>,
}

impl CounterFile {
    /// Reads the file when it belongs to this database and this run of the machine; else makes a
    /// new one.
    pub(super) fn open(path: &Path, instance: Instance) -> io::Result<(Self, BTreeMap<LogId, u64>)> {
        let bytes_max = (HEADER_LEN + SLOT_LEN * (SESSION_LOGS_MAX + 1)) as u64;
        let contents = files::read_small(path, bytes_max).unwrap_or_default();
        let Some((counted, slots)) = contents.and_then(|bytes| parse(&bytes, instance)) else {
            return Ok((Self::create(path, instance)?, BTreeMap::new()));
        };
        let file = files::private_options().read(true).write(true).open(path)?;
        Ok((Self { file, slots }, counted))
    }

    /// Makes a file that counts nothing.
    pub(super) fn create(path: &Path, instance: Instance) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = files::private_options().read(true).write(true).create_new(true).open(path)?;
        files::write_all_at(&file, &header(instance), 0)?;
        Ok(Self { file, slots: BTreeMap::new() })
    }

    pub(super) fn write(&mut self, log: LogId, seq: u64) -> io::Result<()> {
        let next = self.slots.len() as u64;
        let slot = *self.slots.entry(log).or_insert(next);
        let offset = HEADER_LEN as u64 + slot * SLOT_LEN as u64;
        files::write_all_at(&self.file, &encode_slot(log, seq), offset)
    }
}

pub(crate) fn header(instance: Instance) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..8].copy_from_slice(&MAGIC);
    header[8..24].copy_from_slice(&instance.0);
    header[24..40].copy_from_slice(&run_of_the_machine());
    header
}

/// A number that changes when the machine is started again, where the system has one: the folder
/// for temporary files may outlive that.
fn run_of_the_machine() -> [u8; 16] {
    let id = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let mut run = [0; 16];
    run.copy_from_slice(&blake3::hash(&id).as_bytes()[..16]);
    run
}

pub(crate) fn encode_slot(log: LogId, seq: u64) -> [u8; SLOT_LEN] {
    let mut slot = [0; SLOT_LEN];
    slot[..32].copy_from_slice(log.as_bytes());
    slot[32..40].copy_from_slice(&seq.to_le_bytes());
    let sum = blake3::hash(&slot[..40]);
    slot[40..].copy_from_slice(&sum.as_bytes()[..8]);
    slot
}

/// What each log is counted to, and in which slot it stands.
pub(crate) type Parsed = (BTreeMap<LogId, u64>, BTreeMap<LogId, u64>);

/// None when the file is not ours or is damaged at its end in a way that hides slots.
pub(crate) fn parse(bytes: &[u8], instance: Instance) -> Option<Parsed> {
    let (found, slots) = bytes.split_first_chunk::<HEADER_LEN>()?;
    if *found != header(instance) || slots.len() % SLOT_LEN != 0 {
        return None;
    }
    let mut counted = BTreeMap::new();
    let mut places = BTreeMap::new();
    for (place, slot) in slots.chunks_exact(SLOT_LEN).enumerate() {
        let (log, rest) = slot.split_first_chunk::<32>()?;
        let (seq, _) = rest.split_first_chunk::<8>()?;
        let (log, seq) = (LogId::from_bytes(*log), u64::from_le_bytes(*seq));
        if encode_slot(log, seq) != *slot {
            return None;
        }
        counted.insert(log, seq);
        places.insert(log, place as u64);
    }
    Some((counted, places))
}
