//! A device with all that survives a crash of its program, and the program while it runs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rand::RngExt as _;
use rand_chacha::ChaCha20Rng;
use weft_node::driven::{DrivenWorkspace, ModelFolder};
use weft_store::memory::Fault;
use weft_store::{
    EntryFilter, EntryMarks, Instance, MemoryStore, NewEntry, Space, Storage, StoredOrder, Table, Write,
};
use weft_sync::acl::Class;
use weft_sync::certificate::VerifiedChain;
use weft_sync::entry::{Entry, Lane};
use weft_sync::epoch::Keyring;
use weft_sync::identity::{DeviceKeys, UserKeys};
use weft_sync::ids::{EntryRef, LogId, SessionId, Timestamp, UserId, WallMillis, WorkspaceId};
use weft_sync::replica::{BatchId, WriteId};

const SESSION_KEY: &[u8] = b"session";
const KEYRING_KEY: &[u8] = b"keyring";

/// Something that waits for the disk.
pub(super) struct Queued {
    pub(super) batch: Option<BatchId>,
    pub(super) writes: Vec<Write>,
    pub(super) own: Vec<EntryRef>,
}

/// What the memory of a machine holds of its logs: it goes with a reboot, and no backup has it.
pub(super) type Counters = BTreeMap<LogId, u64>;

/// What a backup holds.
pub(super) struct Backup {
    pub(super) store: MemoryStore,
    pub(super) folder: ModelFolder,
}

/// See the [module](self).
pub(super) struct Device {
    pub(super) keys: Arc<DeviceKeys>,
    pub(super) chain: VerifiedChain,
    pub(super) class: Class,
    pub(super) ws: WorkspaceId,
    pub(super) store: Arc<MemoryStore>,
    pub(super) counters: Counters,
    /// The folder while no program runs.
    pub(super) folder: ModelFolder,
    pub(super) backup: Option<Backup>,
    pub(super) running: Option<DrivenWorkspace>,
    /// Counts starts, so that what was meant for an earlier one is told apart.
    pub(super) life: u64,
    pub(super) queue: VecDeque<Queued>,
    /// Whether a transaction is under way, and of how many of the queue.
    pub(super) committing: Option<usize>,
    /// Words whose writes are on their way.
    pub(super) writing: Vec<(WriteId, Vec<u64>)>,
    /// What the clock on the wall is ahead.
    pub(super) wall_offset: i64,
    pub(super) folder_due: bool,
    /// Whether the disk takes nothing.
    pub(super) is_full: bool,
    /// Of whom this device is a copy.
    pub(super) clone_of: Option<usize>,
}

impl Device {
    pub(super) fn new(class: Class, rng: &mut ChaCha20Rng) -> Self {
        let user = UserKeys::generate(rng);
        let keys = DeviceKeys::generate(user.user_id(), rng);
        let chain = user.certify(&keys.claim()).expect("a claim that is proven");
        Self {
            keys: Arc::new(keys),
            chain,
            class,
            ws: WorkspaceId::ZERO,
            store: Arc::new(MemoryStore::new(Instance(rng.random()))),
            counters: Counters::new(),
            folder: ModelFolder::default(),
            backup: None,
            running: None,
            life: 0,
            queue: VecDeque::new(),
            committing: None,
            writing: Vec::new(),
            wall_offset: 1_700_000_000_000,
            folder_due: false,
            is_full: false,
            clone_of: None,
        }
    }

    /// The same device on another machine, from a copy of its data folder.
    pub(super) fn copy(&self, of: usize) -> Self {
        let folder = self.running.as_ref().map_or(&self.folder, |running| running.folder()).clone();
        Self {
            keys: Arc::clone(&self.keys),
            chain: self.chain.clone(),
            class: self.class,
            ws: self.ws,
            store: Arc::new(self.store.after_crash()),
            counters: Counters::new(),
            folder,
            backup: None,
            running: None,
            life: 0,
            queue: VecDeque::new(),
            committing: None,
            writing: Vec::new(),
            wall_offset: self.wall_offset,
            folder_due: false,
            is_full: false,
            clone_of: Some(of),
        }
    }

    /// A copy of what is on the disk now.
    pub(super) fn back_up(&self) -> Backup {
        let folder = self.running.as_ref().map_or(&self.folder, |running| running.folder()).clone();
        Backup { store: self.store.after_crash(), folder }
    }

    /// Puts the last backup in place, of the shared folder too or of the data folder alone. False
    /// when there is none.
    pub(super) fn put_backup_in_place(&mut self, with_folder: bool) -> bool {
        let Some(backup) = self.backup.take() else { return false };
        self.store = Arc::new(backup.store);
        self.set_full(self.is_full);
        if with_folder {
            self.folder = backup.folder;
        } else {
            self.folder.forget_rows_after(&backup.folder);
        }
        true
    }

    pub(super) fn user(&self) -> UserId {
        self.keys.user()
    }

    pub(super) fn reads(&self) -> bool {
        self.class > Class::Keeper
    }

    /// Stores what founds a workspace.
    pub(super) fn found(&self, genesis: &Entry, keyring: &Keyring) {
        let entry = Write::Entry(NewEntry {
            ws: self.ws,
            at: genesis.entry_ref(),
            kind: genesis.header.kind,
            marks: EntryMarks::NONE,
            bytes: genesis.encode().into(),
        });
        let keys = Write::Record {
            space: Space::workspace(self.ws, Table::EpochKey),
            key: KEYRING_KEY.to_vec(),
            value: Some(keyring.to_secret_bytes().to_vec()),
        };
        self.store.commit(&[entry, keys]).expect("an empty store");
    }

    /// The session of the last run where nothing says that the database has been set back since;
    /// as a node chooses it.
    fn choose_session(&self, rng: &mut ChaCha20Rng) -> SessionId {
        let space = Space::workspace(self.ws, Table::Setting);
        let last = self.store.record(space, SESSION_KEY).expect("a store in memory");
        if let Some(session) = last.and_then(|bytes| SessionId::from_slice(&bytes)) {
            let mut is_begun = false;
            let may_go_on = [Lane::Data, Lane::Control].iter().all(|lane| {
                let log = self.keys.signer().log_id(&self.ws, &session, *lane);
                let stored = self.store.log(self.ws, log).expect("a store in memory");
                let counted = self.counters.get(&log);
                is_begun |= stored.is_some();
                match stored {
                    Some(stored) => counted.is_some_and(|counted| stored.last_seq >= *counted),
                    None => counted.is_none(),
                }
            });
            if may_go_on && is_begun {
                return session;
            }
        }
        let session = SessionId::from_bytes(rng.random());
        let value = Some(session.as_bytes().to_vec());
        let write = Write::Record { space, key: SESSION_KEY.to_vec(), value };
        self.store.commit(&[write]).expect("a disk with room");
        session
    }

    /// The write that remembers a session.
    pub(super) fn session_write(&self, session: SessionId) -> Write {
        Write::Record {
            space: Space::workspace(self.ws, Table::Setting),
            key: SESSION_KEY.to_vec(),
            value: Some(session.as_bytes().to_vec()),
        }
    }

    /// Starts the program. False when the disk does not let it.
    pub(super) fn start(&mut self, now: Timestamp, rng: &mut ChaCha20Rng) -> bool {
        if self.is_full {
            return false;
        }
        let session = self.choose_session(rng);
        let store: Arc<dyn Storage> = Arc::clone(&self.store) as Arc<dyn Storage>;
        let folder = std::mem::take(&mut self.folder);
        let seed = rng.random();
        let opened = DrivenWorkspace::open(self.ws, store, Arc::clone(&self.keys), session, seed, folder);
        let mut running = opened.expect("a store that a program wrote");
        self.life += 1;
        running.set_time(now, self.wall(now));
        running.start();
        self.running = Some(running);
        true
    }

    /// Makes the disk full, or gives it room.
    pub(super) fn set_full(&mut self, is_full: bool) {
        self.is_full = is_full;
        self.store.set_fault(is_full.then_some(Fault::DiskFull));
    }

    pub(super) fn wall(&self, now: Timestamp) -> WallMillis {
        WallMillis(self.wall_offset + i64::try_from(now.0).expect("a short simulation"))
    }

    /// Ends the program without a word. What was queued for the disk before `kept` is there.
    pub(super) fn crash(&mut self, kept: usize) {
        for queued in self.queue.drain(..).take(kept) {
            // A transaction that fails leaves nothing.
            if self.store.commit(&queued.writes).is_err() {
                break;
            }
        }
        self.queue.clear();
        self.committing = None;
        self.writing.clear();
        if let Some(running) = self.running.take() {
            self.folder = running.into_folder();
        }
        self.store = Arc::new(self.store.after_crash());
        self.set_full(self.is_full);
    }
}

impl Device {
    /// The bytes of every stored entry.
    pub(super) fn entries(&self) -> Vec<bytes::Bytes> {
        let mut all = Vec::new();
        let mut after = StoredOrder::START;
        loop {
            let read = self.store.entries_after(self.ws, after, EntryFilter::All, 1 << 20);
            let read = read.expect("a store in memory");
            let Some(last) = read.last() else { return all };
            after = last.order;
            all.extend(read.into_iter().map(|entry| entry.bytes));
        }
    }
}
