//! What the handle, the loop and the tasks share.

use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use iroh::endpoint::{Connection, ConnectionError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use weft_sync::EndpointId;

use crate::{ChannelId, CloseCode, DisconnectReason, NetEvent, SendError, limits, mesh::LinkId};

/// Channels and connections by name. Locks are held for a look-up only.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    channels: Mutex<BTreeMap<ChannelId, ChannelHandle>>,
    links: Mutex<BTreeMap<EndpointId, LinkHandle>>,
    last_id: AtomicU64,
}

impl Shared {
    /// Returns a number that was never returned before.
    pub(crate) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn channels(&self) -> MutexGuard<'_, BTreeMap<ChannelId, ChannelHandle>> {
        // Nothing that could panic runs under the lock; the map is whole even if it did.
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn links(&self) -> MutexGuard<'_, BTreeMap<EndpointId, LinkHandle>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes both ends of a channel's queue and registers the near one.
    pub(crate) fn new_channel(&self, link: LinkId) -> ChannelEnd {
        let id = ChannelId(self.next_id());
        let room = Arc::new(Semaphore::new(limits::CHANNEL_QUEUE_BYTES));
        let (queue, queued) = mpsc::channel(limits::CHANNEL_QUEUE_BYTES / limits::FRAME_CHARGE_MIN);
        let (closing, closed) = watch::channel(None);
        self.channels().insert(id, ChannelHandle { link, queue, room, closing });
        ChannelEnd { id, queued, closing: closed }
    }
}

/// The near end of a channel.
#[derive(Clone, Debug)]
pub(crate) struct ChannelHandle {
    /// The connection the channel runs on.
    pub(crate) link: LinkId,
    queue: mpsc::Sender<QueuedFrame>,
    room: Arc<Semaphore>,
    closing: watch::Sender<Option<CloseCode>>,
}

impl ChannelHandle {
    pub(crate) fn send(&self, bytes: Bytes) -> Result<(), SendError> {
        if bytes.len() > limits::FRAME_BYTES_MAX {
            return Err(SendError::TooLong);
        }
        if self.closing.borrow().is_some() || self.room.is_closed() {
            return Err(SendError::Closed);
        }
        let room = self.room.clone().try_acquire_many_owned(charge(&bytes)).map_err(|_| SendError::Full)?;
        self.queue.try_send(QueuedFrame { bytes, _room: room }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => SendError::Full,
            mpsc::error::TrySendError::Closed(_) => SendError::Closed,
        })
    }

    /// Waits until half of the queue is free; `false` when the channel is closed.
    pub(crate) async fn ready(&self) -> bool {
        let half = u32::try_from(limits::CHANNEL_QUEUE_BYTES / 2).expect("queue length of 32 bits");
        let mut closing = self.closing.subscribe();
        tokio::select! {
            room = self.room.acquire_many(half) => room.is_ok(),
            _ = closing.wait_for(Option::is_some) => false,
            () = self.queue.closed() => false,
        }
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        limits::CHANNEL_QUEUE_BYTES.saturating_sub(self.room.available_permits())
    }

    /// Asks the channel's task to deliver what is queued and end; the first code wins.
    pub(crate) fn close(&self, code: CloseCode) {
        self.closing.send_if_modified(|closing| {
            let first = closing.is_none();
            closing.get_or_insert(code);
            first
        });
    }
}

/// Bytes a frame counts in a queue.
pub(crate) fn charge(bytes: &Bytes) -> u32 {
    u32::try_from(bytes.len().max(limits::FRAME_CHARGE_MIN)).expect("frame length below the limit")
}

/// The far end of a channel's queue, for its task.
#[derive(Debug)]
pub(crate) struct ChannelEnd {
    pub(crate) id: ChannelId,
    pub(crate) queued: mpsc::Receiver<QueuedFrame>,
    pub(crate) closing: watch::Receiver<Option<CloseCode>>,
}

/// A frame with the room it takes until it is written.
#[derive(Debug)]
pub(crate) struct QueuedFrame {
    pub(crate) bytes: Bytes,
    pub(crate) _room: OwnedSemaphorePermit,
}

/// A connection that remembers with which code this side closed it.
#[derive(Clone, Debug)]
pub(crate) struct LinkConnection {
    connection: Connection,
    closed_with: Arc<OnceLock<CloseCode>>,
}

impl LinkConnection {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, closed_with: Arc::default() }
    }

    /// Closes the connection with a code and its meaning; the first code wins.
    pub(crate) fn close(&self, code: CloseCode) {
        let code = *self.closed_with.get_or_init(|| code);
        self.connection.close(code.to_wire(), code.reason().as_bytes());
    }

    /// Says how the connection ended.
    pub(crate) fn reason(&self, error: &ConnectionError) -> DisconnectReason {
        match error {
            ConnectionError::ApplicationClosed(close) => {
                DisconnectReason::ByPeer(CloseCode::from_wire(close.error_code))
            }
            ConnectionError::LocallyClosed => {
                DisconnectReason::ByUs(self.closed_with.get().copied().unwrap_or(CloseCode::DONE))
            }
            ConnectionError::TimedOut => DisconnectReason::TimedOut,
            ConnectionError::Reset => DisconnectReason::Reset,
            other => DisconnectReason::Failed(other.to_string()),
        }
    }
}

impl Deref for LinkConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// A connection, for opening streams on it.
#[derive(Clone, Debug)]
pub(crate) struct LinkHandle {
    pub(crate) id: LinkId,
    pub(crate) connection: LinkConnection,
    /// Channels for the connection's task to open.
    pub(crate) opening: mpsc::Sender<ChannelEnd>,
    /// Places for requests of ours.
    pub(crate) requests: Arc<Semaphore>,
}

/// A received frame with the room it takes until its last copy is dropped.
struct CountedBytes {
    bytes: Bytes,
    _room: [OwnedSemaphorePermit; 2],
}

impl AsRef<[u8]> for CountedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Where tasks report events to the node, with the budget for frames.
#[derive(Clone, Debug)]
pub(crate) struct EventSender {
    queue: mpsc::Sender<NetEvent>,
    budget: Arc<Semaphore>,
}

impl EventSender {
    pub(crate) fn new(queue: mpsc::Sender<NetEvent>) -> Self {
        Self { queue, budget: Arc::new(Semaphore::new(limits::EVENT_QUEUE_BYTES)) }
    }

    /// Waits for room; `false` when the node no longer listens.
    pub(crate) async fn send(&self, event: NetEvent) -> bool {
        self.queue.send(event).await.is_ok()
    }

    /// Like `send`, for frames, which also need room in the channel's budget and the one of all channels until the node
    /// drops them.
    pub(crate) async fn send_frame(&self, channel: ChannelId, budget: &Arc<Semaphore>, bytes: Bytes) -> bool {
        let charge = charge(&bytes);
        let Ok(of_channel) = budget.clone().acquire_many_owned(charge).await else { return false };
        let Ok(of_all) = self.budget.clone().acquire_many_owned(charge).await else { return false };
        let bytes = Bytes::from_owner(CountedBytes { bytes, _room: [of_channel, of_all] });
        self.send(NetEvent::Frame { channel, bytes }).await
    }

    /// Does not wait; `false` when there is no room.
    pub(crate) fn try_send(&self, event: NetEvent) -> bool {
        self.queue.try_send(event).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn a_channel_queues_so_many_bytes_and_so_many_frames() {
        let shared = Shared::default();
        for (length, fit) in [
            (limits::FRAME_BYTES_MAX, limits::CHANNEL_QUEUE_BYTES / limits::FRAME_BYTES_MAX),
            (limits::FRAME_CHARGE_MIN, limits::CHANNEL_QUEUE_BYTES / limits::FRAME_CHARGE_MIN),
            (1, limits::CHANNEL_QUEUE_BYTES / limits::FRAME_CHARGE_MIN),
        ] {
            let end = shared.new_channel(LinkId(1));
            let channel = shared.channels()[&end.id].clone();
            let frame = Bytes::from(vec![0; length]);
            for number in 0..fit {
                assert_eq!(channel.send(frame.clone()), Ok(()), "frame {number} of {length} bytes");
            }
            assert_eq!(channel.send(Bytes::new()), Err(SendError::Full), "after {fit} of {length} bytes");
            assert_eq!(channel.queued_bytes(), limits::CHANNEL_QUEUE_BYTES);
        }
    }

    #[test]
    fn a_frame_of_a_channel_has_so_many_bytes() {
        let shared = Shared::default();
        let end = shared.new_channel(LinkId(1));
        let channel = shared.channels()[&end.id].clone();
        let above = Bytes::from(vec![0; limits::FRAME_BYTES_MAX + 1]);
        assert_eq!(channel.send(above.clone()), Err(SendError::TooLong));
        assert_eq!(channel.send(above.slice(1..)), Ok(()));
    }

    #[test]
    fn frames_for_the_node_wait_for_room_in_their_channel_and_in_all() {
        let (queue, mut queued) = mpsc::channel(limits::EVENT_QUEUE_LEN);
        let events = EventSender::new(queue);
        let frame = Bytes::from(vec![0; limits::FRAME_BYTES_MAX]);
        let budget = || Arc::new(Semaphore::new(limits::CHANNEL_EVENT_BYTES));
        let send = |budget: &Arc<Semaphore>, bytes: &Bytes| {
            events.send_frame(ChannelId(1), budget, bytes.clone()).now_or_never()
        };
        let small = Bytes::new();
        for channel in 0..limits::EVENT_QUEUE_BYTES / limits::CHANNEL_EVENT_BYTES {
            let budget = budget();
            for _ in 0..limits::CHANNEL_EVENT_BYTES / limits::FRAME_BYTES_MAX {
                assert_eq!(send(&budget, &frame), Some(true), "channel {channel}");
            }
            assert_eq!(send(&budget, &small), None, "channel {channel} has no room");
        }
        assert_eq!(send(&budget(), &small), None, "there is no room for any channel");
        drop(queued.try_recv());
        assert_eq!(send(&budget(), &small), Some(true), "what the node has dropped makes room");
    }

    #[test]
    fn so_many_events_wait_for_the_node() {
        let (queue, mut queued) = mpsc::channel(limits::EVENT_QUEUE_LEN);
        let events = EventSender::new(queue);
        for _ in 0..limits::EVENT_QUEUE_LEN {
            assert!(events.try_send(NetEvent::AddressesChanged));
        }
        assert!(!events.try_send(NetEvent::AddressesChanged));
        assert_eq!(events.send(NetEvent::AddressesChanged).now_or_never(), None);
        drop(queued.try_recv());
        assert!(events.try_send(NetEvent::AddressesChanged));
    }
}
