//! Mallory: her keys, her way in, and what she signs.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::time::timeout;
use weft_crdt::{
    Author, BlobRef, Change, ContentValue, DocumentId, NodeId, NodeKind, RegisterEdit, TreeDocument, Value,
    tree::{ChunkList, Field, ParentValue, RegisterKey, tree_document_id},
};
use weft_net::Address;
use weft_sync::{
    BodyHash, ClearBody as _, DataPlain, Entry, EntryId, EntryRef, Header, Item, Kind, Lane, LogId, Open,
    Origin, SessionId, WallMillis, WorkspaceId,
    certificate::VerifiedChain,
    data::actor_of,
    epoch::{Cover, Epoch, Keyring},
    identity::{DeviceKeys, UserKeys},
    invite::{Newcomer, NewcomerEffect, NewcomerInput},
    membership::Membership,
    seal::{EpochKey, Label},
    ticket::Ticket,
};

use crate::Wire;

/// How long an honest node may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A member with keys of her own and no scruples.
pub(crate) struct Mallory {
    pub(crate) keys: DeviceKeys,
    pub(crate) ws: WorkspaceId,
    pub(crate) membership: Membership,
    pub(crate) rng: StdRng,
    /// The tree as she knows it.
    pub(crate) tree: TreeDocument,
    keyring: Keyring,
}

/// A log that she writes to.
#[derive(Clone, Copy)]
pub(crate) struct Log {
    pub(crate) id: LogId,
    pub(crate) last: Option<EntryRef>,
    session: SessionId,
}

impl Mallory {
    /// Comes in with a ticket, under any names.
    pub(crate) async fn join(ticket: &str, label: Label) -> (Self, Wire) {
        let ticket = Ticket::parse(ticket).expect("a ticket");
        let mut rng = StdRng::seed_from_u64(rand::random());
        let user = UserKeys::generate(&mut rng);
        let keys = DeviceKeys::generate(user.user_id(), &mut rng);
        let chain = user.certify(&keys.claim()).expect("a claim that is proven");
        let wire = Wire::start(*keys.transport_secret()).await;
        let joined = come_in(&ticket, chain, label, &wire, &mut rng).await;
        let tree = TreeDocument::new(tree_document_id(joined.ws.as_bytes()));
        let (ws, membership) = (joined.ws, joined.membership);
        let mut mallory = Self { keys, ws, membership, rng, tree, keyring: Keyring::default() };
        for entry in &joined.entries {
            mallory.offer_key(entry);
        }
        (mallory, wire)
    }

    /// Takes an entry of the control lane.
    pub(crate) fn learn(&mut self, entry: &Entry) {
        // What she knows already is an error that costs nothing.
        let _known = self.membership.insert(entry);
        self.offer_key(entry);
    }

    fn offer_key(&mut self, entry: &Entry) {
        if entry.header.kind != Kind::Epoch {
            return;
        }
        let epoch: Epoch = entry.clear().expect("an epoch of an honest node");
        let us = Cover::Device(self.keys.device_id());
        // Some are for others.
        let _not_for_us = self.keyring.offer(&epoch, &us, self.keys.age_identity());
    }

    /// Takes what a Data entry says of the tree.
    pub(crate) fn read(&mut self, entry: &Entry) {
        let Some(key) = entry.header.epoch.and_then(|epoch| self.keyring.key(&epoch)) else { return };
        let plain =
            key.entry_key(&entry.header.log).open(&entry.header, &entry.body).expect("an honest entry");
        for item in DataPlain::decode(&plain).expect("honest data").items {
            if item.doc == self.tree.id() {
                let change = Change::parse(&item.change).expect("an honest change");
                self.tree.apply(&change, &actor_of(&entry.header.log)).expect("a change that fits");
            }
        }
    }

    /// The key that everybody writes under.
    pub(crate) fn key(&self) -> EpochKey {
        let epochs = self.membership.usable_epochs();
        self.keyring.key(&epochs.first().expect("an epoch").epoch).expect("its key").clone()
    }

    /// A new log, and the entry that begins it.
    pub(crate) fn begin(&mut self) -> (Log, Entry) {
        let session = SessionId::from_bytes(self.rng.random());
        let id = self.keys.signer().log_id(&self.ws, &session, Lane::Data);
        let mut log = Log { id, last: None, session };
        let open = Open {
            signer: self.keys.signer(),
            session: log.session,
            prev_logs: Vec::new(),
            app_version: "none".to_owned(),
        };
        let entry = self.sign(&mut log, Kind::Open, None, open.encode_body());
        (log, entry)
    }

    /// The header of the next entry of a log.
    pub(crate) fn header(&self, log: &Log, kind: Kind) -> Header {
        let (seq, prev) = log.last.map_or((1, EntryId::ZERO), |last| (last.seq + 1, last.id));
        Header {
            ver: 1,
            ws: self.ws,
            log: log.id,
            seq,
            prev,
            kind,
            acl_heads: self.membership.heads(),
            epoch: None,
            body_len: 0,
            body_hash: BodyHash::ZERO,
        }
    }

    fn sign(&self, log: &mut Log, kind: Kind, epoch: Option<&EpochKey>, body: Vec<u8>) -> Entry {
        let mut header = self.header(log, kind);
        header.epoch = epoch.map(EpochKey::id);
        let entry =
            Entry::sign(header, body, self.keys.signing_key()).expect("an entry that keeps its shape");
        log.last = Some(entry.entry_ref());
        entry
    }

    /// A Data entry with any bytes for what it says.
    pub(crate) fn seal(&mut self, log: &mut Log, plain: &[u8]) -> Entry {
        let key = self.key();
        let mut header = self.header(log, Kind::Data);
        header.epoch = Some(key.id());
        let body =
            key.entry_key(&log.id).seal(&header, plain, &mut self.rng).expect("a body within the limit");
        self.sign(log, Kind::Data, Some(&key), body)
    }

    /// A Data entry with these changes.
    pub(crate) fn data(&mut self, log: &mut Log, items: Vec<Item>) -> Entry {
        let plain = DataPlain { wall: WallMillis(0), origin: Origin::Human, items };
        self.seal(log, &plain.encode())
    }

    /// A Data entry with one item of random bytes.
    pub(crate) fn noise(&mut self, log: &mut Log, bytes: usize) -> Entry {
        let mut change = vec![0; bytes];
        self.rng.fill_bytes(&mut change);
        let doc = DocumentId::from_bytes(self.rng.random());
        self.data(log, vec![item(doc, change)])
    }

    /// Entries that write registers of the tree.
    pub(crate) fn write_tree(&mut self, log: &mut Log, edits: &[RegisterEdit]) -> Vec<Entry> {
        let author = Author::Session(actor_of(&log.id));
        let edited = self.tree.edit(author, edits, 0).expect("edits that the document engine makes");
        let doc = self.tree.id();
        let parts: Vec<Vec<Change>> = edited.changes.chunks(1).map(<[Change]>::to_vec).collect();
        let items =
            |part: Vec<Change>| part.iter().map(|change| item(doc, change.bytes().to_vec())).collect();
        parts.into_iter().map(|part| self.data(log, items(part))).collect()
    }

    /// The registers of an empty file or a folder in `parent`.
    pub(crate) fn node(&self, node: NodeId, parent: NodeId, name: &str, kind: NodeKind) -> Vec<RegisterEdit> {
        let mut edits = vec![
            set(node, Field::Kind, Value::Uint(kind.number().into())),
            set(node, Field::Name, Value::Str(name.to_owned())),
            place(node, parent),
        ];
        if kind == NodeKind::File {
            let first = self.membership.genesis().first_epoch;
            let secret = self.keyring.key(&first).expect("the first key").content_secret();
            let empty =
                BlobRef { content: secret.content_id(&[]), size: 0, chunks: ChunkList::Inline(Vec::new()) };
            edits.push(set(node, Field::Content, Value::Bytes(ContentValue::Blob(empty).encode())));
        }
        edits
    }

    /// A node of her own.
    pub(crate) fn node_id(&mut self) -> NodeId {
        NodeId::from_bytes(self.rng.random())
    }
}

/// One register.
pub(crate) fn set(node: NodeId, field: Field, value: Value) -> RegisterEdit {
    RegisterEdit { key: RegisterKey::new(node, field).to_string(), value: Some(value) }
}

/// Where a node is.
pub(crate) fn place(node: NodeId, parent: NodeId) -> RegisterEdit {
    set(node, Field::Parent, Value::Bytes(ParentValue { parent, before: parent }.encode()))
}

/// One change of one document.
pub(crate) fn item(doc: DocumentId, change: Vec<u8>) -> Item {
    Item { doc, more: false, repeats: None, change }
}

/// Talks to the inviter as any newcomer does.
async fn come_in(
    ticket: &Ticket,
    chain: VerifiedChain,
    label: Label,
    wire: &Wire,
    rng: &mut StdRng,
) -> weft_sync::invite::Joined {
    let addresses: Vec<Address> = ticket.addresses.iter().copied().map(Address::from).collect();
    let mut stream = wire.net.join_stream(&addresses, ticket.inviter).await.expect("an inviter");
    let ends = (wire.net.id(), stream.peer());
    let (mut newcomer, hello) = Newcomer::new(ticket, chain, label, ends, rng);
    stream.send(Bytes::from(hello)).await.expect("a listening inviter");
    loop {
        let frame = timeout(PATIENCE, stream.recv()).await.expect("an answer in time");
        let frame = frame.expect("an inviter that stays").expect("an answer").to_vec();
        let mut effects = newcomer.handle(NewcomerInput::Frame(frame));
        while let Some(effect) = effects.pop() {
            match effect {
                NewcomerEffect::Send(bytes) => stream.send(Bytes::from(bytes)).await.expect("an inviter"),
                NewcomerEffect::Preview(_) => effects.extend(newcomer.handle(NewcomerInput::Accept)),
                NewcomerEffect::Waiting => {}
                NewcomerEffect::Joined(joined) => return *joined,
                NewcomerEffect::Failed(error) => panic!("not let in: {error}"),
            }
        }
    }
}

/// The bytes of an entry as frames carry them.
pub(crate) fn shared(entry: &Entry) -> Arc<[u8]> {
    entry.encode().into()
}
