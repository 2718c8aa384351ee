//! Request streams and join streams: bulk under back pressure, limits, ends that can be told apart.

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Hostile, Node, PATIENCE, close_code, pair};
use tokio::time::{sleep, timeout};
use weft_net::{CloseCode, FrameStream, NetEvent, RequestError, RequestKind, StreamError, limits};

const BULK: RequestKind = RequestKind::new(9).unwrap();

async fn next_request(node: &mut Node) -> (RequestKind, FrameStream) {
    node.until(|event| match event {
        NetEvent::Request { kind, stream, .. } => Some((kind, stream)),
        _ => None,
    })
    .await
}

async fn next_join(node: &mut Node) -> FrameStream {
    node.until(|event| match event {
        NetEvent::Join { stream, .. } => Some(stream),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_answered_and_both_ends_are_told_apart() {
    let (a, mut b, ..) = pair().await;
    let mut ours = a.net.request(b.id(), BULK).await.unwrap();
    assert_eq!(ours.peer(), b.id());
    ours.send_parts([Bytes::from_static(b"que"), Bytes::new(), Bytes::from_static(b"stion")]).await.unwrap();
    ours.finish().await.unwrap();
    assert_eq!(ours.send(Bytes::new()).await, Err(StreamError::Finished));
    let (kind, mut theirs) = next_request(&mut b).await;
    assert_eq!((kind, theirs.peer()), (BULK, a.id()));
    assert_eq!(theirs.recv().await.unwrap().unwrap(), "question");
    assert_eq!(theirs.recv().await.unwrap(), None);
    theirs.send(Bytes::from_static(b"half an ans")).await.unwrap();
    // Dropping without an end must not look like one.
    drop(theirs);
    let mut last = ours.recv().await;
    if let Ok(Some(frame)) = &last {
        assert_eq!(frame, "half an ans");
        last = ours.recv().await;
    }
    assert_eq!(last, Err(StreamError::Reset { code: CloseCode::CANCELLED }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn giving_up_stops_the_sender_with_the_reason() {
    let (a, mut b, ..) = pair().await;
    let ours = a.net.request(b.id(), BULK).await.unwrap();
    let (_, mut theirs) = next_request(&mut b).await;
    ours.reset(CloseCode(99));
    let error = loop {
        if let Err(error) = theirs.send(Bytes::from(vec![0; 10_000])).await {
            break error;
        }
    };
    assert_eq!(error, StreamError::Reset { code: CloseCode(99) });
    let long = Bytes::from(vec![0; limits::FRAME_BYTES_MAX + 1]);
    let mut ours = a.net.request(b.id(), BULK).await.unwrap();
    assert_eq!(ours.send(long).await, Err(StreamError::TooLong { length: limits::FRAME_BYTES_MAX + 1 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_in_progress_are_limited_and_the_next_one_waits() {
    let (a, mut b, ..) = pair().await;
    let mut held = Vec::new();
    for _ in 0..limits::REQUESTS_MAX {
        let ours = a.net.request(b.id(), BULK).await.unwrap();
        held.push((ours, next_request(&mut b).await));
    }
    let ninth = a.net.request(b.id(), BULK);
    tokio::pin!(ninth);
    assert!(timeout(Duration::from_millis(300), &mut ninth).await.is_err());
    held.pop();
    let _ours = timeout(PATIENCE, ninth).await.unwrap().unwrap();
    next_request(&mut b).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_send_never_mixes_frames() {
    let (a, mut b, ..) = pair().await;
    let mut ours = a.net.request(b.id(), BULK).await.unwrap();
    let (_, mut theirs) = next_request(&mut b).await;
    // Nobody reads, so the fourth or so of these is cut off in the middle.
    let mut sent = 0u8;
    while timeout(Duration::from_millis(100), ours.send(Bytes::from(vec![sent; 700_000]))).await.is_ok() {
        sent += 1;
    }
    let reading = tokio::spawn(async move {
        let mut frames = Vec::new();
        while let Some(frame) = theirs.recv().await.unwrap() {
            assert!(frame.iter().all(|byte| *byte == frame[0]));
            frames.push((frame[0], frame.len()));
        }
        frames
    });
    ours.send(Bytes::from_static(b"z")).await.unwrap();
    ours.finish().await.unwrap();
    let frames = reading.await.unwrap();
    let mut expected: Vec<_> = (0..=sent).map(|number| (number, 700_000)).collect();
    expected.push((b'z', 1));
    assert_eq!(frames, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bulk_flows_under_back_pressure_and_does_not_delay_a_channel() {
    const TOTAL: usize = 100 << 20;
    const FRAME: usize = 256 << 10;
    let (mut a, mut b, on_a, _) = pair().await;
    let ours = a.net.request(b.id(), BULK).await.unwrap();
    let (_, mut theirs) = next_request(&mut b).await;
    let echo = tokio::spawn({
        let net = b.net.clone();
        async move {
            while let Some(event) = b.events.recv().await {
                if let NetEvent::Frame { channel, bytes } = event {
                    net.send(channel, bytes).unwrap();
                }
            }
        }
    });
    let start = Instant::now();
    let serving = tokio::spawn(async move {
        let frame = Bytes::from(vec![3; FRAME]);
        for _ in 0..TOTAL / FRAME {
            theirs.send(frame.clone()).await.unwrap();
        }
        theirs.finish().await.unwrap();
        theirs
    });
    // Not reading stops the sender within the window.
    sleep(Duration::from_millis(200)).await;
    assert!(!serving.is_finished(), "100 MiB cannot have gone anywhere");
    let reading = tokio::spawn(async move {
        let (_sender, mut receiver) = ours.split();
        let mut got = 0;
        while let Some(frame) = receiver.recv().await.unwrap() {
            got += frame.len();
        }
        got
    });
    let mut pings = Vec::new();
    while !reading.is_finished() {
        let sent = Instant::now();
        a.net.send(on_a, Bytes::from(vec![0; 300])).unwrap();
        a.frame().await;
        pings.push(sent.elapsed());
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(reading.await.unwrap(), TOTAL);
    drop(serving.await.unwrap());
    pings.sort();
    let took = start.elapsed() - Duration::from_millis(200);
    println!(
        "100 MiB in {took:?}; channel round trip meanwhile: median {:?}, worst {:?} of {}",
        pings[pings.len() / 2],
        pings[pings.len() - 1],
        pings.len()
    );
    assert!(pings[pings.len() / 2] < Duration::from_millis(100));
    echo.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_and_its_inviter_talk_and_the_last_words_arrive() {
    let (mut inviter, newcomer) = (Node::start().await, Node::start().await);
    for _ in 0..10 {
        let mut ours = newcomer.net.join_stream(&inviter.addresses(), inviter.id()).await.unwrap();
        let mut theirs = next_join(&mut inviter).await;
        assert_eq!(theirs.peer(), newcomer.id());
        // The inviter may speak first.
        theirs.send(Bytes::from_static(b"nonce")).await.unwrap();
        assert_eq!(ours.recv().await.unwrap().unwrap(), "nonce");
        ours.send(Bytes::from(vec![1; 200_000])).await.unwrap();
        ours.finish().await.unwrap();
        assert_eq!(theirs.recv().await.unwrap().unwrap().len(), 200_000);
        assert_eq!(theirs.recv().await.unwrap(), None);
        // Finished and dropped at once: the connection waits for the bytes.
        theirs.send(Bytes::from(vec![2; 300_000])).await.unwrap();
        theirs.finish().await.unwrap();
        drop(theirs);
        sleep(Duration::from_millis(20)).await;
        assert_eq!(ours.recv().await.unwrap().unwrap().len(), 300_000);
        assert_eq!(ours.recv().await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joins_are_limited_and_say_so() {
    let (mut inviter, newcomer) = (Node::start().await, Node::start().await);
    let mut held = Vec::new();
    for _ in 0..limits::JOINS_MAX {
        let ours = newcomer.net.join_stream(&inviter.addresses(), inviter.id()).await.unwrap();
        held.push((ours, next_join(&mut inviter).await));
    }
    let hostile = Hostile::new().await;
    let connection = hostile.dial(&inviter, b"weft/join/1").await;
    assert_eq!(close_code(&connection).await, u64::from(CloseCode::BUSY.0));
    held.clear();
    let again = timeout(PATIENCE, async {
        loop {
            let Ok(mut ours) = newcomer.net.join_stream(&inviter.addresses(), inviter.id()).await else {
                continue;
            };
            if let Ok(theirs) = timeout(Duration::from_millis(500), next_join(&mut inviter)).await {
                return theirs;
            }
            let _ = ours.recv().await;
        }
    });
    assert_eq!(again.await.unwrap().peer(), newcomer.id());
    let connection = hostile.dial(&inviter, b"weft/join/1").await;
    let _stream = Hostile::open(&connection, 200).await;
    assert_eq!(close_code(&connection).await, u64::from(CloseCode::PROTOCOL.0));
}

#[tokio::test]
async fn joining_at_an_address_where_nobody_answers_fails_in_time_with_a_hint() {
    let (newcomer, other) = (Node::start().await, Node::start().await);
    let start = Instant::now();
    let dead = ["127.0.0.1:1".parse().unwrap()];
    let error = newcomer.net.join_stream(&dead, other.id()).await.unwrap_err();
    assert!(matches!(error, RequestError::Unreachable { .. }), "{error}");
    assert!(error.hint().contains("--peer"));
    assert!(start.elapsed() < Duration::from_secs(7));
    let error = newcomer.net.request(other.id(), BULK).await.unwrap_err();
    assert!(matches!(error, RequestError::NotConnected));
}

/// Writes until nothing more is taken for a while, and says how much was.
async fn fill(send: &mut iroh::endpoint::SendStream) -> usize {
    let bytes = vec![0; 16 * 1024];
    let mut taken = 0;
    while let Ok(written) = timeout(Duration::from_millis(400), send.write(&bytes)).await {
        taken += written.expect("a write");
    }
    taken
}

/// What nobody reads stops whoever sends it: at the window of the stream, and at that of all streams.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_read_is_bounded_by_the_windows() {
    let mut node = Node::start().await;
    let hostile = Hostile::new().await;
    let connection = hostile.connect(&node).await;
    node.connected_to(hostile.id()).await;
    // The first bytes of streams and the greeting were read, and may have been granted anew.
    let is_full =
        |taken: usize, window: u32| (window as usize - 1024..=window as usize + 1024).contains(&taken);
    let (mut first, _recv) = Hostile::open(&connection, BULK.get()).await;
    let of_one = fill(&mut first).await;
    assert!(is_full(of_one, limits::STREAM_WINDOW_BYTES), "{of_one} on one stream");
    let mut streams = Vec::new();
    for _ in 1..limits::STRANGER_STREAMS_MAX {
        streams.push(Hostile::open(&connection, BULK.get()).await);
    }
    let more = futures_util::future::join_all(streams.iter_mut().map(|(send, _)| fill(send))).await;
    let of_stranger = of_one + more.iter().sum::<usize>();
    assert!(is_full(of_stranger, limits::STRANGER_WINDOW_BYTES), "{of_stranger} of a stranger");
    node.net.want(hostile.id(), vec![]).await.unwrap();
    for _ in 0..limits::CONNECTION_WINDOW_BYTES / limits::STREAM_WINDOW_BYTES {
        streams.push(Hostile::open(&connection, BULK.get()).await);
    }
    let more = futures_util::future::join_all(streams.iter_mut().map(|(send, _)| fill(send))).await;
    let of_wanted = of_stranger + more.iter().sum::<usize>();
    assert!(is_full(of_wanted, limits::CONNECTION_WINDOW_BYTES), "{of_wanted} of a wanted peer");
}
