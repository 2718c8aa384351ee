//! Two nodes that cannot reach each other meet at a relay, and the relay reads nothing.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "tests say what they skip and what they measured")]

mod relay;

use std::{hash::BuildHasher as _, path::Path, time::Duration};

use weft_tests::{Cable, Device, Files, NodeProcess, eventually, memory::holds};

use self::relay::Relay;

const PATIENCE: Duration = Duration::from_secs(60);

/// What nobody but the two may read. It is made up anew for each run, so that it lies in no program, and so not in the
/// memory of the relay either, which is this program.
struct Secrets {
    /// Stands in every text.
    canary: String,
    workspace: String,
    person: String,
    file: String,
}

impl Secrets {
    fn new() -> Self {
        let random = || std::hash::RandomState::new().hash_one(0);
        Self {
            canary: format!("{:016x}{:016x}", random(), random()),
            workspace: format!("w{:016x}", random()),
            person: format!("P{:016x}", random()),
            file: format!("f{:016x}", random()),
        }
    }

    fn all(&self) -> [&[u8]; 4] {
        [&self.canary, &self.workspace, &self.person, &self.file].map(String::as_bytes)
    }

    /// Two people who do not meet yet, in these networks, and the workspace of the first.
    fn people(&self, root: &Path, namespaces: [&str; 2]) -> [Device; 2] {
        let people = [self.person.as_str(), "ben"].into_iter().zip(namespaces).map(|(name, namespace)| {
            let mut device = Device::new(root, name).expect("a device");
            device.namespace = Some(namespace.to_owned());
            device
        });
        let [ana, ben] = people.collect::<Vec<_>>().try_into().expect("two people");
        self.files(&ana).write(&self.file, self.canary.repeat(1_000)).expect("a file");
        ana.weft(["init", &self.workspace]).expect("a workspace");
        [ana, ben]
    }

    fn files(&self, device: &Device) -> Files {
        Files::new(device.place.join(&self.workspace)).expect("a folder")
    }

    fn ticket(&self, inviter: &Device) -> String {
        inviter.weft(["share", &self.workspace, "--yes"]).expect("a ticket").text("ticket").to_owned()
    }

    fn join(&self, newcomer: &Device, inviter: &Device) {
        let words = ["join", "-", &self.workspace, "--yes"];
        newcomer.weft_with_input(words, &self.ticket(inviter)).expect("a join by the relay");
        assert_eq!(self.files(newcomer).read(&self.file), self.files(inviter).read(&self.file));
    }

    /// What one writes is on the disk of the other.
    fn crosses(&self, from: &Device, to: &Device, name: &str) -> Duration {
        let name = format!("{}-{name}", self.file);
        let text = format!("{name}: {}\n", self.canary).repeat(200);
        self.files(from).write(&name, &text).expect("a save");
        let arrived = eventually(PATIENCE, || (self.files(to).read(&name)? == text).then_some(()));
        let shown = |device: &Device| {
            let words: [&[&str]; 3] = [&["peers"], &["status", &self.workspace], &["diagnostics"]];
            words.map(|words| device.shown(words).unwrap_or_default()).concat()
        };
        assert!(arrived.is_some(), "{name} did not arrive:\n{}{}", shown(from), shown(to));
        arrived.map(|((), took)| took).unwrap_or_default()
    }

    /// What passed by the relay, and what it has in its memory, tells who talked and nothing else.
    fn assert_unread(&self, relay: &Relay, endpoint: &str, reader: &NodeProcess) {
        let endpoint = bytes_of(endpoint);
        let seen = relay.seen();
        println!("the relay saw {} bytes", seen.len());
        // It names who talks, so what is recorded is what passes and can be read.
        assert!(holds(&seen, b"GET /relay") && holds(&seen, &endpoint), "nothing readable was recorded");
        assert!(seen.len() > 20_000, "what was written did not pass here: {} bytes", seen.len());
        for secret in self.all() {
            assert!(!holds(&seen, secret), "the relay passes {:?}", String::from_utf8_lossy(secret));
        }
        for word in ["Ben", "laptop"] {
            assert!(!holds(&seen, word.as_bytes()), "the relay passes {word:?}");
        }

        let wanted = [&self.all()[..], &[&endpoint]].concat();
        let (found, searched) = weft_tests::memory::search(relay.pid(), &wanted).expect("the relay's memory");
        println!("{searched} bytes of the relay's memory searched: {found:?}");
        assert_eq!(found, [false, false, false, false, true], "secrets, and the id of an endpoint");
        // The same search finds all of it where it is known.
        let (found, searched) =
            weft_tests::memory::search(reader.pid(), &self.all()).expect("a node's memory");
        println!("{searched} bytes of a node's memory searched: {found:?}");
        assert_eq!(found, [true; 4], "the search finds nothing where everything is");
    }
}

/// Two computers that are cut off from each other and one that both reach; none where this system cannot make them.
fn cable() -> Option<Cable> {
    or_skip(Cable::new(3).and_then(|cable| {
        for number in 0..3 {
            cable.set_address(number, &format!("10.77.0.{}/24", number + 1))?;
        }
        cable.set_apart(0)?;
        cable.set_apart(1)?;
        Ok(cable)
    }))
}

/// Two networks without a way from one to the other. The second computer of the first one lies in both.
fn subnets() -> Option<[Cable; 2]> {
    or_skip(Cable::new(2).and_then(|first| {
        first.set_address(0, "10.77.0.1/24")?;
        first.set_address(1, "10.77.0.254/24")?;
        let second = Cable::new(1)?;
        second.set_address(0, "10.88.0.1/24")?;
        second.plug_in(first.computer(1), "10.88.0.254/24")?;
        Ok([first, second])
    }))
}

/// Says why a test is skipped.
fn or_skip<T>(made: Result<T, String>) -> Option<T> {
    made.map_err(|reason| println!("skipped: no networks of our own here ({reason})")).ok()
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
    let (root, secrets) = (tempfile::tempdir().expect("a folder"), Secrets::new());
    let relay = Relay::start(cable.computer(2), root.path()).expect("a relay");
    let url = relay.url("10.77.0.3");
    let [mut ana, mut ben] = secrets.people(root.path(), [cable.computer(0), cable.computer(1)]);
    let with_relay = ["--lan", "off", "--relay", &url];
    let endpoint = ana.start_plain_node(&with_relay).expect("a node").endpoint.clone();

    // Without the relay there is no way, and the person learns of the other one.
    let join = ["join", "-", &secrets.workspace, "--yes", "--lan", "off", "--timeout", "2s"];
    let alone = ben.weft_with_input(join, &secrets.ticket(&ana)).expect_err("there is no route");
    assert_eq!(alone.code, Some(5), "{alone}");
    let hint = alone.hint.as_deref().unwrap_or_default();
    assert!(hint.contains(&format!("--relay {url}")), "{hint}");

    ben.start_plain_node(&with_relay).expect("a node");
    secrets.join(&ben, &ana);
    secrets.crosses(&ana, &ben, "from-ana");
    secrets.crosses(&ben, &ana, "from-ben");
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
    secrets.crosses(&ana, &ben, "again-from-ana");
    secrets.crosses(&ben, &ana, "again-from-ben");
    secrets.assert_unread(&relay, &endpoint, ben.node().expect("a node"));
}

#[test]
fn nodes_in_two_networks_meet_at_a_relay_that_lies_in_both() {
    let Some([first, second]) = subnets() else { return };
    let (root, secrets) = (tempfile::tempdir().expect("a folder"), Secrets::new());
    let relay = Relay::start(first.computer(1), root.path()).expect("a relay");
    let [mut ana, mut ben] = secrets.people(root.path(), [first.computer(0), second.computer(0)]);
    // Each names the relay as it is reached from there. All else stays as it is without being asked for.
    let endpoint =
        ana.start_plain_node(&["--relay", &relay.url("10.77.0.254")]).expect("a node").endpoint.clone();
    ben.start_plain_node(&["--relay", &relay.url("10.88.0.254")]).expect("a node");
    secrets.join(&ben, &ana);
    for round in 0..3 {
        let there = secrets.crosses(&ana, &ben, &format!("from-ana-{round}"));
        let back = secrets.crosses(&ben, &ana, &format!("from-ben-{round}"));
        println!("by the relay: there {there:?}, back {back:?}");
    }
    for device in [&ana, &ben] {
        let peers = device.weft(["peers"]).expect("the peers");
        assert_eq!(peers.field("peers")[0]["path"], "relay", "{peers:?}");
        println!("{}", device.shown(["peers"]).expect("the peers"));
    }
    secrets.assert_unread(&relay, &endpoint, ben.node().expect("a node"));
}
