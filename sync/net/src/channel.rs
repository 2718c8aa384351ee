//! One channel: frames from a bounded queue to a stream, and from the stream to the node.

use std::{future, sync::Arc};

use iroh::endpoint::{RecvStream, SendStream};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::sleep,
};
use weft_sync::EndpointId;

use crate::{
    CloseCode, NetEvent, StreamError,
    frame::{FrameReader, FrameWriter, Record},
    limits,
    mesh::LinkId,
    shared::{ChannelEnd, EventSender, LinkConnection, QueuedFrame, Shared},
};

/// The first byte of a channel's stream; every other value is a request's kind.
pub(crate) const CHANNEL_KIND: u8 = 0;
/// Frames that are written together.
const BATCH_FRAMES: usize = 64;

/// Everything a channel's task needs.
#[derive(Clone, Debug)]
pub(crate) struct ChannelContext {
    pub(crate) shared: Arc<Shared>,
    pub(crate) events: EventSender,
    pub(crate) link: LinkId,
    pub(crate) connection: LinkConnection,
    pub(crate) peer: EndpointId,
}

/// Opens a stream for a channel of ours and runs it to its end.
pub(crate) async fn run_opened(context: ChannelContext, mut end: ChannelEnd) {
    let opened = async {
        let (send, recv) = context.connection.open_bi().await.ok()?;
        let mut writer = FrameWriter::new(send);
        // The other side learns of a stream only by its first byte.
        writer.kind(CHANNEL_KIND).await.ok()?;
        Some((writer.into_stream(), recv))
    };
    let streams = tokio::select! {
        streams = opened => streams,
        code = closing_code(&mut end.closing) => {
            finish(&context, end, Some(code)).await;
            return;
        }
    };
    match streams {
        Some(streams) => run(context, end, streams, true).await,
        None => finish(&context, end, None).await,
    }
}

/// Runs a channel to its end.
pub(crate) async fn run(
    context: ChannelContext,
    mut end: ChannelEnd,
    (send, recv): (SendStream, RecvStream),
    opener: bool,
) {
    let up = NetEvent::ChannelUp { channel: end.id, peer: context.peer, opener };
    context.events.send(up).await;
    let mut writer = FrameWriter::new(send);
    let mut reader = FrameReader::new(recv);
    let mut patience = end.closing.clone();
    let code = tokio::select! {
        code = read(&context, end.id, &mut reader) => code,
        code = write(&mut writer, &mut end.queued, &mut end.closing) => Some(code),
        code = out_of_patience(&mut patience) => Some(code),
    };
    let wire = code.unwrap_or(CloseCode::DONE).to_wire();
    // Errors here mean that the directions have ended already.
    let _ = writer.stream_mut().reset(wire);
    let _ = reader.stream_mut().stop(wire);
    finish(&context, end, code).await;
}

async fn finish(context: &ChannelContext, end: ChannelEnd, code: Option<CloseCode>) {
    context.shared.channels().remove(&end.id);
    let channel = end.id;
    drop(end);
    context.events.send(NetEvent::ChannelDown { channel, code }).await;
}

/// Hands frames to the node until the other side ends the channel.
async fn read(
    context: &ChannelContext,
    channel: crate::ChannelId,
    reader: &mut FrameReader<RecvStream>,
) -> Option<CloseCode> {
    let budget = Arc::new(Semaphore::new(limits::CHANNEL_EVENT_BYTES));
    loop {
        match reader.next().await {
            Ok(Some(Record::Frame(bytes))) => {
                if !context.events.send_frame(channel, &budget, bytes).await {
                    return Some(CloseCode::SHUTDOWN);
                }
            }
            Ok(Some(Record::Close(code))) => return Some(code),
            Ok(None) => return Some(CloseCode::DONE),
            Err(StreamError::Reset { code }) => return Some(code),
            Err(StreamError::TooLong { .. } | StreamError::Truncated) => {
                let code = CloseCode::PROTOCOL;
                context.connection.close(code);
                return Some(code);
            }
            Err(_) => return None,
        }
    }
}

/// Writes queued frames until the channel is closed from this side; then delivers what is queued and the code.
async fn write(
    writer: &mut FrameWriter,
    queued: &mut mpsc::Receiver<QueuedFrame>,
    closing: &mut watch::Receiver<Option<CloseCode>>,
) -> CloseCode {
    let mut batch = Vec::new();
    let delivered = async {
        let code = loop {
            tokio::select! {
                biased;
                count = queued.recv_many(&mut batch, BATCH_FRAMES) => match count {
                    0 => break CloseCode::DONE,
                    _ => write_batch(writer, &mut batch).await?,
                },
                code = closing_code(closing) => break code,
            }
        };
        while let Ok(frame) = queued.try_recv() {
            batch.push(frame);
            if batch.len() == BATCH_FRAMES {
                write_batch(writer, &mut batch).await?;
            }
        }
        write_batch(writer, &mut batch).await?;
        writer.close_record(code).await?;
        let _ = writer.stream_mut().finish();
        // Until the other device has the code, resetting the stream could overtake it.
        let _ = writer.stream_mut().stopped().await;
        Ok::<_, StreamError>(code)
    };
    match delivered.await {
        Ok(code) => code,
        Err(_) => {
            // Nothing can be written any more. The reader learns why, after the frames that are still to be read.
            queued.close();
            future::pending().await
        }
    }
}

async fn write_batch(writer: &mut FrameWriter, batch: &mut Vec<QueuedFrame>) -> Result<(), StreamError> {
    if batch.is_empty() {
        return Ok(());
    }
    let result = writer.batch(batch.iter().map(|frame| frame.bytes.clone())).await;
    // Only now is there room again in the queue.
    batch.clear();
    result
}

async fn closing_code(closing: &mut watch::Receiver<Option<CloseCode>>) -> CloseCode {
    match closing.wait_for(Option::is_some).await {
        Ok(code) => code.unwrap_or(CloseCode::DONE),
        Err(_) => CloseCode::DONE,
    }
}

/// Ends when the channel was closed some time ago and still could not deliver what was queued.
async fn out_of_patience(closing: &mut watch::Receiver<Option<CloseCode>>) -> CloseCode {
    let code = closing_code(closing).await;
    sleep(limits::CHANNEL_LINGER).await;
    code
}
