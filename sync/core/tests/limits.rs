//! What others send is read at every limit, and refused one above it.
//!
//! Limits of the replica are tested with a whole device, in `simulations/tests/hostile/limits.rs`.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails with a place")]

use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use weft_crdt::DocumentId;
use weft_sync::acl::SealedLabel;
use weft_sync::certificate::{Chain, ChainError, VerifiedChain};
use weft_sync::data::{DataError, PackError, pack};
use weft_sync::epoch::{COVERS_MAX, Cover, Epoch, EpochError};
use weft_sync::frames::{
    Ack, AclHeads, ClosedDigest, ClosedLogs, EntryBytes, Frame, FrameError, LogEnd, PeerAddress, Position,
    Range, SignedVector, Vector,
};
use weft_sync::identity::{DeviceKeys, UserKeys};
use weft_sync::limits::*;
use weft_sync::seal::{EpochKey, Label};
use weft_sync::ticket::{Ticket, TicketError};
use weft_sync::wire::{self, WireError};
use weft_sync::wraps::AgeIdentity;
use weft_sync::{
    BodyHash, ClearBody, DataPlain, DeviceId, Entry, EntryId, EntryRef, EpochId, Header, Item, Kind, LogId,
    Open, Origin, SessionId, Signer, SignerId, UserId, WallMillis, WorkspaceId,
};

/// The value at its limit is read as it was written, and the one above it is refused.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    what: &str,
    make: impl Fn(usize) -> T,
    limit: usize,
) {
    let (at, above) = (make(limit), make(limit + 1));
    assert_eq!(wire::decode(&wire::encode(&at)), Ok(at), "{what} at the limit");
    assert_eq!(wire::decode::<T>(&wire::encode(&above)), Err(WireError::Malformed), "{what} above the limit");
}

fn check_frame(what: &str, make: impl Fn(usize) -> Frame, limit: usize) {
    let (at, above) = (make(limit), make(limit + 1));
    let bytes = at.encode();
    assert!(bytes.len() <= FRAME_BYTES_MAX, "{what}: a full frame has {} bytes", bytes.len());
    assert!(Frame::decode(&bytes).unwrap() == at, "{what} at the limit");
    assert_eq!(Frame::decode(&above.encode()), Err(FrameError::Malformed), "{what} above the limit");
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

/// The number in the first bytes, so that ids ascend with it.
fn bytes_of(number: usize) -> [u8; 32] {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
    bytes
}

fn log(number: usize) -> LogId {
    LogId::from_bytes(bytes_of(number))
}

fn entry_ids(count: usize) -> Vec<EntryId> {
    (0..count).map(|number| EntryId::from_bytes(bytes_of(number))).collect()
}

fn entry_refs(count: usize) -> Vec<EntryRef> {
    (0..count).map(|at| EntryRef { log: log(at), seq: u64::MAX, id: EntryId::from_bytes([2; 32]) }).collect()
}

fn ends(count: usize) -> Vec<LogEnd> {
    (0..count).map(|at| LogEnd { log: log(at), seq: u64::MAX, mark: [3; 8] }).collect()
}

fn vector(open: usize, closed: usize) -> Vector {
    let digest = |at| ClosedDigest { signer: SignerId::from_bytes(bytes_of(at)), digest: [4; 32] };
    Vector { open: ends(open), closed: (0..closed).map(digest).collect() }
}

fn header(heads: usize) -> Header {
    Header {
        ver: ENTRY_VERSION,
        ws: WorkspaceId::from_bytes([1; 32]),
        log: log(1),
        seq: u64::MAX,
        prev: EntryId::from_bytes([1; 32]),
        kind: Kind::Data,
        acl_heads: entry_ids(heads),
        epoch: Some(EpochId::from_bytes([1; 16])),
        body_len: u32::MAX,
        body_hash: BodyHash::ZERO,
    }
}

fn entry(heads: usize, body: usize) -> Entry {
    let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
    Entry::sign(header(heads), vec![0; body], &key).unwrap()
}

#[test]
fn the_largest_header_has_exactly_as_many_bytes_as_its_limit() {
    assert_eq!(header(ACL_HEADS_MAX).encode().len(), ENTRY_HEADER_BYTES_MAX);
    check("heads of a header", header, ACL_HEADS_MAX);
    let largest = entry(ACL_HEADS_MAX, ENTRY_BODY_BYTES_MAX);
    // The length of the largest body takes fewer bytes than that of the largest number.
    let spared = postcard::to_allocvec(&u32::MAX).unwrap().len()
        - postcard::to_allocvec(&u32::try_from(ENTRY_BODY_BYTES_MAX).unwrap()).unwrap().len();
    assert_eq!(largest.encoded_len(), ENTRY_BYTES_MAX - spared);
    assert_eq!(Entry::decode(&largest.encode()).unwrap(), largest);
}

#[test]
fn another_version_of_entries_is_read_and_not_understood() {
    assert!(header(0).is_understood());
    assert!(!Header { ver: ENTRY_VERSION + 1, ..header(0) }.is_understood());
}

#[test]
fn logs_that_an_open_names() {
    let open = |count| Open {
        signer: Signer::User(UserId::from_bytes([1; 32])),
        session: SessionId::from_bytes([1; 16]),
        prev_logs: entry_refs(count),
        app_version: "v".repeat(APP_VERSION_BYTES_MAX),
    };
    check("earlier logs", open, PREV_LOGS_MAX);
}

#[test]
fn the_origin_of_data() {
    let origins: [fn(String) -> Origin; 2] =
        [|name| Origin::Model { name }, |name| Origin::Branch { name, files: u32::MAX }];
    for origin in origins {
        let origin = |len| origin("n".repeat(len));
        let plain = |len| DataPlain { wall: WallMillis(0), origin: origin(len), items: Vec::new() };
        assert_eq!(
            DataPlain::decode(&plain(ORIGIN_NAME_BYTES_MAX).encode()),
            Ok(plain(ORIGIN_NAME_BYTES_MAX))
        );
        let above = DataPlain::decode(&plain(ORIGIN_NAME_BYTES_MAX + 1).encode());
        assert_eq!(above, Err(DataError::Wire(WireError::Malformed)));
        let change =
            Item { doc: DocumentId::from_bytes([1; 16]), more: false, repeats: None, change: vec![1] };
        let packed =
            |len| pack(WallMillis(0), &origin(len), std::slice::from_ref(&change)).map(|bodies| bodies.len());
        assert_eq!(packed(ORIGIN_NAME_BYTES_MAX), Ok(1));
        assert_eq!(packed(ORIGIN_NAME_BYTES_MAX + 1), Err(PackError::OriginName));
    }
}

#[test]
fn names_and_their_seals() {
    let epoch = EpochId::from_bytes([1; 16]);
    check("a sealed label", |len| SealedLabel { epoch, bytes: vec![7; len] }, SEALED_LABEL_BYTES_MAX);
    check("a name", |len| Label::new("n".repeat(len), ""), LABEL_BYTES_MAX);
    check("a name of a device", |len| Label::new("", "n".repeat(len)), LABEL_BYTES_MAX);
    let longest = Label::new("n".repeat(LABEL_BYTES_MAX), "d".repeat(LABEL_BYTES_MAX));
    let (key, ws) = (EpochKey::from_bytes([1; 32]), WorkspaceId::ZERO);
    let sealed = key.seal_label(&ws, &longest, &mut rng());
    assert!(sealed.bytes.len() <= SEALED_LABEL_BYTES_MAX);
    assert_eq!(key.open_label(&ws, &sealed), Ok(longest));
}

#[test]
fn what_an_epoch_carries() {
    let covers = |count| (0..count).map(|at| Cover::Device(DeviceId::from_bytes(bytes_of(at)))).collect();
    let epoch = |covers, wraps, chain| Epoch {
        epoch: EpochId::from_bytes([1; 16]),
        of: None,
        covers,
        wraps: vec![1; wraps],
        chain: vec![2; chain],
    };
    check("wraps", |len| epoch(Vec::new(), len, 0), EPOCH_WRAPS_BYTES_MAX);
    check("a chain of keys", |len| epoch(Vec::new(), 0, len), EPOCH_CHAIN_BYTES_MAX);
    assert_eq!(COVERS_MAX, USERS_MAX + DEVICES_MAX);
    check("recipients", |count| epoch(covers(count), 0, 0), COVERS_MAX);
    let keys = |count| (0..count).map(|at| EpochKey::from_bytes(bytes_of(at))).collect();
    let us = [(Cover::Device(DeviceId::ZERO), AgeIdentity::from_bytes([1; 32]).recipient())].into();
    let made = |count| Epoch::original(&EpochKey::from_bytes([9; 32]), &us, keys(count), &mut rng());
    let full = made(EPOCH_CHAIN_MAX).unwrap();
    assert!(full.chain.len() <= EPOCH_CHAIN_BYTES_MAX);
    assert_eq!(wire::decode::<Epoch>(&full.encode_body()), Ok(full));
    assert_eq!(made(EPOCH_CHAIN_MAX + 1), Err(EpochError::Chain { keys: EPOCH_CHAIN_MAX + 1 }));
}

#[test]
fn an_epoch_is_not_made_for_more_than_may_be() {
    let recipient = AgeIdentity::from_bytes([1; 32]).recipient();
    let made = |count| {
        let recipients =
            (0..count).map(|at| (Cover::Device(DeviceId::from_bytes(bytes_of(at))), recipient)).collect();
        Epoch::rewrap(&EpochKey::from_bytes([9; 32]), EntryId::ZERO, &recipients, &mut rng())
    };
    let full = made(COVERS_MAX).unwrap();
    assert!(full.encode_body().len() <= ENTRY_BODY_BYTES_MAX);
    let recipients = COVERS_MAX + 1;
    assert_eq!(made(recipients), Err(EpochError::Recipients { recipients }));
}

#[test]
fn links_of_a_certificate() {
    let mut rng = rng();
    let user = UserKeys::generate(&mut rng);
    let mut device = DeviceKeys::generate(user.user_id(), &mut rng);
    let mut chain = user.certify(&device.claim()).unwrap();
    for _ in 1..CHAIN_LINKS_MAX {
        let next = DeviceKeys::generate(user.user_id(), &mut rng);
        chain = chain.extend(device.signing_key(), &next.claim()).unwrap();
        device = next;
    }
    assert_eq!(VerifiedChain::decode(&chain.encode()), Ok(chain.clone()));
    let next = DeviceKeys::generate(user.user_id(), &mut rng);
    let links = CHAIN_LINKS_MAX + 1;
    assert_eq!(chain.extend(device.signing_key(), &next.claim()), Err(ChainError::Length { links }));
    let mut longer = chain.links().to_vec();
    longer.push(longer[0].clone());
    let longer = Chain::from_links(longer);
    assert_eq!(VerifiedChain::decode(&wire::encode(&longer)), Err(ChainError::Wire(WireError::Malformed)));
    assert_eq!(longer.verify(), Err(ChainError::Length { links }));
}

#[test]
fn letters_of_a_ticket() {
    let letters = (TICKET_BYTES_MAX * 8).div_ceil(5);
    // All letters are read, and then found to say nothing.
    assert_eq!(Ticket::parse(&"a".repeat(letters)), Err(TicketError::Mistyped));
    let above = Ticket::parse(&"a".repeat(letters + 1));
    assert_eq!(above, Err(TicketError::TooLong { letters: letters + 1, expected: letters }));
}

#[test]
fn lists_in_frames() {
    let heads = |count| Frame::AclHeads(AclHeads { heads: entry_ids(count), vector: Vector::default() });
    check_frame("heads", heads, ACL_HEADS_MAX);
    check_frame("open logs", |count| Frame::Have(vector(count, 0)), OPEN_LOGS_MAX);
    check_frame("digests of closed logs", |count| Frame::Have(vector(0, count)), SIGNERS_MAX);
    let full = Frame::AclHeads(AclHeads {
        heads: entry_ids(ACL_HEADS_MAX),
        vector: vector(OPEN_LOGS_MAX, SIGNERS_MAX),
    });
    assert!(Frame::decode(&full.encode()).unwrap() == full, "everything that can be said fits one frame");

    let signer = SignerId::from_bytes([1; 32]);
    let closed = |count| Frame::ClosedLogs(ClosedLogs { signer, logs: ends(count), more: false });
    check_frame("closed logs", closed, POSITIONS_PER_FRAME_MAX);
    let range = |at| Range { log: log(at), from: u64::MAX, to: u64::MAX };
    check_frame("ranges", |count| Frame::Want((0..count).map(range).collect()), POSITIONS_PER_FRAME_MAX);
    let position = |at| Position { log: log(at), seq: u64::MAX };
    let ack = |count| Frame::Ack(Ack { taken_bytes: 0, positions: (0..count).map(position).collect() });
    check_frame("positions of an Ack", ack, POSITIONS_PER_FRAME_MAX);
    let signed = |count| {
        let signer = Signer::User(UserId::from_bytes([1; 32]));
        Frame::Frontier(SignedVector { signer, positions: entry_refs(count), signature: [5; 64] })
    };
    check_frame("positions of a signed vector", signed, FRONTIER_POSITIONS_MAX);
}

#[test]
fn addresses_in_frames() {
    let address: SocketAddr = "[2001:db8::1]:65535".parse().unwrap();
    let peer = |addresses| PeerAddress {
        device: DeviceId::from_bytes([1; 32]),
        addresses: vec![address; addresses],
        age_seconds: u32::MAX,
    };
    check_frame(
        "peers",
        |count| Frame::Peers(vec![peer(ADDRESSES_PER_PEER_MAX); count]),
        PEERS_PER_FRAME_MAX,
    );
    check_frame("addresses of a peer", |count| Frame::Peers(vec![peer(count)]), ADDRESSES_PER_PEER_MAX);
}

#[test]
fn entries_in_frames() {
    let empty: Arc<[u8]> = Arc::from([]);
    let entries = |count| Frame::Entries(vec![EntryBytes(Arc::clone(&empty)); count]);
    check_frame("entries", entries, ENTRIES_PER_FRAME_MAX);
    let one = |len| Frame::Entries(vec![EntryBytes(vec![1; len].into())]);
    check_frame("bytes of an entry", one, ENTRY_BYTES_MAX);
    // Entries up to their limit, and the rest as one that brings the frame to `len` bytes.
    let frame = |len: usize| {
        let mut parts = vec![EntryBytes(vec![1; ENTRY_BYTES_MAX].into()); FRAME_BYTES_MAX / ENTRY_BYTES_MAX];
        parts.push(EntryBytes(vec![1; 200_000].into()));
        let other = Frame::Entries(parts.clone()).encode().len();
        let last = parts.len() - 1;
        parts[last] = EntryBytes(vec![1; 200_000 + len - other].into());
        Frame::Entries(parts).encode()
    };
    let (at, above) = (frame(FRAME_BYTES_MAX), frame(FRAME_BYTES_MAX + 1));
    assert_eq!((at.len(), above.len()), (FRAME_BYTES_MAX, FRAME_BYTES_MAX + 1));
    assert!(Frame::decode(&at).is_ok());
    assert_eq!(Frame::decode(&above), Err(FrameError::TooLarge { len: FRAME_BYTES_MAX + 1 }));
}
