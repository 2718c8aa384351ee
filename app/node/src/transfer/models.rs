//! Models that members share: which there are, and the bytes of one.
//!
//! ```text
//! request   version u8 = 1 | workspace [32] | 0                                         which are shared there
//!           version u8 = 1 | workspace [32] | 1 | SHA-256 [32] | offset u64 little-endian   the bytes of one from there on
//! reply     to 0: one frame, a list of offers in postcard
//!           to 1: length of the whole u64 little-endian, then its bytes from the offset on in any number of frames
//! ```
//! A model is named by its SHA-256, so nothing has to be believed of what comes: what does not match is thrown away.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use weft_net::RequestKind;
use weft_sync::ids::WorkspaceId;

use super::wire::TransferFrameError;

const VERSION: u8 = 1;
const LIST: u8 = 0;
const GET: u8 = 1;
/// Models that one device shares in one workspace.
pub(crate) const OFFERS_MAX: usize = 64;
/// Bytes of a name or a licence.
const TEXT_BYTES_MAX: usize = 64;

/// The request stream that carries models.
#[must_use]
pub(crate) fn model_requests() -> RequestKind {
    RequestKind::new(3).expect("three is not zero")
}

/// What is asked about models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelRequest {
    /// The workspace in which they are shared.
    pub(crate) ws: WorkspaceId,
    /// Which one and from where on; a list of all without.
    pub(crate) get: Option<([u8; 32], u64)>,
}

/// A model that a device shares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModelOffer {
    /// SHA-256 of its file.
    pub(crate) sha256: [u8; 32],
    /// Length of its file.
    pub(crate) bytes: u64,
    /// What the other device calls it.
    pub(crate) id: String,
    /// Whether it is for finding by meaning; otherwise it completes and answers.
    pub(crate) is_embedding: bool,
    /// Its licence, as its file says.
    pub(crate) license: Option<String>,
}

/// Encodes a request.
pub(crate) fn encode_request(request: &ModelRequest) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(VERSION);
    out.put_slice(request.ws.as_bytes());
    match &request.get {
        None => out.put_u8(LIST),
        Some((sha256, offset)) => {
            out.put_u8(GET);
            out.put_slice(sha256);
            out.put_u64_le(*offset);
        }
    }
    out.freeze()
}

/// Reads a request.
///
/// # Errors
/// When it is of another version, or not whole.
pub(crate) fn decode_request(mut frame: Bytes) -> Result<ModelRequest, TransferFrameError> {
    let cut = |_| TransferFrameError::Truncated;
    let version = frame.try_get_u8().map_err(cut)?;
    if version != VERSION {
        return Err(TransferFrameError::Version(version));
    }
    let mut ws = [0; 32];
    frame.try_copy_to_slice(&mut ws).map_err(cut)?;
    let get = match frame.try_get_u8().map_err(cut)? {
        LIST => None,
        GET => {
            let mut sha256 = [0; 32];
            frame.try_copy_to_slice(&mut sha256).map_err(cut)?;
            Some((sha256, frame.try_get_u64_le().map_err(cut)?))
        }
        _ => return Err(TransferFrameError::Truncated),
    };
    if frame.has_remaining() {
        return Err(TransferFrameError::TooMuch);
    }
    Ok(ModelRequest { ws: WorkspaceId::from_bytes(ws), get })
}

/// Encodes what is shared, at most [`OFFERS_MAX`]; texts that are too long are cut.
pub(crate) fn encode_offers(mut offers: Vec<ModelOffer>) -> Bytes {
    offers.truncate(OFFERS_MAX);
    for offer in &mut offers {
        cut(&mut offer.id);
        offer.license.iter_mut().for_each(cut);
    }
    postcard::to_allocvec(&offers).expect("a list has a length").into()
}

fn cut(text: &mut String) {
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
}

/// Reads what somebody shares.
///
/// # Errors
/// When it is no list of offers, or there are too many.
pub(crate) fn decode_offers(frame: &[u8]) -> Result<Vec<ModelOffer>, TransferFrameError> {
    let (offers, rest) =
        postcard::take_from_bytes::<Vec<ModelOffer>>(frame).map_err(|_| TransferFrameError::Truncated)?;
    let is_short = |text: &str| text.len() <= TEXT_BYTES_MAX;
    let is_right = |offer: &ModelOffer| is_short(&offer.id) && offer.license.as_deref().is_none_or(is_short);
    if offers.len() > OFFERS_MAX || !rest.is_empty() || !offers.iter().all(is_right) {
        return Err(TransferFrameError::TooMuch);
    }
    Ok(offers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(id: &str) -> ModelOffer {
        let license = Some("apache-2.0".to_owned());
        ModelOffer { sha256: [7; 32], bytes: 1 << 33, id: id.to_owned(), is_embedding: false, license }
    }

    #[test]
    fn requests_are_read_as_they_were_written() {
        let ws = WorkspaceId::from_bytes([3; 32]);
        for get in [None, Some(([9; 32], 0)), Some(([9; 32], u64::MAX))] {
            let request = ModelRequest { ws, get };
            let frame = encode_request(&request);
            assert_eq!(decode_request(frame.clone()), Ok(request));
            for length in 0..frame.len() {
                assert!(decode_request(frame.slice(..length)).is_err(), "{length} bytes");
            }
            assert!(decode_request([&frame[..], &[0]].concat().into()).is_err());
        }
        assert_eq!(decode_request(Bytes::from_static(&[2])), Err(TransferFrameError::Version(2)));
    }

    #[test]
    fn so_many_offers_and_no_more() {
        let many = vec![offer("a"); OFFERS_MAX];
        assert_eq!(decode_offers(&encode_offers(many.clone())), Ok(many));
        let cut =
            decode_offers(&encode_offers(vec![offer(&"ü".repeat(40)); OFFERS_MAX + 1])).expect("a list");
        assert_eq!((cut.len(), cut[0].id.as_str()), (OFFERS_MAX, "ü".repeat(32).as_str()));
        let raw = |offers: &[ModelOffer]| postcard::to_allocvec(offers).expect("bytes");
        assert_eq!(decode_offers(&raw(&vec![offer("a"); OFFERS_MAX + 1])), Err(TransferFrameError::TooMuch));
        assert_eq!(decode_offers(&raw(&[offer(&"a".repeat(65))])), Err(TransferFrameError::TooMuch));
        // A length that nothing stands behind.
        assert!(decode_offers(&[0xff, 0xff, 0xff, 0xff, 0x0f]).is_err());
    }
}
