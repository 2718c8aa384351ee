//! A device that follows no rule: it holds real keys, signs whatever it is told to, and says it to everybody.
//!
//! It speaks just enough of the protocol to be listened to. It says that it holds nothing, so everybody sends it
//! what they have; and it sends what it was told to carry, its own entries and those of others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use weft_crdt::DocumentId;
use weft_sync::acl::{Acl, AclOperation, OpRef};
use weft_sync::entry::{Frontier, Open, Signer};
use weft_sync::epoch::{Cover, Epoch, Keyring};
use weft_sync::frames::{
    Ack, AclHeads, ClosedLogs, EntryBytes, Frame, Hello, PROTOCOL_VERSION, Range, Vector, hello_tag,
};
use weft_sync::identity::{DeviceKeys, UserKeys};
use weft_sync::limits::ACL_HEADS_MAX;
use weft_sync::membership::{Inserted, Membership};
use weft_sync::replica::{ChannelId, Effect, Input};
use weft_sync::seal::EpochKey;
use weft_sync::{
    BodyHash, ClearBody, DataPlain, EndpointId, Entry, EntryId, EntryRef, EpochId, Header, Item, Kind, Lane,
    LogId, Origin, SessionId, UserId, WallMillis, WorkspaceId,
};

/// With whose key something is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pen {
    /// The device's.
    Device,
    /// The person's own, as far as a device can have it.
    User,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Hello,
    Acl,
    Data,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    peer: EndpointId,
    dialer: bool,
    phase: Phase,
    taken_bytes: u64,
}

/// The end of a log that is written to.
#[derive(Clone, Copy, Debug)]
struct End {
    log: LogId,
    seq: u64,
    id: EntryId,
}

/// See the module.
pub struct Puppet {
    ws: WorkspaceId,
    keys: Arc<DeviceKeys>,
    person: Arc<UserKeys>,
    /// What it knows of who is in: as much as honest devices would.
    pub membership: Membership,
    /// Keys that it holds.
    pub keyring: Keyring,
    /// Everything that has come, and everything that it has forged, in that order.
    entries: Vec<Entry>,
    here: BTreeSet<EntryId>,
    /// Entries that wait until its own membership takes them.
    waiting: Vec<Entry>,
    /// What it says to everybody.
    carried: Vec<Entry>,
    ends: BTreeMap<(Pen, u8, u8), End>,
    channels: BTreeMap<ChannelId, Line>,
    effects: Vec<Effect>,
}

impl Puppet {
    /// A puppet that knows these entries, the one that founded the workspace first.
    ///
    /// # Panics
    /// When the first entry founds no workspace.
    #[must_use]
    pub fn new(keys: Arc<DeviceKeys>, person: Arc<UserKeys>, keyring: Keyring, known: Vec<Entry>) -> Self {
        let membership = Membership::found(&known[0]).expect("an entry that founded the workspace");
        let mut puppet = Self {
            ws: membership.workspace(),
            keys,
            person,
            membership,
            keyring,
            entries: Vec::new(),
            here: BTreeSet::new(),
            waiting: Vec::new(),
            carried: Vec::new(),
            ends: BTreeMap::new(),
            channels: BTreeMap::new(),
            effects: Vec::new(),
        };
        for entry in known {
            puppet.learn(entry);
        }
        puppet
    }

    /// Who it is.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.keys.user()
    }

    /// Everything that it has seen.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Answers a connection, and hands over what is to be sent.
    pub fn handle(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::ChannelUp { channel, peer, dialer } => {
                let line = Line { peer, dialer, phase: Phase::Hello, taken_bytes: 0 };
                self.channels.insert(channel, line);
                if dialer {
                    self.greet(channel, peer);
                }
            }
            Input::ChannelDown { channel } => {
                self.channels.remove(&channel);
            }
            Input::Frame { channel, bytes } => {
                if let Ok(frame) = Frame::decode(&bytes) {
                    self.hear(channel, frame, bytes.len());
                }
            }
            _ => {}
        }
        std::mem::take(&mut self.effects)
    }

    /// Ends every connection; the next ones begin with everything that it carries.
    pub fn hang_up(&mut self) -> Vec<Effect> {
        let channels = std::mem::take(&mut self.channels);
        let code = weft_sync::frames::ByeCode::Again;
        channels.into_keys().map(|channel| Effect::Close { channel, code }).collect()
    }

    fn say(&mut self, channel: ChannelId, frame: &Frame) {
        self.effects.push(Effect::Send { channel, bytes: frame.encode() });
    }

    fn greet(&mut self, channel: ChannelId, peer: EndpointId) {
        let tag = hello_tag(&self.ws, &self.keys.endpoint_id(), &peer);
        self.say(channel, &Frame::Hello(Hello { version: PROTOCOL_VERSION, features: 0, tag }));
    }

    fn hear(&mut self, channel: ChannelId, frame: Frame, len: usize) {
        let Some(line) = self.channels.get_mut(&channel) else { return };
        let (peer, dialer, phase) = (line.peer, line.dialer, line.phase);
        match frame {
            Frame::Hello(_) if phase == Phase::Hello => {
                line.phase = Phase::Acl;
                if !dialer {
                    self.greet(channel, peer);
                }
                self.say(channel, &Frame::AclHeads(AclHeads::default()));
                self.say_carried(channel, Lane::Control);
                self.say(channel, &Frame::AclDone);
            }
            Frame::AclDone if phase == Phase::Acl => {
                line.phase = Phase::Data;
                self.say(channel, &Frame::Have(Vector::default()));
                self.say_carried(channel, Lane::Data);
            }
            Frame::ClosedLogs(list) if !list.more => {
                let wanted: Vec<Range> =
                    list.logs.iter().map(|end| Range { log: end.log, from: 1, to: end.seq }).collect();
                let none = ClosedLogs { signer: list.signer, logs: Vec::new(), more: false };
                self.say(channel, &Frame::ClosedLogs(none));
                if phase == Phase::Data && !wanted.is_empty() {
                    self.say(channel, &Frame::Want(wanted));
                }
            }
            Frame::Have(vector) if phase == Phase::Data => {
                let wanted = vector.open.iter().map(|end| Range { log: end.log, from: 1, to: u64::MAX });
                self.say(channel, &Frame::Want(wanted.collect()));
            }
            Frame::Entries(entries) => {
                line.taken_bytes += len as u64;
                let taken_bytes = line.taken_bytes;
                for EntryBytes(bytes) in entries {
                    if let Ok(entry) = Entry::decode(&bytes) {
                        self.learn(entry);
                    }
                }
                self.say(channel, &Frame::Ack(Ack { taken_bytes, positions: Vec::new() }));
            }
            _ => {}
        }
    }

    fn say_carried(&mut self, channel: ChannelId, lane: Lane) {
        let is_of_lane = |entry: &&Entry| self.lane_of(entry) == Some(lane);
        let entries: Vec<EntryBytes> =
            self.carried.iter().filter(is_of_lane).map(|entry| EntryBytes(entry.encode().into())).collect();
        for part in entries.chunks(64) {
            self.say(channel, &Frame::Entries(part.to_vec()));
        }
    }

    fn lane_of(&self, entry: &Entry) -> Option<Lane> {
        match entry.header.kind {
            Kind::Data | Kind::Frontier => Some(Lane::Data),
            Kind::Open => entry.clear::<Open>().ok()?.lane(&self.ws, &entry.header.log),
            _ => Some(Lane::Control),
        }
    }

    /// Takes an entry into what it knows.
    fn learn(&mut self, entry: Entry) {
        if !self.here.insert(entry.id()) {
            return;
        }
        self.entries.push(entry.clone());
        if let Ok(epoch) = entry.clear::<Epoch>()
            && entry.header.kind == Kind::Epoch
        {
            let ours = Cover::Device(self.keys.device_id());
            let _ = self.keyring.offer(&epoch, &ours, self.keys.age_identity());
        }
        self.waiting.push(entry);
        loop {
            let before = self.waiting.len();
            let membership = &mut self.membership;
            self.waiting.retain(|entry| {
                !matches!(
                    membership.insert(entry),
                    Ok(Inserted::Known | Inserted::Stored | Inserted::Changed)
                )
            });
            if self.waiting.len() == before {
                return;
            }
        }
    }

    // What it forges.

    /// What it says from now on, and to whom it is connected at once.
    pub fn carry(&mut self, entries: impl IntoIterator<Item = Entry>) -> Vec<Effect> {
        let fresh: Vec<Entry> = entries.into_iter().collect();
        self.carried.extend(fresh.iter().cloned());
        let channels: Vec<(ChannelId, Phase)> =
            self.channels.iter().map(|(channel, line)| (*channel, line.phase)).collect();
        for (channel, phase) in channels {
            if phase == Phase::Data {
                let entries: Vec<EntryBytes> =
                    fresh.iter().map(|entry| EntryBytes(entry.encode().into())).collect();
                for part in entries.chunks(64) {
                    self.say(channel, &Frame::Entries(part.to_vec()));
                }
            }
        }
        std::mem::take(&mut self.effects)
    }

    /// The heads of all that it knows.
    #[must_use]
    pub fn heads(&self) -> Vec<EntryId> {
        let mut heads = self.membership.heads();
        heads.truncate(ACL_HEADS_MAX);
        heads
    }

    /// The grant that a person acts by now, or acted by when it is told.
    #[must_use]
    pub fn via(&self) -> Option<OpRef> {
        self.membership.grant_of(&self.user())
    }

    /// The owner's grant.
    #[must_use]
    pub fn founding(&self) -> OpRef {
        OpRef::new(self.ws.genesis(), 0)
    }

    fn signer(&self, pen: Pen) -> Signer {
        match pen {
            Pen::Device => self.keys.signer(),
            Pen::User => Signer::User(self.user()),
        }
    }

    fn sign(&self, pen: Pen, header: Header, body: Vec<u8>) -> Entry {
        let key = match pen {
            Pen::Device => self.keys.signing_key(),
            Pen::User => self.person.signing_key(),
        };
        Entry::sign(header, body, key).expect("a body within the limits")
    }

    fn header(&self, end: End, kind: Kind, acl_heads: Vec<EntryId>) -> Header {
        Header {
            ver: 1,
            ws: self.ws,
            log: end.log,
            seq: end.seq + 1,
            prev: end.id,
            kind,
            acl_heads,
            epoch: None,
            body_len: 0,
            body_hash: BodyHash::ZERO,
        }
    }

    /// The end of the log of this session, begun when it is not there: what came first knows of `heads` as well.
    fn end(&mut self, pen: Pen, lane: Lane, session: u8, heads: &[EntryId], made: &mut Vec<Entry>) -> End {
        let name = (pen, lane.byte(), session);
        if let Some(end) = self.ends.get(&name) {
            return *end;
        }
        let signer = self.signer(pen);
        let session = SessionId::from_bytes([session; 16]);
        let open = Open { signer, session, prev_logs: Vec::new(), app_version: "none".to_owned() };
        let log = signer.log_id(&self.ws, &session, lane);
        let start = End { log, seq: 0, id: EntryId::ZERO };
        let entry = self.sign(pen, self.header(start, Kind::Open, heads.to_vec()), open.encode_body());
        let end = End { log, seq: 1, id: entry.id() };
        self.ends.insert(name, end);
        self.learn(entry.clone());
        made.push(entry);
        end
    }

    fn put(&mut self, name: (Pen, u8, u8), entry: Entry, made: &mut Vec<Entry>) {
        let end = End { log: entry.header.log, seq: entry.header.seq, id: entry.id() };
        self.ends.insert(name, end);
        self.learn(entry.clone());
        made.push(entry);
    }

    /// Signs an entry of the control lane that claims to know of `heads` and no more.
    pub fn control<B: ClearBody>(
        &mut self,
        pen: Pen,
        session: u8,
        body: &B,
        heads: Vec<EntryId>,
    ) -> Vec<Entry> {
        let mut made = Vec::new();
        let end = self.end(pen, Lane::Control, session, &heads, &mut made);
        let heads = if made.is_empty() { heads } else { vec![end.id] };
        let entry = self.sign(pen, self.header(end, B::KIND, heads), body.encode_body());
        self.put((pen, Lane::Control.byte(), session), entry, &mut made);
        made
    }

    /// The same for operations.
    pub fn acl(
        &mut self,
        pen: Pen,
        session: u8,
        operations: Vec<AclOperation>,
        heads: Vec<EntryId>,
    ) -> Vec<Entry> {
        self.control(pen, session, &Acl { operations }, heads)
    }

    /// An epoch of its own for these recipients, and its key.
    pub fn epoch(
        &mut self,
        session: u8,
        without: &[Cover],
        heads: Vec<EntryId>,
        rng: &mut ChaCha20Rng,
    ) -> (EpochId, Vec<Entry>) {
        let key = EpochKey::generate(rng);
        let mut recipients = self.membership.recipients();
        recipients.retain(|cover, _| !without.contains(cover));
        let epoch = Epoch::original(&key, &recipients, Vec::new(), rng).expect("somebody to wrap for");
        self.keyring.insert(key.clone());
        (key.id(), self.control(Pen::Device, session, &epoch, heads))
    }

    /// A write of `change`, sealed under an epoch of which it has the key.
    pub fn data(
        &mut self,
        session: u8,
        change: Vec<u8>,
        epoch: EpochId,
        heads: Vec<EntryId>,
        rng: &mut ChaCha20Rng,
    ) -> Vec<Entry> {
        let mut made = Vec::new();
        let end = self.end(Pen::Device, Lane::Data, session, &heads, &mut made);
        let entry = self.seal(end, change, epoch, heads, rng);
        self.put((Pen::Device, Lane::Data.byte(), session), entry, &mut made);
        made
    }

    /// What it says to hold.
    pub fn frontier(&mut self, session: u8, frontier: &Frontier, heads: Vec<EntryId>) -> Vec<Entry> {
        let mut made = Vec::new();
        let end = self.end(Pen::Device, Lane::Data, session, &heads, &mut made);
        let entry = self.sign(Pen::Device, self.header(end, Kind::Frontier, heads), frontier.encode_body());
        self.put((Pen::Device, Lane::Data.byte(), session), entry, &mut made);
        made
    }

    /// Two writes with one number.
    pub fn forked(
        &mut self,
        session: u8,
        epoch: EpochId,
        heads: &[EntryId],
        rng: &mut ChaCha20Rng,
    ) -> (Vec<Entry>, [Entry; 2]) {
        let mut made = Vec::new();
        let end = self.end(Pen::Device, Lane::Data, session, heads, &mut made);
        let both = [b"to one".to_vec(), b"to another".to_vec()]
            .map(|change| self.seal(end, change, epoch, heads.to_vec(), rng));
        (made, both)
    }

    /// Two entries of the control lane with one number.
    pub fn forked_acl(
        &mut self,
        session: u8,
        [one, other]: [Vec<AclOperation>; 2],
        heads: &[EntryId],
    ) -> (Vec<Entry>, [Entry; 2]) {
        let mut made = Vec::new();
        let end = self.end(Pen::Device, Lane::Control, session, heads, &mut made);
        let heads = if made.is_empty() { heads.to_vec() } else { vec![end.id] };
        let both = [one, other].map(|operations| {
            let body = Acl { operations }.encode_body();
            self.sign(Pen::Device, self.header(end, Kind::Acl, heads.clone()), body)
        });
        (made, both)
    }

    /// Goes on from an entry that it has told somebody.
    pub fn go_on_from(&mut self, session: u8, entry: &Entry) {
        let mut made = Vec::new();
        self.put((Pen::Device, Lane::Control.byte(), session), entry.clone(), &mut made);
    }

    fn seal(
        &self,
        end: End,
        change: Vec<u8>,
        epoch: EpochId,
        heads: Vec<EntryId>,
        rng: &mut ChaCha20Rng,
    ) -> Entry {
        let mut header = self.header(end, Kind::Data, heads);
        header.epoch = Some(epoch);
        let doc = DocumentId::from_bytes([1; 16]);
        let items = vec![Item { doc, more: false, repeats: None, change }];
        let plain = DataPlain { wall: WallMillis(0), origin: Origin::Human, items };
        let body = match self.keyring.key(&epoch) {
            Some(key) => {
                key.entry_key(&header.log).seal(&header, &plain.encode(), rng).expect("a small change")
            }
            None => b"sealed with no key".to_vec(),
        };
        self.sign(Pen::Device, header, body)
    }

    /// What it has seen of a person: the cut that an honest device would name.
    #[must_use]
    pub fn seen_of(&self, user: &UserId) -> Vec<EntryRef> {
        self.membership.seen_of_user(user)
    }
}
