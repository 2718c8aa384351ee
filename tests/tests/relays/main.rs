//! Two nodes that cannot reach each other meet at a relay, and the relay reads nothing.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "tests say what they skip and what they measured")]

mod relay;

use std::time::Duration;

use weft_tests::{Cable, Device, Files, eventually};

use self::relay::Relay;

const PATIENCE: Duration = Duration::from_secs(60);
/// What nobody but the two may read.
const CANARY: &str = "the-canary-sings-at-dawn";

/// Two computers that are cut off from each other and one that both reach; none where this system cannot make them.
fn cable() -> Option<Cable> {
    let made = Cable::new(3).and_then(|cable| {
        for number in 0..3 {
            cable.set_address(number, &format!("10.77.0.{}/24", number + 1))?;
        }
        cable.set_apart(0)?;
        cable.set_apart(1)?;
        Ok(cable)
    });
    made.map_err(|reason| println!("skipped: no networks of our own here ({reason})")).ok()
}

fn files(device: &Device) -> Files {
    Files::new(device.place.join("canary-notes")).expect("a folder")
}

/// What one writes is on the disk of the other.
fn crosses(from: &Device, to: &Device, name: &str) {
    let text = format!("{name}: {CANARY}\n").repeat(200);
    files(from).write(name, &text).expect("a save");
    let arrived = eventually(PATIENCE, || (files(to).read(name)? == text).then_some(()));
    let shown = |device: &Device| {
        ["status", "diagnostics"].map(|command| device.shown([command, "canary-notes"]).unwrap_or_default())
    };
    assert!(arrived.is_some(), "{name} did not arrive: {}", [shown(from), shown(to)].concat().concat());
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The bytes of an id in hexadecimal digits.
fn bytes_of(id: &str) -> Vec<u8> {
    let digits = (0..id.len()).step_by(2);
    digits.map(|at| u8::from_str_radix(&id[at..at + 2], 16).expect("hexadecimal digits")).collect()
}

/// How bad it is what `weft doctor` says of the relay.
fn relay_finding(device: &Device) -> String {
    let report = device.weft(["doctor"]).expect("a report");
    let findings = report.field("findings").as_array().cloned().unwrap_or_default();
    let of_relay =
        |finding: &serde_json::Value| finding["message"].as_str().is_some_and(|text| text.contains("relay"));
    findings
        .into_iter()
        .find(of_relay)
        .map_or_else(String::new, |finding| finding["severity"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_relay_that_is_not_there_is_told() {
    let root = tempfile::tempdir().expect("a folder");
    let mut ana = Device::new(root.path(), "ana").expect("a device");
    ana.start_node_with(&["--lan", "off", "--relay", "http://127.0.0.1:1"]).expect("a node");
    assert_eq!(relay_finding(&ana), "note");
}

#[test]
fn nodes_without_a_route_meet_at_a_relay_that_reads_nothing() {
    let Some(cable) = cable() else { return };
    let relay = Relay::start(cable.computer(2), "10.77.0.3").expect("a relay");
    let root = tempfile::tempdir().expect("a folder");
    let [mut ana, mut ben] = [("ana", 0), ("ben", 1)].map(|(name, number)| {
        let mut device = Device::new(root.path(), name).expect("a device");
        device.namespace = Some(cable.computer(number).to_owned());
        device
    });
    files(&ana).write("plan.md", CANARY.repeat(1_000)).expect("a file");
    ana.weft(["init", "canary-notes"]).expect("a workspace");
    let with_relay = ["--lan", "off", "--relay", &relay.url];
    let endpoint = ana.start_plain_node(&with_relay).expect("a node").endpoint.clone();
    let ticket = ana.weft(["share", "canary-notes", "--yes"]).expect("a ticket").text("ticket").to_owned();

    // Without the relay there is no way, and the person learns of the other one.
    let join = ["join", "-", "canary-notes", "--yes", "--lan", "off", "--timeout", "2s"];
    let alone = ben.weft_with_input(join, &ticket).expect_err("there is no route");
    assert_eq!(alone.code, Some(5), "{alone}");
    let hint = alone.hint.as_deref().unwrap_or_default();
    assert!(hint.contains(&format!("--relay {}", relay.url)), "{hint}");

    ben.start_plain_node(&with_relay).expect("a node");
    ben.weft_with_input(["join", "-", "canary-notes", "--yes"], &ticket).expect("a join by the relay");
    assert_eq!(files(&ben).read("plan.md"), files(&ana).read("plan.md"));
    crosses(&ana, &ben, "from-ana.md");
    crosses(&ben, &ana, "from-ben.md");
    let peers = ben.weft(["peers"]).expect("the peers");
    assert_eq!(peers.field("peers")[0]["path"], "relay", "{peers:?}");

    assert_eq!(relay_finding(&ana), "good");

    cable.set_plugged(2, false).expect("a pulled plug");
    let is_connected = || {
        let peers = ana.weft(["peers"]).ok()?;
        Some(peers.field("peers").as_array()?.iter().any(|peer| peer["connected"] == true))
    };
    let noticed = eventually(PATIENCE, || (is_connected() == Some(false)).then_some(()));
    assert!(noticed.is_some(), "the relay is gone and nobody has noticed");
    cable.set_plugged(2, true).expect("a plug");
    crosses(&ana, &ben, "again-from-ana.md");
    crosses(&ben, &ana, "again-from-ben.md");

    let seen = relay.seen();
    println!("the relay saw {} bytes", seen.len());
    // It names who talks, so what is recorded is what passes and can be read.
    assert!(
        holds(&seen, b"GET /relay") && holds(&seen, &bytes_of(&endpoint)),
        "nothing readable was recorded"
    );
    assert!(seen.len() > 20_000, "what was written did not pass here: {} bytes", seen.len());
    for secret in [CANARY, "canary-notes", "plan.md", "from-ben.md", "Ana", "laptop"] {
        assert!(!holds(&seen, secret.as_bytes()), "the relay reads {secret:?}");
    }
}
