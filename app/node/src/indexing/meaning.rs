//! Having a model read the chunks of texts, in the background.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use weft_ai::request::Priority;
use weft_index_disk::{ChunkHash, Index, IndexError, Listed};

use super::service::WorkspaceIndex;
use crate::workspace::contents::Contents;

/// Chunks that a model is given at a time: what it has read is kept after each.
const CHUNKS_PER_REQUEST: usize = 32;
/// Files that are looked at for one request.
const FILES_PER_REQUEST: usize = 16;
/// A node that was just begun lets everything else happen first, unless somebody asks.
const BEGIN_AFTER: Duration = Duration::from_secs(8);
/// While somebody types, and so long after, no model is asked.
const QUIET: Duration = Duration::from_millis(700);
const QUIET_LOOK: Duration = Duration::from_millis(100);
/// A model that failed is not asked again so soon.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// How far a model is with reading the chunks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Reading {
    /// Nobody knows yet.
    #[default]
    NotBegun,
    /// There is no model for it on this device.
    NoModel,
    /// It reads.
    Under,
    /// It has read everything.
    Done,
    /// It cannot, for this reason.
    Failed(String),
}

/// What the thread remembers of it.
#[derive(Debug)]
pub(super) struct MeaningState {
    begun: Instant,
    failed: Option<Instant>,
}

impl Default for MeaningState {
    fn default() -> Self {
        Self { begun: Instant::now(), failed: None }
    }
}

impl WorkspaceIndex {
    /// Somebody asks for meaning: the model begins now. Returns when it has read everything or cannot.
    pub(crate) async fn read_by_model(&self) {
        self.wants_meaning.store(true, Ordering::Relaxed);
        if matches!(*self.reading.borrow(), Reading::NoModel) {
            // One may have come since.
            self.reading.send_replace(Reading::NotBegun);
        }
        self.feed.look_again();
        let mut reading = self.reading.subscribe();
        let is_settled = |reading: &Reading| !matches!(reading, Reading::NotBegun | Reading::Under);
        // An error means that the thread has ended.
        let _ = reading.wait_for(is_settled).await;
    }

    /// How far the model is.
    pub(crate) fn reading(&self) -> Reading {
        self.reading.borrow().clone()
    }

    /// Has a model read what it has not read yet, until something else is to be done.
    pub(super) fn read_meaning(&self, index: &Index, contents: &Contents) -> Result<(), IndexError> {
        let Some(record) = self.parts.ai.embedding_model() else {
            self.reading.send_replace(Reading::NoModel);
            return Ok(());
        };
        {
            let state = self.meaning();
            let is_early = state.begun.elapsed() < BEGIN_AFTER && !self.wants_meaning.load(Ordering::Relaxed);
            let has_failed = state.failed.is_some_and(|at| at.elapsed() < AGAIN_AFTER);
            if is_early || has_failed {
                return Ok(());
            }
        }
        index.use_model(&record.sha256)?;
        // Files that give nothing to read, which is known better when they have changed.
        let mut nothing: BTreeSet<Arc<str>> = BTreeSet::new();
        loop {
            while self.feed.typed_within(QUIET) && !self.is_stopped.load(Ordering::Relaxed) {
                std::thread::sleep(QUIET_LOOK);
            }
            if self.is_interrupted() {
                break;
            }
            let mut files = index.without_vectors(FILES_PER_REQUEST + nothing.len());
            files.retain(|file| !nothing.contains(&file.path));
            if files.is_empty() {
                index.flush_vectors()?;
                self.reading.send_replace(Reading::Done);
                return Ok(());
            }
            if *self.reading.borrow() != Reading::Under {
                self.reading.send_replace(Reading::Under);
            }
            let wanted = self.chunks_of(index, contents, files, &mut nothing);
            if wanted.is_empty() {
                continue;
            }
            let (hashes, texts): (Vec<ChunkHash>, Vec<String>) = wanted.into_iter().unzip();
            let made = self.parts.runtime.block_on(self.parts.ai.vectors(&record, texts, Priority::Indexing));
            match made {
                Ok(made) => index.put_vectors(hashes.into_iter().zip(made.into_iter().map(Some)))?,
                Err(error) => {
                    tracing::warn!("the model {} does not read: {}", record.id, error.message);
                    self.meaning().failed = Some(Instant::now());
                    self.reading.send_replace(Reading::Failed(error.message));
                    break;
                }
            }
            self.parts.runtime.block_on(self.catch_up());
        }
        index.flush_vectors()
    }

    /// Chunks of some files that no model has read, as many as go at a time.
    fn chunks_of(
        &self,
        index: &Index,
        contents: &Contents,
        files: Vec<Listed>,
        nothing: &mut BTreeSet<Arc<str>>,
    ) -> Vec<(ChunkHash, String)> {
        let mut wanted: Vec<(ChunkHash, String)> = Vec::new();
        for file in files {
            let bytes = self.bytes_of(contents, &file);
            let text = bytes.as_deref().map(|bytes| weft_index::decoded(bytes));
            let found = match text {
                Some(weft_index::FileKind::Text(text)) => {
                    index.to_embed(&file.path, &text, &index.outline(&file.path))
                }
                _ => Vec::new(),
            };
            if found.is_empty() {
                nothing.insert(file.path);
            }
            for (hash, text) in found {
                if wanted.len() < CHUNKS_PER_REQUEST && wanted.iter().all(|(known, _)| *known != hash) {
                    wanted.push((hash, text));
                }
            }
            if wanted.len() >= CHUNKS_PER_REQUEST {
                break;
            }
        }
        wanted
    }
}
