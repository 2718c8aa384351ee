//! Connections between devices, and who can reach whom.

use std::collections::{BTreeMap, BTreeSet};

use weft_sync::replica::ChannelId;

/// Names a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub u64);

/// One end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// The device.
    pub node: usize,
    /// Which of its lives.
    pub life: u64,
    /// Its name for the connection.
    pub channel: ChannelId,
    /// Whether it still uses it.
    pub open: bool,
    /// When the last thing that was sent to it arrives: nothing overtakes on one connection.
    pub last_arrival: u64,
}

/// A connection.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// The dialer and the other.
    pub ends: [End; 2],
    /// Whether nothing gets through any more; its ends notice in their own time.
    pub is_broken: bool,
}

/// All connections.
#[derive(Debug, Default)]
pub struct Network {
    links: BTreeMap<LinkId, Link>,
    /// The devices of one part while the network is in two.
    partition: Option<BTreeSet<usize>>,
    /// Devices that nobody reaches.
    cut_off: BTreeSet<usize>,
    next: u64,
}

impl Network {
    /// Whether two devices can reach each other.
    #[must_use]
    pub fn reaches(&self, a: usize, b: usize) -> bool {
        let parted = self.partition.as_ref().is_some_and(|part| part.contains(&a) != part.contains(&b));
        !parted && !self.cut_off.contains(&a) && !self.cut_off.contains(&b)
    }

    /// Splits the network, or makes it whole.
    pub fn part(&mut self, part: Option<BTreeSet<usize>>) {
        self.partition = part;
    }

    /// Takes a device off the network, or puts it back.
    pub fn cut_off(&mut self, node: usize, off: bool) {
        if off {
            self.cut_off.insert(node);
        } else {
            self.cut_off.remove(&node);
        }
    }

    /// Makes the network whole.
    pub fn heal(&mut self) {
        self.partition = None;
        self.cut_off.clear();
    }

    /// Whether two devices are connected, as far as either of them knows.
    #[must_use]
    pub fn connected(&self, a: usize, b: usize) -> bool {
        self.links.values().any(|link| {
            let nodes = link.ends.map(|end| end.node);
            (nodes == [a, b] || nodes == [b, a]) && link.ends.iter().any(|end| end.open)
        })
    }

    /// Connects two devices in their present lives.
    pub fn connect(&mut self, dialer: (usize, u64), other: (usize, u64)) -> (LinkId, [ChannelId; 2]) {
        let id = LinkId(self.next);
        self.next += 1;
        let channels = [ChannelId(2 * id.0), ChannelId(2 * id.0 + 1)];
        let end = |(node, life), channel| End { node, life, channel, open: true, last_arrival: 0 };
        let ends = [end(dialer, channels[0]), end(other, channels[1])];
        self.links.insert(id, Link { ends, is_broken: false });
        (id, channels)
    }

    /// The connection that a device names so, and which end it is.
    #[must_use]
    pub fn find(channel: ChannelId) -> (LinkId, usize) {
        let side = usize::try_from(channel.0 % 2).expect("zero or one");
        (LinkId(channel.0 / 2), side)
    }

    /// Lets nothing through a connection any more.
    pub fn break_link(&mut self, link: LinkId) {
        if let Some(link) = self.links.get_mut(&link) {
            link.is_broken = true;
        }
    }

    /// One end of a connection to which something is sent, unless nothing gets through.
    pub fn reached_end(&mut self, link: LinkId, side: usize) -> Option<&mut End> {
        self.links.get_mut(&link).filter(|link| !link.is_broken).map(|link| &mut link.ends[side])
    }

    /// One end of a connection.
    pub fn end(&mut self, link: LinkId, side: usize) -> Option<&mut End> {
        self.links.get_mut(&link).map(|link| &mut link.ends[side])
    }

    /// Connections that are open at an end.
    #[must_use]
    pub fn open(&self) -> Vec<LinkId> {
        let is_open = |link: &Link| link.ends.iter().any(|end| end.open);
        self.links.iter().filter(|(_, link)| is_open(link)).map(|(id, _)| *id).collect()
    }

    /// Connections of a device that are open at an end.
    #[must_use]
    pub fn of(&self, node: usize) -> Vec<LinkId> {
        let of = |id: &LinkId| self.links[id].ends.iter().any(|end| end.node == node);
        self.open().into_iter().filter(of).collect()
    }

    /// Connections between devices that do not reach each other any more.
    #[must_use]
    pub fn broken(&self) -> Vec<LinkId> {
        let broken = |id: &LinkId| {
            let [a, b] = self.links[id].ends.map(|end| end.node);
            !self.reaches(a, b)
        };
        self.open().into_iter().filter(broken).collect()
    }

    /// How many devices a device is connected to.
    #[must_use]
    pub fn degree(&self, node: usize) -> usize {
        self.of(node).len()
    }
}
