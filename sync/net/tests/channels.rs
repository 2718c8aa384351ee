//! Channels: order, limits, back pressure, closing, and peers that break the rules.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{Hostile, Node, PATIENCE, close_code, pair};
use tokio::time::{sleep, timeout};
use weft_net::{ChannelId, CloseCode, NetEvent, OpenError, SendError, limits};

/// Sends back every frame until the channel ends.
async fn echo(mut node: Node) {
    loop {
        match node.events.recv().await {
            Some(NetEvent::Frame { channel, bytes }) => node.net.send_wait(channel, bytes).await.unwrap(),
            Some(NetEvent::ChannelDown { .. }) | None => return,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_of_every_size_come_back_in_order() {
    let (mut a, b, on_a, _) = pair().await;
    let echoing = tokio::spawn(echo(b));
    let sizes = [0, 1, 1000, 70_000, 3, limits::FRAME_BYTES_MAX, 0, 5];
    for (size, byte) in sizes.into_iter().zip(1u8..) {
        a.net.send(on_a, Bytes::from(vec![byte; size])).unwrap();
    }
    for (size, byte) in sizes.into_iter().zip(1u8..) {
        let frame = a.frame().await;
        assert!(frame.len() == size && frame.iter().all(|b| *b == byte), "frame {byte}");
    }
    a.net.close_channel(on_a, CloseCode(77));
    let NetEvent::ChannelDown { channel, code } = a.next().await else { panic!("the channel ends") };
    assert_eq!((channel, code), (on_a, Some(CloseCode(77))));
    assert_eq!(a.net.send(on_a, Bytes::new()), Err(SendError::Closed));
    echoing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_beyond_the_limit_is_not_sent_and_one_at_the_limit_is() {
    let (a, mut b, on_a, _) = pair().await;
    let too_long = Bytes::from(vec![0; limits::FRAME_BYTES_MAX + 1]);
    assert_eq!(a.net.send(on_a, too_long), Err(SendError::TooLong));
    a.net.send(on_a, Bytes::from(vec![0; limits::FRAME_BYTES_MAX])).unwrap();
    assert_eq!(b.frame().await.len(), limits::FRAME_BYTES_MAX);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_delivers_what_is_queued_and_then_the_code_to_both_sides() {
    let (mut a, mut b, on_a, on_b) = pair().await;
    for number in 0..200u32 {
        a.net.send(on_a, Bytes::from(number.to_be_bytes().repeat(1000))).unwrap();
    }
    a.net.close_channel(on_a, CloseCode(64));
    a.net.close_channel(on_a, CloseCode(65));
    for number in 0..200u32 {
        assert_eq!(b.frame().await[..4], number.to_be_bytes());
    }
    for (node, channel) in [(&mut b, on_b), (&mut a, on_a)] {
        let NetEvent::ChannelDown { channel: down, code } = node.next().await else {
            panic!("the channel ends")
        };
        assert_eq!((down, code), (channel, Some(CloseCode(64))));
    }
    // The connection goes on.
    let again = b.net.open_channel(a.id()).unwrap();
    b.net.send(again, Bytes::from_static(b"hello")).unwrap();
    assert_eq!(a.frame().await, "hello");
}

#[tokio::test]
async fn a_channel_to_nobody_is_not_opened() {
    let (a, b) = (Node::start().await, Node::start().await);
    assert_eq!(a.net.open_channel(b.id()), Err(OpenError::NotConnected));
}

/// Sends until the queue has been full for a while; returns how many frames were taken.
async fn fill(node: &Node, channel: ChannelId, frame: &Bytes) -> usize {
    let mut taken = 0;
    let mut full = 0;
    while full < 20 {
        match node.net.send(channel, frame.clone()) {
            Ok(()) => (taken, full) = (taken + 1, 0),
            Err(SendError::Full) => {
                full += 1;
                sleep(Duration::from_millis(20)).await;
            }
            Err(error) => panic!("{error}"),
        }
        assert!(taken < 1_000_000, "a peer that does not read takes everything");
    }
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_does_not_read_fills_bounded_queues_and_loses_nothing() {
    let (a, mut b, on_a, _) = pair().await;
    let frame = Bytes::from(vec![7; 64 * 1024]);
    let taken = fill(&a, on_a, &frame).await;
    let bytes = taken * frame.len();
    println!("{} MiB were taken before the queue was full", bytes >> 20);
    assert!(bytes < 48 << 20);
    assert!(a.net.queued_bytes(on_a) > limits::CHANNEL_QUEUE_BYTES / 2);
    let ready = tokio::spawn({
        let net = a.net.clone();
        async move { net.ready(on_a).await }
    });
    for _ in 0..taken {
        assert_eq!(b.frame().await.len(), frame.len());
    }
    assert!(timeout(PATIENCE, ready).await.unwrap().unwrap());
    a.net.send(on_a, Bytes::from_static(b"last")).unwrap();
    assert_eq!(b.frame().await, "last");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_a_node_keeps_make_their_sender_wait_and_no_other() {
    let (mut a, mut b, busy, _) = pair().await;
    let idle = a.net.open_channel(b.id()).unwrap();
    assert_eq!(a.channel_up().await, idle);
    b.channel_up().await;
    let frame = Bytes::from(vec![7; 64 * 1024]);
    let sending = tokio::spawn({
        let (net, frame) = (a.net.clone(), frame.clone());
        async move {
            for _ in 0..1_000 {
                net.send_wait(busy, frame.clone()).await.unwrap();
            }
        }
    });
    let mut kept = Vec::new();
    while kept.len() < limits::CHANNEL_EVENT_BYTES / frame.len() {
        kept.push(b.frame().await);
    }
    let another = timeout(Duration::from_millis(300), b.frame()).await;
    assert!(another.is_err(), "a node is given more than it has room for");
    a.net.send(idle, Bytes::from_static(b"not held up")).unwrap();
    assert_eq!(b.frame().await, "not held up");
    let mut count = kept.len();
    drop(kept);
    while count < 1_000 {
        assert_eq!(b.frame().await.len(), frame.len());
        count += 1;
    }
    sending.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tiny_frames_are_bounded_too() {
    let (a, _b, on_a, _) = pair().await;
    let taken = fill(&a, on_a, &Bytes::from_static(b"x")).await;
    println!("{taken} frames of one byte were taken before the queue was full");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_channel_can_be_closed_and_comes_back() {
    let (mut a, mut b, on_a, on_b) = pair().await;
    let taken = fill(&a, on_a, &Bytes::from(vec![7; 64 * 1024])).await;
    a.net.close_channel(on_a, CloseCode(70));
    let NetEvent::ChannelDown { code, .. } = a.next().await else { panic!("the channel ends") };
    assert_eq!(code, Some(CloseCode(70)));
    let again = a.net.open_channel(b.id()).unwrap();
    a.net.send(again, Bytes::from_static(b"again")).unwrap();
    let mut got = 0;
    let code = loop {
        match b.next().await {
            NetEvent::Frame { channel, .. } if channel == on_b => got += 1,
            NetEvent::ChannelDown { channel, code } if channel == on_b => break code,
            NetEvent::ChannelUp { .. } | NetEvent::Frame { .. } => {}
            other => panic!("unexpected {other:?}"),
        }
    };
    assert!(got <= taken);
    assert_eq!(code, Some(CloseCode(70)), "the slow side learns why");
}

/// A node with a connected peer that plays by the rules, and one that does not.
async fn with_hostile() -> (Node, Node, ChannelId, Hostile, iroh::endpoint::Connection) {
    let (mut a, b, on_a, _) = pair().await;
    let hostile = Hostile::new().await;
    let connection = hostile.connect(&a).await;
    a.connected_to(hostile.id()).await;
    (a, b, on_a, hostile, connection)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn breaking_the_framing_ends_that_connection_and_no_other() {
    let too_long = u32::try_from(limits::FRAME_BYTES_MAX + 1).unwrap().to_be_bytes().to_vec();
    let cut_short = vec![0, 0, 0, 9, 1, 2];
    for bytes in [too_long, cut_short, vec![0xff; 3]] {
        let (a, mut b, on_a, _hostile, connection) = with_hostile().await;
        let (mut send, _recv) = Hostile::open(&connection, 0).await;
        send.write_all(&bytes).await.unwrap();
        send.finish().unwrap();
        assert_eq!(close_code(&connection).await, u64::from(CloseCode::PROTOCOL.0), "{bytes:?}");
        a.net.send(on_a, Bytes::from_static(b"still here")).unwrap();
        assert_eq!(b.frame().await, "still here");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_bytes_on_streams_do_no_harm() {
    let (mut a, mut b, on_a, hostile, mut connection) = with_hostile().await;
    let mut seed = 1u32;
    for round in 0..40 {
        let bytes: Vec<u8> = (0..300)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8 & if round % 2 == 0 { 0xff } else { 1 }
            })
            .collect();
        if connection.close_reason().is_some() {
            connection = hostile.connect(&a).await;
            a.connected_to(hostile.id()).await;
        }
        if let Ok((mut send, _recv)) = connection.open_bi().await {
            // The node may close the connection at any moment.
            let _ = send.write_all(&bytes).await;
            let _ = send.finish();
            sleep(Duration::from_millis(10)).await;
        }
        while a.events.try_recv().is_some() {}
    }
    a.net.send(on_a, Bytes::from_static(b"still here")).unwrap();
    assert_eq!(b.frame().await, "still here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_greeting_ends_the_connection() {
    let node = Node::start().await;
    for (greeting, code) in [
        (vec![0, 0, 0, 1, 9], CloseCode::VERSION),
        (vec![0, 0, 0, 3, 1, 2, 3], CloseCode::PROTOCOL),
        (vec![0, 0, 0, 0], CloseCode::PROTOCOL),
        (vec![0, 16, 0, 0], CloseCode::PROTOCOL),
    ] {
        let hostile = Hostile::new().await;
        let connection = hostile.dial(&node, b"weft/sync/1").await;
        let mut stream = connection.open_uni().await.unwrap();
        stream.write_all(&greeting).await.unwrap();
        stream.finish().unwrap();
        assert_eq!(close_code(&connection).await, u64::from(code.0), "{greeting:?}");
    }
}

/// Nothing runs between the calls, so nothing is opened meanwhile.
#[tokio::test]
async fn so_many_channels_wait_to_be_opened() {
    let (a, b, ..) = pair().await;
    for _ in 0..limits::OPENING_CHANNELS_MAX {
        assert!(a.net.open_channel(b.id()).is_ok());
    }
    assert_eq!(a.net.open_channel(b.id()), Err(OpenError::Busy));
}

async fn datagram(node: &mut Node) -> Bytes {
    node.until(|event| match event {
        NetEvent::Datagram { bytes, .. } => Some(bytes),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn datagrams_go_from_peer_to_peer_up_to_their_length() {
    let (a, mut b, ..) = pair().await;
    let longest = Bytes::from(vec![7; limits::DATAGRAM_BYTES_MAX]);
    assert!(!a.net.send_datagram(b.id(), Bytes::from(vec![7; limits::DATAGRAM_BYTES_MAX + 1])));
    assert!(a.net.send_datagram(b.id(), longest.clone()));
    assert_eq!(datagram(&mut b).await, longest);
    // To whom there is no connection nothing goes.
    let stranger = Node::start().await;
    assert!(!a.net.send_datagram(stranger.id(), longest));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_datagrams_is_thinned_out_and_stops_no_channel() {
    let (a, mut b, on_a, _) = pair().await;
    let flood = 20 * limits::DATAGRAMS_PER_SECOND_MAX;
    for number in 0..flood {
        let _lost = a.net.send_datagram(b.id(), Bytes::from(vec![number as u8; 900]));
    }
    a.net.send(on_a, Bytes::from_static(b"after all")).unwrap();
    let (mut heard, mut is_through) = (0, false);
    while !is_through {
        match b.next().await {
            NetEvent::Datagram { .. } => heard += 1,
            NetEvent::Frame { bytes, .. } => is_through = bytes == "after all",
            _ => {}
        }
    }
    assert!(heard < flood / 2, "{heard} of {flood}");
}
