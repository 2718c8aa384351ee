//! A device: its keys, its store, what it has taken in, and its replica while it runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng as _;
use weft_crdt::DocumentId;
use weft_sync::acl::{AclOperation, Class};
use weft_sync::certificate::VerifiedChain;
use weft_sync::epoch::Keyring;
use weft_sync::frames::{ByeCode, PeerAddress, Position};
use weft_sync::identity::{DeviceKeys, UserKeys};
use weft_sync::replica::{
    CutBack, Delivery, Effect, Input, Replica, ReplicaConfig, StoredAck, StoredEntry, Write, WriteError,
    WriteId,
};
use weft_sync::seal::Label;
use weft_sync::workspace;
use weft_sync::{
    DeviceId, EndpointId, EntryRef, Item, Origin, SessionId, Timestamp, UserId, WallMillis, WorkspaceId,
};

use crate::puppet::Puppet;
use crate::store::MemoryStore;

/// What every change begins with. It must never be seen outside of a device.
pub const CANARY: &[u8] = b"plain text of a person";

/// What was taken in of one entry: its changes.
pub type Changes = Vec<Vec<u8>>;

/// One device.
pub struct Node {
    /// Its keys.
    pub keys: Arc<DeviceKeys>,
    /// Its person's.
    pub person: Arc<UserKeys>,
    /// Why it is its person's.
    pub chain: VerifiedChain,
    /// What the person may do.
    pub class: Class,
    /// The workspace.
    pub ws: WorkspaceId,
    /// What survives a crash: entries,
    pub store: MemoryStore,
    /// what was taken in of them, stored together with the mark that it was,
    pub content: BTreeMap<EntryRef, Changes>,
    /// the name of the session,
    pub session: SessionId,
    /// and keys.
    pub keyring: Keyring,
    /// What others were last known to hold of its logs.
    pub acks: BTreeMap<DeviceId, Vec<Position>>,
    /// What runs, when the device is up.
    pub replica: Option<Replica>,
    /// What runs instead of it on a device that follows no rule.
    pub puppet: Option<Puppet>,
    /// Counts starts, so that what was meant for an earlier one is told apart.
    pub life: u64,
    /// Writes that are on their way.
    pub writing: BTreeMap<WriteId, Vec<Item>>,
    /// The entries of writes that were reported as stored.
    pub acknowledged: Vec<EntryRef>,
    /// When the last of what was delivered is taken in, or taken back.
    pub taken_in_until: u64,
    /// Entries that were taken back.
    pub withdrawn: usize,
    /// Forks that were reported.
    pub forks: usize,
    /// How often a log was taken back to where its branches part.
    pub cut_back: usize,
    /// Addresses that others have told.
    pub learned: Vec<PeerAddress>,
    /// Codes with which others have closed channels.
    pub closed_with: Vec<ByeCode>,
    /// Sessions that the replica has begun by itself.
    pub sessions_begun: usize,
    next_write: u64,
}

impl Node {
    /// A new device of a new person.
    ///
    /// # Panics
    /// Never: the device proves its own key.
    #[must_use]
    pub fn new(class: Class, rng: &mut ChaCha20Rng) -> Self {
        let person = UserKeys::generate(rng);
        let keys = DeviceKeys::generate(person.user_id(), rng);
        let chain = person.certify(&keys.claim()).expect("a claim that is proven");
        Self::of(Arc::new(person), keys, chain, class, rng)
    }

    /// Another device of the same person, certified by this one.
    ///
    /// # Panics
    /// Never: the device proves its own key.
    #[must_use]
    pub fn sibling(&self, rng: &mut ChaCha20Rng) -> Self {
        let keys = DeviceKeys::generate(self.user(), rng);
        let chain =
            self.chain.extend(self.keys.signing_key(), &keys.claim()).expect("a claim that is proven");
        let mut node = Self::of(Arc::clone(&self.person), keys, chain, self.class, rng);
        node.ws = self.ws;
        node
    }

    fn of(
        person: Arc<UserKeys>,
        keys: DeviceKeys,
        chain: VerifiedChain,
        class: Class,
        rng: &mut ChaCha20Rng,
    ) -> Self {
        Self {
            keys: Arc::new(keys),
            person,
            chain,
            class,
            ws: WorkspaceId::ZERO,
            store: MemoryStore::default(),
            content: BTreeMap::new(),
            session: random_session(rng),
            keyring: Keyring::default(),
            acks: BTreeMap::new(),
            replica: None,
            puppet: None,
            life: 0,
            writing: BTreeMap::new(),
            acknowledged: Vec::new(),
            taken_in_until: 0,
            withdrawn: 0,
            forks: 0,
            cut_back: 0,
            learned: Vec::new(),
            closed_with: Vec::new(),
            sessions_begun: 0,
            next_write: 1,
        }
    }

    /// The person.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.keys.user()
    }

    /// The transport key.
    #[must_use]
    pub fn endpoint(&self) -> EndpointId {
        self.keys.endpoint_id()
    }

    /// Whether this device can read what is written.
    #[must_use]
    pub fn reads(&self) -> bool {
        self.class > Class::Keeper
    }

    /// Starts the replica from what is stored.
    ///
    /// # Panics
    /// When it cannot be opened from what it stored itself.
    pub fn start(&mut self, now: Timestamp, rng: &mut ChaCha20Rng) -> Vec<Effect> {
        let config = ReplicaConfig {
            ws: self.ws,
            keys: Arc::clone(&self.keys),
            session: self.session,
            app_version: "simulation".to_owned(),
        };
        let acks = self.acks.iter().flat_map(|(device, acks)| {
            acks.iter().map(|at| StoredAck { device: *device, log: at.log, seq: at.seq })
        });
        let state = self.store.state(self.keyring.clone(), acks.collect());
        let store = &self.store;
        let mut replica = Replica::open(config, state, &mut |log, seq| store.id_at(log, seq))
            .expect("a store that a replica wrote");
        if let Some(membership) = replica.membership().filter(|membership| membership.has_removals()) {
            let entries = self.store.bytes().filter_map(|bytes| weft_sync::Entry::decode(bytes).ok());
            for entry in entries.filter(|entry| entry.header.kind == weft_sync::Kind::Data) {
                if !membership.counts(&entry) {
                    self.content.remove(&entry.entry_ref());
                }
            }
        }
        let effects = replica.start(now, rng);
        self.life += 1;
        self.replica = Some(replica);
        effects
    }

    /// Stops without a word. What is on its way to the disk is the world's to decide.
    pub fn crash(&mut self) {
        self.replica = None;
        self.writing.clear();
    }

    /// Begins another session with the next start, as after a reboot.
    pub fn new_session(&mut self, rng: &mut ChaCha20Rng) {
        self.session = random_session(rng);
    }

    /// Tells the replica what happened.
    pub fn handle(&mut self, now: Timestamp, input: Input, rng: &mut ChaCha20Rng) -> Vec<Effect> {
        match (&mut self.replica, &mut self.puppet) {
            (Some(replica), _) => replica.handle(now, input, rng),
            (None, Some(puppet)) => puppet.handle(input),
            (None, None) => Vec::new(),
        }
    }

    /// Whether something runs on it.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.replica.is_some() || self.puppet.is_some()
    }

    /// Gives the device to somebody who follows no rule, with all keys and all that it holds.
    pub fn turn(&mut self) {
        let entries = self.store.bytes().filter_map(|bytes| weft_sync::Entry::decode(bytes).ok()).collect();
        let (keys, person) = (Arc::clone(&self.keys), Arc::clone(&self.person));
        self.puppet = Some(Puppet::new(keys, person, self.keyring.clone(), entries));
        self.life += 1;
    }

    /// What this device says to let another one in.
    ///
    /// # Panics
    /// When it may not.
    pub fn invitation(&self, other: &Node, rng: &mut ChaCha20Rng) -> Vec<AclOperation> {
        let membership = self.replica.as_ref().and_then(Replica::membership).expect("a device that is in");
        let label = Label::new("somebody", "some device");
        let newcomer = (&other.chain, &label, other.class);
        workspace::admit(membership, &self.keyring, &self.user(), newcomer, rng).expect("a right to invite")
    }

    /// What this device says to put a person out.
    ///
    /// # Panics
    /// When it may not.
    #[must_use]
    pub fn removal(&self, other: &UserId) -> Vec<AclOperation> {
        let membership = self.replica.as_ref().and_then(Replica::membership).expect("a device that is in");
        workspace::remove_user(membership, &self.user(), other).expect("a right to remove")
    }

    /// Goes back to an old state of the store, as when a backup is put in place.
    pub fn set_back(&mut self, entries: usize) {
        self.store.set_back(entries);
        let store = &self.store;
        self.content.retain(|at, _| store.id_at(&at.log, at.seq) == Some(at.id));
    }

    /// A name for a write.
    pub fn write_id(&mut self) -> WriteId {
        self.next_write += 1;
        WriteId(self.next_write)
    }

    /// Whether this device knows that it may write.
    #[must_use]
    pub fn may_write(&self) -> bool {
        let membership = self.replica.as_ref().and_then(Replica::membership);
        membership.is_some_and(|membership| {
            membership.device(&self.keys.device_id()).is_some_and(|us| us.class >= Class::Editor)
        })
    }

    /// An input that writes these items.
    pub fn write(&mut self, items: Vec<Item>) -> Option<Input> {
        let log = self.replica.as_ref()?.data_log();
        let write = self.write_id();
        self.writing.insert(write, items.clone());
        Some(Input::Write(Write { write, log, origin: Origin::Human, wall: WallMillis(0), items }))
    }

    /// Items with changes that say in the clear what they are.
    pub fn items(&mut self, count: usize, bytes: usize, rng: &mut ChaCha20Rng) -> Vec<Item> {
        (0..count)
            .map(|_| {
                let mut change = CANARY.to_vec();
                change.extend(rng.next_u64().to_le_bytes());
                // Half of it can be packed, half cannot.
                change.resize(CANARY.len() + 8 + bytes / 2, b'x');
                let mut random = vec![0; bytes / 2];
                rng.fill_bytes(&mut random);
                change.extend(random);
                let doc = DocumentId::from_bytes([rng.next_u32().to_le_bytes()[0] % 4; 16]);
                Item { doc, more: false, repeats: None, change }
            })
            .collect()
    }

    /// Stores a transaction, with what our own entries in it say.
    pub fn commit(&mut self, entries: &[StoredEntry]) {
        self.store.commit(entries);
        for entry in entries.iter().filter(|entry| !entry.local.is_empty()) {
            let change = |local: &weft_sync::replica::LocalItem| {
                self.writing.get(&local.write).map(|items| items[local.index].change.clone())
            };
            let changes: Option<Changes> = entry.local.iter().map(change).collect();
            self.content.insert(entry.at, changes.expect("a write that was begun"));
        }
    }

    /// Takes in what an entry says. Doing it twice changes nothing.
    ///
    /// # Panics
    /// When the same entry says something else than before.
    pub fn apply(&mut self, delivery: Delivery) {
        if !delivery.counts {
            return;
        }
        let changes: Changes = delivery.data.items.into_iter().map(|item| item.change).collect();
        if let Some(before) = self.content.insert(delivery.entry, changes.clone()) {
            assert_eq!(before, changes, "one entry says two things");
        }
        self.store.mark_opened(&delivery.entry);
    }

    /// Takes back what entries said.
    pub fn withdraw(&mut self, entries: &[EntryRef]) {
        for at in entries {
            self.content.remove(at);
            self.store.mark_unopened(at);
        }
        self.withdrawn += entries.len();
    }

    /// Takes back what a log said beyond a place.
    pub fn cut_back(&mut self, cut: CutBack) {
        self.content.retain(|at, _| at.log != cut.log || at.seq <= cut.to);
        self.cut_back += 1;
    }

    /// Notes what became of a write.
    pub fn written(&mut self, write: WriteId, entries: Vec<EntryRef>) {
        self.writing.remove(&write);
        self.acknowledged.extend(entries);
    }

    /// What is to be written again, because the session has changed or no key was here.
    pub fn refused(&mut self, write: WriteId, reason: &WriteError) -> Option<Vec<Item>> {
        let items = self.writing.remove(&write)?;
        matches!(reason, WriteError::StaleLog | WriteError::NoKey | WriteError::Busy).then_some(items)
    }
}

fn random_session(rng: &mut ChaCha20Rng) -> SessionId {
    let mut session = [0; 16];
    rng.fill_bytes(&mut session);
    SessionId::from_bytes(session)
}
