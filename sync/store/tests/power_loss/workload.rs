//! What the program does with its data folder, and what must be there after it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use weft_crdt::{ChangeHash, ChunkId, DocumentId};
use weft_store::keys::{self, AskPassphrase, KeyChoice, KeyContext, NoKeyring, PassphraseRequest, SlotKind};
use weft_store::session::{CounterFolders, SessionGuard, SessionVerdict};
use weft_store::{
    ChangeOrder, CheckDepth, EntryFilter, EntryMarks, Home, NewEntry, PublicIdentity, Space, Storage, Store,
    StoreKey, StoreOptions, StoredOrder, Table, Write,
};
use weft_sync::{DeviceId, EndpointId, EntryId, EntryRef, Kind, LogId, UserId, WorkspaceId};

use super::disk::{Disk, Mark};
use super::image::MEMORY;

const WS: WorkspaceId = WorkspaceId::from_bytes([1; 32]);
const DOC: DocumentId = DocumentId::from_bytes([4; 16]);
/// Where the data folder lies on a disk.
const HOME: &str = "home";

/// Small packs and checkpoints after a few transactions, so that many of both are met.
const OPTIONS: StoreOptions = StoreOptions { pack_bytes_max: 20_000, checkpoint_pages: 60 };

/// What failed, in words, with everything that led to it.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

/// Two logs that grow in turn, so that one transaction is not all there is.
fn log_of(seq: u64) -> (LogId, u64) {
    (
        LogId::from_bytes([2 + u8::from(seq.is_multiple_of(3)); 32]),
        if seq.is_multiple_of(3) { seq / 3 } else { seq - seq / 3 },
    )
}

fn entry_of(seq: u64, version: u8) -> (EntryRef, Bytes) {
    let (log, place) = log_of(seq);
    let mut bytes = vec![seq.to_le_bytes()[0]; 200 + (seq as usize * 97) % 5_000];
    bytes[..8].copy_from_slice(&seq.to_le_bytes());
    bytes[8] = version;
    let id = EntryId::from_bytes(*blake3::hash(&bytes).as_bytes());
    (EntryRef { log, seq: place, id }, Bytes::from(bytes))
}

/// The same one whatever the version: a step that is tried again brings the same contents.
fn chunk_of(seq: u64) -> (ChunkId, Bytes) {
    let mut contents = vec![seq.to_le_bytes()[0] ^ 0x55; 300 + (seq as usize * 131) % 3_000];
    contents[..8].copy_from_slice(&seq.to_le_bytes());
    let id = ChunkId::from_bytes(*blake3::hash(&contents).as_bytes());
    (id, Bytes::from(contents))
}

/// An entry, its change, what it replaces, and a chunk: they belong together.
fn writes_of(seq: u64, version: u8) -> Vec<Write> {
    let (at, bytes) = entry_of(seq, version);
    let hash = ChangeHash::from_bytes(*at.id.as_bytes());
    let record = |table, key: &[u8], value: Vec<u8>| Write::Record {
        space: Space::workspace(WS, table),
        key: key.to_vec(),
        value: Some(value),
    };
    vec![
        Write::Entry(NewEntry { ws: WS, at, kind: Kind::Data, marks: EntryMarks::NONE, bytes }),
        Write::Change { ws: WS, doc: DOC, entry: at, item: 0, hash },
        record(Table::Draft, b"last", seq.to_le_bytes().to_vec()),
        record(Table::Snapshot, b"text", vec![version; 100 + (seq as usize * 37) % 9_000]),
        Write::SyncChunks,
    ]
}

/// A data folder that is in use.
pub(crate) struct Running {
    store: Store,
    sessions: SessionGuard,
    home: Home,
    key: StoreKey,
}

fn key_context<'a>(ask: Option<&'a mut AskPassphrase<'a>>) -> KeyContext<'a> {
    KeyContext {
        choice: KeyChoice::File,
        keyring: Arc::new(NoKeyring),
        ask,
        credentials: None,
        keyring_timeout: Duration::from_secs(1),
        work_factor: Some(1),
    }
}

fn identity() -> PublicIdentity {
    PublicIdentity {
        user: UserId::from_bytes([7; 32]),
        device: DeviceId::from_bytes([8; 32]),
        endpoint: EndpointId::from_bytes([9; 32]),
        device_name: "laptop".to_owned(),
    }
}

/// Opens what is there, or makes it: keys, store, identity, counter, in the order of a node.
pub(crate) fn open(root: &Path) -> Result<Running, String> {
    let home = Home::open(&root.join(HOME)).map_err(|error| told(&error))?;
    let unlocked = keys::unlock(&home, &mut key_context(None)).map_err(|error| told(&error))?;
    let store = Store::open_with(home.path(), &unlocked.key, OPTIONS).map_err(|error| told(&error))?;
    if home.read_identity().map_err(|error| told(&error))?.is_none() {
        home.write_identity(&identity()).map_err(|error| told(&error))?;
    }
    let memory = root.join(MEMORY);
    std::fs::create_dir_all(&memory).map_err(|error| told(&error))?;
    let folders = CounterFolders::at(vec![memory.join("weft")]);
    let sessions = SessionGuard::open(&folders, home.path(), &store).map_err(|error| told(&error))?;
    Ok(Running { store, sessions, home, key: unlocked.key })
}

/// Why a step did not happen.
pub(crate) struct StepError {
    pub(crate) text: String,
    pub(crate) hint: &'static str,
    /// The store takes nothing more until it is opened again.
    pub(crate) is_final: bool,
}

impl Running {
    /// Stores one step.
    pub(crate) fn step(&mut self, disk: &Disk, seq: u64, version: u8) -> Result<(), StepError> {
        disk.mark(Mark::Begun { seq, version });
        self.store.put_chunks(vec![chunk_of(seq)]).map_err(|error| StepError {
            text: told(&error),
            hint: error.hint(),
            is_final: matches!(error, weft_store::PutChunksError::Closed),
        })?;
        self.store.commit(&writes_of(seq, version)).map_err(|error| {
            assert_eq!(error.is_final(), self.store.is_closed(), "{error:?}");
            StepError { text: told(&error), hint: error.hint(), is_final: error.is_final() }
        })?;
        disk.mark(Mark::Stored { seq, version });
        let (log, place) = log_of(seq);
        self.sessions.advance(log, place).map_err(|error| StepError {
            text: told(&error),
            hint: error.hint(),
            is_final: true,
        })?;
        disk.mark(Mark::Published { seq });
        Ok(())
    }

    /// Writes the file of the keys anew, with a passphrase as well.
    pub(crate) fn renew_keys(&self) -> Result<(), String> {
        let mut ask = |_: PassphraseRequest| Some("correct horse".to_owned().into());
        let mut context = key_context(Some(&mut ask));
        for kind in [SlotKind::File, SlotKind::Passphrase] {
            keys::add_slot(&self.home, &self.key, kind, &mut context).map_err(|error| told(&error))?;
        }
        Ok(())
    }
}

/// What was done and acknowledged up to a place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    /// The versions that were acknowledged, from step 1 on.
    pub(crate) stored: Vec<u8>,
    /// The versions that were begun of the step after those.
    begun: Vec<u8>,
    /// Up to which step entries may have been sent.
    published: u64,
}

impl Expected {
    pub(crate) fn note(&mut self, mark: Mark) {
        match mark {
            Mark::Ready => {}
            Mark::Begun { version, .. } => self.begun.push(version),
            // A step that was stored, but could not be counted, is noted again when it is found.
            Mark::Stored { seq, version } => {
                if seq > self.stored.len() as u64 {
                    self.stored.push(version);
                    self.begun.clear();
                }
            }
            Mark::Published { seq } => self.published = seq,
        }
    }

    /// Checks all that a data folder holds. Gives the version of the step after the acknowledged
    /// ones, when it is there.
    pub(crate) fn check(&self, running: &Running, was_killed: bool) -> Result<Option<u8>, String> {
        let found = self.check_entries(running, was_killed)?;
        let store = &running.store;
        for seq in 1..=self.stored.len() as u64 + u64::from(found.is_some()) {
            let (id, contents) = chunk_of(seq);
            let chunk = store.chunk(&id).map_err(|error| told(&error))?;
            if chunk != Some(contents) {
                return Err(format!("the chunk of step {seq} is gone"));
            }
        }
        let sound = store.check(CheckDepth::Quick).map_err(|error| told(&error))?;
        if !sound.is_sound() || store.open_report().chunks_lost > 0 {
            return Err(format!("not sound: {sound:?}, {:?}", store.open_report()));
        }
        Ok(found)
    }

    /// Checks only that both logs end where they must: what is quick enough for every fault.
    pub(crate) fn check_ends(&self, running: &Running) -> Result<Option<u8>, String> {
        let mut stored = 0;
        for log in running.store.logs(WS).map_err(|error| told(&error))? {
            stored += log.entries;
        }
        let acknowledged = self.stored.len() as u64;
        if stored != acknowledged && stored != acknowledged + 1 {
            return Err(format!("{stored} entries, {acknowledged} acknowledged"));
        }
        let last = |seq: u64, versions: &[u8]| -> Result<Option<u8>, String> {
            let (log, place) = log_of(seq);
            let found =
                running.store.entries(WS, log, place, place, usize::MAX).map_err(|error| told(&error))?;
            let is_found =
                |version: &&u8| found.iter().any(|entry| entry.bytes == entry_of(seq, **version).1);
            let version = versions.iter().find(is_found).copied();
            version.map(Some).ok_or_else(|| format!("entry {seq} is another one than was acknowledged"))
        };
        if acknowledged > 0 {
            last(acknowledged, &self.stored[self.stored.len() - 1..])?;
        }
        if stored > acknowledged { last(stored, &self.begun) } else { Ok(None) }
    }

    /// Checks the entries, what belongs to them, and that no session goes on that must not.
    pub(crate) fn check_entries(&self, running: &Running, was_killed: bool) -> Result<Option<u8>, String> {
        let store = &running.store;
        let entries = store.entries_after(WS, StoredOrder::START, EntryFilter::All, usize::MAX);
        let entries = entries.map_err(|error| told(&error))?;
        let acknowledged = self.stored.len();
        if entries.len() < acknowledged || entries.len() > acknowledged + 1 {
            return Err(format!("{} entries, {acknowledged} acknowledged", entries.len()));
        }
        let mut versions = self.stored.clone();
        if let Some(entry) = entries.get(acknowledged) {
            let seq = acknowledged as u64 + 1;
            let found = self.begun.iter().find(|version| entry_of(seq, **version).1 == entry.bytes);
            versions.push(*found.ok_or("an entry that nobody made")?);
        }
        let mut places: BTreeMap<LogId, u64> = BTreeMap::new();
        for (index, (entry, version)) in entries.iter().zip(&versions).enumerate() {
            let seq = index as u64 + 1;
            let (at, bytes) = entry_of(seq, *version);
            if entry.at != at || entry.bytes != bytes {
                return Err(format!("entry {seq} is another one than was acknowledged"));
            }
            let last = places.insert(at.log, at.seq).unwrap_or(0);
            if at.seq != last + 1 {
                return Err(format!("entry {} follows {last}", at.seq));
            }
        }
        self.check_rows(store, &versions)?;
        self.check_sessions(running, &places, was_killed)?;
        Ok(versions.get(acknowledged).copied())
    }

    fn check_rows(&self, store: &Store, versions: &[u8]) -> Result<(), String> {
        let count = versions.len() as u64;
        let changes = store.changes(WS, DOC, ChangeOrder::START).map_err(|error| told(&error))?;
        let last = store.record(Space::workspace(WS, Table::Draft), b"last").map_err(|error| told(&error))?;
        let last = last.map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap_or_default()));
        if changes.len() as u64 != count || last != count {
            return Err(format!("{count} entries, {} changes, record {last}", changes.len()));
        }
        let text =
            store.record(Space::workspace(WS, Table::Snapshot), b"text").map_err(|error| told(&error))?;
        if text.and_then(|text| text.first().copied()) != versions.last().copied() {
            return Err("the snapshot is of another step".to_owned());
        }
        Ok(())
    }

    /// After a kill the session goes on unless the database is behind what was sent, which must
    /// not be; after the power went there is no counter, and a new session begins.
    fn check_sessions(
        &self,
        running: &Running,
        places: &BTreeMap<LogId, u64>,
        was_killed: bool,
    ) -> Result<(), String> {
        for seq in 1..=self.published {
            let (log, place) = log_of(seq);
            if places.get(&log).copied().unwrap_or(0) < place {
                return Err(format!("step {seq} was sent and is gone"));
            }
        }
        for (log, stored) in places {
            match running.sessions.check(*log, *stored) {
                SessionVerdict::Reuse if was_killed => {}
                SessionVerdict::Reuse => return Err("a session goes on after the power went".to_owned()),
                SessionVerdict::NewSession(weft_store::session::NewSessionReason::NotCounted) => {}
                SessionVerdict::NewSession(reason) => return Err(reason.to_string()),
            }
        }
        Ok(())
    }
}

/// The paths of everything in the data folder, for messages.
pub(crate) fn listing(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found
}
