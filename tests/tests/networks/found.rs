//! How nodes find each other: by multicast, by addresses given, told and remembered.

use super::{Duration, becomes_connected, cable, connections, crosses, eventually, shared, shown, stop_all};

#[test]
fn two_computers_without_a_router_find_each_other_by_multicast() {
    let Some(cable) = cable(2) else { return };
    let (_root, mut devices) = shared::<2>(Some(&cable), &[]);
    stop_all(&mut devices);
    // What they remember of each other is of no use any more.
    cable.set_address(0, "10.78.0.11/24").expect("an address");
    cable.set_address(1, "10.78.0.12/24").expect("an address");
    for number in [0, 1] {
        assert_eq!(cable.has_default_route(number), Ok(false), "there must be no way out");
    }
    let [ana, ben] = &mut devices;
    ana.start_plain_node(&[]).expect("a node");
    ben.start_plain_node(&[]).expect("a node");
    println!("by multicast only: connected {:?} after both were up", becomes_connected(ana, 1));
    crosses(ana, &[ben], "found by multicast\n");
    crosses(ben, &[ana], "and back\n");
}

#[test]
fn where_multicast_is_blocked_an_address_does() {
    let Some(cable) = cable(2) else { return };
    let (_root, mut devices) = shared::<2>(Some(&cable), &["--lan", "off"]);
    let [ana, ben] = &devices;
    crosses(ana, &[ben], "by the addresses in the ticket\n");
    stop_all(&mut devices);
    cable.set_address(0, "10.77.0.21/24").expect("an address");
    let [ana, ben] = &mut devices;
    ana.start_plain_node(&["--lan", "off", "--listen", "10.77.0.21:4711"]).expect("a node");
    ben.start_plain_node(&["--lan", "off", "--peer", "10.77.0.21:4711"]).expect("a node");
    crosses(ben, &[ana], "by a given address\n");
    stop_all(&mut devices);
    // It was reached there, so it is looked for there.
    let [ana, ben] = &mut devices;
    ana.start_plain_node(&["--lan", "off", "--listen", "10.77.0.21:4711"]).expect("a node");
    ben.start_plain_node(&["--lan", "off"]).expect("a node");
    crosses(ana, &[ben], "by what was remembered\n");
}

#[test]
fn on_a_network_that_drops_multicast_an_address_does() {
    let Some(cable) = cable(2) else { return };
    cable.set_multicast(false).expect("a network that drops multicast");
    let (_root, mut devices) = shared::<2>(Some(&cable), &[]);
    let [ana, ben] = &devices;
    crosses(ana, &[ben], "by the addresses in the ticket\n");
    stop_all(&mut devices);

    cable.set_address(0, "10.77.0.21/24").expect("an address");
    cable.set_address(1, "10.77.0.22/24").expect("an address");
    let [ana, ben] = &mut devices;
    ana.start_plain_node(&["--listen", "10.77.0.21:4711"]).expect("a node");
    ben.start_plain_node(&[]).expect("a node");
    let met = eventually(Duration::from_secs(3), || (connections(ben) != Some(0)).then_some(()));
    assert!(met.is_none(), "the network drops nothing");
    println!("nobody found:\n{}", shown(&[ben]));
    ben.stop_node().expect("an end");
    ben.start_plain_node(&["--peer", "10.77.0.21:4711"]).expect("a node");
    crosses(ben, &[ana], "by a given address\n");
    stop_all(&mut devices);

    let [ana, ben] = &mut devices;
    ana.start_plain_node(&["--listen", "10.77.0.21:4711"]).expect("a node");
    ben.start_plain_node(&[]).expect("a node");
    crosses(ana, &[ben], "by what was remembered\n");
    stop_all(&mut devices);

    // The lookup was on all the time: nothing but the network kept it from working.
    cable.set_address(0, "10.77.0.31/24").expect("an address");
    cable.set_address(1, "10.77.0.32/24").expect("an address");
    let [ana, ben] = &mut devices;
    ana.start_plain_node(&[]).expect("a node");
    ben.start_plain_node(&[]).expect("a node");
    cable.set_multicast(true).expect("a network that lets multicast through");
    crosses(ana, &[ben], "by multicast after all\n");
}

#[test]
fn one_reachable_member_is_enough_to_find_the_rest() {
    let arguments = ["--lan", "off", "--listen", "127.0.0.1:0"];
    let (_root, mut devices) = shared::<3>(None, &arguments);
    let [_, ben, cleo] = &devices;
    becomes_connected(cleo, 2);
    crosses(ben, &[cleo], "all three are here\n");
    devices[0].stop_node().expect("an end");
    let [_, ben, cleo] = &devices;
    crosses(cleo, &[ben], "without the one who invited us\n");
}
