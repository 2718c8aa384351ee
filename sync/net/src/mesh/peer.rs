//! What the mesh remembers about one peer.

use std::time::{Duration, Instant};

use weft_sync::EndpointId;

use super::{DialId, LinkId};
use crate::{Address, greeting::Greeting, limits};

/// A peer that is wanted or connected.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    pub(super) wanted: bool,
    pub(super) on_lan: bool,
    /// The most recently learned first.
    pub(super) addresses: Vec<Address>,
    pub(super) link: Option<LinkState>,
    pub(super) dial: Dial,
    /// Dials that failed, and connections that did not last, in a row.
    pub(super) failures: u32,
    pub(super) last_error: Option<String>,
    /// The ticket of the last connection that this peer decided to keep.
    pub(super) seen: u64,
}

/// The connection that is kept.
#[derive(Clone, Debug)]
pub(crate) struct LinkState {
    pub(crate) id: LinkId,
    pub(crate) instance: u64,
    pub(crate) ticket: u64,
    pub(crate) since: Instant,
    pub(crate) dialer: bool,
}

impl LinkState {
    /// Whether a follower that greets like this does not know yet that this connection was kept.
    ///
    /// A restarted follower has another instance; one that knew the connection and greets on a new one has lost it.
    pub(super) fn is_same_as_seen_by(&self, greeting: &Greeting) -> bool {
        self.instance == greeting.instance && self.ticket != greeting.ticket
    }
}

/// Where dialing a peer stands.
#[derive(Debug, Default)]
pub(super) enum Dial {
    /// Nothing planned.
    #[default]
    Idle,
    /// The next dial has a time.
    Waiting { at: Instant, last: Option<Instant> },
    /// A dial is running; `again_at` replaces it by one that knows newer addresses.
    Running { id: DialId, since: Instant, again_at: Option<Instant> },
}

/// What the mesh can say about a peer.
#[derive(Clone, Debug)]
pub(crate) struct PeerView {
    pub(crate) id: EndpointId,
    pub(crate) wanted: bool,
    pub(crate) on_lan: bool,
    pub(crate) addresses: Vec<Address>,
    pub(crate) link: Option<LinkState>,
    pub(crate) is_dialing: bool,
    pub(crate) next_in: Option<Duration>,
    pub(crate) failures: u32,
    pub(crate) last_error: Option<String>,
}

impl Peer {
    /// Remembers addresses, the newest first; returns whether one of them is new.
    pub(super) fn learn(&mut self, addresses: Vec<Address>) -> bool {
        let mut news = false;
        for address in addresses.into_iter().rev() {
            let known = self.addresses.iter().position(|known| *known == address);
            match known {
                Some(index) => drop(self.addresses.remove(index)),
                None => news = true,
            }
            self.addresses.insert(0, address);
        }
        self.addresses.truncate(limits::ADDRESSES_MAX);
        news
    }

    /// Returns when the next dial is due, if one is planned and makes sense.
    pub(super) fn next_dial(&self) -> Option<Instant> {
        if !self.wanted || self.link.is_some() || self.addresses.is_empty() {
            return None;
        }
        match self.dial {
            Dial::Idle => None,
            Dial::Waiting { at, .. } => Some(at),
            Dial::Running { again_at, .. } => again_at,
        }
    }

    /// Plans the next dial.
    pub(super) fn dial_at(&mut self, at: Instant) {
        let last = match self.dial {
            Dial::Idle => None,
            Dial::Waiting { last, .. } => last,
            Dial::Running { since, .. } => Some(since),
        };
        self.dial = Dial::Waiting { at, last };
    }

    /// Plans a dial for now, but not sooner than the shortest pause after the one before: announcements on the local
    /// network are not proven to come from the peer and must not make us dial all the time.
    pub(super) fn dial_soon(&mut self, now: Instant) {
        if !self.wanted || self.link.is_some() {
            return;
        }
        self.failures = 0;
        match &mut self.dial {
            Dial::Running { since, again_at, .. } => *again_at = Some(now.max(*since + limits::RETRY_MIN)),
            Dial::Waiting { at, last: Some(last) } => *at = now.max(*last + limits::RETRY_MIN).min(*at),
            dial => *dial = Dial::Waiting { at: now, last: None },
        }
    }

    /// Forgets a running dial and returns it.
    pub(super) fn cancel_dial(&mut self) -> Option<DialId> {
        match std::mem::take(&mut self.dial) {
            Dial::Running { id, .. } => Some(id),
            _ => None,
        }
    }

    pub(super) fn view(&self, id: EndpointId, now: Instant) -> PeerView {
        PeerView {
            id,
            wanted: self.wanted,
            on_lan: self.on_lan,
            addresses: self.addresses.clone(),
            link: self.link.clone(),
            is_dialing: matches!(self.dial, Dial::Running { .. }),
            next_in: self.next_dial().map(|at| at.saturating_duration_since(now)),
            failures: self.failures,
            last_error: self.last_error.clone(),
        }
    }
}
