//! A request stream: frames in both directions, with back pressure.

use std::sync::Arc;

use bytes::Bytes;
use iroh::endpoint::{Connection, RecvStream, SendStream};
use tokio::{runtime::Handle, sync::OwnedSemaphorePermit, time::timeout};
use weft_sync::EndpointId;

use crate::{
    CloseCode, StreamError,
    frame::{FrameReader, FrameWriter, Record},
    limits,
};

/// Frames of at most [`limits::FRAME_BYTES_MAX`] in both directions between two devices.
///
/// `recv` returns `None` only when the other side called `finish`: a side that drops its stream earlier gives it up, and
/// the other one gets [`StreamError::Reset`]. Nothing is buffered beyond the transport's windows; `send` waits.
#[derive(Debug)]
pub struct FrameStream {
    sender: FrameSender,
    receiver: FrameReceiver,
}

/// The sending half of a [`FrameStream`].
#[derive(Debug)]
pub struct FrameSender {
    /// Taken away only when the half is dropped.
    writer: Option<FrameWriter>,
    finished: bool,
    hold: Arc<Hold>,
}

/// The receiving half of a [`FrameStream`].
#[derive(Debug)]
pub struct FrameReceiver {
    reader: FrameReader<RecvStream>,
    hold: Arc<Hold>,
}

/// What both halves keep alive.
#[derive(Debug)]
struct Hold {
    peer: EndpointId,
    connection: Connection,
    /// The stream's place among those that may run at the same time.
    _permit: Option<OwnedSemaphorePermit>,
    /// Whether the connection serves this stream only and ends with it.
    owns_connection: bool,
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.owns_connection {
            let code = CloseCode::DONE;
            self.connection.close(code.to_wire(), code.reason().as_bytes());
        }
    }
}

impl FrameStream {
    pub(crate) fn new(
        peer: EndpointId,
        connection: Connection,
        streams: (SendStream, RecvStream),
        permit: Option<OwnedSemaphorePermit>,
        owns_connection: bool,
    ) -> Self {
        let hold = Arc::new(Hold { peer, connection, _permit: permit, owns_connection });
        let writer = Some(FrameWriter::new(streams.0));
        Self {
            sender: FrameSender { writer, finished: false, hold: hold.clone() },
            receiver: FrameReceiver { reader: FrameReader::new(streams.1), hold },
        }
    }

    /// Returns the other device.
    #[must_use]
    pub fn peer(&self) -> EndpointId {
        self.receiver.hold.peer
    }

    /// Sends one frame; see [`FrameSender::send`].
    ///
    /// # Errors
    /// When the frame is too long, the other side gave up, or the connection ended.
    pub async fn send(&mut self, frame: Bytes) -> Result<(), StreamError> {
        self.sender.send(frame).await
    }

    /// Sends one frame made of several parts, without copying them together.
    ///
    /// # Errors
    /// See [`FrameStream::send`].
    pub async fn send_parts(&mut self, parts: impl IntoIterator<Item = Bytes>) -> Result<(), StreamError> {
        self.sender.send_parts(parts).await
    }

    /// Says that nothing more will be sent; receiving goes on.
    ///
    /// # Errors
    /// When it was finished before, or an unfinished frame could not be completed.
    pub async fn finish(&mut self) -> Result<(), StreamError> {
        self.sender.finish().await
    }

    /// Receives the next frame; see [`FrameReceiver::recv`].
    ///
    /// # Errors
    /// When the other side gave up or broke the rules, or the connection ended.
    pub async fn recv(&mut self) -> Result<Option<Bytes>, StreamError> {
        self.receiver.recv().await
    }

    /// Takes the halves apart for two tasks.
    #[must_use]
    pub fn split(self) -> (FrameSender, FrameReceiver) {
        (self.sender, self.receiver)
    }

    /// Gives the stream up in both directions with a code for the other side.
    pub fn reset(mut self, code: CloseCode) {
        self.sender.reset(code);
        self.receiver.stop(code);
    }
}

impl FrameSender {
    fn writer(&mut self) -> Result<&mut FrameWriter, StreamError> {
        match &mut self.writer {
            Some(writer) if !self.finished => Ok(writer),
            _ => Err(StreamError::Finished),
        }
    }

    /// Sends one frame, waiting while the other side is slow.
    ///
    /// When the future is dropped half-way, the next call completes that frame first.
    ///
    /// # Errors
    /// When the frame is too long, the other side gave up, or the connection ended.
    pub async fn send(&mut self, frame: Bytes) -> Result<(), StreamError> {
        self.writer()?.frame([frame]).await
    }

    /// Sends one frame made of several parts, without copying them together.
    ///
    /// # Errors
    /// See [`FrameSender::send`].
    pub async fn send_parts(&mut self, parts: impl IntoIterator<Item = Bytes>) -> Result<(), StreamError> {
        self.writer()?.frame(parts).await
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    /// When it was finished before, or an unfinished frame could not be completed.
    pub async fn finish(&mut self) -> Result<(), StreamError> {
        let writer = self.writer()?;
        writer.flush().await?;
        writer.stream_mut().finish().map_err(|_| StreamError::Finished)?;
        self.finished = true;
        Ok(())
    }

    /// Waits until the other device's transport has everything (not: until it was read), or gave the stream up.
    ///
    /// # Errors
    /// When the other side gave up or the connection ended first.
    pub async fn delivered(&mut self) -> Result<(), StreamError> {
        let Some(writer) = &mut self.writer else { return Err(StreamError::Finished) };
        match writer.stream_mut().stopped().await {
            Ok(None) => Ok(()),
            Ok(Some(code)) => Err(StreamError::Reset { code: CloseCode::from_wire(code) }),
            Err(error) => Err(StreamError::Lost { reason: error.to_string() }),
        }
    }

    /// Gives this direction up with a code for the other side.
    pub fn reset(&mut self, code: CloseCode) {
        if let Ok(writer) = self.writer() {
            // An error means that the stream has ended already, which is what was asked for.
            let _ = writer.stream_mut().reset(code.to_wire());
        }
        self.finished = true;
    }
}

impl Drop for FrameSender {
    fn drop(&mut self) {
        if !self.finished {
            // Without this the transport would end the stream in good order, as if nothing were missing.
            self.reset(CloseCode::CANCELLED);
            return;
        }
        if !self.hold.owns_connection {
            return;
        }
        // The connection ends with the stream, so somebody has to wait until the last bytes have arrived.
        if let (Some(writer), Ok(runtime)) = (self.writer.take(), Handle::try_current()) {
            let hold = self.hold.clone();
            runtime.spawn(async move {
                let _ = timeout(limits::JOIN_LINGER, writer.into_stream().stopped()).await;
                drop(hold);
            });
        }
    }
}

impl FrameReceiver {
    /// Receives the next frame; `None` when the other side has finished. Cancel safe.
    ///
    /// # Errors
    /// When the other side gave up or broke the rules, or the connection ended.
    pub async fn recv(&mut self) -> Result<Option<Bytes>, StreamError> {
        match self.reader.next().await? {
            Some(Record::Frame(bytes)) => Ok(Some(bytes)),
            Some(Record::Close(code)) => Err(StreamError::Reset { code }),
            None => Ok(None),
        }
    }

    /// Tells the other side to stop sending.
    pub fn stop(&mut self, code: CloseCode) {
        // An error means that the stream has ended already, which is what was asked for.
        let _ = self.reader.stream_mut().stop(code.to_wire());
    }
}

impl Drop for FrameReceiver {
    fn drop(&mut self) {
        self.stop(CloseCode::CANCELLED);
    }
}
