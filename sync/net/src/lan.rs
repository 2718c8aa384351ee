//! Finding devices on the local network by multicast DNS, on every interface and without a default route.
//!
//! The ready-made lookup for iroh joins the multicast group on the interface of the default route only: without one it is
//! silent, and with two networks it reaches one of them. This one gives the responder beneath it every local address.
//!
//! Anybody on the network can announce anything. An announcement is only a hint where to dial: the dialed device proves
//! its id, and everything remembered here is bounded.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use futures_util::stream;
use iroh::{
    PublicKey,
    address_lookup::{self, AddressLookup, EndpointData, EndpointInfo, Item},
};
use n0_future::boxed::BoxStream;
use swarm_discovery::{Discoverer, DropGuard, IpClass, Peer};
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
    time::timeout_at,
};
use weft_sync::EndpointId;

use crate::{Address, limits};

/// The name of the service; every Weft device of this protocol version answers to it.
const SERVICE: &str = "weft1";

/// The lookup; clones share one state. Announcing ends with the last clone, or with `stop`.
#[derive(Clone)]
pub(crate) struct Lan {
    us: EndpointId,
    name: String,
    runtime: Handle,
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
    /// Counts changes, for dials that wait for a peer to appear.
    version: Arc<watch::Sender<u64>>,
}

#[derive(Default)]
struct State {
    responder: Option<DropGuard>,
    /// What is announced.
    own: Vec<SocketAddr>,
    interfaces: BTreeSet<Ipv4Addr>,
    /// Other devices; never ours.
    seen: BTreeMap<EndpointId, Vec<SocketAddr>>,
    /// Devices that appeared, changed or vanished since they were last taken.
    changed: BTreeSet<EndpointId>,
    /// When anything was last heard, our own announcements included.
    heard: Option<Instant>,
    failure: Option<String>,
    failure_told: bool,
    stopped: bool,
}

impl std::fmt::Debug for Lan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lan").field("us", &self.us).finish_non_exhaustive()
    }
}

impl Lan {
    /// Makes a lookup that starts with the first published addresses. Needs a running tokio runtime.
    pub(crate) fn new(us: PublicKey) -> Self {
        Self {
            us: EndpointId::from_bytes(*us.as_bytes()),
            name: us.to_z32(),
            runtime: Handle::current(),
            state: Arc::default(),
            changed: Arc::default(),
            version: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Wakes one waiter after each change; then call [`Lan::take_changed`].
    pub(crate) fn changes(&self) -> Arc<Notify> {
        self.changed.clone()
    }

    /// Returns the devices that changed with their addresses; none for those that vanished.
    pub(crate) fn take_changed(&self) -> Vec<(EndpointId, Vec<Address>)> {
        let mut state = self.state();
        let changed = std::mem::take(&mut state.changed);
        let addresses =
            |peer| state.seen.get(&peer).into_iter().flatten().copied().map(Address::Ip).collect();
        changed.into_iter().map(|peer| (peer, addresses(peer))).collect()
    }

    /// Returns where a device announced itself lately.
    pub(crate) fn addresses_of(&self, peer: EndpointId) -> Option<Vec<Address>> {
        let state = self.state();
        state.seen.get(&peer).map(|addresses| addresses.iter().copied().map(Address::Ip).collect())
    }

    /// Starts the responder anew when it has been silent for long; returns why the lookup does not work, once.
    pub(crate) fn check(&self) -> Option<String> {
        let mut state = self.state();
        let silent = state.heard.is_some_and(|heard| heard.elapsed() > limits::LAN_SILENCE);
        if silent && !state.own.is_empty() {
            self.restart(&mut state);
        }
        if state.failure_told {
            return None;
        }
        let failure = state.failure.take();
        state.failure_told = failure.is_some();
        failure
    }

    /// Ends announcing and listening.
    pub(crate) fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        state.responder = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that could panic runs under the lock; the state is whole even if it did.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the responder by one that knows the current interfaces.
    ///
    /// Interfaces could be added one by one, but a responder ends silently when one of its sockets fails, and a network
    /// change is when that happens.
    fn restart(&self, state: &mut State) {
        state.responder = None;
        state.heard = Some(Instant::now());
        if state.stopped || state.own.is_empty() {
            return;
        }
        let class = if state.interfaces.is_empty() { IpClass::V6Only } else { IpClass::V4Only };
        let lan = self.clone_for_callback();
        let mut discoverer = Discoverer::new_interactive(SERVICE.to_owned(), self.name.clone())
            .with_cadence(limits::LAN_CADENCE)
            .with_ip_class(class)
            .with_multicast_interfaces_v4(state.interfaces.iter().copied().collect())
            .with_callback(move |name, peer| lan.on_answer(name, peer));
        for address in &state.own {
            discoverer = discoverer.with_addrs(address.port(), [address.ip()]);
        }
        match discoverer.spawn(&self.runtime) {
            Ok(responder) => state.responder = Some(responder),
            Err(error) => state.failure = Some(with_causes(&error)),
        }
    }

    fn clone_for_callback(&self) -> Listener {
        Listener {
            us: self.us,
            state: Arc::downgrade(&self.state),
            changed: self.changed.clone(),
            version: self.version.clone(),
        }
    }
}

/// The responder's view of the lookup. Weak, so that the responder does not keep itself alive.
struct Listener {
    us: EndpointId,
    state: std::sync::Weak<Mutex<State>>,
    changed: Arc<Notify>,
    version: Arc<watch::Sender<u64>>,
}

impl Listener {
    fn on_answer(&self, name: &str, peer: &Peer) {
        let Some(state) = self.state.upgrade() else { return };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.heard = Some(Instant::now());
        let Ok(id) = PublicKey::from_z32(name) else { return };
        let id = EndpointId::from_bytes(*id.as_bytes());
        if id == self.us || !state.note(id, usable_addresses(peer.addrs())) {
            return;
        }
        drop(state);
        self.version.send_modify(|version| *version += 1);
        self.changed.notify_one();
    }
}

impl State {
    /// Remembers where a device is; returns whether that is news.
    fn note(&mut self, peer: EndpointId, addresses: Vec<SocketAddr>) -> bool {
        let known = self.seen.get(&peer);
        if addresses.is_empty() {
            if self.seen.remove(&peer).is_none() {
                return false;
            }
        } else {
            let full = self.seen.len() >= limits::SIGHTINGS_MAX && known.is_none();
            if full || known == Some(&addresses) {
                return false;
            }
            self.seen.insert(peer, addresses);
        }
        self.changed.insert(peer);
        true
    }
}

/// Keeps what can be dialed, sorted, at most as much as is remembered for one peer.
fn usable_addresses(announced: &[(IpAddr, u16)]) -> Vec<SocketAddr> {
    let usable =
        announced.iter().filter(|(ip, port)| *port != 0 && !ip.is_unspecified() && !ip.is_multicast());
    let mut addresses: Vec<_> = usable.map(|(ip, port)| SocketAddr::new(*ip, *port)).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(limits::ADDRESSES_MAX);
    addresses
}

/// One packet holds a limited number of addresses; IPv4 ones are the likeliest to work on a local network.
fn to_announce(mut own: Vec<SocketAddr>) -> Vec<SocketAddr> {
    own.sort_by_key(|address| (address.is_ipv6(), *address));
    own.truncate(limits::ANNOUNCED_ADDRESSES_MAX);
    own
}

impl AddressLookup for Lan {
    fn publish(&self, data: &EndpointData) {
        let own = to_announce(data.ip_addrs().copied().collect());
        let interfaces = own.iter().filter_map(|address| local_v4(address.ip())).collect();
        let mut state = self.state();
        if state.own == own && state.responder.is_some() {
            return;
        }
        state.own = own;
        state.interfaces = interfaces;
        self.restart(&mut state);
    }

    fn resolve(&self, id: PublicKey) -> Option<BoxStream<Result<Item, address_lookup::Error>>> {
        let lan = self.clone();
        let start = Resolving {
            version: self.version.subscribe(),
            deadline: tokio::time::Instant::now() + limits::LAN_RESOLVE,
            told: Vec::new(),
        };
        Some(Box::pin(stream::unfold(start, move |resolving| resolve_next(lan.clone(), id, resolving))))
    }
}

/// A dial that waits for a peer to appear.
struct Resolving {
    version: watch::Receiver<u64>,
    deadline: tokio::time::Instant,
    told: Vec<SocketAddr>,
}

async fn resolve_next(
    lan: Lan,
    id: PublicKey,
    mut resolving: Resolving,
) -> Option<(Result<Item, address_lookup::Error>, Resolving)> {
    let peer = EndpointId::from_bytes(*id.as_bytes());
    loop {
        resolving.version.borrow_and_update();
        let addresses = lan.state().seen.get(&peer).cloned().unwrap_or_default();
        if !addresses.is_empty() && addresses != resolving.told {
            resolving.told.clone_from(&addresses);
            let info = EndpointInfo::new(id).with_ip_addrs(addresses);
            return Some((Ok(Item::new(info, SERVICE, None)), resolving));
        }
        timeout_at(resolving.deadline, resolving.version.changed()).await.ok()?.ok()?;
    }
}

/// Returns an IPv4 address if it belongs to an interface of this computer; others may be addresses seen from outside.
fn local_v4(ip: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V4(ip) = ip else { return None };
    UdpSocket::bind((ip, 0)).is_ok().then_some(ip)
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u16) -> EndpointId {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&byte.to_be_bytes());
        EndpointId::from_bytes(bytes)
    }

    #[test]
    fn only_news_counts_and_an_expiry_forgets() {
        let mut state = State::default();
        let address = |port| SocketAddr::from(([192, 0, 2, 1], port));
        assert!(state.note(id(1), vec![address(1)]));
        assert!(!state.note(id(1), vec![address(1)]));
        assert!(state.note(id(1), vec![address(2)]));
        assert!(state.note(id(1), vec![]));
        assert!(!state.note(id(1), vec![]));
        assert_eq!(state.changed.len(), 1);
    }

    #[test]
    fn a_flood_of_made_up_devices_is_bounded_and_known_ones_stay() {
        let mut state = State::default();
        let address = |port| SocketAddr::from(([192, 0, 2, 1], port));
        for peer in 0..2 * u16::try_from(limits::SIGHTINGS_MAX).expect("small limit") {
            state.note(id(peer), vec![address(1)]);
        }
        assert_eq!(state.seen.len(), limits::SIGHTINGS_MAX);
        assert_eq!(state.changed.len(), limits::SIGHTINGS_MAX);
        assert!(state.note(id(0), vec![address(7)]));
    }

    #[test]
    fn addresses_that_cannot_be_dialed_are_left_out() {
        let announced: Vec<(IpAddr, u16)> =
            [("0.0.0.0", 1), ("224.0.0.1", 1), ("192.0.2.1", 0), ("192.0.2.1", 9)]
                .iter()
                .map(|(ip, port)| (ip.parse().expect("valid address"), *port))
                .collect();
        assert_eq!(usable_addresses(&announced), [SocketAddr::from(([192, 0, 2, 1], 9))]);
        let many: Vec<_> = (1..100).map(|port| (IpAddr::from([192, 0, 2, 1]), port)).collect();
        assert_eq!(usable_addresses(&many).len(), limits::ADDRESSES_MAX);
        assert_eq!(usable_addresses(&many[..limits::ADDRESSES_MAX]).len(), limits::ADDRESSES_MAX);
    }

    #[test]
    fn as_many_addresses_are_announced_as_fit_a_packet_and_those_of_ipv4_first() {
        let six: SocketAddr = "[2001:db8::1]:1".parse().expect("valid address");
        let four = |count: u16| (1..=count).map(|port| SocketAddr::from(([192, 0, 2, 1], port)));
        let most = u16::try_from(limits::ANNOUNCED_ADDRESSES_MAX).expect("small limit");
        let announced = |count| to_announce([six].into_iter().chain(four(count)).collect());
        assert_eq!(announced(most - 1).len(), limits::ANNOUNCED_ADDRESSES_MAX);
        assert_eq!(announced(most - 1).last(), Some(&six));
        assert_eq!(announced(most), four(most).collect::<Vec<_>>());
    }
}
