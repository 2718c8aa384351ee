//! What there is to be indexed, and hearing of it.

use std::sync::Arc;

use weft_crdt::tree::{BlobRef, ContentValue, ShownNode};
use weft_crdt::{DocumentId, Patch};
use weft_index_disk::{Listed, Version};

use super::engine::Engine;
use super::version::FileVersion;
use crate::indexing::Feed;

/// A file with where its bytes are.
#[derive(Debug, Clone)]
pub(crate) struct ListedFile {
    pub(crate) listed: Listed,
    pub(crate) source: Source,
}

/// Where the bytes of a file are.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// In the store.
    Blob(BlobRef),
    /// In a document that was edited.
    Document(DocumentId),
}

impl Engine {
    /// Tells this index of every change from now on.
    pub(crate) fn feed_index(&mut self, feed: Arc<Feed>) {
        self.feed = Some(feed);
    }

    /// Every file that is shown.
    pub(crate) fn listed_files(&self) -> Vec<ListedFile> {
        let mut files = Vec::new();
        self.view.for_each(|path, shown| files.extend(self.listed(path, &shown)));
        files
    }

    /// The file that is shown at a path.
    pub(crate) fn listed_file(&self, path: &str) -> Option<ListedFile> {
        self.listed(path, &self.view.node_at(path)?)
    }

    fn listed(&self, path: &str, shown: &ShownNode) -> Option<ListedFile> {
        let (version, source) = match &**shown.content.as_ref()? {
            ContentValue::Blob(blob) => (self.blob_version(blob), Source::Blob(blob.clone())),
            // As long as nobody has edited it, it is what it was.
            ContentValue::Text { document, base } if !self.documents.borrow().is_edited(*document) => {
                (self.blob_version(base), Source::Blob(base.clone()))
            }
            ContentValue::Text { document, .. } => {
                let heads = self.with_text(*document, |text| text.heads().clone()).ok()?;
                let version = FileVersion::Text(*document, heads).encode();
                (Version::of(&version), Source::Document(*document))
            }
        };
        Some(ListedFile { listed: Listed { path: path.into(), version }, source })
    }

    fn blob_version(&self, blob: &BlobRef) -> Version {
        Version::of(blob.content.to_string().as_bytes())
    }

    /// The text of a file of a document, and its version.
    pub(crate) fn text_to_index(&self, path: &str, document: DocumentId) -> Option<(Listed, Arc<[u8]>)> {
        let (version, bytes) = self.text_of(document).ok()?;
        Some((Listed { path: path.into(), version: Version::of(&version.encode()) }, bytes))
    }

    /// Tells the index that a text has changed.
    pub(crate) fn tell_index(&self, document: DocumentId, patches: &[Patch]) {
        let Some(feed) = &self.feed else { return };
        for node in self.view.nodes_of_document(document) {
            let Some(path) = self.view.path_of(node) else { continue };
            let shown = self.view.node_at(&path).and_then(|shown| shown.content);
            if shown.is_some_and(|content| content.document() == Some(document)) {
                feed.typed(&path, patches, || self.with_text(document, |text| text.text()).ok());
            }
        }
    }

    /// Whether the folder holds everything that is shown.
    pub(crate) fn is_written(&self) -> bool {
        self.hold().is_none() && self.progressed().outstanding == 0
    }
}
