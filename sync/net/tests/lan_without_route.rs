//! Two computers on one cable, no router, no default route: network namespaces stand in for the computers.
//!
//! Needs Linux, root and the `ip` command; says so and passes where one of them is missing.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking and say what they skip"
)]

mod common;

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use common::{Node, loopback};
use weft_sync::EndpointId;

/// Names the variable that turns a run of this program into one of the two computers.
const ROLE: &str = "WEFT_NET_TEST_ROLE";

fn ip(arguments: &str) -> Result<(), String> {
    let output =
        Command::new("ip").args(arguments.split(' ')).output().map_err(|error| format!("ip: {error}"))?;
    let error = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("ip {arguments}: {}", error.trim())) }
}

/// Two namespaces joined by a cable, or by two cables.
struct Cable {
    names: [String; 2],
}

impl Cable {
    fn new(tag: &str, cables: usize) -> Result<Self, String> {
        let pid = std::process::id();
        let cable = Self { names: ["a", "b"].map(|side| format!("weft-{tag}-{pid}-{side}")) };
        for name in &cable.names {
            ip(&format!("netns add {name}"))?;
            ip(&format!("-n {name} link set lo up"))?;
        }
        let [a, b] = &cable.names;
        for number in 0..cables {
            ip(&format!("-n {a} link add eth{number} type veth peer name eth{number} netns {b}"))?;
            for (host, name) in [(1, a), (2, b)] {
                ip(&format!("-n {name} addr add 10.77.{number}.{host}/24 dev eth{number}"))?;
                ip(&format!("-n {name} link set eth{number} up"))?;
            }
        }
        Ok(cable)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for name in &self.names {
            // One that was never made cannot be removed, which is as well.
            let _ = ip(&format!("netns del {name}"));
        }
    }
}

fn key(computer: u8) -> [u8; 32] {
    [computer; 32]
}

fn start(namespace: &str, computer: u8) -> Child {
    let program = std::env::current_exe().unwrap();
    Command::new("ip")
        .args(["netns", "exec", namespace])
        .arg(program)
        .args(["one_computer", "--exact", "--nocapture"])
        .env(ROLE, computer.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// One of the two computers: knows the other one's id and nothing else. Does nothing in an ordinary run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_computer() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let us: u8 = role.parse().unwrap();
    let peer = iroh::SecretKey::from_bytes(&key(3 - us)).public();
    let peer = EndpointId::from_bytes(*peer.as_bytes());
    let mut config = loopback(key(us));
    config.listen = vec![];
    config.lan = true;
    let start = Instant::now();
    let mut node = Node::with(config).await;
    node.net.want(peer, vec![]).await.unwrap();
    let dialer = node.connected_to(peer).await;
    println!("connected after {:?}, dialer {dialer}", start.elapsed());
    if dialer {
        let channel = node.net.open_channel(peer).unwrap();
        node.net.send_wait(channel, "hello".into()).await.unwrap();
        // Stays until the other one has heard it and closes.
        node.until(|event| matches!(event, weft_net::NetEvent::ChannelDown { .. }).then_some(())).await;
    } else {
        assert_eq!(node.frame().await, "hello");
    }
    node.net.shutdown().await;
    println!("done");
}

fn meet(tag: &str, cables: usize) {
    let cable = match Cable::new(tag, cables) {
        Ok(cable) => cable,
        Err(reason) => {
            println!("skipped: no network namespaces here: {reason}");
            return;
        }
    };
    for name in &cable.names {
        let routes = Command::new("ip").args(["-n", name, "route", "show", "default"]).output().unwrap();
        assert!(routes.stdout.is_empty(), "there must be no default route");
    }
    // Addresses of fresh interfaces are not usable at once.
    std::thread::sleep(Duration::from_millis(300));
    let computers = [start(&cable.names[0], 1), start(&cable.names[1], 2)];
    for (computer, name) in computers.into_iter().zip(&cable.names) {
        let output = computer.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        println!("{name}: {}", text.lines().filter(|line| line.contains("connected")).collect::<String>());
        assert!(output.status.success() && text.contains("done"), "{text}");
    }
}

#[test]
fn two_computers_on_a_cable_find_each_other() {
    if std::env::var(ROLE).is_err() {
        meet("one", 1);
    }
}

#[test]
fn two_computers_on_two_cables_find_each_other() {
    if std::env::var(ROLE).is_err() {
        meet("two", 2);
    }
}
