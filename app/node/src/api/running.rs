//! The running node: what it is, whom it talks to, how it does.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Describes the running node.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct NodeInfo {}

/// What the running node is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NodeInfoReport {
    /// Its program's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Its data folder.
    pub home: PathBuf,
    /// Is it on the network, or does it only serve one command?
    pub online: bool,
    /// Its endpoint's id.
    pub endpoint: String,
    /// Where it listens.
    pub addresses: Vec<String>,
    /// The folders of its workspaces.
    #[serde(default)]
    pub workspaces: Vec<PathBuf>,
}

/// Ends the running node.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct NodeStop {}

/// The node is about to end; it has, when its socket is gone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NodeStopped {
    /// Its process.
    pub pid: u32,
}

/// Lists the devices this node talks to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Peers {}

/// The devices this node talks to, or tries to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PeersList {
    /// The devices.
    pub peers: Vec<PeerPath>,
}

/// The way to one device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PeerPath {
    /// Its id.
    pub device: String,
    /// Its name.
    #[serde(default)]
    pub device_name: Option<String>,
    /// Its user's id.
    pub user: String,
    /// Its user's name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The address in use.
    pub path: Option<String>,
    /// The round trip.
    pub rtt_ms: Option<f64>,
    /// Is there a connection now?
    pub connected: bool,
    /// Why there is none, as far as it is known.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Checks the health of this device.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Doctor {}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// Needs the person.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Of what: `store`, `keys`, `network`, `folder`, `clock`, …
    pub area: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub message: String,
    /// What to do.
    #[serde(default)]
    pub cure: Option<String>,
}

/// The health of this device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DoctorReport {
    /// What was looked at, with what was found.
    pub findings: Vec<Finding>,
}
