//! Cables that are pulled, and computers that move.

use super::{
    Cable, Device, Duration, PATIENCE, becomes_connected, cable, crosses, devices, eventually, files, join,
    or_skip, shared, shown,
};

#[test]
fn a_pulled_cable_is_noticed_and_made_good() {
    let Some(cable) = cable(2) else { return };
    let (_root, devices) = shared::<2>(Some(&cable), &[]);
    let [ana, ben] = &devices;
    crosses(ana, &[ben], "before\n");
    cable.set_plugged(1, false).expect("a pulled plug");
    println!("noticed by Ana {:?} after the cable was pulled", becomes_connected(ana, 0));
    println!("the cable is out:\n{}", shown(&[ana, ben]));
    files(ana).write("ana.md", "typed without a cable\n").expect("a save");
    files(ben).write("ben.md", "so was this\n").expect("a save");
    cable.set_plugged(1, true).expect("a plug");
    let merged = eventually(PATIENCE, || {
        (files(ben).read("ana.md").is_some() && files(ana).read("ben.md").is_some()).then_some(())
    });
    let (_, took) = merged.expect("what was written apart meets");
    println!("merged {took:?} after the plug was in again");
}

/// A new connection takes a moment, and that the old one is of no use is noticed before its time is up.
const FOUND_AGAIN_MAX: Duration = Duration::from_secs(12);

/// The same network gives the computer another address, as a router does that was restarted.
fn gets_a_new_address(arguments: &[&str]) {
    let Some(cable) = cable(2) else { return };
    let (_root, devices) = shared::<2>(Some(&cable), arguments);
    let [ana, ben] = &devices;
    crosses(ana, &[ben], "before\n");
    for (number, who, other) in [(1, ben, ana), (0, ana, ben)] {
        cable.set_address(number, &format!("10.77.0.{}/24", 50 + number)).expect("an address");
        let there = crosses(who, &[other], &format!("{} has a new address\n", who.name));
        let back = crosses(other, &[who], &format!("and is known to {}\n", other.name));
        println!(
            "{arguments:?}, new address of {}: its save came {there:?} later, one back {back:?}",
            who.name
        );
        assert!(there <= FOUND_AGAIN_MAX, "{there:?}");
    }
}

#[test]
fn a_new_address_is_made_good_without_a_restart() {
    gets_a_new_address(&[]);
}

#[test]
fn a_new_address_is_made_good_without_the_local_lookup() {
    gets_a_new_address(&["--lan", "off"]);
}

/// Ben's laptop goes from one network to another; Ana's computer lies in both.
fn moves(arguments: &[&str]) {
    let (Some(office), Some(home)) = (cable(2), or_skip(Cable::new(0))) else { return };
    home.plug_in(office.computer(0), "10.88.0.1/24").expect("a second network");
    let (_root, mut devices) = devices::<2>([0, 1].map(|number| Some(office.computer(number))));
    for device in &mut devices {
        device.start_plain_node(arguments).expect("a node");
    }
    let [ana, ben]: &[Device; 2] = &devices;
    join(ana, ben);
    crosses(ana, &[ben], "in the office\n");
    office.set_plugged(1, false).expect("a pulled plug");
    home.plug_in(office.computer(1), "10.88.0.2/24").expect("another network");
    let there = crosses(ben, &[ana], "at home\n");
    let back = crosses(ana, &[ben], "welcome\n");
    println!("{arguments:?}, moved: its save came {there:?} later, one back {back:?}");
    assert!(there <= FOUND_AGAIN_MAX, "{there:?}:\n{}", shown(&[ana, ben]));
}

#[test]
fn a_laptop_that_moves_to_another_network_goes_on() {
    moves(&[]);
}

#[test]
fn a_laptop_that_moves_to_another_network_goes_on_without_the_local_lookup() {
    moves(&["--lan", "off"]);
}
