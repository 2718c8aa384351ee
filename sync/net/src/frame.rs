//! Frames on a byte stream: a length of four bytes, big endian, then the body.
//!
//! A length of `0xffff_ffff` is not a frame but the end of a channel; four bytes with the closing code follow it.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use iroh::endpoint::{ConnectionError, ReadError, SendStream, WriteError};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{CloseCode, StreamError, limits};

const LENGTH_BYTES: usize = 4;
const CLOSE_MARK: u32 = u32::MAX;
/// How much is read ahead while frames are small.
const READ_AHEAD_BYTES: usize = 16 * 1024;

/// One record of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Frame(Bytes),
    Close(CloseCode),
}

/// Cuts a byte stream into records. Cancel safe: what was read stays here.
#[derive(Debug)]
pub(crate) struct FrameReader<R> {
    stream: R,
    length_max: usize,
    /// Bytes that were read ahead and belong to no frame in progress.
    ahead: BytesMut,
    /// A frame of which a part is still missing.
    partial: Option<Partial>,
    /// Large frames are read straight into their own buffer, so nothing is read ahead between them.
    reads_ahead: bool,
}

#[derive(Debug)]
struct Partial {
    body: BytesMut,
    length: usize,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self::with_limit(stream, limits::FRAME_BYTES_MAX)
    }

    pub(crate) fn with_limit(stream: R, length_max: usize) -> Self {
        Self { stream, length_max, ahead: BytesMut::new(), partial: None, reads_ahead: true }
    }

    pub(crate) fn stream_mut(&mut self) -> &mut R {
        &mut self.stream
    }

    /// Returns the next record, or `None` when the stream ended between two of them.
    pub(crate) async fn next(&mut self) -> Result<Option<Record>, StreamError> {
        loop {
            if let Some(partial) = &mut self.partial {
                while partial.body.len() < partial.length {
                    let missing = partial.length - partial.body.len();
                    let mut room = (&mut partial.body).limit(missing);
                    if self.stream.read_buf(&mut room).await.map_err(|error| read_error(&error))? == 0 {
                        return Err(StreamError::Truncated);
                    }
                }
                let body = std::mem::take(&mut partial.body).freeze();
                self.partial = None;
                return Ok(Some(Record::Frame(body)));
            }
            if let Some(record) = self.take_ahead()? {
                return Ok(Some(record));
            }
            if self.partial.is_none() && !self.read_ahead().await? {
                return Ok(None);
            }
        }
    }

    /// Cuts a record from the bytes read ahead, or starts a frame that reaches beyond them.
    fn take_ahead(&mut self) -> Result<Option<Record>, StreamError> {
        let Some(prefix) = self.ahead.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let prefix = u32::from_be_bytes(*prefix);
        if prefix == CLOSE_MARK {
            let Some(code) = self.ahead.get(LENGTH_BYTES..).and_then(|rest| rest.first_chunk()) else {
                return Ok(None);
            };
            let code = CloseCode(u32::from_be_bytes(*code));
            self.ahead.advance(2 * LENGTH_BYTES);
            return Ok(Some(Record::Close(code)));
        }
        let length = prefix as usize;
        if length > self.length_max {
            return Err(StreamError::TooLong { length });
        }
        self.ahead.advance(LENGTH_BYTES);
        self.reads_ahead = length < READ_AHEAD_BYTES;
        if self.ahead.len() >= length {
            // A copy, so that a small frame that is kept does not keep the whole buffer.
            let body = Bytes::copy_from_slice(&self.ahead[..length]);
            self.ahead.advance(length);
            return Ok(Some(Record::Frame(body)));
        }
        let mut body = BytesMut::with_capacity(length);
        body.extend_from_slice(&self.ahead);
        self.ahead.clear();
        self.partial = Some(Partial { body, length });
        Ok(None)
    }

    /// Reads more; `false` at the end of the stream.
    async fn read_ahead(&mut self) -> Result<bool, StreamError> {
        let target = if self.reads_ahead { READ_AHEAD_BYTES } else { 2 * LENGTH_BYTES };
        let missing = if self.reads_ahead || self.ahead.len() >= LENGTH_BYTES {
            target.saturating_sub(self.ahead.len()).max(1)
        } else {
            LENGTH_BYTES - self.ahead.len()
        };
        self.ahead.reserve(missing);
        let mut room = (&mut self.ahead).limit(missing);
        if self.stream.read_buf(&mut room).await.map_err(|error| read_error(&error))? > 0 {
            return Ok(true);
        }
        if self.ahead.is_empty() { Ok(false) } else { Err(StreamError::Truncated) }
    }
}

/// Writes frames. Cancel safe in this sense: a frame whose sending was cancelled is completed by the next call, so frames
/// never mix.
#[derive(Debug)]
pub(crate) struct FrameWriter {
    stream: SendStream,
    pending: Vec<Bytes>,
}

impl FrameWriter {
    pub(crate) fn new(stream: SendStream) -> Self {
        Self { stream, pending: Vec::new() }
    }

    pub(crate) fn stream_mut(&mut self) -> &mut SendStream {
        &mut self.stream
    }

    pub(crate) fn into_stream(self) -> SendStream {
        self.stream
    }

    /// Writes one frame made of the given parts.
    pub(crate) async fn frame(&mut self, parts: impl IntoIterator<Item = Bytes>) -> Result<(), StreamError> {
        let start = self.pending.len();
        self.pending.push(Bytes::new());
        self.pending.extend(parts);
        let length: usize = self.pending[start + 1..].iter().map(Bytes::len).sum();
        if length > limits::FRAME_BYTES_MAX {
            self.pending.truncate(start);
            return Err(StreamError::TooLong { length });
        }
        self.pending[start] = Bytes::copy_from_slice(&prefix(length));
        self.flush().await
    }

    /// Queues several frames for one write, copying the small ones together.
    pub(crate) async fn batch(&mut self, frames: impl IntoIterator<Item = Bytes>) -> Result<(), StreamError> {
        let mut small = BytesMut::new();
        for frame in frames {
            small.put_slice(&prefix(frame.len()));
            if frame.len() <= SMALL_FRAME_BYTES {
                small.put_slice(&frame);
            } else {
                self.pending.push(small.split().freeze());
                self.pending.push(frame);
            }
        }
        if !small.is_empty() {
            self.pending.push(small.freeze());
        }
        self.flush().await
    }

    /// Writes the record that ends a channel.
    pub(crate) async fn close_record(&mut self, code: CloseCode) -> Result<(), StreamError> {
        let mut record = BytesMut::with_capacity(2 * LENGTH_BYTES);
        record.put_u32(CLOSE_MARK);
        record.put_u32(code.0);
        self.pending.push(record.freeze());
        self.flush().await
    }

    /// Writes a single byte in front of everything else.
    pub(crate) async fn kind(&mut self, kind: u8) -> Result<(), StreamError> {
        self.pending.push(Bytes::copy_from_slice(&[kind]));
        self.flush().await
    }

    pub(crate) async fn flush(&mut self) -> Result<(), StreamError> {
        while !self.pending.is_empty() {
            let mut rest = &mut self.pending[..];
            self.stream.write_many_chunks(&mut rest).await.map_err(|error| write_error(&error))?;
            let rest_len = rest.len();
            let written = self.pending.len() - rest_len;
            self.pending.drain(..written);
        }
        Ok(())
    }
}

/// Frames up to this size are copied together into one buffer; larger ones are handed on as they are.
const SMALL_FRAME_BYTES: usize = 2048;

fn prefix(length: usize) -> [u8; LENGTH_BYTES] {
    u32::try_from(length).expect("frame length below the limit").to_be_bytes()
}

fn read_error(error: &io::Error) -> StreamError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ReadError>());
    match inner {
        Some(ReadError::Reset(code)) => StreamError::Reset { code: CloseCode::from_wire(*code) },
        Some(ReadError::ConnectionLost(error)) => lost(error),
        Some(_) => StreamError::Finished,
        None => StreamError::Lost { reason: error.to_string() },
    }
}

pub(crate) fn write_error(error: &WriteError) -> StreamError {
    match error {
        WriteError::Stopped(code) => StreamError::Reset { code: CloseCode::from_wire(*code) },
        WriteError::ConnectionLost(error) => lost(error),
        _ => StreamError::Finished,
    }
}

pub(crate) fn lost(error: &ConnectionError) -> StreamError {
    StreamError::Lost { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn read_all(bytes: &[u8]) -> (Vec<Record>, Option<StreamError>) {
        let mut reader = FrameReader::new(bytes);
        let mut records = Vec::new();
        loop {
            match reader.next().now_or_never().unwrap() {
                Ok(Some(record)) => records.push(record),
                Ok(None) => return (records, None),
                Err(error) => return (records, Some(error)),
            }
        }
    }

    fn encode(frames: &[Vec<u8>]) -> Vec<u8> {
        frames.iter().flat_map(|frame| [&prefix(frame.len())[..], frame].concat()).collect()
    }

    #[test]
    fn frames_of_every_size_come_out_as_they_went_in() {
        let sizes = [
            0,
            1,
            3,
            READ_AHEAD_BYTES - 4,
            READ_AHEAD_BYTES,
            100_000,
            2,
            limits::FRAME_BYTES_MAX,
            7,
            0,
            20_000,
        ];
        let frames: Vec<_> = sizes.iter().zip(1u8..).map(|(&size, byte)| vec![byte; size]).collect();
        let (records, error) = read_all(&encode(&frames));
        assert_eq!(error, None);
        let expected: Vec<_> = frames.into_iter().map(|frame| Record::Frame(frame.into())).collect();
        assert!(records == expected);
    }

    #[test]
    fn a_close_record_carries_its_code_after_frames_of_any_size() {
        for size in [3, 100_000] {
            let mut bytes = encode(&[vec![1; size]]);
            bytes.extend([255, 255, 255, 255, 0, 0, 1, 2]);
            let (records, error) = read_all(&bytes);
            assert_eq!((records.len(), error), (2, None));
            assert_eq!(records[1], Record::Close(CloseCode(0x102)));
        }
    }

    #[test]
    fn one_byte_above_the_limit_is_refused_before_anything_is_read() {
        let length = limits::FRAME_BYTES_MAX + 1;
        let (records, error) = read_all(&prefix(length));
        assert_eq!((records.len(), error), (0, Some(StreamError::TooLong { length })));
    }

    #[test]
    fn every_cut_inside_a_record_is_noticed() {
        let mut whole = encode(&[vec![1; 5], vec![2; 40_000]]);
        whole.extend([255, 255, 255, 255, 0, 0, 0, 9]);
        let whole_ends = [0, 9, whole.len() - 8, whole.len()];
        for cut in (0..30).chain(whole.len() - 30..=whole.len()) {
            let (_, error) = read_all(&whole[..cut]);
            let expected = (!whole_ends.contains(&cut)).then_some(StreamError::Truncated);
            assert_eq!(error, expected, "cut at {cut}");
        }
    }

    #[test]
    fn random_bytes_never_panic() {
        use rand::{Rng as _, SeedableRng as _};
        let mut rng = rand::rngs::StdRng::seed_from_u64(7);
        for length in 0..2000 {
            let mut bytes = vec![0; length % 97];
            rng.fill_bytes(&mut bytes);
            if length % 2 == 0 {
                // Short lengths, so that bodies are reached as well.
                bytes.iter_mut().step_by(3).for_each(|byte| *byte = 0);
            }
            read_all(&bytes);
        }
    }
}
