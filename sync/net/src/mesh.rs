//! Which peers to dial when, and which of several connections to keep: a state machine without IO.
//!
//! Hand every [`MeshInput`] to [`Mesh::handle`] and carry out the [`MeshEffect`]s in order; wake it with
//! [`MeshInput::Tick`] at [`Mesh::next_wake`].

mod peer;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rand::{Rng as _, rngs::StdRng};
use weft_sync::EndpointId;

use crate::{Address, CloseCode, greeting, greeting::Greeting, limits};
use peer::{Dial, Peer};
pub(crate) use peer::{LinkState, PeerView};

/// One connection, kept or not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LinkId(pub(crate) u64);

/// One attempt to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DialId(pub(crate) u64);

/// What happens to the mesh.
#[derive(Clone, Debug)]
pub(crate) enum MeshInput {
    /// The node wants a connection to a peer, or learned more addresses of it.
    Want { peer: EndpointId, addresses: Vec<Address> },
    /// The node does not want the peer any more.
    Unwant { peer: EndpointId },
    /// The node wants the connection closed; a wanted peer is dialed again later.
    Disconnect { peer: EndpointId, code: CloseCode },
    /// The peer announced itself on the local network.
    Sighted { peer: EndpointId, addresses: Vec<Address> },
    /// The peer has not announced itself for a while.
    SightLost { peer: EndpointId },
    /// The peer's greeting arrived on a new connection.
    Greeted {
        link: LinkId,
        peer: EndpointId,
        dial: Option<DialId>,
        address: Option<Address>,
        greeting: Greeting,
    },
    /// A dial ended without a greeting.
    DialFailed { peer: EndpointId, dial: DialId, error: String },
    /// A connection that was kept ended.
    Down { link: LinkId, peer: EndpointId, code: Option<CloseCode>, reason: String },
    /// The addresses of this device changed, or it woke up.
    NetworkChanged,
    /// The time that [`Mesh::next_wake`] named has come.
    Tick,
}

/// What the mesh wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MeshEffect {
    /// Dial a peer; end with `Greeted` or `DialFailed`.
    Dial { peer: EndpointId, dial: DialId, addresses: Vec<Address>, seen: u64 },
    /// Give up a dial; it reports nothing any more, and a greeting that was under way is ignored.
    CancelDial { dial: DialId },
    /// Keep a connection that has greeted; the deciding side sends the greeting with this ticket.
    Keep {
        link: LinkId,
        peer: EndpointId,
        address: Option<Address>,
        dialer: bool,
        decision: Option<u64>,
        wanted: bool,
    },
    /// Close a connection; one that was kept reports `Down` later.
    Close { link: LinkId, code: CloseCode, kept: bool },
    /// A kept connection's peer became wanted.
    Trust { link: LinkId },
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Mesh {
    us: EndpointId,
    rng: StdRng,
    peers: BTreeMap<EndpointId, Peer>,
    last_dial: u64,
}

impl Mesh {
    pub(crate) fn new(us: EndpointId, rng: StdRng) -> Self {
        Self { us, rng, peers: BTreeMap::new(), last_dial: 0 }
    }

    pub(crate) fn handle(&mut self, now: Instant, input: MeshInput) -> Vec<MeshEffect> {
        let mut effects = Vec::new();
        match input {
            MeshInput::Want { peer, addresses } => self.want(now, peer, addresses, &mut effects),
            MeshInput::Unwant { peer } => self.unwant(peer, &mut effects),
            MeshInput::Disconnect { peer, code } => {
                if let Some(link) = self.link(peer) {
                    effects.push(MeshEffect::Close { link: link.id, code, kept: true });
                }
            }
            MeshInput::Sighted { peer, addresses } => self.sighted(now, peer, addresses),
            MeshInput::SightLost { peer } => {
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.on_lan = false;
                }
            }
            MeshInput::Greeted { link, peer, dial, address, greeting } => {
                self.greeted(now, link, peer, dial, address, greeting, &mut effects);
            }
            MeshInput::DialFailed { peer, dial, error } => self.dial_failed(now, peer, dial, error),
            MeshInput::Down { link, peer, code, reason } => self.down(now, link, peer, code, reason),
            MeshInput::NetworkChanged => {
                for peer in self.peers.values_mut() {
                    peer.dial_soon(now);
                }
            }
            MeshInput::Tick => {}
        }
        self.start_dials(now, &mut effects);
        effects
    }

    /// Returns when [`MeshInput::Tick`] is due.
    pub(crate) fn next_wake(&self) -> Option<Instant> {
        if self.dials_running() >= limits::DIALS_MAX {
            // The end of a dial wakes the others.
            return None;
        }
        self.peers.values().filter_map(Peer::next_dial).min()
    }

    /// Returns what is known about every peer that is wanted or connected.
    pub(crate) fn view(&self, now: Instant) -> Vec<PeerView> {
        self.peers.iter().map(|(id, peer)| peer.view(*id, now)).collect()
    }

    /// Returns the ticket that a greeting to this peer carries when the peer decides.
    pub(crate) fn seen(&self, peer: EndpointId) -> u64 {
        self.peers.get(&peer).map_or(0, |peer| peer.seen)
    }

    /// Returns whether a connection of this peer would be kept if it came now, as far as limits go.
    pub(crate) fn has_room_for(&self, peer: EndpointId) -> bool {
        if self.link(peer).is_some() {
            return true;
        }
        let links = self.peers.values().filter(|peer| peer.link.is_some()).count();
        let strangers = self.peers.values().filter(|peer| peer.link.is_some() && !peer.wanted).count();
        let wanted = self.peers.get(&peer).is_some_and(|peer| peer.wanted);
        links < limits::CONNECTIONS_MAX && (wanted || strangers < limits::STRANGERS_MAX)
    }

    fn link(&self, peer: EndpointId) -> Option<&LinkState> {
        self.peers.get(&peer).and_then(|peer| peer.link.as_ref())
    }

    fn want(&mut self, now: Instant, id: EndpointId, addresses: Vec<Address>, effects: &mut Vec<MeshEffect>) {
        let wanted = self.peers.values().filter(|peer| peer.wanted).count();
        let is_new = self.peers.get(&id).is_none_or(|peer| !peer.wanted);
        if is_new && wanted >= limits::WANTED_MAX {
            tracing::warn!(peer = %id, "too many wanted peers, this one is left out");
            return;
        }
        let peer = self.peers.entry(id).or_default();
        let news = peer.learn(addresses) || !peer.wanted;
        peer.wanted = true;
        if let Some(link) = &peer.link {
            effects.push(MeshEffect::Trust { link: link.id });
        } else if news {
            peer.dial_soon(now);
        }
    }

    fn unwant(&mut self, id: EndpointId, effects: &mut Vec<MeshEffect>) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.wanted = false;
        if let Some(dial) = peer.cancel_dial() {
            effects.push(MeshEffect::CancelDial { dial });
        }
        match &peer.link {
            Some(link) => {
                effects.push(MeshEffect::Close { link: link.id, code: CloseCode::UNWANTED, kept: true })
            }
            None => drop(self.peers.remove(&id)),
        }
    }

    fn sighted(&mut self, now: Instant, id: EndpointId, addresses: Vec<Address>) {
        // Announcements of strangers are none of our business: anybody can make up any number of them.
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let news = peer.learn(addresses) || !peer.on_lan;
        peer.on_lan = true;
        if news {
            peer.dial_soon(now);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one input")]
    fn greeted(
        &mut self,
        now: Instant,
        link: LinkId,
        id: EndpointId,
        dial: Option<DialId>,
        address: Option<Address>,
        greeting: Greeting,
        effects: &mut Vec<MeshEffect>,
    ) {
        if dial.is_some_and(|dial| !self.is_running(id, dial)) {
            effects.push(MeshEffect::Close { link, code: CloseCode::CANCELLED, kept: false });
            return;
        }
        if !self.has_room_for(id) {
            effects.push(MeshEffect::Close { link, code: CloseCode::BUSY, kept: false });
            return;
        }
        let decides = greeting::decides(self.us, id);
        let decision = decides.then(|| self.rng.next_u64());
        let peer = self.peers.entry(id).or_default();
        if decides && peer.link.as_ref().is_some_and(|link| link.is_same_as_seen_by(&greeting)) {
            effects.push(MeshEffect::Close { link, code: CloseCode::DUPLICATE, kept: false });
            return;
        }
        if let Some(old) = peer.link.take() {
            effects.push(MeshEffect::Close { link: old.id, code: CloseCode::REPLACED, kept: true });
        }
        if let Some(running) = peer.cancel_dial().filter(|running| Some(*running) != dial) {
            effects.push(MeshEffect::CancelDial { dial: running });
        }
        if !decides {
            peer.seen = greeting.ticket;
        }
        peer.learn(address.iter().cloned().collect());
        peer.link = Some(LinkState {
            id: link,
            instance: greeting.instance,
            ticket: decision.unwrap_or(greeting.ticket),
            since: now,
            dialer: dial.is_some(),
        });
        peer.last_error = None;
        let dialer = dial.is_some();
        effects.push(MeshEffect::Keep { link, peer: id, address, dialer, decision, wanted: peer.wanted });
    }

    fn is_running(&self, peer: EndpointId, dial: DialId) -> bool {
        self.peers.get(&peer).is_some_and(|peer| matches!(peer.dial, Dial::Running { id, .. } if id == dial))
    }

    fn dial_failed(&mut self, now: Instant, id: EndpointId, dial: DialId, error: String) {
        if !self.is_running(id, dial) {
            return;
        }
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.last_error = Some(error);
            peer.failures = peer.failures.saturating_add(1);
            let planned = peer.next_dial();
            let at = now + pause(&mut self.rng, peer.failures);
            peer.dial_at(planned.map_or(at, |planned| planned.min(at)));
        }
    }

    fn down(&mut self, now: Instant, link: LinkId, id: EndpointId, code: Option<CloseCode>, reason: String) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(old) = peer.link.take_if(|kept| kept.id == link) else { return };
        if !peer.wanted {
            self.peers.remove(&id);
            return;
        }
        peer.failures = match code {
            // The other side has made up its mind; asking it every second changes nothing.
            Some(CloseCode::UNWANTED | CloseCode::VERSION) => u32::MAX,
            _ if now.duration_since(old.since) < limits::STABLE_AFTER => peer.failures.saturating_add(1),
            _ => 0,
        };
        peer.last_error = Some(reason);
        peer.dial_at(now + pause(&mut self.rng, peer.failures));
    }

    fn start_dials(&mut self, now: Instant, effects: &mut Vec<MeshEffect>) {
        let mut running = self.dials_running();
        for (id, peer) in &mut self.peers {
            if running >= limits::DIALS_MAX || peer.next_dial().is_none_or(|at| at > now) {
                continue;
            }
            if let Some(old) = peer.cancel_dial() {
                effects.push(MeshEffect::CancelDial { dial: old });
            } else {
                running += 1;
            }
            self.last_dial += 1;
            let dial = DialId(self.last_dial);
            peer.dial = Dial::Running { id: dial, since: now, again_at: None };
            effects.push(MeshEffect::Dial {
                peer: *id,
                dial,
                addresses: peer.addresses.clone(),
                seen: peer.seen,
            });
        }
    }

    fn dials_running(&self) -> usize {
        self.peers.values().filter(|peer| matches!(peer.dial, Dial::Running { .. })).count()
    }
}

/// The pause after a number of failures: doubling from the shortest to the longest, a quarter more or less by chance, so
/// that devices that lost each other at the same moment do not stay in step.
fn pause(rng: &mut StdRng, failures: u32) -> Duration {
    let doubled = limits::RETRY_MIN.saturating_mul(1 << failures.min(10));
    let base = doubled.min(limits::RETRY_MAX);
    base * 3 / 4 + base / 2 * (rng.next_u32() % 1024) / 1024
}
