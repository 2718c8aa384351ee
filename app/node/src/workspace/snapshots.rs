//! Snapshots of text documents in the store, so that a document is not made of all its changes
//! each time it is opened.
//!
//! A snapshot is a cache: whatever is wrong with one, the document is made of its changes. It holds
//! only changes that were stored before it, so after a crash no document knows of a change that no
//! log carries.
//!
//! One is written when a document has so many more changes than its last snapshot that reading
//! them would be felt ([`BUSY_CHANGES_MIN`], and an eighth of all: so writing costs a small multiple
//! of the document over its whole life), and, with far fewer, when nobody has edited it for
//! [`QUIET_MILLIS`].

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weft_crdt::tree::BlobRef;
use weft_crdt::{ChangeHash, ContentId, DocumentId, TextDocument};
use weft_store::{ChangeOrder, ReadError, Space, Storage, Table, Write};
use weft_sync::ids::{Timestamp, WorkspaceId};

/// Further changes after which a document gets a snapshot while it is edited.
pub(crate) const BUSY_CHANGES_MIN: usize = 1_024;
/// Further changes after which a document gets a snapshot when nobody edits it any more.
pub(crate) const QUIET_CHANGES_MIN: usize = 64;
/// How long nobody has edited it then.
pub(crate) const QUIET_MILLIS: u64 = 10_000;

const FORMAT: u8 = 1;
/// More than a header takes.
const HEADER_BYTES_MAX: usize = 128;

/// What stands before the document's own bytes.
#[derive(Serialize, Deserialize)]
struct Header {
    format: u8,
    /// What the document begins with.
    base: [u8; 32],
    /// What decided on what counted.
    verdicts: [u8; 32],
    /// Every change that was indexed up to here is in the snapshot.
    after: u64,
}

/// A document out of a snapshot.
pub(crate) struct Snapshot {
    /// The document.
    pub(crate) document: TextDocument,
    /// What was indexed later is to be applied.
    pub(crate) after: ChangeOrder,
}

/// Reads the snapshot of a document; none when there is none, it is damaged, of another version or
/// of other changes than those that count now.
pub(crate) fn read(
    store: &dyn Storage,
    ws: WorkspaceId,
    id: DocumentId,
    base: &BlobRef,
    verdicts: &[u8; 32],
) -> Option<Snapshot> {
    let stored = store.record(Space::workspace(ws, Table::Snapshot), id.as_bytes());
    let bytes = stored.unwrap_or_else(|error| {
        tracing::warn!(document = %id, "a snapshot cannot be read: {error}; it is made again");
        None
    })?;
    let (header, rest) = postcard::take_from_bytes::<Header>(&bytes).ok()?;
    let is_of = (header.base, header.verdicts) == (*base.content.as_bytes(), *verdicts);
    if header.format != FORMAT || !is_of {
        return None;
    }
    match TextDocument::from_snapshot(id, rest) {
        Ok(document) => Some(Snapshot { document, after: ChangeOrder(header.after) }),
        Err(error) => {
            tracing::warn!(document = %id, "a snapshot is of no use: {error}; it is made again");
            None
        }
    }
}

/// A snapshot that is to be written, on any thread.
#[derive(Debug)]
pub(crate) struct SnapshotJob {
    ws: WorkspaceId,
    base: ContentId,
    document: TextDocument,
    verdicts: [u8; 32],
}

impl SnapshotJob {
    /// The write that keeps the snapshot; none while some of its changes are still on their way to the store.
    pub(crate) fn write(&self, store: &dyn Storage) -> Result<Option<Write>, ReadError> {
        let id = self.document.id();
        let rows = store.changes(self.ws, id, ChangeOrder::START)?;
        let mut stored: Vec<ChangeHash> = rows.iter().map(|row| row.hash).collect();
        stored.sort_unstable();
        // The first change is the one that everybody makes of the base text.
        let beyond = self.document.changes().get(1..).unwrap_or_default();
        if !beyond.iter().all(|hash| stored.binary_search(hash).is_ok()) {
            return Ok(None);
        }
        let lacking = rows.iter().find(|row| !self.document.contains(&row.hash));
        let after = match lacking {
            Some(row) => row.at.0.saturating_sub(1),
            None => rows.last().map_or(0, |row| row.at.0),
        };
        let (base, verdicts) = (*self.base.as_bytes(), self.verdicts);
        let header = Header { format: FORMAT, base, verdicts, after };
        let mut value = postcard::to_extend(&header, Vec::with_capacity(HEADER_BYTES_MAX))
            .expect("a header of fixed lengths");
        value.extend_from_slice(&self.document.snapshot());
        let (space, key) = (Space::workspace(self.ws, Table::Snapshot), id.as_bytes().to_vec());
        Ok(Some(Write::Record { space, key, value: Some(value) }))
    }

    /// A job for a document as it is now.
    pub(crate) fn new(ws: WorkspaceId, base: &BlobRef, document: &TextDocument, verdicts: [u8; 32]) -> Self {
        Self { ws, base: base.content, document: document.clone(), verdicts }
    }
}

/// How far a document in memory is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// How many changes it has.
    pub(crate) changes: usize,
    /// How many of them its last snapshot holds.
    pub(crate) held: usize,
    /// Whether all of them are known to be in the store.
    pub(crate) is_stored: bool,
}

/// Which documents are to get a snapshot, and when.
#[derive(Debug, Default)]
pub(crate) struct SnapshotPlan {
    /// Documents with changes that no snapshot holds, and when they were last edited.
    edited: BTreeMap<DocumentId, Timestamp>,
    /// The same, the one first that is quiet the longest.
    by_time: BTreeSet<(Timestamp, DocumentId)>,
    /// Those that may have enough changes for a snapshot while they are edited.
    busy: BTreeSet<DocumentId>,
}

impl SnapshotPlan {
    /// A document has changed.
    pub(crate) fn edited(&mut self, document: DocumentId, now: Timestamp) {
        self.forget(document);
        self.edited.insert(document, now);
        self.by_time.insert((now, document));
        self.busy.insert(document);
    }

    fn forget(&mut self, document: DocumentId) {
        if let Some(edited) = self.edited.remove(&document) {
            self.by_time.remove(&(edited, document));
        }
        self.busy.remove(&document);
    }

    /// When [`SnapshotPlan::due`] is to be asked at the latest.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(edited, _)| edited.plus_millis(QUIET_MILLIS))
    }

    /// Takes out the documents that are to get a snapshot now. `look` tells of a document in memory.
    pub(crate) fn due(
        &mut self,
        now: Timestamp,
        look: impl Fn(DocumentId) -> Option<Progress>,
    ) -> Vec<DocumentId> {
        let mut due = Vec::new();
        self.busy.retain(|document| {
            let Some(Progress { changes, held, is_stored }) = look(*document) else { return false };
            let is_enough = changes.saturating_sub(held) >= BUSY_CHANGES_MIN.max(changes / 8);
            if is_enough && is_stored {
                due.push(*document);
            }
            is_enough && !is_stored
        });
        due.iter().for_each(|document| self.forget(*document));
        while let Some((_, document)) =
            self.by_time.first().filter(|(edited, _)| edited.plus_millis(QUIET_MILLIS) <= now).copied()
        {
            self.forget(document);
            let Some(Progress { changes, held, .. }) = look(document) else { continue };
            if changes.saturating_sub(held) >= QUIET_CHANGES_MIN.max(changes / 32) {
                due.push(document);
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_document_waits_for_many_changes_and_a_quiet_one_for_few() {
        let document = DocumentId::from_bytes([1; 16]);
        let at = |millis| Timestamp(millis);
        let due = |changes, held, since: u64| {
            let mut plan = SnapshotPlan::default();
            plan.edited(document, at(5));
            let progress = Progress { changes, held, is_stored: true };
            let on_its_way = Progress { is_stored: false, ..progress };
            let is_due = !plan.due(at(5 + since), |_| Some(progress)).is_empty();
            plan.edited(document, at(5));
            let waits = plan.due(at(5 + since), |_| Some(on_its_way)).is_empty();
            assert!(waits || since >= QUIET_MILLIS, "nothing is written of what is on its way");
            is_due
        };
        assert!(!due(BUSY_CHANGES_MIN - 1, 0, 0));
        assert!(due(BUSY_CHANGES_MIN, 0, 0));
        assert!(!due(100_000, 90_000, 0));
        assert!(due(100_000, 80_000, 0));
        assert!(!due(QUIET_CHANGES_MIN, 0, QUIET_MILLIS - 1));
        assert!(due(QUIET_CHANGES_MIN, 0, QUIET_MILLIS));
        assert!(!due(QUIET_CHANGES_MIN - 1, 0, QUIET_MILLIS));
        assert!(!due(32_000, 31_500, QUIET_MILLIS));
    }

    #[test]
    fn a_quiet_document_is_looked_at_once() {
        let document = DocumentId::from_bytes([1; 16]);
        let mut plan = SnapshotPlan::default();
        let few = Progress { changes: 1, held: 0, is_stored: true };
        plan.edited(document, Timestamp(5));
        assert_eq!(plan.wake_at(), Some(Timestamp(5 + QUIET_MILLIS)));
        assert!(plan.due(Timestamp(5 + QUIET_MILLIS), |_| Some(few)).is_empty());
        assert_eq!(plan.wake_at(), None);
    }
}
