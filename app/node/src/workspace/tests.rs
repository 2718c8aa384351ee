//! Engines of several devices, without disk, network or clock.

mod counting;
mod doubled;
mod past;
mod presence;
mod reconnect;
mod removed;
mod saves;
mod snapshots;
mod typing;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use weft_store::{EntryMarks, Instance, MemoryStore, NewEntry, Storage, Write};
use weft_sync::acl::{AclOperation, Class};
use weft_sync::certificate::VerifiedChain;
use weft_sync::identity::{DeviceKeys, UserKeys};
use weft_sync::ids::{EndpointId, SessionId, Timestamp, UserId, WallMillis, WorkspaceId};
use weft_sync::replica::{ChannelId, Input, Replica, ReplicaConfig, WriteId};
use weft_sync::seal::Label;
use weft_sync::workspace;

use super::engine::{Engine, EngineEvent, Output};
use super::entries;
use crate::api::EditAction;
use crate::folder::{Accepted, FolderJob, PlannedContent, PlannedWrite, RecentTexts, Written};
use crate::mirror::WriteOutcome;

/// A device with one workspace. The folder takes whatever is written to it.
pub(super) struct Device {
    keys: Arc<DeviceKeys>,
    chain: VerifiedChain,
    name: &'static str,
    ws: WorkspaceId,
    session: SessionId,
    pub(super) store: Arc<MemoryStore>,
    pub(super) engine: Engine,
    /// What was written to the folder, by path.
    pub(super) folder: BTreeMap<String, Vec<u8>>,
    /// What was told of texts.
    pub(super) events: Vec<EngineEvent>,
    /// Frames that wait to be carried to the other end of their channel.
    sent: VecDeque<(ChannelId, Vec<u8>)>,
    fetches: Vec<(EndpointId, Vec<weft_crdt::ChunkId>)>,
    /// What was answered to each batch of the folder.
    pub(super) accepted: Vec<Vec<Accepted>>,
    /// Whether contents that others send arrive.
    pub(super) takes_contents: bool,
    /// Whether snapshots are kept.
    pub(super) keeps_snapshots: bool,
    /// Commits that never happen, as with a disk that is too slow before the power fails.
    pub(super) held: Option<Vec<Output>>,
    now: u64,
    writes: u64,
}

fn rng(name: &str) -> StdRng {
    StdRng::from_seed(*blake3::hash(name.as_bytes()).as_bytes())
}

impl Device {
    /// Somebody who founds a workspace.
    pub(super) fn founding(name: &'static str) -> Self {
        let mut rng = rng(name);
        let (keys, chain) = identity(&mut rng);
        let founded = workspace::found(&keys, &chain, "workspace", &Label::new(name, "device"), &mut rng)
            .expect("a chain of this device");
        let store = Arc::new(MemoryStore::new(Instance([1; 16])));
        let genesis = Write::Entry(NewEntry {
            ws: founded.ws,
            at: founded.genesis.entry_ref(),
            kind: founded.genesis.header.kind,
            marks: EntryMarks::NONE,
            bytes: founded.genesis.encode().into(),
        });
        store.commit(&[genesis, entries::keep_keys(founded.ws, &founded.keyring)]).expect("a commit");
        let mut device = Self::with(name, keys, chain, founded.ws, store);
        device.write_acl(founded.operations);
        device
    }

    /// Somebody who knows the name of a workspace.
    fn newcomer(name: &'static str, ws: WorkspaceId) -> Self {
        let (keys, chain) = identity(&mut rng(name));
        Self::with(name, keys, chain, ws, Arc::new(MemoryStore::new(Instance([2; 16]))))
    }

    fn with(
        name: &'static str,
        keys: DeviceKeys,
        chain: VerifiedChain,
        ws: WorkspaceId,
        store: Arc<MemoryStore>,
    ) -> Self {
        let (keys, session) = (Arc::new(keys), SessionId::from_bytes([3; 16]));
        let engine = open(&keys, session, ws, &store, name);
        let mut device = Self {
            keys,
            chain,
            name,
            ws,
            session,
            store,
            engine,
            folder: BTreeMap::new(),
            events: Vec::new(),
            sent: VecDeque::new(),
            fetches: Vec::new(),
            accepted: Vec::new(),
            takes_contents: true,
            keeps_snapshots: true,
            held: None,
            now: 0,
            writes: 1_000_000,
        };
        device.begin();
        device
    }

    /// Stops without a word and starts again from the store.
    pub(super) fn restart(&mut self) {
        self.engine = open(&self.keys, self.session, self.ws, &self.store, self.name);
        self.sent.clear();
        self.held = None;
        self.begin();
    }

    fn begin(&mut self) {
        self.engine.set_time(Timestamp(self.now), WallMillis(self.now as i64));
        self.engine.start();
        self.engine.scanned();
        self.carry_out();
    }

    /// Lets somebody in, and gives that person's device.
    pub(super) fn admit(&mut self, name: &'static str, class: Class) -> Self {
        let newcomer = Self::newcomer(name, self.ws);
        let membership = self.engine.replica().membership().expect("a workspace");
        let keyring = self.engine.replica().keyring();
        let label = Label::new(name, "device");
        let admitted = (&newcomer.chain, &label, class);
        let operations =
            workspace::admit(membership, keyring, &self.user(), admitted, &mut rng(name)).expect("a right");
        self.write_acl(operations);
        newcomer
    }

    /// Puts a person out.
    pub(super) fn remove(&mut self, other: &Device) {
        let membership = self.engine.replica().membership().expect("a workspace");
        let operations = workspace::remove_user(membership, &self.user(), &other.user()).expect("a right");
        self.write_acl(operations);
    }

    fn write_acl(&mut self, operations: Vec<AclOperation>) {
        self.writes += 1;
        self.engine.feed(Input::WriteAcl { write: WriteId(self.writes), operations });
        self.carry_out();
    }

    pub(super) fn user(&self) -> UserId {
        self.keys.user()
    }

    fn endpoint(&self) -> EndpointId {
        self.keys.endpoint_id()
    }

    /// Makes a file, or makes it hold this text.
    pub(super) fn replace(&mut self, path: &str, text: &str) {
        self.edit(path, &EditAction::Replace { text: text.to_owned() });
    }

    /// Types text at a place.
    pub(super) fn insert(&mut self, path: &str, at: u64, text: &str) {
        self.edit(path, &EditAction::Insert { at, text: text.to_owned() });
    }

    pub(super) fn edit(&mut self, path: &str, action: &EditAction) {
        self.engine.edit(path, action).unwrap_or_else(|error| panic!("{}: {error:?}", self.name));
        self.carry_out();
    }

    pub(super) fn text(&self, path: &str) -> String {
        self.engine.cat(path, None).unwrap_or_else(|error| panic!("{}: {error:?}", self.name)).text
    }

    /// What the folder holds at a path.
    pub(super) fn on_disk(&self, path: &str) -> Option<&str> {
        self.folder.get(path).map(|bytes| std::str::from_utf8(bytes).expect("a text"))
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.engine.set_time(Timestamp(self.now), WallMillis(self.now as i64));
        self.engine.tick();
        self.carry_out();
    }

    fn carry_out(&mut self) {
        loop {
            let outputs = self.engine.drain();
            if outputs.is_empty() {
                return;
            }
            for output in outputs {
                self.carry_out_one(output);
            }
        }
    }

    fn carry_out_one(&mut self, output: Output) {
        match output {
            Output::Commit { .. } => match &mut self.held {
                Some(held) => held.push(output),
                None => self.commit(output),
            },
            Output::Send { channel, bytes } => self.sent.push_back((channel, bytes)),
            Output::Folder(FolderJob::Write(writes)) => self.write_folder(writes),
            Output::Fetch { peer, chunks } => self.fetches.push((peer, chunks)),
            Output::Session(session) => self.session = session,
            Output::Snapshot(job) => {
                let write = job.write(&*self.store).expect("a store that can be read");
                if let Some(write) = write.filter(|_| self.keeps_snapshots) {
                    self.store.commit(&[write]).expect("a commit");
                }
            }
            Output::Event(event) => self.events.push(event),
            Output::Folder(FolderJob::Accept { accepted, .. }) => self.accepted.push(accepted),
            Output::Folder(_) | Output::Close { .. } | Output::StartFolder { .. } => {}
        }
    }

    fn commit(&mut self, output: Output) {
        let Output::Commit { batch, writes, .. } = output else { return };
        self.store.commit(&writes).expect("a commit");
        if let Some(batch) = batch {
            self.engine.committed(batch);
        }
    }

    fn write_folder(&mut self, writes: Vec<PlannedWrite>) {
        let mut written = Vec::new();
        for write in writes {
            let (path, mut of) = (write.path().clone(), None);
            match write {
                PlannedWrite::File { path, node, content, .. } => {
                    let bytes = match content {
                        PlannedContent::Bytes(bytes) => bytes.to_vec(),
                        PlannedContent::Blob(blob) => {
                            self.engine.contents().expect("a key").load(&blob).expect("a content")
                        }
                    };
                    self.folder.insert(path.as_str().to_owned(), bytes);
                    of = Some(node);
                }
                PlannedWrite::MakeFolder { node, .. } => of = Some(node),
                PlannedWrite::Remove { path, .. } => {
                    self.folder.remove(path.as_str());
                }
                PlannedWrite::Rename { from, to, .. } => {
                    if let Some(bytes) = self.folder.remove(from.as_str()) {
                        self.folder.insert(to.as_str().to_owned(), bytes);
                    }
                }
                PlannedWrite::RemoveFolder { .. } | PlannedWrite::SetExecutable { .. } => {}
            }
            written.push(Written { path, node: of, outcome: WriteOutcome::Done });
        }
        self.engine.disk_written(written);
    }
}

fn identity(rng: &mut StdRng) -> (DeviceKeys, VerifiedChain) {
    let user = UserKeys::generate(rng);
    let keys = DeviceKeys::generate(user.user_id(), rng);
    let chain = user.certify(&keys.claim()).expect("a claim that is proven");
    (keys, chain)
}

fn open(
    keys: &Arc<DeviceKeys>,
    session: SessionId,
    ws: WorkspaceId,
    store: &Arc<MemoryStore>,
    name: &str,
) -> Engine {
    let stored = entries::stored_state(&**store, ws).expect("a store that can be read");
    let config = ReplicaConfig { ws, keys: Arc::clone(keys), session, app_version: "test".to_owned() };
    let replica = Replica::open(config, stored, &mut |log, seq| {
        let read = store.entries(ws, *log, seq, seq, 1).ok()?;
        read.first().map(|entry| entry.at.id)
    });
    let replica = replica.expect("what a replica has stored");
    let storage: Arc<dyn Storage> = Arc::clone(store) as Arc<dyn Storage>;
    Engine::open(ws, storage, replica, Arc::new(RecentTexts::default()), rng(name))
        .expect("a store that can be read")
}

/// Connects two devices until nothing more is to be said, and parts them again.
pub(super) fn meet(a: &mut Device, b: &mut Device) {
    a.writes += 1;
    let channel = ChannelId(a.writes.max(b.writes));
    b.writes = a.writes.max(b.writes);
    let ends = (a.endpoint(), b.endpoint());
    a.engine.feed(Input::ChannelUp { channel, peer: ends.1, dialer: true });
    b.engine.feed(Input::ChannelUp { channel, peer: ends.0, dialer: false });
    let mut still = 0;
    while still < 40 {
        a.pass(25);
        b.pass(25);
        let moved = carry(a, b) + carry(b, a);
        still = if moved > 0 { 0 } else { still + 1 };
    }
    a.engine.feed(Input::ChannelDown { channel });
    b.engine.feed(Input::ChannelDown { channel });
    a.carry_out();
    b.carry_out();
}

/// Carries frames and chunks from one to the other.
fn carry(from: &mut Device, to: &mut Device) -> usize {
    let frames: Vec<_> = from.sent.drain(..).collect();
    let mut moved = frames.len();
    for (channel, bytes) in frames {
        to.engine.feed(Input::Frame { channel, bytes });
        to.carry_out();
    }
    let fetches = std::mem::take(&mut to.fetches);
    for (peer, chunks) in fetches {
        moved += 1;
        let mut found = Vec::new();
        let mut absent = Vec::new();
        for chunk in &chunks {
            match from.store.chunk(chunk).expect("a store that can be read") {
                _ if !to.takes_contents => absent.push(*chunk),
                Some(bytes) => found.push((*chunk, bytes)),
                None => absent.push(*chunk),
            }
        }
        let arrived: Vec<_> = found.iter().map(|(chunk, _)| *chunk).collect();
        to.store.put_chunks(found).expect("chunks that are what they are named by");
        to.engine.chunks_arrived(&arrived);
        to.engine.fetched(peer, &absent, false);
        to.carry_out();
    }
    moved
}

/// Says that two devices show and hold the same.
#[track_caller]
pub(super) fn assert_equal(a: &Device, b: &Device) {
    assert_eq!(a.engine.digests(), b.engine.digests(), "{} and {}", a.name, b.name);
    assert_eq!(a.engine.shown(), b.engine.shown(), "{} and {}", a.name, b.name);
}
