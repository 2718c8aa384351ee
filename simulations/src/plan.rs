//! What is to happen in a simulation, as numbers.

use std::ops::Range;

/// Who dials whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// Everybody everybody.
    Mesh,
    /// Everybody the first device only.
    Star,
    /// Each device the next one.
    Chain,
}

/// The numbers of one simulation. Times are in virtual milliseconds.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Devices, each of a person of its own; the first one founds the workspace.
    pub devices: usize,
    /// How many of them are keepers, from the last one on.
    pub keepers: usize,
    /// How many of them are admins, from the second one on.
    pub admins: usize,
    /// People that an admin or the owner puts out, each for good.
    pub removals: usize,
    /// Who dials whom.
    pub topology: Topology,
    /// How long devices only find each other.
    pub quiet_millis: u64,
    /// How long, after that, devices write and faults happen.
    pub busy_millis: u64,
    /// Writes of each device in that time.
    pub writes: usize,
    /// Items in one write.
    pub items: Range<usize>,
    /// Bytes of the change in one item.
    pub change_bytes: Range<usize>,
    /// The way of a frame from one device to another.
    pub delay_millis: Range<u64>,
    /// The time from asking for a transaction to its being on disk.
    pub commit_millis: Range<u64>,
    /// Connections that are dropped.
    pub drops: usize,
    /// Times that the network falls into two parts for a while.
    pub partitions: usize,
    /// Crashes, each followed by a restart.
    pub crashes: usize,
    /// How many of those are reboots, so that a new session begins.
    pub reboots: usize,
    /// Of a thousand frames with entries, how many come twice.
    pub repeats_per_mille: u32,
    /// Whether invitations go out in the midst of things and not before.
    pub late_joins: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            devices: 4,
            keepers: 0,
            admins: 0,
            removals: 0,
            topology: Topology::Mesh,
            quiet_millis: 0,
            busy_millis: 20_000,
            writes: 20,
            items: 1..4,
            change_bytes: 20..400,
            delay_millis: 1..80,
            commit_millis: 1..30,
            drops: 4,
            partitions: 1,
            crashes: 2,
            reboots: 1,
            repeats_per_mille: 5,
            late_joins: false,
        }
    }
}

/// The seeds to run: `WEFT_SEED` alone when it is set, so that a failure can be repeated; else the
/// first `count`, or as many as `WEFT_SEEDS` says.
#[must_use]
pub fn seeds(count: u64) -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    match number("WEFT_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("WEFT_SEEDS").unwrap_or(count)).collect(),
    }
}
