//! Changes of known bytes, limits, and agreement with Automerge.

mod limits;
mod vectors;
