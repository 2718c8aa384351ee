//! Connections: dialing, keeping one per pair, restarts, limits, the end.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Hostile, Node, PATIENCE, close_code, fresh_key, loopback, pair};
use tokio::time::{sleep, timeout};
use weft_net::{
    Address, CloseCode, DisconnectReason, Net, NetError, NetEvent, PeerInfo, PeerState, RequestError,
    SendError, WantError, limits,
};

/// Waits until every event queue has been quiet for a moment and returns what came.
async fn settle(node: &mut Node) -> Vec<NetEvent> {
    let mut events = Vec::new();
    while let Ok(event) = timeout(Duration::from_millis(300), node.next()).await {
        events.push(event);
    }
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_dial_each_other_at_once_get_one_connection() {
    for round in 0..8 {
        let (mut a, mut b) = (Node::start().await, Node::start().await);
        tokio::join!(a.want(&b), b.want(&a));
        let a_dialed = a.connected_to(b.id()).await;
        let b_dialed = b.connected_to(a.id()).await;
        assert_ne!(a_dialed, b_dialed, "round {round}: both keep the same connection");
        let (after_a, after_b) = tokio::join!(settle(&mut a), settle(&mut b));
        assert!(
            after_a.is_empty() && after_b.is_empty(),
            "round {round}: nothing flaps: {after_a:?} {after_b:?}"
        );
        assert!(a.net.open_channel(b.id()).is_ok());
        b.channel_up().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_mesh_forms_at_once() {
    let mut nodes = Vec::new();
    for _ in 0..5 {
        nodes.push(Node::start().await);
    }
    let start = Instant::now();
    for node in &nodes {
        for other in nodes.iter().filter(|other| other.id() != node.id()) {
            node.want(other).await;
        }
    }
    let ids: Vec<_> = nodes.iter().map(Node::id).collect();
    for node in &mut nodes {
        let mut missing: Vec<_> = ids.iter().filter(|id| **id != node.net.id()).collect();
        while !missing.is_empty() {
            if let NetEvent::Connected { peer, .. } = node.next().await {
                missing.retain(|id| **id != peer);
            }
        }
    }
    println!("5 nodes, 10 connections after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// A node in a runtime of its own that can vanish as if the process had been killed.
struct Mortal {
    runtime: Option<tokio::runtime::Runtime>,
    address: std::net::SocketAddr,
}

impl Mortal {
    fn start(key: [u8; 32], listen: std::net::SocketAddr, peer: &Node) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (id, addresses) = (peer.id(), peer.addresses());
        let address = std::thread::scope(|scope| {
            let started = scope.spawn(|| {
                runtime.block_on(async {
                    let mut config = loopback(key);
                    config.listen = vec![listen];
                    let mut node = Node::with(config).await;
                    node.net.want(id, addresses).await.unwrap();
                    let address = node.address();
                    tokio::spawn(async move {
                        let Node { net: _net, events } = &mut node;
                        while events.recv().await.is_some() {}
                    });
                    address
                })
            });
            started.join().unwrap()
        });
        Self { runtime: Some(runtime), address }
    }

    fn kill(mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_node_that_comes_back_on_its_port_is_connected_in_a_moment() {
    let mut a = Node::start().await;
    let key = fresh_key();
    let b = Mortal::start(key, "127.0.0.1:0".parse().unwrap(), &a);
    let id = a
        .until(|event| match event {
            NetEvent::Connected { peer, .. } => Some(peer),
            _ => None,
        })
        .await;
    let address = b.address;
    a.net.want(id, vec![address.into()]).await.unwrap();
    let channel = a.net.open_channel(id).unwrap();
    a.channel_up().await;
    b.kill();
    sleep(Duration::from_millis(200)).await;
    let start = Instant::now();
    let b = Mortal::start(key, address, &a);
    let mut order = Vec::new();
    let took = loop {
        match a.next().await {
            NetEvent::ChannelDown { channel: down, code } => {
                assert_eq!(down, channel);
                order.push(format!("channel down {code:?}"));
            }
            NetEvent::Disconnected { peer, .. } => {
                assert_eq!(peer, id);
                order.push("disconnected".to_owned());
            }
            NetEvent::Connected { .. } => break start.elapsed(),
            other => panic!("unexpected {other:?}"),
        }
    };
    assert_eq!(order, ["channel down None", "disconnected"], "the old connection ends first");
    println!("connected again {took:?} after the restart");
    assert!(took < Duration::from_secs(3), "{took:?}");
    b.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_addresses_among_several_cost_nothing() {
    let (mut a, b) = (Node::start().await, Node::start().await);
    let dead = ["127.0.0.1:1", "192.0.2.1:4455", "127.0.0.9:9"].map(|text| text.parse::<Address>().unwrap());
    let addresses: Vec<_> = dead.into_iter().chain(b.addresses()).collect();
    let start = Instant::now();
    a.net.want(b.id(), addresses).await.unwrap();
    a.connected_to(b.id()).await;
    println!("connected after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_starts_later_is_reached_and_a_better_address_is_tried_at_once() {
    let (mut a, b) = (Node::start().await, Node::start().await);
    a.net.want(b.id(), vec!["127.0.0.1:1".parse().unwrap()]).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    assert!(matches!(a.net.peers().await[0].state, PeerState::Dialing));
    let start = Instant::now();
    a.want(&b).await;
    a.connected_to(b.id()).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_device_at_the_address_is_never_connected() {
    let (a, mut b) = (Node::start().await, Node::start().await);
    let stranger = iroh::SecretKey::from_bytes(&fresh_key()).public();
    let id = weft_sync::EndpointId::from_bytes(*stranger.as_bytes());
    a.net.want(id, b.addresses()).await.unwrap();
    let state = timeout(PATIENCE, async {
        loop {
            match a.net.peers().await.remove(0).state {
                PeerState::Waiting { last_error: Some(error), failures, .. } if failures > 0 => return error,
                _ => sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await
    .unwrap();
    assert_eq!(state, "another device answers at this address");
    assert!(settle(&mut b).await.is_empty());
    let error = a.net.join_stream(&b.addresses(), id).await.unwrap_err();
    assert!(error.hint().contains("new ticket"));
}

#[tokio::test]
async fn ids_that_are_no_keys_and_the_own_one_are_refused() {
    let a = Node::start().await;
    let nobody = weft_sync::EndpointId::from_bytes([2; 32]);
    assert_eq!(a.net.want(nobody, vec![]).await, Err(WantError::InvalidId { peer: nobody }));
    assert_eq!(a.net.want(a.id(), vec![]).await, Err(WantError::Ourselves));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutting_down_delivers_what_is_queued_and_says_goodbye() {
    let (a, mut b, on_a, _) = pair().await;
    for number in 0..100u8 {
        a.net.send(on_a, Bytes::from(vec![number; 1000])).unwrap();
    }
    let start = Instant::now();
    a.net.shutdown().await;
    println!("shut down in {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_millis(900));
    for number in 0..100u8 {
        assert_eq!(b.frame().await[0], number);
    }
    let NetEvent::ChannelDown { code, .. } = b.next().await else { panic!("the channel ends") };
    assert_eq!(code, Some(CloseCode::SHUTDOWN));
    let NetEvent::Disconnected { reason, .. } = b.next().await else { panic!("the connection ends") };
    assert_eq!(reason, DisconnectReason::ByPeer(CloseCode::SHUTDOWN));
    let mut a = a;
    let reason = a
        .until(|event| match event {
            NetEvent::Disconnected { reason, .. } => Some(reason),
            _ => None,
        })
        .await;
    assert_eq!(reason, DisconnectReason::ByUs(CloseCode::SHUTDOWN));
    assert!(a.events.recv().await.is_none(), "no event after the end");
    assert_eq!(a.net.want(b.id(), vec![]).await, Err(WantError::ShutDown));
    assert_eq!(a.net.send(on_a, Bytes::new()), Err(SendError::Closed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_last_handle_ends_everything_too() {
    let (a, mut b, ..) = pair().await;
    drop(a.net);
    let reason = b
        .until(|event| match event {
            NetEvent::Disconnected { reason, .. } => Some(reason),
            _ => None,
        })
        .await;
    assert_eq!(reason, DisconnectReason::ByPeer(CloseCode::SHUTDOWN));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unwanted_peer_is_told_so() {
    let (mut a, mut b, ..) = pair().await;
    a.net.unwant(b.id()).await;
    for (node, expected) in [
        (&mut a, DisconnectReason::ByUs(CloseCode::UNWANTED)),
        (&mut b, DisconnectReason::ByPeer(CloseCode::UNWANTED)),
    ] {
        let reason = node
            .until(|event| match event {
                NetEvent::Disconnected { reason, .. } => Some(reason),
                _ => None,
            })
            .await;
        assert_eq!(reason, expected);
    }
    assert!(a.net.peers().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_limited_and_do_not_keep_wanted_peers_out() {
    let mut node = Node::start().await;
    let mut strangers = Vec::new();
    for _ in 0..limits::STRANGERS_MAX {
        let hostile = Hostile::new().await;
        let connection = hostile.connect(&node).await;
        node.connected_to(hostile.id()).await;
        strangers.push((hostile, connection));
    }
    let ninth = Hostile::new().await;
    let connection = ninth.connect(&node).await;
    assert_eq!(close_code(&connection).await, u64::from(CloseCode::BUSY.0));
    let mut friend = Node::start().await;
    node.net.want(friend.id(), vec![]).await.unwrap();
    friend.want(&node).await;
    friend.connected_to(node.id()).await;
    // A stranger may open so many streams and no more.
    let (_, connection) = &strangers[0];
    let mut streams = Vec::new();
    for _ in 0..limits::STRANGER_STREAMS_MAX {
        streams.push(Hostile::open(connection, 0).await);
    }
    let fifth = timeout(Duration::from_millis(300), connection.open_bi()).await;
    assert!(fifth.is_err(), "the fifth stream waits");
    node.net.want(strangers[0].0.id(), vec![]).await.unwrap();
    assert!(timeout(PATIENCE, connection.open_bi()).await.unwrap().is_ok(), "a wanted peer may open more");
}

#[tokio::test]
async fn a_taken_port_is_an_error_with_a_hint_when_asked_for_and_none_when_only_preferred() {
    let first = Node::start().await;
    let mut config = loopback(fresh_key());
    config.listen = vec![first.address()];
    let error = Net::start(config).await.unwrap_err();
    assert!(matches!(error, NetError::Listen { .. }));
    assert!(error.hint().contains("--listen"), "{error}: {}", error.hint());
    assert!(error.to_string().contains(&first.address().to_string()), "{error}");

    let everywhere = |preferred_port| {
        let mut config = loopback(fresh_key());
        config.listen = vec![];
        config.preferred_port = preferred_port;
        config
    };
    let second = Node::with(everywhere(None)).await;
    let port = second.address().port();
    let third = Node::with(everywhere(Some(port))).await;
    assert_ne!(third.address().port(), port);
    second.net.shutdown().await;
    drop(second);
    let again = timeout(PATIENCE, async {
        loop {
            // The last socket may need a moment to close.
            let node = Node::with(everywhere(Some(port))).await;
            if node.address().port() == port {
                return node;
            }
        }
    });
    assert!(again.await.is_ok());
}

#[tokio::test]
async fn a_relay_that_is_none_is_refused() {
    let mut config = loopback(fresh_key());
    config.relay = Some("relay.example".to_owned());
    let error = Net::start(config).await.unwrap_err();
    assert!(error.hint().contains("https://"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_of_another_version_is_told_from_one_that_is_not_there() {
    let (node, other) = (Node::start().await, Hostile::new().await);
    other.endpoint.set_alpns(vec![b"weft/sync/2".to_vec(), b"weft/join/2".to_vec()]);
    let endpoint = other.endpoint.clone();
    let accepting = tokio::spawn(async move {
        while let Some(incoming) = endpoint.accept().await {
            // It cannot succeed: they have no protocol in common.
            let _ = incoming.await;
        }
    });
    let addresses = vec![Address::Ip(other.endpoint.bound_sockets()[0])];
    let error = node.net.join_stream(&addresses, other.id()).await.unwrap_err();
    assert!(matches!(error, RequestError::OtherVersion), "{error:?}");
    node.net.want(other.id(), addresses).await.unwrap();
    let told = async {
        loop {
            if let [PeerInfo { state: PeerState::Waiting { last_error: Some(error), .. }, .. }] =
                &node.net.peers().await[..]
            {
                break error.clone();
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    let told = timeout(PATIENCE, told).await.unwrap();
    assert!(told.contains("another version"), "{told}");
    accepting.abort();
}
