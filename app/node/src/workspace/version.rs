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
    /// What a save from an old copy has left on disk: the text of `base` with the edits of that save and without what
    /// came from others since. Once it is forgotten, `base` stands for it.
    Saved {
        /// The document.
        document: DocumentId,
        /// The version that the save was made from.
        base: Version,
        /// Tells it apart from others of this run.
        number: u64,
    },
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
