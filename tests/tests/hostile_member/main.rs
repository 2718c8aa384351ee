//! A member who plays by no rules, against real nodes: what she sends costs the others neither memory, nor time, nor a
//! file outside of their folder.
//!
//! [`House`] is Ana and Ben with a node each, and what is measured of them. [`Mallory`] came in with a ticket as anybody
//! does, but no line of the program runs for her: she speaks through [`Wire`], or with bare streams through [`Bare`].
#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "tests say what they measured")]

mod bare;
mod floods;
mod house;
mod lengths;
mod lies;
mod mallory;
mod names;
mod newer;
mod requests;
mod silence;
mod trees;
mod wire;

use self::{
    bare::Bare,
    house::{House, on_low_priority},
    mallory::{Log, Mallory},
    wire::{Line, Wire},
};
