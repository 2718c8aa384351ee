//! Many replicas of one workspace in one process, under one seed and virtual time.
//!
//! A [`World`] runs [`Replica`](weft_sync::replica::Replica)s with stores in memory over a network
//! that delays, drops connections, splits in two and repeats frames, on devices that crash at any
//! moment. Everything that happens follows from the seed. At the end the network heals, and
//! [`World::check`] asks whether all hold the same, nothing that was acknowledged is lost, and
//! nothing in the clear ever left a device.
//!
//! In reading order:
//! - [`plan`]: what is to happen, as numbers;
//! - [`store`]: a store in memory that survives crashes;
//! - [`node`]: a device: its keys, its store, its replica while it runs;
//! - [`puppet`]: a device that follows no rule, with real keys;
//! - [`network`]: connections and what is on its way on them;
//! - [`world`]: the clock, the events and the faults;
//! - [`check`]: what must hold in the end;
//! - [`whole`]: the same with whole devices: documents, tree, folder and store besides replicas.

pub mod check;
pub mod network;
pub mod node;
pub mod plan;
pub mod puppet;
pub mod store;
pub mod whole;
pub mod world;

pub use check::Verdict;
pub use plan::{Plan, Topology, seeds};
pub use puppet::Puppet;
pub use world::World;
