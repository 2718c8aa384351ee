//! Fetching chunks from another device, and serving them.
//!
//! Chunks are named by the hash of their sealed bytes, so nothing has to be believed: what does
//! not match its name is not stored. One request stream serves one list of chunks.

pub(crate) mod list;
pub(crate) mod models;
pub(crate) mod wire;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use weft_crdt::ChunkId;
use weft_net::{FrameReceiver, FrameStream, Net, RequestError, RequestKind, StreamError};
use weft_store::{PutChunksError, ReadError, Storage};
use weft_sync::ids::EndpointId;

pub(crate) use self::wire::{REQUEST_CHUNKS_MAX, TransferFrameError};
use self::wire::{ReplyWriter, decode_reply, decode_request, encode_request};

/// Bytes of chunks that go to the store in one call.
const STORE_BATCH_BYTES: usize = 2 * 1024 * 1024;
/// Batches that may wait for the store, beside the one it works on.
const STORE_QUEUE_LEN: usize = 2;
/// Frames that may wait for the network while serving.
const SERVE_QUEUE_LEN: usize = 8;

/// The request stream that carries chunks.
#[must_use]
pub(crate) fn chunk_requests() -> RequestKind {
    RequestKind::new(1).expect("one is not zero")
}

/// What a fetch brought.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct FetchReport {
    /// Chunks that are here now.
    pub(crate) stored: usize,
    /// Sealed bytes that were received.
    pub(crate) bytes: u64,
    /// Chunks that the other device does not hold.
    pub(crate) absent: Vec<ChunkId>,
}

/// Why a fetch ended early. Chunks that had arrived are kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum FetchError {
    /// The other device cannot be asked.
    #[error("the device cannot be asked")]
    Request(#[from] RequestError),
    /// The stream broke.
    #[error("the transfer broke off")]
    Stream(#[from] StreamError),
    /// The other device sent something that is no reply, or a chunk nobody asked for.
    #[error("the device sent something else than the chunks it was asked for")]
    Reply,
    /// The store refused.
    #[error("the chunks could not be stored")]
    Store(#[from] PutChunksError),
}

/// Fetches chunks from `peer`, at most [`REQUEST_CHUNKS_MAX`]; `arrived` hears of each batch
/// once it can be read from the store.
///
/// # Errors
/// When the connection breaks, the reply is not one, or the store refuses.
pub(crate) async fn fetch(
    net: &Net,
    peer: EndpointId,
    ids: Vec<ChunkId>,
    store: Arc<dyn Storage>,
    arrived: impl Fn(Vec<ChunkId>) + Send + 'static,
) -> Result<FetchReport, FetchError> {
    let mut stream = net.request(peer, chunk_requests()).await?;
    stream.send(encode_request(&ids)).await?;
    stream.finish().await?;
    let (_sender, receiver) = stream.split();
    let (batches, queue) = mpsc::channel(STORE_QUEUE_LEN);
    let writer = tokio::task::spawn_blocking(move || store_batches(&*store, queue, arrived));
    let received = receive(receiver, ids, batches).await;
    let stored = writer.await.map_err(|_| FetchError::Reply)?;
    // A store that refuses ends the receiving side too: its reason is the one to tell.
    let stored = stored?;
    let (bytes, absent) = received?;
    Ok(FetchReport { stored, bytes, absent })
}

type Batch = Vec<(ChunkId, Bytes)>;

async fn receive(
    mut receiver: FrameReceiver,
    ids: Vec<ChunkId>,
    batches: mpsc::Sender<Batch>,
) -> Result<(u64, Vec<ChunkId>), FetchError> {
    let mut asked: BTreeSet<ChunkId> = ids.into_iter().collect();
    let (mut bytes, mut absent) = (0, Vec::new());
    let (mut batch, mut batch_bytes) = (Vec::new(), 0);
    while let Some(frame) = receiver.recv().await? {
        for (id, chunk) in decode_reply(frame).map_err(|_| FetchError::Reply)? {
            if !asked.remove(&id) {
                return Err(FetchError::Reply);
            }
            let Some(chunk) = chunk else {
                absent.push(id);
                continue;
            };
            bytes += chunk.len() as u64;
            batch_bytes += chunk.len();
            batch.push((id, chunk));
        }
        // The first batch goes at once, so that the first file is there soon.
        if batch_bytes >= STORE_BATCH_BYTES || bytes == batch_bytes as u64 {
            batch_bytes = 0;
            let full = std::mem::take(&mut batch);
            if !full.is_empty() && batches.send(full).await.is_err() {
                break;
            }
        }
    }
    if !batch.is_empty() {
        // An error means that the store has refused, which its own result tells.
        let _ = batches.send(batch).await;
    }
    absent.extend(asked);
    Ok((bytes, absent))
}

fn store_batches(
    store: &dyn Storage,
    mut queue: mpsc::Receiver<Batch>,
    arrived: impl Fn(Vec<ChunkId>),
) -> Result<usize, PutChunksError> {
    let mut stored = 0;
    while let Some(batch) = queue.blocking_recv() {
        let ids: Vec<ChunkId> = batch.iter().map(|(id, _)| *id).collect();
        store.put_chunks(batch)?;
        stored += ids.len();
        arrived(ids);
    }
    Ok(stored)
}

/// Why serving ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ServeError {
    /// The stream broke, or the other device gave up.
    #[error("the transfer broke off")]
    Stream(#[from] StreamError),
    /// The other device sent something that is no request.
    #[error("the request cannot be read")]
    Request(#[from] TransferFrameError),
    /// The store failed.
    #[error("the chunks cannot be read")]
    Store(#[from] ReadError),
}

/// Answers one request stream. The caller has checked that the peer may ask.
///
/// # Errors
/// When the request is malformed, the store fails, or the other device gives up.
pub(crate) async fn serve(mut stream: FrameStream, store: Arc<dyn Storage>) -> Result<u64, ServeError> {
    let Some(request) = stream.recv().await? else { return Ok(0) };
    let ids = decode_request(request)?;
    let (frames, mut queue) = mpsc::channel(SERVE_QUEUE_LEN);
    let reader = tokio::task::spawn_blocking(move || read_frames(&*store, &ids, &frames));
    let mut bytes = 0;
    while let Some(frame) = queue.recv().await {
        bytes += frame.len() as u64;
        stream.send(frame).await?;
    }
    reader.await.map_err(|_| StreamError::Finished)??;
    stream.finish().await?;
    Ok(bytes)
}

fn read_frames(store: &dyn Storage, ids: &[ChunkId], frames: &mpsc::Sender<Bytes>) -> Result<(), ReadError> {
    let mut writer = ReplyWriter::default();
    for id in ids {
        let chunk = store.chunk(id)?;
        let Some(frame) = writer.push(id, chunk.as_deref()) else { continue };
        if frames.blocking_send(frame).is_err() {
            return Ok(());
        }
    }
    if let Some(frame) = writer.finish() {
        // An error means that the other side is gone.
        let _ = frames.blocking_send(frame);
    }
    Ok(())
}
