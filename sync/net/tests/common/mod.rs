//! Real endpoints on the loopback interface.

#![allow(dead_code, reason = "each test file uses a part")]
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use iroh::{
    Endpoint, EndpointAddr, PublicKey, SecretKey, TransportAddr,
    endpoint::{Connection, RecvStream, SendStream, presets},
};
use tokio::time::timeout;
use weft_net::{Address, ChannelId, Net, NetConfig, NetEvent, NetEvents};
use weft_sync::EndpointId;

/// Far longer than anything here takes; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A key that no other test of this process uses.
pub(crate) fn fresh_key() -> [u8; 32] {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let mut key = [0; 32];
    key[..8].copy_from_slice(&LAST.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    key[8..12].copy_from_slice(&std::process::id().to_be_bytes());
    key
}

pub(crate) fn loopback(key: [u8; 32]) -> NetConfig {
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    NetConfig { secret_key: key, listen, preferred_port: None, lan: false, relay: None }
}

/// A transport and everything it said so far.
pub(crate) struct Node {
    pub(crate) net: Net,
    pub(crate) events: NetEvents,
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::with(loopback(fresh_key())).await
    }

    pub(crate) async fn with(config: NetConfig) -> Self {
        let (net, events) = Net::start(config).await.unwrap();
        Self { net, events }
    }

    pub(crate) fn id(&self) -> EndpointId {
        self.net.id()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.net.listening()[0]
    }

    pub(crate) fn addresses(&self) -> Vec<Address> {
        vec![self.address().into()]
    }

    pub(crate) async fn want(&self, other: &Self) {
        self.net.want(other.id(), other.addresses()).await.unwrap();
    }

    /// The next event that is not about addresses.
    pub(crate) async fn next(&mut self) -> NetEvent {
        loop {
            let event = timeout(PATIENCE, self.events.recv()).await.expect("an event in time");
            match event.expect("a running transport") {
                NetEvent::AddressesChanged | NetEvent::LanSeen { .. } => {}
                event => return event,
            }
        }
    }

    /// Skips events until one fits.
    pub(crate) async fn until<T>(&mut self, mut pick: impl FnMut(NetEvent) -> Option<T>) -> T {
        loop {
            if let Some(found) = pick(self.next().await) {
                return found;
            }
        }
    }

    pub(crate) async fn connected_to(&mut self, peer: EndpointId) -> bool {
        self.until(|event| match event {
            NetEvent::Connected { peer: up, dialer, .. } if up == peer => Some(dialer),
            _ => None,
        })
        .await
    }

    pub(crate) async fn channel_up(&mut self) -> ChannelId {
        self.until(|event| match event {
            NetEvent::ChannelUp { channel, .. } => Some(channel),
            _ => None,
        })
        .await
    }

    pub(crate) async fn frame(&mut self) -> bytes::Bytes {
        self.until(|event| match event {
            NetEvent::Frame { bytes, .. } => Some(bytes),
            _ => None,
        })
        .await
    }
}

/// Two connected nodes and a channel that the first one opened.
pub(crate) async fn pair() -> (Node, Node, ChannelId, ChannelId) {
    let (mut a, mut b) = (Node::start().await, Node::start().await);
    b.net.want(a.id(), Vec::new()).await.unwrap();
    a.want(&b).await;
    assert!(a.connected_to(b.id()).await);
    assert!(!b.connected_to(a.id()).await);
    let on_a = a.net.open_channel(b.id()).unwrap();
    assert_eq!(a.channel_up().await, on_a);
    let on_b = b.channel_up().await;
    (a, b, on_a, on_b)
}

/// A peer that does not use this package, to break its rules.
pub(crate) struct Hostile {
    pub(crate) endpoint: Endpoint,
}

impl Hostile {
    pub(crate) async fn new() -> Self {
        let endpoint = Endpoint::builder(presets::Minimal)
            .secret_key(SecretKey::from_bytes(&fresh_key()))
            .clear_ip_transports()
            .bind_addr("127.0.0.1:0")
            .unwrap()
            .bind()
            .await
            .unwrap();
        Self { endpoint }
    }

    pub(crate) fn id(&self) -> EndpointId {
        EndpointId::from_bytes(*self.endpoint.id().as_bytes())
    }

    pub(crate) async fn dial(&self, node: &Node, alpn: &[u8]) -> Connection {
        let id = PublicKey::from_bytes(node.id().as_bytes()).unwrap();
        let target = EndpointAddr::from_parts(id, [TransportAddr::Ip(node.address())]);
        self.endpoint.connect(target, alpn).await.unwrap()
    }

    /// Dials and greets; whether the node kept the connection shows later.
    pub(crate) async fn connect(&self, node: &Node) -> Connection {
        let connection = self.dial(node, b"weft/sync/1").await;
        let mut greeting = vec![0, 0, 0, 17, 1];
        greeting.extend([7; 16]);
        if let Ok(mut stream) = connection.open_uni().await {
            // The node may have closed the connection already.
            let _ = stream.write_all(&greeting).await;
            let _ = stream.finish();
        }
        connection
    }

    /// Opens a stream whose first byte says what it is.
    pub(crate) async fn open(connection: &Connection, kind: u8) -> (SendStream, RecvStream) {
        let (mut send, recv) = connection.open_bi().await.unwrap();
        send.write_all(&[kind]).await.unwrap();
        (send, recv)
    }
}

/// The code with which the other side closed a connection.
pub(crate) async fn close_code(connection: &Connection) -> u64 {
    use iroh::endpoint::ConnectionError;
    match timeout(PATIENCE, connection.closed()).await.expect("an end in time") {
        ConnectionError::ApplicationClosed(close) => close.error_code.into_inner(),
        other => panic!("ended otherwise: {other}"),
    }
}
