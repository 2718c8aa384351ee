//! The table where folder programs lose data: two real nodes, whose people do things to the same files at once, online
//! and apart; afterwards both have what a person would want.
#![cfg(unix)]

mod at_once;
mod binaries;
mod editors;
mod edits;
mod folders;
mod forms;
mod held;
mod joining;
mod kills;
mod names;
mod repositories;
mod rules;
mod stale;
