//! Puts file contents back that this disk has lost: from the files in the folder, where they hold
//! them still, else from other devices that are connected.
//!
//! Pieces of contents are named by what they hold, and sealing a content again gives the same
//! pieces: so whatever is put back is what was lost, or it is not taken.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use weft_crdt::ChunkId;
use weft_crdt::tree::BlobRef;
use weft_store::Write;

use super::Shared;
use crate::transfer::{self, REQUEST_CHUNKS_MAX};
use crate::workspace::contents::Contents;
use crate::workspace::thread::WorkspaceHandle;

/// How long one device may take to send what is lost here.
const FETCH_TIME_MAX: Duration = Duration::from_secs(30);

/// What became of the contents of one workspace.
#[derive(Debug, Default)]
pub(super) struct Healed {
    /// Files of which something was not here.
    pub(super) files: usize,
    /// Those that were put back from the folder.
    pub(super) from_folder: usize,
    /// Those that came from other devices.
    pub(super) from_devices: usize,
    /// The paths of those that are not whole yet.
    pub(super) left: Vec<String>,
    /// Whether the rest is on its way anyway.
    pub(super) is_fetching: bool,
}

/// A file of which something is not here: its content, or the text that its document begins with.
struct Lost {
    path: String,
    blob: BlobRef,
}

/// Puts back what is not here; `None` when the workspace has ended or its key is not here.
pub(super) async fn heal(shared: &Arc<Shared>, workspace: &WorkspaceHandle, root: &Path) -> Option<Healed> {
    let asked = workspace.ask(|engine| (engine.contents(), engine.shown(), engine.progressed().missing > 0));
    let (contents, shown, is_missing) = asked.await?;
    // Without a network nothing comes by itself.
    let is_fetching = is_missing && shared.net.is_some();
    let contents = contents?;
    let named = shown
        .into_iter()
        .filter_map(|(path, node)| node.content.map(|content| Lost { path, blob: content.blob().clone() }));
    let named: Vec<Lost> = named.collect();
    let (of_thread, root) = (contents.clone(), root.to_path_buf());
    let from_folder = tokio::task::spawn_blocking(move || {
        let lost: Vec<Lost> =
            named.into_iter().filter(|file| !of_thread.is_here(&file.blob).unwrap_or(false)).collect();
        let files = lost.len();
        let left = lost.into_iter().filter(|file| !put_back(&of_thread, &root.join(&file.path), &file.blob));
        (files, left.collect::<Vec<Lost>>())
    });
    let (files, left) = from_folder.await.ok()?;
    let mut healed = Healed { files, from_folder: files - left.len(), is_fetching, ..Healed::default() };
    let before = left.len();
    let left = from_devices(shared, &contents, left).await;
    healed.from_devices = before - left.len();
    if files > left.len()
        && let Err(error) = shared.storage.commit(&[Write::SyncChunks])
    {
        tracing::error!("what was put back could not be stored: {error}");
        return Some(Healed {
            files,
            left: left.into_iter().map(|file| file.path).collect(),
            ..Healed::default()
        });
    }
    healed.left = left.into_iter().map(|file| file.path).collect();
    Some(healed)
}

/// Seals a file again when it may be what was lost; whether it was.
fn put_back(contents: &Contents, path: &Path, blob: &BlobRef) -> bool {
    // A link may lead out of the folder.
    let is_same_size =
        path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == blob.size);
    if !is_same_size {
        return false;
    }
    let Ok(file) = File::open(path) else { return false };
    let mut importer = contents.importer();
    let sealed = importer.add_stream(file);
    if let Err(error) = importer.finish() {
        tracing::warn!(path = %path.display(), "a content cannot be put back: {error}");
    }
    sealed.is_ok_and(|sealed| sealed.content == blob.content) && contents.is_here(blob).unwrap_or(false)
}

/// Asks every connected device for what is still missing; gives what none of them had.
async fn from_devices(shared: &Arc<Shared>, contents: &Contents, mut left: Vec<Lost>) -> Vec<Lost> {
    let Some(net) = &shared.net else { return left };
    let peers: Vec<_> = shared.state().connected.iter().copied().collect();
    for peer in peers {
        // A long content's list comes first, then what it names.
        for _ in 0..2 {
            let ids: BTreeSet<ChunkId> =
                left.iter().filter_map(|file| contents.missing(&file.blob).ok()).flatten().collect();
            let ids: Vec<ChunkId> = ids.into_iter().take(REQUEST_CHUNKS_MAX).collect();
            if ids.is_empty() {
                break;
            }
            let fetched = transfer::fetch(net, peer, ids, Arc::clone(&shared.storage), |_| {});
            match tokio::time::timeout(FETCH_TIME_MAX, fetched).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::debug!(%peer, "nothing was put back: {error}"),
                Err(_) => tracing::debug!(%peer, "a device is too slow to put back what is lost"),
            }
            left.retain(|file| !contents.is_here(&file.blob).unwrap_or(false));
        }
    }
    left
}
