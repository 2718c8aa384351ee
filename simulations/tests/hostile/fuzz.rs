//! A target of `./dev fuzz`: a whole device, and a member who may say and sign anything.

use weft_fuzz::{RECORDS, Target, reached};
use weft_sync::acl::{Acl, AclOperation, OpRef};
use weft_sync::entry::KeyRequest;
use weft_sync::frames::{PeerAddress, SignedVector};

use super::*;

/// What one step of the input is.
mod step {
    /// A frame, as it is.
    pub(super) const FRAME: u8 = 0;
    /// The kind of an entry and its clear body: signed, at its place in the hostile member's log.
    pub(super) const ENTRY: u8 = 1;
    /// What a Data entry holds: sealed, signed, at its place.
    pub(super) const DATA: u8 = 2;
    /// The connection ends, and another one begins.
    pub(super) const AGAIN: u8 = 3;
    /// So many tenths of a second go by.
    pub(super) const TIME: u8 = 4;
}

/// More steps would only be slow.
const STEPS_MAX: usize = 48;

struct Play {
    hand: Hand,
    last: [Option<EntryRef>; 2],
}

impl Play {
    fn step(&mut self, step: &[u8]) {
        let Some((&kind, bytes)) = step.split_first() else { return };
        match kind {
            step::FRAME => {
                let channel = self.hand.channel;
                self.hand.victim.tell(Input::Frame { channel, bytes: bytes.to_vec() });
            }
            step::ENTRY => {
                let Some((&kind, body)) = bytes.split_first() else { return };
                let kind = Kind::from_byte(kind);
                let lane = usize::from(matches!(kind, Kind::Acl | Kind::Epoch | Kind::KeyRequest));
                self.write(lane, kind, body.to_vec(), false);
            }
            step::DATA => self.write(0, Kind::Data, bytes.to_vec(), true),
            step::AGAIN => {
                let channel = self.hand.channel;
                self.hand.victim.tell(Input::ChannelDown { channel });
                self.hand.connect();
                self.hand.say(&Frame::AclHeads(AclHeads::default()));
                self.hand.say(&Frame::AclDone);
            }
            step::TIME => {
                self.hand.victim.now += u64::from(bytes.first().copied().unwrap_or(1)) * 100;
                self.hand.victim.tell(Input::Tick);
            }
            _ => {}
        }
    }

    /// Writes an entry, after the Open of its log.
    fn write(&mut self, lane: usize, kind: Kind, body: Vec<u8>, sealed: bool) {
        let which = [Lane::Data, Lane::Control][lane];
        self.hand.last = self.last[lane];
        if self.last[lane].is_none() {
            let open = self.hand.open(which);
            self.hand.last = Some(open.entry_ref());
            self.hand.send(&[open]);
        }
        let mut header = self.hand.header(kind, self.hand.log(which));
        let mut body = body;
        if sealed {
            let usable = self.hand.victim.replica().membership().map(|membership| membership.usable_epochs());
            let epoch = usable.and_then(|usable| usable.first().map(|usable| usable.epoch));
            let Some(key) = epoch.and_then(|epoch| self.hand.victim.node.keyring.key(&epoch)) else { return };
            header.epoch = Some(key.id());
            let mut rng = ChaCha20Rng::seed_from_u64(9);
            let Ok(closed) = key.entry_key(&header.log).seal(&header, &body, &mut rng) else { return };
            body = closed;
        }
        let Ok(entry) = Entry::sign(header, body, self.hand.keys.keys.signing_key()) else { return };
        self.last[lane] = Some(entry.entry_ref());
        self.hand.send(&[entry]);
    }
}

fn play(bytes: &[u8]) {
    let mut play = Play { hand: Hand::in_data_phase(), last: [None, None] };
    let said_before = play.hand.victim.said.len();
    for step in (RECORDS.split)(bytes).into_iter().flatten().take(STEPS_MAX) {
        let stored = play.hand.stored();
        play.step(&step);
        reached((step.first().copied(), play.hand.stored() > stored));
    }
    for frame in &play.hand.victim.said[said_before..] {
        reached(std::mem::discriminant(frame));
    }
    for bye in play.hand.victim.byes() {
        reached(bye.byte());
    }
    let status = play.hand.victim.replica().sync_status();
    reached((status.forked.len(), status.held_back.len().min(2), play.hand.victim.refused.len().min(2)));
    // Whatever was said: the honest device goes on writing, and nobody else became its owner.
    let membership = play.hand.victim.replica().membership().expect("a membership");
    assert_eq!(membership.class_of(&play.hand.victim.node.user()), Some(Class::Owner));
    assert!(play.hand.victim.node.may_write(), "the honest device may no longer write");
    let stored = play.hand.stored();
    let item = Item {
        doc: weft_crdt::DocumentId::from_bytes([1; 16]),
        more: false,
        repeats: None,
        change: b"honest".to_vec(),
    };
    if let Some(input) = play.hand.victim.node.write(vec![item]) {
        play.hand.victim.tell(input);
    }
    assert!(play.hand.stored() > stored, "what the honest device writes is no longer stored");
}

fn seeds() -> Vec<Vec<u8>> {
    let hand = Hand::in_data_phase();
    let ws = hand.keys.ws;
    let at = EntryRef { log: hand.log(Lane::Data), seq: 1, id: EntryId::from_bytes([3; 32]) };
    let frame = |frame: Frame| [&[step::FRAME], &frame.encode()[..]].concat();
    let entry = |kind: Kind, body: Vec<u8>| [&[step::ENTRY, kind.byte()], &body[..]].concat();
    let item = Item {
        doc: weft_crdt::DocumentId::from_bytes([1; 16]),
        more: false,
        repeats: None,
        change: vec![7; 90],
    };
    let plain = DataPlain { wall: WallMillis(0), origin: Origin::Human, items: vec![item] };
    let via = OpRef::new(ws.genesis(), 0);
    let user = hand.keys.user();
    let operations = vec![
        AclOperation::Grant { user, class: Class::Admin, via },
        AclOperation::Revoke { user: hand.victim.node.user(), via, seen: vec![at] },
    ];
    let epoch = hand.victim.replica().membership().unwrap().usable_epochs()[0].epoch;
    let vector = Vector {
        open: vec![LogEnd::new(&at)],
        closed: vec![ClosedDigest { signer: SignerId::from_bytes([3; 32]), digest: [4; 32] }],
    };
    let positions = vec![Position { log: at.log, seq: 9 }];
    let signed = SignedVector { signer: hand.signer(), positions: vec![at], signature: [0; 64] };
    let address = PeerAddress {
        device: hand.keys.keys.device_id(),
        addresses: vec!["192.0.2.1:4433".parse().unwrap()],
        age_seconds: 1,
    };
    let genesis = hand.victim.node.store.bytes().next().unwrap().to_vec();
    vec![
        (RECORDS.join)(&[
            frame(Frame::Want(vec![Range { log: at.log, from: 1, to: 9 }])),
            frame(Frame::Ack(Ack { taken_bytes: 1 << 20, positions })),
            frame(Frame::Peers(vec![address])),
            frame(Frame::Frontier(signed)),
            frame(Frame::Have(vector)),
            frame(Frame::ClosedLogs(ClosedLogs {
                signer: SignerId::from_bytes([3; 32]),
                logs: vec![LogEnd::new(&at)],
                more: true,
            })),
            frame(Frame::Entries(vec![EntryBytes(Arc::from(genesis))])),
            vec![step::TIME, 50],
            vec![step::AGAIN],
            frame(Frame::Bye(ByeCode::Again)),
        ]),
        (RECORDS.join)(&[
            [&[step::DATA], &plain.encode()[..]].concat(),
            entry(Kind::Frontier, Frontier { positions: vec![at] }.encode_body()),
            entry(Kind::KeyRequest, KeyRequest { epoch }.encode_body()),
            entry(Kind::Acl, Acl { operations }.encode_body()),
            [&[step::DATA], &plain.encode()[..]].concat(),
            entry(Kind::Close, Close {}.encode_body()),
            [&[step::DATA], &plain.encode()[..]].concat(),
        ]),
    ]
}

const PEER: Target = Target { name: "peer", decode: play, seeds, structure: RECORDS };

#[test]
fn peer() {
    weft_fuzz::run(&PEER);
}
