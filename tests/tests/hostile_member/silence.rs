//! Nothing, where an answer is due.

use std::time::Duration;

use tokio::time::sleep;
use weft_sync::frames::{Frame, Range};

use crate::{Bare, House, on_low_priority, wire::endpoint_of};

/// How long she keeps others waiting.
const SILENCE: Duration = Duration::from_secs(8);

/// She asks for much again and again, on many channels, and reads nothing of it.
#[test]
fn a_member_who_never_reads() {
    let mut house = House::new();
    let runtime = on_low_priority();
    let (mut mallory, mut wire) = house.mallory(&runtime);
    let peer = runtime.block_on(wire.reach(house.pair.ana.device.node().expect("a node")));
    house.under("a member who never reads", move || {
        runtime.block_on(async {
            // Something to ask for.
            let line = wire.steady_line(&mut mallory, peer).await;
            let (mut log, open) = mallory.begin();
            wire.send(line, &[open]).await.expect("a listening node");
            for _ in 0..100 {
                let entry = mallory.noise(&mut log, 180_000);
                wire.send(line, &[entry]).await.expect("a listening node");
            }
            wire.stored(line, log.id, log.last.expect("an entry").seq).await.expect("a patient node");
            let mut lines = Vec::new();
            for _ in 0..12 {
                lines.push(wire.steady_line(&mut mallory, peer).await);
            }
            // From here on nothing is taken off the transport.
            for _ in 0..50 {
                for line in &lines {
                    let want = Frame::Want(vec![Range { log: log.id, from: 1, to: u64::MAX }]);
                    // A channel that the node has ended asks for nothing.
                    let _ended = wire.net.send(line.channel, want.encode().into());
                }
            }
            sleep(SILENCE).await;
        });
    });
    house.is_sound();
}

/// Connections on which nothing is ever said, channels without a Hello, streams that are never used, and a greeting that
/// is cut off: they end by themselves, and keep nobody out.
#[test]
fn connections_that_say_nothing() {
    let mut house = House::new();
    let runtime = on_low_priority();
    let (mallory, wire) = house.mallory(&runtime);
    runtime.block_on(wire.net.shutdown());
    let node = house.pair.ana.device.node().expect("a node");
    let (peer, address) = (endpoint_of(node), node.addresses[0].parse().expect("an address"));
    let secret = *mallory.keys.transport_secret();
    let kept = house.under("connections that say nothing", move || {
        runtime.block_on(async {
            let mut kept = Vec::new();
            // As herself, who is wanted: many streams; as strangers: whatever is let in.
            let own = Bare::new(secret).await;
            for number in 0..16_u8 {
                let somebody = if number == 0 { own.clone() } else { Bare::new([number; 32]).await };
                let Some(connection) = somebody.dial(peer, address, b"weft/sync/1").await else { continue };
                match number % 3 {
                    0 => Bare::greet(&connection).await,
                    1 => {}
                    _ => Bare::half_a_greeting(&connection).await,
                }
                let mut streams = Vec::new();
                for kind in 0..20 {
                    let Some(stream) = Bare::open(&connection, kind % 2).await else { break };
                    streams.push(stream);
                }
                kept.push((somebody, connection, streams));
            }
            for number in 100..112_u8 {
                let somebody = Bare::new([number; 32]).await;
                if let Some(connection) = somebody.dial(peer, address, b"weft/join/1").await {
                    kept.push((somebody, connection, Vec::new()));
                }
            }
            sleep(SILENCE).await;
            let open = kept.iter().filter(|(_, connection, _)| connection.close_reason().is_none()).count();
            (kept.len(), open)
        })
    });
    println!("of {} silent connections {} were left", kept.0, kept.1);
    // Somebody new still comes in.
    let runtime = on_low_priority();
    let (_mallory, wire) = house.somebody(&runtime, weft_sync::seal::Label::new("Nora", "phone"));
    runtime.block_on(wire.net.shutdown());
    house.is_sound();
}
