//! Reading the header of an entry: the same bytes that [`wire`](crate::wire) reads, field by field.
//!
//! Every entry that comes passes here, and most of a header are ids: taking them whole costs a fraction of taking
//! them byte by byte. Each field has one encoding, so what is read here encodes to the same bytes again.

use super::{Header, Kind};
use crate::ids::{BodyHash, EntryId, EpochId, LogId, WorkspaceId};
use crate::limits::ACL_HEADS_MAX;
use crate::wire::WireError;

/// Reads a header at the start of `bytes`, canonical or refused, and returns what follows.
pub(super) fn decode(bytes: &[u8]) -> Result<(Header, &[u8]), WireError> {
    let mut rest = Rest(bytes);
    let ver = rest.byte()?;
    let ws = WorkspaceId::from_bytes(rest.array()?);
    let log = LogId::from_bytes(rest.array()?);
    let seq = rest.varint(u64::MAX)?;
    let prev = EntryId::from_bytes(rest.array()?);
    let kind = Kind::from_byte(rest.byte()?);
    let count = rest.varint(ACL_HEADS_MAX as u64)?;
    let heads = (0..count).map(|_| Ok(EntryId::from_bytes(rest.array()?)));
    let acl_heads = heads.collect::<Result<Vec<EntryId>, WireError>>()?;
    let epoch = match rest.byte()? {
        0 => None,
        1 => Some(EpochId::from_bytes(rest.array()?)),
        _ => return Err(WireError::Malformed),
    };
    let body_len = u32::try_from(rest.varint(u64::from(u32::MAX))?).map_err(|_| WireError::Malformed)?;
    let body_hash = BodyHash::from_bytes(rest.array()?);
    Ok((Header { ver, ws, log, seq, prev, kind, acl_heads, epoch, body_len, body_hash }, rest.0))
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn array<const LEN: usize>(&mut self) -> Result<[u8; LEN], WireError> {
        let (array, rest) = self.0.split_first_chunk().ok_or(WireError::Malformed)?;
        self.0 = rest;
        Ok(*array)
    }

    fn byte(&mut self) -> Result<u8, WireError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A number of at most `max`, seven bits a byte, the lowest first.
    fn varint(&mut self, max: u64) -> Result<u64, WireError> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits.leading_zeros() < shift {
                return Err(WireError::Malformed);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                // The last byte of a longer one holds something: else there is a shorter encoding.
                if byte == 0 && shift > 0 {
                    return Err(WireError::NotCanonical);
                }
                return if number <= max { Ok(number) } else { Err(WireError::Malformed) };
            }
        }
        Err(WireError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;
    use rand::{Rng as _, RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha20Rng;

    fn header(rng: &mut ChaCha20Rng) -> Header {
        fn id<const LEN: usize>(rng: &mut ChaCha20Rng) -> [u8; LEN] {
            let mut id = [0; LEN];
            rng.fill_bytes(&mut id);
            id
        }
        let bits = rng.random_range(0..64);
        let heads = rng.random_range(0..=ACL_HEADS_MAX);
        Header {
            ver: rng.random_range(0..4),
            ws: WorkspaceId::from_bytes(id(rng)),
            log: LogId::from_bytes(id(rng)),
            seq: rng.next_u64() >> bits,
            prev: EntryId::from_bytes(id(rng)),
            kind: Kind::from_byte(rng.random_range(0..12)),
            acl_heads: (0..heads).map(|_| EntryId::from_bytes(id(rng))).collect(),
            epoch: rng.random_bool(0.5).then(|| EpochId::from_bytes(id(rng))),
            body_len: rng.next_u32() >> bits.min(31),
            body_hash: BodyHash::from_bytes(id(rng)),
        }
    }

    /// Both readers take the same bytes for the same header, or refuse both.
    fn compare(bytes: &[u8]) -> bool {
        let (ours, plain) = (decode(bytes), wire::decode_prefix::<Header>(bytes));
        assert_eq!(ours.as_ref().ok(), plain.as_ref().ok(), "{bytes:?}");
        ours.is_ok()
    }

    #[test]
    fn headers_are_read_as_they_are_written() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for _ in 0..200 {
            let header = header(&mut rng);
            let mut bytes = header.encode();
            assert_eq!(decode(&bytes), Ok((header, &[][..])));
            bytes.extend([1, 2, 3]);
            assert!(compare(&bytes));
            for end in 0..bytes.len() - 3 {
                assert!(!compare(&bytes[..end]));
            }
        }
    }

    #[test]
    fn altered_headers_are_read_as_the_plain_reader_reads_them() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let (mut read, mut refused) = (0, 0);
        for _ in 0..60 {
            let bytes = header(&mut rng).encode();
            for at in 0..bytes.len() {
                let mut altered = bytes.clone();
                altered[at] = rng.random_range(0..=255);
                // A byte more or less moves everything behind it.
                match rng.random_range(0..4) {
                    0 => altered.insert(at, 0x80),
                    1 => {
                        altered.remove(at);
                    }
                    _ => {}
                }
                if compare(&altered) {
                    read += 1;
                } else {
                    refused += 1;
                }
            }
        }
        assert!(read > 1_000 && refused > 1_000, "{read} {refused}");
    }

    #[test]
    fn numbers_have_one_encoding() {
        let number = |bytes: &[u8], max: u64| Rest(bytes).varint(max);
        assert_eq!(number(&[0], 0), Ok(0));
        assert_eq!(number(&[0x7f], 0x7f), Ok(0x7f));
        assert_eq!(number(&[0x80, 1], 0x80), Ok(0x80));
        assert_eq!(number(&[0x80, 1], 0x7f), Err(WireError::Malformed));
        assert_eq!(number(&[0x80, 0], u64::MAX), Err(WireError::NotCanonical));
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(number(&most, u64::MAX), Ok(u64::MAX));
        let over = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2];
        assert_eq!(number(&over, u64::MAX), Err(WireError::Malformed));
        assert_eq!(number(&[0x80; 11], u64::MAX), Err(WireError::Malformed));
    }
}
