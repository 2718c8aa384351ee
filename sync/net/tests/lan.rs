//! Finding each other on the local network by multicast.

mod common;

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use common::{Node, fresh_key, loopback};
use tokio::time::{sleep, timeout};
use weft_net::NetEvent;

/// Says why multicast cannot work here, if so: sends a packet to the group and tries to hear it.
fn multicast_fails_on(interface: Ipv4Addr) -> Option<String> {
    let group = Ipv4Addr::new(224, 0, 0, 251);
    let check = || -> std::io::Result<()> {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.join_multicast_v4(&group, &interface)?;
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        let port = socket.local_addr()?.port();
        let sender = UdpSocket::bind((interface, 0))?;
        rustix::net::sockopt::set_ip_multicast_if(&sender, &interface)?;
        sender.send_to(b"hello", SocketAddr::from((group, port)))?;
        socket.recv(&mut [0; 8])?;
        Ok(())
    };
    check().err().map(|error| error.to_string())
}

async fn lan_node() -> Node {
    let mut config = loopback(fresh_key());
    config.lan = true;
    Node::with(config).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_know_only_ids_find_each_other_and_one_that_keeps_quiet_is_not_seen() {
    if let Some(reason) = multicast_fails_on(Ipv4Addr::LOCALHOST) {
        println!("skipped: multicast does not work on the loopback interface: {reason}");
        return;
    }
    let start = Instant::now();
    let (mut a, mut b) = (lan_node().await, lan_node().await);
    let quiet = Node::start().await;
    a.net.want(b.id(), vec![]).await.unwrap();
    b.net.want(a.id(), vec![]).await.unwrap();
    a.net.want(quiet.id(), vec![]).await.unwrap();
    let (a_id, b_id) = (a.id(), b.id());
    let (a_dialed, b_dialed) = tokio::join!(a.connected_to(b_id), b.connected_to(a_id));
    println!("connected by id {:?} after the first start", start.elapsed());
    assert_ne!(a_dialed, b_dialed);
    let peers = timeout(common::PATIENCE, async {
        loop {
            let peers = a.net.peers().await;
            // The one that was dialed may see the other one a little later.
            if peers.iter().any(|info| info.peer == b_id && info.on_lan) {
                return peers;
            }
            sleep(Duration::from_millis(50)).await;
        }
    });
    let peers = peers.await.unwrap();
    let hidden = peers.iter().find(|info| info.peer == quiet.id()).unwrap();
    assert!(!hidden.on_lan && hidden.addresses.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_finds_its_inviter_though_the_ticket_names_dead_addresses() {
    if let Some(reason) = multicast_fails_on(Ipv4Addr::LOCALHOST) {
        println!("skipped: multicast does not work on the loopback interface: {reason}");
        return;
    }
    let (mut inviter, newcomer) = (lan_node().await, lan_node().await);
    let dead = ["127.0.0.1:1".parse().unwrap()];
    let ours = timeout(common::PATIENCE, async {
        loop {
            match newcomer.net.join_stream(&dead, inviter.id()).await {
                Ok(stream) => return stream,
                Err(error) => println!("again: {error}"),
            }
        }
    });
    let ours = ours.await.unwrap();
    let join = inviter
        .until(|event| match event {
            NetEvent::Join { peer, .. } => Some(peer),
            _ => None,
        })
        .await;
    assert_eq!(join, newcomer.id());
    drop(ours);
}
