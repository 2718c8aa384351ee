//! The loop that owns all state of the transport. It decides nothing: inputs go to the [`Mesh`], effects to tasks.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use iroh::{
    Endpoint, Watcher as _,
    endpoint::{Connection, Incoming},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch},
    task::{AbortHandle, JoinHandle},
    time::{sleep, sleep_until, timeout},
};
use weft_sync::EndpointId;

use crate::{
    Address, CloseCode, NetEvent, PeerInfo, PeerState,
    greeting::Greeting,
    handshake,
    lan::Lan,
    limits,
    link::{Link, Orders},
    mesh::{DialId, LinkId, Mesh, MeshEffect, MeshInput, PeerView},
    shared::{EventSender, LinkConnection, Shared},
};

/// What the handle asks of the loop.
#[derive(Debug)]
pub(crate) enum Command {
    /// An input for the mesh.
    Mesh(MeshInput),
    /// Describe all peers.
    Peers(oneshot::Sender<Vec<PeerInfo>>),
    /// End everything in good order.
    Shutdown(oneshot::Sender<()>),
}

/// What tasks tell the loop.
#[derive(Debug)]
pub(crate) enum Report {
    /// An incoming connection for synchronising finished its handshake; its place is free after the greeting.
    Accepted { peer: EndpointId, connection: Connection, place: OwnedSemaphorePermit },
    /// The greeting of the other side arrived.
    Greeted { peer: EndpointId, connection: Connection, dial: Option<DialId>, greeting: Greeting },
    /// A dial ended without a greeting.
    DialFailed { peer: EndpointId, dial: DialId, error: String },
    /// A kept connection ended.
    Down { link: LinkId, peer: EndpointId, code: Option<CloseCode>, reason: String },
}

/// The state of the loop.
#[derive(Debug)]
pub(crate) struct Driver {
    // Fixed.
    pub(crate) endpoint: Endpoint,
    pub(crate) us: EndpointId,
    pub(crate) instance: u64,
    pub(crate) shared: Arc<Shared>,
    pub(crate) lan: Option<Lan>,
    // Queues.
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) reports: mpsc::Receiver<Report>,
    pub(crate) report_to: mpsc::Sender<Report>,
    pub(crate) events: EventSender,
    // State.
    pub(crate) mesh: Mesh,
    pub(crate) links: BTreeMap<LinkId, LinkEntry>,
    /// The newest connection task of each peer, for the order of events.
    pub(crate) tails: BTreeMap<EndpointId, JoinHandle<()>>,
    pub(crate) dials: BTreeMap<DialId, AbortHandle>,
    pub(crate) handshakes: Arc<Semaphore>,
    pub(crate) joins: Arc<Semaphore>,
    /// Events of the loop itself that found no room; each kind is kept once.
    pub(crate) unsent: Unsent,
}

/// A connection that is kept or waits for a decision.
#[derive(Debug)]
pub(crate) struct LinkEntry {
    connection: LinkConnection,
    orders: watch::Sender<Orders>,
}

/// Events of the loop itself. The loop never waits for the node; it tries again.
#[derive(Debug, Default)]
pub(crate) struct Unsent {
    addresses_changed: bool,
    lan_unavailable: Option<String>,
    seen: BTreeMap<EndpointId, Vec<Address>>,
}

/// How often unsent events are tried again and the local lookup is checked.
const CHORES: Duration = Duration::from_millis(500);

impl Driver {
    pub(crate) async fn run(mut self) {
        let mut addresses = self.endpoint.watch_addr();
        let lan_changes = self.lan.as_ref().map(Lan::changes);
        let mut chores = tokio::time::interval(CHORES);
        chores.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let wake = self.mesh.next_wake();
            tokio::select! {
                incoming = self.endpoint.accept() => match incoming {
                    Some(incoming) => self.accept(incoming),
                    None => break,
                },
                Some(report) = self.reports.recv() => self.on_report(report),
                command = self.commands.recv() => match command {
                    Some(Command::Mesh(input)) => self.feed(input),
                    // Whoever asked may have stopped waiting.
                    Some(Command::Peers(reply)) => drop(reply.send(self.describe())),
                    Some(Command::Shutdown(reply)) => {
                        self.shut_down().await;
                        let _ = reply.send(());
                        return;
                    }
                    // The last handle is gone.
                    None => break,
                },
                () = wait_until(wake) => self.feed(MeshInput::Tick),
                Ok(_) = addresses.updated() => {
                    self.unsent.addresses_changed = true;
                    self.feed(MeshInput::NetworkChanged);
                    for entry in self.links.values() {
                        entry.orders.send_modify(|orders| orders.network_changes += 1);
                    }
                    self.send_events();
                }
                () = lan_changed(lan_changes.as_deref()) => self.on_lan_change(),
                _ = chores.tick() => self.do_chores(),
            }
        }
        self.shut_down().await;
    }

    fn accept(&mut self, incoming: Incoming) {
        let Ok(place) = self.handshakes.clone().try_acquire_owned() else {
            incoming.refuse();
            return;
        };
        if is_crowded(self.handshakes.available_permits()) && !incoming.remote_addr_validated() {
            // The result is an error only for validated addresses.
            let _ = incoming.retry();
            return;
        }
        let accept = handshake::Accept {
            reports: self.report_to.clone(),
            events: self.events.clone(),
            joins: self.joins.clone(),
        };
        tokio::spawn(accept.run(incoming, place));
    }

    fn on_report(&mut self, report: Report) {
        match report {
            Report::Accepted { peer, connection, place } => {
                if !self.mesh.has_room_for(peer) {
                    let code = CloseCode::BUSY;
                    connection.close(code.to_wire(), code.reason().as_bytes());
                    return;
                }
                let greet = self.greet(peer, self.mesh.seen(peer));
                let reports = self.report_to.clone();
                tokio::spawn(async move {
                    if let Some(greeting) = greet.run(&connection).await {
                        // The loop may have ended; then the connection ends here.
                        let _ =
                            reports.send(Report::Greeted { peer, connection, dial: None, greeting }).await;
                    }
                    drop(place);
                });
            }
            Report::Greeted { peer, connection, dial, greeting } => {
                if let Some(dial) = dial {
                    self.dials.remove(&dial);
                }
                let link = LinkId(self.shared.next_id());
                let address = handshake::address_of(&connection);
                let orders = watch::Sender::new(Orders::default());
                self.links.insert(link, LinkEntry { connection: LinkConnection::new(connection), orders });
                self.feed(MeshInput::Greeted { link, peer, dial, address, greeting });
            }
            Report::DialFailed { peer, dial, error } => {
                self.dials.remove(&dial);
                tracing::debug!(%peer, %error, "dial failed");
                self.feed(MeshInput::DialFailed { peer, dial, error });
            }
            Report::Down { link, peer, code, reason } => {
                self.links.remove(&link);
                self.feed(MeshInput::Down { link, peer, code, reason });
            }
        }
    }

    /// Hands an input to the mesh and carries out its effects.
    fn feed(&mut self, input: MeshInput) {
        let wanted = match &input {
            MeshInput::Want { peer, .. } => Some(*peer),
            _ => None,
        };
        for effect in self.mesh.handle(Instant::now(), input) {
            self.carry_out(effect);
        }
        // What was seen on the local network before the peer was wanted counts now.
        if let Some(peer) = wanted
            && let Some(addresses) = self.lan.as_ref().and_then(|lan| lan.addresses_of(peer))
        {
            self.feed(MeshInput::Sighted { peer, addresses });
        }
    }

    fn carry_out(&mut self, effect: MeshEffect) {
        match effect {
            MeshEffect::Dial { peer, dial, addresses, seen } => {
                let dial_task = handshake::Dial {
                    endpoint: self.endpoint.clone(),
                    reports: self.report_to.clone(),
                    greet: self.greet(peer, seen),
                    dial,
                    addresses,
                };
                self.dials.insert(dial, tokio::spawn(dial_task.run()).abort_handle());
            }
            MeshEffect::CancelDial { dial } => {
                if let Some(task) = self.dials.remove(&dial) {
                    task.abort();
                }
            }
            MeshEffect::Keep { link, peer, address, dialer, decision, wanted } => {
                self.keep(link, peer, address, dialer, decision, wanted);
            }
            MeshEffect::Close { link, code, kept } => {
                if let Some(entry) = self.links.get(&link) {
                    entry.connection.close(code);
                }
                if !kept {
                    self.links.remove(&link);
                }
            }
            MeshEffect::Trust { link } => {
                if let Some(entry) = self.links.get(&link) {
                    entry.orders.send_modify(|orders| orders.wanted = true);
                }
            }
        }
    }

    fn keep(
        &mut self,
        id: LinkId,
        peer: EndpointId,
        address: Option<Address>,
        dialer: bool,
        decision: Option<u64>,
        wanted: bool,
    ) {
        let Some(entry) = self.links.get(&id) else { return };
        entry.orders.send_modify(|orders| orders.wanted = wanted);
        let link = Link {
            id,
            peer,
            connection: entry.connection.clone(),
            address,
            dialer,
            decision: decision.map(|ticket| Greeting { instance: self.instance, ticket }),
            predecessor: self.tails.remove(&peer),
            orders: entry.orders.subscribe(),
            shared: self.shared.clone(),
            events: self.events.clone(),
            reports: self.report_to.clone(),
        };
        self.tails.insert(peer, tokio::spawn(link.run()));
    }

    fn greet(&self, peer: EndpointId, seen: u64) -> handshake::Greet {
        handshake::Greet { us: self.us, peer, instance: self.instance, seen }
    }

    fn on_lan_change(&mut self) {
        let Some(lan) = &self.lan else { return };
        for (peer, addresses) in lan.take_changed() {
            if addresses.is_empty() {
                self.feed(MeshInput::SightLost { peer });
            } else {
                self.unsent.seen.insert(peer, addresses.clone());
                self.feed(MeshInput::Sighted { peer, addresses });
            }
        }
        self.send_events();
    }

    fn do_chores(&mut self) {
        if let Some(lan) = &self.lan {
            self.unsent.lan_unavailable = lan.check().or(self.unsent.lan_unavailable.take());
        }
        self.tails.retain(|_, task| !task.is_finished());
        self.send_events();
    }

    /// Tries to hand the loop's own events to the node.
    fn send_events(&mut self) {
        let unsent = &mut self.unsent;
        if unsent.addresses_changed && self.events.try_send(NetEvent::AddressesChanged) {
            unsent.addresses_changed = false;
        }
        if let Some(reason) = &unsent.lan_unavailable
            && self.events.try_send(NetEvent::LanUnavailable { reason: reason.clone() })
        {
            unsent.lan_unavailable = None;
        }
        unsent.seen.retain(|peer, addresses| {
            !self.events.try_send(NetEvent::LanSeen { peer: *peer, addresses: addresses.clone() })
        });
        while unsent.seen.len() > limits::SIGHTINGS_MAX {
            unsent.seen.pop_first();
        }
    }

    fn describe(&self) -> Vec<PeerInfo> {
        let now = Instant::now();
        self.mesh.view(now).into_iter().map(|view| self.describe_peer(view, now)).collect()
    }

    fn describe_peer(&self, view: PeerView, now: Instant) -> PeerInfo {
        let link = view.link.and_then(|link| Some((self.links.get(&link.id)?, link)));
        let state = match link {
            Some((entry, link)) => {
                handshake::describe_path(&entry.connection, link.dialer, now.duration_since(link.since))
            }
            None if view.is_dialing => PeerState::Dialing,
            None => PeerState::Waiting {
                failures: view.failures,
                next_in: view.next_in,
                last_error: view.last_error,
            },
        };
        PeerInfo { peer: view.id, wanted: view.wanted, on_lan: view.on_lan, addresses: view.addresses, state }
    }

    /// Lets channels deliver what is queued, closes connections with a reason and the endpoint.
    async fn shut_down(&mut self) {
        for dial in std::mem::take(&mut self.dials).into_values() {
            dial.abort();
        }
        for entry in self.links.values() {
            entry.orders.send_modify(|orders| orders.leave = Some(CloseCode::SHUTDOWN));
        }
        let tails = std::mem::take(&mut self.tails);
        let everyone_left = async {
            for task in tails.into_values() {
                // A task that panicked has nothing left to deliver.
                let _ = task.await;
            }
        };
        let reports = &mut self.reports;
        let drain_reports = async { while reports.recv().await.is_some() {} };
        tokio::select! {
            () = everyone_left => {}
            () = drain_reports => {}
            () = sleep(2 * limits::SHUTDOWN_DRAIN) => {}
        }
        for entry in std::mem::take(&mut self.links).into_values() {
            entry.connection.close(CloseCode::SHUTDOWN);
        }
        if let Some(lan) = self.lan.take() {
            lan.stop();
        }
        if timeout(limits::SHUTDOWN_CLOSE, self.endpoint.close()).await.is_err() {
            tracing::debug!("the endpoint was still closing when the time was up");
        }
        self.shared.links().clear();
    }
}

/// Whether so many handshakes are in progress that source addresses must prove themselves first.
fn is_crowded(places_left: usize) -> bool {
    limits::HANDSHAKES_MAX - places_left > limits::HANDSHAKES_UNPROVEN_MAX
}

async fn wait_until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

async fn lan_changed(changes: Option<&tokio::sync::Notify>) {
    match changes {
        Some(changes) => changes.notified().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_handshakes_may_come_from_where_nobody_proved_to_be() {
        let left = |in_progress| limits::HANDSHAKES_MAX - in_progress;
        assert!(!is_crowded(left(limits::HANDSHAKES_UNPROVEN_MAX)));
        assert!(is_crowded(left(limits::HANDSHAKES_UNPROVEN_MAX + 1)));
    }
}
