//! What peers send cannot make us panic, and limits hold before anything is allocated.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails with a place")]

use proptest::prelude::*;
use weft_crdt::DocumentId;
use weft_sync::data::{DataError, PackError, pack};
use weft_sync::entry::Frontier;
use weft_sync::frames::{Frame, FrameError, PROTOCOL_VERSION, is_hello_for};
use weft_sync::limits::*;
use weft_sync::{
    BodyHash, ClearBody, DataPlain, EndpointId, Entry, EntryError, EntryId, EntryRef, Header, Item, Kind,
    LogId, Open, Origin, SessionId, Signer, UserId, WallMillis, WorkspaceId,
};

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = Entry::decode(&bytes);
        let _ = DataPlain::decode(&bytes);
        let _ = Frame::decode(&bytes);
    }

    #[test]
    fn any_frame_of_ours_is_read_or_refused(kind in 0u8..12, bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        let frame = [&[PROTOCOL_VERSION, kind][..], &bytes].concat();
        let _ = Frame::decode(&frame);
    }

    #[test]
    fn headers_have_one_encoding(
        seq in 2u64..,
        byte in any::<u8>(),
        heads in proptest::collection::btree_set(any::<[u8; 32]>(), 0..=8),
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let entry = Entry::sign(header(seq, byte, heads.into_iter().map(EntryId::from_bytes).collect()), body, &key()).unwrap();
        let bytes = entry.encode();
        prop_assert_eq!(bytes.len(), entry.encoded_len());
        prop_assert!(bytes.len() <= ENTRY_BYTES_MAX);
        prop_assert_eq!(Entry::decode(&bytes).unwrap(), entry);
    }

    #[test]
    fn data_comes_back(
        changes in proptest::collection::vec((any::<bool>(), proptest::collection::vec(0u8..4, 0..2_000)), 0..20),
        wall in any::<i64>(),
    ) {
        let items: Vec<Item> = changes.into_iter().map(|(more, change)| item(more, change)).collect();
        let data = DataPlain { wall: WallMillis(wall), origin: Origin::Human, items };
        prop_assert_eq!(DataPlain::decode(&data.encode()).unwrap(), data);
    }

    #[test]
    fn packed_data_is_what_was_given_and_fits(
        lens in proptest::collection::vec(prop_oneof![0usize..300, 0usize..CHANGE_BYTES_MAX], 0..120),
    ) {
        let items: Vec<Item> = lens.iter().enumerate().map(|(at, len)| {
            let mut noise = blake3::Hasher::new();
            noise.update(&at.to_le_bytes());
            let mut change = vec![0; *len];
            noise.finalize_xof().fill(&mut change);
            item(false, change)
        }).collect();
        let bodies = pack(WallMillis(1), &Origin::Import, &items).unwrap();
        let mut back = Vec::new();
        for body in &bodies {
            prop_assert!(body.plain.len() <= DATA_PLAIN_BYTES_MAX);
            let data = DataPlain::decode(&body.plain).unwrap();
            prop_assert_eq!(data.items.len(), body.items);
            back.extend(data.items);
        }
        prop_assert_eq!(back, items);
        let noise: usize = lens.iter().sum();
        let least = noise.div_ceil(DATA_PLAIN_BYTES_MAX).max(lens.len().div_ceil(DATA_ITEMS_MAX));
        prop_assert!(bodies.len() <= 2 * least + 1, "{} bodies where {least} may do", bodies.len());
    }
}

fn key() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[1; 32])
}

fn item(more: bool, change: Vec<u8>) -> Item {
    Item { doc: DocumentId::from_bytes([1; 16]), more, repeats: None, change }
}

fn header(seq: u64, byte: u8, acl_heads: Vec<EntryId>) -> Header {
    Header {
        ver: 1,
        ws: WorkspaceId::from_bytes([byte; 32]),
        log: LogId::from_bytes([byte; 32]),
        seq,
        prev: EntryId::from_bytes([1; 32]),
        kind: Kind::Data,
        acl_heads,
        epoch: None,
        body_len: 0,
        body_hash: BodyHash::ZERO,
    }
}

fn heads(count: u8) -> Vec<EntryId> {
    (0..count).map(|byte| EntryId::from_bytes([byte; 32])).collect()
}

#[test]
fn bodies_and_heads_hold_their_limits() {
    let sign = |heads, len| Entry::sign(header(2, 1, heads), vec![0; len], &key());
    let largest = sign(heads(8), ENTRY_BODY_BYTES_MAX).unwrap();
    assert_eq!(Entry::decode(&largest.encode()).unwrap(), largest);
    assert_eq!(
        sign(heads(0), ENTRY_BODY_BYTES_MAX + 1),
        Err(EntryError::BodyTooLarge { len: ENTRY_BODY_BYTES_MAX + 1 })
    );
    let over = sign(heads(9), 0).unwrap().encode();
    assert!(matches!(Entry::decode(&over), Err(EntryError::Header(_))));
}

#[test]
fn headers_that_contradict_themselves_are_refused() {
    let refused = |change: fn(&mut Header)| {
        let mut header = header(2, 1, heads(2));
        change(&mut header);
        assert_eq!(Entry::sign(header, Vec::new(), &key()), Err(EntryError::Shape));
    };
    refused(|header| header.acl_heads.reverse());
    refused(|header| header.acl_heads[1] = header.acl_heads[0]);
    refused(|header| header.prev = EntryId::ZERO);
    refused(|header| header.seq = 1);
    refused(|header| header.seq = 0);
    refused(|header| header.kind = Kind::Open);
    refused(|header| header.kind = Kind::Genesis);
}

#[test]
fn weak_keys_sign_nothing() {
    let entry = Entry::sign(header(2, 1, heads(0)), Vec::new(), &key()).unwrap();
    let mut weak = [0; 32];
    weak[0] = 1;
    assert_eq!(entry.verify(&weft_sync::PublicKey::from_bytes(weak)), Err(EntryError::Signature));
}

#[test]
fn lists_inside_of_bodies_hold_their_limits() {
    let position = |seq| EntryRef { log: LogId::from_bytes([1; 32]), seq, id: EntryId::from_bytes([2; 32]) };
    let frontier = |count: usize| Frontier { positions: (0..count as u64).map(position).collect() };
    let decode = |frontier: &Frontier| weft_sync::wire::decode::<Frontier>(&frontier.encode_body());
    assert!(decode(&frontier(FRONTIER_POSITIONS_MAX)).is_ok());
    assert!(decode(&frontier(FRONTIER_POSITIONS_MAX + 1)).is_err());
    let open = |logs: u8, version: usize| Open {
        signer: Signer::User(UserId::from_bytes([1; 32])),
        session: SessionId::from_bytes([1; 16]),
        prev_logs: (0..logs)
            .map(|log| EntryRef { log: LogId::from_bytes([log; 32]), ..position(1) })
            .collect(),
        app_version: "v".repeat(version),
    };
    let decode = |open: &Open| weft_sync::wire::decode::<Open>(&open.encode_body());
    assert!(decode(&open(8, APP_VERSION_BYTES_MAX)).is_ok());
    assert!(decode(&open(9, 0)).is_err());
    assert!(decode(&open(0, APP_VERSION_BYTES_MAX + 1)).is_err());
}

#[test]
fn data_holds_its_limits() {
    let data = |count| DataPlain {
        wall: WallMillis(0),
        origin: Origin::Human,
        items: vec![item(false, vec![1]); count],
    };
    assert!(DataPlain::decode(&data(DATA_ITEMS_MAX).encode()).is_ok());
    assert!(matches!(DataPlain::decode(&data(DATA_ITEMS_MAX + 1).encode()), Err(DataError::Wire(_))));
    let pack = |len| pack(WallMillis(0), &Origin::Human, &[item(false, vec![0; len])]);
    assert_eq!(pack(CHANGE_BYTES_MAX).unwrap().len(), 1);
    let over = PackError::ChangeTooLarge { index: 0, len: CHANGE_BYTES_MAX + 1 };
    assert_eq!(pack(CHANGE_BYTES_MAX + 1), Err(over));
}

/// The encoding of a body with one packed item that declares `declared` bytes.
fn packed(items: usize, declared: u32, bytes: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 0, u8::try_from(items).unwrap()];
    for _ in 0..items {
        body.extend([1; 16]);
        body.extend([0, 0, 1]);
        body.extend(postcard::to_allocvec(&declared).unwrap());
        body.extend(postcard::to_allocvec(&bytes.len()).unwrap());
        body.extend(bytes);
    }
    body
}

#[test]
fn bombs_unpack_to_no_more_than_they_declare() {
    let million = u32::try_from(ITEM_RAW_BYTES_MAX).unwrap();
    let zeros = |len: usize| zstd::bulk::compress(&vec![0; len], 19).unwrap();
    let honest = zeros(ITEM_RAW_BYTES_MAX);
    assert!(honest.len() < 200);
    assert_eq!(
        DataPlain::decode(&packed(1, million, &honest)).unwrap().items[0].change.len(),
        ITEM_RAW_BYTES_MAX
    );
    let over = DataPlain::decode(&packed(1, million + 1, &honest));
    assert_eq!(over, Err(DataError::TooLarge { index: 0, declared: ITEM_RAW_BYTES_MAX + 1 }));
    for declared in [0, 1, million - 1] {
        let lies = DataPlain::decode(&packed(1, declared, &honest));
        assert_eq!(lies, Err(DataError::Unpack { index: 0 }), "declares {declared}");
    }
    let bomb = zeros(64 * 1024 * 1024);
    assert_eq!(DataPlain::decode(&packed(1, million, &bomb)), Err(DataError::Unpack { index: 0 }));
    let many = ENTRY_RAW_BYTES_MAX / ITEM_RAW_BYTES_MAX;
    assert!(DataPlain::decode(&packed(many, million, &honest)).is_ok());
    assert!(matches!(
        DataPlain::decode(&packed(many + 1, million, &honest)),
        Err(DataError::TooLarge { .. })
    ));
}

#[test]
fn frames_hold_their_limits() {
    assert_eq!(Frame::decode(&[]), Err(FrameError::Empty));
    assert_eq!(Frame::decode(&[2, 0]), Err(FrameError::Version { found: 2 }));
    let len = FRAME_BYTES_MAX + 1;
    assert_eq!(Frame::decode(&vec![1; len]), Err(FrameError::TooLarge { len }));
    // A Want that declares more ranges than bytes, and more than may be.
    let declares = |count: u64| {
        let mut frame = vec![PROTOCOL_VERSION, 5];
        frame.extend(postcard::to_allocvec(&count).unwrap());
        frame
    };
    assert_eq!(Frame::decode(&declares(8_000)), Err(FrameError::Malformed));
    assert_eq!(Frame::decode(&declares(u64::MAX)), Err(FrameError::Malformed));
    let mut longer = Frame::AclDone.encode();
    longer.push(0);
    assert_eq!(Frame::decode(&longer), Err(FrameError::Malformed));
}

#[test]
fn a_hello_proves_one_workspace_between_two_endpoints_in_one_direction() {
    use weft_sync::frames::{Hello, hello_tag};
    let [ws, other] = [1, 2].map(|byte| WorkspaceId::from_bytes([byte; 32]));
    let [a, b] = [3, 4].map(|byte| EndpointId::from_bytes([byte; 32]));
    let hello = Frame::Hello(Hello { version: 1, features: 0, tag: hello_tag(&ws, &a, &b) }).encode();
    assert!(is_hello_for(&hello, &ws, &a, &b));
    assert!(!is_hello_for(&hello, &other, &a, &b));
    assert!(!is_hello_for(&hello, &ws, &b, &a));
    assert!(!is_hello_for(&hello, &ws, &a, &a));
    assert!(!is_hello_for(&Frame::AclDone.encode(), &ws, &a, &b));
}
