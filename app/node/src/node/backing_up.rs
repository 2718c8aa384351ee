//! Backups: making one of a node that runs, looking into one, and bringing a device back from one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use weft_crdt::DocumentId;
use weft_crdt::tree::{BlobRef, ContentValue, NodeKind};
use weft_store::backup::{
    self, BackupError, BackupNote, BackupOpener, BackupRecipient, BackupSeal, BackupWorkspace, BackupWriter,
    RestoredBackup,
};
use weft_store::{Home, HomeLock, Space, Storage as _, Store, Table, Write};

use super::joining::{self, folder_name};
use super::{Shared, calls, ended, opening, wall_now};
use crate::api::{
    self, ApiError, BackedUp, BackupChecked, BackupPlace, BackupRestore, BackupRestored, BackupSecret,
    NodeOptions, OwnNode as _, Progress, ProgressSink, RestoredPlace, Stage, WallTime,
};
use crate::registry::{Registry, WorkspaceRecord};
use crate::workspace::contents::{ContentError, Contents};
use crate::workspace::engine::Engine;
use crate::workspace::thread::WorkspaceHandle;

const POLL: Duration = Duration::from_millis(20);
/// How long bringing files back may go on without a file that moves.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a backup is called until it is whole.
const PARTIAL: &str = ".partial";

/// A file or folder of a workspace.
enum Source {
    Folder,
    File { content: SourceContent, is_executable: bool },
}

enum SourceContent {
    Blob(BlobRef),
    /// With what it begins with, in case it cannot be read.
    Text(DocumentId, BlobRef),
}

/// A workspace whose files are to be in a backup.
struct Workspace {
    handle: WorkspaceHandle,
    folder: String,
    files: BTreeMap<String, Source>,
    contents: Contents,
}

impl Engine {
    /// What is shown, as a backup takes it.
    fn sources(&self) -> Option<(BTreeMap<String, Source>, Contents)> {
        let sources = self.shown().into_iter().filter_map(|(path, node)| {
            let source = match (node.kind, node.content.as_deref()) {
                (NodeKind::Folder, _) => Source::Folder,
                (NodeKind::File, Some(content)) => {
                    let content = match content {
                        ContentValue::Blob(blob) => SourceContent::Blob(blob.clone()),
                        ContentValue::Text { document, base } => SourceContent::Text(*document, base.clone()),
                    };
                    Source::File { content, is_executable: node.executable }
                }
                (NodeKind::File, None) => return None,
            };
            Some((path, source))
        });
        Some((sources.collect(), self.contents()?))
    }
}

fn told(error: &BackupError) -> ApiError {
    let text = opening::chain(error);
    let told = match error {
        BackupError::NoRecipient { .. }
        | BackupError::NoSeal
        | BackupError::PassphraseLength
        | BackupError::WantsIdentity
        | BackupError::WantsPassphrase
        | BackupError::NoIdentity => ApiError::usage(text),
        _ => ApiError::failed(text),
    };
    told.hint(error.hint())
}

fn seal(request: &api::Backup) -> Result<BackupSeal, BackupError> {
    match (&request.passphrase, request.recipients.as_slice()) {
        (Some(passphrase), []) => Ok(BackupSeal::Passphrase(passphrase.0.clone().into())),
        (_, recipients) => {
            let recipients: Result<Vec<_>, _> =
                recipients.iter().map(|text| BackupRecipient::parse(text)).collect();
            Ok(BackupSeal::Recipients(recipients?))
        }
    }
}

/// Makes a backup of this device.
pub(super) async fn backup(
    shared: &Arc<Shared>,
    request: api::Backup,
    progress: &ProgressSink,
) -> Result<BackedUp, ApiError> {
    let begin = Instant::now();
    let unchanged = |error: ApiError| error.data_state("no backup was made; your data is as it was");
    let seal = seal(&request).map_err(|error| unchanged(told(&error)))?;
    let file = super::paths::absolute(&request.file);
    check_place(shared, &file)?;
    let profile = shared.profile();
    let mut note = BackupNote::new(
        wall_now().0.unsigned_abs(),
        format!("weft {}", env!("CARGO_PKG_VERSION")),
        profile.user_id().to_string(),
        profile.device_id().to_string(),
        profile.label.device.clone(),
    );
    let records: Vec<WorkspaceRecord> = shared.state().registry.all().cloned().collect();
    let (mut taken, mut workspaces) = (BTreeSet::new(), Vec::new());
    for record in &records {
        let workspace = match request.without_files || record.is_kept() {
            true => None,
            false => workspace(shared, record, &mut taken, progress).await?,
        };
        note.workspaces.push(BackupWorkspace {
            workspace: record.id.to_string(),
            name: record.name.clone(),
            folder: record.root.to_string_lossy().into_owned(),
            files: workspace.as_ref().map(|workspace| workspace.folder.clone()),
        });
        workspaces.extend(workspace);
    }
    let job = Job {
        shared: Arc::clone(shared),
        runtime: tokio::runtime::Handle::current(),
        progress: progress.clone(),
        workspaces,
        done: Progress::new(Stage::Write),
        missing: 0,
    };
    let path = file.clone();
    let written = tokio::task::spawn_blocking(move || job.write(&path, &seal, &note)).await;
    let written = written.map_err(|error| ApiError::failed(format!("the backup failed: {error}")))?;
    let Written { bytes, files, missing } = written.map_err(|error| unchanged(told(&error)))?;
    Ok(BackedUp {
        file,
        bytes,
        kept: records.iter().filter(|record| record.is_kept()).count() as u64,
        workspaces: records
            .into_iter()
            .filter(|record| !record.is_kept())
            .map(|record| record.name)
            .collect(),
        files,
        missing,
        seconds: begin.elapsed().as_secs_f64(),
    })
}

/// A backup must not become a file of a workspace, and replaces nothing.
fn check_place(shared: &Shared, file: &Path) -> Result<(), ApiError> {
    let state = "no backup was made; your data is as it was";
    if file.exists() {
        return Err(ApiError::usage(format!("there is a file already: {}", file.display()))
            .hint("give another name: a backup never replaces another one")
            .data_state(state));
    }
    if let Some((record, _)) = shared.state().registry.find(file) {
        let text = format!("{} lies in the workspace “{}”, and would be shared", file.display(), record.name);
        return Err(ApiError::usage(text).hint("write it to another disk, if you can").data_state(state));
    }
    if file.starts_with(shared.home.path()) {
        return Err(ApiError::usage(format!("{} lies in Weft's own data folder", file.display()))
            .hint("write it to another disk, if you can")
            .data_state(state));
    }
    Ok(())
}

/// What of a workspace goes into a backup; none when it cannot be read here.
async fn workspace(
    shared: &Shared,
    record: &WorkspaceRecord,
    taken: &mut BTreeSet<String>,
    progress: &ProgressSink,
) -> Result<Option<Workspace>, ApiError> {
    let Some(handle) = shared.handle(&record.id) else { return Ok(None) };
    // What lies in a folder that cannot be looked at is in the backup as it was last seen.
    if let Err(error) = calls::scanned(&handle, progress).await {
        tracing::warn!(name = record.name, "a folder could not be looked at before a backup: {error}");
    }
    let Some((files, contents)) = handle.ask(|engine| engine.sources()).await.ok_or_else(ended)? else {
        return Ok(None);
    };
    let name = folder_name(&record.name);
    let mut names = std::iter::once(name.clone()).chain((2..).map(|n| format!("{name} {n}")));
    let folder = names.find(|name| taken.insert(name.to_lowercase())).unwrap_or(name);
    Ok(Some(Workspace { handle, folder, files, contents }))
}

/// What is done on a thread of its own.
struct Job {
    shared: Arc<Shared>,
    runtime: tokio::runtime::Handle,
    progress: ProgressSink,
    workspaces: Vec<Workspace>,
    done: Progress,
    missing: u64,
}

struct Written {
    bytes: u64,
    files: u64,
    missing: u64,
}

impl Job {
    fn write(mut self, path: &Path, seal: &BackupSeal, note: &BackupNote) -> Result<Written, BackupError> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(PARTIAL);
        let partial = PathBuf::from(partial);
        let written = self.write_partial(&partial, seal, note).and_then(|()| {
            let bytes = fs::metadata(&partial).map_err(io_error)?.len();
            fs::rename(&partial, path).map_err(io_error)?;
            // The name too is to be on the disk. Not every file system can do that.
            if let Some(folder) = path.parent()
                && let Ok(folder) = File::open(folder)
            {
                let _ = folder.sync_all();
            }
            Ok(bytes)
        });
        if written.is_err() {
            let _ = fs::remove_file(&partial);
        }
        Ok(Written { bytes: written?, files: self.done.done, missing: self.missing })
    }

    fn write_partial(
        &mut self,
        partial: &Path,
        seal: &BackupSeal,
        note: &BackupNote,
    ) -> Result<(), BackupError> {
        // What a backup that was interrupted left.
        let _ = fs::remove_file(partial);
        let file = weft_store::backup::create_file(partial).map_err(io_error)?;
        let mut writer = BackupWriter::begin(BufWriter::new(file), seal, note)?;
        let (mut done, progress) = (self.done.clone(), self.progress.clone());
        writer.add_store(&self.shared.home, &self.shared.store, &mut |bytes| {
            done.bytes = Some(done.bytes.unwrap_or_default() + bytes);
            progress.report(done.clone());
        })?;
        self.done = done;
        for workspace in std::mem::take(&mut self.workspaces) {
            for (path, source) in &workspace.files {
                match source {
                    Source::Folder => writer.add_folder(&workspace.folder, path)?,
                    Source::File { content, is_executable } => {
                        self.add(&mut writer, &workspace, path, content, *is_executable)?;
                    }
                }
            }
        }
        let file = writer.finish()?.into_inner().map_err(|error| io_error(error.into_error()))?;
        file.sync_all().map_err(io_error)
    }

    fn add(
        &mut self,
        writer: &mut BackupWriter<BufWriter<File>>,
        workspace: &Workspace,
        path: &str,
        content: &SourceContent,
        is_executable: bool,
    ) -> Result<(), BackupError> {
        let (blob, text) = match content {
            SourceContent::Blob(blob) => (blob, None),
            SourceContent::Text(document, base) => {
                let document = *document;
                let asked = workspace.handle.ask(move |engine| engine.text_of(document).ok());
                (base, self.runtime.block_on(asked).flatten())
            }
        };
        let size = match text {
            Some((_, text)) => {
                let size = text.len() as u64;
                writer.add_file(&workspace.folder, path, is_executable, size, &text[..])?;
                size
            }
            None if workspace.contents.is_here(blob).map_err(content_error)? => {
                let reader = workspace.contents.reader(blob).map_err(content_error)?;
                writer.add_file(&workspace.folder, path, is_executable, blob.size, reader)?;
                blob.size
            }
            None => {
                self.missing += 1;
                return Ok(());
            }
        };
        self.done.done += 1;
        self.done.bytes = Some(self.done.bytes.unwrap_or_default() + size);
        self.progress.report(self.done.clone());
        Ok(())
    }
}

fn io_error(source: std::io::Error) -> BackupError {
    BackupError::Io { source }
}

fn content_error(error: ContentError) -> BackupError {
    io_error(std::io::Error::other(error))
}

fn opener(secret: &BackupSecret) -> BackupOpener {
    match secret {
        BackupSecret::Passphrase(passphrase) => BackupOpener::Passphrase(passphrase.0.clone().into()),
        BackupSecret::Identities(text) => BackupOpener::Identities(text.0.clone().into()),
    }
}

fn open_file(path: &Path) -> Result<BufReader<File>, ApiError> {
    let file = File::open(path).map_err(|error| {
        ApiError::failed(format!("{} cannot be read: {error}", path.display()))
            .hint("give a file that `weft backup` wrote")
            .data_state("nothing was changed")
    })?;
    Ok(BufReader::with_capacity(256 * 1024, file))
}

/// Reads a backup from beginning to end. Needs no node.
///
/// # Errors
/// When it does not open, or was cut or altered.
pub fn check_backup(file: &Path, secret: &BackupSecret) -> Result<BackupChecked, ApiError> {
    let contents = backup::check(open_file(file)?, &opener(secret)).map_err(|error| told(&error))?;
    let note = contents.note;
    Ok(BackupChecked {
        made: made(note.made_ms),
        app: note.app,
        user: note.user,
        device: note.device,
        device_name: note.device_name,
        workspaces: note.workspaces.into_iter().map(place).collect(),
        files: contents.files,
        file_bytes: contents.file_bytes,
        store_bytes: contents.store_bytes,
    })
}

fn made(millis: u64) -> WallTime {
    WallTime::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

fn place(workspace: BackupWorkspace) -> BackupPlace {
    let folder = Some(workspace.folder).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    BackupPlace { workspace: workspace.workspace, name: workspace.name, folder }
}

/// Brings a device back from a backup: returns when the files of its workspaces are in their folders. The data folder of
/// `options` must be missing or empty.
///
/// A workspace whose folder is still on this machine goes on there; the others get a new one in
/// [`BackupRestore::parent`].
///
/// # Errors
/// When there is a device already, or the backup does not open or is damaged; then nothing was changed.
pub async fn restore_backup(
    mut options: NodeOptions,
    request: BackupRestore,
    progress: &ProgressSink,
) -> Result<BackupRestored, ApiError> {
    options.network = None;
    let (unpacking, reports) = (options.clone(), progress.clone());
    let unpacked = tokio::task::spawn_blocking(move || unpack(&unpacking, &request, &reports)).await;
    let unpacked = unpacked.map_err(|error| ApiError::failed(format!("restoring failed: {error}")))?;
    let (restored, new_roots) = unpacked?;
    // The key is handed on: a passphrase that comes through a pipe is there once.
    let node = opening::open_with(options, Some(restored.unlocked)).await?;
    let note = restored.note;
    let shared = Arc::clone(&node.shared);
    let mut workspaces = Vec::new();
    let records: Vec<WorkspaceRecord> = shared.state().registry.all().cloned().collect();
    for record in records {
        workspaces.push(settled(&shared, record, &new_roots, progress).await?);
    }
    let notes = shared.notice.iter().cloned().collect();
    node.shut_down().await;
    Ok(BackupRestored {
        made: made(note.made_ms),
        user: note.user,
        device: note.device,
        device_name: note.device_name,
        workspaces,
        notes,
    })
}

/// Unpacks a backup into the data folder. Gives the workspaces that have to be written into a new folder.
fn unpack(
    options: &NodeOptions,
    request: &BackupRestore,
    progress: &ProgressSink,
) -> Result<(RestoredBackup, BTreeSet<weft_sync::WorkspaceId>), ApiError> {
    let nothing = |error: ApiError| error.data_state("nothing was changed");
    let file = open_file(&request.file)?;
    let (home, _lock): (Home, HomeLock) = opening::lock_home(&options.home)?;
    let mut done = Progress::new(Stage::Receive);
    let mut new_roots = BTreeSet::new();
    let mut prepare = |store: &Store, _: &BackupNote| {
        let registry = Registry::load(store)?;
        new_roots = give_roots(store, registry, &request.parent, &home)?;
        Ok(())
    };
    let mut moved = |bytes| {
        done.bytes = Some(done.bytes.unwrap_or_default() + bytes);
        progress.report(done.clone());
    };
    let opener = opener(&request.secret);
    let restored = opening::with_key_context(options.key, options.passphrase.as_ref(), |context| {
        let restored = backup::restore(file, &opener, &home, context, &mut prepare, &mut moved);
        restored.map_err(|error| nothing(told(&error)))
    })?;
    Ok((restored, new_roots))
}

/// Gives each workspace whose folder is not on this machine another one.
fn give_roots(
    store: &Store,
    mut registry: Registry,
    parent: &Path,
    home: &Home,
) -> Result<BTreeSet<weft_sync::WorkspaceId>, BackupError> {
    let gone: Vec<WorkspaceRecord> =
        registry.mirrored().filter(|record| !record.root.is_dir()).cloned().collect();
    let mut writes = Vec::new();
    let mut moved = BTreeSet::new();
    for mut record in gone {
        let name = folder_name(&record.name);
        let mut names = std::iter::once(name.clone()).chain((2..).map(|n| format!("{name} {n}")));
        let is_free = |folder: &Path| {
            (!folder.exists() || joining::is_empty(folder))
                && registry.overlap(folder).is_none()
                && !home.path().starts_with(folder)
        };
        let folder = names.find_map(|name| {
            let folder = super::paths::absolute(&parent.join(name));
            is_free(&folder).then_some(folder)
        });
        let Some(folder) = folder else { continue };
        let made = fs::create_dir_all(&folder);
        made.map_err(|source| BackupError::Home { source, path: folder.clone() })?;
        record.root = folder;
        moved.insert(record.id);
        // What the mirror remembers is of the folder that is gone.
        writes.push(Write::ClearRecords(Space::workspace(record.id, Table::Mirror)));
        writes.push(registry.put(record));
    }
    let committed = store.commit(&writes);
    committed.map_err(|error| BackupError::Home {
        source: std::io::Error::other(error),
        path: home.path().to_path_buf(),
    })?;
    Ok(moved)
}

/// Waits until what is here of a workspace's files is in its folder.
async fn settled(
    shared: &Arc<Shared>,
    record: WorkspaceRecord,
    new_roots: &BTreeSet<weft_sync::WorkspaceId>,
    progress: &ProgressSink,
) -> Result<RestoredPlace, ApiError> {
    let is_new = new_roots.contains(&record.id);
    let mut place = RestoredPlace {
        workspace: record.id.to_string(),
        name: record.name.clone(),
        folder: Some(record.root.clone()).filter(|_| !record.is_kept()),
        is_new,
        files: 0,
        missing: 0,
    };
    let Some(workspace) = shared.handle(&record.id).filter(|_| !record.is_kept()) else { return Ok(place) };
    let (mut last, mut deadline) = (None, Instant::now() + PATIENCE);
    loop {
        let done = workspace.ask(|engine| engine.progressed()).await.ok_or_else(ended)?;
        let left = done.outstanding + done.storing;
        (place.files, place.missing) = (done.files, (done.missing + done.waiting) as u64);
        let held = workspace.ask(|engine| engine.hold().is_some()).await.ok_or_else(ended)?;
        if held || (left == 0 && done.is_scanned && done.is_quiet) {
            return Ok(place);
        }
        let written = done.files.saturating_sub(left as u64);
        let report = Progress { done: written, total: Some(done.files), ..Progress::new(Stage::Write) };
        progress.report(report);
        let now = Some((left, done.moved, done.files_seen));
        if now != last {
            (last, deadline) = (now, Instant::now() + PATIENCE);
        }
        if Instant::now() > deadline {
            return Err(ApiError::failed(format!("the files of “{}” are not all written", record.name))
                .hint("look at it with `weft status`; `weft node` goes on")
                .data_state("the device is back, and everything of the backup is stored"));
        }
        tokio::time::sleep(POLL).await;
    }
}
