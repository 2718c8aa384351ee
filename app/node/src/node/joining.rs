//! The joining side: from a ticket to a folder with all files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_crdt::tree::{ContentValue, NodeKind};
use weft_net::{Address, FrameStream};
use weft_store::{EntryMarks, NewEntry, Write};
use weft_sync::acl::Class;
use weft_sync::identity::Fingerprint;
use weft_sync::ids::{EndpointId, WorkspaceId};
pub(super) use weft_sync::invite::Joined as JoinedWorkspace;
use weft_sync::invite::{JoinError, Newcomer, NewcomerEffect, NewcomerInput, Offer};
use weft_sync::ticket::Ticket;

use super::opening::{StartFolder, start_workspace};
use super::{Shared, ended, inviting, network, opening, paths};
use crate::api::{
    ApiError, BoxFuture, Existing, Join, JoinPreview, JoinPreviewed, Joined, Progress, ProgressSink, Stage,
};
use crate::registry::{Overlap, WorkspaceRecord};
use crate::workspace::engine::Engine;
use crate::workspace::queries::role;
use crate::workspace::saves::is_text;
use crate::workspace::thread::{Message, WorkspaceHandle};

const POLL: Duration = Duration::from_millis(20);
/// How many programs are named that come with a workspace.
const PROGRAMS_NAMED: usize = 5;
/// Pause between tries to reach the inviter.
const RETRY: Duration = Duration::from_millis(400);
/// How often everything must have been found complete, one after the other.
const CALM_POLLS: u32 = 2;

/// What the inviter said, with the stream to go on with.
struct Meeting {
    newcomer: Newcomer,
    stream: FrameStream,
    offer: Offer,
}

pub(super) fn parse(text: &str) -> Result<Ticket, ApiError> {
    Ticket::parse(text).map_err(|error| {
        ApiError::usage(error.to_string()).hint(error.hint()).data_state("nothing was changed")
    })
}

/// A ticket that invites into a workspace.
fn parse_invitation(text: &str) -> Result<Ticket, ApiError> {
    let ticket = parse(text)?;
    if ticket.is_link() {
        return Err(ApiError::usage("this ticket links a device to the person who wrote it")
            .hint("on a device of the same person: `weft device accept TICKET`")
            .data_state("nothing was changed"));
    }
    if ticket.class == Class::Keeper {
        return Err(ApiError::usage(
            "this ticket is for a keeper, who holds what others share and cannot read it",
        )
        .hint("`weft keep TICKET` keeps it on this device; to work on it, ask for a ticket with another role")
        .data_state("nothing was changed"));
    }
    Ok(ticket)
}

/// Looks whether a text is a whole ticket, without asking anybody.
///
/// # Errors
/// When it is none, with what is wrong with it.
pub fn check_ticket(text: &str) -> Result<(), ApiError> {
    parse(text).map(drop)
}

pub(super) fn refused(error: &JoinError) -> ApiError {
    ApiError::failed(error.to_string()).hint(error.hint()).data_state("nothing was changed")
}

/// Where the inviter is, as the ticket says.
pub(super) fn places(ticket: &Ticket) -> Vec<Address> {
    let direct = ticket.addresses.iter().copied().map(Address::from);
    direct.chain(ticket.relay.clone().map(Address::Relay)).collect()
}

/// Meets the inviter, trying until the deadline.
async fn meet(
    shared: &Arc<Shared>,
    ticket: &Ticket,
    deadline: Instant,
    progress: &ProgressSink,
) -> Result<Meeting, ApiError> {
    let whom = Whom::of_ticket(ticket);
    reach(shared, &whom, deadline, progress, |stream| Box::pin(greet(shared, ticket, stream))).await
}

/// A device that is to be reached.
pub(super) struct Whom {
    /// Its address in the network.
    pub(super) endpoint: EndpointId,
    /// Where it was.
    pub(super) places: Vec<Address>,
    /// What it is called, for those who wait.
    pub(super) name: String,
    /// The relay that it uses.
    pub(super) relay: Option<String>,
}

impl Whom {
    /// The device that wrote a ticket.
    pub(super) fn of_ticket(ticket: &Ticket) -> Self {
        let name = ticket.inviter_name.clone();
        Self {
            endpoint: ticket.inviter,
            places: places(ticket),
            name: if name.is_empty() { "the inviter".to_owned() } else { name },
            relay: ticket.relay.clone(),
        }
    }
}

/// Reaches a device and greets it, trying until the deadline.
pub(super) async fn reach<'a, T>(
    shared: &'a Arc<Shared>,
    whom: &Whom,
    deadline: Instant,
    progress: &ProgressSink,
    greet: impl Fn(FrameStream) -> BoxFuture<'a, Result<T, GreetError>>,
) -> Result<T, ApiError> {
    let Some(net) = &shared.net else {
        return Err(ApiError::failed("this node is not on the network").hint("start `weft node`, then join"));
    };
    let mut addresses = whom.places.clone();
    addresses.extend(network::remembered(shared, whom.endpoint));
    let who = &whom.name;
    loop {
        progress.report(Progress { detail: Some(who.clone()), ..Progress::new(Stage::Wait) });
        let reason = match net.join_stream(&addresses, whom.endpoint).await {
            Ok(stream) => match greet(stream).await {
                Ok(meeting) => return Ok(meeting),
                Err(GreetError::Final(error)) => return Err(error),
                Err(GreetError::Lost(reason)) => reason,
            },
            Err(error @ weft_net::RequestError::OtherVersion) => {
                return Err(ApiError::failed(format!("{who} cannot be joined: {error}"))
                    .hint(error.hint())
                    .data_state("nothing was changed"));
            }
            Err(error) => error.to_string(),
        };
        if Instant::now() + RETRY >= deadline {
            let hint = match &whom.relay {
                Some(relay) if net.relay().is_none() => format!(
                    "the ticket also names the relay {relay}: add `--relay {relay}` (to `weft node`, if it runs) when you \
                     trust it to know who talks to whom; it cannot read what is sent"
                ),
                _ => "both devices must be on and on one network; then run the same command again".to_owned(),
            };
            return Err(ApiError::unreachable(format!("{who} cannot be reached: {reason}"))
                .hint(hint)
                .data_state("nothing was changed"));
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Why nothing came of a greeting.
pub(super) enum GreetError {
    /// Trying again leads nowhere.
    Final(ApiError),
    /// It may go better the next time.
    Lost(String),
}

impl From<weft_net::StreamError> for GreetError {
    fn from(error: weft_net::StreamError) -> Self {
        Self::Lost(error.to_string())
    }
}

async fn greet(
    shared: &Arc<Shared>,
    ticket: &Ticket,
    mut stream: FrameStream,
) -> Result<Meeting, GreetError> {
    let profile = shared.profile();
    let mut rng = shared.fork_rng();
    let ends = (profile.endpoint_id(), stream.peer());
    let (mut newcomer, hello) =
        Newcomer::new(ticket, profile.chain.clone(), profile.label.clone(), ends, &mut rng);
    stream.send(Bytes::from(hello)).await?;
    loop {
        let Some(frame) = stream.recv().await? else {
            return Err(GreetError::Lost("it hung up".to_owned()));
        };
        for effect in newcomer.handle(NewcomerInput::Frame(frame.to_vec())) {
            match effect {
                NewcomerEffect::Send(bytes) => stream.send(Bytes::from(bytes)).await?,
                NewcomerEffect::Preview(offer) => return Ok(Meeting { newcomer, stream, offer }),
                NewcomerEffect::Failed(error) => return Err(GreetError::Final(refused(&error))),
                NewcomerEffect::Waiting | NewcomerEffect::Joined(_) => {}
            }
        }
    }
}

/// Where a workspace of this name goes.
pub(super) fn target(folder: Option<&Path>, parent: &Path, name: &str) -> PathBuf {
    let folder = folder.map_or_else(|| parent.join(folder_name(name)), Path::to_owned);
    paths::absolute(&folder)
}

/// A name that every file system takes as one folder.
pub(super) fn folder_name(name: &str) -> String {
    let name: String = name
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|'))
        .take(64)
        .collect();
    let name = name.trim().trim_matches('.').to_owned();
    if name.is_empty() { "workspace".to_owned() } else { name }
}

/// Tells what a ticket leads to, without changing anything.
pub(super) async fn preview(
    shared: &Arc<Shared>,
    request: JoinPreview,
    progress: &ProgressSink,
) -> Result<JoinPreviewed, ApiError> {
    let ticket = parse_invitation(&request.ticket)?;
    let deadline = Instant::now() + Duration::from_secs_f64(request.timeout_seconds.clamp(0.0, 1e6));
    let meeting = meet(shared, &ticket, deadline, progress).await?;
    let offer = &meeting.offer;
    let folder = target(request.folder.as_deref(), &request.parent, &offer.workspace);
    check_target(shared, &folder, &ticket.ws)?;
    let (here, _) = count_files(&folder);
    Ok(JoinPreviewed {
        workspace: ticket.ws.to_string(),
        name: offer.workspace.clone(),
        role: role(offer.class),
        inviter: ticket.inviter.to_string(),
        inviter_name: Some(offer.inviter.name.clone()).filter(|name| !name.is_empty()),
        fingerprint: inviting::spoken(&Fingerprint::of_user(&shared.profile().user_id())),
        folder,
        files: offer.files,
        bytes: offer.bytes,
        here,
    })
}

/// Whether a workspace may go there; gives what is remembered of it when it is there already.
pub(super) fn check_target(
    shared: &Shared,
    folder: &Path,
    ws: &WorkspaceId,
) -> Result<Option<WorkspaceRecord>, ApiError> {
    let state = shared.state();
    if let Some(record) = state.registry.get(ws) {
        if record.root == folder {
            return Ok(Some(record.clone()));
        }
        return Err(ApiError::usage(format!(
            "this workspace is on this device already, at {}",
            record.root.display()
        ))
        .hint("`weft leave` there first, or go on working there")
        .data_state("nothing was changed"));
    }
    check_own_data(shared, folder)?;
    match state.registry.overlap(folder) {
        None if !folder.exists() || folder.is_dir() => Ok(None),
        None => {
            Err(ApiError::usage(format!("{} is not a folder", folder.display())).hint("name another folder"))
        }
        Some(overlap) => Err(overlap_error(folder, &overlap)),
    }
}

/// Weft's own data must not become files of a workspace: what is received would change what is sent, and the keys would
/// travel.
pub(super) fn check_own_data(shared: &Shared, folder: &Path) -> Result<(), ApiError> {
    let home = shared.home.path();
    let told = if home == folder {
        ApiError::usage(format!("{} is Weft's own data folder", folder.display()))
            .hint("choose a folder outside of it")
    } else if home.starts_with(folder) {
        ApiError::usage(format!("{} holds Weft's own data, in {}", folder.display(), home.display()))
            .hint("choose another folder, or set WEFT_HOME to another place")
    } else if folder.starts_with(home) {
        ApiError::usage(format!("{} lies in Weft's own data folder", folder.display()))
            .hint("choose a folder outside of it")
    } else {
        return Ok(());
    };
    Err(told.data_state("nothing was changed"))
}

/// Why a folder cannot become a workspace.
pub(super) fn overlap_error(folder: &Path, overlap: &Overlap) -> ApiError {
    let told = match overlap {
        Overlap::Same(record) => {
            ApiError::usage(format!("{} is the workspace “{}” already", folder.display(), record.name))
                .hint("`weft status` shows it; `weft leave` makes it an ordinary folder again")
        }
        Overlap::Inside(record) => ApiError::usage(format!(
            "{} lies inside of the workspace “{}” at {}",
            folder.display(),
            record.name,
            record.root.display()
        ))
        .hint("choose a folder outside of it: workspaces are never nested"),
        Overlap::Around(record) => ApiError::usage(format!(
            "the workspace “{}” lies inside of {}, at {}",
            record.name,
            folder.display(),
            record.root.display()
        ))
        .hint("choose another folder, or `weft leave` the inner one first"),
    };
    told.data_state("nothing was changed")
}

/// Joins: returns when all files are on disk.
pub(super) async fn join(
    shared: &Arc<Shared>,
    request: Join,
    progress: &ProgressSink,
) -> Result<Joined, ApiError> {
    let begin = Instant::now();
    let ticket = parse_invitation(&request.ticket)?;
    let deadline = begin + Duration::from_secs_f64(request.timeout_seconds.clamp(0.0, 1e6));
    let known = {
        let state = shared.state();
        state.registry.get(&ticket.ws).cloned()
    };
    let is_new = known.is_none();
    let entered = match known {
        Some(record) => resume(shared, &request, &ticket, record)?,
        None => come_in(shared, &request, &ticket, deadline, progress).await?,
    };
    if let Some(net) = &shared.net {
        // Wanting ourselves is refused, which only happens with a ticket of our own.
        let _ = net.want(ticket.inviter, places(&ticket)).await;
    }
    let filling = Filling { entered, is_new, existing: request.existing, begin, deadline };
    fill(shared, filling, progress).await
}

/// A workspace whose files are to come.
pub(super) struct Filling {
    /// The workspace.
    pub(super) entered: Entered,
    /// Whether this device has never held it.
    pub(super) is_new: bool,
    /// What becomes of files that are in the folder already.
    pub(super) existing: Existing,
    /// Since when it lasts.
    pub(super) begin: Instant,
    /// Until when something must come.
    pub(super) deadline: Instant,
}

/// Brings the files of a workspace into its folder: returns when all are there.
pub(super) async fn fill(
    shared: &Arc<Shared>,
    filling: Filling,
    progress: &ProgressSink,
) -> Result<Joined, ApiError> {
    let Filling { entered: (record, workspace, expected), is_new, existing, begin, deadline } = filling;
    network::want_members(shared, record.id).await;
    // Into an empty folder the first files are written while the tree is still coming.
    let starts_at_once = is_new && is_empty(&record.root);
    if starts_at_once {
        workspace.send(Message::StartFolder { watch: true });
    }
    wait_for_tree(&workspace, expected, deadline).await?;
    let conflicts =
        if starts_at_once { 0 } else { prepare_folder(&workspace, &record.root, existing, deadline).await? };
    workspace.send(Message::StartFolder { watch: true });
    let done = wait_for_files(&workspace, expected, deadline, progress).await?;
    let summary = workspace.ask(|engine| engine.summary()).await.ok_or_else(ended)?;
    let programs = workspace.ask(|engine| engine.programs()).await.ok_or_else(ended)?;
    complete(shared, record.clone()).await?;
    Ok(Joined {
        workspace: record.id.to_string(),
        name: summary.name,
        files: done.files,
        bytes: done.bytes,
        conflicts,
        seconds: begin.elapsed().as_secs_f64(),
        folder: record.root,
        role: summary.role,
        pending: summary.pending,
        notes: shared.notice.iter().cloned().chain(programs_note(&programs)).collect(),
    })
}

/// A workspace on this device, and how many files it has elsewhere.
pub(super) type Entered = (WorkspaceRecord, WorkspaceHandle, u64);

fn resume(
    shared: &Arc<Shared>,
    request: &Join,
    ticket: &Ticket,
    record: WorkspaceRecord,
) -> Result<Entered, ApiError> {
    if let Some(folder) = &request.folder {
        check_target(shared, &paths::absolute(folder), &ticket.ws)?;
    }
    let handle = shared.handle(&ticket.ws).ok_or_else(ended)?;
    Ok((record, handle, 0))
}

async fn come_in(
    shared: &Arc<Shared>,
    request: &Join,
    ticket: &Ticket,
    deadline: Instant,
    progress: &ProgressSink,
) -> Result<Entered, ApiError> {
    if let Some(folder) = &request.folder {
        check_target(shared, &paths::absolute(folder), &ticket.ws)?;
    }
    let meeting = meet(shared, ticket, deadline, progress).await?;
    let (name, files) = (meeting.offer.workspace.clone(), meeting.offer.files);
    let folder = target(request.folder.as_deref(), &request.parent, &name);
    check_target(shared, &folder, &ticket.ws)?;
    let joined = be_let_in(shared, meeting, deadline, progress).await?;
    let folder = make_folder(&folder)?;
    let record = WorkspaceRecord { id: joined.ws, root: folder, name, is_complete: false };
    let mut writes = entry_writes(&joined);
    writes.push(shared.state().registry.put(record.clone()));
    shared
        .storage
        .commit(&writes)
        .map_err(|error| ApiError::failed(opening::chain(&error)).hint(error.hint()))?;
    let handle = start_workspace(shared, &record, StartFolder::Later)?;
    Ok((record, handle, files))
}

/// Meets the inviter and is let in, without a folder.
pub(super) async fn come_in_as(
    shared: &Arc<Shared>,
    ticket: &Ticket,
    deadline: Instant,
    progress: &ProgressSink,
) -> Result<Box<JoinedWorkspace>, ApiError> {
    let meeting = meet(shared, ticket, deadline, progress).await?;
    be_let_in(shared, meeting, deadline, progress).await
}

/// Says yes to an offer, and waits for the inviter's.
async fn be_let_in(
    shared: &Arc<Shared>,
    Meeting { mut newcomer, mut stream, .. }: Meeting,
    deadline: Instant,
    progress: &ProgressSink,
) -> Result<Box<JoinedWorkspace>, ApiError> {
    let mut effects = newcomer.handle(NewcomerInput::Accept);
    let lost = |error: weft_net::StreamError| {
        ApiError::unreachable(format!("the inviter hung up: {error}")).hint("run the same command again")
    };
    loop {
        for effect in std::mem::take(&mut effects) {
            match effect {
                NewcomerEffect::Send(bytes) => stream.send(Bytes::from(bytes)).await.map_err(lost)?,
                NewcomerEffect::Waiting => {
                    let signs = Fingerprint::of_user(&shared.profile().user_id());
                    let detail = format!("the inviter's yes; your signs are {signs}");
                    progress.report(Progress { detail: Some(detail), ..Progress::new(Stage::Wait) });
                }
                NewcomerEffect::Joined(joined) => return Ok(joined),
                NewcomerEffect::Failed(error) => return Err(refused(&error)),
                NewcomerEffect::Preview(_) => {}
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let received = tokio::time::timeout(left, stream.recv()).await.map_err(|_| {
            ApiError::unreachable("the inviter has not confirmed in time")
                .hint("ask them to confirm (`weft invitations`), then run the same command again")
                .data_state("nothing was changed")
        })?;
        let Some(frame) = received.map_err(lost)? else {
            return Err(ApiError::unreachable("the inviter hung up").hint("run the same command again"));
        };
        effects = newcomer.handle(NewcomerInput::Frame(frame.to_vec()));
    }
}

/// Makes a workspace's folder, unless it exists; gives its real path.
pub(super) fn make_folder(folder: &Path) -> Result<PathBuf, ApiError> {
    std::fs::create_dir_all(folder).map_err(|error| {
        ApiError::failed(format!("{} cannot be made: {error}", folder.display()))
            .hint("choose a folder that you may write to")
            .data_state("you are a member; run the same command again with another folder")
    })?;
    Ok(paths::absolute(folder))
}

/// Stores what somebody who was let in begins with.
pub(super) fn entry_writes(joined: &JoinedWorkspace) -> Vec<Write> {
    let entries = joined.entries.iter().map(|entry| {
        Write::Entry(NewEntry {
            ws: joined.ws,
            at: entry.entry_ref(),
            kind: entry.header.kind,
            marks: EntryMarks::NONE,
            bytes: entry.encode().into(),
        })
    });
    entries.collect()
}

/// Waits until the tree of the workspace has come.
async fn wait_for_tree(
    workspace: &WorkspaceHandle,
    expected: u64,
    deadline: Instant,
) -> Result<(), ApiError> {
    loop {
        let done = workspace.ask(|engine| engine.progressed()).await.ok_or_else(ended)?;
        let is_there = done.files > 0 || (expected == 0 && done.connected > 0 && done.is_quiet);
        if is_there || done.is_scanned {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(not_in_time(0, expected));
        }
        tokio::time::sleep(POLL / 4).await;
    }
}

fn not_in_time(done: u64, expected: u64) -> ApiError {
    ApiError::unreachable(format!("{done} of {expected} files have come in time"))
        .hint("run the same command again: it goes on where it stopped")
        .data_state("you are a member, and what has come is kept")
}

/// Waits until every file is on disk.
async fn wait_for_files(
    workspace: &WorkspaceHandle,
    expected: u64,
    mut deadline: Instant,
    progress: &ProgressSink,
) -> Result<crate::workspace::progressed::Progressed, ApiError> {
    let patience = deadline.saturating_duration_since(Instant::now()).max(Duration::from_secs(10));
    let (mut calm, mut last) = (0, None);
    loop {
        let done = workspace.ask(|engine| engine.progressed()).await.ok_or_else(ended)?;
        let left = done.missing + done.outstanding + done.waiting;
        let written = done.files.saturating_sub((done.missing + done.outstanding) as u64);
        let total = done.files.max(expected);
        progress.report(Progress {
            done: written,
            total: Some(total),
            bytes: Some(done.bytes),
            ..Progress::new(Stage::Receive)
        });
        let is_done = left == 0 && done.is_scanned && done.is_quiet && done.files > 0
            || (expected == 0 && left == 0 && done.is_quiet && done.connected > 0 && done.is_scanned);
        calm = if is_done { calm + 1 } else { 0 };
        if calm >= CALM_POLLS {
            return Ok(done);
        }
        // As long as something moves, there is time.
        let now = Some((left, done.moved));
        if now != last {
            (last, deadline) = (now, Instant::now() + patience);
        }
        if Instant::now() > deadline {
            return Err(not_in_time(written, total));
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn complete(shared: &Arc<Shared>, mut record: WorkspaceRecord) -> Result<(), ApiError> {
    record.is_complete = true;
    let write = shared.state().registry.put(record);
    shared.storage.commit(&[write]).map(|_| ()).map_err(|error| ApiError::failed(opening::chain(&error)))
}

/// Makes room for the workspace's files in a folder that has some: nothing is overwritten. Gives
/// how many files of other content were there.
async fn prepare_folder(
    workspace: &WorkspaceHandle,
    root: &Path,
    existing: Existing,
    deadline: Instant,
) -> Result<u64, ApiError> {
    if is_empty(root) {
        return Ok(0);
    }
    let wanted = workspace.ask(|engine| engine.shown_contents()).await.ok_or_else(ended)?;
    let contents = workspace.ask(|engine| engine.contents()).await.ok_or_else(ended)?;
    let Some(contents) = contents else { return Ok(0) };
    let different = blocking({
        let root = root.to_owned();
        move || {
            let files = wanted.into_iter().filter_map(|(path, content)| {
                let place = root.join(&path);
                let is_file = place.symlink_metadata().is_ok_and(|data| data.is_file());
                let bytes = is_file.then(|| std::fs::read(&place).ok()).flatten()?;
                (contents.content_id(&bytes) != content).then(|| (path, is_text(&bytes)))
            });
            Ok(files.collect::<Vec<_>>())
        }
    })
    .await?;
    let count = different.len() as u64;
    let aside = match existing {
        _ if different.is_empty() => Vec::new(),
        Existing::KeepBoth => different.into_iter().map(|(path, _)| path).collect(),
        Existing::Mine | Existing::Theirs => adopt(workspace, different, existing, deadline).await?,
    };
    let root = root.to_owned();
    blocking(move || {
        aside.iter().try_for_each(|path| {
            let place = root.join(path);
            std::fs::rename(&place, free_name(&place, existing))
        })
    })
    .await?;
    Ok(count)
}

async fn blocking<T: Send + 'static>(
    task: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(task).await;
    done.map_err(|error| ApiError::failed(error.to_string()))?.map_err(|error| {
        ApiError::failed(format!("a file of yours could not be put aside: {error}"))
            .hint("make the folder writable, then run the same command again")
            .data_state("nothing was overwritten")
    })
}

/// Lets files become edits of the workspace's, once what these hold is here. Gives those that cannot: where mine shall
/// stay in the history only, texts alone have one.
async fn adopt(
    workspace: &WorkspaceHandle,
    different: Vec<(String, bool)>,
    existing: Existing,
    deadline: Instant,
) -> Result<Vec<String>, ApiError> {
    loop {
        let paths: Vec<String> = different.iter().map(|(path, _)| path.clone()).collect();
        let missing = workspace.ask(move |engine| engine.want_contents(&paths)).await.ok_or_else(ended)?;
        if missing == 0 {
            break;
        }
        if Instant::now() > deadline {
            return Err(not_in_time(0, missing as u64));
        }
        tokio::time::sleep(POLL).await;
    }
    workspace.ask(move |engine| engine.adopt_existing(different, existing)).await.ok_or_else(ended)
}

pub(super) fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// A name beside a file that nothing has.
fn free_name(place: &Path, existing: Existing) -> PathBuf {
    let label = if existing == Existing::Theirs { "before joining" } else { "mine" };
    let stem = place.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let extension = place.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
    (1..)
        .map(|n| match n {
            1 => format!("{stem} ({label}){extension}"),
            n => format!("{stem} ({label} {n}){extension}"),
        })
        .map(|name| place.with_file_name(name))
        .find(|path| !path.exists())
        .expect("numbers without end")
}

fn count_files(folder: &Path) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(data) if data.is_dir() && entry.file_name() != ".git" => open.push(entry.path()),
                Ok(data) if data.is_file() => {
                    files += 1;
                    bytes += data.len();
                }
                _ => {}
            }
        }
    }
    (files, bytes)
}

impl Engine {
    /// The paths of files that may be run as programs.
    fn programs(&self) -> Vec<String> {
        let mut shown = self.shown();
        shown.retain(|_, node| node.kind == NodeKind::File && node.executable);
        shown.into_keys().collect()
    }

    /// The name of the content of each shown file.
    pub(crate) fn shown_contents(&self) -> BTreeMap<String, weft_crdt::ContentId> {
        let mut contents = BTreeMap::new();
        for (path, shown) in self.shown() {
            if shown.kind != NodeKind::File {
                continue;
            }
            match shown.content.as_deref() {
                Some(ContentValue::Blob(blob)) => {
                    contents.insert(path, blob.content);
                }
                Some(ContentValue::Text { document, base }) => {
                    let id = self.text_content(*document).unwrap_or(base.content);
                    contents.insert(path, id);
                }
                None => {}
            }
        }
        contents
    }
}

/// How many files may be run as programs, with the first of them: whoever writes here put them there.
fn programs_note(names: &[String]) -> Option<String> {
    let first = names.iter().take(PROGRAMS_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => None,
        1 => Some(format!("One file may be run as a program: {first}")),
        count @ 2..=PROGRAMS_NAMED => Some(format!("{count} files may be run as programs: {first}")),
        count => {
            Some(format!("{count} files may be run as programs: {first} and {} more", count - PROGRAMS_NAMED))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_workspaces_become_names_of_folders() {
        assert_eq!(folder_name("my project"), "my project");
        assert_eq!(folder_name("../../etc"), "etc");
        assert_eq!(folder_name("a/b\u{1b}[2J"), "ab[2J");
        assert_eq!(folder_name(".."), "workspace");
    }

    #[test]
    fn programs_that_come_with_a_workspace_are_named() {
        let names = |count: usize| (0..count).map(|number| format!("{number}.sh")).collect::<Vec<_>>();
        assert_eq!(programs_note(&names(0)), None);
        let told = |count| programs_note(&names(count)).unwrap();
        assert_eq!(told(1), "One file may be run as a program: 0.sh");
        assert_eq!(told(2), "2 files may be run as programs: 0.sh, 1.sh");
        assert_eq!(told(5), "5 files may be run as programs: 0.sh, 1.sh, 2.sh, 3.sh, 4.sh");
        assert_eq!(told(7), "7 files may be run as programs: 0.sh, 1.sh, 2.sh, 3.sh, 4.sh and 2 more");
    }

    #[test]
    fn what_is_put_aside_gets_a_free_name() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a.txt");
        assert_eq!(free_name(&place, Existing::KeepBoth), folder.path().join("a (mine).txt"));
        std::fs::write(folder.path().join("a (mine).txt"), "").unwrap();
        assert_eq!(free_name(&place, Existing::KeepBoth), folder.path().join("a (mine 2).txt"));
    }
}
