//! Each request, to the one function that answers it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weft_store::{EntryMarks, NewEntry, Write};
use weft_sync::ids::UserId;
use weft_sync::replica::{Input, WriteId};
use weft_sync::workspace::{found, set_policy};

use super::opening::{self, StartFolder, start_workspace};
use super::{
    Shared, admitting, ai, auditing, backing_up, ended, governing, health, inviting, joining, keeping,
    linking, names, paths, recovering, replacing, searching, wall_now,
};
use crate::api::{
    self, ApiError, BranchSwitch, CallContext, Digests, Edited, ErrorKind, Initialised, LogChanges,
    MirrorDecision, MirrorResumed, NodeInfoReport, PeerPath, PeersList, Policies, Progress, ProgressSink,
    Request, Response, Restored, Stage, Waited, WallTime, WorkspaceStatus,
};
use crate::mirror::{Decision, HoldReason};
use crate::registry::WorkspaceRecord;
use crate::workspace::engine::{Engine, Output, POLICY_AI_LOCAL_ONLY, POLICY_BRANCH_SWITCH};
use crate::workspace::entries;
use crate::workspace::thread::WorkspaceHandle;

const POLL: Duration = Duration::from_millis(5);
/// How long an edit may take to be stored.
const STORE_TIME_MAX: Duration = Duration::from_secs(20);
/// How long an edit waits for space on a full disk before this is told.
const FULL_TIME_MAX: Duration = Duration::from_secs(2);
/// Letters of a name that comes from a folder.
const NAME_CHARS_MAX: usize = 64;

/// Answers a request.
#[expect(
    clippy::too_many_lines,
    reason = "a table with one line for each method, which the compiler holds complete"
)]
pub(super) async fn call(
    shared: &Arc<Shared>,
    request: Request,
    context: CallContext,
) -> Result<Response, ApiError> {
    let progress = &context.progress;
    Ok(match request {
        Request::Init(request) => Response::Init(init(shared, request, progress).await?),
        Request::Share(request) => Response::Share(inviting::share(shared, request).await?),
        Request::InvitationsList(request) => {
            Response::InvitationsList(inviting::list(shared, request.folder.as_deref()).await?)
        }
        Request::InvitationsConfirm(request) => {
            Response::InvitationsConfirm(inviting::answer(shared, &request.id, true).await?)
        }
        Request::InvitationsRefuse(request) => {
            Response::InvitationsRefuse(inviting::answer(shared, &request.id, false).await?)
        }
        Request::InvitationsCancel(request) => {
            Response::InvitationsCancel(inviting::cancel(shared, &request.id).await?)
        }
        Request::JoinPreview(request) => {
            Response::JoinPreview(joining::preview(shared, request, progress).await?)
        }
        Request::Join(request) => Response::Join(joining::join(shared, request, progress).await?),
        Request::Leave(request) => Response::Leave(leave(shared, &request.folder).await?),
        Request::Status(request) => Response::Status(status(shared, &request.folder).await?),
        Request::Wait(request) => Response::Wait(wait(shared, request, progress).await?),
        Request::Digest(request) => Response::Digest(digest(shared, &request.folder).await?),
        Request::Edit(request) => Response::Edit(edit(shared, request).await?),
        Request::Cat(request) => {
            let (workspace, path) = file(shared, &request.file).await?;
            let read = workspace.ask(move |engine| engine.cat(&path, request.at.as_deref()));
            Response::Cat(read.await.ok_or_else(ended)??)
        }
        Request::History(request) => {
            let (workspace, path) = file(shared, &request.file).await?;
            let limit = request.limit;
            Response::History(
                workspace.ask(move |engine| engine.history(&path, limit)).await.ok_or_else(ended)??,
            )
        }
        Request::Blame(request) => {
            let (workspace, path) = file(shared, &request.file).await?;
            Response::Blame(workspace.ask(move |engine| engine.blame(&path)).await.ok_or_else(ended)??)
        }
        Request::Restore(request) => Response::Restore(restore(shared, request).await?),
        Request::Log(request) => Response::Log(log(shared, request).await?),
        Request::Search(request) => {
            Response::Search(searching::search(shared, request, &context.events).await?)
        }
        Request::ReplacePreview(request) => {
            Response::ReplacePreview(replacing::preview(shared, request.what).await?)
        }
        Request::ReplaceApply(request) => Response::ReplaceApply(replacing::apply(shared, request).await?),
        Request::Outline(request) => Response::Outline(names::outline(shared, request).await?),
        Request::Definition(request) => Response::Definition(names::definition(shared, request).await?),
        Request::References(request) => Response::References(names::references(shared, request).await?),
        Request::IndexStatus(request) => {
            Response::IndexStatus(searching::status(shared, &request.folder, request.wait).await?)
        }
        Request::IndexRebuild(request) => {
            Response::IndexRebuild(searching::rebuild(shared, &request.folder, progress).await?)
        }
        Request::Peers(_) => Response::Peers(peers(shared).await?),
        Request::Members(request) => {
            Response::Members(members(shared, &shared.workspace_of(&request.folder)?.0).await?)
        }
        Request::ChangeRole(request) => Response::ChangeRole(change_role(shared, request).await?),
        Request::Revoke(request) => Response::Revoke(governing::revoke(shared, request).await?),
        Request::VoidExport(request) => Response::VoidExport(admitting::export(shared, request).await?),
        Request::Admit(request) => Response::Admit(admitting::admit(shared, request).await?),
        Request::Audit(request) => Response::Audit(auditing::audit(shared, request).await?),
        Request::DeviceLink(request) => Response::DeviceLink(linking::link(shared, request).await?),
        Request::DeviceAcceptPreview(request) => {
            Response::DeviceAcceptPreview(linking::preview(shared, request, progress).await?)
        }
        Request::DeviceAccept(request) => {
            Response::DeviceAccept(linking::accept(shared, request, progress).await?)
        }
        Request::DeviceList(_) => Response::DeviceList(linking::list(shared).await?),
        Request::Recovery(_) => Response::Recovery(recovering::words(shared).await?),
        Request::RecoveryCheck(request) => Response::RecoveryCheck(recovering::check(shared, &request)?),
        Request::RecoveryPaperOnly(_) => Response::RecoveryPaperOnly(recovering::paper_only(shared).await?),
        Request::RecoveryRestore(request) => {
            Response::RecoveryRestore(recovering::restore(shared, request, progress).await?)
        }
        Request::Keep(request) => Response::Keep(keeping::keep(shared, request, progress).await?),
        Request::KeepVerify(_) => Response::KeepVerify(keeping::verify(shared).await?),
        Request::Backup(request) => Response::Backup(backing_up::backup(shared, request, progress).await?),
        Request::MirrorResume(request) => Response::MirrorResume(resume(shared, request).await?),
        Request::Policy(request) => Response::Policy(policy(shared, request).await?),
        Request::Doctor(_) => Response::Doctor(health::doctor(shared).await),
        Request::NodeInfo(_) => Response::NodeInfo(info(shared)),
        // The control server answers this itself; in this process the caller ends the node.
        Request::NodeStop(_) => Response::NodeStop(api::NodeStopped { pid: std::process::id() }),
        Request::DocumentOpen(request) => {
            Response::DocumentOpen(super::documents::open(shared, request, &context).await?)
        }
        Request::DocumentEdit(request) => {
            Response::DocumentEdit(super::documents::edit(shared, request, &context).await?)
        }
        Request::DocumentCursor(request) => {
            Response::DocumentCursor(super::presence::point(shared, context.session, &request).await?)
        }
        Request::DocumentClose(request) => {
            shared.presence.leave(context.session, request.document);
            Response::DocumentClose(shared.documents.close(context.session, request.document))
        }
        Request::AiModels(_) => Response::AiModels(ai::list(shared).await?),
        Request::AiModelImport(request) => {
            Response::AiModelImport(ai::import(shared, request, progress).await?)
        }
        Request::AiModelDownload(request) => {
            Response::AiModelDownload(ai::download(shared, request, progress).await?)
        }
        Request::AiModelVerify(request) => {
            Response::AiModelVerify(ai::verify(shared, request, progress).await?)
        }
        Request::AiModelRemove(request) => Response::AiModelRemove(ai::remove(shared, request).await?),
        Request::AiModelChoose(request) => Response::AiModelChoose(ai::choose(shared, request).await?),
        Request::AiModelShare(request) => Response::AiModelShare(ai::share(shared, request).await?),
        Request::AiModelOffers(request) => Response::AiModelOffers(ai::offers(shared, request).await?),
        Request::AiModelGet(request) => Response::AiModelGet(ai::get(shared, request, progress).await?),
        Request::AiProviders(_) => Response::AiProviders(ai::providers(shared).await?),
        Request::AiProviderAdd(request) => Response::AiProviderAdd(ai::add_provider(shared, request).await?),
        Request::AiProviderRemove(request) => {
            Response::AiProviderRemove(ai::remove_provider(shared, &request.id).await?)
        }
        Request::AiProviderTest(request) => {
            Response::AiProviderTest(ai::test_provider(shared, &request.id, &context).await?)
        }
        Request::AiHardware(_) => Response::AiHardware(ai::hardware(shared).await?),
        Request::AiGenerate(request) => Response::AiGenerate(ai::generate(shared, request, &context).await?),
        Request::AiComplete(request) => Response::AiComplete(ai::complete(shared, request, &context).await?),
        Request::AiChat(request) => Response::AiChat(ai::chat(shared, request, &context).await?),
        Request::AiEmbed(request) => Response::AiEmbed(ai::embed(shared, request, &context).await?),
        Request::AiEdit(request) => Response::AiEdit(ai::edit(shared, request, &context).await?),
        Request::AiChange(request) => Response::AiChange(ai::change(shared, request, &context).await?),
        Request::AiConversations(request) => {
            Response::AiConversations(ai::conversations(shared, request).await?)
        }
        Request::AiConversationGet(request) => {
            Response::AiConversationGet(ai::conversation(shared, request).await?)
        }
        Request::AiConversationKeep(request) => {
            Response::AiConversationKeep(ai::keep_conversation(shared, request).await?)
        }
        Request::AiConversationRemove(request) => {
            Response::AiConversationRemove(ai::remove_conversation(shared, request).await?)
        }
        Request::AiTemplates(_) => Response::AiTemplates(ai::templates(shared)),
        Request::AiAccept(request) => Response::AiAccept(ai::accept(shared, request, &context).await?),
        Request::PresenceWatch(request) => {
            Response::PresenceWatch(super::presence::watch(shared, request, &context).await?)
        }
    })
}

/// A file's workspace, looked at once, and its path there.
pub(super) async fn file(shared: &Arc<Shared>, path: &Path) -> Result<(WorkspaceHandle, String), ApiError> {
    let (workspace, _, rest) = shared.workspace_of(path)?;
    let path = paths::inside(&rest)?;
    scanned_or_full(shared, &workspace).await?;
    Ok((workspace, path))
}

/// Waits as [`scanned`] does, but not for a disk that is full.
pub(super) async fn scanned_or_full(shared: &Shared, workspace: &WorkspaceHandle) -> Result<(), ApiError> {
    let progress = ProgressSink::none();
    tokio::select! {
        found = scanned(workspace, &progress) => found,
        () = health::full(shared) => Ok(()),
    }
}

/// Waits until the folder was looked at once, and what that found is stored.
pub(super) async fn scanned(workspace: &WorkspaceHandle, progress: &ProgressSink) -> Result<(), ApiError> {
    loop {
        let (done, failure) =
            workspace.ask(|engine| (engine.progressed(), engine.failure())).await.ok_or_else(ended)?;
        if let Some(failure) = failure {
            return Err(ApiError::failed(failure)
                .hint("`weft doctor` looks for the cause")
                .data_state("the folder is as it was"));
        }
        if done.is_scanned && done.storing == 0 {
            return Ok(());
        }
        progress.report(Progress { done: done.files_seen, ..Progress::new(Stage::Scan) });
        tokio::time::sleep(POLL).await;
    }
}

async fn init(
    shared: &Arc<Shared>,
    request: api::Init,
    progress: &ProgressSink,
) -> Result<Initialised, ApiError> {
    let begin = Instant::now();
    let folder = paths::absolute(&request.folder);
    if folder.exists() && !folder.is_dir() {
        return Err(ApiError::usage(format!("{} is not a folder", folder.display()))
            .hint("name the folder that it lies in"));
    }
    if !folder.is_dir() {
        return Err(ApiError::not_found(format!("there is no folder {}", folder.display()))
            .hint("make it first, or name another one"));
    }
    if let Some(overlap) = shared.state().registry.overlap(&folder) {
        return Err(joining::overlap_error(&folder, &overlap));
    }
    joining::check_own_data(shared, &folder)?;
    let name = workspace_name(request.name, &folder)?;
    let (record, operations) = found_workspace(shared, &folder, &name)?;
    let workspace = start_workspace(shared, &record, StartFolder::Yes { is_import: true })?;
    let input = Input::WriteAcl { write: WriteId(0), operations };
    workspace.ask(move |engine| engine.feed(input)).await.ok_or_else(ended)?;
    scanned(&workspace, progress).await?;
    quiet(&workspace).await?;
    let done = workspace.ask(|engine| engine.progressed()).await.ok_or_else(ended)?;
    let summary = workspace.ask(|engine| engine.summary()).await.ok_or_else(ended)?;
    Ok(Initialised {
        workspace: record.id.to_string(),
        name,
        files: done.files,
        bytes: done.bytes,
        seconds: begin.elapsed().as_secs_f64(),
        folder,
        pending: summary.pending,
        notes: shared.notice.iter().cloned().collect(),
    })
}

/// The name that was given, or the folder's.
fn workspace_name(given: Option<String>, folder: &Path) -> Result<String, ApiError> {
    let clean = |name: &str| -> String {
        let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
        name.trim().to_owned()
    };
    let Some(given) = given else {
        let name = folder.file_name().map(|name| clean(&name.to_string_lossy())).unwrap_or_default();
        return Ok(if name.is_empty() { "workspace".to_owned() } else { name });
    };
    let name = clean(&given);
    if name.is_empty() {
        return Err(ApiError::usage("the name of a workspace cannot be empty")
            .hint("leave --name out to take the folder's name")
            .data_state("nothing was changed"));
    }
    Ok(name)
}

fn found_workspace(
    shared: &Arc<Shared>,
    folder: &Path,
    name: &str,
) -> Result<(WorkspaceRecord, Vec<weft_sync::acl::AclOperation>), ApiError> {
    let profile = shared.profile();
    let mut rng = shared.fork_rng();
    let founded = found(&profile.keys, &profile.chain, name, &profile.label, &mut rng)
        .map_err(|error| ApiError::failed(opening::chain(&error)))?;
    let genesis = Write::Entry(NewEntry {
        ws: founded.ws,
        at: founded.genesis.entry_ref(),
        kind: founded.genesis.header.kind,
        marks: EntryMarks::NONE,
        bytes: founded.genesis.encode().into(),
    });
    let record =
        WorkspaceRecord { id: founded.ws, root: folder.to_owned(), name: name.to_owned(), is_complete: true };
    let keys = entries::keep_keys(founded.ws, &founded.keyring);
    let registered = shared.state().registry.put(record.clone());
    shared
        .storage
        .commit(&[genesis, keys, registered])
        .map_err(|error| ApiError::failed(opening::chain(&error)).hint(error.hint()))?;
    Ok((record, founded.operations))
}

/// Waits until nothing is on its way to the disk.
async fn quiet(workspace: &WorkspaceHandle) -> Result<(), ApiError> {
    let deadline = Instant::now() + STORE_TIME_MAX;
    while Instant::now() < deadline {
        let storing = workspace.ask(|engine| engine.replica().sync_status().storing).await;
        if !storing.ok_or_else(ended)? {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
    Err(ApiError::failed("the disk is too slow").data_state("nothing is lost; try again"))
}

async fn leave(shared: &Arc<Shared>, folder: &Path) -> Result<api::Left, ApiError> {
    let (workspace, root, rest) = shared.workspace_of(folder)?;
    // A workspace's own folder may have vanished; a name in it that leads nowhere is a typing mistake.
    if !rest.as_os_str().is_empty() && !folder.exists() {
        return Err(ApiError::not_found(format!("there is no folder {}", folder.display()))
            .hint("name the workspace's folder, or one in it")
            .data_state("it goes on being shared"));
    }
    let ws = workspace.ws;
    let running = shared.state().running.remove(&ws);
    searching::forget(shared, ws);
    if let Some(running) = running {
        let stopped = tokio::task::spawn_blocking(move || running.stop()).await;
        stopped.map_err(|error| ApiError::failed(error.to_string()))?;
    }
    shared
        .storage
        .commit(&[Write::DropWorkspace(ws)])
        .map_err(|error| ApiError::failed(opening::chain(&error)).hint(error.hint()))?;
    let name = {
        let mut state = shared.state();
        let name = state.registry.get(&ws).map(|record| record.name.clone());
        state.registry.remove(&ws);
        name.unwrap_or_default()
    };
    Ok(api::Left { workspace: ws.to_string(), name, folder: root })
}

async fn status(shared: &Arc<Shared>, folder: &Path) -> Result<WorkspaceStatus, ApiError> {
    let (workspace, root, _) = shared.workspace_of(folder)?;
    scanned_or_full(shared, &workspace).await?;
    let mut summary = workspace.ask(|engine| engine.summary()).await.ok_or_else(ended)?;
    let endpoints = endpoints(&workspace).await;
    let kept_by = keeping::complete(shared, &workspace, std::mem::take(&mut summary.kept_by)).await;
    if health::is_full(shared) {
        (summary.state, summary.state_reason) = health::full_state();
    }
    let state = shared.state();
    for peer in &mut summary.peers {
        let contact = endpoints.get(&peer.device).and_then(|endpoint| state.contacts.get(endpoint));
        peer.last_contact = contact.map(|wall| WallTime::from_millis(wall.0));
    }
    let profile = shared.profile();
    Ok(WorkspaceStatus {
        workspace: workspace.ws.to_string(),
        name: summary.name,
        folder: root,
        user: profile.user_id().to_string(),
        user_name: Some(profile.label.name.clone()),
        device: profile.device_id().to_string(),
        device_name: Some(profile.label.device.clone()),
        role: summary.role,
        state: summary.state,
        state_reason: summary.state_reason,
        digest: summary.digests.tree,
        frontier: summary.frontier,
        files: summary.digests.files,
        peers: summary.peers,
        pending: summary.pending,
        kept_by,
        not_shared: summary.not_shared,
        folder_work: summary.folder_work,
    })
}

type Endpoints = std::collections::BTreeMap<String, weft_sync::ids::EndpointId>;

async fn endpoints(workspace: &WorkspaceHandle) -> Endpoints {
    let devices = workspace.ask(|engine| engine.named_devices()).await.unwrap_or_default();
    devices.into_iter().map(|device| (device.device.to_string(), device.endpoint)).collect()
}

async fn wait(shared: &Arc<Shared>, request: api::Wait, progress: &ProgressSink) -> Result<Waited, ApiError> {
    let begin = Instant::now();
    let (workspace, _, _) = shared.workspace_of(&request.folder)?;
    scanned(&workspace, progress).await?;
    let deadline = begin + Duration::from_secs_f64(request.timeout_seconds.clamp(0.0, 1e6));
    let least = usize::try_from(request.peers).unwrap_or(usize::MAX);
    loop {
        let done = workspace.ask(|engine| engine.progressed()).await.ok_or_else(ended)?;
        let is_still =
            done.is_quiet && done.storing == 0 && done.missing + done.outstanding + done.waiting == 0;
        if is_still && done.synced == done.connected && done.connected >= least {
            let peers = u32::try_from(done.connected).unwrap_or(u32::MAX);
            return Ok(Waited { synced: true, seconds: begin.elapsed().as_secs_f64(), peers });
        }
        if Instant::now() >= deadline {
            return Err(not_synced(&done, least));
        }
        let (count, total) = (done.synced as u64, Some(done.connected.max(least) as u64));
        progress.report(Progress { done: count, total, ..Progress::new(Stage::Wait) });
        tokio::time::sleep(POLL * 2).await;
    }
}

fn not_synced(done: &crate::workspace::progressed::Progressed, least: usize) -> ApiError {
    let text = if done.connected < least {
        format!("{} of {least} devices are connected", done.connected)
    } else if done.synced < done.connected {
        format!("{} of {} devices have all of this device's edits", done.synced, done.connected)
    } else {
        format!(
            "{} files are still on their way to this device",
            done.missing + done.outstanding + done.waiting
        )
    };
    ApiError::unreachable(format!("not in step in time: {text}"))
        .hint("`weft status` tells who lacks what, `weft peers` who is connected")
        .data_state("everything is kept and goes on by itself")
}

async fn digest(shared: &Arc<Shared>, folder: &Path) -> Result<Digests, ApiError> {
    let (workspace, _, _) = shared.workspace_of(folder)?;
    scanned(&workspace, &ProgressSink::none()).await?;
    workspace.ask(|engine| engine.digests()).await.ok_or_else(ended)
}

async fn edit(shared: &Arc<Shared>, request: api::Edit) -> Result<Edited, ApiError> {
    let (workspace, path) = file(shared, &request.file).await?;
    health::refuse_when_full(shared)?;
    let edited = workspace.ask(move |engine| engine.edit(&path, &request.edit));
    let (write, edited) = edited.await.ok_or_else(ended)??;
    stored(shared, &workspace, write).await?;
    Ok(edited)
}

async fn restore(shared: &Arc<Shared>, request: api::Restore) -> Result<Restored, ApiError> {
    let (workspace, path) = file(shared, &request.file).await?;
    health::refuse_when_full(shared)?;
    let restored = workspace.ask(move |engine| engine.restore(&path, &request.at));
    let (write, restored) = restored.await.ok_or_else(ended)??;
    stored(shared, &workspace, write).await?;
    Ok(restored)
}

/// Waits until a write is durable and on its way to the folder.
pub(super) async fn stored(
    shared: &Shared,
    workspace: &WorkspaceHandle,
    write: WriteId,
) -> Result<(), ApiError> {
    let deadline = Instant::now() + STORE_TIME_MAX;
    let mut full_since = None;
    loop {
        let state = workspace.ask(move |engine| engine.write_state(write)).await.ok_or_else(ended)?;
        match state {
            Ok(true) => return Ok(()),
            Ok(false) if health::is_full(shared) => {
                if full_since.get_or_insert_with(Instant::now).elapsed() > FULL_TIME_MAX {
                    return Err(health::full_while_storing(shared));
                }
                tokio::time::sleep(POLL).await;
            }
            Ok(false) if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(1)).await,
            Ok(false) => {
                return Err(ApiError::failed("the edit is not stored in time")
                    .data_state("it is kept in memory and stored as soon as the disk answers"));
            }
            Err(reason) => return Err(ApiError::not_allowed(reason).data_state("nothing was changed")),
        }
    }
}

async fn log(shared: &Arc<Shared>, request: api::Log) -> Result<LogChanges, ApiError> {
    let (workspace, _, _) = shared.workspace_of(&request.folder)?;
    scanned(&workspace, &ProgressSink::none()).await?;
    let read = workspace.ask(move |engine| engine.log(request.since.as_deref(), request.limit));
    // Versions of a workspace are listed elsewhere than those of a file.
    read.await.ok_or_else(ended)?.map_err(|error| match error.kind {
        ErrorKind::NotFound => error.hint("`weft log` lists them"),
        _ => error,
    })
}

/// The people of a workspace, with when their devices were here.
pub(super) async fn members(
    shared: &Arc<Shared>,
    workspace: &WorkspaceHandle,
) -> Result<api::MembersList, ApiError> {
    let mut list = workspace.ask(|engine| engine.members()).await.ok_or_else(ended)?;
    let endpoints = endpoints(workspace).await;
    let state = shared.state();
    for device in list.members.iter_mut().flat_map(|member| &mut member.devices) {
        let Some(endpoint) = endpoints.get(&device.device) else { continue };
        let contact = match state.connected.contains(endpoint) {
            true => Some(wall_now()),
            false => state.contacts.get(endpoint).copied(),
        };
        device.last_contact = contact.map(|wall| WallTime::from_millis(wall.0));
    }
    list.members.sort_by_key(|member| member.role != api::Role::Owner);
    Ok(list)
}

async fn change_role(shared: &Arc<Shared>, request: api::ChangeRole) -> Result<api::MembersList, ApiError> {
    let workspace = governing::change_role(shared, request).await?;
    members(shared, &workspace).await
}

async fn peers(shared: &Arc<Shared>) -> Result<PeersList, ApiError> {
    let Some(net) = &shared.net else { return Ok(PeersList { peers: Vec::new() }) };
    let mut named = std::collections::BTreeMap::new();
    for workspace in shared.handles() {
        let devices = workspace.ask(|engine| engine.named_devices()).await.unwrap_or_default();
        named.extend(devices.into_iter().map(|device| (device.endpoint, device)));
    }
    let peers = net.peers().await.into_iter().map(|info| {
        let device = named.get(&info.peer);
        let known = |name: fn(&crate::workspace::people::NamedDevice) -> &String| {
            device.map(name).filter(|name| !name.is_empty()).cloned()
        };
        let (path, round_trip, connected, reason) = match info.state {
            weft_net::PeerState::Connected { path, address, round_trip, .. } => {
                let place = address.map(|address| address.to_string());
                let path = match path {
                    weft_net::Path::Direct => {
                        place.map_or("direct".to_owned(), |place| format!("direct {place}"))
                    }
                    weft_net::Path::Relay => "relay".to_owned(),
                };
                (Some(path), Some(round_trip.as_secs_f64() * 1000.0), true, None)
            }
            weft_net::PeerState::Dialing => (None, None, false, Some("being dialed".to_owned())),
            weft_net::PeerState::Waiting { last_error, .. } => {
                (None, None, false, last_error.or_else(|| Some("no address is known yet".to_owned())))
            }
        };
        PeerPath {
            device: device.map_or_else(|| info.peer.to_string(), |device| device.device.to_string()),
            device_name: known(|device| &device.label.device),
            user: device.map_or_else(|| UserId::ZERO.to_string(), |device| device.user.to_string()),
            user_name: known(|device| &device.label.name),
            path,
            rtt_ms: round_trip,
            connected,
            reason,
        }
    });
    Ok(PeersList { peers: peers.collect() })
}

async fn resume(shared: &Arc<Shared>, request: api::MirrorResume) -> Result<MirrorResumed, ApiError> {
    let (workspace, _, _) = shared.workspace_of(&request.folder)?;
    // Without a running node the folder is looked at only now, and whether it is on hold shows then.
    scanned(&workspace, &ProgressSink::none()).await?;
    let decision = match request.decision {
        MirrorDecision::Deleted => Decision::Deleted,
        MirrorDecision::Restore => Decision::Restore,
        MirrorDecision::Share => Decision::Share,
    };
    let resumed = workspace.ask(move |engine| {
        let Some(reason) = engine.hold() else {
            return Err(ApiError::usage("the folder is not on hold").hint("`weft status` tells its state"));
        };
        let is_of_branch = matches!(reason, HoldReason::BranchSwitched { .. });
        if is_of_branch != (decision == Decision::Share) {
            return Err(ApiError::usage(format!("that does not answer the question: {reason}"))
                .hint(reason.hint())
                .data_state("nothing was changed"));
        }
        engine.put(Output::Folder(crate::folder::FolderJob::Resume(decision)));
        Ok(())
    });
    resumed.await.ok_or_else(ended)??;
    let deadline = Instant::now() + STORE_TIME_MAX;
    loop {
        let (done, held) =
            workspace.ask(|engine| (engine.progressed(), engine.hold())).await.ok_or_else(ended)?;
        if held.is_none() && done.outstanding == 0 && done.storing == 0 {
            return Ok(MirrorResumed { files: done.files });
        }
        if Instant::now() > deadline {
            return Err(ApiError::unreachable("the folder is not as it should be yet")
                .hint("`weft status` tells its state"));
        }
        tokio::time::sleep(POLL * 4).await;
    }
}

async fn policy(shared: &Arc<Shared>, request: api::Policy) -> Result<Policies, ApiError> {
    let (workspace, _, _) = shared.workspace_of(&request.folder)?;
    let told = |engine: &mut Engine| Policies {
        branch_switch: match engine.holds_branches() {
            true => BranchSwitch::Hold,
            false => BranchSwitch::Share,
        },
        ai_local_only: engine.is_ai_local_only(),
    };
    let mut wanted: Vec<(&'static str, &'static str)> = Vec::new();
    wanted.extend(request.branch_switch.map(|wanted| (POLICY_BRANCH_SWITCH, wanted.name())));
    wanted.extend(
        request.ai_local_only.map(|wanted| (POLICY_AI_LOCAL_ONLY, if wanted { "on" } else { "off" })),
    );
    if wanted.is_empty() {
        return workspace.ask(told).await.ok_or_else(ended);
    }
    let user = shared.profile().user_id();
    let written = workspace.ask(move |engine| {
        for (key, value) in wanted {
            let membership = engine.replica().membership()?;
            match set_policy(membership, &user, key, value.into()) {
                // The name of the write is of no interest: membership tells when it is there.
                Ok(operations) => engine.feed(Input::WriteAcl { write: WriteId(0), operations }),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(()))
    });
    let written = written.await.ok_or_else(ended)?.ok_or_else(ended)?;
    written.map_err(|error| {
        ApiError::not_allowed(error.to_string())
            .hint("ask an admin of the workspace to set it")
            .data_state("nothing was changed")
    })?;
    let deadline = Instant::now() + STORE_TIME_MAX;
    loop {
        let done = workspace.ask(move |engine| (told(engine), engine.replica().sync_status().storing));
        let (policies, storing) = done.await.ok_or_else(ended)?;
        let is_set = request.branch_switch.is_none_or(|wanted| wanted == policies.branch_switch)
            && request.ai_local_only.is_none_or(|wanted| wanted == policies.ai_local_only);
        if is_set && !storing {
            return Ok(policies);
        }
        if Instant::now() > deadline {
            return Err(ApiError::failed("storing the policy takes too long").hint("`weft doctor` says more"));
        }
        tokio::time::sleep(POLL).await;
    }
}

fn info(shared: &Arc<Shared>) -> NodeInfoReport {
    let addresses = shared.net.as_ref().map(|net| {
        let all = net.addresses().into_iter().filter_map(|address| match address {
            weft_net::Address::Ip(address) => Some(address.to_string()),
            weft_net::Address::Relay(_) => None,
        });
        all.collect::<Vec<_>>()
    });
    NodeInfoReport {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        home: shared.home.path().to_owned(),
        online: shared.net.is_some(),
        endpoint: shared.profile().endpoint_id().to_string(),
        addresses: addresses.unwrap_or_default(),
        workspaces: shared.state().registry.mirrored().map(|record| record.root.clone()).collect(),
    }
}
