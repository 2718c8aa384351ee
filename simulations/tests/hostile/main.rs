//! One honest device, and a member who plays by no rules: nothing panics, nothing wrong is stored.

#![allow(clippy::unwrap_used, clippy::useless_vec, reason = "a test that unwraps fails with a place")]

mod fuzz;
mod limits;
mod newer;

use std::sync::Arc;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use weft_simulations::node::Node;
use weft_simulations::store::MemoryStore;
use weft_sync::acl::Class;
use weft_sync::entry::{Close, Frontier};
use weft_sync::frames::{
    Ack, AclHeads, ByeCode, ClosedDigest, ClosedLogs, EntryBytes, Frame, Hello, LogEnd, PROTOCOL_VERSION,
    Position, Range, Vector, hello_tag,
};
use weft_sync::limits::*;
use weft_sync::replica::{ChannelId, Effect, Input, Replica, Write, WriteError, WriteId};
use weft_sync::seal::Label;
use weft_sync::workspace::found;
use weft_sync::{
    BodyHash, ClearBody, DataPlain, Entry, EntryId, EntryRef, Header, Item, Kind, Lane, LogId, Open, Origin,
    SessionId, Signer, SignerId, Timestamp, WallMillis,
};

/// The honest device. What it asks of its shell is done at once.
struct Victim {
    node: Node,
    now: u64,
    rng: ChaCha20Rng,
    said: Vec<Frame>,
    forks: usize,
    refused: Vec<WriteError>,
}

impl Victim {
    fn tell(&mut self, input: Input) {
        let effects = self.node.handle(Timestamp(self.now), input, &mut self.rng);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, mut effects: Vec<Effect>) {
        while !effects.is_empty() {
            let mut next = Vec::new();
            for effect in effects {
                let input = match effect {
                    Effect::Append(append) => {
                        self.node.commit(&append.entries);
                        Input::Committed { batch: append.batch }
                    }
                    Effect::Load(load) => {
                        let entries = self.node.store.load(&load);
                        Input::Loaded { request: load.request, entries }
                    }
                    Effect::Deliver(delivery) => {
                        self.node.apply(delivery);
                        continue;
                    }
                    Effect::Send { bytes, .. } => {
                        self.said.push(Frame::decode(&bytes).unwrap());
                        continue;
                    }
                    Effect::Forked(_) => {
                        self.forks += 1;
                        continue;
                    }
                    Effect::WriteRefused { reason, .. } => {
                        self.refused.push(reason);
                        continue;
                    }
                    _ => continue,
                };
                next.extend(self.node.handle(Timestamp(self.now), input, &mut self.rng));
            }
            effects = next;
        }
        self.node.keyring = self.replica().keyring().clone();
    }

    fn replica(&self) -> &Replica {
        self.node.replica.as_ref().unwrap()
    }

    fn byes(&self) -> Vec<ByeCode> {
        let bye = |frame: &Frame| match frame {
            Frame::Bye(code) => Some(*code),
            _ => None,
        };
        self.said.iter().filter_map(bye).collect()
    }
}

/// The member who plays by no rules, on a channel to the victim.
struct Hand {
    victim: Victim,
    keys: Node,
    channel: ChannelId,
    /// The last entry of the log that is written to.
    last: Option<EntryRef>,
    session: SessionId,
}

impl Hand {
    /// Both in one workspace, and no channel yet.
    fn new(class: Class) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let mut node = Node::new(Class::Owner, &mut rng);
        let mut keys = Node::new(class, &mut rng);
        let label = Label::new("owner", "device");
        let founded = found(&node.keys, &node.chain, "workspace", &label, &mut rng).unwrap();
        node.ws = founded.ws;
        keys.ws = founded.ws;
        node.store = MemoryStore::founded(&founded.genesis);
        node.keyring = founded.keyring;
        let _ = node.start(Timestamp(0), &mut rng);
        let mut victim = Victim { node, now: 0, rng, said: Vec::new(), forks: 0, refused: Vec::new() };
        victim.tell(Input::WriteAcl { write: WriteId(1), operations: founded.operations });
        let operations = victim.node.invitation(&keys, &mut victim.rng);
        victim.tell(Input::WriteAcl { write: WriteId(2), operations });
        let session = SessionId::from_bytes([5; 16]);
        Self { victim, keys, channel: ChannelId(0), last: None, session }
    }

    /// A member in the data phase.
    fn in_data_phase() -> Self {
        let mut hand = Self::new(Class::Editor);
        hand.connect();
        hand.say(&Frame::AclHeads(AclHeads::default()));
        hand.say(&Frame::AclDone);
        hand.say(&Frame::Have(Vector::default()));
        assert!(hand.victim.said.iter().any(|frame| matches!(frame, Frame::Have(_))));
        assert_eq!(hand.victim.byes(), []);
        hand
    }

    fn connect(&mut self) {
        self.channel = ChannelId(self.channel.0 + 1);
        let (us, them) = (self.keys.endpoint(), self.victim.node.endpoint());
        self.victim.tell(Input::ChannelUp { channel: self.channel, peer: us, dialer: false });
        let tag = hello_tag(&self.keys.ws, &us, &them);
        self.say(&Frame::Hello(Hello { version: PROTOCOL_VERSION, features: 0, tag }));
    }

    fn say(&mut self, frame: &Frame) {
        self.victim.tell(Input::Frame { channel: self.channel, bytes: frame.encode() });
    }

    fn send(&mut self, entries: &[Entry]) {
        let entries = entries.iter().map(|entry| EntryBytes(entry.encode().into())).collect();
        self.say(&Frame::Entries(entries));
    }

    fn signer(&self) -> Signer {
        self.keys.keys.signer()
    }

    fn log(&self, lane: Lane) -> LogId {
        self.signer().log_id(&self.keys.ws, &self.session, lane)
    }

    fn header(&self, kind: Kind, log: LogId) -> Header {
        let (seq, prev) = self.last.map_or((1, EntryId::ZERO), |last| (last.seq + 1, last.id));
        Header {
            ver: 1,
            ws: self.keys.ws,
            log,
            seq,
            prev,
            kind,
            acl_heads: self.victim.replica().membership().unwrap().heads(),
            epoch: None,
            body_len: 0,
            body_hash: BodyHash::ZERO,
        }
    }

    fn sign(&self, header: Header, body: Vec<u8>) -> Entry {
        Entry::sign(header, body, self.keys.keys.signing_key()).unwrap()
    }

    fn open(&self, lane: Lane) -> Entry {
        let open = Open {
            signer: self.signer(),
            session: self.session,
            prev_logs: Vec::new(),
            app_version: String::new(),
        };
        self.sign(self.header(Kind::Open, self.log(lane)), open.encode_body())
    }

    fn data(&self, change: &[u8]) -> Entry {
        let epochs = self.victim.replica().membership().unwrap().usable_epochs();
        let key = self.victim.node.keyring.key(&epochs[0].epoch).unwrap();
        let mut header = self.header(Kind::Data, self.log(Lane::Data));
        header.epoch = Some(key.id());
        let item = Item {
            doc: weft_crdt::DocumentId::from_bytes([1; 16]),
            more: false,
            repeats: None,
            change: change.to_vec(),
        };
        let plain = DataPlain { wall: WallMillis(0), origin: Origin::Human, items: vec![item] };
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        let body = key.entry_key(&header.log).seal(&header, &plain.encode(), &mut rng).unwrap();
        self.sign(header, body)
    }

    /// Sends the beginning of a data log, and stands behind it.
    fn begin(&mut self) {
        let open = self.open(Lane::Data);
        self.send(std::slice::from_ref(&open));
        self.last = Some(open.entry_ref());
    }

    fn stored(&self) -> usize {
        self.victim.node.store.len()
    }
}

#[test]
fn an_honest_entry_is_stored_read_and_acknowledged() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    let data = hand.data(b"hello");
    hand.send(std::slice::from_ref(&data));
    assert_eq!(hand.victim.node.content[&data.entry_ref()], [b"hello".to_vec()]);
    let acked = |frame: &Frame| match frame {
        Frame::Ack(ack) => ack.positions.contains(&Position { log: data.header.log, seq: 2 }),
        _ => false,
    };
    assert!(hand.victim.said.iter().any(acked));
}

#[test]
fn what_is_wrong_with_an_entry_keeps_it_out() {
    type Change = fn(&Hand, Entry) -> Entry;
    let changes: [(&str, Change); 6] = [
        ("another signature", |_, mut entry| {
            entry.signature[3] ^= 1;
            entry
        }),
        ("another workspace", |hand, entry| {
            let header = Header { ws: weft_sync::WorkspaceId::from_bytes([1; 32]), ..entry.header };
            hand.sign(header, entry.body)
        }),
        ("a number left out", |hand, entry| {
            let header = Header { seq: entry.header.seq + 1, ..entry.header };
            hand.sign(header, entry.body)
        }),
        ("another predecessor", |hand, entry| {
            let header = Header { prev: EntryId::from_bytes([1; 32]), ..entry.header };
            hand.sign(header, entry.body)
        }),
        ("an operation in the data lane", |hand, entry| {
            let header = Header { kind: Kind::Acl, epoch: None, ..entry.header };
            hand.sign(header, Vec::new())
        }),
        ("another log", |hand, entry| {
            let header = Header { log: LogId::from_bytes([1; 32]), ..entry.header };
            hand.sign(header, entry.body)
        }),
    ];
    for (name, change) in changes {
        let mut hand = Hand::in_data_phase();
        hand.begin();
        let stored = hand.stored();
        let entry = change(&hand, hand.data(b"x"));
        hand.send(&[entry]);
        assert_eq!(hand.stored(), stored, "{name}");
        assert_eq!(hand.victim.forks, 0, "{name}");
        let honest = hand.data(b"y");
        hand.send(&[honest]);
        assert_eq!(hand.stored(), stored + 1, "after {name} an honest entry is not taken");
    }
}

#[test]
fn strangers_entries_are_not_stored_though_a_member_sends_them() {
    let mut hand = Hand::in_data_phase();
    let stored = hand.stored();
    let stranger = Node::new(Class::Editor, &mut ChaCha20Rng::seed_from_u64(77));
    let open = Open {
        signer: stranger.keys.signer(),
        session: hand.session,
        prev_logs: Vec::new(),
        app_version: String::new(),
    };
    let log = stranger.keys.signer().log_id(&hand.keys.ws, &hand.session, Lane::Data);
    let header = hand.header(Kind::Open, log);
    let open = Entry::sign(header, open.encode_body(), stranger.keys.signing_key()).unwrap();
    hand.send(&[open]);
    assert_eq!(hand.stored(), stored);
    assert_eq!(hand.victim.replica().sync_status().held_back, [log]);
}

#[test]
fn of_two_entries_with_one_number_one_lives_and_an_unsigned_one_costs_nothing() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    let (first, second) = (hand.data(b"to one"), hand.data(b"to another"));
    hand.send(std::slice::from_ref(&first));
    let mut unsigned = second.clone();
    unsigned.signature[0] ^= 1;
    hand.send(&[unsigned]);
    assert_eq!(hand.victim.forks, 0);
    hand.send(std::slice::from_ref(&second));
    hand.send(std::slice::from_ref(&second));
    assert_eq!(hand.victim.forks, 1);
    let stored = hand.stored();
    hand.last = Some(second.entry_ref());
    let beyond = hand.data(b"more of another");
    hand.send(&[beyond]);
    assert_eq!(hand.stored(), stored, "the other branch is taken");
    hand.last = Some(first.entry_ref());
    let third = hand.data(b"more");
    hand.send(&[third]);
    assert_eq!(hand.stored(), stored + 1, "the branch that was here first is not taken any more");
    assert_eq!(hand.victim.replica().sync_status().forked, [hand.log(Lane::Data)]);
}

#[test]
fn an_old_fork_is_found_in_the_store() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    let other = hand.data(b"other");
    for number in 0..40u8 {
        let entry = hand.data(&[number]);
        hand.send(std::slice::from_ref(&entry));
        hand.last = Some(entry.entry_ref());
    }
    hand.send(&[other]);
    assert_eq!(hand.victim.forks, 1);
}

#[test]
fn a_branch_is_followed_down_to_where_it_left() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    let ours = hand.data(b"ours");
    let theirs = hand.data(b"theirs");
    hand.send(std::slice::from_ref(&ours));
    hand.last = Some(theirs.entry_ref());
    let beyond = hand.data(b"beyond");
    hand.victim.said.clear();
    hand.send(&[beyond]);
    let asked = hand.victim.said.iter().any(|frame| match frame {
        Frame::Want(ranges) => ranges.iter().any(|range| range.log == ours.header.log && range.from == 2),
        _ => false,
    });
    assert!(asked, "{:?}", hand.victim.said);
    hand.send(&[theirs]);
    assert_eq!(hand.victim.forks, 1);
}

#[test]
fn entries_that_name_what_is_not_here_wait_within_limits() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    let stored = hand.stored();
    // An entry of the control lane that is sent late.
    let data_last = hand.last.take();
    let control = hand.open(Lane::Control);
    hand.last = data_last;
    let mut waiting = Vec::new();
    for number in 0..3u8 {
        let entry = hand.data(&[number]);
        let mut header = entry.header.clone();
        header.acl_heads.push(control.id());
        header.acl_heads.sort();
        let key = hand.victim.node.keyring.key(&header.epoch.unwrap()).unwrap();
        let plain = DataPlain { wall: WallMillis(0), origin: Origin::Human, items: Vec::new() };
        let mut rng = ChaCha20Rng::seed_from_u64(u64::from(number));
        let body = key.entry_key(&header.log).seal(&header, &plain.encode(), &mut rng).unwrap();
        let entry = hand.sign(header, body);
        hand.last = Some(entry.entry_ref());
        waiting.push(entry);
    }
    hand.send(&waiting);
    assert_eq!((hand.stored(), hand.victim.replica().sync_status().pending), (stored, 3));
    hand.send(&waiting);
    assert_eq!(hand.victim.replica().sync_status().pending, 3, "what waits was taken twice");
    hand.send(&[control]);
    assert_eq!((hand.stored(), hand.victim.replica().sync_status().pending), (stored + 4, 0));
    assert_eq!(hand.victim.forks, 0);
}

/// A Frontier of the peer that names these ends.
fn frontier(hand: &Hand, positions: Vec<EntryRef>) -> Entry {
    let body = Frontier { positions }.encode_body();
    hand.sign(hand.header(Kind::Frontier, hand.log(Lane::Data)), body)
}

/// Known incomplete: what a member says to hold, and nobody offers, is named in the status.
#[test]
fn a_frontier_tells_what_is_kept_back() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    let kept_back = EntryRef { log: LogId::from_bytes([8; 32]), seq: 7, id: EntryId::from_bytes([7; 32]) };
    let entry = frontier(&hand, vec![kept_back]);
    hand.send(std::slice::from_ref(&entry));
    let status = hand.victim.replica().sync_status();
    assert_eq!(status.incomplete, [Position { log: kept_back.log, seq: 7 }]);
    // Nobody can be waited for because of that, so it stops nothing.
    assert!(status.is_quiet());
    // It is known after a restart too.
    hand.victim.node.crash();
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let _ = hand.victim.node.start(Timestamp(0), &mut rng);
    assert_eq!(hand.victim.replica().sync_status().incomplete.len(), 1);
}

#[test]
fn frontiers_name_only_so_many_logs_that_exist_nowhere() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    for part in 0..2u8 {
        let end = |number: u16| {
            let mut log = [part; 32];
            log[..2].copy_from_slice(&number.to_be_bytes());
            EntryRef { log: LogId::from_bytes(log), seq: 1, id: EntryId::from_bytes([7; 32]) }
        };
        let entry = frontier(&hand, (0..1_000).map(end).collect());
        hand.send(std::slice::from_ref(&entry));
        hand.last = Some(entry.entry_ref());
    }
    assert_eq!(hand.victim.replica().sync_status().incomplete.len(), UNKNOWN_LOGS_MAX);
}

/// `has_all_mine` is a device's own word for our entries, not for others with their numbers.
#[test]
fn a_frontier_of_another_branch_is_no_word_for_ours() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    let items = hand.victim.node.items(1, 20, &mut ChaCha20Rng::seed_from_u64(1));
    let write = hand.victim.node.write(items).unwrap();
    hand.victim.tell(write);
    let ours =
        hand.victim.replica().frontier().into_iter().find(|at| hand.victim.replica().data_log() == at.log);
    let ours = ours.unwrap();
    let missing = |hand: &Hand| hand.victim.replica().device_statuses()[0].missing;
    let all = missing(&hand);
    assert!(all > 0);
    let entry = frontier(&hand, vec![EntryRef { id: EntryId::from_bytes([7; 32]), ..ours }]);
    hand.send(std::slice::from_ref(&entry));
    hand.last = Some(entry.entry_ref());
    assert_eq!(missing(&hand), all);
    let entry = frontier(&hand, vec![ours]);
    hand.send(std::slice::from_ref(&entry));
    assert_eq!(missing(&hand), 0);
}

/// Quotas slow down, they never refuse.
#[test]
fn a_flood_is_stored_and_then_read_at_its_rate() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    let stored = hand.stored();
    let count = QUOTA_ENTRIES_BURST + 2 * QUOTA_ENTRIES_PER_SECOND;
    let mut sent = 0;
    for number in 0..count {
        let entry = hand.data(&number.to_be_bytes());
        hand.last = Some(entry.entry_ref());
        let frame = Frame::Entries(vec![EntryBytes(entry.encode().into())]);
        sent += frame.encode().len() as u64;
        hand.say(&frame);
    }
    assert_eq!(hand.stored() as u64, stored as u64 + count, "some of it was refused");
    assert_eq!(hand.victim.byes(), []);
    let mut taken_after = |millis: u64| {
        // What is taken in is told a moment later.
        for wait in [millis, ACK_MILLIS] {
            hand.victim.now += wait;
            hand.victim.tell(Input::Tick);
        }
        let taken = hand.victim.said.iter().filter_map(|frame| match frame {
            Frame::Ack(ack) => Some(ack.taken_bytes),
            _ => None,
        });
        taken.max().unwrap_or(0)
    };
    let at_once = taken_after(0);
    assert!(at_once < sent, "nothing was slowed down");
    let after_a_second = taken_after(1_000);
    assert!(at_once < after_a_second && after_a_second < sent, "{at_once} {after_a_second} {sent}");
    assert!(taken_after(1_500) >= sent, "it was slowed down for ever");
}

/// Whoever goes on without waiting is cut off, soon after the quota is used up.
#[test]
fn a_flood_that_does_not_wait_ends_the_channel() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    let limit = usize::try_from(QUOTA_BYTES + QUOTA_DEBT_BYTES).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut sent = 0;
    while hand.victim.byes().is_empty() {
        let mut noise = vec![0; 180_000];
        rng.fill(&mut noise[..]);
        let entry = hand.data(&noise);
        hand.last = Some(entry.entry_ref());
        sent += entry.encoded_len();
        hand.send(&[entry]);
        assert!(sent < limit + 2 * ENTRY_BYTES_MAX, "it is listened to without end");
    }
    assert!(sent > limit, "{sent} bytes are within the quota");
    assert_eq!(hand.victim.byes(), [ByeCode::Protocol]);
}

#[test]
fn a_closed_log_takes_nothing_more() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    let close = hand.sign(hand.header(Kind::Close, hand.log(Lane::Data)), Close {}.encode_body());
    hand.send(std::slice::from_ref(&close));
    hand.last = Some(close.entry_ref());
    let stored = hand.stored();
    let data = hand.data(b"x");
    hand.send(&[data]);
    assert_eq!(hand.stored(), stored);
}

#[test]
fn garbage_shuts_an_endpoint_out() {
    let mut hand = Hand::in_data_phase();
    let garbage: Vec<EntryBytes> = (0..STRIKES_MAX).map(|_| EntryBytes(Arc::from([1, 2, 3]))).collect();
    hand.say(&Frame::Entries(garbage));
    assert_eq!(hand.victim.byes(), [ByeCode::Protocol]);
    hand.victim.said.clear();
    hand.connect();
    assert_eq!(hand.victim.said, [], "it is still listened to");
    hand.victim.now += BAN_MILLIS + 1;
    hand.connect();
    assert!(!hand.victim.said.is_empty(), "it is never listened to again");
}

#[test]
fn frames_out_of_their_phase_end_the_channel() {
    let closed_logs = || {
        Frame::ClosedLogs(ClosedLogs { signer: SignerId::from_bytes([1; 32]), logs: Vec::new(), more: false })
    };
    let range = |from| Range { log: LogId::from_bytes([1; 32]), from, to: 9 };
    let in_data = [
        Frame::AclDone,
        Frame::AclHeads(AclHeads::default()),
        Frame::Have(Vector::default()),
        closed_logs(),
        Frame::Want(vec![range(0)]),
        Frame::Hello(Hello { version: 1, features: 0, tag: [0; 32] }),
    ];
    for frame in in_data {
        let mut hand = Hand::in_data_phase();
        hand.say(&frame);
        assert_eq!(hand.victim.byes(), [ByeCode::Protocol], "{frame:?}");
    }
    let in_acl = [
        Frame::Want(vec![range(1)]),
        Frame::Have(Vector::default()),
        Frame::Hello(Hello { version: 1, features: 0, tag: [0; 32] }),
        closed_logs(),
    ];
    for frame in in_acl {
        let mut hand = Hand::new(Class::Editor);
        hand.connect();
        hand.say(&frame);
        assert_eq!(hand.victim.byes(), [ByeCode::Protocol], "{frame:?}");
    }
    // One Have may have been sent ahead, and does not count where the control lanes differ; a second may not.
    let mut hand = Hand::new(Class::Editor);
    hand.connect();
    hand.say(&Frame::AclHeads(AclHeads::default()));
    hand.say(&Frame::Have(Vector::default()));
    assert_eq!(hand.victim.byes(), []);
    hand.say(&Frame::Have(Vector::default()));
    assert_eq!(hand.victim.byes(), [ByeCode::Protocol]);
    // Data is not for those of whom nothing is known yet.
    let mut hand = Hand::new(Class::Editor);
    hand.connect();
    hand.say(&Frame::AclHeads(AclHeads::default()));
    let stored = hand.stored();
    let open = hand.open(Lane::Data);
    hand.send(&[open]);
    assert_eq!(hand.stored(), stored);
}

#[test]
fn whoever_says_nothing_is_let_go() {
    let mut hand = Hand::new(Class::Editor);
    hand.connect();
    hand.victim.now += ACL_PHASE_MILLIS;
    hand.victim.tell(Input::Tick);
    assert_eq!(hand.victim.byes(), [ByeCode::Again]);
    let (us, channel) = (hand.keys.endpoint(), ChannelId(500));
    hand.victim.tell(Input::ChannelUp { channel, peer: us, dialer: false });
    hand.victim.now += HELLO_MILLIS;
    hand.victim.tell(Input::Tick);
    assert_eq!(hand.victim.byes(), [ByeCode::Again, ByeCode::Timeout]);
}

#[test]
fn only_so_many_strangers_are_listened_to() {
    let mut hand = Hand::new(Class::Editor);
    let mut answered = 0;
    for number in 0..=STRANGERS_MAX {
        hand.keys = Node::new(Class::Editor, &mut ChaCha20Rng::seed_from_u64(100 + number as u64));
        hand.keys.ws = hand.victim.node.ws;
        hand.victim.said.clear();
        hand.connect();
        answered += usize::from(hand.victim.byes().is_empty());
    }
    assert_eq!(answered, STRANGERS_MAX);
    assert_eq!(hand.victim.byes(), [ByeCode::Again]);
}

#[test]
fn a_stranger_learns_that_it_is_one() {
    let mut hand = Hand::new(Class::Editor);
    hand.keys = Node::new(Class::Editor, &mut ChaCha20Rng::seed_from_u64(100));
    hand.keys.ws = hand.victim.node.ws;
    hand.connect();
    hand.say(&Frame::AclHeads(AclHeads::default()));
    hand.say(&Frame::AclDone);
    assert_eq!(hand.victim.byes(), [ByeCode::Unknown]);
    // It is told nothing of the data lane, not even ahead.
    assert!(!hand.victim.said.iter().any(|frame| matches!(frame, Frame::Have(_))));
}

#[test]
fn claims_of_our_own_log_begin_few_sessions() {
    let mut hand = Hand::in_data_phase();
    let mut logs = std::collections::BTreeSet::new();
    for number in 0..10u64 {
        let log = hand.victim.replica().data_log();
        logs.insert(log);
        hand.say(&Frame::Ack(Ack { taken_bytes: 0, positions: vec![Position { log, seq: 1_000 }] }));
        let mut rng = ChaCha20Rng::seed_from_u64(number);
        let items = hand.victim.node.items(1, 10, &mut rng);
        let write = hand.victim.node.write(items).unwrap();
        hand.victim.tell(write);
    }
    assert_eq!(logs.len(), 1 + usize::from(ALARMS_PER_DEVICE_MAX));
}

#[test]
fn a_peer_cannot_claim_without_end() {
    let mut hand = Hand::in_data_phase();
    let mut number = 0u64;
    while hand.victim.byes().is_empty() {
        let positions = (0..POSITIONS_PER_FRAME_MAX as u64)
            .map(|_| {
                number += 1;
                let mut log = [7; 32];
                log[..8].copy_from_slice(&number.to_be_bytes());
                Position { log: LogId::from_bytes(log), seq: 1 }
            })
            .collect();
        hand.say(&Frame::Ack(Ack { taken_bytes: 0, positions }));
        assert!(number <= 2 * CLAIMS_PER_CHANNEL_MAX as u64, "it may claim as much as it likes");
    }
    assert_eq!(hand.victim.byes(), [ByeCode::Protocol]);
}

#[test]
fn writes_that_cannot_be_are_refused_and_say_why() {
    let mut hand = Hand::new(Class::Editor);
    let item = |len| Item {
        doc: weft_crdt::DocumentId::from_bytes([1; 16]),
        more: false,
        repeats: None,
        change: vec![0; len],
    };
    let mut check = |log: Option<LogId>, items: Vec<Item>| {
        let log = log.unwrap_or_else(|| hand.victim.replica().data_log());
        let wall = WallMillis(0);
        let write = WriteId(100);
        hand.victim.node.writing.insert(write, items.clone());
        hand.victim.tell(Input::Write(Write { write, log, origin: Origin::Human, wall, items }));
        hand.victim.refused.pop()
    };
    assert_eq!(check(None, vec![item(10)]), None);
    assert_eq!(check(Some(LogId::from_bytes([1; 32])), vec![item(10)]), Some(WriteError::StaleLog));
    assert_eq!(check(None, vec![item(CHANGE_BYTES_MAX)]), None);
    assert_eq!(check(None, vec![item(10), item(CHANGE_BYTES_MAX + 1)]), Some(WriteError::TooLarge));
    hand.victim.tell(Input::Stop);
    let log = hand.victim.replica().data_log();
    let (write, wall) = (WriteId(101), WallMillis(0));
    let items = vec![item(1)];
    hand.victim.tell(Input::Write(Write { write, log, origin: Origin::Human, wall, items }));
    assert_eq!(hand.victim.refused, [WriteError::Stopping]);
}

/// Frames of an honest conversation, altered at random, in any order: nothing panics, and what is
/// stored is what an honest device signed.
#[test]
fn altered_conversations_do_no_harm() {
    let honest = {
        let mut hand = Hand::in_data_phase();
        let open = hand.open(Lane::Data);
        hand.last = Some(open.entry_ref());
        let data = hand.data(b"x");
        let close = hand.sign(hand.header(Kind::Close, hand.log(Lane::Data)), Vec::new());
        let entries = [open, data, close].map(|entry| EntryBytes(entry.encode().into())).to_vec();
        let end = LogEnd { log: LogId::from_bytes([1; 32]), seq: 3, mark: [1; 8] };
        let closed = vec![ClosedDigest { signer: SignerId::from_bytes([1; 32]), digest: [1; 32] }];
        let vector = Vector { open: vec![end], closed };
        vec![
            Frame::AclHeads(AclHeads { heads: Vec::new(), vector: vector.clone() }),
            Frame::AclDone,
            Frame::Have(vector),
            Frame::ClosedLogs(ClosedLogs {
                signer: SignerId::from_bytes([1; 32]),
                logs: vec![end],
                more: false,
            }),
            Frame::Want(vec![Range { log: LogId::ZERO, from: 1, to: u64::MAX }]),
            Frame::Entries(entries),
            Frame::Ack(Ack { taken_bytes: 5, positions: vec![Position { log: LogId::ZERO, seq: 9 }] }),
            Frame::Peers(Vec::new()),
        ]
        .iter()
        .map(Frame::encode)
        .collect::<Vec<_>>()
    };
    let mut rng = ChaCha20Rng::seed_from_u64(11);
    for round in 0..300 {
        let mut hand = if round % 3 == 0 { Hand::new(Class::Editor) } else { Hand::in_data_phase() };
        if round % 3 == 0 {
            hand.connect();
        }
        for _ in 0..20 {
            let mut bytes = honest[rng.random_range(0..honest.len())].clone();
            for _ in 0..rng.random_range(0..3) {
                let at = rng.random_range(0..bytes.len());
                match rng.random_range(0..3) {
                    0 => bytes[at] = rng.random(),
                    1 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, rng.random()),
                }
            }
            hand.victim.tell(Input::Frame { channel: hand.channel, bytes });
            if rng.random_bool(0.1) {
                hand.victim.now += 10_000;
                hand.victim.tell(Input::Tick);
            }
            if !hand.victim.byes().is_empty() {
                hand.victim.said.clear();
                hand.connect();
            }
        }
        let keys = [hand.victim.node.keys.public_key(), hand.keys.keys.public_key()];
        for bytes in hand.victim.node.store.bytes() {
            let entry = Entry::decode(bytes).unwrap();
            assert!(
                keys.iter().any(|key| entry.verify(key).is_ok()),
                "an entry that nobody signed is stored"
            );
        }
    }
}
