//! Measures a request stream against a bare stream of the transport below: 100 MiB over loopback, both ends in this
//! process, runs taken in turns, medians. Run it in release.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for developers")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use iroh::{
    Endpoint, EndpointAddr, SecretKey, TransportAddr,
    endpoint::{Connection, presets},
};
use weft_net::{ChannelId, Net, NetConfig, NetEvent, NetEvents, RequestKind};

const TOTAL: usize = 100 << 20;
const ROUNDS: usize = 7;
const KIND: RequestKind = RequestKind::new(1).unwrap();

async fn bare_endpoint(seed: u8) -> Endpoint {
    let builder = Endpoint::builder(presets::Minimal).secret_key(SecretKey::from_bytes(&[seed; 32]));
    let builder = builder.alpns(vec![b"bare".to_vec()]).clear_ip_transports();
    builder.bind_addr("127.0.0.1:0").unwrap().bind().await.unwrap()
}

async fn bare_pair() -> (Endpoint, Endpoint, Connection, Connection) {
    let (a, b) = (bare_endpoint(1).await, bare_endpoint(2).await);
    let address = EndpointAddr::from_parts(b.id(), [TransportAddr::Ip(b.bound_sockets()[0])]);
    let accepting = async { b.accept().await.unwrap().await.unwrap() };
    let (from_a, from_b) = tokio::join!(async { a.connect(address, b"bare").await.unwrap() }, accepting);
    (a, b, from_a, from_b)
}

/// Bytes over a bare stream, read as they come.
async fn bare(a: &Connection, b: &Connection) -> Duration {
    let start = Instant::now();
    let sending = tokio::spawn({
        let a = a.clone();
        async move {
            let (mut send, _recv) = a.open_bi().await.unwrap();
            let block = Bytes::from(vec![7; 256 << 10]);
            for _ in 0..TOTAL / block.len() {
                send.write_chunk(block.clone()).await.unwrap();
            }
            send.finish().unwrap();
            let _ = send.stopped().await;
        }
    });
    let (_send, mut recv) = b.accept_bi().await.unwrap();
    let mut got = 0;
    while let Some(chunk) = recv.read_chunk(usize::MAX).await.unwrap() {
        got += chunk.len();
    }
    assert_eq!(got, TOTAL);
    sending.await.unwrap();
    start.elapsed()
}

async fn node(seed: u8) -> (Net, NetEvents) {
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    let config = NetConfig { secret_key: [seed; 32], listen, preferred_port: None, lan: false, relay: None };
    Net::start(config).await.unwrap()
}

/// Frames over a request stream, each received whole.
async fn framed(a: &Net, b: &mut NetEvents, peer: weft_sync::EndpointId, frame_bytes: usize) -> Duration {
    let start = Instant::now();
    let mut ours = a.request(peer, KIND).await.unwrap();
    let mut theirs = loop {
        if let NetEvent::Request { stream, .. } = b.recv().await.unwrap() {
            break stream;
        }
    };
    let sending = tokio::spawn(async move {
        let frame = Bytes::from(vec![7; frame_bytes]);
        for _ in 0..TOTAL / frame_bytes {
            theirs.send(frame.clone()).await.unwrap();
        }
        theirs.finish().await.unwrap();
    });
    let mut got = 0;
    while let Some(frame) = ours.recv().await.unwrap() {
        got += frame.len();
    }
    assert_eq!(got, TOTAL / frame_bytes * frame_bytes);
    sending.await.unwrap();
    start.elapsed()
}

/// Frames over a channel, paced by its queue.
async fn channel(a: &Net, channel: ChannelId, b: &mut NetEvents, frame_bytes: usize) -> Duration {
    let start = Instant::now();
    let sending = tokio::spawn({
        let a = a.clone();
        async move {
            let frame = Bytes::from(vec![7; frame_bytes]);
            for _ in 0..TOTAL / frame_bytes {
                a.send_wait(channel, frame.clone()).await.unwrap();
            }
        }
    });
    let mut got = 0;
    while got < TOTAL / frame_bytes * frame_bytes {
        if let NetEvent::Frame { bytes, .. } = b.recv().await.unwrap() {
            got += bytes.len();
        }
    }
    sending.await.unwrap();
    start.elapsed()
}

/// Round trips of 300 bytes over a channel, one after the other.
async fn round_trips(
    a: &Net,
    a_events: &mut NetEvents,
    channel: ChannelId,
    b: &Net,
    b_events: &mut NetEvents,
) {
    let mut times = Vec::new();
    let frame = Bytes::from(vec![1; 300]);
    for _ in 0..5000 {
        let start = Instant::now();
        a.send(channel, frame.clone()).unwrap();
        loop {
            if let NetEvent::Frame { channel, bytes } = b_events.recv().await.unwrap() {
                b.send(channel, bytes).unwrap();
                break;
            }
        }
        while !matches!(a_events.recv().await.unwrap(), NetEvent::Frame { .. }) {}
        times.push(start.elapsed());
    }
    times.sort();
    println!("channel round trip of 300 B: p50 {:?}, p95 {:?}", times[2500], times[4750]);
}

/// Seconds of processor time this process has used, both ends together; unlike wall time it hardly depends on what else
/// the machine does. Zero where the system does not tell.
fn cpu_seconds() -> f64 {
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: f64 = stat.split(' ').skip(13).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / TICKS_A_SECOND
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    TOTAL as f64 / 1e6 / times[times.len() / 2].as_secs_f64()
}

#[tokio::main]
async fn main() {
    let (_a, _b, from_a, from_b) = bare_pair().await;
    let ((a, mut a_events), (b, mut b_events)) = (node(3).await, node(4).await);
    b.want(a.id(), vec![]).await.unwrap();
    a.want(b.id(), vec![b.listening()[0].into()]).await.unwrap();
    while !matches!(a_events.recv().await.unwrap(), NetEvent::Connected { .. }) {}
    let open = a.open_channel(b.id()).unwrap();
    while !matches!(b_events.recv().await.unwrap(), NetEvent::ChannelUp { .. }) {}

    let sizes = [16 << 10, 64 << 10, 256 << 10, 1 << 20];
    let mut bare_times = Vec::new();
    let mut framed_times = vec![Vec::new(); sizes.len()];
    let mut channel_times = vec![Vec::new(); sizes.len()];
    let mut cpu = vec![0.0; 1 + 2 * sizes.len()];
    for _ in 0..ROUNDS {
        let mut last = cpu_seconds();
        let mut spent = || {
            let now = cpu_seconds();
            now - std::mem::replace(&mut last, now)
        };
        bare_times.push(bare(&from_a, &from_b).await);
        cpu[0] += spent();
        for (index, size) in sizes.into_iter().enumerate() {
            framed_times[index].push(framed(&a, &mut b_events, b.id(), size).await);
            cpu[1 + 2 * index] += spent();
            channel_times[index].push(channel(&a, open, &mut b_events, size).await);
            cpu[2 + 2 * index] += spent();
        }
    }
    let bare = median(&mut bare_times);
    let gigabytes = (ROUNDS * TOTAL) as f64 / 1e9;
    println!("bare stream: {bare:.0} MB/s, {:.2} CPU-s/GB", cpu[0] / gigabytes);
    for (index, size) in sizes.into_iter().enumerate() {
        let (framed, channel) = (median(&mut framed_times[index]), median(&mut channel_times[index]));
        println!(
            "frames of {:4} KiB: request stream {framed:.0} MB/s (ratio {:.2}, {:.2} CPU-s/GB), channel {channel:.0} MB/s \
             (ratio {:.2}, {:.2} CPU-s/GB)",
            size >> 10,
            framed / bare,
            cpu[1 + 2 * index] / gigabytes,
            channel / bare,
            cpu[2 + 2 * index] / gigabytes,
        );
    }
    round_trips(&a, &mut a_events, open, &b, &mut b_events).await;
}
