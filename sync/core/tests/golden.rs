//! The formats, byte for byte. A change here is a change that older programs cannot read.
//!
//! `WEFT_BLESS=1` writes what the program makes now, to be looked at in the difference.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that unwraps fails with a place; blessing writes files"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use weft_crdt::{ChangeHash, DocumentId};
use weft_sync::acl::{Acl, AclOperation, Class, Genesis, OpRef, RULES};
use weft_sync::certificate::{DeviceClaim, VerifiedChain};
use weft_sync::entry::{Close, Frontier, KeyRequest};
use weft_sync::epoch::{Cover, Epoch};
use weft_sync::frames::{
    Ack, AclHeads, ByeCode, ClosedDigest, ClosedLogs, EntryBytes, Frame, Hello, LogEnd, PeerAddress,
    Position, Range, SignedVector, Vector, digest_of_closed, hello_tag,
};
use weft_sync::seal::EpochKey;
use weft_sync::wraps::AgeIdentity;
use weft_sync::{
    BodyHash, ClearBody, DataPlain, DeviceId, EndpointId, Entry, EntryId, EntryRef, EpochId, Header, Item,
    Kind, Lane, LogId, Open, Origin, PublicKey, SessionId, Signer, SignerId, UserId, WallMillis, WorkspaceId,
};

fn check(name: &str, bytes: &[u8]) {
    // Asked at run time: build results that several clones share remember the clone that made them.
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the package lies");
    let path = PathBuf::from(package).join("tests/golden").join(format!("{name}.hex"));
    let hex: String = bytes.chunks(32).map(|line| data_encoding::HEXLOWER.encode(line) + "\n").collect();
    if std::env::var_os("WEFT_BLESS").is_some() {
        std::fs::write(&path, &hex).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(hex, expected.replace("\r\n", "\n"), "{name} is encoded otherwise than it was");
}

fn signing() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn user_signing() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn user() -> UserId {
    UserId::from_bytes(user_signing().verifying_key().to_bytes())
}

fn signer() -> Signer {
    Signer::Device(user(), PublicKey::from_bytes(signing().verifying_key().to_bytes()))
}

fn chain() -> VerifiedChain {
    let recipient = AgeIdentity::from_bytes([3; 32]).recipient();
    let claim = DeviceClaim::make(&user(), recipient, EndpointId::from_bytes([4; 32]), &signing());
    VerifiedChain::first(&user_signing(), &claim, AgeIdentity::from_bytes([5; 32]).recipient()).unwrap()
}

fn ws() -> WorkspaceId {
    WorkspaceId::from_genesis(genesis().id())
}

fn log(lane: Lane) -> LogId {
    signer().log_id(&ws(), &SessionId::from_bytes([6; 16]), lane)
}

fn at(byte: u8, seq: u64) -> EntryRef {
    EntryRef { log: LogId::from_bytes([byte; 32]), seq, id: EntryId::from_bytes([byte + 1; 32]) }
}

fn header(kind: Kind, lane: Lane, seq: u64) -> Header {
    Header {
        ver: 1,
        ws: ws(),
        log: log(lane),
        seq,
        prev: if seq == 1 { EntryId::ZERO } else { EntryId::from_bytes([8; 32]) },
        kind,
        acl_heads: vec![EntryId::from_bytes([9; 32]), ws().genesis()],
        epoch: None,
        body_len: 0,
        body_hash: BodyHash::ZERO,
    }
}

fn sorted(mut header: Header) -> Header {
    header.acl_heads.sort();
    header
}

fn clear<B: ClearBody>(body: &B, lane: Lane, seq: u64) -> Entry {
    Entry::sign(sorted(header(B::KIND, lane, seq)), body.encode_body(), &signing()).unwrap()
}

fn genesis() -> Entry {
    let body = Genesis {
        owner: user(),
        nonce: [10; 16],
        rules: RULES,
        first_epoch: EpochId::from_bytes([11; 16]),
        chain: chain().chain().clone(),
    };
    let header = Header {
        ver: 1,
        ws: WorkspaceId::ZERO,
        log: LogId::ZERO,
        seq: 1,
        prev: EntryId::ZERO,
        kind: Kind::Genesis,
        acl_heads: Vec::new(),
        epoch: None,
        body_len: 0,
        body_hash: BodyHash::ZERO,
    };
    Entry::sign(header, body.encode_body(), &signing()).unwrap()
}

fn plain() -> DataPlain {
    let item = |byte: u8, repeats, change| Item {
        doc: DocumentId::from_bytes([byte; 16]),
        more: byte == 1,
        repeats,
        change,
    };
    DataPlain {
        wall: WallMillis(1_700_000_000_123),
        origin: Origin::Model { name: "a model".to_owned() },
        items: vec![
            item(1, None, vec![0x85, 0x6f, 0x4a, 0x83]),
            item(2, Some(ChangeHash::from_bytes([12; 32])), vec![7; 100]),
        ],
    }
}

fn data() -> Entry {
    let key = EpochKey::from_bytes([13; 32]);
    let mut header = sorted(header(Kind::Data, Lane::Data, 300));
    header.epoch = Some(key.id());
    let body = key.entry_key(&header.log).seal(&header, &plain().encode(), &mut rng()).unwrap();
    Entry::sign(header, body, &signing()).unwrap()
}

fn open(lane: Lane) -> Entry {
    let open = Open {
        signer: signer(),
        session: SessionId::from_bytes([6; 16]),
        prev_logs: vec![at(1, 5), at(3, 70_000)],
        app_version: "weft 0.1.0".to_owned(),
    };
    clear(&open, lane, 1)
}

fn epoch() -> Epoch {
    let recipients = BTreeMap::from([
        (Cover::Device(DeviceId::from_bytes([14; 32])), AgeIdentity::from_bytes([15; 32]).recipient()),
        (Cover::Recovery(user()), AgeIdentity::from_bytes([5; 32]).recipient()),
    ]);
    let earlier = vec![EpochKey::from_bytes([16; 32])];
    Epoch::original(&EpochKey::from_bytes([13; 32]), &recipients, earlier, &mut rng()).unwrap()
}

fn acl() -> Acl {
    let via = OpRef::new(ws().genesis(), 0);
    Acl {
        operations: vec![
            AclOperation::AddDev { user: user(), label: None, chain: chain().chain().clone() },
            AclOperation::Revoke { user: user(), via, seen: vec![at(1, 5)] },
            AclOperation::Grant { user: user(), class: Class::Editor, via },
        ],
    }
}

/// One entry of each kind.
fn entries() -> Vec<(&'static str, Entry)> {
    let unknown =
        Entry::sign(sorted(header(Kind::Unknown(7), Lane::Data, 9)), vec![1, 2, 3], &signing()).unwrap();
    vec![
        ("entry-genesis", genesis()),
        ("entry-open-data", open(Lane::Data)),
        ("entry-open-control", open(Lane::Control)),
        ("entry-acl", clear(&acl(), Lane::Control, 2)),
        ("entry-epoch", clear(&epoch(), Lane::Control, 3)),
        ("entry-data", data()),
        ("entry-frontier", clear(&Frontier { positions: vec![at(1, 5), at(3, 1_000_000)] }, Lane::Data, 4)),
        ("entry-key-request", clear(&KeyRequest { epoch: EpochId::from_bytes([11; 16]) }, Lane::Control, 5)),
        ("entry-close", clear(&Close {}, Lane::Data, 6)),
        ("entry-unknown", unknown),
    ]
}

#[test]
fn entries_of_each_kind() {
    for (name, entry) in entries() {
        check(name, &entry.encode());
        let back = Entry::decode(&entry.encode()).unwrap();
        assert_eq!(back, entry, "{name}");
        back.verify(&signer().public_key()).unwrap();
    }
}

#[test]
fn ids_of_entries_logs_and_devices() {
    let ids: Vec<u8> = entries().iter().flat_map(|(_, entry)| *entry.id().as_bytes()).collect();
    check("entry-ids", &ids);
    let user_log = Signer::User(user()).log_id(&ws(), &SessionId::from_bytes([6; 16]), Lane::Control);
    let derived = [log(Lane::Data), log(Lane::Control), user_log].map(|log| *log.as_bytes()).concat();
    check("log-ids", &derived);
    check("device-id", signer().device().unwrap().as_bytes());
}

#[test]
fn what_is_inside_of_data() {
    check("data-plain", &plain().encode());
    assert_eq!(DataPlain::decode(&plain().encode()).unwrap(), plain());
}

#[test]
fn an_entry_that_anybody_altered_is_refused() {
    for (name, entry) in entries() {
        let bytes = entry.encode();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << (at % 8);
            let taken =
                Entry::decode(&altered).ok().filter(|entry| entry.verify(&signer().public_key()).is_ok());
            assert_eq!(taken, None, "{name} with another byte at {at}");
        }
        for len in 0..bytes.len() {
            assert!(Entry::decode(&bytes[..len]).is_err(), "{name} cut off at {len}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(Entry::decode(&longer).is_err(), "{name} with a byte more");
    }
}

fn frames() -> Vec<(&'static str, Frame)> {
    let position = |byte, seq| Position { log: LogId::from_bytes([byte; 32]), seq };
    let end = |byte, seq| LogEnd::new(&at(byte, seq));
    let digest = digest_of_closed([end(4, 2), end(5, 300)]);
    let vector = || Vector {
        open: vec![end(1, 1), end(2, 70_000)],
        closed: vec![ClosedDigest { signer: SignerId::from_bytes([3; 32]), digest }],
    };
    let tag = hello_tag(
        &WorkspaceId::from_bytes([1; 32]),
        &EndpointId::from_bytes([2; 32]),
        &EndpointId::from_bytes([3; 32]),
    );
    let signature = {
        use ed25519_dalek::Signer as _;
        let message = SignedVector::signing_bytes(&WorkspaceId::from_bytes([1; 32]), &[at(1, 5)]);
        signing().sign(&message).to_bytes()
    };
    let addresses = vec!["192.0.2.1:4433".parse().unwrap(), "[2001:db8::1]:1".parse().unwrap()];
    vec![
        ("frame-hello", Frame::Hello(Hello { version: 1, features: 0, tag })),
        (
            "frame-acl-heads",
            Frame::AclHeads(AclHeads { heads: vec![EntryId::from_bytes([9; 32])], vector: vector() }),
        ),
        ("frame-acl-done", Frame::AclDone),
        ("frame-have", Frame::Have(vector())),
        (
            "frame-closed-logs",
            Frame::ClosedLogs(ClosedLogs {
                signer: SignerId::from_bytes([3; 32]),
                logs: vec![end(4, 2), end(5, 300)],
                more: false,
            }),
        ),
        ("frame-want", Frame::Want(vec![Range { log: LogId::from_bytes([1; 32]), from: 2, to: u64::MAX }])),
        (
            "frame-entries",
            Frame::Entries(vec![EntryBytes(Arc::from([1, 2, 3])), EntryBytes(Arc::from([4; 200]))]),
        ),
        ("frame-ack", Frame::Ack(Ack { taken_bytes: 1_000_000, positions: vec![position(1, 300)] })),
        (
            "frame-peers",
            Frame::Peers(vec![PeerAddress {
                device: DeviceId::from_bytes([7; 32]),
                addresses,
                age_seconds: 90,
            }]),
        ),
        (
            "frame-frontier",
            Frame::Frontier(SignedVector { signer: signer(), positions: vec![at(1, 5)], signature }),
        ),
        ("frame-bye", Frame::Bye(ByeCode::Removed)),
    ]
}

#[test]
fn frames_of_each_kind() {
    for (name, frame) in frames() {
        check(name, &frame.encode());
        assert_eq!(Frame::decode(&frame.encode()).unwrap(), frame, "{name}");
    }
}
