//! Real nodes on networks of their own: how they find each other without a server, and what they make of bad networks.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "tests say what they skip and what they measured")]

mod apart;
mod dead;
mod found;
mod lossy;
mod moved;
mod suspended;

use std::time::Duration;

use weft_tests::{Cable, Device, Files, LongWay, eventually};

const PATIENCE: Duration = Duration::from_secs(60);

/// Says why a test is skipped.
fn or_skip<T>(made: Result<T, String>) -> Option<T> {
    made.map_err(|reason| println!("skipped: no networks of our own here ({reason})")).ok()
}

/// Computers on one cable with the addresses 10.77.0.1, .2 and so on; none where this system cannot make them.
fn cable(computers: usize) -> Option<Cable> {
    or_skip(Cable::new(computers).and_then(|cable| {
        for number in 0..computers {
            cable.set_address(number, &format!("10.77.0.{}/24", number + 1))?;
        }
        Ok(cable)
    }))
}

/// Devices of Ana, Ben and Cleo in these networks. Ana's has a workspace with one file.
fn devices<const N: usize>(namespaces: [Option<&str>; N]) -> (tempfile::TempDir, [Device; N]) {
    let root = tempfile::tempdir().expect("a folder");
    let devices: [Device; N] = std::array::from_fn(|number| {
        let mut device = Device::new(root.path(), ["ana", "ben", "cleo"][number]).expect("a device");
        device.namespace = namespaces[number].map(str::to_owned);
        device
    });
    files(&devices[0]).write("plan.md", "begin\n").expect("a file");
    devices[0].weft(["init", "notes"]).expect("a workspace");
    (root, devices)
}

/// Ana's workspace with one file, shared with everybody else. All nodes are left running with these arguments.
fn shared<const N: usize>(cable: Option<&Cable>, arguments: &[&str]) -> (tempfile::TempDir, [Device; N]) {
    let computers = std::array::from_fn(|number| cable.map(|cable| cable.computer(number)));
    let (root, mut devices) = devices::<N>(computers);
    for device in &mut devices {
        device.start_plain_node(arguments).expect("a node");
    }
    let [ana, others @ ..] = &devices[..] else { panic!("no device") };
    for other in others {
        join(ana, other);
    }
    (root, devices)
}

/// Lets one join the other's workspace; the nodes of both run.
fn join(inviter: &Device, newcomer: &Device) -> Duration {
    let ticket = inviter.weft(["share", "notes", "--yes"]).expect("a ticket");
    let words = ["join", "-", "notes", "--yes", "--timeout", "60s"];
    newcomer.weft_with_input(words, ticket.text("ticket")).expect("a join").took
}

fn files(device: &Device) -> Files {
    Files::new(device.place.join("notes")).expect("a folder")
}

fn stop_all(devices: &mut [Device]) {
    for device in devices {
        device.stop_node().expect("an end");
    }
}

/// What people would be shown of how these devices see each other.
fn shown(devices: &[&Device]) -> String {
    let commands: [&[&str]; 2] = [&["peers"], &["status", "notes"]];
    let of_device = |device: &Device| {
        let told = commands.map(|command| device.shown(command).unwrap_or_default());
        let text = files(device).read("plan.md").unwrap_or_default();
        format!("--- {}\n{}plan.md {text:?}\n", device.name, told.concat())
    };
    devices.iter().map(|device| of_device(device)).collect()
}

/// What one saves is on the disk of the others; says how long it took.
#[track_caller]
fn crosses(from: &Device, to: &[&Device], line: &str) -> Duration {
    let text = files(from).read("plan.md").expect("a text") + line;
    files(from).write("plan.md", text).expect("a save");
    comes(from, to, line)
}

/// What one has saved comes to the disk of the others.
#[track_caller]
fn comes(from: &Device, to: &[&Device], line: &str) -> Duration {
    let arrived = |device: &Device| files(device).read("plan.md").is_some_and(|text| text.contains(line));
    let all = eventually(PATIENCE, || to.iter().all(|device| arrived(device)).then_some(()));
    let everybody = || [&[from], to].concat();
    assert!(all.is_some(), "{line:?} did not come to everybody:\n{}", shown(&everybody()));
    all.map(|((), took)| took).unwrap_or_default()
}

/// How many devices a node says it is connected to.
fn connections(device: &Device) -> Option<usize> {
    let peers = device.weft(["peers"]).ok()?;
    Some(peers.field("peers").as_array()?.iter().filter(|peer| peer["connected"] == true).count())
}

/// Waits until a node is connected to so many devices; says how long it took.
#[track_caller]
fn becomes_connected(device: &Device, count: usize) -> Duration {
    let connected = eventually(PATIENCE, || (connections(device) == Some(count)).then_some(()));
    assert!(connected.is_some(), "{} is not connected to {count}:\n{}", device.name, shown(&[device]));
    connected.map(|((), took)| took).unwrap_or_default()
}

/// What `weft status --json` says of another person.
#[track_caller]
fn status_of(device: &Device, other: &str) -> serde_json::Value {
    let status = device.weft(["status", "notes"]).expect("a status");
    let peers = status.field("peers").as_array().cloned().unwrap_or_default();
    let found = peers.into_iter().find(|peer| peer["user_name"] == other);
    found.unwrap_or_else(|| panic!("{} does not know {other}: {status:?}", device.name))
}
