//! Whole devices under faults: the engine that a node runs, with documents, tree, folder and
//! store, many times in one process.
//!
//! # What happens
//! A [`Script`] is a list of [`Planned`] steps that follows from a seed: people type, save, move
//! and delete; the network drops, parts and repeats; devices crash, run out of disk, come back
//! from old backups, are cloned, and their clocks jump by years; people are put out. [`run`] plays
//! it in virtual time, heals everything, and waits until all is at rest.
//!
//! # What must hold
//! 1. *Agreement*: devices with equal vectors that lack nothing have equal digests, along the way
//!    and in the end; in the end all members have equal vectors and byte-equal folders.
//! 2. *No loss*: every edit that was acknowledged, and that nobody who saw it deleted, is there,
//!    on every member's device.
//! 3. *Secrecy*: no frame, chunk or stored entry holds a word of a text or a file's name.
//! 4. *Limits*: frames, windows, waiting entries and queues stay within their bounds.
//! 5. *One number, one entry*: no device signs two entries for one place in a log.
//!
//! A failure names its invariant and the command that plays it again. [`minimise()`] leaves out
//! steps as long as it fails the same way.

mod check;
mod device;
mod minimise;
mod people;
mod script;
mod tokens;
mod world;

pub use check::{Failure, Invariant};
pub use minimise::minimise;
pub use script::{Planned, Script, Size, What};
pub use world::{Report, Sabotage, WholeWorld, run};
