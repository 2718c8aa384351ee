//! The running node of Weft: ties the document engine, replication, the store,
//! the network and the shared folder together.
//!
//! * [`api`] what a node can be asked, as closed enums
//! * [`control`] the local socket that serves [`api`] to other processes
//! * [`mirror`] the shared folder on disk
//! * [`driven`] one workspace, driven step by step, for simulations

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that unwraps fails with a place"))]

pub mod api;
pub mod control;
pub mod driven;
pub mod mirror;

mod conversations;
mod folder;
#[cfg(test)]
mod fuzz;
mod indexing;
mod models;
mod node;
mod presence;
mod profile;
mod providers;
mod registry;
mod transfer;
mod workspace;

pub use node::{
    Node, check_backup, check_ticket, check_trail, is_held, open, read_passphrase, restore_backup,
    unlock_with_words,
};
