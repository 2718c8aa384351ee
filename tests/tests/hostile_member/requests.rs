//! Requests for contents: of what is not here, of more than there may be, and of more at once than anybody serves.

use std::time::Duration;

use bytes::Bytes;
use rand::Rng as _;
use tokio::time::{sleep, timeout};
use weft_net::{CloseCode, RequestKind, StreamError};

use crate::{House, on_low_priority};

/// The request stream that carries chunks.
const CHUNKS: RequestKind = RequestKind::new(1).expect("one is not zero");
/// Chunks in one request.
const CHUNKS_MAX: usize = 5_000;

#[test]
fn contents_that_are_not_there_and_streams_that_nobody_reads() {
    let mut house = House::new();
    // Something to ask for.
    for number in 0..30_u8 {
        let noise: Vec<u8> =
            (0..300_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8 ^ number).collect();
        house.pair.ana.files.write(&format!("pictures/{number}.bin"), noise).expect("a file");
    }
    house.pair.settle();
    let runtime = on_low_priority();
    let (mut mallory, mut wire) = house.mallory(&runtime);
    let peer = runtime.block_on(wire.reach(house.pair.ana.device.node().expect("a node")));
    let answers = house.under("requests", move || {
        runtime.block_on(async {
            let _line = wire.steady_line(&mut mallory, peer).await;
            let (net, mut events) = (wire.net.clone(), wire.events);
            // Her other ears stay open, or the node would wait for her.
            let listening = tokio::spawn(async move { while events.recv().await.is_some() {} });
            let mut answers = 0;
            for round in 0..120_usize {
                let mut request = vec![0; 1 + 32 * CHUNKS_MAX];
                mallory.rng.fill_bytes(&mut request);
                request[0] = 1;
                match round % 10 {
                    // One above the limit, a torn id, another version, nothing at all.
                    1 => request.extend([0; 32]),
                    2 => request.truncate(50),
                    3 => request[0] = 9,
                    4 => request.clear(),
                    _ => {}
                }
                let kind = if round % 10 == 5 { RequestKind::new(200).expect("not zero") } else { CHUNKS };
                let asked = async {
                    let mut stream = net.request(peer, kind).await.ok()?;
                    stream.send(Bytes::from(request)).await.ok()?;
                    if round % 10 != 6 {
                        stream.finish().await.ok()?;
                    }
                    if round % 10 == 7 {
                        // Let go at once.
                        stream.reset(CloseCode(99));
                        return None;
                    }
                    loop {
                        match stream.recv().await {
                            Ok(Some(_)) => answers += 1,
                            Ok(None) | Err(StreamError::Reset { .. }) => return Some(()),
                            Err(_) => return None,
                        }
                    }
                };
                timeout(Duration::from_secs(20), asked).await.expect("an end in time");
            }
            // As many as are served, and none of them read.
            let mut held = Vec::new();
            for _ in 0..8 {
                if let Ok(Ok(mut stream)) = timeout(Duration::from_secs(1), net.request(peer, CHUNKS)).await {
                    let mut request = vec![1; 1 + 32 * CHUNKS_MAX];
                    mallory.rng.fill_bytes(&mut request[1..]);
                    let _ended = stream.send(Bytes::from(request)).await;
                    held.push(stream);
                }
            }
            sleep(Duration::from_secs(2)).await;
            listening.abort();
            answers
        })
    });
    println!("{answers} frames of answers");
    assert!(answers > 0, "nobody was served");
    house.is_sound();
}
