//! The real program, killed at random, on a full disk, and with a damaged data folder.
//!
//! `WEFT_CRASH_SEED` replays a run, `WEFT_CRASH_ROUNDS` makes it longer.
#![cfg(unix)]

mod damage;
#[cfg(target_os = "linux")]
mod failing;
mod full;
mod kills;
