//! What takes time in earnest, with the shorter times of unit tests: peers that connect and then do nothing.

use std::time::{Duration, Instant};

use iroh::{
    Endpoint, EndpointAddr, PublicKey, SecretKey, TransportAddr,
    endpoint::{Connection, ConnectionError, presets},
};
use tokio::time::timeout;

use futures_util::future::join_all;
use weft_sync::EndpointId;

use crate::{CloseCode, Net, NetConfig, NetEvent, NetEvents, RequestKind, limits};

async fn start(seed: u8) -> (Net, NetEvents) {
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    let config = NetConfig { secret_key: [seed; 32], listen, preferred_port: None, lan: false, relay: None };
    Net::start(config).await.unwrap()
}

async fn dial(net: &Net, seed: u8, alpn: &[u8]) -> (Endpoint, Connection) {
    let builder = Endpoint::builder(presets::Minimal).secret_key(SecretKey::from_bytes(&[seed; 32]));
    let endpoint = builder.clear_ip_transports().bind_addr("127.0.0.1:0").unwrap().bind().await.unwrap();
    let id = PublicKey::from_bytes(net.id().as_bytes()).unwrap();
    let target = EndpointAddr::from_parts(id, [TransportAddr::Ip(net.listening()[0])]);
    let connection = endpoint.connect(target, alpn).await.unwrap();
    (endpoint, connection)
}

async fn greet(connection: &Connection) {
    greet_with(connection, 17).await;
}

/// Greets in so many bytes: later versions may append to a greeting.
async fn greet_with(connection: &Connection, length: usize) {
    let mut stream = connection.open_uni().await.unwrap();
    let prefix = u32::try_from(length).unwrap().to_be_bytes();
    stream.write_all(&[&prefix[..], &[1], &vec![7; length - 1]].concat()).await.unwrap();
    stream.finish().unwrap();
}

/// Dials and greets, and waits until that is known.
async fn connect(net: &Net, events: &mut NetEvents, seed: u8) -> (Endpoint, Connection, EndpointId) {
    let (endpoint, connection) = dial(net, seed, b"weft/sync/1").await;
    greet(&connection).await;
    loop {
        if let NetEvent::Connected { peer, .. } = events.recv().await.unwrap() {
            return (endpoint, connection, peer);
        }
    }
}

async fn code_of_end(connection: &Connection) -> CloseCode {
    match timeout(Duration::from_secs(10), connection.closed()).await.unwrap() {
        ConnectionError::ApplicationClosed(close) => CloseCode::from_wire(close.error_code),
        other => panic!("ended otherwise: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_connects_and_says_nothing_is_closed() {
    let (net, _events) = start(1).await;
    for (seed, alpn) in [(2, &b"weft/sync/1"[..]), (3, b"weft/join/1")] {
        let (_endpoint, connection) = dial(&net, seed, alpn).await;
        let start = Instant::now();
        assert_eq!(code_of_end(&connection).await, CloseCode::TIMEOUT);
        assert!(start.elapsed() < limits::HANDSHAKE_TIMEOUT * 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_without_a_stream_is_closed_and_one_with_a_request_in_progress_is_not() {
    let (net, mut events) = start(4).await;
    let (_endpoint, connection) = dial(&net, 5, b"weft/sync/1").await;
    greet(&connection).await;
    let (mut send, _recv) = connection.open_bi().await.unwrap();
    send.write_all(&[9]).await.unwrap();
    let held = loop {
        if let NetEvent::Request { kind, stream, .. } = events.recv().await.unwrap() {
            assert_eq!(Some(kind), RequestKind::new(9));
            break stream;
        }
    };
    let early = timeout(limits::STRANGER_IDLE * 3, connection.closed()).await;
    assert!(early.is_err(), "closed while it was being served: {early:?}");
    drop(held);
    assert_eq!(code_of_end(&connection).await, CloseCode::IDLE);
    loop {
        if let NetEvent::Disconnected { reason, .. } = events.recv().await.unwrap() {
            assert_eq!(reason, crate::DisconnectReason::ByUs(CloseCode::IDLE));
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_whose_first_byte_never_comes_is_given_up() {
    let (net, mut events) = start(6).await;
    let (_endpoint, connection) = dial(&net, 7, b"weft/sync/1").await;
    greet(&connection).await;
    let peer = loop {
        if let NetEvent::Connected { peer, .. } = events.recv().await.unwrap() {
            break peer;
        }
    };
    net.want(peer, vec![]).await.unwrap();
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    // An end without a byte makes the stream known.
    send.finish().unwrap();
    let code = recv.received_reset().await.unwrap();
    assert_eq!(code.map(CloseCode::from_wire), Some(CloseCode::TIMEOUT));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_greeting_has_so_many_bytes_at_most() {
    let (net, mut events) = start(8).await;
    let (_endpoint, connection) = dial(&net, 9, b"weft/sync/1").await;
    greet_with(&connection, limits::GREETING_BYTES_MAX).await;
    while !matches!(events.recv().await.unwrap(), NetEvent::Connected { .. }) {}
    let (_endpoint, connection) = dial(&net, 10, b"weft/sync/1").await;
    greet_with(&connection, limits::GREETING_BYTES_MAX + 1).await;
    assert_eq!(code_of_end(&connection).await, CloseCode::PROTOCOL);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_handshakes_are_in_progress_and_more_are_refused() {
    let (net, _events) = start(11).await;
    let (endpoint, first) = dial(&net, 12, b"weft/sync/1").await;
    let id = PublicKey::from_bytes(net.id().as_bytes()).unwrap();
    let target = EndpointAddr::from_parts(id, [TransportAddr::Ip(net.listening()[0])]);
    let dial = || endpoint.connect(target.clone(), b"weft/sync/1");
    drop(first);
    // Where all of them took longer than each may be silent, it is tried again.
    for _ in 0..10 {
        let silent: Vec<_> = join_all((0..limits::HANDSHAKES_MAX).map(|_| dial())).await;
        let one_more = dial().await;
        let is_open = |connection: &Connection| connection.close_reason().is_none();
        if silent.iter().all(|connection| connection.as_ref().is_ok_and(is_open)) {
            assert!(one_more.is_err(), "one more than the limit was let in");
            return;
        }
        drop((silent, one_more));
        tokio::time::sleep(limits::HANDSHAKE_TIMEOUT).await;
    }
    panic!("so many handshakes were never in progress at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wanted_peer_has_so_many_streams() {
    let (net, mut events) = start(13).await;
    let (_endpoint, connection, peer) = connect(&net, &mut events, 14).await;
    net.want(peer, vec![]).await.unwrap();
    let mut streams = Vec::new();
    for _ in 0..limits::PEER_STREAMS_MAX {
        let (mut send, recv) = connection.open_bi().await.unwrap();
        send.write_all(&[0]).await.unwrap();
        streams.push((send, recv));
    }
    let one_more = timeout(Duration::from_millis(300), connection.open_bi()).await;
    assert!(one_more.is_err(), "one more than the limit");
    // QUIC tells of room again when an eighth of the streams has ended.
    streams.truncate(streams.len() / 2);
    assert!(timeout(Duration::from_secs(10), connection.open_bi()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_requests_of_a_peer_are_served_and_one_more_is_told_to_come_again() {
    let (net, mut events) = start(15).await;
    let (_endpoint, connection, peer) = connect(&net, &mut events, 16).await;
    net.want(peer, vec![]).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..limits::REQUESTS_MAX {
        let (mut send, recv) = connection.open_bi().await.unwrap();
        send.write_all(&[9]).await.unwrap();
        held.push((send, recv));
    }
    let mut served = Vec::new();
    while served.len() < limits::REQUESTS_MAX {
        if let NetEvent::Request { stream, .. } = events.recv().await.unwrap() {
            served.push(stream);
        }
    }
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    send.write_all(&[9]).await.unwrap();
    let code = recv.received_reset().await.unwrap();
    assert_eq!(code.map(CloseCode::from_wire), Some(CloseCode::BUSY));
}
