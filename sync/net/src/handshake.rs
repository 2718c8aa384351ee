//! Short tasks that bring a connection from the first packet to the other side's greeting, each under a timeout.

use std::{sync::Arc, time::Duration};

use iroh::{
    Endpoint, EndpointAddr, PublicKey, TransportAddr,
    endpoint::{ConnectError, Connection, Incoming},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};
use weft_sync::EndpointId;

use crate::{
    Address, CloseCode, FrameStream, NetEvent, Path, PeerState, RequestError,
    driver::Report,
    greeting::{self, Greeting},
    limits,
    mesh::DialId,
    shared::EventSender,
};

/// The protocol of synchronisation.
pub(crate) const SYNC_ALPN: &[u8] = b"weft/sync/1";
/// The protocol of joining a workspace.
pub(crate) const JOIN_ALPN: &[u8] = b"weft/join/1";
/// How the transport words TLS alert 120: none of our protocol names is one of the other side's.
const NO_COMMON_PROTOCOL: &str = "the cryptographic handshake failed: error 120";
/// The first byte of a join stream, which makes the stream visible before anybody has something to say.
pub(crate) const JOIN_KIND: u8 = 1;

/// Accepts one incoming connection.
#[derive(Debug)]
pub(crate) struct Accept {
    pub(crate) reports: mpsc::Sender<Report>,
    pub(crate) events: EventSender,
    pub(crate) joins: Arc<Semaphore>,
}

impl Accept {
    pub(crate) async fn run(self, incoming: Incoming, place: OwnedSemaphorePermit) {
        let shake = async { incoming.accept().ok()?.await.ok() };
        // Whoever does not finish a handshake is not worth a message.
        let Ok(Some(connection)) = timeout(limits::HANDSHAKE_TIMEOUT, shake).await else { return };
        let peer = EndpointId::from_bytes(*connection.remote_id().as_bytes());
        if connection.alpn() == JOIN_ALPN {
            self.accept_join(peer, connection, place).await;
        } else {
            // The loop may have ended; then the connection ends here.
            let _ = self.reports.send(Report::Accepted { peer, connection, place }).await;
        }
    }

    async fn accept_join(self, peer: EndpointId, connection: Connection, place: OwnedSemaphorePermit) {
        let Ok(permit) = self.joins.try_acquire_owned() else {
            refuse(&connection, CloseCode::BUSY);
            return;
        };
        let open = async {
            let (send, mut recv) = connection.accept_bi().await.ok()?;
            let mut kind = [0];
            let read = recv.read(&mut kind).await;
            (matches!(read, Ok(Some(1))) && kind[0] == JOIN_KIND).then_some((send, recv))
        };
        let opened = timeout(limits::HANDSHAKE_TIMEOUT, open).await;
        drop(place);
        match opened {
            Ok(Some(streams)) => {
                let stream = FrameStream::new(peer, connection, streams, Some(permit), true);
                self.events.send(NetEvent::Join { peer, stream }).await;
            }
            Ok(None) => refuse(&connection, CloseCode::PROTOCOL),
            Err(_) => refuse(&connection, CloseCode::TIMEOUT),
        }
    }
}

/// Exchanges greetings up to the point where the other side has spoken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Greet {
    pub(crate) us: EndpointId,
    pub(crate) peer: EndpointId,
    pub(crate) instance: u64,
    /// The ticket of the last connection that the peer decided to keep.
    pub(crate) seen: u64,
}

impl Greet {
    /// Returns the other side's greeting; otherwise the connection is closed.
    pub(crate) async fn run(self, connection: &Connection) -> Option<Greeting> {
        let exchange = async {
            if !greeting::decides(self.us, self.peer) {
                greeting::send(connection, Greeting { instance: self.instance, ticket: self.seen }).await?;
            }
            greeting::receive(connection).await
        };
        match exchange.await {
            Ok(greeting) => Some(greeting),
            Err(error) => {
                refuse(connection, error.code());
                None
            }
        }
    }
}

/// Dials one peer once.
#[derive(Debug)]
pub(crate) struct Dial {
    pub(crate) endpoint: Endpoint,
    pub(crate) reports: mpsc::Sender<Report>,
    pub(crate) greet: Greet,
    pub(crate) dial: DialId,
    pub(crate) addresses: Vec<Address>,
}

impl Dial {
    pub(crate) async fn run(self) {
        let Self { reports, greet, dial, .. } = &self;
        let peer = greet.peer;
        let report = match connect(&self.endpoint, peer, &self.addresses, SYNC_ALPN).await {
            Ok(connection) => match greet.run(&connection).await {
                Some(greeting) => Report::Greeted { peer, connection, dial: Some(*dial), greeting },
                None => {
                    let error = refusal(&connection);
                    Report::DialFailed { peer, dial: *dial, error }
                }
            },
            Err(error) => Report::DialFailed { peer, dial: *dial, error: explain(&error) },
        };
        // The loop may have ended; then nobody needs to know.
        let _ = reports.send(report).await;
    }
}

/// Connects to a peer at any of the addresses, or wherever the local lookup finds it.
pub(crate) async fn connect(
    endpoint: &Endpoint,
    peer: EndpointId,
    addresses: &[Address],
    alpn: &[u8],
) -> Result<Connection, RequestError> {
    let id = PublicKey::from_bytes(peer.as_bytes()).map_err(|_| RequestError::InvalidId { peer })?;
    if id == endpoint.id() {
        return Err(RequestError::InvalidId { peer });
    }
    let transport = addresses.iter().filter_map(Address::to_transport);
    let target = EndpointAddr::from_parts(id, transport);
    match timeout(limits::HANDSHAKE_TIMEOUT, endpoint.connect(target, alpn)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(connect_error(&error)),
        Err(_) => {
            let tried: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            let tried = if tried.is_empty() { "no address known".to_owned() } else { tried.join(", ") };
            let seconds = limits::HANDSHAKE_TIMEOUT.as_secs();
            Err(RequestError::Unreachable { reason: format!("no answer within {seconds} s ({tried})") })
        }
    }
}

fn connect_error(error: &ConnectError) -> RequestError {
    // `{:?}` would show places in source files; `{:#}` shows the causes in one line.
    let reason = format!("{error:#}");
    // The certificate is the endpoint's key, so the wrong key shows up as an unknown issuer.
    if reason.contains("UnknownIssuer") {
        RequestError::WrongDevice
    } else if reason.contains(NO_COMMON_PROTOCOL) {
        RequestError::OtherVersion
    } else {
        RequestError::Unreachable { reason }
    }
}

fn explain(error: &RequestError) -> String {
    match error {
        RequestError::Unreachable { reason } => reason.clone(),
        other => other.to_string(),
    }
}

/// Says why a connection ended before the other side greeted.
fn refusal(connection: &Connection) -> String {
    use iroh::endpoint::ConnectionError;
    match connection.close_reason() {
        Some(ConnectionError::ApplicationClosed(close)) => {
            format!("refused by the other device: {}", CloseCode::from_wire(close.error_code))
        }
        Some(ConnectionError::LocallyClosed) | None => "the other device did not greet".to_owned(),
        Some(error) => error.to_string(),
    }
}

fn refuse(connection: &Connection, code: CloseCode) {
    connection.close(code.to_wire(), code.reason().as_bytes());
}

/// Returns where the other side of a connection is.
pub(crate) fn address_of(connection: &Connection) -> Option<Address> {
    selected_path(connection).and_then(|(address, _)| Address::from_transport(&address))
}

fn selected_path(connection: &Connection) -> Option<(TransportAddr, Duration)> {
    let paths = connection.paths();
    let path = paths.iter().find(|path| path.is_selected()).or_else(|| paths.iter().next())?;
    Some((path.remote_addr().clone(), path.rtt()))
}

/// Describes a connection for people.
pub(crate) fn describe_path(connection: &Connection, dialer: bool, age: Duration) -> PeerState {
    let selected = selected_path(connection);
    let relayed = selected.as_ref().is_some_and(|(address, _)| address.is_relay());
    PeerState::Connected {
        path: if relayed { Path::Relay } else { Path::Direct },
        address: selected.as_ref().and_then(|(address, _)| Address::from_transport(address)),
        round_trip: selected.map_or(Duration::ZERO, |(_, round_trip)| round_trip),
        dialer,
        age,
    }
}
