//! What goes over the wire, and how much of it.

use weft_simulations::{Plan, World, seeds};
use weft_sync::frames::Frame;
use weft_sync::limits::{ENTRIES_FRAME_BYTES, ENTRY_BYTES_MAX, SEND_WINDOW_BYTES};

#[test]
fn one_seed_gives_one_run() {
    let run = |seed| {
        let mut world = World::new(seed, Plan::default());
        world.run(240_000);
        (world.trace, world.wire_bytes, world.wire_frames, world.now)
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

/// Thirty devices, each connected to each: an entry comes to a device once, or little more.
#[test]
fn thirty_devices_get_each_entry_about_once() {
    let plan = Plan {
        devices: 30,
        quiet_millis: 200_000,
        writes: 6,
        drops: 20,
        partitions: 0,
        crashes: 0,
        reboots: 0,
        repeats_per_mille: 0,
        change_bytes: 20..200,
        ..Plan::default()
    };
    for seed in seeds(1) {
        let mut world = World::new(seed, plan.clone());
        let at_rest = world.run(240_000);
        let verdict = world.assert_well(seed, at_rest);
        println!("{verdict:?}");
        assert!(verdict.copies <= 1.3, "SEED={seed}: {} copies", verdict.copies);
    }
}

/// A newcomer to 20 MB: no more than the window is ever under way, and the store is read about once.
#[test]
fn a_newcomer_is_sent_no_more_than_it_takes_in() {
    let plan = Plan {
        devices: 2,
        writes: 0,
        drops: 0,
        partitions: 0,
        crashes: 0,
        reboots: 0,
        repeats_per_mille: 0,
        busy_millis: 20_000,
        items: 64..65,
        change_bytes: 5_000..5_001,
        late_joins: false,
        ..Plan::default()
    };
    for seed in seeds(1) {
        let mut world = World::new(seed, plan.clone());
        world.run_until(5_000);
        world.cut_off(1, true);
        world.run_until(8_000);
        for _ in 0..80 {
            world.write_now(0);
            let until = world.now + 40;
            world.run_until(until);
        }
        let stored: usize = world.nodes[0].store.bytes().map(<[u8]>::len).sum();
        assert!(stored > 12_000_000, "SEED={seed}: {stored}");
        world.heal();
        let at_rest = world.settle(120_000);
        world.assert_well(seed, at_rest);
        let most = SEND_WINDOW_BYTES + (ENTRIES_FRAME_BYTES + ENTRY_BYTES_MAX) as u64 + 1024 * 1024;
        assert!(world.in_flight_max > SEND_WINDOW_BYTES / 2, "SEED={seed}: nothing was under way");
        assert!(world.in_flight_max <= most, "SEED={seed}: {} under way", world.in_flight_max);
        let read = world.nodes[0].store.loaded_bytes as usize;
        assert!(read <= stored + stored / 8, "SEED={seed}: {read} read of {stored}");
    }
}

/// Ten thousand files and nothing new: what a reconnection costs depends on the logs alone.
#[test]
fn a_reconnection_with_nothing_new_takes_two_kilobytes_and_one_round_trip() {
    let plan = Plan {
        devices: 2,
        writes: 0,
        drops: 0,
        partitions: 0,
        crashes: 0,
        reboots: 0,
        repeats_per_mille: 0,
        busy_millis: 5_000,
        delay_millis: 100..101,
        items: 64..65,
        change_bytes: 100..101,
        ..Plan::default()
    };
    for seed in seeds(2) {
        let mut world = World::new(seed, plan.clone());
        world.run(60_000);
        for _ in 0..10_000 / 64 + 1 {
            world.write_now(0);
            let until = world.now + 100;
            world.run_until(until);
        }
        let at_rest = world.settle(60_000);
        world.assert_well(seed, at_rest);
        world.cut_off(1, true);
        let until = world.now + 5_000;
        world.run_until(until);
        let (bytes, frames) = (world.wire_bytes, world.wire_frames);
        world.heal();
        while world.wire_frames == frames {
            let until = world.now + 1;
            world.run_until(until);
        }
        let connected = world.now;
        while !(0..2).all(|node| world.status(node, 1 - node).is_some_and(|s| s.connected && s.has_all_mine))
        {
            let until = world.now + 1;
            world.run_until(until);
        }
        let ways = (world.now - connected).div_ceil(100);
        let until = world.now + 2_000;
        world.run_until(until);
        let bytes = world.wire_bytes - bytes;
        println!("{bytes} bytes, {} frames, {ways} ways", world.wire_frames - frames);
        assert!(bytes <= 2_048, "SEED={seed}: {bytes} bytes");
        assert!(ways <= 2, "SEED={seed}: {ways} ways");
    }
}

/// Somebody who speaks another version, or knows nothing of the workspace, is turned away.
#[test]
fn strangers_learn_nothing() {
    use weft_sync::replica::{ChannelId, Effect, Input};
    let mut world =
        World::new(1, Plan { devices: 1, writes: 0, crashes: 0, reboots: 0, drops: 0, ..Plan::default() });
    world.run_until(1_000);
    let stranger = weft_sync::EndpointId::from_bytes([9; 32]);
    let mut ask = |channel: u64, bytes: Vec<u8>| {
        let channel = ChannelId(1_000_000 + channel);
        let mut rng = rand_chacha::rand_core::SeedableRng::seed_from_u64(1);
        let now = weft_sync::Timestamp(1_000);
        let node = &mut world.nodes[0];
        let mut effects =
            node.handle(now, Input::ChannelUp { channel, peer: stranger, dialer: false }, &mut rng);
        effects.extend(node.handle(now, Input::Frame { channel, bytes }, &mut rng));
        let said: Vec<Frame> = effects
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Send { bytes, .. } => Some(Frame::decode(&bytes).unwrap()),
                _ => None,
            })
            .collect();
        said
    };
    use weft_sync::frames::ByeCode;
    let tag = [7; 32];
    let hello = Frame::Hello(weft_sync::frames::Hello { version: 1, features: 0, tag });
    assert_eq!(ask(1, hello.encode()), [Frame::Bye(ByeCode::Protocol)]);
    assert_eq!(ask(2, vec![9, 9, 9]), [Frame::Bye(ByeCode::Version)]);
    assert_eq!(ask(3, Frame::AclDone.encode()), [Frame::Bye(ByeCode::Protocol)]);
    assert_eq!(ask(4, Vec::new()), [Frame::Bye(ByeCode::Protocol)]);
}
