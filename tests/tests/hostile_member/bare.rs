//! Bare connections, for what no honest transport does.

use std::{net::SocketAddr, time::Duration};

use iroh::{
    Endpoint, EndpointAddr, PublicKey, SecretKey, TransportAddr,
    endpoint::{Connection, RecvStream, SendStream, presets},
};
use tokio::time::timeout;
use weft_sync::EndpointId;

/// How long a node may take to let somebody in, or to let a stream begin.
const PATIENCE: Duration = Duration::from_millis(400);

/// Somebody with a key and no manners.
#[derive(Clone)]
pub(crate) struct Bare {
    endpoint: Endpoint,
}

impl Bare {
    pub(crate) async fn new(secret: [u8; 32]) -> Self {
        let endpoint = Endpoint::builder(presets::Minimal)
            .secret_key(SecretKey::from_bytes(&secret))
            .clear_ip_transports()
            .bind_addr("127.0.0.1:0")
            .expect("an address")
            .bind()
            .await
            .expect("a socket");
        Self { endpoint }
    }

    /// A connection, unless the node refuses.
    pub(crate) async fn dial(
        &self,
        peer: EndpointId,
        address: SocketAddr,
        protocol: &[u8],
    ) -> Option<Connection> {
        let id = PublicKey::from_bytes(peer.as_bytes()).expect("an id");
        let target = EndpointAddr::from_parts(id, [TransportAddr::Ip(address)]);
        timeout(PATIENCE, self.endpoint.connect(target, protocol)).await.ok()?.ok()
    }

    /// The first words of a transport.
    pub(crate) async fn greet(connection: &Connection) {
        Self::first_words(connection, &[&[0, 0, 0, 17, 1][..], &[7; 16]].concat()).await;
    }

    /// Words that are never finished.
    pub(crate) async fn half_a_greeting(connection: &Connection) {
        Self::first_words(connection, &[0, 0, 0, 17, 1]).await;
    }

    async fn first_words(connection: &Connection, bytes: &[u8]) {
        // The node may have hung up, which is its good right.
        if let Ok(Ok(mut stream)) = timeout(PATIENCE, connection.open_uni()).await {
            let _hung_up = stream.write_all(bytes).await;
        }
    }

    /// A stream of a kind, unless the node has too many.
    pub(crate) async fn open(connection: &Connection, kind: u8) -> Option<(SendStream, RecvStream)> {
        let (mut send, recv) = timeout(PATIENCE, connection.open_bi()).await.ok()?.ok()?;
        send.write_all(&[kind]).await.ok()?;
        Some((send, recv))
    }
}
