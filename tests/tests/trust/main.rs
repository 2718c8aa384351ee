//! Who may do what, between real nodes: roles, and people who are put out.
#![cfg(unix)]

mod backup;
mod devices;
mod forks;
mod keeper;
mod presence;
mod recovery;
mod removal;
mod roles;
mod team;
