//! How far a workspace is, for those who wait for it.

use weft_crdt::NodeKind;

use super::contents::Contents;
use super::engine::Engine;

/// How far a workspace has come.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Progressed {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) missing: usize,
    pub(crate) outstanding: usize,
    pub(crate) waiting: usize,
    pub(crate) storing: usize,
    /// What changes as contents come and are written, also within one long file.
    pub(crate) moved: (u64, usize),
    pub(crate) is_scanned: bool,
    pub(crate) files_seen: u64,
    pub(crate) is_quiet: bool,
    pub(crate) connected: usize,
    pub(crate) synced: usize,
}

impl Engine {
    /// How far things are.
    pub(crate) fn progressed(&self) -> Progressed {
        let mut done = Progressed::default();
        (done.files, done.bytes) = self.shown_size();
        done.missing = self.fetches.len();
        done.outstanding = self.show.outstanding();
        done.waiting = self.waiting.len();
        let streamed = self.contents.as_ref().map_or(0, Contents::streamed);
        done.moved = (streamed, self.fetches.chunks_len());
        done.storing = self.writes.len();
        done.is_scanned = self.scan.is_done;
        done.files_seen = self.scan.progress.files_seen as u64;
        let status = self.replica.sync_status();
        done.is_quiet = status.is_quiet();
        let devices = self.replica.device_statuses();
        let others =
            devices.iter().filter(|device| device.connected && device.device != self.replica.device());
        for device in others {
            done.connected += 1;
            done.synced += usize::from(device.has_all_mine);
        }
        done
    }

    /// How many files are shown, and how large what they begin with is together. Those who wait for something ask again
    /// and again, so it is counted once for each state of the tree.
    fn shown_size(&self) -> (u64, u64) {
        if let Some(size) = self.shown_size.get() {
            return size;
        }
        let (mut files, mut bytes) = (0, 0);
        self.view.for_each(|_, shown| {
            if shown.kind == NodeKind::File {
                files += 1;
                bytes += shown.content.map_or(0, |content| content.blob().size);
            }
        });
        self.shown_size.set(Some((files, bytes)));
        (files, bytes)
    }
}
