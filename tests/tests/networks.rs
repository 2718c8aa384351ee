//! Real nodes on networks of their own: how they find each other without a server.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "tests say what they skip")]

use std::time::Duration;

use weft_tests::{Cable, Device, Files, eventually};

const PATIENCE: Duration = Duration::from_secs(40);

/// Computers on one cable with the addresses 10.77.0.1, .2 and so on; none where this system cannot make them.
fn cable(computers: usize) -> Option<Cable> {
    let made = Cable::new(computers).and_then(|cable| {
        for number in 0..computers {
            cable.set_address(number, &format!("10.77.0.{}/24", number + 1))?;
        }
        Ok(cable)
    });
    made.map_err(|reason| println!("skipped: no networks of our own here ({reason})")).ok()
}

/// Ana's workspace with one file, shared with everybody else. All nodes are left running with these arguments.
fn shared<const N: usize>(cable: Option<&Cable>, arguments: &[&str]) -> (tempfile::TempDir, [Device; N]) {
    let root = tempfile::tempdir().expect("a folder");
    let mut devices: [Device; N] = std::array::from_fn(|number| {
        let mut device = Device::new(root.path(), ["ana", "ben", "cleo"][number]).expect("a device");
        device.namespace = cable.map(|cable| cable.computer(number).to_owned());
        device
    });
    files(&devices[0]).write("plan.md", "begin\n").expect("a file");
    devices[0].weft(["init", "notes"]).expect("a workspace");
    for device in &mut devices {
        device.start_plain_node(arguments).expect("a node");
    }
    let [ana, others @ ..] = &devices[..] else { panic!("no device") };
    for other in others {
        let ticket = ana.weft(["share", "notes", "--yes"]).expect("a ticket");
        other.weft_with_input(["join", "-", "notes", "--yes"], ticket.text("ticket")).expect("a join");
    }
    (root, devices)
}

fn files(device: &Device) -> Files {
    Files::new(device.place.join("notes")).expect("a folder")
}

fn stop_all(devices: &mut [Device]) {
    for device in devices {
        device.stop_node().expect("an end");
    }
}

/// What one saves is on the disk of the others.
fn crosses(from: &Device, to: &[&Device], line: &str) {
    let text = files(from).read("plan.md").expect("a text") + line;
    files(from).write("plan.md", text).expect("a save");
    let arrived = |device: &Device| files(device).read("plan.md").is_some_and(|text| text.contains(line));
    let all = eventually(PATIENCE, || to.iter().all(|device| arrived(device)).then_some(()));
    let peers = || {
        [&[from], to]
            .concat()
            .into_iter()
            .map(|device| {
                [device.shown(["peers"]), device.shown(["status", "notes"]), device.shown(["diagnostics"])]
                    .map(|shown| shown.unwrap_or_default())
            })
            .collect::<Vec<_>>()
    };
    assert!(all.is_some(), "{line:?} did not come to everybody: {}", peers().concat().concat());
}

#[test]
fn two_computers_without_a_router_find_each_other_by_multicast() {
    let Some(cable) = cable(2) else { return };
    let (_root, mut devices) = shared::<2>(Some(&cable), &[]);
    stop_all(&mut devices);
    // What they remember of each other is of no use any more.
    cable.set_address(0, "10.78.0.11/24").expect("an address");
    cable.set_address(1, "10.78.0.12/24").expect("an address");
    for device in &mut devices {
        device.start_plain_node(&[]).expect("a node");
    }
    let [ana, ben] = &devices;
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
fn one_reachable_member_is_enough_to_find_the_rest() {
    let arguments = ["--lan", "off", "--listen", "127.0.0.1:0"];
    let (_root, mut devices) = shared::<3>(None, &arguments);
    let [_, ben, cleo] = &devices;
    let told = eventually(PATIENCE, || {
        let peers = cleo.weft(["peers"]).ok()?;
        let connected =
            peers.field("peers").as_array()?.iter().filter(|peer| peer["connected"] == true).count();
        (connected == 2).then_some(())
    });
    assert!(told.is_some(), "{:?}", cleo.weft(["peers"]));
    crosses(ben, &[cleo], "all three are here\n");
    devices[0].stop_node().expect("an end");
    let [_, ben, cleo] = &devices;
    crosses(cleo, &[ben], "without the one who invited us\n");
}

#[test]
fn a_pulled_cable_is_noticed_and_made_good() {
    let Some(cable) = cable(2) else { return };
    let (_root, devices) = shared::<2>(Some(&cable), &[]);
    let [ana, ben] = &devices;
    crosses(ana, &[ben], "before\n");
    cable.set_plugged(1, false).expect("a pulled plug");
    let connected = |device: &Device| {
        let peers = device.weft(["peers"]).ok()?;
        Some(peers.field("peers").as_array()?.iter().any(|peer| peer["connected"] == true))
    };
    let noticed = eventually(PATIENCE, || (connected(ana) == Some(false)).then_some(()));
    assert!(noticed.is_some(), "the cable is out and nobody has noticed");
    files(ana).write("ana.md", "typed without a cable\n").expect("a save");
    files(ben).write("ben.md", "so was this\n").expect("a save");
    cable.set_plugged(1, true).expect("a plug");
    let merged = eventually(PATIENCE, || {
        (files(ben).read("ana.md").is_some() && files(ana).read("ben.md").is_some()).then_some(())
    });
    assert!(merged.is_some(), "what was written apart did not meet");
}
