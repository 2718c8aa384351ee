use super::*;
use crate::entry::Kind;
use crate::ids::{BodyHash, EntryId};
use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;

fn header(seq: u64) -> Header {
    Header {
        ver: 1,
        ws: WorkspaceId::from_bytes([1; 32]),
        log: LogId::from_bytes([2; 32]),
        seq,
        prev: EntryId::from_bytes([3; 32]),
        kind: Kind::Data,
        acl_heads: vec![EntryId::from_bytes([4; 32])],
        epoch: Some(EpochKey::from_bytes([5; 32]).id()),
        body_len: 0,
        body_hash: BodyHash::ZERO,
    }
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

#[test]
fn lengths_are_padded_in_steps_and_then_by_at_most_an_eighth() {
    for (len, padded) in [
        (1, 128),
        (128, 128),
        (129, 256),
        (1024, 1024),
        (1025, 1088),
        (2048, 2048),
        (2049, 2176),
        (258_048, 258_048),
    ] {
        assert_eq!(padded_len(len), padded, "{len}");
    }
    for len in (1025..300_000).step_by(37) {
        let padded = padded_len(len);
        assert!(padded >= len && padded <= len + len / 8, "{len} became {padded}");
        assert_eq!(padded_len(padded), padded, "{len}");
    }
}

#[test]
fn the_longest_plain_body_fits_an_entry_and_one_more_does_not() {
    let key = EpochKey::from_bytes([5; 32]).entry_key(&LogId::ZERO);
    let body = key.seal(&header(2), &vec![0; PLAIN_BYTES_MAX], &mut rng()).unwrap();
    assert!(body.len() <= ENTRY_BODY_BYTES_MAX);
    assert!(key.seal(&header(2), &vec![0; PLAIN_BYTES_MAX + 1], &mut rng()).is_err());
    assert!(padded_len(PLAIN_BYTES_MAX + 2) + SEAL_OVERHEAD > ENTRY_BODY_BYTES_MAX);
}

#[test]
fn a_body_opens_only_at_its_place_unaltered_with_its_key() {
    let epoch = EpochKey::from_bytes([5; 32]);
    let key = epoch.entry_key(&LogId::from_bytes([2; 32]));
    let body = key.seal(&header(2), b"hello", &mut rng()).unwrap();
    assert_eq!(key.open(&header(2), &body).unwrap().as_slice(), b"hello");
    assert_eq!(key.open(&header(3), &body), Err(OpenError::Sealed));
    assert_eq!(epoch.entry_key(&LogId::ZERO).open(&header(2), &body), Err(OpenError::Sealed));
    assert_eq!(key.open(&header(2), &body[..NONCE_LEN - 1]), Err(OpenError::Sealed));
    for at in 0..body.len() {
        let mut altered = body.clone();
        altered[at] ^= 0x10;
        assert_eq!(key.open(&header(2), &altered), Err(OpenError::Sealed), "byte {at}");
    }
}

#[test]
fn length_and_hash_of_the_sealed_body_do_not_change_what_it_is_bound_to() {
    let key = EpochKey::from_bytes([5; 32]).entry_key(&LogId::ZERO);
    let body = key.seal(&header(2), b"hello", &mut rng()).unwrap();
    let filled = Header { body_len: 77, body_hash: BodyHash::from_bytes([9; 32]), ..header(2) };
    assert!(key.open(&filled, &body).is_ok());
}

#[test]
fn other_paddings_of_the_same_body_are_refused() {
    let key = EpochKey::from_bytes([5; 32]).entry_key(&LogId::ZERO);
    let check =
        |padded: &[u8]| key.open(&header(2), &seal(&key.0, padded, &header(2).associated_data(), &mut rng()));
    let mut longer = pad(b"hello").to_vec();
    assert!(check(&longer).is_ok());
    longer.extend([0; 128]);
    assert_eq!(check(&longer), Err(OpenError::Padding));
    assert_eq!(check(&[0; 128]), Err(OpenError::Padding));
    assert_eq!(check(&[]), Err(OpenError::Padding));
    assert_eq!(check(&[7; 128]), Err(OpenError::Padding));
}

#[test]
fn equal_chunks_seal_equally_and_open_only_with_the_secret() {
    let secret = EpochKey::from_bytes([5; 32]).content_secret();
    let chunk = secret.seal_chunk(b"some bytes");
    assert_eq!(chunk, secret.seal_chunk(b"some bytes"));
    assert_eq!(chunk.id.as_bytes(), blake3::hash(&chunk.bytes).as_bytes());
    assert_eq!(secret.open_chunk(&chunk.plain_hash, &chunk.bytes).unwrap(), b"some bytes");
    assert_eq!(secret.open_chunk(&[0; 32], &chunk.bytes), Err(OpenError::Sealed));
    let other = EpochKey::from_bytes([6; 32]).content_secret();
    assert_eq!(other.open_chunk(&chunk.plain_hash, &chunk.bytes), Err(OpenError::Sealed));
    assert_ne!(other.content_id(b"some bytes"), secret.content_id(b"some bytes"));
}

#[test]
fn a_chunk_sealed_under_the_key_of_other_bytes_is_refused() {
    let secret = EpochKey::from_bytes([5; 32]).content_secret();
    let named = *blake3::hash(b"named").as_bytes();
    let sealed = XChaCha20Poly1305::new(&(*secret.chunk_key(&named)).into())
        .encrypt(&XNonce::default(), b"other".as_slice())
        .unwrap();
    assert_eq!(secret.open_chunk(&named, &sealed), Err(OpenError::Other));
}

#[test]
fn labels_are_bound_to_their_workspace_and_hide_their_length() {
    let key = EpochKey::from_bytes([5; 32]);
    let ws = WorkspaceId::from_bytes([1; 32]);
    let short = key.seal_label(&ws, &Label::new("Ana", "laptop"), &mut rng());
    let long = key.seal_label(&ws, &Label::new("Ana Maria Lopez", "old laptop"), &mut rng());
    assert_eq!(short.bytes.len(), long.bytes.len());
    assert_eq!(key.open_label(&ws, &short).unwrap(), Label::new("Ana", "laptop"));
    assert_eq!(key.open_label(&WorkspaceId::ZERO, &short), Err(OpenError::Sealed));
    let endless = key.seal_label(&ws, &Label::new("é".repeat(LABEL_BYTES_MAX), ""), &mut rng());
    assert_eq!(key.open_label(&ws, &endless).unwrap().name, "é".repeat(LABEL_BYTES_MAX / 2));
}

#[test]
fn secrets_do_not_print() {
    let key = EpochKey::from_bytes([5; 32]);
    for text in [
        format!("{key:?}"),
        format!("{:?}", key.content_secret()),
        format!("{:?}", key.entry_key(&LogId::ZERO)),
    ] {
        assert!(text.contains("****") && !text.contains("5, 5"), "{text}");
    }
}
