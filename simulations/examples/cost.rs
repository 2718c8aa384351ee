//! Prints what replication costs in processor time: `cargo run --release -p weft-simulations --example cost`.
#![expect(clippy::print_stdout, reason = "a program that prints")]

use std::time::Instant;

use weft_simulations::{Plan, World};

fn plan(devices: usize) -> Plan {
    Plan {
        devices,
        writes: 0,
        drops: 0,
        partitions: 0,
        crashes: 0,
        reboots: 0,
        repeats_per_mille: 0,
        busy_millis: 5_000,
        delay_millis: 1..2,
        commit_millis: 1..2,
        items: 1..2,
        change_bytes: 60..61,
        ..Plan::default()
    }
}

fn report(what: &str, begun: Instant, count: usize) {
    let millis = begun.elapsed().as_secs_f64() * 1e3;
    println!("{what}: {millis:.0} ms, {:.1} us each", millis * 1e3 / count as f64);
}

/// The parts of the simulation are in these figures too: encoding and decoding each frame again,
/// looking for plain text, and the store.
fn main() {
    for devices in [2, 10, 30] {
        let mut world = World::new(1, plan(devices));
        world.run(200_000);
        let begun = Instant::now();
        for _ in 0..200 {
            world.write_now(0);
            let until = world.now + 10;
            world.run_until(until);
        }
        world.settle(60_000);
        report(&format!("200 live edits, {devices} devices, in all"), begun, 200 * devices);
    }
    let mut world = World::new(1, plan(2));
    world.run(60_000);
    world.cut_off(1, true);
    let until = world.now + 5_000;
    world.run_until(until);
    let begun = Instant::now();
    for _ in 0..10_000 {
        world.write_now(0);
        let until = world.now + 4;
        world.run_until(until);
    }
    report("10,000 edits written alone", begun, 10_000);
    world.heal();
    let begun = Instant::now();
    world.settle(600_000);
    report("catching up with them", begun, 10_000);
    let begun = Instant::now();
    world.crash(1);
    world.start(1);
    report("starting with them", begun, 1);
    world.nodes[0].store.loads = 0;
    world.plan.items = 64..65;
    world.plan.change_bytes = 4_000..4_001;
    world.cut_off(1, true);
    let until = world.now + 5_000;
    world.run_until(until);
    let begun = Instant::now();
    for _ in 0..60 {
        world.write_now(0);
        let until = world.now + 4;
        world.run_until(until);
    }
    report("60 entries of 256 KB written alone", begun, 60);
    world.heal();
    let begun = Instant::now();
    world.settle(600_000);
    report("catching up with them", begun, 60);
}
