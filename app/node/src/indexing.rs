//! The index of each workspace, kept up to date.
//!
//! * [`Feed`] is told of every change of a file by the workspace's engine, on its thread: texts go to the index as they
//!   are typed, other changes are noted;
//! * [`WorkspaceIndex`] lists what there is, reads what the index lacks on a thread of its own that lets others go first,
//!   and searches;
//! * [`Reading`] is how far a model is that reads what texts are about, after everything else;
//! * [`Indexes`] holds those of a node.
//!
//! Whoever searches waits until the changes so far are listed, and not until they are read: what was not read yet is read
//! by the search.

mod documents;
mod feed;
mod meaning;
mod service;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weft_index_disk::IndexKey;
use weft_sync::ids::WorkspaceId;
use zeroize::Zeroizing;

pub(crate) use self::feed::Feed;
pub(crate) use self::meaning::Reading;
pub(crate) use self::service::{IndexParts, WorkspaceIndex};

/// The indexes of a node.
pub(crate) struct Indexes {
    secret: Zeroizing<[u8; 32]>,
    open: Mutex<BTreeMap<WorkspaceId, Arc<WorkspaceIndex>>>,
}

impl Indexes {
    /// None yet. `secret` is what they will be sealed with.
    pub(crate) fn new(secret: Zeroizing<[u8; 32]>) -> Self {
        Self { secret, open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<WorkspaceId, Arc<WorkspaceIndex>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The index of a workspace; begins it when that is not done yet.
    pub(crate) fn of(
        &self,
        ws: WorkspaceId,
        parts: impl FnOnce(IndexKey) -> IndexParts,
    ) -> std::io::Result<Arc<WorkspaceIndex>> {
        let mut open = self.open();
        if let Some(index) = open.get(&ws) {
            return Ok(Arc::clone(index));
        }
        let index = WorkspaceIndex::start(parts(IndexKey::derive(&self.secret, ws.as_bytes())))?;
        open.insert(ws, Arc::clone(&index));
        Ok(index)
    }

    /// The index of a workspace, where it was begun.
    pub(crate) fn begun(&self, ws: WorkspaceId) -> Option<Arc<WorkspaceIndex>> {
        self.open().get(&ws).map(Arc::clone)
    }

    /// Ends the index of a workspace and gives it.
    pub(crate) fn take(&self, ws: WorkspaceId) -> Option<Arc<WorkspaceIndex>> {
        let index = self.open().remove(&ws);
        if let Some(index) = &index {
            index.stop();
        }
        index
    }

    /// Ends all of them.
    pub(crate) fn stop(&self) {
        for index in std::mem::take(&mut *self.open()).into_values() {
            index.stop();
        }
    }
}
