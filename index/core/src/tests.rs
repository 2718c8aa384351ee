//! The parts together, and each at its limits.

mod limits;
mod pages;
mod search;
mod symbols;
