//! Work that does not count: writing it out, and letting it count.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weft_sync::ids::UserId;

use super::calls::{scanned, stored};
use super::{Shared, ended, joining};
use crate::api::{self, Admitted, ApiError, ProgressSink, VoidExported};
use crate::workspace::admitting::{VoidContent, VoidWork};
use crate::workspace::contents::Contents;
use crate::workspace::people::People as _;
use crate::workspace::thread::WorkspaceHandle;

/// Those who have done work that does not count, with names and numbers of changes.
type VoidAuthors = BTreeMap<UserId, (String, u64)>;

/// Writes out what somebody's work comes to that does not count.
pub(super) async fn export(shared: &Arc<Shared>, request: api::VoidExport) -> Result<VoidExported, ApiError> {
    let (workspace, root, _) = shared.workspace_of(&request.folder)?;
    scanned(&workspace, &ProgressSink::none()).await?;
    let to = free_folder(shared, &request.to)?;
    let is_out = workspace.ask(|engine| engine.replica().own_class().is_none()).await.ok_or_else(ended)?;
    if is_out && request.who.is_none() {
        return export_own(shared, &workspace, &root, to).await;
    }
    let (user, name) = find(&authors(&workspace).await?, request.who.as_deref())?;
    let work = workspace.ask(move |engine| engine.void_work(&user)).await.ok_or_else(ended)??;
    let contents = workspace.ask(|engine| engine.contents()).await.ok_or_else(ended)?;
    let mut exported = exported(to, user, Some(name), work.entries);
    exported.gone = work.gone.clone();
    blocking(move || {
        write_work(&work, contents.as_ref(), &mut exported)?;
        Ok(exported)
    })
    .await
}

/// What we did ourselves since we were put out or without knowing it, as it lies in the folder.
async fn export_own(
    shared: &Arc<Shared>,
    workspace: &WorkspaceHandle,
    root: &Path,
    to: PathBuf,
) -> Result<VoidExported, ApiError> {
    let profile = shared.profile();
    let own = profile.user_id();
    let told = workspace.ask(move |engine| engine.own_void_paths(own)).await;
    let (paths, entries) = told.ok_or_else(ended)??;
    if paths.is_empty() {
        return Err(nothing("everything that you did before you were put out counts"));
    }
    let mut exported = exported(to, profile.user_id(), Some(profile.label.name.clone()), entries);
    let root = root.to_owned();
    blocking(move || {
        for path in paths {
            let from = root.join(&path);
            match fs::symlink_metadata(&from) {
                Ok(data) if data.is_file() => {
                    let mut source = fs::File::open(&from)?;
                    write_file(&exported.to, &path, &mut source)?;
                    exported.files.push(path);
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => exported.gone.push(path),
                Err(error) => return Err(error),
            }
        }
        Ok(exported)
    })
    .await
}

fn exported(to: PathBuf, user: UserId, name: Option<String>, entries: u64) -> VoidExported {
    let user_name = name.filter(|name| !name.is_empty());
    let (files, gone, missing) = (Vec::new(), Vec::new(), Vec::new());
    VoidExported { to, user: user.to_string(), user_name, files, gone, missing, entries }
}

fn nothing(message: &str) -> ApiError {
    ApiError::not_found(message.to_owned())
        .hint("`weft audit` shows who was put out, and what counts nowhere")
        .data_state("nothing was changed")
}

fn write_work(work: &VoidWork, contents: Option<&Contents>, exported: &mut VoidExported) -> io::Result<()> {
    for (path, content) in &work.files {
        match content {
            VoidContent::Text(text) => write_file(&exported.to, path, &mut text.as_bytes())?,
            VoidContent::Blob(blob) => {
                let here = contents.filter(|contents| contents.is_here(blob).unwrap_or(false));
                let Some(reader) = here.and_then(|contents| contents.reader(blob).ok()) else {
                    exported.missing.push(path.clone());
                    continue;
                };
                write_file(&exported.to, path, &mut { reader })?;
            }
        }
        exported.files.push(path.clone());
    }
    Ok(())
}

/// `path` is one that the workspace shows, with slashes: no part of it leads upwards.
fn write_file(folder: &Path, path: &str, contents: &mut dyn io::Read) -> io::Result<()> {
    let place = folder.join(path);
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(place)?;
    io::copy(contents, &mut file).map(drop)
}

fn free_folder(shared: &Shared, folder: &Path) -> Result<PathBuf, ApiError> {
    let folder = super::paths::absolute(folder);
    let state = "nothing was written";
    if let Some((record, _)) = shared.state().registry.find(&folder) {
        let text = format!("{} lies in the workspace “{}”", folder.display(), record.name);
        return Err(ApiError::usage(text).hint("choose a folder outside of it").data_state(state));
    }
    joining::check_own_data(shared, &folder)?;
    if folder.exists() && !joining::is_empty(&folder) {
        return Err(ApiError::usage(format!("{} is not empty", folder.display()))
            .hint("choose a folder that is missing or empty")
            .data_state(state));
    }
    fs::create_dir_all(&folder).map_err(|error| unwritable(&error))?;
    Ok(folder)
}

fn unwritable(error: &io::Error) -> ApiError {
    ApiError::failed(format!("the work could not be written out: {error}"))
        .hint("choose a folder that you may write to, on a disk with space")
        .data_state("nothing in the workspace was changed")
}

async fn blocking<T: Send + 'static>(
    task: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(task).await;
    done.map_err(|error| ApiError::failed(error.to_string()))?.map_err(|error| unwritable(&error))
}

async fn authors(workspace: &WorkspaceHandle) -> Result<VoidAuthors, ApiError> {
    workspace.ask(|engine| engine.void_authors()).await.ok_or_else(ended)?
}

/// The one of these that a person named.
fn find(authors: &VoidAuthors, who: Option<&str>) -> Result<(UserId, String), ApiError> {
    let found: Vec<_> = authors
        .iter()
        .filter(|(user, (name, _))| match who {
            Some(who) => name == who || (who.len() >= 4 && user.to_string().starts_with(who)),
            None => true,
        })
        .collect();
    match (found.as_slice(), who) {
        ([(user, (name, _))], _) => Ok((**user, name.clone())),
        ([], _) if authors.is_empty() => Err(nothing("all work that is stored here counts")),
        ([], Some(who)) => {
            let told = format!("there is no work of {who:?} that does not count");
            Err(ApiError::not_found(told).hint(listed(authors)).data_state("nothing was changed"))
        }
        (_, _) => Err(ApiError::usage("several people have done work that does not count")
            .hint(listed(authors))
            .data_state("nothing was changed")),
    }
}

fn listed(authors: &VoidAuthors) -> String {
    let one = |(user, (name, changes)): (&UserId, &(String, u64))| {
        let id: String = user.to_string().chars().take(10).collect();
        format!("{} ({id}), {changes} changes", if name.is_empty() { "somebody" } else { name })
    };
    format!(
        "work that does not count is there of: {}",
        authors.iter().map(one).collect::<Vec<_>>().join("; ")
    )
}

/// Lets somebody's work count that does not.
pub(super) async fn admit(shared: &Arc<Shared>, request: api::Admit) -> Result<Admitted, ApiError> {
    let (workspace, _, _) = shared.workspace_of(&request.folder)?;
    scanned(&workspace, &ProgressSink::none()).await?;
    let (user, name) = find(&authors(&workspace).await?, Some(&request.who))?;
    let admitted = workspace.ask(move |engine| engine.admit(&user)).await.ok_or_else(ended)??;
    match admitted.write {
        Some(write) => stored(shared, &workspace, write).await?,
        None => return Err(nothing("what that work builds upon is not on this device")),
    }
    Ok(Admitted {
        user: user.to_string(),
        user_name: Some(name).filter(|name| !name.is_empty()),
        files: admitted.paths.into_iter().collect(),
        entries: admitted.entries,
    })
}
