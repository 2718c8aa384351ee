//! The network's events, each to the one place that it belongs to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use weft_net::{Address, ChannelId, CloseCode, Net, NetEvent, NetEvents};
use weft_store::{Space, Table, Write};
use weft_sync::frames::{ByeCode, PeerAddress as ToldAddress, is_hello_for};
use weft_sync::ids::{EndpointId, WorkspaceId};
use weft_sync::membership::Standing;

use super::{Shared, ai, inviting, keeping, presence, wall_now};
use crate::api::{ApiError, PeerAddress};
use crate::transfer;
use crate::workspace::engine::EngineEvent;
use crate::workspace::people::People;
use crate::workspace::thread::{Message, WorkspaceHandle};

/// How long after a channel ended it is opened again.
const REOPEN_AFTER: Duration = Duration::from_millis(700);
/// Channels that may wait to be opened again.
const REOPENS_MAX: usize = 1_024;
type Reopen = tokio::sync::mpsc::Sender<(EndpointId, WorkspaceId)>;
/// Addresses that are kept of a peer.
const ADDRESSES_KEPT: usize = 8;

static NEXT_CHANNEL: AtomicU64 = AtomicU64::new(1);

/// A channel that belongs to a workspace.
struct Route {
    workspace: WorkspaceHandle,
    channel: weft_sync::replica::ChannelId,
    peer: EndpointId,
    opener: bool,
}

/// The loop's own memory.
struct Router {
    shared: Arc<Shared>,
    net: Net,
    routes: BTreeMap<ChannelId, Route>,
    /// Channels of others of which the first frame has not come.
    unnamed: BTreeMap<ChannelId, EndpointId>,
    /// Channels of ours that are being opened.
    opening: BTreeMap<ChannelId, (EndpointId, WorkspaceHandle)>,
    reopen: Reopen,
}

/// Reads events until the network is shut down. Nothing in here waits for a workspace: one that is busy must not hold up
/// the others.
pub(super) async fn run(shared: Arc<Shared>, net: Net, mut events: NetEvents) {
    let (reopen, mut reopened) = tokio::sync::mpsc::channel(REOPENS_MAX);
    let mut router = Router {
        shared,
        net,
        routes: BTreeMap::new(),
        unnamed: BTreeMap::new(),
        opening: BTreeMap::new(),
        reopen,
    };
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => router.take(event),
                None => break,
            },
            Some((peer, ws)) = reopened.recv() => router.open_if_missing(peer, ws),
        }
    }
}

impl Router {
    fn take(&mut self, event: NetEvent) {
        match event {
            NetEvent::Connected { peer, address, dialer } => self.connected(peer, address, dialer),
            NetEvent::Disconnected { peer, .. } => {
                {
                    let mut state = self.shared.state();
                    state.connected.remove(&peer);
                    state.contacts.insert(peer, wall_now());
                }
                presence::disconnected(&self.shared, peer);
            }
            NetEvent::Datagram { peer, bytes } => presence::heard(&self.shared, peer, &bytes),
            NetEvent::ChannelUp { channel, peer, opener } => self.channel_up(channel, peer, opener),
            NetEvent::Frame { channel, bytes } => self.frame(channel, bytes),
            NetEvent::ChannelDown { channel, code } => self.channel_down(channel, code),
            NetEvent::Request { peer, kind, stream } => {
                let shared = Arc::clone(&self.shared);
                tokio::spawn(async move {
                    if kind == transfer::list::list_requests() {
                        return keeping::serve(&shared, peer, stream).await;
                    }
                    if kind == transfer::models::model_requests() {
                        return ai::serve(&shared, peer, stream).await;
                    }
                    if kind != transfer::chunk_requests() || !is_member(&shared, peer).await {
                        stream.reset(CloseCode::UNWANTED);
                        return;
                    }
                    if let Err(error) = transfer::serve(stream, Arc::clone(&shared.storage)).await {
                        tracing::debug!(%peer, "a transfer ended early: {error}");
                    }
                });
            }
            NetEvent::Join { peer, stream } => {
                let shared = Arc::clone(&self.shared);
                tokio::spawn(inviting::serve(shared, peer, stream));
            }
            NetEvent::LanSeen { .. } | NetEvent::AddressesChanged => {}
            NetEvent::LanUnavailable { reason } => {
                tracing::warn!("devices on the local network cannot be found: {reason}");
                self.shared.state().net_problem = Some(reason);
            }
        }
    }

    fn connected(&mut self, peer: EndpointId, address: Option<Address>, dialer: bool) {
        {
            let mut state = self.shared.state();
            state.connected.insert(peer);
            state.contacts.insert(peer, wall_now());
        }
        if let Some(address) = address {
            remember(&self.shared, peer, &address);
        }
        presence::connected(&self.shared);
        for workspace in self.shared.handles() {
            let (shared, reopen) = (Arc::clone(&self.shared), self.reopen.clone());
            tokio::spawn(async move {
                if !is_member_of(&workspace, peer).await {
                    return;
                }
                // The dialer opens; if it does not know the workspace yet, the other side does.
                let after = if dialer { Duration::ZERO } else { REOPEN_AFTER };
                later(after, reopen, (peer, workspace.ws));
                // Others may not know where it is.
                tell_addresses(&shared, &workspace).await;
            });
        }
    }

    fn open_if_missing(&mut self, peer: EndpointId, ws: WorkspaceId) {
        let routed = self.routes.values().any(|route| route.peer == peer && route.workspace.ws == ws);
        let opening = self.opening.values().any(|(other, workspace)| *other == peer && workspace.ws == ws);
        let connected = self.shared.state().connected.contains(&peer);
        if routed || opening || !connected {
            return;
        }
        if let Some(workspace) = self.shared.handle(&ws) {
            self.open(peer, workspace);
        }
    }

    fn open(&mut self, peer: EndpointId, workspace: WorkspaceHandle) {
        match self.net.open_channel(peer) {
            Ok(channel) => {
                self.opening.insert(channel, (peer, workspace));
            }
            Err(error) => tracing::debug!(%peer, "no channel: {error}"),
        }
    }

    fn channel_up(&mut self, channel: ChannelId, peer: EndpointId, opener: bool) {
        if !opener {
            self.unnamed.insert(channel, peer);
        } else if let Some((_, workspace)) = self.opening.remove(&channel) {
            self.route(channel, peer, true, workspace);
        }
    }

    fn route(&mut self, net: ChannelId, peer: EndpointId, opener: bool, workspace: WorkspaceHandle) {
        let channel = weft_sync::replica::ChannelId(NEXT_CHANNEL.fetch_add(1, Ordering::Relaxed));
        workspace.send(Message::ChannelUp { channel, net, peer, dialer: opener });
        self.routes.insert(net, Route { workspace, channel, peer, opener });
    }

    fn frame(&mut self, channel: ChannelId, bytes: bytes::Bytes) {
        if let Some(peer) = self.unnamed.remove(&channel) {
            let us = self.net.id();
            let mut workspaces = self.shared.handles().into_iter();
            let Some(workspace) = workspaces.find(|it| is_hello_for(&bytes, &it.ws, &peer, &us)) else {
                let unknown = CloseCode::FIRST_OF_THE_APPLICATION.0 + u32::from(ByeCode::Unknown.byte());
                self.net.close_channel(channel, CloseCode(unknown));
                return;
            };
            self.route(channel, peer, false, workspace);
        }
        if let Some(route) = self.routes.get(&channel) {
            route.workspace.send(Message::Frame { channel: route.channel, bytes });
        }
    }

    fn channel_down(&mut self, channel: ChannelId, code: Option<CloseCode>) {
        self.unnamed.remove(&channel);
        self.opening.remove(&channel);
        let Some(route) = self.routes.remove(&channel) else { return };
        route.workspace.send(Message::ChannelDown { channel: route.channel });
        let code = code.map(|code| code.0.saturating_sub(CloseCode::FIRST_OF_THE_APPLICATION.0));
        let is_final = code.is_some_and(|code| {
            code == u32::from(ByeCode::Removed.byte()) || code == u32::from(ByeCode::Version.byte())
        });
        if route.opener && !is_final {
            let (reopen, peer, ws) = (self.reopen.clone(), route.peer, route.workspace.ws);
            later(REOPEN_AFTER, reopen, (peer, ws));
        }
    }
}

fn later(after: Duration, reopen: Reopen, what: (EndpointId, WorkspaceId)) {
    tokio::spawn(async move {
        tokio::time::sleep(after).await;
        // An error means that the network has ended.
        let _ = reopen.send(what).await;
    });
}

/// Whether a device is in a workspace.
pub(super) async fn is_member_of(workspace: &WorkspaceHandle, peer: EndpointId) -> bool {
    let standing = workspace.ask(move |engine| {
        let members = engine.replica().membership();
        members.is_some_and(|members| matches!(members.standing_of(&peer), Standing::Live(_)))
    });
    standing.await.unwrap_or(false)
}

async fn is_member(shared: &Shared, peer: EndpointId) -> bool {
    for workspace in shared.handles() {
        if is_member_of(&workspace, peer).await {
            return true;
        }
    }
    false
}

/// What a workspace's thread says.
pub(super) fn engine_event(
    shared: &Arc<Shared>,
    runtime: &tokio::runtime::Handle,
    ws: WorkspaceId,
    event: EngineEvent,
) {
    match event {
        EngineEvent::MembershipChanged => {
            presence::refresh(shared, ws);
            let shared = Arc::clone(shared);
            runtime.spawn(async move { want_members(&shared, ws).await });
        }
        EngineEvent::PeersLearned(peers) => {
            let shared = Arc::clone(shared);
            runtime.spawn(async move { want_told(&shared, ws, peers).await });
        }
        EngineEvent::TextChanged { document, patches, user } => {
            shared.documents.changed(ws, document, &patches, user);
            presence::text_changed(shared, ws, document);
        }
        EngineEvent::KeptMore => shared.kept_news.send_modify(|count| *count = count.wrapping_add(1)),
        EngineEvent::Forked(text) => tracing::error!("{text}"),
        EngineEvent::Stopped => {}
    }
}

/// Keeps connections to all other devices of a workspace.
pub(super) async fn want_members(shared: &Arc<Shared>, ws: WorkspaceId) {
    let (Some(net), Some(workspace)) = (&shared.net, shared.handle(&ws)) else { return };
    let devices = workspace.ask(|engine| engine.replica().named_devices()).await.unwrap_or_default();
    let own = net.id();
    for device in devices.iter().filter(|device| device.endpoint != own) {
        let mut known = remembered(shared, device.endpoint);
        known.extend(read_addresses(shared, &told_key(device.endpoint)));
        if let Err(error) = net.want(device.endpoint, known).await {
            tracing::debug!(peer = %device.endpoint, "not wanted: {error}");
        }
    }
    tell_addresses(shared, &workspace).await;
}

/// Tells the members of a workspace where its other devices were reached, and how long ago.
async fn tell_addresses(shared: &Shared, workspace: &WorkspaceHandle) {
    let own = shared.profile().endpoint_id();
    let devices = workspace.ask(|engine| engine.replica().named_devices()).await.unwrap_or_default();
    let others = devices.iter().filter(|device| device.endpoint != own);
    let told = others.filter_map(|device| {
        let known = remembered(shared, device.endpoint);
        told_address(device.device, &known, age_seconds(shared, device.endpoint))
    });
    let input = weft_sync::replica::Input::Addresses(told.collect());
    let _ = workspace.ask(move |engine| engine.feed(input)).await;
}

/// How long ago a device was reached: nothing while it is connected, the greatest number when it
/// was not since this node runs.
fn age_seconds(shared: &Shared, endpoint: EndpointId) -> u32 {
    let state = shared.state();
    if state.connected.contains(&endpoint) {
        return 0;
    }
    let since = state.contacts.get(&endpoint).map(|at| wall_now().0.saturating_sub(at.0) / 1_000);
    since.and_then(|seconds| u32::try_from(seconds.max(0)).ok()).unwrap_or(u32::MAX)
}

fn told_address(
    device: weft_sync::ids::DeviceId,
    known: &[Address],
    age_seconds: u32,
) -> Option<ToldAddress> {
    let addresses: Vec<_> = known
        .iter()
        .filter_map(|address| match address {
            Address::Ip(address) => Some(*address),
            Address::Relay(_) => None,
        })
        .collect();
    (!addresses.is_empty()).then_some(ToldAddress { device, addresses, age_seconds })
}

/// Tries where a member says that other members are.
async fn want_told(shared: &Arc<Shared>, ws: WorkspaceId, peers: Vec<ToldAddress>) {
    let (Some(net), Some(workspace)) = (&shared.net, shared.handle(&ws)) else { return };
    let devices = workspace.ask(|engine| engine.replica().named_devices()).await.unwrap_or_default();
    for peer in peers {
        let Some(device) = devices.iter().find(|device| device.device == peer.device) else { continue };
        if device.endpoint == net.id() {
            continue;
        }
        let addresses: Vec<Address> = peer.addresses.into_iter().map(Address::from).collect();
        remember_told(shared, device.endpoint, &addresses);
        if let Err(error) = net.want(device.endpoint, addresses).await {
            tracing::debug!(peer = %device.endpoint, "not wanted: {error}");
        }
    }
}

/// Dials what the person named on the command line: for devices of which only the address is
/// known, everybody we know is tried there.
pub(super) async fn want_peers(shared: &Arc<Shared>, peers: &[PeerAddress]) -> Result<(), ApiError> {
    let Some(net) = &shared.net else { return Ok(()) };
    for peer in peers {
        let address = Address::from(peer.address);
        let endpoints = match &peer.endpoint {
            Some(endpoint) => vec![parse_endpoint(endpoint)?],
            None => known_endpoints(shared).await,
        };
        for endpoint in endpoints.into_iter().filter(|endpoint| *endpoint != net.id()) {
            if let Err(error) = net.want(endpoint, vec![address.clone()]).await {
                return Err(ApiError::usage(format!("{}: {error}", peer.address)));
            }
        }
    }
    Ok(())
}

async fn known_endpoints(shared: &Shared) -> Vec<EndpointId> {
    let mut endpoints = Vec::new();
    for workspace in shared.handles() {
        let devices = workspace.ask(|engine| engine.replica().named_devices()).await;
        endpoints.extend(devices.into_iter().flatten().map(|device| device.endpoint));
    }
    endpoints
}

pub(super) fn parse_endpoint(text: &str) -> Result<EndpointId, ApiError> {
    let bytes: Option<Vec<u8>> =
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect();
    bytes.and_then(|bytes| EndpointId::from_slice(&bytes)).ok_or_else(|| {
        ApiError::usage(format!("{text} is no device's address in the network"))
            .hint("`weft node` prints it as `endpoint`")
    })
}

/// Keeps where a peer was reached, the newest first.
pub(super) fn remember(shared: &Shared, peer: EndpointId, address: &Address) {
    let mut known = remembered(shared, peer);
    if known.first() == Some(address) {
        return;
    }
    known.retain(|other| other != address);
    known.insert(0, address.clone());
    write_addresses(shared, peer.as_bytes().to_vec(), known);
}

/// Keeps where a member says that a peer is, the newest first: whoever told it may be gone when this device starts again. It
/// is tried and not told on, because this device has not seen it there.
fn remember_told(shared: &Shared, peer: EndpointId, addresses: &[Address]) {
    let key = told_key(peer);
    let known = read_addresses(shared, &key);
    let mut all: Vec<Address> = Vec::new();
    for address in addresses.iter().chain(&known) {
        if !all.contains(address) {
            all.push(address.clone());
        }
    }
    if addresses.iter().any(|address| !known.contains(address)) {
        write_addresses(shared, key, all);
    }
}

/// The record of what others tell of a peer.
fn told_key(peer: EndpointId) -> Vec<u8> {
    [&peer.as_bytes()[..], b" as told"].concat()
}

fn write_addresses(shared: &Shared, key: Vec<u8>, mut addresses: Vec<Address>) {
    addresses.truncate(ADDRESSES_KEPT);
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let value = postcard::to_allocvec(&texts).expect("texts have no unknown lengths");
    let write = Write::Record { space: Space::device(Table::Peer), key, value: Some(value) };
    let done = |result: Result<_, _>| {
        if let Err(error) = result {
            tracing::warn!("an address could not be remembered: {error}");
        }
    };
    if let Ok(committer) = shared.committer() {
        // When the queue is full the address is remembered the next time.
        let _ = committer.submit(vec![write], Box::new(done));
    }
}

/// Where a peer was reached before.
pub(super) fn remembered(shared: &Shared, peer: EndpointId) -> Vec<Address> {
    read_addresses(shared, peer.as_bytes())
}

fn read_addresses(shared: &Shared, key: &[u8]) -> Vec<Address> {
    let bytes = shared.storage.record(Space::device(Table::Peer), key).ok().flatten();
    let texts: Vec<String> = bytes.and_then(|bytes| postcard::from_bytes(&bytes).ok()).unwrap_or_default();
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}
