//! What a [`Replica`](super::Replica) is made from.

use std::sync::Arc;

use crate::entry::EntryError;
use crate::epoch::Keyring;
use crate::identity::DeviceKeys;
use crate::ids::{DeviceId, EntryRef, LogId, SessionId, WorkspaceId};
use crate::membership::GenesisError;

/// Who runs the replica, and where.
#[derive(Clone)]
pub struct ReplicaConfig {
    /// The workspace.
    pub ws: WorkspaceId,
    /// The keys of this device.
    pub keys: Arc<DeviceKeys>,
    /// The session to write under: that of the last run where the counter file proves that the
    /// database has not been set back since, else a new random one.
    pub session: SessionId,
    /// The program, as it names itself in its logs.
    pub app_version: String,
}

/// What the store holds of a workspace.
#[derive(Clone, Default)]
pub struct StoredState {
    /// Genesis, every entry of control logs, and the Opens and Frontiers of data logs, in stored
    /// order.
    pub entries: Vec<Arc<[u8]>>,
    /// The end of every log but Genesis.
    pub logs: Vec<StoredLog>,
    /// Entries of data logs that are not marked as opened: Data, and what a newer program wrote.
    pub unopened: Vec<EntryRef>,
    /// The keys that were here; see [`Replica::keyring`](super::Replica::keyring).
    pub keyring: Keyring,
    /// What devices were last known to hold of our logs: the first answer to "who has my edits".
    pub acks: Vec<StoredAck>,
}

/// The end of a stored log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredLog {
    /// Its last entry.
    pub last: EntryRef,
    /// Whether that is a Close.
    pub is_closed: bool,
}

/// How far a device has said to hold one of our logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredAck {
    /// The device.
    pub device: DeviceId,
    /// Our log.
    pub log: LogId,
    /// Up to here.
    pub seq: u64,
}

/// Why what the store holds cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenReplicaError {
    /// A stored entry cannot be read.
    #[error("a stored entry is damaged")]
    Damaged(#[from] EntryError),
    /// A stored entry does not follow what was stored before it.
    #[error("the stored entry {at:?} does not follow what was stored before it")]
    Disorder {
        /// Which.
        at: EntryRef,
    },
    /// The workspace follows rules that this program does not know, or was founded wrongly.
    #[error("the workspace cannot be read")]
    Genesis(#[source] GenesisError),
}

impl OpenReplicaError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Genesis(GenesisError::Rules { .. }) => "update Weft on this device",
            _ => {
                "the database was damaged outside of Weft: join the workspace again from another \
                 device; the folder itself is untouched"
            }
        }
    }
}
