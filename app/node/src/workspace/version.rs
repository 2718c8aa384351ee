//! The name that the workspace gives to what a file on disk held.

use serde::{Deserialize, Serialize};
use weft_crdt::tree::BlobRef;
use weft_crdt::{DocumentId, Version};

/// What bytes on disk were, so that a later save can be compared with what its writer saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FileVersion {
    /// A folder; it has no content.
    Folder,
    /// These bytes.
    Blob(BlobRef),
    /// The text of a document at these heads.
    Text(DocumentId, Version),
}

impl FileVersion {
    /// Gives the bytes that the mirror keeps.
    pub(crate) fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("a version has no unknown lengths")
    }

    /// Reads what [`FileVersion::encode`] gave.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}
