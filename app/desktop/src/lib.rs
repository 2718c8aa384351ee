//! The window of Weft. [`run()`] opens it and returns when it is closed.
//!
//! Reading order:
//!
//! - `run`: options, errors, the system's window;
//! - `link`: the thread that talks to the node, and the queues in both directions;
//! - `state`: what is shown, without drawing; texts, commands and layouts are values of `weft-editor`;
//! - `action`: what views ask for;
//! - `shell`: one frame: news, keys, drawing, actions, and what the node has to learn;
//! - `editor`: the text itself; `panels`: everything around it, one file each;
//! - `tokens`, `strings`, `icons`, `system_fonts`, `controls`: how it looks and what it says;
//! - `limits`: what it holds at most.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that unwraps fails with a place"))]

mod action;
mod controls;
mod editor;
mod icons;
mod limits;
pub mod link;
mod panels;
mod remote;
mod run;
mod shell;
mod state;
mod strings;
mod system_fonts;
mod tokens;

#[cfg(feature = "measure")]
pub use self::shell::{measure, tour};

pub use self::run::{DesktopError, DesktopOptions, run};

/// The file of the settings in the data folder.
pub(crate) const SETTINGS_FILE: &str = "settings.toml";
/// The file of the person's own keys in the data folder.
pub(crate) const KEYS_FILE: &str = "keys.toml";
/// The file of the window's state in the data folder.
pub(crate) const STATE_FILE: &str = "window.toml";
