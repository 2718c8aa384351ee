//! Who may do what, between real nodes: roles, and people who are put out.
#![cfg(unix)]

mod audit;
mod backup;
mod devices;
mod forks;
mod inviting;
mod keeper;
mod newcomers;
mod presence;
mod recovery;
mod removal;
mod roles;
mod team;
