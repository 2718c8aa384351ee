//! A member whose program is newer than ours: what it writes is kept, handed on and not looked into.

use weft_sync::entry::KeyRequest;
use weft_sync::frames::{PROTOCOL_VERSION_MIN, agreed_version};

use super::*;

impl Hand {
    /// An entry of a newer format: its body may be anything.
    fn newer(&self, kind: Kind, lane: Lane) -> Entry {
        let mut header = self.header(kind, self.log(lane));
        header.ver = 2;
        self.sign(header, vec![1, 2, 3])
    }

    fn needs_newer(&self) -> bool {
        self.victim.replica().sync_status().needs_newer
    }

    fn restart(&mut self) {
        self.victim.node.crash();
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        let effects = self.victim.node.start(Timestamp(self.victim.now), &mut rng);
        assert!(!effects.is_empty());
        self.victim.carry_out(effects);
        // Nothing that was wanted of the store is left to be read.
        self.victim.tell(Input::Tick);
    }
}

#[test]
fn kinds_of_a_newer_version_are_kept_and_named() {
    for kind in [Kind::Unknown(7), Kind::Unknown(200)] {
        let mut hand = Hand::in_data_phase();
        hand.begin();
        assert!(!hand.needs_newer());
        let stored = hand.stored();
        let newer = hand.sign(hand.header(kind, hand.log(Lane::Data)), vec![1, 2, 3]);
        hand.send(std::slice::from_ref(&newer));
        assert_eq!(hand.stored(), stored + 1);
        assert!(hand.needs_newer());
        hand.restart();
        assert!(hand.needs_newer(), "it is forgotten with a restart");
        hand.last = Some(newer.entry_ref());
    }
}

/// Data that was sealed in the same way, in an entry of another version: it may mean something else.
#[test]
fn data_of_a_newer_version_is_kept_and_not_opened() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    let known = hand.data(b"of today");
    let key = hand.victim.node.keyring.key(&known.header.epoch.unwrap()).unwrap().clone();
    let mut header = Header { ver: 2, ..known.header.clone() };
    (header.body_len, header.body_hash) = (0, BodyHash::ZERO);
    let item = Item {
        doc: weft_crdt::DocumentId::from_bytes([1; 16]),
        more: false,
        repeats: None,
        change: b"of tomorrow".to_vec(),
    };
    let plain = DataPlain { wall: WallMillis(0), origin: Origin::Human, items: vec![item] };
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    let body = key.entry_key(&header.log).seal(&header, &plain.encode(), &mut rng).unwrap();
    let newer = hand.sign(header, body);
    let stored = hand.stored();
    hand.send(std::slice::from_ref(&newer));
    assert_eq!(hand.stored(), stored + 1);
    assert!(hand.needs_newer());
    hand.restart();
    assert!(hand.victim.node.content.is_empty(), "it was opened after a restart");
    assert!(hand.needs_newer());
    // It waits for a newer program, and for nothing else.
    let status = hand.victim.replica().sync_status();
    assert!(status.is_quiet() && status.void == 0, "{status:?}");
    assert_eq!(hand.victim.node.store.unopened(), 1, "a newer program would not find it");
}

#[test]
fn operations_of_a_newer_version_are_kept_and_change_nothing() {
    let mut hand = Hand::in_data_phase();
    let open = hand.open(Lane::Control);
    hand.send(std::slice::from_ref(&open));
    hand.last = Some(open.entry_ref());
    let people = hand.victim.replica().membership().unwrap().people();
    for kind in [Kind::Acl, Kind::Epoch, Kind::KeyRequest] {
        let stored = hand.stored();
        let newer = hand.newer(kind, Lane::Control);
        hand.send(std::slice::from_ref(&newer));
        hand.last = Some(newer.entry_ref());
        assert_eq!(hand.stored(), stored + 1, "{kind:?}");
    }
    assert!(hand.needs_newer());
    assert_eq!(hand.victim.replica().membership().unwrap().people(), people);
    // What comes behind them is understood again.
    let epoch = hand.victim.replica().membership().unwrap().usable_epochs()[0].epoch;
    let header = hand.header(Kind::KeyRequest, hand.log(Lane::Control));
    let known = hand.sign(header, KeyRequest { epoch }.encode_body());
    let stored = hand.stored();
    hand.send(&[known]);
    assert!(hand.stored() > stored);
    hand.restart();
    assert!(hand.needs_newer());
    assert_eq!(hand.victim.replica().membership().unwrap().people(), people);
}

/// A Frontier of a newer version says nothing about what its device holds, before and after a restart.
#[test]
fn a_frontier_of_a_newer_version_is_not_believed() {
    let mut hand = Hand::in_data_phase();
    hand.begin();
    let kept_back = EntryRef { log: LogId::from_bytes([8; 32]), seq: 7, id: EntryId::from_bytes([7; 32]) };
    let mut header = hand.header(Kind::Frontier, hand.log(Lane::Data));
    header.ver = 2;
    let newer = hand.sign(header, Frontier { positions: vec![kept_back] }.encode_body());
    hand.send(std::slice::from_ref(&newer));
    for _ in 0..2 {
        let status = hand.victim.replica().sync_status();
        assert_eq!((status.incomplete, status.needs_newer), (Vec::new(), true));
        hand.restart();
    }
}

#[test]
fn devices_agree_on_the_greatest_version_that_both_speak() {
    assert_eq!(agreed_version(PROTOCOL_VERSION), Some(PROTOCOL_VERSION));
    assert_eq!(agreed_version(PROTOCOL_VERSION + 1), Some(PROTOCOL_VERSION));
    assert_eq!(agreed_version(u8::MAX), Some(PROTOCOL_VERSION));
    assert_eq!(agreed_version(PROTOCOL_VERSION_MIN), Some(PROTOCOL_VERSION_MIN));
    assert_eq!(agreed_version(PROTOCOL_VERSION_MIN - 1), None);
    for (version, agrees) in [(PROTOCOL_VERSION, true), (PROTOCOL_VERSION + 1, true), (0, false)] {
        let mut hand = Hand::new(Class::Editor);
        hand.channel = ChannelId(7);
        let (us, them) = (hand.keys.endpoint(), hand.victim.node.endpoint());
        hand.victim.tell(Input::ChannelUp { channel: hand.channel, peer: us, dialer: false });
        let tag = hello_tag(&hand.keys.ws, &us, &them);
        hand.say(&Frame::Hello(Hello { version, features: u64::MAX, tag }));
        assert_eq!(hand.victim.byes().is_empty(), agrees, "version {version}");
        assert!(!hand.needs_newer(), "version {version}: both can talk to each other");
        if !agrees {
            assert_eq!(hand.victim.byes(), [ByeCode::Version]);
        }
    }
}

/// A frame of a version that was not agreed on ends the channel; that a newer program is needed is a member's word.
#[test]
fn a_frame_of_a_newer_version_tells_that_one_is_needed() {
    for (is_member, version) in [(true, PROTOCOL_VERSION + 1), (true, 0), (false, PROTOCOL_VERSION + 1)] {
        let mut hand = Hand::in_data_phase();
        if !is_member {
            hand.keys = Node::new(Class::Editor, &mut ChaCha20Rng::seed_from_u64(100));
            hand.keys.ws = hand.victim.node.ws;
            hand.connect();
        }
        hand.victim.tell(Input::Frame { channel: hand.channel, bytes: vec![version, 9, 9] });
        assert_eq!(hand.victim.byes(), [ByeCode::Version]);
        assert_eq!(hand.needs_newer(), is_member && version > PROTOCOL_VERSION, "{is_member} {version}");
    }
}
