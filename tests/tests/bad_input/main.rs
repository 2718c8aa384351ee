//! Input that cannot be used: each is told with what to do, the rest goes on, and nothing is lost.
//!
//! A full disk is in `crash/full.rs`, a damaged database and lost packs in `crash/damage.rs`. `WEFT_FILES` and
//! `WEFT_BIG_MIB` say how many files and how long a file `sizes.rs` takes.
#![cfg(unix)]

mod changing;
#[cfg(target_os = "linux")]
mod clocks;
mod damaged;
mod keyring;
mod keys;
mod names;
mod others;
mod places;
#[cfg(target_os = "linux")]
mod read_only;
mod sizes;
mod special;
mod tickets;
mod told;
#[cfg(target_os = "linux")]
mod unreadable;
