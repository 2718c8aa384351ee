//! The limits of a replica: a whole device that is brought to each of them, and one above.

use weft_sync::acl::{Acl, AclOperation, OpRef};
use weft_sync::entry::KeyRequest;
use weft_sync::epoch::{Cover, Epoch};
use weft_sync::identity::DeviceKeys;
use weft_sync::seal::EpochKey;
use weft_sync::{DeviceId, EndpointId};

use super::*;

impl Hand {
    /// What the device asks of its shell, which does none of it.
    fn effects(&mut self, input: Input) -> Vec<Effect> {
        let Victim { node, now, rng, .. } = &mut self.victim;
        node.handle(Timestamp(*now), input, rng)
    }

    fn effects_of(&mut self, frame: &Frame) -> Vec<Effect> {
        self.effects(Input::Frame { channel: self.channel, bytes: frame.encode() })
    }

    fn wait(&mut self, millis: u64) {
        self.victim.now += millis;
        self.victim.tell(Input::Tick);
    }

    /// The beginning of another log.
    fn begin_session(&mut self, number: u8, lane: Lane) -> Entry {
        self.session = SessionId::from_bytes([number; 16]);
        self.last = None;
        let open = self.open(lane);
        self.send(std::slice::from_ref(&open));
        self.last = Some(open.entry_ref());
        open
    }

    /// The next entry of the control log.
    fn control<B: ClearBody>(&mut self, body: &B) -> Entry {
        let entry = self.sign(self.header(B::KIND, self.log(Lane::Control)), body.encode_body());
        self.send(std::slice::from_ref(&entry));
        if self
            .victim
            .replica()
            .version_vector()
            .contains(&Position { log: entry.header.log, seq: entry.header.seq })
        {
            self.last = Some(entry.entry_ref());
        }
        entry
    }

    /// Lets somebody else in, who then speaks with this hand on a channel of their own. Returns who spoke before.
    fn hand_over(&mut self) -> (Node, ChannelId) {
        let mut rng = ChaCha20Rng::seed_from_u64(55);
        let mut other = Node::new(Class::Editor, &mut rng);
        other.ws = self.keys.ws;
        let operations = self.victim.node.invitation(&other, &mut rng);
        self.victim.tell(Input::WriteAcl { write: WriteId(50), operations });
        let before = (std::mem::replace(&mut self.keys, other), self.channel);
        self.enter();
        before
    }

    /// Connects, up to the data phase.
    fn enter(&mut self) {
        self.connect();
        self.say(&Frame::AclHeads(AclHeads::default()));
        self.say(&Frame::AclDone);
        self.say(&Frame::Have(Vector::default()));
    }

    /// An entry of a log of which nothing is here: it is dropped without a word.
    fn of_nowhere(&self, body: usize) -> Entry {
        let log = LogId::from_bytes([0xee; 32]);
        let prev = EntryId::from_bytes([1; 32]);
        self.sign(Header { seq: 2, prev, ..self.header(Kind::Data, log) }, vec![0; body])
    }

    fn stored_of(&self, kind: Kind) -> usize {
        let entries = self.victim.node.store.bytes().map(|bytes| Entry::decode(bytes).unwrap());
        entries.filter(|entry| entry.header.kind == kind).count()
    }

    /// Whether the device has asked for this log since it was last looked at.
    fn is_asked_for(&mut self, log: LogId) -> bool {
        let asks = |frame: &Frame| match frame {
            Frame::Want(ranges) => ranges.iter().any(|range| range.log == log && range.from <= range.to),
            _ => false,
        };
        std::mem::take(&mut self.victim.said).iter().any(asks)
    }
}

fn frame_of(entries: Vec<Entry>) -> Frame {
    Frame::Entries(entries.into_iter().map(|entry| EntryBytes(entry.encode().into())).collect())
}

fn codes(effects: &[Effect]) -> Vec<ByeCode> {
    let code = |effect: &Effect| match effect {
        Effect::Close { code, .. } => Some(*code),
        _ => None,
    };
    effects.iter().filter_map(code).collect()
}

fn some(count: usize) -> Acl {
    Acl {
        operations: vec![
            AclOperation::SetEndpoint { device: DeviceId::ZERO, endpoint: EndpointId::ZERO };
            count
        ],
    }
}

// Connections.

#[test]
fn a_silent_channel_ends_when_its_time_is_over_and_not_before() {
    let mut hand = Hand::new(Class::Editor);
    let (peer, channel) = (hand.keys.endpoint(), ChannelId(500));
    hand.victim.tell(Input::ChannelUp { channel, peer, dialer: false });
    hand.wait(HELLO_MILLIS - 1);
    assert_eq!(hand.victim.byes(), []);
    hand.wait(1);
    assert_eq!(hand.victim.byes(), [ByeCode::Timeout]);
    hand.victim.said.clear();
    hand.connect();
    hand.wait(ACL_PHASE_MILLIS - 1);
    hand.say(&Frame::Ack(Ack::default()));
    hand.wait(ACL_PHASE_MILLIS - 1);
    assert_eq!(hand.victim.byes(), [], "something went on");
    hand.wait(1);
    assert_eq!(hand.victim.byes(), [ByeCode::Again]);
}

/// Somebody who is not in, and is listened to.
fn stranger() -> Hand {
    let mut hand = Hand::new(Class::Editor);
    hand.keys = Node::new(Class::Editor, &mut ChaCha20Rng::seed_from_u64(100));
    hand.keys.ws = hand.victim.node.ws;
    hand.connect();
    hand.say(&Frame::AclHeads(AclHeads::default()));
    hand
}

#[test]
fn so_many_entries_are_taken_from_a_stranger() {
    let mut hand = stranger();
    hand.send(&vec![hand.of_nowhere(0); STRANGER_ENTRIES_MAX]);
    assert_eq!(hand.victim.byes(), []);
    hand.send(&[hand.of_nowhere(0)]);
    assert_eq!(hand.victim.byes(), [ByeCode::Again]);
}

#[test]
fn so_many_bytes_are_taken_from_a_stranger() {
    let mut hand = stranger();
    let frame = |hand: &Hand, last| {
        frame_of(
            vec![hand.of_nowhere(ENTRY_BODY_BYTES_MAX); 3]
                .into_iter()
                .chain([hand.of_nowhere(last)])
                .collect(),
        )
    };
    let rest = FRAME_BYTES_MAX - frame(&hand, 200_000).encode().len();
    let full = frame(&hand, 200_000 + rest);
    assert_eq!(full.encode().len(), FRAME_BYTES_MAX);
    for _ in 0..STRANGER_BYTES_MAX / FRAME_BYTES_MAX {
        hand.say(&full);
        assert_eq!(hand.victim.byes(), []);
    }
    hand.send(&[hand.of_nowhere(0)]);
    assert_eq!(hand.victim.byes(), [ByeCode::Again]);
}

#[test]
fn so_many_frames_of_the_data_phase_may_come_early() {
    let mut hand = Hand::new(Class::Editor);
    hand.connect();
    hand.say(&Frame::AclHeads(AclHeads::default()));
    // What came last is not on disk yet, so the phase goes on here.
    let open = hand.open(Lane::Control);
    let stored = hand.effects_of(&frame_of(vec![open]));
    assert!(stored.iter().any(|effect| matches!(effect, Effect::Append(_))), "{stored:?}");
    let mut said = hand.effects_of(&Frame::AclDone);
    said.extend(hand.effects_of(&Frame::Have(Vector::default())));
    for _ in 1..EARLY_FRAMES_MAX {
        said.extend(hand.effects_of(&Frame::Peers(Vec::new())));
    }
    assert_eq!(codes(&said), []);
    let above = hand.effects_of(&Frame::Peers(Vec::new()));
    assert_eq!(codes(&above), [ByeCode::Protocol]);
}

#[test]
fn so_many_repeated_entries_are_compared_with_the_store_at_a_time() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    for number in 0..40u8 {
        let entry = hand.data(&[number]);
        hand.send(std::slice::from_ref(&entry));
        hand.last = Some(entry.entry_ref());
    }
    let log = hand.log(Lane::Data);
    let other = |hand: &mut Hand, seq| {
        hand.last = Some(EntryRef { log, seq: seq - 1, id: EntryId::from_bytes([9; 32]) });
        hand.data(b"other")
    };
    for (count, compared) in [(COMPARISONS_MAX, COMPARISONS_MAX), (1, 0)] {
        let others = (0..count as u64).map(|at| other(&mut hand, 2 + at)).collect();
        let effects = hand.effects_of(&frame_of(others));
        let loads = effects.iter().filter(|effect| matches!(effect, Effect::Load(_))).count();
        assert_eq!(loads, compared, "{count} more");
    }
}

#[test]
fn so_many_ends_that_differ_are_asked_for() {
    for count in [COMPARISONS_MAX, COMPARISONS_MAX + 1] {
        let mut hand = Hand::in_data_phase();
        let opens: Vec<Entry> =
            (0..count as u8).map(|number| hand.begin_session(number, Lane::Data)).collect();
        hand.victim.tell(Input::ChannelDown { channel: hand.channel });
        hand.connect();
        hand.say(&Frame::AclHeads(AclHeads::default()));
        hand.say(&Frame::AclDone);
        let mut open: Vec<LogEnd> =
            opens.iter().map(|open| LogEnd { log: open.header.log, seq: 1, mark: [0; 8] }).collect();
        open.sort_unstable();
        hand.victim.said.clear();
        hand.say(&Frame::Have(Vector { open, closed: Vec::new() }));
        let wanted = hand.victim.said.iter().map(|frame| match frame {
            Frame::Want(ranges) => ranges.iter().filter(|range| range.from == 1).count(),
            _ => 0,
        });
        assert_eq!(wanted.sum::<usize>(), COMPARISONS_MAX, "of {count}");
    }
}

// Time.

#[test]
fn what_was_taken_in_is_told_a_moment_later() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    hand.wait(ACK_MILLIS);
    hand.victim.said.clear();
    hand.send(&[hand.of_nowhere(0)]);
    hand.wait(ACK_MILLIS - 1);
    assert_eq!(hand.victim.said, []);
    hand.wait(1);
    assert!(matches!(hand.victim.said.as_slice(), [Frame::Ack(_)]), "{:?}", hand.victim.said);
}

#[test]
fn what_its_author_does_not_have_is_asked_of_another_a_moment_later() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    let log = hand.log(Lane::Data);
    hand.hand_over();
    hand.wait(ACK_MILLIS);
    hand.victim.said.clear();
    hand.say(&Frame::Ack(Ack { taken_bytes: 0, positions: vec![Position { log, seq: 5 }] }));
    hand.wait(LACK_MILLIS - 1);
    assert!(!hand.is_asked_for(log));
    hand.wait(1);
    assert!(hand.is_asked_for(log));
}

#[test]
fn what_does_not_come_is_asked_for_again() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    let log = hand.log(Lane::Data);
    hand.victim.said.clear();
    hand.say(&Frame::Ack(Ack { taken_bytes: 0, positions: vec![Position { log, seq: 5 }] }));
    hand.wait(STALL_MILLIS - 1);
    assert!(!hand.is_asked_for(log));
    hand.wait(1);
    assert!(hand.is_asked_for(log));
}

#[test]
fn a_key_is_asked_for_soon_and_then_ever_more_rarely() {
    let mut hand = Hand::in_data_phase();
    hand.begin_session(1, Lane::Control);
    let key = EpochKey::from_bytes([77; 32]);
    let us = Cover::Device(hand.keys.keys.device_id());
    let recipients = [(us, hand.keys.keys.age_identity().recipient())].into();
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    hand.control(&Epoch::original(&key, &recipients, Vec::new(), &mut rng).unwrap());
    hand.begin_session(2, Lane::Data);
    let mut header = hand.header(Kind::Data, hand.log(Lane::Data));
    header.epoch = Some(key.id());
    let plain = DataPlain { wall: WallMillis(0), origin: Origin::Human, items: Vec::new() };
    let body = key.entry_key(&header.log).seal(&header, &plain.encode(), &mut rng).unwrap();
    hand.send(&[hand.sign(header, body)]);
    assert_eq!(hand.victim.replica().sync_status().waiting_for_key, 1);
    let mut wait = KEY_REQUEST_MILLIS;
    for asked in 0..7 {
        hand.wait(wait - 1);
        assert_eq!(hand.stored_of(Kind::KeyRequest), asked, "after {wait} ms");
        hand.wait(1);
        assert_eq!(hand.stored_of(Kind::KeyRequest), asked + 1, "after {wait} ms");
        wait = (wait * 4).min(KEY_REQUEST_MILLIS_MAX);
    }
    assert_eq!(wait, KEY_REQUEST_MILLIS_MAX);
}

#[test]
fn who_asks_for_a_key_is_answered_within_a_moment() {
    let mut hand = Hand::in_data_phase();
    hand.begin_session(1, Lane::Control);
    let epoch = hand.victim.replica().membership().unwrap().usable_epochs()[0].epoch;
    let before = hand.stored_of(Kind::Epoch);
    hand.control(&KeyRequest { epoch });
    assert_eq!(hand.stored_of(Kind::Epoch), before, "answers of all members would come at once");
    hand.wait(REWRAP_SPREAD_MILLIS - 1);
    assert_eq!(hand.stored_of(Kind::Epoch), before + 1);
}

#[test]
fn a_frontier_is_due_after_so_many_entries() {
    let mut hand = Hand::in_data_phase();
    let items = hand.victim.node.items(1, 20, &mut ChaCha20Rng::seed_from_u64(1));
    let write = hand.victim.node.write(items).unwrap();
    hand.victim.tell(write);
    hand.begin();
    for number in 1..=FRONTIER_ENTRIES {
        assert_eq!(hand.stored_of(Kind::Frontier), 0, "before entry {number}");
        let entry = hand.data(&number.to_be_bytes());
        hand.send(std::slice::from_ref(&entry));
        hand.last = Some(entry.entry_ref());
    }
    assert_eq!(hand.stored_of(Kind::Frontier), 1);
}

// What is written here.

#[test]
fn so_many_bytes_wait_for_the_disk() {
    let mut hand = Hand::new(Class::Editor);
    let mut write = |bytes: usize| {
        let change = vec![0; bytes];
        let item =
            Item { doc: weft_crdt::DocumentId::from_bytes([1; 16]), more: false, repeats: None, change };
        let (write, log) = (WriteId(9), hand.victim.replica().data_log());
        let effects = hand.effects(Input::Write(Write {
            write,
            log,
            origin: Origin::Human,
            wall: WallMillis(0),
            items: vec![item],
        }));
        effects.into_iter().find_map(|effect| match effect {
            Effect::WriteRefused { reason, .. } => Some(reason),
            _ => None,
        })
    };
    // The first is on its way to the disk and never comes there.
    assert_eq!(write(10), None);
    assert_eq!(write(1), None);
    assert_eq!(write(WRITES_QUEUED_BYTES_MAX - 1), None);
    assert_eq!(write(1), Some(WriteError::Busy));
}

#[test]
fn so_many_operations_are_written_at_once_and_each_within_its_limits() {
    let mut hand = Hand::new(Class::Editor);
    let mut write = |operations| {
        hand.victim.tell(Input::WriteAcl { write: WriteId(9), operations });
        hand.victim.refused.pop()
    };
    assert_eq!(write(some(ACL_OPERATIONS_PER_ENTRY_MAX).operations), None);
    let above = some(ACL_OPERATIONS_PER_ENTRY_MAX + 1).operations;
    assert_eq!(write(above), Some(WriteError::TooManyOperations));
    let via = OpRef::new(EntryId::ZERO, 0);
    let policy = |key: usize, value: usize| {
        vec![AclOperation::SetPolicy { key: "k".repeat(key), value: vec![0; value], via }]
    };
    assert_eq!(write(policy(POLICY_KEY_BYTES_MAX, POLICY_VALUE_BYTES_MAX)), None);
    assert_eq!(write(policy(POLICY_KEY_BYTES_MAX + 1, 0)), Some(WriteError::Refused));
    assert_eq!(write(policy(1, POLICY_VALUE_BYTES_MAX + 1)), Some(WriteError::Refused));
}

#[test]
fn more_heads_than_an_entry_names_are_gathered_first() {
    for (count, gathered) in [(ACL_HEADS_MAX, 0), (ACL_HEADS_MAX + 1, 1)] {
        let mut hand = Hand::in_data_phase();
        let heads = hand.victim.replica().membership().unwrap().heads();
        for number in 0..count as u8 {
            hand.session = SessionId::from_bytes([number; 16]);
            let open = hand.open(Lane::Control);
            let open = hand.sign(Header { acl_heads: heads.clone(), ..open.header }, open.body);
            hand.send(&[open]);
        }
        assert_eq!(hand.victim.replica().membership().unwrap().heads().len(), count);
        let before = hand.stored_of(Kind::Acl);
        let items = hand.victim.node.items(1, 20, &mut ChaCha20Rng::seed_from_u64(1));
        let write = hand.victim.node.write(items).unwrap();
        hand.victim.tell(write);
        assert_eq!(
            (hand.stored_of(Kind::Acl), hand.stored_of(Kind::Data)),
            (before + gathered, 1),
            "{count} heads"
        );
    }
}

// What one person brings in unasked.

#[test]
fn one_person_opens_so_many_logs_and_more_when_somebody_else_names_them() {
    let mut hand = Hand::in_data_phase();
    let stored = hand.stored();
    for number in 0..OPEN_LOGS_PER_USER_MAX as u8 {
        hand.begin_session(number, Lane::Data);
    }
    assert_eq!(hand.stored(), stored + OPEN_LOGS_PER_USER_MAX);
    let above = hand.begin_session(200, Lane::Control);
    let is_held = |hand: &Hand| hand.victim.replica().sync_status().held_back == [above.header.log];
    assert_eq!(hand.stored(), stored + OPEN_LOGS_PER_USER_MAX);
    assert!(is_held(&hand));
    assert_eq!(hand.victim.byes(), [], "it is no offence");

    let (author, channel) = hand.hand_over();
    let theirs = hand.channel;
    let as_author = |hand: &mut Hand, entry: &Entry| {
        hand.channel = channel;
        hand.send(std::slice::from_ref(entry));
        hand.channel = theirs;
    };
    as_author(&mut hand, &above);
    assert!(is_held(&hand));
    let stored = hand.stored();
    hand.victim.said.clear();
    hand.session = SessionId::from_bytes([7; 16]);
    hand.last = None;
    let open = hand.open(Lane::Control);
    let mut heads = open.header.acl_heads.clone();
    heads.push(above.id());
    heads.sort_unstable();
    let open = hand.sign(Header { acl_heads: heads, ..open.header }, open.body);
    hand.send(&[open]);
    assert_eq!((hand.stored(), hand.victim.replica().sync_status().pending), (stored, 1));
    assert!(hand.is_asked_for(above.header.log), "what somebody names is asked for");
    as_author(&mut hand, &above);
    assert_eq!((hand.stored(), hand.victim.replica().sync_status().pending), (stored + 2, 0));
    assert_eq!(hand.victim.replica().sync_status().held_back, []);
    // From now on it is as before.
    hand.keys = author;
    hand.channel = channel;
    hand.begin_session(201, Lane::Data);
    assert_eq!(hand.stored(), stored + 2);
}

#[test]
fn admins_are_not_held_back() {
    let mut hand = Hand::new(Class::Admin);
    hand.enter();
    let stored = hand.stored();
    for number in 0..=OPEN_LOGS_PER_USER_MAX as u8 {
        hand.begin_session(number, Lane::Data);
    }
    assert_eq!(hand.stored(), stored + OPEN_LOGS_PER_USER_MAX + 1);
}

#[test]
fn one_person_writes_so_many_operations() {
    let mut hand = Hand::in_data_phase();
    hand.begin_session(1, Lane::Control);
    let stored = hand.stored();
    let entries = ACL_OPERATIONS_PER_USER_MAX.div_ceil(ACL_OPERATIONS_PER_ENTRY_MAX);
    for number in 0..entries {
        let left = ACL_OPERATIONS_PER_USER_MAX - number * ACL_OPERATIONS_PER_ENTRY_MAX;
        hand.control(&some(left.min(ACL_OPERATIONS_PER_ENTRY_MAX)));
    }
    assert_eq!(hand.stored(), stored + entries);
    let above = hand.control(&some(1));
    assert_eq!(hand.stored(), stored + entries);
    assert_eq!(hand.victim.replica().sync_status().held_back, [above.header.log]);
}

#[test]
fn one_person_adds_so_many_devices() {
    let mut hand = Hand::in_data_phase();
    hand.begin_session(1, Lane::Control);
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut add = |hand: &Hand, count: usize| {
        let user = hand.keys.user();
        let operations = (0..count).map(|_| {
            let claim = DeviceKeys::generate(user, &mut rng).claim();
            let chain = hand.keys.chain.extend(hand.keys.keys.signing_key(), &claim).unwrap().chain().clone();
            AclOperation::AddDev { user, label: None, chain }
        });
        Acl { operations: operations.collect() }
    };
    let devices = |hand: &Hand| {
        let live = hand.victim.replica().membership().unwrap().live_devices();
        live.iter().filter(|device| device.user == hand.keys.user()).count()
    };
    for count in [ACL_OPERATIONS_PER_ENTRY_MAX, DEVICES_PER_USER_MAX - ACL_OPERATIONS_PER_ENTRY_MAX - 1] {
        let body = add(&hand, count);
        hand.control(&body);
    }
    assert_eq!(devices(&hand), DEVICES_PER_USER_MAX);
    let body = add(&hand, 1);
    let above = hand.control(&body);
    assert_eq!(devices(&hand), DEVICES_PER_USER_MAX);
    assert_eq!(hand.victim.replica().sync_status().held_back, [above.header.log]);
}
