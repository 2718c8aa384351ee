//! Reading documents that are no text files into the index.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use weft_documents::limits::DOCUMENT_BYTES_MAX;
use weft_documents::{DocumentKind, ExtractError, Extracted};
use weft_index_disk::{DocumentText, Index, IndexError, Listed};

use super::service::{WorkspaceIndex, lock};
use crate::workspace::contents::Contents;
use crate::workspace::listed_files::{ListedFile, Source};

/// A search waits so long for documents that are new; longer where the index was just begun.
const PATIENCE: Duration = Duration::from_millis(300);
const PATIENCE_AT_FIRST: Duration = Duration::from_secs(5);

impl WorkspaceIndex {
    /// Waits a moment for documents that are being read: no search reads them itself. How many are left.
    pub(crate) async fn documents_read(&self) -> usize {
        let patience = PATIENCE_AT_FIRST.saturating_sub(self.begun.elapsed()).max(PATIENCE);
        let mut left = self.documents_left.subscribe();
        // Too late, or the thread has ended: what is left is told.
        let _ = tokio::time::timeout(patience, left.wait_for(|left| *left == 0)).await;
        *self.documents_left.borrow()
    }

    /// Reads documents until something else is to be done or this time is over; whether there were any.
    pub(super) fn read_documents(
        &self,
        index: &Index,
        contents: &Contents,
        time: Duration,
    ) -> Result<bool, IndexError> {
        let begin = Instant::now();
        let mut has_read = false;
        while begin.elapsed() < time && !self.is_interrupted() {
            let next = lock(&self.documents).first_key_value().map(|(_, file)| file.clone());
            let Some(file) = next else { break };
            let listed = file.listed.clone();
            self.read_document(index, contents, file)?;
            let mut documents = lock(&self.documents);
            // What is there now may be a newer one.
            if documents.get(&listed.path).is_some_and(|now| now.listed.version == listed.version) {
                documents.remove(&listed.path);
            }
            drop(documents);
            has_read = true;
            index.flush()?;
            self.parts.runtime.block_on(self.catch_up());
            self.count_documents();
        }
        while has_read && !self.is_interrupted() && index.tidy()? {}
        Ok(has_read)
    }

    fn read_document(&self, index: &Index, contents: &Contents, file: ListedFile) -> Result<(), IndexError> {
        if !index.is_listed(&file.listed) {
            return Ok(());
        }
        let (listed, bytes) = match file.source {
            Source::Document(document) => match self.text_to_index(index, &file.listed.path, document) {
                Some((listed, bytes)) => (listed, bytes.to_vec()),
                None => return Ok(()),
            },
            Source::Blob(blob) if blob.size > DOCUMENT_BYTES_MAX => {
                let text = told(Err(ExtractError::TooLarge));
                return index.put_document(&file.listed.path, file.listed.version, text);
            }
            Source::Blob(blob) => {
                if !contents.is_here(&blob).unwrap_or(false) {
                    lock(&self.later).push(ListedFile { source: Source::Blob(blob), ..file });
                    return Ok(());
                }
                match contents.load(&blob) {
                    Ok(bytes) => (file.listed, bytes),
                    Err(error) => {
                        tracing::debug!("a document is not read into the index: {error}");
                        return Ok(());
                    }
                }
            }
        };
        self.extract(index, &listed, bytes)
    }

    /// Has a process of its own read a document.
    fn extract(&self, index: &Index, file: &Listed, bytes: Vec<u8>) -> Result<(), IndexError> {
        if index.has_document(&file.path, file.version)
            && let Some(text) = index.document_text(&file.path)
        {
            // It was read, and this process ended before the index had it.
            return index.put(&file.path, file.version, &text);
        }
        let is_ended = || self.is_stopped.load(Ordering::Relaxed);
        let Some(kind) = DocumentKind::of_path(&file.path) else { return Ok(()) };
        let read = match &self.parts.guard {
            Some(guard) => guard.read(kind, bytes, &is_ended),
            None => Err(ExtractError::Unable { reason: "the program does not know where it lies".into() }),
        };
        // Read again when the node is started the next time.
        if read.is_err() && is_ended() {
            return Ok(());
        }
        let text = told(read);
        if let Some(note) = &text.note {
            tracing::info!("{note}: {}", file.path);
        }
        index.put_document(&file.path, file.version, text)
    }
}

/// What the index is to know of a document.
fn told(read: Result<Extracted, ExtractError>) -> DocumentText {
    match read {
        Ok(extracted) => {
            let note = extracted.is_cut.then(|| "only a part of it could be read".to_owned());
            let (text, places) = extracted.joined();
            DocumentText { text, places, note, is_temporary: false }
        }
        Err(error) => DocumentText {
            note: Some(error.to_string()),
            is_temporary: matches!(error, ExtractError::Unable { .. }),
            ..DocumentText::default()
        },
    }
}
