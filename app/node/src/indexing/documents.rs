//! Reading documents that are no text files into the index.

use std::sync::atomic::Ordering;

use weft_documents::DocumentKind;
use weft_index_disk::{Index, IndexError, Listed};

use super::service::WorkspaceIndex;

impl WorkspaceIndex {
    /// Has a process of its own read a document. One that cannot be read has no text, which the log tells.
    pub(super) fn read_document(
        &self,
        index: &Index,
        file: &Listed,
        bytes: Vec<u8>,
    ) -> Result<(), IndexError> {
        if index.has_document(&file.path, file.version)
            && let Some(text) = index.document_text(&file.path)
        {
            return index.put(&file.path, file.version, &text);
        }
        let is_ended = || self.is_stopped.load(Ordering::Relaxed);
        let read = match (DocumentKind::of_path(&file.path), &self.parts.guard) {
            (Some(kind), Some(guard)) => guard.read(kind, bytes, &is_ended),
            _ => return index.put(&file.path, file.version, &[]),
        };
        match read {
            Ok(extracted) => {
                let (text, places) = extracted.joined();
                index.put_document(&file.path, file.version, &text, places)
            }
            // Read again when the node is started the next time.
            Err(_) if is_ended() => Ok(()),
            Err(error) => {
                tracing::warn!("a document is not in the index: {error}: {}", file.path);
                index.put_document(&file.path, file.version, "", Vec::new())
            }
        }
    }
}
