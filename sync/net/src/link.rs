//! One connection that is kept: accepts streams, opens channels, and reports its end.

use std::sync::Arc;

use iroh::endpoint::{ConnectionError, PathId, RecvStream, SendStream};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep_until, timeout},
};
use weft_sync::EndpointId;

use crate::{
    Address, CloseCode, DisconnectReason, FrameStream, NetEvent, RequestKind,
    channel::{self, CHANNEL_KIND, ChannelContext},
    driver::Report,
    greeting::{self, Greeting},
    limits,
    mesh::LinkId,
    shared::{ChannelEnd, EventSender, LinkConnection, LinkHandle, Shared},
};

/// The priority of request streams: below that of channels, so that bulk never delays edits.
pub(crate) const REQUEST_PRIORITY: i32 = -1;

/// How far the other device is trusted, and whether it is time to leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orders {
    /// The node wants this peer: larger limits, no idle timeout.
    pub(crate) wanted: bool,
    /// Deliver what is queued, then close with this code.
    pub(crate) leave: Option<CloseCode>,
    /// How often the network of this device has changed: each time, see that the other device is still heard.
    pub(crate) network_changes: u64,
}

/// Everything a connection's task needs.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: LinkId,
    pub(crate) peer: EndpointId,
    pub(crate) connection: LinkConnection,
    pub(crate) address: Option<Address>,
    pub(crate) dialer: bool,
    /// The greeting to send when this side decides.
    pub(crate) decision: Option<Greeting>,
    /// The task of the peer's connection before this one.
    pub(crate) predecessor: Option<JoinHandle<()>>,
    pub(crate) orders: watch::Receiver<Orders>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) events: EventSender,
    pub(crate) reports: mpsc::Sender<Report>,
}

impl Link {
    /// Runs the connection to its end and reports everything in order.
    pub(crate) async fn run(mut self) {
        if let Some(greeting) = self.decision
            && let Err(error) = greeting::send(&self.connection, greeting).await
        {
            self.connection.close(error.code());
        }
        if let Some(predecessor) = self.predecessor.take() {
            // The older connection's last event comes before this one's first.
            let _ = predecessor.await;
        }
        let (opening, mut to_open) = mpsc::channel(limits::OPENING_CHANNELS_MAX);
        let handle = LinkHandle {
            id: self.id,
            connection: self.connection.clone(),
            opening,
            requests: Arc::new(Semaphore::new(limits::REQUESTS_MAX)),
        };
        self.shared.links().insert(self.peer, handle);
        let connected =
            NetEvent::Connected { peer: self.peer, address: self.address.take(), dialer: self.dialer };
        self.events.send(connected).await;
        let mut tasks = JoinSet::new();
        let error = self.serve(&mut tasks, &mut to_open).await;
        self.leave(&mut tasks, &mut to_open, &error).await;
    }

    /// Serves streams until the connection is closed.
    async fn serve(
        &mut self,
        tasks: &mut JoinSet<()>,
        to_open: &mut mpsc::Receiver<ChannelEnd>,
    ) -> ConnectionError {
        let serving = Arc::new(Semaphore::new(limits::REQUESTS_MAX));
        let mut idle_since = Instant::now();
        let mut orders = *self.orders.borrow_and_update();
        self.apply(orders);
        let mut check: Option<Check> = None;
        let mut allowance = Allowance::new(Instant::now());
        let connection = self.connection.clone();
        let closed = connection.closed();
        tokio::pin!(closed);
        loop {
            let stranger_idle = !orders.wanted && tasks.is_empty();
            tokio::select! {
                error = &mut closed => return error,
                Ok(streams) = self.connection.accept_bi() => {
                    tasks.spawn(serve_stream(self.context(), streams, serving.clone()));
                }
                Some(end) = to_open.recv() => {
                    tasks.spawn(channel::run_opened(self.context(), end));
                }
                Ok(bytes) = self.connection.read_datagram() => {
                    let is_due = bytes.len() <= limits::DATAGRAM_BYTES_MAX && allowance.take(Instant::now());
                    if orders.wanted && is_due {
                        // One that finds no room is as good as lost on the way.
                        let _lost = self.events.try_send(NetEvent::Datagram { peer: self.peer, bytes });
                    }
                }
                Some(_) = tasks.join_next() => idle_since = Instant::now(),
                Ok(()) = self.orders.changed() => {
                    let before = orders.network_changes;
                    orders = *self.orders.borrow_and_update();
                    self.apply(orders);
                    if orders.network_changes != before {
                        check = Some(Check::begin(&self.connection));
                    }
                    if let Some(code) = orders.leave {
                        self.close_channels(code);
                        let drained = async { while tasks.join_next().await.is_some() {} };
                        let _ = timeout(limits::SHUTDOWN_DRAIN, drained).await;
                        self.connection.close(code);
                    }
                }
                Some(mut last) = due(&mut check) => {
                    if last.is_silent(&self.connection) {
                        tracing::info!(peer = %self.peer, "nothing is heard since the network changed");
                        self.connection.close(CloseCode::TIMEOUT);
                    } else {
                        check = last.next();
                    }
                }
                () = sleep_until(idle_since + limits::STRANGER_IDLE), if stranger_idle => {
                    if serving.available_permits() == limits::REQUESTS_MAX {
                        self.connection.close(CloseCode::IDLE);
                    }
                    idle_since = Instant::now();
                }
            }
        }
    }

    /// Reports the end: to the loop at once, to the node after every channel has reported its own.
    async fn leave(
        self,
        tasks: &mut JoinSet<()>,
        to_open: &mut mpsc::Receiver<ChannelEnd>,
        error: &ConnectionError,
    ) {
        let reason = self.connection.reason(error);
        let code = match &reason {
            DisconnectReason::ByPeer(code) => Some(*code),
            _ => None,
        };
        let down = Report::Down { link: self.id, peer: self.peer, code, reason: reason.to_string() };
        // The loop may have ended first; then nobody needs to know.
        let _ = self.reports.send(down).await;
        {
            let mut links = self.shared.links();
            if links.get(&self.peer).is_some_and(|link| link.id == self.id) {
                links.remove(&self.peer);
            }
        }
        to_open.close();
        while let Some(end) = to_open.recv().await {
            tasks.spawn(channel::run_opened(self.context(), end));
        }
        while tasks.join_next().await.is_some() {}
        self.events.send(NetEvent::Disconnected { peer: self.peer, reason }).await;
    }

    fn context(&self) -> ChannelContext {
        ChannelContext {
            shared: self.shared.clone(),
            events: self.events.clone(),
            connection: self.connection.clone(),
            peer: self.peer,
            link: self.id,
        }
    }

    fn apply(&self, orders: Orders) {
        if orders.wanted {
            self.connection.set_max_concurrent_bi_streams(limits::PEER_STREAMS_MAX.into());
            self.connection.set_receive_window(limits::CONNECTION_WINDOW_BYTES.into());
        }
    }

    /// Closes the channels of this connection.
    fn close_channels(&self, code: CloseCode) {
        for channel in self.shared.channels().values() {
            if channel.link == self.id {
                channel.close(code);
            }
        }
    }
}

/// How many datagrams are handed on: so many at once, and as many again in each second.
#[derive(Debug)]
struct Allowance {
    left: f64,
    since: Instant,
}

impl Allowance {
    fn new(now: Instant) -> Self {
        Self { left: f64::from(limits::DATAGRAMS_PER_SECOND_MAX), since: now }
    }

    /// Takes one, if one is left.
    fn take(&mut self, now: Instant) -> bool {
        let most = f64::from(limits::DATAGRAMS_PER_SECOND_MAX);
        let earned = now.saturating_duration_since(self.since).as_secs_f64() * most;
        (self.left, self.since) = ((self.left + earned).min(most), now);
        let is_left = self.left >= 1.0;
        self.left -= f64::from(u8::from(is_left));
        is_left
    }
}

/// Whether the other device is still heard after a change of the network.
///
/// The transport beneath looks for a better way too, but keeps to one that it takes for good until that times out, which
/// what comes in on other ways puts off.
#[derive(Debug)]
struct Check {
    /// When to look next.
    at: Instant,
    heard: Option<(PathId, u64)>,
    /// When that was another count for the last time. What was on its way when the network changed may still come in, and
    /// says nothing about what will.
    heard_at: Instant,
    until: Instant,
}

impl Check {
    fn begin(connection: &LinkConnection) -> Self {
        let now = Instant::now();
        let (at, until) = (now + limits::NETWORK_CHANGE_LOOK, now + limits::NETWORK_CHANGE_WATCH);
        Self { at, heard: heard(connection), heard_at: now, until }
    }

    /// Looks; whether nothing was heard for too long.
    fn is_silent(&mut self, connection: &LinkConnection) -> bool {
        let heard = heard(connection);
        if heard != self.heard {
            (self.heard, self.heard_at) = (heard, self.at);
        }
        // Without a way in use there is nothing to compare.
        self.heard.is_some() && self.heard_at.elapsed() >= limits::NETWORK_CHANGE_SILENCE
    }

    /// The next look, unless it was watched for long enough.
    fn next(self) -> Option<Self> {
        (self.at < self.until).then(|| Self { at: Instant::now() + limits::NETWORK_CHANGE_LOOK, ..self })
    }
}

/// The way in use, and how much has come by it. What comes to try other ways does not count, since the transport takes it
/// for part of this one.
fn heard(connection: &LinkConnection) -> Option<(PathId, u64)> {
    let paths = connection.paths();
    let path = paths.iter().find(|path| path.is_selected())?;
    let frames = path.stats().frame_rx;
    Some((path.id(), frames.acks + frames.path_acks + frames.ping + frames.stream))
}

/// Waits until a check is due and takes it; never, without one. Cancel safe.
async fn due(check: &mut Option<Check>) -> Option<Check> {
    match check {
        Some(pending) => sleep_until(pending.at).await,
        None => std::future::pending().await,
    }
    check.take()
}

/// Reads a stream's first byte and serves it as what it says.
async fn serve_stream(context: ChannelContext, streams: (SendStream, RecvStream), serving: Arc<Semaphore>) {
    let (mut send, mut recv) = streams;
    let mut kind = [0];
    let first = timeout(limits::HANDSHAKE_TIMEOUT, recv.read(&mut kind)).await;
    if !matches!(first, Ok(Ok(Some(1)))) {
        refuse(&mut send, &mut recv, CloseCode::TIMEOUT);
        return;
    }
    let Some(kind) = RequestKind::new(kind[0]) else {
        debug_assert_eq!(kind[0], CHANNEL_KIND);
        let end = context.shared.new_channel(context.link);
        channel::run(context, end, (send, recv), false).await;
        return;
    };
    // The other side keeps to the same limit, so a place is free now or in a moment.
    let Ok(Ok(permit)) = timeout(limits::HANDSHAKE_TIMEOUT, serving.acquire_owned()).await else {
        refuse(&mut send, &mut recv, CloseCode::BUSY);
        return;
    };
    // An error means that the stream has ended, which the node sees when it uses it.
    let _ = send.set_priority(REQUEST_PRIORITY);
    let ChannelContext { peer, connection, events, .. } = context;
    let stream = FrameStream::new(peer, (*connection).clone(), (send, recv), Some(permit), false);
    events.send(NetEvent::Request { peer, kind, stream }).await;
}

fn refuse(send: &mut SendStream, recv: &mut RecvStream, code: CloseCode) {
    // Errors mean that the directions have ended already.
    let _ = send.reset(code.to_wire());
    let _ = recv.stop(code.to_wire());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn so_many_datagrams_a_second_are_handed_on() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        let many = 10 * limits::DATAGRAMS_PER_SECOND_MAX;
        let mut take = |at: Instant| (0..many).filter(|_| allowance.take(at)).count();
        assert_eq!(take(start), limits::DATAGRAMS_PER_SECOND_MAX as usize);
        assert_eq!(take(start + Duration::from_millis(500)), limits::DATAGRAMS_PER_SECOND_MAX as usize / 2);
        assert_eq!(take(start + Duration::from_secs(60)), limits::DATAGRAMS_PER_SECOND_MAX as usize);
    }
}
