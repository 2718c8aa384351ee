//! Who may do what, between real nodes: roles, and people who are put out.
#![cfg(unix)]

mod removal;
mod roles;
mod team;
