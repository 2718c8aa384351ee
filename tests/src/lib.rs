//! Drives the real `weft` program: devices are data folders, nodes are processes, the network is this machine's loopback.
//!
//! - [`Device`] is one person's machine: a `WEFT_HOME`, and a node that can be started, stopped, killed and frozen;
//! - [`Answer`] and [`Failure`] are what a command gave;
//! - [`Files`] writes, reads and compares folders;
//! - [`Pair`] is two people who share a folder, and [`Row`] what both do to it at once;
//! - [`eventually`] waits for something without guessing how long it takes;
//! - [`ScriptedModel`] is a server with a model that says what a test wants;
//! - [`ControlSocket`] is a program at a node's socket;
//! - [`memory`] looks for what a process has in its memory;
//! - [`Cable`] makes networks of their own to test on, and [`LongWay`] one that is slow and loses things;
//! - [`tool`] is a program of the system that a test needs;
//! - [`repository()`] finds the sources for tests about the sources.

mod answer;
mod device;
mod files;
#[cfg(target_os = "linux")]
mod long_way;
#[cfg(unix)]
pub mod memory;
mod network;
mod node_process;
mod pair;
mod port;
mod program;
mod repository;
mod row;
mod scripted_model;
#[cfg(unix)]
mod socket;
mod tools;
mod waiting;

#[cfg(target_os = "linux")]
pub use self::long_way::{LongWay, Passed};
#[cfg(unix)]
pub use self::socket::{ControlSender, ControlSocket};
pub use self::{
    answer::{Answer, Failure},
    device::{Device, DeviceError},
    files::{Files, Snapshot},
    network::Cable,
    node_process::NodeProcess,
    pair::{PATIENCE, Pair, Person},
    program::{ProgramError, program_path},
    repository::{repository, source_files},
    row::{Meeting, Outcome, Row},
    scripted_model::{Question, Script, ScriptedModel},
    tools::{missing, skipped, tool},
    waiting::eventually,
};
