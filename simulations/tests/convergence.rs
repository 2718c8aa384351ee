//! Whatever happens to the network and the devices, in the end all hold the same.

use weft_simulations::{Plan, Topology, World, seeds};

fn check(plan: &Plan, count: u64) {
    for seed in seeds(count) {
        let mut world = World::new(seed, plan.clone());
        let at_rest = world.run(240_000);
        let verdict = world.assert_well(seed, at_rest);
        assert!(verdict.entries > plan.devices, "SEED={seed}: nothing happened");
    }
}

#[test]
fn a_quiet_network() {
    check(
        &Plan { drops: 0, partitions: 0, crashes: 0, reboots: 0, repeats_per_mille: 0, ..Plan::default() },
        3,
    );
}

#[test]
fn everything_at_once() {
    check(&Plan::default(), 8);
}

#[test]
fn through_one_device_only() {
    check(&Plan { topology: Topology::Star, ..Plan::default() }, 4);
}

#[test]
fn along_a_chain_of_devices() {
    check(&Plan { topology: Topology::Chain, devices: 5, ..Plan::default() }, 4);
}

#[test]
fn people_come_in_while_others_write() {
    check(&Plan { late_joins: true, devices: 5, ..Plan::default() }, 4);
}

#[test]
fn keepers_carry_what_they_cannot_read() {
    check(&Plan { keepers: 2, devices: 5, ..Plan::default() }, 4);
}

#[test]
fn large_writes() {
    let plan = Plan {
        items: 1..90,
        change_bytes: 100..60_000,
        writes: 5,
        crashes: 1,
        reboots: 0,
        ..Plan::default()
    };
    check(&plan, 2);
}

#[test]
fn people_are_put_out_while_all_write() {
    let plan = Plan { devices: 6, admins: 2, removals: 2, keepers: 1, ..Plan::default() };
    check(&plan, 6);
}

#[test]
fn two_admins_on_two_sides() {
    let plan = Plan {
        devices: 6,
        admins: 2,
        removals: 2,
        partitions: 3,
        late_joins: true,
        crashes: 0,
        reboots: 0,
        ..Plan::default()
    };
    check(&plan, 6);
}
