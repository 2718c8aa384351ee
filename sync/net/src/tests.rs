//! What takes time in earnest, with the shorter times of unit tests: peers that connect and then do nothing.

use std::time::{Duration, Instant};

use iroh::{
    Endpoint, EndpointAddr, PublicKey, SecretKey, TransportAddr,
    endpoint::{Connection, ConnectionError, presets},
};
use tokio::time::timeout;

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
    let mut stream = connection.open_uni().await.unwrap();
    stream.write_all(&[&[0, 0, 0, 17, 1][..], &[7; 16]].concat()).await.unwrap();
    stream.finish().unwrap();
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
