//! How long things took that a person waits for, as events for tools: the first frame, and files from asking to seeing.

use std::{
    collections::BTreeMap,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use super::Shell;

/// Files whose opening is timed at most.
const ASKED_MAX: usize = 64;

/// What is being waited for.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    frames: u32,
    asked: BTreeMap<String, Instant>,
}

impl Timeline {
    /// A frame begins. When the second one does the first has been shown.
    pub(super) fn frame_begins(&mut self) {
        self.frames = self.frames.saturating_add(1);
        if self.frames == 2 {
            let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let at_micros = u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX);
            tracing::info!(target: "weft::events::window", at_micros, "first frame");
        }
    }

    /// A file is asked for.
    pub(super) fn asked(&mut self, path: &str) {
        if self.asked.len() < ASKED_MAX {
            self.asked.entry(path.to_owned()).or_insert_with(Instant::now);
        }
    }
}

impl Shell {
    /// A frame was drawn: what was waited for and is there was drawn in it.
    pub(super) fn note_shown(&mut self) {
        let Some(folder) = &self.state.folder else { return self.timeline.asked.clear() };
        self.timeline.asked.retain(|path, asked| {
            let Some(file) = folder.files.get(path) else { return false };
            let Some(document) = file.document() else { return true };
            let micros = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
            let bytes = document.buffer().rope().len_bytes() as u64;
            tracing::info!(target: "weft::events::window", micros, bytes, "file shown");
            false
        });
    }
}
