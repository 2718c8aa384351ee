//! The handle of the transport.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use iroh::{Endpoint, PublicKey};
use rand::{SeedableRng as _, rngs::StdRng};
use tokio::sync::{Semaphore, mpsc, oneshot};
use weft_sync::EndpointId;

use crate::{
    Address, ChannelId, CloseCode, FrameStream, NetError, NetEvents, OpenError, PeerInfo, RequestError,
    RequestKind, SendError, WantError, bind,
    driver::{Command, Driver},
    frame::FrameWriter,
    handshake::{self, JOIN_ALPN, JOIN_KIND},
    lan::Lan,
    limits,
    link::REQUEST_PRIORITY,
    mesh::{Mesh, MeshInput},
    shared::{ChannelHandle, EventSender, LinkHandle, Shared},
};

/// How the transport starts.
#[derive(Clone)]
pub struct NetConfig {
    /// The key that is this device's identity on the network. Two running processes must never share it.
    pub secret_key: [u8; 32],
    /// Where to listen; empty for every address of the computer.
    pub listen: Vec<SocketAddr>,
    /// The port to try first where `listen` leaves it to the system, so that other devices find this one where it was.
    pub preferred_port: Option<u16>,
    /// Whether to look for devices on the local network and to be found there. When off, nothing is announced or asked.
    pub lan: bool,
    /// The one relay to use; `None` for no relay at all.
    pub relay: Option<String>,
}

impl std::fmt::Debug for NetConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NetConfig")
            .field("secret_key", &"****")
            .field("listen", &self.listen)
            .field("preferred_port", &self.preferred_port)
            .field("lan", &self.lan)
            .field("relay", &self.relay)
            .finish()
    }
}

/// The transport; clones are cheap and mean the same one.
///
/// It ends with [`Net::shutdown`], or when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Net {
    endpoint: Endpoint,
    us: EndpointId,
    relay: Option<Address>,
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
}

impl Net {
    /// Starts listening. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When an address cannot be listened on, or the relay's URL does not parse.
    pub async fn start(config: NetConfig) -> Result<(Self, NetEvents), NetError> {
        let random = || getrandom::u64().map_err(|error| NetError::Random { reason: error.to_string() });
        let (instance, seed) = (random()?, random()?);
        let relay = config.relay.as_deref().map(bind::parse_relay).transpose()?;
        let endpoint = bind::bind(&config, relay.clone()).await?;
        let relay = relay.map(|url| Address::Relay(url.to_string()));
        let us = EndpointId::from_bytes(*endpoint.id().as_bytes());
        let shared = Arc::new(Shared::default());
        let (commands, to_do) = mpsc::channel(limits::LOOP_QUEUE_LEN);
        let (report_to, reports) = mpsc::channel(limits::LOOP_QUEUE_LEN);
        let (events, queued) = mpsc::channel(limits::EVENT_QUEUE_LEN);
        let lan = config.lan.then(|| start_lan(&endpoint)).flatten();
        let driver = Driver {
            endpoint: endpoint.clone(),
            us,
            instance,
            shared: shared.clone(),
            lan,
            commands: to_do,
            reports,
            report_to,
            events: EventSender::new(events),
            mesh: Mesh::new(us, StdRng::seed_from_u64(seed)),
            links: BTreeMap::new(),
            tails: BTreeMap::new(),
            dials: BTreeMap::new(),
            handshakes: Arc::new(Semaphore::new(limits::HANDSHAKES_MAX)),
            joins: Arc::new(Semaphore::new(limits::JOINS_MAX)),
            unsent: crate::driver::Unsent::default(),
        };
        tokio::spawn(driver.run());
        Ok((Self { endpoint, us, relay, commands, shared }, NetEvents::new(queued)))
    }

    /// Returns this device's id.
    #[must_use]
    pub fn id(&self) -> EndpointId {
        self.us
    }

    /// Keeps a connection to a peer: dials it now if it is not connected, and again whenever the connection is lost, with
    /// growing pauses. Call it again with addresses learned later; they are tried at once. Where this device uses a relay,
    /// the peer is looked for there too.
    ///
    /// # Errors
    /// When the id is not a device's, or the transport has shut down.
    pub async fn want(&self, peer: EndpointId, mut addresses: Vec<Address>) -> Result<(), WantError> {
        if peer == self.us {
            return Err(WantError::Ourselves);
        }
        PublicKey::from_bytes(peer.as_bytes()).map_err(|_| WantError::InvalidId { peer })?;
        addresses.extend(self.missing_relay(&addresses));
        self.mesh(MeshInput::Want { peer, addresses }).await.map_err(|()| WantError::ShutDown)
    }

    /// Forgets a peer and closes its connection with [`CloseCode::UNWANTED`].
    pub async fn unwant(&self, peer: EndpointId) {
        // After a shutdown nobody is wanted anyway.
        let _ = self.mesh(MeshInput::Unwant { peer }).await;
    }

    /// Closes the connection to a peer at once; one that is wanted is dialed again after a pause.
    pub async fn disconnect(&self, peer: EndpointId, code: CloseCode) {
        // After a shutdown nobody is connected anyway.
        let _ = self.mesh(MeshInput::Disconnect { peer, code }).await;
    }

    /// The relay this device uses, unless it is among the addresses.
    fn missing_relay(&self, addresses: &[Address]) -> Option<Address> {
        self.relay.clone().filter(|relay| !addresses.contains(relay))
    }

    async fn mesh(&self, input: MeshInput) -> Result<(), ()> {
        self.commands.send(Command::Mesh(input)).await.map_err(|_| ())
    }

    /// Opens a channel to a connected peer. Frames may be sent at once. `ChannelUp` follows when the stream is open, and
    /// exactly one `ChannelDown` at its end, which may come without a `ChannelUp` if the connection is lost first.
    ///
    /// # Errors
    /// When the peer is not connected, or many channels wait to be opened.
    pub fn open_channel(&self, peer: EndpointId) -> Result<ChannelId, OpenError> {
        let link = self.link(peer).ok_or(OpenError::NotConnected)?;
        let place = link.opening.try_reserve().map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => OpenError::Busy,
            mpsc::error::TrySendError::Closed(()) => OpenError::NotConnected,
        })?;
        let end = self.shared.new_channel(link.id);
        let id = end.id;
        place.send(end);
        Ok(id)
    }

    /// Queues a frame. Never waits. `bytes` is kept, not copied, until it is written.
    ///
    /// # Errors
    /// [`SendError::Full`] when the peer reads more slowly than frames are queued: see [`Net::ready`].
    pub fn send(&self, channel: ChannelId, bytes: Bytes) -> Result<(), SendError> {
        // The lock covers the send: closing a channel and sending on it have an order.
        self.shared.channels().get(&channel).ok_or(SendError::Closed)?.send(bytes)
    }

    /// Waits until at least half of a channel's queue is free; `false` when the channel is closed.
    pub async fn ready(&self, channel: ChannelId) -> bool {
        match self.channel(channel) {
            Some(channel) => channel.ready().await,
            None => false,
        }
    }

    /// Queues a frame, waiting for room.
    ///
    /// # Errors
    /// When the channel is closed or the frame too long.
    pub async fn send_wait(&self, channel: ChannelId, bytes: Bytes) -> Result<(), SendError> {
        loop {
            match self.send(channel, bytes.clone()) {
                Err(SendError::Full) if self.ready(channel).await => {}
                Err(SendError::Full) => return Err(SendError::Closed),
                other => return other,
            }
        }
    }

    /// Returns how many bytes wait in a channel's queue.
    #[must_use]
    pub fn queued_bytes(&self, channel: ChannelId) -> usize {
        self.channel(channel).map_or(0, |channel| channel.queued_bytes())
    }

    /// Closes a channel: what is queued is delivered first, for two seconds at most, then the code. `ChannelDown` with the
    /// same code follows; frames of the peer may still arrive before it.
    pub fn close_channel(&self, channel: ChannelId, code: CloseCode) {
        if let Some(channel) = self.shared.channels().get(&channel) {
            channel.close(code);
        }
    }

    fn channel(&self, channel: ChannelId) -> Option<ChannelHandle> {
        self.shared.channels().get(&channel).cloned()
    }

    fn link(&self, peer: EndpointId) -> Option<LinkHandle> {
        self.shared.links().get(&peer).cloned()
    }

    /// Opens a request stream to a connected peer, below the channels in priority. Waits while many are in progress.
    ///
    /// # Errors
    /// When the peer is not connected or the connection ends first.
    pub async fn request(&self, peer: EndpointId, kind: RequestKind) -> Result<FrameStream, RequestError> {
        let link = self.link(peer).ok_or(RequestError::NotConnected)?;
        let lost = |reason: String| RequestError::Lost { reason };
        let permit = tokio::select! {
            permit = link.requests.clone().acquire_owned() => permit.map_err(|error| lost(error.to_string()))?,
            error = link.connection.closed() => return Err(lost(error.to_string())),
        };
        let (send, recv) = link.connection.open_bi().await.map_err(|error| lost(error.to_string()))?;
        // An error means that the stream has ended, which the first write tells better.
        let _ = send.set_priority(REQUEST_PRIORITY);
        let mut writer = FrameWriter::new(send);
        writer.kind(kind.get()).await.map_err(|error| lost(error.to_string()))?;
        let streams = (writer.into_stream(), recv);
        Ok(FrameStream::new(peer, (*link.connection).clone(), streams, Some(permit), false))
    }

    /// Sends a short message that may come late, twice or not at all; whether it went out. Never waits: where the way is
    /// busy, older ones that wait are dropped.
    #[must_use]
    pub fn send_datagram(&self, peer: EndpointId, bytes: Bytes) -> bool {
        let fits = bytes.len() <= limits::DATAGRAM_BYTES_MAX;
        fits && self.link(peer).is_some_and(|link| link.connection.send_datagram(bytes).is_ok())
    }

    /// Dials a device for joining a workspace, on a connection of its own that ends with the stream. Tries all addresses
    /// at once, the relay this device uses, and the local network. Call it again until somebody answers.
    ///
    /// # Errors
    /// When nobody answers within five seconds, or it is another device.
    pub async fn join_stream(
        &self,
        addresses: &[Address],
        peer: EndpointId,
    ) -> Result<FrameStream, RequestError> {
        if self.commands.is_closed() {
            return Err(RequestError::ShutDown);
        }
        let addresses = [addresses, self.missing_relay(addresses).as_slice()].concat();
        let connection = handshake::connect(&self.endpoint, peer, &addresses, JOIN_ALPN).await?;
        let lost = |reason: String| RequestError::Lost { reason };
        let (send, recv) = connection.open_bi().await.map_err(|error| lost(error.to_string()))?;
        let mut writer = FrameWriter::new(send);
        writer.kind(JOIN_KIND).await.map_err(|error| lost(error.to_string()))?;
        Ok(FrameStream::new(peer, connection, (writer.into_stream(), recv), None, true))
    }

    /// Describes every peer that is wanted or connected.
    pub async fn peers(&self) -> Vec<PeerInfo> {
        let (reply, answer) = oneshot::channel();
        if self.commands.send(Command::Peers(reply)).await.is_err() {
            return Vec::new();
        }
        answer.await.unwrap_or_default()
    }

    /// Returns where other devices can reach this one now, for tickets. The relay is among them even before this device has
    /// reached it.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        let mut addresses: Vec<_> =
            self.endpoint.addr().addrs.iter().filter_map(Address::from_transport).collect();
        addresses.extend(self.missing_relay(&addresses));
        addresses
    }

    /// Says whether this device has reached its relay, so that others can reach it there.
    #[must_use]
    pub fn is_at_relay(&self) -> bool {
        self.endpoint.addr().relay_urls().next().is_some()
    }

    /// Returns the relay that this device uses.
    #[must_use]
    pub fn relay(&self) -> Option<&Address> {
        self.relay.as_ref()
    }

    /// Returns the sockets that are listened on; remember the port for the next start.
    #[must_use]
    pub fn listening(&self) -> Vec<SocketAddr> {
        self.endpoint.bound_sockets()
    }

    /// Delivers what is queued for a moment, tells every peer that this device is leaving, and stops. Takes about a second
    /// at worst. The event queue ends after the last event.
    pub async fn shutdown(&self) {
        let (reply, done) = oneshot::channel();
        if self.commands.send(Command::Shutdown(reply)).await.is_ok() {
            // An error means that the loop has ended, which is what was asked for.
            let _ = done.await;
        }
    }
}

fn start_lan(endpoint: &Endpoint) -> Option<Lan> {
    let lan = Lan::new(endpoint.id());
    match endpoint.address_lookup() {
        Ok(services) => {
            services.add(lan.clone());
            Some(lan)
        }
        // The endpoint is already closed; the loop will notice.
        Err(_) => None,
    }
}
